// Commands of NVMe as such, past the file system and the block layer. Values that own nothing; any thread.
#pragma once

#include <lio/abi/nvme.hpp>
#include <lio/bytes.hpp>
#include <lio/completion.hpp>
#include <lio/iovec_list.hpp>
#include <lio/op/command.hpp>
#include <lio/registered_buffer.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0 {

/// An NVMe command: abi::nvme_uring_cmd, whose words the NVMe specification explains. `addr` and `data_len` are filled
/// in by the operation.
using nvme_command = abi::nvme_uring_cmd;

/// What a device says to an NVMe command: 0 is success, all else the status of the specification: in its lowest eight
/// bits the code, in the next three its kind.
class nvme_status {
public:
    explicit constexpr nvme_status(std::uint32_t value) noexcept : value_{static_cast<std::uint16_t>(value)} {}
    constexpr bool is_success() const noexcept { return value_ == 0; }
    constexpr std::uint16_t value() const noexcept { return value_; }
    constexpr std::uint8_t code() const noexcept { return static_cast<std::uint8_t>(value_ & 0xff); }
    constexpr std::uint8_t code_type() const noexcept { return static_cast<std::uint8_t>(value_ >> 8 & 7); }
    friend constexpr bool operator==(nvme_status, nvme_status) noexcept = default;

private:
    std::uint16_t value_;
};

/// The completion of an NVMe command.
class nvme_completion {
public:
    explicit constexpr nvme_completion(const large_cqe& done) noexcept : done_{done} {}

    /// What the device said; an error if the command never got there, or was aborted (EINTR).
    constexpr result<nvme_status> status() const noexcept {
        if (done_.raw_result() < 0) return error{-done_.raw_result()};
        return nvme_status{static_cast<std::uint32_t>(done_.raw_result())};
    }

    /// The two words (eight bytes) of the command's own answer.
    constexpr std::uint64_t answer() const noexcept { return done_.extra(0); }

private:
    large_cqe done_;
};

} // namespace lio::inline v0

namespace lio::inline v0::op {

/// What all NVMe commands share. Each needs an entry of 128 bytes and a completion of 32.
template <class Derived>
class nvme_operation : public command<Derived, abi::sqe128> {
public:
    static constexpr bool large_completion = true;
    using result_type = nvme_status;
    using completion_type = nvme_completion;

