// The echo server on this library: one accept for all connections, which become slots of the registered files. With
// mode=linked an answer and the next receive are one chain with one completion; with mode=multishot one receive per
// connection brings all, in buffers of a group. One thread.
#include "echo.hpp"

#include <lio/uring.hpp>

#include <memory>

namespace op = lio::op;

namespace {

enum class event : std::uint16_t { accepted, received, sent, closed };
struct tag {
    event what;
    std::uint16_t buffer;
    std::uint32_t slot;
};

constexpr int send_flags = MSG_NOSIGNAL | MSG_WAITALL;

// What both modes do alike. `Mode` says how a connection is served.
template <class Mode>
bool serve(lio::ring& ring, Mode& mode, int listener) {
    if (!ring.push(op::accept_multishot_direct(listener).user_data(tag{event::accepted, 0, 0}))) return false;
    unsigned open = 0;
    do {
        if (!ring.submit_and_wait(1)) return false;
        for (const lio::cqe& done : ring.reap()) {
            const tag about = done.user_data_as<tag>();
            if (about.what == event::received) [[likely]] {
                if (!mode.received(ring, done, about.slot)) return false;
            } else if (about.what == event::sent) {
                if (!mode.sent(ring, done, about)) return false;
            } else if (about.what == event::closed) {
                --open;
            } else {
                const auto slot = done.result<op::accept_multishot_direct>();
                if (!slot || !done.more() || !mode.receive(ring, slot->slot())) return false;
                ++open;
            }
        }
    } while (open != 0);
    return true;
}

bool close_slot(lio::ring& ring, std::uint32_t slot) {
    return ring.push(op::close(lio::direct_descriptor{slot}).user_data(tag{event::closed, 0, slot})).has_value();
}

class linked {
public:
    bool receive(lio::ring& ring, std::uint32_t slot) { return ring.push(next(slot)).has_value(); }
    // The completion of a send that went well is left out: its receive says as much.
    bool received(lio::ring& ring, const lio::cqe& done, std::uint32_t slot) {
        const auto size = done.result<op::recv>();
        if (!size || *size == 0) return close_slot(ring, slot);
        const op::send answer{lio::direct_descriptor{slot}, lio::bytes{memory_[slot], *size}};
        return ring
            .push(answer.flags(send_flags).user_data(tag{event::sent, 0, slot}).skip_success().link(), next(slot))
            .has_value();
    }
    // It failed, and took the receive behind it along without a word.
    bool sent(lio::ring& ring, const lio::cqe&, tag about) { return close_slot(ring, about.slot); }

private:
    // The answer has just gone out, so nothing is there yet.
    op::recv next(std::uint32_t slot) {
        return op::recv(lio::direct_descriptor{slot}, memory_[slot])
            .poll_first()
            .user_data(tag{event::received, 0, slot});
    }

    std::unique_ptr<char[][bench::echo_buffer]> memory_{new char[bench::most_connections][bench::echo_buffer]};
};

class multishot {
public:
    multishot(lio::ring& ring, unsigned count)
        : buffers_{lio::buffer_ring::create(ring, {.count = count, .size = bench::echo_buffer}).value()} {}

    bool receive(lio::ring& ring, std::uint32_t slot) {
        const op::recv_multishot next{lio::direct_descriptor{slot}, buffers_.group()};
        return ring.push(next.user_data(tag{event::received, 0, slot})).has_value();
    }
    bool received(lio::ring& ring, const lio::cqe& done, std::uint32_t slot) {
        const lio::bytes data = buffers_.filled(done);
        if (data.size() == 0) {
            buffers_.recycle(done);
            return close_slot(ring, slot);
        }
        const op::send answer{lio::direct_descriptor{slot}, data};
        if (!ring.push(answer.flags(send_flags).user_data(tag{event::sent, *done.buffer_id(), slot}))) return false;
        return done.more() || receive(ring, slot);
    }
    // If it failed, the receive will end as well.
    bool sent(lio::ring&, const lio::cqe&, tag about) {
        buffers_.recycle(about.buffer);
        return true;
    }

private:
    lio::buffer_ring buffers_;
};

} // namespace

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    lio::ring ring = lio::ring::create({.entries = 4096}).value();
    const auto files = lio::registered_files::create_empty(ring, bench::most_connections).value();
    const int listener = bench::listening_socket(given);
    if (given.is("mode", "multishot")) {
        multishot mode{ring, bench::shared_buffers(given)};
        return serve(ring, mode, listener) ? 0 : 1;
    }
    linked mode;
    return serve(ring, mode, listener) ? 0 : 1;
}
