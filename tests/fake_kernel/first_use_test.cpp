// To whom a ring belongs: made on one thread and used on another, bound by its first use, closed, or found again in a
// forked child. Test code.

#include "fake_kernel.hpp"

#include <lio/buffer_ring.hpp>
#include <lio/op/nop.hpp>
#include <lio/registered_buffers.hpp>
#include <lio/registered_files.hpp>
#include <lio/ring.hpp>
#include <lio/split.hpp>

#include <cerrno>
#include <string>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace fake_kernel_first_use_test {

using lio::cause;
using lio::setup;
using lio::abi::register_opcode;
using lio::fake::ground;

namespace {

bool by_registered_descriptor(const lio::fake::made_call& enter) {
    return (static_cast<std::uint32_t>(enter.arguments[3]) & lio::abi::enter_registered_ring) != 0;
}

template <class Body>
void on_another_thread(Body body) {
    std::thread{body}.join();
}

std::int32_t this_thread() { return static_cast<std::int32_t>(::syscall(SYS_gettid)); }

} // namespace

TEST_CASE("the first submit enables the ring and registers its descriptor, every later one is a single call",
          "[hazard 14]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    CHECK(kernel.ring().is_disabled());
    CHECK(kernel.count(lio::arch::io_uring_register) == 0);
    CHECK(ring.owner_thread() == 0);

    kernel.forget_calls();
    ring.push(lio::op::nop().user_data(1)).value();
    CHECK(ring.submit().value().taken == 1);
    const auto enters = kernel.calls_of(lio::arch::io_uring_enter);
    REQUIRE(enters.size() == 2);
    CHECK(enters[0].answer == -EBADFD);
    CHECK(enters[0].arguments[0] == ring.file());
    CHECK_FALSE(by_registered_descriptor(enters[0]));
    CHECK(by_registered_descriptor(enters[1]));
    const int enabled = kernel.position(register_opcode::register_enable_rings);
    const int registered = kernel.position(register_opcode::register_ring_fds);
    CHECK(enabled > kernel.position(lio::arch::io_uring_enter));
    CHECK(registered > enabled);
    CHECK_FALSE(kernel.ring().is_disabled());
    CHECK(ring.owner_thread() == this_thread());

    kernel.forget_calls();
    ring.push(lio::op::nop().user_data(2)).value();
    CHECK(ring.submit().value().taken == 1);
    REQUIRE(kernel.calls().size() == 1);
    CHECK(kernel.calls()[0].number == lio::arch::io_uring_enter);
    CHECK(by_registered_descriptor(kernel.calls()[0]));
    CHECK(kernel.ring().taken.size() == 2);
}

TEST_CASE("the first wait enables the ring as well", "[hazard 14]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    kernel.ring().interrupts_waits = true;
    SECTION("wait") { CHECK(ring.wait(1).error() == lio::error{EINTR, cause::wait_interrupted}); }
    SECTION("next") { CHECK(ring.next().error() == lio::error{EINTR, cause::wait_interrupted}); }
    SECTION("submit_and_wait") {
        ring.push(lio::op::nop()).value();
        CHECK(ring.submit_and_wait(1).value().taken == 1);
    }
    SECTION("a wait with a time-out") {
        const lio::timespec timeout{1, 0};
        kernel.ring().interrupts_waits = false;
        CHECK(ring.wait(1, timeout).error() == lio::error{ETIME, cause::wait_timed_out});
        const auto enters = kernel.calls_of(lio::arch::io_uring_enter);
        REQUIRE(enters.size() == 2);
        // The second try has the time-out as the first had.
        CHECK(enters[1].time.tv_sec == 1);
    }
    CHECK_FALSE(kernel.ring().is_disabled());
    CHECK(ring.owner_thread() == this_thread());
}

