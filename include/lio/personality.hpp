// personality: credentials that a ring keeps, for operations to run with. On the ring's thread.
#pragma once

#include <lio/detail/ring_core.hpp>
#include <lio/personality_id.hpp>
#include <lio/result.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// The credentials of the thread that calls create(), as they are at that moment: user, groups, capabilities, security
/// label. Operations with .personality(it) run with them whoever submits; so a program that gives up its privileges can
/// keep them for a few files. Whoever can push to the ring can use them: restrictions say which operations that may be.
///
/// Owns the registration; outlives its ring harmlessly. Operations in flight keep the credentials that they have.
class personality {
public:
    /// `ring` is a ring or one of a split ring's handles. Errors: EBUSY (ENOSPC before Linux 5.12) with
    /// cause::too_many_personalities, the ring has 65535; EINVAL, an older kernel; EEXIST, not on the ring's thread.
    /// io_uring_register(2). Since Linux 5.6.
    template <class Ring>
    static result<personality> create(const Ring& ring) noexcept {
        return create(ring.core());
    }

    personality(personality&& other) noexcept = default;
    personality& operator=(personality&& other) noexcept;
    /// As close(), with nobody to tell.
    ~personality();

    /// The number that operations take, `op::openat(...).personality(it.id())`, on this ring only. After close() an
    /// operation with it fails with EINVAL: it never runs with other credentials instead, until 65535 more have been
    /// registered.
    personality_id id() const noexcept { return id_; }
    /// So that operations take the object itself.
    operator personality_id() const noexcept { return id_; }

    /// Takes the registration away, unless the ring is gone. Errors: EEXIST, not on the ring's thread; EACCES, the
    /// ring's restrictions do not allow it; it stays then.
    result<void> close() noexcept;

private:
    personality(detail::core_reference&& core, personality_id id) noexcept
        : core_{static_cast<detail::core_reference&&>(core)}, id_{id} {}
    static result<personality> create(detail::ring_core* core) noexcept;

    detail::core_reference core_;
    personality_id id_;
};

} // namespace lio::inline v0
