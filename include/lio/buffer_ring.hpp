// buffer_ring: buffers that the kernel picks from when data arrives, instead of one waiting in every receive. On
// the ring's thread.
#pragma once

#include <lio/buffer_bundle.hpp>
#include <lio/buffer_group.hpp>
#include <lio/buffer_lease.hpp>
#include <lio/buffer_returns.hpp>
#include <lio/bytes.hpp>
#include <lio/cqe.hpp>
#include <lio/detail/assert.hpp>
#include <lio/detail/buffer_list.hpp>
#include <lio/detail/ring_core.hpp>
#include <lio/result.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0 {

/// The arguments of buffer_ring::create.
struct buffer_ring_options {
    /// The number that operations name it by. Kernels from before 6.8 do not forget where the former buffer ring of a
    /// number below 64 stood: there such a number can be had once from each ring. Below 2048 with `kernel_memory`.
    buffer_group group = 0;
    /// How many buffers: a power of two, at most 32768.
    std::uint32_t count = 256;
    /// The size of each, in bytes.
    std::uint32_t size = 4096;
    /// Where the buffers lie, one after the other: `count * size` bytes of the program's own, or more; they must stay
    /// until the buffer_ring is closed, and every operation that picks from it has ended. Huge pages (ring_memory), or
    /// memory that is registered as well, for example. Empty: memory of the library's.
    mutable_bytes memory{};
    /// A receive takes of a buffer what it needs, and the next one goes on behind that, until it is full: with large
    /// buffers. What was received is asked for with lease() or lease_bundle() then, once for each completion, in the
    /// order of the completions. Reads of files, and operations with force_async(), use up what they ask for, not what
    /// they get: give them no limit, then they take all that is left of a buffer. If they get nothing, as at the end of
    /// a file, that buffer does not come back before the buffer_ring is made anew, on kernels without `minimum_left`:
    /// there it could be another completion's that nobody has looked at. No receives with MSG_WAITALL: while one waits
    /// for the rest, the kernel gives the same part to another. Since Linux 6.12.
    bool incremental = false;
    /// With `incremental`: a buffer with less room than this counts as full. 0: one byte. Not for bundles. Since
    /// Linux 7.1, and in late releases of 6.12 and 6.18.
    std::uint32_t minimum_left = 0;
    /// The list of buffers (not the buffers) lies in memory of the kernel's, which it need not pin. For groups below
    /// 2048, and not on a ring without a descriptor (setup::registered_file_only). Since Linux 6.4.
    bool kernel_memory = false;
};

/// A group of buffers. An operation that picks one names it in its completion (cqe::buffer_id); the buffer is the
/// program's then, until it is given back with recycle(), or by its lease. Neither costs a system call.
///
/// Destroy it on the ring's thread, after the last completion of every operation that picks from it. It may move, and
/// go, while there are leases. Outlives its ring harmlessly. A forked child has neither its memory nor the library's
/// buffers.
class buffer_ring {
public:
    /// Hands the buffers to the kernel. `ring` is a lio::ring or one of a split ring's handles. Errors: EINVAL, the
    /// count is no power of two, a size is out of range, the memory is too small, the kernel's cannot be mapped, or the
    /// kernel has no buffer rings; EEXIST, the group is in use, or was on a kernel that does not forget it; ENOMEM.
    /// io_uring_register(2). Since Linux 5.19.
    template <class Ring>
    static result<buffer_ring> create(const Ring& ring, const buffer_ring_options& options) noexcept {
        return make(ring.core(), options, nullptr);
    }
    /// The same with buffers that differ in size, or lie apart: `buffers` is a container of mutable_bytes with data()
    /// and size(), or an array, and is copied. They take the place of the options count, size and memory. A receive
    /// takes the next one, whatever its size.
    template <class Ring, class Buffers>
    static result<buffer_ring> create(const Ring& ring, buffer_ring_options options, const Buffers& buffers) noexcept {
        const mutable_bytes* const first = buffers.data();
        return make_of(ring.core(), options, first, static_cast<std::size_t>(buffers.size()));
    }
    template <class Ring, std::size_t n>
    static result<buffer_ring> create(const Ring& ring, buffer_ring_options options,
                                      const mutable_bytes (&buffers)[n]) noexcept {
        return make_of(ring.core(), options, buffers, n);
    }

    buffer_ring(buffer_ring&& other) noexcept;
    buffer_ring& operator=(buffer_ring&& other) noexcept;
    ~buffer_ring();

    /// What operations name it by.
    buffer_group group() const noexcept { return group_; }
    /// How many buffers; 0 when it was moved from.
    std::uint32_t count() const noexcept { return list_ == nullptr ? 0 : list_->mask + 1; }
    /// The size of one buffer, in bytes; of the largest where they differ.
    std::uint32_t size() const noexcept { return list_ == nullptr ? 0 : list_->size; }

