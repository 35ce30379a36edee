// Making and closing a ring on this library, as it chooses it; with use=yes a nop in between, because a default ring is
// bound to its thread by its first use. One thread.
#include "bench.hpp"

#include <lio/uring.hpp>

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    const bool is_used = given.is("use", "yes");
    return bench::measure(given, given.number("rounds", 1000), 1, [=](unsigned rounds) {
        for (; rounds != 0; --rounds) {
            auto ring = lio::ring::create({.entries = 64});
            if (!ring) return false;
            if (is_used && !(ring->push(lio::op::nop()) && ring->submit_and_wait(1) && ring->try_next())) return false;
        }
        return true;
    });
}
