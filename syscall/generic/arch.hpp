// Every CPU without a file of its own: libc's syscall(2), brought back to the kernel's convention, -errno.
// Private; any thread.
#pragma once

#include <cerrno>
#include <sys/syscall.h>
#include <unistd.h>

namespace lio::inline v0::arch {

enum number : long {
    openat = SYS_openat, read = SYS_read, write = SYS_write, close = SYS_close, munmap = SYS_munmap,
    madvise = SYS_madvise, getpid = SYS_getpid, gettid = SYS_gettid, tgkill = SYS_tgkill,
#ifdef SYS_clock_gettime64 // where the plain one has 32-bit seconds
    clock_gettime = SYS_clock_gettime64, ppoll = SYS_ppoll_time64,
#elif defined(__LP64__) || defined(__x86_64__)
    clock_gettime = SYS_clock_gettime, ppoll = SYS_ppoll,
#else // a C library older than 2019
    clock_gettime = 403, ppoll = 414,
#endif
#ifdef SYS_mmap2
    mmap = SYS_mmap2,
#else
    mmap = SYS_mmap,
#endif
#ifdef SYS_io_uring_setup
    io_uring_setup = SYS_io_uring_setup, io_uring_enter = SYS_io_uring_enter, io_uring_register = SYS_io_uring_register,
#else // a C library older than 2019; only alpha and mips number these otherwise
    io_uring_setup = 425, io_uring_enter = 426, io_uring_register = 427,
#endif
};

#ifdef SYS_mmap2
inline constexpr auto mmap_convention = mmap_style::page_offset;
#else
inline constexpr auto mmap_convention = mmap_style::byte_offset;
#endif

inline long invoke(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) noexcept {
    const int before = errno;
    const long answer = ::syscall(number, a, b, c, d, e, f);
    if (answer != -1) return answer;
    const long failure = -errno;
    errno = before;
    return failure;
}

// errno is each thread's own.
inline bool has_thread_identity() noexcept { return true; }
inline const void* thread_identity() noexcept { return &errno; }

} // namespace lio::inline v0::arch
