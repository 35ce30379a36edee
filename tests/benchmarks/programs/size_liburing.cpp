// The smallest program on liburing, for its size: one nop, there and back.
#include <liburing.h>

int main() {
    io_uring ring;
    if (io_uring_queue_init(8, &ring, 0) != 0) return 1;
    io_uring_prep_nop(io_uring_get_sqe(&ring));
    io_uring_cqe* done;
    if (io_uring_submit_and_wait(&ring, 1) < 0 || io_uring_peek_cqe(&ring, &done) != 0 || done->res != 0) return 1;
    io_uring_cqe_seen(&ring, done);
    io_uring_queue_exit(&ring);
    return 0;
}
