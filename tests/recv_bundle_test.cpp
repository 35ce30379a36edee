// Receiving into several buffers of a group at once, with limits, and into buffers that are used up piece by piece.
// The connections are TCP: UNIX sockets do not say how much is left in them before Linux 6.17, and the kernel then
// fills one buffer at a time. Each test runs on a ring of every set-up that this kernel takes; one thread.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/rings.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/abi/buffers.hpp>
#include <lio/buffer_ring.hpp>
#include <lio/completion.hpp>
#include <lio/op/cancel.hpp>
#include <lio/op/recv.hpp>

#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace recv_bundle_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::multishot_event;
using lio::ring;

const encodings rows{[](auto add) {
    add("recv_bundle", op::recv_bundle(5, 300), expected_entry{}.u8(0, 27).u8(1, 32).u16(2, 16).s32(4, 5).u16(40, 300));
    add("recv_bundle with a limit and modifiers",
        op::recv_bundle(lio::direct_descriptor{5}, 3, 0x7ffff000)
            .poll_first()
            .flags(MSG_WAITALL)
            .link()
            .skip_success()
            .user_data(7),
        expected_entry{}
            .u8(0, 27)
            .u8(1, 1 | 4 | 32 | 64)
            .u16(2, 1 | 16)
            .s32(4, 5)
            .u32(24, 0x7ffff000)
            .u32(28, MSG_WAITALL)
            .u64(32, 7)
            .u16(40, 3));
    add("recv_bundle_multishot", op::recv_bundle_multishot(5, 65535),
        expected_entry{}.u8(0, 27).u8(1, 32).u16(2, 2 | 16).s32(4, 5).u16(40, 65535));
    add("recv_bundle_multishot with limits and modifiers",
        op::recv_bundle_multishot(lio::direct_descriptor{5}, 3)
            .limit_each(1000)
            .limit_total(0x7ffff000)
            .poll_first()
            .flags(MSG_DONTWAIT)
            .force_async(),
        expected_entry{}
            .u8(0, 27)
            .u8(1, 1 | 16 | 32)
            .u16(2, 1 | 2 | 16)
            .s32(4, 5)
            .u32(24, 1000)
            .u32(28, MSG_DONTWAIT)
            .u16(40, 3)
            .u32(44, 0x7ffff000));
    add("recv_multishot with a limit for each", op::recv_multishot(5, 3).limit_each(9).limit_each(0x7ffff000),
        expected_entry{}.u8(0, 27).u8(1, 32).u16(2, 2).s32(4, 5).u32(24, 0x7ffff000).u16(40, 3));
    add("recv_multishot with a limit for all", op::recv_multishot(5, 3).limit_total(9),
        expected_entry{}.u8(0, 27).u8(1, 32).u16(2, 2).s32(4, 5).u16(40, 3).u32(44, 9));
}};

template <class Operation>
concept can_skip_success = requires(const Operation& operation) { operation.skip_success(); };
static_assert(can_skip_success<op::recv_bundle> && !can_skip_success<op::recv_bundle_multishot>);

/// Whether this kernel takes bundles (Linux 6.10).
bool has_recv_bundle() {
    static const bool answer = [] {
        if (!has_buffer_rings()) return false;
        ring asked = ring::create({.entries = 4, .exactly = true}).value();
        auto buffers = lio::buffer_ring::create(asked, {.group = 0, .count = 1, .size = 16}).value();
        connection pair = socket_pair();
        pair.theirs.close();
        return code(run(asked, op::recv_bundle(pair.ours, buffers.group()))) != EINVAL;
    }();
    return answer;
}

/// Whether this kernel's multishot receives take limits (Linux 6.17).
bool has_limits() {
    static const bool answer = [] {
        if (!has_recv_multishot()) return false;
        ring asked = ring::create({.entries = 4, .exactly = true}).value();
        auto buffers = lio::buffer_ring::create(asked, {.group = 0, .count = 1, .size = 16}).value();
        connection pair = socket_pair();
        pair.theirs.close();
        return code(run(asked, op::recv_multishot(pair.ours, buffers.group()).limit_each(8))) != EINVAL;
    }();
    return answer;
}

std::string text_of(const lio::buffer_bundle& bundle) {
    std::string all;
    for (const lio::buffer_bundle::part& one : bundle) all += lio::test::text_of(one.memory);
    return all;
}

