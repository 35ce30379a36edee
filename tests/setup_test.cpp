// Setting rings up: what the library chooses, what is asked for exactly, what is refused and how it is told.

#include "support/machine.hpp"
#include "support/rings.hpp"
#include "support/waiting.hpp"

#include <lio/op/nop.hpp>
#include <lio/ring.hpp>
#include <lio/ring_description.hpp>
#include <lio/split.hpp>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

namespace setup_test {

using lio::has;
using lio::setup;
using lio::op::nop;

namespace {

// Whether a refusal names an option that this kernel lacks, with the kernel that it takes.
bool names_missing_option(lio::error problem) {
    return problem.code() == EINVAL && std::strstr(problem.message(), "since Linux") != nullptr;
}

} // namespace

TEST_CASE("every set-up of the table is taken by this kernel, or refused with the option and the kernel it needs") {
    std::string lacking;
    for (const auto& one : lio::test::all_setups()) {
        const auto made = lio::ring::create(one.options);
        if (made) {
            CHECK(has(made->setup_flags(), one.options.require));
            continue;
        }
        INFO(one.name);
        CHECK(names_missing_option(made.error()));
        lacking += std::string{lacking.empty() ? "" : "; "} + one.name + ": " + made.error().message();
    }
    if (!lacking.empty()) lio::test::record_partial_skip(lacking);
}

TEST_CASE("what is asked for exactly is all that the ring has") {
    const auto plain = lio::ring::create({.exactly = true});
    REQUIRE(plain);
    CHECK(plain->setup_flags() == setup::none);
    const auto clamped = lio::ring::create({.require = setup::clamp, .exactly = true});
    REQUIRE(clamped);
    CHECK(clamped->setup_flags() == setup::clamp);
}

TEST_CASE("what is asked for is kept when the library adds its own choices") {
    const auto made = lio::ring::create({.require = setup::clamp});
    REQUIRE(made);
    CHECK(has(made->setup_flags(), setup::clamp));
}

TEST_CASE("the default on a current kernel is the fastest set-up of one thread") {
    lio::ring ring = lio::ring::create().value();
    if (!lio::ring::create({.require = setup::no_sq_array, .exactly = true}))
        LIO_SKIP("the whole of it: since Linux 6.6");
    CHECK(has(ring.setup_flags(), setup::single_issuer | setup::deferred_taskrun | setup::taskrun_flag |
                                      setup::submit_all | setup::no_sq_array));
}

TEST_CASE("a split ring is never bound to the submitting thread") {
    CHECK(lio::with_options({.require = setup::single_issuer | setup::deferred_taskrun}).error() ==
          lio::error{EINVAL, lio::cause::split_binds_thread});
}

TEST_CASE("sizes are rounded up to powers of two, and completions have twice the room") {
    const auto ring = lio::ring::create({.entries = 5});
    REQUIRE(ring);
    CHECK(ring->submission_capacity() == 8);
    CHECK(ring->completion_capacity() == 16);
    const auto wide = lio::ring::create({.entries = 4, .completion_entries = 100});
    REQUIRE(wide);
    CHECK(wide->submission_capacity() == 4);
    CHECK(wide->completion_capacity() == 128);
}

TEST_CASE("impossible sizes are refused with the reason [hazard 25]", "[hazard 25]") {
    const auto why = [](const lio::ring_options& options) {
        const auto made = lio::ring::create(options);
        REQUIRE_FALSE(made);
        CHECK(made.error().code() == EINVAL);
        return made.error().why();
    };
    CHECK(why({.entries = 0}) == lio::cause::no_entries);
    CHECK(why({.entries = 0x80000000u}) == lio::cause::too_many_entries);
    CHECK(why({.entries = 32769}) == lio::cause::too_many_entries);
    CHECK(why({.entries = 8, .completion_entries = 4}) == lio::cause::completion_entries_below_entries);
    CHECK(why({.entries = 8, .completion_entries = 0x80000000u}) == lio::cause::too_many_entries);
    CHECK(std::strstr(lio::ring::create({.entries = 0}).error().message(), "at least one") != nullptr);
}

TEST_CASE("with clamp too many entries become as many as there can be") {
    const auto ring = lio::ring::create({.entries = 1u << 20, .require = setup::clamp});
    if (!ring && ring.error().code() == ENOMEM) LIO_SKIP("the memory limit is too low for the largest ring");
    REQUIRE(ring);
    CHECK(ring->submission_capacity() == 32768);
}

TEST_CASE("options that exclude each other are refused [hazard 20]", "[hazard 20]") {
    const auto contradicts = [](setup options) {
        const auto made = lio::ring::create({.require = options});
        return !made && made.error() == lio::error{EINVAL, lio::cause::contradicting_options};
    };
    CHECK(contradicts(setup::sqpoll | setup::cooperative_taskrun));
    CHECK(contradicts(setup::sqpoll | setup::single_issuer | setup::deferred_taskrun));
    CHECK(contradicts(setup::deferred_taskrun));
    CHECK(contradicts(setup::taskrun_flag));
    CHECK(contradicts(setup::hybrid_iopoll));
}

TEST_CASE("what is said of a kernel thread is refused where none is asked for [hazard 8] [hazard 20]",
          "[hazard 8][hazard 20]") {
    const lio::error refused{EINVAL, lio::cause::sqpoll_is_not_asked_for};
    CHECK(lio::ring::create({.sqpoll_cpu = 0}).error() == refused);
    CHECK(lio::ring::create({.sqpoll_idle_milliseconds = 5}).error() == refused);
    CHECK(lio::with_options({.sqpoll_cpu = 0}).error() == refused);
    CHECK(lio::ring::required_memory({.sqpoll_cpu = 0}).error() == refused);
    STATIC_REQUIRE(lio::contradicts_itself(lio::ring_options{.sqpoll_cpu = 0}));
    STATIC_REQUIRE(lio::contradicts_itself(lio::ring_options{.require = setup::rewind}));
    STATIC_REQUIRE_FALSE(lio::contradicts_itself(lio::ring_options{.require = setup::sqpoll, .sqpoll_cpu = 0}));
    STATIC_REQUIRE_FALSE(lio::contradicts_itself(lio::ring_options{}));
}

TEST_CASE("bits that are no options are refused, and what to use instead is said [hazard 8]", "[hazard 8]") {
    for (const std::uint32_t bit : {2u, 3u, 5u, 14u, 21u, 31u}) {
        INFO("bit " << bit);
        const auto option = static_cast<setup>(1u << bit);
        CHECK(lio::ring::create({.require = option}).error() == lio::error{EINVAL, lio::cause::not_an_option});
        CHECK(lio::with_options({.require = option}).error().why() == lio::cause::not_an_option);
    }
}

namespace {

template <setup Set>
constexpr bool compiles = requires { lio::consistent<Set>; };
template <setup Set>
constexpr bool compiles_split = requires { lio::consistent_split<Set>; };

} // namespace

TEST_CASE("options that exclude each other can be refused by the compiler [hazard 20]", "[hazard 20]") {
    STATIC_REQUIRE(compiles<setup::none>);
    STATIC_REQUIRE(compiles<setup::single_issuer | setup::deferred_taskrun>);
    STATIC_REQUIRE(compiles<setup::iopoll | setup::hybrid_iopoll>);
    STATIC_REQUIRE(compiles<setup::rewind | setup::no_sq_array>);
    STATIC_REQUIRE_FALSE(compiles<setup::deferred_taskrun>);
    STATIC_REQUIRE_FALSE(compiles<setup::hybrid_iopoll>);
    STATIC_REQUIRE_FALSE(compiles<setup::sqpoll | setup::cooperative_taskrun>);
    STATIC_REQUIRE_FALSE(compiles<setup::rewind>);
    STATIC_REQUIRE_FALSE(compiles<setup::rewind | setup::no_sq_array | setup::sqpoll>);
    STATIC_REQUIRE(compiles_split<setup::submit_all>);
    STATIC_REQUIRE_FALSE(compiles_split<setup::single_issuer | setup::deferred_taskrun>);
    STATIC_REQUIRE_FALSE(compiles_split<setup::registered_file_only>);
    CHECK(lio::ring::create({.require = lio::consistent<setup::clamp>}));
}

TEST_CASE("a ring that is asked to start disabled takes nothing until it is enabled [hazard 14]", "[hazard 14]") {
    auto made = lio::ring::create({.require = setup::start_disabled});
    if (!made) LIO_SKIP("start_disabled: since Linux 5.10");
    lio::ring& ring = *made;
    ring.push(nop().user_data(1)).value();
    CHECK(ring.submit().error() == lio::error{EBADFD, lio::cause::ring_disabled});
    CHECK(ring.unsubmitted() == 1);
    CHECK(ring.wait(1).error().code() == EBADFD);
    CHECK(ring.enable());
    CHECK(ring.enable().error().code() == EBADFD);
    CHECK(ring.submit_and_wait(1).value().taken == 1);
    CHECK(ring.next().value().user_data() == 1);
}

TEST_CASE("enabling binds a ring of one thread to the thread that enables [hazard 14]", "[hazard 14]") {
    auto made = lio::ring::create({.require = setup::start_disabled | setup::single_issuer});
    if (!made) LIO_SKIP("single_issuer: since Linux 6.0");
    std::thread([&] { CHECK(made->enable()); }).join();
    made->push(nop()).value();
    CHECK(made->submit().error().why() == lio::cause::wrong_thread);
}

TEST_CASE("a kernel thread takes the entries without a system call of ours, sleeps, and is woken [hazard 1]",
          "[hazard 1]") {
    auto made = lio::ring::create({.entries = 8, .require = setup::sqpoll, .sqpoll_idle_milliseconds = 1});
    if (!made) LIO_SKIP(std::string{"sqpoll: "} + made.error().message());
    lio::ring& ring = *made;
    std::uint64_t expected = 0;
    for (int round = 0; round < 20; ++round) {
        for (std::uint64_t i = 0; i < 5; ++i) {
            while (!ring.push(nop().user_data(expected + i))) std::this_thread::yield(); // it frees slots in its time
        }
        ring.submit().value();
        for (int i = 0; i < 5; ++i) REQUIRE(ring.next().value().user_data() == expected++);
        if (round % 4 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5)); // it sleeps by now
    }
    CHECK(expected == 100);
}

