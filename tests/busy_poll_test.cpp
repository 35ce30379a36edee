// Busy polling of network devices, as /proc shows it and as the kernel gives it back.

#include "catch.hpp"
#include "support/footprint.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/sockets.hpp"
#include "support/threads.hpp"
#include "support/waiting.hpp"

#include <lio/busy_poll.hpp>
#include <lio/large_ring.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/recv.hpp>
#include <lio/op/send.hpp>
#include <lio/split.hpp>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace busy_poll_test {

using lio::busy_poll;
using lio::busy_poll_options;
using lio::busy_poll_tracking;
using lio::ring;
using lio::test::next_soon;
using lio::test::under_each_setup;
namespace op = lio::op;

namespace {

constexpr const char* missing = "busy polling by a ring: since Linux 6.9, built with CONFIG_NET_RX_BUSY_POLL";
constexpr const char* no_list = "busy polling of queues that are listed: since Linux 6.13";

bool has(busy_poll_tracking tracking) {
    const auto ring = ring::create({.entries = 2}).value();
    const auto made = busy_poll::create(ring, {.tracking = tracking});
    if (!made) REQUIRE(made.error().why() == lio::cause::busy_poll_missing);
    return made.has_value();
}
bool is_there() { return has(busy_poll_tracking::dynamic); }
bool has_list() { return has(busy_poll_tracking::listed); }

// What the kernel tells of the ring, all of it; it speaks of polling since Linux 6.13.
std::string told_of(const ring& ring) {
    std::ostringstream text;
    text << std::ifstream{"/proc/self/fdinfo/" + std::to_string(ring.file())}.rdbuf();
    return text.str();
}
bool tells(const ring& ring, std::string_view words) { return told_of(ring).find(words) != std::string::npos; }

} // namespace

TEST_CASE("busy polling is on as long as its owner lives, in the way that was asked for") {
    if (!has_list()) LIO_SKIP(no_list);
    under_each_setup([](ring& ring) {
        CHECK(tells(ring, "NAPI:\tdisabled"));
        {
            busy_poll polling = busy_poll::create(ring, {.microseconds = 77, .prefer = true}).value();
            CHECK(tells(ring, "NAPI:\tenabled"));
            CHECK(tells(ring, "\nnapi tracking:\tdynamic\n"));
            CHECK(tells(ring, "\nnapi_busy_poll_dt:\t77000\n")); // in nanoseconds
            CHECK(tells(ring, "\nnapi_prefer_busy_poll:\ttrue\n"));
            const busy_poll_options listed{.microseconds = 500, .tracking = busy_poll_tracking::listed};
            CHECK(polling.change(listed).value() == busy_poll_options{.microseconds = 77, .prefer = true});
            CHECK(tells(ring, "\nnapi tracking:\tstatic\n"));
            CHECK(tells(ring, "\nnapi_busy_poll_dt:\t500000\n"));
            CHECK(tells(ring, "\nnapi_prefer_busy_poll:\tfalse\n"));
            CHECK(polling.change({}).value() == listed);
            busy_poll moved = std::move(polling);
            polling.close().value();
            CHECK(tells(ring, "NAPI:\tenabled"));
            CHECK(moved.change({}).has_value());
        }
        CHECK(tells(ring, "NAPI:\tdisabled"));
    });
}

TEST_CASE("what was registered for busy polling comes back from the kernel") {
    if (!is_there()) LIO_SKIP(missing);
    under_each_setup([](ring& ring) {
        busy_poll polling = busy_poll::create(ring, {.microseconds = 77, .prefer = true}).value();
        const auto was = polling.change({.microseconds = 0}).value();
        CHECK(was.microseconds == 77);
        CHECK(was.prefer);
        const auto then = polling.change({}).value();
        CHECK(then.microseconds == 0);
        CHECK_FALSE(then.prefer);
        polling.close().value();
        polling.close().value(); // nothing left to do
        // The next one finds nothing of it.
        busy_poll again = busy_poll::create(ring).value();
        again.close().value();
    });
}

TEST_CASE("sockets work as ever on a ring that polls network devices") {
    if (!is_there()) LIO_SKIP(missing);
    under_each_setup([](ring& ring) {
        for (const auto tracking : {busy_poll_tracking::dynamic, busy_poll_tracking::listed}) {
            auto polling = busy_poll::create(ring, {.microseconds = 200, .prefer = true, .tracking = tracking});
            if (!polling && tracking == busy_poll_tracking::listed) {
                lio::test::record_partial_skip(no_list);
                break;
            }
            REQUIRE(polling);
            if (tracking == busy_poll_tracking::listed) CHECK(polling->add_queue(1'000'000).has_value());
            const auto pair = lio::test::tcp_pair();
            for (int i = 0; i < 10; ++i) {
                char bytes[8];
                const std::string_view text = "packet";
                ring.push(op::recv(pair.ours, bytes).user_data(1)).value();
                ring.submit().value();
                CHECK(ring.wait(1, lio::timespec{0, 1'000'000}).error().code() == ETIME);
                ring.push(op::send(pair.theirs, text).user_data(2)).value();
                const auto both = next_soon(ring, 2);
                CHECK(lio::test::of(both, 1).result().value() == 6);
                CHECK(std::string_view(bytes, 6) == text);
            }
        }
    });
}

