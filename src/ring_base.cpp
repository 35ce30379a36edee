// What concerns both sides of a ring at once. On the ring's thread.

#include "enter.hpp"
#include "ring_maker.hpp"

#include <lio/detail/ring_base.hpp>

namespace lio::inline v0::detail {

result<void> ring_base::make(const ring_options& options, setup layout) noexcept {
    return ring_maker::make(options, layout, ring_use::one_thread, *this, *this);
}

result<std::size_t> ring_base::required_memory(const ring_options& options, setup layout) noexcept {
    return ring_maker::required_memory(options, layout);
}

void ring_base::take(ring_base& other) noexcept {
    submission_side::operator=(other);
    completion_side::operator=(other);
    other.submission_side::forget();
    other.completion_side::forget();
}

ring_base::ring_base(ring_base&& other) noexcept { take(other); }

ring_base& ring_base::operator=(ring_base&& other) noexcept {
    if (this != &other) {
        static_cast<void>(close());
        take(other);
    }
    return *this;
}

ring_base::~ring_base() { static_cast<void>(close()); }

result<void> ring_base::close() noexcept {
    ring_core* const closing = core();
    if (closing == nullptr) return {};
    submission_side::forget();
    completion_side::forget();
    return close_handle(*closing);
}

result<submission> ring_base::submit_and_wait_after(enter_answer answer, std::uint32_t count) noexcept {
    wait_limit no_limit{*core(), nullptr, count};
    // What was there before is not known any more: a timer's completion among it is taken for a new one.
    return finish_wait(recover(*core(), answer, unsubmitted(), count, abi::enter_getevents), count, head_, no_limit,
                       nullptr);
}

result<submission> ring_base::submit_and_wait(std::uint32_t count, const wait_options* options) noexcept {
    if (!is_open()) return ring_is_closed();
    if (count > completion_capacity()) return error{EINVAL, cause::wait_too_large};
    // Asking for events costs the kernel something, so it is not done when enough are there.
    if (completions_ready() >= count) return submit();
    // Before anything is published: a kernel thread that submits would take it.
    if (const auto possible = can_wait(*core(), options); !possible) return possible.error();
    if (needs_ppoll(*core(), options)) {
        const auto done = submit();
        if (!done || done->left != 0) return done;
        if (const auto waited = wait(count, options); !waited) return waited.error();
        return done;
    }
    wait_limit limit{*core(), options, count};
    const std::uint32_t seen = head_ + slots_ready();
    // Polling does not end when the time does.
    const std::uint32_t wanted = options != nullptr && polls_itself(*core()) ? 0 : slots_for(count);
    // A call that is told to submit answers how much that was, and hides how its wait has ended. A kernel thread takes
    // what is published without being told.
    const std::uint32_t queued = publish();
    const std::uint32_t told = core()->is_sqpoll ? 0 : queued;
    submitted_ += queued - told;
    const auto taken = enter(*core(), told, wanted, abi::enter_getevents, limit.for_next_call());
    auto done = finish_wait(taken, count, seen, limit, options);
    if (done) done->taken += queued - told;
    return done;
}

result<submission> ring_base::finish_wait(result<std::uint32_t> taken, std::uint32_t count, std::uint32_t seen,
                                          wait_limit& limit, const wait_options* options) noexcept {
    const auto done = count_taken(taken);
    // A call that did not take everything has not waited.
    if (!done || done->left != 0 || completions_ready() >= count) return done;
    const bool polls = polls_itself(*core());
    if (completions_ready() != 0 && (polls || has_minimum_wait(options))) return done;
    // Where sizes are mixed the kernel may have found enough, by its count; what polls ends early when it likes.
    if (!is_mixed_ && !polls)
        if (const auto allowed = may_wait_on(count, seen, limit); !allowed) return allowed.error();
    if (const auto waited = wait(count, limit.for_next_call()); !waited) return waited.error();
    return done;
}

result<void> ring_base::resize(std::uint32_t entries, std::uint32_t completion_entries) noexcept {
    if (!is_open()) return ring_is_closed();
    return ring_maker::resize(entries, completion_entries, *this, *this);
}

result<void> ring_base::enable() noexcept {
    if (!is_open()) return ring_is_closed();
    const auto enabled = detail::enable(*core());
    look_up_enter();
    return enabled;
}

int ring_base::file() const noexcept { return file_of(core()); }
setup ring_base::setup_flags() const noexcept { return flags_of(core()); }
std::uint32_t ring_base::features() const noexcept { return features_of(core()); }
std::int32_t ring_base::owner_thread() const noexcept { return is_open() ? core()->owner_thread : 0; }

} // namespace lio::inline v0::detail
