// A completion queue that is far too small, fed by sources of every kind at once. One thread; where a kernel thread
// submits, that is another source of disorder.

#include "catch.hpp"

#include "support/files.hpp"
#include "support/rings.hpp"
#include "support/waiting.hpp"

#include <lio/buffer_ring.hpp>
#include <lio/op/msg_ring.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/read_write.hpp>
#include <lio/ring.hpp>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>

namespace overflow_test {

using lio::op::nop;

namespace {

namespace op = lio::op;

constexpr std::uint32_t total = 100'000; // completions
constexpr std::uint32_t pipe_count = 3;

enum class source : std::uint32_t { single, chained, message, pipe };
struct tag {
    source from;
    std::uint32_t number; // of the pipe, or of the completion among those of its source
};

// What is written into a pipe is told by its place, so that what is read says whether anything is missing before it.
unsigned char byte_at(std::uint64_t place) { return static_cast<unsigned char>(place * 7919 >> 3); }

// A pipe that is read again and again, with one operation where the kernel can do that.
class numbered_pipe {
public:
    numbered_pipe() { REQUIRE(::fcntl(ends_.writing(), F_SETFL, O_NONBLOCK) == 0); }

    // Unless much waits to be read.
    void write_some() {
        if (written_ - read_ > 400) return;
        std::array<unsigned char, 40> some;
        for (std::size_t i = 0; i < some.size(); ++i) some[i] = byte_at(written_ + i);
        const ssize_t taken = ::write(ends_.writing(), some.data(), some.size());
        if (taken > 0) written_ += static_cast<std::uint64_t>(taken);
    }
    // Starts a read if none is in flight; false if the queue is full.
    bool read(lio::ring& ring, std::uint32_t number, const std::optional<lio::buffer_ring>& buffers) {
        if (is_reading_) return true;
        const tag tag{source::pipe, number};
        const auto pushed = buffers ? ring.push(op::read_multishot(ends_.reading(), buffers->group()).user_data(tag))
                                    : ring.push(op::read(ends_.reading(), lio::mutable_bytes{memory_, sizeof memory_},
                                                         lio::current_position)
                                                    .user_data(tag));
        is_reading_ = pushed.has_value();
        return is_reading_;
    }
    // Checks what a completion has brought against what comes next.
    void take(const lio::cqe& done, std::optional<lio::buffer_ring>& buffers) {
        if (!done.more()) is_reading_ = false;
        if (buffers && done.raw_result() == -ENOBUFS) return;
        REQUIRE(done.raw_result() > 0);
        const unsigned char* const data =
            buffers ? static_cast<const unsigned char*>(static_cast<void*>(buffers->filled(done).data())) : memory_;
        for (std::int32_t i = 0; i < done.raw_result(); ++i)
            if (data[i] != byte_at(read_++)) FAIL("a byte before " << read_ << " is missing or in another place");
        if (buffers) buffers->recycle(done);
    }
    bool is_empty() const { return read_ == written_; }

private:
    lio::test::pipe_ends ends_;
    unsigned char memory_[16];
    std::uint64_t written_ = 0;
    std::uint64_t read_ = 0;
    bool is_reading_ = false;
};

class flood {
public:
    explicit flood(lio::ring& ring) : ring_{ring} {
        if (multishot_reads()) buffers_ = lio::buffer_ring::create(ring, {.count = 8, .size = 16}).value();
        has_messages_ = send_message();
    }

