// How long the entries of a ring's two queues are. A property of the ring's type, so that the plain ring pays nothing for
// the others, and an operation that does not fit is not compiled.
#pragma once

#include <lio/abi/entries.hpp>
#include <lio/cqe.hpp>
#include <lio/ring_options.hpp>

#include <type_traits>

namespace lio::detail {

template <class SubmissionEntry, class CompletionEntry>
struct ring_layout {
    using submission_entry = SubmissionEntry;
    using completion_entry = CompletionEntry;
    /// What the kernel must be asked for.
    static constexpr setup flags =
        (std::is_same_v<SubmissionEntry, abi::sqe128> ? setup::large_entries : setup::none) |
        (std::is_same_v<CompletionEntry, large_cqe> ? setup::large_completions : setup::none);
};

using plain_layout = ring_layout<abi::sqe, cqe>;
using large_completion_layout = ring_layout<abi::sqe, large_cqe>;
using large_layout = ring_layout<abi::sqe128, large_cqe>;

/// Operations of 128 bytes need lio::large_ring.
template <class Operation, class Layout>
concept entry_fits_ring =
    sizeof(static_cast<const Operation*>(nullptr)->entry()) <= sizeof(typename Layout::submission_entry);

/// Operations with completions of 32 bytes need lio::large_completion_ring or lio::large_ring.
template <class Operation, class Layout>
concept completion_fits_ring =
    !Operation::large_completion || std::is_same_v<typename Layout::completion_entry, large_cqe>;

template <class Operation, class Layout>
concept fits_ring = entry_fits_ring<Operation, Layout> && completion_fits_ring<Operation, Layout>;

/// Writes an entry into a slot, all of it: what the slot held before must not show through.
constexpr void write_slot(abi::sqe& slot, const abi::sqe& entry) noexcept { slot = entry; }
constexpr void write_slot(abi::sqe128& slot, const abi::sqe128& entry) noexcept { slot = entry; }
constexpr void write_slot(abi::sqe128& slot, const abi::sqe& entry) noexcept { slot = abi::sqe128{entry}; }

} // namespace lio::detail
