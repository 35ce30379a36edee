// zero_copy_import: what one ring has registered for zero-copy receive, used by another. On that other ring's thread.
#pragma once

#include <lio/detail/ring_core.hpp>
#include <lio/result.hpp>
#include <lio/zero_copy_receiver.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// The right of a second ring to receive into the memory of a zero_copy_receiver, so that several threads share one
/// queue of a card. Its completions say where the bytes lie; those are looked at and given back by the
/// zero_copy_receiver, on its own thread. Events go to the first ring only.
///
/// Holds no memory. The kernel keeps what is shared until this ring is closed as well.
class zero_copy_import {
public:
    /// `exported` is what zero_copy_receiver::export_file() gave; it may be closed afterwards. The ring is as for
    /// zero_copy_receiver::create(). Errors: EPERM, the program lacks CAP_NET_ADMIN; EBADF, the descriptor is no such
    /// one; EINVAL, the ring does not suit, or a kernel before 6.19. io_uring_register(2). Since Linux 6.19.
    template <detail::takes_zero_copy Ring>
    static result<zero_copy_import> create(const Ring& ring, const owned_descriptor& exported) noexcept {
        return create(ring.core(), exported.get());
    }

    /// What op::recv_zc names it by, on this ring: not necessarily the number that it has on the first one.
    std::uint32_t id() const noexcept { return id_; }

    /// As zero_copy_receiver::flush(), for all who share the memory.
    result<void> flush() noexcept;

private:
    zero_copy_import(detail::core_reference&& core, std::uint32_t id) noexcept
        : core_{static_cast<detail::core_reference&&>(core)}, id_{id} {}
    static result<zero_copy_import> create(detail::ring_core* core, int exported) noexcept;

    detail::core_reference core_;
    std::uint32_t id_;
};

} // namespace lio::inline v0
