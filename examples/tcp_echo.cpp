// tcp_echo: a server that sends back what it receives. Many clients on one ring and one thread: one accept brings all
// connections, one receive per connection brings all its bytes, in buffers that the kernel picks from a common group
// only when there is something to put in. The self-test's clients run on a second thread, with a ring of their own.
#include "echo_clients.hpp"
#include "support/arguments.hpp"
#include "support/check.hpp"

#include <lio/uring.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <deque>
#include <thread>
#include <utility>
#include <vector>

namespace op = lio::op;

namespace {

const char usage[] = "usage: tcp_echo [--port N] [--self-test N] [--messages M]\n"
                     "Listens on 127.0.0.1 and sends back what it receives, until SIGINT or SIGTERM.\n"
                     "  --port N       the port, 0 for any that is free; 7007 unless given, with --self-test 0\n"
                     "  --self-test N  N clients of its own connect at once, check every byte and end the server\n"
                     "  --messages M   how many messages each of them sends; 12 unless given\n";

/// What a completion is about. It travels as the operation's user_data, so it has eight bytes and no padding.
enum class event : std::uint16_t { signalled, accepted, received, receive_ended, sent, closed, all_ended };
struct tag {
    event kind;
    std::uint16_t buffer;
    std::int32_t socket;
};

class server {
public:
    server(lio::ring& ring, lio::buffer_ring& buffers, int listener, int signals)
        : ring_{ring},
          buffers_{buffers},
          listener_{listener},
          signals_{signals},
          contents_(buffers.count()),
          free_buffers_{buffers.count()} {}

    /// Serves until a signal comes, then ends everything and returns when the last completion of every operation has
    /// been seen: nothing uses the buffers any more. False if it was something else than a signal that ended it.
    bool run();

    void print_totals() const {
        std::printf("tcp_echo: %llu connections, at most %llu at once; %llu bytes sent back in %llu sends; "
                    "%llu connections broke; the buffers ran out %llu times\n",
                    connections_served_, most_connections_, bytes_sent_, sends_, connections_broken_, ran_out_);
    }

private:
    static constexpr std::uint16_t no_buffer = 0xffff;

    /// A received buffer that waits to be sent back: what of it is still to go, and which one goes after it.
    struct content {
        std::uint32_t begin = 0;
        std::uint32_t end = 0;
        std::uint16_t next = no_buffer;
    };

    struct connection {
        std::uint16_t first = no_buffer; // its received buffers, in order
        std::uint16_t last = no_buffer;
        std::uint16_t waiting = 0;   // how many they are
        bool sending = false;        // the first of them is on its way
        bool receiving = false;      // a receive is with the kernel
        bool ending_receive = false; // and was asked to end
        bool wants_receive = false;  // is in line for one
        bool peer_done = false;      // the peer sends no more
        bool broken = false;         // it failed, or the server ends: nothing more to be sent
        bool closing = false;
    };

    // More received buffers than this wait for no connection: whoever sends and does not receive shall not have them
    // all. (A server for the wild would put a limit on the time, too.)
    static constexpr std::uint16_t most_waiting = 16;
    // No completion makes us push more operations than this.
    static constexpr std::uint32_t most_pushes = 4;

    template <class Operation>
    void push(const Operation& operation, tag what);
    void handle(const lio::cqe& done);
    void handle_signal(const lio::cqe& done);
    void handle_accepted(const lio::cqe& done);
    void handle_received(const lio::cqe& done, int socket);
    void handle_sent(const lio::cqe& done, int socket);
    void settle(int socket);
    void start_receives();
    void send_first(int socket);
    void accept() {
        push(op::accept_multishot(listener_).flags(SOCK_CLOEXEC), {event::accepted, 0, listener_});
        accepting_ = true;
    }
    void recycle(std::uint16_t buffer) {
        buffers_.recycle(buffer);
        ++free_buffers_;
    }
    void recycle_first(connection& peer);
    void break_off(connection& peer);
    void stop();

    lio::ring& ring_;
    lio::buffer_ring& buffers_;
    const int listener_;
    const int signals_;
    signalfd_siginfo signal_{};

