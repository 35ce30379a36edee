// Moving data through pipes without the program's memory: what arrives is read from outside the ring, with plain POSIX
// calls. And how it is encoded. One test at a time; SIGPIPE is handled in one of them.

#include "catch.hpp"
#include "support/encoding.hpp"
#include "support/files.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"
#include "support/waiting.hpp"

#include <lio/abi/setup.hpp>
#include <lio/op/cancel.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/splice.hpp>
#include <lio/registered_files.hpp>
#include <lio/ring.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace splice_test {

using namespace std::string_view_literals;

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::cqe;
using lio::current_position;
using lio::direct_descriptor;
using lio::ring;
using lio::splice_flag;

const encodings rows{[](auto add) {
    const direct_descriptor slot{7};
    add("splice", op::splice(4, 4096, 5, current_position, 1000),
        expected_entry{}
            .u8(0, 30)
            .s32(4, 5)
            .u64(8, ~std::uint64_t{0})
            .u64(16, 4096)
            .u32(24, 1000)
            .s32(44, 4));
    add("splice of two pipes", op::splice(4, 5, 0x7ffff000),
        expected_entry{}
            .u8(0, 30)
            .s32(4, 5)
            .u64(8, ~std::uint64_t{0})
            .u64(16, ~std::uint64_t{0})
            .u32(24, 0x7ffff000)
            .s32(44, 4));
    add("splice from a slot, with flags, which keep what the slot needs",
        op::splice(slot, current_position, 5, 0x123456789abcu, 1)
            .flags(splice_flag::move | splice_flag::no_wait | splice_flag::more)
            .user_data(77)
            .link(),
        expected_entry{}
            .u8(0, 30)
            .u8(1, 4)
            .s32(4, 5)
            .u64(8, 0x123456789abcu)
            .u64(16, ~std::uint64_t{0})
            .u32(24, 1)
            .u32(28, 0x80000007)
            .u64(32, 77)
            .s32(44, 7));
    add("splice to a slot, with flags that replace others",
        op::splice(-1, 0, slot, 1, 1).flags(splice_flag::more).flags(splice_flag::no_wait),
        expected_entry{}.u8(0, 30).u8(1, 1).s32(4, 7).u64(8, 1).u32(24, 1).u32(28, 2).s32(44, -1));
    add("splice from slot to slot, with every modifier",
        op::splice(slot, direct_descriptor{8}, 1)
            .link()
            .hard_link()
            .drain()
            .force_async()
            .skip_success()
            .personality(3)
            .user_data(1),
        expected_entry{}
            .u8(0, 30)
            .u8(1, 0x5f)
            .s32(4, 8)
            .u64(8, ~std::uint64_t{0})
            .u64(16, ~std::uint64_t{0})
            .u32(24, 1)
            .u32(28, 0x80000000)
            .u64(32, 1)
            .u16(42, 3)
            .s32(44, 7));
    add("splice at a negative offset", op::splice(4, -1, 5, -1, 1),
        expected_entry{}
            .u8(0, 30)
            .s32(4, 5)
            .u64(8, std::uint64_t{1} << 63)
            .u64(16, std::uint64_t{1} << 63)
            .u32(24, 1)
            .s32(44, 4));

    add("tee", op::tee(4, 5, 1000), expected_entry{}.u8(0, 33).s32(4, 5).u32(24, 1000).s32(44, 4));
    add("tee from slot to slot, with flags",
        op::tee(slot, direct_descriptor{8}, 0x7ffff000).flags(splice_flag::no_wait).user_data(3).drain(),
        expected_entry{}
            .u8(0, 33)
            .u8(1, 1 | 2)
            .s32(4, 8)
            .u32(24, 0x7ffff000)
            .u32(28, 0x80000002)
            .u64(32, 3)
            .s32(44, 7));
}};

static_assert(!std::is_constructible_v<op::splice, int, bool, int, int, int>, "an offset is no truth value");
static_assert(!std::is_constructible_v<op::tee, int, int, int, int, int>, "tee has no offsets");