    void run() {
        // With a kernel thread it takes its time, much on an emulated machine.
        const bool may_stop = lio::has(ring_.setup_flags(), lio::setup::sqpoll) && !LIO_LONG_TESTS;
        const std::int64_t begin = lio::test::now();
        for (;;) {
            const std::int64_t passed = lio::test::now() - begin;
            if (reaped_ >= total || (may_stop && reaped_ > 2000 && passed > lio::test::milliseconds(2000))) break;
            INFO("after " << reaped_ << " completions");
            REQUIRE(passed < lio::test::milliseconds(40'000));
            // Several times what the queue holds before any of it is looked at.
            for (int round = 0; round < 4; ++round) {
                feed();
                if (const auto submitted = ring_.submit(); !submitted) {
                    REQUIRE((submitted.error().code() == EBUSY || submitted.error().code() == EAGAIN));
                    break;
                }
            }
            reap();
        }
        drain();
        CHECK(most_behind_ > ring_.completion_capacity());
    }

private:
    bool multishot_reads() const {
        lio::ring ring = lio::ring::create({.entries = 4}).value();
        const lio::test::pipe_ends pipe;
        auto buffers = lio::buffer_ring::create(ring, {.count = 1, .size = 1});
        if (!buffers) return false;
        REQUIRE(::write(pipe.writing(), "x", 1) == 1);
        return lio::test::run(ring, op::read_multishot(pipe.reading(), buffers->group())).raw_result() == 1;
    }

    bool send_message() {
        const tag tag{source::message, messages_sent_};
        const bool sent = lio::test::run(sender_, op::msg_ring(ring_.file(), 0, tag)).raw_result() == 0;
        if (sent) ++messages_sent_;
        return sent;
    }

    void feed() {
        if (++turn_ % 8 == 0) feed_slow_sources();
        // What is submitted and not reaped takes memory of the kernel.
        if (pushed() - taken() > 200) return;
        if (turn_ % 4 == 1 && ring_.push(nop().link().user_data(tag{source::chained, chained_pushed_}),
                                         nop().user_data(tag{source::chained, chained_pushed_ + 1})))
            chained_pushed_ += 2;
        while (ring_.push(nop().user_data(tag{source::single, single_pushed_}))) ++single_pushed_;
    }
    void feed_slow_sources() {
        for (std::uint32_t i = 0; i < pipe_count; ++i) {
            pipes_[i].write_some();
            pipes_[i].read(ring_, i, buffers_);
        }
        if (has_messages_ && messages_sent_ - messages_ < 8) REQUIRE(send_message());
    }
    std::uint32_t pushed() const { return chained_pushed_ + single_pushed_ + messages_sent_; }
    std::uint32_t taken() const { return chained_ + single_ + messages_; }

    // Whether anything was there.
    bool reap() {
        const std::uint32_t before = reaped_;
        if (const std::uint32_t behind = pushed() - taken(); behind > most_behind_) most_behind_ = behind;
        for (std::uint32_t seen = before - 1; seen != reaped_;) {
            seen = reaped_;
            for (const lio::cqe& done : ring_.reap()) take(done);
        }
        return reaped_ != before;
    }

    void take(const lio::cqe& done) {
        ++reaped_;
        const auto [from, number] = done.user_data_as<tag>();
        switch (from) {
        case source::single:
            return check_next("single operations", single_, number, done);
        case source::chained:
            return check_chain(number, done);
        case source::message:
            return check_next("messages", messages_, number, done);
        case source::pipe:
            return pipes_[number % pipe_count].take(done, buffers_);
        }
        FAIL("a completion of nobody");
    }
    static void check_next(const char* what, std::uint32_t& next, std::uint32_t number, const lio::cqe& done) {
        if (number != next) FAIL(what << ": completion " << number << ", not " << next);
        if (done.raw_result() != 0) FAIL(what << ": completion " << number << " failed");
        ++next;
    }

    // Two chains run side by side, the two operations of one do not.
    void check_chain(std::uint32_t number, const lio::cqe& done) {
        unsigned char& seen = seen_of_chain_[number / 2 % seen_of_chain_.size()];
        if (seen != number % 2)
            FAIL("chained operations: completion " << number << " after " << int{seen} << " others");
        if (done.raw_result() != 0) FAIL("chained operations: completion " << number << " failed");
        seen = seen == 0;
        ++chained_;
    }

    // Until all that was begun has come.
    void drain() {
        const std::int64_t end = lio::test::end_of_patience();
        const auto is_drained = [&] {
            for (const numbered_pipe& pipe : pipes_)
                if (!pipe.is_empty()) return false;
            return pushed() == taken();
        };
        while (!is_drained()) {
            for (std::uint32_t i = 0; i < pipe_count; ++i)
                if (!pipes_[i].is_empty()) pipes_[i].read(ring_, i, buffers_);
            static_cast<void>(ring_.submit());
            if (!reap()) ::poll(nullptr, 0, 1);
            INFO("of " << pushed() << " completions " << taken() << " came");
            REQUIRE(lio::test::now() < end);
        }
    }

    lio::ring& ring_;
    lio::ring sender_ = lio::ring::create({.entries = 4}).value();
    numbered_pipe pipes_[pipe_count];
    std::optional<lio::buffer_ring> buffers_;
    bool has_messages_ = false;
    std::uint32_t single_pushed_ = 0, chained_pushed_ = 0, messages_sent_ = 0;
    std::uint32_t single_ = 0, chained_ = 0, messages_ = 0; // reaped
    std::array<unsigned char, 256> seen_of_chain_{};        // more than are ever in flight
    std::uint32_t turn_ = 0;
    std::uint32_t reaped_ = 0;
    std::uint32_t most_behind_ = 0;
};

} // namespace

TEST_CASE("each source's completions keep their order when a queue of 2 overflows with 100,000 of them [hazard 12]",
          "[hazard 12][slow]") {
    for (const lio::test::ring_setup& setup : lio::test::available_setups()) {
        DYNAMIC_SECTION("on a ring set up as: " << setup.name) {
            lio::ring_options options = setup.options;
            options.entries = 2;
            options.completion_entries = 2;
            lio::ring ring = lio::ring::create(options).value();
            flood{ring}.run();
        }
    }
}

} // namespace overflow_test
