// Restrictions, filters and personalities: what the kernel is told, and what becomes of a refusal. Test code.

#include "fake_kernel.hpp"

#include <lio/abi/bpf_filter.hpp>
#include <lio/buffer_ring.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/sockets.hpp>
#include <lio/operation_filter.hpp>
#include <lio/personality.hpp>
#include <lio/restrictions.hpp>
#include <lio/ring.hpp>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace fake_kernel_safety_test {

namespace abi = lio::abi;
namespace filter = lio::filter;
using lio::cause;
using lio::entry_flags;
using lio::operation_filter;
using lio::personality;
using lio::restrictions;
using lio::setup;
using lio::abi::opcode;
using lio::abi::register_opcode;
using lio::fake::ground;

namespace {

abi::restriction one(std::uint16_t kind, std::uint8_t number) {
    abi::restriction made;
    made.opcode = kind;
    made.register_op = number;
    return made;
}
abi::restriction one(opcode number) { return one(abi::restriction_sqe_op, static_cast<std::uint8_t>(number)); }
abi::restriction one(register_opcode number) {
    return one(abi::restriction_register_op, static_cast<std::uint8_t>(number));
}
abi::restriction allowed_flags(std::uint8_t flags) { return one(abi::restriction_sqe_flags_allowed, flags); }
abi::restriction required_flags(std::uint8_t flags) { return one(abi::restriction_sqe_flags_required, flags); }

bool same(const std::vector<abi::restriction>& told, const std::vector<abi::restriction>& expected) {
    return told.size() == expected.size() &&
           std::memcmp(told.data(), expected.data(), told.size() * sizeof(abi::restriction)) == 0;
}

// Refuses what it is told with `code`, 0 for not at all, and keeps it.
struct listener {
    int code = 0;
    std::vector<abi::restriction> restrictions;
    abi::task_restriction head;
    abi::bpf filter;
    std::vector<lio::filter_instruction> program;

    void listen(lio::fake::kernel& kernel) {
        kernel.answers_questions = [this](register_opcode opcode, void* argument, std::uint32_t count) -> long {
            if (opcode == register_opcode::register_bpf_filter) {
                filter = *static_cast<const abi::bpf*>(argument);
                const auto* const first = reinterpret_cast<const lio::filter_instruction*>(filter.filter.filter_ptr);
                program.assign(first, first + filter.filter.filter_len);
            } else if (is_for_task) {
                head = *static_cast<const abi::task_restriction*>(argument);
                const auto* const first = static_cast<const abi::task_restriction*>(argument)->restrictions();
                restrictions.assign(first, first + head.nr_res);
            } else {
                const auto* const first = static_cast<const abi::restriction*>(argument);
                restrictions.assign(first, first + count);
            }
            last_count = count;
            return -code;
        };
    }
    bool is_for_task = false;
    std::uint32_t last_count = 0;
};

const restrictions everything_once = restrictions{}
                                         .allow(opcode::read, opcode::nop, opcode::read, opcode::uring_cmd128)
                                         .allow(register_opcode::register_bpf_filter, register_opcode::register_buffers)
                                         .allow(entry_flags::link, entry_flags::skip_success)
                                         .require(entry_flags::fixed_file)
                                         .require(entry_flags::drain);

std::vector<abi::restriction> everything_told() {
    return {one(register_opcode::register_enable_rings),
            allowed_flags(abi::sqe_io_link | abi::sqe_cqe_skip_success),
            required_flags(abi::sqe_fixed_file | abi::sqe_io_drain),
            one(opcode::nop),
            one(opcode::read),
            one(opcode::uring_cmd128),
            one(register_opcode::register_buffers),
            one(register_opcode::register_bpf_filter)};
}

} // namespace

TEST_CASE("the kernel is told each restriction once, and always of operations and of registrations") {
    lio::fake::kernel kernel{ground::model};
    listener heard;
    heard.listen(kernel);
    const lio::ring ring = lio::ring::create({.entries = 4}).value();
    everything_once.apply(ring).value();
    CHECK(same(heard.restrictions, everything_told()));
    restrictions{}.apply(ring).value();
    CHECK(same(heard.restrictions, {one(register_opcode::register_enable_rings), allowed_flags(0)}));
    restrictions{}.allow(register_opcode::register_ring_fds).apply(ring).value();
    CHECK(
        same(heard.restrictions, {one(register_opcode::register_enable_rings), allowed_flags(0),
                                  one(register_opcode::register_ring_fds), one(register_opcode::unregister_ring_fds)}));
    CHECK(kernel.count(lio::arch::io_uring_enter) == 0);
}

