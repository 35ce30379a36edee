// What the echo servers share: a listening socket, and the size of what is received at once. Each server ends with its
// last connection, so a run is bounded by its load.
#pragma once

#include "bench.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {

inline constexpr unsigned echo_buffer = 4096;
inline constexpr unsigned most_connections = 1024; // at once

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
