// Reading and writing in all forms. Values that own nothing; any thread. Includes no system header.
#pragma once

#include <lio/abi/operation_flags.hpp>
#include <lio/file_offset.hpp>
#include <lio/iovec_list.hpp>
#include <lio/op/operation.hpp>
#include <lio/registered_buffer.hpp>

#include <cstddef>
#include <cstdint>

namespace lio {

/// How a read or write is to be done, as bits of a set: rw_flag::append | rw_flag::data_sync. The RWF_... flags of
/// preadv2(2).
enum class rw_flag : std::uint32_t {
    /// Polled for. Rings with setup::iopoll do that anyway; on others it fails with EINVAL. Since Linux 5.1.
    high_priority = 1u << 0,
    /// The data is on the disk when the write completes, as after fdatasync(). Since Linux 5.1.
    data_sync = 1u << 1,
    /// The data and everything about the file is, as after fsync(). Since Linux 5.1.
    sync = 1u << 2,
    /// Fails with EAGAIN instead of waiting, for the disk or for another's lock. Since Linux 5.1.
    no_wait = 1u << 3,
    /// Writes at the end of the file, wherever the offset points. Since Linux 5.1.
    append = 1u << 4,
    /// Writes at the offset, although the file was opened with O_APPEND. Since Linux 6.9.
    no_append = 1u << 5,
    /// The write is on the disk whole or not at all; files and devices that can, with O_DIRECT. Since Linux 6.11.
    atomic = 1u << 6,
    /// The data leaves the page cache again at once; some file systems. Since Linux 6.14.
    dont_cache = 1u << 7,
    /// No SIGPIPE when the reader is gone, EPIPE only. Since Linux 6.18.
    no_signal = 1u << 8,
};

constexpr rw_flag operator|(rw_flag a, rw_flag b) noexcept {
    return static_cast<rw_flag>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}

} // namespace lio

namespace lio::op {

/// What all reads and writes share.
template <class Derived>
class transfer : public operation<Derived> {
public:
    /// How it is to be done. Replaces earlier flags.
    constexpr Derived flags(rw_flag flags) const noexcept {
        Derived changed = this->self();
        changed.entry_.rw_flags = static_cast<std::uint32_t>(flags);
        return changed;
    }

    /// The priority of the disk access, class and level as ioprio_set(2) combines them: (class << 13) | level.
    /// Without it, that of the calling thread.
    constexpr Derived io_priority(std::uint16_t priority) const noexcept {
        Derived changed = this->self();
        changed.entry_.ioprio = priority;
        return changed;
    }

protected:
    constexpr transfer(descriptor file, file_offset offset) noexcept {
        this->set_file(file);
        this->entry_.off = offset.value();
    }
    constexpr void set_buffer(registered_buffer buffer) noexcept {
        this->set_memory(buffer.memory().data(), buffer.size());
        this->entry_.buf_index = buffer.index();
    }
    constexpr void set_vectors(iovec_list vectors) noexcept {
        this->entry_.addr = this->address(vectors.data());
        this->entry_.len = vectors.count();
    }
};

/// Reads from `offset` on into `memory`. pread(2); with current_position, read(2).
/// Result: the number of bytes; 0 at the end of the file.
/// Lifetimes: the memory until the completion.
/// Traps: fewer bytes than asked for are no error, but they break a chain. More than 0x7ffff000 bytes are refused by
/// push.
/// Since Linux 5.6.
class read : public transfer<read> {
public:
    static constexpr abi::opcode code = abi::opcode::read;
    static constexpr kernel_version since{5, 6};
    using result_type = std::uint32_t;

