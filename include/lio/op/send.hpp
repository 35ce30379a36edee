// Sending on a socket. What spares the copy is in send_zc.hpp. Values that own nothing; any thread.
#pragma once

#include <lio/buffer_group.hpp>
#include <lio/iovec_list.hpp>
#include <lio/op/socket_operation.hpp>
#include <lio/registered_buffer.hpp>

#include <cstddef>
#include <cstdint>

struct msghdr;

namespace lio::inline v0::op {

/// What all sends share.
template <class Derived>
class send_operation : public socket_operation<Derived, abi::recvsend_poll_first> {
public:
    /// Of the sends whose receiver stands in a msghdr; the others have to().
    static constexpr bool sends_message = false;

    /// Sends to `address`, as sendto(2) does: for sockets that are not connected, and on those that are connected where
    /// the protocol allows it. `size` matters where the structure is longer than the address in it: UNIX addresses
    /// without a path (of an abstract name every byte counts), sockaddr_storage. The address may change once the
    /// operation has been submitted. Since Linux 6.2, of zero-copy sends since 6.0; EINVAL before.
    template <socket_address Address, class Operation = Derived>
        requires(!Operation::sends_message)
    Derived to(const Address& address, std::uint32_t size = sizeof(Address)) const noexcept {
        Derived changed = this->self();
        changed.entry_.addr2 = Derived::address(&address);
        // The field is short. No address is as long as its highest number: the kernel refuses that.
        constexpr std::uint32_t most = 0xffff;
        changed.entry_.address.addr_len = static_cast<std::uint16_t>(size < most ? size : most);
        return changed;
    }
    template <socket_address Address>
    Derived to(const Address&& address, std::uint32_t size = sizeof(Address)) const = delete;

protected:
    constexpr explicit send_operation(descriptor socket) noexcept
        : socket_operation<Derived, abi::recvsend_poll_first>{socket} {}

    constexpr void set_group(buffer_group group) noexcept {
        this->entry_.flags |= abi::sqe_buffer_select;
        this->entry_.buf_group = group.number();
    }
    constexpr void set_variant(std::uint16_t flags) noexcept { this->entry_.ioprio = flags; }
    void set_message(const ::msghdr& message) noexcept { this->entry_.addr = this->address(&message); }
    void set_vectors(iovec_list vectors) noexcept {
        this->entry_.addr = this->address(vectors.data());
        this->entry_.len = vectors.count();
    }
};

/// Sends bytes on a socket: to its peer, or with to() to an address. send(2).
/// Result: how many were sent.
/// Lifetimes: the bytes until the completion. Of a group: the buffer that was picked is named by cqe::buffer_id() and
/// is the program's again with that completion.
/// Traps: fewer than asked is a success; with flags(MSG_WAITALL) a stream socket sends the rest too (since Linux 5.19),
/// and only then does a short send break a chain. Two sends of one stream at once can mix their bytes: one at a time,
/// or a chain. When the peer is gone it fails with EPIPE or ECONNRESET; give MSG_NOSIGNAL, older
/// kernels raise SIGPIPE as well. A group without a buffer gives ENOBUFS, one
/// that does not exist ENOENT.
/// Since Linux 5.6; from a group since 6.10.
class send : public send_operation<send> {
public:
    static constexpr abi::opcode code = abi::opcode::send;
    static constexpr kernel_version since{5, 6};
    using result_type = std::uint32_t;

    send(descriptor socket, bytes data) noexcept : send_operation{socket} { set_memory(data.data(), data.size()); }

    /// What is in the next buffer of `group`: its first `limit` bytes, or the whole of it if that is 0. The buffer is
    /// used up, even if it was not sent whole, or not at all.
    constexpr send(descriptor socket, buffer_group group, std::uint32_t limit = 0) noexcept : send_operation{socket} {
        constexpr std::uint32_t longest = 0x7ffff000;
        entry_.len = limit;
        if (limit > longest) refuse(cause::span_too_long);
        set_group(group);
    }
};

/// Sends the bytes of a registered buffer, or of a part of one, on a socket. send(2).
/// Result: how many were sent.
/// Lifetimes: the memory and its registration until the completion.
/// Traps: those of send. EFAULT: there is no such buffer, or the part is not within it. It spares the kernel looking
/// the memory up each time, not the copy: that is op::send_zc_fixed.
/// Since Linux 7.2.
class send_fixed : public send_operation<send_fixed> {
public:
    static constexpr abi::opcode code = abi::opcode::send;
    static constexpr kernel_version since{7, 2};
    using result_type = std::uint32_t;

