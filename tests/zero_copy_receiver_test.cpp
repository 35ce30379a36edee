// zero_copy_receiver: what arrives lies where it says, goes back when it is given back, and nothing is lost or left
// behind when something else happens. One thread, and one that sends.

#include "catch.hpp"

#include "support/footprint.hpp"
#include "support/machine.hpp"
#include "support/skip.hpp"
#include "support/waiting.hpp"
#include "support/zero_copy.hpp"

#include <lio/large_ring.hpp>
#include <lio/op/cancel.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/recv_zc.hpp>
#include <lio/zero_copy_receiver.hpp>

#include <linux/capability.h>
#include <net/if.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace zero_copy_receiver_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cause;
using lio::large_completion_ring;
using lio::large_cqe;
using lio::mutable_bytes;
using lio::zero_copy_area;
using lio::zero_copy_lease;
using lio::zero_copy_receiver;
using lio::zero_copy_returns;

template <class Ring>
concept takes_receiver = requires(Ring& ring) {
    zero_copy_receiver::create(ring, {});
};
static_assert(!takes_receiver<lio::ring>, "there is no room for where the bytes are");
static_assert(takes_receiver<lio::large_completion_ring> && takes_receiver<lio::mixed_completion_ring>);
static_assert(!std::is_copy_constructible_v<zero_copy_lease> && !std::is_copy_constructible_v<zero_copy_receiver>);

// Bytes of which no two pages are alike.
std::string pattern(std::size_t size) {
    std::string made(size, '\0');
    std::uint32_t state = 1;
    for (char& one : made) {
        state = state * 1664525 + 1013904223;
        one = static_cast<char>(state >> 24);
    }
    return made;
}

// One message after the other, each of which takes a buffer of its own; nothing is given back.
template <class Ring>
std::vector<large_cqe> fill_buffers(Ring& ring, int socket, std::size_t count) {
    std::vector<large_cqe> held;
    for (std::size_t i = 0; i < count; ++i) {
        send_all(socket, std::to_string(i));
        held.push_back(next_on(ring));
        REQUIRE(held.back().template as<op::recv_zc>().event() == lio::multishot_event::item);
    }
    return held;
}

} // namespace

TEMPLATE_TEST_CASE("some megabytes arrive byte for byte, and every buffer comes back", "[zero_copy]",
                   large_completion_ring, lio::mixed_completion_ring) {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    constexpr std::size_t buffers = 32;
    const pages memory{buffers};
    const auto ring = make_ring<TestType>();
    // So few entries that they are used many hundred times, and so many leases at once that they are all needed.
    auto receiver = make_receiver(*ring, memory.area(), {.refill_entries = 15});
    CHECK(receiver.refill_entries() == 16);
    CHECK(receiver.buffer_length() == page_size());
    const connection pair = tcp_pair();
    const std::string sent = pattern(4 << 20);
    std::thread sender{[&] {
        for (std::size_t at = 0; at < sent.size();) {
            const ssize_t some =
                ::send(pair.theirs, sent.data() + at, std::min<std::size_t>(sent.size() - at, 50'000), MSG_NOSIGNAL);
            if (some <= 0) break;
            at += static_cast<std::size_t>(some);
        }
    }};
    ring->push(op::recv_zc(pair.ours, receiver.id())).value();
    std::size_t seen = 0;
    bool same = true;
    std::vector<zero_copy_lease> held;
    while (same && seen < sent.size()) {
        const auto done = ring->submit_and_wait(1, lio::test::patience);
        REQUIRE(done);
        const large_cqe one = ring->try_next().value();
        const auto got = one.template as<op::recv_zc>();
        if (got.ended()) { // all is lent: a receive without memory ends, and loses nothing
            REQUIRE(code(one) == ENOMEM);
            held.clear();
            receiver.flush().value();
            ring->push(op::recv_zc(pair.ours, receiver.id())).value();
            continue;
        }
        auto lease = receiver.lease(one);
        if (!lease) {
            REQUIRE(lease.error() == lio::error{ENOBUFS, cause::zero_copy_refill_ring_full});
            held.clear();
            receiver.flush().value();
            lease = receiver.lease(one);
        }
        held.push_back(std::move(lease).value());
        const mutable_bytes bytes = held.back().memory();
        REQUIRE(bytes.size() <= sent.size() - seen);
        CHECK(held.back().where().size() == bytes.size());
        same = std::memcmp(bytes.data(), sent.data() + seen, bytes.size()) == 0;
        seen += bytes.size();
    }
    if (!same) ::shutdown(pair.ours, SHUT_RDWR);
    sender.join();
    CHECK(same);
    CHECK(seen == sent.size());

    // All of them: as many messages as there are buffers find one, and no more.
    held.clear();
    receiver.flush().value();
    fill_buffers(*ring, pair.theirs, buffers);
    send_all(pair.theirs, "one more");
    CHECK(code(next_on(*ring)) == ENOMEM);
}

TEST_CASE("a receive that has found no memory goes on where it was, once a lease has gone", "[zero_copy][hazard 34]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{2};
    const auto ring = make_ring<large_completion_ring>();
    auto receiver = make_receiver(*ring, memory.area());
    const connection pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, receiver.id())).value();
    send_all(pair.theirs, "first");
    auto first = std::optional{receiver.lease(next_on(*ring)).value()};
    send_all(pair.theirs, "second");
    auto second = receiver.lease(next_on(*ring)).value();
    send_all(pair.theirs, "third");
    const large_cqe starved = next_on(*ring);
    CHECK(code(starved) == ENOMEM);
    CHECK_FALSE(receiver.lease(starved).value());
    receiver.give_back(starved).value(); // brought nothing, gives nothing back
    CHECK(receiver.filled(starved).size() == 0);

    receiver.flush().value();
    CHECK(code(run_on(*ring, op::recv_zc(pair.ours, receiver.id()))) == ENOMEM);
    const std::byte* const place = first->memory().data();
    first.reset();
    receiver.flush().value();
    const auto third = receiver.lease(run_on(*ring, op::recv_zc(pair.ours, receiver.id()))).value();
    CHECK(text_of(third.memory()) == "third");
    CHECK(third.memory().data() == place);
    CHECK(text_of(second.memory()) == "second");
}

