// Opening and closing files: as descriptors and into slots of the registered files, looked at from outside the ring;
// and how it is encoded. Single thread.

#include "catch.hpp"
#include "support/encoding.hpp"
#include "support/files.hpp"
#include "support/footprint.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/waiting.hpp"

#include <lio/op/cancel.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/open.hpp>
#include <lio/op/read_write.hpp>
#include <lio/registered_files.hpp>
#include <lio/ring.hpp>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace open_test {

using namespace std::string_view_literals;

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::current_directory;
using lio::direct_descriptor;

/// Slots of the registered files came with these kernels; the probe cannot be asked for them.
bool has_slots() { return kernel_supports(lio::abi::opcode::mkdirat); }            // Linux 5.15
bool kernel_picks_slots() { return kernel_supports(lio::abi::opcode::getxattr); } // Linux 5.19

/// A table of `count` empty slots.
lio::registered_files empty_table(const lio::ring& ring, std::size_t count) {
    return lio::registered_files::create(ring, std::vector<int>(count, -1)).value();
}

/// What can be read of a slot at its beginning.
std::string content_of_slot(lio::ring& ring, direct_descriptor slot) {
    char memory[32];
    const auto length = run(ring, op::read(slot, memory, 0)).result();
    return length ? std::string(memory, static_cast<std::size_t>(*length)) : length.error().name();
}

// What would be nonsense is no program.
static_assert(!std::is_constructible_v<op::openat, direct_descriptor, const char*, int>, "a slot is no directory");
static_assert(!std::is_constructible_v<op::openat, int, std::nullptr_t, int>);
static_assert(!std::is_constructible_v<op::openat, int, std::string, int>, "a temporary path");
static_assert(std::is_constructible_v<op::openat, int, std::string&, int>);
static_assert(std::is_constructible_v<op::openat, int, const std::string&, int, mode_t>);
static_assert(!std::is_constructible_v<op::openat2, int, const char*, lio::open_how>, "a temporary open_how");
static_assert(std::is_constructible_v<op::openat2, int, const char*, lio::open_how&>);
static_assert(!std::is_constructible_v<op::openat_direct, int, const char*, int, int>, "a slot is no number");
static_assert(!std::is_constructible_v<op::openat_direct, int, std::string, int, direct_descriptor>);
static_assert(!std::is_constructible_v<op::openat2_direct, int, const char*, lio::open_how, direct_descriptor>);
static_assert(!std::is_constructible_v<op::openat2_direct_allocate, int, const char*, lio::open_how>);
static_assert(!std::is_convertible_v<int, op::close>, "a number is not closed by accident");

template <class Operation>
constexpr bool gives_descriptor = requires(const cqe& done) { done.take<Operation>(); };
static_assert(gives_descriptor<op::openat> && gives_descriptor<op::openat2>);
static_assert(!gives_descriptor<op::openat_direct> && !gives_descriptor<op::openat2_direct>, "a slot is no descriptor");
static_assert(!gives_descriptor<op::openat_direct_allocate> && !gives_descriptor<op::openat2_direct_allocate>);

// Something for the rows to point to.
const char row_path[] = "some/path";
const lio::open_how row_how{};

