// buffer_ring: buffers that the kernel picks from when data arrives, instead of one waiting in every receive. On
// the ring's thread.
#pragma once

#include <lio/abi/buffers.hpp>
#include <lio/buffer_group.hpp>
#include <lio/buffer_lease.hpp>
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
    /// A receive takes of a buffer what it needs, and the next one goes on behind that, until it is full: with large
    /// buffers. What was received is asked for with lease() then, once for each completion. Since Linux 6.12.
    bool incremental = false;
    /// With `incremental`: a buffer with less room than this counts as full. 0: one byte. Since Linux 7.1, and in late
    /// releases of 6.12 and 6.18.
    std::uint32_t minimum_left = 0;
    /// The list of buffers (not the buffers) lies in memory of the kernel's, which it need not pin. Since Linux 6.4.
    bool kernel_memory = false;
};

class buffer_bundle;

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
    /// failed. Not where buffers are consumed incrementally: see lease().
    mutable_bytes filled(const cqe& done) const noexcept {
        LIO_ASSERT(uses_ == nullptr, "where buffers are consumed incrementally, lease() knows what was filled");
        const auto received = done.result();
        if (!received || !done.buffer_id()) return {};
        const auto length = static_cast<std::uint32_t>(*received);
        return {buffer(*done.buffer_id()).data(), length < size_ ? length : size_};
    }

    /// The same as a handle that gives the buffer back, also one that a failed completion carries: instead of filled() and
    /// recycle(). Once for each completion.
    buffer_lease lease(const cqe& done) noexcept;

    /// How many buffers the kernel has left to pick from. Errors: EINVAL, a kernel before 6.8; EBADF, the ring is
    /// closed. io_uring_register(2).
    result<std::uint32_t> available() const noexcept;

    /// The buffers that a receive of a bundle has filled, one after the other. The completion must carry one of these
    /// buffers unless it failed; then there are none.
    /// Not where buffers are consumed incrementally.
    buffer_bundle bundle(const cqe& done) const noexcept;

    /// Gives a buffer back to the kernel, which may fill it at once. Each exactly once per completion that
    /// carried it.
    void recycle(std::uint16_t id) noexcept {
        LIO_ASSERT(uses_ == nullptr, "where buffers are consumed incrementally, the last lease gives them back");
        add(id);
        publish();
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
    friend class buffer_bundle;
    friend class buffer_lease;
    friend class buffer_returns;

    // Of one buffer that is consumed incrementally.
    struct use {
        /// So much of it is filled.
        std::uint32_t filled;
        /// So many leases have parts of it.
        std::uint16_t leases;
        /// The kernel has done with it.
        bool is_full;
    };

    buffer_ring() noexcept = default;
    static result<buffer_ring> create(detail::ring_core* core, const buffer_ring_options& options) noexcept;
    void take(buffer_ring& other) noexcept;
    void end() noexcept;

    void add(std::uint16_t id) noexcept {
        const mutable_bytes memory = buffer(id);
        abi::buf& entry = entries_[tail_++ & mask_];
        // The last two bytes of the first entry are the ring's tail: an entry is never written whole.
        entry.addr = reinterpret_cast<std::uintptr_t>(memory.data());
        entry.len = size_;
        entry.bid = id;
        // A bundle names its first buffer only: the others are found by who was given back after whom. The kernel takes
        // them in this order, and the link of a buffer changes only when another is added behind it, which the kernel
        // then takes after it.
        next_[last_] = id;
        last_ = id;
    }
    // Adds the buffer unless somebody still has a part of it.
    void add_leased(std::uint16_t id) noexcept {
        if (uses_ == nullptr) return add(id);
        use& of = uses_[id];
        --of.leases;
        if (of.leases != 0 || !of.is_full) return;
        of = {};
        add(id);
    }
    void publish() noexcept {
        // Pairs with the kernel's load-acquire of the tail: it sees the entries that the tail covers.
        shared_tail_->store_release(tail_);
    }

    detail::core_reference core_;
    abi::buf* entries_ = nullptr;
    detail::shared_u16* shared_tail_ = nullptr;
    std::byte* first_ = nullptr;
    /// Where the entries do not lie in front of the buffers but in the kernel's memory.
    void* kernel_entries_ = nullptr;
    /// Of each buffer, if they are consumed incrementally.
    use* uses_ = nullptr;
    /// Of each buffer, the one that was given back after it.
    std::uint16_t* next_ = nullptr;
    std::size_t mapped_ = 0;
    std::uint32_t mask_ = 0;
    std::uint32_t size_ = 0;
    std::int32_t process_ = 0;
    std::uint16_t tail_ = 0;
    std::uint16_t last_ = 0;
    buffer_group group_ = 0;
};

