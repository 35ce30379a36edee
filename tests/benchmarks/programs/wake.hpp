// What the programs that wake threads share: two threads on two CPUs that wake each other in turn. A wake-up is half a
// round. Arguments: rounds, cpu and other_cpu.
#pragma once

#include "bench.hpp"

#include <pthread.h>
#include <sched.h>

#include <barrier>
#include <thread>

namespace bench {

inline void stay_on(unsigned cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

/// `first(rounds)` wakes, then waits; `second(rounds)` waits, then wakes. Each on its own thread throughout, on which
/// `prepare_first()` and `prepare_second()` are called before any of the two is.
template <class PrepareFirst, class PrepareSecond, class First, class Second>
int measure_wakes(const arguments& given, PrepareFirst prepare_first, PrepareSecond prepare_second, First first,
                  Second second) {
    const unsigned rounds = given.number("rounds", 20000);
    std::barrier both_are_prepared{2};
    std::thread other{[&, cpu = given.number("other_cpu", 1)] {
        stay_on(cpu);
        need(prepare_second(), "preparing");
        both_are_prepared.arrive_and_wait();
        need(second(rounds / 10 + 1), "warming up");
        need(second(rounds), "measuring");
    }};
    stay_on(given.number("cpu", 0));
    need(prepare_first(), "preparing");
    both_are_prepared.arrive_and_wait();
    const int status = measure(given, rounds, 2, first);
    other.join();
    return status;
}

/// The same where nothing is to be prepared.
template <class First, class Second>
int measure_wakes(const arguments& given, First first, Second second) {
    const auto nothing = [] { return true; };
    return measure_wakes(given, nothing, nothing, first, second);
}

} // namespace bench
