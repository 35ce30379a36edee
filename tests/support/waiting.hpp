// Waiting in tests: with an end, so that an operation that never completes fails its test instead of stopping all of
// them; and the time that passes meanwhile. Test code; on the test's thread.
#pragma once

#include "../catch.hpp"
#include "machine.hpp"

#include <lio/cqe.hpp>
#include <lio/ring.hpp>

#include <poll.h>
#include <time.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <vector>

namespace lio::test {

/// Nanoseconds on a clock of clock_gettime(2).
inline std::int64_t now(clockid_t clock = CLOCK_MONOTONIC) {
    struct ::timespec time {};
    REQUIRE(::clock_gettime(clock, &time) == 0);
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

/// When what has not come by then is lost, on that clock.
inline std::int64_t end_of_patience() { return now() + std::chrono::nanoseconds{patience}.count(); }

/// Submits what is queued and waits for the next completion: with patience, and once that was in vain, half a second
/// each time.
inline cqe next_soon(ring& ring) {
    static timespec longest = patience;
    ring.submit().value();
    const auto done = ring.next(longest);
    if (!done) {
        longest = {0, 500'000'000};
        FAIL("no completion came: " << done.error().name());
    }
    return *done;
}

/// The same for `count` completions, in the order in which they came.
inline std::vector<cqe> next_soon(ring& ring, std::size_t count) {
    std::vector<cqe> all;
    while (all.size() < count) all.push_back(next_soon(ring));
    return all;
}

/// Runs one operation on a ring that has nothing else in flight.
template <class Operation>
cqe run(ring& ring, const Operation& operation) {
    ring.push(operation).value();
    return next_soon(ring);
}

/// Of several completions the one with this user_data; it must be there, once.
inline cqe of(const std::vector<cqe>& all, std::uint64_t user_data) {
    const cqe* found = nullptr;
    for (const cqe& done : all)
        if (done.user_data() == user_data) {
            REQUIRE(found == nullptr);
            found = &done;
        }
    REQUIRE(found != nullptr);
    return *found;
}

/// Submits what is queued and waits until the kernel has taken it, which matters where a thread of the kernel submits.
inline void submit_all(ring& ring) {
    ring.submit().value();
    const std::int64_t give_up = end_of_patience();
    while (ring.submission_room() != ring.submission_capacity() && now() < give_up) ::poll(nullptr, 0, 1);
    REQUIRE(ring.submission_room() == ring.submission_capacity());
}

/// Submits what is queued; whether the ring then stays without a completion for a moment.
inline bool stays_quiet(ring& ring, int milliseconds = 20) {
    submit_all(ring);
    ::poll(nullptr, 0, milliseconds);
    return ring.reap().empty();
}

/// The error of a completion; 0 if it is a success.
inline int code(const cqe& done) {
    const auto result = done.result();
    return result ? 0 : result.error().code();
}

constexpr std::int64_t milliseconds(std::int64_t count) { return count * 1'000'000; }

/// A time for the kernel from nanoseconds.
constexpr timespec to_timespec(std::int64_t nanoseconds) {
    return {nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
}

} // namespace lio::test