TEST_CASE("a task's restrictions come behind one head, with what closing its rings takes") {
    lio::fake::kernel kernel{ground::model};
    listener heard;
    heard.is_for_task = true;
    heard.listen(kernel);
    lio::restrict_task(everything_once).value();
    CHECK(heard.last_count == 1);
    CHECK((heard.head.flags == 0 && heard.head.nr_res == 9));
    auto told = everything_told();
    told.push_back(one(register_opcode::unregister_ring_fds));
    CHECK(same(heard.restrictions, told));
    REQUIRE(kernel.calls_of(lio::arch::io_uring_register).size() == 1);
    CHECK(kernel.calls_of(lio::arch::io_uring_register)[0].arguments[0] == -1);
}

TEST_CASE("refused restrictions say why, and leave nothing behind") {
    lio::fake::kernel kernel{ground::model};
    listener heard;
    heard.listen(kernel);
    {
        lio::ring ring = lio::ring::create({.entries = 4}).value();
        for (const int code : {EBADFD, EBUSY, EINVAL}) {
            heard.code = code;
            const auto done = restrictions{}.apply(ring);
            CHECK(done.error() == lio::error{code, cause::restrictions_refused});
            CHECK(std::strstr(done.error().message(), "ring") != nullptr);
        }
        for (const int code : {ENOMEM, EFAULT, EACCES}) {
            heard.code = code;
            CHECK(restrictions{}.apply(ring).error() == lio::error{code, cause::register_call});
        }
        CHECK(kernel.ring().is_disabled());
        ring.push(lio::op::nop()).value();
        CHECK(ring.submit().value().taken == 1);
    }
    CHECK(kernel.left() == "");
    heard.is_for_task = true;
    for (const int code : {EPERM, EACCES, EINVAL}) {
        heard.code = code;
        CHECK(lio::restrict_task(restrictions{}).error() == lio::error{code, cause::task_refused});
    }
    // Before Linux 6.13, -1 is a descriptor that is not open.
    heard.code = EBADF;
    CHECK(lio::restrict_task(restrictions{}).error() == lio::error{EINVAL, cause::task_refused});
    CHECK(lio::filter_task({opcode::nop, filter::allow().instructions}).error() ==
          lio::error{EINVAL, cause::filter_refused});
    heard.code = ENOMEM;
    CHECK(lio::restrict_task(restrictions{}).error() == lio::error{ENOMEM, cause::register_call});
}

TEST_CASE("the kernel is told how much of an operation a filter looks at") {
    lio::fake::kernel kernel{ground::model};
    listener heard;
    heard.listen(kernel);
    const lio::ring ring = lio::ring::create({.entries = 4}).value();
    constexpr auto internet = filter::socket_family(2);
    operation_filter::on<lio::op::socket>(internet).apply(ring).value();
    CHECK(heard.last_count == 1);
    CHECK((heard.filter.cmd_type == abi::bpf_cmd_filter && heard.filter.cmd_flags == 0 && heard.filter.resv == 0));
    CHECK((heard.filter.filter.opcode == 45 && heard.filter.filter.flags == 0 && heard.filter.filter.pdu_size == 4));
    CHECK((heard.program.size() == 4 && std::memcmp(heard.program.data(), &internet, sizeof internet) == 0));

    constexpr auto nothing_of_it = filter::deny();
    operation_filter::on<lio::op::nop>(nothing_of_it).deny_rest().apply(ring).value();
    CHECK((heard.filter.filter.flags == abi::bpf_filter_deny_rest && heard.filter.filter.pdu_size == 0));
    constexpr auto files = filter::without_open_flags(1);
    operation_filter{opcode::openat, files}.apply(ring).value();
    CHECK((heard.filter.filter.opcode == 18 && heard.filter.filter.pdu_size == 8));
    constexpr auto port = filter::connect_port(1);
    operation_filter{opcode::connect, port}.strict_size(24).apply(ring).value();
    CHECK((heard.filter.filter.flags == abi::bpf_filter_sz_strict && heard.filter.filter.pdu_size == 24));
    operation_filter{opcode::connect, port}.apply(ring).value();
    CHECK(heard.filter.filter.pdu_size == 8);
    // The head is shown with every operation; what lies outside is for the kernel to refuse.
    const lio::filter_instruction around[] = {filter::load(12), filter::load(40), filter::load(0xfffffffc)};
    operation_filter{opcode::nop, around}.apply(ring).value();
    CHECK(heard.filter.filter.pdu_size == 0);
    const lio::filter_instruction last[] = {filter::load(36), filter::load(16)};
    operation_filter{opcode::nop, last}.apply(ring).value();
    CHECK(heard.filter.filter.pdu_size == 24);

    for (const int code : {EINVAL, EMSGSIZE}) {
        heard.code = code;
        CHECK(operation_filter{opcode::nop, last}.apply(ring).error() == lio::error{code, cause::filter_refused});
    }
    for (const int code : {ENOMEM, EBUSY, EACCES}) {
        heard.code = code;
        CHECK(operation_filter{opcode::nop, last}.apply(ring).error() == lio::error{code, cause::register_call});
    }
    CHECK(lio::filter_task({opcode::nop, last}).error() == lio::error{EACCES, cause::task_refused});
}

