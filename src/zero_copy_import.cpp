// Zero-copy receive that another ring has registered. On this ring's thread.

#include "ring_core.hpp"
#include "zero_copy_registration.hpp"

#include <lio/zero_copy_import.hpp>

#include <cerrno>

namespace lio::inline v0 {

result<zero_copy_import> zero_copy_import::create(detail::ring_core* core, int exported) noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    if (exported < 0) return error{EBADF, cause::zero_copy_not_exported};
    abi::zcrx_ifq_reg registration;
    registration.flags = abi::zcrx_reg_import;
    registration.if_idx = static_cast<std::uint32_t>(exported);
    if (const auto done = detail::register_zero_copy(*core, registration); !done) return done.error();
    return zero_copy_import{detail::core_reference{*core}, registration.zcrx_id};
}

result<void> zero_copy_import::flush() noexcept {
    abi::zcrx_ctrl request;
    request.zcrx_id = id_;
    request.op = abi::zcrx_ctrl_op_flush_rq;
    return detail::control_zero_copy(core_, request);
}

} // namespace lio::inline v0
