// Ending other operations of the same ring before their time. Includes the base and cancel_answer only; any thread.
#pragma once

#include <lio/abi/operation_flags.hpp>
#include <lio/cancel_answer.hpp>
#include <lio/op/operation.hpp>

#include <cstdint>

namespace lio::inline v0::op {

/// What all cancels share: what is looked for can be narrowed, so that more than one thing must be true of an
/// operation. Narrowing to what a cancel looks for anyway replaces that. Kernels that cannot do it fail with EINVAL,
/// but later versions of 6.1 ignore it without a word, and end more than they should.
template <class Derived>
class cancel_operation_base : public operation<Derived> {
public:
    using result_type = cancel_answer;

    /// Only operations that were given `target` as their user_data. Since Linux 6.6.
    template <lio::detail::user_data_value T>
    constexpr Derived only_with(const T& target) const noexcept {
        Derived changed = narrowed(abi::async_cancel_userdata);
        changed.entry_.addr = lio::detail::to_user_data(target);
        return changed;
    }

    /// Only operations on this file. The descriptor must be open, as with cancel_file. Since Linux 6.6.
    constexpr Derived only_on(descriptor file) const noexcept {
        Derived changed = narrowed(abi::async_cancel_fd);
        changed.set_target(file);
        return changed;
    }

    /// Only operations of this number: only_of(op::recv::code). Since Linux 6.6.
    constexpr Derived only_of(abi::opcode code) const noexcept {
        Derived changed = narrowed(abi::async_cancel_op);
        changed.entry_.len = static_cast<std::uint32_t>(code);
        return changed;
    }

    /// Only operations of this type, and of those that share its number: cancel_all().only_of<op::recv>() ends each
    /// recv_multishot too. Since Linux 6.6.
    template <class Operation>
    constexpr Derived only_of() const noexcept {
        return only_of(Operation::code);
    }

protected:
    explicit constexpr cancel_operation_base(std::uint32_t flags) noexcept {
        this->entry_.fd = -1;
        this->entry_.cancel_flags = flags;
    }

    // A slot is marked by the flag that all operations have, which every kernel takes that can cancel by file; the mark
    // among the flags of this operation means the same and came later (6.0).
    constexpr void set_target(descriptor file) noexcept {
        this->entry_.flags = static_cast<std::uint8_t>(this->entry_.flags & ~abi::sqe_fixed_file);
        this->set_file(file);
    }

private:
    constexpr Derived narrowed(std::uint32_t flag) const noexcept {
        Derived changed = this->self();
        std::uint32_t& flags = changed.entry_.cancel_flags;
        if ((flags & abi::async_cancel_any) != 0) {
            // Everything and something do not go together: now it is all of something.
            flags = (flags & ~abi::async_cancel_any) | abi::async_cancel_all;
        } else if ((flags & (abi::async_cancel_fd | abi::async_cancel_op)) == 0) {
            // The kernel looks for a user_data without being told as long as it is told of nothing else.
            flags |= abi::async_cancel_userdata;
        }
        flags |= flag;
        return changed;
    }
};

/// What the cancels share that end one operation, whichever the kernel finds first.
template <class Derived>
class cancel_of_one : public cancel_operation_base<Derived> {
public:
    static result<cancel_answer> interpret(const cqe& done) noexcept { return cancel_answer::read(done, 1); }
    /// The same of what cancel_now() was told.
    static result<cancel_answer> interpret_answer(const result<std::int32_t>& answer) noexcept {
        return cancel_answer::read(answer, 1);
    }

protected:
    using cancel_operation_base<Derived>::cancel_operation_base;
};

/// What the cancels share that end all that they find; the result is their number.
template <class Derived>
class cancel_of_all : public cancel_operation_base<Derived> {
public:
    static result<cancel_answer> interpret(const cqe& done) noexcept { return cancel_answer::read(done, 0); }
    /// The same of what cancel_now() was told.
    static result<cancel_answer> interpret_answer(const result<std::int32_t>& answer) noexcept {
        return cancel_answer::read(answer, 0);
    }

protected:
    using cancel_operation_base<Derived>::cancel_operation_base;
};

/// Cancels the operation that was given `target` as its user_data; one of them if there are several.
/// io_uring_enter(2).
/// Result: a cancel_answer: cancelled; too late (EALREADY), it runs in a worker thread, which is interrupted; not found
/// (ENOENT), there is no such operation any more, perhaps because it was interrupted at this very moment.
/// Lifetimes: no argument is pointed to.
/// Traps: whatever the result, the operation completes itself, before or after this one: with ECANCELED, with EINTR,
/// with what it had done so far, or as if nothing had been. Its memory is the kernel's until then. Reads and writes of
/// regular files that have begun are not interrupted. An answer other than "cancelled" breaks a chain.
/// Since Linux 5.5.
class cancel : public cancel_of_one<cancel> {
public:
    static constexpr abi::opcode code = abi::opcode::async_cancel;
    static constexpr kernel_version since{5, 5};

