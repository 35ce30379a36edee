// The program's half of the completion queue: completions are read in the ring's own memory and given back
// with one release store. Base of ring and of completion_queue; one thread at a time.
#pragma once

#include <lio/abi/setup.hpp>
#include <lio/cqe.hpp>
#include <lio/detail/assert.hpp>
#include <lio/detail/ring_core.hpp>
#include <lio/detail/shared_word.hpp>
#include <lio/result.hpp>
#include <lio/timespec.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::detail {

class completion_side {
public:
    class reaped;

    /// The completions that are there, as a range: for (const lio::cqe& done : ring.reap()). Does not wait.
    /// When the range is destroyed, those that were visited are released to the kernel; those after a break
    /// come again. Enters the kernel only when nothing is there and the kernel holds something back.
    [[nodiscard]] reaped reap() noexcept;

    /// How many completions could be reaped without waiting or entering the kernel.
    std::uint32_t ready() const noexcept {
        // Pairs with the kernel's store-release of the tail: the entries before it are written.
        return kernel_tail_->load_acquire() - head_;
    }

    /// The next completion, if one is there. Errors: EAGAIN, nothing is; the others of wait().
    result<cqe> try_next() noexcept;

    /// The next completion, waited for. Errors: those of wait().
    result<cqe> next() noexcept;
    /// The same for at most `timeout`; ETIME after that.
    result<cqe> next(const timespec& timeout) noexcept;

    /// Waits until `count` completions can be reaped; returns how many can, `count` or more. Does not submit.
    /// Errors: EINTR, a signal came; EINVAL, `count` is more than the queue holds; EEXIST, the ring belongs
    /// to another thread; EBADF, it is closed.
    result<std::uint32_t> wait(std::uint32_t count) noexcept { return wait(count, nullptr); }
    /// The same for at most `timeout`; ETIME after that. Since Linux 5.11; EOPNOTSUPP at once before.
    result<std::uint32_t> wait(std::uint32_t count, const timespec& timeout) noexcept { return wait(count, &timeout); }

    /// How many completions the queue holds. More than that are kept by the kernel until there is room.
    std::uint32_t completion_capacity() const noexcept { return core_ == nullptr ? 0 : mask_ + 1; }

protected:
    completion_side() noexcept { forget(); }
    completion_side(const completion_side&) noexcept = default;
    completion_side& operator=(const completion_side&) noexcept = default;

    // Back to the state of a side without a ring: nothing is ready, and waiting says that it is closed.
    void forget() noexcept;

    result<std::uint32_t> wait(std::uint32_t count, const timespec* timeout) noexcept;
    result<cqe> next(const timespec* timeout) noexcept;

    // Called when nothing is ready: lets the kernel post what it holds back, if it says that it does. EAGAIN
    // if there is still nothing.
    result<void> flush() noexcept;

    void release(std::uint32_t head) noexcept {
        head_ = head;
        // Pairs with the kernel's load-acquire of the head: our reads of these entries come before it
        // writes new ones.
        shared_head_->store_release(head);
    }

    friend struct ring_maker;

    const cqe* entries_;
    std::uint32_t mask_;
    std::uint32_t head_; // ours; the kernel's copy is only written
    shared_u32* shared_head_;
    shared_u32* kernel_tail_;
    shared_u32* submission_flags_;
    shared_u32* submission_head_; // the address that stands for the ring towards ThreadSanitizer
    std::uint32_t holding_flags_; // any of these in the flags: the kernel holds completions back
    std::uint32_t plain_wait_limit_; // the capacity; 0 where waiting is more than one plain enter
    bool always_enters_;          // the kernel shows no such flags: looking means entering
    ring_core* core_;
};

/// A range of completions in the ring's memory.
class completion_side::reaped {
public:
    class iterator {
    public:
        using value_type = cqe;
        using difference_type = std::ptrdiff_t;

        const cqe& operator*() const noexcept {
            range_->visited_ = position_ + 1;
            return range_->side_.entries_[position_ & range_->side_.mask_];
        }
        const cqe* operator->() const noexcept { return &**this; }
        iterator& operator++() noexcept {
            ++position_;
            return *this;
        }
        void operator++(int) noexcept { ++position_; }
        friend bool operator==(const iterator& a, const iterator& b) noexcept { return a.position_ == b.position_; }

    private:
        friend class reaped;
        iterator(reaped& range, std::uint32_t position) noexcept : range_{&range}, position_{position} {}
        reaped* range_;
        std::uint32_t position_;
    };

    reaped(const reaped&) = delete;
    reaped& operator=(const reaped&) = delete;
    ~reaped() {
        if (visited_ == begin_) return;
        // A range within this one, or a next(), may have released more already: never backwards.
        if (side_.head_ == begin_ || static_cast<std::int32_t>(visited_ - side_.head_) > 0) side_.release(visited_);
    }

    iterator begin() noexcept { return {*this, begin_}; }
    iterator end() noexcept { return {*this, end_}; }
    std::uint32_t size() const noexcept { return end_ - begin_; }
    bool empty() const noexcept { return size() == 0; }

private:
    friend class completion_side;
    reaped(completion_side& side, std::uint32_t end) noexcept
        : side_{side}, begin_{side.head_}, end_{end}, visited_{begin_} {}

    completion_side& side_;
    std::uint32_t begin_;
    std::uint32_t end_;
    std::uint32_t visited_; // up to here; what follows is not released
};

inline completion_side::reaped completion_side::reap() noexcept {
    // Pairs with the kernel's store-release of the tail: the entries before it are written.
    std::uint32_t tail = kernel_tail_->load_acquire();
    if (tail == head_) [[unlikely]] {
        // Still nothing is no error here, and a real one (the wrong thread, say) comes back from the next wait
        // or submit.
        static_cast<void>(flush());
        tail = kernel_tail_->load_acquire();
    }
    thread_sanitizer_acquire(submission_head_);
    return {*this, tail};
}

inline result<cqe> completion_side::try_next() noexcept {
    if (ready() == 0) [[unlikely]] {
        if (const auto flushed = flush(); !flushed) return flushed.error();
    }
    thread_sanitizer_acquire(submission_head_);
    const cqe done = entries_[head_ & mask_];
    release(head_ + 1);
    return done;
}

} // namespace lio::detail
