// Memory for waits that the kernel knows beforehand. On the ring's thread.

#include "enter.hpp"
#include "pages.hpp"
#include "ring_core.hpp"

#include <lio/registered_waits.hpp>

#include <cerrno>
#include <new>

namespace lio {

namespace {

// One wait, and the mask that it may point to.
struct slot {
    abi::reg_wait wait;
    unsigned char signals[64];
};
static_assert(sizeof(slot) == 128);

constexpr std::uint32_t most = (std::uint32_t{1} << 30) / sizeof(slot);

} // namespace

result<registered_waits> registered_waits::create(detail::ring_core* core, std::uint32_t count) noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    if (count == 0 || count > most) return error{EINVAL, cause::waits_refused};
    const std::size_t size = detail::in_pages(count * sizeof(slot), detail::largest_page); // the kernel takes whole ones
    const auto memory = system::map_memory(size);
    if (!memory) return memory.error();
    registered_waits made{{*memory, size}, count};
    // A child that wrote into its copy could make the parent write beside what the kernel reads.
    if (const auto marked = system::do_not_fork(*memory, size); !marked) return marked.error();
    for (std::uint32_t i = 0; i < count; ++i) new (static_cast<slot*>(*memory) + i) slot{};

    abi::region_desc region{};
    region.user_addr = reinterpret_cast<std::uintptr_t>(*memory);
    region.size = size;
    region.flags = abi::mem_region_type_user;
    abi::mem_region_reg request{};
    request.region_uptr = reinterpret_cast<std::uintptr_t>(&region);
    request.flags = abi::mem_region_reg_wait_arg;
    const auto done = detail::register_with(*core, abi::register_opcode::register_mem_region, &request, 1);
    if (!done) {
        if (done.error().code() == EINVAL) return error{EINVAL, cause::waits_refused};
        return done.error();
    }
    return made;
}

wait_options registered_waits::set(std::uint32_t index, const wait_options& options) noexcept {
    LIO_ASSERT(memory_.address() != nullptr && index < count_, "there are not so many registered waits");
    slot& place = static_cast<slot*>(memory_.address())[index];
    return detail::wait_terms::write(options, place.wait, place.signals, index * std::uint32_t{sizeof(slot)});
}

} // namespace lio
