// The one system call of the hot path, as the inline functions see it. Its instruction is in the library,
// because it differs from CPU to CPU.
#pragma once

#include <lio/detail/language.hpp>

#include <cstdint>

namespace lio::inline v0::detail {

/// What io_uring_enter(2) said, in the one register that it came in: how many entries it took, or an error that is
/// looked into out of line.
class enter_answer {
public:
    explicit constexpr enter_answer(long answer) noexcept : answer_{answer} {}
    constexpr long raw() const noexcept { return answer_; }
    /// The number of entries taken. An error gives a number larger than any queue.
    constexpr std::uint32_t taken() const noexcept { return static_cast<std::uint32_t>(answer_); }

private:
    long answer_;
};

/// io_uring_enter(2) without an argument. Takes its arguments as wide as the kernel does, so that nothing is left
/// to be converted.
enter_answer enter_call(long file, unsigned long submit_count, unsigned long wait_for, unsigned long flags) noexcept;

} // namespace lio::inline v0::detail
