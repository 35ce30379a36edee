// Registering for zero-copy receive and controlling it, with the causes of what fails. On the ring's thread.

#include "zero_copy_registration.hpp"

#include <lio/abi/query.hpp>

#include <cerrno>

namespace lio::inline v0::detail {

namespace {

// All zero where the kernel knows no such question: before Linux 6.19, which has none of what is asked for here.
abi::query_zcrx abilities_of(ring_core& core) noexcept {
    abi::query_zcrx said;
    abi::query_hdr question;
    question.query_op = abi::query_op_zcrx;
    question.query_data = reinterpret_cast<std::uintptr_t>(&said);
    question.size = sizeof said;
    const auto asked = register_with(core, abi::register_opcode::register_query, &question, 0);
    if (!asked || question.result != 0) return {};
    return said;
}

cause why_refused(const abi::zcrx_ifq_reg& wanted, const abi::query_zcrx& can) noexcept {
    const bool imports = (wanted.flags & abi::zcrx_reg_import) != 0;
    const bool has_no_device = (wanted.flags & abi::zcrx_reg_nodev) != 0;
    if (imports && (can.register_flags & abi::zcrx_reg_import) == 0) return cause::zero_copy_sharing_missing;
    if (imports) return cause::zero_copy_refused;
    if (has_no_device && (can.register_flags & abi::zcrx_reg_nodev) == 0) return cause::zero_copy_needs_device;
    if (wanted.rx_buf_len != 0 && (can.features & abi::zcrx_feature_rx_page_size) == 0)
        return cause::zero_copy_buffer_length_missing;
    if (wanted.event_desc != 0 && (can.features & abi::zcrx_feature_event) == 0) return cause::zero_copy_events_missing;
    return cause::zero_copy_refused;
}

} // namespace

result<void> register_zero_copy(ring_core& core, abi::zcrx_ifq_reg& registration) noexcept {
    if (!has(core.flags, setup::deferred_taskrun)) return error{EINVAL, cause::zero_copy_needs_deferred_taskrun};
    const auto done = register_with(core, abi::register_opcode::register_zcrx_ifq, &registration, 1);
    if (done) return {};
    const error problem = done.error();
    if (problem.why() != cause::register_call) return problem;
    const bool imports = (registration.flags & abi::zcrx_reg_import) != 0;
    const bool has_no_device = (registration.flags & abi::zcrx_reg_nodev) != 0;
    switch (problem.code()) {
    case EPERM:
        return error{EPERM, cause::zero_copy_needs_administrator};
    case ENODEV:
        return error{ENODEV, cause::zero_copy_no_interface};
    case ERANGE:
        return error{ERANGE, cause::zero_copy_out_of_range};
    case EEXIST:
    case EBUSY:
        return error{problem.code(), cause::zero_copy_queue_in_use};
    case EFAULT:
        // What does not know imports looks for the memory first.
        if (imports) return error{EINVAL, cause::zero_copy_sharing_missing};
        return error{EFAULT, cause::zero_copy_memory_is_not_ours};
    case EBADF:
        return error{EBADF, imports ? cause::zero_copy_not_exported : cause::zero_copy_no_dma_buffer};
    case EOPNOTSUPP:
        return error{EOPNOTSUPP, has_no_device && registration.rx_buf_len != 0 ? cause::zero_copy_buffers_are_pages
                                                                               : cause::zero_copy_not_supported};
    case EINVAL:
        return error{EINVAL, why_refused(registration, abilities_of(core))};
    default:
        return problem;
    }
}

result<void> control_zero_copy(const core_reference& reference, abi::zcrx_ctrl& request) noexcept {
    ring_core* const core = reference.get();
    if (core == nullptr) return ring_is_closed();
    const auto done = register_with(*core, abi::register_opcode::register_zcrx_ctrl, &request, 0);
    if (done) return {};
    const error problem = done.error();
    if (problem.why() != cause::register_call) return problem;
    switch (problem.code()) {
    case EINVAL:
    case EOPNOTSUPP:
        if (abilities_of(*core).nr_ctrl_opcodes <= request.op)
            return error{problem.code(), request.op == abi::zcrx_ctrl_op_add_area ? cause::zero_copy_added_areas_missing
                                                                                  : cause::zero_copy_control_missing};
        if (request.op == abi::zcrx_ctrl_op_arm_event) return error{EINVAL, cause::zero_copy_event_is_armed};
        return error{problem.code(), cause::zero_copy_refused};
    case EFAULT:
        return error{EFAULT, cause::zero_copy_memory_is_not_ours};
    case ERANGE:
        return error{ERANGE, cause::zero_copy_out_of_range};
    case EBADF:
        return error{EBADF, cause::zero_copy_no_dma_buffer};
    default:
        return problem;
    }
}

} // namespace lio::inline v0::detail
