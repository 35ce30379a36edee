// basic_io: the life of a file, one operation after the other: open, write, fsync, read, statx, close, unlink. What a
// program does first with a ring; all on the main thread.
#include "support/arguments.hpp"
#include "support/check.hpp"

#include <lio/uring.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

namespace op = lio::op;

namespace {

const char usage[] = "usage: basic_io [FILE]\n"
                     "Makes FILE (basic_io.tmp unless named), writes it, reads it back and removes it again.\n"
                     "A file that exists already is left alone.\n";

/// Lets the ring do one operation, waits for it and gives its result; says so when it failed.
template <class Operation>
auto perform(lio::ring& ring, const char* doing, const char* path, const Operation& operation)
    -> lio::result<typename Operation::result_type> {
    example::check(ring.push(operation), "queueing an operation");
    example::check(ring.submit(), "submitting an operation");
    auto done = ring.next();
    // A signal ends the wait and not the operation: whoever stops a program and lets it go on sends one.
    while (!done && done.error().code() == EINTR) done = ring.next();
    const auto result = example::check(done, "waiting for a completion").template result<Operation>();
    if (!result) {
        example::complain(doing, path, result.error());
        if (result.error().code() == EINVAL)
            std::fprintf(stderr, "basic_io: or this kernel is older than Linux %d.%d, which brought that operation\n",
                         Operation::since.major, Operation::since.minor);
    }
    return result;
}

/// Writes all of `data`. A write may take less than it was given: then the rest follows.
bool write_all(lio::ring& ring, int file, const char* path, lio::bytes data) {
    for (std::size_t written = 0; written < data.size();) {
        const lio::bytes rest{data.data() + written, data.size() - written};
        const auto taken = perform(ring, "writing", path, op::write(file, rest, written));
        if (!taken) return false;
        written += static_cast<std::size_t>(*taken);
        std::printf("write   %zu of %zu bytes\n", written, data.size());
    }
    return true;
}

/// Fills `memory` from the start of the file. A read may bring less than there was room for; 0 is the file's end.
bool read_all(lio::ring& ring, int file, const char* path, lio::mutable_bytes memory, std::size_t& size) {
    for (size = 0; size < memory.size();) {
        const lio::mutable_bytes room{memory.data() + size, memory.size() - size};
        const auto brought = perform(ring, "reading", path, op::read(file, room, size));
        if (!brought) return false;
        if (*brought == 0) break;
        size += static_cast<std::size_t>(*brought);
        std::printf("read    %zu bytes\n", size);
    }
    return true;
}

/// What lies between opening and closing.
bool use(lio::ring& ring, int file, const char* path) {
    std::string text;
    for (int line = 1; line <= 200; ++line) text += "line " + std::to_string(line) + " of what basic_io writes\n";
    if (!write_all(ring, file, path, text)) return false;

    if (!perform(ring, "syncing", path, op::fsync(file))) return false;
    std::printf("fsync   the bytes are on the disk\n");

    std::string again(text.size() + 1, '\0');
    std::size_t size = 0;
    if (!read_all(ring, file, path, again, size)) return false;
    again.resize(size);
    if (again != text) {
        std::fprintf(stderr, "basic_io: reading %s: these are not the bytes that were written\n", path);
        return false;
    }
    std::printf("        the same that were written\n");

    struct statx status;
    if (!perform(ring, "looking at", path, op::statx(lio::current_directory, path, 0, STATX_BASIC_STATS, status)))
        return false;
    std::printf("statx   %llu bytes, mode %04o, %u link\n", static_cast<unsigned long long>(status.stx_size),
                status.stx_mode & 07777u, static_cast<unsigned>(status.stx_nlink));
    return true;
}

} // namespace

int main(int argc, char** argv) {
    const char* path = "basic_io.tmp";
    example::read_arguments(argc, argv, usage, {}, &path);

    lio::ring ring = example::check(lio::ring::create({.entries = 4}), "making a ring");

    const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
    const auto file = perform(ring, "opening", path, op::openat(lio::current_directory, path, flags, 0644));
    if (!file) return 1;
    std::printf("openat  %s is descriptor %d\n", path, *file);

    const bool used = use(ring, *file, path);

    const bool closed = perform(ring, "closing", path, op::close(*file)).has_value();
    if (closed) std::printf("close   done\n");
    const bool removed = perform(ring, "removing", path, op::unlinkat(lio::current_directory, path, 0)).has_value();
    if (removed)
        std::printf("unlink  %s is gone\n", path);
    else
        ::unlink(path);
    return used && closed && removed ? 0 : 1;
}
