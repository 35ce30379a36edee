// Filters of operations: the programs themselves, and what the kernel does with them.

#include "catch.hpp"
#include "support/child.hpp"
#include "support/files.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/abilities.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/open.hpp>
#include <lio/op/sockets.hpp>
#include <lio/operation_filter.hpp>
#include <lio/restrictions.hpp>
#include <lio/split.hpp>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace operation_filter_test {

namespace abi = lio::abi;
namespace filter = lio::filter;
namespace op = lio::op;
using lio::cause;
using lio::operation_filter;
using lio::restrictions;
using lio::op::nop;

namespace {

constexpr auto let_run = filter::allow();
constexpr auto let_none_run = filter::deny();
constexpr auto internet = filter::socket_family(AF_INET);
constexpr auto existing_files = filter::without_open_flags(O_CREAT | O_TRUNC);

constexpr const char* no_filters = "filters of operations: since Linux 7.0, where the kernel was built with them";

bool has_filters() {
    const lio::ring ring = lio::ring::create({.entries = 1}).value();
    const auto done = operation_filter::on<nop>(let_run).apply(ring);
    if (!done) REQUIRE(done.error() == lio::error{EINVAL, cause::filter_refused});
    return done.has_value();
}

template <class Operation>
int code_of(lio::ring& ring, const Operation& operation) {
    const auto done = lio::test::run(ring, operation);
    if (Operation::opens_descriptor && done.result()) ::close(done.result().value());
    return lio::test::code(done);
}

// What the kernel does with such a program, but for the checks beforehand.
template <class Program>
bool lets_run(const Program& program, const abi::bpf_ctx& seen) {
    std::uint32_t accumulator = 0;
    for (std::size_t i = 0;; ++i) {
        REQUIRE(i < program.size());
        const lio::filter_instruction& one = program.data()[i];
        switch (one.code) {
        case 0x20: // ld [k]
            REQUIRE((one.value % 4 == 0 && one.value < sizeof seen));
            std::memcpy(&accumulator, reinterpret_cast<const char*>(&seen) + one.value, sizeof accumulator);
            break;
        case 0x15: // jeq
            i += accumulator == one.value ? one.if_true : one.if_false;
            break;
        case 0x45: // jset
            i += (accumulator & one.value) != 0 ? one.if_true : one.if_false;
            break;
        case 0x06: // ret
            return one.value != 0;
        default:
            FAIL("an instruction that no program here has: " << one.code);
        }
    }
}

abi::bpf_ctx seen_connect(std::uint32_t family, std::uint16_t port) {
    abi::bpf_ctx seen;
    seen.connect = {};
    seen.connect.family = family;
    seen.connect.port = htons(port);
    return seen;
}

} // namespace

// A program must outlive the filter, which points to it.
static_assert(std::is_constructible_v<operation_filter, abi::opcode, const lio::filter_program<1>&>);
static_assert(!std::is_constructible_v<operation_filter, abi::opcode, lio::filter_program<1>>);
static_assert(!std::is_constructible_v<operation_filter, abi::opcode, std::vector<lio::filter_instruction>>);
static_assert(std::is_constructible_v<operation_filter, abi::opcode, std::vector<lio::filter_instruction>&>);

TEST_CASE("the programs ready to use let run what they say") {
    abi::bpf_ctx seen;
    CHECK(lets_run(let_run, seen));
    CHECK_FALSE(lets_run(let_none_run, seen));

    seen.socket = {AF_INET, SOCK_STREAM, 0};
    CHECK(lets_run(internet, seen));
    seen.socket = {AF_INET6, AF_INET, AF_INET};
    CHECK_FALSE(lets_run(internet, seen));

    constexpr std::uint64_t high = std::uint64_t{1} << 40;
    const auto files = filter::without_open_flags(O_CREAT | high);
    for (const std::uint64_t flags : {std::uint64_t{0}, std::uint64_t{O_RDWR}, high << 1, high >> 32}) {
        seen.open = {flags, O_CREAT, O_CREAT};
        CHECK(lets_run(files, seen));
    }
    for (const std::uint64_t flags : {std::uint64_t{O_CREAT}, high, O_CREAT | O_RDWR | high, high | (high << 1)}) {
        seen.open = {flags, 0, 0};
        CHECK_FALSE(lets_run(files, seen));
    }

    const auto secure = filter::connect_port(443);
    CHECK(lets_run(secure, seen_connect(AF_INET, 443)));
    CHECK(lets_run(secure, seen_connect(AF_INET6, 443)));
    CHECK_FALSE(lets_run(secure, seen_connect(AF_UNIX, 443)));
    CHECK_FALSE(lets_run(secure, seen_connect(AF_INET, 80)));
    CHECK_FALSE(lets_run(secure, seen_connect(AF_INET, __builtin_bswap16(443))));
    CHECK_FALSE(lets_run(secure, seen_connect(443, 0)));
}

