// Receiving into registered memory. Where there is no network card that can do it, an instance without one is
// registered, by plain system calls; its bytes are copied there, and everything else is as with a card. They are then
// looked at in that memory. One thread.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/large_rings.hpp"
#include "support/probe.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/abi/register.hpp>
#include <lio/abi/zero_copy_receive.hpp>
#include <lio/large_ring.hpp>
#include <lio/op/cancel.hpp>
#include <lio/op/recv_zc.hpp>

#include <sys/mman.h>
#include <sys/syscall.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

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

/// A ring of this type, if the kernel has such rings.
template <class Ring>
std::unique_ptr<Ring> make_ring() {
    auto made = Ring::create({.entries = 64});
    if (!made) return nullptr;
    return std::make_unique<Ring>(static_cast<Ring&&>(*made));
}

/// Memory from the system.
class pages {
public:
    explicit pages(std::size_t size)
        : memory_{::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)}, size_{size} {
        REQUIRE(memory_ != MAP_FAILED);
    }
    pages(const pages&) = delete;
    pages& operator=(const pages&) = delete;
    ~pages() { ::munmap(memory_, size_); }
    char* data() const { return static_cast<char*>(memory_); }
    std::size_t size() const { return size_; }

private:
    void* memory_;
    std::size_t size_;
};

/// Memory to receive into that belongs to no network card, and its refill ring. Outlives its ring.
class instance {
public:
    static constexpr std::uint32_t entries = 64;

    explicit instance(std::size_t area_pages)
        : page_{static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))}, area_{area_pages * page_}, refill_{2 * page_} {}

    /// Registers it; the errno if that fails.
    template <class Ring>
    int add_to(const Ring& ring) {
        ring_ = ring.file();
        abi::zcrx_area_reg area{};
        area.addr = reinterpret_cast<std::uintptr_t>(area_.data());
        area.len = area_.size();
        abi::region_desc region{};
        region.user_addr = reinterpret_cast<std::uintptr_t>(refill_.data());
        region.size = refill_.size();
        region.flags = abi::mem_region_type_user;
        abi::zcrx_ifq_reg registration{};
        registration.rq_entries = entries;
        registration.flags = abi::zcrx_reg_nodev;
        registration.area_ptr = reinterpret_cast<std::uintptr_t>(&area);
        registration.region_ptr = reinterpret_cast<std::uintptr_t>(&region);
        if (::syscall(SYS_io_uring_register, ring_, static_cast<unsigned>(abi::register_opcode::register_zcrx_ifq),
                      &registration, 1) != 0)
            return errno;
        number_ = registration.zcrx_id;
        token_ = area.rq_area_token;
        offsets_ = registration.offsets;
        return 0;
    }

    std::uint32_t number() const { return number_; }
    std::size_t page() const { return page_; }

    /// The bytes of a completion, where it says that they are.
    std::string_view bytes(const large_cqe& done) const {
        const lio::zero_copy_bytes where = done.as<op::recv_zc>().item();
        REQUIRE(where.area() == token_ >> abi::zcrx_area_shift);
        REQUIRE(where.offset() + where.size() <= area_.size());
        return {area_.data() + where.offset(), where.size()};
    }

    /// Gives them back.
    void give_back(const large_cqe& done) {
        const abi::zcrx_rqe entry = done.as<op::recv_zc>().item().refill();
        std::memcpy(refill_.data() + offsets_.rqes + (tail_ % entries) * sizeof entry, &entry, sizeof entry);
        __atomic_store_n(reinterpret_cast<std::uint32_t*>(refill_.data() + offsets_.tail), ++tail_, __ATOMIC_RELEASE);
        abi::zcrx_ctrl control{};
        control.zcrx_id = number_;
        control.op = abi::zcrx_ctrl_op_flush_rq;
        REQUIRE(::syscall(SYS_io_uring_register, ring_,
                          static_cast<unsigned>(abi::register_opcode::register_zcrx_ctrl), &control, 0) == 0);
    }

private:
    std::size_t page_;
    pages area_;
    pages refill_;
    abi::zcrx_offsets offsets_;
    std::uint64_t token_ = 0;
    std::uint32_t number_ = 0;
    std::uint32_t tail_ = 0;
    int ring_ = -1;
};

