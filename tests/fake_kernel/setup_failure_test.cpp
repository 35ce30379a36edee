// Making a ring, or registering something with it, when one of the calls on the way fails: the error says which and
// why, and nothing is left behind or given back twice. Test code.

#include "fake_kernel.hpp"
#include "rings.hpp"

#include "../support/skip.hpp"

#include <lio/buffer_ring.hpp>
#include <lio/memory_region.hpp>
#include <lio/op/nop.hpp>
#include <lio/registered_buffers.hpp>
#include <lio/registered_files.hpp>
#include <lio/registered_waits.hpp>
#include <lio/large_ring.hpp>
#include <lio/ring_memory.hpp>
#include <lio/split.hpp>

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <string>

namespace fake_kernel_setup_failure_test {

using lio::cause;
using lio::fake::ground;

namespace {

bool says(const char* text, const char* what) { return std::string{text}.find(what) != std::string::npos; }

cause cause_of(lio::arch::number number) {
    switch (number) {
    case lio::arch::io_uring_setup:
        return cause::setup_call;
    case lio::arch::io_uring_enter:
        return cause::enter_call;
    case lio::arch::io_uring_register:
        return cause::register_call;
    default:
        return cause::map_call;
    }
}

// Calls `make` (which gives a result whose value cleans up after itself) once to see which calls it makes, and then
// once for each of them that can fail, which then does.
template <class Make>
void fail_each_call(lio::fake::kernel& kernel, std::size_t at_least, Make make) {
    const std::string before = kernel.left();
    kernel.forget_calls();
    std::size_t calls = 0;
    {
        const auto made = make();
        REQUIRE(made);
        calls = kernel.calls_that_can_fail();
    }
    REQUIRE(kernel.left() == before);
    REQUIRE(calls >= at_least);
    for (std::size_t nth = 1; nth <= calls; ++nth) {
        for (const int code : {ENOMEM, EPERM, EAGAIN, EFAULT}) {
            kernel.forget_calls();
            kernel.fail_any(nth, code);
            const auto made = make();
            lio::arch::number failed{};
            for (const auto& call : kernel.calls())
                if (call.answer == -code) failed = call.number;
            INFO("call " << nth << " of " << calls << ", number " << failed << ", fails with " << code);
            REQUIRE(failed != lio::arch::number{});
            REQUIRE_FALSE(made);
            CHECK(made.error().code() == code);
            CHECK(made.error().why() == cause_of(failed));
            CHECK(kernel.left() == before);
            CHECK(kernel.violations() == "");
        }
    }
}

} // namespace

TEST_CASE("whichever call of ring::create fails, the error tells it and nothing is left behind", "[hazard 18]") {
    // Setup, one mapping for both queues and one for the entries, each marked do-not-fork; then also the core's page.
    lio::fake::on_each_ground([](lio::fake::kernel& kernel) {
        fail_each_call(kernel, 5, [] { return lio::ring::create({.entries = 4}); });
        const auto others = lio::fake::rings_in_all_places();
        fail_each_call(kernel, 6, [] { return lio::ring::create({.entries = 4}); });
    });
    // One more mapping.
    lio::fake::on_each_ground(
        [](lio::fake::kernel& kernel) {
            fail_each_call(kernel, 7, [] { return lio::ring::create({.entries = 4, .exactly = true}); });
        },
        lio::fake::linux_5_1);
}

TEST_CASE("whichever call of with_options fails, the error tells it and nothing is left behind", "[hazard 18]") {
    lio::fake::on_each_ground(
        [](lio::fake::kernel& kernel) { fail_each_call(kernel, 5, [] { return lio::with_options({.entries = 4}); }); });
}

TEST_CASE("whichever call of buffer_ring::create fails, nothing is left behind", "[hazard 18]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 4}).value();
    fail_each_call(kernel, 3, [&] { return lio::buffer_ring::create(ring, {.group = 3, .count = 4, .size = 64}); });
}

TEST_CASE("when memory for a ring cannot be had, nothing is left behind, and nothing else given back [hazard 18]",
          "[hazard 18]") {
    lio::fake::kernel kernel{ground::model};
    {
        const auto memory = lio::ring_memory::create(100).value();
        CHECK(kernel.mappings().size() == 1);
    }
    CHECK(kernel.left() == "");
    // The first try is for huge pages.
    kernel.fail(lio::arch::mmap, ENOMEM, 1, 1);
    CHECK_FALSE(lio::ring_memory::create(100).value().is_huge());
    CHECK(kernel.left() == "");
    kernel.fail(lio::arch::mmap, ENOMEM, 1, 2);
    kernel.forget_calls();
    CHECK(lio::ring_memory::create(100).error() == lio::error{ENOMEM, cause::map_call});
    CHECK(kernel.count(lio::arch::munmap) == 0);
    CHECK(kernel.violations() == "");
}

TEST_CASE("whichever call of registered_buffers::create fails, nothing is left behind", "[hazard 18]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 4}).value();
    char memory[64];
    const lio::mutable_bytes buffers[] = {{memory, sizeof memory}};
    fail_each_call(kernel, 2, [&] { return lio::registered_buffers::create(ring, buffers); });
}

TEST_CASE("whichever call of registered_waits::create fails, nothing is left behind", "[hazard 18]") {
    // The mapping, its mark and the registration, beside the ring's own; a ring has such memory once only.
    lio::fake::on_each_ground([](lio::fake::kernel& kernel) {
        {
            const lio::ring made = lio::ring::create({.entries = 4}).value();
            if (const auto waits = lio::registered_waits::create(made, 1); !waits) {
                CHECK(waits.error() == lio::error{EINVAL, cause::waits_refused});
                lio::test::record_partial_skip("registered waits: since Linux 6.13");
                return;
            }
        }
        fail_each_call(kernel, 8, []() -> lio::result<lio::registered_waits> {
            const auto made = lio::ring::create({.entries = 4});
            if (!made) return made.error();
            return lio::registered_waits::create(*made, 1);
        });
    });
}

TEST_CASE("when memory of the kernel's cannot be mapped or marked, nothing is left behind [hazard 18]", "[hazard 18]") {
    if (!lio::fake::real_kernel_has_rings())
        LIO_SKIP("this machine's own kernel has no io_uring or forbids it (Linux 5.1)");
    lio::fake::kernel kernel{ground::real};
    {
        const lio::ring made = lio::ring::create({.entries = 4}).value();
        if (const auto region = lio::memory_region::create(made, 4096); !region) {
            CHECK(region.error() == lio::error{EINVAL, cause::region_refused});
            LIO_SKIP("memory registered with a ring: since Linux 6.13");
        }
    }
    fail_each_call(kernel, 8, []() -> lio::result<lio::memory_region> {
        const auto made = lio::ring::create({.entries = 4});
        if (!made) return made.error();
        return lio::memory_region::create(*made, 4096);
    });
}

TEST_CASE("memory of the program's is never unmapped, and is not marked") {
    lio::fake::kernel kernel{ground::model};
    alignas(65536) static char memory[65536];
    lio::ring ring = lio::ring::create({.entries = 4}).value();
    kernel.forget_calls();
    {
        const auto region = lio::memory_region::create(ring, lio::mutable_bytes{memory}).value();
        CHECK(region.bytes().size() == sizeof memory);
    }
    CHECK(kernel.count(lio::arch::io_uring_register) == 1);
    CHECK(kernel.count(lio::arch::munmap) == 0);
    CHECK(kernel.count(lio::arch::madvise) == 0);
    CHECK(lio::registered_waits::create(ring, 1).error() == lio::error{EBUSY, cause::region_refused});
}

TEST_CASE("a registration that fails leaves the ring as it was", "[hazard 18]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 4}).value();
    const std::string before = kernel.left();
    const int files[] = {0};
    kernel.fail(lio::arch::io_uring_register, EMFILE);
    const auto refused = lio::registered_files::create(ring, files);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == lio::error{EMFILE, cause::register_call});
    CHECK(says(refused.error().message(), "RLIMIT_NOFILE"));
    CHECK(kernel.left() == before);
    CHECK(lio::registered_files::create(ring, files));
    CHECK(kernel.left() == before);
}

