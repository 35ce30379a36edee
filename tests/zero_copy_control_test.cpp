// The controls of zero-copy receive: taking back at once, sharing among rings, more memory, events and what was copied.
// One thread.

#include "catch.hpp"

#include "support/files.hpp"
#include "support/footprint.hpp"
#include "support/skip.hpp"
#include "support/waiting.hpp"
#include "support/zero_copy.hpp"

#include <lio/large_ring.hpp>
#include <lio/op/recv_zc.hpp>
#include <lio/zero_copy_import.hpp>
#include <lio/zero_copy_receiver.hpp>

#include <fcntl.h>

#include <cerrno>
#include <string>
#include <vector>

namespace zero_copy_control_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cause;
using lio::large_completion_ring;
using lio::large_cqe;
using lio::zero_copy_area;
using lio::zero_copy_event;
using lio::zero_copy_import;

template <class Ring>
concept takes_import = requires(Ring& ring, const lio::owned_descriptor& file) {
    zero_copy_import::create(ring, file);
};
static_assert(!takes_import<lio::ring> && takes_import<lio::large_ring>);

// What this kernel lacks, as the error names it; the test cannot be run then.
template <class T>
bool lacks(const lio::result<T>& made, cause missing) {
    return !made && made.error().why() == missing;
}

} // namespace

TEST_CASE("what was given back is received into again once it is flushed", "[zero_copy]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{1};
    const auto ring = make_ring<large_completion_ring>();
    auto receiver = make_receiver(*ring, memory.area());
    const connection pair = tcp_pair();
    send_all(pair.theirs, "first");
    const large_cqe first = run_on(*ring, op::recv_zc(pair.ours, receiver.id()));
    CHECK(text_of_item(receiver, first) == "first");
    receiver.give_back(first).value();
    send_all(pair.theirs, "second");
    CHECK(code(next_on(*ring)) == ENOMEM); // nobody but a card looks by itself
    receiver.flush().value();
    CHECK(text_of_item(receiver, run_on(*ring, op::recv_zc(pair.ours, receiver.id()))) == "second");
    receiver.flush().value(); // nothing to take
}

TEMPLATE_TEST_CASE("two rings receive into the same memory, each for itself", "[zero_copy]", large_completion_ring,
                   lio::mixed_ring) {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{4};
    auto ring = make_ring<large_completion_ring>();
    auto receiver = make_receiver(*ring, memory.area());
    const auto second_ring = make_ring<TestType>();
    REQUIRE(second_ring);
    const pages others{1};
    auto own = make_receiver(*second_ring, others.area()); // so that the numbers differ
    auto exported = receiver.export_file().value();
    CHECK((::fcntl(exported.get(), F_GETFD) & FD_CLOEXEC) != 0);
    auto imported = zero_copy_import::create(*second_ring, exported).value();
    exported.close().value();
    CHECK(imported.id() != receiver.id());

    const connection pair = tcp_pair();
    const connection second_pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, receiver.id())).value();
    second_ring->push(op::recv_zc(second_pair.ours, imported.id())).value();
    std::vector<large_cqe> held;
    for (const char* word : {"a", "b"}) {
        send_all(pair.theirs, word);
        held.push_back(next_on(*ring));
        CHECK(text_of_item(receiver, held.back()) == word);
        send_all(second_pair.theirs, word);
        held.push_back(next_on(*second_ring));
        CHECK(text_of_item(receiver, held.back()) == word);
        CHECK(receiver.filled(held.back()).data() != receiver.filled(held.end()[-2]).data());
    }
    // Together they have used it up.
    send_all(second_pair.theirs, "more");
    CHECK(code(next_on(*second_ring)) == ENOMEM);
    for (const large_cqe& one : held) receiver.give_back(one).value();
    imported.flush().value();
    second_ring->push(op::recv_zc(second_pair.ours, imported.id())).value();
    CHECK(text_of_item(receiver, next_on(*second_ring)) == "more");

    // The second goes on when the first has gone.
    ring.reset();
    send_all(second_pair.theirs, "and more");
    CHECK(text_of_item(receiver, next_on(*second_ring)) == "and more");
    CHECK(receiver.flush().error().why() == cause::ring_closed);
    imported.flush().value();
}