TEST_CASE("queues are added to those that are polled and taken out again, each once") {
    if (!has_list()) LIO_SKIP(no_list);
    under_each_setup([](ring& ring) {
        busy_poll polling = busy_poll::create(ring, {.tracking = busy_poll_tracking::listed}).value();
        constexpr std::uint32_t queue = 1'000'000; // above all numbers of CPUs, which are no queues
        CHECK(polling.add_queue(queue).has_value());
        CHECK(polling.add_queue(queue).error().code() == EEXIST);
        CHECK(polling.add_queue(queue + 1).has_value());
        CHECK(polling.remove_queue(queue).has_value());
        CHECK(polling.remove_queue(queue).error() == lio::error{ENOENT, lio::cause::no_such_queue});
        CHECK(polling.add_queue(0).error() == lio::error{EINVAL, lio::cause::no_such_queue});
        CHECK(polling.add_queue(1).error() == lio::error{EINVAL, lio::cause::no_such_queue});
        // Registered anew, the list is empty.
        polling.change({.tracking = busy_poll_tracking::listed}).value();
        CHECK(polling.remove_queue(queue + 1).error().code() == ENOENT);
        polling.change({}).value();
        CHECK(polling.add_queue(queue).error() == lio::error{EINVAL, lio::cause::no_such_queue});
    });
}

TEST_CASE("busy polling is refused where it cannot be, with the reason, and leaves nothing behind") {
    if (!is_there()) LIO_SKIP(missing);
    ring made = ring::create({.entries = 2}).value();
    CHECK(busy_poll::create(made, {.tracking = busy_poll_tracking::inactive}).error() ==
          lio::error{EINVAL, lio::cause::busy_poll_missing});
    {
        auto polling = busy_poll::create(made, {}).value();
        CHECK(busy_poll::create(made, {}).error() == lio::error{EBUSY, lio::cause::register_call});
        CHECK(polling.change({.tracking = busy_poll_tracking::inactive}).error().code() == EINVAL);
        CHECK(polling.change({}).value().microseconds == 50);
    }
    CHECK(busy_poll::create(made, {}).has_value());
    if (const auto polled = ring::create({.entries = 2, .require = lio::setup::iopoll}))
        CHECK(busy_poll::create(*polled, {}).error() == lio::error{EINVAL, lio::cause::busy_poll_on_polled_ring});
    made.close().value();
    CHECK(busy_poll::create(made, {}).error().why() == lio::cause::ring_closed);
}

TEST_CASE("busy polling may outlive its ring, be assigned, and belongs to the ring's thread") {
    if (!is_there()) LIO_SKIP(missing);
    ring first = ring::create({.entries = 2}).value();
    first.push(op::nop()).value();
    next_soon(first);
    busy_poll polling = busy_poll::create(first, {}).value();
    lio::test::on_fresh_thread([&] {
        const lio::error elsewhere{EEXIST, lio::cause::wrong_thread};
        CHECK(polling.change({}).error() == elsewhere);
        CHECK(polling.add_queue(1'000'000).error() == elsewhere);
        CHECK(polling.close().error() == elsewhere);
    });
    CHECK(busy_poll::create(first, {}).error().code() == EBUSY); // it stayed
    ring second = ring::create({.entries = 2}).value();
    polling = busy_poll::create(second, {.microseconds = 3}).value();
    CHECK(busy_poll::create(first, {}).has_value());
    second.close().value();
    CHECK(polling.change({}).error().why() == lio::cause::ring_closed);
    CHECK(polling.remove_queue(1).error().why() == lio::cause::ring_closed);
    polling.close().value();
    CHECK(polling.change({}).error().why() == lio::cause::ring_closed);
}

TEST_CASE("rings of every type and either half of a split one poll network devices, one at a time") {
    if (!is_there()) LIO_SKIP(missing);
    const auto large = lio::large_ring::create({.entries = 2}).value();
    CHECK(busy_poll::create(large).has_value());
    auto [completions, submissions] = lio::with_capacity(2).value();
    auto polling = busy_poll::create(completions).value();
    CHECK(busy_poll::create(submissions).error().code() == EBUSY);
    polling.close().value();
    CHECK(busy_poll::create(submissions).has_value());
    lio::test::leaks_nothing(
        [] {
            lio::ring ring = ring::create({.entries = 2}).value();
            busy_poll outliving = busy_poll::create(ring).value();
            ring.close().value();
        },
        30, 1'000'000);
}

} // namespace busy_poll_test
