// Polling: events are made happen by plain POSIX calls on pipes, sockets and eventfds. Each test runs on a ring of every
// set-up that this kernel takes; one thread.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/rings.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/abi/setup.hpp>
#include <lio/op/cancel.hpp>
#include <lio/op/poll.hpp>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cstdint>

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::ring;

// The low half of the events comes first in memory, whatever the byte order. [hazard 31]
const encodings rows{[](auto add) {
    add("poll", op::poll(5, POLLIN), expected_entry{}.u8(0, 6).s32(4, 5).u16(28, POLLIN));
    add("poll with high events and modifiers",
        op::poll(lio::direct_descriptor{5}, POLLOUT | POLLRDHUP | EPOLLEXCLUSIVE)
            .link()
            .drain()
            .skip_success()
            .user_data(0x1234)
            .personality(7),
        expected_entry{}
            .u8(0, 6)
            .u8(1, 1 | 4 | 2 | 64)
            .s32(4, 5)
            .u16(28, POLLOUT | POLLRDHUP)
            .u16(30, static_cast<std::uint16_t>(EPOLLEXCLUSIVE >> 16))
            .u64(32, 0x1234)
            .u16(42, 7));
}};

owned_file event_counter(unsigned count = 0) { return owned_file{::eventfd(count, EFD_CLOEXEC | EFD_NONBLOCK)}; }

/// As an int, which the constants of <poll.h> are.
int events_of(const cqe& done) { return static_cast<int>(done.result<op::poll>().value()); }

void add_to(int counter, std::uint64_t count) { REQUIRE(::write(counter, &count, sizeof count) == sizeof count); }

} // namespace

TEST_CASE("poll completes when the event comes, and says which it is", "[poll][hazard 31]") {
    under_each_setup([](ring& ring) {
        const owned_file counter = event_counter();
        ring.push(op::poll(counter, POLLIN).user_data(3)).value();
        CHECK(stays_quiet(ring));
        add_to(counter, 1);
        const cqe done = next_soon(ring);
        CHECK(done.user_data() == 3);
        CHECK(events_of(done) == POLLIN);
        CHECK_FALSE(done.more());
        // It took nothing away.
        std::uint64_t count = 0;
        CHECK(::read(counter, &count, sizeof count) == sizeof count);
        CHECK(count == 1);
    });
}

TEST_CASE("poll completes at once when the event is there already", "[poll]") {
    under_each_setup([](ring& ring) {
        const owned_file counter = event_counter(1);
        CHECK(events_of(run(ring, op::poll(counter, POLLIN))) == POLLIN);
        // Only what was asked for, though it could be written to as well ...
        CHECK(events_of(run(ring, op::poll(counter, POLLOUT))) == POLLOUT);
        // ... and all of that.
        CHECK(events_of(run(ring, op::poll(counter, POLLIN | POLLOUT))) == (POLLIN | POLLOUT));
    });
}

TEST_CASE("poll completes once", "[poll]") {
    under_each_setup([](ring& ring) {
        const owned_file counter = event_counter();
        ring.push(op::poll(counter, POLLIN)).value();
        CHECK(stays_quiet(ring, 1));
        add_to(counter, 1);
        CHECK(next_soon(ring).result().value() == POLLIN);
        add_to(counter, 1);
        CHECK(stays_quiet(ring));
    });
}

TEST_CASE("poll tells that the other end is gone without being asked", "[poll]") {
    under_each_setup([](ring& ring) {
        connection readable = pipe_pair();
        ring.push(op::poll(readable.ours, 0)).value();
        CHECK(stays_quiet(ring));
        readable.theirs.close();
        CHECK(events_of(next_soon(ring)) == POLLHUP);

        connection writable = pipe_pair();
        ring.push(op::poll(writable.theirs, POLLIN)).value();
        CHECK(stays_quiet(ring));
        writable.ours.close();
        CHECK(events_of(next_soon(ring)) == POLLERR);
    });
}

