// Registering the clock of waits. On the ring's thread.

#include "ring_core.hpp"

#include <lio/wait_clock.hpp>

#include <cerrno>

namespace lio::inline v0::detail {

result<void> set_wait_clock(ring_core* core, wait_clock clock) noexcept {
    if (core == nullptr) return ring_is_closed();
    abi::clock_register request;
    request.clockid = static_cast<std::uint32_t>(clock);
    const auto done = register_with(*core, abi::register_opcode::register_clock, &request, 0);
    if (!done && done.error().code() == EINVAL) return error{EINVAL, cause::wait_clock_refused};
    if (!done) return done.error();
    // The other half of a split ring reads it; it pairs with nothing, as no wait may run meanwhile.
    core->clock.store_relaxed(request.clockid);
    return {};
}

} // namespace lio::inline v0::detail
