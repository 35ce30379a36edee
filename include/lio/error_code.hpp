// Conversion of lio::error to the standard library's std::error_code. A header of its own, because
// <system_error> costs every file that includes it more compile time than all of the library does.
#pragma once

#include <lio/error.hpp>

#include <system_error>

namespace lio::inline v0 {

/// The errno as std::error_code of std::system_category(); the cause is left behind.
inline std::error_code to_error_code(error problem) noexcept {
    return {problem.code(), std::system_category()};
}

} // namespace lio::inline v0