TEST_CASE("where the ring's descriptor cannot be registered, the plain one does", "[hazard 13]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    const auto works_by_plain_descriptor = [&] {
        ring.push(lio::op::nop().user_data(1)).value();
        CHECK(ring.submit_and_wait(1).value().taken == 1);
        CHECK(ring.next().value().user_data() == 1);
        CHECK(ring.owner_thread() == this_thread());
        kernel.forget_calls();
        ring.push(lio::op::nop().user_data(2)).value();
        CHECK(ring.submit_and_wait(1).value().taken == 1);
        CHECK(ring.next().value().user_data() == 2);
        REQUIRE(kernel.count_calls() == 1); // it is not tried again and again
        const auto enters = kernel.calls_of(lio::arch::io_uring_enter);
        REQUIRE(enters.size() == 1);
        CHECK(enters[0].arguments[0] == ring.file());
        CHECK_FALSE(by_registered_descriptor(enters[0]));
    };
    SECTION("the thread has 16 already") {
        kernel.fail_register(register_opcode::register_ring_fds, EBUSY);
        works_by_plain_descriptor();
    }
    SECTION("the kernel is too old for it") {
        kernel.fail_register(register_opcode::register_ring_fds, EINVAL);
        works_by_plain_descriptor();
    }
    SECTION("memory is short") {
        kernel.fail_register(register_opcode::register_ring_fds, ENOMEM);
        works_by_plain_descriptor();
    }
    SECTION("the program cannot tell its threads apart") {
        kernel.threads_have_identity = false;
        works_by_plain_descriptor();
        CHECK(kernel.registrations() == 0);
    }
    kernel.forget_calls();
    ring.close().value();
    CHECK(kernel.count(lio::arch::io_uring_register) == 0);
}

TEST_CASE("a ring that any thread may use, and one that rewinds, keep to the plain descriptor [hazard 13]",
          "[hazard 13]") {
    // By the number of a ring, another thread would enter its own: one that rewinds takes what lies there, old or not.
    lio::fake::kernel kernel{ground::model, lio::fake::linux_7_3};
    const bool rewinds = GENERATE(false, true);
    const setup required = rewinds ? setup::rewind | setup::no_sq_array : setup::start_disabled;
    lio::ring ring = lio::ring::create({.entries = 8, .require = required, .exactly = !rewinds}).value();
    if (!rewinds) ring.enable().value();
    for (int i = 0; i < 2; ++i) {
        ring.push(lio::op::nop()).value();
        CHECK(ring.submit_and_wait(1).value().taken == 1);
        CHECK(ring.next());
    }
    CHECK(kernel.registrations() == 0);
    for (const auto& enter : kernel.calls_of(lio::arch::io_uring_enter)) CHECK_FALSE(by_registered_descriptor(enter));
}

TEST_CASE("the seventeenth ring of a thread works as the sixteen before", "[hazard 13]") {
    lio::fake::on_each_ground([](lio::fake::kernel&) {
        std::vector<lio::ring> rings;
        for (int i = 0; i < 20; ++i) rings.push_back(lio::ring::create({.entries = 2}).value());
        for (int round = 0; round < 2; ++round) {
            for (std::size_t i = 0; i < rings.size(); ++i) {
                rings[i].push(lio::op::nop().user_data(i)).value();
                CHECK(rings[i].submit_and_wait(1).value().taken == 1);
                CHECK(rings[i].next().value().user_data() == i);
            }
        }
    });
}

TEST_CASE("a ring that cannot be enabled says why and keeps what was queued") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    ring.push(lio::op::nop().user_data(1)).value();
    kernel.fail_register(register_opcode::register_enable_rings, EACCES);
    CHECK(ring.submit().error() == lio::error{EACCES, cause::register_call});
    CHECK(ring.unsubmitted() == 1);
    CHECK(kernel.ring().taken.empty());

    CHECK(ring.submit().value().taken == 1);
    CHECK(kernel.ring().taken.size() == 1);
}

TEST_CASE("closing takes the registered descriptor back before it closes the ring", "[hazard 13]") {
    // The thread's table would keep the ring alive for as long as the thread lives.
    lio::fake::on_each_ground([](lio::fake::kernel& kernel) {
        if (!kernel.plays().registers_rings) return;
        lio::ring ring = lio::ring::create({.entries = 8}).value();
        ring.push(lio::op::nop()).value();
        CHECK(ring.submit().value().taken == 1);
        const bool was_registered = kernel.registrations() == 1;
        if (kernel.is_model()) CHECK(was_registered);
        kernel.forget_calls();
        ring.close().value();
        CHECK(kernel.registrations() == 0);
        if (was_registered)
            CHECK(kernel.position(register_opcode::unregister_ring_fds) < kernel.position(lio::arch::close));
        CHECK(kernel.left() == "");
    });
}

