// The entries of the completion queue: completions are read in the ring's own memory. Laid over completion_side; one
// thread at a time.
#pragma once

#include <lio/detail/completion_side.hpp>
#include <lio/detail/ring_layout.hpp>
#include <lio/result.hpp>
#include <lio/timespec.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::detail {

/// `Base` is completion_side, or what is derived from it.
template <class Layout, class Base>
class completion_entries : public Base {
    using entry = typename Layout::completion_entry;

public:
    class reaped;

    /// The completions that are there, as a range: for (const lio::cqe& done : ring.reap()). Does not wait.
    /// When the range is destroyed, those that were visited are released to the kernel; those after a break
    /// come again. Enters the kernel only when nothing is there and the kernel holds something back.
    [[nodiscard]] reaped reap() noexcept {
        // Pairs with the kernel's store-release of the tail: the entries before it are written.
        std::uint32_t tail = this->kernel_tail_->load_acquire();
        if (tail == this->head_) [[unlikely]] {
            // Still nothing is no error here, and a real one (the wrong thread, say) comes back from the next wait
            // or submit.
            static_cast<void>(this->flush());
            tail = this->kernel_tail_->load_acquire();
        }
        thread_sanitizer_acquire(this->submission_head_);
        return {*this, tail};
    }

    /// The next completion, if one is there. Errors: EAGAIN, nothing is; the others of wait().
    result<entry> try_next() noexcept {
        if (this->ready() == 0) [[unlikely]] {
            if (const auto flushed = this->flush(); !flushed) return flushed.error();
        }
        thread_sanitizer_acquire(this->submission_head_);
        const entry done = at(this->head_);
        this->release(this->head_ + 1);
        return done;
    }

    /// The next completion, waited for. Errors: those of wait().
    result<entry> next() noexcept { return next(nullptr); }
    /// The same for at most `timeout`, ETIME after that; and with other ways to end the wait.
    result<entry> next(const timespec& timeout) noexcept { return next(wait_options{}.timeout(timeout)); }
    result<entry> next(const wait_options& options) noexcept { return next(&options); }

protected:
    completion_entries() noexcept = default;
    completion_entries(const completion_entries&) noexcept = default;
    completion_entries(completion_entries&&) noexcept = default;
    completion_entries& operator=(const completion_entries&) noexcept = default;
    completion_entries& operator=(completion_entries&&) noexcept = default;

private:
    const entry& at(std::uint32_t position) const noexcept {
        return static_cast<const entry*>(completion_side::entries_)[position & completion_side::mask_];
    }

    result<entry> next(const wait_options* options) noexcept {
        if (this->ready() == 0)
            if (const auto waited = completion_side::wait(1, options); !waited) return waited.error();
        return try_next();
    }
};

/// A range of completions in the ring's memory.
template <class Layout, class Base>
class completion_entries<Layout, Base>::reaped {
public:
    class iterator {
    public:
        using value_type = entry;
        using difference_type = std::ptrdiff_t;

        const entry& operator*() const noexcept {
            range_->visited_ = position_ + 1;
            return range_->side_.at(position_);
        }
        const entry* operator->() const noexcept { return &**this; }
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
    friend class completion_entries;
    reaped(completion_entries& side, std::uint32_t end) noexcept
        : side_{side}, begin_{side.head_}, end_{end}, visited_{begin_} {}

    completion_entries& side_;
    std::uint32_t begin_;
    std::uint32_t end_;
    std::uint32_t visited_; // up to here; what follows is not released
};

} // namespace lio::detail
