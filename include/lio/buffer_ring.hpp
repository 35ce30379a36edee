// buffer_ring: buffers that the kernel picks from when data arrives, instead of one waiting in every receive. On
// the ring's thread.
#pragma once

#include <lio/abi/buffers.hpp>
#include <lio/buffer_group.hpp>
#include <lio/bytes.hpp>
#include <lio/cqe.hpp>
#include <lio/detail/assert.hpp>
#include <lio/detail/ring_core.hpp>
#include <lio/detail/shared_word.hpp>
#include <lio/result.hpp>

#include <cstddef>
#include <cstdint>

namespace lio {

/// The arguments of buffer_ring::create.
struct buffer_ring_options {
    /// The number that operations name it by; one that the ring has not had yet. Linux 6.1 at least does not forget where
    /// the former buffer ring of a number below 64 stood, and hands out buffers of the new one wrongly.
    buffer_group group = 0;
    /// How many buffers: a power of two, at most 32768.
    std::uint32_t count = 256;
    /// The size of each, in bytes.
    std::uint32_t size = 4096;
};

/// A group of buffers of one size, in memory of its own. An operation that picks one names it in its completion
/// (cqe::buffer_id); the buffer is the program's then, until it is given back with recycle().
///
/// Destroy it on the ring's thread, after the last completion of every operation that picks from it. Outlives
/// its ring harmlessly.
class buffer_ring {
public:
    /// Maps memory for all buffers and hands them to the kernel. `ring` is a lio::ring or one of a split ring's
    /// handles. Errors: EINVAL, the count is no power of two, a size is out of range, or the kernel has no buffer
    /// rings; EEXIST, the group is in use; ENOMEM. io_uring_register(2). Since Linux 5.19.
    template <class Ring>
    static result<buffer_ring> create(const Ring& ring, const buffer_ring_options& options) noexcept {
        return create(ring.core(), options);
    }

    buffer_ring(buffer_ring&& other) noexcept;
    buffer_ring& operator=(buffer_ring&& other) noexcept;
    ~buffer_ring();

    /// What operations name it by.
    buffer_group group() const noexcept { return group_; }
    std::uint32_t count() const noexcept { return mask_ + 1; }
    /// The size of one buffer, in bytes.
    std::uint32_t size() const noexcept { return size_; }

    /// The whole of a buffer.
    mutable_bytes buffer(std::uint16_t id) const noexcept {
        LIO_ASSERT(id <= mask_, "there is no such buffer");
        return {first_ + static_cast<std::size_t>(id) * size_, size_};
    }
    /// What a receive has filled; empty if it failed. The completion must carry one of these buffers unless it
    /// failed.
    mutable_bytes filled(const cqe& done) const noexcept {
        const auto received = done.result();
        if (!received || !done.buffer_id()) return {};
        const auto length = static_cast<std::uint32_t>(*received);
        return {buffer(*done.buffer_id()).data(), length < size_ ? length : size_};
    }

    /// Gives a buffer back to the kernel, which may fill it at once. Each exactly once per completion that
    /// carried it.
    void recycle(std::uint16_t id) noexcept {
        add(id);
        publish();
    }

    /// Gives back the buffer that a completion carries, if it carries one; failed ones can.
    void recycle(const cqe& done) noexcept {
        if (const auto id = done.buffer_id()) recycle(*id);
    }

    /// Unregisters and says whether that went well. Errors: EEXIST, not on the ring's thread; it stays registered.
    result<void> close() noexcept;

private:
    buffer_ring() noexcept = default;
    static result<buffer_ring> create(detail::ring_core* core, const buffer_ring_options& options) noexcept;
    void take(buffer_ring& other) noexcept;

    void add(std::uint16_t id) noexcept {
        const mutable_bytes memory = buffer(id);
        abi::buf& entry = entries_[tail_++ & mask_];
        // The last two bytes of the first entry are the ring's tail: an entry is never written whole.
        entry.addr = reinterpret_cast<std::uintptr_t>(memory.data());
        entry.len = size_;
        entry.bid = id;
    }
    void publish() noexcept {
        // Pairs with the kernel's load-acquire of the tail: it sees the entries that the tail covers.
        shared_tail_->store_release(tail_);
    }

    detail::core_reference core_;
    abi::buf* entries_ = nullptr;
    detail::shared_u16* shared_tail_ = nullptr;
    std::byte* first_ = nullptr;
    std::size_t mapped_ = 0;
    std::uint32_t mask_ = 0;
    std::uint32_t size_ = 0;
    std::int32_t process_ = 0;
    std::uint16_t tail_ = 0;
    buffer_group group_ = 0;
};

} // namespace lio
