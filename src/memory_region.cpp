// Memory that a ring and its program have in common. On the ring's thread.

#include "pages.hpp"
#include "ring_core.hpp"

#include <lio/memory_region.hpp>

#include <cerrno>

namespace lio::inline v0 {

namespace {

// The error tells what the kernel would not take; that the ring has one already is not mended by taking it away.
result<std::uint32_t> register_region(detail::ring_core& core, abi::region_desc& region, std::uint64_t flags) noexcept {
    abi::mem_region_reg request{};
    request.region_uptr = reinterpret_cast<std::uintptr_t>(&region);
    request.flags = flags;
    const auto done = detail::register_with(core, abi::register_opcode::register_mem_region, &request, 1);
    if (done) return done;
    switch (done.error().code()) {
    case EINVAL:
    case E2BIG:
    case EOVERFLOW:
        return error{EINVAL, cause::region_refused};
    case EBUSY:
        return error{EBUSY, cause::region_refused};
    default:
        return done;
    }
}

} // namespace

result<memory_region> memory_region::register_memory(detail::ring_core& core, mutable_bytes memory,
                                                     detail::mapped_memory&& owned, std::uint64_t flags) noexcept {
    abi::region_desc region{};
    region.user_addr = reinterpret_cast<std::uintptr_t>(memory.data());
    region.size = memory.size();
    region.flags = abi::mem_region_type_user;
    if (const auto done = register_region(core, region, flags); !done) return done.error();
    memory_region made;
    made.memory_ = memory;
    made.owned_ = static_cast<detail::mapped_memory&&>(owned);
    made.process_ = system::process_id();
    return made;
}

result<memory_region> memory_region::create_with(detail::ring_core* core, mutable_bytes memory) noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    // Without an address it would be the kernel's own memory, or EFAULT.
    if (memory.data() == nullptr) return error{EINVAL, cause::region_refused};
    return register_memory(*core, memory, {}, 0);
}

result<memory_region> memory_region::create_in_kernel(detail::ring_core* core, std::size_t size) noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    abi::region_desc region{};
    region.size = detail::in_pages(size, detail::largest_page);
    if (region.size == 0) return error{EINVAL, cause::region_refused};
    // Before the kernel is asked: what it has given a ring it does not take back.
    if (core->is_only_registered) return error{EINVAL, cause::region_needs_descriptor};
    if (const auto done = register_region(*core, region, 0); !done) return done.error();
    const auto memory = system::map_ring(core->file, static_cast<std::size_t>(region.size), region.mmap_offset);
    if (!memory) return memory.error();
    memory_region made;
    made.owned_ = {*memory, static_cast<std::size_t>(region.size)};
    made.process_ = system::process_id();
    if (const auto marked = system::do_not_fork(*memory, made.owned_.size()); !marked) return marked.error();
    made.memory_ = {*memory, made.owned_.size()};
    return made;
}

void memory_region::take(memory_region& other) noexcept {
    memory_ = other.memory_;
    owned_ = static_cast<detail::mapped_memory&&>(other.owned_);
    process_ = other.process_;
    other.memory_ = {};
}

void memory_region::end() noexcept {
    // A forked child has not inherited it: something else may be at its address.
    if (owned_.size() != 0 && process_ != system::process_id()) owned_.leave();
    owned_ = {};
    memory_ = {};
}

} // namespace lio::inline v0
