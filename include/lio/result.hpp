// result<T>: a value or an error, with the most used members of std::expected (which C++20 lacks). It never
// allocates. A result that nobody looks at is a warning.
#pragma once

#include <lio/detail/assert.hpp>
#include <lio/error.hpp>

#include <cstdint>
#include <new>
#include <type_traits>

namespace lio::inline v0 {

template <class T>
class result;

namespace detail {

// Throws where the including program has exceptions, else prints and aborts. Always inlined, because
// files of one program may be compiled with and without exceptions.
[[noreturn]] [[gnu::always_inline]] inline void raise(error problem) {
#if defined(__cpp_exceptions)
    throw_error(problem);
#else
    abort_with_error(problem);
#endif
}

// Chooses the constructor that makes the value where it stays.
struct made_in_place {};

// The storage of result<T>: in a union, so that an error needs no T. Values that can be copied as bytes keep
// result<T> such a type too, so that it is returned in registers.
template <class T, bool trivial = std::is_trivially_copyable_v<T>>
class result_storage {
protected:
    constexpr explicit result_storage(error problem) noexcept : error_{problem} {
        // Without a value's bytes, compilers that copy all of them warn of some that were never written.
        if constexpr (std::is_trivially_default_constructible_v<T>) value_ = T{};
    }
    constexpr explicit result_storage(const T& value) noexcept : value_{value}, error_{0} {}

    union {
        T value_;
    };
    error error_;
};

template <class T>
class result_storage<T, false> {
protected:
    explicit result_storage(error problem) noexcept : error_{problem} {}
    explicit result_storage(T&& value) noexcept : value_{static_cast<T&&>(value)}, error_{0} {}
    // `make(value)` returns an error, of code 0 if there is none. After any other the value must own nothing.
    template <class Make>
    result_storage(made_in_place, const Make& make) noexcept : value_{}, error_{make(value_)} {}
    result_storage(result_storage&& other) noexcept : error_{other.error_} {
        if (error_.code() == 0) new (&value_) T{static_cast<T&&>(other.value_)};
    }
    result_storage& operator=(result_storage&& other) noexcept {
        if (this != &other) {
            this->~result_storage();
            new (this) result_storage{static_cast<result_storage&&>(other)};
        }
        return *this;
    }
    ~result_storage() {
        if (error_.code() == 0) value_.~T();
    }

    union {
        T value_;
    };
    error error_;
};

} // namespace detail

/// A value of type T, or the error that kept it from being made.
template <class T>
class [[nodiscard]] result : private detail::result_storage<T> {
    using storage = detail::result_storage<T>;

public:
    using value_type = T;
    using error_type = lio::error;

    constexpr result(const T& value) noexcept
        requires std::is_trivially_copyable_v<T>
        : storage{value} {}
    result(T&& value) noexcept
        requires(!std::is_trivially_copyable_v<T>)
        : storage{static_cast<T&&>(value)} {}

    /// For the library: a value that is made where it stays, which spares a small program the moves.
    template <class Make>
    result(detail::made_in_place how, const Make& make) noexcept
        requires(!std::is_trivially_copyable_v<T>)
        : storage{how, make} {}

    /// `problem` must be an error: its code is not 0.
    constexpr result(lio::error problem) noexcept : storage{problem} {
        LIO_ASSERT(problem.code() != 0, "an error has a code other than 0");
        // What the compiler knows of an error that comes from elsewhere it need not test.
        if (problem.code() == 0) __builtin_unreachable();
    }

    constexpr bool has_value() const noexcept { return this->error_.code() == 0; }
    constexpr explicit operator bool() const noexcept { return has_value(); }

    /// The value. On an error it throws std::system_error; in a program without exceptions it prints the
    /// error and aborts.
    constexpr T& value() & {
        if (!has_value()) [[unlikely]]
            detail::raise(this->error_);
        return this->value_;
    }
    constexpr const T& value() const& {
        if (!has_value()) [[unlikely]]
            detail::raise(this->error_);
        return this->value_;
    }
    constexpr T&& value() && {
        if (!has_value()) [[unlikely]]
            detail::raise(this->error_);
        return static_cast<T&&>(this->value_);
    }

    /// The value if there is one, else `otherwise`.
    template <class U>
    constexpr T value_or(U&& otherwise) const&
        requires std::is_trivially_copyable_v<T>
    {
        return has_value() ? this->value_ : static_cast<T>(static_cast<U&&>(otherwise));
    }
    template <class U>
    constexpr T value_or(U&& otherwise) && {
        return has_value() ? static_cast<T&&>(this->value_) : static_cast<T>(static_cast<U&&>(otherwise));
    }

    /// The value, which must be there.
    constexpr T& operator*() & noexcept {
        LIO_ASSERT(has_value(), "this result holds an error, not a value");
        return this->value_;
    }
    constexpr const T& operator*() const& noexcept {
        LIO_ASSERT(has_value(), "this result holds an error, not a value");
        return this->value_;
    }
    constexpr T&& operator*() && noexcept {
        LIO_ASSERT(has_value(), "this result holds an error, not a value");
        return static_cast<T&&>(this->value_);
    }
    constexpr T* operator->() noexcept { return &**this; }
    constexpr const T* operator->() const noexcept { return &**this; }

    /// The error, which must be there.
    constexpr lio::error error() const noexcept {
        LIO_ASSERT(!has_value(), "this result holds a value, not an error");
        return this->error_;
    }

    /// `next(value)` if there is a value, else the error. `next` returns a result.
    template <class F>
    constexpr auto and_then(F&& next) && -> decltype(next(static_cast<T&&>(this->value_))) {
        if (!has_value()) return this->error_;
        return next(static_cast<T&&>(this->value_));
    }

    /// The result of `change(value)` if there is a value, else the error. `change` returns a plain value.
    template <class F>
    constexpr auto transform(F&& change) && -> result<std::decay_t<decltype(change(static_cast<T&&>(this->value_)))>> {
        if (!has_value()) return this->error_;
        return change(static_cast<T&&>(this->value_));
    }
};

/// Success, or the error that prevented it.
template <>
class [[nodiscard]] result<void> {
public:
    using value_type = void;
    using error_type = lio::error;

    constexpr result() noexcept : error_{0} {}
    /// `problem` must be an error: its code is not 0.
    constexpr result(lio::error problem) noexcept : error_{problem} {
        LIO_ASSERT(problem.code() != 0, "an error has a code other than 0");
    }

    constexpr bool has_value() const noexcept { return error_.code() == 0; }
    constexpr explicit operator bool() const noexcept { return has_value(); }

    /// Nothing on success; on an error it throws std::system_error, or, in a program without exceptions,
    /// prints the error and aborts.
    constexpr void value() const {
        if (!has_value()) [[unlikely]]
            detail::raise(error_);
    }

    /// The error, which must be there.
    constexpr lio::error error() const noexcept {
        LIO_ASSERT(!has_value(), "this result holds no error");
        return error_;
    }

    /// `next()` on success, else the error. `next` returns a result.
    template <class F>
    constexpr auto and_then(F&& next) const -> decltype(next()) {
        if (!has_value()) return error_;
        return next();
    }

private:
    lio::error error_;
};

} // namespace lio::inline v0
