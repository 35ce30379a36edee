// Receiving messages: one at a time into a msghdr, and again and again into the buffers of a group. The other side
// sends by plain POSIX calls. Each test runs on a ring of every set-up that this kernel takes; one thread.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/rings.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/buffer_ring.hpp>
#include <lio/completion.hpp>
#include <lio/op/cancel.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/recv.hpp>
#include <lio/received_message.hpp>

#include <sys/uio.h>

#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace recvmsg_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::multishot_event;
using lio::received_message;
using lio::ring;

msghdr some_message{};

const encodings rows{[](auto add) {
    add("recvmsg", op::recvmsg(5, some_message), expected_entry{}.u8(0, 10).s32(4, 5).pointer(16, &some_message));
    add("recvmsg with every modifier",
        op::recvmsg(lio::direct_descriptor{5}, some_message)
            .poll_first()
            .flags(MSG_TRUNC)
            .flags(MSG_PEEK | MSG_WAITALL)
            .link()
            .hard_link()
            .drain()
            .force_async()
            .skip_success()
            .personality(9)
            .user_data(0x1234),
        expected_entry{}
            .u8(0, 10)
            .u8(1, 1 | 4 | 8 | 2 | 16 | 64)
            .u16(2, 1)
            .s32(4, 5)
            .pointer(16, &some_message)
            .u32(28, MSG_PEEK | MSG_WAITALL)
            .u64(32, 0x1234)
            .u16(42, 9));
    add("recvmsg into a group", op::recvmsg(5, some_message, 65535),
        expected_entry{}.u8(0, 10).u8(1, 32).s32(4, 5).pointer(16, &some_message).u16(40, 65535));
    add("recvmsg into a group with modifiers",
        op::recvmsg(lio::direct_descriptor{5}, some_message, 3).poll_first().flags(MSG_DONTWAIT).link(),
        expected_entry{}
            .u8(0, 10)
            .u8(1, 1 | 4 | 32)
            .u16(2, 1)
            .s32(4, 5)
            .pointer(16, &some_message)
            .u32(28, MSG_DONTWAIT)
            .u16(40, 3));
    add("recvmsg_multishot", op::recvmsg_multishot(5, some_message, 300),
        expected_entry{}.u8(0, 10).u8(1, 32).u16(2, 2).s32(4, 5).pointer(16, &some_message).u16(40, 300));
    // It stays what it is, whatever the modifiers. [hazard 29]
    add("recvmsg_multishot with modifiers",
        op::recvmsg_multishot(lio::direct_descriptor{5}, some_message, 3)
            .flags(MSG_TRUNC)
            .poll_first()
            .force_async()
            .user_data(7),
        expected_entry{}
            .u8(0, 10)
            .u8(1, 1 | 16 | 32)
            .u16(2, 1 | 2)
            .s32(4, 5)
            .pointer(16, &some_message)
            .u32(28, MSG_TRUNC)
            .u64(32, 7)
            .u16(40, 3));
}};

// The kernel writes to the msghdr of one, and reads that of the other: neither may be a temporary.
static_assert(std::is_constructible_v<op::recvmsg, int, msghdr&>);
static_assert(!std::is_constructible_v<op::recvmsg, int, const msghdr&>);
static_assert(!std::is_constructible_v<op::recvmsg, int, msghdr>);
static_assert(!std::is_constructible_v<op::recvmsg, int, msghdr, lio::buffer_group>);
static_assert(std::is_constructible_v<op::recvmsg_multishot, int, msghdr&, lio::buffer_group>);
static_assert(std::is_constructible_v<op::recvmsg_multishot, int, const msghdr&, lio::buffer_group>);
static_assert(!std::is_constructible_v<op::recvmsg_multishot, int, msghdr, lio::buffer_group>);
static_assert(!std::is_constructible_v<op::recvmsg_multishot, int, const msghdr, lio::buffer_group>);
template <class Operation>
concept can_skip_success = requires(const Operation& operation) { operation.skip_success(); };
static_assert(can_skip_success<op::recvmsg> && !can_skip_success<op::recvmsg_multishot>);

/// A msghdr and all that it points to: two pieces of memory, an address and control data.
struct message {
    char first[4] = {};
    char second[64] = {};
    iovec pieces[2] = {{first, sizeof first}, {second, sizeof second}};
    sockaddr_in name{};
    alignas(cmsghdr) char control[128] = {};
    msghdr header{};

