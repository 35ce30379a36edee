// Taking connections of a listening socket. Values that own nothing; any thread.
#pragma once

#include <lio/op/socket_operation.hpp>

#include <cstdint>
#include <type_traits>

namespace lio::op {

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
    static constexpr bool opens_descriptor = true;

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
    static constexpr bool opens_descriptor = true;

    explicit constexpr accept_multishot(descriptor listener) noexcept : socket_operation{listener} {
        entry_.ioprio = abi::accept_multishot;
    }
};

} // namespace lio::op
