// Sending without a copy: when the memory is the program's again, and whose it is meanwhile. The other side receives by
// plain POSIX calls. What stays on one machine is copied after all, which the reports must say. Each test runs on a
// ring of every set-up that this kernel takes; one thread.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/completion.hpp>
#include <lio/op/cancel.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/recv.hpp>
#include <lio/op/send_zc.hpp>
#include <lio/op/time.hpp>
#include <lio/registered_buffers.hpp>

#include <sys/uio.h>

#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace send_zc_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::ring;
using lio::zero_copy_completion;

char memory[100];
sockaddr_in internet_address;
iovec pieces[3];
msghdr some_message;

constexpr std::uint8_t link = 4, hard_link = 8, drain = 2, async = 16, fixed = 1;

const encodings rows{[](auto add) {
    add("send_zc", op::send_zc(5, memory),
        expected_entry{}.u8(0, 47).s32(4, 5).pointer(16, memory).u32(24, sizeof memory));
    // [hazard 29] Whatever the modifiers and their order, each keeps what the others have set.
    add("send_zc with every modifier",
        op::send_zc(lio::direct_descriptor{5}, {memory, 3})
            .report_usage()
            .to(internet_address)
            .flags(MSG_WAITALL)
            .poll_first()
            .release_user_data(0x123456789abcdef0)
            .link()
            .hard_link()
            .drain()
            .force_async()
            .personality(9)
            .user_data(7),
        expected_entry{}
            .u8(0, 47)
            .u8(1, fixed | link | hard_link | drain | async)
            .u16(2, 1 | 8)
            .s32(4, 5)
            .pointer(8, &internet_address)
            .pointer(16, memory)
            .u32(24, 3)
            .u32(28, MSG_WAITALL)
            .u64(32, 7)
            .u16(42, 9)
            .u16(44, sizeof internet_address)
            .u64(48, 0x123456789abcdef0));
    add("send_zc_fixed", op::send_zc_fixed(5, {65535, memory}),
        expected_entry{}.u8(0, 47).u16(2, 4).s32(4, 5).pointer(16, memory).u32(24, sizeof memory).u16(40, 65535));
    add("send_zc_fixed of a part, with modifiers",
        op::send_zc_fixed(5, lio::registered_buffer{3, memory}.part(8, 16)).poll_first().report_usage().user_data(7),
        expected_entry{}
            .u8(0, 47)
            .u16(2, 1 | 4 | 8)
            .s32(4, 5)
            .pointer(16, memory + 8)
            .u32(24, 16)
            .u64(32, 7)
            .u16(40, 3));
    add("send_zc_vectorized", op::send_zc_vectorized(5, pieces),
        expected_entry{}.u8(0, 47).u16(2, 32).s32(4, 5).pointer(16, pieces).u32(24, 3));
    add("send_zc_vectorized to an address",
        op::send_zc_vectorized(5, pieces, 2).to(internet_address, 5).report_usage().release_user_data(&memory),
        expected_entry{}
            .u8(0, 47)
            .u16(2, 8 | 32)
            .s32(4, 5)
            .pointer(8, &internet_address)
            .pointer(16, pieces)
            .u32(24, 2)
            .u16(44, 5)
            .pointer(48, &memory));
    add("send_zc_vectorized_fixed", op::send_zc_vectorized_fixed(5, pieces, {7, memory}),
        expected_entry{}.u8(0, 47).u16(2, 4 | 32).s32(4, 5).pointer(16, pieces).u32(24, 3).u16(40, 7));
    add("send_zc_vectorized_fixed with modifiers",
        op::send_zc_vectorized_fixed(lio::direct_descriptor{5}, {pieces, 1}, {65535, memory})
            .report_usage()
            .poll_first(),
        expected_entry{}
            .u8(0, 47)
            .u8(1, fixed)
            .u16(2, 1 | 4 | 8 | 32)
            .s32(4, 5)
            .pointer(16, pieces)
            .u32(24, 1)
            .u16(40, 65535));
    add("sendmsg_zc", op::sendmsg_zc(5, some_message),
        expected_entry{}.u8(0, 48).s32(4, 5).pointer(16, &some_message));
    add("sendmsg_zc with modifiers",
        op::sendmsg_zc(lio::direct_descriptor{5}, some_message)
            .report_usage()
            .poll_first()
            .flags(MSG_MORE)
            .release_user_data(9)
            .user_data(8)
            .link(),
        expected_entry{}
            .u8(0, 48)
            .u8(1, fixed | link)
            .u16(2, 1 | 8)
            .s32(4, 5)
            .pointer(16, &some_message)
            .u32(28, MSG_MORE)
            .u64(32, 8)
            .u64(48, 9));
    add("sendmsg_zc_fixed", op::sendmsg_zc_fixed(5, some_message, {65535, memory}),
        expected_entry{}.u8(0, 48).u16(2, 4).s32(4, 5).pointer(16, &some_message).u16(40, 65535));
    add("sendmsg_zc_fixed with modifiers",
        op::sendmsg_zc_fixed(5, some_message, {1, memory}).poll_first().report_usage().user_data(-1),
        expected_entry{}
            .u8(0, 48)
            .u16(2, 1 | 4 | 8)
            .s32(4, 5)
            .pointer(16, &some_message)
            .u64(32, ~std::uint64_t{0})
            .u16(40, 1));
}};

