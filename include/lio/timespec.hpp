// A span of time, or a point in it, as the kernel reads it: 64-bit seconds and nanoseconds on every CPU
// (struct timespec is smaller on some 32-bit systems). Includes no <chrono>, yet takes its durations.
#pragma once

#include <lio/abi/setup.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// Seconds and nanoseconds. Converts from any std::chrono::duration.
struct timespec : abi::kernel_timespec {
    constexpr timespec() noexcept : abi::kernel_timespec{} {}
    constexpr timespec(std::int64_t seconds, std::int64_t nanoseconds) noexcept
        : abi::kernel_timespec{seconds, nanoseconds} {}

    template <class Duration>
        requires requires(Duration d) {
            d.count();
            Duration::period::num;
            Duration::period::den;
        }
    constexpr timespec(Duration duration) noexcept : abi::kernel_timespec{} {
        using period = typename Duration::period;
        // Whole seconds first: count * num * 10^9 overflows for long times in small units.
        const auto count = static_cast<std::int64_t>(duration.count());
        constexpr auto num = static_cast<std::int64_t>(period::num);
        constexpr auto den = static_cast<std::int64_t>(period::den);
        if constexpr (den == 1) {
            tv_sec = count * num;
        } else {
            static_assert(num == 1, "give the duration in a unit of whole seconds or a fraction 1/n of one");
            tv_sec = count / den;
            tv_nsec = (count % den) * 1'000'000'000 / den;
        }
    }
};

static_assert(sizeof(timespec) == 16);

} // namespace lio::inline v0
