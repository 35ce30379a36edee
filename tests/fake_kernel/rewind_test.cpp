// A ring that rewinds, against a kernel that takes less than it was given: what is left moves to the front, exactly
// once. Test code.

#include "fake_kernel.hpp"
#include "rings.hpp"

#include <lio/large_ring.hpp>
#include <lio/op/nop.hpp>
#include <lio/ring.hpp>

#include <cerrno>

namespace fake_kernel_rewind_test {

using lio::setup;
using lio::fake::ground;
using lio::fake::push;
using lio::fake::taken_by;
using lio::test::numbers;

namespace {

constexpr lio::ring_options rewinding{.entries = 4, .require = setup::rewind | setup::no_sq_array};

template <class Ring>
void works(const char* name) {
    DYNAMIC_SECTION(name) {
        lio::fake::kernel kernel{ground::model, lio::fake::linux_7_3};
        Ring ring = Ring::create(rewinding).value();
        auto& model = kernel.ring();
        for (int round = 0; round < 5; ++round) {
            model.taken.clear();
            model.take_limits = {0, 1, 2};
            push(ring, 1, 3);
            auto done = ring.submit().value();
            CHECK(done.taken == 0);
            CHECK(done.left == 3);
            done = ring.submit().value();
            CHECK(done.taken == 1);
            CHECK(done.left == 2);
            CHECK(ring.stopped_by() == 1);
            CHECK(ring.submission_room() == 2);
            push(ring, 4, 5);
            CHECK(ring.push(lio::op::nop()).error().code() == EAGAIN);
            done = ring.submit_and_wait(2).value(); // does not wait, being short again
            CHECK(done.taken == 2);
            CHECK(done.left == 2);
            CHECK(ring.stopped_by() == 3);
            done = ring.submit_and_wait(5).value();
            CHECK(done.taken == 2);
            CHECK(done.left == 0);
            CHECK(ring.unsubmitted() == 0);
            CHECK(ring.submission_room() == 4);
            CHECK(taken_by(model) == numbers{1, 2, 3, 4, 5});
            for (std::uint64_t i = 1; i <= 5; ++i) CHECK(ring.next().value().user_data() == i);
            CHECK(model.header_is_intact());
        }
    }
}

} // namespace

TEST_CASE("a ring that rewinds loses nothing of a short submit, and submits nothing twice [hazard 28]", "[hazard 28]") {
    works<lio::ring>("entries of 64 bytes");
    works<lio::large_ring>("entries of 128 bytes");
}

TEST_CASE("a submit that fails on a ring that rewinds keeps what was queued [hazard 28] [hazard 7]",
          "[hazard 28][hazard 7]") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_7_3};
    lio::ring ring = lio::ring::create(rewinding).value();
    push(ring, 0, 0);
    CHECK(ring.submit_and_wait(1).value().taken == 1);
    auto& model = kernel.ring();
    push(ring, 1, 2);
    kernel.fail(lio::arch::io_uring_enter, EBUSY, 1, 2);
    CHECK(ring.submit().error().code() == EBUSY);
    CHECK(ring.submit_and_wait(1).error().code() == EBUSY);
    push(ring, 3, 4);
    CHECK(ring.submit().value().taken == 4);
    CHECK(taken_by(model) == numbers{0, 1, 2, 3, 4});
}

TEST_CASE("batches begin at the first slot again on a ring that rewinds [hazard 28]", "[hazard 28]") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_7_3};
    lio::ring ring = lio::ring::create(rewinding).value();
    for (int round = 0; round < 4; ++round) {
        {
            auto slots = ring.reserve(3).value();
            CHECK(slots.room() == 3); // never cut by the end of the memory
            for (std::uint64_t i = 0; i < 3; ++i) CHECK(slots.push(lio::op::nop().user_data(i)));
        }
        CHECK(ring.submit_and_wait(3).value().taken == 3);
        for (std::uint64_t i = 0; i < 3; ++i) CHECK(ring.next().value().user_data() == i);
    }
}

} // namespace fake_kernel_rewind_test
