// Making pipes. Values that own nothing; any thread. Includes no system header: flags are the numbers of <fcntl.h>.
#pragma once

#include <lio/op/direct_slot.hpp>
#include <lio/op/operation.hpp>

#include <cstdint>

namespace lio::inline v0 {

namespace detail {

// Where the kernel writes the slots of a pipe that the program has chosen itself. It insists on an address; nobody
// reads what is there (and some kernels before Linux 7.0 write 0 and 0).
inline std::int32_t unread_slots[2];

} // namespace detail

} // namespace lio::inline v0

namespace lio::inline v0::op {

/// What the forms of pipe share.
template <class Derived>
class pipe_operation : public operation<Derived> {
protected:
    pipe_operation(void* ends, int flags) noexcept {
        this->entry_.addr = this->address(ends);
        this->entry_.pipe_flags = static_cast<std::uint32_t>(flags);
    }
    pipe_operation(void* slots, int flags, std::uint32_t file_index) noexcept : pipe_operation{slots, flags} {
        this->entry_.file_index = file_index;
        if ((static_cast<std::uint32_t>(flags) & lio::detail::close_on_exec) != 0)
            this->refuse(cause::close_on_exec_of_slot);
    }
};

/// Makes a pipe and puts its descriptors into `ends`: the reading one first, then the writing one. `flags` is 0 or made
/// of O_CLOEXEC, O_NONBLOCK and O_DIRECT of <fcntl.h>. pipe2(2).
/// Result: nothing; both descriptors are the program's to close.
/// Lifetimes: `ends` until the completion.
/// Traps: descriptors whose completion nobody reads are never closed. O_CLOEXEC is not set by itself.
/// Since Linux 6.16.
class pipe : public pipe_operation<pipe> {
public:
    static constexpr abi::opcode code = abi::opcode::pipe;
    static constexpr kernel_version since{6, 16};
    using result_type = void;

    explicit pipe(int (&ends)[2], int flags = 0) noexcept : pipe_operation{ends, flags} {}
};

/// Makes a pipe in two slots of the registered files: its reading end in `first`, its writing end in the slot behind
/// it. What is in the slots is closed. `flags` is 0 or made of O_NONBLOCK and O_DIRECT. pipe2(2).
/// Result: nothing.
/// Lifetimes: no argument is pointed to.
/// Traps: O_CLOEXEC is refused by push: a slot has no such flag. ENXIO: the ring has no registered files; EINVAL: there
/// are no such slots. Where only the second one is missing, some kernels before Linux 7.0 close what is in slot 0
/// instead of emptying the first one again.
/// Since Linux 6.16.
class pipe_direct : public pipe_operation<pipe_direct> {
public:
    static constexpr abi::opcode code = abi::opcode::pipe;
    static constexpr kernel_version since{6, 16};
    using result_type = void;

    explicit pipe_direct(direct_descriptor first, int flags = 0) noexcept
        : pipe_operation{lio::detail::unread_slots, flags, lio::detail::file_index_of(first)} {}
};

/// Makes a pipe in two free slots of the registered files, which the kernel picks, and puts their numbers into `slots`:
/// that of the reading end first, then that of the writing one. `flags` is 0 or made of O_NONBLOCK and O_DIRECT.
/// pipe2(2).
/// Result: nothing; op::close empties the slots again.
/// Lifetimes: `slots` until the completion.
/// Traps: the slots need not be neighbours. O_CLOEXEC is refused by push: a slot has no such flag. ENFILE: there are no
/// two free slots, or the ring has no registered files.
/// Since Linux 6.16.
class pipe_direct_allocate : public pipe_operation<pipe_direct_allocate> {
public:
    static constexpr abi::opcode code = abi::opcode::pipe;
    static constexpr kernel_version since{6, 16};
    using result_type = void;

    explicit pipe_direct_allocate(std::uint32_t (&slots)[2], int flags = 0) noexcept
        : pipe_operation{slots, flags, abi::file_index_alloc} {}
};

} // namespace lio::inline v0::op
