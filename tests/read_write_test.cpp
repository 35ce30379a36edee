// Reading and writing in all forms, on real files and pipes: what they do is looked at from outside the ring, with
// plain POSIX calls. And how they are encoded. One test at a time; SIGPIPE is handled in one of them.

// Files beyond 4 GiB, on 32-bit machines too. Before every header.
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif

#include "catch.hpp"
#include "support/block_devices.hpp"
#include "support/encoding.hpp"
#include "support/files.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/waiting.hpp"

#include <lio/abi/setup.hpp>
#include <lio/buffer_ring.hpp>
#include <lio/completion.hpp>
#include <lio/op/all.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/read_write.hpp>
#include <lio/registered_buffers.hpp>
#include <lio/registered_files.hpp>
#include <lio/ring.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

namespace read_write_test {

using namespace std::string_view_literals;

using lio::current_position;
using lio::direct_descriptor;
using lio::multishot_event;
using lio::protection_check;
using lio::rw_flag;
using lio::op::nop;
using lio::test::complete;
using lio::test::content_of;
using lio::test::expected_entry;
using lio::test::kernel_supports;
using lio::test::make_file;
using lio::test::next_soon;
using lio::test::open_file;
using lio::test::pipe_ends;
using lio::test::size_of;
using lio::test::temporary_directory;
using lio::test::under_each_setup;

namespace {

/// The errno of a completion; 0 if it succeeded.
int code_of(const lio::cqe& done) {
    const auto result = done.result();
    return result ? 0 : result.error().code();
}

/// The results of a chain by user_data 0, 1, 2...: what is below zero is an errno.
template <class... Operations>
std::vector<int> results_of(lio::ring& ring, const Operations&... operations) {
    std::vector<int> results(sizeof...(operations), 12345);
    [&]<std::size_t... n>(std::index_sequence<n...>) { ring.push(operations.user_data(std::uint64_t{n})...).value(); }
    (std::index_sequence_for<Operations...>{});
    for (std::size_t seen = 0; seen < sizeof...(operations); ++seen) {
        ring.submit_and_wait(1).value();
        const lio::cqe done = ring.next().value();
        REQUIRE(done.user_data() < results.size());
        const auto result = done.result();
        results[static_cast<std::size_t>(done.user_data())] = result ? *result : -result.error().code();
    }
    return results;
}

/// Submits, and waits until the kernel has read all entries: with a polling thread that is later than submit().
void submit_and_let_take(lio::ring& ring) {
    ring.submit().value();
    while (ring.submission_room() != ring.submission_capacity()) ::usleep(100);
}

constexpr bool convertible_to_mutable_bytes_from_literal = std::is_convertible_v<const char (&)[4], lio::mutable_bytes>;
static_assert(!convertible_to_mutable_bytes_from_literal);

// What would be nonsense is no program.
static_assert(!std::is_constructible_v<lio::op::read, int, const std::string&, int>, "reading into constant memory");
static_assert(!std::is_constructible_v<lio::op::read, int, std::string, int>, "reading into a temporary");
static_assert(!std::is_constructible_v<lio::op::write, int, std::string, int>, "writing a temporary");
static_assert(!std::is_constructible_v<lio::op::read, int, std::string&, bool>, "an offset is no truth value");
static_assert(!std::is_constructible_v<lio::op::read, int, std::string&, double>, "an offset is a whole number");
static_assert(!std::is_constructible_v<lio::op::read, int, std::string&, std::nullptr_t>);
static_assert(std::is_constructible_v<lio::op::read, direct_descriptor, std::string&, off_t>);
static_assert(!std::is_constructible_v<lio::op::read_fixed, int, std::string&, int>, "not a registered buffer");
static_assert(std::is_convertible_v<std::vector<::iovec>&, lio::iovec_list>);
static_assert(std::is_convertible_v<const std::array<::iovec, 2>&, lio::iovec_list>);
static_assert(std::is_convertible_v<::iovec (&)[2], lio::iovec_list>);
static_assert(std::is_convertible_v<const ::iovec (&)[2], lio::iovec_list>);
static_assert(!std::is_convertible_v<std::vector<::iovec>, lio::iovec_list>, "a temporary array");
static_assert(!std::is_convertible_v<::iovec (&&)[2], lio::iovec_list>, "a temporary array");
static_assert(!std::is_convertible_v<std::vector<char>&, lio::iovec_list>);

template <class Operation>
constexpr bool has_rw_flags = requires(const Operation& operation) {
    operation.flags(rw_flag::append);
};
template <class Operation>
constexpr bool has_io_priority = requires(const Operation& operation) {
    operation.io_priority(1);
};
static_assert(has_rw_flags<lio::op::write> && has_io_priority<lio::op::read_fixed> && has_rw_flags<lio::op::readv>);
static_assert(!has_rw_flags<lio::op::fsync> && !has_io_priority<lio::op::fsync> && !has_rw_flags<nop>);
template <class Operation>
constexpr bool has_write_stream = requires(const Operation& operation) {
    operation.write_stream(std::uint8_t{1});
};
static_assert(has_write_stream<lio::op::write> && has_write_stream<lio::op::writev>);
static_assert(has_write_stream<lio::op::write_fixed> && has_write_stream<lio::op::writev_fixed>);
static_assert(!has_write_stream<lio::op::read> && !has_write_stream<lio::op::readv_fixed>);

template <class Operation, class Information>
constexpr bool takes_protection = requires(const Operation& operation, Information information) {
    operation.protection_information(static_cast<Information>(information));
};
static_assert(takes_protection<lio::op::read, const lio::protection_information&>);
static_assert(!takes_protection<lio::op::read, lio::protection_information>, "it is read at submission");
static_assert(!takes_protection<lio::op::write, const lio::protection_information>, "it is read at submission");
static_assert(!takes_protection<lio::op::read_multishot, const lio::protection_information&>, "no disk is waited for");
static_assert(!std::is_constructible_v<lio::protection_information, const std::string&>, "a read writes into it");
static_assert(std::is_constructible_v<lio::op::readv, int, lio::buffer_group, const ::iovec&, int>);
static_assert(!std::is_constructible_v<lio::op::readv, int, lio::buffer_group, ::iovec, int>, "a temporary");

template <class Operation>
constexpr bool can_skip_success = requires(const Operation& operation) {
    operation.skip_success();
};
static_assert(can_skip_success<lio::op::read> && !can_skip_success<lio::op::read_multishot>);

// Something for the rows to point to.
char row_memory[64];
::iovec row_vectors[3];
const lio::registered_buffer row_buffer{513, lio::mutable_bytes{row_memory, sizeof row_memory}};
const auto row_protection = lio::protection_information{row_memory};

const lio::test::encodings rows{[](auto add) {
    namespace op = lio::op;
    const direct_descriptor slot{7};

    add("read", op::read(5, row_memory, 0x123456789abcu),
        expected_entry{}.u8(0, 22).s32(4, 5).u64(8, 0x123456789abcu).pointer(16, row_memory).u32(24, 64));
    add("read from a slot with every modifier",
        op::read(slot, lio::mutable_bytes{row_memory, 3}, 9)
            .flags(rw_flag::no_wait | rw_flag::dont_cache)
            .io_priority(0x4007)
            .user_data(77)
            .link()
            .hard_link()
            .drain()
            .force_async()
            .skip_success()
            .personality(3),
        expected_entry{}
            .u8(0, 22)
            .u8(1, 0x5f)
            .u16(2, 0x4007)
            .s32(4, 7)
            .u64(8, 9)
            .pointer(16, row_memory)
            .u32(24, 3)
            .u32(28, 0x88)
            .u64(32, 77)
            .u16(42, 3));
    add("read at the current position", op::read(5, row_memory, current_position),
        expected_entry{}.u8(0, 22).s32(4, 5).u64(8, ~std::uint64_t{0}).pointer(16, row_memory).u32(24, 64));
    add("read at a negative offset", op::read(5, row_memory, -1),
        expected_entry{}.u8(0, 22).s32(4, 5).u64(8, std::uint64_t{1} << 63).pointer(16, row_memory).u32(24, 64));
    add("read of as much as there can be", op::read(5, lio::mutable_bytes{row_memory, 0x7ffff000}, 0),
        expected_entry{}.u8(0, 22).s32(4, 5).pointer(16, row_memory).u32(24, 0x7ffff000));

    add("write", op::write(5, row_memory, 4096),
        expected_entry{}.u8(0, 23).s32(4, 5).u64(8, 4096).pointer(16, row_memory).u32(24, 64));
    add("write to a slot with flags and a priority",
        op::write(slot, lio::bytes{row_memory, 3}, 9).flags(rw_flag::append | rw_flag::data_sync).io_priority(1),
        expected_entry{}
            .u8(0, 23)
            .u8(1, 1)
            .u16(2, 1)
            .s32(4, 7)
            .u64(8, 9)
            .pointer(16, row_memory)
            .u32(24, 3)
            .u32(28, 0x12));
    add("write with the other flags",
        op::write(5, row_memory, 0)
            .flags(rw_flag::high_priority | rw_flag::sync | rw_flag::no_append | rw_flag::atomic | rw_flag::no_signal),
        expected_entry{}.u8(0, 23).s32(4, 5).pointer(16, row_memory).u32(24, 64).u32(28, 0x165));

    add("readv", op::readv(5, row_vectors, 4096),
        expected_entry{}.u8(0, 1).s32(4, 5).u64(8, 4096).pointer(16, row_vectors).u32(24, 3));
    add("readv of a pointer and a count from a slot, with flags and a priority",
        op::readv(slot, row_vectors, 2, 1).flags(rw_flag::no_wait).io_priority(2),
        expected_entry{}
            .u8(0, 1)
            .u8(1, 1)
            .u16(2, 2)
            .s32(4, 7)
            .u64(8, 1)
            .pointer(16, row_vectors)
            .u32(24, 2)
            .u32(28, 8));
    add("writev", op::writev(5, row_vectors, 4096),
        expected_entry{}.u8(0, 2).s32(4, 5).u64(8, 4096).pointer(16, row_vectors).u32(24, 3));
    add("writev of a pointer and a count to a slot, with flags and a priority",
        op::writev(slot, row_vectors, 2, 1).flags(rw_flag::sync).io_priority(2),
        expected_entry{}
            .u8(0, 2)
            .u8(1, 1)
            .u16(2, 2)
            .s32(4, 7)
            .u64(8, 1)
            .pointer(16, row_vectors)
            .u32(24, 2)
            .u32(28, 4));

    add("read_fixed", op::read_fixed(5, row_buffer, 4096),
        expected_entry{}.u8(0, 4).s32(4, 5).u64(8, 4096).pointer(16, row_memory).u32(24, 64).u16(40, 513));
    add("read_fixed from a slot into a part, with flags and a priority",
        op::read_fixed(slot, row_buffer.part(16, 8), 1).flags(rw_flag::no_wait).io_priority(2),
        expected_entry{}
            .u8(0, 4)
            .u8(1, 1)
            .u16(2, 2)
            .s32(4, 7)
            .u64(8, 1)
            .pointer(16, row_memory + 16)
            .u32(24, 8)
            .u32(28, 8)
            .u16(40, 513));
    add("write_fixed", op::write_fixed(5, row_buffer, 4096),
        expected_entry{}.u8(0, 5).s32(4, 5).u64(8, 4096).pointer(16, row_memory).u32(24, 64).u16(40, 513));
    add("write_fixed to a slot from a part, with flags and a priority",
        op::write_fixed(slot, row_buffer.part(16, 8), 1).flags(rw_flag::append).io_priority(2),
        expected_entry{}
            .u8(0, 5)
            .u8(1, 1)
            .u16(2, 2)
            .s32(4, 7)
            .u64(8, 1)
            .pointer(16, row_memory + 16)
            .u32(24, 8)
            .u32(28, 16)
            .u16(40, 513));

    add("read into a buffer of a group", op::read(5, lio::buffer_group{0xfedc}, 4096),
        expected_entry{}.u8(0, 22).u8(1, 32).s32(4, 5).u64(8, 4096).u16(40, 0xfedc));
    add("read from a slot into a buffer of a group, with a limit and modifiers",
        op::read(slot, lio::buffer_group{3}, current_position, 0x7ffff000)
            .flags(rw_flag::no_wait)
            .io_priority(2)
            .user_data(1)
            .link(),
        expected_entry{}
            .u8(0, 22)
            .u8(1, 1 | 4 | 32)
            .u16(2, 2)
            .s32(4, 7)
            .u64(8, ~std::uint64_t{0})
            .u32(24, 0x7ffff000)
            .u32(28, 8)
            .u64(32, 1)
            .u16(40, 3));
    add("readv into a buffer of a group", op::readv(5, lio::buffer_group{3}, row_vectors[1], 4096),
        expected_entry{}.u8(0, 1).u8(1, 32).s32(4, 5).u64(8, 4096).pointer(16, row_vectors + 1).u32(24, 1).u16(40, 3));

    add("read_multishot", op::read_multishot(5, lio::buffer_group{0xfedc}),
        expected_entry{}.u8(0, 49).u8(1, 32).s32(4, 5).u16(40, 0xfedc));
    add("read_multishot from a slot, with an offset and modifiers",
        op::read_multishot(slot, lio::buffer_group{3}, 9)
            .flags(rw_flag::no_wait)
            .io_priority(2)
            .user_data(77)
            .link()
            .drain()
            .force_async()
            .personality(4),
        expected_entry{}
            .u8(0, 49)
            .u8(1, 1 | 2 | 4 | 16 | 32)
            .u16(2, 2)
            .s32(4, 7)
            .u64(8, 9)
            .u32(28, 8)
            .u64(32, 77)
            .u16(40, 3)
            .u16(42, 4));
    add("read_multishot from the current position", op::read_multishot(5, lio::buffer_group{0}, current_position),
        expected_entry{}.u8(0, 49).u8(1, 32).s32(4, 5).u64(8, ~std::uint64_t{0}));

    add("readv_fixed", op::readv_fixed(5, row_vectors, row_buffer, 4096),
        expected_entry{}.u8(0, 60).s32(4, 5).u64(8, 4096).pointer(16, row_vectors).u32(24, 3).u16(40, 513));
    add("readv_fixed from a slot, with flags, a priority and protection",
        op::readv_fixed(slot, lio::iovec_list{row_vectors, 2}, row_buffer, 1)
            .flags(rw_flag::no_wait)
            .io_priority(2)
            .protection_information(row_protection)
            .user_data(6),
        expected_entry{}
            .u8(0, 60)
            .u8(1, 1)
            .u16(2, 2)
            .s32(4, 7)
            .u64(8, 1)
            .pointer(16, row_vectors)
            .u32(24, 2)
            .u32(28, 8)
            .u64(32, 6)
            .u16(40, 513)
            .pointer(48, &row_protection)
            .u64(56, 1));
    add("writev_fixed", op::writev_fixed(5, row_vectors, row_buffer, 4096),
        expected_entry{}.u8(0, 61).s32(4, 5).u64(8, 4096).pointer(16, row_vectors).u32(24, 3).u16(40, 513));
    add("writev_fixed to a slot, with flags, a priority, protection and a stream",
        op::writev_fixed(slot, lio::iovec_list{row_vectors, 2}, row_buffer, 1)
            .flags(rw_flag::append)
            .io_priority(2)
            .protection_information(row_protection)
            .write_stream(200),
        expected_entry{}
            .u8(0, 61)
            .u8(1, 1)
            .u16(2, 2)
            .s32(4, 7)
            .u64(8, 1)
            .pointer(16, row_vectors)
            .u32(24, 2)
            .u32(28, 16)
            .u16(40, 513)
            .u8(44, 200)
            .pointer(48, &row_protection)
            .u64(56, 1));

    add("write to a stream", op::write(5, row_memory, 4096).write_stream(255).write_stream(3),
        expected_entry{}.u8(0, 23).s32(4, 5).u64(8, 4096).pointer(16, row_memory).u32(24, 64).u8(44, 3));
    add("writev to a stream", op::writev(5, row_vectors, 0).write_stream(255),
        expected_entry{}.u8(0, 2).s32(4, 5).pointer(16, row_vectors).u32(24, 3).u8(44, 255));
    add("write_fixed to a stream", op::write_fixed(5, row_buffer, 0).write_stream(1),
        expected_entry{}.u8(0, 5).s32(4, 5).pointer(16, row_memory).u32(24, 64).u16(40, 513).u8(44, 1));

    add("read with protection information", op::read(5, row_memory, 512).protection_information(row_protection),
        expected_entry{}
            .u8(0, 22)
            .s32(4, 5)
            .u64(8, 512)
            .pointer(16, row_memory)
            .u32(24, 64)
            .pointer(48, &row_protection)
            .u64(56, 1));
    add("write with protection information and a stream",
        op::write(5, row_memory, 512).protection_information(row_protection).write_stream(2).link(),
        expected_entry{}
            .u8(0, 23)
            .u8(1, 4)
            .s32(4, 5)
            .u64(8, 512)
            .pointer(16, row_memory)
            .u32(24, 64)
            .u8(44, 2)
            .pointer(48, &row_protection)
            .u64(56, 1));
    add("readv with protection information", op::readv(5, row_vectors, 0).protection_information(row_protection),
        expected_entry{}
            .u8(0, 1)
            .s32(4, 5)
            .pointer(16, row_vectors)
            .u32(24, 3)
            .pointer(48, &row_protection)
            .u64(56, 1));
    add("writev with protection information", op::writev(5, row_vectors, 0).protection_information(row_protection),
        expected_entry{}
            .u8(0, 2)
            .s32(4, 5)
            .pointer(16, row_vectors)
            .u32(24, 3)
            .pointer(48, &row_protection)
            .u64(56, 1));
    add("read_fixed with protection information",
        op::read_fixed(5, row_buffer, 0).protection_information(row_protection),
        expected_entry{}
            .u8(0, 4)
            .s32(4, 5)
            .pointer(16, row_memory)
            .u32(24, 64)
            .u16(40, 513)
            .pointer(48, &row_protection)
            .u64(56, 1));
    add("write_fixed with protection information",
        op::write_fixed(5, row_buffer, 0).protection_information(row_protection),
        expected_entry{}
            .u8(0, 5)
            .s32(4, 5)
            .pointer(16, row_memory)
            .u32(24, 64)
            .u16(40, 513)
            .pointer(48, &row_protection)
            .u64(56, 1));
}};

} // namespace

TEST_CASE("the flags of reads and writes have the system's values", "[layout]") {
    CHECK(static_cast<int>(rw_flag::high_priority) == RWF_HIPRI);
    CHECK(static_cast<int>(rw_flag::data_sync) == RWF_DSYNC);
    CHECK(static_cast<int>(rw_flag::sync) == RWF_SYNC);
    CHECK(static_cast<int>(rw_flag::no_wait) == RWF_NOWAIT);
    CHECK(static_cast<int>(rw_flag::append) == RWF_APPEND);
}

TEST_CASE("protection information is laid out as the kernel reads it", "[layout]") {
    char tuples[24];
    const auto information = lio::protection_information{tuples}
                                 .check(protection_check::guard | protection_check::application_tag)
                                 .application_tag(0xabcd)
                                 .seed(0x123456789abcu);
    unsigned char actual[32];
    std::memcpy(actual, &information, sizeof actual);
    const auto expected =
        expected_entry{32}.u16(0, 5).u16(2, 0xabcd).u32(4, 24).pointer(8, tuples).u64(16, 0x123456789abcu);
    CHECK(std::equal(expected.bytes().begin(), expected.bytes().end(), actual));
    CHECK_FALSE(information.is_too_long());

    const auto other = information.check(protection_check::reference_tag).application_tag(1).seed(2);
    std::memcpy(actual, &other, sizeof actual);
    const auto changed = expected_entry{32}.u16(0, 2).u16(2, 1).u32(4, 24).pointer(8, tuples).u64(16, 2);
    CHECK(std::equal(changed.bytes().begin(), changed.bytes().end(), actual));

    const lio::protection_information plain{tuples};
    std::memcpy(actual, &plain, sizeof actual);
    const auto nothing = expected_entry{32}.u32(4, 24).pointer(8, tuples);
    CHECK(std::equal(nothing.bytes().begin(), nothing.bytes().end(), actual));
}

TEST_CASE("a read fills the memory with what the file has at the offset, and leaves its position alone") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_RDONLY};
        char memory[5] = "....";
        const lio::cqe done = complete(ring, lio::op::read(file, lio::mutable_bytes{memory, 4}, 3).user_data(9));
        CHECK(done.user_data() == 9);
        CHECK(done.result<lio::op::read>().value() == 4);
        CHECK(memory == "3456"sv);
        CHECK(::lseek(file, 0, SEEK_CUR) == 0);
    });
}

