// The submission queue against a kernel that takes less than it was given, refuses, sleeps, or counts near the wrap:
// what was pushed arrives exactly once, in order, and the caller is told. Test code.

#include "fake_kernel.hpp"
#include "rings.hpp"

#include "support/numbers.hpp"

#include <lio/op/nop.hpp>
#include <lio/op/read_write.hpp>
#include <lio/op/recv.hpp>
#include <lio/op/send.hpp>
#include <lio/ring.hpp>
#include <lio/split.hpp>

#include <cerrno>
#include <cstring>
#include <string>

namespace fake_kernel_submitting_test {

using lio::cause;
using lio::setup;
using lio::fake::flags_of;
using lio::fake::ground;
using lio::fake::push;
using lio::fake::running_ring;
using lio::fake::taken_by;
using lio::test::from_to;

TEST_CASE("what a short submit leaves goes with the next one, exactly once and in order", "[hazard 6]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 8});
    auto& model = kernel.ring();
    model.take_limits = {2, 0, 1};
    push(ring, 1, 4);

    lio::submission done = ring.submit().value();
    CHECK(done.taken == 2);
    CHECK(done.left == 2);
    CHECK(ring.unsubmitted() == 2);
    CHECK(taken_by(model) == from_to(0, 2));

    done = ring.submit().value();
    CHECK(done.taken == 0);
    CHECK(done.left == 2);

    push(ring, 5, 5);
    done = ring.submit().value();
    CHECK(done.taken == 1);
    CHECK(done.left == 2);

    done = ring.submit().value();
    CHECK(done.taken == 2);
    CHECK(done.left == 0);
    CHECK(ring.unsubmitted() == 0);
    CHECK(taken_by(model) == from_to(0, 5));
    // Each call asked for all that was queued.
    const auto enters = kernel.calls_of(lio::arch::io_uring_enter);
    REQUIRE(enters.size() == 6);
    CHECK(enters[2].arguments[1] == 4);
    CHECK(enters[3].arguments[1] == 2);
    CHECK(enters[4].arguments[1] == 3);
    CHECK(enters[5].arguments[1] == 2);
}

TEST_CASE("submit_and_wait says that it did not wait when not everything was taken", "[hazard 5][hazard 6]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 8});
    auto& model = kernel.ring();
    model.take_limits = {3};
    push(ring, 1, 4);
    kernel.forget_calls();
    lio::submission done{};
    SECTION("without a time-out") { done = ring.submit_and_wait(4).value(); }
    SECTION("with one") { done = ring.submit_and_wait(4, lio::timespec{1, 0}).value(); }
    CHECK(done.taken == 3);
    CHECK(done.left == 1);
    CHECK(kernel.count_calls() == 1);
    CHECK(ring.ready() == 3);

    CHECK(ring.submit_and_wait(4).value().taken == 1);
    CHECK(ring.ready() == 4);
    CHECK(taken_by(model) == from_to(0, 4));
}

TEST_CASE("a submit that the kernel refuses loses nothing and is not tried again behind the caller's back",
          "[hazard 7]") {
    for (const int code : {EBUSY, EAGAIN, EBADF, ENOMEM, EINTR, ENXIO}) {
        for (const bool waits : {false, true}) {
            DYNAMIC_SECTION("errno " << code << (waits ? ", waiting" : "")) {
                lio::fake::kernel kernel{ground::model};
                lio::ring ring = running_ring({.entries = 8});
                auto& model = kernel.ring();
                push(ring, 1, 3);
                kernel.forget_calls();
                kernel.fail(lio::arch::io_uring_enter, code);
                const auto refused = waits ? ring.submit_and_wait(3) : ring.submit();
                REQUIRE_FALSE(refused);
                CHECK(refused.error() == lio::error{code, code == EINTR ? cause::wait_interrupted : cause::enter_call});
                CHECK(kernel.count_calls() == 1);
                CHECK(ring.unsubmitted() == 3);
                CHECK(taken_by(model) == from_to(0, 0));

                // More can be queued behind it, and everything goes in order.
                push(ring, 4, 5);
                CHECK(ring.submit_and_wait(5).value().taken == 5);
                CHECK(taken_by(model) == from_to(0, 5));
                CHECK(ring.ready() == 5);
            }
        }
    }
}

TEST_CASE("EBUSY and EAGAIN say that reaping helps, and that nothing was lost", "[hazard 7]") {
    for (const int code : {EBUSY, EAGAIN}) {
        const std::string text = lio::error{code, cause::enter_call}.message();
        CHECK(text.find("reap") != std::string::npos);
        CHECK(text.find("still queued") != std::string::npos);
    }
}

TEST_CASE("a ring whose kernel thread has died says so", "[hazard 5]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 8, .require = setup::sqpoll}).value();
    kernel.ring().set_submission_flag(lio::abi::sq_need_wakeup);
    kernel.fail(lio::arch::io_uring_enter, EOWNERDEAD);
    push(ring, 1, 1);
    CHECK(ring.submit().error() == lio::error{EOWNERDEAD, cause::polling_thread_died});
    CHECK(ring.unsubmitted() == 1);
}

TEST_CASE("submitting nothing makes no call") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 8});
    auto [completions, submissions] = lio::with_capacity(8).value();
    kernel.forget_calls();
    CHECK(ring.submit().value().taken == 0);
    CHECK(submissions.submit().value().taken == 0);
    CHECK(ring.submit_and_wait(0).value().taken == 0);
    CHECK(ring.submit_and_wait(0, lio::timespec{1, 0}).value().taken == 0);
    CHECK(kernel.calls().empty());

    push(ring, 1, 1);
    CHECK(ring.submit().value().taken == 1);
    kernel.forget_calls();
    CHECK(ring.submit().value().taken == 0);
    CHECK(kernel.calls().empty());
}

