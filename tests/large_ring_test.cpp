// Rings with longer entries: that every part of an entry and of a completion arrives, and what does not fit where.

#include "catch.hpp"
#include "support/large_rings.hpp"
#include "support/skip.hpp"

#include <lio/abi/operation_flags.hpp>
#include <lio/large_ring.hpp>
#include <lio/op/nop.hpp>
#include <lio/split.hpp>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include <sys/mman.h>

namespace large_ring_test {

using lio::setup;
using lio::op::nop;

namespace {

// Operations as a caller of the library may write them.
class long_entry : public lio::op::operation<long_entry, lio::abi::sqe128> {
public:
    static constexpr lio::abi::opcode code = lio::abi::opcode::nop;
    using result_type = void;

    long_entry() noexcept {
        entry_.fd = -1;
        std::memset(entry_.rest, 0xee, sizeof entry_.rest);
    }
};

class long_answer : public lio::op::operation<long_answer> {
public:
    static constexpr lio::abi::opcode code = lio::abi::opcode::nop;
    static constexpr bool large_completion = true;
    using result_type = void;

    constexpr long_answer(std::uint64_t first, std::uint64_t second) noexcept {
        entry_.fd = -1;
        entry_.off = first;
        entry_.addr = second;
        entry_.nop_flags = lio::abi::nop_cqe32;
    }
};

template <class Ring, class Operation>
constexpr bool takes = requires(Ring& ring, const Operation& operation) { ring.push(operation); };

static_assert(takes<lio::ring, nop> && takes<lio::large_ring, nop> && takes<lio::large_completion_ring, nop>);
static_assert(!takes<lio::ring, long_entry>, "its second half would be another operation's entry");
static_assert(!takes<lio::large_completion_ring, long_entry>);
static_assert(takes<lio::large_ring, long_entry>);
static_assert(!takes<lio::ring, long_answer>, "the kernel refuses it there, and there is no room for the answer");
static_assert(takes<lio::large_completion_ring, long_answer> && takes<lio::large_ring, long_answer>);

} // namespace

#define SKIP_WITHOUT(ring_type)                                                                                        \
    if (!lio::test::has_large_rings<ring_type>()) LIO_SKIP(lio::test::no_large_rings)

TEMPLATE_TEST_CASE("operations go through rings with longer entries as through any other, round after round", "",
                   lio::large_ring, lio::large_completion_ring) {
    SKIP_WITHOUT(TestType);
    TestType ring = TestType::create({.entries = 4}).value();
    std::uint64_t pushed = 0;
    std::uint64_t seen = 0;
    for (int round = 0; round < 10; ++round) {
        ring.push(nop().user_data(pushed), nop().user_data(pushed + 1)).value();
        pushed += 2;
        {
            auto batch = ring.reserve(1).value();
            REQUIRE(batch.push(nop().user_data(pushed++)));
        }
        CHECK(ring.submit_and_wait(3).value().taken == 3);
        for (const lio::large_cqe& done : ring.reap()) {
            CHECK(done.user_data() == seen++);
            CHECK(done.result().value() == 0);
        }
        CHECK(seen == pushed);
    }
}

TEST_CASE("a batch of a large ring lies in neighbouring slots") {
    SKIP_WITHOUT(lio::large_ring);
    lio::large_ring ring = lio::large_ring::create({.entries = 8}).value();
    {
        auto batch = ring.reserve(8).value();
        REQUIRE(batch.room() == 8);
        for (std::uint64_t i = 0; i < 8; ++i) REQUIRE(batch.push(nop().user_data(i + 100)));
    }
    CHECK(ring.unsubmitted() == 8);
    ring.submit_and_wait(8).value();
    std::uint64_t next = 100;
    for (const lio::large_cqe& done : ring.reap()) CHECK(done.user_data() == next++);
    CHECK(next == 108);
}

TEST_CASE("nothing remains in the second half of a slot of the operation that was in it before [hazard 26] [hazard 29]",
          "[hazard 26][hazard 29]") {
    SKIP_WITHOUT(lio::large_ring);
    lio::large_ring ring = lio::large_ring::create({.entries = 1}).value();
    void* const slot = ::mmap(nullptr, 128, PROT_READ, MAP_SHARED, ring.file(), 0x10000000);
    REQUIRE(slot != MAP_FAILED);
    const auto second_half_is = [&](unsigned char value) {
        unsigned char bytes[64];
        std::memcpy(bytes, static_cast<const char*>(slot) + 64, sizeof bytes);
        for (const unsigned char byte : bytes)
            if (byte != value) return false;
        return true;
    };
    const auto empty_the_queue = [&] {
        ring.submit_and_wait(1).value();
        ring.next().value();
    };
    ring.push(long_entry()).value();
    CHECK(second_half_is(0xee));
    empty_the_queue();
    ring.push(nop()).value();
    CHECK(second_half_is(0));
    empty_the_queue();
    ring.push(long_entry()).value();
    empty_the_queue();
    CHECK(ring.reserve(1).value().push(nop()));
    CHECK(second_half_is(0));
    ::munmap(slot, 128);
}

TEMPLATE_TEST_CASE("the second half of a completion comes with it", "", lio::large_ring, lio::large_completion_ring) {
    SKIP_WITHOUT(TestType);
    TestType ring = TestType::create({.entries = 2}).value();
    for (std::uint64_t i = 0; i < 9; ++i) {
        ring.push(long_answer{i, ~i}.user_data(i)).value();
        ring.submit_and_wait(1).value();
        const lio::large_cqe done = ring.next().value();
        if (done.raw_result() == -EINVAL) LIO_SKIP("a nop that answers in 32 bytes: since Linux 6.18");
        CHECK(done.user_data() == i);
        CHECK(done.extra(0) == i);
        CHECK(done.extra(1) == ~i);
    }
}

TEST_CASE("the size of entries is the ring's type and cannot be asked for") {
    const lio::error expected{EINVAL, lio::cause::entry_size_is_the_type};
    CHECK(lio::ring::create({.require = setup::large_entries}).error() == expected);
    CHECK(lio::ring::create({.require = setup::large_completions}).error() == expected);
    CHECK(lio::large_ring::create({.require = setup::large_entries}).error() == expected);
    CHECK(lio::with_options({.require = setup::large_completions}).error() == expected);
}

TEST_CASE("a large ring says what it was set up with") {
    SKIP_WITHOUT(lio::large_ring);
    CHECK(lio::has(lio::large_ring::create().value().setup_flags(), setup::large_entries | setup::large_completions));
    CHECK(lio::has(lio::large_completion_ring::create().value().setup_flags(), setup::large_completions));
    CHECK_FALSE(lio::has(lio::large_completion_ring::create().value().setup_flags(), setup::large_entries));
    CHECK_FALSE(lio::has(lio::ring::create().value().setup_flags(), setup::large_completions));
}

} // namespace large_ring_test
