// ring_memory: pages for ring_options::memory, huge ones where the machine has some. Any thread.
#pragma once

#include <lio/bytes.hpp>
#include <lio/detail/mapped_memory.hpp>
#include <lio/result.hpp>

#include <cstddef>

namespace lio::inline v0 {

/// Memory for a ring, or for several one after the other; must be kept until the ring is closed. One huge page holds
/// both queues of a ring of some thousand entries, and costs the processor one entry of its address tables instead of
/// many.
///     auto memory = lio::ring_memory::create(lio::ring::required_memory(options).value()).value();
///     options.memory = memory.bytes();
class ring_memory {
public:
    /// At least `size` bytes, of huge pages of 2 MiB (set aside by the sysctl vm.nr_hugepages) if there are enough,
    /// else of ordinary ones. Errors: EINVAL, `size` is 0; ENOMEM. mmap(2).
    static result<ring_memory> create(std::size_t size) noexcept;

    /// All of it; empty when moved from.
    mutable_bytes bytes() const noexcept { return {memory_.address(), memory_.size()}; }

    /// Whether it is made of huge pages.
    bool is_huge() const noexcept { return is_huge_; }

private:
    ring_memory(detail::mapped_memory&& memory, bool is_huge) noexcept
        : memory_{static_cast<detail::mapped_memory&&>(memory)}, is_huge_{is_huge} {}

    detail::mapped_memory memory_;
    bool is_huge_;
};

} // namespace lio::inline v0
