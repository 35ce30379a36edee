// Submits that the kernel does not take whole, because an entry among them is refused. One thread.

#include "catch.hpp"

#include "support/rings.hpp"
#include "support/waiting.hpp"

#include <lio/op/nop.hpp>
#include <lio/ring.hpp>

#include <cerrno>
#include <cstdint>
#include <vector>

#include <poll.h>

namespace short_submit_test {

using lio::setup;
using lio::op::nop;
using lio::test::under_each_setup;

namespace {

// Of nobody: the entry is refused, and its completion says so.
constexpr std::uint16_t no_personality = 9999;

// Whether an entry that is refused stops those after it; a kernel thread goes on with them by itself.
bool stops(const lio::ring& ring) { return (ring.setup_flags() & (setup::submit_all | setup::sqpoll)) == setup::none; }

void push_four(lio::ring& ring) {
    ring.push(nop().user_data(1), nop().personality(no_personality).user_data(2)).value();
    ring.push(nop().link().user_data(3), nop().user_data(4)).value();
}

// The one that is refused may complete before what stands before it.
void check_come(const std::vector<lio::cqe>& all, const std::vector<std::uint64_t>& expected) {
    CHECK(all.size() == expected.size());
    for (const std::uint64_t number : expected)
        CHECK(lio::test::code(lio::test::of(all, number)) == (number == 2 ? EINVAL : 0));
}

} // namespace

TEST_CASE("an entry that is refused stops those after it, unless the ring submits all [hazard 6]", "[hazard 6]") {
    under_each_setup([](lio::ring& ring) {
        for (int round = 0; round < 3; ++round) {
            push_four(ring);
            const lio::submission first = ring.submit().value();
            if (stops(ring)) {
                CHECK(first.taken == 2);
                CHECK(first.left == 2);
                CHECK(ring.unsubmitted() == 2);
                // No other has completed, and a look submits nothing.
                std::vector<lio::cqe> seen;
                for (int look = 0; look < 20; ++look) {
                    for (const lio::cqe& done : ring.reap()) seen.push_back(done);
                    ::poll(nullptr, 0, 1);
                }
                check_come(seen, {1, 2});
                CHECK(ring.unsubmitted() == 2);
                const lio::submission rest = ring.submit().value();
                CHECK(rest.taken == 2);
                CHECK(rest.left == 0);
                check_come(lio::test::next_soon(ring, 2), {3, 4});
            } else {
                CHECK(first.taken == 4);
                CHECK(first.left == 0);
                check_come(lio::test::next_soon(ring, 4), {1, 2, 3, 4});
            }
            CHECK(ring.try_next().error().code() == EAGAIN);
        }
    });
}

TEST_CASE("submit_and_wait does not wait for what was not taken [hazard 5] [hazard 6]", "[hazard 5][hazard 6]") {
    under_each_setup([](lio::ring& ring) {
        push_four(ring);
        const lio::submission first = ring.submit_and_wait(4).value();
        if (stops(ring)) {
            CHECK(first.taken == 2);
            CHECK(first.left == 2);
            const lio::submission rest = ring.submit_and_wait(4).value();
            CHECK(rest.taken == 2);
            CHECK(rest.left == 0);
        } else {
            CHECK(first.left == 0);
        }
        CHECK(ring.ready() == 4);
        check_come(lio::test::next_soon(ring, 4), {1, 2, 3, 4});
    });
}

TEST_CASE("a short submit says which entry stopped it, and each goes on behind the last [hazard 6]", "[hazard 6]") {
    under_each_setup([](lio::ring& ring) {
        if (!stops(ring)) return;
        push_four(ring);
        ring.push(nop().personality(no_personality).user_data(6), nop().user_data(5)).value();
        const lio::submission first = ring.submit().value();
        CHECK(first.taken == 2);
        CHECK(first.left == 4);
        CHECK(ring.stopped_by() == 2);
        const lio::submission second = ring.submit().value();
        CHECK(second.taken == 3);
        CHECK(second.left == 1);
        CHECK(ring.stopped_by() == 6);
        CHECK(ring.submit().value().left == 0);
        const auto all = lio::test::next_soon(ring, 6);
        for (std::uint64_t number = 1; number <= 6; ++number)
            CHECK(lio::test::code(lio::test::of(all, number)) == (number == 2 || number == 6 ? EINVAL : 0));
        CHECK(ring.try_next().error().code() == EAGAIN);
    });
}

TEST_CASE("an entry that is refused within a chain stops nothing, but cancels all of its chain [hazard 6]",
          "[hazard 6]") {
    under_each_setup([](lio::ring& ring) {
        ring.push(nop().link().user_data(1), nop().personality(no_personality).link().user_data(2),
                  nop().link().user_data(3), nop().user_data(4), nop().user_data(5))
            .value();
        const lio::submission taken = ring.submit().value();
        CHECK(taken.taken == 5);
        CHECK(taken.left == 0);
        const auto all = lio::test::next_soon(ring, 5);
        // Those before it as well: a chain starts when it is known to be whole.
        for (const std::uint64_t number : {1u, 3u, 4u})
            CHECK(lio::test::code(lio::test::of(all, number)) == ECANCELED);
        CHECK(lio::test::code(lio::test::of(all, 2)) == EINVAL);
        CHECK(lio::test::code(lio::test::of(all, 5)) == 0);
    });
}

} // namespace short_submit_test
