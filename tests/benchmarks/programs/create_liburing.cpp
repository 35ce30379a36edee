// Making and closing a ring on liburing; with use=yes a nop in between. setup=default: no flags; setup=equal: what this
// library chooses, as far as both know it. One thread.
#include "bench.hpp"

#include <liburing.h>

namespace {

bool complete_a_nop(io_uring& ring) {
    io_uring_prep_nop(io_uring_get_sqe(&ring));
    io_uring_cqe* done;
    if (io_uring_submit_and_wait(&ring, 1) != 1 || io_uring_peek_cqe(&ring, &done) != 0) return false;
    io_uring_cqe_seen(&ring, done);
    return true;
}

} // namespace

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    const bool equal = given.is("setup", "equal");
    const bool is_used = given.is("use", "yes");
    const unsigned flags = equal ? IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN : 0;
    return bench::measure(given, given.number("rounds", 1000), 1, [=](unsigned rounds) {
        for (; rounds != 0; --rounds) {
            io_uring ring;
            if (io_uring_queue_init(64, &ring, flags) != 0) return false;
            if (equal && io_uring_register_ring_fd(&ring) != 1) return false;
            if (is_used && !complete_a_nop(ring)) return false;
            io_uring_queue_exit(&ring);
        }
        return true;
    });
}
