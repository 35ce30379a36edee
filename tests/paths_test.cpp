// Operations on names in directories, in real directories, looked at from outside; and how they are encoded. Also
// path_name, which carries the names. Single thread.

#include "catch.hpp"
#include "support/encoding.hpp"
#include "support/files.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/waiting.hpp"

#include <lio/op/all.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/paths.hpp>
#include <lio/path_name.hpp>
#include <lio/ring.hpp>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace paths_test {

using lio::current_directory;
using lio::op::nop;
using lio::test::complete;
using lio::test::content_of;
using lio::test::exists;
using lio::test::expected_entry;
using lio::test::file_mode_mask;
using lio::test::kernel_supports;
using lio::test::make_file;
using lio::test::next_soon;
using lio::test::open_file;
using lio::test::pipe_ends;
using lio::test::temporary_directory;
using lio::test::under_each_setup;

namespace {

int code_of(const lio::cqe& done) {
    const auto result = done.result();
    return result ? 0 : result.error().code();
}

// Flags of renameat2(2) that not every libc's <cstdio> has.
constexpr std::uint32_t rename_noreplace = 1;
constexpr std::uint32_t rename_exchange = 2;

// Strings are taken while they live, and only with their zero at the end.
static_assert(std::is_convertible_v<const char*, lio::path_name>);
static_assert(std::is_convertible_v<const char (&)[5], lio::path_name>);
static_assert(std::is_convertible_v<std::string&, lio::path_name>);
static_assert(std::is_convertible_v<const std::string&, lio::path_name>);
static_assert(std::is_convertible_v<const std::filesystem::path&, lio::path_name>);
static_assert(!std::is_convertible_v<std::string, lio::path_name>, "a temporary");
static_assert(!std::is_convertible_v<const std::string, lio::path_name>, "a temporary");
static_assert(!std::is_convertible_v<std::filesystem::path, lio::path_name>, "a temporary");
static_assert(!std::is_convertible_v<std::nullptr_t, lio::path_name>);
static_assert(!std::is_convertible_v<std::string_view, lio::path_name>, "no zero at its end");
static_assert(!std::is_convertible_v<int, lio::path_name>);
static_assert(std::is_trivially_copyable_v<lio::path_name>);

static_assert(!std::is_constructible_v<lio::op::unlinkat, int, std::nullptr_t>);
static_assert(!std::is_constructible_v<lio::op::unlinkat, lio::direct_descriptor, const char*>,
              "a slot is no directory");
static_assert(!std::is_constructible_v<lio::op::renameat, int, const char*, int, std::string>, "a temporary");
static_assert(!std::is_constructible_v<lio::op::renameat, int, const char*, const char*>, "a directory for each");
static_assert(!std::is_constructible_v<lio::op::mkdirat, int, const char*>, "permissions are named");
static_assert(!std::is_constructible_v<lio::op::linkat, int, std::string, int, const char*>, "a temporary");
static_assert(!std::is_constructible_v<lio::op::linkat, int, const char*, int, std::string>, "a temporary");
static_assert(!std::is_constructible_v<lio::op::linkat, int, const char*, const char*>, "a directory for each");
static_assert(!std::is_constructible_v<lio::op::symlinkat, std::string, int, const char*>, "a temporary");
static_assert(!std::is_constructible_v<lio::op::symlinkat, const char*, int, std::string>, "a temporary");

template <class Operation>
constexpr bool can_skip_success = requires(const Operation& operation) { operation.skip_success(); };
static_assert(!can_skip_success<lio::op::linkat>, "its failures would vanish");
static_assert(!can_skip_success<lio::op::symlinkat>, "its failures would vanish");

const char row_path[] = "some/path";
const char other_path[] = "another/path";

const lio::test::encodings rows{[](auto add) {
    namespace op = lio::op;

    add("unlinkat", op::unlinkat(current_directory, row_path),
        expected_entry{}.u8(0, 36).s32(4, -100).pointer(16, row_path));
    add("unlinkat of a directory in a directory, with modifiers",
        op::unlinkat(6, row_path, AT_REMOVEDIR).user_data(5).link().drain().force_async().personality(4),
        expected_entry{}
            .u8(0, 36)
            .u8(1, 0x16)
            .s32(4, 6)
            .pointer(16, row_path)
            .u32(28, AT_REMOVEDIR)
            .u64(32, 5)
            .u16(42, 4));

    add("renameat", op::renameat(current_directory, row_path, current_directory, other_path),
        expected_entry{}.u8(0, 35).s32(4, -100).pointer(8, other_path).pointer(16, row_path).s32(24, -100));
    add("renameat between directories, with flags, hard-linked",
        op::renameat(6, row_path, 7, other_path, rename_noreplace).hard_link(),
        expected_entry{}
            .u8(0, 35)
            .u8(1, 8)
            .s32(4, 6)
            .pointer(8, other_path)
            .pointer(16, row_path)
            .s32(24, 7)
            .u32(28, 1));

    add("mkdirat", op::mkdirat(current_directory, row_path, 0750),
        expected_entry{}.u8(0, 37).s32(4, -100).pointer(16, row_path).u32(24, 0750));
    add("mkdirat in a directory, linked", op::mkdirat(6, row_path, 0).link().user_data(-1),
        expected_entry{}.u8(0, 37).u8(1, 4).s32(4, 6).pointer(16, row_path).u64(32, ~std::uint64_t{0}));

    add("linkat", op::linkat(current_directory, row_path, current_directory, other_path),
        expected_entry{}.u8(0, 39).s32(4, -100).pointer(8, other_path).pointer(16, row_path).s32(24, -100));
    add("linkat between directories, with flags, linked",
        op::linkat(6, row_path, 7, other_path, AT_SYMLINK_FOLLOW | AT_EMPTY_PATH).link().user_data(5),
        expected_entry{}
            .u8(0, 39)
            .u8(1, 4)
            .s32(4, 6)
            .pointer(8, other_path)
            .pointer(16, row_path)
            .s32(24, 7)
            .u32(28, AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)
            .u64(32, 5));

    add("symlinkat", op::symlinkat(row_path, current_directory, other_path),
        expected_entry{}.u8(0, 38).s32(4, -100).pointer(8, other_path).pointer(16, row_path));
    add("symlinkat in a directory, drained", op::symlinkat(row_path, 6, other_path).drain().personality(3),
        expected_entry{}.u8(0, 38).u8(1, 2).s32(4, 6).pointer(8, other_path).pointer(16, row_path).u16(42, 3));
}};

/// What a symbolic link says.
std::string target_of(const std::string& path) {
    char target[256];
    const ssize_t length = ::readlink(path.c_str(), target, sizeof target);
    REQUIRE(length >= 0);
    return std::string(target, static_cast<std::size_t>(length));
}

struct ::stat status_of(const std::string& path) {
    struct ::stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status;
}

} // namespace