TEST_CASE("rings that are attached share the kernel thread that submits, others have one each") {
    auto made = lio::ring::create({.entries = 1, .require = setup::sqpoll});
    if (!made) LIO_SKIP(std::string{"sqpoll: "} + made.error().message());
    // The thread that submits for a ring, as the kernel tells it. Until that has begun to run it tells the maker's, so
    // it is first given something to do.
    const auto thread_of = [](lio::ring& ring) {
        int thread = -1;
        if (!ring.push(nop{}) || !ring.submit_and_wait(1) || !ring.try_next()) return thread;
        // While the thread is at work, the kernel may say -1. It is until it has been idle for as long as the ring
        // says.
        for (int attempt = 0; thread <= 0 && attempt < 2000; ++attempt) {
            if (attempt != 0) ::usleep(1000);
            std::ifstream about{"/proc/self/fdinfo/" + std::to_string(ring.file())};
            std::string word;
            while (about >> word)
                if (word == "SqThread:") about >> thread;
        }
        return thread;
    };
    const int thread = thread_of(*made);
    if (thread <= 0) LIO_SKIP("seeing a ring's thread: since Linux 5.12");
    auto attached = lio::ring::create({.entries = 1, .require = setup::sqpoll, .attach_to = made->file()});
    CHECK(thread_of(attached.value()) == thread);
    auto other = lio::ring::create({.entries = 1, .require = setup::sqpoll});
    CHECK(thread_of(other.value()) > 0);
    CHECK(thread_of(*other) != thread);
}

