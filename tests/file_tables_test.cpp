// Changing a table of registered files: slots that are filled, emptied and chosen from while the ring is in use, and
// the numbers that tell when the kernel has let go of a file. Looked at from outside by plain POSIX calls.

#include "catch.hpp"

#include "support/files.hpp"
#include "support/footprint.hpp"
#include "support/machine.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/abilities.hpp>
#include <lio/op/open.hpp>
#include <lio/op/read_write.hpp>
#include <lio/registered_files.hpp>
#include <lio/ring.hpp>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace file_tables_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cause;
using lio::registered_files;
using lio::ring;

// Whether the kernel makes empty tables; if not, the error must say so.
bool has_empty_tables() {
    ring made = ring::create({.entries = 4}).value();
    const auto table = registered_files::create_empty(made, 1);
    if (!table) REQUIRE(table.error() == lio::error{EINVAL, cause::empty_table_missing});
    return table.has_value();
}
constexpr const char* no_empty_tables = "empty tables of files: since Linux 5.19";

bool has_tags() {
    ring made = ring::create({.entries = 4}).value();
    const auto table = registered_files::create(made, std::array{-1}, std::array<std::uint64_t, 1>{0});
    if (!table) REQUIRE(table.error() == lio::error{EINVAL, cause::tags_missing});
    return table.has_value();
}
constexpr const char* no_tags = "tags: since Linux 5.13";

// What writing through the slot gives: 0, or the errno.
int write_through(ring& ring, const registered_files& files, std::uint32_t slot, const char* text) {
    return code(run(ring, op::write(files[slot], lio::bytes{text, std::string{text}.size()}, 0)));
}

std::string read_all(int file) {
    char text[64];
    const ssize_t size = ::read(file, text, sizeof text);
    return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string{};
}

// The user_data of the next completion, which some kernels take their time with.
std::uint64_t next_tag(ring& ring) {
    const auto done = ring.next(lio::test::patience);
    return done ? done->user_data() : 0;
}

} // namespace

TEST_CASE("slots are filled, changed, left alone and emptied one by one and together") {
    under_each_setup([](ring& ring) {
        auto one = pipe_pair();
        auto two = pipe_pair();
        auto files = registered_files::create(ring, std::array{-1, static_cast<int>(one.theirs), -1, -1}).value();
        CHECK(write_through(ring, files, 0, "a") == EBADF);
        CHECK(write_through(ring, files, 1, "a") == 0);
        CHECK(read_all(one.ours) == "a");
        // Together: fill, leave alone, fill.
        const int list[] = {two.theirs, lio::same_slot, one.theirs};
        CHECK(files.update(0, list).value() == 3);
        CHECK(write_through(ring, files, 0, "b") == 0);
        CHECK(read_all(two.ours) == "b");
        CHECK(write_through(ring, files, 1, "c") == 0);
        CHECK(write_through(ring, files, 2, "d") == 0);
        CHECK(read_all(one.ours) == "cd");
        CHECK(write_through(ring, files, 3, "e") == EBADF);
        // One by one.
        files.update(1, two.theirs).value();
        CHECK(write_through(ring, files, 1, "f") == 0);
        CHECK(read_all(two.ours) == "f");
        files.update(1, lio::empty_slot).value();
        CHECK(write_through(ring, files, 1, "g") == EBADF);
        CHECK(write_through(ring, files, 0, "h") == 0);
        CHECK(read_all(two.ours) == "h");
    });
}

TEST_CASE("an update says how many slots it has done, and does not touch those behind a bad descriptor") {
    ring ring = ring::create({.entries = 8}).value();
    auto one = pipe_pair();
    auto files = registered_files::create(ring, std::array{-1, -1, -1}).value();
    const int list[] = {one.theirs, 9999, one.theirs};
    CHECK(files.update(0, list).value() == 1);
    CHECK(write_through(ring, files, 0, "a") == 0);
    CHECK(write_through(ring, files, 1, "a") == EBADF);
    CHECK(write_through(ring, files, 2, "a") == EBADF);
    CHECK(files.update(1, 9999).error().code() == EBADF);
}

TEST_CASE("slots that do not exist are refused before the kernel sees them") {
    ring ring = ring::create({.entries = 8}).value();
    auto files = registered_files::create(ring, std::array{-1, -1}).value();
    const lio::error refused{EINVAL, cause::no_such_slots};
    CHECK(files.update(2, 0).error() == refused);
    CHECK(files.update(0xffffffff, 0).error() == refused);
    CHECK(files.update(1, std::array{0, 0}).error() == refused);
    CHECK(files.update(0xffffffff, std::array{0, 0}).error() == refused);
    CHECK(files.update(0, std::array<int, 0>{}).error() == refused);
    CHECK(files.allocate_from(1, 2).error() == refused);
    CHECK(files.update(0, std::array{0, 0}, std::array<std::uint64_t, 1>{1}).error() ==
          lio::error{EINVAL, cause::tags_do_not_match});
    const registered_files moved = std::move(files);
    CHECK(files.size() == 0);
    CHECK(files.update(0, 0).error().why() == cause::ring_closed);
    CHECK(moved.size() == 2);
}

