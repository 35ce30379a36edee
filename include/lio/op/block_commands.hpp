// Commands to block devices. Values that own nothing; any thread.
#pragma once

#include <lio/abi/block.hpp>
#include <lio/op/command.hpp>

#include <cstdint>

namespace lio::inline v0::op {

/// Tells a block device that `length` bytes from `offset` on are not needed any more; what they read as afterwards is
/// the device's choice. ioctl(2) with BLKDISCARD is the synchronous form.
/// Result: nothing.
/// Lifetimes: no argument is pointed to.
/// Traps: nothing else may be in flight on the range: unlike the ioctl, this does not wait for reads and writes, and
/// the page cache may keep old data. EBADF: the device is not open for writing; EPERM: it is read-only; EOPNOTSUPP: it
/// cannot discard, or is no device that takes commands; EINVAL: the range is empty, not within the device, or not made
/// of whole blocks, or the kernel does not know the command.
/// Since Linux 6.12.
class block_discard : public command<block_discard> {
public:
    static constexpr kernel_version since{6, 12};
    using result_type = void;

    constexpr block_discard(descriptor device, std::uint64_t offset, std::uint64_t length) noexcept
        : command{device, abi::block_uring_cmd_discard} {
        entry_.addr = offset;
        entry_.addr3 = length;
    }
};

/// Empties all zones of a zoned block device that are written one after the other. ioctl(2) with BLKRESETZONE of the
/// whole device is the synchronous form.
/// Result: nothing.
/// Lifetimes: no argument is pointed to.
/// Traps: nothing else may be in flight on the device, and the page cache may keep old data. EBADF: the device is not
/// open for writing; EPERM: it is read-only; EOPNOTSUPP: it has no zones, or is no device that takes commands; EINVAL:
/// the kernel does not know the command.
/// Since Linux 7.3.
class block_zone_reset_all : public command<block_zone_reset_all> {
public:
    static constexpr kernel_version since{7, 3};
    using result_type = void;

    explicit constexpr block_zone_reset_all(descriptor device) noexcept
        : command{device, abi::block_uring_cmd_zone_reset_all} {}
};

} // namespace lio::inline v0::op
