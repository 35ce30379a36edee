// Registered files and buffers: what create() refuses, what operations through them do, and in which order things may
// end. Looked at from outside by plain POSIX calls. Single thread, but where a test says otherwise.

#include "catch.hpp"

#include "support/files.hpp"
#include "support/footprint.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/sockets.hpp"
#include "support/waiting.hpp"

#include <lio/op/all.hpp>
#include <lio/registered_buffers.hpp>
#include <lio/registered_files.hpp>
#include <lio/ring.hpp>
#include <lio/split.hpp>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace registered_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::mutable_bytes;
using lio::registered_buffers;
using lio::registered_files;
using lio::ring;

/// Whether the reading end of a pipe sees that no writing end is open any more, for which it is waited: the kernel
/// lets go of files some time after it was told to.
bool comes_to_its_end(int reading) {
    pollfd waiting{reading, POLLIN, 0};
    if (::poll(&waiting, 1, patience_in_milliseconds) != 1) return false;
    char byte;
    return ::read(reading, &byte, 1) == 0;
}

/// Whether it does not, for a moment.
bool stays_open(int reading) {
    pollfd waiting{reading, POLLIN, 0};
    return ::poll(&waiting, 1, 20) == 0;
}

template <class Registered>
int close_on_another_thread(Registered& registered) {
    int answer = 0;
    std::thread([&] {
        const auto closed = registered.close();
        answer = closed ? 0 : closed.error().code();
    }).join();
    return answer;
}

/// A list whose size is a lie: for what must be refused before anything is read.
template <class T>
struct list_of_any_size {
    T element{};
    std::size_t count;
    const T* data() const { return &element; }
    std::size_t size() const { return count; }
};

} // namespace

// Files.

TEST_CASE("an operation through a slot reaches the file, also when its descriptor is closed", "[registered]") {
    under_each_setup([](ring& ring) {
        connection first = socket_pair();
        connection second = socket_pair();
        const int files[] = {first.ours, second.ours};
        const auto slots = registered_files::create(ring, files).value();
        CHECK(slots.size() == 2);
        first.ours.close();
        second.ours.close();
        const std::string text = "through a slot";
        CHECK(run(ring, op::send(slots[1], text)).result().value() == static_cast<int>(text.size()));
        CHECK(receive_some(second.theirs) == text);
        send_all(first.theirs, "and back");
        char bytes[16] = {};
        CHECK(run(ring, op::recv(slots[0], bytes)).result().value() == 8);
        CHECK(std::string(bytes) == "and back");
    });
}

TEST_CASE("an operation on an empty slot, or one that does not exist, gets EBADF", "[registered]") {
    under_each_setup([](ring& ring) {
        const connection pair = socket_pair();
        const std::vector<int> files{-1, pair.ours};
        const auto slots = registered_files::create(ring, files).value();
        char bytes[4];
        CHECK(code(run(ring, op::recv(slots[0], bytes))) == EBADF);
        CHECK(code(run(ring, op::recv(lio::direct_descriptor{2}, bytes))) == EBADF);
        CHECK(code(run(ring, op::recv(lio::direct_descriptor{0xffffffff}, bytes))) == EBADF);
    });
}

TEST_CASE("a ring without registered files has no slots", "[registered]") {
    under_each_setup([](ring& ring) {
        char bytes[4];
        CHECK(code(run(ring, op::recv(lio::direct_descriptor{0}, bytes))) == EBADF);
    });
}

TEST_CASE("a ring has one table of files at a time", "[registered]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        const int files[] = {pair.ours};
        {
            const auto slots = registered_files::create(ring, files).value();
            const auto second = registered_files::create(ring, files);
            REQUIRE_FALSE(second);
            CHECK(second.error().code() == EBUSY);
            send_all(pair.theirs, "!");
            char byte;
            CHECK(code(run(ring, op::recv(slots[0], {&byte, 1}))) == 0); // the first is unharmed
        }
        CHECK(registered_files::create(ring, files));
    });
}

TEST_CASE("lists of files that make no table are refused, and leave none", "[registered]") {
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        const auto refusal = [&](const auto& files) {
            const auto made = registered_files::create(ring, files);
            REQUIRE_FALSE(made);
            return made.error();
        };
        CHECK(refusal(std::vector<int>{}).code() == EINVAL);
        CHECK(refusal(std::array<int, 2>{pair.ours, 0x3fffffff}).code() == EBADF);
        CHECK(refusal(list_of_any_size<int>{0, 0x80000000}).why() == lio::cause::too_many_to_register);
        CHECK(refusal(list_of_any_size<int>{0, 0x7fffffff}).code() == EMFILE);

        rlimit before{};
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
        rlimit tight = before;
        tight.rlim_cur = 8;
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
        const auto too_many = registered_files::create(ring, std::vector<int>(9, -1));
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
        REQUIRE_FALSE(too_many);
        CHECK(too_many.error().code() == EMFILE);

        CHECK(registered_files::create(ring, std::array<int, 1>{pair.ours})); // nothing was left
    });
}

