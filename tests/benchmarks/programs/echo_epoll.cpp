// The echo server on epoll: level-triggered, receives what is there and sends it back. One thread.
#include "echo.hpp"

#include <poll.h>
#include <sys/epoll.h>

#include <cerrno>

namespace {

bool send_all(int file, const char* data, ssize_t left) {
    while (left > 0) {
        const ssize_t sent = ::send(file, data, static_cast<std::size_t>(left), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return false;
        if (sent < 0) {
            pollfd waited{file, POLLOUT, 0};
            ::poll(&waited, 1, -1);
            continue;
        }
        data += sent;
        left -= sent;
    }
    return true;
}

} // namespace

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    const int listener = bench::listening_socket(given, SOCK_NONBLOCK);
    const int set = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event added{EPOLLIN, {.fd = listener}};
    ::epoll_ctl(set, EPOLL_CTL_ADD, listener, &added);
    static epoll_event events[256];
    static char buffer[bench::echo_buffer];
    unsigned open = 0;
    do {
        const int count = ::epoll_wait(set, events, 256, -1);
        for (int i = 0; i < count; ++i) {
            const int file = events[i].data.fd;
            if (file == listener) {
                for (int made; (made = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;
                     ++open) {
                    added.data.fd = made;
                    ::epoll_ctl(set, EPOLL_CTL_ADD, made, &added);
                }
                continue;
            }
            const ssize_t received = ::recv(file, buffer, sizeof buffer, 0);
            if (received < 0 && errno == EAGAIN) continue;
            if (received <= 0 || !send_all(file, buffer, received)) {
                ::close(file);
                --open;
            }
        }
    } while (open != 0);
    return 0;
}
