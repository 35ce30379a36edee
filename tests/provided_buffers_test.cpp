// Groups of buffers that operations add to and take from, as they were before there were buffer rings. What was
// picked is seen in the memory itself. Each test runs on a ring of every set-up that this kernel takes; one thread.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/buffer_ring.hpp>
#include <lio/completion.hpp>
#include <lio/op/cancel.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/provided_buffers.hpp>
#include <lio/op/recv.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace provided_buffers_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::ring;

char memory[64];

const encodings rows{[](auto add) {
    add("provide_buffers", op::provide_buffers(300, memory, 16),
        expected_entry{}.u8(0, 31).s32(4, 4).pointer(16, memory).u32(24, 16).u16(40, 300));
    add("provide_buffers from a number on, with modifiers",
        op::provide_buffers(65535, {memory, 31}, 10, 65000)
            .link()
            .drain()
            .force_async()
            .skip_success()
            .personality(4)
            .user_data(9),
        expected_entry{}
            .u8(0, 31)
            .u8(1, 4 | 2 | 16 | 64)
            .s32(4, 3) // the last byte is left alone
            .u64(8, 65000)
            .pointer(16, memory)
            .u32(24, 10)
            .u64(32, 9)
            .u16(40, 65535)
            .u16(42, 4));
    add("remove_buffers", op::remove_buffers(300, 5), expected_entry{}.u8(0, 32).s32(4, 5).u16(40, 300));
    add("remove_buffers with modifiers", op::remove_buffers(65535, 65535).hard_link().user_data(7),
        expected_entry{}.u8(0, 32).u8(1, 8).s32(4, 65535).u64(32, 7).u16(40, 65535));
}};

bool has_provided_buffers() { return kernel_supports(lio::abi::opcode::provide_buffers); }

constexpr const char* reason = "the kernel has no provided buffers (Linux 5.7 has)";

/// Buffers of 8 bytes, and what is in them.
struct group_memory {
    char bytes[4 * 8] = {};
    std::string_view filled(const cqe& done) const {
        REQUIRE(done.buffer_id());
        REQUIRE(*done.buffer_id() >= 10);
        REQUIRE(*done.buffer_id() < 14);
        return {bytes + (*done.buffer_id() - 10) * 8, static_cast<std::size_t>(done.result().value())};
    }
    /// All four, numbered from 10 on.
    op::provide_buffers all(lio::buffer_group group) { return op::provide_buffers(group, bytes, 8, 10); }
    /// One of them again.
    op::provide_buffers one(lio::buffer_group group, std::uint16_t id) {
        return op::provide_buffers(group, {bytes + (id - 10) * 8, 8}, 8, id);
    }
};

} // namespace

TEST_CASE("memory that holds no buffer, or too many of them, is refused", "[provided_buffers]") {
    ring made = ring::create({.entries = 4}).value();
    std::vector<char> large(65536);
    const auto why = [&](const op::provide_buffers& operation) { return made.push(operation).error().why(); };
    CHECK(why(op::provide_buffers(1, memory, 0)) == lio::cause::buffer_size_out_of_range);
    CHECK(why(op::provide_buffers(1, memory, 65)) == lio::cause::buffer_size_out_of_range);
    CHECK(why(op::provide_buffers(1, {memory, 0}, 1)) == lio::cause::buffer_size_out_of_range);
    CHECK(why(op::provide_buffers(1, large, 1)) == lio::cause::too_many_to_register);
    CHECK(why(op::provide_buffers(1, large, 1).link().user_data(3)) == lio::cause::too_many_to_register);
    // Number 65536 would be the second's, which some kernels call 0.
    CHECK(why(op::provide_buffers(1, memory, 32, 65535)) == lio::cause::too_many_to_register);
    CHECK(why(op::provide_buffers(1, {large.data(), 65535}, 1, 2)) == lio::cause::too_many_to_register);
    CHECK(made.submission_room() == made.submission_capacity());
    CHECK(made.push(op::provide_buffers(1, memory, 64)));
    CHECK(made.push(op::provide_buffers(1, {large.data(), 65535}, 1)));
}

