// The entries of the completion queue: completions are read in the ring's own memory. Laid over completion_side, or the
// one of minimal_base.hpp; one thread at a time.
#pragma once

#include <lio/abi/entries.hpp>
#include <lio/detail/ring_layout.hpp>
#include <lio/detail/shared_word.hpp>
#include <lio/result.hpp>
#include <lio/timespec.hpp>
#include <lio/wait_options.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace lio::inline v0::detail {

/// `Base` is derived from what it calls `completions`, or is that itself.
template <class Layout, class Base>
class completion_entries : public Base {
    using entry = typename Layout::completion_entry;
    using side = typename Base::completions;
    static constexpr bool may_have_padding = Layout::has_mixed_entries || Layout::has_mixed_completions;
    // Where sizes are mixed, a short completion is shown as a long one whose extra words are 0.
    using shown = std::conditional_t<Layout::has_mixed_completions, entry, const entry&>;

public:
    class reaped;

    /// How many completions could be reaped without waiting or entering the kernel.
    std::uint32_t ready() const noexcept {
        if constexpr (may_have_padding)
            return this->completions_ready();
        else
            return this->slots_ready();
    }

    /// The completions that are there, as a range: for (const lio::cqe& done : ring.reap()). Does not wait.
    /// When the range is destroyed, those that were visited are released to the kernel; those after a break
    /// come again. Enters the kernel only when nothing is there and the kernel holds something back.
    [[nodiscard, gnu::always_inline]] reaped reap() noexcept {
        std::uint32_t tail = this->look();
        skip_leading_padding(tail);
        std::uint32_t head = this->head_;
        if (tail == head && this->is_holding_back()) [[unlikely]] {
            // Still nothing is no error here, and a real one (the wrong thread, say) comes back from the next wait
            // or submit.
            static_cast<void>(this->flush());
            tail = this->look();
            skip_leading_padding(tail);
            head = this->head_;
        }
        thread_sanitizer_acquire(this->sanitizer_address());
        return {*this, head, tail};
    }

