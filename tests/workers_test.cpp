// The kernel's worker threads: where they run, and how many there are, as /proc shows them.

#include "catch.hpp"
#include "support/files.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/threads.hpp"
#include "support/waiting.hpp"
#include "support/withheld_memory.hpp"

#include <lio/large_ring.hpp>
#include <lio/op/cancel.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/open.hpp>
#include <lio/op/read_write.hpp>
#include <lio/split.hpp>
#include <lio/workers.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

namespace workers_test {

using lio::cpu_set;
using lio::limits_of_workers;
using lio::reset_worker_affinity;
using lio::ring;
using lio::set_worker_affinity;
using lio::set_worker_limits;
using lio::worker_limits;
using lio::test::available_setups;
using lio::test::next_soon;
using lio::test::on_fresh_thread;
using lio::test::workers;
using lio::test::workers_since;
namespace op = lio::op;

namespace {

constexpr const char* no_affinity = "CPUs for workers: since Linux 5.14";
constexpr const char* no_limits = "limits of workers: since Linux 5.15";

bool has_affinity() {
    static const bool answer = [] {
        bool has = false;
        on_fresh_thread([&] { has = reset_worker_affinity(ring::create({.entries = 2}).value()).has_value(); });
        return has;
    }();
    return answer;
}

bool has_limits() {
    static const bool answer = [] {
        bool has = false;
        on_fresh_thread([&] { has = limits_of_workers(ring::create({.entries = 2}).value()).has_value(); });
        return has;
    }();
    return answer;
}

// Each on a thread without workers, because they and their settings outlive the ring.
template <class Body>
void under_each_setup_afresh(Body body, std::uint32_t entries = 64) {
    for (const auto& setup : available_setups()) {
        DYNAMIC_SECTION("on a ring set up as: " << setup.name) {
            on_fresh_thread([&] {
                lio::ring_options options = setup.options;
                options.entries = entries;
                ring made = ring::create(options).value();
                body(made);
            });
        }
    }
}

/// Opening it for reading keeps a worker until somebody opens it for writing: bounded work.
class fifo {
public:
    fifo() : path_{directory_ / "fifo"} { REQUIRE(::mkfifo(path_.c_str(), 0600) == 0); }
    auto open() const {
        return op::openat(lio::current_directory, path_.c_str(), O_RDONLY | O_CLOEXEC).force_async();
    }
    /// Lets `count` of them go on, and closes what they opened.
    void let_in(ring& with, int count) const {
        const lio::test::open_file writing{path_, O_RDWR};
        for (int i = 0; i < count; ++i) ::close(next_soon(with).result().value());
    }

private:
    lio::test::temporary_directory directory_;
    std::string path_;
};

using workers_found = std::map<std::string, std::string>;

// Waits until there are so many workers, or the patience is over.
workers_found wait_for(const workers_found& before, std::size_t count) {
    workers_found found;
    const std::int64_t give_up = lio::test::end_of_patience();
    while ((found = workers_since(before)).size() < count && lio::test::now() < give_up) ::poll(nullptr, 0, 5);
    return found;
}

std::vector<unsigned> usable_cpus() {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    REQUIRE(::sched_getaffinity(0, sizeof mask, &mask) == 0);
    std::vector<unsigned> found;
    for (unsigned i = 0; i < CPU_SETSIZE; ++i)
        if (CPU_ISSET(i, &mask)) found.push_back(i);
    return found;
}

} // namespace

TEST_CASE("workers run on the CPUs that they are given, and anywhere again after a reset") {
    if (!has_affinity()) LIO_SKIP(no_affinity);
    const auto usable = usable_cpus();
    if (usable.size() < 2) LIO_SKIP("workers on some CPUs only: two CPUs");
    under_each_setup_afresh([&](ring& ring) {
        // Before, the kernel takes it for a setting of the calling thread. Rings of one thread are as old as the
        // repair.
        if (has(ring.setup_flags(), lio::setup::sqpoll) &&
            !lio::ring::create({.entries = 2, .require = lio::setup::single_issuer})) {
            lio::test::record_partial_skip("CPUs for the workers of a kernel thread that submits: since Linux 6.1");
            return;
        }
        const fifo pipe;
        const auto before = workers();
        const std::string last = std::to_string(usable.back());
        const auto set = set_worker_affinity(ring, cpu_set{}.add(usable.back()));
        REQUIRE(set.has_value());
        ring.push(pipe.open()).value();
        lio::test::submit_all(ring);
        const auto kept = wait_for(before, 1);
        CHECK(kept.size() == 1);
        for (const auto& [id, cpus] : kept) CHECK(cpus == last);
        REQUIRE(reset_worker_affinity(ring).has_value());
        // The next one, as the first is at work.
        ring.push(pipe.open()).value();
        lio::test::submit_all(ring);
        auto found = wait_for(before, 2);
        CHECK(found.size() == 2);
        for (const auto& [id, cpus] : kept) found.erase(id);
        for (const auto& [id, cpus] : found) CHECK(cpus != last);
        pipe.let_in(ring, 2);
    });
}

TEST_CASE("there are no more bounded workers than the limit says") {
    if (!has_limits()) LIO_SKIP(no_limits);
    under_each_setup_afresh([](ring& ring) {
        const fifo pipe;
        const auto before = workers();
        const auto first = set_worker_limits(ring, {.bounded = 1, .unbounded = 0}).value();
        CHECK(first.bounded > 1);
        CHECK(limits_of_workers(ring).value() == worker_limits{1, first.unbounded});
        for (int i = 0; i < 4; ++i) ring.push(pipe.open()).value();
        lio::test::submit_all(ring);
        CHECK(wait_for(before, 1).size() == 1);
        ::poll(nullptr, 0, 30);
        CHECK(workers_since(before).size() == 1);
        // With room for more they come, for what is submitted from then on.
        CHECK(set_worker_limits(ring, {.bounded = 3, .unbounded = 0}).value() == worker_limits{1, first.unbounded});
        for (int i = 0; i < 2; ++i) ring.push(pipe.open()).value();
        lio::test::submit_all(ring);
        CHECK(wait_for(before, 3).size() == 3);
        ::poll(nullptr, 0, 30);
        CHECK(workers_since(before).size() == 3);
        pipe.let_in(ring, 6);
    });
}

TEST_CASE("there are no more unbounded workers than the limit says") {
    if (!has_limits()) LIO_SKIP(no_limits);
    if (!lio::test::withheld_memory::is_there()) LIO_SKIP(lio::test::withheld_memory::missing);
    under_each_setup_afresh([](ring& ring) {
        lio::test::withheld_memory memory;
        const lio::test::open_file zeros{"/dev/zero", O_RDONLY};
        const auto read = op::read(zeros, memory.first(8), lio::current_position).force_async();
        const auto before = workers();
        const auto first = set_worker_limits(ring, {.bounded = 0, .unbounded = 1}).value();
        CHECK(first.unbounded > 1);
        for (int i = 0; i < 4; ++i) ring.push(read).value();
        lio::test::submit_all(ring);
        CHECK(wait_for(before, 1).size() == 1);
        ::poll(nullptr, 0, 30);
        CHECK(workers_since(before).size() == 1);
        CHECK(set_worker_limits(ring, {.bounded = 0, .unbounded = 2}).value() == worker_limits{first.bounded, 1});
        ring.push(read).value();
        lio::test::submit_all(ring);
        CHECK(wait_for(before, 2).size() == 2);
        memory.give();
        for (int i = 0; i < 5; ++i) CHECK(next_soon(ring).result().value() == 8);
    });
}

TEST_CASE("limits of workers are known to rings of every type, and hold for the thread's other rings") {
    if (!has_limits()) LIO_SKIP(no_limits);
    on_fresh_thread([] {
        const auto plain = ring::create({.entries = 4}).value();
        const worker_limits before = set_worker_limits(plain, {3, 5}).value();
        CHECK(before.bounded != 0);
        CHECK(before.unbounded != 0);
        const auto [completions, submissions] = lio::with_capacity(4).value();
        CHECK(limits_of_workers(completions).value() == worker_limits{3, 5});
        CHECK(set_worker_limits(submissions, {4, 0}).value() == worker_limits{3, 5});
        if (const auto large = lio::large_ring::create({.entries = 4}))
            CHECK(limits_of_workers(*large).value() == worker_limits{4, 5});
        else
            lio::test::record_partial_skip("entries of 128 bytes: since Linux 5.19");
        CHECK(limits_of_workers(plain).value() == worker_limits{4, 5});
        CHECK(limits_of_workers(completions).value() == worker_limits{3, 5}); // what was set by way of the other again
    });
}

TEST_CASE("settings of workers are refused with the reason, and nothing changes") {
    if (!has_limits()) LIO_SKIP(no_limits);
    on_fresh_thread([] {
        ring made = ring::create({.entries = 4}).value();
        const auto before = limits_of_workers(made).value();
        const lio::error limits_refused{EINVAL, lio::cause::worker_limits_refused};
        CHECK(set_worker_limits(made, {0x80000000, 1}).error() == limits_refused);
        CHECK(set_worker_limits(made, {1, 0xffffffff}).error() == limits_refused);
        CHECK(limits_of_workers(made).value() == before);
        const lio::error no_such_cpus{EINVAL, lio::cause::no_such_cpus};
        CHECK(set_worker_affinity(made, {}).error() == no_such_cpus);
        CHECK(set_worker_affinity(made, cpu_set{}.add(0).add(cpu_set::capacity)).error() == no_such_cpus);

        ring moved = std::move(made);
        for (int i = 0; i < 2; ++i) {
            CHECK(set_worker_affinity(made, cpu_set{}.add(0)).error().why() == lio::cause::ring_closed);
            CHECK(reset_worker_affinity(made).error().why() == lio::cause::ring_closed);
            CHECK(limits_of_workers(made).error().why() == lio::cause::ring_closed);
            made.close().value();
        }
        CHECK(limits_of_workers(moved).value() == before);
    });
}

TEST_CASE(
    "a thread that has nothing to do with rings has no workers to set, and one that does not own the ring is told so") {
    if (!has_affinity()) LIO_SKIP(no_affinity);
    ring plain = ring::create({.entries = 4, .exactly = true}).value();
    on_fresh_thread([&] {
        CHECK(set_worker_affinity(plain, cpu_set{}.add(usable_cpus()[0])).error() ==
              lio::error{EINVAL, lio::cause::worker_affinity_refused});
    });
    ring owned = ring::create({.entries = 4}).value();
    if (!has(owned.setup_flags(), lio::setup::single_issuer)) LIO_SKIP("a ring of one thread: since Linux 6.0");
    owned.push(op::nop()).value();
    next_soon(owned);
    on_fresh_thread([&] {
        const lio::error elsewhere{EEXIST, lio::cause::wrong_thread};
        CHECK(set_worker_affinity(owned, cpu_set{}.add(0)).error() == elsewhere);
        CHECK(reset_worker_affinity(owned).error() == elsewhere);
        CHECK(set_worker_limits(owned, {1, 1}).error() == elsewhere);
    });
}

TEST_CASE("a set of CPUs is made from numbers, ranges and masks, and knows what it cannot hold") {
    constexpr cpu_set some = cpu_set{}.add(0).add(63, 65).add(8191);
    static_assert(some.contains(64) && some.contains(8191) && !some.contains(66) && !some.contains(62));
    static_assert(!some.is_out_of_range() && !some.empty() && cpu_set{}.empty());
    static_assert(!some.contains(8192) && !some.contains(0xffffffff));
    static_assert(cpu_set{}.add(8192).is_out_of_range());
    static_assert(cpu_set{}.add(8000, 0xffffffff).is_out_of_range());
    static_assert(cpu_set{}.add(5, 4).empty());
    CHECK(cpu_set::of(std::vector<int>{0, 63, 64, 65, 8191}) == some);
    CHECK(cpu_set::of(std::array<unsigned short, 2>{1, 2}) == cpu_set{}.add(1, 2));
    const int numbers[] = {7, 7, 3};
    CHECK(cpu_set::of(numbers) == cpu_set{}.add(3).add(7));
    CHECK(cpu_set::of(std::vector<int>{-1}).is_out_of_range());

    cpu_set_t mask;
    CPU_ZERO(&mask);
    CPU_SET(0, &mask);
    CPU_SET(70, &mask);
    CPU_SET(1023, &mask);
    CHECK(cpu_set::from_mask({&mask, sizeof mask}) == cpu_set{}.add(0).add(70).add(1023));
    CHECK(cpu_set::from_mask({&mask, 8}) == cpu_set{}.add(0));
    CHECK(cpu_set::from_mask({}).empty());
    std::vector<unsigned long> longer(2048 / sizeof(unsigned long));
    CHECK(cpu_set::from_mask(longer) == cpu_set{});
    longer.back() = 1;
    CHECK(cpu_set::from_mask(longer).is_out_of_range());
}

} // namespace workers_test
