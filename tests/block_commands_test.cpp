// Commands to block devices, tried on devices that the test makes itself: a file behind a loop device, or a disk that
// the machine names as free for tests. What they do is looked at by plain reads and by the file's size. One thread.

#include "catch.hpp"

#include "support/block_devices.hpp"
#include "support/encoding.hpp"
#include "support/files.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/waiting.hpp"

#include <lio/op/block_commands.hpp>
#include <lio/op/nop.hpp>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

namespace block_commands_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::ring;

// 0x12 is the letter of block devices, and there is no argument; on most machines that is all there is to the number.
constexpr std::uint32_t discard_number = _IO(0x12, 0);
constexpr std::uint32_t reset_number = _IO(0x12, 1);

const encodings rows{[](auto add) {
    add("block_discard", op::block_discard(7, 0xfedcba9876543210, 0x0123456789abcdef),
        expected_entry{}
            .u8(0, 46)
            .s32(4, 7)
            .u32(8, discard_number)
            .u64(16, 0xfedcba9876543210)
            .u64(48, 0x0123456789abcdef));
    add("block_discard of a slot with modifiers",
        op::block_discard(lio::direct_descriptor{7}, 4096, 512).link().skip_success().user_data(5),
        expected_entry{}
            .u8(0, 46)
            .u8(1, 1 | 4 | 64)
            .s32(4, 7)
            .u32(8, discard_number)
            .u64(16, 4096)
            .u64(32, 5)
            .u64(48, 512));
    add("block_zone_reset_all", op::block_zone_reset_all(7), expected_entry{}.u8(0, 46).s32(4, 7).u32(8, reset_number));
    add("block_zone_reset_all of a slot with modifiers",
        op::block_zone_reset_all(lio::direct_descriptor{7}).drain().user_data(5),
        expected_entry{}.u8(0, 46).u8(1, 1 | 2).s32(4, 7).u32(8, reset_number).u64(32, 5));
}};

constexpr const char* no_device = "a block device to write to: a free loop device (root), or an empty NVMe disk";
constexpr const char* no_discard = "commands to block devices: since Linux 6.12";
constexpr const char* no_zones = "a zoned block device: the module null_blk with zoned=1, and root";
constexpr const char* no_reset = "the command that resets all zones: since Linux 7.3";

// A kernel that does not know the command says EOPNOTSUPP (no commands to block devices at all) or EINVAL.
bool kernel_discards(const scratch_device& device) {
    ring asked = ring::create({.entries = 1, .exactly = true}).value();
    return code(run(asked, op::block_discard(device.file(), 0, 4096))) == 0;
}

std::string read_at(int file, off_t offset, std::size_t size) {
    std::string content(size, '\0');
    REQUIRE(::pread(file, content.data(), size, offset) == static_cast<ssize_t>(size));
    return content;
}

// The device's own page cache must not answer for it.
void write_at(int file, off_t offset, const std::string& content) {
    REQUIRE(::pwrite(file, content.data(), content.size(), offset) == static_cast<ssize_t>(content.size()));
    REQUIRE(::fsync(file) == 0);
}

} // namespace

TEST_CASE("block_discard gives a range of a device back", "[block_commands]") {
    scratch_device device;
    if (!device.exists()) LIO_SKIP(no_device);
    if (!kernel_discards(device)) LIO_SKIP(no_discard);
    under_each_setup([&](ring& ring) {
        constexpr std::size_t size = 65536;
        write_at(device.file(), 0, std::string(3 * size, 'x'));
        const std::int64_t used = device.used_bytes();
        CHECK(run(ring, op::block_discard(device.file(), size, size)).result<op::block_discard>());
        // Behind a loop device is a file, which has a hole now; disks of emulators forget as well.
        if (used >= 0) CHECK(device.used_bytes() == used - static_cast<std::int64_t>(size));
        CHECK(read_at(device.file(), size, size) == std::string(size, '\0'));
        CHECK(read_at(device.file(), 0, size) == std::string(size, 'x'));
        CHECK(read_at(device.file(), 2 * size, size) == std::string(size, 'x'));
    });
}

TEST_CASE("block_discard fails on ranges that are none, and without the right to write", "[block_commands]") {
    scratch_device device;
    if (!device.exists()) LIO_SKIP(no_device);
    if (!kernel_discards(device)) LIO_SKIP(no_discard);
    under_each_setup([&](ring& ring) {
        CHECK(code(run(ring, op::block_discard(device.file(), 0, 0))) == EINVAL);
        CHECK(code(run(ring, op::block_discard(device.file(), 1, 4096))) == EINVAL);
        CHECK(code(run(ring, op::block_discard(device.file(), 0, 100))) == EINVAL);
        CHECK(code(run(ring, op::block_discard(device.file(), std::uint64_t{1} << 62, 4096))) == EINVAL);
        const open_file reading{device.path(), O_RDONLY};
        ring.push(op::block_discard(reading, 0, 4096).link().user_data(1), op::nop().user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == EBADF);
        CHECK(code(of(done, 2)) == ECANCELED);
        const pipe_ends pipe;
        CHECK(code(run(ring, op::block_discard(pipe.writing(), 0, 4096))) == EOPNOTSUPP);
    });
}

TEST_CASE("block_zone_reset_all fails on a device without zones", "[block_commands]") {
    scratch_device device;
    if (!device.exists()) LIO_SKIP(no_device);
    if (!kernel_discards(device)) LIO_SKIP(no_discard);
    ring asked = ring::create({.entries = 1, .exactly = true}).value();
    if (code(run(asked, op::block_zone_reset_all(device.file()))) == EINVAL) LIO_SKIP(no_reset);
    under_each_setup([&](ring& ring) {
        CHECK(code(run(ring, op::block_zone_reset_all(device.file()))) == EOPNOTSUPP);
        const open_file reading{device.path(), O_RDONLY};
        CHECK(code(run(ring, op::block_zone_reset_all(reading))) == EBADF);
    });
}

TEST_CASE("block_zone_reset_all empties all zones", "[block_commands]") {
    const std::string path = zoned_device();
    if (path.empty()) LIO_SKIP(no_zones);
    const open_file device{path, O_RDWR | O_DIRECT};
    ring asked = ring::create({.entries = 1, .exactly = true}).value();
    const int answer = code(run(asked, op::block_zone_reset_all(device)));
    if (answer == EINVAL || answer == EOPNOTSUPP) LIO_SKIP(no_reset);
    under_each_setup([&](ring& ring) {
        alignas(4096) static char block[4096];
        std::memset(block, 'x', sizeof block);
        // Such a zone is written from its beginning on, each place once.
        CHECK(first_zone_pointer(device) == 0);
        REQUIRE(::pwrite(device, block, sizeof block, 0) == sizeof block);
        CHECK(first_zone_pointer(device) == sizeof block / 512);
        CHECK(::pwrite(device, block, sizeof block, 0) == -1);
        CHECK(run(ring, op::block_zone_reset_all(device)).result<op::block_zone_reset_all>());
        CHECK(first_zone_pointer(device) == 0);
    });
}

} // namespace block_commands_test
