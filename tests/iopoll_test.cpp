// Rings that poll: on a disk that can be polled, which whoever runs the tests names in LIO_SCRATCH_DISK, and what can
// be seen without one. What is on the disk is looked at by plain calls through another descriptor. One thread.

#include "catch.hpp"

#include "support/block_devices.hpp"
#include "support/files.hpp"
#include "support/machine.hpp"
#include "support/rings.hpp"
#include "support/skip.hpp"
#include "support/waiting.hpp"

#include <lio/op/nop.hpp>
#include <lio/op/read_write.hpp>
#include <lio/registered_buffers.hpp>
#include <lio/ring.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace iopoll_test {

using lio::setup;
using lio::op::nop;
using lio::test::ring_setup;

namespace {

namespace op = lio::op;

constexpr std::size_t block_size = 4096;
constexpr std::uint64_t start = 1 << 20; // on the disk
// So many in one test, each read or written by an operation of its own: Linux 6.1 loses track of what is too long for
// one command to the disk.
constexpr std::size_t blocks = 64;

constexpr const char* no_disk = "a disk that can be polled (nvme.poll_queues), named by LIO_SCRATCH_DISK";

// What the kernel says of the disk's queues.
bool can_be_polled(const std::string& path) {
    struct ::stat status {};
    if (path.empty() || ::stat(path.c_str(), &status) != 0 || !S_ISBLK(status.st_mode)) return false;
    const std::string device =
        "/sys/dev/block/" + std::to_string(major(status.st_rdev)) + ":" + std::to_string(minor(status.st_rdev));
    for (const char* const queue : {"/queue/io_poll", "/../queue/io_poll"}) // of a disk, of a partition
        if (lio::test::first_line_of(device + queue) == "1") return true;
    return false;
}

const std::vector<ring_setup>& polling_setups() {
    static const std::vector<ring_setup> setups = {
        {"iopoll", {.require = setup::iopoll, .exactly = true}},
        {"iopoll and the library's choice", {.require = setup::iopoll}},
        {"iopoll, hybrid_iopoll", {.require = setup::iopoll | setup::hybrid_iopoll}},
        {"iopoll, sqpoll", {.require = setup::iopoll | setup::sqpoll, .sqpoll_idle_milliseconds = 1}},
    };
    return setups;
}

// Runs `body(ring)` as a section for each way to poll that this kernel has.
template <class Body>
void under_each_polling_setup(Body body, std::uint32_t entries = blocks, std::uint32_t completion_entries = 0) {
    for (const ring_setup& setup : polling_setups()) {
        DYNAMIC_SECTION("on a ring set up as: " << setup.name) {
            lio::ring_options options = setup.options;
            options.entries = entries;
            options.completion_entries = completion_entries;
            // What a kernel lacks is told by the first test below.
            if (auto made = lio::ring::create(options)) body(*made);
        }
    }
}

// Memory as a disk wants it: whole blocks, with a content that depends on the place and on `seed`.
class block_memory {
public:
    explicit block_memory(unsigned seed, std::size_t count = blocks)
        : size_{count * block_size},
          memory_{static_cast<unsigned char*>(std::aligned_alloc(block_size, size_)), &std::free} {
        REQUIRE(memory_ != nullptr);
        std::uint64_t mixed = seed;
        for (std::size_t i = 0; i < size_; ++i) {
            mixed = mixed * 6364136223846793005u + 1442695040888963407u;
            memory_.get()[i] = static_cast<unsigned char>(mixed >> 56);
        }
    }

    lio::mutable_bytes all() const { return {memory_.get(), size_}; }
    lio::mutable_bytes block(std::size_t index) const { return {memory_.get() + index * block_size, block_size}; }
    friend bool operator==(const block_memory& a, const block_memory& b) {
        return a.size_ == b.size_ && std::memcmp(a.memory_.get(), b.memory_.get(), a.size_) == 0;
    }

private:
    std::size_t size_;
    std::unique_ptr<unsigned char, decltype(&std::free)> memory_;
};

// The disk through a descriptor for the ring and one for plain calls.
struct disk {
    lio::test::open_file polled{lio::test::scratch_disk(), O_RDWR | O_DIRECT};
    lio::test::open_file plain{lio::test::scratch_disk(), O_RDWR | O_DIRECT};

