// The snapshot of what this system can do, against what the system does; and the first kernels of options, against the
// kernel underneath. Nothing here asks for the release's name, and nothing changes a setting of the system.

#include "catch.hpp"

#include "support/rings.hpp"
#include "support/skip.hpp"

#include <lio/abi/query.hpp>
#include <lio/abi/register.hpp>
#include <lio/abi/setup.hpp>
#include <lio/abilities.hpp>
#include <lio/large_ring.hpp>
#include <lio/minimum_kernel.hpp>
#include <lio/op/all.hpp>

#include "abilities_cache.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace abilities_test {

namespace abi = lio::abi;

using lio::abilities;
using lio::cause;
using lio::kernel_version;
using lio::minimum_kernel;
using lio::setup;
using lio::since;
using lio::system_abilities;

namespace op = lio::op;

// First kernels are constants.

static_assert(since(setup::none) == kernel_version{5, 1});
static_assert(since(setup::clamp) == kernel_version{5, 6});
static_assert(since(setup::deferred_taskrun) == kernel_version{6, 1});
static_assert(since(setup::single_issuer | setup::no_sq_array | setup::clamp) == kernel_version{6, 6});
static_assert(since(static_cast<setup>(1u << 31)) == kernel_version{255, 255});
static_assert(since(static_cast<setup>(0x1fffff)) == kernel_version{7, 0});
static_assert(since(lio::ring_options{}) == kernel_version{5, 1});
static_assert(since(lio::ring_options{.completion_entries = 64}) == kernel_version{5, 5});
static_assert(since(lio::ring_options{.attach_to = 0}) == kernel_version{5, 6});
static_assert(since({.completion_entries = 64, .require = setup::submit_all}) == kernel_version{5, 18});
static_assert(since(lio::wait_options{}) == kernel_version{5, 1});
static_assert(since(lio::wait_options{}.timeout({1, 0})) == kernel_version{5, 1});
static_assert(since(lio::wait_options{}.deadline({1, 0})) == kernel_version{6, 12});
static_assert(since(lio::wait_options{}.timeout({1, 0}).minimum_wait(1)) == kernel_version{6, 12});
static_assert(since(lio::wait_options{}.timeout({1, 0}).minimum_wait(1).no_iowait()) == kernel_version{6, 15});
static_assert(minimum_kernel<op::nop>({}, lio::wait_options{}.deadline({1, 0})) == kernel_version{6, 12});
static_assert(minimum_kernel<op::nop>({.require = setup::no_sq_array}, lio::wait_options{}.timeout({1, 0})) ==
              kernel_version{6, 6});
static_assert(minimum_kernel<>() == kernel_version{5, 1});
static_assert(minimum_kernel<op::nop>() == kernel_version{5, 1});
static_assert(minimum_kernel<op::read>() == op::read::since);
static_assert(minimum_kernel<op::read, op::accept_multishot>() == kernel_version{5, 19});
static_assert(minimum_kernel<op::accept_multishot, op::read>() == kernel_version{5, 19});
static_assert(minimum_kernel<op::read, op::accept_multishot>(setup::deferred_taskrun) == kernel_version{6, 1});
static_assert(minimum_kernel<op::read, op::ftruncate>(setup::deferred_taskrun) == op::ftruncate::since);
static_assert(minimum_kernel<op::read>({.completion_entries = 64}) == op::read::since);
static_assert(minimum_kernel<op::nop>(lio::ring_options{.require = setup::hybrid_iopoll}) == kernel_version{6, 13});

static_assert(std::is_trivially_copyable_v<system_abilities>);
static_assert(noexcept(abilities()));

