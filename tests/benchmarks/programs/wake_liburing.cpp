// Threads that wake each other by messages from ring to ring, on liburing: what wake_lio does.
#include "liburing_ring.hpp"
#include "wake.hpp"

namespace {

bool make(io_uring& ring) {
    bench::make_ring(ring, 8);
    return true;
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
    return bench::measure_wakes(
        given, [] { return make(first); }, [] { return make(second); },
        [](unsigned rounds) {
            for (; rounds != 0; --rounds)
                if (!wake(first, second.ring_fd) || io_uring_submit_and_wait(&first, 1) < 0 || !take(first))
                    return false;
            return true;
        },
        [](unsigned rounds) {
            for (; rounds != 0; --rounds)
                if (!take(second) || !wake(second, first.ring_fd) || io_uring_submit(&second) < 0) return false;
            return true;
        });
}
