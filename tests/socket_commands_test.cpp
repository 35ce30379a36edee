// Commands to sockets, held against what the plain system calls say of the same socket. Each test runs on a ring of
// every set-up that this kernel takes, unless longer completions are the point; one thread.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/files.hpp"
#include "support/large_rings.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/completion.hpp>
#include <lio/op/cancel.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/socket_commands.hpp>
#include <lio/registered_files.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace socket_commands_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::ring;
using lio::tx_stage;

int option = 0;
const int const_option = 0;
char text[8];
sockaddr_in name{};
std::uint32_t size_of_name = sizeof name;

const encodings rows{[](auto add) {
    add("siocinq", op::siocinq(7), expected_entry{}.u8(0, 46).s32(4, 7));
    add("siocinq of a slot with modifiers", op::siocinq(lio::direct_descriptor{7}).link().user_data(5),
        expected_entry{}.u8(0, 46).u8(1, 1 | 4).s32(4, 7).u64(32, 5));
    add("siocoutq", op::siocoutq(7), expected_entry{}.u8(0, 46).s32(4, 7).u32(8, 1));
    add("siocoutq of a slot with modifiers", op::siocoutq(lio::direct_descriptor{7}).skip_success().user_data(5),
        expected_entry{}.u8(0, 46).u8(1, 1 | 64).s32(4, 7).u32(8, 1).u64(32, 5));
    add("getsockopt", op::getsockopt(7, 1, 2, option),
        expected_entry{}.u8(0, 46).s32(4, 7).u32(8, 2).u32(16, 1).u32(20, 2).u32(44, 4).pointer(48, &option));
    add("getsockopt into bytes", op::getsockopt(lio::direct_descriptor{7}, 0x12345678, -1, text).user_data(5),
        expected_entry{}
            .u8(0, 46)
            .u8(1, 1)
            .s32(4, 7)
            .u32(8, 2)
            .u32(16, 0x12345678)
            .s32(20, -1)
            .u64(32, 5)
            .u32(44, 8)
            .pointer(48, text));
    add("setsockopt", op::setsockopt(7, 1, 2, const_option),
        expected_entry{}.u8(0, 46).s32(4, 7).u32(8, 3).u32(16, 1).u32(20, 2).u32(44, 4).pointer(48, &const_option));
    add("setsockopt from bytes", op::setsockopt(7, 1, 2, lio::bytes{text, 3}).drain().user_data(5),
        expected_entry{}
            .u8(0, 46)
            .u8(1, 2)
            .s32(4, 7)
            .u32(8, 3)
            .u32(16, 1)
            .u32(20, 2)
            .u64(32, 5)
            .u32(44, 3)
            .pointer(48, text));
    add("getsockname", op::getsockname(7, name, size_of_name),
        expected_entry{}.u8(0, 46).s32(4, 7).u32(8, 5).pointer(16, &name).pointer(48, &size_of_name));
    add("getsockname of a slot with modifiers",
        op::getsockname(lio::direct_descriptor{7}, name, size_of_name).force_async().user_data(5),
        expected_entry{}
            .u8(0, 46)
            .u8(1, 1 | 16)
            .s32(4, 7)
            .u32(8, 5)
            .pointer(16, &name)
            .u64(32, 5)
            .pointer(48, &size_of_name));
    add("getpeername", op::getpeername(7, name, size_of_name),
        expected_entry{}.u8(0, 46).s32(4, 7).u32(8, 5).pointer(16, &name).u32(44, 1).pointer(48, &size_of_name));
    add("getpeername of a slot with modifiers",
        op::getpeername(lio::direct_descriptor{7}, name, size_of_name).hard_link().user_data(5),
        expected_entry{}
            .u8(0, 46)
            .u8(1, 1 | 8)
            .s32(4, 7)
            .u32(8, 5)
            .pointer(16, &name)
            .u64(32, 5)
            .u32(44, 1)
            .pointer(48, &size_of_name));
    add("tx_timestamp", op::tx_timestamp(7), expected_entry{}.u8(0, 46).s32(4, 7).u32(8, 4));
    add("tx_timestamp of a slot with modifiers",
        op::tx_timestamp(lio::direct_descriptor{7}).personality(3).user_data(5),
        expected_entry{}.u8(0, 46).u8(1, 1).s32(4, 7).u32(8, 4).u64(32, 5).u16(42, 3));
}};

// What the kernel reads later must not be a temporary.
static_assert(std::is_constructible_v<op::setsockopt, int, int, int, int&>);
static_assert(!std::is_constructible_v<op::setsockopt, int, int, int, int>);
static_assert(!std::is_constructible_v<op::getsockopt, int, int, int, int>);
static_assert(!std::is_constructible_v<op::getsockopt, int, int, int, const int&>);
static_assert(!std::is_constructible_v<op::getsockname, int, sockaddr_in, std::uint32_t&>);

