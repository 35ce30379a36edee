// Sockets: what each operation does is seen from the other end, through plain POSIX calls. Each test runs on a ring of
// every set-up that this kernel takes; one thread.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/buffer_ring.hpp>
#include <lio/op/cancel.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/all.hpp>

#include <sys/resource.h>

#include <array>
#include <map>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::ring;

using std::uint64_t;

char memory[100];
sockaddr_in internet_address;
sockaddr_un local_address;
socklen_t address_size;

constexpr std::uint8_t link = 4, hard_link = 8, drain = 2, async = 16, select = 32, skip = 64, fixed = 1;

const encodings rows{[](auto add) {
    add("socket", op::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP),
        expected_entry{}.u8(0, 45).s32(4, AF_INET6).u64(8, SOCK_DGRAM | SOCK_CLOEXEC).u32(24, IPPROTO_UDP));
    add("socket with every modifier",
        op::socket(AF_UNIX, SOCK_STREAM).user_data(7).link().hard_link().drain().force_async().skip_success().personality(9),
        expected_entry{}
            .u8(0, 45)
            .u8(1, link | hard_link | drain | async | skip)
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
    add("accept", op::accept(5), expected_entry{}.u8(0, 13).s32(4, 5));
    add("accept with address and flags",
        op::accept(lio::direct_descriptor{5}, internet_address, address_size)
            .flags(SOCK_CLOEXEC | SOCK_NONBLOCK)
            .poll_first()
            .drain()
            .user_data(&memory),
        expected_entry{}
            .u8(0, 13)
            .u8(1, fixed | drain)
            .u16(2, 4)
            .s32(4, 5)
            .pointer(8, &address_size)
            .pointer(16, &internet_address)
            .u32(28, SOCK_CLOEXEC | SOCK_NONBLOCK)
            .pointer(32, &memory));
    add("accept_multishot", op::accept_multishot(5), expected_entry{}.u8(0, 13).u16(2, 1).s32(4, 5));
    add("accept_multishot with flags",
        op::accept_multishot(lio::direct_descriptor{5}).poll_first().flags(SOCK_CLOEXEC).force_async(),
        expected_entry{}.u8(0, 13).u8(1, fixed | async).u16(2, 1 | 4).s32(4, 5).u32(28, SOCK_CLOEXEC));
    add("connect", op::connect(5, internet_address),
        expected_entry{}.u8(0, 16).s32(4, 5).u64(8, sizeof internet_address).pointer(16, &internet_address));
    add("connect with a size", op::connect(lio::direct_descriptor{5}, local_address, 110).link().force_async(),
        expected_entry{}.u8(0, 16).u8(1, fixed | link | async).s32(4, 5).u64(8, 110).pointer(16, &local_address));
    add("send", op::send(5, memory), expected_entry{}.u8(0, 26).s32(4, 5).pointer(16, memory).u32(24, sizeof memory));
    add("send with flags",
        op::send(lio::direct_descriptor{5}, {memory, 3}).flags(MSG_WAITALL | MSG_NOSIGNAL).poll_first().skip_success(),
        expected_entry{}
            .u8(0, 26)
            .u8(1, fixed | skip)
            .u16(2, 1)
            .s32(4, 5)
            .pointer(16, memory)
            .u32(24, 3)
            .u32(28, MSG_WAITALL | MSG_NOSIGNAL));
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
        op::recv(lio::direct_descriptor{5}, lio::buffer_group{3}, 77).poll_first().flags(MSG_WAITALL).link().skip_success(),
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
    add("shutdown", op::shutdown(5, SHUT_RDWR), expected_entry{}.u8(0, 34).s32(4, 5).u32(24, 2));
    add("shutdown of a slot", op::shutdown(lio::direct_descriptor{5}, SHUT_WR).link().personality(65535),
        expected_entry{}.u8(0, 34).u8(1, fixed | link).s32(4, 5).u32(24, 1).u16(42, 65535));
}};

// Addresses are read after the statement that makes the operation, so a temporary one must not compile.
static_assert(std::is_constructible_v<op::connect, int, sockaddr_in&>);
static_assert(std::is_constructible_v<op::connect, int, const sockaddr_in&, socklen_t>);
static_assert(!std::is_constructible_v<op::connect, int, sockaddr_in>);
static_assert(!std::is_constructible_v<op::connect, int, const sockaddr_in, socklen_t>);
static_assert(!std::is_constructible_v<op::connect, int, sockaddr_in*, socklen_t>);
static_assert(!std::is_constructible_v<op::bind, int, sockaddr_un>);
static_assert(std::is_constructible_v<op::accept, int, sockaddr_storage&, socklen_t&>);
static_assert(!std::is_constructible_v<op::accept, int, sockaddr_storage, socklen_t&>);
static_assert(!std::is_constructible_v<op::accept, int, const sockaddr_storage&, socklen_t&>);
static_assert(!std::is_constructible_v<op::accept, int, sockaddr_storage&, socklen_t>);

