// registered_buffers: memory that the kernel has pinned for a ring, so that an operation on it need not. On the
// ring's thread.
#pragma once

#include <lio/bytes.hpp>
#include <lio/detail/mapped_memory.hpp>
#include <lio/detail/ring_core.hpp>
#include <lio/registered_buffer.hpp>
#include <lio/result.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0 {

/// A ring's table of registered buffers; a ring has at most one. Owns the registration, not the memory, which
/// must stay mapped until the table is gone. Outlives its ring harmlessly.
///
/// A tag is a number for a buffer: when the kernel lets go of the buffer, because it was replaced or the table is gone,
/// and the last operation on it has ended, the ring gets a completion with that number as its user_data, and the result
/// 0. No completion for a tag of 0, nor before Linux 6.13 when the whole table goes.
class registered_buffers {
public:
    /// Registers the pieces of memory in `buffers`, any container of mutable_bytes with data() and size(). The
    /// list itself is copied (into pages of its own). `ring` is a lio::ring or one of a split ring's handles.
    /// Errors: EBUSY, the ring has such a table; ENOMEM, RLIMIT_MEMLOCK; EFAULT, a piece is not all there to be
    /// written, or larger than 1 GiB; EINVAL, there are none or more than 16384. io_uring_register(2). Since Linux 5.1.
    template <class Ring, class Buffers>
    static result<registered_buffers> create(const Ring& ring, const Buffers& buffers) noexcept {
        const mutable_bytes* const first = buffers.data();
        return register_list(ring.core(), first, static_cast<std::size_t>(buffers.size()));
    }
    template <class Ring, std::size_t n>
    static result<registered_buffers> create(const Ring& ring, const mutable_bytes (&buffers)[n]) noexcept {
        return register_list(ring.core(), buffers, n);
    }

    /// The same with a tag for each buffer; `tags` is a container of std::uint64_t, of the same size.
    /// Errors also: EINVAL, an older kernel, or the sizes differ. Since Linux 5.13.
    template <class Ring, class Buffers, class Tags>
    static result<registered_buffers> create(const Ring& ring, const Buffers& buffers, const Tags& tags) noexcept {
        const mutable_bytes* const first = buffers.data();
        const std::uint64_t* const first_tag = tags.data();
        return register_tagged(ring.core(), first, static_cast<std::size_t>(buffers.size()), first_tag,
                               static_cast<std::size_t>(tags.size()));
    }

    /// A table with room for `count` buffers, for update(). Errors: as create(); EINVAL, `count` is 0 or an older
    /// kernel. Since Linux 5.19.
    template <class Ring>
    static result<registered_buffers> create_empty(const Ring& ring, std::uint32_t count) noexcept {
        return register_empty(ring.core(), count);
    }

    /// The buffers of another ring's table, shared with it: pinned once, and counted once. Each table goes by itself.
    /// Errors: EBUSY, `ring` has such a table; EINVAL, an older kernel, or the rings are not one user's in one process;
    /// EEXIST, the other ring is another thread's; EBADF with cause::ring_closed, `source` or its ring is closed.
    /// io_uring_register(2). Since Linux 6.12.
    template <class Ring>
    static result<registered_buffers> clone(const Ring& ring, const registered_buffers& source) noexcept {
        return clone_table(ring.core(), source, 0, source.size());
    }
    /// The same of `count` buffers from the `first` on, which become the new table's 0, 1 and so on. Errors also:
    /// EINVAL with cause::no_such_slots, `source` has not all of these. Since Linux 6.13.
    template <class Ring>
    static result<registered_buffers> clone(const Ring& ring, const registered_buffers& source, std::uint32_t first,
                                            std::uint32_t count) noexcept {
        return clone_table(ring.core(), source, first, count);
    }

    registered_buffers(registered_buffers&& other) noexcept;
    registered_buffers& operator=(registered_buffers&& other) noexcept;
    /// As close(), with nobody to tell.
    ~registered_buffers();

