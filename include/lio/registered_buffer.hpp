// registered_buffer: a piece of memory that is registered with a ring, as operations take it. A value.
#pragma once

#include <lio/bytes.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0 {

/// A registered buffer, or a part of one. Comes out of registered_buffers. Knows its bounds: an operation on a part
/// that is not within the buffer, or on a buffer that its table does not have, is refused by push.
class registered_buffer {
public:
    constexpr registered_buffer(std::uint16_t index, mutable_bytes memory) noexcept : memory_{memory}, index_{index} {}

    /// `size` bytes from `offset` on. Of what is not within, one that does not exist.
    constexpr registered_buffer part(std::size_t offset, std::size_t size) const noexcept {
        if (offset > memory_.size() || size > memory_.size() - offset || !exists_) return none();
        return {index_, mutable_bytes{memory_.data() + offset, size}};
    }

    /// What is instead of a buffer that is not there: it has no bytes, and no operation takes it.
    static constexpr registered_buffer none() noexcept {
        registered_buffer made{0, {}};
        made.exists_ = false;
        return made;
    }
    /// Whether it is none of those.
    constexpr bool exists() const noexcept { return exists_; }

    constexpr std::uint16_t index() const noexcept { return index_; }
    constexpr mutable_bytes memory() const noexcept { return memory_; }
    constexpr std::size_t size() const noexcept { return memory_.size(); }

private:
    mutable_bytes memory_;
    std::uint16_t index_;
    bool exists_ = true;
};

} // namespace lio::inline v0
