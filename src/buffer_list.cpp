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
    if (of.filled == all || (!kernel_goes_on && was_used_up(id, before, received))) of.is_full = true;
    return before;
}

// Whether a completion that does not say that the kernel goes on was the last of a buffer that is not full. It may be
// used up before: by a minimum, or by an operation that asked for more than it got. But some kernels forget to say that
// they go on (when nothing was received, or of a bundle that was received in two steps).
bool buffer_list::was_used_up(std::uint16_t id, std::uint32_t before, std::uint32_t received) const noexcept {
    const abi::buf& entry = entries[uses[id].position & mask];
    // When another buffer has come into its place, the kernel has gone past it.
    if (__atomic_load_n(&entry.bid, __ATOMIC_RELAXED) != id) return true;
    // In the list they leave no length of what is used up. But that may be a later completion's doing, which nobody has
    // looked at: a buffer that goes back by this one would go back a second time by that one, and be filled meanwhile.
    if (__atomic_load_n(&entry.len, __ATOMIC_RELAXED) != 0) return false;
    // The last one leaves the address where it began; each before it has moved it on by what it took.
    const std::uint64_t began = reinterpret_cast<std::uintptr_t>(buffer(id).data()) + before;
    if (__atomic_load_n(&entry.addr, __ATOMIC_RELAXED) > began) return false;
    // Nothing taken moves nothing: here it may have been the one behind, with all the rest. Where that is not sure the
    // buffer goes back with that one's leases. If there is none it is lost, which does less harm.
    return received != 0 || is_always_told;
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
