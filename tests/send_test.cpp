// Sending: bytes, buffers of groups, several pieces, messages; to the peer and to addresses. The other side receives by
// plain POSIX calls. Each test runs on a ring of every set-up that this kernel takes; one thread.

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
#include <lio/op/send.hpp>
#include <lio/registered_buffers.hpp>

#include <sys/uio.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace send_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::multishot_event;
using lio::ring;

char memory[100];
sockaddr_in internet_address;
sockaddr_un local_address;
iovec pieces[3];
msghdr some_message;

constexpr std::uint8_t link = 4, hard_link = 8, drain = 2, async = 16, select = 32, skip = 64, fixed = 1;

const encodings rows{[](auto add) {
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
    add("send to an address", op::send(5, memory).to(internet_address),
        expected_entry{}
            .u8(0, 26)
            .s32(4, 5)
            .pointer(8, &internet_address)
            .pointer(16, memory)
            .u32(24, sizeof memory)
            .u16(44, sizeof internet_address));
    add("send to an address of a size", op::send(5, memory).flags(MSG_DONTWAIT).to(local_address, 65534).poll_first(),
        expected_entry{}
            .u8(0, 26)
            .u16(2, 1)
            .s32(4, 5)
            .pointer(8, &local_address)
            .pointer(16, memory)
            .u32(24, sizeof memory)
            .u32(28, MSG_DONTWAIT)
            .u16(44, 65534));
    // The field has 16 bits: what is too large stays too large.
    add("send to an address of a size that does not fit", op::send(5, memory).to(local_address, 65536 + 16),
        expected_entry{}
            .u8(0, 26)
            .s32(4, 5)
            .pointer(8, &local_address)
            .pointer(16, memory)
            .u32(24, sizeof memory)
            .u16(44, 65535));
    add("send from a group", op::send(5, lio::buffer_group{300}),
        expected_entry{}.u8(0, 26).u8(1, select).s32(4, 5).u16(40, 300));
    // [hazard 29] It stays from a group, whatever the modifiers.
    add("send from a group with every modifier",
        op::send(lio::direct_descriptor{5}, lio::buffer_group{3}, 77)
            .to(internet_address)
            .flags(MSG_WAITALL)
            .poll_first()
            .link()
            .hard_link()
            .drain()
            .force_async()
            .skip_success()
            .personality(9)
            .user_data(7),
        expected_entry{}
            .u8(0, 26)
            .u8(1, fixed | select | link | hard_link | drain | async | skip)
            .u16(2, 1)
            .s32(4, 5)
            .pointer(8, &internet_address)
            .u32(24, 77)
            .u32(28, MSG_WAITALL)
            .u64(32, 7)
            .u16(40, 3)
            .u16(42, 9)
            .u16(44, sizeof internet_address));
    add("send_fixed", op::send_fixed(5, {65535, memory}),
        expected_entry{}.u8(0, 26).u16(2, 4).s32(4, 5).pointer(16, memory).u32(24, sizeof memory).u16(40, 65535));
    add("send_fixed of a part, to an address",
        op::send_fixed(lio::direct_descriptor{5}, lio::registered_buffer{3, memory}.part(8, 16))
            .poll_first()
            .to(internet_address)
            .flags(MSG_NOSIGNAL)
            .user_data(7),
        expected_entry{}
            .u8(0, 26)
            .u8(1, fixed)
            .u16(2, 1 | 4)
            .s32(4, 5)
            .pointer(8, &internet_address)
            .pointer(16, memory + 8)
            .u32(24, 16)
            .u32(28, MSG_NOSIGNAL)
            .u64(32, 7)
            .u16(40, 3)
            .u16(44, sizeof internet_address));
    add("send_vectorized", op::send_vectorized(5, pieces),
        expected_entry{}.u8(0, 26).u16(2, 32).s32(4, 5).pointer(16, pieces).u32(24, 3));
    add("send_vectorized to an address",
        op::send_vectorized(lio::direct_descriptor{5}, pieces, 2).poll_first().to(internet_address).link(),
        expected_entry{}
            .u8(0, 26)
            .u8(1, fixed | link)
            .u16(2, 1 | 32)
            .s32(4, 5)
            .pointer(8, &internet_address)
            .pointer(16, pieces)
            .u32(24, 2)
            .u16(44, sizeof internet_address));
    add("send_bundle", op::send_bundle(5, 65535),
        expected_entry{}.u8(0, 26).u8(1, select).u16(2, 16).s32(4, 5).u16(40, 65535));
    add("send_bundle with modifiers",
        op::send_bundle(lio::direct_descriptor{5}, 3).flags(MSG_MORE).poll_first().to(internet_address).user_data(8),
        expected_entry{}
            .u8(0, 26)
            .u8(1, fixed | select)
            .u16(2, 1 | 16)
            .s32(4, 5)
            .pointer(8, &internet_address)
            .u32(28, MSG_MORE)
            .u64(32, 8)
            .u16(40, 3)
            .u16(44, sizeof internet_address));
    add("sendmsg", op::sendmsg(5, some_message), expected_entry{}.u8(0, 9).s32(4, 5).pointer(16, &some_message));
    add("sendmsg with flags",
        op::sendmsg(lio::direct_descriptor{5}, some_message).flags(MSG_NOSIGNAL).poll_first().hard_link().user_data(1),
        expected_entry{}
            .u8(0, 9)
            .u8(1, fixed | hard_link)
            .u16(2, 1)
            .s32(4, 5)
            .pointer(16, &some_message)
            .u32(28, MSG_NOSIGNAL)
            .u64(32, 1));
}};