const encodings rows{[](auto add) {
    const direct_descriptor slot{7};

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
    add("openat_direct", op::openat_direct(current_directory, row_path, O_RDONLY, slot),
        expected_entry{}.u8(0, 18).s32(4, -100).pointer(16, row_path).u32(28, O_RDONLY).u32(44, 8));
    add("openat_direct into the first slot, with a mode",
        op::openat_direct(6, row_path, O_CREAT | O_RDWR, 0640, direct_descriptor{0}).link().user_data(1),
        expected_entry{}
            .u8(0, 18)
            .u8(1, 4)
            .s32(4, 6)
            .pointer(16, row_path)
            .u32(24, 0640)
            .u32(28, O_CREAT | O_RDWR)
            .u64(32, 1)
            .u32(44, 1));
    // Neither "no slot" nor "any slot" comes out of a slot that cannot be there.
    for (const std::uint32_t highest : {0xfffffffdu, 0xfffffffeu, 0xffffffffu})
        add("openat_direct into the slot " + std::to_string(highest),
            op::openat_direct(6, row_path, O_RDONLY, direct_descriptor{highest}),
            expected_entry{}.u8(0, 18).s32(4, 6).pointer(16, row_path).u32(44, 0xfffffffe));
    add("openat_direct_allocate", op::openat_direct_allocate(current_directory, row_path, O_RDONLY),
        expected_entry{}.u8(0, 18).s32(4, -100).pointer(16, row_path).u32(28, O_RDONLY).u32(44, 0xffffffff));
    add("openat_direct_allocate with a mode", op::openat_direct_allocate(6, row_path, O_CREAT, 0600).hard_link(),
        expected_entry{}
            .u8(0, 18)
            .u8(1, 8)
            .s32(4, 6)
            .pointer(16, row_path)
            .u32(24, 0600)
            .u32(28, O_CREAT)
            .u32(44, 0xffffffff));

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
    add("openat2_direct", op::openat2_direct(current_directory, row_path, row_how, slot),
        expected_entry{}.u8(0, 28).s32(4, -100).pointer(8, &row_how).pointer(16, row_path).u32(24, 24).u32(44, 8));
    add("openat2_direct with modifiers",
        op::openat2_direct(6, row_path, row_how, direct_descriptor{0}).skip_success().personality(9),
        expected_entry{}
            .u8(0, 28)
            .u8(1, 64)
            .s32(4, 6)
            .pointer(8, &row_how)
            .pointer(16, row_path)
            .u32(24, 24)
            .u16(42, 9)
            .u32(44, 1));
    add("openat2_direct_allocate", op::openat2_direct_allocate(current_directory, row_path, row_how),
        expected_entry{}
            .u8(0, 28)
            .s32(4, -100)
            .pointer(8, &row_how)
            .pointer(16, row_path)
            .u32(24, 24)
            .u32(44, 0xffffffff));
    add("openat2_direct_allocate in a directory, drained",
        op::openat2_direct_allocate(6, row_path, row_how).drain().user_data(3),
        expected_entry{}
            .u8(0, 28)
            .u8(1, 2)
            .s32(4, 6)
            .pointer(8, &row_how)
            .pointer(16, row_path)
            .u32(24, 24)
            .u64(32, 3)
            .u32(44, 0xffffffff));

    add("close", op::close(5), expected_entry{}.u8(0, 19).s32(4, 5));
    add("close of a slot", op::close(slot), expected_entry{}.u8(0, 19).u32(44, 8));
    add("close of a slot that is given as a descriptor", op::close(lio::descriptor{slot}).link(),
        expected_entry{}.u8(0, 19).u8(1, 4).u32(44, 8));
    add("close of the first slot", op::close(direct_descriptor{0}), expected_entry{}.u8(0, 19).u32(44, 1));
    add("close of the last slot there can be", op::close(direct_descriptor{0xffffffff}),
        expected_entry{}.u8(0, 19).u32(44, 0xffffffff));
}};

} // namespace

TEST_CASE("the structure of openat2 and the close-on-exec flag have the system's values", "[layout][open]") {
    CHECK(lio::current_directory == AT_FDCWD);
    CHECK(sizeof(lio::open_how) == 24);
    CHECK(offsetof(lio::open_how, mode) == 8);
    CHECK(offsetof(lio::open_how, resolve) == 16);
    CHECK(alignof(lio::open_how) == alignof(std::uint64_t));
    CHECK(static_cast<int>(lio::detail::close_on_exec) == O_CLOEXEC);
    CHECK(static_cast<int>(lio::detail::close_on_exec) == SOCK_CLOEXEC);
}

