// Memory for waits that the kernel knows beforehand. On the ring's thread.

#include "enter.hpp"
#include "pages.hpp"
#include "ring_core.hpp"

#include <lio/registered_waits.hpp>

#include <cerrno>
#include <new>

namespace lio::inline v0 {

namespace {

// One wait, and the mask that it may point to.
struct slot {
    abi::reg_wait wait;
    unsigned char signals[64];
};
static_assert(sizeof(slot) == registered_waits::bytes_each);

constexpr std::uint32_t most_waits = (std::uint32_t{1} << 30) / sizeof(slot);

} // namespace

result<registered_waits> registered_waits::register_waits(detail::ring_core& core, std::uint32_t count,
                                                          mutable_bytes memory,
                                                          detail::mapped_memory&& owned) noexcept {
    auto region = memory_region::register_memory(core, memory, static_cast<detail::mapped_memory&&>(owned),
                                                 abi::mem_region_reg_wait_arg);
    if (!region && region.error().code() == EINVAL) return error{EINVAL, cause::waits_refused};
    if (!region) return region.error();
    for (std::uint32_t i = 0; i < count; ++i) new (reinterpret_cast<slot*>(memory.data()) + i) slot{};
    return registered_waits{static_cast<memory_region&&>(*region), count};
}

result<registered_waits> registered_waits::create(detail::ring_core* core, std::uint32_t count) noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    if (count == 0 || count > most_waits) return error{EINVAL, cause::waits_refused};
    const std::size_t size =
        detail::in_pages(count * sizeof(slot), detail::largest_page); // the kernel takes whole ones
    const auto memory = system::map_memory(size);
    if (!memory) return memory.error();
    detail::mapped_memory owned{*memory, size};
    // A child that wrote into its copy could make the parent write beside what the kernel reads.
    if (const auto marked = system::do_not_fork(*memory, size); !marked) return marked.error();
    return register_waits(*core, count, {*memory, size}, static_cast<detail::mapped_memory&&>(owned));
}

result<registered_waits> registered_waits::create_in(detail::ring_core* core, std::uint32_t count,
                                                     mutable_bytes memory) noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    if (count == 0 || count > most_waits || memory.data() == nullptr || memory.size() < count * sizeof(slot))
        return error{EINVAL, cause::waits_refused};
    return register_waits(*core, count, memory, {});
}

wait_options registered_waits::set(std::uint32_t index, const wait_options& options) noexcept {
    LIO_ASSERT(region_.bytes().data() != nullptr && index < count_, "there are not so many registered waits");
    slot& place = reinterpret_cast<slot*>(region_.bytes().data())[index];
    return detail::wait_terms::write(options, place.wait, place.signals, index * std::uint32_t{sizeof(slot)});
}

} // namespace lio::inline v0