TEST_CASE("a lease is given back once, whoever has it by then", "[zero_copy]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{3};
    const auto ring = make_ring<large_completion_ring>();
    auto receiver = make_receiver(*ring, memory.area());
    const connection pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, receiver.id())).value();
    auto held = fill_buffers(*ring, pair.theirs, 3);
    {
        zero_copy_lease one = receiver.lease(held[0]).value();
        zero_copy_lease other = std::move(one);
        CHECK_FALSE(one);
        REQUIRE(other);
        CHECK(text_of(other.memory()) == "0");
        one.give_back();                         // has nothing
        other = receiver.lease(held[1]).value(); // gives the first back
        CHECK(text_of(other.memory()) == "1");
        other.give_back();
        CHECK_FALSE(other);
        CHECK(other.memory().size() == 0);
    }
    receiver.flush().value();
    held.erase(held.begin(), held.begin() + 2);
    // The two and no more are free again.
    fill_buffers(*ring, pair.theirs, 2);
    send_all(pair.theirs, "one more");
    CHECK(code(next_on(*ring)) == ENOMEM);
    CHECK(text_of_item(receiver, held[0]) == "2");
}

TEST_CASE("memory that is given back together comes back when the last is said, not before", "[zero_copy]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{3};
    const auto ring = make_ring<large_completion_ring>();
    auto receiver = make_receiver(*ring, memory.area());
    const connection pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, receiver.id())).value();
    const auto held = fill_buffers(*ring, pair.theirs, 3);
    auto lease = receiver.lease(held[2]).value();
    {
        zero_copy_returns returns{receiver};
        returns.add(held[0]).value();
        returns.add(held[1]).value();
        lease.give_back(returns);
        CHECK_FALSE(lease);
        receiver.flush().value();
        send_all(pair.theirs, "too early");
        CHECK(code(next_on(*ring)) == ENOMEM);
    }
    receiver.flush().value();
    ring->push(op::recv_zc(pair.ours, receiver.id())).value();
    CHECK(text_of_item(receiver, next_on(*ring)) == "too early");
    fill_buffers(*ring, pair.theirs, 2);
}

TEST_CASE("a refill ring without a place refuses, and keeps what it has", "[zero_copy]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{4};
    const auto ring = make_ring<large_completion_ring>();
    auto receiver = make_receiver(*ring, memory.area(), {.refill_entries = 2});
    const connection pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, receiver.id())).value();
    const auto held = fill_buffers(*ring, pair.theirs, 4);
    const lio::error full{ENOBUFS, cause::zero_copy_refill_ring_full};

    // What is lent has its place, so that it can always go back.
    auto first = receiver.lease(held[0]).value();
    receiver.give_back(held[1]).value();
    CHECK(receiver.give_back(held[2]).error() == full);
    CHECK(receiver.lease(held[2]).error() == full);
    first.give_back();
    CHECK(receiver.give_back(held[2]).error() == full);
    receiver.flush().value();
    receiver.give_back(held[2]).value();
    receiver.give_back(held[3]).value();
    CHECK(receiver.give_back(held[3]).error() == full);
    receiver.flush().value();
    fill_buffers(*ring, pair.theirs, 4);
}