    // What a plain pread(2) brings.
    bool has(const block_memory& expected) const {
        const block_memory found{0};
        const lio::mutable_bytes room = found.all();
        REQUIRE(::pread(plain, room.data(), room.size(), start) == static_cast<ssize_t>(room.size()));
        return found == expected;
    }
    void put(const block_memory& content) const {
        const lio::mutable_bytes all = content.all();
        REQUIRE(::pwrite(plain, all.data(), all.size(), start) == static_cast<ssize_t>(all.size()));
    }
};

std::uint64_t place_of(std::size_t block) { return start + block * block_size; }

// Puts all reads or writes in flight at once, each with its block as user_data.
template <class MakeOperation>
void start_all(lio::ring& ring, MakeOperation make_operation) {
    for (std::size_t i = 0; i < blocks; ++i) ring.push(make_operation(i).user_data(i)).value();
}

// Checks off one block after the other as their completions come.
class expected_blocks {
public:
    void take(const lio::cqe& done) {
        const auto block = done.user_data_as<std::size_t>();
        REQUIRE(block < blocks);
        INFO("block " << block);
        REQUIRE_FALSE(seen_[block]);
        seen_[block] = true;
        REQUIRE(done.raw_result() == static_cast<std::int32_t>(block_size));
        ++count_;
    }
    std::uint32_t left() const { return static_cast<std::uint32_t>(blocks - count_); }

private:
    std::vector<bool> seen_ = std::vector<bool>(blocks);
    std::size_t count_ = 0;
};

} // namespace

TEST_CASE("a ring polls in every way that there is, or says what this kernel lacks", "[iopoll]") {
    for (const ring_setup& setup : polling_setups()) {
        INFO(setup.name);
        const auto made = lio::ring::create(setup.options);
        if (made)
            CHECK(has(made->setup_flags(), setup.options.require));
        else
            lio::test::record_partial_skip(std::string{setup.name} + ": " + made.error().message());
    }
}

TEST_CASE("what a polled ring writes is on the disk, and what is there it reads, in as many waits as it takes",
          "[iopoll]") {
    if (!can_be_polled(lio::test::scratch_disk())) LIO_SKIP(no_disk);
    under_each_polling_setup([](lio::ring& ring) {
        const disk disk;
        const auto wait_for_all = [&] {
            for (expected_blocks expected; expected.left() != 0;) {
                REQUIRE(ring.submit_and_wait(expected.left()).value().left == 0);
                // A kernel thread that polls leaves nothing to do; otherwise some may be all that can be waited for.
                CHECK(ring.ready() >= (has(ring.setup_flags(), setup::sqpoll) ? expected.left() : 1));
                for (const lio::cqe& done : ring.reap()) expected.take(done);
            }
        };
        const block_memory written{1};
        start_all(ring, [&](std::size_t i) { return op::write(disk.polled, written.block(i), place_of(i)); });
        wait_for_all();
        CHECK(disk.has(written));

        const block_memory other{2};
        const block_memory read{0};
        disk.put(other);
        start_all(ring, [&](std::size_t i) { return op::read(disk.polled, read.block(i), place_of(i)); });
        wait_for_all();
        CHECK(read == other);
    });
}

