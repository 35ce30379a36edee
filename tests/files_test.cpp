// Operations on files, on real files: what they do is looked at from outside the ring, with plain POSIX calls. And how
// they are encoded. One test at a time; SIGPIPE is handled in one of them.

// Files beyond 4 GiB, on 32-bit machines too. Before every header.
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif

#include "catch.hpp"
#include "support/encoding.hpp"
#include "support/files.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/waiting.hpp"

#include <lio/abi/setup.hpp>
#include <lio/op/all.hpp>
#include <lio/op/nop.hpp>
#include <lio/registered_buffers.hpp>
#include <lio/registered_files.hpp>
#include <lio/ring.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

using namespace std::string_view_literals;

using lio::current_directory;
using lio::current_position;
using lio::direct_descriptor;
using lio::rw_flag;
using lio::op::nop;
using lio::test::complete;
using lio::test::content_of;
using lio::test::exists;
using lio::test::expected_entry;
using lio::test::file_mode_mask;
using lio::test::is_open;
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
    [&]<std::size_t... n>(std::index_sequence<n...>) {
        ring.push(operations.user_data(std::uint64_t{n})...).value();
    }(std::index_sequence_for<Operations...>{});
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

/// Closing a slot came with Linux 5.15, as did mkdirat; the probe cannot be asked for it.
bool slots_can_be_closed() { return kernel_supports(lio::abi::opcode::mkdirat); }

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
static_assert(!std::is_constructible_v<lio::op::openat, direct_descriptor, const char*, int>, "a slot is no directory");
static_assert(!std::is_constructible_v<lio::op::openat, int, std::nullptr_t, int>);
static_assert(!std::is_constructible_v<lio::op::openat, int, std::string, int>, "a temporary path");
static_assert(std::is_constructible_v<lio::op::openat, int, std::string&, int>);
static_assert(std::is_constructible_v<lio::op::openat, int, const std::string&, int, mode_t>);
static_assert(!std::is_constructible_v<lio::op::openat2, int, const char*, lio::open_how>, "a temporary open_how");
static_assert(std::is_constructible_v<lio::op::openat2, int, const char*, lio::open_how&>);
static_assert(!std::is_constructible_v<lio::op::statx, int, const char*, int, unsigned, const struct ::statx&>);
static_assert(!std::is_constructible_v<lio::op::fallocate, int, int, decltype(current_position), int>);
static_assert(!std::is_convertible_v<int, lio::op::close>, "a number is not closed by accident");

static_assert(std::is_convertible_v<std::vector<::iovec>&, lio::iovec_list>);
static_assert(std::is_convertible_v<const std::array<::iovec, 2>&, lio::iovec_list>);
static_assert(std::is_convertible_v<::iovec (&)[2], lio::iovec_list>);
static_assert(std::is_convertible_v<const ::iovec (&)[2], lio::iovec_list>);
static_assert(!std::is_convertible_v<std::vector<::iovec>, lio::iovec_list>, "a temporary array");
static_assert(!std::is_convertible_v<::iovec (&&)[2], lio::iovec_list>, "a temporary array");
static_assert(!std::is_convertible_v<std::vector<char>&, lio::iovec_list>);

template <class Operation>
constexpr bool has_rw_flags = requires(const Operation& operation) { operation.flags(rw_flag::append); };
template <class Operation>
constexpr bool has_io_priority = requires(const Operation& operation) { operation.io_priority(1); };
static_assert(has_rw_flags<lio::op::write> && has_io_priority<lio::op::read_fixed> && has_rw_flags<lio::op::readv>);
static_assert(!has_rw_flags<lio::op::fsync> && !has_io_priority<lio::op::close> && !has_rw_flags<nop>);

