// Sizes in whole pages. Private; constants and pure functions.
#pragma once

#include <cstddef>

namespace lio::inline v0::detail {

/// Of the ordinary ones on any machine that Linux runs on.
inline constexpr std::size_t largest_page = 65536;

/// `size` rounded up to whole pages; 0 if that overflows.
constexpr std::size_t in_pages(std::size_t size, std::size_t page) noexcept {
    return (size + (page - 1)) / page * page;
}

} // namespace lio::inline v0::detail