std::vector<std::uint16_t> ids_of(const lio::buffer_bundle& bundle) {
    std::vector<std::uint16_t> ids;
    for (const lio::buffer_bundle::part& one : bundle) ids.push_back(one.id);
    return ids;
}

constexpr int no_such_file = 1'000'000;

} // namespace

TEST_CASE("a limit that the kernel cannot count is refused", "[recv][bundle][hazard 38]") {
    ring made = ring::create({.entries = 4}).value();
    for (const std::uint32_t limit : {0x7ffff001u, 0x80000000u, 0xffffffffu}) {
        const auto why = [&](const auto& operation) { return made.push(operation).error().why(); };
        constexpr auto refused = lio::cause::span_too_long;
        CHECK(why(op::recv_bundle(0, 0, limit)) == refused);
        CHECK(why(op::recv_multishot(0, 0).limit_each(limit)) == refused);
        CHECK(why(op::recv_multishot(0, 0).limit_total(limit)) == refused);
        CHECK(why(op::recv_bundle_multishot(0, 0).limit_each(limit).limit_total(1)) == refused);
        CHECK(why(op::recv_bundle_multishot(0, 0).limit_total(limit).poll_first()) == refused);
    }
    CHECK(made.submission_room() == made.submission_capacity());
}

TEST_CASE("recv_bundle fills several buffers in one completion", "[recv][bundle][hazard 36]") {
    if (!has_recv_bundle()) LIO_SKIP("the kernel has no bundles (Linux 6.10 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 5, .count = 8, .size = 4}).value();
        connection pair = tcp_pair();
        send_all(pair.theirs, "0123456789");
        await(pair.ours, 10);
        // Told how much it may take, the kernel maps buffers for that; else for what it knows to be there.
        const cqe done = run(ring, op::recv_bundle(pair.ours, buffers.group(), 1000));
        CHECK(done.result<op::recv_bundle>().value() == 10u);
        CHECK_FALSE(done.more());
        const lio::buffer_bundle bundle = buffers.bundle(done);
        CHECK(bundle.size() == 10);
        CHECK(ids_of(bundle) == std::vector<std::uint16_t>{0, 1, 2});
        CHECK(text_of(bundle) == "0123456789");
        std::vector<std::size_t> sizes;
        for (const auto& one : bundle) sizes.push_back(one.memory.size());
        CHECK(sizes == std::vector<std::size_t>{4, 4, 2});
        // The next one takes the buffer after the one that was not full.
        send_all(pair.theirs, "more");
        const cqe next = run(ring, op::recv_bundle(pair.ours, buffers.group()));
        CHECK(*next.buffer_id() == 3);
        CHECK(text_of(buffers.bundle(done)) == "0123456789"); // still ours
        CHECK(text_of(buffers.bundle(next)) == "more");
    });
}

TEST_CASE("a bundle wraps round the end of its group", "[recv][bundle][hazard 36]") {
    if (!has_recv_bundle()) LIO_SKIP("the kernel has no bundles (Linux 6.10 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 5, .count = 4, .size = 4}).value();
        connection pair = tcp_pair();
        send_all(pair.theirs, "aaaabbbbcccc");
        await(pair.ours, 12);
        const cqe first = run(ring, op::recv_bundle(pair.ours, buffers.group()));
        CHECK(ids_of(buffers.bundle(first)) == std::vector<std::uint16_t>{0, 1, 2});
        buffers.recycle_bundle(first);
        send_all(pair.theirs, "ddddeeeeff");
        await(pair.ours, 10);
        const cqe second = run(ring, op::recv_bundle(pair.ours, buffers.group(), 1000));
        CHECK(ids_of(buffers.bundle(second)) == std::vector<std::uint16_t>{3, 0, 1});
        CHECK(text_of(buffers.bundle(second)) == "ddddeeeeff");
    });
}

