// The places that are set apart for the cores of a process's first rings, and what comes when they are taken. Any
// thread.

#include "core_memory.hpp"

#include "ring_core.hpp"

#include <cstddef>
#include <cstdint>

namespace lio::inline v0::detail {

namespace {

// In cache lines of its own: the rings are of different threads.
struct alignas(64) core_place {
    alignas(ring_core) unsigned char memory[sizeof(ring_core)];
    std::uint32_t is_taken; // a word, because some CPUs exchange nothing smaller by themselves
};

constinit core_place places[8]{};

} // namespace

result<void*> take_core_memory() noexcept {
    for (core_place& one : places)
        // Pairs with the release below: whoever had the place is done with it.
        if (__atomic_exchange_n(&one.is_taken, 1u, __ATOMIC_ACQUIRE) == 0) return one.memory;
    return system::map_memory(sizeof(ring_core));
}

void give_back_core_memory(void* memory) noexcept {
    const auto distance = reinterpret_cast<std::uintptr_t>(memory) - reinterpret_cast<std::uintptr_t>(places);
    if (distance < sizeof places)
        __atomic_store_n(&places[distance / sizeof(core_place)].is_taken, 0u, __ATOMIC_RELEASE);
    else
        static_cast<void>(system::unmap(memory, sizeof(ring_core)));
}

} // namespace lio::inline v0::detail
