// The system calls that the library makes, typed: the one place where the kernel's -errno becomes an error.
// Private; the only file that includes arch.hpp's instruction; any thread.
#pragma once

#include "mmap_style.hpp"
#include "nanoseconds.hpp"

#include "arch.hpp" // syscall/<cpu>/, chosen by the build; mmap_style must come first

#include <lio/abi/register.hpp>
#include <lio/abi/setup.hpp>
#include <lio/detail/enter_call.hpp>
#include <lio/detail/shared_word.hpp>
#include <lio/op/direct_slot.hpp>
#include <lio/result.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0::system {

namespace detail {

// Errors are -4095 to -1; everything else, addresses included, is a value.
inline bool failed(long answer) noexcept {
    return static_cast<unsigned long>(answer) > static_cast<unsigned long>(-4096L);
}
inline error as_error(long answer, cause why) noexcept { return error{static_cast<std::int32_t>(-answer), why}; }
inline long argument(const void* pointer) noexcept {
    return static_cast<long>(reinterpret_cast<std::uintptr_t>(pointer));
}
inline result<void> nothing(long answer, cause why) noexcept {
    if (failed(answer)) return as_error(answer, why);
    return {};
}

} // namespace detail

/// Whether the answer of one of the calls that give it as it came is a negative errno.
inline bool failed(long answer) noexcept { return detail::failed(answer); }

/// io_uring_setup(2): the new ring's descriptor; `parameters` are filled in. The answer as it came, and:
inline long plain_setup(std::uint32_t entries, abi::params& parameters) noexcept {
    return arch::invoke(arch::io_uring_setup, static_cast<long>(entries), detail::argument(&parameters));
}
inline result<int> setup(std::uint32_t entries, abi::params& parameters) noexcept {
    const long answer = plain_setup(entries, parameters);
    if (detail::failed(answer)) return detail::as_error(answer, cause::setup_call);
    return static_cast<int>(answer);
}

/// io_uring_enter(2).
inline lio::detail::enter_answer enter(long ring, unsigned long submit_count, unsigned long wait_for,
                                       unsigned long flags, const void* argument, std::size_t size) noexcept {
    return lio::detail::enter_answer{arch::invoke(arch::io_uring_enter, ring, static_cast<long>(submit_count),
                                                  static_cast<long>(wait_for), static_cast<long>(flags),
                                                  detail::argument(argument), static_cast<long>(size))};
}

/// How many entries it took.
inline result<std::uint32_t> taken(lio::detail::enter_answer answer) noexcept {
    if (detail::failed(answer.raw())) return detail::as_error(answer.raw(), cause::enter_call);
    return static_cast<std::uint32_t>(answer.raw());
}

/// io_uring_register(2): its answer, 0 for most opcodes.
inline result<std::uint32_t> register_call(int ring, abi::register_opcode opcode, const void* argument,
                                           std::uint32_t count) noexcept {
    const long answer = arch::invoke(arch::io_uring_register, ring, static_cast<long>(opcode),
                                     detail::argument(argument), static_cast<long>(count));
    if (detail::failed(answer)) return detail::as_error(answer, cause::register_call);
    return static_cast<std::uint32_t>(answer);
}

namespace detail {

// ThreadSanitizer does not see these calls either: memory that one thread has unmapped and another mapped at the same
// address is a race to it. This stands for all mappings: each unmap comes before each later map.
inline constexpr char mappings = 0;

inline long plain_map(std::size_t size, long flags, int file, std::uint64_t offset) noexcept {
    constexpr long read_and_write = 1 | 2;
    long answer;
    if constexpr (arch::mmap_convention == arch::mmap_style::argument_block) {
        const long block[6] = {0, static_cast<long>(size), read_and_write, flags, file, static_cast<long>(offset)};
        answer = arch::invoke(arch::mmap, argument(block));
    } else {
        constexpr unsigned shift = arch::mmap_convention == arch::mmap_style::page_offset ? 12 : 0;
        answer = arch::invoke(arch::mmap, 0, static_cast<long>(size), read_and_write, flags, file,
                              static_cast<long>(offset >> shift));
    }
    lio::detail::thread_sanitizer_acquire(&mappings);
    return answer;
}

inline result<void*> map(std::size_t size, long flags, int file, std::uint64_t offset) noexcept {
    const long answer = plain_map(size, flags, file, offset);
    if (failed(answer)) return as_error(answer, cause::map_call);
    return reinterpret_cast<void*>(answer);
}

// The same numbers on every CPU but mips, alpha, parisc and xtensa.
inline constexpr long map_shared = 0x01;
inline constexpr long map_private = 0x02;
#if defined(__mips__) || defined(__xtensa__)
inline constexpr long map_anonymous = 0x800;
inline constexpr long map_populate = 0x10000;
inline constexpr long map_huge = 0x80000;
#elif defined(__alpha__) || defined(__hppa__)
inline constexpr long map_anonymous = 0x10;
inline constexpr long map_populate = 0x20000;
inline constexpr long map_huge = 0x100000;
#else
inline constexpr long map_anonymous = 0x20;
inline constexpr long map_populate = 0x8000;
inline constexpr long map_huge = 0x40000;
#endif

} // namespace detail

