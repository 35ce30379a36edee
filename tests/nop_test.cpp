// The operation that does nothing: what it can be told to go through, and its longer forms. Each test runs on a ring of
// every set-up that this kernel takes, unless the ring's entries are the point; one thread.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/files.hpp"
#include "support/large_rings.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/waiting.hpp"

#include <lio/completion.hpp>
#include <lio/large_ring.hpp>
#include <lio/op/nop.hpp>
#include <lio/registered_buffers.hpp>
#include <lio/registered_files.hpp>

#include <fcntl.h>

#include <cerrno>
#include <cstdint>

namespace nop_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::ring;

char memory[16];
constexpr lio::registered_buffer third{3, lio::mutable_bytes{memory}};

const encodings rows{[](auto add) {
    add("nop with a result", op::nop().inject_result(0x12345678),
        expected_entry{}.u8(0, 0).s32(4, -1).u32(24, 0x12345678).u32(28, 1));
    add("nop that fails, with modifiers", op::nop().inject_result(-5).link().user_data(7),
        expected_entry{}.u8(0, 0).u8(1, 4).s32(4, -1).s32(24, -5).u32(28, 1).u64(32, 7));
    add("nop with a file", op::nop().look_up(9), expected_entry{}.u8(0, 0).s32(4, 9).u32(28, 2));
    add("nop with a slot", op::nop().look_up(lio::direct_descriptor{9}),
        expected_entry{}.u8(0, 0).s32(4, 9).u32(28, 2 | 4));
    add("nop with a file after all", op::nop().look_up(lio::direct_descriptor{9}).look_up(8),
        expected_entry{}.u8(0, 0).s32(4, 8).u32(28, 2));
    add("nop with a registered buffer", op::nop().look_up(third),
        expected_entry{}.u8(0, 0).s32(4, -1).u32(28, 8).u16(40, 3));
    add("nop from task work", op::nop().from_task_work(), expected_entry{}.u8(0, 0).s32(4, -1).u32(28, 16));
    add("nop with everything",
        op::nop()
            .from_task_work()
            .look_up(third)
            .look_up(lio::direct_descriptor{2})
            .inject_result(6)
            .hard_link()
            .personality(5)
            .user_data(1),
        expected_entry{}
            .u8(0, 0)
            .u8(1, 8)
            .s32(4, 2)
            .u32(24, 6)
            .u32(28, 1 | 2 | 4 | 8 | 16)
            .u64(32, 1)
            .u16(40, 3)
            .u16(42, 5));
    add("nop_large_completion", op::nop_large_completion(0x1122334455667788, 9),
        expected_entry{}.u8(0, 0).s32(4, -1).u64(8, 0x1122334455667788).u64(16, 9).u32(28, 32));
    add("nop_large_completion with modifiers",
        op::nop_large_completion(1, 2).inject_result(3).from_task_work().look_up(4).user_data(5),
        expected_entry{}.u8(0, 0).s32(4, 4).u64(8, 1).u64(16, 2).u32(24, 3).u32(28, 32 | 1 | 16 | 2).u64(32, 5));
    add("nop128", op::nop128(), expected_entry{128}.u8(0, 63).s32(4, -1));
    add("nop128 with modifiers", op::nop128().inject_result(-1).look_up(lio::direct_descriptor{1}).drain().user_data(8),
        expected_entry{128}.u8(0, 63).u8(1, 2).s32(4, 1).s32(24, -1).u32(28, 1 | 2 | 4).u64(32, 8));
}};

// A plain nop is what benchmarks count: it must stay nothing but an entry known to the compiler.
static_assert(op::nop().user_data(1).entry().fd == -1);
static_assert(op::nop().inject_result(-1).entry().len == 0xffffffff);
static_assert(op::nop().look_up(third).entry().buf_index == 3);

// Older kernels take no notice of flags (before 6.10), or refuse those that they do not know.
bool kernel_injects() {
    static const bool answer = [] {
        ring asked = ring::create({.entries = 1, .exactly = true}).value();
        return run(asked, op::nop().inject_result(42)).raw_result() == 42;
    }();
    return answer;
}

bool kernel_takes(const op::nop& nop) {
    ring asked = ring::create({.entries = 1, .exactly = true}).value();
    return kernel_injects() && code(run(asked, nop)) != EINVAL;
}

// With a bad file the result may be wrong on kernels before 2026; what a chain sees of it is always right.
bool is_bad_file(const lio::cqe& done) { return code(done) == EBADF || done.raw_result() == 0; }
bool is_bad_buffer(const lio::cqe& done) { return code(done) == EFAULT || done.raw_result() == 0; }

constexpr const char* no_injection = "a nop with a result: since Linux 6.10";
constexpr const char* no_look_up = "a nop with files and buffers: since Linux 6.13";

} // namespace

TEST_CASE("nop completes with the result that was injected", "[nop]") {
    if (!kernel_injects()) LIO_SKIP(no_injection);
    under_each_setup([](ring& ring) {
        CHECK(run(ring, op::nop().inject_result(0x7fffffff)).result().value() == 0x7fffffff);
        CHECK(run(ring, op::nop().inject_result(0)).result().value() == 0);
        CHECK(code(run(ring, op::nop().inject_result(-EIO))) == EIO);
        CHECK_FALSE(run(ring, op::nop().inject_result(-EIO)).result<op::nop>());
        CHECK(run(ring, op::nop().inject_result(5)).result<op::nop>());
    });
}

