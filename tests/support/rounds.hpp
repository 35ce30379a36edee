// How often a test goes round. Where tests/kernels boots another kernel, the machine is emulated and tens of times slower.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace lio::test {

/// `many`, and a tenth of it on an emulated machine.
inline std::uint32_t rounds(std::uint32_t many) {
    static const bool is_emulated = std::getenv("LIO_GUEST") != nullptr;
    return is_emulated ? many / 10 : many;
}

} // namespace lio::test
