// Settings of the kernel's worker threads. On the thread that submits.

#include "ring_core.hpp"

#include <lio/workers.hpp>

#include <cerrno>

namespace lio::inline v0 {

cpu_set cpu_set::from_mask(bytes mask) noexcept {
    cpu_set made;
    const std::size_t known = mask.size() < sizeof made.words_ ? mask.size() : sizeof made.words_;
    if (known != 0) __builtin_memcpy(made.words_, mask.data(), known);
    for (std::size_t i = known; i < mask.size(); ++i)
        if (mask.data()[i] != std::byte{0}) made.is_out_of_range_ = true;
    return made;
}

namespace detail {

result<void> set_worker_affinity(ring_core* core, const cpu_set* cpus) noexcept {
    if (core == nullptr) return ring_is_closed();
    // The kernel would take an empty set, and pass over what it has no room for.
    if (cpus != nullptr && (cpus->empty() || cpus->is_out_of_range())) return error{EINVAL, cause::no_such_cpus};
    const auto done = cpus == nullptr
                          ? register_with(*core, abi::register_opcode::unregister_iowq_aff, nullptr, 0)
                          : register_with(*core, abi::register_opcode::register_iowq_aff, cpus->mask().data(),
                                          static_cast<std::uint32_t>(cpus->mask().size()));
    if (!done && done.error().code() == EINVAL) return error{EINVAL, cause::worker_affinity_refused};
    if (!done) return done.error();
    return {};
}

result<worker_limits> set_worker_limits(ring_core* core, worker_limits limits) noexcept {
    if (core == nullptr) return ring_is_closed();
    std::uint32_t counts[2];
    counts[abi::io_wq_bound] = limits.bounded;
    counts[abi::io_wq_unbound] = limits.unbounded;
    const auto done = register_with(*core, abi::register_opcode::register_iowq_max_workers, counts, 2);
    if (!done && done.error().code() == EINVAL) return error{EINVAL, cause::worker_limits_refused};
    if (!done) return done.error();
    return worker_limits{counts[abi::io_wq_bound], counts[abi::io_wq_unbound]};
}

} // namespace detail
} // namespace lio::inline v0
