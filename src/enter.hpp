// io_uring_enter(2) on any kind of ring, from any thread. Private. The hot path comes here only when something is
// out of the ordinary.
#pragma once

#include "ring_core.hpp"

#include <lio/timespec.hpp>

#include <cerrno>

namespace lio::detail {

/// Takes `submit_count` entries and, with GETEVENTS, waits for `wait_for` completions, no longer than `timeout` if
/// there is one. Returns how many entries were taken.
result<std::uint32_t> enter(ring_core& core, std::uint32_t submit_count, std::uint32_t wait_for, std::uint32_t flags,
                            const timespec* timeout) noexcept;

/// Goes on after an enter_call() that gave something else than what was hoped for.
result<std::uint32_t> recover(ring_core& core, enter_answer answer, std::uint32_t submit_count, std::uint32_t wait_for,
                              std::uint32_t flags) noexcept;

/// Whether the kernel can end a wait by a time-out. One that cannot would wait for ever.
inline bool can_time_out(const ring_core& core) noexcept { return (core.features & abi::feat_ext_arg) != 0; }
inline error timed_wait_missing() noexcept { return error{EOPNOTSUPP, cause::timed_wait_missing}; }

/// For a wait that ended with fewer completions than it was to wait for, though the call itself did not fail:
/// a call that has submitted something hides why its wait ended.
inline error wait_ended(const timespec* timeout) noexcept {
    return timeout == nullptr ? error{EINTR, cause::wait_interrupted} : error{ETIME, cause::wait_timed_out};
}

} // namespace lio::detail
