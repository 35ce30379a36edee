// registered_waits: the ways in which a program waits again and again, known to the kernel beforehand. On the ring's
// thread.
#pragma once

#include <lio/bytes.hpp>
#include <lio/detail/ring_core.hpp>
#include <lio/memory_region.hpp>
#include <lio/result.hpp>
#include <lio/wait_options.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0 {

/// Memory that a ring shares with the kernel, for wait_options that are used often: the kernel reads them in place, and
/// copies nothing with each call. A ring has at most one, which is its memory_region.
///     auto waits = lio::registered_waits::create(ring, 1).value();
///     const auto tick = waits.set(0, lio::wait_options{}.timeout({0, 1'000'000}));
///     ... ring.submit_and_wait(8, tick) ...
/// The kernel keeps the memory until the ring is closed, so that either may go first.
class registered_waits {
public:
    /// How many bytes one of them takes.
    static constexpr std::size_t bytes_each = 128;

    /// Room for `count` waits. Only as long as the ring does not run: on a lio::ring before its first submit or wait,
    /// with setup::start_disabled before enable(). `ring` is a ring or one of a split ring's handles. Owns its memory:
    /// 64 KiB, which count towards RLIMIT_MEMLOCK, for every 512 waits. Errors: EINVAL, the ring runs already, `count`
    /// is 0 or too large, or a kernel before 6.13; EBUSY, the ring has registered memory already; ENOMEM.
    /// io_uring_register(2). Since Linux 6.13.
    template <class Ring>
    static result<registered_waits> create(const Ring& ring, std::uint32_t count) noexcept {
        return create(ring.core(), count);
    }

    /// The same at the beginning of the program's own `memory`: whole pages, for example a huge one of ring_memory.
    /// What is behind the waits, rest(), is the program's to use, as registered buffers for example. `memory` must stay
    /// until the ring is closed. Errors also: EINVAL, it is not whole pages, or too small.
    template <class Ring>
    static result<registered_waits> create(const Ring& ring, std::uint32_t count, mutable_bytes memory) noexcept {
        return create_in(ring.core(), count, memory);
    }

    /// Writes the `index`-th of them, and returns it as what a wait takes: from then on, until the same one is set
    /// again, on this ring only. Changed by a member function, timeout() for example, it is an ordinary one. No system
    /// call. On the thread that waits.
    wait_options set(std::uint32_t index, const wait_options& options) noexcept;

    /// How many there is room for.
    std::uint32_t size() const noexcept { return count_; }

    /// What the waits leave of the memory; empty when moved from.
    mutable_bytes rest() const noexcept {
        const mutable_bytes all = region_.bytes();
        const std::size_t used = all.size() == 0 ? 0 : count_ * bytes_each;
        return {all.data() + used, all.size() - used};
    }

private:
    registered_waits(memory_region&& region, std::uint32_t count) noexcept
        : region_{static_cast<memory_region&&>(region)}, count_{count} {}
    static result<registered_waits> create(detail::ring_core* core, std::uint32_t count) noexcept;
    static result<registered_waits> create_in(detail::ring_core* core, std::uint32_t count,
                                              mutable_bytes memory) noexcept;
    static result<registered_waits> register_waits(detail::ring_core& core, std::uint32_t count, mutable_bytes memory,
                                                   detail::mapped_memory&& owned) noexcept;

    memory_region region_;
    std::uint32_t count_;
};

} // namespace lio::inline v0