namespace {

constexpr setup as_setup(std::uint32_t flags) { return static_cast<setup>(flags); }

/// A flag and what it is tried with.
struct trial {
    std::uint32_t flag;
    std::uint32_t companions = 0;
};

const trial trials[] = {
    {abi::setup_iopoll},
    {abi::setup_sqpoll},
    {abi::setup_sq_aff, abi::setup_sqpoll},
    {abi::setup_cqsize},
    {abi::setup_clamp},
    {abi::setup_attach_wq},
    {abi::setup_r_disabled},
    {abi::setup_submit_all},
    {abi::setup_coop_taskrun},
    {abi::setup_taskrun_flag, abi::setup_coop_taskrun},
    {abi::setup_sqe128},
    {abi::setup_cqe32},
    {abi::setup_single_issuer},
    {abi::setup_defer_taskrun, abi::setup_single_issuer},
    {abi::setup_no_mmap},
    {abi::setup_registered_fd_only, abi::setup_no_mmap},
    {abi::setup_no_sqarray},
    {abi::setup_hybrid_iopoll, abi::setup_iopoll},
    {abi::setup_cqe_mixed},
    {abi::setup_sqe_mixed},
    {abi::setup_sq_rewind, abi::setup_no_sqarray},
};

// The kernel's own word, without the library: 0, or why it makes no such ring.
int refusal_of(std::uint32_t flags) {
    abi::params parameters;
    parameters.flags = flags;
    parameters.cq_entries = 8;
    parameters.wq_fd = static_cast<std::uint32_t>(-1);
    const long file = ::syscall(SYS_io_uring_setup, 4L, &parameters);
    if (file < 0) return errno;
    ::close(static_cast<int>(file));
    return 0;
}

/// What the library's conclusions take a kernel of this release for: see probe::linux_at_least().
kernel_version told_as(kernel_version release) {
    if (release == kernel_version{5, 10}) return {5, 9};
    if (release == kernel_version{6, 5}) return {6, 3};
    if (release == kernel_version{6, 13}) return {6, 12};
    return release;
}

std::string name(std::uint32_t flags) {
    std::string bits;
    for (unsigned bit = 0; bit < 32; ++bit)
        if ((flags >> bit & 1) != 0) bits += (bits.empty() ? "flags " : ", ") + std::to_string(bit);
    return bits;
}

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all{"/proc/self/fd"};
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// Makes this process forget its snapshot. What was handed out stays valid.
void forget() { lio::detail::known_abilities = nullptr; }

/// What a child saw; small enough to come through a pipe at once.
struct sight {
    bool is_available = false;
    bool can_pass = false;
    int code = 0;
    cause why = cause::operation;
    bool is_same_object = false;
};

sight look() {
    const system_abilities* const before = lio::detail::known_abilities;
    const system_abilities& found = abilities();
    sight seen;
    seen.is_available = found.available();
    seen.can_pass = found.can_pass();
    if (!found.available()) {
        seen.code = found.reason().code();
        seen.why = found.reason().why();
    }
    seen.is_same_object = &found == before;
    return seen;
}

/// Lets a forked child look several times; what it saw each time. Nothing if it could not do what it must do before.
template <class Body>
std::vector<sight> seen_by_child(Body body) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const pid_t child = ::fork();
    REQUIRE(child != -1);
    if (child == 0) {
        const auto tell = [&](const sight& seen) {
            if (::write(ends[1], &seen, sizeof seen) != static_cast<ssize_t>(sizeof seen)) ::_exit(1);
        };
        body(tell);
        ::_exit(0);
    }
    ::close(ends[1]);
    std::vector<sight> all;
    sight one;
    while (::read(ends[0], &one, sizeof one) == static_cast<ssize_t>(sizeof one)) all.push_back(one);
    ::close(ends[0]);
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    return all;
}

// From now on this system call fails in this process. Whether that could be arranged.
bool filter_away(long number, int code) {
    const auto low_word = static_cast<std::uint32_t>(offsetof(seccomp_data, nr));
    sock_filter program[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, low_word},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, static_cast<std::uint32_t>(number)},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(code)},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

const char* const no_filters = "no seccomp filter can be set here (CONFIG_SECCOMP_FILTER, or an emulator)";

// '0', '1' or '2'; 0 if there is no such sysctl (before Linux 6.6).
char disabled_sysctl() {
    std::ifstream file{"/proc/sys/kernel/io_uring_disabled"};
    char value = 0;
    file >> value;
    return value;
}

