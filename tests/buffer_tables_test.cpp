// Changing and sharing a table of registered buffers while the ring is in use. Data goes over pipes and is looked at by
// plain POSIX calls.

#include "catch.hpp"

#include "support/footprint.hpp"
#include "support/machine.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/abilities.hpp>
#include <lio/op/read_write.hpp>
#include <lio/registered_buffers.hpp>
#include <lio/ring.hpp>
#include <lio/ring_memory.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <thread>
#include <utility>

#include <unistd.h>

namespace buffer_tables_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cause;
using lio::mutable_bytes;
using lio::registered_buffers;
using lio::ring;

bool has_empty_tables() {
    ring made = ring::create({.entries = 4}).value();
    const auto table = registered_buffers::create_empty(made, 1);
    if (!table) REQUIRE(table.error() == lio::error{EINVAL, cause::empty_table_missing});
    return table.has_value();
}
constexpr const char* no_empty_tables = "empty tables of buffers: since Linux 5.19";

// What the buffer's beginning reads as on the other side of a pipe; or the errno.
std::string sent_from(ring& ring, const registered_buffers& buffers, std::uint32_t index, std::size_t size) {
    auto pipe = pipe_pair();
    const auto buffer = buffers[index];
    const auto part = buffer.size() < size ? buffer : buffer.part(0, size);
    const lio::cqe done = run(ring, op::write_fixed(pipe.theirs, part, 0));
    if (!done.result()) return std::to_string(code(done));
    char text[64];
    const ssize_t read = ::read(pipe.ours, text, sizeof text);
    return read > 0 ? std::string(text, static_cast<std::size_t>(read)) : std::string{};
}

struct page {
    alignas(4096) char bytes[4096];
    explicit page(const char* text) { std::strncpy(bytes, text, sizeof bytes); }
    mutable_bytes memory() { return {bytes, sizeof bytes}; }
};

} // namespace

TEST_CASE("places of a table of buffers are filled, changed and emptied, and know their bounds") {
    if (!has_empty_tables()) LIO_SKIP(no_empty_tables);
    under_each_setup([](ring& ring) {
        page one{"one"};
        page two{"two"};
        auto buffers = registered_buffers::create_empty(ring, 4).value();
        CHECK(buffers.size() == 4);
        CHECK(buffers[2].size() == 0);
        CHECK(sent_from(ring, buffers, 2, 3) == std::to_string(EFAULT));
        buffers.update(2, one.memory()).value();
        CHECK(buffers[2].size() == 4096);
        CHECK(sent_from(ring, buffers, 2, 3) == "one");
        // Together: empty one, fill two.
        const mutable_bytes list[] = {{}, two.memory(), mutable_bytes{one.bytes + 1, 2}};
        CHECK(buffers.update(1, list).value() == 3);
        CHECK(sent_from(ring, buffers, 2, 3) == "two");
        CHECK(buffers[3].size() == 2);
        CHECK(sent_from(ring, buffers, 3, 2) == "ne");
        buffers.update(2, mutable_bytes{}).value();
        CHECK(buffers[2].size() == 0);
        CHECK(sent_from(ring, buffers, 2, 3) == std::to_string(EFAULT));
    });
}

TEST_CASE("a piece of no bytes empties its place, also one that has an address") {
    if (!has_empty_tables()) LIO_SKIP(no_empty_tables);
    under_each_setup([](ring& ring) {
        page one{"one"};
        page two{"two"};
        const std::array full{one.memory(), two.memory(), one.memory()};
        auto buffers = registered_buffers::create(ring, full).value();
        const mutable_bytes none{two.bytes, 0};
        buffers.update(1, none).value();
        CHECK(buffers[1].size() == 0);
        CHECK(sent_from(ring, buffers, 1, 3) == std::to_string(EFAULT));
        CHECK(sent_from(ring, buffers, 2, 3) == "one");
        const mutable_bytes list[] = {none, two.memory(), none};
        CHECK(buffers.update(0, list).value() == 3);
        CHECK(buffers[0].size() == 0);
        CHECK(sent_from(ring, buffers, 0, 3) == std::to_string(EFAULT));
        CHECK(sent_from(ring, buffers, 1, 3) == "two");
        CHECK(sent_from(ring, buffers, 2, 3) == std::to_string(EFAULT));
        CHECK(list[0].data() == none.data());
        // With tags, whose completions say that the kernel has let go of what was there.
        CHECK(buffers.update(0, full, std::array<std::uint64_t, 3>{5, 6, 7}).value() == 3);
        CHECK(buffers.update(1, std::array{none, one.memory()}, std::array<std::uint64_t, 2>{}).value() == 2);
        CHECK(next_soon(ring).user_data() + next_soon(ring).user_data() == 6 + 7);
        CHECK(sent_from(ring, buffers, 0, 3) == "one");
        CHECK(sent_from(ring, buffers, 1, 3) == std::to_string(EFAULT));
    });
}