TEST_CASE("openat opens what is there and creates what is not, with the mode that was given", "[open]") {
    const file_mode_mask no_mask{0};
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        {
            const std::string path = directory / "file";
            const open_file opened{
                complete(ring, op::openat(current_directory, path, O_RDONLY)).result<op::openat>().value()};
            char memory[8] = {};
            CHECK(::read(opened, memory, sizeof memory) == 7);
            CHECK(memory == "content"sv);
            CHECK(::fcntl(opened, F_GETFD) == 0);
        }
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        const int flags = O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC;
        const open_file made{complete(ring, op::openat(base, "new", flags, 0640)).result().value()};
        CHECK(::fcntl(made, F_GETFD) == FD_CLOEXEC);
        CHECK(::write(made, "x", 1) == 1);
        CHECK(content_of(directory / "new") == "x");
        struct ::stat status {};
        REQUIRE(::stat((directory / "new").c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0640);
    });
}

TEST_CASE("openat fails as open does", "[open]") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        CHECK(code(complete(ring, op::openat(base, "missing", O_RDONLY))) == ENOENT);
        CHECK(code(complete(ring, op::openat(base, "", O_RDONLY))) == ENOENT);
        CHECK(code(complete(ring, op::openat(base, "file", O_CREAT | O_EXCL | O_WRONLY, 0600))) == EEXIST);
        CHECK(code(complete(ring, op::openat(base, "file", O_DIRECTORY))) == ENOTDIR);
        CHECK(code(complete(ring, op::openat(-1, "file", O_RDONLY))) == EBADF);
        CHECK(content_of(directory / "file") == "content");
    });
}

TEST_CASE("the path and the structure of an open may change once it is submitted [hazard 40]", "[open][hazard 40]") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        std::string path = "right";
        // Behind a read of a pipe in a chain: it starts when the path has long been another.
        const pipe_ends pipe;
        char memory[1];
        ring.push(op::read(pipe.reading(), memory, 0).link().user_data(1),
                  op::openat(base, path, O_CREAT | O_WRONLY, 0600).user_data(2))
            .value();
        submit_all(ring);
        path = "wrong";
        REQUIRE(::write(pipe.writing(), "x", 1) == 1);
        REQUIRE(next_soon(ring).user_data() == 1);
        const open_file opened{next_soon(ring).result().value()};
        CHECK(exists(directory / "right"));
        CHECK_FALSE(exists(directory / "wrong"));

        if (!kernel_supports(lio::abi::opcode::openat2)) return;
        lio::open_how how{.flags = O_CREAT | O_WRONLY, .mode = 0600};
        path = "right too";
        ring.push(op::read(pipe.reading(), memory, 0).link().user_data(1), op::openat2(base, path, how).user_data(2))
            .value();
        submit_all(ring);
        path = "wrong";
        how.flags = O_RDONLY;
        REQUIRE(::write(pipe.writing(), "x", 1) == 1);
        REQUIRE(next_soon(ring).user_data() == 1);
        const open_file second{next_soon(ring).result().value()};
        CHECK(exists(directory / "right too"));
        CHECK(::write(second, "x", 1) == 1);
    });
}

TEST_CASE("the path of an open into a slot may change once it is submitted [hazard 40]", "[open][hazard 40]") {
    if (!kernel_picks_slots()) LIO_SKIP("the kernel does not pick slots (since Linux 5.19)");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "right", "right");
        make_file(directory / "wrong", "wrong");
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        auto files = empty_table(ring, 4);
        lio::open_how how{.flags = O_RDONLY};
        std::string path = "right";
        const pipe_ends pipe;
        char memory[1];
        ring.push(op::read(pipe.reading(), memory, 0).link().user_data(1),
                  op::openat_direct(base, path, O_RDONLY, files[3]).link().user_data(2),
                  op::openat2_direct(base, path, how, files[2]).link().user_data(3),
                  op::openat_direct_allocate(base, path, O_RDONLY).link().user_data(4),
                  op::openat2_direct_allocate(base, path, how).user_data(5))
            .value();
        submit_all(ring);
        path = "wrong";
        how.flags = O_WRONLY;
        REQUIRE(::write(pipe.writing(), "x", 1) == 1);
        const auto done = next_soon(ring, 5);
        for (const cqe& one : done) CHECK(code(one) == 0);
        for (std::uint32_t slot = 0; slot < 4; ++slot) CHECK(content_of_slot(ring, files[slot]) == "right");
    });
}

