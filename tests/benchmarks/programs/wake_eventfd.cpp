// Threads that wake each other by eventfd(2).
#include "wake.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    const int first = ::eventfd(0, EFD_CLOEXEC);
    const int second = ::eventfd(0, EFD_CLOEXEC);
    const auto wake = [](int file) {
        const std::uint64_t one = 1;
        return ::write(file, &one, sizeof one) == sizeof one;
    };
    const auto take = [](int file) {
        std::uint64_t count;
        return ::read(file, &count, sizeof count) == sizeof count;
    };
    return bench::measure_wakes(
        given,
        [&](unsigned rounds) {
            for (; rounds != 0; --rounds)
                if (!wake(second) || !take(first)) return false;
            return true;
        },
        [&](unsigned rounds) {
            for (; rounds != 0; --rounds)
                if (!take(second) || !wake(first)) return false;
            return true;
        });
}
