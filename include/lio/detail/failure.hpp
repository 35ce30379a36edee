// The failures that are answers, told apart without <cerrno>: public headers need no header of a C library. Any thread.
#pragma once

#include <lio/error.hpp>

#include <cstdint>

namespace lio::inline v0::detail {

/// What a failed operation may mean beyond its failure.
enum class failure : std::uint8_t {
    /// Nothing.
    other,
    /// ENOENT
    not_found,
    /// EAGAIN
    try_again,
    /// ETIME
    time_passed,
    /// ENOBUFS
    no_buffer,
    /// EALREADY
    too_late,
    /// ECANCELED
    cancelled,
};

failure failure_of(error problem) noexcept;

} // namespace lio::inline v0::detail
