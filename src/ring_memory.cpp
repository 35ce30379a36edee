// Pages for rings in the program's own memory. Any thread.

#include "system.hpp"

#include <lio/ring_memory.hpp>

#include <cerrno>

namespace lio {

namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr std::size_t largest_page = 65536; // of the ordinary ones

// 0 if that overflows.
constexpr std::size_t in_pages(std::size_t size, std::size_t page) noexcept {
    return (size + (page - 1)) / page * page;
}

} // namespace

result<ring_memory> ring_memory::create(std::size_t size) noexcept {
    std::size_t whole = in_pages(size, huge_page);
    if (whole == 0) return error{EINVAL, cause::map_call};
    // By its size: the machine's own default may be another.
    auto memory = system::map_huge_pages(whole);
    const bool is_huge = memory.has_value();
    if (!is_huge) {
        whole = in_pages(size, largest_page);
        memory = system::map_memory(whole);
        if (!memory) return memory.error();
    }
    ring_memory made;
    made.address_ = *memory;
    made.size_ = whole;
    made.is_huge_ = is_huge;
    return made;
}

ring_memory& ring_memory::operator=(ring_memory&& other) noexcept {
    if (this != &other) {
        release();
        address_ = other.address_;
        size_ = other.size_;
        is_huge_ = other.is_huge_;
        other.address_ = nullptr;
        other.size_ = 0;
    }
    return *this;
}

ring_memory::~ring_memory() { release(); }

void ring_memory::release() noexcept {
    if (size_ != 0) static_cast<void>(system::unmap(address_, size_));
}

} // namespace lio
