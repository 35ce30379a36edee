// Closing an owned descriptor. Any thread.

#include "system.hpp"

#include <lio/owned_descriptor.hpp>

namespace lio::inline v0 {

result<void> owned_descriptor::close() noexcept {
    const int file = release();
    if (file < 0) return {};
    return system::close(file);
}

} // namespace lio::inline v0
