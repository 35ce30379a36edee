// Threads that wake each other by a futex(2) each.
#include "wake.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

class flag {
public:
    bool wake() {
        __atomic_store_n(&word_, 1U, __ATOMIC_RELEASE);
        return ::syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0) >= 0;
    }
    bool take() {
        while (__atomic_exchange_n(&word_, 0U, __ATOMIC_ACQUIRE) == 0)
            ::syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
        return true;
    }

private:
    alignas(64) unsigned word_ = 0;
};

} // namespace

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    flag first, second;
    return bench::measure_wakes(
        given,
        [&](unsigned rounds) {
            for (; rounds != 0; --rounds)
                if (!second.wake() || !first.take()) return false;
            return true;
        },
        [&](unsigned rounds) {
            for (; rounds != 0; --rounds)
                if (!second.take() || !first.wake()) return false;
            return true;
        });
}
