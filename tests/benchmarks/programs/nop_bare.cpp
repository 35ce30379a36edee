// Nops on the bare loop. One thread.
#include "bare_ring.hpp"

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    const unsigned batch = given.number("batch", 1);
    bench::bare_ring ring{128};
    return bench::measure(given, given.number("rounds", 100000), batch, [&](unsigned rounds) {
        std::uint64_t seen = 0;
        for (unsigned left = rounds; left != 0; --left) {
            for (unsigned i = 0; i < batch; ++i) ring.push_nop(1);
            ring.submit_and_wait(batch);
            seen += ring.reap();
        }
        return seen == std::uint64_t{rounds} * batch;
    });
}
