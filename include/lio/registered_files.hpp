// registered_files: descriptors that the ring keeps open and operations name by slot. On the ring's thread.
#pragma once

#include <lio/descriptor.hpp>
#include <lio/detail/assert.hpp>
#include <lio/detail/ring_core.hpp>
#include <lio/file_slots.hpp>
#include <lio/result.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0 {

/// A ring's table of registered files; a ring has at most one. The kernel holds the files open itself: the
/// descriptors may be closed after create(). Owns the registration, not the files; outlives its ring harmlessly.
///
/// A tag is a number for a slot's file: when the kernel lets go of the file, because the slot has changed or the table
/// is gone, and the last operation on it has ended, the ring gets a completion with that number as its user_data, and
/// the result 0. No completion for a tag of 0, nor before Linux 6.13 when the whole table goes.
class registered_files {
public:
    /// Registers the descriptors of `files`, any container of int with data() and size(); empty_slot leaves a slot
    /// empty. `ring` is a lio::ring or one of a split ring's handles.
    /// Errors: EBUSY, the ring has such a table; EMFILE, more than RLIMIT_NOFILE; EBADF; EINVAL, `files` is empty.
    /// io_uring_register(2). Since Linux 5.1.
    template <class Ring, class Files>
    static result<registered_files> create(const Ring& ring, const Files& files) noexcept {
        const int* const first = files.data();
        return register_list(ring.core(), first, static_cast<std::size_t>(files.size()));
    }
    template <class Ring, std::size_t n>
    static result<registered_files> create(const Ring& ring, const int (&files)[n]) noexcept {
        return register_list(ring.core(), files, n);
    }

    /// The same with a tag for each file; `tags` is a container of std::uint64_t, of the same size.
    /// Errors also: EINVAL, an older kernel, or the sizes differ. Since Linux 5.13.
    template <class Ring, class Files, class Tags>
    static result<registered_files> create(const Ring& ring, const Files& files, const Tags& tags) noexcept {
        const int* const first = files.data();
        const std::uint64_t* const first_tag = tags.data();
        return register_tagged(ring.core(), first, static_cast<std::size_t>(files.size()), first_tag,
                               static_cast<std::size_t>(tags.size()));
    }

    /// A table of `count` empty slots, for update(), and for operations that open, accept or make a file in a slot.
    /// Errors: as create(); EINVAL, `count` is 0 or an older kernel. Since Linux 5.19.
    template <class Ring>
    static result<registered_files> create_empty(const Ring& ring, std::uint32_t count) noexcept {
        return register_empty(ring.core(), count);
    }

    registered_files(registered_files&& other) noexcept
        : core_{static_cast<detail::core_reference&&>(other.core_)}, size_{other.size_} {
        other.size_ = 0;
    }
    registered_files& operator=(registered_files&& other) noexcept;
    /// As close(), with nobody to tell.
    ~registered_files();

    /// Puts the descriptors of `files` into the slots from `first` on, in place of what is there; empty_slot empties
    /// one, same_slot leaves one alone. Operations in flight keep the file that they have. Returns how many of the
    /// slots were done, which is all but where a descriptor is not open.
    /// Errors: EINVAL, not all of these slots exist; EBADF, the first descriptor is not open; EEXIST, not on the ring's
    /// thread; EBADF with cause::ring_closed, the ring is closed. io_uring_register(2). Since Linux 5.5.
    template <class Files>
        requires requires(const Files& files) { files.data(); }
    result<std::uint32_t> update(std::uint32_t first, const Files& files) noexcept {
        const int* const list = files.data();
        return update_list(first, list, static_cast<std::size_t>(files.size()));
    }
    template <std::size_t n>
    result<std::uint32_t> update(std::uint32_t first, const int (&files)[n]) noexcept {
        return update_list(first, files, n);
    }
    /// The same of one slot.
    result<void> update(std::uint32_t slot, int file) noexcept {
        const auto done = update_list(slot, &file, 1);
        if (!done) return done.error();
        return {};
    }
    /// The same with a tag for each file, as create() takes them; 0 with empty_slot and same_slot. Since Linux 5.13.
    template <class Files, class Tags>
    result<std::uint32_t> update(std::uint32_t first, const Files& files, const Tags& tags) noexcept {
        const int* const list = files.data();
        const std::uint64_t* const tag_list = tags.data();
        return update_tagged(first, list, static_cast<std::size_t>(files.size()), tag_list,
                             static_cast<std::size_t>(tags.size()));
    }

    /// Of operations that choose a slot themselves (openat_direct_allocate and its like), from which on and how many
    /// they may take; without it any.
    /// Errors: EINVAL, not all of these slots exist, or a kernel before 6.0. io_uring_register(2). Since Linux 6.0.
    result<void> allocate_from(std::uint32_t first, std::uint32_t count) noexcept;

    /// The file in a slot, as operations take it.
    direct_descriptor operator[](std::uint32_t slot) const noexcept {
        LIO_ASSERT(slot < size_, "there is no such slot");
        return direct_descriptor{slot};
    }
    /// How many slots there are; 0 of a table that was moved from or closed.
    std::uint32_t size() const noexcept { return size_; }

    /// Takes the table away, unless the ring is gone. Operations in flight keep their files; before Linux 6.13 it waits
    /// for them instead, for ever if need be: cancel and reap them first. Errors: EEXIST, not on the ring's thread; the
    /// table stays then, and this may be tried again.
    result<void> close() noexcept;

private:
    registered_files(detail::core_reference&& core, std::uint32_t size) noexcept
        : core_{static_cast<detail::core_reference&&>(core)}, size_{size} {}
    static result<registered_files> register_list(detail::ring_core* core, const int* files,
                                                  std::size_t count) noexcept;
    static result<registered_files> register_tagged(detail::ring_core* core, const int* files, std::size_t count,
                                                    const std::uint64_t* tags, std::size_t tag_count) noexcept;
    static result<registered_files> register_empty(detail::ring_core* core, std::uint32_t count) noexcept;
    result<std::uint32_t> update_list(std::uint32_t first, const int* files, std::size_t count) noexcept;
    result<std::uint32_t> update_tagged(std::uint32_t first, const int* files, std::size_t count,
                                        const std::uint64_t* tags, std::size_t tag_count) noexcept;

    detail::core_reference core_;
    std::uint32_t size_;
};

} // namespace lio::inline v0
