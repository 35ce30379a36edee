// What an operation acts on: a file descriptor, or a slot of the ring's table of registered files. Two
// types, so that the right flag is set in the entry without the caller's help. Values that own nothing.
#pragma once

#include <lio/detail/language.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// A slot in the ring's registered files. Cheaper for the kernel than a descriptor, valid in its ring only.
class direct_descriptor {
public:
    explicit constexpr direct_descriptor(std::uint32_t slot) noexcept : slot_{slot} {}
    constexpr std::uint32_t slot() const noexcept { return slot_; }
    friend constexpr bool operator==(direct_descriptor, direct_descriptor) noexcept = default;

private:
    std::uint32_t slot_;
};

/// A plain file descriptor (any int converts) or a direct_descriptor.
class descriptor {
public:
    constexpr descriptor(int file) noexcept : value_{file}, direct_{false} {}
    constexpr descriptor(direct_descriptor file) noexcept
        : value_{static_cast<std::int32_t>(file.slot())}, direct_{true} {}

    /// The file descriptor, or the slot.
    constexpr std::int32_t value() const noexcept { return value_; }
    constexpr bool is_direct() const noexcept { return direct_; }

private:
    std::int32_t value_;
    bool direct_;
};

/// For operations that take a directory and a path: paths are relative to the working directory.
inline constexpr int current_directory = -100;

} // namespace lio::inline v0
