// How abort_with_error() comes by words without asking for their tables, which are larger than all the rest of a
// small static program. Private. Written before main, by the file that has them, if the program uses it at all.
#pragma once

#include <lio/error.hpp>

namespace lio::inline v0::detail {

struct error_words {
    const char* (*name)(error) noexcept;
    const char* (*message)(error) noexcept;
};

extern error_words words;

} // namespace lio::inline v0::detail
