// The ring as its user sees it: pushing, submitting, waiting, reaping, moving, closing; under each set-up.

#include "support/machine.hpp"
#include "support/rings.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/op/nop.hpp>
#include <lio/op/read_write.hpp>
#include <lio/ring.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <iterator>
#include <optional>
#include <set>
#include <thread>
#include <unistd.h>
#include <vector>

#include <fcntl.h>
#include <pthread.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>

namespace ring_test {

using lio::op::nop;
using lio::test::under_each_setup;

namespace {

bool is_open(int file) { return ::fcntl(file, F_GETFD) != -1; }

} // namespace

TEST_CASE("a nop completes with its user_data and no error") {
    under_each_setup([](lio::ring& ring) {
        ring.push(nop().user_data(42)).value();
        const auto submitted = ring.submit_and_wait(1);
        REQUIRE(submitted);
        CHECK(submitted->taken == 1);
        CHECK(submitted->left == 0);
        unsigned seen = 0;
        for (const lio::cqe& done : ring.reap()) {
            CHECK(done.user_data() == 42);
            CHECK(done.result().value() == 0);
            CHECK(done.result<nop>());
            CHECK_FALSE(done.more());
            ++seen;
        }
        CHECK(seen == 1);
        CHECK(ring.ready() == 0);
    });
}

TEST_CASE("completions come in the order of the operations, round after round, across many wraps") {
    under_each_setup([](lio::ring& ring) {
        std::uint64_t pushed = 0;
        std::uint64_t seen = 0;
        for (int round = 0; round < 300; ++round) {
            // With a kernel thread, completions can be seen a moment before the slots that they came from are free.
            for (int i = 0; i < 7; ++pushed, ++i)
                while (!ring.push(nop().user_data(pushed))) std::this_thread::yield();
            ring.submit_and_wait(7).value();
            for (const lio::cqe& done : ring.reap()) REQUIRE(done.user_data() == seen++);
        }
        while (seen < pushed) REQUIRE(ring.next().value().user_data() == seen++);
        CHECK(seen == 2100);
    }, 8);
}

TEST_CASE("a push that does not fit is refused whole and keeps what was queued") {
    under_each_setup([](lio::ring& ring) {
        for (std::uint64_t i = 0; i < 3; ++i) ring.push(nop().user_data(i)).value();
        const auto refused = ring.push(nop().user_data(100), nop().user_data(101));
        REQUIRE_FALSE(refused);
        CHECK(refused.error() == lio::error{EAGAIN, lio::cause::queue_full});
        CHECK(std::strstr(refused.error().message(), "submit") != nullptr);
        CHECK(ring.unsubmitted() == 3);
        CHECK(ring.submission_room() == 1);
        ring.push(nop().user_data(3)).value(); // the one place that is left
        CHECK_FALSE(ring.push(nop()));
        ring.submit_and_wait(4).value();
        std::uint64_t expected = 0;
        for (const lio::cqe& done : ring.reap()) CHECK(done.user_data() == expected++);
        CHECK(expected == 4);
    }, 4);
}

TEST_CASE("a push of more than the queue can ever hold says so") {
    lio::ring ring = lio::ring::create({.entries = 1}).value();
    const auto refused = ring.push(nop(), nop());
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == lio::error{E2BIG, lio::cause::push_too_large});
    CHECK(ring.unsubmitted() == 0);
}

TEST_CASE("a chain longer than the room left is not pushed at all [hazard 15]", "[hazard 15]") {
    under_each_setup([](lio::ring& ring) {
        ring.push(nop().user_data(1)).value();
        CHECK_FALSE(ring.push(nop().link().user_data(2), nop().link().user_data(3), nop().link().user_data(4),
                              nop().user_data(5)));
        ring.submit_and_wait(1).value();
        CHECK(ring.next().value().user_data() == 1);
        CHECK(ring.try_next().error().code() == EAGAIN);
    }, 4);
}