TEST_CASE("the kernel holds a registered file open as long as it is registered", "[registered]") {
    under_each_setup([](ring& ring) {
        pipe_ends pipe;
        const int files[] = {pipe.writing()};
        auto slots = registered_files::create(ring, files).value();
        pipe.close_writing();
        CHECK(stays_open(pipe.reading()));
        CHECK(slots.close());
        CHECK(comes_to_its_end(pipe.reading()));
        CHECK(code(run(ring, op::poll(lio::direct_descriptor{0}, POLLOUT))) == EBADF);
        CHECK(slots.close()); // a second time it has nothing to do
    });
}

TEST_CASE("an operation in flight keeps the file that its slot has lost", "[registered]") {
    // Kernels before 6.13 wait for the operation, which here would be for ever; the feature came just after that.
    if ((ring::create().value().features() & lio::abi::feat_rw_attr) == 0)
        LIO_SKIP("unregistering with operations in flight: known to work since Linux 6.14");
    under_each_setup([](ring& ring) {
        connection pair = socket_pair();
        char bytes[16] = {};
        {
            const int files[] = {pair.ours};
            const auto slots = registered_files::create(ring, files).value();
            ring.push(op::recv(slots[0], bytes)).value();
            CHECK(stays_quiet(ring));
        }
        pair.ours.close();
        send_all(pair.theirs, "still there");
        CHECK(next_soon(ring).result().value() == 11);
        CHECK(std::string(bytes) == "still there");
    });
}

TEST_CASE("a table of files outlives its ring harmlessly, and the files are let go with the ring", "[registered]") {
    for (const ring_setup& setup : available_setups()) {
        INFO(setup.name);
        pipe_ends pipe;
        std::optional<ring> first{ring::create(setup.options).value()};
        const int files[] = {pipe.writing()};
        auto slots = registered_files::create(*first, files).value();
        pipe.close_writing();
        first.reset();
        CHECK(comes_to_its_end(pipe.reading()));

        // A ring that comes after, perhaps with the same descriptor, does not lose its table to it.
        ring second = ring::create(setup.options).value();
        const connection pair = socket_pair();
        const auto others = registered_files::create(second, std::array<int, 1>{pair.ours}).value();
        CHECK(slots.close());
        { const registered_files gone = std::move(slots); }
        const std::string text = "x";
        CHECK(run(second, op::send(others[0], text)).result().value() == 1);
    }
}

TEST_CASE("a moved table of files is the same one; what it is moved onto is unregistered", "[registered]") {
    under_each_setup([](ring& ring) {
        lio::ring other = lio::ring::create({.entries = 4, .exactly = true}).value();
        pipe_ends pipe;
        pipe_ends other_pipe;
        auto first = registered_files::create(ring, std::array<int, 1>{pipe.writing()}).value();
        auto target = registered_files::create(other, std::array<int, 3>{-1, -1, other_pipe.writing()}).value();
        pipe.close_writing();
        other_pipe.close_writing();
        registered_files moved = std::move(first);
        CHECK(first.close()); // NOLINT: there is nothing left in it
        CHECK(stays_open(pipe.reading()));
        target = std::move(moved);
        CHECK(target.size() == 1);
        CHECK(comes_to_its_end(other_pipe.reading()));
        CHECK(stays_open(pipe.reading()));
        CHECK(target.close());
        CHECK(comes_to_its_end(pipe.reading()));
    });
}

TEST_CASE("a table of files is closed by its ring's own thread only", "[registered]") {
    under_each_setup([](ring& ring) {
        pipe_ends pipe;
        auto slots = registered_files::create(ring, std::array<int, 1>{pipe.writing()}).value();
        pipe.close_writing();
        CHECK(code(run(ring, op::poll(slots[0], POLLOUT))) == 0); // now the ring has a thread
        if (has(ring.setup_flags(), lio::setup::single_issuer)) {
            CHECK(close_on_another_thread(slots) == EEXIST);
            CHECK(stays_open(pipe.reading()));
            CHECK(slots.close());
        } else {
            CHECK(close_on_another_thread(slots) == 0);
        }
        CHECK(comes_to_its_end(pipe.reading()));
    });
}