TEST_CASE("unlinkat removes a name; the file stays as long as it is open") {
    if (!kernel_supports(lio::abi::opcode::unlinkat)) LIO_SKIP("unlinkat needs Linux 5.11");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        make_file(directory / "other", "other");
        const open_file file{directory / "file", O_RDONLY};
        const std::string path = directory / "file";
        CHECK(complete(ring, lio::op::unlinkat(current_directory, path)).result<lio::op::unlinkat>());
        CHECK_FALSE(exists(path));
        char memory[8] = {};
        CHECK(::read(file, memory, sizeof memory) == 7);

        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        CHECK(code_of(complete(ring, lio::op::unlinkat(base, "other"))) == 0);
        CHECK_FALSE(exists(directory / "other"));
    });
}

TEST_CASE("unlinkat removes an empty directory when it is told to, and nothing that it was not told to") {
    if (!kernel_supports(lio::abi::opcode::unlinkat)) LIO_SKIP("unlinkat needs Linux 5.11");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        REQUIRE(::mkdir((directory / "sub").c_str(), 0700) == 0);
        make_file(directory / "sub/file", "content");
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        CHECK(code_of(complete(ring, lio::op::unlinkat(base, "sub"))) == EISDIR);
        CHECK(code_of(complete(ring, lio::op::unlinkat(base, "sub", AT_REMOVEDIR))) == ENOTEMPTY);
        CHECK(code_of(complete(ring, lio::op::unlinkat(base, "sub/file", AT_REMOVEDIR))) == ENOTDIR);
        CHECK(code_of(complete(ring, lio::op::unlinkat(base, "missing"))) == ENOENT);
        CHECK(code_of(complete(ring, lio::op::unlinkat(base, "sub/file", 1 << 30))) == EINVAL);
        CHECK(code_of(complete(ring, lio::op::unlinkat(-1, "sub/file"))) == EBADF);
        CHECK(content_of(directory / "sub/file") == "content");
        CHECK(code_of(complete(ring, lio::op::unlinkat(base, "sub/file"))) == 0);
        CHECK(code_of(complete(ring, lio::op::unlinkat(base, "sub", AT_REMOVEDIR))) == 0);
        CHECK_FALSE(exists(directory / "sub"));
    });
}