TEST_CASE("when a ring's mapping fails, its descriptor is closed exactly once and no other ever", "[hazard 18]") {
    // What the books would say as well; here in plain words, because a library once closed standard input.
    lio::fake::kernel kernel{ground::model};
    const auto others = lio::fake::rings_in_all_places(); // so that the core is one of the mappings
    for (std::size_t nth = 1; nth <= 3; ++nth) {
        kernel.forget_calls();
        kernel.fail(lio::arch::mmap, ENOMEM, nth);
        REQUIRE_FALSE(lio::ring::create({.entries = 4}));
        const auto closes = kernel.calls_of(lio::arch::close);
        REQUIRE(closes.size() == 1);
        CHECK(closes[0].arguments[0] == kernel.calls_of(lio::arch::io_uring_setup).back().answer);
        CHECK(kernel.count(lio::arch::munmap) == nth - 1);
    }
}

TEST_CASE("a ring whose descriptor is 0 is a ring like any other", "[hazard 18]") {
    // A program that has closed its standard input gets this number.
    lio::fake::kernel kernel{ground::model};
    kernel.next_file = 0;
    lio::ring ring = lio::ring::create({.entries = 4}).value();
    CHECK(ring.file() == 0);
    ring.push(lio::op::nop().user_data(1)).value();
    CHECK(ring.submit_and_wait(1).value().taken == 1);
    CHECK(ring.next().value().user_data() == 1);
    CHECK(kernel.open_rings().count(0) == 1);
    ring.close().value();
    CHECK(kernel.open_rings().count(0) == 0);
    ring.close().value();
    CHECK(kernel.count(lio::arch::close) == 1);
}

