// Entering the kernel for every kind of ring: the first time, from another thread, with a kernel thread that
// submits, with ways to end a wait, and what to do when it fails.

#include "enter.hpp"

namespace lio::inline v0::detail {

wait_terms::wait_terms(const wait_options* options) noexcept {
    if (options == nullptr) return;
    const bool has_argument = options->has_time_ || options->has_signals_ || options->minimum_wait_ != 0;
    if (options->has_time_) argument_.ts = reinterpret_cast<std::uintptr_t>(&options->time_);
    if (options->has_signals_) {
        argument_.sigmask = reinterpret_cast<std::uintptr_t>(options->signals_);
        argument_.sigmask_sz = sizeof options->signals_;
    }
    argument_.min_wait_usec = options->minimum_wait_;
    if (has_argument) flags |= abi::enter_ext_arg;
    if (options->has_time_ && options->is_absolute_) flags |= abi::enter_abs_timer;
    if (options->no_iowait_) flags |= abi::enter_no_iowait;
    offset_ = options->registered_offset_;
    if (offset_ != wait_options::not_registered) flags |= abi::enter_ext_arg | abi::enter_ext_arg_reg;
}

const void* wait_terms::address() const noexcept {
    if ((flags & abi::enter_ext_arg_reg) != 0) return reinterpret_cast<const void*>(std::uintptr_t{offset_});
    return (flags & abi::enter_ext_arg) != 0 ? &argument_ : nullptr;
}

std::size_t wait_terms::size() const noexcept {
    if ((flags & abi::enter_ext_arg_reg) != 0) return sizeof(abi::reg_wait);
    return (flags & abi::enter_ext_arg) != 0 ? sizeof argument_ : 0;
}

wait_options wait_terms::write(const wait_options& options, abi::reg_wait& wait, unsigned char* signals,
                               std::uint32_t offset) noexcept {
    wait = abi::reg_wait{};
    if (options.has_time_) {
        wait.ts = options.time_;
        wait.flags = abi::reg_wait_ts;
    }
    if (options.has_signals_) {
        __builtin_memcpy(signals, options.signals_, sizeof options.signals_);
        wait.sigmask = reinterpret_cast<std::uintptr_t>(signals);
        wait.sigmask_sz = sizeof options.signals_;
    }
    wait.min_wait_usec = options.minimum_wait_;
    wait_options registered = options;
    registered.registered_offset_ = offset;
    return registered;
}

namespace {

[[gnu::noinline]] result<void> can_wait(std::uint32_t features, const wait_terms& terms) noexcept {
    const auto has = [features](std::uint32_t feature) { return (features & feature) != 0; };
    // Absolute times came with the same release.
    if ((terms.minimum_wait() != 0 || (terms.flags & abi::enter_abs_timer) != 0) && !has(abi::feat_min_timeout))
        return error{EOPNOTSUPP, cause::minimum_wait_missing};
    if ((terms.flags & abi::enter_no_iowait) != 0 && !has(abi::feat_no_iowait))
        return error{EOPNOTSUPP, cause::no_iowait_missing};
    return {};
}

[[gnu::noinline]] result<void> can_wait(const ring_core& core, const wait_terms& terms) noexcept {
    const auto possible = can_wait(core.features, terms);
    // Polling, the kernel would take no notice of them.
    if (possible && polls_itself(core) && (terms.minimum_wait() != 0 || terms.has_signals()))
        return error{EOPNOTSUPP, cause::polled_wait};
    return possible;
}

} // namespace

result<void> can_wait(std::uint32_t features, const wait_options* options) noexcept {
    return can_wait(features, wait_terms{options});
}

result<void> can_wait(const ring_core& core, const wait_options* options) noexcept {
    return can_wait(core, wait_terms{options});
}

bool needs_ppoll(const ring_core& core, const wait_options* options) noexcept {
    return (core.features & abi::feat_ext_arg) == 0 && (wait_terms{options}.flags & abi::enter_ext_arg) != 0;
}

bool has_minimum_wait(const wait_options* options) noexcept { return wait_terms{options}.minimum_wait() != 0; }

wait_limit::wait_limit(const ring_core& core, const wait_options* options, const wait_options* given) noexcept
    : given_{given}, clock_{core.clock.load_relaxed()} {
    if (options == nullptr || !options->has_time_) return;
    end_ = system::to_nanoseconds(options->time_);
    if (!options->is_absolute_) end_ += now();
    has_end_ = true;
}

std::int64_t wait_limit::left() const noexcept {
    const std::int64_t rest = end_ - now();
    return rest > 0 ? rest : 0;
}

const wait_options* wait_limit::for_next_call() noexcept {
    const bool is_first = !has_begun_;
    has_begun_ = true;
    if (is_first || !has_end_ || given_->is_absolute_) return given_;
    left_ = given_->timeout(system::to_timespec(left()));
    return &left_;
}

std::int64_t wait_limit::at_most(std::int64_t longest) const noexcept {
    if (!has_end_) return longest;
    const std::int64_t rest = left();
    return rest < longest ? rest : longest;
}

bool wait_limit::has_passed() const noexcept { return has_end_ && now() >= end_; }

error wait_limit::early_end() const noexcept {
    const bool has_time = given_ != nullptr && (given_->has_time_ || given_->minimum_wait_ != 0);
    // With a clock one knows that the time is not over; without, it is the likelier.
    if (has_passed() || (has_time && !has_end_)) return error{ETIME, cause::wait_timed_out};
    return error{EINTR, cause::wait_interrupted};
}

[[gnu::noinline]] error explained(error problem) noexcept {
    cause why = problem.why();
    switch (problem.code()) {
    case EEXIST: why = cause::wrong_thread; break;
    case EBADFD: why = cause::ring_disabled; break;
    case EOWNERDEAD: why = cause::polling_thread_died; break;
    case EINTR: why = cause::wait_interrupted; break;
    case ETIME: why = cause::wait_timed_out; break;
    default: break;
    }
    return error{problem.code(), why};
}

namespace {

// What a call is made with, the flags of the ring itself left out.
struct enter_arguments {
    std::uint32_t submit_count;
    std::uint32_t wait_for;
    std::uint32_t flags;
    const void* terms;
    std::size_t terms_size;

