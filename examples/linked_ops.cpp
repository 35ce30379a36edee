// linked_ops: several operations at once. A batch runs in any order; a chain runs in order and ends at its first
// failure, and the completions say where; a hard link goes on all the same; a link_timeout limits the time of the
// operation before it. All on the main thread.
#include "support/arguments.hpp"
#include "support/check.hpp"

#include <lio/uring.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace op = lio::op;

namespace {

const char usage[] = "usage: linked_ops [DIRECTORY]\n"
                     "Runs batches and chains of operations on a file in DIRECTORY (the working directory unless\n"
                     "named) that is gone afterwards, and shows what the completions say.\n";

constexpr std::size_t block_size = 4096;

/// An operation, for the eye, and how it is to end: its result, or a negative errno.
struct step {
    const char* name;
    int expected;
};

/// Submits what was pushed, waits until all of it has completed and prints one line for each completion, in the order
/// in which they come. An operation's user_data is its place in `steps`. False if one did not end as it should.
bool run(lio::ring& ring, const char* heading, std::span<const step> steps) {
    std::printf("%s\n", heading);
    bool as_expected = true;
    for (std::size_t seen = 0; seen < steps.size();) {
        const auto submitted = ring.submit_and_wait(static_cast<std::uint32_t>(steps.size() - seen));
        // A signal ends the wait, not what was submitted.
        if (!submitted && submitted.error().code() != EINTR) example::check(submitted, "waiting for completions");
        for (const lio::cqe& done : ring.reap()) {
            ++seen;
            const step& which = steps[done.user_data_as<std::size_t>()];
            const auto result = done.result();
            if (result)
                std::printf("  %-24s %d\n", which.name, *result);
            else
                std::printf("  %-24s %s: %s\n", which.name, result.error().name(), result.error().message());
            if ((result ? *result : -result.error().code()) != which.expected) {
                if (which.expected < 0)
                    std::printf("  %-24s this should have been %s\n", "", lio::error{-which.expected}.name());
                else
                    std::printf("  %-24s this should have been %d\n", "", which.expected);
                as_expected = false;
            }
        }
    }
    return as_expected;
}

/// Writes to eight places of the file at once: nothing says which comes first.
bool batch(lio::ring& ring, int file) {
    constexpr std::size_t count = 8;
    std::vector<char> blocks(count * block_size);
    std::vector<std::string> names(count);
    std::vector<step> steps;
    for (std::size_t i = 0; i < count; ++i) {
        std::memset(&blocks[i * block_size], static_cast<int>('a' + i), block_size);
        names[i] = "write block " + std::to_string(i);
        steps.push_back({names[i].c_str(), block_size});
    }
    for (std::size_t i = 0; i < count;) {
        // Slots that lie side by side, at most as many as asked for: one check for all of them.
        auto slots = example::check(ring.reserve(static_cast<std::uint32_t>(count - i)), "reserving slots");
        for (; slots.room() != 0; ++i) {
            const std::size_t place = i * block_size;
            // It takes every operation whose memory is not too large for one.
            static_cast<void>(slots.push(op::write(file, lio::bytes{&blocks[place], block_size}, place).user_data(i)));
        }
    }
    return run(ring, "A batch of eight writes:", steps);
}

/// The next operation starts when the one before has succeeded.
bool whole_chain(lio::ring& ring, int file) {
    const std::vector<char> record(block_size, 'R');
    std::vector<char> copy(block_size);
    // One push takes all of a chain or nothing, so that it cannot be cut in two by a full queue.
    const auto pushed = ring.push(op::write(file, record, 0).link().user_data(0),
                                  op::fsync(file).link().user_data(1),
                                  op::read(file, copy, 0).user_data(2));
    example::check(pushed, "queueing a chain");
    const step steps[] = {{"write", block_size}, {"fsync", 0}, {"read", block_size}};
    const bool good = run(ring, "A chain, write -> fsync -> read:", steps);
    if (copy != record) std::printf("  the read did not bring what was written\n");
    return good && copy == record;
}

/// A step fails: what came before has happened, what comes after has not.
bool broken_chain(lio::ring& ring, int file, const char* missing) {
    const std::vector<char> record(block_size, 'B');
    const auto pushed = ring.push(op::write(file, record, 0).link().user_data(0),
                                  op::openat(lio::current_directory, missing, O_RDONLY, 0).link().user_data(1),
                                  op::fsync(file).link().user_data(2),
                                  op::nop().user_data(3));
    example::check(pushed, "queueing a chain");
    const step steps[] = {{"write", block_size}, {"openat", -ENOENT}, {"fsync", -ECANCELED}, {"nop", -ECANCELED}};
    return run(ring, "A chain that breaks, write -> open what is not there -> fsync -> nop:", steps);
}

/// A short read is no failure to its own completion, and is one to the chain.
bool short_chain(lio::ring& ring, int file) {
    std::vector<char> room(2 * block_size);
    const std::uint64_t last_block = 7 * block_size;
    const auto pushed = ring.push(op::read(file, room, last_block).link().user_data(0), op::nop().user_data(1));
    example::check(pushed, "queueing a chain");
    const step steps[] = {{"read of two blocks", block_size}, {"nop", -ECANCELED}};
    return run(ring, "A chain that a short read breaks, read over the file's end -> nop:", steps);
}

/// A hard link does not ask how the operation before it went.
bool hard_chain(lio::ring& ring, int file) {
    std::vector<char> room(2 * block_size);
    const std::uint64_t last_block = 7 * block_size;
    const auto pushed = ring.push(op::read(file, room, last_block).hard_link().user_data(0),
                                  op::fsync(file).user_data(1));
    example::check(pushed, "queueing a chain");
    const step steps[] = {{"read of two blocks", block_size}, {"fsync", 0}};
    return run(ring, "The same with a hard link, read over the file's end => fsync:", steps);
}

/// A read of an empty pipe would wait for ever.
bool limited(lio::ring& ring) {
    int pipe[2];
    example::check_call(::pipe2(pipe, O_CLOEXEC), "making a pipe");
    char byte[1];
    const lio::timespec limit{0, 50'000'000};
    const auto pushed = ring.push(op::read(pipe[0], byte, 0).link().user_data(0),
                                  op::link_timeout(limit).user_data(1));
    example::check(pushed, "queueing a chain");
    const step steps[] = {{"read of an empty pipe", -ECANCELED}, {"link_timeout", -ETIME}};
    const bool good = run(ring, "A time limit of 50 ms, read <- link_timeout:", steps);
    ::close(pipe[0]);
    ::close(pipe[1]);
    return good;
}

} // namespace

int main(int argc, char** argv) {
    const char* directory = ".";
    example::read_arguments(argc, argv, usage, {}, &directory);

    lio::ring ring = example::check(lio::ring::create({.entries = 16}), "making a ring");

    // The name goes at once, so that nothing is left behind however the program ends.
    const std::string path = std::string{directory} + "/linked_ops." + std::to_string(::getpid()) + ".tmp";
    const int file = example::check_call(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "opening",
                                         path.c_str());
    example::check_call(::unlink(path.c_str()), "removing", path.c_str());

    bool good = batch(ring, file);
    good = whole_chain(ring, file) && good;
    good = broken_chain(ring, file, path.c_str()) && good;
    good = short_chain(ring, file) && good;
    good = hard_chain(ring, file) && good;
    good = limited(ring) && good;
    ::close(file);
    if (!good) std::fprintf(stderr, "linked_ops: the completions were not what they should be\n");
    return good ? 0 : 1;
}
