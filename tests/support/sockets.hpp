// Sockets for the tests, made and used by plain POSIX calls: the view from outside. And which of the newer forms this
// kernel takes. Test code; on the test's thread.
#pragma once

#include "../catch.hpp"
#include "rings.hpp"
#include "waiting.hpp"

#include <lio/buffer_ring.hpp>
#include <lio/op/all.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lio::test {

/// A descriptor that is closed when it goes.
class owned_file {
public:
    owned_file() = default;
    explicit owned_file(int file) : file_{file} { REQUIRE(file >= 0); }
    owned_file(owned_file&& other) noexcept : file_{other.file_} { other.file_ = -1; }
    owned_file& operator=(owned_file&& other) noexcept {
        if (this != &other) {
            close();
            file_ = other.file_;
            other.file_ = -1;
        }
        return *this;
    }
    ~owned_file() { close(); }

    void close() {
        if (file_ >= 0) ::close(file_);
        file_ = -1;
    }
    operator int() const { return file_; }
    operator descriptor() const { return file_; }

private:
    int file_ = -1;
};

/// Two ends that are connected.
struct connection {
    owned_file ours;
    owned_file theirs;
};

/// A UNIX socket pair. SOCK_SEQPACKET keeps messages apart: each takes one buffer.
inline connection socket_pair(int type = SOCK_STREAM) {
    int ends[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) == 0);
    return {owned_file{ends[0]}, owned_file{ends[1]}};
}

inline connection pipe_pair() {
    int ends[2] = {-1, -1};
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    return {owned_file{ends[0]}, owned_file{ends[1]}};
}

inline sockaddr_in loopback(std::uint16_t port = 0) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

inline const sockaddr* plain(const sockaddr_in& address) { return reinterpret_cast<const sockaddr*>(&address); }

inline sockaddr_in own_address(int socket) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    return address;
}

inline sockaddr_in peer_address(int socket) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    REQUIRE(::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    return address;
}

inline bool same(const sockaddr_in& a, const sockaddr_in& b) {
    return a.sin_family == b.sin_family && a.sin_port == b.sin_port && a.sin_addr.s_addr == b.sin_addr.s_addr;
}

inline owned_file tcp_socket() { return owned_file{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}; }

/// Listens on a port of the loopback device that the kernel picks.
inline owned_file tcp_listener() {
    owned_file listener = tcp_socket();
    const sockaddr_in address = loopback();
    REQUIRE(::bind(listener, plain(address), sizeof address) == 0);
    REQUIRE(::listen(listener, 64) == 0);
    return listener;
}

inline owned_file tcp_connected_to(int listener) {
    owned_file client = tcp_socket();
    const sockaddr_in address = own_address(listener);
    REQUIRE(::connect(client, plain(address), sizeof address) == 0);
    return client;
}

/// Both ends of a TCP connection. With `small_buffers` little is on its way at a time.
inline connection tcp_pair(bool small_buffers = false) {
    const owned_file listener = tcp_listener();
    const int size = 4096;
    // What a connection inherits from its listener, and must be known before it stands.
    if (small_buffers) REQUIRE(::setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) == 0);
    owned_file client = tcp_connected_to(listener);
    if (small_buffers) REQUIRE(::setsockopt(client, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0);
    return {std::move(client), owned_file{::accept(listener, nullptr, nullptr)}};
}

/// Waits until so many connections wait to be accepted. One may stand for its client a moment before.
inline void await_connections(int listener, std::uint32_t count) {
    const std::int64_t give_up = end_of_patience();
    while (true) {
        tcp_info told{};
        socklen_t size = sizeof told;
        REQUIRE(::getsockopt(listener, IPPROTO_TCP, TCP_INFO, &told, &size) == 0);
        if (told.tcpi_unacked == count) return; // of a listener it means that
        REQUIRE(now() < give_up);
        ::poll(nullptr, 0, 1);
    }
}

