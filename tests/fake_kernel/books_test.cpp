// The fake kernel itself: that its books notice what they are there to notice, and that the one wrapper of system
// calls keeps the kernel's convention. Test code.

#include "fake_kernel.hpp"

#include "system.hpp"

#include <lio/op/nop.hpp>
#include <lio/ring.hpp>

#include <cerrno>
#include <string>

namespace fake_kernel_books_test {

using lio::fake::ground;

namespace {

bool says(const std::string& text, const char* what) { return text.find(what) != std::string::npos; }

} // namespace

TEST_CASE("the books notice what is left behind") {
    lio::fake::kernel kernel{ground::model};
    const void* const memory = lio::system::map_memory(5000).value();
    REQUIRE(memory != nullptr);
    lio::abi::params parameters{};
    const int file = lio::system::setup(4, parameters).value();
    const int files[] = {0};
    lio::system::register_call(file, lio::abi::register_opcode::register_files, files, 1).value();

    CHECK(says(kernel.left(), "5000 bytes are mapped, of plain memory"));
    CHECK(says(kernel.left(), "ring 1000 is open"));
    CHECK(says(kernel.left(), "registration 2 of ring 1000"));
    CHECK(kernel.violations() == "");
    kernel.clear_books();
}

TEST_CASE("the books notice what is given back twice, in part or without being ours") {
    lio::fake::kernel kernel{ground::model};
    lio::abi::params parameters{};
    const int file = lio::system::setup(4, parameters).value();
    lio::system::close(file).value();

    SECTION("a second close") {
        CHECK_FALSE(lio::system::close(file));
        CHECK(says(kernel.violations(), "descriptor 1000 is closed"));
    }
    SECTION("a close of somebody else's descriptor") {
        CHECK_FALSE(lio::system::close(0));
        CHECK(says(kernel.violations(), "descriptor 0 is closed"));
    }
    SECTION("another size") {
        void* const memory = lio::system::map_memory(5000).value();
        lio::system::unmap(memory, 4096).value();
        CHECK(says(kernel.violations(), "4096 bytes are unmapped where 5000 were mapped"));
    }
    SECTION("a second time") {
        void* const memory = lio::system::map_memory(5000).value();
        lio::system::unmap(memory, 5000).value();
        lio::system::unmap(memory, 5000).value();
        CHECK(says(kernel.violations(), "not mapped"));
    }
    SECTION("a use of the descriptor afterwards") {
        CHECK_FALSE(lio::system::register_call(file, lio::abi::register_opcode::unregister_files, nullptr, 0));
        CHECK(says(kernel.violations(), "a registration with a descriptor that is no open ring"));
    }
    kernel.clear_books();
}

TEST_CASE("a ring that is made, used and closed leaves nothing behind") {
    lio::fake::on_each_ground([](lio::fake::kernel& kernel) {
        {
            lio::ring ring = lio::ring::create({.entries = 4}).value();
            CHECK(kernel.open_rings().size() == 1);
            ring.push(lio::op::nop().user_data(7)).value();
            CHECK(ring.submit_and_wait(1).value().taken == 1);
            CHECK(ring.next().value().user_data() == 7);
        }
        CHECK(kernel.left() == "");
    });
}

TEST_CASE("the kernel's -errno arrives as that errno, whatever it is", "[hazard 45]") {
    lio::fake::kernel kernel{ground::model};
    const int before = errno;
    errno = EXDEV;
    bool same = true;
    for (int code = 1; code <= 4095; ++code) {
        kernel.answer(lio::arch::io_uring_setup, -code);
        lio::abi::params parameters{};
        const auto made = lio::system::setup(4, parameters);
        same = same && !made && made.error() == lio::error{code, lio::cause::setup_call};
    }
    CHECK(same);
    // The convention has no use for errno, and a program's own value stays.
    CHECK(errno == EXDEV);
    errno = before;
}

TEST_CASE("an answer below -4095 is a value: an address in the upper half", "[hazard 45]") {
    lio::fake::kernel kernel{ground::model};
    kernel.answer(lio::arch::mmap, -4096);
    const auto mapped = lio::system::map_memory(1);
    REQUIRE(mapped);
    CHECK(reinterpret_cast<std::uintptr_t>(*mapped) == static_cast<std::uintptr_t>(-4096));

    kernel.answer(lio::arch::mmap, -4095);
    CHECK(lio::system::map_memory(1).error() == lio::error{4095, lio::cause::map_call});
}

} // namespace fake_kernel_books_test