// What can complete many times cannot keep its completions back.
template <class Operation>
concept can_skip_success = requires(Operation operation) { operation.skip_success(); };
static_assert(can_skip_success<op::accept> && can_skip_success<op::recv>);
static_assert(!can_skip_success<op::accept_multishot> && !can_skip_success<op::recv_multishot>);

int int_option(int socket, int option) {
    int value = -1;
    socklen_t size = sizeof value;
    REQUIRE(::getsockopt(socket, SOL_SOCKET, option, &value, &size) == 0);
    return value;
}

constexpr int no_such_file = 0x3fffffff;

} // namespace

// Making, naming and connecting.

TEST_CASE("socket makes a socket of the family and type that were asked for", "[sockets]") {
    if (!kernel_supports(lio::abi::opcode::socket)) LIO_SKIP("the kernel has no socket operation (Linux 5.19 has)");
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
    if (!kernel_supports(lio::abi::opcode::socket)) LIO_SKIP("the kernel has no socket operation (Linux 5.19 has)");
    under_each_setup([](ring& ring) {
        CHECK(code(run(ring, op::socket(9999, SOCK_STREAM))) == EAFNOSUPPORT);
        CHECK(code(run(ring, op::socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP))) == EPROTONOSUPPORT);
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

// Accepting.

TEST_CASE("accept gives the connection and the peer's address", "[sockets]") {
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        ring.push(op::accept(listener, peer, size)).value();
        CHECK(stays_quiet(ring));
        const owned_file client = tcp_connected_to(listener);
        const owned_file accepted{next_soon(ring).result<op::accept>().value()};
        CHECK(size == sizeof peer);
        CHECK(same(peer, own_address(client)));
        send_all(client, "to the server");
        CHECK(receive_some(accepted) == "to the server");
        CHECK((::fcntl(accepted, F_GETFD) & FD_CLOEXEC) == 0);
        CHECK((::fcntl(accepted, F_GETFL) & O_NONBLOCK) == 0);
    });
}

TEST_CASE("accept gives no more of the address than there is room for", "[sockets]") {
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        const owned_file client = tcp_connected_to(listener);
        sockaddr_in peer{};
        peer.sin_addr.s_addr = 0x01020304;
        socklen_t size = 4;
        const owned_file accepted{run(ring, op::accept(listener, peer, size)).result().value()};
        CHECK(size == sizeof peer); // what it would have taken
        CHECK(peer.sin_port == own_address(client).sin_port);
        CHECK(peer.sin_addr.s_addr == 0x01020304);
    });
}

TEST_CASE("accept sets the flags of the new descriptor", "[sockets]") {
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        const owned_file client = tcp_connected_to(listener);
        const cqe done = run(ring, op::accept(listener).flags(SOCK_CLOEXEC | SOCK_NONBLOCK));
        const owned_file accepted{done.result().value()};
        CHECK((::fcntl(accepted, F_GETFD) & FD_CLOEXEC) != 0);
        CHECK((::fcntl(accepted, F_GETFL) & O_NONBLOCK) != 0);
    });
}

TEST_CASE("accept that polls first takes a connection that comes later", "[sockets]") {
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        ring.push(op::accept(listener).poll_first()).value();
        if (!stays_quiet(ring, 0)) {
            record_partial_skip("the kernel's accept cannot poll first (Linux 6.10 can)");
            return;
        }
        const owned_file client = tcp_connected_to(listener);
        const cqe done = next_soon(ring);
        if (code(done) == EINVAL) {
            record_partial_skip("the kernel's accept cannot poll first (Linux 6.10 can)");
            return;
        }
        const owned_file accepted{done.result().value()};
        CHECK(same(peer_address(accepted), own_address(client)));
    });
}

TEST_CASE("accept fails on what does not listen", "[sockets]") {
    under_each_setup([](ring& ring) {
        CHECK(code(run(ring, op::accept(no_such_file))) == EBADF);
        const connection pipe = pipe_pair();
        CHECK(code(run(ring, op::accept(pipe.ours))) == ENOTSOCK);
        const owned_file unbound = tcp_socket();
        CHECK(code(run(ring, op::accept(unbound))) == EINVAL);
    });
}

