// ring: what concerns both of its sides at once. On the ring's thread.

#include "enter.hpp"
#include "ring_maker.hpp"

#include <lio/ring.hpp>

namespace lio {

result<ring> ring::create(const ring_options& options) noexcept {
    ring made;
    if (const auto done = detail::ring_maker::make(options, detail::ring_use::one_thread, made, made); !done)
        return done.error();
    return made;
}

void ring::take(ring& other) noexcept {
    submission_side::operator=(other);
    completion_side::operator=(other);
    other.submission_side::forget();
    other.completion_side::forget();
}

ring::ring(ring&& other) noexcept { take(other); }

ring& ring::operator=(ring&& other) noexcept {
    if (this != &other) {
        static_cast<void>(close());
        take(other);
    }
    return *this;
}

ring::~ring() { static_cast<void>(close()); }

result<void> ring::close() noexcept {
    detail::ring_core* const closing = core();
    if (closing == nullptr) return {};
    submission_side::forget();
    completion_side::forget();
    return detail::close_handle(*closing);
}

result<submission> ring::submit_and_wait_after(detail::enter_answer answer, std::uint32_t count) noexcept {
    return finish_wait(detail::recover(*core(), answer, unsubmitted(), count, abi::enter_getevents), count, nullptr);
}

result<submission> ring::submit_and_wait(std::uint32_t count, const timespec* timeout) noexcept {
    if (!is_open()) return detail::ring_is_closed();
    if (count > completion_capacity()) return error{EINVAL, cause::wait_too_large};
    // Asking for events costs the kernel something, so it is not done when enough are there.
    if (ready() >= count) return submit();
    // Before anything is published: a kernel thread that submits would take it.
    if (timeout != nullptr && !detail::can_time_out(*core())) return detail::timed_wait_missing();
    return finish_wait(detail::enter(*core(), publish(), count, abi::enter_getevents, timeout), count, timeout);
}

result<submission> ring::finish_wait(result<std::uint32_t> taken, std::uint32_t count, const timespec* timeout) noexcept {
    const auto done = count_taken(taken);
    // A call that did not take everything has not waited.
    if (!done || done->left != 0 || ready() >= count) return done;
    if (!core()->is_iopoll) return detail::wait_ended(timeout);
    // Polling for completions ends early when the kernel has other work.
    if (const auto waited = wait(count, timeout); !waited) return waited.error();
    return done;
}

result<void> ring::enable() noexcept {
    if (!is_open()) return detail::ring_is_closed();
    const auto enabled = detail::enable(*core());
    look_up_enter();
    return enabled;
}

int ring::file() const noexcept { return is_open() ? core()->file : -1; }
setup ring::setup_flags() const noexcept { return is_open() ? core()->flags : setup::none; }
std::uint32_t ring::features() const noexcept { return is_open() ? core()->features : 0; }
std::int32_t ring::owner_thread() const noexcept { return is_open() ? core()->owner_thread : 0; }

} // namespace lio