TEST_CASE("what is no ring cannot be attached to, and that is said") {
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    REQUIRE(null >= 0);
    const auto refused = lio::ring::create({.entries = 1, .attach_to = null});
    CHECK(refused.error() == lio::error{EINVAL, lio::cause::not_a_ring_to_attach_to});
    ::close(null);
    CHECK(std::strstr(lio::ring::create({.entries = 1, .attach_to = null}).error().message(), "attach_to") != nullptr);
}

TEST_CASE("a ring without a kernel thread has none to share, and that is said") {
    const lio::ring plain = lio::ring::create({.entries = 1}).value();
    const auto polling = lio::ring::create({.entries = 1, .require = setup::sqpoll});
    if (!polling) LIO_SKIP(std::string{"sqpoll: "} + polling.error().message());
    const auto refused = lio::ring::create({.entries = 1, .require = setup::sqpoll, .attach_to = plain.file()});
    CHECK(refused.error() == lio::error{EINVAL, lio::cause::not_a_ring_to_attach_to});
    CHECK(lio::ring::create({.entries = 1, .require = setup::sqpoll, .attach_to = polling->file()}));
}

TEST_CASE("a full queue can be waited for where a kernel thread empties it, and nowhere else") {
    auto made = lio::ring::create({.entries = 4, .require = setup::sqpoll, .sqpoll_idle_milliseconds = 1});
    if (!made) LIO_SKIP(std::string{"sqpoll: "} + made.error().message());
    std::uint64_t seen = 0;
    for (std::uint64_t i = 0; i < 500; ++i) {
        while (!made->push(nop().user_data(i))) {
            const auto room = made->wait_for_room();
            if (!room && room.error().why() == lio::cause::no_room_comes)
                LIO_SKIP("waiting for room: since Linux 5.10");
            REQUIRE(room.value() > 0);
        }
        made->submit().value();
        for (const lio::cqe& done : made->reap()) CHECK(done.user_data() == seen++);
    }
    while (seen < 500) CHECK(made->next().value().user_data() == seen++);

    lio::ring plain = lio::ring::create({.entries = 2}).value();
    CHECK(plain.wait_for_room().value() == 2);
    plain.push(nop(), nop()).value();
    CHECK(plain.wait_for_room().error() == lio::error{EINVAL, lio::cause::no_room_comes});
}

