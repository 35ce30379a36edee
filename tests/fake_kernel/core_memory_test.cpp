// Where the cores of rings lie: in the places for the first ones, or in pages of their own. Test code.

#include "fake_kernel.hpp"
#include "rings.hpp"

#include "core_memory.hpp"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace fake_kernel_core_memory_test {

TEST_CASE("rings beyond the places for the first ones are mapped a page, which goes with them") {
    lio::fake::kernel kernel{lio::fake::ground::model};
    const auto mappings_of_one = [&] {
        kernel.forget_calls();
        const lio::ring made = lio::ring::create({.entries = 2}).value();
        return kernel.count(lio::arch::mmap);
    };
    CHECK(mappings_of_one() == 2);
    {
        const auto first = lio::fake::rings_in_all_places();
        const std::string before = kernel.left();
        CHECK(mappings_of_one() == 3);
        CHECK(kernel.left() == before);
    }
    // A place is had again.
    for (int i = 0; i < 100; ++i) CHECK(mappings_of_one() == 2);
}

TEST_CASE("a place for a ring's core is one thread's at a time") {
    lio::fake::kernel kernel{lio::fake::ground::model};
    std::atomic<int> meetings{0};
    {
        std::vector<std::jthread> threads;
        for (int thread = 1; thread <= 4; ++thread)
            threads.emplace_back([&meetings, thread] {
                for (int round = 0; round < 100'000; ++round) {
                    auto* const place = static_cast<int*>(lio::detail::take_core_memory().value());
                    __atomic_store_n(place, thread, __ATOMIC_RELAXED);
                    if (__atomic_load_n(place, __ATOMIC_RELAXED) != thread) ++meetings;
                    lio::detail::give_back_core_memory(place);
                }
            });
    }
    CHECK(meetings == 0);
    CHECK(kernel.count_calls() == 0);
}

} // namespace fake_kernel_core_memory_test
