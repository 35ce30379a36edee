// Pipes made by the ring, as descriptors and in slots, and used from outside or by the ring; and how the operations are
// encoded. Single thread.

#include "catch.hpp"
#include "support/encoding.hpp"
#include "support/files.hpp"
#include "support/footprint.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/waiting.hpp"

#include <lio/op/nop.hpp>
#include <lio/op/open.hpp>
#include <lio/op/pipe.hpp>
#include <lio/op/read_write.hpp>
#include <lio/op/registered_files.hpp>
#include <lio/registered_files.hpp>
#include <lio/ring.hpp>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace pipe_test {

using namespace std::string_view_literals;

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::direct_descriptor;

static_assert(std::is_constructible_v<op::pipe, int (&)[2], int>);
static_assert(!std::is_constructible_v<op::pipe, int (&)[1]>, "there are two ends");
static_assert(!std::is_constructible_v<op::pipe, int (&&)[2]>, "a temporary array");
static_assert(!std::is_constructible_v<op::pipe, const int (&)[2]>, "read only memory");
static_assert(!std::is_constructible_v<op::pipe, int*>, "how much room is there?");
static_assert(!std::is_constructible_v<op::pipe_direct, int>, "a slot is no number");
static_assert(!std::is_constructible_v<op::pipe_direct_allocate, std::uint32_t (&&)[2]>, "a temporary array");

int row_ends[2];
std::uint32_t row_slots[2];

const encodings rows{[](auto add) {
    add("pipe", op::pipe(row_ends), expected_entry{}.u8(0, 62).pointer(16, row_ends));
    add("pipe with flags and modifiers",
        op::pipe(row_ends, O_CLOEXEC | O_NONBLOCK | O_DIRECT).link().force_async().user_data(3),
        expected_entry{}
            .u8(0, 62)
            .u8(1, 20)
            .pointer(16, row_ends)
            .u32(28, O_CLOEXEC | O_NONBLOCK | O_DIRECT)
            .u64(32, 3));
    add("pipe_direct", op::pipe_direct(direct_descriptor{7}),
        expected_entry{}.u8(0, 62).pointer(16, lio::detail::unread_slots).u32(44, 8));
    add("pipe_direct in the first slots with a flag", op::pipe_direct(direct_descriptor{0}, O_NONBLOCK).skip_success(),
        expected_entry{}
            .u8(0, 62)
            .u8(1, 64)
            .pointer(16, lio::detail::unread_slots)
            .u32(28, O_NONBLOCK)
            .u32(44, 1));
    add("pipe_direct in slots that cannot be there", op::pipe_direct(direct_descriptor{0xfffffffe}),
        expected_entry{}.u8(0, 62).pointer(16, lio::detail::unread_slots).u32(44, 0xfffffffe));
    add("pipe_direct_allocate", op::pipe_direct_allocate(row_slots),
        expected_entry{}.u8(0, 62).pointer(16, row_slots).u32(44, 0xffffffff));
    add("pipe_direct_allocate with a flag", op::pipe_direct_allocate(row_slots, O_DIRECT).drain().user_data(3),
        expected_entry{}.u8(0, 62).u8(1, 2).pointer(16, row_slots).u32(28, O_DIRECT).u64(32, 3).u32(44, 0xffffffff));
}};

bool has_pipe() { return kernel_supports(lio::abi::opcode::pipe); }

lio::registered_files empty_table(const lio::ring& ring, std::size_t count) {
    return lio::registered_files::create(ring, std::vector<int>(count, -1)).value();
}

/// Sends a few bytes through; whether they arrive.
bool connects(lio::ring& ring, lio::descriptor reading, lio::descriptor writing) {
    char memory[8] = {};
    if (run(ring, op::write(writing, "through"sv, 0)).raw_result() != 7) return false;
    return run(ring, op::read(reading, memory, 0)).raw_result() == 7 && memory == "through"sv;
}

/// Puts something into a slot.
void fill(lio::ring& ring, direct_descriptor slot) {
    REQUIRE(code(run(ring, op::openat_direct(lio::current_directory, "/dev/null", O_RDWR, slot))) == 0);
}

/// Whether a slot's file has a flag of open(2), seen from outside.
bool has_flag(lio::ring& ring, direct_descriptor slot, int flag) {
    const auto file = run(ring, op::fixed_fd_install(slot)).take<op::fixed_fd_install>();
    return (::fcntl(file.value().get(), F_GETFL) & flag) != 0;
}

bool is_empty(lio::ring& ring, direct_descriptor slot) {
    // Of no bytes, so that nobody has to write.
    return code(run(ring, op::read(slot, lio::mutable_bytes{}, 0))) == EBADF;
}

} // namespace