// Two ends of a TCP connection.
connection tcp_connection() {
    const owned_file listener = tcp_listener();
    connection made;
    made.ours = tcp_connected_to(listener);
    made.theirs = owned_file{::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)};
    return made;
}

// A kernel that does not know a command to sockets says EOPNOTSUPP.
template <class Operation>
bool kernel_takes(const Operation& operation) {
    ring asked = ring::create({.entries = 2, .exactly = true}).value();
    const int answer = code(run(asked, operation));
    return answer != EOPNOTSUPP && answer != EINVAL;
}

bool has_counts() {
    const connection pair = tcp_connection();
    return kernel_takes(op::siocinq(pair.ours));
}
bool has_options() {
    const connection pair = tcp_connection();
    int value = 0;
    return kernel_takes(op::getsockopt(pair.ours, SOL_SOCKET, SO_TYPE, value));
}
bool has_names() {
    const connection pair = tcp_connection();
    sockaddr_in address{};
    std::uint32_t size = sizeof address;
    return kernel_takes(op::getsockname(pair.ours, address, size));
}

constexpr const char* no_counts = "commands to sockets: since Linux 6.6";
constexpr const char* no_options = "commands to sockets that get and set options: since Linux 6.7";
constexpr const char* no_names = "commands to sockets that ask for addresses: since Linux 6.19";

} // namespace

TEST_CASE("siocinq counts the bytes that wait to be read", "[socket_commands]") {
    if (!has_counts()) LIO_SKIP(no_counts);
    under_each_setup([](ring& ring) {
        const connection pair = tcp_connection();
        CHECK(run(ring, op::siocinq(pair.ours)).result<op::siocinq>().value() == 0u);
        send_all(pair.theirs, "hello");
        pollfd waiting{pair.ours, POLLIN, 0};
        REQUIRE(::poll(&waiting, 1, patience_in_milliseconds) == 1);
        CHECK(run(ring, op::siocinq(pair.ours)).result<op::siocinq>().value() == 5u);
        CHECK(receive_some(pair.ours, 2) == "he");
        const int files[] = {pair.ours};
        auto slots = lio::registered_files::create(ring, files).value();
        CHECK(run(ring, op::siocinq(slots[0])).result<op::siocinq>().value() == 3u);
    });
}

TEST_CASE("siocoutq counts the bytes that the peer has not taken", "[socket_commands]") {
    if (!has_counts()) LIO_SKIP(no_counts);
    under_each_setup([](ring& ring) {
        const connection pair = tcp_connection();
        CHECK(run(ring, op::siocoutq(pair.ours)).result<op::siocoutq>().value() == 0u);
        // As much as the peer's buffers and our own take.
        const std::string block(65536, 'x');
        std::uint32_t sent = 0;
        for (ssize_t part = 0; part >= 0;) {
            part = ::send(pair.ours, block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
            if (part > 0) sent += static_cast<std::uint32_t>(part);
        }
        const std::uint32_t waiting = run(ring, op::siocoutq(pair.ours)).result<op::siocoutq>().value();
        CHECK(waiting > 0);
        CHECK(waiting <= sent);
    });
}

TEST_CASE("commands to sockets fail on what cannot count", "[socket_commands]") {
    if (!has_counts()) LIO_SKIP(no_counts);
    under_each_setup([](ring& ring) {
        const connection local = socket_pair();
        const pipe_ends pipe;
        const owned_file listener = tcp_listener();
        CHECK(code(run(ring, op::siocinq(local.ours))) == EOPNOTSUPP);
        CHECK(code(run(ring, op::siocoutq(pipe.writing()))) == EOPNOTSUPP);
        CHECK(code(run(ring, op::siocinq(listener))) == EINVAL);
        CHECK(code(run(ring, op::siocinq(-1))) == EBADF);
        ring.push(op::siocinq(listener).link().user_data(1), op::nop().user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 2)) == ECANCELED);
    });
}

TEST_CASE("getsockopt reads an option and says how long it is", "[socket_commands]") {
    if (!has_options()) LIO_SKIP(no_options);
    under_each_setup([](ring& ring) {
        const owned_file socket = tcp_socket();
        const int wanted = 70'000;
        REQUIRE(::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted) == 0);
        int expected = 0;
        socklen_t size = sizeof expected;
        REQUIRE(::getsockopt(socket, SOL_SOCKET, SO_RCVBUF, &expected, &size) == 0);
        int value = 0;
        CHECK(run(ring, op::getsockopt(socket, SOL_SOCKET, SO_RCVBUF, value)).result<op::getsockopt>().value() ==
              sizeof value);
        CHECK(value == expected);
        // More room than the option needs, and less.
        unsigned char room[64] = {};
        CHECK(run(ring, op::getsockopt(socket, SOL_SOCKET, SO_RCVBUF, room)).result<op::getsockopt>().value() == 4u);
        struct ::linger lingering{};
        CHECK(run(ring, op::getsockopt(socket, SOL_SOCKET, SO_LINGER, lingering)).result().value() == sizeof lingering);
        CHECK(code(run(ring, op::getsockopt(socket, SOL_SOCKET, 9999, value))) == ENOPROTOOPT);
        CHECK(code(run(ring, op::getsockopt(socket, IPPROTO_TCP, TCP_NODELAY, value))) == EOPNOTSUPP);
    });
}