TEST_CASE("a cancelled accept takes no connection", "[sockets][hazard 42]") {
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        ring.push(op::accept(listener).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == ECANCELED);
        CHECK(code(of(done, 2)) == 0);
        const owned_file client = tcp_connected_to(listener);
        const owned_file accepted{::accept(listener, nullptr, nullptr)}; // left for us
        CHECK(same(peer_address(accepted), own_address(client)));
    });
}

TEST_CASE("accept_multishot takes one connection after the other until it is cancelled", "[sockets][hazard 34]") {
    if (!has_accept_multishot()) LIO_SKIP("the kernel has no multishot accept (Linux 5.19 has)");
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        ring.push(op::accept_multishot(listener).flags(SOCK_CLOEXEC).user_data(1)).value();
        for (int i = 0; i < 5; ++i) {
            const owned_file client = tcp_connected_to(listener);
            const cqe done = next_soon(ring);
            CHECK(done.user_data() == 1);
            CHECK(done.more());
            const owned_file accepted{done.result<op::accept_multishot>().value()};
            CHECK(same(peer_address(accepted), own_address(client)));
            CHECK((::fcntl(accepted, F_GETFD) & FD_CLOEXEC) != 0);
            send_all(accepted, std::string("number ") + std::to_string(i));
            CHECK(receive_some(client) == std::string("number ") + std::to_string(i));
        }
        ring.push(op::cancel(1).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == ECANCELED);
        CHECK_FALSE(of(done, 1).more());
        CHECK(code(of(done, 2)) == 0);

        const owned_file late = tcp_connected_to(listener);
        CHECK(stays_quiet(ring));
        const owned_file accepted{::accept(listener, nullptr, nullptr)};
        CHECK(same(peer_address(accepted), own_address(late)));
    });
}

TEST_CASE("accept_multishot takes the connections that were there before it", "[sockets]") {
    if (!has_accept_multishot()) LIO_SKIP("the kernel has no multishot accept (Linux 5.19 has)");
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        std::set<in_port_t> expected;
        std::vector<owned_file> clients;
        for (int i = 0; i < 10; ++i) {
            clients.push_back(tcp_connected_to(listener));
            expected.insert(own_address(clients.back()).sin_port);
        }
        ring.push(op::accept_multishot(listener).user_data(1)).value();
        std::set<in_port_t> seen;
        for (const cqe& done : next_soon(ring, 10)) {
            CHECK(done.more());
            const owned_file accepted{done.result().value()};
            seen.insert(peer_address(accepted).sin_port);
        }
        CHECK(seen == expected);
    });
}

TEST_CASE("accept_multishot ends when there are no descriptors left, and goes on when it is submitted again",
          "[sockets][hazard 34]") {
    if (!has_accept_multishot()) LIO_SKIP("the kernel has no multishot accept (Linux 5.19 has)");
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        const owned_file first = tcp_connected_to(listener);
        const owned_file second = tcp_connected_to(listener);
        // Room for one more descriptor: the kernel looks at the limit when the operation is submitted.
        rlimit before{};
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
        const int lowest_free = ::dup(listener);
        REQUIRE(lowest_free >= 0);
        ::close(lowest_free);
        rlimit tight = before;
        tight.rlim_cur = static_cast<rlim_t>(lowest_free) + 1;
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
        ring.push(op::accept_multishot(listener)).value();
        const auto done = next_soon(ring, 2);
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);

        const owned_file accepted{done[0].result().value()};
        CHECK(done[0].more());
        CHECK(code(done[1]) == EMFILE);
        CHECK_FALSE(done[1].more());

        // A connection that found no descriptor is lost in some kernels and waits in others: a new one goes through.
        const owned_file third = tcp_connected_to(listener);
        ring.push(op::accept_multishot(listener)).value();
        for (bool found = false; !found;) {
            const cqe again = next_soon(ring);
            const owned_file other{again.result().value()};
            CHECK(again.more());
            found = same(peer_address(other), own_address(third));
        }
    });
}

TEST_CASE("accept_multishot on what does not listen ends at once", "[sockets][hazard 34]") {
    if (!has_accept_multishot()) LIO_SKIP("the kernel has no multishot accept (Linux 5.19 has)");
    under_each_setup([](ring& ring) {
        const cqe bad = run(ring, op::accept_multishot(no_such_file));
        CHECK(code(bad) == EBADF);
        CHECK_FALSE(bad.more());
        const owned_file unbound = tcp_socket();
        const cqe deaf = run(ring, op::accept_multishot(unbound));
        CHECK(code(deaf) == EINVAL);
        CHECK_FALSE(deaf.more());
    });
}

