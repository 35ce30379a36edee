// The parts of the submission queue that are no templates. On the submitting thread.

#include "enter.hpp"

#include <lio/abi/entries.hpp>
#include <lio/abi/opcode.hpp>
#include <lio/detail/submission_side.hpp>

namespace lio::inline v0::detail {

namespace {

// How far apart two slots are.
std::size_t size_of_entries(const ring_core& core) noexcept {
    return has(core.flags, setup::large_entries) ? sizeof(abi::sqe128) : sizeof(abi::sqe);
}

// How many slots an entry takes where sizes are mixed.
std::uint32_t slots_taken_by(const abi::sqe& entry) noexcept {
    const auto code = static_cast<abi::opcode>(entry.opcode);
    return code == abi::opcode::nop128 || code == abi::opcode::uring_cmd128 ? 2 : 1;
}

} // namespace

// What the pointers of a side without a ring point to. Nothing but 0 is ever stored here.
static shared_u32 no_submission_word{};

void submission_side::forget() noexcept {
    entries_ = nullptr;
    mask_ = 0;
    tail_ = limit_ = submitted_ = 0;
    kernel_head_ = shared_tail_ = &no_submission_word;
    plain_submit_limit_ = 0;
    enter_file_ = -1;
    enter_flags_ = wait_flags_ = 0;
    stopped_by_ = 0;
    core_ = nullptr;
}

std::uint32_t submission_side::submission_room() noexcept {
    if (core_ == nullptr) return 0;
    // All that is here is ours; the kernel does not move its head.
    if (has(core_->flags, setup::rewind)) return (limit_ = mask_ + 1) - tail_;
    // Pairs with the kernel's store-release of the head: it has read the entries before it.
    limit_ = kernel_head_->load_acquire() + mask_ + 1;
    return limit_ - tail_;
}

result<std::uint32_t> submission_side::wait_for_room() noexcept {
    if (core_ == nullptr) return ring_is_closed();
    if (!core_->is_sqpoll) {
        const std::uint32_t room = submission_room();
        if (room == 0) return error{EINVAL, cause::no_room_comes};
        return room;
    }
    // What was queued is what the thread makes room by taking.
    if (const auto submitted = submit(); !submitted) return submitted.error();
    while (submission_room() == 0) {
        const auto waited = enter(*core_, 0, 0, abi::enter_sq_wait, nullptr);
        if (waited) continue;
        if (waited.error().code() == EINVAL) return error{EINVAL, cause::no_room_comes};
        return waited.error();
    }
    return limit_ - tail_;
}

std::uint32_t submission_side::last_entry(std::uint32_t begin, std::uint32_t end) const noexcept {
    const bool is_mixed = has(core_->flags, setup::mixed_entries);
    std::uint32_t last = end;
    while (begin != end) {
        last = begin;
        begin += is_mixed ? slots_taken_by(entry_at(begin)) : 1;
    }
    return last;
}

const abi::sqe& submission_side::entry_at(std::uint32_t position) const noexcept {
    const char* const first = static_cast<const char*>(entries_);
    return *reinterpret_cast<const abi::sqe*>(first + (position & mask_) * size_of_entries(*core_));
}

// It completes like any other, unseen. That it could be made not to would spoil drain() for the rest of the ring's
// life.
void submission_side::pad() noexcept {
    abi::sqe padding;
    padding.opcode = static_cast<std::uint8_t>(abi::opcode::nop);
    padding.user_data = static_cast<std::uint64_t>(reserved_user_data::padding);
    // Within a chain it is a member, or it would be its end.
    if (tail_ != submitted_)
        padding.flags = entry_at(last_entry(submitted_, tail_)).flags & (abi::sqe_io_link | abi::sqe_io_hardlink);
    static_cast<abi::sqe*>(entries_)[tail_ & mask_] = padding;
    ++tail_;
}

result<void> submission_side::make_room(std::uint32_t count) noexcept {
    if (core_ == nullptr) return ring_is_closed();
    if (submission_room() >= count) return {};
    if (count > mask_ + 1) return error{E2BIG, cause::push_too_large};
    return error{EAGAIN, cause::queue_full};
}

result<std::uint32_t> submission_side::find_neighbours(std::uint32_t wanted) noexcept {
    LIO_ASSERT(wanted != 0, "reserve at least one slot");
    if (limit_ - tail_ < wanted) {
        // Any room at all will do.
        if (const auto room = make_room(1); !room) return room.error();
        if (limit_ - tail_ < wanted) wanted = limit_ - tail_;
    }
    const std::uint32_t before_wrap = mask_ + 1 - (tail_ & mask_);
    return wanted < before_wrap ? wanted : before_wrap;
}

result<submission> submission_side::submit_otherwise() noexcept {
    if (core_ == nullptr) return ring_is_closed();
    const std::uint32_t queued = publish();
    if (queued == 0) return submission{0, 0};
    return count_taken(enter(*core_, queued, 0, 0, nullptr));
}

result<submission> submission_side::submit_after(enter_answer answer) noexcept {
    return count_taken(recover(*core_, answer, unsubmitted(), 0, 0));
}

result<submission> submission_side::count_taken(result<std::uint32_t> taken) noexcept {
    look_up_enter(); // the ring may just have been bound to this thread
    if (taken) {
        if (*taken != 0 && *taken < unsubmitted())
            stopped_by_ = entry_at(last_entry(submitted_, submitted_ + *taken)).user_data;
        submitted_ += *taken;
    }
    if (has(core_->flags, setup::rewind)) rewind();
    // What was not taken is not published either, until the next submit. A call from a wrong thread may reach this
    // ring where it meant another (see recover): it then finds nothing to take. With sqpoll the tail is looked at all
    // the time and never taken back.
    if (unsubmitted() != 0 && !core_->is_sqpoll) shared_tail_->store_release(submitted_);
    if (!taken) return taken.error();
    return submission{*taken, unsubmitted()};
}

void submission_side::rewind() noexcept {
    const std::size_t size = size_of_entries(*core_);
    __builtin_memmove(entries_, static_cast<const char*>(entries_) + submitted_ * size, unsubmitted() * size);
    tail_ -= submitted_;
    submitted_ = 0;
    // The kernel looks at no tail, but compares it when the ring is resized.
    shared_tail_->store_release(0);
}

void submission_side::look_up_enter() noexcept {
    enter_file_ = core_->enter_file;
    enter_flags_ = core_->enter_flags;
    wait_flags_ = core_->enter_flags | abi::enter_getevents;
}

} // namespace lio::inline v0::detail