TEST_CASE("openat2 opens with the flags and the mode in its structure", "[open]") {
    if (!kernel_supports(lio::abi::opcode::openat2)) LIO_SKIP("openat2 needs Linux 5.6");
    const file_mode_mask no_mask{0};
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        const std::string path = directory / "new";
        const lio::open_how how{.flags = O_CREAT | O_RDWR | O_CLOEXEC, .mode = 0604};
        const open_file made{complete(ring, op::openat2(current_directory, path, how)).result<op::openat2>().value()};
        CHECK(::fcntl(made, F_GETFD) == FD_CLOEXEC);
        struct ::stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0604);
    });
}

TEST_CASE("openat2 keeps to the limits that it was given, and refuses what it does not know", "[open]") {
    if (!kernel_supports(lio::abi::opcode::openat2)) LIO_SKIP("openat2 needs Linux 5.6");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        REQUIRE(::mkdir((directory / "sub").c_str(), 0700) == 0);
        REQUIRE(::symlink("../file", (directory / "sub/link").c_str()) == 0);
        const open_file sub{directory / "sub", O_RDONLY | O_DIRECTORY};
        const auto try_open = [&ring](int base, const char* path, const lio::open_how& how) {
            const auto opened = complete(ring, op::openat2(base, path, how)).result();
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

TEST_CASE("openat2 with cached does not wait for a disk", "[open]") {
    if (!kernel_supports(lio::abi::opcode::openat2)) LIO_SKIP("openat2 needs Linux 5.6");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const std::string path = directory / "file";
        const lio::open_how how{.flags = O_RDONLY, .resolve = lio::resolve_flag::cached};
        const cqe done = complete(ring, op::openat2(current_directory, path, how));
        if (code(done) == EINVAL) return record_partial_skip("resolve_flag::cached needs Linux 5.12");
        // Just made, so it is in memory.
        const open_file opened{done.result().value()};
        CHECK(::read(opened, std::array<char, 7>{}.data(), 7) == 7);
        // What has to be made is not in memory.
        const lio::open_how make{
            .flags = O_CREAT | O_RDWR, .mode = 0600, .resolve = lio::resolve_flag::cached};
        const std::string new_path = directory / "new";
        CHECK(code(complete(ring, op::openat2(current_directory, new_path, make))) == EAGAIN);
        CHECK_FALSE(exists(new_path));
    });
}

TEST_CASE("openat_direct opens into the slot that it was given, and takes no descriptor [hazard 30]",
          "[open][hazard 30]") {
    if (!has_slots()) LIO_SKIP("files cannot be opened into slots (since Linux 5.15)");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        make_file(directory / "other", "other");
        const std::string path = directory / "file";
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        auto files = empty_table(ring, 3);
        const footprint before = footprint::now();

        for (const std::uint32_t slot : {0u, 2u}) {
            const cqe done = complete(ring, op::openat_direct(current_directory, path, O_RDONLY, files[slot]));
            CHECK(done.result<op::openat_direct>());
            CHECK(done.raw_result() == 0);
            CHECK(content_of_slot(ring, files[slot]) == "content");
        }
        CHECK(content_of_slot(ring, files[1]) == "EBADF");

        // In place of what is there.
        CHECK(code(complete(ring, op::openat_direct(base, "other", O_RDONLY, files[2]))) == 0);
        CHECK(content_of_slot(ring, files[2]) == "other");
        CHECK(content_of_slot(ring, files[0]) == "content");

        const lio::open_how how{.flags = O_RDONLY, .resolve = lio::resolve_flag::beneath};
        const cqe done = complete(ring, op::openat2_direct(base, "other", how, files[1]));
        CHECK(done.result<op::openat2_direct>());
        CHECK(content_of_slot(ring, files[1]) == "other");
        CHECK(footprint::now().files == before.files);

        // A slot is closed as a slot; the file is gone from it then.
        for (std::uint32_t slot = 0; slot < 3; ++slot) {
            CHECK(code(complete(ring, op::close(files[slot]))) == 0);
            CHECK(content_of_slot(ring, files[slot]) == "EBADF");
        }
    });
}

