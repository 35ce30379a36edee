// Copies a large file on this library: some parts in flight, each read and then written. One thread.
#include "copies.hpp"

#include <lio/uring.hpp>

#include <memory>

namespace op = lio::op;

namespace {

struct part {
    std::uint64_t offset;
    unsigned size;
    bool is_writing;
};

bool copy(lio::ring& ring, const bench::large_copy& files, char (*memory)[bench::chunk]) {
    const int to = files.begin();
    part parts[bench::chunks_in_flight];
    std::uint64_t next = 0;
    unsigned in_flight = 0;
    const auto read = [&](std::uint32_t i) {
        if (next == files.size) return true;
        parts[i] = {next, files.part_at(next), false};
        next += parts[i].size;
        ++in_flight;
        return ring
            .push(op::read(files.from, lio::mutable_bytes{memory[i], parts[i].size}, parts[i].offset).user_data(i))
            .has_value();
    };
    for (std::uint32_t i = 0; i < bench::chunks_in_flight; ++i)
        if (!read(i)) return false;
    while (in_flight != 0) {
        if (!ring.submit_and_wait(1)) return false;
        for (const lio::cqe& done : ring.reap()) {
            const auto i = done.user_data_as<std::uint32_t>();
            part& one = parts[i];
            if (done.raw_result() != static_cast<int>(one.size)) return false;
            --in_flight;
            if (one.is_writing) {
                if (!read(i)) return false;
                continue;
            }
            one.is_writing = true;
            ++in_flight;
            if (!ring.push(op::write(to, lio::bytes{memory[i], one.size}, one.offset).user_data(i))) return false;
        }
    }
    return ::close(to) == 0;
}

} // namespace

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    const bench::large_copy files{given};
    lio::ring ring = lio::ring::create({.entries = 32}).value();
    const std::unique_ptr<char[][bench::chunk]> memory{new char[bench::chunks_in_flight][bench::chunk]};
    return bench::measure(given, 2, 1, [&](unsigned rounds) {
        for (; rounds != 0; --rounds)
            if (!copy(ring, files, memory.get())) return false;
        return true;
    });
}