    /// What a device refuses is no failure to the kernel: the completion would vanish together with the device's
    /// answer.
    Derived skip_success() const = delete;

protected:
    nvme_operation(descriptor file, std::uint32_t number, nvme_command request, const void* data,
                   std::size_t length) noexcept
        : command<Derived, abi::sqe128>{file, number} {
        request.addr = this->address(data);
        request.data_len = static_cast<std::uint32_t>(length);
        this->set_payload(request);
        if (length > UINT32_MAX) this->refuse(cause::span_too_long);
    }
    nvme_operation(descriptor file, std::uint32_t number, const nvme_command& request, mutable_bytes data) noexcept
        : nvme_operation{file, number, request, data.data(), data.size()} {}
    nvme_operation(descriptor file, std::uint32_t number, const nvme_command& request,
                   registered_buffer data) noexcept
        : nvme_operation{file, number, request, data.memory()} {
        set_fixed(data);
    }
    nvme_operation(descriptor file, std::uint32_t number, const nvme_command& request, const void* data,
                   std::size_t length, registered_buffer buffer) noexcept
        : nvme_operation{file, number, request, data, length} {
        set_fixed(buffer);
    }

private:
    constexpr void set_fixed(registered_buffer buffer) noexcept {
        this->set_registered(buffer);
        this->entry_.uring_cmd_flags = abi::uring_cmd_fixed;
    }
};

/// Gives a command to an NVMe namespace: /dev/ng0n1 and its like. The NVMe specification says what there
/// is. ioctl(2) is the synchronous form.
/// Result: an nvme_status; large_cqe::as() is an nvme_completion, with the device's answer.
/// Lifetimes: `data`, which the device reads or writes, until the completion; metadata that the command points to, too.
/// The command is copied.
/// Traps: the file system knows nothing of it. A command that the device refuses is no failure to the kernel: a chain
/// goes on behind it. EACCES: without CAP_SYS_ADMIN the device decides which commands are harmless, and what writes
/// needs a file that is open for writing. EINVAL: the namespace in the command is not this one. EOPNOTSUPP: the file
/// has no such commands. ENOTTY: it has others, /dev/nvme0 those of nvme_admin.
/// Since Linux 5.19.
class nvme_io : public nvme_operation<nvme_io> {
public:
    nvme_io(descriptor file, const nvme_command& request, mutable_bytes data = {}) noexcept
        : nvme_operation{file, abi::nvme_uring_cmd_io, request, data} {}
    /// The data lies in a registered buffer, or a part of one. Since Linux 6.1.
    nvme_io(descriptor file, const nvme_command& request, registered_buffer data) noexcept
        : nvme_operation{file, abi::nvme_uring_cmd_io, request, data} {}
};

/// The same with its data in several pieces of memory. ioctl(2).
/// Result: that of nvme_io.
/// Lifetimes: the array and the memory that it names until the completion.
/// Traps: those of nvme_io.
/// Since Linux 5.19.
class nvme_io_vec : public nvme_operation<nvme_io_vec> {
public:
    nvme_io_vec(descriptor file, const nvme_command& request, iovec_list data) noexcept
        : nvme_operation{file, abi::nvme_uring_cmd_io_vec, request, data.data(), data.count()} {}
    /// Of `buffer` only its number counts: the pieces may lie anywhere in it. Since Linux 6.15; EINVAL before, and a
    /// warning in the kernel's log.
    nvme_io_vec(descriptor file, const nvme_command& request, iovec_list data, registered_buffer buffer) noexcept
        : nvme_operation{file, abi::nvme_uring_cmd_io_vec, request, data.data(), data.count(), buffer} {}
};

/// Gives a command to an NVMe controller: /dev/nvme0 and its like. The NVMe specification says what there
/// is. ioctl(2) is the synchronous form.
/// Result: that of nvme_io.
/// Lifetimes: those of nvme_io.
/// Traps: those of nvme_io. Without CAP_SYS_ADMIN all but a few questions are EACCES.
/// Since Linux 5.19.
class nvme_admin : public nvme_operation<nvme_admin> {
public:
    nvme_admin(descriptor file, const nvme_command& request, mutable_bytes data = {}) noexcept
        : nvme_operation{file, abi::nvme_uring_cmd_admin, request, data} {}
    /// The data lies in a registered buffer, or a part of one. Since Linux 6.1.
    nvme_admin(descriptor file, const nvme_command& request, registered_buffer data) noexcept
        : nvme_operation{file, abi::nvme_uring_cmd_admin, request, data} {}
};

/// The same with its data in several pieces of memory. ioctl(2).
/// Result: that of nvme_io.
/// Lifetimes: those of nvme_io_vec.
/// Traps: those of nvme_admin.
/// Since Linux 5.19.
class nvme_admin_vec : public nvme_operation<nvme_admin_vec> {
public:
    nvme_admin_vec(descriptor file, const nvme_command& request, iovec_list data) noexcept
        : nvme_operation{file, abi::nvme_uring_cmd_admin_vec, request, data.data(), data.count()} {}
    /// Of `buffer` only its number counts: the pieces may lie anywhere in it. Since Linux 6.15; EINVAL before, and a
    /// warning in the kernel's log.
    nvme_admin_vec(descriptor file, const nvme_command& request, iovec_list data, registered_buffer buffer) noexcept
        : nvme_operation{file, abi::nvme_uring_cmd_admin_vec, request, data.data(), data.count(), buffer} {}
};

/// As nvme_io, by the number that is understood in each ring that takes entries of 128 bytes at all. ioctl(2).
/// Result: that of nvme_io.
/// Lifetimes: those of nvme_io.
/// Traps: those of nvme_io.
/// Since Linux 6.19.
class nvme_io128 : public nvme_operation<nvme_io128> {
public:
    static constexpr abi::opcode code = abi::opcode::uring_cmd128;
    static constexpr kernel_version since{6, 19};

