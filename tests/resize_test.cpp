// Queues of another size for a ring that is in use.

#include "catch.hpp"
#include "support/files.hpp"
#include "support/footprint.hpp"
#include "support/skip.hpp"
#include "support/waiting.hpp"

#include <lio/large_ring.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/read_write.hpp>

#include <cerrno>
#include <cstdint>
#include <string_view>
#include <thread>

#include <unistd.h>

namespace resize_test {

using lio::op::nop;

namespace {

bool can_resize() {
    lio::ring ring = lio::ring::create({.entries = 1}).value();
    const auto done = ring.resize(2);
    if (done) return true;
    REQUIRE((done.error().why() == lio::cause::resize_refused ||
             done.error().why() == lio::cause::resize_needs_set_up));
    return false;
}

#define SKIP_WITHOUT_RESIZE                                                                                            \
    if (!can_resize()) LIO_SKIP("resizing a ring: since Linux 6.13")

// Fills the queue to its last slot, twice over, and reaps all of it in order.
template <class Ring>
void works_to_its_limits(Ring& ring) {
    for (int round = 0; round < 2; ++round) {
        const std::uint32_t capacity = ring.submission_capacity();
        for (std::uint64_t i = 0; i < capacity; ++i) REQUIRE(ring.push(nop().user_data(1000 + i)));
        CHECK_FALSE(ring.push(nop()));
        CHECK(ring.submit_and_wait(capacity).value().taken == capacity);
        std::uint64_t seen = 0;
        for (const auto& done : ring.reap()) CHECK(done.user_data() == 1000 + seen++);
        CHECK(seen == capacity);
    }
}

} // namespace

TEST_CASE("a ring in use can grow: what is queued, in flight and unreaped stays [hazard 21]", "[hazard 21]") {
    SKIP_WITHOUT_RESIZE;
    lio::ring ring = lio::ring::create({.entries = 4, .completion_entries = 8}).value();
    const lio::test::pipe_ends pipe;
    char received[8] = {};
    ring.push(lio::op::read(pipe.reading(), received, lio::current_position).user_data(7)).value();
    ring.push(nop().user_data(1), nop().user_data(2), nop().user_data(3)).value();
    ring.submit_and_wait(3).value();
    ring.push(nop().user_data(4), nop().user_data(5)).value();

    ring.resize(64, 256).value();

    CHECK(ring.submission_capacity() == 64);
    CHECK(ring.completion_capacity() == 256);
    CHECK(ring.unsubmitted() == 2);
    CHECK(ring.ready() == 3);
    for (std::uint64_t i = 1; i <= 3; ++i) CHECK(ring.try_next().value().user_data() == i);
    CHECK(ring.submit_and_wait(2).value().taken == 2);
    for (std::uint64_t i = 4; i <= 5; ++i) CHECK(ring.try_next().value().user_data() == i);
    REQUIRE(::write(pipe.writing(), "abc", 3) == 3);
    const lio::cqe done = lio::test::next_soon(ring);
    CHECK(done.user_data() == 7);
    CHECK(done.result().value() == 3);
    CHECK(std::string_view{received} == "abc");
    works_to_its_limits(ring);
}

TEST_CASE("a ring can be resized wherever in its memory its entries lie, to and fro [hazard 2] [hazard 21]",
          "[hazard 2][hazard 21]") {
    SKIP_WITHOUT_RESIZE;
    lio::ring ring = lio::ring::create({.entries = 8, .completion_entries = 16}).value();
    std::uint64_t pushed = 0;
    std::uint64_t seen = 0;
    for (int round = 0; round < 40; ++round) {
        // Three completions and two entries lie across the wrap, each time somewhere else.
        for (int i = 0; i < 3; ++i) ring.push(nop().user_data(pushed++)).value();
        ring.submit_and_wait(3).value();
        for (int i = 0; i < 2; ++i) ring.push(nop().user_data(pushed++)).value();
        const std::uint32_t entries = round % 3 == 0 ? 4 : round % 3 == 1 ? 32 : 8;
        ring.resize(entries).value();
        CHECK(ring.submission_capacity() == entries);
        ring.submit_and_wait(5).value();
        for (const lio::cqe& done : ring.reap()) CHECK(done.user_data() == seen++);
        CHECK(seen == pushed);
    }
    works_to_its_limits(ring);
}

TEST_CASE("what does not fit is refused, and the ring is as it was [hazard 21]", "[hazard 21]") {
    SKIP_WITHOUT_RESIZE;
    lio::ring ring = lio::ring::create({.entries = 8, .completion_entries = 16}).value();
    const auto is_as_it_was = [&] {
        CHECK(ring.submission_capacity() == 8);
        CHECK(ring.completion_capacity() == 16);
    };
    const auto does_not_fit = lio::error{EOVERFLOW, lio::cause::queue_does_not_fit};
    for (std::uint64_t i = 0; i < 5; ++i) ring.push(nop().user_data(i)).value();
    CHECK(ring.resize(4).error() == does_not_fit);
    is_as_it_was();
    CHECK(ring.unsubmitted() == 5);
    ring.submit_and_wait(5).value();
    CHECK(ring.resize(2, 4).error() == does_not_fit);
    is_as_it_was();
    CHECK(ring.ready() == 5);

    const auto refused = lio::error{EINVAL, lio::cause::resize_refused};
    CHECK(ring.resize(0).error() == refused);
    CHECK(ring.resize(100'000).error() == refused);
    CHECK(ring.resize(8, 4).error() == refused);
    is_as_it_was();
    for (std::uint64_t i = 0; i < 5; ++i) CHECK(ring.try_next().value().user_data() == i);
    works_to_its_limits(ring);
}

TEST_CASE("only a ring whose completions wait for its thread can be resized, and only there [hazard 21]",
          "[hazard 21]") {
    SKIP_WITHOUT_RESIZE;
    constexpr auto deferred = lio::setup::single_issuer | lio::setup::deferred_taskrun;
    for (const auto lacking : {lio::setup::none, lio::setup::no_sq_array, deferred}) {
        lio::ring other = lio::ring::create({.entries = 2, .require = lacking, .exactly = true}).value();
        CHECK(other.resize(4).error() == lio::error{EINVAL, lio::cause::resize_needs_set_up});
        CHECK(other.submission_capacity() == 2);
        works_to_its_limits(other);
    }
    lio::ring exact =
        lio::ring::create({.entries = 2, .require = deferred | lio::setup::no_sq_array, .exactly = true}).value();
    exact.resize(4).value();
    works_to_its_limits(exact);
    lio::ring ring = lio::ring::create({.entries = 2}).value();
    ring.push(nop()).value();
    ring.submit_and_wait(1).value();
    std::thread([&] { CHECK(ring.resize(4).error() == lio::error{EEXIST, lio::cause::wrong_thread}); }).join();
    CHECK(ring.submission_capacity() == 2);
    ring.close().value();
    CHECK(ring.resize(4).error().why() == lio::cause::ring_closed);
}

TEST_CASE("rings with longer entries can be resized once their completions are reaped [hazard 21]", "[hazard 21]") {
    SKIP_WITHOUT_RESIZE;
    lio::large_ring ring = lio::large_ring::create({.entries = 4}).value();
    for (std::uint64_t i = 0; i < 3; ++i) ring.push(nop().user_data(i)).value();
    ring.submit_and_wait(3).value();
    CHECK(ring.resize(16).error() == lio::error{EBUSY, lio::cause::reap_first});
    for (const lio::large_cqe& done : ring.reap()) CHECK(done.result());
    for (std::uint64_t i = 10; i < 13; ++i) ring.push(nop().user_data(i)).value();
    ring.resize(16).value();
    CHECK(ring.submit_and_wait(3).value().taken == 3);
    for (std::uint64_t i = 10; i < 13; ++i) CHECK(ring.next().value().user_data() == i);
    works_to_its_limits(ring);
}

TEST_CASE("resizing leaves no memory behind") {
    SKIP_WITHOUT_RESIZE;
    lio::ring ring = lio::ring::create({.entries = 4}).value();
    lio::test::leaks_nothing(
        [&] {
            ring.resize(1024).value();
            ring.resize(4).value();
        },
        30, 1'000'000);
}

} // namespace resize_test
