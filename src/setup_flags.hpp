// How the absence of set-up flags is told, and the choices that the library makes among them. Private; constants and
// pure functions.
#pragma once

#include "ring_maker.hpp"

#include <lio/error.hpp>
#include <lio/ring_options.hpp>

#include <cstddef>

namespace lio::inline v0::detail {

/// How the absence of an option is reported.
struct setup_absence {
    setup option;
    cause missing;
};

inline constexpr setup_absence setup_absences[] = {
    {setup::iopoll, cause::iopoll_missing},
    {setup::sqpoll, cause::sqpoll_missing},
    {setup::clamp, cause::clamp_missing},
    {setup::start_disabled, cause::start_disabled_missing},
    {setup::submit_all, cause::submit_all_missing},
    {setup::cooperative_taskrun, cause::cooperative_taskrun_missing},
    {setup::taskrun_flag, cause::taskrun_flag_missing},
    {setup::large_entries, cause::large_entries_missing},
    {setup::large_completions, cause::large_completions_missing},
    {setup::single_issuer, cause::single_issuer_missing},
    {setup::deferred_taskrun, cause::deferred_taskrun_missing},
    {setup::no_sq_array, cause::no_sq_array_missing},
    {setup::hybrid_iopoll, cause::hybrid_iopoll_missing},
    {setup::mixed_completions, cause::mixed_completions_missing},
    {setup::mixed_entries, cause::mixed_entries_missing},
    {setup::rewind, cause::rewind_missing},
};

/// What an option cannot do without: one of these.
constexpr setup companions_of(setup option) noexcept {
    for (const setup_rule& rule : setup_rules)
        if (rule.option == option) return rule.needs_one_of;
    return setup::none;
}

constexpr setup without(setup set, setup unwanted) noexcept {
    return static_cast<setup>(static_cast<std::uint32_t>(set) & ~static_cast<std::uint32_t>(unwanted));
}

/// What the library adds to the caller's demands: the best first, each step for older kernels. The last adds nothing,
/// by which it is known for the last.
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

template <std::size_t Count>
constexpr bool ends_with_nothing(const setup (&choices)[Count]) noexcept {
    return choices[Count - 1] == setup::none;
}
static_assert(ends_with_nothing(one_thread_choices) && ends_with_nothing(any_thread_choices));

} // namespace lio::inline v0::detail
