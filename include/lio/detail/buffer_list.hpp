// What a buffer_ring shares with the leases of its buffers: the list that the kernel takes them from, and what is known
// of each. It lies behind the list, in memory of the library's, and stays where it is when the buffer_ring moves; it
// goes with the last of those who use it. On the ring's thread.
#pragma once

#include <lio/abi/buffers.hpp>
#include <lio/bytes.hpp>
#include <lio/detail/assert.hpp>
#include <lio/detail/shared_word.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0::detail {

class buffer_list {
public:
    // Of one buffer that is consumed incrementally.
    struct use {
        /// So much of it is filled.
        std::uint32_t filled;
        /// So many leases have parts of it: more than 16 bits can count, where each has a byte.
        std::uint32_t leases;
        /// Where it stands in the list, counted like the tail.
        std::uint16_t position;
        /// The kernel has done with it.
        bool is_full;
    };

    mutable_bytes buffer(std::uint16_t id) const noexcept {
        LIO_ASSERT(id <= mask, "there is no such buffer");
        if (places != nullptr) [[unlikely]]
            return places[id];
        return {first + static_cast<std::size_t>(id) * size, size};
    }

    /// Puts a buffer at the end of the list, for the kernel to see with publish().
    void add(std::uint16_t id) noexcept {
        const mutable_bytes memory = buffer(id);
        abi::buf& entry = entries[tail++ & mask];
        // The last two bytes of the first entry are the ring's tail: an entry is never written whole.
        entry.addr = reinterpret_cast<std::uintptr_t>(memory.data());
        entry.len = static_cast<std::uint32_t>(memory.size());
        entry.bid = id;
        // A bundle names its first buffer only: the others are found by who was given back after whom. The kernel takes
        // them in this order, and the link of a buffer changes only when another is added behind it, which the kernel
        // then takes after it.
        next[last] = id;
        last = id;
    }
    void publish() noexcept {
        // Pairs with the kernel's load-acquire of the tail: it sees the entries that the tail covers.
        shared_tail->store_release(tail);
    }

    /// The part of a buffer that a completion has filled, which somebody answers for from now on.
    mutable_bytes lend(std::uint16_t id, std::uint32_t received, bool kernel_goes_on) noexcept {
        const mutable_bytes whole = buffer(id);
        std::uint32_t before = 0;
        if (uses != nullptr) {
            before = lend_part(id, received, kernel_goes_on);
        } else {
            LIO_ASSERT(!is_lent[id], "this completion's buffer has a lease already");
            is_lent[id] = true;
        }
        const std::size_t room = whole.size() - before;
        return {whole.data() + before, received < room ? received : room};
    }
    /// Adds a lent buffer unless somebody else still has a part of it, or the kernel goes on filling it.
    void take_back(std::uint16_t id) noexcept {
        if (uses != nullptr) return take_back_part(id);
        is_lent[id] = false;
        add(id);
    }

    void use_it() noexcept { ++users; }
    void leave_it() noexcept {
        if (--users == 0) [[unlikely]]
            unmap();
    }

    /// The ring's tail overlays the end of the first entry.
    static shared_u16* tail_of(abi::buf* entries) noexcept {
        return reinterpret_cast<shared_u16*>(reinterpret_cast<std::byte*>(entries) + 14);
    }

    /// The kernel has let go of the list: it is written from now on without anybody reading it.
    void detach() noexcept;

    // Where things are; written once.

    abi::buf* entries;
    shared_u16* shared_tail;
    /// The first buffer, where they lie one after the other...
    std::byte* first;
    /// ...or where each of them is.
    mutable_bytes* places;
    /// Of each buffer, if they are consumed incrementally.
    use* uses;
    /// Of each buffer, the one that was given back after it.
    std::uint16_t* next;
    /// Of each buffer, whether it is a lease's.
    bool* is_lent;
    std::uint32_t mask;
    std::uint32_t size;
    /// With `uses`: every completion says so if the kernel goes on with its buffer.
    bool is_always_told;

    // What changes.

    /// The buffer_ring, or the ring in its place, and leases.
    std::uint32_t users;
    /// Of those that the ring keeps.
    buffer_list* next_kept;
    std::uint16_t tail;
    std::uint16_t last;

    // What is to be unmapped.

    void* mapped;
    std::size_t mapped_size;
    /// Null unless the list lies in the kernel's memory.
    void* kernel_entries;

private:
    std::uint32_t lend_part(std::uint16_t id, std::uint32_t received, bool kernel_goes_on) noexcept;
    bool was_used_up(std::uint16_t id, std::uint32_t before, std::uint32_t received) const noexcept;
    void take_back_part(std::uint16_t id) noexcept;
    void unmap() noexcept;
};

} // namespace lio::inline v0::detail
