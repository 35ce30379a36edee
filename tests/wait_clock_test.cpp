// The clock that a ring's waits go by.

#include "catch.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/threads.hpp"
#include "support/waiting.hpp"

#include <lio/large_ring.hpp>
#include <lio/op/nop.hpp>
#include <lio/split.hpp>
#include <lio/wait_clock.hpp>

#include <cerrno>
#include <utility>

namespace wait_clock_test {

using lio::ring;
using lio::set_wait_clock;
using lio::wait_clock;
using lio::wait_options;
using lio::op::nop;
using lio::test::milliseconds;
using lio::test::now;
using lio::test::to_timespec;
using lio::test::under_each_setup;

namespace {

constexpr const char* missing = "a choice of the ring's clock: since Linux 6.12";

bool is_there() {
    static const bool answer = [] {
        const auto ring = ring::create({.entries = 2}).value();
        const auto set = set_wait_clock(ring, wait_clock::monotonic);
        if (!set) REQUIRE(set.error() == lio::error{EINVAL, lio::cause::wait_clock_refused});
        return set.has_value();
    }();
    return answer;
}

} // namespace

TEST_CASE("deadlines and time-outs go by the clock that the ring was given") {
    if (!is_there()) LIO_SKIP(missing);
    under_each_setup([](ring& ring) {
        for (const auto& [clock, id] : {std::pair{wait_clock::boottime, CLOCK_BOOTTIME},
                                        std::pair{wait_clock::monotonic, CLOCK_MONOTONIC}}) {
            REQUIRE(set_wait_clock(ring, clock).has_value());
            // Of several too, where the library looks at the clock itself.
            for (const std::uint32_t count : {1u, 2u}) {
                const auto until = now(id) + milliseconds(10);
                CHECK(ring.wait(count, wait_options{}.deadline(to_timespec(until))).error().code() == ETIME);
                CHECK(now(id) >= until);
                const auto begun = now(id);
                CHECK(ring.wait(count, to_timespec(milliseconds(10))).error().code() == ETIME);
                CHECK(now(id) - begun >= milliseconds(10));
            }
            // What is there is there, whatever the clock.
            ring.push(nop().user_data(1)).value();
            CHECK(ring.submit_and_wait(1, wait_options{}.deadline(to_timespec(now(id) + milliseconds(20'000)))));
            CHECK(ring.next().value().user_data() == 1);
        }
    });
}

TEST_CASE("a clock that is none is refused, and the ring keeps the one that it has") {
    if (!is_there()) LIO_SKIP(missing);
    under_each_setup([](ring& ring) {
        const lio::error refused{EINVAL, lio::cause::wait_clock_refused};
        for (const std::uint32_t number : {0u, 2u, 3u, 11u, 0xffffffffu})
            CHECK(set_wait_clock(ring, static_cast<wait_clock>(number)).error() == refused);
        const auto until = now() + milliseconds(5);
        CHECK(ring.wait(2, wait_options{}.deadline(to_timespec(until))).error().code() == ETIME);
        CHECK(now() >= until);
    });
}

TEST_CASE("rings of every type and both halves of a split one can be given a clock, closed ones cannot") {
    if (!is_there()) LIO_SKIP(missing);
    auto [completions, submissions] = lio::with_capacity(4).value();
    REQUIRE(set_wait_clock(submissions, wait_clock::boottime).has_value());
    REQUIRE(set_wait_clock(completions, wait_clock::boottime).has_value());
    const auto until = now(CLOCK_BOOTTIME) + milliseconds(5);
    CHECK(completions.wait(2, wait_options{}.deadline(to_timespec(until))).error().code() == ETIME);
    CHECK(now(CLOCK_BOOTTIME) >= until);
    lio::large_ring large = lio::large_ring::create({.entries = 4}).value();
    CHECK(set_wait_clock(large, wait_clock::boottime).has_value());

    lio::large_ring moved = std::move(large);
    CHECK(set_wait_clock(moved, wait_clock::monotonic).has_value());
    CHECK(set_wait_clock(large, wait_clock::monotonic).error().why() == lio::cause::ring_closed);
    moved.close().value();
    CHECK(set_wait_clock(moved, wait_clock::monotonic).error().why() == lio::cause::ring_closed);
}

TEST_CASE("only the thread that owns a ring gives it a clock") {
    if (!is_there()) LIO_SKIP(missing);
    ring owned = ring::create({.entries = 4}).value();
    // As long as it belongs to none, any may.
    lio::test::on_fresh_thread([&] { CHECK(set_wait_clock(owned, wait_clock::boottime).has_value()); });
    owned.push(nop()).value();
    lio::test::next_soon(owned);
    lio::test::on_fresh_thread([&] {
        CHECK(set_wait_clock(owned, wait_clock::monotonic).error() == lio::error{EEXIST, lio::cause::wrong_thread});
    });
}

} // namespace wait_clock_test
