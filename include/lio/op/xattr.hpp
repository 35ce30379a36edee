// Extended attributes of files. Values that own nothing; any thread. Includes no system header: flags are the numbers
// of <sys/xattr.h>.
#pragma once

#include <lio/bytes.hpp>
#include <lio/op/operation.hpp>
#include <lio/op/unmarked_failure.hpp>
#include <lio/path_name.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0::op {

/// What the operations on attributes share: the attribute's name and its value.
template <class Derived>
class attribute_operation : public unmarked_failure<Derived> {
protected:
    attribute_operation(path_name name, const void* value, std::size_t size) noexcept {
        this->entry_.addr = this->address(name.c_str());
        this->entry_.addr2 = this->address(value);
        // Values have 65536 bytes at most: what does not fit becomes a size that means the same to the kernel, more
        // room than a value can need, or more of a value than there may be (E2BIG).
        this->entry_.len = size < too_large ? static_cast<std::uint32_t>(size) : too_large;
    }
    void set_path(path_name path) noexcept { this->entry_.addr3 = this->address(path.c_str()); }

private:
    static constexpr std::uint32_t too_large = 0xffffffff;
};

/// Reads the attribute `name` ("user.comment") of the file that `path` leads to, through symbolic links. getxattr(2).
/// Result: the size of the value. With an empty `value` nothing is read, and it is the room that the value needs.
/// Lifetimes: the path and the name until the operation has been submitted, the value's memory until the completion.
/// Traps: the value has no zero at its end. ERANGE: it is larger than the memory. ENODATA: there is no such attribute.
/// The path is relative to the working directory, there is no other. When it fails, a chain goes on behind it; see
/// unmarked_failure.
/// Since Linux 5.19.
class getxattr : public attribute_operation<getxattr> {
public:
    static constexpr abi::opcode code = abi::opcode::getxattr;
    static constexpr kernel_version since{5, 19};
    using result_type = std::uint32_t;

    getxattr(path_name path, path_name name, mutable_bytes value) noexcept
        : attribute_operation{name, value.data(), value.size()} {
        set_path(path);
    }
};

/// Reads the attribute `name` of an open file. fgetxattr(2).
/// Result: the size of the value. With an empty `value` nothing is read, and it is the room that the value needs.
/// Lifetimes: the name until the operation has been submitted, the value's memory until the completion.
/// Traps: those of getxattr. A slot is EBADF before Linux 6.13.
/// Since Linux 5.19; of a slot since 6.13.
class fgetxattr : public attribute_operation<fgetxattr> {
public:
    static constexpr abi::opcode code = abi::opcode::fgetxattr;
    static constexpr kernel_version since{5, 19};
    using result_type = std::uint32_t;

    fgetxattr(descriptor file, path_name name, mutable_bytes value) noexcept
        : attribute_operation{name, value.data(), value.size()} {
        set_file(file);
    }
};

/// Sets the attribute `name` ("user.comment") of the file that `path` leads to, through symbolic links. `flags` is 0,
/// or XATTR_CREATE, for an attribute that must be new, or XATTR_REPLACE, for one that must be there. setxattr(2).
/// Result: nothing.
/// Lifetimes: the path, the name and the value until the operation has been submitted.
/// Traps: EEXIST and ENODATA: what the flags demand is not so. E2BIG: more than 65536 bytes; many file systems take
/// less (ENOSPC). EOPNOTSUPP: none at all, or not in this namespace. The path is relative to the working directory,
/// there is no other. When it fails, a chain goes on behind it; see unmarked_failure.
/// Since Linux 5.19.
class setxattr : public attribute_operation<setxattr> {
public:
    static constexpr abi::opcode code = abi::opcode::setxattr;
    static constexpr kernel_version since{5, 19};
    using result_type = void;

    setxattr(path_name path, path_name name, bytes value, int flags = 0) noexcept
        : attribute_operation{name, value.data(), value.size()} {
        set_path(path);
        entry_.xattr_flags = static_cast<std::uint32_t>(flags);
    }
};

/// Sets the attribute `name` of an open file; `flags` as for setxattr. fsetxattr(2).
/// Result: nothing.
/// Lifetimes: the name and the value until the operation has been submitted.
/// Traps: those of setxattr. A slot is EBADF before Linux 6.13.
/// Since Linux 5.19; of a slot since 6.13.
class fsetxattr : public attribute_operation<fsetxattr> {
public:
    static constexpr abi::opcode code = abi::opcode::fsetxattr;
    static constexpr kernel_version since{5, 19};
    using result_type = void;

    fsetxattr(descriptor file, path_name name, bytes value, int flags = 0) noexcept
        : attribute_operation{name, value.data(), value.size()} {
        set_file(file);
        entry_.xattr_flags = static_cast<std::uint32_t>(flags);
    }
};

} // namespace lio::inline v0::op
