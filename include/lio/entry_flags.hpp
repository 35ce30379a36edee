// entry_flags: what an entry of the submission queue can carry whatever its operation is. A set of bits; any thread.
#pragma once

#include <lio/abi/entries.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// What modifiers and arguments put into an operation's entry, as bits of a set: entry_flags::link |
/// entry_flags::drain.
enum class entry_flags : std::uint8_t {
    /// Nothing.
    none = 0,
    /// The file is a direct_descriptor. Since Linux 5.1.
    fixed_file = abi::sqe_fixed_file,
    /// drain(). Since Linux 5.2.
    drain = abi::sqe_io_drain,
    /// link(). Since Linux 5.3.
    link = abi::sqe_io_link,
    /// hard_link(). Since Linux 5.5.
    hard_link = abi::sqe_io_hardlink,
    /// force_async(). Since Linux 5.6.
    force_async = abi::sqe_async,
    /// The operation picks one of the provided buffers. Since Linux 5.7.
    buffer_select = abi::sqe_buffer_select,
    /// skip_success(). Since Linux 5.17.
    skip_success = abi::sqe_cqe_skip_success,
};

constexpr entry_flags operator|(entry_flags a, entry_flags b) noexcept {
    return static_cast<entry_flags>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
constexpr entry_flags operator&(entry_flags a, entry_flags b) noexcept {
    return static_cast<entry_flags>(static_cast<std::uint8_t>(a) & static_cast<std::uint8_t>(b));
}
/// Whether `set` has everything that `wanted` names.
constexpr bool has(entry_flags set, entry_flags wanted) noexcept { return (set & wanted) == wanted; }

} // namespace lio::inline v0
