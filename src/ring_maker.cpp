// The set-up of a ring: asks the kernel, steps down where it is older, and on failure undoes
// all of it. Any thread; nothing here is on the hot path.

#include "ring_maker.hpp"

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

[[gnu::noinline]] abi::params parameters_for(const ring_options& options, setup flags) noexcept {
    abi::params parameters{};
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
    return parameters;
}

// Whether a small ring with just this much can be made: tells which option it was that the kernel refused.
[[gnu::noinline]] bool can_set_up(const ring_options& options, setup flags) noexcept {
    return trial_setup(parameters_for(options, flags)) != EINVAL;
}

// The reason for EINVAL, which the kernel gives for sizes and for options alike.
error refused(const ring_options& options, setup layout) noexcept {
    if (options.entries == 0) return error{EINVAL, cause::no_entries};
    if (!has(options.require, setup::clamp) &&
        (options.entries > most_entries || options.completion_entries > 2 * most_entries))
        return error{EINVAL, cause::too_many_entries};
    if (options.completion_entries != 0 && options.completion_entries < options.entries)
        return error{EINVAL, cause::completion_entries_below_entries};
    if (options.completion_entries != 0 && !can_set_up({.completion_entries = 2}, setup::none))
        return error{EINVAL, cause::completion_size_missing};
    // Without a kernel thread of its own that ring has none to share. Asked first without, because the kernel may not
    // know kernel threads at all.
    const setup polling = options.require & setup::sqpoll;
    if (options.attach_to >= 0 && (!can_set_up({.attach_to = options.attach_to}, setup::none) ||
                                   (can_set_up({}, polling) && !can_set_up({.attach_to = options.attach_to}, polling))))
        return error{EINVAL, cause::not_a_ring_to_attach_to};
    for (const setup_absence& one : setup_absences) {
        if (!has(options.require | layout, one.option)) continue;
        const setup companions = options.require & companions_of(one.option);
        if (!can_set_up({.sqpoll_cpu = options.sqpoll_cpu}, one.option | companions)) return error{EINVAL, one.missing};
    }
    return error{EINVAL, cause::setup_call};
}

struct made_ring {
    int file;
    abi::params parameters;
};

// What was made is not used.
void give_up(const made_ring& made) noexcept {
    const bool has_descriptor = (made.parameters.flags & abi::setup_registered_fd_only) == 0;
    static_cast<void>(has_descriptor ? system::close(made.file) : drop_registered_ring(made.file));
}

// The best set-up that the kernel takes. Only EINVAL means that it does not know a flag; everything else would
// meet the next try as well.
result<made_ring> set_up(const ring_options& options, setup layout, ring_use use) noexcept {
    const bool any_thread = use == ring_use::two_threads || has(options.require, setup::sqpoll);
    const setup* choice = any_thread ? any_thread_choices : one_thread_choices;
    if (options.exactly)
        while (*choice != setup::none) ++choice;
    for (;; ++choice) {
        made_ring made{-1, parameters_for(options, options.require | layout | *choice)};
        const auto file = system::setup(options.entries, made.parameters);
        if (file) {
            made.file = *file;
            return made;
        }
        if (file.error().code() != EINVAL) return file.error();
        if (*choice == setup::none) return refused(options, layout);
    }
}

// Without a descriptor a ring cannot be made in the kernel's own memory.
ring_options with_descriptor(ring_options options) noexcept {
    options.require = without(options.require, setup::registered_file_only);
    return options;
}

// The same in the program's own memory. How much of it the parts take is only known of a ring that is there.
result<made_ring> set_up_in_memory(const ring_options& options, setup layout, ring_use use) noexcept {
    auto made = set_up(with_descriptor(options), layout, use);
    if (!made) return made;
    give_up(*made);
    const ring_sizes sizes = sizes_of(made->parameters);
    if (options.memory.size() < sizes.sum()) return error{EINVAL, cause::memory_too_small};

    const auto memory = reinterpret_cast<std::uintptr_t>(options.memory.data());
    // Kernels up to 6.13 take it for zeroed: what it held would be the queue's counters.
    __builtin_memset(options.memory.data(), 0, made->parameters.cq_off.cqes);
    const std::uint32_t chosen = made->parameters.flags;
    made->parameters = parameters_for(options, static_cast<setup>(chosen));
    const setup unseen = options.require & setup::registered_file_only;
    made->parameters.flags = chosen | abi::setup_no_mmap | static_cast<std::uint32_t>(unseen);
    made->parameters.cq_off.user_addr = memory;
    made->parameters.sq_off.user_addr = memory + sizes.entries_offset();
    const auto file = system::setup(options.entries, made->parameters);
    if (!file) {
        const int code = file.error().code();
        if (code == EINVAL || code == EFAULT) return error{code, cause::memory_refused};
        return file.error();
    }
    made->file = *file;
    return made;
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
    const auto made = set_up(with_descriptor(options), layout, ring_use::one_thread);
    if (!made) return made.error();
    give_up(*made);
    return sizes_of(made->parameters).sum();
}

result<void> ring_maker::make(const ring_options& options, setup layout, ring_use use, submission_side& submissions,
                              completion_side& completions) noexcept {
    if (const auto checked = check(options, use); !checked) return checked;
    const bool has_memory = options.memory.size() != 0;
    const bool is_only_registered = has(options.require, setup::registered_file_only);
    if (is_only_registered && !has_memory) return error{EINVAL, cause::registered_file_needs_memory};
    if (is_only_registered && !arch::has_thread_identity()) return error{EINVAL, cause::registered_file_needs_identity};
    const auto made = has_memory ? set_up_in_memory(options, layout, use) : set_up(options, layout, use);
    if (!made) return made.error();
    const abi::params& parameters = made->parameters;
    const setup flags = static_cast<setup>(parameters.flags);

    const auto place = system::map_memory(sizeof(ring_core));
    if (!place) {
        give_up(*made);
        return place.error();
    }
    auto& core = *new (*place) ring_core{};
    core.enter_file = made->file;
    core.file = is_only_registered ? -1 : made->file;
    core.is_only_registered = core.is_registered = is_only_registered;
    if (is_only_registered) {
        core.enter_flags = abi::enter_registered_ring;
        core.owner = arch::thread_identity();
        core.owner_thread = system::thread_id();
    }
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
    } else if (const auto mapped = map_ring(made->file, parameters, core.rings); !mapped) {
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
    completions.head_ = completions.shared_head_->load_relaxed();
    completions.core_ = &core;
    return {};
}

} // namespace lio::inline v0::detail
