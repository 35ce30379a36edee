// The completion queue against a kernel that holds completions back, overflows, interrupts waits or is too old for
// time-outs: what completes is seen exactly once, and nobody enters without need. Test code.

#include "fake_kernel.hpp"
#include "rings.hpp"

#include "support/machine.hpp"
#include "support/numbers.hpp"
#include "support/skip.hpp"
#include "support/waiting.hpp"

#include <lio/op/nop.hpp>
#include <lio/op/time.hpp>
#include <lio/ring.hpp>
#include <lio/split.hpp>

#include <cerrno>
#include <cstring>
#include <cstdint>
#include <vector>

namespace fake_kernel_completing_test {

using lio::cause;
using lio::setup;
using lio::fake::flags_of;
using lio::fake::ground;
using lio::fake::model_ring;
using lio::fake::push;
using lio::fake::running_ring;
using lio::test::milliseconds;
using lio::test::now;
using lio::test::numbers;
using lio::test::reap_all;
using lio::test::to_timespec;

namespace {

using completing = model_ring::completing;

// That the calls since the last look are one enter for events, which neither submits nor waits.
void check_one_look(lio::fake::kernel& kernel) {
    CHECK(kernel.count_calls() == 1);
    const auto enters = kernel.calls_of(lio::arch::io_uring_enter);
    REQUIRE(enters.size() == 1);
    CHECK((flags_of(enters[0]) & lio::abi::enter_getevents) != 0);
    CHECK(enters[0].arguments[1] == 0);
    CHECK(enters[0].arguments[2] == 0);
    kernel.forget_calls();
}

} // namespace

TEST_CASE("looking into an empty queue makes no call when the kernel holds nothing back", "[hazard 4]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 8});
    lio::ring fresh = lio::ring::create({.entries = 8}).value();
    auto [completions, submissions] = lio::with_capacity(8).value();
    kernel.forget_calls();
    const lio::error nothing{EAGAIN, cause::nothing_ready};
    CHECK(ring.try_next().error() == nothing);
    CHECK(fresh.try_next().error() == nothing);
    CHECK(completions.try_next().error() == nothing);
    CHECK(ring.reap().empty());
    CHECK(fresh.reap().empty());
    CHECK(completions.reap().empty());
    CHECK(ring.wait(0).value() == 0);
    CHECK(kernel.calls().empty());
}

TEST_CASE("a ring that kernel flags of other kinds are set on is not entered for them", "[hazard 4]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 8, .require = setup::sqpoll}).value();
    kernel.ring().set_submission_flag(lio::abi::sq_need_wakeup);
    kernel.forget_calls();
    CHECK_FALSE(ring.try_next());
    CHECK(ring.reap().empty());
    CHECK(kernel.calls().empty());
}

TEST_CASE("completions that overflowed come when the empty queue is looked at", "[hazard 4]") {
    for (const auto& plays : {lio::fake::linux_6_18, lio::fake::linux_5_10}) {
        DYNAMIC_SECTION("on " << plays.name) {
            lio::fake::kernel kernel{ground::model, plays};
            lio::ring ring = running_ring({.entries = 2, .completion_entries = 2});
            auto& model = kernel.ring();
            for (std::uint64_t i = 1; i <= 5; ++i) model.post(i);
            REQUIRE((model.submission_flags() & lio::abi::sq_cq_overflow) != 0);
            kernel.forget_calls();
            SECTION("by reap") {
                CHECK(reap_all(ring) == numbers{1, 2});
                CHECK(kernel.calls().empty());
                CHECK(reap_all(ring) == numbers{3, 4});
                check_one_look(kernel);
                CHECK(reap_all(ring) == numbers{5});
                check_one_look(kernel);
                CHECK(reap_all(ring).empty());
                CHECK(kernel.calls().empty());
            }
            SECTION("by try_next") {
                for (std::uint64_t i = 1; i <= 5; ++i) CHECK(ring.try_next().value().user_data() == i);
                CHECK(kernel.count_calls() == 2);
                CHECK(ring.try_next().error() == lio::error{EAGAIN, cause::nothing_ready});
                CHECK(kernel.count_calls() == 2);
            }
            SECTION("by next") {
                for (std::uint64_t i = 1; i <= 5; ++i) CHECK(ring.next().value().user_data() == i);
                CHECK(kernel.count_calls() == 2);
            }
            SECTION("by wait") {
                CHECK(reap_all(ring) == numbers{1, 2});
                CHECK(ring.wait(2).value() == 2);
                CHECK(reap_all(ring) == numbers{3, 4});
                CHECK(ring.wait(1).value() == 1);
                CHECK(reap_all(ring) == numbers{5});
            }
        }
    }
}

TEST_CASE("a kernel that does not tell of completions that overflowed is asked at each look", "[hazard 4]") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_5_5};
    lio::ring ring = running_ring({.entries = 2, .completion_entries = 2});
    auto& model = kernel.ring();
    for (std::uint64_t i = 1; i <= 5; ++i) model.post(i);
    REQUIRE(model.submission_flags() == 0);
    SECTION("by reap") {
        CHECK(reap_all(ring) == numbers{1, 2});
        CHECK(reap_all(ring) == numbers{3, 4});
        CHECK(reap_all(ring) == numbers{5});
    }
    SECTION("by try_next") {
        for (std::uint64_t i = 1; i <= 5; ++i) CHECK(ring.try_next().value().user_data() == i);
    }
    CHECK(ring.try_next().error() == lio::error{EAGAIN, cause::nothing_ready});
}

