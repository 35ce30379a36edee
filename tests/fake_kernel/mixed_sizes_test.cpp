// Queues with entries of mixed sizes: no long one crosses the end of the memory, padding is never shown, and what is
// counted is completions. Test code.

#include "fake_kernel.hpp"

#include "support/numbers.hpp"

#include <lio/large_ring.hpp>
#include <lio/op/command.hpp>
#include <lio/op/nop.hpp>

#include <cerrno>
#include <vector>

namespace fake_kernel_mixed_sizes_test {

using lio::cause;
using lio::fake::ground;
using lio::fake::model_ring;
using lio::op::nop;
using lio::op::nop128;
using lio::test::reap_all;

namespace {

constexpr auto padding = static_cast<std::uint64_t>(lio::reserved_user_data::padding);

lio::mixed_ring make(std::uint32_t entries, std::uint32_t completions = 0) {
    return lio::mixed_ring::create({.entries = entries, .completion_entries = completions}).value();
}

} // namespace

TEST_CASE("long entries take two slots, and padding keeps them from crossing the end [hazard 26]", "[hazard 26]") {
    for (const std::uint32_t first : {0u, 0xffffffffu, 0xfffffffdu}) {
        lio::fake::kernel kernel{ground::model, lio::fake::linux_7_3};
        kernel.first_counter = first;
        lio::mixed_ring ring = make(4, 64);
        std::vector<std::uint64_t> expected;
        std::uint64_t next = 0;
        for (int round = 0; round < 20; ++round) {
            ring.push(nop128().user_data(next), nop().user_data(next + 1)).value();
            CHECK(ring.unsubmitted() >= 3);
            const auto done = ring.submit().value();
            CHECK(done.left == 0);
            CHECK((done.taken == 3 || done.taken == 4));
            const auto reaped = ring.reap();
            CHECK(reaped.size() == 2);
            for (const lio::large_cqe& one : ring.reap()) CHECK(one.user_data() == next++);
        }
        CHECK(next == 40);
        // It did happen, or nothing was tried.
        int paddings = 0;
        for (const lio::abi::sqe& entry : kernel.ring().taken) {
            if (entry.user_data != padding) continue;
            ++paddings;
            CHECK(entry.opcode == static_cast<std::uint8_t>(lio::abi::opcode::nop));
            CHECK(entry.flags == 0);
        }
        CHECK(paddings > 2);
        CHECK(kernel.violations() == "");
    }
}

TEST_CASE("padding within a chain is a member of it, and is not skipped in silence [hazard 26] [hazard 27]",
          "[hazard 26][hazard 27]") {
    for (const bool is_hard : {false, true}) {
        for (const bool is_long : {false, true}) {
            lio::fake::kernel kernel{ground::model, lio::fake::linux_7_3};
            lio::mixed_ring ring = make(8);
            const std::uint64_t before = is_long ? 5 : 6;
            for (std::uint64_t i = 0; i < before; ++i) ring.push(nop()).value();
            ring.submit().value();
            static_cast<void>(reap_all(ring));
            kernel.ring().taken.clear();
            const auto chained = [&](auto operation) { return is_hard ? operation.hard_link() : operation.link(); };
            if (is_long)
                ring.push(chained(nop128().user_data(1)), nop128().user_data(2)).value();
            else
                ring.push(chained(nop().user_data(1)), nop128().user_data(2)).value();
            ring.submit().value();
            const auto& taken = kernel.ring().taken;
            REQUIRE(taken.size() == 3);
            CHECK(taken[0].user_data == 1);
            CHECK(taken[1].user_data == padding);
            CHECK(taken[1].flags == (is_hard ? lio::abi::sqe_io_hardlink : lio::abi::sqe_io_link));
            CHECK(taken[2].user_data == 2);
            CHECK(reap_all(ring) == std::vector<std::uint64_t>{1, 2});
        }
    }
}

TEST_CASE("room for a long entry includes its padding, and what cannot fit is told apart [hazard 26]", "[hazard 26]") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_7_3};
    lio::mixed_ring ring = make(4, 64);
    ring.push(nop(), nop(), nop()).value();
    CHECK(ring.push(nop128()).error() == lio::error{EAGAIN, cause::queue_full});
    CHECK(ring.unsubmitted() == 3);
    ring.submit().value();
    CHECK(ring.push(nop128(), nop128()).error() == lio::error{E2BIG, cause::push_too_large}); // 1 + 2 + 2
    ring.push(nop128(), nop()).value();                                                     // 1 + 2 + 1
    CHECK(ring.push(nop()).error().code() == EAGAIN);
    CHECK(ring.submit().value().taken == 4);
    lio::mixed_ring tiny = make(1);
    CHECK(tiny.push(nop128()).error() == lio::error{E2BIG, cause::push_too_large});
    tiny.push(nop()).value();
    CHECK(tiny.submit().value().taken == 1);
}