TEST_CASE("a batch fills neighbouring slots and is queued when it goes") {
    under_each_setup([](lio::ring& ring) {
        std::uint64_t pushed = 0;
        std::uint64_t seen = 0;
        for (int round = 0; round < 20; ++round) {
            while (!ring.push(nop().user_data(pushed)))
                std::this_thread::yield(); // so that batches meet the end of the memory
            ++pushed;
            for (std::uint32_t left = 6; left != 0;) {
                auto reserved = ring.reserve(left);
                if (!reserved) continue; // with a kernel thread, slots are free a moment after their completions
                auto batch = std::move(*reserved);
                REQUIRE(batch.room() >= 1);
                REQUIRE(batch.room() <= left);
                left -= batch.room();
                while (batch.room() != 0) REQUIRE(batch.push(nop().user_data(pushed++)));
            }
            CHECK(ring.unsubmitted() == 7);
            ring.submit_and_wait(7).value();
            for (const lio::cqe& done : ring.reap()) CHECK(done.user_data() == seen++);
        }
        while (seen < pushed) CHECK(ring.next().value().user_data() == seen++);
        CHECK(seen == 140);
    }, 8);
}

TEST_CASE("a batch that is left unfilled queues only what was filled") {
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    {
        auto batch = ring.reserve(5).value();
        REQUIRE(batch.room() == 5);
        REQUIRE(batch.push(nop().user_data(7)));
    }
    CHECK(ring.unsubmitted() == 1);
    ring.submit_and_wait(1).value();
    CHECK(ring.next().value().user_data() == 7);
}

TEST_CASE("a batch from a full queue is refused") {
    lio::ring ring = lio::ring::create({.entries = 2}).value();
    ring.push(nop(), nop()).value();
    const auto refused = ring.reserve(1);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == EAGAIN);
}

TEST_CASE("reaping releases what was visited, and what follows a break comes again") {
    under_each_setup([](lio::ring& ring) {
        for (std::uint64_t i = 0; i < 5; ++i) ring.push(nop().user_data(i)).value();
        ring.submit_and_wait(5).value();
        std::vector<std::uint64_t> seen;
        for (const lio::cqe& done : ring.reap()) {
            seen.push_back(done.user_data());
            if (seen.size() == 2) break;
        }
        CHECK(ring.ready() == 3);
        for (const lio::cqe& done : ring.reap()) seen.push_back(done.user_data());
        CHECK(seen == std::vector<std::uint64_t>{0, 1, 2, 3, 4});
        CHECK(ring.ready() == 0);
    });
}

TEST_CASE("for_each visits every completion once and in order, wherever the queue's memory ends") {
    under_each_setup([](lio::ring& ring) {
        std::uint64_t pushed = 0;
        std::uint64_t seen = 0;
        for (std::uint32_t batch = 1; pushed < 200; batch = batch % 5 + 1) {
            for (std::uint32_t i = 0; i < batch; ++i) ring.push(nop().user_data(pushed++)).value();
            ring.submit_and_wait(batch).value();
            ring.reap().for_each([&seen](const lio::cqe& done) { REQUIRE(done.user_data() == seen++); });
            REQUIRE(seen == pushed);
            REQUIRE(ring.ready() == 0);
        }
        ring.reap().for_each([](const lio::cqe&) { FAIL("nothing was there"); });
    });
}

TEST_CASE("for_each that is left by an exception has visited what it came to, and the rest comes again") {
    under_each_setup([](lio::ring& ring) {
        std::uint64_t pushed = 0;
        std::uint64_t seen = 0;
        for (std::uint32_t round = 0; round < 40; ++round) {
            for (int i = 0; i < 5; ++i) ring.push(nop().user_data(pushed++)).value();
            ring.submit_and_wait(5).value();
            const std::uint64_t last = seen + round % 5;
            const auto visit = [&](const lio::cqe& done) {
                REQUIRE(done.user_data() == seen);
                if (seen++ == last) throw last;
            };
            REQUIRE_THROWS_AS(ring.reap().for_each(visit), std::uint64_t);
            REQUIRE(seen == last + 1);
            REQUIRE(ring.ready() == pushed - seen);
            ring.reap().for_each([&seen](const lio::cqe& done) { REQUIRE(done.user_data() == seen++); });
            REQUIRE(seen == pushed);
        }
    });
}

