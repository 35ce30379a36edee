// Receiving from a socket. Values that own nothing; any thread.
#pragma once

#include <lio/buffer_group.hpp>
#include <lio/op/socket_operation.hpp>

#include <cstdint>

namespace lio::op {

/// Receives bytes from a socket. recv(2).
/// Result: how many came; 0 when the peer has ended its stream.
/// Lifetimes: the memory until the completion. With a group: the group's buffers for as long as the group is
/// registered; the one that was picked is named by cqe::buffer_id() and is the program's until it is given back.
/// Traps: fewer than asked is a success and does not break a chain without flags(MSG_WAITALL). A group without a free
/// buffer gives ENOBUFS. A completion that failed or says 0 may carry a buffer too: give it back.
/// Since Linux 5.6; groups with a buffer_ring since Linux 5.19.
class recv : public socket_operation<recv, abi::recvsend_poll_first> {
public:
    static constexpr abi::opcode code = abi::opcode::recv;
    static constexpr kernel_version since{5, 6};
    using result_type = std::uint32_t;

    recv(descriptor socket, mutable_bytes memory) noexcept : socket_operation{socket} {
        set_memory(memory.data(), memory.size());
    }

    /// Into a buffer that the kernel takes from `group` when there are bytes to receive: at most `limit` of them, or
    /// as many as fit if it is 0.
    recv(descriptor socket, buffer_group group, std::uint32_t limit = 0) noexcept : socket_operation{socket} {
        set_memory(nullptr, limit);
        entry_.flags |= abi::sqe_buffer_select;
        entry_.buf_group = group.number();
    }
};

/// Receives from a socket again and again, one completion for each buffer that was filled, until it fails, is
/// cancelled or the peer ends its stream. recv(2).
/// Result: how many bytes came; 0 when the peer has ended its stream.
/// Lifetimes: the group's buffers for as long as the group is registered; the one that was filled is named by
/// cqe::buffer_id() and is the program's until it is given back.
/// Traps: it has ended when a completion comes without cqe::more(), whatever its result, and that one can still carry
/// bytes; submit it again if the stream goes on. It ends with ENOBUFS when the group has no free buffer (nothing is
/// lost: give buffers back first, then submit it again), and on its own when the completion queue overflows. A
/// completion that failed or says 0 may carry a buffer too: give it back. flags(MSG_WAITALL) gives EINVAL.
/// Since Linux 6.0.
class recv_multishot : public socket_operation<recv_multishot, abi::recvsend_poll_first> {
public:
    static constexpr abi::opcode code = abi::opcode::recv;
    static constexpr kernel_version since{6, 0};
    static constexpr completes completions = completes::many;
    using result_type = std::uint32_t;
    static constexpr bool zero_ends = true;

    constexpr recv_multishot(descriptor socket, buffer_group group) noexcept : socket_operation{socket} {
        entry_.ioprio = abi::recv_multishot;
        entry_.flags |= abi::sqe_buffer_select;
        entry_.buf_group = group.number();
    }
};

} // namespace lio::op
