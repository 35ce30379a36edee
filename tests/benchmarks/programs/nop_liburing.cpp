// Nops on liburing: the loop of nop_lio. setup=default: no flags; setup=equal: the two flags that nop_lio asks
// for then. Neither has its descriptor registered. One thread.
#include "bench.hpp"

#include <liburing.h>

namespace {

bool run(io_uring& ring, unsigned rounds, unsigned batch, bool waits_apart) {
    std::uint64_t seen = 0;
    for (unsigned left = rounds; left != 0; --left) {
        for (unsigned i = 0; i < batch; ++i) {
            io_uring_sqe* const entry = io_uring_get_sqe(&ring);
            if (entry == nullptr) return false;
            io_uring_prep_nop(entry);
            io_uring_sqe_set_data64(entry, 1);
        }
        io_uring_cqe* done;
        if (waits_apart) {
            if (io_uring_submit(&ring) < 0 || io_uring_wait_cqe_nr(&ring, &done, batch) < 0) return false;
        } else if (io_uring_submit_and_wait(&ring, batch) < 0) {
            return false;
        }
        unsigned head;
        unsigned count = 0;
        io_uring_for_each_cqe(&ring, head, done) {
            seen += done->user_data;
            ++count;
        }
        io_uring_cq_advance(&ring, count);
    }
    return seen == std::uint64_t{rounds} * batch;
}

} // namespace

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    const unsigned batch = given.number("batch", 1);
    const bool waits_apart = given.is("wait", "apart");
    const bool equal = given.is("setup", "equal");
    io_uring ring;
    const unsigned flags = equal ? IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN : 0;
    bench::need(io_uring_queue_init(128, &ring, flags) == 0, "making a ring");
    return bench::measure(given, given.number("rounds", 100000), batch,
                          [&](unsigned rounds) { return run(ring, rounds, batch, waits_apart); });
}