TEST_CASE("a wait beside a kernel thread that submits is ended once by what ends it", "[hazard 5]") {
    // To a call that submits the kernel answers how much that was, and hides how the wait in it has ended.
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 8, .require = setup::sqpoll}).value();
    kernel.ring().interrupts_waits = true;
    kernel.forget_calls();
    push(ring, 1, 1);
    SECTION("by a signal") {
        CHECK(ring.submit_and_wait(2).error() == lio::error{EINTR, cause::wait_interrupted});
    }
    SECTION("by its time") {
        kernel.ring().interrupts_waits = false;
        CHECK(ring.submit_and_wait(2, lio::timespec{1, 0}).error() == lio::error{ETIME, cause::wait_timed_out});
    }
    CHECK(kernel.count(lio::arch::io_uring_enter) == 1);
    CHECK(ring.unsubmitted() == 0);
    CHECK(kernel.ring().take() == 1);
    CHECK(ring.next().value().user_data() == 1);
}

TEST_CASE("a split ring's completions that overflowed come when the empty queue is looked at", "[hazard 4]") {
    lio::fake::kernel kernel{ground::model};
    auto [completions, submissions] = lio::with_options({.entries = 2, .completion_entries = 2}).value();
    for (std::uint64_t i = 1; i <= 3; ++i) kernel.ring().post(i);
    kernel.forget_calls();
    CHECK(reap_all(completions) == numbers{1, 2});
    CHECK(kernel.calls().empty());
    CHECK(reap_all(completions) == numbers{3});
    check_one_look(kernel);
}

TEST_CASE("task work that waits is run when the empty queue is looked at", "[hazard 4]") {
    const lio::ring_options options[] = {
        {.entries = 8},
        {.entries = 8, .require = setup::cooperative_taskrun | setup::taskrun_flag, .exactly = true},
    };
    for (const lio::ring_options& one : options) {
        lio::fake::kernel kernel{ground::model};
        lio::ring ring = running_ring(one);
        auto& model = kernel.ring();
        model.hold_back(1);
        model.hold_back(2);
        REQUIRE((model.submission_flags() & lio::abi::sq_taskrun) != 0);
        kernel.forget_calls();
        CHECK(ring.ready() == 0);
        CHECK(ring.try_next().value().user_data() == 1);
        check_one_look(kernel);
        CHECK(reap_all(ring) == numbers{2});
        CHECK(reap_all(ring).empty());
        CHECK(kernel.calls().empty());
        model.hold_back(3);
        CHECK(reap_all(ring) == numbers{3});
        check_one_look(kernel);
    }
}

TEST_CASE("deferred task work without its flag is run at every look into the empty queue", "[hazard 4]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring =
        running_ring({.entries = 8, .require = setup::single_issuer | setup::deferred_taskrun, .exactly = true});
    auto& model = kernel.ring();
    kernel.forget_calls();
    model.hold_back(1);
    REQUIRE(model.submission_flags() == 0);
    CHECK(ring.try_next().value().user_data() == 1);
    check_one_look(kernel);
    CHECK_FALSE(ring.try_next());
    check_one_look(kernel);
    CHECK(reap_all(ring).empty());
    check_one_look(kernel);
    model.hold_back(2);
    CHECK(reap_all(ring) == numbers{2});
    check_one_look(kernel);
    model.post(3);
    CHECK(reap_all(ring) == numbers{3});
    CHECK(kernel.calls().empty());
}

TEST_CASE("a polled ring is entered at every look into the empty queue, unless a kernel thread polls", "[hazard 11]") {
    lio::fake::kernel kernel{ground::model};
    SECTION("by itself") {
        for (const setup more : {setup::none, setup::hybrid_iopoll}) {
            lio::ring ring = running_ring({.entries = 8, .require = setup::iopoll | more});
            auto& model = kernel.ring();
            model.completes = completing::held_back;
            push(ring, 1, 1);
            CHECK(ring.submit().value().taken == 1);
            model.clear_submission_flag(lio::abi::sq_taskrun);
            kernel.forget_calls();
            CHECK(ring.try_next().value().user_data() == 1);
            check_one_look(kernel);
            CHECK(reap_all(ring).empty());
            check_one_look(kernel);
        }
    }
    SECTION("by a kernel thread") {
        lio::ring ring = lio::ring::create({.entries = 8, .require = setup::iopoll | setup::sqpoll}).value();
        kernel.forget_calls();
        CHECK_FALSE(ring.try_next());
        CHECK(reap_all(ring).empty());
        CHECK(kernel.calls().empty());
    }
}

