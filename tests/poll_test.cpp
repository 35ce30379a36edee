// Polling: events are made happen by plain POSIX calls on pipes, sockets and eventfds. Each test runs on a ring of
// every set-up that this kernel takes; one thread.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/abi/setup.hpp>
#include <lio/completion.hpp>
#include <lio/op/cancel.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/poll.hpp>
#include <lio/op/recv.hpp>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>
#include <type_traits>

namespace poll_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cancel_answer;
using lio::cqe;
using lio::multishot_event;
using lio::ring;

const char here = 'x';

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
    add("poll_multishot", op::poll_multishot(5, POLLIN | POLLPRI),
        expected_entry{}.u8(0, 6).s32(4, 5).u32(24, 1).u16(28, POLLIN | POLLPRI));
    add("poll_multishot with high events and modifiers",
        op::poll_multishot(lio::direct_descriptor{6}, POLLRDHUP | EPOLLEXCLUSIVE)
            .level_triggered()
            .link()
            .force_async()
            .user_data(9),
        expected_entry{}
            .u8(0, 6)
            .u8(1, 1 | 4 | 16)
            .s32(4, 6)
            .u32(24, 1 | 8)
            .u16(28, POLLRDHUP)
            .u16(30, static_cast<std::uint16_t>(EPOLLEXCLUSIVE >> 16))
            .u64(32, 9));
    add("poll_remove", op::poll_remove(77), expected_entry{}.u8(0, 7).s32(4, -1).u64(16, 77));
    add("poll_remove with modifiers", op::poll_remove(&here).user_data(-2).link().skip_success(),
        expected_entry{}.u8(0, 7).u8(1, 4 | 64).s32(4, -1).pointer(16, &here).u64(32, ~std::uint64_t{1}));
    add("poll_update of events", op::poll_update(77, POLLOUT | POLLRDHUP),
        expected_entry{}.u8(0, 7).s32(4, -1).u64(16, 77).u32(24, 2).u16(28, POLLOUT | POLLRDHUP));
    add("poll_update of events and user_data, with modifiers",
        op::poll_update(&here, POLLIN | EPOLLEXCLUSIVE).new_user_data(5).user_data(6).hard_link(),
        expected_entry{}
            .u8(0, 7)
            .u8(1, 8)
            .s32(4, -1)
            .u64(8, 5)
            .pointer(16, &here)
            .u32(24, 2 | 4)
            .u16(28, POLLIN)
            .u16(30, static_cast<std::uint16_t>(EPOLLEXCLUSIVE >> 16))
            .u64(32, 6));
    add("poll_update of user_data", op::poll_update::only_user_data(77, &here).user_data(6),
        expected_entry{}.u8(0, 7).s32(4, -1).pointer(8, &here).u64(16, 77).u32(24, 4).u64(32, 6));
}};

// One that completes many times cannot skip its successes, and the kernel refuses it.
template <class Operation>
concept can_skip_success = requires(Operation operation) { operation.skip_success(); };
static_assert(can_skip_success<op::poll> && !can_skip_success<op::poll_multishot>);
// An update that changes nothing would be a removal.
static_assert(!std::is_constructible_v<op::poll_update, int>);
static_assert(!std::is_constructible_v<op::poll_update, std::uint64_t>);

owned_file event_counter(unsigned count = 0) { return owned_file{::eventfd(count, EFD_CLOEXEC | EFD_NONBLOCK)}; }

/// As an int, which the constants of <poll.h> are.
int events_of(const cqe& done) { return static_cast<int>(done.result<op::poll>().value()); }

void add_to(int counter, std::uint64_t count) { REQUIRE(::write(counter, &count, sizeof count) == sizeof count); }

void drain_counter(int counter) {
    std::uint64_t count = 0;
    REQUIRE(::read(counter, &count, sizeof count) == sizeof count);
}

/// Whether this kernel's polls complete many times, and can be changed (both Linux 5.13).
bool has_poll_multishot() {
    static const bool answer = [] {
        ring asked = ring::create({.entries = 4, .exactly = true}).value();
        const owned_file counter = event_counter(1);
        return code(run(asked, op::poll_multishot(counter, POLLIN))) != EINVAL;
    }();
    return answer;
}

const char* const once_only = "the kernel's polls complete once (since Linux 5.13 many times)";
const char* const no_updates = "the kernel's polls cannot be changed (since Linux 5.13 they can)";

} // namespace

