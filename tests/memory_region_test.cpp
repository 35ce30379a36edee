// Memory that a ring and its program have in common, the program's and the kernel's. What the kernel has is looked at
// through a mapping of the test's own, and through files.

#include "catch.hpp"

#include "support/files.hpp"
#include "support/footprint.hpp"
#include "support/skip.hpp"
#include "support/waiting.hpp"

#include <lio/memory_region.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/read_write.hpp>
#include <lio/registered_buffers.hpp>
#include <lio/registered_files.hpp>
#include <lio/registered_waits.hpp>
#include <lio/ring.hpp>
#include <lio/ring_memory.hpp>
#include <lio/split.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace memory_region_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cause;
using lio::memory_region;
using lio::mutable_bytes;
using lio::registered_buffers;
using lio::ring;

constexpr const char* missing = "memory registered with a ring: since Linux 6.13";
constexpr std::size_t size = 65536; // whole pages everywhere
constexpr lio::error refused{EINVAL, cause::region_refused};

ring small_ring(lio::setup require = lio::setup::none) {
    return ring::create({.entries = 8, .require = require}).value();
}

// Pages of the program's own.
class pages {
public:
    explicit pages(int protection = PROT_READ | PROT_WRITE)
        : address_{::mmap(nullptr, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)} {
        REQUIRE(address_ != MAP_FAILED);
    }
    pages(const pages&) = delete;
    pages& operator=(const pages&) = delete;
    ~pages() { ::munmap(address_, size); }
    char* data() const { return static_cast<char*>(address_); }
    mutable_bytes bytes() const { return {address_, size}; }

private:
    void* address_;
};

bool is_there() {
    const ring made = small_ring();
    const auto region = memory_region::create(made, size);
    if (!region) REQUIRE(region.error() == refused);
    return region.has_value();
}

// The same memory of the kernel's, mapped a second time. Linux gives it this place in the ring's file.
char* mapped_again(const ring& ring, std::size_t bytes) {
    void* const address = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring.file(), 0x20000000);
    REQUIRE(address != MAP_FAILED);
    return static_cast<char*>(address);
}

bool ends_soon(int reading) {
    pollfd waited{reading, POLLIN, 0};
    char byte = 0;
    return ::poll(&waited, 1, patience_in_milliseconds) == 1 && ::read(reading, &byte, 1) == 0;
}

// Reads a file into the region and writes another part of it back, as a registered buffer.
void goes_through(ring& ring, mutable_bytes memory) {
    const temporary_directory directory;
    make_file(directory / "file", "what is in the file");
    const open_file file{directory / "file", O_RDWR};
    auto buffers = registered_buffers::create(ring, std::array{memory}).value();
    CHECK(run(ring, op::read_fixed(file, buffers[0].part(4090, 19), 0)).result().value() == 19);
    CHECK(std::memcmp(memory.data() + 4090, "what is in the file", 19) == 0);
    std::memcpy(memory.data() + size - 4, "last", 4);
    CHECK(run(ring, op::write_fixed(file, buffers[0].part(size - 4, 4), 15)).result().value() == 4);
    CHECK(content_of(directory / "file") == "what is in the last");
}

} // namespace

TEST_CASE("memory of the kernel's is mapped, empty, and whole pages") {
    if (!is_there()) LIO_SKIP(missing);
    const ring ring = small_ring();
    const auto region = memory_region::create(ring, 65537).value();
    const mutable_bytes all = region.bytes();
    REQUIRE(all.size() == 131072);
    CHECK(std::all_of(all.data(), all.data() + all.size(), [](std::byte byte) { return byte == std::byte{0}; }));
    std::memcpy(all.data() + 131068, "end", 4);
    char* const again = mapped_again(ring, all.size());
    CHECK(std::string(again + 131068) == "end");
    again[70000] = 'x';
    CHECK(all.data()[70000] == std::byte{'x'});
    ::munmap(again, all.size());
}

