// Commands that a file's own driver understands, what ioctl(2) is among the system calls; and the base for a program's
// own types of commands. Values that own nothing; any thread.
#pragma once

#include <lio/abi/operation_flags.hpp>
#include <lio/buffer_group.hpp>
#include <lio/op/operation.hpp>
#include <lio/registered_buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace lio::inline v0::op {

/// The base of every command, for a program's own ones as well:
///
///     struct wash_request { std::uint32_t degrees, minutes; };
///
///     class wash : public lio::op::command<wash> {
///     public:
///         using result_type = void; // unless it is a number
///         wash(lio::descriptor machine, wash_request request) noexcept : command{machine, 7} { set_payload(request); }
///     };
///
/// The driver finds the payload in the entry from its 48th byte on: up to 16 bytes, or 80 in an entry of 128 bytes
/// (command<wash, lio::abi::sqe128>). Whatever else it looks for in the entry, entry_ has. What the payload points to
/// must live until the completion.
template <class Derived, class Entry = abi::sqe>
class command : public operation<Derived, Entry> {
public:
    static constexpr abi::opcode code = abi::opcode::uring_cmd;
    static constexpr kernel_version since{5, 19};
    using result_type = std::uint32_t;

    /// The registered buffer that the command's data lies in, of which the entry holds only the number. Drivers that
    /// know nothing of that take no notice. Since Linux 6.1; EINVAL before.
    template <class Command = Derived> // a template, because Derived is still incomplete where this is declared
        requires(Command::completions == completes::once)
    constexpr Derived fixed(registered_buffer buffer) const noexcept {
        Derived changed = this->self();
        changed.set_registered(buffer);
        changed.entry_.uring_cmd_flags = abi::uring_cmd_fixed;
        return changed;
    }

protected:
    /// How much of a payload the entry holds.
    static constexpr std::size_t payload_room = sizeof(Entry) - 48;

    /// `number` is the driver's name of the command.
    constexpr command(descriptor file, std::uint32_t number) noexcept {
        this->set_file(file);
        this->entry_.command = abi::command_operation{number, 0};
    }

    template <class Payload>
    void set_payload(const Payload& payload) noexcept {
        static_assert(std::is_trivially_copyable_v<Payload>, "the driver gets its bytes");
        static_assert(sizeof(Payload) <= payload_room, "an entry holds 16 bytes, one of 128 bytes 80");
        __builtin_memcpy(reinterpret_cast<unsigned char*>(&this->entry_) + 48, &payload, sizeof payload);
    }
};

/// The base of commands that complete again and again, each time with a buffer of a group.
template <class Derived, class Entry = abi::sqe>
class multishot_command : public command<Derived, Entry> {
public:
    static constexpr kernel_version since{6, 18};
    static constexpr completes completions = completes::many;

protected:
    constexpr multishot_command(descriptor file, std::uint32_t number, buffer_group group) noexcept
        : command<Derived, Entry>{file, number} {
        this->entry_.flags |= abi::sqe_buffer_select;
        this->entry_.buf_group = group.number();
        this->entry_.uring_cmd_flags = abi::uring_cmd_multishot;
    }
};

/// Gives a command with up to 16 bytes of data to the driver of a file. ioctl(2) is the nearest thing to it.
/// Result: what the driver says, 0 or more.
/// Lifetimes: the payload is copied when the operation is made; what it points to must live until the completion.
/// Traps: only a driver knows what its numbers mean, and the same number means something else to another. EOPNOTSUPP:
/// the file has no such commands, as most have not. The numbers are not those of ioctl(2), though they may look like
/// them.
/// Since Linux 5.19.
class uring_cmd : public command<uring_cmd> {
public:
    uring_cmd(descriptor file, std::uint32_t number) noexcept : command{file, number} {}
    template <class Payload>
    uring_cmd(descriptor file, std::uint32_t number, const Payload& payload) noexcept : command{file, number} {
        set_payload(payload);
    }
};

/// The same with up to 80 bytes of data, in a ring all of whose entries have 128 bytes. ioctl(2).
/// Result: what the driver says, 0 or more.
/// Lifetimes: those of uring_cmd.
/// Traps: those of uring_cmd. A driver may want completions of 32 bytes, too.
/// Since Linux 5.19.
class large_uring_cmd : public command<large_uring_cmd, abi::sqe128> {
public:
    large_uring_cmd(descriptor file, std::uint32_t number) noexcept : command{file, number} {}
    template <class Payload>
    large_uring_cmd(descriptor file, std::uint32_t number, const Payload& payload) noexcept : command{file, number} {
        set_payload(payload);
    }
};

/// The same with up to 80 bytes of data, by a number of its own that is understood in each ring that takes entries of
/// 128 bytes at all. ioctl(2).
/// Result: what the driver says, 0 or more.
/// Lifetimes: those of uring_cmd.
/// Traps: those of uring_cmd. A driver may want completions of 32 bytes, too.
/// Since Linux 6.19.
class uring_cmd128 : public command<uring_cmd128, abi::sqe128> {
public:
    static constexpr abi::opcode code = abi::opcode::uring_cmd128;
    static constexpr kernel_version since{6, 19};

    uring_cmd128(descriptor file, std::uint32_t number) noexcept : command{file, number} {}
    template <class Payload>
    uring_cmd128(descriptor file, std::uint32_t number, const Payload& payload) noexcept : command{file, number} {
        set_payload(payload);
    }
};

/// Gives a command to the driver of a file that completes again and again, each time with a buffer of `group`.
/// ioctl(2).
/// Result: what the driver says, 0 or more.
/// Lifetimes: those of uring_cmd; the group's buffers for as long as the group is registered.
/// Traps: a driver that knows no such commands may take it for a plain one, and no completion comes at all. It has
/// ended when a completion comes without cqe::more(), whatever its result.
/// Since Linux 6.18.
class uring_cmd_multishot : public multishot_command<uring_cmd_multishot> {
public:
    uring_cmd_multishot(descriptor file, std::uint32_t number, buffer_group group) noexcept
        : multishot_command{file, number, group} {}
    template <class Payload>
    uring_cmd_multishot(descriptor file, std::uint32_t number, buffer_group group, const Payload& payload) noexcept
        : multishot_command{file, number, group} {
        set_payload(payload);
    }
};

} // namespace lio::inline v0::op
