// minimal_ring: a ring that is just what it was asked to be, for the smallest programs: static ones, without a C
// library, in few kilobytes. One thread at a time.
#pragma once

#include <lio/detail/completion_entries.hpp>
#include <lio/detail/minimal_base.hpp>
#include <lio/detail/ring_layout.hpp>
#include <lio/detail/submission_entries.hpp>
#include <lio/result.hpp>
#include <lio/ring_options.hpp>

#include <cstdint>

namespace lio::inline v0 {

namespace detail {

using minimal_entries = submission_entries<plain_layout, completion_entries<plain_layout, minimal_base>>;

/// What a minimal_ring can have. The others ask for what only lio::ring does: waking a kernel thread, enabling, entries
/// of other sizes, moving entries.
inline constexpr setup minimal_options = setup::iopoll | setup::clamp | setup::submit_all | setup::cooperative_taskrun |
                                         setup::taskrun_flag | setup::single_issuer | setup::deferred_taskrun |
                                         setup::no_sq_array | setup::hybrid_iopoll;

} // namespace detail

/// An io_uring instance with exactly these flags: nothing is chosen, nothing tried again, and each call of it that says
/// so is one system call, the others none. Its operations and completions are those of lio::ring:
///
///     auto ring = lio::minimal_ring<lio::setup::submit_all>::create(8).value();
///     ring.push(lio::op::nop().user_data(42)).value();
///     ring.submit_and_wait(1).value();
///     for (const lio::cqe& done : ring.reap()) ...
///
/// It lacks what lio::ring does behind such calls: other set-ups on older kernels, waiting on after a timer or a
/// signal, time-outs, registering its descriptor, telling threads apart. Nothing can be registered with it but through
/// file() by the program itself. It can be moved, not copied. Its memory is not marked do-not-fork: after fork(2) the
/// child may only close its copy, or end.
///
/// A set of flags that no kernel takes, or that needs more than this ring does, does not compile. Since Linux 5.4.
template <setup Flags = setup::none>
    requires((Flags & detail::minimal_options) == Flags && !contradicts_itself(Flags))
class minimal_ring : detail::minimal_entries {
    using entries = detail::minimal_entries;

public:
    /// Room for `submission_entries` operations, and for `completion_entries` completions (0: twice as many; else since
    /// Linux 5.5); the kernel rounds both up to powers of two.
    /// Errors: as the kernel says them, EINVAL for a flag or a size that it does not take; EOPNOTSUPP before Linux 5.4.
    /// io_uring_setup(2), mmap(2).
    static result<minimal_ring> create(std::uint32_t submission_entries,
                                       std::uint32_t completion_entries = 0) noexcept {
        return {detail::made_in_place{},
                [=](minimal_ring& made) noexcept { return made.make(submission_entries, completion_entries, Flags); }};
    }

    // As of lio::ring, and without a system call.
    using entries::completion_capacity;
    using entries::push;
    using entries::ready;
    using entries::submission_capacity;
    using entries::unsubmitted;

    // As of lio::ring, but they never enter the kernel: what it holds back comes with a submit_and_wait().
    using entries::reap;
    using entries::try_next;

    // One call each; see there.
    using entries::submit;
    using entries::submit_and_wait;

    using entries::close;
    using entries::file;
    using entries::is_open;

    /// Whether completions may be there that the queue does not show: it was full when they came, or their work has not
    /// been done. submit_and_wait(0) brings them. With setup::deferred_taskrun but without setup::taskrun_flag, and
    /// with setup::iopoll, the kernel does not say so: always true then. Of a queue that was full it says so since
    /// Linux 5.8; before Linux 5.5 what had no room is lost.
    bool needs_flush() const noexcept {
        constexpr bool is_told =
            (!has(Flags, setup::deferred_taskrun) || has(Flags, setup::taskrun_flag)) && !has(Flags, setup::iopoll);
        return !is_told || has_held_back();
    }

    /// What it was set up with.
    static constexpr setup setup_flags() noexcept { return Flags; }

private:
    friend detail::result_storage<minimal_ring, false>;
    minimal_ring() noexcept {} // not defaulted, which would zero it first
};

} // namespace lio::inline v0