TEST_CASE("an injected failure breaks a chain, but not a hard one", "[nop]") {
    if (!kernel_injects()) LIO_SKIP(no_injection);
    under_each_setup([](ring& ring) {
        ring.push(op::nop().inject_result(-EIO).link().user_data(1), op::nop().user_data(2)).value();
        const auto broken = next_soon(ring, 2);
        CHECK(code(of(broken, 1)) == EIO);
        CHECK(code(of(broken, 2)) == ECANCELED);
        ring.push(op::nop().inject_result(-EIO).hard_link().user_data(1), op::nop().user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 2)) == 0);
        ring.push(op::nop().inject_result(7).link().user_data(1), op::nop().user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 2)) == 0);
    });
}

TEST_CASE("nop finds the file that it is to look up, and fails without it", "[nop]") {
    const open_file null{"/dev/null", O_RDONLY};
    if (!kernel_takes(op::nop().look_up(null))) LIO_SKIP(no_look_up);
    under_each_setup([&](ring& ring) {
        const int files[] = {-1, null};
        auto slots = lio::registered_files::create(ring, files).value();
        const auto finds = [&](lio::descriptor file) {
            ring.push(op::nop().look_up(file).link().user_data(1), op::nop().user_data(2)).value();
            const auto done = next_soon(ring, 2);
            const bool found = code(of(done, 2)) == 0;
            CHECK((found ? of(done, 1).raw_result() == 0 : is_bad_file(of(done, 1))));
            return found;
        };
        CHECK(finds(null));
        CHECK_FALSE(finds(-1));
        CHECK_FALSE(finds(999'999));
        CHECK(finds(slots[1]));
        CHECK_FALSE(finds(slots[0]));
        CHECK_FALSE(finds(lio::direct_descriptor{2}));
        CHECK(run(ring, op::nop().look_up(slots[1]).inject_result(3)).result().value() == 3);
    });
}

TEST_CASE("nop finds the registered buffer that it is to look up, and fails without it", "[nop]") {
    const open_file null{"/dev/null", O_RDONLY};
    if (!kernel_takes(op::nop().look_up(null))) LIO_SKIP(no_look_up);
    under_each_setup([](ring& ring) {
        char room[64];
        const lio::mutable_bytes pieces[] = {lio::mutable_bytes{room}};
        auto buffers = lio::registered_buffers::create(ring, pieces).value();
        const auto finds = [&](lio::registered_buffer buffer) {
            ring.push(op::nop().look_up(buffer).link().user_data(1), op::nop().user_data(2)).value();
            const auto done = next_soon(ring, 2);
            const bool found = code(of(done, 2)) == 0;
            CHECK((found ? of(done, 1).raw_result() == 0 : is_bad_buffer(of(done, 1))));
            return found;
        };
        CHECK(finds(buffers[0]));
        CHECK_FALSE(finds(lio::registered_buffer{1, lio::mutable_bytes{room}}));
    });
}

TEST_CASE("a nop from task work completes after what was submitted behind it", "[nop]") {
    if (!kernel_takes(op::nop().from_task_work())) LIO_SKIP("a nop from task work: since Linux 6.16");
    under_each_setup([](ring& ring) {
        ring.push(op::nop().from_task_work().user_data(1), op::nop().user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(done[0].user_data() == 2);
        CHECK(done[1].user_data() == 1);
        if (kernel_injects()) CHECK(run(ring, op::nop().from_task_work().inject_result(9)).raw_result() == 9);
    });
}

TEMPLATE_TEST_CASE("the completion of a nop_large_completion carries its two words", "[nop]", lio::large_ring,
                   lio::large_completion_ring) {
    if (!has_large_rings<TestType>()) LIO_SKIP(no_large_rings);
    TestType ring = TestType::create({.entries = 4}).value();
    const lio::large_cqe done = run_on(ring, op::nop_large_completion(0xfedcba9876543210, 5).user_data(1));
    if (code(done) == EINVAL || done.extra(0) == 0) LIO_SKIP("a nop that answers in 32 bytes: since Linux 6.18");
    const auto answer = done.as<op::nop_large_completion>();
    CHECK(answer.result().value() == 0);
    CHECK(answer.first() == 0xfedcba9876543210);
    CHECK(answer.second() == 5);
    const lio::large_cqe broken = run_on(ring, op::nop_large_completion(1, 2).inject_result(-EIO));
    const auto failed = broken.as<op::nop_large_completion>();
    CHECK(failed.result().error().code() == EIO);
    CHECK(failed.first() == 1);
    // The words are not another one's.
    CHECK(run_on(ring, op::nop_large_completion(0, 3)).extra(0) == 0);
}

TEST_CASE("nop128 completes in a ring with such entries, and is unknown to older kernels", "[nop]") {
    if (!has_large_rings<lio::large_ring>()) LIO_SKIP(no_large_rings);
    lio::large_ring ring = lio::large_ring::create({.entries = 4}).value();
    if (!kernel_supports(lio::abi::opcode::nop128)) {
        CHECK(code(run_on(ring, op::nop128())) == EINVAL);
        LIO_SKIP("operations of 128 bytes: since Linux 6.19");
    }
    for (std::uint64_t i = 0; i < 9; ++i) {
        ring.push(op::nop128().inject_result(17).link().user_data(i), op::nop().user_data(100)).value();
        const lio::large_cqe first = next_on(ring);
        CHECK(first.user_data() == i);
        CHECK(first.result().value() == 17);
        CHECK(next_on(ring).user_data() == 100);
    }
    ring.push(op::nop128().look_up(-1).link(), op::nop().user_data(100)).value();
    CHECK(is_bad_file(next_on(ring)));
    CHECK(code(next_on(ring)) == ECANCELED);
}

} // namespace nop_test
