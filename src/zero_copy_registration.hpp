// What zero-copy receive asks of the kernel, and what the answers mean. Private; on the ring's thread.
#pragma once

#include "ring_core.hpp"

#include <lio/abi/zero_copy_receive.hpp>
#include <lio/error.hpp>
#include <lio/result.hpp>

namespace lio::inline v0::detail {

/// Registers, or imports. When the kernel refuses, it is asked what it can do at all, so that the error can name what
/// it lacks of what was wanted.
result<void> register_zero_copy(ring_core& core, abi::zcrx_ifq_reg& registration) noexcept;

/// One of the controls; `request` is filled in.
result<void> control_zero_copy(const core_reference& core, abi::zcrx_ctrl& request) noexcept;

} // namespace lio::inline v0::detail
