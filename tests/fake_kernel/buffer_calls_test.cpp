// Which calls buffer rings make: none to receive, and the ones to begin where the kernel goes on. Test code; one
// thread.

#include "fake_kernel.hpp"

#include <lio/buffer_ring.hpp>
#include <lio/op/recv.hpp>
#include <lio/ring.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>

namespace fake_kernel_buffer_calls_test {

using lio::cause;
using lio::fake::ground;

namespace {

// The completion of a receive into a buffer.
constexpr std::uint32_t with_buffer(std::uint32_t id) { return id << 16 | 1; }

// The list of buffers, which lies in front of them.
lio::abi::buf& entry_at(const lio::buffer_ring& buffers, std::size_t place) {
    std::byte* const entries = buffers.buffer(0).data() - std::size_t{buffers.count()} * sizeof(lio::abi::buf);
    return reinterpret_cast<lio::abi::buf*>(entries)[place];
}
// The kernel's end of it.
std::uint16_t tail_of(const lio::buffer_ring& buffers) {
    return __atomic_load_n(&entry_at(buffers, 0).resv, __ATOMIC_ACQUIRE);
}
std::uint16_t id_at(const lio::buffer_ring& buffers, std::size_t place) { return entry_at(buffers, place).bid; }

} // namespace

TEST_CASE("a receive into a group's buffer, and giving it back, cost the one call that enters and map nothing") {
    if (!lio::fake::real_kernel_has_rings())
        LIO_SKIP("this machine's own kernel has no io_uring or forbids it (Linux 5.1)");
    lio::fake::kernel kernel{ground::real};
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    auto made = lio::buffer_ring::create(ring, {.group = 70, .count = 4, .size = 8});
    if (!made) {
        REQUIRE(made.error().code() == EINVAL);
        ring.close().value();
        LIO_SKIP("the kernel has no buffer rings (Linux 5.19 has)");
    }
    lio::buffer_ring buffers = static_cast<lio::buffer_ring&&>(*made);
    int ends[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    const auto receive = [&] {
        REQUIRE(::send(ends[1], "01234567", 8, 0) == 8);
        ring.push(lio::op::recv(ends[0], buffers.group())).value();
        ring.submit_and_wait(1).value();
        return ring.next().value();
    };
    buffers.recycle(receive()); // the first use binds the ring to this thread
    constexpr std::size_t times = 40;
    kernel.forget_calls();
    for (std::size_t i = 0; i < times; ++i) {
        const lio::cqe done = receive();
        REQUIRE(buffers.filled(done).size() == 8);
        if (i % 4 == 0) {
            buffers.recycle(done);
        } else if (i % 4 == 1) {
            const lio::buffer_lease lease = buffers.lease(done);
        } else if (i % 4 == 2) {
            lio::buffer_returns returns{buffers};
            returns.add(done);
        } else {
            lio::bundle_lease bundle = buffers.lease_bundle(done);
            REQUIRE(bundle.take_first().memory().size() == 8);
        }
    }
    CHECK(kernel.count(lio::arch::io_uring_enter) == times);
    CHECK(kernel.count_calls() == times);
    CHECK(buffers.close());
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("what becomes of a completion's buffers is no business of the kernel's until it takes them") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    auto buffers = lio::buffer_ring::create(ring, {.group = 70, .count = 4, .size = 8}).value();
    CHECK(tail_of(buffers) == 4);
    kernel.forget_calls();
    const auto filled = [](std::uint32_t id, std::int32_t result) {
        return lio::cqe{lio::abi::cqe{0, result, with_buffer(id)}};
    };
    {
        lio::buffer_returns returns{buffers};
        lio::bundle_lease bundle = buffers.lease_bundle(filled(0, 20)); // of 0, 1 and 2
        CHECK(bundle.size() == 20);
        lio::buffer_lease failed = buffers.lease(filled(3, -ECONNRESET));
        CHECK(failed);
        failed.give_back(returns);
        bundle.give_back(returns);
        CHECK(tail_of(buffers) == 4); // nothing is seen of it yet
    }
    CHECK(tail_of(buffers) == 8);
    for (std::uint16_t id = 0; id < 4; ++id) CHECK(id_at(buffers, id) == (id + 3) % 4);
    CHECK(kernel.count_calls() == 0);
}

TEST_CASE("a number below 64 is had once where the kernel does not forget where its group stood") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    for (const std::uint16_t number : {std::uint16_t{0}, std::uint16_t{63}}) {
        { const auto first = lio::buffer_ring::create(ring, {.group = number, .count = 4, .size = 8}).value(); }
        const auto second = lio::buffer_ring::create(ring, {.group = number, .count = 4, .size = 8});
        REQUIRE_FALSE(second);
        CHECK(second.error() == lio::error{EEXIST, cause::buffer_group_not_forgotten});
        CHECK(kernel.registrations() == 0);
    }
    // Other numbers, and other rings, know nothing of it.
    for (int i = 0; i < 3; ++i)
        const auto high = lio::buffer_ring::create(ring, {.group = 64, .count = 4, .size = 8}).value();
    lio::ring other = lio::ring::create({.entries = 8}).value();
    const auto fresh = lio::buffer_ring::create(other, {.group = 0, .count = 4, .size = 8}).value();
    CHECK(tail_of(fresh) == 4);
}

TEST_CASE("where the kernel says how far it is, a number is had again and the list begins there [hazard 2]",
          "[hazard 2]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    for (const std::uint32_t head : {0u, 5u, 65534u}) { // it has forgotten; it has not
        kernel.heads[7] = head;
        { const auto first = lio::buffer_ring::create(ring, {.group = 7, .count = 4, .size = 8}).value(); }
        const auto second = lio::buffer_ring::create(ring, {.group = 7, .count = 4, .size = 8}).value();
        CHECK(tail_of(second) == static_cast<std::uint16_t>(head + 4));
        for (std::uint16_t id = 0; id < 4; ++id) CHECK(id_at(second, (head + id) % 4) == id);
        CHECK(second.available().value() == 4);
    }
}

