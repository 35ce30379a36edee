// cpu_set: a set of CPUs, as the kernel takes it. A value; any thread. Needs no header of a C library.
#pragma once

#include <lio/bytes.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0 {

namespace detail {

// Containers and views of numbers: std::vector<int>, std::array<unsigned, 4>, std::span<const int>.
template <class C>
concept holds_cpu_numbers = requires(const C& c) {
    {static_cast<std::uint32_t>(*c.data())};
    {static_cast<std::size_t>(c.size())};
};

} // namespace detail

/// A set of CPUs by number: lio::cpu_set{}.add(0).add(2), lio::cpu_set{}.add(4, 7), or from what the program has
/// already: numbers in a container, or the mask of sched_getaffinity(2).
class cpu_set {
public:
    /// The numbers that there can be: 0 to 8191, more than Linux supports anywhere.
    static constexpr std::uint32_t capacity = 8192;

    /// No CPU.
    constexpr cpu_set() noexcept = default;

    /// The CPUs of these numbers.
    template <detail::holds_cpu_numbers C>
    static constexpr cpu_set of(const C& numbers) noexcept {
        cpu_set made;
        for (std::size_t i = 0; i < static_cast<std::size_t>(numbers.size()); ++i)
            made = made.add(static_cast<std::uint32_t>(numbers.data()[i]));
        return made;
    }
    template <class T, std::size_t n>
    static constexpr cpu_set of(const T (&numbers)[n]) noexcept {
        cpu_set made;
        for (const T& number : numbers) made = made.add(static_cast<std::uint32_t>(number));
        return made;
    }

    /// What sched_getaffinity(2) and the C library's CPU_SET() write: from_mask({&mask, sizeof mask}).
    static cpu_set from_mask(bytes mask) noexcept;

    /// One more. A number beyond the capacity makes the set refused where it is used.
    constexpr cpu_set add(std::uint32_t cpu) const noexcept {
        cpu_set changed = *this;
        if (cpu < capacity)
            changed.words_[cpu / bits_in_word] |= 1UL << (cpu % bits_in_word);
        else
            changed.is_out_of_range_ = true;
        return changed;
    }
    /// All from `first` to `last`, both included.
    constexpr cpu_set add(std::uint32_t first, std::uint32_t last) const noexcept {
        cpu_set changed = *this;
        if (last >= capacity) changed.is_out_of_range_ = true;
        for (std::uint32_t cpu = first; cpu <= last && cpu < capacity; ++cpu)
            changed.words_[cpu / bits_in_word] |= 1UL << (cpu % bits_in_word);
        return changed;
    }

    constexpr bool contains(std::uint32_t cpu) const noexcept {
        return cpu < capacity && (words_[cpu / bits_in_word] >> (cpu % bits_in_word) & 1) != 0;
    }
    constexpr bool empty() const noexcept {
        for (const unsigned long word : words_)
            if (word != 0) return false;
        return true;
    }
    /// Whether a number was given that no CPU can have.
    constexpr bool is_out_of_range() const noexcept { return is_out_of_range_; }

    /// The set as the kernel reads it. As long as the set lives and stays what it is.
    bytes mask() const noexcept { return {words_, sizeof words_}; }

    friend constexpr bool operator==(const cpu_set&, const cpu_set&) noexcept = default;

private:
    static constexpr std::uint32_t bits_in_word = 8 * sizeof(unsigned long);

    // The kernel's own words: on a big-endian CPU they are not the same as bytes.
    unsigned long words_[capacity / bits_in_word] = {};
    bool is_out_of_range_ = false;
};

} // namespace lio::inline v0
