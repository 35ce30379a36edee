// Buffers of a group as handles that give themselves back, and the ways to make a buffer ring that need them. Data
// comes in over sockets that plain POSIX calls fill.

#include "catch.hpp"

#include "support/footprint.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/buffer_ring.hpp>
#include <lio/op/read_write.hpp>
#include <lio/op/recv.hpp>
#include <lio/ring.hpp>
#include <lio/ring_memory.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace buffer_lease_test {

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

// Two buffers that are filled piece by piece.
constexpr lio::buffer_ring_options incremental{.group = 77, .count = 2, .size = 8, .incremental = true};
constexpr const char* no_incremental = "buffers that are consumed incrementally: since Linux 6.12";

// Whether this kernel takes bundles (Linux 6.10).
bool has_recv_bundle() {
    if (!has_recv_multishot()) return false;
    ring asked = ring::create({.entries = 4}).value();
    const auto buffers = buffer_ring::create(asked, {.group = 0, .count = 1, .size = 16}).value();
    connection pair = socket_pair();
    pair.theirs.close();
    return code(run(asked, op::recv_bundle(pair.ours, buffers.group()))) != EINVAL;
}

std::string text(const lio::bundle_lease& bundle) {
    std::string all;
    for (const lio::buffer_bundle::part& one : bundle.parts()) all += text_of(one.memory);
    return all;
}

void write_all(int pipe, const std::string& some) {
    REQUIRE(::write(pipe, some.data(), some.size()) == static_cast<ssize_t>(some.size()));
}