bool has_proc() { return std::filesystem::exists("/proc/sys/kernel/osrelease"); }

} // namespace

TEST_CASE("the snapshot says what a probe says") {
    forget();
    const system_abilities& found = abilities();
    REQUIRE(found.available());
    CHECK_FALSE(found.can_pass());
    const lio::probe asked = lio::probe::ask().value();
    CHECK(found.features() == asked.features());
    CHECK(found.last_opcode() == asked.last_opcode());
    for (int number = -1; number < 257; ++number) {
        INFO("operation " << number);
        CHECK(found.supports(number) == asked.supports(number));
    }
    CHECK(found.supports<op::nop>());
    CHECK(found.supports<op::nop, op::accept_multishot>() == asked.supports<op::accept_multishot>());
    CHECK(found.supports(op::listen::code) == asked.supports<op::listen>());
    for (std::uint8_t minor = 0; minor < 20; ++minor) {
        CHECK(found.linux_at_least({5, minor}) == asked.linux_at_least({5, minor}));
        CHECK(found.linux_at_least({6, minor}) == asked.linux_at_least({6, minor}));
    }
}

TEST_CASE("the snapshot is taken once for all threads, and rings made for it are closed") {
    forget();
    const std::size_t before = open_descriptors();
    std::vector<const system_abilities*> found(6);
    std::vector<std::thread> threads;
    for (const system_abilities*& one : found) threads.emplace_back([&one] { one = &abilities(); });
    for (std::thread& one : threads) one.join();
    for (const system_abilities* one : found) CHECK(one == found[0]);
    CHECK(&abilities() == found[0]);
    CHECK(open_descriptors() == before);
    // A copy is as good.
    const system_abilities copy = *found[0];
    CHECK(copy.setup_options() == found[0]->setup_options());
}

TEST_CASE("[hazard 47] an option is supported exactly if the kernel makes a ring with it") {
    forget();
    const system_abilities& found = abilities();
    const setup plain[] = {
        setup::none,
        setup::iopoll,
        setup::sqpoll,
        setup::clamp,
        setup::start_disabled,
        setup::submit_all,
        setup::cooperative_taskrun,
        setup::taskrun_flag,
        setup::single_issuer,
        setup::deferred_taskrun,
        setup::no_sq_array,
        setup::hybrid_iopoll,
        setup::single_issuer | setup::deferred_taskrun,
        setup::cooperative_taskrun | setup::taskrun_flag,
        setup::iopoll | setup::hybrid_iopoll,
        setup::rewind,
        setup::rewind | setup::no_sq_array,
    };
    for (const setup a : plain)
        for (const setup b : plain) {
            const setup both = a | b;
            INFO(name(static_cast<std::uint32_t>(both)));
            const auto made = lio::ring::create({.entries = 4, .require = both, .exactly = true});
            const auto large = lio::large_ring::create({.entries = 4, .require = both, .exactly = true});
            const auto may = [](const auto& ring) {
                if (!ring) CHECK((ring.error().code() == EINVAL || ring.error().code() == EPERM));
                return ring.has_value();
            };
            CHECK(found.supports(both) == may(made));
            CHECK(found.supports(both | setup::large_entries) == may(large));
            const auto mixed = lio::mixed_completion_ring::create({.entries = 4, .require = both, .exactly = true});
            CHECK(found.supports(both | setup::mixed_completions) == may(mixed));
        }
}

TEST_CASE("[hazard 47] what the library chooses by itself is supported") {
    const system_abilities& found = abilities();
    lio::test::under_each_setup([&](lio::ring& ring) {
        INFO(name(static_cast<std::uint32_t>(ring.setup_flags())));
        CHECK(found.supports(ring.setup_flags()));
        CHECK(found.linux_at_least(told_as(since(ring.setup_flags()))));
    });
    SECTION("with sizes and neighbours of the program's") {
        const lio::ring first = lio::ring::create({.entries = 4}).value();
        const auto second = lio::ring::create({.entries = 4, .completion_entries = 64, .attach_to = first.file()});
        if (!second && second.error().code() == EINVAL)
            LIO_SKIP("rings of other sizes, or that share threads, since Linux 5.6");
        CHECK(found.supports(second.value().setup_flags()));
    }
}

