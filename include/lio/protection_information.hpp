// protection_information: what a disk keeps beside each of its blocks to prove that the data is the right one, as reads
// and writes take it. A value that owns nothing; any thread.
#pragma once

#include <lio/abi/operation_flags.hpp>
#include <lio/bytes.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0 {

/// What the device is to check, as bits of a set: protection_check::guard | protection_check::reference_tag.
enum class protection_check : std::uint16_t {
    nothing = 0,
    /// The checksum of each block.
    guard = 1u << 0,
    /// The number that each block carries: the seed and what follows it.
    reference_tag = 1u << 1,
    /// The program's own number, the same in each block.
    application_tag = 1u << 2,
};

constexpr protection_check operator|(protection_check a, protection_check b) noexcept {
    return static_cast<protection_check>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}

/// The protection information of a read or write, for its protection_information(). The memory holds one tuple for each
/// block of the data, in the device's format (a checksum, the application tag and the reference tag, 8 or 16 bytes, as
/// a rule): a write hands it to the device, a read gets it from there. EINVAL if it is not of the size that the data
/// asks for, or a check is named that the device cannot make.
class protection_information {
public:
    explicit protection_information(mutable_bytes tuples) noexcept : is_too_long_{tuples.size() > longest} {
        attribute_.addr = reinterpret_cast<std::uintptr_t>(tuples.data());
        attribute_.len = static_cast<std::uint32_t>(tuples.size());
    }

    /// What is to be checked; nothing unless this is said. Replaces earlier checks.
    protection_information check(protection_check checks) const noexcept {
        protection_information changed = *this;
        changed.attribute_.flags = static_cast<std::uint16_t>(checks);
        return changed;
    }
    /// The number that protection_check::application_tag looks for.
    protection_information application_tag(std::uint16_t tag) const noexcept {
        protection_information changed = *this;
        changed.attribute_.app_tag = tag;
        return changed;
    }
    /// The reference tag of the first block; the following ones count up from there. On most devices it has to be the
    /// number of the block.
    protection_information seed(std::uint64_t first) const noexcept {
        protection_information changed = *this;
        changed.attribute_.seed = first;
        return changed;
    }

    /// There is more memory than one operation can transfer; push refuses an operation with it.
    constexpr bool is_too_long() const noexcept { return is_too_long_; }

private:
    static constexpr std::size_t longest = 0x7ffff000;

    abi::attr_pi attribute_; // the kernel reads it in place, so it comes first
    bool is_too_long_;
};

} // namespace lio::inline v0
