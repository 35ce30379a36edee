// Receiving from a socket. Values that own nothing; any thread.
#pragma once

#include <lio/buffer_group.hpp>
#include <lio/op/socket_operation.hpp>
#include <lio/registered_buffer.hpp>

#include <cstdint>

struct msghdr;

namespace lio::inline v0::op {

/// What all receives share.
template <class Derived>
class receive_operation : public socket_operation<Derived, abi::recvsend_poll_first> {
protected:
    constexpr explicit receive_operation(descriptor socket) noexcept
        : socket_operation<Derived, abi::recvsend_poll_first>{socket} {}

    constexpr void set_group(buffer_group group) noexcept {
        this->entry_.flags |= abi::sqe_buffer_select;
        this->entry_.buf_group = group.number();
    }
    constexpr void set_limit(std::uint32_t limit) noexcept {
        this->entry_.len = limit;
        if (limit > longest_limit) this->refuse(cause::span_too_long);
    }
    constexpr void set_variant(std::uint16_t flags) noexcept { this->entry_.ioprio = flags; }
    void set_message(const ::msghdr& message) noexcept { this->entry_.addr = this->address(&message); }

    static constexpr std::uint32_t longest_limit = 0x7ffff000;
};

/// What the receives of bytes share that go on until they are stopped.
template <class Derived>
class limited_receive : public receive_operation<Derived> {
public:
    /// No completion carries more than `limit` bytes, and other operations get their turn before the next: a socket
    /// that always has data cannot starve the rest. More than 0x7ffff000 are refused by push. Since Linux 6.17;
    /// EINVAL before.
    constexpr Derived limit_each(std::uint32_t limit) const noexcept {
        Derived changed = this->self();
        changed.set_limit(limit);
        return changed;
    }

    /// Ends when `limit` bytes have come in all; what the last completion brings may exceed them, unless it is a
    /// bundle. More than 0x7ffff000 are refused by push. Since Linux 6.17; EINVAL before.
    constexpr Derived limit_total(std::uint32_t limit) const noexcept {
        Derived changed = this->self();
        changed.entry_.file_index = limit;
        // The kernel counts it in signed numbers.
        if (limit > limited_receive::longest_limit) changed.refuse(cause::span_too_long);
        return changed;
    }

protected:
    constexpr limited_receive(descriptor socket, buffer_group group, std::uint16_t variant) noexcept
        : receive_operation<Derived>{socket} {
        this->set_group(group);
        this->set_variant(variant);
    }
};

/// Receives bytes from a socket. recv(2).
/// Result: how many came; 0 when the peer has ended its stream.
/// Lifetimes: the memory until the completion. With a group: the group's buffers for as long as the group is
/// registered; the one that was picked is named by cqe::buffer_id() and is the program's until it is given back.
/// Traps: fewer than asked is a success and does not break a chain without flags(MSG_WAITALL). A group without a free
/// buffer gives ENOBUFS. A completion that failed or says 0 may carry a buffer too: give it back.
/// Since Linux 5.6; groups with a buffer_ring since Linux 5.19.
class recv : public receive_operation<recv> {
public:
    static constexpr abi::opcode code = abi::opcode::recv;
    static constexpr kernel_version since{5, 6};
    using result_type = std::uint32_t;

    recv(descriptor socket, mutable_bytes memory) noexcept : receive_operation{socket} {
        set_memory(memory.data(), memory.size());
    }

    /// Into a buffer that the kernel takes from `group` when there are bytes to receive: at most `limit` of them, or
    /// as many as fit if it is 0 (since Linux 6.0; before, that is none, so give the buffers' size).
    constexpr recv(descriptor socket, buffer_group group, std::uint32_t limit = 0) noexcept
        : receive_operation{socket} {
        set_limit(limit);
        set_group(group);
    }
};

/// Receives bytes from a socket into a registered buffer, or a part of one. recv(2).
/// Result: how many came; 0 when the peer has ended its stream.
/// Lifetimes: the memory and its registration until the completion.
/// Traps: those of recv. EFAULT: there is no such buffer, or the part is not within it. It spares the kernel looking
/// the memory up each time, not the copy.
/// Since Linux 7.2.
class recv_fixed : public receive_operation<recv_fixed> {
public:
    static constexpr abi::opcode code = abi::opcode::recv;
    static constexpr kernel_version since{7, 2};
    using result_type = std::uint32_t;

    recv_fixed(descriptor socket, registered_buffer buffer) noexcept : receive_operation{socket} {
        set_buffer(buffer);
        set_variant(abi::recvsend_fixed_buf);
    }
};

/// Receives bytes from a socket into as many buffers of a group as it takes, in one completion. recv(2).
/// Result: how many bytes came, in all buffers together; 0 when the peer has ended its stream.
/// Lifetimes: the group's buffers for as long as the group is registered; those that were filled are the program's
/// until they are given back.
/// Traps: cqe::buffer_id() names the first buffer only; the others follow it in the order in which they were given to
/// the kernel, which is seldom that of their numbers: buffer_ring::bundle() finds them. All but the last are full.
/// How many buffers one completion brings is the kernel's choice; from a group of op::provide_buffers it is one. No
/// flags(MSG_WAITALL): while it waits for the rest, the kernel gives the same buffers to others as well. On
/// kernels without a fix of June 2026, a `limit` that is less than a buffer shortens the group's next buffer for good
/// when there is nothing to receive yet.
/// Since Linux 6.10.
class recv_bundle : public receive_operation<recv_bundle> {
public:
    static constexpr abi::opcode code = abi::opcode::recv;
    static constexpr kernel_version since{6, 10};
    using result_type = std::uint32_t;