TEST_CASE("provided buffers are used once, and come back when they are provided again", "[provided_buffers]") {
    if (!has_provided_buffers()) LIO_SKIP(reason);
    under_each_setup([](ring& ring) {
        group_memory buffers;
        connection pair = socket_pair(SOCK_SEQPACKET);
        CHECK(run(ring, buffers.all(900)).result<op::provide_buffers>());
        std::vector<std::uint16_t> order;
        for (int i = 0; i < 4; ++i) {
            send_all(pair.theirs, std::to_string(i));
            const cqe done = run(ring, op::recv(pair.ours, lio::buffer_group{900}, 8));
            CHECK(buffers.filled(done) == std::to_string(i));
            order.push_back(*done.buffer_id());
        }
        std::sort(order.begin(), order.end()); // which is next differs between kernels
        CHECK(order == std::vector<std::uint16_t>{10, 11, 12, 13});
        send_all(pair.theirs, "again");
        CHECK(code(run(ring, op::recv(pair.ours, lio::buffer_group{900}, 8))) == ENOBUFS);
        CHECK(run(ring, buffers.one(900, 12)).result<op::provide_buffers>());
        const cqe done = run(ring, op::recv(pair.ours, lio::buffer_group{900}, 8));
        CHECK(*done.buffer_id() == 12);
        CHECK(buffers.filled(done) == "again");
        std::string others; // they are as they were
        for (const int id : {10, 11, 13}) others += buffers.bytes[(id - 10) * 8];
        CHECK(others.find('a') == std::string::npos);
    });
}

TEST_CASE("groups of provided buffers are apart from each other", "[provided_buffers]") {
    if (!has_provided_buffers()) LIO_SKIP(reason);
    under_each_setup([](ring& ring) {
        group_memory one;
        group_memory two;
        connection pair = socket_pair(SOCK_SEQPACKET);
        CHECK(code(run(ring, one.one(1, 10))) == 0);
        CHECK(code(run(ring, two.one(2, 10))) == 0);
        send_all(pair.theirs, "second");
        CHECK(two.filled(run(ring, op::recv(pair.ours, lio::buffer_group{2}, 8))) == "second");
        send_all(pair.theirs, "first");
        CHECK(one.filled(run(ring, op::recv(pair.ours, lio::buffer_group{1}, 8))) == "first");
        CHECK(code(run(ring, op::recv(pair.ours, lio::buffer_group{1}, 8).flags(MSG_DONTWAIT))) == ENOBUFS);
    });
}

TEST_CASE("a receive in the same chain uses the buffers that were provided before it",
          "[provided_buffers][hazard 32]") {
    if (!has_provided_buffers()) LIO_SKIP(reason);
    under_each_setup([](ring& ring) {
        group_memory buffers;
        connection pair = socket_pair();
        send_all(pair.theirs, "chained");
        ring.push(buffers.all(3).link().user_data(1), op::recv(pair.ours, lio::buffer_group{3}, 8).user_data(2))
            .value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == 0);
        CHECK(buffers.filled(of(done, 2)) == "chained");
    });
}

TEST_CASE("provided buffers serve a multishot receive, which is starved when they are used up",
          "[provided_buffers][hazard 34]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot receive (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        group_memory buffers;
        connection pair = socket_pair(SOCK_SEQPACKET);
        CHECK(code(run(ring, buffers.all(3))) == 0);
        ring.push(op::recv_multishot(pair.ours, 3)).value();
        for (int i = 0; i < 4; ++i) {
            send_all(pair.theirs, std::to_string(i));
            const cqe done = next_soon(ring);
            CHECK(done.more());
            CHECK(buffers.filled(done) == std::to_string(i));
        }
        send_all(pair.theirs, "5");
        const cqe starved = next_soon(ring);
        CHECK(starved.as<op::recv_multishot>().event() == lio::multishot_event::starved);
        CHECK(code(run(ring, buffers.one(3, 11))) == 0);
        const cqe again = run(ring, op::recv_multishot(pair.ours, 3));
        CHECK(*again.buffer_id() == 11);
        CHECK(buffers.filled(again) == "5");
    });
}

TEST_CASE("a bundle from a group of provided buffers is one buffer", "[provided_buffers][hazard 36]") {
    if (!has_provided_buffers()) LIO_SKIP(reason);
    under_each_setup([](ring& ring) {
        group_memory buffers;
        connection pair = socket_pair();
        CHECK(code(run(ring, buffers.all(3))) == 0);
        std::string received;
        send_all(pair.theirs, "more than one of them holds");
        while (received.size() < 27) {
            const cqe done = run(ring, op::recv_bundle(pair.ours, 3));
            if (code(done) == EINVAL) {
                record_partial_skip("the kernel has no bundles (Linux 6.10 has)");
                return;
            }
            REQUIRE(code(done) == 0);
            received += buffers.filled(done);
        }
        CHECK(received == "more than one of them holds");
    });
}

