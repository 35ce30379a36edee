// Buffer rings whose buffers lie in memory of the program's, or differ in size. Data comes in over sockets that plain
// POSIX calls fill. Single thread.

#include "catch.hpp"

#include "support/footprint.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/buffer_ring.hpp>
#include <lio/op/recv.hpp>
#include <lio/op/send.hpp>
#include <lio/registered_buffers.hpp>
#include <lio/ring.hpp>
#include <lio/ring_memory.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

namespace buffer_memory_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::buffer_lease;
using lio::buffer_ring;
using lio::cqe;
using lio::mutable_bytes;
using lio::ring;

constexpr const char* no_buffer_rings = "the kernel has no buffer rings (Linux 5.19 has)";

// Whether this kernel takes bundles (Linux 6.10).
bool has_recv_bundle() {
    if (!has_recv_multishot()) return false;
    ring asked = ring::create({.entries = 4}).value();
    const auto buffers = buffer_ring::create(asked, {.group = 0, .count = 1, .size = 16}).value();
    connection pair = socket_pair();
    pair.theirs.close();
    return code(run(asked, op::recv_bundle(pair.ours, buffers.group()))) != EINVAL;
}

bool has_incremental() {
    ring asked = ring::create({.entries = 4}).value();
    const auto buffers = buffer_ring::create(asked, {.group = 0, .count = 2, .size = 8, .incremental = true});
    if (!buffers) REQUIRE(buffers.error().why() == lio::cause::buffer_ring_option_missing);
    return buffers.has_value();
}

// 4 buffers that differ in size and lie in no order in one arena, with a moat around each.
struct arena {
    std::array<char, 256> memory;
    mutable_bytes pieces[4] = {{&memory[100], 8}, {&memory[16], 1}, {&memory[200], 16}, {&memory[40], 3}};

    arena() { memory.fill('.'); }
    // Whether nothing was written but into the buffers.
    bool is_clean_outside() const {
        std::array<bool, 256> inside{};
        for (const mutable_bytes& piece : pieces)
            for (std::size_t i = 0; i < piece.size(); ++i)
                inside[static_cast<std::size_t>(reinterpret_cast<char*>(piece.data()) - memory.data()) + i] = true;
        for (std::size_t i = 0; i < memory.size(); ++i)
            if (!inside[i] && memory[i] != '.') return false;
        return true;
    }
};

} // namespace

TEST_CASE("buffers may lie in memory of the program's own, which is left to it", "[buffer_ring]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    under_each_setup([](ring& ring) {
        std::vector<char> own(4 * 8 + 5, '.');
        {
            auto buffers = buffer_ring::create(ring, {.group = 70, .count = 4, .size = 8, .memory = own}).value();
            connection pair = socket_pair();
            for (int i = 0; i < 10; ++i) { // more often than there are buffers
                send_all(pair.theirs, "01234567");
                const buffer_lease lease = buffers.lease(run(ring, op::recv(pair.ours, buffers.group())));
                CHECK(reinterpret_cast<char*>(lease.memory().data()) == own.data() + lease.id() * 8);
                CHECK(text_of(lease.memory()) == "01234567");
            }
        }
        CHECK(std::string(own.begin(), own.end()) == "01234567012345670123456701234567.....");
    });
}

TEST_CASE("buffers in huge pages, or in registered memory, are received into and sent from", "[buffer_ring]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    under_each_setup([](ring& ring) {
        const auto memory = lio::ring_memory::create(16 * 4096).value();
        const mutable_bytes whole[] = {memory.bytes()};
        const auto registered = lio::registered_buffers::create(ring, whole).value();
        auto buffers =
            buffer_ring::create(ring, {.group = 70, .count = 16, .size = 4096, .memory = memory.bytes()}).value();
        connection pair = socket_pair();
        for (int i = 0; i < 40; ++i) {
            send_all(pair.theirs, "there and back");
            const buffer_lease lease = buffers.lease(run(ring, op::recv(pair.ours, buffers.group())));
            CHECK(run(ring, op::send(pair.ours, lease.memory())).result().value() == 14);
            CHECK(receive_some(pair.theirs) == "there and back");
        }
    });
}

TEST_CASE("memory that is too small for the buffers is refused", "[buffer_ring][hazard 48]") {
    ring ring = ring::create({.entries = 4}).value();
    std::array<char, 4 * 8 - 1> own{};
    const auto made = buffer_ring::create(ring, {.group = 70, .count = 4, .size = 8, .memory = own});
    REQUIRE_FALSE(made);
    CHECK(made.error() == lio::error{EINVAL, lio::cause::buffer_memory_too_small});
    // A product that does not fit 32 bits.
    const auto wrapped =
        buffer_ring::create(ring, {.group = 70, .count = 32768, .size = 0x20000, .memory = {own.data(), own.size()}});
    REQUIRE_FALSE(wrapped);
    CHECK(wrapped.error().why() == lio::cause::buffer_memory_too_small);
}

