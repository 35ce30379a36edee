// What a ring was set up with, in words. For logs; includes nothing heavy; any thread.
#pragma once

#include <lio/detail/ring_base.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0 {

struct split_ring;

/// A line of text: sizes, set-up options, the thread that the ring belongs to if it belongs to one, features. A value
/// without allocation.
class ring_description {
public:
    /// Of a lio::ring or one with longer entries; of a closed one it says so.
    explicit ring_description(const detail::ring_base& ring) noexcept;
    /// Of a split ring, as long as both of its halves are there.
    explicit ring_description(const split_ring& ring) noexcept;

    const char* c_str() const noexcept { return text_; }
    std::size_t size() const noexcept { return size_; }

private:
    void tell(std::uint32_t entries, std::uint32_t completions, setup flags, std::uint32_t features,
              std::int32_t owner) noexcept;
    void add(const char* words) noexcept;
    void add(std::uint32_t number) noexcept;

    char text_[704];
    std::size_t size_ = 0;
};

/// std::puts(lio::describe(ring).c_str());
inline ring_description describe(const detail::ring_base& ring) noexcept { return ring_description{ring}; }
inline ring_description describe(const split_ring& ring) noexcept { return ring_description{ring}; }

} // namespace lio::inline v0
