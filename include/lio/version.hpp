// The version of this library: the one place that has it, which both builds read. Values only.
#pragma once

#include <lio/detail/language.hpp>

namespace lio::inline v0 {

/// A version, made of "major.minor.patch". The major version is the one in the shared library's name.
class library_version {
public:
    /// Of a text like "1.2.3"; another one does not compile.
    consteval explicit library_version(const char* text) noexcept : string{text} {
        const char* rest = text;
        major = number(rest, '.');
        minor = number(rest, '.');
        patch = number(rest, '\0');
    }

    unsigned major = 0;
    unsigned minor = 0;
    unsigned patch = 0;
    /// All three, "1.2.3"; lives as long as the program.
    const char* string;

private:
    static consteval unsigned number(const char*& rest, char end) noexcept {
        unsigned value = 0;
        const char* first = rest;
        for (; *rest >= '0' && *rest <= '9'; ++rest) value = value * 10 + static_cast<unsigned>(*rest - '0');
        if (rest == first || *rest != end) not_a_version();
        if (end != '\0') ++rest;
        return value;
    }
    // Not constexpr: to get here ends the compilation.
    static void not_a_version() noexcept {}
};

/// The version of these headers: `static_assert(lio::version.major == 0)`.
inline constexpr library_version version{"0.1.0"};

} // namespace lio::inline v0