TEST_CASE("a polled ring completes when it is looked at, and not before, unless a kernel thread looks [hazard 11]",
          "[iopoll][hazard 11]") {
    if (!can_be_polled(lio::test::scratch_disk())) LIO_SKIP(no_disk);
    under_each_polling_setup([](lio::ring& ring) {
        const disk disk;
        const block_memory content{3};
        disk.put(content);
        const block_memory read{0};
        start_all(ring, [&](std::size_t i) { return op::read(disk.polled, read.block(i), place_of(i)); });
        lio::test::submit_all(ring);
        const std::int64_t give_up = lio::test::end_of_patience();
        if (has(ring.setup_flags(), setup::sqpoll)) {
            while (ring.ready() != blocks && lio::test::now() < give_up) ::poll(nullptr, 0, 1);
            CHECK(ring.ready() == blocks);
        } else {
            ::poll(nullptr, 0, 20);
            CHECK(ring.ready() == 0);
        }
        expected_blocks expected;
        bool one_by_one = true;
        while (expected.left() != 0 && lio::test::now() < give_up) {
            one_by_one = !one_by_one;
            if (one_by_one) {
                if (const auto done = ring.try_next())
                    expected.take(*done);
                else
                    REQUIRE(done.error().code() == EAGAIN);
            } else {
                for (const lio::cqe& done : ring.reap()) expected.take(done);
            }
        }
        CHECK(expected.left() == 0);
        CHECK(read == content);
        CHECK(ring.try_next().error().code() == EAGAIN);
    });
}

TEST_CASE("a wait on a polled ring that has an end brings what completes before, however much it is for", "[iopoll]") {
    if (!can_be_polled(lio::test::scratch_disk())) LIO_SKIP(no_disk);
    under_each_polling_setup([](lio::ring& ring) {
        const disk disk;
        const block_memory content{4};
        disk.put(content);
        const block_memory read{0};
        start_all(ring, [&](std::size_t i) { return op::read(disk.polled, read.block(i), place_of(i)); });
        expected_blocks expected;
        REQUIRE(ring.submit_and_wait(expected.left(), lio::test::patience).value().left == 0);
        for (const lio::cqe& done : ring.reap()) expected.take(done);
        while (expected.left() != 0) {
            REQUIRE(ring.wait(expected.left(), lio::test::patience).value() >= 1);
            for (const lio::cqe& done : ring.reap()) expected.take(done);
        }
        CHECK(read == content);
    });
}

TEST_CASE("a wait on a polled ring ends when its time is over, also with nothing in flight [hazard 11]",
          "[iopoll][hazard 11]") {
    under_each_polling_setup([](lio::ring& ring) {
        for (const std::uint32_t count : {1u, 3u}) {
            const std::int64_t begin = lio::test::now();
            CHECK(ring.wait(count, lio::timespec{0, 20'000'000}).error().code() == ETIME);
            CHECK(lio::test::now() - begin >= lio::test::milliseconds(20));
        }
        // What has been submitted is; the kernel may be long about it.
        ring.push(nop().user_data(7)).value();
        const auto submitted = ring.submit_and_wait(2, lio::timespec{0, 20'000'000});
        if (!submitted) CHECK(submitted.error().code() == ETIME);
        CHECK(ring.unsubmitted() == 0);
        CHECK(lio::test::next_soon(ring).user_data() == 7);
    });
}

TEST_CASE("what waits to be reaped ends a wait for more on a polled ring, because the kernel then asks no device "
          "[hazard 11]",
          "[iopoll][hazard 11]") {
    const bool has_disk = can_be_polled(lio::test::scratch_disk());
    under_each_polling_setup([&](lio::ring& ring) {
        if (has(ring.setup_flags(), setup::sqpoll)) return; // its thread asks
        // Some kernels refuse the nop, which is a completion as well.
        ring.push(nop().user_data(1)).value();
        if (has_disk) {
            const disk disk;
            const block_memory read{0, 1};
            ring.push(op::read(disk.polled, read.all(), start).user_data(2)).value();
            std::uint64_t seen = 0;
            for (int waits = 0; waits < 2 && seen != 1 + 2; ++waits) {
                REQUIRE(ring.submit_and_wait(seen == 0 ? 2 : 1).value().left == 0);
                CHECK(ring.ready() >= 1);
                for (const lio::cqe& done : ring.reap()) seen += done.user_data();
            }
            CHECK(seen == 1 + 2);
        } else {
            REQUIRE(ring.submit_and_wait(2).value().taken == 1);
            CHECK(ring.ready() == 1);
            CHECK(ring.wait(2).value() == 1);
            CHECK(lio::test::next_soon(ring).user_data() == 1);
        }
    });
}