TEST_CASE("an error of setup other than EINVAL ends it at once, with that error", "[hazard 19][hazard 46]") {
    lio::fake::kernel kernel{ground::model};
    for (int code = 1; code <= 140; ++code) {
        if (code == EINVAL) continue;
        INFO("errno " << code);
        kernel.forget_calls();
        kernel.fail(lio::arch::io_uring_setup, code);
        const auto made = lio::ring::create({.entries = 4});
        REQUIRE_FALSE(made);
        CHECK(made.error() == lio::error{code, cause::setup_call});
        CHECK(kernel.count_calls() == 1);

        kernel.fail(lio::arch::io_uring_setup, code);
        const auto split = lio::with_capacity(4);
        REQUIRE_FALSE(split);
        CHECK(split.error() == lio::error{code, cause::setup_call});
        CHECK(kernel.count_calls() == 2);
    }
}

TEST_CASE("an error of setup says the likely cause and whether trying again helps", "[hazard 46]") {
    lio::fake::kernel kernel{ground::model};
    const auto message_for = [&](int code) {
        kernel.fail(lio::arch::io_uring_setup, code);
        return std::string{lio::ring::create({.entries = 4}).error().message()};
    };
    const auto says_all = [](const std::string& text, std::initializer_list<const char*> words) {
        for (const char* word : words)
            if (text.find(word) == std::string::npos) return false;
        return true;
    };
    CHECK(says_all(message_for(EPERM), {"kernel.io_uring_disabled", "seccomp", "rying again does not help"}));
    CHECK(says_all(message_for(EACCES), {"SELinux", "rying again does not help"}));
    CHECK(says_all(message_for(ENOSYS), {"kernel", "5.1", "seccomp"}));
    CHECK(says_all(message_for(EOPNOTSUPP), {"no io_uring"}));
    CHECK(says_all(message_for(ENOMEM), {"RLIMIT_MEMLOCK", "5.12", "may pass"}));
    CHECK(says_all(message_for(EMFILE), {"RLIMIT_NOFILE"}));
    CHECK(says_all(message_for(ENFILE), {"fs.file-max", "may pass"}));
}

TEST_CASE("an error of a mapping says the likely cause", "[hazard 46]") {
    lio::fake::kernel kernel{ground::model};
    kernel.fail(lio::arch::mmap, ENOMEM);
    CHECK(says(lio::ring::create({.entries = 4}).error().message(), "vm.max_map_count"));
    kernel.fail(lio::arch::mmap, EAGAIN);
    CHECK(says(lio::ring::create({.entries = 4}).error().message(), "RLIMIT_MEMLOCK"));
}

