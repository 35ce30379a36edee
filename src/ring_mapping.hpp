// The memory that a ring shares with the kernel. Private.
#pragma once

#include "ring_core.hpp"

namespace lio::detail {

/// Maps all parts of a ring: rings[0] has the queues (rings[1] the completion queue, on kernels before 5.4), rings[2]
/// the submission entries. What is in `rings` afterwards is mapped, on failure too.
result<void> map_ring(int file, const abi::params& parameters, mapping (&rings)[3]) noexcept;

/// Unmaps what is mapped of them.
void unmap_ring(mapping (&rings)[3]) noexcept;

} // namespace lio::detail
