// What the machine that a test runs on changes in it: where tests/kernels boots another kernel, the machine is emulated and
// tens of times slower. Test code.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>

namespace lio::test {

inline bool is_emulated() {
    static const bool is = std::getenv("LIO_GUEST") != nullptr;
    return is;
}

/// How often a test goes round: `many`, and a tenth of it where that takes too long.
inline std::uint32_t rounds(std::uint32_t many) { return is_emulated() ? many / 10 : many; }

/// How long a test waits for what must come before it calls it lost: longer than the slowest machine ever takes for it.
inline constexpr std::chrono::seconds patience{60};

} // namespace lio::test
