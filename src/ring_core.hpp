// The part of a ring that stays where it is when its handles move: descriptor, mappings, and who may
// enter how. Where it lies: core_memory.hpp. Private. Written while the ring is made, enabled and closed; otherwise
// only read, so that two threads may share it.
#pragma once

#include "system.hpp"

#include <lio/detail/ring_core.hpp>
#include <lio/detail/shared_word.hpp>
#include <lio/ring_options.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0::detail {

/// Memory that was mapped, with the size that it was mapped with.
struct mapping {
    void* address = nullptr;
    std::size_t size = 0;
};

class buffer_list;

class ring_core {
public:
    // What every enter reads.

    /// The descriptor, or its registered number once the ring is bound to a thread.
    int enter_file;
    std::uint32_t enter_flags;
    /// enter_file is only good on this thread.
    const void* owner;
    bool is_registered;
    bool is_sqpoll;

    // What is read now and then.

    bool is_iopoll;
    /// Made disabled by our own choice: the first thread to enter enables it.
    bool enables_itself;
    int file;
    /// Of a ring that is one thread's only; 0 while it is nobody's.
    std::int32_t owner_thread;
    std::int32_t process;
    setup flags;
    std::uint32_t features;
    shared_u32* submission_flags;
    /// Absent before Linux 5.8.
    shared_u32* completion_flags;
    mapping rings[3];
    /// Lists whose owners have gone, although the kernel may write into their buffers as long as the ring is open.
    /// Added to by whatever thread.
    buffer_list* kept;
    /// The program's own memory, then; never unmapped.
    bool is_in_borrowed_memory;
    /// The groups of buffers that there have been, of numbers below 64, a bit for each.
    std::uint64_t former_groups;
    std::uint32_t handles;
    std::uint32_t references;

    // Between the two handles of a split ring; see split.cpp.

    bool is_split;
    /// How many completions the waiting handle wants before it wakes; 0 or 1 when it wants any.
    shared_u32 waiting_for;
    /// The submitting handle has stopped.
    shared_u32 has_stopped;
    /// The waiting handle asks it to.
    shared_u32 is_asked_to_stop;

    /// What timed waits go by: a number for clock_gettime(2).
    shared_u32 clock;
    /// A busy_poll has the one place that there is. A word, because some CPUs exchange nothing smaller by themselves.
    std::uint32_t has_busy_poll;

    /// There is no descriptor: `file` is -1, and enter_file is all there is.
    bool is_only_registered;

    bool is_open() const noexcept { return file >= 0 || (is_only_registered && enter_file >= 0); }

    /// Whether the registered number means nothing here, or another ring: it belongs to the thread that registered it.
    bool is_elsewhere() const noexcept { return is_registered && arch::thread_identity() != owner; }
    /// Whether this is the ring of one thread, and not of this one. Certain, but a system call: is_elsewhere() takes a
    /// thread for the ring's that came after it and has got its memory.
    bool belongs_to_another_thread() const noexcept;
};

/// io_uring_register(2) on the ring, with what is known of its failures.
result<std::uint32_t> register_with(ring_core& core, abi::register_opcode opcode, const void* argument,
                                    std::uint32_t count) noexcept;

/// Takes a registration away and drops the reference; when it fails, both stay. Nothing to do if there is none, if the
/// ring is closed (then the kernel has dropped the registration) or if this is a forked child, whose parent's
/// registration it is.
result<void> unregister(core_reference& core, abi::register_opcode opcode, const void* argument,
                        std::uint32_t count) noexcept;

/// Takes the place of a list's owner until the ring is closed.
void keep_until_closed(ring_core& core, buffer_list& list) noexcept;

/// Takes a ring's number from the calling thread's table of registered rings.
result<void> drop_registered_ring(int number) noexcept;

/// Enables a ring that was made disabled and binds it to the calling thread.
result<void> enable(ring_core& core) noexcept;

/// What a call on a ring that is closed, or was moved from, gets.
error ring_is_closed() noexcept;

} // namespace lio::inline v0::detail
