// How a ring is to be set up. What is left alone is chosen for the fastest ring that this kernel gives;
// what is asked for is exact. Values only; any thread.
#pragma once

#include <lio/bytes.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// Properties of a ring, as bits of a set: setup::submit_all | setup::clamp.
enum class setup : std::uint32_t {
    /// Nothing in particular.
    none = 0,
    /// Completions are polled for instead of interrupting; files opened with O_DIRECT on devices that can
    /// do so, and nothing else. Since Linux 5.1.
    iopoll = 1u << 0,
    /// A kernel thread takes the entries, so that submitting needs no system call. It takes them when it comes to them:
    /// what operations point to until they are submitted (paths, times, arrays of pieces, messages, addresses) must
    /// live until there is as much room in the queue as ever, or until their first completion. Since Linux 5.1 (without
    /// privileges since 5.11).
    sqpoll = 1u << 1,
    /// Too many entries become as many as the kernel allows instead of an error. Since Linux 5.6.
    clamp = 1u << 4,
    /// The ring takes nothing until it is enabled. Since Linux 5.10.
    start_disabled = 1u << 6,
    /// An invalid entry does not stop the submission of those after it. Since Linux 5.18.
    submit_all = 1u << 7,
    /// Completions' work is done when the program enters the kernel anyway; no interruption. Since Linux 5.19.
    cooperative_taskrun = 1u << 8,
    /// The kernel shows in the ring that such work waits, so that looking costs no system call. Since Linux 5.19.
    taskrun_flag = 1u << 9,
    /// Entries of 128 bytes. Not to be asked for: it is the type of the ring that has them, lio::large_ring.
    /// Since Linux 5.19.
    large_entries = 1u << 10,
    /// Completions of 32 bytes. Not to be asked for either: see lio::large_completion_ring. Since Linux 5.19.
    large_completions = 1u << 11,
    /// One thread submits; others get EEXIST. Since Linux 6.0.
    single_issuer = 1u << 12,
    /// Completions' work is done when the submitting thread waits, and only then. Since Linux 6.1.
    deferred_taskrun = 1u << 13,
    /// The ring has no descriptor, only a number among the registered rings of the thread that makes it, which alone
    /// can use it: one place less in the process's table of files. Needs ring_options::memory. Since Linux 6.5.
    registered_file_only = 1u << 15,
    /// No indirection array between the queue and its entries. Since Linux 6.6.
    no_sq_array = 1u << 16,
    /// With iopoll: sleeps for part of the wait. Since Linux 6.13.
    hybrid_iopoll = 1u << 17,
    /// Completions of 16 and of 32 bytes in one queue. Not to be asked for: see lio::mixed_ring and
    /// lio::mixed_completion_ring. Since Linux 6.18.
    mixed_completions = 1u << 18,
    /// Entries of 64 and of 128 bytes in one queue. Not to be asked for: see lio::mixed_ring. Since Linux 6.19.
    mixed_entries = 1u << 19,
    /// With no_sq_array and without sqpoll: every submission starts at the queue's first slot again, so that a few
    /// entries at a time always use the same few cache lines. Since Linux 7.0.
    rewind = 1u << 20,
};

