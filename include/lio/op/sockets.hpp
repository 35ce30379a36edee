// Sockets as such: making them, giving them addresses, connecting and ending connections. Values that own nothing; any
// thread.
#pragma once

#include <lio/op/socket_operation.hpp>

#include <cstdint>

namespace lio::op {

/// Makes a socket. socket(2).
/// Result: its descriptor.
/// Lifetimes: no argument is pointed to.
/// Traps: a descriptor whose completion nobody reads is never closed. Add SOCK_CLOEXEC to the type unless children
/// shall inherit it.
/// Since Linux 5.19.
class socket : public operation<socket> {
public:
    static constexpr abi::opcode code = abi::opcode::socket;
    static constexpr kernel_version since{5, 19};
    using result_type = int;
    static constexpr bool opens_descriptor = true;

    constexpr socket(int family, int type, int protocol = 0) noexcept {
        entry_.fd = family;
        entry_.off = static_cast<std::uint32_t>(type);
        entry_.len = static_cast<std::uint32_t>(protocol);
    }
};

/// Gives a socket its own address. bind(2).
/// Result: nothing.
/// Lifetimes: the address until the operation has been submitted.
/// Traps: none.
/// Since Linux 6.11.
class bind : public address_operation<bind> {
public:
    static constexpr abi::opcode code = abi::opcode::bind;
    static constexpr kernel_version since{6, 11};
    using result_type = void;

    using address_operation<bind>::address_operation;
};

/// Lets a socket take connections; `backlog` of them may wait for accept. listen(2).
/// Result: nothing.
/// Lifetimes: no argument is pointed to.
/// Traps: the kernel cuts a larger backlog down to net.core.somaxconn without a word.
/// Since Linux 6.11.
class listen : public operation<listen> {
public:
    static constexpr abi::opcode code = abi::opcode::listen;
    static constexpr kernel_version since{6, 11};
    using result_type = void;

    constexpr listen(descriptor socket, int backlog) noexcept {
        set_file(socket);
        entry_.len = static_cast<std::uint32_t>(backlog);
    }
};

/// Connects a socket. connect(2).
/// Result: nothing.
/// Lifetimes: the address until the operation has been submitted.
/// Traps: after a failure the socket is in no defined state; close it and take a new one. It never ends with
/// EINPROGRESS, not even on a non-blocking socket: the completion comes when the connection stands or has failed.
/// Since Linux 5.5.
class connect : public address_operation<connect> {
public:
    static constexpr abi::opcode code = abi::opcode::connect;
    static constexpr kernel_version since{5, 5};
    using result_type = void;

    using address_operation<connect>::address_operation;
};

/// Ends one or both directions of a connection. shutdown(2).
/// Result: nothing.
/// Lifetimes: no argument is pointed to.
/// Traps: `how` is SHUT_RD, SHUT_WR or SHUT_RDWR. Receives that wait on the socket end with 0; the descriptor stays
/// open.
/// Since Linux 5.11.
class shutdown : public operation<shutdown> {
public:
    static constexpr abi::opcode code = abi::opcode::shutdown;
    static constexpr kernel_version since{5, 11};
    using result_type = void;

    constexpr shutdown(descriptor socket, int how) noexcept {
        set_file(socket);
        entry_.len = static_cast<std::uint32_t>(how);
    }
};

} // namespace lio::op