TEST_CASE("only what was exported can be imported, and nothing is left open", "[zero_copy]") {
    if (no_zero_copy() != nullptr) LIO_SKIP(no_zero_copy());
    const auto ring = make_ring<large_completion_ring>();
    const lio::error refused{EBADF, cause::zero_copy_not_exported};
    CHECK(zero_copy_import::create(*ring, lio::owned_descriptor{}).error() == refused);
    const pipe_ends pipe;
    const lio::owned_descriptor wrong{::fcntl(pipe.reading(), F_DUPFD_CLOEXEC, 0)};
    const auto made = zero_copy_import::create(*ring, wrong);
    REQUIRE_FALSE(made);
    if (lacks(made, cause::zero_copy_needs_administrator)) LIO_SKIP("zero-copy receive needs CAP_NET_ADMIN");
    if (lacks(made, cause::zero_copy_sharing_missing)) LIO_SKIP("sharing zero-copy receive: since Linux 6.19");
    CHECK(made.error() == refused);
    const auto plain = make_ring<large_completion_ring>({.entries = 4, .exactly = true});
    CHECK(zero_copy_import::create(*plain, wrong).error().why() == cause::zero_copy_needs_deferred_taskrun);

    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    leaks_nothing(
        [] {
            auto first = make_ring<large_completion_ring>();
            auto receiver = make_receiver(*first, zero_copy_area::fresh(1));
            const auto second = make_ring<large_completion_ring>();
            const auto exported = receiver.export_file().value();
            auto imported = zero_copy_import::create(*second, exported).value();
            first.reset();
            second->close().value();
            CHECK(imported.flush().error().why() == cause::ring_closed);
            CHECK(zero_copy_import::create(*second, exported).error().why() == cause::ring_closed);
        },
        16, 1 << 20);
}

TEST_CASE("memory that is added is received into when the first is used up", "[zero_copy]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{1};
    const auto ring = make_ring<large_completion_ring>();
    auto receiver = make_receiver(*ring, memory.area());
    const connection pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, receiver.id())).value();
    send_all(pair.theirs, "first");
    const large_cqe first = next_on(*ring);
    send_all(pair.theirs, "second");
    CHECK(code(next_on(*ring)) == ENOMEM);

    const pages more{1};
    const auto added = receiver.add_area(more.area());
    if (lacks(added, cause::zero_copy_added_areas_missing)) LIO_SKIP("more memory to receive into: since Linux 7.3");
    const std::uint32_t number = added.value();
    CHECK(number == 1);
    CHECK(receiver.add_area(zero_copy_area::fresh(1)).value() == 2);
    const large_cqe second = run_on(*ring, op::recv_zc(pair.ours, receiver.id()));
    CHECK(text_of_item(receiver, second) == "second");
    CHECK(second.as<op::recv_zc>().item().area() == number);
    CHECK(receiver.filled(second).data() == more.data());
    send_all(pair.theirs, "third");
    const large_cqe third = next_on(*ring);
    CHECK(text_of_item(receiver, third) == "third");
    CHECK(third.as<op::recv_zc>().item().area() == 2);
    CHECK(text_of_item(receiver, first) == "first");

    // It goes back where it came from.
    receiver.give_back(second).value();
    receiver.flush().value();
    ring->push(lio::op::recv_zc(pair.ours, receiver.id())).value();
}

TEST_CASE("memory that cannot be added leaves things as they were", "[zero_copy]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{1};
    const auto ring = make_ring<large_completion_ring>();
    auto receiver = make_receiver(*ring, memory.area());
    const pages unwritable{1, PROT_READ};
    const auto refused = receiver.add_area(unwritable.area());
    if (lacks(refused, cause::zero_copy_added_areas_missing)) LIO_SKIP("more memory to receive into: since Linux 7.3");
    CHECK(refused.error() == lio::error{EFAULT, cause::zero_copy_memory_is_not_ours});
    CHECK(receiver.add_area({}).error().why() == cause::zero_copy_area_out_of_range);
    CHECK(receiver.add_area(zero_copy_area::own({memory.data(), 1})).error() ==
          lio::error{EINVAL, cause::zero_copy_refused});
    CHECK(receiver.add_area(zero_copy_area::dma_buffer(-1, page_size())).error() ==
          lio::error{EINVAL, cause::zero_copy_refused});
    CHECK(receiver.filled(received_at(1, 0, 1)).size() == 0);
    CHECK(receiver.add_area(zero_copy_area::fresh(1)).value() == 1);
    CHECK(receiver.filled(received_at(1, 0, 1)).size() == 1);
}

TEST_CASE("there are 1024 areas at most", "[zero_copy]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{1};
    const auto ring = make_ring<large_completion_ring>();
    auto receiver = make_receiver(*ring, memory.area());
    const auto added = receiver.add_area(memory.area());
    if (lacks(added, cause::zero_copy_added_areas_missing)) LIO_SKIP("more memory to receive into: since Linux 7.3");
    for (std::uint32_t number = 2; number < 1024; ++number) REQUIRE(receiver.add_area(memory.area()).value() == number);
    CHECK(receiver.add_area(memory.area()).error() == lio::error{E2BIG, cause::zero_copy_too_many_areas});
    CHECK(receiver.filled(received_at(1023, 0, 1)).data() == memory.data());
    CHECK(receiver.filled(received_at(1024, 0, 1)).size() == 0);
}

