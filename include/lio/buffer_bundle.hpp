// buffer_bundle and bundle_lease: the buffers that one receive has filled together, as a range. On the ring's thread.
#pragma once

#include <lio/buffer_lease.hpp>
#include <lio/buffer_returns.hpp>
#include <lio/bytes.hpp>
#include <lio/detail/buffer_list.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0 {

/// The buffers that one completion has filled, to be iterated over: their numbers need not follow one another. Made by
/// buffer_ring::bundle(), or of a bundle_lease; valid until the first of them is given back, but each may be given back
/// as soon as it was visited.
class buffer_bundle {
public:
    /// One buffer.
    struct part {
        std::uint16_t id;
        /// What is filled of it: all, unless it is the last, or the first where buffers are consumed incrementally.
        mutable_bytes memory;
    };

    class iterator {
    public:
        constexpr iterator() noexcept = default;
        part operator*() const noexcept {
            const mutable_bytes whole = list_->buffer(id_);
            const std::size_t room = whole.size() - before_;
            return {id_, {whole.data() + before_, left_ < room ? left_ : room}};
        }
        iterator& operator++() noexcept {
            left_ -= static_cast<std::uint32_t>((**this).memory.size());
            before_ = 0;
            id_ = list_->next[id_];
            return *this;
        }
        /// For loops; meaningful between an iterator and the end of its own range.
        friend constexpr bool operator==(const iterator& a, const iterator& b) noexcept { return a.left_ == b.left_; }

    private:
        friend class buffer_bundle;
        constexpr iterator(const detail::buffer_list* list, std::uint32_t left, std::uint32_t before,
                           std::uint16_t id) noexcept
            : list_{list}, left_{left}, before_{before}, id_{id} {}

        const detail::buffer_list* list_ = nullptr;
        std::uint32_t left_ = 0;
        std::uint32_t before_ = 0;
        std::uint16_t id_ = 0;
    };

    constexpr iterator begin() const noexcept { return {list_, size_, before_, first_}; }
    constexpr iterator end() const noexcept { return {}; }
    /// In bytes, all buffers together.
    constexpr std::uint32_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }

private:
    friend class buffer_ring;
    friend class bundle_lease;
    constexpr buffer_bundle(const detail::buffer_list* list, std::uint32_t size, std::uint32_t before,
                            std::uint16_t first) noexcept
        : list_{list}, size_{size}, before_{before}, first_{first} {}

    const detail::buffer_list* list_;
    std::uint32_t size_;
    /// So much of the first buffer lies before what was received.
    std::uint32_t before_;
    std::uint16_t first_;
};

/// The same as a handle that gives all of them back, by one store, or lets go of them one by one:
///     while (lio::buffer_lease part = bundle.take_first()) keep(std::move(part));
/// Made by buffer_ring::lease_bundle(). Like a buffer_lease it may outlive its buffer_ring.
class bundle_lease {
public:
    /// Of a completion that carries no buffer.
    constexpr bundle_lease() noexcept = default;

    bundle_lease(bundle_lease&& other) noexcept
        : list_{other.list_}, left_{other.left_}, before_{other.before_}, first_{other.first_} {
        other.forget();
    }
    bundle_lease& operator=(bundle_lease&& other) noexcept {
        if (this != &other) {
            give_back();
            list_ = other.list_;
            left_ = other.left_;
            before_ = other.before_;
            first_ = other.first_;
            other.forget();
        }
        return *this;
    }
    ~bundle_lease() { give_back(); }

    /// Whether there are buffers: a receive that brought nothing can have one all the same.
    explicit operator bool() const noexcept { return list_ != nullptr; }

    /// What was received, to be iterated over: those that have not been taken.
    buffer_bundle parts() const noexcept { return {list_, left_, before_, first_}; }
    /// In bytes, all of parts() together.
    std::uint32_t size() const noexcept { return left_; }

    /// The first of them as a lease of its own; an empty one when there is none left.
    buffer_lease take_first() noexcept;

    /// Gives all back that have not been taken.
    void give_back() noexcept {
        if (list_ == nullptr) return;
        take_back_all();
        list_->publish();
        leave();
    }
    /// The same together with others: the kernel sees all of them at once, when `returns` is destroyed.
    void give_back([[maybe_unused]] buffer_returns& returns) noexcept {
        LIO_ASSERT(list_ == nullptr || list_ == returns.list_, "these buffers are another buffer_ring's");
        if (list_ == nullptr) return;
        take_back_all();
        leave();
    }

private:
    friend class buffer_ring;
    bundle_lease(detail::buffer_list& list, std::uint32_t received, bool kernel_goes_on, std::uint16_t first) noexcept;
    void take_back_all() noexcept;
    void forget() noexcept {
        list_ = nullptr;
        left_ = 0;
    }
    void leave() noexcept {
        list_->leave_it();
        forget();
    }

    detail::buffer_list* list_ = nullptr;
    std::uint32_t left_ = 0;
    std::uint32_t before_ = 0;
    std::uint16_t first_ = 0;
};

} // namespace lio::inline v0
