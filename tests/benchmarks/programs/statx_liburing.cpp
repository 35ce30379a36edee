// The attributes of many files on liburing: the loop of statx_lio. One thread.
#include "liburing_ring.hpp"
#include "stats.hpp"

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    const bench::named_files files{given};
    const auto depth = given.number("depth", 64);
    io_uring ring;
    bench::make_ring(ring, 128);
    std::vector<struct statx> answers(depth);
    return bench::measure(given, 10, given.number("count", 1), [&](unsigned rounds) {
        for (; rounds != 0; --rounds) {
            for (std::size_t first = 0; first < files.names.size(); first += depth) {
                unsigned pushed = 0;
                for (; pushed < depth && first + pushed < files.names.size(); ++pushed) {
                    io_uring_sqe* const entry = io_uring_get_sqe(&ring);
                    if (entry == nullptr) return false;
                    io_uring_prep_statx(entry, files.directory, files.names[first + pushed].c_str(), 0,
                                        STATX_BASIC_STATS, &answers[pushed]);
                }
                if (io_uring_submit_and_wait(&ring, pushed) < 0) return false;
                unsigned head;
                io_uring_cqe* done;
                io_uring_for_each_cqe(&ring, head, done)
                    if (done->res < 0) return false;
                io_uring_cq_advance(&ring, pushed);
            }
        }
        return true;
    });
}
