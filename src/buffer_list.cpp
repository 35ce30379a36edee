// The part of a list of buffers that is not on every receive's way: incremental consumption, and the end. On the ring's
// thread.

#include "system.hpp"

#include <lio/detail/buffer_list.hpp>

namespace lio::inline v0::detail {

std::uint32_t buffer_list::lend_part(std::uint16_t id, std::uint32_t received, bool kernel_goes_on) noexcept {
    use& of = uses[id];
    const std::uint32_t before = of.filled;
    const auto all = static_cast<std::uint32_t>(buffer(id).size());
    const std::uint32_t room = all - before;
    of.filled = before + (received < room ? received : room);
    ++of.leases;
    if (of.filled == all) {
        of.is_full = true;
    } else if (!kernel_goes_on) {
        // It may be used up before it is full: by a minimum, or by an operation that asked for more than it got. But
        // some kernels forget to say that they go on (when nothing was received, or of a bundle that was received in
        // two steps). In the list they leave no length of what is used up.
        const abi::buf& entry = entries[of.position & mask];
        of.is_full =
            __atomic_load_n(&entry.bid, __ATOMIC_RELAXED) != id || __atomic_load_n(&entry.len, __ATOMIC_RELAXED) == 0;
    }
    return before;
}

void buffer_list::take_back_part(std::uint16_t id) noexcept {
    use& of = uses[id];
    LIO_ASSERT(of.leases != 0, "no lease has a part of this buffer");
    --of.leases;
    if (of.leases != 0 || !of.is_full) return;
    of = {};
    of.position = tail;
    add(id);
}

void buffer_list::detach() noexcept {
    if (kernel_entries == nullptr) return;
    static_cast<void>(system::unmap(kernel_entries, (std::size_t{mask} + 1) * sizeof(abi::buf)));
    kernel_entries = nullptr;
    // There is room for a list in any case.
    entries = static_cast<abi::buf*>(mapped);
    shared_tail = tail_of(entries);
}

void buffer_list::unmap() noexcept { static_cast<void>(system::unmap(mapped, mapped_size)); }

} // namespace lio::inline v0::detail
