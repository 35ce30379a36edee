// What is in the slots of the registered files, changed by operations; and how these are encoded. Single thread.

#include "catch.hpp"
#include "support/encoding.hpp"
#include "support/files.hpp"
#include "support/footprint.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/waiting.hpp"

#include <lio/abi/register.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/open.hpp>
#include <lio/op/read_write.hpp>
#include <lio/op/registered_files.hpp>
#include <lio/registered_files.hpp>
#include <lio/ring.hpp>

#include <array>
#include <cerrno>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace registered_files_ops_test {

using namespace std::string_view_literals;

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::direct_descriptor;

static_assert(std::is_constructible_v<op::files_update, direct_descriptor, const int (&)[2]>);
static_assert(std::is_constructible_v<op::files_update, direct_descriptor, const std::vector<int>&>);
static_assert(!std::is_constructible_v<op::files_update, direct_descriptor, int (&&)[2]>, "a temporary array");
static_assert(!std::is_constructible_v<op::files_update, direct_descriptor, std::vector<int>>, "a temporary array");
static_assert(!std::is_constructible_v<op::files_update, direct_descriptor, std::vector<long>&>);
static_assert(!std::is_constructible_v<op::files_update, int, const int (&)[2]>, "a slot is no number");
static_assert(std::is_constructible_v<op::files_update_allocate, std::vector<int>&>);
static_assert(!std::is_constructible_v<op::files_update_allocate, std::vector<int>>, "a temporary array");
static_assert(!std::is_constructible_v<op::files_update_allocate, const std::vector<int>&>, "read only memory");
static_assert(!std::is_constructible_v<op::files_update_allocate, const int (&)[2]>, "read only memory");
static_assert(std::is_copy_constructible_v<op::files_update_allocate>);
static_assert(!std::is_constructible_v<op::fixed_fd_install, int>, "only a slot becomes a descriptor");

template <class Operation>
constexpr bool has_personality = requires(const Operation& operation) { operation.personality(1); };
static_assert(!has_personality<op::fixed_fd_install> && has_personality<op::files_update>);

int row_files[3];
std::vector<int> row_list(2);

const encodings rows{[](auto add) {
    add("files_update", op::files_update(direct_descriptor{7}, row_files),
        expected_entry{}.u8(0, 20).u64(8, 7).pointer(16, row_files).u32(24, 3));
    add("files_update of a pointer and a count, with modifiers",
        op::files_update(direct_descriptor{0}, row_files, 2).link().skip_success().user_data(3),
        expected_entry{}.u8(0, 20).u8(1, 4 | 64).pointer(16, row_files).u32(24, 2).u64(32, 3));
    add("files_update of a container", op::files_update(direct_descriptor{1}, row_list),
        expected_entry{}.u8(0, 20).u64(8, 1).pointer(16, row_list.data()).u32(24, 2));
    // It must not become the kernel's choice.
    add("files_update of the last slot there can be", op::files_update(direct_descriptor{0xffffffff}, row_files),
        expected_entry{}.u8(0, 20).u64(8, 0xfffffffe).pointer(16, row_files).u32(24, 3));
    add("files_update_allocate", op::files_update_allocate(row_files),
        expected_entry{}.u8(0, 20).u64(8, 0xffffffff).pointer(16, row_files).u32(24, 3));
    add("files_update_allocate of a pointer and a count, drained", op::files_update_allocate(row_files, 2).drain(),
        expected_entry{}.u8(0, 20).u8(1, 2).u64(8, 0xffffffff).pointer(16, row_files).u32(24, 2));
    add("files_update_allocate of a container", op::files_update_allocate(row_list),
        expected_entry{}.u8(0, 20).u64(8, 0xffffffff).pointer(16, row_list.data()).u32(24, 2));
    if constexpr (sizeof(std::size_t) > 4)
        add("files_update of more than there can be",
            op::files_update(direct_descriptor{0}, row_files, std::size_t{0xffffffff} + 2),
            expected_entry{}.u8(0, 20).pointer(16, row_files).u32(24, 0xffffffff));
    add("fixed_fd_install", op::fixed_fd_install(direct_descriptor{7}), expected_entry{}.u8(0, 54).u8(1, 1).s32(4, 7));
    add("fixed_fd_install for children too, with modifiers",
        op::fixed_fd_install(direct_descriptor{0}).no_cloexec().link().user_data(3),
        expected_entry{}.u8(0, 54).u8(1, 5).u32(28, 1).u64(32, 3));
}};