TEST_CASE("a bundle's buffers are found whatever the order in which they were given back",
          "[recv][bundle][hazard 36]") {
    if (!has_recv_bundle()) LIO_SKIP("the kernel has no bundles (Linux 6.10 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 5, .count = 4, .size = 4}).value();
        connection pair = tcp_pair();
        send_all(pair.theirs, "aaaabbbbccccdddd");
        await(pair.ours, 16);
        const cqe first = run(ring, op::recv_bundle(pair.ours, buffers.group()));
        REQUIRE(ids_of(buffers.bundle(first)).size() == 4);
        for (const int id : {2, 0, 3, 1}) buffers.recycle(static_cast<std::uint16_t>(id));
        send_all(pair.theirs, "eeeeffffgggghhhh");
        await(pair.ours, 16);
        const cqe second = run(ring, op::recv_bundle(pair.ours, buffers.group()));
        CHECK(ids_of(buffers.bundle(second)) == std::vector<std::uint16_t>{2, 0, 3, 1});
        CHECK(text_of(buffers.bundle(second)) == "eeeeffffgggghhhh");
    });
}

TEST_CASE("a bundle's buffers are found after others were given back many times", "[recv][bundle][hazard 36]") {
    if (!has_recv_bundle()) LIO_SKIP("the kernel has no bundles (Linux 6.10 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 5, .count = 8, .size = 4}).value();
        connection pair = tcp_pair();
        send_all(pair.theirs, "keep this!");
        await(pair.ours, 10);
        const cqe kept = run(ring, op::recv_bundle(pair.ours, buffers.group(), 1000));
        for (int i = 0; i < 50; ++i) {
            const std::string sent = "message " + std::to_string(i);
            send_all(pair.theirs, sent);
            await(pair.ours, static_cast<int>(sent.size()));
            const cqe done = run(ring, op::recv_bundle(pair.ours, buffers.group(), 1000));
            CHECK(text_of(buffers.bundle(done)) == sent);
            buffers.recycle_bundle(done);
        }
        CHECK(ids_of(buffers.bundle(kept)) == std::vector<std::uint16_t>{0, 1, 2});
        CHECK(text_of(buffers.bundle(kept)) == "keep this!");
    });
}

TEST_CASE("buffers may be given back one by one while a bundle is visited", "[recv][bundle][hazard 36]") {
    if (!has_recv_bundle()) LIO_SKIP("the kernel has no bundles (Linux 6.10 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 5, .count = 4, .size = 4}).value();
        connection pair = tcp_pair();
        for (int i = 0; i < 20; ++i) {
            const std::string sent = std::to_string(100000 + i) + std::string(static_cast<std::size_t>(i % 11), '.');
            send_all(pair.theirs, sent);
            await(pair.ours, static_cast<int>(sent.size()));
            // Also when it is the whole group.
            std::string received;
            while (received.size() < sent.size()) {
                const cqe done = run(ring, op::recv_bundle(pair.ours, buffers.group()));
                REQUIRE(code(done) == 0);
                for (const auto& one : buffers.bundle(done)) {
                    received += lio::test::text_of(one.memory);
                    buffers.recycle(one.id);
                }
            }
            CHECK(received == sent);
        }
    });
}

TEST_CASE("recv_bundle takes no more than its limit", "[recv][bundle]") {
    if (!has_recv_bundle()) LIO_SKIP("the kernel has no bundles (Linux 6.10 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 5, .count = 8, .size = 4}).value();
        connection pair = tcp_pair();
        send_all(pair.theirs, "0123456789");
        await(pair.ours, 10);
        const cqe done = run(ring, op::recv_bundle(pair.ours, buffers.group(), 3));
        CHECK(text_of(buffers.bundle(done)) == "012");
        CHECK(done.socket_has_more());
        buffers.recycle_bundle(done);
        const cqe rest = run(ring, op::recv_bundle(pair.ours, buffers.group(), 100));
        CHECK(text_of(buffers.bundle(rest)) == "3456789");
        CHECK_FALSE(rest.socket_has_more());
    });
}

