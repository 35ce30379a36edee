// Memory that nobody can touch until it is given: whoever reads or writes it stands still, the kernel included, and no
// signal but a deadly one gets it out (userfaultfd(2)). Test code; any thread.
#pragma once

#include "../catch.hpp"
#include "machine.hpp"

#include <lio/bytes.hpp>

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

namespace lio::test {

class withheld_memory {
public:
    /// Whether there can be some: the system may lack it or keep it for administrators.
    static bool is_there() {
        const int file = open();
        if (file >= 0) ::close(file);
        return file >= 0;
    }
    static constexpr const char* missing = "memory that is withheld: userfaultfd(2), and the right to it";

    withheld_memory() : size_{static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))}, file_{open()} {
        REQUIRE(file_ >= 0);
        memory_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        REQUIRE(memory_ != MAP_FAILED);
        uffdio_register range{};
        range.range = {address(), size_};
        range.mode = UFFDIO_REGISTER_MODE_MISSING;
        REQUIRE(::ioctl(file_, UFFDIO_REGISTER, &range) == 0);
    }
    withheld_memory(const withheld_memory&) = delete;
    withheld_memory& operator=(const withheld_memory&) = delete;
    ~withheld_memory() {
        give();
        ::close(file_);
        ::munmap(memory_, size_);
    }

    mutable_bytes first(std::size_t count) const { return {memory_, count}; }

    /// Whether somebody touches it, and so stands still, for which it is waited.
    bool is_touched_soon() const {
        pollfd fault{file_, POLLIN, 0};
        return ::poll(&fault, 1, patience_in_milliseconds) == 1 && (fault.revents & POLLIN) != 0;
    }

    /// From now on it is like any other. Once is enough.
    void give() {
        if (is_given_) return;
        is_given_ = true;
        uffdio_zeropage page{};
        page.range = {address(), size_};
        CHECK(::ioctl(file_, UFFDIO_ZEROPAGE, &page) == 0);
    }

private:
    static int open() {
        const auto file = static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
        if (file < 0) return -1;
        uffdio_api api{};
        api.api = UFFD_API;
        if (::ioctl(file, UFFDIO_API, &api) == 0) return file;
        ::close(file);
        return -1;
    }
    unsigned long long address() const { return reinterpret_cast<std::uintptr_t>(memory_); }

    std::size_t size_;
    int file_;
    void* memory_ = nullptr;
    bool is_given_ = false;
};

} // namespace lio::test