    message() {
        header.msg_iov = pieces;
        header.msg_iovlen = 2;
        header.msg_name = &name;
        header.msg_namelen = sizeof name;
        header.msg_control = control;
        header.msg_controllen = sizeof control;
    }
    message(const message&) = delete;
    message& operator=(const message&) = delete;
};

std::string_view text(const char* bytes, std::size_t size) { return {bytes, size}; }

owned_file udp_socket() {
    owned_file made{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const sockaddr_in address = loopback();
    REQUIRE(::bind(made, plain(address), sizeof address) == 0);
    return made;
}

void send_to(int from, int to, std::string_view text) {
    const sockaddr_in address = own_address(to);
    REQUIRE(::sendto(from, text.data(), text.size(), 0, plain(address), sizeof address) ==
            static_cast<ssize_t>(text.size()));
}

/// Sends text together with a descriptor.
void send_file(int socket, std::string_view text, int file) {
    std::string copy{text};
    iovec piece{copy.data(), copy.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof file)] = {};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    cmsghdr* first = CMSG_FIRSTHDR(&header);
    first->cmsg_level = SOL_SOCKET;
    first->cmsg_type = SCM_RIGHTS;
    first->cmsg_len = CMSG_LEN(sizeof file);
    std::memcpy(CMSG_DATA(first), &file, sizeof file);
    REQUIRE(::sendmsg(socket, &header, MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

/// A msghdr that sets so much room aside in each buffer.
msghdr layout_of(socklen_t name, std::size_t control) {
    msghdr layout{};
    layout.msg_namelen = name;
    layout.msg_controllen = static_cast<decltype(layout.msg_controllen)>(control);
    return layout;
}

sockaddr_in name_of(const received_message& message) {
    sockaddr_in address{};
    REQUIRE(message.name().size() == sizeof address);
    std::memcpy(&address, message.name().data(), sizeof address);
    return address;
}

received_message read_from(const lio::buffer_ring& buffers, const cqe& done, const msghdr& layout) {
    INFO(code(done));
    REQUIRE(done.as<op::recvmsg_multishot>().has_item());
    REQUIRE(done.buffer_id());
    return received_message::read(buffers.filled(done), layout).value();
}

constexpr int no_such_file = 1'000'000;

} // namespace

TEST_CASE("recvmsg fills several pieces of memory and says who sent", "[recvmsg]") {
    under_each_setup([](ring& ring) {
        const owned_file ours = udp_socket();
        const owned_file theirs = udp_socket();
        send_to(theirs, ours, "fourand the rest");
        message received;
        const cqe done = run(ring, op::recvmsg(ours, received.header));
        CHECK(done.result<op::recvmsg>().value() == 16u);
        CHECK(text(received.first, 4) == "four");
        CHECK(text(received.second, 12) == "and the rest");
        CHECK(received.header.msg_namelen == sizeof(sockaddr_in));
        CHECK(same(received.name, own_address(theirs)));
        CHECK(received.header.msg_controllen == 0);
        CHECK(received.header.msg_flags == 0);
    });
}

TEST_CASE("recvmsg waits for a message to come", "[recvmsg]") {
    under_each_setup([](ring& ring) {
        const owned_file ours = udp_socket();
        const owned_file theirs = udp_socket();
        message received;
        ring.push(op::recvmsg(ours, received.header)).value();
        CHECK(stays_quiet(ring));
        send_to(theirs, ours, "late");
        CHECK(next_soon(ring).result<op::recvmsg>().value() == 4u);
        CHECK(text(received.first, 4) == "late");
        CHECK(same(received.name, own_address(theirs)));
    });
}

TEST_CASE("recvmsg that polls first waits for a message to come", "[recvmsg]") {
    if (!has_buffer_rings()) LIO_SKIP("the kernel's recvmsg cannot poll first (Linux 5.19 can)");
    under_each_setup([](ring& ring) {
        const owned_file ours = udp_socket();
        const owned_file theirs = udp_socket();
        message received;
        ring.push(op::recvmsg(ours, received.header).poll_first()).value();
        CHECK(stays_quiet(ring));
        send_to(theirs, ours, "late");
        CHECK(next_soon(ring).result().value() == 4);
        CHECK(text(received.first, 4) == "late");
        // One that is there already is found all the same.
        send_to(theirs, ours, "here");
        CHECK(run(ring, op::recvmsg(ours, received.header).poll_first()).result().value() == 4);
    });
}

TEST_CASE("recvmsg passes its flags on", "[recvmsg]") {
    under_each_setup([](ring& ring) {
        const owned_file ours = udp_socket();
        const owned_file theirs = udp_socket();
        send_to(theirs, ours, "once");
        message looked_at;
        CHECK(run(ring, op::recvmsg(ours, looked_at.header).flags(MSG_PEEK)).result().value() == 4);
        message received;
        CHECK(run(ring, op::recvmsg(ours, received.header)).result().value() == 4); // still there
        CHECK(text(received.first, 4) == "once");
        CHECK(code(run(ring, op::recvmsg(ours, received.header).flags(MSG_DONTWAIT))) == EAGAIN);
    });
}

TEST_CASE("recvmsg says what did not fit", "[recvmsg][hazard 37]") {
    under_each_setup([](ring& ring) {
        const owned_file ours = udp_socket();
        const owned_file theirs = udp_socket();
        send_to(theirs, ours, "0123456789");
        message received;
        received.header.msg_iovlen = 1;
        received.header.msg_namelen = 4;
        CHECK(run(ring, op::recvmsg(ours, received.header)).result().value() == 4);
        CHECK(received.header.msg_flags == MSG_TRUNC);
        CHECK(received.header.msg_namelen == sizeof(sockaddr_in)); // though it got 4 bytes
        CHECK(text(received.first, 4) == "0123");
        CHECK(received.second[0] == 0);
        // With MSG_TRUNC the whole length.
        send_to(theirs, ours, "0123456789");
        CHECK(run(ring, op::recvmsg(ours, received.header).flags(MSG_TRUNC)).result().value() == 10);
    });
}

TEST_CASE("recvmsg takes a descriptor that was sent along", "[recvmsg]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        connection pipe = pipe_pair();
        send_file(pair.theirs, "file", pipe.theirs);
        message received;
        CHECK(run(ring, op::recvmsg(pair.ours, received.header).flags(MSG_CMSG_CLOEXEC)).result().value() == 4);
        const cmsghdr* first = CMSG_FIRSTHDR(&received.header);
        REQUIRE(first != nullptr);
        REQUIRE(first->cmsg_type == SCM_RIGHTS);
        int file = -1;
        std::memcpy(&file, CMSG_DATA(first), sizeof file);
        const owned_file taken{file};
        CHECK((::fcntl(taken, F_GETFD) & FD_CLOEXEC) != 0);
        pipe.theirs.close();
        REQUIRE(::write(taken, "through", 7) == 7); // it is that pipe
        char bytes[8];
        CHECK(::read(pipe.ours, bytes, sizeof bytes) == 7);

        // Without room it is closed again, and that is said.
        send_file(pair.theirs, "file", taken);
        message roomless;
        roomless.header.msg_controllen = 0;
        CHECK(run(ring, op::recvmsg(pair.ours, roomless.header)).result().value() == 4);
        CHECK((roomless.header.msg_flags & MSG_CTRUNC) != 0);
    });
}