// There are two completions, neither of which can be kept back.
template <class Operation>
concept can_skip_success = requires(Operation operation) { operation.skip_success(); };
static_assert(!can_skip_success<op::send_zc> && !can_skip_success<op::sendmsg_zc_fixed>);
static_assert(std::is_same_v<decltype(cqe{}.as<op::send_zc>()), zero_copy_completion<op::send_zc>>);

// What is read when the operation is submitted must not be a temporary.
template <class Operation, class Address>
concept can_go_to = requires(Operation operation, Address&& address) { operation.to(std::forward<Address>(address)); };
static_assert(can_go_to<op::send_zc, sockaddr_in&> && can_go_to<op::send_zc_vectorized_fixed, sockaddr_in&>);
static_assert(!can_go_to<op::send_zc, sockaddr_in>);
static_assert(!can_go_to<op::sendmsg_zc, sockaddr_in&>, "the msghdr says where to");
static_assert(!std::is_constructible_v<op::sendmsg_zc, int, msghdr>);
static_assert(!std::is_constructible_v<op::sendmsg_zc_fixed, int, msghdr, lio::registered_buffer>);
static_assert(!std::is_constructible_v<op::send_zc_vectorized, int, std::vector<iovec>>);

constexpr int no_such_file = 0x3fffffff;

bool has_send_zc() { return kernel_supports(lio::abi::opcode::send_zc); }
constexpr const char* no_send_zc = "the kernel has no zero-copy send (since Linux 6.0)";
bool has_sendmsg_zc() { return kernel_supports(lio::abi::opcode::sendmsg_zc); }
constexpr const char* no_sendmsg_zc = "the kernel has no zero-copy sendmsg (since Linux 6.1)";

// Runs a zero-copy send to its end; there must be nothing else in flight. The result, and the release if there was one.
struct outcome {
    cqe result;
    std::optional<cqe> release;
};
template <class Operation>
outcome run_to_release(ring& ring, const Operation& operation) {
    outcome seen{run(ring, operation), {}};
    REQUIRE_FALSE(seen.result.template as<Operation>().is_release());
    if (!seen.result.template as<Operation>().releases_memory()) {
        seen.release = next_soon(ring);
        REQUIRE(seen.release->template as<Operation>().is_release());
        REQUIRE(seen.release->template as<Operation>().releases_memory());
    }
    return seen;
}

// The result's error, or 0.
template <class Operation>
int code_of(ring& ring, const Operation& operation) {
    return code(run_to_release(ring, operation).result);
}

/// Whether this kernel takes such a send, which must be one that would succeed. Asks on a ring of its own.
template <class Send>
bool takes(const Send& send) {
    ring asked = ring::create({.entries = 4, .exactly = true}).value();
    const connection pair = tcp_pair();
    return code_of(asked, send(asked, pair.ours)) != EINVAL;
}

/// Whether the release can report (Linux 6.2).
bool has_reports() {
    static const bool answer =
        has_send_zc() && takes([](ring&, int socket) { return op::send_zc(socket, memory).report_usage(); });
    return answer;
}
constexpr const char* no_reports = "the release of a zero-copy send reports nothing (since Linux 6.2)";

iovec piece(std::string& text) { return {text.data(), text.size()}; }
std::string_view part(const std::string& text, std::size_t from, std::size_t size) {
    return std::string_view{text}.substr(from, size);
}

/// Text of so many bytes, at most 8 MiB, in which no two places look alike.
std::string long_text(std::size_t size) {
    // Made once: on an emulated machine that takes seconds.
    static const std::string longest = [] {
        std::string text;
        while (text.size() < 8 * 1024 * 1024) text += std::to_string(text.size()) + ' ';
        return text;
    }();
    REQUIRE(size <= longest.size());
    return longest.substr(0, size);
}

