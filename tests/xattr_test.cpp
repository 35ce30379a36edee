// Extended attributes of real files, looked at from outside with the plain system calls; and how the operations are
// encoded. Single thread.

#include "catch.hpp"
#include "support/encoding.hpp"
#include "support/files.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/waiting.hpp"

#include <lio/op/nop.hpp>
#include <lio/op/read_write.hpp>
#include <lio/op/xattr.hpp>
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
#include <sys/xattr.h>
#include <unistd.h>

namespace xattr_test {

using namespace std::string_view_literals;

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::direct_descriptor;

static_assert(!std::is_constructible_v<op::getxattr, std::string, const char*, char (&)[4]>, "a temporary path");
static_assert(!std::is_constructible_v<op::getxattr, const char*, std::string, char (&)[4]>, "a temporary name");
static_assert(!std::is_constructible_v<op::getxattr, const char*, const char*, const std::string&>, "read only memory");
static_assert(!std::is_constructible_v<op::setxattr, const char*, const char*, std::string>, "a temporary value");
static_assert(!std::is_constructible_v<op::setxattr, const char*, const char*, const char (&)[4]>, "with its zero");
static_assert(std::is_constructible_v<op::setxattr, const char*, const char*, std::string_view, int>);
static_assert(std::is_constructible_v<op::fsetxattr, direct_descriptor, const std::string&, std::string&>);
static_assert(!std::is_constructible_v<op::fsetxattr, const char*, const char*, std::string_view>);

template <class Operation>
constexpr bool can_skip_success = requires(const Operation& operation) { operation.skip_success(); };
static_assert(!can_skip_success<op::getxattr> && !can_skip_success<op::fgetxattr>, "their failures would vanish");
static_assert(!can_skip_success<op::setxattr> && !can_skip_success<op::fsetxattr>, "their failures would vanish");

const char row_path[] = "some/path";
const char row_name[] = "user.name";
char row_value[16];

const encodings rows{[](auto add) {
    const direct_descriptor slot{7};
    add("getxattr", op::getxattr(row_path, row_name, row_value),
        expected_entry{}.u8(0, 44).pointer(8, row_value).pointer(16, row_name).u32(24, 16).pointer(48, row_path));
    add("getxattr of a size, linked", op::getxattr(row_path, row_name, {}).link().user_data(4).personality(2),
        expected_entry{}.u8(0, 44).u8(1, 4).pointer(16, row_name).u64(32, 4).u16(42, 2).pointer(48, row_path));
    add("fgetxattr", op::fgetxattr(5, row_name, row_value),
        expected_entry{}.u8(0, 43).s32(4, 5).pointer(8, row_value).pointer(16, row_name).u32(24, 16));
    add("fgetxattr of a slot", op::fgetxattr(slot, row_name, lio::mutable_bytes{row_value, 3}).drain(),
        expected_entry{}.u8(0, 43).u8(1, 3).s32(4, 7).pointer(8, row_value).pointer(16, row_name).u32(24, 3));
    add("setxattr", op::setxattr(row_path, row_name, row_value),
        expected_entry{}.u8(0, 42).pointer(8, row_value).pointer(16, row_name).u32(24, 16).pointer(48, row_path));
    add("setxattr with a flag, linked",
        op::setxattr(row_path, row_name, lio::bytes{row_value, 3}, XATTR_REPLACE).hard_link().user_data(4),
        expected_entry{}
            .u8(0, 42)
            .u8(1, 8)
            .pointer(8, row_value)
            .pointer(16, row_name)
            .u32(24, 3)
            .u32(28, 2)
            .u64(32, 4)
            .pointer(48, row_path));
    add("fsetxattr", op::fsetxattr(5, row_name, row_value),
        expected_entry{}.u8(0, 41).s32(4, 5).pointer(8, row_value).pointer(16, row_name).u32(24, 16));
    add("fsetxattr of a slot with a flag", op::fsetxattr(slot, row_name, row_value, XATTR_CREATE).force_async(),
        expected_entry{}
            .u8(0, 41)
            .u8(1, 17)
            .s32(4, 7)
            .pointer(8, row_value)
            .pointer(16, row_name)
            .u32(24, 16)
            .u32(28, 1));
    if constexpr (sizeof(std::size_t) > 4) {
        const std::size_t huge = std::size_t{0xffffffff} + 5;
        add("setxattr of more than there can be", op::setxattr(row_path, row_name, {row_value, huge}),
            expected_entry{}
                .u8(0, 42)
                .pointer(8, row_value)
                .pointer(16, row_name)
                .u32(24, 0xffffffff)
                .pointer(48, row_path));
    }
}};

bool has_operations() { return kernel_supports(lio::abi::opcode::getxattr); }

/// An attribute's name that the file system of /tmp takes; empty if there is none.
std::string usable_name() {
    const temporary_directory directory;
    make_file(directory / "file", "");
    // The second one is for root only, but more file systems have it.
    for (const char* const name : {"user.lio", "trusted.lio"})
        if (::setxattr((directory / "file").c_str(), name, "x", 1, 0) == 0) return name;
    return {};
}

/// The value of an attribute, seen from outside; the errno's number where there is none.
std::string value_of(const std::string& path, const std::string& name) {
    char value[256];
    const ssize_t size = ::getxattr(path.c_str(), name.c_str(), value, sizeof value);
    return size < 0 ? "errno " + std::to_string(errno) : std::string(value, static_cast<std::size_t>(size));
}

std::string no_data() { return "errno " + std::to_string(ENODATA); }

} // namespace

