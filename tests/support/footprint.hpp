// What the process holds, as the kernel counts it: open descriptors, mapped memory and memory that may not move. For
// tests that nothing leaks.
// Test code; on the test's thread, with no other one running.
#pragma once

#include "../catch.hpp"
#include "waiting.hpp"

#include <poll.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>

namespace lio::test {

struct footprint {
    std::ptrdiff_t files = 0;
    std::ptrdiff_t mapped_bytes = 0;
    /// Locked, and pinned by the kernel.
    std::ptrdiff_t locked_bytes = 0;

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
        found.locked_bytes = locked_now();
        return found;
    }

    static std::ptrdiff_t locked_now() {
        std::ptrdiff_t all = 0;
        int lines = 0;
        std::ifstream status{"/proc/self/status"};
        for (std::string word; status >> word;) {
            if (word != "VmLck:" && word != "VmPin:") continue;
            std::ptrdiff_t kibibytes = 0;
            status >> kibibytes;
            all += kibibytes * 1024;
            ++lines;
        }
        REQUIRE(lines == 2);
        return all;
    }

    /// The same once it is `expected` or less, for which the kernel may take a while after a ring has gone; or what it
    /// is when the patience is over.
    static std::ptrdiff_t locked_soon(std::ptrdiff_t expected) {
        const std::int64_t give_up = end_of_patience();
        while (locked_now() > expected && lio::test::now() < give_up) ::poll(nullptr, 0, 10);
        return locked_now();
    }
};

/// Runs `body` so often that whatever it leaks shows: each time it must leave as many descriptors as it found, and all
/// times together less than `tolerance` bytes more of memory, and no memory locked or pinned.
template <class Body>
void leaks_nothing(Body body, int times, std::ptrdiff_t tolerance) {
    const std::ptrdiff_t locked = footprint::locked_now();
    body(); // allocators and caches are warm after this
    const footprint before = footprint::now();
    for (int i = 0; i < times; ++i) body();
    const footprint after = footprint::now();
    CHECK(after.files == before.files);
    CHECK(after.mapped_bytes - before.mapped_bytes < tolerance);
    CHECK(footprint::locked_soon(locked) <= locked);
}

} // namespace lio::test
