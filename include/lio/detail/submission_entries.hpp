// The entries of the submission queue: operations are written straight into the ring's own memory. Laid over
// submission_side; one thread at a time.
#pragma once

#include <lio/detail/assert.hpp>
#include <lio/detail/ring_layout.hpp>
#include <lio/detail/submission_side.hpp>
#include <lio/result.hpp>

#include <cstdint>

namespace lio::detail {

/// `Base` is submission_side, or what is derived from it.
template <class Layout, class Base>
class submission_entries : public Base {
    using slot = typename Layout::submission_entry;

public:
    class batch;

    /// Queues the operations in order, all of them or none. Nothing reaches the kernel before submit().
    /// Arguments that operations point to must live until they have been submitted, buffers until the last
    /// completion.
    /// Errors: EAGAIN, there is not room for all of them (submit, then push again); E2BIG, there could never
    /// be; EOVERFLOW, an operation's argument does not fit into its entry.
    template <class... Operations>
        requires(sizeof...(Operations) > 0 && (fits_ring<Operations, Layout> && ...))
    result<void> push(const Operations&... operations) noexcept {
        constexpr std::uint32_t count = sizeof...(Operations);
        if (this->limit_ - this->tail_ < count) [[unlikely]] {
            if (const auto room = this->make_room(count); !room) return room;
        }
        cause refusal = cause::operation;
        static_cast<void>(((refusal = operations.refusal(), refusal != cause::operation) || ...));
        if (refusal != cause::operation) [[unlikely]]
            return this->refused(refusal);
        (write_slot(slots()[this->tail_++ & submission_side::mask_], operations.entry()), ...);
        return {};
    }

    /// Up to `wanted` neighbouring slots, at least one, to be filled in place: one check for all of them.
    /// Fewer come back where the ring's memory ends or the room does; ask again for the rest. A chain
    /// must lie in one push or be completed before submit().
    /// Errors: EAGAIN, the queue is full.
    result<batch> reserve(std::uint32_t wanted) noexcept {
        const auto count = this->find_neighbours(wanted);
        if (!count) return count.error();
        return batch{*this, *count};
    }

protected:
    submission_entries() noexcept = default;
    submission_entries(const submission_entries&) noexcept = default;
    submission_entries(submission_entries&&) noexcept = default;
    submission_entries& operator=(const submission_entries&) noexcept = default;
    submission_entries& operator=(submission_entries&&) noexcept = default;

private:
    slot* slots() const noexcept { return static_cast<slot*>(submission_side::entries_); }
};

/// Slots of the submission queue, filled one after the other without further checks. What was filled is
/// queued when the batch is destroyed; it may not outlive the ring nor overlap another push.
template <class Layout, class Base>
class submission_entries<Layout, Base>::batch {
public:
    batch(batch&& other) noexcept : side_{other.side_}, next_{other.next_}, end_{other.end_} { other.side_ = nullptr; }
    batch& operator=(batch&&) = delete;
    ~batch() {
        if (side_ != nullptr) side_->tail_ += static_cast<std::uint32_t>(next_ - first());
    }

    /// How many slots are still to be filled.
    std::uint32_t room() const noexcept { return static_cast<std::uint32_t>(end_ - next_); }

    /// Fills the next slot; there must be room. False, with nothing filled, if an argument of the operation does not fit
    /// into its entry.
    template <class Operation>
        requires fits_ring<Operation, Layout>
    [[nodiscard]] bool push(const Operation& operation) noexcept {
        LIO_ASSERT(next_ != end_, "this batch has no room left");
        if (operation.refusal() != cause::operation) [[unlikely]]
            return false;
        write_slot(*next_++, operation.entry());
        return true;
    }

private:
    friend class submission_entries;
    batch(submission_entries& side, std::uint32_t count) noexcept
        : side_{&side}, next_{first()}, end_{next_ + count} {}
    slot* first() const noexcept { return side_->slots() + (side_->tail_ & side_->submission_side::mask_); }

    submission_entries* side_;
    slot* next_;
    slot* end_;
};

} // namespace lio::detail