    /// The whole of a buffer.
    mutable_bytes buffer(std::uint16_t id) const noexcept { return list().buffer(id); }

    /// What a receive has filled; empty if it failed. The completion must carry one of these buffers unless it
    /// failed. Not where buffers are consumed incrementally: see lease().
    mutable_bytes filled(const cqe& done) const noexcept {
        LIO_ASSERT(list().uses == nullptr, "where buffers are consumed incrementally, lease() knows what was filled");
        const auto received = done.result();
        if (!received || !done.buffer_id()) return {};
        const mutable_bytes whole = buffer(*done.buffer_id());
        const auto length = static_cast<std::uint32_t>(*received);
        return {whole.data(), length < whole.size() ? length : whole.size()};
    }

    /// The same as a handle that gives the buffer back, also one that a failed completion carries: instead of filled()
    /// and recycle(). Once for each completion.
    buffer_lease lease(const cqe& done) noexcept {
        const auto id = done.buffer_id();
        if (!id) return {};
        return {list(), list().lend(*id, received(done), done.buffer_has_more()), *id};
    }

    /// How many buffers the kernel has left to pick from, one that it has filled in part (incremental consumption)
    /// included: the others are the program's, or named in completions to come. Errors: EINVAL, a kernel before 6.8;
    /// EBADF, the ring is closed. io_uring_register(2).
    result<std::uint32_t> available() const noexcept;

    /// The buffers that a receive of a bundle has filled, one after the other. The completion must carry one of these
    /// buffers unless it failed; then there are none.
    /// Not where buffers are consumed incrementally.
    buffer_bundle bundle(const cqe& done) const noexcept {
        LIO_ASSERT(list().uses == nullptr,
                   "where buffers are consumed incrementally, lease_bundle() knows what was filled");
        const auto id = done.buffer_id();
        if (!id) return {list_, 0, 0, 0};
        return {list_, received(done), 0, *id};
    }

    /// The same as a handle that gives the buffers back: instead of bundle() and recycle_bundle(), or lease(). Once for
    /// each completion. Not with minimum_left: which buffers were left early is not said.
    bundle_lease lease_bundle(const cqe& done) noexcept {
        const auto id = done.buffer_id();
        if (!id) return {};
        return {list(), received(done), done.buffer_has_more(), *id};
    }

    /// Gives a buffer back to the kernel, which may fill it at once. Each exactly once per completion that
    /// carried it.
    void recycle(std::uint16_t id) noexcept {
        LIO_ASSERT(list().uses == nullptr, "where buffers are consumed incrementally, the last lease gives them back");
        LIO_ASSERT(!list().is_lent[id & list().mask], "this buffer's lease gives it back");
        list().add(id);
        list().publish();
    }

    /// Gives back the buffer that a completion carries, if it carries one; failed ones can.
    void recycle(const cqe& done) noexcept {
        if (const auto id = done.buffer_id()) recycle(*id);
    }

    /// Gives back all buffers of a bundle, also one that failed or brought nothing. Not after some of them were given
    /// back one by one.
    void recycle_bundle(const cqe& done) noexcept;

    /// Unregisters and says whether that went well. Errors: EEXIST, not on the ring's thread; it stays registered.
    result<void> close() noexcept;

private:
    friend class buffer_returns;

    buffer_ring() noexcept = default;
    static result<buffer_ring> make(detail::ring_core* core, const buffer_ring_options& options,
                                    const mutable_bytes* buffers) noexcept;
    static result<buffer_ring> make_of(detail::ring_core* core, buffer_ring_options& options,
                                       const mutable_bytes* buffers, std::size_t count) noexcept;
    result<void> hand_over(detail::ring_core& core, const buffer_ring_options& options) noexcept;
    result<std::uint32_t> kernel_head() const noexcept;
    void take(buffer_ring& other) noexcept;
    void end() noexcept;

    detail::buffer_list& list() const noexcept {
        LIO_ASSERT(list_ != nullptr, "this buffer_ring was moved from");
        return *list_;
    }
    static std::uint32_t received(const cqe& done) noexcept {
        const std::int32_t result = done.raw_result();
        return result > 0 ? static_cast<std::uint32_t>(result) : 0;
    }

    detail::core_reference core_;
    detail::buffer_list* list_ = nullptr;
    std::int32_t process_ = 0;
    buffer_group group_ = 0;
};

inline buffer_returns::buffer_returns(buffer_ring& buffers) noexcept : list_{&buffers.list()} { list_->use_it(); }

} // namespace lio::inline v0
