// The program's half of a refill ring, by which memory goes back to the kernel: the entries and the tail are the
// program's, the head is the kernel's. On the thread of its owner.
#pragma once

#include <lio/abi/zero_copy_receive.hpp>
#include <lio/detail/shared_word.hpp>

#include <cstdint>

namespace lio::inline v0::detail {

class refill_ring {
public:
    refill_ring() noexcept = default;
    /// `size` entries, a power of two. The counters go on from where they are.
    refill_ring(abi::zcrx_rqe* entries, const shared_u32* head, shared_u32* tail, std::uint32_t size) noexcept
        : entries_{entries},
          shared_head_{head},
          shared_tail_{tail},
          size_{size},
          tail_{tail->load_relaxed()}, // ours: nobody else writes it
          seen_head_{tail_} {
        look();
    }

    std::uint32_t size() const noexcept { return size_; }
    /// How many places are set apart.
    std::uint32_t reserved() const noexcept { return reserved_; }

    /// Sets a place apart for a later put(); false if there is none.
    bool reserve() noexcept {
        if (room() == 0) {
            look();
            if (room() == 0) return false;
        }
        ++reserved_;
        return true;
    }

    /// Writes an entry into a place that was set apart. The kernel sees it with publish().
    void put(const abi::zcrx_rqe& entry) noexcept {
        --reserved_;
        entries_[tail_++ & (size_ - 1)] = entry;
    }

    void publish() noexcept {
        // Pairs with the kernel's load-acquire of the tail: it sees the entries that the tail covers.
        shared_tail_->store_release(tail_);
    }

private:
    // The counters run freely and wrap: only their difference says how many entries the kernel has not taken yet.
    std::uint32_t room() const noexcept { return size_ - (tail_ - seen_head_) - reserved_; }
    void look() noexcept {
        // Pairs with the kernel's store-release of the head: it has read the entries before it, which may be written
        // again. A head that is not within the ring is none of the kernel's: nothing has come free then.
        const std::uint32_t head = shared_head_->load_acquire();
        if (tail_ - head <= size_) seen_head_ = head;
    }

    abi::zcrx_rqe* entries_ = nullptr;
    const shared_u32* shared_head_ = nullptr;
    shared_u32* shared_tail_ = nullptr;
    std::uint32_t size_ = 0;
    std::uint32_t tail_ = 0;
    std::uint32_t seen_head_ = 0;
    std::uint32_t reserved_ = 0;
};

} // namespace lio::inline v0::detail
