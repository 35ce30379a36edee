// Restricting rings and tasks. On the thread that has the ring; a task restricts itself.

#include "ring_core.hpp"

#include <lio/restrictions.hpp>

#include <cerrno>

namespace lio::inline v0 {

/// What the kernel is told: one structure for each thing that is allowed, behind the head that a task needs.
class restriction_list {
public:
    explicit restriction_list(const restrictions& allowed) noexcept {
        // Harmless on a ring that runs, and it says that registrations are restricted even if no other is allowed.
        add(abi::register_opcode::register_enable_rings);
        abi::restriction flags;
        flags.opcode = abi::restriction_sqe_flags_allowed;
        flags.sqe_flags = static_cast<std::uint8_t>(allowed.allowed_flags_);
        add(flags); // it says the same of operations
        flags.opcode = abi::restriction_sqe_flags_required;
        flags.sqe_flags = static_cast<std::uint8_t>(allowed.required_flags_);
        if (allowed.required_flags_ != entry_flags::none) add(flags);
        for (std::uint32_t number = 0; number < most_operations; ++number)
            if (allowed.operations_.has(number)) add(static_cast<abi::opcode>(number));
        for (std::uint32_t number = 0; number < most_registrations; ++number)
            if (allowed.registrations_.has(number)) add(static_cast<abi::register_opcode>(number));
    }

    void add(abi::opcode operation) noexcept {
        abi::restriction one;
        one.opcode = abi::restriction_sqe_op;
        one.sqe_op = static_cast<std::uint8_t>(operation);
        add(one);
    }
    void add(abi::register_opcode registration) noexcept {
        abi::restriction one;
        one.opcode = abi::restriction_register_op;
        one.register_op = static_cast<std::uint8_t>(registration);
        add(one);
    }

    const abi::restriction* data() const noexcept { return list_.entries; }
    std::uint32_t size() const noexcept { return list_.head.nr_res; }
    const abi::task_restriction* for_task() const noexcept { return &list_.head; }

    static bool is_too_large(const restrictions& allowed) noexcept {
        return allowed.operations_.has_larger || allowed.registrations_.has_larger;
    }

private:
    static constexpr std::uint32_t most_operations = sizeof(restrictions::operations_.words) * 8;
    static constexpr std::uint32_t most_registrations = sizeof(restrictions::registrations_.words) * 8;
    // Of flags two; and two that the ring itself may need.
    static constexpr std::uint32_t most = most_operations + most_registrations + 5;

    void add(const abi::restriction& one) noexcept { list_.entries[list_.head.nr_res++] = one; }

    struct {
        abi::task_restriction head;
        abi::restriction entries[most];
    } list_;
    static_assert(sizeof(abi::task_restriction) % alignof(abi::restriction) == 0);
};

namespace {

constexpr int no_ring = -1;

} // namespace

result<void> restrictions::apply(detail::ring_core* core) const noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    if (restriction_list::is_too_large(*this)) return error{EINVAL, cause::restrictions_refused};
    restriction_list list{*this};
    if (core->is_only_registered && !allows(abi::register_opcode::unregister_ring_fds))
        list.add(abi::register_opcode::unregister_ring_fds);
    if (has(core->flags, setup::mixed_entries) && !allows(abi::opcode::nop)) list.add(abi::opcode::nop);
    const auto done =
        detail::register_with(*core, abi::register_opcode::register_restrictions, list.data(), list.size());
    if (done) return {};
    switch (const std::int32_t code = done.error().code()) {
    case EBADFD:
    case EBUSY:
    case EINVAL:
        return error{code, cause::restrictions_refused};
    default:
        return done.error();
    }
}

result<void> restrict_task(const restrictions& allowed) noexcept {
    if (restriction_list::is_too_large(allowed)) return error{EINVAL, cause::task_refused};
    restriction_list list{allowed};
    // Of rings that are yet to be made nothing is known but that they must be closed.
    if (!allowed.allows(abi::register_opcode::unregister_ring_fds)) list.add(abi::register_opcode::unregister_ring_fds);
    const auto done = system::register_call(no_ring, abi::register_opcode::register_restrictions, list.for_task(), 1);
    if (done) return {};
    switch (const std::int32_t code = done.error().code()) {
    // Kernels before 6.13 know no call without a ring.
    case EBADF:
        return error{EINVAL, cause::task_refused};
    case EPERM:
    case EACCES:
    case EINVAL:
        return error{code, cause::task_refused};
    default:
        return done.error();
    }
}

} // namespace lio::inline v0