TEST_CASE("a short submit on a ring of mixed sizes leaves whole entries and names the one that stopped it [hazard 6]",
          "[hazard 6]") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_7_3};
    lio::mixed_ring ring = make(8);
    ring.push(nop().user_data(1), nop128().user_data(2), nop128().user_data(3), nop().user_data(4)).value();
    kernel.ring().take_limits = {3};
    auto done = ring.submit().value();
    CHECK(done.taken == 3);
    CHECK(done.left == 3);
    CHECK(ring.stopped_by() == 2);
    done = ring.submit().value();
    CHECK(done.taken == 3);
    CHECK(reap_all(ring) == std::vector<std::uint64_t>{1, 2, 3, 4});
}

TEST_CASE("what the library marks for itself is refused as user_data where it would vanish", "[hazard 26]") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_7_3};
    lio::mixed_ring ring = make(8);
    const lio::error refused{EINVAL, cause::user_data_is_reserved};
    CHECK(ring.push(nop(), nop().user_data(lio::reserved_user_data::padding)).error() == refused);
    CHECK(ring.push(nop128().user_data(lio::reserved_user_data::stop)).error() == refused);
    CHECK(ring.unsubmitted() == 0);
    {
        auto slots = ring.reserve(2).value();
        CHECK_FALSE(slots.push(nop().user_data(lio::reserved_user_data::padding)));
        CHECK(slots.push(nop128().user_data(7)));
        CHECK(slots.room() == 0);
    }
    CHECK(ring.submit().value().taken == 2);
    CHECK(reap_all(ring) == std::vector<std::uint64_t>{7});
}

TEST_CASE("a command of 128 bytes has a number of its own among shorter ones", "[hazard 26]") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_7_3};
    lio::mixed_ring ring = make(8);
    unsigned char payload[80];
    for (unsigned i = 0; i < sizeof payload; ++i) payload[i] = static_cast<unsigned char>(i + 1);
    ring.push(lio::op::large_uring_cmd{3, 17, payload}).value();
    ring.push(nop().user_data(5)).value();
    CHECK(ring.submit().value().taken == 3);
    const auto& taken = kernel.ring().taken;
    REQUIRE(taken.size() == 2);
    CHECK(taken[0].opcode == static_cast<std::uint8_t>(lio::abi::opcode::uring_cmd128));
    CHECK(__builtin_memcmp(reinterpret_cast<const unsigned char*>(&taken[0]) + 48, payload, sizeof payload) == 0);
    CHECK(taken[1].user_data == 5);
}

TEST_CASE("long completions among short ones come whole, wherever they lie [hazard 26]", "[hazard 26]") {
    for (const std::uint32_t first : {0u, 0xffffffffu, 0xfffffffeu}) {
        lio::fake::kernel kernel{ground::model};
        kernel.first_counter = first;
        lio::mixed_completion_ring ring = lio::mixed_completion_ring::create({.entries = 4}).value();
        model_ring& model = kernel.ring();
        std::uint64_t sent = 0;
        std::uint64_t seen = 0;
        const auto post = [&](bool is_long) {
            model.post(sent, static_cast<std::int32_t>(sent), is_long ? lio::abi::cqe_f_32 : 0, sent + 100, sent + 200);
            ++sent;
        };
        const auto check = [&](const lio::large_cqe& done, bool is_long) {
            CHECK(done.user_data() == seen);
            CHECK(done.raw_result() == static_cast<std::int32_t>(seen));
            CHECK(done.extra(0) == (is_long ? seen + 100 : 0));
            CHECK(done.extra(1) == (is_long ? seen + 200 : 0));
            ++seen;
        };
        for (int round = 0; round < 30; ++round) {
            const bool is_long = round % 3 != 0;
            post(is_long);
            post(!is_long);
            CHECK(ring.ready() == 2);
            if (round % 2 == 0) {
                check(ring.next().value(), is_long);
                check(ring.try_next().value(), !is_long);
            } else {
                int turn = 0;
                for (const lio::large_cqe& done : ring.reap()) check(done, turn++ == 0 ? is_long : !is_long);
                CHECK(turn == 2);
            }
            CHECK(ring.try_next().error().code() == EAGAIN);
            CHECK(ring.reap().empty());
            // All of it was given back, padding included: nothing but what came since can be in the way.
            CHECK(model.completion_tail() == model.completion_head());
        }
        CHECK(model.header_is_intact());
    }
}