    std::vector<connection> connections_; // by descriptor
    std::vector<content> contents_;       // by buffer
    std::deque<int> want_receive_;        // connections in line for a receive
    std::uint32_t free_buffers_;          // in the kernel's hands
    std::uint32_t open_ = 0;              // connections
    std::uint32_t in_flight_ = 0;         // operations whose last completion has not come
    bool accepting_ = false;
    bool stopping_ = false;
    bool failed_ = false;

    unsigned long long connections_served_ = 0, most_connections_ = 0, connections_broken_ = 0;
    unsigned long long bytes_sent_ = 0, sends_ = 0, ran_out_ = 0;
};

bool server::run() {
    push(op::read(signals_, lio::mutable_bytes{&signal_, sizeof signal_}, 0), {event::signalled, 0, signals_});
    accept();
    while (in_flight_ != 0 || !want_receive_.empty()) {
        // With connections in line and buffers for them there is something to do without waiting.
        const bool wait = want_receive_.empty() || free_buffers_ == 0;
        if (const auto submitted = ring_.submit_and_wait(wait ? 1 : 0); !submitted) {
            // A stop and a continue interrupt the wait; the others mean: reap first.
            const int code = submitted.error().code();
            if (code != EINTR && code != EAGAIN && code != EBUSY) example::check(submitted, "waiting for completions");
        }
        for (const lio::cqe& done : ring_.reap()) {
            handle(done);
            // A full queue would refuse a push. Those after this one come again after the next submit.
            if (ring_.submission_room() < most_pushes) break;
        }
        start_receives();
    }
    return !failed_;
}

template <class Operation>
void server::push(const Operation& operation, tag what) {
    example::check(ring_.push(operation.user_data(what)), "queueing an operation");
    ++in_flight_;
}

void server::handle(const lio::cqe& done) {
    // The last completion of an operation is the one after which no more follows, whatever its result.
    if (!done.more()) --in_flight_;
    const tag what = done.user_data_as<tag>();
    switch (what.kind) {
    case event::signalled:
        return handle_signal(done);
    case event::accepted:
        return handle_accepted(done);
    case event::received:
        return handle_received(done, what.socket);
    case event::sent:
        return handle_sent(done, what.socket);
    case event::closed:
        connections_[static_cast<std::size_t>(what.socket)] = {};
        --open_;
        if (!accepting_ && !stopping_) accept();
        return;
    case event::receive_ended:
    case event::all_ended:
        return; // the operations that they ended complete themselves
    }
}

void server::handle_signal(const lio::cqe& done) {
    if (stopping_) return;
    if (!done.result()) {
        example::complain("reading signals", "", done.result().error());
        failed_ = true;
    }
    stop();
}

void server::handle_accepted(const lio::cqe& done) {
    if (!done.more()) accepting_ = false;
    if (const auto socket = done.result<op::accept_multishot>()) {
        const auto place = static_cast<std::size_t>(*socket);
        if (place >= connections_.size()) connections_.resize(place + 1);
        // One that came while the server ends is closed at once; its descriptor would leak otherwise.
        connections_[place].broken = stopping_;
        ++connections_served_;
        most_connections_ = std::max<unsigned long long>(most_connections_, ++open_);
        settle(*socket);
    } else if (!stopping_) {
        switch (socket.error().code()) {
        case ECONNABORTED: // that client is gone again; there are others
        case EPROTO:
            break;
        case EMFILE: // when one is closed there is room for the next
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            if (open_ != 0) return;
            [[fallthrough]];
        default:
            example::complain("accepting a connection", "", socket.error());
            failed_ = true;
            return stop();
        }
    }
    if (!accepting_ && !stopping_) accept();
}

void server::handle_received(const lio::cqe& done, int socket) {
    connection& peer = connections_[static_cast<std::size_t>(socket)];
    if (!done.more()) peer.receiving = peer.ending_receive = false;

    // What is in a buffer goes to the end of the connection's line. A failure can bring a buffer too.
    const auto received = done.result<op::recv_multishot>();
    if (const auto buffer = done.buffer_id()) {
        --free_buffers_;
        if (received && *received > 0 && !peer.broken) {
            contents_[*buffer] = {0, static_cast<std::uint32_t>(buffers_.filled(done).size()), no_buffer};
            if (peer.waiting++ == 0)
                peer.first = *buffer;
            else
                contents_[peer.last].next = *buffer;
            peer.last = *buffer;
        } else {
            recycle(*buffer);
        }
    }

    if (received) {
        if (*received == 0) peer.peer_done = true;
    } else if (received.error().code() == ENOBUFS) {
        ++ran_out_; // nothing is lost: it goes on when there are buffers again
    } else if (received.error().code() != ECANCELED && !peer.broken) {
        ++connections_broken_;
        break_off(peer);
    }
    settle(socket);
}

void server::handle_sent(const lio::cqe& done, int socket) {
    connection& peer = connections_[static_cast<std::size_t>(socket)];
    peer.sending = false;
    if (const auto sent = done.result<op::send>()) {
        bytes_sent_ += static_cast<unsigned long long>(*sent);
        content& first = contents_[peer.first];
        first.begin += static_cast<std::uint32_t>(*sent);
        if (first.begin == first.end) recycle_first(peer); // else the rest goes with the next send
    } else if (!peer.broken) {
        ++connections_broken_;
        break_off(peer);
    }
    if (peer.broken) break_off(peer);
    settle(socket);
}

/// What is to be done next for a connection follows from its state alone, whatever has just happened to it.
void server::settle(int socket) {
    connection& peer = connections_[static_cast<std::size_t>(socket)];
    // One send at a time: two of one stream could pass each other.
    if (!peer.sending && peer.waiting != 0) send_first(socket);

    if (peer.receiving) {
        if ((peer.broken || peer.waiting >= most_waiting) && !peer.ending_receive && !stopping_) {
            push(op::cancel(tag{event::received, 0, socket}), {event::receive_ended, 0, socket});
            peer.ending_receive = true;
        }
    } else if (peer.peer_done || peer.broken) {
        // Neither a receive nor a send is with the kernel: closing does not end those.
        if (!peer.sending && !peer.wants_receive && !peer.closing) {
            push(op::close(socket), {event::closed, 0, socket});
            peer.closing = true;
        }
    } else if (peer.waiting == 0 && !peer.wants_receive) {
        want_receive_.push_back(socket);
        peer.wants_receive = true;
    }
}

/// Gives a receive to those in line, at most one for each free buffer: more would only find that there is none.
void server::start_receives() {
    for (std::uint32_t buffers = free_buffers_; buffers != 0 && !want_receive_.empty(); --buffers) {
        if (ring_.submission_room() < most_pushes) return;
        const int socket = want_receive_.front();
        want_receive_.pop_front();
        connection& peer = connections_[static_cast<std::size_t>(socket)];
        peer.wants_receive = false;
        if (peer.broken) {
            settle(socket);
            continue;
        }
        push(op::recv_multishot(socket, buffers_.group()), {event::received, 0, socket});
        peer.receiving = true;
    }
}

void server::send_first(int socket) {
    connection& peer = connections_[static_cast<std::size_t>(socket)];
    const content& first = contents_[peer.first];
    const lio::bytes rest{buffers_.buffer(peer.first).data() + first.begin, first.end - first.begin};
    push(op::send(socket, rest).flags(MSG_NOSIGNAL), {event::sent, peer.first, socket});
    peer.sending = true;
    ++sends_;
}

void server::recycle_first(connection& peer) {
    const std::uint16_t buffer = peer.first;
    peer.first = contents_[buffer].next;
    --peer.waiting;
    recycle(buffer);
}

/// Nothing more is sent on this connection. A buffer that is being sent stays until that send has completed.
void server::break_off(connection& peer) {
    peer.broken = true;
    if (peer.sending) return;
    while (peer.waiting != 0) recycle_first(peer);
}

/// Ends whatever the ring is doing, the signal's read and the accept included. run() goes on until it has all ended.
void server::stop() {
    stopping_ = true;
    push(op::cancel_all(), {event::all_ended, 0, 0});
    for (connection& peer : connections_) break_off(peer);
}

/// Asks the kernel itself: on a stream that has ended already, a receive completes at once or is refused.
bool has_multishot_receive(lio::ring& ring, lio::buffer_ring& buffers) {
    int pair[2];
    example::check_call(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "making a pair of sockets");
    ::close(pair[1]);
    example::check(ring.push(op::recv_multishot(pair[0], buffers.group())), "queueing an operation");
    example::check(ring.submit(), "submitting an operation");
    auto done = ring.next();
    while (!done && done.error().code() == EINTR) done = ring.next();
    const lio::cqe ended = example::check(done, "waiting for a completion");
    if (const auto buffer = ended.buffer_id()) buffers.recycle(*buffer);
    ::close(pair[0]);
    return ended.result().has_value();
}

/// Room for so many descriptors: the soft limit is often 1024, and may be raised up to the hard one.
void need_descriptors(std::uint32_t count) {
    rlimit limit;
    example::check_call(::getrlimit(RLIMIT_NOFILE, &limit), "looking at RLIMIT_NOFILE");
    if (limit.rlim_cur >= limit.rlim_max && limit.rlim_cur >= count) return;
    if (limit.rlim_max < count) {
        std::fprintf(
            stderr,
            "tcp_echo: this needs %u descriptors and may have %llu (RLIMIT_NOFILE, ulimit -Hn): raise that, or "
            "take fewer clients\n",
            count, static_cast<unsigned long long>(limit.rlim_max));
        std::exit(1);
    }
    limit.rlim_cur = limit.rlim_max;
    example::check_call(::setrlimit(RLIMIT_NOFILE, &limit), "raising RLIMIT_NOFILE");
}

int listen_on(std::uint16_t port) {
    const int listener = example::check_call(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "making a socket");
    const int yes = 1;
    example::check_call(::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), "setting SO_REUSEADDR");
    // Connections inherit it. Without it the end of a message waits until the client has acknowledged its beginning.
    example::check_call(::setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes), "setting TCP_NODELAY");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    char name[32];
    std::snprintf(name, sizeof name, "127.0.0.1:%u", unsigned{port});
    example::check_call(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), "taking", name);
    example::check_call(::listen(listener, 4096), "listening on", name);
    return listener;
}