TEST_CASE("setsockopt sets an option, of any level", "[socket_commands]") {
    if (!has_options()) LIO_SKIP(no_options);
    under_each_setup([](ring& ring) {
        const owned_file socket = tcp_socket();
        const auto is_set = [&](int level, int option_name) {
            int value = 0;
            socklen_t size = sizeof value;
            REQUIRE(::getsockopt(socket, level, option_name, &value, &size) == 0);
            return value != 0;
        };
        const int on = 1;
        REQUIRE_FALSE(is_set(SOL_SOCKET, SO_KEEPALIVE));
        CHECK(run(ring, op::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, on)).result<op::setsockopt>());
        CHECK(is_set(SOL_SOCKET, SO_KEEPALIVE));
        REQUIRE_FALSE(is_set(IPPROTO_TCP, TCP_NODELAY));
        CHECK(run(ring, op::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, on).force_async()).result<op::setsockopt>());
        CHECK(is_set(IPPROTO_TCP, TCP_NODELAY));
        const int off = 0;
        const int files[] = {socket};
        auto slots = lio::registered_files::create(ring, files).value();
        CHECK(run(ring, op::setsockopt(slots[0], SOL_SOCKET, SO_KEEPALIVE, lio::bytes{&off, sizeof off})).result());
        CHECK_FALSE(is_set(SOL_SOCKET, SO_KEEPALIVE));
        CHECK(code(run(ring, op::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, lio::bytes{&on, 1}))) == EINVAL);
        const connection local = socket_pair();
        CHECK(run(ring, op::setsockopt(local.ours, SOL_SOCKET, SO_PASSCRED, on)).result<op::setsockopt>());
        int passes = 0;
        CHECK(run(ring, op::getsockopt(local.ours, SOL_SOCKET, SO_PASSCRED, passes)).result<op::getsockopt>());
        CHECK(passes == 1);
        const pipe_ends pipe;
        CHECK(code(run(ring, op::setsockopt(pipe.reading(), SOL_SOCKET, SO_KEEPALIVE, on))) == EOPNOTSUPP);
    });
}

TEST_CASE("getsockname and getpeername tell both ends of a connection", "[socket_commands]") {
    if (!has_names()) LIO_SKIP(no_names);
    under_each_setup([](ring& ring) {
        const connection pair = tcp_connection();
        sockaddr_in address{};
        std::uint32_t size = sizeof address;
        CHECK(run(ring, op::getsockname(pair.ours, address, size)).result<op::getsockname>());
        CHECK(same(address, own_address(pair.ours)));
        CHECK(size == sizeof address);
        CHECK(run(ring, op::getpeername(pair.ours, address, size)).result<op::getpeername>());
        CHECK(same(address, own_address(pair.theirs)));
        const int files[] = {pair.theirs};
        auto slots = lio::registered_files::create(ring, files).value();
        CHECK(run(ring, op::getpeername(slots[0], address, size)).result());
        CHECK(same(address, own_address(pair.ours)));
        // With too little room the address is cut short, and its real size told.
        std::uint32_t little = sizeof address.sin_family;
        address = {};
        CHECK(run(ring, op::getsockname(pair.ours, address, little)).result());
        CHECK(address.sin_family == AF_INET);
        CHECK(address.sin_port == 0);
        CHECK(little == sizeof address);
        const owned_file alone = tcp_socket();
        CHECK(code(run(ring, op::getpeername(alone, address, size))) == ENOTCONN);
        const pipe_ends pipe;
        CHECK(code(run(ring, op::getsockname(pipe.reading(), address, size))) == EOPNOTSUPP);
    });
}

namespace {

// Of SO_TIMESTAMPING; the numbers are the kernel's.
constexpr int tx_software = 1 << 1;
constexpr int report_software = 1 << 4;
constexpr int with_id = 1 << 7;
constexpr int tx_scheduled = 1 << 8;
constexpr int tx_acknowledged = 1 << 9;
constexpr int with_control_data = 1 << 10;
constexpr int time_only = 1 << 11;

void take_times(int socket, int when) {
    const int flags = report_software | with_id | with_control_data | time_only | when;
    REQUIRE(::setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags) == 0);
}

} // namespace

