// Cancelling: what was cancelled completes itself, what was not goes on. Each test runs on a ring of every set-up that
// this kernel takes; one thread.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/files.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/op/all.hpp>
#include <lio/registered_files.hpp>

#include <poll.h>
#include <sys/stat.h>

#include <chrono>
#include <string>
#include <type_traits>

namespace cancel_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cancel_answer;
using lio::cqe;
using lio::ring;

enum class step : std::uint64_t { receiving = 0xfedcba9876543210 };
struct tag {
    std::uint32_t a;
    std::uint16_t b;
    std::uint16_t c;
};
const char here = 'x';

const encodings rows{[](auto add) {
    add("cancel", op::cancel(step::receiving), expected_entry{}.u8(0, 14).s32(4, -1).u64(16, 0xfedcba9876543210));
    add("cancel with modifiers", op::cancel(&here).user_data(3).link().skip_success().personality(1),
        expected_entry{}.u8(0, 14).u8(1, 4 | 64).s32(4, -1).pointer(16, &here).u64(32, 3).u16(42, 1));
    add("cancel of what has a structure for its user_data", op::cancel(tag{5, 6, 7}),
        expected_entry{}.u8(0, 14).s32(4, -1).u32(16, 5).u16(20, 6).u16(22, 7));
    add("cancel_all", op::cancel_all(), expected_entry{}.u8(0, 14).s32(4, -1).u32(28, 4));
    add("cancel_all of one user_data", op::cancel_all(17).drain().user_data(17),
        expected_entry{}.u8(0, 14).u8(1, 2).s32(4, -1).u64(16, 17).u32(28, 1).u64(32, 17));
    add("cancel_file", op::cancel_file(5), expected_entry{}.u8(0, 14).s32(4, 5).u32(28, 2));
    add("cancel_file of a slot", op::cancel_file(lio::direct_descriptor{5}).hard_link().user_data(9),
        expected_entry{}.u8(0, 14).u8(1, 1 | 8).s32(4, 5).u32(28, 2).u64(32, 9));
    add("cancel_file_all", op::cancel_file_all(5), expected_entry{}.u8(0, 14).s32(4, 5).u32(28, 3));
    add("cancel_file_all of a slot", op::cancel_file_all(lio::direct_descriptor{5}).force_async(),
        expected_entry{}.u8(0, 14).u8(1, 1 | 16).s32(4, 5).u32(28, 3));
    add("cancel_opcode", op::cancel_opcode(op::recv::code),
        expected_entry{}.u8(0, 14).s32(4, -1).u32(24, 27).u32(28, 32));
    add("cancel_opcode on a file with one user_data", op::cancel_opcode(op::recv::code).only_on(5).only_with(&here),
        expected_entry{}.u8(0, 14).s32(4, 5).pointer(16, &here).u32(24, 27).u32(28, 32 | 2 | 16));
    add("cancel_opcode_all", op::cancel_opcode_all(op::poll::code).user_data(3),
        expected_entry{}.u8(0, 14).s32(4, -1).u32(24, 6).u32(28, 32 | 1).u64(32, 3));
    add("cancel_opcode_all of another kind", op::cancel_opcode_all(op::poll::code).only_of<op::nop>().skip_success(),
        expected_entry{}.u8(0, 14).u8(1, 64).s32(4, -1).u32(28, 32 | 1));
    add("cancel of one kind", op::cancel(17).only_of<op::recv>(),
        expected_entry{}.u8(0, 14).s32(4, -1).u64(16, 17).u32(24, 27).u32(28, 16 | 32));
    add("cancel on a slot", op::cancel(17).only_on(lio::direct_descriptor{5}),
        expected_entry{}.u8(0, 14).u8(1, 1).s32(4, 5).u64(16, 17).u32(28, 16 | 2));
    add("cancel on a file, not the slot", op::cancel(17).only_on(lio::direct_descriptor{5}).only_on(6).link(),
        expected_entry{}.u8(0, 14).u8(1, 4).s32(4, 6).u64(16, 17).u32(28, 16 | 2));
    add("cancel_all of one kind on a file", op::cancel_all().only_of(op::recv::code).only_on(5),
        expected_entry{}.u8(0, 14).s32(4, 5).u32(24, 27).u32(28, 1 | 2 | 32));
    add("cancel_all on a file", op::cancel_all().only_on(5), expected_entry{}.u8(0, 14).s32(4, 5).u32(28, 1 | 2));
    add("cancel_all of one user_data and one kind", op::cancel_all(17).only_of<op::recv>(),
        expected_entry{}.u8(0, 14).s32(4, -1).u64(16, 17).u32(24, 27).u32(28, 1 | 16 | 32));
    add("cancel_file of one user_data", op::cancel_file(5).only_with(step::receiving),
        expected_entry{}.u8(0, 14).s32(4, 5).u64(16, 0xfedcba9876543210).u32(28, 2 | 16));
    add("cancel_file_all of one user_data and one kind",
        op::cancel_file_all(lio::direct_descriptor{5}).only_with(17).only_of<op::recv>(),
        expected_entry{}.u8(0, 14).u8(1, 1).s32(4, 5).u64(16, 17).u32(24, 27).u32(28, 1 | 2 | 16 | 32));
}};

