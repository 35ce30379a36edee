// Operations on files as such, on real files, and advice about memory: what they do is looked at from outside the ring,
// with plain POSIX calls. And how they are encoded. One test at a time.

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
#include <lio/ring.hpp>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace files_test {

using namespace std::string_view_literals;

using lio::current_directory;
using lio::current_position;
using lio::direct_descriptor;
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

// What would be nonsense is no program.
static_assert(!std::is_constructible_v<lio::op::statx, int, const char*, int, unsigned, const struct ::statx&>);
static_assert(!std::is_constructible_v<lio::op::fallocate, int, int, decltype(current_position), int>);

// Something for the rows to point to.
const char row_path[] = "some/path";
struct ::statx row_status;
char row_memory[64];

const lio::test::encodings rows{[](auto add) {
    namespace op = lio::op;
    const direct_descriptor slot{7};

    add("fsync", op::fsync(5), expected_entry{}.u8(0, 3).s32(4, 5));
    add("fsync of a part of a slot's data", op::fsync(slot).datasync().range(0x100000000u, 4096).user_data(1).link(),
        expected_entry{}.u8(0, 3).u8(1, 5).s32(4, 7).u64(8, 0x100000000u).u32(24, 4096).u32(28, 1).u64(32, 1));

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

    add("sync_file_range", op::sync_file_range(5, 0x100000000u, 0xffffffff, 7),
        expected_entry{}.u8(0, 8).s32(4, 5).u64(8, 0x100000000u).u32(24, 0xffffffff).u32(28, 7));
    add("sync_file_range of a slot, linked", op::sync_file_range(slot, 0, 0, SYNC_FILE_RANGE_WRITE).link().user_data(3),
        expected_entry{}.u8(0, 8).u8(1, 5).s32(4, 7).u32(28, 2).u64(32, 3));

    add("madvise", op::madvise(row_memory, MADV_WILLNEED),
        expected_entry{}.u8(0, 25).pointer(16, row_memory).u32(24, 64).u32(28, 3));
    add("madvise of the most that the short field holds, drained",
        op::madvise({row_memory, 0xffffffff}, MADV_DONTNEED).drain().user_data(3),
        expected_entry{}.u8(0, 25).u8(1, 2).pointer(16, row_memory).u32(24, 0xffffffff).u32(28, 4).u64(32, 3));
    if constexpr (sizeof(std::size_t) > 4)
        add("madvise of more than 4 GiB", op::madvise({row_memory, std::size_t{0xffffffff} + 1}, MADV_DONTNEED),
            expected_entry{}.u8(0, 25).u64(8, 0x100000000u).pointer(16, row_memory).u32(28, 4));
}};

template <class Operation>
constexpr bool can_skip_success = requires(const Operation& operation) { operation.skip_success(); };
static_assert(!can_skip_success<lio::op::sync_file_range>, "its failures would vanish");
static_assert(!can_skip_success<lio::op::madvise>, "its failures would vanish");

/// How much of the first `length` bytes of a file is in memory and not on the disk yet, in pages; -1 where the kernel
/// does not tell (before Linux 6.5).
std::int64_t unwritten_pages(int file, std::uint64_t length) {
    struct {
        std::uint64_t offset, length;
    } range{0, length};
    struct {
        std::uint64_t cached, dirty, writeback, evicted, recently_evicted;
    } found{};
    constexpr long cachestat = 451;
    if (::syscall(cachestat, file, &range, &found, 0u) != 0) return -1;
    return static_cast<std::int64_t>(found.dirty + found.writeback);
}

/// Memory that is mapped with what is in it: zeros.
class mapping {
public:
    explicit mapping(std::size_t size)
        : memory_{::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)},
          size_{size} {
        REQUIRE(memory_ != MAP_FAILED);
    }
    mapping(const mapping&) = delete;
    mapping& operator=(const mapping&) = delete;
    ~mapping() { ::munmap(memory_, size_); }
    char& operator[](std::size_t offset) const { return static_cast<char*>(memory_)[offset]; }
    lio::mutable_bytes part(std::size_t offset, std::size_t length) const { return {&(*this)[offset], length}; }

private:
    void* memory_;
    std::size_t size_;
};

} // namespace

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

TEST_CASE("sync_file_range writes a part of a file to the disk") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        const std::string content(65536, 'x');
        const open_file file{directory / "file", O_RDWR | O_CREAT};
        REQUIRE(::write(file, content.data(), content.size()) == 65536);
        const bool can_be_seen = unwritten_pages(file, 65536) > 0;
        const std::uint32_t written =
            SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
        CHECK(complete(ring, lio::op::sync_file_range(file, 0, 32768, written)).result<lio::op::sync_file_range>());
        const std::int64_t first_half = unwritten_pages(file, 32768);
        // A length of 0: all that follows.
        CHECK(code_of(complete(ring, lio::op::sync_file_range(file, 32768, 0, written))) == 0);
        const std::int64_t all = unwritten_pages(file, 65536);
        REQUIRE(::fsync(file) == 0);
        if (!can_be_seen || unwritten_pages(file, 65536) != 0)
            return lio::test::record_partial_skip("what is not on the disk cannot be seen here (cachestat, since Linux "
                                                  "6.5, and a file system with a disk)");
        CHECK(first_half == 0);
        CHECK(all == 0);
    });
}

