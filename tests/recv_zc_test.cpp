// Receiving into registered memory: what op::recv_zc does and how it ends. One thread.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/waiting.hpp"
#include "support/zero_copy.hpp"

#include <lio/large_ring.hpp>
#include <lio/op/cancel.hpp>
#include <lio/op/recv_zc.hpp>

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace recv_zc_test {

namespace {

namespace abi = lio::abi;
namespace op = lio::op;
using namespace lio::test;
using lio::large_cqe;
using lio::multishot_event;

const encodings rows{[](auto add) {
    add("recv_zc", op::recv_zc(5, 7), expected_entry{}.u8(0, 58).u16(2, 2).s32(4, 5).u32(44, 7));
    add("recv_zc with a limit and every modifier",
        op::recv_zc(lio::direct_descriptor{5}, 0xfffffffe, 0xffffffff)
            .poll_first()
            .link()
            .hard_link()
            .drain()
            .force_async()
            .personality(9)
            .user_data(0x1234),
        expected_entry{}
            .u8(0, 58)
            .u8(1, 1 | 4 | 8 | 2 | 16)
            .u16(2, 1 | 2)
            .s32(4, 5)
            .u32(24, 0xffffffff)
            .u64(32, 0x1234)
            .u16(42, 9)
            .u32(44, 0xfffffffe));
}};

template <class Operation>
concept can_skip_success = requires(const Operation& operation) { operation.skip_success(); };
static_assert(!can_skip_success<op::recv_zc>);
template <class Ring>
concept takes_recv_zc = requires(Ring& ring, const op::recv_zc& operation) { ring.push(operation); };
static_assert(!takes_recv_zc<lio::ring>, "there is no room for where the bytes are");
static_assert(takes_recv_zc<lio::large_ring> && takes_recv_zc<lio::large_completion_ring>);

constexpr large_cqe made(std::int32_t result, std::uint32_t flags, std::uint64_t location = 0) {
    return large_cqe{abi::cqe32{77, result, flags, {location, 0}}};
}

constexpr int no_such_file = 1'000'000;

} // namespace

TEST_CASE("a zero-copy receive's completion says in which area its bytes are, and where", "[layout][recv_zc]") {
    const auto done = made(1234, abi::cqe_f_more, (std::uint64_t{0xfedc} << 48) | 0x123456789abc).as<op::recv_zc>();
    static_assert(std::is_same_v<decltype(done), const lio::zero_copy_receive_completion>);
    CHECK(done.event() == multishot_event::item);
    CHECK(done.has_item());
    CHECK_FALSE(done.ended());
    CHECK(done.item().area() == 0xfedc);
    CHECK(done.item().offset() == 0x123456789abc);
    CHECK(done.item().size() == 1234);
    // What is given back is what came.
    CHECK(done.item().refill().off == ((std::uint64_t{0xfedc} << 48) | 0x123456789abc));
    CHECK(done.item().refill().len == 1234);
    CHECK(done.item().refill().pad == 0);

    const auto first = made(1, abi::cqe_f_more, 0).as<op::recv_zc>();
    CHECK(first.item().area() == 0);
    CHECK(first.item().offset() == 0);
}

TEST_CASE("a zero-copy receive's last completion has no bytes", "[layout][recv_zc][hazard 34]") {
    const auto end = made(0, 0, 99).as<op::recv_zc>();
    CHECK(end.event() == multishot_event::end);
    CHECK_FALSE(end.has_item());
    CHECK(end.ended());
    for (const int problem : {ENOMEM, ENOSPC, EINVAL}) {
        const auto failed = made(-problem, 0).as<op::recv_zc>();
        CHECK(failed.event() == multishot_event::failed);
        CHECK(failed.problem() == lio::error{problem});
        CHECK(failed.ended());
    }
    CHECK(made(-ECANCELED, 0).as<op::recv_zc>().event() == multishot_event::cancelled);
}

TEST_CASE("recv_zc into memory that is not registered fails", "[recv_zc]") {
    if (no_zero_copy() != nullptr) LIO_SKIP(no_zero_copy());
    const auto ring = make_ring<lio::large_completion_ring>();
    REQUIRE(ring);
    const connection pair = tcp_pair();
    const large_cqe done = run_on(*ring, op::recv_zc(pair.ours, 0).user_data(3));
    CHECK(done.user_data() == 3);
    CHECK(code(done) == EINVAL);
    CHECK(done.as<op::recv_zc>().event() == multishot_event::failed);
    CHECK(done.as<op::recv_zc>().ended());
}

TEMPLATE_TEST_CASE("recv_zc puts the bytes where its completions say", "[recv_zc]", lio::large_ring,
                   lio::large_completion_ring) {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{16};
    const auto ring = make_ring<TestType>();
    REQUIRE(ring);
    auto receiver = make_receiver(*ring, memory.area());
    connection pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, receiver.id()).user_data(3)).value();
    CHECK(is_quiet(*ring));
    std::vector<large_cqe> held;
    for (const char* word : {"one", "two", "three"}) {
        send_all(pair.theirs, word);
        const large_cqe done = next_on(*ring);
        CHECK(done.user_data() == 3);
        CHECK(done.more());
        CHECK(done.as<op::recv_zc>().event() == multishot_event::item);
        CHECK(text_of_item(receiver, done) == word);
        held.push_back(done);
    }
    // All of them are still the program's.
    CHECK(text_of_item(receiver, held[0]) == "one");
    CHECK(text_of_item(receiver, held[1]) == "two");

    pair.theirs.close();
    const large_cqe end = next_on(*ring);
    CHECK(end.as<op::recv_zc>().event() == multishot_event::end);
    CHECK(is_quiet(*ring));
}

