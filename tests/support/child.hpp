// A forked child for what cannot be undone in the test's own process. Test code; on the test's thread, with no other
// one running that holds locks.
#pragma once

#include "../catch.hpp"

#include <sys/wait.h>
#include <unistd.h>

namespace lio::test {

/// Runs `body()` in a child, in which Catch2 must not be called; what it returns, 0 to 255. 0 says that all was well,
/// so a number for each thing that can go wrong names it.
template <class Body>
int in_child(Body body) {
    const pid_t child = ::fork();
    REQUIRE(child != -1);
    if (child == 0) {
        int found = 255;
        try {
            found = body();
        } catch (...) {
        }
        ::_exit(found);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    return WEXITSTATUS(status);
}

} // namespace lio::test
