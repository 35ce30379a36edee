// Which set-up a ring gets: the library's choice on each release of Linux, what the caller asked for, and what is said
// when the two do not meet. Test code.

#include "fake_kernel.hpp"

#include <lio/op/nop.hpp>
#include <lio/ring.hpp>
#include <lio/split.hpp>

#include <cerrno>
#include <string>
#include <vector>

namespace fake_kernel_setup_choice_test {

using lio::cause;
using lio::has;
using lio::setup;
using lio::fake::ground;
using lio::fake::release;

namespace {

struct choice {
    release plays;
    setup ring;
    setup split;
};

const std::vector<choice>& choices() {
    constexpr setup deferred = setup::single_issuer | setup::deferred_taskrun | setup::taskrun_flag |
                               setup::submit_all | setup::start_disabled;
    constexpr setup cooperative =
        setup::cooperative_taskrun | setup::taskrun_flag | setup::submit_all | setup::start_disabled;
    static const std::vector<choice> table = {
        {lio::fake::linux_5_1, setup::none, setup::none},
        {lio::fake::linux_5_4, setup::none, setup::none},
        {lio::fake::linux_5_10, setup::none, setup::none},
        {lio::fake::linux_5_11, setup::none, setup::none},
        {lio::fake::linux_5_18, setup::submit_all | setup::start_disabled, setup::submit_all},
        {lio::fake::linux_5_19, cooperative, setup::submit_all},
        {lio::fake::linux_6_0, cooperative, setup::submit_all},
        {lio::fake::linux_6_1, deferred, setup::submit_all},
        {lio::fake::linux_6_6, deferred | setup::no_sq_array, setup::submit_all | setup::no_sq_array},
        {lio::fake::linux_6_18, deferred | setup::no_sq_array, setup::submit_all | setup::no_sq_array},
        {lio::fake::linux_7_3, deferred | setup::no_sq_array, setup::submit_all | setup::no_sq_array},
    };
    return table;
}

std::uint32_t bits(setup flags) { return static_cast<std::uint32_t>(flags); }

bool same_parameters_but_flags(lio::abi::params a, lio::abi::params b) {
    a.flags = b.flags = 0;
    return __builtin_memcmp(&a, &b, sizeof a) == 0;
}

// A kernel that knows everything but this.
release without(setup option) {
    release one = lio::fake::linux_7_3;
    one.name = "a Linux that lacks one option";
    one.setup_flags &= ~bits(option);
    return one;
}

constexpr setup contradictions[] = {
    setup::sqpoll | setup::cooperative_taskrun,
    setup::sqpoll | setup::cooperative_taskrun | setup::taskrun_flag,
    setup::sqpoll | setup::single_issuer | setup::deferred_taskrun,
    setup::sqpoll | setup::taskrun_flag,
    setup::deferred_taskrun,
    setup::deferred_taskrun | setup::taskrun_flag,
    setup::taskrun_flag,
    setup::taskrun_flag | setup::single_issuer,
    setup::hybrid_iopoll,
    setup::hybrid_iopoll | setup::sqpoll,
    setup::rewind,
    setup::rewind | setup::no_sq_array | setup::sqpoll,
};

} // namespace

TEST_CASE("on every release a ring gets the best set-up that this release has", "[hazard 19]") {
    for (const choice& expected : choices()) {
        DYNAMIC_SECTION("on " << expected.plays.name) {
            lio::fake::kernel kernel{ground::model, expected.plays};
            {
                lio::ring ring = lio::ring::create({.entries = 8}).value();
                CHECK(bits(ring.setup_flags()) == bits(expected.ring));
                CHECK(ring.features() == expected.plays.features);
                ring.push(lio::op::nop().user_data(3)).value();
                CHECK(ring.submit_and_wait(1).value().taken == 1);
                CHECK(ring.next().value().user_data() == 3);
                CHECK(kernel.ring().header_is_intact());
            }
            auto [completions, submissions] = lio::with_capacity(8).value();
            CHECK(bits(static_cast<setup>(kernel.ring().parameters().flags)) == bits(expected.split));
            submissions.push(lio::op::nop().user_data(4)).value();
            CHECK(submissions.submit().value().taken == 1);
            CHECK(completions.next().value().user_data() == 4);
        }
    }
}

TEST_CASE("every step down starts from the same parameters and keeps what was asked for", "[hazard 19]") {
    const lio::ring_options asked{
        .entries = 8, .completion_entries = 64, .require = setup::clamp | setup::start_disabled};
    for (const choice& expected : choices()) {
        if (!has(static_cast<setup>(expected.plays.setup_flags), asked.require)) continue;
        DYNAMIC_SECTION("on " << expected.plays.name) {
            lio::fake::kernel kernel{ground::model, expected.plays};
            const lio::ring ring = lio::ring::create(asked).value();
            CHECK(bits(ring.setup_flags()) ==
                  bits(expected.ring | asked.require | static_cast<setup>(lio::abi::setup_cqsize)));
            const auto setups = kernel.calls_of(lio::arch::io_uring_setup);
            lio::abi::params fresh{};
            fresh.cq_entries = 64;
            for (const auto& call : setups) {
                CHECK(call.arguments[0] == 8);
                CHECK(same_parameters_but_flags(call.asked, fresh));
                CHECK(has(static_cast<setup>(call.asked.flags), asked.require));
            }
            for (std::size_t i = 1; i < setups.size(); ++i) CHECK(setups[i].asked.flags != setups[i - 1].asked.flags);
        }
    }
}

TEST_CASE("a step down goes on for EINVAL only", "[hazard 19]") {
    for (const int code : {ENOMEM, EPERM, EAGAIN, ENOSYS}) {
        lio::fake::kernel kernel{ground::model, lio::fake::linux_5_10};
        // The first tries are refused as this release does; then something else happens.
        kernel.fail(lio::arch::io_uring_setup, code, 3);
        const auto made = lio::ring::create({.entries = 8});
        REQUIRE_FALSE(made);
        CHECK(made.error() == lio::error{code, cause::setup_call});
        CHECK(kernel.count_calls() == 3);
    }
}

TEST_CASE("an option that was asked for is given, or the error names it", "[hazard 8][hazard 19]") {
    struct row {
        setup option;
        setup companions;
        cause missing;
        const char* name;
    };
    const row rows[] = {
        {setup::iopoll, setup::none, cause::iopoll_missing, "setup::iopoll"},
        {setup::sqpoll, setup::none, cause::sqpoll_missing, "setup::sqpoll"},
        {setup::clamp, setup::none, cause::clamp_missing, "setup::clamp"},
        {setup::start_disabled, setup::none, cause::start_disabled_missing, "setup::start_disabled"},
        {setup::submit_all, setup::none, cause::submit_all_missing, "setup::submit_all"},
        {setup::cooperative_taskrun, setup::none, cause::cooperative_taskrun_missing, "setup::cooperative_taskrun"},
        {setup::taskrun_flag, setup::cooperative_taskrun, cause::taskrun_flag_missing, "setup::taskrun_flag"},
        {setup::taskrun_flag, setup::deferred_taskrun | setup::single_issuer, cause::taskrun_flag_missing,
         "setup::taskrun_flag"},
        {setup::single_issuer, setup::none, cause::single_issuer_missing, "setup::single_issuer"},
        {setup::deferred_taskrun, setup::single_issuer, cause::deferred_taskrun_missing, "setup::deferred_taskrun"},
        {setup::no_sq_array, setup::none, cause::no_sq_array_missing, "setup::no_sq_array"},
        {setup::hybrid_iopoll, setup::iopoll, cause::hybrid_iopoll_missing, "setup::hybrid_iopoll"},
        {setup::rewind, setup::no_sq_array, cause::rewind_missing, "setup::rewind"},
        {setup::rewind,
         setup::no_sq_array | setup::single_issuer | setup::deferred_taskrun | setup::taskrun_flag,
         cause::rewind_missing, "setup::rewind"},
    };
    for (const row& one : rows) {
        for (const bool exactly : {false, true}) {
            // Sections of one name would be one section.
            DYNAMIC_SECTION(one.name << " beside " << bits(one.companions) << (exactly ? ", exactly" : "")) {
                const lio::ring_options options{
                    .entries = 8, .require = one.option | one.companions, .exactly = exactly};
                {
                    lio::fake::kernel kernel{ground::model, lio::fake::linux_7_3};
                    const lio::ring ring = lio::ring::create(options).value();
                    CHECK(has(ring.setup_flags(), options.require));
                    if (exactly) CHECK(bits(ring.setup_flags()) == bits(options.require));
                    if (exactly) CHECK(kernel.count(lio::arch::io_uring_setup) == 1);
                }
                lio::fake::kernel kernel{ground::model, without(one.option)};
                const auto made = lio::ring::create(options);
                REQUIRE_FALSE(made);
                CHECK(made.error() == lio::error{EINVAL, one.missing});
                CHECK(std::string{made.error().message()}.find(one.name) != std::string::npos);
                // Whatever was tried as the ring itself had all that was asked for.
                for (const auto& call : kernel.calls_of(lio::arch::io_uring_setup))
                    if (call.arguments[0] == 8) CHECK(has(static_cast<setup>(call.asked.flags), options.require));
            }
        }
    }
}

TEST_CASE("a size of the completion queue that the kernel cannot be asked for is refused with the reason",
          "[hazard 8]") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_5_4};
    const auto made = lio::ring::create({.entries = 8, .completion_entries = 64});
    REQUIRE_FALSE(made);
    CHECK(made.error() == lio::error{EINVAL, cause::completion_size_missing});
    CHECK(std::string{made.error().message()}.find("Linux 5.5") != std::string::npos);
}