TEST_CASE("a read near the end of the file is short, and at the end it is 0 [hazard 38]", "[hazard 38]") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_RDONLY};
        std::array<char, 8> memory;
        memory.fill('.');
        CHECK(complete(ring, lio::op::read(file, memory, 7)).result().value() == 3);
        CHECK(std::string(memory.data(), 8) == "789.....");
        CHECK(complete(ring, lio::op::read(file, memory, 10)).result().value() == 0);
        CHECK(complete(ring, lio::op::read(file, memory, 1'000'000)).result().value() == 0);
        CHECK(std::string(memory.data(), 8) == "789.....");
        CHECK(complete(ring, lio::op::read(file, lio::mutable_bytes{}, 0)).result().value() == 0);
    });
}

TEST_CASE("a read or a write on a descriptor that is not open for it fails with EBADF") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file readable{directory / "file", O_RDONLY};
        const open_file writable{directory / "file", O_WRONLY};
        char memory[4] = "new";
        CHECK(code_of(complete(ring, lio::op::read(writable, memory, 0))) == EBADF);
        CHECK(code_of(complete(ring, lio::op::write(readable, memory, 0))) == EBADF);
        CHECK(code_of(complete(ring, lio::op::read(-1, memory, 0))) == EBADF);
        CHECK(code_of(complete(ring, lio::op::write(1'000'000, memory, 0))) == EBADF);
        CHECK(code_of(complete(ring, lio::op::read(direct_descriptor{0}, memory, 0))) == EBADF);
        CHECK(content_of(directory / "file") == "content");
    });
}

