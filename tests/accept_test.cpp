// Taking connections, as descriptors and into slots of the registered files, once and again and again. The clients are
// plain POSIX calls. Each test runs on a ring of every set-up that this kernel takes; one thread.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/footprint.hpp"
#include "support/rings.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/completion.hpp>
#include <lio/op/accept.hpp>
#include <lio/op/cancel.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/open.hpp>
#include <lio/op/recv.hpp>
#include <lio/op/registered_files.hpp>
#include <lio/op/send.hpp>
#include <lio/registered_files.hpp>

#include <sys/resource.h>

#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace accept_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::direct_descriptor;
using lio::multishot_event;
using lio::ring;

char memory[100];
sockaddr_in internet_address;
socklen_t address_size;

constexpr std::uint8_t link = 4, hard_link = 8, drain = 2, async = 16, skip = 64, fixed = 1;
constexpr std::uint32_t any_slot = 0xffffffff;

const encodings rows{[](auto add) {
    add("accept", op::accept(5), expected_entry{}.u8(0, 13).s32(4, 5));
    add("accept with address and flags",
        op::accept(lio::direct_descriptor{5}, internet_address, address_size)
            .flags(SOCK_CLOEXEC | SOCK_NONBLOCK)
            .poll_first()
            .drain()
            .user_data(&memory),
        expected_entry{}
            .u8(0, 13)
            .u8(1, fixed | drain)
            .u16(2, 4)
            .s32(4, 5)
            .pointer(8, &address_size)
            .pointer(16, &internet_address)
            .u32(28, SOCK_CLOEXEC | SOCK_NONBLOCK)
            .pointer(32, &memory));
    add("accept_multishot", op::accept_multishot(5), expected_entry{}.u8(0, 13).u16(2, 1).s32(4, 5));
    add("accept_multishot with flags",
        op::accept_multishot(lio::direct_descriptor{5}).poll_first().flags(SOCK_CLOEXEC).force_async(),
        expected_entry{}.u8(0, 13).u8(1, fixed | async).u16(2, 1 | 4).s32(4, 5).u32(28, SOCK_CLOEXEC));
    add("accept that does not wait", op::accept(5).dont_wait().flags(SOCK_NONBLOCK),
        expected_entry{}.u8(0, 13).u16(2, 2).s32(4, 5).u32(28, SOCK_NONBLOCK));
    // [hazard 29] None of the modifiers may take away what makes it a multishot.
    add("accept_multishot with every modifier",
        op::accept_multishot(5).dont_wait().poll_first().link().hard_link().drain().personality(9).user_data(7),
        expected_entry{}
            .u8(0, 13)
            .u8(1, link | hard_link | drain)
            .u16(2, 1 | 2 | 4)
            .s32(4, 5)
            .u64(32, 7)
            .u16(42, 9));
    // [hazard 30] Slots count from 1 in the entry, and one that would become "any" or "none" is one that no table has.
    add("accept_direct", op::accept_direct(5, direct_descriptor{0}),
        expected_entry{}.u8(0, 13).s32(4, 5).u32(44, 1));
    add("accept_direct with address and flags",
        op::accept_direct(direct_descriptor{5}, internet_address, address_size, direct_descriptor{6})
            .flags(SOCK_NONBLOCK)
            .poll_first()
            .dont_wait()
            .link()
            .skip_success()
            .user_data(7),
        expected_entry{}
            .u8(0, 13)
            .u8(1, fixed | link | skip)
            .u16(2, 2 | 4)
            .s32(4, 5)
            .pointer(8, &address_size)
            .pointer(16, &internet_address)
            .u32(28, SOCK_NONBLOCK)
            .u64(32, 7)
            .u32(44, 7));
    add("accept_direct into the last slots", op::accept_direct(5, direct_descriptor{0xfffffffe}),
        expected_entry{}.u8(0, 13).s32(4, 5).u32(44, 0xfffffffe));
    add("accept_direct_allocate", op::accept_direct_allocate(5),
        expected_entry{}.u8(0, 13).s32(4, 5).u32(44, any_slot));
    add("accept_direct_allocate with an address",
        op::accept_direct_allocate(direct_descriptor{5}, internet_address, address_size).force_async().poll_first(),
        expected_entry{}
            .u8(0, 13)
            .u8(1, fixed | async)
            .u16(2, 4)
            .s32(4, 5)
            .pointer(8, &address_size)
            .pointer(16, &internet_address)
            .u32(44, any_slot));
    add("accept_multishot_direct", op::accept_multishot_direct(5),
        expected_entry{}.u8(0, 13).u16(2, 1).s32(4, 5).u32(44, any_slot));
    add("accept_multishot_direct with flags",
        op::accept_multishot_direct(direct_descriptor{5}).poll_first().dont_wait().flags(SOCK_NONBLOCK).user_data(8),
        expected_entry{}
            .u8(0, 13)
            .u8(1, fixed)
            .u16(2, 1 | 2 | 4)
            .s32(4, 5)
            .u32(28, SOCK_NONBLOCK)
            .u64(32, 8)
            .u32(44, any_slot));
}};

