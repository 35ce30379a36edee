// The mock file: a device that a test kernel offers for operations that need a file which behaves to order.
// The kernel's layout in our own words. Includes <cstdint> only; tests use it, programs do not.
#pragma once

#include <lio/detail/language.hpp>

#include <cstdint>

namespace lio::inline v0::abi {

// Commands to the manager device: sqe::command.cmd_op of a uring_cmd.

/// What can it do? Fills a mock_probe.
inline constexpr std::uint32_t mock_mgr_cmd_probe = 0;
/// Make a file, as a mock_create says.
inline constexpr std::uint32_t mock_mgr_cmd_create = 1;

/// The answer to mock_mgr_cmd_probe.
struct alignas(8) mock_probe {
    /// How many of the mock_feat_... numbers, from 0 on, it has.
    std::uint64_t features = 0;
    std::uint64_t resv[9] = {};
};

static_assert(sizeof(mock_probe) == 80);

/// Copies from and to registered buffers.
inline constexpr std::uint64_t mock_feat_cmd_copy = 0;
/// Reads zeros, and takes what is written.
inline constexpr std::uint64_t mock_feat_rw_zero = 1;
/// Can do so without waiting.
inline constexpr std::uint64_t mock_feat_rw_nowait = 2;
/// Can do so after a delay.
inline constexpr std::uint64_t mock_feat_rw_async = 3;
/// Can be polled.
inline constexpr std::uint64_t mock_feat_poll = 4;
/// The first number that is not a feature, in Linux 7.3.
inline constexpr std::uint64_t mock_feat_end = 5;

/// The file that mock_mgr_cmd_create makes.
struct alignas(8) mock_create {
    /// Its descriptor, from the kernel.
    std::uint32_t out_fd = 0;
    /// mock_create_f_... bits.
    std::uint32_t flags = 0;
    std::uint64_t file_size = 0;
    /// After how many nanoseconds a read or write completes; 0 for at once.
    std::uint64_t rw_delay_ns = 0;
    std::uint64_t resv[13] = {};
};

static_assert(sizeof(mock_create) == 128 && __builtin_offsetof(mock_create, file_size) == 8);

/// mock_create::flags: reads and writes can do without waiting.
inline constexpr std::uint32_t mock_create_f_support_nowait = 1;
/// mock_create::flags: it can be polled.
inline constexpr std::uint32_t mock_create_f_poll = 2;

/// A command to a mock file: copies between a registered buffer and memory.
inline constexpr std::uint32_t mock_cmd_copy_regbuf = 0;
/// Its flag, in sqe::file_index: from the registered buffer, not to it.
inline constexpr std::uint32_t mock_copy_from = 1;

} // namespace lio::inline v0::abi