TEST_CASE("memory that is larger than one transfer is refused by push, and nothing of the push is queued [hazard 38]",
          "[hazard 38]") {
    under_each_setup([](lio::ring& ring) {
        char memory[8] = {};
        const std::size_t most = 0x7ffff000;
        const lio::mutable_bytes too_long{memory, most + 1};
        const lio::registered_buffer too_long_buffer{0, too_long};
        const auto refused = [&ring](const auto& operation) {
            const auto pushed = ring.push(nop().link(), operation);
            REQUIRE_FALSE(pushed);
            CHECK(pushed.error().code() == EOVERFLOW);
            CHECK(pushed.error().why() == lio::cause::span_too_long);
            CHECK(ring.unsubmitted() == 0);
        };
        refused(lio::op::read(0, too_long, 0));
        refused(lio::op::read(0, too_long, 0).user_data(1).link().flags(rw_flag::no_wait));
        refused(lio::op::write(0, too_long, 0));
        refused(lio::op::read_fixed(0, too_long_buffer, 0));
        refused(lio::op::write_fixed(0, too_long_buffer, 0));
        refused(lio::op::read(0, lio::mutable_bytes{memory, std::numeric_limits<std::size_t>::max()}, 0));
        refused(lio::op::read(0, lio::buffer_group{0}, 0, 0x7ffff001));
        refused(lio::op::read(0, lio::buffer_group{0}, 0, 0xffffffff).io_priority(1));
        const lio::protection_information too_long_information{too_long};
        refused(lio::op::read(0, memory, 0).protection_information(too_long_information));
        refused(lio::op::writev(0, nullptr, 0, 0).protection_information(too_long_information).write_stream(1));

        // At address 0, from where that much is address space of the program; the descriptor keeps it untouched.
        CHECK(ring.push(lio::op::read(-1, lio::mutable_bytes{nullptr, most}, 0)));
        CHECK(ring.unsubmitted() == 1);
        ring.submit_and_wait(1).value();
        CHECK(code_of(ring.next().value()) == EBADF);
    });
}

TEST_CASE("current_position reads and writes where the file stands and moves it on [hazard 39]", "[hazard 39]") {
    under_each_setup([](lio::ring& ring) {
        if ((ring.features() & lio::abi::feat_rw_cur_pos) == 0)
            return lio::test::record_partial_skip("current_position needs Linux 5.6");
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_RDWR};
        char memory[4] = "...";
        const lio::mutable_bytes three{memory, 3};
        CHECK(complete(ring, lio::op::read(file, three, current_position)).result().value() == 3);
        CHECK(memory == "012"sv);
        CHECK(::lseek(file, 0, SEEK_CUR) == 3);
        CHECK(complete(ring, lio::op::read(file, three, current_position)).result().value() == 3);
        CHECK(memory == "345"sv);
        CHECK(complete(ring, lio::op::write(file, "ab"sv, current_position)).result().value() == 2);
        CHECK(::lseek(file, 0, SEEK_CUR) == 8);
        CHECK(content_of(directory / "file") == "012345ab89");
    });
}

TEST_CASE("a negative offset is an error and never the current position [hazard 39]", "[hazard 39]") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_RDWR};
        const pipe_ends pipe;
        const off_t failed = ::lseek(pipe.reading(), 0, SEEK_CUR);
        REQUIRE(failed == -1);
        char memory[4] = "...";
        CHECK(code_of(complete(ring, lio::op::read(file, memory, failed))) == EINVAL);
        CHECK(code_of(complete(ring, lio::op::write(file, memory, -1))) == EINVAL);
        CHECK(code_of(complete(ring, lio::op::write(file, memory, std::int64_t{-4096}))) == EINVAL);
        CHECK(code_of(complete(ring, lio::op::write(file, memory, static_cast<signed char>(-1)))) == EINVAL);
        CHECK(memory == "..."sv);
        CHECK(::lseek(file, 0, SEEK_CUR) == 0);
        CHECK(content_of(directory / "file") == "0123456789");
    });
}

TEST_CASE("a pipe is read and written without an offset") {
    under_each_setup([](lio::ring& ring) {
        pipe_ends pipe;
        char memory[8] = "......";
        CHECK(complete(ring, lio::op::write(pipe.writing(), "abcdef"sv, 0)).result().value() == 6);
        CHECK(complete(ring, lio::op::read(pipe.reading(), lio::mutable_bytes{memory, 4}, 0)).result().value() == 4);
        CHECK(memory == "abcd.."sv);
        // A short read of a pipe is what was in it.
        CHECK(complete(ring, lio::op::read(pipe.reading(), memory, 0)).result().value() == 2);
        pipe.close_writing();
        CHECK(complete(ring, lio::op::read(pipe.reading(), memory, 0)).result().value() == 0);
    });
}

TEST_CASE("a write puts the memory into the file at the offset, and grows the file") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_WRONLY};
        CHECK(complete(ring, lio::op::write(file, "abc"sv, 2)).result<lio::op::write>().value() == 3);
        CHECK(content_of(directory / "file") == "01abc56789");
        CHECK(complete(ring, lio::op::write(file, "xyz"sv, 9)).result().value() == 3);
        CHECK(content_of(directory / "file") == "01abc5678xyz");
        CHECK(::lseek(file, 0, SEEK_CUR) == 0);

        const std::uint64_t far = 5'000'000'000;
        CHECK(complete(ring, lio::op::write(file, "!"sv, far)).result().value() == 1);
        CHECK(size_of(directory / "file") == 5'000'000'001);
    });
}

TEST_CASE("a write with append goes to the end of the file, wherever the offset points") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_WRONLY};
        CHECK(complete(ring, lio::op::write(file, "abc"sv, 2).flags(rw_flag::append)).result().value() == 3);
        CHECK(content_of(directory / "file") == "0123456789abc");
        const auto both = rw_flag::append | rw_flag::data_sync;
        CHECK(complete(ring, lio::op::write(file, "d"sv, 0).flags(both)).result().value() == 1);
        CHECK(content_of(directory / "file") == "0123456789abcd");
        CHECK(complete(ring, lio::op::write(file, "e"sv, 0).flags(both).flags(rw_flag::sync)).result().value() == 1);
        CHECK(content_of(directory / "file") == "e123456789abcd");
    });
}

