// The parts of the completion queue that enter the kernel. On the reaping thread.

#include "enter.hpp"
#include "no_word.hpp"

#include <lio/abi/entries.hpp>
#include <lio/detail/completion_side.hpp>

namespace lio::inline v0::detail {

// A word that says all the time that something is held back.
static constexpr shared_u32 always_word{~std::uint32_t{0}};
// Where the head of no ring is stored, and never read: not in no_word, which is every closed ring's tail.
static shared_u32 lost_head{};

void completion_side::forget() noexcept {
    entries_ = nullptr;
    mask_ = 0;
    head_ = known_tail_ = 0;
    shared_head_ = &lost_head;
    kernel_tail_ = submission_head_ = &no_word;
    enter_always();
    plain_wait_limit_ = 0;
    is_mixed_ = false;
    core_ = nullptr;
}

void completion_side::enter_always() noexcept {
    holding_word_ = &always_word;
    holding_flags_ = ~std::uint32_t{0};
}

std::uint32_t completion_side::completions_ready() const noexcept {
    const std::uint32_t slots = slots_ready();
    if (!is_mixed_) return slots;
    std::uint32_t count = 0;
    const std::uint32_t end = head_ + slots;
    for (std::uint32_t i = skip_padding(head_, end); i != end; i = skip_padding(i + slots_of(slot_at(i)), end)) ++count;
    return count;
}

std::uint32_t completion_side::slots_for(std::uint32_t count) const noexcept {
    if (!is_mixed_) return count;
    // In this order: what comes in between then makes it too few, after which the wait goes on, and never too many.
    const std::uint32_t there = slots_ready();
    const std::uint32_t ready = completions_ready();
    const std::uint32_t slots = there + (count > ready ? count - ready : 0);
    return slots <= mask_ + 1 ? slots : mask_ + 1;
}

bool completion_side::is_full() noexcept {
    if (!is_mixed_) return slots_ready() > mask_;
    // Padding in front takes room that a completion may need.
    release_padding(look());
    return slots_ready() >= mask_;
}

result<void> completion_side::flush() noexcept {
    if (core_ == nullptr) return ring_is_closed();
    if (is_holding_back()) {
        const auto entered = enter(*core_, 0, 0, abi::enter_getevents, nullptr);
        if (!entered) return entered.error();
    }
    if (completions_ready() == 0) return nothing_is_ready();
    return {};
}

error completion_side::nothing_is_ready() noexcept { return error{EAGAIN, cause::nothing_ready}; }

result<std::uint32_t> completion_side::wait(std::uint32_t count, const wait_options* options) noexcept {
    if (core_ == nullptr) [[unlikely]]
        return ring_is_closed();
    // The kernel would take the queue's size for it and return early.
    if (count > mask_ + 1) [[unlikely]]
        return error{EINVAL, cause::wait_too_large};
    if (const std::uint32_t ready = completions_ready(); ready >= count) return ready;
    if (core_->is_split && count > 1) return wait_on_split(count, options);
    return wait_whole(count, options);
}

// Of a wait for several completions the one that a stop sends would not be enough to wake it: so the stop must know of
// the wait, and the wait of the stop. Each stores its own word, then looks at the other's; with a full fence between,
// at least one of them sees the other (the partner is in submission_queue::stop()).
result<std::uint32_t> completion_side::wait_on_split(std::uint32_t count, const wait_options* options) noexcept {
    core_->waiting_for.store_release(count);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (core_->has_stopped.load_acquire() != 0) count = 1;
    const auto waited = wait_whole(count, options);
    core_->waiting_for.store_release(0);
    return waited;
}

result<std::uint32_t> completion_side::wait_whole(std::uint32_t count, const wait_options* options) noexcept {
    if (polls_itself(*core_)) return poll(count, options);
    if (needs_ppoll(*core_, options)) return wait_in_ppoll(count, options);
    wait_limit limit{*core_, options, count};
    while (completions_ready() < count && !is_full()) {
        const std::uint32_t seen = head_ + slots_ready();
        const std::uint32_t wanted = slots_for(count);
        const auto entered = enter(*core_, 0, wanted, abi::enter_getevents, limit.for_next_call());
        if (!entered && completions_ready() < count) return entered.error();
        if (completions_ready() != 0 && has_minimum_wait(options)) break;
        // An empty queue hides nothing: nothing has failed, and it was a timer that ended the wait. The slots that were
        // waited for may hold fewer completions.
        if (slots_ready() == 0 || (is_mixed_ && slots_ready() >= wanted)) continue;
        if (const auto allowed = may_wait_on(count, seen, limit); !allowed) return allowed.error();
    }
    return completions_ready();
}

// The kernel asks the devices until `count` have completed or it has other work, whatever the time, and asks them
// nothing while a completion waits to be reaped: then it comes back at once, for ever. So any completion is enough, and
// a wait that has an end asks once at a time.
result<std::uint32_t> completion_side::poll(std::uint32_t count, const wait_options* options) noexcept {
    if (const auto possible = can_wait(*core_, options); !possible) return possible.error();
    const wait_limit limit{*core_, options};
    for (;;) {
        const std::uint32_t wanted = limit.exists() ? 0 : slots_for(count);
        const auto entered = enter(*core_, 0, wanted, abi::enter_getevents, nullptr);
        if (const std::uint32_t ready = completions_ready(); ready != 0) return ready;
        if (!entered) return entered.error();
        if (limit.has_passed()) return error{ETIME, cause::wait_timed_out};
    }
}

// A wait that fell short without an error was ended by a signal, by its time, by a timer (op::timeout) that has gone
// off, or as appear_soon() says: the kernel tells the first two only when the queue is empty and nothing was submitted,
// and the others never. Only the first two are the caller's business.
result<void> completion_side::may_wait_on(std::uint32_t count, std::uint32_t seen, const wait_limit& limit) noexcept {
    if (completions_ready() >= count) return {};
    if (limit.has_passed()) return limit.early_end();
    if (timer_went_off(seen)) return {};
    // The waiter may be woken before the timer's completion is posted, which may need this thread, or the kernel's own.
    static_cast<void>(flush());
    if (timer_went_off(seen) || completions_ready() >= count) return {};
    if (core_->is_sqpoll && head_ + slots_ready() == seen) return {};
    if (appear_soon(count)) return {};
    return limit.early_end();
}

// Linux before 6.3 counts a completion in some places as soon as another thread begins to post it, before the tail
// shows it: a wait for several then ends though nothing has ended it. That thread has the tail stored in the next
// moment, or when it gets its processor back.
bool completion_side::appear_soon(std::uint32_t count) const noexcept {
    if ((core_->features & abi::feat_reg_reg_ring) != 0) return false; // Linux 6.3
    constexpr std::int64_t moment = 200'000; // nanoseconds
    for (int i = 0; i < 10 && completions_ready() < count; ++i)
        static_cast<void>(system::wait_readable(-1, moment, nullptr, 0));
    return completions_ready() >= count;
}

bool completion_side::timer_went_off(std::uint32_t seen) const noexcept {
    const std::size_t stride = has(core_->flags, setup::large_completions) ? sizeof(abi::cqe32) : sizeof(abi::cqe);
    for (std::uint32_t i = seen; i != head_ + slots_ready();) {
        const auto& entry =
            *reinterpret_cast<const abi::cqe*>(static_cast<const char*>(entries_) + (i & mask_) * stride);
        if (entry.res == -ETIME) return true;
        i += is_mixed_ ? slots_of(entry) : 1;
    }
    return false;
}

} // namespace lio::inline v0::detail