TEST_CASE("a ring can say in words what it was set up with") {
    const auto plain = lio::ring::create({.entries = 8, .require = setup::clamp, .exactly = true});
    const std::string words = lio::describe(plain.value()).c_str();
    CHECK(words.find("8 entries of 64 bytes and 16 completions of 16; set up with clamp; features ") !=
          std::string::npos);
    CHECK(words.size() == lio::describe(*plain).size());
    CHECK(std::string{lio::describe(lio::ring::create({.exactly = true}).value()).c_str()}.find("with nothing;") !=
          std::string::npos);
    for (const auto& one : lio::test::available_setups()) {
        const lio::ring ring = lio::ring::create(one.options).value();
        const std::string all = lio::describe(ring).c_str();
        INFO(all);
        CHECK(all.size() < 660); // else its end is cut off
        if (has(ring.setup_flags(), setup::start_disabled)) CHECK(all.find("start_disabled") != std::string::npos);
        if (has(ring.setup_flags(), setup::sqpoll)) CHECK(all.find("sqpoll") != std::string::npos);
        if (has(ring.setup_flags(), setup::deferred_taskrun)) CHECK(all.find("deferred_taskrun") != std::string::npos);
    }
    lio::ring closed = lio::ring::create().value();
    closed.close().value();
    CHECK(std::string{lio::describe(closed).c_str()} == "no ring: closed or moved from");
}

