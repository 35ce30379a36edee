// Rings for the tests: every set-up that this kernel takes, and the short way to run one operation. Test code;
// on the test's thread.
#pragma once

#include "../catch.hpp"

#include <lio/op/operation.hpp>
#include <lio/ring.hpp>

#include <vector>

namespace lio::test {

/// A way to set a ring up, with the name that test output shows.
struct ring_setup {
    const char* name;
    ring_options options;
    bool is_tried_everywhere = false; // also where has_few_setups()
};

/// All set-ups that behaviour is tested under. Some kernels lack some of them.
const std::vector<ring_setup>& all_setups();

/// Those that this kernel takes, of which has_few_setups() leaves few; never empty. (Which it lacks is told by the
/// tests in setup_test.cpp.)
const std::vector<ring_setup>& available_setups();

/// Runs `body(ring)` as a section for each available set-up, with a fresh ring of `entries` entries.
template <class Body>
void under_each_setup(Body body, std::uint32_t entries = 64) {
    for (const ring_setup& setup : available_setups()) {
        DYNAMIC_SECTION("on a ring set up as: " << setup.name) {
            ring_options options = setup.options;
            options.entries = entries;
            ring made = ring::create(options).value();
            body(made);
        }
    }
}

/// Pushes, submits and waits for one operation; its completion. The ring must have nothing else in flight.
template <class Operation>
cqe complete(ring& ring, const Operation& operation) {
    ring.push(operation).value();
    ring.submit_and_wait(1).value();
    return ring.next().value();
}

} // namespace lio::test
