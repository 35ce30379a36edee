// Zero-copy receive: its memory, the registration and its controls. On the ring's thread.

#include "pages.hpp"
#include "ring_core.hpp"
#include "zero_copy_registration.hpp"

#include <lio/zero_copy_receiver.hpp>

#include <cerrno>

namespace lio::inline v0 {

namespace {

// The kernel's own limits.
constexpr std::uint32_t most_entries = 32768;
constexpr std::uint32_t most_areas = 1024;
constexpr std::size_t largest_area = std::size_t{1} << 30;

// What the counters in front of the entries take, generously: two lines of the largest cache.
constexpr std::size_t header = 512;

constexpr std::uint32_t power_of_two(std::uint32_t at_least) noexcept {
    std::uint32_t power = 1;
    while (power < at_least) power *= 2;
    return power;
}

} // namespace

// Sees to it that the memory is there, and says in `registration` where. Of fresh memory the caller is the owner then.
result<zero_copy_receiver::area> zero_copy_receiver::prepare(const zero_copy_area& memory,
                                                             abi::zcrx_area_reg& registration) noexcept {
    using kind = zero_copy_area::kind;
    const std::size_t asked = memory.memory_.size();
    if (memory.kind_ == kind::none || asked == 0 || asked > largest_area)
        return error{EINVAL, cause::zero_copy_area_out_of_range};
    area made{memory.memory_.data(), asked, 0};
    if (memory.kind_ == kind::fresh) {
        made.size = made.mapped = detail::in_pages(asked, detail::largest_page);
        const auto mapped = system::map_memory(made.size);
        if (!mapped) return mapped.error();
        made.data = static_cast<std::byte*>(*mapped);
        if (const auto marked = system::do_not_fork(made.data, made.size); !marked) {
            drop(made);
            return marked.error();
        }
    }
    registration.len = made.size;
    if (memory.kind_ == kind::dma_buffer) {
        registration.flags = abi::zcrx_area_dmabuf;
        registration.dmabuf_fd = static_cast<std::uint32_t>(memory.file_);
    } else {
        registration.addr = reinterpret_cast<std::uintptr_t>(made.data);
    }
    return made;
}

void zero_copy_receiver::drop(const area& memory) noexcept {
    if (memory.mapped != 0) static_cast<void>(system::unmap(memory.data, memory.mapped));
}

result<zero_copy_receiver> zero_copy_receiver::create(detail::ring_core* core,
                                                      const zero_copy_options& options) noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    if (options.refill_entries == 0 || options.refill_entries > most_entries)
        return error{EINVAL, cause::zero_copy_refill_entries_out_of_range};
    if (options.without_device && (options.interface != 0 || options.queue != 0))
        return error{EINVAL, cause::zero_copy_contradiction};
    const bool has_events = options.events != zero_copy_event::none;
    if (has_events && (options.event_user_data == static_cast<std::uint64_t>(reserved_user_data::padding) ||
                       options.event_user_data == static_cast<std::uint64_t>(reserved_user_data::stop)))
        return error{EINVAL, cause::user_data_is_reserved};

    // All memory is there before the kernel is asked, and none of it is the kernel's to be mapped afterwards: a
    // registration cannot be taken back, so nothing may fail behind it.
    const std::uint32_t entries = power_of_two(options.refill_entries);
    const std::size_t statistics = header + entries * sizeof(abi::zcrx_rqe);
    const std::size_t region_size = detail::in_pages(statistics + sizeof(abi::zcrx_stats), detail::largest_page);
    const std::size_t size = region_size + most_areas * sizeof(area);
    const auto mapped = system::map_memory(size);
    if (!mapped) return mapped.error();
    auto* const base = static_cast<std::byte*>(*mapped);
    zero_copy_receiver made;
    made.mapped_ = base;
    made.mapped_size_ = size;
    made.areas_ = reinterpret_cast<area*>(base + region_size);
    made.process_ = system::process_id();
    if (const auto marked = system::do_not_fork(base, size); !marked) return marked.error();
    abi::zcrx_area_reg memory;
    const auto prepared = prepare(options.area, memory);
    if (!prepared) return prepared.error();
    made.areas_[0] = *prepared;
    made.area_count_ = 1;