TEST_CASE("a completion that does not say where this memory is brings no bytes", "[zero_copy]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{2};
    const auto ring = make_ring<large_completion_ring>();
    auto receiver = make_receiver(*ring, memory.area(), {.refill_entries = 1});
    const auto size = static_cast<std::int32_t>(memory.size());
    CHECK(receiver.filled(received_at(0, 0, size)).data() == memory.data());
    CHECK(receiver.filled(received_at(0, 0, size)).size() == memory.size());
    CHECK(receiver.filled(received_at(0, memory.size() - 1, 1)).data() == memory.data() + memory.size() - 1);
    const lio::error not_ours{EINVAL, cause::zero_copy_bytes_are_not_ours};
    for (const large_cqe& wrong :
         {received_at(0, 0, size + 1), received_at(0, 1, size), received_at(0, memory.size(), 1),
          received_at(0, (std::uint64_t{1} << 48) - 1, 1), received_at(1, 0, 1), received_at(0xffff, 0, 1)}) {
        CHECK(receiver.filled(wrong).size() == 0);
        CHECK(receiver.give_back(wrong).error() == not_ours);
        CHECK(receiver.lease(wrong).error() == not_ours);
    }
    // The last completion of a receive brings nothing, whatever it says.
    CHECK(receiver.filled(received_at(0, 0, 1, 0)).size() == 0);
    CHECK_FALSE(receiver.lease(received_at(0, 0, 1, 0)).value());
    receiver.give_back(received_at(0, 0, 1, 0)).value();
    // None of them has taken the place.
    CHECK(receiver.lease(received_at(0, 0, 1)));
}

TEST_CASE("what was received can be looked at when the ring is gone", "[zero_copy]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    auto ring = make_ring<large_completion_ring>();
    auto receiver = make_receiver(*ring, zero_copy_area::fresh(1));
    const connection pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, receiver.id())).value();
    send_all(pair.theirs, "still here");
    const large_cqe done = next_on(*ring);
    auto lease = receiver.lease(done).value();
    ring.reset();
    CHECK(text_of(lease.memory()) == "still here");
    CHECK(text_of_item(receiver, done) == "still here");
    lease.give_back();
    receiver.give_back(done).value();
    CHECK(receiver.flush().error().why() == cause::ring_closed);
    CHECK(receiver.export_file().error().why() == cause::ring_closed);
    CHECK(receiver.add_area(zero_copy_area::fresh(1)).error().why() == cause::ring_closed);
}

TEST_CASE("a receiver may go before its ring, which goes on without it", "[zero_copy]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const auto ring = make_ring<large_completion_ring>();
    const connection pair = tcp_pair();
    std::uint32_t number = 0;
    {
        auto receiver = make_receiver(*ring, zero_copy_area::fresh(1));
        number = receiver.id();
        ring->push(op::recv_zc(pair.ours, number).user_data(1)).value();
        send_all(pair.theirs, "seen");
        CHECK(text_of_item(receiver, next_on(*ring)) == "seen");
    }
    // The kernel has the pages, and fills them: nobody sees it.
    send_all(pair.theirs, "unseen");
    CHECK(next_on(*ring).result().value() == 6);
    ring->push(op::cancel(1).user_data(2)).value();
    next_on(*ring);
    next_on(*ring);
    // Another one has another number, and other memory.
    auto next = make_receiver(*ring, zero_copy_area::fresh(1));
    CHECK(next.id() != number);
    ring->push(op::recv_zc(pair.ours, next.id())).value();
    send_all(pair.theirs, "seen again");
    CHECK(text_of_item(next, next_on(*ring)) == "seen again");
}