/// Why no instance can be registered here; nullptr if one can.
const char* reason_against() {
    static const char* const answer = []() -> const char* {
        instance tried{4};
        const auto ring = make_ring<lio::large_completion_ring>();
        if (!ring) return "the kernel has no completions of 32 bytes (Linux 5.19 has)";
        if (!kernel_supports(abi::opcode::recv_zc)) return "the kernel has no zero-copy receive (Linux 6.15 has)";
        switch (tried.add_to(*ring)) {
        case 0: return nullptr;
        case EPERM: return "zero-copy receive needs CAP_NET_ADMIN";
        default: return "the kernel has no zero-copy receive without a network card (Linux 7.2 has)";
        }
    }();
    return answer;
}

/// Whether nothing comes for a moment.
template <class Ring>
bool is_quiet(Ring& ring) {
    ring.submit().value();
    ::poll(nullptr, 0, 20);
    return ring.reap().empty();
}

/// What comes until there is `size` of it; gives each piece back.
template <class Ring>
std::string receive_all(Ring& ring, instance& memory, std::size_t size) {
    std::string all;
    while (all.size() < size) {
        const large_cqe done = next_on(ring);
        REQUIRE(code(done) == 0);
        REQUIRE(done.as<op::recv_zc>().event() == multishot_event::item);
        all += memory.bytes(done);
        memory.give_back(done);
    }
    return all;
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
    if (!kernel_supports(abi::opcode::recv_zc)) LIO_SKIP("the kernel has no zero-copy receive (Linux 6.15 has)");
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
    if (reason_against() != nullptr) LIO_SKIP(reason_against());
    instance memory{16};
    const auto ring = make_ring<TestType>();
    REQUIRE(ring);
    REQUIRE(memory.add_to(*ring) == 0);
    connection pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, memory.number()).user_data(3)).value();
    CHECK(is_quiet(*ring));
    std::vector<large_cqe> held;
    for (const char* word : {"one", "two", "three"}) {
        send_all(pair.theirs, word);
        const large_cqe done = next_on(*ring);
        CHECK(done.user_data() == 3);
        CHECK(done.more());
        CHECK(done.as<op::recv_zc>().event() == multishot_event::item);
        CHECK(memory.bytes(done) == word);
        held.push_back(done);
    }
    // All of them are still the program's.
    CHECK(memory.bytes(held[0]) == "one");
    CHECK(memory.bytes(held[1]) == "two");

    pair.theirs.close();
    const large_cqe end = next_on(*ring);
    CHECK(end.as<op::recv_zc>().event() == multishot_event::end);
    CHECK(is_quiet(*ring));
}

TEST_CASE("recv_zc that polls first receives what comes later, and what is there already", "[recv_zc]") {
    if (reason_against() != nullptr) LIO_SKIP(reason_against());
    instance memory{16};
    const auto ring = make_ring<lio::large_completion_ring>();
    REQUIRE(memory.add_to(*ring) == 0);
    const connection pair = tcp_pair();
    send_all(pair.theirs, "here");
    ring->push(op::recv_zc(pair.ours, memory.number()).poll_first()).value();
    CHECK(receive_all(*ring, memory, 4) == "here");
    send_all(pair.theirs, "later");
    CHECK(receive_all(*ring, memory, 5) == "later");
}

TEST_CASE("recv_zc delivers more bytes than its memory holds while they are given back", "[recv_zc]") {
    if (reason_against() != nullptr) LIO_SKIP(reason_against());
    instance memory{8};
    const auto ring = make_ring<lio::large_completion_ring>();
    REQUIRE(memory.add_to(*ring) == 0);
    const connection pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, memory.number())).value();
    std::string sent;
    std::string received;
    for (std::size_t i = 0; sent.size() < 10 * 8 * memory.page(); ++i) {
        std::string part;
        while (part.size() < memory.page()) part += std::to_string(i) + "." + std::to_string(part.size()) + " ";
        send_all(pair.theirs, part);
        sent += part;
        received += receive_all(*ring, memory, part.size());
    }
    CHECK((received == sent)); // not printed
}