// Sending.

TEST_CASE("send delivers the bytes and says how many", "[sockets]") {
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        const owned_file client = tcp_connected_to(listener);
        const owned_file accepted{::accept(listener, nullptr, nullptr)};
        const std::string text = "over the wire";
        CHECK(run(ring, op::send(client, text)).result<op::send>().value() == text.size());
        CHECK(receive_some(accepted) == text);
    });
}

TEST_CASE("send passes its flags on", "[sockets]") {
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        const owned_file client = tcp_connected_to(listener);
        const owned_file accepted{::accept(listener, nullptr, nullptr)};
        const std::string text = "!";
        CHECK(code(run(ring, op::send(client, text).flags(MSG_OOB))) == 0);
        pollfd urgent{accepted, POLLPRI, 0};
        REQUIRE(::poll(&urgent, 1, 1000) == 1);
        char byte = 0;
        CHECK(::recv(accepted, &byte, 1, MSG_OOB) == 1);
        CHECK(byte == '!');
    });
}

TEST_CASE("a send that does not fit is short, and with MSG_WAITALL goes on until all is sent", "[sockets][hazard 38]") {
    // The operation is of the same release as the loop for MSG_WAITALL.
    if (!kernel_supports(lio::abi::opcode::socket)) LIO_SKIP("the kernel's send knows no MSG_WAITALL (Linux 5.19 does)");
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        const std::string large(4 * 1024 * 1024, 'x');
        const int sent = run(ring, op::send(pair.ours, large)).result().value();
        CHECK(sent > 0);
        CHECK(sent < static_cast<int>(large.size()));
        for (int left = sent; left > 0;)
            left -= static_cast<int>(receive_some(pair.theirs, static_cast<std::size_t>(left)).size());

        ring.push(op::send(pair.ours, large).flags(MSG_WAITALL)).value();
        ring.submit().value();
        std::size_t received = 0;
        while (received < large.size()) {
            received += receive_some(pair.theirs, 65536).size();
            // Looking is also what lets a ring that defers its work go on with the send.
            const bool complete_already = !ring.reap().empty();
            if (received < large.size() / 2) REQUIRE_FALSE(complete_already);
        }
        CHECK(next_soon(ring).result().value() == static_cast<int>(large.size()));
    });
}

TEST_CASE("send to a peer that is gone is an error, not a signal", "[sockets]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        pair.theirs.close();
        const std::string text = "anybody?";
        CHECK(code(run(ring, op::send(pair.ours, text).flags(MSG_NOSIGNAL))) == EPIPE);
    });
}

TEST_CASE("send fails on what is no connected socket", "[sockets]") {
    under_each_setup([](ring& ring) {
        const std::string text = "x";
        CHECK(code(run(ring, op::send(no_such_file, text))) == EBADF);
        const connection pipe = pipe_pair();
        CHECK(code(run(ring, op::send(pipe.theirs, text))) == ENOTSOCK);
        const owned_file datagrams{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        CHECK(code(run(ring, op::send(datagrams, text))) == EDESTADDRREQ);
    });
}

TEST_CASE("memory larger than one transfer is refused by send and recv", "[sockets][hazard 38]") {
    ring ring = lio::ring::create({.entries = 4}).value();
    const std::size_t large = 0x7ffff001;
    const auto sending = ring.push(op::send(0, {memory, large}));
    REQUIRE_FALSE(sending);
    CHECK(sending.error().why() == lio::cause::span_too_long);
    CHECK_FALSE(ring.push(op::recv(0, {memory, large})));
    CHECK_FALSE(ring.push(op::recv(0, lio::buffer_group{0}, 0x80000000)));
    CHECK(ring.unsubmitted() == 0u);
    CHECK(ring.push(op::recv(0, {memory, large - 1})));
    CHECK(ring.unsubmitted() == 1u);
}

// Receiving.

TEST_CASE("recv delivers what was sent, no more than fits", "[sockets]") {
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

TEST_CASE("recv waits for bytes to come", "[sockets]") {
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

TEST_CASE("recv that polls first waits for bytes to come", "[sockets]") {
    // The flag is of the same release as the operation.
    if (!kernel_supports(lio::abi::opcode::socket)) LIO_SKIP("the kernel's recv cannot poll first (Linux 5.19 can)");
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[16] = {};
        ring.push(op::recv(pair.ours, bytes).poll_first()).value();
        CHECK(stays_quiet(ring));
        send_all(pair.theirs, "late");
        CHECK(next_soon(ring).result().value() == 4);
        const std::string answer = "answer";
        CHECK(run(ring, op::send(pair.ours, answer).poll_first()).result().value() == 6);
        CHECK(receive_some(pair.theirs) == "answer");
    });
}

TEST_CASE("recv passes its flags on", "[sockets]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        send_all(pair.theirs, "look");
        char bytes[16] = {};
        CHECK(run(ring, op::recv(pair.ours, bytes).flags(MSG_PEEK)).result().value() == 4);
        CHECK(receive_some(pair.ours) == "look"); // it is still there
    });
}

