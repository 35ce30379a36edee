// personality_id: the number under which an operation finds the credentials that it runs with. A value.
#pragma once

#include <lio/detail/language.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// Registered credentials, 1 to 65535, see lio::personality; each ring counts its own. 0: those of whoever submits.
class personality_id {
public:
    constexpr personality_id(std::uint16_t number) noexcept : number_{number} {}
    constexpr std::uint16_t number() const noexcept { return number_; }
    friend constexpr bool operator==(personality_id, personality_id) noexcept = default;

private:
    std::uint16_t number_;
};

} // namespace lio::inline v0
