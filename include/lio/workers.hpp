// The threads of the kernel's that do for a ring what would block: on which CPUs they run and how many there may be. On
// the thread that submits.
#pragma once

#include <lio/cpu_set.hpp>
#include <lio/detail/ring_core.hpp>
#include <lio/result.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// How many workers there may be at once. Workers belong to the thread that submits, or with setup::sqpoll to the
/// kernel thread that does, and are shared by all rings that it submits to.
struct worker_limits {
    /// For what ends in bounded time: regular files and block devices, opening, closing and the like. The kernel's own
    /// choice: as many as the ring has entries, at most four for each CPU.
    std::uint32_t bounded = 0;
    /// For what may wait for ever: pipes, sockets, terminals. The kernel's own choice: RLIMIT_NPROC.
    std::uint32_t unbounded = 0;

    friend constexpr bool operator==(const worker_limits&, const worker_limits&) noexcept = default;
};

namespace detail {

result<void> set_worker_affinity(ring_core* core, const cpu_set* cpus) noexcept;
result<worker_limits> set_worker_limits(ring_core* core, worker_limits limits) noexcept;

} // namespace detail

/// Keeps the workers of the calling thread on these CPUs; with setup::sqpoll those of the ring's kernel thread (kernels
/// before 6.6 that were not repaired take it for the calling thread's there too). It holds for workers that start from
/// now on, which work that finds an idle one does not need; an idle one elsewhere ends after some seconds. `ring` is a
/// ring or one of a split ring's handles; the setting is the thread's and outlives it, which is why no object owns it.
/// Errors: EINVAL, `cpus` is empty or has a number that no CPU can have; it has one that this process may not use; the
/// calling thread has neither made a ring nor submitted to one; a kernel before 5.14. A CPU that the kernel has no room
/// for is passed over. io_uring_register(2). Since Linux 5.14.
template <class Ring>
result<void> set_worker_affinity(const Ring& ring, const cpu_set& cpus) noexcept {
    return detail::set_worker_affinity(ring.core(), &cpus);
}

/// Lets the workers run on every CPU again that the process may use. Errors: those of set_worker_affinity().
/// io_uring_register(2). Since Linux 5.14.
template <class Ring>
result<void> reset_worker_affinity(const Ring& ring) noexcept {
    return detail::set_worker_affinity(ring.core(), nullptr);
}

/// Limits the workers of every thread that submits to this ring or will; with setup::sqpoll those of its kernel thread.
/// A 0 leaves the number as it is. Workers above a new limit finish what they have. Returns the limits that the calling
/// thread had before (with setup::sqpoll the kernel thread); 0 and 0 when it has no workers yet, because it has neither
/// made a ring nor submitted to one.
/// Each call, whatever its numbers, sets again for the ring's threads what was last set by way of this ring.
/// Errors: EINVAL, a number above 2^31 - 1 or a kernel before 5.15. What is more than RLIMIT_NPROC becomes that.
/// io_uring_register(2). Since Linux 5.15.
template <class Ring>
result<worker_limits> set_worker_limits(const Ring& ring, worker_limits limits) noexcept {
    return detail::set_worker_limits(ring.core(), limits);
}

/// The limits as they are, as set_worker_limits() with 0 and 0 returns them. io_uring_register(2). Since Linux 5.15.
template <class Ring>
result<worker_limits> limits_of_workers(const Ring& ring) noexcept {
    return detail::set_worker_limits(ring.core(), {});
}

} // namespace lio::inline v0
