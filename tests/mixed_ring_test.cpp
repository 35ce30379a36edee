// Rings whose entries and completions are of mixed sizes, on the real kernel.

#include "catch.hpp"
#include "support/large_rings.hpp"
#include "support/skip.hpp"

#include <lio/large_ring.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/read_write.hpp>
#include <lio/ring_description.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include <unistd.h>

namespace mixed_ring_test {

using lio::op::nop;
using lio::op::nop128;
using lio::op::nop_large_completion;

namespace {

template <class Ring>
bool is_there() {
    const auto made = Ring::create({.entries = 8});
    CAPTURE(made ? "" : made.error().message());
    if (!made)
        REQUIRE((made.error().why() == lio::cause::mixed_completions_missing ||
                 made.error().why() == lio::cause::mixed_entries_missing));
    return made.has_value();
}

constexpr const char* no_mixed_completions = "completions of mixed sizes: since Linux 6.18";
constexpr const char* no_mixed_entries = "entries of mixed sizes: since Linux 6.19";

void check(const lio::large_cqe& done, std::uint64_t number, bool is_long) {
    CHECK(done.user_data() == number);
    CHECK(done.raw_result() == 0);
    CHECK(done.extra(0) == (is_long ? number + 100 : 0));
    CHECK(done.extra(1) == (is_long ? ~number : 0));
}

template <class Ring>
void push(Ring& ring, std::uint64_t number, bool is_long) {
    if (is_long)
        ring.push(nop_large_completion{number + 100, ~number}.user_data(number)).value();
    else
        ring.push(nop().user_data(number)).value();
}

// Every pattern of sizes meets every position in the queue.
constexpr bool is_long(std::uint64_t number) { return (number * 7 / 3 + number / 11) % 3 == 0; }

template <class Ring>
void comes_whole() {
    Ring ring = Ring::create({.entries = 8, .completion_entries = 16}).value();
    std::uint64_t pushed = 0;
    std::uint64_t seen = 0;
    while (pushed < 3000) {
        const std::uint64_t batch = 1 + pushed % 5;
        for (std::uint64_t i = 0; i < batch; ++i, ++pushed) push(ring, pushed, is_long(pushed));
        CHECK(ring.submit_and_wait(static_cast<std::uint32_t>(batch)).value().left == 0);
        CHECK(ring.ready() == batch);
        if (batch % 3 == 0) {
            ring.reap().for_each([&seen](const lio::large_cqe& done) {
                check(done, seen, is_long(seen));
                ++seen;
            });
        } else if (batch % 2 == 0) {
            for (; seen < pushed; ++seen) check(ring.next().value(), seen, is_long(seen));
        } else {
            const auto reaped = ring.reap();
            CHECK(reaped.size() == batch);
            for (const lio::large_cqe& done : ring.reap()) {
                check(done, seen, is_long(seen));
                ++seen;
            }
        }
        CHECK(seen == pushed);
        CHECK(ring.try_next().error().code() == EAGAIN);
    }
}

template <class Ring>
void waits_for_completions() {
    Ring ring = Ring::create({.entries = 8}).value();
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    char byte = 0;
    // The long completion is there at once and fills two slots: the kernel's count of a wait for two.
    ring.push(nop_large_completion{1, 2}.user_data(1),
              lio::op::read{ends[0], lio::mutable_bytes{&byte, 1}, lio::file_offset{0}}.user_data(2))
        .value();
    ssize_t written = 0;
    std::thread writer{[&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        written = ::write(ends[1], "x", 1);
    }};
    const auto submitted = ring.submit_and_wait(2);
    const std::uint32_t ready = ring.ready();
    writer.join();
    CHECK(written == 1);
    CHECK(submitted.value().taken == 2);
    CHECK(ready == 2);
    CHECK(ring.next().value().user_data() == 1);
    CHECK(ring.next().value().user_data() == 2);
    CHECK(byte == 'x');
    // The same for wait(), and what a time-out says when there is one too few.
    ring.push(nop_large_completion{1, 2}.user_data(3)).value();
    ring.submit().value();
    CHECK(ring.wait(2, lio::timespec{0, 20'000'000}).error().code() == ETIME);
    CHECK(ring.ready() == 1);
    ::close(ends[0]);
    ::close(ends[1]);
}

template <class Ring>
void loses_nothing() {
    Ring ring = Ring::create({.entries = 2, .completion_entries = 2}).value();
    constexpr std::uint64_t all = 2000;
    std::uint64_t pushed = 0;
    std::vector<int> times(all);
    std::uint64_t seen = 0;
    // Far more than the queue holds before anything is reaped, long ones among them.
    while (seen < all) {
        for (int i = 0; i < 10 && pushed < all && ring.submission_room() != 0; ++i) {
            push(ring, pushed, is_long(pushed));
            ++pushed;
            const auto submitted = ring.submit();
            if (!submitted) REQUIRE(submitted.error().code() == EBUSY);
            if (!submitted) break;
        }
        REQUIRE(ring.wait(1).value() >= 1);
        for (auto done = ring.try_next(); done; done = ring.try_next()) {
            REQUIRE(done->user_data() < all);
            ++times[static_cast<std::size_t>(done->user_data())];
            check(*done, done->user_data(), is_long(done->user_data()));
            ++seen;
        }
        if (ring.unsubmitted() != 0) static_cast<void>(ring.submit());
    }
    CHECK(std::count(times.begin(), times.end(), 1) == static_cast<int>(all));
}

} // namespace

TEST_CASE("short and long completions come whole and in order in one queue, wherever they lie [hazard 26]",
          "[hazard 26]") {
    if (!is_there<lio::mixed_completion_ring>()) LIO_SKIP(no_mixed_completions);
    comes_whole<lio::mixed_completion_ring>();
}

TEST_CASE("short and long completions come whole on a ring of mixed entries too [hazard 26]", "[hazard 26]") {
    if (!is_there<lio::mixed_ring>()) LIO_SKIP(no_mixed_entries);
    comes_whole<lio::mixed_ring>();
}

TEST_CASE("a wait where sizes are mixed is for completions, not for their slots [hazard 26]", "[hazard 26]") {
    if (!is_there<lio::mixed_completion_ring>()) LIO_SKIP(no_mixed_completions);
    waits_for_completions<lio::mixed_completion_ring>();
}

TEST_CASE("a wait on a ring of mixed entries is for completions too [hazard 26]", "[hazard 26]") {
    if (!is_there<lio::mixed_ring>()) LIO_SKIP(no_mixed_entries);
    waits_for_completions<lio::mixed_ring>();
}

TEST_CASE("nothing is lost when a queue of mixed sizes overflows [hazard 12] [hazard 26]", "[hazard 12][hazard 26]") {
    // The first kernel with such queues, which has no mixed entries yet, shows some completions twice then.
    if (!is_there<lio::mixed_ring>()) LIO_SKIP("queues of mixed sizes that overflow and stay whole: after Linux 6.18");
    loses_nothing<lio::mixed_completion_ring>();
    loses_nothing<lio::mixed_ring>();
}

TEST_CASE("entries of 64 and 128 bytes go through one queue in order, wherever they lie [hazard 26]", "[hazard 26]") {
    if (!is_there<lio::mixed_ring>()) LIO_SKIP(no_mixed_entries);
    lio::mixed_ring ring = lio::mixed_ring::create({.entries = 8, .completion_entries = 64}).value();
    std::uint64_t pushed = 0;
    std::uint64_t seen = 0;
    while (pushed < 3000) {
        const std::uint64_t batch = 1 + pushed % 3;
        for (std::uint64_t i = 0; i < batch; ++i, ++pushed) {
            if (is_long(pushed))
                ring.push(nop128().user_data(pushed)).value();
            else
                ring.push(nop().user_data(pushed)).value();
        }
        CHECK(ring.submit_and_wait(static_cast<std::uint32_t>(batch)).value().left == 0);
        for (const lio::large_cqe& done : ring.reap()) {
            CHECK(done.result());
            CHECK(done.user_data() == seen++);
        }
        CHECK(seen == pushed);
    }
}

TEST_CASE("a chain goes on through padding and breaks where it is broken; drain still works [hazard 26] [hazard 27]",
          "[hazard 26][hazard 27]") {
    if (!is_there<lio::mixed_ring>()) LIO_SKIP(no_mixed_entries);
    lio::mixed_ring ring = lio::mixed_ring::create({.entries = 8}).value();
    // At each position in the queue: one of them has the end of the memory between its members.
    for (std::uint64_t start = 0; start < 8; ++start) {
        for (const bool breaks : {false, true}) {
            const auto first = breaks ? nop().inject_result(-EIO) : nop();
            ring.push(first.link().user_data(1), nop128().link().user_data(2), nop128().user_data(3)).value();
            CHECK(ring.submit_and_wait(3).value().left == 0);
            std::uint64_t number = 1;
            for (const lio::large_cqe& done : ring.reap()) {
                CHECK(done.user_data() == number);
                CHECK(done.raw_result() == (!breaks ? 0 : number == 1 ? -EIO : -ECANCELED));
                ++number;
            }
            CHECK(number == 4);
        }
        ring.push(nop().user_data(9)).value();
        ring.submit_and_wait(1).value();
        CHECK(ring.next().value().user_data() == 9);
    }
    ring.push(nop().drain().user_data(10)).value();
    ring.submit_and_wait(1).value();
    CHECK(ring.next().value().result());
}

TEST_CASE("rings of mixed sizes say what they are, and lie in the program's memory", "[hazard 17]") {
    if (!is_there<lio::mixed_completion_ring>()) LIO_SKIP(no_mixed_completions);
    const lio::ring_options small{.entries = 4};
    const auto ring = lio::mixed_completion_ring::create(small).value();
    CHECK(std::strstr(lio::describe(ring).c_str(), "completions of 16 and 32") != nullptr);
    CHECK(lio::mixed_completion_ring::required_memory(small).value() == lio::ring::required_memory(small).value());
}

TEST_CASE("rings of mixed sizes can be resized when nothing long waits in them [hazard 21] [hazard 26]",
          "[hazard 21][hazard 26]") {
    if (!is_there<lio::mixed_completion_ring>()) LIO_SKIP(no_mixed_completions);
    lio::mixed_completion_ring ring = lio::mixed_completion_ring::create({.entries = 4}).value();
    push(ring, 1, true);
    ring.submit_and_wait(1).value();
    CHECK(ring.resize(16).error() == lio::error{EBUSY, lio::cause::reap_first});
    check(ring.next().value(), 1, true);
    ring.resize(16).value();
    for (std::uint64_t i = 0; i < 100; ++i) {
        push(ring, i, is_long(i));
        ring.submit_and_wait(1).value();
        check(ring.next().value(), i, is_long(i));
    }
    if (!is_there<lio::mixed_ring>()) {
        lio::test::record_partial_skip(no_mixed_entries);
        return;
    }
    lio::mixed_ring mixed = lio::mixed_ring::create({.entries = 4}).value();
    mixed.push(nop128().user_data(7)).value();
    CHECK(mixed.resize(16).error() == lio::error{EBUSY, lio::cause::submit_first});
    mixed.submit_and_wait(1).value();
    CHECK(mixed.next().value().user_data() == 7);
    mixed.resize(16).value();
    for (std::uint64_t i = 0; i < 40; ++i) {
        mixed.push(nop().user_data(i), nop128().user_data(i + 1)).value();
        mixed.submit_and_wait(2).value();
        CHECK(mixed.next().value().user_data() == i);
        CHECK(mixed.next().value().user_data() == i + 1);
    }
}

TEST_CASE("a ring of mixed entries with room for one is refused with the reason [hazard 25]", "[hazard 25]") {
    if (!is_there<lio::mixed_ring>()) LIO_SKIP(no_mixed_entries);
    const auto made = lio::mixed_ring::create({.entries = 1});
    CHECK(made.error() == lio::error{EOVERFLOW, lio::cause::setup_call});
    CHECK(std::strstr(made.error().message(), "two entries") != nullptr);
}

} // namespace mixed_ring_test
