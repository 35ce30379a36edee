// What zero-copy receive reports when it goes less well than it should: events, and how much was copied. Values; any
// thread.
#pragma once

#include <lio/detail/language.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// Things worth knowing, as bits of a set.
enum class zero_copy_event : std::uint32_t {
    none = 0,
    /// The network card found no memory to receive into: give memory back faster, or add some. Without a card it is
    /// op::recv_zc alone that says so, with ENOMEM. Since Linux 7.2.
    shortage = 1u << 0,
    /// Bytes were copied: they came by another queue of the card, or there is no card. Since Linux 7.2.
    copy = 1u << 1,
};

constexpr zero_copy_event operator|(zero_copy_event a, zero_copy_event b) noexcept {
    return static_cast<zero_copy_event>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
constexpr zero_copy_event operator&(zero_copy_event a, zero_copy_event b) noexcept {
    return static_cast<zero_copy_event>(static_cast<std::uint32_t>(a) & static_cast<std::uint32_t>(b));
}

/// What was copied since the beginning. A short run that lay in a packet's head is not counted.
struct zero_copy_statistics {
    /// How many pieces, and how many bytes they had in all.
    std::uint64_t copies = 0;
    std::uint64_t bytes = 0;
};

} // namespace lio::inline v0
