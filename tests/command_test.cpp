// Commands to files' drivers, and a program's own types of commands. The drivers at hand are sockets (whose commands
// look for their arguments all over the entry) and /dev/null. Each test runs on a ring of every set-up that this kernel
// takes; one thread.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/files.hpp"
#include "support/large_rings.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/completion.hpp>
#include <lio/op/command.hpp>
#include <lio/op/nop.hpp>
#include <lio/registered_buffers.hpp>

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <string>

namespace command_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::ring;

struct two_words {
    std::uint64_t first;
    std::uint64_t second;
};
struct bytes_of_80 {
    unsigned char values[80];
};
constexpr bytes_of_80 numbered = [] {
    bytes_of_80 made{};
    for (unsigned char i = 0; i < 80; ++i) made.values[i] = static_cast<unsigned char>(i + 1);
    return made;
}();

expected_entry with_numbered(expected_entry entry) {
    for (unsigned char i = 0; i < 80; ++i) entry.u8(48u + i, static_cast<std::uint8_t>(i + 1));
    return entry;
}

char memory[16];
constexpr lio::registered_buffer third{3, lio::mutable_bytes{memory}};

// A program's own command: it sets SO_RCVLOWAT of a socket, whose driver finds the address of the value at the
// payload's place.
class set_low_water : public op::command<set_low_water> {
public:
    using result_type = void;

    set_low_water(lio::descriptor socket, const int& value) noexcept : command{socket, 3} {
        set_payload(std::uint64_t{reinterpret_cast<std::uintptr_t>(&value)});
        entry_.option = lio::abi::socket_option{SOL_SOCKET, SO_RCVLOWAT};
        entry_.optlen = sizeof value;
    }
};

// Others with a number of their own and a longer payload.
class own_large : public op::command<own_large, lio::abi::sqe128> {
public:
    explicit own_large(lio::descriptor file) noexcept : command{file, 9} { set_payload(numbered); }
};
class own_multishot : public op::multishot_command<own_multishot, lio::abi::sqe128> {
public:
    own_multishot(lio::descriptor file, lio::buffer_group group) noexcept : multishot_command{file, 9, group} {
        set_payload(numbered);
    }
};

const int low_water = 0;

const encodings rows{[](auto add) {
    add("uring_cmd", op::uring_cmd(7, 0x12345678), expected_entry{}.u8(0, 46).s32(4, 7).u32(8, 0x12345678));
    add("uring_cmd with all of a payload",
        op::uring_cmd(lio::direct_descriptor{7}, 1, two_words{0xfedcba9876543210, 5}),
        expected_entry{}.u8(0, 46).u8(1, 1).s32(4, 7).u32(8, 1).u64(48, 0xfedcba9876543210).u64(56, 5));
    add("uring_cmd with a short payload, a registered buffer and modifiers",
        op::uring_cmd(7, 1, std::uint8_t{9}).fixed(third).link().skip_success().personality(4).user_data(5),
        expected_entry{}
            .u8(0, 46)
            .u8(1, 4 | 64)
            .s32(4, 7)
            .u32(8, 1)
            .u32(28, 1)
            .u64(32, 5)
            .u16(40, 3)
            .u16(42, 4)
            .u8(48, 9));
    add("large_uring_cmd", op::large_uring_cmd(7, 1), expected_entry{128}.u8(0, 46).s32(4, 7).u32(8, 1));
    add("large_uring_cmd with all of a payload", op::large_uring_cmd(7, 1, numbered).fixed(third),
        with_numbered(expected_entry{128}.u8(0, 46).s32(4, 7).u32(8, 1).u32(28, 1).u16(40, 3)));
    add("uring_cmd128", op::uring_cmd128(lio::direct_descriptor{7}, 1),
        expected_entry{128}.u8(0, 64).u8(1, 1).s32(4, 7).u32(8, 1));
    add("uring_cmd128 with all of a payload", op::uring_cmd128(7, 1, numbered).hard_link().user_data(5),
        with_numbered(expected_entry{128}.u8(0, 64).u8(1, 8).s32(4, 7).u32(8, 1).u64(32, 5)));
    add("uring_cmd_multishot", op::uring_cmd_multishot(7, 1, 0x1234),
        expected_entry{}.u8(0, 46).u8(1, 32).s32(4, 7).u32(8, 1).u32(28, 2).u16(40, 0x1234));
    add("uring_cmd_multishot with a payload and modifiers",
        op::uring_cmd_multishot(lio::direct_descriptor{7}, 1, 2, two_words{3, 4}).force_async().user_data(5),
        expected_entry{}
            .u8(0, 46)
            .u8(1, 1 | 16 | 32)
            .s32(4, 7)
            .u32(8, 1)
            .u32(28, 2)
            .u64(32, 5)
            .u16(40, 2)
            .u64(48, 3)
            .u64(56, 4));
    add("a command of one's own", set_low_water(7, low_water).user_data(5),
        expected_entry{}
            .u8(0, 46)
            .s32(4, 7)
            .u32(8, 3)
            .u32(16, SOL_SOCKET)
            .u32(20, SO_RCVLOWAT)
            .u64(32, 5)
            .u32(44, 4)
            .pointer(48, &low_water));
    add("a large command of one's own", own_large(7),
        with_numbered(expected_entry{128}.u8(0, 46).s32(4, 7).u32(8, 9)));
    add("a large multishot command of one's own", own_multishot(7, 2),
        with_numbered(expected_entry{128}.u8(0, 46).u8(1, 32).s32(4, 7).u32(8, 9).u32(28, 2).u16(40, 2)));
}};