TEST_CASE("a range that is not walked releases nothing") {
    lio::ring ring = lio::ring::create().value();
    ring.push(nop().user_data(1)).value();
    ring.submit_and_wait(1).value();
    CHECK(ring.reap().size() == 1);
    CHECK_FALSE(ring.reap().empty());
    CHECK(ring.next().value().user_data() == 1);
    CHECK(ring.reap().empty());
}

TEST_CASE("try_next on an empty queue says that nothing is there") {
    under_each_setup([](lio::ring& ring) {
        const auto none = ring.try_next();
        REQUIRE_FALSE(none);
        CHECK(none.error() == lio::error{EAGAIN, lio::cause::nothing_ready});
    });
}

TEST_CASE("submitting nothing does nothing") {
    under_each_setup([](lio::ring& ring) {
        const auto nothing = ring.submit();
        REQUIRE(nothing);
        CHECK(nothing->taken == 0);
        CHECK(nothing->left == 0);
        CHECK(ring.submit_and_wait(0));
    });
}

TEST_CASE("a plain submit leaves the completions to a later wait") {
    under_each_setup([](lio::ring& ring) {
        ring.push(nop().user_data(1), nop().user_data(2)).value();
        CHECK(ring.submit().value().taken == 2);
        CHECK(ring.wait(2).value() >= 2);
        CHECK(ring.next().value().user_data() == 1);
        CHECK(ring.try_next().value().user_data() == 2);
    });
}

TEST_CASE("completions can be polled for without ever waiting [hazard 4]", "[hazard 4]") {
    under_each_setup([](lio::ring& ring) {
        ring.push(nop().user_data(1)).value();
        ring.submit().value();
        const std::int64_t give_up = lio::test::end_of_patience();
        auto done = ring.try_next();
        while (!done && lio::test::now() < give_up) done = ring.try_next();
        REQUIRE(done);
        CHECK(done->user_data() == 1);
    });
}

TEST_CASE("a wait with a time-out ends with ETIME, not before its time, and what was queued has gone") {
    under_each_setup([](lio::ring& ring) {
        ring.push(nop()).value();
        const auto start = std::chrono::steady_clock::now();
        const auto late = ring.submit_and_wait(2, std::chrono::milliseconds(20));
        REQUIRE_FALSE(late);
        CHECK(late.error() == lio::error{ETIME, lio::cause::wait_timed_out});
        CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(20));
        CHECK(ring.unsubmitted() == 0);
        CHECK(ring.wait(1, lio::test::patience).value() == 1); // a kernel thread may not have come to it yet
        const auto again = ring.wait(2, std::chrono::milliseconds(5));
        REQUIRE_FALSE(again);
        CHECK(again.error().code() == ETIME);
        CHECK(ring.next(lio::test::patience));
        CHECK(ring.next(std::chrono::milliseconds(1)).error().code() == ETIME);
    });
}

namespace {

void do_nothing(int) {}

} // namespace

