// What the public headers know of the part of a ring that stays in place when its handles move: that it
// exists, that it is counted, and the calls that reach it. Its contents are private to the library.
#pragma once

#include <lio/result.hpp>
#include <lio/ring_options.hpp>

#include <cstdint>

namespace lio::inline v0::detail {

class ring_core;

/// Keeps the core's memory (not the ring itself, which closes with its last handle) for as long as
/// something registered with the ring wants to know whether the ring is still there.
class core_reference {
public:
    core_reference() noexcept = default;
    explicit core_reference(ring_core& core) noexcept;
    core_reference(core_reference&& other) noexcept : core_{other.core_} { other.core_ = nullptr; }
    core_reference& operator=(core_reference&& other) noexcept;
    ~core_reference();

    ring_core* get() const noexcept { return core_; }

private:
    ring_core* core_ = nullptr;
};

/// What the handles of a ring say of it; without one -1 and nothing.
int file_of(const ring_core* core) noexcept;
setup flags_of(const ring_core* core) noexcept;
std::uint32_t features_of(const ring_core* core) noexcept;

/// Gives up one of the core's handles; the last one closes the ring.
result<void> close_handle(ring_core& core) noexcept;

} // namespace lio::inline v0::detail