TEST_CASE("a wait on a polled ring that has an end asks the devices once at a time, and looks at the clock [hazard 11]",
          "[hazard 11]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 8, .require = setup::iopoll});
    auto& model = kernel.ring();
    model.completes = completing::by_test;
    const auto never_polls_for_more = [&] {
        const auto enters = kernel.calls_of(lio::arch::io_uring_enter);
        REQUIRE_FALSE(enters.empty());
        for (const auto& call : enters) CHECK(call.arguments[2] == 0);
        kernel.forget_calls();
    };
    kernel.forget_calls();
    push(ring, 1, 2);
    kernel.meanwhile = [&] { kernel.meanwhile = [&] { model.post(1); }; };
    CHECK(ring.submit_and_wait(2, {1, 0}).value().taken == 2);
    CHECK(ring.ready() == 1);
    never_polls_for_more();
    CHECK(reap_all(ring) == numbers{1});
    kernel.forget_calls();
    kernel.meanwhile = [&] { kernel.meanwhile = [&] { model.post(2); }; };
    CHECK(ring.wait(2, {1, 0}).value() == 1);
    never_polls_for_more();
    CHECK(reap_all(ring) == numbers{2});
    kernel.forget_calls();
    CHECK(ring.wait(1, {0, 1'000'000}).error() == lio::error{ETIME, cause::wait_timed_out});
    never_polls_for_more();
    // What the kernel would not heed is refused before anything happens.
    push(ring, 3, 3);
    const std::uint64_t mask = 0;
    for (const auto& options : {lio::wait_options{}.signals(mask), lio::wait_options{}.minimum_wait(5)}) {
        CHECK(ring.wait(1, options).error() == lio::error{EOPNOTSUPP, cause::polled_wait});
        CHECK(ring.submit_and_wait(1, options).error() == lio::error{EOPNOTSUPP, cause::polled_wait});
    }
    CHECK(kernel.count_calls() == 0);
    CHECK(ring.unsubmitted() == 1);
}

TEST_CASE("a wait on a polled ring goes on when the kernel comes back early", "[hazard 11]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 8, .require = setup::iopoll});
    auto& model = kernel.ring();
    model.completes = completing::held_back;
    SECTION("wait") {
        push(ring, 1, 2);
        CHECK(ring.submit().value().taken == 2);
        kernel.forget_calls();
        kernel.answer(lio::arch::io_uring_enter, 0, 1, 3);
        CHECK(ring.wait(2).value() == 2);
        CHECK(kernel.count_calls() == 4);
    }
    SECTION("submit_and_wait") {
        push(ring, 1, 2);
        kernel.forget_calls();
        // It has taken both, and then there was other work.
        kernel.meanwhile = [&] { model.take(); };
        kernel.answer(lio::arch::io_uring_enter, 2);
        kernel.answer(lio::arch::io_uring_enter, 0, 1, 2);
        const auto done = ring.submit_and_wait(2).value();
        CHECK(done.taken == 2);
        CHECK(done.left == 0);
        CHECK(kernel.count_calls() == 4);
    }
    CHECK(reap_all(ring) == numbers{1, 2});
}

TEST_CASE("reaping and waiting for what is there make no call") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 8});
    auto& model = kernel.ring();
    for (std::uint64_t i = 1; i <= 8; ++i) model.post(i);
    // Not even when more is held back: first what is there.
    model.hold_back(9);
    kernel.forget_calls();
    CHECK(ring.wait(8).value() == 8);
    CHECK(ring.wait(3).value() == 8);
    CHECK(ring.wait(8, lio::timespec{0, 1}).value() == 8);
    CHECK(ring.submit_and_wait(8).value().taken == 0);
    CHECK(ring.submit_and_wait(8, lio::timespec{0, 1}).value().taken == 0);
    CHECK(ring.next().value().user_data() == 1);
    CHECK(ring.next(lio::timespec{0, 1}).value().user_data() == 2);
    CHECK(ring.try_next().value().user_data() == 3);
    CHECK(reap_all(ring) == numbers{4, 5, 6, 7, 8});
    CHECK(kernel.calls().empty());
}

