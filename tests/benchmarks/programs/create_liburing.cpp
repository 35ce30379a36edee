// Making and closing a ring on liburing. setup=default: no flags; setup=equal: what this library chooses, as far as
// both know it. One thread.
#include "bench.hpp"

#include <liburing.h>

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    const bool equal = given.is("setup", "equal");
    const unsigned flags = equal ? IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN : 0;
    return bench::measure(given, given.number("rounds", 1000), 1, [=](unsigned rounds) {
        for (; rounds != 0; --rounds) {
            io_uring ring;
            if (io_uring_queue_init(64, &ring, flags) != 0) return false;
            if (equal && io_uring_register_ring_fd(&ring) != 1) return false;
            io_uring_queue_exit(&ring);
        }
        return true;
    });
}
