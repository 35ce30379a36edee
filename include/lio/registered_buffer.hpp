// registered_buffer: a piece of memory that is registered with a ring, as operations take it. A value.
#pragma once

#include <lio/bytes.hpp>
#include <lio/detail/assert.hpp>

#include <cstddef>
#include <cstdint>

namespace lio {

/// A registered buffer, or a part of one. Comes out of registered_buffers.
class registered_buffer {
public:
    constexpr registered_buffer(std::uint16_t index, mutable_bytes memory) noexcept : memory_{memory}, index_{index} {}

    /// `size` bytes from `offset` on, which must lie within.
    constexpr registered_buffer part(std::size_t offset, std::size_t size) const noexcept {
        LIO_ASSERT(offset <= memory_.size() && size <= memory_.size() - offset, "this part is not within the buffer");
        return {index_, mutable_bytes{memory_.data() + offset, size}};
    }

    constexpr std::uint16_t index() const noexcept { return index_; }
    constexpr mutable_bytes memory() const noexcept { return memory_; }
    constexpr std::size_t size() const noexcept { return memory_.size(); }

private:
    mutable_bytes memory_;
    std::uint16_t index_;
};

} // namespace lio