TEST_CASE("a ring that belongs to a thread says to which") {
    lio::ring ring = lio::ring::create({.entries = 1}).value();
    CHECK(std::string{lio::describe(ring).c_str()}.find("belongs to") == std::string::npos);
    ring.push(nop()).value();
    ring.submit_and_wait(1).value();
    if (ring.owner_thread() == 0) LIO_SKIP("rings of one thread: since Linux 5.18");
    const std::string thread = "; belongs to thread " + std::to_string(::gettid()) + "; features ";
    CHECK(std::string{lio::describe(ring).c_str()}.find(thread) != std::string::npos);
}

TEST_CASE("a split ring can say in words what it was set up with, and its halves what they know") {
    lio::split_ring ring = lio::with_options({.entries = 4, .completion_entries = 16, .exactly = true}).value();
    const std::string words = lio::describe(ring).c_str();
    CHECK(words.find("4 entries of 64 bytes and 16 completions of 16; set up with nothing; features ") !=
          std::string::npos);
    lio::completion_queue completions = std::move(ring.completions);
    CHECK(std::string{lio::describe(ring).c_str()} == "no ring: closed or moved from");
    CHECK(completions.file() == ring.submissions.file());
    CHECK(::fcntl(completions.file(), F_GETFD) != -1);
    CHECK(completions.features() == ring.submissions.features());
    CHECK(completions.features() == lio::ring::create().value().features());
    CHECK(ring.completions.file() == -1);
    CHECK(ring.completions.features() == 0);
    const auto clamped = lio::with_options({.require = setup::clamp});
    CHECK(has(clamped.value().completions.setup_flags(), setup::clamp));
}

TEST_CASE("nothing is lost when the completion queue of a kernel thread's ring overflows [hazard 12]", "[hazard 12]") {
    auto made = lio::ring::create({.entries = 2, .completion_entries = 2, .require = setup::sqpoll});
    if (!made) LIO_SKIP(std::string{"sqpoll: "} + made.error().message());
    lio::ring& ring = *made;
    const std::uint64_t all = lio::test::rounds(10'000);
    std::uint64_t pushed = 0;
    std::uint64_t expected = 0;
    while (expected < all) {
        while (pushed < all && pushed < expected + 50 && ring.push(nop().user_data(pushed))) ++pushed;
        ring.submit().value();
        // The kernel's thread posts completions before it frees the slots that they came from, so the queue can
        // look full with nothing in flight.
        if (pushed > expected) ring.wait(1).value();
        for (const lio::cqe& done : ring.reap()) {
            if (done.user_data() != expected) FAIL("completion " << done.user_data() << ", not " << expected);
            ++expected;
        }
    }
    CHECK(ring.try_next().error().code() == EAGAIN);
}

TEST_CASE("an iopoll ring takes a nop or refuses it, and tells it in the completion [hazard 11]", "[hazard 11]") {
    auto made = lio::ring::create({.require = setup::iopoll});
    if (!made) LIO_SKIP(std::string{"iopoll: "} + made.error().message());
    // A nop is one of the few operations without a file that every kernel takes or refuses at once.
    made->push(nop().user_data(1)).value();
    made->submit().value();
    const std::int64_t give_up = lio::test::end_of_patience();
    auto done = made->try_next();
    while (!done && done.error().code() == EAGAIN && lio::test::now() < give_up) done = made->try_next();
    REQUIRE(done);
    CHECK(done->user_data() == 1);
    if (!done->result()) CHECK(done->result().error().code() == EINVAL);
}

TEST_CASE("every sentence of an error says something, and no cause is without one") {
    for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(lio::cause::count); ++i) {
        const lio::error problem{EINVAL, static_cast<lio::cause>(i)};
        INFO("cause " << i);
        CHECK(std::strlen(problem.message()) > 10);
        CHECK(std::strcmp(problem.name(), "EINVAL") == 0);
    }
}

} // namespace setup_test
