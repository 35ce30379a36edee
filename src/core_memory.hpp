// Where the cores of rings lie. Private; any thread.
#pragma once

#include <lio/result.hpp>

namespace lio::inline v0::detail {

/// Memory for one ring_core; what it holds is undefined. The first few rings of a process have places set apart for
/// them, because a page that is mapped, touched and unmapped is a large part of what a ring costs; further rings get a
/// page each.
/// Errors: what mmap(2) says.
result<void*> take_core_memory() noexcept;

void give_back_core_memory(void* memory) noexcept;

} // namespace lio::inline v0::detail