    template <lio::detail::user_data_value T>
    explicit constexpr cancel(const T& target) noexcept : cancel_of_one{0} {
        entry_.addr = lio::detail::to_user_data(target);
    }
};

/// Cancels every operation that was given `target` as its user_data; without a target every operation of the ring.
/// io_uring_enter(2).
/// Result: a cancel_answer whose count says how many were found; 0 is no failure.
/// Lifetimes: no argument is pointed to.
/// Traps: those of cancel. Operations that had begun and may go on are counted too. Operations submitted later are
/// not touched.
/// Since Linux 5.19.
class cancel_all : public cancel_of_all<cancel_all> {
public:
    static constexpr abi::opcode code = abi::opcode::async_cancel;
    static constexpr kernel_version since{5, 19};

    constexpr cancel_all() noexcept : cancel_of_all{abi::async_cancel_any} {}

    template <lio::detail::user_data_value T>
    explicit constexpr cancel_all(const T& target) noexcept : cancel_of_all{abi::async_cancel_all} {
        entry_.addr = lio::detail::to_user_data(target);
    }
};

/// Cancels one of the operations on a file, whichever is found first. io_uring_enter(2).
/// Result: a cancel_answer, as that of cancel.
/// Lifetimes: the descriptor must be open, as this operation looks for the file behind it: cancel first, then close.
/// Traps: those of cancel. Operations count that reached the file through another descriptor or a slot. EBADF: the
/// descriptor is not open, the slot is empty.
/// Since Linux 5.19.
class cancel_file : public cancel_of_one<cancel_file> {
public:
    static constexpr abi::opcode code = abi::opcode::async_cancel;
    static constexpr kernel_version since{5, 19};

    explicit constexpr cancel_file(descriptor file) noexcept : cancel_of_one{abi::async_cancel_fd} {
        set_target(file);
    }
};

/// Cancels every operation on a file. io_uring_enter(2).
/// Result: a cancel_answer whose count says how many were found; 0 is no failure.
/// Lifetimes: the descriptor must be open, as this operation looks for the file behind it: cancel first, then close.
/// Traps: those of cancel_all and cancel_file.
/// Since Linux 5.19.
class cancel_file_all : public cancel_of_all<cancel_file_all> {
public:
    static constexpr abi::opcode code = abi::opcode::async_cancel;
    static constexpr kernel_version since{5, 19};

    explicit constexpr cancel_file_all(descriptor file) noexcept
        : cancel_of_all{abi::async_cancel_fd | abi::async_cancel_all} {
        set_target(file);
    }
};

/// Cancels one operation of a kind, whichever is found first: cancel_opcode(op::recv::code). io_uring_enter(2).
/// Result: a cancel_answer, as that of cancel.
/// Lifetimes: no argument is pointed to.
/// Traps: those of cancel. Types of operations that share a number are one kind: recv and recv_multishot. Later
/// versions of Linux 6.1 take it for a cancel(0).
/// Since Linux 6.6.
class cancel_opcode : public cancel_of_one<cancel_opcode> {
public:
    static constexpr abi::opcode code = abi::opcode::async_cancel;
    static constexpr kernel_version since{6, 6};

    explicit constexpr cancel_opcode(abi::opcode kind) noexcept : cancel_of_one{abi::async_cancel_op} {
        entry_.len = static_cast<std::uint32_t>(kind);
    }
};

/// Cancels every operation of a kind: cancel_opcode_all(op::recv::code). io_uring_enter(2).
/// Result: a cancel_answer whose count says how many were found; 0 is no failure.
/// Lifetimes: no argument is pointed to.
/// Traps: those of cancel_all and cancel_opcode.
/// Since Linux 6.6.
class cancel_opcode_all : public cancel_of_all<cancel_opcode_all> {
public:
    static constexpr abi::opcode code = abi::opcode::async_cancel;
    static constexpr kernel_version since{6, 6};

    explicit constexpr cancel_opcode_all(abi::opcode kind) noexcept
        : cancel_of_all{abi::async_cancel_op | abi::async_cancel_all} {
        entry_.len = static_cast<std::uint32_t>(kind);
    }
};

} // namespace lio::inline v0::op