// What is read when the operation is submitted must not be a temporary.
template <class Operation, class Address>
concept can_go_to = requires(Operation operation, Address&& address) { operation.to(std::forward<Address>(address)); };
static_assert(can_go_to<op::send, sockaddr_in&> && can_go_to<op::send, const sockaddr_un&>);
static_assert(!can_go_to<op::send, sockaddr_in> && !can_go_to<op::send, const sockaddr_in>);
static_assert(!can_go_to<op::send, sockaddr_in*> && !can_go_to<op::send, sockaddr_in*&>);
static_assert(can_go_to<op::send_fixed, sockaddr_in&> && can_go_to<op::send_vectorized, sockaddr_in&>);
static_assert(!can_go_to<op::sendmsg, sockaddr_in&>, "the msghdr says where to");
static_assert(std::is_constructible_v<op::sendmsg, int, const msghdr&>);
static_assert(!std::is_constructible_v<op::sendmsg, int, msghdr>);
static_assert(std::is_constructible_v<op::send_vectorized, int, std::vector<iovec>&>);
static_assert(!std::is_constructible_v<op::send_vectorized, int, std::vector<iovec>>);

// What can complete many times cannot keep its completions back.
template <class Operation>
concept can_skip_success = requires(Operation operation) { operation.skip_success(); };
static_assert(can_skip_success<op::send> && can_skip_success<op::sendmsg> && !can_skip_success<op::send_bundle>);

constexpr int no_such_file = 0x3fffffff;

/// Whether this kernel's sends go on until all is sent (Linux 5.19, which brought this operation as well).
bool has_waitall() { return kernel_supports(lio::abi::opcode::socket); }
constexpr const char* no_waitall = "the kernel's sends know no MSG_WAITALL (since Linux 5.19)";

/// Whether this kernel's send takes addresses (Linux 6.2).
bool has_send_to() {
    static const bool answer = [] {
        ring asked = ring::create({.entries = 4, .exactly = true}).value();
        const owned_file socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        const sockaddr_in own = loopback(9);
        return code(run(asked, op::send(socket, {memory, 1}).to(own))) != EINVAL;
    }();
    return answer;
}
constexpr const char* no_send_to = "the kernel's send takes no address (since Linux 6.2)";

/// Whether it takes buffers from groups (Linux 6.10).
bool has_send_group() {
    static const bool answer = [] {
        if (!has_buffer_rings()) return false;
        ring asked = ring::create({.entries = 4, .exactly = true}).value();
        auto buffers = lio::buffer_ring::create(asked, {.group = 0, .count = 1, .size = 1}).value();
        const connection pair = socket_pair();
        return code(run(asked, op::send(pair.ours, buffers.group()))) == 0;
    }();
    return answer;
}
constexpr const char* no_send_group = "the kernel's send takes no buffers from groups (since Linux 6.10)";

/// Whether it takes several pieces (Linux 6.17).
bool has_send_vectorized() {
    static const bool answer = [] {
        ring asked = ring::create({.entries = 4, .exactly = true}).value();
        const connection pair = socket_pair();
        const iovec one[] = {{memory, 1}};
        return code(run(asked, op::send_vectorized(pair.ours, one))) != EINVAL;
    }();
    return answer;
}
constexpr const char* no_send_vectorized = "the kernel's send takes no pieces (since Linux 6.17)";

iovec piece(std::string& text) { return {text.data(), text.size()}; }

/// A group of buffers of eight bytes, the first filled with 'a', the second with 'b' and so on.
lio::buffer_ring letters(ring& ring, std::uint32_t count = 4) {
    auto buffers = lio::buffer_ring::create(ring, {.group = 100, .count = count, .size = 8}).value();
    for (std::uint32_t id = 0; id < count; ++id) {
        const lio::mutable_bytes one = buffers.buffer(static_cast<std::uint16_t>(id));
        std::memset(one.data(), 'a' + static_cast<int>(id), one.size());
    }
    return buffers;
}

/// A socket for datagrams on the loopback device.
owned_file datagram_socket() {
    owned_file socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const sockaddr_in any = loopback();
    REQUIRE(::bind(socket, plain(any), sizeof any) == 0);
    return socket;
}

/// A datagram, and who sent it.
std::pair<std::string, sockaddr_in> receive_datagram(int socket) {
    pollfd waiting{socket, POLLIN, 0};
    REQUIRE(::poll(&waiting, 1, patience_in_milliseconds) == 1);
    char bytes[256];
    sockaddr_in sender{};
    socklen_t size = sizeof sender;
    const ssize_t length = ::recvfrom(socket, bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&sender), &size);
    REQUIRE(length >= 0);
    return {std::string(bytes, static_cast<std::size_t>(length)), sender};
}

/// Whether nothing is there to be received.
bool is_empty(int socket) {
    char byte;
    return ::recv(socket, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == -1 && errno == EAGAIN;
}

/// A message that carries a descriptor.
class message_with_descriptor {
public:
    message_with_descriptor(std::string& text, int descriptor) : bytes{piece(text)} {
        header.msg_iov = &bytes;
        header.msg_iovlen = 1;
        header.msg_control = control;
        header.msg_controllen = sizeof control;
        cmsghdr* const first = CMSG_FIRSTHDR(&header);
        first->cmsg_level = SOL_SOCKET;
        first->cmsg_type = SCM_RIGHTS;
        first->cmsg_len = CMSG_LEN(sizeof descriptor);
        std::memcpy(CMSG_DATA(first), &descriptor, sizeof descriptor);
    }
    message_with_descriptor(const message_with_descriptor&) = delete;
    message_with_descriptor& operator=(const message_with_descriptor&) = delete;

    msghdr header{};

private:
    iovec bytes;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
};

/// Receives up to `most` bytes and, if one comes along, a descriptor.
std::pair<std::string, int> receive_with_descriptor(int socket, std::size_t most = 4096) {
    std::string text(most, ' ');
    iovec bytes = piece(text);
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    pollfd waiting{socket, POLLIN, 0};
    REQUIRE(::poll(&waiting, 1, patience_in_milliseconds) == 1);
    const ssize_t length = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    REQUIRE(length >= 0);
    text.resize(static_cast<std::size_t>(length));
    int descriptor = -1;
    if (const cmsghdr* const first = CMSG_FIRSTHDR(&message))
        std::memcpy(&descriptor, CMSG_DATA(first), sizeof descriptor);
    return {text, descriptor};
}

} // namespace

