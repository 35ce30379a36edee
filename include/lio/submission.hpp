// submission: what handing queued operations to the kernel came to. Values only.
#pragma once

#include <lio/detail/language.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// What a submit did.
struct submission {
    /// So many entries were taken by the kernel.
    std::uint32_t taken;
    /// So many are still queued and go with the next submit. Not 0 only when an entry was refused on a ring
    /// without setup::submit_all, or when the kernel had no memory for more.
    std::uint32_t left;
};

} // namespace lio::inline v0