TEST_CASE("places that do not exist, and tags that do not match, are refused before the kernel sees them") {
    ring ring = ring::create({.entries = 8}).value();
    page one{"one"};
    const mutable_bytes list[] = {one.memory()};
    auto buffers = registered_buffers::create(ring, list).value();
    const lio::error refused{EINVAL, cause::no_such_slots};
    CHECK(buffers.update(1, one.memory()).error() == refused);
    CHECK(buffers.update(0xffffffff, one.memory()).error() == refused);
    CHECK(buffers.update(0, std::array<mutable_bytes, 2>{}).error() == refused);
    CHECK(buffers.update(0, std::array<mutable_bytes, 0>{}).error() == refused);
    const lio::error mismatch{EINVAL, cause::tags_do_not_match};
    CHECK(buffers.update(0, std::array{one.memory()}, std::array<std::uint64_t, 2>{}).error() == mismatch);
    CHECK(registered_buffers::create(ring, std::array{one.memory()}, std::array<std::uint64_t, 2>{}).error() ==
          mismatch);
    const registered_buffers moved = std::move(buffers);
    CHECK(buffers.size() == 0);
    CHECK(buffers.update(0, one.memory()).error().why() == cause::ring_closed);
    CHECK(moved.size() == 1);
}

TEST_CASE("a buffer's tag comes back when the kernel has let go of it, and not while an operation has it") {
    ring ring = ring::create({.entries = 8}).value();
    page one{"one"};
    page two{"two"};
    auto made = registered_buffers::create(ring, std::array{one.memory(), two.memory()},
                                           std::array<std::uint64_t, 2>{81, 0});
    if (!made) {
        CHECK(made.error() == lio::error{EINVAL, cause::tags_missing});
        LIO_SKIP("tags: since Linux 5.13");
    }
    auto pipe = pipe_pair();
    ring.push(op::read_fixed(pipe.ours, (*made)[0], 0).user_data(1)).value();
    ring.submit().value();
    CHECK(made->update(0, std::array{two.memory()}, std::array<std::uint64_t, 1>{82}).value() == 1);
    CHECK(stays_quiet(ring));
    REQUIRE(::write(pipe.theirs, "new", 3) == 3);
    CHECK(ring.next(lio::test::patience).value().user_data() == 1);
    CHECK(std::string(one.bytes, 3) == "new");
    CHECK(ring.next(lio::test::patience).value().user_data() == 81);
    CHECK(sent_from(ring, *made, 0, 3) == "two");
    made->close().value();
    if (lio::abilities().linux_at_least({6, 13}))
        CHECK(ring.next(lio::test::patience).value().user_data() == 82);
    else
        record_partial_skip("tags of a table that goes as a whole: since Linux 6.13");
}

TEST_CASE("a table of buffers is shared with another ring, and stays when the first is gone") {
    ring first = ring::create({.entries = 8}).value();
    ring second = ring::create({.entries = 8}).value();
    page one{"one"};
    page two{"two"};
    const mutable_bytes list[] = {one.memory(), two.memory()};
    auto source = registered_buffers::create(first, list).value();
    auto made = registered_buffers::clone(second, source);
    if (!made) {
        CHECK(made.error() == lio::error{EINVAL, cause::clone_missing});
        LIO_SKIP("sharing a table of buffers: since Linux 6.12");
    }
    CHECK(made->size() == 2);
    CHECK(sent_from(second, *made, 1, 3) == "two");
    CHECK(sent_from(first, source, 0, 3) == "one");
    CHECK(registered_buffers::clone(second, source).error().code() == EBUSY);
    source.close().value();
    first.close().value();
    CHECK(sent_from(second, *made, 0, 3) == "one");
    ring third = ring::create({.entries = 8}).value();
    CHECK(registered_buffers::clone(third, source).error().why() == cause::ring_closed);
}

