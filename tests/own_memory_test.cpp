// Rings in memory of the program's own.

#include "catch.hpp"
#include "support/footprint.hpp"
#include "support/skip.hpp"

#include <lio/large_ring.hpp>
#include <lio/op/nop.hpp>
#include <lio/probe.hpp>
#include <lio/ring_description.hpp>
#include <lio/ring_memory.hpp>
#include <lio/split.hpp>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <thread>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

namespace own_memory_test {

using lio::op::nop;

namespace {

// Whole pages, huge ones if they are asked for and the machine has some.
class pages {
public:
    explicit pages(std::size_t size, int more = 0)
        : size_{size},
          address_{::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | more, -1, 0)} {}
    pages(const pages&) = delete;
    pages& operator=(const pages&) = delete;
    ~pages() {
        if (is_there()) ::munmap(address_, size_);
    }
    bool is_there() const { return address_ != MAP_FAILED; }
    std::byte* data() const { return static_cast<std::byte*>(address_); }
    lio::mutable_bytes bytes() const { return {address_, size_}; }

private:
    std::size_t size_;
    void* address_;
};

// A ring whose parts take a page each is possible wherever the program's memory is at all.
constexpr lio::ring_options small{.entries = 4};

template <class Ring>
bool can_use_own_memory(const lio::ring_options& options) {
    const auto size = Ring::required_memory(options);
    if (!size && size.error().why() == lio::cause::large_entries_missing) return false; // and much older than that
    const pages memory{size.value()};
    auto asked = options;
    asked.memory = memory.bytes();
    const auto made = Ring::create(asked);
    if (!made) REQUIRE(made.error().why() == lio::cause::memory_refused);
    return made.has_value();
}

template <class Ring>
void works(Ring& ring, std::uint64_t operations) {
    for (std::uint64_t i = 0; i < operations; ++i) {
        ring.push(nop().user_data(i)).value();
        CHECK(ring.submit_and_wait(1).value().taken == 1);
        CHECK(ring.next().value().user_data() == i);
    }
}

} // namespace

TEST_CASE("a ring works in memory of the program's own, which is its again afterwards [hazard 17]", "[hazard 17]") {
    if (!can_use_own_memory<lio::ring>(small)) LIO_SKIP("a ring in the program's memory: since Linux 6.5");
    const std::size_t size = lio::ring::required_memory(small).value();
    const pages memory{size + 4096};
    std::memset(memory.data(), 0x5a, size + 4096);
    auto options = small;
    options.memory = memory.bytes();
    for (int round = 0; round < 3; ++round) {
        lio::ring ring = lio::ring::create(options).value();
        CHECK(std::strstr(lio::describe(ring).c_str(), "the program's memory") != nullptr);
        works(ring, 20);
        ring.close().value();
        // Still mapped, and nothing beyond what was said is written to.
        memory.data()[0] = std::byte{1};
        CHECK(memory.data()[size] == std::byte{0x5a});
    }
}

TEST_CASE("rings of all sizes of entries fit into the memory that they say they need [hazard 17]", "[hazard 17]") {
    const lio::ring_options options{.entries = 256, .completion_entries = 1024};
    if (!can_use_own_memory<lio::large_ring>(options))
        LIO_SKIP("a ring in many small pages of the program's memory: since Linux 6.14");
    const auto fits = [](auto make, const lio::ring_options& wanted, std::size_t size) {
        const pages memory{size};
        auto asked = wanted;
        asked.memory = memory.bytes();
        auto ring = make(asked).value();
        works(ring, 1100); // beyond the last entry of both queues
    };
    fits(lio::ring::create, options, lio::ring::required_memory(options).value());
    fits(lio::large_ring::create, options, lio::large_ring::required_memory(options).value());
    fits(lio::large_completion_ring::create, options, lio::large_completion_ring::required_memory(options).value());
    const lio::ring_options exact{.entries = 256, .exactly = true}; // with a submission array
    fits(lio::ring::create, exact, lio::ring::required_memory(exact).value());
    CHECK(lio::large_ring::required_memory(options).value() > lio::ring::required_memory(options).value());
}

TEST_CASE("memory for a ring is of huge pages where there are some, and else of others [hazard 17]", "[hazard 17]") {
    const lio::ring_options options{.entries = 256};
    const std::size_t size = lio::ring::required_memory(options).value();
    auto memory = lio::ring_memory::create(size).value();
    REQUIRE(memory.bytes().size() >= size);
    CHECK(memory.is_huge() == pages{std::size_t{2} << 20, MAP_HUGETLB | (21 << 26)}.is_there());
    const lio::ring_memory kept = std::move(memory);
    CHECK(memory.bytes().size() == 0);
    auto asked = options;
    asked.memory = kept.bytes();
    auto made = lio::ring::create(asked);
    if (!made && made.error().why() == lio::cause::memory_refused)
        LIO_SKIP("a ring in the program's memory: since Linux 6.5, and if that is not one huge page, 6.14");
    works(made.value(), 600);
    CHECK(lio::ring_memory::create(0).error().code() == EINVAL);
    CHECK(lio::ring_memory::create(~std::size_t{0}).error().code() == EINVAL);
    CHECK(lio::ring_memory::create(~std::size_t{0} - (std::size_t{4} << 20)).error().code() == ENOMEM);
}

