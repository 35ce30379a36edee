// Rings on the fake kernel, and what their calls say. Test code; on the test's thread.
#pragma once

#include "fake_kernel.hpp"

#include <lio/op/nop.hpp>
#include <lio/ring.hpp>

#include <cstdint>

namespace lio::fake {

/// A ring past its first use, with nothing in it: from here on a submit is one call.
inline ring running_ring(const ring_options& options = {.entries = 8}) {
    ring made = ring::create(options).value();
    made.push(op::nop().user_data(0)).value();
    made.submit_and_wait(1).value();
    made.next().value();
    return made;
}

/// The flags of a call of io_uring_enter(2).
inline std::uint32_t flags_of(const made_call& enter) { return static_cast<std::uint32_t>(enter.arguments[3]); }

} // namespace lio::fake
