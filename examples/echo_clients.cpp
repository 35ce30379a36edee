// The clients of tcp_echo --self-test: all on one ring of their own, each sending and receiving at the same time into
// memory of its own. Every byte follows from the client and its place in the client's stream, so that one which is
// lost, doubled, moved or another client's is seen. On the thread that calls it.
#include "echo_clients.hpp"
#include "support/check.hpp"

#include <lio/uring.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>
#include <vector>

namespace op = lio::op;

namespace {

enum class event : std::uint32_t { made, connected, sent, ended, received, closed, all_ended };
struct tag {
    event kind;
    std::uint32_t client;
};

// Smaller than, as large as and larger than the server's buffers.
constexpr std::uint32_t message_sizes[] = {1, 4096, 700, 4097, 17, 20000, 4095, 2, 9001, 512, 12288, 65};
constexpr std::uint32_t sizes = sizeof message_sizes / sizeof *message_sizes;

unsigned char pattern(std::uint32_t client, std::uint64_t place) {
    std::uint64_t mixed = place * 0x9e3779b97f4a7c15u + (client + std::uint64_t{1}) * 0xd1b54a32d192ed03u;
    mixed ^= mixed >> 31;
    mixed *= 0xbf58476d1ce4e5b9u;
    return static_cast<unsigned char>(mixed >> 56);
}

class clients {
public:
    clients(lio::ring& ring, std::uint16_t port, std::uint32_t count, std::uint32_t messages)
        : ring_{ring}, clients_(count), messages_{messages} {
        address_.sin_family = AF_INET;
        address_.sin_port = htons(port);
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }

    bool run();

private:
    struct client {
        int socket = -1;
        std::uint32_t messages = 0; // begun
        std::uint64_t begun = 0;    // where in the stream the message that is being sent ends
        std::uint64_t sent = 0;
        std::uint64_t received = 0;
        bool sending = false;
        bool ended = false; // it has said that it sends no more
        std::vector<unsigned char> message;
        std::vector<unsigned char> memory; // for what is received
    };

    static constexpr std::uint32_t most_pushes = 4;

    template <class Operation>
    void push(const Operation& operation, event kind, std::uint32_t who) {
        example::check(ring_.push(operation.user_data(tag{kind, who})), "clients: queueing an operation");
        ++in_flight_;
    }
    void handle(const lio::cqe& done);
    bool compare(std::uint32_t who, std::size_t count);
    void send_more(std::uint32_t who);
    void receive_more(std::uint32_t who) {
        push(op::recv(clients_[who].socket, clients_[who].memory), event::received, who);
    }
    void fail(std::uint32_t who, const char* doing, lio::error problem) {
        if (!failed_)
            std::fprintf(stderr, "tcp_echo: client %u, %s: %s: %s\n", who, doing, problem.name(), problem.message());
        give_up();
    }
    void give_up();

    lio::ring& ring_;
    std::vector<client> clients_;
    const std::uint32_t messages_;
    sockaddr_in address_{};
    std::uint32_t started_ = 0; // clients whose socket was asked for
    std::uint32_t connected_ = 0;
    std::uint32_t begun_ = 0;     // clients that were told to send
    std::uint32_t in_flight_ = 0; // operations that have not completed
    std::uint64_t bytes_ = 0;
    bool failed_ = false;
};

bool clients::run() {
    // Nothing that the server owes takes so long.
    const lio::timespec patience{20, 0};
    do {
        while (started_ < clients_.size() && ring_.submission_room() >= most_pushes && !failed_)
            push(op::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC), event::made, started_++);
        // When the last one is connected all begin: the server has them all at once.
        while (connected_ == clients_.size() && begun_ < connected_ && ring_.submission_room() >= most_pushes &&
               !failed_)
            send_more(begun_++);
        if (const auto submitted = ring_.submit_and_wait(1, patience); !submitted) {
            const int code = submitted.error().code();
            if (code == ETIME) {
                if (!failed_) std::fprintf(stderr, "tcp_echo: clients: nothing has come back for 20 seconds\n");
                give_up();
            } else if (code != EINTR && code != EAGAIN && code != EBUSY) {
                example::check(submitted, "clients: waiting for completions");
            }
        }
        for (const lio::cqe& done : ring_.reap()) {
            handle(done);
            if (ring_.submission_room() < most_pushes) break;
        }
    } while (in_flight_ != 0);

