// The memory that a ring shares with the kernel. Private.
#pragma once

#include "pages.hpp"
#include "ring_core.hpp"

namespace lio::inline v0::detail {

/// Maps all parts of a ring: rings[0] has the queues (rings[1] the completion queue, on kernels before 5.4), rings[2]
/// the submission entries. What is in `rings` afterwards is mapped, on failure too.
result<void> map_ring(int file, const abi::params& parameters, mapping (&rings)[3]) noexcept;

/// The sizes of a ring's two parts in one piece of memory: the queues, then the entries at a page of their own.
struct ring_sizes {
    std::size_t queues;
    std::size_t entries;
    /// Where the entries begin.
    std::size_t entries_offset() const noexcept { return in_pages(queues, largest_page); }
    std::size_t sum() const noexcept { return entries_offset() + entries; }
};
ring_sizes sizes_of(const abi::params& parameters) noexcept;

/// Unmaps what is mapped of them.
void unmap_ring(mapping (&rings)[3]) noexcept;

} // namespace lio::inline v0::detail
