// What the process holds, as the kernel counts it: open descriptors and mapped memory. For tests that nothing leaks.
// Test code; on the test's thread, with no other one running.
#pragma once

#include "../catch.hpp"

#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>

namespace lio::test {

struct footprint {
    std::ptrdiff_t files = 0;
    std::ptrdiff_t mapped_bytes = 0;

    static footprint now() {
        footprint found;
        for (const auto& file : std::filesystem::directory_iterator{"/proc/self/fd"}) {
            static_cast<void>(file);
            ++found.files;
        }
        // The size, not the number of mappings: neighbours of the same kind become one.
        std::ptrdiff_t pages = 0;
        std::ifstream{"/proc/self/statm"} >> pages;
        REQUIRE(pages > 0);
        found.mapped_bytes = pages * static_cast<std::ptrdiff_t>(::sysconf(_SC_PAGESIZE));
        return found;
    }
};

/// Runs `body` so often that whatever it leaks shows: each time it must leave as many descriptors as it found, and all
/// times together less than `tolerance` bytes more of memory.
template <class Body>
void leaks_nothing(Body body, int times, std::ptrdiff_t tolerance) {
    body(); // allocators and caches are warm after this
    const footprint before = footprint::now();
    for (int i = 0; i < times; ++i) body();
    const footprint after = footprint::now();
    CHECK(after.files == before.files);
    CHECK(after.mapped_bytes - before.mapped_bytes < tolerance);
}

} // namespace lio::test
