// Making and closing a ring on this library, as it chooses it. One thread.
#include "bench.hpp"

#include <lio/uring.hpp>

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    return bench::measure(given, given.number("rounds", 1000), 1, [](unsigned rounds) {
        for (; rounds != 0; --rounds)
            if (!lio::ring::create({.entries = 64})) return false;
        return true;
    });
}
