// probe: what this kernel can do, asked of the kernel itself, once. A plain value; any thread. Includes the base of the
// operations only, not their families.
#pragma once

#include <lio/abi/opcode.hpp>
#include <lio/detail/ring_core.hpp>
#include <lio/op/operation.hpp>
#include <lio/result.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// What the running kernel can do. Ask once and keep the answer, which is a small value without a tie to any ring. It
/// comes from the kernel's list of its operations, from its features and, from Linux 6.18 on, from its answers to
/// queries: never from the headers of the machine that compiled the program, nor from the release's name, to which
/// vendors' kernels do not keep.
class probe {
public:
    /// Asks by way of a ring of its own, which is closed again before this returns.
    /// Errors: those of ring::create(); EPERM or EACCES, a filter forbids asking.
    /// io_uring_setup(2), io_uring_register(2). Since Linux 5.1.
    static result<probe> ask() noexcept;

    /// Asks by way of `ring`, a ring or one of a split ring's handles, which stays as it is.
    /// Errors: EBADF, the ring is closed; EEXIST, it belongs to another thread; EACCES, it was restricted.
    /// io_uring_register(2). Since Linux 5.1.
    template <class Ring>
    static result<probe> ask(const Ring& ring) noexcept {
        return ask(ring.core());
    }

    /// Whether the kernel has all of these: supports<op::read, op::accept_multishot>(). That is, it has the number, and
    /// shows that it is no older than Operation::since; the latter because many types share a number with an older one.
    /// true is certain, as far as the operation's basic form goes (what came later, a flag for example, says so in its
    /// doc: see linux_at_least()). false can be too careful, in the one release or two of which linux_at_least() cannot
    /// tell; where that matters, try the operation and see whether it gives EINVAL.
    template <class Operation, class... More>
    bool supports() const noexcept {
        return (supports_one<Operation>() && ... && supports_one<More>());
    }

    /// Whether the kernel has the operation of this number, in its first form at least.
    bool supports(abi::opcode operation) const noexcept { return supports(static_cast<std::uint8_t>(operation)); }

    /// The same of any number, also one that this library has no name for. No kernel has those that are below 0 or
    /// above last_opcode().
    bool supports(std::int64_t number) const noexcept {
        if (number < 0 || number > last_opcode_) return false;
        return (operations_[number / bits_in_word] >> (number % bits_in_word) & 1) != 0;
    }

    /// The highest number of an operation that the kernel knows. One below it can be missing still: a kernel can be
    /// built without networking, for example.
    int last_opcode() const noexcept { return last_opcode_; }

    /// The kernel's features, as bits abi::feat_... of <lio/abi/setup.hpp>.
    std::uint32_t features() const noexcept { return features_; }

    /// Whether io_uring is here what it is in this Linux release, or more. It is a conclusion from what came with each
    /// release, and a careful one: what nothing distinguishes from the release before counts as that one. So 5.2 and
    /// 5.3 count as 5.1, 5.10 as 5.9, 5.14 as 5.13, 5.16 as 5.15, 6.2 as 6.1, 6.4 and 6.5 as 6.3, 6.13 as 6.12 and 6.17
    /// as 6.16. What is newer than Linux 7.3 counts as 7.3. A kernel that was given a later io_uring than its own (5.10
    /// has had most of 5.15's since 5.10.162) counts as the later one; what it lacks of that is still not supported.
    /// With ask(ring), 6.6 is told from 6.3 only by a ring with setup::no_sq_array, which is the library's own choice.
    bool linux_at_least(kernel_version release) const noexcept { return !(release_ < release); }

private:
    static constexpr int bits_in_word = 64;

    probe() noexcept = default;

    static result<probe> ask(detail::ring_core* core) noexcept;

    template <class Operation>
    bool supports_one() const noexcept {
        // A number that is newer than every release known here is proof enough of its own.
        constexpr bool is_newer = static_cast<std::uint8_t>(Operation::code) >= abi::opcode_last;
        return supports(Operation::code) && (is_newer || linux_at_least(Operation::since));
    }

    friend struct probe_maker;
    friend class system_abilities;

    std::uint64_t operations_[4] = {};
    std::uint32_t features_ = 0;
    kernel_version release_{5, 1};
    std::uint8_t last_opcode_ = 0;
};

} // namespace lio::inline v0