// Something for the rows to point to.
char row_memory[64];
::iovec row_vectors[3];
const char row_path[] = "some/path";
const lio::open_how row_how{};
struct ::statx row_status;
const lio::registered_buffer row_buffer{513, lio::mutable_bytes{row_memory, sizeof row_memory}};

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

    add("fsync", op::fsync(5), expected_entry{}.u8(0, 3).s32(4, 5));
    add("fsync of a part of a slot's data", op::fsync(slot).datasync().range(0x100000000u, 4096).user_data(1).link(),
        expected_entry{}.u8(0, 3).u8(1, 5).s32(4, 7).u64(8, 0x100000000u).u32(24, 4096).u32(28, 1).u64(32, 1));

    add("openat", op::openat(current_directory, row_path, O_RDONLY),
        expected_entry{}.u8(0, 18).s32(4, -100).pointer(16, row_path).u32(28, O_RDONLY));
    add("openat in a directory, with flags and a mode",
        op::openat(6, row_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0640).user_data(1).personality(2),
        expected_entry{}
            .u8(0, 18)
            .s32(4, 6)
            .pointer(16, row_path)
            .u32(24, 0640)
            .u32(28, O_CREAT | O_WRONLY | O_CLOEXEC)
            .u64(32, 1)
            .u16(42, 2));
    add("openat2", op::openat2(current_directory, row_path, row_how),
        expected_entry{}.u8(0, 28).s32(4, -100).pointer(8, &row_how).pointer(16, row_path).u32(24, 24));
    add("openat2 in a directory, linked", op::openat2(6, row_path, row_how).link().user_data(3),
        expected_entry{}
            .u8(0, 28)
            .u8(1, 4)
            .s32(4, 6)
            .pointer(8, &row_how)
            .pointer(16, row_path)
            .u32(24, 24)
            .u64(32, 3));

    add("close", op::close(5), expected_entry{}.u8(0, 19).s32(4, 5));
    add("close of a slot", op::close(slot), expected_entry{}.u8(0, 19).u32(44, 8));
    add("close of a slot that is given as a descriptor", op::close(lio::descriptor{slot}).link(),
        expected_entry{}.u8(0, 19).u8(1, 4).u32(44, 8));
    add("close of the first slot", op::close(direct_descriptor{0}), expected_entry{}.u8(0, 19).u32(44, 1));
    add("close of the last slot there can be", op::close(direct_descriptor{0xffffffff}),
        expected_entry{}.u8(0, 19).u32(44, 0xffffffff));

    add("statx", op::statx(current_directory, row_path, 0, 0x7ff, row_status),
        expected_entry{}.u8(0, 21).s32(4, -100).pointer(8, &row_status).pointer(16, row_path).u32(24, 0x7ff));
    add("statx of a descriptor", op::statx(6, row_path, 0x1100, 0xffffffff, row_status).drain(),
        expected_entry{}
            .u8(0, 21)
            .u8(1, 2)
            .s32(4, 6)
            .pointer(8, &row_status)
            .pointer(16, row_path)
            .u32(24, 0xffffffff)
            .u32(28, 0x1100));

    add("fallocate", op::fallocate(5, 0, 0, 0x100000000u),
        expected_entry{}.u8(0, 17).s32(4, 5).u64(16, 0x100000000u));
    add("fallocate in a slot with a mode and an offset", op::fallocate(slot, 3, 0x200000000u, 1).user_data(1),
        expected_entry{}.u8(0, 17).u8(1, 1).s32(4, 7).u64(8, 0x200000000u).u64(16, 1).u32(24, 3).u64(32, 1));

    add("ftruncate", op::ftruncate(5, 0x100000001u), expected_entry{}.u8(0, 55).s32(4, 5).u64(8, 0x100000001u));
    add("ftruncate of a slot", op::ftruncate(slot, 0).link(), expected_entry{}.u8(0, 55).u8(1, 5).s32(4, 7));

    add("fadvise", op::fadvise(5, 4096, 0xffffffff, 3),
        expected_entry{}.u8(0, 24).s32(4, 5).u64(8, 4096).u32(24, 0xffffffff).u32(28, 3));
    add("fadvise for more than 4 GiB of a slot", op::fadvise(slot, 0, 0x100000000u, 1).force_async(),
        expected_entry{}.u8(0, 24).u8(1, 0x11).s32(4, 7).u64(16, 0x100000000u).u32(28, 1));
}};

} // namespace