TEST_CASE("send delivers the bytes and says how many", "[send]") {
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        const owned_file client = tcp_connected_to(listener);
        const owned_file accepted{::accept(listener, nullptr, nullptr)};
        const std::string text = "over the wire";
        CHECK(run(ring, op::send(client, text)).result<op::send>().value() == text.size());
        CHECK(receive_some(accepted) == text);
    });
}

TEST_CASE("send passes its flags on", "[send]") {
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        const owned_file client = tcp_connected_to(listener);
        const owned_file accepted{::accept(listener, nullptr, nullptr)};
        const std::string text = "!";
        CHECK(code(run(ring, op::send(client, text).flags(MSG_OOB))) == 0);
        pollfd urgent{accepted, POLLPRI, 0};
        REQUIRE(::poll(&urgent, 1, patience_in_milliseconds) == 1);
        char byte = 0;
        CHECK(::recv(accepted, &byte, 1, MSG_OOB) == 1);
        CHECK(byte == '!');
    });
}

TEST_CASE("a send that does not fit is short, and with MSG_WAITALL goes on until all is sent", "[send][hazard 38]") {
    if (!has_waitall()) LIO_SKIP(no_waitall);
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
        std::vector<cqe> done;
        const std::string received = receive_while_sending(ring, pair.theirs, large.size() / 2, done);
        CHECK(done.empty());
        CHECK(received + receive_while_sending(ring, pair.theirs, large.size() - received.size(), done) == large);
        while (done.empty()) done.push_back(next_soon(ring));
        CHECK(done.size() == 1);
        CHECK(done[0].result().value() == static_cast<int>(large.size()));
    });
}

TEST_CASE("send to a peer that is gone is an error, not a signal", "[send]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        pair.theirs.close();
        const std::string text = "anybody?";
        CHECK(code(run(ring, op::send(pair.ours, text).flags(MSG_NOSIGNAL))) == EPIPE);
    });
}

TEST_CASE("send fails on what is no connected socket", "[send]") {
    under_each_setup([](ring& ring) {
        const std::string text = "x";
        CHECK(code(run(ring, op::send(no_such_file, text))) == EBADF);
        const connection pipe = pipe_pair();
        CHECK(code(run(ring, op::send(pipe.theirs, text))) == ENOTSOCK);
        const owned_file datagrams{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        CHECK(code(run(ring, op::send(datagrams, text))) == EDESTADDRREQ);
    });
}

TEST_CASE("memory larger than one transfer is refused by every send", "[send][hazard 38]") {
    ring ring = lio::ring::create({.entries = 4}).value();
    const std::size_t large = 0x7ffff001;
    const auto sending = ring.push(op::send(0, {memory, large}));
    REQUIRE_FALSE(sending);
    CHECK(sending.error().why() == lio::cause::span_too_long);
    CHECK_FALSE(ring.push(op::send(0, lio::buffer_group{0}, 0x7ffff001)));
    CHECK_FALSE(ring.push(op::send_fixed(0, {0, {memory, large}})));
    CHECK(ring.unsubmitted() == 0u);
    CHECK(ring.push(op::send(0, {memory, large - 1})));
    CHECK(ring.unsubmitted() == 1u);
}

TEST_CASE("a chain of a receive and a send runs in order", "[send][hazard 32]") {
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

TEST_CASE("a short send breaks no chain, with MSG_WAITALL it does, and so does a failure", "[send][hazard 32]") {
    if (!has_waitall()) LIO_SKIP(no_waitall);
    under_each_setup([](ring& ring) {
        const std::string large(4 * 1024 * 1024, 'x');
        connection pair = socket_pair();
        ring.push(op::send(pair.ours, large).link().user_data(1), op::nop().user_data(2)).value();
        auto done = next_soon(ring, 2);
        CHECK(of(done, 1).result().value() < static_cast<int>(large.size()));
        CHECK(code(of(done, 2)) == 0);

        connection other = socket_pair();
        ring.push(op::send(other.ours, large).flags(MSG_WAITALL | MSG_NOSIGNAL).link().user_data(1),
                  op::nop().user_data(2))
            .value();
        CHECK(stays_quiet(ring));
        other.theirs.close();
        done = next_soon(ring, 2);
        CHECK(of(done, 1).result().value() > 0);
        CHECK(code(of(done, 2)) == ECANCELED);

        ring.push(op::send(other.ours, large).flags(MSG_NOSIGNAL).link().user_data(1), op::nop().user_data(2)).value();
        done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == EPIPE);
        CHECK(code(of(done, 2)) == ECANCELED);
    });
}

TEST_CASE("send that polls first sends when there is room", "[send]") {
    // The flag is of the same release as the operation.
    if (!kernel_supports(lio::abi::opcode::socket)) LIO_SKIP("the kernel's send cannot poll first (Linux 5.19 can)");
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        const std::string answer = "answer";
        CHECK(run(ring, op::send(pair.ours, answer).poll_first()).result().value() == 6);
        CHECK(receive_some(pair.theirs) == "answer");
        const std::size_t before = fill(pair.ours);
        ring.push(op::send(pair.ours, answer).poll_first()).value();
        CHECK(stays_quiet(ring));
        receive_all(pair.theirs, before);
        CHECK(next_soon(ring).result().value() == 6);
        CHECK(receive_some(pair.theirs) == "answer");
    });
}