TEST_CASE("submit_and_wait(0) submits and asks for no events") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 8});
    kernel.forget_calls();
    push(ring, 1, 2);
    CHECK(ring.submit_and_wait(0).value().taken == 2);
    const auto enters = kernel.calls_of(lio::arch::io_uring_enter);
    REQUIRE(enters.size() == 1);
    CHECK((flags_of(enters[0]) & lio::abi::enter_getevents) == 0);
}

TEST_CASE("the kernel learns of all entries by one store of the tail, in submit") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 8});
    auto& model = kernel.ring();
    for (int round = 0; round < 5; ++round) {
        const std::uint32_t before = model.submission_tail();
        ring.push(lio::op::nop()).value();
        CHECK(model.submission_tail() == before);
        ring.push(lio::op::nop(), lio::op::nop()).value();
        CHECK(model.submission_tail() == before);
        {
            auto batch = ring.reserve(2).value();
            while (batch.room() != 0) CHECK(batch.push(lio::op::nop()));
            CHECK(model.submission_tail() == before);
        }
        const std::uint32_t queued = ring.unsubmitted();
        std::uint32_t at_the_call = 0;
        kernel.meanwhile = [&] { at_the_call = model.submission_tail(); };
        CHECK(ring.submit().value().taken == queued);
        CHECK(at_the_call == before + queued);
    }
}

TEST_CASE("what was pushed is not seen by any kernel call but a submit", "[hazard 15]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 8});
    auto& model = kernel.ring();
    push(ring, 1, 3);
    model.hold_back(77);
    CHECK(ring.wait(1).value() == 1);
    model.set_submission_flag(lio::abi::sq_taskrun);
    CHECK(ring.next().value().user_data() == 77);
    CHECK(ring.reap().empty());
    CHECK(taken_by(model) == from_to(0, 0));
    CHECK(ring.submit().value().taken == 3);
}

TEST_CASE("a chain longer than the room left is not pushed at all", "[hazard 15]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 4});
    auto& model = kernel.ring();
    push(ring, 1, 2);
    kernel.forget_calls();
    const auto part = lio::op::nop().link();
    CHECK(ring.push(part, part, lio::op::nop()).error() == lio::error{EAGAIN, cause::queue_full});
    CHECK(ring.push(part, part, part, part, lio::op::nop()).error() == lio::error{E2BIG, cause::push_too_large});
    CHECK(kernel.calls().empty());
    CHECK(ring.unsubmitted() == 2);
    CHECK(ring.submit().value().taken == 2);
    CHECK(taken_by(model) == from_to(0, 2));
}

TEST_CASE("the queue is full when the kernel's head says so, not when much was submitted", "[hazard 2]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 8});
    auto& model = kernel.ring();
    model.take_limits = {3};
    push(ring, 1, 8);
    CHECK(ring.push(lio::op::nop()).error() == lio::error{EAGAIN, cause::queue_full});
    CHECK(ring.submission_room() == 0);
    CHECK(ring.submit().value().left == 5);
    CHECK(ring.submission_room() == 3);
    push(ring, 9, 11);
    CHECK(ring.push(lio::op::nop()).error() == lio::error{EAGAIN, cause::queue_full});
    CHECK(ring.submit().value().taken == 8);
    CHECK(taken_by(model) == from_to(0, 11));
}

