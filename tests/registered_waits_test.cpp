// Waits that the kernel knows beforehand.

#include "catch.hpp"
#include "support/footprint.hpp"
#include "support/skip.hpp"
#include "support/waiting.hpp"

#include <lio/op/nop.hpp>
#include <lio/op/time.hpp>
#include <lio/registered_waits.hpp>
#include <lio/ring.hpp>
#include <lio/split.hpp>
#include <lio/wait_options.hpp>

#include <cerrno>
#include <utility>

#include <pthread.h>
#include <signal.h>

namespace registered_waits_test {

using lio::registered_waits;
using lio::wait_options;
using lio::op::nop;
using lio::test::milliseconds;
using lio::test::to_timespec;

namespace {

constexpr const char* missing = "registered waits: since Linux 6.13";

bool is_there() {
    const auto ring = lio::ring::create({.entries = 4}).value();
    const auto made = registered_waits::create(ring, 1);
    if (!made) REQUIRE(made.error() == lio::error{EINVAL, lio::cause::waits_refused});
    return made.has_value();
}

volatile sig_atomic_t signals_seen = 0;
void count_signal(int) { signals_seen = signals_seen + 1; }

} // namespace

TEST_CASE("a registered wait ends by its time, its completions and its minimum, as the same one does unregistered") {
    if (!is_there()) LIO_SKIP(missing);
    for (const auto flags : {lio::setup::none, lio::setup::start_disabled}) {
        lio::ring ring = lio::ring::create({.entries = 8, .require = flags}).value();
        registered_waits waits = registered_waits::create(ring, 40).value();
        CHECK(waits.size() == 40);
        if (flags != lio::setup::none) ring.enable().value();
        const auto tick = waits.set(0, wait_options{}.timeout(to_timespec(milliseconds(20))));
        const auto patient = waits.set(39, wait_options{}.timeout({20, 0}));

        auto begun = lio::test::now();
        CHECK(ring.wait(1, tick).error() == lio::error{ETIME, lio::cause::wait_timed_out});
        CHECK(ring.next(tick).error().code() == ETIME);
        CHECK(lio::test::now() - begun >= milliseconds(40));
        ring.push(nop().user_data(1)).value();
        CHECK(ring.submit_and_wait(2, tick).error().code() == ETIME);
        CHECK(ring.next(patient).value().user_data() == 1);
        ring.push(nop().user_data(2), nop().user_data(3)).value();
        CHECK(ring.submit_and_wait(2, patient).value().taken == 2);
        CHECK(ring.wait(2, tick).value() == 2);
        ring.next().value();
        ring.next().value();

        // Set anew, it is another one for the kernel at once.
        const auto at_least_one = waits.set(0, wait_options{}.timeout({20, 0}).minimum_wait(2'000));
        ring.push(nop().user_data(4)).value();
        CHECK(ring.submit_and_wait(3, at_least_one).value().taken == 1);
        CHECK(ring.ready() == 1);
        ring.next().value();
        begun = lio::test::now();
        const auto until = waits.set(1, wait_options{}.deadline(to_timespec(begun + milliseconds(15))));
        CHECK(ring.wait(1, until).error().code() == ETIME);
        CHECK(lio::test::now() >= begun + milliseconds(15));
        // Changed, it is none of them any more.
        begun = lio::test::now();
        CHECK(ring.wait(1, patient.timeout(to_timespec(milliseconds(1)))).error().code() == ETIME);
        CHECK(lio::test::now() - begun < milliseconds(15'000));
    }
}

TEST_CASE("a registered wait lets through the signals of its mask [hazard 9]", "[hazard 9]") {
    if (!is_there()) LIO_SKIP(missing);
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    registered_waits waits = registered_waits::create(ring, 2).value();
    struct sigaction action {};
    struct sigaction action_before {};
    action.sa_handler = count_signal;
    REQUIRE(::sigaction(SIGUSR1, &action, &action_before) == 0);
    sigset_t blocked;
    sigset_t before;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGUSR1);
    REQUIRE(::pthread_sigmask(SIG_BLOCK, &blocked, &before) == 0);
    signals_seen = 0;
    REQUIRE(::pthread_kill(::pthread_self(), SIGUSR1) == 0);
    const auto masked = waits.set(1, wait_options{}.timeout({20, 0}).signals(before));
    CHECK(ring.wait(1, waits.set(0, wait_options{}.timeout(to_timespec(milliseconds(5))))).error().code() == ETIME);
    CHECK(signals_seen == 0);
    CHECK(ring.wait(1, masked).error().code() == EINTR);
    CHECK(signals_seen == 1);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::sigaction(SIGUSR1, &action_before, nullptr);
}

TEST_CASE("a registered wait for several goes on when a timer goes off, and still ends in time [hazard 5]",
          "[hazard 5]") {
    if (!is_there()) LIO_SKIP(missing);
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    registered_waits waits = registered_waits::create(ring, 1).value();
    const auto options = waits.set(0, wait_options{}.timeout(to_timespec(milliseconds(60))));
    const lio::timespec soon = to_timespec(milliseconds(10));
    ring.push(lio::op::timeout(soon).user_data(1)).value();
    const auto begun = lio::test::now();
    CHECK(ring.submit_and_wait(3, options).error().code() == ETIME);
    CHECK(lio::test::now() - begun >= milliseconds(60));
    CHECK(ring.next().value().user_data() == 1);
}

TEST_CASE("registered waits are refused where they cannot be, with the reason") {
    if (!is_there()) LIO_SKIP(missing);
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    const lio::error refused{EINVAL, lio::cause::waits_refused};
    CHECK(registered_waits::create(ring, 0).error() == refused);
    CHECK(registered_waits::create(ring, 0xffffffff).error() == refused);
    {
        const auto waits = registered_waits::create(ring, 1).value();
        CHECK(registered_waits::create(ring, 1).error().code() == EBUSY);
    }
    CHECK(registered_waits::create(ring, 1).error().code() == EBUSY); // the ring keeps what it has
    lio::ring running = lio::ring::create({.entries = 8}).value();
    running.push(nop()).value();
    running.submit_and_wait(1).value();
    CHECK(registered_waits::create(running, 1).error() == refused);
    running.close().value();
    CHECK(registered_waits::create(running, 1).error().why() == lio::cause::ring_closed);
    // On a ring that has none the kernel knows of no such wait.
    auto waits = registered_waits::create(lio::ring::create({.entries = 4}).value(), 1).value();
    lio::ring other = lio::ring::create({.entries = 8}).value();
    CHECK(other.wait(1, waits.set(0, wait_options{}.timeout({0, 1}))).error().code() == EFAULT);
}

TEST_CASE("a split ring that was made disabled can have registered waits, and starts when it is enabled [hazard 14]",
          "[hazard 14]") {
    if (!is_there()) LIO_SKIP(missing);
    auto [completions, submissions] =
        lio::with_options({.entries = 8, .require = lio::setup::start_disabled}).value();
    registered_waits waits = registered_waits::create(completions, 1).value();
    const auto tick = waits.set(0, wait_options{}.timeout(to_timespec(milliseconds(5))));
    submissions.push(nop().user_data(1)).value();
    CHECK(submissions.submit().error() == lio::error{EBADFD, lio::cause::ring_disabled});
    submissions.enable().value();
    CHECK(submissions.enable().error().code() == EBADFD);
    CHECK(completions.wait(1, tick).error().code() == ETIME);
    CHECK(submissions.submit().value().taken == 1);
    CHECK(completions.next(tick).value().user_data() == 1);
}

TEST_CASE("registered waits come and go without leaving memory behind, before their ring or after it") {
    if (!is_there()) LIO_SKIP(missing);
    lio::test::leaks_nothing(
        [] {
            lio::ring ring = lio::ring::create({.entries = 4}).value();
            registered_waits waits = registered_waits::create(ring, 1000).value();
            CHECK_FALSE(registered_waits::create(ring, 1));
            registered_waits moved = std::move(waits);
            const auto tick = moved.set(999, wait_options{}.timeout({0, 1}));
            CHECK(ring.wait(1, tick).error().code() == ETIME);
            lio::ring second = lio::ring::create({.entries = 4}).value();
            moved = registered_waits::create(second, 1).value();
            ring.close().value();
        },
        30, 1'000'000);
}

} // namespace registered_waits_test