TEST_CASE("the array of pieces of a recvmsg that waits may be overwritten once it is submitted",
          "[recvmsg][hazard 40]") {
    under_each_setup([](ring& ring) {
        const owned_file ours = udp_socket();
        const owned_file theirs = udp_socket();
        message received;
        ring.push(op::recvmsg(ours, received.header)).value();
        submit_all(ring);
        if (!stays_quiet(ring)) FAIL("nothing was sent yet");
        received.pieces[0] = received.pieces[1] = {nullptr, 0};
        send_to(theirs, ours, "four and more");
        CHECK(next_soon(ring).result().value() == 13);
        CHECK(text(received.first, 4) == "four");
        CHECK(text(received.second, 9) == " and more");
    });
}

TEST_CASE("recvmsg says 0 when the peer has ended its stream", "[recvmsg]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        message received;
        ring.push(op::recvmsg(pair.ours, received.header)).value();
        CHECK(stays_quiet(ring));
        pair.theirs.close();
        CHECK(next_soon(ring).result().value() == 0);
    });
}

TEST_CASE("a short recvmsg breaks a chain only with MSG_WAITALL", "[recvmsg][hazard 32]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        send_all(pair.theirs, "short");
        message received;
        ring.push(op::recvmsg(pair.ours, received.header).link().user_data(1), op::nop().user_data(2)).value();
        const auto whole = next_soon(ring, 2);
        CHECK(of(whole, 1).result().value() == 5);
        CHECK(code(of(whole, 2)) == 0);
        message all;
        all.header.msg_controllen = 0;
        ring.push(op::recvmsg(pair.ours, all.header).flags(MSG_WAITALL).link().user_data(1), op::nop().user_data(2))
            .value();
        send_all(pair.theirs, "short");
        pair.theirs.close();
        const auto broken = next_soon(ring, 2);
        CHECK(of(broken, 1).result().value() == 5);
        CHECK(code(of(broken, 2)) == ECANCELED);
    });
}

