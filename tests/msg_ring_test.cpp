// Messages from ring to ring: what is sent here is reaped there. Each test runs with a ring of every set-up that this
// kernel takes at one end; one thread, and a second one where two are the point.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/files.hpp"
#include "support/machine.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/op/msg_ring.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/read_write.hpp>
#include <lio/registered_files.hpp>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>

namespace msg_ring_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::direct_descriptor;
using lio::ring;

struct tag {
    std::uint32_t a;
    std::uint16_t b;
    std::uint16_t c;
};
const char here = 'x';

const encodings rows{[](auto add) {
    add("msg_ring", op::msg_ring(7, 0x12345678, 0xfedcba9876543210),
        expected_entry{}.u8(0, 40).s32(4, 7).u64(8, 0xfedcba9876543210).u32(24, 0x12345678));
    add("msg_ring with an error and modifiers",
        op::msg_ring(direct_descriptor{7}, -5, tag{1, 2, 3}).user_data(9).link().skip_success(),
        expected_entry{}.u8(0, 40).u8(1, 1 | 4 | 64).s32(4, 7).u32(8, 1).u16(12, 2).u16(14, 3).s32(24, -5).u64(32, 9));
    add("msg_ring with flags", op::msg_ring(7, 1, &here).pass_flags(0x80000002),
        expected_entry{}.u8(0, 40).s32(4, 7).pointer(8, &here).u32(24, 1).u32(28, 2).u32(44, 0x80000002));
    add("msg_ring_send_fd", op::msg_ring_send_fd(7, direct_descriptor{3}, direct_descriptor{5}, 17),
        expected_entry{}.u8(0, 40).s32(4, 7).u64(8, 17).u64(16, 1).u32(44, 6).u64(48, 3));
    add("msg_ring_send_fd without a notice",
        op::msg_ring_send_fd(direct_descriptor{7}, direct_descriptor{3}, direct_descriptor{0}, 0)
            .skip_notice()
            .hard_link()
            .user_data(2),
        expected_entry{}.u8(0, 40).u8(1, 1 | 8).s32(4, 7).u64(16, 1).u32(28, 1).u64(32, 2).u32(44, 1).u64(48, 3));
    add("msg_ring_send_fd to a slot that cannot be",
        op::msg_ring_send_fd(7, direct_descriptor{3}, direct_descriptor{0xfffffffe}, 17),
        expected_entry{}.u8(0, 40).s32(4, 7).u64(8, 17).u64(16, 1).u32(44, 0xfffffffe).u64(48, 3));
    add("msg_ring_send_fd_allocate", op::msg_ring_send_fd_allocate(7, direct_descriptor{3}, &here),
        expected_entry{}.u8(0, 40).s32(4, 7).pointer(8, &here).u64(16, 1).u32(44, 0xffffffff).u64(48, 3));
    add("msg_ring_send_fd_allocate without a notice",
        op::msg_ring_send_fd_allocate(7, direct_descriptor{0xffffffff}, 1).skip_notice().force_async(),
        expected_entry{}
            .u8(0, 40)
            .u8(1, 16)
            .s32(4, 7)
            .u64(8, 1)
            .u64(16, 1)
            .u32(28, 1)
            .u32(44, 0xffffffff)
            .u64(48, 0xffffffff));
}};

static_assert(op::msg_ring(1, 2, 3).pass_flags(4).entry().fd == 1, "a message points to nothing");

constexpr const char* no_messages = "messages between rings: since Linux 5.18";
constexpr const char* no_files = "files between rings: since Linux 6.0";
constexpr const char* no_flags = "messages with flags: since Linux 6.3";

bool has_messages() { return kernel_supports(lio::abi::opcode::msg_ring); }
// They came with the same kernel.
bool has_files() { return kernel_supports(lio::abi::opcode::send_zc); }
bool has_flags() {
    if (!has_messages()) return false;
    ring asked = ring::create({.entries = 2, .exactly = true}).value();
    const ring there = ring::create({.entries = 2, .exactly = true}).value();
    return code(run(asked, op::msg_ring(there.file(), 0, 0).pass_flags(0))) == 0;
}

ring other_ring() { return ring::create({.entries = 8, .exactly = true}).value(); }

// Sends a message; its completion here must be a success.
template <class Operation>
void send(ring& from, const Operation& message) {
    const auto sent = run(from, message).template result<Operation>();
    INFO((sent ? "" : sent.error().name()));
    CHECK(sent.has_value());
}

} // namespace

