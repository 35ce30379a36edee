// The numbers of device commands, as ioctl(2) knows them: made of a direction, the size of the argument, a letter and a
// number. Includes <cstdint> only; nothing but constants.
#pragma once

#include <lio/detail/language.hpp>

#include <cstdint>

namespace lio::inline v0::abi {

// A few CPUs have three bits for the direction instead of two, and so one fewer for the size.
#if defined(__mips__) || defined(__powerpc__) || defined(__sparc__) || defined(__alpha__)
inline constexpr std::uint32_t device_command_direction_shift = 29;
inline constexpr std::uint32_t device_command_none = 1;
inline constexpr std::uint32_t device_command_read_write = 2 | 4;
#else
inline constexpr std::uint32_t device_command_direction_shift = 30;
inline constexpr std::uint32_t device_command_none = 0;
inline constexpr std::uint32_t device_command_read_write = 1 | 2;
#endif

/// A command without an argument.
constexpr std::uint32_t device_command(std::uint8_t type, std::uint8_t number) noexcept {
    return device_command_none << device_command_direction_shift | std::uint32_t{type} << 8 | number;
}

/// A command whose argument of `size` bytes goes both ways.
constexpr std::uint32_t device_command_both_ways(std::uint8_t type, std::uint8_t number, std::uint32_t size) noexcept {
    return device_command_read_write << device_command_direction_shift | size << 16 | std::uint32_t{type} << 8 | number;
}

} // namespace lio::inline v0::abi
