// AArch64: system call numbers and the one instruction. Private; any thread.
#pragma once

namespace lio::inline v0::arch {

enum number : long {
    openat = 56, close = 57, read = 63, write = 64, ppoll = 73, clock_gettime = 113, tgkill = 131, getpid = 172,
    gettid = 178, munmap = 215, mmap = 222, madvise = 233,
    io_uring_setup = 425, io_uring_enter = 426, io_uring_register = 427,
};

inline constexpr auto mmap_convention = mmap_style::byte_offset;

inline long invoke(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) noexcept {
    register long x8 asm("x8") = number;
    register long x0 asm("x0") = a;
    register long x1 asm("x1") = b;
    register long x2 asm("x2") = c;
    register long x3 asm("x3") = d;
    register long x4 asm("x4") = e;
    register long x5 asm("x5") = f;
    asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory", "cc");
    return x0;
}

// The thread pointer register: 0 in every thread of a program that never sets it.
inline bool has_thread_identity() noexcept { return true; }
inline const void* thread_identity() noexcept {
    const void* self;
    asm("mrs %0, tpidr_el0" : "=r"(self));
    return self;
}

} // namespace lio::inline v0::arch