TEST_CASE("recv_bundle ends with 0, an error or a cancellation as recv does", "[recv][bundle][hazard 34]") {
    if (!has_recv_bundle()) LIO_SKIP("the kernel has no bundles (Linux 6.10 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 5, .count = 1, .size = 4}).value();
        connection pair = tcp_pair();
        ring.push(op::recv_bundle(pair.ours, buffers.group()).poll_first().user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(2)).value();
        const cqe cancelled = of(next_soon(ring, 2), 1);
        CHECK(code(cancelled) == ECANCELED);
        CHECK(buffers.bundle(cancelled).empty());
        buffers.recycle_bundle(cancelled);

        CHECK(code(run(ring, op::recv_bundle(no_such_file, buffers.group()))) == EBADF);
        const connection pipe = pipe_pair();
        CHECK(code(run(ring, op::recv_bundle(pipe.ours, buffers.group()))) == ENOTSOCK);

        send_all(pair.theirs, "lastrest");
        await(pair.ours, 8);
        const cqe last = run(ring, op::recv_bundle(pair.ours, buffers.group()));
        CHECK(text_of(buffers.bundle(last)) == "last");
        const cqe none = run(ring, op::recv_bundle(pair.ours, buffers.group()));
        CHECK(code(none) == ENOBUFS);
        CHECK(buffers.bundle(none).empty());
        buffers.recycle_bundle(none);
        buffers.recycle_bundle(last);
        const cqe rest = run(ring, op::recv_bundle(pair.ours, buffers.group()));
        CHECK(text_of(buffers.bundle(rest)) == "rest");
        buffers.recycle_bundle(rest);

        pair.theirs.close();
        const cqe end = run(ring, op::recv_bundle(pair.ours, buffers.group()));
        CHECK(end.result().value() == 0);
        CHECK(buffers.bundle(end).empty());
        buffers.recycle_bundle(end);
    });
}

TEST_CASE("recv_bundle_multishot delivers every byte in order while buffers come back in any order",
          "[recv][bundle][hazard 36][hazard 34]") {
    if (!has_recv_bundle()) LIO_SKIP("the kernel has no bundles (Linux 6.10 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 5, .count = 16, .size = 16}).value();
        connection pair = tcp_pair();
        std::string sent;
        std::string received;
        std::vector<std::uint16_t> held;
        std::uint32_t random = 12345;
        const auto below = [&](std::uint32_t bound) {
            random = random * 1664525 + 1013904223;
            return (random >> 8) % bound;
        };
        unsigned several = 0;
        unsigned in_disorder = 0;
        unsigned rearmed = 0;
        ring.push(op::recv_bundle_multishot(pair.ours, buffers.group())).value();
        for (int round = 0; round < 200; ++round) {
            std::string part;
            for (std::size_t size = 1 + below(300); part.size() < size;) part += std::to_string(round) + ",";
            send_all(pair.theirs, part);
            sent += part;
            while (received.size() < sent.size()) {
                const cqe done = next_soon(ring);
                const auto bundle = done.as<op::recv_bundle_multishot>();
                if (bundle.has_item()) {
                    const auto ids = ids_of(buffers.bundle(done));
                    received += text_of(buffers.bundle(done));
                    held.insert(held.end(), ids.begin(), ids.end());
                    if (ids.size() > 1) ++several;
                    for (std::size_t i = 1; i < ids.size(); ++i)
                        if (ids[i] != (ids[i - 1] + 1) % 16) ++in_disorder;
                } else {
                    REQUIRE(bundle.event() == multishot_event::starved);
                    if (done.buffer_id()) held.push_back(*done.buffer_id());
                }
                // Some come back now, some later; all when there are none left.
                std::uint32_t count = below(static_cast<std::uint32_t>(held.size()) + 1);
                if (bundle.ended()) count = static_cast<std::uint32_t>(held.size());
                for (; count > 0; --count) {
                    const std::size_t which = below(static_cast<std::uint32_t>(held.size()));
                    buffers.recycle(held[which]);
                    held[which] = held.back();
                    held.pop_back();
                }
                if (bundle.ended()) {
                    ++rearmed;
                    ring.push(op::recv_bundle_multishot(pair.ours, buffers.group())).value();
                }
            }
            REQUIRE(received == sent);
        }
        CHECK(several > 50);
        CHECK(in_disorder > 50);
        CHECK(rearmed > 0);
    });
}