TEST_CASE("poll completes when the event comes, and says which it is [hazard 31]", "[poll][hazard 31]") {
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

TEST_CASE("poll takes events beyond the first eight bits [hazard 31]", "[poll][hazard 31]") {
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

TEST_CASE("the upper half of poll's events reaches the kernel [hazard 31]", "[poll][hazard 31]") {
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

TEST_CASE("a cancelled poll says so and takes no event [hazard 33]", "[poll][hazard 33]") {
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

TEST_CASE("poll_multishot completes each time that the event comes [hazard 34]", "[poll][hazard 34]") {
    if (!has_poll_multishot()) LIO_SKIP(once_only);
    under_each_setup([](ring& ring) {
        const owned_file counter = event_counter();
        ring.push(op::poll_multishot(counter, POLLIN).user_data(3)).value();
        CHECK(stays_quiet(ring));
        for (int i = 0; i < 5; ++i) {
            add_to(counter, 1);
            const cqe done = next_soon(ring);
            CHECK(done.user_data() == 3);
            CHECK(done.more());
            CHECK(done.as<op::poll_multishot>().event() == multishot_event::item);
            CHECK(done.as<op::poll_multishot>().item() == POLLIN);
            // Half of the time it is read: what lies there does not keep the next one back, nor is it told again.
            if (i % 2 != 0) drain_counter(counter);
            CHECK(stays_quiet(ring, 3));
        }
        ring.push(op::poll_remove(3).user_data(4)).value();
        const auto done = next_soon(ring, 2);
        CHECK(of(done, 3).as<op::poll_multishot>().event() == multishot_event::cancelled);
        CHECK_FALSE(of(done, 3).more());
        CHECK(of(done, 4).result<op::poll_remove>().value() == cancel_answer::cancelled(1));
        add_to(counter, 1);
        CHECK(stays_quiet(ring));
    });
}

TEST_CASE("poll_multishot tells what is there from the start, and every event that was asked for [hazard 31]",
          "[poll][hazard 31]") {
    if (!has_poll_multishot()) LIO_SKIP(once_only);
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        ring.push(op::poll_multishot(pair.ours, POLLIN | POLLOUT | POLLRDHUP).user_data(1)).value();
        CHECK(events_of(next_soon(ring)) == POLLOUT);
        send_all(pair.theirs, "!");
        CHECK((events_of(next_soon(ring)) & POLLIN) != 0);
        REQUIRE(::shutdown(pair.theirs, SHUT_WR) == 0);
        int seen = 0;
        for (int i = 0; i < 5 && (seen & POLLRDHUP) == 0; ++i) seen |= events_of(next_soon(ring));
        CHECK((seen & (POLLIN | POLLOUT | POLLRDHUP)) == (POLLIN | POLLOUT | POLLRDHUP));
        // The other end goes for good; nobody has to ask for that.
        pair.theirs.close();
        for (int i = 0; i < 5 && (seen & POLLHUP) == 0; ++i) seen |= events_of(next_soon(ring));
        CHECK((seen & POLLHUP) != 0);
    });
}

TEST_CASE("poll_multishot ends, without a failure, when nobody takes its completions [hazard 34]",
          "[poll][hazard 34]") {
    if (!has_poll_multishot()) LIO_SKIP(once_only);
    // On a ring that posts completions without being asked, and has room for two.
    ring small = ring::create({.entries = 1, .exactly = true}).value();
    const owned_file counter = event_counter();
    small.push(op::poll_multishot(counter, POLLIN).user_data(1)).value();
    submit_all(small);
    for (int i = 0; i < 40; ++i) {
        add_to(counter, 1);
        ::poll(nullptr, 0, 1);
    }
    int seen = 0;
    bool ended = false;
    for (; !ended && seen < 40; ++seen) {
        const cqe done = next_soon(small);
        CHECK((done.result().value() & POLLIN) != 0);
        ended = !done.more();
    }
    if (!ended) {
        // Where it does not end it has lost nothing: the kernel has kept what found no room.
        record_partial_skip("the kernel's polls go on when the queue is full (later ones end)");
        add_to(counter, 1);
        CHECK(next_soon(small).more());
        return;
    }
    CHECK(seen == 3); // the two, and the last, which finds no room and waits for it
    add_to(counter, 1);
    CHECK(stays_quiet(small));
    // And nothing keeps it from being submitted again.
    CHECK(events_of(run(small, op::poll(counter, POLLIN))) == POLLIN);
}

TEST_CASE("level-triggered polls are refused, or tell of what was left", "[poll]") {
    if (!has_poll_multishot()) LIO_SKIP(once_only);
    under_each_setup([](ring& ring) {
        const owned_file counter = event_counter(1);
        ring.push(op::poll_multishot(counter, POLLIN).level_triggered().user_data(1)).value();
        const cqe first = next_soon(ring);
        if (code(first) == EINVAL) { // as by all kernels up to 7.3
            CHECK_FALSE(first.more());
            CHECK(first.as<op::poll_multishot>().event() == multishot_event::failed);
            return;
        }
        CHECK(events_of(first) == POLLIN);
        CHECK(events_of(next_soon(ring)) == POLLIN); // nothing was read, nothing came
    });
}

TEST_CASE("poll_multishot of a bad descriptor says so and ends", "[poll]") {
    if (!has_poll_multishot()) LIO_SKIP(once_only);
    under_each_setup([](ring& ring) {
        const cqe done = run(ring, op::poll_multishot(0x3fffffff, POLLIN));
        CHECK(code(done) == EBADF);
        CHECK_FALSE(done.more());
        CHECK(done.as<op::poll_multishot>().event() == multishot_event::failed);
    });
}

TEST_CASE("closing a descriptor does not end the poll on it, cancelling does [hazard 33]", "[poll][hazard 33]") {
    if (!has_poll_multishot()) LIO_SKIP(once_only);
    under_each_setup([](ring& ring) {
        connection pair = pipe_pair();
        ring.push(op::poll_multishot(pair.ours, POLLIN).user_data(1)).value();
        CHECK(stays_quiet(ring, 5));
        pair.ours.close();
        CHECK(stays_quiet(ring, 5));
        // The pipe's reading end is open still: nobody gets EPIPE.
        REQUIRE(::write(pair.theirs, "!", 1) == 1);
        CHECK(events_of(next_soon(ring)) == POLLIN);
        ring.push(op::cancel(1).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == ECANCELED);
        CHECK_FALSE(of(done, 1).more());
    });
}

TEST_CASE("poll_remove ends a poll, which says so itself [hazard 33]", "[poll][hazard 33]") {
    under_each_setup([](ring& ring) {
        const owned_file counter = event_counter();
        ring.push(op::poll(counter, POLLIN).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::poll_remove(1).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == ECANCELED);
        CHECK(code(of(done, 2)) == 0);
        CHECK(of(done, 2).result<op::poll_remove>().value() == cancel_answer::cancelled(1));
        add_to(counter, 1);
        CHECK(stays_quiet(ring));
    });
}

TEST_CASE("poll_remove finds no poll that has completed, nor what another operation waits for [hazard 33]",
          "[poll][hazard 33]") {
    under_each_setup([](ring& ring) {
        const cqe none = run(ring, op::poll_remove(99));
        CHECK(code(none) == ENOENT);
        CHECK(none.result<op::poll_remove>().value().was_not_found());
        const owned_file counter = event_counter(1);
        CHECK(events_of(run(ring, op::poll(counter, POLLIN).user_data(99))) == POLLIN);
        CHECK(code(run(ring, op::poll_remove(99))) == ENOENT);
        connection pair = socket_pair();
        char byte;
        ring.push(op::recv(pair.ours, {&byte, 1}).user_data(99)).value();
        CHECK(stays_quiet(ring));
        CHECK(code(run(ring, op::poll_remove(99).user_data(1))) == ENOENT);
        send_all(pair.theirs, "!");
        CHECK(next_soon(ring).result().value() == 1);
    });
}

TEST_CASE("the answers to removals and updates of polls are values [hazard 33]", "[poll][layout][hazard 33]") {
    const auto completion = [](std::int32_t result) { return cqe{lio::abi::cqe{0, result, 0}}; };
    CHECK(completion(0).result<op::poll_remove>().value() == cancel_answer::cancelled(1));
    CHECK(completion(-EALREADY).result<op::poll_remove>().value().was_too_late());
    CHECK(completion(-EINVAL).result<op::poll_remove>().error().code() == EINVAL);
    CHECK(completion(0).result<op::poll_update>().value() == cancel_answer::cancelled(1));
    CHECK(completion(-ENOENT).result<op::poll_update>().value().was_not_found());
    CHECK(completion(-EALREADY).result<op::poll_update>().value().was_too_late());
}

TEST_CASE("poll_update gives a poll other events [hazard 31]", "[poll][hazard 31]") {
    if (!has_poll_multishot()) LIO_SKIP(no_updates);
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        ring.push(op::poll(pair.ours, POLLIN).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::poll_update(1, POLLRDHUP).user_data(2)).value();
        const cqe answer = next_soon(ring);
        CHECK(answer.user_data() == 2);
        CHECK(answer.result<op::poll_update>().value() == cancel_answer::cancelled(1));
        send_all(pair.theirs, "not asked for any more");
        CHECK(stays_quiet(ring));
        REQUIRE(::shutdown(pair.theirs, SHUT_WR) == 0);
        const cqe done = next_soon(ring);
        CHECK(done.user_data() == 1);
        CHECK(events_of(done) == POLLRDHUP);
        CHECK_FALSE(done.more());
    });
}

