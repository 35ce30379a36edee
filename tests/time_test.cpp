// Timers and time limits. Times are held against the clock from outside, and only from below: a busy machine may be
// late, but nothing may be early. Each test runs on a ring of every set-up that this kernel takes; one thread.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/rings.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/op/cancel.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/all.hpp>
#include <lio/op/time.hpp>

#include <chrono>
#include <type_traits>

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::ring;
using lio::timeout_clock;

const lio::timespec some_time{1, 2};
const char here = 'x';

const encodings rows{[](auto add) {
    add("timeout", op::timeout(some_time), expected_entry{}.u8(0, 11).s32(4, -1).pointer(16, &some_time).u32(24, 1));
    add("timeout with every modifier",
        op::timeout(some_time)
            .absolute()
            .clock(timeout_clock::realtime)
            .success_on_expiry()
            .link()
            .hard_link()
            .drain()
            .force_async()
            .skip_success()
            .personality(4)
            .user_data(&here),
        expected_entry{}
            .u8(0, 11)
            .u8(1, 4 | 8 | 2 | 16 | 64)
            .s32(4, -1)
            .pointer(16, &some_time)
            .u32(24, 1)
            .u32(28, 1 | 8 | 32)
            .pointer(32, &here)
            .u16(42, 4));
    add("timeout on another clock", op::timeout(some_time).clock(timeout_clock::realtime).clock(timeout_clock::boottime),
        expected_entry{}.u8(0, 11).s32(4, -1).pointer(16, &some_time).u32(24, 1).u32(28, 4));
    add("timeout back on the usual clock",
        op::timeout(some_time).absolute().clock(timeout_clock::realtime).clock(timeout_clock::monotonic),
        expected_entry{}.u8(0, 11).s32(4, -1).pointer(16, &some_time).u32(24, 1).u32(28, 1));
    add("timeout_or_completions", op::timeout_or_completions(some_time, 3),
        expected_entry{}.u8(0, 11).s32(4, -1).u64(8, 3).pointer(16, &some_time).u32(24, 1));
    add("timeout_or_completions with modifiers",
        op::timeout_or_completions(some_time, 0xffffffff)
            .success_on_expiry()
            .absolute()
            .clock(timeout_clock::boottime)
            .user_data(5),
        expected_entry{}
            .u8(0, 11)
            .s32(4, -1)
            .u64(8, 0xffffffff)
            .pointer(16, &some_time)
            .u32(24, 1)
            .u32(28, 1 | 4 | 32)
            .u64(32, 5));
    add("timeout_remove", op::timeout_remove(77), expected_entry{}.u8(0, 12).s32(4, -1).u64(16, 77));
    add("timeout_remove with modifiers", op::timeout_remove(&here).user_data(-2).link().skip_success(),
        expected_entry{}.u8(0, 12).u8(1, 4 | 64).s32(4, -1).pointer(16, &here).u64(32, ~std::uint64_t{1}));
    add("link_timeout", op::link_timeout(some_time),
        expected_entry{}.u8(0, 15).s32(4, -1).pointer(16, &some_time).u32(24, 1));
    add("link_timeout with modifiers",
        op::link_timeout(some_time).clock(timeout_clock::boottime).absolute().link().user_data(5),
        expected_entry{}
            .u8(0, 15)
            .u8(1, 4)
            .s32(4, -1)
            .pointer(16, &some_time)
            .u32(24, 1)
            .u32(28, 1 | 4)
            .u64(32, 5));
}};

// The time is read when the operation is submitted, so a temporary one must not compile.
static_assert(std::is_constructible_v<op::timeout, lio::timespec&>);
static_assert(std::is_constructible_v<op::timeout, const lio::timespec&>);
static_assert(!std::is_constructible_v<op::timeout, lio::timespec>);
static_assert(!std::is_constructible_v<op::timeout, const lio::timespec>);
static_assert(!std::is_constructible_v<op::timeout, std::chrono::milliseconds>);
static_assert(!std::is_constructible_v<op::timeout, std::chrono::milliseconds&>);
static_assert(std::is_constructible_v<op::timeout_or_completions, const lio::timespec&, unsigned>);
static_assert(!std::is_constructible_v<op::timeout_or_completions, lio::timespec, unsigned>);
static_assert(std::is_constructible_v<op::link_timeout, const lio::timespec&>);
static_assert(!std::is_constructible_v<op::link_timeout, lio::timespec>);
static_assert(!std::is_constructible_v<op::link_timeout, std::chrono::seconds>);

const lio::timespec one_hour{std::chrono::hours{1}};
const lio::timespec short_time{std::chrono::milliseconds{30}};

bool knows(const cqe& done) { return code(done) != EINVAL; }

