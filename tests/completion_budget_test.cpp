// The budget of completions: what it refuses, what comes back, and that the queue never overflows with it, as the
// kernel shows its state in /proc. One thread, but for the split ring.

#include "catch.hpp"

#include "support/machine.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/completion_budget.hpp>
#include <lio/large_ring.hpp>
#include <lio/op/all.hpp>
#include <lio/ring.hpp>
#include <lio/split.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <string>
#include <thread>

#include <poll.h>
#include <unistd.h>

namespace completion_budget_test {

namespace {

namespace op = lio::op;
using lio::cause;
using lio::completion_budget;
using op::nop;

constexpr lio::error could_overflow{EAGAIN, cause::completions_could_overflow};
constexpr lio::error never_fits{E2BIG, cause::completions_never_fit};
constexpr lio::error may_be_skipped{EINVAL, cause::completion_may_be_skipped};

// How many completions the kernel keeps because the queue was full; negative if it does not show them.
int kept_back(int ring) {
    std::ifstream info{"/proc/self/fdinfo/" + std::to_string(ring)};
    int found = -1;
    for (std::string line; std::getline(info, line);) {
        if (line.rfind("CqOverflowList", 0) == 0)
            found = 0;
        else if (found >= 0 && line.find("user_data=") != std::string::npos)
            ++found;
    }
    return found;
}

lio::ring small_ring() {
    return lio::ring::create({.entries = 4, .completion_entries = 4, .exactly = true}).value();
}

template <class Ring, class... Operations>
concept takes = requires(completion_budget budget, Ring ring, Operations... operations) {
    budget.push(ring, operations...);
};
template <class Operation>
concept released_without_bound = requires(completion_budget budget, lio::cqe done) {
    budget.release<Operation>(done);
};
template <class Operation>
concept released_with_bound = requires(completion_budget budget, lio::cqe done) {
    budget.release<Operation>(done, lio::at_most(1));
};
template <class Operation>
concept can_be_bounded = requires(Operation operation) { lio::at_most(1, operation); };
template <class Operation>
concept can_be_unbounded = requires(Operation operation) { lio::unbounded(operation); };

using lio::bounded_operation;
using lio::unbounded_operation;

// A multishot operation says how often it completes; nothing else does.
static_assert(takes<lio::ring, nop> && takes<lio::ring, op::send_zc> && takes<lio::ring, nop, op::read>);
static_assert(!takes<lio::ring, op::poll_multishot> && !takes<lio::ring, nop, op::recv_multishot>);
static_assert(takes<lio::ring, bounded_operation<op::poll_multishot>>);
static_assert(takes<lio::ring, nop, unbounded_operation<op::poll_multishot>>);
static_assert(can_be_bounded<op::poll_multishot> && !can_be_bounded<nop> && !can_be_bounded<op::send_zc>);
static_assert(can_be_unbounded<op::poll_multishot> && !can_be_unbounded<nop>);
static_assert(released_without_bound<nop> && !released_with_bound<nop>);
static_assert(released_with_bound<op::poll_multishot> && !released_without_bound<op::poll_multishot>);
// Rings with completions of one size only.
static_assert(takes<lio::large_ring, nop> && takes<lio::large_completion_ring, nop>);
static_assert(takes<lio::submission_queue, nop> && !takes<lio::mixed_ring, nop>);
static_assert(!takes<lio::mixed_completion_ring, nop>);

lio::cqe made_up(std::int32_t result, std::uint32_t flags) { return lio::cqe{lio::abi::cqe{1, result, flags}}; }

} // namespace

TEST_CASE("a budget refuses exactly what the completion queue might not hold", "[completion_budget]") {
    lio::ring ring = small_ring();
    completion_budget budget{ring};
    CHECK(budget.capacity() == 4);
    REQUIRE(budget.push(ring, nop().user_data(1), nop().user_data(2), nop().user_data(3)));
    CHECK(budget.in_flight() == 3);
    // All or nothing, and nothing is left behind by a refusal.
    CHECK(budget.push(ring, nop(), nop()).error() == could_overflow);
    CHECK(budget.in_flight() == 3);
    CHECK(ring.unsubmitted() == 3);
    REQUIRE(budget.push(ring, nop().user_data(4)));
    CHECK(budget.push(ring, nop()).error() == could_overflow);
    CHECK(budget.push(ring, nop(), nop(), nop(), nop(), nop()).error() == never_fits);
    ring.submit_and_wait(4).value();
    // Reaped or not: not before it was given back.
    CHECK(budget.push(ring, nop()).error() == could_overflow);
    budget.release<nop>(ring.next().value());
    CHECK(budget.in_flight() == 3);
    REQUIRE(budget.push(ring, nop()));
    CHECK(budget.push(ring, nop()).error() == could_overflow);
}

TEST_CASE("what the ring refuses is not counted", "[completion_budget]") {
    lio::ring ring = lio::ring::create({.entries = 2, .completion_entries = 8, .exactly = true}).value();
    completion_budget budget{ring};
    REQUIRE(budget.push(ring, nop(), nop()));
    CHECK(budget.push(ring, nop()).error() == lio::error{EAGAIN, cause::queue_full});
    CHECK(budget.push(ring, nop(), nop(), nop()).error() == lio::error{E2BIG, cause::push_too_large});
    CHECK(budget.in_flight() == 2);
}

TEST_CASE("a budget refuses operations that may complete in silence", "[completion_budget]") {
    lio::ring ring = small_ring();
    completion_budget budget{ring};
    CHECK(budget.push(ring, nop(), nop().skip_success()).error() == may_be_skipped);
    CHECK(budget.in_flight() == 0);
    CHECK(ring.unsubmitted() == 0);
}

TEST_CASE("each kind of operation takes and gives back what it may complete with", "[completion_budget]") {
    constexpr std::uint32_t more = lio::abi::cqe_f_more;
    constexpr std::uint32_t release = lio::abi::cqe_f_notif;
    lio::ring ring = small_ring();
    completion_budget budget{ring};
    const auto push_send = [&] { REQUIRE(budget.push(ring, op::send_zc(0, lio::bytes{}))); };

    push_send();
    CHECK(budget.in_flight() == 2);
    budget.release<op::send_zc>(made_up(5, more));
    CHECK(budget.in_flight() == 1);
    budget.release<op::send_zc>(made_up(0, release));
    CHECK(budget.in_flight() == 0);
    // A failure without a release gives all back, one with a release half.
    push_send();
    budget.release<op::send_zc>(made_up(-EBADF, 0));
    CHECK(budget.in_flight() == 0);
    // Of a send that a broken chain cancels the release comes unannounced.
    push_send();
    budget.release<op::send_zc>(made_up(-ECANCELED, 0));
    CHECK(budget.in_flight() == 1);
    budget.release<op::send_zc>(made_up(0, release));
    CHECK(budget.in_flight() == 0);

    const op::poll_multishot poll{0, POLLIN};
    CHECK(budget.push(ring, lio::at_most(5, poll)).error() == never_fits);
    REQUIRE(budget.push(ring, lio::at_most(3, poll)));
    CHECK(budget.in_flight() == 3);
    CHECK(budget.push(ring, lio::at_most(2, poll)).error() == could_overflow);
    {
        completion_budget::returns returned{budget};
        returned.release<op::poll_multishot>(made_up(1, more), lio::at_most(3));
        returned.release<op::poll_multishot>(made_up(-ECANCELED, 0), lio::at_most(3));
        CHECK(budget.in_flight() == 3); // not yet
    }
    CHECK(budget.in_flight() == 0);
}

TEST_CASE("an unbounded multishot operation is not counted", "[completion_budget]") {
    lio::ring ring = small_ring();
    completion_budget budget{ring};
    REQUIRE(budget.push(ring, lio::unbounded(op::poll_multishot{0, POLLIN}), nop()));
    CHECK(budget.in_flight() == 1);
    CHECK(ring.unsubmitted() == 2);
}

TEST_CASE("under a storm the completion queue overflows without a budget, and never with one",
          "[completion_budget][hazard 12]") {
    lio::ring shown = small_ring();
    if (kept_back(shown.file()) < 0) LIO_SKIP("the kernel shows what it keeps back: since Linux 5.18 or so");
    const auto pipe = lio::test::pipe_pair();
    REQUIRE(::write(pipe.theirs, "x", 1) == 1);

    // Eight completions for four places.
    for (int i = 0; i < 8; ++i) {
        shown.push(nop()).value();
        shown.submit().value();
    }
    CHECK(kept_back(shown.file()) == 4);

    for (const auto& one : lio::test::available_setups()) {
        INFO(one.name);
        lio::ring_options options = one.options;
        options.entries = 4;
        options.completion_entries = 4;
        lio::ring ring = lio::ring::create(options).value();
        completion_budget budget{ring};
        const std::uint32_t total = 2000;
        std::uint32_t pushed = 0;
        std::uint32_t reaped = 0;
        int most = 0;
        std::uint32_t refusals = 0;
        while (reaped < total) {
            while (pushed < total) {
                const auto done = pushed % 3 == 0 ? budget.push(ring, op::poll{pipe.ours, POLLIN})
                                                  : budget.push(ring, nop());
                if (!done) {
                    if (done.error() == could_overflow) ++refusals;
                    break;
                }
                ++pushed;
                if (pushed % 2 == 0) ring.submit().value();
            }
            ring.submit().value();
            if (reaped % 16 < 4) most = std::max(most, kept_back(ring.file()));
            // A slot can still be taken when all that was pushed has completed (setup::sqpoll): then nothing would wake
            // us.
            if (ring.ready() == 0 && budget.in_flight() != 0) ring.wait(1).value();
            completion_budget::returns returned{budget};
            for (const lio::cqe& done : ring.reap()) {
                returned.release<nop>(done);
                ++reaped;
            }
        }
        CHECK(most == 0);
        CHECK(refusals > 0);
        CHECK(budget.in_flight() == 0);
        CHECK(reaped == total);
    }
}

TEST_CASE("sends without a copy give back both places, whether they fail or not", "[completion_budget][hazard 35]") {
    if (!lio::test::kernel_supports(lio::abi::opcode::send_zc)) LIO_SKIP("zero-copy sends: since Linux 6.0");
    lio::ring ring = small_ring();
    completion_budget budget{ring};
    const auto pair = lio::test::tcp_pair();
    const auto pipe = lio::test::pipe_pair();
    const std::string data = "some data";
    const auto finish = [&] {
        int completions = 0;
        while (budget.in_flight() != 0) {
            budget.release<op::send_zc>(lio::test::next_soon(ring));
            ++completions;
        }
        return completions;
    };
    for (int i = 0; i < 10; ++i) {
        REQUIRE(budget.push(ring, op::send_zc(pair.ours, lio::bytes{data.data(), data.size()})));
        CHECK(finish() == 2);
        // Not a socket; not a descriptor; cancelled by what stands before.
        REQUIRE(budget.push(ring, op::send_zc(pipe.theirs, lio::bytes{data.data(), data.size()})));
        finish();
        REQUIRE(budget.push(ring, op::send_zc(-1, lio::bytes{data.data(), data.size()})));
        finish();
        CHECK(ring.ready() == 0);
        REQUIRE(budget.push(ring, op::send_zc(-1, lio::bytes{data.data(), data.size()}).link(),
                            op::send_zc(pair.ours, lio::bytes{data.data(), data.size()})));
        finish();
        CHECK(lio::test::stays_quiet(ring, 1));
    }
    CHECK(budget.push(ring, nop(), nop(), nop(), nop()));
}

TEST_CASE("a multishot poll keeps its places until its last completion", "[completion_budget]") {
    lio::ring ring = small_ring();
    completion_budget budget{ring};
    const auto pipe = lio::test::pipe_pair();
    REQUIRE(budget.push(ring, lio::at_most(2, op::poll_multishot{pipe.ours, POLLIN}.user_data(1))));
    REQUIRE(::write(pipe.theirs, "x", 1) == 1);
    const lio::cqe first = lio::test::next_soon(ring);
    if (!first.more()) LIO_SKIP("multishot polls: since Linux 5.13");
    budget.release<op::poll_multishot>(first, lio::at_most(2));
    CHECK(budget.in_flight() == 2);
    REQUIRE(budget.push(ring, op::cancel{1}.user_data(2)));
    for (int i = 0; i < 2; ++i) {
        const lio::cqe done = lio::test::next_soon(ring);
        if (done.user_data() == 1)
            budget.release<op::poll_multishot>(done, lio::at_most(2));
        else
            budget.release<op::cancel>(done);
    }
    CHECK(budget.in_flight() == 0);
}

TEST_CASE("one thread pushes within the budget while another gives back: nothing is lost, nor stays counted",
          "[completion_budget]") {
    auto [completions, submissions] =
        lio::with_options({.entries = 4, .completion_entries = 4}).value();
    completion_budget budget{completions};
    const std::uint32_t total = lio::test::rounds(20'000);
    std::uint64_t sum = 0;
    std::thread reaper{[&, &from = completions] {
        for (std::uint32_t i = 0; i < total; ++i) {
            const lio::cqe done = from.next().value();
            sum += done.user_data();
            budget.release<nop>(done);
        }
    }};
    for (std::uint32_t i = 1; i <= total; ++i) {
        for (;;) {
            const auto pushed = budget.push(submissions, nop().user_data(std::uint64_t{i}));
            if (pushed) break;
            submissions.submit().value();
            std::this_thread::yield();
        }
        // The queue is empty now and then, so that the other never waits in vain.
        if (i % 2 == 0 || i == total) submissions.submit().value();
    }
    reaper.join();
    CHECK(sum == std::uint64_t{total} * (total + 1) / 2);
    CHECK(budget.in_flight() == 0);
}

TEST_CASE("a budget follows the ring to another size", "[completion_budget]") {
    lio::ring ring = lio::ring::create({.entries = 4, .completion_entries = 4}).value();
    completion_budget budget{ring};
    REQUIRE(budget.push(ring, nop(), nop(), nop(), nop()));
    if (!ring.resize(8, 8)) LIO_SKIP("another size: since Linux 6.13");
    budget.resized(ring);
    CHECK(budget.capacity() == 8);
    CHECK(budget.in_flight() == 4);
    REQUIRE(budget.push(ring, nop(), nop(), nop(), nop()));
    CHECK(budget.push(ring, nop()).error() == could_overflow);
}

} // namespace completion_budget_test