TEST_CASE("a buffer that a later completion has used up does not go back by one before it [hazard 36]", "[hazard 36]") {
    for (const bool is_told : {false, true}) {
        lio::fake::kernel kernel{ground::model};
        kernel.takes_minimum_left = is_told;
        lio::ring ring = lio::ring::create({.entries = 8}).value();
        auto buffers =
            lio::buffer_ring::create(ring, {.group = 70, .count = 2, .size = 8, .incremental = true}).value();
        // None of them says that the kernel goes on.
        const auto leased = [&](std::uint32_t id, std::int32_t result) {
            return buffers.lease(lio::cqe{lio::abi::cqe{0, result, with_buffer(id)}});
        };
        // What the kernel writes: so much is taken of the buffer; all that is left of it is.
        const auto take = [&](std::size_t place, std::uint32_t size) {
            entry_at(buffers, place).addr += size;
            entry_at(buffers, place).len -= size;
        };
        const auto use_up = [&](std::size_t place) { entry_at(buffers, place).len = 0; };

        take(0, 3);
        use_up(0);
        leased(0, 3).give_back();
        CHECK(tail_of(buffers) == 2);
        leased(0, 5).give_back();
        CHECK(tail_of(buffers) == 3);

        // By an operation that got less than it asked for.
        take(1, 2);
        use_up(1);
        leased(1, 2).give_back();
        CHECK(tail_of(buffers) == 3);
        leased(1, 4).give_back();
        CHECK(tail_of(buffers) == 4);

        // One that got nothing, and two that took the rest.
        take(0, 3);
        use_up(0);
        leased(0, 0).give_back();
        leased(0, 3).give_back();
        CHECK(tail_of(buffers) == 4);
        leased(0, 5).give_back();
        CHECK(tail_of(buffers) == 5);

        // One that got nothing, and may have used it up, or have left it to the one behind.
        use_up(1);
        leased(1, 0).give_back();
        CHECK(tail_of(buffers) == (is_told ? 6 : 5));
        if (is_told) continue;
        leased(1, 8).give_back();
        CHECK(tail_of(buffers) == 6);
    }
}

} // namespace fake_kernel_buffer_calls_test
