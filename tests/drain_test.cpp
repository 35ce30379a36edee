// Operations that wait for all before them, and what makes the kernel refuse them. One thread.

#include "catch.hpp"

#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/op/nop.hpp>
#include <lio/op/read_write.hpp>
#include <lio/ring.hpp>

#include <cerrno>

#include <unistd.h>

namespace drain_test {

using lio::op::nop;
using lio::test::under_each_setup;

TEST_CASE("drain waits for all before it and holds back all behind it", "[hazard 27]") {
    under_each_setup([](lio::ring& ring) {
        const auto pipe = lio::test::pipe_pair();
        char byte = 0;
        ring.push(lio::op::read(pipe.ours, lio::mutable_bytes{&byte, 1}, 0).user_data(1)).value();
        ring.push(nop().drain().user_data(2), nop().user_data(3)).value();
        CHECK(lio::test::stays_quiet(ring));
        REQUIRE(::write(pipe.theirs, "x", 1) == 1);
        const auto all = lio::test::next_soon(ring, 3);
        CHECK(all[0].user_data() == 1);
        // Linux 6.1 starts those that were held back in any order.
        CHECK(all[1].user_data() + all[2].user_data() == 2 + 3);
        for (const lio::cqe& done : all) CHECK(lio::test::code(done) == 0);
    });
}

TEST_CASE("once a ring has seen skip_success, drain fails on it for ever, and on no other [hazard 27]", "[hazard 27]") {
    under_each_setup([](lio::ring& ring) {
        ring.push(nop().skip_success().user_data(1)).value();
        ring.push(nop().user_data(2)).value();
        const lio::cqe first = lio::test::next_soon(ring);
        if (first.user_data() == 1) { // refused: EINVAL
            CHECK(lio::test::code(first) == EINVAL);
            lio::test::record_partial_skip("skip_success: since Linux 5.17");
            while (ring.unsubmitted() != 0) lio::test::next_soon(ring);
            return;
        }
        CHECK(first.user_data() == 2);
        for (int i = 0; i < 3; ++i) {
            CHECK(lio::test::code(lio::test::run(ring, nop().drain().user_data(3))) == EOPNOTSUPP);
            // It harms nothing else.
            CHECK(lio::test::code(lio::test::run(ring, nop().user_data(4))) == 0);
        }
        lio::ring other = lio::ring::create().value();
        CHECK(lio::test::code(lio::test::run(other, nop().drain())) == 0);
    });
}

TEST_CASE("what the library does by itself leaves drain working [hazard 27]", "[hazard 27]") {
    under_each_setup(
        [](lio::ring& ring) {
            // Around the queue, by push and by batch, with waits of every kind.
            for (int round = 0; round < 6; ++round) {
                ring.push(nop(), nop().link(), nop()).value();
                ring.submit_and_wait(3).value();
                lio::test::next_soon(ring, 3);
                {
                    auto batch = ring.reserve(1).value();
                    REQUIRE(batch.push(nop()));
                }
                lio::test::next_soon(ring);
            }
            CHECK(lio::test::code(lio::test::run(ring, nop().drain())) == 0);
        },
        4);
}

} // namespace drain_test
