// LIO_ASSERT: misuse that the library can see. Debug builds say what is wrong and abort; with NDEBUG
// it costs nothing, not even the evaluation of its condition. Includes nothing and needs no C library.
#pragma once

#include <lio/detail/language.hpp>

namespace lio::inline v0::detail {

/// Prints the sentence and the place to standard error, then aborts.
[[noreturn]] void assertion_failed(const char* sentence, const char* file, int line) noexcept;

} // namespace lio::inline v0::detail

#ifdef NDEBUG
#define LIO_ASSERT(condition, sentence) static_cast<void>(0)
#else
#define LIO_ASSERT(condition, sentence)                                                                                \
    ((condition) ? static_cast<void>(0)                                                               \
                 : ::lio::detail::assertion_failed(sentence, __FILE__, __LINE__))
#endif
