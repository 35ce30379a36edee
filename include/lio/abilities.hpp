// One snapshot of what this system can do, taken when it is first asked for: whether there are rings at all, and if not
// why; which operations and set-up options. A value that never changes; any thread.
#pragma once

#include <lio/abi/query.hpp>
#include <lio/detail/assert.hpp>
#include <lio/error.hpp>
#include <lio/probe.hpp>
#include <lio/ring_options.hpp>
#include <lio/wait_options.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// What abilities() found. It comes from the kernel's own answers and from small rings that were made on trial and
/// closed again, never from the release's name. Where there are no rings, nothing is supported.
class system_abilities {
public:
    /// Whether rings can be made here.
    bool available() const noexcept { return reason_.code() == 0; }

    /// Why there are none, with the likely cause in message(): a sysctl, a filter, the kernel, a limit of memory or of
    /// descriptors. Not to be asked where they are available().
    error reason() const noexcept {
        LIO_ASSERT(!available(), "there is no reason, because io_uring is available");
        return reason_;
    }

    /// Whether they may be available later, because it is only memory, descriptors or the like that are short. Then the
    /// next abilities() asks again. What the system forbids or lacks stays as it is for this process.
    bool can_pass() const noexcept { return can_pass_; }

    /// Whether the kernel has all of these operations: supports<op::read, op::accept_multishot>(). As certain, and as
    /// careful, as probe::supports().
    template <class Operation, class... More>
    bool supports() const noexcept {
        return asked_.supports<Operation, More...>();
    }

    /// Whether the kernel has the operation of this number, in its first form at least.
    bool supports(abi::opcode operation) const noexcept { return asked_.supports(operation); }
    bool supports(std::int64_t number) const noexcept { return asked_.supports(number); }

    /// Whether a ring can have all of these options at once: supports(setup::single_issuer | setup::deferred_taskrun).
    /// A set that contradicts itself, or that lacks what one of its members needs, is not supported, and what this
    /// process may not use is not either; ring_options::memory, which one needs, is taken for given. Types of rings are
    /// asked for by the option that they stand for: setup::large_entries for lio::large_ring. What ring::setup_flags()
    /// gives can be asked for as well.
    bool supports(setup options) const noexcept;

    /// Whether a ring can wait so. One that polls itself (setup::iopoll without setup::sqpoll) can less: see wait().
    bool supports(const wait_options& options) const noexcept;

    /// The options that this kernel takes, each by itself.
    setup setup_options() const noexcept { return setups_; }

    /// As of probe: the highest number of an operation that the kernel knows, -1 where there are no rings; the kernel's
    /// features as bits abi::feat_...; whether io_uring is here what it is in this Linux release, or more.
    int last_opcode() const noexcept { return available() ? asked_.last_opcode() : -1; }
    std::uint32_t features() const noexcept { return asked_.features(); }
    bool linux_at_least(kernel_version release) const noexcept { return available() && asked_.linux_at_least(release); }

    /// How many operations, registrations and queries the kernel knows, and all its flags: of setup, of enter, of
    /// entries, and its features. All zero where it does not say so itself. Since Linux 6.18.
    const abi::query_opcode& numbers() const noexcept { return numbers_; }
    /// What zero-copy receive can do, with or without a network card for it; all zero likewise. Since Linux 6.19.
    const abi::query_zcrx& zero_copy_receive() const noexcept { return zcrx_; }
    /// What that can report; all zero likewise. Since Linux 7.2.
    const abi::query_zcrx_event& zero_copy_receive_events() const noexcept { return zcrx_event_; }
    /// How much precedes the rings' entries in memory, and how that is aligned; all zero likewise. Since Linux 6.19.
    const abi::query_scq& queue_header() const noexcept { return scq_; }

private:
    friend struct abilities_maker;

    constexpr system_abilities(error reason, bool can_pass) noexcept : reason_{reason}, can_pass_{can_pass} {}

    error reason_;
    bool can_pass_;
    setup setups_ = setup::none;
    probe asked_;
    abi::query_opcode numbers_;
    abi::query_zcrx zcrx_;
    abi::query_zcrx_event zcrx_event_;
    abi::query_scq scq_;
};

/// What this system can do. The first call asks (some ten system calls on a current kernel, up to forty on an old one:
/// it makes rings on trial, and reads /proc/sys/kernel/io_uring_disabled where they are refused) and maps a page for
/// the answer, which all later calls give, also after fork. A failure that can pass is not kept. When several threads
/// are the first, each asks, and all but the first to be done throw their own answer away. It never fails: where there
/// are no rings, that is the answer. The answer is of the thread that asked and of that time; a filter or a limit that
/// is set later is not seen. The reference stays valid until the program ends.
const system_abilities& abilities() noexcept;

} // namespace lio::inline v0
