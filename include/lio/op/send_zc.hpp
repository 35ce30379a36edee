// Sending on a socket without a copy. The network takes the bytes out of the program's own memory, which is the
// kernel's until it says that it needs it no more. Values that own nothing; any thread.
#pragma once

#include <lio/completion.hpp>
#include <lio/op/send.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0::op {

/// What all zero-copy sends share. Each completes with its result and, as a rule, once more with the release of the
/// memory: done.as<op::send_zc>(), a zero_copy_completion, tells the two apart and says when it is over.
template <class Derived>
class zero_copy_send : public send_operation<Derived> {
public:
    static constexpr completes completions = completes::once_and_notification;

    /// The release says whether the data was copied after all: zero_copy_completion::was_copied(). Its plain result is
    /// negative then, which is no failure. Since Linux 6.2; EINVAL before.
    constexpr Derived report_usage() const noexcept {
        Derived changed = this->self();
        changed.entry_.ioprio = static_cast<std::uint16_t>(changed.entry_.ioprio | abi::send_zc_report_usage);
        return changed;
    }

    /// What the release carries back instead of what was given with user_data(), to which 0 stands for that as well.
    /// Since Linux 7.1; EINVAL before.
    template <lio::detail::user_data_value T>
    constexpr Derived release_user_data(const T& value) const noexcept {
        Derived changed = this->self();
        changed.entry_.addr3 = lio::detail::to_user_data(value);
        return changed;
    }

protected:
    constexpr explicit zero_copy_send(descriptor socket) noexcept : send_operation<Derived>{socket} {}
};

/// Sends bytes on a socket without copying them, where the network can: to its peer, or with to() to an address.
/// send(2).
/// Result: how many were sent.
/// Lifetimes: the bytes, unchanged, until the release: zero_copy_completion::releases_memory(). That can be long after
/// the result, of a TCP socket until the peer has acknowledged them.
/// Traps: those of send, except that it never raises a signal. Failed and cancelled sends have a release too, as a
/// rule: cqe::more() tells, but not when a broken chain cancels the send; releases_memory() knows that. Where the data
/// is copied all the same (everything that stays on this machine, cards that cannot) it costs more than send, as it
/// does for a few kilobytes; report_usage() tells. EOPNOTSUPP: the socket's protocol has no such thing; TCP, UDP and
/// virtual machine sockets have. ENOMEM: RLIMIT_MEMLOCK.
/// Since Linux 6.0.
class send_zc : public zero_copy_send<send_zc> {
public:
    static constexpr abi::opcode code = abi::opcode::send_zc;
    static constexpr kernel_version since{6, 0};
    using result_type = std::uint32_t;

    send_zc(descriptor socket, bytes data) noexcept : zero_copy_send{socket} { set_memory(data.data(), data.size()); }
};

/// Sends the bytes of a registered buffer, or of a part of one, without copying them, where the network can. send(2).
/// Result: how many were sent.
/// Lifetimes: the memory, unchanged, and its registration until the release.
/// Traps: those of send_zc. EFAULT: there is no such buffer, or the part is not within it. It is the cheapest of all
/// sends of much data: the memory is counted and looked up beforehand.
/// Since Linux 6.0.
class send_zc_fixed : public zero_copy_send<send_zc_fixed> {
public:
    static constexpr abi::opcode code = abi::opcode::send_zc;
    static constexpr kernel_version since{6, 0};
    using result_type = std::uint32_t;

    send_zc_fixed(descriptor socket, registered_buffer buffer) noexcept : zero_copy_send{socket} {
        set_variant(abi::recvsend_fixed_buf);
        set_buffer(buffer);
    }
};