    /// Puts `buffers` in the places from `first` on, in place of what is there; an empty one makes the place empty.
    /// Operations in flight keep the buffer that they have. Returns how many were done, which is all but where one
    /// cannot be had.
    /// Errors: EINVAL, not all of these places exist, or a kernel before 5.13; those of create(), of the first buffer.
    /// io_uring_register(2). Since Linux 5.13.
    template <class Buffers>
    result<std::uint32_t> update(std::uint32_t first, const Buffers& buffers) noexcept {
        const mutable_bytes* const list = buffers.data();
        return update_list(first, list, static_cast<std::size_t>(buffers.size()), nullptr);
    }
    template <std::size_t n>
    result<std::uint32_t> update(std::uint32_t first, const mutable_bytes (&buffers)[n]) noexcept {
        return update_list(first, buffers, n, nullptr);
    }
    /// The same of one place.
    result<void> update(std::uint32_t index, mutable_bytes buffer) noexcept {
        if (buffer.size() == 0) buffer = {};
        const auto done = update_list(index, &buffer, 1, nullptr);
        if (!done) return done.error();
        return {};
    }
    /// The same with a tag for each buffer, as create() takes them; 0 for an empty one. EINVAL, there are more or fewer
    /// tags than buffers. Since Linux 5.13.
    template <class Buffers, class Tags>
    result<std::uint32_t> update(std::uint32_t first, const Buffers& buffers, const Tags& tags) noexcept {
        const mutable_bytes* const list = buffers.data();
        const std::uint64_t* const tag_list = tags.data();
        if (static_cast<std::size_t>(buffers.size()) != static_cast<std::size_t>(tags.size()))
            return tags_do_not_match();
        return update_list(first, list, static_cast<std::size_t>(buffers.size()), tag_list);
    }

    /// Puts `count` buffers of another ring's table, from its `source_first` on, in the places from `first` on, in
    /// place of what is there, and shares them as clone() does. The table becomes longer where they need it: what is
    /// between is empty. Operations in flight keep the buffer that they have. Linux 6.13 up to a fix of December 2025
    /// makes the places behind these empty as well: fill the whole rest of the table, or register what is behind again.
    /// Errors: as clone(), and then all is as it was; EINVAL with cause::too_many_to_register, a table cannot be so
    /// long. io_uring_register(2). Since Linux 6.13.
    result<void> update(std::uint32_t first, const registered_buffers& source, std::uint32_t source_first,
                        std::uint32_t count) noexcept {
        return update_from(first, source, source_first, count);
    }

    /// One buffer, as operations take it; of an empty place, one of no bytes, and where there is no such place one that
    /// does not exist, which push refuses.
    registered_buffer operator[](std::uint32_t index) const noexcept {
        if (index >= size_) return registered_buffer::none();
        return {static_cast<std::uint16_t>(index), list()[index]};
    }
    /// How many buffers there are; 0 of a table that was moved from.
    std::uint32_t size() const noexcept { return size_; }

    /// Takes the table away, unless the ring is gone. Operations in flight keep their pages; before Linux 6.13 it waits
    /// for them instead, for ever if need be: cancel and reap them first. Errors: EEXIST, not on the ring's thread; the
    /// table stays then, and this may be tried again.
    result<void> close() noexcept;

private:
    registered_buffers(detail::mapped_memory&& list, std::uint32_t size) noexcept
        : list_{static_cast<detail::mapped_memory&&>(list)}, size_{size} {}
    static result<registered_buffers> make_list(const mutable_bytes* buffers, std::size_t count) noexcept;
    static result<registered_buffers> register_list(detail::ring_core* core, const mutable_bytes* buffers,
                                                    std::size_t count) noexcept;
    static result<registered_buffers> register_tagged(detail::ring_core* core, const mutable_bytes* buffers,
                                                      std::size_t count, const std::uint64_t* tags,
                                                      std::size_t tag_count) noexcept;
    static result<registered_buffers> register_empty(detail::ring_core* core, std::uint32_t count) noexcept;
    static result<registered_buffers> clone_table(detail::ring_core* core, const registered_buffers& source,
                                                  std::uint32_t first, std::uint32_t count) noexcept;
    result<void> update_from(std::uint32_t first, const registered_buffers& source, std::uint32_t source_first,
                             std::uint32_t count) noexcept;
    result<std::uint32_t> update_list(std::uint32_t first, const mutable_bytes* buffers, std::size_t count,
                                      const std::uint64_t* tags) noexcept;
    static error tags_do_not_match() noexcept;
    mutable_bytes* list() const noexcept { return static_cast<mutable_bytes*>(list_.address()); }

    detail::core_reference core_;
    detail::mapped_memory list_; // of mutable_bytes
    std::uint32_t size_;
};

} // namespace lio::inline v0