/// Whether this kernel takes other clocks than the monotonic one (Linux 5.15).
bool has_clocks() {
    static const bool answer = [] {
        ring asked = ring::create({.entries = 4, .exactly = true}).value();
        const lio::timespec now{};
        return knows(run(asked, op::timeout(now).clock(timeout_clock::boottime)));
    }();
    return answer;
}

/// Whether a timer's end can count as a success (Linux 5.16).
bool has_success_on_expiry() {
    static const bool answer = [] {
        ring asked = ring::create({.entries = 4, .exactly = true}).value();
        const lio::timespec now{};
        return knows(run(asked, op::timeout(now).success_on_expiry()));
    }();
    return answer;
}

} // namespace

TEST_CASE("timeout completes with ETIME, and not before its time", "[time]") {
    under_each_setup([](ring& ring) {
        const std::int64_t start = now();
        const cqe done = run(ring, op::timeout(short_time).user_data(5));
        CHECK(now() - start >= milliseconds(30));
        CHECK(done.user_data() == 5);
        CHECK(code(done) == ETIME);
        CHECK_FALSE(done.result<op::timeout>());
        CHECK_FALSE(done.more());
    });
}

TEST_CASE("timeout is not hurried by completions", "[time][hazard 41]") {
    under_each_setup([](ring& ring) {
        const std::int64_t start = now();
        ring.push(op::timeout(short_time).user_data(1)).value();
        for (int i = 0; i < 20; ++i) ring.push(op::nop().user_data(2)).value();
        for (int i = 0; i < 20; ++i) CHECK(next_soon(ring).user_data() == 2);
        const cqe done = next_soon(ring);
        CHECK(now() - start >= milliseconds(30));
        CHECK(done.user_data() == 1);
        CHECK(code(done) == ETIME);
    });
}

TEST_CASE("timeouts complete in the order of their times, not of their submission", "[time]") {
    under_each_setup([](ring& ring) {
        const lio::timespec first{std::chrono::milliseconds{10}};
        const lio::timespec second{std::chrono::milliseconds{40}};
        const lio::timespec third{std::chrono::milliseconds{70}};
        ring.push(op::timeout(third).user_data(3), op::timeout(first).user_data(1), op::timeout(second).user_data(2))
            .value();
        for (std::uint64_t i = 1; i <= 3; ++i) CHECK(next_soon(ring).user_data() == i);
    });
}

TEST_CASE("timeout_or_completions completes with success after so many completions", "[time][hazard 41]") {
    under_each_setup([](ring& ring) {
        ring.push(op::timeout_or_completions(one_hour, 3).user_data(1)).value();
        CHECK(stays_quiet(ring));
        for (int i = 0; i < 2; ++i) CHECK(run(ring, op::nop().user_data(2)).user_data() == 2);
        CHECK(stays_quiet(ring)); // two are not three
        ring.push(op::nop().user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(of(done, 2).result());
        CHECK(of(done, 1).result<op::timeout_or_completions>());
    });
}

TEST_CASE("timeout_or_completions counts operations that were submitted before it", "[time][hazard 41]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char byte;
        ring.push(op::recv(pair.ours, {&byte, 1}).user_data(2)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::timeout_or_completions(one_hour, 1).user_data(1)).value();
        CHECK(stays_quiet(ring));
        send_all(pair.theirs, "!");
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 2)) == 0);
        CHECK(code(of(done, 1)) == 0);
    });
}

