// Opening and closing files. Values that own nothing; any thread. Includes no system header: flags are the numbers of
// <fcntl.h>.
#pragma once

#include <lio/op/direct_slot.hpp>
#include <lio/op/operation.hpp>
#include <lio/path_name.hpp>

#include <cstdint>

namespace lio::inline v0 {

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

} // namespace lio::inline v0

namespace lio::inline v0::op {

/// What the forms of openat share.
template <class Derived>
class openat_operation : public operation<Derived> {
protected:
    openat_operation(int directory, path_name path, int flags, std::uint32_t mode) noexcept {
        this->entry_.fd = directory;
        this->entry_.addr = this->address(path.c_str());
        this->entry_.open_flags = static_cast<std::uint32_t>(flags);
        this->entry_.len = mode;
    }
    openat_operation(int directory, path_name path, int flags, std::uint32_t mode, std::uint32_t file_index) noexcept
        : openat_operation{directory, path, flags, mode} {
        this->entry_.file_index = file_index;
        if ((static_cast<std::uint32_t>(flags) & lio::detail::close_on_exec) != 0)
            this->refuse(cause::close_on_exec_of_slot);
    }
};

/// Opens a file; `path` is relative to `directory` (a descriptor, or current_directory), `flags` are the O_... of
/// <fcntl.h>, `mode` the permissions of a file that O_CREAT or O_TMPFILE makes. openat(2).
/// Result: the descriptor, which is the program's to close.
/// Lifetimes: the path until the operation has been submitted.
/// Traps: a descriptor whose completion nobody reads is never closed, also when the operation was cancelled: that may
/// come too late. cqe::take<op::openat>() gives it an owner. O_CLOEXEC is not set by itself. A FIFO may be opened as
/// if with O_NONBLOCK, without its other end (for writing that fails with ENXIO), or wait for that: with force_async(),
/// with O_CREAT or O_TRUNC, and where its name is not in the kernel's cache. It says EINTR when it is cancelled while
/// it waits (up to Linux 6.18 at least the number 512, which is no errno).
/// Since Linux 5.6.
class openat : public openat_operation<openat> {
public:
    static constexpr abi::opcode code = abi::opcode::openat;
    static constexpr kernel_version since{5, 6};
    using result_type = int;
    static constexpr bool opens_descriptor = true;

    openat(int directory, path_name path, int flags, std::uint32_t mode = 0) noexcept
        : openat_operation{directory, path, flags, mode} {}
};

/// Opens a file as openat does, into a slot of the registered files; what is in the slot is closed. openat(2).
/// Result: nothing; the file is in `slot`, and there is no descriptor.
/// Lifetimes: the path until the operation has been submitted.
/// Traps: O_CLOEXEC is refused by push: a slot has no such flag. ENXIO: the ring has no registered files; EINVAL: there
/// is no such slot; the file is opened (and made, and cut to nothing) before that is found out. Linux before 5.15
/// overlooks the slot and opens a descriptor instead.
/// Since Linux 5.15.
class openat_direct : public openat_operation<openat_direct> {
public:
    static constexpr abi::opcode code = abi::opcode::openat;
    static constexpr kernel_version since{5, 15};
    using result_type = void;

    openat_direct(int directory, path_name path, int flags, std::uint32_t mode, direct_descriptor slot) noexcept
        : openat_operation{directory, path, flags, mode, lio::detail::file_index_of(slot)} {}
    /// Of a file that is there: without a mode.
    openat_direct(int directory, path_name path, int flags, direct_descriptor slot) noexcept
        : openat_direct{directory, path, flags, 0, slot} {}
};

/// Opens a file as openat does, into a free slot of the registered files, which the kernel picks. openat(2).
/// Result: the slot; op::close empties it again.
/// Lifetimes: the path until the operation has been submitted.
/// Traps: O_CLOEXEC is refused by push: a slot has no such flag. ENFILE: no slot is free, or the ring has no registered
/// files; the file is opened (and made, and cut to nothing) before that is found out. A slot whose completion nobody
/// reads stays taken.
/// Since Linux 5.19.
class openat_direct_allocate : public openat_operation<openat_direct_allocate> {
public:
    static constexpr abi::opcode code = abi::opcode::openat;
    static constexpr kernel_version since{5, 19};
    using result_type = direct_descriptor;