static_assert(op::cancel_all().only_of<op::recv>().entry().fd == -1, "a cancel points to nothing");

// The ways to name many came with Linux 5.19, like the socket operation.
bool has_cancel_of_many() { return kernel_supports(lio::abi::opcode::socket); }
constexpr const char* no_cancel_of_many = "cancelling by file, or more than one operation: since Linux 5.19";

const lio::timespec one_hour{std::chrono::hours{1}};

// A kernel without it refuses the flag, or ignores it (later versions of 6.1) and looks for a user_data of 0.
bool has_narrow_cancel() {
    static const bool answer = [] {
        ring asked = ring::create({.entries = 2, .exactly = true}).value();
        asked.push(op::timeout(one_hour).user_data(1)).value();
        cqe done = run(asked, op::cancel_opcode(op::timeout::code).user_data(2));
        while (done.user_data() != 2) done = next_soon(asked);
        return code(done) == 0;
    }();
    return answer;
}
constexpr const char* no_narrow_cancel = "cancelling by kind, or by more than one property: since Linux 6.6";

} // namespace

TEST_CASE("cancel succeeds, and what was cancelled completes itself", "[cancel][hazard 33]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[8];
        ring.push(op::recv(pair.ours, bytes).user_data(step::receiving)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(step::receiving).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, static_cast<std::uint64_t>(step::receiving))) == ECANCELED);
        CHECK(of(done, 2).result<op::cancel>().value() == cancel_answer::cancelled(1));
        CHECK(stays_quiet(ring, 5));
        send_all(pair.theirs, "for others");
        CHECK(receive_some(pair.ours) == "for others");
    });
}

TEST_CASE("cancel answers ENOENT when there is no such operation", "[cancel][hazard 33]") {
    under_each_setup([](ring& ring) {
        CHECK(code(run(ring, op::cancel(42))) == ENOENT);
        CHECK(run(ring, op::cancel(42)).result<op::cancel>().value().was_not_found());
        connection pair = socket_pair();
        char bytes[8] = {};
        ring.push(op::recv(pair.ours, bytes).user_data(1)).value();
        CHECK(stays_quiet(ring));
        CHECK(code(run(ring, op::cancel(2).user_data(3))) == ENOENT);
        // The other one was left alone.
        send_all(pair.theirs, "hello");
        CHECK(next_soon(ring).result().value() == 5);
        CHECK(code(run(ring, op::cancel(1).user_data(3))) == ENOENT); // it is over
    });
}

TEST_CASE("cancel ends one of several with the same user_data", "[cancel]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        for (int i = 0; i < 3; ++i) ring.push(op::poll(pair.ours, POLLIN).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(2)).value();
        int cancelled = 0;
        for (const cqe& done : next_soon(ring, 2)) cancelled += code(done) == ECANCELED;
        CHECK(cancelled == 1);
        CHECK(stays_quiet(ring));
        send_all(pair.theirs, "!");
        for (const cqe& done : next_soon(ring, 2)) CHECK(done.result().value() == POLLIN);
    });
}

