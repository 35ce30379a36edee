// Operations on a file as such: its state, its size, its space, what of it is on the disk, and how it or memory is
// going to be used. Values that own nothing; any thread. Includes no system header.
#pragma once

#include <lio/abi/operation_flags.hpp>
#include <lio/op/operation.hpp>
#include <lio/op/unmarked_failure.hpp>
#include <lio/path_name.hpp>

#include <cstdint>

struct statx;

namespace lio::inline v0::op {

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

    /// Only the bytes from `offset` on, `length` of them, which is less than 2^32. A length of 0 with an offset of 0 is
    /// the whole file. Some file systems write everything all the same.
    constexpr fsync range(std::uint64_t offset, std::uint64_t length) const noexcept {
        fsync changed = *this;
        changed.entry_.off = offset;
        changed.entry_.len = static_cast<std::uint32_t>(length);
        if (length > 0xffffffff) changed.refuse(cause::range_too_long);
        return changed;
    }
};

/// Starts writing a part of a file to the disk, or waits until it is written: `flags` are the SYNC_FILE_RANGE_... of
/// <fcntl.h>. A length of 0 reaches to the end of the file; else it is less than 2^32. sync_file_range(2).
/// Result: nothing.
/// Lifetimes: no argument is pointed to.
/// Traps: this is no fsync: nothing about the file is written, nor is the disk's own cache, so after a power failure
/// the data may be out of reach or gone. Flags of 0 do nothing. More than 2^32 - 1 bytes are refused by push. When it
/// fails, a chain goes on behind it; see unmarked_failure.
/// Since Linux 5.2.
class sync_file_range : public unmarked_failure<sync_file_range> {
public:
    static constexpr abi::opcode code = abi::opcode::sync_file_range;
    static constexpr kernel_version since{5, 2};
    using result_type = void;

    constexpr sync_file_range(descriptor file, std::uint64_t offset, std::uint64_t length,
                              std::uint32_t flags) noexcept {
        set_file(file);
        entry_.off = offset;
        entry_.len = static_cast<std::uint32_t>(length);
        entry_.sync_range_flags = flags;
        if (length > 0xffffffff) refuse(cause::range_too_long);
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

/// Says how memory is going to be used, or changes what is in it; `advice` is one of the MADV_... of <sys/mman.h>.
/// `memory` begins at a page; it reaches to the end of the page that its last byte is in. madvise(2).
/// Result: nothing.
/// Lifetimes: the memory stays mapped until the completion.
/// Traps: some advice is an order: MADV_DONTNEED throws the content away. Memory of 4 GiB and more is EINVAL before
/// Linux 6.11. When it fails, a chain goes on behind it; see unmarked_failure.
/// Since Linux 5.6; of 2^32 bytes and more since 6.11.
class madvise : public unmarked_failure<madvise> {
public:
    static constexpr abi::opcode code = abi::opcode::madvise;
    static constexpr kernel_version since{5, 6};
    using result_type = void;

    madvise(mutable_bytes memory, int advice) noexcept {
        entry_.addr = address(memory.data());
        // Every kernel reads the short field; those that know the long one look there first.
        const std::uint64_t length = memory.size();
        if (length <= 0xffffffff)
            entry_.len = static_cast<std::uint32_t>(length);
        else
            entry_.off = length;
        entry_.fadvise_advice = static_cast<std::uint32_t>(advice);
    }
};

} // namespace lio::inline v0::op