TEST_CASE("a write with no_append goes to the offset, although the file was opened for appending") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_WRONLY | O_APPEND};
        CHECK(complete(ring, lio::op::write(file, "a"sv, 2)).result().value() == 1);
        CHECK(content_of(directory / "file") == "0123456789a");
        const lio::cqe done = complete(ring, lio::op::write(file, "b"sv, 2).flags(rw_flag::no_append));
        if (code_of(done) == EOPNOTSUPP) return lio::test::record_partial_skip("no_append needs Linux 6.9");
        CHECK(done.result().value() == 1);
        CHECK(content_of(directory / "file") == "01b3456789a");
    });
}

namespace {
volatile std::sig_atomic_t broken_pipes = 0;
}

TEST_CASE("a write with no_signal to a pipe without a reader fails with EPIPE and sends no signal") {
    const auto before = std::signal(SIGPIPE, [](int) { broken_pipes = broken_pipes + 1; });
    under_each_setup([](lio::ring& ring) {
        broken_pipes = 0;
        pipe_ends pipe;
        ::close(std::exchange(pipe.ends[0], ::open("/dev/null", O_RDONLY | O_CLOEXEC)));
        const lio::cqe done = complete(ring, lio::op::write(pipe.writing(), "x"sv, 0).flags(rw_flag::no_signal));
        if (code_of(done) == EOPNOTSUPP) return lio::test::record_partial_skip("no_signal needs Linux 6.18");
        CHECK(code_of(done) == EPIPE);
        CHECK(broken_pipes == 0);
    });
    std::signal(SIGPIPE, before);
}

TEST_CASE("high_priority is refused on a ring that does not poll") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_RDONLY};
        char memory[4];
        CHECK(code_of(complete(ring, lio::op::read(file, memory, 0).flags(rw_flag::high_priority))) == EINVAL);
    });
}

TEST_CASE("a priority that there is is taken, and one that there is not is refused") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_RDWR};
        char memory[4];
        constexpr std::uint16_t best_effort_7 = (2 << 13) | 7;
        constexpr std::uint16_t no_such_class = 6 << 13;
        CHECK(complete(ring, lio::op::read(file, memory, 0).io_priority(best_effort_7)).result().value() == 4);
        CHECK(code_of(complete(ring, lio::op::read(file, memory, 0).io_priority(no_such_class))) == EINVAL);
        CHECK(complete(ring, lio::op::write(file, "C"sv, 0).io_priority(best_effort_7)).result().value() == 1);
        CHECK(content_of(directory / "file") == "Content");
    });
}

TEST_CASE("readv and writev go through their pieces in order") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_RDWR};
        char first[] = "..";
        char second[] = "....";
        const ::iovec into[] = {{first, 2}, {nullptr, 0}, {second, 4}};
        CHECK(complete(ring, lio::op::readv(file, into, 1)).result<lio::op::readv>().value() == 6);
        CHECK(first == "12"sv);
        CHECK(second == "3456"sv);
        CHECK(complete(ring, lio::op::readv(file, into, 7)).result().value() == 3);
        CHECK(first == "78"sv);
        CHECK(second == "9456"sv);

        char ab[] = "ab";
        char cde[] = "cde";
        std::vector<::iovec> from = {{ab, 2}, {cde, 3}};
        CHECK(complete(ring, lio::op::writev(file, from, 4)).result<lio::op::writev>().value() == 5);
        CHECK(content_of(directory / "file") == "0123abcde9");
        CHECK(complete(ring, lio::op::writev(file, from.data() + 1, 1, 0)).result().value() == 3);
        CHECK(content_of(directory / "file") == "cde3abcde9");
        CHECK(complete(ring, lio::op::writev(file, from, 0).flags(rw_flag::append)).result().value() == 5);
        CHECK(content_of(directory / "file") == "cde3abcde9abcde");
        CHECK(::lseek(file, 0, SEEK_CUR) == 0);
    });
}

TEST_CASE("readv and writev fail on a bad descriptor, and with more pieces than the kernel takes") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_RDWR};
        char memory[] = "x";
        std::vector<::iovec> pieces(1025, ::iovec{memory, 1});
        CHECK(code_of(complete(ring, lio::op::readv(-1, pieces.data(), 1, 0))) == EBADF);
        CHECK(code_of(complete(ring, lio::op::writev(-1, pieces.data(), 1, 0))) == EBADF);
        CHECK(code_of(complete(ring, lio::op::readv(file, pieces, 0))) == EINVAL);
        CHECK(code_of(complete(ring, lio::op::writev(file, pieces, 0))) == EINVAL);
        // More than the field can say does not become a small number.
        if constexpr (sizeof(std::size_t) > 4) {
            const std::size_t count = std::size_t{0xffffffff} + 2;
            CHECK(code_of(complete(ring, lio::op::writev(file, pieces.data(), count, 0))) == EINVAL);
        }
        CHECK(content_of(directory / "file") == "content");
        pieces.pop_back();
        CHECK(complete(ring, lio::op::writev(file, pieces, 0)).result().value() == 1024);
        CHECK(size_of(directory / "file") == 1024);
    });
}

TEST_CASE("the array of readv may change once it is submitted [hazard 40]", "[hazard 40]") {
    under_each_setup([](lio::ring& ring) {
        const pipe_ends pipe;
        char right[] = "....";
        char wrong[] = "....";
        ::iovec pieces[] = {{right, 2}, {right + 2, 2}};
        ring.push(lio::op::readv(pipe.reading(), pieces, 0)).value();
        submit_and_let_take(ring);
        pieces[0] = {wrong, 4};
        pieces[1] = {nullptr, 1'000'000};
        REQUIRE(::write(pipe.writing(), "abcd", 4) == 4);
        CHECK(ring.next().value().result().value() == 4);
        CHECK(right == "abcd"sv);
        CHECK(wrong == "...."sv);
    });
}

TEST_CASE("registered buffers are read into and written from, whole and in part") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_RDWR};
        std::array<char, 8> first;
        std::array<char, 8> second;
        first.fill('.');
        second.fill('.');
        const lio::mutable_bytes list[] = {first, second};
        auto buffers = lio::registered_buffers::create(ring, list).value();

        CHECK(complete(ring, lio::op::read_fixed(file, buffers[1], 1)).result<lio::op::read_fixed>().value() == 8);
        CHECK(std::string(second.data(), 8) == "12345678");
        CHECK(complete(ring, lio::op::read_fixed(file, buffers[0].part(2, 3), 4)).result().value() == 3);
        CHECK(std::string(first.data(), 8) == "..456...");
        // Short at the end of the file, and 0 behind it.
        CHECK(complete(ring, lio::op::read_fixed(file, buffers[0], 9)).result().value() == 1);
        CHECK(complete(ring, lio::op::read_fixed(file, buffers[0], 10)).result().value() == 0);
        CHECK(std::string(first.data(), 8) == "9.456...");

        second.fill('s');
        CHECK(complete(ring, lio::op::write_fixed(file, buffers[1].part(6, 2), 3)).result().value() == 2);
        CHECK(content_of(directory / "file") == "012ss56789");
        first.fill('f');
        CHECK(complete(ring, lio::op::write_fixed(file, buffers[0], 10)).result<lio::op::write_fixed>().value() == 8);
        CHECK(content_of(directory / "file") == "012ss56789ffffffff");
    });
}

TEST_CASE("a buffer that is not registered, or memory outside of it, fails with EFAULT") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_RDWR};
        alignas(64) static char memory[64];
        const lio::mutable_bytes list[] = {{memory, 32}};
        auto buffers = lio::registered_buffers::create(ring, list).value();
        const lio::registered_buffer no_such{1, {memory, 8}};
        const lio::registered_buffer outside{0, {memory + 28, 8}};
        CHECK(code_of(complete(ring, lio::op::read_fixed(file, no_such, 0))) == EFAULT);
        CHECK(code_of(complete(ring, lio::op::write_fixed(file, no_such, 0))) == EFAULT);
        CHECK(code_of(complete(ring, lio::op::read_fixed(file, outside, 0))) == EFAULT);
        CHECK(code_of(complete(ring, lio::op::write_fixed(file, outside, 0))) == EFAULT);
        CHECK(code_of(complete(ring, lio::op::read_fixed(-1, buffers[0], 0))) == EBADF);
        CHECK(content_of(directory / "file") == "0123456789");
    });
}

TEST_CASE("registered files are read and written by slot, after their descriptors were closed") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "one", "first file");
        make_file(directory / "two", "second file");
        auto files = [&] {
            const open_file one{directory / "one", O_RDWR};
            const open_file two{directory / "two", O_RDWR};
            return lio::registered_files::create(ring, std::array<int, 3>{one, -1, two}).value();
        }();
        char memory[7] = "......";
        CHECK(complete(ring, lio::op::read(files[2], lio::mutable_bytes{memory, 6}, 0)).result().value() == 6);
        CHECK(memory == "second"sv);
        CHECK(complete(ring, lio::op::write(files[0], "FIRST"sv, 0)).result().value() == 5);
        CHECK(content_of(directory / "one") == "FIRST file");
        const ::iovec piece{memory, 5};
        CHECK(complete(ring, lio::op::readv(files[0], &piece, 1, 0)).result().value() == 5);
        CHECK(memory == "FIRSTd"sv);
        CHECK(code_of(complete(ring, lio::op::fsync(files[0]))) == 0);

        // An empty slot, and none at all.
        CHECK(code_of(complete(ring, lio::op::read(files[1], memory, 0))) == EBADF);
        CHECK(code_of(complete(ring, lio::op::read(direct_descriptor{3}, memory, 0))) == EBADF);
        CHECK(memory == "FIRSTd"sv);
    });
}

