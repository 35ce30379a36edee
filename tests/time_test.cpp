// Timers and time limits. Times are held against the clock from outside, and only from below: a busy machine may be
// late, but nothing may be early. Each test runs on a ring of every set-up that this kernel takes; one thread.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/files.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/completion.hpp>
#include <lio/op/cancel.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/open.hpp>
#include <lio/op/recv.hpp>
#include <lio/op/time.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace time_test {

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
    add("timeout on another clock",
        op::timeout(some_time).clock(timeout_clock::realtime).clock(timeout_clock::boottime),
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
    add("timeout with its time in the entry", op::timeout(lio::time_in_entry{std::chrono::milliseconds{3}}),
        expected_entry{}.u8(0, 11).s32(4, -1).u64(16, 3'000'000).u32(24, 1).u32(28, 128));
    add("timeout with its time in the entry and modifiers",
        op::timeout(lio::time_in_entry{0x0123456789abcdef})
            .absolute()
            .clock(timeout_clock::realtime)
            .success_on_expiry(),
        expected_entry{}.u8(0, 11).s32(4, -1).u64(16, 0x0123456789abcdef).u32(24, 1).u32(28, 128 | 1 | 8 | 32));
    add("timeout_or_completions with its time in the entry",
        op::timeout_or_completions(lio::time_in_entry{7}, 3).clock(timeout_clock::boottime),
        expected_entry{}.u8(0, 11).s32(4, -1).u64(8, 3).u64(16, 7).u32(24, 1).u32(28, 128 | 4));
    add("timeout_multishot for ever", op::timeout_multishot(some_time),
        expected_entry{}.u8(0, 11).s32(4, -1).pointer(16, &some_time).u32(24, 1).u32(28, 64));
    add("timeout_multishot for so many times, with modifiers",
        op::timeout_multishot(some_time, 9).clock(timeout_clock::boottime).success_on_expiry().link().user_data(5),
        expected_entry{}
            .u8(0, 11)
            .u8(1, 4)
            .s32(4, -1)
            .u64(8, 9)
            .pointer(16, &some_time)
            .u32(24, 1)
            .u32(28, 64 | 4 | 32)
            .u64(32, 5));
    add("timeout_multishot for ever with its time in the entry", op::timeout_multishot(lio::time_in_entry{8}),
        expected_entry{}.u8(0, 11).s32(4, -1).u64(16, 8).u32(24, 1).u32(28, 64 | 128));
    add("timeout_multishot for so many times with its time in the entry",
        op::timeout_multishot(lio::time_in_entry{8}, 0xffffffff),
        expected_entry{}.u8(0, 11).s32(4, -1).u64(8, 0xffffffff).u64(16, 8).u32(24, 1).u32(28, 64 | 128));
    add("timeout_update", op::timeout_update(77, some_time),
        expected_entry{}.u8(0, 12).s32(4, -1).pointer(8, &some_time).u64(16, 77).u32(28, 2));
    add("timeout_update with modifiers", op::timeout_update(&here, some_time).absolute().link().user_data(5),
        expected_entry{}
            .u8(0, 12)
            .u8(1, 4)
            .s32(4, -1)
            .pointer(8, &some_time)
            .pointer(16, &here)
            .u32(28, 2 | 1)
            .u64(32, 5));
    add("timeout_update with its time in the entry", op::timeout_update(77, lio::time_in_entry{9}),
        expected_entry{}.u8(0, 12).s32(4, -1).u64(8, 9).u64(16, 77).u32(28, 2 | 128));
    add("link_timeout_update", op::link_timeout_update(77, some_time),
        expected_entry{}.u8(0, 12).s32(4, -1).pointer(8, &some_time).u64(16, 77).u32(28, 2 | 16));
    add("link_timeout_update with its time in the entry and modifiers",
        op::link_timeout_update(&here, lio::time_in_entry{9}).absolute().skip_success().user_data(-1),
        expected_entry{}
            .u8(0, 12)
            .u8(1, 64)
            .s32(4, -1)
            .u64(8, 9)
            .pointer(16, &here)
            .u32(28, 2 | 16 | 128 | 1)
            .u64(32, ~std::uint64_t{0}));
    add("link_timeout with its time in the entry", op::link_timeout(lio::time_in_entry{std::chrono::hours{1}}),
        expected_entry{}.u8(0, 15).s32(4, -1).u64(16, 3'600'000'000'000).u32(24, 1).u32(28, 128));
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
static_assert(std::is_constructible_v<op::timeout_multishot, const lio::timespec&>);
static_assert(!std::is_constructible_v<op::timeout_multishot, lio::timespec>);
static_assert(std::is_constructible_v<op::timeout_multishot, const lio::timespec&, unsigned>);
static_assert(!std::is_constructible_v<op::timeout_multishot, lio::timespec, unsigned>);
static_assert(std::is_constructible_v<op::timeout_update, int, const lio::timespec&>);
static_assert(!std::is_constructible_v<op::timeout_update, int, lio::timespec>);
static_assert(!std::is_constructible_v<op::timeout_update, int, std::chrono::seconds>);
static_assert(std::is_constructible_v<op::link_timeout_update, int, const lio::timespec&>);
static_assert(!std::is_constructible_v<op::link_timeout_update, int, lio::timespec>);
// A time in the entry may be a temporary.
static_assert(std::is_constructible_v<op::timeout, lio::time_in_entry>);
static_assert(std::is_constructible_v<op::link_timeout_update, int, lio::time_in_entry>);

// What the kernel refuses is not there to be asked for.
template <class Operation>
concept can_be_absolute = requires(Operation operation) { operation.absolute(); };
template <class Operation>
concept has_clock = requires(Operation operation) { operation.clock(timeout_clock::realtime); };
template <class Operation>
concept can_skip_success = requires(Operation operation) { operation.skip_success(); };
static_assert(can_be_absolute<op::timeout> && can_be_absolute<op::timeout_update>);
static_assert(!can_be_absolute<op::timeout_multishot>);
static_assert(has_clock<op::timeout_multishot>);
static_assert(!has_clock<op::timeout_update> && !has_clock<op::link_timeout_update>);
static_assert(can_skip_success<op::timeout> && !can_skip_success<op::timeout_multishot>);

static_assert(lio::time_in_entry{std::chrono::hours{300 * 365 * 24}}.nanoseconds() == INT64_MAX);
static_assert(lio::time_in_entry{lio::timespec{9'223'372'036, 854'775'807}}.nanoseconds() == INT64_MAX);
static_assert(lio::time_in_entry{lio::timespec{9'223'372'036, 854'775'806}}.nanoseconds() == INT64_MAX - 1);
static_assert(lio::time_in_entry{lio::timespec{9'223'372'036, 854'775'808}}.nanoseconds() == INT64_MAX);
static_assert(lio::time_in_entry{std::chrono::nanoseconds{-1}}.nanoseconds() == -1);
static_assert(lio::time_in_entry{std::chrono::hours{-3'000'000}}.nanoseconds() < 0);

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

/// Whether this kernel takes timers that go off again and again (Linux 6.4).
bool has_timeout_multishot() {
    static const bool answer = [] {
        ring asked = ring::create({.entries = 4, .exactly = true}).value();
        const lio::timespec now{};
        return knows(run(asked, op::timeout_multishot(now, 1)));
    }();
    return answer;
}

/// Whether this kernel gives pending timers another time (Linux 5.11).
bool has_timeout_update() {
    static const bool answer = [] {
        ring asked = ring::create({.entries = 4, .exactly = true}).value();
        const lio::timespec now{};
        return knows(run(asked, op::timeout_update(1, now)));
    }();
    return answer;
}

/// Whether this kernel gives pending time limits another time (Linux 5.15).
bool has_link_timeout_update() {
    static const bool answer = [] {
        ring asked = ring::create({.entries = 4, .exactly = true}).value();
        const lio::timespec now{};
        return knows(run(asked, op::link_timeout_update(1, now)));
    }();
    return answer;
}

/// Whether this kernel takes times that stand in the entry (Linux 7.1).
bool has_time_in_entry() {
    static const bool answer = [] {
        ring asked = ring::create({.entries = 4, .exactly = true}).value();
        return knows(run(asked, op::timeout(lio::time_in_entry{0})));
    }();
    return answer;
}

using lio::cancel_answer;
using lio::multishot_event;
using lio::time_limit;
using lio::timer_end;

/// A completion with this result and no more to come.
cqe completion(std::int32_t result) { return cqe{lio::abi::cqe{0, result, 0}}; }

} // namespace

TEST_CASE("a timer's end is a value, whichever of the two it was; its cancellation is an error", "[time][layout]") {
    CHECK(completion(-ETIME).result<op::timeout>().value() == timer_end::expired);
    CHECK(completion(-ETIME).result<op::timeout_or_completions>().value() == timer_end::expired);
    CHECK(completion(0).result<op::timeout_or_completions>().value() == timer_end::completions_came);
    CHECK(completion(-ETIME).result<op::timeout_multishot>().value() == timer_end::expired);
    CHECK(completion(-ECANCELED).result<op::timeout>().error().code() == ECANCELED);
    CHECK(completion(-EINVAL).result<op::timeout_multishot>().error().code() == EINVAL);
}

TEST_CASE("a time limit's end is a value", "[time][layout]") {
    CHECK(completion(-ECANCELED).result<op::link_timeout>().value() == time_limit::kept);
    CHECK(completion(-ETIME).result<op::link_timeout>().value() == time_limit::exceeded);
    CHECK(completion(-ENOENT).result<op::link_timeout>().value() == time_limit::exceeded_perhaps_too_late);
    CHECK(completion(-EALREADY).result<op::link_timeout>().value() == time_limit::exceeded_perhaps_too_late);
    CHECK(completion(-EINVAL).result<op::link_timeout>().error().code() == EINVAL);
}

TEST_CASE("the answers to removals and updates of timers are values [hazard 33]", "[time][layout][hazard 33]") {
    CHECK(completion(0).result<op::timeout_remove>().value() == cancel_answer::cancelled(1));
    CHECK(completion(-ENOENT).result<op::timeout_remove>().value().was_not_found());
    CHECK(completion(-EALREADY).result<op::timeout_remove>().value().was_too_late());
    CHECK(completion(-EINVAL).result<op::timeout_remove>().error().code() == EINVAL);
    CHECK(completion(0).result<op::timeout_update>().value() == cancel_answer::cancelled(1));
    CHECK(completion(-ENOENT).result<op::link_timeout_update>().value().was_not_found());
    CHECK(completion(-EALREADY).result<op::link_timeout_update>().value().was_too_late());
}

TEST_CASE("timeout completes with ETIME, and not before its time", "[time]") {
    under_each_setup([](ring& ring) {
        const std::int64_t start = now();
        const cqe done = run(ring, op::timeout(short_time).user_data(5));
        CHECK(now() - start >= milliseconds(30));
        CHECK(done.user_data() == 5);
        CHECK(code(done) == ETIME);
        CHECK(done.result<op::timeout>().value() == timer_end::expired);
        CHECK_FALSE(done.more());
    });
}

TEST_CASE("timeout is not hurried by completions [hazard 41]", "[time][hazard 41]") {
    under_each_setup([](ring& ring) {
        const std::int64_t start = now();
        ring.push(op::timeout(short_time).user_data(1)).value();
        for (int i = 0; i < 20; ++i) ring.push(op::nop().user_data(2)).value();
        // In whatever order: where the machine stands still for that long, Linux 5.10 posts the timer's first.
        const auto all = next_soon(ring, 21);
        CHECK(now() - start >= milliseconds(30));
        CHECK(code(of(all, 1)) == ETIME);
        for (const cqe& done : all) CHECK((done.user_data() == 1 || done.user_data() == 2));
    });
}

TEST_CASE("timeouts complete in the order of their times, not of their submission", "[time]") {
    under_each_setup([](ring& ring) {
        const lio::timespec first{std::chrono::milliseconds{10}};
        const lio::timespec second{std::chrono::milliseconds{40}};
        const lio::timespec third{std::chrono::milliseconds{70}};
        const std::int64_t start = now();
        ring.push(op::timeout(one_hour).user_data(4), op::timeout(third).user_data(3), op::timeout(first).user_data(1),
                  op::timeout(second).user_data(2))
            .value();
        // The hour is not over, whatever happens. When the others have gone off before this thread has run, Linux 6.1
        // posts the last one first.
        const auto done = next_soon(ring, 3);
        CHECK(now() - start >= milliseconds(70));
        for (std::uint64_t i = 1; i <= 3; ++i) CHECK(code(of(done, i)) == ETIME);
        CHECK(stays_quiet(ring, 5));
        ring.push(op::timeout_remove(4).user_data(5)).value();
        CHECK(code(of(next_soon(ring, 2), 4)) == ECANCELED);
    });
}

TEST_CASE("timeout_or_completions completes with success after so many completions [hazard 41]", "[time][hazard 41]") {
    under_each_setup([](ring& ring) {
        ring.push(op::timeout_or_completions(one_hour, 3).user_data(1)).value();
        CHECK(stays_quiet(ring));
        for (int i = 0; i < 2; ++i) CHECK(run(ring, op::nop().user_data(2)).user_data() == 2);
        CHECK(stays_quiet(ring)); // two are not three
        ring.push(op::nop().user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(of(done, 2).result());
        CHECK(of(done, 1).result<op::timeout_or_completions>().value() == timer_end::completions_came);
    });
}

TEST_CASE("timeout_or_completions counts operations that were submitted before it [hazard 41]", "[time][hazard 41]") {
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

TEST_CASE("timeout_or_completions says ETIME when the time comes first [hazard 41]", "[time][hazard 41]") {
    under_each_setup([](ring& ring) {
        const std::int64_t start = now();
        ring.push(op::timeout_or_completions(short_time, 2).user_data(1), op::nop().user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(now() - start >= milliseconds(30));
        CHECK(code(of(done, 1)) == ETIME);
        CHECK(of(done, 1).result<op::timeout_or_completions>().value() == timer_end::expired);
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

TEST_CASE("the time of a timeout may be overwritten once it is submitted [hazard 40]", "[time][hazard 40]") {
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
    const lio::timespec negative{-1, 0};
    {
        ring asked = ring::create({.entries = 4, .exactly = true}).value();
        asked.push(op::timeout(negative)).value();
        if (stays_quiet(asked) || code(next_soon(asked)) != EINVAL)
            LIO_SKIP("the kernel takes negative times for something (since Linux 5.16 it refuses them)");
    }
    under_each_setup([&](ring& ring) {
        CHECK(code(run(ring, op::timeout(negative))) == EINVAL);
        CHECK(code(run(ring, op::timeout_or_completions(negative, 1))) == EINVAL);
        CHECK(code(run(ring, op::timeout_update(1, negative))) == EINVAL);
        CHECK(code(run(ring, op::link_timeout_update(1, negative))) == EINVAL);
        if (has_timeout_multishot()) CHECK(code(run(ring, op::timeout_multishot(negative))) == EINVAL);
        ring.push(op::nop().link().user_data(1), op::link_timeout(negative).user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 2)) == EINVAL);
    });
}

TEST_CASE("timeout_remove ends a timer, which says so itself [hazard 33]", "[time][hazard 33]") {
    under_each_setup([](ring& ring) {
        ring.push(op::timeout(one_hour).user_data(1), op::timeout_or_completions(one_hour, 100).user_data(2)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::timeout_remove(1).user_data(3)).value();
        const auto first = next_soon(ring, 2);
        CHECK(code(of(first, 1)) == ECANCELED);
        CHECK(of(first, 3).result<op::timeout_remove>().value() == cancel_answer::cancelled(1));
        ring.push(op::timeout_remove(2).user_data(3)).value();
        const auto second = next_soon(ring, 2);
        CHECK(code(of(second, 2)) == ECANCELED);
        CHECK(code(of(second, 3)) == 0);
    });
}

TEST_CASE("timeout_remove answers ENOENT when there is no such timer [hazard 33]", "[time][hazard 33]") {
    under_each_setup([](ring& ring) {
        const cqe none = run(ring, op::timeout_remove(99));
        CHECK(code(none) == ENOENT);
        CHECK(none.result<op::timeout_remove>().value().was_not_found());
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

TEST_CASE("link_timeout cancels the operation before it when the time is up [hazard 32]", "[time][hazard 32]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[4] = {'k', 'e', 'e', 'p'};
        const std::int64_t start = now();
        ring.push(op::recv(pair.ours, bytes).link().user_data(1), op::link_timeout(short_time).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(now() - start >= milliseconds(30));
        CHECK(code(of(done, 1)) == ECANCELED);
        CHECK(code(of(done, 2)) == ETIME);
        CHECK(of(done, 2).result<op::link_timeout>().value() == time_limit::exceeded);
        // The receive is over: what comes now is left in the socket.
        send_all(pair.theirs, "late");
        CHECK(stays_quiet(ring, 5));
        CHECK(std::string_view(bytes, 4) == "keep");
        CHECK(receive_some(pair.ours) == "late");
    });
}

TEST_CASE("link_timeout is cancelled itself when the operation ends in time [hazard 32]", "[time][hazard 32]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[4] = {};
        ring.push(op::recv(pair.ours, bytes).link().user_data(1), op::link_timeout(one_hour).user_data(2)).value();
        CHECK(stays_quiet(ring));
        send_all(pair.theirs, "here");
        const auto waited = next_soon(ring, 2);
        CHECK(of(waited, 1).result().value() == 4);
        CHECK(code(of(waited, 2)) == ECANCELED);
        CHECK(of(waited, 2).result<op::link_timeout>().value() == time_limit::kept);

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
        ring.push(op::recv(pair.ours, bytes).link().user_data(1), op::link_timeout(then).absolute().user_data(2))
            .value();
        const auto done = next_soon(ring, 2);
        CHECK(now() >= target);
        CHECK(code(of(done, 1)) == ECANCELED);
        CHECK(code(of(done, 2)) == ETIME);
    });
}

TEST_CASE("a chain goes on behind a link_timeout if the time was not up [hazard 32]", "[time][hazard 32]") {
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

TEST_CASE("link_timeout limits the operation right before it, not those before that [hazard 32]", "[time][hazard 32]") {
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

TEST_CASE("link_timeout with nothing before it is refused [hazard 32]", "[time][hazard 32]") {
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

TEST_CASE("link_timeout says that it came too late, or was never started, when the operation blocks a worker thread "
          "[hazard 32] [hazard 33]",
          "[time][hazard 32][hazard 33]") {
    if (!kernel_supports(lio::abi::opcode::openat)) LIO_SKIP("the kernel opens no files (Linux 5.6 does)");
    under_each_setup([](ring& ring) {
        // A FIFO opens when its other end does; with O_CREAT that is left to a worker thread from the start.
        const temporary_directory directory;
        const std::string fifo = directory / "fifo";
        REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
        ring.push(op::openat(lio::current_directory, fifo.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0600)
                      .link()
                      .user_data(1),
                  op::link_timeout(short_time).user_data(2))
            .value();
        const bool limited = !stays_quiet(ring, 300);
        if (!limited) ring.push(op::cancel(1).user_data(3)).value();
        const auto done = next_soon(ring, limited ? 2 : 3);
        CHECK_FALSE(of(done, 1).result().has_value());
        const time_limit limit = of(done, 2).result<op::link_timeout>().value();
        if (limited)
            CHECK((limit == time_limit::exceeded_perhaps_too_late || limit == time_limit::exceeded));
        else // It was never started, or on a slow machine only while the cancel was on its way.
            CHECK((limit == time_limit::kept || limit == time_limit::exceeded_perhaps_too_late));
    });
}

TEST_CASE("timeout_multishot goes off so many times, and ends with the last [hazard 34]", "[time][hazard 34]") {
    if (!has_timeout_multishot()) LIO_SKIP("the kernel's timers go off once (since Linux 6.4 again and again)");
    under_each_setup([](ring& ring) {
        const lio::timespec beat{std::chrono::milliseconds{5}};
        const std::int64_t start = now();
        ring.push(op::timeout_multishot(beat, 3).user_data(1)).value();
        for (int i = 1; i <= 3; ++i) {
            const cqe done = next_soon(ring);
            CHECK(now() - start >= milliseconds(5 * i));
            CHECK(done.user_data() == 1);
            CHECK(code(done) == ETIME);
            CHECK(done.more() == (i < 3));
            const auto beaten = done.as<op::timeout_multishot>();
            CHECK(beaten.event() == (i < 3 ? multishot_event::item : multishot_event::last_item));
            CHECK(beaten.item() == timer_end::expired);
        }
        CHECK(stays_quiet(ring));
        CHECK(code(run(ring, op::timeout_remove(1).user_data(2))) == ENOENT);
    });
}

TEST_CASE("timeout_multishot without a number goes off until it is removed [hazard 33]", "[time][hazard 33]") {
    if (!has_timeout_multishot()) LIO_SKIP("the kernel's timers go off once (since Linux 6.4 again and again)");
    under_each_setup([](ring& ring) {
        // Long enough that a slow machine can remove it between two of them.
        lio::timespec beat{std::chrono::milliseconds{10}};
        ring.push(op::timeout_multishot(beat).user_data(1)).value();
        submit_all(ring);
        beat = one_hour; // [hazard 40] was read when it was submitted
        for (int i = 0; i < 10; ++i)
            CHECK(next_soon(ring).as<op::timeout_multishot>().event() == multishot_event::item);
        // It may be going off just when it is to be removed. Then it goes on.
        bool removed = false;
        bool ended = false;
        for (int attempt = 0; attempt < 50 && !removed; ++attempt) {
            ring.push(op::timeout_remove(1).user_data(2)).value();
            for (bool answered = false; !answered || (removed && !ended);) {
                const cqe done = next_soon(ring);
                if (done.user_data() == 2) {
                    answered = true;
                    removed = done.result<op::timeout_remove>().value().count() == 1;
                } else if (!done.more()) {
                    ended = true;
                    CHECK(done.as<op::timeout_multishot>().event() == multishot_event::cancelled);
                }
            }
        }
        CHECK(removed);
        CHECK(ended);
        CHECK(stays_quiet(ring, 5));
    });
}

TEST_CASE("timeout_multishot ends, without a failure, when nobody takes its completions [hazard 34]",
          "[time][hazard 34]") {
    if (!has_timeout_multishot()) LIO_SKIP("the kernel's timers go off once (since Linux 6.4 again and again)");
    // On a ring that posts completions without being asked, and has room for two.
    ring small = ring::create({.entries = 1, .exactly = true}).value();
    const lio::timespec beat{std::chrono::milliseconds{1}};
    small.push(op::timeout_multishot(beat).user_data(1)).value();
    submit_all(small);
    for (int i = 0; i < 40; ++i) ::poll(nullptr, 0, 1);
    int seen = 0;
    for (bool ended = false; !ended && seen < 100; ++seen) {
        const cqe done = next_soon(small);
        CHECK(code(done) == ETIME);
        ended = !done.more();
    }
    CHECK(seen == 3); // the two, and the last, which finds no room and waits for it
    CHECK(stays_quiet(small, 5));
}

TEST_CASE("what is chained behind a timeout_multishot starts after its last time, if that counts as a success",
          "[time]") {
    if (!has_timeout_multishot()) LIO_SKIP("the kernel's timers go off once (since Linux 6.4 again and again)");
    under_each_setup([](ring& ring) {
        const lio::timespec beat{std::chrono::milliseconds{2}};
        ring.push(op::timeout_multishot(beat, 2).success_on_expiry().link().user_data(1), op::nop().user_data(2))
            .value();
        for (const unsigned expected : {1u, 1u, 2u}) {
            const cqe done = next_soon(ring);
            CHECK(done.user_data() == expected);
            CHECK(code(done) == (expected == 1 ? ETIME : 0));
        }
        ring.push(op::timeout_multishot(beat, 2).link().user_data(1), op::nop().user_data(2)).value();
        CHECK(next_soon(ring).more());
        const auto rest = next_soon(ring, 2);
        CHECK(code(of(rest, 1)) == ETIME);
        CHECK(code(of(rest, 2)) == ECANCELED);
    });
}

TEST_CASE("timeout_update gives a timer a nearer time", "[time]") {
    if (!has_timeout_update()) LIO_SKIP("the kernel's timers keep their time (since Linux 5.11 they take another)");
    under_each_setup([](ring& ring) {
        lio::timespec nearer = short_time;
        ring.push(op::timeout(one_hour).user_data(1)).value();
        submit_all(ring);
        const std::int64_t start = now();
        ring.push(op::timeout_update(1, nearer).user_data(2)).value();
        submit_all(ring);
        nearer = one_hour; // [hazard 40] was read when it was submitted
        const auto done = next_soon(ring, 2);
        CHECK(now() - start >= milliseconds(30));
        CHECK(of(done, 2).result<op::timeout_update>().value() == cancel_answer::cancelled(1));
        CHECK(of(done, 1).result<op::timeout>().value() == timer_end::expired);
    });
}

TEST_CASE("timeout_update gives a timer a later time", "[time]") {
    if (!has_timeout_update()) LIO_SKIP("the kernel's timers keep their time (since Linux 5.11 they take another)");
    under_each_setup([](ring& ring) {
        const lio::timespec first{std::chrono::milliseconds{100}};
        // Where the machine stands still for that long, the timer goes off before it is updated: then once more.
        const auto is_updated = [&] {
            ring.push(op::timeout(first).user_data(1), op::timeout_update(1, one_hour).user_data(2)).value();
            const cqe done = next_soon(ring);
            if (done.user_data() == 2 && done.result<op::timeout_update>().value() == cancel_answer::cancelled(1))
                return true;
            const std::vector<cqe> both{done, next_soon(ring)};
            CHECK(code(of(both, 1)) == ETIME);
            CHECK(code(of(both, 2)) != 0);
            return false;
        };
        int tries = 1;
        while (!is_updated() && tries < 100) ++tries;
        REQUIRE(tries < 100);
        CHECK(stays_quiet(ring, 150));
        ring.push(op::timeout_remove(1).user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 1)) == ECANCELED);
    });
}

TEST_CASE("timeout_update takes a point on the timer's own clock", "[time]") {
    if (!has_timeout_update()) LIO_SKIP("the kernel's timers keep their time (since Linux 5.11 they take another)");
    under_each_setup([](ring& ring) {
        const std::int64_t target = now() + milliseconds(30);
        const lio::timespec then = to_timespec(target);
        ring.push(op::timeout(one_hour).user_data(1), op::timeout_update(1, then).absolute().user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 1)) == ETIME);
        CHECK(now() >= target);
        if (!has_clocks()) {
            record_partial_skip("the kernel's timers know the monotonic clock only (Linux 5.15 knows others)");
            return;
        }
        // On any other clock this would be decades away.
        const std::int64_t real_target = now(CLOCK_REALTIME) + milliseconds(30);
        const lio::timespec real_then = to_timespec(real_target);
        ring.push(op::timeout(one_hour).clock(timeout_clock::realtime).user_data(1),
                  op::timeout_update(1, real_then).absolute().user_data(2))
            .value();
        CHECK(code(of(next_soon(ring, 2), 1)) == ETIME);
        CHECK(now(CLOCK_REALTIME) >= real_target);
    });
}

TEST_CASE("timeout_update makes a counting timer a pure one [hazard 41]", "[time][hazard 41]") {
    if (!has_timeout_update()) LIO_SKIP("the kernel's timers keep their time (since Linux 5.11 they take another)");
    under_each_setup([](ring& ring) {
        ring.push(op::timeout_or_completions(one_hour, 3).user_data(1), op::timeout_update(1, one_hour).user_data(2))
            .value();
        CHECK(next_soon(ring).result<op::timeout_update>().value() == cancel_answer::cancelled(1));
        for (int i = 0; i < 10; ++i) CHECK(run(ring, op::nop().user_data(3)).user_data() == 3);
        CHECK(stays_quiet(ring));
        ring.push(op::timeout_remove(1).user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 1)) == ECANCELED);
    });
}

TEST_CASE("timeout_update gives a timeout_multishot another beat, and with it may make it go on for ever [hazard 41]",
          "[time][hazard 41]") {
    if (!has_timeout_multishot()) LIO_SKIP("the kernel's timers go off once (since Linux 6.4 again and again)");
    under_each_setup([](ring& ring) {
        const lio::timespec beat{std::chrono::milliseconds{2}};
        ring.push(op::timeout_multishot(one_hour, 2).user_data(1), op::timeout_update(1, beat).user_data(2)).value();
        CHECK(next_soon(ring).result<op::timeout_update>().value() == cancel_answer::cancelled(1));
        CHECK(next_soon(ring).as<op::timeout_multishot>().event() == multishot_event::item);
        // Its number was two. Kernels before 7.x forget that.
        const bool ends = !next_soon(ring).more();
        if (ends)
            CHECK(stays_quiet(ring));
        else
            for (int i = 0; i < 5; ++i) CHECK(next_soon(ring).more());
    });
}

TEST_CASE("timeout_update finds no timer that has gone off, nor a link_timeout, nor another operation [hazard 33]",
          "[time][hazard 33]") {
    if (!has_timeout_update()) LIO_SKIP("the kernel's timers keep their time (since Linux 5.11 they take another)");
    under_each_setup([](ring& ring) {
        const lio::timespec at_once{};
        CHECK(code(run(ring, op::timeout(at_once).user_data(1))) == ETIME);
        CHECK(run(ring, op::timeout_update(1, one_hour)).result<op::timeout_update>().value().was_not_found());
        connection pair = socket_pair();
        char byte;
        ring.push(op::recv(pair.ours, {&byte, 1}).link().user_data(1), op::link_timeout(one_hour).user_data(2)).value();
        CHECK(stays_quiet(ring));
        CHECK(code(run(ring, op::timeout_update(1, short_time))) == ENOENT);
        CHECK(code(run(ring, op::timeout_update(2, short_time))) == ENOENT);
        send_all(pair.theirs, "!");
        CHECK(code(of(next_soon(ring, 2), 1)) == 0);
    });
}

TEST_CASE("link_timeout_update gives a time limit another time [hazard 32]", "[time][hazard 32]") {
    if (!has_link_timeout_update()) LIO_SKIP("the kernel's time limits stay (since Linux 5.15 they take another time)");
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[4];
        lio::timespec nearer = short_time;
        ring.push(op::recv(pair.ours, bytes).link().user_data(1), op::link_timeout(one_hour).user_data(2)).value();
        CHECK(stays_quiet(ring));
        const std::int64_t start = now();
        ring.push(op::link_timeout_update(2, nearer).user_data(3)).value();
        submit_all(ring);
        nearer = one_hour; // [hazard 40] was read when it was submitted
        const auto done = next_soon(ring, 3);
        CHECK(now() - start >= milliseconds(30));
        CHECK(of(done, 3).result<op::link_timeout_update>().value() == cancel_answer::cancelled(1));
        CHECK(code(of(done, 1)) == ECANCELED);
        CHECK(of(done, 2).result<op::link_timeout>().value() == time_limit::exceeded);

        // To a point on the clock, which is over already.
        ring.push(op::recv(pair.ours, bytes).link().user_data(1), op::link_timeout(one_hour).user_data(2)).value();
        CHECK(stays_quiet(ring));
        const lio::timespec past = to_timespec(now() - milliseconds(1));
        ring.push(op::link_timeout_update(2, past).absolute().user_data(3)).value();
        const auto over = next_soon(ring, 3);
        CHECK(code(of(over, 1)) == ECANCELED);
        CHECK(code(of(over, 2)) == ETIME);
        CHECK(code(of(over, 3)) == 0);
    });
}

TEST_CASE("link_timeout_update finds no timeout, and no limit of what has ended [hazard 33]", "[time][hazard 33]") {
    if (!has_link_timeout_update()) LIO_SKIP("the kernel's time limits stay (since Linux 5.15 they take another time)");
    under_each_setup([](ring& ring) {
        ring.push(op::timeout(one_hour).user_data(1)).value();
        CHECK(stays_quiet(ring));
        const cqe none = run(ring, op::link_timeout_update(1, short_time).user_data(2));
        CHECK(code(none) == ENOENT);
        CHECK(none.result<op::link_timeout_update>().value().was_not_found());
        CHECK(stays_quiet(ring, 40)); // and the timeout is not touched
        ring.push(op::nop().link().user_data(3), op::link_timeout(one_hour).user_data(4)).value();
        CHECK(next_soon(ring, 2).size() == 2);
        CHECK(code(run(ring, op::link_timeout_update(4, short_time).user_data(2))) == ENOENT);
    });
}

TEST_CASE("the time of a link_timeout may be overwritten once it is submitted [hazard 40]", "[time][hazard 40]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[4];
        lio::timespec limit = short_time;
        ring.push(op::recv(pair.ours, bytes).link().user_data(1), op::link_timeout(limit).user_data(2)).value();
        submit_all(ring);
        limit = one_hour;
        CHECK(code(of(next_soon(ring, 2), 2)) == ETIME);
    });
}

TEST_CASE("a time in the entry needs nothing to live, in each of the timers [hazard 40]", "[time][hazard 40]") {
    if (!has_time_in_entry()) LIO_SKIP("the kernel wants times behind a pointer (since Linux 7.1 also in the entry)");
    under_each_setup([](ring& ring) {
        using lio::time_in_entry;
        const time_in_entry soon{std::chrono::milliseconds{30}};
        const time_in_entry late{std::chrono::hours{1}};
        std::int64_t start = now();
        CHECK(run(ring, op::timeout(soon)).result<op::timeout>().value() == timer_end::expired);
        CHECK(now() - start >= milliseconds(30));
        start = now();
        CHECK(code(run(ring, op::timeout_or_completions(soon, 1))) == ETIME);
        CHECK(now() - start >= milliseconds(30));
        ring.push(op::timeout_or_completions(late, 1).user_data(1), op::nop().user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 1)) == 0);

        start = now();
        ring.push(op::timeout_multishot(time_in_entry{std::chrono::milliseconds{5}}, 2)).value();
        CHECK(next_soon(ring).more());
        CHECK_FALSE(next_soon(ring).more());
        CHECK(now() - start >= milliseconds(10));

        ring.push(op::timeout(late).user_data(1)).value();
        CHECK(stays_quiet(ring));
        start = now();
        ring.push(op::timeout_update(1, soon).user_data(2)).value();
        const auto updated = next_soon(ring, 2);
        CHECK(now() - start >= milliseconds(30));
        CHECK(code(of(updated, 1)) == ETIME);
        CHECK(code(of(updated, 2)) == 0);

        connection pair = socket_pair();
        char bytes[4];
        start = now();
        ring.push(op::recv(pair.ours, bytes).link().user_data(1), op::link_timeout(soon).user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 2)) == ETIME);
        CHECK(now() - start >= milliseconds(30));
        ring.push(op::recv(pair.ours, bytes).link().user_data(1), op::link_timeout(late).user_data(2)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::link_timeout_update(2, soon).user_data(3)).value();
        const auto limited = next_soon(ring, 3);
        CHECK(code(of(limited, 1)) == ECANCELED);
        CHECK(code(of(limited, 2)) == ETIME);
        CHECK(code(of(limited, 3)) == 0);
    });
}

TEST_CASE("a time in the entry can be a point on a clock, but not negative", "[time]") {
    if (!has_time_in_entry()) LIO_SKIP("the kernel wants times behind a pointer (since Linux 7.1 also in the entry)");
    under_each_setup([](ring& ring) {
        const std::int64_t target = now() + milliseconds(30);
        CHECK(code(run(ring, op::timeout(lio::time_in_entry{target}).absolute())) == ETIME);
        CHECK(now() >= target);
        const std::int64_t real_target = now(CLOCK_REALTIME) + milliseconds(30);
        const lio::time_in_entry real{real_target};
        CHECK(code(run(ring, op::timeout(real).absolute().clock(timeout_clock::realtime))) == ETIME);
        CHECK(now(CLOCK_REALTIME) >= real_target);
        CHECK(code(run(ring, op::timeout(lio::time_in_entry{-1}))) == EINVAL);
        CHECK(code(run(ring, op::timeout(lio::time_in_entry{std::chrono::hours{-1}}))) == EINVAL);
        // The longest there is.
        ring.push(op::timeout(lio::time_in_entry{std::chrono::hours{9'000'000}}).user_data(1)).value();
        CHECK(stays_quiet(ring));
    });
}

} // namespace time_test