TEST_CASE("setxattr and fsetxattr set an attribute, and replace it", "[xattr]") {
    if (!has_operations()) LIO_SKIP("setxattr needs Linux 5.19");
    const std::string name = usable_name();
    if (name.empty()) LIO_SKIP("the file system of /tmp has no extended attributes");
    under_each_setup([&name](lio::ring& ring) {
        const temporary_directory directory;
        const std::string path = directory / "file";
        make_file(path, "content");
        const open_file file{path, O_RDWR};
        CHECK(complete(ring, op::setxattr(path, name, "first"sv)).result<op::setxattr>());
        CHECK(value_of(path, name) == "first");
        CHECK(complete(ring, op::fsetxattr(file, name, "second, longer"sv)).result<op::fsetxattr>());
        CHECK(value_of(path, name) == "second, longer");
        // Nothing at all is a value too.
        CHECK(code(complete(ring, op::setxattr(path, name, {}))) == 0);
        CHECK(value_of(path, name).empty());
        CHECK(content_of(path) == "content");

        // Through a symbolic link.
        const std::string link = directory / "link";
        REQUIRE(::symlink("file", link.c_str()) == 0);
        CHECK(code(complete(ring, op::setxattr(link, name, "through"sv))) == 0);
        CHECK(value_of(path, name) == "through");
    });
}

TEST_CASE("setxattr and fsetxattr keep to their flags", "[xattr]") {
    if (!has_operations()) LIO_SKIP("setxattr needs Linux 5.19");
    const std::string name = usable_name();
    if (name.empty()) LIO_SKIP("the file system of /tmp has no extended attributes");
    under_each_setup([&name](lio::ring& ring) {
        const temporary_directory directory;
        const std::string path = directory / "file";
        make_file(path, "content");
        const open_file file{path, O_RDWR};
        CHECK(code(complete(ring, op::setxattr(path, name, "x"sv, XATTR_REPLACE))) == ENODATA);
        CHECK(code(complete(ring, op::fsetxattr(file, name, "x"sv, XATTR_REPLACE))) == ENODATA);
        CHECK(value_of(path, name) == no_data());
        CHECK(code(complete(ring, op::fsetxattr(file, name, "made"sv, XATTR_CREATE))) == 0);
        CHECK(code(complete(ring, op::setxattr(path, name, "x"sv, XATTR_CREATE))) == EEXIST);
        CHECK(code(complete(ring, op::fsetxattr(file, name, "x"sv, XATTR_CREATE))) == EEXIST);
        CHECK(value_of(path, name) == "made");
        CHECK(code(complete(ring, op::setxattr(path, name, "replaced"sv, XATTR_REPLACE))) == 0);
        CHECK(value_of(path, name) == "replaced");
        CHECK(code(complete(ring, op::setxattr(path, name, "x"sv, 1 << 20))) == EINVAL);
        CHECK(code(complete(ring, op::fsetxattr(file, name, "x"sv, 1 << 20))) == EINVAL);
    });
}

