// Timers, and time limits for other operations. Includes the base, timespec and cancel_answer only; any thread.
#pragma once

#include <lio/abi/operation_flags.hpp>
#include <lio/cancel_answer.hpp>
#include <lio/detail/assert.hpp>
#include <lio/op/operation.hpp>
#include <lio/timespec.hpp>

#include <cstdint>
#include <type_traits>

namespace lio::inline v0 {

/// Which clock a timer goes by.
enum class timeout_clock : std::uint32_t {
    /// CLOCK_MONOTONIC: stands still while the machine sleeps.
    monotonic = 0,
    /// CLOCK_BOOTTIME: goes on while the machine sleeps.
    boottime = abi::timeout_boottime,
    /// CLOCK_REALTIME: the time of day, which can be set.
    realtime = abi::timeout_realtime,
};

/// A time that stands in the operation itself, so that nothing needs to live until it is submitted: nanoseconds, or any
/// std::chrono::duration. The longest is 292 years; what is longer counts as that. Where a timer takes a timespec it
/// takes one of these too. Since Linux 7.1; EINVAL before.
class time_in_entry {
public:
    explicit constexpr time_in_entry(std::int64_t nanoseconds) noexcept : nanoseconds_{nanoseconds} {}

    template <class Duration>
        requires(std::is_constructible_v<timespec, const Duration&>)
    explicit constexpr time_in_entry(const Duration& time) noexcept : nanoseconds_{in_nanoseconds(timespec{time})} {}

    constexpr std::int64_t nanoseconds() const noexcept { return nanoseconds_; }

private:
    static constexpr std::int64_t in_nanoseconds(timespec time) noexcept {
        constexpr std::int64_t second = 1'000'000'000;
        constexpr std::int64_t longest = INT64_MAX;
        if (time.tv_sec < 0 || time.tv_nsec < 0) return -1; // which the kernel refuses, as it does with a timespec
        if (time.tv_sec > (longest - time.tv_nsec) / second) return longest;
        return time.tv_sec * second + time.tv_nsec;
    }

    std::int64_t nanoseconds_;
};

/// How a timer ended that was neither removed nor cancelled.
enum class timer_end : std::uint8_t {
    /// The time has come (ETIME, which is no failure of a timer).
    expired,
    /// The completions came first; of timeout_or_completions only.
    completions_came,
};

/// What became of a time limit.
enum class time_limit : std::uint8_t {
    /// The operation ended in time, or never began (ECANCELED).
    kept,
    /// The time was up (ETIME) and the operation has been cancelled, unless it ended at that very moment.
    exceeded,
    /// The time was up, and the kernel does not say that it stopped the operation (ENOENT, EALREADY): that has ended
    /// already, or a worker runs it and has been interrupted. Its own completion tells.
    exceeded_perhaps_too_late,
};

} // namespace lio::inline v0

namespace lio::inline v0::op {

/// What the operations that hold a timer share.
template <class Derived>
class timer_operation : public operation<Derived> {
public:
    /// The time is a point on the clock, not a span from now. Since Linux 5.5; EINVAL before.
    constexpr Derived absolute() const noexcept { return with_timeout_flag(abi::timeout_abs); }

    /// Another clock than the monotonic one. Since Linux 5.15; EINVAL before.
    constexpr Derived clock(timeout_clock clock) const noexcept {
        Derived changed = this->self();
        changed.entry_.timeout_flags =
            (changed.entry_.timeout_flags & ~abi::timeout_clock_mask) | static_cast<std::uint32_t>(clock);
        return changed;
    }

protected:
    explicit timer_operation(const timespec& time) noexcept : timer_operation{this->address(&time)} {}

    explicit constexpr timer_operation(time_in_entry time) noexcept
        : timer_operation{static_cast<std::uint64_t>(time.nanoseconds())} {
        this->entry_.timeout_flags = abi::timeout_immediate_arg;
    }

