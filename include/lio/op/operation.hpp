// What all operations share: an operation is its 64-byte submission queue entry, a plain value made by its
// constructor and changed by modifiers that return it. Knows nothing of rings. Any thread.
#pragma once

#include <lio/abi/entries.hpp>
#include <lio/abi/opcode.hpp>
#include <lio/bytes.hpp>
#include <lio/descriptor.hpp>
#include <lio/error.hpp>
#include <lio/personality_id.hpp>
#include <lio/registered_buffer.hpp>
#include <lio/user_data.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0 {

/// How often an operation completes.
enum class completes : std::uint8_t {
    /// Once.
    once,
    /// Once with its result, and once more when the kernel lets go of its buffer.
    once_and_notification,
    /// Any number of times; the last completion is the one without cqe::more().
    many,
};

/// A kernel release, "Linux major.minor".
struct kernel_version {
    std::uint8_t major;
    std::uint8_t minor;
    friend constexpr bool operator==(kernel_version, kernel_version) noexcept = default;
    friend constexpr bool operator<(kernel_version a, kernel_version b) noexcept {
        return a.major != b.major ? a.major < b.major : a.minor < b.minor;
    }
};

namespace op {

/// The base of every operation. `Derived` has:
///   static constexpr abi::opcode code;          // its number
///   static constexpr kernel_version since;      // the first kernel that has it
///   using result_type = ...;                    // what a completion's result is
///   static constexpr completes completions;     // unless it completes once
///   static constexpr bool large_completion;     // unless its completions are the 16-byte ones
///   static constexpr bool zero_ends;            // of a multishot operation: a last result of 0 is no item
///   static constexpr bool opens_descriptor;     // the result is a descriptor that the program must close
///   static result<result_type> interpret(const cqe&); // unless a negative result is an error and others the value
///   using completion_type = ...;                // unless cqe::as<Derived>() is what its arity says
/// and constructors that fill entry_. `Entry` is abi::sqe128 for the operations that need 128 bytes.
template <class Derived, class Entry = abi::sqe>
class operation {
public:
    static constexpr completes completions = completes::once;
    static constexpr bool large_completion = false;
    static constexpr bool zero_ends = false;
    static constexpr bool opens_descriptor = false;

    /// The value that the completion carries back: a number, an enumeration, a pointer or a structure of at
    /// most eight bytes; read it with cqe::user_data() or user_data_as<T>().
    template <detail::user_data_value T>
    constexpr Derived user_data(const T& value) const noexcept {
        Derived changed = self();
        changed.entry_.user_data = detail::to_user_data(value);
        return changed;
    }

    /// The next operation of the same push starts when this one has succeeded; if this one fails (or a read
    /// or write is short), the rest of the chain is cancelled with ECANCELED. Since Linux 5.3. The kernel overlooks
    /// the failures of some operations; they say so, see unmarked_failure. An entry that the kernel refuses while it is
    /// submitted (EINVAL, a path that is too long) ends its whole chain: also what stands before it is cancelled.
    constexpr Derived link() const noexcept { return with_flag(abi::sqe_io_link); }

    /// Like link(), but the next operation starts even when this one failed; not when it, or any other of the chain, is
    /// refused while it is submitted. Since Linux 5.5.
    constexpr Derived hard_link() const noexcept { return with_flag(abi::sqe_io_hardlink); }

    /// Starts when everything submitted before has completed, and holds back what is submitted after.
    /// Since Linux 5.2. Fails with EOPNOTSUPP on a ring that has ever seen skip_success().
    constexpr Derived drain() const noexcept { return with_flag(abi::sqe_io_drain); }

    /// Goes to a worker thread at once instead of being tried first. Since Linux 5.6.
    constexpr Derived force_async() const noexcept { return with_flag(abi::sqe_async); }

    /// No completion if it succeeds. Since Linux 5.17. From then on drain() fails on the ring. In a chain: when it
    /// fails, it completes, but what it cancels of the chain behind it does not: do not wait for that. What makes a
    /// descriptor does not have it: nobody could close that. Nor should it be said where only the completion names a
    /// slot or a buffer that was taken.
    template <class Operation = Derived> // a template, because Derived is still incomplete where this is declared
        requires(Operation::completions == completes::once && !Operation::opens_descriptor)
    constexpr Derived skip_success() const noexcept {
        return with_flag(abi::sqe_cqe_skip_success);
    }

    /// Runs with registered credentials, a lio::personality or its number. EINVAL if there are none of this number.
    /// Since Linux 5.6.
    constexpr Derived personality(personality_id id) const noexcept {
        Derived changed = self();
        changed.entry_.personality = id.number();
        return changed;
    }

    /// The entry as the kernel will see it.
    constexpr const Entry& entry() const noexcept { return entry_; }

    /// Why push will not take this operation; cause::operation if it will. See refuse().
    constexpr cause refusal() const noexcept {
        return entry_.opcode == refused_opcode ? static_cast<cause>(entry_.fd) : cause::operation;
    }

protected:
    constexpr operation() noexcept { entry_.opcode = static_cast<std::uint8_t>(Derived::code); }

    // A constructor returns nothing, so an argument that the entry cannot hold is kept as a mark in the
    // entry, and push returns the error. Arguments known to the compiler cost nothing.
    constexpr void refuse(cause why) noexcept {
        entry_.opcode = refused_opcode;
        entry_.fd = static_cast<std::int32_t>(why);
    }

    constexpr void set_file(descriptor file) noexcept {
        entry_.fd = file.value();
        if (file.is_direct()) entry_.flags |= abi::sqe_fixed_file;
    }

    // More than the kernel moves at once is refused, because it would be cut short in silence.
    constexpr void set_memory(const void* data, std::size_t size) noexcept {
        entry_.addr = address(data);
        entry_.len = static_cast<std::uint32_t>(size);
        if (size > longest_transfer) [[unlikely]]
            refuse(cause::span_too_long);
    }

    // The registered buffer that the memory is in. The kernel would refuse what is outside of it; what it cannot know
    // is that it was to be another one.
    constexpr void set_registered(registered_buffer buffer) noexcept {
        entry_.buf_index = buffer.index();
        if (!buffer.exists()) refuse(cause::outside_of_buffer);
    }

    void set_buffer(registered_buffer buffer) noexcept {
        set_memory(buffer.memory().data(), buffer.size());
        set_registered(buffer);
    }

    static std::uint64_t address(const void* pointer) noexcept { return reinterpret_cast<std::uintptr_t>(pointer); }

    constexpr Derived with_flag(std::uint8_t flag) const noexcept {
        Derived changed = self();
        changed.entry_.flags |= flag;
        return changed;
    }

    constexpr const Derived& self() const noexcept { return static_cast<const Derived&>(*this); }

    Entry entry_;

private:
    static constexpr std::uint8_t refused_opcode = 0xff;
    // The kernel's own limit of one transfer, 2 GiB less a page of 4096 bytes.
    static constexpr std::size_t longest_transfer = 0x7ffff000;
};

} // namespace op
} // namespace lio::inline v0