TEST_CASE("a recvmsg that is cancelled leaves its memory and the message alone", "[recvmsg][hazard 33]") {
    under_each_setup([](ring& ring) {
        const owned_file ours = udp_socket();
        const owned_file theirs = udp_socket();
        message received;
        ring.push(op::recvmsg(ours, received.header).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == ECANCELED);
        CHECK(code(of(done, 2)) == 0);
        send_to(theirs, ours, "kept");
        CHECK(stays_quiet(ring, 5));
        CHECK(received.first[0] == 0);
        CHECK(receive_some(ours) == "kept");
    });
}

TEST_CASE("recvmsg fails where its system call does", "[recvmsg]") {
    under_each_setup([](ring& ring) {
        message received;
        CHECK(code(run(ring, op::recvmsg(no_such_file, received.header))) == EBADF);
        const connection pipe = pipe_pair();
        CHECK(code(run(ring, op::recvmsg(pipe.ours, received.header))) == ENOTSOCK);
        const owned_file unconnected = tcp_socket();
        CHECK(code(run(ring, op::recvmsg(unconnected, received.header))) == ENOTCONN);
        // Far too many pieces: EMSGSIZE as from the system call, EINVAL from older kernels.
        const owned_file ours = udp_socket();
        received.header.msg_iovlen = 1025;
        const int too_many = code(run(ring, op::recvmsg(ours, received.header)));
        CHECK((too_many == EMSGSIZE || too_many == EINVAL));
    });
}

TEST_CASE("recvmsg into a group names the buffer that it filled, and says who sent", "[recvmsg]") {
    if (!has_buffer_rings()) LIO_SKIP("the kernel has no buffer rings (Linux 5.19 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 7, .count = 4, .size = 16}).value();
        const owned_file ours = udp_socket();
        const owned_file theirs = udp_socket();
        send_to(theirs, ours, "to the group");
        message received;
        received.header.msg_iovlen = 0; // no limit
        const cqe done = run(ring, op::recvmsg(ours, received.header, buffers.group()));
        CHECK(done.result<op::recvmsg>().value() == 12u);
        REQUIRE(done.buffer_id());
        CHECK(text_of(buffers.filled(done)) == "to the group");
        CHECK(same(received.name, own_address(theirs)));
        CHECK(received.first[0] == 0);

        // A piece limits it, wherever it points.
        send_to(theirs, ours, "to the group");
        received.pieces[0] = {nullptr, 6};
        received.header.msg_iovlen = 1;
        const cqe limited = run(ring, op::recvmsg(ours, received.header, buffers.group()));
        CHECK(text_of(buffers.filled(limited)) == "to the");
        CHECK((received.header.msg_flags & MSG_TRUNC) != 0);

        received.header.msg_iovlen = 2;
        CHECK(code(run(ring, op::recvmsg(ours, received.header, buffers.group()))) == EINVAL);
        received.header.msg_iovlen = 0;
        send_to(theirs, ours, "kept");
        CHECK(code(run(ring, op::recvmsg(ours, received.header, lio::buffer_group{8}))) == ENOBUFS);
        CHECK(receive_some(ours) == "kept");
    });
}

