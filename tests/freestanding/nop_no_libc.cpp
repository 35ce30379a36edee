// A nop without libc.
#include "without_libc.hpp"

#include <lio/uring.hpp>

// Ends with 42, the user_data that came back: from outside nothing else than a nop that went through gives that.
void start() {
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    ring.push(lio::op::nop().user_data(42)).value();
    ring.submit_and_wait(1).value();
    long status = 1;
    for (const lio::cqe& done : ring.reap())
        if (done.result()) status = done.user_data_as<long>();
    leave(status);
}