// The kernel writes the address while the operation runs: it must be there, and be writable.
static_assert(std::is_constructible_v<op::accept, int, sockaddr_storage&, socklen_t&>);
static_assert(!std::is_constructible_v<op::accept, int, sockaddr_storage, socklen_t&>);
static_assert(!std::is_constructible_v<op::accept, int, const sockaddr_storage&, socklen_t&>);
static_assert(!std::is_constructible_v<op::accept, int, sockaddr_storage&, socklen_t>);
static_assert(std::is_constructible_v<op::accept_direct, int, sockaddr_in&, socklen_t&, direct_descriptor>);
static_assert(!std::is_constructible_v<op::accept_direct, int, sockaddr_in, socklen_t&, direct_descriptor>);
static_assert(!std::is_constructible_v<op::accept_direct, int, int>, "a slot is no number");
static_assert(!std::is_constructible_v<op::accept_direct_allocate, int, const sockaddr_in&, socklen_t&>);

// What can complete many times cannot keep its completions back, nor what makes a descriptor.
template <class Operation>
concept can_skip_success = requires(Operation operation) { operation.skip_success(); };
static_assert(!can_skip_success<op::accept> && can_skip_success<op::accept_direct>);
static_assert(!can_skip_success<op::accept_multishot> && !can_skip_success<op::accept_multishot_direct>);

// Only descriptors can be taken as such.
static_assert(op::accept::opens_descriptor && op::accept_multishot::opens_descriptor);
static_assert(!op::accept_direct::opens_descriptor && !op::accept_direct_allocate::opens_descriptor &&
              !op::accept_multishot_direct::opens_descriptor);

constexpr int no_such_file = 0x3fffffff;

/// A table of so many slots with nothing in them.
lio::registered_files empty_table(ring& ring, std::size_t slots) {
    return lio::registered_files::create(ring, std::vector<int>(slots, -1)).value();
}

/// Whether this kernel accepts into slots (Linux 5.15). Older ones overlook the slot.
bool has_slots() {
    static const bool answer = [] {
        ring asked = ring::create({.entries = 4, .exactly = true}).value();
        const owned_file listener = tcp_listener();
        const owned_file client = tcp_connected_to(listener);
        const cqe done = run(asked, op::accept_direct(listener, direct_descriptor{0}));
        if (const auto taken = done.result()) ::close(*taken);
        return code(done) == ENXIO; // there is no table
    }();
    return answer;
}
constexpr const char* no_slots = "connections cannot be accepted into slots (since Linux 5.15)";

/// Whether it picks free slots itself (Linux 5.19, with multishot accepts).
bool kernel_picks_slots() { return has_slots() && has_accept_multishot(); }
constexpr const char* no_picking = "the kernel does not pick slots (since Linux 5.19)";

