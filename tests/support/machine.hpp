// What the machine that a test runs on changes in it: where tests/kernels boots another kernel, the machine is emulated
// and tens of times slower. Test code.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>

namespace lio::test {

inline bool is_emulated() {
    static const bool is = std::getenv("LIO_GUEST") != nullptr;
    return is;
}

/// Whether behaviour is tested under the two set-ups alone that differ most: where the same kernel is tried on another
/// CPU under all of them. What a set-up changes is in the kernel, and no emulator shows a CPU's weak memory order.
inline bool has_few_setups() {
    static const bool has = std::getenv("LIO_FEW_SETUPS") != nullptr;
    return has;
}

/// How often a test goes round: `many`, and a tenth of it where that takes too long.
inline std::uint32_t rounds(std::uint32_t many) { return is_emulated() ? many / 10 : many; }

/// How long a test waits for what must come before it calls it lost: longer than the slowest machine ever takes for it.
inline constexpr std::chrono::seconds patience{60};
/// The same as poll(2) takes it.
inline constexpr int patience_in_milliseconds = static_cast<int>(std::chrono::milliseconds{patience}.count());

} // namespace lio::test