// Buffers.

TEST_CASE("what is written from a registered buffer is read back into another", "[registered]") {
    under_each_setup([](ring& ring) {
        const temporary_directory directory;
        const open_file file{directory / "file", O_RDWR | O_CREAT};
        std::string source = "0123456789abcdef";
        std::vector<char> target(16, '.');
        const mutable_bytes list[] = {source, target};
        const auto buffers = registered_buffers::create(ring, list).value();
        CHECK(buffers.size() == 2);
        CHECK(buffers[0].size() == 16);
        CHECK(buffers[1].memory().data() == static_cast<void*>(target.data()));

        CHECK(run(ring, op::write_fixed(file, buffers[0], 0)).result().value() == 16);
        CHECK(content_of(directory / "file") == source);
        CHECK(run(ring, op::read_fixed(file, buffers[1].part(4, 8), 2)).result().value() == 8);
        CHECK(std::string(target.begin(), target.end()) == "....23456789....");
        CHECK(run(ring, op::write_fixed(file, buffers[1].part(3, 2), 16)).result().value() == 2);
        CHECK(content_of(directory / "file") == source + ".2");
    });
}

TEST_CASE("registered files and registered buffers go together", "[registered]") {
    under_each_setup([](ring& ring) {
        const temporary_directory directory;
        std::optional<open_file> file{std::in_place, directory / "file", O_RDWR | O_CREAT};
        std::string source = "both";
        const mutable_bytes list[] = {source};
        const auto buffers = registered_buffers::create(ring, list).value();
        const auto slots = registered_files::create(ring, std::array<int, 2>{-1, *file}).value();
        file.reset();
        CHECK(run(ring, op::write_fixed(slots[1], buffers[0], 3)).result().value() == 4);
        CHECK(content_of(directory / "file") == std::string("\0\0\0both", 7));
    });
}

TEST_CASE("memory outside of the registered buffer is refused", "[registered]") {
    under_each_setup([](ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_RDWR};
        std::string source(8, 's');
        std::string elsewhere(8, 'e');
        const mutable_bytes list[] = {source};
        const auto buffers = registered_buffers::create(ring, list).value();
        const lio::registered_buffer other{0, elsewhere};
        CHECK(code(run(ring, op::read_fixed(file, other, 0))) == EFAULT);
        CHECK(elsewhere == "eeeeeeee");
        const lio::registered_buffer longer{0, mutable_bytes{source.data(), 9}};
        CHECK(code(run(ring, op::write_fixed(file, longer, 0))) == EFAULT);
        const lio::registered_buffer no_such{1, source};
        CHECK(code(run(ring, op::write_fixed(file, no_such, 0))) == EFAULT);
        CHECK(content_of(directory / "file") == "content");
    });
}

TEST_CASE(
    "what is outside of a registered buffer, or in none, is refused by push before the kernel sees it [hazard 50]",
    "[registered][hazard 50]") {
    ring ring = lio::ring::create({.entries = 8}).value();
    std::string memory(8, 'm');
    const mutable_bytes list[] = {memory};
    const auto buffers = registered_buffers::create(ring, list).value();
    const lio::registered_buffer outside[] = {
        buffers[1],
        buffers[0xffffffff],
        buffers[0].part(0, 9),
        buffers[0].part(9, 0),
        buffers[0].part(1, 8),
        buffers[0].part(1, ~std::size_t{0}),
        buffers[0].part(~std::size_t{0}, 1),
        buffers[0].part(2, 4).part(0, 5),
        buffers[1].part(0, 0),
        lio::registered_buffer::none(),
    };
    ::iovec vectors[] = {{memory.data(), 4}};
    ::msghdr message{};
    message.msg_iov = vectors;
    message.msg_iovlen = 1;
    const lio::nvme_command command{};
    const auto refuses = [&](const auto& operation) {
        const auto pushed = ring.push(operation);
        REQUIRE_FALSE(pushed);
        CHECK(pushed.error().why() == lio::cause::outside_of_buffer);
        CHECK(std::string(pushed.error().message()).find("within") != std::string::npos);
    };
    for (const lio::registered_buffer& buffer : outside) {
        CHECK_FALSE(buffer.exists());
        CHECK(buffer.size() == 0);
        refuses(op::read_fixed(0, buffer, 0));
        refuses(op::write_fixed(0, buffer, 0));
        refuses(op::readv_fixed(0, vectors, buffer, 0));
        refuses(op::writev_fixed(0, vectors, buffer, 0));
        refuses(op::recv_fixed(0, buffer));
        refuses(op::send_fixed(0, buffer));
        refuses(op::send_zc_fixed(0, buffer));
        refuses(op::send_zc_vectorized_fixed(0, vectors, buffer));
        refuses(op::sendmsg_zc_fixed(0, message, buffer));
        refuses(op::nop().look_up(buffer));
        CHECK(op::nvme_io(0, command, buffer).refusal() == lio::cause::outside_of_buffer);
        CHECK(op::nvme_io_vec(0, command, vectors, buffer).refusal() == lio::cause::outside_of_buffer);
    }
    // The edges are within.
    for (const lio::registered_buffer& buffer : {buffers[0].part(8, 0), buffers[0].part(0, 8), buffers[0].part(7, 1)})
        CHECK(op::write_fixed(0, buffer, 0).refusal() == lio::cause::operation);
    CHECK(ring.submission_room() == ring.submission_capacity());
}

