// What a ring was set up with, in words. For logs; includes nothing heavy; any thread.
#pragma once

#include <lio/detail/ring_base.hpp>

#include <cstddef>
#include <cstdint>

namespace lio {

/// A line of text: sizes, set-up options, threads, features. A value without allocation.
class ring_description {
public:
    /// Of a lio::ring or one with longer entries; of a closed one it says so.
    explicit ring_description(const detail::ring_base& ring) noexcept;

    const char* c_str() const noexcept { return text_; }
    std::size_t size() const noexcept { return size_; }

private:
    void add(const char* words) noexcept;
    void add(std::uint32_t number) noexcept;

    char text_[640];
    std::size_t size_ = 0;
};

/// std::puts(lio::describe(ring).c_str());
inline ring_description describe(const detail::ring_base& ring) noexcept { return ring_description{ring}; }

} // namespace lio