/// mmap(2) of a part of a ring, its pages present from the start. The answer as it came, and:
inline long plain_map_ring(int ring, std::size_t size, std::uint64_t offset) noexcept {
    return detail::plain_map(size, detail::map_shared | detail::map_populate, ring, offset);
}
inline result<void*> map_ring(int ring, std::size_t size, std::uint64_t offset) noexcept {
    return detail::map(size, detail::map_shared | detail::map_populate, ring, offset);
}

/// mmap(2) of fresh zeroed memory.
inline result<void*> map_memory(std::size_t size) noexcept {
    return detail::map(size, detail::map_private | detail::map_anonymous, -1, 0);
}

/// The same in huge pages of 2 MiB, all of them present.
inline result<void*> map_huge_pages(std::size_t size) noexcept {
    constexpr long of_2_mib = 21 << 26;
    constexpr long flags = detail::map_private | detail::map_anonymous | detail::map_populate;
    return detail::map(size, flags | detail::map_huge | of_2_mib, -1, 0);
}

/// munmap(2).
inline result<void> unmap(void* address, std::size_t size) noexcept {
    lio::detail::thread_sanitizer_release(&detail::mappings);
    return detail::nothing(arch::invoke(arch::munmap, detail::argument(address), static_cast<long>(size)),
                           cause::map_call);
}

/// madvise(2): children do not inherit the memory. A child that writes into its copy of a ring would make the
/// parent's pages its own.
inline result<void> do_not_fork(void* address, std::size_t size) noexcept {
    constexpr long advice = 10; // MADV_DONTFORK
    return detail::nothing(arch::invoke(arch::madvise, detail::argument(address), static_cast<long>(size), advice),
                           cause::map_call);
}

/// close(2). The answer as it came, and:
inline long plain_close(int file) noexcept { return arch::invoke(arch::close, file); }
inline result<void> close(int file) noexcept { return detail::nothing(plain_close(file), cause::operation); }

/// openat(2) of an absolute path. The errno alone says what is wrong.
inline result<int> open_to_read(const char* path) noexcept {
    constexpr long at_working_directory = -100;
    const long answer = arch::invoke(arch::openat, at_working_directory, detail::argument(path),
                                     static_cast<long>(lio::detail::close_on_exec));
    if (detail::failed(answer)) return detail::as_error(answer, cause::operation);
    return static_cast<int>(answer);
}

/// read(2): how many bytes there were, at most `size`.
inline result<std::size_t> read(int file, void* buffer, std::size_t size) noexcept {
    const long answer = arch::invoke(arch::read, file, detail::argument(buffer), static_cast<long>(size));
    if (detail::failed(answer)) return detail::as_error(answer, cause::operation);
    return static_cast<std::size_t>(answer);
}

/// getpid(2) and gettid(2); they do not fail.
inline std::int32_t process_id() noexcept { return static_cast<std::int32_t>(arch::invoke(arch::getpid)); }
inline std::int32_t thread_id() noexcept { return static_cast<std::int32_t>(arch::invoke(arch::gettid)); }

/// clock_gettime(2) of a clock that is there, in nanoseconds; it does not fail.
inline std::int64_t time_on(std::uint32_t clock) noexcept {
    abi::kernel_timespec time;
    static_cast<void>(arch::invoke(arch::clock_gettime, static_cast<long>(clock), detail::argument(&time)));
    return time.tv_sec * nanoseconds_in_a_second + time.tv_nsec;
}

/// ppoll(2): until `file` can be read (-1: nothing ever can) or `nanoseconds` have passed, with only these signals
/// blocked meanwhile if there are any. Not inline in fact: who waits has the time for a call, and one copy is smaller.
[[gnu::noinline]] inline result<void> wait_readable(int file, std::int64_t nanoseconds, const void* signals,
                                                    std::size_t size) noexcept {
    constexpr short pollin = 1;
    struct {
        int fd;
        short events;
        short revents;
    } watched{file, pollin, 0};
    abi::kernel_timespec time = to_timespec(nanoseconds); // the kernel writes what is left of it
    return detail::nothing(arch::invoke(arch::ppoll, detail::argument(&watched), 1, detail::argument(&time),
                                        detail::argument(signals), static_cast<long>(size)),
                           cause::operation);
}

/// write(2) to standard error, as much as goes.
inline void print(const char* text, std::size_t size) noexcept {
    static_cast<void>(arch::invoke(arch::write, 2, detail::argument(text), static_cast<long>(size)));
}

/// Ends the program with SIGABRT, without a C library's help.
[[noreturn]] inline void abort() noexcept {
    constexpr long sigabrt = 6;
    static_cast<void>(arch::invoke(arch::tgkill, process_id(), thread_id(), sigabrt));
    __builtin_trap(); // SIGABRT was caught or ignored
}

} // namespace lio::inline v0::system
