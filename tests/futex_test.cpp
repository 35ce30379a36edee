// Futexes: on the other side are threads and processes that use the plain system call. Each test runs on a ring of
// every set-up that this kernel takes.

#include "catch.hpp"

#include "support/encoding.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/waiting.hpp"

#include <lio/op/cancel.hpp>
#include <lio/op/futex.hpp>
#include <lio/op/nop.hpp>

#include <linux/futex.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <thread>
#include <type_traits>
#include <vector>

namespace futex_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::futex_flag;
using lio::futex_wait_end;
using lio::futex_waiter;
using lio::futex_waitv_end;
using lio::ring;

const std::uint8_t byte_word = 0;
const std::uint16_t short_word = 0;
const std::uint32_t some_word = 0;
const std::int32_t signed_word = 0;
const std::uint64_t long_word = 0;
const std::atomic<std::uint32_t> atomic_word{0};
const futex_waiter some_waiters[] = {{some_word, 1}, {atomic_word, 2, futex_flag::process_private}};
const char here = 'x';

const encodings rows{[](auto add) {
    add("futex_wait", op::futex_wait(some_word, 5),
        expected_entry{}.u8(0, 51).s32(4, 2).u64(8, 5).pointer(16, &some_word).u64(48, 0xffffffff));
    add("futex_wait for a negative number, with modifiers",
        op::futex_wait(signed_word, static_cast<std::uint32_t>(-1), futex_flag::process_private)
            .mask(0x80000001)
            .link()
            .user_data(&here),
        expected_entry{}
            .u8(0, 51)
            .u8(1, 4)
            .s32(4, 2 | 128)
            .u64(8, 0xffffffff)
            .pointer(16, &signed_word)
            .pointer(32, &here)
            .u64(48, 0x80000001));
    add("futex_wait on an atomic word with the flags for memory nodes",
        op::futex_wait(atomic_word, 0, futex_flag::numa | futex_flag::memory_policy),
        expected_entry{}.u8(0, 51).s32(4, 2 | 4 | 8).pointer(16, &atomic_word).u64(48, 0xffffffff));
    add("futex_wait on a byte", op::futex_wait(byte_word, 7),
        expected_entry{}.u8(0, 51).s32(4, 0).u64(8, 7).pointer(16, &byte_word).u64(48, 0xff));
    add("futex_wait on 16 bits", op::futex_wait(short_word, 7),
        expected_entry{}.u8(0, 51).s32(4, 1).u64(8, 7).pointer(16, &short_word).u64(48, 0xffff));
    add("futex_wait on 64 bits", op::futex_wait(long_word, 0x1122334455667788),
        expected_entry{}
            .u8(0, 51)
            .s32(4, 3)
            .u64(8, 0x1122334455667788)
            .pointer(16, &long_word)
            .u64(48, ~std::uint64_t{0}));
    add("futex_wake", op::futex_wake(some_word, 3),
        expected_entry{}.u8(0, 52).s32(4, 2).u64(8, 3).pointer(16, &some_word).u64(48, 0xffffffff));
    add("futex_wake of all, with modifiers",
        op::futex_wake(atomic_word, 0xffffffff, futex_flag::process_private).mask(2).skip_success().user_data(9),
        expected_entry{}
            .u8(0, 52)
            .u8(1, 64)
            .s32(4, 2 | 128)
            .u64(8, 0x7fffffff)
            .pointer(16, &atomic_word)
            .u64(32, 9)
            .u64(48, 2));
    add("futex_waitv", op::futex_waitv(some_waiters),
        expected_entry{}.u8(0, 53).pointer(16, some_waiters).u32(24, 2));
    add("futex_waitv with modifiers", op::futex_waitv(some_waiters, 1).hard_link().drain().user_data(9),
        expected_entry{}.u8(0, 53).u8(1, 8 | 2).pointer(16, some_waiters).u32(24, 1).u64(32, 9));
}};