    read(descriptor file, mutable_bytes memory, file_offset offset) noexcept : transfer{file, offset} {
        set_memory(memory.data(), memory.size());
    }
};

/// Writes `memory` at `offset`. pwrite(2); with current_position, write(2).
/// Result: the number of bytes written.
/// Lifetimes: the memory, unchanged, until the completion.
/// Traps: fewer bytes than given are no error, but they break a chain. More than 0x7ffff000 bytes are refused by push.
/// A pipe without a reader raises SIGPIPE, as with write(2).
/// Since Linux 5.6.
class write : public transfer<write> {
public:
    static constexpr abi::opcode code = abi::opcode::write;
    static constexpr kernel_version since{5, 6};
    using result_type = std::uint32_t;

    write(descriptor file, bytes memory, file_offset offset) noexcept : transfer{file, offset} {
        set_memory(memory.data(), memory.size());
    }
};

/// Reads from `offset` on into several pieces of memory, one after the other. preadv(2).
/// Result: the number of bytes, all pieces together; 0 at the end of the file.
/// Lifetimes: the array until the operation has been submitted (before Linux 5.5, until the completion), the memory
/// that it names until the completion.
/// Traps: those of read, except that more than 0x7ffff000 bytes in all are cut short by the kernel. More than 1024
/// pieces are EINVAL.
/// Since Linux 5.1.
class readv : public transfer<readv> {
public:
    static constexpr abi::opcode code = abi::opcode::readv;
    static constexpr kernel_version since{5, 1};
    using result_type = std::uint32_t;

    readv(descriptor file, iovec_list vectors, file_offset offset) noexcept : transfer{file, offset} {
        set_vectors(vectors);
    }
    readv(descriptor file, const ::iovec* first, std::size_t count, file_offset offset) noexcept
        : readv{file, iovec_list{first, count}, offset} {}
};

/// Writes several pieces of memory, one after the other, at `offset`. pwritev(2).
/// Result: the number of bytes written, all pieces together.
/// Lifetimes: the array until the operation has been submitted (before Linux 5.5, until the completion), the memory
/// that it names, unchanged, until the completion.
/// Traps: those of write, except that more than 0x7ffff000 bytes in all are cut short by the kernel. More than 1024
/// pieces are EINVAL.
/// Since Linux 5.1.
class writev : public transfer<writev> {
public:
    static constexpr abi::opcode code = abi::opcode::writev;
    static constexpr kernel_version since{5, 1};
    using result_type = std::uint32_t;

    writev(descriptor file, iovec_list vectors, file_offset offset) noexcept : transfer{file, offset} {
        set_vectors(vectors);
    }
    writev(descriptor file, const ::iovec* first, std::size_t count, file_offset offset) noexcept
        : writev{file, iovec_list{first, count}, offset} {}
};

/// Reads from `offset` on into a registered buffer, or a part of one. pread(2).
/// Result: the number of bytes; 0 at the end of the file.
/// Lifetimes: the memory and its registration until the completion.
/// Traps: those of read. EFAULT: there is no such buffer, or the part is not within it.
/// Since Linux 5.1.
class read_fixed : public transfer<read_fixed> {
public:
    static constexpr abi::opcode code = abi::opcode::read_fixed;
    static constexpr kernel_version since{5, 1};
    using result_type = std::uint32_t;

    read_fixed(descriptor file, registered_buffer buffer, file_offset offset) noexcept : transfer{file, offset} {
        set_buffer(buffer);
    }
};

/// Writes a registered buffer, or a part of one, at `offset`. pwrite(2).
/// Result: the number of bytes written.
/// Lifetimes: the memory, unchanged, and its registration until the completion.
/// Traps: those of write. EFAULT: there is no such buffer, or the part is not within it.
/// Since Linux 5.1.
class write_fixed : public transfer<write_fixed> {
public:
    static constexpr abi::opcode code = abi::opcode::write_fixed;
    static constexpr kernel_version since{5, 1};
    using result_type = std::uint32_t;

    write_fixed(descriptor file, registered_buffer buffer, file_offset offset) noexcept : transfer{file, offset} {
        set_buffer(buffer);
    }
};

} // namespace lio::op
