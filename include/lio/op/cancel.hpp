// Ending other operations of the same ring before their time. Includes the base only; any thread.
#pragma once

#include <lio/abi/operation_flags.hpp>
#include <lio/op/operation.hpp>

#include <cstdint>

namespace lio::op {

/// Cancels the operation that was given `target` as its user_data; one of them if there are several.
/// io_uring_enter(2).
/// Result: nothing; the operation was cancelled. Two failures are answers: EALREADY, it runs in a worker thread, which
/// is interrupted; ENOENT, there is no such operation any more, perhaps because it was interrupted at this very moment.
/// Lifetimes: no argument is pointed to.
/// Traps: whatever the result, the operation completes itself, before or after this one: with ECANCELED, with EINTR,
/// with what it had done so far, or as if nothing had been. Its memory is the kernel's until then. Reads and writes of
/// regular files that have begun are not interrupted. Failures that are answers break a chain all the same.
/// Since Linux 5.5.
class cancel : public operation<cancel> {
public:
    static constexpr abi::opcode code = abi::opcode::async_cancel;
    static constexpr kernel_version since{5, 5};
    using result_type = void;

    template <lio::detail::user_data_value T>
    explicit constexpr cancel(const T& target) noexcept {
        entry_.fd = -1;
        entry_.addr = lio::detail::to_user_data(target);
    }
};

/// Cancels every operation that was given `target` as its user_data; without a target every operation of the ring.
/// io_uring_enter(2).
/// Result: how many were found; 0 is no failure.
/// Lifetimes: no argument is pointed to.
/// Traps: those of cancel. Operations that had begun and may go on are counted too. Operations submitted later are
/// not touched.
/// Since Linux 5.19.
class cancel_all : public operation<cancel_all> {
public:
    static constexpr abi::opcode code = abi::opcode::async_cancel;
    static constexpr kernel_version since{5, 19};
    using result_type = std::uint32_t;

    constexpr cancel_all() noexcept {
        entry_.fd = -1;
        entry_.cancel_flags = abi::async_cancel_any;
    }

    template <lio::detail::user_data_value T>
    explicit constexpr cancel_all(const T& target) noexcept {
        entry_.fd = -1;
        entry_.addr = lio::detail::to_user_data(target);
        entry_.cancel_flags = abi::async_cancel_all;
    }
};

/// Cancels one of the operations on a file, whichever is found first. io_uring_enter(2).
/// Result: nothing; an operation was cancelled. Failures that are answers: those of cancel.
/// Lifetimes: the descriptor must be open, as this operation looks for the file behind it: cancel first, then close.
/// Traps: those of cancel. Operations count that reached the file through another descriptor or a slot.
/// Since Linux 5.19.
class cancel_file : public operation<cancel_file> {
public:
    static constexpr abi::opcode code = abi::opcode::async_cancel;
    static constexpr kernel_version since{5, 19};
    using result_type = void;

    explicit constexpr cancel_file(descriptor file) noexcept {
        set_file(file);
        entry_.cancel_flags = abi::async_cancel_fd;
    }
};

/// Cancels every operation on a file. io_uring_enter(2).
/// Result: how many were found; 0 is no failure.
/// Lifetimes: the descriptor must be open, as this operation looks for the file behind it: cancel first, then close.
/// Traps: those of cancel_all and cancel_file.
/// Since Linux 5.19.
class cancel_file_all : public operation<cancel_file_all> {
public:
    static constexpr abi::opcode code = abi::opcode::async_cancel;
    static constexpr kernel_version since{5, 19};
    using result_type = std::uint32_t;

    explicit constexpr cancel_file_all(descriptor file) noexcept {
        set_file(file);
        entry_.cancel_flags = abi::async_cancel_fd | abi::async_cancel_all;
    }
};

} // namespace lio::op
