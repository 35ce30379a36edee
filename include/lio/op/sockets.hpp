// Sockets as such: making them, giving them addresses, connecting and ending connections. Values that own nothing; any
// thread.
#pragma once

#include <lio/op/direct_slot.hpp>
#include <lio/op/socket_operation.hpp>
#include <lio/op/unmarked_failure.hpp>

#include <cstdint>

namespace lio::inline v0::detail {

constexpr void write_socket(abi::sqe& entry, int family, int type, int protocol) noexcept {
    entry.fd = family;
    entry.off = static_cast<std::uint32_t>(type);
    entry.len = static_cast<std::uint32_t>(protocol);
}

} // namespace lio::inline v0::detail

namespace lio::inline v0::op {

/// What the forms of socket that fill a slot share.
template <class Derived>
class direct_socket_maker : public unmarked_failure<Derived> {
protected:
    constexpr direct_socket_maker(int family, int type, int protocol, std::uint32_t file_index) noexcept {
        lio::detail::write_socket(this->entry_, family, type, protocol);
        this->entry_.file_index = file_index;
        // SOCK_CLOEXEC is the same number.
        if ((static_cast<std::uint32_t>(type) & lio::detail::close_on_exec) != 0)
            this->refuse(cause::close_on_exec_of_slot);
    }
};

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
        lio::detail::write_socket(entry_, family, type, protocol);
    }
};

/// Makes a socket in a slot of the registered files; what is in the slot is closed. socket(2).
/// Result: nothing; the socket is in `slot`, and there is no descriptor.
/// Lifetimes: no argument is pointed to.
/// Traps: SOCK_CLOEXEC is refused by push: a slot has no such flag. ENXIO: the ring has no registered files; EINVAL:
/// there is no such slot; then a chain goes on behind it, see unmarked_failure. SOCK_NONBLOCK is of little use:
/// operations wait all the same.
/// Since Linux 5.19.
class socket_direct : public direct_socket_maker<socket_direct> {
public:
    static constexpr abi::opcode code = abi::opcode::socket;
    static constexpr kernel_version since{5, 19};
    using result_type = void;

    constexpr socket_direct(int family, int type, int protocol, direct_descriptor slot) noexcept
        : direct_socket_maker{family, type, protocol, lio::detail::file_index_of(slot)} {}
    /// With the one protocol that the family has for this type.
    constexpr socket_direct(int family, int type, direct_descriptor slot) noexcept
        : socket_direct{family, type, 0, slot} {}
};

/// Makes a socket in a free slot of the registered files, which the kernel picks. socket(2).
/// Result: the slot; op::close empties it again.
/// Lifetimes: no argument is pointed to.
/// Traps: SOCK_CLOEXEC is refused by push: a slot has no such flag. ENFILE: no slot is free, or the ring has no
/// registered files; then a chain goes on behind it, see unmarked_failure. A slot whose completion nobody reads stays
/// taken.
/// Since Linux 5.19.
class socket_direct_allocate : public direct_socket_maker<socket_direct_allocate> {
public:
    static constexpr abi::opcode code = abi::opcode::socket;
    static constexpr kernel_version since{5, 19};
    using result_type = direct_descriptor;

    constexpr socket_direct_allocate(int family, int type, int protocol = 0) noexcept
        : direct_socket_maker{family, type, protocol, abi::file_index_alloc} {}
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
/// open. When it fails, a chain goes on behind it; see unmarked_failure.
/// Since Linux 5.11.
class shutdown : public unmarked_failure<shutdown> {
public:
    static constexpr abi::opcode code = abi::opcode::shutdown;
    static constexpr kernel_version since{5, 11};
    using result_type = void;

    constexpr shutdown(descriptor socket, int how) noexcept {
        set_file(socket);
        entry_.len = static_cast<std::uint32_t>(how);
    }
};

} // namespace lio::inline v0::op
