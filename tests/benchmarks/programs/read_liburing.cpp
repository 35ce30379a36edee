// Random reads of 4 KiB on liburing: the loop of read_lio, with the set-up that this library chooses by itself. One
// thread.
#include "liburing_ring.hpp"
#include "reads.hpp"

#include <sys/uio.h>

namespace {

void push(io_uring& ring, bench::random_reads& reads, std::uint64_t i) {
    io_uring_sqe* const entry = io_uring_get_sqe(&ring);
    bench::need(entry != nullptr, "a slot of the queue");
    char* const memory = bench::random_reads::memory[i];
    if (reads.fixed) {
        io_uring_prep_read_fixed(entry, 0, memory, bench::block, reads.next_offset(), 0);
        entry->flags |= IOSQE_FIXED_FILE;
    } else {
        io_uring_prep_read(entry, reads.file, memory, bench::block, reads.next_offset());
    }
    io_uring_sqe_set_data64(entry, i);
}

bool run(io_uring& ring, bench::random_reads& reads, unsigned count) {
    unsigned left = count;
    for (unsigned i = 0; i < reads.depth && left != 0; ++i, --left) push(ring, reads, i);
    for (unsigned done_count = 0; done_count < count;) {
        if (io_uring_submit_and_wait(&ring, 1) < 0) return false;
        unsigned head;
        unsigned seen = 0;
        io_uring_cqe* done;
        io_uring_for_each_cqe(&ring, head, done) {
            if (done->res != static_cast<int>(bench::block)) return false;
            ++seen;
            if (left == 0) continue;
            --left;
            push(ring, reads, done->user_data);
        }
        io_uring_cq_advance(&ring, seen);
        done_count += seen;
    }
    return true;
}

} // namespace

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    bench::random_reads reads{given};
    io_uring ring;
    bench::make_ring(ring, 256);
    if (reads.fixed) {
        bench::need(io_uring_register_files(&ring, &reads.file, 1) == 0, "registering the file");
        const iovec memory{bench::random_reads::memory, sizeof bench::random_reads::memory};
        bench::need(io_uring_register_buffers(&ring, &memory, 1) == 0, "registering memory");
    }
    return bench::measure(given, given.number("rounds", 100000), 1,
                          [&](unsigned count) { return run(ring, reads, count); });
}
