// The ring of the programs on liburing: with the set-up that this library chooses by itself. It belongs to the thread
// that makes it.
#pragma once

#include "bench.hpp"

#include <liburing.h>

namespace bench {

inline void make_ring(io_uring& ring, unsigned entries) {
    const unsigned flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    need(io_uring_queue_init(entries, &ring, flags) == 0, "making a ring");
    need(io_uring_register_ring_fd(&ring) == 1, "registering the ring");
}

} // namespace bench
