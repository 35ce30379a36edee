// io_uring_enter(2) on any kind of ring, from any thread. Private. The hot path comes here only when something is
// out of the ordinary.
#pragma once

#include "ring_core.hpp"

#include <lio/wait_options.hpp>

#include <cerrno>
#include <cstddef>

namespace lio::inline v0::detail {

/// What the kernel is told of a wait. Points into the options, if there are any.
struct wait_terms {
    std::uint32_t flags = 0;

    explicit wait_terms(const wait_options* options) noexcept;

    /// The fifth and the sixth argument of the call.
    const void* address() const noexcept;
    std::size_t size() const noexcept;

    std::uint32_t minimum_wait() const noexcept { return argument_.min_wait_usec; }
    bool has_signals() const noexcept { return argument_.sigmask != 0; }
    const void* signals() const noexcept {
        return reinterpret_cast<const void*>(static_cast<std::uintptr_t>(argument_.sigmask));
    }
    std::size_t size_of_signals() const noexcept { return argument_.sigmask_sz; }

    /// Puts them into registered memory, and returns them as those that lie at `offset` in it.
    static wait_options write(const wait_options& options, abi::reg_wait& wait, unsigned char* signals,
                              std::uint32_t offset) noexcept;

private:
    abi::getevents_arg argument_;
    std::uint32_t offset_ = 0;
};

/// Takes `submit_count` entries and, with GETEVENTS, waits for `wait_for` completions, as `options` say if there are
/// any. Returns how many entries were taken.
result<std::uint32_t> enter(ring_core& core, std::uint32_t submit_count, std::uint32_t wait_for, std::uint32_t flags,
                            const wait_options* options) noexcept;

/// Goes on after an enter_call() that gave something else than what was hoped for.
result<std::uint32_t> recover(ring_core& core, enter_answer answer, std::uint32_t submit_count, std::uint32_t wait_for,
                              std::uint32_t flags) noexcept;

/// Whether the kernel can wait so (one that cannot would wait for ever, or not at all), with the option that it lacks.
result<void> can_wait(const ring_core& core, const wait_options* options) noexcept;
/// The same of a kernel with these features, on a ring that does not poll.
result<void> can_wait(std::uint32_t features, const wait_options* options) noexcept;

/// Whether io_uring_enter(2) of this kernel takes neither a time-out nor a signal mask, and the options have one of
/// them.
bool needs_ppoll(const ring_core& core, const wait_options* options) noexcept;

/// The same error with the sentence that fits what the kernel said.
error explained(error problem) noexcept;

/// Whether fewer completions than were asked for are enough.
bool has_minimum_wait(const wait_options* options) noexcept;

/// Whether completions come only when the program enters the kernel, which then asks the devices.
inline bool polls_itself(const ring_core& core) noexcept { return core.is_iopoll && !core.is_sqpoll; }

/// The time that a wait may take, over all the calls that it is made of.
class wait_limit {
public:
    /// For a wait for `count` completions. Of one only, the kernel tells precisely why it ended, and no clock is read.
    wait_limit(const ring_core& core, const wait_options* options, std::uint32_t count) noexcept
        : wait_limit{core, count > 1 ? options : nullptr, options} {}
    /// For a wait that the kernel does not end.
    wait_limit(const ring_core& core, const wait_options* options) noexcept : wait_limit{core, options, options} {}

    /// Whether there is an end.
    bool exists() const noexcept { return has_end_; }

    /// What the next call is to be told.
    const wait_options* for_next_call() noexcept;
    /// The smaller of `longest` and what is left, in nanoseconds.
    std::int64_t at_most(std::int64_t longest) const noexcept;
    /// Whether it is over, as far as can be told.
    bool has_passed() const noexcept;
    /// The error of a wait that ended early, where nothing but a signal or the time can have ended it.
    error early_end() const noexcept;

private:
    wait_limit(const ring_core& core, const wait_options* timed, const wait_options* given) noexcept;
    std::int64_t now() const noexcept { return system::time_on(clock_); }
    // Of a wait that has an end: how long it is until then, in nanoseconds.
    std::int64_t left() const noexcept;

    const wait_options* given_;
    wait_options left_;
    std::uint32_t clock_;
    std::int64_t end_ = 0;
    bool has_end_ = false;
    bool has_begun_ = false;
};

} // namespace lio::inline v0::detail