template <class Operation>
constexpr bool can_be_fixed = requires(const Operation& operation) { operation.fixed(third); };
static_assert(can_be_fixed<op::uring_cmd> && can_be_fixed<own_large>);
static_assert(!can_be_fixed<op::uring_cmd_multishot> && !can_be_fixed<own_multishot>, "the two exclude each other");

bool has_commands() { return kernel_supports(lio::abi::opcode::uring_cmd); }
constexpr const char* no_commands = "commands to drivers: since Linux 5.19";

} // namespace

TEST_CASE("a command of a program's own type reaches the driver with its payload", "[command]") {
    if (!has_commands()) LIO_SKIP(no_commands);
    under_each_setup([](ring& ring) {
        const owned_file socket = tcp_socket();
        const int wanted = 3;
        const lio::cqe done = run(ring, set_low_water(socket, wanted));
        if (code(done) == EOPNOTSUPP) {
            record_partial_skip("commands to sockets that set options: since Linux 6.7");
            return;
        }
        CHECK(done.result<set_low_water>());
        int value = 0;
        socklen_t size = sizeof value;
        REQUIRE(::getsockopt(socket, SOL_SOCKET, SO_RCVLOWAT, &value, &size) == 0);
        CHECK(value == 3);
    });
}

TEST_CASE("a command tells what its driver says", "[command]") {
    if (!has_commands()) LIO_SKIP(no_commands);
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        connection tcp;
        tcp.ours = tcp_connected_to(listener);
        tcp.theirs = owned_file{::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)};
        send_all(tcp.theirs, "seven b");
        // The number of bytes that wait, as the sockets' commands count it.
        const lio::cqe done = run(ring, op::poll(tcp.ours, POLLIN));
        CHECK(done.result());
        const lio::cqe waiting = run(ring, op::uring_cmd(tcp.ours, 0));
        if (code(waiting) == EOPNOTSUPP) {
            record_partial_skip("commands to sockets: since Linux 6.6");
            return;
        }
        CHECK(waiting.result<op::uring_cmd>().value() == 7u);
        CHECK(code(run(ring, op::uring_cmd(tcp.ours, 0xffffffff))) == EOPNOTSUPP);
    });
}

