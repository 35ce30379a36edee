// Receiving from sockets, once and again and again; the other side sends by plain POSIX calls. Each test runs on a ring
// of every set-up that this kernel takes; one thread.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/buffer_ring.hpp>
#include <lio/op/cancel.hpp>
#include <lio/op/recv.hpp>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace recv_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::ring;

using std::uint64_t;

char memory[100];

constexpr std::uint8_t link = 4, hard_link = 8, drain = 2, async = 16, select = 32, skip = 64, fixed = 1;

const encodings rows{[](auto add) {
    add("recv", op::recv(5, memory), expected_entry{}.u8(0, 27).s32(4, 5).pointer(16, memory).u32(24, sizeof memory));
    add("recv with flags", op::recv(lio::direct_descriptor{5}, {memory, 3}).poll_first().flags(MSG_PEEK).link(),
        expected_entry{}
            .u8(0, 27)
            .u8(1, fixed | link)
            .u16(2, 1)
            .s32(4, 5)
            .pointer(16, memory)
            .u32(24, 3)
            .u32(28, MSG_PEEK));
    add("recv into a group", op::recv(5, lio::buffer_group{300}),
        expected_entry{}.u8(0, 27).u8(1, select).s32(4, 5).u16(40, 300));
    add("recv into a group with a limit",
        op::recv(lio::direct_descriptor{5}, lio::buffer_group{3}, 77)
            .poll_first()
            .flags(MSG_WAITALL)
            .link()
            .skip_success(),
        expected_entry{}
            .u8(0, 27)
            .u8(1, fixed | select | link | skip)
            .u16(2, 1)
            .s32(4, 5)
            .u32(24, 77)
            .u32(28, MSG_WAITALL)
            .u16(40, 3));
    add("recv_multishot", op::recv_multishot(5, 65535),
        expected_entry{}.u8(0, 27).u8(1, select).u16(2, 2).s32(4, 5).u16(40, 65535));
    // [hazard 29] None of the modifiers may take away what makes it a multishot into a group.
    add("recv_multishot with every modifier",
        op::recv_multishot(lio::direct_descriptor{5}, 3)
            .flags(MSG_PEEK)
            .flags(MSG_OOB)
            .poll_first()
            .user_data(8)
            .link()
            .hard_link()
            .drain()
            .force_async()
            .personality(2),
        expected_entry{}
            .u8(0, 27)
            .u8(1, fixed | select | link | hard_link | drain | async)
            .u16(2, 1 | 2)
            .s32(4, 5)
            .u32(28, MSG_OOB)
            .u64(32, 8)
            .u16(40, 3)
            .u16(42, 2));
}};

// What can complete many times cannot keep its completions back.
template <class Operation>
concept can_skip_success = requires(Operation operation) { operation.skip_success(); };
static_assert(can_skip_success<op::recv>);
static_assert(!can_skip_success<op::recv_multishot>);

constexpr int no_such_file = 0x3fffffff;

} // namespace

TEST_CASE("recv delivers what was sent, no more than fits", "[recv]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        send_all(pair.theirs, "abcdef");
        char part[4] = {};
        CHECK(run(ring, op::recv(pair.ours, part)).result<op::recv>().value() == 4u);
        CHECK(std::string_view(part, 4) == "abcd");
        CHECK(run(ring, op::recv(pair.ours, part)).result().value() == 2);
        CHECK(std::string_view(part, 4) == "efcd");
    });
}

TEST_CASE("recv waits for bytes to come", "[recv]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[16] = {};
        ring.push(op::recv(pair.ours, bytes)).value();
        CHECK(stays_quiet(ring));
        send_all(pair.theirs, "late");
        CHECK(next_soon(ring).result().value() == 4);
        CHECK(std::string_view(bytes) == "late");
    });
}

