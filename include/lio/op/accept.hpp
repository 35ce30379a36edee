// Taking connections of a listening socket. Values that own nothing; any thread.
#pragma once

#include <lio/op/direct_slot.hpp>
#include <lio/op/socket_operation.hpp>

#include <cstdint>
#include <type_traits>

namespace lio::inline v0::op {

/// What the forms of accept share.
template <class Derived>
class accept_operation : public socket_operation<Derived, abi::accept_poll_first> {
public:
    /// Fails with EAGAIN where it would have to wait for a connection; a multishot takes those that are there first,
    /// and ends so then. Not together with poll_first(), which means to wait. Since Linux 6.10; EINVAL before.
    constexpr Derived dont_wait() const noexcept {
        Derived changed = this->self();
        changed.entry_.ioprio = static_cast<std::uint16_t>(changed.entry_.ioprio | abi::accept_dontwait);
        return changed;
    }

protected:
    constexpr explicit accept_operation(descriptor listener) noexcept
        : socket_operation<Derived, abi::accept_poll_first>{listener} {}

    template <class Address>
    void set_address(Address& address, std::uint32_t& size) noexcept {
        this->entry_.addr = this->address(&address);
        this->entry_.addr2 = this->address(&size);
    }
};

/// What the forms share that put the connection into a slot of the registered files.
template <class Derived>
class direct_accept_operation : public accept_operation<Derived> {
public:
    /// SOCK_NONBLOCK or 0; replaces earlier ones. SOCK_CLOEXEC is refused by push, for good: a slot has no such flag.
    constexpr Derived flags(int flags) const noexcept {
        Derived changed = accept_operation<Derived>::flags(flags);
        // SOCK_CLOEXEC is the same number.
        if ((static_cast<std::uint32_t>(flags) & lio::detail::close_on_exec) != 0)
            changed.refuse(cause::close_on_exec_of_slot);
        return changed;
    }

protected:
    constexpr direct_accept_operation(descriptor listener, std::uint32_t file_index) noexcept
        : accept_operation<Derived>{listener} {
        this->entry_.file_index = file_index;
    }
};

/// Takes one connection of a listening socket. accept4(2).
/// Result: the connection's descriptor.
/// Lifetimes: `address` and `size` until the completion.
/// Traps: `size` must hold the room for the address beforehand; the kernel puts the address's own size there. A
/// descriptor whose completion nobody reads is never closed, even when the operation was cancelled: cancelling may
/// come too late. Without flags(SOCK_CLOEXEC) children inherit it. cqe::socket_has_more() says that more connections
/// wait (since Linux 6.10).
/// Since Linux 5.5.
class accept : public accept_operation<accept> {
public:
    static constexpr abi::opcode code = abi::opcode::accept;
    static constexpr kernel_version since{5, 5};
    using result_type = int;
    static constexpr bool opens_descriptor = true;

    explicit constexpr accept(descriptor listener) noexcept : accept_operation{listener} {}

    /// Also tells the peer's address. (`std::uint32_t` is socklen_t.)
    template <socket_address Address>
        requires(!std::is_const_v<Address>)
    accept(descriptor listener, Address& address, std::uint32_t& size) noexcept : accept_operation{listener} {
        set_address(address, size);
    }
};

/// Takes one connection of a listening socket into a slot of the registered files; what is in the slot is closed.
/// accept4(2).
/// Result: nothing; the connection is in `slot`, and there is no descriptor.
/// Lifetimes: `address` and `size` until the completion.
/// Traps: those of accept that concern the address. flags(SOCK_CLOEXEC) is refused by push: a slot has no such flag.
/// ENXIO: the ring has no registered files; EINVAL: there is no such slot; the connection is taken, and closed again,
/// before that is found out. Linux before 5.15 overlooks the slot and makes a descriptor instead.
/// Since Linux 5.15.
class accept_direct : public direct_accept_operation<accept_direct> {
public:
    static constexpr abi::opcode code = abi::opcode::accept;
    static constexpr kernel_version since{5, 15};
    using result_type = void;

    constexpr accept_direct(descriptor listener, direct_descriptor slot) noexcept
        : direct_accept_operation{listener, lio::detail::file_index_of(slot)} {}

    /// Also tells the peer's address. (`std::uint32_t` is socklen_t.)
    template <socket_address Address>
        requires(!std::is_const_v<Address>)
    accept_direct(descriptor listener, Address& address, std::uint32_t& size, direct_descriptor slot) noexcept
        : accept_direct{listener, slot} {
        set_address(address, size);
    }
};

/// Takes one connection of a listening socket into a free slot of the registered files, which the kernel picks.
/// accept4(2).
/// Result: the slot; op::close empties it again.
/// Lifetimes: `address` and `size` until the completion.
/// Traps: those of accept that concern the address. flags(SOCK_CLOEXEC) is refused by push: a slot has no such flag.
/// ENFILE: no slot is free, or the ring has no registered files; the connection is taken, and closed again, before that
/// is found out. A slot whose completion nobody reads stays taken.
/// Since Linux 5.19.
class accept_direct_allocate : public direct_accept_operation<accept_direct_allocate> {
public:
    static constexpr abi::opcode code = abi::opcode::accept;
    static constexpr kernel_version since{5, 19};
    using result_type = direct_descriptor;

    explicit constexpr accept_direct_allocate(descriptor listener) noexcept
        : direct_accept_operation{listener, abi::file_index_alloc} {}

    /// Also tells the peer's address. (`std::uint32_t` is socklen_t.)
    template <socket_address Address>
        requires(!std::is_const_v<Address>)
    accept_direct_allocate(descriptor listener, Address& address, std::uint32_t& size) noexcept
        : accept_direct_allocate{listener} {
        set_address(address, size);
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
class accept_multishot : public accept_operation<accept_multishot> {
public:
    static constexpr abi::opcode code = abi::opcode::accept;
    static constexpr kernel_version since{5, 19};
    static constexpr completes completions = completes::many;
    using result_type = int;
    static constexpr bool opens_descriptor = true;

    explicit constexpr accept_multishot(descriptor listener) noexcept : accept_operation{listener} {
        entry_.ioprio = abi::accept_multishot;
    }
};

/// Takes every connection of a listening socket, each into a free slot of the registered files, which the kernel picks,
/// until it fails or is cancelled. accept4(2).
/// Result: the slot; op::close empties it again.
/// Lifetimes: no argument is pointed to.
/// Traps: it has ended when a completion comes without cqe::more(), whatever its result; submit it again then. It ends
/// with ENFILE when no slot is free, or the ring has no registered files; a connection that was taken for that is
/// closed again, so that one peer finds itself disconnected. flags(SOCK_CLOEXEC) is refused by push: a slot has no such
/// flag. A slot whose completion nobody reads stays taken.
/// Since Linux 5.19.
class accept_multishot_direct : public direct_accept_operation<accept_multishot_direct> {
public:
    static constexpr abi::opcode code = abi::opcode::accept;
    static constexpr kernel_version since{5, 19};
    static constexpr completes completions = completes::many;
    using result_type = direct_descriptor;

    explicit constexpr accept_multishot_direct(descriptor listener) noexcept
        : direct_accept_operation{listener, abi::file_index_alloc} {
        entry_.ioprio = abi::accept_multishot;
    }
};

} // namespace lio::inline v0::op
