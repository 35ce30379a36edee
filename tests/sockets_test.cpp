// Sockets as such: made, given addresses, connected, shut down. What each operation does is seen from the other end,
// through plain POSIX calls. Each test runs on a ring of every set-up that this kernel takes; one thread.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/footprint.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/op/cancel.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/open.hpp>
#include <lio/op/recv.hpp>
#include <lio/op/registered_files.hpp>
#include <lio/op/send.hpp>
#include <lio/op/sockets.hpp>
#include <lio/registered_files.hpp>

#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace sockets_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::direct_descriptor;
using lio::ring;

using std::uint64_t;

sockaddr_in internet_address;
sockaddr_un local_address;

constexpr std::uint8_t link = 4, hard_link = 8, drain = 2, async = 16, fixed = 1;
constexpr std::uint32_t any_slot = 0xffffffff;

const encodings rows{[](auto add) {
    add("socket", op::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP),
        expected_entry{}.u8(0, 45).s32(4, AF_INET6).u64(8, SOCK_DGRAM | SOCK_CLOEXEC).u32(24, IPPROTO_UDP));
    add("socket with every modifier that it has",
        op::socket(AF_UNIX, SOCK_STREAM)
            .user_data(7)
            .link()
            .hard_link()
            .drain()
            .force_async()
            .personality(9),
        expected_entry{}
            .u8(0, 45)
            .u8(1, link | hard_link | drain | async)
            .s32(4, AF_UNIX)
            .u64(8, SOCK_STREAM)
            .u64(32, 7)
            .u16(42, 9));
    add("bind", op::bind(5, internet_address),
        expected_entry{}.u8(0, 56).s32(4, 5).u64(8, sizeof internet_address).pointer(16, &internet_address));
    add("bind of a slot with a size", op::bind(lio::direct_descriptor{6}, local_address, 4).link().user_data(-1),
        expected_entry{}
            .u8(0, 56)
            .u8(1, fixed | link)
            .s32(4, 6)
            .u64(8, 4)
            .pointer(16, &local_address)
            .u64(32, ~uint64_t{0}));
    add("listen", op::listen(5, 128), expected_entry{}.u8(0, 57).s32(4, 5).u32(24, 128));
    add("listen on a slot", op::listen(lio::direct_descriptor{5}, -1).hard_link(),
        expected_entry{}.u8(0, 57).u8(1, fixed | hard_link).s32(4, 5).u32(24, 0xffffffff));
    add("connect", op::connect(5, internet_address),
        expected_entry{}.u8(0, 16).s32(4, 5).u64(8, sizeof internet_address).pointer(16, &internet_address));
    add("connect with a size", op::connect(lio::direct_descriptor{5}, local_address, 110).link().force_async(),
        expected_entry{}.u8(0, 16).u8(1, fixed | link | async).s32(4, 5).u64(8, 110).pointer(16, &local_address));
    add("shutdown", op::shutdown(5, SHUT_RDWR), expected_entry{}.u8(0, 34).s32(4, 5).u32(24, 2));
    add("shutdown of a slot", op::shutdown(lio::direct_descriptor{5}, SHUT_WR).link().personality(65535),
        expected_entry{}.u8(0, 34).u8(1, fixed | link).s32(4, 5).u32(24, 1).u16(42, 65535));
    // [hazard 30] Slots count from 1 in the entry, and one that would become "any" or "none" is one that no table has.
    add("socket_direct", op::socket_direct(AF_INET, SOCK_STREAM, direct_descriptor{0}),
        expected_entry{}.u8(0, 45).s32(4, AF_INET).u64(8, SOCK_STREAM).u32(44, 1));
    add("socket_direct with a protocol and modifiers",
        op::socket_direct(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_UDP, direct_descriptor{77})
            .link()
            .user_data(7),
        expected_entry{}
            .u8(0, 45)
            .u8(1, link)
            .s32(4, AF_INET6)
            .u64(8, SOCK_DGRAM | SOCK_NONBLOCK)
            .u32(24, IPPROTO_UDP)
            .u64(32, 7)
            .u32(44, 78));
    add("socket_direct in the last slot", op::socket_direct(AF_INET, SOCK_STREAM, direct_descriptor{0xffffffff}),
        expected_entry{}.u8(0, 45).s32(4, AF_INET).u64(8, SOCK_STREAM).u32(44, 0xfffffffe));
    add("socket_direct_allocate", op::socket_direct_allocate(AF_UNIX, SOCK_SEQPACKET),
        expected_entry{}.u8(0, 45).s32(4, AF_UNIX).u64(8, SOCK_SEQPACKET).u32(44, any_slot));
    add("socket_direct_allocate with a protocol and modifiers",
        op::socket_direct_allocate(AF_INET, SOCK_STREAM, IPPROTO_TCP).hard_link().drain().force_async().personality(9),
        expected_entry{}
            .u8(0, 45)
            .u8(1, hard_link | drain | async)
            .s32(4, AF_INET)
            .u64(8, SOCK_STREAM)
            .u32(24, IPPROTO_TCP)
            .u16(42, 9)
            .u32(44, any_slot));
}};

