// buffer_lease: what a receive has put into a buffer of a group, and the buffer's way back. On the ring's thread.
#pragma once

#include <lio/bytes.hpp>

#include <cstdint>

namespace lio {

class buffer_ring;
class buffer_returns;

/// The bytes of one completion in a buffer that the kernel has picked. Gives the buffer back when it is destroyed, or where
/// that is said; an empty one has nothing to give back. Made by buffer_ring::lease(); that buffer_ring must neither move
/// nor go while there is one.
class buffer_lease {
public:
    /// Of a completion that carries no buffer.
    constexpr buffer_lease() noexcept = default;

    buffer_lease(buffer_lease&& other) noexcept : buffers_{other.buffers_}, memory_{other.memory_}, id_{other.id_} {
        other.forget();
    }
    buffer_lease& operator=(buffer_lease&& other) noexcept {
        if (this != &other) {
            give_back();
            buffers_ = other.buffers_;
            memory_ = other.memory_;
            id_ = other.id_;
            other.forget();
        }
        return *this;
    }
    ~buffer_lease() { give_back(); }

    /// Whether there is a buffer.
    explicit operator bool() const noexcept { return buffers_ != nullptr; }

    /// What was received into it; nothing if that failed.
    mutable_bytes memory() const noexcept { return memory_; }

    /// The buffer's number in its group.
    std::uint16_t id() const noexcept { return id_; }

    /// Gives the buffer back now; once. Where the kernel goes on filling it (incremental consumption), or another lease
    /// has a part of it, the last one to be given back does.
    void give_back() noexcept;
    /// The same together with others: the kernel sees all of them at once, when `returns` is destroyed.
    void give_back(buffer_returns& returns) noexcept;

private:
    friend class buffer_ring;
    buffer_lease(buffer_ring& buffers, mutable_bytes memory, std::uint16_t id) noexcept
        : buffers_{&buffers}, memory_{memory}, id_{id} {}
    void forget() noexcept {
        buffers_ = nullptr;
        memory_ = {};
    }

    buffer_ring* buffers_ = nullptr;
    mutable_bytes memory_;
    std::uint16_t id_ = 0;
};

} // namespace lio