TEST_CASE("a cancelled receive leaves the provided buffer in its group", "[provided_buffers][hazard 33]") {
    if (!has_provided_buffers()) LIO_SKIP(reason);
    under_each_setup([](ring& ring) {
        group_memory buffers;
        connection pair = socket_pair();
        CHECK(code(run(ring, buffers.one(3, 10))) == 0);
        ring.push(op::recv(pair.ours, lio::buffer_group{3}, 8).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(2)).value();
        const cqe cancelled = of(next_soon(ring, 2), 1);
        CHECK(code(cancelled) == ECANCELED);
        CHECK_FALSE(cancelled.buffer_id());
        send_all(pair.theirs, "here");
        const cqe done = run(ring, op::recv(pair.ours, lio::buffer_group{3}, 8));
        if (!has_buffer_rings() && code(done) == ENOBUFS) {
            record_partial_skip("the kernel takes a receive's buffer at once, and loses it (Linux 5.19 does not)");
            return;
        }
        CHECK(buffers.filled(done) == "here");
    });
}

TEST_CASE("remove_buffers takes out as many as there are, and says how many", "[provided_buffers]") {
    if (!has_provided_buffers()) LIO_SKIP(reason);
    under_each_setup([](ring& ring) {
        group_memory buffers;
        connection pair = socket_pair();
        CHECK(code(run(ring, buffers.all(3))) == 0);
        CHECK(run(ring, op::remove_buffers(3, 2)).result<op::remove_buffers>().value() == 2u);
        send_all(pair.theirs, "third");
        const cqe done = run(ring, op::recv(pair.ours, lio::buffer_group{3}, 8));
        CHECK(buffers.filled(done) == "third"); // two are left
        CHECK(run(ring, op::remove_buffers(3, 65535)).result<op::remove_buffers>().value() == 1u);
        CHECK(run(ring, op::remove_buffers(3, 1)).result<op::remove_buffers>().value_or(0u) == 0u);
        send_all(pair.theirs, "kept");
        CHECK(code(run(ring, op::recv(pair.ours, lio::buffer_group{3}, 8))) == ENOBUFS);
        CHECK(receive_some(pair.ours) == "kept");
    });
}

TEST_CASE("remove_buffers fails where there is nothing to remove from", "[provided_buffers]") {
    if (!has_provided_buffers()) LIO_SKIP(reason);
    under_each_setup([](ring& ring) {
        CHECK(code(run(ring, op::remove_buffers(800, 1))) == ENOENT);
        CHECK(code(run(ring, op::remove_buffers(800, 0))) == EINVAL);
        CHECK(code(run(ring, op::remove_buffers(800, 65537))) == EINVAL);
        CHECK(code(run(ring, op::remove_buffers(800, 0xffffffff))) == EINVAL);
        // Its failure breaks a chain.
        ring.push(op::remove_buffers(800, 1).link().user_data(1), op::nop().user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 2)) == ECANCELED);
        if (!has_buffer_rings()) {
            record_partial_skip("the kernel has no buffer rings (Linux 5.19 has)");
            return;
        }
        group_memory buffers;
        auto mapped = lio::buffer_ring::create(ring, {.group = 900, .count = 2, .size = 8}).value();
        CHECK(code(run(ring, op::remove_buffers(mapped.group(), 1))) == EINVAL);
        CHECK(code(run(ring, buffers.all(mapped.group()))) == EINVAL);
    });
}

TEST_CASE("provide_buffers fails on memory that there cannot be", "[provided_buffers]") {
    if (!has_provided_buffers()) LIO_SKIP(reason);
    if (sizeof(void*) < 8) LIO_SKIP("a 64-bit kernel finds no fault with any address of 32 bits");
    under_each_setup([](ring& ring) {
        void* const nowhere = reinterpret_cast<void*>(~std::uintptr_t{4095}); // the kernel's, and at the very end
        CHECK(code(run(ring, op::provide_buffers(3, {nowhere, 4096}, 4096))) != 0);
        CHECK(code(run(ring, op::provide_buffers(3, {nowhere, 8192}, 4096))) == EOVERFLOW);
        ring.push(op::provide_buffers(3, {nowhere, 8192}, 4096).link().user_data(1), op::nop().user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 2)) == ECANCELED);
    });
}

TEST_CASE("a group can hold many thousand buffers", "[provided_buffers]") {
    if (!has_provided_buffers()) LIO_SKIP(reason);
    ring made = ring::create({.entries = 4}).value();
    std::vector<char> large(65536);
    const cqe most = run(made, op::provide_buffers(3, {large.data(), 65534}, 1));
    REQUIRE(code(most) == 0);
    CHECK(run(made, op::remove_buffers(3, 65535)).result<op::remove_buffers>().value() == 65534u);
}

} // namespace provided_buffers_test
