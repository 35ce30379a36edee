// What the examples say when something fails: one line for a person on standard error, with the error's name, its
// likely cause and the remedy. Includes the library's results and the C library; any thread.
#pragma once

#include <lio/error.hpp>
#include <lio/result.hpp>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <type_traits>

namespace example {

/// "basic_io: opening notes.txt: ENOENT: there is no such file or directory". `what` may be empty.
inline void complain(const char* doing, const char* what, lio::error problem) {
    std::fflush(stdout); // what went well before stands before it, also where both go to one file
    std::fprintf(stderr, "%s: %s%s%s: %s: %s\n", program_invocation_short_name, doing, *what != '\0' ? " " : "", what,
                 problem.name(), problem.message());
}

/// The value of `outcome`; without one the program ends here, with a line that says what it was doing.
template <class T>
T check(lio::result<T> outcome, const char* doing, const char* what = "") {
    if (!outcome) {
        complain(doing, what, outcome.error());
        std::exit(1);
    }
    if constexpr (!std::is_void_v<T>) return *static_cast<lio::result<T>&&>(outcome);
}

/// The same for the C library's convention: -1 and errno.
inline int check_call(int returned, const char* doing, const char* what = "") {
    return check(returned >= 0 ? lio::result<int>{returned} : lio::error{errno}, doing, what);
}

} // namespace example
