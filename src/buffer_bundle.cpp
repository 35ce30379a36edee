// Leases of bundles: the walk along the buffers that one completion has filled. On the ring's thread.

#include <lio/buffer_bundle.hpp>
#include <lio/buffer_ring.hpp>

namespace lio::inline v0 {

bundle_lease::bundle_lease(detail::buffer_list& list, std::uint32_t received, bool kernel_goes_on,
                           std::uint16_t first) noexcept
    : list_{&list}, left_{received}, first_{first} {
    list.use_it();
    std::uint16_t id = first;
    for (std::uint32_t left = received;;) {
        const mutable_bytes part = list.lend(id, left, kernel_goes_on);
        if (id == first) before_ = static_cast<std::uint32_t>(part.data() - list.buffer(id).data());
        left -= static_cast<std::uint32_t>(part.size());
        if (left == 0) break;
        id = list.next[id];
    }
}

buffer_lease bundle_lease::take_first() noexcept {
    if (list_ == nullptr) return {};
    const buffer_bundle::part first = *parts().begin();
    buffer_lease taken{*list_, first.memory, first.id};
    left_ -= static_cast<std::uint32_t>(first.memory.size());
    before_ = 0;
    first_ = list_->next[first_];
    if (left_ == 0) leave();
    return taken;
}

void bundle_lease::take_back_all() noexcept {
    const buffer_bundle all = parts();
    if (all.empty()) return list_->take_back(first_);
    // Adding a buffer changes the link of the one added before it, which is behind us.
    for (const buffer_bundle::part& one : all) list_->take_back(one.id);
}

void buffer_ring::recycle_bundle(const cqe& done) noexcept {
    const buffer_bundle filled = bundle(done);
    if (filled.empty()) {
        recycle(done);
        return;
    }
    buffer_returns returns{*this};
    for (const buffer_bundle::part& one : filled) returns.add(one.id);
}

} // namespace lio::inline v0