/// Whether accepts can be told not to wait, or to poll first (Linux 6.10).
bool has_accept_flags() {
    static const bool answer = [] {
        ring asked = ring::create({.entries = 4, .exactly = true}).value();
        const owned_file listener = tcp_listener();
        return code(run(asked, op::accept(listener).dont_wait())) == EAGAIN;
    }();
    return answer;
}
constexpr const char* no_flags = "the kernel's accept knows neither dont_wait nor poll_first (since Linux 6.10)";

/// Whether the connection in a slot is this client's: what the slot sends, the client receives.
bool reaches(ring& ring, direct_descriptor slot, int client) {
    const std::string_view word = "hello";
    if (run(ring, op::send(slot, word)).raw_result() != 5) return false;
    return receive_some(client) == word;
}

} // namespace

TEST_CASE("accept gives the connection and the peer's address", "[accept]") {
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        ring.push(op::accept(listener, peer, size)).value();
        CHECK(stays_quiet(ring));
        const owned_file client = tcp_connected_to(listener);
        const owned_file accepted{next_soon(ring).result<op::accept>().value()};
        CHECK(size == sizeof peer);
        CHECK(same(peer, own_address(client)));
        send_all(client, "to the server");
        CHECK(receive_some(accepted) == "to the server");
        CHECK((::fcntl(accepted, F_GETFD) & FD_CLOEXEC) == 0);
        CHECK((::fcntl(accepted, F_GETFL) & O_NONBLOCK) == 0);
    });
}

TEST_CASE("accept gives no more of the address than there is room for", "[accept]") {
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        const owned_file client = tcp_connected_to(listener);
        sockaddr_in peer{};
        peer.sin_addr.s_addr = 0x01020304;
        socklen_t size = 4;
        const owned_file accepted{run(ring, op::accept(listener, peer, size)).result().value()};
        CHECK(size == sizeof peer); // what it would have taken
        CHECK(peer.sin_port == own_address(client).sin_port);
        CHECK(peer.sin_addr.s_addr == 0x01020304);
    });
}

TEST_CASE("accept sets the flags of the new descriptor", "[accept]") {
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        const owned_file client = tcp_connected_to(listener);
        const cqe done = run(ring, op::accept(listener).flags(SOCK_CLOEXEC | SOCK_NONBLOCK));
        const owned_file accepted{done.result().value()};
        CHECK((::fcntl(accepted, F_GETFD) & FD_CLOEXEC) != 0);
        CHECK((::fcntl(accepted, F_GETFL) & O_NONBLOCK) != 0);
    });
}

TEST_CASE("accept fails on what does not listen", "[accept]") {
    under_each_setup([](ring& ring) {
        CHECK(code(run(ring, op::accept(no_such_file))) == EBADF);
        const connection pipe = pipe_pair();
        CHECK(code(run(ring, op::accept(pipe.ours))) == ENOTSOCK);
        const owned_file unbound = tcp_socket();
        CHECK(code(run(ring, op::accept(unbound))) == EINVAL);
    });
}

TEST_CASE("a cancelled accept takes no connection", "[accept][hazard 42]") {
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        ring.push(op::accept(listener).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == ECANCELED);
        CHECK(code(of(done, 2)) == 0);
        const owned_file client = tcp_connected_to(listener);
        const owned_file accepted{::accept(listener, nullptr, nullptr)}; // left for us
        CHECK(same(peer_address(accepted), own_address(client)));
    });
}