TEST_CASE("nothing is lost when far more completes than the queue holds", "[hazard 12]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 2, .completion_entries = 2});
    constexpr std::uint64_t total = 100000;
    std::uint64_t pushed = 0;
    std::uint64_t seen = 0;
    bool in_order = true;
    while (seen < total) {
        // Fifty times the queue, then drain.
        for (int i = 0; i < 50 && pushed < total; ++i) {
            ring.push(lio::op::nop().user_data(pushed), lio::op::nop().user_data(pushed + 1)).value();
            REQUIRE(ring.submit().value().left == 0);
            pushed += 2;
        }
        while (seen < pushed) {
            const auto before = seen;
            for (const lio::cqe& done : ring.reap()) in_order = in_order && done.user_data() == seen++;
            REQUIRE(seen != before);
        }
        kernel.forget_calls();
    }
    CHECK(in_order);
    CHECK(seen == total);
    CHECK(ring.reap().empty());
}

TEST_CASE("an interrupted wait that submitted something says EINTR, and everything was submitted", "[hazard 5]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 8});
    auto& model = kernel.ring();
    model.completes = completing::by_test;
    model.interrupts_waits = true;
    push(ring, 1, 3);
    // The kernel answers 3 and hides the signal behind it.
    CHECK(ring.submit_and_wait(2).error() == lio::error{EINTR, cause::wait_interrupted});
    CHECK(kernel.calls_of(lio::arch::io_uring_enter).back().answer == 3);
    CHECK(ring.unsubmitted() == 0);
    CHECK(model.taken.size() == 4);

    // With nothing to submit it says so itself.
    CHECK(ring.submit_and_wait(2).error() == lio::error{EINTR, cause::wait_interrupted});
    CHECK(kernel.calls().back().answer == -EINTR);
    CHECK(ring.wait(2).error() == lio::error{EINTR, cause::wait_interrupted});

    for (std::uint64_t i = 1; i <= 3; ++i) model.post(i);
    CHECK(ring.wait(2).value() == 3);
    CHECK(model.taken.size() == 4);
    CHECK(reap_all(ring) == numbers{1, 2, 3});
}

TEST_CASE("a wait that ends before what is being posted can be seen goes on", "[hazard 5]") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_6_1};
    lio::ring ring = running_ring({.entries = 8});
    auto& model = kernel.ring();
    model.completes = completing::by_test;
    model.post(1);
    // What happens during the second call from now: the one after that of the wait.
    const auto happens_next = [&](auto what) { kernel.meanwhile = [&kernel, what] { kernel.meanwhile = what; }; };
    SECTION("as a call of its own") {
        kernel.answer(lio::arch::io_uring_enter, 0);
        happens_next([&] { model.post(2); });
        CHECK(ring.wait(2).value() == 2);
        CHECK(kernel.count(lio::arch::ppoll) == 1);
    }
    SECTION("as part of submitting") {
        push(ring, 7, 7);
        happens_next([&] { model.post(2); });
        CHECK(ring.submit_and_wait(2).value().left == 0);
        CHECK(kernel.count(lio::arch::ppoll) == 1);
    }
    CHECK(reap_all(ring) == numbers{1, 2});
}

TEST_CASE("a wait that nothing more comes to is not held up by what could be being posted", "[hazard 5]") {
    const lio::error interrupted{EINTR, cause::wait_interrupted};
    // Of two completions one is there when the wait ends without an error.
    const auto when_one_is_missing = [](const lio::fake::release& plays, auto check) {
        lio::fake::kernel kernel{ground::model, plays};
        lio::ring ring = running_ring({.entries = 8});
        kernel.ring().post(1);
        kernel.forget_calls();
        kernel.answer(lio::arch::io_uring_enter, 0);
        check(ring, kernel);
    };
    SECTION("not for long where the kernel may count too early") {
        when_one_is_missing(lio::fake::linux_6_1, [&](lio::ring& ring, const lio::fake::kernel& kernel) {
            CHECK(ring.wait(2).error() == interrupted);
            CHECK(kernel.count(lio::arch::io_uring_enter) == 1);
            CHECK(reap_all(ring) == numbers{1});
        });
    }
    SECTION("not beyond its time") {
        when_one_is_missing(lio::fake::linux_6_1, [](lio::ring& ring, const lio::fake::kernel& kernel) {
            CHECK(ring.wait(2, {0, 1}).error() == lio::error{ETIME, cause::wait_timed_out});
            CHECK(kernel.count(lio::arch::ppoll) == 0);
        });
    }
    SECTION("not at all where it does not") {
        when_one_is_missing(lio::fake::linux_6_6, [&](lio::ring& ring, const lio::fake::kernel& kernel) {
            CHECK(ring.wait(2).error() == interrupted);
            CHECK(kernel.count(lio::arch::ppoll) == 0);
        });
    }
}

