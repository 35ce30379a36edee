// Opening and closing files. Values that own nothing; any thread. Includes no system header: flags are the numbers of
// <fcntl.h>.
#pragma once

#include <lio/op/operation.hpp>
#include <lio/path_name.hpp>

#include <cstdint>

namespace lio {

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

} // namespace lio

namespace lio::op {

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
    static constexpr bool opens_descriptor = true;

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
    static constexpr bool opens_descriptor = true;

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

} // namespace lio::op