owned_file datagram_socket() {
    owned_file socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const sockaddr_in any = loopback();
    REQUIRE(::bind(socket, plain(any), sizeof any) == 0);
    return socket;
}

/// A table with one registered buffer.
lio::registered_buffers table_of(ring& ring, std::string& text) {
    const lio::mutable_bytes list[] = {{text.data(), text.size()}};
    return lio::registered_buffers::create(ring, list).value();
}

cqe made(std::int32_t result, std::uint32_t flags) { return cqe{lio::abi::cqe{7, result, flags}}; }

} // namespace

TEST_CASE("a zero-copy send that its chain has cancelled is not over until its release [hazard 35]",
          "[layout][send_zc][hazard 35]") {
    // As the kernel says it: without a word that more follows.
    const auto cancelled = made(-ECANCELED, 0).as<op::send_zc>();
    CHECK_FALSE(cancelled.is_release());
    CHECK_FALSE(cancelled.releases_memory());
    CHECK(cancelled.result().error().code() == ECANCELED);
    CHECK(made(0, lio::abi::cqe_f_notif).as<op::send_zc>().releases_memory());
    // Other failures are as they say.
    CHECK(made(-EINVAL, 0).as<op::send_zc>().releases_memory());
    CHECK_FALSE(made(-ECANCELED, lio::abi::cqe_f_more).as<op::send_zc>().releases_memory());
    CHECK_FALSE(made(5, lio::abi::cqe_f_more).as<op::send_zc>().releases_memory());
}

TEST_CASE("the lowest result, which reports a copy, can be read as any other", "[layout][send_zc]") {
    const cqe copied = made(static_cast<std::int32_t>(lio::abi::notif_usage_zc_copied), lio::abi::cqe_f_notif);
    CHECK(copied.as<op::send_zc>().was_copied());
    CHECK(copied.as<op::send_zc>().releases_memory());
    CHECK_FALSE(copied.result());
    CHECK_FALSE(copied.result<op::send_zc>());
    CHECK_FALSE(made(0, lio::abi::cqe_f_notif).as<op::send_zc>().was_copied());
}

TEST_CASE("send_zc delivers the bytes, says how many, and then gives the memory back [hazard 35]",
          "[send_zc][hazard 35]") {
    if (!has_send_zc()) LIO_SKIP(no_send_zc);
    under_each_setup([](ring& ring) {
        const connection pair = tcp_pair();
        const std::string text = "over the wire";
        const outcome sent = run_to_release(ring, op::send_zc(pair.ours, text).user_data(7));
        CHECK(sent.result.as<op::send_zc>().result().value() == text.size());
        CHECK(sent.result.more());
        REQUIRE(sent.release);
        CHECK_FALSE(sent.release->more());
        CHECK(sent.release->raw_result() == 0);
        CHECK(sent.release->user_data() == 7);
        CHECK(receive_some(pair.theirs) == text);
        CHECK(stays_quiet(ring, 2));
    });
}

TEST_CASE("a zero-copy send says that data was copied, if it is asked and only then", "[send_zc]") {
    if (!has_reports()) LIO_SKIP(no_reports);
    under_each_setup([](ring& ring) {
        // What stays on this machine is copied.
        const connection pair = tcp_pair();
        const std::string text = "over the loopback device";
        const outcome told = run_to_release(ring, op::send_zc(pair.ours, text).report_usage());
        CHECK(told.result.as<op::send_zc>().result().value() == text.size());
        REQUIRE(told.release);
        CHECK(told.release->as<op::send_zc>().was_copied());
        const outcome untold = run_to_release(ring, op::send_zc(pair.ours, text));
        REQUIRE(untold.release);
        CHECK_FALSE(untold.release->as<op::send_zc>().was_copied());
        CHECK(receive_all(pair.theirs, 2 * text.size()) == text + text);
    });
}

TEST_CASE("the release of a zero-copy send can carry something of its own", "[send_zc]") {
    if (!has_send_zc()) LIO_SKIP(no_send_zc);
    under_each_setup([](ring& ring) {
        const connection pair = tcp_pair();
        const std::string text = "x";
        const outcome sent = run_to_release(ring, op::send_zc(pair.ours, text).release_user_data(8).user_data(7));
        CHECK(sent.result.user_data() == 7);
        if (code(sent.result) == EINVAL)
            return record_partial_skip("the release of a zero-copy send has no user_data of its own (since Linux 7.1)");
        REQUIRE(sent.release);
        CHECK(sent.release->user_data() == 8);
        // 0 stands for what the result carries.
        const outcome same = run_to_release(ring, op::send_zc(pair.ours, text).user_data(7).release_user_data(0));
        REQUIRE(same.release);
        CHECK(same.release->user_data() == 7);
        if (!has_sendmsg_zc()) return;
        std::string other = "y";
        iovec bytes = piece(other);
        msghdr message{};
        message.msg_iov = &bytes;
        message.msg_iovlen = 1;
        CHECK(run_to_release(ring, op::sendmsg_zc(pair.ours, message).release_user_data(&bytes))
                  .release->user_data_as<iovec*>() == &bytes);
    });
}

