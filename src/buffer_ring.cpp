// Buffer rings: the memory, the registration and its end. On the ring's thread.

#include "ring_core.hpp"

#include <lio/buffer_ring.hpp>

#include <cerrno>
#include <new>

namespace lio::inline v0 {

namespace {

constexpr std::uint32_t most = 0x7ffff000; // in one transfer

// Hands out pieces of the memory that a list of buffers is to lie in.
class layout {
public:
    template <class T>
    std::uint64_t piece(std::uint64_t count) noexcept {
        const std::uint64_t place = (size_ + alignof(T) - 1) & ~std::uint64_t{alignof(T) - 1};
        size_ = place + count * sizeof(T);
        return place;
    }
    std::uint64_t size() const noexcept { return size_; }

private:
    std::uint64_t size_ = 0;
};

// Groups below 64 that a ring has had, a bit for each: kernels before 6.10 keep them in a table, and what was known of
// them.
constexpr std::uint16_t remembered_groups = 64;

// The kernel finds the list that is to be mapped by bits 16 to 26 of the offset: a higher number would be another
// group's, or no list of buffers at all.
constexpr std::uint16_t mappable_groups = 1 << 11;

} // namespace

result<buffer_ring> buffer_ring::make_of(detail::ring_core* core, buffer_ring_options& options,
                                         const mutable_bytes* buffers, std::size_t count) noexcept {
    options.count = count <= 32768 ? static_cast<std::uint32_t>(count) : 0;
    options.memory = {};
    options.size = 0;
    for (std::uint32_t i = 0; i < options.count; ++i) {
        const std::size_t size = buffers[i].size();
        if (size == 0 || size > most) return error{EINVAL, cause::buffer_size_out_of_range};
        if (size > options.size) options.size = static_cast<std::uint32_t>(size);
    }
    return make(core, options, buffers);
}

result<buffer_ring> buffer_ring::make(detail::ring_core* core, const buffer_ring_options& options,
                                      const mutable_bytes* buffers) noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    const std::uint32_t count = options.count;
    if (count == 0 || count > 32768 || (count & (count - 1)) != 0)
        return error{EINVAL, cause::buffer_count_not_a_power_of_two};
    if (options.size == 0 || options.size > most) return error{EINVAL, cause::buffer_size_out_of_range};
    const std::uint64_t all_buffers = std::uint64_t{count} * options.size;
    const bool is_given = options.memory.data() != nullptr;
    if (is_given && options.memory.size() < all_buffers) return error{EINVAL, cause::buffer_memory_too_small};
    const bool is_ours = !is_given && buffers == nullptr;
    if (options.kernel_memory) {
        if (core->is_only_registered) return error{EINVAL, cause::region_needs_descriptor};
        if (options.group.number() >= mappable_groups) return error{EINVAL, cause::buffer_group_cannot_be_mapped};
    }

    // Entries first (at most 512 KiB), which puts them on a page boundary as the kernel wants it; then buffers; then
    // what is known of each of them.
    layout parts;
    parts.piece<abi::buf>(count);
    const std::uint64_t first = parts.piece<std::byte>(is_ours ? all_buffers : 0);
    const std::uint64_t shared = parts.piece<detail::buffer_list>(1);
    const std::uint64_t places = parts.piece<mutable_bytes>(buffers != nullptr ? count : 0);
    const std::uint64_t uses = parts.piece<detail::buffer_list::use>(options.incremental ? count : 0);
    const std::uint64_t links = parts.piece<std::uint16_t>(count);
    const std::uint64_t marks = parts.piece<bool>(count);
    if (parts.size() > SIZE_MAX / 2) return error{EINVAL, cause::buffer_size_out_of_range};

    const auto memory = system::map_memory(static_cast<std::size_t>(parts.size()));
    if (!memory) return memory.error();
    auto* const base = static_cast<std::byte*>(*memory);
    auto& list = *new (base + shared) detail::buffer_list{};
    list.mapped = base;
    list.mapped_size = static_cast<std::size_t>(parts.size());
    list.users = 1;
    list.entries = reinterpret_cast<abi::buf*>(base);
    list.shared_tail = detail::buffer_list::tail_of(list.entries);
    list.first = is_given ? options.memory.data() : base + first;
    list.next = reinterpret_cast<std::uint16_t*>(base + links);
    list.is_lent = reinterpret_cast<bool*>(base + marks);
    list.mask = count - 1;
    list.size = options.size;
    if (options.incremental) list.uses = reinterpret_cast<detail::buffer_list::use*>(base + uses);
    if (buffers != nullptr) {
        list.places = reinterpret_cast<mutable_bytes*>(base + places);
        for (std::uint32_t id = 0; id < count; ++id) new (list.places + id) mutable_bytes{buffers[id]};
    }