TEST_CASE("recvmsg_multishot gives each datagram with its sender", "[recvmsg][hazard 37]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot recvmsg (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 7, .count = 4, .size = 128}).value();
        const owned_file ours = udp_socket();
        const owned_file ann = udp_socket();
        const owned_file bob = udp_socket();
        const msghdr layout = layout_of(sizeof(sockaddr_in), 0);
        ring.push(op::recvmsg_multishot(ours, layout, buffers.group()).user_data(3)).value();
        CHECK(stays_quiet(ring));
        for (int round = 0; round < 10; ++round)
            for (const owned_file* sender : {&ann, &bob}) {
                const std::string sent = "from " + std::to_string(int{*sender}) + " " + std::to_string(round);
                send_to(*sender, ours, sent);
                const cqe done = next_soon(ring);
                CHECK(done.user_data() == 3);
                CHECK(done.as<op::recvmsg_multishot>().event() == multishot_event::item);
                CHECK(done.result<op::recvmsg_multishot>().value() == 16 + sizeof(sockaddr_in) + sent.size());
                const received_message message = read_from(buffers, done, layout);
                CHECK(text_of(message.payload()) == sent);
                CHECK(same(name_of(message), own_address(*sender)));
                CHECK_FALSE(message.name_truncated());
                CHECK(message.control().size() == 0);
                CHECK(message.flags() == 0);
                buffers.recycle(done);
            }
    });
}

TEST_CASE("recvmsg_multishot gives what was there before it, one message a buffer", "[recvmsg]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot recvmsg (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 7, .count = 8, .size = 64}).value();
        connection pair = socket_pair(SOCK_SEQPACKET);
        for (const char* word : {"one", "two", "three"}) send_all(pair.theirs, word);
        const msghdr layout = layout_of(0, 0);
        ring.push(op::recvmsg_multishot(pair.ours, layout, buffers.group())).value();
        for (const char* word : {"one", "two", "three"}) {
            const received_message message = read_from(buffers, next_soon(ring), layout);
            CHECK(text_of(message.payload()) == word);
            CHECK(message.name().size() == 0); // it has none
        }
    });
}

TEST_CASE("recvmsg_multishot says what did not fit", "[recvmsg][hazard 37]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot recvmsg (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 7, .count = 8, .size = 16 + 4 + 6}).value();
        const owned_file ours = udp_socket();
        const owned_file theirs = udp_socket();
        const msghdr layout = layout_of(4, 0); // room for the family and the port of an address
        ring.push(op::recvmsg_multishot(ours, layout, buffers.group()).user_data(1)).value();
        send_to(theirs, ours, "sixsix and more");
        const received_message cut = read_from(buffers, next_soon(ring), layout);
        CHECK(text_of(cut.payload()) == "sixsix");
        CHECK(cut.payload_truncated());
        CHECK((cut.flags() & MSG_TRUNC) != 0);
        CHECK(cut.sent_size() == 6); // as little as recvmsg(2) says without MSG_TRUNC
        CHECK(cut.name().size() == 4);
        CHECK(cut.name_truncated());
        const sockaddr_in sender = own_address(theirs);
        CHECK(std::memcmp(cut.name().data(), &sender, 4) == 0);
        ring.push(op::cancel(1).user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 1)) == ECANCELED);

        ring.push(op::recvmsg_multishot(ours, layout, buffers.group()).flags(MSG_TRUNC)).value();
        send_to(theirs, ours, "sixsix and more");
        const received_message counted = read_from(buffers, next_soon(ring), layout);
        CHECK(text_of(counted.payload()) == "sixsix");
        CHECK(counted.sent_size() == 15);
        CHECK(counted.payload_truncated());
    });
}

TEST_CASE("recvmsg_multishot gives control data, and descriptors in it can be taken out", "[recvmsg][hazard 37]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot recvmsg (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 7, .count = 4, .size = 128}).value();
        connection pair = socket_pair();
        const int on = 1;
        REQUIRE(::setsockopt(pair.ours, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0);
        const msghdr layout = layout_of(0, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(int)));
        ring.push(op::recvmsg_multishot(pair.ours, layout, buffers.group()).flags(MSG_CMSG_CLOEXEC)).value();
        CHECK(stays_quiet(ring, 5));
        connection pipe = pipe_pair();
        send_file(pair.theirs, "file", pipe.theirs);
        pipe.theirs.close();
        const cqe done = next_soon(ring);
        const received_message message = read_from(buffers, done, layout);
        CHECK(text_of(message.payload()) == "file");
        CHECK_FALSE(message.control_truncated());
        int file = -1;
        ucred sender{};
        int pieces = 0;
        for (const lio::control_message& piece : message.controls()) {
            ++pieces;
            REQUIRE(piece.level() == SOL_SOCKET);
            if (piece.type() == SCM_RIGHTS) {
                REQUIRE(piece.data().size() == sizeof file);
                std::memcpy(&file, piece.data().data(), sizeof file);
            } else {
                REQUIRE(piece.type() == SCM_CREDENTIALS);
                REQUIRE(piece.data().size() == sizeof sender);
                std::memcpy(&sender, piece.data().data(), sizeof sender);
            }
        }
        CHECK(pieces == 2);
        CHECK(sender.pid == ::getpid());
        const owned_file taken{file};
        CHECK((::fcntl(taken, F_GETFD) & FD_CLOEXEC) != 0);
        REQUIRE(::write(taken, "!", 1) == 1);
        char byte = 0;
        CHECK(::read(pipe.ours, &byte, 1) == 1);
        buffers.recycle(done);
    });
}