TEST_CASE("getxattr and fgetxattr read an attribute, and tell the room it needs", "[xattr]") {
    if (!has_operations()) LIO_SKIP("getxattr needs Linux 5.19");
    const std::string name = usable_name();
    if (name.empty()) LIO_SKIP("the file system of /tmp has no extended attributes");
    under_each_setup([&name](lio::ring& ring) {
        const temporary_directory directory;
        const std::string path = directory / "file";
        make_file(path, "content");
        const open_file file{path, O_RDONLY};
        REQUIRE(::setxattr(path.c_str(), name.c_str(), "a value", 7, 0) == 0);
        std::array<char, 16> value;
        for (const bool by_path : {true, false}) {
            const auto get = [&](lio::mutable_bytes memory) {
                return by_path ? complete(ring, op::getxattr(path, name, memory))
                               : complete(ring, op::fgetxattr(file, name, memory));
            };
            value.fill('.');
            CHECK(get(value).result<op::getxattr>().value() == 7);
            CHECK(std::string(value.data(), 16) == "a value.........");
            // Just enough, and not enough.
            value.fill('.');
            CHECK(get({value.data(), 7}).result<op::fgetxattr>().value() == 7);
            CHECK(std::string(value.data(), 16) == "a value.........");
            value.fill('.');
            CHECK(code(get({value.data(), 6})) == ERANGE);
            CHECK(std::string(value.data(), 16) == "................");
            CHECK(get({}).result<op::getxattr>().value() == 7);
        }
        // Room for more than any value has is no mistake.
        std::vector<char> room(100'000);
        CHECK(complete(ring, op::getxattr(path, name, room)).result().value() == 7);
    });
}

TEST_CASE("operations on attributes fail as the system calls do", "[xattr]") {
    if (!has_operations()) LIO_SKIP("getxattr needs Linux 5.19");
    const std::string name = usable_name();
    if (name.empty()) LIO_SKIP("the file system of /tmp has no extended attributes");
    under_each_setup([&name](lio::ring& ring) {
        const temporary_directory directory;
        const std::string path = directory / "file";
        const std::string missing = directory / "missing";
        make_file(path, "content");
        const open_file file{path, O_RDONLY};
        const pipe_ends pipe;
        char value[8] = {};
        CHECK(code(complete(ring, op::getxattr(path, name, value))) == ENODATA);
        CHECK(code(complete(ring, op::fgetxattr(file, name, value))) == ENODATA);
        CHECK(code(complete(ring, op::getxattr(missing, name, value))) == ENOENT);
        CHECK(code(complete(ring, op::setxattr(missing, name, "x"sv))) == ENOENT);
        CHECK(code(complete(ring, op::fgetxattr(-1, name, value))) == EBADF);
        CHECK(code(complete(ring, op::fsetxattr(-1, name, "x"sv))) == EBADF);
        // A name is a name within a namespace, and has 255 bytes at most.
        CHECK(code(complete(ring, op::setxattr(path, "no_namespace", "x"sv))) == EOPNOTSUPP);
        CHECK(code(complete(ring, op::getxattr(path, "", value))) == ERANGE);
        const std::string long_name = "user." + std::string(300, 'n');
        CHECK(code(complete(ring, op::fsetxattr(file, long_name, "x"sv))) == ERANGE);
        const std::vector<char> too_large(65537);
        CHECK(code(complete(ring, op::setxattr(path, name, too_large))) == E2BIG);
        if constexpr (sizeof(std::size_t) > 4) {
            const lio::bytes huge{too_large.data(), std::size_t{0xffffffff} + 2};
            CHECK(code(complete(ring, op::setxattr(path, name, huge))) == E2BIG);
        }
        CHECK(value_of(path, name) == no_data());
        CHECK(::fgetxattr(pipe.reading(), name.c_str(), value, sizeof value) == -1);
        CHECK(code(complete(ring, op::fgetxattr(pipe.reading(), name, value))) == errno);
    });
}

TEST_CASE("attributes of a slot's file are read and set", "[xattr]") {
    if (!has_operations()) LIO_SKIP("getxattr needs Linux 5.19");
    const std::string name = usable_name();
    if (name.empty()) LIO_SKIP("the file system of /tmp has no extended attributes");
    under_each_setup([&name](lio::ring& ring) {
        const temporary_directory directory;
        const std::string path = directory / "file";
        make_file(path, "content");
        const open_file file{path, O_RDWR};
        auto files = lio::registered_files::create(ring, std::array<int, 2>{-1, file}).value();
        const cqe set = complete(ring, op::fsetxattr(files[1], name, "in a slot"sv));
        char value[16] = {};
        const cqe got = complete(ring, op::fgetxattr(files[1], name, value));
        if (code(set) == EBADF) {
            CHECK(code(got) == EBADF);
            return record_partial_skip("attributes are not for slots (since Linux 6.13)");
        }
        CHECK(code(set) == 0);
        CHECK(value_of(path, name) == "in a slot");
        CHECK(got.result().value() == 9);
        CHECK(value == "in a slot"sv);
        CHECK(code(complete(ring, op::fsetxattr(files[0], name, "x"sv))) == EBADF);
    });
}

TEST_CASE("the path, the name and the value of an attribute may change once it is submitted [hazard 40]",
          "[xattr][hazard 40]") {
    if (!has_operations()) LIO_SKIP("setxattr needs Linux 5.19");
    const std::string name = usable_name();
    if (name.empty()) LIO_SKIP("the file system of /tmp has no extended attributes");
    under_each_setup([&name](lio::ring& ring) {
        const temporary_directory directory;
        const std::string right = directory / "right";
        make_file(right, "");
        make_file(directory / "wrong", "");
        const open_file file{right, O_RDWR};
        std::string path = right;
        std::string set_name = name;
        std::string fset_name = name + ".f";
        std::string value = "right";
        std::array<char, 8> read_back{};
        std::array<char, 8> fread_back{};
        // They start when the read ends, long after everything has become something else.
        const pipe_ends pipe;
        char memory[1];
        ring.push(op::read(pipe.reading(), memory, 0).link(), op::setxattr(path, set_name, value).link(),
                  op::fsetxattr(file, fset_name, value).link(), op::getxattr(path, set_name, read_back).link(),
                  op::fgetxattr(file, fset_name, fread_back))
            .value();
        submit_all(ring);
        path = directory / "wrong";
        set_name = fset_name = "user.wrong";
        value = "wrong";
        REQUIRE(::write(pipe.writing(), "x", 1) == 1);
        for (const cqe& done : next_soon(ring, 5)) CHECK(code(done) == 0);
        CHECK(value_of(right, name) == "right");
        CHECK(value_of(right, name + ".f") == "right");
        CHECK(read_back.data() == "right"sv);
        CHECK(fread_back.data() == "right"sv);
        CHECK(value_of(directory / "wrong", name) == no_data());
    });
}

TEST_CASE("the failure of an operation on attributes is told by its completion, in a chain too", "[xattr]") {
    if (!has_operations()) LIO_SKIP("setxattr needs Linux 5.19");
    under_each_setup([](lio::ring& ring) {
        const open_file root{"/", O_RDONLY};
        char value[8] = {};
        const auto failing = [&ring](const auto& operation, auto is_expected) {
            ring.push(operation.user_data(1).link(), op::nop().user_data(2)).value();
            const auto done = next_soon(ring, 2);
            CHECK(is_expected(code(of(done, 1))));
            // The kernel does not mark the failure: see unmarked_failure.
            const int next = code(of(done, 2));
            CHECK((next == 0 || next == ECANCELED));
        };
        const auto is_missing = [](int error) { return error == ENOENT; };
        const auto is_none = [](int error) { return error == ENODATA || error == EOPNOTSUPP; };
        failing(op::getxattr("/nowhere/at/all", "user.lio", value), is_missing);
        failing(op::setxattr("/nowhere/at/all", "user.lio", "x"sv), is_missing);
        failing(op::fgetxattr(root, "user.lio.none", value), is_none);
        failing(op::fsetxattr(root, "nothing.lio", "x"sv), is_none);
    });
}

} // namespace xattr_test
