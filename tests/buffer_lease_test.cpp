// Buffers of a group as handles that give themselves back, and the ways to make a buffer ring that need them. Data comes
// in over sockets that plain POSIX calls fill.

#include "catch.hpp"

#include "support/footprint.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/buffer_ring.hpp>
#include <lio/op/recv.hpp>
#include <lio/ring.hpp>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::buffer_lease;
using lio::buffer_ring;
using lio::cqe;
using lio::ring;

constexpr const char* no_buffer_rings = "the kernel has no buffer rings (Linux 5.19 has)";

std::string text(const buffer_lease& lease) { return std::string{text_of(lease.memory())}; }

// Receives what is there into a buffer of the group.
cqe receive(ring& ring, const buffer_ring& buffers, const connection& pair) {
    return run(ring, op::recv(pair.ours, buffers.group()));
}

// Whether the kernel makes such a buffer ring; if not, the error must say what it lacks.
bool is_there(const lio::buffer_ring_options& options) {
    ring made = ring::create({.entries = 4}).value();
    const auto buffers = buffer_ring::create(made, options);
    if (!buffers) REQUIRE(buffers.error() == lio::error{EINVAL, lio::cause::buffer_ring_option_missing});
    return buffers.has_value();
}

bool can_tell_what_is_available() {
    ring made = ring::create({.entries = 4}).value();
    const auto buffers = buffer_ring::create(made, {.group = 77, .count = 4});
    const auto left = buffers.value().available();
    if (!left) REQUIRE(left.error().code() == EINVAL);
    return left.has_value();
}

} // namespace

TEST_CASE("a lease shows what was received, and gives its buffer back when it goes", "[buffer_lease]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    if (!can_tell_what_is_available()) LIO_SKIP("what a buffer ring has left: since Linux 6.8");
    under_each_setup([](ring& ring) {
        buffer_ring buffers = buffer_ring::create(ring, {.group = 77, .count = 4, .size = 64}).value();
        connection pair = socket_pair(SOCK_SEQPACKET);
        CHECK(buffers.available().value() == 4);
        send_all(pair.theirs, "one");
        send_all(pair.theirs, "two!");
        {
            const buffer_lease one = buffers.lease(receive(ring, buffers, pair));
            buffer_lease two = buffers.lease(receive(ring, buffers, pair));
            CHECK(text(one) == "one");
            CHECK(text(two) == "two!");
            CHECK(one.id() != two.id());
            CHECK(buffers.available().value() == 2);
            two.give_back();
            CHECK_FALSE(two);
            CHECK(two.memory().size() == 0);
            two.give_back(); // nothing more to give
            CHECK(buffers.available().value() == 3);
        }
        CHECK(buffers.available().value() == 4);
    });
}

TEST_CASE("a lease that is moved gives back once, and what it is moved onto is given back", "[buffer_lease]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    if (!can_tell_what_is_available()) LIO_SKIP("what a buffer ring has left: since Linux 6.8");
    ring ring = ring::create({.entries = 8}).value();
    buffer_ring buffers = buffer_ring::create(ring, {.group = 77, .count = 4, .size = 64}).value();
    connection pair = socket_pair(SOCK_SEQPACKET);
    send_all(pair.theirs, "one");
    send_all(pair.theirs, "two");
    buffer_lease first = buffers.lease(receive(ring, buffers, pair));
    buffer_lease second = buffers.lease(receive(ring, buffers, pair));
    CHECK(buffers.available().value() == 2);
    first = std::move(second);
    CHECK(text(first) == "two");
    CHECK(buffers.available().value() == 3);
    {
        const buffer_lease third = std::move(first);
        CHECK(text(third) == "two");
        CHECK(buffers.available().value() == 3);
    }
    CHECK(buffers.available().value() == 4);
    CHECK_FALSE(first);
}

TEST_CASE("several leases are given back by one store, which the kernel sees at the end", "[buffer_lease]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    if (!can_tell_what_is_available()) LIO_SKIP("what a buffer ring has left: since Linux 6.8");
    ring ring = ring::create({.entries = 8}).value();
    buffer_ring buffers = buffer_ring::create(ring, {.group = 77, .count = 4, .size = 64}).value();
    connection pair = socket_pair(SOCK_SEQPACKET);
    for (int round = 0; round < 10; ++round) {
        for (int i = 0; i < 4; ++i) send_all(pair.theirs, "x");
        std::vector<buffer_lease> leases;
        for (int i = 0; i < 3; ++i) leases.push_back(buffers.lease(receive(ring, buffers, pair)));
        const cqe plain = receive(ring, buffers, pair);
        send_all(pair.theirs, "y");
        CHECK(code(receive(ring, buffers, pair)) == ENOBUFS);
        {
            lio::buffer_returns returns{buffers};
            for (buffer_lease& one : leases) one.give_back(returns);
            returns.add(plain);
            returns.add(cqe{lio::abi::cqe{0, 0, 0}}); // carries none
            CHECK(code(receive(ring, buffers, pair)) == ENOBUFS);
        }
        const buffer_lease last = buffers.lease(receive(ring, buffers, pair));
        CHECK(text(last) == "y");
    }
    CHECK(buffers.available().value() == 4);
}

