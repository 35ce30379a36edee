// One system call that does nothing for each batch: what any way into the kernel costs on this machine. One thread.
#include "bench.hpp"

#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    return bench::measure(given, given.number("rounds", 100000), given.number("batch", 1), [](unsigned rounds) {
        for (; rounds != 0; --rounds) ::syscall(SYS_getppid);
        return true; // it cannot fail
    });
}