TEST_CASE("the memory of a zero-copy send stays lent while its bytes wait to be sent [hazard 35]",
          "[send_zc][hazard 35]") {
    if (!has_send_zc()) LIO_SKIP(no_send_zc);
    under_each_setup([](ring& ring) {
        // The peer's buffer is full: what is sent from here on waits in ours.
        const connection pair = tcp_pair(true);
        const int room = 1 << 20;
        const std::size_t before = fill(pair.ours);
        REQUIRE(::setsockopt(pair.ours, SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
        const std::string text = long_text(20000);
        ring.push(op::send_zc(pair.ours, text)).value();
        const auto result = next_soon(ring).as<op::send_zc>();
        CHECK_FALSE(result.is_release());
        CHECK_FALSE(result.releases_memory());
        const std::size_t sent = result.result().value();
        CHECK(sent > 0);
        CHECK(stays_quiet(ring)); // the result is there, the release is not
        receive_all(pair.theirs, before);
        CHECK(receive_all(pair.theirs, sent) == part(text, 0, sent));
        const auto release = next_soon(ring).as<op::send_zc>();
        CHECK(release.is_release());
        CHECK(release.releases_memory());
    });
}

TEST_CASE("a zero-copy send with MSG_WAITALL sends all, however little fits at a time [hazard 38]",
          "[send_zc][hazard 35][hazard 38]") {
    if (!has_send_zc()) LIO_SKIP(no_send_zc);
    under_each_setup([](ring& ring) {
        const connection pair = tcp_pair();
        const int room = 64 * 1024;
        REQUIRE(::setsockopt(pair.ours, SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
        const std::string text = long_text(2 * 1024 * 1024);
        ring.push(op::send_zc(pair.ours, text).flags(MSG_WAITALL).user_data(1)).value();
        ring.submit().value();
        std::vector<cqe> done;
        CHECK(receive_while_sending(ring, pair.theirs, text.size(), done) == text);
        while (done.empty() || !done.back().as<op::send_zc>().releases_memory()) done.push_back(next_soon(ring));
        REQUIRE(done.size() == 2);
        CHECK(done[0].as<op::send_zc>().result().value() == text.size());
        CHECK(done[0].more());
        CHECK(done[1].as<op::send_zc>().is_release());
    });
}

TEST_CASE("a zero-copy send fails where send does, and gives the memory back [hazard 35]", "[send_zc][hazard 35]") {
    if (!has_send_zc()) LIO_SKIP(no_send_zc);
    under_each_setup([](ring& ring) {
        const std::string text = "anybody?";
        CHECK(code_of(ring, op::send_zc(no_such_file, text)) == EBADF);
        const connection pipe = pipe_pair();
        CHECK(code_of(ring, op::send_zc(pipe.theirs, text)) == ENOTSOCK);
        // UNIX sockets have no such thing.
        const connection local = socket_pair();
        CHECK(code_of(ring, op::send_zc(local.ours, text)) == EOPNOTSUPP);
        const owned_file datagrams{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        CHECK(code_of(ring, op::send_zc(datagrams, text)) == EDESTADDRREQ);

        connection pair = tcp_pair();
        reset_by_peer(pair);
        // No signal is raised: it would end this program.
        CHECK(code_of(ring, op::send_zc(pair.ours, text)) == ECONNRESET);
        CHECK(code_of(ring, op::send_zc(pair.ours, text)) == EPIPE);
        CHECK(stays_quiet(ring, 2));
    });
}

TEST_CASE("a zero-copy send that waits when the peer goes ends with what it has sent, and gives the memory back",
          "[send_zc][hazard 35]") {
    if (!has_send_zc()) LIO_SKIP(no_send_zc);
    under_each_setup([](ring& ring) {
        connection pair = tcp_pair(true);
        const std::string text = long_text(1024 * 1024);
        ring.push(op::send_zc(pair.ours, text).flags(MSG_WAITALL).link().user_data(1), op::nop().user_data(2)).value();
        CHECK(stays_quiet(ring));
        pair.theirs.close(); // with bytes unread: the connection is reset
        const auto done = next_soon(ring, 3);
        std::optional<cqe> result;
        std::optional<cqe> release;
        for (const cqe& one : done)
            if (one.user_data() == 1) (one.as<op::send_zc>().is_release() ? release : result) = one;
        REQUIRE(result);
        CHECK(result->as<op::send_zc>().result().value() < text.size());
        CHECK(result->more());
        CHECK(release);
        CHECK(code(of(done, 2)) == ECANCELED); // it fell short [hazard 32]
    });
}

TEST_CASE("a zero-copy send that is cancelled while it waits gives the memory back [hazard 35]",
          "[send_zc][hazard 33][hazard 35]") {
    if (!has_send_zc()) LIO_SKIP(no_send_zc);
    under_each_setup([](ring& ring) {
        const connection pair = tcp_pair(true);
        const std::size_t before = fill(pair.ours);
        const std::string text = "never sent";
        ring.push(op::send_zc(pair.ours, text).poll_first().user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(2)).value();
        auto done = next_soon(ring, 3);
        std::vector<zero_copy_completion<op::send_zc>> of_send;
        for (const cqe& one : done)
            if (one.user_data() == 1) of_send.push_back(one.as<op::send_zc>());
        REQUIRE(of_send.size() == 2);
        CHECK(of_send[0].result().error().code() == ECANCELED);
        CHECK_FALSE(of_send[0].releases_memory());
        CHECK(of_send[1].is_release());
        CHECK(stays_quiet(ring, 2));
        receive_all(pair.theirs, before);
        pollfd nothing{pair.theirs, POLLIN, 0};
        CHECK(::poll(&nothing, 1, 5) == 0);
    });
}

TEST_CASE("a zero-copy send that runs out of time ends with what it has sent, and gives the memory back",
          "[send_zc][hazard 33][hazard 35]") {
    if (!has_send_zc()) LIO_SKIP(no_send_zc);
    under_each_setup([](ring& ring) {
        const connection pair = tcp_pair(true);
        const std::string text = long_text(1024 * 1024);
        const lio::timespec soon{0, 20'000'000};
        ring.push(op::send_zc(pair.ours, text).flags(MSG_WAITALL).link().user_data(1),
                  op::link_timeout(soon).user_data(2))
            .value();
        std::optional<cqe> result;
        while (!result) {
            const cqe one = next_soon(ring);
            if (one.user_data() == 1) result = one;
        }
        const std::size_t sent = result->as<op::send_zc>().result().value();
        CHECK(sent > 0);
        CHECK(sent < text.size());
        CHECK_FALSE(result->as<op::send_zc>().releases_memory());
        CHECK(receive_all(pair.theirs, sent) == part(text, 0, sent));
        bool released = false;
        while (!released) {
            const cqe one = next_soon(ring);
            released = one.user_data() == 1 && one.as<op::send_zc>().is_release();
        }
    });
}

TEST_CASE("a zero-copy send that its broken chain cancels is over with its release [hazard 35]",
          "[send_zc][hazard 32][hazard 35]") {
    if (!has_send_zc()) LIO_SKIP(no_send_zc);
    under_each_setup([](ring& ring) {
        const connection pair = tcp_pair();
        const connection quiet = socket_pair();
        char bytes[4];
        const std::string text = "never sent";
        // What breaks the chain: a failure at once, a cancellation later, a zero-copy send that fails.
        const auto see = [&](std::size_t others) {
            std::vector<cqe> of_send;
            while (others > 0 || of_send.empty() || !of_send.back().as<op::send_zc>().releases_memory()) {
                const cqe done = next_soon(ring);
                if (done.user_data() == 1)
                    of_send.push_back(done);
                else
                    --others;
            }
            REQUIRE(of_send.size() == 2);
            CHECK(code(of_send[0]) == ECANCELED);
            CHECK_FALSE(of_send[0].as<op::send_zc>().releases_memory());
            CHECK(of_send[1].as<op::send_zc>().is_release());
            // That was all.
            CHECK(stays_quiet(ring, 2));
        };
        ring.push(op::recv(no_such_file, bytes).link().user_data(2), op::send_zc(pair.ours, text).user_data(1)).value();
        see(1);
        ring.push(op::recv(quiet.ours, bytes).link().user_data(2), op::send_zc(pair.ours, text).user_data(1)).value();
        CHECK(stays_quiet(ring, 1));
        ring.push(op::cancel(2).user_data(3)).value();
        see(2);
        ring.push(op::send_zc(no_such_file, text).link().user_data(2), op::send_zc(pair.ours, text).user_data(1))
            .value();
        see(2);

        // An operation that says nothing of its success takes the completion of what is cancelled with it, but not the
        // release.
        ring.push(op::recv(no_such_file, bytes).skip_success().link().user_data(2),
                  op::send_zc(pair.ours, text).user_data(1))
            .value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 2)) == EBADF);
        CHECK(of(done, 1).as<op::send_zc>().is_release());
        CHECK(of(done, 1).as<op::send_zc>().releases_memory());
        CHECK(stays_quiet(ring, 2));
        pollfd nothing{pair.theirs, POLLIN, 0};
        CHECK(::poll(&nothing, 1, 0) == 0);
    });
}

TEST_CASE("a chain of zero-copy sends keeps its order", "[send_zc][hazard 32]") {
    if (!has_send_zc()) LIO_SKIP(no_send_zc);
    under_each_setup([](ring& ring) {
        const connection pair = tcp_pair();
        const std::string one = "one, ";
        const std::string two = "two";
        ring.push(op::send_zc(pair.ours, one).flags(MSG_WAITALL).link().user_data(1),
                  op::send_zc(pair.ours, two).force_async().user_data(2))
            .value();
        int released = 0;
        for (const cqe& done : next_soon(ring, 4)) {
            if (done.as<op::send_zc>().is_release())
                ++released;
            else
                CHECK(done.as<op::send_zc>().result().value() == (done.user_data() == 1 ? 5u : 3u));
        }
        CHECK(released == 2);
        CHECK(receive_all(pair.theirs, 8) == "one, two");
    });
}

TEST_CASE("a zero-copy send reaches the address that it is given, which may be overwritten once it is submitted",
          "[send_zc][hazard 40]") {
    if (!has_send_zc()) LIO_SKIP(no_send_zc);
    under_each_setup([](ring& ring) {
        const owned_file receiver = datagram_socket();
        const owned_file sender = datagram_socket();
        const std::string text = "a datagram";
        sockaddr_in address = own_address(receiver);
        const outcome sent = run_to_release(ring, op::send_zc(sender, text).to(address));
        CHECK(sent.result.as<op::send_zc>().result().value() == text.size());
        CHECK(sent.release);
        CHECK(receive_some(receiver) == text);

        const connection start = socket_pair();
        char go[2];
        ring.push(op::recv(start.ours, go).link().user_data(1), op::send_zc(sender, text).to(address).user_data(2))
            .value();
        CHECK(stays_quiet(ring, 1));
        address = sockaddr_in{};
        send_all(start.theirs, "go");
        static_cast<void>(next_soon(ring, 3));
        CHECK(receive_some(receiver) == text);

        address = own_address(receiver);
        CHECK(code_of(ring, op::send_zc(sender, text).to(address, 4)) == EINVAL);
        CHECK(code_of(ring, op::send_zc(sender, text).to(address, 0x10010)) == EINVAL);
    });
}

TEST_CASE("memory larger than one transfer is refused by every zero-copy send", "[send_zc][hazard 38]") {
    ring ring = lio::ring::create({.entries = 4}).value();
    const std::size_t large = 0x7ffff001;
    const auto sending = ring.push(op::send_zc(0, {memory, large}).report_usage());
    REQUIRE_FALSE(sending);
    CHECK(sending.error().why() == lio::cause::span_too_long);
    CHECK_FALSE(ring.push(op::send_zc_fixed(0, {0, {memory, large}}).poll_first()));
    CHECK(ring.unsubmitted() == 0u);
}

TEST_CASE("send_zc_fixed sends a registered buffer or a part of one", "[send_zc]") {
    if (!has_send_zc()) LIO_SKIP(no_send_zc);
    under_each_setup([](ring& ring) {
        const connection pair = tcp_pair();
        std::string text = long_text(100000);
        const auto table = table_of(ring, text);
        const outcome sent = run_to_release(ring, op::send_zc_fixed(pair.ours, table[0].part(512, 20)));
        CHECK(sent.result.as<op::send_zc_fixed>().result().value() == 20u);
        CHECK(sent.release);
        CHECK(receive_all(pair.theirs, 20) == part(text, 512, 20));

        ring.push(op::send_zc_fixed(pair.ours, table[0]).flags(MSG_WAITALL)).value();
        ring.submit().value();
        std::vector<cqe> done;
        CHECK(receive_while_sending(ring, pair.theirs, text.size(), done) == text);
        while (done.size() < 2) done.push_back(next_soon(ring));
        CHECK(done[0].as<op::send_zc_fixed>().result().value() == text.size());
        CHECK(done[1].as<op::send_zc_fixed>().is_release());

        std::string other = "not registered";
        CHECK(code_of(ring, op::send_zc_fixed(pair.ours, {1, other})) == EFAULT);
        CHECK(code_of(ring, op::send_zc_fixed(pair.ours, {0, other})) == EFAULT);
        if (!has_reports()) return;
        const outcome told = run_to_release(ring, op::send_zc_fixed(pair.ours, table[0].part(0, 5)).report_usage());
        REQUIRE(told.release);
        CHECK(told.release->as<op::send_zc_fixed>().was_copied());
    });
}

TEST_CASE("send_zc_vectorized sends its pieces in order, as one datagram where there are such", "[send_zc]") {
    static const bool has = has_send_zc() && takes([](ring&, int socket) {
                                static const iovec one[] = {{memory, 1}};
                                return op::send_zc_vectorized(socket, one);
                            });
    if (!has) LIO_SKIP("the kernel's zero-copy send takes no pieces (since Linux 6.17)");
    under_each_setup([](ring& ring) {
        std::string one = "one, ";
        std::string two = "two";
        iovec list[] = {piece(one), piece(two)};
        const connection pair = tcp_pair();
        const outcome sent = run_to_release(ring, op::send_zc_vectorized(pair.ours, list).report_usage());
        CHECK(sent.result.as<op::send_zc_vectorized>().result().value() == 8u);
        REQUIRE(sent.release);
        CHECK(sent.release->as<op::send_zc_vectorized>().was_copied());
        CHECK(receive_all(pair.theirs, 8) == "one, two");

        const owned_file receiver = datagram_socket();
        const owned_file sender = datagram_socket();
        const sockaddr_in address = own_address(receiver);
        CHECK(code_of(ring, op::send_zc_vectorized(sender, list, 2).to(address)) == 0);
        CHECK(receive_some(receiver) == "one, two");

        // The array is read when it is submitted. [hazard 40]
        const connection start = socket_pair();
        char go[2];
        ring.push(op::recv(start.ours, go).link().user_data(1), op::send_zc_vectorized(pair.ours, list).user_data(2))
            .value();
        CHECK(stays_quiet(ring, 1));
        list[0] = list[1] = iovec{nullptr, 77};
        send_all(start.theirs, "go");
        static_cast<void>(next_soon(ring, 3));
        CHECK(receive_all(pair.theirs, 8) == "one, two");

        const std::vector<iovec> many(1025, piece(one));
        CHECK(code_of(ring, op::send_zc_vectorized(pair.ours, many)) == EINVAL);
        CHECK(code_of(ring, op::send_zc_vectorized(no_such_file, many.data(), 1)) == EBADF);
    });
}

TEST_CASE("send_zc_vectorized_fixed sends pieces of a registered buffer", "[send_zc]") {
    static const bool has = has_send_zc() && takes([](ring& ring, int socket) {
                                static std::string text = "x";
                                static const iovec one[] = {piece(text)};
                                // The operation keeps what is registered.
                                static std::optional<lio::registered_buffers> table;
                                table.emplace(table_of(ring, text));
                                return op::send_zc_vectorized_fixed(socket, one, (*table)[0]);
                            });
    if (!has) LIO_SKIP("the kernel's zero-copy send takes no pieces of registered buffers (since Linux 7.1)");
    under_each_setup([](ring& ring) {
        std::string text = long_text(20000);
        const auto table = table_of(ring, text);
        const connection pair = tcp_pair();
        const iovec list[] = {{text.data() + 9984, 10}, {text.data() + 64, 5}};
        const outcome sent = run_to_release(ring, op::send_zc_vectorized_fixed(pair.ours, list, table[0]));
        CHECK(sent.result.as<op::send_zc_vectorized_fixed>().result().value() == 15u);
        CHECK(sent.release);
        CHECK(receive_all(pair.theirs, 15) == std::string{part(text, 9984, 10)} + std::string{part(text, 64, 5)});

        std::string other = "not registered";
        const iovec outside[] = {piece(other)};
        const iovec empty[] = {{text.data(), 0}, {text.data(), 5}};
        CHECK(code_of(ring, op::send_zc_vectorized_fixed(pair.ours, outside, table[0])) == EFAULT);
        CHECK(code_of(ring, op::send_zc_vectorized_fixed(pair.ours, empty, table[0])) == EFAULT);
        CHECK(code_of(ring, op::send_zc_vectorized_fixed(pair.ours, list, {1, text})) == EFAULT);
    });
}

TEST_CASE("sendmsg_zc sends its pieces to its address, and gives the memory back [hazard 35]",
          "[send_zc][sendmsg][hazard 35]") {
    if (!has_sendmsg_zc()) LIO_SKIP(no_sendmsg_zc);
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
        const outcome sent = run_to_release(ring, op::sendmsg_zc(sender, message).user_data(7));
        CHECK(sent.result.as<op::sendmsg_zc>().result().value() == 8u);
        REQUIRE(sent.release);
        CHECK(sent.release->user_data() == 7);
        CHECK(receive_some(receiver) == "one, two");
        if (has_reports())
            CHECK(run_to_release(ring, op::sendmsg_zc(sender, message).report_usage())
                      .release->as<op::sendmsg_zc>()
                      .was_copied());
        else
            CHECK(code_of(ring, op::sendmsg_zc(sender, message).report_usage()) == EINVAL);
    });
}

