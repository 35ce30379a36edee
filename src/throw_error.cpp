// The throwing half of result::value(). The one file of the library that needs the C++ runtime: a program that
// never calls it, because it has no exceptions or never calls value(), does not link it.

#include <lio/error.hpp>

#if defined(__cpp_exceptions)
#include <lio/error_code.hpp>
#endif

namespace lio::inline v0::detail {

void throw_error(error problem) {
#if defined(__cpp_exceptions)
    throw std::system_error{to_error_code(problem), problem.message()};
#else
    abort_with_error(problem);
#endif
}

} // namespace lio::inline v0::detail
