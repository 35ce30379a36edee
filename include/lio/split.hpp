// A ring as two handles for two threads: one submits, the other waits and reaps.
#pragma once

#include <lio/detail/completion_entries.hpp>
#include <lio/detail/completion_side.hpp>
#include <lio/detail/ring_core.hpp>
#include <lio/detail/ring_layout.hpp>
#include <lio/detail/submission_entries.hpp>
#include <lio/detail/submission_side.hpp>
#include <lio/result.hpp>
#include <lio/ring_options.hpp>

#include <cstdint>

namespace lio::inline v0 {

struct split_ring;

namespace detail {

/// What the two handles have in common: ownership of the ring, shared with the other handle.
template <class Side>
class split_handle : public Side {
public:
    split_handle(split_handle&& other) noexcept : Side{other} { other.forget(); }
    split_handle& operator=(split_handle&& other) noexcept {
        if (this != &other) {
            give_up();
            Side::operator=(other);
            other.forget();
        }
        return *this;
    }
    ~split_handle() { give_up(); }

    /// As of lio::ring: the ring's file descriptor, for poll(2), attach_to and messages from other rings; what the ring
    /// was set up with; the kernel's features for it. -1 and nothing when moved from.
    int file() const noexcept { return file_of(this->core_); }
    setup setup_flags() const noexcept { return flags_of(this->core_); }
    std::uint32_t features() const noexcept { return features_of(this->core_); }

    /// For what is registered with the ring.
    ring_core* core() const noexcept { return this->core_; }

protected:
    split_handle() noexcept = default;

private:
    void give_up() noexcept {
        if (this->core_ != nullptr) static_cast<void>(close_handle(*this->core_));
        this->forget();
    }
};

} // namespace detail

/// The submitting half of a split ring. Can be moved to another thread, not copied; one thread at a time.
/// The ring is closed when both halves are gone. When the thread that submitted ends, so do its operations: see
/// lio::ring.
class submission_queue
    : public detail::split_handle<detail::submission_entries<detail::plain_layout, detail::submission_side>> {
public:
    /// Tells the other half that this one has finished: submits what is queued, and then sends a completion for which
    /// cqe::is_stop() is true, which wakes whoever waits there. It comes to a wait for several completions as well:
    /// then it comes as many times as that waits for; and a wait that begins later is content with one completion. What
    /// is in flight goes on, and may complete after it. Submitting goes on working, too.
    /// Errors: those of submit(); the stop may not have been sent then: call it again.
    result<void> stop() noexcept;

    /// Starts a ring that was made with setup::start_disabled. Errors: EBADFD, it runs already. io_uring_register(2).
    /// Since Linux 5.10.
    result<void> enable() noexcept;

    /// Whether the other half has called ask_to_stop(). No system call.
    bool is_asked_to_stop() const noexcept;

private:
    friend result<split_ring> with_options(const ring_options& options) noexcept;
    submission_queue() noexcept = default;
};

/// The waiting half of a split ring. Can be moved to another thread, not copied; one thread at a time. The ring
/// is closed when both halves are gone. A wait does not end because the other half is gone: let that call stop() first.
class completion_queue
    : public detail::split_handle<detail::completion_entries<detail::plain_layout, detail::completion_side>> {
public:
    /// Asks the other half to stop submitting, for it to see in submission_queue::is_asked_to_stop(). It does not make
    /// it; nothing is refused. Does nothing on a handle that was moved from. No system call.
    void ask_to_stop() noexcept;

private:
    friend result<split_ring> with_options(const ring_options& options) noexcept;
    completion_queue() noexcept = default;
};

/// Both halves: auto [completions, submissions] = lio::with_capacity(128).value();
struct split_ring {
    completion_queue completions;
    submission_queue submissions;
};

/// A split ring with room for `entries` operations. Errors: those of ring::create().
result<split_ring> with_capacity(std::uint32_t entries) noexcept;

/// A split ring set up as the options say. setup::deferred_taskrun is refused with EINVAL: it binds waiting to
/// the thread that submits. With setup::single_issuer only the thread that makes the ring may submit, or with
/// setup::start_disabled the one that enables it. Errors: those of ring::create().
result<split_ring> with_options(const ring_options& options) noexcept;

} // namespace lio::inline v0
