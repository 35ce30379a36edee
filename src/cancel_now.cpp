// Cancelling by a call. On the ring's thread.

#include "ring_core.hpp"

#include <lio/abi/operation_flags.hpp>
#include <lio/cancel_now.hpp>

#include <cerrno>

namespace lio::inline v0::detail {

namespace {

result<std::int32_t> call(ring_core& core, const abi::sync_cancel_reg& request) noexcept {
    const auto done = register_with(core, abi::register_opcode::register_sync_cancel, &request, 1);
    if (done) return static_cast<std::int32_t>(*done);
    const error problem = done.error();
    return problem.why() == cause::register_call ? error{problem.code(), cause::cancel_call} : problem;
}

// The kernel (up to 7.3 at least) does not always wake this wait when the operation has ended: not where the work of
// completions is left to the program, and elsewhere not if it looks when the completion is there and the worker has not
// yet let go of the operation. It would last until its time is over, or for ever. So it asks again and again, the first
// times soon.
result<std::int32_t> wait_in_parts(ring_core& core, abi::sync_cancel_reg& request, const timespec* timeout) noexcept {
    constexpr std::int64_t longest_part = 10'000'000;
    constexpr std::int64_t for_ever = INT64_MAX;
    std::int64_t left = timeout != nullptr ? system::to_nanoseconds(*timeout) : for_ever;
    bool was_running = false;
    for (std::int64_t part = 50'000;; part = part * 2 < longest_part ? part * 2 : longest_part) {
        if (part > left) part = left;
        request.timeout = system::to_timespec(part);
        const auto done = call(core, request);
        if (done) return done;
        // It was found and interrupted, and now it is gone: that is what the kernel calls a success, too.
        if (was_running && done.error().code() == ENOENT) return 0;
        if (done.error().code() != ETIME) return done;
        was_running = true;
        if (left != for_ever) left -= part;
        if (left == 0) return done;
    }
}

} // namespace

result<std::int32_t> cancel_now(ring_core* core, const abi::sqe& what, const timespec* timeout) noexcept {
    if (core == nullptr) return ring_is_closed();
    if ((what.flags & ~abi::sqe_fixed_file) != 0 || what.user_data != 0 || what.personality != 0)
        return error{EINVAL, cause::not_an_entry};
    // Which the kernel never sees: it gets the time in parts.
    const bool is_a_time = timeout == nullptr || (timeout->tv_sec >= 0 && timeout->tv_nsec >= 0 &&
                                                  timeout->tv_nsec < system::nanoseconds_in_a_second);
    if (!is_a_time) return error{EINVAL, cause::cancel_call};
    abi::sync_cancel_reg request;
    request.addr = what.addr;
    request.fd = what.fd;
    request.flags = what.cancel_flags;
    if ((what.flags & abi::sqe_fixed_file) != 0) request.flags |= abi::async_cancel_fd_fixed;
    request.opcode = static_cast<std::uint8_t>(what.len);
    return wait_in_parts(*core, request, timeout);
}

} // namespace lio::inline v0::detail