TEST_CASE("recv that polls first waits for bytes to come", "[recv]") {
    // The flag is of the same release as the operation.
    if (!kernel_supports(lio::abi::opcode::socket)) LIO_SKIP("the kernel's recv cannot poll first (Linux 5.19 can)");
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[16] = {};
        ring.push(op::recv(pair.ours, bytes).poll_first()).value();
        CHECK(stays_quiet(ring));
        send_all(pair.theirs, "late");
        CHECK(next_soon(ring).result().value() == 4);
    });
}

TEST_CASE("recv passes its flags on", "[recv]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        send_all(pair.theirs, "look");
        char bytes[16] = {};
        CHECK(run(ring, op::recv(pair.ours, bytes).flags(MSG_PEEK)).result().value() == 4);
        CHECK(receive_some(pair.ours) == "look"); // it is still there
    });
}

TEST_CASE("recv says 0 when the peer has ended its stream", "[recv]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[16];
        ring.push(op::recv(pair.ours, bytes)).value();
        CHECK(stays_quiet(ring));
        pair.theirs.close();
        CHECK(next_soon(ring).result().value() == 0);
    });
}

TEST_CASE("recv that was reset by the peer says so", "[recv]") {
    under_each_setup([](ring& ring) {
        connection pair = tcp_pair();
        char bytes[16];
        ring.push(op::recv(pair.ours, bytes)).value();
        CHECK(stays_quiet(ring));
        reset_by_peer(pair);
        CHECK(code(next_soon(ring)) == ECONNRESET);
    });
}

TEST_CASE("a recv that is cancelled leaves its memory and the stream alone", "[recv][hazard 33]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[4] = {'k', 'e', 'e', 'p'};
        ring.push(op::recv(pair.ours, bytes).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 1)) == ECANCELED);
        send_all(pair.theirs, "lost");
        CHECK(stays_quiet(ring));
        CHECK(std::string_view(bytes, 4) == "keep");
        CHECK(receive_some(pair.ours) == "lost");
    });
}

TEST_CASE("recv fails on what is no connected socket", "[recv]") {
    under_each_setup([](ring& ring) {
        char bytes[16];
        CHECK(code(run(ring, op::recv(no_such_file, bytes))) == EBADF);
        const connection pipe = pipe_pair();
        CHECK(code(run(ring, op::recv(pipe.ours, bytes))) == ENOTSOCK);
        const owned_file unconnected = tcp_socket();
        CHECK(code(run(ring, op::recv(unconnected, bytes))) == ENOTCONN);
    });
}

TEST_CASE("recv into a group names the buffer that it filled", "[recv]") {
    if (!has_buffer_rings()) LIO_SKIP("the kernel has no buffer rings (Linux 5.19 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 700, .count = 4, .size = 8}).value();
        connection pair = socket_pair();
        send_all(pair.theirs, "0123456789");
        const cqe first = run(ring, op::recv(pair.ours, buffers.group()));
        CHECK(first.result<op::recv>().value() == 8u);
        REQUIRE(first.buffer_id());
        CHECK(text_of(buffers.filled(first)) == "01234567");
        const cqe second = run(ring, op::recv(pair.ours, buffers.group(), 1));
        CHECK(second.result().value() == 1);
        REQUIRE(second.buffer_id());
        CHECK(text_of(buffers.filled(second)) == "8");
        CHECK(*first.buffer_id() != *second.buffer_id());
        CHECK(text_of(buffers.filled(first)) == "01234567"); // still ours
        const cqe third = run(ring, op::recv(pair.ours, buffers.group(), 100));
        CHECK(text_of(buffers.filled(third)) == "9");
    });
}