TEST_CASE("a write, an fsync and a read in a chain happen in that order") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        const open_file file{directory / "file", O_RDWR | O_CREAT};
        std::string written(100'000, '?');
        for (std::size_t i = 0; i < written.size(); ++i) written[i] = static_cast<char>('a' + i % 26);
        std::string read(written.size(), '.');
        const auto results = results_of(ring, lio::op::write(file, written, 0).link(), lio::op::fsync(file).link(),
                                        lio::op::read(file, read, 0).link(), lio::op::close(::dup(file)));
        CHECK(results == std::vector<int>{100'000, 0, 100'000, 0});
        CHECK((read == written));
        CHECK((content_of(directory / "file") == written));
    });
}

TEST_CASE("a chain that breaks on a short read cancels what follows with ECANCELED [hazard 32]", "[hazard 32]") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_RDWR};
        char memory[8];
        const auto results = results_of(ring, lio::op::read(file, lio::mutable_bytes{memory, 8}, 6).link(),
                                        lio::op::write(file, "never"sv, 0).link(), nop());
        CHECK(results == std::vector<int>{4, -ECANCELED, -ECANCELED});
        CHECK(content_of(directory / "file") == "0123456789");

        // The error says which of the two it was.
        const auto failing = results_of(ring, lio::op::read(-1, memory, 0).link(), nop());
        CHECK(failing == std::vector<int>{-EBADF, -ECANCELED});
    });
}

TEST_CASE("a hard link goes on after a short read and after a failure [hazard 32]", "[hazard 32]") {
    under_each_setup([](lio::ring& ring) {
        if ((ring.features() & lio::abi::feat_linked_file) == 0)
            return lio::test::record_partial_skip("before Linux 5.17 a bad descriptor anywhere fails the whole chain");
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_RDWR};
        char memory[8];
        const auto results = results_of(ring, lio::op::read(file, lio::mutable_bytes{memory, 8}, 6).hard_link(),
                                        lio::op::read(-1, memory, 0).hard_link(), lio::op::write(file, "X"sv, 0));
        CHECK(results[0] == 4);
        CHECK(results[1] == -EBADF);
        CHECK(results[2] == 1);
        CHECK(content_of(directory / "file") == "X123456789");
    });
}

TEST_CASE("many reads at once all bring what is at their offset") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        std::string content(64 * 512, '?');
        for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i / 512 + i % 7);
        make_file(directory / "file", content);
        const open_file file{directory / "file", O_RDONLY};
        std::vector<std::array<char, 512>> blocks(64);
        for (std::uint64_t i = 0; i < 64; ++i)
            ring.push(lio::op::read(file, blocks[static_cast<std::size_t>(i)], i * 512).user_data(i)).value();
        for (unsigned seen = 0; seen < 64; ++seen) {
            ring.submit_and_wait(1).value();
            REQUIRE(ring.next().value().result().value() == 512);
        }
        for (std::size_t i = 0; i < 64; ++i) CHECK(std::memcmp(blocks[i].data(), content.data() + i * 512, 512) == 0);
    });
}

// Reads that pick a buffer.

namespace {

/// Whether this kernel has buffer rings (Linux 5.19).
bool has_buffer_rings() {
    static const bool answer = [] {
        lio::ring asked = lio::ring::create({.entries = 4, .exactly = true}).value();
        return lio::buffer_ring::create(asked, {.group = 0, .count = 1, .size = 1}).has_value();
    }();
    return answer;
}

std::string text_of(lio::mutable_bytes memory) { return {reinterpret_cast<const char*>(memory.data()), memory.size()}; }

void put(int file, std::string_view text) {
    REQUIRE(::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

} // namespace

TEST_CASE("a read into a group fills the buffer that its completion names") {
    if (!has_buffer_rings()) LIO_SKIP("buffer rings need Linux 5.19");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_RDONLY};
        auto buffers = lio::buffer_ring::create(ring, {.group = 3, .count = 2, .size = 8}).value();

        const lio::cqe limited = complete(ring, lio::op::read(file, buffers.group(), 2, 4));
        REQUIRE(limited.result<lio::op::read>().value() == 4);
        REQUIRE(limited.buffer_id());
        CHECK(text_of(buffers.filled(limited)) == "2345");
        // At the end of the file it is short, and picks the other buffer.
        const lio::cqe shorter = complete(ring, lio::op::read(file, buffers.group(), 7, 8));
        REQUIRE(shorter.result().value() == 3);
        REQUIRE(shorter.buffer_id());
        CHECK(*shorter.buffer_id() != *limited.buffer_id());
        CHECK(text_of(buffers.filled(shorter)) == "789");
        CHECK(text_of(buffers.filled(limited)) == "2345");

        // None is left; one given back is used again.
        const lio::cqe starved = complete(ring, lio::op::read(file, buffers.group(), 0, 4));
        CHECK(code_of(starved) == ENOBUFS);
        CHECK_FALSE(starved.buffer_id());
        buffers.recycle(shorter);
        const lio::cqe again = complete(ring, lio::op::read(file, buffers.group(), 0, 1));
        REQUIRE(again.result().value() == 1);
        CHECK(*again.buffer_id() == *shorter.buffer_id());
        CHECK(text_of(buffers.filled(again)) == "0");
        CHECK(::lseek(file, 0, SEEK_CUR) == 0);
    });
}

TEST_CASE("a read into a group without a limit fills the buffer, and waits for bytes before it takes one") {
    if (!has_buffer_rings()) LIO_SKIP("buffer rings need Linux 5.19");
    under_each_setup([](lio::ring& ring) {
        pipe_ends pipe;
        auto buffers = lio::buffer_ring::create(ring, {.group = 3, .count = 1, .size = 4}).value();
        ring.push(lio::op::read(pipe.reading(), buffers.group(), 0).user_data(1)).value();
        REQUIRE(lio::test::stays_quiet(ring, 5));
        put(pipe.writing(), "abcdef");
        const lio::cqe done = next_soon(ring);
        if (done.result().value() == 0) return lio::test::record_partial_skip("a limit of 0 needs Linux 6.0");
        CHECK(done.result().value() == 4);
        REQUIRE(done.buffer_id());
        CHECK(text_of(buffers.filled(done)) == "abcd");
        buffers.recycle(done);
        const lio::cqe rest = complete(ring, lio::op::read(pipe.reading(), buffers.group(), 0));
        CHECK(text_of(buffers.filled(rest)) == "ef");
        buffers.recycle(rest);

        // The end of the file can take a buffer too, which is given back like any other.
        pipe.close_writing();
        const lio::cqe end = complete(ring, lio::op::read(pipe.reading(), buffers.group(), 0));
        CHECK(end.result().value() == 0);
        if (end.buffer_id()) buffers.recycle(end);
        CHECK(complete(ring, lio::op::read(pipe.reading(), buffers.group(), 0)).result().value() == 0);
    });
}

TEST_CASE("a readv into a group takes its limit from the one piece, and leaves alone where that points") {
    if (!has_buffer_rings()) LIO_SKIP("buffer rings need Linux 5.19");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_RDONLY};
        auto buffers = lio::buffer_ring::create(ring, {.group = 3, .count = 4, .size = 8}).value();
        char untouched[] = ".....";
        const ::iovec five{untouched, 5};
        const lio::cqe done = complete(ring, lio::op::readv(file, buffers.group(), five, 4));
        REQUIRE(done.result<lio::op::readv>().value() == 5);
        REQUIRE(done.buffer_id());
        CHECK(text_of(buffers.filled(done)) == "45678");
        CHECK(untouched == "....."sv);
        // A limit that is more than a buffer is the buffer.
        const ::iovec hundred{untouched, 100};
        const lio::cqe whole = complete(ring, lio::op::readv(file, buffers.group(), hundred, 1));
        CHECK(whole.result().value() == 8);
        CHECK(text_of(buffers.filled(whole)) == "12345678");
        CHECK(code_of(complete(ring, lio::op::readv(-1, buffers.group(), five, 0))) == EBADF);
    });
}

TEST_CASE("a read from a group that there is not fails with ENOBUFS") {
    if (!has_buffer_rings()) LIO_SKIP("buffer rings need Linux 5.19");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_RDONLY};
        CHECK(code_of(complete(ring, lio::op::read(file, lio::buffer_group{9}, 0, 4))) == ENOBUFS);
        CHECK(code_of(complete(ring, lio::op::read(-1, lio::buffer_group{9}, 0, 4))) == EBADF);
    });
}

// Multishot reads.

namespace {

lio::multishot_completion<lio::op::read_multishot> next_item(lio::ring& ring) {
    return next_soon(ring).as<lio::op::read_multishot>();
}

} // namespace