// Addresses are read after the statement that makes the operation, so a temporary one must not compile.
static_assert(std::is_constructible_v<op::connect, int, sockaddr_in&>);
static_assert(std::is_constructible_v<op::connect, int, const sockaddr_in&, socklen_t>);
static_assert(!std::is_constructible_v<op::connect, int, sockaddr_in>);
static_assert(!std::is_constructible_v<op::connect, int, const sockaddr_in, socklen_t>);
static_assert(!std::is_constructible_v<op::connect, int, sockaddr_in*, socklen_t>);
static_assert(!std::is_constructible_v<op::bind, int, sockaddr_un>);
static_assert(!std::is_constructible_v<op::socket_direct, int, int, int>, "a slot is no number");

// Its failure would vanish together with the completion.
template <class Operation>
concept can_skip_success = requires(Operation operation) { operation.skip_success(); };
static_assert(can_skip_success<op::connect> && !can_skip_success<op::shutdown>);
static_assert(!can_skip_success<op::socket_direct> && !can_skip_success<op::socket_direct_allocate>);

int int_option(int socket, int option) {
    int value = -1;
    socklen_t size = sizeof value;
    REQUIRE(::getsockopt(socket, SOL_SOCKET, option, &value, &size) == 0);
    return value;
}

constexpr int no_such_file = 0x3fffffff;
constexpr const char* no_socket = "the kernel has no socket operation (Linux 5.19 has)";

/// A table of so many slots with nothing in them.
lio::registered_files empty_table(ring& ring, std::size_t slots) {
    return lio::registered_files::create(ring, std::vector<int>(slots, -1)).value();
}

/// Whether there is something in a slot.
bool is_taken(ring& ring, direct_descriptor slot) {
    char byte;
    return code(run(ring, op::recv(slot, {&byte, 1}).flags(MSG_DONTWAIT))) != EBADF;
}

} // namespace

// Making, naming and connecting.

TEST_CASE("socket makes a socket of the family and type that were asked for", "[sockets]") {
    if (!kernel_supports(lio::abi::opcode::socket)) LIO_SKIP(no_socket);
    under_each_setup([](ring& ring) {
        const auto made = run(ring, op::socket(AF_INET6, SOCK_DGRAM)).result<op::socket>();
        const owned_file plain_one{made.value()};
        CHECK(int_option(plain_one, SO_DOMAIN) == AF_INET6);
        CHECK(int_option(plain_one, SO_TYPE) == SOCK_DGRAM);
        CHECK((::fcntl(plain_one, F_GETFD) & FD_CLOEXEC) == 0);
        CHECK((::fcntl(plain_one, F_GETFL) & O_NONBLOCK) == 0);

        const cqe done = run(ring, op::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
        const owned_file other{done.result().value()};
        CHECK(int_option(other, SO_PROTOCOL) == IPPROTO_TCP);
        CHECK((::fcntl(other, F_GETFD) & FD_CLOEXEC) != 0);
        CHECK((::fcntl(other, F_GETFL) & O_NONBLOCK) != 0);
    });
}

TEST_CASE("socket of a family that does not exist, or with a protocol that does not fit, says so", "[sockets]") {
    if (!kernel_supports(lio::abi::opcode::socket)) LIO_SKIP(no_socket);
    under_each_setup([](ring& ring) {
        CHECK(code(run(ring, op::socket(9999, SOCK_STREAM))) == EAFNOSUPPORT);
        CHECK(code(run(ring, op::socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP))) == EPROTONOSUPPORT);
    });
}

