// Buffer rings: the memory, the registration and its end. On the ring's thread.

#include "ring_core.hpp"

#include <lio/buffer_ring.hpp>

#include <cerrno>

namespace lio {

result<buffer_ring> buffer_ring::create(detail::ring_core* core, const buffer_ring_options& options) noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    const std::uint32_t count = options.count;
    if (count == 0 || count > 32768 || (count & (count - 1)) != 0)
        return error{EINVAL, cause::buffer_count_not_a_power_of_two};
    // Entries first (at most 512 KiB), which puts them on a page boundary as the kernel wants it; then buffers; then,
    // at an even address, the links between them.
    const std::uint64_t entries_size = std::uint64_t{count} * sizeof(abi::buf);
    const std::uint64_t links = (entries_size + std::uint64_t{count} * options.size + 1) & ~std::uint64_t{1};
    const std::uint64_t total = links + std::uint64_t{count} * sizeof(std::uint16_t);
    if (options.size == 0 || options.size > 0x7ffff000 || total > SIZE_MAX / 2)
        return error{EINVAL, cause::buffer_size_out_of_range};

    const auto memory = system::map_memory(static_cast<std::size_t>(total));
    if (!memory) return memory.error();
    buffer_ring made;
    made.entries_ = static_cast<abi::buf*>(*memory);
    made.shared_tail_ = reinterpret_cast<detail::shared_u16*>(static_cast<std::byte*>(*memory) + 14);
    made.first_ = static_cast<std::byte*>(*memory) + entries_size;
    made.next_ = reinterpret_cast<std::uint16_t*>(static_cast<std::byte*>(*memory) + links);
    made.mapped_ = static_cast<std::size_t>(total);
    made.process_ = system::process_id();
    made.mask_ = count - 1;
    made.size_ = options.size;
    made.group_ = options.group;
    if (const auto marked = system::do_not_fork(*memory, made.mapped_); !marked) return marked.error();

    abi::buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(*memory);
    registration.ring_entries = count;
    registration.bgid = options.group.number();
    const auto done = detail::register_with(*core, abi::register_opcode::register_pbuf_ring, &registration, 1);
    if (!done) return done.error();
    made.core_ = detail::core_reference{*core};
    for (std::uint32_t id = 0; id < count; ++id) made.add(static_cast<std::uint16_t>(id));
    made.publish();
    return made;
}

void buffer_ring::take(buffer_ring& other) noexcept {
    core_ = static_cast<detail::core_reference&&>(other.core_);
    entries_ = other.entries_;
    shared_tail_ = other.shared_tail_;
    first_ = other.first_;
    next_ = other.next_;
    mapped_ = other.mapped_;
    process_ = other.process_;
    mask_ = other.mask_;
    size_ = other.size_;
    tail_ = other.tail_;
    last_ = other.last_;
    group_ = other.group_;
    other.mapped_ = 0;
}

buffer_ring::buffer_ring(buffer_ring&& other) noexcept { take(other); }

buffer_ring& buffer_ring::operator=(buffer_ring&& other) noexcept {
    if (this != &other) {
        this->~buffer_ring();
        new (this) buffer_ring{static_cast<buffer_ring&&>(other)};
    }
    return *this;
}

buffer_ring::~buffer_ring() {
    // First the kernel lets go, then the memory goes. Where it does not let go (on another thread than the ring's) it
    // may still fill the buffers: then they had better stay.
    if (!close()) return;
    // A forked child has not inherited the memory: something else may be at its address.
    if (mapped_ != 0 && process_ == system::process_id()) static_cast<void>(system::unmap(entries_, mapped_));
}

result<void> buffer_ring::close() noexcept {
    abi::buf_reg registration{};
    registration.bgid = group_.number();
    return detail::unregister(core_, abi::register_opcode::unregister_pbuf_ring, &registration, 1);
}

} // namespace lio
