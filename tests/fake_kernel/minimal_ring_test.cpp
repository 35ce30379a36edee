// A minimal_ring against each release and each failing call: it makes the calls that it names, no others, and leaves
// nothing behind. Test code.

#include "fake_kernel.hpp"

#include "support/numbers.hpp"

#include <lio/minimal_ring.hpp>
#include <lio/op/nop.hpp>

#include <cerrno>
#include <cstdint>
#include <vector>

namespace fake_kernel_minimal_ring_test {

using lio::cause;
using lio::minimal_ring;
using lio::setup;
using lio::fake::ground;
using lio::op::nop;
using lio::test::reap_all;

namespace {

constexpr setup without_array = setup::no_sq_array | setup::submit_all;

cause cause_of(lio::arch::number number) {
    return number == lio::arch::io_uring_setup ? cause::setup_call : cause::map_call;
}

template <setup Flags>
void fail_each_call() {
    lio::fake::on_each_ground([](lio::fake::kernel& kernel) {
        REQUIRE(minimal_ring<Flags>::create(4));
        CHECK(kernel.count(lio::arch::io_uring_setup) == 1);
        CHECK(kernel.count(lio::arch::mmap) == 2);
        CHECK(kernel.count(lio::arch::munmap) == 2);
        CHECK(kernel.count(lio::arch::close) == 1);
        CHECK(kernel.count_calls() == 6);
        CHECK(kernel.left() == "");
        for (std::size_t nth = 1; nth <= 3; ++nth) {
            for (const int code : {ENOMEM, EPERM, EAGAIN, EOPNOTSUPP, EINVAL}) {
                kernel.forget_calls();
                kernel.fail_any(nth, code);
                const auto made = minimal_ring<Flags>::create(4);
                REQUIRE_FALSE(made);
                const auto failed = nth == 1 ? lio::arch::io_uring_setup : lio::arch::mmap;
                CHECK(made.error() == lio::error{code, cause_of(failed)});
                // Nothing is tried again.
                CHECK(kernel.count(lio::arch::io_uring_setup) == 1);
                CHECK(kernel.count(lio::arch::mmap) == nth - 1);
                CHECK(kernel.left() == "");
                CHECK(kernel.violations() == "");
            }
        }
    });
}

} // namespace

TEST_CASE("whichever call of a minimal ring's making fails, the error tells it and nothing is left behind",
          "[hazard 18]") {
    SECTION("with an array") { fail_each_call<setup::none>(); }
    SECTION("without") { fail_each_call<without_array>(); }
}

TEST_CASE("a minimal ring asks for exactly its flags, on every release once") {
    using namespace lio::fake;
    for (const release& plays : {linux_5_4, linux_5_5, linux_5_10, linux_5_18, linux_6_1, linux_6_6, linux_7_3}) {
        INFO("as " << plays.name);
        kernel kernel{ground::model, plays};
        auto plain = minimal_ring<>::create(8).value();
        REQUIRE(kernel.calls_of(lio::arch::io_uring_setup).size() == 1);
        CHECK(kernel.calls_of(lio::arch::io_uring_setup)[0].asked.flags == 0);
        CHECK(kernel.ring().array() == std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6, 7});
        kernel.forget_calls();
        const auto other = minimal_ring<without_array>::create(8, 64);
        REQUIRE(kernel.calls_of(lio::arch::io_uring_setup).size() == 1);
        const auto asked = kernel.calls_of(lio::arch::io_uring_setup)[0].asked;
        CHECK(asked.flags == (static_cast<std::uint32_t>(without_array) | lio::abi::setup_cqsize));
        CHECK(asked.cq_entries == 64);
        const std::uint32_t needed = lio::abi::setup_no_sqarray | lio::abi::setup_submit_all | lio::abi::setup_cqsize;
        CHECK(other.has_value() == ((plays.setup_flags & needed) == needed));
        if (other)
            CHECK(other->completion_capacity() == 64);
        else
            CHECK(other.error() == lio::error{EINVAL, cause::setup_call});
    }
}

TEST_CASE("a kernel that maps the queues apart is refused by a minimal ring, which leaves nothing behind") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_5_1};
    CHECK(minimal_ring<>::create(8).error() == lio::error{EOPNOTSUPP, cause::one_mapping_missing});
    CHECK(kernel.count(lio::arch::mmap) == 0);
    CHECK(kernel.left() == "");
}

