// Receiving into registered buffers. Each test runs on a ring of every set-up that this kernel takes; one thread.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/rings.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/op/cancel.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/recv.hpp>
#include <lio/registered_buffers.hpp>

#include <string_view>

namespace recv_fixed_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::ring;

char some_memory[64];

const encodings rows{[](auto add) {
    add("recv_fixed", op::recv_fixed(5, {65535, some_memory}),
        expected_entry{}.u8(0, 27).u16(2, 4).s32(4, 5).pointer(16, some_memory).u32(24, 64).u16(40, 65535));
    // It stays what it is, whatever the modifiers. [hazard 29]
    add("recv_fixed into a part, with every modifier",
        op::recv_fixed(lio::direct_descriptor{5}, lio::registered_buffer{3, some_memory}.part(8, 16))
            .flags(MSG_PEEK)
            .poll_first()
            .flags(MSG_WAITALL)
            .link()
            .hard_link()
            .drain()
            .force_async()
            .skip_success()
            .personality(9)
            .user_data(7),
        expected_entry{}
            .u8(0, 27)
            .u8(1, 1 | 4 | 8 | 2 | 16 | 64)
            .u16(2, 1 | 4)
            .s32(4, 5)
            .pointer(16, some_memory + 8)
            .u32(24, 16)
            .u32(28, MSG_WAITALL)
            .u64(32, 7)
            .u16(40, 3)
            .u16(42, 9));
}};

/// Two registered buffers.
struct buffers {
    char first[16] = {};
    char second[16] = {};
    lio::registered_buffers table;

    explicit buffers(ring& ring) : table{make(ring)} {}

private:
    lio::registered_buffers make(ring& ring) {
        const lio::mutable_bytes both[] = {first, second};
        return lio::registered_buffers::create(ring, both).value();
    }
};

/// Whether this kernel's recv takes registered buffers (Linux 7.2).
bool has_recv_fixed() {
    static const bool answer = [] {
        ring asked = ring::create({.entries = 4, .exactly = true}).value();
        const buffers memory{asked};
        connection pair = socket_pair();
        pair.theirs.close();
        return code(run(asked, op::recv_fixed(pair.ours, memory.table[0]))) != EINVAL;
    }();
    return answer;
}

constexpr const char* reason = "the kernel's recv takes no registered buffers (Linux 7.2 does)";

} // namespace

TEST_CASE("recv_fixed receives into a registered buffer or a part of one", "[recv][recv_fixed]") {
    if (!has_recv_fixed()) LIO_SKIP(reason);
    under_each_setup([](ring& ring) {
        buffers memory{ring};
        connection pair = socket_pair();
        send_all(pair.theirs, "0123456789");
        const cqe part = run(ring, op::recv_fixed(pair.ours, memory.table[1].part(4, 3)));
        CHECK(part.result<op::recv_fixed>().value() == 3u);
        CHECK(std::string_view(memory.second, 8) == std::string_view("\0\0\0\0" "012\0", 8));
        CHECK(run(ring, op::recv_fixed(pair.ours, memory.table[0])).result().value() == 7);
        CHECK(std::string_view(memory.first, 7) == "3456789");
        CHECK(memory.first[7] == 0);
    });
}

TEST_CASE("recv_fixed waits for bytes to come, and with MSG_WAITALL for all of them", "[recv][recv_fixed]") {
    if (!has_recv_fixed()) LIO_SKIP(reason);
    under_each_setup([](ring& ring) {
        buffers memory{ring};
        connection pair = socket_pair();
        ring.push(op::recv_fixed(pair.ours, memory.table[0]).poll_first()).value();
        CHECK(stays_quiet(ring));
        send_all(pair.theirs, "late");
        CHECK(next_soon(ring).result().value() == 4);
        ring.push(op::recv_fixed(pair.ours, memory.table[0].part(0, 8)).flags(MSG_WAITALL)).value();
        send_all(pair.theirs, "half");
        CHECK(stays_quiet(ring));
        send_all(pair.theirs, "rest");
        CHECK(next_soon(ring).result().value() == 8);
        CHECK(std::string_view(memory.first, 8) == "halfrest");
        pair.theirs.close();
        CHECK(run(ring, op::recv_fixed(pair.ours, memory.table[0])).result().value() == 0);
    });
}

TEST_CASE("recv_fixed fails on a buffer that is not registered, or a file that is no socket", "[recv][recv_fixed]") {
    if (!has_recv_fixed()) LIO_SKIP(reason);
    under_each_setup([](ring& ring) {
        buffers memory{ring};
        connection pair = socket_pair();
        send_all(pair.theirs, "kept");
        char other[8] = {};
        CHECK(code(run(ring, op::recv_fixed(pair.ours, {2, other}))) == EFAULT);
        CHECK(code(run(ring, op::recv_fixed(pair.ours, {0, other}))) == EFAULT);
        // A failure breaks a chain.
        ring.push(op::recv_fixed(pair.ours, {2, other}).link().user_data(1), op::nop().user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 2)) == ECANCELED);
        CHECK(receive_some(pair.ours) == "kept");
        const connection pipe = pipe_pair();
        CHECK(code(run(ring, op::recv_fixed(pipe.ours, memory.table[0]))) == ENOTSOCK);
    });
}

TEST_CASE("a recv_fixed that is cancelled leaves its memory and the stream alone", "[recv][recv_fixed][hazard 33]") {
    if (!has_recv_fixed()) LIO_SKIP(reason);
    under_each_setup([](ring& ring) {
        buffers memory{ring};
        connection pair = socket_pair();
        ring.push(op::recv_fixed(pair.ours, memory.table[0]).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 1)) == ECANCELED);
        send_all(pair.theirs, "kept");
        CHECK(stays_quiet(ring, 5));
        CHECK(memory.first[0] == 0);
        CHECK(receive_some(pair.ours) == "kept");
    });
}

TEST_CASE("older kernels refuse a receive into a registered buffer, and do not take it for a plain one",
          "[recv][recv_fixed]") {
    if (has_recv_fixed()) LIO_SKIP("the kernel's recv takes registered buffers (before Linux 7.2 it does not)");
    ring made = ring::create({.entries = 4}).value();
    buffers memory{made};
    connection pair = socket_pair();
    send_all(pair.theirs, "kept");
    const int refused = code(run(made, op::recv_fixed(pair.ours, memory.table[0])));
    if (refused == 0) LIO_SKIP("the kernel ignores such flags (Linux 5.19 does not)");
    CHECK(refused == EINVAL);
    CHECK(memory.first[0] == 0);
    CHECK(receive_some(pair.ours) == "kept");
}

} // namespace recv_fixed_test