TEST_CASE("[hazard 47] the options in the snapshot are those that the kernel takes one by one") {
    forget();
    const system_abilities& found = abilities();
    for (const trial& one : trials) {
        INFO(name(one.flag));
        const int code = refusal_of(one.flag | one.companions);
        const bool takes = code != EINVAL && code != EPERM;
        CHECK(has(found.setup_options(), as_setup(one.flag)) == takes);
        CHECK(found.supports(as_setup(one.flag | one.companions)) == takes);
    }
    CHECK_FALSE(found.supports(as_setup(1u << 31)));
}

TEST_CASE("[hazard 47] each option's first kernel agrees with what the kernel takes and shows") {
    const system_abilities& found = abilities();
    for (const trial& one : trials) {
        INFO(name(one.flag));
        const kernel_version first = since(as_setup(one.flag));
        const bool knows = refusal_of(one.flag | one.companions) != EINVAL;
        if (found.linux_at_least(first)) CHECK(knows);
        if (knows) CHECK(found.linux_at_least(told_as(first)));
        // What it is tried with must not be younger.
        CHECK_FALSE(first < since(as_setup(one.companions)));
        CHECK(since(as_setup(one.flag | one.companions)) == first);
    }
}

TEST_CASE("[hazard 47] a way to wait is supported exactly if a ring can wait so, and its first kernel agrees") {
    const system_abilities& found = abilities();
    lio::ring ring = lio::ring::create({.entries = 1}).value();
    const auto short_time = lio::wait_options{}.timeout({0, 1'000'000});
    sigset_t none{};
    for (const auto& wait : {short_time, short_time.signals(none), lio::wait_options{}.deadline({1, 0}),
                             short_time.minimum_wait(100), short_time.no_iowait()}) {
        const kernel_version first = since(wait);
        INFO("since Linux " << first.major << "." << first.minor);
        CHECK(ring.wait(1, wait).error().code() == (found.supports(wait) ? ETIME : EOPNOTSUPP));
        CHECK(found.supports(wait) == found.linux_at_least(told_as(first)));
    }
    CHECK(found.supports(lio::wait_options{}));
    CHECK(since(short_time.signals(none)) == kernel_version{5, 1});
}

TEST_CASE("the kernel's answers to queries are in the snapshot as it gives them") {
    forget();
    const system_abilities& found = abilities();
    const auto ask = [](std::uint32_t about, auto& answer) {
        abi::query_hdr question;
        question.query_op = about;
        question.query_data = reinterpret_cast<std::uintptr_t>(&answer);
        question.size = sizeof answer;
        const long done = ::syscall(SYS_io_uring_register, -1, abi::register_opcode::register_query, &question, 0);
        if (done != 0 || question.result != 0) answer = {};
        return done == 0 && question.result == 0;
    };
    const auto same = [](const auto& a, const auto& b) { return std::memcmp(&a, &b, sizeof a) == 0; };
    abi::query_opcode numbers;
    const bool answers = ask(abi::query_op_opcodes, numbers);
    CHECK(same(found.numbers(), numbers));
    abi::query_zcrx zcrx;
    static_cast<void>(ask(abi::query_op_zcrx, zcrx));
    CHECK(same(found.zero_copy_receive(), zcrx));
    abi::query_zcrx_event events;
    static_cast<void>(ask(abi::query_op_zcrx_event, events));
    CHECK(same(found.zero_copy_receive_events(), events));
    abi::query_scq scq;
    static_cast<void>(ask(abi::query_op_scq, scq));
    CHECK(same(found.queue_header(), scq));
    if (!answers) {
        lio::test::record_partial_skip("the kernel answers no queries, since Linux 6.18");
        return;
    }
    CHECK(found.numbers().nr_request_opcodes == static_cast<std::uint32_t>(found.last_opcode()) + 1);
    CHECK(found.numbers().nr_register_opcodes > static_cast<std::uint32_t>(abi::register_opcode::register_query));
    CHECK((found.features() & ~found.numbers().feature_flags) == 0);
    CHECK((found.numbers().enter_flags & abi::enter_getevents) != 0);
}

