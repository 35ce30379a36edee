// The snapshot of abilities on systems that forbid rings, lack them, or are short of something for a while. Test code.

#include "fake_kernel.hpp"

#include "../support/skip.hpp"

#include <lio/abi/query.hpp>
#include <lio/abilities.hpp>
#include <lio/op/all.hpp>

#include "abilities_cache.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace fake_kernel_abilities_test {

namespace abi = lio::abi;

using lio::abilities;
using lio::cause;
using lio::error;
using lio::setup;
using lio::system_abilities;
using lio::fake::ground;

namespace {

const char* const disabled = "/proc/sys/kernel/io_uring_disabled";
const char* const group = "/proc/sys/kernel/io_uring_group";
const char* const osrelease = "/proc/sys/kernel/osrelease";

/// Each of these is the first use in a process.
class first_use {
public:
    explicit first_use(lio::fake::kernel& kernel) : kernel_{kernel} {
        REQUIRE(lio::detail::known_abilities == nullptr);
    }
    first_use(const first_use&) = delete;
    first_use& operator=(const first_use&) = delete;
    ~first_use() { forget(); }

    void forget() {
        if (lio::detail::known_abilities != nullptr) kernel_.unmap_left(sizeof(system_abilities));
        lio::detail::known_abilities = nullptr;
        CHECK(kernel_.left() == "");
    }

private:
    lio::fake::kernel& kernel_;
};

bool says(error problem, const char* word) { return std::strstr(problem.message(), word) != nullptr; }

// The reason where io_uring_setup always fails with `code`, on a system with these files.
error reason_for(int code, std::map<std::string, std::string> texts) {
    lio::fake::kernel kernel{ground::model};
    const first_use first{kernel};
    kernel.texts = std::move(texts);
    kernel.fail(lio::arch::io_uring_setup, code, 1, lio::fake::kernel::always);
    const system_abilities& found = abilities();
    CHECK_FALSE(found.available());
    CHECK_FALSE(found.can_pass());
    kernel.forget_calls();
    CHECK(&abilities() == &found);
    CHECK(kernel.calls().empty());
    CHECK(found.reason().code() == code);
    return found.reason();
}

std::uint32_t bits(setup options) { return static_cast<std::uint32_t>(options); }

// Those that the model does not play.
constexpr std::uint32_t never_in_model = abi::setup_no_mmap | abi::setup_registered_fd_only;

// Answers all queries, and has no list of operations.
long answer_queries(abi::register_opcode opcode, void* argument, std::uint32_t setup_flags,
                    std::uint32_t known_queries) {
    if (opcode != abi::register_opcode::register_query) return -EINVAL;
    for (auto* question = static_cast<abi::query_hdr*>(argument); question != nullptr;
         question = reinterpret_cast<abi::query_hdr*>(static_cast<std::uintptr_t>(question->next_entry))) {
        void* const data = reinterpret_cast<void*>(static_cast<std::uintptr_t>(question->query_data));
        if (question->query_op >= known_queries) {
            // What a kernel leaves behind there is not to be relied on.
            std::memset(data, 0x5a, question->size);
            question->result = -EOPNOTSUPP;
            question->size = 0;
            continue;
        }
        std::memset(data, 0, question->size);
        if (question->query_op == abi::query_op_opcodes) {
            auto& numbers = *static_cast<abi::query_opcode*>(data);
            numbers.nr_request_opcodes = 63;
            numbers.nr_register_opcodes = 36;
            numbers.nr_query_opcodes = known_queries;
            numbers.ring_setup_flags = setup_flags;
            numbers.enter_flags = 0xff;
        } else if (question->query_op == abi::query_op_zcrx) {
            static_cast<abi::query_zcrx*>(data)->nr_ctrl_opcodes = 2;
        } else if (question->query_op == abi::query_op_scq) {
            static_cast<abi::query_scq*>(data)->hdr_alignment = 64;
        } else {
            static_cast<abi::query_zcrx_event*>(data)->event_flags = 3;
        }
    }
    return 0;
}

} // namespace

