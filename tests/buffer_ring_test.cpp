// Buffer rings: what create() refuses, how buffers come and go, and in which order things may end. Data comes in over
// sockets that plain POSIX calls fill. Single thread, but where a test says otherwise.

#include "catch.hpp"

#include "support/footprint.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/buffer_ring.hpp>
#include <lio/op/cancel.hpp>
#include <lio/op/all.hpp>
#include <lio/ring.hpp>
#include <lio/split.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/ioctl.h>

namespace buffer_ring_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::buffer_ring;
using lio::cqe;
using lio::ring;

constexpr const char* no_buffer_rings = "the kernel has no buffer rings (Linux 5.19 has)";

/// All buffers that the kernel has, taken out by one-byte messages and not given back. Each must come once.
std::set<unsigned> take_all(ring& ring, const buffer_ring& buffers) {
    connection pair = socket_pair(SOCK_SEQPACKET);
    std::set<unsigned> taken;
    for (;;) {
        send_all(pair.theirs, "x");
        const cqe done = run(ring, op::recv(pair.ours, buffers.group()));
        if (!done.result()) {
            REQUIRE(code(done) == ENOBUFS);
            return taken;
        }
        REQUIRE(done.buffer_id());
        REQUIRE(*done.buffer_id() < buffers.count());
        REQUIRE(taken.insert(*done.buffer_id()).second);
    }
}

bool has_all(const std::set<unsigned>& taken, const buffer_ring& buffers) {
    return taken.size() == buffers.count() && *taken.rbegin() == buffers.count() - 1;
}

std::string to_text(const buffer_ring& buffers, std::uint16_t id) { return std::string{text_of(buffers.buffer(id))}; }

} // namespace

TEST_CASE("a buffer ring has the size that was asked for, and its buffers lie apart", "[buffer_ring]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    under_each_setup([](ring& ring) {
        std::uint16_t group = 5;
        for (const std::uint32_t count : {1u, 2u, 64u, 32768u}) {
            const auto made = buffer_ring::create(ring, {.group = ++group, .count = count, .size = 24});
            const buffer_ring& buffers = *made;
            CHECK(buffers.count() == count);
            CHECK(buffers.size() == 24);
            CHECK(buffers.group() == group);
            bool apart = true;
            for (std::uint32_t id = 0; id < count; ++id) {
                const lio::mutable_bytes memory = buffers.buffer(static_cast<std::uint16_t>(id));
                apart =
                    apart && memory.size() == 24 && (id == 0 || memory.data() == buffers.buffer(0).data() + id * 24);
                std::memset(memory.data(), 0xff, memory.size());
            }
            CHECK(apart);
            // Writing them full did no harm to the ring's own memory.
            if (count <= 64) CHECK(has_all(take_all(ring, buffers), buffers));
        }
    });
}

TEST_CASE("a count that is no power of two up to 32768 is refused", "[buffer_ring][hazard 24]") {
    ring ring = lio::ring::create({.entries = 4}).value();
    for (const std::uint32_t count : {0u, 3u, 6u, 255u, 32767u, 32769u, 65536u, 0x80000000u, 0xffffffffu}) {
        const auto made = buffer_ring::create(ring, {.count = count, .size = 1});
        INFO(count << " buffers");
        REQUIRE_FALSE(made);
        CHECK(made.error().code() == EINVAL);
        CHECK(made.error().why() == lio::cause::buffer_count_not_a_power_of_two);
    }
}

TEST_CASE("a size that no buffer can have, or no machine can give, is an error", "[buffer_ring][hazard 48]") {
    ring ring = lio::ring::create({.entries = 4}).value();
    for (const std::uint32_t size : {0u, 0x7ffff001u, 0x80000000u, 0xffffffffu}) {
        const auto made = buffer_ring::create(ring, {.count = 1, .size = size});
        REQUIRE_FALSE(made);
        CHECK(made.error().code() == EINVAL);
        CHECK(made.error().why() == lio::cause::buffer_size_out_of_range);
    }
    // 64 TiB in all. On 32 bits a sum that wraps would come out small.
    const auto huge = buffer_ring::create(ring, {.count = 32768, .size = 0x7ffff000});
    if constexpr (sizeof(void*) == 4) {
        REQUIRE_FALSE(huge);
        CHECK(huge.error().why() == lio::cause::buffer_size_out_of_range);
        const auto wrapped = buffer_ring::create(ring, {.count = 32768, .size = 0x20000});
        REQUIRE_FALSE(wrapped);
        CHECK(wrapped.error().why() == lio::cause::buffer_size_out_of_range);
    } else if (huge) {
        CHECK(huge->buffer(32767).data() - huge->buffer(0).data() == std::int64_t{32767} * 0x7ffff000);
    } else {
        CHECK(huge.error().code() == ENOMEM);
    }
}

