// Rings with longer entries, for the operations that need them: all of them long, or those that need it. Everything
// else is as with lio::ring.
#pragma once

#include <lio/ring.hpp>

namespace lio::inline v0 {

/// A ring with entries of 128 bytes and completions of 32 (lio::large_cqe): takes every operation. Its queues take
/// twice the memory. create() fails with EINVAL where the kernel lacks either. Since Linux 5.19.
class large_ring : public detail::ring_of<large_ring, detail::large_layout> {
    friend detail::ring_of<large_ring, detail::large_layout>;
    large_ring() noexcept = default;
};

/// A ring with plain entries and completions of 32 bytes (lio::large_cqe), for operations that answer in so many.
/// Since Linux 5.19.
class large_completion_ring : public detail::ring_of<large_completion_ring, detail::large_completion_layout> {
    friend detail::ring_of<large_completion_ring, detail::large_completion_layout>;
    large_completion_ring() noexcept = default;
};

/// A ring whose entries are 64 or 128 bytes and whose completions 16 or 32, each as its operation needs: takes every
/// operation, and most take no more memory than on a plain ring. reap() and next() show every completion as a
/// lio::large_cqe, with 0 in the words that a short one lacks.
///
/// The queues count slots of 64 and of 16 bytes. An operation of 128 bytes counts as two wherever entries are counted
/// (entries, unsubmitted(), submission::taken and left), and so does a completion of 32 in the completion queue; but
/// wait() and ready() count completions. No long entry crosses the end of the queue's memory: there the library puts an
/// operation that does nothing in front of it, which counts as an entry, and whose completion is never shown.
/// A wait for more completions than the queue has room for returns when it is full.
///
/// On Linux 6.18 a queue that overflows can show a completion twice, and short ones can overtake a long one; 7.3 does
/// neither. Give it more completion_entries than can be unreaped there.
/// Since Linux 6.19.
class mixed_ring : public detail::ring_of<mixed_ring, detail::mixed_layout> {
    friend detail::ring_of<mixed_ring, detail::mixed_layout>;
    mixed_ring() noexcept = default;
};

/// The same with plain entries only. Since Linux 6.18.
class mixed_completion_ring : public detail::ring_of<mixed_completion_ring, detail::mixed_completion_layout> {
    friend detail::ring_of<mixed_completion_ring, detail::mixed_completion_layout>;
    mixed_completion_ring() noexcept = default;
};

} // namespace lio::inline v0