TEST_CASE("recv_bundle_multishot ends with a success when it has taken the last buffer",
          "[recv][bundle][hazard 34][hazard 36]") {
    if (!has_recv_bundle()) LIO_SKIP("the kernel has no bundles (Linux 6.10 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 5, .count = 2, .size = 4}).value();
        connection pair = tcp_pair();
        send_all(pair.theirs, "01234567rest");
        await(pair.ours, 12);
        ring.push(op::recv_bundle_multishot(pair.ours, buffers.group())).value();
        std::string received;
        std::vector<cqe> held;
        do {
            held.push_back(next_soon(ring));
            REQUIRE(held.back().as<op::recv_bundle_multishot>().has_item());
            received += text_of(buffers.bundle(held.back()));
        } while (held.back().more());
        CHECK(held.back().as<op::recv_bundle_multishot>().event() == multishot_event::last_item);
        CHECK(received == "01234567");
        for (const cqe& each : held) buffers.recycle_bundle(each);
        const cqe again = run(ring, op::recv_bundle_multishot(pair.ours, buffers.group()));
        CHECK(text_of(buffers.bundle(again)) == "rest");
    });
}

TEST_CASE("recv_bundle_multishot says 0 and ends when the peer ends its stream", "[recv][bundle][hazard 34]") {
    if (!has_recv_bundle()) LIO_SKIP("the kernel has no bundles (Linux 6.10 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 5, .count = 4, .size = 64}).value();
        connection pair = tcp_pair();
        ring.push(op::recv_bundle_multishot(pair.ours, buffers.group())).value();
        send_all(pair.theirs, "bye");
        const cqe data = next_soon(ring);
        CHECK(text_of(buffers.bundle(data)) == "bye");
        CHECK(data.more());
        pair.theirs.close();
        const cqe end = next_soon(ring);
        CHECK(end.as<op::recv_bundle_multishot>().event() == multishot_event::end);
        buffers.recycle_bundle(end);
        CHECK(stays_quiet(ring, 5));
    });
}

TEST_CASE("recv_bundle_multishot fails on what is no connected socket", "[recv][bundle]") {
    if (!has_recv_bundle()) LIO_SKIP("the kernel has no bundles (Linux 6.10 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 5, .count = 4, .size = 64}).value();
        CHECK(code(run(ring, op::recv_bundle_multishot(no_such_file, buffers.group()))) == EBADF);
        const connection pipe = pipe_pair();
        CHECK(code(run(ring, op::recv_bundle_multishot(pipe.ours, buffers.group()))) == ENOTSOCK);
        const connection pair = tcp_pair();
        CHECK(code(run(ring, op::recv_bundle_multishot(pair.ours, buffers.group()).flags(MSG_WAITALL))) == EINVAL);
    });
}

TEST_CASE("a multishot receive with a limit for each takes no more at a time", "[recv][bundle]") {
    if (!has_limits()) LIO_SKIP("the kernel's multishot receives take no limits (Linux 6.17's do)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 5, .count = 16, .size = 8}).value();
        connection pair = tcp_pair();
        const std::string sent = "0123456789abcdefghijk";
        send_all(pair.theirs, sent);
        await(pair.ours, 21);
        ring.push(op::recv_multishot(pair.ours, buffers.group()).limit_each(5).user_data(1)).value();
        std::string received;
        while (received.size() < sent.size()) {
            const cqe done = next_soon(ring);
            CHECK(done.more());
            CHECK(done.result<op::recv_multishot>().value() <= 5);
            received += lio::test::text_of(buffers.filled(done));
            buffers.recycle(done);
        }
        CHECK(received == sent);
        ring.push(op::cancel(1).user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 1)) == ECANCELED);

        send_all(pair.theirs, sent);
        await(pair.ours, 21);
        received.clear();
        ring.push(op::recv_bundle_multishot(pair.ours, buffers.group()).limit_each(16)).value();
        while (received.size() < sent.size()) {
            const cqe done = next_soon(ring);
            CHECK(done.result<op::recv_bundle_multishot>().value() <= 16);
            received += text_of(buffers.bundle(done));
            buffers.recycle_bundle(done);
        }
        CHECK(received == sent);
    });
}

