// ring: an io_uring instance with both of its queues, for one thread.
#pragma once

#include <lio/detail/completion_entries.hpp>
#include <lio/detail/ring_base.hpp>
#include <lio/detail/ring_layout.hpp>
#include <lio/detail/submission_entries.hpp>
#include <lio/result.hpp>
#include <lio/ring_options.hpp>

#include <cstddef>

namespace lio::inline v0 {

namespace detail {

/// What makes a `Ring` of both sides and their entries.
template <class Ring, class Layout>
class ring_of : public submission_entries<Layout, completion_entries<Layout, ring_base>> {
public:
    /// Makes a ring. What the options leave open is chosen for the fastest ring of one thread that this kernel
    /// gives. Such a ring may be made on one thread and used on another: it belongs to the thread that first
    /// submits something or waits for something on it, or calls enable(), and others get EEXIST from then on (from
    /// Linux 6.1 on).
    /// Errors: EPERM, io_uring is forbidden here; ENOSYS, the kernel has none; ENOMEM; EMFILE; EINVAL, with
    /// the option that this kernel lacks or the size that it refuses. io_uring_setup(2).
    static result<Ring> create(const ring_options& options = {}) noexcept {
        Ring made;
        if (const auto done = made.make(options, Layout::flags); !done) return done.error();
        return made;
    }

    /// How many bytes ring_options::memory must have for a ring with these options, alignment to the largest pages that
    /// Linux has included. Makes such a ring and closes it again, because only the kernel knows. Errors: those of
    /// create().
    static result<std::size_t> required_memory(const ring_options& options) noexcept {
        return detail::ring_base::required_memory(options, Layout::flags);
    }
};

} // namespace detail

/// An io_uring instance: operations are pushed, submitted, and their completions reaped. Owns descriptor
/// and memory; can be moved, not copied. One thread at a time; see create() for which.
///
/// Closing a ring does not wait for what is in flight: the kernel cancels it and goes on using its buffers
/// for a while. Reap the last completion of everything before its memory is freed.
///
/// When the thread that submitted ends, its operations do nothing more, but may complete (with ECANCELED) only when
/// what they waited for comes; with setup::deferred_taskrun they may never, because only that thread could ask for it.
/// When the process ends or executes another program, all of them end, and their files are let go. After fork the ring
/// is the parent's: the child can only drop its copy. The kernel does not let a ring be sent to another process over a
/// socket (SCM_RIGHTS): EINVAL.
class ring : public detail::ring_of<ring, detail::plain_layout> {
    friend detail::ring_of<ring, detail::plain_layout>;
    ring() noexcept = default;
};

} // namespace lio::inline v0