    constexpr Derived with_timeout_flag(std::uint32_t flag) const noexcept {
        Derived changed = this->self();
        changed.entry_.timeout_flags |= flag;
        return changed;
    }

private:
    explicit constexpr timer_operation(std::uint64_t time) noexcept {
        this->entry_.fd = -1;
        this->entry_.addr = time;
        this->entry_.len = 1; // one timespec, which the kernel insists on; also where there is none
    }
};

/// What the timers share that stand for themselves.
template <class Derived>
class free_timer : public timer_operation<Derived> {
public:
    using result_type = timer_end;

    /// ETIME is not a failure but what one waits for.
    static result<timer_end> interpret(const cqe& done) noexcept {
        const auto plain = done.result();
        if (plain) return timer_end::completions_came;
        if (lio::detail::failure_of(plain.error()) == lio::detail::failure::time_passed) return timer_end::expired;
        return plain.error();
    }

    /// When the time has come the next operation of the chain starts, instead of being cancelled. The result is ETIME
    /// all the same. With skip_success() as well nobody sees it, but it ends a wait for several completions with EINTR.
    /// Since Linux 5.16; EINVAL before.
    constexpr Derived success_on_expiry() const noexcept {
        return this->with_timeout_flag(abi::timeout_etime_success);
    }

protected:
    using timer_operation<Derived>::timer_operation;
};

/// A timer: completes when `time` has passed, and not because of anything else that happens on the ring.
/// timerfd_settime(2) has its notions of clocks and of absolute times.
/// Result: timer_end::expired, for which the kernel says ETIME; ECANCELED when it was removed or cancelled before.
/// Lifetimes: `time` until the operation has been submitted; with a time_in_entry no argument is pointed to.
/// Traps: ETIME is a failure in the eyes of a chain and breaks it; see success_on_expiry(). Wait with a limit
/// (ring::submit_and_wait) needs no such operation.
/// Since Linux 5.4; of a time_in_entry since 7.1.
class timeout : public free_timer<timeout> {
public:
    static constexpr abi::opcode code = abi::opcode::timeout;
    static constexpr kernel_version since{5, 4};

    explicit timeout(const timespec& time) noexcept : free_timer{time} {}
    explicit timeout(const timespec&& time) = delete;
    explicit constexpr timeout(time_in_entry time) noexcept : free_timer{time} {}
};

/// Completes when `count` more completions have been posted on the ring, or when `time` has passed, whichever comes
/// first. io_uring_enter(2).
/// Result: timer_end::completions_came, or timer_end::expired, for which the kernel says ETIME; ECANCELED when it was
/// removed or cancelled before.
/// Lifetimes: `time` until the operation has been submitted; with a time_in_entry no argument is pointed to.
/// Traps: every completion counts that comes after this operation has started, also of operations that were submitted
/// before it, and each of a multishot's; timers' own do not, nor does what skip_success() keeps back. A wait for
/// several completions, on which it comes, may end with EINTR as if by a signal, or with setup::deferred_taskrun not
/// end at all (faults of the kernel, 6.18 and 7.3): wait for one at a time beside it. ETIME breaks a chain; see
/// success_on_expiry(). `count` is at least 1: with 0 the kernel takes it for a timeout.
/// Since Linux 5.4; of a time_in_entry since 7.1.
class timeout_or_completions : public free_timer<timeout_or_completions> {
public:
    static constexpr abi::opcode code = abi::opcode::timeout;
    static constexpr kernel_version since{5, 4};

    timeout_or_completions(const timespec& time, std::uint32_t count) noexcept : free_timer{time} {
        set_count(count);
    }
    timeout_or_completions(const timespec&& time, std::uint32_t count) = delete;
    constexpr timeout_or_completions(time_in_entry time, std::uint32_t count) noexcept : free_timer{time} {
        set_count(count);
    }

private:
    constexpr void set_count(std::uint32_t count) noexcept {
        LIO_ASSERT(count != 0, "there is nothing to count; op::timeout is the plain timer");
        entry_.off = count;
    }
};

/// A timer that goes off again and again: `times` times, or for ever; one completion each time. timerfd_settime(2).
/// Result: timer_end::expired each time, for which the kernel says ETIME; ECANCELED when it was removed or cancelled.
/// Lifetimes: `time` until the operation has been submitted; with a time_in_entry no argument is pointed to.
/// Traps: each span starts when the completion before it is posted, so that the beat drifts and what a busy thread
/// misses is not made up for. It has ended when a completion comes without cqe::more(): before its time, and without
/// another failure, when the completion queue is full. absolute() is not for it.
/// Since Linux 6.4; of a time_in_entry since 7.1.
class timeout_multishot : public free_timer<timeout_multishot> {
public:
    static constexpr abi::opcode code = abi::opcode::timeout;
    static constexpr kernel_version since{6, 4};
    static constexpr completes completions = completes::many;

