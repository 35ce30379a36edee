// Stands in place of syscall/<cpu>/arch.hpp: every system call of the library goes to the fake kernel, which
// passes it on, fails it, or plays a kernel of its own. Test code; includes nothing; any thread.
#pragma once

namespace lio::inline v0::arch {

// Numbers of our own, the same on every CPU; 0 is none of them.
enum number : long {
    io_uring_setup = 1, io_uring_enter, io_uring_register, mmap, munmap, madvise, close, getpid, gettid, write, tgkill,
    clock_gettime, openat, read, ppoll,
};

inline constexpr auto mmap_convention = mmap_style::byte_offset;

long invoke(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) noexcept;

bool has_thread_identity() noexcept;
const void* thread_identity() noexcept;

} // namespace lio::inline v0::arch
