// Closing a ring while operations are in flight: their memory is the kernel's until it says otherwise. One thread.

#include "catch.hpp"

#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/op/cancel.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/read_write.hpp>
#include <lio/ring.hpp>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace closing_test {

namespace {

namespace op = lio::op;
using lio::test::under_each_setup;

constexpr std::uint32_t reads = 8;
using buffers = std::array<std::array<char, 16>, reads>;

void start_reads(lio::ring& ring, int file, buffers& memory) {
    for (std::uint32_t i = 0; i < reads; ++i) {
        memory[i].fill('-');
        ring.push(op::read(file, lio::mutable_bytes{memory[i].data(), memory[i].size()}, 0).user_data(i)).value();
    }
    lio::test::submit_all(ring);
}

bool untouched(const buffers& memory) {
    for (const auto& one : memory)
        for (const char byte : one)
            if (byte != '-') return false;
    return true;
}

// One by one, which every kernel can. Returns when the last completion of everything has been reaped.
void cancel_and_drain(lio::ring& ring) {
    for (std::uint32_t i = 0; i < reads; ++i) ring.push(op::cancel{std::uint64_t{i}}.user_data(100 + i)).value();
    const auto all = lio::test::next_soon(ring, 2 * std::size_t{reads});
    for (std::uint32_t i = 0; i < reads; ++i) {
        const int code = lio::test::code(lio::test::of(all, i));
        CHECK((code == ECANCELED || code == EINTR));
    }
}

} // namespace

TEST_CASE("when cancelled operations have been drained, nothing writes into their memory any more [hazard 23]",
          "[hazard 23]") {
    under_each_setup([](lio::ring& ring) {
        const auto pipe = lio::test::pipe_pair();
        buffers memory;
        start_reads(ring, pipe.ours, memory);
        cancel_and_drain(ring);
        CHECK(ring.try_next().error().code() == EAGAIN);
        // The data stays in the pipe for whoever reads next, while the ring is open and when it is closed.
        const std::string data(64, 'x');
        REQUIRE(::write(pipe.theirs, data.data(), data.size()) == 64);
        CHECK(lio::test::stays_quiet(ring));
        CHECK(untouched(memory));
        REQUIRE(ring.close());
        ::poll(nullptr, 0, 20);
        CHECK(untouched(memory));
        char back[128];
        CHECK(::read(pipe.ours, back, sizeof back) == 64);
    });
}

TEST_CASE("op::cancel_all and draining do the same for all at once [hazard 23]", "[hazard 23]") {
    under_each_setup([](lio::ring& ring) {
        const auto pipe = lio::test::pipe_pair();
        buffers memory;
        start_reads(ring, pipe.ours, memory);
        ring.push(op::cancel_all().user_data(100)).value();
        const lio::cqe first = lio::test::next_soon(ring);
        if (first.user_data() == 100 && lio::test::code(first) == EINVAL) {
            lio::test::record_partial_skip("cancel_all: since Linux 5.19");
            cancel_and_drain(ring);
            return;
        }
        const auto rest = lio::test::next_soon(ring, reads);
        CHECK(ring.try_next().error().code() == EAGAIN);
        REQUIRE(::write(pipe.theirs, "data", 4) == 4);
        CHECK(lio::test::stays_quiet(ring));
        CHECK(untouched(memory));
    });
}

// Closing alone promises only that the operations end some time: their memory must outlive that, as it does here, and
// what shows that it has come is the file that they hold, not the ring.
TEST_CASE("closing a ring alone ends what is in flight, but later [hazard 23]", "[hazard 23]") {
    under_each_setup([](lio::ring& ring) {
        auto pipe = lio::test::pipe_pair();
        static buffers memory; // static: nobody is told when the kernel is through with it
        start_reads(ring, pipe.ours, memory);
        pipe.ours.close();
        REQUIRE(ring.close());
        // The reads hold the pipe's reading end: when the last is gone, the other end sees an error.
        ::pollfd broken{pipe.theirs, 0, 0};
        CHECK(::poll(&broken, 1, lio::test::patience_in_milliseconds) == 1);
        CHECK((broken.revents & POLLERR) != 0);
    });
}

} // namespace closing_test
