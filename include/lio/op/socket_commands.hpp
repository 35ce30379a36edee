// Commands to sockets: options, names, how much waits, and when packets left. Values that own nothing; any thread.
#pragma once

#include <lio/abi/operation_flags.hpp>
#include <lio/bytes.hpp>
#include <lio/completion.hpp>
#include <lio/op/command.hpp>
#include <lio/op/socket_operation.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// How far a packet had come when the time was taken.
enum class tx_stage : std::uint32_t {
    /// It was handed to the network card, or has left it.
    sent = 0,
    /// It was put into the queue of packets to be sent.
    scheduled = 1,
    /// The peer has acknowledged it; TCP.
    acknowledged = 2,
    /// The network card has reported its end; some cards. Since Linux 6.15.
    completed = 3,
};

/// A completion of tx_timestamp: a time, or the end.
class tx_timestamp_completion {
public:
    explicit constexpr tx_timestamp_completion(const large_cqe& done) noexcept : done_{done} {}

    /// There is a time; and so there is more to come.
    constexpr bool has_time() const noexcept { return done_.more(); }
    /// Nothing follows.
    constexpr bool ended() const noexcept { return !done_.more(); }
    /// Why it has ended.
    constexpr error problem() const noexcept {
        LIO_ASSERT(ended() && done_.raw_result() < 0, "this completion is no failure: look at has_time() first");
        return error{-done_.raw_result()};
    }

    /// Which packet: as SOF_TIMESTAMPING_OPT_ID counts them. Of a stream it is the number of the last byte.
    constexpr std::uint32_t key() const noexcept { return static_cast<std::uint32_t>(done_.raw_result()); }
    constexpr std::int64_t seconds() const noexcept { return static_cast<std::int64_t>(done_.extra(0)); }
    constexpr std::int64_t nanoseconds() const noexcept { return static_cast<std::int64_t>(done_.extra(1)); }
    /// The time is the network card's own, not the system's.
    constexpr bool is_hardware_time() const noexcept { return (done_.flags() & abi::cqe_f_tstamp_hw) != 0; }
    constexpr tx_stage stage() const noexcept {
        return static_cast<tx_stage>(done_.flags() >> abi::timestamp_type_shift);
    }

private:
    large_cqe done_;
};

} // namespace lio::inline v0

namespace lio::inline v0::op {

/// How many bytes wait to be read from a socket. ioctl(2) with SIOCINQ.
/// Result: the number of bytes.
/// Lifetimes: no argument is pointed to.
/// Traps: EOPNOTSUPP: the socket is of a kind that does not count (UNIX sockets), or no socket. EINVAL: it listens. Of
/// UDP it is the size of the next datagram.
/// Since Linux 6.6.
class siocinq : public command<siocinq> {
public:
    static constexpr kernel_version since{6, 6};

    explicit constexpr siocinq(descriptor socket) noexcept : command{socket, abi::socket_uring_op_siocinq} {}
};

/// How many bytes of a socket wait to be sent, or to be acknowledged. ioctl(2) with SIOCOUTQ.
/// Result: the number of bytes.
/// Lifetimes: no argument is pointed to.
/// Traps: those of siocinq.
/// Since Linux 6.6.
class siocoutq : public command<siocoutq> {
public:
    static constexpr kernel_version since{6, 6};

    explicit constexpr siocoutq(descriptor socket) noexcept : command{socket, abi::socket_uring_op_siocoutq} {}
};

/// What the operations share that deal with a socket's options.
template <class Derived>
class socket_option_command : public command<Derived> {
public:
    static constexpr kernel_version since{6, 7};

protected:
    socket_option_command(descriptor socket, std::uint32_t number, int level, int name, bytes value) noexcept
        : command<Derived>{socket, number} {
        this->entry_.option = abi::socket_option{static_cast<std::uint32_t>(level), static_cast<std::uint32_t>(name)};
        this->entry_.optval = this->address(value.data());
        this->entry_.optlen = static_cast<std::uint32_t>(value.size());
        if (value.size() > 0x7fffffff) this->refuse(cause::span_too_long);
    }
};

/// Reads an option of a socket. getsockopt(2).
/// Result: how many bytes the option has, which may be fewer than there is room for.
/// Lifetimes: `value` until the completion.
/// Traps: only options of the level SOL_SOCKET: EOPNOTSUPP for all others, for what is no socket, and on kernels
/// without a mend of February 2026 also for sockets that siocinq does not know, as UNIX ones.
/// Since Linux 6.7.
class getsockopt : public socket_option_command<getsockopt> {
public:
    getsockopt(descriptor socket, int level, int name, mutable_bytes value) noexcept
        : socket_option_command{socket, abi::socket_uring_op_getsockopt, level, name, value} {}
    /// `value` is of the option's own type: int, timeval, linger...
    template <class Option>
        requires(std::is_trivially_copyable_v<Option> && !std::is_const_v<Option> && !std::is_array_v<Option> &&
                 !std::is_convertible_v<Option&, mutable_bytes>)
    getsockopt(descriptor socket, int level, int name, Option& value) noexcept
        : getsockopt{socket, level, name, mutable_bytes{&value, sizeof value}} {}
};

/// Sets an option of a socket. setsockopt(2).
/// Result: nothing.
/// Lifetimes: `value` until the completion.
/// Traps: EOPNOTSUPP: it is no socket, or as for getsockopt.
/// Since Linux 6.7.
class setsockopt : public socket_option_command<setsockopt> {
public:
    using result_type = void;