// The words and the waiters must outlive the operation, so temporary ones must not compile.
static_assert(std::is_constructible_v<op::futex_wait, std::uint32_t&, unsigned>);
static_assert(!std::is_constructible_v<op::futex_wait, std::uint32_t, unsigned>);
static_assert(!std::is_constructible_v<op::futex_wake, std::atomic<std::uint32_t>, unsigned>);
static_assert(!std::is_constructible_v<futex_waiter, std::uint32_t, unsigned>);
static_assert(std::is_constructible_v<op::futex_waitv, std::vector<futex_waiter>&>);
static_assert(std::is_constructible_v<op::futex_waitv, const std::array<futex_waiter, 2>&>);
static_assert(!std::is_constructible_v<op::futex_waitv, std::vector<futex_waiter>>);
static_assert(!std::is_constructible_v<op::futex_waitv, futex_waiter[2]>);
// Nor what cannot be a futex.
static_assert(!std::is_constructible_v<op::futex_wait, std::uint32_t (&)[2], unsigned>);
static_assert(!std::is_constructible_v<op::futex_wait, std::array<char, 3>&, unsigned>);

const char* const no_futexes = "the kernel has no futex operations (since Linux 6.7)";
bool has_futexes() { return kernel_supports(lio::abi::opcode::futex_wait); }

/// The plain system call.
template <class Word>
long futex(Word& word, int operation, std::uint32_t value, std::uint32_t mask = 0) {
#if defined(SYS_futex)
    return ::syscall(SYS_futex, &word, operation, value, nullptr, nullptr, mask);
#else
    return ::syscall(SYS_futex_time64, &word, operation, value, nullptr, nullptr, mask);
#endif
}

/// Wakes with the operation until somebody has been woken, which a thread has to be asleep for.
template <class Wake>
std::uint32_t wake_until_somebody_wakes(ring& ring, const Wake& wake) {
    for (const std::int64_t give_up = end_of_patience(); now() < give_up;) {
        const std::uint32_t woken = run(ring, wake).template result<op::futex_wake>().value();
        if (woken != 0) return woken;
        ::poll(nullptr, 0, 1);
    }
    return 0;
}

} // namespace

TEST_CASE("a futex's waiter is laid out as the kernel's", "[futex][layout]") {
    std::uint32_t words[6];
    static_assert(sizeof words == sizeof some_waiters[0]);
    std::memcpy(words, &some_waiters[1], sizeof words);
    std::uint64_t pair[2];
    std::memcpy(pair, &some_waiters[1], sizeof pair);
    CHECK(pair[0] == 2);
    CHECK(pair[1] == reinterpret_cast<std::uintptr_t>(&atomic_word));
    CHECK(words[4] == (2 | 128));
    CHECK(words[5] == 0);
}

TEST_CASE("the ends of waits for futexes are values", "[futex][layout]") {
    const auto completion = [](std::int32_t result) { return cqe{lio::abi::cqe{0, result, 0}}; };
    CHECK(completion(0).result<op::futex_wait>().value() == futex_wait_end::woken);
    CHECK(completion(-EAGAIN).result<op::futex_wait>().value() == futex_wait_end::other_value);
    CHECK(completion(-ECANCELED).result<op::futex_wait>().error().code() == ECANCELED);
    CHECK(completion(3).result<op::futex_waitv>().value() == futex_waitv_end::woken(3));
    CHECK(completion(3).result<op::futex_waitv>().value().index() == 3);
    CHECK_FALSE(completion(-EAGAIN).result<op::futex_waitv>().value().was_woken());
    CHECK(completion(-EAGAIN).result<op::futex_waitv>().value() == futex_waitv_end::other_value());
    CHECK(completion(-EINVAL).result<op::futex_waitv>().error().code() == EINVAL);
    CHECK(completion(4).result<op::futex_wake>().value() == 4);
}

TEST_CASE("futex_wait ends when another thread wakes the futex", "[futex]") {
    if (!has_futexes()) LIO_SKIP(no_futexes);
    under_each_setup([](ring& ring) {
        std::atomic<std::uint32_t> word{7};
        ring.push(op::futex_wait(word, 7).user_data(1)).value();
        CHECK(stays_quiet(ring));
        word.store(8); // which nobody notices
        CHECK(stays_quiet(ring, 5));
        long woken = 0;
        std::thread{[&] { woken = futex(word, FUTEX_WAKE, 10); }}.join();
        CHECK(woken == 1);
        const cqe done = next_soon(ring);
        CHECK(done.user_data() == 1);
        CHECK(done.result().value() == 0);
        CHECK(done.result<op::futex_wait>().value() == futex_wait_end::woken);
        CHECK(futex(word, FUTEX_WAKE, 10) == 0);
    });
}

