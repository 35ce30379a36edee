// Epoll instances changed and waited for by the ring, and looked at from outside with epoll_wait(2) itself; and how the
// operations are encoded. Single thread.

#include "catch.hpp"
#include "support/encoding.hpp"
#include "support/files.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/waiting.hpp"

#include <lio/op/cancel.hpp>
#include <lio/op/epoll.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/read_write.hpp>
#include <lio/registered_files.hpp>
#include <lio/ring.hpp>

#include <array>
#include <cerrno>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <sys/epoll.h>
#include <unistd.h>

namespace epoll_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::direct_descriptor;

static_assert(std::is_constructible_v<op::epoll_ctl, int, int, int, const ::epoll_event&>);
static_assert(!std::is_constructible_v<op::epoll_ctl, int, int, int, ::epoll_event>, "a temporary event");
static_assert(!std::is_constructible_v<op::epoll_ctl, direct_descriptor, int, int, ::epoll_event&>, "of no slots");
static_assert(!std::is_constructible_v<op::epoll_ctl, int, int, direct_descriptor, ::epoll_event&>);
static_assert(std::is_constructible_v<op::epoll_wait, direct_descriptor, ::epoll_event (&)[3]>);
static_assert(std::is_constructible_v<op::epoll_wait, int, std::vector<::epoll_event>&>);
static_assert(!std::is_constructible_v<op::epoll_wait, int, std::vector<::epoll_event>>, "a temporary array");
static_assert(!std::is_constructible_v<op::epoll_wait, int, const std::vector<::epoll_event>&>, "read only memory");
static_assert(!std::is_constructible_v<op::epoll_wait, int, const ::epoll_event (&)[3]>, "read only memory");
static_assert(!std::is_constructible_v<op::epoll_wait, int, ::epoll_event (&&)[3]>, "a temporary array");

::epoll_event row_events[3];

const encodings rows{[](auto add) {
    add("epoll_ctl", op::epoll_ctl(5, EPOLL_CTL_ADD, 6, row_events[0]),
        expected_entry{}.u8(0, 29).s32(4, 5).u64(8, 6).pointer(16, row_events).u32(24, 1));
    add("epoll_ctl that changes, with modifiers",
        op::epoll_ctl(5, EPOLL_CTL_MOD, 6, row_events[1]).link().skip_success().user_data(9),
        expected_entry{}
            .u8(0, 29)
            .u8(1, 4 | 64)
            .s32(4, 5)
            .u64(8, 6)
            .pointer(16, row_events + 1)
            .u32(24, 3)
            .u64(32, 9));
    add("epoll_ctl that removes", op::epoll_ctl(5, EPOLL_CTL_DEL, 6),
        expected_entry{}.u8(0, 29).s32(4, 5).u64(8, 6).u32(24, 2));
    add("epoll_wait", op::epoll_wait(5, row_events),
        expected_entry{}.u8(0, 59).s32(4, 5).pointer(16, row_events).u32(24, 3));
    add("epoll_wait of a slot for a pointer and a count",
        op::epoll_wait(direct_descriptor{7}, row_events, 2).drain().user_data(9),
        expected_entry{}.u8(0, 59).u8(1, 3).s32(4, 7).pointer(16, row_events).u32(24, 2).u64(32, 9));
    if constexpr (sizeof(std::size_t) > 4)
        add("epoll_wait for more than there can be", op::epoll_wait(5, row_events, std::size_t{0xffffffff} + 2),
            expected_entry{}.u8(0, 59).s32(4, 5).pointer(16, row_events).u32(24, 0xffffffff));
}};

open_file epoll_instance() { return open_file{::epoll_create1(EPOLL_CLOEXEC)}; }

::epoll_event event_for(std::uint32_t events, std::uint64_t number) {
    ::epoll_event event{};
    event.events = events;
    event.data.u64 = number;
    return event;
}

