// What the queues of a ring that is none point to, so that looking at them needs no question first. Nothing but 0 is
// ever stored in it. Any thread.
#pragma once

#include <lio/detail/shared_word.hpp>

namespace lio::inline v0::detail {

inline shared_u32 no_word{};

} // namespace lio::inline v0::detail
