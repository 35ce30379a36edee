// Mapping the parts of a ring, and pointing its two sides to them: when it is made, and when it is made anew in another
// size. On the ring's thread.

#include "ring_mapping.hpp"

#include "ring_maker.hpp"
#include "setup_flags.hpp"

#include <lio/abi/entries.hpp>

namespace lio::inline v0::detail {

namespace {

// Maps one part of the ring. What is in `where` afterwards is mapped, on failure too.
result<void> map_part(int file, std::size_t size, std::uint64_t offset, mapping& where) noexcept {
    const auto address = system::map_ring(file, size, offset);
    if (!address) return address.error();
    where = {*address, size};
    return system::do_not_fork(*address, size);
}

std::size_t entry_bytes(std::uint32_t count, std::size_t size) noexcept {
    return static_cast<std::size_t>(count) * size;
}

template <class T>
T* at(const mapping& ring, std::uint32_t offset) noexcept {
    return reinterpret_cast<T*>(static_cast<char*>(ring.address) + offset);
}

} // namespace

static std::size_t submission_size(const abi::params& parameters) noexcept {
    const bool has_array = (parameters.flags & abi::setup_no_sqarray) == 0;
    // Without the array (its offset is 0 then) the queue's words are all there is.
    return has_array ? parameters.sq_off.array + entry_bytes(parameters.sq_entries, 4)
                     : parameters.sq_off.dropped + sizeof(std::uint32_t);
}

static std::size_t completion_size(const abi::params& parameters) noexcept {
    const bool is_large = (parameters.flags & abi::setup_cqe32) != 0;
    return parameters.cq_off.cqes +
           entry_bytes(parameters.cq_entries, is_large ? sizeof(abi::cqe32) : sizeof(abi::cqe));
}

ring_sizes sizes_of(const abi::params& parameters) noexcept {
    const std::size_t submissions = submission_size(parameters);
    const std::size_t completions = completion_size(parameters);
    const bool is_large = (parameters.flags & abi::setup_sqe128) != 0;
    return {submissions > completions ? submissions : completions,
            entry_bytes(parameters.sq_entries, is_large ? sizeof(abi::sqe128) : sizeof(abi::sqe))};
}

result<void> map_ring(int file, const abi::params& parameters, mapping (&rings)[3]) noexcept {
    const ring_sizes sizes = sizes_of(parameters);
    if ((parameters.features & abi::feat_single_mmap) != 0) {
        if (const auto done = map_part(file, sizes.queues, abi::off_sq_ring, rings[0]); !done) return done;
    } else {
        if (const auto done = map_part(file, submission_size(parameters), abi::off_sq_ring, rings[0]); !done)
            return done;
        if (const auto done = map_part(file, completion_size(parameters), abi::off_cq_ring, rings[1]); !done)
            return done;
    }
    return map_part(file, sizes.entries, abi::off_sqes, rings[2]);
}

void unmap_ring(mapping (&rings)[3]) noexcept {
    for (mapping& part : rings) {
        if (part.size != 0) static_cast<void>(system::unmap(part.address, part.size));
        part = {};
    }
}

void ring_maker::connect(ring_core& core, const abi::params& parameters, submission_side& submissions,
                         completion_side& completions) noexcept {
    const mapping& submission_ring = core.rings[0];
    const mapping& completion_ring = core.rings[1].size != 0 ? core.rings[1] : core.rings[0];
    core.submission_flags = at<shared_u32>(submission_ring, parameters.sq_off.flags);

    core.completion_flags =
        parameters.cq_off.flags != 0 ? at<shared_u32>(completion_ring, parameters.cq_off.flags) : nullptr;

    submissions.entries_ = core.rings[2].address;
    submissions.mask_ = parameters.sq_entries - 1;
    submissions.kernel_head_ = at<shared_u32>(submission_ring, parameters.sq_off.head);
    submissions.shared_tail_ = at<shared_u32>(submission_ring, parameters.sq_off.tail);
    completions.is_mixed_ = has_any(core.flags, setup::mixed_entries | setup::mixed_completions);
    const bool is_plain = !core.is_sqpoll && !has(core.flags, setup::rewind) && !completions.is_mixed_;
    submissions.plain_submit_limit_ = is_plain ? parameters.sq_entries : 0;
    // The array says which entry is where in the queue; ours is always in its own place. Written once, before
    // the kernel looks at any of it.
    if (!has(core.flags, setup::no_sq_array))
        for (std::uint32_t i = 0; i < parameters.sq_entries; ++i)
            at<std::uint32_t>(submission_ring, parameters.sq_off.array)[i] = i;

    completions.entries_ = at<char>(completion_ring, parameters.cq_off.cqes);
    completions.mask_ = parameters.cq_entries - 1;
    completions.shared_head_ = at<shared_u32>(completion_ring, parameters.cq_off.head);
    completions.kernel_tail_ = at<shared_u32>(completion_ring, parameters.cq_off.tail);
    completions.submission_head_ = submissions.kernel_head_;
    completions.plain_wait_limit_ = is_plain && !core.is_iopoll ? parameters.cq_entries : 0;
    // Before Linux 5.8, which brought this word, an overflow is not told either.
    const bool says_nothing = (has(core.flags, setup::deferred_taskrun) && !has(core.flags, setup::taskrun_flag)) ||
                              (core.is_iopoll && !core.is_sqpoll) || core.completion_flags == nullptr;
    if (says_nothing) {
        completions.enter_always();
    } else {
        completions.holding_word_ = core.submission_flags;
        completions.holding_flags_ = abi::sq_cq_overflow | abi::sq_taskrun;
    }
}

} // namespace lio::inline v0::detail
