// Rings with longer entries, for the operations that need them. Everything else is as with lio::ring.
#pragma once

#include <lio/ring.hpp>

namespace lio {

/// A ring with entries of 128 bytes and completions of 32 (lio::large_cqe): takes every operation. Its queues take twice
/// the memory. create() fails with EINVAL where the kernel lacks either. Since Linux 5.19.
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

} // namespace lio
