// The entries of the submission queue: operations are written straight into the ring's own memory. Laid over
// submission_side, or the one of minimal_base.hpp; one thread at a time.
#pragma once

#include <lio/detail/assert.hpp>
#include <lio/detail/ring_layout.hpp>
#include <lio/result.hpp>

#include <cstdint>

namespace lio::inline v0::detail {

/// What push says of an operation that cannot be queued as it is.
error refused_entry(cause why) noexcept;

/// `Base` is derived from what it calls `submissions`, or is that itself.
template <class Layout, class Base>
class submission_entries : public Base {
    using slot = typename Layout::submission_slot;
    using side = typename Base::submissions;

public:
    class batch;

    /// Queues the operations in order, all of them or none. Nothing reaches the kernel before submit().
    /// Arguments that operations point to must live until they have been submitted, buffers until the last
    /// completion.
    /// Errors: EAGAIN, there is not room for all of them (submit, then push again); E2BIG, there could never
    /// be; EOVERFLOW, an operation's argument does not fit into its entry; EBADF, the ring is closed. On a
    /// lio::mixed_ring also EINVAL, its user_data is one of reserved_user_data.
    template <class... Operations>
        requires(sizeof...(Operations) > 0 && (fits_ring<Operations, Layout> && ...))
    [[gnu::always_inline]] result<void> push(const Operations&... operations) noexcept {
        cause refusal = cause::operation;
        static_cast<void>(((refusal = operations.refusal(), refusal != cause::operation) || ...));
        if (refusal != cause::operation) [[unlikely]]
            return refused_entry(refusal);
        if constexpr (Layout::has_mixed_entries) {
            if ((side::is_reserved(operations.entry().user_data) || ...)) [[unlikely]]
                return refused_entry(cause::user_data_is_reserved);
        }
        std::uint32_t count = (slots_of<Operations, Layout> + ...);
        if constexpr (Layout::has_mixed_entries) count += padding_before<slots_of<Operations, Layout>...>();
        if (this->limit_ - this->tail_ < count) [[unlikely]] {
            if (const auto room = this->make_room(count); !room) return room;
        }
        (write<Operations>(operations), ...);
        return {};
    }

    /// Up to `wanted` neighbouring slots, at least one, to be filled in place: one check for all of them.
    /// Fewer come back where the ring's memory ends or the room does; ask again for the rest. A chain
    /// must lie in one push or be completed before submit(). On a lio::mixed_ring an operation of 128 bytes takes two
    /// of them.
    /// Errors: EAGAIN, the queue is full; EBADF, the ring is closed.
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
    slot* slots() const noexcept { return static_cast<slot*>(side::entries_); }

    template <class Operation>
    [[gnu::always_inline]] void write(const Operation& operation) noexcept {
        constexpr std::uint32_t width = slots_of<Operation, Layout>;
        if constexpr (width == 2)
            if ((this->tail_ & side::mask_) == side::mask_) this->pad();
        // First, because for all the compiler knows the slot lies where tail_ does.
        const std::uint32_t position = this->tail_;
        this->tail_ = position + width;
        write_slot(slots()[position & side::mask_], operation.entry());
    }

    // How many slots operations of these widths leave unused at the end of the queue's memory: one or none. (Of more
    // operations than the queue can hold it may be wrong; those are refused either way.)
    template <std::uint32_t... Widths>
    std::uint32_t padding_before() const noexcept {
        std::uint32_t padding = 0;
        std::uint32_t position = this->tail_;
        const auto step = [&](std::uint32_t width) {
            padding += width == 2 && (position & side::mask_) == side::mask_;
            position += width;
        };
        (step(Widths), ...);
        return padding;
    }
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

    /// How many slots are still to be filled. An operation of 128 bytes needs two of them on a lio::mixed_ring; where
    /// only one is left, push() of the ring finds room for it behind the end of the memory.
    std::uint32_t room() const noexcept { return static_cast<std::uint32_t>(end_ - next_); }

    /// Fills the next slot; there must be room. False, with nothing filled, where push() of the ring would refuse the
    /// operation.
    template <class Operation>
        requires fits_ring<Operation, Layout>
    [[nodiscard, gnu::always_inline]] bool push(const Operation& operation) noexcept {
        LIO_ASSERT((room() >= slots_of<Operation, Layout>), "this batch has no room left");
        if (operation.refusal() != cause::operation) [[unlikely]]
            return false;
        if constexpr (Layout::has_mixed_entries)
            if (side_->side::is_reserved(operation.entry().user_data)) [[unlikely]]
                return false;
        slot* const filled = next_;
        next_ = filled + slots_of<Operation, Layout>;
        write_slot(*filled, operation.entry());
        return true;
    }

private:
    friend class submission_entries;
    batch(submission_entries& side, std::uint32_t count) noexcept
        : side_{&side}, next_{first()}, end_{next_ + count} {}
    slot* first() const noexcept { return side_->slots() + (side_->tail_ & side_->side::mask_); }

    submission_entries* side_;
    slot* next_;
    slot* end_;
};

} // namespace lio::inline v0::detail