TEST_CASE("the message of a zero-copy send that waits may be overwritten once it is submitted [hazard 40]",
          "[send_zc][sendmsg][hazard 40]") {
    if (!has_sendmsg_zc()) LIO_SKIP(no_sendmsg_zc);
    under_each_setup([](ring& ring) {
        const owned_file receiver = datagram_socket();
        const owned_file sender = datagram_socket();
        sockaddr_in address = own_address(receiver);
        std::string text = "arrived";
        iovec bytes = piece(text);
        msghdr message{};
        message.msg_name = &address;
        message.msg_namelen = sizeof address;
        message.msg_iov = &bytes;
        message.msg_iovlen = 1;
        const connection start = socket_pair();
        char go[2];
        ring.push(op::recv(start.ours, go).link().user_data(1), op::sendmsg_zc(sender, message).user_data(2)).value();
        CHECK(stays_quiet(ring, 1));
        message = msghdr{};
        address = sockaddr_in{};
        bytes = iovec{nullptr, 77};
        send_all(start.theirs, "go");
        static_cast<void>(next_soon(ring, 3));
        CHECK(receive_some(receiver) == "arrived");
    });
}

TEST_CASE("sendmsg_zc fails where sendmsg does, and gives the memory back [hazard 35]",
          "[send_zc][sendmsg][hazard 35]") {
    if (!has_sendmsg_zc()) LIO_SKIP(no_sendmsg_zc);
    under_each_setup([](ring& ring) {
        std::string text = "x";
        std::vector<iovec> many(1025, piece(text));
        msghdr message{};
        message.msg_iov = many.data();
        message.msg_iovlen = 1;
        CHECK(code_of(ring, op::sendmsg_zc(no_such_file, message)) == EBADF);
        const connection local = socket_pair();
        CHECK(code_of(ring, op::sendmsg_zc(local.ours, message)) == EOPNOTSUPP);
        connection pair = tcp_pair();
        message.msg_iovlen = many.size();
        const int too_many = code_of(ring, op::sendmsg_zc(pair.ours, message));
        CHECK((too_many == EMSGSIZE || too_many == EINVAL)); // EINVAL up to Linux 6.12 at least
        message.msg_iovlen = 1;
        reset_by_peer(pair);
        CHECK(code_of(ring, op::sendmsg_zc(pair.ours, message)) == ECONNRESET);
        CHECK(code_of(ring, op::sendmsg_zc(pair.ours, message)) == EPIPE);
    });
}

