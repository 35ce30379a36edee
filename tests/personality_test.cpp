// Operations with registered credentials.

#include "catch.hpp"
#include "support/files.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/waiting.hpp"

#include <lio/op/nop.hpp>
#include <lio/op/open.hpp>
#include <lio/personality.hpp>
#include <lio/split.hpp>

#include <cerrno>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace personality_test {

using lio::cause;
using lio::personality;
using lio::op::nop;

namespace {

constexpr const char* no_personalities = "personalities: since Linux 5.6";

bool has_personalities() {
    const lio::ring ring = lio::ring::create({.entries = 1}).value();
    const auto made = personality::create(ring);
    if (!made) REQUIRE(made.error() == lio::error{EINVAL, cause::register_call});
    return made.has_value();
}

// Another user for the calling thread alone: the system call, because the C library changes all threads. Back with 0.
bool become(uid_t user) { return ::syscall(SYS_setresuid, -1, user, -1) == 0; }

constexpr uid_t nobody = 65534;

int code_of(lio::ring& ring, const nop& operation) { return lio::test::code(lio::test::run(ring, operation)); }

} // namespace

// Operations take either.
static_assert(nop().personality(lio::personality_id{7}).entry().personality == 7);
static_assert(nop().personality(7).entry().personality == 7);
static_assert(!std::is_copy_constructible_v<personality>);

TEST_CASE("an operation with a personality has the credentials of whoever registered it, at that time") {
    if (!has_personalities()) LIO_SKIP(no_personalities);
    if (::geteuid() != 0) LIO_SKIP("a process that may change its user (root)");
    const lio::test::temporary_directory directory;
    const std::string path = directory / "secret";
    lio::test::make_file(path, "content");
    REQUIRE(::chmod(directory.path().c_str(), 0755) == 0);
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
    lio::test::under_each_setup([&](lio::ring& ring) {
        if (has(ring.setup_flags(), lio::setup::sqpoll)) {
            // Its operations have those of the thread in the kernel: the test is the other way round.
            REQUIRE(become(nobody));
            auto unprivileged = personality::create(ring);
            REQUIRE(become(0));
            REQUIRE(unprivileged);
            const auto open = lio::op::openat(AT_FDCWD, path, O_RDONLY, 0);
            CHECK(lio::test::code(lio::test::run(ring, open.personality(*unprivileged))) == EACCES);
            const auto done = lio::test::run(ring, open);
            REQUIRE(done.result());
            ::close(done.result().value());
            return;
        }
        auto privileged = personality::create(ring).value();
        REQUIRE(become(nobody));
        const auto open = lio::op::openat(AT_FDCWD, path, O_RDONLY, 0);
        const auto plain = lio::test::run(ring, open);
        const auto as_root = lio::test::run(ring, open.personality(privileged));
        const auto by_number = lio::test::run(ring, open.personality(privileged.id().number()));
        const auto unprivileged = personality::create(ring);
        REQUIRE(become(0));
        CHECK(lio::test::code(plain) == EACCES);
        for (const auto& done : {as_root, by_number}) {
            REQUIRE(done.result());
            const lio::test::open_file file{done.result().value()};
            char byte = 0;
            CHECK((::read(file, &byte, 1) == 1 && byte == 'c'));
        }
        // And those of somebody else, with all of root's at hand.
        REQUIRE(unprivileged);
        CHECK(unprivileged->id() != privileged.id());
        CHECK(lio::test::code(lio::test::run(ring, open.personality(*unprivileged))) == EACCES);
        privileged.close().value();
        CHECK(lio::test::code(lio::test::run(ring, open.personality(privileged))) == EINVAL);
    });
}