TEST_CASE("a send that is cancelled on a full socket leaves the stream alone", "[send][hazard 33]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        const std::size_t before = fill(pair.ours);
        std::string text = "never sent";
        iovec bytes = piece(text);
        msghdr message{};
        message.msg_iov = &bytes;
        message.msg_iovlen = 1;
        ring.push(op::send(pair.ours, text).user_data(1), op::sendmsg(pair.ours, message).user_data(2)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(3), op::cancel(2).user_data(4)).value();
        const auto done = next_soon(ring, 4);
        CHECK(code(of(done, 1)) == ECANCELED);
        CHECK(code(of(done, 2)) == ECANCELED);
        receive_all(pair.theirs, before);
        CHECK(is_empty(pair.theirs));
        // With MSG_DONTWAIT there is nothing to cancel.
        fill(pair.ours);
        CHECK(code(run(ring, op::send(pair.ours, text).flags(MSG_DONTWAIT))) == EAGAIN);
        CHECK(code(run(ring, op::sendmsg(pair.ours, message).flags(MSG_DONTWAIT))) == EAGAIN);
    });
}

// To an address.

TEST_CASE("send reaches the address that it is given", "[send]") {
    if (!has_send_to()) LIO_SKIP(no_send_to);
    under_each_setup([](ring& ring) {
        const owned_file one = datagram_socket();
        const owned_file other = datagram_socket();
        const owned_file sender = datagram_socket();
        const sockaddr_in to_one = own_address(one);
        sockaddr_storage to_other{};
        const sockaddr_in name = own_address(other);
        std::memcpy(&to_other, &name, sizeof name);
        const std::string first = "first";
        const std::string second = "second";
        CHECK(run(ring, op::send(sender, first).to(to_one)).result<op::send>().value() == 5u);
        CHECK(run(ring, op::send(sender, second).to(to_other, sizeof name).poll_first()).result().value() == 6);
        const auto [text, from] = receive_datagram(one);
        CHECK(text == "first");
        CHECK(same(from, own_address(sender)));
        CHECK(receive_datagram(other).first == "second");
        CHECK(is_empty(one));
    });
}