TEST_CASE("a kernel without FEAT_SINGLE_MMAP gets three mappings, each of its exact size", "[hazard 16]") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_5_1};
    {
        lio::ring ring = lio::ring::create({.entries = 20}).value();
        const auto& model = kernel.ring();
        const auto mapped = kernel.calls_of(lio::arch::mmap);
        REQUIRE(mapped.size() == 3);
        CHECK(mapped[0].arguments[1] == static_cast<long>(model.submission_size()));
        CHECK(mapped[0].arguments[5] == static_cast<long>(lio::abi::off_sq_ring));
        CHECK(mapped[1].arguments[1] == static_cast<long>(model.completion_size()));
        CHECK(mapped[1].arguments[5] == static_cast<long>(lio::abi::off_cq_ring));
        CHECK(mapped[2].arguments[1] == static_cast<long>(model.entries_size()));
        CHECK(mapped[2].arguments[5] == static_cast<long>(lio::abi::off_sqes));

        ring.push(lio::op::nop().user_data(5)).value();
        CHECK(ring.submit_and_wait(1).value().taken == 1);
        CHECK(ring.next().value().user_data() == 5);
    }
    // With which sizes they were unmapped, the books have compared.
    CHECK(kernel.count(lio::arch::munmap) == 3);
    CHECK(kernel.left() == "");
}

TEST_CASE("the two queues in one mapping get the larger of their sizes, whichever that is", "[hazard 16]") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_6_1};
    const auto is_mapped_whole = [&](const lio::ring_options& options) {
        kernel.forget_calls();
        const lio::ring ring = lio::ring::create(options).value();
        const auto& model = kernel.ring();
        const auto mapped = kernel.calls_of(lio::arch::mmap);
        REQUIRE(mapped.size() == 2);
        const std::size_t larger = std::max(model.submission_size(), model.completion_size());
        CHECK(mapped[0].arguments[1] == static_cast<long>(larger));
        CHECK(mapped[0].arguments[5] == static_cast<long>(lio::abi::off_sq_ring));
        CHECK(mapped[1].arguments[1] == static_cast<long>(model.entries_size()));
        CHECK(mapped[1].arguments[5] == static_cast<long>(lio::abi::off_sqes));
    };
    for (const bool array_comes_first : {true, false}) {
        kernel.array_comes_first = array_comes_first;
        is_mapped_whole({.entries = 1});
        is_mapped_whole({.entries = 128});
        is_mapped_whole({.entries = 300, .completion_entries = 5000});
        is_mapped_whole({.entries = 32768, .completion_entries = 65536});
    }
}

TEST_CASE("a ring without the submission array is mapped up to its last completion", "[hazard 16]") {
    lio::fake::kernel kernel{ground::model};
    const lio::ring ring = lio::ring::create({.entries = 300, .completion_entries = 5000}).value();
    const auto mapped = kernel.calls_of(lio::arch::mmap);
    REQUIRE(mapped.size() == 2);
    CHECK(mapped[0].arguments[1] == static_cast<long>(kernel.ring().completion_size()));
    CHECK(kernel.ring().parameters().cq_entries == 8192);
    CHECK(ring.completion_capacity() == 8192);
}

TEST_CASE("longer entries are mapped, written and read at their own distance [hazard 16] [hazard 26]",
          "[hazard 16][hazard 26]") {
    lio::fake::kernel kernel{ground::model};
    const auto works = [&](auto made, std::size_t entry, std::size_t completion) {
        auto ring = std::move(made).value();
        auto& model = kernel.ring();
        REQUIRE(model.entry_stride() == entry);
        REQUIRE(model.completion_stride() == completion);
        const auto mapped = kernel.calls_of(lio::arch::mmap);
        REQUIRE(mapped.size() >= 2);
        CHECK(mapped[mapped.size() - 2].arguments[1] == static_cast<long>(model.completion_size()));
        CHECK(mapped[mapped.size() - 1].arguments[1] == static_cast<long>(model.entries_size()));
        // Three times round.
        for (std::uint64_t i = 0; i < 12; ++i) {
            ring.push(lio::op::nop().user_data(i)).value();
            CHECK(ring.submit_and_wait(1).value().taken == 1);
            CHECK(ring.next().value().user_data() == i);
            CHECK(model.taken.back().user_data == i);
            for (const std::uint64_t word : model.taken.back().rest) CHECK(word == 0);
        }
    };
    works(lio::large_ring::create({.entries = 4}), 128, 32);
    works(lio::large_completion_ring::create({.entries = 4}), 64, 32);
    works(lio::ring::create({.entries = 4}), 64, 16);
}