TEST_CASE("a ring made on one thread is used by another, and belongs to that one", "[hazard 14]") {
    lio::fake::on_each_ground([](lio::fake::kernel& kernel) {
        lio::ring ring = lio::ring::create({.entries = 8}).value();
        std::int32_t user = 0;
        lio::result<lio::submission> submitted = lio::error{1};
        lio::result<lio::cqe> done = lio::error{1};
        on_another_thread([&] {
            user = this_thread();
            ring.push(lio::op::nop().user_data(9)).value();
            submitted = ring.submit_and_wait(1);
            done = ring.next();
            ring.close().value();
        });
        REQUIRE(submitted);
        CHECK(submitted->taken == 1);
        REQUIRE(done);
        CHECK(done->user_data() == 9);
        CHECK(user != this_thread());
        CHECK(kernel.left() == "");
    });
}

TEST_CASE("a third thread is told whose ring it is, and nothing is lost", "[hazard 13][hazard 7]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    ring.push(lio::op::nop().user_data(1)).value();
    CHECK(ring.submit().value().taken == 1);
    ring.push(lio::op::nop().user_data(2)).value();
    kernel.forget_calls();
    lio::result<lio::submission> submitted = lio::submission{};
    lio::result<lio::submission> waited = lio::submission{};
    lio::result<std::uint32_t> also_waited = std::uint32_t{};
    lio::result<lio::cqe> peeked = lio::cqe{};
    on_another_thread([&] {
        submitted = ring.submit();
        waited = ring.submit_and_wait(2);
        also_waited = ring.wait(2);
        ring.next().value();
        kernel.ring().set_submission_flag(lio::abi::sq_taskrun);
        peeked = ring.try_next();
        kernel.ring().clear_submission_flag(lio::abi::sq_taskrun);
    });
    const lio::error expected{EEXIST, cause::wrong_thread};
    REQUIRE_FALSE(submitted);
    CHECK(submitted.error() == expected);
    REQUIRE_FALSE(waited);
    CHECK(waited.error() == expected);
    REQUIRE_FALSE(also_waited);
    CHECK(also_waited.error() == expected);
    REQUIRE_FALSE(peeked);
    CHECK(peeked.error() == expected);
    CHECK(std::string{expected.message()}.find("owner_thread()") != std::string::npos);
    CHECK(ring.unsubmitted() == 1);
    CHECK(ring.submit().value().taken == 1);
    REQUIRE(kernel.ring().taken.size() == 2);
    CHECK(kernel.ring().taken[1].user_data == 2);
}

TEST_CASE("a registration from another thread is told whose ring it is", "[hazard 13]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    ring.push(lio::op::nop()).value();
    CHECK(ring.submit().value().taken == 1);
    const int files[] = {-1};
    lio::error refusal{1};
    on_another_thread([&] { refusal = lio::registered_files::create(ring, files).error(); });
    CHECK(refusal == lio::error{EEXIST, cause::wrong_thread});
    CHECK(lio::registered_files::create(ring, files));
}

TEST_CASE("without single_issuer another thread may use the ring, which the plain descriptor makes possible",
          "[hazard 13]") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_5_19};
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    ring.push(lio::op::nop().user_data(1)).value();
    CHECK(ring.submit().value().taken == 1);
    CHECK(kernel.registrations() == 0);
    kernel.forget_calls();
    lio::result<lio::submission> submitted = lio::error{1};
    on_another_thread([&] {
        ring.push(lio::op::nop().user_data(2)).value();
        submitted = ring.submit_and_wait(2);
    });
    REQUIRE(submitted);
    CHECK(submitted->taken == 1);
    const auto enters = kernel.calls_of(lio::arch::io_uring_enter);
    REQUIRE_FALSE(enters.empty());
    CHECK(enters.back().arguments[0] == ring.file());
    CHECK_FALSE(by_registered_descriptor(enters.back()));
    CHECK(kernel.ring().taken.size() == 2);
}

