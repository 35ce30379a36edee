// bytes and mutable_bytes: memory that an operation reads from or writes to, as pointer and size in one
// argument. They own nothing: what they name must outlive the operation (see each operation). No
// standard header beyond <cstddef>: std::span alone would triple the cost of including the library.
#pragma once

#include <lio/detail/language.hpp>

#include <cstddef>
#include <type_traits>

namespace lio::inline v0 {

namespace detail {

// A container that hands out its elements as one run of plain memory: std::span, std::vector,
// std::array, std::string, std::string_view and the like.
template <class C>
concept contiguous = requires(C& c) {
    requires std::is_trivially_copyable_v<std::remove_pointer_t<decltype(c.data())>>;
    { *c.data() };
    { static_cast<std::size_t>(c.size()) };
};

template <class C>
concept writable_contiguous =
    contiguous<C> && requires(C& c) { requires !std::is_const_v<std::remove_pointer_t<decltype(c.data())>>; };

// Where a temporary's elements lie elsewhere: two words that need no destruction, and that show the same elements if
// they are const. A small array that owns its elements can be two words too, but it is an aggregate or shows const ones
// then.
template <class C>
concept view = std::is_trivially_copyable_v<C> && sizeof(C) == 2 * sizeof(void*) && !std::is_aggregate_v<C> &&
               requires(C& shown, const C& constant) {
                   requires std::is_same_v<decltype(shown.data()), decltype(constant.data())>;
               };

// A temporary that owns its elements would be gone before the kernel looks at them.
template <class C>
concept borrows = std::is_lvalue_reference_v<C> || view<std::remove_cvref_t<C>>;

} // namespace detail

/// Memory that an operation writes into. Made from a pointer and a size in bytes, from an array, or from
/// any container with data() and size() (whose temporaries are refused).
class mutable_bytes {
public:
    constexpr mutable_bytes() noexcept = default;
    constexpr mutable_bytes(void* data, std::size_t size) noexcept : data_{data}, size_{size} {}

    template <class T, std::size_t n>
        requires(std::is_trivially_copyable_v<T> && !std::is_const_v<T>)
    constexpr mutable_bytes(T (&array)[n]) noexcept : data_{array}, size_{sizeof array} {}

    template <class C>
        requires(detail::writable_contiguous<std::remove_reference_t<C>> && detail::borrows<C> &&
                 !std::is_same_v<std::remove_cvref_t<C>, mutable_bytes>)
    constexpr mutable_bytes(C&& container) noexcept
        : data_{container.data()}, size_{static_cast<std::size_t>(container.size()) * sizeof *container.data()} {}

    constexpr std::byte* data() const noexcept { return static_cast<std::byte*>(data_); }
    /// In bytes.
    constexpr std::size_t size() const noexcept { return size_; }

private:
    void* data_ = nullptr;
    std::size_t size_ = 0;
};

/// Memory that an operation reads from. Made as mutable_bytes is, or from one. A string literal is
/// refused, because its terminating zero would count: say std::string_view{"..."}.
class bytes {
public:
    constexpr bytes() noexcept = default;
    constexpr bytes(const void* data, std::size_t size) noexcept : data_{data}, size_{size} {}
    constexpr bytes(mutable_bytes other) noexcept : data_{other.data()}, size_{other.size()} {}

    template <class T, std::size_t n>
        requires std::is_trivially_copyable_v<T>
    constexpr bytes(const T (&array)[n]) noexcept : data_{array}, size_{sizeof array} {}
    template <class T, std::size_t n>
        requires std::is_trivially_copyable_v<T>
    constexpr bytes(T (&array)[n]) noexcept : data_{array}, size_{sizeof array} {}
    template <std::size_t n>
    bytes(const char (&literal)[n]) = delete;
    template <std::size_t n>
    bytes(const char8_t (&literal)[n]) = delete;

    template <class C>
        requires(detail::contiguous<std::remove_reference_t<C>> && detail::borrows<C> &&
                 !std::is_same_v<std::remove_cvref_t<C>, bytes> &&
                 !std::is_same_v<std::remove_cvref_t<C>, mutable_bytes>)
    constexpr bytes(C&& container) noexcept
        : data_{container.data()}, size_{static_cast<std::size_t>(container.size()) * sizeof *container.data()} {}

    constexpr const std::byte* data() const noexcept { return static_cast<const std::byte*>(data_); }
    /// In bytes.
    constexpr std::size_t size() const noexcept { return size_; }

private:
    const void* data_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace lio::inline v0
