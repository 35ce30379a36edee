// Operations on names in directories: unlinkat, renameat, mkdirat. Values that own nothing; any thread. Includes no
// system header.
#pragma once

#include <lio/op/operation.hpp>
#include <lio/op/unmarked_failure.hpp>
#include <lio/path_name.hpp>

#include <cstdint>

namespace lio::op {

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

} // namespace lio::op