TEST_CASE("the flags and structures of files have the system's values", "[layout]") {
    CHECK(static_cast<int>(rw_flag::high_priority) == RWF_HIPRI);
    CHECK(static_cast<int>(rw_flag::data_sync) == RWF_DSYNC);
    CHECK(static_cast<int>(rw_flag::sync) == RWF_SYNC);
    CHECK(static_cast<int>(rw_flag::no_wait) == RWF_NOWAIT);
    CHECK(static_cast<int>(rw_flag::append) == RWF_APPEND);
    CHECK(lio::current_directory == AT_FDCWD);
    CHECK(sizeof(lio::open_how) == 24);
    CHECK(offsetof(lio::open_how, mode) == 8);
    CHECK(offsetof(lio::open_how, resolve) == 16);
    CHECK(alignof(lio::open_how) == alignof(std::uint64_t));
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

TEST_CASE("close closes a descriptor, and a second time fails with EBADF") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        open_file file{directory / "file", O_RDONLY};
        const int number = file.release();
        REQUIRE(is_open(number));
        CHECK(complete(ring, lio::op::close(number)).result<lio::op::close>());
        CHECK_FALSE(is_open(number));
        CHECK(code_of(complete(ring, lio::op::close(number))) == EBADF);
        CHECK(code_of(complete(ring, lio::op::close(-1))) == EBADF);
    });
}

TEST_CASE("close empties a slot of the registered files, and no descriptor is closed [hazard 30]", "[hazard 30]") {
    if (!slots_can_be_closed()) LIO_SKIP("closing a slot needs Linux 5.15");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_RDONLY};
        auto files = lio::registered_files::create(ring, std::array<int, 2>{file, file}).value();
        const bool zero_was_open = is_open(0);
        char memory[4];
        for (const std::uint32_t slot : {0u, 1u}) {
            REQUIRE(complete(ring, lio::op::read(files[slot], memory, 0)).result().value() == 4);
            CHECK(complete(ring, lio::op::close(files[slot])).result<lio::op::close>());
            CHECK(code_of(complete(ring, lio::op::read(files[slot], memory, 0))) == EBADF);
            CHECK(code_of(complete(ring, lio::op::close(files[slot]))) == EBADF);
        }
        CHECK(is_open(0) == zero_was_open);
        CHECK(is_open(1));
        CHECK(is_open(2));
        CHECK(is_open(file));
    });
}

TEST_CASE("closing a slot that cannot be there is an error and leaves descriptor 0 alone [hazard 30]", "[hazard 30]") {
    if (!slots_can_be_closed()) LIO_SKIP("closing a slot needs Linux 5.15");
    if (!is_open(0)) LIO_SKIP("descriptor 0 is closed, so it cannot be seen to stay open");
    under_each_setup([](lio::ring& ring) {
        CHECK(code_of(complete(ring, lio::op::close(direct_descriptor{0}))) == ENXIO);
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_RDONLY};
        auto files = lio::registered_files::create(ring, std::array<int, 1>{file}).value();
        CHECK(code_of(complete(ring, lio::op::close(direct_descriptor{1}))) == EINVAL);
        CHECK(code_of(complete(ring, lio::op::close(direct_descriptor{0xfffffffe}))) == EINVAL);
        CHECK(code_of(complete(ring, lio::op::close(direct_descriptor{0xffffffff}))) == EINVAL);
        CHECK(is_open(0));
        char memory[4];
        CHECK(complete(ring, lio::op::read(files[0], memory, 0)).result().value() == 4);
    });
}