TEST_CASE("socket_direct makes a socket in the slot that it was given, which can be used at once [hazard 30]",
          "[sockets][hazard 30]") {
    if (!kernel_supports(lio::abi::opcode::socket)) LIO_SKIP(no_socket);
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        const sockaddr_in address = own_address(listener);
        auto files = empty_table(ring, 3);
        const footprint before = footprint::now();
        const std::string_view hello = "hello";
        // A chain needs nothing but the slot's number.
        ring.push(op::socket_direct(AF_INET, SOCK_STREAM, files[2]).link().user_data(1),
                  op::connect(files[2], address).link().user_data(2), op::send(files[2], hello).user_data(3))
            .value();
        const auto done = next_soon(ring, 3);
        CHECK(of(done, 1).result<op::socket_direct>());
        CHECK(of(done, 1).raw_result() == 0);
        CHECK(of(done, 2).result<op::connect>());
        CHECK(of(done, 3).result().value() == 5);
        CHECK(footprint::now().files == before.files);
        const owned_file accepted{::accept(listener, nullptr, nullptr)};
        CHECK(receive_some(accepted) == "hello");
        CHECK_FALSE(is_taken(ring, files[0]));
        CHECK_FALSE(is_taken(ring, files[1]));

        // In place of what is there, which is closed.
        CHECK(code(run(ring, op::socket_direct(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_UDP, files[2]))) == 0);
        CHECK(hears_the_end(accepted));
        CHECK(is_taken(ring, files[2]));
        // What it is can only be seen of a descriptor for the same socket, where the kernel makes one.
        if (!kernel_supports(lio::abi::opcode::fixed_fd_install)) return;
        const owned_file same_one{run(ring, op::fixed_fd_install(files[2])).result().value()};
        CHECK(int_option(same_one, SO_PROTOCOL) == IPPROTO_UDP);
    });
}

TEST_CASE("socket_direct_allocate says which free slot it took, and fails when none is left [hazard 30]",
          "[sockets][hazard 30]") {
    if (!kernel_supports(lio::abi::opcode::socket)) LIO_SKIP(no_socket);
    under_each_setup([](ring& ring) {
        auto files = empty_table(ring, 3);
        CHECK(code(run(ring, op::socket_direct(AF_INET, SOCK_STREAM, files[1]))) == 0);
        const auto make = [&] {
            return run(ring, op::socket_direct_allocate(AF_INET, SOCK_DGRAM)).result<op::socket_direct_allocate>();
        };
        const direct_descriptor first = make().value();
        const direct_descriptor second = make().value();
        // Whichever comes first.
        CHECK(first.slot() + second.slot() == 0 + 2);
        CHECK(first != second);
        CHECK(is_taken(ring, first));
        CHECK(is_taken(ring, second));
        CHECK(make().error().code() == ENFILE);
        CHECK(code(run(ring, op::close(files[1]))) == 0);
        CHECK(make().value() == files[1]);
    });
}

TEST_CASE("a socket in a slot that is not there fails, and nothing stays open [hazard 30]", "[sockets][hazard 30]") {
    if (!kernel_supports(lio::abi::opcode::socket)) LIO_SKIP(no_socket);
    under_each_setup([](ring& ring) {
        const footprint before = footprint::now();
        const auto make_in = [&](std::uint32_t slot) {
            return code(run(ring, op::socket_direct(AF_INET, SOCK_STREAM, direct_descriptor{slot})));
        };
        // There is no table at all.
        CHECK(make_in(0) == ENXIO);
        CHECK(make_in(0xffffffff) == ENXIO);
        CHECK(code(run(ring, op::socket_direct_allocate(AF_INET, SOCK_STREAM))) == ENFILE);
        {
            const auto files = empty_table(ring, 2);
            CHECK(make_in(2) == EINVAL);
            CHECK(make_in(0xfffffffe) == EINVAL);
            CHECK(make_in(0xffffffff) == EINVAL);
            CHECK(code(run(ring, op::socket_direct(9999, SOCK_STREAM, files[0]))) == EAFNOSUPPORT);
            CHECK(code(run(ring, op::socket_direct_allocate(9999, SOCK_STREAM))) == EAFNOSUPPORT);
            CHECK_FALSE(is_taken(ring, files[0]));
            CHECK_FALSE(is_taken(ring, files[1]));
        }
        CHECK(footprint::now().files == before.files);
    });
}

TEST_CASE("a socket that finds no slot says so, but a chain goes on behind it [hazard 32]", "[sockets][hazard 32]") {
    if (!kernel_supports(lio::abi::opcode::socket)) LIO_SKIP(no_socket);
    under_each_setup([](ring& ring) {
        const auto behind = [&ring](const auto& socket) {
            ring.push(socket.link().user_data(1), op::nop().user_data(2)).value();
            const auto done = next_soon(ring, 2);
            CHECK(code(of(done, 2)) == 0);
            return code(of(done, 1));
        };
        CHECK(behind(op::socket_direct(AF_INET, SOCK_STREAM, direct_descriptor{0})) == ENXIO);
        CHECK(behind(op::socket_direct_allocate(AF_INET, SOCK_STREAM)) == ENFILE);
    });
}

