// registered_buffers: reads of a file in the plain form, and of a registered file into registered buffers, in turns and
// against the clock. What is registered is looked up and pinned once instead of in each operation. All on the main
// thread.
#include "support/arguments.hpp"
#include "support/check.hpp"

#include <lio/uring.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace op = lio::op;

namespace {

const char usage[] =
    "usage: registered_buffers [FILE] [--blocks N]\n"
    "Makes FILE (registered_buffers.tmp unless named) of N blocks of 4 KiB, 4096 unless given, and reads\n"
    "it in turns with and without registered buffers and files; it is gone afterwards. A file that\n"
    "exists already is left alone.\n";

constexpr std::size_t block_size = 4096;
// So many operations at once, each with a buffer of its own.
constexpr std::uint32_t depth = 32;
constexpr int rounds = 16;

/// What belongs into a block of the file.
void fill(std::byte* memory, std::uint32_t block) {
    for (std::uint32_t i = 0; i < block_size / sizeof i; ++i) {
        const std::uint32_t word = (block + 1) * 2654435761u + i;
        std::memcpy(memory + i * sizeof word, &word, sizeof word);
    }
}

bool is_right(const std::byte* memory, std::uint32_t block) {
    std::byte expected[block_size];
    fill(expected, block);
    return std::memcmp(memory, expected, block_size) == 0;
}

/// One operation for each of the blocks from `first` on, submitted together; returns when all have completed.
/// `make(slot, block)` is the operation, `slot` the number of its buffer.
template <class Make>
void transfer(lio::ring& ring, std::uint32_t first, std::uint32_t count, const char* doing, const Make& make) {
    for (std::uint32_t slot = 0; slot < count; ++slot)
        example::check(ring.push(make(slot, first + slot)), "queueing an operation");
    for (std::uint32_t left = count; left != 0;) {
        const auto submitted = ring.submit_and_wait(left);
        // A signal ends the wait, not what was submitted.
        if (!submitted && submitted.error().code() != EINTR) example::check(submitted, "waiting for completions");
        for (const lio::cqe& done : ring.reap()) {
            --left;
            const int size = example::check(done.result(), doing);
            // A file's blocks come whole, unless the disk is full or somebody cut the file.
            if (size != block_size) example::check<int>(lio::error{EIO}, doing, "in whole blocks");
        }
    }
}

using clock_type = std::chrono::steady_clock;

/// Reads blocks and returns how many nanoseconds each took. Off the clock the buffers are wiped before and compared
/// after.
template <class Make>
double timed_read(lio::ring& ring, lio::mutable_bytes memory, std::uint32_t first, std::uint32_t count,
                  const char* doing, const Make& make) {
    std::memset(memory.data(), 0, memory.size());
    const auto start = clock_type::now();
    transfer(ring, first, count, doing, make);
    const std::chrono::duration<double, std::nano> taken = clock_type::now() - start;
    for (std::uint32_t slot = 0; slot < count; ++slot)
        if (!is_right(memory.data() + slot * block_size, first + slot)) {
            std::fprintf(stderr, "registered_buffers: %s: block %u is not what was written\n", doing, first + slot);
            std::exit(1);
        }
    return taken.count() / count;
}

double median(std::vector<double>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

} // namespace

int main(int argc, char** argv) {
    const char* path = "registered_buffers.tmp";
    std::uint32_t blocks = 4096;
    example::read_arguments(argc, argv, usage, {{"--blocks", blocks, 1, 1u << 20}}, &path);

    // The name goes at once, so that nothing is left behind however the program ends.
    const int file = example::check_call(::open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "opening", path);
    example::check_call(::unlink(path), "removing", path);

    const std::string writing = std::string{"writing "} + path;
    const std::string reading = std::string{"reading "} + path;

    // Declared before the tables and the ring: the memory is gone last.
    const std::unique_ptr<std::byte, void (*)(void*)> memory{
        static_cast<std::byte*>(std::aligned_alloc(block_size, depth * block_size)), std::free};
    if (memory == nullptr) {
        std::fprintf(stderr, "registered_buffers: there is no memory for the buffers\n");
        return 1;
    }
    lio::ring ring = example::check(lio::ring::create({.entries = depth}), "making a ring");

    const lio::mutable_bytes all_memory{memory.get(), depth * block_size};
    std::vector<lio::mutable_bytes> pieces;
    for (std::uint32_t slot = 0; slot < depth; ++slot) pieces.push_back({memory.get() + slot * block_size, block_size});
    const auto buffers = example::check(lio::registered_buffers::create(ring, pieces), "registering buffers");
    const auto files = example::check(lio::registered_files::create(ring, {file}), "registering a file");

    for (std::uint32_t first = 0; first < blocks; first += depth) {
        const std::uint32_t count = std::min(depth, blocks - first);
        for (std::uint32_t slot = 0; slot < count; ++slot) fill(pieces[slot].data(), first + slot);
        transfer(ring, first, count, writing.c_str(), [&](std::uint32_t slot, std::uint32_t block) {
            return op::write_fixed(files[0], buffers[slot], std::uint64_t{block} * block_size);
        });
    }
    std::printf("wrote %u blocks of %zu bytes from registered buffers\n", blocks, block_size);

    const auto plain = [&](std::uint32_t slot, std::uint32_t block) {
        return op::read(file, pieces[slot], std::uint64_t{block} * block_size);
    };
    const auto registered = [&](std::uint32_t slot, std::uint32_t block) {
        return op::read_fixed(files[0], buffers[slot], std::uint64_t{block} * block_size);
    };
    // The two take turns at every few blocks, and at going first: a machine is not equally fast all the time.
    std::vector<double> plain_times, registered_times;
    for (int round = 0; round < rounds; ++round)
        for (std::uint32_t first = 0; first < blocks; first += depth) {
            const std::uint32_t count = std::min(depth, blocks - first);
            for (const bool plain_turn : {round % 2 == 0, round % 2 != 0})
                if (plain_turn)
                    plain_times.push_back(timed_read(ring, all_memory, first, count, reading.c_str(), plain));
                else
                    registered_times.push_back(timed_read(ring, all_memory, first, count, reading.c_str(), registered));
        }
    const double plain_time = median(plain_times);
    const double registered_time = median(registered_times);
    std::printf("read it %d times in each form; every block was right\n", rounds);
    std::printf("plain       %8.0f ns a block\n", plain_time);
    std::printf("registered  %8.0f ns a block, %.2f of the plain form's time\n", registered_time,
                registered_time / plain_time);

    ::close(file);
    return 0;
}