    abi::region_desc region;
    region.user_addr = reinterpret_cast<std::uintptr_t>(base);
    region.size = region_size;
    region.flags = abi::mem_region_type_user;
    abi::zcrx_event_desc events;
    events.user_data = options.event_user_data;
    events.type_mask = static_cast<std::uint32_t>(options.events);
    if (options.statistics) {
        events.flags = abi::zcrx_event_desc_flag_stats;
        events.stats_offset = statistics;
    }
    abi::zcrx_ifq_reg registration;
    registration.if_idx = options.interface;
    registration.if_rxq = options.queue;
    registration.rq_entries = entries;
    registration.flags = options.without_device ? abi::zcrx_reg_nodev : 0;
    registration.area_ptr = reinterpret_cast<std::uintptr_t>(&memory);
    registration.region_ptr = reinterpret_cast<std::uintptr_t>(&region);
    registration.rx_buf_len = options.buffer_length;
    if (has_events || options.statistics) registration.event_desc = reinterpret_cast<std::uintptr_t>(&events);
    if (const auto done = detail::register_zero_copy(*core, registration); !done) return done.error();

    made.core_ = detail::core_reference{*core};
    made.refill_ =
        detail::refill_ring{reinterpret_cast<abi::zcrx_rqe*>(base + registration.offsets.rqes),
                            reinterpret_cast<detail::shared_u32*>(base + registration.offsets.head),
                            reinterpret_cast<detail::shared_u32*>(base + registration.offsets.tail), entries};
    made.id_ = registration.zcrx_id;
    made.buffer_length_ = registration.rx_buf_len;
    made.events_ = options.events;
    made.event_user_data_ = options.event_user_data;
    if (options.statistics) made.statistics_ = reinterpret_cast<const abi::zcrx_stats*>(base + statistics);
    return made;
}

void zero_copy_receiver::take(zero_copy_receiver& other) noexcept {
    LIO_ASSERT(other.refill_.reserved() == 0, "a zero_copy_receiver moves while there are leases of it");
    core_ = static_cast<detail::core_reference&&>(other.core_);
    refill_ = other.refill_;
    mapped_ = other.mapped_;
    mapped_size_ = other.mapped_size_;
    areas_ = other.areas_;
    area_count_ = other.area_count_;
    id_ = other.id_;
    buffer_length_ = other.buffer_length_;
    events_ = other.events_;
    event_user_data_ = other.event_user_data_;
    statistics_ = other.statistics_;
    process_ = other.process_;
    other.refill_ = {};
    other.mapped_ = nullptr;
    other.areas_ = nullptr;
    other.area_count_ = 0;
    other.events_ = zero_copy_event::none;
    other.statistics_ = nullptr;
}

zero_copy_receiver& zero_copy_receiver::operator=(zero_copy_receiver&& other) noexcept {
    if (this != &other) {
        end();
        take(other);
    }
    return *this;
}

void zero_copy_receiver::end() noexcept {
    LIO_ASSERT(refill_.reserved() == 0, "a zero_copy_receiver goes while there are leases of it");
    // A forked child has not inherited the memory: something else may be at its addresses.
    if (mapped_ == nullptr || process_ != system::process_id()) return;
    // The kernel has pinned the pages: what it still receives goes there, whoever has the addresses by then.
    for (std::uint32_t i = 0; i < area_count_; ++i) drop(areas_[i]);
    static_cast<void>(system::unmap(mapped_, mapped_size_));
}

// Sets a place in the refill ring apart for these bytes; the area that they lie in.
result<const zero_copy_receiver::area*> zero_copy_receiver::reserve(zero_copy_bytes where) noexcept {
    if (mapped_ == nullptr) return detail::ring_is_closed();
    const area* const of = find(where);
    if (of == nullptr) return error{EINVAL, cause::zero_copy_bytes_are_not_ours};
    if (!refill_.reserve()) return error{ENOBUFS, cause::zero_copy_refill_ring_full};
    return of;
}

result<void> zero_copy_receiver::add(const large_cqe& done) noexcept {
    if (!carries_bytes(done)) return {};
    const zero_copy_bytes where = done.as<op::recv_zc>().item();
    if (const auto reserved = reserve(where); !reserved) return reserved.error();
    refill_.put(where.refill());
    return {};
}