TEST_CASE("where the sysctl forbids rings the reason names it, its value and who may", "[hazard 46]") {
    const error to_all = reason_for(EPERM, {{disabled, "2\n"}, {group, "-1\n"}, {osrelease, "6.6\n"}});
    CHECK(to_all.why() == cause::rings_disabled);
    CHECK(says(to_all, "kernel.io_uring_disabled is 2"));

    const error no_group = reason_for(EPERM, {{disabled, "1\n"}, {group, "-1\n"}, {osrelease, "6.6\n"}});
    CHECK(no_group.why() == cause::rings_limited_to_administrators);
    CHECK(says(no_group, "kernel.io_uring_disabled is 1"));
    CHECK(says(no_group, "CAP_SYS_ADMIN"));

    const error in_group = reason_for(EPERM, {{disabled, "1\n"}, {group, "1000\n"}, {osrelease, "6.6\n"}});
    CHECK(in_group.why() == cause::rings_limited_to_group);
    CHECK(says(in_group, "kernel.io_uring_group"));
    // A group of number 0 is one, too; and one that cannot be read is not taken for one.
    CHECK(reason_for(EPERM, {{disabled, "1\n"}, {group, "0\n"}}).why() == cause::rings_limited_to_group);
    CHECK(reason_for(EPERM, {{disabled, "1\n"}}).why() == cause::rings_limited_to_administrators);
}

TEST_CASE("where no sysctl forbids rings the reason is a filter", "[hazard 46]") {
    const error allowed = reason_for(EPERM, {{disabled, "0\n"}, {group, "-1\n"}, {osrelease, "6.6\n"}});
    CHECK(allowed.why() == cause::rings_filtered);
    CHECK(says(allowed, "seccomp"));
    // Before Linux 6.6 there is none.
    CHECK(reason_for(EPERM, {{osrelease, "5.15\n"}}).why() == cause::rings_filtered);
    // A kernel that has the sysctl has io_uring as well.
    CHECK(reason_for(ENOSYS, {{disabled, "0\n"}, {osrelease, "6.6\n"}}).why() == cause::rings_filtered);
    CHECK(reason_for(ENOSYS, {{disabled, "2\n"}, {osrelease, "6.6\n"}}).why() == cause::rings_filtered);
}

TEST_CASE("where it cannot be told what forbids rings, the reason names all that can", "[hazard 46]") {
    const error nothing_to_read = reason_for(EPERM, {});
    CHECK(nothing_to_read == error{EPERM, cause::setup_call});
    CHECK(says(nothing_to_read, "kernel.io_uring_disabled"));
    CHECK(says(nothing_to_read, "seccomp"));
    CHECK(reason_for(EPERM, {{disabled, ""}}) == error{EPERM, cause::setup_call});
    CHECK(reason_for(ENOSYS, {{osrelease, "5.15\n"}}) == error{ENOSYS, cause::setup_call});
    CHECK(reason_for(EACCES, {{disabled, "2\n"}}) == error{EACCES, cause::setup_call});
    CHECK(reason_for(EINVAL, {}) == error{EINVAL, cause::setup_call});

    const auto unreadable = [](lio::arch::number call, int code) {
        lio::fake::kernel kernel{ground::model};
        const first_use first{kernel};
        kernel.texts = {{disabled, "2\n"}, {osrelease, "6.6\n"}};
        kernel.fail(lio::arch::io_uring_setup, EPERM, 1, lio::fake::kernel::always);
        kernel.fail(call, code, 1, lio::fake::kernel::always);
        return abilities().reason();
    };
    CHECK(unreadable(lio::arch::openat, EACCES) == error{EPERM, cause::setup_call});
    CHECK(unreadable(lio::arch::openat, EPERM) == error{EPERM, cause::setup_call});
    CHECK(unreadable(lio::arch::read, EPERM) == error{EPERM, cause::setup_call});
}

TEST_CASE("where rings can be made but not asked the reason is a filter, and nothing stays open", "[hazard 46]") {
    lio::fake::kernel kernel{ground::model};
    const first_use first{kernel};
    const int code = GENERATE(EPERM, EACCES, ENOSYS);
    kernel.fail_register(abi::register_opcode::register_probe, code, lio::fake::kernel::always);
    const system_abilities& found = abilities();
    CHECK_FALSE(found.available());
    CHECK_FALSE(found.can_pass());
    CHECK(found.reason() == error{code, cause::rings_filtered});
    CHECK(kernel.open_rings().empty());
}

