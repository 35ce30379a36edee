// How a wait for completions may end, beyond having them. A value; any thread.
#pragma once

#include <lio/timespec.hpp>

#include <cstdint>
#include <type_traits>

namespace lio::inline v0 {

struct kernel_version;

namespace detail {
struct wait_terms;
class wait_limit;
} // namespace detail

/// What ends a wait, made by its members one after the other:
/// ring.wait(8, lio::wait_options{}.timeout({1, 0}).minimum_wait(200)). Without any of them only the completions or a
/// signal do.
class wait_options {
public:
    constexpr wait_options() noexcept = default;

    /// Ends it after this span of time, with ETIME if nothing came. Since Linux 5.1; until 5.11 it is waited for in
    /// ppoll(2), a millisecond at a time if more than one completion is wanted.
    constexpr wait_options timeout(const timespec& span) const noexcept { return until(span, false); }

    /// Ends it at this point on the ring's clock (CLOCK_MONOTONIC, unless set_wait_clock() gave it another), with ETIME
    /// if nothing came. A wait that was interrupted can be taken up again with it as it is. Since Linux 6.12.
    constexpr wait_options deadline(const timespec& point) const noexcept { return until(point, true); }

    /// The number of completions is only waited for this long; then one is enough. If there is none then, the wait ends
    /// with ETIME, or goes on up to the time-out or deadline if there is one. 0 is no minimum. Since Linux 6.12.
    constexpr wait_options minimum_wait(std::uint32_t microseconds) const noexcept {
        wait_options changed = unregistered();
        changed.minimum_wait_ = microseconds;
        return changed;
    }

    /// Only these signals are blocked while it waits, as with ppoll(2); `mask` is a sigset_t. Since Linux 5.1.
    template <class SignalSet>
        requires(std::is_trivially_copyable_v<SignalSet> && sizeof(SignalSet) >= 8)
    wait_options signals(const SignalSet& mask) const noexcept {
        wait_options changed = unregistered();
        // The C library's set has room for more signals than the kernel reads.
        __builtin_memcpy(changed.signals_, &mask, sizeof changed.signals_);
        changed.has_signals_ = true;
        return changed;
    }

    /// The thread does not count as one that waits for input or output, which would keep the CPU's clock up.
    /// Since Linux 6.15.
    constexpr wait_options no_iowait() const noexcept {
        wait_options changed = unregistered();
        changed.no_iowait_ = true;
        return changed;
    }

private:
    friend detail::wait_terms;
    friend detail::wait_limit;
    friend constexpr kernel_version since(const wait_options& options) noexcept;

    static constexpr std::uint32_t not_registered = 0xffffffff;
    constexpr wait_options unregistered() const noexcept {
        wait_options changed = *this;
        changed.registered_offset_ = not_registered;
        return changed;
    }

    constexpr wait_options until(const timespec& time, bool is_absolute) const noexcept {
        wait_options changed = unregistered();
        changed.time_ = time;
        changed.has_time_ = true;
        changed.is_absolute_ = is_absolute;
        return changed;
    }

    timespec time_;
#if defined(__mips__)
    unsigned char signals_[16] = {}; // it has 128 signals
#else
    unsigned char signals_[8] = {};
#endif
    std::uint32_t minimum_wait_ = 0;
    // Where registered_waits has the same for the kernel, in bytes.
    std::uint32_t registered_offset_ = not_registered;
    bool has_time_ = false;
    bool is_absolute_ = false;
    bool has_signals_ = false;
    bool no_iowait_ = false;
};

} // namespace lio::inline v0
