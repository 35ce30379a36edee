// Rings on the fake kernel, and what their calls say. Test code; on the test's thread.
#pragma once

#include "fake_kernel.hpp"

#include "support/numbers.hpp"

#include <lio/op/nop.hpp>
#include <lio/ring.hpp>

#include <cstdint>
#include <vector>

namespace lio::fake {

/// A ring past its first use, with nothing in it: from here on a submit is one call.
inline ring running_ring(const ring_options& options = {.entries = 8}) {
    ring made = ring::create(options).value();
    made.push(op::nop().user_data(0)).value();
    made.submit_and_wait(1).value();
    made.next().value();
    return made;
}

/// Queues a nop for each number from `first` to `last`, with that user_data.
template <class Side>
void push(Side& side, std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t i = first; i <= last; ++i) side.push(op::nop().user_data(i)).value();
}

/// Rings that take all the places that there are for the cores of the first ones: the next ring has a page for its own.
inline std::vector<ring> rings_in_all_places() {
    std::vector<ring> all;
    for (int i = 0; i < 8; ++i) all.push_back(ring::create({.entries = 2}).value());
    return all;
}

/// The user_data of what the model has taken, in order.
inline test::numbers taken_by(const model_ring& model) {
    test::numbers all;
    for (const abi::sqe& entry : model.taken) all.push_back(entry.user_data);
    return all;
}

/// The flags of a call of io_uring_enter(2).
inline std::uint32_t flags_of(const made_call& enter) { return static_cast<std::uint32_t>(enter.arguments[3]); }

} // namespace lio::fake
