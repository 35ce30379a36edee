// Two handles on two threads.

#include "catch.hpp"

#include "support/machine.hpp"

#include <lio/op/nop.hpp>
#include <lio/split.hpp>

#include <cerrno>
#include <memory>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace split_test {

using lio::op::nop;

namespace {

// Pushes `count` nops numbered from 0 as fast as there is room.
void submit_all(lio::submission_queue& submissions, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i)
        while (!submissions.push(nop().user_data(i)))
            static_cast<void>(submissions.submit()); // EBUSY: the reaper is slow
    while (submissions.unsubmitted() != 0) static_cast<void>(submissions.submit());
    while (!submissions.stop()) {}
}

enum class reaping { one_by_one, several };

// What one thread submits the other sees once, up to the stop; and nothing else.
void check_all_arrive(lio::split_ring& ring, std::uint64_t count, reaping how = reaping::one_by_one) {
    // One that joins by itself: a check that fails ends only the test then.
    std::jthread submitter([&, submissions = std::move(ring.submissions)]() mutable {
        submit_all(submissions, count);
        // The kernel cancels what a thread has in flight when it ends; nops are done when submit returns.
    });
    std::vector<bool> seen(static_cast<std::size_t>(count));
    std::uint64_t wrong = 0;
    std::uint64_t right = 0;
    bool has_stopped = false;
    const auto take = [&](const lio::cqe& done) {
        if (done.is_stop()) {
            has_stopped = true;
        } else if (done.user_data() < count && !seen[done.user_data_as<std::size_t>()]) {
            seen[done.user_data_as<std::size_t>()] = true;
            ++right;
        } else {
            ++wrong;
        }
    };
    // What overflowed may come in another order than it was submitted in.
    while (right < count || !has_stopped) {
        if (how == reaping::one_by_one) {
            take(ring.completions.next().value());
        } else {
            // More than may come before the stop: the stop must do.
            CHECK(ring.completions.wait(ring.completions.completion_capacity()).value() != 0);
            for (const lio::cqe& done : ring.completions.reap()) take(done);
        }
    }
    submitter.join();
    for (auto more = ring.completions.try_next(); more; more = ring.completions.try_next()) CHECK(more->is_stop());
    CHECK(wrong == 0);
    CHECK(right == count);
}

} // namespace

TEST_CASE("what one thread submits another reaps: nothing lost, nothing twice", "[slow]") {
    lio::split_ring ring = lio::with_capacity(128).value();
    check_all_arrive(ring, LIO_LONG_TESTS ? 10'000'000 : 1'000'000);
}