/// Sends several pieces of memory without copying them, where the network can, one after the other; on a datagram
/// socket as one datagram. send(2), with pieces as in writev(2).
/// Result: how many bytes were sent, all pieces together.
/// Lifetimes: the array until the operation has been submitted, the memory that it names, unchanged, until the release.
/// Traps: those of send_zc. EINVAL: the pieces are more than 1024. EMSGSIZE: they lie on more pages than fit into one
/// datagram's list.
/// Since Linux 6.17.
class send_zc_vectorized : public zero_copy_send<send_zc_vectorized> {
public:
    static constexpr abi::opcode code = abi::opcode::send_zc;
    static constexpr kernel_version since{6, 17};
    using result_type = std::uint32_t;

    send_zc_vectorized(descriptor socket, iovec_list vectors) noexcept : zero_copy_send{socket} {
        set_variant(abi::send_vectorized);
        set_vectors(vectors);
    }
    send_zc_vectorized(descriptor socket, const ::iovec* first, std::size_t count) noexcept
        : send_zc_vectorized{socket, iovec_list{first, count}} {}
};

/// Sends several pieces of one registered buffer without copying them, where the network can, one after the other; on a
/// datagram socket as one datagram. send(2), with pieces as in writev(2).
/// Result: how many bytes were sent, all pieces together.
/// Lifetimes: the array until the operation has been submitted, the memory, unchanged, and its registration until the
/// release.
/// Traps: those of send_zc_vectorized. EFAULT: there is no such buffer, a piece is not all within it, or a piece is
/// empty.
/// Since Linux 7.1.
class send_zc_vectorized_fixed : public zero_copy_send<send_zc_vectorized_fixed> {
public:
    static constexpr abi::opcode code = abi::opcode::send_zc;
    static constexpr kernel_version since{7, 1};
    using result_type = std::uint32_t;

    /// Of `buffer` only its number counts: the pieces may lie anywhere in it.
    send_zc_vectorized_fixed(descriptor socket, iovec_list vectors, registered_buffer buffer) noexcept
        : zero_copy_send{socket} {
        set_variant(abi::send_vectorized | abi::recvsend_fixed_buf);
        set_vectors(vectors);
        set_registered(buffer);
    }
};

/// Sends a message without copying its bytes, where the network can. sendmsg(2).
/// Result: how many bytes were sent.
/// Lifetimes: the msghdr, the address and the array of pieces until the operation has been submitted; the control data
/// until the result; the memory, unchanged, until the release.
/// Traps: those of send_zc and of sendmsg.
/// Since Linux 6.1.
class sendmsg_zc : public zero_copy_send<sendmsg_zc> {
public:
    static constexpr abi::opcode code = abi::opcode::sendmsg_zc;
    static constexpr kernel_version since{6, 1};
    static constexpr bool sends_message = true;
    using result_type = std::uint32_t;

    sendmsg_zc(descriptor socket, const ::msghdr& message) noexcept : zero_copy_send{socket} { set_message(message); }
    sendmsg_zc(descriptor socket, const ::msghdr&& message) = delete;
};

/// Sends a message whose pieces lie in one registered buffer without copying them, where the network can. sendmsg(2).
/// Result: how many bytes were sent.
/// Lifetimes: the msghdr, the address and the array of pieces until the operation has been submitted; the control data
/// until the result; the memory, unchanged, and its registration until the release.
/// Traps: those of sendmsg_zc. EFAULT: there is no such buffer, a piece is not all within it, or a piece is empty.
/// Since Linux 6.15.
class sendmsg_zc_fixed : public zero_copy_send<sendmsg_zc_fixed> {
public:
    static constexpr abi::opcode code = abi::opcode::sendmsg_zc;
    static constexpr kernel_version since{6, 15};
    static constexpr bool sends_message = true;
    using result_type = std::uint32_t;

    /// Of `buffer` only its number counts: the pieces may lie anywhere in it.
    sendmsg_zc_fixed(descriptor socket, const ::msghdr& message, registered_buffer buffer) noexcept
        : zero_copy_send{socket} {
        set_message(message);
        set_variant(abi::recvsend_fixed_buf);
        set_registered(buffer);
    }
    sendmsg_zc_fixed(descriptor socket, const ::msghdr&& message, registered_buffer buffer) = delete;
};

} // namespace lio::inline v0::op