TEST_CASE("a CPU that is not there is told from a kernel that cannot do it", "[hazard 8]") {
    lio::fake::kernel kernel{ground::model};
    const auto made = lio::ring::create({.entries = 8, .require = setup::sqpoll, .sqpoll_cpu = 99});
    REQUIRE_FALSE(made);
    CHECK(made.error() == lio::error{EINVAL, cause::sqpoll_missing});
    CHECK(std::string{made.error().message()}.find("CPU") != std::string::npos);
}

TEST_CASE("the kernel thread's idle time and CPU reach the kernel, and are refused where there is no such thread") {
    lio::fake::kernel kernel{ground::model};
    lio::ring_options options{.entries = 8, .require = setup::sqpoll, .sqpoll_idle_milliseconds = 250, .sqpoll_cpu = 2};
    const auto asked = [&] {
        kernel.forget_calls();
        const lio::ring ring = lio::ring::create(options).value();
        return kernel.calls_of(lio::arch::io_uring_setup).back().asked;
    };
    CHECK(asked().sq_thread_idle == 250);
    CHECK(asked().sq_thread_cpu == 2);
    CHECK((asked().flags & lio::abi::setup_sq_aff) != 0);
    options.sqpoll_cpu = 0;
    CHECK((asked().flags & lio::abi::setup_sq_aff) != 0);
    options.sqpoll_cpu = -1;
    CHECK((asked().flags & lio::abi::setup_sq_aff) == 0);
    options.sqpoll_cpu = 2;
    options.require = setup::none;
    kernel.forget_calls();
    CHECK(lio::ring::create(options).error() == lio::error{EINVAL, cause::sqpoll_is_not_asked_for});
    CHECK(kernel.calls().empty());
}