TEST_CASE("openat_direct makes files with the mode that was given", "[open]") {
    if (!has_slots()) LIO_SKIP("files cannot be opened into slots (since Linux 5.15)");
    const file_mode_mask no_mask{0};
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        auto files = empty_table(ring, 2);
        const int flags = O_CREAT | O_EXCL | O_RDWR;
        CHECK(code(complete(ring, op::openat_direct(base, "new", flags, 0640, files[0]))) == 0);
        CHECK(complete(ring, op::write(files[0], "written"sv, 0)).result().value() == 7);
        CHECK(content_of(directory / "new") == "written");
        const lio::open_how how{.flags = O_CREAT | O_EXCL | O_RDWR, .mode = 0604};
        CHECK(code(complete(ring, op::openat2_direct(base, "new too", how, files[1]))) == 0);
        struct ::stat status {};
        REQUIRE(::stat((directory / "new").c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0640);
        REQUIRE(::stat((directory / "new too").c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0604);
    });
}

TEST_CASE("openat_direct_allocate says which free slot it took, and fails when none is left [hazard 30]",
          "[open][hazard 30]") {
    if (!kernel_picks_slots()) LIO_SKIP("the kernel does not pick slots (since Linux 5.19)");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        make_file(directory / "other", "other");
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        auto files = empty_table(ring, 3);
        const lio::open_how how{.flags = O_RDONLY};
        CHECK(code(complete(ring, op::openat_direct(base, "file", O_RDONLY, files[1]))) == 0);
        const footprint before = footprint::now();

        const auto first =
            complete(ring, op::openat_direct_allocate(base, "other", O_RDONLY)).result<op::openat_direct_allocate>();
        const auto second =
            complete(ring, op::openat2_direct_allocate(base, "other", how)).result<op::openat2_direct_allocate>();
        // Whichever comes first.
        CHECK(first.value().slot() + second.value().slot() == 0 + 2);
        CHECK(first.value().slot() % 2 == 0);
        CHECK(first.value() != second.value());
        CHECK(content_of_slot(ring, first.value()) == "other");
        CHECK(content_of_slot(ring, second.value()) == "other");
        CHECK(content_of_slot(ring, files[1]) == "content");

        const cqe full = complete(ring, op::openat_direct_allocate(base, "other", O_RDONLY));
        CHECK(full.result<op::openat_direct_allocate>().error().code() == ENFILE);
        CHECK(code(complete(ring, op::openat2_direct_allocate(base, "other", how))) == ENFILE);
        CHECK(footprint::now().files == before.files);

        // A slot that was closed is free again.
        CHECK(code(complete(ring, op::close(files[1]))) == 0);
        CHECK(complete(ring, op::openat_direct_allocate(base, "other", O_RDONLY))
                  .result<op::openat_direct_allocate>()
                  .value() == files[1]);
    });
}