TEST_CASE("timeout_or_completions says ETIME when the time comes first", "[time][hazard 41]") {
    under_each_setup([](ring& ring) {
        const std::int64_t start = now();
        ring.push(op::timeout_or_completions(short_time, 2).user_data(1), op::nop().user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(now() - start >= milliseconds(30));
        CHECK(code(of(done, 1)) == ETIME);
    });
}

TEST_CASE("an absolute timeout goes by the clock's own time", "[time]") {
    under_each_setup([](ring& ring) {
        const std::int64_t target = now() + milliseconds(30);
        const lio::timespec then = to_timespec(target);
        CHECK(code(run(ring, op::timeout(then).absolute())) == ETIME);
        CHECK(now() >= target);
        // A point in the past is over at once; as a span it would be as long as the machine has been up.
        const lio::timespec past = to_timespec(now() - milliseconds(1));
        CHECK(code(run(ring, op::timeout(past).absolute())) == ETIME);
    });
}

TEST_CASE("an absolute timeout goes by the clock that was named", "[time]") {
    if (!has_clocks()) LIO_SKIP("the kernel's timers know the monotonic clock only (Linux 5.15 knows others)");
    under_each_setup([](ring& ring) {
        // The time of day is decades ahead of the other two, so that a mistaken clock is late for ever.
        const std::int64_t target = now(CLOCK_REALTIME) + milliseconds(30);
        const lio::timespec then = to_timespec(target);
        CHECK(code(run(ring, op::timeout(then).absolute().clock(timeout_clock::realtime))) == ETIME);
        CHECK(now(CLOCK_REALTIME) >= target);

        const std::int64_t boot_target = now(CLOCK_BOOTTIME) + milliseconds(30);
        const lio::timespec boot_then = to_timespec(boot_target);
        CHECK(code(run(ring, op::timeout(boot_then).absolute().clock(timeout_clock::boottime))) == ETIME);
        CHECK(now(CLOCK_BOOTTIME) >= boot_target);

        const std::int64_t start = now();
        CHECK(code(run(ring, op::timeout(short_time).clock(timeout_clock::realtime))) == ETIME);
        CHECK(now() - start >= milliseconds(30));
    });
}

TEST_CASE("a timeout's end breaks a chain unless it counts as a success", "[time]") {
    under_each_setup([](ring& ring) {
        ring.push(op::timeout(short_time).link().user_data(1), op::nop().user_data(2)).value();
        const auto broken = next_soon(ring, 2);
        CHECK(code(of(broken, 1)) == ETIME);
        CHECK(code(of(broken, 2)) == ECANCELED);
        if (!has_success_on_expiry()) {
            record_partial_skip("the end of this kernel's timers cannot count as a success (from Linux 5.16 it can)");
            return;
        }
        const std::int64_t start = now();
        ring.push(op::timeout(short_time).success_on_expiry().link().user_data(1), op::nop().user_data(2)).value();
        const auto whole = next_soon(ring, 2);
        CHECK(now() - start >= milliseconds(30));
        CHECK(code(of(whole, 1)) == ETIME);
        CHECK(code(of(whole, 2)) == 0);
        ring.push(op::timeout_or_completions(short_time, 5).success_on_expiry().link().user_data(1),
                  op::nop().user_data(2))
            .value();
        CHECK(code(of(next_soon(ring, 2), 2)) == 0);
    });
}

TEST_CASE("the time of a timeout may be overwritten once it is submitted", "[time][hazard 40]") {
    under_each_setup([](ring& ring) {
        lio::timespec time{std::chrono::milliseconds{100}};
        lio::timespec other_time = one_hour;
        ring.push(op::timeout(time).user_data(1), op::timeout(other_time).user_data(2)).value();
        submit_all(ring);
        time = one_hour;
        other_time = lio::timespec{};
        CHECK(next_soon(ring).user_data() == 1);
        CHECK(stays_quiet(ring, 5));
        ring.push(op::timeout_remove(2).user_data(3)).value();
        CHECK(code(of(next_soon(ring, 2), 2)) == ECANCELED);
    });
}

TEST_CASE("times that are none are refused", "[time]") {
    under_each_setup([](ring& ring) {
        const lio::timespec negative{-1, 0};
        CHECK(code(run(ring, op::timeout(negative))) == EINVAL);
        CHECK(code(run(ring, op::timeout_or_completions(negative, 1))) == EINVAL);
    });
}

TEST_CASE("timeout_remove ends a timer, which says so itself", "[time][hazard 33]") {
    under_each_setup([](ring& ring) {
        ring.push(op::timeout(one_hour).user_data(1), op::timeout_or_completions(one_hour, 100).user_data(2)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::timeout_remove(1).user_data(3)).value();
        const auto first = next_soon(ring, 2);
        CHECK(code(of(first, 1)) == ECANCELED);
        CHECK(of(first, 3).result<op::timeout_remove>());
        ring.push(op::timeout_remove(2).user_data(3)).value();
        const auto second = next_soon(ring, 2);
        CHECK(code(of(second, 2)) == ECANCELED);
        CHECK(code(of(second, 3)) == 0);
    });
}

TEST_CASE("timeout_remove answers ENOENT when there is no such timer", "[time][hazard 33]") {
    under_each_setup([](ring& ring) {
        CHECK(code(run(ring, op::timeout_remove(99))) == ENOENT);
        // Not even one that has gone off, nor an operation that is no timer.
        const lio::timespec at_once{};
        CHECK(code(run(ring, op::timeout(at_once).user_data(99))) == ETIME);
        CHECK(code(run(ring, op::timeout_remove(99))) == ENOENT);
        connection pair = socket_pair();
        char byte;
        ring.push(op::recv(pair.ours, {&byte, 1}).user_data(99)).value();
        CHECK(stays_quiet(ring));
        CHECK(code(run(ring, op::timeout_remove(99).user_data(1))) == ENOENT);
        send_all(pair.theirs, "!");
        CHECK(next_soon(ring).result().value() == 1);
    });
}

TEST_CASE("cancel ends a timer too", "[time]") {
    under_each_setup([](ring& ring) {
        ring.push(op::timeout(one_hour).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == ECANCELED);
        CHECK(code(of(done, 2)) == 0);
    });
}

TEST_CASE("link_timeout cancels the operation before it when the time is up", "[time][hazard 32]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[4] = {'k', 'e', 'e', 'p'};
        const std::int64_t start = now();
        ring.push(op::recv(pair.ours, bytes).link().user_data(1), op::link_timeout(short_time).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(now() - start >= milliseconds(30));
        CHECK(code(of(done, 1)) == ECANCELED);
        CHECK(code(of(done, 2)) == ETIME);
        // The receive is over: what comes now is left in the socket.
        send_all(pair.theirs, "late");
        CHECK(stays_quiet(ring, 5));
        CHECK(std::string_view(bytes, 4) == "keep");
        CHECK(receive_some(pair.ours) == "late");
    });
}