TEST_CASE("options that exclude each other are refused without asking the kernel", "[hazard 20]") {
    lio::fake::kernel kernel{ground::model};
    for (const setup set : contradictions) {
        for (const bool exactly : {false, true}) {
            INFO("flags " << bits(set));
            const auto made = lio::ring::create({.entries = 8, .require = set, .exactly = exactly});
            REQUIRE_FALSE(made);
            CHECK(made.error() == lio::error{EINVAL, cause::contradicting_options});
            const auto split = lio::with_options({.entries = 8, .require = set, .exactly = exactly});
            REQUIRE_FALSE(split);
            CHECK(split.error() == lio::error{EINVAL, cause::contradicting_options});
        }
    }
    CHECK(kernel.calls().empty());
}

TEST_CASE("the kernel refuses the options that the library refuses, whatever its release", "[hazard 20]") {
    if (!lio::fake::real_kernel_has_rings()) LIO_SKIP("this machine's own kernel has no io_uring or forbids it (5.1)");
    lio::fake::kernel kernel{ground::real};
    for (const setup set : contradictions) {
        INFO("flags " << bits(set));
        lio::abi::params parameters{};
        parameters.flags = bits(set);
        CHECK(lio::arch::invoke(lio::arch::io_uring_setup, 8,
                                static_cast<long>(reinterpret_cast<std::uintptr_t>(&parameters))) == -EINVAL);
    }
}

TEST_CASE("a split ring refuses deferred_taskrun without asking the kernel", "[hazard 20]") {
    lio::fake::kernel kernel{ground::model};
    const auto split = lio::with_options({.entries = 8, .require = setup::deferred_taskrun | setup::single_issuer});
    REQUIRE_FALSE(split);
    CHECK(split.error() == lio::error{EINVAL, cause::split_binds_thread});
    CHECK(kernel.calls().empty());
}