TEST_CASE("poll_update finds an event that is there already", "[poll]") {
    if (!has_poll_multishot()) LIO_SKIP(no_updates);
    // Older kernels lose such a poll, and then a process that had it does not end. None of them knows this option.
    if (!ring::create({.require = lio::setup::single_issuer, .exactly = true}))
        LIO_SKIP("the kernel may lose a poll when an update finds its event there already (not since Linux 6.0)");
    under_each_setup([](ring& ring) {
        const owned_file counter = event_counter(); // room to write, nothing to read
        ring.push(op::poll(counter, POLLIN).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::poll_update(1, POLLOUT).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 2)) == 0);
        CHECK(events_of(of(done, 1)) == POLLOUT);
    });
}

TEST_CASE("poll_update gives a poll's completions another number", "[poll]") {
    if (!has_poll_multishot()) LIO_SKIP(no_updates);
    under_each_setup([](ring& ring) {
        const owned_file counter = event_counter();
        ring.push(op::poll_multishot(counter, POLLIN).user_data(1)).value();
        CHECK(stays_quiet(ring));
        const cqe answer = run(ring, op::poll_update::only_user_data(1, 10).user_data(2));
        CHECK(answer.result<op::poll_update>().value() == cancel_answer::cancelled(1));
        add_to(counter, 1);
        CHECK(next_soon(ring).user_data() == 10);
        drain_counter(counter);
        // Under the old number there is none any more; 0 is a number too.
        CHECK(code(run(ring, op::poll_update::only_user_data(1, 11).user_data(2))) == ENOENT);
        CHECK(code(run(ring, op::poll_update(10, POLLIN).new_user_data(0).user_data(2))) == 0);
        add_to(counter, 1);
        const cqe done = next_soon(ring);
        CHECK(done.user_data() == 0);
        CHECK(done.more());
    });
}