    send_fixed(descriptor socket, registered_buffer buffer) noexcept : send_operation{socket} {
        set_variant(abi::recvsend_fixed_buf);
        set_buffer(buffer);
    }
};

/// Sends several pieces of memory on a socket, one after the other; on a datagram socket as one datagram. send(2), with
/// pieces as in writev(2).
/// Result: how many bytes were sent, all pieces together.
/// Lifetimes: the array until the operation has been submitted, the memory that it names until the completion.
/// Traps: those of send. EINVAL: the pieces are more than 1024. Older kernels have op::sendmsg for this.
/// Since Linux 6.17.
class send_vectorized : public send_operation<send_vectorized> {
public:
    static constexpr abi::opcode code = abi::opcode::send;
    static constexpr kernel_version since{6, 17};
    using result_type = std::uint32_t;

    send_vectorized(descriptor socket, iovec_list vectors) noexcept : send_operation{socket} {
        set_variant(abi::send_vectorized);
        set_vectors(vectors);
    }
    send_vectorized(descriptor socket, const ::iovec* first, std::size_t count) noexcept
        : send_vectorized{socket, iovec_list{first, count}} {}
};

/// Sends the buffers of a group, as many at a time as the kernel can, until the group is empty, the socket takes no
/// more or it fails; one completion for each time. On a datagram socket, what goes at a time is one datagram. send(2).
/// Result: how many bytes were sent, of all buffers of this completion together.
/// Lifetimes: the group's buffers until a completion says that they were sent: the one that cqe::buffer_id() names and
/// those behind it, in the order in which they were given to the kernel, as far as the bytes reach.
/// Traps: it has ended when a completion comes without cqe::more(). That does not say whether the group is empty:
/// submit it again while there is something to send. ENOBUFS means that there was nothing,
/// ENOENT that there is no such group. On a full socket it waits
/// until all that it has picked is sent, and ends. When it fails or is cancelled, all that it had picked is used up,
/// however much of it was sent, and nothing says which buffers these are: close the group. From a group of
/// op::provide_buffers it takes one buffer at a time.
/// Since Linux 6.10.
class send_bundle : public send_operation<send_bundle> {
public:
    static constexpr abi::opcode code = abi::opcode::send;
    static constexpr kernel_version since{6, 10};
    static constexpr completes completions = completes::many;
    using result_type = std::uint32_t;

    constexpr send_bundle(descriptor socket, buffer_group group) noexcept : send_operation{socket} {
        set_variant(abi::recvsend_bundle);
        set_group(group);
    }
};

/// Sends a message: bytes of one or more pieces of memory, to the address and with the control data that the msghdr
/// names. sendmsg(2).
/// Result: how many bytes were sent.
/// Lifetimes: the msghdr, the address and the array of pieces until the operation has been submitted (before Linux 5.5,
/// until the completion); the memory and the control data until the completion.
/// Traps: those of send. Control data goes with the first bytes: what flags(MSG_WAITALL) sends later has none.
/// EMSGSIZE, on some kernels EINVAL: the pieces are more than 1024.
/// Since Linux 5.3.
class sendmsg : public send_operation<sendmsg> {
public:
    static constexpr abi::opcode code = abi::opcode::sendmsg;
    static constexpr kernel_version since{5, 3};
    static constexpr bool sends_message = true;
    using result_type = std::uint32_t;

    sendmsg(descriptor socket, const ::msghdr& message) noexcept : send_operation{socket} { set_message(message); }
    sendmsg(descriptor socket, const ::msghdr&& message) = delete;
};

} // namespace lio::inline v0::op
