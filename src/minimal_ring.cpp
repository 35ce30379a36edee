// The calls of a minimal_ring: making it, entering and closing it. Small rather than anything else: a program that has
// no other ring links this file alone. On the ring's thread.

#include "no_word.hpp"
#include "system.hpp"

#include <lio/abi/entries.hpp>
#include <lio/detail/minimal_base.hpp>

#include <cerrno>

namespace lio::inline v0::detail {

namespace {

std::size_t entries_size(std::uint32_t count) noexcept { return static_cast<std::size_t>(count) * sizeof(abi::sqe); }

[[gnu::noinline]] long map_part(int file, std::size_t size, std::uint64_t offset) noexcept {
    return system::plain_map_ring(file, size, offset);
}

[[gnu::noinline]] void unmap_part(void* address, std::size_t size) noexcept {
    if (address != nullptr) static_cast<void>(system::unmap(address, size));
}

} // namespace

void minimal_base::forget() noexcept {
    file_ = -1;
    limit_ = submitted_ = tail_;
    head_ = 0;
    kernel_tail_ = &no_word;
}

minimal_base& minimal_base::operator=(minimal_base&& other) noexcept {
    if (this != &other) {
        if (is_open()) static_cast<void>(let_go());
        *this = static_cast<const minimal_base&>(other);
        other.forget();
    }
    return *this;
}

inline void minimal_base::look_up(const abi::params& parameters, char* first) noexcept {
    const auto at = [first](std::uint32_t offset) { return reinterpret_cast<shared_u32*>(first + offset); };
    std::uint32_t slots = parameters.sq_entries;
    minimal_submissions::mask_ = slots - 1;
    kernel_head_ = at(parameters.sq_off.head);
    shared_tail_ = at(parameters.sq_off.tail);
    kernel_flags_ = at(parameters.sq_off.flags);
    minimal_completions::entries_ = at(parameters.cq_off.cqes);
    minimal_completions::mask_ = parameters.cq_entries - 1;
    shared_head_ = at(parameters.cq_off.head);
    kernel_tail_ = at(parameters.cq_off.tail);
    // Kernels start them at 0; the tests start them just before the wrap.
    tail_ = submitted_ = shared_tail_->load_relaxed();
    limit_ = tail_ + slots;
    head_ = shared_head_->load_relaxed();
    // The array says which entry is where in the queue; ours is always in its own place. Written once, before the
    // kernel looks at any of it.
    if (parameters.sq_off.array != 0) {
        shared_u32* const array = at(parameters.sq_off.array);
        do {
            --slots;
            array[slots].store_relaxed(slots);
        } while (slots != 0);
    }
}

std::int32_t minimal_base::set_up(std::uint32_t entries, std::uint32_t completion_entries, setup flags) noexcept {
    abi::params parameters{};
    parameters.flags = static_cast<std::uint32_t>(flags);
    if (completion_entries != 0) parameters.flags |= abi::setup_cqsize;
    parameters.cq_entries = completion_entries;
    long answer = system::plain_setup(entries, parameters);
    if (system::failed(answer)) return -static_cast<std::int32_t>(answer);
    file_ = static_cast<int>(answer);

    const std::uint32_t slots = parameters.sq_entries;
    // Either may be what ends last; without an array (its offset is 0 then) it is never that.
    const std::size_t array_end = parameters.sq_off.array + slots * sizeof(std::uint32_t);
    queues_size_ = parameters.cq_off.cqes + parameters.cq_entries * sizeof(abi::cqe);
    if (queues_size_ < array_end) queues_size_ = array_end;
    answer = -EOPNOTSUPP;
    cause why = cause::one_mapping_missing;
    if ((parameters.features & abi::feat_single_mmap) != 0) {
        why = cause::map_call;
        answer = map_part(file_, queues_size_, abi::off_sq_ring);
        if (!system::failed(answer)) {
            char* const first = reinterpret_cast<char*>(answer);
            queues_ = first;
            answer = map_part(file_, entries_size(slots), abi::off_sqes);
            if (!system::failed(answer)) {
                minimal_submissions::entries_ = reinterpret_cast<void*>(answer);
                look_up(parameters, first);
                return 0;
            }
        }
    }
    static_cast<void>(let_go());
    file_ = -static_cast<int>(why);
    return -static_cast<std::int32_t>(answer);
}

std::int32_t minimal_base::let_go() noexcept {
    unmap_part(queues_, queues_size_);
    unmap_part(minimal_submissions::entries_, entries_size(minimal_submissions::mask_ + 1));
    return -static_cast<std::int32_t>(system::plain_close(file_));
}

std::int32_t minimal_base::look_for_room(std::uint32_t count) noexcept {
    if (!is_open()) return EBADF;
    // Pairs with the kernel's store-release of the head: it has read the entries before it.
    limit_ = kernel_head_->load_acquire() + minimal_submissions::mask_ + 1;
    if (limit_ - tail_ >= count) return 0;
    return count > minimal_submissions::mask_ + 1 ? E2BIG : EAGAIN;
}

error minimal_completions::nothing_is_ready() noexcept { return error{EAGAIN, cause::nothing_ready}; }

std::int32_t minimal_base::enter(std::uint32_t wait_for, std::uint32_t flags) noexcept {
    if (!is_open()) return -EBADF;
    thread_sanitizer_release(sanitizer_address());
    // Pairs with the kernel's load-acquire of the tail: it sees the entries that the tail covers.
    const std::uint32_t tail = tail_;
    shared_tail_->store_release(tail);
    const long answer = system::enter(file_, tail - submitted_, wait_for, flags, nullptr, 0).raw();
    if (answer > 0) submitted_ += static_cast<std::uint32_t>(answer);
    return static_cast<std::int32_t>(answer);
}

} // namespace lio::inline v0::detail
