// Completions as types, on completions made by hand and on those of real multishot receives: what each of them says,
// and that a buffer can be taken out of every one.

#include "catch.hpp"

#include "support/rings.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/buffer_ring.hpp>
#include <lio/cancel_answer.hpp>
#include <lio/completion.hpp>
#include <lio/op/accept.hpp>
#include <lio/op/cancel.hpp>
#include <lio/op/recv.hpp>

#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

namespace completion_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cancel_answer;
using lio::cqe;
using lio::multishot_event;
using lio::ring;

constexpr std::uint32_t more = lio::abi::cqe_f_more;
constexpr std::uint32_t buffer_5 = lio::abi::cqe_f_buffer | 5u << lio::abi::cqe_buffer_shift;
constexpr std::uint32_t notification = lio::abi::cqe_f_notif;

constexpr cqe made(std::int32_t result, std::uint32_t flags = 0) { return cqe{lio::abi::cqe{77, result, flags}}; }

/// Completes like the zero-copy sends.
struct lent_send {
    static constexpr lio::completes completions = lio::completes::once_and_notification;
    using result_type = std::uint32_t;
};

multishot_event event_of(const cqe& done) { return done.as<op::recv_multishot>().event(); }

} // namespace

} // namespace completion_test

namespace Catch {
template <>
struct StringMaker<lio::multishot_event> {
    static std::string convert(lio::multishot_event event) {
        constexpr const char* names[] = {"item", "last_item", "end", "starved", "cancelled", "failed"};
        return names[static_cast<std::size_t>(event)];
    }
};
} // namespace Catch