TEST_CASE("an open into a slot with O_CLOEXEC is refused by push, with its cause [hazard 30]", "[open][hazard 30]") {
    under_each_setup([](lio::ring& ring) {
        const auto refused = [&ring](const auto& operation) {
            const auto pushed = ring.push(op::nop().link(), operation);
            REQUIRE_FALSE(pushed);
            CHECK(pushed.error().why() == lio::cause::close_on_exec_of_slot);
            CHECK(pushed.error().code() == EINVAL);
            CHECK(std::string_view{pushed.error().message()}.find("O_CLOEXEC") != std::string_view::npos);
            CHECK(ring.unsubmitted() == 0);
        };
        const lio::open_how how{.flags = O_RDONLY | O_CLOEXEC};
        const direct_descriptor slot{0};
        refused(op::openat_direct(current_directory, "file", O_RDONLY | O_CLOEXEC, slot));
        refused(op::openat_direct(current_directory, "file", O_CREAT | O_CLOEXEC, 0600, slot).link().user_data(1));
        refused(op::openat_direct_allocate(current_directory, "file", O_RDONLY | O_CLOEXEC));
        refused(op::openat2_direct(current_directory, "file", how, slot));
        refused(op::openat2_direct_allocate(current_directory, "file", how));

        // The kernel thinks so too.
        if (!has_slots()) return record_partial_skip("files cannot be opened into slots (since Linux 5.15)");
        lio::open_how changed{.flags = O_RDONLY};
        const auto made = op::openat2_direct(current_directory, "/", changed, slot);
        changed.flags |= O_CLOEXEC;
        CHECK(code(complete(ring, made)) == EINVAL);
    });
}

TEST_CASE("an open into a slot that is not there fails, and nothing stays open [hazard 30]", "[open][hazard 30]") {
    if (!has_slots()) LIO_SKIP("files cannot be opened into slots (since Linux 5.15)");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file base{directory.path(), O_RDONLY | O_DIRECTORY};
        const footprint before = footprint::now();
        const auto open_into = [&](std::uint32_t slot) {
            return code(complete(ring, op::openat_direct(base, "file", O_RDONLY, direct_descriptor{slot})));
        };
        // There is no table at all.
        CHECK(open_into(0) == ENXIO);
        CHECK(open_into(0xffffffff) == ENXIO);
        if (kernel_picks_slots())
            CHECK(code(complete(ring, op::openat_direct_allocate(base, "file", O_RDONLY))) == ENFILE);
        {
            const auto files = empty_table(ring, 2);
            CHECK(open_into(2) == EINVAL);
            CHECK(open_into(0xfffffffd) == EINVAL);
            CHECK(open_into(0xfffffffe) == EINVAL);
            CHECK(open_into(0xffffffff) == EINVAL);
            // Nor do the usual failures take a slot.
            CHECK(code(complete(ring, op::openat_direct(base, "missing", O_RDONLY, files[0]))) == ENOENT);
            CHECK(code(complete(ring, op::openat_direct(-1, "file", O_RDONLY, files[0]))) == EBADF);
            CHECK(content_of_slot(ring, files[0]) == "EBADF");
            CHECK(content_of_slot(ring, files[1]) == "EBADF");
        }
        CHECK(footprint::now().files == before.files);
    });
}

TEST_CASE("a chain opens into a slot, reads from it and closes it", "[open]") {
    if (!has_slots()) LIO_SKIP("files cannot be opened into slots (since Linux 5.15)");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const std::string path = directory / "file";
        auto files = empty_table(ring, 1);
        char memory[7] = {};
        ring.push(op::openat_direct(current_directory, path, O_RDONLY, files[0]).link().user_data(1),
                  op::read(files[0], memory, 0).link().user_data(2), op::close(files[0]).user_data(3))
            .value();
        const auto done = next_soon(ring, 3);
        // Before Linux 5.19 the slot of a linked operation is looked up when it is submitted, and nothing is in it
        // then.
        if (code(of(done, 2)) == EBADF && !kernel_picks_slots())
            return record_partial_skip("a chain's slots are looked up too early (until Linux 5.19)");
        CHECK(code(of(done, 1)) == 0);
        CHECK(of(done, 2).result().value() == 7);
        CHECK(code(of(done, 3)) == 0);
        CHECK(std::string(memory, 7) == "content");
        CHECK(content_of_slot(ring, files[0]) == "EBADF");
    });
}

