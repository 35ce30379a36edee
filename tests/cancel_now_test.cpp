// Cancelling by a call that waits. Each test runs on a ring of every set-up that this kernel takes; one thread.

#include "catch.hpp"
#include "support/files.hpp"
#include "support/machine.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/sockets.hpp"
#include "support/threads.hpp"
#include "support/waiting.hpp"
#include "support/withheld_memory.hpp"

#include <lio/cancel_now.hpp>
#include <lio/large_ring.hpp>
#include <lio/op/all.hpp>
#include <lio/registered_files.hpp>
#include <lio/split.hpp>

#include <poll.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

namespace cancel_now_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cancel_answer;
using lio::cancel_now;
using lio::cqe;
using lio::ring;

constexpr const char* missing = "cancelling by a call: since Linux 6.0";
constexpr const char* no_narrow = "cancelling by kind, or by more than one property: since Linux 6.6";
const lio::timespec one_hour{std::chrono::hours{1}};

bool is_there() {
    static const bool answer = [] {
        const auto asked = ring::create({.entries = 2}).value();
        const auto done = cancel_now(asked, op::cancel(1));
        if (!done) REQUIRE(done.error() == lio::error{EINVAL, lio::cause::cancel_call});
        return done.has_value();
    }();
    return answer;
}

bool has_narrow() {
    static const bool answer = [] {
        if (!is_there()) return false;
        ring asked = ring::create({.entries = 2, .exactly = true}).value();
        asked.push(op::timeout(one_hour).user_data(1)).value();
        submit_all(asked);
        const auto done = cancel_now(asked, op::cancel_opcode(op::timeout::code));
        return done && done->count() == 1;
    }();
    return answer;
}

} // namespace

TEST_CASE("cancel_now ends the operation with this user_data, whose completion is there right after [hazard 33]",
          "[hazard 33]") {
    if (!is_there()) LIO_SKIP(missing);
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[8];
        ring.push(op::recv(pair.ours, bytes).user_data(&bytes), op::poll(pair.ours, POLLIN).user_data(2)).value();
        CHECK(stays_quiet(ring));
        CHECK(cancel_now(ring, op::cancel(&bytes)).value() == cancel_answer::cancelled(1));
        const cqe done = next_soon(ring);
        CHECK(done.user_data_as<char(*)[8]>() == &bytes);
        CHECK(code(done) == ECANCELED);
        CHECK(stays_quiet(ring, 5)); // the other one goes on
        send_all(pair.theirs, "!");
        CHECK(next_soon(ring).result().value() == POLLIN);
        CHECK(receive_some(pair.ours) == "!");
    });
}

TEST_CASE("cancel_now says when there is no such operation, and leaves the others alone [hazard 33]", "[hazard 33]") {
    if (!is_there()) LIO_SKIP(missing);
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        ring.push(op::poll(pair.ours, POLLIN).user_data(1)).value();
        CHECK(stays_quiet(ring));
        CHECK(cancel_now(ring, op::cancel(2)).value().was_not_found());
        CHECK(cancel_now(ring, op::cancel(2), one_hour).value().was_not_found());
        CHECK(cancel_now(ring, op::cancel_file(pair.theirs)).value().was_not_found());
        CHECK(cancel_now(ring, op::cancel_all(2)).value() == cancel_answer::cancelled(0));
        CHECK(stays_quiet(ring, 5));
        send_all(pair.theirs, "!");
        CHECK(next_soon(ring).result().value() == POLLIN);
        CHECK(cancel_now(ring, op::cancel(1)).value().was_not_found()); // it is over
    });
}

TEST_CASE("cancel_now does not touch what is only queued") {
    if (!is_there()) LIO_SKIP(missing);
    under_each_setup([](ring& ring) {
        if (has(ring.setup_flags(), lio::setup::sqpoll)) return; // there nothing is only queued
        ring.push(op::nop().user_data(1)).value();
        CHECK(cancel_now(ring, op::cancel_all()).value().count() == 0);
        CHECK(code(next_soon(ring)) == 0);
    });
}

TEST_CASE("cancel_now ends all operations with one user_data, or all there are, and says how many") {
    if (!is_there()) LIO_SKIP(missing);
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        for (int i = 0; i < 5; ++i) ring.push(op::poll(pair.ours, POLLIN).user_data(1)).value();
        for (int i = 0; i < 2; ++i) ring.push(op::timeout(one_hour).user_data(2)).value();
        CHECK(stays_quiet(ring));
        CHECK(cancel_now(ring, op::cancel_all(1)).value().count() == 5);
        for (const cqe& done : next_soon(ring, 5)) {
            CHECK(done.user_data() == 1);
            CHECK(code(done) == ECANCELED);
        }
        CHECK(stays_quiet(ring, 5));
        ring.push(op::poll(pair.ours, POLLIN).user_data(3)).value();
        CHECK(stays_quiet(ring));
        CHECK(cancel_now(ring, op::cancel_all()).value().count() == 3);
        for (const cqe& done : next_soon(ring, 3)) CHECK(code(done) == ECANCELED);
        CHECK(cancel_now(ring, op::cancel_all()).value().count() == 0);
    });
}