TEST_CASE("nothing is lost when the queue of a polled ring overflows [hazard 12]", "[iopoll][hazard 12]") {
    if (!can_be_polled(lio::test::scratch_disk())) LIO_SKIP(no_disk);
    under_each_polling_setup(
        [](lio::ring& ring) {
            const disk disk;
            const block_memory content{5};
            disk.put(content);
            const block_memory read{0};
            expected_blocks expected;
            const std::int64_t give_up = lio::test::end_of_patience();
            for (std::size_t i = 0; i < blocks && lio::test::now() < give_up;) {
                if (ring.push(op::read(disk.polled, read.block(i), place_of(i)).user_data(i))) {
                    ++i;
                    continue;
                }
                // Some kernels take nothing while completions do not fit.
                if (!ring.submit())
                    for (const lio::cqe& done : ring.reap()) expected.take(done);
            }
            while (expected.left() != 0 && lio::test::now() < give_up) {
                static_cast<void>(ring.submit());
                for (const lio::cqe& done : ring.reap()) expected.take(done);
            }
            CHECK(expected.left() == 0);
            CHECK(read == content);
        },
        2, 2);
}

TEST_CASE("registered buffers go through a polled ring", "[iopoll]") {
    if (!can_be_polled(lio::test::scratch_disk())) LIO_SKIP(no_disk);
    under_each_polling_setup([](lio::ring& ring) {
        const disk disk;
        const block_memory written{6};
        const block_memory read{0};
        const lio::mutable_bytes both[] = {written.all(), read.all()};
        auto buffers = lio::registered_buffers::create(ring, both).value();
        start_all(ring, [&](std::size_t i) {
            return op::write_fixed(disk.polled, buffers[0].part(i * block_size, block_size), place_of(i));
        });
        for (expected_blocks expected; expected.left() != 0;) expected.take(lio::test::next_soon(ring));
        CHECK(disk.has(written));
        start_all(ring, [&](std::size_t i) {
            return op::read_fixed(disk.polled, buffers[1].part(i * block_size, block_size), place_of(i));
        });
        for (expected_blocks expected; expected.left() != 0;) expected.take(lio::test::next_soon(ring));
        CHECK(read == written);
    });
}

TEST_CASE("high_priority changes nothing on a polled ring", "[iopoll]") {
    if (!can_be_polled(lio::test::scratch_disk())) LIO_SKIP(no_disk);
    const disk disk;
    const block_memory content{7};
    disk.put(content);
    under_each_polling_setup([&](lio::ring& ring) {
        const block_memory read{0};
        start_all(ring, [&](std::size_t i) {
            return op::read(disk.polled, read.block(i), place_of(i)).flags(lio::rw_flag::high_priority);
        });
        for (expected_blocks expected; expected.left() != 0;) expected.take(lio::test::next_soon(ring));
        CHECK(read == content);
    });
}

TEST_CASE("a polled ring refuses files that cannot be polled, and goes on", "[iopoll]") {
    const lio::test::temporary_directory directory;
    lio::test::make_file(directory / "file", std::string(block_size, 'x'));
    const lio::test::open_file file{directory / "file", O_RDWR};
    const lio::test::pipe_ends pipe;
    under_each_polling_setup([&](lio::ring& ring) {
        const block_memory memory{0, 1};
        for (int round = 0; round < 2; ++round) {
            CHECK(lio::test::code(lio::test::run(ring, op::read(file, memory.all(), 0))) == EOPNOTSUPP);
            CHECK(lio::test::code(lio::test::run(ring, op::write(file, memory.all(), 0))) == EOPNOTSUPP);
            const auto from_pipe = op::read(pipe.reading(), memory.all(), lio::current_position);
            CHECK(lio::test::code(lio::test::run(ring, from_pipe)) == EOPNOTSUPP);
        }
    });
    CHECK(lio::test::content_of(directory / "file") == std::string(block_size, 'x'));
}

} // namespace iopoll_test
