// Waiting for completions, and what may end a wait before they are there. On the test's thread, with signals to it.

#include "catch.hpp"
#include "support/machine.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/waiting.hpp"

#include <lio/abi/setup.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/time.hpp>
#include <lio/ring.hpp>
#include <lio/wait_options.hpp>

#include <cerrno>

#include <pthread.h>
#include <signal.h>

namespace wait_test {

using lio::wait_options;
using lio::op::nop;
using lio::test::milliseconds;
using lio::test::now;
using lio::test::to_timespec;
using lio::test::under_each_setup;

namespace {

bool has_feature(std::uint32_t feature) {
    return (lio::ring::create({.entries = 1}).value().features() & feature) != 0;
}

volatile sig_atomic_t signals_seen = 0;
void count_signal(int) { signals_seen = signals_seen + 1; }

// SIGUSR1 is blocked and counted.
class counted_signal {
public:
    counted_signal() {
        struct sigaction action {};
        action.sa_handler = count_signal;
        REQUIRE(::sigaction(SIGUSR1, &action, &action_before_) == 0);
        sigset_t blocked;
        ::sigemptyset(&blocked);
        ::sigaddset(&blocked, SIGUSR1);
        REQUIRE(::pthread_sigmask(SIG_BLOCK, &blocked, &mask_before_) == 0);
        signals_seen = 0;
    }
    counted_signal(const counted_signal&) = delete;
    counted_signal& operator=(const counted_signal&) = delete;
    ~counted_signal() {
        ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
        ::sigaction(SIGUSR1, &action_before_, nullptr);
    }
    const sigset_t& mask_before() const { return mask_before_; }

private:
    struct sigaction action_before_ {};
    sigset_t mask_before_{};
};

} // namespace

TEST_CASE("a deadline ends a wait when the clock is there, not before, and one in the past at once") {
    if (!has_feature(lio::abi::feat_min_timeout)) LIO_SKIP("waiting up to a point in time: since Linux 6.12");
    under_each_setup([](lio::ring& ring) {
        const auto deadline = now() + milliseconds(20);
        const auto options = wait_options{}.deadline(to_timespec(deadline));
        ring.push(nop().user_data(1)).value();
        CHECK(ring.submit_and_wait(2, options).error() == lio::error{ETIME, lio::cause::wait_timed_out});
        CHECK(now() >= deadline);
        CHECK(ring.unsubmitted() == 0);
        // A span would last another 20 milliseconds and more; the point is over.
        CHECK(ring.wait(1, lio::test::patience).value() == 1); // a kernel thread may not have come to it yet
        CHECK(ring.wait(2, wait_options{}.deadline(to_timespec(1))).error().code() == ETIME);
        CHECK(ring.next(options).value().user_data() == 1);
        CHECK(ring.next(options).error().code() == ETIME);
    });
}

TEST_CASE("a timer that goes off ends no wait but its own [hazard 5]", "[hazard 5]") {
    under_each_setup([](lio::ring& ring) {
        const lio::timespec soon = to_timespec(milliseconds(5));
        const lio::timespec later = to_timespec(milliseconds(30));
        const auto two_timers = [&] {
            ring.push(lio::op::timeout(soon).user_data(1), lio::op::timeout(later).user_data(2)).value();
        };
        const auto both_came = [&] {
            CHECK(ring.ready() == 2);
            // When both have gone off before this thread has run, Linux 6.1 posts the later one first.
            const std::uint64_t one = ring.next().value().user_data();
            const std::uint64_t other = ring.next().value().user_data();
            CHECK(((one == 1 && other == 2) || (one == 2 && other == 1)));
        };
        two_timers();
        CHECK(ring.submit_and_wait(2).value().taken == 2);
        both_came();
        two_timers();
        ring.submit().value();
        CHECK(ring.wait(2).value() == 2);
        both_came();

        two_timers();
        CHECK(ring.submit_and_wait(2, lio::test::patience).value().taken == 2);
        both_came();
        two_timers();
        ring.submit().value();
        CHECK(ring.wait(2, lio::test::patience).value() == 2);
        both_came();

        // Nor does it make the time-out come before its time, or later.
        two_timers();
        ring.submit().value();
        const auto start = now();
        CHECK(ring.wait(3, to_timespec(milliseconds(50))).error() == lio::error{ETIME, lio::cause::wait_timed_out});
        CHECK(now() - start >= milliseconds(50));
        // A kernel thread that submits may have started them late.
        CHECK(ring.wait(2, lio::test::patience).value() == 2);
        both_came();
    });
}

TEST_CASE("with a minimum wait fewer completions than asked for are enough, and none are not") {
    if (!has_feature(lio::abi::feat_min_timeout)) LIO_SKIP("a minimum wait: since Linux 6.12");
    under_each_setup([](lio::ring& ring) {
        const auto options = wait_options{}.minimum_wait(2'000);
        // There from the start.
        ring.push(nop().user_data(1)).value();
        CHECK(ring.submit_and_wait(3, options.timeout({20, 0})).value().taken == 1);
        CHECK(ring.ready() == 1);
        CHECK(ring.wait(3, options).value() == 1);
        ring.next().value();
        // None within the minimum: the first that comes ends the wait.
        const lio::timespec time = to_timespec(milliseconds(30));
        ring.push(lio::op::timeout(time).user_data(2)).value();
        CHECK(ring.submit_and_wait(3, options.timeout({20, 0})).value().taken == 1);
        CHECK(ring.next().value().user_data() == 2);
        // None at all.
        CHECK(ring.wait(1, options).error() == lio::error{ETIME, lio::cause::wait_timed_out});
        CHECK(ring.wait(1, options.timeout(to_timespec(milliseconds(5)))).error().code() == ETIME);
    });
}

TEST_CASE("a signal that the wait's mask lets through ends it, and afterwards is blocked again [hazard 9]",
          "[hazard 9]") {
    under_each_setup([](lio::ring& ring) {
        const counted_signal signal;
        // Blocked, it is pending and disturbs no wait.
        REQUIRE(::pthread_kill(::pthread_self(), SIGUSR1) == 0);
        CHECK(ring.wait(1, to_timespec(milliseconds(5))).error().code() == ETIME);
        CHECK(signals_seen == 0);

        const auto options = wait_options{}.signals(signal.mask_before()).timeout({20, 0});
        CHECK(ring.wait(1, options).error() == lio::error{EINTR, lio::cause::wait_interrupted});
        CHECK(signals_seen == 1);

        REQUIRE(::pthread_kill(::pthread_self(), SIGUSR1) == 0);
        CHECK(ring.wait(1, to_timespec(milliseconds(5))).error().code() == ETIME);
        CHECK(signals_seen == 1);
        CHECK_FALSE(ring.next(options));
        CHECK(signals_seen == 2);
    });
}

TEST_CASE("a wait that does not count as one for input or output waits all the same") {
    if (!has_feature(lio::abi::feat_no_iowait)) LIO_SKIP("no_iowait: since Linux 6.15");
    under_each_setup([](lio::ring& ring) {
        const lio::timespec time = to_timespec(milliseconds(10));
        ring.push(lio::op::timeout(time).user_data(3)).value();
        CHECK(ring.submit_and_wait(1, wait_options{}.no_iowait()).value().taken == 1);
        CHECK(ring.next(wait_options{}.no_iowait()).value().user_data() == 3);
        CHECK(ring.next(wait_options{}.no_iowait().timeout(time)).error().code() == ETIME);
    });
}

} // namespace wait_test
