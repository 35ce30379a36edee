// The smallest program: a nop on a minimal_ring, without libc.
#include "without_libc.hpp"

#include <lio/minimal_ring.hpp>
#include <lio/op/nop.hpp>

// Ends with 42, the user_data that came back: from outside nothing else than a nop that went through gives that.
void start() {
    auto made = lio::minimal_ring<>::create(8);
    if (!made) leave(3);
    long status = 1;
    if (made->push(lio::op::nop().user_data(42)) && made->submit_and_wait(1))
        for (const lio::cqe& done : made->reap())
            if (done.raw_result() == 0) status = done.user_data_as<long>();
    if (!made->close()) status = 2;
    leave(status);
}
