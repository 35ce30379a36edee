// cancel_now: cancels operations by a call that waits, not by an entry of the queue. On the ring's thread.
#pragma once

#include <lio/abi/entries.hpp>
#include <lio/cancel_answer.hpp>
#include <lio/detail/ring_core.hpp>
#include <lio/op/cancel.hpp>
#include <lio/result.hpp>
#include <lio/timespec.hpp>

#include <cstdint>
#include <type_traits>

namespace lio::inline v0 {

namespace detail {

// cancel and its like.
template <class T>
concept cancel_operation = std::is_base_of_v<op::cancel_operation_base<T>, T>;

result<std::int32_t> cancel_now(ring_core* core, const abi::sqe& what, const timespec* timeout) noexcept;

} // namespace detail

/// Cancels what `what` names, at once, without an entry and without a completion of its own:
///     lio::cancel_now(ring, lio::op::cancel_file_all(socket).only_of<lio::op::recv>())
/// takes any of the operations that cancel, without user_data(), link() and other modifiers. An operation that a worker
/// runs is interrupted and, where one is to be cancelled and not all, waited for until it has ended.
/// Returns what the operation's completion would say; "cancelled" where that would be "too late". "Not found" can mean
/// that it was interrupted at this very moment.
/// What was cancelled completes itself, as always, usually by the time that this returns, else at the next look: its
/// memory is the kernel's until then. What was pushed and not submitted is not touched. With setup::sqpoll it reaches
/// no worker, as they are those of the ring's kernel thread, and says "not found": push the operation there.
/// `ring` is a ring or one of a split ring's handles. The wait is some system calls, because the kernel does not always
/// wake it.
/// Errors: EINTR, a signal came; EBADF, the file is not open or the slot is empty; EINVAL, a kernel that cannot look
/// for this (kinds and several properties at once: since Linux 6.6), or modifiers that mean nothing here; EEXIST, the
/// ring belongs to another thread. io_uring_register(2). Since Linux 6.0.
template <class Ring, detail::cancel_operation Cancel>
result<cancel_answer> cancel_now(const Ring& ring, const Cancel& what) noexcept {
    return Cancel::interpret_answer(detail::cancel_now(ring.core(), what.entry(), nullptr));
}

/// The same, waiting no longer than `timeout` for one that a worker runs: ETIME then. It was interrupted, may go on,
/// and completes when it ends. EINVAL, a time-out below 0, or a second or more in its nanoseconds.
template <class Ring, detail::cancel_operation Cancel>
result<cancel_answer> cancel_now(const Ring& ring, const Cancel& what, const timespec& timeout) noexcept {
    return Cancel::interpret_answer(detail::cancel_now(ring.core(), what.entry(), &timeout));
}

} // namespace lio::inline v0