    /// The next completion, if one is there. Errors: EAGAIN, nothing is; the others of wait().
    [[gnu::always_inline]] result<entry> try_next() noexcept {
        std::uint32_t tail = this->known_tail();
        skip_leading_padding(tail);
        std::uint32_t head = this->head_;
        if (head == tail) {
            tail = this->look();
            skip_leading_padding(tail);
            head = this->head_;
        }
        if (head == tail) [[unlikely]] {
            if (!this->is_holding_back()) return this->nothing_is_ready();
            auto flushed = flush_and_take();
            if (!flushed) return flushed.error();
            return member_by_member(*flushed);
        }
        return take(head);
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
    shown at(std::uint32_t position) const noexcept {
        if constexpr (Layout::has_mixed_completions) {
            const abi::cqe& slot = this->slot_at(position);
            abi::cqe32 whole{slot.user_data, slot.res, slot.flags};
            // The kernel lets none cross the end of the memory.
            if (this->slots_of(slot) == 2) __builtin_memcpy(static_cast<void*>(&whole), &slot, sizeof whole);
            return entry{whole};
        } else {
            return static_cast<const entry*>(side::entries_)[position & side::mask_];
        }
    }

    // Else compilers copy all of it through memory even where one member is wanted.
    static entry member_by_member(const entry& done) noexcept {
        if constexpr (std::is_same_v<entry, cqe>)
            return cqe{abi::cqe{done.user_data(), done.raw_result(), done.flags()}};
        else
            return done;
    }

    // Copies the completion at the head and releases it.
    [[gnu::always_inline]] result<entry> take(std::uint32_t head) noexcept {
        thread_sanitizer_acquire(this->sanitizer_address());
        entry done = member_by_member(at(head));
        this->release(next_position(head));
        return done;
    }

    [[gnu::noinline]] result<entry> flush_and_take() noexcept {
        if (const auto flushed = this->flush(); !flushed) return flushed.error();
        skip_leading_padding(this->look());
        return take(this->head_);
    }

    // The position behind the completion at this one.
    std::uint32_t next_position(std::uint32_t position) const noexcept {
        if constexpr (Layout::has_mixed_completions) return position + this->slots_of(this->slot_at(position));
        return position + 1;
    }

    void skip_leading_padding(std::uint32_t tail) noexcept {
        if constexpr (may_have_padding) this->release_padding(tail);
    }

    result<entry> next(const wait_options* options) noexcept {
        if (ready() == 0)
            if (const auto waited = side::wait(1, options); !waited) return waited.error();
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

        shown operator*() const noexcept {
            range_->visited_ = range_->side_.next_position(position_);
            return range_->side_.at(position_);
        }
        const entry* operator->() const noexcept
            requires(!Layout::has_mixed_completions)
        {
            return &**this;
        }
        iterator& operator++() noexcept {
            position_ = range_->side_.next_position(position_);
            if constexpr (may_have_padding) position_ = range_->side_.skip_padding(position_, range_->end_);
            return *this;
        }
        void operator++(int) noexcept { ++*this; }
        friend bool operator==(const iterator& a, const iterator& b) noexcept { return a.position_ == b.position_; }

    private:
        friend class reaped;
        iterator(reaped& range, std::uint32_t position) noexcept : range_{&range}, position_{position} {}
        reaped* range_;
        std::uint32_t position_;
    };

    reaped(const reaped&) = delete;
    reaped& operator=(const reaped&) = delete;
    [[gnu::always_inline]] ~reaped() {
        if (visited_ == begin_) return;
        // A range within this one, or a next(), may have released more already: never backwards.
        if (side_.head_ == begin_ || static_cast<std::int32_t>(visited_ - side_.head_) > 0) side_.release(visited_);
    }

    /// Calls visit(completion) for each of them, in order: the same as the loop, for less, because it walks through
    /// neighbours in memory. What throws counts as visited, what comes after it comes again.
    template <class Visit>
    [[gnu::always_inline]] void for_each(Visit&& visit) {
        if constexpr (may_have_padding) {
            for (shown done : *this) visit(done);
        } else {
            // Where the ring's memory ends they go on at its start.
            for (std::uint32_t position = begin_; position != end_; position = visited_) {
                const std::uint32_t mask = side_.side::mask_;
                const std::uint32_t to_the_end = mask + 1 - (position & mask);
                const std::uint32_t left = end_ - position;
                walk(position, left < to_the_end ? left : to_the_end, visit);
            }
        }
    }

    iterator begin() noexcept { return {*this, begin_}; }
    iterator end() noexcept { return {*this, end_}; }
    /// How many they are.
    std::uint32_t size() const noexcept {
        if constexpr (may_have_padding) {
            std::uint32_t count = 0;
            for (std::uint32_t i = begin_; i != end_; i = side_.skip_padding(side_.next_position(i), end_)) ++count;
            return count;
        } else {
            return end_ - begin_;
        }
    }
    bool empty() const noexcept { return begin_ == end_; }

private:
    // What was visited is noted however the walk ends.
    struct progress {
        reaped& range;
        const entry* const first;
        const entry* next;
        [[gnu::always_inline]] ~progress() { range.visited_ += static_cast<std::uint32_t>(next - first); }
    };

    template <class Visit>
    [[gnu::always_inline]] void walk(std::uint32_t position, std::uint32_t count, Visit& visit) {
        visited_ = position;
        const entry* const first = &side_.at(position);
        const entry* const last = first + count;
        for (progress so_far{*this, first, first}; so_far.next != last;) visit(*so_far.next++);
    }

    friend class completion_entries;
    reaped(completion_entries& side, std::uint32_t begin, std::uint32_t end) noexcept
        : side_{side}, begin_{begin}, end_{end}, visited_{begin} {}

    completion_entries& side_;
    std::uint32_t begin_;
    std::uint32_t end_;
    std::uint32_t visited_; // up to here; what follows is not released
};

} // namespace lio::inline v0::detail