TEST_CASE("a socket in a slot with SOCK_CLOEXEC is refused by push, with its cause [hazard 30]",
          "[sockets][hazard 30]") {
    static_assert(SOCK_CLOEXEC == lio::detail::close_on_exec);
    under_each_setup([](ring& ring) {
        const auto refused = [&ring](const auto& operation) {
            const auto pushed = ring.push(op::nop().link(), operation);
            REQUIRE_FALSE(pushed);
            CHECK(pushed.error().why() == lio::cause::close_on_exec_of_slot);
            CHECK(pushed.error().code() == EINVAL);
            CHECK(ring.unsubmitted() == 0);
        };
        const direct_descriptor slot{0};
        refused(op::socket_direct(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, slot));
        refused(op::socket_direct(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP, slot).user_data(1));
        refused(op::socket_direct_allocate(AF_INET, SOCK_STREAM | SOCK_CLOEXEC).link());
    });
}

TEST_CASE("bind and listen make a socket that clients can connect to", "[sockets]") {
    if (!kernel_supports(lio::abi::opcode::bind)) LIO_SKIP("the kernel has no bind operation (Linux 6.11 has)");
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_socket();
        const sockaddr_in address = loopback();
        ring.push(op::bind(listener, address).link().user_data(1), op::listen(listener, 3).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(of(done, 1).result<op::bind>());
        CHECK(of(done, 2).result<op::listen>());
        CHECK(own_address(listener).sin_port != 0);
        CHECK(int_option(listener, SO_ACCEPTCONN) == 1);
        const owned_file client = tcp_connected_to(listener);
        CHECK(same(peer_address(client), own_address(listener)));
    });
}

TEST_CASE("bind and listen fail where their system calls do", "[sockets]") {
    if (!kernel_supports(lio::abi::opcode::bind)) LIO_SKIP("the kernel has no bind operation (Linux 6.11 has)");
    under_each_setup([](ring& ring) {
        const owned_file taken = tcp_listener();
        const owned_file free = tcp_socket();
        const sockaddr_in in_use = own_address(taken);
        CHECK(code(run(ring, op::bind(free, in_use))) == EADDRINUSE);
        CHECK(code(run(ring, op::bind(free, in_use, 3))) == EINVAL);
        CHECK(code(run(ring, op::bind(no_such_file, in_use))) == EBADF);
        const connection pipe = pipe_pair();
        CHECK(code(run(ring, op::bind(pipe.ours, in_use))) == ENOTSOCK);

        const owned_file datagrams{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        CHECK(code(run(ring, op::listen(datagrams, 1))) == EOPNOTSUPP);
        CHECK(code(run(ring, op::listen(no_such_file, 1))) == EBADF);
    });
}

TEST_CASE("connect reaches the listener", "[sockets]") {
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        const sockaddr_in address = own_address(listener);
        const owned_file client = tcp_socket();
        CHECK(run(ring, op::connect(client, address)).result<op::connect>());
        const owned_file accepted{::accept(listener, nullptr, nullptr)};
        send_all(client, "hello");
        CHECK(receive_some(accepted) == "hello");
    });
}

TEST_CASE("connect takes a UNIX address with the size that it really has", "[sockets]") {
    under_each_setup([](ring& ring) {
        // An abstract name: it begins with a zero byte, and every byte counts up to the size.
        const owned_file listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        sockaddr_un any{};
        any.sun_family = AF_UNIX;
        REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&any), sizeof any.sun_family) == 0);
        REQUIRE(::listen(listener, 4) == 0);
        sockaddr_un name{};
        socklen_t size = sizeof name;
        REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size) == 0);
        REQUIRE(size < sizeof name);

        const owned_file client{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        CHECK(code(run(ring, op::connect(client, name))) == ECONNREFUSED);
        CHECK(code(run(ring, op::connect(client, name, size))) == 0);
    });
}

TEST_CASE("connect on a non-blocking socket completes when the connection stands", "[sockets]") {
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        const sockaddr_in address = own_address(listener);
        const owned_file client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
        CHECK(code(run(ring, op::connect(client, address))) == 0);
        CHECK(same(peer_address(client), address));
    });
}