TEST_CASE("vectors that reach out of the registered buffer are refused by the kernel, whatever they were at push",
          "[registered]") {
    ring ring = lio::ring::create({.entries = 8}).value();
    const temporary_directory directory;
    make_file(directory / "file", "content");
    const open_file file{directory / "file", O_RDWR};
    char memory[16] = "inside, outside";
    const auto buffers = registered_buffers::create(ring, std::array{mutable_bytes{memory, 8}}).value();
    const ::iovec across[] = {{memory, 4}, {memory + 4, 5}};
    const int answer = code(run(ring, op::writev_fixed(file, across, buffers[0], 0)));
    if (answer == EINVAL) LIO_SKIP("vectors in registered buffers: since Linux 6.15");
    CHECK(answer == EFAULT);
    CHECK(code(run(ring, op::readv_fixed(file, across, buffers[0], 0))) == EFAULT);
    CHECK(content_of(directory / "file") == "content");
    CHECK(std::string(memory) == "inside, outside");
}

TEST_CASE("a ring has one table of buffers at a time, and none after it is gone", "[registered]") {
    under_each_setup([](ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_RDWR};
        std::string memory(8, '.');
        const mutable_bytes list[] = {memory};
        auto buffers = registered_buffers::create(ring, list).value();
        const lio::registered_buffer buffer = buffers[0];
        const auto second = registered_buffers::create(ring, list);
        REQUIRE_FALSE(second);
        CHECK(second.error().code() == EBUSY);
        CHECK(run(ring, op::read_fixed(file, buffer, 0)).result().value() == 7);
        CHECK(buffers.close());
        CHECK(code(run(ring, op::read_fixed(file, buffer, 0))) == EFAULT);
        CHECK(buffers.close()); // a second time it has nothing to do
        CHECK(registered_buffers::create(ring, list));
    });
}

TEST_CASE("lists of buffers that make no table are refused, and leave none", "[registered]") {
    under_each_setup([](ring& ring) {
        const auto refusal = [&](const auto& buffers) {
            const auto made = registered_buffers::create(ring, buffers);
            REQUIRE_FALSE(made);
            return made.error();
        };
        char byte = 0;
        const mutable_bytes good{&byte, 1};
        CHECK(refusal(std::vector<mutable_bytes>{}).code() == EINVAL);
        CHECK(refusal(list_of_any_size<mutable_bytes>{good, 0x10001}).why() == lio::cause::too_many_to_register);
        CHECK(refusal(std::array{good, mutable_bytes{&byte, (std::size_t{1} << 30) + 1}}).code() == EFAULT);
        CHECK(refusal(std::vector<mutable_bytes>(32769, good)).code() == EINVAL);

        // An address that is taken, so that nothing else is put there, but not to be used.
        void* const page = ::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        REQUIRE(page != MAP_FAILED);
        CHECK(refusal(std::array{good, mutable_bytes{page, 1}}).code() == EFAULT);
        REQUIRE(::munmap(page, 4096) == 0);

        CHECK(registered_buffers::create(ring, std::array{good})); // nothing was left
    });
}

TEST_CASE("the list of buffers may change once they are registered", "[registered]") {
    under_each_setup([](ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_RDONLY};
        std::string memory(8, '.');
        std::vector<mutable_bytes> list{mutable_bytes{memory}};
        const auto buffers = registered_buffers::create(ring, list).value();
        list[0] = mutable_bytes{};
        list.clear();
        list.shrink_to_fit();
        CHECK(buffers[0].size() == 8);
        CHECK(run(ring, op::read_fixed(file, buffers[0], 0)).result().value() == 7);
        CHECK(memory == "content.");
    });
}