std::uint16_t port_of(int listener) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    example::check_call(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), "asking for the port");
    return ntohs(address.sin_port);
}

} // namespace

int main(int argc, char** argv) {
    constexpr std::uint32_t not_given = 0xffffffff;
    std::uint32_t port = not_given;
    std::uint32_t clients = 0;
    std::uint32_t messages = 12;
    example::read_arguments(
        argc, argv, usage,
        {{"--port", port, 0, 65535}, {"--self-test", clients, 1, 20000}, {"--messages", messages, 1, 1000000}});
    if (port == not_given) port = clients != 0 ? 0 : 7007;
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    // Each client of the self-test has a descriptor at both ends.
    need_descriptors(2 * clients + 64);

    // The signals wait for being read, on this thread and on those that it starts.
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTERM);
    example::check_call(::pthread_sigmask(SIG_BLOCK, &stops, nullptr), "blocking signals");
    const int signals = example::check_call(::signalfd(-1, &stops, SFD_CLOEXEC), "making a signalfd");

    lio::ring ring = example::check(lio::ring::create({.entries = 1024, .completion_entries = 4096}), "making a ring");
    auto made = lio::buffer_ring::create(ring, {.group = 1, .count = 1024, .size = 4096});
    if (!made && made.error().code() != EINVAL) {
        example::complain("making a buffer ring", "", made.error());
        return 1;
    }
    if (!made || !has_multishot_receive(ring, *made)) {
        std::fprintf(stderr, "tcp_echo: this kernel lacks %s; tcp_echo needs Linux %d.%d\n",
                     made ? "multishot receive" : "buffer rings", op::recv_multishot::since.major,
                     op::recv_multishot::since.minor);
        return 1;
    }
    lio::buffer_ring buffers = *std::move(made);

    const int listener = listen_on(static_cast<std::uint16_t>(port));
    const std::uint16_t actual_port = port_of(listener);
    std::printf("tcp_echo: listening on 127.0.0.1:%u\n", unsigned{actual_port});

    bool clients_good = true;
    std::thread self_test;
    if (clients != 0)
        self_test = std::thread{[=, &clients_good] {
            clients_good = example::run_echo_clients(actual_port, clients, messages);
            ::kill(::getpid(), SIGINT); // as a person would end the server
        }};

    server echo{ring, buffers, listener, signals};
    const bool served = echo.run();
    if (self_test.joinable()) self_test.join();
    echo.print_totals();
    ::close(listener);
    ::close(signals);
    return served && clients_good ? 0 : 1;
}
