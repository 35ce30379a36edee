// iovec_list: an array of struct iovec as vectored operations take it. Owns nothing; any thread. Includes no
// <sys/uio.h>: who has such an array has included it.
#pragma once

#include <lio/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

struct iovec;

namespace lio::inline v0 {

namespace detail {

template <class C>
concept holds_iovecs = requires(C& c) {
    static_cast<const ::iovec*>(c.data());
    static_cast<std::size_t>(c.size());
};

} // namespace detail

/// An array of struct iovec: a pointer and how many, an array, or a container with data() and size() (whose temporaries
/// are refused). At most 1024 (IOV_MAX), else the operation fails with EINVAL.
class iovec_list {
public:
    constexpr iovec_list(const ::iovec* first, std::size_t count) noexcept
        : first_{first}, count_{count < too_many ? static_cast<std::uint32_t>(count) : too_many} {}

    template <class T, std::size_t n>
        requires std::is_same_v<T, ::iovec>
    constexpr iovec_list(const T (&array)[n]) noexcept : iovec_list{array, n} {}
    template <class T, std::size_t n>
        requires std::is_same_v<std::remove_const_t<T>, ::iovec>
    iovec_list(T (&&temporary)[n]) = delete;

    template <class C>
        requires(detail::holds_iovecs<std::remove_reference_t<C>> && detail::borrows<C>)
    constexpr iovec_list(C&& container) noexcept
        : iovec_list{container.data(), static_cast<std::size_t>(container.size())} {}
    template <class C>
        requires(detail::holds_iovecs<std::remove_reference_t<C>> && !detail::borrows<C>)
    iovec_list(C&& temporary) = delete;

    constexpr const ::iovec* data() const noexcept { return first_; }
    constexpr std::uint32_t count() const noexcept { return count_; }

private:
    // What does not fit becomes a number that does, and that the kernel refuses just the same.
    static constexpr std::uint32_t too_many = 0xffffffff;

    const ::iovec* first_;
    std::uint32_t count_;
};

} // namespace lio::inline v0
