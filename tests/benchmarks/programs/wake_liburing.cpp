// Threads that wake each other by messages from ring to ring, on liburing: what wake_lio does.
#include "wake.hpp"

#include <liburing.h>

#include <semaphore>

namespace {

void make(io_uring& ring) {
    const unsigned flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    bench::need(io_uring_queue_init(8, &ring, flags) == 0, "making a ring");
    bench::need(io_uring_register_ring_fd(&ring) == 1, "registering the ring");
}
bool wake(io_uring& ring, int other) {
    io_uring_sqe* const entry = io_uring_get_sqe(&ring);
    if (entry == nullptr) return false;
    io_uring_prep_msg_ring(entry, other, 0, 1, 0);
    entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
    return true;
}
bool take(io_uring& ring) {
    io_uring_cqe* done;
    if (io_uring_wait_cqe(&ring, &done) != 0 || done->res < 0) return false;
    io_uring_cqe_seen(&ring, done);
    return true;
}

} // namespace

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    static io_uring first, second;
    std::binary_semaphore is_made[2]{std::binary_semaphore{0}, std::binary_semaphore{0}};
    // Such a ring belongs to the thread that makes it.
    bool has_first = false;
    bool has_second = false;
    return bench::measure_wakes(
        given,
        [&](unsigned rounds) {
            if (!has_first) {
                make(first);
                has_first = true;
                is_made[0].release();
                is_made[1].acquire();
            }
            for (; rounds != 0; --rounds)
                if (!wake(first, second.ring_fd) || io_uring_submit_and_wait(&first, 1) < 0 || !take(first)) return false;
            return true;
        },
        [&](unsigned rounds) {
            if (!has_second) {
                make(second);
                has_second = true;
                is_made[1].release();
                is_made[0].acquire();
            }
            for (; rounds != 0; --rounds)
                if (!take(second) || !wake(second, first.ring_fd) || io_uring_submit(&second) < 0) return false;
            return true;
        });
}
