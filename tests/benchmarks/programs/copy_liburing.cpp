// Copies a large file on liburing: what copy_lio does. One thread.
#include "copies.hpp"
#include "liburing_ring.hpp"

#include <memory>

namespace {

struct part {
    std::uint64_t offset;
    unsigned size;
    bool is_writing;
};

bool copy(io_uring& ring, const bench::large_copy& files, char (*memory)[bench::chunk]) {
    const int to = files.begin();
    part parts[bench::chunks_in_flight];
    std::uint64_t next = 0;
    unsigned in_flight = 0;
    const auto push = [&](std::uint64_t i) {
        io_uring_sqe* const entry = io_uring_get_sqe(&ring);
        bench::need(entry != nullptr, "a slot of the queue");
        if (parts[i].is_writing)
            io_uring_prep_write(entry, to, memory[i], parts[i].size, parts[i].offset);
        else
            io_uring_prep_read(entry, files.from, memory[i], parts[i].size, parts[i].offset);
        io_uring_sqe_set_data64(entry, i);
        ++in_flight;
    };
    const auto read = [&](std::uint64_t i) {
        if (next == files.size) return;
        parts[i] = {next, files.part_at(next), false};
        next += parts[i].size;
        push(i);
    };
    for (unsigned i = 0; i < bench::chunks_in_flight; ++i) read(i);
    while (in_flight != 0) {
        if (io_uring_submit_and_wait(&ring, 1) < 0) return false;
        unsigned head;
        unsigned seen = 0;
        io_uring_cqe* done;
        io_uring_for_each_cqe(&ring, head, done) {
            const std::uint64_t i = done->user_data;
            if (done->res != static_cast<int>(parts[i].size)) return false;
            --in_flight;
            ++seen;
            if (parts[i].is_writing) {
                read(i);
            } else {
                parts[i].is_writing = true;
                push(i);
            }
        }
        io_uring_cq_advance(&ring, seen);
    }
    return ::close(to) == 0;
}

} // namespace

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    const bench::large_copy files{given};
    io_uring ring;
    bench::make_ring(ring, 32);
    const std::unique_ptr<char[][bench::chunk]> memory{new char[bench::chunks_in_flight][bench::chunk]};
    return bench::measure(given, 2, 1, [&](unsigned rounds) {
        for (; rounds != 0; --rounds)
            if (!copy(ring, files, memory.get())) return false;
        return true;
    });
}
