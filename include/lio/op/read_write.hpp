// Reading and writing in all forms. Values that own nothing; any thread. Includes no system header.
#pragma once

#include <lio/abi/operation_flags.hpp>
#include <lio/buffer_group.hpp>
#include <lio/file_offset.hpp>
#include <lio/iovec_list.hpp>
#include <lio/op/operation.hpp>
#include <lio/protection_information.hpp>
#include <lio/registered_buffer.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0 {

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

} // namespace lio::inline v0

namespace lio::inline v0::op {

/// What all reads and writes share.
template <class Derived>
class transfer : public operation<Derived> {
public:
    /// How it is to be done. Replaces earlier flags. A flag that the kernel or the file does not know is EOPNOTSUPP.
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
    constexpr void set_group(buffer_group group) noexcept {
        this->entry_.flags |= abi::sqe_buffer_select;
        this->entry_.buf_group = group.number();
    }
    constexpr void set_limit(std::uint32_t limit) noexcept {
        this->entry_.len = limit;
        if (limit > longest_limit) this->refuse(cause::span_too_long);
    }
    void set_vectors(iovec_list vectors) noexcept {
        this->entry_.addr = this->address(vectors.data());
        this->entry_.len = vectors.count();
    }
    void set_vectors(iovec_list vectors, registered_buffer buffer) noexcept {
        set_vectors(vectors);
        this->set_registered(buffer);
    }

private:
    static constexpr std::uint32_t longest_limit = 0x7ffff000;
};

/// What the reads and writes share that can be of a disk: they can carry what it keeps beside each block.
template <class Derived>
class disk_transfer : public transfer<Derived> {
public:
    /// The data goes together with its protection information, which a write hands to the disk and a read gets from
    /// it. For block devices that have such information, opened with O_DIRECT: EINVAL on anything else (or EOPNOTSUPP).
    /// `information` may change once the operation has been submitted, the memory that it names after the completion.
    /// Since Linux 6.14 (feature rw_attr); before, it is ignored without a word.
    Derived protection_information(const lio::protection_information& information) const noexcept {
        Derived changed = this->self();
        changed.entry_.attr_ptr = this->address(&information);
        changed.entry_.attr_type_mask = abi::rw_attr_flag_pi;
        if (information.is_too_long()) changed.refuse(cause::span_too_long);
        return changed;
    }
    Derived protection_information(const lio::protection_information&& information) const = delete;

protected:
    using transfer<Derived>::transfer;
};

/// What all writes share.
template <class Derived>
class write_transfer : public disk_transfer<Derived> {
public:
    /// The data belongs to this stream of the device: what is written to one stream is kept together, because it will
    /// be overwritten at about the same time. 0 is no stream. For block devices that have so many streams, opened
    /// with O_DIRECT: with too high a number those fail with EINVAL, while other files take no notice. Since Linux
    /// 6.16; before, it is ignored without a word.
    constexpr Derived write_stream(std::uint8_t stream) const noexcept {
        Derived changed = this->self();
        changed.entry_.stream = abi::write_stream_choice{stream, {0, 0, 0}};
        return changed;
    }

protected:
    using disk_transfer<Derived>::disk_transfer;
};

/// Reads from `offset` on into `memory`. pread(2); with current_position, read(2).
/// Result: the number of bytes; 0 at the end of the file.
/// Lifetimes: the memory until the completion. With a group: the group's buffers for as long as the group is
/// registered; the one that was picked is named by cqe::buffer_id() and is the program's until it is given back.
/// Traps: fewer bytes than asked for are no error, but they break a chain. More than 0x7ffff000 bytes are refused by
/// push. A group without a free buffer gives ENOBUFS. A completion that failed or says 0 may carry a buffer too: give
/// it back.
/// Since Linux 5.6; groups since 5.7, with a buffer_ring since 5.19.
class read : public disk_transfer<read> {
public:
    static constexpr abi::opcode code = abi::opcode::read;
    static constexpr kernel_version since{5, 6};
    using result_type = std::uint32_t;

