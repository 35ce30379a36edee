// Two handles on two threads.

#include "catch.hpp"

#include <lio/op/nop.hpp>
#include <lio/split.hpp>

#include <cerrno>
#include <memory>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

using lio::op::nop;

namespace {

// Pushes `count` nops numbered from 0 as fast as there is room.
void submit_all(lio::submission_queue& submissions, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i)
        while (!submissions.push(nop().user_data(i))) static_cast<void>(submissions.submit()); // EBUSY: the reaper is slow
    while (submissions.unsubmitted() != 0) static_cast<void>(submissions.submit());
}

void check_all_arrive(lio::split_ring& ring, std::uint64_t count) {
    std::thread submitter([&, submissions = std::move(ring.submissions)]() mutable {
        submit_all(submissions, count);
        // The kernel cancels what a thread has in flight when it ends; nops are done when submit returns.
    });
    std::vector<bool> seen(static_cast<std::size_t>(count));
    std::uint64_t wrong = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto done = ring.completions.next();
        const auto number = done ? done->user_data_as<std::size_t>() : seen.size();
        if (number >= seen.size() || seen[number]) {
            ++wrong;
            continue;
        }
        seen[number] = true;
    }
    submitter.join();
    CHECK(wrong == 0);
    CHECK(ring.completions.try_next().error().code() == EAGAIN);
}

} // namespace

TEST_CASE("what one thread submits another reaps: nothing lost, nothing twice") {
    lio::split_ring ring = lio::with_capacity(128).value();
    check_all_arrive(ring, LIO_LONG_TESTS ? 10'000'000 : 300'000);
}

TEST_CASE("a split ring with the smallest queues loses nothing either") {
    for (const std::uint32_t completions : {2u, 4u, 16u}) {
        lio::split_ring ring = lio::with_options({.entries = 2, .completion_entries = completions}).value();
        check_all_arrive(ring, 20'000);
    }
}

TEST_CASE("a split ring with a kernel thread that submits loses nothing either") {
    auto ring = lio::with_options({.entries = 16, .require = lio::setup::sqpoll, .sqpoll_idle_milliseconds = 1});
    if (!ring) LIO_SKIP(std::string{"sqpoll: "} + ring.error().message());
    check_all_arrive(*ring, 20'000); // on an emulated machine the three threads take turns slowly
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
