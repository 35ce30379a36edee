// Sending on a socket. Values that own nothing; any thread.
#pragma once

#include <lio/op/socket_operation.hpp>

#include <cstdint>

namespace lio::op {

/// Sends bytes on a connected socket. send(2).
/// Result: how many were sent.
/// Lifetimes: the bytes until the completion.
/// Traps: fewer than asked is a success; with flags(MSG_WAITALL) a stream socket sends the rest too (since Linux 5.19),
/// and only then does a short send break a chain. Two sends of one stream at once can mix their bytes: one at a time, or
/// a chain.
/// When the peer is gone it fails with EPIPE or ECONNRESET; give MSG_NOSIGNAL, older kernels raise SIGPIPE as well.
/// Since Linux 5.6.
class send : public socket_operation<send, abi::recvsend_poll_first> {
public:
    static constexpr abi::opcode code = abi::opcode::send;
    static constexpr kernel_version since{5, 6};
    using result_type = std::uint32_t;

    send(descriptor socket, bytes data) noexcept : socket_operation{socket} { set_memory(data.data(), data.size()); }
};

} // namespace lio::op