TEST_CASE("fsync succeeds on a file in each of its forms, and fails where there is nothing to write to") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_WRONLY};
        CHECK(complete(ring, lio::op::fsync(file)).result<lio::op::fsync>());
        CHECK(code_of(complete(ring, lio::op::fsync(file).datasync())) == 0);
        CHECK(code_of(complete(ring, lio::op::fsync(file).range(2, 3))) == 0);
        const pipe_ends pipe;
        CHECK(code_of(complete(ring, lio::op::fsync(pipe.writing()))) == EINVAL);
        CHECK(code_of(complete(ring, lio::op::fsync(-1))) == EBADF);
    });
}

TEST_CASE("openat opens what is there and creates what is not, with the mode that was given") {
    const file_mode_mask no_mask{0};
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        {
            const std::string path = directory / "file";
            const open_file opened{
                complete(ring, lio::op::openat(current_directory, path, O_RDONLY)).result<lio::op::openat>().value()};
            char memory[8] = {};
            CHECK(::read(opened, memory, sizeof memory) == 7);
            CHECK(memory == "content"sv);
            CHECK(::fcntl(opened, F_GETFD) == 0);
        }
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        const int flags = O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC;
        const open_file made{complete(ring, lio::op::openat(base, "new", flags, 0640)).result().value()};
        CHECK(::fcntl(made, F_GETFD) == FD_CLOEXEC);
        CHECK(::write(made, "x", 1) == 1);
        CHECK(content_of(directory / "new") == "x");
        struct ::stat status {};
        REQUIRE(::stat((directory / "new").c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0640);
    });
}

TEST_CASE("openat fails as open does") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        CHECK(code_of(complete(ring, lio::op::openat(base, "missing", O_RDONLY))) == ENOENT);
        CHECK(code_of(complete(ring, lio::op::openat(base, "", O_RDONLY))) == ENOENT);
        CHECK(code_of(complete(ring, lio::op::openat(base, "file", O_CREAT | O_EXCL | O_WRONLY, 0600))) == EEXIST);
        CHECK(code_of(complete(ring, lio::op::openat(base, "file", O_DIRECTORY))) == ENOTDIR);
        CHECK(code_of(complete(ring, lio::op::openat(-1, "file", O_RDONLY))) == EBADF);
        CHECK(content_of(directory / "file") == "content");
    });
}

TEST_CASE("the path and the structure of an open may change once it is submitted [hazard 40]", "[hazard 40]") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        std::string path = "right";
        // Behind the timer of a chain's head: it starts when path has long been another.
        pipe_ends pipe;
        char memory[1];
        ring.push(lio::op::read(pipe.reading(), memory, 0).link().user_data(1),
                  lio::op::openat(base, path, O_CREAT | O_WRONLY, 0600).user_data(2))
            .value();
        submit_and_let_take(ring);
        path = "wrong";
        REQUIRE(::write(pipe.writing(), "x", 1) == 1);
        ring.wait(2).value();
        REQUIRE(ring.next().value().user_data() == 1);
        const open_file opened{ring.next().value().result().value()};
        CHECK(exists(directory / "right"));
        CHECK_FALSE(exists(directory / "wrong"));

        if (!kernel_supports(lio::abi::opcode::openat2)) return;
        lio::open_how how{.flags = O_CREAT | O_WRONLY, .mode = 0600};
        path = "right too";
        ring.push(lio::op::read(pipe.reading(), memory, 0).link().user_data(1),
                  lio::op::openat2(base, path, how).user_data(2))
            .value();
        submit_and_let_take(ring);
        path = "wrong";
        how.flags = O_RDONLY;
        REQUIRE(::write(pipe.writing(), "x", 1) == 1);
        ring.wait(2).value();
        REQUIRE(ring.next().value().user_data() == 1);
        const open_file second{ring.next().value().result().value()};
        CHECK(exists(directory / "right too"));
        CHECK(::write(second, "x", 1) == 1);
    });
}