    read(descriptor file, mutable_bytes memory, file_offset offset) noexcept : disk_transfer{file, offset} {
        set_memory(memory.data(), memory.size());
    }

    /// Into a buffer that the kernel takes from `group` when it reads: at most `limit` bytes, or as many as fit if it
    /// is 0 (before Linux 6.0, 0 reads nothing).
    constexpr read(descriptor file, buffer_group group, file_offset offset, std::uint32_t limit = 0) noexcept
        : disk_transfer{file, offset} {
        set_limit(limit);
        set_group(group);
    }
};

/// Reads again and again from a file that can be waited for (a pipe, a terminal, an eventfd...), one completion for
/// each buffer that was filled, until it fails, is cancelled or the file ends. read(2), readiness as in poll(2).
/// Result: the number of bytes; 0 at the end of the file.
/// Lifetimes: the group's buffers for as long as the group is registered; the one that was filled is named by
/// cqe::buffer_id() and is the program's until it is given back.
/// Traps: it has ended when a completion comes without cqe::more(), whatever its result, and that one can still carry
/// bytes; submit it again if the file goes on. It ends with ENOBUFS when the group has no free buffer (nothing is lost:
/// give buffers back first, then submit it again), and on its own when the completion queue overflows. EBADFD: the file
/// is one that is always ready, a regular file for example. On a file whose driver cannot try without waiting it
/// reads once and ends.
/// Since Linux 6.7.
class read_multishot : public transfer<read_multishot> {
public:
    static constexpr abi::opcode code = abi::opcode::read_multishot;
    static constexpr kernel_version since{6, 7};
    static constexpr completes completions = completes::many;
    using result_type = std::uint32_t;
    static constexpr bool zero_ends = true;

    /// `offset` matters only where such a file has positions.
    constexpr read_multishot(descriptor file, buffer_group group, file_offset offset = 0) noexcept
        : transfer{file, offset} {
        set_group(group);
    }
};

/// Writes `memory` at `offset`. pwrite(2); with current_position, write(2).
/// Result: the number of bytes written.
/// Lifetimes: the memory, unchanged, until the completion.
/// Traps: fewer bytes than given are no error, but they break a chain. More than 0x7ffff000 bytes are refused by push.
/// A pipe without a reader raises SIGPIPE, as with write(2).
/// Since Linux 5.6.
class write : public write_transfer<write> {
public:
    static constexpr abi::opcode code = abi::opcode::write;
    static constexpr kernel_version since{5, 6};
    using result_type = std::uint32_t;

    write(descriptor file, bytes memory, file_offset offset) noexcept : write_transfer{file, offset} {
        set_memory(memory.data(), memory.size());
    }
};

/// Reads from `offset` on into several pieces of memory, one after the other. preadv(2).
/// Result: the number of bytes, all pieces together; 0 at the end of the file.
/// Lifetimes: the array until the operation has been submitted (before Linux 5.5, until the completion), the memory
/// that it names until the completion. With a group: as for read.
/// Traps: those of read, except that more than 0x7ffff000 bytes in all are cut short by the kernel. More than 1024
/// pieces are EINVAL.
/// Since Linux 5.1; groups since 5.7, with a buffer_ring since 5.19.
class readv : public disk_transfer<readv> {
public:
    static constexpr abi::opcode code = abi::opcode::readv;
    static constexpr kernel_version since{5, 1};
    using result_type = std::uint32_t;

    readv(descriptor file, iovec_list vectors, file_offset offset) noexcept : disk_transfer{file, offset} {
        set_vectors(vectors);
    }
    readv(descriptor file, const ::iovec* first, std::size_t count, file_offset offset) noexcept
        : readv{file, iovec_list{first, count}, offset} {}