TEST_CASE("a ring whose restrictions keep its own descriptor out works with the plain one") {
    lio::fake::kernel kernel{ground::model};
    kernel.fail_register(register_opcode::register_ring_fds, EACCES, lio::fake::kernel::always);
    {
        lio::ring ring = lio::ring::create({.entries = 4}).value();
        ring.push(lio::op::nop()).value();
        CHECK(ring.submit_and_wait(1).value().taken == 1);
        kernel.forget_calls();
        ring.push(lio::op::nop()).value();
        CHECK(ring.submit_and_wait(1).value().taken == 1);
        CHECK(kernel.count_calls() == 1);
    }
    CHECK(kernel.count(lio::arch::io_uring_register) == 0); // nothing to give back
    CHECK(kernel.left() == "");
}

TEST_CASE("a personality that cannot be had leaves nothing, one that may not go stays until the ring closes") {
    lio::fake::on_each_ground([](lio::fake::kernel& kernel) {
        lio::ring ring = lio::ring::create({.entries = 4}).value();
        for (const int code : {EBUSY, ENOSPC}) {
            kernel.fail_register(register_opcode::register_personality, code);
            CHECK(personality::create(ring).error() == lio::error{code, cause::too_many_personalities});
        }
        kernel.fail_register(register_opcode::register_personality, ENOMEM);
        CHECK(personality::create(ring).error() == lio::error{ENOMEM, cause::register_call});
        CHECK(kernel.registrations() == 0);
        {
            auto first = personality::create(ring).value();
            auto second = personality::create(ring).value();
            CHECK(kernel.registrations() == 2);
            kernel.fail_register(register_opcode::unregister_personality, EACCES);
            CHECK(first.close().error() == lio::error{EACCES, cause::register_call});
            CHECK(kernel.registrations() == 2);
            first.close().value(); // once more, and now it may
            CHECK(kernel.registrations() == 1);
            kernel.fail_register(register_opcode::unregister_personality, EACCES);
        }
        CHECK(kernel.registrations() == 1);
        ring.close().value();
        CHECK(kernel.left() == "");
    });
}

TEST_CASE("a forked child leaves its parent's personalities alone", "[hazard 22]") {
    lio::fake::kernel kernel{ground::model};
    const lio::ring ring = lio::ring::create({.entries = 4}).value();
    {
        const auto parents = personality::create(ring).value();
        kernel.pretend_to_be_forked();
        kernel.forget_calls();
    }
    CHECK(kernel.count(lio::arch::io_uring_register) == 0);
    kernel.pretend_to_be_forked(false);
}

TEST_CASE("buffers that the kernel may not let go of are kept until the ring closes, and no longer") {
    lio::fake::on_each_ground([](lio::fake::kernel& kernel) {
        lio::ring ring = lio::ring::create({.entries = 4}).value();
        const std::size_t mappings_before = kernel.mappings().size();
        kernel.fail_register(register_opcode::unregister_pbuf_ring, EACCES, 3);
        bool is_closed_first = false;
        SECTION("destroyed") {
            const auto one = lio::buffer_ring::create(ring, {.group = 1, .count = 4, .size = 64}).value();
            const auto two = lio::buffer_ring::create(ring, {.group = 2, .count = 4, .size = 64}).value();
        }
        SECTION("overwritten") {
            auto one = lio::buffer_ring::create(ring, {.group = 1, .count = 4, .size = 64}).value();
            one = lio::buffer_ring::create(ring, {.group = 2, .count = 4, .size = 64}).value();
        }
        SECTION("with the ring closed in between") {
            auto one = lio::buffer_ring::create(ring, {.group = 1, .count = 4, .size = 64}).value();
            CHECK(one.close().error() == lio::error{EACCES, cause::register_call});
            ring.close().value();
            is_closed_first = true;
        }
        if (!is_closed_first) CHECK(kernel.mappings().size() == mappings_before + 2);
        ring.close().value();
        CHECK(kernel.left() == "");
        CHECK(kernel.violations() == "");
    });
}

} // namespace fake_kernel_safety_test