result<zero_copy_lease> zero_copy_receiver::lease(const large_cqe& done) noexcept {
    if (!carries_bytes(done)) return zero_copy_lease{};
    const zero_copy_bytes where = done.as<op::recv_zc>().item();
    const auto of = reserve(where);
    if (!of) return of.error();
    std::byte* const data = (*of)->data;
    return zero_copy_lease{*this, {data == nullptr ? nullptr : data + where.offset(), where.size()}, where};
}

result<void> zero_copy_receiver::control(abi::zcrx_ctrl& request) noexcept {
    request.zcrx_id = id_;
    return detail::control_zero_copy(core_, request);
}

result<void> zero_copy_receiver::flush() noexcept {
    abi::zcrx_ctrl request;
    request.op = abi::zcrx_ctrl_op_flush_rq;
    return control(request);
}

result<owned_descriptor> zero_copy_receiver::export_file() noexcept {
    abi::zcrx_ctrl request;
    request.op = abi::zcrx_ctrl_op_export;
    request.zc_export = {};
    if (const auto done = control(request); !done) return done.error();
    return owned_descriptor{static_cast<int>(request.zc_export.zcrx_fd)};
}

result<std::uint32_t> zero_copy_receiver::add_area(const zero_copy_area& memory) noexcept {
    if (mapped_ == nullptr) return detail::ring_is_closed();
    if (area_count_ == most_areas) return error{E2BIG, cause::zero_copy_too_many_areas};
    abi::zcrx_area_reg registration;
    const auto prepared = prepare(memory, registration);
    if (!prepared) return prepared.error();
    abi::zcrx_ctrl request;
    request.op = abi::zcrx_ctrl_op_add_area;
    request.zc_area = {reinterpret_cast<std::uintptr_t>(&registration), {}};
    if (const auto done = control(request); !done) {
        drop(*prepared);
        return done.error();
    }
    // Another ring that shares this may have added some as well, so that the numbers leave gaps.
    const auto number = static_cast<std::uint32_t>(registration.rq_area_token >> abi::zcrx_area_shift);
    LIO_ASSERT(number < most_areas, "the kernel has more areas than it allows");
    areas_[number] = *prepared;
    if (number >= area_count_) area_count_ = number + 1;
    return number;
}

result<void> zero_copy_receiver::arm(zero_copy_event event) noexcept {
    const auto bit = static_cast<std::uint32_t>(event);
    LIO_ASSERT(bit != 0 && (bit & (bit - 1)) == 0, "events are armed one at a time");
    if (mapped_ == nullptr) return detail::ring_is_closed();
    if (bit == 0 || (event & events_) != event) return error{EINVAL, cause::zero_copy_event_not_asked_for};
    abi::zcrx_ctrl request;
    request.op = abi::zcrx_ctrl_op_arm_event;
    request.zc_arm_event = {};
    request.zc_arm_event.event_type = static_cast<std::uint32_t>(__builtin_ctz(bit));
    return control(request);
}

result<zero_copy_statistics> zero_copy_receiver::statistics() const noexcept {
    if (statistics_ == nullptr) return error{EINVAL, cause::zero_copy_statistics_not_kept};
    // Written by the kernel at any time, each number by itself, and ordering nothing.
    const auto load = [](const std::uint64_t& word) noexcept {
        if constexpr (sizeof(void*) == sizeof word) {
            return __atomic_load_n(&word, __ATOMIC_RELAXED);
        } else {
            // Such a machine need not be able to read both halves at once: until they were the same twice.
            const auto* const halves = reinterpret_cast<const detail::shared_u32*>(&word);
            std::uint32_t seen[2];
            do {
                seen[0] = halves[0].load_relaxed();
                seen[1] = halves[1].load_relaxed();
            } while (seen[0] != halves[0].load_relaxed() || seen[1] != halves[1].load_relaxed());
            std::uint64_t both;
            __builtin_memcpy(&both, seen, sizeof both);
            return both;
        }
    };
    return zero_copy_statistics{load(statistics_->copy_count), load(statistics_->copy_bytes)};
}

} // namespace lio::inline v0