TEST_CASE("renameat gives a file another name, in another directory, in place of what had that name") {
    if (!kernel_supports(lio::abi::opcode::renameat)) LIO_SKIP("renameat needs Linux 5.11");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        const temporary_directory elsewhere;
        make_file(directory / "old", "content");
        const open_file from{directory.path(), O_RDONLY | O_DIRECTORY};
        const open_file to{elsewhere.path(), O_RDONLY | O_DIRECTORY};
        CHECK(complete(ring, lio::op::renameat(from, "old", to, "new")).result<lio::op::renameat>());
        CHECK_FALSE(exists(directory / "old"));
        CHECK(content_of(elsewhere / "new") == "content");

        make_file(elsewhere / "victim", "lost");
        const std::string new_path = elsewhere / "new";
        const std::string victim = elsewhere / "victim";
        CHECK(code_of(complete(ring, lio::op::renameat(current_directory, new_path, current_directory, victim))) == 0);
        CHECK_FALSE(exists(new_path));
        CHECK(content_of(victim) == "content");
    });
}

TEST_CASE("renameat keeps to its flags") {
    if (!kernel_supports(lio::abi::opcode::renameat)) LIO_SKIP("renameat needs Linux 5.11");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "a", "first");
        make_file(directory / "b", "second");
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        const lio::cqe kept = complete(ring, lio::op::renameat(base, "a", base, "b", rename_noreplace));
        // A file system without these flags refuses them.
        if (code_of(kept) == EINVAL)
            return lio::test::record_partial_skip("the file system of /tmp has no RENAME_NOREPLACE");
        CHECK(code_of(kept) == EEXIST);
        CHECK(content_of(directory / "b") == "second");
        CHECK(code_of(complete(ring, lio::op::renameat(base, "a", base, "b", rename_exchange))) == 0);
        CHECK(content_of(directory / "a") == "second");
        CHECK(content_of(directory / "b") == "first");
    });
}

TEST_CASE("renameat fails as the system call does") {
    if (!kernel_supports(lio::abi::opcode::renameat)) LIO_SKIP("renameat needs Linux 5.11");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        CHECK(code_of(complete(ring, lio::op::renameat(base, "missing", base, "new"))) == ENOENT);
        CHECK(code_of(complete(ring, lio::op::renameat(base, "file", base, "no/such/directory"))) == ENOENT);
        CHECK(code_of(complete(ring, lio::op::renameat(-1, "file", base, "new"))) == EBADF);
        CHECK(code_of(complete(ring, lio::op::renameat(base, "file", -1, "new"))) == EBADF);
        CHECK(code_of(complete(ring, lio::op::renameat(base, "file", base, "new", 1u << 31))) == EINVAL);
        CHECK(content_of(directory / "file") == "content");
    });
}

