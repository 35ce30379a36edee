// Asking kernels that never were: old, new, and unwilling ones. Test code.

#include "fake_kernel.hpp"

#include <lio/abi/query.hpp>
#include <lio/abi/zero_copy_receive.hpp>
#include <lio/op/all.hpp>
#include <lio/op/command.hpp>
#include <lio/probe.hpp>
#include <lio/ring.hpp>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>

namespace fake_kernel_probe_test {

using lio::kernel_version;
using lio::probe;
using lio::fake::ground;

namespace {

/// What a kernel says when it is asked.
struct sayings {
    int last_opcode = -1; // no list of operations
    std::uint32_t registrations = 0;
    std::uint32_t queries = 0; // of which the second is known, if there are so many
    std::uint32_t zcrx_flags = 0;
    std::uint32_t zcrx_controls = 0;
    std::set<int> missing = {};
};

// Answers as the kernel does, and finds fault with what it would refuse.
long answer(const sayings& says, lio::abi::register_opcode opcode, void* argument, std::uint32_t count) {
    namespace abi = lio::abi;
    if (opcode == abi::register_opcode::register_probe) {
        if (says.last_opcode < 0) return -EINVAL;
        const std::size_t size = sizeof(abi::probe) + count * sizeof(abi::probe_op);
        const auto* const bytes = static_cast<const char*>(argument);
        if (count > 256 || std::any_of(bytes, bytes + size, [](char byte) { return byte != 0; })) return -EINVAL;
        auto& list = *static_cast<abi::probe*>(argument);
        list.last_op = static_cast<std::uint8_t>(says.last_opcode);
        list.ops_len = static_cast<std::uint8_t>(std::min<std::uint32_t>(count, list.last_op + 1U));
        for (int i = 0; i < list.ops_len; ++i) {
            list.ops()[i].op = static_cast<std::uint8_t>(i);
            if (says.missing.count(i) == 0) list.ops()[i].flags = abi::op_supported;
        }
        return 0;
    }
    if (says.queries == 0 || count != 0) return -EINVAL;
    for (auto* question = static_cast<abi::query_hdr*>(argument); question != nullptr;
         question = reinterpret_cast<abi::query_hdr*>(static_cast<std::uintptr_t>(question->next_entry))) {
        if (question->query_op >= says.queries) {
            question->result = -EOPNOTSUPP;
            question->size = 0;
            continue;
        }
        void* const data = reinterpret_cast<void*>(static_cast<std::uintptr_t>(question->query_data));
        if (question->query_op == abi::query_op_opcodes) {
            REQUIRE(question->size == sizeof(abi::query_opcode));
            auto& numbers = *static_cast<abi::query_opcode*>(data);
            numbers.nr_register_opcodes = says.registrations;
            numbers.nr_query_opcodes = says.queries;
        } else {
            REQUIRE(question->query_op == abi::query_op_zcrx);
            REQUIRE(question->size == sizeof(abi::query_zcrx));
            auto& zcrx = *static_cast<abi::query_zcrx*>(data);
            zcrx.register_flags = says.zcrx_flags;
            zcrx.nr_ctrl_opcodes = says.zcrx_controls;
        }
    }
    return 0;
}

probe ask(const sayings& says, lio::fake::release plays) {
    lio::fake::kernel kernel{ground::model, plays};
    kernel.answers_questions = [&](lio::abi::register_opcode opcode, void* argument, std::uint32_t count) {
        return answer(says, opcode, argument, count);
    };
    const auto made = probe::ask().value();
    CHECK(kernel.left() == "");
    return made;
}

// The newest release that it takes the kernel for.
kernel_version newest(const probe& asked) {
    kernel_version newest{0, 0};
    for (std::uint8_t major = 4; major < 10; ++major)
        for (std::uint8_t minor = 0; minor < 30; ++minor)
            if (asked.linux_at_least({major, minor})) newest = {major, minor};
    return newest;
}

lio::fake::release with_features(std::uint32_t features, std::uint32_t setup_flags = 0) {
    return {"a release", setup_flags, features, false, false};
}

int last(lio::abi::opcode operation) { return static_cast<int>(operation); }

// Of a kernel to come, as a program would write it.
class not_yet_there : public lio::op::operation<not_yet_there> {
public:
    static constexpr lio::abi::opcode code{lio::abi::opcode_last};
    static constexpr kernel_version since{7, 4};
    using result_type = void;
};

} // namespace

TEST_CASE("a kernel that lists no operations is taken for what its features show", "[hazard 47]") {
    const probe first = ask({}, lio::fake::linux_5_1);
    CHECK(newest(first) == kernel_version{5, 1});
    CHECK(first.last_opcode() == 7);
    CHECK(first.features() == 0);
    CHECK(first.supports<lio::op::nop, lio::op::readv, lio::op::poll>());
    CHECK_FALSE(first.supports<lio::op::sync_file_range>());
    CHECK_FALSE(first.supports<lio::op::nop, lio::op::read>());

    const probe fourth = ask({}, lio::fake::linux_5_4);
    CHECK(newest(fourth) == kernel_version{5, 4});
    CHECK(fourth.last_opcode() == 11);
    CHECK(fourth.supports<lio::op::timeout>());
    CHECK_FALSE(fourth.supports<lio::op::accept>());

    const probe fifth = ask({}, lio::fake::linux_5_5);
    CHECK(newest(fifth) == kernel_version{5, 5});
    CHECK(fifth.last_opcode() == 16);
    CHECK(fifth.supports<lio::op::accept, lio::op::connect, lio::op::cancel>());
    CHECK_FALSE(fifth.supports<lio::op::read>());
    CHECK_FALSE(fifth.supports<lio::op::cancel_all>());
    CHECK_FALSE(fifth.supports(17));
}

TEST_CASE("each release is known by what came with it", "[hazard 47]") {
    namespace abi = lio::abi;
    const auto check = [](kernel_version release, const sayings& says, std::uint32_t features,
                          std::uint32_t flags = 0) {
        INFO("Linux " << int{release.major} << '.' << int{release.minor});
        CHECK(newest(ask(says, with_features(features, flags))) == release);
    };
    // Bit n of the features and all below it.
    const auto up_to = [](std::uint32_t feature) { return feature * 2 - 1; };
    check({5, 6}, {29}, up_to(abi::feat_cur_personality));
    check({5, 7}, {32}, up_to(abi::feat_fast_poll));
    check({5, 8}, {33}, up_to(abi::feat_fast_poll));
    check({5, 9}, {33}, up_to(abi::feat_poll_32bits));
    check({5, 11}, {36}, up_to(abi::feat_ext_arg));
    check({5, 12}, {36}, up_to(abi::feat_native_workers));
    check({5, 13}, {36}, up_to(abi::feat_rsrc_tags));
    check({5, 15}, {39}, up_to(abi::feat_rsrc_tags));
    check({5, 17}, {39}, up_to(abi::feat_linked_file));
    check({5, 18}, {40}, up_to(abi::feat_linked_file));
    check({5, 19}, {46}, up_to(abi::feat_linked_file));
    check({6, 0}, {47}, up_to(abi::feat_linked_file));
    check({6, 1}, {48}, up_to(abi::feat_linked_file));
    check({6, 3}, {48}, up_to(abi::feat_reg_reg_ring));
    check({6, 6}, {48}, up_to(abi::feat_reg_reg_ring), abi::setup_no_sqarray);
    check({6, 7}, {53}, up_to(abi::feat_reg_reg_ring), abi::setup_no_sqarray);
    check({6, 8}, {54}, up_to(abi::feat_reg_reg_ring), abi::setup_no_sqarray);
    check({6, 9}, {55}, up_to(abi::feat_reg_reg_ring), abi::setup_no_sqarray);
    check({6, 10}, {55}, up_to(abi::feat_recvsend_bundle), abi::setup_no_sqarray);
    check({6, 11}, {57}, up_to(abi::feat_recvsend_bundle), abi::setup_no_sqarray);
    check({6, 12}, {57}, up_to(abi::feat_min_timeout), abi::setup_no_sqarray);
    check({6, 14}, {57}, up_to(abi::feat_rw_attr), abi::setup_no_sqarray);
    check({6, 15}, {61}, up_to(abi::feat_no_iowait), abi::setup_no_sqarray);
    check({6, 16}, {62}, up_to(abi::feat_no_iowait), abi::setup_no_sqarray);
    check({6, 18}, {62, 36, 1}, up_to(abi::feat_no_iowait), abi::setup_no_sqarray);
    check({6, 19}, {64, 37, 3, 1, 2}, up_to(abi::feat_no_iowait), abi::setup_no_sqarray);
    check({7, 0}, {64, 38, 3, 1, 2}, up_to(abi::feat_no_iowait), abi::setup_no_sqarray);
    check({7, 1}, {64, 38, 3, 3, 2}, up_to(abi::feat_no_iowait), abi::setup_no_sqarray);
    check({7, 2}, {64, 38, 4, 3, 3}, up_to(abi::feat_no_iowait), abi::setup_no_sqarray);
    check({7, 3}, {64, 38, 4, 3, 4}, up_to(abi::feat_no_iowait), abi::setup_no_sqarray);
}

// The list of milestones names some operations with their release, which their own types do as well.
TEST_CASE("a list that ends with an operation shows the release that the operation's type names", "[hazard 47]") {
    const auto check = [](auto code, kernel_version since) {
        INFO("operation " << last(code));
        CHECK(newest(ask({last(code)}, with_features(0))) == since);
    };
    check(lio::op::tee::code, lio::op::tee::since);
    check(lio::op::linkat::code, lio::op::linkat::since);
    check(lio::op::uring_cmd::code, lio::op::uring_cmd::since);
    check(lio::op::futex_waitv::code, lio::op::futex_waitv::since);
    check(lio::op::fixed_fd_install::code, lio::op::fixed_fd_install::since);
    check(lio::op::ftruncate::code, lio::op::ftruncate::since);
    check(lio::op::listen::code, lio::op::listen::since);
    check(lio::op::pipe::code, lio::op::pipe::since);
    check(lio::op::uring_cmd128::code, lio::op::uring_cmd128::since);
}

TEST_CASE("a variant is there only if the release shows it, whatever its number says", "[hazard 47]") {
    // The number of accept has been there since 5.5, but not accept_multishot, which is of 5.19.
    const std::uint32_t features = lio::abi::feat_linked_file * 2 - 1;
    const probe older = ask({40}, with_features(features));
    CHECK(older.supports<lio::op::accept>());
    CHECK_FALSE(older.supports<lio::op::accept_multishot>());
    const probe newer = ask({46}, with_features(features));
    CHECK(newer.supports<lio::op::accept_multishot>());
    CHECK_FALSE(newer.supports<lio::op::accept_multishot, lio::op::cancel_opcode>());
    CHECK(newer.linux_at_least({5, 19}));
    CHECK_FALSE(newer.linux_at_least({6, 0}));
}

TEST_CASE("an operation that the kernel was built without is missing, but not those above it", "[hazard 44]") {
    const probe asked = ask({62, 36, 1, 0, 0, {last(lio::abi::opcode::epoll_wait), 13}}, lio::fake::linux_6_18);
    CHECK_FALSE(asked.supports<lio::op::epoll_wait>());
    CHECK_FALSE(asked.supports(13));
    CHECK_FALSE(asked.supports<lio::op::accept_multishot>());
    CHECK(asked.supports<lio::op::pipe>());
    CHECK(asked.last_opcode() == 62);
    CHECK(asked.linux_at_least({6, 18}));
}

TEST_CASE("[hazard 44] a kernel with more operations than this library knows is believed") {
    const probe asked = ask({200, 90, 40, 0xffff, 77}, with_features(0xffffffff, lio::abi::setup_no_sqarray));
    CHECK(asked.last_opcode() == 200);
    CHECK(asked.supports(200));
    CHECK(asked.supports(lio::abi::opcode_last));
    CHECK_FALSE(asked.supports(201));
    CHECK_FALSE(asked.supports(-1));
    CHECK(asked.features() == 0xffffffff);
    CHECK(newest(asked) == kernel_version{7, 3});

    const probe full = ask({254}, with_features(0));
    CHECK(full.supports(254));
    CHECK_FALSE(full.supports(255));
    CHECK_FALSE(full.supports(256));
}

TEST_CASE("an operation that is newer than this library is supported by the kernels that have its number",
          "[hazard 44]") {
    CHECK(ask({65}, with_features(0xffffffff)).supports<not_yet_there>());
    CHECK_FALSE(ask({64}, with_features(0xffffffff)).supports<not_yet_there>());
}

TEST_CASE("whichever call of probe::ask fails, the error tells it and nothing is left open", "[hazard 18]") {
    lio::fake::on_each_ground([](lio::fake::kernel& kernel) {
        kernel.fail(lio::arch::io_uring_setup, EPERM);
        const auto no_ring = probe::ask();
        REQUIRE_FALSE(no_ring);
        CHECK(no_ring.error() == lio::error{EPERM, lio::cause::setup_call});
        CHECK(kernel.left() == "");

        for (const int code : {EPERM, EACCES, ENOMEM, EFAULT}) {
            kernel.fail_register(lio::abi::register_opcode::register_probe, code);
            const auto no_list = probe::ask();
            REQUIRE_FALSE(no_list);
            CHECK(no_list.error() == lio::error{code, lio::cause::register_call});
            CHECK(kernel.left() == "");
        }

        // Without a list the features speak; without queries the rest does.
        kernel.fail_register(lio::abi::register_opcode::register_probe, EINVAL);
        CHECK(probe::ask().value().last_opcode() == 16);
        kernel.fail_register(lio::abi::register_opcode::register_query, EPERM);
        CHECK(probe::ask());
        CHECK(kernel.left() == "");
    });
}

TEST_CASE("asking a ring that is not to be asked leaves it as it is", "[hazard 18]") {
    lio::fake::on_each_ground([](lio::fake::kernel& kernel) {
        lio::ring ring = lio::ring::create({.entries = 4}).value();
        const std::string before = kernel.left();
        kernel.fail_register(lio::abi::register_opcode::register_probe, EACCES);
        const auto refused = probe::ask(ring);
        REQUIRE_FALSE(refused);
        CHECK(refused.error() == lio::error{EACCES, lio::cause::register_call});
        CHECK(probe::ask(ring));
        CHECK(kernel.left() == before);
    });
}

} // namespace fake_kernel_probe_test