TEST_CASE("a wait that ends by its time-out says ETIME, and everything was submitted", "[hazard 5]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 8});
    auto& model = kernel.ring();
    model.completes = completing::by_test;
    push(ring, 1, 3);
    const lio::timespec timeout{0, 5};
    CHECK(ring.submit_and_wait(2, timeout).error() == lio::error{ETIME, cause::wait_timed_out});
    CHECK(kernel.calls_of(lio::arch::io_uring_enter).back().answer == 3);
    CHECK(ring.unsubmitted() == 0);
    CHECK(model.taken.size() == 4);
    CHECK(ring.submit_and_wait(2, timeout).error() == lio::error{ETIME, cause::wait_timed_out});
    CHECK(ring.wait(2, timeout).error() == lio::error{ETIME, cause::wait_timed_out});
    CHECK(ring.next(timeout).error() == lio::error{ETIME, cause::wait_timed_out});
}

TEST_CASE("a time-out reaches the kernel as it was given", "[hazard 9]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 8});
    kernel.ring().completes = completing::by_test;
    const lio::timespec timeout{3, 7};
    kernel.forget_calls();
    CHECK_FALSE(ring.wait(2, timeout));
    CHECK_FALSE(ring.next(timeout));
    push(ring, 1, 1);
    CHECK_FALSE(ring.submit_and_wait(2, timeout));
    const auto enters = kernel.calls_of(lio::arch::io_uring_enter);
    REQUIRE(enters.size() == 3);
    for (const auto& call : enters) {
        CHECK((flags_of(call) & lio::abi::enter_ext_arg) != 0);
        CHECK((flags_of(call) & lio::abi::enter_getevents) != 0);
        CHECK(call.arguments[5] == 24);
        CHECK(call.time.tv_sec == 3);
        CHECK(call.time.tv_nsec == 7);
        CHECK(call.events.sigmask == 0);
        CHECK(call.events.min_wait_usec == 0);
    }
    CHECK(enters[0].arguments[2] == 2);
    CHECK(enters[1].arguments[2] == 1);
    CHECK(enters[2].arguments[1] == 1);
}

TEST_CASE("the ways to end a wait reach the kernel as they were given [hazard 9]", "[hazard 9]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 8});
    kernel.ring().completes = completing::by_test;
    kernel.ring().interrupts_waits = true;
    const auto last_enter = [&] { return kernel.calls_of(lio::arch::io_uring_enter).back(); };

    CHECK_FALSE(ring.wait(2, lio::wait_options{}.deadline({5, 9})));
    CHECK((flags_of(last_enter()) & lio::abi::enter_abs_timer) != 0);
    CHECK(last_enter().time.tv_sec == 5);
    CHECK(last_enter().time.tv_nsec == 9);

    CHECK_FALSE(ring.wait(2, lio::wait_options{}.deadline({5, 9}).timeout({6, 10})));
    CHECK((flags_of(last_enter()) & lio::abi::enter_abs_timer) == 0);
    CHECK(last_enter().time.tv_sec == 6);

    CHECK_FALSE(ring.wait(2, lio::wait_options{}.minimum_wait(77)));
    CHECK((flags_of(last_enter()) & lio::abi::enter_ext_arg) != 0);
    CHECK(last_enter().events.min_wait_usec == 77);
    CHECK(last_enter().events.ts == 0);

    const std::uint64_t mask[16] = {0x1122334455667788, ~std::uint64_t{0}};
    struct signal_set {
        std::uint64_t words[16];
    } set;
    std::memcpy(&set, mask, sizeof set);
    CHECK_FALSE(ring.wait(2, lio::wait_options{}.signals(set)));
    CHECK(last_enter().events.sigmask_sz == 8);
    CHECK(last_enter().signals == mask[0]);

    CHECK_FALSE(ring.wait(2, lio::wait_options{}.no_iowait()));
    CHECK((flags_of(last_enter()) & lio::abi::enter_no_iowait) != 0);
    CHECK((flags_of(last_enter()) & lio::abi::enter_ext_arg) == 0);
    CHECK(last_enter().arguments[5] == 0);

    push(ring, 1, 1);
    CHECK_FALSE(ring.submit_and_wait(2, lio::wait_options{}.no_iowait().minimum_wait(3).timeout({1, 2})));
    CHECK((flags_of(last_enter()) & lio::abi::enter_no_iowait) != 0);
    CHECK(last_enter().events.min_wait_usec == 3);
    CHECK(last_enter().time.tv_nsec == 2);
    CHECK(last_enter().arguments[1] == 1);
}

