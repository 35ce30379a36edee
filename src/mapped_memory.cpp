// The end of mapped memory. Any thread.

#include "system.hpp"

#include <lio/detail/mapped_memory.hpp>

namespace lio::inline v0::detail {

void mapped_memory::unmap() noexcept {
    if (size_ != 0) static_cast<void>(system::unmap(address_, size_));
}

} // namespace lio::inline v0::detail
