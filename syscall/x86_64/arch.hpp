// x86-64: system call numbers and the one instruction. Private; any thread.
#pragma once

namespace lio::inline v0::arch {

enum number : long {
    read = 0, write = 1, mmap = 9, munmap = 11, madvise = 28, getpid = 39, close = 3, gettid = 186, tgkill = 234,
    clock_gettime = 228, openat = 257, ppoll = 271, io_uring_setup = 425, io_uring_enter = 426, io_uring_register = 427,
};

inline constexpr auto mmap_convention = mmap_style::byte_offset;

inline long invoke(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) noexcept {
    register long r10 asm("r10") = d;
    register long r8 asm("r8") = e;
    register long r9 asm("r9") = f;
    asm volatile("syscall"
                 : "+a"(number)
                 : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return number;
}

// The word at fs:0 holds its own address where a C library has set threads up. Without one the segment's
// base is 0 and reading it would fault, so the base is asked for first (arch_prctl, ARCH_GET_FS).
inline bool has_thread_identity() noexcept {
    unsigned long base = 0;
    return invoke(158, 0x1003, reinterpret_cast<long>(&base)) == 0 && base != 0;
}
inline const void* thread_identity() noexcept {
    const void* self;
    asm("mov %%fs:0, %0" : "=r"(self));
    return self;
}

} // namespace lio::inline v0::arch