TEST_CASE("a group is given once at a time", "[buffer_ring]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    under_each_setup([](ring& ring) {
        {
            const auto first = buffer_ring::create(ring, {.group = 65535, .count = 1, .size = 8}).value();
            const auto second = buffer_ring::create(ring, {.group = 65535, .count = 1, .size = 8});
            REQUIRE_FALSE(second);
            CHECK(second.error().code() == EEXIST);
            // And not that another thread had the ring: nobody has used it yet.
            CHECK(second.error().why() == lio::cause::register_call);
            CHECK(buffer_ring::create(ring, {.group = 65534, .count = 1, .size = 8}));
            CHECK(has_all(take_all(ring, first), first)); // the refused one did the first no harm
        }
        CHECK(buffer_ring::create(ring, {.group = 65535, .count = 1, .size = 8}));
    });
}

TEST_CASE("a number that was given back gives out each buffer once, or is refused for good", "[buffer_ring]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    under_each_setup([](ring& ring) {
        for (const std::uint16_t number : {std::uint16_t{1}, std::uint16_t{64}}) {
            for (int round = 0; round < 3; ++round) {
                // Before Linux 6.10 the kernel does not forget where the group with a low number stood.
                const auto made = buffer_ring::create(ring, {.group = number, .count = 4, .size = 8});
                if (!made) {
                    CHECK(made.error() == lio::error{EEXIST, lio::cause::buffer_group_not_forgotten});
                    CHECK(round > 0);
                    CHECK(number < 64);
                    continue;
                }
                CHECK(has_all(take_all(ring, *made), *made));
            }
        }
    });
}

TEST_CASE("two groups do not mix their buffers", "[buffer_ring]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    under_each_setup([](ring& ring) {
        const auto first = buffer_ring::create(ring, {.group = 1, .count = 2, .size = 4}).value();
        const auto second = buffer_ring::create(ring, {.group = 2, .count = 2, .size = 4}).value();
        connection pair = socket_pair();
        send_all(pair.theirs, "onesTWOS");
        const cqe one = run(ring, op::recv(pair.ours, first.group()));
        const cqe two = run(ring, op::recv(pair.ours, second.group()));
        CHECK(to_text(first, *one.buffer_id()) == "ones");
        CHECK(to_text(second, *two.buffer_id()) == "TWOS");
    });
}

TEST_CASE("a buffer ring needs a ring that is open", "[buffer_ring]") {
    ring ring = lio::ring::create({.entries = 4}).value();
    ring.close().value();
    const auto made = buffer_ring::create(ring, {});
    REQUIRE_FALSE(made);
    CHECK(made.error().code() == EBADF);
}

TEST_CASE("a buffer ring can be made with either half of a split ring", "[buffer_ring]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    auto [completions, submissions] = lio::with_capacity(4).value();
    const auto first = buffer_ring::create(submissions, {.group = 1, .count = 1, .size = 8}).value();
    const auto second = buffer_ring::create(completions, {.group = 2, .count = 1, .size = 8}).value();
    connection pair = socket_pair();
    for (const buffer_ring* buffers : {&first, &second}) {
        send_all(pair.theirs, "split");
        submissions.push(op::recv(pair.ours, buffers->group())).value();
        submissions.submit().value();
        CHECK(text_of(buffers->filled(completions.next().value())) == "split");
    }
}