    setsockopt(descriptor socket, int level, int name, bytes value) noexcept
        : socket_option_command{socket, abi::socket_uring_op_setsockopt, level, name, value} {}
    /// `value` is of the option's own type: int, timeval, linger...
    template <class Option>
        requires(std::is_trivially_copyable_v<Option> && !std::is_array_v<Option> &&
                 !std::is_convertible_v<const Option&, bytes>)
    setsockopt(descriptor socket, int level, int name, const Option& value) noexcept
        : setsockopt{socket, level, name, bytes{&value, sizeof value}} {}
    template <class Option>
        requires(std::is_trivially_copyable_v<Option> && !std::is_array_v<Option> &&
                 !std::is_convertible_v<const Option&, bytes>)
    setsockopt(descriptor socket, int level, int name, const Option&& value) = delete;
};

/// What the operations share that ask for a socket's address.
template <class Derived>
class socket_name_command : public command<Derived> {
public:
    static constexpr kernel_version since{6, 19};
    using result_type = void;

protected:
    template <socket_address Address>
    socket_name_command(descriptor socket, Address& address, std::uint32_t& size, std::uint32_t of_peer) noexcept
        : command<Derived>{socket, abi::socket_uring_op_getsockname} {
        this->entry_.addr = this->address(&address);
        this->entry_.addr3 = this->address(&size);
        this->entry_.optlen = of_peer;
    }
};

/// Tells a socket's own address. getsockname(2).
/// Result: nothing.
/// Lifetimes: `address` and `size` until the completion. (`std::uint32_t` is socklen_t.)
/// Traps: `size` must hold the room for the address beforehand; the kernel puts the address's own size there, which is
/// larger if the address was cut short. EOPNOTSUPP: it is no socket, the kernel does not know the command, or as for
/// getsockopt.
/// Since Linux 6.19.
class getsockname : public socket_name_command<getsockname> {
public:
    template <socket_address Address>
        requires(!std::is_const_v<Address>)
    getsockname(descriptor socket, Address& address, std::uint32_t& size) noexcept
        : socket_name_command{socket, address, size, 0} {}
};

/// Tells the address of a socket's peer. getpeername(2).
/// Result: nothing.
/// Lifetimes: those of getsockname.
/// Traps: those of getsockname. ENOTCONN: there is no peer.
/// Since Linux 6.19.
class getpeername : public socket_name_command<getpeername> {
public:
    template <socket_address Address>
        requires(!std::is_const_v<Address>)
    getpeername(descriptor socket, Address& address, std::uint32_t& size) noexcept
        : socket_name_command{socket, address, size, 1} {}
};

/// Tells when the packets of a socket left, one completion for each time that was taken, until it fails or is
/// cancelled. The socket must have been told to take times: setsockopt(2) with SO_TIMESTAMPING, of which it wants
/// SOF_TIMESTAMPING_OPT_TSONLY, with OPT_ID and OPT_CMSG. recvmsg(2) of MSG_ERRQUEUE tells the same.
/// Result: large_cqe::as() is a tx_timestamp_completion: the time, what took it, and which packet it is of. As a plain
/// result the packet's key.
/// Lifetimes: no argument is pointed to.
/// Traps: a socket that was not told to take times is no error: it just waits. Times that come with the packet itself
/// (without SOF_TIMESTAMPING_OPT_TSONLY) stay where they are. A key above 0x7fffffff looks like an error: cqe::more()
/// tells that it is none. EOPNOTSUPP: it is no socket, the kernel does not know the command, or as for getsockopt.
/// Since Linux 6.17.
class tx_timestamp : public command<tx_timestamp> {
public:
    static constexpr kernel_version since{6, 17};
    static constexpr completes completions = completes::many;
    static constexpr bool large_completion = true;
    using completion_type = tx_timestamp_completion;

    static result<std::uint32_t> interpret(const cqe& done) noexcept {
        if (!done.more() && done.raw_result() < 0) return error{-done.raw_result()};
        return static_cast<std::uint32_t>(done.raw_result());
    }

    explicit constexpr tx_timestamp(descriptor socket) noexcept : command{socket, abi::socket_uring_op_tx_timestamp} {}
};

} // namespace lio::inline v0::op