TEST_CASE("where there are no rings nothing is supported") {
    lio::fake::kernel kernel{ground::model};
    const first_use first{kernel};
    const int code = GENERATE(ENOSYS, ENOMEM);
    kernel.fail(lio::arch::io_uring_setup, code, 1, lio::fake::kernel::always);
    const system_abilities& found = abilities();
    CHECK_FALSE(found.available());
    CHECK_FALSE(found.supports<lio::op::nop>());
    CHECK_FALSE(found.supports(lio::op::nop::code));
    CHECK_FALSE(found.supports(0));
    CHECK_FALSE(found.supports(setup::none));
    CHECK_FALSE(found.supports(setup::iopoll));
    CHECK(found.setup_options() == setup::none);
    CHECK(found.last_opcode() == -1);
    CHECK(found.features() == 0);
    CHECK_FALSE(found.linux_at_least({5, 1}));
    CHECK_FALSE(found.linux_at_least({0, 0}));
    CHECK(found.numbers().nr_request_opcodes == 0);
}

TEST_CASE("what can pass is not kept: the next call asks again", "[hazard 46]") {
    lio::fake::on_each_ground([](lio::fake::kernel& kernel) {
        first_use first{kernel};
        for (const int code : {ENOMEM, EAGAIN, EMFILE, ENFILE}) {
            INFO("errno " << code);
            kernel.fail(lio::arch::io_uring_setup, code, 1, 2);
            const system_abilities& before = abilities();
            CHECK_FALSE(before.available());
            CHECK(before.can_pass());
            CHECK(before.reason() == error{code, cause::setup_call});
            CHECK(std::strcmp(before.reason().message(), error{code}.message()) != 0);
            CHECK(kernel.left() == "");
            CHECK(&abilities() == &before);

            const system_abilities& after = abilities();
            CHECK(after.available());
            CHECK_FALSE(after.can_pass());
            // What was said stays said, to whoever still holds it.
            CHECK(before.reason() == error{code, cause::setup_call});
            kernel.forget_calls();
            CHECK(&abilities() == &after);
            CHECK(kernel.calls().empty());
            first.forget();
        }
    });
}

TEST_CASE("without memory for the answer there are no rings, for as long as that lasts", "[hazard 46]") {
    lio::fake::on_each_ground([](lio::fake::kernel& kernel) {
        const first_use first{kernel};
        for (const int code : {ENOMEM, EAGAIN, EPERM}) {
            kernel.fail(lio::arch::mmap, code);
            const system_abilities& before = abilities();
            CHECK_FALSE(before.available());
            CHECK(before.can_pass());
            CHECK(before.reason() == error{ENOMEM, cause::map_call});
            CHECK(kernel.left() == "");
        }
        CHECK(abilities().available());
    });
}

TEST_CASE("a snapshot is taken once, and a forked child asks nothing either") {
    lio::fake::on_each_ground([](lio::fake::kernel& kernel) {
        const first_use first{kernel};
        const system_abilities& found = abilities();
        CHECK(found.available());
        CHECK(kernel.open_rings().empty());
        CHECK(kernel.mappings().size() == 1);
        CHECK_FALSE(kernel.mappings().begin()->second.do_not_fork);
        kernel.forget_calls();
        CHECK(&abilities() == &found);
        kernel.pretend_to_be_forked();
        CHECK(&abilities() == &found);
        CHECK(kernel.calls().empty());
    });
}

TEST_CASE("a kernel that answers no queries shows by trial which options it takes", "[hazard 47]") {
    const auto check = [](const lio::fake::release& plays, std::size_t most_rings) {
        INFO(plays.name);
        lio::fake::kernel kernel{ground::model, plays};
        const first_use first{kernel};
        const system_abilities& found = abilities();
        REQUIRE(found.available());
        CHECK(bits(found.setup_options()) == (plays.setup_flags & ~never_in_model));
        CHECK(found.features() == plays.features);
        CHECK(found.numbers().ring_setup_flags == 0);
        std::size_t made = 0;
        for (const auto& call : kernel.calls_of(lio::arch::io_uring_setup)) made += call.answer >= 0;
        CHECK(made <= most_rings);
        CHECK(kernel.count_calls() <= 40);
    };
    // Before Linux 5.12 their memory counts towards a limit that is often 64 KiB, of which a small ring takes 8.
    check(lio::fake::linux_5_1, 3);
    check(lio::fake::linux_5_4, 3);
    check(lio::fake::linux_5_5, 3);
    check(lio::fake::linux_5_10, 3);
    check(lio::fake::linux_5_11, 3);
    check(lio::fake::linux_5_18, 4);
    check(lio::fake::linux_5_19, 4);
    check(lio::fake::linux_6_0, 4);
    check(lio::fake::linux_6_1, 5);
    check(lio::fake::linux_6_6, 5);
    check(lio::fake::linux_6_18, 5);
}