TEST_CASE("sizes that the kernel refuses are refused with the reason", "[hazard 25]") {
    lio::fake::kernel kernel{ground::model};
    const auto reason = [](const lio::ring_options& options) {
        const auto made = lio::ring::create(options);
        REQUIRE_FALSE(made);
        CHECK(made.error().code() == EINVAL);
        const auto split = lio::with_options(options);
        REQUIRE_FALSE(split);
        CHECK(split.error() == made.error());
        return made.error().why();
    };
    CHECK(reason({.entries = 0}) == cause::no_entries);
    CHECK(reason({.entries = 0, .require = setup::clamp}) == cause::no_entries);
    CHECK(reason({.entries = 32769}) == cause::too_many_entries);
    CHECK(reason({.entries = 0x80000000u}) == cause::too_many_entries);
    CHECK(reason({.entries = 0xffffffffu}) == cause::too_many_entries);
    CHECK(reason({.entries = 8, .completion_entries = 65537}) == cause::too_many_entries);
    CHECK(reason({.entries = 8, .completion_entries = 4}) == cause::completion_entries_below_entries);
    CHECK(reason({.entries = 8, .completion_entries = 4, .require = setup::clamp}) ==
          cause::completion_entries_below_entries);
}

TEST_CASE("the queues are as large as the kernel made them", "[hazard 25]") {
    lio::fake::kernel kernel{ground::model};
    struct row {
        lio::ring_options options;
        std::uint32_t submissions;
        std::uint32_t completions;
    };
    const row rows[] = {
        {{.entries = 1}, 1, 2},
        {{.entries = 5}, 8, 16},
        {{.entries = 8, .completion_entries = 8}, 8, 8},
        {{.entries = 5, .completion_entries = 6}, 8, 8},
        {{.entries = 1, .completion_entries = 1}, 1, 1},
        {{.entries = 2, .completion_entries = 1000}, 2, 1024},
        {{.entries = 100000, .require = setup::clamp}, 32768, 65536},
        {{.entries = 8, .completion_entries = 0xffffffffu, .require = setup::clamp}, 8, 65536},
    };
    for (const row& one : rows) {
        INFO(one.options.entries << " entries, " << one.options.completion_entries << " completion entries");
        lio::ring ring = lio::ring::create(one.options).value();
        CHECK(ring.submission_capacity() == one.submissions);
        CHECK(ring.completion_capacity() == one.completions);
        CHECK(ring.submission_room() == one.submissions);
        // All of the room can be used, and no more.
        for (std::uint32_t i = 0; i < one.submissions; ++i) ring.push(lio::op::nop().user_data(i)).value();
        CHECK(ring.push(lio::op::nop()).error() == lio::error{EAGAIN, cause::queue_full});
        REQUIRE(ring.submit_and_wait(one.submissions).value().taken == one.submissions);
        bool in_order = true;
        std::uint64_t next = 0;
        for (const lio::cqe& done : ring.reap()) in_order = in_order && done.user_data() == next++;
        CHECK(in_order);
        CHECK(next == one.submissions);
    }
}

TEST_CASE("without a submission array nothing is written where one would be") {
    // Its offset is 0 then, which is where the queue's own words are.
    lio::fake::kernel kernel{ground::model};
    for (const lio::ring_options& options :
         {lio::ring_options{.entries = 8},
          lio::ring_options{.entries = 8, .require = setup::no_sq_array, .exactly = true}}) {
        lio::ring ring = lio::ring::create(options).value();
        REQUIRE(has(ring.setup_flags(), setup::no_sq_array));
        CHECK(kernel.ring().header_is_intact());
        CHECK(kernel.ring().submission_tail() == 0);
        CHECK(kernel.ring().completion_head() == 0);
        ring.push(lio::op::nop().user_data(1), lio::op::nop().user_data(2)).value();
        CHECK(ring.submit_and_wait(2).value().taken == 2);
        CHECK(kernel.ring().header_is_intact());
    }
}

TEST_CASE("where there is a submission array it names each slot in its own place, once and for all") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_6_1};
    for (const bool array_comes_first : {false, true}) {
        kernel.array_comes_first = array_comes_first;
        lio::ring ring = lio::ring::create({.entries = 8}).value();
        const std::vector<std::uint32_t> identity = {0, 1, 2, 3, 4, 5, 6, 7};
        CHECK(kernel.ring().array() == identity);
        CHECK(kernel.ring().header_is_intact());
        for (std::uint64_t i = 0; i < 13; ++i) {
            ring.push(lio::op::nop().user_data(i)).value();
            CHECK(ring.submit_and_wait(1).value().taken == 1);
            CHECK(ring.next().value().user_data() == i);
        }
        CHECK(kernel.ring().array() == identity);
        CHECK(kernel.ring().header_is_intact());
    }
}

} // namespace fake_kernel_setup_choice_test