TEST_CASE("every slot is written whole, whatever was in it before", "[hazard 29]") {
    // The model fills a slot with rubbish when it has taken it.
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 4});
    auto& model = kernel.ring();
    for (std::uint64_t i = 1; i <= 20; ++i) {
        const auto operation = lio::op::nop().user_data(i).personality(static_cast<std::uint16_t>(i));
        const bool in_a_batch = i % 3 == 0;
        if (in_a_batch) {
            auto batch = ring.reserve(1).value();
            REQUIRE(batch.push(operation));
        } else {
            ring.push(operation).value();
        }
        CHECK(ring.submit().value().taken == 1);
        CHECK(std::memcmp(&model.taken.back(), &operation.entry(), sizeof(lio::abi::sqe)) == 0);
    }
}

TEST_CASE("what the compiler does not know of an entry is written with all that is around it", "[hazard 29]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 4});
    auto& model = kernel.ring();
    // Made anew for each use, so that the one that is pushed is not in memory before.
    const auto arrives_whole = [&](auto make) {
        ring.push(make()).value();
        CHECK(ring.submit().value().taken == 1);
        const auto expected = make();
        CHECK(std::memcmp(&model.taken.back(), &expected.entry(), sizeof(lio::abi::sqe)) == 0);
    };
    static char memory[0x10000];
    volatile std::size_t unknown_length = 0xfedc;
    volatile std::uint16_t unknown_number = 0xba98;
    const std::size_t length = unknown_length;
    const std::uint16_t number = unknown_number;
    const lio::mutable_bytes room{memory, length};
    const lio::registered_buffer buffer{number, room};
    for (int round = 0; round < 8; ++round) {
        arrives_whole([&] { return lio::op::read(3, room, 5); });
        arrives_whole([&] { return lio::op::read_fixed(3, buffer, 5); });
        arrives_whole([&] { return lio::op::read_fixed(3, buffer, 5).personality(lio::personality_id{number}); });
        arrives_whole([&] { return lio::op::send(3, lio::bytes{room}); });
        arrives_whole([&] { return lio::op::send(3, lio::bytes{room}).flags(static_cast<int>(number)); });
        arrives_whole([&] { return lio::op::send_fixed(3, buffer); });
        arrives_whole([&] { return lio::op::recv(lio::direct_descriptor{number}, room); });
    }
}

TEST_CASE("both queues go on over the wrap of their counters", "[hazard 2]") {
    // With and without a submission array.
    for (const auto& plays : {lio::fake::linux_6_18, lio::fake::linux_6_1, lio::fake::linux_5_1}) {
        for (const std::uint32_t start : {0xfffffff0u, 0xffffffffu, 0xfffffffdu, 0x7ffffff8u}) {
            DYNAMIC_SECTION("on " << plays.name << ", from " << start) {
                lio::fake::kernel kernel{ground::model, plays};
                kernel.first_counter = start;
                lio::ring ring = lio::ring::create({.entries = 8}).value();
                auto& model = kernel.ring();
                CHECK(ring.submission_room() == 8);
                CHECK(ring.ready() == 0);
                CHECK(ring.unsubmitted() == 0);
                std::uint64_t pushed = 0;
                std::uint64_t seen = 0;
                bool in_order = true;
                for (std::uint32_t round = 0; round < 40; ++round) {
                    // 1 to 8 at a time; full now and then, and short now and then.
                    const std::uint32_t count = round % 8 + 1;
                    for (std::uint32_t i = 0; i < count; ++i) ring.push(lio::op::nop().user_data(pushed++)).value();
                    if (count == 8) CHECK(ring.push(lio::op::nop()).error().why() == cause::queue_full);
                    CHECK(ring.unsubmitted() == count);
                    if (round % 5 == 4) {
                        model.take_limits = {count / 2};
                        CHECK(ring.submit().value().left == count - count / 2);
                    }
                    CHECK(ring.submit_and_wait(count).value().left == 0);
                    CHECK(ring.ready() == count);
                    if (round % 2 == 0) {
                        for (const lio::cqe& done : ring.reap()) in_order = in_order && done.user_data() == seen++;
                    } else {
                        while (ring.ready() != 0) in_order = in_order && ring.next().value().user_data() == seen++;
                    }
                }
                CHECK(in_order);
                CHECK(seen == pushed);
                CHECK(taken_by(model) == from_to(0, pushed - 1));
                CHECK(model.submission_head() == start + static_cast<std::uint32_t>(pushed));
                CHECK(model.completion_head() == start + static_cast<std::uint32_t>(pushed));
                CHECK(model.header_is_intact());
            }
        }
    }
}

