// What registered buffers take of the memory that may not move, and buffers in huge pages. The kernel's own count of it
// is looked at.

#include "catch.hpp"

#include "support/files.hpp"
#include "support/footprint.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/waiting.hpp"

#include <lio/op/read_write.hpp>
#include <lio/registered_buffers.hpp>
#include <lio/ring.hpp>
#include <lio/ring_memory.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace pinned_memory_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::mutable_bytes;
using lio::registered_buffers;
using lio::ring;

constexpr std::size_t huge_page = std::size_t{2} << 20;

// Memory that begins at a huge page, of which the kernel makes one by itself where it can.
class aligned_memory {
public:
    explicit aligned_memory(std::size_t size)
        : size_{size + huge_page},
          address_{::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)} {
        REQUIRE(address_ != MAP_FAILED);
        const auto begin = reinterpret_cast<std::uintptr_t>(address_);
        data_ = static_cast<char*>(address_) + ((begin + huge_page - 1) / huge_page * huge_page - begin);
        static_cast<void>(::madvise(data_, size, MADV_HUGEPAGE)); // a wish
        std::memset(data_, 0, size);
    }
    aligned_memory(const aligned_memory&) = delete;
    aligned_memory& operator=(const aligned_memory&) = delete;
    ~aligned_memory() { ::munmap(address_, size_); }
    char* data() const { return data_; }

private:
    std::size_t size_;
    void* address_;
    char* data_;
};

// Reads and writes over the borders of ordinary pages, and of huge ones, at both ends, in a file as large.
void crosses_borders(ring& ring, mutable_bytes memory) {
    const temporary_directory directory;
    std::string content;
    for (std::size_t i = 0; content.size() < memory.size(); ++i)
        content.append(std::min<std::size_t>(4093, memory.size() - content.size()), static_cast<char>('a' + i % 26));
    make_file(directory / "file", content);
    const open_file file{directory / "file", O_RDWR};
    const auto buffers = registered_buffers::create(ring, std::array{memory}).value();
    auto* const text = reinterpret_cast<char*>(memory.data());
    const std::size_t places[] = {0, 4090, 4096, 8191, 65530, memory.size() / 2 - 50, memory.size() - 100};
    for (const std::size_t place : places) {
        INFO("at " << place);
        std::memset(text, '-', memory.size());
        CHECK(run(ring, op::read_fixed(file, buffers[0].part(place, 100), place)).result().value() == 100);
        CHECK(std::memcmp(text + place, content.data() + place, 100) == 0);
        CHECK((place == 0 || text[place - 1] == '-'));
        CHECK((place + 100 == memory.size() || text[place + 100] == '-'));
        for (std::size_t i = 0; i < 100; ++i) text[place + i] = content[place + i] = static_cast<char>('A' + i % 26);
        CHECK(run(ring, op::write_fixed(file, buffers[0].part(place, 100), place)).result().value() == 100);
    }
    std::string there(content.size(), ' ');
    REQUIRE(::pread(file, there.data(), there.size(), 0) == static_cast<ssize_t>(there.size()));
    CHECK((there == content)); // not printed: they are megabytes
}

} // namespace

TEST_CASE("memory is pinned as long as it is registered, by page, and no longer") {
    under_each_setup([](ring& ring) {
        const aligned_memory memory{65536};
        const std::ptrdiff_t before = footprint::locked_now();
        auto buffers = registered_buffers::create(ring, std::array{mutable_bytes{memory.data(), 65536}}).value();
        const std::ptrdiff_t pinned = footprint::locked_now() - before;
        if (pinned == 0) {
            record_partial_skip("the kernel shows what a ring pins (VmPin): not all do, Linux 7.3 for one");
            return;
        }
        // All of a huge page counts.
        CHECK((pinned == 65536 || pinned == static_cast<std::ptrdiff_t>(huge_page)));
        CHECK_FALSE(registered_buffers::create(ring, std::array{mutable_bytes{memory.data(), 4096}}));
        CHECK(footprint::locked_now() - before == pinned);
        buffers.close().value();
        CHECK(footprint::locked_soon(before) == before);
        // One of several that cannot be had: the others are let go of as well.
        void* const closed = ::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK_FALSE(registered_buffers::create(
            ring, std::array{mutable_bytes{memory.data(), 65536}, mutable_bytes{closed, 4096}}));
        CHECK(footprint::locked_soon(before) == before);
        ::munmap(closed, 4096);
    });
}

TEST_CASE("memory is unpinned when the ring that it was registered with has gone") {
    const aligned_memory memory{65536};
    const std::ptrdiff_t before = footprint::locked_now();
    std::optional<ring> made{ring::create({.entries = 4}).value()};
    const auto buffers = registered_buffers::create(*made, std::array{mutable_bytes{memory.data(), 65536}}).value();
    if (footprint::locked_now() == before)
        LIO_SKIP("the kernel shows what a ring pins (VmPin): not all do, Linux 7.3 for one");
    made.reset();
    CHECK(footprint::locked_soon(before) == before);
}

TEST_CASE("operations cross the borders of pages in a buffer that the kernel may have made of huge ones") {
    under_each_setup([](ring& ring) {
        const aligned_memory memory{2 * huge_page};
        crosses_borders(ring, {memory.data(), 2 * huge_page});
        // Not from the beginning of a huge page, and not to the end of one.
        crosses_borders(ring, {memory.data() + 5000, 2 * huge_page - 9001});
    });
}

TEST_CASE("operations cross the borders of pages in a buffer of huge ones") {
    const auto memory = lio::ring_memory::create(2 * huge_page).value();
    if (!memory.is_huge()) LIO_SKIP("the machine has no huge pages set aside (sysctl vm.nr_hugepages)");
    const std::ptrdiff_t before = footprint::locked_now();
    ring ring = lio::ring::create({.entries = 8}).value();
    crosses_borders(ring, memory.bytes());
    crosses_borders(ring, {memory.bytes().data() + 5000, 2 * huge_page - 9001});
    auto buffers = registered_buffers::create(ring, std::array{memory.bytes()}).value();
    const std::ptrdiff_t pinned = footprint::locked_now() - before;
    CHECK((pinned == 0 || pinned == static_cast<std::ptrdiff_t>(2 * huge_page))); // Linux 7.3 does not show it
    buffers.close().value();
    CHECK(footprint::locked_soon(before) == before);
}

} // namespace pinned_memory_test