TEST_CASE("recvmsg_multishot without room for the control data says that some is lost", "[recvmsg][hazard 37]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot recvmsg (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 7, .count = 4, .size = 128}).value();
        connection pair = socket_pair();
        const msghdr layout = layout_of(0, sizeof(cmsghdr)); // not enough for a descriptor
        ring.push(op::recvmsg_multishot(pair.ours, layout, buffers.group())).value();
        CHECK(stays_quiet(ring, 5));
        connection pipe = pipe_pair();
        send_file(pair.theirs, "file", pipe.theirs);
        pipe.theirs.close();
        const received_message message = read_from(buffers, next_soon(ring), layout);
        CHECK(text_of(message.payload()) == "file");
        CHECK(message.control_truncated());
        for (const lio::control_message& piece : message.controls()) CHECK(piece.data().size() < sizeof(int));
        // Nobody has the pipe's other end any more.
        char byte = 0;
        CHECK(::read(pipe.ours, &byte, 1) == 0);
    });
}

TEST_CASE("the layout of a recvmsg_multishot may be overwritten once it is submitted", "[recvmsg][hazard 40]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot recvmsg (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 7, .count = 4, .size = 128}).value();
        const owned_file ours = udp_socket();
        const owned_file theirs = udp_socket();
        msghdr layout = layout_of(sizeof(sockaddr_in), 32);
        const msghdr kept = layout;
        ring.push(op::recvmsg_multishot(ours, layout, buffers.group())).value();
        submit_all(ring);
        CHECK(stays_quiet(ring));
        std::memset(&layout, 0xff, sizeof layout);
        for (int i = 0; i < 3; ++i) {
            send_to(theirs, ours, "as before");
            const cqe done = next_soon(ring);
            CHECK(done.more());
            const received_message message = read_from(buffers, done, kept);
            CHECK(text_of(message.payload()) == "as before");
            CHECK(same(name_of(message), own_address(theirs)));
            buffers.recycle(done);
        }
    });
}

TEST_CASE("recvmsg_multishot ends with an empty message when the peer ends its stream", "[recvmsg][hazard 34]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot recvmsg (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 7, .count = 4, .size = 64}).value();
        connection pair = socket_pair();
        const msghdr layout = layout_of(8, 8);
        ring.push(op::recvmsg_multishot(pair.ours, layout, buffers.group())).value();
        send_all(pair.theirs, "bye");
        const cqe data = next_soon(ring);
        CHECK(data.as<op::recvmsg_multishot>().event() == multishot_event::item);
        CHECK(text_of(read_from(buffers, data, layout).payload()) == "bye");
        pair.theirs.close();
        const cqe end = next_soon(ring);
        CHECK(end.as<op::recvmsg_multishot>().event() == multishot_event::last_item);
        CHECK(read_from(buffers, end, layout).payload().size() == 0);
        CHECK(stays_quiet(ring, 5));
    });
}

TEST_CASE("recvmsg_multishot ends with an empty datagram, and submitted again goes on", "[recvmsg][hazard 34]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot recvmsg (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 7, .count = 4, .size = 64}).value();
        const owned_file ours = udp_socket();
        const owned_file theirs = udp_socket();
        const msghdr layout = layout_of(sizeof(sockaddr_in), 0);
        ring.push(op::recvmsg_multishot(ours, layout, buffers.group())).value();
        CHECK(stays_quiet(ring, 5));
        send_to(theirs, ours, "");
        const cqe done = next_soon(ring);
        CHECK(done.as<op::recvmsg_multishot>().event() == multishot_event::last_item);
        const received_message message = read_from(buffers, done, layout);
        CHECK(message.payload().size() == 0);
        CHECK(same(name_of(message), own_address(theirs)));
        send_to(theirs, ours, "more");
        CHECK(stays_quiet(ring, 5));
        const cqe again = run(ring, op::recvmsg_multishot(ours, layout, buffers.group()));
        CHECK(text_of(read_from(buffers, again, layout).payload()) == "more");
    });
}