TEST_CASE("openat2 opens with the flags and the mode in its structure") {
    if (!kernel_supports(lio::abi::opcode::openat2)) LIO_SKIP("openat2 needs Linux 5.6");
    const file_mode_mask no_mask{0};
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        const std::string path = directory / "new";
        const lio::open_how how{.flags = O_CREAT | O_RDWR | O_CLOEXEC, .mode = 0604};
        const open_file made{
            complete(ring, lio::op::openat2(current_directory, path, how)).result<lio::op::openat2>().value()};
        CHECK(::fcntl(made, F_GETFD) == FD_CLOEXEC);
        struct ::stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0604);
    });
}

TEST_CASE("openat2 keeps to the limits that it was given, and refuses what it does not know") {
    if (!kernel_supports(lio::abi::opcode::openat2)) LIO_SKIP("openat2 needs Linux 5.6");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        REQUIRE(::mkdir((directory / "sub").c_str(), 0700) == 0);
        REQUIRE(::symlink("../file", (directory / "sub/link").c_str()) == 0);
        const open_file sub{directory / "sub", O_RDONLY | O_DIRECTORY};
        const auto try_open = [&ring](int base, const char* path, const lio::open_how& how) {
            const auto opened = complete(ring, lio::op::openat2(base, path, how)).result();
            if (!opened) return opened.error().code();
            ::close(*opened);
            return 0;
        };
        using lio::resolve_flag;
        CHECK(try_open(sub, "../file", {}) == 0);
        CHECK(try_open(sub, "../file", {.resolve = resolve_flag::beneath}) == EXDEV);
        CHECK(try_open(sub, "../file", {.resolve = resolve_flag::in_root}) == ENOENT);
        CHECK(try_open(sub, "link", {}) == 0);
        CHECK(try_open(sub, "link", {.resolve = resolve_flag::no_symlinks}) == ELOOP);
        CHECK(try_open(current_directory, "/proc/self/exe", {.resolve = resolve_flag::no_magic_links}) == ELOOP);
        CHECK(try_open(current_directory, "/proc/version",
                       {.resolve = resolve_flag::no_xdev | resolve_flag::no_symlinks}) == EXDEV);
        CHECK(try_open(sub, "missing", {}) == ENOENT);
        CHECK(try_open(sub, "../file", {.mode = 0600}) == EINVAL);
        CHECK(try_open(sub, "../file", {.flags = std::uint64_t{1} << 40}) == EINVAL);
        CHECK(try_open(sub, "../file", {.resolve = static_cast<resolve_flag>(1 << 20)}) == EINVAL);
    });
}

TEST_CASE("statx tells what stat tells, of a path and of a descriptor") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        struct ::stat expected {};
        REQUIRE(::stat((directory / "file").c_str(), &expected) == 0);

        struct ::statx status {};
        CHECK(complete(ring, lio::op::statx(base, "file", 0, STATX_BASIC_STATS, status)).result<lio::op::statx>());
        CHECK(status.stx_size == 10);
        CHECK(status.stx_ino == expected.st_ino);
        CHECK((status.stx_mask & STATX_SIZE) != 0);

        const open_file file{directory / "file", O_RDONLY};
        struct ::statx same {};
        CHECK(code_of(complete(ring, lio::op::statx(file, "", AT_EMPTY_PATH, STATX_SIZE | STATX_INO, same))) == 0);
        CHECK(same.stx_size == 10);
        CHECK(same.stx_ino == expected.st_ino);

        struct ::statx untouched {};
        CHECK(code_of(complete(ring, lio::op::statx(base, "missing", 0, STATX_SIZE, untouched))) == ENOENT);
        CHECK(code_of(complete(ring, lio::op::statx(base, "file", 0x40000000, STATX_SIZE, untouched))) == EINVAL);
        CHECK(code_of(complete(ring, lio::op::statx(-1, "file", 0, STATX_SIZE, untouched))) == EBADF);
        CHECK(untouched.stx_mask == 0);
    });
}