TEST_CASE("buffers of one group may differ in size and lie apart", "[buffer_ring]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    under_each_setup([](ring& ring) {
        arena own;
        auto buffers = buffer_ring::create(ring, {.group = 70}, own.pieces).value();
        CHECK(buffers.count() == 4);
        CHECK(buffers.size() == 16);
        for (std::uint16_t id = 0; id < 4; ++id) {
            CHECK(buffers.buffer(id).data() == own.pieces[id].data());
            CHECK(buffers.buffer(id).size() == own.pieces[id].size());
        }
        connection pair = socket_pair();
        for (int round = 0; round < 3; ++round) {
            send_all(pair.theirs, "0123456789abcdefghijklmnopqr"); // as much as they hold together
            std::vector<buffer_lease> leases;
            std::string received;
            for (int i = 0; i < 4; ++i) {
                const cqe done = run(ring, op::recv(pair.ours, buffers.group()));
                CHECK(text_of(buffers.filled(done)) == text_of(own.pieces[*done.buffer_id()]));
                leases.push_back(buffers.lease(done));
                received += text_of(leases.back().memory());
            }
            CHECK(received == "0123456789abcdefghijklmnopqr");
            send_all(pair.theirs, "!");
            CHECK(code(run(ring, op::recv(pair.ours, buffers.group()))) == ENOBUFS);
            leases[2].give_back(); // the largest
            const buffer_lease last = buffers.lease(run(ring, op::recv(pair.ours, buffers.group())));
            CHECK(text_of(last.memory()) == "!");
        }
        CHECK(own.is_clean_outside());
    });
}

TEST_CASE("a bundle of buffers that differ in size has each in its own length", "[buffer_ring][bundle][hazard 36]") {
    if (!has_recv_bundle()) LIO_SKIP("the kernel has no bundles (Linux 6.10 has)");
    under_each_setup([](ring& ring) {
        arena own;
        auto buffers = buffer_ring::create(ring, {.group = 70}, own.pieces).value();
        connection pair = tcp_pair();
        const std::string sent = "0123456789abcdefghijklmn"; // the last buffer is not filled
        for (int round = 0; round < 20; ++round) {
            send_all(pair.theirs, sent);
            await(pair.ours, static_cast<int>(sent.size()));
            std::string received;
            std::vector<cqe> held;
            while (received.size() < sent.size()) {
                held.push_back(run(ring, op::recv_bundle(pair.ours, buffers.group())));
                REQUIRE(code(held.back()) == 0);
                for (const lio::buffer_bundle::part& one : buffers.bundle(held.back())) {
                    CHECK(one.memory.data() == own.pieces[one.id].data());
                    received += text_of(one.memory);
                }
            }
            CHECK(received == sent);
            for (const cqe& each : held) buffers.recycle_bundle(each);
        }
        CHECK(own.is_clean_outside());
    });
}

TEST_CASE("buffers that differ in size are filled piece by piece, each to its own end", "[buffer_ring][hazard 36]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    if (!has_incremental()) LIO_SKIP("buffers that are consumed incrementally: since Linux 6.12");
    under_each_setup([](ring& ring) {
        arena own;
        auto buffers = buffer_ring::create(ring, {.group = 70, .incremental = true}, own.pieces).value();
        connection pair = socket_pair();
        std::string sent;
        std::string received;
        for (int i = 0; i < 200; ++i) {
            const std::string more(1 + static_cast<std::size_t>(i) % 5, static_cast<char>('a' + i % 26));
            send_all(pair.theirs, more);
            sent += more;
            while (received.size() < sent.size()) {
                const buffer_lease lease = buffers.lease(run(ring, op::recv(pair.ours, buffers.group())));
                REQUIRE(lease);
                received += text_of(lease.memory());
            }
        }
        CHECK(received == sent);
        CHECK(own.is_clean_outside());
    });
}

TEST_CASE("a list of buffers that no buffer ring can have is refused", "[buffer_ring][hazard 24]") {
    ring ring = ring::create({.entries = 4}).value();
    char memory[8];
    const mutable_bytes three[] = {{memory, 1}, {memory + 1, 1}, {memory + 2, 1}};
    const auto why = [&](const auto& list) { return buffer_ring::create(ring, {.group = 70}, list).error().why(); };
    CHECK(why(three) == lio::cause::buffer_count_not_a_power_of_two);
    CHECK(why(std::vector<mutable_bytes>{}) == lio::cause::buffer_count_not_a_power_of_two);
    CHECK(why(std::vector<mutable_bytes>(65536, mutable_bytes{memory, 1})) ==
          lio::cause::buffer_count_not_a_power_of_two);
    const mutable_bytes none[] = {{memory, 1}, {memory, 0}};
    CHECK(why(none) == lio::cause::buffer_size_out_of_range);
    if constexpr (sizeof(std::size_t) > 4) {
        const mutable_bytes huge[] = {{memory, std::size_t{0x7ffff001}}};
        CHECK(why(huge) == lio::cause::buffer_size_out_of_range);
        const mutable_bytes wrapped[] = {{memory, (std::size_t{1} << 32) + 1}};
        CHECK(why(wrapped) == lio::cause::buffer_size_out_of_range);
    }
}

TEST_CASE("buffer rings over memory of the program's leave nothing behind", "[buffer_ring][hazard 18]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    ring ring = ring::create({.entries = 4}).value();
    std::vector<char> own(256 * 16);
    std::vector<mutable_bytes> pieces;
    for (std::size_t i = 0; i < 256; ++i) pieces.push_back({own.data() + i * 16, 1 + i % 16});
    leaks_nothing(
        [&] {
            const auto even = buffer_ring::create(ring, {.group = 70, .count = 256, .size = 16, .memory = own}).value();
            CHECK_FALSE(buffer_ring::create(ring, {.group = 70}, pieces));
            const auto uneven = buffer_ring::create(ring, {.group = 71}, pieces).value();
        },
        200, 400'000);
}

} // namespace buffer_memory_test
