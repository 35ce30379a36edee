// A small ring, made and closed again: whether the kernel takes such a set-up. Private; any thread.
#pragma once

#include "system.hpp"

#include <lio/abi/setup.hpp>

#include <cstdint>

namespace lio::inline v0::detail {

/// The errno with which the kernel refuses such a ring; 0 if it makes one. EINVAL is its answer to a flag that it does
/// not know and to a set that contradicts itself, before it looks at anything else; so any other errno means that it
/// knows the flags. Room for two entries: a ring of mixed sizes has no less.
inline std::int32_t trial_setup(abi::params& parameters) noexcept {
    const auto file = system::setup(2, parameters);
    if (!file) return file.error().code();
    static_cast<void>(system::close(*file));
    return 0;
}

} // namespace lio::inline v0::detail
