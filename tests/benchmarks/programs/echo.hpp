// What the echo servers share: a listening socket, and how much memory they receive into. Each server ends with its
// last connection, so a run is bounded by its load. Arguments: port, connections.
#pragma once

#include "bench.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bit>

namespace bench {

inline constexpr unsigned echo_buffer = 4096;
inline constexpr unsigned most_connections = 1024;

// How many there will be at once.
inline unsigned connections(const arguments& given) { return given.number("connections", most_connections); }

// Of buffers that any connection may receive into: twice as many as connections. They are used in turn, so more of them
// than are needed is memory that the cache does not hold.
inline unsigned shared_buffers(const arguments& given) { return std::bit_ceil(2 * connections(given)); }

inline sockaddr_in local_address(const arguments& given) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(given.number("port", 7070)));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

inline int listening_socket(const arguments& given, int flags = 0) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    const int yes = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const sockaddr_in address = local_address(given);
    need(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind");
    need(::listen(listener, most_connections) == 0, "listen");
    return listener;
}

} // namespace bench
