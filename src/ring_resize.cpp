// Queues of another size for a ring that is in use. On the ring's thread.

#include "ring_core.hpp"
#include "ring_maker.hpp"
#include "ring_mapping.hpp"
#include "setup_flags.hpp"

#include <lio/abi/entries.hpp>

#include <cerrno>

namespace lio::inline v0::detail {

namespace {

// What was queued and not submitted is ours alone: the kernel carries over only what it was told of.
void carry_over(const void* from, std::uint32_t from_mask, void* to, std::uint32_t to_mask, std::uint32_t begin,
                std::uint32_t end, std::size_t entry_size) noexcept {
    for (std::uint32_t i = begin; i != end; ++i)
        __builtin_memcpy(static_cast<char*>(to) + (i & to_mask) * entry_size,
                         static_cast<const char*>(from) + (i & from_mask) * entry_size, entry_size);
}

} // namespace

result<void> ring_maker::resize(std::uint32_t entries, std::uint32_t completion_entries, submission_side& submissions,
                                completion_side& completions) noexcept {
    ring_core& core = *submissions.core_;
    // Of a submission array the kernel does not tell where the new one is.
    if (!has(core.flags, setup::deferred_taskrun | setup::no_sq_array) || core.is_in_borrowed_memory)
        return error{EINVAL, cause::resize_needs_set_up};
    // Kernels have copied long completions as if they were short ones.
    if (has_any(core.flags, setup::large_completions | setup::mixed_completions) && completions.slots_ready() != 0)
        return error{EBUSY, cause::reap_first};
    // A long entry might have to lie across the end of the new queue.
    if (has(core.flags, setup::mixed_entries) && submissions.unsubmitted() != 0)
        return error{EBUSY, cause::submit_first};

    abi::params parameters{};
    parameters.sq_entries = entries;
    if (completion_entries != 0) {
        parameters.flags = abi::setup_cqsize;
        parameters.cq_entries = completion_entries;
    }
    if (submissions.unsubmitted() > entries) return error{EOVERFLOW, cause::queue_does_not_fit};
    if (const auto done = register_with(core, abi::register_opcode::register_resize_rings, &parameters, 1); !done) {
        if (done.error().code() == EOVERFLOW) return error{EOVERFLOW, cause::queue_does_not_fit};
        if (done.error().code() == EINVAL) return error{EINVAL, cause::resize_refused};
        return done.error();
    }
    // Only the sizes and offsets are told anew.
    parameters.flags = static_cast<std::uint32_t>(core.flags);
    parameters.features = core.features;

    mapping old_rings[3];
    for (int i = 0; i < 3; ++i) {
        old_rings[i] = core.rings[i];
        core.rings[i] = {};
    }
    if (const auto mapped = map_ring(core.file, parameters, core.rings); !mapped) {
        // The kernel has left the old memory for good, and the new one cannot be had.
        unmap_ring(old_rings);
        submissions.forget();
        completions.forget();
        static_cast<void>(close_handle(core));
        return error{mapped.error().code(), cause::resize_lost_the_ring};
    }
    const std::uint32_t old_mask = submissions.mask_;
    connect(core, parameters, submissions, completions);
    carry_over(old_rings[2].address, old_mask, submissions.entries_, submissions.mask_, submissions.submitted_,
               submissions.tail_, has(core.flags, setup::large_entries) ? sizeof(abi::sqe128) : sizeof(abi::sqe));
    static_cast<void>(submissions.submission_room());
    unmap_ring(old_rings);
    return {};
}

} // namespace lio::inline v0::detail