TEST_CASE("a lease of a failed completion is empty, or gives back what that carries [hazard 34]",
          "[buffer_lease][hazard 34]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    ring ring = ring::create({.entries = 8}).value();
    buffer_ring buffers = buffer_ring::create(ring, {.group = 77, .count = 2, .size = 64}).value();
    const buffer_lease none = buffers.lease(cqe{lio::abi::cqe{0, -ENOBUFS, 0}});
    CHECK_FALSE(none);
    connection pair = socket_pair(SOCK_SEQPACKET);
    for (int i = 0; i < 5; ++i) { // more often than there are buffers
        send_all(pair.theirs, "x");
        const cqe done = receive(ring, buffers, pair);
        REQUIRE(done.buffer_id());
        // As of an operation that failed after it had picked its buffer.
        const buffer_lease failed = buffers.lease(cqe{lio::abi::cqe{0, -ECANCELED, done.flags()}});
        CHECK(failed);
        CHECK(failed.memory().size() == 0);
    }
}

TEST_CASE("buffers are filled piece by piece, each piece where the last ended, until they are full [hazard 36]",
          "[buffer_lease][hazard 36]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    const lio::buffer_ring_options options{.group = 77, .count = 2, .size = 8, .incremental = true};
    if (!is_there(options)) LIO_SKIP("buffers that are consumed incrementally: since Linux 6.12");
    under_each_setup([&](ring& ring) {
        buffer_ring buffers = buffer_ring::create(ring, options).value();
        connection pair = socket_pair(SOCK_STREAM);
        for (int round = 0; round < 5; ++round) {
            send_all(pair.theirs, "abc");
            buffer_lease first = buffers.lease(receive(ring, buffers, pair));
            CHECK(text(first) == "abc");
            send_all(pair.theirs, "defghijkl"); // more than the rest
            buffer_lease second = buffers.lease(receive(ring, buffers, pair));
            CHECK(second.id() == first.id());
            CHECK(text(second) == "defgh");
            CHECK(second.memory().data() == first.memory().data() + 3);
            buffer_lease third = buffers.lease(receive(ring, buffers, pair));
            CHECK(third.id() != first.id());
            CHECK(text(third) == "ijkl");
            send_all(pair.theirs, "mnop");
            buffer_lease fourth = buffers.lease(receive(ring, buffers, pair));
            CHECK(text(fourth) == "mnop");

            // A full buffer goes back with the last lease of it, whichever that is.
            send_all(pair.theirs, "q");
            CHECK(code(receive(ring, buffers, pair)) == ENOBUFS);
            second.give_back();
            CHECK(code(receive(ring, buffers, pair)) == ENOBUFS);
            CHECK(text(first) == "abc");
            first.give_back();
            buffer_lease fifth = buffers.lease(receive(ring, buffers, pair));
            CHECK(text(fifth) == "q");
            // One that is not full stays with the kernel when its lease goes.
            fifth.give_back();
            send_all(pair.theirs, "rstuvwx");
            CHECK(text(buffers.lease(receive(ring, buffers, pair))) == "rstuvwx");
            {
                lio::buffer_returns returns{buffers};
                third.give_back(returns);
                fourth.give_back(returns);
            }
        }
    });
}

TEST_CASE("a buffer with less room than the minimum counts as full", "[buffer_lease]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    const lio::buffer_ring_options options{.group = 77, .count = 2, .size = 8, .incremental = true, .minimum_left = 6};
    if (!is_there(options)) LIO_SKIP("a minimum of what is left in a buffer: since Linux 7.1, and in late 6.12 and 6.18");
    ring ring = ring::create({.entries = 8}).value();
    buffer_ring buffers = buffer_ring::create(ring, options).value();
    connection pair = socket_pair(SOCK_STREAM);
    send_all(pair.theirs, "abc");
    const buffer_lease first = buffers.lease(receive(ring, buffers, pair)); // leaves 5
    send_all(pair.theirs, "d");
    const buffer_lease second = buffers.lease(receive(ring, buffers, pair));
    CHECK(text(first) == "abc");
    CHECK(text(second) == "d");
    CHECK(second.id() != first.id());
}

TEST_CASE("a list of buffers in the kernel's memory does the same, and leaves nothing behind", "[buffer_lease]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    lio::buffer_ring_options options{.group = 300, .count = 512, .size = 64, .kernel_memory = true};
    if (!is_there(options)) LIO_SKIP("a buffer ring in the kernel's memory: since Linux 6.4");
    leaks_nothing(
        [&] {
            ring ring = ring::create({.entries = 8}).value();
            buffer_ring buffers = buffer_ring::create(ring, options).value();
            connection pair = socket_pair(SOCK_SEQPACKET);
            for (int i = 0; i < 1100; ++i) { // twice round
                send_all(pair.theirs, "hello");
                const buffer_lease lease = buffers.lease(receive(ring, buffers, pair));
                CHECK(text(lease) == "hello");
            }
            buffer_ring other = std::move(buffers);
            send_all(pair.theirs, "moved");
            CHECK(text(other.lease(receive(ring, other, pair))) == "moved");
        },
        10, 1'000'000);
}
