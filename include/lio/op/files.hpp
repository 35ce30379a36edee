// Operations on open files, and opening them: read and write in their forms, openat, close, fsync, statx and the calls
// on a file's space and size. Values that own nothing; any thread. Includes no system header.
#pragma once

#include <lio/abi/operation_flags.hpp>
#include <lio/file_offset.hpp>
#include <lio/iovec_list.hpp>
#include <lio/op/operation.hpp>
#include <lio/op/unmarked_failure.hpp>
#include <lio/path_name.hpp>
#include <lio/registered_buffer.hpp>

#include <cstddef>
#include <cstdint>

struct statx;

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

/// What openat2 does not allow on the way to the file, as bits of a set. The RESOLVE_... flags of openat2(2).
enum class resolve_flag : std::uint64_t {
    /// No limits.
    none = 0,
    /// Onto another mounted file system: EXDEV.
    no_xdev = 1u << 0,
    /// Through the links of /proc that are no real paths: ELOOP.
    no_magic_links = 1u << 1,
    /// Through any symbolic link: ELOOP.
    no_symlinks = 1u << 2,
    /// Out of the directory, by "..", an absolute path or a link: EXDEV.
    beneath = 1u << 3,
    /// The directory is treated as the root: "/" and ".." lead no further up.
    in_root = 1u << 4,
    /// Only if no disk has to be waited for: EAGAIN. Since Linux 5.12.
    cached = 1u << 5,
};

constexpr resolve_flag operator|(resolve_flag a, resolve_flag b) noexcept {
    return static_cast<resolve_flag>(static_cast<std::uint64_t>(a) | static_cast<std::uint64_t>(b));
}

/// How op::openat2 opens a file; the kernel's struct open_how.
struct open_how {
    /// O_..., as for openat.
    std::uint64_t flags = 0;
    /// The permissions of a file that is created. Must be 0 without O_CREAT or O_TMPFILE.
    std::uint64_t mode = 0;
    resolve_flag resolve = resolve_flag::none;
};

static_assert(sizeof(open_how) == 24);

namespace op {

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

/// Waits until what was written to the file, and everything about the file, is on the disk. fsync(2).
/// Result: nothing.
/// Lifetimes: no argument is pointed to.
/// Traps: it covers the writes that have completed before it starts, not those submitted before it: link it behind the
/// write, or use drain(). When it fails, a chain goes on behind it; see unmarked_failure.
/// Since Linux 5.1.
class fsync : public unmarked_failure<fsync> {
public:
    static constexpr abi::opcode code = abi::opcode::fsync;
    static constexpr kernel_version since{5, 1};
    using result_type = void;

    constexpr explicit fsync(descriptor file) noexcept { set_file(file); }

    /// Only the data, and what is needed to read it back. fdatasync(2).
    constexpr fsync datasync() const noexcept {
        fsync changed = *this;
        changed.entry_.fsync_flags = abi::fsync_datasync;
        return changed;
    }

    /// Only the bytes from `offset` on, `length` of them. A length of 0 with an offset of 0 is the whole file. Some
    /// file systems write everything all the same.
    constexpr fsync range(std::uint64_t offset, std::uint32_t length) const noexcept {
        fsync changed = *this;
        changed.entry_.off = offset;
        changed.entry_.len = length;
        return changed;
    }
};

/// Opens a file; `path` is relative to `directory` (a descriptor, or current_directory), `flags` are the O_... of
/// <fcntl.h>, `mode` the permissions of a file that O_CREAT or O_TMPFILE makes. openat(2).
/// Result: the descriptor, which is the program's to close.
/// Lifetimes: the path until the operation has been submitted.
/// Traps: a descriptor whose completion nobody reads is never closed. O_CLOEXEC is not set by itself.
/// Since Linux 5.6.
class openat : public operation<openat> {
public:
    static constexpr abi::opcode code = abi::opcode::openat;
    static constexpr kernel_version since{5, 6};
    using result_type = int;

    openat(int directory, path_name path, int flags, std::uint32_t mode = 0) noexcept {
        entry_.fd = directory;
        entry_.addr = address(path.c_str());
        entry_.open_flags = static_cast<std::uint32_t>(flags);
        entry_.len = mode;
    }
};

/// Opens a file as openat does, with limits on the way there. openat2(2).
/// Result: the descriptor, which is the program's to close.
/// Lifetimes: the path and `how` until the operation has been submitted.
/// Traps: a descriptor whose completion nobody reads is never closed. EINVAL where openat ignores: a flag that this
/// kernel does not know, a mode without O_CREAT.
/// Since Linux 5.6.
class openat2 : public operation<openat2> {
public:
    static constexpr abi::opcode code = abi::opcode::openat2;
    static constexpr kernel_version since{5, 6};
    using result_type = int;

