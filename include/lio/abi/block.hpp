// The commands that block devices take by uring_cmd: sqe::command.cmd_op. Nothing but constants.
#pragma once

#include <lio/abi/device_command.hpp>

#include <cstdint>

namespace lio::inline v0::abi {

/// Gives a range of the device's blocks back: sqe::addr is its offset in bytes, sqe::addr3 its length. Since Linux
/// 6.12.
inline constexpr std::uint32_t block_uring_cmd_discard = device_command(0x12, 0);
/// Empties all zones of a zoned device. Since Linux 7.3.
inline constexpr std::uint32_t block_uring_cmd_zone_reset_all = device_command(0x12, 1);

} // namespace lio::inline v0::abi