TEST_CASE("a queue is full at its capacity wherever its counters are", "[hazard 2]") {
    lio::fake::kernel kernel{ground::model};
    for (std::uint32_t start = 0xffffffeeu; start != 3; ++start) {
        INFO("from " << start);
        kernel.first_counter = start;
        lio::ring ring = lio::ring::create({.entries = 8, .completion_entries = 8}).value();
        auto& model = kernel.ring();
        push(ring, 0, 7);
        CHECK(ring.push(lio::op::nop()).error() == lio::error{EAGAIN, cause::queue_full});
        CHECK(ring.unsubmitted() == 8);
        CHECK(ring.submit().value().taken == 8);
        CHECK(taken_by(model) == from_to(0, 7));
        CHECK(ring.ready() == 8);
        for (std::uint64_t i = 0; i < 8; ++i) CHECK(ring.try_next().value().user_data() == i);
        CHECK_FALSE(ring.try_next());
    }
}

TEST_CASE("a short submit names the entry that stopped it wherever the counters are", "[hazard 2][hazard 6]") {
    lio::fake::kernel kernel{ground::model};
    for (std::uint32_t start = 0xfffffff6u; start != 2; ++start) {
        INFO("from " << start);
        kernel.first_counter = start;
        lio::ring ring = lio::ring::create({.entries = 8}).value();
        kernel.ring().take_limits = {5, 1};
        push(ring, 1, 8);
        CHECK(ring.submit().value().left == 3);
        CHECK(ring.stopped_by() == 5);
        CHECK(ring.submit().value().left == 2);
        CHECK(ring.stopped_by() == 6);
        CHECK(ring.submit().value().left == 0);
        CHECK(taken_by(kernel.ring()) == from_to(1, 8));
    }
}

TEST_CASE("reserved slots go on over the wrap, a batch ending where the memory does", "[hazard 2]") {
    lio::fake::kernel kernel{ground::model};
    kernel.first_counter = 0xfffffffau; // slot 2 of 8
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    auto& model = kernel.ring();
    std::uint64_t next = 0;
    for (const std::uint32_t expected : {6u, 2u}) {
        auto batch = ring.reserve(8).value();
        CHECK(batch.room() == expected);
        while (batch.room() != 0) CHECK(batch.push(lio::op::nop().user_data(next++)));
    }
    CHECK(ring.reserve(1).error() == lio::error{EAGAIN, cause::queue_full});
    CHECK(ring.submit().value().taken == 8);
    CHECK(taken_by(model) == from_to(0, 7));
}

TEST_CASE("a kernel thread that is awake costs no call, one that sleeps is woken", "[hazard 1]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 8, .require = setup::sqpoll}).value();
    auto& model = kernel.ring();
    kernel.forget_calls();
    push(ring, 1, 3);
    lio::submission done = ring.submit().value();
    CHECK(done.taken == 3);
    CHECK(done.left == 0);
    CHECK(ring.unsubmitted() == 0);
    CHECK(kernel.count_calls() == 0);
    CHECK(model.take() == 3); // its thread sees them all the same

    model.set_submission_flag(lio::abi::sq_need_wakeup);
    push(ring, 4, 5);
    CHECK(ring.submit().value().taken == 2);
    const auto enters = kernel.calls_of(lio::arch::io_uring_enter);
    REQUIRE(enters.size() == 1);
    CHECK(kernel.count_calls() == 1);
    CHECK(flags_of(enters[0]) == lio::abi::enter_sq_wakeup);
    CHECK(enters[0].arguments[0] == ring.file());
    CHECK(taken_by(model) == from_to(1, 5));
}

