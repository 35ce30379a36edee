// registered_waits: the ways in which a program waits again and again, known to the kernel beforehand. On the ring's
// thread.
#pragma once

#include <lio/detail/mapped_memory.hpp>
#include <lio/detail/ring_core.hpp>
#include <lio/result.hpp>
#include <lio/wait_options.hpp>

#include <cstdint>

namespace lio {

/// Memory that a ring shares with the kernel, for wait_options that are used often: the kernel reads them in place, and
/// copies nothing with each call. A ring has at most one.
///     auto waits = lio::registered_waits::create(ring, 1).value();
///     const auto tick = waits.set(0, lio::wait_options{}.timeout({0, 1'000'000}));
///     ... ring.submit_and_wait(8, tick) ...
/// Owns its memory: 64 KiB, which count towards RLIMIT_MEMLOCK, for every 512 waits. The kernel keeps it until the ring is
/// closed, so that either may go first.
class registered_waits {
public:
    /// Room for `count` waits. Only as long as the ring does not run: on a lio::ring before its first submit or wait, with
    /// setup::start_disabled before enable(). `ring` is a ring or one of a split ring's handles.
    /// Errors: EINVAL, the ring runs already, `count` is 0 or too large, or a kernel before 6.13; EBUSY, the ring has
    /// registered memory already; ENOMEM. io_uring_register(2). Since Linux 6.13.
    template <class Ring>
    static result<registered_waits> create(const Ring& ring, std::uint32_t count) noexcept {
        return create(ring.core(), count);
    }

    /// Writes the `index`-th of them, and returns it as what a wait takes: from then on, until the same one is set again,
    /// on this ring only. Changed by a member function, timeout() for example, it is an ordinary one. No system call.
    /// On the thread that waits.
    wait_options set(std::uint32_t index, const wait_options& options) noexcept;

    /// How many there is room for.
    std::uint32_t size() const noexcept { return count_; }

private:
    registered_waits(detail::mapped_memory&& memory, std::uint32_t count) noexcept
        : memory_{static_cast<detail::mapped_memory&&>(memory)}, count_{count} {}
    static result<registered_waits> create(detail::ring_core* core, std::uint32_t count) noexcept;

    detail::mapped_memory memory_;
    std::uint32_t count_;
};

} // namespace lio