TEST_CASE("sendmsg_zc_fixed sends pieces of a registered buffer", "[send_zc][sendmsg]") {
    if (!has_sendmsg_zc()) LIO_SKIP(no_sendmsg_zc);
    under_each_setup([](ring& ring) {
        std::string text = long_text(20000);
        const auto table = table_of(ring, text);
        const connection pair = tcp_pair();
        iovec list[] = {{text.data() + 9984, 10}, {text.data() + 64, 5}};
        msghdr message{};
        message.msg_iov = list;
        message.msg_iovlen = 2;
        const outcome sent = run_to_release(ring, op::sendmsg_zc_fixed(pair.ours, message, table[0]));
        if (code(sent.result) == EINVAL)
            return record_partial_skip("the kernel's sendmsg_zc takes no registered buffers (since Linux 6.15)");
        CHECK(sent.result.as<op::sendmsg_zc_fixed>().result().value() == 15u);
        CHECK(sent.release);
        CHECK(receive_all(pair.theirs, 15) == std::string{part(text, 9984, 10)} + std::string{part(text, 64, 5)});
        CHECK(code_of(ring, op::sendmsg_zc_fixed(pair.ours, message, {1, text})) == EFAULT);
        list[1].iov_len = 0;
        CHECK(code_of(ring, op::sendmsg_zc_fixed(pair.ours, message, table[0])) == EFAULT);
        std::string other = "not registered";
        list[1] = piece(other);
        CHECK(code_of(ring, op::sendmsg_zc_fixed(pair.ours, message, table[0])) == EFAULT);
    });
}

} // namespace send_zc_test