TEST_CASE("a receive writes within its buffer only", "[buffer_ring]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    under_each_setup([](ring& ring) {
        auto buffers = buffer_ring::create(ring, {.group = 1, .count = 4, .size = 8}).value();
        for (std::uint16_t id = 0; id < 4; ++id) std::memset(buffers.buffer(id).data(), '.', 8);
        connection pair = socket_pair();
        send_all(pair.theirs, "0123456789abcdef");
        const cqe done = run(ring, op::recv(pair.ours, buffers.group()));
        CHECK(done.result().value() == 8);
        for (std::uint16_t id = 0; id < 4; ++id)
            CHECK(to_text(buffers, id) == (id == *done.buffer_id() ? "01234567" : "........"));
    });
}

TEST_CASE("a buffer that is not given back is not used again", "[buffer_ring]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    under_each_setup([](ring& ring) {
        auto buffers = buffer_ring::create(ring, {.group = 1, .count = 4, .size = 8}).value();
        CHECK(has_all(take_all(ring, buffers), buffers));
        CHECK(take_all(ring, buffers).empty());
        buffers.recycle(2);
        CHECK(take_all(ring, buffers) == std::set<unsigned>{2});
        for (const unsigned id : {3u, 0u, 1u, 2u}) buffers.recycle(static_cast<std::uint16_t>(id));
        CHECK(has_all(take_all(ring, buffers), buffers));
    });
}

TEST_CASE("filled is what was received; of a failure it is nothing", "[buffer_ring][hazard 34]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    ring ring = lio::ring::create({.entries = 4}).value();
    const auto buffers = buffer_ring::create(ring, {.group = 1, .count = 8, .size = 16}).value();
    const auto completion = [](std::int32_t result, std::uint32_t flags) {
        lio::abi::cqe entry{};
        entry.res = result;
        entry.flags = flags;
        return cqe{entry};
    };
    constexpr std::uint32_t with_buffer_7 = 7u << 16 | 1;
    const lio::mutable_bytes some = buffers.filled(completion(5, with_buffer_7));
    CHECK(some.data() == buffers.buffer(7).data());
    CHECK(some.size() == 5);
    CHECK(buffers.filled(completion(0, with_buffer_7)).size() == 0);
    CHECK(buffers.filled(completion(17, with_buffer_7)).size() == 16); // never beyond the buffer
    CHECK(buffers.filled(completion(-ECONNRESET, with_buffer_7)).size() == 0);
    CHECK(buffers.filled(completion(5, 7u << 16)).size() == 0); // bits without the flag that makes them a buffer

    // The buffer of a completion that failed, and is the last, is there to be given back.
    const cqe failed = completion(-ENOBUFS, with_buffer_7);
    CHECK_FALSE(failed.more());
    REQUIRE(failed.buffer_id());
    CHECK(*failed.buffer_id() == 7);
    CHECK_FALSE(completion(-ENOBUFS, 0).buffer_id());
}

TEST_CASE("a receive that was cancelled half-way gives its buffer back through its completion",
          "[buffer_ring][hazard 34]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    under_each_setup([](ring& ring) {
        auto buffers = buffer_ring::create(ring, {.group = 1, .count = 2, .size = 8}).value();
        connection pair = socket_pair();
        ring.push(op::recv(pair.ours, buffers.group()).flags(MSG_WAITALL).user_data(1)).value();
        CHECK(stays_quiet(ring));
        send_all(pair.theirs, "abc");
        // Three of eight: once they are taken from the socket, it holds a buffer and waits for more.
        int unread = 3;
        for (int i = 0; i < 5000 && unread != 0; ++i) {
            CHECK(stays_quiet(ring, 1));
            REQUIRE(::ioctl(pair.ours, FIONREAD, &unread) == 0);
        }
        REQUIRE(unread == 0);
        ring.push(op::cancel(1).user_data(2)).value();
        const cqe done = of(next_soon(ring, 2), 1);
        CHECK_FALSE(done.more());
        REQUIRE(done.buffer_id());
        if (done.result()) CHECK(text_of(buffers.filled(done)) == "abc");
        buffers.recycle(*done.buffer_id());
        CHECK(has_all(take_all(ring, buffers), buffers));
    });
}

