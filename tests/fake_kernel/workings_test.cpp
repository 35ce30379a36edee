// How a ring works and waits, against kernels that lack it, refuse it or play a part that a real one seldom does: what
// the library hands over, and what it makes of the answer. Test code.

#include "fake_kernel.hpp"
#include "rings.hpp"

#include <lio/busy_poll.hpp>
#include <lio/cancel_now.hpp>
#include <lio/op/all.hpp>
#include <lio/query.hpp>
#include <lio/ring.hpp>
#include <lio/send_message.hpp>
#include <lio/split.hpp>
#include <lio/wait_clock.hpp>
#include <lio/workers.hpp>

#include <cerrno>
#include <cstring>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fake_kernel_workings_test {

namespace abi = lio::abi;
namespace op = lio::op;
using abi::register_opcode;
using lio::cause;
using lio::error;
using lio::setup;
using lio::wait_options;
using lio::fake::ground;
using lio::fake::running_ring;

namespace {

template <class T>
const T& as(const void* argument) {
    return *static_cast<const T*>(argument);
}

// The clocks that were looked at since the calls were forgotten.
std::set<long> clocks(const lio::fake::kernel& kernel) {
    std::set<long> found;
    for (const auto& call : kernel.calls_of(lio::arch::clock_gettime)) found.insert(call.arguments[0]);
    return found;
}

void has_words(error problem) { CHECK(std::string_view{problem.message()}.size() > 20); }

} // namespace

TEST_CASE("where the library looks at the time itself, it is on the ring's clock [hazard 11]", "[hazard 11]") {
    constexpr long monotonic = 1;
    constexpr long boottime = 7;
    for (const auto options :
         {lio::ring_options{.entries = 8}, lio::ring_options{.entries = 8, .require = setup::iopoll}}) {
        lio::fake::kernel kernel{ground::model};
        std::uint32_t registered = 0;
        kernel.played_registrations[register_opcode::register_clock] = [&](void* argument,
                                                                           std::uint32_t count) -> long {
            CHECK(count == 0);
            const auto& request = as<abi::clock_register>(argument);
            if (request.clockid != 1 && request.clockid != 7) return -EINVAL;
            CHECK((request.resv[0] | request.resv[1] | request.resv[2]) == 0);
            registered = request.clockid;
            return 0;
        };
        lio::ring ring = running_ring(options);
        const auto looks = [&] {
            std::set<long> found;
            for (const auto& wait : {wait_options{}.timeout({0, 1'000'000}), wait_options{}.deadline({0, 1})}) {
                kernel.forget_calls();
                kernel.answer(lio::arch::io_uring_enter, -ETIME);
                CHECK(ring.wait(2, wait).error().code() == ETIME);
                found.merge(clocks(kernel));
                // What is queued is not taken, so that the wait is a call of its own.
                kernel.answer(lio::arch::io_uring_enter, -ETIME);
                CHECK(ring.submit_and_wait(2, wait).error().code() == ETIME);
                found.merge(clocks(kernel));
            }
            return found;
        };
        CHECK(looks() == std::set{monotonic});
        REQUIRE(lio::set_wait_clock(ring, lio::wait_clock::boottime).has_value());
        CHECK(registered == 7);
        CHECK(looks() == std::set{boottime});
        CHECK(lio::set_wait_clock(ring, static_cast<lio::wait_clock>(3)).error() ==
              error{EINVAL, cause::wait_clock_refused});
        CHECK(looks() == std::set{boottime});
        REQUIRE(lio::set_wait_clock(ring, lio::wait_clock::monotonic).has_value());
        CHECK(looks() == std::set{monotonic});
    }
}

