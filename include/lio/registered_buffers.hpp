// registered_buffers: memory that the kernel has pinned for a ring, so that an operation on it need not. On the
// ring's thread.
#pragma once

#include <lio/bytes.hpp>
#include <lio/detail/ring_core.hpp>
#include <lio/registered_buffer.hpp>
#include <lio/result.hpp>

#include <cstddef>
#include <cstdint>

namespace lio {

/// A ring's table of registered buffers; a ring has at most one. Owns the registration, not the memory, which
/// must stay mapped until the table is gone. Outlives its ring harmlessly.
class registered_buffers {
public:
    /// Registers the pieces of memory in `buffers`, any container of mutable_bytes with data() and size(). The
    /// list itself is copied (into pages of its own). `ring` is a lio::ring or one of a split ring's handles.
    /// Errors: EBUSY, the ring has such a table; ENOMEM, RLIMIT_MEMLOCK; EFAULT, a piece is not all there to be written,
    /// or larger than 1 GiB; EINVAL, there are none or more than 16384. io_uring_register(2). Since Linux 5.1.
    template <class Ring, class Buffers>
    static result<registered_buffers> create(const Ring& ring, const Buffers& buffers) noexcept {
        const mutable_bytes* const first = buffers.data();
        return create(ring.core(), first, static_cast<std::size_t>(buffers.size()));
    }
    template <class Ring, std::size_t n>
    static result<registered_buffers> create(const Ring& ring, const mutable_bytes (&buffers)[n]) noexcept {
        return create(ring.core(), buffers, n);
    }

    registered_buffers(registered_buffers&& other) noexcept;
    registered_buffers& operator=(registered_buffers&& other) noexcept;
    /// As close(), with nobody to tell.
    ~registered_buffers();

    /// One buffer, as operations take it.
    registered_buffer operator[](std::uint32_t index) const noexcept {
        LIO_ASSERT(index < size_, "there is no such buffer");
        return {static_cast<std::uint16_t>(index), list_[index]};
    }
    /// How many buffers there are.
    std::uint32_t size() const noexcept { return size_; }

    /// Takes the table away, unless the ring is gone. Operations in flight keep their pages; before Linux 6.13 it waits
    /// for them instead, for ever if need be: cancel and reap them first. Errors: EEXIST, not on the ring's thread; the
    /// table stays then, and this may be tried again.
    result<void> close() noexcept;

private:
    registered_buffers(detail::core_reference&& core, mutable_bytes* list, std::uint32_t size) noexcept
        : core_{static_cast<detail::core_reference&&>(core)}, list_{list}, size_{size} {}
    static result<registered_buffers> create(detail::ring_core* core, const mutable_bytes* buffers,
                                             std::size_t count) noexcept;

    detail::core_reference core_;
    mutable_bytes* list_;
    std::uint32_t size_;
};

} // namespace lio