TEST_CASE("cancel_now ends what is in flight on a file, by its descriptor or its slot") {
    if (!is_there()) LIO_SKIP(missing);
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        connection other = socket_pair();
        const int files[] = {other.ours, pair.ours};
        auto slots = lio::registered_files::create(ring, files).value();
        const auto arm = [&] {
            for (int i = 0; i < 3; ++i) ring.push(op::poll(slots[1], POLLIN).user_data(1)).value();
            ring.push(op::poll(other.ours, POLLIN).user_data(2)).value();
            CHECK(stays_quiet(ring));
        };
        const auto ended = [&](std::uint32_t count) {
            for (const cqe& done : next_soon(ring, count)) {
                CHECK(done.user_data() == 1);
                CHECK(code(done) == ECANCELED);
            }
            CHECK(stays_quiet(ring, 5));
        };
        arm();
        CHECK(cancel_now(ring, op::cancel_file(slots[1])).value() == cancel_answer::cancelled(1));
        ended(1);
        CHECK(cancel_now(ring, op::cancel_file_all(pair.ours)).value().count() == 2);
        ended(2);
        CHECK(cancel_now(ring, op::cancel_all(2)).value().count() == 1);
        CHECK(next_soon(ring).user_data() == 2);
        arm();
        CHECK(cancel_now(ring, op::cancel_file_all(slots[1])).value().count() == 3);
        ended(3);
        const lio::error not_open{EBADF, lio::cause::cancel_call};
        CHECK(cancel_now(ring, op::cancel_file(-1)).error() == not_open);
        CHECK(cancel_now(ring, op::cancel_file(lio::direct_descriptor{2})).error() == not_open);
        CHECK(cancel_now(ring, op::cancel_all(2)).value().count() == 1);
        CHECK(next_soon(ring).user_data() == 2);
    });
}

TEST_CASE("cancel_now looks for kinds, and for several properties at once") {
    if (!has_narrow()) LIO_SKIP(no_narrow);
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[8];
        ring.push(op::poll(pair.ours, POLLIN).user_data(1), op::recv(pair.ours, bytes).user_data(1),
                  op::recv(pair.theirs, bytes).user_data(1), op::timeout(one_hour).user_data(4))
            .value();
        CHECK(stays_quiet(ring));
        const auto one_recv = op::cancel_all(1).only_on(pair.theirs).only_of<op::recv>();
        CHECK(cancel_now(ring, one_recv).value().count() == 1);
        CHECK(code(next_soon(ring)) == ECANCELED);
        CHECK(cancel_now(ring, one_recv).value().count() == 0);
        CHECK(cancel_now(ring, op::cancel_opcode(op::timeout::code)).value().count() == 1);
        CHECK(next_soon(ring).user_data() == 4);
        CHECK(cancel_now(ring, op::cancel_opcode_all(op::recv::code)).value().count() == 1);
        CHECK(code(next_soon(ring)) == ECANCELED);
        CHECK(stays_quiet(ring, 5));
        CHECK(cancel_now(ring, op::cancel(1).only_of<op::poll>()).value().count() == 1);
        CHECK(code(next_soon(ring)) == ECANCELED);
    });
}

TEST_CASE("cancel_now waits until what a worker runs has ended") {
    if (!is_there()) LIO_SKIP(missing);
    under_each_setup([](ring& ring) {
        // A worker that opens a FIFO waits for the other end.
        const temporary_directory directory;
        const std::string fifo = directory / "fifo";
        REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
        ring.push(op::openat(lio::current_directory, fifo.c_str(), O_RDONLY | O_CLOEXEC).force_async().user_data(1))
            .value();
        CHECK(stays_quiet(ring, 50));
        if (has(ring.setup_flags(), lio::setup::sqpoll)) {
            // The worker is the kernel thread's; there it takes an entry.
            if (cancel_now(ring, op::cancel(1)).value().was_not_found())
                ring.push(op::cancel(1).user_data(2)).value();
        } else {
            const auto answer = cancel_now(ring, op::cancel(1), lio::test::patience).value();
            CHECK((answer == cancel_answer::cancelled(1) || answer.was_not_found()));
        }
        cqe ended = next_soon(ring);
        while (ended.user_data() != 1) ended = next_soon(ring);
        CHECK(ended.raw_result() < 0);
        CHECK(::open(fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC) == -1); // nobody reads
        CHECK(errno == ENXIO);
        // Without an end it does not wait for ever either.
        if (has(ring.setup_flags(), lio::setup::sqpoll)) return;
        ring.push(op::openat(lio::current_directory, fifo.c_str(), O_RDONLY | O_CLOEXEC).force_async().user_data(1))
            .value();
        CHECK(stays_quiet(ring, 50));
        CHECK(cancel_now(ring, op::cancel(1)).has_value());
        CHECK(next_soon(ring).raw_result() < 0);
    });
}

