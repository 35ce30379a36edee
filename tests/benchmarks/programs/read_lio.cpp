// Random reads of 4 KiB on this library: so many in flight, each that completes is followed by another. One thread.
#include "reads.hpp"

#include <lio/uring.hpp>

#include <optional>

namespace op = lio::op;

namespace {

template <class Push>
bool run(lio::ring& ring, unsigned depth, unsigned count, Push push) {
    unsigned left = count;
    for (unsigned i = 0; i < depth && left != 0; ++i, --left)
        if (!push(i)) return false;
    for (unsigned done_count = 0; done_count < count;) {
        if (!ring.submit_and_wait(1)) return false;
        for (const lio::cqe& done : ring.reap()) {
            if (done.raw_result() != static_cast<int>(bench::block)) return false;
            ++done_count;
            if (left == 0) continue;
            --left;
            if (!push(done.user_data())) return false;
        }
    }
    return true;
}

} // namespace

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    bench::random_reads reads{given};
    lio::ring ring = lio::ring::create({.entries = 256}).value();
    std::optional<lio::registered_files> files;
    std::optional<lio::registered_buffers> buffers;
    if (reads.fixed) {
        const int list[] = {reads.file};
        files = lio::registered_files::create(ring, list).value();
        const lio::mutable_bytes memory[] = {bench::random_reads::memory};
        buffers = lio::registered_buffers::create(ring, memory).value();
    }
    const auto plain = [&](std::uint64_t i) {
        return ring.push(op::read(reads.file, bench::random_reads::memory[i], reads.next_offset()).user_data(i))
            .has_value();
    };
    const auto fixed = [&](std::uint64_t i) {
        const auto memory = (*buffers)[0].part(i * bench::block, bench::block);
        return ring.push(op::read_fixed((*files)[0], memory, reads.next_offset()).user_data(i)).has_value();
    };
    return bench::measure(given, given.number("rounds", 100000), 1, [&](unsigned count) {
        return reads.fixed ? run(ring, reads.depth, count, fixed) : run(ring, reads.depth, count, plain);
    });
}