TEST_CASE("sockets of one family may be made, others are refused") {
    if (!has_filters()) LIO_SKIP(no_filters);
    lio::test::under_each_setup([](lio::ring& ring) {
        CHECK(code_of(ring, op::socket(AF_UNIX, SOCK_STREAM)) == 0);
        operation_filter::on<op::socket>(internet).apply(ring).value();
        CHECK(code_of(ring, op::socket(AF_INET, SOCK_STREAM)) == 0);
        CHECK(code_of(ring, op::socket(AF_INET, SOCK_DGRAM)) == 0);
        CHECK(code_of(ring, op::socket(AF_INET6, SOCK_STREAM)) == EACCES);
        CHECK(code_of(ring, op::socket(AF_UNIX, SOCK_STREAM)) == EACCES);
        CHECK(code_of(ring, nop()) == 0);
    });
}

TEST_CASE("files may be opened, but neither made nor emptied") {
    if (!has_filters()) LIO_SKIP(no_filters);
    const lio::test::temporary_directory directory;
    lio::test::make_file(directory / "old", "content");
    const std::string old_path = directory / "old", new_path = directory / "new";
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    operation_filter::on<op::openat>(existing_files).apply(ring).value();
    const auto open = [&](const std::string& path, int flags) {
        return code_of(ring, op::openat(AT_FDCWD, path, flags, 0600));
    };
    CHECK(open(old_path, O_RDONLY) == 0);
    CHECK(open(old_path, O_RDWR | O_APPEND) == 0);
    CHECK(open(old_path, O_WRONLY | O_TRUNC) == EACCES);
    CHECK(lio::test::content_of(old_path) == "content");
    CHECK(open(new_path, O_RDWR | O_CREAT) == EACCES);
    CHECK_FALSE(lio::test::exists(new_path));
    // Another number, another filter.
    lio::open_how how{O_RDWR | O_CREAT, 0600};
    CHECK(code_of(ring, op::openat2(AT_FDCWD, new_path, how)) == 0);
    CHECK(lio::test::exists(new_path));
    operation_filter::on<op::openat2>(existing_files).apply(ring).value();
    how.flags |= O_TRUNC;
    CHECK(code_of(ring, op::openat2(AT_FDCWD, old_path, how)) == EACCES);
}

TEST_CASE("connections go to one port only") {
    if (!has_filters()) LIO_SKIP(no_filters);
    const lio::test::open_file first{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const lio::test::open_file second{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const auto listening = [](int socket) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), size) == 0);
        REQUIRE(::listen(socket, 1) == 0);
        REQUIRE(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0);
        return address;
    };
    const sockaddr_in allowed = listening(first), other = listening(second);
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    const auto one_port = filter::connect_port(ntohs(allowed.sin_port));
    const auto applied = operation_filter::on<op::connect>(one_port).apply(ring);
    if (!applied && applied.error() == lio::error{EMSGSIZE, cause::filter_refused})
        LIO_SKIP("what a connect goes to, in filters: since Linux 7.2");
    applied.value();
    const auto connect = [&](const sockaddr_in& address) {
        const lio::test::open_file client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        return code_of(ring, op::connect(client, address));
    };
    CHECK(connect(other) == EACCES);
    CHECK(connect(allowed) == 0);
}

TEST_CASE("of several filters for one kind of operation all must agree") {
    if (!has_filters()) LIO_SKIP(no_filters);
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    // A program of the caller's own: those whose user_data has these bits do not run.
    const auto without = [](std::uint32_t bits) {
        return std::vector<lio::filter_instruction>{filter::load(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : 4),
                                                    filter::jump_if_any(bits, 1, 0), filter::verdict(true),
                                                    filter::verdict(false)};
    };
    {
        auto first = without(1);
        operation_filter{abi::opcode::nop, first}.apply(ring).value();
        for (auto& one : first) one = filter::verdict(false); // the kernel has a copy
    }
    const auto second = without(2);
    CHECK(code_of(ring, nop().user_data(2)) == 0);
    operation_filter::on<nop>(second).apply(ring).value();
    CHECK(code_of(ring, nop().user_data(0)) == 0);
    CHECK(code_of(ring, nop().user_data(1)) == EACCES);
    CHECK(code_of(ring, nop().user_data(2)) == EACCES);
    operation_filter::on<nop>(let_run).apply(ring).value();
    CHECK(code_of(ring, nop().user_data(1)) == EACCES);
    CHECK(code_of(ring, nop().user_data(4)) == 0);
}