TEST_CASE("cancel within a chain: its failure breaks the chain, its success does not", "[cancel]") {
    under_each_setup([](ring& ring) {
        ring.push(op::cancel(42).link().user_data(1), op::nop().user_data(2)).value();
        const auto broken = next_soon(ring, 2);
        CHECK(code(of(broken, 1)) == ENOENT);
        CHECK(code(of(broken, 2)) == ECANCELED);
        ring.push(op::timeout(one_hour).user_data(3)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(3).link().user_data(1), op::nop().user_data(2)).value();
        const auto whole = next_soon(ring, 3);
        CHECK(code(of(whole, 1)) == 0);
        CHECK(code(of(whole, 2)) == 0);
        CHECK(code(of(whole, 3)) == ECANCELED);
    });
}

TEST_CASE("cancelling the first of a chain cancels the rest of it", "[cancel][hazard 32]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[8];
        ring.push(op::recv(pair.ours, bytes).link().user_data(1), op::nop().link().user_data(2), op::nop().user_data(3))
            .value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(4)).value();
        const auto done = next_soon(ring, 4);
        for (std::uint64_t i = 1; i <= 3; ++i) CHECK(code(of(done, i)) == ECANCELED);
        CHECK(code(of(done, 4)) == 0);
    });
}

TEST_CASE("cancel interrupts an operation that a worker runs, and any answer is possible", "[cancel][hazard 33]") {
    under_each_setup([](ring& ring) {
        // A worker that opens a FIFO waits for the other end.
        const temporary_directory directory;
        const std::string fifo = directory / "fifo";
        REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
        ring.push(op::openat(lio::current_directory, fifo.c_str(), O_RDONLY | O_CLOEXEC).force_async().user_data(1))
            .value();
        CHECK(stays_quiet(ring, 50));
        ring.push(op::cancel(1).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        // 0, it had not begun; EALREADY, it was interrupted; ENOENT, it was, and was gone when the kernel looked again.
        const int answer = code(of(done, 2));
        CHECK((answer == 0 || answer == EALREADY || answer == ENOENT));
        const cancel_answer told = of(done, 2).result<op::cancel>().value();
        CHECK(told.count() == (answer == 0));
        CHECK(told.was_too_late() == (answer == EALREADY));
        CHECK(told.was_not_found() == (answer == ENOENT));
        CHECK(code(of(done, 1)) != 0);
        CHECK(::open(fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC) == -1); // nobody reads
        CHECK(errno == ENXIO);
    });
}

TEST_CASE("closing a descriptor does not cancel what is in flight on it", "[cancel][hazard 33]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[8] = {};
        ring.push(op::recv(pair.ours, bytes).user_data(1)).value();
        CHECK(stays_quiet(ring));
        pair.ours.close();
        CHECK(stays_quiet(ring));
        send_all(pair.theirs, "still");
        CHECK(next_soon(ring).result().value() == 5);
        CHECK(std::string(bytes) == "still");
    });
}

TEST_CASE("cancel_all ends everything with one user_data and says how many", "[cancel]") {
    if (!has_cancel_of_many()) LIO_SKIP(no_cancel_of_many);
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        for (int i = 0; i < 5; ++i) ring.push(op::poll(pair.ours, POLLIN).user_data(1)).value();
        ring.push(op::timeout(one_hour).user_data(1)).value();
        ring.push(op::poll(pair.ours, POLLIN).user_data(2)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel_all(1).user_data(3)).value();
        int cancelled = 0;
        for (const cqe& done : next_soon(ring, 7)) {
            if (done.user_data() == 3) {
                CHECK(done.result<op::cancel_all>().value().count() == 6u);
            } else {
                CHECK(done.user_data() == 1);
                cancelled += code(done) == ECANCELED;
            }
        }
        CHECK(cancelled == 6);
        CHECK(stays_quiet(ring));
        send_all(pair.theirs, "!");
        CHECK(next_soon(ring).user_data() == 2);
        CHECK(run(ring, op::cancel_all(1)).result<op::cancel_all>().value().count() == 0u);
    });
}