TEST_CASE("a table of empty slots takes files that are registered, and files that are opened into them") {
    if (!has_empty_tables()) LIO_SKIP(no_empty_tables);
    under_each_setup([](ring& ring) {
        auto files = registered_files::create_empty(ring, 100).value();
        CHECK(files.size() == 100);
        CHECK(write_through(ring, files, 99, "a") == EBADF);
        auto one = pipe_pair();
        files.update(99, one.theirs).value();
        CHECK(write_through(ring, files, 99, "a") == 0);
        CHECK(read_all(one.ours) == "a");
        CHECK(code(run(ring, op::openat_direct(AT_FDCWD, "/dev/null", O_WRONLY, files[5]))) == 0);
        CHECK(write_through(ring, files, 5, "nothing") == 0);
    });
    ring ring = ring::create({.entries = 8}).value();
    CHECK(registered_files::create_empty(ring, 0).error().code() == EINVAL);
    const auto files = registered_files::create_empty(ring, 1).value();
    CHECK(registered_files::create_empty(ring, 1).error().code() == EBUSY);
}

TEST_CASE("operations that choose a slot choose from those that they are given") {
    if (!has_empty_tables()) LIO_SKIP(no_empty_tables);
    ring ring = ring::create({.entries = 8}).value();
    auto files = registered_files::create_empty(ring, 16).value();
    const auto allowed = files.allocate_from(7, 2);
    if (!allowed) {
        CHECK(allowed.error() == lio::error{EINVAL, cause::allocation_range_missing});
        LIO_SKIP("a range of slots to choose from: since Linux 6.0");
    }
    const auto open = [&] {
        return run(ring, op::openat_direct_allocate(AT_FDCWD, "/dev/null", O_WRONLY));
    };
    const int first = open().raw_result();
    const int second = open().raw_result();
    CHECK(first + second == 7 + 8);
    CHECK(code(open()) == ENFILE);
    files.allocate_from(0, 16).value();
    CHECK(open().raw_result() == 0);
}

TEST_CASE("a tag comes back when the kernel has let go of its file, and not while an operation has it") {
    if (!has_tags()) LIO_SKIP(no_tags);
    ring ring = ring::create({.entries = 8}).value();
    auto one = pipe_pair();
    auto two = pipe_pair();
    auto files = registered_files::create(ring, std::array{static_cast<int>(one.ours), static_cast<int>(two.ours)},
                                          std::array<std::uint64_t, 2>{71, 0})
                     .value();
    char byte = 0;
    ring.push(op::read(files[0], lio::mutable_bytes{&byte, 1}, 0).user_data(1)).value();
    ring.submit().value();
    files.update(0, std::array{static_cast<int>(two.ours)}, std::array<std::uint64_t, 1>{72}).value();
    files.update(1, lio::empty_slot).value(); // has no tag
    CHECK(stays_quiet(ring));
    REQUIRE(::write(one.theirs, "x", 1) == 1);
    const auto both = next_soon(ring, 2);
    CHECK(both[0].user_data() == 1);
    CHECK(byte == 'x');
    CHECK(both[1].user_data() == 71);
    CHECK(both[1].raw_result() == 0);
    files.close().value();
    CHECK(files.size() == 0);
    if (lio::abilities().linux_at_least({6, 13}))
        CHECK(next_tag(ring) == 72);
    else
        record_partial_skip("tags of a table that goes as a whole: since Linux 6.13");
}

TEST_CASE("tables that change leave nothing behind") {
    if (!has_tags() || !has_empty_tables()) LIO_SKIP(no_empty_tables);
    leaks_nothing(
        [] {
            ring ring = ring::create({.entries = 8}).value();
            auto files = registered_files::create_empty(ring, 8).value();
            auto one = pipe_pair();
            CHECK(files.update(0, std::array{static_cast<int>(one.ours), -1}, std::array<std::uint64_t, 2>{5, 0})
                      .value() == 2);
            files.update(0, lio::empty_slot).value();
            CHECK(next_tag(ring) == 5);
            auto other = std::move(files);
            files = std::move(other);
            CHECK(files.size() == 8);
        },
        3, 1'000'000); // Linux 6.1 takes a second each time
}

} // namespace file_tables_test
