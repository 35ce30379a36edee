// Random reads of 4 KiB with pread(2), one at a time. One thread.
#include "reads.hpp"

#include <unistd.h>

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    bench::random_reads reads{given};
    return bench::measure(given, given.number("rounds", 100000), 1, [&](unsigned count) {
        for (; count != 0; --count)
            if (::pread(reads.file, bench::random_reads::memory[0], bench::block,
                        static_cast<off_t>(reads.next_offset())) != static_cast<ssize_t>(bench::block))
                return false;
        return true;
    });
}