TEST_CASE("send takes a UNIX address with the size that it really has", "[send]") {
    if (!has_send_to()) LIO_SKIP(no_send_to);
    under_each_setup([](ring& ring) {
        // An abstract name: it begins with a zero byte, and every byte counts up to the size.
        const owned_file receiver{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        REQUIRE(::bind(receiver, reinterpret_cast<const sockaddr*>(&name), sizeof name.sun_family) == 0);
        socklen_t size = sizeof name;
        REQUIRE(::getsockname(receiver, reinterpret_cast<sockaddr*>(&name), &size) == 0);
        const owned_file sender{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        const std::string text = "hello";
        CHECK(code(run(ring, op::send(sender, text).to(name))) == ECONNREFUSED);
        CHECK(run(ring, op::send(sender, text).to(name, size)).result().value() == 5);
        CHECK(receive_some(receiver) == "hello");
    });
}

TEST_CASE("send to an address fails where sendto does", "[send]") {
    if (!has_send_to()) LIO_SKIP(no_send_to);
    under_each_setup([](ring& ring) {
        const owned_file sender = datagram_socket();
        const std::string text = "x";
        const sockaddr_in address = own_address(sender);
        sockaddr_un local{};
        local.sun_family = AF_UNIX;
        CHECK(code(run(ring, op::send(sender, text).to(local))) == EAFNOSUPPORT);
        CHECK(code(run(ring, op::send(sender, text).to(address, 4))) == EINVAL);
        // No size comes out as another one.
        for (const std::uint32_t size : {129u, 0xffffu, 0x10000u, 0x10000u + 16, 0xffffffffu})
            CHECK(code(run(ring, op::send(sender, text).to(address, size))) == EINVAL);
        CHECK(code(run(ring, op::send(no_such_file, text).to(address))) == EBADF);
        const connection pipe = pipe_pair();
        CHECK(code(run(ring, op::send(pipe.theirs, text).to(address))) == ENOTSOCK);
        CHECK(is_empty(sender));
    });
}

TEST_CASE("the address of a send that waits in a chain may be overwritten once it is submitted [hazard 40]",
          "[send][hazard 40]") {
    if (!has_send_to()) LIO_SKIP(no_send_to);
    under_each_setup([](ring& ring) {
        const owned_file receiver = datagram_socket();
        const owned_file sender = datagram_socket();
        connection pair = socket_pair();
        char go[2];
        const std::string text = "arrived";
        sockaddr_in address = own_address(receiver);
        ring.push(op::recv(pair.ours, go).link().user_data(1), op::send(sender, text).to(address).user_data(2)).value();
        CHECK(stays_quiet(ring, 1));
        address = sockaddr_in{};
        send_all(pair.theirs, "go");
        CHECK(of(next_soon(ring, 2), 2).result().value() == 7);
        CHECK(receive_datagram(receiver).first == "arrived");
    });
}

// From a group.

TEST_CASE("send takes the buffers of a group one after the other, and says which", "[send]") {
    if (!has_send_group()) LIO_SKIP(no_send_group);
    under_each_setup([](ring& ring) {
        auto buffers = letters(ring);
        connection pair = socket_pair(SOCK_SEQPACKET);
        const cqe first = run(ring, op::send(pair.ours, buffers.group()));
        CHECK(first.result<op::send>().value() == 8u);
        REQUIRE(first.buffer_id());
        CHECK(*first.buffer_id() == 0);
        CHECK(receive_some(pair.theirs) == "aaaaaaaa");
        // As much of it as is asked for.
        const cqe second = run(ring, op::send(pair.ours, buffers.group(), 3));
        CHECK(second.result().value() == 3);
        CHECK(*second.buffer_id() == 1);
        CHECK(receive_some(pair.theirs) == "bbb");
        const cqe third = run(ring, op::send(pair.ours, buffers.group(), 100));
        CHECK(third.result().value() == 8);
        CHECK(receive_some(pair.theirs) == "cccccccc"); // the rest of the second one is not sent
        // What was sent is the program's again.
        std::memcpy(buffers.buffer(0).data(), "refilled", 8);
        buffers.recycle(first);
        CHECK(code(run(ring, op::send(pair.ours, buffers.group()))) == 0);
        CHECK(receive_some(pair.theirs) == "dddddddd");
        CHECK(code(run(ring, op::send(pair.ours, buffers.group()))) == 0);
        CHECK(receive_some(pair.theirs) == "refilled");

        const cqe none = run(ring, op::send(pair.ours, buffers.group()));
        CHECK(code(none) == ENOBUFS);
        CHECK_FALSE(none.buffer_id());
        CHECK(code(run(ring, op::send(pair.ours, lio::buffer_group{2}))) == ENOENT);
        CHECK(is_empty(pair.theirs));
    });
}

TEST_CASE("send takes buffers of any size that were provided, and to an address too", "[send]") {
    if (!has_send_group()) LIO_SKIP(no_send_group);
    under_each_setup([](ring& ring) {
        std::string texts[] = {"short", "and somewhat longer"};
        const owned_file receiver = datagram_socket();
        const owned_file sender = datagram_socket();
        const sockaddr_in address = own_address(receiver);
        for (std::uint16_t id = 0; id < 2; ++id) {
            const auto size = static_cast<std::uint32_t>(texts[id].size());
            CHECK(code(run(ring, op::provide_buffers(7, texts[id], size, id))) == 0);
        }
        for (int i = 0; i < 2; ++i) {
            const cqe done = run(ring, op::send(sender, lio::buffer_group{7}).to(address));
            REQUIRE(done.buffer_id());
            CHECK(receive_datagram(receiver).first == texts[*done.buffer_id()]);
        }
        CHECK(code(run(ring, op::send(sender, lio::buffer_group{7}).to(address))) == ENOBUFS);
    });
}

TEST_CASE("a send from a group that fails or is cancelled uses its buffer up, and says which", "[send]") {
    if (!has_send_group()) LIO_SKIP(no_send_group);
    under_each_setup([](ring& ring) {
        auto buffers = letters(ring);
        CHECK(code(run(ring, op::send(no_such_file, buffers.group()))) == EBADF); // not this one: it came to nothing
        connection gone = socket_pair();
        gone.theirs.close();
        const cqe failed = run(ring, op::send(gone.ours, buffers.group()).flags(MSG_NOSIGNAL));
        CHECK(code(failed) == EPIPE);
        REQUIRE(failed.buffer_id());
        CHECK(*failed.buffer_id() == 0);

        connection pair = socket_pair();
        const std::size_t before = fill(pair.ours);
        ring.push(op::send(pair.ours, buffers.group()).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(2)).value();
        const cqe cancelled = of(next_soon(ring, 2), 1);
        CHECK(code(cancelled) == ECANCELED);
        receive_all(pair.theirs, before);
        CHECK(is_empty(pair.theirs));
        REQUIRE(cancelled.buffer_id());
        CHECK(*cancelled.buffer_id() == 1);

        CHECK(code(run(ring, op::send(pair.ours, buffers.group()))) == 0);
        CHECK(receive_some(pair.theirs) == "cccccccc");
    });
}

// A bundle.

TEST_CASE("send_bundle sends all buffers of a group, and names the first [hazard 36]", "[send][bundle][hazard 36]") {
    if (!has_send_group()) LIO_SKIP(no_send_group);
    under_each_setup([](ring& ring) {
        auto buffers = letters(ring);
        connection pair = socket_pair();
        const auto all = run(ring, op::send_bundle(pair.ours, buffers.group())).as<op::send_bundle>();
        CHECK(all.event() == multishot_event::last_item);
        CHECK(all.item() == 32);
        CHECK(*all.buffer_id() == 0);
        CHECK(receive_all(pair.theirs, 32) == "aaaaaaaabbbbbbbbccccccccdddddddd");

        // Those that are there, in the order in which they were given back, past the end of the group.
        for (const int id : {3, 1}) buffers.recycle(static_cast<std::uint16_t>(id));
        const cqe two = run(ring, op::send_bundle(pair.ours, buffers.group()));
        CHECK(two.result<op::send_bundle>().value() == 16u);
        CHECK(*two.buffer_id() == 3);
        CHECK(receive_all(pair.theirs, 16) == "ddddddddbbbbbbbb");
        std::string parts;
        for (const auto& part : buffers.bundle(two)) parts += std::to_string(part.id);
        CHECK(parts == "31");
        for (const int id : {0, 2}) buffers.recycle(static_cast<std::uint16_t>(id));
        buffers.recycle_bundle(two);
        const cqe wrapped = run(ring, op::send_bundle(pair.ours, buffers.group()));
        CHECK(*wrapped.buffer_id() == 0);
        CHECK(receive_all(pair.theirs, 32) == "aaaaaaaaccccccccddddddddbbbbbbbb");

        const auto none = run(ring, op::send_bundle(pair.ours, buffers.group())).as<op::send_bundle>();
        CHECK(none.event() == multishot_event::starved);
        CHECK(none.ended());
        CHECK_FALSE(none.buffer_id());
    });
}

TEST_CASE("send_bundle keeps the order of a group that is larger than it can send at a time [hazard 36]",
          "[send][bundle][hazard 36]") {
    if (!has_send_group()) LIO_SKIP(no_send_group);
    under_each_setup([](ring& ring) {
        const std::uint32_t count = 4096;
        auto buffers = lio::buffer_ring::create(ring, {.group = 101, .count = count, .size = 512}).value();
        std::string expected;
        for (std::uint32_t id = 0; id < count; ++id) {
            std::string text = std::to_string(id);
            text.resize(512, ' ');
            std::memcpy(buffers.buffer(static_cast<std::uint16_t>(id)).data(), text.data(), text.size());
            expected += text;
        }
        connection pair = tcp_pair();
        std::string received;
        std::uint32_t reported = 0;
        std::uint32_t completions = 0;
        ring.push(op::send_bundle(pair.ours, buffers.group())).value();
        while (received.size() < expected.size()) {
            ring.submit().value();
            for (const cqe& one : ring.reap()) {
                const auto done = one.as<op::send_bundle>();
                REQUIRE(done.has_item());
                // Each names the buffer with which it went on.
                CHECK(*done.buffer_id() == reported / 512);
                CHECK(done.item() % 512 == 0);
                reported += done.item();
                ++completions;
                if (done.ended() && reported < expected.size())
                    ring.push(op::send_bundle(pair.ours, buffers.group())).value();
            }
            pollfd waiting{pair.theirs, POLLIN, 0};
            if (::poll(&waiting, 1, 1) == 1) received += receive_some(pair.theirs, 65536);
        }
        while (reported < expected.size()) reported += next_soon(ring).as<op::send_bundle>().item();
        CHECK(received == expected);
        CHECK(reported == expected.size());
        CHECK(completions > 1);
    });
}

TEST_CASE("send_bundle on a full socket waits until all that it has picked is sent [hazard 36]",
          "[send][bundle][hazard 36]") {
    if (!has_send_group()) LIO_SKIP(no_send_group);
    under_each_setup([](ring& ring) {
        auto buffers = letters(ring);
        connection pair = socket_pair();
        const std::size_t before = fill(pair.ours);
        ring.push(op::send_bundle(pair.ours, buffers.group()).poll_first()).value();
        CHECK(stays_quiet(ring));
        receive_all(pair.theirs, before);
        const auto done = next_soon(ring).as<op::send_bundle>();
        CHECK(done.ended());
        CHECK(done.item() == 32);
        CHECK(receive_all(pair.theirs, 32) == "aaaaaaaabbbbbbbbccccccccdddddddd");
    });
}

TEST_CASE("send_bundle makes one datagram of its buffers, to an address too", "[send][bundle]") {
    if (!has_send_group()) LIO_SKIP(no_send_group);
    under_each_setup([](ring& ring) {
        auto buffers = letters(ring);
        const owned_file receiver = datagram_socket();
        const owned_file sender = datagram_socket();
        const sockaddr_in address = own_address(receiver);
        CHECK(run(ring, op::send_bundle(sender, buffers.group()).to(address)).result().value() == 32);
        CHECK(receive_datagram(receiver).first == "aaaaaaaabbbbbbbbccccccccdddddddd");
    });
}

TEST_CASE("send_bundle takes provided buffers too", "[send][bundle][hazard 36]") {
    if (!has_send_group()) LIO_SKIP(no_send_group);
    under_each_setup([](ring& ring) {
        std::string text = "12345678";
        CHECK(code(run(ring, op::provide_buffers(7, text, 4))) == 0);
        connection pair = socket_pair();
        std::string received;
        ring.push(op::send_bundle(pair.ours, 7)).value();
        std::uint32_t sent = 0;
        while (sent < 8) {
            const auto done = next_soon(ring).as<op::send_bundle>();
            REQUIRE(done.has_item());
            CHECK(done.buffer_id());
            received += receive_all(pair.theirs, done.item());
            sent += done.item();
            if (done.ended() && sent < 8) ring.push(op::send_bundle(pair.ours, 7)).value();
        }
        std::sort(received.begin(), received.end()); // which buffer comes first is the kernel's choice
        CHECK(received == "12345678");
    });
}

TEST_CASE("send_bundle that fails or is cancelled says so, and that it has ended [hazard 36]",
          "[send][bundle][hazard 36]") {
    if (!has_send_group()) LIO_SKIP(no_send_group);
    under_each_setup([](ring& ring) {
        auto buffers = letters(ring);
        const auto bad = run(ring, op::send_bundle(no_such_file, buffers.group())).as<op::send_bundle>();
        CHECK(bad.problem().code() == EBADF);
        CHECK(bad.ended());
        const connection pipe = pipe_pair();
        CHECK(code(run(ring, op::send_bundle(pipe.theirs, buffers.group()))) == ENOTSOCK);
        // So far nothing was picked.
        connection pair = socket_pair();
        const std::size_t before = fill(pair.ours);
        ring.push(op::send_bundle(pair.ours, buffers.group()).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(2)).value();
        const auto cancelled = of(next_soon(ring, 2), 1).as<op::send_bundle>();
        CHECK(cancelled.event() == multishot_event::cancelled);
        CHECK(cancelled.ended());
        receive_all(pair.theirs, before);
        CHECK(is_empty(pair.theirs));
        // Now everything was.
        CHECK(code(run(ring, op::send_bundle(pair.ours, buffers.group()))) == ENOBUFS);

        for (std::uint16_t id = 0; id < 4; ++id) buffers.recycle(id);
        pair.theirs.close();
        const auto gone =
            run(ring, op::send_bundle(pair.ours, buffers.group()).flags(MSG_NOSIGNAL)).as<op::send_bundle>();
        CHECK(gone.event() == multishot_event::failed);
        CHECK(gone.problem().code() == EPIPE);
        CHECK(gone.ended());
        CHECK(code(run(ring, op::send_bundle(pair.ours, buffers.group()))) == ENOBUFS);
    });
}

TEST_CASE("older kernels refuse what their send does not know, and do not overlook it", "[send]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        const std::string text = "x";
        if (!has_send_group()) {
            const int answer = code(run(ring, op::send(pair.ours, lio::buffer_group{0})));
            CHECK((answer == EOPNOTSUPP || answer == EINVAL));
            CHECK(code(run(ring, op::send_bundle(pair.ours, 0))) == answer);
        }
        const iovec one[] = {{memory, 1}};
        if (!has_send_vectorized()) CHECK(code(run(ring, op::send_vectorized(pair.ours, one))) == EINVAL);
        const sockaddr_in address = loopback(9);
        if (!has_send_to()) CHECK(code(run(ring, op::send(pair.ours, text).to(address))) == EINVAL);
        CHECK(is_empty(pair.theirs));
    });
}