    openat_direct_allocate(int directory, path_name path, int flags, std::uint32_t mode = 0) noexcept
        : openat_operation{directory, path, flags, mode, abi::file_index_alloc} {}
};

/// What the forms of openat2 share.
template <class Derived>
class openat2_operation : public operation<Derived> {
protected:
    openat2_operation(int directory, path_name path, const open_how& how) noexcept {
        this->entry_.fd = directory;
        this->entry_.addr = this->address(path.c_str());
        this->entry_.addr2 = this->address(&how);
        this->entry_.len = sizeof how;
    }
    openat2_operation(int directory, path_name path, const open_how& how, std::uint32_t file_index) noexcept
        : openat2_operation{directory, path, how} {
        this->entry_.file_index = file_index;
        if ((how.flags & lio::detail::close_on_exec) != 0) this->refuse(cause::close_on_exec_of_slot);
    }
};

/// Opens a file as openat does, with limits on the way there. openat2(2).
/// Result: the descriptor, which is the program's to close.
/// Lifetimes: the path and `how` until the operation has been submitted.
/// Traps: those of openat. EINVAL where openat ignores: a flag that this kernel does not know, a mode without O_CREAT.
/// Since Linux 5.6.
class openat2 : public openat2_operation<openat2> {
public:
    static constexpr abi::opcode code = abi::opcode::openat2;
    static constexpr kernel_version since{5, 6};
    using result_type = int;
    static constexpr bool opens_descriptor = true;

    openat2(int directory, path_name path, const open_how& how) noexcept : openat2_operation{directory, path, how} {}
    openat2(int directory, path_name path, const open_how&& how) = delete;
};

/// Opens a file as openat2 does, into a slot of the registered files; what is in the slot is closed. openat2(2).
/// Result: nothing; the file is in `slot`, and there is no descriptor.
/// Lifetimes: the path and `how` until the operation has been submitted.
/// Traps: those of openat_direct. O_CLOEXEC is looked for when the operation is made; put into `how` later it is
/// EINVAL.
/// Since Linux 5.15.
class openat2_direct : public openat2_operation<openat2_direct> {
public:
    static constexpr abi::opcode code = abi::opcode::openat2;
    static constexpr kernel_version since{5, 15};
    using result_type = void;

    openat2_direct(int directory, path_name path, const open_how& how, direct_descriptor slot) noexcept
        : openat2_operation{directory, path, how, lio::detail::file_index_of(slot)} {}
    openat2_direct(int directory, path_name path, const open_how&& how, direct_descriptor slot) = delete;
};

/// Opens a file as openat2 does, into a free slot of the registered files, which the kernel picks. openat2(2).
/// Result: the slot; op::close empties it again.
/// Lifetimes: the path and `how` until the operation has been submitted.
/// Traps: those of openat_direct_allocate. O_CLOEXEC is looked for when the operation is made; put into `how` later it
/// is EINVAL.
/// Since Linux 5.19.
class openat2_direct_allocate : public openat2_operation<openat2_direct_allocate> {
public:
    static constexpr abi::opcode code = abi::opcode::openat2;
    static constexpr kernel_version since{5, 19};
    using result_type = direct_descriptor;

    openat2_direct_allocate(int directory, path_name path, const open_how& how) noexcept
        : openat2_operation{directory, path, how, abi::file_index_alloc} {}
    openat2_direct_allocate(int directory, path_name path, const open_how&& how) = delete;
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

} // namespace lio::inline v0::op