    for (const client& self : clients_)
        if (self.socket >= 0) ::close(self.socket);
    if (!failed_)
        std::printf("tcp_echo: %zu clients at once sent %u messages each; all of their %llu bytes came back right\n",
                    clients_.size(), messages_, static_cast<unsigned long long>(bytes_));
    return !failed_;
}

void clients::handle(const lio::cqe& done) {
    --in_flight_;
    const auto [kind, who] = done.user_data_as<tag>();
    if (kind == event::all_ended) return;
    client& self = clients_[who];
    const auto result = done.result();
    // Kept also when all has failed: a descriptor that nobody notes is never closed.
    if (kind == event::made && result) self.socket = *result;
    if (failed_) return;

    switch (kind) {
    case event::made:
        if (!result) return fail(who, "making a socket", result.error());
        return push(op::connect(self.socket, address_), event::connected, who);
    case event::connected:
        if (!result) return fail(who, "connecting", result.error());
        self.memory.resize(8192);
        ++connected_;
        return receive_more(who);
    case event::sent:
        if (!result) return fail(who, "sending", result.error());
        self.sending = false;
        self.sent += static_cast<std::uint64_t>(*result);
        return send_more(who);
    case event::received:
        if (!result) return fail(who, "receiving", result.error());
        if (*result == 0) {
            if (self.ended && self.received == self.begun)
                return push(op::close(std::exchange(self.socket, -1)), event::closed, who);
            std::fprintf(stderr, "tcp_echo: client %u: the stream ended after %llu bytes of %llu\n", who,
                         static_cast<unsigned long long>(self.received), static_cast<unsigned long long>(self.begun));
            return give_up();
        }
        if (!compare(who, static_cast<std::size_t>(*result))) return give_up();
        receive_more(who);
        return send_more(who);
    case event::ended:
        if (!result) return fail(who, "ending the stream", result.error());
        return;
    case event::closed:
        if (!result) return fail(who, "closing", result.error());
        return;
    case event::all_ended:
        return;
    }
}

/// Starts the client's next send if it is time for one, or ends its stream.
void clients::send_more(std::uint32_t who) {
    client& self = clients_[who];
    if (self.sending || self.ended) return;
    if (self.sent == self.begun) {
        // Half of the clients wait for each message's return, the others send on.
        if (who % 2 == 0 && self.received != self.sent) return;
        if (self.messages == messages_) {
            self.ended = true;
            return push(op::shutdown(self.socket, SHUT_WR), event::ended, who);
        }
        self.message.resize(message_sizes[(who + self.messages++) % sizes]);
        for (std::size_t i = 0; i < self.message.size(); ++i) self.message[i] = pattern(who, self.begun + i);
        self.begun += self.message.size();
    }
    const auto left = static_cast<std::size_t>(self.begun - self.sent);
    const lio::bytes rest{self.message.data() + self.message.size() - left, left};
    push(op::send(self.socket, rest).flags(MSG_NOSIGNAL), event::sent, who);
    self.sending = true;
}

/// Holds `count` received bytes against the client's stream.
bool clients::compare(std::uint32_t who, std::size_t count) {
    client& self = clients_[who];
    if (count > self.begun - self.received) {
        std::fprintf(stderr, "tcp_echo: client %u: more came back than was sent\n", who);
        return false;
    }
    for (std::size_t i = 0; i < count; ++i) {
        const unsigned char right = pattern(who, self.received + i);
        if (self.memory[i] == right) continue;
        std::fprintf(stderr, "tcp_echo: client %u: byte %llu came back as %02x instead of %02x\n", who,
                     static_cast<unsigned long long>(self.received + i), unsigned{self.memory[i]}, unsigned{right});
        return false;
    }
    self.received += count;
    bytes_ += count;
    return true;
}

/// The first failure ends all: what is in flight is cancelled, and run() waits until it has completed, because the
/// clients' memory is the kernel's until then.
void clients::give_up() {
    if (failed_) return;
    failed_ = true;
    push(op::cancel_all(), event::all_ended, 0);
}

} // namespace

namespace example {

bool run_echo_clients(std::uint16_t port, std::uint32_t count, std::uint32_t messages) {
    lio::ring ring = check(lio::ring::create({.entries = 256}), "clients: making a ring");
    return clients{ring, port, count, messages}.run();
}

} // namespace example
