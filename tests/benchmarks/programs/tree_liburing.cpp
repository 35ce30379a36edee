// Copies a directory of small files on liburing: what tree_lio does. One thread.
#include "copies.hpp"
#include "liburing_ring.hpp"

#include <memory>

namespace {

constexpr unsigned at_once = bench::tree_copy::at_once;
// The number of every close. Its completion is waited for: the slot must be empty before it is used again.
constexpr std::uint64_t closed = at_once;

io_uring_sqe* next(io_uring& ring) {
    io_uring_sqe* const entry = io_uring_get_sqe(&ring);
    bench::need(entry != nullptr, "a slot of the queue");
    return entry;
}

void push_open(io_uring& ring, int directory, const char* name, int flags, unsigned slot) {
    io_uring_sqe* const entry = next(ring);
    io_uring_prep_openat_direct(entry, directory, name, flags, 0600, slot);
    entry->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
}
void push_close(io_uring& ring, unsigned slot) {
    io_uring_sqe* const entry = next(ring);
    io_uring_prep_close_direct(entry, slot);
    io_uring_sqe_set_data64(entry, closed);
}

bool copy(io_uring& ring, const bench::tree_copy& tree, char (*memory)[bench::tree_copy::most]) {
    int sizes[at_once];
    for (std::size_t first = 0; first < tree.names.size(); first += at_once) {
        const auto left = tree.names.size() - first;
        const unsigned count = left < at_once ? static_cast<unsigned>(left) : at_once;
        unsigned head;
        io_uring_cqe* done;
        for (unsigned i = 0; i < count; ++i) {
            push_open(ring, tree.from, tree.names[first + i].c_str(), O_RDONLY, i);
            io_uring_sqe* const entry = next(ring);
            io_uring_prep_read(entry, static_cast<int>(i), memory[i], bench::tree_copy::most, 0);
            entry->flags |= IOSQE_FIXED_FILE | IOSQE_IO_HARDLINK;
            io_uring_sqe_set_data64(entry, i);
            push_close(ring, i);
        }
        if (io_uring_submit_and_wait(&ring, 2 * count) < 0) return false;
        io_uring_for_each_cqe(&ring, head, done) {
            if (done->user_data == closed) continue;
            if (done->res < 0) return false;
            sizes[done->user_data] = done->res;
        }
        io_uring_cq_advance(&ring, 2 * count);
        for (unsigned i = 0; i < count; ++i) {
            push_open(ring, tree.to, tree.names[first + i].c_str(), bench::tree_copy::flags, i);
            io_uring_sqe* const entry = next(ring);
            io_uring_prep_write(entry, static_cast<int>(i), memory[i], static_cast<unsigned>(sizes[i]), 0);
            entry->flags |= IOSQE_FIXED_FILE | IOSQE_IO_LINK;
            io_uring_sqe_set_data64(entry, i);
            push_close(ring, i);
        }
        if (io_uring_submit_and_wait(&ring, 2 * count) < 0) return false;
        io_uring_for_each_cqe(&ring, head, done)
            if (done->user_data != closed && done->res != sizes[done->user_data]) return false;
        io_uring_cq_advance(&ring, 2 * count);
    }
    return true;
}

} // namespace

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    const bench::tree_copy tree{given};
    io_uring ring;
    bench::make_ring(ring, 128);
    bench::need(io_uring_register_files_sparse(&ring, at_once) == 0, "registering files");
    const std::unique_ptr<char[][bench::tree_copy::most]> memory{new char[at_once][bench::tree_copy::most]};
    return bench::measure(given, 3, given.number("files", 1), [&](unsigned rounds) {
        for (; rounds != 0; --rounds)
            if (!copy(ring, tree, memory.get())) return false;
        return true;
    });
}