TEST_CASE("a message arrives in another ring as a completion", "[msg_ring]") {
    if (!has_messages()) LIO_SKIP(no_messages);
    under_each_setup([](ring& ring) {
        lio::ring there = other_ring();
        send(ring, op::msg_ring(there.file(), 17, &here).user_data(1));
        const cqe done = next_soon(there);
        CHECK(done.result().value() == 17);
        CHECK(done.user_data_as<const char*>() == &here);
        CHECK(done.flags() == 0);
        send(ring, op::msg_ring(there.file(), -EIO, tag{1, 2, 3}));
        const cqe failed = next_soon(there);
        CHECK(code(failed) == EIO);
        CHECK(failed.user_data_as<tag>().c == 3);
        CHECK(stays_quiet(there, 5));
        CHECK(stays_quiet(ring, 5));
    });
}

TEST_CASE("a message arrives in a ring of each set-up, also the ring's own", "[msg_ring]") {
    if (!has_messages()) LIO_SKIP(no_messages);
    under_each_setup([](ring& ring) {
        lio::ring from = other_ring();
        CHECK(code(run(ring, op::nop())) == 0); // it is enabled now
        for (int i = 0; i < 5; ++i) send(from, op::msg_ring(ring.file(), i, 100 + i));
        for (int i = 0; i < 5; ++i) {
            const cqe done = next_soon(ring);
            CHECK(done.result().value() == i);
            CHECK(done.user_data() == 100u + static_cast<unsigned>(i));
        }
        ring.push(op::msg_ring(ring.file(), 4, 1).user_data(2)).value();
        const auto both = next_soon(ring, 2);
        CHECK(of(both, 1).result().value() == 4);
        CHECK(of(both, 2).result<op::msg_ring>());
    });
}

TEST_CASE("a message wakes the thread that waits for the other ring", "[msg_ring]") {
    if (!has_messages()) LIO_SKIP(no_messages);
    under_each_setup([](ring& ring) {
        lio::ring there = other_ring();
        int received = 0;
        std::thread waiting([&] {
            if (const auto done = there.next(lio::test::patience)) received = done->raw_result();
        });
        send(ring, op::msg_ring(there.file(), 23, 0));
        waiting.join();
        CHECK(received == 23);
    });
}

TEST_CASE("a message takes flags along", "[msg_ring]") {
    if (!has_flags()) LIO_SKIP(no_flags);
    under_each_setup([](ring& ring) {
        lio::ring there = other_ring();
        constexpr std::uint32_t flags = 9u << 16 | lio::abi::cqe_f_buffer | lio::abi::cqe_f_more;
        send(ring, op::msg_ring(there.file(), 5, 6).pass_flags(flags));
        const cqe done = next_soon(there);
        CHECK(done.flags() == flags);
        CHECK(*done.buffer_id() == 9);
        CHECK(done.more());
        CHECK(done.result().value() == 5);
    });
}

TEST_CASE("messages to a full ring wait for room, and none is lost [hazard 43]", "[msg_ring][hazard 43]") {
    if (!has_messages()) LIO_SKIP(no_messages);
    under_each_setup([](ring& ring) {
        lio::ring there = ring::create({.entries = 1, .completion_entries = 2, .exactly = true}).value();
        for (int i = 0; i < 10; ++i) send(ring, op::msg_ring(there.file(), i, 0));
        for (int i = 0; i < 10; ++i) CHECK(next_soon(there).raw_result() == i);
        CHECK(stays_quiet(there, 5));
    });
}

TEST_CASE("a message to a ring that has not been enabled is refused with EBADFD [hazard 43]",
          "[msg_ring][hazard 43]") {
    if (!has_messages()) LIO_SKIP(no_messages);
    under_each_setup([](ring& ring) {
        lio::ring there = ring::create({.entries = 2, .require = lio::setup::start_disabled, .exactly = true}).value();
        CHECK(code(run(ring, op::msg_ring(there.file(), 1, 2))) == EBADFD);
        there.enable().value();
        send(ring, op::msg_ring(there.file(), 1, 2));
        CHECK(next_soon(there).raw_result() == 1);
    });
}

TEST_CASE("a message to what is no ring is refused, and breaks a chain", "[msg_ring]") {
    if (!has_messages()) LIO_SKIP(no_messages);
    under_each_setup([](ring& ring) {
        const pipe_ends pipe;
        ring.push(op::msg_ring(pipe.writing(), 1, 2).link().user_data(1), op::nop().user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == EBADFD);
        CHECK(code(of(done, 2)) == ECANCELED);
        CHECK(code(run(ring, op::msg_ring(-1, 1, 2))) == EBADF);
    });
}