TEST_CASE("accept_multishot takes one connection after the other until it is cancelled", "[accept][hazard 34]") {
    if (!has_accept_multishot()) LIO_SKIP("the kernel has no multishot accept (Linux 5.19 has)");
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        ring.push(op::accept_multishot(listener).flags(SOCK_CLOEXEC).user_data(1)).value();
        for (int i = 0; i < 5; ++i) {
            const owned_file client = tcp_connected_to(listener);
            const cqe done = next_soon(ring);
            CHECK(done.user_data() == 1);
            CHECK(done.more());
            const owned_file accepted{done.result<op::accept_multishot>().value()};
            CHECK(same(peer_address(accepted), own_address(client)));
            CHECK((::fcntl(accepted, F_GETFD) & FD_CLOEXEC) != 0);
            send_all(accepted, std::string("number ") + std::to_string(i));
            CHECK(receive_some(client) == std::string("number ") + std::to_string(i));
        }
        ring.push(op::cancel(1).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == ECANCELED);
        CHECK_FALSE(of(done, 1).more());
        CHECK(code(of(done, 2)) == 0);

        const owned_file late = tcp_connected_to(listener);
        CHECK(stays_quiet(ring));
        const owned_file accepted{::accept(listener, nullptr, nullptr)};
        CHECK(same(peer_address(accepted), own_address(late)));
    });
}

TEST_CASE("accept_multishot takes the connections that were there before it", "[accept]") {
    if (!has_accept_multishot()) LIO_SKIP("the kernel has no multishot accept (Linux 5.19 has)");
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        std::set<in_port_t> expected;
        std::vector<owned_file> clients;
        for (int i = 0; i < 10; ++i) {
            clients.push_back(tcp_connected_to(listener));
            expected.insert(own_address(clients.back()).sin_port);
        }
        ring.push(op::accept_multishot(listener).user_data(1)).value();
        std::set<in_port_t> seen;
        for (const cqe& done : next_soon(ring, 10)) {
            CHECK(done.more());
            const owned_file accepted{done.result().value()};
            seen.insert(peer_address(accepted).sin_port);
        }
        CHECK(seen == expected);
    });
}

TEST_CASE("accept_multishot ends when there are no descriptors left, and goes on when it is submitted again",
          "[accept][hazard 34]") {
    if (!has_accept_multishot()) LIO_SKIP("the kernel has no multishot accept (Linux 5.19 has)");
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        const owned_file first = tcp_connected_to(listener);
        const owned_file second = tcp_connected_to(listener);
        // Room for one more descriptor: the kernel looks at the limit when the operation is submitted.
        rlimit before{};
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
        const int lowest_free = ::dup(listener);
        REQUIRE(lowest_free >= 0);
        ::close(lowest_free);
        rlimit tight = before;
        tight.rlim_cur = static_cast<rlim_t>(lowest_free) + 1;
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
        ring.push(op::accept_multishot(listener)).value();
        const auto done = next_soon(ring, 2);
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);

        const owned_file accepted{done[0].result().value()};
        CHECK(done[0].more());
        CHECK(code(done[1]) == EMFILE);
        CHECK_FALSE(done[1].more());

        // A connection that found no descriptor is lost in some kernels and waits in others: a new one goes through.
        const owned_file third = tcp_connected_to(listener);
        ring.push(op::accept_multishot(listener)).value();
        for (bool found = false; !found;) {
            const cqe again = next_soon(ring);
            const owned_file other{again.result().value()};
            CHECK(again.more());
            found = same(peer_address(other), own_address(third));
        }
    });
}

TEST_CASE("accept_multishot on what does not listen ends at once", "[accept][hazard 34]") {
    if (!has_accept_multishot()) LIO_SKIP("the kernel has no multishot accept (Linux 5.19 has)");
    under_each_setup([](ring& ring) {
        const cqe bad = run(ring, op::accept_multishot(no_such_file));
        CHECK(code(bad) == EBADF);
        CHECK_FALSE(bad.more());
        const owned_file unbound = tcp_socket();
        const cqe deaf = run(ring, op::accept_multishot(unbound));
        CHECK(code(deaf) == EINVAL);
        CHECK_FALSE(deaf.more());
    });
}

// Into slots.