TEST_CASE("a receiver that was moved from is none, and one that is moved is the same", "[zero_copy]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const auto ring = make_ring<large_completion_ring>();
    auto from = make_receiver(*ring, zero_copy_area::fresh(1), {.statistics = true});
    zero_copy_receiver receiver = std::move(from);
    const connection pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, receiver.id())).value();
    send_all(pair.theirs, "moved");
    const large_cqe done = next_on(*ring);
    CHECK(text_of_item(receiver, done) == "moved");
    CHECK(from.filled(done).size() == 0);
    CHECK(from.lease(done).error().why() == cause::ring_closed);
    CHECK(from.give_back(done).error().why() == cause::ring_closed);
    CHECK(from.flush().error().why() == cause::ring_closed);
    CHECK(from.export_file().error().why() == cause::ring_closed);
    CHECK(from.add_area(zero_copy_area::fresh(1)).error().why() == cause::ring_closed);
    CHECK(from.arm(lio::zero_copy_event::copy).error().why() == cause::ring_closed);
    CHECK(from.statistics().error().why() == cause::zero_copy_statistics_not_kept);
    CHECK(from.event(done) == lio::zero_copy_event::none);
    { const zero_copy_returns returns{from}; }
    // One that is replaced lets go of its memory.
    receiver = make_receiver(*ring, zero_copy_area::fresh(1));
    CHECK(receiver.filled(done).size() == 5);
    CHECK(text_of_item(receiver, done) != "moved");
    from = std::move(receiver);
    CHECK(from.filled(done).size() == 5);
}

TEST_CASE("receivers leave nothing behind, in whatever order they and their rings go", "[zero_copy]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    leaks_nothing(
        [] {
            auto ring = make_ring<large_completion_ring>();
            std::optional receiver{make_receiver(*ring, zero_copy_area::fresh(1 << 20))};
            const connection pair = tcp_pair();
            ring->push(op::recv_zc(pair.ours, receiver->id())).value();
            send_all(pair.theirs, "x");
            CHECK(text_of_item(*receiver, next_on(*ring)) == "x");
            ring.reset();
            receiver.reset();
            ring = make_ring<large_completion_ring>();
            receiver.emplace(make_receiver(*ring, zero_copy_area::fresh(1 << 20)));
            receiver.reset();
            CHECK_FALSE(try_receiver(*ring, zero_copy_area::fresh(1 << 20), {.buffer_length = 3}));
        },
        16, 1 << 20);
}

TEST_CASE("zero-copy receive is registered and controlled by the ring's thread", "[zero_copy]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const auto ring = make_ring<large_completion_ring>();
    const pages memory{1};
    auto receiver = make_receiver(*ring, memory.area());
    run_on(*ring, op::nop()); // now it is this thread's
    receiver.flush().value();
    std::thread other{[&] {
        const lio::error wrong{EEXIST, cause::wrong_thread};
        CHECK(receiver.flush().error() == wrong);
        CHECK(receiver.export_file().error() == wrong);
        CHECK(receiver.add_area(zero_copy_area::fresh(1)).error() == wrong);
        CHECK(try_receiver(*ring, memory.area()).error() == wrong);
    }};
    other.join();
    receiver.flush().value();
}

TEST_CASE("zero-copy receive needs the right to administer the network, and says so", "[zero_copy]") {
    if (no_zero_copy() != nullptr) LIO_SKIP(no_zero_copy());
    // Capabilities are a thread's.
    std::thread without{[] {
        __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
        __user_cap_data_struct held[2] = {};
        REQUIRE(::syscall(SYS_capget, &head, held) == 0);
        held[0].effective &= ~(1U << CAP_NET_ADMIN);
        REQUIRE(::syscall(SYS_capset, &head, held) == 0);
        const auto ring = make_ring<large_completion_ring>();
        const pages memory{1};
        CHECK(try_receiver(*ring, memory.area()).error() == lio::error{EPERM, cause::zero_copy_needs_administrator});
    }};
    without.join();
}

TEST_CASE("zero-copy receive needs a ring that defers its work, and says so", "[zero_copy]") {
    if (no_zero_copy() != nullptr) LIO_SKIP(no_zero_copy());
    const auto ring = make_ring<large_completion_ring>({.entries = 4, .exactly = true});
    const pages memory{1};
    CHECK(try_receiver(*ring, memory.area()).error() == lio::error{EINVAL, cause::zero_copy_needs_deferred_taskrun});
}

TEST_CASE("an interface that is not there, or cannot do it, is told", "[zero_copy]") {
    if (no_zero_copy() != nullptr) LIO_SKIP(no_zero_copy());
    const auto ring = make_ring<large_completion_ring>();
    const auto refused = [&](std::uint32_t interface) {
        return zero_copy_receiver::create(*ring, {.interface = interface, .area = zero_copy_area::fresh(1)}).error();
    };
    if (refused(0).code() == EPERM) LIO_SKIP("zero-copy receive needs CAP_NET_ADMIN");
    CHECK(refused(0) == lio::error{ENODEV, cause::zero_copy_no_interface});
    CHECK(refused(0x7fffffff) == lio::error{ENODEV, cause::zero_copy_no_interface});
    const std::uint32_t loopback = ::if_nametoindex("lo");
    REQUIRE(loopback != 0);
    CHECK(refused(loopback) == lio::error{EOPNOTSUPP, cause::zero_copy_not_supported});
}

