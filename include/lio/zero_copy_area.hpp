// zero_copy_area: which memory a network card shall write what it receives into. A value that owns nothing; any thread.
#pragma once

#include <lio/bytes.hpp>

#include <cstddef>

namespace lio::inline v0 {

/// Memory for zero_copy_receiver: whole pages, 1 GiB at most. The kernel keeps its pages, which count towards
/// RLIMIT_MEMLOCK, until the ring is closed, whatever the program does with its addresses.
class zero_copy_area {
public:
    /// None, which is refused.
    constexpr zero_copy_area() noexcept = default;

    /// At least `size` bytes that the library maps and that go with the zero_copy_receiver: whole pages of 64 KiB, the
    /// largest that Linux has.
    static constexpr zero_copy_area fresh(std::size_t size) noexcept { return {kind::fresh, {nullptr, size}, 0}; }

    /// The program's own memory, huge pages for example, from the beginning of a page on and to the end of one. It must
    /// stay for as long as what was received is looked at. It is not marked do-not-fork.
    static constexpr zero_copy_area own(mutable_bytes memory) noexcept { return {kind::own, memory, 0}; }

    /// All `size` bytes of the DMA buffer with this descriptor, in the memory of a graphics card for example; the
    /// descriptor may be closed afterwards. Only with a card. `mapped` is where the program has mapped it, if it has:
    /// else nothing that was received can be looked at. Since Linux 6.16.
    static constexpr zero_copy_area dma_buffer(int file, std::size_t size, mutable_bytes mapped = {}) noexcept {
        return {kind::dma_buffer, {mapped.size() >= size ? mapped.data() : nullptr, size}, file};
    }

private:
    friend class zero_copy_receiver;
    enum class kind : unsigned char { none, fresh, own, dma_buffer };
    constexpr zero_copy_area(kind of, mutable_bytes memory, int file) noexcept
        : memory_{memory}, file_{file}, kind_{of} {}

    mutable_bytes memory_;
    int file_ = -1;
    kind kind_ = kind::none;
};

} // namespace lio::inline v0