TEST_CASE("a kernel without longer entries is told from every other refusal [hazard 8]", "[hazard 8]") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_5_11};
    CHECK(lio::large_ring::create().error() == lio::error{EINVAL, lio::cause::large_entries_missing});
    CHECK(lio::large_completion_ring::create().error() == lio::error{EINVAL, lio::cause::large_completions_missing});
    CHECK(lio::large_ring::create({.entries = 0}).error() == lio::error{EINVAL, lio::cause::no_entries});
    CHECK(kernel.left() == "");
}

TEST_CASE("a resize maps the new queues whole and goes on with the old counters [hazard 2] [hazard 21]",
          "[hazard 2][hazard 21]") {
    lio::fake::kernel kernel{ground::model};
    kernel.first_counter = 0xfffffffe;
    lio::ring ring = lio::ring::create({.entries = 4}).value();
    for (std::uint64_t i = 0; i < 3; ++i) ring.push(lio::op::nop().user_data(i)).value();
    kernel.forget_calls();
    ring.resize(64, 1024).value();
    const auto mapped = kernel.calls_of(lio::arch::mmap);
    REQUIRE(mapped.size() == 2);
    CHECK(mapped[0].arguments[1] == static_cast<long>(kernel.ring().completion_size()));
    CHECK(mapped[1].arguments[1] == static_cast<long>(kernel.ring().entries_size()));
    CHECK(kernel.count(lio::arch::munmap) == 2);
    CHECK(ring.submit_and_wait(3).value().taken == 3);
    for (std::uint64_t i = 0; i < 3; ++i) CHECK(ring.next().value().user_data() == i);
    CHECK(kernel.ring().header_is_intact());
}

TEST_CASE("a resize that the kernel refuses leaves the ring as it was [hazard 21]", "[hazard 21]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 4}).value();
    ring.push(lio::op::nop().user_data(1)).value();
    for (const int code : {EINVAL, EOVERFLOW, ENOMEM, EEXIST}) {
        kernel.fail_register(lio::abi::register_opcode::register_resize_rings, code);
        CHECK(ring.resize(8).error().code() == code);
        CHECK(ring.is_open());
        CHECK(ring.submission_capacity() == 4);
        CHECK(ring.unsubmitted() == 1);
    }
    CHECK(ring.submit_and_wait(1).value().taken == 1);
    CHECK(ring.next().value().user_data() == 1);
}

TEST_CASE("a resize whose mapping fails after the kernel has switched closes the ring, says so and leaves nothing "
          "[hazard 21]",
          "[hazard 21]") {
    for (std::size_t nth = 1; nth <= 2; ++nth) {
        lio::fake::kernel kernel{ground::model};
        lio::ring ring = lio::ring::create({.entries = 4}).value();
        ring.push(lio::op::nop().user_data(1)).value();
        kernel.forget_calls();
        kernel.fail(lio::arch::mmap, ENOMEM, nth);
        CHECK(ring.resize(8).error() == lio::error{ENOMEM, lio::cause::resize_lost_the_ring});
        CHECK_FALSE(ring.is_open());
        CHECK(ring.push(lio::op::nop()).error().why() == lio::cause::ring_closed);
        CHECK(ring.submit().error().why() == lio::cause::ring_closed);
        CHECK(ring.wait(1).error().why() == lio::cause::ring_closed);
        CHECK(kernel.count(lio::arch::close) == 1);
        CHECK(kernel.left() == "");
    }
}

TEST_CASE("a resize whose do-not-fork mark fails is one whose mapping failed [hazard 21] [hazard 22]",
          "[hazard 21][hazard 22]") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 4}).value();
    kernel.forget_calls();
    kernel.fail(lio::arch::madvise, EINVAL);
    CHECK(ring.resize(8).error().why() == lio::cause::resize_lost_the_ring);
    CHECK(kernel.left() == "");
}