TEST_CASE("what another ring has queued is not taken by a call on a thread that is not the caller's own",
          "[hazard 13]") {
    // Here the same registered number is one ring, there it is another.
    const bool fails = GENERATE(true, false);
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    auto& model = kernel.ring();
    ring.push(lio::op::nop().user_data(1)).value();
    CHECK(ring.submit().value().taken == 1);

    lio::result<lio::submission> elsewhere = lio::error{1};
    bool others_are_its_own = false;
    on_another_thread([&] {
        lio::ring other = lio::ring::create({.entries = 8}).value();
        auto& other_model = kernel.ring();
        other.push(lio::op::nop().user_data(100)).value();
        other.submit().value();
        // Published but not taken: a short submit, or one that failed.
        if (fails)
            kernel.fail(lio::arch::io_uring_enter, EBUSY);
        else
            other_model.take_limits = {1};
        other.push(lio::op::nop().user_data(101), lio::op::nop().user_data(102)).value();
        static_cast<void>(other.submit());

        ring.push(lio::op::nop().user_data(2)).value();
        elsewhere = ring.submit();
        const auto queued = other.unsubmitted();
        others_are_its_own = queued == (fails ? 2u : 1u) && other.submit().value().taken == queued &&
                             other_model.taken.size() == 3 && other_model.taken[2].user_data == 102;
    });
    CHECK(elsewhere.error() == lio::error{EEXIST, cause::wrong_thread});
    CHECK(model.taken.size() == 1);
    CHECK(others_are_its_own);
}

TEST_CASE("closing on another thread leaves that thread's own table of rings alone", "[hazard 13]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    ring.push(lio::op::nop()).value();
    CHECK(ring.submit().value().taken == 1);
    const int file = ring.file();
    kernel.forget_calls();
    bool other_ring_works = false;
    on_another_thread([&] {
        // Slot 0 is another ring here.
        lio::ring other = lio::ring::create({.entries = 8}).value();
        other.push(lio::op::nop()).value();
        other.submit().value();
        ring.close().value();
        other.push(lio::op::nop()).value();
        other_ring_works = other.submit().has_value();
    });
    CHECK(other_ring_works);
    CHECK(kernel.violations() == "");
    // The kernel keeps the first thread's registration until that thread ends; everything else is gone.
    CHECK(kernel.left() == "registration 20 of ring " + std::to_string(file) + " is there\n");
    kernel.clear_books();
}

TEST_CASE("a split ring never registers its descriptor and has no flag that binds it to a thread", "[hazard 13]") {
    for (const auto& plays :
         {lio::fake::linux_5_10, lio::fake::linux_5_19, lio::fake::linux_6_1, lio::fake::linux_6_18}) {
        lio::fake::kernel kernel{ground::model, plays};
        auto split = lio::with_capacity(8).value();
        const auto flags = static_cast<setup>(kernel.ring().parameters().flags);
        CHECK((flags & (setup::single_issuer | setup::deferred_taskrun | setup::start_disabled)) == setup::none);
        std::uint64_t seen = 0;
        on_another_thread([&] {
            split.submissions.push(lio::op::nop().user_data(6)).value();
            split.submissions.submit().value();
        });
        on_another_thread([&] { seen = split.completions.next().value().user_data(); });
        CHECK(seen == 6);
        CHECK(kernel.count(lio::arch::io_uring_register) == 0);
        for (const auto& call : kernel.calls_of(lio::arch::io_uring_enter)) CHECK_FALSE(by_registered_descriptor(call));
    }
}

TEST_CASE("a split ring is closed by whichever of its handles goes last", "[hazard 18]") {
    lio::fake::on_each_ground([](lio::fake::kernel& kernel) {
        auto split = lio::with_capacity(8).value();
        const bool completions_first = GENERATE(true, false);
        if (completions_first) {
            { const auto gone = static_cast<lio::completion_queue&&>(split.completions); }
            CHECK(kernel.open_rings().size() == 1);
            { const auto gone = static_cast<lio::submission_queue&&>(split.submissions); }
        } else {
            { const auto gone = static_cast<lio::submission_queue&&>(split.submissions); }
            CHECK(kernel.open_rings().size() == 1);
            { const auto gone = static_cast<lio::completion_queue&&>(split.completions); }
        }
        CHECK(kernel.left() == "");
        CHECK(kernel.count(lio::arch::close) == 1);
    });
}