TEST_CASE("futex_wait ends when another process wakes the futex", "[futex]") {
    if (!has_futexes()) LIO_SKIP(no_futexes);
    under_each_setup([](ring& ring) {
        void* const memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        REQUIRE(memory != MAP_FAILED);
        auto& word = *static_cast<std::uint32_t*>(memory);
        ring.push(op::futex_wait(word, 0)).value();
        CHECK(stays_quiet(ring));
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) ::_exit(futex(word, FUTEX_WAKE, 1) == 1 ? 0 : 1);
        CHECK(next_soon(ring).result<op::futex_wait>().value() == futex_wait_end::woken);
        int status = -1;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
        ::munmap(memory, 4096);
    });
}

TEST_CASE("a futex_wait within the process and one across processes do not meet", "[futex]") {
    if (!has_futexes()) LIO_SKIP(no_futexes);
    under_each_setup([](ring& ring) {
        // In memory that others could map: of the process's own the kernel treats both the same.
        void* const memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        REQUIRE(memory != MAP_FAILED);
        auto& word = *static_cast<std::uint32_t*>(memory);
        ring.push(op::futex_wait(word, 0, futex_flag::process_private).user_data(1),
                  op::futex_wait(word, 0).user_data(2))
            .value();
        CHECK(stays_quiet(ring));
        CHECK(futex(word, FUTEX_WAKE_PRIVATE, 10) == 1);
        CHECK(next_soon(ring).user_data() == 1);
        CHECK(stays_quiet(ring, 5));
        CHECK(run(ring, op::futex_wake(word, 10, futex_flag::process_private).user_data(3)).result().value() == 0);
        ring.push(op::futex_wake(word, 10).user_data(3)).value();
        const auto done = next_soon(ring, 2);
        CHECK(of(done, 2).result().value() == 0);
        CHECK(of(done, 3).result<op::futex_wake>().value() == 1);
        ::munmap(memory, 4096);
    });
}

TEST_CASE("futex_wait does not wait for a word with another value", "[futex]") {
    if (!has_futexes()) LIO_SKIP(no_futexes);
    under_each_setup([](ring& ring) {
        const std::int32_t word = -2;
        const cqe done = run(ring, op::futex_wait(word, 0));
        CHECK(code(done) == EAGAIN);
        CHECK(done.result<op::futex_wait>().value() == futex_wait_end::other_value);
        // To a chain that is a failure.
        ring.push(op::futex_wait(word, 0).link().user_data(1), op::nop().user_data(2)).value();
        const auto broken = next_soon(ring, 2);
        CHECK(code(of(broken, 1)) == EAGAIN);
        CHECK(code(of(broken, 2)) == ECANCELED);
        // A negative value is found to be the same.
        ring.push(op::futex_wait(word, static_cast<std::uint32_t>(-2)).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::futex_wake(word, 1).user_data(2)).value();
        CHECK(code(of(next_soon(ring, 2), 1)) == 0);
    });
}

TEST_CASE("what is chained behind a futex_wait starts when it is woken", "[futex]") {
    if (!has_futexes()) LIO_SKIP(no_futexes);
    under_each_setup([](ring& ring) {
        std::uint32_t word = 0;
        std::uint32_t next = 0;
        ring.push(op::futex_wait(next, 0).user_data(1)).value();
        ring.push(op::futex_wait(word, 0).link().user_data(2), op::futex_wake(next, 1).user_data(3)).value();
        CHECK(stays_quiet(ring));
        CHECK(futex(word, FUTEX_WAKE, 1) == 1);
        const auto done = next_soon(ring, 3);
        CHECK(code(of(done, 1)) == 0);
        CHECK(code(of(done, 2)) == 0);
        CHECK(of(done, 3).result().value() == 1);
    });
}