    result<std::uint32_t> call(int file, std::uint32_t more_flags) const noexcept {
        return system::taken(system::enter(file, submit_count, wait_for, flags | more_flags, terms, terms_size));
    }
};

result<std::uint32_t> enter_sqpoll(const ring_core& core, const enter_arguments& arguments) noexcept {
    // The kernel's thread says that it will sleep, and then looks at the tail once more; we have stored the
    // tail and then look whether it says so. Each side must see the other's store or the other way round,
    // which only a full fence between store and load gives; the partner is the barrier in io_sq_thread.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    std::uint32_t wake = 0;
    if ((core.submission_flags->load_relaxed() & abi::sq_need_wakeup) != 0)
        wake = abi::enter_sq_wakeup;
    else if ((arguments.flags & (abi::enter_getevents | abi::enter_sq_wait)) == 0)
        return arguments.submit_count;
    const auto taken = arguments.call(core.file, wake);
    if (!taken) return explained(taken.error());
    return arguments.submit_count;
}

error wrong_thread() noexcept { return error{EEXIST, cause::wrong_thread}; }

// The call on a ring without a kernel thread, or what it has said already.
result<std::uint32_t> finish(ring_core& core, result<std::uint32_t> taken, const enter_arguments& arguments) noexcept {
    // A default ring is made disabled, so that it belongs to the thread that first uses it, not to the one that
    // made it. This is that thread.
    if (!taken && taken.error().code() == EBADFD && core.enables_itself) {
        if (const auto enabled = enable(core); !enabled) return enabled.error();
        taken = arguments.call(core.enter_file, core.enter_flags);
    }
    if (taken) return taken;
    // Where this thread looks like the ring's, which has ended, and has no ring of that number.
    const int code = taken.error().code();
    if ((code == EBADF || code == EINVAL) && core.belongs_to_another_thread()) return wrong_thread();
    return explained(taken.error());
}

} // namespace

enter_answer enter_call(long file, unsigned long submit_count, unsigned long wait_for, unsigned long flags) noexcept {
    return system::enter(file, submit_count, wait_for, flags, nullptr, 0);
}

result<std::uint32_t> enter(ring_core& core, std::uint32_t submit_count, std::uint32_t wait_for, std::uint32_t flags,
                            const wait_options* options) noexcept {
    const wait_terms terms{options};
    if (const auto possible = can_wait(core, terms); !possible) return possible.error();
    const enter_arguments arguments{submit_count, wait_for, flags | terms.flags, terms.address(), terms.size()};
    if (core.is_sqpoll) return enter_sqpoll(core, arguments);
    // By the number another thread would enter a ring of its own.
    if (core.is_elsewhere()) return wrong_thread();
    return finish(core, arguments.call(core.enter_file, core.enter_flags), arguments);
}

result<std::uint32_t> recover(ring_core& core, enter_answer answer, std::uint32_t submit_count, std::uint32_t wait_for,
                              std::uint32_t flags) noexcept {
    // On the wrong thread the call went to no ring, or to one that had nothing to submit: nothing has happened yet.
    if (core.belongs_to_another_thread()) return wrong_thread();
    return finish(core, system::taken(answer), enter_arguments{submit_count, wait_for, flags, nullptr, 0});
}

} // namespace lio::inline v0::detail