TEST_CASE("poll tells when there is room to write again", "[poll]") {
    under_each_setup([](ring& ring) {
        connection pipe = pipe_pair();
        REQUIRE(::fcntl(pipe.theirs, F_SETFL, O_NONBLOCK) == 0);
        char page[4096] = {};
        while (::write(pipe.theirs, page, sizeof page) > 0) {
        }
        ring.push(op::poll(pipe.theirs, POLLOUT)).value();
        CHECK(stays_quiet(ring));
        REQUIRE(::read(pipe.ours, page, sizeof page) == sizeof page);
        CHECK(events_of(next_soon(ring)) == POLLOUT);
    });
}

TEST_CASE("poll takes events beyond the first eight bits", "[poll][hazard 31]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        ring.push(op::poll(pair.ours, POLLRDHUP)).value();
        CHECK(stays_quiet(ring));
        send_all(pair.theirs, "data is not what was asked for");
        CHECK(stays_quiet(ring));
        REQUIRE(::shutdown(pair.theirs, SHUT_WR) == 0);
        CHECK(events_of(next_soon(ring)) == POLLRDHUP);
    });
}

TEST_CASE("the upper half of poll's events reaches the kernel", "[poll][hazard 31]") {
    ring asked = ring::create({.entries = 4, .exactly = true}).value();
    if ((asked.features() & lio::abi::feat_poll_32bits) == 0)
        LIO_SKIP("the kernel takes the lower 16 bits of the events only (Linux 5.9 takes all)");
    under_each_setup([](ring& ring) {
        const owned_file counter = event_counter();
        // Of two that wait exclusively one event wakes one.
        ring.push(op::poll(counter, POLLIN | EPOLLEXCLUSIVE).user_data(1),
                  op::poll(counter, POLLIN | EPOLLEXCLUSIVE).user_data(2))
            .value();
        CHECK(stays_quiet(ring));
        add_to(counter, 1);
        const cqe first = next_soon(ring);
        CHECK(first.result().value() == POLLIN);
        CHECK(stays_quiet(ring));
        add_to(counter, 1);
        const cqe second = next_soon(ring);
        CHECK(second.result().value() == POLLIN);
        CHECK(first.user_data() + second.user_data() == 3);
        // Of two that do not, one event wakes both.
        std::uint64_t count = 0;
        REQUIRE(::read(counter, &count, sizeof count) == sizeof count);
        ring.push(op::poll(counter, POLLIN).user_data(1), op::poll(counter, POLLIN).user_data(2)).value();
        CHECK(stays_quiet(ring));
        add_to(counter, 1);
        CHECK(next_soon(ring, 2).size() == 2);
    });
}

TEST_CASE("poll of a bad descriptor says so", "[poll]") {
    under_each_setup([](ring& ring) { CHECK(code(run(ring, op::poll(0x3fffffff, POLLIN))) == EBADF); });
}

TEST_CASE("poll of a regular file finds it ready", "[poll]") {
    under_each_setup([](ring& ring) {
        const owned_file file{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
        const cqe done = run(ring, op::poll(file, POLLIN | POLLOUT));
        // Older kernels have nothing to wait for there and refuse.
        if (code(done) == EINVAL) {
            record_partial_skip("the kernel polls no regular files");
            return;
        }
        CHECK(events_of(done) == (POLLIN | POLLOUT));
    });
}

TEST_CASE("a cancelled poll says so and takes no event", "[poll][hazard 33]") {
    under_each_setup([](ring& ring) {
        const owned_file counter = event_counter();
        ring.push(op::poll(counter, POLLIN).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == ECANCELED);
        CHECK(code(of(done, 2)) == 0);
        add_to(counter, 1);
        CHECK(stays_quiet(ring));
    });
}

TEST_CASE("what is chained behind a poll starts when the event comes", "[poll]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[8] = {};
        ring.push(op::poll(pair.ours, POLLIN).link().user_data(1), op::recv(pair.ours, bytes).user_data(2)).value();
        CHECK(stays_quiet(ring));
        send_all(pair.theirs, "ready");
        const auto done = next_soon(ring, 2);
        CHECK(of(done, 1).result().value() == POLLIN);
        CHECK(of(done, 2).result().value() == 5);
    });
}
