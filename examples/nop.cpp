// The smallest program: one operation that does nothing, there and back.
#include <lio/uring.hpp>

#include <cstdio>

int main() {
    lio::ring ring = lio::ring::create({.entries = 8}).value();

    ring.push(lio::op::nop().user_data(42)).value();
    ring.submit_and_wait(1).value();

    for (const lio::cqe& done : ring.reap())
        std::printf("nop %d: %s\n", done.user_data_as<int>(), done.result() ? "done" : done.result().error().message());
}
