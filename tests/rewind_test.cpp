// Rings that start every submission at the first slot again, on the real kernel. What a short submit does to them is in
// fake_kernel/rewind_test.cpp.

#include "catch.hpp"
#include "support/skip.hpp"

#include <lio/large_ring.hpp>
#include <lio/op/nop.hpp>
#include <lio/ring.hpp>

#include <cerrno>

namespace rewind_test {

using lio::setup;
using lio::op::nop;

namespace {

constexpr lio::ring_options rewinding{.entries = 8, .require = setup::rewind | setup::no_sq_array};

bool is_there() {
    const auto made = lio::ring::create(rewinding);
    if (!made)
        REQUIRE((made.error().why() == lio::cause::rewind_missing ||
                 made.error().why() == lio::cause::no_sq_array_missing));
    return made.has_value();
}

constexpr const char* missing = "a ring that rewinds: since Linux 7.0";

template <class Ring>
void works(const lio::ring_options& options) {
    Ring ring = Ring::create(options).value();
    std::uint64_t pushed = 0;
    std::uint64_t seen = 0;
    while (pushed < 1000) {
        const std::uint64_t batch = 1 + pushed % 8;
        for (std::uint64_t i = 0; i < batch; ++i) ring.push(nop().user_data(pushed++)).value();
        if (batch == 8) CHECK(ring.push(nop()).error().code() == EAGAIN);
        CHECK(ring.submit_and_wait(static_cast<std::uint32_t>(batch)).value().taken == batch);
        for (const auto& done : ring.reap()) CHECK(done.user_data() == seen++);
        CHECK(seen == pushed);
    }
}

} // namespace

TEST_CASE("a ring that rewinds takes batch after batch, each once and in order [hazard 28]", "[hazard 28]") {
    if (!is_there()) LIO_SKIP(missing);
    works<lio::ring>(rewinding);
    works<lio::large_ring>(rewinding);
    works<lio::mixed_ring>(rewinding);
    auto exactly = rewinding;
    exactly.exactly = true;
    works<lio::ring>(exactly);
}

TEST_CASE("an entry that stops a submission on a ring that rewinds stops nothing for good [hazard 28] [hazard 6]",
          "[hazard 28][hazard 6]") {
    if (!is_there()) LIO_SKIP(missing);
    auto exactly = rewinding;
    exactly.exactly = true; // without submit_all
    lio::ring ring = lio::ring::create(exactly).value();
    for (int round = 0; round < 3; ++round) {
        // A chain whose members ask for a personality that is not there is refused when it is submitted.
        ring.push(nop().user_data(1), nop().personality(77).user_data(2), nop().user_data(3), nop().user_data(4))
            .value();
        auto done = ring.submit().value();
        CHECK(done.taken == 2);
        CHECK(done.left == 2);
        CHECK(ring.stopped_by() == 2);
        ring.push(nop().user_data(5)).value();
        done = ring.submit_and_wait(5).value();
        CHECK(done.taken == 3);
        CHECK(done.left == 0);
        std::uint64_t number = 1;
        for (const lio::cqe& one : ring.reap()) {
            CHECK(one.user_data() == number);
            CHECK(one.raw_result() == (number == 2 ? -EINVAL : 0));
            ++number;
        }
        CHECK(number == 6);
    }
}

TEST_CASE("a ring that rewinds can be resized with entries queued [hazard 21] [hazard 28]", "[hazard 21][hazard 28]") {
    if (!is_there()) LIO_SKIP(missing);
    lio::ring ring = lio::ring::create(rewinding).value();
    for (std::uint64_t i = 0; i < 8; ++i) ring.push(nop().user_data(i)).value();
    ring.resize(32).value();
    CHECK(ring.submission_room() == 24);
    ring.push(nop().user_data(8)).value();
    CHECK(ring.submit_and_wait(9).value().taken == 9);
    std::uint64_t number = 0;
    for (const lio::cqe& one : ring.reap()) CHECK(one.user_data() == number++);
    CHECK(number == 9);
}

} // namespace rewind_test
