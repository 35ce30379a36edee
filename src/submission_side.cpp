// The parts of the submission queue that are no templates. On the submitting thread.

#include "enter.hpp"

#include <lio/detail/submission_side.hpp>

namespace lio::detail {

// What the pointers of a side without a ring point to. Nothing but 0 is ever stored here.
static shared_u32 no_word{};

void submission_side::forget() noexcept {
    entries_ = nullptr;
    mask_ = 0;
    tail_ = limit_ = submitted_ = 0;
    kernel_head_ = shared_tail_ = &no_word;
    plain_submit_limit_ = 0;
    enter_file_ = -1;
    enter_flags_ = wait_flags_ = 0;
    core_ = nullptr;
}

std::uint32_t submission_side::submission_room() noexcept {
    if (core_ == nullptr) return 0;
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

result<void> submission_side::make_room(std::uint32_t count) noexcept {
    if (core_ == nullptr) return ring_is_closed();
    if (submission_room() >= count) return {};
    if (count > mask_ + 1) return error{E2BIG, cause::push_too_large};
    return error{EAGAIN, cause::queue_full};
}

error submission_side::refused(cause why) noexcept {
    // The others are all too large for where they would have to go; this one is nonsense, as the kernel says too.
    return error{why == cause::close_on_exec_of_slot ? EINVAL : EOVERFLOW, why};
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
    if (taken) submitted_ += *taken;
    // What was not taken is not published either, until the next submit. A call from a wrong thread may reach this
    // ring where it meant another (see recover): it then finds nothing to take. With sqpoll the tail is looked at all
    // the time and never taken back.
    if (unsubmitted() != 0 && !core_->is_sqpoll) shared_tail_->store_release(submitted_);
    if (!taken) return taken.error();
    return submission{*taken, unsubmitted()};
}

void submission_side::look_up_enter() noexcept {
    enter_file_ = core_->enter_file;
    enter_flags_ = core_->enter_flags;
    wait_flags_ = core_->enter_flags | abi::enter_getevents;
}

} // namespace lio::detail