TEST_CASE("accept_direct puts the connection into the slot that it was given, and takes no descriptor [hazard 30]",
          "[accept][hazard 30]") {
    if (!has_slots()) LIO_SKIP(no_slots);
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        auto files = empty_table(ring, 3);
        const owned_file first = tcp_connected_to(listener);
        const footprint before = footprint::now();
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        const cqe done = run(ring, op::accept_direct(listener, peer, size, files[2]));
        CHECK(done.result<op::accept_direct>());
        CHECK(done.raw_result() == 0);
        CHECK(footprint::now().files == before.files);
        CHECK(size == sizeof peer);
        CHECK(same(peer, own_address(first)));
        CHECK(reaches(ring, files[2], first));
        char bytes[8] = {};
        CHECK(code(run(ring, op::recv(files[0], bytes))) == EBADF); // nothing elsewhere
        CHECK(code(run(ring, op::recv(files[1], bytes))) == EBADF);

        // In place of what is there, which is closed.
        const owned_file second = tcp_connected_to(listener);
        CHECK(code(run(ring, op::accept_direct(listener, files[2]).flags(SOCK_NONBLOCK))) == 0);
        CHECK(hears_the_end(first));
        CHECK(reaches(ring, files[2], second));
        CHECK(code(run(ring, op::close(files[2]))) == 0);
        CHECK(hears_the_end(second));
    });
}

TEST_CASE("accept_direct_allocate says which free slot it took, and fails when none is left [hazard 30]",
          "[accept][hazard 30]") {
    if (!kernel_picks_slots()) LIO_SKIP(no_picking);
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        auto files = empty_table(ring, 2);
        std::set<std::uint32_t> slots;
        for (int i = 0; i < 2; ++i) {
            const owned_file client = tcp_connected_to(listener);
            sockaddr_in peer{};
            socklen_t size = sizeof peer;
            const cqe done = run(ring, op::accept_direct_allocate(listener, peer, size));
            const auto slot = done.result<op::accept_direct_allocate>().value();
            CHECK(same(peer, own_address(client)));
            slots.insert(slot.slot());
            CHECK(reaches(ring, slot, client));
        }
        CHECK(slots == std::set<std::uint32_t>{0, 1});
        // The connection for which there is no slot is closed.
        const owned_file third = tcp_connected_to(listener);
        CHECK(code(run(ring, op::accept_direct_allocate(listener))) == ENFILE);
        CHECK(hears_the_end(third));
        // A slot that was emptied is free again.
        CHECK(code(run(ring, op::close(files[1]))) == 0);
        const owned_file fourth = tcp_connected_to(listener);
        const auto slot = run(ring, op::accept_direct_allocate(listener)).result<op::accept_direct_allocate>().value();
        CHECK(slot == files[1]);
        CHECK(reaches(ring, slot, fourth));
    });
}

TEST_CASE("an accept into a slot that is not there fails, and nothing stays open [hazard 30]", "[accept][hazard 30]") {
    if (!has_slots()) LIO_SKIP(no_slots);
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        const footprint before = footprint::now();
        const auto accept_into = [&](std::uint32_t slot) {
            const owned_file client = tcp_connected_to(listener);
            const int answer = code(run(ring, op::accept_direct(listener, direct_descriptor{slot})));
            CHECK(hears_the_end(client)); // it was taken and closed
            return answer;
        };
        // There is no table at all.
        CHECK(accept_into(0) == ENXIO);
        CHECK(accept_into(0xffffffff) == ENXIO);
        if (kernel_picks_slots()) {
            const owned_file client = tcp_connected_to(listener);
            CHECK(code(run(ring, op::accept_direct_allocate(listener))) == ENFILE);
        }
        {
            const auto files = empty_table(ring, 2);
            CHECK(accept_into(2) == EINVAL);
            CHECK(accept_into(0xfffffffe) == EINVAL);
            CHECK(accept_into(0xffffffff) == EINVAL);
            CHECK(code(run(ring, op::accept_direct(no_such_file, files[0]))) == EBADF);
            const connection pipe = pipe_pair();
            CHECK(code(run(ring, op::accept_direct(pipe.ours, files[0]))) == ENOTSOCK);
            char bytes[8];
            CHECK(code(run(ring, op::recv(files[0], bytes))) == EBADF);
        }
        CHECK(footprint::now().files == before.files);
    });
}

