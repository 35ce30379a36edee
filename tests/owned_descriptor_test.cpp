// owned_descriptor: a descriptor with an owner, and how it comes out of a completion. Single thread.

#include "catch.hpp"
#include "support/files.hpp"
#include "support/footprint.hpp"
#include "support/rings.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/op/accept.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/open.hpp>
#include <lio/op/read_write.hpp>
#include <lio/op/sockets.hpp>
#include <lio/owned_descriptor.hpp>

#include <cerrno>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace owned_descriptor_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::owned_descriptor;

static_assert(!std::is_copy_constructible_v<owned_descriptor> && !std::is_copy_assignable_v<owned_descriptor>);
static_assert(std::is_nothrow_move_constructible_v<owned_descriptor> &&
              std::is_nothrow_move_assignable_v<owned_descriptor>);
static_assert(std::is_convertible_v<const owned_descriptor&, lio::descriptor>, "operations take it as it is");
static_assert(!std::is_convertible_v<int, owned_descriptor>, "a number gets no owner by accident");
static_assert(!std::is_convertible_v<owned_descriptor, int>, "its number does not outlive it by accident");
static_assert(sizeof(owned_descriptor) == sizeof(int));

template <class Operation>
constexpr bool gives_descriptor = requires(const cqe& done) { done.take<Operation>(); };
static_assert(gives_descriptor<op::accept> && gives_descriptor<op::accept_multishot> && gives_descriptor<op::socket>);
static_assert(!gives_descriptor<op::nop> && !gives_descriptor<op::read> && !gives_descriptor<op::close>,
              "a count of bytes is no descriptor");

int some_file() {
    const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    REQUIRE(file >= 0);
    return file;
}

} // namespace

TEST_CASE("an owned descriptor is closed with its owner", "[layout][owned_descriptor]") {
    const int file = some_file();
    {
        const owned_descriptor owner{file};
        CHECK(owner.has_value());
        CHECK(owner.get() == file);
        CHECK(lio::descriptor{owner}.value() == file);
        CHECK_FALSE(lio::descriptor{owner}.is_direct());
        CHECK(is_open(file));
    }
    CHECK_FALSE(is_open(file));
}

TEST_CASE("an owner of nothing closes nothing", "[layout][owned_descriptor]") {
    const footprint before = footprint::now();
    {
        owned_descriptor nothing;
        owned_descriptor failed{-1};
        CHECK_FALSE(nothing.has_value());
        CHECK_FALSE(failed.has_value());
        CHECK(nothing.get() < 0);
        CHECK(nothing.close());
        CHECK(failed.close());
    }
    CHECK(footprint::now().files == before.files);
}

TEST_CASE("a moved descriptor has one owner, and what that one had before is closed", "[layout][owned_descriptor]") {
    const int first = some_file();
    const int second = some_file();
    {
        owned_descriptor from{first};
        owned_descriptor to{std::move(from)};
        CHECK_FALSE(from.has_value()); // NOLINT: that it has nothing is what is tested
        CHECK(to.get() == first);
        owned_descriptor other{second};
        to = std::move(other);
        CHECK_FALSE(is_open(first));
        CHECK(to.get() == second);
        CHECK_FALSE(other.has_value()); // NOLINT
        owned_descriptor& same = to;
        to = std::move(same);
        CHECK(to.get() == second);
        CHECK(is_open(second));
    }
    CHECK_FALSE(is_open(second));
}

TEST_CASE("a released descriptor is somebody else's to close", "[layout][owned_descriptor]") {
    const int file = some_file();
    int released = -1;
    {
        owned_descriptor owner{file};
        released = owner.release();
        CHECK_FALSE(owner.has_value());
        CHECK(owner.release() < 0);
    }
    CHECK(released == file);
    CHECK(is_open(file));
    ::close(file);
}

TEST_CASE("closing by hand tells what went wrong, once", "[layout][owned_descriptor]") {
    const int file = some_file();
    owned_descriptor owner{file};
    CHECK(owner.close());
    CHECK_FALSE(is_open(file));
    CHECK_FALSE(owner.has_value());
    CHECK(owner.close());

    owned_descriptor stolen{some_file()};
    ::close(stolen.get());
    const auto closed = stolen.close();
    REQUIRE_FALSE(closed);
    CHECK(closed.error().code() == EBADF);
    // It does not try again: the number may be another file's by then.
    CHECK_FALSE(stolen.has_value());
}

TEST_CASE("descriptors live in containers", "[layout][owned_descriptor]") {
    const footprint before = footprint::now();
    {
        std::vector<owned_descriptor> owners;
        for (int i = 0; i < 20; ++i) owners.emplace_back(some_file());
        CHECK(footprint::now().files == before.files + 20);
        owners.erase(owners.begin() + 3, owners.end() - 2);
        CHECK(footprint::now().files == before.files + 5);
        for (const owned_descriptor& owner : owners) CHECK(is_open(owner.get()));
    }
    CHECK(footprint::now().files == before.files);
}

TEST_CASE("the descriptor of an open, a socket and an accept comes out with an owner [hazard 42]",
          "[owned_descriptor][hazard 42]") {
    under_each_setup([](lio::ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const std::string path = directory / "file";
        const owned_file listener = tcp_listener();
        const owned_file client = tcp_connected_to(listener);
        const footprint before = footprint::now();
        {
            const auto file = run(ring, op::openat(lio::current_directory, path, O_RDONLY)).take<op::openat>();
            REQUIRE(file);
            CHECK(is_open(file->get()));
            CHECK(footprint::now().files == before.files + 1);
            // And is used as it is.
            char memory[8];
            CHECK(run(ring, op::read(*file, memory, 0)).result().value() == 7);

            const auto connection = run(ring, op::accept(listener)).take<op::accept>();
            REQUIRE(connection);
            send_all(client, "hello");
            CHECK(receive_some(connection->get()) == "hello");

            const auto socket = run(ring, op::socket(AF_INET, SOCK_STREAM)).take<op::socket>();
            if (!socket)
                record_partial_skip("socket needs Linux 5.19");
            else
                CHECK(is_open(socket->get()));
        }
        CHECK(footprint::now().files == before.files);
    });
}

TEST_CASE("there is no owner in the completion of an open that failed", "[owned_descriptor]") {
    under_each_setup([](lio::ring& ring) {
        const footprint before = footprint::now();
        const auto file = run(ring, op::openat(lio::current_directory, "/nowhere/at/all", O_RDONLY)).take<op::openat>();
        REQUIRE_FALSE(file);
        CHECK(file.error().code() == ENOENT);
        CHECK(footprint::now().files == before.files);
    });
}

} // namespace owned_descriptor_test