TEST_CASE("recvmsg_multishot is starved when buffers run out, and submitted again misses no message",
          "[recvmsg][hazard 34]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot recvmsg (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 7, .count = 2, .size = 64}).value();
        const owned_file ours = udp_socket();
        const owned_file theirs = udp_socket();
        const msghdr layout = layout_of(0, 0);
        for (int i = 0; i < 7; ++i) send_to(theirs, ours, std::to_string(i));
        std::vector<cqe> held;
        std::string received;
        int starved = 0;
        ring.push(op::recvmsg_multishot(ours, layout, buffers.group())).value();
        while (received.size() < 7) {
            const cqe done = next_soon(ring);
            const auto one = done.as<op::recvmsg_multishot>();
            held.push_back(done);
            if (one.has_item()) {
                received += text_of(read_from(buffers, done, layout).payload());
            } else {
                REQUIRE(one.event() == multishot_event::starved);
                ++starved;
            }
            if (!one.ended()) continue;
            for (const cqe& each : held) buffers.recycle(each);
            held.clear();
            ring.push(op::recvmsg_multishot(ours, layout, buffers.group())).value();
        }
        CHECK(received == "0123456");
        CHECK(starved == 3);
    });
}

TEST_CASE("recvmsg_multishot fails when a buffer has no room for what it must hold", "[recvmsg][hazard 37]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot recvmsg (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 7, .count = 4, .size = 64}).value();
        const owned_file ours = udp_socket();
        const owned_file theirs = udp_socket();
        send_to(theirs, ours, "kept");
        const msghdr too_large = layout_of(16, 64 - 16 - 16 + 1);
        const cqe done = run(ring, op::recvmsg_multishot(ours, too_large, buffers.group()));
        CHECK(code(done) == EFAULT);
        CHECK(done.as<op::recvmsg_multishot>().ended());
        // Exactly enough is enough, and leaves nothing for the payload.
        const msghdr just_fits = layout_of(16, 64 - 16 - 16);
        const cqe cut = run(ring, op::recvmsg_multishot(ours, just_fits, buffers.group()).user_data(1));
        const received_message message = read_from(buffers, cut, just_fits);
        CHECK(message.payload().size() == 0);
        CHECK(message.payload_truncated());
    });
}

TEST_CASE("recvmsg_multishot that is cancelled leaves the message alone", "[recvmsg][hazard 33]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot recvmsg (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 7, .count = 4, .size = 64}).value();
        const owned_file ours = udp_socket();
        const owned_file theirs = udp_socket();
        const msghdr layout = layout_of(16, 0);
        ring.push(op::recvmsg_multishot(ours, layout, buffers.group()).poll_first().user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(of(done, 1).as<op::recvmsg_multishot>().event() == multishot_event::cancelled);
        send_to(theirs, ours, "kept");
        CHECK(stays_quiet(ring, 5));
        CHECK(receive_some(ours) == "kept");
    });
}

TEST_CASE("recvmsg_multishot refuses to wait for a full buffer, and fails on bad descriptors", "[recvmsg]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot recvmsg (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 7, .count = 4, .size = 64}).value();
        const msghdr layout = layout_of(0, 0);
        const connection pair = socket_pair();
        const cqe waiting = run(ring, op::recvmsg_multishot(pair.ours, layout, buffers.group()).flags(MSG_WAITALL));
        CHECK(code(waiting) == EINVAL);
        CHECK_FALSE(waiting.more());
        CHECK(code(run(ring, op::recvmsg_multishot(no_such_file, layout, buffers.group()))) == EBADF);
        const connection pipe = pipe_pair();
        const cqe wrong = run(ring, op::recvmsg_multishot(pipe.ours, layout, buffers.group()));
        CHECK(wrong.as<op::recvmsg_multishot>().problem() == lio::error{ENOTSOCK});
        const owned_file unconnected = tcp_socket();
        CHECK(code(run(ring, op::recvmsg_multishot(unconnected, layout, buffers.group()))) == ENOTCONN);
    });
}

} // namespace recvmsg_test
