// The older way to lend buffers to the kernel, by operations: since Linux 5.7, where a buffer_ring needs 5.19. Values
// that own nothing; any thread.
#pragma once

#include <lio/buffer_group.hpp>
#include <lio/bytes.hpp>
#include <lio/op/operation.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0::op {

/// Adds buffers to a group, which comes into being with its first: operations take them from it as from a
/// buffer_ring's. `memory` is cut into as many buffers of `size` bytes as it holds, numbered from `first` on; what
/// remains is left alone. To give a buffer back, provide it again under its number. io_uring_enter(2).
/// Result: nothing.
/// Lifetimes: each buffer until an operation has taken it (its completion names it with cqe::buffer_id()), until it
/// is removed, or until the ring is closed.
/// Traps: the operation that gives a buffer back must have run before another can take it: a buffer_ring is faster
/// and simpler, where the kernel has it. Which buffer is used next is the kernel's choice. A number that is in the
/// group already is there twice. Older kernels stop at 65534 buffers or at number 65534, with E2BIG or EINVAL; some
/// (5.10) lose the buffer of a receive that is cancelled. EINVAL: the group is a buffer_ring's. Memory that holds no
/// whole buffer or more than 65535, and numbers above 65535, are refused by push.
/// Since Linux 5.7.
class provide_buffers : public operation<provide_buffers> {
public:
    static constexpr abi::opcode code = abi::opcode::provide_buffers;
    static constexpr kernel_version since{5, 7};
    using result_type = void;

    provide_buffers(buffer_group group, mutable_bytes memory, std::uint32_t size, std::uint16_t first = 0) noexcept {
        const std::size_t count = size == 0 ? 0 : memory.size() / size;
        entry_.fd = static_cast<std::int32_t>(count);
        entry_.off = first;
        entry_.addr = address(memory.data());
        entry_.len = size;
        entry_.buf_group = group.number();
        if (count == 0) refuse(cause::buffer_size_out_of_range);
        // Of more, the kernel would take some and call it a success.
        constexpr std::size_t most = 65535;
        if (count > most || count > most + 1 - first) refuse(cause::too_many_to_register);
    }
};

/// Takes up to `count` buffers out of a group again. io_uring_enter(2).
/// Result: how many there were.
/// Lifetimes: no argument is pointed to.
/// Traps: which they were is not said. ENOENT: there never was such a group. EINVAL: it is a buffer_ring's, or
/// `count` is 0 or more than 65535.
/// Since Linux 5.7.
class remove_buffers : public operation<remove_buffers> {
public:
    static constexpr abi::opcode code = abi::opcode::remove_buffers;
    static constexpr kernel_version since{5, 7};
    using result_type = std::uint32_t;

    constexpr remove_buffers(buffer_group group, std::uint32_t count) noexcept {
        // A number that is negative as an int is too many for the kernel as well.
        entry_.fd = static_cast<std::int32_t>(count);
        entry_.buf_group = group.number();
    }
};

} // namespace lio::inline v0::op