TEST_CASE("a part of a table is shared, as a table of its own and in the places of another") {
    ring first = ring::create({.entries = 8}).value();
    ring second = ring::create({.entries = 8}).value();
    page one{"one"};
    page two{"two"};
    page three{"three"};
    page own{"own"};
    auto source = registered_buffers::create(first, std::array{one.memory(), two.memory(), three.memory()}).value();
    {
        const auto made = registered_buffers::clone(second, source, 1, 2);
        if (!made) {
            CHECK(made.error() == lio::error{EINVAL, cause::clone_missing});
            LIO_SKIP("sharing a part of a table of buffers: since Linux 6.13");
        }
        CHECK(made->size() == 2);
        CHECK(sent_from(second, *made, 0, 3) == "two");
        CHECK(sent_from(second, *made, 1, 5) == "three");
    }
    auto target = registered_buffers::create(second, std::array{own.memory(), own.memory()}).value();
    target.update(1, source, 0, 1).value();
    CHECK(target.size() == 2);
    CHECK(sent_from(second, target, 0, 3) == "own");
    CHECK(sent_from(second, target, 1, 3) == "one");
    // Longer than it was, with a gap.
    target.update(3, source, 1, 2).value();
    CHECK(target.size() == 5);
    CHECK(sent_from(second, target, 0, 3) == "own");
    CHECK(sent_from(second, target, 1, 3) == "one");
    CHECK(target[2].size() == 0);
    CHECK(sent_from(second, target, 2, 3) == std::to_string(EFAULT));
    CHECK(sent_from(second, target, 3, 3) == "two");
    CHECK(sent_from(second, target, 4, 5) == "three");
    target.update(2, own.memory()).value();
    CHECK(sent_from(second, target, 2, 3) == "own");
    // The places that it had when it was shorter can be changed as before, and the source is as it was.
    CHECK(sent_from(first, source, 0, 3) == "one");
    source.close().value();
    CHECK(sent_from(second, target, 4, 5) == "three");
}

TEST_CASE("a part of a table that is not there is not shared, and nothing changes") {
    ring first = ring::create({.entries = 8}).value();
    ring second = ring::create({.entries = 8}).value();
    page one{"one"};
    page own{"own"};
    auto source = registered_buffers::create(first, std::array{one.memory(), one.memory()}).value();
    auto target = registered_buffers::create(second, std::array{own.memory()}).value();
    const lio::error none{EINVAL, cause::no_such_slots};
    CHECK(target.update(0, source, 2, 1).error() == none);
    CHECK(target.update(0, source, 1, 2).error() == none);
    CHECK(target.update(0, source, 0xffffffff, 2).error() == none);
    CHECK(target.update(0, source, 0, 0).error() == none);
    CHECK(registered_buffers::clone(second, source, 1, 2).error() == none);
    CHECK(target.update(0x10000, source, 0, 1).error() == lio::error{EINVAL, cause::too_many_to_register});
    CHECK(target.update(0xffffffff, source, 0, 2).error() == lio::error{EINVAL, cause::too_many_to_register});
    CHECK(target.update(0x8000, source, 0, 1).error().code() == EINVAL); // the kernel's own limit is lower
    CHECK(target.size() == 1);
    CHECK(sent_from(second, target, 0, 3) == "own");
    auto moved = std::move(target);
    CHECK(target.update(0, source, 0, 1).error().why() == cause::ring_closed); // NOLINT: it is nobody's
    source.close().value();
    CHECK(moved.update(0, source, 0, 1).error().why() == cause::ring_closed);
    first.close().value();
    CHECK(moved.update(0, source, 0, 1).error().why() == cause::ring_closed);
    CHECK(sent_from(second, moved, 0, 3) == "own");
}