TEST_CASE("whichever flags a kernel takes, trials find each of them", "[hazard 47]") {
    // No release has these sets; but vendors choose what they take over.
    constexpr std::uint32_t alone[] = {
        abi::setup_iopoll, abi::setup_clamp, abi::setup_r_disabled,    abi::setup_submit_all, abi::setup_coop_taskrun,
        abi::setup_sqe128, abi::setup_cqe32, abi::setup_single_issuer, abi::setup_no_sqarray, abi::setup_sqe_mixed,
    };
    for (unsigned set = 0; set < 1u << std::size(alone); set += 5) {
        std::uint32_t flags = abi::setup_sqpoll | abi::setup_sq_aff;
        for (std::size_t i = 0; i < std::size(alone); ++i)
            if ((set >> i & 1) != 0) flags |= alone[i];
        lio::fake::kernel kernel{ground::model, {"a vendor's", flags, 0, false, false}};
        const first_use first{kernel};
        // These two are concluded from the release.
        const std::uint32_t found = bits(abilities().setup_options()) & ~(abi::setup_cqsize | abi::setup_attach_wq);
        CHECK(found == flags);
    }
}

TEST_CASE("an errno other than EINVAL does not mean that an option is unknown") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_6_6};
    const first_use first{kernel};
    // All but the first, which is of the probe.
    kernel.fail(lio::arch::io_uring_setup, EFAULT, 2, lio::fake::kernel::always);
    const system_abilities& found = abilities();
    REQUIRE(found.available());
    CHECK(found.supports(setup::hybrid_iopoll | setup::iopoll));
    CHECK(found.supports(setup::sqpoll));
    CHECK(has(found.setup_options(), static_cast<setup>(abi::setup_no_mmap | abi::setup_registered_fd_only)));
}

TEST_CASE("what the kernel says of itself is believed, without trials", "[hazard 47]") {
    constexpr std::uint32_t flags = 0x1fffff | 1u << 30; // one that this library does not know
    lio::fake::kernel kernel{ground::model};
    const first_use first{kernel};
    SECTION("all answers") {
        kernel.answers_questions = [](abi::register_opcode opcode, void* argument, std::uint32_t) {
            return answer_queries(opcode, argument, flags, abi::query_max);
        };
        const system_abilities& found = abilities();
        CHECK(bits(found.setup_options()) == flags);
        CHECK(found.numbers().nr_request_opcodes == 63);
        CHECK(found.numbers().nr_register_opcodes == 36);
        CHECK(found.numbers().enter_flags == 0xff);
        CHECK(found.zero_copy_receive().nr_ctrl_opcodes == 2);
        CHECK(found.queue_header().hdr_alignment == 64);
        CHECK(found.zero_copy_receive_events().event_flags == 3);
    }
    SECTION("as Linux 6.18, which knows one question") {
        kernel.answers_questions = [](abi::register_opcode opcode, void* argument, std::uint32_t) {
            return answer_queries(opcode, argument, flags, 1);
        };
        const system_abilities& found = abilities();
        CHECK(bits(found.setup_options()) == flags);
        CHECK(found.numbers().nr_query_opcodes == 1);
        CHECK(found.zero_copy_receive().nr_ctrl_opcodes == 0);
        CHECK(found.queue_header().hdr_size == 0);
        CHECK(found.queue_header().hdr_alignment == 0);
        CHECK(found.zero_copy_receive_events().event_flags == 0);
    }
    // The probe's ring, and the one with a thread.
    CHECK(kernel.count(lio::arch::io_uring_setup) == 2);
    CHECK(kernel.count_calls() <= 10);
}

TEST_CASE("a filter on queries costs their answers and nothing else") {
    lio::fake::on_each_ground([](lio::fake::kernel& kernel) {
        const first_use first{kernel};
        kernel.fail_register(abi::register_opcode::register_query, EPERM, lio::fake::kernel::always);
        const system_abilities& found = abilities();
        CHECK(found.available());
        CHECK(found.numbers().nr_request_opcodes == 0);
        CHECK(found.supports(setup::clamp | setup::submit_all));
    });
}