TEST_CASE("an accept into a slot with SOCK_CLOEXEC is refused by push, with its cause [hazard 30]",
          "[accept][hazard 30]") {
    under_each_setup([](ring& ring) {
        const auto refused = [&ring](const auto& operation) {
            const auto pushed = ring.push(op::nop().link(), operation);
            REQUIRE_FALSE(pushed);
            CHECK(pushed.error().why() == lio::cause::close_on_exec_of_slot);
            CHECK(pushed.error().code() == EINVAL);
            CHECK(ring.unsubmitted() == 0);
        };
        refused(op::accept_direct(3, direct_descriptor{0}).flags(SOCK_CLOEXEC | SOCK_NONBLOCK));
        refused(op::accept_direct_allocate(3).poll_first().flags(SOCK_CLOEXEC).link().user_data(3));
        refused(op::accept_multishot_direct(3).flags(SOCK_CLOEXEC));
        // The plain forms take it.
        CHECK(ring.push(op::accept(no_such_file).flags(SOCK_CLOEXEC)));
        CHECK(code(next_soon(ring)) == EBADF);
    });
}

TEST_CASE("accept_multishot_direct fills free slots until it is cancelled", "[accept][hazard 34]") {
    if (!kernel_picks_slots()) LIO_SKIP(no_picking);
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        auto files = empty_table(ring, 8);
        const footprint before = footprint::now();
        ring.push(op::accept_multishot_direct(listener).user_data(1)).value();
        std::vector<owned_file> clients;
        std::vector<direct_descriptor> slots;
        std::set<std::uint32_t> different;
        for (int i = 0; i < 5; ++i) {
            clients.push_back(tcp_connected_to(listener));
            const auto done = next_soon(ring).as<op::accept_multishot_direct>();
            REQUIRE(done.event() == multishot_event::item);
            slots.push_back(done.item());
            different.insert(done.item().slot());
        }
        CHECK(different.size() == 5);
        ring.push(op::cancel(1).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(of(done, 1).as<op::accept_multishot_direct>().event() == multishot_event::cancelled);
        CHECK_FALSE(of(done, 1).more());
        for (std::size_t i = 0; i < clients.size(); ++i) CHECK(reaches(ring, slots[i], clients[i]));
        CHECK(footprint::now().files == before.files + 5); // the clients' only
        static_cast<void>(files);
    });
}

TEST_CASE("accept_multishot_direct ends when no slot is free, and goes on when it is submitted again",
          "[accept][hazard 34]") {
    if (!kernel_picks_slots()) LIO_SKIP(no_picking);
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        auto files = empty_table(ring, 1);
        ring.push(op::accept_multishot_direct(listener)).value();
        const owned_file first = tcp_connected_to(listener);
        const auto one = next_soon(ring).as<op::accept_multishot_direct>();
        REQUIRE(one.event() == multishot_event::item);
        CHECK(one.item() == files[0]);
        const owned_file second = tcp_connected_to(listener);
        const auto none = next_soon(ring).as<op::accept_multishot_direct>();
        CHECK(none.event() == multishot_event::failed);
        CHECK(none.ended());
        CHECK(none.problem().code() == ENFILE);
        CHECK(hears_the_end(second)); // closed, for want of a slot
        CHECK(reaches(ring, files[0], first));

        CHECK(code(run(ring, op::close(files[0]))) == 0);
        ring.push(op::accept_multishot_direct(listener).user_data(1)).value();
        const owned_file third = tcp_connected_to(listener);
        const auto again = next_soon(ring).as<op::accept_multishot_direct>();
        REQUIRE(again.event() == multishot_event::item);
        ring.push(op::cancel(1).user_data(2)).value();
        static_cast<void>(next_soon(ring, 2));
        CHECK(reaches(ring, again.item(), third));
    });
}