TEST_CASE("connect says why nobody answered", "[sockets]") {
    under_each_setup([](ring& ring) {
        const owned_file deaf = tcp_deaf_socket();
        const sockaddr_in address = own_address(deaf);
        const owned_file client = tcp_socket();
        CHECK(code(run(ring, op::connect(client, address))) == ECONNREFUSED);
        CHECK(code(run(ring, op::connect(no_such_file, address))) == EBADF);
        const connection pipe = pipe_pair();
        CHECK(code(run(ring, op::connect(pipe.ours, address))) == ENOTSOCK);

        const owned_file local{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        sockaddr_un nowhere{};
        nowhere.sun_family = AF_UNIX;
        std::string{"/no/such/path"}.copy(nowhere.sun_path, sizeof nowhere.sun_path - 1);
        CHECK(code(run(ring, op::connect(local, nowhere))) == ENOENT);
    });
}

TEST_CASE("the address of a connect that waits in a chain may be overwritten once it is submitted",
          "[sockets][hazard 40]") {
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        const owned_file client = tcp_socket();
        connection pair = socket_pair();
        char first[16];
        sockaddr_in address = own_address(listener);
        ring.push(op::recv(pair.ours, first).link().user_data(1), op::connect(client, address).user_data(2)).value();
        CHECK(stays_quiet(ring, 1));
        address = sockaddr_in{};
        send_all(pair.theirs, "go");
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == 0);
        CHECK(code(of(done, 2)) == 0);
        CHECK(same(peer_address(client), own_address(listener)));
    });
}

// Ending.

TEST_CASE("shutdown ends the direction that was named, and the other one goes on", "[sockets]") {
    if (!kernel_supports(lio::abi::opcode::shutdown)) LIO_SKIP("the kernel has no shutdown operation (Linux 5.11 has)");
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        CHECK(run(ring, op::shutdown(pair.ours, SHUT_WR)).result<op::shutdown>());
        CHECK(receive_some(pair.theirs).empty()); // the end of the stream
        send_all(pair.theirs, "still heard");
        CHECK(receive_some(pair.ours) == "still heard");
    });
}

TEST_CASE("shutdown wakes a receive that waits on the socket", "[sockets]") {
    if (!kernel_supports(lio::abi::opcode::shutdown)) LIO_SKIP("the kernel has no shutdown operation (Linux 5.11 has)");
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[4];
        ring.push(op::recv(pair.ours, bytes).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::shutdown(pair.ours, SHUT_RDWR).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(of(done, 1).result().value() == 0);
        CHECK(code(of(done, 2)) == 0);
    });
}

TEST_CASE("shutdown fails where its system call does", "[sockets]") {
    if (!kernel_supports(lio::abi::opcode::shutdown)) LIO_SKIP("the kernel has no shutdown operation (Linux 5.11 has)");
    under_each_setup([](ring& ring) {
        CHECK(code(run(ring, op::shutdown(no_such_file, SHUT_WR))) == EBADF);
        const connection pipe = pipe_pair();
        CHECK(code(run(ring, op::shutdown(pipe.ours, SHUT_WR))) == ENOTSOCK);
        const owned_file unconnected = tcp_socket();
        CHECK(code(run(ring, op::shutdown(unconnected, SHUT_WR))) == ENOTCONN);
        const connection pair = socket_pair();
        CHECK(code(run(ring, op::shutdown(pair.ours, 17))) == EINVAL);
    });
}

TEST_CASE("the failure of a shutdown is told, but a chain goes on behind it", "[sockets][hazard 32]") {
    if (!kernel_supports(lio::abi::opcode::shutdown)) LIO_SKIP("the kernel has no shutdown operation (Linux 5.11 has)");
    // Linux before 6.0 marks the failure.
    const bool marks = !kernel_supports(lio::abi::opcode::send_zc);
    under_each_setup([marks](ring& ring) {
        const owned_file unconnected = tcp_socket();
        ring.push(op::shutdown(unconnected, SHUT_WR).link().user_data(1), op::nop().user_data(2)).value();
        auto done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == ENOTCONN);
        CHECK(code(of(done, 2)) == (marks ? ECANCELED : 0));
        // What is wrong with the entry itself breaks it everywhere.
        ring.push(op::shutdown(no_such_file, SHUT_WR).link().user_data(1), op::nop().user_data(2)).value();
        done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == EBADF);
        CHECK(code(of(done, 2)) == ECANCELED);
    });
}

} // namespace sockets_test
