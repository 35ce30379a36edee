// The echo server on Boost.Asio: its usual one of async_read_some and async_write. With the macros of its io_uring
// backend the same source is another peer. One thread.
#include "echo.hpp"

#include <utility> // which Boost 1.74 uses without including it

#include <boost/asio.hpp>

#include <memory>

namespace {

using boost::asio::ip::tcp;

unsigned open_connections = 0;

class connection : public std::enable_shared_from_this<connection> {
public:
    connection(tcp::socket&& socket, tcp::acceptor& acceptor) : socket_{std::move(socket)}, acceptor_{acceptor} {
        ++open_connections;
    }
    ~connection() {
        if (--open_connections == 0) acceptor_.close();
    }
    void receive() {
        socket_.async_read_some(boost::asio::buffer(data_), [self = shared_from_this()](auto error, std::size_t size) {
            if (!error) self->send(size);
        });
    }

private:
    void send(std::size_t size) {
        boost::asio::async_write(socket_, boost::asio::buffer(data_, size),
                                 [self = shared_from_this()](auto error, std::size_t) {
                                     if (!error) self->receive();
                                 });
    }

    tcp::socket socket_;
    tcp::acceptor& acceptor_;
    char data_[bench::echo_buffer];
};

void accept(tcp::acceptor& acceptor) {
    acceptor.async_accept([&acceptor](auto error, tcp::socket socket) {
        if (error) return;
        std::make_shared<connection>(std::move(socket), acceptor)->receive();
        accept(acceptor);
    });
}

} // namespace

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    boost::asio::io_context context{1};
    tcp::acceptor acceptor{context, tcp::v4(), bench::listening_socket(given)};
    accept(acceptor);
    context.run();
    return 0;
}