TEST_CASE("fallocate makes a file grow, or only its space, and takes space away beyond 4 GiB") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        const std::string path = directory / "file";
        make_file(path, "0123456789");
        const open_file file{path, O_RDWR};
        const lio::cqe first = complete(ring, lio::op::fallocate(file, 0, 100, 900));
        if (code_of(first) == EOPNOTSUPP)
            return lio::test::record_partial_skip("the file system of /tmp cannot allocate space");
        CHECK(first.result<lio::op::fallocate>());
        CHECK(size_of(path) == 1000);
        CHECK(content_of(path).substr(0, 10) == "0123456789");

        CHECK(code_of(complete(ring, lio::op::fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 1'000'000))) == 0);
        CHECK(size_of(path) == 1000);
        struct ::stat status {};
        REQUIRE(::fstat(file, &status) == 0);
        CHECK(status.st_blocks * 512 >= 1'000'000);

        // A hole from the tenth kilobyte to beyond 4 GiB: both numbers take their whole 64 bits.
        const off_t behind = 4'500'000'000;
        REQUIRE(::pwrite(file, "x", 1, behind) == 1);
        REQUIRE(::pwrite(file, "y", 1, behind - 1'000'000) == 1);
        const int hole = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
        const lio::cqe punched = complete(ring, lio::op::fallocate(file, hole, 0, 4'499'500'000u));
        if (code_of(punched) == EOPNOTSUPP)
            return lio::test::record_partial_skip("the file system of /tmp cannot make holes");
        CHECK(code_of(punched) == 0);
        char byte = '?';
        CHECK((::pread(file, &byte, 1, behind - 1'000'000) == 1 && byte == '\0'));
        CHECK((::pread(file, &byte, 1, behind) == 1 && byte == 'x'));
        CHECK((::pread(file, &byte, 1, 0) == 1 && byte == '\0'));
        CHECK(code_of(complete(ring, lio::op::fallocate(file, hole, 4'499'900'000u, 500'000))) == 0);
        CHECK((::pread(file, &byte, 1, behind) == 1 && byte == '\0'));
    });
}

TEST_CASE("fallocate fails as the system call does") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_RDWR};
        const open_file readable{directory / "file", O_RDONLY};
        const pipe_ends pipe;
        CHECK(code_of(complete(ring, lio::op::fallocate(file, 0, 0, 0))) == EINVAL);
        CHECK(code_of(complete(ring, lio::op::fallocate(file, 0, 0, ~std::uint64_t{0}))) == EINVAL);
        CHECK(code_of(complete(ring, lio::op::fallocate(readable, 0, 0, 10))) == EBADF);
        CHECK(code_of(complete(ring, lio::op::fallocate(pipe.writing(), 0, 0, 10))) == ESPIPE);
        CHECK(code_of(complete(ring, lio::op::fallocate(-1, 0, 0, 10))) == EBADF);
        CHECK(content_of(directory / "file") == "content");
    });
}

TEST_CASE("ftruncate cuts a file and lengthens it, beyond 4 GiB too") {
    if (!kernel_supports(lio::abi::opcode::ftruncate)) LIO_SKIP("ftruncate needs Linux 6.9");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        const std::string path = directory / "file";
        make_file(path, "0123456789");
        const open_file file{path, O_RDWR};
        CHECK(complete(ring, lio::op::ftruncate(file, 4)).result<lio::op::ftruncate>());
        CHECK(content_of(path) == "0123");
        CHECK(code_of(complete(ring, lio::op::ftruncate(file, 6))) == 0);
        CHECK(content_of(path) == "0123\0\0"sv);
        CHECK(code_of(complete(ring, lio::op::ftruncate(file, 5'000'000'000u))) == 0);
        CHECK(size_of(path) == 5'000'000'000);
        CHECK(code_of(complete(ring, lio::op::ftruncate(file, 0))) == 0);
        CHECK(size_of(path) == 0);
    });
}

TEST_CASE("ftruncate fails as the system call does") {
    if (!kernel_supports(lio::abi::opcode::ftruncate)) LIO_SKIP("ftruncate needs Linux 6.9");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_RDWR};
        const open_file readable{directory / "file", O_RDONLY};
        CHECK(code_of(complete(ring, lio::op::ftruncate(readable, 0))) == EINVAL);
        CHECK(code_of(complete(ring, lio::op::ftruncate(file, ~std::uint64_t{0}))) == EINVAL);
        CHECK(code_of(complete(ring, lio::op::ftruncate(-1, 0))) == EBADF);
        CHECK(content_of(directory / "file") == "content");
    });
}

