// RISC-V, 64 bits: system call numbers and the one instruction. Private; any thread.
#pragma once

namespace lio::inline v0::arch {

enum number : long {
    openat = 56, close = 57, read = 63, write = 64, ppoll = 73, clock_gettime = 113, tgkill = 131, getpid = 172,
    gettid = 178, munmap = 215, mmap = 222, madvise = 233,
    io_uring_setup = 425, io_uring_enter = 426, io_uring_register = 427,
};

// System calls do not preserve the vector registers.
#ifdef __riscv_vector
#define LIO_VECTORS                                                                                                    \
    , "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16",     \
        "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "vl", \
        "vtype"
#else
#define LIO_VECTORS
#endif

inline constexpr auto mmap_convention = mmap_style::byte_offset;

inline long invoke(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) noexcept {
    register long a7 asm("a7") = number;
    register long a0 asm("a0") = a;
    register long a1 asm("a1") = b;
    register long a2 asm("a2") = c;
    register long a3 asm("a3") = d;
    register long a4 asm("a4") = e;
    register long a5 asm("a5") = f;
    asm volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5) : "memory" LIO_VECTORS);
    return a0;
}

#undef LIO_VECTORS

// The thread pointer register: 0 in every thread of a program that never sets it.
inline bool has_thread_identity() noexcept { return true; }
inline const void* thread_identity() noexcept {
    const void* self;
    asm("mv %0, tp" : "=r"(self));
    return self;
}

} // namespace lio::inline v0::arch
