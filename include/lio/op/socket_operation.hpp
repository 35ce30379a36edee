// What the operations on sockets share. Includes the base, no system header: families, types and flags are the numbers
// of <sys/socket.h>, as the C functions take them. Any thread.
#pragma once

#include <lio/abi/operation_flags.hpp>
#include <lio/op/operation.hpp>

#include <cstdint>
#include <type_traits>

namespace lio::inline v0::op {

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

} // namespace lio::inline v0::op