TEST_CASE("a registered file goes to a slot of another ring that was chosen", "[msg_ring]") {
    if (!has_files()) LIO_SKIP(no_files);
    under_each_setup([](ring& ring) {
        lio::ring there = other_ring();
        pipe_ends pipe;
        const int here_files[] = {-1, pipe.writing()};
        auto slots = lio::registered_files::create(ring, here_files).value();
        const int there_files[] = {-1, -1, -1};
        auto slots_there = lio::registered_files::create(there, there_files).value();
        send(ring, op::msg_ring_send_fd(there.file(), slots[1], slots_there[2], 33).user_data(1));
        const cqe notice = next_soon(there);
        CHECK(notice.user_data() == 33);
        CHECK(notice.raw_result() == 0);
        // It is the same pipe, and stays when the file is closed here.
        slots.close().value();
        pipe.close_writing();
        const std::string_view sent = "through";
        REQUIRE(run(there, op::write(slots_there[2], sent, lio::current_position)).raw_result() == 7);
        char text[16] = {};
        CHECK(::read(pipe.reading(), text, sizeof text) == 7);
        CHECK(std::string(text) == "through");
    });
}

TEST_CASE("a registered file goes to a slot of another ring that the kernel picks", "[msg_ring]") {
    if (!has_files()) LIO_SKIP(no_files);
    under_each_setup([](ring& ring) {
        lio::ring there = other_ring();
        pipe_ends pipe;
        const int here_files[] = {pipe.writing()};
        auto slots = lio::registered_files::create(ring, here_files).value();
        const int there_files[] = {pipe.reading(), -1, -1};
        auto slots_there = lio::registered_files::create(there, there_files).value();
        const auto sent = run(ring, op::msg_ring_send_fd_allocate(there.file(), slots[0], 33));
        const direct_descriptor slot = sent.result<op::msg_ring_send_fd_allocate>().value();
        CHECK((slot.slot() == 1 || slot.slot() == 2));
        const cqe notice = next_soon(there);
        CHECK(notice.user_data() == 33);
        CHECK(static_cast<std::uint32_t>(notice.result().value()) == slot.slot());
        CHECK(run(there, op::write(slot, std::string_view{"!"}, lio::current_position)).result().value() == 1);
        send(ring, op::msg_ring_send_fd_allocate(there.file(), slots[0], 34).skip_notice());
        CHECK(stays_quiet(there, 5));
        CHECK(code(run(ring, op::msg_ring_send_fd_allocate(there.file(), slots[0], 35))) == ENFILE);
        CHECK(stays_quiet(there, 5));
    });
}

TEST_CASE("a file goes to another ring without a notice", "[msg_ring]") {
    if (!has_files()) LIO_SKIP(no_files);
    under_each_setup([](ring& ring) {
        lio::ring there = other_ring();
        const pipe_ends pipe;
        const int here_files[] = {pipe.writing()};
        auto slots = lio::registered_files::create(ring, here_files).value();
        const int there_files[] = {-1};
        auto slots_there = lio::registered_files::create(there, there_files).value();
        send(ring, op::msg_ring_send_fd(there.file(), slots[0], slots_there[0], 33).skip_notice());
        CHECK(stays_quiet(there, 5));
        const std::string_view mark = "!";
        CHECK(run(there, op::write(slots_there[0], mark, lio::current_position)).result().value() == 1);
    });
}

TEST_CASE("a file that is not there, or that has nowhere to go, is not sent", "[msg_ring]") {
    if (!has_files()) LIO_SKIP(no_files);
    under_each_setup([](ring& ring) {
        lio::ring there = other_ring();
        const pipe_ends pipe;
        const int files[] = {pipe.writing(), -1};
        auto slots = lio::registered_files::create(ring, files).value();
        CHECK(code(run(ring, op::msg_ring_send_fd(there.file(), slots[0], direct_descriptor{0}, 1))) == ENXIO);
        const int there_files[] = {-1};
        auto slots_there = lio::registered_files::create(there, there_files).value();
        CHECK(code(run(ring, op::msg_ring_send_fd(there.file(), slots[1], slots_there[0], 1))) == EBADF);
        CHECK(code(run(ring, op::msg_ring_send_fd(there.file(), slots[0], direct_descriptor{1}, 1))) == EINVAL);
        const direct_descriptor beyond{0xffffffff};
        CHECK(code(run(ring, op::msg_ring_send_fd(there.file(), slots[0], beyond, 1))) == EINVAL);
        CHECK(code(run(ring, op::msg_ring_send_fd(ring.file(), slots[0], slots[1], 1))) == EINVAL);
        CHECK(stays_quiet(there, 5));
    });
}

} // namespace msg_ring_test