TEST_CASE("mkdirat makes a directory with the permissions that the umask leaves") {
    if (!kernel_supports(lio::abi::opcode::mkdirat)) LIO_SKIP("mkdirat needs Linux 5.15");
    const file_mode_mask mask{022};
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        CHECK(complete(ring, lio::op::mkdirat(base, "sub", 0771)).result<lio::op::mkdirat>());
        struct ::stat status {};
        REQUIRE(::stat((directory / "sub").c_str(), &status) == 0);
        CHECK(S_ISDIR(status.st_mode));
        CHECK((status.st_mode & 0777) == 0751);

        const std::string path = directory / "sub/deeper";
        CHECK(code_of(complete(ring, lio::op::mkdirat(current_directory, path, 0700))) == 0);
        CHECK(exists(path));
    });
}

TEST_CASE("mkdirat fails as the system call does") {
    if (!kernel_supports(lio::abi::opcode::mkdirat)) LIO_SKIP("mkdirat needs Linux 5.15");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        CHECK(code_of(complete(ring, lio::op::mkdirat(base, "file", 0700))) == EEXIST);
        CHECK(code_of(complete(ring, lio::op::mkdirat(base, "missing/sub", 0700))) == ENOENT);
        CHECK(code_of(complete(ring, lio::op::mkdirat(base, "file/sub", 0700))) == ENOTDIR);
        CHECK(code_of(complete(ring, lio::op::mkdirat(-1, "sub", 0700))) == EBADF);
        CHECK_FALSE(exists(directory / "missing"));
    });
}

TEST_CASE("linkat gives a file one more name, in another directory too") {
    if (!kernel_supports(lio::abi::opcode::linkat)) LIO_SKIP("linkat needs Linux 5.15");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        const temporary_directory elsewhere;
        make_file(directory / "file", "content");
        const open_file from{directory.path(), O_RDONLY | O_DIRECTORY};
        const open_file to{elsewhere.path(), O_RDONLY | O_DIRECTORY};
        CHECK(complete(ring, lio::op::linkat(from, "file", to, "name")).result<lio::op::linkat>());
        CHECK(content_of(elsewhere / "name") == "content");
        CHECK(status_of(elsewhere / "name").st_ino == status_of(directory / "file").st_ino);
        CHECK(status_of(directory / "file").st_nlink == 2);

        const std::string path = directory / "file";
        const std::string third = directory / "third";
        CHECK(code_of(complete(ring, lio::op::linkat(current_directory, path, current_directory, third))) == 0);
        CHECK(status_of(third).st_nlink == 3);
    });
}

TEST_CASE("linkat keeps to its flags: it follows a symbolic link, or links what is open") {
    if (!kernel_supports(lio::abi::opcode::linkat)) LIO_SKIP("linkat needs Linux 5.15");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        REQUIRE(::symlink("file", (directory / "link").c_str()) == 0);
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        CHECK(code_of(complete(ring, lio::op::linkat(base, "link", base, "same link"))) == 0);
        CHECK(S_ISLNK(status_of(directory / "same link").st_mode));
        CHECK(code_of(complete(ring, lio::op::linkat(base, "link", base, "followed", AT_SYMLINK_FOLLOW))) == 0);
        CHECK(S_ISREG(status_of(directory / "followed").st_mode));
        CHECK(status_of(directory / "followed").st_ino == status_of(directory / "file").st_ino);

        // A file that has no name yet gets one.
        const int unnamed = ::open(directory.path().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (unnamed < 0) return lio::test::record_partial_skip("the file system of /tmp makes no files without names");
        const open_file file{unnamed};
        REQUIRE(::write(file, "unnamed", 7) == 7);
        const lio::cqe done = complete(ring, lio::op::linkat(file, "", base, "named", AT_EMPTY_PATH));
        // Without CAP_DAC_READ_SEARCH Linux before 6.10 says ENOENT.
        if (code_of(done) == ENOENT) return lio::test::record_partial_skip("AT_EMPTY_PATH is for the privileged here");
        CHECK(code_of(done) == 0);
        CHECK(content_of(directory / "named") == "unnamed");
    });
}