TEST_CASE("a split ring loses nothing whatever the sizes of its queues [hazard 12]", "[hazard 12]") {
    // Every size that there is, with the smallest and the largest queue in front of it.
    for (std::uint32_t completions = 2; completions <= 65536; completions *= 2) {
        for (const std::uint32_t entries : {2u, completions < 32768 ? completions : 32768}) {
            CAPTURE(entries, completions);
            auto ring = lio::with_options({.entries = entries, .completion_entries = completions});
            if (!ring && ring.error().code() == ENOMEM) LIO_SKIP("the memory limit is too low for the largest rings");
            CHECK(ring->completions.completion_capacity() == completions);
            check_all_arrive(*ring, lio::test::rounds(LIO_LONG_TESTS ? 1'000'000 : 10'000));
        }
    }
}

TEST_CASE("a wait for as many as the queue holds ends with the stop, whenever that comes") {
    for (std::uint64_t round = 0; round < (LIO_LONG_TESTS ? 20'000u : 300u); ++round) {
        lio::split_ring ring = lio::with_options({.entries = 4, .completion_entries = 8}).value();
        check_all_arrive(ring, round % 23, reaping::several);
    }
}

TEST_CASE("a stop wakes who waits for one completion, and what is queued goes before it") {
    auto [completions, submissions] = lio::with_capacity(8).value();
    std::thread reaper([&reaping = completions] {
        CHECK(reaping.next().value().user_data() == 5);
        CHECK(reaping.next().value().is_stop());
        CHECK(reaping.next(lio::timespec{0, 1'000'000}).error().code() == ETIME);
    });
    submissions.push(nop().user_data(5)).value();
    submissions.stop().value();
    reaper.join();
    // It goes on working.
    submissions.push(nop().user_data(6)).value();
    submissions.submit().value();
    CHECK(completions.wait(8).value() == 1); // one is enough now
    CHECK(completions.next().value().user_data() == 6);
    const lio::cqe ordinary = [] { return lio::cqe{lio::abi::cqe{7, 0, 0}}; }();
    CHECK_FALSE(ordinary.is_stop());
}

TEST_CASE("the waiting half can ask the other to stop") {
    auto [completions, submissions] = lio::with_capacity(8).value();
    CHECK_FALSE(submissions.is_asked_to_stop());
    std::thread submitter([&submitting = submissions] {
        std::uint64_t number = 0;
        while (!submitting.is_asked_to_stop()) {
            if (submitting.push(nop().user_data(number))) ++number;
            static_cast<void>(submitting.submit());
        }
        while (!submitting.stop()) {}
    });
    std::uint64_t expected = 0;
    bool has_stopped = false;
    while (!has_stopped) {
        const auto done = completions.next();
        REQUIRE(done);
        has_stopped = done->is_stop();
        if (!has_stopped && ++expected == 100) completions.ask_to_stop();
    }
    submitter.join();
    CHECK(expected >= 100);
    lio::completion_queue elsewhere = std::move(completions);
    completions.ask_to_stop(); // nothing to ask
    lio::submission_queue other = std::move(submissions);
    CHECK_FALSE(submissions.is_asked_to_stop());
    CHECK(submissions.stop().error().why() == lio::cause::ring_closed);
}

TEST_CASE("a split ring with a kernel thread that submits loses nothing either") {
    auto ring = lio::with_options({.entries = 16, .require = lio::setup::sqpoll, .sqpoll_idle_milliseconds = 1});
    if (!ring) LIO_SKIP(std::string{"sqpoll: "} + ring.error().message());
    check_all_arrive(*ring, lio::test::rounds(100'000));
}

TEST_CASE("memory that travels in user_data arrives whole [hazard 3]", "[hazard 3]") {
    // Under ThreadSanitizer this is the test that the library tells it of the kernel's part.
    struct message {
        std::uint64_t number;
        std::uint64_t square;
    };
    constexpr std::uint64_t count = 10'000;
    auto [completions, submissions] = lio::with_capacity(64).value();
    std::thread submitter([&submitting = submissions] {
        for (std::uint64_t i = 0; i < count; ++i) {
            auto* const sent = new message{i, i * i};
            while (!submitting.push(nop().user_data(sent))) static_cast<void>(submitting.submit());
        }
        while (submitting.unsubmitted() != 0) static_cast<void>(submitting.submit());
    });
    std::uint64_t wrong = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::unique_ptr<message> received{completions.next().value().user_data_as<message*>()};
        wrong += received->square != received->number * received->number;
    }
    submitter.join();
    CHECK(wrong == 0);
}

TEST_CASE("the ring lives until both handles are gone, whichever goes first") {
    const auto is_open = [](int file) { return ::fcntl(file, F_GETFD) != -1; };
    const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC); // the number that the ring will get
    ::close(next);
    {
        auto ring = std::make_unique<lio::split_ring>(lio::with_capacity(8).value());
        REQUIRE(is_open(next));
        lio::completion_queue completions = std::move(ring->completions);
        lio::submission_queue submissions = std::move(ring->submissions);
        ring.reset();
        CHECK(is_open(next));
        submissions.push(nop().user_data(1)).value();
        submissions.submit().value();
        {
            const lio::submission_queue last = std::move(submissions);
        }
        CHECK(is_open(next));
        CHECK(completions.next().value().user_data() == 1);
    }
    CHECK_FALSE(is_open(next));
    {
        lio::split_ring ring = lio::with_capacity(8).value();
        {
            const lio::completion_queue last = std::move(ring.completions);
        }
        CHECK(is_open(next));
        ring.submissions.push(nop()).value();
        CHECK(ring.submissions.submit().value().taken == 1);
    }
    CHECK_FALSE(is_open(next));
}

TEST_CASE("a handle that was moved from says that it is closed") {
    lio::split_ring ring = lio::with_capacity(8).value();
    const lio::split_ring other = std::move(ring);
    CHECK(ring.submissions.push(nop()).error().why() == lio::cause::ring_closed);
    CHECK(ring.submissions.submit().error().why() == lio::cause::ring_closed);
    CHECK(ring.completions.next().error().why() == lio::cause::ring_closed);
    CHECK(ring.completions.reap().empty());
}

TEST_CASE("a reaper that waits is woken by what is submitted later") {
    auto [completions, submissions] = lio::with_capacity(8).value();
    std::thread reaper([&reaping = completions] { CHECK(reaping.next().value().user_data() == 77); });
    ::usleep(20'000); // it waits by now, most of the time
    submissions.push(nop().user_data(77)).value();
    submissions.submit().value();
    reaper.join();
}

} // namespace split_test
