// Rings with longer entries, for the tests of operations that need them. Test code; on the test's thread.
#pragma once

#include "../catch.hpp"
#include "machine.hpp"

#include <lio/cqe.hpp>
#include <lio/large_ring.hpp>

namespace lio::test {

/// Whether this kernel makes such rings; if not, the error must say so.
template <class Ring>
bool has_large_rings() {
    const auto made = Ring::create({.entries = 1});
    if (!made)
        REQUIRE((made.error().why() == cause::large_entries_missing ||
                 made.error().why() == cause::large_completions_missing));
    return made.has_value();
}
inline constexpr const char* no_large_rings = "longer entries: since Linux 5.19";

/// Submits what is queued and waits for the next completion, ten seconds at most.
template <class Ring>
large_cqe next_on(Ring& ring) {
    ring.submit().value();
    const auto done = ring.next(patience);
    if (!done) FAIL("no completion came: " << done.error().name());
    return *done;
}

/// Runs one operation on a ring that has nothing else in flight.
template <class Ring, class Operation>
large_cqe run_on(Ring& ring, const Operation& operation) {
    ring.push(operation).value();
    return next_on(ring);
}

} // namespace lio::test