TEST_CASE("a registered buffer may be in memory that is registered as a whole, the kernel's and the program's") {
    if (!is_there()) LIO_SKIP(missing);
    SECTION("the kernel's") {
        ring ring = small_ring();
        const auto region = memory_region::create(ring, size).value();
        goes_through(ring, region.bytes());
        char* const again = mapped_again(ring, size);
        CHECK(std::string(again + 4090) == "what is in the file");
        ::munmap(again, size);
    }
    SECTION("the program's") {
        ring ring = small_ring();
        const pages memory;
        const auto region = memory_region::create(ring, memory.bytes()).value();
        CHECK(region.bytes().data() == memory.bytes().data());
        CHECK(region.bytes().size() == size);
        goes_through(ring, region.bytes());
    }
    SECTION("huge pages, where there are some") {
        ring ring = small_ring();
        const auto memory = lio::ring_memory::create(std::size_t{2} << 20).value();
        const auto region = memory_region::create(ring, memory.bytes()).value();
        goes_through(ring, {region.bytes().data(), size});
        if (!memory.is_huge()) record_partial_skip("the machine has no huge pages set aside (sysctl vm.nr_hugepages)");
    }
    SECTION("a split ring's") {
        auto [completions, submissions] = lio::with_capacity(4).value();
        const auto region = memory_region::create(completions, size).value();
        CHECK(memory_region::create(submissions, size).error().code() == EBUSY);
    }
}

TEST_CASE("waits may be in the program's own memory, which serves for buffers as well") {
    if (!is_there()) LIO_SKIP(missing);
    const pages memory;
    ring ring = small_ring();
    auto waits = lio::registered_waits::create(ring, 3, memory.bytes()).value();
    CHECK(waits.size() == 3);
    CHECK(waits.rest().data() == memory.bytes().data() + 3 * lio::registered_waits::bytes_each);
    CHECK(waits.rest().size() == size - 384);
    std::memset(waits.rest().data(), 'r', waits.rest().size());
    const auto begun = now();
    CHECK(ring.wait(1, waits.set(2, lio::wait_options{}.timeout(to_timespec(milliseconds(20))))).error().code() ==
          ETIME);
    CHECK(now() - begun >= milliseconds(20));
    CHECK(memory.data()[384] == 'r');
    auto buffers = registered_buffers::create(ring, std::array{waits.rest()}).value();
    const pipe_ends pipe;
    CHECK(run(ring, op::write_fixed(pipe.writing(), buffers[0].part(0, 1), lio::current_position)).result().value() ==
          1);
    char byte = 0;
    CHECK(::read(pipe.reading(), &byte, 1) == 1);
    CHECK(byte == 'r');
    const auto moved = std::move(waits);
    CHECK(waits.rest().size() == 0); // NOLINT: it is empty
    CHECK(moved.rest().size() == size - 384);
    // What it must not be.
    lio::ring other = small_ring();
    const lio::error no{EINVAL, cause::waits_refused};
    const auto refusal = [&](std::uint32_t count, mutable_bytes bytes) {
        return lio::registered_waits::create(other, count, bytes).error();
    };
    CHECK(refusal(513, memory.bytes()) == no);
    CHECK(refusal(1, {memory.data() + 64, size - 64}) == no);
    CHECK(refusal(1, {memory.data(), size - 64}) == no);
    CHECK(refusal(1, {}) == no);
    CHECK(refusal(0, memory.bytes()) == no);
}

TEST_CASE("memory that cannot be registered is refused with the reason, and the ring can have other memory then") {
    if (!is_there()) LIO_SKIP(missing);
    const pages memory;
    {
        ring ring = small_ring();
        const auto refusal = [&](mutable_bytes bytes) { return memory_region::create(ring, bytes).error(); };
        CHECK(refusal({memory.data() + 64, size - 64}) == refused);
        CHECK(refusal({memory.data(), size - 64}) == refused);
        CHECK(refusal({memory.data(), 0}) == refused);
        CHECK(refusal({}) == refused);
        CHECK(refusal({nullptr, size}) == refused);
        const pages read_only{PROT_READ};
        CHECK(refusal(read_only.bytes()) == lio::error{EFAULT, cause::register_call});
        CHECK(memory_region::create(ring, std::size_t{0}).error() == refused);
        CHECK(memory_region::create(ring, ~std::size_t{0}).error() == refused);
        CHECK(std::string(refused.message()).find("begin at a page") != std::string::npos);
        CHECK(memory_region::create(ring, memory.bytes()));
    }
    {
        ring ring = small_ring();
        { const auto region = memory_region::create(ring, memory.bytes()).value(); }
        const lio::error kept{EBUSY, cause::region_refused};
        CHECK(memory_region::create(ring, memory.bytes()).error() == kept);
        CHECK(memory_region::create(ring, size).error() == kept);
        CHECK(lio::registered_waits::create(ring, 1).error() == kept);
        CHECK(std::string(kept.message()).find("until it is closed") != std::string::npos);
        ring.close().value();
        CHECK(memory_region::create(ring, memory.bytes()).error().why() == cause::ring_closed);
        CHECK(memory_region::create(ring, size).error().why() == cause::ring_closed);
    }
}