static_assert(op::fixed_fd_install(direct_descriptor{3}).no_cloexec().entry().fd == 3);
static_assert(lio::same_slot == lio::abi::register_files_skip);

lio::registered_files empty_table(const lio::ring& ring, std::size_t count) {
    return lio::registered_files::create(ring, std::vector<int>(count, -1)).value();
}

/// What can be read of a slot at its beginning, or the error's name.
std::string content_of_slot(lio::ring& ring, direct_descriptor slot) {
    char memory[32];
    const auto length = run(ring, op::read(slot, memory, 0)).result();
    return length ? std::string(memory, static_cast<std::size_t>(*length)) : length.error().name();
}

/// Three files, each with its name in it.
struct three_files {
    temporary_directory directory;
    open_file a, b, c;
    three_files() : a{made("a")}, b{made("b")}, c{made("c")} {}

private:
    int made(const char* name) {
        make_file(directory / name, name);
        return ::open((directory / name).c_str(), O_RDWR | O_CLOEXEC);
    }
};

bool has_update() { return kernel_supports(lio::abi::opcode::files_update); }
bool kernel_picks_slots() { return kernel_supports(lio::abi::opcode::getxattr); } // Linux 5.19
bool has_install() { return kernel_supports(lio::abi::opcode::fixed_fd_install); }

} // namespace

TEST_CASE("files_update puts descriptors into slots, where they stay when they are closed", "[registered_files]") {
    if (!has_update()) LIO_SKIP("files_update needs Linux 5.6");
    under_each_setup([](lio::ring& ring) {
        auto files = empty_table(ring, 4);
        {
            const three_files made;
            const int two[] = {made.a, made.b};
            CHECK(complete(ring, op::files_update(files[1], two)).result<op::files_update>().value() == 2);
        }
        CHECK(content_of_slot(ring, files[0]) == "EBADF");
        CHECK(content_of_slot(ring, files[1]) == "a");
        CHECK(content_of_slot(ring, files[2]) == "b");
        CHECK(content_of_slot(ring, files[3]) == "EBADF");
    });
}

TEST_CASE("files_update replaces files, empties slots and leaves alone what it is told to", "[registered_files]") {
    if (!has_update()) LIO_SKIP("files_update needs Linux 5.6");
    under_each_setup([](lio::ring& ring) {
        const three_files made;
        auto files = lio::registered_files::create(ring, std::array<int, 3>{made.a, made.a, made.a}).value();
        const std::vector<int> first = {made.b, lio::empty_slot};
        CHECK(complete(ring, op::files_update(files[0], first)).result().value() == 2);
        CHECK(content_of_slot(ring, files[0]) == "b");
        CHECK(content_of_slot(ring, files[1]) == "EBADF");
        CHECK(content_of_slot(ring, files[2]) == "a");

        const int second[] = {lio::same_slot, made.c, lio::same_slot};
        const cqe done = complete(ring, op::files_update(files[0], second));
        if (code(done) == EBADF) return record_partial_skip("this kernel knows no same_slot (since Linux 5.12)");
        CHECK(done.result().value() == 3);
        CHECK(content_of_slot(ring, files[0]) == "b");
        CHECK(content_of_slot(ring, files[1]) == "c");
        CHECK(content_of_slot(ring, files[2]) == "a");
    });
}

TEST_CASE("files_update stops at a descriptor that is none, and says how far it came", "[registered_files]") {
    if (!has_update()) LIO_SKIP("files_update needs Linux 5.6");
    under_each_setup([](lio::ring& ring) {
        const three_files made;
        auto files = lio::registered_files::create(ring, std::array<int, 3>{made.a, made.a, made.a}).value();
        const int nobody = 1'000'000;
        const int list[] = {made.b, nobody, made.c};
        // Not even that breaks a chain.
        ring.push(op::files_update(files[0], list).link().user_data(1), op::nop().user_data(2)).value();
        const auto partly = next_soon(ring, 2);
        CHECK(of(partly, 1).result<op::files_update>().value() == 1);
        CHECK(code(of(partly, 2)) == 0);
        CHECK(content_of_slot(ring, files[0]) == "b");
        CHECK(content_of_slot(ring, files[1]) == "EBADF"); // the slot was emptied first
        CHECK(content_of_slot(ring, files[2]) == "a");

        const int failing[] = {nobody, made.c};
        ring.push(op::files_update(files[1], failing).link().user_data(1), op::nop().user_data(2)).value();
        const auto none = next_soon(ring, 2);
        CHECK(code(of(none, 1)) == EBADF);
        CHECK(code(of(none, 2)) == ECANCELED);
        CHECK(content_of_slot(ring, files[2]) == "a");
        // A ring cannot be in a slot of a ring.
        const int itself[] = {ring.file()};
        CHECK(code(complete(ring, op::files_update(files[1], itself))) == EBADF);
    });
}