TEST_CASE("the counters of a minimal ring wrap, and its array may lie anywhere") {
    for (const bool comes_first : {false, true}) {
        lio::fake::kernel kernel{ground::model};
        kernel.first_counter = 0xfffffffb;
        kernel.array_comes_first = comes_first;
        auto ring = minimal_ring<>::create(4).value();
        for (std::uint64_t i = 0; i < 20; ++i) {
            ring.push(nop().user_data(2 * i), nop().user_data(2 * i + 1)).value();
            CHECK(ring.submit_and_wait(2).value().taken == 2);
            CHECK(reap_all(ring) == std::vector<std::uint64_t>{2 * i, 2 * i + 1});
        }
        CHECK(kernel.ring().header_is_intact());
        CHECK(kernel.ring().taken.size() == 40);
    }
}

TEST_CASE("a call of a minimal ring is one system call or none, also when it fails") {
    lio::fake::kernel kernel{ground::model};
    auto ring = minimal_ring<setup::single_issuer | setup::deferred_taskrun>::create(4).value();
    auto& model = kernel.ring();
    model.completes = lio::fake::model_ring::completing::held_back;
    kernel.forget_calls();
    ring.push(nop().user_data(1)).value();
    CHECK(ring.reap().empty());
    CHECK(ring.try_next().error().code() == EAGAIN);
    CHECK(ring.needs_flush());
    CHECK(kernel.count_calls() == 0);
    ring.submit().value();
    ring.submit().value();
    CHECK(kernel.count_calls() == 2);
    CHECK(ring.reap().empty());
    CHECK(kernel.count_calls() == 2);
    CHECK(ring.submit_and_wait(0).value().taken == 0);
    CHECK(reap_all(ring) == std::vector<std::uint64_t>{1});
    CHECK(kernel.count_calls() == 3);

    for (const int code : {EBUSY, EAGAIN, EINTR, EEXIST, EBADR}) {
        kernel.forget_calls();
        kernel.fail(lio::arch::io_uring_enter, code);
        ring.push(nop().user_data(2)).value();
        CHECK(ring.submit_and_wait(1).error() == lio::error{code, cause::enter_call});
        CHECK(kernel.count_calls() == 1);
        CHECK(ring.unsubmitted() == 1);
        CHECK(ring.submit_and_wait(1).value().taken == 1);
        CHECK(reap_all(ring) == std::vector<std::uint64_t>{2});
    }
}

TEST_CASE("a minimal ring says that the kernel holds completions back while the kernel says so") {
    lio::fake::kernel kernel{ground::model};
    auto ring = minimal_ring<>::create(4).value();
    for (const std::uint32_t flag : {lio::abi::sq_cq_overflow, lio::abi::sq_taskrun}) {
        CHECK_FALSE(ring.needs_flush());
        kernel.ring().set_submission_flag(flag);
        CHECK(ring.needs_flush());
        kernel.ring().clear_submission_flag(flag);
    }
    kernel.ring().set_submission_flag(lio::abi::sq_need_wakeup);
    CHECK_FALSE(ring.needs_flush());
}

TEST_CASE("what a short submit of a minimal ring leaves goes with the next one, exactly once and in order",
          "[hazard 6]") {
    lio::fake::kernel kernel{ground::model};
    auto ring = minimal_ring<>::create(8).value();
    auto& model = kernel.ring();
    model.take_limits = {2, 0, 1};
    ring.push(nop().user_data(1), nop().user_data(2), nop().user_data(3), nop().user_data(4)).value();
    CHECK(ring.submit().value().taken == 2);
    CHECK(ring.unsubmitted() == 2);
    CHECK(ring.submit().value().taken == 0);
    ring.push(nop().user_data(5)).value();
    CHECK(ring.submit().value().left == 2);
    CHECK(ring.submit().value().taken == 2);
    CHECK(reap_all(ring) == std::vector<std::uint64_t>{1, 2, 3, 4, 5});
    CHECK(model.taken.size() == 5);
}

TEST_CASE("a minimal ring whose closing fails says so, and is closed") {
    lio::fake::kernel kernel{ground::model};
    auto ring = minimal_ring<>::create(8).value();
    kernel.fail(lio::arch::close, EIO);
    CHECK(ring.close().error() == lio::error{EIO});
    CHECK_FALSE(ring.is_open());
    CHECK(ring.close());
    kernel.clear_books();
}

} // namespace fake_kernel_minimal_ring_test