TEST_CASE("recv says 0 when the peer has ended its stream", "[sockets]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[16];
        ring.push(op::recv(pair.ours, bytes)).value();
        CHECK(stays_quiet(ring));
        pair.theirs.close();
        CHECK(next_soon(ring).result().value() == 0);
    });
}

TEST_CASE("recv that was reset by the peer says so", "[sockets]") {
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        const owned_file client = tcp_connected_to(listener);
        owned_file accepted{::accept(listener, nullptr, nullptr)};
        char bytes[16];
        ring.push(op::recv(client, bytes)).value();
        CHECK(stays_quiet(ring));
        const linger at_once{1, 0};
        REQUIRE(::setsockopt(accepted, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
        accepted.close();
        CHECK(code(next_soon(ring)) == ECONNRESET);
    });
}

TEST_CASE("a recv that is cancelled leaves its memory and the stream alone", "[sockets][hazard 33]") {
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

TEST_CASE("recv fails on what is no connected socket", "[sockets]") {
    under_each_setup([](ring& ring) {
        char bytes[16];
        CHECK(code(run(ring, op::recv(no_such_file, bytes))) == EBADF);
        const connection pipe = pipe_pair();
        CHECK(code(run(ring, op::recv(pipe.ours, bytes))) == ENOTSOCK);
        const owned_file unconnected = tcp_socket();
        CHECK(code(run(ring, op::recv(unconnected, bytes))) == ENOTCONN);
    });
}

TEST_CASE("recv into a group names the buffer that it filled", "[sockets]") {
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

TEST_CASE("recv into a group picks its buffer when bytes come, not when it is submitted", "[sockets]") {
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

TEST_CASE("recv from a group that has no buffer, or does not exist, gives ENOBUFS and takes nothing", "[sockets]") {
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

TEST_CASE("recv_multishot delivers every byte in order while buffers are given back", "[sockets][hazard 34]") {
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
          "[sockets][hazard 34]") {
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

TEST_CASE("recv_multishot says 0 and ends when the peer ends its stream", "[sockets][hazard 34]") {
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

TEST_CASE("recv_multishot stays what it is with its modifiers", "[sockets][hazard 29]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot receive (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 9, .count = 4, .size = 64}).value();
        connection pair = socket_pair();
        ring.push(op::recv_multishot(pair.ours, buffers.group()).flags(MSG_DONTROUTE).flags(0).poll_first().user_data(1))
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

TEST_CASE("recv_multishot from many sockets into one group mixes nothing up", "[sockets]") {
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

TEST_CASE("recv_multishot refuses to wait for a full buffer, and fails on bad descriptors", "[sockets]") {
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

TEST_CASE("a chain of a receive and a send runs in order", "[sockets][hazard 32]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[5] = {};
        ring.push(op::recv(pair.ours, bytes).link().user_data(1), op::send(pair.ours, bytes).user_data(2)).value();
        CHECK(stays_quiet(ring));
        send_all(pair.theirs, "echo!");
        const auto done = next_soon(ring, 2);
        CHECK(of(done, 1).result().value() == 5);
        CHECK(of(done, 2).result().value() == 5);
        CHECK(receive_some(pair.theirs) == "echo!");

        // A short receive breaks no chain of its own accord.
        ring.push(op::recv(pair.ours, bytes).link().user_data(1), op::nop().user_data(2)).value();
        send_all(pair.theirs, "x");
        CHECK(code(of(next_soon(ring, 2), 2)) == 0);
        // With MSG_WAITALL what falls short does.
        ring.push(op::recv(pair.ours, bytes).flags(MSG_WAITALL).link().user_data(1), op::nop().user_data(2)).value();
        ring.submit().value();
        send_all(pair.theirs, "x");
        pair.theirs.close();
        const auto broken = next_soon(ring, 2);
        CHECK(of(broken, 1).result().value() == 1);
        CHECK(code(of(broken, 2)) == ECANCELED);
    });
}
