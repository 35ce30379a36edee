// Zero-copy receive for the tests: without a network card, over the loopback device, so that everything is copied into
// the registered memory and all else is as with a card. Test code; on the test's thread.
#pragma once

#include "../catch.hpp"
#include "large_rings.hpp"
#include "probe.hpp"
#include "sockets.hpp"

#include <lio/large_ring.hpp>
#include <lio/zero_copy_receiver.hpp>

#include <sys/mman.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace lio::test {

inline std::size_t page_size() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

/// Whole pages from the system.
class pages {
public:
    explicit pages(std::size_t count, int protection = PROT_READ | PROT_WRITE)
        : size_{count * page_size()}, memory_{::mmap(nullptr, size_, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)} {
        REQUIRE(memory_ != MAP_FAILED);
    }
    pages(const pages&) = delete;
    pages& operator=(const pages&) = delete;
    ~pages() { ::munmap(memory_, size_); }
    std::byte* data() const { return static_cast<std::byte*>(memory_); }
    std::size_t size() const { return size_; }
    zero_copy_area area() const { return zero_copy_area::own({memory_, size_}); }

private:
    std::size_t size_;
    void* memory_;
};

/// A ring of this type, if the kernel has such rings.
template <class Ring>
std::unique_ptr<Ring> make_ring(const ring_options& options = {.entries = 64}) {
    auto made = Ring::create(options);
    if (!made) return nullptr;
    return std::make_unique<Ring>(static_cast<Ring&&>(*made));
}

/// Without a card, into `area`; what else there is to say is in `more`.
template <class Ring>
result<zero_copy_receiver> try_receiver(const Ring& ring, const zero_copy_area& area, zero_copy_options more = {}) {
    more.without_device = true;
    more.area = area;
    return zero_copy_receiver::create(ring, more);
}
template <class Ring>
zero_copy_receiver make_receiver(const Ring& ring, const zero_copy_area& area, const zero_copy_options& more = {}) {
    return try_receiver(ring, area, more).value();
}

/// Why there is no zero-copy receive at all here; nullptr if there is, though perhaps only with a card.
inline const char* no_zero_copy() {
    static const char* const answer = []() -> const char* {
        if (!make_ring<large_completion_ring>()) return no_large_rings;
        if (!kernel_supports(abi::opcode::recv_zc)) return "zero-copy receive: since Linux 6.15";
        return nullptr;
    }();
    return answer;
}

/// Why it cannot be used here without a card; nullptr if it can.
inline const char* no_zero_copy_without_device() {
    static const char* const answer = []() -> const char* {
        if (no_zero_copy() != nullptr) return no_zero_copy();
        const pages memory{1};
        const auto ring = make_ring<large_completion_ring>();
        const auto made = try_receiver(*ring, memory.area());
        if (made) return nullptr;
        switch (made.error().why()) {
        case cause::zero_copy_needs_administrator:
            return "zero-copy receive needs CAP_NET_ADMIN";
        case cause::zero_copy_needs_device:
            return "zero-copy receive without a network card: since Linux 7.1";
        default:
            FAIL("the reason is not known: " << made.error().message());
            return "";
        }
    }();
    return answer;
}

/// Whether nothing comes for a moment.
template <class Ring>
bool is_quiet(Ring& ring) {
    ring.submit().value();
    ::poll(nullptr, 0, 20);
    return ring.reap().empty();
}

inline std::string_view text_of_item(const zero_copy_receiver& receiver, const large_cqe& done) {
    return text_of(receiver.filled(done));
}

/// What comes until there is `size` of it; gives each piece back.
template <class Ring>
std::string receive_into(Ring& ring, zero_copy_receiver& receiver, std::size_t size) {
    std::string all;
    while (all.size() < size) {
        const large_cqe done = next_on(ring);
        REQUIRE(code(done) == 0);
        REQUIRE(done.template as<op::recv_zc>().event() == multishot_event::item);
        all += text_of_item(receiver, done);
        receiver.give_back(done).value();
        receiver.flush().value();
    }
    return all;
}

/// A completion as it would come, of `size` bytes at `offset` of an area.
constexpr large_cqe received_at(std::uint32_t area, std::uint64_t offset, std::int32_t size,
                                std::uint32_t flags = abi::cqe_f_more) {
    return large_cqe{abi::cqe32{77, size, flags, {(std::uint64_t{area} << abi::zcrx_area_shift) | offset, 0}}};
}

} // namespace lio::test