TEST_CASE("buffers come round more often than the tail's 16 bits can count", "[buffer_ring][hazard 2][slow]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    ring ring = lio::ring::create({.entries = 16, .completion_entries = 64}).value();
    constexpr unsigned rounds = 2 * 65536 / 4 + 100;
    auto buffers = buffer_ring::create(ring, {.group = 1, .count = 4, .size = 8}).value();
    connection pair = socket_pair(SOCK_SEQPACKET);
    std::mt19937 random{1};
    unsigned sent = 0;
    unsigned received = 0;
    for (unsigned round = 0; round < rounds; ++round) {
        std::vector<std::uint16_t> held;
        for (int i = 0; i < 4; ++i) {
            if (::send(pair.theirs, &sent, sizeof sent, 0) != sizeof sent) FAIL("a message could not be sent");
            ++sent;
            ring.push(op::recv(pair.ours, buffers.group())).value();
        }
        ring.submit_and_wait(4).value();
        bool right = true;
        for (const cqe& done : ring.reap()) {
            unsigned number = 0;
            right = right && done.result() && *done.result() == sizeof number;
            std::memcpy(&number, buffers.filled(done).data(), sizeof number);
            right = right && number == received;
            ++received;
            held.push_back(*done.buffer_id());
        }
        if (!right || std::set<unsigned>(held.begin(), held.end()).size() != 4) FAIL("wrong after " << received);
        std::shuffle(held.begin(), held.end(), random);
        for (const std::uint16_t id : held) buffers.recycle(id);
    }
    CHECK(received == rounds * 4);
    CHECK(has_all(take_all(ring, buffers), buffers));
}

TEST_CASE("the largest ring of buffers works when its tail wraps as a whole", "[buffer_ring][hazard 2][slow]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot receive (Linux 6.0 has)");
    ring ring = lio::ring::create({.entries = 16, .completion_entries = 1024}).value();
    auto buffers = buffer_ring::create(ring, {.group = 1, .count = 32768, .size = 8}).value();
    connection pair = socket_pair(SOCK_SEQPACKET);
    for (int round = 0; round < 5; ++round) {
        std::vector<bool> seen(32768);
        std::size_t received = 0;
        bool doubled = false;
        bool ended = false;
        const auto take = [&] {
            bool found = false;
            for (const cqe& done : ring.reap()) {
                found = true;
                if (done.buffer_id()) {
                    doubled = doubled || seen[*done.buffer_id()];
                    seen[*done.buffer_id()] = true;
                    ++received;
                }
                ended = !done.more();
            }
            return found;
        };
        ring.push(op::recv_multishot(pair.ours, buffers.group())).value();
        ring.submit().value();
        // One message more than there are buffers; the last one waits for the next round.
        for (int i = round == 0 ? 0 : 1; i <= 32768; ++i) {
            send_all(pair.theirs, "m");
            // The socket must not fill up. The kernel posts no more than so many at a time.
            if (i % 32 == 31) {
                while (take()) {
                }
            }
        }
        while (!ended) {
            ring.wait(1).value();
            take();
        }
        CHECK_FALSE(doubled);
        CHECK(received == 32768);
        for (std::uint32_t id = 0; id < 32768; ++id) buffers.recycle(static_cast<std::uint16_t>(id));
    }
}

TEST_CASE("the tail in the first entry is never written but by giving buffers back", "[buffer_ring]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    ring ring = lio::ring::create({.entries = 4}).value();
    bool went_back = false;
    for (int pass = 0; pass < 20; ++pass) {
        auto buffers = buffer_ring::create(ring, {.group = 101, .count = 2, .size = 8}).value();
        // A thread in the kernel's place: entries of 16 bytes lie before the buffers, the tail in the last two bytes
        // of the first. As long as it does not wrap it can only grow.
        const std::byte* const entries = buffers.buffer(0).data() - 2 * 16;
        const auto* const tail = reinterpret_cast<const std::uint16_t*>(entries + 14);
        std::uint16_t before = __atomic_load_n(tail, __ATOMIC_ACQUIRE);
        REQUIRE(before == 2);
        bool watching = false;
        std::thread watcher([&] {
            while (before != 60000) {
                const std::uint16_t now = __atomic_load_n(tail, __ATOMIC_ACQUIRE);
                if (now < before) went_back = true;
                before = now;
                __atomic_store_n(&watching, true, __ATOMIC_RELEASE);
            }
        });
        while (!__atomic_load_n(&watching, __ATOMIC_ACQUIRE)) std::this_thread::yield();
        for (unsigned i = 2; i < 60000; ++i) buffers.recycle(static_cast<std::uint16_t>(i & 1));
        watcher.join();
    }
    CHECK_FALSE(went_back);
}