TEST_CASE("cancel_now gives up on what cannot be interrupted when its time is over") {
    if (!is_there()) LIO_SKIP(missing);
    if (!withheld_memory::is_there()) LIO_SKIP(withheld_memory::missing);
    under_each_setup([](ring& ring) {
        if (has(ring.setup_flags(), lio::setup::sqpoll)) return; // no worker is in reach
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_RDONLY};
        withheld_memory memory;
        ring.push(op::read(file, memory.first(7), 0).force_async().user_data(1)).value();
        submit_all(ring);
        REQUIRE(memory.is_touched_soon()); // what no worker has begun can be cancelled
        const auto late = cancel_now(ring, op::cancel(1), to_timespec(milliseconds(20)));
        REQUIRE_FALSE(late);
        CHECK(late.error() == lio::error{ETIME, lio::cause::cancel_call});
        CHECK(stays_quiet(ring, 5));
        memory.give();
        CHECK(next_soon(ring).user_data() == 1); // whether it still read is its own affair
        // The worker lets go of it a little after its completion. Whoever asks in between, and waits without an end,
        // may wait for what has already happened.
        const auto is_gone = [&ring] {
            const auto answer = cancel_now(ring, op::cancel(1), to_timespec(milliseconds(20)));
            return answer && answer->was_not_found();
        };
        const std::int64_t give_up = end_of_patience();
        while (!is_gone()) REQUIRE(now() < give_up);
    });
}

TEST_CASE("cancel_now refuses what means nothing to it, and cancels nothing then") {
    if (!is_there()) LIO_SKIP(missing);
    under_each_setup([](ring& ring) {
        ring.push(op::timeout(one_hour).user_data(1)).value();
        CHECK(stays_quiet(ring));
        const lio::error no_entry{EINVAL, lio::cause::not_an_entry};
        CHECK(cancel_now(ring, op::cancel(1).user_data(2)).error() == no_entry);
        CHECK(cancel_now(ring, op::cancel(1).link()).error() == no_entry);
        CHECK(cancel_now(ring, op::cancel(1).skip_success()).error() == no_entry);
        CHECK(cancel_now(ring, op::cancel(1).personality(1)).error() == no_entry);
        const lio::error refused{EINVAL, lio::cause::cancel_call};
        CHECK(cancel_now(ring, op::cancel(1), lio::timespec{-1, -1}).error() == refused);
        for (const std::int64_t nanoseconds : {std::int64_t{-1}, INT64_MIN, std::int64_t{1'000'000'000}, INT64_MAX}) {
            CHECK(cancel_now(ring, op::cancel(1), lio::timespec{0, nanoseconds}).error() == refused);
            CHECK(cancel_now(ring, op::cancel(1), lio::timespec{INT64_MAX, nanoseconds}).error() == refused);
        }
        CHECK(stays_quiet(ring, 5));
        CHECK(cancel_now(ring, op::cancel(1), lio::timespec{0, 999'999'999}).value().count() == 1);
        CHECK(code(next_soon(ring)) == ECANCELED);
    });
}

TEST_CASE("either half of a split ring and rings of other types cancel at once; closed ones and other threads do not") {
    if (!is_there()) LIO_SKIP(missing);
    {
        auto [completions, submissions] = lio::with_capacity(4).value();
        submissions.push(op::timeout(one_hour).user_data(1), op::timeout(one_hour).user_data(2)).value();
        submissions.submit().value();
        CHECK(cancel_now(submissions, op::cancel(1)).value().count() == 1);
        CHECK(cancel_now(completions, op::cancel(2)).value().count() == 1);
        for (int i = 0; i < 2; ++i) CHECK(code(completions.next(lio::test::patience).value()) == ECANCELED);
        // Also on another thread than the one that submitted.
        submissions.push(op::timeout(one_hour).user_data(3)).value();
        submissions.submit().value();
        on_fresh_thread([&, &completions = completions] {
            CHECK(cancel_now(completions, op::cancel(3)).value().count() == 1);
            CHECK(completions.next(lio::test::patience).value().user_data() == 3);
        });
    }
    lio::large_ring large = lio::large_ring::create({.entries = 4}).value();
    large.push(op::timeout(one_hour).user_data(1)).value();
    large.submit().value();
    CHECK(cancel_now(large, op::cancel(1)).value().count() == 1);
    CHECK(large.next(lio::test::patience).value().user_data() == 1);
    on_fresh_thread([&] {
        const auto elsewhere = cancel_now(large, op::cancel(1));
        REQUIRE(!elsewhere);
        CHECK(elsewhere.error() == lio::error{EEXIST, lio::cause::wrong_thread});
    });
    lio::large_ring moved = std::move(large);
    CHECK(cancel_now(large, op::cancel(1)).error().why() == lio::cause::ring_closed);
    moved.close().value();
    CHECK(cancel_now(moved, op::cancel(1)).error().why() == lio::cause::ring_closed);
}

} // namespace cancel_now_test