TEST_CASE("memory for rings leaves nothing behind [hazard 17]", "[hazard 17]") {
    lio::test::leaks_nothing(
        [] {
            auto memory = lio::ring_memory::create(100'000).value();
            memory = lio::ring_memory::create(200'000).value();
            memory.bytes().data()[199'999] = std::byte{1};
        },
        50, 1'000'000);
}

TEST_CASE("a ring works in a huge page [hazard 17]", "[hazard 17]") {
    const auto memory = lio::ring_memory::create(1).value();
    if (!memory.is_huge()) LIO_SKIP("the machine has no huge pages set aside (sysctl vm.nr_hugepages)");
    auto made = lio::ring::create({.entries = 256, .memory = memory.bytes()});
    if (!made && made.error().why() == lio::cause::memory_refused)
        LIO_SKIP("a ring in the program's memory: since Linux 6.5");
    works(made.value(), 600);
}

TEST_CASE("memory that will not do is refused with the reason [hazard 17]", "[hazard 17]") {
    const std::size_t size = lio::ring::required_memory(small).value();
    const pages memory{2 * size};
    auto options = small;
    options.memory = {memory.data(), size - 1};
    CHECK(lio::ring::create(options).error() == lio::error{EINVAL, lio::cause::memory_too_small});
    options.memory = {memory.data() + 64, size};
    CHECK(lio::ring::create(options).error().why() == lio::cause::memory_refused);
    options.entries = 0;
    CHECK(lio::ring::create(options).error() == lio::error{EINVAL, lio::cause::no_entries});
    CHECK(lio::ring::required_memory(options).error() == lio::error{EINVAL, lio::cause::no_entries});
}

TEST_CASE("a ring in the program's memory cannot be resized, and leaves nothing behind [hazard 17] [hazard 21]",
          "[hazard 17][hazard 21]") {
    if (!can_use_own_memory<lio::ring>(small)) LIO_SKIP("a ring in the program's memory: since Linux 6.5");
    const pages memory{lio::ring::required_memory(small).value()};
    auto options = small;
    options.memory = memory.bytes();
    lio::test::leaks_nothing(
        [&] {
            lio::ring ring = lio::ring::create(options).value();
            CHECK(ring.resize(8).error() == lio::error{EINVAL, lio::cause::resize_needs_set_up});
            works(ring, 1);
        },
        50, 1'000'000);
}

TEST_CASE("a ring without a descriptor works on its thread, and on no other [hazard 13] [hazard 17]",
          "[hazard 13][hazard 17]") {
    if (!can_use_own_memory<lio::ring>(small)) LIO_SKIP("a ring without a descriptor: since Linux 6.5");
    auto options = small;
    options.require = lio::setup::registered_file_only;
    const pages memory{lio::ring::required_memory(options).value()};
    options.memory = memory.bytes();
    for (const auto more : {lio::setup::none, lio::setup::start_disabled}) {
        options.require = lio::setup::registered_file_only | more;
        const int next_descriptor = ::dup(0);
        ::close(next_descriptor);
        lio::ring ring = lio::ring::create(options).value();
        const int descriptor = ::dup(0);
        CHECK(descriptor == next_descriptor); // none was taken
        ::close(descriptor);
        CHECK(ring.file() == -1);
        CHECK(ring.is_open());
        CHECK(std::strstr(lio::describe(ring).c_str(), "registered_file_only") != nullptr);
        if (more != lio::setup::none) {
            ring.push(nop()).value();
            CHECK(ring.submit().error() == lio::error{EBADFD, lio::cause::ring_disabled});
            ring.enable().value();
            ring.submit_and_wait(1).value();
            ring.next().value();
        }
        works(ring, 20);
        CHECK(lio::probe::ask(ring).value().supports<nop>()); // a registration call
        std::thread{[&] {
            ring.push(nop().user_data(1)).value();
            CHECK(ring.submit().error() == lio::error{EEXIST, lio::cause::wrong_thread});
            CHECK(ring.wait(1).error() == lio::error{EEXIST, lio::cause::wrong_thread});
            CHECK(lio::probe::ask(ring).error() == lio::error{EEXIST, lio::cause::wrong_thread});
        }}.join();
        CHECK(ring.submit_and_wait(1).value().taken == 1);
        CHECK(ring.next().value().user_data() == 1);
    }
}

TEST_CASE("a ring without a descriptor gives its number back when it is closed [hazard 13]", "[hazard 13]") {
    if (!can_use_own_memory<lio::ring>(small)) LIO_SKIP("a ring without a descriptor: since Linux 6.5");
    auto options = small;
    options.require = lio::setup::registered_file_only;
    const pages memory{lio::ring::required_memory(options).value()};
    options.memory = memory.bytes();
    for (int i = 0; i < 40; ++i) { // a thread has 16 numbers
        lio::ring ring = lio::ring::create(options).value();
        works(ring, 1);
        ring.close().value();
        CHECK_FALSE(ring.is_open());
        CHECK(ring.submit().error().why() == lio::cause::ring_closed);
    }
}

TEST_CASE("a ring without a descriptor that cannot be is refused with the reason [hazard 8]", "[hazard 8]") {
    auto options = small;
    options.require = lio::setup::registered_file_only;
    CHECK(lio::ring::create(options).error() == lio::error{EINVAL, lio::cause::registered_file_needs_memory});
    const pages memory{lio::ring::required_memory(options).value()};
    options.memory = memory.bytes();
    CHECK(lio::with_options(options).error() == lio::error{EINVAL, lio::cause::split_binds_thread});
}

} // namespace own_memory_test
