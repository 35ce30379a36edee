// Why the system gives out no rings. Private; any thread.
#pragma once

#include <lio/error.hpp>

namespace lio::inline v0::detail {

/// Finds the likely cause of what io_uring_setup said: a sysctl or a filter. Returns `problem` itself where that cannot
/// be told, or is none of these.
error likely_cause(error problem) noexcept;

/// Whether trying again later can help.
bool can_pass(error problem) noexcept;

} // namespace lio::inline v0::detail