TEST_CASE("futex_wake wakes a thread that waits in the plain system call", "[futex]") {
    if (!has_futexes()) LIO_SKIP(no_futexes);
    under_each_setup([](ring& ring) {
        for (const bool within : {false, true}) {
            std::atomic<std::uint32_t> word{0};
            std::atomic<long> returned{99};
            std::thread waiter{[&] { returned = futex(word, within ? FUTEX_WAIT_PRIVATE : FUTEX_WAIT, 0); }};
            const auto flag = within ? futex_flag::process_private : futex_flag::shared;
            const std::uint32_t woken = wake_until_somebody_wakes(ring, op::futex_wake(word, 1, flag));
            if (woken == 0) futex(word, within ? FUTEX_WAKE_PRIVATE : FUTEX_WAKE, 1);
            waiter.join();
            CHECK(woken == 1);
            CHECK(returned == 0);
        }
    });
}

TEST_CASE("futex_wake wakes as many as it is told, and says how many", "[futex]") {
    if (!has_futexes()) LIO_SKIP(no_futexes);
    under_each_setup([](ring& ring) {
        std::uint32_t word = 0;
        const auto with_waiters = [&](std::uint64_t count, std::uint32_t to_wake) {
            for (std::uint64_t i = 1; i <= count; ++i) ring.push(op::futex_wait(word, 0).user_data(i)).value();
            CHECK(stays_quiet(ring, 5));
            ring.push(op::futex_wake(word, to_wake).user_data(100)).value();
        };
        with_waiters(3, 2);
        CHECK(of(next_soon(ring, 3), 100).result<op::futex_wake>().value() == 2);
        CHECK(stays_quiet(ring, 5));
        CHECK(futex(word, FUTEX_WAKE, 100) == 1); // the one that was left
        CHECK(code(next_soon(ring)) == 0);

        with_waiters(4, op::futex_wake::all);
        CHECK(of(next_soon(ring, 5), 100).result().value() == 4);
        with_waiters(4, 0xffffffff); // more than the kernel can count to
        CHECK(of(next_soon(ring, 5), 100).result().value() == 4);

        CHECK(run(ring, op::futex_wake(word, 1)).result().value() == 0); // nobody is there
        with_waiters(1, 0);
        CHECK(next_soon(ring).result().value() == 0);
        CHECK(stays_quiet(ring, 5));
        CHECK(futex(word, FUTEX_WAKE, 100) == 1);
        CHECK(next_soon(ring).user_data() == 1);
    });
}

TEST_CASE("a futex is woken for those whose mask it is woken with", "[futex]") {
    if (!has_futexes()) LIO_SKIP(no_futexes);
    under_each_setup([](ring& ring) {
        std::uint32_t word = 0;
        ring.push(op::futex_wait(word, 0).mask(1).user_data(1), op::futex_wait(word, 0).mask(6).user_data(2)).value();
        CHECK(stays_quiet(ring));
        CHECK(run(ring, op::futex_wake(word, 9).mask(8).user_data(3)).result().value() == 0);
        CHECK(futex(word, FUTEX_WAKE_BITSET, 9, 4) == 1);
        CHECK(next_soon(ring).user_data() == 2);
        ring.push(op::futex_wake(word, 9).mask(3).user_data(3)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == 0);
        CHECK(of(done, 3).result().value() == 1);
        // Who has none meets everybody.
        ring.push(op::futex_wait(word, 0).user_data(1)).value();
        CHECK(stays_quiet(ring));
        CHECK(futex(word, FUTEX_WAKE_BITSET, 9, 0x80000000) == 1);
        CHECK(code(next_soon(ring)) == 0);
        ring.push(op::futex_wait(word, 0).mask(0x80000000).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::futex_wake(word, 9).user_data(2)).value();
        CHECK(of(next_soon(ring, 2), 2).result().value() == 1);
        CHECK(code(run(ring, op::futex_wait(word, 0).mask(0))) == EINVAL);
        CHECK(code(run(ring, op::futex_wake(word, 1).mask(0))) == EINVAL);
        CHECK(code(run(ring, op::futex_wait(word, 0).mask(0x100000000))) == EINVAL); // more than the word has
    });
}

