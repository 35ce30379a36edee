// buffer_group: the number under which operations find the buffers that they may pick from. A value.
#pragma once

#include <lio/detail/language.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// A group of provided buffers, 0 to 65535; each ring counts its own.
class buffer_group {
public:
    constexpr buffer_group(std::uint16_t number) noexcept : number_{number} {}
    constexpr std::uint16_t number() const noexcept { return number_; }
    friend constexpr bool operator==(buffer_group, buffer_group) noexcept = default;

private:
    std::uint16_t number_;
};

} // namespace lio::inline v0
