// poll_loop: a ring in a loop around poll(2) that has other things to do as well, here a timer. To the loop the ring is
// one more descriptor, an eventfd. poll(2) says of every regular file that it is ready, and then a read keeps the whole
// loop waiting; a read through the ring does not. All on the main thread.
#include "support/arguments.hpp"
#include "support/check.hpp"

#include <lio/uring.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace op = lio::op;

namespace {

const char usage[] = "usage: poll_loop [FILE]\n"
                     "Counts the lines of FILE (standard input unless named), which it reads through a ring, and says\n"
                     "ten times a second how far it is.\n";

/// What an eventfd or a timerfd has counted since it was last read; that it is read takes the signal away.
std::uint64_t take_count(int file) {
    std::uint64_t count = 0;
    return ::read(file, &count, sizeof count) == sizeof count ? count : 0;
}

} // namespace

int main(int argc, char** argv) {
    const char* path = nullptr;
    example::read_arguments(argc, argv, usage, {}, &path);
    std::setvbuf(stdout, nullptr, _IOLBF, 0);

    // The loop as it may have been before: a descriptor, and what is done when it is ready.
    const int timer =
        example::check_call(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "making a timer");
    const itimerspec tenth_second{{0, 100'000'000}, {0, 100'000'000}};
    example::check_call(::timerfd_settime(timer, 0, &tenth_second, nullptr), "setting a timer");

    // What a ring adds to it: another descriptor, which becomes ready when completions come.
    lio::ring ring = example::check(lio::ring::create({.entries = 8}), "making a ring");
    const int completed = example::check_call(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "making an eventfd");
    auto signals = example::check(lio::registered_eventfd::create(ring, completed), "registering an eventfd");

    int file = STDIN_FILENO;
    if (path != nullptr)
        file = example::check_call(::open(path, O_RDONLY | O_CLOEXEC), "opening", path);
    else
        path = "standard input";
    std::vector<char> block(1 << 16);
    const auto read_next = [&] {
        example::check(ring.push(op::read(file, block, lio::current_position)), "queueing a read");
        example::check(ring.submit(), "submitting a read");
    };
    read_next();

    std::uint64_t bytes = 0, lines = 0, ticks = 0, rounds = 0;
    bool more_to_reap = false;
    for (bool at_end = false; !at_end; ++rounds) {
        pollfd waited[] = {{timer, POLLIN, 0}, {completed, POLLIN, 0}};
        while (::poll(waited, 2, more_to_reap ? 0 : -1) < 0)
            if (errno != EINTR) example::check_call(-1, "waiting in poll(2)");

        if (waited[0].revents != 0) {
            ticks += take_count(timer);
            std::printf("%.1f s: %ju lines, %ju bytes\n", static_cast<double>(ticks) / 10, lines, bytes);
        }
        if (waited[1].revents == 0 && !more_to_reap) continue;

        take_count(completed);
        // What comes while the completions are looked at anyway need not signal: that would only be another round of
        // the loop for nothing. (Before Linux 5.8 it cannot be helped.)
        const bool paused = signals.pause().has_value();
        for (const lio::cqe& done : ring.reap()) {
            const std::uint32_t size = example::check(done.result<op::read>(), "reading", path);
            bytes += size;
            lines += static_cast<std::uint64_t>(std::count(block.data(), block.data() + size, '\n'));
            at_end = size == 0;
            if (!at_end) read_next();
        }
        // Whatever came in the pause has not signalled, so this looks again, but lets the loop have its turn first.
        if (paused) example::check(signals.resume(), "resuming the signals");
        more_to_reap = !ring.reap().empty();
    }
    std::printf("%ju lines, %ju bytes; the timer went off %ju times in %ju rounds of the loop\n", lines, bytes, ticks,
                rounds);
}
