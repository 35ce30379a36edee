// Runs three thousand million instructions: until then an emulator that counts reads each system call too high. Then
// reports what the clock says of a loop of two instructions a round, as a test of that clock. One thread.
#include "bench.hpp"

namespace {

// Two instructions a round, where the CPU is the one that is counted on.
void spin(std::uint64_t rounds) {
#if defined(__x86_64__)
    asm volatile("1: dec %0\n\tjnz 1b" : "+r"(rounds) : : "cc");
#else
    for (; rounds != 0; --rounds) asm volatile("" : "+r"(rounds));
#endif
}

} // namespace

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    spin(1'500'000'000);
    constexpr std::uint64_t rounds = 1'000'000;
    bench::stopwatch watch{given};
    spin(rounds);
    bench::report(watch.elapsed() / static_cast<double>(rounds));
    return 0;
}
