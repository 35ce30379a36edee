// Operations on names in directories: making, changing and removing them. Values that own nothing; any thread. Includes
// no system header: flags are the numbers of <fcntl.h> and <stdio.h>.
#pragma once

#include <lio/op/operation.hpp>
#include <lio/op/unmarked_failure.hpp>
#include <lio/path_name.hpp>

#include <cstdint>

namespace lio::inline v0::op {

/// Removes a name, and with its last name the file; `path` is relative to `directory` (a descriptor, or
/// current_directory). `flags` is 0, or AT_REMOVEDIR of <fcntl.h> for an empty directory. unlinkat(2).
/// Result: nothing.
/// Lifetimes: the path until the operation has been submitted.
/// Traps: when it fails, a chain goes on behind it; see unmarked_failure.
/// Since Linux 5.11.
class unlinkat : public unmarked_failure<unlinkat> {
public:
    static constexpr abi::opcode code = abi::opcode::unlinkat;
    static constexpr kernel_version since{5, 11};
    using result_type = void;

    unlinkat(int directory, path_name path, int flags = 0) noexcept {
        entry_.fd = directory;
        entry_.addr = address(path.c_str());
        entry_.unlink_flags = static_cast<std::uint32_t>(flags);
    }
};

/// Gives a file another name, perhaps in another directory of the same file system. `flags` is 0 or made of the
/// RENAME_... of <stdio.h>: RENAME_NOREPLACE, RENAME_EXCHANGE. renameat2(2).
/// Result: nothing.
/// Lifetimes: both paths until the operation has been submitted.
/// Traps: a file that has the new name already is replaced, unless RENAME_NOREPLACE forbids it. When it fails, a chain
/// goes on behind it; see unmarked_failure.
/// Since Linux 5.11.
class renameat : public unmarked_failure<renameat> {
public:
    static constexpr abi::opcode code = abi::opcode::renameat;
    static constexpr kernel_version since{5, 11};
    using result_type = void;

    renameat(int old_directory, path_name old_path, int new_directory, path_name new_path,
             std::uint32_t flags = 0) noexcept {
        entry_.fd = old_directory;
        entry_.addr = address(old_path.c_str());
        // There is one field for a descriptor only.
        entry_.len = static_cast<std::uint32_t>(new_directory);
        entry_.addr2 = address(new_path.c_str());
        entry_.rename_flags = flags;
    }
};

/// Makes a directory with the permissions `mode`, less those that the umask takes. mkdirat(2).
/// Result: nothing.
/// Lifetimes: the path until the operation has been submitted.
/// Traps: when it fails, a chain goes on behind it; see unmarked_failure.
/// Since Linux 5.15.
class mkdirat : public unmarked_failure<mkdirat> {
public:
    static constexpr abi::opcode code = abi::opcode::mkdirat;
    static constexpr kernel_version since{5, 15};
    using result_type = void;

    mkdirat(int directory, path_name path, std::uint32_t mode) noexcept {
        entry_.fd = directory;
        entry_.addr = address(path.c_str());
        entry_.len = mode;
    }
};

/// Gives a file one more name, in any directory of the same file system. `flags` is 0 or made of the AT_... of
/// <fcntl.h>: AT_SYMLINK_FOLLOW, for the file that a symbolic link leads to instead of the link itself; AT_EMPTY_PATH,
/// with the old path "", for the file that `old_directory` is itself. linkat(2).
/// Result: nothing.
/// Lifetimes: both paths until the operation has been submitted.
/// Traps: never replaces a file: EEXIST. When it fails, a chain goes on behind it; see unmarked_failure.
/// Since Linux 5.15.
class linkat : public unmarked_failure<linkat> {
public:
    static constexpr abi::opcode code = abi::opcode::linkat;
    static constexpr kernel_version since{5, 15};
    using result_type = void;

    linkat(int old_directory, path_name old_path, int new_directory, path_name new_path, int flags = 0) noexcept {
        entry_.fd = old_directory;
        entry_.addr = address(old_path.c_str());
        // There is one field for a descriptor only.
        entry_.len = static_cast<std::uint32_t>(new_directory);
        entry_.addr2 = address(new_path.c_str());
        entry_.hardlink_flags = static_cast<std::uint32_t>(flags);
    }
};

/// Makes a symbolic link that says `target`; `path`, the link's own name, is relative to `directory`. symlinkat(2).
/// Result: nothing.
/// Lifetimes: the target and the path until the operation has been submitted.
/// Traps: the target is taken as it is and need not be there; it is relative to the link's directory, not to
/// `directory` nor to the working directory. When it fails, a chain goes on behind it; see unmarked_failure.
/// Since Linux 5.15.
class symlinkat : public unmarked_failure<symlinkat> {
public:
    static constexpr abi::opcode code = abi::opcode::symlinkat;
    static constexpr kernel_version since{5, 15};
    using result_type = void;

    symlinkat(path_name target, int directory, path_name path) noexcept {
        entry_.fd = directory;
        entry_.addr = address(target.c_str());
        entry_.addr2 = address(path.c_str());
    }
};

} // namespace lio::inline v0::op
