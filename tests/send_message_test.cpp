// Messages to a ring from threads that have none.

#include "catch.hpp"
#include "support/files.hpp"
#include "support/machine.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/waiting.hpp"

#include <lio/large_ring.hpp>
#include <lio/op/nop.hpp>
#include <lio/send_message.hpp>
#include <lio/split.hpp>

#include <cerrno>
#include <cstdint>
#include <thread>
#include <utility>

namespace send_message_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::ring;
using lio::send_message;

constexpr const char* missing = "messages without a ring: since Linux 6.13";

struct tag {
    std::uint32_t a;
    std::uint16_t b;
    std::uint16_t c;
};

bool is_there() {
    static const bool answer = [] {
        ring there = ring::create({.entries = 2, .exactly = true}).value();
        const auto sent = send_message(there, 0, 0);
        if (!sent) REQUIRE(sent.error() == lio::error{EINVAL, lio::cause::message_call});
        return sent.has_value();
    }();
    return answer;
}

// Past its first use, which a default ring needs before it takes messages.
void use(ring& ring) { CHECK(code(run(ring, op::nop())) == 0); }

// Only data goes without a ring.
template <class Message>
concept can_be_sent = requires(const Message& message) { send_message(message); };
static_assert(can_be_sent<op::msg_ring>);
static_assert(!can_be_sent<op::msg_ring_send_fd> && !can_be_sent<op::msg_ring_send_fd_allocate> &&
              !can_be_sent<op::nop>);

} // namespace

TEST_CASE("a message that is sent without a ring arrives in rings of each set-up") {
    if (!is_there()) LIO_SKIP(missing);
    under_each_setup([](ring& ring) {
        use(ring);
        REQUIRE(send_message(op::msg_ring(ring.file(), 17, tag{1, 2, 3})).has_value());
        const cqe done = next_soon(ring);
        CHECK(done.result().value() == 17);
        CHECK(done.user_data_as<tag>().c == 3);
        CHECK(done.flags() == 0);
        REQUIRE(send_message(ring, -EIO, 5).has_value());
        const cqe failed = next_soon(ring);
        CHECK(code(failed) == EIO);
        CHECK(failed.user_data() == 5);
        constexpr std::uint32_t flags = 9u << 16 | lio::abi::cqe_f_buffer;
        REQUIRE(send_message(op::msg_ring(ring.file(), 1, 2).pass_flags(flags)).has_value());
        CHECK(next_soon(ring).flags() == flags);
        CHECK(stays_quiet(ring, 5));
    });
}

TEST_CASE("a message from a thread without a ring wakes the one that waits, on a split ring too") {
    if (!is_there()) LIO_SKIP(missing);
    under_each_setup([](ring& ring) {
        use(ring);
        std::thread sender([file = ring.file()] {
            for (int i = 0; i < 3; ++i) static_cast<void>(send_message(op::msg_ring(file, i, 1)));
        });
        CHECK(ring.wait(3, lio::test::patience).value() == 3);
        sender.join();
        for (int i = 0; i < 3; ++i) CHECK(next_soon(ring).raw_result() == i);
    });
    auto [completions, submissions] = lio::with_capacity(4).value();
    std::int32_t received = 0;
    std::thread waiting([&received, waits = std::move(completions)]() mutable {
        if (const auto done = waits.next(lio::test::patience)) received = done->raw_result();
    });
    CHECK(send_message(submissions, 23, 0).has_value());
    waiting.join();
    CHECK(received == 23);
    lio::large_ring large = lio::large_ring::create({.entries = 4}).value();
    large.push(op::nop()).value();
    large.submit_and_wait(1).value();
    large.next().value();
    CHECK(send_message(large, 7, 8).has_value());
    CHECK(large.next(lio::test::patience).value().user_data() == 8);
}

TEST_CASE("a message without a ring is lost on no full one [hazard 43]", "[hazard 43]") {
    if (!is_there()) LIO_SKIP(missing);
    for (const bool is_default : {false, true}) {
        ring there = ring::create({.entries = 1, .completion_entries = 2, .exactly = !is_default}).value();
        use(there);
        for (int i = 0; i < 10; ++i) REQUIRE(send_message(there, i, 0).has_value());
        for (int i = 0; i < 10; ++i) CHECK(next_soon(there).raw_result() == i);
        CHECK(stays_quiet(there, 5));
    }
}

TEST_CASE("a message without a ring is refused where none arrives, with the reason [hazard 43]", "[hazard 43]") {
    if (!is_there()) LIO_SKIP(missing);
    const lio::error no_ring{EBADFD, lio::cause::message_call};
    ring disabled = ring::create({.entries = 2, .require = lio::setup::start_disabled, .exactly = true}).value();
    CHECK(send_message(disabled, 1, 2).error() == no_ring);
    disabled.enable().value();
    CHECK(send_message(disabled, 1, 2).has_value());
    CHECK(next_soon(disabled).raw_result() == 1);
    ring unused = ring::create({.entries = 2}).value();
    if (has(unused.setup_flags(), lio::setup::start_disabled)) CHECK(send_message(unused, 1, 2).error() == no_ring);
    use(unused);
    CHECK(send_message(unused, 1, 2).has_value());
    CHECK(next_soon(unused).raw_result() == 1);

    const pipe_ends pipe;
    CHECK(send_message(op::msg_ring(pipe.writing(), 1, 2)).error() == no_ring);
    CHECK(send_message(op::msg_ring(-1, 1, 2)).error() == lio::error{EBADF, lio::cause::message_call});
    CHECK(send_message(op::msg_ring(lio::direct_descriptor{0}, 1, 2)).error() ==
          lio::error{EINVAL, lio::cause::message_call});
    const lio::error no_entry{EINVAL, lio::cause::not_an_entry};
    CHECK(send_message(op::msg_ring(unused.file(), 1, 2).user_data(3)).error() == no_entry);
    CHECK(send_message(op::msg_ring(unused.file(), 1, 2).link()).error() == no_entry);
    CHECK(send_message(op::msg_ring(unused.file(), 1, 2).skip_success()).error() == no_entry);
    CHECK(stays_quiet(unused, 5));

    const int file = unused.file();
    ring moved = std::move(unused);
    CHECK(send_message(unused, 1, 2).error().why() == lio::cause::ring_closed);
    CHECK(send_message(moved, 1, 2).has_value());
    moved.close().value();
    CHECK(send_message(moved, 1, 2).error().why() == lio::cause::ring_closed);
    CHECK(send_message(op::msg_ring(file, 1, 2)).error() == lio::error{EBADF, lio::cause::message_call});
}

} // namespace send_message_test