TEST_CASE("a ring that was asked to start disabled waits for enable()", "[hazard 14]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 8, .require = setup::start_disabled}).value();
    ring.push(lio::op::nop().user_data(1)).value();
    CHECK(ring.submit().error() == lio::error{EBADFD, cause::ring_disabled});
    CHECK(ring.submit_and_wait(1).error() == lio::error{EBADFD, cause::ring_disabled});
    CHECK(ring.wait(1).error() == lio::error{EBADFD, cause::ring_disabled});
    CHECK(kernel.count(lio::arch::io_uring_register) == 0);
    CHECK(ring.unsubmitted() == 1);

    ring.enable().value();
    CHECK(ring.owner_thread() == this_thread());
    CHECK(ring.submit_and_wait(1).value().taken == 1);
    CHECK(ring.next().value().user_data() == 1);
    CHECK(ring.enable().error() == lio::error{EBADFD, cause::register_call});

    kernel.forget_calls();
    ring.push(lio::op::nop()).value();
    CHECK(ring.submit().value().taken == 1);
    CHECK(by_registered_descriptor(kernel.calls_of(lio::arch::io_uring_enter).back()));
}

TEST_CASE("a forked child that destroys the ring neither unmaps nor unregisters what is its parent's", "[hazard 22]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    ring.push(lio::op::nop()).value();
    CHECK(ring.submit().value().taken == 1);
    const int file = ring.file();
    REQUIRE(kernel.registrations() == 1);

    kernel.pretend_to_be_forked();
    kernel.forget_calls();
    ring.close().value();
    CHECK(kernel.count(lio::arch::io_uring_register) == 0);
    CHECK(kernel.count(lio::arch::io_uring_enter) == 0);
    // The descriptor was inherited; the ring's memory was not.
    const auto closes = kernel.calls_of(lio::arch::close);
    REQUIRE(closes.size() == 1);
    CHECK(closes[0].arguments[0] == file);
    CHECK(kernel.count(lio::arch::munmap) == 0);
    std::size_t left = 0;
    for (const auto& [address, part] : kernel.mappings()) {
        CHECK(part.file == file);
        ++left;
    }
    CHECK(left == 2);
    kernel.clear_books();
}

// The size of what a ring of four buffers has mapped: the entries lie in front of the buffers.
static std::size_t memory_of(const lio::fake::kernel& kernel, const lio::buffer_ring& buffers) {
    return kernel.mappings().at(reinterpret_cast<char*>(buffers.buffer(0).data()) - 4 * 16).size;
}

TEST_CASE("a forked child that destroys what was registered neither unmaps nor unregisters it", "[hazard 22]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    char memory[64];
    const lio::mutable_bytes pieces[] = {{memory, sizeof memory}};
    const int slots[] = {-1};
    std::size_t buffer_memory = 0;
    {
        const auto group = lio::buffer_ring::create(ring, {.group = 1, .count = 4, .size = 64}).value();
        buffer_memory = memory_of(kernel, group);
        const auto buffers = lio::registered_buffers::create(ring, pieces).value();
        const auto files = lio::registered_files::create(ring, slots).value();
        kernel.pretend_to_be_forked();
        kernel.forget_calls();
    }
    CHECK(kernel.count(lio::arch::io_uring_register) == 0);
    CHECK(kernel.registrations() == 3);
    bool has_buffers = false;
    for (const auto& [address, part] : kernel.mappings()) has_buffers = has_buffers || part.size == buffer_memory;
    CHECK(has_buffers);
    ring.close().value();
    kernel.clear_books();
}

TEST_CASE("a forked child leaves the buffers alone even if they were unregistered before the fork", "[hazard 22]") {
    lio::fake::kernel kernel{ground::model};
    const lio::ring ring = lio::ring::create({.entries = 8}).value();
    std::size_t buffer_memory = 0;
    {
        auto group = lio::buffer_ring::create(ring, {.group = 1, .count = 4, .size = 64}).value();
        buffer_memory = memory_of(kernel, group);
        group.close().value();
        kernel.pretend_to_be_forked();
        kernel.forget_calls();
    }
    CHECK(kernel.count(lio::arch::munmap) == 0);
    kernel.unmap_left(buffer_memory);
    // What follows is the parent's own work again.
    kernel.pretend_to_be_forked(false);
}

} // namespace fake_kernel_first_use_test