TEST_CASE("read_multishot brings what comes through a pipe, piece by piece, until the writer is gone") {
    if (!kernel_supports(lio::abi::opcode::read_multishot)) LIO_SKIP("read_multishot needs Linux 6.7");
    under_each_setup([](lio::ring& ring) {
        pipe_ends pipe;
        auto buffers = lio::buffer_ring::create(ring, {.group = 3, .count = 4, .size = 8}).value();
        ring.push(lio::op::read_multishot(pipe.reading(), buffers.group()).user_data(7)).value();
        REQUIRE(lio::test::stays_quiet(ring, 5));
        for (const std::string_view text : {"one"sv, "two"sv, "three"sv, "four"sv, "five"sv, "six"sv}) {
            put(pipe.writing(), text);
            const lio::cqe done = next_soon(ring);
            CHECK(done.user_data() == 7);
            const auto item = done.as<lio::op::read_multishot>();
            REQUIRE(item.event() == multishot_event::item);
            CHECK(item.item() == text.size());
            CHECK_FALSE(item.ended());
            REQUIRE(item.buffer_id());
            CHECK(text_of(buffers.filled(done)) == text);
            buffers.recycle(done);
        }
        // More than a buffer holds comes in several.
        put(pipe.writing(), "abcdefghijklmnop");
        std::string all;
        while (all.size() < 16) {
            const lio::cqe done = next_soon(ring);
            REQUIRE(done.as<lio::op::read_multishot>().event() == multishot_event::item);
            all += text_of(buffers.filled(done));
            buffers.recycle(done);
        }
        CHECK(all == "abcdefghijklmnop");

        pipe.close_writing();
        const auto end = next_item(ring);
        CHECK(end.event() == multishot_event::end);
        CHECK(end.ended());
        CHECK_FALSE(end.has_item());
        CHECK_FALSE(end.buffer_id());
        CHECK(lio::test::stays_quiet(ring, 5));
    });
}

TEST_CASE("read_multishot starves when the group is empty, and loses nothing [hazard 34]", "[hazard 34]") {
    if (!kernel_supports(lio::abi::opcode::read_multishot)) LIO_SKIP("read_multishot needs Linux 6.7");
    under_each_setup([](lio::ring& ring) {
        pipe_ends pipe;
        auto buffers = lio::buffer_ring::create(ring, {.group = 3, .count = 2, .size = 4}).value();
        put(pipe.writing(), "aaaabbbbcc");
        ring.push(lio::op::read_multishot(pipe.reading(), buffers.group())).value();
        const lio::cqe first = next_soon(ring);
        const lio::cqe second = next_soon(ring);
        CHECK(text_of(buffers.filled(first)) == "aaaa");
        CHECK(text_of(buffers.filled(second)) == "bbbb");
        const auto starved = next_item(ring);
        CHECK(starved.event() == multishot_event::starved);
        CHECK(starved.ended());
        CHECK(starved.problem().code() == ENOBUFS);
        CHECK_FALSE(starved.buffer_id());

        buffers.recycle(first);
        ring.push(lio::op::read_multishot(pipe.reading(), buffers.group())).value();
        const lio::cqe third = next_soon(ring);
        CHECK(third.as<lio::op::read_multishot>().event() == multishot_event::item);
        CHECK(text_of(buffers.filled(third)) == "cc");
        buffers.recycle(third);
        buffers.recycle(second);
        pipe.close_writing();
        CHECK(next_item(ring).event() == multishot_event::end);
    });
}

TEST_CASE("read_multishot that is cancelled says so, and leaves what comes later in the pipe") {
    if (!kernel_supports(lio::abi::opcode::read_multishot)) LIO_SKIP("read_multishot needs Linux 6.7");
    under_each_setup([](lio::ring& ring) {
        const pipe_ends pipe;
        auto buffers = lio::buffer_ring::create(ring, {.group = 3, .count = 2, .size = 4}).value();
        ring.push(lio::op::read_multishot(pipe.reading(), buffers.group()).user_data(1)).value();
        REQUIRE(lio::test::stays_quiet(ring, 5));
        ring.push(lio::op::cancel(1).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code_of(lio::test::of(done, 2)) == 0);
        const auto ended = lio::test::of(done, 1).as<lio::op::read_multishot>();
        CHECK(ended.event() == multishot_event::cancelled);
        CHECK(ended.ended());
        put(pipe.writing(), "late");
        CHECK(lio::test::stays_quiet(ring, 5));
        char memory[8];
        CHECK(::read(pipe.reading(), memory, sizeof memory) == 4);
    });
}

TEST_CASE("read_multishot counts an eventfd, by slot") {
    if (!kernel_supports(lio::abi::opcode::read_multishot)) LIO_SKIP("read_multishot needs Linux 6.7");
    under_each_setup([](lio::ring& ring) {
        const open_file event{::eventfd(0, EFD_CLOEXEC)};
        auto files = lio::registered_files::create(ring, std::array<int, 1>{event}).value();
        auto buffers = lio::buffer_ring::create(ring, {.group = 3, .count = 2, .size = 8}).value();
        ring.push(lio::op::read_multishot(files[0], buffers.group()).user_data(1)).value();
        REQUIRE(lio::test::stays_quiet(ring, 5));
        for (const std::uint64_t count : {1u, 40u, 2u}) {
            REQUIRE(::write(event, &count, sizeof count) == 8);
            const lio::cqe done = next_soon(ring);
            REQUIRE(done.as<lio::op::read_multishot>().event() == multishot_event::item);
            CHECK(done.result<lio::op::read_multishot>().value() == 8);
            std::uint64_t seen = 0;
            std::memcpy(&seen, buffers.filled(done).data(), sizeof seen);
            CHECK(seen == count);
            buffers.recycle(done);
        }
        // Nothing may be left that picks from the group when the group goes.
        ring.push(lio::op::cancel(1).user_data(2)).value();
        CHECK(lio::test::of(next_soon(ring, 2), 1).as<lio::op::read_multishot>().event() == multishot_event::cancelled);
    });
}

TEST_CASE("read_multishot fails at once on what cannot be waited for, and on what cannot be read") {
    if (!kernel_supports(lio::abi::opcode::read_multishot)) LIO_SKIP("read_multishot needs Linux 6.7");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_RDONLY};
        const pipe_ends pipe;
        auto buffers = lio::buffer_ring::create(ring, {.group = 3, .count = 2, .size = 4}).value();
        const auto answer = [&ring](const lio::op::read_multishot& operation) {
            const auto done = complete(ring, operation).as<lio::op::read_multishot>();
            CHECK(done.event() == multishot_event::failed);
            CHECK(done.ended());
            CHECK_FALSE(done.buffer_id());
            return done.problem().code();
        };
        CHECK(answer(lio::op::read_multishot(file, buffers.group())) == EBADFD);
        CHECK(answer(lio::op::read_multishot(pipe.writing(), buffers.group())) == EBADF);
        CHECK(answer(lio::op::read_multishot(-1, buffers.group())) == EBADF);
        CHECK(answer(lio::op::read_multishot(direct_descriptor{0}, buffers.group())) == EBADF);
    });
}

// Vectors in a registered buffer.

TEST_CASE("readv_fixed and writev_fixed go through their pieces of a registered buffer in order") {
    if (!kernel_supports(lio::abi::opcode::readv_fixed)) LIO_SKIP("readv_fixed and writev_fixed need Linux 6.15");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_RDWR};
        alignas(64) std::array<char, 16> other;
        alignas(64) std::array<char, 16> memory;
        other.fill('o');
        memory.fill('.');
        const lio::mutable_bytes list[] = {other, memory};
        auto buffers = lio::registered_buffers::create(ring, list).value();

        // Backwards, with a gap.
        std::array<::iovec, 3> into = {{{memory.data() + 10, 2}, {memory.data(), 3}, {memory.data() + 4, 1}}};
        const lio::cqe read = complete(ring, lio::op::readv_fixed(file, into, buffers[1], 1));
        CHECK(read.result<lio::op::readv_fixed>().value() == 6);
        CHECK(std::string(memory.data(), 16) == "345.6.....12....");
        // Short at the end of the file, and 0 behind it.
        CHECK(complete(ring, lio::op::readv_fixed(file, into, buffers[1], 7)).result().value() == 3);
        CHECK(std::string(memory.data(), 16) == "945.6.....78....");
        CHECK(complete(ring, lio::op::readv_fixed(file, into, buffers[1], 10)).result().value() == 0);

        const ::iovec from[] = {{memory.data() + 10, 2}, {memory.data() + 1, 2}};
        const lio::cqe written = complete(ring, lio::op::writev_fixed(file, from, buffers[1], 2));
        CHECK(written.result<lio::op::writev_fixed>().value() == 4);
        CHECK(content_of(directory / "file") == "0178456789");
        // Of the buffer only the number counts.
        const auto append = lio::op::writev_fixed(file, from, buffers[1].part(0, 1), 0).flags(rw_flag::append);
        CHECK(complete(ring, append).result().value() == 4);
        CHECK(content_of(directory / "file") == "01784567897845");
        CHECK(std::string(other.data(), 16) == std::string(16, 'o'));
        CHECK(::lseek(file, 0, SEEK_CUR) == 0);
    });
}