    openat2(int directory, path_name path, const open_how& how) noexcept {
        entry_.fd = directory;
        entry_.addr = address(path.c_str());
        entry_.addr2 = address(&how);
        entry_.len = sizeof how;
    }
    openat2(int directory, path_name path, const open_how&& how) = delete;
};

/// Closes a file: a descriptor, or a slot of the registered files, which is empty afterwards. close(2).
/// Result: nothing.
/// Lifetimes: no argument is pointed to.
/// Traps: it neither waits for nor cancels what is in flight on the file, which stays open until that is done. The
/// number can be another file's by the time the completion is read. A failure of the disk (EIO, ENOSPC, EDQUOT) leaves
/// it closed all the same. EBADF: the descriptor is a ring's, or the slot is empty. Do not close a slot on kernels
/// before 5.15: some take it for descriptor 0.
/// Since Linux 5.6; of a slot since 5.15.
class close : public operation<close> {
public:
    static constexpr abi::opcode code = abi::opcode::close;
    static constexpr kernel_version since{5, 6};
    using result_type = void;

    constexpr explicit close(descriptor file) noexcept {
        if (!file.is_direct()) {
            entry_.fd = file.value();
            return;
        }
        // The kernel counts from 1 here, because 0 says that there is no slot: the last number must not become
        // that, or descriptor 0 would be closed.
        const auto slot = static_cast<std::uint32_t>(file.value());
        entry_.file_index = slot + (slot != 0xffffffff);
    }
};

/// Asks what is known of a file: `flags` are the AT_... and `mask` the STATX_... of <sys/stat.h>. With AT_EMPTY_PATH
/// and the path "" it is about `directory` itself, which may be any file then. statx(2).
/// Result: nothing; `out` is filled.
/// Lifetimes: the path until the operation has been submitted (before Linux 5.18, until the completion), `out` until
/// the completion.
/// Traps: out.stx_mask says what was found, which can be more or less than was asked for. When it fails, a chain goes
/// on behind it; see unmarked_failure.
/// Since Linux 5.6.
class statx : public unmarked_failure<statx> {
public:
    static constexpr abi::opcode code = abi::opcode::statx;
    static constexpr kernel_version since{5, 6};
    using result_type = void;

    statx(int directory, path_name path, int flags, std::uint32_t mask, struct ::statx& out) noexcept {
        entry_.fd = directory;
        entry_.addr = address(path.c_str());
        entry_.addr2 = address(&out);
        entry_.len = mask;
        entry_.statx_flags = static_cast<std::uint32_t>(flags);
    }
};

/// Makes or takes away space in a file; `mode` is 0, which allocates, or made of the FALLOC_FL_... of <fcntl.h>.
/// fallocate(2).
/// Result: nothing.
/// Lifetimes: no argument is pointed to.
/// Traps: without FALLOC_FL_KEEP_SIZE the file grows. A length of 0 is EINVAL. When it fails, a chain goes on behind
/// it; see unmarked_failure.
/// Since Linux 5.6.
class fallocate : public unmarked_failure<fallocate> {
public:
    static constexpr abi::opcode code = abi::opcode::fallocate;
    static constexpr kernel_version since{5, 6};
    using result_type = void;

    constexpr fallocate(descriptor file, int mode, std::uint64_t offset, std::uint64_t length) noexcept {
        set_file(file);
        entry_.off = offset;
        // The length is wider than the field of that name, which has the mode instead.
        entry_.addr = length;
        entry_.len = static_cast<std::uint32_t>(mode);
    }
};

/// Makes a file `length` bytes long: cuts it, or adds a hole. ftruncate(2).
/// Result: nothing.
/// Lifetimes: no argument is pointed to.
/// Traps: when it fails, a chain goes on behind it; see unmarked_failure.
/// Since Linux 6.9.
class ftruncate : public unmarked_failure<ftruncate> {
public:
    static constexpr abi::opcode code = abi::opcode::ftruncate;
    static constexpr kernel_version since{6, 9};
    using result_type = void;

    constexpr ftruncate(descriptor file, std::uint64_t length) noexcept {
        set_file(file);
        entry_.off = length;
    }
};

/// Says how a file is going to be used; `advice` is one of the POSIX_FADV_... of <fcntl.h>. A length of 0 reaches to
/// the end of the file. posix_fadvise(2).
/// Result: nothing.
/// Lifetimes: no argument is pointed to.
/// Traps: lengths from 2^32 on need Linux 6.11; EINVAL before.
/// Since Linux 5.6.
class fadvise : public operation<fadvise> {
public:
    static constexpr abi::opcode code = abi::opcode::fadvise;
    static constexpr kernel_version since{5, 6};
    using result_type = void;

    constexpr fadvise(descriptor file, std::uint64_t offset, std::uint64_t length, int advice) noexcept {
        set_file(file);
        entry_.off = offset;
        // Every kernel reads the short field; those that know the long one look there first.
        if (length <= 0xffffffff)
            entry_.len = static_cast<std::uint32_t>(length);
        else
            entry_.addr = length;
        entry_.fadvise_advice = static_cast<std::uint32_t>(advice);
    }
};

} // namespace op
} // namespace lio
