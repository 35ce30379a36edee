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
    if (options.size == 0 || options.size > 0x7ffff000) return error{EINVAL, cause::buffer_size_out_of_range};
    // Entries first (at most 512 KiB), which puts them on a page boundary as the kernel wants it; then buffers; then, at
    // an address for numbers of 32 bits, what is known of each of them.
    const std::uint64_t entries_size = std::uint64_t{count} * sizeof(abi::buf);
    const std::uint64_t uses = (entries_size + std::uint64_t{count} * options.size + 3) & ~std::uint64_t{3};
    const std::uint64_t links = uses + (options.incremental ? count * sizeof(use) : 0);
    const std::uint64_t total = links + std::uint64_t{count} * sizeof(std::uint16_t);
    if (total > SIZE_MAX / 2) return error{EINVAL, cause::buffer_size_out_of_range};

    const auto memory = system::map_memory(static_cast<std::size_t>(total));
    if (!memory) return memory.error();
    auto* const base = static_cast<std::byte*>(*memory);
    buffer_ring made;
    made.entries_ = reinterpret_cast<abi::buf*>(base);
    made.first_ = base + entries_size;
    if (options.incremental) made.uses_ = reinterpret_cast<use*>(base + uses);
    made.next_ = reinterpret_cast<std::uint16_t*>(base + links);
    made.mapped_ = static_cast<std::size_t>(total);
    made.process_ = system::process_id();
    made.mask_ = count - 1;
    made.size_ = options.size;
    made.group_ = options.group;
    if (const auto marked = system::do_not_fork(base, made.mapped_); !marked) return marked.error();

    abi::buf_reg registration{};
    registration.ring_addr = options.kernel_memory ? 0 : reinterpret_cast<std::uintptr_t>(base);
    registration.ring_entries = count;
    registration.bgid = options.group.number();
    if (options.kernel_memory) registration.flags |= abi::pbuf_ring_mmap;
    if (options.incremental) registration.flags |= abi::pbuf_ring_inc;
    registration.min_left = options.minimum_left;
    const auto done = detail::register_with(*core, abi::register_opcode::register_pbuf_ring, &registration, 1);
    if (!done) {
        const bool is_plain = registration.flags == 0 && registration.min_left == 0;
        if (done.error().code() == EINVAL && !is_plain) return error{EINVAL, cause::buffer_ring_option_missing};
        return done.error();
    }
    made.core_ = detail::core_reference{*core};
    if (options.kernel_memory) {
        const std::uint64_t offset = abi::off_pbuf_ring | (std::uint64_t{registration.bgid} << abi::off_pbuf_shift);
        const auto entries = system::map_ring(core->file, static_cast<std::size_t>(entries_size), offset);
        if (!entries) return entries.error();
        made.kernel_entries_ = *entries;
        made.entries_ = static_cast<abi::buf*>(*entries);
        if (const auto marked = system::do_not_fork(*entries, static_cast<std::size_t>(entries_size)); !marked)
            return marked.error();
    }
    made.shared_tail_ = reinterpret_cast<detail::shared_u16*>(reinterpret_cast<std::byte*>(made.entries_) + 14);
    for (std::uint32_t id = 0; id < count; ++id) made.add(static_cast<std::uint16_t>(id));
    made.publish();
    return made;
}

void buffer_ring::take(buffer_ring& other) noexcept {
    core_ = static_cast<detail::core_reference&&>(other.core_);
    entries_ = other.entries_;
    shared_tail_ = other.shared_tail_;
    first_ = other.first_;
    kernel_entries_ = other.kernel_entries_;
    uses_ = other.uses_;
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
        end();
        take(other);
    }
    return *this;
}

buffer_ring::~buffer_ring() { end(); }

void buffer_ring::end() noexcept {
    // First the kernel lets go, then the memory goes.
    const auto closed = close();
    // A forked child has not inherited the memory: something else may be at its address.
    if (mapped_ == 0 || process_ != system::process_id()) return;
    const std::size_t entries_size = (std::size_t{mask_} + 1) * sizeof(abi::buf);
    const detail::mapping own{first_ - entries_size, mapped_};
    const detail::mapping kernels{kernel_entries_, kernel_entries_ != nullptr ? entries_size : 0};
    if (!closed) {
        // On another thread than the ring's, or where restrictions forbid it, the kernel does not let go, and may still
        // fill the buffers: they stay as long as the ring.
        detail::keep_until_closed(*core_.get(), own, kernels);
        core_ = detail::core_reference{};
        return;
    }
    if (kernels.size != 0) static_cast<void>(system::unmap(kernels.address, kernels.size));
    static_cast<void>(system::unmap(own.address, own.size));
}

result<std::uint32_t> buffer_ring::available() const noexcept {
    detail::ring_core* const core = core_.get();
    if (core == nullptr) return detail::ring_is_closed();
    abi::buf_status status{};
    status.buf_group = group_.number();
    const auto asked = detail::register_with(*core, abi::register_opcode::register_pbuf_status, &status, 1);
    if (!asked) return asked.error();
    // Both count in 16 bits.
    return static_cast<std::uint16_t>(tail_ - status.head);
}

result<void> buffer_ring::close() noexcept {
    abi::buf_reg registration{};
    registration.bgid = group_.number();
    return detail::unregister(core_, abi::register_opcode::unregister_pbuf_ring, &registration, 1);
}

} // namespace lio
