// How a test says that this machine cannot run it. Catch2 2.13 knows no skips, so they are counted here,
// in the same way for both versions; main.cpp reports them. May be called from any thread.
#pragma once

#include <string>

namespace lio::test {

// The test case that runs now, or this pass through it, cannot be run: why, and what it would take.
void record_skip(const std::string& reason);

// A part of it cannot be run, one ring set-up among many for example; the rest goes on.
void record_partial_skip(const std::string& reason);

} // namespace lio::test

// Leaves the test case. For use in its body: a helper or a lambda would only return to its caller.
#define LIO_SKIP(reason)                                                                                               \
    do {                                                                                                               \
        ::lio::test::record_skip(reason);                                                                              \
        return;                                                                                                        \
    } while (false)