    explicit timeout_multishot(const timespec& time) noexcept : free_timer{time} { set_multishot(); }
    explicit timeout_multishot(const timespec&& time) = delete;
    explicit constexpr timeout_multishot(time_in_entry time) noexcept : free_timer{time} { set_multishot(); }

    timeout_multishot(const timespec& time, std::uint32_t times) noexcept : free_timer{time} { set_times(times); }
    timeout_multishot(const timespec&& time, std::uint32_t times) = delete;
    constexpr timeout_multishot(time_in_entry time, std::uint32_t times) noexcept : free_timer{time} {
        set_times(times);
    }

    timeout_multishot absolute() const = delete;

private:
    constexpr void set_multishot() noexcept { entry_.timeout_flags |= abi::timeout_multishot; }
    constexpr void set_times(std::uint32_t times) noexcept {
        LIO_ASSERT(times != 0, "a timer cannot go off no times; without a number it does so for ever");
        set_multishot();
        entry_.off = times;
    }
};

/// Removes a timeout, timeout_or_completions or timeout_multishot before its time. io_uring_enter(2).
/// Result: a cancel_answer: removed, not found (any more), or too late, because it is going off at this moment. A timer
/// that was removed completes itself, with ECANCELED.
/// Lifetimes: no argument is pointed to; `target` is the user_data of the timer.
/// Traps: cannot remove a link_timeout. An answer other than "removed" breaks a chain.
/// Since Linux 5.5.
class timeout_remove : public operation<timeout_remove> {
public:
    static constexpr abi::opcode code = abi::opcode::timeout_remove;
    static constexpr kernel_version since{5, 5};
    using result_type = cancel_answer;

    static result<cancel_answer> interpret(const cqe& done) noexcept { return cancel_answer::read(done, 1); }

    template <lio::detail::user_data_value T>
    explicit constexpr timeout_remove(const T& target) noexcept {
        entry_.fd = -1;
        entry_.addr = lio::detail::to_user_data(target);
    }
};

/// What the operations share that give a timer another time.
template <class Derived>
class timer_update : public operation<Derived> {
public:
    using result_type = cancel_answer;

    static result<cancel_answer> interpret(const cqe& done) noexcept { return cancel_answer::read(done, 1); }

    /// The time is a point on the timer's clock, not a span from now.
    constexpr Derived absolute() const noexcept {
        Derived changed = this->self();
        changed.entry_.timeout_flags |= abi::timeout_abs;
        return changed;
    }

protected:
    timer_update(std::uint64_t target, const timespec& time, std::uint32_t flags) noexcept
        : timer_update{target, this->address(&time), flags} {}
    constexpr timer_update(std::uint64_t target, time_in_entry time, std::uint32_t flags) noexcept
        : timer_update{target, static_cast<std::uint64_t>(time.nanoseconds()), flags | abi::timeout_immediate_arg} {}

private:
    constexpr timer_update(std::uint64_t target, std::uint64_t time, std::uint32_t flags) noexcept {
        this->entry_.fd = -1;
        this->entry_.addr = target;
        this->entry_.addr2 = time;
        this->entry_.timeout_flags = flags;
    }
};

/// Gives a pending timer another time. io_uring_enter(2).
/// Result: a cancel_answer: changed, not found (any more), or too late, because it is going off at this moment.
/// Lifetimes: `time` until the operation has been submitted; with a time_in_entry no argument is pointed to. `target`
/// is the user_data of the timer.
/// Traps: it changes more than the time: a timeout_or_completions stops counting, and a timeout_multishot goes on for
/// ever, however often it was to go off (up to Linux 6.18 at least; not in 7.3). The clock stays the timer's own. An
/// absolute time is not for a multishot: it would be taken for a span from the second round on. Not for a link_timeout.
/// Since Linux 5.11; of a time_in_entry since 7.1.
class timeout_update : public timer_update<timeout_update> {
public:
    static constexpr abi::opcode code = abi::opcode::timeout_remove;
    static constexpr kernel_version since{5, 11};

