// What the NVMe driver takes by uring_cmd: the command, which lies in the entry from its 48th byte on, and the numbers
// of sqe::command.cmd_op. The kernel's layout in our own words; nothing but constants and layouts.
#pragma once

#include <lio/abi/device_command.hpp>

#include <cstdint>

namespace lio::inline v0::abi {

/// An NVMe command in the machine's byte order. The NVMe specification says what the words from cdw2 on mean.
struct alignas(8) nvme_uring_cmd {
    std::uint8_t opcode = 0;
    /// 0.
    std::uint8_t flags = 0;
    std::uint16_t rsvd1 = 0;
    /// The namespace; 0 for commands to the controller that are of none.
    std::uint32_t nsid = 0;
    std::uint32_t cdw2 = 0;
    std::uint32_t cdw3 = 0;
    /// The address of what the disk keeps beside its blocks, where that is apart from the data.
    std::uint64_t metadata = 0;
    /// The address of the data, or of an array of iovec.
    std::uint64_t addr = 0;
    std::uint32_t metadata_len = 0;
    /// In bytes, or the number of elements where `addr` points to an array.
    std::uint32_t data_len = 0;
    std::uint32_t cdw10 = 0;
    std::uint32_t cdw11 = 0;
    std::uint32_t cdw12 = 0;
    std::uint32_t cdw13 = 0;
    std::uint32_t cdw14 = 0;
    std::uint32_t cdw15 = 0;
    /// 0 for the driver's own limit.
    std::uint32_t timeout_ms = 0;
    std::uint32_t rsvd2 = 0;
};

static_assert(sizeof(nvme_uring_cmd) == 72);
static_assert(__builtin_offsetof(nvme_uring_cmd, nsid) == 4);
static_assert(__builtin_offsetof(nvme_uring_cmd, metadata) == 16);
static_assert(__builtin_offsetof(nvme_uring_cmd, addr) == 24);
static_assert(__builtin_offsetof(nvme_uring_cmd, data_len) == 36);
static_assert(__builtin_offsetof(nvme_uring_cmd, cdw10) == 40);
static_assert(__builtin_offsetof(nvme_uring_cmd, timeout_ms) == 64);

/// A command to a namespace.
inline constexpr std::uint32_t nvme_uring_cmd_io = device_command_both_ways('N', 0x80, sizeof(nvme_uring_cmd));
/// The same, its data in several pieces.
inline constexpr std::uint32_t nvme_uring_cmd_io_vec = device_command_both_ways('N', 0x81, sizeof(nvme_uring_cmd));
/// A command to the controller.
inline constexpr std::uint32_t nvme_uring_cmd_admin = device_command_both_ways('N', 0x82, sizeof(nvme_uring_cmd));
/// The same, its data in several pieces.
inline constexpr std::uint32_t nvme_uring_cmd_admin_vec = device_command_both_ways('N', 0x83, sizeof(nvme_uring_cmd));

} // namespace lio::inline v0::abi
