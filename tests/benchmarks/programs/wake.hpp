// What the programs that wake threads share: two threads on two CPUs that wake each other in turn. A wake-up is half a
// round. Arguments: rounds, cpu and other_cpu.
#pragma once

#include "bench.hpp"

#include <pthread.h>
#include <sched.h>

#include <thread>

namespace bench {

inline void stay_on(unsigned cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

/// `first(rounds)` wakes, then waits; `second(rounds)` waits, then wakes. Each on its own thread throughout.
template <class First, class Second>
int measure_wakes(const arguments& given, First first, Second second) {
    const unsigned rounds = given.number("rounds", 20000);
    std::thread other{[&, cpu = given.number("other_cpu", 1)] {
        stay_on(cpu);
        need(second(rounds / 10 + 1), "warming up");
        need(second(rounds), "measuring");
    }};
    stay_on(given.number("cpu", 0));
    const int status = measure(given, rounds, 2, first);
    other.join();
    return status;
}

} // namespace bench
