// registered_eventfd: an eventfd(2) that says that completions came, so that a ring fits into a loop around poll(2) or
// epoll(7). On the ring's thread.
#pragma once

#include <lio/detail/ring_core.hpp>
#include <lio/result.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// Which completions an eventfd is told of.
enum class eventfd_events : std::uint8_t {
    /// Every one.
    all,
    /// Those only that do not come during the submission itself, which the program sees anyway. Since Linux 5.6.
    asynchronous,
};

/// An eventfd that the kernel adds to when it posts completions; a ring has at most one. Owns the registration, not the
/// eventfd, which the kernel holds open itself; outlives its ring harmlessly.
///
/// One signal may stand for many completions, and on a ring with setup::deferred_taskrun (the default one) for work
/// that becomes completions when the program looks: after a signal, read the eventfd, then reap until nothing is there.
class registered_eventfd {
public:
    /// `ring` is a ring or one of a split ring's handles. Errors: EBUSY, the ring has one; EINVAL, `eventfd` is none;
    /// EBADF, it is not open. io_uring_register(2). Since Linux 5.2.
    template <class Ring>
    static result<registered_eventfd> create(const Ring& ring, int eventfd,
                                             eventfd_events events = eventfd_events::all) noexcept {
        return create(ring.core(), eventfd, events);
    }

    registered_eventfd(registered_eventfd&& other) noexcept = default;
    registered_eventfd& operator=(registered_eventfd&& other) noexcept;
    /// As close(), with nobody to tell.
    ~registered_eventfd();

    /// No signals, while completions are reaped anyway, for example; without a system call. Errors: EOPNOTSUPP, a
    /// kernel before 5.8; EBADF, the ring is closed. Since Linux 5.8.
    result<void> pause() noexcept { return switch_signals(false); }
    /// Signals again, for what comes from now on: look once for what came meanwhile. Errors: those of pause(). Since
    /// Linux 5.8.
    result<void> resume() noexcept { return switch_signals(true); }

    /// Takes the registration away, unless the ring is gone. Errors: EEXIST, not on the ring's thread; it stays then.
    result<void> close() noexcept;

private:
    explicit registered_eventfd(detail::core_reference&& core) noexcept
        : core_{static_cast<detail::core_reference&&>(core)} {}
    static result<registered_eventfd> create(detail::ring_core* core, int eventfd, eventfd_events events) noexcept;
    result<void> switch_signals(bool on) noexcept;

    detail::core_reference core_;
};

} // namespace lio::inline v0