TEST_CASE("the failure of an open breaks a chain, and is told with skip_success too", "[open]") {
    under_each_setup([](lio::ring& ring) {
        const lio::open_how how{};
        const auto breaks = [&ring](const auto& operation, int expected) {
            ring.push(operation.link().user_data(1), op::nop().user_data(2)).value();
            const auto done = next_soon(ring, 2);
            CHECK(code(of(done, 1)) == expected);
            CHECK(code(of(done, 2)) == ECANCELED);
        };
        breaks(op::openat(current_directory, "/nowhere/at/all", O_RDONLY), ENOENT);
        breaks(op::openat2(current_directory, "/nowhere/at/all", how), ENOENT);
        breaks(op::close(-1), EBADF);
        if (!has_slots()) return record_partial_skip("files cannot be opened into slots (since Linux 5.15)");
        breaks(op::openat_direct(current_directory, "/", O_RDONLY, direct_descriptor{0}), ENXIO);
        breaks(op::openat2_direct(current_directory, "/", how, direct_descriptor{0}), ENXIO);
        if (!kernel_picks_slots()) return record_partial_skip("the kernel does not pick slots (since Linux 5.19)");
        breaks(op::openat_direct_allocate(current_directory, "/", O_RDONLY), ENFILE);
        breaks(op::openat2_direct_allocate(current_directory, "/", how), ENFILE);

        const auto told = [&ring](const auto& operation, int expected) {
            // Linked, so that nothing can come first; hard, so that the nop comes in any case.
            ring.push(operation.skip_success().user_data(1).hard_link(), op::nop().user_data(2)).value();
            const cqe first = next_soon(ring);
            CHECK(first.user_data() == 1);
            CHECK(code(first) == expected);
            CHECK(next_soon(ring).user_data() == 2);
        };
        told(op::close(-1), EBADF);
        told(op::openat_direct(current_directory, "/", O_RDONLY, direct_descriptor{0}), ENXIO);
        told(op::openat2_direct_allocate(current_directory, "/", how), ENFILE);
    });
}

TEST_CASE("a cancelled open has a completion of its own, and leaves no descriptor behind [hazard 42]",
          "[open][hazard 42]") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        const std::string path = directory / "fifo";
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        const footprint before = footprint::now();
        // It waits for a writer, who does not come.
        ring.push(op::openat(current_directory, path, O_RDONLY).force_async().user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(2)).value();
        const cqe cancelled = of(next_soon(ring, 2), 1);
        constexpr int not_for_programs = 512; // the kernel's ERESTARTSYS, which gets out here
        CHECK((code(cancelled) == ECANCELED || code(cancelled) == EINTR || code(cancelled) == not_for_programs));
        CHECK_FALSE(cancelled.take<op::openat>());
        CHECK(footprint::now().files == before.files);
    });
}

TEST_CASE("an open that was cancelled too late has a descriptor, and who drains the ring closes it [hazard 42]",
          "[open][hazard 42]") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const std::string path = directory / "file";
        const footprint before = footprint::now();
        for (std::uint64_t i = 1; i <= 8; ++i)
            ring.push(op::openat(current_directory, path, O_RDONLY).user_data(i)).value();
        for (std::uint64_t i = 1; i <= 8; ++i) ring.push(op::cancel(i).user_data(100 + i)).value();
        const auto done = next_soon(ring, 16);
        const std::ptrdiff_t opened = footprint::now().files - before.files;
        std::ptrdiff_t taken = 0;
        {
            std::vector<lio::owned_descriptor> owners;
            for (std::uint64_t i = 1; i <= 8; ++i) {
                auto file = of(done, i).take<op::openat>();
                if (!file) {
                    CHECK(file.error().code() == ECANCELED);
                    continue;
                }
                ++taken;
                owners.push_back(std::move(*file));
                CHECK(is_open(owners.back().get()));
            }
        }
        // Each descriptor that there was had a completion.
        CHECK(opened == taken);
        CHECK(footprint::now().files == before.files);
    });
}