    /// At most `limit` bytes, or as many as fit into the group's buffers if it is 0.
    constexpr recv_bundle(descriptor socket, buffer_group group, std::uint32_t limit = 0) noexcept
        : receive_operation{socket} {
        set_limit(limit);
        set_group(group);
        set_variant(abi::recvsend_bundle);
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
/// completion that failed or says 0 may carry a buffer too: give it back. An empty datagram ends it like a stream's
/// end. flags(MSG_WAITALL) gives EINVAL. The end of a Unix stream that comes right behind data can be missed (Linux 7.3
/// still does, where another thread is the peer): then only a cancel or a time limit ends it.
/// Since Linux 6.0.
class recv_multishot : public limited_receive<recv_multishot> {
public:
    static constexpr abi::opcode code = abi::opcode::recv;
    static constexpr kernel_version since{6, 0};
    static constexpr completes completions = completes::many;
    using result_type = std::uint32_t;
    static constexpr bool zero_ends = true;

    constexpr recv_multishot(descriptor socket, buffer_group group) noexcept
        : limited_receive{socket, group, abi::recv_multishot} {}
};

/// Receives from a socket again and again, each time into as many buffers as it takes, until it fails, is cancelled
/// or the peer ends its stream. recv(2).
/// Result: how many bytes came, in all buffers of this completion together; 0 when the peer has ended its stream.
/// Lifetimes: the group's buffers for as long as the group is registered; those that were filled are the program's
/// until they are given back.
/// Traps: those of recv_multishot and of recv_bundle. It ends with a success when it has taken the group's last
/// buffer, without an ENOBUFS that says so.
/// Since Linux 6.10.
class recv_bundle_multishot : public limited_receive<recv_bundle_multishot> {
public:
    static constexpr abi::opcode code = abi::opcode::recv;
    static constexpr kernel_version since{6, 10};
    static constexpr completes completions = completes::many;
    using result_type = std::uint32_t;
    static constexpr bool zero_ends = true;

    constexpr recv_bundle_multishot(descriptor socket, buffer_group group) noexcept
        : limited_receive{socket, group, abi::recv_multishot | abi::recvsend_bundle} {}
};

/// Receives a message: bytes into one or more pieces of memory, the sender's address, control data. recvmsg(2).
/// Result: how many bytes came; 0 when the peer has ended its stream, or for an empty datagram.
/// Lifetimes: the msghdr, which the kernel writes to, and the name, control data and memory that it points to until
/// the completion; the array of pieces until the operation has been submitted. With a group as for recv.
/// Traps: read msg_flags when it is done: MSG_TRUNC and MSG_CTRUNC say that the message or its control data did not
/// fit, which is no failure. Descriptors in the control data that nobody takes out stay open. Otherwise those of
/// recv.
/// Since Linux 5.3; with a group since Linux 5.7.
class recvmsg : public receive_operation<recvmsg> {
public:
    static constexpr abi::opcode code = abi::opcode::recvmsg;
    static constexpr kernel_version since{5, 3};
    using result_type = std::uint32_t;

    recvmsg(descriptor socket, ::msghdr& message) noexcept : receive_operation{socket} { set_message(message); }

    /// The bytes go into a buffer that the kernel takes from `group`: as many as fit, or as the message's one piece has
    /// room for (where that points to does not matter). More than one piece is EINVAL.
    recvmsg(descriptor socket, ::msghdr& message, buffer_group group) noexcept : recvmsg{socket, message} {
        set_group(group);
    }
};

/// Receives messages again and again, each with its sender's address and control data into one buffer of a group,
/// until it fails, is cancelled or the peer ends its stream. recvmsg(2).
/// Result: how many bytes of the buffer are in use; received_message takes it apart.
/// Lifetimes: `layout` until the operation has been submitted: of it only msg_namelen and msg_controllen count, the
/// room that each buffer sets aside for the two; msg_iovlen must be 0. The group's buffers as for recv_multishot.
/// Traps: those of recv_multishot, but a stream's end does not say 0: it is a last message without payload, as is an
/// empty datagram, which ends the operation as well. A `layout` with one piece cuts the first message, and no other, to
/// its length; one with several is EINVAL. A buffer that has no room for more than its header, name and control data
/// ends it with EFAULT. What of a datagram does not fit is lost; the message says so. Descriptors in the control data
/// that nobody takes out stay open.
/// Since Linux 6.0.
class recvmsg_multishot : public receive_operation<recvmsg_multishot> {
public:
    static constexpr abi::opcode code = abi::opcode::recvmsg;
    static constexpr kernel_version since{6, 0};
    static constexpr completes completions = completes::many;
    using result_type = std::uint32_t;

    recvmsg_multishot(descriptor socket, const ::msghdr& layout, buffer_group group) noexcept
        : receive_operation{socket} {
        set_message(layout);
        set_group(group);
        set_variant(abi::recv_multishot);
    }
    recvmsg_multishot(descriptor socket, const ::msghdr&& layout, buffer_group group) = delete;
};

} // namespace lio::inline v0::op
