// The load of the echo servers: so many clients, each with a connection of its own, on which it sends its next request
// when the answer to the last has come. One thread, on epoll, the same whatever the server is; the sockets block,
// because what is sent has room and what is received has come. Arguments: port, connections, bytes, requests (in all).
#include "echo.hpp"

#include <netinet/tcp.h>
#include <sys/epoll.h>

#include <vector>

namespace {

int connect_to(const sockaddr_in& address) {
    // The server may still be starting.
    for (int tries = 0; tries < 500; ++tries) {
        const int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bench::need(file >= 0, "socket");
        if (::connect(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
            const int yes = 1;
            ::setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            return file;
        }
        ::close(file);
        ::usleep(10000);
    }
    bench::fail("connect");
}

class clients {
public:
    explicit clients(const bench::arguments& given)
        : message_(given.number("bytes", 64), 'x'), answer_(message_.size()) {
        const sockaddr_in address = bench::local_address(given);
        for (unsigned i = 0; i < given.number("connections", 1); ++i) {
            files_.push_back(connect_to(address));
            epoll_event added{EPOLLIN, {.fd = files_.back()}};
            bench::need(::epoll_ctl(set_, EPOLL_CTL_ADD, files_.back(), &added) == 0, "epoll_ctl");
        }
    }

    // `each` requests of every client; ends when all are answered.
    bool run(unsigned each) {
        const unsigned all = each * static_cast<unsigned>(files_.size());
        unsigned sent = 0;
        for (const int file : files_)
            if (!send(file, sent)) return false;
        for (unsigned answered = 0; answered < all;) {
            const int count = ::epoll_wait(set_, events_, 256, -1);
            for (int i = 0; i < count; ++i) {
                const int file = events_[i].data.fd;
                if (::recv(file, answer_.data(), answer_.size(), MSG_WAITALL) != static_cast<ssize_t>(answer_.size()) ||
                    answer_ != message_)
                    return false;
                ++answered;
                if (sent < all && !send(file, sent)) return false;
            }
        }
        return true;
    }

private:
    bool send(int file, unsigned& sent) {
        ++sent;
        return ::send(file, message_.data(), message_.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(message_.size());
    }

    const int set_ = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event events_[256];
    std::vector<char> message_;
    std::vector<char> answer_;
    std::vector<int> files_;
};

} // namespace

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    clients load{given};
    const unsigned count = given.number("connections", 1);
    return bench::measure(given, given.number("requests", 100000) / count, count,
                          [&](unsigned each) { return load.run(each); });
}