TEST_CASE("linkat fails as the system call does") {
    if (!kernel_supports(lio::abi::opcode::linkat)) LIO_SKIP("linkat needs Linux 5.15");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        make_file(directory / "other", "other");
        REQUIRE(::mkdir((directory / "sub").c_str(), 0700) == 0);
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        CHECK(code_of(complete(ring, lio::op::linkat(base, "file", base, "other"))) == EEXIST);
        CHECK(code_of(complete(ring, lio::op::linkat(base, "missing", base, "new"))) == ENOENT);
        CHECK(code_of(complete(ring, lio::op::linkat(base, "sub", base, "new"))) == EPERM);
        CHECK(code_of(complete(ring, lio::op::linkat(base, "file", base, "file/new"))) == ENOTDIR);
        CHECK(code_of(complete(ring, lio::op::linkat(-1, "file", base, "new"))) == EBADF);
        CHECK(code_of(complete(ring, lio::op::linkat(base, "file", -1, "new"))) == EBADF);
        CHECK(code_of(complete(ring, lio::op::linkat(base, "file", base, "new", 1 << 30))) == EINVAL);
        CHECK_FALSE(exists(directory / "new"));
        CHECK(content_of(directory / "other") == "other");
        CHECK(status_of(directory / "file").st_nlink == 1);
    });
}

TEST_CASE("symlinkat makes a symbolic link that says what it was told, there or not") {
    if (!kernel_supports(lio::abi::opcode::symlinkat)) LIO_SKIP("symlinkat needs Linux 5.15");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        REQUIRE(::mkdir((directory / "sub").c_str(), 0700) == 0);
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        // Relative to where the link is, not to the directory that its own path is relative to.
        CHECK(complete(ring, lio::op::symlinkat("../file", base, "sub/link")).result<lio::op::symlinkat>());
        CHECK(target_of(directory / "sub/link") == "../file");
        CHECK(content_of(directory / "sub/link") == "content");

        const std::string path = directory / "dangling";
        CHECK(code_of(complete(ring, lio::op::symlinkat("no such file", current_directory, path))) == 0);
        CHECK(target_of(path) == "no such file");
        CHECK_FALSE(exists(path));
    });
}

TEST_CASE("symlinkat fails as the system call does") {
    if (!kernel_supports(lio::abi::opcode::symlinkat)) LIO_SKIP("symlinkat needs Linux 5.15");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        CHECK(code_of(complete(ring, lio::op::symlinkat("target", base, "file"))) == EEXIST);
        CHECK(code_of(complete(ring, lio::op::symlinkat("", base, "link"))) == ENOENT);
        CHECK(code_of(complete(ring, lio::op::symlinkat("target", base, "missing/link"))) == ENOENT);
        CHECK(code_of(complete(ring, lio::op::symlinkat("target", base, "file/link"))) == ENOTDIR);
        CHECK(code_of(complete(ring, lio::op::symlinkat("target", -1, "link"))) == EBADF);
        CHECK_FALSE(exists(directory / "link"));
        CHECK(content_of(directory / "file") == "content");
    });
}

