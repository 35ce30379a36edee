// Completions by the numbers that their operations were given as user_data. Test code.
#pragma once

#include <cstdint>
#include <vector>

namespace lio::test {

using numbers = std::vector<std::uint64_t>;

inline numbers from_to(std::uint64_t first, std::uint64_t last) {
    numbers all;
    for (std::uint64_t i = first; i <= last; ++i) all.push_back(i);
    return all;
}

/// Of all completions that are there, in their order.
template <class Ring>
numbers reap_all(Ring& ring) {
    numbers seen;
    for (const auto& done : ring.reap()) seen.push_back(done.user_data());
    return seen;
}

} // namespace lio::test
