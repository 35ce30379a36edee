// Rings and processes: what becomes of operations in flight when their process or thread ends, and of a ring that
// somebody else gets hold of. Children only call what a forked child may.

#include "catch.hpp"

#include "support/machine.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/op/nop.hpp>
#include <lio/op/read_write.hpp>
#include <lio/op/time.hpp>
#include <lio/ring.hpp>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <thread>

#include <poll.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace process_test {

namespace {

namespace op = lio::op;
using lio::setup;
using lio::test::under_each_setup;

// Whether this comes true of the file within the patience.
bool comes(int file, short event) {
    ::pollfd one{file, 0, 0};
    if ((event & (POLLERR | POLLHUP)) == 0) one.events = event;
    return ::poll(&one, 1, lio::test::patience_in_milliseconds) == 1 && (one.revents & event) != 0;
}

// The child's whole life. It reads from `input`, has a timer running, and has a write into `output` queued but not
// submitted. Then it exits, or becomes another program that knows nothing of rings.
[[noreturn]] void leave_in_flight(const lio::ring_options& options, int input, int output, bool exec) {
    static const lio::timespec long_time{1000, 0};
    static char memory[4096];
    auto ring = lio::ring::create(options);
    if (!ring) ::_exit(2);
    if (!ring->push(op::read(input, lio::mutable_bytes{memory, sizeof memory}, 0), op::timeout(long_time))) ::_exit(3);
    if (!ring->submit()) ::_exit(4);
    // Where a kernel thread submits, whatever is published goes at once; this is not.
    if (!ring->push(op::write(output, lio::bytes{"late", 4}, 0))) ::_exit(5);
    if (exec) {
        // Lives until its standard input ends.
        ::execl("/bin/sh", "sh", "-c", "read line; exit 0", static_cast<char*>(nullptr));
        ::_exit(6);
    }
    ::_exit(0); // no destructor runs: the ring is open
}

void check_child_that_leaves(bool exec) {
    for (const auto& one : lio::test::available_setups()) {
        INFO(one.name);
        lio::ring_options options = one.options;
        options.entries = 8;
        if (has(options.require, setup::start_disabled)) continue;
        auto input = lio::test::pipe_pair();
        auto output = lio::test::pipe_pair();
        auto life = lio::test::pipe_pair();
        const pid_t child = ::fork();
        REQUIRE(child != -1);
        if (child == 0) {
            ::dup2(::open("/dev/null", O_WRONLY), STDOUT_FILENO);
            ::dup2(life.ours, STDIN_FILENO);
            leave_in_flight(options, input.ours, output.theirs, exec);
        }
        input.ours.close();
        output.theirs.close();
        // The pipes' ends that the operations held are gone within bounded time, though nobody has closed the ring.
        CHECK(comes(input.theirs, POLLERR));
        CHECK(comes(output.ours, POLLHUP));
        char byte = 0;
        CHECK(::read(output.ours, &byte, 1) == 0); // what was not submitted was not done
        int status = -1;
        // The other program lives on and had no part in this.
        if (exec) CHECK(::waitpid(child, &status, WNOHANG) == 0);
        life.theirs.close();
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
    }
}

} // namespace

TEST_CASE("operations in flight end with their process, and hold no file then [hazard 22]", "[process][hazard 22]") {
    check_child_that_leaves(false);
}

TEST_CASE("operations in flight end with exec, too [hazard 22]", "[process][hazard 22]") {
    check_child_that_leaves(true);
}

TEST_CASE("operations end with the thread that submitted them, whoever reaps them", "[process]") {
    // On rings that are nobody's own: another thread can reap what the first has left behind.
    for (const auto& one : lio::test::available_setups()) {
        if (has(one.options.require, setup::sqpoll)) continue; // these are the kernel thread's, and go on
        INFO(one.name);
        std::optional<lio::ring> made; // by the thread, to which some set-ups bind it
        const auto pipe = lio::test::pipe_pair();
        static char memory[16];
        memory[0] = '-';
        std::thread{[&] {
            made.emplace(lio::ring::create(one.options).value());
            lio::ring& ring = *made;
            ring.push(op::read(pipe.ours, lio::mutable_bytes{memory, 16}, 0).user_data(1)).value();
            ring.submit().value();
        }}.join();
        lio::ring& ring = *made;
        // The kernel may only notice when what it waited for comes: the read stays armed, but reads nothing.
        REQUIRE(::write(pipe.theirs, "x", 1) == 1);
        if (!has(ring.setup_flags(), setup::deferred_taskrun)) {
            const lio::cqe done = lio::test::next_soon(ring);
            CHECK(done.user_data() == 1);
            CHECK(lio::test::code(done) == ECANCELED);
        } else {
            // Only the thread that is gone could have waited and had the completion posted: it never comes. Linux 6.1
            // posts it by itself, later.
            if (const auto waited = ring.wait(1); !waited) CHECK(waited.error().why() == lio::cause::wrong_thread);
            ::poll(nullptr, 0, 20);
            CHECK(ring.ready() <= 1);
            for (const lio::cqe& done : ring.reap()) {
                CHECK(done.user_data() == 1);
                CHECK(lio::test::code(done) == ECANCELED);
            }
        }
        CHECK(memory[0] == '-');
        ::pollfd still{pipe.ours, POLLIN, 0};
        CHECK(::poll(&still, 1, 0) == 1); // nobody has taken the byte
    }
}

TEST_CASE("a ring that belongs to nobody can go from thread to thread between uses", "[process]") {
    for (const auto& one : lio::test::available_setups()) {
        if (has(one.options.require, setup::single_issuer)) continue;
        INFO(one.name);
        lio::ring_options options = one.options;
        options.exactly = true; // or the library binds it
        auto first = lio::ring::create(options);
        if (!first) continue;
        lio::ring ring = std::move(*first);
        const auto pipe = lio::test::pipe_pair();
        char byte = '-';
        ring.push(op::nop().user_data(1)).value();
        ring.submit_and_wait(1).value();
        CHECK(ring.next().value().user_data() == 1);
        std::thread{[&, here = std::move(ring)]() mutable {
            here.push(op::nop().user_data(2)).value();
            here.submit_and_wait(1).value();
            CHECK(here.next().value().user_data() == 2);
            ring = std::move(here);
        }}.join();
        // What this thread has in flight another one reaps.
        ring.push(op::read(pipe.ours, lio::mutable_bytes{&byte, 1}, 0).user_data(3)).value();
        ring.submit().value();
        std::thread{[&] {
            REQUIRE(::write(pipe.theirs, "x", 1) == 1);
            CHECK(ring.next(lio::test::patience).value().user_data() == 3);
        }}.join();
        CHECK(byte == 'x');
    }
}

TEST_CASE("a ring's descriptor is not passed to another process", "[process]") {
    under_each_setup([](lio::ring& ring) {
        const auto sockets = lio::test::socket_pair();
        char text = 'x';
        ::iovec data{&text, 1};
        alignas(::cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
        ::msghdr message{};
        message.msg_iov = &data;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        ::cmsghdr* const header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        const int file = ring.file();
        std::memcpy(CMSG_DATA(header), &file, sizeof file);
        const ssize_t sent = ::sendmsg(sockets.ours, &message, 0);
        if (sent == -1)
            CHECK(errno == EINVAL);
        else
            lio::test::record_partial_skip(
                "rings are not passed on: since Linux 6.7, and in late releases of older ones");
        CHECK(lio::test::code(lio::test::run(ring, op::nop())) == 0);
    });
}

} // namespace process_test