TEST_CASE("link_timeout is cancelled itself when the operation ends in time", "[time][hazard 32]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[4] = {};
        ring.push(op::recv(pair.ours, bytes).link().user_data(1), op::link_timeout(one_hour).user_data(2)).value();
        CHECK(stays_quiet(ring));
        send_all(pair.theirs, "here");
        const auto waited = next_soon(ring, 2);
        CHECK(of(waited, 1).result().value() == 4);
        CHECK(code(of(waited, 2)) == ECANCELED);

        // The same when there was nothing to wait for.
        send_all(pair.theirs, "now!");
        ring.push(op::recv(pair.ours, bytes).hard_link().user_data(1), op::link_timeout(one_hour).user_data(2)).value();
        const auto at_once = next_soon(ring, 2);
        CHECK(of(at_once, 1).result().value() == 4);
        CHECK(code(of(at_once, 2)) == ECANCELED);
    });
}

TEST_CASE("link_timeout takes an absolute time", "[time]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[4];
        const std::int64_t target = now() + milliseconds(30);
        const lio::timespec then = to_timespec(target);
        ring.push(op::recv(pair.ours, bytes).link().user_data(1), op::link_timeout(then).absolute().user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(now() >= target);
        CHECK(code(of(done, 1)) == ECANCELED);
        CHECK(code(of(done, 2)) == ETIME);
    });
}

TEST_CASE("a chain goes on behind a link_timeout if the time was not up", "[time][hazard 32]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[4];
        const auto within = [&](const lio::timespec& limit) {
            ring.push(op::recv(pair.ours, bytes).link().user_data(1), op::link_timeout(limit).link().user_data(2),
                      op::nop().user_data(3))
                .value();
            return next_soon(ring, 3);
        };
        const auto broken = within(short_time);
        CHECK(code(of(broken, 1)) == ECANCELED);
        CHECK(code(of(broken, 2)) == ETIME);
        CHECK(code(of(broken, 3)) == ECANCELED);
        send_all(pair.theirs, "data");
        const auto whole = within(one_hour);
        CHECK(code(of(whole, 1)) == 0);
        CHECK(code(of(whole, 2)) == ECANCELED);
        CHECK(code(of(whole, 3)) == 0);
    });
}

TEST_CASE("link_timeout limits the operation right before it, not those before that", "[time][hazard 32]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[4];
        const lio::timespec limit{std::chrono::milliseconds{50}};
        const std::int64_t start = now();
        // The time runs from the start of the receive, which comes after the timer of 30 ms.
        ring.push(op::timeout(short_time).hard_link().user_data(1), op::recv(pair.ours, bytes).link().user_data(2),
                  op::link_timeout(limit).user_data(3))
            .value();
        const auto done = next_soon(ring, 3);
        CHECK(now() - start >= milliseconds(80));
        CHECK(code(of(done, 1)) == ETIME);
        CHECK(code(of(done, 2)) == ECANCELED);
        CHECK(code(of(done, 3)) == ETIME);
    });
}

TEST_CASE("link_timeout with nothing before it is refused", "[time][hazard 32]") {
    under_each_setup([](ring& ring) {
        CHECK(code(run(ring, op::link_timeout(short_time))) == EINVAL);
        connection pair = socket_pair();
        char bytes[4];
        ring.push(op::recv(pair.ours, bytes).link().user_data(1), op::link_timeout(one_hour).link().user_data(2),
                  op::link_timeout(one_hour).user_data(3))
            .value();
        // The whole chain goes, the receive too.
        const auto done = next_soon(ring, 3);
        CHECK(code(of(done, 1)) == ECANCELED);
        CHECK(code(of(done, 3)) == EINVAL);
    });
}