TEST_CASE("what follows a break comes again where sizes are mixed", "[hazard 26]") {
    lio::fake::kernel kernel{ground::model};
    lio::mixed_completion_ring ring = lio::mixed_completion_ring::create({.entries = 8}).value();
    kernel.ring().post(1, 0, lio::abi::cqe_f_32);
    kernel.ring().post(2);
    kernel.ring().post(3, 0, lio::abi::cqe_f_32);
    for (const lio::large_cqe& done : ring.reap()) {
        CHECK(done.user_data() == 1);
        break;
    }
    CHECK(ring.ready() == 2);
    CHECK(reap_all(ring) == std::vector<std::uint64_t>{2, 3});
}

TEST_CASE("a wait is for completions, not for the slots that the kernel counts [hazard 26]", "[hazard 26]") {
    lio::fake::kernel kernel{ground::model};
    lio::mixed_completion_ring ring = lio::mixed_completion_ring::create({.entries = 8}).value();
    ring.push(nop()).value();
    ring.submit_and_wait(1).value();
    ring.next().value();
    model_ring& model = kernel.ring();
    model.completes = model_ring::completing::by_test;
    model.post(1, 0, lio::abi::cqe_f_32); // two slots, one completion
    kernel.forget_calls();
    kernel.meanwhile = [&] { model.post(2); };
    CHECK(ring.wait(2).value() == 2);
    REQUIRE(kernel.count(lio::arch::io_uring_enter) == 1);
    CHECK(kernel.calls_of(lio::arch::io_uring_enter)[0].arguments[2] == 3); // two slots there, and one more
    CHECK(reap_all(ring) == std::vector<std::uint64_t>{1, 2});

    ring.push(nop()).value();
    model.post(3, 0, lio::abi::cqe_f_32);
    kernel.meanwhile = [&] { model.post(4); };
    CHECK(ring.submit_and_wait(2).value().taken == 1);
    CHECK(ring.ready() == 2);

    // A long one in answer to a wait for two: the kernel has its two slots, the wait goes on.
    static_cast<void>(reap_all(ring));
    kernel.meanwhile = [&] {
        model.post(5, 0, lio::abi::cqe_f_32);
        kernel.meanwhile = [&] { model.post(6); };
    };
    CHECK(ring.wait(2).value() == 2);
    CHECK(reap_all(ring) == std::vector<std::uint64_t>{5, 6});
}

TEST_CASE("a wait for more long completions than have room returns when the queue is full [hazard 26]", "[hazard 26]") {
    lio::fake::kernel kernel{ground::model};
    lio::mixed_completion_ring ring =
        lio::mixed_completion_ring::create({.entries = 2, .completion_entries = 4}).value();
    for (std::uint64_t i = 0; i < 3; ++i) kernel.ring().post(i, 0, lio::abi::cqe_f_32);
    CHECK(ring.wait(3).value() == 2);
    CHECK(reap_all(ring) == std::vector<std::uint64_t>{0, 1});
    CHECK(ring.next().value().user_data() == 2);
    CHECK(ring.wait(5).error().why() == cause::wait_too_large);
}

TEST_CASE("kernels without mixed sizes are told apart from every other refusal [hazard 8]", "[hazard 8]") {
    {
        lio::fake::kernel kernel{ground::model, lio::fake::linux_6_6};
        CHECK(lio::mixed_completion_ring::create().error() == lio::error{EINVAL, cause::mixed_completions_missing});
        CHECK(lio::mixed_ring::create({.entries = 0}).error() == lio::error{EINVAL, cause::no_entries});
    }
    lio::fake::kernel kernel{ground::model, lio::fake::linux_6_18};
    CHECK(lio::mixed_ring::create().error() == lio::error{EINVAL, cause::mixed_entries_missing});
    const auto named = lio::ring::create({.require = lio::setup::mixed_entries});
    CHECK(named.error() == lio::error{EINVAL, cause::entry_size_is_the_type});
    CHECK(kernel.left() == "");
}

} // namespace fake_kernel_mixed_sizes_test