TEST_CASE("readv_fixed and writev_fixed take no piece that is not within the buffer") {
    if (!kernel_supports(lio::abi::opcode::readv_fixed)) LIO_SKIP("readv_fixed and writev_fixed need Linux 6.15");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_RDWR};
        alignas(64) static char memory[64];
        std::fill(std::begin(memory), std::end(memory), '.');
        const lio::mutable_bytes list[] = {{memory + 8, 32}, {memory + 48, 8}};
        auto buffers = lio::registered_buffers::create(ring, list).value();
        const auto answers = [&](const lio::iovec_list& pieces, lio::registered_buffer buffer, int expected) {
            CHECK(code_of(complete(ring, lio::op::readv_fixed(file, pieces, buffer, 0))) == expected);
            CHECK(code_of(complete(ring, lio::op::writev_fixed(file, pieces, buffer, 0))) == expected);
        };
        const ::iovec inside[] = {{memory + 8, 1}, {memory + 39, 1}};
        const ::iovec before[] = {{memory + 8, 1}, {memory + 7, 2}};
        const ::iovec behind[] = {{memory + 8, 1}, {memory + 39, 2}};
        const ::iovec of_the_other[] = {{memory + 8, 1}, {memory + 48, 2}};
        const ::iovec empty[] = {{memory + 8, 1}, {memory + 9, 0}};
        answers(before, buffers[0], EFAULT);
        answers(behind, buffers[0], EFAULT);
        answers(of_the_other, buffers[0], EFAULT);
        answers(inside, buffers[1], EFAULT);
        answers(empty, buffers[0], EFAULT);
        answers(inside, lio::registered_buffer{2, {memory + 8, 32}}, EFAULT);
        const std::vector<::iovec> many(1025, ::iovec{memory + 8, 1});
        answers(many, buffers[0], EINVAL);
        // More than the field can say does not become a small number.
        if constexpr (sizeof(std::size_t) > 4)
            answers(lio::iovec_list{many.data(), std::size_t{0xffffffff} + 2}, buffers[0], ENOMEM);
        CHECK(code_of(complete(ring, lio::op::readv_fixed(-1, inside, buffers[0], 0))) == EBADF);
        CHECK(code_of(complete(ring, lio::op::writev_fixed(-1, inside, buffers[0], 0))) == EBADF);
        CHECK(std::all_of(std::begin(memory), std::end(memory), [](char c) { return c == '.'; }));
        CHECK(content_of(directory / "file") == "0123456789");

        CHECK(complete(ring, lio::op::readv_fixed(file, inside, buffers[0], 4)).result().value() == 2);
        CHECK((memory[8] == '4' && memory[39] == '5'));
    });
}

TEST_CASE("the array of readv_fixed may change once it is submitted [hazard 40]", "[hazard 40]") {
    if (!kernel_supports(lio::abi::opcode::readv_fixed)) LIO_SKIP("readv_fixed and writev_fixed need Linux 6.15");
    under_each_setup([](lio::ring& ring) {
        const pipe_ends pipe;
        std::array<char, 8> memory;
        memory.fill('.');
        const lio::mutable_bytes list[] = {memory};
        auto buffers = lio::registered_buffers::create(ring, list).value();
        ::iovec pieces[] = {{memory.data() + 6, 2}, {memory.data(), 2}};
        ring.push(lio::op::readv_fixed(pipe.reading(), pieces, buffers[0], 0)).value();
        submit_and_let_take(ring);
        pieces[0] = {memory.data() + 3, 2};
        pieces[1] = {nullptr, 1'000'000};
        put(pipe.writing(), "abcd");
        CHECK(next_soon(ring).result().value() == 4);
        CHECK(std::string(memory.data(), 8) == "cd....ab");
    });
}

// Write streams and protection information.

namespace {

/// A disk that may be written to without harm: one of the scsi_debug module, which is memory, or the one that was named
/// for it. Empty if there is none.
struct harmless_disk {
    std::string path;
    bool has_protection = false;
    bool is_scsi_debug = false;
    unsigned block_size = 512;
    // How much it writes whole or not at all; 0 if it does not say.
    std::size_t atomic_limit = 0;

    static harmless_disk find() {
        harmless_disk found;
        std::error_code ignored;
        for (const auto& entry : std::filesystem::directory_iterator{"/sys/block", ignored}) {
            const auto line_of = [&entry](const char* name) {
                std::string line;
                std::getline(std::ifstream{entry.path() / name}, line);
                return line.substr(0, line.find_last_not_of(" \n") + 1);
            };
            const bool is_scsi_debug = line_of("device/model") == "scsi_debug";
            const std::string path = "/dev/" + entry.path().filename().string();
            if (!is_scsi_debug && path != lio::test::scratch_disk()) continue;
            found.path = path;
            found.is_scsi_debug = is_scsi_debug;
            found.has_protection = line_of("integrity/tag_size") != "" && line_of("integrity/format") != "none";
            found.block_size = static_cast<unsigned>(std::stoul(line_of("queue/logical_block_size")));
            const std::string limit = line_of("queue/atomic_write_unit_max_bytes");
            found.atomic_limit = limit.empty() ? 0 : std::stoul(limit);
            if (found.has_protection) break;
        }
        return found;
    }
};

/// The checksum of a block in the T10 format: x^16 + x^15 + x^11 + x^9 + x^8 + x^7 + x^5 + x^4 + x^2 + x + 1.
std::uint16_t guard_of(const unsigned char* block, std::size_t size) {
    unsigned sum = 0;
    for (std::size_t i = 0; i < size; ++i) {
        sum ^= static_cast<unsigned>(block[i]) << 8;
        for (int bit = 0; bit < 8; ++bit) sum = ((sum << 1) ^ ((sum & 0x8000) != 0 ? 0x8bb7u : 0u)) & 0xffff;
    }
    return static_cast<std::uint16_t>(sum);
}

/// One tuple in the device's byte order: guard, application tag, reference tag.
void put_tuple(unsigned char* tuple, std::uint16_t guard, std::uint16_t application, std::uint32_t reference) {
    const std::uint64_t all = std::uint64_t{guard} << 48 | std::uint64_t{application} << 32 | reference;
    for (unsigned i = 0; i < 8; ++i) tuple[i] = static_cast<unsigned char>(all >> (56 - 8 * i));
}

bool knows_attributes(const lio::ring& ring) { return (ring.features() & lio::abi::feat_rw_attr) != 0; }

} // namespace

TEST_CASE("a write to a stream writes, where the file knows no streams") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_RDWR};
        char memory[] = "abc";
        const ::iovec piece{memory, 3};
        CHECK(complete(ring, lio::op::write(file, "xyz"sv, 0).write_stream(1)).result().value() == 3);
        CHECK(complete(ring, lio::op::writev(file, &piece, 1, 4).write_stream(255)).result().value() == 3);
        CHECK(content_of(directory / "file") == "xyz3abc789");
    });
}

TEST_CASE("a write to a stream that the device does not have fails with EINVAL") {
    const harmless_disk disk = harmless_disk::find();
    if (disk.path.empty())
        LIO_SKIP("a disk of scsi_debug, or one that may be overwritten (LIO_SCRATCH_DISK); Linux 6.16");
    under_each_setup([&disk](lio::ring& ring) {
        const open_file file{disk.path, O_RDWR | O_DIRECT};
        alignas(4096) static unsigned char block[4096];
        std::memset(block, 's', sizeof block);
        CHECK(complete(ring, lio::op::write(file, block, 0)).result().value() == sizeof block);
        CHECK(complete(ring, lio::op::write(file, block, 0).write_stream(0)).result().value() == sizeof block);
        const lio::cqe done = complete(ring, lio::op::write(file, block, 0).write_stream(255));
        if (code_of(done) == 0) return lio::test::record_partial_skip("write streams need Linux 6.16");
        CHECK(code_of(done) == EINVAL);
    });
}

TEST_CASE("protection information is refused on a file that has none") {
    under_each_setup([](lio::ring& ring) {
        if (!knows_attributes(ring)) return lio::test::record_partial_skip("protection information needs Linux 6.14");
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_RDWR};
        const pipe_ends pipe;
        char memory[8] = {};
        char tuples[8] = {};
        const ::iovec piece{memory, 4};
        const lio::mutable_bytes list[] = {memory};
        auto buffers = lio::registered_buffers::create(ring, list).value();
        const lio::protection_information information{tuples};
        const auto refused = [&](const auto& operation) {
            const int answer = code_of(complete(ring, operation.protection_information(information)));
            // Up to Linux 6.17 the kernel only minds that the file was not opened with O_DIRECT.
            CHECK((answer == EINVAL || answer == EOPNOTSUPP));
        };
        refused(lio::op::read(file, memory, 0));
        refused(lio::op::write(file, memory, 0));
        refused(lio::op::readv(file, &piece, 1, 0));
        refused(lio::op::writev(file, &piece, 1, 0));
        refused(lio::op::read_fixed(file, buffers[0], 0));
        refused(lio::op::write_fixed(file, buffers[0], 0));
        if (kernel_supports(lio::abi::opcode::readv_fixed)) {
            refused(lio::op::readv_fixed(file, lio::iovec_list{&piece, 1}, buffers[0], 0));
            refused(lio::op::writev_fixed(file, lio::iovec_list{&piece, 1}, buffers[0], 0));
        }
        refused(lio::op::write(pipe.writing(), memory, 0));
        CHECK(content_of(directory / "file") == "0123456789");
    });
}

TEST_CASE("protection information is refused on a disk that has none") {
    const harmless_disk disk = harmless_disk::find();
    if (disk.path.empty() || disk.has_protection)
        LIO_SKIP("a disk of scsi_debug, or one that may be overwritten (LIO_SCRATCH_DISK), without protection");
    under_each_setup([&disk](lio::ring& ring) {
        if (!knows_attributes(ring)) return lio::test::record_partial_skip("protection information needs Linux 6.14");
        const open_file file{disk.path, O_RDWR | O_DIRECT};
        alignas(4096) static unsigned char block[4096];
        unsigned char tuples[64] = {};
        const lio::protection_information information{tuples};
        CHECK(code_of(complete(ring, lio::op::write(file, block, 0).protection_information(information))) == EINVAL);
        CHECK(code_of(complete(ring, lio::op::read(file, block, 0).protection_information(information))) == EINVAL);
    });
}

