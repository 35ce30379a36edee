// Timers, and time limits for other operations. Includes the base and timespec only; any thread.
#pragma once

#include <lio/abi/operation_flags.hpp>
#include <lio/detail/assert.hpp>
#include <lio/op/operation.hpp>
#include <lio/timespec.hpp>

#include <cstdint>

namespace lio {

/// Which clock a timer goes by.
enum class timeout_clock : std::uint32_t {
    /// CLOCK_MONOTONIC: stands still while the machine sleeps.
    monotonic = 0,
    /// CLOCK_BOOTTIME: goes on while the machine sleeps.
    boottime = abi::timeout_boottime,
    /// CLOCK_REALTIME: the time of day, which can be set.
    realtime = abi::timeout_realtime,
};

} // namespace lio

namespace lio::op {

/// What the operations that hold a timer share.
template <class Derived>
class timer_operation : public operation<Derived> {
public:
    /// The time is a point on the clock, not a span from now.
    constexpr Derived absolute() const noexcept { return with_timeout_flag(abi::timeout_abs); }

    /// Another clock than the monotonic one. Since Linux 5.15; EINVAL before.
    constexpr Derived clock(timeout_clock clock) const noexcept {
        Derived changed = this->self();
        changed.entry_.timeout_flags =
            (changed.entry_.timeout_flags & ~abi::timeout_clock_mask) | static_cast<std::uint32_t>(clock);
        return changed;
    }

protected:
    explicit timer_operation(const timespec& time) noexcept {
        this->entry_.fd = -1;
        this->entry_.addr = this->address(&time);
        this->entry_.len = 1; // one timespec, which the kernel insists on
    }

    constexpr Derived with_timeout_flag(std::uint32_t flag) const noexcept {
        Derived changed = this->self();
        changed.entry_.timeout_flags |= flag;
        return changed;
    }
};

/// A timer: completes when `time` has passed, and not because of anything else that happens on the ring.
/// timerfd_settime(2) has its notions of clocks and of absolute times.
/// Result: never a success: ETIME when the time has come, ECANCELED when it was removed or cancelled before.
/// Lifetimes: `time` until the operation has been submitted.
/// Traps: ETIME is a failure in the eyes of a chain and breaks it; see success_on_expiry(). Wait with a limit
/// (ring::submit_and_wait) needs no such operation.
/// Since Linux 5.4.
class timeout : public timer_operation<timeout> {
public:
    static constexpr abi::opcode code = abi::opcode::timeout;
    static constexpr kernel_version since{5, 4};
    using result_type = void;

    explicit timeout(const timespec& time) noexcept : timer_operation{time} {}
    explicit timeout(const timespec&& time) = delete;

    /// When the time has come the next operation of the chain starts, instead of being cancelled. The result is ETIME
    /// all the same. Since Linux 5.16; EINVAL before.
    timeout success_on_expiry() const noexcept { return with_timeout_flag(abi::timeout_etime_success); }
};

/// Completes when `count` more completions have been posted on the ring, or when `time` has passed, whichever comes
/// first. io_uring_enter(2).
/// Result: nothing when the completions came first; ETIME when the time did; ECANCELED when it was removed or
/// cancelled before.
/// Lifetimes: `time` until the operation has been submitted.
/// Traps: every completion counts that comes after this operation has started, also of operations that were submitted
/// before it, and each of a multishot's; timers' own do not, nor does what skip_success() keeps back. `count` is at
/// least 1: with 0 the kernel takes it for a timeout.
/// Since Linux 5.4.
class timeout_or_completions : public timer_operation<timeout_or_completions> {
public:
    static constexpr abi::opcode code = abi::opcode::timeout;
    static constexpr kernel_version since{5, 4};
    using result_type = void;

    timeout_or_completions(const timespec& time, std::uint32_t count) noexcept : timer_operation{time} {
        LIO_ASSERT(count != 0, "there is nothing to count; op::timeout is the plain timer");
        entry_.off = count;
    }
    timeout_or_completions(const timespec&& time, std::uint32_t count) = delete;

    /// When the time comes first the next operation of the chain starts, instead of being cancelled. The result is
    /// ETIME all the same. Since Linux 5.16; EINVAL before.
    timeout_or_completions success_on_expiry() const noexcept {
        return with_timeout_flag(abi::timeout_etime_success);
    }
};

/// Removes a timeout or a timeout_or_completions before its time. io_uring_enter(2).
/// Result: nothing; the timer then completes itself, with ECANCELED. Two failures are answers: ENOENT, there is no
/// such timer (any more); EALREADY, it is going off at this moment.
/// Lifetimes: no argument is pointed to; `target` is the user_data of the timer.
/// Traps: cannot remove a link_timeout.
/// Since Linux 5.5.
class timeout_remove : public operation<timeout_remove> {
public:
    static constexpr abi::opcode code = abi::opcode::timeout_remove;
    static constexpr kernel_version since{5, 5};
    using result_type = void;

    template <lio::detail::user_data_value T>
    explicit constexpr timeout_remove(const T& target) noexcept {
        entry_.fd = -1;
        entry_.addr = lio::detail::to_user_data(target);
    }
};

/// Limits the time of the operation right before it, which must carry link() or hard_link(); pushed together with it.
/// When the time has passed that operation is cancelled. io_uring_enter(2).
/// Result: never a success: ECANCELED when the operation ended in time; ETIME when it was cancelled, and then its own
/// completion says ECANCELED; ENOENT or EALREADY when the time was up but it could not be cancelled any more.
/// Lifetimes: `time` until the operation has been submitted.
/// Traps: two completions come for the pair, in either order, and only the operation's own says how it went: it may
/// have succeeded in spite of ETIME here. The time starts when the operation does. EINVAL and a cancelled chain if
/// nothing stands before it, or another link_timeout does. In a longer chain it carries link() itself.
/// Since Linux 5.5.
class link_timeout : public timer_operation<link_timeout> {
public:
    static constexpr abi::opcode code = abi::opcode::link_timeout;
    static constexpr kernel_version since{5, 5};
    using result_type = void;

    explicit link_timeout(const timespec& time) noexcept : timer_operation{time} {}
    explicit link_timeout(const timespec&& time) = delete;
};

} // namespace lio::op