TEST_CASE("an option that the kernel's waits lack is named, and nothing is submitted [hazard 8] [hazard 10]",
          "[hazard 8][hazard 10]") {
    const auto is_refused = [](const auto& plays, const lio::wait_options& options, cause why) {
        INFO(plays.name);
        lio::fake::kernel kernel{ground::model, plays};
        lio::ring ring = running_ring({.entries = 8});
        push(ring, 1, 1);
        kernel.forget_calls();
        const lio::error expected{EOPNOTSUPP, why};
        CHECK(ring.wait(1, options).error() == expected);
        CHECK(ring.next(options).error() == expected);
        CHECK(ring.submit_and_wait(1, options).error() == expected);
        CHECK(kernel.calls().empty());
        CHECK(ring.unsubmitted() == 1);
    };
    is_refused(lio::fake::linux_6_1, lio::wait_options{}.deadline({1, 0}), cause::minimum_wait_missing);
    is_refused(lio::fake::linux_6_1, lio::wait_options{}.minimum_wait(1), cause::minimum_wait_missing);
    is_refused(lio::fake::linux_6_1, lio::wait_options{}.no_iowait(), cause::no_iowait_missing);
    is_refused(lio::fake::linux_5_10, lio::wait_options{}.no_iowait(), cause::no_iowait_missing);
}

TEST_CASE("completions that came although the wait failed are what counts") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 8});
    auto& model = kernel.ring();
    for (const int code : {EINTR, ETIME, EAGAIN}) {
        kernel.fail(lio::arch::io_uring_enter, code);
        kernel.meanwhile = [&] {
            model.post(1);
            model.post(2);
        };
        CHECK(ring.wait(2).value() == 2);
        CHECK(reap_all(ring) == numbers{1, 2});
        // Fewer than wanted: the failure it is, and they are still there.
        kernel.fail(lio::arch::io_uring_enter, code);
        kernel.meanwhile = [&] { model.post(3); };
        CHECK(ring.wait(2).error().code() == code);
        CHECK(reap_all(ring) == numbers{3});
    }
}

TEST_CASE("a kernel whose enter takes no time-out is waited for in ppoll [hazard 10]", "[hazard 8][hazard 10]") {
    for (const auto& plays : {lio::fake::linux_5_1, lio::fake::linux_5_10}) {
        for (const bool is_fresh : {true, false}) {
            DYNAMIC_SECTION("on " << plays.name << (is_fresh ? ", first use" : "")) {
                lio::fake::kernel kernel{ground::model, plays};
                lio::ring ring = is_fresh ? lio::ring::create({.entries = 8}).value() : running_ring({.entries = 8});
                auto& model = kernel.ring();
                model.completes = completing::by_test;
                const auto taken = model.taken.size();
                const auto polls = [&] { return kernel.calls_of(lio::arch::ppoll); };
                kernel.forget_calls();

                // What was queued has gone, and the time is waited for.
                push(ring, 1, 2);
                const std::int64_t begun = now();
                const lio::error late{ETIME, cause::wait_timed_out};
                CHECK(ring.submit_and_wait(1, to_timespec(milliseconds(30))).error() == late);
                CHECK(now() - begun >= milliseconds(30));
                CHECK(model.taken.size() == taken + 2);
                CHECK(ring.unsubmitted() == 0);
                CHECK_FALSE(polls().empty());
                for (const auto& call : kernel.calls_of(lio::arch::io_uring_enter))
                    CHECK((flags_of(call) & lio::abi::enter_ext_arg) == 0);
                CHECK(ring.wait(1, to_timespec(milliseconds(5))).error() == late);
                CHECK(ring.next(to_timespec(milliseconds(5))).error() == late);

                for (const auto& call : polls()) CHECK(call.watched == ring.file());
                // The first completion ends it.
                kernel.meanwhile = [&] { model.post(1); };
                CHECK(ring.wait(1, lio::test::patience).value() == 1);
                // With that one there, the ring would wake it at once, for ever: it has to sleep all the same.
                kernel.forget_calls();
                const std::int64_t again = now();
                CHECK(ring.wait(2, to_timespec(milliseconds(20))).error() == late);
                CHECK(now() - again >= milliseconds(20));
                CHECK(polls().size() <= 21);
                kernel.meanwhile = [&] { model.post(2); };
                CHECK(ring.wait(2, lio::test::patience).value() == 2);
                // Enough are there: it neither sleeps nor enters.
                kernel.forget_calls();
                CHECK(ring.wait(2, lio::timespec{1, 0}).value() == 2);
                CHECK(ring.submit_and_wait(2, lio::timespec{1, 0}).value().taken == 0);
                CHECK(kernel.count_calls() == 0);
                CHECK(reap_all(ring) == numbers{1, 2});

                // Signals: the mask goes along, without a time as well, and one that gets through ends the wait.
                const std::uint64_t mask = 0x1122334455667788;
                kernel.fail(lio::arch::ppoll, EINTR);
                CHECK(ring.wait(1, lio::wait_options{}.signals(mask)).error() ==
                      lio::error{EINTR, cause::wait_interrupted});
                CHECK(polls().back().signals == mask);
                CHECK(polls().back().arguments[4] == 8);
                CHECK(ring.wait(1, to_timespec(milliseconds(5))).error() == late);
                CHECK(polls().back().arguments[3] == 0);
            }
        }
    }
    lio::fake::kernel kernel{ground::model, lio::fake::linux_5_10};
    auto [completions, submissions] = lio::with_capacity(8).value();
    CHECK(completions.wait(1, to_timespec(milliseconds(5))).error() == lio::error{ETIME, cause::wait_timed_out});
    CHECK(completions.next(to_timespec(milliseconds(5))).error() == lio::error{ETIME, cause::wait_timed_out});
}

