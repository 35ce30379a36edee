// Spans of time as the library reckons with them, in nanoseconds, and as the kernel takes them. Private; any thread.
#pragma once

#include <lio/timespec.hpp>

#include <cstdint>

namespace lio::inline v0::system {

inline constexpr std::int64_t nanoseconds_in_a_second = 1'000'000'000;

inline timespec to_timespec(std::int64_t nanoseconds) noexcept {
    return {nanoseconds / nanoseconds_in_a_second, nanoseconds % nanoseconds_in_a_second};
}

/// What is longer than seventy years counts as that, so that no sum of a few overflows.
inline std::int64_t to_nanoseconds(const abi::kernel_timespec& time) noexcept {
    constexpr std::int64_t longest = INT64_MAX / nanoseconds_in_a_second / 4;
    return (time.tv_sec < longest ? time.tv_sec : longest) * nanoseconds_in_a_second + time.tv_nsec;
}

} // namespace lio::inline v0::system
