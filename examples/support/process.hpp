// What a server settles with the system before it serves: how many descriptors it may have, how it is told to stop, and
// where it listens. Includes the C library; ends the program with a line for a person when it gets none of that.
#pragma once

#include "check.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace example {

/// Room for so many descriptors: the soft limit is often 1024, and may be raised up to the hard one.
inline void need_descriptors(std::uint32_t count) {
    rlimit limit;
    check_call(::getrlimit(RLIMIT_NOFILE, &limit), "looking at RLIMIT_NOFILE");
    if (limit.rlim_cur >= limit.rlim_max && limit.rlim_cur >= count) return;
    if (limit.rlim_max < count) {
        std::fprintf(stderr,
                     "%s: this needs %u descriptors and may have %llu (RLIMIT_NOFILE, ulimit -Hn): raise that, or "
                     "take fewer clients\n",
                     program_invocation_short_name, count, static_cast<unsigned long long>(limit.rlim_max));
        std::exit(1);
    }
    limit.rlim_cur = limit.rlim_max;
    check_call(::setrlimit(RLIMIT_NOFILE, &limit), "raising RLIMIT_NOFILE");
}

/// A signalfd that SIGINT and SIGTERM wait in for being read, on this thread and on those that it starts.
inline int stop_signals() {
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTERM);
    if (const int code = ::pthread_sigmask(SIG_BLOCK, &stops, nullptr); code != 0)
        check(lio::result<void>{lio::error{code}}, "blocking signals");
    return check_call(::signalfd(-1, &stops, SFD_CLOEXEC), "making a signalfd");
}

/// A socket that listens on 127.0.0.1.
inline int listen_on(std::uint16_t port) {
    const int listener = check_call(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "making a socket");
    const int yes = 1;
    check_call(::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), "setting SO_REUSEADDR");
    // Connections inherit it. Without it the end of a message waits until the client has acknowledged its beginning.
    check_call(::setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes), "setting TCP_NODELAY");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    char name[32];
    std::snprintf(name, sizeof name, "127.0.0.1:%u", unsigned{port});
    check_call(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), "taking", name);
    check_call(::listen(listener, 4096), "listening on", name);
    return listener;
}

inline std::uint16_t port_of(int listener) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    check_call(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), "asking for the port");
    return ntohs(address.sin_port);
}

} // namespace example
