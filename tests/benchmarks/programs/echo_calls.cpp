// About the least that an echo over TCP can be: a server that asks nobody which connection has something. It tries one
// after the other, and lets its load run when none had anything. It keeps a processor busy, so it is no server for
// others; one that asks can only save its system calls' way in and out, which is little of it. One thread.
#include "echo.hpp"

#include <sched.h>

#include <cerrno>
#include <vector>

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    const int listener = bench::listening_socket(given);
    std::vector<int> files(bench::connections(given));
    for (int& file : files) bench::need((file = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)) >= 0, "accept");
    static char buffer[bench::echo_buffer];
    for (;;) {
        bool is_idle = true;
        for (const int file : files) {
            const ssize_t received = ::recv(file, buffer, sizeof buffer, MSG_DONTWAIT);
            if (received < 0 && errno == EAGAIN) continue;
            if (received == 0) return 0; // the load closes all of them at once
            const auto size = static_cast<std::size_t>(received);
            bench::need(received > 0 && ::send(file, buffer, size, MSG_NOSIGNAL) == received, "echo");
            is_idle = false;
        }
        if (is_idle) ::sched_yield();
    }
}