TEST_CASE("recv into a group picks its buffer when bytes come, not when it is submitted", "[recv]") {
    if (!has_buffer_rings()) LIO_SKIP("the kernel has no buffer rings (Linux 5.19 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 1, .count = 1, .size = 8}).value();
        // Many wait, with one buffer between them.
        std::vector<connection> pairs;
        for (uint64_t i = 0; i < 8; ++i) {
            pairs.push_back(socket_pair());
            ring.push(op::recv(pairs.back().ours, buffers.group()).user_data(i)).value();
        }
        CHECK(stays_quiet(ring));
        for (std::size_t i = 8; i-- > 0;) {
            send_all(pairs[i].theirs, std::to_string(i));
            const cqe done = next_soon(ring);
            CHECK(done.user_data() == i);
            REQUIRE(done.buffer_id());
            CHECK(text_of(buffers.filled(done)) == std::to_string(i));
            buffers.recycle(*done.buffer_id());
        }
    });
}

TEST_CASE("recv from a group that has no buffer, or does not exist, gives ENOBUFS and takes nothing", "[recv]") {
    if (!has_buffer_rings()) LIO_SKIP("the kernel has no buffer rings (Linux 5.19 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 1, .count = 1, .size = 4}).value();
        connection pair = socket_pair();
        send_all(pair.theirs, "onetwo");
        CHECK(code(run(ring, op::recv(pair.ours, lio::buffer_group{2}))) == ENOBUFS);
        const cqe one = run(ring, op::recv(pair.ours, buffers.group(), 3));
        CHECK(text_of(buffers.filled(one)) == "one");
        const cqe none = run(ring, op::recv(pair.ours, buffers.group(), 3));
        CHECK(code(none) == ENOBUFS);
        CHECK_FALSE(none.buffer_id());
        buffers.recycle(*one.buffer_id());
        const cqe two = run(ring, op::recv(pair.ours, buffers.group(), 3));
        CHECK(text_of(buffers.filled(two)) == "two");
    });
}

TEST_CASE("recv_multishot delivers every byte in order while buffers are given back", "[recv][hazard 34]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot receive (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 9, .count = 4, .size = 16}).value();
        connection pair = socket_pair();
        ring.push(op::recv_multishot(pair.ours, buffers.group()).user_data(1)).value();
        std::string sent;
        std::string received;
        std::set<unsigned> used;
        for (int i = 0; i < 100; ++i) {
            const std::string message = "message " + std::to_string(i) + ";";
            send_all(pair.theirs, message);
            sent += message;
            while (received.size() < sent.size()) {
                const cqe done = next_soon(ring);
                REQUIRE(done.user_data() == 1);
                REQUIRE(done.more());
                REQUIRE(done.result<op::recv_multishot>().value() > 0u);
                REQUIRE(done.buffer_id());
                received += text_of(buffers.filled(done));
                used.insert(*done.buffer_id());
                buffers.recycle(*done.buffer_id());
            }
        }
        CHECK(received == sent);
        CHECK(used.size() == 4); // all of them came round
        ring.push(op::cancel(1).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == ECANCELED);
        CHECK_FALSE(of(done, 1).more());
    });
}

TEST_CASE("recv_multishot ends with ENOBUFS when buffers run out, and submitted again goes on where it was",
          "[recv][hazard 34]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot receive (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 9, .count = 2, .size = 4}).value();
        connection pair = socket_pair();
        const std::string sent = "aaaabbbbccccddddeeee";
        send_all(pair.theirs, sent);
        std::string received;
        std::vector<std::uint16_t> held;
        int times_ended = 0;
        ring.push(op::recv_multishot(pair.ours, buffers.group())).value();
        while (received.size() < sent.size()) {
            const cqe done = next_soon(ring);
            if (done.result()) {
                REQUIRE(done.buffer_id());
                received += text_of(buffers.filled(done));
                held.push_back(*done.buffer_id());
            } else {
                REQUIRE(code(done) == ENOBUFS);
                REQUIRE_FALSE(done.more());
                if (done.buffer_id()) held.push_back(*done.buffer_id());
            }
            if (!done.more()) {
                ++times_ended;
                CHECK(held.size() == 2);
                for (const std::uint16_t id : held) buffers.recycle(id);
                held.clear();
                ring.push(op::recv_multishot(pair.ours, buffers.group())).value();
            }
        }
        CHECK(received == sent);
        CHECK(times_ended == 2);
    });
}