TEST_CASE("under a seccomp filter the reason is the filter, and it is no use to try again", "[hazard 46]") {
    if (!has_proc()) LIO_SKIP("/proc/sys is not there to tell a filter from a sysctl");
    const char sysctl = disabled_sysctl();
    if (sysctl != 0 && sysctl != '0') LIO_SKIP("the sysctl kernel.io_uring_disabled is not 0 here");
    static_cast<void>(abilities().available());
    const auto seen_under = [](long number, int code) {
        return seen_by_child([&](auto tell) {
            forget();
            if (!filter_away(number, code)) return;
            tell(look());
            tell(look());
        });
    };
    SECTION("that denies making rings") {
        const auto seen = seen_under(SYS_io_uring_setup, EPERM);
        if (seen.empty()) LIO_SKIP(no_filters);
        REQUIRE(seen.size() == 2);
        for (const sight& one : seen) {
            CHECK_FALSE(one.is_available);
            CHECK_FALSE(one.can_pass);
            CHECK(one.code == EPERM);
            CHECK(one.why == cause::rings_filtered);
        }
        CHECK(seen[1].is_same_object);
        const std::string message = lio::error{EPERM, cause::rings_filtered}.message();
        CHECK(message.find("seccomp") != std::string::npos);
    }
    SECTION("that hides them") {
        const auto seen = seen_under(SYS_io_uring_setup, ENOSYS);
        if (seen.empty()) LIO_SKIP(no_filters);
        REQUIRE(seen.size() == 2);
        CHECK_FALSE(seen[0].is_available);
        CHECK_FALSE(seen[0].can_pass);
        CHECK(seen[0].code == ENOSYS);
        // The sysctl gives the kernel away.
        CHECK(seen[0].why == (sysctl == '0' ? cause::rings_filtered : cause::setup_call));
    }
    SECTION("that lets them be made and no more") {
        const auto seen = seen_under(SYS_io_uring_register, EPERM);
        if (seen.empty()) LIO_SKIP(no_filters);
        REQUIRE(seen.size() == 2);
        CHECK_FALSE(seen[0].is_available);
        CHECK(seen[0].why == cause::rings_filtered);
    }
}

TEST_CASE("without descriptors there are no rings, until there are descriptors again", "[hazard 46]") {
    const auto seen = seen_by_child([](auto tell) {
        forget();
        rlimit usual{};
        if (::getrlimit(RLIMIT_NOFILE, &usual) != 0) return;
        const rlimit none{0, usual.rlim_max};
        if (::setrlimit(RLIMIT_NOFILE, &none) != 0) return;
        tell(look());
        tell(look());
        if (::setrlimit(RLIMIT_NOFILE, &usual) != 0) return;
        tell(look());
        // Now it is known, and takes no descriptor.
        if (::setrlimit(RLIMIT_NOFILE, &none) != 0) return;
        tell(look());
    });
    REQUIRE(seen.size() == 4);
    for (const std::size_t i : {0u, 1u}) {
        CHECK_FALSE(seen[i].is_available);
        CHECK(seen[i].can_pass);
        CHECK(seen[i].code == EMFILE);
        CHECK(seen[i].why == cause::setup_call);
    }
    CHECK(seen[2].is_available);
    CHECK_FALSE(seen[2].can_pass);
    CHECK(seen[3].is_available);
    CHECK(seen[3].is_same_object);
}

TEST_CASE("a forked child has its parent's snapshot and asks for nothing", "[hazard 22]") {
    forget();
    REQUIRE(abilities().available());
    const auto seen = seen_by_child([](auto tell) {
        // Asking would show.
        if (filter_away(SYS_io_uring_setup, EPERM)) tell(look());
    });
    if (seen.empty()) LIO_SKIP(no_filters);
    CHECK(seen[0].is_available);
    CHECK(seen[0].is_same_object);
}

} // namespace abilities_test