TEST_CASE("what has no filter can be refused, and no later filter lets it run") {
    if (!has_filters()) LIO_SKIP(no_filters);
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    operation_filter::on<op::shutdown>(let_run).apply(ring).value();
    operation_filter::on<nop>(let_run).deny_rest().apply(ring).value();
    CHECK(code_of(ring, nop()) == 0);
    CHECK(code_of(ring, op::shutdown(-1, SHUT_RD)) == EBADF);
    CHECK(code_of(ring, op::socket(AF_INET, SOCK_STREAM)) == EACCES);
    operation_filter::on<op::socket>(let_run).apply(ring).value();
    CHECK(code_of(ring, op::socket(AF_INET, SOCK_STREAM)) == EACCES);
    CHECK(code_of(ring, nop()) == 0);
}

TEST_CASE("programs that filters cannot be are refused, and change nothing") {
    if (!has_filters()) LIO_SKIP(no_filters);
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    const std::vector<lio::filter_instruction> refused[] = {
        {},
        {filter::load(0)},                                                  // does not end
        {filter::load(2), filter::verdict(false)},                          // not at a multiple of 4
        {filter::load(sizeof(abi::bpf_ctx)), filter::verdict(false)},       // outside
        {filter::load(0xfffffffc), filter::verdict(false)},                 // likewise
        {{0x30, 0, 0, 8}, filter::verdict(false)},                          // a byte
        {filter::jump_if_equal(0, 7, 7), filter::verdict(false)},           // beyond the end
        std::vector<lio::filter_instruction>(4097, filter::verdict(false)), // too long
    };
    const lio::error wrong{EINVAL, cause::filter_refused};
    for (const auto& program : refused) {
        CAPTURE(&program - refused);
        CHECK(operation_filter::on<nop>(program).deny_rest().apply(ring).error() == wrong);
    }
    CHECK(operation_filter{static_cast<abi::opcode>(255), let_none_run}.apply(ring).error() == wrong);
    CHECK(code_of(ring, nop()) == 0);
    CHECK(code_of(ring, op::socket(AF_INET, SOCK_STREAM)) == 0);
    const std::vector<lio::filter_instruction> longest(4096, filter::verdict(false));
    operation_filter::on<nop>(longest).apply(ring).value();
    CHECK(code_of(ring, nop()) == EACCES);
    ring.close().value();
    CHECK(operation_filter::on<nop>(let_run).apply(ring).error().why() == cause::ring_closed);
}

TEST_CASE("a program that looks at what the kernel does not show is refused") {
    if (!has_filters()) LIO_SKIP(no_filters);
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    const lio::error other_size{EMSGSIZE, cause::filter_refused};
    CHECK(operation_filter::on<nop>(internet).apply(ring).error() == other_size);
    // An open has 24 bytes, a socket 12.
    CHECK(operation_filter::on<op::socket>(existing_files).apply(ring));
    const lio::filter_instruction beyond[] = {filter::load(16 + 12), filter::verdict(true)};
    CHECK(operation_filter::on<op::socket>(beyond).apply(ring).error() == other_size);
    CHECK(operation_filter::on<op::openat>(beyond).apply(ring));
    // Exactly so many, whatever the program looks at.
    CHECK(operation_filter::on<op::socket>(internet).strict_size(4).apply(ring).error() == other_size);
    CHECK(operation_filter::on<op::socket>(internet).strict_size(16).apply(ring).error() == other_size);
    CHECK(operation_filter::on<op::socket>(internet).strict_size(12).apply(ring));
    CHECK(operation_filter::on<nop>(let_none_run).strict_size(1).apply(ring).error() == other_size);
    CHECK(code_of(ring, nop()) == 0);
}

TEST_CASE("a kernel without filters says so") {
    if (has_filters()) LIO_SKIP("a kernel without filters of operations (before Linux 7.0)");
    const lio::ring ring = lio::ring::create({.entries = 1}).value();
    CHECK(operation_filter::on<nop>(let_none_run).apply(ring).error() == lio::error{EINVAL, cause::filter_refused});
    CHECK(lio::filter_task(operation_filter::on<nop>(let_none_run)).error() ==
          lio::error{EINVAL, cause::filter_refused});
}