TEST_CASE("a table is shared with a ring that has no descriptor, on that ring's thread only [hazard 13]",
          "[hazard 13]") {
    lio::ring_options options{.entries = 4, .require = lio::setup::registered_file_only};
    const auto needed = ring::required_memory(options);
    if (!needed) LIO_SKIP("a ring without a descriptor: since Linux 6.5");
    const auto memory = lio::ring_memory::create(*needed).value();
    options.memory = memory.bytes();
    auto nameless = ring::create(options);
    if (!nameless)
        LIO_SKIP("a ring without a descriptor: since Linux 6.5, and if its memory is not one huge page, 6.14");
    ring second = ring::create({.entries = 8, .exactly = true}).value();
    page one{"one"};
    const auto source = registered_buffers::create(*nameless, std::array{one.memory()}).value();
    // On another thread its number is nothing, or another ring's.
    lio::error elsewhere{0};
    std::thread([&] { elsewhere = registered_buffers::clone(second, source).error(); }).join();
    CHECK(elsewhere == lio::error{EEXIST, cause::wrong_thread});
    const auto shared = registered_buffers::clone(second, source).value();
    CHECK(sent_from(second, shared, 0, 3) == "one");
}

TEST_CASE("a table of a ring that is another thread's is not shared, and that is said") {
    ring first = ring::create({.entries = 8}).value();
    if (!has(first.setup_flags(), lio::setup::single_issuer)) LIO_SKIP("rings of one thread: since Linux 6.0");
    page one{"one"};
    const auto source = registered_buffers::create(first, std::array{one.memory()}).value();
    CHECK(sent_from(first, source, 0, 3) == "one"); // now it is this thread's
    ring second = ring::create({.entries = 8, .exactly = true}).value();
    if (const auto here = registered_buffers::clone(second, source); !here)
        LIO_SKIP("sharing a table of buffers: since Linux 6.12");
    lio::error elsewhere{0};
    std::thread([&] {
        if (const auto made = registered_buffers::clone(second, source); !made) elsewhere = made.error();
    }).join();
    if (elsewhere.code() == 0) LIO_SKIP("the kernel looks whose ring is shared: after Linux 6.12");
    CHECK(elsewhere == lio::error{EEXIST, cause::wrong_thread});
}

TEST_CASE("a shared table is pinned and counted once, and let go of with the last that has it [hazard 18]",
          "[hazard 18]") {
    ring first = ring::create({.entries = 8}).value();
    ring second = ring::create({.entries = 8}).value();
    page one{"one"};
    page two{"two"};
    const std::ptrdiff_t before = footprint::locked_now();
    auto source = registered_buffers::create(first, std::array{one.memory(), two.memory()}).value();
    const std::ptrdiff_t pinned = footprint::locked_now();
    if (pinned == before) LIO_SKIP("the kernel shows what a ring pins (VmPin): not all do, Linux 7.3 for one");
    CHECK(pinned - before == 8192);
    auto shared = registered_buffers::clone(second, source);
    if (!shared) LIO_SKIP("sharing a table of buffers: since Linux 6.12");
    CHECK(footprint::locked_now() == pinned);
    source.close().value();
    CHECK(footprint::locked_now() == pinned);
    shared->close().value();
    CHECK(footprint::locked_soon(before) == before);
    leaks_nothing(
        [&] {
            const auto again = registered_buffers::create(first, std::array{one.memory(), two.memory()}).value();
            auto other = registered_buffers::clone(second, again).value();
            CHECK(registered_buffers::clone(second, again).error().code() == EBUSY);
            if (other.update(5, again, 0, 2)) CHECK(other.size() == 7);
            CHECK_FALSE(other.update(0x8000, again, 0, 1));
        },
        50, 1'000'000);
}

TEST_CASE("tables of buffers that change leave nothing behind") {
    if (!has_empty_tables()) LIO_SKIP(no_empty_tables);
    leaks_nothing(
        [] {
            ring ring = ring::create({.entries = 8}).value();
            page one{"one"};
            auto buffers = registered_buffers::create_empty(ring, 8).value();
            buffers.update(3, one.memory()).value();
            auto other = std::move(buffers);
            buffers = std::move(other);
            CHECK(buffers[3].size() == 4096);
            buffers.update(3, mutable_bytes{}).value();
        },
        5, 1'000'000);
}

} // namespace buffer_tables_test