TEST_CASE("the kernel counts what it copies, if it is asked to", "[zero_copy]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{16};
    const auto ring = make_ring<large_completion_ring>();
    auto quiet = make_receiver(*ring, memory.area());
    CHECK(quiet.statistics().error() == lio::error{EINVAL, cause::zero_copy_statistics_not_kept});
    auto made = try_receiver(*ring, memory.area(), {.statistics = true});
    if (lacks(made, cause::zero_copy_events_missing)) LIO_SKIP("statistics of zero-copy receive: since Linux 7.2");
    auto receiver = std::move(made).value();
    CHECK(receiver.statistics().value().copies == 0);
    CHECK(receiver.statistics().value().bytes == 0);
    const connection pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, receiver.id())).value();
    std::uint64_t total = 0;
    for (std::uint64_t round = 1; round < 20; ++round) {
        const std::string text(3000, 'x');
        send_all(pair.theirs, text);
        CHECK(receive_into(*ring, receiver, text.size()) == text);
        total += text.size();
        const auto counted = receiver.statistics().value();
        CHECK(counted.bytes == total);
        CHECK(counted.copies >= round);
    }
}

TEMPLATE_TEST_CASE("an event is reported once, and again when it is armed again", "[zero_copy]", large_completion_ring,
                   lio::mixed_completion_ring) {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{16};
    const auto ring = make_ring<TestType>();
    REQUIRE(ring);
    constexpr std::uint64_t mark = 0x1234'5678'9abc'def0;
    auto made = try_receiver(*ring, memory.area(), {.events = zero_copy_event::copy, .event_user_data = mark});
    if (lacks(made, cause::zero_copy_events_missing)) LIO_SKIP("events of zero-copy receive: since Linux 7.2");
    auto receiver = std::move(made).value();
    CHECK(receiver.arm(zero_copy_event::copy).error() == lio::error{EINVAL, cause::zero_copy_event_is_armed});
    CHECK(receiver.arm(zero_copy_event::shortage).error() == lio::error{EINVAL, cause::zero_copy_event_not_asked_for});

    const connection pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, receiver.id()).user_data(7)).value();
    // What comes after one message: the bytes, and perhaps the event; how many events.
    const auto events_of = [&](std::string_view word) {
        int events = 0;
        send_all(pair.theirs, word);
        bool has_come = false;
        for (int i = 0; i < 2; ++i) {
            if (has_come && is_quiet(*ring)) break;
            const large_cqe done = next_on(*ring);
            if (receiver.event(done) == zero_copy_event::copy) {
                CHECK(done.user_data() == mark);
                // Its number is not a size.
                CHECK(receiver.filled(done).size() == 0);
                CHECK_FALSE(receiver.lease(done).value());
                ++events;
            } else {
                CHECK(receiver.event(done) == zero_copy_event::none);
                CHECK(text_of_item(receiver, done) == word);
                has_come = true;
            }
        }
        REQUIRE(has_come);
        return events;
    };
    CHECK(events_of("one") == 1);
    CHECK(events_of("two") == 0);
    receiver.arm(zero_copy_event::copy).value();
    CHECK(events_of("three") == 1);
    CHECK(events_of("four") == 0);
}

TEST_CASE("without a card a shortage is the receive's own affair", "[zero_copy]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{1};
    const auto ring = make_ring<large_completion_ring>();
    auto made = try_receiver(*ring, memory.area(), {.events = zero_copy_event::shortage, .event_user_data = 9});
    if (lacks(made, cause::zero_copy_events_missing)) LIO_SKIP("events of zero-copy receive: since Linux 7.2");
    const connection pair = tcp_pair();
    ring->push(op::recv_zc(pair.ours, made->id()).user_data(7)).value();
    send_all(pair.theirs, "first");
    CHECK(text_of_item(*made, next_on(*ring)) == "first");
    send_all(pair.theirs, "second");
    const large_cqe starved = next_on(*ring);
    CHECK(made->event(starved) == zero_copy_event::none);
    CHECK(code(starved) == ENOMEM);
    CHECK(is_quiet(*ring));
}

TEST_CASE("only an event's own completion is an event", "[zero_copy]") {
    if (no_zero_copy_without_device() != nullptr) LIO_SKIP(no_zero_copy_without_device());
    const pages memory{1};
    const auto ring = make_ring<large_completion_ring>();
    const auto made = try_receiver(*ring, memory.area(),
                                   {.events = zero_copy_event::copy | zero_copy_event::shortage, .event_user_data = 9});
    if (lacks(made, cause::zero_copy_events_missing)) LIO_SKIP("events of zero-copy receive: since Linux 7.2");
    const auto of = [&](std::uint64_t user_data, std::int32_t number) {
        return made->event(lio::cqe{lio::abi::cqe{user_data, number, 0}});
    };
    CHECK(of(9, 0) == zero_copy_event::shortage);
    CHECK(of(9, 1) == zero_copy_event::copy);
    CHECK(of(9, 2) == zero_copy_event::none); // one of a kernel to come, which was not asked for
    CHECK(of(9, 32) == zero_copy_event::none);
    CHECK(of(9, -ENOMEM) == zero_copy_event::none);
    CHECK(of(8, 1) == zero_copy_event::none);
    const auto without = make_receiver(*ring, memory.area());
    CHECK(without.event(lio::cqe{lio::abi::cqe{0, 1, 0}}) == zero_copy_event::none);
}

} // namespace zero_copy_control_test