/// What an instance reports at this moment, seen from outside: the sum of the numbers, which are powers of two here.
std::uint64_t ready_numbers(int epoll) {
    ::epoll_event found[8];
    const int count = ::epoll_wait(epoll, found, 8, 0);
    REQUIRE(count >= 0);
    std::uint64_t sum = 0;
    for (int i = 0; i < count; ++i) sum += found[i].data.u64;
    return sum;
}

void add_to(int epoll, int file, std::uint32_t events, std::uint64_t number) {
    ::epoll_event event = event_for(events, number);
    REQUIRE(::epoll_ctl(epoll, EPOLL_CTL_ADD, file, &event) == 0);
}

bool can_wait() { return kernel_supports(lio::abi::opcode::epoll_wait); }

} // namespace

TEST_CASE("epoll_ctl adds a file, changes what is waited for, and removes it", "[epoll]") {
    if (!kernel_supports(lio::abi::opcode::epoll_ctl)) LIO_SKIP("epoll_ctl needs Linux 5.6");
    under_each_setup([](lio::ring& ring) {
        const open_file epoll = epoll_instance();
        const pipe_ends pipe;
        CHECK(ready_numbers(epoll) == 0);
        const ::epoll_event added = event_for(EPOLLOUT, 1);
        CHECK(complete(ring, op::epoll_ctl(epoll, EPOLL_CTL_ADD, pipe.writing(), added)).result<op::epoll_ctl>());
        CHECK(ready_numbers(epoll) == 1);
        const ::epoll_event changed = event_for(EPOLLOUT, 2);
        CHECK(code(complete(ring, op::epoll_ctl(epoll, EPOLL_CTL_MOD, pipe.writing(), changed))) == 0);
        CHECK(ready_numbers(epoll) == 2);
        const ::epoll_event nothing = event_for(0, 4);
        CHECK(code(complete(ring, op::epoll_ctl(epoll, EPOLL_CTL_MOD, pipe.writing(), nothing))) == 0);
        CHECK(ready_numbers(epoll) == 0);
        CHECK(code(complete(ring, op::epoll_ctl(epoll, EPOLL_CTL_MOD, pipe.writing(), changed))) == 0);
        CHECK(code(complete(ring, op::epoll_ctl(epoll, EPOLL_CTL_DEL, pipe.writing()))) == 0);
        CHECK(ready_numbers(epoll) == 0);
    });
}

TEST_CASE("epoll_ctl fails as the system call does, which breaks a chain", "[epoll]") {
    if (!kernel_supports(lio::abi::opcode::epoll_ctl)) LIO_SKIP("epoll_ctl needs Linux 5.6");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_RDONLY};
        const open_file epoll = epoll_instance();
        const pipe_ends pipe;
        const ::epoll_event event = event_for(EPOLLIN, 1);
        const auto control = [&](int instance, int action, int target) {
            ring.push(op::epoll_ctl(instance, action, target, event).link().user_data(1), op::nop().user_data(2))
                .value();
            const auto done = next_soon(ring, 2);
            const int answer = code(of(done, 1));
            CHECK(code(of(done, 2)) == (answer == 0 ? 0 : ECANCELED));
            return answer;
        };
        CHECK(control(epoll, EPOLL_CTL_ADD, pipe.reading()) == 0);
        CHECK(control(epoll, EPOLL_CTL_ADD, pipe.reading()) == EEXIST);
        CHECK(control(epoll, EPOLL_CTL_MOD, pipe.writing()) == ENOENT);
        CHECK(control(epoll, EPOLL_CTL_DEL, pipe.writing()) == ENOENT);
        CHECK(control(epoll, EPOLL_CTL_ADD, file) == EPERM); // a file on a disk is always ready
        CHECK(control(epoll, EPOLL_CTL_ADD, -1) == EBADF);
        CHECK(control(-1, EPOLL_CTL_ADD, pipe.writing()) == EBADF);
        CHECK(control(pipe.reading(), EPOLL_CTL_ADD, pipe.writing()) == EINVAL);
        CHECK(control(epoll, EPOLL_CTL_ADD, epoll) == EINVAL);
        CHECK(control(epoll, 4711, pipe.writing()) == EINVAL);
        CHECK(code(complete(ring, op::epoll_ctl(epoll, EPOLL_CTL_ADD, pipe.writing()))) == EFAULT);
        CHECK(ready_numbers(epoll) == 0);
    });
}

