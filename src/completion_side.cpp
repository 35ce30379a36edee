// The parts of the completion queue that enter the kernel. On the reaping thread.

#include "enter.hpp"

#include <lio/detail/completion_side.hpp>

namespace lio::detail {

// What the pointers of a side without a ring point to: head equals tail, and nothing is held back.
static shared_u32 no_word{};

void completion_side::forget() noexcept {
    entries_ = nullptr;
    mask_ = 0;
    head_ = 0;
    shared_head_ = kernel_tail_ = submission_flags_ = submission_head_ = &no_word;
    holding_flags_ = 0;
    plain_wait_limit_ = 0;
    always_enters_ = false;
    core_ = nullptr;
}

result<void> completion_side::flush() noexcept {
    if (core_ == nullptr) return ring_is_closed();
    // A hint: what the kernel sets just after we looked is seen at the next look. It pairs with nothing.
    if (always_enters_ || (submission_flags_->load_relaxed() & holding_flags_) != 0) {
        const auto entered = enter(*core_, 0, 0, abi::enter_getevents, nullptr);
        if (!entered) return entered.error();
    }
    if (ready() == 0) return error{EAGAIN, cause::nothing_ready};
    return {};
}

result<std::uint32_t> completion_side::wait(std::uint32_t count, const wait_options* options) noexcept {
    if (core_ == nullptr) [[unlikely]]
        return ring_is_closed();
    // The kernel would take the queue's size for it and return early.
    if (count > mask_ + 1) [[unlikely]]
        return error{EINVAL, cause::wait_too_large};
    std::uint32_t there = ready();
    while (there < count) {
        const auto entered = enter(*core_, 0, count, abi::enter_getevents, options);
        there = ready();
        if (there >= count) break;
        if (!entered) return entered.error();
        if (there != 0 && has_minimum_wait(options)) break;
        // Polling for completions ends early when the kernel has other work; every other wait has ended for
        // a reason.
        if (!core_->is_iopoll) return wait_ended(options);
    }
    return there;
}

} // namespace lio::detail