TEST_CASE("a ring's restrictions may keep filters away, and either handle of a split ring takes one") {
    if (!has_filters()) LIO_SKIP(no_filters);
    lio::ring ring = lio::ring::create({.entries = 4}).value();
    restrictions{}.allow<nop>().apply(ring).value();
    CHECK(code_of(ring, nop()) == 0);
    CHECK(operation_filter::on<nop>(let_none_run).apply(ring).error() == lio::error{EACCES, cause::register_call});
    CHECK(code_of(ring, nop()) == 0);

    auto [completions, submissions] = lio::with_capacity(4).value();
    operation_filter::on<nop>(let_none_run).apply(completions).value();
    operation_filter::on<op::shutdown>(let_none_run).apply(submissions).value();
    submissions.push(nop(), op::shutdown(-1, 0)).value();
    submissions.submit().value();
    CHECK(completions.next().value().result().error().code() == EACCES);
    CHECK(completions.next().value().result().error().code() == EACCES);
}

TEST_CASE("a filter of a task is one of every ring that it makes from then on") {
    if (!has_filters()) LIO_SKIP(no_filters);
    const int found = lio::test::in_child([] {
        lio::ring before = lio::ring::create({.entries = 4}).value();
        const auto family = [](lio::ring& ring, int one) { return code_of(ring, op::socket(one, SOCK_STREAM)); };
        const auto is_filtered = [&] {
            lio::ring ring = lio::ring::create({.entries = 4}).value();
            return family(ring, AF_INET) == 0 && family(ring, AF_UNIX) == EACCES && code_of(ring, nop()) == 0;
        };
        if (!lio::filter_task(operation_filter::on<op::socket>(internet))) return 1;
        if (family(before, AF_UNIX) != 0) return 2;
        if (!is_filtered()) return 3;
        bool is_in_thread = false;
        std::thread{[&] { is_in_thread = is_filtered(); }}.join();
        if (!is_in_thread) return 4;
        if (lio::test::in_child([&] { return is_filtered() ? 0 : 1; }) != 0) return 5;
        // Restrictions come before.
        if (lio::restrict_task(restrictions{}.allow<nop>()).error() != lio::error{EPERM, cause::task_refused}) return 6;
        // More filters may come, of the task and of the ring.
        if (!lio::filter_task(operation_filter::on<nop>(let_none_run))) return 7;
        lio::ring ring = lio::ring::create({.entries = 4}).value();
        if (code_of(ring, nop()) != EACCES || family(ring, AF_UNIX) != EACCES) return 8;
        if (!operation_filter::on<op::socket>(let_none_run).apply(ring) || family(ring, AF_INET) != EACCES) return 9;
        return 0;
    });
    CHECK(found == 0);
    lio::ring ring = lio::ring::create({.entries = 4}).value();
    CHECK(code_of(ring, op::socket(AF_UNIX, SOCK_STREAM)) == 0);
}

TEST_CASE("a restricted task takes filters as well") {
    if (!has_filters()) LIO_SKIP(no_filters);
    CHECK(lio::test::in_child([] {
              const auto allowed =
                  restrictions{}.allow<nop, op::socket>().allow(abi::register_opcode::register_bpf_filter);
              if (!lio::restrict_task(allowed)) return 1;
              if (!lio::filter_task(operation_filter::on<op::socket>(internet))) return 2;
              lio::ring ring = lio::ring::create({.entries = 4}).value();
              if (code_of(ring, op::socket(AF_INET, SOCK_STREAM)) != 0) return 3;
              if (code_of(ring, op::socket(AF_UNIX, SOCK_STREAM)) != EACCES) return 4;
              if (code_of(ring, op::shutdown(-1, 0)) != EACCES) return 5;
              return 0;
          }) == 0);
}

TEST_CASE("a task takes filters with privileges or without new ones, a ring takes them always") {
    if (!has_filters()) LIO_SKIP(no_filters);
    if (::geteuid() != 0) LIO_SKIP("a process that may change its user (root)");
    CHECK(lio::test::in_child([] {
              if (::setuid(65534) != 0) return 1;
              lio::ring ring = lio::ring::create({.entries = 4}).value();
              const auto denying = operation_filter::on<nop>(let_none_run);
              if (!denying.apply(ring) || code_of(ring, nop()) != EACCES) return 2;
              if (lio::filter_task(denying).error() != lio::error{EACCES, cause::task_refused}) return 3;
              if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 4;
              return lio::filter_task(denying) ? 0 : 5;
          }) == 0);
}

} // namespace operation_filter_test