TEST_CASE("one ring wakes what waits on another", "[futex]") {
    if (!has_futexes()) LIO_SKIP(no_futexes);
    under_each_setup([](ring& waiting) {
        ring waking = ring::create({.entries = 4}).value();
        std::uint32_t word = 0;
        waiting.push(op::futex_wait(word, 0)).value();
        CHECK(stays_quiet(waiting));
        CHECK(run(waking, op::futex_wake(word, 1)).result().value() == 1);
        CHECK(code(next_soon(waiting)) == 0);
    });
}

TEST_CASE("a cancelled futex_wait says so and is no waiter any more [hazard 33]", "[futex][hazard 33]") {
    if (!has_futexes()) LIO_SKIP(no_futexes);
    under_each_setup([](ring& ring) {
        std::uint32_t word = 0;
        std::uint32_t other = 0;
        const futex_waiter waiters[] = {{word, 0}, {other, 0}};
        ring.push(op::futex_wait(word, 0).user_data(1), op::futex_waitv(waiters).user_data(2)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::cancel(1).user_data(3)).value();
        const auto first = next_soon(ring, 2);
        CHECK(code(of(first, 1)) == ECANCELED);
        CHECK(code(of(first, 3)) == 0);
        ring.push(op::cancel(2).user_data(3)).value();
        const auto second = next_soon(ring, 2);
        CHECK(code(of(second, 2)) == ECANCELED);
        CHECK_FALSE(of(second, 2).result<op::futex_waitv>().has_value());
        CHECK(futex(word, FUTEX_WAKE, 9) == 0);
        CHECK(futex(other, FUTEX_WAKE, 9) == 0);
    });
}

TEST_CASE("what cannot be a futex is refused", "[futex]") {
    if (!has_futexes()) LIO_SKIP(no_futexes);
    under_each_setup([](ring& ring) {
        struct alignas(8) misplaced {
            char before[2];
            char word[4];
        } memory{};
        const auto& misaligned = *reinterpret_cast<const std::array<char, 4>*>(memory.word);
        CHECK(code(run(ring, op::futex_wait(misaligned, 0))) == EINVAL);
        CHECK(code(run(ring, op::futex_wake(misaligned, 1))) == EINVAL);

        void* const hole = ::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        REQUIRE(hole != MAP_FAILED);
        auto& unreadable = *static_cast<std::uint32_t*>(hole);
        CHECK(code(run(ring, op::futex_wait(unreadable, 0))) == EFAULT);
        const futex_waiter waiter{unreadable, 0};
        CHECK(code(run(ring, op::futex_waitv(&waiter, 1))) == EFAULT);
        ::munmap(hole, 4096);

        // Sizes that the interface has and no kernel yet, up to 7.3.
        CHECK(code(run(ring, op::futex_wait(byte_word, 0))) == EINVAL);
        CHECK(code(run(ring, op::futex_wait(short_word, 0))) == EINVAL);
        CHECK(code(run(ring, op::futex_wait(long_word, 0))) == EINVAL);
    });
}

TEST_CASE("futex_waitv ends when one of its futexes is woken, and tells which", "[futex]") {
    if (!has_futexes()) LIO_SKIP(no_futexes);
    under_each_setup([](ring& ring) {
        std::atomic<std::uint32_t> words[3] = {0, 1, 2};
        const std::vector<futex_waiter> waiters{
            {words[0], 0}, {words[1], 1, futex_flag::process_private}, {words[2], 2}};
        const int wakes[] = {FUTEX_WAKE, FUTEX_WAKE_PRIVATE, FUTEX_WAKE};
        for (std::uint32_t i = 0; i < 3; ++i) {
            ring.push(op::futex_waitv(waiters).user_data(1)).value();
            CHECK(stays_quiet(ring));
            long woken = 0;
            std::thread{[&] { woken = futex(words[i], wakes[i], 9); }}.join();
            CHECK(woken == 1);
            const cqe done = next_soon(ring);
            CHECK(done.result<op::futex_waitv>().value() == futex_waitv_end::woken(i));
            // It waits for none of the others any more.
            for (std::uint32_t j = 0; j < 3; ++j) CHECK(futex(words[j], wakes[j], 9) == 0);
        }
    });
}