TEST_CASE("the event of epoll_ctl may change once it is submitted [hazard 40]", "[epoll][hazard 40]") {
    if (!kernel_supports(lio::abi::opcode::epoll_ctl)) LIO_SKIP("epoll_ctl needs Linux 5.6");
    under_each_setup([](lio::ring& ring) {
        const open_file epoll = epoll_instance();
        const pipe_ends gate;
        const pipe_ends pipe;
        ::epoll_event event = event_for(EPOLLOUT, 1);
        char memory[1];
        // It starts when the read ends, long after the event has become another.
        ring.push(op::read(gate.reading(), memory, 0).link(),
                  op::epoll_ctl(epoll, EPOLL_CTL_ADD, pipe.writing(), event))
            .value();
        submit_all(ring);
        event = event_for(EPOLLIN, 2);
        REQUIRE(::write(gate.writing(), "x", 1) == 1);
        for (const cqe& done : next_soon(ring, 2)) CHECK(code(done) == 0);
        CHECK(ready_numbers(epoll) == 1);
    });
}

TEST_CASE("epoll_wait completes at once when something is ready, and says what", "[epoll]") {
    if (!can_wait()) LIO_SKIP("epoll_wait needs Linux 6.15");
    under_each_setup([](lio::ring& ring) {
        const open_file epoll = epoll_instance();
        const pipe_ends first;
        const pipe_ends second;
        const pipe_ends quiet;
        add_to(epoll, first.writing(), EPOLLOUT, 1);
        add_to(epoll, second.writing(), EPOLLOUT, 2);
        add_to(epoll, quiet.reading(), EPOLLIN, 4);
        std::array<::epoll_event, 4> events{};
        CHECK(complete(ring, op::epoll_wait(epoll, events)).result<op::epoll_wait>().value() == 2);
        CHECK(events[0].data.u64 + events[1].data.u64 == 3);
        CHECK(events[0].events == EPOLLOUT);
        CHECK(events[2].events == 0);
        // No more than there is room for.
        ::epoll_event one[2] = {};
        CHECK(complete(ring, op::epoll_wait(epoll, one, 1)).result().value() == 1);
        CHECK(one[1].events == 0);
    });
}

TEST_CASE("epoll_wait completes when something becomes ready", "[epoll]") {
    if (!can_wait()) LIO_SKIP("epoll_wait needs Linux 6.15");
    under_each_setup([](lio::ring& ring) {
        const open_file epoll = epoll_instance();
        const pipe_ends pipe;
        add_to(epoll, pipe.reading(), EPOLLIN, 8);
        ::epoll_event events[2] = {};
        ring.push(op::epoll_wait(epoll, events).user_data(1)).value();
        CHECK(stays_quiet(ring));
        REQUIRE(::write(pipe.writing(), "x", 1) == 1);
        const cqe done = next_soon(ring);
        CHECK(done.result<op::epoll_wait>().value() == 1);
        CHECK(done.user_data() == 1);
        CHECK_FALSE(done.more());
        CHECK(events[0].data.u64 == 8);
        CHECK(events[0].events == EPOLLIN);

        // Also a file that is added while it waits.
        char memory[1];
        REQUIRE(::read(pipe.reading(), memory, 1) == 1);
        ring.push(op::epoll_wait(epoll, events).user_data(2)).value();
        CHECK(stays_quiet(ring));
        add_to(epoll, pipe.writing(), EPOLLOUT, 16);
        CHECK(next_soon(ring).result().value() == 1);
        CHECK(events[0].data.u64 == 16);
    });
}

