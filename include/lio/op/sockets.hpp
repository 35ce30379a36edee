// Sockets: making them, connecting them, moving data. Includes the base and buffer groups, no system header:
// families, types and flags are the numbers of <sys/socket.h>, as the C functions take them. Any thread.
#pragma once

#include <lio/abi/operation_flags.hpp>
#include <lio/buffer_group.hpp>
#include <lio/op/operation.hpp>

#include <cstdint>
#include <type_traits>

namespace lio::op {

/// A structure that begins with an address family: sockaddr_in, sockaddr_in6, sockaddr_un, sockaddr_storage,
/// sockaddr and the like.
template <class T>
concept socket_address = (std::is_class_v<T> || std::is_union_v<T>) && std::is_trivially_copyable_v<T>;

/// What accept, send and receive share.
template <class Derived, std::uint16_t poll_first_flag>
class socket_operation : public operation<Derived> {
public:
    /// The flags of the C function: SOCK_... for accept4(2), MSG_... for send(2) and recv(2). Replaces earlier ones.
    constexpr Derived flags(int flags) const noexcept {
        Derived changed = this->self();
        changed.entry_.rw_flags = static_cast<std::uint32_t>(flags);
        return changed;
    }

    /// Waits until the socket is ready before it tries at all; saves a vain try where waiting is the rule. For send
    /// and receive since Linux 5.19, for accept since Linux 6.10; EINVAL before.
    constexpr Derived poll_first() const noexcept {
        Derived changed = this->self();
        changed.entry_.ioprio = static_cast<std::uint16_t>(changed.entry_.ioprio | poll_first_flag);
        return changed;
    }

protected:
    constexpr explicit socket_operation(descriptor socket) noexcept { this->set_file(socket); }
};

/// What bind and connect share: a socket and an address.
template <class Derived>
class address_operation : public operation<Derived> {
public:
    /// `size` matters where the structure is longer than the address in it: UNIX addresses without a path (of an
    /// abstract name every byte counts), sockaddr_storage.
    template <socket_address Address>
    address_operation(descriptor socket, const Address& address, std::uint32_t size = sizeof(Address)) noexcept {
        this->set_file(socket);
        this->entry_.addr = this->address(&address);
        this->entry_.addr2 = size;
    }
    template <socket_address Address>
    address_operation(descriptor socket, const Address&& address, std::uint32_t size = sizeof(Address)) = delete;
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

/// Takes one connection of a listening socket. accept4(2).
/// Result: the connection's descriptor.
/// Lifetimes: `address` and `size` until the completion.
/// Traps: `size` must hold the room for the address beforehand; the kernel puts the address's own size there. A
/// descriptor whose completion nobody reads is never closed, even when the operation was cancelled: cancelling may
/// come too late. Without flags(SOCK_CLOEXEC) children inherit it.
/// Since Linux 5.5.
class accept : public socket_operation<accept, abi::accept_poll_first> {
public:
    static constexpr abi::opcode code = abi::opcode::accept;
    static constexpr kernel_version since{5, 5};
    using result_type = int;

    explicit constexpr accept(descriptor listener) noexcept : socket_operation{listener} {}

    /// Also tells the peer's address. (`std::uint32_t` is socklen_t.)
    template <socket_address Address>
        requires(!std::is_const_v<Address>)
    accept(descriptor listener, Address& address, std::uint32_t& size) noexcept : socket_operation{listener} {
        entry_.addr = this->address(&address);
        entry_.addr2 = this->address(&size);
    }
};

/// Takes every connection of a listening socket, one completion for each, until it fails or is cancelled.
/// accept4(2).
/// Result: the connection's descriptor.
/// Lifetimes: no argument is pointed to.
/// Traps: it has ended when a completion comes without cqe::more(), whatever its result; submit it again then. It
/// ends with EMFILE when there are no descriptors left, and without any failure of its own when the completion queue
/// overflows. The peer's address comes from getpeername(2). Descriptors leak as with accept.
/// Since Linux 5.19.
class accept_multishot : public socket_operation<accept_multishot, abi::accept_poll_first> {
public:
    static constexpr abi::opcode code = abi::opcode::accept;
    static constexpr kernel_version since{5, 19};
    static constexpr completes completions = completes::many;
    using result_type = int;

    explicit constexpr accept_multishot(descriptor listener) noexcept : socket_operation{listener} {
        entry_.ioprio = abi::accept_multishot;
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

    constexpr recv_multishot(descriptor socket, buffer_group group) noexcept : socket_operation{socket} {
        entry_.ioprio = abi::recv_multishot;
        entry_.flags |= abi::sqe_buffer_select;
        entry_.buf_group = group.number();
    }
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
