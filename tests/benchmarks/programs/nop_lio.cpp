// Nops on this library: push a batch, submit and wait, reap. setup=default: as create() chooses; setup=equal: what
// nop_liburing asks for. wait=apart: the wait is a call of its own, which finds what has completed at once and does not
// enter the kernel. One thread.
#include "bench.hpp"

#include <lio/uring.hpp>

namespace {

bool run(lio::ring& ring, unsigned rounds, unsigned batch, bool waits_apart) {
    std::uint64_t seen = 0;
    for (unsigned left = rounds; left != 0; --left) {
        for (unsigned i = 0; i < batch; ++i)
            if (!ring.push(lio::op::nop().user_data(1))) return false;
        if (waits_apart) {
            if (!ring.submit() || !ring.wait(batch)) return false;
        } else if (!ring.submit_and_wait(batch)) {
            return false;
        }
        for (const lio::cqe& done : ring.reap()) seen += done.user_data();
    }
    return seen == std::uint64_t{rounds} * batch;
}

} // namespace

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    const unsigned batch = given.number("batch", 1);
    const bool waits_apart = given.is("wait", "apart");
    lio::ring_options options{.entries = 128};
    if (given.is("setup", "equal")) {
        options.require = lio::setup::single_issuer | lio::setup::deferred_taskrun;
        options.exactly = true;
    }
    lio::ring ring = lio::ring::create(options).value();
    return bench::measure(given, given.number("rounds", 100000), batch,
                          [&](unsigned rounds) { return run(ring, rounds, batch, waits_apart); });
}