TEST_CASE("poll_update leaves a poll as often as it was", "[poll]") {
    if (!has_poll_multishot()) LIO_SKIP(no_updates);
    under_each_setup([](ring& ring) {
        const owned_file counter = event_counter();
        ring.push(op::poll_multishot(counter, POLLPRI).user_data(1)).value();
        CHECK(stays_quiet(ring));
        CHECK(code(run(ring, op::poll_update(1, POLLIN).user_data(2))) == 0);
        for (int i = 0; i < 3; ++i) {
            add_to(counter, 1);
            CHECK(next_soon(ring).more());
        }
        ring.push(op::poll_remove(1).user_data(2)).value();
        CHECK(next_soon(ring, 2).size() == 2);
        drain_counter(counter);

        // Also when the kernel is told otherwise, with the flag that makes a poll a multishot one.
        struct update_to_multishot : op::poll_update {
            using op::poll_update::poll_update;
            update_to_multishot() : op::poll_update{1, POLLIN} { entry_.len |= lio::abi::poll_add_multi; }
        };
        ring.push(op::poll(counter, POLLPRI).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(update_to_multishot{}).value();
        CHECK(code(next_soon(ring)) == 0);
        add_to(counter, 1);
        const cqe done = next_soon(ring);
        CHECK(done.user_data() == 1);
        CHECK_FALSE(done.more());
    });
}

TEST_CASE("poll_update says when there is no such poll [hazard 33]", "[poll][hazard 33]") {
    if (!has_poll_multishot()) LIO_SKIP(no_updates);
    under_each_setup([](ring& ring) {
        const cqe none = run(ring, op::poll_update(99, POLLIN));
        CHECK(code(none) == ENOENT);
        CHECK(none.result<op::poll_update>().value().was_not_found());
        // An update that is not found breaks a chain.
        ring.push(op::poll_update(99, POLLIN).link().user_data(1), op::nop().user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 2)) == ECANCELED);
    });
}

TEST_CASE("poll_multishot of a ring completes when that has completions, and ends [hazard 34]", "[poll][hazard 34]") {
    if (!has_poll_multishot()) LIO_SKIP(once_only);
    under_each_setup([](ring& ring) {
        lio::ring other = lio::ring::create({.entries = 4, .exactly = true}).value();
        ring.push(op::poll_multishot(other.file(), POLLIN).user_data(1)).value();
        CHECK(stays_quiet(ring));
        other.push(op::nop()).value();
        other.submit().value();
        const cqe done = next_soon(ring);
        CHECK((events_of(done) & POLLIN) != 0);
        if (done.more()) record_partial_skip("the kernel's multishot poll of a ring goes on (later ones end)");
    });
}

} // namespace poll_test
