// operation_filter: a small program in the kernel that looks at each operation of one kind, and decides whether it may
// run. A value that points to the program; on the ring's thread, or for the task that calls.
#pragma once

#include <lio/abi/opcode.hpp>
#include <lio/filter_program.hpp>
#include <lio/result.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0 {

namespace detail {

class ring_core;

template <class P>
concept filter_instructions = requires(const P& program) {
    static_cast<const filter_instruction*>(program.data());
    static_cast<std::size_t>(program.size());
};

} // namespace detail

/// A program for one kind of operation: a lio::filter_program, or any container of filter_instruction with data() and
/// size(), which must live until the filter has been applied. The kernel copies it. It sees an abi::bpf_ctx, and lets
/// the operation run unless it ends with 0; a refused operation completes with EACCES.
///
///     constexpr auto internet = lio::filter::socket_family(AF_INET);
///     lio::operation_filter::on<lio::op::socket>(internet).apply(ring).value();
///
/// Filters are never taken away, and of several for one kind all must agree. A filter looks at the arguments when the
/// operation is submitted, as restrictions do; unlike those it may be added to a ring that runs.
class operation_filter {
public:
    /// For the operations that share their number with this type: of op::openat that is op::openat_direct too, but not
    /// op::openat2.
    template <class Operation, detail::filter_instructions Program>
    static constexpr operation_filter on(const Program& program) noexcept {
        return operation_filter{Operation::code, program};
    }
    template <class Operation, std::size_t n>
    static constexpr operation_filter on(const filter_instruction (&program)[n]) noexcept {
        return operation_filter{Operation::code, program};
    }
    template <class Operation, detail::filter_instructions Program>
    static constexpr operation_filter on(const Program&& program) = delete;

    /// The same by number.
    template <detail::filter_instructions Program>
    constexpr operation_filter(abi::opcode operation, const Program& program) noexcept
        : program_{program.data()}, size_{static_cast<std::size_t>(program.size())}, operation_{operation} {}
    template <std::size_t n>
    constexpr operation_filter(abi::opcode operation, const filter_instruction (&program)[n]) noexcept
        : program_{program}, size_{n}, operation_{operation} {}
    template <detail::filter_instructions Program>
    operation_filter(abi::opcode operation, const Program&& program) = delete;

    /// Refuses all kinds of operations that have no filter at this moment, for good: filters that come later can only
    /// refuse more. So the last one has it. A lio::mixed_ring then needs filter::allow() for op::nop, with which it
    /// fills the end of its queue.
    constexpr operation_filter deny_rest() const noexcept {
        operation_filter changed = *this;
        changed.denies_rest_ = true;
        return changed;
    }
    /// Fails where the kernel shows more or less of such an operation than so many bytes behind abi::bpf_ctx::pad, 12
    /// of op::socket for example. Without it, where it shows less than the program looks at.
    constexpr operation_filter strict_size(std::uint8_t bytes) const noexcept {
        operation_filter changed = *this;
        changed.is_strict_ = true;
        changed.strict_size_ = bytes;
        return changed;
    }

    /// Adds it to a ring or to one of a split ring's handles; it takes no privileges.
    /// Errors, with cause::filter_refused: EINVAL, the program is none that the kernel takes (at most 4096 instructions
    /// of those named in filter_program.hpp), or an older kernel, or one that was built without filters; EMSGSIZE, see
    /// strict_size(). And EACCES, the ring's restrictions do not allow it; EEXIST, not on the ring's thread.
    /// io_uring_register(2). Since Linux 7.0.
    template <class Ring>
    result<void> apply(const Ring& ring) const noexcept {
        return apply(ring.core());
    }

private:
    friend result<void> filter_task(const operation_filter& filter) noexcept;
    friend struct filter_request;
    result<void> apply(detail::ring_core* core) const noexcept;

    const filter_instruction* program_;
    std::size_t size_;
    abi::opcode operation_;
    bool denies_rest_ = false;
    bool is_strict_ = false;
    std::uint8_t strict_size_ = 0;
};

/// Adds a filter to every ring that the calling thread makes from now on, and those of all threads and processes that
/// it starts from now on, across execve(2) too. For good; rings that are there stay as they are. After it the task
/// takes no restrictions: restrict_task() comes first. Errors: as apply(); EACCES, the thread has neither CAP_SYS_ADMIN
/// nor no_new_privs, see prctl(2), or its
/// restrictions do not allow it. io_uring_register(2). Since Linux 7.0.
result<void> filter_task(const operation_filter& filter) noexcept;

} // namespace lio::inline v0