TEST_CASE("a descriptor whose completion nobody reads outlives the ring [hazard 42]", "[open][hazard 42]") {
    for (const ring_setup& setup : available_setups()) {
        DYNAMIC_SECTION("on a ring set up as: " << setup.name) {
            const temporary_directory directory;
            make_file(directory / "file", "content");
            const std::string path = directory / "file";
            int left_behind = -1;
            {
                lio::ring ring = lio::ring::create(setup.options).value();
                // What the next descriptor will be.
                left_behind = ::dup(2);
                ::close(left_behind);
                REQUIRE_FALSE(is_open(left_behind));
                ring.push(op::openat(current_directory, path, O_RDONLY)).value();
                ring.submit_and_wait(1).value();
            }
            // This is what cqe::take() is for: the kernel does not take it back.
            CHECK(is_open(left_behind));
            ::close(left_behind);
        }
    }
}

TEST_CASE("a FIFO is opened without its other end, unless the open goes to a worker thread", "[open]") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        const std::string path = directory / "fifo";
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        CHECK(code(run(ring, op::openat(current_directory, path, O_WRONLY))) == ENXIO);
        const open_file reading{run(ring, op::openat(current_directory, path, O_RDONLY)).result().value()};
        CHECK((::fcntl(reading, F_GETFL) & O_NONBLOCK) == 0);
        const open_file writing{run(ring, op::openat(current_directory, path, O_WRONLY)).result().value()};
        CHECK(::write(writing, "x", 1) == 1);
    });
}

TEST_CASE("close closes a descriptor, and a second time fails with EBADF", "[open]") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        open_file file{directory / "file", O_RDONLY};
        const int number = file.release();
        REQUIRE(is_open(number));
        CHECK(complete(ring, op::close(number)).result<op::close>());
        CHECK_FALSE(is_open(number));
        CHECK(code(complete(ring, op::close(number))) == EBADF);
        CHECK(code(complete(ring, op::close(-1))) == EBADF);
        CHECK(code(complete(ring, op::close(ring.file()))) == EBADF);
        CHECK(is_open(ring.file()));
    });
}

TEST_CASE("close empties a slot of the registered files, and no descriptor is closed [hazard 30]",
          "[open][hazard 30]") {
    if (!has_slots()) LIO_SKIP("closing a slot needs Linux 5.15");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_RDONLY};
        auto files = lio::registered_files::create(ring, std::array<int, 2>{file, file}).value();
        const bool zero_was_open = is_open(0);
        for (const std::uint32_t slot : {0u, 1u}) {
            REQUIRE(content_of_slot(ring, files[slot]) == "content");
            CHECK(complete(ring, op::close(files[slot])).result<op::close>());
            CHECK(content_of_slot(ring, files[slot]) == "EBADF");
            CHECK(code(complete(ring, op::close(files[slot]))) == EBADF);
        }
        CHECK(is_open(0) == zero_was_open);
        CHECK(is_open(1));
        CHECK(is_open(2));
        CHECK(is_open(file));
    });
}

TEST_CASE("closing a slot that cannot be there is an error and leaves descriptor 0 alone [hazard 30]",
          "[open][hazard 30]") {
    if (!has_slots()) LIO_SKIP("closing a slot needs Linux 5.15");
    if (!is_open(0)) LIO_SKIP("descriptor 0 is closed, so it cannot be seen to stay open");
    under_each_setup([](lio::ring& ring) {
        CHECK(code(complete(ring, op::close(direct_descriptor{0}))) == ENXIO);
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_RDONLY};
        auto files = lio::registered_files::create(ring, std::array<int, 1>{file}).value();
        CHECK(code(complete(ring, op::close(direct_descriptor{1}))) == EINVAL);
        CHECK(code(complete(ring, op::close(direct_descriptor{0xfffffffe}))) == EINVAL);
        CHECK(code(complete(ring, op::close(direct_descriptor{0xffffffff}))) == EINVAL);
        CHECK(is_open(0));
        CHECK(content_of_slot(ring, files[0]) == "content");
    });
}

} // namespace open_test