// Several pieces.

TEST_CASE("send_vectorized sends its pieces in order, as one datagram where there are such", "[send]") {
    if (!has_send_vectorized()) LIO_SKIP(no_send_vectorized);
    under_each_setup([](ring& ring) {
        std::string one = "one, ";
        std::string none;
        std::string two = "two";
        const iovec list[] = {piece(one), piece(none), piece(two)};
        connection pair = socket_pair();
        CHECK(run(ring, op::send_vectorized(pair.ours, list)).result<op::send_vectorized>().value() == 8u);
        CHECK(receive_all(pair.theirs, 8) == "one, two");

        const owned_file receiver = datagram_socket();
        const owned_file sender = datagram_socket();
        const sockaddr_in address = own_address(receiver);
        CHECK(run(ring, op::send_vectorized(sender, list, 3).to(address)).result().value() == 8);
        CHECK(receive_datagram(receiver).first == "one, two");
    });
}

TEST_CASE("the pieces of a send that waits may be overwritten once it is submitted [hazard 40]", "[send][hazard 40]") {
    if (!has_send_vectorized()) LIO_SKIP(no_send_vectorized);
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        const std::size_t before = fill(pair.ours);
        std::string one = "one, ";
        std::string two = "two";
        iovec list[] = {piece(one), piece(two)};
        ring.push(op::send_vectorized(pair.ours, list)).value();
        CHECK(stays_quiet(ring));
        list[0] = list[1] = iovec{nullptr, 77};
        receive_all(pair.theirs, before);
        CHECK(next_soon(ring).result().value() == 8);
        CHECK(receive_all(pair.theirs, 8) == "one, two");
    });
}