TEST_CASE("cancel_all without a target ends everything on the ring", "[cancel]") {
    if (!has_cancel_of_many()) LIO_SKIP(no_cancel_of_many);
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        connection pair = socket_pair();
        char bytes[8];
        ring.push(op::recv(pair.ours, bytes).user_data(1), op::poll(pair.theirs, POLLIN).user_data(2),
                  op::accept_multishot(listener).user_data(3), op::timeout(one_hour).user_data(4),
                  op::timeout_or_completions(one_hour, 100).user_data(5))
            .value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel_all().user_data(6)).value();
        const auto done = next_soon(ring, 6);
        for (std::uint64_t i = 1; i <= 5; ++i) {
            CHECK(code(of(done, i)) == ECANCELED);
            CHECK_FALSE(of(done, i).more());
        }
        CHECK(of(done, 6).result<op::cancel_all>().value().count() == 5u);
        CHECK(stays_quiet(ring, 5));
        CHECK(run(ring, op::cancel_all()).result<op::cancel_all>().value().count() == 0u);
    });
}

TEST_CASE("cancel_all does not touch another ring", "[cancel]") {
    if (!has_cancel_of_many()) LIO_SKIP(no_cancel_of_many);
    under_each_setup([](ring& ring) {
        lio::ring other = lio::ring::create({.entries = 4, .exactly = true}).value();
        connection pair = socket_pair();
        other.push(op::poll(pair.ours, POLLIN)).value();
        CHECK(stays_quiet(other, 1));
        CHECK(run(ring, op::cancel_all()).result<op::cancel_all>().value().count() == 0u);
        CHECK(stays_quiet(other, 5));
        send_all(pair.theirs, "!");
        CHECK(next_soon(other).result().value() == POLLIN);
    });
}

TEST_CASE("cancel_file ends one operation on the file", "[cancel]") {
    if (!has_cancel_of_many()) LIO_SKIP(no_cancel_of_many);
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        connection other = socket_pair();
        ring.push(op::poll(pair.ours, POLLIN).user_data(1), op::poll(pair.ours, POLLIN).user_data(1),
                  op::poll(other.ours, POLLIN).user_data(2))
            .value();
        CHECK(stays_quiet(ring));
        for (int i = 0; i < 2; ++i) {
            ring.push(op::cancel_file(pair.ours).user_data(3)).value();
            const auto done = next_soon(ring, 2);
            CHECK(code(of(done, 1)) == ECANCELED);
            CHECK(of(done, 3).result<op::cancel_file>().value() == cancel_answer::cancelled(1));
            CHECK(stays_quiet(ring, 5));
        }
        CHECK(code(run(ring, op::cancel_file(pair.ours))) == ENOENT);
        send_all(other.theirs, "!");
        CHECK(next_soon(ring).user_data() == 2);
    });
}

TEST_CASE("cancel_file_all ends every operation on the file and says how many", "[cancel]") {
    if (!has_cancel_of_many()) LIO_SKIP(no_cancel_of_many);
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        connection other = socket_pair();
        char bytes[8];
        // Also what came to the file by another descriptor.
        const owned_file copy{::dup(pair.ours)};
        ring.push(op::poll(pair.ours, POLLIN).user_data(1), op::recv(copy, bytes).user_data(2),
                  op::poll(other.ours, POLLIN).user_data(3), op::timeout(one_hour).user_data(4))
            .value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel_file_all(pair.ours).user_data(5)).value();
        const auto done = next_soon(ring, 3);
        CHECK(code(of(done, 1)) == ECANCELED);
        CHECK(code(of(done, 2)) == ECANCELED);
        CHECK(of(done, 5).result<op::cancel_file_all>().value().count() == 2u);
        CHECK(stays_quiet(ring));
        CHECK(run(ring, op::cancel_file_all(pair.ours)).result<op::cancel_file_all>().value().count() == 0u);
        ring.push(op::cancel_all().user_data(6)).value();
        CHECK(of(next_soon(ring, 3), 6).result().value() == 2);
    });
}

