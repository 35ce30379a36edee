// owned_descriptor: a file descriptor with an owner. Includes descriptor and result only; one thread at a time.
#pragma once

#include <lio/descriptor.hpp>
#include <lio/result.hpp>

namespace lio::inline v0 {

/// A file descriptor that is closed with its owner. Can be moved, not copied. Converts to descriptor, so that
/// operations take it as it is.
class owned_descriptor {
public:
    /// Owns nothing.
    constexpr owned_descriptor() noexcept = default;
    /// Owns `file` from now on; a negative number is nothing.
    explicit constexpr owned_descriptor(int file) noexcept : file_{file} {}
    owned_descriptor(owned_descriptor&& other) noexcept : file_{other.release()} {}
    owned_descriptor& operator=(owned_descriptor&& other) noexcept {
        if (this != &other) {
            static_cast<void>(close());
            file_ = other.release();
        }
        return *this;
    }
    /// As close(), with nobody to tell.
    ~owned_descriptor() {
        if (file_ >= 0) static_cast<void>(close());
    }

    /// The number; negative when it owns nothing.
    constexpr int get() const noexcept { return file_; }
    constexpr bool has_value() const noexcept { return file_ >= 0; }
    constexpr operator descriptor() const noexcept { return file_; }

    /// Gives the number away: somebody else closes it.
    [[nodiscard]] int release() noexcept {
        const int file = file_;
        file_ = -1;
        return file;
    }

    /// close(2). Does nothing when it owns nothing. Errors: EIO, ENOSPC, EDQUOT, the file system could not write what
    /// was left to write; the descriptor is closed all the same.
    result<void> close() noexcept;

private:
    int file_ = -1;
};

} // namespace lio::inline v0