TEST_CASE("a kernel thread is supported unless this process may not have one") {
    lio::fake::kernel kernel{ground::model};
    const first_use first{kernel};
    kernel.answers_questions = [](abi::register_opcode opcode, void* argument, std::uint32_t) {
        return answer_queries(opcode, argument, 0x7ffff, abi::query_max);
    };
    SECTION("because of its privileges or a security module") {
        kernel.fail(lio::arch::io_uring_setup, GENERATE(EPERM, EACCES), 2);
        const system_abilities& found = abilities();
        CHECK(found.available());
        CHECK_FALSE(found.supports(setup::sqpoll));
        CHECK_FALSE(found.supports(static_cast<setup>(abi::setup_sq_aff)));
        CHECK(found.supports(setup::clamp));
    }
    SECTION("a thread too many, at the moment, is no such thing") {
        kernel.fail(lio::arch::io_uring_setup, EAGAIN, 2);
        CHECK(abilities().supports(setup::sqpoll));
    }
}

TEST_CASE("a set is supported if it has what it needs and nothing excludes another") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_6_18};
    const first_use first{kernel};
    const system_abilities& found = abilities();
    CHECK(found.supports(setup::none));
    CHECK(found.supports(setup::single_issuer | setup::deferred_taskrun | setup::taskrun_flag | setup::no_sq_array));
    CHECK(found.supports(setup::large_entries | setup::large_completions));
    CHECK_FALSE(found.supports(setup::deferred_taskrun));
    CHECK_FALSE(found.supports(setup::taskrun_flag));
    CHECK_FALSE(found.supports(setup::hybrid_iopoll));
    CHECK(found.supports(setup::hybrid_iopoll | setup::iopoll));
    CHECK_FALSE(found.supports(setup::sqpoll | setup::cooperative_taskrun));
    CHECK_FALSE(found.supports(static_cast<setup>(1u << 31)));
    CHECK_FALSE(found.supports(setup::clamp | static_cast<setup>(1u << 31)));
}

TEST_CASE("of two threads that ask at once, the second takes the first one's answer and leaves nothing") {
    lio::fake::on_each_ground([](lio::fake::kernel& kernel) {
        first_use first{kernel};
        const system_abilities others = abilities();
        first.forget();
        kernel.answers_questions = [&](abi::register_opcode, void*, std::uint32_t) {
            lio::detail::known_abilities = &others;
            return -EINVAL;
        };
        CHECK(&abilities() == &others);
        CHECK(kernel.left() == "");
        lio::detail::known_abilities = nullptr;
    });
}

TEST_CASE("many threads that are the first get one answer") {
    lio::fake::on_each_ground([](lio::fake::kernel& kernel) {
        for (int round = 0; round < 10; ++round) {
            const first_use first{kernel};
            std::vector<const system_abilities*> found(8);
            std::vector<std::uint32_t> features(found.size());
            std::vector<std::thread> threads;
            for (std::size_t i = 0; i < found.size(); ++i)
                threads.emplace_back([&, i] {
                    found[i] = &abilities();
                    features[i] = found[i]->features();
                });
            for (std::thread& one : threads) one.join();
            for (const system_abilities* one : found) CHECK(one == lio::detail::known_abilities);
            for (const std::uint32_t one : features) CHECK(one == abilities().features());
            CHECK(kernel.open_rings().empty());
            CHECK(kernel.mappings().size() == 1);
        }
    });
}

TEST_CASE("whichever call of a snapshot fails, nothing is left open", "[hazard 18]") {
    const int code = GENERATE(EINVAL, ENOMEM, EPERM);
    for (std::size_t nth = 1;; ++nth) {
        lio::fake::kernel kernel{ground::model, lio::fake::linux_6_6};
        const first_use first{kernel};
        kernel.fail_any(nth, code);
        const system_abilities& found = abilities();
        INFO("call " << nth << ", errno " << code);
        CHECK(kernel.open_rings().empty());
        CHECK(kernel.mappings().size() == (lio::detail::known_abilities != nullptr ? 1 : 0));
        CHECK((found.available() || found.reason().code() != 0));
        if (kernel.calls_that_can_fail() < nth) break;
    }
}

} // namespace fake_kernel_abilities_test
