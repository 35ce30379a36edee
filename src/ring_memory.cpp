// Pages for rings in the program's own memory. Any thread.

#include "pages.hpp"
#include "system.hpp"

#include <lio/ring_memory.hpp>

#include <cerrno>

namespace lio::inline v0 {

result<ring_memory> ring_memory::create(std::size_t size) noexcept {
    constexpr std::size_t huge_page = std::size_t{2} << 20;
    const std::size_t huge = detail::in_pages(size, huge_page);
    if (huge == 0) return error{EINVAL, cause::map_call};
    // By its size: the machine's own default may be another.
    if (const auto memory = system::map_huge_pages(huge)) return ring_memory{{*memory, huge}, true};
    const std::size_t ordinary = detail::in_pages(size, detail::largest_page);
    const auto memory = system::map_memory(ordinary);
    if (!memory) return memory.error();
    return ring_memory{{*memory, ordinary}, false};
}

} // namespace lio::inline v0
