// buffer_lease: what a receive has put into a buffer of a group, and the buffer's way back. On the ring's thread.
#pragma once

#include <lio/buffer_returns.hpp>
#include <lio/bytes.hpp>
#include <lio/detail/buffer_list.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// The bytes of one completion in a buffer that the kernel has picked. Gives the buffer back when it is destroyed, or
/// where that is said; an empty one has nothing to give back. Made by buffer_ring::lease(). When the buffer_ring has
/// gone, what was received can still be read; memory of the library's goes with the last lease.
class buffer_lease {
public:
    /// Of a completion that carries no buffer.
    constexpr buffer_lease() noexcept = default;

    buffer_lease(buffer_lease&& other) noexcept : list_{other.list_}, memory_{other.memory_}, id_{other.id_} {
        other.forget();
    }
    buffer_lease& operator=(buffer_lease&& other) noexcept {
        if (this != &other) {
            give_back();
            list_ = other.list_;
            memory_ = other.memory_;
            id_ = other.id_;
            other.forget();
        }
        return *this;
    }
    ~buffer_lease() { give_back(); }

    /// Whether there is a buffer.
    explicit operator bool() const noexcept { return list_ != nullptr; }

    /// What was received into it; nothing if that failed.
    mutable_bytes memory() const noexcept { return memory_; }

    /// The buffer's number in its group.
    std::uint16_t id() const noexcept { return id_; }

    /// Gives the buffer back now; once. Where the kernel goes on filling it (incremental consumption), or another lease
    /// has a part of it, the last one to be given back does.
    void give_back() noexcept {
        if (list_ == nullptr) return;
        list_->take_back(id_);
        list_->publish();
        leave();
    }
    /// The same together with others: the kernel sees all of them at once, when `returns` is destroyed.
    void give_back([[maybe_unused]] buffer_returns& returns) noexcept {
        LIO_ASSERT(list_ == nullptr || list_ == returns.list_, "this buffer is another buffer_ring's");
        if (list_ == nullptr) return;
        list_->take_back(id_);
        leave();
    }

private:
    friend class buffer_ring;
    friend class bundle_lease;
    // What has been lent.
    buffer_lease(detail::buffer_list& list, mutable_bytes memory, std::uint16_t id) noexcept
        : list_{&list}, memory_{memory}, id_{id} {
        list.use_it();
    }
    void forget() noexcept {
        list_ = nullptr;
        memory_ = {};
    }
    void leave() noexcept {
        list_->leave_it();
        forget();
    }

    detail::buffer_list* list_ = nullptr;
    mutable_bytes memory_;
    std::uint16_t id_ = 0;
};

} // namespace lio::inline v0