TEST_CASE("files_update fails where there are no such slots, and never lets the kernel choose", "[registered_files]") {
    if (!has_update()) LIO_SKIP("files_update needs Linux 5.6");
    under_each_setup([](lio::ring& ring) {
        const three_files made;
        const int list[] = {made.a, made.b};
        CHECK(code(complete(ring, op::files_update(direct_descriptor{0}, list))) == ENXIO);
        auto files = empty_table(ring, 2);
        CHECK(code(complete(ring, op::files_update(files[1], list))) == EINVAL);
        CHECK(code(complete(ring, op::files_update(direct_descriptor{2}, list, 1))) == EINVAL);
        CHECK(code(complete(ring, op::files_update(files[0], list, 0))) == EINVAL);
        for (const std::uint32_t highest : {0xfffffffeu, 0xffffffffu}) {
            const int answer = code(complete(ring, op::files_update(direct_descriptor{highest}, list)));
            CHECK((answer == EOVERFLOW || answer == EINVAL));
            CHECK(code(complete(ring, op::files_update(direct_descriptor{highest}, list, 1))) != 0);
        }
        if constexpr (sizeof(std::size_t) > 4) {
            const std::size_t count = std::size_t{0xffffffff} + 2;
            CHECK(code(complete(ring, op::files_update(files[0], list, count))) != 0);
        }
        const int* const nowhere = nullptr;
        CHECK(code(complete(ring, op::files_update(files[0], nowhere, 2))) == EFAULT);
        CHECK(content_of_slot(ring, files[0]) == "EBADF");
        CHECK(content_of_slot(ring, files[1]) == "EBADF");
    });
}

TEST_CASE("files_update_allocate puts descriptors into free slots and says which", "[registered_files]") {
    if (!kernel_picks_slots()) LIO_SKIP("the kernel does not pick slots (since Linux 5.19)");
    under_each_setup([](lio::ring& ring) {
        const three_files made;
        auto files = lio::registered_files::create(ring, std::array<int, 5>{-1, made.c, -1, made.c, -1}).value();
        int list[] = {made.a, made.b};
        CHECK(complete(ring, op::files_update_allocate(list)).result<op::files_update_allocate>().value() == 2);
        const std::set<int> taken = {list[0], list[1]};
        CHECK(taken.size() == 2);
        for (const int slot : taken) CHECK((slot == 0 || slot == 2 || slot == 4));
        CHECK(content_of_slot(ring, files[static_cast<std::uint32_t>(list[0])]) == "a");
        CHECK(content_of_slot(ring, files[static_cast<std::uint32_t>(list[1])]) == "b");
        CHECK(content_of_slot(ring, files[1]) == "c");
        CHECK(content_of_slot(ring, files[3]) == "c");
        CHECK(is_open(made.a));

        // One slot is left for two descriptors: the second is as it was.
        std::vector<int> more = {made.b, made.c};
        CHECK(complete(ring, op::files_update_allocate(more)).result().value() == 1);
        CHECK(more[0] == 0 + 2 + 4 - list[0] - list[1]);
        CHECK(more[1] == made.c);
        CHECK(content_of_slot(ring, files[static_cast<std::uint32_t>(more[0])]) == "b");
        int none[] = {made.c};
        CHECK(code(complete(ring, op::files_update_allocate(none))) == ENFILE);
        CHECK(none[0] == made.c);
    });
}

TEST_CASE("files_update_allocate stops at a descriptor that is none", "[registered_files]") {
    if (!kernel_picks_slots()) LIO_SKIP("the kernel does not pick slots (since Linux 5.19)");
    under_each_setup([](lio::ring& ring) {
        const three_files made;
        int list[] = {made.a, 1'000'000, made.c};
        CHECK(code(complete(ring, op::files_update_allocate(list))) == ENXIO);
        auto files = empty_table(ring, 3);
        CHECK(complete(ring, op::files_update_allocate(list)).result().value() == 1);
        CHECK(content_of_slot(ring, files[static_cast<std::uint32_t>(list[0])]) == "a");
        CHECK(list[1] == 1'000'000);
        CHECK(list[2] == made.c);
        ring.push(op::files_update_allocate(list + 1, 2).link().user_data(1), op::nop().user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == EBADF);
        CHECK(code(of(done, 2)) == ECANCELED);
        CHECK(code(complete(ring, op::files_update_allocate(list, 0))) == EINVAL);
    });
}