TEST_CASE("cancel_file finds the file through a slot, and what came to it through a slot", "[cancel]") {
    if (!has_cancel_of_many()) LIO_SKIP(no_cancel_of_many);
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        const int files[] = {-1, pair.ours};
        auto slots = lio::registered_files::create(ring, files).value();
        const auto cancelled = [&](const auto& waiting, const auto& cancelling) {
            ring.push(waiting.user_data(1)).value();
            CHECK(stays_quiet(ring, 5));
            ring.push(cancelling.user_data(2)).value();
            const auto done = next_soon(ring, 2);
            CHECK(code(of(done, 1)) == ECANCELED);
            CHECK(code(of(done, 2)) == 0);
        };
        cancelled(op::poll(slots[1], POLLIN), op::cancel_file(slots[1]));
        cancelled(op::poll(slots[1], POLLIN), op::cancel_file(pair.ours));
        cancelled(op::poll(pair.ours, POLLIN), op::cancel_file_all(slots[1]));
        CHECK(code(run(ring, op::cancel_file(slots[0]))) == EBADF);
    });
}

TEST_CASE("cancel_file of a descriptor that is closed says so", "[cancel][hazard 33]") {
    if (!has_cancel_of_many()) LIO_SKIP(no_cancel_of_many);
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        const int number = pair.ours;
        ring.push(op::poll(pair.ours, POLLIN).user_data(1)).value();
        CHECK(stays_quiet(ring));
        pair.ours.close();
        CHECK(code(run(ring, op::cancel_file(number).user_data(2))) == EBADF);
        CHECK(code(run(ring, op::cancel_file_all(number).user_data(2))) == EBADF);
        ring.push(op::cancel(1).user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 1)) == ECANCELED);
    });
}

TEST_CASE("cancel_opcode ends one operation of that kind", "[cancel]") {
    if (!has_narrow_cancel()) LIO_SKIP(no_narrow_cancel);
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[8];
        ring.push(op::poll(pair.ours, POLLIN).user_data(1), op::recv(pair.ours, bytes).user_data(2),
                  op::recv(pair.theirs, bytes).user_data(2))
            .value();
        CHECK(stays_quiet(ring));
        for (int i = 0; i < 2; ++i) {
            ring.push(op::cancel_opcode(op::recv::code).user_data(3)).value();
            const auto done = next_soon(ring, 2);
            CHECK(code(of(done, 2)) == ECANCELED);
            CHECK(of(done, 3).result<op::cancel_opcode>().value() == cancel_answer::cancelled(1));
            CHECK(stays_quiet(ring, 5));
        }
        CHECK(run(ring, op::cancel_opcode(op::recv::code)).result<op::cancel_opcode>().value().was_not_found());
        send_all(pair.theirs, "!");
        CHECK(next_soon(ring).user_data() == 1);
    });
}

TEST_CASE("cancel_opcode_all ends every operation of that kind and says how many", "[cancel]") {
    if (!has_narrow_cancel()) LIO_SKIP(no_narrow_cancel);
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[8];
        ring.push(op::recv(pair.ours, bytes).user_data(1), op::recv(pair.theirs, bytes).user_data(2),
                  op::poll(pair.ours, POLLIN).user_data(3), op::timeout(one_hour).user_data(4))
            .value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel_opcode_all(op::recv::code).user_data(5)).value();
        const auto done = next_soon(ring, 3);
        CHECK(code(of(done, 1)) == ECANCELED);
        CHECK(code(of(done, 2)) == ECANCELED);
        CHECK(of(done, 5).result<op::cancel_opcode_all>().value().count() == 2);
        CHECK(stays_quiet(ring, 5));
        CHECK(run(ring, op::cancel_opcode_all(op::recv::code)).result<op::cancel_opcode_all>().value().count() == 0);
        // Timers are found, too.
        ring.push(op::cancel_opcode_all(op::timeout::code).user_data(6)).value();
        CHECK(code(of(next_soon(ring, 2), 4)) == ECANCELED);
        send_all(pair.theirs, "!");
        CHECK(next_soon(ring).user_data() == 3);
    });
}

