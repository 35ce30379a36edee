// memory_region: memory that a ring and its program have in common. On the ring's thread.
#pragma once

#include <lio/bytes.hpp>
#include <lio/detail/mapped_memory.hpp>
#include <lio/detail/ring_core.hpp>
#include <lio/result.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0 {

class registered_waits;

/// Memory that is given to a ring as a whole and for good: the program's own, which the kernel then holds in place, or
/// the kernel's, which is then mapped for the program. A ring has at most one, and registered_waits are one too. The
/// kernel keeps it until the ring is closed: it cannot be exchanged, and what it takes counts towards RLIMIT_MEMLOCK
/// until then.
///
/// In Linux 7.3 it is of use to BPF programs that run in the ring's waits (struct io_uring_bpf_ops), which share it
/// with the program; as registered_waits; and, as any memory, for registered buffers, so that one piece serves all of
/// them:
///     auto region = lio::memory_region::create(ring, 65536).value();
///     auto buffers = lio::registered_buffers::create(ring, std::array{region.bytes()}).value();
///
/// Owns the mapping of the kernel's memory, never the program's own. The program's memory must stay until the ring is
/// closed. Either may go first; but a mapping of the kernel's memory keeps what the ring holds (registered files and
/// buffers, operations in flight) alive in the kernel, so that these end with it, not with the ring.
class memory_region {
public:
    /// The program's `memory`: whole pages, huge ones (ring_memory) or others, that may be written. `ring` is a ring or
    /// one of a split ring's handles. Errors: EINVAL, it does not begin at a page, is not whole pages, is too large, or
    /// a kernel before 6.13; EBUSY, the ring has such memory already; EFAULT, it is not all there to be written;
    /// ENOMEM, RLIMIT_MEMLOCK. io_uring_register(2). Since Linux 6.13.
    template <class Ring>
    static result<memory_region> create(const Ring& ring, mutable_bytes memory) noexcept {
        return create_with(ring.core(), memory);
    }

    /// At least `size` bytes of the kernel's memory, all 0, mapped for the program; in whole pages of any machine, so a
    /// multiple of 64 KiB. A forked child does not inherit it.
    /// Errors: as above; EINVAL with cause::region_needs_descriptor, the ring has none to be mapped by
    /// (setup::registered_file_only); ENOMEM also where it cannot be mapped: the ring keeps it then, all the same.
    /// io_uring_register(2), mmap(2). Since Linux 6.13.
    template <class Ring>
    static result<memory_region> create(const Ring& ring, std::size_t size) noexcept {
        return create_in_kernel(ring.core(), size);
    }

    memory_region(memory_region&& other) noexcept { take(other); }
    memory_region& operator=(memory_region&& other) noexcept {
        if (this != &other) {
            end();
            take(other);
        }
        return *this;
    }
    /// Unmaps the kernel's memory, which nothing may use any more: no registered buffer of it be in use by an
    /// operation.
    ~memory_region() { end(); }

    /// All of it; empty when moved from.
    mutable_bytes bytes() const noexcept { return memory_; }

private:
    friend class registered_waits;

    memory_region() noexcept = default;
    static result<memory_region> create_with(detail::ring_core* core, mutable_bytes memory) noexcept;
    static result<memory_region> create_in_kernel(detail::ring_core* core, std::size_t size) noexcept;
    // With mem_region_reg_... bits; `owned` is the same memory if it is to be unmapped at the end, else none.
    static result<memory_region> register_memory(detail::ring_core& core, mutable_bytes memory,
                                                 detail::mapped_memory&& owned, std::uint64_t flags) noexcept;
    void take(memory_region& other) noexcept;
    void end() noexcept;

    mutable_bytes memory_;
    detail::mapped_memory owned_;
    std::int32_t process_ = 0;
};

} // namespace lio::inline v0