TEST_CASE("a real ring is waited for in ppoll where the kernel would have it so [hazard 10]", "[hazard 10]") {
    if (!lio::fake::real_kernel_has_rings())
        LIO_SKIP("this machine's own kernel has no io_uring or forbids it (Linux 5.1)");
    for (const setup polled : {setup::none, setup::sqpoll}) {
        lio::fake::kernel kernel{ground::real, lio::fake::linux_5_10};
        auto made = lio::ring::create({.entries = 8, .require = polled});
        REQUIRE(made);
        lio::ring& ring = *made;
        const auto soon = to_timespec(milliseconds(10)), later = to_timespec(milliseconds(20));
        const std::int64_t begun = now();
        const std::int64_t lost = lio::test::end_of_patience();
        ring.push(lio::op::timeout(soon).user_data(1), lio::op::timeout(later).user_data(2)).value();
        CHECK(ring.submit_and_wait(1, lio::test::patience).value().taken == 2);
        CHECK(now() - begun >= milliseconds(10));
        CHECK(ring.wait(2, lio::test::patience).value() == 2);
        CHECK(now() - begun >= milliseconds(20));
        CHECK(now() < lost);
        // When both have gone off before this thread has run, Linux 6.1 posts the later one first.
        const numbers both = reap_all(ring);
        CHECK((both == numbers{1, 2} || both == numbers{2, 1}));
        CHECK(ring.wait(1, soon).error() == lio::error{ETIME, cause::wait_timed_out});
        CHECK(kernel.count(lio::arch::ppoll) != 0);
    }
}

TEST_CASE("waiting for more than the queue holds is refused before anything is submitted", "[hazard 8]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 8, .completion_entries = 16});
    auto& model = kernel.ring();
    push(ring, 1, 2);
    kernel.forget_calls();
    const lio::error too_large{EINVAL, cause::wait_too_large};
    for (const std::uint32_t count : {17u, 0x80000000u, 0xffffffffu}) {
        CHECK(ring.wait(count).error() == too_large);
        CHECK(ring.submit_and_wait(count).error() == too_large);
        CHECK(ring.submit_and_wait(count, lio::timespec{1, 0}).error() == too_large);
    }
    CHECK(kernel.calls().empty());
    CHECK(ring.unsubmitted() == 2);
    CHECK(model.taken.size() == 1);

    // Exactly as much as it holds is fine.
    model.completes = completing::by_test;
    kernel.meanwhile = [&] {
        for (std::uint64_t i = 1; i <= 16; ++i) model.post(i);
    };
    CHECK(ring.submit_and_wait(16).value().taken == 2);
    CHECK(ring.ready() == 16);
}

TEST_CASE("a wait that is refused publishes nothing, which a kernel thread would take", "[hazard 8][hazard 10]") {
    for (const setup polled : {setup::none, setup::sqpoll}) {
        lio::fake::kernel kernel{ground::model, lio::fake::linux_5_10};
        lio::ring ring = lio::ring::create({.entries = 8, .require = polled}).value();
        auto& model = kernel.ring();
        push(ring, 1, 2);
        CHECK(ring.submit_and_wait(17).error() == lio::error{EINVAL, cause::wait_too_large});
        CHECK(model.submission_tail() == 0);
        CHECK(ring.submit_and_wait(17, lio::timespec{1, 0}).error() == lio::error{EINVAL, cause::wait_too_large});
        CHECK(model.submission_tail() == 0);
        CHECK(ring.submit_and_wait(1, lio::wait_options{}.minimum_wait(1)).error() ==
              lio::error{EOPNOTSUPP, cause::minimum_wait_missing});
        CHECK(model.submission_tail() == 0);
        CHECK(ring.unsubmitted() == 2);
    }
}

