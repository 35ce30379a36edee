// Waiting for a file to become ready. Includes the base and cancel_answer only: events are the numbers of <poll.h>. Any
// thread.
#pragma once

#include <lio/abi/operation_flags.hpp>
#include <lio/cancel_answer.hpp>
#include <lio/op/operation.hpp>

#include <cstdint>

namespace lio::inline v0::detail {

// The field was 16 bits wide once and grew to 32 at the same address, so that the low half comes first in memory
// whatever the byte order.
constexpr std::uint32_t poll_events_in_entry(std::uint32_t events) noexcept {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return events << 16 | events >> 16;
#else
    return events;
#endif
}

} // namespace lio::inline v0::detail

namespace lio::inline v0::op {

/// Completes once one of the events is there, now or later. poll(2).
/// Result: the events that are, of those asked for and of POLLERR and POLLHUP, which always count.
/// Lifetimes: no argument is pointed to.
/// Traps: the result tells what was so when the completion was made; a read may still find nothing. Closing the
/// descriptor does not end it: cancel it. Events above the lowest 16 bits, EPOLLEXCLUSIVE for one, need Linux 5.9.
/// Since Linux 5.1.
class poll : public operation<poll> {
public:
    static constexpr abi::opcode code = abi::opcode::poll_add;
    static constexpr kernel_version since{5, 1};
    using result_type = std::uint32_t;

    constexpr poll(descriptor file, std::uint32_t events) noexcept {
        set_file(file);
        entry_.poll32_events = lio::detail::poll_events_in_entry(events);
    }
};

/// Completes each time one of the events comes, until it fails or is cancelled. poll(2), or rather epoll_wait(2) with
/// EPOLLET.
/// Result: the events that are, of those asked for and of POLLERR and POLLHUP, which always count.
/// Lifetimes: no argument is pointed to.
/// Traps: it reports changes: what is there at the start counts as one, what stays unread is not reported again, and
/// several changes may become one completion. It has ended when a completion comes without cqe::more(): also without
/// any failure, when the completion queue is full, or after one event if the file is a ring. Closing the descriptor
/// does not end it: cancel it.
/// Since Linux 5.13.
class poll_multishot : public operation<poll_multishot> {
public:
    static constexpr abi::opcode code = abi::opcode::poll_add;
    static constexpr kernel_version since{5, 13};
    static constexpr completes completions = completes::many;
    using result_type = std::uint32_t;

    constexpr poll_multishot(descriptor file, std::uint32_t events) noexcept {
        set_file(file);
        entry_.poll32_events = lio::detail::poll_events_in_entry(events);
        entry_.len = abi::poll_add_multi;
    }

    /// Reports as long as an event lasts, not only its changes. The interface has had it since Linux 6.0, but no kernel
    /// up to 7.3 takes it: EINVAL.
    constexpr poll_multishot level_triggered() const noexcept {
        poll_multishot changed = self();
        changed.entry_.len |= abi::poll_add_level;
        return changed;
    }
};

/// Ends a poll or poll_multishot. io_uring_enter(2).
/// Result: a cancel_answer: removed, not found (any more), or too late, because an event has come at this moment. A
/// poll that was removed completes itself, with ECANCELED.
/// Lifetimes: no argument is pointed to; `target` is the user_data of the poll.
/// Traps: "too late" does not end a poll_multishot: it goes on. An answer other than "removed" breaks a chain. Does not
/// find what other operations wait for; op::cancel does.
/// Since Linux 5.1.
class poll_remove : public operation<poll_remove> {
public:
    static constexpr abi::opcode code = abi::opcode::poll_remove;
    static constexpr kernel_version since{5, 1};
    using result_type = cancel_answer;

    static result<cancel_answer> interpret(const cqe& done) noexcept { return cancel_answer::read(done, 1); }

    template <lio::detail::user_data_value T>
    explicit constexpr poll_remove(const T& target) noexcept {
        entry_.fd = -1;
        entry_.addr = lio::detail::to_user_data(target);
    }
};

/// Changes what a pending poll or poll_multishot waits for, or the number that its completions carry, or both. The poll
/// looks again: events that are there already are reported. io_uring_enter(2).
/// Result: a cancel_answer: changed, not found (any more), or too late, because an event has come at this moment. Where
/// the change itself fails the poll completes with ECANCELED, and the answer is still "changed".
/// Lifetimes: no argument is pointed to; `target` is the user_data of the poll.
/// Traps: only the lowest 16 bits of the events are replaced, EPOLLEXCLUSIVE for one stays as it was. A poll stays one
/// that completes once, a poll_multishot one that completes many times. Kernels before 6.0 may lose a poll whose new
/// event is there already.
/// Since Linux 5.13.
class poll_update : public operation<poll_update> {
public:
    static constexpr abi::opcode code = abi::opcode::poll_remove;
    static constexpr kernel_version since{5, 13};
    using result_type = cancel_answer;

    static result<cancel_answer> interpret(const cqe& done) noexcept { return cancel_answer::read(done, 1); }

    /// Other events.
    template <lio::detail::user_data_value T>
    constexpr poll_update(const T& target, std::uint32_t events) noexcept
        : poll_update{lio::detail::to_user_data(target)} {
        entry_.poll32_events = lio::detail::poll_events_in_entry(events);
        entry_.len = abi::poll_update_events;
    }

    /// The same events, another number.
    template <lio::detail::user_data_value T, lio::detail::user_data_value N>
    static constexpr poll_update only_user_data(const T& target, const N& value) noexcept {
        return poll_update{lio::detail::to_user_data(target)}.new_user_data(value);
    }

    /// Another number for the poll's completions (user_data() is this operation's own).
    template <lio::detail::user_data_value N>
    constexpr poll_update new_user_data(const N& value) const noexcept {
        poll_update changed = self();
        changed.entry_.off = lio::detail::to_user_data(value);
        changed.entry_.len |= abi::poll_update_user_data;
        return changed;
    }

private:
    // With nothing to change the kernel would take it for a removal, so nobody else makes one of these.
    explicit constexpr poll_update(std::uint64_t target) noexcept {
        entry_.fd = -1;
        entry_.addr = target;
    }
};

} // namespace lio::inline v0::op