TEST_CASE("a kernel without zero-copy receive says which option it lacks", "[zero_copy]") {
    if (no_zero_copy() != nullptr) LIO_SKIP(no_zero_copy());
    const auto ring = make_ring<large_completion_ring>();
    const pages memory{1};
    const auto made = try_receiver(*ring, memory.area());
    if (made) {
        // Here is everything but what only a card can do.
        const auto longer =
            try_receiver(*ring, memory.area(), {.buffer_length = 16 * static_cast<std::uint32_t>(page_size())});
        CHECK(longer.error() == lio::error{EOPNOTSUPP, cause::zero_copy_buffers_are_pages});
        return;
    }
    if (made.error().code() == EPERM) LIO_SKIP("zero-copy receive needs CAP_NET_ADMIN");
    CHECK(made.error() == lio::error{EINVAL, cause::zero_copy_needs_device});
    const auto with = [&](lio::zero_copy_options options) {
        options.interface = 1;
        options.area = memory.area();
        return zero_copy_receiver::create(*ring, options).error();
    };
    // Older ones lack these too.
    CHECK(with({.events = lio::zero_copy_event::copy}) == lio::error{EINVAL, cause::zero_copy_events_missing});
    CHECK(with({.statistics = true}) == lio::error{EINVAL, cause::zero_copy_events_missing});
}

TEST_CASE("options that cannot be are refused before or by the kernel, with the reason", "[zero_copy]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const auto ring = make_ring<large_completion_ring>();
    const pages memory{4};
    const auto refused = [&](const zero_copy_area& area, const lio::zero_copy_options& more = {}) {
        return try_receiver(*ring, area, more).error();
    };
    CHECK(refused(memory.area(), {.interface = 1}) == lio::error{EINVAL, cause::zero_copy_contradiction});
    CHECK(refused(memory.area(), {.queue = 1}) == lio::error{EINVAL, cause::zero_copy_contradiction});
    const lio::error entries{EINVAL, cause::zero_copy_refill_entries_out_of_range};
    CHECK(refused(memory.area(), {.refill_entries = 0}) == entries);
    CHECK(refused(memory.area(), {.refill_entries = 32769}) == entries);
    const lio::error size{EINVAL, cause::zero_copy_area_out_of_range};
    CHECK(refused({}) == size);
    CHECK(refused(zero_copy_area::fresh(0)) == size);
    CHECK(refused(zero_copy_area::own({})) == size);
    CHECK(refused(zero_copy_area::fresh((std::size_t{1} << 30) + 1)) == size);
    for (const auto reserved : {lio::reserved_user_data::padding, lio::reserved_user_data::stop})
        CHECK(refused(memory.area(), {.events = lio::zero_copy_event::copy,
                                      .event_user_data = static_cast<std::uint64_t>(reserved)}) ==
              lio::error{EINVAL, cause::user_data_is_reserved});

    const lio::error kernels{EINVAL, cause::zero_copy_refused};
    CHECK(refused(zero_copy_area::own({memory.data() + 1, page_size()})) == kernels);
    CHECK(refused(zero_copy_area::own({memory.data(), page_size() + 1})) == kernels);
    CHECK(refused(memory.area(), {.buffer_length = 3}) == kernels);
    CHECK(refused(zero_copy_area::dma_buffer(0, page_size())) == kernels); // there is no card that could reach it
    const lio::error foreign{EFAULT, cause::zero_copy_memory_is_not_ours};
    const pages unwritable{1, PROT_READ};
    CHECK(refused(unwritable.area()) == foreign);
    const pages inaccessible{1, PROT_NONE};
    CHECK(refused(inaccessible.area()) == foreign);

    // The largest that there can be, and what was refused has not taken anything.
    auto receiver = make_receiver(*ring, memory.area(), {.refill_entries = 32768});
    CHECK(receiver.refill_entries() == 32768);
    const connection pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, receiver.id())).value();
    send_all(pair.theirs, "well");
    CHECK(receive_into(*ring, receiver, 4) == "well");
}

} // namespace zero_copy_receiver_test