TEST_CASE("a personality that was never registered, or has gone, is an error and not other credentials") {
    if (!has_personalities()) LIO_SKIP(no_personalities);
    lio::test::under_each_setup([](lio::ring& ring) {
        auto first = personality::create(ring).value();
        CHECK(first.id().number() != 0);
        CHECK(code_of(ring, nop().personality(first)) == 0);
        CHECK(code_of(ring, nop().personality(60000)) == EINVAL);
        const auto id = first.id();
        first.close().value();
        first.close().value(); // nothing left to do
        CHECK(first.id() == id);
        CHECK(code_of(ring, nop().personality(first)) == EINVAL);
        // Nor is its number given to the next.
        const auto second = personality::create(ring).value();
        CHECK(second.id() != id);
        CHECK(code_of(ring, nop().personality(first)) == EINVAL);
        CHECK(code_of(ring, nop().personality(second)) == 0);
        {
            auto third = personality::create(ring).value();
            third.close().value();
            CHECK(code_of(ring, nop().personality(third)) == EINVAL);
        }
        CHECK(code_of(ring, nop().personality(second)) == 0);
        CHECK(code_of(ring, nop()) == 0);
    });
}

TEST_CASE("a personality is moved, not copied, and may outlive its ring") {
    if (!has_personalities()) LIO_SKIP(no_personalities);
    lio::ring ring = lio::ring::create({.entries = 4}).value();
    auto first = personality::create(ring).value();
    auto moved = std::move(first);
    first.close().value(); // not its any more
    CHECK(code_of(ring, nop().personality(moved)) == 0);
    auto other = personality::create(ring).value();
    const auto id = moved.id();
    moved = std::move(other); // the one that it had goes
    CHECK(code_of(ring, nop().personality(id)) == EINVAL);
    CHECK(code_of(ring, nop().personality(moved)) == 0);
    ring.close().value();
    moved.close().value();
    CHECK(personality::create(ring).error().why() == cause::ring_closed);
}

TEST_CASE("only the ring's thread registers personalities and takes them away") {
    if (!has_personalities()) LIO_SKIP(no_personalities);
    auto made = lio::ring::create({.entries = 4, .require = lio::setup::single_issuer});
    if (!made) LIO_SKIP("setup::single_issuer: since Linux 6.0");
    lio::ring& ring = *made;
    CHECK(code_of(ring, nop()) == 0);
    auto mine = personality::create(ring).value();
    const lio::error wrong_thread{EEXIST, cause::wrong_thread};
    std::thread{[&] {
        CHECK(personality::create(ring).error() == wrong_thread);
        CHECK(mine.close().error() == wrong_thread);
    }}.join();
    CHECK(code_of(ring, nop().personality(mine)) == 0);
    mine.close().value();
}

TEST_CASE("either handle of a split ring takes a personality") {
    if (!has_personalities()) LIO_SKIP(no_personalities);
    auto [completions, submissions] = lio::with_capacity(4).value();
    const auto one = personality::create(completions).value();
    const auto other = personality::create(submissions).value();
    submissions.push(nop().personality(one), nop().personality(other)).value();
    submissions.submit().value();
    for (int i = 0; i < 2; ++i) CHECK(completions.next().value().result());
}

TEST_CASE("a ring keeps 65535 personalities, and one more is refused without harm to them") {
    if (!has_personalities()) LIO_SKIP(no_personalities);
    lio::ring ring = lio::ring::create({.entries = 4}).value();
    CHECK(code_of(ring, nop()) == 0); // whose thread it is
    std::vector<personality> all;
    all.reserve(65536);
    for (;;) {
        auto made = personality::create(ring);
        if (!made) {
            CHECK(made.error().why() == cause::too_many_personalities);
            break;
        }
        all.push_back(*std::move(made));
        REQUIRE(all.size() <= 65535);
    }
    CHECK(all.size() == 65535);
    CHECK(code_of(ring, nop().personality(all.front())) == 0);
    CHECK(code_of(ring, nop().personality(all.back())) == 0);
    all.pop_back();
    CHECK(personality::create(ring));
    ring.close().value(); // and all of them are gone with it
}

} // namespace personality_test
