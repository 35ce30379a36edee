// path_name: a path as operations take it, a pointer that cannot be null by mistake. Owns nothing; any thread.
// Includes no <string>: whatever has c_str() will do.
#pragma once

#include <lio/detail/assert.hpp>

#include <cstddef>
#include <type_traits>

namespace lio::inline v0 {

/// A path that ends with a zero byte: a string literal, a const char*, or a string object that stays alive (it has
/// c_str(); a temporary one is refused). It must live until the operation has been submitted (see submit(), and each
/// operation).
class path_name {
public:
    constexpr path_name(const char* name) noexcept : name_{name} { LIO_ASSERT(name != nullptr, "a path is not null"); }
    path_name(std::nullptr_t) = delete;

    template <class String>
        requires requires(const String& string) { static_cast<const char*>(string.c_str()); }
    constexpr path_name(const String& string) noexcept : name_{string.c_str()} {}
    // A temporary string would be gone before the kernel reads it.
    template <class String>
        requires(!std::is_lvalue_reference_v<String> &&
                 requires(const String& string) { static_cast<const char*>(string.c_str()); })
    path_name(String&& string) = delete;

    constexpr const char* c_str() const noexcept { return name_; }

private:
    const char* name_;
};

} // namespace lio::inline v0