TEST_CASE("a multishot receive with a limit for all ends when it is reached", "[recv][bundle][hazard 34]") {
    if (!has_limits()) LIO_SKIP("the kernel's multishot receives take no limits (Linux 6.17's do)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 5, .count = 16, .size = 8}).value();
        connection pair = tcp_pair();
        const std::string sent = "0123456789abcdefghijk";
        const auto receive = [&](const auto& operation) {
            send_all(pair.theirs, sent);
            await(pair.ours, 21);
            ring.push(operation).value();
            std::string received;
            for (;;) {
                const cqe done = next_soon(ring);
                REQUIRE(code(done) == 0);
                received += text_of(buffers.bundle(done));
                buffers.recycle_bundle(done);
                if (!done.more()) break;
            }
            CHECK(stays_quiet(ring, 5));
            CHECK(receive_some(pair.ours) == sent.substr(received.size())); // nothing is lost
            return received.size();
        };
        // The last buffer is filled: only a bundle counts what it may still take.
        CHECK(receive(op::recv_multishot(pair.ours, buffers.group()).limit_total(10)) == 16);
        CHECK(receive(op::recv_bundle_multishot(pair.ours, buffers.group()).limit_total(10)) == 10);
        CHECK(receive(op::recv_multishot(pair.ours, buffers.group()).limit_each(3).limit_total(6)) == 6);
    });
}

TEST_CASE("older kernels refuse limits on multishot receives, and do not overlook them", "[recv][bundle]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot receive (Linux 6.0 has)");
    if (has_limits()) LIO_SKIP("the kernel's multishot receives take limits (before Linux 6.17 they do not)");
    ring made = ring::create({.entries = 4}).value();
    auto buffers = lio::buffer_ring::create(made, {.group = 5, .count = 4, .size = 8}).value();
    connection pair = tcp_pair();
    send_all(pair.theirs, "here");
    CHECK(code(run(made, op::recv_multishot(pair.ours, buffers.group()).limit_each(1))) == EINVAL);
    CHECK(code(run(made, op::recv_multishot(pair.ours, buffers.group()).limit_total(1))) == EINVAL);
}

// Buffers that are used up piece by piece; the group is set up by hand.

TEST_CASE("an incremental buffer stays the kernel's until it is used up", "[recv][bundle][hazard 36]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot receive (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        constexpr std::size_t page = 65536; // of the largest kind
        void* const memory =
            ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        REQUIRE(memory != MAP_FAILED);
        char* const data = static_cast<char*>(memory) + page;
        lio::abi::buf_reg registration{};
        registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
        registration.ring_entries = 2;
        registration.bgid = 77;
        registration.flags = lio::abi::pbuf_ring_inc;
        constexpr int register_pbuf_ring = 22;
        if (::syscall(SYS_io_uring_register, ring.file(), register_pbuf_ring, &registration, 1) != 0) {
            record_partial_skip("the kernel has no incremental buffers (Linux 6.12 has)");
            ::munmap(memory, 2 * page);
            return;
        }
        auto* const head = static_cast<lio::abi::buf_ring*>(memory);
        for (std::uint16_t id = 0; id < 2; ++id) {
            lio::abi::buf& entry = head->bufs()[id];
            entry.addr = reinterpret_cast<std::uintptr_t>(data + id * 8);
            entry.len = 8;
            entry.bid = static_cast<std::uint16_t>(40 + id);
        }
        __atomic_store_n(&head->tail, std::uint16_t{2}, __ATOMIC_RELEASE);

        connection pair = socket_pair();
        ring.push(op::recv_multishot(pair.ours, 77).user_data(1)).value();
        const struct {
            const char* sent;
            std::uint16_t id;
            bool kept;
        } steps[] = {{"abc", 40, true}, {"de", 40, true}, {"fgh", 40, false}, {"ij", 41, true}, {"klmnop", 41, false}};
        std::string all;
        for (const auto& step : steps) {
            CHECK(stays_quiet(ring, 1));
            send_all(pair.theirs, step.sent);
            const cqe done = next_soon(ring);
            INFO(step.sent);
            CHECK(done.result<op::recv_multishot>().value() == std::string_view{step.sent}.size());
            REQUIRE(done.buffer_id());
            CHECK(*done.buffer_id() == step.id);
            CHECK(done.buffer_has_more() == step.kept);
            all += step.sent;
            CHECK(std::string_view(data, all.size()) == all); // one piece lies behind the other
        }
        // Only now there is none left.
        send_all(pair.theirs, "!");
        const cqe starved = next_soon(ring);
        CHECK(starved.as<op::recv_multishot>().event() == multishot_event::starved);
        constexpr int unregister_pbuf_ring = 23;
        registration.flags = 0;
        CHECK(::syscall(SYS_io_uring_register, ring.file(), unregister_pbuf_ring, &registration, 1) == 0);
        ::munmap(memory, 2 * page);
    });
}

} // namespace recv_bundle_test
