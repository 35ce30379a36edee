// registered_files: descriptors that the ring keeps open and operations name by slot. On the ring's thread.
#pragma once

#include <lio/descriptor.hpp>
#include <lio/detail/assert.hpp>
#include <lio/detail/ring_core.hpp>
#include <lio/result.hpp>

#include <cstddef>
#include <cstdint>

namespace lio {

/// A ring's table of registered files; a ring has at most one. The kernel holds the files open itself: the
/// descriptors may be closed after create(). Owns the registration, not the files; outlives its ring harmlessly.
class registered_files {
public:
    /// Registers the descriptors of `files`, any container of int with data() and size(); -1 leaves a slot empty.
    /// `ring` is a lio::ring or one of a split ring's handles.
    /// Errors: EBUSY, the ring has such a table; EMFILE, more than RLIMIT_NOFILE; EBADF; EINVAL, `files` is empty.
    /// io_uring_register(2). Since Linux 5.1.
    template <class Ring, class Files>
    static result<registered_files> create(const Ring& ring, const Files& files) noexcept {
        const int* const first = files.data();
        return create(ring.core(), first, static_cast<std::size_t>(files.size()));
    }
    template <class Ring, std::size_t n>
    static result<registered_files> create(const Ring& ring, const int (&files)[n]) noexcept {
        return create(ring.core(), files, n);
    }

    registered_files(registered_files&& other) noexcept = default;
    registered_files& operator=(registered_files&& other) noexcept;
    /// As close(), with nobody to tell.
    ~registered_files();

    /// The file in a slot, as operations take it.
    direct_descriptor operator[](std::uint32_t slot) const noexcept {
        LIO_ASSERT(slot < size_, "there is no such slot");
        return direct_descriptor{slot};
    }
    /// How many slots there are.
    std::uint32_t size() const noexcept { return size_; }

    /// Takes the table away, unless the ring is gone. Operations in flight keep their files; before Linux 6.13 it waits
    /// for them instead, for ever if need be: cancel and reap them first. Errors: EEXIST, not on the ring's thread; the
    /// table stays then, and this may be tried again.
    result<void> close() noexcept;

private:
    registered_files(detail::core_reference&& core, std::uint32_t size) noexcept
        : core_{static_cast<detail::core_reference&&>(core)}, size_{size} {}
    static result<registered_files> create(detail::ring_core* core, const int* files, std::size_t count) noexcept;

    detail::core_reference core_;
    std::uint32_t size_;
};

} // namespace lio