TEST_CASE("a ring without a descriptor takes the program's memory, and says that it cannot map the kernel's") {
    lio::ring_options options{.entries = 4, .require = lio::setup::registered_file_only};
    const auto needed = ring::required_memory(options);
    if (!needed) LIO_SKIP("a ring without a descriptor: since Linux 6.5");
    const auto rings = lio::ring_memory::create(*needed).value();
    options.memory = rings.bytes();
    auto made = ring::create(options);
    if (!made || !is_there()) LIO_SKIP(missing);
    const lio::error no{EINVAL, cause::region_needs_descriptor};
    CHECK(memory_region::create(*made, size).error() == no);
    const pages memory;
    const auto region = memory_region::create(*made, memory.bytes()).value(); // nothing was left
    goes_through(*made, region.bytes());
}

TEST_CASE("memory and ring may end in either order, and what is mapped holds the kernel's ring") {
    if (!is_there()) LIO_SKIP(missing);
    std::optional<ring> first{small_ring()};
    std::optional<memory_region> region{memory_region::create(*first, size).value()};
    std::memcpy(region->bytes().data(), "kept", 5);
    {
        pipe_ends pipe;
        auto files = lio::registered_files::create(*first, std::array<int, 1>{pipe.writing()}).value();
        pipe.close_writing();
        first.reset();
        CHECK(std::string(reinterpret_cast<const char*>(region->bytes().data())) == "kept");
        pollfd waited{pipe.reading(), POLLIN, 0};
        CHECK(::poll(&waited, 1, 50) == 0);
        region.reset();
        CHECK(ends_soon(pipe.reading()));
    }
    // The program's memory is no such mapping.
    const pages memory;
    first.emplace(small_ring());
    region.emplace(memory_region::create(*first, memory.bytes()).value());
    pipe_ends pipe;
    auto files = lio::registered_files::create(*first, std::array<int, 1>{pipe.writing()}).value();
    pipe.close_writing();
    first.reset();
    CHECK(ends_soon(pipe.reading()));
    std::memset(region->bytes().data(), 1, size);
    region.reset();
    std::memset(memory.data(), 2, size);
}

TEST_CASE("a moved region is the same one; what it is moved onto is unmapped") {
    if (!is_there()) LIO_SKIP(missing);
    const ring one = small_ring();
    const ring two = small_ring();
    auto first = memory_region::create(one, size).value();
    auto second = memory_region::create(two, size).value();
    std::byte* const address = first.bytes().data();
    void* const gone = second.bytes().data();
    std::memcpy(address, "one", 4);
    second = std::move(first);
    CHECK(first.bytes().size() == 0); // NOLINT: it is empty
    CHECK(second.bytes().data() == address);
    CHECK(std::string(reinterpret_cast<const char*>(address)) == "one");
    unsigned char there = 0;
    CHECK(::mincore(gone, 4096, &there) == -1);
    CHECK(errno == ENOMEM);
}

TEST_CASE("a forked child has not inherited the mapping, and takes nothing away that is there instead [hazard 22]",
          "[hazard 22]") {
    if (!is_there()) LIO_SKIP(missing);
    ring ring = small_ring();
    lio::ring other = small_ring();
    std::optional<memory_region> region{memory_region::create(ring, size).value()};
    std::optional<lio::registered_waits> waits{lio::registered_waits::create(other, 1).value()};
    void* const places[] = {region->bytes().data(), waits->rest().data() - lio::registered_waits::bytes_each};
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        for (void* const place : places)
            if (::mmap(place, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) !=
                place)
                ::_exit(1); // inherited
        region.reset();
        waits.reset();
        unsigned char there[16];
        for (void* const place : places)
            if (::mincore(place, size, there) != 0) ::_exit(2);
        ::_exit(0);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    std::memcpy(region->bytes().data(), "here", 5);
    CHECK(ring.push(op::nop()));
    CHECK(next_soon(ring).result());
}

TEST_CASE("regions leave nothing behind, made or refused [hazard 18]", "[hazard 18]") {
    if (!is_there()) LIO_SKIP(missing);
    const pages memory;
    leaks_nothing(
        [&] {
            const ring one = small_ring();
            const ring two = small_ring();
            CHECK_FALSE(memory_region::create(one, std::size_t{0}));
            auto first = memory_region::create(one, size).value();
            CHECK_FALSE(memory_region::create(one, size));
            const auto second = memory_region::create(two, memory.bytes()).value();
            CHECK_FALSE(memory_region::create(two, mutable_bytes{memory.data() + 1, 4096}));
            const auto moved = std::move(first);
        },
        50, 1'000'000);
}

} // namespace memory_region_test