void put(int file, std::string_view text) {
    REQUIRE(::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

/// What is in a pipe or socket, which it empties.
std::string take(int file) {
    int size = 0;
    REQUIRE(::ioctl(file, FIONREAD, &size) == 0);
    std::string text(static_cast<std::size_t>(size), '\0');
    if (size != 0) REQUIRE(::read(file, text.data(), text.size()) == size);
    return text;
}

bool has_splice() { return kernel_supports(lio::abi::opcode::splice); }
bool has_tee() { return kernel_supports(lio::abi::opcode::tee); }

} // namespace

TEST_CASE("the flags of splice have the system's values", "[layout]") {
    CHECK(static_cast<unsigned>(splice_flag::move) == SPLICE_F_MOVE);
    CHECK(static_cast<unsigned>(splice_flag::no_wait) == SPLICE_F_NONBLOCK);
    CHECK(static_cast<unsigned>(splice_flag::more) == SPLICE_F_MORE);
}

TEST_CASE("splice moves a part of a file through a pipe into another file, at the given offsets", "[splice]") {
    if (!has_splice()) LIO_SKIP("splice needs Linux 5.7");
    under_each_setup([](ring& ring) {
        const temporary_directory directory;
        make_file(directory / "from", "0123456789");
        make_file(directory / "to", "..........");
        const open_file from{directory / "from", O_RDONLY};
        const open_file to{directory / "to", O_WRONLY};
        const pipe_ends pipe;
        const cqe in = run(ring, op::splice(from, 2, pipe.writing(), current_position, 5));
        CHECK(in.result<op::splice>().value() == 5);
        const cqe out = run(ring, op::splice(pipe.reading(), current_position, to, 4, 5));
        CHECK(out.result<op::splice>().value() == 5);
        CHECK(content_of(directory / "to") == "....23456.");
        CHECK(take(pipe.reading()).empty());
        CHECK(::lseek(from, 0, SEEK_CUR) == 0);
        CHECK(::lseek(to, 0, SEEK_CUR) == 0);
    });
}

TEST_CASE("splice at the current position begins where the file stands and moves it on [hazard 39]",
          "[splice][hazard 39]") {
    if (!has_splice()) LIO_SKIP("splice needs Linux 5.7");
    under_each_setup([](ring& ring) {
        const temporary_directory directory;
        make_file(directory / "from", "0123456789");
        make_file(directory / "to", "..........");
        const open_file from{directory / "from", O_RDONLY};
        const open_file to{directory / "to", O_WRONLY};
        const pipe_ends pipe;
        REQUIRE(::lseek(from, 3, SEEK_SET) == 3);
        REQUIRE(::lseek(to, 1, SEEK_SET) == 1);
        CHECK(run(ring, op::splice(from, pipe.writing(), 4)).result().value() == 4);
        CHECK(::lseek(from, 0, SEEK_CUR) == 7);
        CHECK(run(ring, op::splice(pipe.reading(), to, 4)).result().value() == 4);
        CHECK(::lseek(to, 0, SEEK_CUR) == 5);
        CHECK(content_of(directory / "to") == ".3456.....");
        // A negative number is never taken for it.
        CHECK(code(run(ring, op::splice(from, -1, pipe.writing(), current_position, 4))) == EINVAL);
        CHECK(code(run(ring, op::splice(from, std::int64_t{-7}, pipe.writing(), current_position, 4))) == EINVAL);
        CHECK(::lseek(from, 0, SEEK_CUR) == 7);
    });
}

TEST_CASE("splice is short near the end of the file and 0 at it, and breaks a chain then [hazard 32] [hazard 38]",
          "[splice][hazard 32][hazard 38]") {
    if (!has_splice()) LIO_SKIP("splice needs Linux 5.7");
    under_each_setup([](ring& ring) {
        const temporary_directory directory;
        make_file(directory / "from", "0123456789");
        const open_file from{directory / "from", O_RDONLY};
        pipe_ends pipe;
        const auto near_the_end = op::splice(from, 7, pipe.writing(), current_position, 100);
        ring.push(near_the_end.link().user_data(1), op::nop().user_data(2)).value();
        const auto shorter = next_soon(ring, 2);
        CHECK(of(shorter, 1).result().value() == 3);
        CHECK(code(of(shorter, 2)) == ECANCELED);
        CHECK(take(pipe.reading()) == "789");
        ring.push(op::splice(from, 6, pipe.writing(), current_position, 4).link().user_data(1), op::nop().user_data(2))
            .value();
        const auto whole = next_soon(ring, 2);
        CHECK(of(whole, 1).result().value() == 4);
        CHECK(code(of(whole, 2)) == 0);
        CHECK(take(pipe.reading()) == "6789");
        CHECK(run(ring, op::splice(from, 10, pipe.writing(), current_position, 4)).result().value() == 0);

        // Of a pipe that nobody can write to any more, too.
        const pipe_ends other;
        pipe.close_writing();
        CHECK(run(ring, op::splice(pipe.reading(), other.writing(), 4)).result().value() == 0);
        CHECK(take(other.reading()).empty());
    });
}

TEST_CASE("splice moves from pipe to pipe what there is, and waits for it", "[splice]") {
    if (!has_splice()) LIO_SKIP("splice needs Linux 5.7");
    under_each_setup([](ring& ring) {
        const pipe_ends from;
        const pipe_ends to;
        ring.push(op::splice(from.reading(), to.writing(), 100).user_data(5)).value();
        REQUIRE(stays_quiet(ring, 5));
        put(from.writing(), "hello");
        const cqe done = next_soon(ring);
        CHECK(done.user_data() == 5);
        CHECK(done.result().value() == 5);
        CHECK(take(to.reading()) == "hello");
        CHECK(take(from.reading()).empty());
    });
}

TEST_CASE("splice with no_wait does not wait, neither for bytes nor for room", "[splice]") {
    if (!has_splice()) LIO_SKIP("splice needs Linux 5.7");
    under_each_setup([](ring& ring) {
        const temporary_directory directory;
        make_file(directory / "from", "0123456789");
        const open_file from{directory / "from", O_RDONLY};
        const pipe_ends empty;
        const pipe_ends full;
        const pipe_ends other;
        REQUIRE(::fcntl(full.writing(), F_SETFL, O_NONBLOCK) == 0);
        const std::string page(4096, 'x');
        while (::write(full.writing(), page.data(), page.size()) > 0) continue;
        REQUIRE(::fcntl(full.writing(), F_SETFL, 0) == 0);
        CHECK(code(run(ring, op::splice(empty.reading(), other.writing(), 4).flags(splice_flag::no_wait))) == EAGAIN);
        const auto into_full = op::splice(from, 0, full.writing(), current_position, 4);
        CHECK(code(run(ring, into_full.flags(splice_flag::no_wait | splice_flag::move))) == EAGAIN);
    });
}

TEST_CASE("splice moves between a pipe and a socket", "[splice]") {
    if (!has_splice()) LIO_SKIP("splice needs Linux 5.7");
    under_each_setup([](ring& ring) {
        int ends[2] = {-1, -1};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        const open_file ours{ends[0]};
        const open_file theirs{ends[1]};
        const pipe_ends pipe;
        put(pipe.writing(), "to the socket");
        CHECK(run(ring, op::splice(pipe.reading(), ours, 100).flags(splice_flag::more)).result().value() == 13);
        CHECK(take(theirs) == "to the socket");
        put(theirs, "and back");
        CHECK(run(ring, op::splice(ours, pipe.writing(), 100)).result().value() == 8);
        CHECK(take(pipe.reading()) == "and back");
    });
}

TEST_CASE("splice takes slots of the registered files on either side", "[splice]") {
    if (!has_splice()) LIO_SKIP("splice needs Linux 5.7");
    under_each_setup([](ring& ring) {
        const temporary_directory directory;
        make_file(directory / "from", "0123456789");
        const pipe_ends pipe;
        const open_file from{directory / "from", O_RDONLY};
        auto files =
            lio::registered_files::create(ring, std::array<int, 4>{-1, from, pipe.writing(), pipe.reading()}).value();
        CHECK(run(ring, op::splice(files[1], 1, pipe.writing(), current_position, 2)).result().value() == 2);
        CHECK(take(pipe.reading()) == "12");
        CHECK(run(ring, op::splice(from, 3, files[2], current_position, 2)).result().value() == 2);
        CHECK(take(pipe.reading()) == "34");
        const auto both = op::splice(files[1], 5, files[2], current_position, 2).flags(splice_flag::move);
        CHECK(run(ring, both).result().value() == 2);
        CHECK(take(pipe.reading()) == "56");
        // The number of a slot is not that of a descriptor, and an empty slot is none.
        CHECK(code(run(ring, op::splice(files[0], 0, pipe.writing(), current_position, 2))) == EBADF);
        CHECK(code(run(ring, op::splice(direct_descriptor{4}, 0, pipe.writing(), current_position, 2))) == EBADF);
        CHECK(code(run(ring, op::splice(from, 0, files[0], current_position, 2))) == EBADF);
    });
}

TEST_CASE("splice fails as the system call does", "[splice]") {
    if (!has_splice()) LIO_SKIP("splice needs Linux 5.7");
    under_each_setup([](ring& ring) {
        const temporary_directory directory;
        make_file(directory / "from", "0123456789");
        make_file(directory / "to", "..........");
        const open_file from{directory / "from", O_RDONLY};
        const open_file to{directory / "to", O_WRONLY};
        const open_file end{directory / "to", O_WRONLY | O_APPEND};
        const pipe_ends pipe;
        put(pipe.writing(), "abc");
        CHECK(code(run(ring, op::splice(-1, 0, pipe.writing(), current_position, 4))) == EBADF);
        CHECK(code(run(ring, op::splice(from, 0, -1, current_position, 4))) == EBADF);
        CHECK(code(run(ring, op::splice(from, 0, to, 0, 4))) == EINVAL);
        CHECK(code(run(ring, op::splice(pipe.reading(), pipe.writing(), 4))) == EINVAL);
        CHECK(code(run(ring, op::splice(from, 0, pipe.writing(), 0, 4))) == ESPIPE);
        CHECK(code(run(ring, op::splice(pipe.reading(), 0, to, 0, 4))) == ESPIPE);
        CHECK(code(run(ring, op::splice(pipe.reading(), current_position, end, 0, 4))) == EINVAL);
        CHECK(code(run(ring, op::splice(pipe.writing(), current_position, to, 0, 4))) == EBADF);
        CHECK(code(run(ring, op::splice(pipe.reading(), current_position, from, 0, 4))) == EBADF);
        const auto unknown = static_cast<splice_flag>(1u << 10);
        CHECK(code(run(ring, op::splice(from, 0, pipe.writing(), current_position, 4).flags(unknown))) == EINVAL);
        CHECK(content_of(directory / "to") == "..........");
        CHECK(take(pipe.reading()) == "abc");
    });
}

namespace {
volatile std::sig_atomic_t broken_pipes = 0;
}

TEST_CASE("splice to a pipe without a reader fails with EPIPE and sends no signal", "[splice]") {
    if (!has_splice()) LIO_SKIP("splice needs Linux 5.7");
    const auto before = std::signal(SIGPIPE, [](int) { broken_pipes = broken_pipes + 1; });
    under_each_setup([](ring& ring) {
        const temporary_directory directory;
        make_file(directory / "from", "0123456789");
        const open_file from{directory / "from", O_RDONLY};
        pipe_ends pipe;
        ::close(std::exchange(pipe.ends[0], ::open("/dev/null", O_RDONLY | O_CLOEXEC)));
        CHECK(code(run(ring, op::splice(from, 0, pipe.writing(), current_position, 4))) == EPIPE);
        CHECK(broken_pipes == 0);
    });
    std::signal(SIGPIPE, before);
}

TEST_CASE("the number that the kernel lets out of an interrupted splice is told as EINTR", "[layout]") {
    const auto told = [](std::int32_t result) {
        const auto answer = cqe{lio::abi::cqe{1, result, 0}}.result<op::splice>();
        return answer ? static_cast<int>(*answer) : -answer.error().code();
    };
    CHECK(told(-512) == -EINTR);
    CHECK(told(-EAGAIN) == -EAGAIN);
    CHECK(told(0) == 0);
    CHECK(told(512) == 512);
    CHECK(cqe{lio::abi::cqe{1, -512, 0}}.result<op::tee>().error().code() == EINTR);
}

TEST_CASE("a splice that waits is ended by a cancel, and takes nothing [hazard 33]", "[splice][hazard 33]") {
    if (!has_splice()) LIO_SKIP("splice needs Linux 5.7");
    under_each_setup([](ring& ring) {
        const pipe_ends from;
        const pipe_ends to;
        ring.push(op::splice(from.reading(), to.writing(), 4).user_data(1)).value();
        REQUIRE(stays_quiet(ring, 20));
        ring.push(op::cancel(1).user_data(2)).value();
        const auto done = next_soon(ring, 2);
        // It runs on a worker, which can only be interrupted; where a thread of the kernel submits, the cancel says
        // ENOENT all the same. 0, the worker had not begun; where it is just beginning, it finds the splice cancelled.
        const int answer = code(of(done, 2));
        CHECK((answer == 0 || answer == EALREADY || answer == ENOENT));
        const auto ended = of(done, 1).result<op::splice>();
        REQUIRE_FALSE(ended);
        const int why = ended.error().code();
        CHECK((why == ECANCELED || (why == EINTR && answer != 0)));
        put(from.writing(), "late");
        CHECK(stays_quiet(ring, 5));
        CHECK(take(from.reading()) == "late");
        CHECK(take(to.reading()).empty());
    });
}

TEST_CASE("tee copies what is in a pipe and leaves it there", "[splice]") {
    if (!has_tee()) LIO_SKIP("tee needs Linux 5.8");
    under_each_setup([](ring& ring) {
        const pipe_ends from;
        const pipe_ends to;
        put(from.writing(), "hello");
        CHECK(run(ring, op::tee(from.reading(), to.writing(), 100)).result<op::tee>().value() == 5);
        CHECK(take(to.reading()) == "hello");
        CHECK(run(ring, op::tee(from.reading(), to.writing(), 2).flags(splice_flag::move)).result().value() == 2);
        CHECK(take(to.reading()) == "he");
        CHECK(take(from.reading()) == "hello");
    });
}

TEST_CASE("tee takes slots of the registered files on either side", "[splice]") {
    if (!has_tee()) LIO_SKIP("tee needs Linux 5.8");
    under_each_setup([](ring& ring) {
        const pipe_ends from;
        const pipe_ends to;
        put(from.writing(), "hello");
        auto files = lio::registered_files::create(ring, std::array<int, 3>{-1, to.writing(), from.reading()}).value();
        CHECK(run(ring, op::tee(files[2], to.writing(), 1)).result().value() == 1);
        CHECK(run(ring, op::tee(from.reading(), files[1], 2)).result().value() == 2);
        CHECK(run(ring, op::tee(files[2], files[1], 3)).result().value() == 3);
        CHECK(take(to.reading()) == "hhehel");
        CHECK(code(run(ring, op::tee(files[0], to.writing(), 1))) == EBADF);
        CHECK(take(from.reading()) == "hello");
    });
}

TEST_CASE("tee waits for bytes, unless it is told not to, and sees the end of the input", "[splice]") {
    if (!has_tee()) LIO_SKIP("tee needs Linux 5.8");
    under_each_setup([](ring& ring) {
        pipe_ends from;
        const pipe_ends to;
        CHECK(code(run(ring, op::tee(from.reading(), to.writing(), 4).flags(splice_flag::no_wait))) == EAGAIN);
        ring.push(op::tee(from.reading(), to.writing(), 4)).value();
        REQUIRE(stays_quiet(ring, 5));
        put(from.writing(), "abcdef");
        CHECK(next_soon(ring).result().value() == 4);
        CHECK(take(to.reading()) == "abcd");
        CHECK(take(from.reading()) == "abcdef");
        from.close_writing();
        CHECK(run(ring, op::tee(from.reading(), to.writing(), 4)).result().value() == 0);
    });
}

TEST_CASE("tee fails as the system call does, and a short one breaks a chain [hazard 32]", "[splice][hazard 32]") {
    if (!has_tee()) LIO_SKIP("tee needs Linux 5.8");
    under_each_setup([](ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "0123456789");
        const open_file file{directory / "file", O_RDWR};
        const pipe_ends from;
        const pipe_ends to;
        put(from.writing(), "abc");
        CHECK(code(run(ring, op::tee(-1, to.writing(), 4))) == EBADF);
        CHECK(code(run(ring, op::tee(from.reading(), -1, 4))) == EBADF);
        CHECK(code(run(ring, op::tee(file, to.writing(), 4))) == EINVAL);
        CHECK(code(run(ring, op::tee(from.reading(), file, 4))) == EINVAL);
        CHECK(code(run(ring, op::tee(from.reading(), from.writing(), 4))) == EINVAL);
        CHECK(code(run(ring, op::tee(from.writing(), to.writing(), 4))) == EBADF);
        ring.push(op::tee(from.reading(), to.writing(), 100).link().user_data(1), op::nop().user_data(2)).value();
        const auto done = next_soon(ring, 2);
        CHECK(of(done, 1).result().value() == 3);
        CHECK(code(of(done, 2)) == ECANCELED);
        CHECK(take(to.reading()) == "abc");
        CHECK(take(from.reading()) == "abc");
    });
}

TEST_CASE("more than one splice or tee can move is refused by push [hazard 38]", "[splice][hazard 38]") {
    under_each_setup([](ring& ring) {
        const auto refused = [&ring](const auto& operation) {
            const auto pushed = ring.push(op::nop().link(), operation);
            REQUIRE_FALSE(pushed);
            CHECK(pushed.error().why() == lio::cause::span_too_long);
            CHECK(ring.unsubmitted() == 0);
        };
        refused(op::splice(0, 1, 0x7ffff001));
        refused(op::splice(0, 0, 1, current_position, 0x80000000).flags(splice_flag::more).link());
        refused(op::splice(0, 1, ~std::size_t{0}));
        refused(op::tee(0, 1, 0x7ffff001).user_data(5));
    });
}

} // namespace splice_test
