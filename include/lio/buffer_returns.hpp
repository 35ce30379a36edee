// buffer_returns: buffers of a group that go back to the kernel together. On the ring's thread.
#pragma once

#include <lio/cqe.hpp>
#include <lio/detail/buffer_list.hpp>

#include <cstdint>

namespace lio::inline v0 {

class buffer_ring;

/// Buffers to be given back together: the kernel sees them when this is destroyed, by one store, or when a lease is
/// given back by itself meanwhile.
class buffer_returns {
public:
    explicit buffer_returns(buffer_ring& buffers) noexcept;
    buffer_returns(const buffer_returns&) = delete;
    buffer_returns& operator=(const buffer_returns&) = delete;
    ~buffer_returns() {
        list_->publish();
        list_->leave_it();
    }

    /// As buffer_ring::recycle().
    void add(std::uint16_t id) noexcept {
        LIO_ASSERT(list_->uses == nullptr, "where buffers are consumed incrementally, the last lease gives them back");
        LIO_ASSERT(!list_->is_lent[id & list_->mask], "this buffer's lease gives it back");
        list_->add(id);
    }
    void add(const cqe& done) noexcept {
        if (const auto id = done.buffer_id()) add(*id);
    }

private:
    friend class buffer_lease;
    friend class bundle_lease;
    detail::buffer_list* list_;
};

} // namespace lio::inline v0
