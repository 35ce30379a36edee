// The rules that the kernel has for set-up flags, and the choices that the library makes among them. Private;
// constants and pure functions.
#pragma once

#include "ring_maker.hpp"

#include <lio/error.hpp>
#include <lio/ring_options.hpp>

namespace lio::detail {

/// One option: what it cannot do without, what it cannot be with, and how its absence is reported.
struct setup_rule {
    setup option;
    setup needs_one_of;
    setup excludes;
    cause missing;
};

inline constexpr setup_rule setup_rules[] = {
    {setup::iopoll, setup::none, setup::none, cause::iopoll_missing},
    {setup::sqpoll, setup::none, setup::cooperative_taskrun | setup::taskrun_flag | setup::deferred_taskrun,
     cause::sqpoll_missing},
    {setup::clamp, setup::none, setup::none, cause::clamp_missing},
    {setup::start_disabled, setup::none, setup::none, cause::start_disabled_missing},
    {setup::submit_all, setup::none, setup::none, cause::submit_all_missing},
    {setup::cooperative_taskrun, setup::none, setup::none, cause::cooperative_taskrun_missing},
    {setup::taskrun_flag, setup::cooperative_taskrun | setup::deferred_taskrun, setup::none, cause::taskrun_flag_missing},
    {setup::large_entries, setup::none, setup::none, cause::large_entries_missing},
    {setup::large_completions, setup::none, setup::none, cause::large_completions_missing},
    {setup::single_issuer, setup::none, setup::none, cause::single_issuer_missing},
    {setup::deferred_taskrun, setup::single_issuer, setup::none, cause::deferred_taskrun_missing},
    {setup::no_sq_array, setup::none, setup::none, cause::no_sq_array_missing},
    {setup::hybrid_iopoll, setup::iopoll, setup::none, cause::hybrid_iopoll_missing},
    {setup::mixed_completions, setup::none, setup::large_completions, cause::mixed_completions_missing},
    {setup::mixed_entries, setup::none, setup::large_entries, cause::mixed_entries_missing},
    {setup::rewind, setup::no_sq_array, setup::sqpoll, cause::rewind_missing},
};

constexpr bool has_any(setup set, setup wanted) noexcept { return (set & wanted) != setup::none; }

constexpr setup without(setup set, setup unwanted) noexcept {
    return static_cast<setup>(static_cast<std::uint32_t>(set) & ~static_cast<std::uint32_t>(unwanted));
}

/// Whether no kernel could take this set.
constexpr bool contradicts_itself(setup flags) noexcept {
    for (const setup_rule& rule : setup_rules)
        if (has(flags, rule.option) && ((rule.needs_one_of != setup::none && !has_any(flags, rule.needs_one_of)) ||
                                        has_any(flags, rule.excludes)))
            return true;
    return false;
}

/// What the library adds to the caller's demands: the best first, each step for older kernels, the last adds
/// nothing.
///
/// One thread, Linux 6.6 and 6.1: completions' work waits for the thread to ask for it, and the flag in the ring
/// lets an empty look do without a system call. The ring is made disabled so that it binds to the thread that
/// uses it. Linux 5.19: the same work no longer interrupts.
inline constexpr setup one_thread_choices[] = {
    setup::single_issuer | setup::deferred_taskrun | setup::taskrun_flag | setup::submit_all | setup::start_disabled |
        setup::no_sq_array,
    setup::single_issuer | setup::deferred_taskrun | setup::taskrun_flag | setup::submit_all | setup::start_disabled,
    setup::cooperative_taskrun | setup::taskrun_flag | setup::submit_all | setup::start_disabled,
    setup::submit_all | setup::start_disabled,
    setup::none,
};

/// For two threads, and for a kernel thread that submits: nothing that ties completions to the submitting thread.
inline constexpr setup any_thread_choices[] = {
    setup::submit_all | setup::no_sq_array,
    setup::submit_all,
    setup::none,
};

} // namespace lio::detail
