// Messages from one ring to another. Values that own nothing; any thread.
#pragma once

#include <lio/abi/operation_flags.hpp>
#include <lio/op/direct_slot.hpp>
#include <lio/op/operation.hpp>

#include <cstdint>

namespace lio::inline v0::op {

/// What all messages share.
template <class Derived>
class ring_message : public operation<Derived> {
public:
    /// The kernel refuses it (EINVAL).
    Derived personality(personality_id id) const = delete;

protected:
    template <lio::detail::user_data_value T>
    constexpr ring_message(descriptor target, std::uint64_t what, const T& user_data) noexcept {
        this->set_file(target);
        this->entry_.addr = what;
        this->entry_.off = lio::detail::to_user_data(user_data);
    }
};

/// Puts a completion into another ring: with this result and this user_data, as if an operation of that ring had
/// completed. io_uring_enter(2).
/// Result: nothing; the completion is there, or on its way to the thread that the other ring belongs to.
/// Lifetimes: no argument is pointed to. `target` is the descriptor of the other ring, ring::file(), or a slot that
/// holds it; the other ring must not be closed before this has been submitted.
/// Traps: EBADFD: `target` is no ring, or has not been enabled yet, which a ring of this library is when its thread
/// first submits or waits for something, or calls enable(). A full ring loses nothing: the kernel keeps the message
/// until there is room, and EOVERFLOW means that there is not even memory for that. EOWNERDEAD: the other ring's thread
/// has ended. Success does not mean that anybody looks: the other ring may be closed before.
/// Since Linux 5.18.
class msg_ring : public ring_message<msg_ring> {
public:
    static constexpr abi::opcode code = abi::opcode::msg_ring;
    static constexpr kernel_version since{5, 18};
    using result_type = void;

    /// `result` is what cqe::result() says over there: an error if it is negative.
    template <lio::detail::user_data_value T>
    constexpr msg_ring(descriptor target, std::int32_t result, const T& user_data) noexcept
        : ring_message{target, abi::msg_data, user_data} {
        entry_.len = static_cast<std::uint32_t>(result);
    }

    /// The other completion carries these flags too, as cqe::flags() gives them. Bits that say something of the
    /// completion's form (abi::cqe_f_32, abi::cqe_f_skip) confuse its reader. Since Linux 6.3; EINVAL before.
    constexpr msg_ring pass_flags(std::uint32_t flags) const noexcept {
        msg_ring changed = *this;
        changed.entry_.file_index = flags;
        changed.entry_.msg_ring_flags = abi::msg_ring_flags_pass;
        return changed;
    }
};

/// What the messages share that carry a file.
template <class Derived>
class ring_file_message : public ring_message<Derived> {
public:
    /// The other ring gets the file without being told.
    constexpr Derived skip_notice() const noexcept {
        Derived changed = this->self();
        changed.entry_.msg_ring_flags = abi::msg_ring_cqe_skip;
        return changed;
    }

protected:
    template <lio::detail::user_data_value T>
    constexpr ring_file_message(descriptor target, direct_descriptor file, std::uint32_t file_index,
                                const T& user_data) noexcept
        : ring_message<Derived>{target, abi::msg_send_fd, user_data} {
        this->entry_.addr3 = file.slot();
        this->entry_.file_index = file_index;
    }
};

/// Puts a registered file of this ring into a slot of another ring too, and a completion with this user_data that tells
/// of it. io_uring_enter(2).
/// Result: nothing, here and there.
/// Lifetimes: no argument is pointed to. `target` as for msg_ring. The file stays in this ring's slot as well.
/// Traps: those of msg_ring, except that EOVERFLOW comes when the file has arrived and only the notice has not. EBADF:
/// nothing is registered in the slot here. EINVAL: both are the same ring, or the slot there is beyond its table.
/// ENXIO: the other ring has no table. What was in the slot there is closed.
/// Since Linux 6.0.
class msg_ring_send_fd : public ring_file_message<msg_ring_send_fd> {
public:
    static constexpr abi::opcode code = abi::opcode::msg_ring;
    static constexpr kernel_version since{6, 0};
    using result_type = void;

    template <lio::detail::user_data_value T>
    constexpr msg_ring_send_fd(descriptor target, direct_descriptor file, direct_descriptor slot_there,
                               const T& user_data) noexcept
        : ring_file_message{target, file, lio::detail::file_index_of(slot_there), user_data} {}
};

/// The same with a slot of the other ring that the kernel picks. io_uring_enter(2).
/// Result: the slot in the other ring. Its completion says it there, too.
/// Lifetimes: those of msg_ring_send_fd.
/// Traps: those of msg_ring_send_fd. ENFILE: no slot is free there.
/// Since Linux 6.0.
class msg_ring_send_fd_allocate : public ring_file_message<msg_ring_send_fd_allocate> {
public:
    static constexpr abi::opcode code = abi::opcode::msg_ring;
    static constexpr kernel_version since{6, 0};
    using result_type = direct_descriptor;

    template <lio::detail::user_data_value T>
    constexpr msg_ring_send_fd_allocate(descriptor target, direct_descriptor file, const T& user_data) noexcept
        : ring_file_message{target, file, abi::file_index_alloc, user_data} {}
};

} // namespace lio::inline v0::op
