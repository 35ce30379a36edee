// restrictions: what a ring may do, once and for all: which operations, with which flags, and which registrations. A
// value without a ring; any thread. Applied on the thread that has the ring.
#pragma once

#include <lio/abi/opcode.hpp>
#include <lio/abi/register.hpp>
#include <lio/entry_flags.hpp>
#include <lio/result.hpp>

#include <cstdint>

namespace lio::inline v0 {

namespace detail {

/// Numbers from 0 on.
template <std::uint32_t Size>
struct number_set {
    std::uint64_t words[Size / 64] = {};
    bool has_larger = false;

    constexpr void add(std::uint32_t number) noexcept {
        if (number >= Size)
            has_larger = true;
        else
            words[number / 64] |= std::uint64_t{1} << (number % 64);
    }
    constexpr bool has(std::uint32_t number) const noexcept {
        return number < Size && (words[number / 64] >> (number % 64) & 1) != 0;
    }
};

} // namespace detail

namespace detail {
class ring_core;
}

/// A list of what is allowed; what is not in it is refused. A set of bits, so naming a thing twice is naming it once:
///
///     constexpr auto locked = lio::restrictions{}.allow<op::read, op::write>().require(lio::entry_flags::fixed_file);
///
/// A refused operation completes with EACCES, a refused registration fails with it; both leave the ring as it was.
///
/// The same on every kernel that has them: up to Linux 6.19 one that lists only operations refuses all registrations,
/// from 7.0 on it would allow them all (and the other way round), so that what is sent to the kernel always says both.
///
/// Always allowed: what closing the ring takes. A lio::mixed_ring, which fills the end of its queue with op::nop, may
/// do that as well. Not allowed unless named: registering the ring's own descriptor, which the library otherwise does
/// at the first use to make entering cheaper; allow register_ring_fds to have it back.
class restrictions {
public:
    constexpr restrictions() noexcept = default;

    /// Allows these operations, named by their types. Types that share a number are allowed together: openat_direct
    /// with openat, recv_multishot with recv.
    template <class... Operations>
        requires(sizeof...(Operations) != 0)
    constexpr restrictions allow() const noexcept {
        return allow(Operations::code...);
    }
    /// The same, named by their numbers. Which numbers there are is the running kernel's affair: one that it does not
    /// know makes apply() fail, so ask abilities().supports<...>() first where a program is to run on older kernels.
    template <class... More>
    constexpr restrictions allow(abi::opcode operation, More... more) const noexcept {
        restrictions changed = *this;
        changed.operations_.add(static_cast<std::uint32_t>(operation));
        return changed.allow_more(more...);
    }
    /// Allows these calls of io_uring_register(2), likewise. What was registered before the restrictions are in force
    /// stays and works; taking it away is a registration too, and where it is not allowed it stays until the ring
    /// closes.
    template <class... More>
    constexpr restrictions allow(abi::register_opcode registration, More... more) const noexcept {
        restrictions changed = *this;
        changed.registrations_.add(static_cast<std::uint32_t>(registration));
        // The library gives the number back when it closes the ring, or the thread would hold the ring open.
        if (registration == abi::register_opcode::register_ring_fds)
            changed.registrations_.add(static_cast<std::uint32_t>(abi::register_opcode::unregister_ring_fds));
        return changed.allow_more(more...);
    }
    /// Allows operations to carry these flags; without it none, so that chains need entry_flags::link, operations on
    /// slots of registered files entry_flags::fixed_file, and those on provided buffers entry_flags::buffer_select.
    template <class... More>
    constexpr restrictions allow(entry_flags flags, More... more) const noexcept {
        restrictions changed = *this;
        changed.allowed_flags_ = allowed_flags_ | flags;
        return changed.allow_more(more...);
    }

    /// Refuses operations that do not carry all of these flags, which are allowed with it. With entry_flags::fixed_file
    /// no operation reaches a file but through the table of registered files.
    constexpr restrictions require(entry_flags flags) const noexcept {
        restrictions changed = *this;
        changed.required_flags_ = required_flags_ | flags;
        return changed;
    }

    constexpr bool allows(abi::opcode operation) const noexcept {
        return operations_.has(static_cast<std::uint32_t>(operation));
    }
    constexpr bool allows(abi::register_opcode registration) const noexcept {
        return registrations_.has(static_cast<std::uint32_t>(registration));
    }
    template <class Operation>
    constexpr bool allows() const noexcept {
        return allows(Operation::code);
    }

    /// Binds `ring`, a ring or one of a split ring's handles, to this, for good; a ring takes it once. The ring must
    /// not run yet: a default ring before its first submission or wait (where it is made disabled, since Linux 5.18),
    /// any other made with setup::start_disabled and before enable(). In force from then on; what is to be registered
    /// with a ring that may register nothing is registered in between, on either side of this call. Errors, with
    /// cause::restrictions_refused: EBADFD, the ring runs already (EACCES, with cause::register_call, where it is
    /// restricted); EBUSY, it has restrictions, its own or its task's; EINVAL, the kernel does not know something that
    /// is allowed here, or is older. They leave the ring as it was. io_uring_register(2). Since Linux 5.10.
    template <class Ring>
    result<void> apply(const Ring& ring) const noexcept {
        return apply(ring.core());
    }

private:
    friend class restriction_list;
    friend result<void> restrict_task(const restrictions& allowed) noexcept;

    template <class... More>
    constexpr restrictions allow_more(More... more) const noexcept {
        if constexpr (sizeof...(More) == 0)
            return *this;
        else
            return allow(more...);
    }
    result<void> apply(detail::ring_core* core) const noexcept;

    detail::number_set<128> operations_;
    detail::number_set<64> registrations_;
    entry_flags allowed_flags_ = entry_flags::none;
    entry_flags required_flags_ = entry_flags::none;
};

/// Binds every ring that the calling thread makes from now on, and those of all threads and processes that it starts
/// from now on, across execve(2) too. For good, and once; rings that are there stay as they are. Such a ring takes no
/// restrictions of its own. In Linux 7.3 the task's own calls without a ring are registrations as well: filter_task()
/// after it needs allow(abi::register_opcode::register_bpf_filter). What abilities() says is not asked anew: call it
/// before, where it matters. Errors, with cause::task_refused: EPERM, the task has restrictions or filters; EACCES, the
/// thread has neither CAP_SYS_ADMIN nor no_new_privs, see prctl(2), or its restrictions forbid it; EINVAL, as apply(),
/// or a kernel before 7.0. io_uring_register(2). Since Linux 7.0.
result<void> restrict_task(const restrictions& allowed) noexcept;

} // namespace lio::inline v0
