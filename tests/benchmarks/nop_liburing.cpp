// The same nop loop on the distribution's liburing.
#include <liburing.h>

#include <cstdlib>

int main(int argc, char** argv) {
    const long count = argc > 1 ? std::atol(argv[1]) : 1000;
    const auto batch = static_cast<unsigned>(argc > 2 ? std::atol(argv[2]) : 1);
    io_uring ring;
    if (io_uring_queue_init(64, &ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN) != 0) return 2;
    unsigned long sum = 0;
    for (long round = 0; round < count; ++round) {
        for (unsigned long i = 0; i < batch; ++i) {
            io_uring_sqe* entry = io_uring_get_sqe(&ring);
            if (entry == nullptr) return 3;
            io_uring_prep_nop(entry);
            io_uring_sqe_set_data64(entry, i);
        }
        if (io_uring_submit_and_wait(&ring, batch) < 0) return 4;
        unsigned head;
        unsigned seen = 0;
        io_uring_cqe* done;
        io_uring_for_each_cqe(&ring, head, done) {
            sum += done->user_data;
            ++seen;
        }
        io_uring_cq_advance(&ring, seen);
    }
    io_uring_queue_exit(&ring);
    return sum == static_cast<unsigned long>(count) * batch * (batch - 1) / 2 ? 0 : 1;
}