TEST_CASE("pipe makes the two ends of a pipe", "[pipe]") {
    if (!has_pipe()) LIO_SKIP("pipe needs Linux 6.16");
    under_each_setup([](lio::ring& ring) {
        const footprint before = footprint::now();
        {
            int ends[2] = {-1, -1};
            CHECK(complete(ring, op::pipe(ends)).result<op::pipe>());
            const open_file reading{ends[0]};
            const open_file writing{ends[1]};
            CHECK(footprint::now().files == before.files + 2);
            REQUIRE(::write(writing, "hello", 5) == 5);
            char memory[8] = {};
            CHECK(::read(reading, memory, sizeof memory) == 5);
            CHECK(memory == "hello"sv);
            CHECK(::write(reading, "x", 1) == -1);
            CHECK(::fcntl(reading, F_GETFD) == 0);
            CHECK((::fcntl(reading, F_GETFL) & O_NONBLOCK) == 0);
        }
        CHECK(footprint::now().files == before.files);
    });
}

TEST_CASE("pipe gives both ends the flags", "[pipe]") {
    if (!has_pipe()) LIO_SKIP("pipe needs Linux 6.16");
    under_each_setup([](lio::ring& ring) {
        int ends[2] = {-1, -1};
        CHECK(code(complete(ring, op::pipe(ends, O_CLOEXEC | O_NONBLOCK))) == 0);
        const open_file reading{ends[0]};
        const open_file writing{ends[1]};
        for (const int end : ends) {
            CHECK(::fcntl(end, F_GETFD) == FD_CLOEXEC);
            CHECK((::fcntl(end, F_GETFL) & O_NONBLOCK) == O_NONBLOCK);
        }
        int packets[2] = {-1, -1};
        CHECK(code(complete(ring, op::pipe(packets, O_DIRECT))) == 0);
        const open_file first{packets[0]};
        const open_file second{packets[1]};
        // Each write is a packet of its own.
        REQUIRE(::write(second, "ab", 2) == 2);
        REQUIRE(::write(second, "cd", 2) == 2);
        char memory[8];
        CHECK(::read(first, memory, sizeof memory) == 2);
    });
}

TEST_CASE("pipe fails as the system call does, and leaves nothing open", "[pipe]") {
    if (!has_pipe()) LIO_SKIP("pipe needs Linux 6.16");
    under_each_setup([](lio::ring& ring) {
        int ends[2] = {-7, -7};
        const footprint before = footprint::now();
        CHECK(code(complete(ring, op::pipe(ends, O_APPEND))) == EINVAL);
        // Its failure breaks a chain.
        ring.push(op::pipe(ends, O_APPEND).link().user_data(1), op::nop().user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 2)) == ECANCELED);

        // One more descriptor is allowed, but not two.
        rlimit limit{};
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
        const int next = ::dup(2);
        ::close(next);
        rlimit tight = limit;
        tight.rlim_cur = static_cast<rlim_t>(next) + 1;
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
        const cqe done = complete(ring, op::pipe(ends));
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
        CHECK(code(done) == EMFILE);
        CHECK(ends[0] == -7);
        CHECK(ends[1] == -7);
        CHECK(footprint::now().files == before.files);
    });
}

TEST_CASE("pipe_direct makes a pipe in two neighbouring slots [hazard 30]", "[pipe][hazard 30]") {
    if (!has_pipe()) LIO_SKIP("pipe needs Linux 6.16");
    under_each_setup([](lio::ring& ring) {
        auto files = empty_table(ring, 5);
        const footprint before = footprint::now();
        const cqe done = complete(ring, op::pipe_direct(files[2]));
        CHECK(done.result<op::pipe_direct>());
        CHECK(connects(ring, files[2], files[3]));
        CHECK(is_empty(ring, files[1]));
        CHECK(is_empty(ring, files[4]));
        // The second end is for writing only, and the first for reading only.
        char memory[4];
        CHECK(code(run(ring, op::read(files[3], memory, 0))) == EBADF);
        CHECK(code(run(ring, op::write(files[2], "x"sv, 0))) == EBADF);

        CHECK(code(complete(ring, op::pipe_direct(files[0], O_NONBLOCK))) == 0);
        CHECK(has_flag(ring, files[0], O_NONBLOCK));
        CHECK(has_flag(ring, files[1], O_NONBLOCK));
        CHECK_FALSE(has_flag(ring, files[2], O_NONBLOCK));
        CHECK(connects(ring, files[0], files[1]));
        CHECK(connects(ring, files[2], files[3]));
        // Closing the writing end ends the stream: nobody else holds it.
        CHECK(code(complete(ring, op::close(files[3]))) == 0);
        CHECK(run(ring, op::read(files[2], memory, 0)).result().value() == 0);
        CHECK(footprint::now().files == before.files);
    });
}

TEST_CASE("pipe_direct takes the place of what is in the slots", "[pipe]") {
    if (!has_pipe()) LIO_SKIP("pipe needs Linux 6.16");
    under_each_setup([](lio::ring& ring) {
        auto files = empty_table(ring, 3);
        CHECK(code(complete(ring, op::pipe_direct(files[0]))) == 0);
        CHECK(code(complete(ring, op::pipe_direct(files[1]))) == 0);
        CHECK(connects(ring, files[1], files[2]));
        // The first pipe has lost its writing end.
        char memory[4];
        CHECK(run(ring, op::read(files[0], memory, 0)).result().value() == 0);
    });
}