TEST_CASE("futex_waitv does not wait if one word has another value", "[futex]") {
    if (!has_futexes()) LIO_SKIP(no_futexes);
    under_each_setup([](ring& ring) {
        std::uint32_t words[2] = {5, 6};
        const futex_waiter waiters[] = {{words[0], 5}, {words[1], 5}};
        const cqe done = run(ring, op::futex_waitv(waiters));
        CHECK(code(done) == EAGAIN);
        CHECK_FALSE(done.result<op::futex_waitv>().value().was_woken());
        CHECK(futex(words[0], FUTEX_WAKE, 9) == 0);
    });
}

TEST_CASE("the waiters of a futex_waitv may be overwritten once it is submitted [hazard 40]", "[futex][hazard 40]") {
    if (!has_futexes()) LIO_SKIP(no_futexes);
    under_each_setup([](ring& ring) {
        std::uint32_t words[3] = {};
        futex_waiter waiters[] = {{words[0], 0}, {words[1], 0}};
        ring.push(op::futex_waitv(waiters)).value();
        submit_all(ring);
        waiters[0] = waiters[1] = futex_waiter{words[2], 0};
        CHECK(stays_quiet(ring));
        CHECK(futex(words[2], FUTEX_WAKE, 9) == 0);
        CHECK(futex(words[1], FUTEX_WAKE, 9) == 1);
        CHECK(next_soon(ring).result<op::futex_waitv>().value().index() == 1);
    });
}

TEST_CASE("futex_waitv takes one to 128 futexes", "[futex]") {
    if (!has_futexes()) LIO_SKIP(no_futexes);
    under_each_setup([](ring& ring) {
        std::vector<std::uint32_t> words(129);
        std::vector<futex_waiter> waiters;
        for (const std::uint32_t& word : words) waiters.emplace_back(word, 0);
        CHECK(code(run(ring, op::futex_waitv(waiters))) == EINVAL);
        CHECK(code(run(ring, op::futex_waitv(waiters.data(), 0))) == EINVAL);
        ring.push(op::futex_waitv(waiters.data(), 128)).value();
        CHECK(stays_quiet(ring));
        CHECK(futex(words[127], FUTEX_WAKE, 9) == 1);
        CHECK(next_soon(ring).result().value() == 127);
        // What does not fit into the entry is not cut down to something that would.
        if constexpr (sizeof(std::size_t) > 4)
            CHECK(code(run(ring, op::futex_waitv(waiters.data(), (std::size_t{1} << 32) + 1))) == EINVAL);
    });
}

TEST_CASE("futexes can be kept with a memory node", "[futex]") {
    if (!has_futexes()) LIO_SKIP(no_futexes);
    struct alignas(8) node_futex {
        std::uint32_t word;
        std::uint32_t node;
    };
    const auto knows = [](futex_flag flag) {
        ring asked = ring::create({.entries = 4, .exactly = true}).value();
        node_futex probed{0, 0};
        return code(run(asked, op::futex_wake(probed.word, 1, flag))) != EINVAL;
    };
    if (!knows(futex_flag::numa)) LIO_SKIP("the kernel knows no memory nodes of futexes (since Linux 6.16)");
    const bool policies = knows(futex_flag::memory_policy);
    under_each_setup([&](ring& ring) {
        node_futex chosen{0, 0xffffffff};
        ring.push(op::futex_wait(chosen.word, 0, futex_flag::numa).user_data(1)).value();
        CHECK(stays_quiet(ring));
        CHECK(chosen.node != 0xffffffff); // the kernel has written its choice
        ring.push(op::futex_wake(chosen.word, 1, futex_flag::numa).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(code(of(done, 1)) == 0);
        CHECK(of(done, 2).result().value() == 1);
        if (!policies) {
            record_partial_skip("the kernel knows no memory policies of futexes (since Linux 6.16, where it has NUMA)");
            return;
        }
        std::uint32_t word = 0;
        ring.push(op::futex_wait(word, 0, futex_flag::memory_policy).user_data(1)).value();
        CHECK(stays_quiet(ring));
        ring.push(op::futex_wake(word, 1, futex_flag::memory_policy).user_data(2)).value();
        CHECK(of(next_soon(ring, 2), 2).result().value() == 1);
    });
}

} // namespace futex_test