TEMPLATE_TEST_CASE("tx_timestamp tells when packets left, until it is cancelled", "[socket_commands]", lio::large_ring,
                   lio::large_completion_ring) {
    if (!has_large_rings<TestType>()) LIO_SKIP(no_large_rings);
    TestType ring = TestType::create({.entries = 8}).value();
    const connection pair = tcp_connection();
    take_times(pair.ours, tx_scheduled | tx_software | tx_acknowledged);
    ring.push(op::tx_timestamp(pair.ours).user_data(7)).value();
    ring.submit().value();
    const std::int64_t before = now(CLOCK_REALTIME);
    std::uint32_t last_byte = 0xffffffff;
    for (const char* const packet : {"first", "second"}) {
        send_all(pair.ours, packet);
        CHECK(receive_some(pair.theirs) == packet);
        last_byte += static_cast<std::uint32_t>(std::string{packet}.size());
        std::vector<tx_stage> stages;
        while (stages.size() < 3) {
            const lio::large_cqe done = next_on(ring);
            const auto taken = done.as<op::tx_timestamp>();
            if (!taken.has_time() && (taken.problem().code() == EOPNOTSUPP || taken.problem().code() == EINVAL))
                LIO_SKIP("times of sent packets: since Linux 6.17");
            REQUIRE(taken.has_time());
            CHECK_FALSE(taken.ended());
            CHECK(done.user_data() == 7);
            CHECK(done.result<op::tx_timestamp>().value() == taken.key());
            CHECK(taken.key() == last_byte);
            CHECK_FALSE(taken.is_hardware_time());
            const std::int64_t time = taken.seconds() * 1'000'000'000 + taken.nanoseconds();
            CHECK(time >= before);
            CHECK(time <= now(CLOCK_REALTIME));
            stages.push_back(taken.stage());
        }
        CHECK(stages == std::vector<tx_stage>{tx_stage::scheduled, tx_stage::sent, tx_stage::acknowledged});
    }
    ring.push(op::cancel(7).user_data(8)).value();
    for (int i = 0; i < 2; ++i) {
        const lio::large_cqe done = next_on(ring);
        if (done.user_data() == 8) {
            CHECK(done.result<op::cancel>().value().count() == 1);
        } else {
            const auto end = done.as<op::tx_timestamp>();
            CHECK(end.ended());
            CHECK_FALSE(end.has_time());
            CHECK(end.problem().code() == ECANCELED);
            CHECK(done.result<op::tx_timestamp>().error().code() == ECANCELED);
        }
    }
}

TEST_CASE("tx_timestamp tells the times that were taken before, too, and fails on what has none", "[socket_commands]") {
    if (!has_large_rings<lio::large_completion_ring>()) LIO_SKIP(no_large_rings);
    auto ring = lio::large_completion_ring::create({.entries = 8}).value();
    const owned_file receiver{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const sockaddr_in address = loopback();
    REQUIRE(::bind(receiver, plain(address), sizeof address) == 0);
    const owned_file sender{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const sockaddr_in target = own_address(receiver);
    REQUIRE(::connect(sender, plain(target), sizeof target) == 0);
    take_times(sender, tx_software);
    for (int i = 0; i < 3; ++i) send_all(sender, "x");
    ring.push(op::tx_timestamp(sender).user_data(1)).value();
    for (std::uint32_t i = 0; i < 3; ++i) {
        const lio::large_cqe done = next_on(ring);
        const auto taken = done.as<op::tx_timestamp>();
        if (!taken.has_time() && (taken.problem().code() == EOPNOTSUPP || taken.problem().code() == EINVAL))
            LIO_SKIP("times of sent packets: since Linux 6.17");
        REQUIRE(taken.has_time());
        CHECK(taken.key() == i);
        CHECK(taken.stage() == tx_stage::sent);
    }
    const pipe_ends pipe;
    const lio::large_cqe failed = run_on(ring, op::tx_timestamp(pipe.reading()).user_data(2));
    CHECK(failed.user_data() == 2);
    CHECK(failed.as<op::tx_timestamp>().problem().code() == EOPNOTSUPP);
}

TEST_CASE("the completion of a tx_timestamp is read as it is laid out", "[socket_commands][layout]") {
    const lio::large_cqe hardware{lio::abi::cqe32{1, -2, 2 | 1u << 16 | 3u << 17, {5, 6}}};
    const auto taken = hardware.as<op::tx_timestamp>();
    CHECK(taken.has_time());
    CHECK(taken.key() == 0xfffffffe);
    CHECK(hardware.result<op::tx_timestamp>().value() == 0xfffffffe);
    CHECK(taken.is_hardware_time());
    CHECK(taken.stage() == tx_stage::completed);
    CHECK(taken.seconds() == 5);
    CHECK(taken.nanoseconds() == 6);
}

} // namespace socket_commands_test