TEST_CASE("recv_multishot says 0 and ends when the peer ends its stream", "[recv][hazard 34]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot receive (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 9, .count = 4, .size = 64}).value();
        connection pair = socket_pair();
        ring.push(op::recv_multishot(pair.ours, buffers.group())).value();
        send_all(pair.theirs, "bye");
        const cqe data = next_soon(ring);
        CHECK(text_of(buffers.filled(data)) == "bye");
        CHECK(data.more());
        pair.theirs.close();
        const cqe end = next_soon(ring);
        CHECK(end.result().value() == 0);
        CHECK_FALSE(end.more());
        CHECK(stays_quiet(ring, 5));
    });
}

TEST_CASE("recv_multishot stays what it is with its modifiers", "[recv][hazard 29]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot receive (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 9, .count = 4, .size = 64}).value();
        connection pair = socket_pair();
        ring.push(
                op::recv_multishot(pair.ours, buffers.group()).flags(MSG_DONTROUTE).flags(0).poll_first().user_data(1))
            .value();
        for (int i = 0; i < 3; ++i) {
            CHECK(stays_quiet(ring, 1));
            send_all(pair.theirs, "again");
            const cqe done = next_soon(ring);
            CHECK(text_of(buffers.filled(done)) == "again");
            CHECK(done.more());
        }
    });
}

TEST_CASE("recv_multishot from many sockets into one group mixes nothing up", "[recv]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot receive (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 9, .count = 64, .size = 32}).value();
        std::vector<connection> pairs;
        std::map<uint64_t, std::string> received;
        for (uint64_t i = 0; i < 16; ++i) {
            pairs.push_back(socket_pair());
            ring.push(op::recv_multishot(pairs.back().ours, buffers.group()).user_data(i)).value();
        }
        ring.submit().value();
        std::map<uint64_t, std::string> sent;
        for (int round = 0; round < 20; ++round) {
            std::size_t expected = 0;
            for (std::size_t i = 0; i < pairs.size(); ++i) {
                const std::string message = std::to_string(i) + "/" + std::to_string(round) + " ";
                send_all(pairs[i].theirs, message);
                sent[i] += message;
                expected += message.size();
            }
            while (expected > 0) {
                const cqe done = next_soon(ring);
                REQUIRE(done.more());
                const std::string_view text = text_of(buffers.filled(done));
                received[done.user_data()] += text;
                expected -= text.size();
                buffers.recycle(*done.buffer_id());
            }
        }
        CHECK(received == sent);
    });
}

TEST_CASE("recv_multishot refuses to wait for a full buffer, and fails on bad descriptors", "[recv]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot receive (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 9, .count = 4, .size = 64}).value();
        connection pair = socket_pair();
        const cqe waiting = run(ring, op::recv_multishot(pair.ours, buffers.group()).flags(MSG_WAITALL));
        CHECK(code(waiting) == EINVAL);
        CHECK_FALSE(waiting.more());
        const cqe bad = run(ring, op::recv_multishot(no_such_file, buffers.group()));
        CHECK(code(bad) == EBADF);
        CHECK_FALSE(bad.more());
    });
}

TEST_CASE("memory larger than one transfer is refused by recv", "[recv][hazard 38]") {
    ring ring = lio::ring::create({.entries = 4}).value();
    const std::size_t large = 0x7ffff001;
    const auto receiving = ring.push(op::recv(0, {memory, large}));
    REQUIRE_FALSE(receiving);
    CHECK(receiving.error().why() == lio::cause::span_too_long);
    CHECK_FALSE(ring.push(op::recv(0, lio::buffer_group{0}, 0x80000000)));
    CHECK(ring.unsubmitted() == 0u);
    CHECK(ring.push(op::recv(0, {memory, large - 1})));
    CHECK(ring.unsubmitted() == 1u);
}

} // namespace recv_test
