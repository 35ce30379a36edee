// What the probe says of the running kernel, against what the kernel does. Nothing here asks for the release's name.

#include "catch.hpp"

#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"

#include <lio/abi/register.hpp>
#include <lio/abi/setup.hpp>
#include <lio/large_ring.hpp>
#include <lio/op/all.hpp>
#include <lio/probe.hpp>
#include <lio/split.hpp>

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <limits>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

namespace probe_test {

using lio::probe;

namespace {

// Below 5.6 the kernel's own list, to which the probe is held here, does not exist.
bool kernel_lists_operations() { return lio::test::kernel_supports(lio::abi::opcode::nop); }

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all{"/proc/self/fd"};
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

bool same(const probe& a, const probe& b) {
    for (int number = 0; number < 256; ++number)
        if (a.supports(number) != b.supports(number)) return false;
    return a.last_opcode() == b.last_opcode() && a.features() == b.features();
}

// The first answer of the kernel to an operation that is over at once.
template <class Operation>
std::int32_t raw_result(const Operation& operation) {
    lio::ring ring = lio::ring::create({.entries = 4}).value();
    return lio::test::complete(ring, operation).raw_result();
}

} // namespace

TEST_CASE("a probe is a small value", "[layout]") {
    STATIC_REQUIRE(sizeof(probe) <= 64);
    STATIC_REQUIRE(std::is_trivially_copyable_v<probe>);
    STATIC_REQUIRE_FALSE(std::is_default_constructible_v<probe>);
}

TEST_CASE("the probe knows exactly the operations that the kernel lists", "[hazard 47]") {
    if (!kernel_lists_operations()) LIO_SKIP("the kernel does not list its operations, since Linux 5.6");
    const probe asked = probe::ask().value();
    int highest = -1;
    for (int number = 0; number < 256; ++number) {
        INFO("operation " << number);
        const bool listed = lio::test::kernel_supports(static_cast<lio::abi::opcode>(number));
        CHECK(asked.supports(number) == listed);
        CHECK(asked.supports(static_cast<lio::abi::opcode>(number)) == listed);
        if (listed) highest = number;
    }
    CHECK(asked.last_opcode() >= highest);
    CHECK(asked.last_opcode() < 255);
}

TEST_CASE("[hazard 44] numbers below 0 and above the last operation are not supported") {
    const probe asked = probe::ask().value();
    CHECK(asked.supports(0));
    CHECK_FALSE(asked.supports(asked.last_opcode() + 1));
    using limits = std::numeric_limits<std::int64_t>;
    const std::int64_t strange[] = {
        -1, -2, -64, 255, 256, 256 + 22, std::int64_t{1} << 32, limits::min(), limits::max(),
    };
    for (const std::int64_t number : strange) {
        INFO("number " << number);
        CHECK_FALSE(asked.supports(number));
    }
    CHECK_FALSE(asked.supports(std::numeric_limits<int>::min()));
    CHECK_FALSE(asked.supports(static_cast<lio::abi::opcode>(255)));
}

TEST_CASE("a probe by way of any ring says what one without says") {
    const probe alone = probe::ask().value();
    lio::test::under_each_setup([&](lio::ring& ring) {
        const probe asked = probe::ask(ring).value();
        CHECK(same(asked, alone));
        // The ring still works, and has nothing registered that it had not.
        CHECK(lio::test::complete(ring, lio::op::nop()).raw_result() == 0);
        CHECK(same(probe::ask(ring).value(), alone));
    });
    SECTION("by way of either half of a split ring") {
        const auto split = lio::with_capacity(4).value();
        CHECK(same(probe::ask(split.submissions).value(), alone));
        CHECK(same(probe::ask(split.completions).value(), alone));
    }
    SECTION("by way of a ring of longer entries, where there are such") {
        const auto large = lio::large_ring::create({.entries = 4});
        if (!large && large.error().code() == EINVAL) LIO_SKIP("no rings of longer entries, since Linux 5.19");
        CHECK(same(probe::ask(large.value()).value(), alone));
    }
}

TEST_CASE("a probe outlives the ring that it was asked of") {
    std::optional<lio::ring> ring = lio::ring::create({.entries = 4}).value();
    const probe asked = probe::ask(*ring).value();
    ring.reset();
    const probe copy = asked;
    CHECK(copy.supports<lio::op::nop>());
    CHECK(same(copy, probe::ask().value()));
}

TEST_CASE("a ring that was moved from cannot be asked") {
    lio::ring ring = lio::ring::create({.entries = 4}).value();
    const lio::ring other = std::move(ring);
    const auto refused = probe::ask(ring);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == lio::error{EBADF, lio::cause::ring_closed});
    CHECK(probe::ask(other));
}

TEST_CASE("another thread than the ring's own cannot ask it, and is told so") {
    lio::ring ring = lio::ring::create({.entries = 4}).value();
    if (!has(ring.setup_flags(), lio::setup::single_issuer))
        LIO_SKIP("rings have no thread of their own, since Linux 6.0");
    // It is this thread's from here on.
    CHECK(lio::test::complete(ring, lio::op::nop()).raw_result() == 0);
    std::thread{[&] {
        const auto refused = probe::ask(ring);
        CHECK_FALSE(refused);
        if (!refused) CHECK(refused.error() == lio::error{EEXIST, lio::cause::wrong_thread});
        CHECK(probe::ask());
    }}.join();
    CHECK(probe::ask(ring));
}