TEST_CASE("epoll_wait takes an instance in a slot", "[epoll]") {
    if (!can_wait()) LIO_SKIP("epoll_wait needs Linux 6.15");
    under_each_setup([](lio::ring& ring) {
        const open_file epoll = epoll_instance();
        const pipe_ends pipe;
        add_to(epoll, pipe.writing(), EPOLLOUT, 1);
        auto files = lio::registered_files::create(ring, std::array<int, 2>{-1, epoll}).value();
        ::epoll_event events[2] = {};
        CHECK(complete(ring, op::epoll_wait(files[1], events)).result().value() == 1);
        CHECK(events[0].data.u64 == 1);
        CHECK(code(complete(ring, op::epoll_wait(files[0], events))) == EBADF);
    });
}

TEST_CASE("a waiting epoll_wait is ended by a cancel", "[epoll][hazard 33]") {
    if (!can_wait()) LIO_SKIP("epoll_wait needs Linux 6.15");
    under_each_setup([](lio::ring& ring) {
        const open_file epoll = epoll_instance();
        const pipe_ends pipe;
        add_to(epoll, pipe.reading(), EPOLLIN, 1);
        ::epoll_event events[2] = {};
        ring.push(op::epoll_wait(epoll, events).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == ECANCELED);
        CHECK(code(of(done, 2)) == 0);
        // What becomes ready now is for others.
        REQUIRE(::write(pipe.writing(), "x", 1) == 1);
        CHECK(stays_quiet(ring, 5));
        CHECK(events[0].events == 0);
        CHECK(ready_numbers(epoll) == 1);
    });
}

TEST_CASE("epoll_wait fails where there is nothing to wait with", "[epoll]") {
    if (!can_wait()) LIO_SKIP("epoll_wait needs Linux 6.15");
    under_each_setup([](lio::ring& ring) {
        const open_file epoll = epoll_instance();
        const pipe_ends pipe;
        add_to(epoll, pipe.writing(), EPOLLOUT, 1);
        ::epoll_event events[2] = {};
        CHECK(code(complete(ring, op::epoll_wait(-1, events))) == EBADF);
        CHECK(code(complete(ring, op::epoll_wait(pipe.reading(), events))) == EINVAL);
        CHECK(code(complete(ring, op::epoll_wait(epoll, events, 0))) == EINVAL);
        CHECK(code(complete(ring, op::epoll_wait(epoll, events, 0xffffffff))) == EINVAL);
        ::epoll_event* const nowhere = nullptr;
        CHECK(code(complete(ring, op::epoll_wait(epoll, nowhere, 1))) == EFAULT);
        CHECK(events[0].events == 0);
        // A failure breaks a chain.
        ring.push(op::epoll_wait(-1, events).link().user_data(1), op::nop().user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 2)) == ECANCELED);
    });
}

TEST_CASE("an epoll instance is added to another one, or that is refused", "[epoll]") {
    if (!kernel_supports(lio::abi::opcode::epoll_ctl)) LIO_SKIP("epoll_ctl needs Linux 5.6");
    under_each_setup([](lio::ring& ring) {
        const open_file outer = epoll_instance();
        const open_file inner = epoll_instance();
        const pipe_ends pipe;
        add_to(inner, pipe.writing(), EPOLLOUT, 1);
        const ::epoll_event event = event_for(EPOLLIN, 2);
        const int answer = code(complete(ring, op::epoll_ctl(outer, EPOLL_CTL_ADD, inner, event)));
        CHECK((answer == 0 || answer == EINVAL)); // Linux 7.3 does it; the kernel may come to refuse it
        CHECK(ready_numbers(outer) == (answer == 0 ? 2 : 0));
    });
}

} // namespace epoll_test
