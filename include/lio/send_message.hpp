// send_message: a completion for another ring, from a thread that has no ring. Any thread.
#pragma once

#include <lio/detail/ring_core.hpp>
#include <lio/op/msg_ring.hpp>
#include <lio/result.hpp>
#include <lio/user_data.hpp>

#include <cstdint>

namespace lio::inline v0 {

namespace detail {

result<int> message_target(const ring_core* core) noexcept;

} // namespace detail

/// Sends this message by a call of its own, without a ring: lio::send_message(lio::op::msg_ring(there.file(), 17,
/// tag{...})). Returns when the completion is there, or on its way to the thread that the other ring belongs to. The
/// target is named by its descriptor; user_data(), link() and other modifiers mean nothing here. Errors: EBADFD: the
/// target is no ring, or has not been enabled yet, which a ring of this library is when its thread first submits or
/// waits for something, or calls enable(); EBADF, it is not open; EOVERFLOW, ENOMEM: a full ring loses nothing, but
/// there is no memory to keep the message; EOWNERDEAD: the other ring's thread has ended; EAGAIN: the other ring polls
/// for its completions (setup::iopoll) and is in use at this moment, try again; EINVAL, a slot or a modifier, or a
/// kernel before 6.13. io_uring_register(2). Since Linux 6.13.
result<void> send_message(const op::msg_ring& message) noexcept;

/// The same to `target`, a ring or one of a split ring's handles, which must not be closed or moved meanwhile: with
/// this result and this user_data. EBADF: it is closed, or has no descriptor (setup::registered_file_only).
template <class Ring, detail::user_data_value T>
result<void> send_message(const Ring& target, std::int32_t result, const T& user_data) noexcept {
    const auto file = detail::message_target(target.core());
    if (!file) return file.error();
    return send_message(op::msg_ring(*file, result, user_data));
}

} // namespace lio::inline v0
