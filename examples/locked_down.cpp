// locked_down: a ring that can read and write the files that it was given, and nothing else: what a program lets loose
// on input that it does not trust. Shows what such a ring refuses; all on the main thread.
#include "support/arguments.hpp"
#include "support/check.hpp"

#include <lio/uring.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace op = lio::op;

namespace {

const char usage[] = "usage: locked_down [FILE]\n"
                     "Makes FILE (locked_down.tmp unless named), and lets a ring that may only read and write\n"
                     "registered files do that and try other things; the file is gone afterwards. A file that\n"
                     "exists already is left alone.\n";

/// All that it may do: reads and writes, of registered files only, and no registration at all.
constexpr lio::restrictions locked =
    lio::restrictions{}.allow<op::read, op::write>().require(lio::entry_flags::fixed_file);

/// Lets the ring do one operation, and says what came of it. False where that is not what was `expected`.
template <class Operation>
bool attempt(lio::ring& ring, const char* name, const Operation& operation, bool expected) {
    example::check(ring.push(operation), "queueing an operation");
    example::check(ring.submit(), "submitting an operation");
    auto done = ring.next();
    // A signal ends the wait and not the operation.
    while (!done && done.error().code() == EINTR) done = ring.next();
    const auto result = example::check(done, "waiting for a completion").result();
    std::printf("%-32s %s\n", name, result ? "done" : result.error().name());
    return result ? expected : !expected && result.error().code() == EACCES;
}

} // namespace

int main(int argc, char** argv) {
    const char* path = "locked_down.tmp";
    example::read_arguments(argc, argv, usage, {}, &path);

    // On newer kernels the first use would enable a ring by itself; this one says when, on all that have restrictions.
    lio::ring ring =
        example::check(lio::ring::create({.entries = 4, .require = lio::setup::start_disabled}), "making a ring");

    const int file = example::check_call(::open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "opening", path);
    ::unlink(path); // so that nothing is left behind however the program ends
    const int files[] = {file};
    const auto table = example::check(lio::registered_files::create(ring, files), "registering", path);

    // What is registered up to here is all that the ring will ever reach.
    example::check(locked.apply(ring), "restricting the ring");
    example::check(ring.enable(), "enabling the ring");

    char text[] = {'h', 'e', 'l', 'l', 'o'};
    char again[sizeof text] = {};
    bool good = attempt(ring, "write a registered file", op::write(table[0], text, 0), true);
    good = attempt(ring, "read a registered file", op::read(table[0], again, 0), true) && good;
    if (std::memcmp(text, again, sizeof text) != 0) {
        std::fprintf(stderr, "locked_down: these are not the bytes that were written\n");
        return 1;
    }
    good = attempt(ring, "read by descriptor", op::read(file, again, 0), false) && good;
    good = attempt(ring, "read, and link what follows", op::read(table[0], again, 0).link(), false) && good;
    good = attempt(ring, "fsync a registered file", op::fsync(table[0]), false) && good;
    good = attempt(ring, "open another file", op::openat(lio::current_directory, "/etc/passwd", O_RDONLY, 0), false) &&
           good;
    good = attempt(ring, "nothing", op::nop(), false) && good;

    const auto other = lio::registered_buffers::create(ring, {lio::mutable_bytes{again}});
    std::printf("%-32s %s\n", "register a buffer", other ? "done" : other.error().name());
    const auto once_more = lio::restrictions{}.apply(ring);
    std::printf("%-32s %s\n", "restrict it anew", once_more ? "done" : once_more.error().name());
    good = !other && other.error().code() == EACCES && !once_more && good;
    ::close(file);
    if (!good) std::fprintf(stderr, "locked_down: the ring is not locked down as it should be\n");
    return good ? 0 : 1;
}
