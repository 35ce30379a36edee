// What a restricted ring still does, and what it refuses; and the rings of a restricted task.

#include "catch.hpp"
#include "support/child.hpp"
#include "support/files.hpp"
#include "support/footprint.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/waiting.hpp"

#include <lio/abilities.hpp>
#include <lio/buffer_ring.hpp>
#include <lio/large_ring.hpp>
#include <lio/op/files.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/read_write.hpp>
#include <lio/registered_buffers.hpp>
#include <lio/registered_eventfd.hpp>
#include <lio/registered_files.hpp>
#include <lio/restrictions.hpp>
#include <lio/ring_memory.hpp>
#include <lio/split.hpp>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <thread>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>

namespace restrictions_test {

namespace op = lio::op;
using lio::cause;
using lio::entry_flags;
using lio::restrictions;
using lio::setup;
using lio::abi::opcode;
using lio::abi::register_opcode;
using lio::op::nop;

namespace {

constexpr lio::error not_allowed{EACCES, cause::register_call};
constexpr const char* no_restrictions = "restrictions, and rings that start disabled: since Linux 5.10";
constexpr const char* not_disabled = "default rings that are made disabled: since Linux 5.18";

bool has_restrictions() {
    const auto made = lio::ring::create({.entries = 1, .require = setup::start_disabled});
    if (!made) REQUIRE(made.error().why() == cause::start_disabled_missing);
    return made.has_value();
}

lio::ring restricted_ring(const restrictions& allowed, lio::ring_options options = {}) {
    options.entries = 8;
    options.require = options.require | setup::start_disabled;
    lio::ring ring = lio::ring::create(options).value();
    allowed.apply(ring).value();
    ring.enable().value();
    return ring;
}

// As under_each_setup(), each ring restricted before it was enabled.
template <class Body>
void under_each_setup(const restrictions& allowed, Body body) {
    for (const lio::test::ring_setup& one : lio::test::available_setups()) {
        DYNAMIC_SECTION("on a restricted ring set up as: " << one.name) {
            lio::ring ring = restricted_ring(allowed, one.options);
            body(ring);
        }
    }
}

template <class Operation>
int code_of(lio::ring& ring, const Operation& operation) {
    return lio::test::code(lio::test::run(ring, operation));
}

struct text_file {
    lio::test::temporary_directory directory;
    std::string path = directory / "file";
    text_file() { lio::test::make_file(path, "content"); }
};

} // namespace

// Known to the compiler.
static_assert(restrictions{}.allow<op::read, op::write>().allows<op::write>());
static_assert(restrictions{}.allow<op::read>().allows(opcode::read) &&
              !restrictions{}.allow<op::read>().allows<op::write>());
static_assert(restrictions{}.allow(opcode::uring_cmd128, opcode::nop).allows(opcode::uring_cmd128));
static_assert(
    restrictions{}.allow(register_opcode::register_files_update).allows(register_opcode::register_files_update));
static_assert(restrictions{}.allow(register_opcode::register_ring_fds).allows(register_opcode::unregister_ring_fds));
static_assert(!restrictions{}.allow(static_cast<register_opcode>(64)).allows(static_cast<register_opcode>(64)));
static_assert(lio::has(entry_flags::link | entry_flags::drain, entry_flags::drain) &&
              !lio::has(entry_flags::link, entry_flags::link | entry_flags::drain));

TEST_CASE("a restricted ring does what is allowed, and refuses everything else with EACCES") {
    if (!has_restrictions()) LIO_SKIP(no_restrictions);
    const text_file file;
    under_each_setup(restrictions{}.allow<op::readv>().allow(opcode::nop), [&](lio::ring& ring) {
        const lio::test::open_file opened{file.path, O_RDWR};
        char memory[7];
        const iovec piece[1] = {{memory, sizeof memory}};
        ring.push(nop(), op::writev(opened, piece, 0).user_data(1), op::readv(opened, piece, 0).user_data(2),
                  op::fsync(opened).user_data(3))
            .value();
        const auto all = lio::test::next_soon(ring, 4);
        CHECK(lio::test::code(lio::test::of(all, 1)) == EACCES);
        CHECK(lio::test::of(all, 2).result().value() == 7);
        CHECK(std::string(memory, sizeof memory) == "content");
        CHECK(lio::test::code(lio::test::of(all, 3)) == EACCES);
        CHECK(lio::test::content_of(file.path) == "content");
    });
}

TEST_CASE("a default ring can be restricted as long as it has not been used") {
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    if (!has(ring.setup_flags(), setup::start_disabled)) LIO_SKIP(not_disabled);
    const text_file file;
    const lio::test::open_file opened{file.path, O_RDWR};
    // On another thread than the one that will use it.
    lio::result<void> applied;
    std::thread{[&] { applied = restrictions{}.allow<op::read>().apply(ring); }}.join();
    applied.value();
    CHECK(ring.owner_thread() == 0);
    char memory[7] = {};
    CHECK(lio::test::run(ring, op::read(opened, lio::mutable_bytes{memory, 7}, 0)).result().value() == 7);
    CHECK(std::memcmp(memory, "content", 7) == 0);
    CHECK(ring.owner_thread() == ::gettid());
    CHECK(code_of(ring, op::write(opened, lio::bytes{"x", 1}, 0)) == EACCES);
    CHECK(lio::test::content_of(file.path) == "content");
}

TEST_CASE("a ring that runs is not restricted") {
    if (!has_restrictions()) LIO_SKIP(no_restrictions);
    lio::test::under_each_setup([](lio::ring& ring) {
        CHECK(code_of(ring, nop()) == 0);
        CHECK(restrictions{}.apply(ring).error() == lio::error{EBADFD, cause::restrictions_refused});
        CHECK(code_of(ring, nop()) == 0);
    });
}

TEST_CASE("a ring is restricted once, by which of its handles is the same") {
    if (!has_restrictions()) LIO_SKIP(no_restrictions);
    const auto only_nop = restrictions{}.allow<nop>();
    auto [completions, submissions] = lio::with_options({.entries = 4, .require = setup::start_disabled}).value();
    only_nop.apply(completions).value();
    CHECK(restrictions{}.allow<op::read>().apply(submissions).error() ==
          lio::error{EBUSY, cause::restrictions_refused});
    submissions.enable().value();
    CHECK(only_nop.apply(submissions).error() == not_allowed);
    submissions.push(nop()).value();
    submissions.submit().value();
    CHECK(completions.next().value().result());
    submissions.push(op::fsync(0)).value();
    submissions.submit().value();
    CHECK(completions.next().value().result().error().code() == EACCES);
}

TEST_CASE("restrictions that the kernel does not know as a whole leave the ring unrestricted") {
    if (!has_restrictions()) LIO_SKIP(no_restrictions);
    const restrictions refused[] = {
        restrictions{}.allow<nop>().allow(static_cast<opcode>(127)),
        restrictions{}.allow<nop>().allow(static_cast<opcode>(128)),
        restrictions{}.allow<nop>().allow(static_cast<opcode>(255)),
        restrictions{}.allow<nop>().allow(static_cast<register_opcode>(63)),
        restrictions{}.allow<nop>().allow(static_cast<register_opcode>(64)),
        // As a number of 8 bits, in which the kernel has it, it would be one that exists.
        restrictions{}.allow<nop>().allow(static_cast<register_opcode>(256)),
        restrictions{}.allow<nop>().allow(static_cast<register_opcode>(lio::abi::register_use_registered_ring)),
    };
    for (const restrictions& one : refused) {
        lio::ring ring = lio::ring::create({.entries = 4, .require = setup::start_disabled}).value();
        CHECK(one.apply(ring).error() == lio::error{EINVAL, cause::restrictions_refused});
        ring.enable().value();
        CHECK(code_of(ring, op::fsync(0)) != EACCES);
        CHECK(lio::registered_files::create(ring, {-1}));
    }
    lio::ring ring = lio::ring::create({.entries = 4, .require = setup::start_disabled}).value();
    CHECK_FALSE(refused[0].apply(ring));
    // Nor is the one chance spent.
    restrictions{}.allow<nop>().apply(ring).value();
    ring.close().value();
    CHECK(restrictions{}.apply(ring).error().why() == cause::ring_closed);
}

TEST_CASE("what is not named is refused, on every kernel, even if nothing of its kind is named") {
    if (!has_restrictions()) LIO_SKIP(no_restrictions);
    lio::ring operations = restricted_ring(restrictions{}.allow<nop>());
    CHECK(code_of(operations, nop()) == 0);
    CHECK(lio::registered_files::create(operations, {-1}).error() == not_allowed);
    CHECK(std::strstr(not_allowed.message(), "restrictions") != nullptr);

    lio::ring registrations =
        restricted_ring(restrictions{}.allow(register_opcode::register_files, register_opcode::unregister_files));
    CHECK(code_of(registrations, nop()) == EACCES);
    CHECK(lio::registered_files::create(registrations, {-1}));

    lio::ring nothing = restricted_ring(restrictions{});
    CHECK(code_of(nothing, nop()) == EACCES);
    CHECK(lio::registered_files::create(nothing, {-1}).error() == not_allowed);
}

TEST_CASE("operations carry no flags but those that are allowed") {
    if (!has_restrictions()) LIO_SKIP(no_restrictions);
    under_each_setup(restrictions{}.allow<nop>().allow(entry_flags::link), [](lio::ring& ring) {
        CHECK(code_of(ring, nop().drain()) == EACCES);
        CHECK(code_of(ring, nop().force_async()) == EACCES);
        CHECK(code_of(ring, nop().hard_link()) == EACCES);
        ring.push(nop().link().user_data(1), nop().user_data(2)).value();
        for (const lio::cqe& done : lio::test::next_soon(ring, 2)) CHECK(lio::test::code(done) == 0);
        // One that is refused breaks its chain.
        ring.push(nop().link().user_data(1), nop().drain().user_data(2), nop().user_data(3)).value();
        const auto all = lio::test::next_soon(ring, 3);
        CHECK(lio::test::code(lio::test::of(all, 1)) == ECANCELED);
        CHECK(lio::test::code(lio::test::of(all, 2)) == EACCES);
    });
}

TEST_CASE("operations that must be on registered files reach no others") {
    if (!has_restrictions()) LIO_SKIP(no_restrictions);
    const text_file file;
    const lio::test::open_file opened{file.path, O_RDWR};
    lio::ring ring = lio::ring::create({.entries = 8, .require = setup::start_disabled}).value();
    const auto allowed = restrictions{}.allow<op::readv, op::writev>().require(entry_flags::fixed_file);
    std::optional<lio::registered_files> files;
    // Before or after, as long as it does not run.
    const bool is_first = GENERATE(true, false);
    if (is_first) files.emplace(lio::registered_files::create(ring, {opened}).value());
    allowed.apply(ring).value();
    if (!is_first) files.emplace(lio::registered_files::create(ring, {opened}).value());
    ring.enable().value();

    char memory[7];
    const iovec piece[1] = {{memory, sizeof memory}};
    CHECK(code_of(ring, op::writev(opened, piece, 0)) == EACCES);
    CHECK(lio::test::run(ring, op::readv((*files)[0], piece, 0)).result().value() == 7);
    CHECK(std::string(memory, sizeof memory) == "content");
    memory[0] = 'C';
    CHECK(lio::test::run(ring, op::writev((*files)[0], piece, 0)).result().value() == 7);
    CHECK(lio::test::content_of(file.path) == "Content");
    CHECK(code_of(ring, op::writev((*files)[0], piece, 0).link()) == EACCES);
    // Nor does another file get into the table.
    CHECK(files->update(0, 0).error() == not_allowed);
}

TEST_CASE("what may not be taken away stays until the ring closes, and nothing leaks") {
    if (!has_restrictions()) LIO_SKIP(no_restrictions);
    alignas(4096) static std::byte memory[4096];
    const auto restricted_with_everything = [] {
        lio::ring ring = lio::ring::create({.entries = 8, .require = setup::start_disabled}).value();
        const lio::test::pipe_ends pipe;
        const lio::test::open_file event{::eventfd(0, EFD_CLOEXEC)};
        auto files = lio::registered_files::create(ring, {pipe.reading()}).value();
        auto buffers = lio::registered_buffers::create(ring, {lio::mutable_bytes{memory, sizeof memory}}).value();
        auto signals = lio::registered_eventfd::create(ring, event).value();
        restrictions{}.allow<nop, op::read_fixed>().allow(entry_flags::fixed_file).apply(ring).value();
        ring.enable().value();
        CHECK(files.close().error() == not_allowed);
        CHECK(buffers.close().error() == not_allowed);
        CHECK(signals.close().error() == not_allowed);
        // They are all there.
        REQUIRE(::write(pipe.writing(), "x", 1) == 1);
        CHECK(lio::test::run(ring, op::read_fixed(files[0], buffers[0], lio::current_position)).result().value() == 1);
        std::uint64_t count = 0;
        CHECK(::read(event, &count, sizeof count) == sizeof count);
        { const auto dropped = static_cast<lio::registered_files&&>(files); }
        REQUIRE(::write(pipe.writing(), "y", 1) == 1);
        CHECK(lio::test::run(ring, op::read_fixed(lio::direct_descriptor{0}, buffers[0], lio::current_position))
                  .result()
                  .value() == 1);
        CHECK(memory[0] == std::byte{'y'});
    };
    lio::test::leaks_nothing(restricted_with_everything, 50, 50 * 4096);
}

TEST_CASE("a restricted ring is gone when it is closed, though it could not give back a descriptor of its own") {
    lio::ring ring = lio::ring::create({.entries = 8}).value();
    if (!has(ring.setup_flags(), setup::start_disabled)) LIO_SKIP(not_disabled);
    const auto only_read = restrictions{}.allow<op::read>();
    SECTION("no registration") { only_read.apply(ring).value(); }
    SECTION("its own descriptor") { only_read.allow(register_opcode::register_ring_fds).apply(ring).value(); }
    lio::test::pipe_ends pipe;
    char byte = 0;
    ring.push(op::read(pipe.reading(), lio::mutable_bytes{&byte, 1}, lio::current_position)).value();
    lio::test::submit_all(ring);
    CHECK(lio::test::stays_quiet(ring));
    ::close(pipe.ends[0]);
    pipe.ends[0] = ::eventfd(0, EFD_CLOEXEC); // for the destructor
    pollfd nobody_reads{pipe.writing(), POLLOUT, 0};
    CHECK((::poll(&nobody_reads, 1, 0) == 1 && (nobody_reads.revents & POLLERR) == 0)); // the ring does
    ring.close().value();
    nobody_reads.events = 0;
    // Its operation is cancelled, and the file closed.
    CHECK(::poll(&nobody_reads, 1, lio::test::patience_in_milliseconds) == 1);
}

TEST_CASE("a restricted ring without a descriptor is gone when it is closed") {
    alignas(2 << 20) static std::byte memory[2 << 20];
    const lio::ring_options options{.entries = 4,
                                    .require = setup::registered_file_only | setup::start_disabled,
                                    .memory = {memory, sizeof memory}};
    // A thread may have 16 registered rings; were they kept, the seventeenth could not be made.
    for (int i = 0; i < 40; ++i) {
        auto made = lio::ring::create(options);
        if (!made && i == 0)
            LIO_SKIP("a ring without a descriptor in the program's memory: since Linux 6.5, in any pages 6.14");
        REQUIRE(made);
        restrictions{}.allow<nop>().apply(*made).value();
        made->enable().value();
        CHECK(code_of(*made, nop()) == 0);
        CHECK(code_of(*made, op::fsync(0)) == EACCES);
    }
}

TEST_CASE("the library's own entries do their work on restricted rings") {
    if (!has_restrictions()) LIO_SKIP(no_restrictions);
    SECTION("a stop reaches the other half though it is refused") {
        auto [completions, submissions] = lio::with_options({.entries = 4, .require = setup::start_disabled}).value();
        restrictions{}.apply(submissions).value();
        submissions.enable().value();
        submissions.stop().value();
        CHECK(completions.next().value().is_stop());
    }
    SECTION("what fills a queue of mixed sizes breaks no chain") {
        auto made = lio::mixed_ring::create({.entries = 8, .require = setup::start_disabled});
        if (!made) LIO_SKIP("entries of mixed sizes: since Linux 6.19");
        auto& ring = *made;
        restrictions{}.allow<op::nop128>().allow(entry_flags::link).apply(ring).value();
        ring.enable().value();
        // Whatever the position in the queue.
        for (std::uint64_t i = 0; i < 8; ++i) {
            ring.push(nop().user_data(9)).value();
            ring.submit_and_wait(1).value();
            CHECK(ring.next().value().result()); // a nop may run then, as documented
            ring.push(op::nop128().link().user_data(1), op::nop128().user_data(2)).value();
            ring.submit_and_wait(2).value();
            for (int n = 0; n < 2; ++n) CHECK(ring.next().value().result());
        }
    }
}

TEST_CASE("every ring that a restricted task makes is restricted, in its threads and children too") {
    // What the children say.
    enum outcome { good, unknown, no_privileges, not_restricted, restricted_too_early, kept_out, again, own, child };
    const auto body = [] {
        lio::ring before = lio::ring::create({.entries = 4}).value();
        const auto refuses_fsync = [](lio::ring& ring) { return code_of(ring, op::fsync(-1)) == EACCES; };
        const auto is_restricted = [&] {
            lio::ring ring = lio::ring::create({.entries = 4}).value();
            return code_of(ring, nop()) == 0 && refuses_fsync(ring) &&
                   lio::registered_files::create(ring, {-1}).error() == not_allowed;
        };
        const auto done = lio::restrict_task(restrictions{}.allow<nop>().allow(register_opcode::register_restrictions));
        if (!done) return done.error() == lio::error{EINVAL, cause::task_refused} ? unknown : no_privileges;
        if (refuses_fsync(before)) return restricted_too_early;
        if (!is_restricted()) return not_restricted;
        bool is_in_thread = false;
        std::thread{[&] { is_in_thread = is_restricted(); }}.join();
        if (!is_in_thread) return kept_out;
        if (lio::restrict_task(restrictions{}).error() != lio::error{EPERM, cause::task_refused}) return again;
        // Such a ring has its restrictions.
        lio::ring ring = lio::ring::create({.entries = 4}).value();
        if (restrictions{}.apply(ring).error() != lio::error{EBUSY, cause::restrictions_refused}) return own;
        return lio::test::in_child([&] { return is_restricted() ? 0 : 1; }) == 0 ? good : child;
    };
    const int found = lio::test::in_child(body);
    if (found == unknown && !lio::abilities().linux_at_least({7, 0}))
        LIO_SKIP("restrictions of a task: since Linux 7.0");
    CHECK(found == good);
    // The test's own process is as free as before.
    lio::ring ring = lio::ring::create({.entries = 4}).value();
    CHECK(code_of(ring, op::fsync(-1)) == EBADF);
}

TEST_CASE("a task restricts itself with privileges or without new ones, and what the kernel knows") {
    if (::geteuid() != 0) LIO_SKIP("a process that may change its user (root)");
    const auto refusal = [](auto before, const restrictions& allowed) {
        return lio::test::in_child([&] {
            if (before() != 0) return 254;
            const auto done = lio::restrict_task(allowed);
            if (!done && done.error().why() != cause::task_refused) return 253;
            return done ? 0 : done.error().code();
        });
    };
    const auto nothing = [] { return 0; };
    const auto unprivileged = [] { return ::setuid(65534); };
    const auto no_new_ones = [&] { return unprivileged() + ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); };
    const auto only_nop = restrictions{}.allow<nop>();
    if (refusal(nothing, only_nop) == EINVAL && !lio::abilities().linux_at_least({7, 0}))
        LIO_SKIP("restrictions of a task: since Linux 7.0");
    CHECK(refusal(nothing, only_nop) == 0);
    CHECK(refusal(unprivileged, only_nop) == EACCES);
    CHECK(refusal(no_new_ones, only_nop) == 0);
    CHECK(refusal(nothing, only_nop.allow(static_cast<opcode>(127))) == EINVAL);
    CHECK(refusal(nothing, only_nop.allow(static_cast<opcode>(128))) == EINVAL);
    CHECK(refusal(nothing, only_nop.allow(static_cast<register_opcode>(63))) == EINVAL);
}

TEST_CASE("a ring of a restricted task is gone when it is closed") {
    const int found = lio::test::in_child([] {
        const auto done = lio::restrict_task(
            restrictions{}.allow<nop>().allow(static_cast<register_opcode>(register_opcode::register_ring_fds)));
        if (!done) return done.error().code();
        // Sixteen registered descriptors are as many as a thread can have: then they would all be taken.
        for (int i = 0; i < 40; ++i) {
            lio::ring ring = lio::ring::create({.entries = 4}).value();
            if (code_of(ring, nop()) != 0) return 254;
        }
        lio::abi::rsrc_update slots[16];
        const lio::ring ring = lio::ring::create({.entries = 4, .exactly = true}).value();
        for (auto& slot : slots) {
            slot.offset = 0xffffffff;
            slot.data = static_cast<std::uint32_t>(ring.file());
        }
        return ::syscall(427, ring.file(), register_opcode::register_ring_fds, slots, 16) == 16 ? 0 : 253;
    });
    if (found == EINVAL && !lio::abilities().linux_at_least({7, 0}))
        LIO_SKIP("restrictions of a task: since Linux 7.0");
    CHECK(found == 0);
}

} // namespace restrictions_test
