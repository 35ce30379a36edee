// busy_poll: while a ring is waited on, the kernel asks network devices for packets instead of sleeping until they
// interrupt (NAPI busy polling). On the ring's thread.
#pragma once

#include <lio/detail/ring_core.hpp>
#include <lio/result.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// Which queues of network devices are polled.
enum class busy_poll_tracking : std::uint8_t {
    /// Those that the sockets of the ring's operations receive from; each for a minute after the last operation.
    dynamic = 0,
    /// Those that busy_poll::add_queue() names: what the kernel calls static. Since Linux 6.13.
    listed = 1,
    /// None. Only told, by busy_poll::change(): it cannot be asked for.
    inactive = 255,
};

/// How waits poll.
struct busy_poll_options {
    /// For how long at most, in microseconds, before the wait sleeps. Newer kernels make 10 ms of more than that. With
    /// setup::sqpoll the ring's kernel thread polls, and only whether this is 0 counts.
    std::uint32_t microseconds = 50;
    /// Asks the device not to interrupt meanwhile (SO_PREFER_BUSY_POLL).
    bool prefer = false;
    busy_poll_tracking tracking = busy_poll_tracking::dynamic;

    friend constexpr bool operator==(const busy_poll_options&, const busy_poll_options&) noexcept = default;
};

/// Busy polling of a ring, which has one at most. Owns the registration; when it goes, waits sleep at once again.
/// Outlives its ring harmlessly.
///     auto polling = lio::busy_poll::create(ring, {.microseconds = 100, .prefer = true}).value();
class busy_poll {
public:
    /// `ring` is a ring or one of a split ring's handles. Errors: EBUSY, the ring has one; EINVAL, a ring with
    /// setup::iopoll, which has no business with sockets, busy_poll_tracking::inactive, or a kernel that is too old;
    /// EOPNOTSUPP, a kernel that was built without it.
    /// io_uring_register(2). Since Linux 6.9; busy_poll_tracking::listed since 6.13.
    template <class Ring>
    static result<busy_poll> create(const Ring& ring, const busy_poll_options& options = {}) noexcept {
        return create(ring.core(), options);
    }

    busy_poll(busy_poll&& other) noexcept = default;
    busy_poll& operator=(busy_poll&& other) noexcept;
    /// As close(), with nobody to tell.
    ~busy_poll();

    /// Polls in another way from now on; queues that were added are forgotten. Returns what the kernel has done up to
    /// now (without the tracking before Linux 6.13: always dynamic). Errors: those of create(), and EBADF, it is
    /// closed; it is as it was then.
    result<busy_poll_options> change(const busy_poll_options& options) noexcept;

    /// With busy_poll_tracking::listed: polls the queue with this NAPI id too, which a socket's SO_INCOMING_NAPI_ID
    /// gives and the netlink family netdev lists. Nobody checks that there is such a queue. Errors: EINVAL, the queues
    /// are not listed, or no queue can have this number (0, for example: the loopback device has none); EEXIST, it was
    /// added before. Since Linux 6.13.
    result<void> add_queue(std::uint32_t napi_id) noexcept;
    /// No longer. Errors: EINVAL, the queues are not listed; ENOENT, it was not added. Since Linux 6.13.
    result<void> remove_queue(std::uint32_t napi_id) noexcept;

    /// Takes the registration away, unless the ring is gone. Errors: EEXIST, not on the ring's thread; it stays then.
    result<void> close() noexcept;

private:
    explicit busy_poll(detail::core_reference&& core) noexcept : core_{static_cast<detail::core_reference&&>(core)} {}
    static result<busy_poll> create(detail::ring_core* core, const busy_poll_options& options) noexcept;
    result<void> change_queues(std::uint8_t how, std::uint32_t napi_id) noexcept;

    detail::core_reference core_;
};

} // namespace lio::inline v0
