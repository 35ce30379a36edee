// An eventfd that says that completions came.

#include "catch.hpp"
#include "support/files.hpp"
#include "support/footprint.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/waiting.hpp"

#include <lio/op/nop.hpp>
#include <lio/op/read_write.hpp>
#include <lio/registered_eventfd.hpp>
#include <lio/split.hpp>

#include <cerrno>
#include <cstdint>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace eventfd_test {

using lio::eventfd_events;
using lio::registered_eventfd;
using lio::op::nop;
using lio::test::under_each_setup;

namespace {

// An eventfd, and whether it is signalled within a while; asking clears it.
class event {
public:
    event() : file_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {}
    int file() const { return file_; }
    bool comes(int milliseconds = lio::test::patience_in_milliseconds) {
        pollfd waited{file_, POLLIN, 0};
        if (::poll(&waited, 1, milliseconds) != 1) return false;
        std::uint64_t count = 0;
        return ::read(file_, &count, sizeof count) == sizeof count;
    }
    bool stays_away() { return !comes(20); }

private:
    lio::test::open_file file_;
};

} // namespace

TEST_CASE("an eventfd tells of completions that come while nobody looks") {
    under_each_setup([](lio::ring& ring) {
        event told;
        const lio::test::pipe_ends pipe;
        auto registered = registered_eventfd::create(ring, told.file()).value();
        char byte = 0;
        ring.push(lio::op::read(pipe.reading(), lio::mutable_bytes{&byte, 1}, lio::current_position)).value();
        lio::test::submit_all(ring);
        CHECK(told.stays_away());
        REQUIRE(::write(pipe.writing(), "x", 1) == 1);
        CHECK(told.comes());
        CHECK(lio::test::next_soon(ring).result().value() == 1);

        registered.close().value();
        while (told.comes(0)) {}
        ring.push(nop()).value();
        lio::test::next_soon(ring);
        CHECK(told.stays_away());
        registered.close().value(); // nothing left to do
    });
}

TEST_CASE("an eventfd may be told only of what does not complete while it is submitted") {
    // A ring whose completions wait for the thread posts them all later, and a kernel thread all by itself.
    lio::ring ring = lio::ring::create({.entries = 4, .exactly = true}).value();
    event told;
    const lio::test::pipe_ends pipe;
    const auto registered = registered_eventfd::create(ring, told.file(), eventfd_events::asynchronous);
    if (!registered && registered.error().code() == EINVAL) LIO_SKIP("asynchronous completions only: since Linux 5.6");
    REQUIRE(registered);
    ring.push(nop()).value();
    lio::test::next_soon(ring);
    CHECK(told.stays_away());
    char byte = 0;
    ring.push(lio::op::read(pipe.reading(), lio::mutable_bytes{&byte, 1}, lio::current_position).force_async()).value();
    ring.submit().value();
    REQUIRE(::write(pipe.writing(), "x", 1) == 1);
    CHECK(told.comes());
    CHECK(lio::test::next_soon(ring).result().value() == 1);
}

TEST_CASE("signals can be paused and resumed without a system call") {
    under_each_setup([](lio::ring& ring) {
        event told;
        auto registered = registered_eventfd::create(ring, told.file()).value();
        if (const auto paused = registered.pause(); !paused) {
            CHECK(paused.error() == lio::error{EOPNOTSUPP, lio::cause::eventfd_switch_missing});
            return;
        }
        ring.push(nop()).value();
        lio::test::next_soon(ring);
        CHECK(told.stays_away());
        registered.resume().value();
        ring.push(nop()).value();
        lio::test::next_soon(ring);
        CHECK(told.comes());
    });
}

TEST_CASE("a ring has one eventfd at most, and it must be one") {
    lio::ring ring = lio::ring::create({.entries = 1}).value();
    const event told;
    const auto registered = registered_eventfd::create(ring, told.file());
    REQUIRE(registered);
    CHECK(registered_eventfd::create(ring, told.file()).error().code() == EBUSY);
    lio::ring other = lio::ring::create({.entries = 1}).value();
    const lio::test::pipe_ends pipe;
    CHECK(registered_eventfd::create(other, pipe.reading()).error().code() == EINVAL);
    CHECK(registered_eventfd::create(other, -1).error().code() == EBADF);
    // The one that failed has not taken the place.
    CHECK(registered_eventfd::create(other, told.file()));
}

TEST_CASE("an eventfd's registration may outlive the ring, and is moved, not copied") {
    const event told;
    lio::ring ring = lio::ring::create({.entries = 1}).value();
    auto registered = registered_eventfd::create(ring, told.file()).value();
    registered_eventfd moved = std::move(registered);
    registered.close().value();
    CHECK(registered_eventfd::create(ring, told.file()).error().code() == EBUSY);
    moved.close().value();
    auto again = registered_eventfd::create(ring, told.file()).value();
    ring.close().value();
    CHECK(again.pause().error().why() == lio::cause::ring_closed);
    again.close().value();
    CHECK(registered_eventfd::create(ring, told.file()).error().why() == lio::cause::ring_closed);
}

TEST_CASE("registrations of eventfds leave nothing behind, made or refused [hazard 18]", "[hazard 18]") {
    lio::test::leaks_nothing(
        [] {
            const event told;
            const lio::test::pipe_ends pipe;
            lio::ring ring = lio::ring::create({.entries = 1}).value();
            lio::ring other = lio::ring::create({.entries = 1}).value();
            auto registered = registered_eventfd::create(ring, told.file()).value();
            CHECK_FALSE(registered_eventfd::create(ring, told.file()));
            CHECK_FALSE(registered_eventfd::create(other, pipe.reading()));
            registered = registered_eventfd::create(other, told.file()).value();
            CHECK(registered_eventfd::create(ring, told.file()));
            other.close().value();
        },
        50, 1'000'000);
}

TEST_CASE("either handle of a split ring takes an eventfd") {
    event told;
    auto [completions, submissions] = lio::with_capacity(4).value();
    const auto registered = registered_eventfd::create(completions, told.file()).value();
    submissions.push(nop()).value();
    submissions.submit().value();
    CHECK(told.comes());
    CHECK(completions.next());
    CHECK(registered_eventfd::create(submissions, told.file()).error().code() == EBUSY);
}

} // namespace eventfd_test