// Receives a bundle of `sent`: all of it, if it is a number of buffers that the kernel takes at once, 8.
cqe receive_bundle(ring& ring, const buffer_ring& buffers, const connection& pair, const std::string& sent) {
    send_all(pair.theirs, sent);
    await(pair.ours, static_cast<int>(sent.size()));
    return run(ring, op::recv_bundle(pair.ours, buffers.group()));
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
    if (!is_there(incremental)) LIO_SKIP(no_incremental);
    under_each_setup([&](ring& ring) {
        buffer_ring buffers = buffer_ring::create(ring, incremental).value();
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

TEST_CASE("more leases of one buffer than 16 bits can count keep it from the kernel, to the last [hazard 36]",
          "[buffer_lease][hazard 36]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    if (!is_there(incremental)) LIO_SKIP(no_incremental);
    ring ring = ring::create({.entries = 8}).value();
    buffer_ring buffers = buffer_ring::create(ring, incremental).value();
    connection pair = socket_pair(SOCK_SEQPACKET);
    send_all(pair.theirs, "kept");
    const cqe done = receive(ring, buffers, pair);
    std::vector<buffer_lease> leases;
    leases.push_back(buffers.lease(done));
    // As of messages without a byte, which take no room; the kernel's own would take a second.
    for (int i = 0; i < 65536 - 1; ++i) leases.push_back(buffers.lease(cqe{lio::abi::cqe{0, 0, done.flags()}}));
    send_all(pair.theirs, "full");
    leases.push_back(buffers.lease(receive(ring, buffers, pair)));
    REQUIRE(leases.back().id() == leases.front().id());
    leases.pop_back();
    CHECK(buffers.available().value() == 1);
    leases.resize(1);
    CHECK(buffers.available().value() == 1);
    CHECK(text(leases[0]) == "kept");
    leases.clear();
    CHECK(buffers.available().value() == 2);
}

TEST_CASE("a buffer with less room than the minimum counts as full", "[buffer_lease]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    const lio::buffer_ring_options options{.group = 77, .count = 2, .size = 8, .incremental = true, .minimum_left = 6};
    if (!is_there(options))
        LIO_SKIP("a minimum of what is left in a buffer: since Linux 7.1, and in late 6.12 and 6.18");
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

TEST_CASE("a list of buffers that could not be mapped from the kernel's memory is refused before the kernel is asked",
          "[buffer_lease]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    ring ring = ring::create({.entries = 8}).value();
    // What the higher numbers would map, but for their highest bits.
    const lio::buffer_ring_options first{.group = 0, .count = 4, .size = 8, .kernel_memory = true};
    if (!is_there(first)) LIO_SKIP("a buffer ring in the kernel's memory: since Linux 6.4");
    buffer_ring others = buffer_ring::create(ring, first).value();
    const lio::error no{EINVAL, lio::cause::buffer_group_cannot_be_mapped};
    for (const int number : {2048, 4095, 32768, 65535}) {
        const auto group = static_cast<std::uint16_t>(number);
        CHECK(buffer_ring::create(ring, {.group = group, .count = 4, .size = 8, .kernel_memory = true}).error() == no);
        CHECK(buffer_ring::create(ring, {.group = group, .count = 4, .size = 8})); // nothing was left
    }
    buffer_ring last = buffer_ring::create(ring, {.group = 2047, .count = 4, .size = 8, .kernel_memory = true}).value();
    connection pair = socket_pair(SOCK_SEQPACKET);
    for (int i = 0; i < 10; ++i) {
        for (buffer_ring* buffers : {&others, &last}) {
            send_all(pair.theirs, "hello");
            CHECK(text(buffers->lease(receive(ring, *buffers, pair))) == "hello");
        }
    }
    if (const auto left = others.available()) CHECK(*left == 4);

    lio::ring_options options{.entries = 4, .require = lio::setup::registered_file_only};
    const auto needed = ring::required_memory(options);
    const auto memory = needed ? lio::ring_memory::create(*needed) : needed.error();
    if (memory) options.memory = memory->bytes();
    auto made = memory ? ring::create(options) : memory.error();
    if (!made) {
        record_partial_skip("a ring without a descriptor: since Linux 6.5");
        return;
    }
    const lio::error nothing_to_map_by{EINVAL, lio::cause::region_needs_descriptor};
    CHECK(buffer_ring::create(*made, first).error() == nothing_to_map_by);
    CHECK(buffer_ring::create(*made, {.group = 0, .count = 4, .size = 8}));
}

TEST_CASE("a buffer ring may move while there are leases", "[buffer_lease]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    under_each_setup([](ring& ring) {
        buffer_ring first = buffer_ring::create(ring, {.group = 77, .count = 2, .size = 8}).value();
        connection pair = socket_pair(SOCK_SEQPACKET);
        for (int i = 0; i < 6; ++i) {
            send_all(pair.theirs, "moved");
            const buffer_lease lease = first.lease(receive(ring, first, pair));
            buffer_ring second = std::move(first);
            CHECK(text(lease) == "moved");
            CHECK(first.count() == 0);
            CHECK(first.size() == 0);
            CHECK(first.close());
            first = std::move(second);
        }
    });
}

TEST_CASE("leases outlive their buffer ring: they can be read, and give nothing to the next one of its number",
          "[buffer_lease][hazard 24]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    const bool in_kernel = is_there({.group = 77, .count = 4, .size = 64, .kernel_memory = true});
    for (const bool kernel_memory : {false, true}) {
        if (kernel_memory && !in_kernel) {
            record_partial_skip("a buffer ring in the kernel's memory: since Linux 6.4");
            break;
        }
        const lio::buffer_ring_options options{.group = 77, .count = 4, .size = 4096, .kernel_memory = kernel_memory};
        leaks_nothing(
            [&] {
                std::optional<ring> made{ring::create({.entries = 8}).value()};
                connection pair = socket_pair(SOCK_SEQPACKET);
                std::optional<buffer_ring> buffers{buffer_ring::create(*made, options).value()};
                send_all(pair.theirs, "one");
                send_all(pair.theirs, "two");
                buffer_lease one = buffers->lease(receive(*made, *buffers, pair));
                const buffer_lease two = buffers->lease(receive(*made, *buffers, pair));
                buffers.reset();
                CHECK(text(one) == "one");

                buffers.emplace(buffer_ring::create(*made, options).value());
                one.give_back();
                send_all(pair.theirs, "next");
                std::set<unsigned> ids;
                std::vector<buffer_lease> leases;
                for (;;) {
                    send_all(pair.theirs, "x");
                    const cqe done = receive(*made, *buffers, pair);
                    if (code(done) == ENOBUFS) break;
                    leases.push_back(buffers->lease(done));
                    ids.insert(leases.back().id());
                    REQUIRE(leases.size() <= 4);
                }
                CHECK(ids.size() == 4);
                made.reset();
                CHECK(text(two) == "two");
                CHECK(text(leases[0]) == "next");
                buffers.reset();
                CHECK(text(leases[0]) == "next");
            },
            20, 200'000);
    }
}

TEST_CASE("a closed buffer ring takes leases back, and the kernel does not see it", "[buffer_lease]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    ring ring = ring::create({.entries = 8}).value();
    buffer_ring buffers = buffer_ring::create(ring, {.group = 77, .count = 2, .size = 8}).value();
    connection pair = socket_pair(SOCK_SEQPACKET);
    send_all(pair.theirs, "late");
    buffer_lease lease = buffers.lease(receive(ring, buffers, pair));
    REQUIRE(buffers.close());
    CHECK(text(lease) == "late");
    lease.give_back();
    send_all(pair.theirs, "more");
    CHECK(code(receive(ring, buffers, pair)) == ENOBUFS);
    CHECK(buffers.available().error().code() == EBADF);
}

TEST_CASE("a lease of a bundle has all its buffers and gives them back at once [hazard 36]",
          "[buffer_lease][bundle][hazard 36]") {
    if (!has_recv_bundle()) LIO_SKIP("the kernel has no bundles (Linux 6.10 has)");
    under_each_setup([](ring& ring) {
        buffer_ring buffers = buffer_ring::create(ring, {.group = 77, .count = 8, .size = 4}).value();
        connection pair = tcp_pair();
        for (int round = 0; round < 10; ++round) {
            const std::string sent = "0123456789abcdefghij"; // 5 buffers: now and then the list's end is among them
            lio::bundle_lease bundle = buffers.lease_bundle(receive_bundle(ring, buffers, pair, sent));
            REQUIRE(bundle);
            CHECK(bundle.size() == sent.size());
            CHECK(text(bundle) == sent);
            CHECK(buffers.available().value() == 3);
            const auto way = round % 3;
            if (way == 0) {
                bundle.give_back();
                CHECK_FALSE(bundle);
                CHECK(bundle.size() == 0);
            } else if (way == 1) {
                {
                    lio::buffer_returns returns{buffers};
                    bundle.give_back(returns);
                    CHECK_FALSE(bundle);
                    // The kernel does not see them yet: three are left.
                    send_all(pair.theirs, "0123456789ab!");
                    await(pair.ours, 13);
                    lio::bundle_lease rest =
                        buffers.lease_bundle(run(ring, op::recv_bundle(pair.ours, buffers.group())));
                    CHECK(text(rest) == "0123456789ab");
                    CHECK(code(run(ring, op::recv_bundle(pair.ours, buffers.group()))) == ENOBUFS);
                    rest.give_back(returns);
                }
                const lio::bundle_lease last =
                    buffers.lease_bundle(run(ring, op::recv_bundle(pair.ours, buffers.group())));
                CHECK(text(last) == "!");
            } else {
                lio::bundle_lease moved = std::move(bundle);
                CHECK_FALSE(bundle);
                CHECK(text(moved) == sent);
                bundle = std::move(moved);
                CHECK(text(bundle) == sent);
            }
            bundle = {};
            CHECK(buffers.available().value() == 8);
        }
    });
}

TEST_CASE("the parts of a bundle may be leased one by one, the rest goes back with it [hazard 36]",
          "[buffer_lease][bundle][hazard 36]") {
    if (!has_recv_bundle()) LIO_SKIP("the kernel has no bundles (Linux 6.10 has)");
    under_each_setup([](ring& ring) {
        buffer_ring buffers = buffer_ring::create(ring, {.group = 77, .count = 4, .size = 4}).value();
        connection pair = tcp_pair();
        for (int round = 0; round < 10; ++round) {
            buffer_lease second;
            {
                lio::bundle_lease bundle =
                    buffers.lease_bundle(receive_bundle(ring, buffers, pair, "0123456789abcdef"));
                CHECK(text(bundle.take_first()) == "0123");
                second = bundle.take_first();
                CHECK(buffers.available().value() == 1); // the first was given back at once
                CHECK(text(bundle) == "89abcdef");
                CHECK(bundle.size() == 8);
            }
            CHECK(text(second) == "4567");
            CHECK(buffers.available().value() == 3);
            second.give_back();
            lio::bundle_lease all = buffers.lease_bundle(receive_bundle(ring, buffers, pair, "0123456789ab"));
            std::string received;
            unsigned count = 0;
            while (const buffer_lease part = all.take_first()) {
                received += text(part);
                ++count;
            }
            CHECK(received == "0123456789ab");
            CHECK(count == 3);
            CHECK_FALSE(all);
            CHECK(buffers.available().value() == 4);
        }
    });
}

TEST_CASE("a lease of a bundle that failed is empty, or gives back what the completion carries [hazard 34]",
          "[buffer_lease][bundle][hazard 34]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    ring ring = ring::create({.entries = 8}).value();
    buffer_ring buffers = buffer_ring::create(ring, {.group = 77, .count = 2, .size = 64}).value();
    lio::bundle_lease none = buffers.lease_bundle(cqe{lio::abi::cqe{0, -ENOBUFS, 0}});
    CHECK_FALSE(none);
    CHECK_FALSE(none.take_first());
    CHECK(none.parts().empty());
    connection pair = socket_pair(SOCK_SEQPACKET);
    for (int i = 0; i < 6; ++i) { // more often than there are buffers
        send_all(pair.theirs, "x");
        const cqe done = receive(ring, buffers, pair);
        REQUIRE(done.buffer_id());
        lio::bundle_lease failed =
            buffers.lease_bundle(cqe{lio::abi::cqe{0, i % 2 == 0 ? -ECANCELED : 0, done.flags()}});
        REQUIRE(failed);
        CHECK(failed.parts().empty());
        if (i < 3) continue;
        const buffer_lease taken = failed.take_first();
        CHECK(taken);
        CHECK(taken.memory().size() == 0);
        CHECK_FALSE(failed);
    }
    // A real one: the peer resets the connection.
    if (!has_recv_bundle()) return;
    connection reset = tcp_pair();
    ring.push(op::recv_bundle(reset.ours, buffers.group())).value();
    CHECK(stays_quiet(ring, 5));
    reset_by_peer(reset);
    const cqe done = next_soon(ring);
    CHECK(code(done) == ECONNRESET);
    { const lio::bundle_lease lease = buffers.lease_bundle(done); }
    CHECK(buffers.available().value() == 2);
}

TEST_CASE("bundles come right when the list's end and the tail's 16 bits are passed [hazard 2] [hazard 36]",
          "[buffer_lease][bundle][hazard 2][hazard 36]") {
    if (!has_recv_bundle()) LIO_SKIP("the kernel has no bundles (Linux 6.10 has)");
    ring ring = ring::create({.entries = 8}).value();
    buffer_ring buffers = buffer_ring::create(ring, {.group = 77, .count = 256, .size = 1}).value();
    connection pair = tcp_pair();
    std::size_t received = 0;
    char next = 0;
    for (int round = 0; received < 2 * 65536 + 300; ++round) {
        std::string sent(100 + static_cast<std::size_t>(round) % 150, '\0');
        for (char& byte : sent) byte = next++;
        send_all(pair.theirs, sent);
        await(pair.ours, static_cast<int>(sent.size()));
        std::string come;
        std::vector<lio::bundle_lease> held;
        while (come.size() < sent.size()) {
            held.push_back(buffers.lease_bundle(run(ring, op::recv_bundle(pair.ours, buffers.group()))));
            REQUIRE(held.back());
            come += text(held.back());
        }
        if (come != sent) FAIL("wrong after " << received << " buffers");
        if (round % 2 == 0) std::swap(held.front(), held.back()); // not in order
        received += sent.size();
    }
    CHECK(buffers.available().value() == 256);
}

TEST_CASE("a bundle of buffers that are filled piece by piece begins where the last one ended [hazard 36]",
          "[buffer_lease][bundle][hazard 36]") {
    if (!has_recv_bundle()) LIO_SKIP("the kernel has no bundles (Linux 6.10 has)");
    const lio::buffer_ring_options options{.group = 77, .count = 4, .size = 8, .incremental = true};
    if (!is_there(options)) LIO_SKIP(no_incremental);
    under_each_setup([&](ring& ring) {
        buffer_ring buffers = buffer_ring::create(ring, options).value();
        connection pair = tcp_pair();
        std::string sent;
        std::string received;
        std::vector<lio::bundle_lease> held;
        unsigned most = 0;
        for (std::size_t round = 0; round < 200; ++round) {
            const std::string more(1 + round * 7 % 19, static_cast<char>('a' + round % 26));
            send_all(pair.theirs, more);
            sent += more;
            await(pair.ours, static_cast<int>(more.size()));
            while (received.size() < sent.size()) {
                const cqe done = run(ring, op::recv_bundle(pair.ours, buffers.group()));
                if (code(done) == ENOBUFS) {
                    held.clear();
                    continue;
                }
                held.push_back(buffers.lease_bundle(done));
                REQUIRE(held.back());
                received += text(held.back());
                unsigned parts = 0;
                for (const auto& part : held.back().parts()) parts += part.memory.size() != 0;
                most = parts > most ? parts : most;
                if (held.size() > 2) held.erase(held.begin());
            }
            REQUIRE(received == sent);
        }
        held.clear();
        CHECK(buffers.available().value() == 4);
        // Before Linux 6.15 a bundle has one such buffer.
        if (most < 2)
            record_partial_skip("bundles of several buffers that are consumed incrementally: since Linux 6.15");
    });
}

TEST_CASE("a read that gets nothing leaves a buffer that is filled piece by piece with the kernel [hazard 36]",
          "[buffer_lease][hazard 36]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    if (!is_there(incremental)) LIO_SKIP(no_incremental);
    under_each_setup([&](ring& ring) {
        buffer_ring buffers = buffer_ring::create(ring, incremental).value();
        connection ended = pipe_pair();
        ended.theirs.close();
        connection pipe = pipe_pair();
        for (int round = 0; round < 5; ++round) {
            // Some kernels say then that they have done with the buffer, and go on with it.
            for (int i = 0; i < 3; ++i) {
                const cqe nothing = run(ring, op::read(ended.ours, buffers.group(), lio::current_position));
                CHECK(code(nothing) == 0);
                const buffer_lease lease = buffers.lease(nothing);
                CHECK(lease.memory().size() == 0);
            }
            write_all(pipe.theirs, "abcdefghABCDEFGH!");
            std::vector<buffer_lease> leases;
            std::string all;
            for (;;) {
                const cqe done = run(ring, op::read(pipe.ours, buffers.group(), lio::current_position));
                if (code(done) == ENOBUFS) break;
                leases.push_back(buffers.lease(done));
                all += text(leases.back());
                REQUIRE(leases.size() <= 2);
            }
            CHECK(all == "abcdefghABCDEFGH");
            CHECK(text(leases[0]) == "abcdefgh");
            leases.clear();
            const buffer_lease rest =
                buffers.lease(run(ring, op::read(pipe.ours, buffers.group(), lio::current_position)));
            CHECK(text(rest) == "!");
            const std::string fill(7, '.');
            write_all(pipe.theirs, fill);
            const buffer_lease last =
                buffers.lease(run(ring, op::read(pipe.ours, buffers.group(), lio::current_position)));
            CHECK(last.id() == rest.id());
            CHECK(text(last) == fill);
        }
        if (const auto left = buffers.available()) CHECK(*left == 2);
    });
}

TEST_CASE("a read of a file without a limit uses up a buffer that is filled piece by piece [hazard 36]",
          "[buffer_lease][hazard 36]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    if (!is_there(incremental)) LIO_SKIP(no_incremental);
    under_each_setup([&](ring& ring) {
        buffer_ring buffers = buffer_ring::create(ring, incremental).value();
        const owned_file file{::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
        REQUIRE(::write(file, "abc", 3) == 3);
        for (int round = 0; round < 5; ++round) {
            const buffer_lease first = buffers.lease(run(ring, op::read(file, buffers.group(), 0)));
            CHECK(text(first) == "abc");
            const buffer_lease second = buffers.lease(run(ring, op::read(file, buffers.group(), 0)));
            CHECK(text(second) == "abc");
            CHECK(second.id() != first.id());
            CHECK(code(run(ring, op::read(file, buffers.group(), 0))) == ENOBUFS);
        }
        if (const auto left = buffers.available()) CHECK(*left == 2);
    });
}

TEST_CASE("a read at the end of a file gives the buffer back that it has used up [hazard 36]",
          "[buffer_lease][hazard 36]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    if (!is_there({.group = 77, .count = 2, .size = 8, .incremental = true, .minimum_left = 1}))
        LIO_SKIP("a minimum of what is left in a buffer: since Linux 7.1, and in late 6.12 and 6.18");
    under_each_setup([&](ring& ring) {
        buffer_ring buffers = buffer_ring::create(ring, incremental).value();
        const owned_file file{::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
        for (int round = 0; round < 5; ++round) {
            const cqe done = run(ring, op::read(file, buffers.group(), 0));
            CHECK(code(done) == 0);
            REQUIRE(done.buffer_id());
            const buffer_lease lease = buffers.lease(done);
            CHECK(lease.memory().size() == 0);
            CHECK(buffers.available().value() == 1);
        }
        CHECK(buffers.available().value() == 2);
    });
}

TEST_CASE("leases of the parts of a buffer may go one by one, though the kernel has already filled it [hazard 36]",
          "[buffer_lease][hazard 36]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    if (!is_there(incremental)) LIO_SKIP(no_incremental);
    under_each_setup([&](ring& ring) {
        buffer_ring buffers = buffer_ring::create(ring, incremental).value();
        connection pair = socket_pair(SOCK_SEQPACKET);
        // Two of the same: until the second is looked at, the buffer is the program's.
        for (int round = 0; round < 10; ++round) {
            send_all(pair.theirs, "kept");
            send_all(pair.theirs, "back");
            const cqe first = receive(ring, buffers, pair);
            const cqe second = receive(ring, buffers, pair);
            // As of the kernels that forget to say that they go on.
            constexpr std::uint32_t says_more = lio::abi::cqe_f_buf_more;
            buffers.lease(cqe{lio::abi::cqe{0, 4, first.flags() & ~says_more}}).give_back();
            CHECK(buffers.available().value() == 1);
            CHECK(text(buffers.lease(second)) == "back");
            CHECK(buffers.available().value() == 2);
        }
    });
}

#ifndef NDEBUG

namespace {

// What the library says before it aborts; empty if it does not.
template <class Body>
std::string complaint_of(Body body) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::signal(SIGABRT, SIG_DFL);
        ::dup2(ends[1], 2);
        ring made = ring::create({.entries = 4}).value();
        buffer_ring buffers = buffer_ring::create(made, {.group = 77, .count = 4, .size = 8}).value();
        body(made, buffers);
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string said;
    char some[256];
    for (ssize_t size; (size = ::read(ends[0], some, sizeof some)) > 0;)
        said.append(some, static_cast<std::size_t>(size));
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) == !said.empty());
    return said;
}

bool says(const std::string& said, const char* what) { return said.find(what) != std::string::npos; }

} // namespace

TEST_CASE("a debug build notices buffers that are given back twice, or are not there", "[buffer_lease]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    const cqe done{lio::abi::cqe{0, 3, 2u << 16 | 1}};
    CHECK(complaint_of([&](ring&, buffer_ring& buffers) { const buffer_lease lease = buffers.lease(done); }) == "");
    CHECK(says(complaint_of([&](ring&, buffer_ring& buffers) {
                   const buffer_lease one = buffers.lease(done);
                   const buffer_lease two = buffers.lease(done);
               }),
               "has a lease already"));
    CHECK(says(complaint_of([&](ring&, buffer_ring& buffers) {
                   const buffer_lease one = buffers.lease(done);
                   buffers.recycle(done);
               }),
               "lease gives it back"));
    CHECK(says(complaint_of([&](ring&, buffer_ring& buffers) {
                   const buffer_lease one = buffers.lease(done);
                   lio::buffer_returns{buffers}.add(done);
               }),
               "lease gives it back"));
    CHECK(says(complaint_of([](ring&, buffer_ring& buffers) { buffers.recycle(4); }), "no such buffer"));
    CHECK(says(complaint_of([&](ring& ring, buffer_ring& buffers) {
                   buffer_ring other = buffer_ring::create(ring, {.group = 78, .count = 4, .size = 8}).value();
                   lio::buffer_returns returns{other};
                   buffers.lease(done).give_back(returns);
               }),
               "another buffer_ring's"));
    CHECK(says(complaint_of([](ring&, buffer_ring& buffers) {
                   const buffer_ring moved = std::move(buffers);
                   buffers.recycle(1);
               }),
               "moved from"));
    if (!can_tell_what_is_available()) return;
    CHECK(says(complaint_of([](ring&, buffer_ring& buffers) {
                   buffers.recycle(1); // the kernel has it
                   static_cast<void>(buffers.available());
               }),
               "given back twice"));
}

#endif

} // namespace buffer_lease_test