TEST_CASE("accept_multishot_direct on what does not listen ends at once", "[accept][hazard 34]") {
    if (!kernel_picks_slots()) LIO_SKIP(no_picking);
    under_each_setup([](ring& ring) {
        const auto files = empty_table(ring, 1);
        const owned_file unbound = tcp_socket();
        for (const int file : {no_such_file, static_cast<int>(unbound)}) {
            const auto done = run(ring, op::accept_multishot_direct(file)).as<op::accept_multishot_direct>();
            CHECK(done.event() == multishot_event::failed);
            CHECK(done.ended());
            CHECK(done.problem().code() == (file == no_such_file ? EBADF : EINVAL));
        }
    });
}

// Not waiting, and waiting first.

TEST_CASE("accept that does not wait says so when there is no connection, and takes one that is there", "[accept]") {
    if (!has_accept_flags()) LIO_SKIP(no_flags);
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        auto files = empty_table(ring, 2);
        CHECK(code(run(ring, op::accept(listener).dont_wait())) == EAGAIN);
        CHECK(code(run(ring, op::accept_direct(listener, files[0]).dont_wait())) == EAGAIN);
        CHECK(code(run(ring, op::accept_direct_allocate(listener).dont_wait())) == EAGAIN);
        // The failure breaks a chain.
        ring.push(op::accept(listener).dont_wait().link().user_data(1), op::nop().user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 2)) == ECANCELED);

        const owned_file client = tcp_connected_to(listener);
        await_connections(listener, 1);
        const owned_file accepted{run(ring, op::accept(listener).dont_wait()).result<op::accept>().value()};
        CHECK(same(peer_address(accepted), own_address(client)));
    });
}

TEST_CASE("a multishot accept that does not wait takes what is there, and ends", "[accept][hazard 34]") {
    if (!has_accept_flags()) LIO_SKIP(no_flags);
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        auto files = empty_table(ring, 4);
        const owned_file one = tcp_connected_to(listener);
        const owned_file other = tcp_connected_to(listener);
        await_connections(listener, 2);
        ring.push(op::accept_multishot(listener).dont_wait()).value();
        auto done = next_soon(ring, 3);
        for (int i = 0; i < 2; ++i) {
            CHECK(done[static_cast<std::size_t>(i)].more());
            CHECK(done[static_cast<std::size_t>(i)].take<op::accept_multishot>());
        }
        CHECK(code(done[2]) == EAGAIN);
        CHECK_FALSE(done[2].more());

        const owned_file third = tcp_connected_to(listener);
        await_connections(listener, 1);
        ring.push(op::accept_multishot_direct(listener).dont_wait()).value();
        done = next_soon(ring, 2);
        CHECK(reaches(ring, done[0].as<op::accept_multishot_direct>().item(), third));
        CHECK(code(done[1]) == EAGAIN);
    });
}

TEST_CASE("accept says whether more connections wait", "[accept]") {
    if (!has_accept_flags()) LIO_SKIP("the kernel's accept does not tell (since Linux 6.10)");
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        const owned_file one = tcp_connected_to(listener);
        const owned_file other = tcp_connected_to(listener);
        await_connections(listener, 2);
        const cqe first = run(ring, op::accept(listener));
        const cqe second = run(ring, op::accept(listener));
        CHECK(first.take<op::accept>());
        CHECK(second.take<op::accept>());
        CHECK(first.socket_has_more());
        CHECK_FALSE(second.socket_has_more());
    });
}