TEST_CASE("a file without commands says so, and breaks a chain", "[command]") {
    if (!has_commands()) LIO_SKIP(no_commands);
    under_each_setup([](ring& ring) {
        const pipe_ends pipe;
        CHECK(code(run(ring, op::uring_cmd(pipe.reading(), 0))) == EOPNOTSUPP);
        CHECK(code(run(ring, op::uring_cmd(-1, 0))) == EBADF);
        const two_words payload{1, 2};
        ring.push(op::uring_cmd(pipe.reading(), 0, payload).link().user_data(1), op::nop().user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 2)) == ECANCELED);
    });
}

TEST_CASE("a multishot command to a file without such ends at once", "[command]") {
    if (!has_commands()) LIO_SKIP(no_commands);
    if (!has_buffer_rings()) LIO_SKIP("groups of buffers: since Linux 5.19");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 2, .count = 2, .size = 16}).value();
        const pipe_ends pipe;
        const lio::cqe done = run(ring, op::uring_cmd_multishot(pipe.reading(), 0, buffers.group(), two_words{1, 2}));
        const auto end = done.as<op::uring_cmd_multishot>();
        CHECK(end.event() == lio::multishot_event::failed);
        CHECK(end.ended());
        // Kernels before 6.18 do not know the flag.
        CHECK((end.problem().code() == EOPNOTSUPP || end.problem().code() == EINVAL));
        // No buffer is lost: both can still be filled.
        connection pair = socket_pair();
        for (int i = 0; i < 2; ++i) {
            send_all(pair.theirs, "!");
            CHECK(run(ring, op::recv(pair.ours, buffers.group())).result().value() == 1);
        }
    });
}

TEST_CASE("a command to /dev/null succeeds, with a registered buffer as well", "[command]") {
    if (!has_commands()) LIO_SKIP(no_commands);
    const open_file null{"/dev/null", O_RDWR};
    ring asked = ring::create({.entries = 1, .exactly = true}).value();
    if (code(run(asked, op::uring_cmd(null, 0))) == EOPNOTSUPP) LIO_SKIP("commands to /dev/null: since Linux 6.0");
    under_each_setup([&](ring& ring) {
        CHECK(run(ring, op::uring_cmd(null, 1, two_words{2, 3})).result<op::uring_cmd>().value() == 0u);
        const lio::mutable_bytes pieces[] = {lio::mutable_bytes{memory}};
        auto buffers = lio::registered_buffers::create(ring, pieces).value();
        CHECK(run(ring, op::uring_cmd(null, 1).fixed(buffers[0])).result<op::uring_cmd>().value() == 0u);
    });
}

TEST_CASE("commands of 128 bytes are taken by a ring with such entries", "[command]") {
    if (!has_large_rings<lio::large_ring>()) LIO_SKIP(no_large_rings);
    lio::large_ring ring = lio::large_ring::create({.entries = 4}).value();
    const open_file null{"/dev/null", O_RDWR};
    const pipe_ends pipe;
    const lio::large_cqe done = run_on(ring, op::large_uring_cmd(null, 0, numbered));
    CHECK((code(done) == 0 || code(done) == EOPNOTSUPP)); // before 6.0 /dev/null had no commands
    CHECK(code(run_on(ring, op::large_uring_cmd(pipe.reading(), 0))) == EOPNOTSUPP);
    if (!kernel_supports(lio::abi::opcode::uring_cmd128)) {
        CHECK(code(run_on(ring, op::uring_cmd128(null, 0))) == EINVAL);
        LIO_SKIP("operations of 128 bytes: since Linux 6.19");
    }
    for (std::uint64_t i = 0; i < 9; ++i) {
        const lio::large_cqe answered = run_on(ring, op::uring_cmd128(null, 0, numbered).user_data(i));
        CHECK(answered.result<op::uring_cmd128>().value() == 0u);
        CHECK(answered.user_data() == i);
    }
    CHECK(code(run_on(ring, op::uring_cmd128(pipe.reading(), 0))) == EOPNOTSUPP);
}

} // namespace command_test