TEST_CASE("a table of buffers outlives its ring harmlessly", "[registered]") {
    for (const ring_setup& setup : available_setups()) {
        INFO(setup.name);
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_RDONLY};
        std::string memory(8, '.');
        const mutable_bytes list[] = {memory};
        std::optional<ring> first{ring::create(setup.options).value()};
        auto buffers = registered_buffers::create(*first, list).value();
        first.reset();
        CHECK(buffers[0].size() == 8);

        ring second = ring::create(setup.options).value();
        const auto others = registered_buffers::create(second, list).value();
        CHECK(buffers.close());
        { const registered_buffers gone = std::move(buffers); }
        CHECK(run(second, op::read_fixed(file, others[0], 0)).result().value() == 7);
    }
}

TEST_CASE("a moved table of buffers is the same one; what it is moved onto is unregistered", "[registered]") {
    under_each_setup([](ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_RDONLY};
        lio::ring other = lio::ring::create({.entries = 4, .exactly = true}).value();
        std::string memory(8, '.');
        std::string other_memory(8, '.');
        const mutable_bytes list[] = {memory};
        const mutable_bytes other_list[] = {other_memory, other_memory};
        auto first = registered_buffers::create(ring, list).value();
        auto target = registered_buffers::create(other, other_list).value();
        const lio::registered_buffer others = target[1];
        registered_buffers moved = std::move(first);
        CHECK(first.close()); // NOLINT: there is nothing left in it
        CHECK(moved.size() == 1);
        target = std::move(moved);
        CHECK(target.size() == 1);
        CHECK(run(ring, op::read_fixed(file, target[0], 0)).result().value() == 7);
        CHECK(memory == "content.");
        CHECK(code(run(other, op::read_fixed(file, others, 0))) == EFAULT);
    });
}

TEST_CASE("a table of buffers is closed by its ring's own thread only", "[registered]") {
    under_each_setup([](ring& ring) {
        const temporary_directory directory;
        make_file(directory / "file", "content");
        const open_file file{directory / "file", O_RDONLY};
        std::string memory(8, '.');
        const mutable_bytes list[] = {memory};
        auto buffers = registered_buffers::create(ring, list).value();
        CHECK(code(run(ring, op::read_fixed(file, buffers[0], 0))) == 0);
        if (!has(ring.setup_flags(), lio::setup::single_issuer)) {
            CHECK(close_on_another_thread(buffers) == 0);
            return;
        }
        CHECK(close_on_another_thread(buffers) == EEXIST);
        CHECK(code(run(ring, op::read_fixed(file, buffers[0], 0))) == 0);
    });
}

TEST_CASE("tables need a ring that is open, and take either half of a split one", "[registered]") {
    ring closed = ring::create({.entries = 4}).value();
    closed.close().value();
    char byte = 'x';
    const mutable_bytes list[] = {mutable_bytes{&byte, 1}};
    const int files[] = {-1};
    CHECK(registered_files::create(closed, files).error().code() == EBADF);
    CHECK(registered_buffers::create(closed, list).error().code() == EBADF);

    auto [completions, submissions] = lio::with_capacity(4).value();
    const connection pair = socket_pair();
    const auto slots = registered_files::create(completions, std::array<int, 1>{pair.ours}).value();
    const auto buffers = registered_buffers::create(submissions, list).value();
    submissions.push(op::write_fixed(slots[0], buffers[0], 0)).value();
    submissions.submit().value();
    CHECK(completions.next().value().result().value() == 1);
    CHECK(receive_some(pair.theirs) == "x");
}

TEST_CASE("tables leave nothing behind, made or refused", "[registered][hazard 18]") {
    ring ring = lio::ring::create({.entries = 4}).value();
    const connection pair = socket_pair();
    std::vector<char> memory(4096);
    const std::vector<mutable_bytes> list(512, mutable_bytes{memory});
    leaks_nothing(
        [&] {
            const auto slots = registered_files::create(ring, std::array<int, 1>{pair.ours}).value();
            CHECK_FALSE(registered_files::create(ring, std::array<int, 1>{pair.ours}));
            auto buffers = registered_buffers::create(ring, list).value();
            CHECK_FALSE(registered_buffers::create(ring, list));
            CHECK(buffers.close());
        },
        100, 100 * 4096);
    leaks_nothing(
        [&] {
            std::optional<lio::ring> short_lived{lio::ring::create({.entries = 4}).value()};
            const auto buffers = registered_buffers::create(*short_lived, list).value();
            const auto slots = registered_files::create(*short_lived, std::array<int, 1>{pair.ours}).value();
            short_lived.reset();
        },
        100, 100 * 4096);
}

} // namespace registered_test
