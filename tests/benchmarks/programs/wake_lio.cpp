// Threads that wake each other by messages from ring to ring, on this library.
#include "wake.hpp"

#include <lio/uring.hpp>

namespace {

bool wake(lio::ring& ring, const lio::ring& other) {
    // Nobody waits for its completion: one enter hands it over and waits for the answer.
    return ring.push(lio::op::msg_ring(other.file(), 0, 1).skip_success()).has_value();
}
bool take(lio::ring& ring) {
    for (const lio::cqe& done : ring.reap())
        if (!done.result()) return false;
    return true;
}

// A ring belongs to the thread that uses it first, and takes no message before.
bool claim(lio::ring& ring) {
    return ring.push(lio::op::nop()) && ring.submit_and_wait(1) && take(ring);
}

} // namespace

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    lio::ring first = lio::ring::create({.entries = 8}).value();
    lio::ring second = lio::ring::create({.entries = 8}).value();
    return bench::measure_wakes(
        given, [&] { return claim(first); }, [&] { return claim(second); },
        [&](unsigned rounds) {
            for (; rounds != 0; --rounds)
                if (!wake(first, second) || !first.submit_and_wait(1) || !take(first)) return false;
            return true;
        },
        [&](unsigned rounds) {
            for (; rounds != 0; --rounds)
                if (!second.wait(1) || !take(second) || !wake(second, first) || !second.submit()) return false;
            return true;
        });
}