TEST_CASE("no buffer is lost or doubled in a storm of receives that end in every way", "[buffer_ring][hazard 34]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot receive (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = buffer_ring::create(ring, {.group = 3, .count = 16, .size = 8}).value();
        std::mt19937 random{7};
        const auto pick = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
        std::vector<bool> ours(16); // which buffers are in the program's hands
        unsigned in_flight = 0;
        std::vector<std::uint16_t> held;
        for (unsigned round = 0; round < 300; ++round) {
            connection pair = socket_pair();
            const bool multishot = pick(3) != 0;
            if (multishot) {
                ring.push(op::recv_multishot(pair.ours, buffers.group()).user_data(round)).value();
            } else {
                ring.push(op::recv(pair.ours, buffers.group()).flags(pick(2) == 0 ? MSG_WAITALL : 0).user_data(round))
                    .value();
            }
            ++in_flight;
            ring.submit().value();
            const auto cancel = [&] {
                ring.push(op::cancel(std::uint64_t{round}).user_data(1'000'000)).value();
                ++in_flight;
            };
            for (unsigned i = pick(6); i > 0; --i) send_all(pair.theirs, std::string(1 + pick(20), 'x'));
            switch (pick(3)) {
            case 0: pair.theirs.close(); break;
            case 1: cancel(); break;
            default: REQUIRE(::shutdown(pair.ours, SHUT_RDWR) == 0); break;
            }
            // Everything ends before the next round, on its own or because it is out of buffers.
            unsigned cancels = 40;
            while (in_flight > 0) {
                ring.submit().value();
                const auto next = ring.next(std::chrono::milliseconds(500));
                if (!next) {
                    // Where another thread executes the multishot receive, here the kernel's, Linux (7.3 at least) can
                    // miss the end of a stream that comes right behind data. Nothing ends it then but a cancel.
                    REQUIRE(next.error().code() == ETIME);
                    REQUIRE(cancels-- > 0);
                    cancel();
                    continue;
                }
                const cqe& done = *next;
                if (done.buffer_id()) {
                    REQUIRE(*done.buffer_id() < 16);
                    REQUIRE_FALSE(ours[*done.buffer_id()]);
                    ours[*done.buffer_id()] = true;
                    held.push_back(*done.buffer_id());
                }
                if (!done.more()) --in_flight;
            }
            // Give back some, in any order; at times all.
            std::shuffle(held.begin(), held.end(), random);
            for (std::size_t keep = pick(4) == 0 ? 0 : pick(16); held.size() > keep;) {
                ours[held.back()] = false;
                buffers.recycle(held.back());
                held.pop_back();
            }
        }
        for (const std::uint16_t id : held) buffers.recycle(id);
        CHECK(has_all(take_all(ring, buffers), buffers));
    });
}

TEST_CASE("a buffer ring outlives its ring harmlessly", "[buffer_ring][hazard 24]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    for (const ring_setup& setup : available_setups()) {
        std::optional<ring> first{ring::create(setup.options).value()};
        auto buffers = buffer_ring::create(*first, {.group = 1, .count = 4, .size = 8}).value();
        connection pair = socket_pair();
        send_all(pair.theirs, "keep");
        const cqe done = run(*first, op::recv(pair.ours, buffers.group()));
        first.reset();
        // A ring that comes after, perhaps with the same descriptor, does not lose its group to it.
        ring second = ring::create(setup.options).value();
        const auto others = buffer_ring::create(second, {.group = 1, .count = 4, .size = 8}).value();
        CHECK(text_of(buffers.filled(done)) == "keep");
        buffers.recycle(*done.buffer_id());
        CHECK(buffers.close());
        { const buffer_ring gone = std::move(buffers); }
        CHECK(has_all(take_all(second, others), others));
    }
}