/// Ends a TCP connection from the peer's side as if that had died, and waits until ours has heard of it.
inline void reset_by_peer(connection& pair) {
    const linger at_once{1, 0};
    REQUIRE(::setsockopt(pair.theirs, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    pair.theirs.close();
    pollfd told{pair.ours, 0, 0};
    REQUIRE(::poll(&told, 1, patience_in_milliseconds) == 1);
}

/// A port of the loopback device at which nobody listens, kept reserved by the socket.
inline owned_file tcp_deaf_socket() {
    owned_file deaf = tcp_socket();
    const sockaddr_in address = loopback();
    REQUIRE(::bind(deaf, plain(address), sizeof address) == 0);
    return deaf;
}

inline void send_all(int socket, std::string_view text) {
    while (!text.empty()) {
        const ssize_t sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
        REQUIRE(sent > 0);
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
}

/// What there is to receive, up to `most` bytes. It has long to come: Linux 6.1 closes what was in a slot of the
/// registered files a second later and more, and the peer sees the end of the stream only then.
inline std::string receive_some(int socket, std::size_t most = 4096) {
    pollfd waiting{socket, POLLIN, 0};
    REQUIRE(::poll(&waiting, 1, patience_in_milliseconds) == 1);
    std::string text(most, '\0');
    const ssize_t received = ::recv(socket, text.data(), text.size(), 0);
    REQUIRE(received >= 0);
    text.resize(static_cast<std::size_t>(received));
    return text;
}

/// Receives so many bytes; they must all come.
inline std::string receive_all(int socket, std::size_t size) {
    std::string text;
    while (text.size() < size) {
        const std::string part = receive_some(socket, size - text.size());
        REQUIRE_FALSE(part.empty());
        text += part;
    }
    return text;
}

/// The same of a send that the ring has in flight and that does not fit at once; `done` gets the completions that come
/// meanwhile. A ring that defers its work goes on with the send only when it is looked at, so waiting for the bytes
/// alone could be for ever.
inline std::string receive_while_sending(ring& ring, int socket, std::size_t size, std::vector<cqe>& done) {
    std::string text;
    std::int64_t give_up = end_of_patience();
    while (text.size() < size) {
        pollfd waiting{socket, POLLIN, 0};
        if (::poll(&waiting, 1, 10) == 1) {
            text += receive_some(socket, size - text.size());
            give_up = end_of_patience();
        }
        for (const cqe& one : ring.reap()) done.push_back(one);
        REQUIRE(now() < give_up);
    }
    return text;
}

/// Waits until so much has arrived.
inline void await(int socket, int bytes) {
    std::string there(static_cast<std::size_t>(bytes), '\0');
    const std::int64_t give_up = end_of_patience();
    while (::recv(socket, there.data(), there.size(), MSG_PEEK | MSG_DONTWAIT) != bytes) {
        if (now() >= give_up) FAIL("the bytes do not arrive");
        ::poll(nullptr, 0, 1);
    }
}

/// Whether the peer's end is closed, for which it is waited: older kernels take a second before they close what was in
/// a slot.
inline bool hears_the_end(int socket) {
    pollfd waiting{socket, POLLIN, 0};
    REQUIRE(::poll(&waiting, 1, patience_in_milliseconds) == 1);
    char byte;
    return ::recv(socket, &byte, 1, MSG_DONTWAIT) == 0;
}

/// Whether the peer has acknowledged all that this socket has sent; of sockets that hand over at once, yes.
inline bool all_acknowledged(int socket) {
    int unsent = 0;
    if (::ioctl(socket, SIOCOUTQNSD, &unsent) != 0) return true; // only TCP knows it
    int unacknowledged = 0; // the unsent bytes too
    REQUIRE(::ioctl(socket, SIOCOUTQ, &unacknowledged) == 0);
    return unacknowledged == unsent;
}

/// Sends until the socket takes no more, and will take none before the peer reads; how many bytes that were. TCP takes
/// more after its first refusal: an acknowledgement makes room, and may come 40 ms later.
inline std::size_t fill(int socket) {
    const std::string some(4096, '.');
    std::size_t sent = 0;
    for (const std::int64_t give_up = end_of_patience(); lio::test::now() < give_up;) {
        bool full = all_acknowledged(socket);
        ssize_t now = 0;
        for (; (now = ::send(socket, some.data(), some.size(), MSG_DONTWAIT | MSG_NOSIGNAL)) > 0; full = false)
            sent += static_cast<std::size_t>(now);
        REQUIRE(errno == EAGAIN);
        if (full) return sent;
        ::poll(nullptr, 0, 1);
    }
    FAIL("the socket does not stay full");
    return sent;
}

inline std::string_view text_of(bytes memory) {
    return {reinterpret_cast<const char*>(memory.data()), memory.size()};
}

/// Whether this kernel takes multishot accepts (Linux 5.19).
inline bool has_accept_multishot() {
    static const bool answer = [] {
        ring asked = ring::create({.entries = 4, .exactly = true}).value();
        const owned_file listener = tcp_listener();
        const owned_file client = tcp_connected_to(listener);
        const cqe done = run(asked, op::accept_multishot(listener));
        if (const auto taken = done.result()) ::close(*taken);
        return code(done) != EINVAL;
    }();
    return answer;
}

/// Whether this kernel has buffer rings (Linux 5.19).
inline bool has_buffer_rings() {
    static const bool answer = [] {
        ring asked = ring::create({.entries = 4, .exactly = true}).value();
        return buffer_ring::create(asked, {.group = 0, .count = 1, .size = 1}).has_value();
    }();
    return answer;
}

/// Whether this kernel takes multishot receives (Linux 6.0).
inline bool has_recv_multishot() {
    static const bool answer = [] {
        if (!has_buffer_rings()) return false;
        ring asked = ring::create({.entries = 4, .exactly = true}).value();
        auto buffers = buffer_ring::create(asked, {.group = 0, .count = 1, .size = 16}).value();
        connection pair = socket_pair();
        pair.theirs.close();
        return code(run(asked, op::recv_multishot(pair.ours, buffers.group()))) != EINVAL;
    }();
    return answer;
}

} // namespace lio::test
