// What count_instructions counts, on the distribution's liburing: the cases of counted_lio.cpp with the set-up that the
// other library chooses by itself. Arguments: CASE ROUNDS BATCH.
#include "counted_files.hpp"

#include <liburing.h>

#include <poll.h>
#include <sys/socket.h>

#include <cstdlib>
#include <cstring>

namespace {

template <unsigned Batch, class Prepare>
[[gnu::noinline]] bool push_each(io_uring& ring, long rounds, Prepare prepare) {
    unsigned long sum = 0;
    for (long left = rounds; left != 0; --left) {
        for (unsigned long i = 0; i < Batch; ++i) {
            io_uring_sqe* entry = io_uring_get_sqe(&ring);
            if (entry == nullptr) return false;
            prepare(entry);
            io_uring_sqe_set_data64(entry, i);
        }
        if (io_uring_submit_and_wait(&ring, Batch) < 0) return false;
        unsigned head;
        unsigned seen = 0;
        io_uring_cqe* done;
        io_uring_for_each_cqe(&ring, head, done) {
            sum += done->user_data;
            ++seen;
        }
        io_uring_cq_advance(&ring, seen);
    }
    return sum == static_cast<unsigned long>(rounds) * Batch * (Batch - 1) / 2;
}

} // namespace

extern "C" {

[[gnu::noinline]] bool counted_submit(io_uring& ring) { return io_uring_submit(&ring) >= 0; }

[[gnu::noinline]] unsigned long counted_reap(io_uring& ring) {
    io_uring_cqe* done;
    if (io_uring_peek_cqe(&ring, &done) != 0) return 0;
    const unsigned long data = done->user_data;
    io_uring_cqe_seen(&ring, done);
    return data;
}

[[gnu::noinline]] bool counted_peek(io_uring& ring) {
    io_uring_cqe* done;
    return io_uring_peek_cqe(&ring, &done) == 0;
}
}

namespace {

[[gnu::noinline]] bool call_each(io_uring& ring, long rounds) {
    unsigned long sum = 0;
    for (long left = rounds; left != 0; --left) {
        io_uring_sqe* entry = io_uring_get_sqe(&ring);
        io_uring_prep_nop(entry);
        io_uring_sqe_set_data64(entry, 1);
        if (!counted_submit(ring)) return false;
        io_uring_cqe* done;
        if (io_uring_wait_cqe(&ring, &done) != 0) return false;
        sum += counted_reap(ring);
        if (counted_peek(ring)) return false;
    }
    return sum == static_cast<unsigned long>(rounds);
}

template <unsigned Batch>
bool run(const char* name, long rounds) {
    const auto is = [name](const char* other) { return std::strcmp(name, other) == 0; };
    io_uring ring;
    if (io_uring_queue_init(64, &ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN) != 0) return false;
    const counted_files files;
    static char memory[64];
    static iovec vector{memory, sizeof memory};
    static struct statx info;
    const int fd = files.zero;

    if (is("nop")) return push_each<Batch>(ring, rounds, [](io_uring_sqe* entry) { io_uring_prep_nop(entry); });
    if (is("read"))
        return push_each<Batch>(ring, rounds,
                                [fd](io_uring_sqe* entry) { io_uring_prep_read(entry, fd, memory, sizeof memory, 0); });
    if (is("write"))
        return push_each<Batch>(
            ring, rounds, [fd](io_uring_sqe* entry) { io_uring_prep_write(entry, fd, memory, sizeof memory, 0); });
    if (is("readv"))
        return push_each<Batch>(ring, rounds,
                                [fd](io_uring_sqe* entry) { io_uring_prep_readv(entry, fd, &vector, 1, 0); });
    if (is("fsync"))
        return push_each<Batch>(ring, rounds, [fd](io_uring_sqe* entry) { io_uring_prep_fsync(entry, fd, 0); });
    if (is("poll"))
        return push_each<Batch>(ring, rounds, [fd](io_uring_sqe* entry) { io_uring_prep_poll_add(entry, fd, POLLIN); });
    if (is("statx"))
        return push_each<Batch>(ring, rounds, [fd](io_uring_sqe* entry) {
            io_uring_prep_statx(entry, fd, "", AT_EMPTY_PATH, STATX_SIZE, &info);
        });
    if (is("send"))
        return push_each<Batch>(ring, rounds, [&files](io_uring_sqe* entry) {
            io_uring_prep_send(entry, files.socket, memory, sizeof memory, MSG_NOSIGNAL);
        });
    if (is("recv"))
        return push_each<Batch>(ring, rounds, [&files](io_uring_sqe* entry) {
            io_uring_prep_recv(entry, files.socket, memory, sizeof memory, 0);
        });
    if (is("read_fixed")) {
        if (io_uring_register_buffers(&ring, &vector, 1) != 0) return false;
        return push_each<Batch>(ring, rounds, [fd](io_uring_sqe* entry) {
            io_uring_prep_read_fixed(entry, fd, memory, sizeof memory, 0, 0);
        });
    }
    if (is("calls")) return call_each(ring, rounds);
    return false;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    const char* const name = argv[1];
    const long rounds = std::atol(argv[2]);
    switch (std::atol(argv[3])) {
    case 1: return run<1>(name, rounds) ? 0 : 1;
    case 8: return run<8>(name, rounds) ? 0 : 1;
    case 32: return run<32>(name, rounds) ? 0 : 1;
    default: return 2;
    }
}