TEST_CASE("pipe_direct_allocate says which two free slots it took [hazard 30]", "[pipe][hazard 30]") {
    if (!has_pipe()) LIO_SKIP("pipe needs Linux 6.16");
    under_each_setup([](lio::ring& ring) {
        auto files = empty_table(ring, 6);
        // Leaves slots 0, 3 and 4: two that are free need not be neighbours.
        for (const std::uint32_t slot : {1u, 2u, 5u}) fill(ring, files[slot]);
        std::uint32_t slots[2] = {99, 99};
        CHECK(complete(ring, op::pipe_direct_allocate(slots)).result<op::pipe_direct_allocate>());
        for (const std::uint32_t slot : slots) CHECK((slot == 0 || slot == 3 || slot == 4));
        CHECK(slots[0] != slots[1]);
        CHECK(connects(ring, files[slots[0]], files[slots[1]]));

        // One free slot is not enough, and remains free.
        std::uint32_t none[2] = {99, 99};
        CHECK(code(complete(ring, op::pipe_direct_allocate(none))) == ENFILE);
        CHECK((none[0] == 99 && none[1] == 99));
        CHECK(is_empty(ring, files[0 + 3 + 4 - slots[0] - slots[1]]));

        CHECK(code(complete(ring, op::close(files[slots[0]]))) == 0);
        CHECK(code(complete(ring, op::pipe_direct_allocate(none, O_NONBLOCK))) == 0);
        CHECK(has_flag(ring, files[none[0]], O_NONBLOCK));
        CHECK(connects(ring, files[none[0]], files[none[1]]));
    });
}

TEST_CASE("a pipe in slots that are not there fails [hazard 30]", "[pipe][hazard 30]") {
    if (!has_pipe()) LIO_SKIP("pipe needs Linux 6.16");
    under_each_setup([](lio::ring& ring) {
        const footprint before = footprint::now();
        std::uint32_t slots[2] = {99, 99};
        CHECK(code(complete(ring, op::pipe_direct(direct_descriptor{0}))) == ENXIO);
        CHECK(code(complete(ring, op::pipe_direct_allocate(slots))) == ENFILE);
        CHECK((slots[0] == 99 && slots[1] == 99));

        auto files = empty_table(ring, 3);
        for (const std::uint32_t slot : {3u, 0xfffffffdu, 0xfffffffeu, 0xffffffffu})
            CHECK(code(complete(ring, op::pipe_direct(direct_descriptor{slot}))) == EINVAL);
        // Where there is a slot for the first end only.
        fill(ring, files[0]);
        CHECK(code(complete(ring, op::pipe_direct(files[2]))) == EINVAL);
        if (is_empty(ring, files[0]))
            record_partial_skip("this kernel empties slot 0 instead of what it had filled (mended in Linux 7.0)");
        else
            CHECK(is_empty(ring, files[2]));
        CHECK(footprint::now().files == before.files);
    });
}

TEST_CASE("a pipe in slots with O_CLOEXEC is refused by push, with its cause [hazard 30]", "[pipe][hazard 30]") {
    under_each_setup([](lio::ring& ring) {
        std::uint32_t slots[2] = {};
        const auto refused = [&ring](const auto& operation) {
            const auto pushed = ring.push(op::nop().link(), operation);
            REQUIRE_FALSE(pushed);
            CHECK(pushed.error().why() == lio::cause::close_on_exec_of_slot);
            CHECK(ring.unsubmitted() == 0);
        };
        refused(op::pipe_direct(direct_descriptor{0}, O_CLOEXEC));
        refused(op::pipe_direct(direct_descriptor{0}, O_CLOEXEC | O_NONBLOCK).link().user_data(1));
        refused(op::pipe_direct_allocate(slots, O_CLOEXEC));
    });
}

TEST_CASE("the ends of a pipe that was made behind others in a chain are there when it completes", "[pipe]") {
    if (!has_pipe()) LIO_SKIP("pipe needs Linux 6.16");
    under_each_setup([](lio::ring& ring) {
        auto files = empty_table(ring, 2);
        char memory[8] = {};
        ring.push(op::pipe_direct(files[0]).link(), op::write(files[1], "chained"sv, 0).link(),
                  op::read(files[0], lio::mutable_bytes{memory, 7}, 0).link(), op::close(files[0]).link(),
                  op::close(files[1]))
            .value();
        for (const cqe& done : next_soon(ring, 5)) CHECK(done.result());
        CHECK(memory == "chained"sv);
        CHECK(is_empty(ring, files[0]));
        CHECK(is_empty(ring, files[1]));
    });
}

} // namespace pipe_test