namespace completion_test {

TEST_CASE("a multishot's completion with a result and more to come is an item", "[layout][completion][hazard 34]") {
    const auto done = made(12, more | buffer_5).as<op::recv_multishot>();
    CHECK(done.event() == multishot_event::item);
    CHECK(done.has_item());
    CHECK(done.item() == 12u);
    CHECK_FALSE(done.ended());
    REQUIRE(done.buffer_id());
    CHECK(*done.buffer_id() == 5);
}

TEST_CASE("a multishot's last completion can carry a result", "[layout][completion][hazard 34]") {
    const auto done = made(12, buffer_5).as<op::recv_multishot>();
    CHECK(done.event() == multishot_event::last_item);
    CHECK(done.has_item());
    CHECK(done.item() == 12u);
    CHECK(done.ended());
    CHECK(*done.buffer_id() == 5);
}

TEST_CASE("a last 0 is the end where 0 bytes are none, and an item where 0 is a result",
          "[layout][completion][hazard 34]") {
    const auto end = made(0).as<op::recv_multishot>();
    CHECK(end.event() == multishot_event::end);
    CHECK_FALSE(end.has_item());
    CHECK(end.ended());
    CHECK_FALSE(end.buffer_id());
    // It can have taken a buffer all the same.
    CHECK(*made(0, buffer_5).as<op::recv_multishot>().buffer_id() == 5);
    // Nothing in it, but it goes on.
    CHECK(made(0, more).as<op::recv_multishot>().event() == multishot_event::item);

    const auto accepted = made(0).as<op::accept_multishot>(); // descriptor 0
    CHECK(accepted.event() == multishot_event::last_item);
    CHECK(accepted.item() == 0);
}

TEST_CASE("a multishot that ends without a result says why", "[layout][completion][hazard 34]") {
    const struct {
        int code;
        multishot_event event;
    } rows[] = {
        {ENOBUFS, multishot_event::starved},   {ECANCELED, multishot_event::cancelled},
        {EBADF, multishot_event::failed},      {ECONNRESET, multishot_event::failed},
        {EINTR, multishot_event::failed},      {EPERM, multishot_event::failed},
        {ENOENT, multishot_event::failed},     {EALREADY, multishot_event::failed},
        {ETIME, multishot_event::failed},      {EAGAIN, multishot_event::failed},
        {ENOMEM, multishot_event::failed},
    };
    for (const auto& row : rows) {
        const auto done = made(-row.code).as<op::recv_multishot>();
        INFO(row.code);
        CHECK(done.event() == row.event);
        CHECK_FALSE(done.has_item());
        CHECK(done.ended());
        CHECK(done.problem() == lio::error{row.code});
        CHECK_FALSE(done.buffer_id());
        // [hazard 34]: a failing one can carry a buffer, which must be given back.
        const auto with_buffer = made(-row.code, buffer_5).as<op::recv_multishot>();
        CHECK(with_buffer.event() == row.event);
        REQUIRE(with_buffer.buffer_id());
        CHECK(*with_buffer.buffer_id() == 5);
    }
}

TEST_CASE("every buffer number can be read off a completion, 0 and 65535 included", "[layout][completion]") {
    unsigned wrong = 0;
    for (std::uint32_t id = 0; id < 65536; ++id) {
        const auto carried = made(1, lio::abi::cqe_f_buffer | id << 16).as<op::recv_multishot>().buffer_id();
        wrong += !carried.has_value() || *carried != id;
        // The number alone is none.
        wrong += made(1, id << 16).buffer_id().has_value();
    }
    CHECK(wrong == 0);
}

TEST_CASE("a completion's flags are told apart", "[layout][completion]") {
    const struct {
        std::uint32_t flag;
        bool more, socket_has_more, is_notification, buffer_has_more;
    } rows[] = {
        {0, false, false, false, false},
        {lio::abi::cqe_f_more, true, false, false, false},
        {lio::abi::cqe_f_sock_nonempty, false, true, false, false},
        {lio::abi::cqe_f_notif, false, false, true, false},
        {lio::abi::cqe_f_buf_more, false, false, false, true},
        {lio::abi::cqe_f_buffer | 0xffff0000, false, false, false, false},
    };
    for (const auto& row : rows) {
        INFO(row.flag);
        const cqe done = made(1, row.flag);
        CHECK(done.more() == row.more);
        CHECK(done.socket_has_more() == row.socket_has_more);
        CHECK(done.is_notification() == row.is_notification);
        CHECK(done.buffer_has_more() == row.buffer_has_more);
        CHECK(done.flags() == row.flag);
        CHECK(done.raw_result() == 1);
        CHECK(done.user_data() == 77);
    }
}

TEST_CASE("a zero-copy send's result keeps the memory, and its release gives it back",
          "[layout][completion][hazard 35]") {
    const auto result = made(4096, more).as<lent_send>();
    CHECK_FALSE(result.is_release());
    CHECK_FALSE(result.releases_memory());
    CHECK(result.result().value() == 4096u);

    const auto release = made(0, notification).as<lent_send>();
    CHECK(release.is_release());
    CHECK(release.releases_memory());
    CHECK_FALSE(release.was_copied());

    const auto copied =
        made(static_cast<std::int32_t>(lio::abi::notif_usage_zc_copied), notification).as<lent_send>();
    CHECK(copied.is_release());
    CHECK(copied.releases_memory());
    CHECK(copied.was_copied());
}

TEST_CASE("a zero-copy send that failed may or may not be followed by a release", "[layout][completion][hazard 35]") {
    const auto at_once = made(-EINVAL).as<lent_send>();
    CHECK_FALSE(at_once.is_release());
    CHECK(at_once.releases_memory());
    CHECK(at_once.result().error() == lio::error{EINVAL});

    const auto later = made(-EPIPE, more).as<lent_send>();
    CHECK_FALSE(later.is_release());
    CHECK_FALSE(later.releases_memory());
    CHECK(later.result().error() == lio::error{EPIPE});
}

TEST_CASE("a cancel's answer is a number, nothing found, or too late", "[layout][completion][hazard 33]") {
    const cancel_answer one = cancel_answer::read(made(0), 1).value();
    CHECK(one == cancel_answer::cancelled(1));
    CHECK(one.count() == 1);
    CHECK_FALSE(one.was_not_found());
    CHECK_FALSE(one.was_too_late());

    const cancel_answer none_of_all = cancel_answer::read(made(0), 0).value();
    CHECK(none_of_all.count() == 0);
    CHECK_FALSE(none_of_all.was_not_found());
    CHECK(cancel_answer::read(made(3), 1).value().count() == 3);
    CHECK(cancel_answer::read(made(0x7fffffff), 1).value().count() == 0x7fffffff);

    const cancel_answer nothing = cancel_answer::read(made(-ENOENT), 1).value();
    CHECK(nothing == cancel_answer::not_found());
    CHECK(nothing.was_not_found());
    CHECK_FALSE(nothing.was_too_late());
    CHECK(nothing.count() == 0);

    const cancel_answer late = cancel_answer::read(made(-EALREADY), 1).value();
    CHECK(late == cancel_answer::too_late());
    CHECK(late.was_too_late());
    CHECK_FALSE(late.was_not_found());
    CHECK(late.count() == 0);
    CHECK_FALSE(late == nothing);
    CHECK_FALSE(late == one);
}

TEST_CASE("what is no answer of a cancel is its failure", "[layout][completion][hazard 33]") {
    for (const int code : {EINVAL, EBADF, ECANCELED, ETIME, EAGAIN, EPERM}) {
        const auto answer = cancel_answer::read(made(-code), 1);
        REQUIRE_FALSE(answer);
        CHECK(answer.error() == lio::error{code});
    }
}

// The same of a real operation.

TEST_CASE("a live multishot gives items until its peer ends, and then the end", "[completion][hazard 34]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot receive (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 1, .count = 4, .size = 64}).value();
        connection pair = socket_pair();
        ring.push(op::recv_multishot(pair.ours, buffers.group())).value();
        for (const char* word : {"one", "two"}) {
            send_all(pair.theirs, word);
            const cqe done = next_soon(ring);
            const auto received = done.as<op::recv_multishot>();
            CHECK(received.event() == multishot_event::item);
            CHECK(received.item() == 3u);
            CHECK(text_of(buffers.filled(done)) == word);
            buffers.recycle(done);
        }
        pair.theirs.close();
        const cqe done = next_soon(ring);
        CHECK(event_of(done) == multishot_event::end);
        CHECK(done.as<op::recv_multishot>().ended());
        buffers.recycle(done);
    });
}

