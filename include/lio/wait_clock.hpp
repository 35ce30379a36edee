// The clock that a ring's waits go by. On the ring's thread.
#pragma once

#include <lio/detail/ring_core.hpp>
#include <lio/result.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// A clock; the numbers are those of clock_gettime(2).
enum class wait_clock : std::uint32_t {
    /// CLOCK_MONOTONIC, which stands still while the machine is suspended. What a ring has unless it is told otherwise.
    monotonic = 1,
    /// CLOCK_BOOTTIME, which goes on.
    boottime = 7,
};

namespace detail {

result<void> set_wait_clock(ring_core* core, wait_clock clock) noexcept;

} // namespace detail

/// Lets the waits of a ring go by this clock from now on: wait_options::timeout() and deadline(), and the
/// minimum_wait(). No operation does: op::timeout names its own clock. Where the library looks at the time itself it
/// takes the same clock. `ring` is a ring or one of a split ring's handles, while the other does not wait. There is
/// nothing to own: the ring keeps the setting until it is given another one. Errors: EINVAL, `clock` is none of the
/// two, or a kernel before 6.12; the clock is as it was. io_uring_register(2). Since Linux 6.12.
template <class Ring>
result<void> set_wait_clock(const Ring& ring, wait_clock clock) noexcept {
    return detail::set_wait_clock(ring.core(), clock);
}

} // namespace lio::inline v0
