// Epoll instances, for what still waits with them. Values that own nothing; any thread. Includes no system header: who
// has an epoll_event has included <sys/epoll.h>.
#pragma once

#include <lio/bytes.hpp>
#include <lio/op/operation.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

struct epoll_event;

namespace lio::inline v0 {

namespace detail {

template <class C>
concept holds_epoll_events = requires(C& c) {
    static_cast<::epoll_event*>(c.data());
    static_cast<std::size_t>(c.size());
};

} // namespace detail

} // namespace lio::inline v0

namespace lio::inline v0::op {

/// Adds a file to an epoll instance, changes what is waited for on it, or removes it; `action` is one of the
/// EPOLL_CTL_... of <sys/epoll.h>. epoll_ctl(2).
/// Result: nothing.
/// Lifetimes: `event` until the operation has been submitted.
/// Traps: both are descriptors: an epoll instance knows nothing of slots. op::poll needs no epoll instance.
/// Since Linux 5.6.
class epoll_ctl : public operation<epoll_ctl> {
public:
    static constexpr abi::opcode code = abi::opcode::epoll_ctl;
    static constexpr kernel_version since{5, 6};
    using result_type = void;

    epoll_ctl(int epoll, int action, int file, const ::epoll_event& event) noexcept : epoll_ctl{epoll, action, file} {
        entry_.addr = address(&event);
    }
    epoll_ctl(int epoll, int action, int file, const ::epoll_event&& event) = delete;
    /// For EPOLL_CTL_DEL, which needs no event; with the others it is EFAULT.
    constexpr epoll_ctl(int epoll, int action, int file) noexcept {
        entry_.fd = epoll;
        entry_.len = static_cast<std::uint32_t>(action);
        entry_.off = static_cast<std::uint32_t>(file);
    }
};

/// Completes once files of the epoll instance are ready, now or later, and says which. epoll_wait(2), without a time
/// limit.
/// Result: how many of `events` were filled, at least one.
/// Lifetimes: the array until the completion.
/// Traps: closing the instance does not end it: cancel it. EINVAL: the file is no epoll instance, or there is no room
/// for an event.
/// Since Linux 6.15.
class epoll_wait : public operation<epoll_wait> {
public:
    static constexpr abi::opcode code = abi::opcode::epoll_wait;
    static constexpr kernel_version since{6, 15};
    using result_type = std::uint32_t;

    epoll_wait(descriptor epoll, ::epoll_event* events, std::size_t count) noexcept {
        set_file(epoll);
        entry_.addr = address(events);
        // What does not fit becomes a number that does, and that the kernel refuses just the same.
        entry_.len = count < too_many ? static_cast<std::uint32_t>(count) : too_many;
    }
    template <class T, std::size_t n>
        requires std::is_same_v<T, ::epoll_event>
    epoll_wait(descriptor epoll, T (&events)[n]) noexcept : epoll_wait{epoll, events, n} {}
    /// Of any container with data() and size(), whose temporaries are refused.
    template <class C>
        requires(lio::detail::holds_epoll_events<std::remove_reference_t<C>> && lio::detail::borrows<C>)
    epoll_wait(descriptor epoll, C&& events) noexcept
        : epoll_wait{epoll, events.data(), static_cast<std::size_t>(events.size())} {}

private:
    static constexpr std::uint32_t too_many = 0xffffffff;
};

} // namespace lio::inline v0::op