    nvme_io128(descriptor file, const nvme_command& request, mutable_bytes data = {}) noexcept
        : nvme_operation{file, abi::nvme_uring_cmd_io, request, data} {}
    /// The data lies in a registered buffer, or a part of one.
    nvme_io128(descriptor file, const nvme_command& request, registered_buffer data) noexcept
        : nvme_operation{file, abi::nvme_uring_cmd_io, request, data} {}
};

/// As nvme_io_vec, by the number that is understood in each ring that takes entries of 128 bytes at all. ioctl(2).
/// Result: that of nvme_io.
/// Lifetimes: those of nvme_io_vec.
/// Traps: those of nvme_io_vec.
/// Since Linux 6.19.
class nvme_io128_vec : public nvme_operation<nvme_io128_vec> {
public:
    static constexpr abi::opcode code = abi::opcode::uring_cmd128;
    static constexpr kernel_version since{6, 19};

    nvme_io128_vec(descriptor file, const nvme_command& request, iovec_list data) noexcept
        : nvme_operation{file, abi::nvme_uring_cmd_io_vec, request, data.data(), data.count()} {}
    /// Of `buffer` only its number counts: the pieces may lie anywhere in it.
    nvme_io128_vec(descriptor file, const nvme_command& request, iovec_list data, registered_buffer buffer) noexcept
        : nvme_operation{file, abi::nvme_uring_cmd_io_vec, request, data.data(), data.count(), buffer} {}
};

/// As nvme_admin, by the number that is understood in each ring that takes entries of 128 bytes at all. ioctl(2).
/// Result: that of nvme_io.
/// Lifetimes: those of nvme_admin.
/// Traps: those of nvme_admin.
/// Since Linux 6.19.
class nvme_admin128 : public nvme_operation<nvme_admin128> {
public:
    static constexpr abi::opcode code = abi::opcode::uring_cmd128;
    static constexpr kernel_version since{6, 19};

    nvme_admin128(descriptor file, const nvme_command& request, mutable_bytes data = {}) noexcept
        : nvme_operation{file, abi::nvme_uring_cmd_admin, request, data} {}
    /// The data lies in a registered buffer, or a part of one.
    nvme_admin128(descriptor file, const nvme_command& request, registered_buffer data) noexcept
        : nvme_operation{file, abi::nvme_uring_cmd_admin, request, data} {}
};

/// As nvme_admin_vec, by the number that is understood in each ring that takes entries of 128 bytes at all. ioctl(2).
/// Result: that of nvme_io.
/// Lifetimes: those of nvme_admin_vec.
/// Traps: those of nvme_admin_vec.
/// Since Linux 6.19.
class nvme_admin128_vec : public nvme_operation<nvme_admin128_vec> {
public:
    static constexpr abi::opcode code = abi::opcode::uring_cmd128;
    static constexpr kernel_version since{6, 19};

    nvme_admin128_vec(descriptor file, const nvme_command& request, iovec_list data) noexcept
        : nvme_operation{file, abi::nvme_uring_cmd_admin_vec, request, data.data(), data.count()} {}
    /// Of `buffer` only its number counts: the pieces may lie anywhere in it.
    nvme_admin128_vec(descriptor file, const nvme_command& request, iovec_list data, registered_buffer buffer) noexcept
        : nvme_operation{file, abi::nvme_uring_cmd_admin_vec, request, data.data(), data.count(), buffer} {}
};

} // namespace lio::inline v0::op
