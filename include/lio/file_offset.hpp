// file_offset: where in a file a transfer begins. A value; includes nothing of the library.
#pragma once

#include <lio/detail/language.hpp>

#include <cstdint>
#include <type_traits>

namespace lio::inline v0 {

namespace detail {
struct at_current_position {};
} // namespace detail

/// Instead of an offset: where the file stands, which then moves on, as with read(2) and write(2). Never for two
/// operations at once: both would read the same position and move it. Since Linux 5.6.
inline constexpr detail::at_current_position current_position{};

/// A distance from the beginning of a file in bytes, from any integer; or current_position. The kernel's number for the
/// current position is -1, which is also how lseek() fails: so a negative number is never taken for it, but refused by
/// the kernel with EINVAL. Files that cannot be positioned (pipes, sockets) take 0.
class file_offset {
public:
    template <class Integer>
        requires(std::is_integral_v<Integer> && !std::is_same_v<Integer, bool>)
    constexpr file_offset(Integer offset) noexcept : value_{static_cast<std::uint64_t>(offset)} {
        if constexpr (std::is_signed_v<Integer>) {
            if (offset < 0) value_ = refused_by_kernel;
        }
    }
    constexpr file_offset(detail::at_current_position) noexcept : value_{to_kernel_current} {}

    /// As the kernel takes it.
    constexpr std::uint64_t value() const noexcept { return value_; }

private:
    static constexpr std::uint64_t to_kernel_current = ~std::uint64_t{0};
    static constexpr std::uint64_t refused_by_kernel = std::uint64_t{1} << 63;

    std::uint64_t value_;
};

} // namespace lio::inline v0