TEST_CASE("a reaped range releases what was visited, at its end and no sooner") {
    lio::fake::kernel kernel{ground::model};
    kernel.first_counter = 0xfffffffcu;
    lio::ring ring = running_ring({.entries = 8});
    auto& model = kernel.ring();
    for (std::uint64_t i = 1; i <= 8; ++i) model.post(i);
    const std::uint32_t first = model.completion_head();

    SECTION("all of it") {
        {
            auto range = ring.reap();
            CHECK(range.size() == 8);
            std::uint64_t expected = 1;
            for (const lio::cqe& done : range) {
                CHECK(done.user_data() == expected++);
                CHECK(model.completion_head() == first);
            }
            CHECK(model.completion_head() == first);
        }
        CHECK(model.completion_head() == first + 8);
    }
    SECTION("up to a break") {
        for (const lio::cqe& done : ring.reap())
            if (done.user_data() == 3) break;
        CHECK(model.completion_head() == first + 3);
        CHECK(ring.ready() == 5);
        CHECK(reap_all(ring) == numbers{4, 5, 6, 7, 8});
        CHECK(model.completion_head() == first + 8);
    }
    SECTION("none of it") {
        { const auto range = ring.reap(); }
        CHECK(model.completion_head() == first);
        CHECK(ring.ready() == 8);
    }
    SECTION("what comes meanwhile stays for the next range") {
        numbers seen;
        for (const lio::cqe& done : ring.reap()) {
            if (seen.empty()) model.post(9);
            seen.push_back(done.user_data());
        }
        CHECK(seen == numbers{1, 2, 3, 4, 5, 6, 7, 8});
        CHECK(model.completion_head() == first + 8);
        CHECK(reap_all(ring) == numbers{9});
    }
}

TEST_CASE("what comes after a look is seen in its turn, whoever looked and whoever takes it") {
    lio::fake::kernel kernel{ground::model};
    kernel.first_counter = 0xfffffffcu;
    lio::ring ring = running_ring({.entries = 8});
    auto& model = kernel.ring();
    const std::uint32_t first = model.completion_head();
    std::uint64_t posted = 0;
    const auto post = [&] { model.post(++posted); };
    std::uint64_t taken = 0;
    const auto take = [&] { CHECK(ring.try_next().value().user_data() == ++taken); };
    for (int round = 0; round < 3; ++round) {
        INFO("round " << round);
        post();
        post();
        CHECK(ring.wait(1).value() == 2);
        post();
        take();
        CHECK(ring.ready() == 2);
        take();
        take();
        CHECK_FALSE(ring.try_next());
        // A range goes further than the wait had looked.
        post();
        CHECK(ring.wait(1).value() == 1);
        post();
        CHECK(reap_all(ring) == numbers{taken + 1, taken + 2});
        taken += 2;
        CHECK_FALSE(ring.try_next());
        post();
        take();
        CHECK_FALSE(ring.try_next());
        CHECK(ring.reap().empty());
    }
    CHECK(model.completion_head() == first + static_cast<std::uint32_t>(posted));
}

TEST_CASE("completions in a range are not overwritten while it is visited") {
    // The queue is full and more wants in: that has to wait for the range's end.
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 4, .completion_entries = 4});
    auto& model = kernel.ring();
    for (std::uint64_t i = 1; i <= 4; ++i) model.post(i);
    numbers seen;
    for (const lio::cqe& done : ring.reap()) {
        model.post(100 + done.user_data());
        // A call that submits lets the kernel post whatever it has room for.
        ring.push(lio::op::nop().user_data(200 + done.user_data())).value();
        CHECK(ring.submit().value().taken == 1);
        seen.push_back(done.user_data());
    }
    CHECK(seen == numbers{1, 2, 3, 4});
    numbers later;
    while (ring.ready() != 0 || model.submission_flags() != 0)
        for (const lio::cqe& done : ring.reap()) later.push_back(done.user_data());
    CHECK(later == numbers{101, 201, 102, 202, 103, 203, 104, 204});
}

TEST_CASE("a range within a range, or a next() within one, never gives the kernel's head back") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 8});
    auto& model = kernel.ring();
    for (std::uint64_t i = 1; i <= 4; ++i) model.post(i);
    const std::uint32_t first = model.completion_head();
    SECTION("a range") {
        for (const lio::cqe& outer : ring.reap()) {
            CHECK(outer.user_data() == 1);
            CHECK(reap_all(ring) == numbers{1, 2, 3, 4});
            CHECK(model.completion_head() == first + 4);
            break;
        }
    }
    SECTION("next") {
        for (const lio::cqe& outer : ring.reap()) {
            CHECK(outer.user_data() == 1);
            for (std::uint64_t i = 1; i <= 4; ++i) CHECK(ring.next().value().user_data() == i);
            break;
        }
    }
    CHECK(model.completion_head() == first + 4);
    CHECK(ring.ready() == 0);
    model.post(5);
    CHECK(reap_all(ring) == numbers{5});
    CHECK(model.completion_head() == first + 5);
}

} // namespace fake_kernel_completing_test