constexpr setup operator|(setup a, setup b) noexcept {
    return static_cast<setup>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
constexpr setup operator&(setup a, setup b) noexcept {
    return static_cast<setup>(static_cast<std::uint32_t>(a) & static_cast<std::uint32_t>(b));
}
/// Whether `set` has everything that `wanted` names.
constexpr bool has(setup set, setup wanted) noexcept { return (set & wanted) == wanted; }

namespace detail {

/// What an option cannot do without (one of these), and what it cannot be with.
struct setup_rule {
    setup option;
    setup needs_one_of;
    setup excludes;
};

// The kernel's rules. An option that is in none has none.
inline constexpr setup_rule setup_rules[] = {
    {setup::sqpoll, setup::none, setup::cooperative_taskrun | setup::taskrun_flag | setup::deferred_taskrun},
    {setup::taskrun_flag, setup::cooperative_taskrun | setup::deferred_taskrun, setup::none},
    {setup::deferred_taskrun, setup::single_issuer, setup::none},
    {setup::hybrid_iopoll, setup::iopoll, setup::none},
    {setup::mixed_completions, setup::none, setup::large_completions},
    {setup::mixed_entries, setup::none, setup::large_entries},
    {setup::rewind, setup::no_sq_array, setup::sqpoll},
};

constexpr bool has_any(setup set, setup wanted) noexcept { return (set & wanted) != setup::none; }

/// All that setup names. Other bits of the kernel's belong to other members of ring_options.
inline constexpr setup all_options =
    setup::iopoll | setup::sqpoll | setup::clamp | setup::start_disabled | setup::submit_all |
    setup::cooperative_taskrun | setup::taskrun_flag | setup::large_entries | setup::large_completions |
    setup::single_issuer | setup::deferred_taskrun | setup::registered_file_only | setup::no_sq_array |
    setup::hybrid_iopoll | setup::mixed_completions | setup::mixed_entries | setup::rewind;

} // namespace detail

/// Whether no kernel could take this set, because its members exclude each other or one lacks what it needs.
constexpr bool contradicts_itself(setup set) noexcept {
    for (const detail::setup_rule& rule : detail::setup_rules)
        if (has(set, rule.option) && ((rule.needs_one_of != setup::none && !detail::has_any(set, rule.needs_one_of)) ||
                                      detail::has_any(set, rule.excludes)))
            return true;
    return false;
}

/// The same set, if it does not contradict itself; else it does not compile. For a program that knows its options
/// beforehand: {.require = lio::consistent<setup::single_issuer | setup::deferred_taskrun>}.
template <setup Set>
    requires(!contradicts_itself(Set))
inline constexpr setup consistent = Set;

/// The same for a split ring, which must not be bound to one thread.
template <setup Set>
    requires(!contradicts_itself(Set) && !detail::has_any(Set, setup::deferred_taskrun | setup::registered_file_only))
inline constexpr setup consistent_split = Set;

/// The arguments of ring::create and with_options.
struct ring_options {
    /// Room for so many entries; the kernel rounds up to a power of two. 1 to 32768.
    std::uint32_t entries = 128;
    /// Room for so many completions, likewise; at least `entries`. 0: twice the entries. Since Linux 5.5.
    std::uint32_t completion_entries = 0;
    /// What the ring must have; create() fails when the kernel lacks it, and says what.
    setup require = setup::none;
    /// Nothing beyond `require`: the library adds no choice of its own.
    bool exactly = false;
    /// With setup::sqpoll, and refused without: milliseconds without work after which the kernel thread sleeps. 0: one
    /// second.
    std::uint32_t sqpoll_idle_milliseconds = 0;
    /// With setup::sqpoll, and refused without: the CPU that the kernel thread stays on. Negative: any.
    std::int32_t sqpoll_cpu = -1;
    /// The descriptor of another ring of this process, its file(): its worker threads are shared, and with
    /// setup::sqpoll on both the kernel thread that submits. Negative: threads of its own. Since Linux 5.6.
    std::int32_t attach_to = -1;
    /// The program's own memory for the queues, huge pages for example, instead of memory that the kernel allocates and
    /// the library maps: at least required_memory() bytes, from the beginning of a page on. It stays the program's, who
    /// must keep it until the ring is closed, and is not marked do-not-fork. Up to Linux 6.13 it must be one huge page
    /// or, for a ring that is so small, one page for each of two parts. Since Linux 6.5.
    mutable_bytes memory = {};
};

/// Whether no kernel could take these options because one lacks what it needs: those of the set `require`, and what is
/// said of a kernel thread (sqpoll_idle_milliseconds, sqpoll_cpu) without setup::sqpoll. For a program that knows them
/// beforehand: static_assert(!lio::contradicts_itself(options)).
constexpr bool contradicts_itself(const ring_options& options) noexcept {
    const bool has_thread = has(options.require, setup::sqpoll);
    return contradicts_itself(options.require) ||
           (!has_thread && (options.sqpoll_idle_milliseconds != 0 || options.sqpoll_cpu >= 0));
}

} // namespace lio::inline v0
