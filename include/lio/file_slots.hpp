// What may stand among the descriptors that are put into the slots of a ring's registered files. Constants.
#pragma once

#include <lio/detail/language.hpp>

namespace lio::inline v0 {

/// Instead of a descriptor: the slot is empty, or becomes so.
inline constexpr int empty_slot = -1;
/// The slot stays as it is. Only where a slot can have a file already. Since Linux 5.12; EBADF before.
inline constexpr int same_slot = -2;

} // namespace lio::inline v0
