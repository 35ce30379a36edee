// The nop loop on this library: COUNT times BATCH nops, submitted and waited for together, then reaped. For
// counting instructions, see count_instructions.
#include <lio/uring.hpp>

#include <cstdlib>

int main(int argc, char** argv) {
    const long count = argc > 1 ? std::atol(argv[1]) : 1000;
    const auto batch = static_cast<std::uint32_t>(argc > 2 ? std::atol(argv[2]) : 1);
    lio::ring ring = lio::ring::create({.entries = 64}).value();
    std::uint64_t sum = 0;
    for (long round = 0; round < count; ++round) {
        for (std::uint64_t i = 0; i < batch; ++i) ring.push(lio::op::nop().user_data(i)).value();
        ring.submit_and_wait(batch).value();
        for (const lio::cqe& done : ring.reap()) sum += done.user_data();
    }
    return sum == static_cast<std::uint64_t>(count) * batch * (batch - 1) / 2 ? 0 : 1;
}