TEST_CASE("a signal ends a wait with EINTR, whether or not something was submitted [hazard 5]", "[hazard 5]") {
    struct sigaction action {};
    struct sigaction before {};
    action.sa_handler = do_nothing; // without SA_RESTART
    REQUIRE(::sigaction(SIGUSR1, &action, &before) == 0);
    under_each_setup([](lio::ring& ring) {
        const pid_t process = ::getpid();
        const auto thread = static_cast<pid_t>(::gettid());
        // Sent again and again: the first may come before the wait begins.
        std::atomic<bool> stop{false};
        std::thread sender([&] {
            while (!stop) {
                ::tgkill(process, thread, SIGUSR1);
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
            }
        });
        const auto interrupted = ring.wait(1);
        ring.push(nop().user_data(5)).value();
        const auto hidden = ring.submit_and_wait(2);
        stop = true;
        sender.join();
        REQUIRE_FALSE(interrupted);
        CHECK(interrupted.error() == lio::error{EINTR, lio::cause::wait_interrupted});
        REQUIRE_FALSE(hidden);
        CHECK(hidden.error() == lio::error{EINTR, lio::cause::wait_interrupted});
        CHECK(ring.unsubmitted() == 0);
        auto done = ring.next();
        while (!done && done.error().code() == EINTR) done = ring.next();
        CHECK(done.value().user_data() == 5);
    });
    ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_CASE("waiting for more than the queue holds is refused before anything is submitted [hazard 50]", "[hazard 50]") {
    under_each_setup([](lio::ring& ring) {
        ring.push(nop()).value();
        CHECK(ring.wait(ring.completion_capacity() + 1).error().why() == lio::cause::wait_too_large);
        CHECK(ring.submit_and_wait(ring.completion_capacity() + 1).error().why() == lio::cause::wait_too_large);
        CHECK(ring.submit_and_wait(0xffffffffu).error().why() == lio::cause::wait_too_large);
        CHECK(ring.unsubmitted() == 1);
        CHECK(ring.submit_and_wait(1).value().taken == 1);
    });
}

TEST_CASE("nothing is lost when the completion queue overflows: a queue of 2 and very many operations [hazard 12]",
          "[hazard 12]") {
    for (const auto& setup : lio::test::available_setups()) {
        if (lio::has(setup.options.require, lio::setup::sqpoll)) continue; // its own test, in setup_test.cpp
        DYNAMIC_SECTION("on a ring set up as: " << setup.name) {
            lio::ring_options options = setup.options;
            options.entries = 2;
            options.completion_entries = 2;
            auto made = lio::ring::create(options);
            REQUIRE(made);
            lio::ring& ring = *made;
            const std::uint64_t all = lio::test::rounds(100'000);
            std::uint64_t pushed = 0;
            std::uint64_t expected = 0;
            const auto reap = [&] {
                std::uint32_t seen = 0;
                for (const lio::cqe& done : ring.reap()) {
                    if (done.user_data() != expected) FAIL("completion " << done.user_data() << ", not " << expected);
                    ++expected;
                    ++seen;
                }
                return seen;
            };
            while (pushed < all) {
                // Fills the queue several times over before it looks at the completions.
                for (int rounds = 0; rounds < 4 && pushed < all; ++rounds) {
                    while (pushed < all && ring.push(nop().user_data(pushed))) ++pushed;
                    const auto submitted = ring.submit();
                    if (!submitted) {
                        REQUIRE((submitted.error().code() == EBUSY || submitted.error().code() == EAGAIN));
                        break;
                    }
                }
                while (reap() != 0) {
                }
            }
            while (ring.unsubmitted() != 0) {
                if (!ring.submit()) reap();
            }
            while (expected < all) {
                ring.wait(1).value();
                reap();
            }
            CHECK(expected == all);
            CHECK(ring.try_next().error().code() == EAGAIN);
        }
    }
}

TEST_CASE("a moved ring works, and what it was moved from says that it is closed") {
    under_each_setup([](lio::ring& first) {
        first.push(nop().user_data(1)).value();
        lio::ring second = std::move(first);
        CHECK_FALSE(first.is_open());
        CHECK(second.is_open());
        CHECK(first.push(nop()).error() == lio::error{EBADF, lio::cause::ring_closed});
        CHECK(first.submit().error().why() == lio::cause::ring_closed);
        CHECK(first.submit_and_wait(1).error().why() == lio::cause::ring_closed);
        CHECK(first.wait(1).error().why() == lio::cause::ring_closed);
        CHECK(first.next().error().why() == lio::cause::ring_closed);
        CHECK(first.try_next().error().why() == lio::cause::ring_closed);
        CHECK(first.reserve(1).error().why() == lio::cause::ring_closed);
        CHECK(first.reap().empty());
        CHECK(first.file() == -1);
        CHECK(first.submission_capacity() == 0);
        CHECK(first.completion_capacity() == 0);
        second.submit_and_wait(1).value();
        CHECK(second.next().value().user_data() == 1);
        first = std::move(second);
        first.push(nop().user_data(2)).value();
        first.submit_and_wait(1).value();
        CHECK(first.next().value().user_data() == 2);
    });
}

TEST_CASE("assigning to a ring closes the one that was there") {
    lio::ring first = lio::ring::create().value();
    const int file = first.file();
    lio::ring second = lio::ring::create().value();
    first = std::move(second);
    CHECK_FALSE(is_open(file));
    CHECK(first.is_open());
}

TEST_CASE("close closes the descriptor once, and a second close does nothing [hazard 25]", "[hazard 25]") {
    under_each_setup([](lio::ring& ring) {
        ring.push(nop()).value();
        ring.submit_and_wait(1).value();
        const int file = ring.file();
        REQUIRE(is_open(file));
        CHECK(ring.close());
        CHECK_FALSE(is_open(file));
        const int other = ::open("/dev/null", O_RDONLY | O_CLOEXEC); // takes the number
        CHECK(other == file);
        CHECK(ring.close());
        CHECK(is_open(other));
        ::close(other);
        CHECK(ring.push(nop()).error().code() == EBADF);
    });
}

TEST_CASE("a ring is gone after close even though its descriptor was registered with the thread") {
    // A ring that its thread's registration still held would go on with its read, and the read keep the pipe open.
    struct reader {
        lio::ring ring;
        lio::test::owned_file writing;
    };
    static char bytes[40]; // static: nobody is told when the kernel is through with them
    std::vector<reader> more; // a thread may register 16
    std::vector<lio::test::owned_file> of_closed;
    for (std::size_t i = 0; i < std::size(bytes); ++i) {
        lio::test::connection pipe = lio::test::pipe_pair();
        lio::ring one = lio::ring::create({.entries = 4}).value();
        one.push(lio::op::read(pipe.ours, {&bytes[i], 1}, 0).user_data(1), nop()).value();
        REQUIRE(one.submit_and_wait(1));
        if (i % 2 == 0) {
            more.push_back({std::move(one), std::move(pipe.theirs)});
        } else {
            one.close().value();
            of_closed.push_back(std::move(pipe.theirs));
        }
    }
    const auto is_broken = [](int writing, int longest) {
        ::pollfd broken{writing, 0, 0};
        return ::poll(&broken, 1, longest) == 1 && (broken.revents & POLLERR) != 0;
    };
    for (reader& one : more) {
        one.ring.push(nop().user_data(9)).value();
        REQUIRE(one.ring.submit_and_wait(1));
    }
    for (reader& one : more) {
        std::uint64_t last = 0;
        for (const lio::cqe& done : one.ring.reap()) last = done.user_data();
        CHECK(last == 9);
        CHECK_FALSE(is_broken(one.writing, 0)); // the ring reads
        one.ring.close().value();
        of_closed.push_back(std::move(one.writing));
    }
    for (const lio::test::owned_file& one : of_closed) CHECK(is_broken(one, lio::test::patience_in_milliseconds));
}

TEST_CASE("a default ring belongs to the thread that first uses it, not to the one that made it") {
    lio::ring ring = lio::ring::create().value();
    CHECK(ring.owner_thread() == 0);
    std::thread([&] {
        ring.push(nop().user_data(3)).value();
        REQUIRE(ring.submit_and_wait(1));
        CHECK(ring.next().value().user_data() == 3);
        if (lio::has(ring.setup_flags(), lio::setup::single_issuer)) CHECK(ring.owner_thread() == ::gettid());
    }).join();
}

TEST_CASE("a ring that is made for one thread, and not started later, belongs to its maker") {
    const auto made = lio::ring::create({.entries = 2, .require = lio::setup::single_issuer, .exactly = true});
    if (!made) LIO_SKIP("rings of one thread: since Linux 6.0");
    CHECK(made->owner_thread() == ::gettid());
}

namespace {

/// Does the one on a thread, and the other on a later thread which looks like the first to all but the kernel: its
/// memory is used again. False if it never is.
template <class First, class Second>
bool on_threads_that_look_alike(First first, Second second) {
    for (int i = 0; i < 100; ++i) {
        ::pthread_t ended{};
        std::thread([&] {
            ended = ::pthread_self();
            first();
        }).join();
        bool is_alike = false;
        std::thread([&] {
            is_alike = ::pthread_equal(ended, ::pthread_self()) != 0;
            if (is_alike) second();
        }).join();
        if (is_alike) return true;
    }
    return false;
}

constexpr const char* no_look_alikes = "no thread got the memory of one that had ended";

void complete_one(lio::ring& ring) {
    ring.push(nop().user_data(1)).value();
    REQUIRE(ring.submit_and_wait(1));
    CHECK(ring.next().value().user_data() == 1);
}

} // namespace

TEST_CASE("closing a ring whose thread has ended leaves the rings of a thread that looks like it alone [hazard 13]",
          "[hazard 13]") {
    std::optional<lio::ring> left;
    const bool happened = on_threads_that_look_alike(
        [&] {
            left = lio::ring::create({.entries = 2}).value();
            complete_one(*left);
        },
        [&] {
            lio::ring own = lio::ring::create({.entries = 2}).value();
            complete_one(own);
            left.reset();
            complete_one(own);
            complete_one(own);
        });
    if (!happened) LIO_SKIP(no_look_alikes);
}

TEST_CASE("a thread that looks like the owner, which has ended, is told that it is not [hazard 13]", "[hazard 13]") {
    std::optional<lio::ring> left = lio::ring::create({.entries = 2}).value();
    if (!lio::has(left->setup_flags(), lio::setup::single_issuer)) LIO_SKIP("rings of one thread: since Linux 6.0");
    const lio::error wrong_thread{EEXIST, lio::cause::wrong_thread};
    const bool happened = on_threads_that_look_alike(
        [&] {
            left = lio::ring::create({.entries = 2}).value();
            complete_one(*left);
        },
        [&] {
            left->push(nop()).value();
            CHECK(left->submit().error() == wrong_thread);
            CHECK(left->submit_and_wait(1).error() == wrong_thread);
            CHECK(left->wait(1).error() == wrong_thread);
            // A ring of its own has the number that the other had.
            lio::ring own = lio::ring::create({.entries = 2}).value();
            complete_one(own);
            CHECK(left->submit().error() == wrong_thread);
            CHECK(left->submit_and_wait(1).error() == wrong_thread);
            complete_one(own);
        });
    if (!happened) LIO_SKIP(no_look_alikes);
}

TEST_CASE("a ring that any thread may use goes on when its first thread has ended, on one that looks like it") {
    std::optional<lio::ring> left;
    const bool happened = on_threads_that_look_alike(
        [&] {
            left = lio::ring::create({.entries = 2, .require = lio::setup::start_disabled, .exactly = true}).value();
            left->enable().value();
            complete_one(*left);
        },
        [&] {
            complete_one(*left);
            lio::ring own = lio::ring::create({.entries = 2}).value();
            complete_one(own);
            complete_one(*left);
            complete_one(own);
        });
    if (!happened) LIO_SKIP(no_look_alikes);
}

TEST_CASE("another thread than the owner is told so, and disturbs nothing [hazard 13]", "[hazard 13]") {
    lio::ring ring = lio::ring::create().value();
    if (!lio::has(ring.setup_flags(), lio::setup::single_issuer)) LIO_SKIP("rings of one thread: since Linux 6.0");
    ring.push(nop()).value();
    ring.submit_and_wait(1).value();
    ring.next().value();
    ring.push(nop().user_data(8)).value();
    const auto refused_everything = [&] {
        CHECK(ring.submit().error() == lio::error{EEXIST, lio::cause::wrong_thread});
        CHECK(ring.submit_and_wait(1).error().why() == lio::cause::wrong_thread);
        CHECK(ring.wait(1).error().why() == lio::cause::wrong_thread);
    };
    std::thread(refused_everything).join();
    std::thread([&] {
        // A ring of this thread's own has the same registered number; it must not be entered instead.
        lio::ring own = lio::ring::create().value();
        own.push(nop().user_data(1)).value();
        own.submit_and_wait(1).value();
        own.next().value();
        own.push(nop().user_data(2)).value();
        refused_everything();
        CHECK(own.ready() == 0);
        own.submit_and_wait(1).value();
        CHECK(own.next().value().user_data() == 2);
    }).join();
    CHECK(ring.unsubmitted() == 1);
    ring.submit_and_wait(1).value();
    CHECK(ring.next().value().user_data() == 8);
}

TEST_CASE("a child after fork can drop its copy of the ring, and the parent's goes on [hazard 22]", "[hazard 22]") {
    under_each_setup([](lio::ring& ring) {
        ring.push(nop().user_data(1)).value();
        ring.submit_and_wait(1).value();
        ring.next().value();
        const pid_t child = ::fork();
        REQUIRE(child != -1);
        if (child == 0) {
            // Memory of the child's own at whatever addresses the kernel gives, the ring's perhaps: it must survive.
            std::vector<char*> pages;
            for (int i = 0; i < 64; ++i) {
                auto* const page = static_cast<char*>(
                    ::mmap(nullptr, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
                if (page == MAP_FAILED) ::_exit(2);
                page[0] = 1;
                pages.push_back(page);
            }
            static_cast<void>(ring.close());
            for (char* page : pages) page[8192] = page[0];
            ::_exit(0);
        }
        int status = -1;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
        ring.push(nop().user_data(2)).value();
        REQUIRE(ring.submit_and_wait(1));
        CHECK(ring.next().value().user_data() == 2);
    });
}

TEST_CASE("a child after exec does not have the ring's descriptor [hazard 22]", "[hazard 22]") {
    lio::ring ring = lio::ring::create().value();
    CHECK((::fcntl(ring.file(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("rings come and go without leaving descriptors or mappings behind") {
    const auto count_lines = [](const char* path) {
        std::size_t lines = 0;
        const int file = ::open(path, O_RDONLY | O_CLOEXEC);
        REQUIRE(file != -1);
        char text[4096];
        for (ssize_t size; (size = ::read(file, text, sizeof text)) > 0;)
            for (ssize_t i = 0; i < size; ++i) lines += text[i] == '\n';
        ::close(file);
        return lines;
    };
    const auto next_file = [] {
        const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        ::close(file);
        return file;
    };
    const auto once = [] {
        for (const auto& setup : lio::test::available_setups()) {
            lio::ring ring = lio::ring::create(setup.options).value();
            ring.push(nop()).value();
            ring.submit_and_wait(1).value();
        }
    };
    once(); // whatever the C library allocates once
    const std::size_t mappings = count_lines("/proc/self/maps");
    const int file = next_file();
    for (int i = 0; i < 10; ++i) once();
    CHECK(count_lines("/proc/self/maps") <= mappings);
    CHECK(next_file() == file);
}

} // namespace ring_test
