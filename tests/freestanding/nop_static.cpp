// A nop with libc but without the C++ runtime: compiled without exceptions, linked by the C driver.
#include <lio/uring.hpp>

#include <stdio.h>

int main() {
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    ring.push(lio::op::nop().user_data(42)).value();
    ring.submit_and_wait(1).value();
    // puts, because printf would be the larger part of such a program.
    for (const lio::cqe& done : ring.reap())
        if (done.user_data() == 42) puts("nop 42: done");
}