TEST_CASE("a slot that changes hands is the new file's for what starts afterwards only", "[registered_files]") {
    if (!has_update()) LIO_SKIP("files_update needs Linux 5.6");
    under_each_setup([](lio::ring& ring) {
        pipe_ends pipe;
        const three_files made;
        auto files = lio::registered_files::create(ring, std::array<int, 1>{pipe.reading()}).value();
        char memory[4] = {};
        ring.push(op::read(files[0], memory, 0).user_data(1)).value();
        CHECK(stays_quiet(ring));
        const int list[] = {made.a};
        CHECK(run(ring, op::files_update(files[0], list)).result().value() == 1);
        CHECK(content_of_slot(ring, files[0]) == "a");
        REQUIRE(::write(pipe.writing(), "old", 3) == 3);
        CHECK(next_soon(ring).result().value() == 3);
        CHECK(memory == "old"sv);
    });
}

TEST_CASE("fixed_fd_install makes a descriptor of a slot, which keeps its file", "[registered_files]") {
    if (!has_install()) LIO_SKIP("fixed_fd_install needs Linux 6.8");
    under_each_setup([](lio::ring& ring) {
        auto files = [&ring] {
            const three_files made;
            return lio::registered_files::create(ring, std::array<int, 2>{-1, made.b}).value();
        }();
        const footprint before = footprint::now();
        {
            const cqe done = complete(ring, op::fixed_fd_install(files[1]));
            const auto owner = done.take<op::fixed_fd_install>().value();
            CHECK(footprint::now().files == before.files + 1);
            CHECK(::fcntl(owner.get(), F_GETFD) == FD_CLOEXEC);
            char memory[4] = {};
            CHECK(::pread(owner.get(), memory, sizeof memory, 0) == 1);
            CHECK(memory == "b"sv);

            // They are one file: what is emptied is the slot alone.
            CHECK(code(complete(ring, op::close(files[1]))) == 0);
            CHECK(::pread(owner.get(), memory, sizeof memory, 0) == 1);
        }
        CHECK(footprint::now().files == before.files);
    });
}

TEST_CASE("fixed_fd_install with no_cloexec makes a descriptor that stays open over exec", "[registered_files]") {
    if (!has_install()) LIO_SKIP("fixed_fd_install needs Linux 6.8");
    under_each_setup([](lio::ring& ring) {
        const three_files made;
        auto files = lio::registered_files::create(ring, std::array<int, 1>{made.a}).value();
        const auto kept = complete(ring, op::fixed_fd_install(files[0]).no_cloexec()).take<op::fixed_fd_install>();
        CHECK(::fcntl(kept.value().get(), F_GETFD) == 0);
        CHECK(content_of_slot(ring, files[0]) == "a");
    });
}

TEST_CASE("fixed_fd_install fails where nothing is in the slot, which breaks a chain", "[registered_files]") {
    if (!has_install()) LIO_SKIP("fixed_fd_install needs Linux 6.8");
    under_each_setup([](lio::ring& ring) {
        const footprint before = footprint::now();
        CHECK(code(complete(ring, op::fixed_fd_install(direct_descriptor{0}))) == EBADF);
        auto files = empty_table(ring, 1);
        CHECK(code(complete(ring, op::fixed_fd_install(files[0]))) == EBADF);
        CHECK(code(complete(ring, op::fixed_fd_install(direct_descriptor{1}))) == EBADF);
        ring.push(op::fixed_fd_install(files[0]).link().user_data(1), op::nop().user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 2)) == ECANCELED);
        CHECK(footprint::now().files == before.files);
    });
}

TEST_CASE("a file goes from a path into a slot and out of it as a descriptor in one chain", "[registered_files]") {
    if (!has_install()) LIO_SKIP("fixed_fd_install needs Linux 6.8");
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const std::string path = directory / "file";
        auto files = empty_table(ring, 1);
        ring.push(op::openat_direct(lio::current_directory, path, O_RDONLY, files[0]).link().user_data(1),
                  op::fixed_fd_install(files[0]).link().user_data(2), op::close(files[0]).user_data(3))
            .value();
        const auto done = next_soon(ring, 3);
        const auto owner = of(done, 2).take<op::fixed_fd_install>().value();
        char memory[8] = {};
        CHECK(::read(owner.get(), memory, sizeof memory) == 7);
        CHECK(memory == "content"sv);
        CHECK(content_of_slot(ring, files[0]) == "EBADF");
    });
}

} // namespace registered_files_ops_test