    template <lio::detail::user_data_value T>
    timeout_update(const T& target, const timespec& time) noexcept
        : timer_update{lio::detail::to_user_data(target), time, abi::timeout_update} {}
    template <lio::detail::user_data_value T>
    timeout_update(const T& target, const timespec&& time) = delete;
    template <lio::detail::user_data_value T>
    constexpr timeout_update(const T& target, time_in_entry time) noexcept
        : timer_update{lio::detail::to_user_data(target), time, abi::timeout_update} {}
};

/// Gives a pending link_timeout another time. io_uring_enter(2).
/// Result: a cancel_answer: changed, not found (any more), or too late, because the time is up at this moment.
/// Lifetimes: `time` until the operation has been submitted; with a time_in_entry no argument is pointed to. `target`
/// is the user_data of the link_timeout, not of the operation that it limits.
/// Traps: the clock stays the link_timeout's own. There is none to be found before the operation that it limits has
/// started, nor after that has ended.
/// Since Linux 5.15; of a time_in_entry since 7.1.
class link_timeout_update : public timer_update<link_timeout_update> {
public:
    static constexpr abi::opcode code = abi::opcode::timeout_remove;
    static constexpr kernel_version since{5, 15};

    template <lio::detail::user_data_value T>
    link_timeout_update(const T& target, const timespec& time) noexcept
        : timer_update{lio::detail::to_user_data(target), time, flags} {}
    template <lio::detail::user_data_value T>
    link_timeout_update(const T& target, const timespec&& time) = delete;
    template <lio::detail::user_data_value T>
    constexpr link_timeout_update(const T& target, time_in_entry time) noexcept
        : timer_update{lio::detail::to_user_data(target), time, flags} {}

private:
    // Without the first of the two the kernel takes it for a removal.
    static constexpr std::uint32_t flags = abi::timeout_update | abi::link_timeout_update;
};

/// Limits the time of the operation right before it, which must carry link() or hard_link(); pushed together with it.
/// When the time has passed that operation is cancelled. io_uring_enter(2).
/// Result: a time_limit: kept, exceeded, or exceeded too late to stop the operation; to the kernel none of them is a
/// success.
/// Lifetimes: `time` until the operation has been submitted; with a time_in_entry no argument is pointed to.
/// Traps: two completions come for the pair, in either order, and only the operation's own says how it went: it may
/// have succeeded although the limit was exceeded. The time starts when the operation does; but of one that blocks a
/// worker thread (opening a FIFO; more of them with force_async()) it may not start at all, as in Linux 6.18 and 7.3.
/// EINVAL and a cancelled chain if nothing stands before it, or another link_timeout does. In a longer chain it carries
/// link() itself.
/// Since Linux 5.5; of a time_in_entry since 7.1.
class link_timeout : public timer_operation<link_timeout> {
public:
    static constexpr abi::opcode code = abi::opcode::link_timeout;
    static constexpr kernel_version since{5, 5};
    using result_type = time_limit;

    static result<time_limit> interpret(const cqe& done) noexcept {
        const auto plain = done.result();
        if (plain) return time_limit::exceeded_perhaps_too_late; // never seen, but a success could mean nothing else
        switch (lio::detail::failure_of(plain.error())) {
        case lio::detail::failure::cancelled: return time_limit::kept;
        case lio::detail::failure::time_passed: return time_limit::exceeded;
        case lio::detail::failure::not_found:
        case lio::detail::failure::too_late: return time_limit::exceeded_perhaps_too_late;
        default: return plain.error();
        }
    }

    explicit link_timeout(const timespec& time) noexcept : timer_operation{time} {}
    explicit link_timeout(const timespec&& time) = delete;
    explicit constexpr link_timeout(time_in_entry time) noexcept : timer_operation{time} {}
};

} // namespace lio::inline v0::op