TEST_CASE("a kernel thread that sleeps is woken by a split ring as well", "[hazard 1]") {
    lio::fake::kernel kernel{ground::model};
    auto [completions, submissions] = lio::with_options({.entries = 8, .require = setup::sqpoll}).value();
    auto& model = kernel.ring();
    kernel.forget_calls();
    push(submissions, 1, 1);
    CHECK(submissions.submit().value().taken == 1);
    CHECK(kernel.count_calls() == 0);
    CHECK(model.take() == 1);
    model.set_submission_flag(lio::abi::sq_need_wakeup);
    push(submissions, 2, 2);
    CHECK(submissions.submit().value().taken == 1);
    CHECK(kernel.count_calls() == 1);
    CHECK(taken_by(model) == from_to(1, 2));
}

TEST_CASE("waiting on a ring with a kernel thread wakes it when it sleeps, and only then", "[hazard 1]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 8, .require = setup::sqpoll}).value();
    auto& model = kernel.ring();
    kernel.forget_calls();
    SECTION("asleep") {
        model.set_submission_flag(lio::abi::sq_need_wakeup);
        push(ring, 1, 2);
        CHECK(ring.submit_and_wait(2).value().taken == 2);
        const auto enters = kernel.calls_of(lio::arch::io_uring_enter);
        REQUIRE(enters.size() == 1);
        CHECK(flags_of(enters[0]) == (lio::abi::enter_sq_wakeup | lio::abi::enter_getevents));
        CHECK(enters[0].arguments[2] == 2);
    }
    SECTION("awake") {
        push(ring, 1, 2);
        kernel.meanwhile = [&] { model.take(); };
        CHECK(ring.submit_and_wait(2).value().taken == 2);
        const auto enters = kernel.calls_of(lio::arch::io_uring_enter);
        REQUIRE(enters.size() == 1);
        CHECK(flags_of(enters[0]) == lio::abi::enter_getevents);
    }
    CHECK(ring.ready() == 2);
}

TEST_CASE("with a kernel thread the queue has room again when that thread has taken something", "[hazard 2]") {
    lio::fake::kernel kernel{ground::model};
    kernel.first_counter = 0xfffffffcu;
    lio::ring ring = lio::ring::create({.entries = 8, .require = setup::sqpoll}).value();
    auto& model = kernel.ring();
    push(ring, 1, 8);
    CHECK(ring.submit().value().taken == 8);
    // Submitted, but not taken yet: these slots are the kernel's.
    CHECK(ring.push(lio::op::nop()).error() == lio::error{EAGAIN, cause::queue_full});
    CHECK(model.take(3) == 3);
    push(ring, 9, 11);
    CHECK(ring.push(lio::op::nop()).error() == lio::error{EAGAIN, cause::queue_full});
    CHECK(ring.submit().value().taken == 3);
    CHECK(model.take() == 8);
    CHECK(taken_by(model) == from_to(1, 11));
}

TEST_CASE("a refused wake-up takes nothing back that the kernel thread may see already", "[hazard 7]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 8, .require = setup::sqpoll}).value();
    auto& model = kernel.ring();
    model.set_submission_flag(lio::abi::sq_need_wakeup);
    kernel.fail(lio::arch::io_uring_enter, EINTR);
    push(ring, 1, 2);
    CHECK_FALSE(ring.submit());
    CHECK(model.submission_tail() == 2);
    CHECK(ring.submit().value().taken == 2);
    CHECK(taken_by(model) == from_to(1, 2));
}

TEST_CASE("a closed ring takes nothing and makes no call", "[hazard 25]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = running_ring({.entries = 8});
    lio::ring moved_to = static_cast<lio::ring&&>(ring);
    moved_to.close().value();
    kernel.forget_calls();
    const lio::error closed{EBADF, cause::ring_closed};
    for (lio::ring* const none : {&ring, &moved_to}) {
        CHECK(none->push(lio::op::nop()).error() == closed);
        CHECK(none->reserve(1).error() == closed);
        CHECK(none->submit().error() == closed);
        CHECK(none->submit_and_wait(1).error() == closed);
        CHECK(none->submit_and_wait(0).error() == closed);
        CHECK(none->submit_and_wait(1, lio::timespec{1, 0}).error() == closed);
        CHECK(none->wait(1).error() == closed);
        CHECK(none->try_next().error() == closed);
        CHECK(none->next().error() == closed);
        CHECK(none->enable().error() == closed);
        CHECK(none->reap().empty());
        CHECK(none->close());
        CHECK_FALSE(none->is_open());
        CHECK(none->file() == -1);
    }
    CHECK(kernel.calls().empty());
}

} // namespace fake_kernel_submitting_test
