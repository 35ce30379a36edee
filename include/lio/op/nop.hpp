// The operation that does nothing, in all its forms. Values that own nothing; any thread.
#pragma once

#include <lio/abi/operation_flags.hpp>
#include <lio/completion.hpp>
#include <lio/op/operation.hpp>
#include <lio/registered_buffer.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// The completion of a nop_large_completion: its result, and the two words that were given to it.
class nop_completion {
public:
    explicit constexpr nop_completion(const large_cqe& done) noexcept : done_{done} {}

    /// 0 or the injected result, or the error.
    constexpr lio::result<int> result() const noexcept { return done_.result(); }
    constexpr std::uint64_t first() const noexcept { return done_.extra(0); }
    constexpr std::uint64_t second() const noexcept { return done_.extra(1); }

private:
    large_cqe done_;
};

} // namespace lio::inline v0

namespace lio::inline v0::op {

/// What all forms of nop share. The modifiers make it go through parts of what other operations go through, to test and
/// to measure these. Before Linux 6.10 they are ignored without a word.
template <class Derived, class Entry = abi::sqe>
class nop_operation : public operation<Derived, Entry> {
public:
    using result_type = void;

    /// Completes with this result instead of 0; a negative one is an errno and breaks a chain. To be read with
    /// cqe::result(). Since Linux 6.10.
    constexpr Derived inject_result(std::int32_t result) const noexcept {
        Derived changed = with_nop_flag(abi::nop_inject_result);
        changed.entry_.len = static_cast<std::uint32_t>(result);
        return changed;
    }

    /// Looks the file up, as an operation on it would: EBADF if there is none. Kernels that lack a mend of 2026 say 0
    /// or the injected result even then, and only a chain shows that it has failed. Since Linux 6.13; EINVAL before,
    /// from 6.10 on.
    constexpr Derived look_up(descriptor file) const noexcept {
        Derived changed = with_nop_flag(abi::nop_file);
        changed.entry_.fd = file.value();
        // Not the flag that other operations have: nop looks for its own.
        changed.entry_.rw_flags &= ~abi::nop_fixed_file;
        if (file.is_direct()) changed.entry_.rw_flags |= abi::nop_fixed_file;
        return changed;
    }

    /// Looks the registered buffer up: EFAULT if there is none; of the kernels without the mend the same is true as
    /// with a file.
    /// Since Linux 6.13; EINVAL before, from 6.10 on.
    constexpr Derived look_up(registered_buffer buffer) const noexcept {
        Derived changed = with_nop_flag(abi::nop_fixed_buffer);
        changed.set_registered(buffer);
        return changed;
    }

    /// Completes as operations do that had to wait: not while it is submitted, but when the thread does the work that
    /// the kernel has kept for it. Since Linux 6.16; EINVAL before, from 6.10 on.
    constexpr Derived from_task_work() const noexcept { return with_nop_flag(abi::nop_tw); }

protected:
    constexpr nop_operation() noexcept { this->entry_.fd = -1; }

    // nop_flags, by the name by which a constant expression may read them: an entry starts with it.
    constexpr Derived with_nop_flag(std::uint32_t flag) const noexcept {
        Derived changed = this->self();
        changed.entry_.rw_flags |= flag;
        return changed;
    }
};

/// Completes with 0. Measures and tests a ring. io_uring_enter(2).
/// Result: nothing; with inject_result(), what cqe::result() says.
/// Lifetimes: no argument is pointed to.
/// Traps: none.
/// Since Linux 5.1.
class nop : public nop_operation<nop> {
public:
    static constexpr abi::opcode code = abi::opcode::nop;
    static constexpr kernel_version since{5, 1};

    constexpr nop() noexcept = default; // declared, or op::nop{} would be an aggregate that nobody can make
};

/// Completes with 0 and two words of its own in a completion of 32 bytes. Tests a ring that has such.
/// io_uring_enter(2).
/// Result: nothing; large_cqe::as() is a nop_completion, with the two words.
/// Lifetimes: no argument is pointed to.
/// Traps: EINVAL on Linux 6.10 to 6.17; on older kernels the two words are something else, 0 as a rule.
/// Since Linux 6.18.
class nop_large_completion : public nop_operation<nop_large_completion> {
public:
    static constexpr abi::opcode code = abi::opcode::nop;
    static constexpr kernel_version since{6, 18};
    static constexpr bool large_completion = true;
    using completion_type = nop_completion;

    constexpr nop_large_completion(std::uint64_t first, std::uint64_t second) noexcept {
        entry_.off = first;
        entry_.addr = second;
        entry_.rw_flags = abi::nop_cqe32;
    }
};

/// The same as nop in an entry of 128 bytes. io_uring_enter(2).
/// Result: nothing; with inject_result(), what cqe::result() says.
/// Lifetimes: no argument is pointed to.
/// Traps: only for rings with such entries. In large_ring a plain nop does as well.
/// Since Linux 6.19.
class nop128 : public nop_operation<nop128, abi::sqe128> {
public:
    static constexpr abi::opcode code = abi::opcode::nop128;
    static constexpr kernel_version since{6, 19};

    constexpr nop128() noexcept = default;
};

} // namespace lio::inline v0::op
