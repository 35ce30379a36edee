// What count_instructions counts, on this library: the loop of push, submit_and_wait and reap for ten kinds of
// operation, the same with slots reserved side by side, and single calls. Arguments: CASE ROUNDS BATCH.
#include "counted_files.hpp"

#include <lio/uring.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdlib>
#include <cstring>

namespace op = lio::op;

namespace {

// Each reaped completion adds its user_data: at the end it is known that all came.
template <std::uint32_t Batch>
bool is_sum(std::uint64_t sum, long rounds) {
    return sum == static_cast<std::uint64_t>(rounds) * Batch * (Batch - 1) / 2;
}

template <std::uint32_t Batch, class Make>
[[gnu::noinline]] bool push_each(lio::ring& ring, long rounds, Make make) {
    std::uint64_t sum = 0;
    for (long left = rounds; left != 0; --left) {
        for (std::uint64_t i = 0; i < Batch; ++i) ring.push(make().user_data(i)).value();
        ring.submit_and_wait(Batch).value();
        for (const lio::cqe& done : ring.reap()) sum += done.user_data();
    }
    return is_sum<Batch>(sum, rounds);
}

template <std::uint32_t Batch, class Make>
[[gnu::noinline]] bool reserve_all(lio::ring& ring, long rounds, Make make) {
    std::uint64_t sum = 0;
    for (long left = rounds; left != 0; --left) {
        for (std::uint64_t i = 0; i < Batch;) {
            auto slots = ring.reserve(Batch - static_cast<std::uint32_t>(i)).value();
            for (auto room = slots.room(); room != 0; --room) {
                if (!slots.push(make().user_data(i))) return false;
                ++i;
            }
        }
        ring.submit_and_wait(Batch).value();
        ring.reap().for_each([&sum](const lio::cqe& done) { sum += done.user_data(); });
    }
    return is_sum<Batch>(sum, rounds);
}

} // namespace

// By these names count_instructions knows what is to be counted of the cases below.
extern "C" {

[[gnu::noinline]] void counted_submit(lio::ring& ring) { ring.submit().value(); }

[[gnu::noinline]] std::uint64_t counted_reap(lio::ring& ring) {
    const auto done = ring.try_next();
    return done ? done->user_data() : 0;
}

[[gnu::noinline]] bool counted_peek(lio::ring& ring) { return ring.try_next().has_value(); }
}

namespace {

// One operation at a time, submitted, waited for and taken by calls of their own.
[[gnu::noinline]] bool call_each(lio::ring& ring, long rounds) {
    std::uint64_t sum = 0;
    for (long left = rounds; left != 0; --left) {
        ring.push(op::nop().user_data(1)).value();
        counted_submit(ring);
        ring.wait(1).value();
        sum += counted_reap(ring);
        if (counted_peek(ring)) return false;
    }
    return sum == static_cast<std::uint64_t>(rounds);
}

template <std::uint32_t Batch>
bool run(const char* name, long rounds) {
    const auto is = [name](const char* other) { return std::strcmp(name, other) == 0; };
    lio::ring ring = lio::ring::create({.entries = 64}).value();
    const counted_files files;
    static char memory[64];
    static iovec vector{memory, sizeof memory};
    static struct statx info;
    const int fd = files.zero;

    if (is("nop")) return push_each<Batch>(ring, rounds, [] { return op::nop(); });
    if (is("nop-reserved")) return reserve_all<Batch>(ring, rounds, [] { return op::nop(); });
    if (is("read")) return push_each<Batch>(ring, rounds, [fd] { return op::read(fd, memory, 0); });
    if (is("read-reserved")) return reserve_all<Batch>(ring, rounds, [fd] { return op::read(fd, memory, 0); });
    if (is("write")) return push_each<Batch>(ring, rounds, [fd] { return op::write(fd, memory, 0); });
    if (is("readv")) return push_each<Batch>(ring, rounds, [fd] { return op::readv(fd, {&vector, 1}, 0); });
    if (is("fsync")) return push_each<Batch>(ring, rounds, [fd] { return op::fsync(fd); });
    if (is("poll")) return push_each<Batch>(ring, rounds, [fd] { return op::poll(fd, POLLIN); });
    if (is("statx"))
        return push_each<Batch>(ring, rounds, [fd] { return op::statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, info); });
    if (is("send"))
        return push_each<Batch>(ring, rounds, [&files] { return op::send(files.socket, memory).flags(MSG_NOSIGNAL); });
    if (is("recv")) return push_each<Batch>(ring, rounds, [&files] { return op::recv(files.socket, memory); });
    if (is("read_fixed")) {
        const lio::mutable_bytes list[] = {memory};
        const auto buffers = lio::registered_buffers::create(ring, list).value();
        const auto buffer = buffers[0];
        return push_each<Batch>(ring, rounds, [fd, buffer] { return op::read_fixed(fd, buffer, 0); });
    }
    if (is("calls")) return call_each(ring, rounds);
    return false;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    const char* const name = argv[1];
    const long rounds = std::atol(argv[2]);
    switch (std::atol(argv[3])) {
    case 1: return run<1>(name, rounds) ? 0 : 1;
    case 8: return run<8>(name, rounds) ? 0 : 1;
    case 32: return run<32>(name, rounds) ? 0 : 1;
    default: return 2;
    }
}