TEST_CASE("every form of accept that polls first takes a connection that comes later", "[accept]") {
    if (!has_accept_flags()) LIO_SKIP(no_flags);
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        auto files = empty_table(ring, 4);
        const auto later = [&](const auto& operation) {
            ring.push(operation).value();
            CHECK(stays_quiet(ring, 2));
            owned_file client = tcp_connected_to(listener);
            const cqe done = next_soon(ring);
            CHECK(code(done) == 0);
            return std::pair{done, std::move(client)};
        };
        {
            const auto [done, client] = later(op::accept(listener).poll_first());
            const owned_file accepted{done.template result<op::accept>().value()};
            CHECK(same(peer_address(accepted), own_address(client)));
        }
        {
            const auto [done, client] = later(op::accept_direct(listener, files[3]).poll_first());
            CHECK(reaches(ring, files[3], client));
        }
        {
            const auto [done, client] = later(op::accept_direct_allocate(listener).poll_first());
            CHECK(reaches(ring, done.template result<op::accept_direct_allocate>().value(), client));
        }
        {
            const auto [done, client] = later(op::accept_multishot_direct(listener).poll_first().user_data(1));
            ring.push(op::cancel(1).user_data(2)).value();
            static_cast<void>(next_soon(ring, 2));
            CHECK(reaches(ring, done.template as<op::accept_multishot_direct>().item(), client));
        }
        {
            const auto [done, client] = later(op::accept_multishot(listener).poll_first().user_data(1));
            ring.push(op::cancel(1).user_data(2)).value();
            static_cast<void>(next_soon(ring, 2));
            const owned_file accepted{done.template as<op::accept_multishot>().item()};
            CHECK(same(peer_address(accepted), own_address(client)));
        }
    });
}

// Cancelling.

TEST_CASE("a cancelled accept into a slot leaves the slot empty", "[accept][hazard 42]") {
    if (!has_slots()) LIO_SKIP(no_slots);
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        auto files = empty_table(ring, 1);
        ring.push(op::accept_direct(listener, files[0]).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 1)) == ECANCELED);
        const owned_file client = tcp_connected_to(listener);
        CHECK(stays_quiet(ring));
        char bytes[8];
        CHECK(code(run(ring, op::recv(files[0], bytes))) == EBADF);
        const owned_file accepted{::accept(listener, nullptr, nullptr)}; // left for us
        CHECK(same(peer_address(accepted), own_address(client)));
    });
}

TEST_CASE("an accept that was cancelled too late has a descriptor, and who drains the ring closes it [hazard 42]",
          "[accept][hazard 42]") {
    under_each_setup([](ring& ring) {
        const owned_file listener = tcp_listener();
        const footprint before = footprint::now();
        std::vector<owned_file> clients;
        for (int i = 0; i < 4; ++i) clients.push_back(tcp_connected_to(listener));
        // Four connections for eight accepts, all of them cancelled at once.
        for (std::uint64_t i = 1; i <= 8; ++i) ring.push(op::accept(listener).user_data(i)).value();
        for (std::uint64_t i = 1; i <= 8; ++i) ring.push(op::cancel(i).user_data(100 + i)).value();
        const auto done = next_soon(ring, 16);
        const std::ptrdiff_t opened = footprint::now().files - before.files - 4;
        std::ptrdiff_t taken = 0;
        for (std::uint64_t i = 1; i <= 8; ++i) {
            const auto file = of(done, i).take<op::accept>(); // closes it again
            if (file) {
                ++taken;
                CHECK(::fcntl(file->get(), F_GETFD) != -1);
            } else {
                CHECK(file.error().code() == ECANCELED);
            }
        }
        // Each descriptor that there was had a completion, although its accept was cancelled.
        CHECK(opened == taken);
        CHECK(taken == 4);
        CHECK(footprint::now().files == before.files + 4);
    });
}

TEST_CASE("a connection whose completion nobody reads outlives the ring [hazard 42]", "[accept][hazard 42]") {
    for (const ring_setup& setup : available_setups()) {
        DYNAMIC_SECTION("on a ring set up as: " << setup.name) {
            const owned_file listener = tcp_listener();
            const owned_file client = tcp_connected_to(listener);
            int left_behind = -1;
            {
                ring made = ring::create(setup.options).value();
                // What the next descriptor will be.
                left_behind = ::dup(listener);
                ::close(left_behind);
                made.push(op::accept(listener)).value();
                made.submit_and_wait(1).value();
            }
            // This is what cqe::take() is for: the kernel does not take it back.
            const owned_file accepted{left_behind};
            CHECK(same(peer_address(accepted), own_address(client)));
        }
    }
}

} // namespace accept_test
