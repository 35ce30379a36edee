// What the operations that put a new file into a slot of the registered files have in common: how the entry names the
// slot, and the flag that a slot cannot have. Includes no system header; any thread.
#pragma once

#include <lio/abi/entries.hpp>
#include <lio/descriptor.hpp>

#include <cstdint>

namespace lio::inline v0::detail {

// O_CLOEXEC, which is SOCK_CLOEXEC too. A slot has no such flag (it belongs to a ring and is gone after exec anyway),
// and the kernel answers EINVAL, which could mean anything.
#if defined(__sparc__)
inline constexpr std::uint32_t close_on_exec = 0x400000;
#elif defined(__alpha__) || defined(__hppa__)
inline constexpr std::uint32_t close_on_exec = 0x200000;
#else
inline constexpr std::uint32_t close_on_exec = 0x80000;
#endif

// The kernel counts from 1 here. Its highest number means "any free slot", which the highest slots must not turn into,
// nor into 0, which means "no slot at all": no table has them, and they become a number that is refused.
constexpr std::uint32_t file_index_of(direct_descriptor slot) noexcept {
    constexpr std::uint32_t last = abi::file_index_alloc - 1;
    return slot.slot() < last ? slot.slot() + 1 : last;
}

} // namespace lio::inline v0::detail