TEST_CASE("the paths of an operation may change once it is submitted [hazard 40]", "[hazard 40]") {
    if (!kernel_supports(lio::abi::opcode::mkdirat)) LIO_SKIP("mkdirat needs Linux 5.15");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "remove", "");
        make_file(directory / "old", "");
        make_file(directory / "keep", "");
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        std::string removed = "remove";
        std::string old_path = "old";
        std::string new_path = "new";
        std::string made = "made";
        std::string link = "link";
        std::string symbolic_link = "symbolic link";
        std::string target = "target";
        // They start when the read ends, long after the strings have become others.
        const pipe_ends pipe;
        char memory[1];
        ring.push(lio::op::read(pipe.reading(), memory, 0).link(), lio::op::unlinkat(base, removed).link(),
                  lio::op::renameat(base, old_path, base, new_path).link(), lio::op::mkdirat(base, made, 0700).link(),
                  lio::op::linkat(base, new_path, base, link).link(), lio::op::symlinkat(target, base, symbolic_link))
            .value();
        lio::test::submit_all(ring);
        removed = old_path = new_path = made = link = symbolic_link = target = "keep";
        REQUIRE(::write(pipe.writing(), "x", 1) == 1);
        for (const lio::cqe& done : next_soon(ring, 6)) CHECK(code_of(done) == 0);
        CHECK_FALSE(exists(directory / "remove"));
        CHECK_FALSE(exists(directory / "old"));
        CHECK(exists(directory / "new"));
        CHECK(exists(directory / "made"));
        CHECK(exists(directory / "link"));
        CHECK(target_of(directory / "symbolic link") == "target");
        CHECK(exists(directory / "keep"));
    });
}

TEST_CASE("a chain makes a directory, moves a file into it and removes both again, in that order") {
    if (!kernel_supports(lio::abi::opcode::mkdirat)) LIO_SKIP("mkdirat needs Linux 5.15");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        ring.push(lio::op::mkdirat(base, "sub", 0700).link(), lio::op::renameat(base, "file", base, "sub/file").link(),
                  lio::op::unlinkat(base, "sub/file").link(), lio::op::unlinkat(base, "sub", AT_REMOVEDIR))
            .value();
        ring.submit_and_wait(4).value();
        unsigned seen = 0;
        for (const lio::cqe& done : ring.reap()) {
            CHECK(code_of(done) == 0);
            ++seen;
        }
        CHECK(seen == 4);
        CHECK_FALSE(exists(directory / "sub"));
        CHECK_FALSE(exists(directory / "file"));
    });
}

TEST_CASE("a failure that the kernel does not mark is told by its completion all the same, in a chain too") {
    if (!kernel_supports(lio::abi::opcode::mkdirat)) LIO_SKIP("mkdirat needs Linux 5.15");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        struct ::statx status {};
        const auto failing = [&ring](const auto& operation, int expected) {
            ring.push(operation.user_data(1).link(), nop().user_data(2)).value();
            ring.submit_and_wait(2).value();
            const lio::cqe first = ring.next().value();
            CHECK(first.user_data() == 1);
            CHECK(code_of(first) == expected);
            // Cancelled by Linux up to 5.19; run by later ones.
            const int next = code_of(ring.next().value());
            CHECK((next == 0 || next == ECANCELED));
        };
        failing(lio::op::unlinkat(base, "missing"), ENOENT);
        failing(lio::op::renameat(base, "missing", base, "new"), ENOENT);
        failing(lio::op::mkdirat(base, "file", 0700), EEXIST);
        failing(lio::op::linkat(base, "missing", base, "new"), ENOENT);
        failing(lio::op::symlinkat("target", base, "file"), EEXIST);
        failing(lio::op::statx(base, "missing", 0, STATX_SIZE, status), ENOENT);
        const pipe_ends pipe;
        failing(lio::op::fsync(pipe.writing()), EINVAL);
        failing(lio::op::fallocate(pipe.writing(), 0, 0, 1), ESPIPE);
        failing(lio::op::sync_file_range(pipe.writing(), 0, 1, 2), ESPIPE);
        failing(lio::op::madvise({}, 4711), EINVAL);
    });
}

} // namespace paths_test