TEST_CASE("recv_zc without memory left says ENOMEM, and submitted again misses nothing", "[recv_zc][hazard 34]") {
    if (reason_against() != nullptr) LIO_SKIP(reason_against());
    instance memory{2};
    const auto ring = make_ring<lio::large_completion_ring>();
    REQUIRE(memory.add_to(*ring) == 0);
    const connection pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, memory.number())).value();
    std::vector<large_cqe> held;
    for (const char* word : {"first", "second"}) { // each takes a page of its own
        send_all(pair.theirs, word);
        held.push_back(next_on(*ring));
        CHECK(memory.bytes(held.back()) == word);
    }
    send_all(pair.theirs, "third");
    const large_cqe starved = next_on(*ring);
    CHECK(code(starved) == ENOMEM);
    CHECK(starved.as<op::recv_zc>().event() == multishot_event::failed);
    CHECK(starved.as<op::recv_zc>().ended());
    memory.give_back(held[0]);
    const large_cqe third = run_on(*ring, op::recv_zc(pair.ours, memory.number()));
    CHECK(memory.bytes(third) == "third");
    CHECK(memory.bytes(held[1]) == "second");
}

TEST_CASE("recv_zc ends at its limit and leaves the rest to others", "[recv_zc][hazard 34]") {
    if (reason_against() != nullptr) LIO_SKIP(reason_against());
    instance memory{16};
    const auto ring = make_ring<lio::large_completion_ring>();
    REQUIRE(memory.add_to(*ring) == 0);
    const connection pair = tcp_pair();
    send_all(pair.theirs, "0123456789");
    ring->push(op::recv_zc(pair.ours, memory.number(), 7)).value();
    CHECK(receive_all(*ring, memory, 7) == "0123456");
    const large_cqe end = next_on(*ring);
    CHECK(end.as<op::recv_zc>().event() == multishot_event::end);
    CHECK(is_quiet(*ring));
    CHECK(receive_some(pair.ours) == "789");
}

TEST_CASE("recv_zc that is cancelled leaves what comes later alone", "[recv_zc][hazard 33]") {
    if (reason_against() != nullptr) LIO_SKIP(reason_against());
    instance memory{16};
    const auto ring = make_ring<lio::large_completion_ring>();
    REQUIRE(memory.add_to(*ring) == 0);
    const connection pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, memory.number()).user_data(1)).value();
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
    if (reason_against() != nullptr) LIO_SKIP(reason_against());
    instance memory{16};
    const auto ring = make_ring<lio::large_completion_ring>();
    REQUIRE(memory.add_to(*ring) == 0);
    CHECK(code(run_on(*ring, op::recv_zc(no_such_file, memory.number()))) == EBADF);
    const connection pipe = pipe_pair();
    CHECK(code(run_on(*ring, op::recv_zc(pipe.ours, memory.number()))) == ENOTSOCK);
    const connection other = socket_pair();
    CHECK(code(run_on(*ring, op::recv_zc(other.ours, memory.number()))) == EPROTONOSUPPORT);
    const owned_file unconnected = tcp_socket();
    CHECK(code(run_on(*ring, op::recv_zc(unconnected, memory.number()))) == ENOTCONN);
    const connection pair = tcp_pair();
    CHECK(code(run_on(*ring, op::recv_zc(pair.ours, memory.number() + 1))) == EINVAL);
}

TEST_CASE("recv_zc from a peer that resets the connection says so", "[recv_zc]") {
    if (reason_against() != nullptr) LIO_SKIP(reason_against());
    instance memory{16};
    const auto ring = make_ring<lio::large_completion_ring>();
    REQUIRE(memory.add_to(*ring) == 0);
    connection pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, memory.number())).value();
    CHECK(is_quiet(*ring));
    const linger at_once{1, 0};
    REQUIRE(::setsockopt(pair.theirs, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    pair.theirs.close();
    const large_cqe reset = next_on(*ring);
    CHECK(code(reset) == ECONNRESET);
    CHECK(reset.as<op::recv_zc>().ended());
}