TEST_CASE("a ring that was restricted says that it is not to be asked") {
    if (!probe::ask().value().linux_at_least({5, 11}))
        LIO_SKIP("the kernel may know no restrictions, since Linux 5.10");
    const auto made = lio::ring::create({.entries = 4, .require = lio::setup::start_disabled, .exactly = true});
    if (!made) LIO_SKIP("rings cannot be made disabled, since Linux 5.10");
    // From Linux 7.0 on, registrations are restricted only where one is named.
    lio::abi::restriction allowed[2];
    allowed[0].opcode = lio::abi::restriction_sqe_op; // of op::nop
    allowed[1].opcode = lio::abi::restriction_register_op;
    allowed[1].register_op = static_cast<std::uint8_t>(lio::abi::register_opcode::register_enable_rings);
    const auto call = [&](lio::abi::register_opcode opcode, const void* argument, unsigned count) {
        return ::syscall(SYS_io_uring_register, made->file(), opcode, argument, count);
    };
    REQUIRE(call(lio::abi::register_opcode::register_restrictions, allowed, 2) == 0);
    REQUIRE(call(lio::abi::register_opcode::register_enable_rings, nullptr, 0) == 0);
    const auto refused = probe::ask(*made);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == lio::error{EACCES, lio::cause::register_call});
}

TEST_CASE("asking leaves no descriptor behind") {
    static_cast<void>(probe::ask().value());
    const std::size_t before = open_descriptors();
    for (int i = 0; i < 20; ++i) CHECK(probe::ask());
    CHECK(open_descriptors() == before);
}

TEST_CASE("[hazard 47] a release is reached with all releases before it, and the features agree") {
    const probe asked = probe::ask().value();
    CHECK(asked.linux_at_least({0, 0}));
    CHECK(asked.linux_at_least({5, 1}));
    CHECK_FALSE(asked.linux_at_least({255, 255}));
    bool reached = true;
    for (std::uint8_t major = 5; major < 9; ++major)
        for (std::uint8_t minor = 0; minor < 25; ++minor) {
            const bool here = asked.linux_at_least({major, minor});
            INFO("Linux " << int{major} << '.' << int{minor});
            CHECK((reached || !here));
            reached = here;
        }
    const auto agrees = [&](std::uint32_t feature, lio::kernel_version release) {
        INFO("Linux " << int{release.major} << '.' << int{release.minor});
        CHECK(((asked.features() & feature) == 0 || asked.linux_at_least(release)));
    };
    agrees(lio::abi::feat_single_mmap, {5, 4});
    agrees(lio::abi::feat_rw_cur_pos, {5, 6});
    agrees(lio::abi::feat_ext_arg, {5, 11});
    agrees(lio::abi::feat_cqe_skip, {5, 17});
    agrees(lio::abi::feat_reg_reg_ring, {6, 3});
    agrees(lio::abi::feat_recvsend_bundle, {6, 10});
    agrees(lio::abi::feat_no_iowait, {6, 15});
}

TEST_CASE("what is supported as a variant is not refused as unknown") {
    const probe asked = probe::ask().value();
    CHECK(asked.supports<lio::op::nop, lio::op::readv, lio::op::fsync>());
    int tried = 0;
    const auto try_it = [&](const auto& operation, const char* name) {
        if (!asked.supports<std::remove_cvref_t<decltype(operation)>>()) {
            lio::test::record_partial_skip(std::string{name} + " is not shown to be supported");
            return;
        }
        INFO(name);
        CHECK(raw_result(operation) != -EINVAL);
        ++tried;
    };
    // Each shares its number with an older one, and fails at once, because there is nothing to be found or no file.
    try_it(lio::op::cancel{std::uint64_t{1}}, "cancel, since Linux 5.5");
    try_it(lio::op::cancel_all{std::uint64_t{1}}, "cancel_all, since Linux 5.19");
    try_it(lio::op::cancel_opcode{lio::op::read::code}, "cancel_opcode, since Linux 6.6");
    try_it(lio::op::accept_multishot{lio::descriptor{-1}}, "accept_multishot, since Linux 5.19");
    const lio::timespec no_time{};
    try_it(lio::op::timeout_update{std::uint64_t{1}, no_time}, "timeout_update, since Linux 5.11");
    try_it(lio::op::link_timeout_update{std::uint64_t{1}, no_time}, "link_timeout_update, since Linux 5.15");
    if (asked.linux_at_least({5, 6})) CHECK(tried > 0);
}

TEST_CASE("what is shown to be there says the same as the operation that came with it") {
    const probe asked = probe::ask().value();
    // For the first operation of a release the number alone decides.
    CHECK(asked.supports<lio::op::tee>() == asked.supports(lio::op::tee::code));
    CHECK(asked.supports<lio::op::socket>() == asked.supports(lio::op::socket::code));
    CHECK(asked.supports<lio::op::read_multishot>() == asked.supports(lio::op::read_multishot::code));
    CHECK(asked.supports<lio::op::waitid>() == asked.supports(lio::op::waitid::code));
    CHECK(asked.supports<lio::op::ftruncate>() == asked.supports(lio::op::ftruncate::code));
    CHECK(asked.supports<lio::op::epoll_wait>() == asked.supports(lio::op::epoll_wait::code));
    // And all must be there, not one.
    const bool both = asked.supports<lio::op::nop>() && asked.supports<lio::op::epoll_wait>();
    CHECK(asked.supports<lio::op::nop, lio::op::epoll_wait>() == both);
}

} // namespace probe_test
