// The smallest program on this library, for its size: one nop, there and back.
#include <lio/uring.hpp>

int main() {
    auto ring = lio::ring::create({.entries = 8});
    if (!ring || !ring->push(lio::op::nop()) || !ring->submit_and_wait(1)) return 1;
    for (const lio::cqe& done : ring->reap())
        if (!done.result()) return 1;
    return 0;
}