TEST_CASE("a deadline on another clock is the kernel's to the nanosecond, and a repeated wait is on that clock") {
    lio::fake::kernel kernel{ground::model};
    kernel.played_registrations[register_opcode::register_clock] = [](void*, std::uint32_t) { return 0L; };
    auto [completions, submissions] = lio::with_capacity(8).value();
    REQUIRE(lio::set_wait_clock(submissions, lio::wait_clock::boottime).has_value());
    kernel.forget_calls();
    CHECK(completions.wait(3, wait_options{}.deadline({12, 34})).error().code() == ETIME);
    const auto enters = kernel.calls_of(lio::arch::io_uring_enter);
    REQUIRE_FALSE(enters.empty());
    CHECK(enters[0].time.tv_sec == 12);
    CHECK(enters[0].time.tv_nsec == 34);
    CHECK((static_cast<std::uint32_t>(enters[0].arguments[3]) & abi::enter_abs_timer) != 0);
}

TEST_CASE("a cancel by a call carries what the operation says, and waits without an end or with one") {
    lio::fake::kernel kernel{ground::model};
    abi::sync_cancel_reg seen;
    long answer = 0;
    kernel.played_registrations[register_opcode::register_sync_cancel] = [&](void* argument, std::uint32_t count) {
        CHECK(count == 1);
        seen = as<abi::sync_cancel_reg>(argument);
        return answer;
    };
    lio::ring ring = running_ring({.entries = 8, .exactly = true});
    const auto check = [&](std::uint64_t user_data, std::int32_t file, std::uint32_t flags, int opcode) {
        CHECK(seen.addr == user_data);
        CHECK(seen.fd == file);
        CHECK(seen.flags == flags);
        CHECK(seen.opcode == opcode);
        for (const auto byte : seen.pad) CHECK(byte == 0);
        for (const auto word : seen.pad2) CHECK(word == 0);
    };
    CHECK(lio::cancel_now(ring, op::cancel(17)).value() == lio::cancel_answer::cancelled(1));
    check(17, -1, 0, 0);
    CHECK(lio::cancel_now(ring, op::cancel_all(), lio::timespec{3, 4}).value() == lio::cancel_answer::cancelled(0));
    check(0, -1, abi::async_cancel_any, 0);
    answer = 5;
    CHECK(lio::cancel_now(ring, op::cancel_all(18)).value().count() == 5);
    check(18, -1, abi::async_cancel_all, 0);
    CHECK(lio::cancel_now(ring, op::cancel_file(6)).value().count() == 5);
    check(0, 6, abi::async_cancel_fd, 0);
    static_cast<void>(lio::cancel_now(ring, op::cancel_file_all(lio::direct_descriptor{7})));
    check(0, 7, abi::async_cancel_fd | abi::async_cancel_all | abi::async_cancel_fd_fixed, 0);
    static_cast<void>(lio::cancel_now(ring, op::cancel_opcode(op::recv::code)));
    check(0, -1, abi::async_cancel_op, 27);
    static_cast<void>(lio::cancel_now(ring, op::cancel(1).only_on(lio::direct_descriptor{5}).only_of<op::recv>()));
    check(1, 5,
          abi::async_cancel_userdata | abi::async_cancel_fd | abi::async_cancel_fd_fixed | abi::async_cancel_op, 27);
    answer = -ENOENT;
    CHECK(lio::cancel_now(ring, op::cancel(1)).value().was_not_found());
    answer = -EALREADY;
    CHECK(lio::cancel_now(ring, op::cancel(1)).value().was_too_late());
    for (const int code : {ETIME, EINTR, EINVAL, EBADF}) {
        answer = -code;
        const error problem = lio::cancel_now(ring, op::cancel(1), lio::timespec{0, 1}).error();
        CHECK(problem == error{code, cause::cancel_call});
        has_words(problem);
    }
}

