// Block devices for the tests, found or made: nothing is written to a device that might be somebody's. Test code; on
// the test's thread.
#pragma once

#include "../catch.hpp"
#include "files.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>

namespace lio::test {

/// The first line of a file; nothing if there is none.
inline std::string first_line_of(const std::string& path) {
    std::string line;
    std::getline(std::ifstream{path} >> std::ws, line);
    return line;
}

/// The disk that the tests may overwrite, "/dev/nvme0n1" for example: who runs them names it, because no look at a disk
/// tells whether somebody needs what is on it. Empty if none was named.
inline std::string scratch_disk() {
    const char* const named = std::getenv("LIO_SCRATCH_DISK");
    return named != nullptr ? named : "";
}

/// A device of a few megabytes that may be overwritten: a file behind a free loop device, or the scratch disk. exists()
/// says whether there is one.
class scratch_device {
public:
    scratch_device() {
        if (!make_loop()) find_scratch_disk();
    }
    scratch_device(const scratch_device&) = delete;
    scratch_device& operator=(const scratch_device&) = delete;
    ~scratch_device() {
        if (backing_ >= 0 && file_ >= 0) ::ioctl(file_, loop_clear);
        if (file_ >= 0) ::close(file_);
        if (backing_ >= 0) ::close(backing_);
    }

    bool exists() const { return file_ >= 0; }
    int file() const { return file_; }
    const std::string& path() const { return path_; }

    /// What the file behind it takes up; negative if there is none.
    std::int64_t used_bytes() const {
        struct ::stat status {};
        return backing_ >= 0 && ::fstat(backing_, &status) == 0 ? std::int64_t{status.st_blocks} * 512 : -1;
    }

private:
    // The loop driver's own numbers.
    static constexpr unsigned long loop_set = 0x4c00;
    static constexpr unsigned long loop_clear = 0x4c01;
    static constexpr unsigned long loop_get_free = 0x4c82;

    bool make_loop() {
        const int control = ::open("/dev/loop-control", O_RDWR | O_CLOEXEC);
        if (control < 0) return false;
        directory_ = std::make_unique<temporary_directory>();
        backing_ = ::open((*directory_ / "disk").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        REQUIRE(backing_ >= 0);
        REQUIRE(::ftruncate(backing_, 4 * 1024 * 1024) == 0);
        // Another program may take the free one first.
        for (int i = 0; i < 10 && file_ < 0; ++i) {
            const int number = ::ioctl(control, loop_get_free);
            if (number < 0) break;
            path_ = "/dev/loop" + std::to_string(number);
            file_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
            if (file_ >= 0 && ::ioctl(file_, loop_set, backing_) != 0) {
                ::close(file_);
                file_ = -1;
            }
        }
        ::close(control);
        if (file_ >= 0) return true;
        ::close(backing_);
        backing_ = -1;
        return false;
    }

    void find_scratch_disk() {
        path_ = scratch_disk();
        if (!path_.empty()) file_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
    }

    std::unique_ptr<temporary_directory> directory_;
    std::string path_;
    int backing_ = -1;
    int file_ = -1;
};

/// The path of a device that has zones and keeps nothing; empty if there is none.
inline std::string zoned_device() {
    if (first_line_of("/sys/block/nullb0/queue/zoned") != "host-managed") return {};
    return ::access("/dev/nullb0", R_OK | W_OK) == 0 ? "/dev/nullb0" : "";
}

/// Up to where a device's first zone has been written, in units of 512 bytes. (BLKREPORTZONE.)
inline std::uint64_t first_zone_pointer(int device) {
    // A header of 16 bytes, whose third number is how many zones there is room for, and one zone of 64 bytes, whose
    // third long number is what is wanted.
    struct {
        std::uint64_t first_sector;
        std::uint32_t zones;
        std::uint32_t flags;
        std::uint64_t zone[8];
    } report{};
    report.zones = 1;
    REQUIRE(::ioctl(device, _IOC(_IOC_READ | _IOC_WRITE, 0x12, 130, 16), &report) == 0);
    return report.zone[2];
}

} // namespace lio::test
