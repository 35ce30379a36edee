// zero_copy_lease: what one completion of op::recv_zc has brought, and its memory's way back. On the thread of its
// zero_copy_receiver.
#pragma once

#include <lio/bytes.hpp>
#include <lio/op/recv_zc.hpp>

namespace lio::inline v0 {

class zero_copy_receiver;
class zero_copy_returns;

/// The bytes of one completion, in registered memory. Gives the memory back when it is destroyed, or where that is
/// said: that cannot fail, because its place in the refill ring is set apart from the start. An empty one has nothing
/// to give back. Made by zero_copy_receiver::lease(); that zero_copy_receiver must neither move nor go while there is
/// one (the ring may).
class zero_copy_lease {
public:
    /// Of a completion that brought nothing.
    constexpr zero_copy_lease() noexcept = default;

    zero_copy_lease(zero_copy_lease&& other) noexcept
        : receiver_{other.receiver_}, memory_{other.memory_}, where_{other.where_} {
        other.forget();
    }
    zero_copy_lease& operator=(zero_copy_lease&& other) noexcept {
        if (this != &other) {
            give_back();
            receiver_ = other.receiver_;
            memory_ = other.memory_;
            where_ = other.where_;
            other.forget();
        }
        return *this;
    }
    ~zero_copy_lease() { give_back(); }

    /// Whether there are bytes.
    explicit operator bool() const noexcept { return receiver_ != nullptr; }

    /// The bytes. Of a DMA buffer that the program has not mapped, the size alone: there is no address.
    mutable_bytes memory() const noexcept { return memory_; }

    /// Where they lie, for who passes them on by area and offset.
    zero_copy_bytes where() const noexcept { return where_; }

    /// Gives the memory back now; once.
    void give_back() noexcept;
    /// The same together with others: the kernel sees all of them at once, when `returns` is destroyed.
    void give_back(zero_copy_returns& returns) noexcept;

private:
    friend class zero_copy_receiver;
    zero_copy_lease(zero_copy_receiver& receiver, mutable_bytes memory, zero_copy_bytes where) noexcept
        : receiver_{&receiver}, memory_{memory}, where_{where} {}
    void forget() noexcept {
        receiver_ = nullptr;
        memory_ = {};
        where_ = {0, 0};
    }

    zero_copy_receiver* receiver_ = nullptr;
    mutable_bytes memory_;
    zero_copy_bytes where_{0, 0};
};

} // namespace lio::inline v0
