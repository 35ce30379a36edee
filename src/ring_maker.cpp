// The set-up of a ring: asks the kernel, steps down where it is older, and on failure undoes
// all of it. Any thread; nothing here is on the hot path.

#include "ring_maker.hpp"

#include "core_memory.hpp"
#include "ring_core.hpp"
#include "ring_mapping.hpp"
#include "setup_flags.hpp"
#include "trial_setup.hpp"

#include <lio/abi/setup.hpp>
#include <lio/wait_clock.hpp>

#include <cerrno>
#include <new>

namespace lio::inline v0::detail {

namespace {

constexpr std::uint32_t most_entries = 32768; // the kernel's limit so far; it is asked before this is looked at

[[gnu::noinline]] void ask_for(abi::params& parameters, const ring_options& options, setup flags) noexcept {
    parameters = {};
    parameters.flags = static_cast<std::uint32_t>(flags);
    if (options.completion_entries != 0) {
        parameters.flags |= abi::setup_cqsize;
        parameters.cq_entries = options.completion_entries;
    }
    if (options.attach_to >= 0) {
        parameters.flags |= abi::setup_attach_wq;
        parameters.wq_fd = static_cast<std::uint32_t>(options.attach_to);
    }
    if (has(flags, setup::sqpoll)) {
        parameters.sq_thread_idle = options.sqpoll_idle_milliseconds;
        if (options.sqpoll_cpu >= 0) {
            parameters.flags |= abi::setup_sq_aff;
            parameters.sq_thread_cpu = static_cast<std::uint32_t>(options.sqpoll_cpu);
        }
    }
}

// What a small ring is made with to see whether the kernel takes it.
struct trial {
    setup flags;
    std::int32_t attach_to = -1;
    std::int32_t sqpoll_cpu = -1;
    std::uint32_t completion_entries = 0;
};

// Whether a ring with just this much can be made: tells which option it was that the kernel refused.
[[gnu::noinline]] bool can_set_up(trial one) noexcept {
    ring_options options;
    options.completion_entries = one.completion_entries;
    options.sqpoll_cpu = one.sqpoll_cpu;
    options.attach_to = one.attach_to;
    abi::params parameters;
    ask_for(parameters, options, one.flags);
    return trial_setup(parameters) != EINVAL;
}

// The reason for EINVAL, which the kernel gives for sizes and for options alike.
error refused(const ring_options& options, setup required) noexcept {
    if (options.entries == 0) return error{EINVAL, cause::no_entries};
    if (!has(required, setup::clamp) &&
        (options.entries > most_entries || options.completion_entries > 2 * most_entries))
        return error{EINVAL, cause::too_many_entries};
    if (options.completion_entries != 0 && options.completion_entries < options.entries)
        return error{EINVAL, cause::completion_entries_below_entries};
    if (options.completion_entries != 0 && !can_set_up({.flags = setup::none, .completion_entries = 2}))
        return error{EINVAL, cause::completion_size_missing};
    // Without a kernel thread of its own that ring has none to share. Asked first without, because the kernel may not
    // know kernel threads at all.
    const setup polling = required & setup::sqpoll;
    const std::int32_t other = options.attach_to;
    if (other >= 0 && (!can_set_up({.flags = setup::none, .attach_to = other}) ||
                       (can_set_up({.flags = polling}) && !can_set_up({.flags = polling, .attach_to = other}))))
        return error{EINVAL, cause::not_a_ring_to_attach_to};
    for (const setup_absence& one : setup_absences) {
        if (!has(required, one.option)) continue;
        setup companions = required & companions_of(one.option);
        // The one companion that needs another.
        if (has(companions, setup::deferred_taskrun)) companions = companions | setup::single_issuer;
        if (!can_set_up({.flags = one.option | companions, .sqpoll_cpu = options.sqpoll_cpu}))
            return error{EINVAL, one.missing};
    }
    return error{EINVAL, cause::setup_call};
}

// What was made is not used.
void give_up(int file, const abi::params& parameters) noexcept {
    const bool has_descriptor = (parameters.flags & abi::setup_registered_fd_only) == 0;
    static_cast<void>(has_descriptor ? system::close(file) : drop_registered_ring(file));
}

// The best set-up that the kernel takes, in the kernel's own memory: always with a descriptor, because the ring could
// not be mapped without. Only EINVAL means that the kernel does not know a flag; everything else would meet the next
// try as well. Gives the descriptor; `parameters` are as the kernel filled them in.
result<int> set_up(const ring_options& options, setup layout, ring_use use, abi::params& parameters) noexcept {
    const setup required = without(options.require, setup::registered_file_only) | layout;
    const bool any_thread = use == ring_use::two_threads || has(required, setup::sqpoll);
    const setup* choice = any_thread ? any_thread_choices : one_thread_choices;
    if (options.exactly)
        while (*choice != setup::none) ++choice;
    for (;; ++choice) {
        ask_for(parameters, options, required | *choice);
        const auto file = system::setup(options.entries, parameters);
        if (file || file.error().code() != EINVAL) return file;
        if (*choice == setup::none) return refused(options, required);
    }
}

// The same in the program's own memory. How much of it the parts take is only known of a ring that is there.
result<int> set_up_in_memory(const ring_options& options, setup layout, ring_use use,
                             abi::params& parameters) noexcept {
    const auto tried = set_up(options, layout, use, parameters);
    if (!tried) return tried;
    give_up(*tried, parameters);
    const ring_sizes sizes = sizes_of(parameters);
    if (options.memory.size() < sizes.sum()) return error{EINVAL, cause::memory_too_small};

    const auto memory = reinterpret_cast<std::uintptr_t>(options.memory.data());
    // Kernels up to 6.13 take it for zeroed: what it held would be the queue's counters.
    __builtin_memset(options.memory.data(), 0, parameters.cq_off.cqes);
    const std::uint32_t chosen = parameters.flags;
    ask_for(parameters, options, static_cast<setup>(chosen));
    const setup unseen = options.require & setup::registered_file_only;
    parameters.flags = chosen | abi::setup_no_mmap | static_cast<std::uint32_t>(unseen);
    parameters.cq_off.user_addr = memory;
    parameters.sq_off.user_addr = memory + sizes.entries_offset();
    const auto file = system::setup(options.entries, parameters);
    if (!file) {
        const int code = file.error().code();
        if (code == EINVAL || code == EFAULT) return error{code, cause::memory_refused};
    }
    return file;
}

// What no kernel could take, or only in another way than it was meant.
result<void> check(const ring_options& options, ring_use use) noexcept {
    if (without(options.require, all_options) != setup::none) return error{EINVAL, cause::not_an_option};
    if (contradicts_itself(options.require)) return error{EINVAL, cause::contradicting_options};
    if (contradicts_itself(options)) return error{EINVAL, cause::sqpoll_is_not_asked_for};
    if (has_any(options.require,
                setup::large_entries | setup::large_completions | setup::mixed_entries | setup::mixed_completions))
        return error{EINVAL, cause::entry_size_is_the_type};
    if (use == ring_use::two_threads && has_any(options.require, setup::deferred_taskrun | setup::registered_file_only))
        return error{EINVAL, cause::split_binds_thread};
    return {};
}

} // namespace

result<std::size_t> ring_maker::required_memory(const ring_options& options, setup layout) noexcept {
    if (const auto checked = check(options, ring_use::one_thread); !checked) return checked.error();
    abi::params parameters;
    const auto made = set_up(options, layout, ring_use::one_thread, parameters);
    if (!made) return made.error();
    give_up(*made, parameters);
    return sizes_of(parameters).sum();
}

result<void> ring_maker::make(const ring_options& options, setup layout, ring_use use, submission_side& submissions,
                              completion_side& completions) noexcept {
    if (const auto checked = check(options, use); !checked) return checked;
    const bool has_memory = options.memory.size() != 0;
    const bool is_only_registered = has(options.require, setup::registered_file_only);
    if (is_only_registered && !has_memory) return error{EINVAL, cause::registered_file_needs_memory};
    if (is_only_registered && !arch::has_thread_identity()) return error{EINVAL, cause::registered_file_needs_identity};
    abi::params parameters;
    const auto made = has_memory ? set_up_in_memory(options, layout, use, parameters)
                                 : set_up(options, layout, use, parameters);
    if (!made) return made.error();
    const setup flags = static_cast<setup>(parameters.flags);

    const auto place = take_core_memory();
    if (!place) {
        give_up(*made, parameters);
        return place.error();
    }
    auto& core = *new (*place) ring_core{};
    core.enter_file = *made;
    core.file = is_only_registered ? -1 : *made;
    core.is_only_registered = core.is_registered = is_only_registered;
    if (is_only_registered) {
        core.enter_flags = abi::enter_registered_ring;
        core.owner = arch::thread_identity();
    }
    // One that is made enabled belongs to its maker at once.
    if (is_only_registered || (has(flags, setup::single_issuer) && !has(flags, setup::start_disabled)))
        core.owner_thread = system::thread_id();
    core.process = system::process_id();
    core.clock.store_relaxed(static_cast<std::uint32_t>(wait_clock::monotonic));
    core.flags = flags;
    core.features = parameters.features;
    core.is_sqpoll = has(flags, setup::sqpoll);
    core.is_iopoll = has(flags, setup::iopoll);
    core.enables_itself = has(flags, setup::start_disabled) && !has(options.require, setup::start_disabled);
    core.handles = core.references = 1;
    if (has_memory) {
        const ring_sizes sizes = sizes_of(parameters);
        core.is_in_borrowed_memory = true;
        core.rings[0] = {options.memory.data(), sizes.queues};
        core.rings[2] = {options.memory.data() + sizes.entries_offset(), sizes.entries};
    } else if (const auto mapped = map_ring(*made, parameters, core.rings); !mapped) {
        static_cast<void>(close_handle(core));
        return mapped;
    }
    core.is_split = use == ring_use::two_threads;
    core.handles = core.references = use == ring_use::two_threads ? 2 : 1;

    connect(core, parameters, submissions, completions);
    // Kernels start them at 0; the tests start them just before the wrap.
    submissions.tail_ = submissions.submitted_ = submissions.shared_tail_->load_relaxed();
    submissions.limit_ = submissions.tail_ + parameters.sq_entries;
    submissions.core_ = &core;
    submissions.look_up_enter();
    completions.head_ = completions.known_tail_ = completions.shared_head_->load_relaxed();
    completions.core_ = &core;
    return {};
}

} // namespace lio::inline v0::detail
