// A message to a ring without one. Any thread.

#include "ring_core.hpp"

#include <lio/send_message.hpp>

#include <cerrno>

namespace lio::inline v0 {

namespace detail {

result<int> message_target(const ring_core* core) noexcept {
    if (core == nullptr || !core->is_open()) return ring_is_closed();
    if (core->file < 0) return error{EBADF, cause::message_call};
    return core->file;
}

} // namespace detail

result<void> send_message(const op::msg_ring& message) noexcept {
    const abi::sqe& entry = message.entry();
    if (entry.flags == abi::sqe_fixed_file) return error{EINVAL, cause::message_call};
    if (entry.flags != 0 || entry.user_data != 0) return error{EINVAL, cause::not_an_entry};
    constexpr int no_ring = -1;
    const auto done = system::register_call(no_ring, abi::register_opcode::register_send_msg_ring, &entry, 1);
    if (!done) return error{done.error().code(), cause::message_call};
    return {};
}

} // namespace lio::inline v0
