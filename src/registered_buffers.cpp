// Registering buffers. On the ring's thread.

#include "ring_core.hpp"

#include <lio/registered_buffers.hpp>

#include <cerrno>

namespace lio {

// A list of these is what the kernel calls an array of struct iovec.
static_assert(sizeof(mutable_bytes) == sizeof(void*) + sizeof(std::size_t) && std::is_standard_layout_v<mutable_bytes>);

result<registered_buffers> registered_buffers::create(detail::ring_core* core, const mutable_bytes* buffers,
                                                      std::size_t count) noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    // An operation has 16 bits for the index.
    if (count > 0x10000) return error{EINVAL, cause::too_many_to_register};
    const auto size = static_cast<std::uint32_t>(count);
    // An empty list is for the kernel to refuse; it takes a page all the same.
    const auto list = system::map_memory((count + 1) * sizeof *buffers);
    if (!list) return list.error();
    registered_buffers made{{}, static_cast<mutable_bytes*>(*list), size};
    if (count != 0) __builtin_memcpy(*list, static_cast<const void*>(buffers), count * sizeof *buffers);
    const auto done = detail::register_with(*core, abi::register_opcode::register_buffers, *list, size);
    if (!done) return done.error();
    made.core_ = detail::core_reference{*core};
    return made;
}

registered_buffers::registered_buffers(registered_buffers&& other) noexcept
    : core_{static_cast<detail::core_reference&&>(other.core_)}, list_{other.list_}, size_{other.size_} {
    other.list_ = nullptr;
    other.size_ = 0;
}

registered_buffers& registered_buffers::operator=(registered_buffers&& other) noexcept {
    if (this != &other) {
        this->~registered_buffers();
        new (this) registered_buffers{static_cast<registered_buffers&&>(other)};
    }
    return *this;
}

registered_buffers::~registered_buffers() {
    static_cast<void>(close());
    if (list_ != nullptr) static_cast<void>(system::unmap(list_, (size_ + std::size_t{1}) * sizeof *list_));
}

result<void> registered_buffers::close() noexcept {
    return detail::unregister(core_, abi::register_opcode::unregister_buffers, nullptr, 0);
}

} // namespace lio
