// The books of tcp_echo: how far each connection is, and which received buffers wait in its line to be sent back.
// Knows nothing of the ring; on the server's thread.
#pragma once

#include <cstdint>
#include <vector>

namespace example {

/// A connection as the server sees it.
struct connection {
    std::uint16_t first = 0; // its received buffers, in order, if any wait
    std::uint16_t last = 0;
    std::uint16_t waiting = 0;   // how many they are
    bool sending = false;        // the first of them is on its way
    bool receiving = false;      // a receive is with the kernel
    bool ending_receive = false; // and was asked to end
    bool wants_receive = false;  // is in line for one
    bool peer_done = false;      // the peer sends no more
    bool broken = false;         // it failed, or the server ends: nothing more to be sent
    bool closing = false;
};

/// What of a received buffer is still to be sent.
struct content {
    std::uint32_t begin;
    std::uint32_t end;
};

/// The lines of all connections. A buffer is in one of them at most, so each has its place, and nothing is allocated.
class echo_lines {
public:
    explicit echo_lines(std::uint32_t buffers) : places_(buffers) {}

    void append(connection& peer, std::uint16_t buffer, std::uint32_t size) {
        places_[buffer].left = {0, size};
        if (peer.waiting++ == 0)
            peer.first = buffer;
        else
            places_[peer.last].next = buffer;
        peer.last = buffer;
    }

    /// Of the first buffer in a line that is not empty.
    content first(const connection& peer) const { return places_[peer.first].left; }

    /// So much of the first buffer has been sent; true if that was the rest of it.
    bool advance(connection& peer, std::uint32_t sent) {
        content& left = places_[peer.first].left;
        left.begin += sent;
        return left.begin == left.end;
    }

    /// Takes the first buffer out of a line that is not empty.
    std::uint16_t pop(connection& peer) {
        const std::uint16_t buffer = peer.first;
        peer.first = places_[buffer].next;
        --peer.waiting;
        return buffer;
    }

private:
    struct place {
        content left{0, 0};
        std::uint16_t next = 0; // in the line, if it is not the last
    };
    std::vector<place> places_; // by buffer
};

} // namespace example
