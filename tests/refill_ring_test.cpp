// A refill ring in memory of the test's own, which plays the kernel's half. One thread.

#include "catch.hpp"

#include <lio/detail/refill_ring.hpp>

#include <cstdint>
#include <vector>

namespace refill_ring_test {

namespace {

using lio::detail::refill_ring;

// As much of the kernel as a refill ring needs.
class kernels_half {
public:
    static constexpr std::uint32_t size = 4;

    explicit kernels_half(std::uint32_t first) : taken_{first} {
        head_.store_relaxed(first);
        tail_.store_relaxed(first);
    }
    refill_ring programs_half() { return {entries_, &head_, &tail_, size}; }

    /// Takes what is there, `most` at most; the offsets.
    std::vector<std::uint64_t> take(std::uint32_t most = size) {
        std::vector<std::uint64_t> all;
        for (; all.size() < most && taken_ != tail_.load_acquire(); ++taken_) {
            lio::abi::zcrx_rqe& entry = entries_[taken_ % size];
            all.push_back(entry.off);
            entry.off = ~std::uint64_t{0}; // one that is read twice shows
        }
        head_.store_release(taken_);
        return all;
    }
    void set_head(std::uint32_t head) { head_.store_release(head); }

private:
    lio::abi::zcrx_rqe entries_[size];
    lio::detail::shared_u32 head_{};
    lio::detail::shared_u32 tail_{};
    std::uint32_t taken_;
};

lio::abi::zcrx_rqe at(std::uint64_t offset) { return {offset, 1, 0}; }

} // namespace

TEST_CASE("a refill ring passes everything on in order, also when its counters begin again",
          "[refill_ring][hazard 2]") {
    for (const std::uint32_t first : {0u, 0xfffffffeu, 0x7ffffffeu}) {
        kernels_half kernel{first};
        refill_ring ring = kernel.programs_half();
        std::uint64_t next = 0;
        std::uint64_t expected = 0;
        for (std::uint32_t round = 0; round < 50; ++round) {
            const std::uint32_t count = round % (kernels_half::size + 1);
            for (std::uint32_t i = 0; i < count; ++i) {
                REQUIRE(ring.reserve());
                ring.put(at(next++));
            }
            CHECK(kernel.take().empty()); // not yet
            ring.publish();
            for (const std::uint64_t offset : kernel.take()) CHECK(offset == expected++);
            CHECK(expected == next);
        }
    }
}

TEST_CASE("a refill ring is full when the kernel has not taken what is in it", "[refill_ring][hazard 2]") {
    for (const std::uint32_t first : {0u, 0xfffffffeu}) {
        kernels_half kernel{first};
        refill_ring ring = kernel.programs_half();
        for (std::uint64_t i = 0; i < kernels_half::size; ++i) {
            REQUIRE(ring.reserve());
            ring.put(at(i));
        }
        ring.publish();
        CHECK_FALSE(ring.reserve());
        CHECK(kernel.take(1) == std::vector<std::uint64_t>{0});
        CHECK(ring.reserve());
        CHECK_FALSE(ring.reserve());
        ring.put(at(4));
        ring.publish();
        CHECK(kernel.take() == std::vector<std::uint64_t>{1, 2, 3, 4});
    }
}

TEST_CASE("a place that is set apart is there for nobody else", "[refill_ring]") {
    kernels_half kernel{0};
    refill_ring ring = kernel.programs_half();
    for (std::uint32_t i = 0; i < kernels_half::size; ++i) REQUIRE(ring.reserve());
    CHECK(ring.reserved() == kernels_half::size);
    CHECK_FALSE(ring.reserve());
    ring.put(at(7));
    CHECK(ring.reserved() == kernels_half::size - 1);
    CHECK_FALSE(ring.reserve()); // used, and not yet taken
    ring.publish();
    CHECK(kernel.take() == std::vector<std::uint64_t>{7});
    CHECK(ring.reserve());
    CHECK_FALSE(ring.reserve());
}

TEST_CASE("a head that the kernel cannot have written frees nothing", "[refill_ring]") {
    kernels_half kernel{10};
    refill_ring ring = kernel.programs_half();
    for (std::uint64_t i = 0; i < kernels_half::size; ++i) {
        REQUIRE(ring.reserve());
        ring.put(at(i));
    }
    ring.publish();
    kernel.set_head(15);
    CHECK_FALSE(ring.reserve());
    kernel.set_head(9);
    CHECK_FALSE(ring.reserve());
    kernel.set_head(12);
    CHECK(ring.reserve());
    CHECK(ring.reserve());
    CHECK_FALSE(ring.reserve());
}

} // namespace refill_ring_test
