// z/Architecture, 64 bits: system call numbers and the one instruction. Not generic, because its mmap takes
// the arguments as a block in memory. Private; any thread.
#pragma once

namespace lio::inline v0::arch {

enum number : long {
    read = 3, write = 4, close = 6, getpid = 20, mmap = 90, munmap = 91, madvise = 219, gettid = 236, tgkill = 241,
    clock_gettime = 260, openat = 288, ppoll = 302,
    io_uring_setup = 425, io_uring_enter = 426, io_uring_register = 427,
};

inline constexpr auto mmap_convention = mmap_style::argument_block;

inline long invoke(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) noexcept {
    register long r1 asm("1") = number;
    register long r2 asm("2") = a;
    register long r3 asm("3") = b;
    register long r4 asm("4") = c;
    register long r5 asm("5") = d;
    register long r6 asm("6") = e;
    register long r7 asm("7") = f;
    asm volatile("svc 0" : "+d"(r2) : "d"(r1), "d"(r3), "d"(r4), "d"(r5), "d"(r6), "d"(r7) : "memory", "cc");
    return r2;
}

// Access registers 0 and 1 hold the halves of the thread pointer: 0 in a program that never sets it.
inline bool has_thread_identity() noexcept { return true; }
inline const void* thread_identity() noexcept { return __builtin_thread_pointer(); }

} // namespace lio::inline v0::arch