TEST_CASE("send_vectorized fails on too many pieces, and where send does", "[send]") {
    if (!has_send_vectorized()) LIO_SKIP(no_send_vectorized);
    under_each_setup([](ring& ring) {
        std::string text = "x";
        const std::vector<iovec> many(1025, piece(text));
        connection pair = socket_pair();
        CHECK(code(run(ring, op::send_vectorized(pair.ours, many))) == EINVAL);
        // On 64 bits a number that would be 1024 if it were cut.
        const auto huge = static_cast<std::size_t>(std::uint64_t{1} << 32 | 1024);
        if (huge != 1024) CHECK(code(run(ring, op::send_vectorized(pair.ours, many.data(), huge))) == EINVAL);
        CHECK(is_empty(pair.theirs));
        CHECK(run(ring, op::send_vectorized(pair.ours, many.data(), 1024)).result().value() == 1024);
        const iovec list[] = {piece(text)};
        CHECK(code(run(ring, op::send_vectorized(no_such_file, list))) == EBADF);
        pair.theirs.close();
        CHECK(code(run(ring, op::send_vectorized(pair.ours, list).flags(MSG_NOSIGNAL))) == EPIPE);
    });
}

// A registered buffer.

TEST_CASE("send_fixed sends a registered buffer or a part of one", "[send][send_fixed]") {
    under_each_setup([](ring& ring) {
        std::string text = "0123456789";
        const lio::mutable_bytes list[] = {{text.data(), text.size()}};
        const auto table = lio::registered_buffers::create(ring, list).value();
        connection pair = socket_pair();
        const cqe part = run(ring, op::send_fixed(pair.ours, table[0].part(3, 4)));
        if (code(part) == EINVAL) {
            CHECK(is_empty(pair.theirs));
            return record_partial_skip("the kernel's send takes no registered buffers (Linux 7.2 does)");
        }
        CHECK(part.result<op::send_fixed>().value() == 4u);
        CHECK(receive_some(pair.theirs) == "3456");
        CHECK(run(ring, op::send_fixed(pair.ours, table[0]).flags(MSG_WAITALL)).result().value() == 10);
        CHECK(receive_some(pair.theirs) == text);

        std::string other = "not registered";
        CHECK(code(run(ring, op::send_fixed(pair.ours, {1, other}))) == EFAULT);
        CHECK(code(run(ring, op::send_fixed(pair.ours, {0, other}))) == EFAULT);
        CHECK(is_empty(pair.theirs));
        const owned_file receiver = datagram_socket();
        const owned_file sender = datagram_socket();
        const sockaddr_in address = own_address(receiver);
        CHECK(run(ring, op::send_fixed(sender, table[0]).to(address)).result().value() == 10);
        CHECK(receive_datagram(receiver).first == text);

        const std::size_t before = fill(pair.ours);
        ring.push(op::send_fixed(pair.ours, table[0]).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 1)) == ECANCELED);
        receive_all(pair.theirs, before);
        CHECK(is_empty(pair.theirs));
        pair.theirs.close();
        CHECK(code(run(ring, op::send_fixed(pair.ours, table[0]).flags(MSG_NOSIGNAL))) == EPIPE);
    });
}