TEST_CASE("protection information goes to the disk with a write and comes back with a read") {
    const harmless_disk disk = harmless_disk::find();
    if (!disk.has_protection || !disk.is_scsi_debug)
        LIO_SKIP("needs a disk of scsi_debug with dif=1 and dix=1, and Linux 6.14");
    under_each_setup([&disk](lio::ring& ring) {
        if (!knows_attributes(ring)) return lio::test::record_partial_skip("protection information needs Linux 6.14");
        const open_file file{disk.path, O_RDWR | O_DIRECT};
        constexpr unsigned count = 4;
        const std::size_t size = disk.block_size;
        alignas(4096) static unsigned char blocks[count * 4096];
        const lio::mutable_bytes data{blocks, count * size};
        unsigned char tuples[count * 8];
        const std::uint64_t place = 16;
        const std::uint64_t first = 1000; // not the number of the block: the kernel sees to that
        for (unsigned i = 0; i < count; ++i) {
            std::memset(blocks + i * size, static_cast<int>('a' + i), size);
            put_tuple(tuples + i * std::size_t{8}, guard_of(blocks + i * size, size), 0x1234,
                      static_cast<std::uint32_t>(first + i));
        }
        const auto information = lio::protection_information{tuples}
                                     .check(protection_check::guard | protection_check::reference_tag)
                                     .application_tag(0x1234)
                                     .seed(first);
        const auto write = lio::op::write(file, data, place * size).protection_information(information);
        REQUIRE(complete(ring, write).result<lio::op::write>().value() == data.size());

        alignas(4096) static unsigned char read[count * 4096];
        std::memset(read, 0, sizeof read);
        unsigned char read_tuples[count * 8] = {};
        const auto wanted = lio::protection_information{read_tuples}
                                .check(protection_check::guard | protection_check::reference_tag)
                                .seed(first);
        const lio::mutable_bytes read_data{read, data.size()};
        const auto operation = lio::op::read(file, read_data, place * size).protection_information(wanted);
        REQUIRE(complete(ring, operation).result<lio::op::read>().value() == data.size());
        CHECK(std::memcmp(read, blocks, data.size()) == 0);
        CHECK(std::memcmp(read_tuples, tuples, sizeof tuples) == 0);

        // In two pieces, and into registered memory.
        std::memset(read, 0, sizeof read);
        std::memset(read_tuples, 0, sizeof read_tuples);
        const ::iovec pieces[] = {{read + size, 3 * size}, {read, size}};
        const auto vectored = lio::op::readv(file, pieces, place * size).protection_information(wanted);
        REQUIRE(complete(ring, vectored).result<lio::op::readv>().value() == data.size());
        CHECK(std::memcmp(read + size, blocks, 3 * size) == 0);
        CHECK(std::memcmp(read, blocks + 3 * size, size) == 0);
        CHECK(std::memcmp(read_tuples, tuples, sizeof tuples) == 0);
        const lio::mutable_bytes list[] = {read_data};
        auto buffers = lio::registered_buffers::create(ring, list).value();
        std::memset(read_tuples, 0, sizeof read_tuples);
        const auto fixed = lio::op::read_fixed(file, buffers[0], place * size).protection_information(wanted);
        REQUIRE(complete(ring, fixed).result<lio::op::read_fixed>().value() == data.size());
        CHECK(std::memcmp(read, blocks, data.size()) == 0);
        CHECK(std::memcmp(read_tuples, tuples, sizeof tuples) == 0);

        // A wrong checksum is found on the way, and nothing is written.
        tuples[8] = static_cast<unsigned char>(~tuples[8]);
        std::memset(blocks, 'z', data.size());
        CHECK_FALSE(complete(ring, write).result());
        std::memset(read, 0, sizeof read);
        const auto place_of_data = static_cast<off_t>(place * size);
        REQUIRE(::pread(file, read, data.size(), place_of_data) == static_cast<ssize_t>(data.size()));
        CHECK(read[0] == 'a');

        // Too little of it is an error as well.
        const lio::protection_information little{lio::mutable_bytes{tuples, 8}};
        CHECK(code_of(complete(ring, lio::op::write(file, data, 0).protection_information(little))) == EINVAL);
    });
}

TEST_CASE("a read or a write with no_wait fails with EAGAIN instead of waiting") {
    under_each_setup([](lio::ring& ring) {
        const pipe_ends pipe;
        char memory[4] = "...";
        const lio::cqe done = complete(ring, lio::op::read(pipe.reading(), memory, 0).flags(rw_flag::no_wait));
        if (code_of(done) == EOPNOTSUPP)
            return lio::test::record_partial_skip("no_wait on a pipe needs a later kernel than Linux 6.1");
        CHECK(code_of(done) == EAGAIN);
        REQUIRE(::fcntl(pipe.writing(), F_SETFL, O_NONBLOCK) == 0);
        const std::string page(4096, 'x');
        while (::write(pipe.writing(), page.data(), page.size()) > 0) continue;
        REQUIRE(::fcntl(pipe.writing(), F_SETFL, 0) == 0);
        CHECK(code_of(complete(ring, lio::op::write(pipe.writing(), memory, 0).flags(rw_flag::no_wait))) == EAGAIN);
        // What is there is taken.
        CHECK(complete(ring, lio::op::read(pipe.reading(), memory, 0).flags(rw_flag::no_wait)).result().value() == 4);
        CHECK(std::string(memory, 4) == "xxxx");
    });
}

TEST_CASE("a write with dont_cache writes, where the file system has that") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_RDWR};
        const lio::cqe done = complete(ring, lio::op::write(file, "abc"sv, 2).flags(rw_flag::dont_cache));
        if (code_of(done) == EOPNOTSUPP)
            return lio::test::record_partial_skip("dont_cache needs Linux 6.14 and a file system with it under /tmp");
        CHECK(done.result().value() == 3);
        CHECK(content_of(directory / "file") == "01abc56789");
        char memory[3] = "..";
        CHECK(complete(ring, lio::op::read(file, memory, 1).flags(rw_flag::dont_cache)).result().value() == 3);
        CHECK(std::string(memory, 3) == "1ab");
    });
}

TEST_CASE("an atomic write is refused on a file that does not have them") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_RDWR};
        CHECK(code_of(complete(ring, lio::op::write(file, "abc"sv, 2).flags(rw_flag::atomic))) == EOPNOTSUPP);
        char memory[4] = "...";
        CHECK(code_of(complete(ring, lio::op::read(file, memory, 2).flags(rw_flag::atomic))) == EOPNOTSUPP);
        CHECK(content_of(directory / "file") == "0123456789");
    });
}

TEST_CASE("an atomic write goes to a disk that has them") {
    const harmless_disk disk = harmless_disk::find();
    // With protection information scsi_debug cannot read back what was written so.
    if (disk.atomic_limit == 0 || disk.has_protection)
        LIO_SKIP("needs a disk with atomic writes and without protection information (scsi_debug with atomic_wr=1, or "
                 "LIO_SCRATCH_DISK), and Linux 6.11");
    under_each_setup([&disk](lio::ring& ring) {
        const open_file file{disk.path, O_RDWR | O_DIRECT};
        alignas(4096) static unsigned char block[4096];
        const std::size_t size = disk.atomic_limit < sizeof block ? disk.atomic_limit : sizeof block;
        const auto write = lio::op::write(file, lio::bytes{block, size}, 0).flags(rw_flag::atomic);
        std::memset(block, 'a', sizeof block);
        CHECK(complete(ring, write).result().value() == static_cast<int>(size));
        std::memset(block, 'b', sizeof block);
        REQUIRE(::pread(file, block, size, 0) == static_cast<ssize_t>(size));
        CHECK((block[0] == 'a' && block[size - 1] == 'a'));
        // Its size is a power of two, and its offset a multiple of that.
        const lio::bytes odd{block, 1536};
        CHECK(code_of(complete(ring, lio::op::write(file, odd, 0).flags(rw_flag::atomic))) == EINVAL);
    });
}

TEST_CASE("a flag that the kernel does not know is refused") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_RDWR};
        char memory[4] = "new";
        const auto unknown = static_cast<rw_flag>(1u << 30);
        CHECK(code_of(complete(ring, lio::op::read(file, memory, 0).flags(unknown))) == EOPNOTSUPP);
        CHECK(code_of(complete(ring, lio::op::write(file, memory, 0).flags(rw_flag::append | unknown))) == EOPNOTSUPP);
        CHECK(content_of(directory / "file") == "content");
    });
}

TEST_CASE("a read that waits for a pipe is cancelled, and keeps its memory until it says so") {
    under_each_setup([](lio::ring& ring) {
        const pipe_ends pipe;
        char memory[8] = "...";
        ring.push(lio::op::read(pipe.reading(), memory, 0).user_data(1)).value();
        REQUIRE(lio::test::stays_quiet(ring, 5));
        ring.push(lio::op::cancel(1).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code_of(lio::test::of(done, 1)) == ECANCELED);
        put(pipe.writing(), "late");
        CHECK(memory == "..."sv);
    });
}

} // namespace read_write_test