TEST_CASE("fadvise is taken on a file and refused on a pipe") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_RDONLY};
        for (const int advice : {POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM, POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED})
            CHECK(complete(ring, lio::op::fadvise(file, 0, 0, advice)).result<lio::op::fadvise>());
        CHECK(code_of(complete(ring, lio::op::fadvise(file, 4096, 0xffffffff, POSIX_FADV_NORMAL))) == 0);
        CHECK(code_of(complete(ring, lio::op::fadvise(file, 0, 0, 4711))) == EINVAL);
        const pipe_ends pipe;
        CHECK(code_of(complete(ring, lio::op::fadvise(pipe.reading(), 0, 0, POSIX_FADV_NORMAL))) == ESPIPE);
        CHECK(code_of(complete(ring, lio::op::fadvise(-1, 0, 0, POSIX_FADV_NORMAL))) == EBADF);

        const int answer = code_of(complete(ring, lio::op::fadvise(file, 0, 0x100000000u, POSIX_FADV_NORMAL)));
        if (answer == EINVAL) return lio::test::record_partial_skip("fadvise for 4 GiB and more needs Linux 6.11");
        CHECK(answer == 0);
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

TEST_CASE("a failure is told by a completion, with skip_success too") {
    under_each_setup([](lio::ring& ring) {
        if ((ring.features() & lio::abi::feat_cqe_skip) == 0)
            return lio::test::record_partial_skip("skip_success needs Linux 5.17");
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_RDWR};
        const pipe_ends pipe;
        char memory[8] = {};
        const ::iovec piece{memory, 4};
        const auto failing = [&ring](const auto& operation, int expected) {
            // Linked, so that nothing can come first; hard, so that the nop comes in any case.
            ring.push(operation.skip_success().user_data(1).hard_link(), nop().user_data(2)).value();
            const lio::cqe first = next_soon(ring);
            CHECK(first.user_data() == 1);
            CHECK(code_of(first) == expected);
            CHECK(next_soon(ring).user_data() == 2);
        };
        failing(lio::op::read(-1, memory, 0), EBADF);
        failing(lio::op::read(file, memory, -1), EINVAL);
        failing(lio::op::write(-1, memory, 0), EBADF);
        failing(lio::op::readv(pipe.writing(), &piece, 1, 0), EBADF);
        failing(lio::op::writev(pipe.reading(), &piece, 1, 0), EBADF);
        failing(lio::op::openat(current_directory, "/nowhere/at/all", O_RDONLY), ENOENT);
        const lio::open_how how{};
        failing(lio::op::openat2(current_directory, "/nowhere/at/all", how), ENOENT);
        failing(lio::op::close(-1), EBADF);
        failing(lio::op::fadvise(pipe.reading(), 0, 0, POSIX_FADV_NORMAL), ESPIPE);
        failing(lio::op::fadvise(pipe.reading(), 0, 0, POSIX_FADV_WILLNEED), ESPIPE);

        // And a success is not.
        ring.push(lio::op::write(file, "x"sv, 0).skip_success().user_data(1).link(), nop().user_data(2)).value();
        ring.submit_and_wait(1).value();
        CHECK(ring.next().value().user_data() == 2);
        CHECK(ring.ready() == 0);
        CHECK(content_of(directory / "file") == "x123456789");
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
