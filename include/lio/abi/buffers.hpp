// Buffer rings: memory that the program lends to the kernel for it to choose from. The kernel's layout in our own
// words. Includes <cstdint> only. The program writes the entries and then the tail, and the kernel reads both.
#pragma once

#include <lio/detail/language.hpp>

#include <cstdint>

namespace lio::inline v0::abi {

/// One buffer of a buffer ring.
struct alignas(8) buf {
    std::uint64_t addr = 0;
    std::uint32_t len = 0;
    /// The number that completions name it by.
    std::uint16_t bid = 0;
    /// Not to be written: in the first entry it is the ring's tail.
    std::uint16_t resv = 0;
};

static_assert(sizeof(buf) == 16 && __builtin_offsetof(buf, bid) == 12);

/// The head of a buffer ring. It lies on top of the first entry, whose last two bytes it uses as the tail.
struct alignas(8) buf_ring {
    std::uint64_t resv1 = 0;
    std::uint32_t resv2 = 0;
    std::uint16_t resv3 = 0;
    /// The program's; stored with release order.
    std::uint16_t tail = 0;

    /// The entries, which begin where the head does. A member array would not: an empty structure before a
    /// flexible array takes room in C++, and then every entry is 8 bytes too far.
    buf* bufs() noexcept { return reinterpret_cast<buf*>(this); }
    const buf* bufs() const noexcept { return reinterpret_cast<const buf*>(this); }
};

static_assert(sizeof(buf_ring) == 16 && __builtin_offsetof(buf_ring, tail) == 14);
static_assert(__builtin_offsetof(buf_ring, tail) == __builtin_offsetof(buf, resv));

/// register_pbuf_ring, unregister_pbuf_ring. Since Linux 5.19.
struct alignas(8) buf_reg {
    /// The program's memory, page-aligned; 0 with pbuf_ring_mmap.
    std::uint64_t ring_addr = 0;
    /// A power of two, at most 32768.
    std::uint32_t ring_entries = 0;
    /// The group's number.
    std::uint16_t bgid = 0;
    /// pbuf_ring_... bits.
    std::uint16_t flags = 0;
    /// With pbuf_ring_inc: a buffer with less room than this counts as used up; 0 is taken as 1.
    std::uint32_t min_left = 0;
    std::uint32_t resv[5] = {};
};

static_assert(sizeof(buf_reg) == 40 && __builtin_offsetof(buf_reg, min_left) == 16);

/// buf_reg::flags: the kernel makes the memory; it is mapped at off_pbuf_ring. Since Linux 6.4.
inline constexpr std::uint16_t pbuf_ring_mmap = 1;
/// buf_reg::flags: a buffer is used up piece by piece. Since Linux 6.12.
inline constexpr std::uint16_t pbuf_ring_inc = 2;

/// register_pbuf_status: how far the kernel is. Since Linux 6.8.
struct buf_status {
    std::uint32_t buf_group = 0;
    /// From the kernel: the entry that it takes next.
    std::uint32_t head = 0;
    std::uint32_t resv[8] = {};
};

static_assert(sizeof(buf_status) == 40);

} // namespace lio::inline v0::abi