TEST_CASE("sync_file_range fails as the system call does") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_RDWR};
        const pipe_ends pipe;
        CHECK(code_of(complete(ring, lio::op::sync_file_range(pipe.writing(), 0, 1, SYNC_FILE_RANGE_WRITE))) == ESPIPE);
        CHECK(code_of(complete(ring, lio::op::sync_file_range(-1, 0, 1, SYNC_FILE_RANGE_WRITE))) == EBADF);
        CHECK(code_of(complete(ring, lio::op::sync_file_range(file, 0, 1, 1u << 20))) == EINVAL);
        CHECK(code_of(complete(ring, lio::op::sync_file_range(file, ~std::uint64_t{0}, 1, 2))) == EINVAL);
    });
}

TEST_CASE("a range that is longer than its field is refused by push, and not cut") {
    lio::ring ring = lio::ring::create({.entries = 4}).value();
    const auto refused = [&ring](const auto& operation) {
        const auto pushed = ring.push(nop().link(), operation);
        REQUIRE_FALSE(pushed);
        CHECK(pushed.error().code() == EOVERFLOW);
        CHECK(pushed.error().why() == lio::cause::range_too_long);
        CHECK(ring.unsubmitted() == 0);
    };
    refused(lio::op::sync_file_range(0, 0, 0x100000000u, 2));
    refused(lio::op::sync_file_range(0, 0, ~std::uint64_t{0}, 2).link().user_data(3));
    refused(lio::op::fsync(0).range(0, 0x100000000u));
    refused(lio::op::fsync(0).range(0, 0x100000001u).datasync().user_data(3));
}

TEST_CASE("madvise throws memory's content away, or leaves it alone, as it is told") {
    under_each_setup([](lio::ring& ring) {
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        const mapping memory{4 * page};
        for (std::size_t i = 0; i < 4; ++i) memory[i * page] = 'x';
        CHECK(complete(ring, lio::op::madvise(memory.part(0, 4 * page), MADV_SEQUENTIAL)).result<lio::op::madvise>());
        CHECK(memory[page] == 'x');
        CHECK(code_of(complete(ring, lio::op::madvise(memory.part(page, 2 * page), MADV_DONTNEED))) == 0);
        CHECK(memory[0] == 'x');
        CHECK(memory[page] == '\0');
        CHECK(memory[2 * page] == '\0');
        CHECK(memory[3 * page] == 'x');
        // The whole page that the last byte is in.
        CHECK(code_of(complete(ring, lio::op::madvise(memory.part(3 * page, 1), MADV_DONTNEED))) == 0);
        CHECK(memory[3 * page] == '\0');
    });
}

TEST_CASE("madvise fails as the system call does") {
    under_each_setup([](lio::ring& ring) {
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        const mapping memory{2 * page};
        memory[0] = 'x';
        CHECK(code_of(complete(ring, lio::op::madvise(memory.part(1, page), MADV_DONTNEED))) == EINVAL);
        CHECK(code_of(complete(ring, lio::op::madvise(memory.part(0, page), 4711))) == EINVAL);
        CHECK(code_of(complete(ring, lio::op::madvise({nullptr, page}, MADV_DONTNEED))) == ENOMEM);
        CHECK(memory[0] == 'x');
    });
}

TEST_CASE("madvise reaches beyond 4 GiB, or fails, but never does so in part") {
    if constexpr (sizeof(std::size_t) <= 4) {
        LIO_SKIP("there are no 4 GiB on a 32-bit machine");
    } else {
        under_each_setup([](lio::ring& ring) {
            const std::size_t size = std::size_t{0xffffffff} + 1 + (1 << 16);
            const mapping memory{size};
            memory[0] = 'x';
            memory[size - 1] = 'x';
            const lio::cqe done = complete(ring, lio::op::madvise(memory.part(0, size), MADV_DONTNEED));
            if (code_of(done) == EINVAL) {
                CHECK(memory[0] == 'x');
                return lio::test::record_partial_skip("madvise for 4 GiB and more needs Linux 6.11");
            }
            CHECK(code_of(done) == 0);
            CHECK(memory[0] == '\0');
            CHECK(memory[size - 1] == '\0');
        });
    }
}

TEST_CASE("a failure is told by a completion, with skip_success too") {
    under_each_setup([](lio::ring& ring) {
        if ((ring.features() & lio::abi::feat_cqe_skip) == 0)
            return lio::test::record_partial_skip("skip_success needs Linux 5.17");
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_RDWR};
        const pipe_ends pipe;
        const auto failing = [&ring](const auto& operation, int expected) {
            // Linked, so that nothing can come first; hard, so that the nop comes in any case.
            ring.push(operation.skip_success().user_data(1).hard_link(), nop().user_data(2)).value();
            const lio::cqe first = next_soon(ring);
            CHECK(first.user_data() == 1);
            CHECK(code_of(first) == expected);
            CHECK(next_soon(ring).user_data() == 2);
        };
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

} // namespace files_test