TEST_CASE("every mapping that the kernel shares is marked do-not-fork", "[hazard 22]") {
    lio::fake::on_each_ground(
        [](lio::fake::kernel& kernel) {
            lio::ring ring = lio::ring::create({.entries = 4}).value();
            auto [completions, submissions] = lio::with_capacity(4).value();
            std::size_t of_rings = 0;
            for (const auto& [address, part] : kernel.mappings()) {
                if (part.file < 0) continue;
                ++of_rings;
                CHECK(part.do_not_fork);
            }
            CHECK(of_rings == 6);
        },
        lio::fake::linux_5_1);
}

TEST_CASE("a buffer ring's memory is marked do-not-fork", "[hazard 22]") {
    lio::fake::kernel kernel{ground::model};
    const lio::ring ring = lio::ring::create({.entries = 4}).value();
    const auto buffers = lio::buffer_ring::create(ring, {.group = 1, .count = 4, .size = 64}).value();
    const auto found = kernel.mappings().find(reinterpret_cast<char*>(buffers.buffer(0).data()) - 4 * 16);
    REQUIRE(found != kernel.mappings().end());
    CHECK(found->second.do_not_fork);
}

TEST_CASE("a buffer ring is unregistered before its memory goes", "[hazard 24]") {
    // Were it the other way round, the kernel could write into memory that is something else by then: the books
    // call it a violation.
    lio::fake::kernel kernel{ground::model};
    const lio::ring ring = lio::ring::create({.entries = 4}).value();
    {
        const auto buffers = lio::buffer_ring::create(ring, {.group = 1, .count = 4, .size = 64}).value();
        CHECK(kernel.registrations() == 1);
        kernel.forget_calls();
    }
    CHECK(kernel.registrations() == 0);
    CHECK(kernel.position(lio::abi::register_opcode::unregister_pbuf_ring) >= 0);
    CHECK(kernel.position(lio::arch::munmap) > kernel.position(lio::abi::register_opcode::unregister_pbuf_ring));
    CHECK(kernel.violations() == "");
}

TEST_CASE("buffers that the kernel does not let go of stay mapped", "[hazard 24]") {
    lio::fake::kernel kernel{ground::model};
    const lio::ring ring = lio::ring::create({.entries = 4}).value();
    auto buffers = lio::buffer_ring::create(ring, {.group = 1, .count = 4, .size = 64}).value();
    SECTION("a close that failed can be tried again") {
        kernel.fail_register(lio::abi::register_opcode::unregister_pbuf_ring, EEXIST);
        CHECK(buffers.close().error().code() == EEXIST);
        CHECK(kernel.registrations() == 1);
        CHECK(buffers.close());
        CHECK(kernel.registrations() == 0);
    }
    SECTION("a destructor that cannot unregister leaves the memory to the ring") {
        kernel.fail_register(lio::abi::register_opcode::unregister_pbuf_ring, EEXIST);
        kernel.forget_calls();
        { const auto last = static_cast<lio::buffer_ring&&>(buffers); }
        CHECK(kernel.registrations() == 1);
        CHECK(kernel.count(lio::arch::munmap) == 0);
        CHECK(kernel.violations() == "");
        // The books say that nothing is left when the ring has gone.
    }
}

TEST_CASE("what is registered may outlive its ring, and then has nothing to take away") {
    lio::fake::kernel kernel{ground::model};
    lio::ring ring = lio::ring::create({.entries = 4}).value();
    char memory[64];
    const lio::mutable_bytes pieces[] = {{memory, sizeof memory}};
    const int slots[] = {-1, -1};
    {
        const auto group = lio::buffer_ring::create(ring, {.group = 1, .count = 4, .size = 64}).value();
        const auto buffers = lio::registered_buffers::create(ring, pieces).value();
        const auto files = lio::registered_files::create(ring, slots).value();
        CHECK(kernel.registrations() == 3);
        ring.close().value();
        kernel.forget_calls();
    }
    CHECK(kernel.count(lio::arch::io_uring_register) == 0);
    CHECK(kernel.left() == "");
}

} // namespace fake_kernel_setup_failure_test