TEST_CASE("a cancel that waits asks again until the operation is gone, because the kernel may not wake it") {
    const bool is_plain = GENERATE(false, true);
    lio::fake::kernel kernel{ground::model};
    std::vector<std::int64_t> parts;
    std::vector<long> answers;
    kernel.played_registrations[register_opcode::register_sync_cancel] = [&](void* argument, std::uint32_t) {
        const auto& seen = as<abi::sync_cancel_reg>(argument);
        CHECK(seen.addr == 9);
        parts.push_back(seen.timeout.tv_sec * 1'000'000'000 + seen.timeout.tv_nsec);
        return parts.size() <= answers.size() ? answers[parts.size() - 1] : -ETIME;
    };
    lio::ring ring = running_ring({.entries = 8, .exactly = is_plain});
    REQUIRE(has(ring.setup_flags(), setup::deferred_taskrun) == !is_plain);
    answers = std::vector<long>(12, -ETIME);
    answers.push_back(-ENOENT);
    CHECK(lio::cancel_now(ring, op::cancel(9)).value() == lio::cancel_answer::cancelled(1));
    CHECK(parts.size() == 13);
    for (std::size_t i = 0; i < parts.size(); ++i) {
        CHECK(parts[i] > 0);
        CHECK(parts[i] <= 10'000'000);
        if (i != 0) CHECK(parts[i] >= parts[i - 1]);
    }
    // What is not there from the start has not been found.
    parts.clear();
    answers = {-ENOENT};
    CHECK(lio::cancel_now(ring, op::cancel(9)).value().was_not_found());
    // All parts together are as long as was asked.
    for (const lio::timespec limit : {lio::timespec{0, 0}, lio::timespec{0, 1}, lio::timespec{0, 123'456'789}}) {
        parts.clear();
        answers.clear();
        CHECK(lio::cancel_now(ring, op::cancel(9), limit).error() == error{ETIME, cause::cancel_call});
        std::int64_t sum = 0;
        for (const std::int64_t part : parts) sum += part;
        CHECK(sum == limit.tv_nsec);
        CHECK(parts.size() < 30);
    }
    parts.clear();
    answers = {-ETIME, -EINTR};
    CHECK(lio::cancel_now(ring, op::cancel(9), {INT64_MAX, 0}).error() == error{EINTR, cause::cancel_call});
    CHECK(parts.size() == 2);
}

TEST_CASE("a message without a ring is the operation's own entry, and its failures have words [hazard 43]",
          "[hazard 43]") {
    lio::fake::kernel kernel{ground::model};
    abi::sqe seen;
    long answer = 0;
    kernel.played_registrations[register_opcode::register_send_msg_ring] = [&](void* argument, std::uint32_t count) {
        CHECK(count == 1);
        seen = as<abi::sqe>(argument);
        return answer;
    };
    lio::ring ring = running_ring();
    kernel.forget_calls();
    const auto message = op::msg_ring(7, -5, 0xfedcba9876543210).pass_flags(2);
    CHECK(lio::send_message(message).has_value());
    CHECK(std::memcmp(&seen, &message.entry(), sizeof seen) == 0);
    CHECK(kernel.calls()[0].arguments[0] == -1);
    CHECK(kernel.count_calls() == 1);
    CHECK(lio::send_message(ring, 3, 4).has_value());
    CHECK(std::memcmp(&seen, &op::msg_ring(ring.file(), 3, 4).entry(), sizeof seen) == 0);
    for (const int code : {EBADF, EBADFD, EOVERFLOW, ENOMEM, EAGAIN, EOWNERDEAD, EINVAL}) {
        answer = -code;
        const error problem = lio::send_message(ring, 3, 4).error();
        CHECK(problem == error{code, cause::message_call});
        has_words(problem);
    }
    // Refused before any call.
    kernel.forget_calls();
    CHECK(lio::send_message(message.user_data(1)).error() == error{EINVAL, cause::not_an_entry});
    CHECK(lio::send_message(op::msg_ring(lio::direct_descriptor{1}, 2, 3)).error() ==
          error{EINVAL, cause::message_call});
    CHECK(kernel.calls().empty());
}

TEST_CASE("busy polling is registered as it is asked for, taken away once, and stays when that fails") {
    lio::fake::kernel kernel{ground::model};
    abi::napi registered;
    int unregistered = 0;
    long answer = 0;
    kernel.played_registrations[register_opcode::register_napi] = [&](void* argument, std::uint32_t count) -> long {
        CHECK(count == 1);
        auto& request = *static_cast<abi::napi*>(argument);
        CHECK((request.pad[0] | request.pad[1]) == 0);
        CHECK(request.resv == 0);
        if (answer == 0) std::swap(request, registered);
        return answer;
    };
    kernel.played_registrations[register_opcode::unregister_napi] = [&](void* argument, std::uint32_t count) -> long {
        CHECK(count == 1);
        if (answer != 0) return answer;
        *static_cast<abi::napi*>(argument) = registered;
        ++unregistered;
        return 0;
    };
    lio::ring ring = running_ring();
    {
        auto polling = lio::busy_poll::create(ring, {.microseconds = 9, .prefer = true}).value();
        CHECK(registered.busy_poll_to == 9);
        CHECK(registered.prefer_busy_poll == 1);
        CHECK(registered.opcode == abi::napi_register_op);
        CHECK(registered.op_param == abi::napi_tracking_dynamic);
        const lio::busy_poll_options listed{.microseconds = 1, .tracking = lio::busy_poll_tracking::listed};
        CHECK(polling.change(listed).value() == lio::busy_poll_options{.microseconds = 9, .prefer = true});
        CHECK(registered.op_param == abi::napi_tracking_static);
        CHECK(polling.change(listed).value() == listed);
        CHECK(polling.add_queue(77).has_value());
        CHECK(registered.opcode == abi::napi_static_add_id);
        CHECK(registered.op_param == 77);
        CHECK(polling.remove_queue(78).has_value());
        CHECK(registered.opcode == abi::napi_static_del_id);
        CHECK(registered.op_param == 78);
        answer = -EEXIST;
        CHECK(polling.add_queue(77).error() == error{EEXIST, cause::register_call});
        CHECK(polling.close().error().code() == EEXIST);
        CHECK(unregistered == 0);
        CHECK(lio::busy_poll::create(ring).error() == error{EBUSY, cause::register_call});
        answer = 0;
        // A child has not registered anything.
        kernel.pretend_to_be_forked();
        {
            auto childs = std::move(polling);
        }
        kernel.pretend_to_be_forked(false);
        CHECK(unregistered == 0);
    }
    for (const int code : {EINVAL, EOPNOTSUPP}) {
        answer = -code;
        const error problem = lio::busy_poll::create(ring).error();
        CHECK(problem == error{code, cause::busy_poll_missing});
        has_words(problem);
    }
    answer = 0;
    static_cast<void>(lio::busy_poll::create(ring).value());
    CHECK(unregistered == 1);
    auto last = lio::busy_poll::create(ring).value();
    ring.close().value();
    last.close().value();
    CHECK(unregistered == 1);
}

TEST_CASE("what workers are told reaches the kernel in its own form") {
    lio::fake::kernel kernel{ground::model};
    lio::cpu_set seen;
    int resets = 0;
    kernel.played_registrations[register_opcode::register_iowq_aff] = [&](void* argument, std::uint32_t count) {
        seen = lio::cpu_set::from_mask({argument, count});
        return 0L;
    };
    kernel.played_registrations[register_opcode::unregister_iowq_aff] = [&](void* argument, std::uint32_t count) {
        CHECK(argument == nullptr);
        CHECK(count == 0);
        ++resets;
        return 0L;
    };
    kernel.played_registrations[register_opcode::register_iowq_max_workers] = [](void* argument, std::uint32_t count) {
        CHECK(count == 2);
        auto* const counts = static_cast<std::uint32_t*>(argument);
        CHECK(counts[abi::io_wq_bound] == 3);
        CHECK(counts[abi::io_wq_unbound] == 4);
        counts[abi::io_wq_bound] = 30;
        counts[abi::io_wq_unbound] = 40;
        return 0L;
    };
    lio::ring ring = running_ring();
    const auto set = lio::cpu_set{}.add(0).add(64).add(8191);
    CHECK(lio::set_worker_affinity(ring, set).has_value());
    CHECK(seen == set);
    CHECK(lio::reset_worker_affinity(ring).has_value());
    CHECK(resets == 1);
    CHECK(lio::set_worker_limits(ring, {3, 4}).value() == lio::worker_limits{30, 40});
}

TEST_CASE("a kernel that knows none of this is named, and nothing else happens") {
    lio::fake::on_each_ground(
        [](lio::fake::kernel& kernel) {
            for (const auto opcode : {register_opcode::register_clock, register_opcode::register_napi,
                                      register_opcode::register_sync_cancel, register_opcode::register_iowq_aff,
                                      register_opcode::unregister_iowq_aff, register_opcode::register_iowq_max_workers,
                                      register_opcode::register_send_msg_ring, register_opcode::register_query})
                kernel.fail_register(opcode, EINVAL, lio::fake::kernel::always);
            lio::ring ring = running_ring();
            kernel.forget_calls();
            abi::query_scq layout;
            lio::question about{abi::query_op_scq, layout};
            const error all[] = {
                lio::set_wait_clock(ring, lio::wait_clock::boottime).error(),
                lio::busy_poll::create(ring).error(),
                lio::cancel_now(ring, op::cancel(1)).error(),
                lio::set_worker_affinity(ring, lio::cpu_set{}.add(0)).error(),
                lio::reset_worker_affinity(ring).error(),
                lio::limits_of_workers(ring).error(),
                lio::send_message(ring, 1, 2).error(),
                lio::ask(about).error(),
            };
            CHECK(kernel.count_calls() == std::size(all));
            for (const error problem : all) {
                CHECK(problem.code() == EINVAL);
                CHECK(problem.why() != cause::register_call);
                CHECK(std::string{problem.message()}.find("ince Linux") != std::string::npos);
            }
            CHECK(about.answered().error() == error{EOPNOTSUPP, cause::query_missing});
            ring.push(op::nop().user_data(1)).value();
            CHECK(ring.submit_and_wait(1).value().taken == 1);
        },
        lio::fake::linux_5_11);
}

TEST_CASE("questions are asked as one chain, and each has its own answer") {
    lio::fake::kernel kernel{ground::model};
    kernel.answers_questions = [](register_opcode opcode, void* argument, std::uint32_t count) -> long {
        CHECK(opcode == register_opcode::register_query);
        CHECK(count == 0);
        std::uint32_t number = 100;
        for (auto* header = static_cast<abi::query_hdr*>(argument); header != nullptr;
             header = reinterpret_cast<abi::query_hdr*>(static_cast<std::uintptr_t>(header->next_entry))) {
            CHECK(header->query_op == number);
            CHECK(header->size == 8);
            CHECK(header->result == 0);
            CHECK((header->resv[0] | header->resv[1] | header->resv[2]) == 0);
            if (number == 101) {
                header->result = -EOPNOTSUPP;
                header->size = 0;
            } else if (number == 102) {
                header->result = -EINVAL;
                header->size = 0;
            } else {
                *reinterpret_cast<std::uint64_t*>(static_cast<std::uintptr_t>(header->query_data)) = number;
                header->size = 4;
            }
            ++number;
        }
        CHECK(number == 104);
        return 0;
    };
    std::uint64_t answers[4] = {};
    lio::question first{100, answers[0]};
    lio::question second{101, answers[1]};
    lio::question third{102, answers[2]};
    lio::question fourth{103, answers[3]};
    for (int i = 0; i < 2; ++i) { // each time from the start
        lio::ask(first, second, third, fourth).value();
        CHECK(first.answered().value() == 4);
        CHECK(second.answered().error() == error{EOPNOTSUPP, cause::query_missing});
        CHECK(third.answered().error() == error{EINVAL, cause::operation});
        CHECK(fourth.answered().value() == 4);
        CHECK(answers[0] == 100);
        CHECK(answers[1] == 0);
        CHECK(answers[3] == 103);
    }
    CHECK(kernel.count_calls() == 2);
    kernel.fail_register(register_opcode::register_query, EFAULT);
    CHECK(lio::ask(first).error().code() == EFAULT);
    CHECK(first.answered().error().code() == EOPNOTSUPP);
}

} // namespace fake_kernel_workings_test
