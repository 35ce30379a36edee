// The echo server on liburing: what echo_lio does in the same two modes, with the same set-up. One thread.
#include "echo.hpp"
#include "liburing_ring.hpp"

#include <sys/mman.h>

#include <memory>

namespace {

enum event : unsigned { accepted, received, sent, closed };

// The fields of an operation's number: what it is, a buffer, and a slot of the registered files.
std::uint64_t number(event what, unsigned slot, unsigned buffer = 0) {
    return std::uint64_t{slot} << 32 | buffer << 16 | what;
}
constexpr int send_flags = MSG_NOSIGNAL | MSG_WAITALL;

class server {
public:
    server(io_uring& ring, bool is_multishot, unsigned buffers)
        : ring_{ring}, is_multishot_{is_multishot}, count_{is_multishot ? buffers : bench::most_connections} {
        if (!is_multishot) return;
        void* const memory = ::mmap(nullptr, count_ * sizeof(io_uring_buf), PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        bench::need(memory != MAP_FAILED, "mapping the list of buffers");
        buffers_ = static_cast<io_uring_buf_ring*>(memory);
        io_uring_buf_reg registered{};
        registered.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
        registered.ring_entries = count_;
        bench::need(io_uring_register_buf_ring(&ring, &registered, 0) == 0, "registering the buffers");
        io_uring_buf_ring_init(buffers_);
        for (unsigned i = 0; i < count_; ++i) add(i, static_cast<int>(i));
        io_uring_buf_ring_advance(buffers_, static_cast<int>(count_));
    }

    void serve(int listener) {
        io_uring_sqe* const entry = next();
        io_uring_prep_multishot_accept_direct(entry, listener, nullptr, nullptr, 0);
        io_uring_sqe_set_data64(entry, number(accepted, 0));
        do {
            bench::need(io_uring_submit_and_wait(&ring_, 1) >= 0, "submitting");
            unsigned head;
            unsigned seen = 0;
            io_uring_cqe* done;
            io_uring_for_each_cqe(&ring_, head, done) {
                handle(*done);
                ++seen;
            }
            io_uring_cq_advance(&ring_, seen);
        } while (open_ != 0);
    }

private:
    io_uring_sqe* next() {
        io_uring_sqe* const entry = io_uring_get_sqe(&ring_);
        bench::need(entry != nullptr, "a slot of the queue");
        return entry;
    }
    void add(unsigned buffer, int behind) {
        io_uring_buf_ring_add(buffers_, memory_[buffer], bench::echo_buffer, static_cast<unsigned short>(buffer),
                              io_uring_buf_ring_mask(count_), behind);
    }

    void receive(unsigned slot) {
        io_uring_sqe* const entry = next();
        if (is_multishot_) {
            io_uring_prep_recv_multishot(entry, static_cast<int>(slot), nullptr, 0, 0);
            entry->flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
            entry->buf_group = 0;
        } else {
            io_uring_prep_recv(entry, static_cast<int>(slot), memory_[slot], bench::echo_buffer, 0);
            entry->flags |= IOSQE_FIXED_FILE;
            entry->ioprio |= IORING_RECVSEND_POLL_FIRST;
        }
        io_uring_sqe_set_data64(entry, number(received, slot));
    }

    void close_slot(unsigned slot) {
        io_uring_sqe* const entry = next();
        io_uring_prep_close_direct(entry, slot);
        io_uring_sqe_set_data64(entry, number(closed, slot));
    }

    void handle(const io_uring_cqe& done) {
        const unsigned slot = static_cast<unsigned>(done.user_data >> 32);
        switch (static_cast<event>(done.user_data & 0xffff)) {
        case received: return handle_received(done, slot);
        case sent:
            if (!is_multishot_) return close_slot(slot);
            add(done.user_data >> 16 & 0xffff, 0);
            io_uring_buf_ring_advance(buffers_, 1);
            return;
        case closed: --open_; return;
        case accepted:
            bench::need(done.res >= 0 && (done.flags & IORING_CQE_F_MORE) != 0, "accepting");
            ++open_;
            return receive(static_cast<unsigned>(done.res));
        }
    }

    void handle_received(const io_uring_cqe& done, unsigned slot) {
        const unsigned buffer = is_multishot_ ? done.flags >> IORING_CQE_BUFFER_SHIFT : slot;
        if (done.res <= 0) {
            if ((done.flags & IORING_CQE_F_BUFFER) != 0) {
                add(buffer, 0);
                io_uring_buf_ring_advance(buffers_, 1);
            }
            return close_slot(slot);
        }
        io_uring_sqe* const entry = next();
        io_uring_prep_send(entry, static_cast<int>(slot), memory_[buffer], static_cast<std::size_t>(done.res),
                           send_flags);
        entry->flags |= IOSQE_FIXED_FILE;
        io_uring_sqe_set_data64(entry, number(sent, slot, is_multishot_ ? buffer : 0));
        if (!is_multishot_) entry->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
        if (!is_multishot_ || (done.flags & IORING_CQE_F_MORE) == 0) receive(slot);
    }

    io_uring& ring_;
    const bool is_multishot_;
    const unsigned count_; // of the buffers
    io_uring_buf_ring* buffers_ = nullptr;
    std::unique_ptr<char[][bench::echo_buffer]> memory_{new char[count_][bench::echo_buffer]};
    unsigned open_ = 0;
};

} // namespace

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    io_uring ring;
    bench::make_ring(ring, 4096);
    bench::need(io_uring_register_files_sparse(&ring, bench::most_connections) == 0, "registering files");
    server echo{ring, given.is("mode", "multishot"), bench::shared_buffers(given)};
    echo.serve(bench::listening_socket(given));
    return 0;
}