// Messages.

TEST_CASE("sendmsg sends its pieces to its address", "[send][sendmsg]") {
    under_each_setup([](ring& ring) {
        const owned_file receiver = datagram_socket();
        const owned_file sender = datagram_socket();
        sockaddr_in address = own_address(receiver);
        std::string one = "one, ";
        std::string two = "two";
        iovec list[] = {piece(one), piece(two)};
        msghdr message{};
        message.msg_name = &address;
        message.msg_namelen = sizeof address;
        message.msg_iov = list;
        message.msg_iovlen = 2;
        CHECK(run(ring, op::sendmsg(sender, message)).result<op::sendmsg>().value() == 8u);
        const auto [text, from] = receive_datagram(receiver);
        CHECK(text == "one, two");
        CHECK(same(from, own_address(sender)));
    });
}

TEST_CASE("sendmsg hands a descriptor over", "[send][sendmsg]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        const connection pipe = pipe_pair();
        std::string text = "with a gift";
        const message_with_descriptor message{text, pipe.theirs};
        CHECK(run(ring, op::sendmsg(pair.ours, message.header)).result().value() == 11);
        const auto [received, descriptor] = receive_with_descriptor(pair.theirs);
        CHECK(received == text);
        const owned_file gift{descriptor};
        REQUIRE(::write(gift, "!", 1) == 1);
        char byte = 0;
        CHECK(::read(pipe.ours, &byte, 1) == 1);
    });
}

TEST_CASE("a message that waits may be overwritten once it is submitted, its control data may not [hazard 40]",
          "[send][sendmsg][hazard 40]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        connection start = socket_pair();
        const connection pipe = pipe_pair();
        char go[2];
        std::string one = "one, ";
        std::string two = "two";
        iovec list[] = {piece(one), piece(two)};
        std::string text = "unused";
        message_with_descriptor message{text, pipe.theirs};
        message.header.msg_iov = list;
        message.header.msg_iovlen = 2;
        ring.push(op::recv(start.ours, go).link().user_data(1),
                  op::sendmsg(pair.ours, message.header).user_data(2))
            .value();
        CHECK(stays_quiet(ring));
        message.header = msghdr{};
        list[0] = list[1] = iovec{nullptr, 77};
        send_all(start.theirs, "go");
        CHECK(of(next_soon(ring, 2), 2).result().value() == 8);
        const auto [received, descriptor] = receive_with_descriptor(pair.theirs);
        CHECK(received == "one, two");
        const owned_file gift{descriptor}; // its number was still there
    });
}

TEST_CASE("sendmsg with MSG_WAITALL sends the rest too, and the control data once", "[send][sendmsg][hazard 38]") {
    if (!has_waitall()) LIO_SKIP(no_waitall);
    // Made once: on an emulated machine that takes seconds.
    static std::string large = [] {
        std::string text;
        while (text.size() < 4 * 1024 * 1024) text += std::to_string(text.size()) + ' ';
        return text;
    }();
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        const connection pipe = pipe_pair();
        const message_with_descriptor message{large, pipe.theirs};
        ring.push(op::sendmsg(pair.ours, message.header).flags(MSG_WAITALL)).value();
        ring.submit().value();
        std::string received;
        int descriptors = 0;
        bool complete = false;
        while (received.size() < large.size()) {
            const auto [part, descriptor] = receive_with_descriptor(pair.theirs, 65536);
            received += part;
            if (descriptor >= 0) {
                ++descriptors;
                ::close(descriptor);
            }
            // Looking is also what lets a ring that defers its work go on with the send.
            for (const cqe& done : ring.reap()) {
                complete = true;
                CHECK(done.result().value() == static_cast<int>(large.size()));
            }
        }
        CHECK(received == large);
        CHECK(descriptors == 1);
        if (!complete) CHECK(next_soon(ring).result().value() == static_cast<int>(large.size()));
    });
}

TEST_CASE("sendmsg fails where its system call does", "[send][sendmsg]") {
    under_each_setup([](ring& ring) {
        std::string text = "x";
        iovec list[] = {piece(text)};
        msghdr message{};
        message.msg_iov = list;
        message.msg_iovlen = 1;
        CHECK(code(run(ring, op::sendmsg(no_such_file, message))) == EBADF);
        const connection pipe = pipe_pair();
        CHECK(code(run(ring, op::sendmsg(pipe.theirs, message))) == ENOTSOCK);
        const owned_file datagrams{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        CHECK(code(run(ring, op::sendmsg(datagrams, message))) == EDESTADDRREQ);
        connection pair = socket_pair();
        std::vector<iovec> many(1025, list[0]);
        message.msg_iov = many.data();
        message.msg_iovlen = many.size();
        const int too_many = code(run(ring, op::sendmsg(pair.ours, message)));
        CHECK((too_many == EMSGSIZE || too_many == EINVAL)); // EINVAL from Linux 6.1 to 6.12 at least
        CHECK(is_empty(pair.theirs));
        pair.theirs.close();
        message.msg_iovlen = 1;
        CHECK(code(run(ring, op::sendmsg(pair.ours, message).flags(MSG_NOSIGNAL))) == EPIPE);
        // A failure breaks a chain.
        ring.push(op::sendmsg(pair.ours, message).flags(MSG_NOSIGNAL).link().user_data(1), op::nop().user_data(2))
            .value();
        CHECK(code(of(next_soon(ring, 2), 2)) == ECANCELED);
    });
}

} // namespace send_test