    buffer_ring made;
    made.list_ = &list;
    made.process_ = system::process_id();
    made.group_ = options.group;
    if (const auto marked = system::do_not_fork(base, list.mapped_size); !marked) return marked.error();
    if (const auto handed_over = made.hand_over(*core, options); !handed_over) return handed_over.error();
    for (std::uint32_t id = 0; id < count; ++id) {
        if (list.uses != nullptr) list.uses[id].position = list.tail;
        list.add(static_cast<std::uint16_t>(id));
    }
    list.publish();
    return made;
}

result<void> buffer_ring::hand_over(detail::ring_core& core, const buffer_ring_options& options) noexcept {
    detail::buffer_list& list = *list_;
    abi::buf_reg registration{};
    registration.ring_addr = options.kernel_memory ? 0 : reinterpret_cast<std::uintptr_t>(list.entries);
    registration.ring_entries = options.count;
    registration.bgid = group_.number();
    if (options.kernel_memory) registration.flags |= abi::pbuf_ring_mmap;
    if (options.incremental) registration.flags |= abi::pbuf_ring_inc;
    registration.min_left = options.minimum_left;
    // A minimum of one byte is the same as none. The kernels that take it always say when they go on with a buffer: the
    // fix for that is older, and went wherever the minimum did.
    const bool is_trial = options.incremental && options.minimum_left == 0;
    if (is_trial) registration.min_left = 1;
    auto done = detail::register_with(core, abi::register_opcode::register_pbuf_ring, &registration, 1);
    if (!done && done.error().code() == EINVAL && is_trial) {
        registration.min_left = 0;
        done = detail::register_with(core, abi::register_opcode::register_pbuf_ring, &registration, 1);
    }
    list.is_always_told = registration.min_left != 0;
    if (!done) {
        const bool is_plain = registration.flags == 0 && registration.min_left == 0;
        if (done.error().code() == EINVAL && !is_plain) return error{EINVAL, cause::buffer_ring_option_missing};
        return done.error();
    }
    core_ = detail::core_reference{core};

    if (group_.number() < remembered_groups) {
        const std::uint64_t bit = std::uint64_t{1} << group_.number();
        if ((core.former_groups & bit) != 0) {
            // Where the kernel goes on is where our list has to begin.
            const auto head = kernel_head();
            if (!head) return error{EEXIST, cause::buffer_group_not_forgotten};
            list.tail = static_cast<std::uint16_t>(*head);
        }
        core.former_groups |= bit;
    }

    if (options.kernel_memory) {
        const std::size_t size = std::size_t{options.count} * sizeof(abi::buf);
        const std::uint64_t offset = abi::off_pbuf_ring | (std::uint64_t{registration.bgid} << abi::off_pbuf_shift);
        const auto entries = system::map_ring(core.file, size, offset);
        if (!entries) return entries.error();
        list.kernel_entries = *entries;
        list.entries = static_cast<abi::buf*>(*entries);
        list.shared_tail = detail::buffer_list::tail_of(list.entries);
        if (const auto marked = system::do_not_fork(*entries, size); !marked) return marked.error();
    }
    return {};
}

void buffer_ring::take(buffer_ring& other) noexcept {
    core_ = static_cast<detail::core_reference&&>(other.core_);
    list_ = other.list_;
    process_ = other.process_;
    group_ = other.group_;
    other.list_ = nullptr;
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
    if (list_ == nullptr || process_ != system::process_id()) return;
    if (closed) return list_->leave_it();
    // On another thread than the ring's, or where restrictions forbid it, the kernel does not let go, and may still
    // fill the buffers: they stay as long as the ring.
    detail::keep_until_closed(*core_.get(), *list_);
    core_ = detail::core_reference{};
}

result<std::uint32_t> buffer_ring::kernel_head() const noexcept {
    detail::ring_core* const core = core_.get();
    if (core == nullptr) return detail::ring_is_closed();
    abi::buf_status status{};
    status.buf_group = group_.number();
    const auto asked = detail::register_with(*core, abi::register_opcode::register_pbuf_status, &status, 1);
    if (!asked) return asked.error();
    return status.head;
}

result<std::uint32_t> buffer_ring::available() const noexcept {
    const auto head = kernel_head();
    if (!head) return head.error();
    // Both count in 16 bits.
    const auto left = static_cast<std::uint16_t>(list().tail - *head);
    LIO_ASSERT(left <= count(), "a buffer was given back twice");
    return left;
}

result<void> buffer_ring::close() noexcept {
    abi::buf_reg registration{};
    registration.bgid = group_.number();
    const auto done = detail::unregister(core_, abi::register_opcode::unregister_pbuf_ring, &registration, 1);
    if (done && list_ != nullptr && process_ == system::process_id()) list_->detach();
    return done;
}

} // namespace lio::inline v0