TEST_CASE("recv_zc that polls first receives what comes later, and what is there already", "[recv_zc]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{16};
    const auto ring = make_ring<lio::large_completion_ring>();
    auto receiver = make_receiver(*ring, memory.area());
    const connection pair = tcp_pair();
    send_all(pair.theirs, "here");
    ring->push(op::recv_zc(pair.ours, receiver.id()).poll_first()).value();
    CHECK(receive_into(*ring, receiver, 4) == "here");
    send_all(pair.theirs, "later");
    CHECK(receive_into(*ring, receiver, 5) == "later");
}

TEST_CASE("recv_zc delivers more bytes than its memory holds while they are given back", "[recv_zc]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{8};
    const auto ring = make_ring<lio::large_completion_ring>();
    auto receiver = make_receiver(*ring, memory.area());
    const connection pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, receiver.id())).value();
    std::string sent;
    std::string received;
    for (std::size_t i = 0; sent.size() < 10 * 8 * page_size(); ++i) {
        std::string part;
        while (part.size() < page_size()) part += std::to_string(i) + "." + std::to_string(part.size()) + " ";
        send_all(pair.theirs, part);
        sent += part;
        received += receive_into(*ring, receiver, part.size());
    }
    CHECK((received == sent)); // not printed
}

TEST_CASE("recv_zc without memory left says ENOMEM, and submitted again misses nothing", "[recv_zc][hazard 34]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{2};
    const auto ring = make_ring<lio::large_completion_ring>();
    auto receiver = make_receiver(*ring, memory.area());
    const connection pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, receiver.id())).value();
    std::vector<large_cqe> held;
    for (const char* word : {"first", "second"}) { // each takes a page of its own
        send_all(pair.theirs, word);
        held.push_back(next_on(*ring));
        CHECK(text_of_item(receiver, held.back()) == word);
    }
    send_all(pair.theirs, "third");
    const large_cqe starved = next_on(*ring);
    CHECK(code(starved) == ENOMEM);
    CHECK(starved.as<op::recv_zc>().event() == multishot_event::failed);
    CHECK(starved.as<op::recv_zc>().ended());
    receiver.give_back(held[0]).value();
    receiver.flush().value();
    const large_cqe third = run_on(*ring, op::recv_zc(pair.ours, receiver.id()));
    CHECK(text_of_item(receiver, third) == "third");
    CHECK(text_of_item(receiver, held[1]) == "second");
}

TEST_CASE("recv_zc ends at its limit and leaves the rest to others", "[recv_zc][hazard 34]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{16};
    const auto ring = make_ring<lio::large_completion_ring>();
    auto receiver = make_receiver(*ring, memory.area());
    const connection pair = tcp_pair();
    send_all(pair.theirs, "0123456789");
    ring->push(op::recv_zc(pair.ours, receiver.id(), 7)).value();
    CHECK(receive_into(*ring, receiver, 7) == "0123456");
    const large_cqe end = next_on(*ring);
    CHECK(end.as<op::recv_zc>().event() == multishot_event::end);
    CHECK(is_quiet(*ring));
    CHECK(receive_some(pair.ours) == "789");
}

TEST_CASE("recv_zc that is cancelled leaves what comes later alone", "[recv_zc][hazard 33]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{16};
    const auto ring = make_ring<lio::large_completion_ring>();
    auto receiver = make_receiver(*ring, memory.area());
    const connection pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, receiver.id()).user_data(1)).value();
    CHECK(is_quiet(*ring));
    ring->push(op::cancel(1).user_data(2)).value();
    for (int i = 0; i < 2; ++i) {
        const large_cqe done = next_on(*ring);
        if (done.user_data() == 2) CHECK(code(done) == 0);
        if (done.user_data() == 1) CHECK(done.as<op::recv_zc>().event() == multishot_event::cancelled);
    }
    send_all(pair.theirs, "kept");
    CHECK(is_quiet(*ring));
    CHECK(receive_some(pair.ours) == "kept");
}

TEST_CASE("recv_zc fails on what is no TCP connection", "[recv_zc]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{16};
    const auto ring = make_ring<lio::large_completion_ring>();
    auto receiver = make_receiver(*ring, memory.area());
    CHECK(code(run_on(*ring, op::recv_zc(no_such_file, receiver.id()))) == EBADF);
    const connection pipe = pipe_pair();
    CHECK(code(run_on(*ring, op::recv_zc(pipe.ours, receiver.id()))) == ENOTSOCK);
    const connection other = socket_pair();
    CHECK(code(run_on(*ring, op::recv_zc(other.ours, receiver.id()))) == EPROTONOSUPPORT);
    const owned_file unconnected = tcp_socket();
    CHECK(code(run_on(*ring, op::recv_zc(unconnected, receiver.id()))) == ENOTCONN);
    const connection pair = tcp_pair();
    CHECK(code(run_on(*ring, op::recv_zc(pair.ours, receiver.id() + 1))) == EINVAL);
}

TEST_CASE("recv_zc from a peer that resets the connection says so", "[recv_zc]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{16};
    const auto ring = make_ring<lio::large_completion_ring>();
    auto receiver = make_receiver(*ring, memory.area());
    connection pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, receiver.id())).value();
    CHECK(is_quiet(*ring));
    reset_by_peer(pair);
    const large_cqe reset = next_on(*ring);
    CHECK(code(reset) == ECONNRESET);
    CHECK(reset.as<op::recv_zc>().ended());
}

} // namespace recv_zc_test
