// Memory that was mapped for one owner, and is unmapped with it. Any thread.
#pragma once

#include <lio/detail/language.hpp>

#include <cstddef>

namespace lio::inline v0::detail {

class mapped_memory {
public:
    mapped_memory() noexcept = default;
    /// Takes it over.
    mapped_memory(void* address, std::size_t size) noexcept : address_{address}, size_{size} {}
    mapped_memory(mapped_memory&& other) noexcept : address_{other.address_}, size_{other.size_} { other.leave(); }
    mapped_memory& operator=(mapped_memory&& other) noexcept {
        if (this != &other) {
            unmap();
            address_ = other.address_;
            size_ = other.size_;
            other.leave();
        }
        return *this;
    }
    ~mapped_memory() { unmap(); }

    /// Null and 0 where there is none.
    void* address() const noexcept { return address_; }
    std::size_t size() const noexcept { return size_; }

    /// Gives it up without unmapping it: where it is another's by now.
    void leave() noexcept {
        address_ = nullptr;
        size_ = 0;
    }

private:
    void unmap() noexcept;

    void* address_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace lio::inline v0::detail
