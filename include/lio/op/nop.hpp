// The operation that does nothing. Includes the base only; any thread.
#pragma once

#include <lio/op/operation.hpp>

namespace lio::op {

/// Completes with 0. Measures and tests a ring. io_uring_enter(2).
/// Result: nothing. Arguments: none. Since Linux 5.1.
class nop : public operation<nop> {
public:
    static constexpr abi::opcode code = abi::opcode::nop;
    static constexpr kernel_version since{5, 1};
    using result_type = void;

    constexpr nop() noexcept { entry_.fd = -1; }
};

} // namespace lio::op
