// The 64 bits that travel from an operation to its completion, and the rule by which a value of the
// program's own type becomes them and comes back. Any thread; no state.
#pragma once

#include <lio/detail/language.hpp>

#include <cstdint>
#include <type_traits>

namespace lio::inline v0 {

/// The numbers that operations of the program's own cannot have as their user_data: the library gives them to entries
/// of its own. No pointer and no structure of small numbers looks like one of them.
enum class reserved_user_data : std::uint64_t {
    /// Fills up the queue of a lio::mixed_ring where an entry of 128 bytes would cross its end. Its completion is never
    /// shown, so push() refuses this number there.
    padding = 0xa11c'0de5'6c69'6f01,
    /// What submission_queue::stop() sends; see cqe::is_stop().
    stop = 0xa11c'0de5'6c69'6f02,
};

} // namespace lio::inline v0

namespace lio::inline v0::detail {

// No arrays: a string literal would travel as its characters, not as a pointer. No structures with padding: its bytes
// are anything, and operations are cancelled by comparing all 64 bits.
template <class T>
concept user_data_value =
    std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t) &&
    (std::is_scalar_v<T> || (std::is_class_v<T> && std::has_unique_object_representations_v<T>));

// Numbers, enumerations and pointers go by value, so that user_data() shows the number that was given on
// every byte order; structures go byte for byte.
template <user_data_value T>
constexpr std::uint64_t to_user_data(const T& value) noexcept {
    if constexpr (std::is_pointer_v<T>) {
        return reinterpret_cast<std::uintptr_t>(value);
    } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
        return static_cast<std::uint64_t>(value);
    } else {
        std::uint64_t bits = 0;
        __builtin_memcpy(&bits, &value, sizeof value);
        return bits;
    }
}

template <user_data_value T>
constexpr T from_user_data(std::uint64_t bits) noexcept {
    if constexpr (std::is_pointer_v<T>) {
        return reinterpret_cast<T>(static_cast<std::uintptr_t>(bits));
    } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
        return static_cast<T>(bits);
    } else {
        static_assert(std::is_trivially_default_constructible_v<T> || std::is_default_constructible_v<T>);
        T value{};
        __builtin_memcpy(&value, &bits, sizeof value);
        return value;
    }
}

} // namespace lio::inline v0::detail
