// A minimal_ring: exactly what it was asked for, and nothing done behind its calls. One thread.

#include "catch.hpp"

#include "support/files.hpp"
#include "support/footprint.hpp"
#include "support/numbers.hpp"
#include "support/skip.hpp"

#include <lio/minimal_ring.hpp>
#include <lio/minimum_kernel.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/read_write.hpp>
#include <lio/ring.hpp>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <pthread.h>
#include <sys/time.h>

namespace minimal_ring_test {

using lio::cause;
using lio::minimal_ring;
using lio::setup;
using lio::op::nop;
using lio::test::from_to;
using lio::test::reap_all;

namespace {

// Runs `body(ring)` for a ring with these flags, or tells what it would take.
template <setup Flags, class Body>
void under(const char* name, Body& body, std::uint32_t entries) {
    DYNAMIC_SECTION("on a minimal ring set up as: " << name) {
        auto made = minimal_ring<Flags>::create(entries);
        if (!made && made.error().code() == EINVAL && Flags != setup::none) {
            const lio::kernel_version needed = lio::since(Flags);
            lio::test::record_partial_skip(std::string{name} + ": since Linux " + std::to_string(needed.major) + "." +
                                           std::to_string(needed.minor));
            return;
        }
        body(made.value());
    }
}

template <class Body>
void under_each_minimal_setup(Body body, std::uint32_t entries = 8) {
    under<setup::none>("nothing", body, entries);
    under<setup::submit_all>("submit_all", body, entries);
    under<setup::no_sq_array>("no_sq_array", body, entries);
    under<setup::cooperative_taskrun | setup::taskrun_flag>("cooperative_taskrun, taskrun_flag", body, entries);
    under<setup::single_issuer | setup::deferred_taskrun>("deferred_taskrun without its flag", body, entries);
    under<setup::single_issuer | setup::deferred_taskrun | setup::taskrun_flag | setup::submit_all |
          setup::no_sq_array>("the set-up that lio::ring has", body, entries);
}

// Of nobody: the entry is refused, and its completion says so.
constexpr std::uint16_t no_personality = 9999;

// Whether there could be a minimal_ring with these flags.
template <setup Flags>
concept can_be = requires {
    minimal_ring<Flags>::create(1);
};
static_assert(can_be<setup::single_issuer | setup::deferred_taskrun>);
static_assert(!can_be<setup::deferred_taskrun>);
static_assert(!can_be<setup::sqpoll> && !can_be<setup::start_disabled> && !can_be<setup::large_entries> &&
              !can_be<setup::registered_file_only> && !can_be<setup::no_sq_array | setup::rewind>);
static_assert(!std::is_copy_constructible_v<minimal_ring<>> && !std::is_copy_assignable_v<minimal_ring<>> &&
              std::is_nothrow_move_constructible_v<minimal_ring<>>);

} // namespace

TEST_CASE("a minimal ring carries operations out, more of them than its queues hold") {
    under_each_minimal_setup([](auto& ring) {
        for (std::uint64_t round = 0; round < 20; ++round) {
            ring.push(nop().user_data(3 * round), nop().user_data(3 * round + 1)).value();
            ring.push(nop().user_data(3 * round + 2)).value();
            CHECK(ring.unsubmitted() == 3);
            const lio::submission done = ring.submit_and_wait(3).value();
            CHECK(done.taken == 3);
            CHECK(done.left == 0);
            CHECK(ring.unsubmitted() == 0);
            CHECK(ring.ready() == 3);
            CHECK(reap_all(ring) == from_to(3 * round, 3 * round + 2));
            CHECK(ring.ready() == 0);
        }
    });
}

TEST_CASE("a minimal ring reads a pipe, and next comes what was not visited") {
    under_each_minimal_setup([](auto& ring) {
        const lio::test::pipe_ends pipe;
        char byte = 0;
        ring.push(lio::op::read(pipe.reading(), lio::mutable_bytes{&byte, 1}, lio::current_position).user_data(7))
            .value();
        CHECK(ring.submit().value().taken == 1);
        CHECK(ring.try_next().error().code() == EAGAIN);
        REQUIRE(::write(pipe.writing(), "x", 1) == 1);
        CHECK(ring.submit_and_wait(1).value().taken == 0);
        const lio::cqe done = ring.try_next().value();
        CHECK(done.result().value() == 1);
        CHECK(byte == 'x');

        ring.push(nop().user_data(1), nop().user_data(2)).value();
        ring.submit_and_wait(2).value();
        for (const lio::cqe& first : ring.reap()) {
            CHECK(first.user_data() == 1);
            break;
        }
        CHECK(ring.try_next().value().user_data() == 2);
        CHECK(ring.try_next().error().why() == cause::nothing_ready);

        ring.push(nop().user_data(3), nop().user_data(4)).value();
        ring.submit_and_wait(2).value();
        std::vector<std::uint64_t> visited;
        ring.reap().for_each([&](const auto& one) { visited.push_back(one.user_data()); });
        CHECK(visited == from_to(3, 4));
        CHECK(ring.ready() == 0);
    });
}

TEST_CASE("a push that does not fit into a minimal ring is not pushed at all") {
    under_each_minimal_setup(
        [](auto& ring) {
            CHECK(ring.submission_capacity() == 4);
            CHECK(ring.completion_capacity() == 8);
            ring.push(nop().user_data(1), nop().user_data(2), nop().user_data(3)).value();
            const auto full = ring.push(nop().user_data(4), nop().user_data(5));
            CHECK(full.error() == lio::error{EAGAIN, cause::queue_full});
            const auto never = ring.push(nop(), nop(), nop(), nop(), nop());
            CHECK(never.error() == lio::error{E2BIG, cause::push_too_large});
            ring.push(nop().user_data(4)).value();
            CHECK(ring.push(nop()).error().code() == EAGAIN);
            CHECK(ring.submit_and_wait(4).value().taken == 4);
            CHECK(reap_all(ring) == from_to(1, 4));
            ring.push(nop(), nop(), nop(), nop()).value();
        },
        4);
}

TEST_CASE("completions that a minimal ring had no room for come with the next call that asks for them") {
    if ((lio::ring::create({.entries = 1}).value().features() & lio::abi::feat_nodrop) == 0)
        LIO_SKIP("completions that do not fit are kept: since Linux 5.5");
    under_each_minimal_setup(
        [](auto& ring) {
            for (std::uint64_t i = 0; i < 6; ++i) {
                ring.push(nop().user_data(2 * i), nop().user_data(2 * i + 1)).value();
                ring.submit().value();
            }
            // Brings the deferred ones too; the queue holds four.
            static_cast<void>(ring.submit_and_wait(0));
            CHECK(ring.ready() == 4);
            std::vector<std::uint64_t> seen = reap_all(ring);
            // Looking alone brings nothing.
            CHECK(reap_all(ring).empty());
            CHECK(ring.try_next().error().code() == EAGAIN);
            for (int call = 0; call < 6 && seen.size() < 12; ++call) {
                ring.submit_and_wait(0).value();
                for (const std::uint64_t one : reap_all(ring)) seen.push_back(one);
            }
            CHECK(seen == from_to(0, 11));
        },
        2);
}

TEST_CASE("a minimal ring says that completions did not fit, until they are fetched") {
    auto ring = minimal_ring<>::create(2).value();
    CHECK_FALSE(ring.needs_flush());
    for (int i = 0; i < 3; ++i) {
        ring.push(nop(), nop()).value();
        ring.submit().value();
    }
    if (!ring.needs_flush()) LIO_SKIP("the flag that says that completions did not fit: since Linux 5.8");
    CHECK(reap_all(ring).size() == 4);
    CHECK(ring.needs_flush());
    ring.submit_and_wait(0).value();
    CHECK(reap_all(ring).size() == 2);
    CHECK_FALSE(ring.needs_flush());
}

TEST_CASE("an entry that is refused stops a minimal ring unless it submits all [hazard 6]", "[hazard 6]") {
    under_each_minimal_setup([](auto& ring) {
        ring.push(nop().user_data(1), nop().personality(no_personality).user_data(2), nop().user_data(3)).value();
        const lio::submission first = ring.submit_and_wait(2).value();
        if (lio::has(ring.setup_flags(), setup::submit_all)) {
            CHECK(first.taken == 3);
        } else {
            CHECK(first.taken == 2);
            CHECK(first.left == 1);
            CHECK(ring.unsubmitted() == 1);
            CHECK(ring.submit().value().taken == 1);
        }
        ring.submit_and_wait(3).value();
        int seen = 0;
        for (const lio::cqe& done : ring.reap()) {
            CHECK(done.raw_result() == (done.user_data() == 2 ? -EINVAL : 0));
            ++seen;
        }
        CHECK(seen == 3);
    });
}

TEST_CASE("a signal ends the wait of a minimal ring") {
    auto ring = minimal_ring<>::create(2).value();
    struct sigaction act {};
    struct sigaction before {};
    act.sa_handler = [](int) {};
    REQUIRE(::sigaction(SIGALRM, &act, &before) == 0);
    // Again and again, in case that it comes before the wait.
    const itimerval often{{0, 5000}, {0, 5000}};
    const itimerval never{};
    REQUIRE(::setitimer(ITIMER_REAL, &often, nullptr) == 0);
    const auto waited = ring.submit_and_wait(1);
    REQUIRE(::setitimer(ITIMER_REAL, &never, nullptr) == 0);
    REQUIRE(::sigaction(SIGALRM, &before, nullptr) == 0);
    CHECK(waited.error() == lio::error{EINTR, cause::enter_call});
    ring.push(nop().user_data(5)).value();
    CHECK(ring.submit_and_wait(1).value().taken == 1);
    CHECK(reap_all(ring) == from_to(5, 5));
}

TEST_CASE("a minimal ring is made exactly or not at all, and the error is the kernel's") {
    CHECK(minimal_ring<>::create(0).error() == lio::error{EINVAL, cause::setup_call});
    CHECK(minimal_ring<>::create(1u << 20).error() == lio::error{EINVAL, cause::setup_call});
    CHECK(minimal_ring<>::create(8, 4).error() == lio::error{EINVAL, cause::setup_call});
    const auto clamped = minimal_ring<setup::clamp>::create(1u << 20);
    if (!clamped) LIO_SKIP("setup::clamp: since Linux 5.6");
    CHECK(clamped->submission_capacity() == 32768);
    const auto wide = minimal_ring<>::create(3, 30);
    REQUIRE(wide);
    CHECK(wide->submission_capacity() == 4);
    CHECK(wide->completion_capacity() == 32);
}

TEST_CASE("a minimal ring of one issuer is refused to another thread, and nothing is lost") {
    auto made = minimal_ring<setup::single_issuer>::create(2);
    if (!made) LIO_SKIP("setup::single_issuer: since Linux 6.0");
    auto& ring = *made;
    ring.push(nop().user_data(9)).value();
    std::thread{[&ring] { CHECK(ring.submit().error() == lio::error{EEXIST, cause::enter_call}); }}.join();
    CHECK(ring.unsubmitted() == 1);
    CHECK(ring.submit_and_wait(1).value().taken == 1);
    CHECK(reap_all(ring) == from_to(9, 9));
}

TEST_CASE("a minimal ring that is closed or moved from has nothing and refuses everything") {
    const auto is_none = [](auto& ring) {
        CHECK_FALSE(ring.is_open());
        CHECK(ring.file() == -1);
        CHECK(ring.unsubmitted() == 0);
        CHECK(ring.submission_capacity() == 0);
        CHECK(ring.completion_capacity() == 0);
        CHECK(ring.ready() == 0);
        CHECK(ring.reap().empty());
        CHECK(ring.try_next().error().code() == EAGAIN);
        CHECK(ring.push(nop()).error() == lio::error{EBADF, cause::ring_closed});
        CHECK(ring.submit().error() == lio::error{EBADF, cause::ring_closed});
        CHECK(ring.submit_and_wait(1).error() == lio::error{EBADF, cause::ring_closed});
        CHECK(ring.close());
    };
    under_each_minimal_setup([&](auto& ring) {
        ring.push(nop().user_data(1)).value();
        ring.submit_and_wait(1).value();
        ring.push(nop().user_data(2)).value();
        auto other = std::move(ring);
        is_none(ring);
        // All of it moved along: what is ready, and what is queued.
        CHECK(reap_all(other) == from_to(1, 1));
        other.submit_and_wait(1).value();
        CHECK(reap_all(other) == from_to(2, 2));
        // Assigning closes what was there.
        auto third = std::remove_reference_t<decltype(ring)>::create(1).value();
        const int old = third.file();
        third = std::move(other);
        is_none(other);
        CHECK(::fcntl(old, F_GETFD) == -1);
        third.push(nop().user_data(3)).value();
        third.submit_and_wait(1).value();
        CHECK(reap_all(third) == from_to(3, 3));
        CHECK(third.close());
        is_none(third);
        // And a ring may be moved into one that is none.
        ring = std::remove_reference_t<decltype(ring)>::create(1).value();
        ring.push(nop()).value();
        CHECK(ring.submit_and_wait(1).value().taken == 1);
    });
}

TEST_CASE("minimal rings leave nothing behind, however they end [hazard 18]", "[hazard 18]") {
    lio::test::leaks_nothing(
        [] {
            auto made = minimal_ring<>::create(64);
            auto& ring = made.value();
            ring.push(nop(), nop()).value();
            ring.submit_and_wait(1).value();
            auto moved = std::move(ring);
            auto over = minimal_ring<>::create(8).value();
            over = std::move(moved);
            auto closed = minimal_ring<>::create(8).value();
            REQUIRE(closed.close());
            REQUIRE_FALSE(minimal_ring<>::create(0));
        },
        200, 256 * 1024);
}

} // namespace minimal_ring_test
