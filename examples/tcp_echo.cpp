// tcp_echo: a server that sends back what it receives. Many clients on one ring and one thread: one accept brings all
// connections, one receive per connection brings all its bytes, in buffers that the kernel picks from a common group
// only when there is something to put in. The self-test's clients run on a second thread, with a ring of their own.
#include "echo_clients.hpp"
#include "support/arguments.hpp"
#include "support/check.hpp"
#include "support/echo_lines.hpp"
#include "support/process.hpp"

#include <lio/uring.hpp>

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <deque>
#include <thread>
#include <vector>

namespace op = lio::op;
using example::connection;

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
          lines_{buffers.count()},
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
    void recycle_first(connection& peer) { recycle(lines_.pop(peer)); }
    void break_off(connection& peer);
    void stop();

    lio::ring& ring_;
    lio::buffer_ring& buffers_;
    const int listener_;
    const int signals_;
    signalfd_siginfo signal_{};

    std::vector<connection> connections_; // by descriptor
    example::echo_lines lines_;           // their buffers
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
            lines_.append(peer, *buffer, static_cast<std::uint32_t>(buffers_.filled(done).size()));
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
        if (lines_.advance(peer, *sent)) recycle_first(peer); // else the rest goes with the next send
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
    const auto [begin, end] = lines_.first(peer);
    const lio::bytes rest{buffers_.buffer(peer.first).data() + begin, end - begin};
    push(op::send(socket, rest).flags(MSG_NOSIGNAL), {event::sent, peer.first, socket});
    peer.sending = true;
    ++sends_;
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
    example::need_descriptors(2 * clients + 64);
    const int signals = example::stop_signals();

    lio::ring ring = example::check(lio::ring::create({.entries = 1024, .completion_entries = 4096}), "making a ring");
    const lio::probe kernel = example::check(lio::probe::ask(ring), "asking what this kernel can do");
    if (!kernel.supports<op::accept_multishot, op::recv_multishot>()) {
        std::fprintf(stderr, "tcp_echo: this kernel lacks multishot receive; tcp_echo needs Linux %d.%d\n",
                     op::recv_multishot::since.major, op::recv_multishot::since.minor);
        return 1;
    }
    lio::buffer_ring buffers = example::check(lio::buffer_ring::create(ring, {.group = 1, .count = 1024, .size = 4096}),
                                              "making a buffer ring");

    const int listener = example::listen_on(static_cast<std::uint16_t>(port));
    const std::uint16_t actual_port = example::port_of(listener);
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