TEST_CASE("a cancel that is narrowed ends only what has every property", "[cancel]") {
    if (!has_narrow_cancel()) LIO_SKIP(no_narrow_cancel);
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        const int files[] = {pair.theirs};
        auto slots = lio::registered_files::create(ring, files).value();
        char bytes[8];
        // Each of them differs from the others in two properties at most.
        ring.push(op::recv(pair.ours, bytes).user_data(1), op::recv(pair.theirs, bytes).user_data(1),
                  op::poll(pair.ours, POLLIN).user_data(1), op::recv(pair.ours, bytes).user_data(2),
                  op::poll(slots[0], POLLIN).user_data(2))
            .value();
        CHECK(stays_quiet(ring));
        const auto finds = [&](const auto& cancelling) {
            using cancel_type = std::remove_cvref_t<decltype(cancelling)>;
            return run(ring, cancelling.user_data(9)).template result<cancel_type>().value().count();
        };
        CHECK(finds(op::cancel_all(3).only_of<op::recv>()) == 0);
        CHECK(finds(op::cancel_all(2).only_of<op::timeout>()) == 0);
        CHECK(finds(op::cancel_file_all(pair.theirs).only_with(3)) == 0);
        CHECK(finds(op::cancel_file_all(slots[0]).only_of<op::timeout>()) == 0);
        CHECK(finds(op::cancel(2).only_on(pair.theirs).only_of<op::recv>()) == 0);
        const auto ends_one = [&](const auto& cancelling, std::uint64_t ended) {
            using cancel_type = std::remove_cvref_t<decltype(cancelling)>;
            ring.push(cancelling.user_data(9)).value();
            const auto done = next_soon(ring, 2);
            CHECK(of(done, 9).template result<cancel_type>().value().count() == 1);
            CHECK(code(of(done, ended)) == ECANCELED);
            CHECK(stays_quiet(ring, 5));
        };
        ends_one(op::cancel_all().only_of<op::recv>().only_on(slots[0]), 1);
        ends_one(op::cancel_all(1).only_of<op::poll>(), 1);
        ends_one(op::cancel_file_all(pair.ours).only_with(2), 2);
        ends_one(op::cancel(1).only_on(pair.ours).only_of(op::recv::code), 1);
        ends_one(op::cancel(2).only_on(slots[0]), 2);
        CHECK(finds(op::cancel_all()) == 0);
    });
}

TEST_CASE("cancel_all narrowed to a file leaves what is on others", "[cancel]") {
    if (!has_cancel_of_many()) LIO_SKIP(no_cancel_of_many);
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        ring.push(op::poll(pair.ours, POLLIN).user_data(1), op::poll(pair.theirs, POLLIN).user_data(2)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel_all().only_on(pair.theirs).user_data(3)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 2)) == ECANCELED);
        CHECK(of(done, 3).result<op::cancel_all>().value().count() == 1);
        send_all(pair.theirs, "!");
        CHECK(next_soon(ring).user_data() == 1);
    });
}

TEST_CASE("a cancelled receive uses its buffer until its own completion, not until the cancel's [hazard 33]",
          "[cancel][hazard 33]") {
    under_each_setup([](ring& ring) {
        // A receive into a buffer that is cancelled while data is on its way: whoever wins, the buffer holds the data
        // if and only if the receive's own completion says so.
        for (int round = 0; round < 20; ++round) {
            connection pair = socket_pair();
            char bytes[8] = {};
            ring.push(op::recv(pair.ours, bytes).user_data(1)).value();
            submit_all(ring);
            ring.push(op::cancel(1).user_data(2)).value();
            if (round % 2 == 0) submit_all(ring);
            send_all(pair.theirs, "data");
            const auto done = next_soon(ring, 2);
            const auto received = of(done, 1).result<op::recv>();
            CHECK(std::string(bytes) == (received ? "data" : ""));
            CHECK((received ? *received == 4 : code(of(done, 1)) == ECANCELED));
        }
    });
}

} // namespace cancel_test