TEST_CASE("a live multishot that may receive so many bytes ends with an item", "[completion][hazard 34]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot receive (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 1, .count = 4, .size = 4}).value();
        connection pair = socket_pair();
        send_all(pair.theirs, "0123456789");
        const cqe first = run(ring, op::recv_multishot(pair.ours, buffers.group()).limit_total(8));
        if (code(first) == EINVAL) {
            record_partial_skip("the kernel's multishot receive takes no limit (Linux 6.17's does)");
            return;
        }
        CHECK(event_of(first) == multishot_event::item);
        const cqe last = next_soon(ring);
        CHECK(event_of(last) == multishot_event::last_item);
        CHECK(last.as<op::recv_multishot>().item() == 4u);
        CHECK(text_of(buffers.filled(last)) == "4567");
        CHECK(stays_quiet(ring, 5));
        CHECK(receive_some(pair.ours) == "89");
    });
}

TEST_CASE("a live multishot whose completions overflow the queue ends, and its last completion carries data",
          "[completion][hazard 34][hazard 12]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot receive (Linux 6.0 has)");
    auto made = ring::create({.entries = 2, .completion_entries = 2}).value();
    auto buffers = lio::buffer_ring::create(made, {.group = 1, .count = 64, .size = 1}).value();
    connection pair = socket_pair();
    const std::string sent = "abcdefghijklmnopqrstuvwxyz";
    send_all(pair.theirs, sent);
    std::string received;
    unsigned ended_with_data = 0;
    made.push(op::recv_multishot(pair.ours, buffers.group())).value();
    while (received.size() < sent.size()) {
        const cqe done = next_soon(made);
        const auto part = done.as<op::recv_multishot>();
        REQUIRE(part.has_item());
        received += text_of(buffers.filled(done));
        if (part.ended()) {
            ++ended_with_data;
            if (received.size() < sent.size()) made.push(op::recv_multishot(pair.ours, buffers.group())).value();
        }
    }
    CHECK(received == sent); // nothing lost, nothing twice, in order
    CHECK(ended_with_data > 0);
}

TEST_CASE("a live multishot without buffers is starved, and loses nothing", "[completion][hazard 34]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot receive (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 1, .count = 1, .size = 4}).value();
        connection pair = socket_pair();
        send_all(pair.theirs, "fullrest");
        ring.push(op::recv_multishot(pair.ours, buffers.group())).value();
        const cqe first = next_soon(ring);
        CHECK(event_of(first) == multishot_event::item);
        const cqe second = next_soon(ring);
        const auto starved = second.as<op::recv_multishot>();
        CHECK(starved.event() == multishot_event::starved);
        CHECK(starved.problem().code() == ENOBUFS);
        CHECK(starved.ended());
        buffers.recycle(first);
        buffers.recycle(second); // if it has one
        const cqe third = run(ring, op::recv_multishot(pair.ours, buffers.group()));
        CHECK(text_of(buffers.filled(third)) == "rest");
    });
}

TEST_CASE("a live multishot that is cancelled says so", "[completion][hazard 34][hazard 33]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot receive (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 1, .count = 4, .size = 4}).value();
        connection pair = socket_pair();
        ring.push(op::recv_multishot(pair.ours, buffers.group()).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(event_of(of(done, 1)) == multishot_event::cancelled);
        CHECK(of(done, 1).as<op::recv_multishot>().ended());
        CHECK(cancel_answer::read(of(done, 2), 1).value().count() == 1);
    });
}

TEST_CASE("a live multishot that fails says how", "[completion][hazard 34]") {
    if (!has_recv_multishot()) LIO_SKIP("the kernel has no multishot receive (Linux 6.0 has)");
    under_each_setup([](ring& ring) {
        auto buffers = lio::buffer_ring::create(ring, {.group = 1, .count = 4, .size = 4}).value();
        const connection pipe = pipe_pair();
        const auto failed = run(ring, op::recv_multishot(pipe.ours, buffers.group())).as<op::recv_multishot>();
        CHECK(failed.event() == multishot_event::failed);
        CHECK(failed.problem() == lio::error{ENOTSOCK});
        CHECK(failed.ended());

        // Reset by the peer in the midst of it.
        connection by_tcp = tcp_pair();
        ring.push(op::recv_multishot(by_tcp.ours, buffers.group())).value();
        send_all(by_tcp.theirs, "data");
        const cqe data = next_soon(ring);
        CHECK(event_of(data) == multishot_event::item);
        buffers.recycle(data);
        reset_by_peer(by_tcp);
        const cqe reset = next_soon(ring);
        CHECK(event_of(reset) == multishot_event::failed);
        CHECK(reset.as<op::recv_multishot>().problem() == lio::error{ECONNRESET});
        buffers.recycle(reset);
    });
}

} // namespace completion_test
