// Making a split ring (any thread), and how its two handles tell each other that they stop (each on its own).

#include "ring_core.hpp"
#include "ring_maker.hpp"

#include <lio/op/nop.hpp>
#include <lio/split.hpp>

#include <cerrno>

namespace lio::inline v0 {

namespace {

// Until nothing is left: an entry that is refused stops a submission only for that one.
result<void> submit_all(submission_queue& submissions) noexcept {
    while (submissions.unsubmitted() != 0) {
        const auto done = submissions.submit();
        if (!done) return done.error();
        if (done->taken == 0) return error{EAGAIN, cause::enter_call};
    }
    return {};
}

} // namespace

result<void> submission_queue::stop() noexcept {
    if (core_ == nullptr) return detail::ring_is_closed();
    if (const auto submitted = submit_all(*this); !submitted) return submitted;
    core_->has_stopped.store_release(1);
    // The partner is in completion_side::wait_on_split().
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    std::uint32_t needed = core_->waiting_for.load_acquire();
    if (needed == 0) needed = 1;
    while (needed != 0) {
        // A kernel thread that submits may have taken nothing yet.
        const auto room = submission_room() != 0 ? result<std::uint32_t>{submission_room()} : wait_for_room();
        if (!room) return room.error();
        for (std::uint32_t i = 0; i < *room && needed != 0; ++i, --needed)
            if (const auto pushed = push(op::nop().user_data(reserved_user_data::stop)); !pushed) return pushed;
        if (const auto submitted = submit_all(*this); !submitted) return submitted;
    }
    return {};
}

result<void> submission_queue::enable() noexcept {
    if (core_ == nullptr) return detail::ring_is_closed();
    return detail::enable(*core_);
}

bool submission_queue::is_asked_to_stop() const noexcept {
    return core_ != nullptr && core_->is_asked_to_stop.load_acquire() != 0;
}

void completion_queue::ask_to_stop() noexcept {
    if (core_ != nullptr) core_->is_asked_to_stop.store_release(1);
}

result<split_ring> with_capacity(std::uint32_t entries) noexcept { return with_options({.entries = entries}); }

result<split_ring> with_options(const ring_options& options) noexcept {
    submission_queue submissions;
    completion_queue completions;
    const auto made =
        detail::ring_maker::make(options, setup::none, detail::ring_use::two_threads, submissions, completions);
    if (!made) return made.error();
    return split_ring{static_cast<completion_queue&&>(completions), static_cast<submission_queue&&>(submissions)};
}

} // namespace lio::inline v0
