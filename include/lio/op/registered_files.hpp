// Operations on the ring's table of registered files: what is in its slots. Values that own nothing; any thread.
// Includes no system header.
#pragma once

#include <lio/abi/entries.hpp>
#include <lio/abi/operation_flags.hpp>
#include <lio/bytes.hpp>
#include <lio/file_slots.hpp>
#include <lio/op/operation.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace lio::inline v0 {

namespace detail {

template <class C>
concept holds_ints = requires(C& c) {
    requires std::is_same_v<std::remove_const_t<std::remove_pointer_t<decltype(c.data())>>, int>;
    static_cast<std::size_t>(c.size());
};

template <class C>
concept holds_writable_ints =
    holds_ints<C> && requires(C& c) { requires !std::is_const_v<std::remove_pointer_t<decltype(c.data())>>; };

} // namespace detail

} // namespace lio::inline v0

namespace lio::inline v0::op {

/// What both updates share.
template <class Derived>
class files_update_operation : public operation<Derived> {
protected:
    files_update_operation(std::uint32_t first, const int* files, std::size_t count) noexcept {
        this->entry_.off = first;
        this->entry_.addr = this->address(files);
        // What does not fit becomes a number that does, and that the kernel refuses just the same.
        this->entry_.len = count < too_many ? static_cast<std::uint32_t>(count) : too_many;
    }

private:
    static constexpr std::uint32_t too_many = 0xffffffff;
};

/// Puts descriptors into the slots from `first` on, one into each; what was there is closed. Instead of a descriptor:
/// empty_slot, same_slot. The descriptors may be closed afterwards. io_uring_register(2).
/// Result: how many slots were dealt with.
/// Lifetimes: the array until the completion.
/// Traps: fewer than given are no error and do not break a chain: the descriptor after them could not be put (EBADF as
/// a rule), and its slot is empty now. It fails only where the first one does. ENXIO: the ring has no registered files;
/// EINVAL: no descriptors, or more than there are slots. A ring cannot be put into a slot: EBADF.
/// Since Linux 5.6.
class files_update : public files_update_operation<files_update> {
public:
    static constexpr abi::opcode code = abi::opcode::files_update;
    static constexpr kernel_version since{5, 6};
    using result_type = std::uint32_t;

    files_update(direct_descriptor first, const int* files, std::size_t count) noexcept
        : files_update_operation{first.slot() < last ? first.slot() : last, files, count} {}
    template <std::size_t n>
    files_update(direct_descriptor first, const int (&files)[n]) noexcept : files_update{first, files, n} {}
    template <std::size_t n>
    files_update(direct_descriptor first, const int (&&files)[n]) = delete;
    /// Of any container of int with data() and size(), whose temporaries are refused.
    template <class C>
        requires(lio::detail::holds_ints<std::remove_reference_t<C>> && lio::detail::borrows<C>)
    files_update(direct_descriptor first, C&& files) noexcept
        : files_update{first, files.data(), static_cast<std::size_t>(files.size())} {}

private:
    // The highest number would let the kernel choose. No table has either slot.
    static constexpr std::uint32_t last = abi::file_index_alloc - 1;
};

/// Puts descriptors into free slots of the registered files, which the kernel picks, and writes the numbers of the
/// slots over the descriptors. These may be closed afterwards. io_uring_register(2).
/// Result: how many descriptors have slots now.
/// Lifetimes: the array until the completion.
/// Traps: fewer than given are no error and do not break a chain: the descriptor after them could not be put (EBADF),
/// or there are no more free slots (ENFILE); from there on the array is as it was. It fails only where the first one
/// does, also with ENXIO: the ring has no registered files. The slots need not be neighbours.
/// Since Linux 5.19.
class files_update_allocate : public files_update_operation<files_update_allocate> {
public:
    static constexpr abi::opcode code = abi::opcode::files_update;
    static constexpr kernel_version since{5, 19};
    using result_type = std::uint32_t;

    files_update_allocate(int* files, std::size_t count) noexcept
        : files_update_operation{abi::file_index_alloc, files, count} {}
    template <std::size_t n>
    explicit files_update_allocate(int (&files)[n]) noexcept : files_update_allocate{files, n} {}
    /// Of any container of int with data() and size(), whose temporaries are refused.
    template <class C>
        requires(lio::detail::holds_writable_ints<std::remove_reference_t<C>> && lio::detail::borrows<C>)
    explicit files_update_allocate(C&& files) noexcept
        : files_update_allocate{files.data(), static_cast<std::size_t>(files.size())} {}
};

/// Makes a descriptor for the file in a slot, which stays in the slot too. It is closed by exec. dup(2) does so with
/// descriptors.
/// Result: the descriptor, which is the program's to close.
/// Lifetimes: no argument is pointed to.
/// Traps: a descriptor whose completion nobody reads is never closed. EBADF: the slot is empty. It cannot have a
/// personality: the descriptor is the task's own.
/// Since Linux 6.8.
class fixed_fd_install : public operation<fixed_fd_install> {
public:
    static constexpr abi::opcode code = abi::opcode::fixed_fd_install;
    static constexpr kernel_version since{6, 8};
    using result_type = int;
    static constexpr bool opens_descriptor = true;

    explicit constexpr fixed_fd_install(direct_descriptor slot) noexcept { set_file(slot); }

    /// The descriptor stays open over exec.
    constexpr fixed_fd_install no_cloexec() const noexcept {
        fixed_fd_install changed = *this;
        changed.entry_.install_fd_flags = abi::fixed_fd_no_cloexec;
        return changed;
    }

    fixed_fd_install personality(personality_id id) const = delete;
};

} // namespace lio::inline v0::op