    /// Into a buffer that the kernel takes from `group` when it reads: at most as many bytes as `limit` has room for
    /// (where that points to does not matter). op::read says the same in fewer words.
    readv(descriptor file, buffer_group group, const ::iovec& limit, file_offset offset) noexcept
        : readv{file, iovec_list{&limit, 1}, offset} {
        set_group(group);
    }
    readv(descriptor file, buffer_group group, const ::iovec&& limit, file_offset offset) = delete;
};

/// Writes several pieces of memory, one after the other, at `offset`. pwritev(2).
/// Result: the number of bytes written, all pieces together.
/// Lifetimes: the array until the operation has been submitted (before Linux 5.5, until the completion), the memory
/// that it names, unchanged, until the completion.
/// Traps: those of write, except that more than 0x7ffff000 bytes in all are cut short by the kernel. More than 1024
/// pieces are EINVAL.
/// Since Linux 5.1.
class writev : public write_transfer<writev> {
public:
    static constexpr abi::opcode code = abi::opcode::writev;
    static constexpr kernel_version since{5, 1};
    using result_type = std::uint32_t;

    writev(descriptor file, iovec_list vectors, file_offset offset) noexcept : write_transfer{file, offset} {
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
class read_fixed : public disk_transfer<read_fixed> {
public:
    static constexpr abi::opcode code = abi::opcode::read_fixed;
    static constexpr kernel_version since{5, 1};
    using result_type = std::uint32_t;

    read_fixed(descriptor file, registered_buffer buffer, file_offset offset) noexcept : disk_transfer{file, offset} {
        set_buffer(buffer);
    }
};

/// Writes a registered buffer, or a part of one, at `offset`. pwrite(2).
/// Result: the number of bytes written.
/// Lifetimes: the memory, unchanged, and its registration until the completion.
/// Traps: those of write. EFAULT: there is no such buffer, or the part is not within it.
/// Since Linux 5.1.
class write_fixed : public write_transfer<write_fixed> {
public:
    static constexpr abi::opcode code = abi::opcode::write_fixed;
    static constexpr kernel_version since{5, 1};
    using result_type = std::uint32_t;

    write_fixed(descriptor file, registered_buffer buffer, file_offset offset) noexcept
        : write_transfer{file, offset} {
        set_buffer(buffer);
    }
};

/// Reads from `offset` on into several pieces of one registered buffer, one after the other. preadv(2).
/// Result: the number of bytes, all pieces together; 0 at the end of the file.
/// Lifetimes: the array until the operation has been submitted, the memory and its registration until the completion.
/// Traps: fewer bytes than asked for are no error, but they break a chain. EFAULT: there is no such buffer, a piece is
/// not all within it, or a piece is empty. EINVAL: the pieces are more than 1024. ENOMEM: they are far more, or about
/// 1 GiB in all, because the kernel lists every page.
/// Since Linux 6.15.
class readv_fixed : public disk_transfer<readv_fixed> {
public:
    static constexpr abi::opcode code = abi::opcode::readv_fixed;
    static constexpr kernel_version since{6, 15};
    using result_type = std::uint32_t;

    /// Of `buffer` only its number counts: the pieces may lie anywhere in it.
    readv_fixed(descriptor file, iovec_list vectors, registered_buffer buffer, file_offset offset) noexcept
        : disk_transfer{file, offset} {
        set_vectors(vectors, buffer);
    }
};

/// Writes several pieces of one registered buffer, one after the other, at `offset`. pwritev(2).
/// Result: the number of bytes written, all pieces together.
/// Lifetimes: the array until the operation has been submitted, the memory, unchanged, and its registration until the
/// completion.
/// Traps: those of readv_fixed. A pipe without a reader raises SIGPIPE, as with write(2).
/// Since Linux 6.15.
class writev_fixed : public write_transfer<writev_fixed> {
public:
    static constexpr abi::opcode code = abi::opcode::writev_fixed;
    static constexpr kernel_version since{6, 15};
    using result_type = std::uint32_t;

    /// Of `buffer` only its number counts: the pieces may lie anywhere in it.
    writev_fixed(descriptor file, iovec_list vectors, registered_buffer buffer, file_offset offset) noexcept
        : write_transfer{file, offset} {
        set_vectors(vectors, buffer);
    }
};

} // namespace lio::inline v0::op