TEST_CASE("a ring outlives its buffer ring, and what still wants its buffers gets none", "[buffer_ring][hazard 24]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot receive (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        {
            auto buffers = buffer_ring::create(ring, {.group = 1, .count = 4, .size = 8}).value();
            ring.push(op::recv_multishot(pair.ours, buffers.group())).value();
            CHECK(stays_quiet(ring));
        }
        send_all(pair.theirs, "nobody takes this");
        const cqe done = next_soon(ring);
        CHECK(code(done) == ENOBUFS);
        CHECK_FALSE(done.more());
        CHECK(receive_some(pair.ours) == "nobody takes this");
    });
}

TEST_CASE("close unregisters once, and says so from the wrong thread", "[buffer_ring]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    under_each_setup([](ring& ring) {
        auto buffers = buffer_ring::create(ring, {.group = 101, .count = 4, .size = 8}).value();
        connection pair = socket_pair();
        send_all(pair.theirs, "bytes");
        CHECK(run(ring, op::recv(pair.ours, buffers.group(), 1)).result().value() == 1);
        if (has(ring.setup_flags(), lio::setup::single_issuer)) {
            int answer = 0;
            std::thread([&] {
                const auto closed = buffers.close();
                answer = closed ? 0 : closed.error().code();
            }).join();
            CHECK(answer == EEXIST);
            CHECK(run(ring, op::recv(pair.ours, buffers.group(), 1)).result().value() == 1); // nothing happened
        }
        CHECK(buffers.close());
        CHECK(buffers.close());
        CHECK(code(run(ring, op::recv(pair.ours, buffers.group()))) == ENOBUFS);
        CHECK(buffer_ring::create(ring, {.group = 101, .count = 4, .size = 8}));
    });
}

TEST_CASE("a moved buffer ring is the same one; what it is moved onto is unregistered", "[buffer_ring]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    under_each_setup([](ring& ring) {
        auto first = buffer_ring::create(ring, {.group = 101, .count = 4, .size = 8}).value();
        const std::byte* const memory = first.buffer(0).data();
        buffer_ring moved = std::move(first);
        CHECK(moved.buffer(0).data() == memory);
        CHECK(has_all(take_all(ring, moved), moved));
        moved.recycle(1);
        auto target = buffer_ring::create(ring, {.group = 102, .count = 4, .size = 8}).value();
        target = std::move(moved);
        CHECK(target.group() == 101);
        CHECK(take_all(ring, target) == std::set<unsigned>{1});
        // Group 102 is free again, group 101 is not.
        CHECK(buffer_ring::create(ring, {.group = 102, .count = 4, .size = 8}));
        CHECK_FALSE(buffer_ring::create(ring, {.group = 101, .count = 4, .size = 8}));
    });
}

TEST_CASE("buffer rings leave nothing behind, made or refused", "[buffer_ring][hazard 18]") {
    if (!has_buffer_rings()) LIO_SKIP(no_buffer_rings);
    constexpr std::uint32_t size = 65536;
    ring ring = lio::ring::create({.entries = 4}).value();
    leaks_nothing(
        [&] {
            auto made = buffer_ring::create(ring, {.group = 101, .count = 16, .size = size}).value();
            CHECK_FALSE(buffer_ring::create(ring, {.group = 101, .count = 16, .size = size}));
            CHECK_FALSE(buffer_ring::create(ring, {.group = 102, .count = 17, .size = size}));
            auto other = buffer_ring::create(ring, {.group = 102, .count = 16, .size = size}).value();
            made = std::move(other);
        },
        50, std::ptrdiff_t{10} * size * 16);
    leaks_nothing(
        [&] {
            std::optional<lio::ring> short_lived{lio::ring::create({.entries = 4}).value()};
            const auto made = buffer_ring::create(*short_lived, {.group = 101, .count = 16, .size = size}).value();
            short_lived.reset();
        },
        50, std::ptrdiff_t{10} * size * 16);
}

} // namespace buffer_ring_test