/// The buffers that one completion has filled, to be iterated over: their numbers need not follow one another. Made by
/// buffer_ring::bundle(); valid until the first of them is given back, but each may be given back as soon as it was
/// visited.
class buffer_bundle {
public:
    /// One buffer.
    struct part {
        std::uint16_t id;
        /// What is filled of it: all, unless it is the last.
        mutable_bytes memory;
    };

    class iterator {
    public:
        constexpr iterator() noexcept = default;
        part operator*() const noexcept {
            const mutable_bytes whole = buffers_->buffer(id_);
            return {id_, {whole.data(), left_ < whole.size() ? left_ : whole.size()}};
        }
        iterator& operator++() noexcept {
            left_ = left_ > buffers_->size() ? left_ - buffers_->size() : 0;
            id_ = buffers_->next_[id_];
            return *this;
        }
        /// For loops; meaningful between an iterator and the end of its own range.
        friend constexpr bool operator==(const iterator& a, const iterator& b) noexcept { return a.left_ == b.left_; }

    private:
        friend class buffer_bundle;
        constexpr iterator(const buffer_ring* buffers, std::uint16_t id, std::uint32_t left) noexcept
            : buffers_{buffers}, left_{left}, id_{id} {}

        const buffer_ring* buffers_ = nullptr;
        std::uint32_t left_ = 0;
        std::uint16_t id_ = 0;
    };

    constexpr iterator begin() const noexcept { return {buffers_, first_, size_}; }
    constexpr iterator end() const noexcept { return {}; }
    /// In bytes, all buffers together.
    constexpr std::uint32_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }

private:
    friend class buffer_ring;
    constexpr buffer_bundle(const buffer_ring* buffers, std::uint16_t first, std::uint32_t size) noexcept
        : buffers_{buffers}, size_{size}, first_{first} {}

    const buffer_ring* buffers_;
    std::uint32_t size_;
    std::uint16_t first_;
};

inline buffer_bundle buffer_ring::bundle(const cqe& done) const noexcept {
    const auto received = done.result();
    if (!received || !done.buffer_id()) return {this, 0, 0};
    return {this, *done.buffer_id(), static_cast<std::uint32_t>(*received)};
}

inline void buffer_ring::recycle_bundle(const cqe& done) noexcept {
    const buffer_bundle filled = bundle(done);
    if (filled.empty()) {
        recycle(done);
        return;
    }
    // Adding a buffer changes the link of the one added before it, which is behind us.
    for (const buffer_bundle::part& one : filled) add(one.id);
    publish();
}

/// Buffers to be given back together: the kernel sees them when this is destroyed, by one store. Nothing else may be given
/// back to the same buffer_ring meanwhile but by leases.
class buffer_returns {
public:
    explicit buffer_returns(buffer_ring& buffers) noexcept : buffers_{buffers} {}
    buffer_returns(const buffer_returns&) = delete;
    buffer_returns& operator=(const buffer_returns&) = delete;
    ~buffer_returns() { buffers_.publish(); }

    /// As buffer_ring::recycle().
    void add(std::uint16_t id) noexcept {
        LIO_ASSERT(buffers_.uses_ == nullptr, "where buffers are consumed incrementally, the last lease gives them back");
        buffers_.add(id);
    }
    void add(const cqe& done) noexcept {
        if (const auto id = done.buffer_id()) add(*id);
    }

private:
    friend class buffer_lease;
    buffer_ring& buffers_;
};

inline buffer_lease buffer_ring::lease(const cqe& done) noexcept {
    const auto id = done.buffer_id();
    if (!id) return {};
    const std::int32_t result = done.raw_result();
    std::uint32_t length = result > 0 ? static_cast<std::uint32_t>(result) : 0;
    const mutable_bytes whole = buffer(*id);
    std::uint32_t before = 0;
    if (uses_ != nullptr) {
        use& of = uses_[*id];
        before = of.filled;
        of.filled += length;
        ++of.leases;
        of.is_full = !done.buffer_has_more();
    }
    if (length > size_ - before) length = size_ - before;
    return {*this, {whole.data() + before, length}, *id};
}

inline void buffer_lease::give_back() noexcept {
    if (buffers_ == nullptr) return;
    buffers_->add_leased(id_);
    buffers_->publish();
    forget();
}

inline void buffer_lease::give_back(buffer_returns& returns) noexcept {
    LIO_ASSERT(buffers_ == nullptr || buffers_ == &returns.buffers_, "this buffer is another buffer_ring's");
    if (buffers_ == nullptr) return;
    buffers_->add_leased(id_);
    forget();
}

} // namespace lio
