// How long the entries of a ring's two queues are. A property of the ring's type, so that the plain ring pays nothing
// for the others, and an operation that does not fit is not compiled.
#pragma once

#include <lio/abi/entries.hpp>
#include <lio/abi/opcode.hpp>
#include <lio/cqe.hpp>
#include <lio/ring_options.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace lio::inline v0::detail {

/// `SubmissionEntry` and `CompletionEntry` are the longest that the ring has; when it is mixed, shorter ones lie
/// between them and the slots have their size.
template <class SubmissionEntry, class CompletionEntry, bool MixedEntries = false, bool MixedCompletions = false>
struct ring_layout {
    using submission_entry = SubmissionEntry;
    using submission_slot = std::conditional_t<MixedEntries, abi::sqe, SubmissionEntry>;
    using completion_entry = CompletionEntry;
    static constexpr bool has_mixed_entries = MixedEntries;
    static constexpr bool has_mixed_completions = MixedCompletions;
    /// What the kernel must be asked for.
    static constexpr setup flags = (MixedEntries                                    ? setup::mixed_entries
                                    : std::is_same_v<SubmissionEntry, abi::sqe128> ? setup::large_entries
                                                                                    : setup::none) |
                                   (MixedCompletions                               ? setup::mixed_completions
                                    : std::is_same_v<CompletionEntry, large_cqe> ? setup::large_completions
                                                                                   : setup::none);
};

using plain_layout = ring_layout<abi::sqe, cqe>;
using large_completion_layout = ring_layout<abi::sqe, large_cqe>;
using large_layout = ring_layout<abi::sqe128, large_cqe>;
using mixed_completion_layout = ring_layout<abi::sqe, large_cqe, false, true>;
using mixed_layout = ring_layout<abi::sqe128, large_cqe, true, true>;

template <class Operation>
inline constexpr std::size_t entry_size = sizeof(static_cast<const Operation*>(nullptr)->entry());

/// Operations of 128 bytes need lio::large_ring or lio::mixed_ring.
template <class Operation, class Layout>
concept entry_fits_ring = entry_size<Operation> <= sizeof(typename Layout::submission_entry);

/// Operations with completions of 32 bytes need one of the rings in <lio/large_ring.hpp>.
template <class Operation, class Layout>
concept completion_fits_ring =
    !Operation::large_completion || std::is_same_v<typename Layout::completion_entry, large_cqe>;

template <class Operation, class Layout>
concept fits_ring = entry_fits_ring<Operation, Layout> && completion_fits_ring<Operation, Layout>;

/// How many neighbouring slots the operation takes.
template <class Operation, class Layout>
inline constexpr std::uint32_t slots_of = entry_size<Operation> > sizeof(typename Layout::submission_slot) ? 2 : 1;

// Whether the compiler knows that it is 0.
[[gnu::always_inline]] inline bool is_known_zero(std::uint32_t value) noexcept {
    return __builtin_constant_p(value) && value == 0;
}

// Writes eight bytes of a slot: a member that the compiler does not know, and zeros behind it. It would make two or
// three stores of them.
template <class Member>
[[gnu::always_inline]] inline void write_before_zeros(abi::sqe& slot, std::size_t offset, Member value) noexcept {
    constexpr unsigned behind = 8 * (sizeof(std::uint64_t) - sizeof(Member));
    const std::uint64_t word = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? std::uint64_t{value} << behind : value;
    __builtin_memcpy(reinterpret_cast<char*>(&slot) + offset, &word, sizeof word);
}

/// Writes an entry into a slot, all of it: what the slot held before must not show through.
/// Of an operation that is made where it is pushed most members are constants: member by member they become stores of
/// constants, side by side. As a structure gcc would make it on the stack first. One that comes from memory is copied.
[[gnu::always_inline]] inline void write_slot(abi::sqe& slot, const abi::sqe& entry) noexcept {
    if (!__builtin_constant_p(entry.pad2)) {
        slot = entry;
        return;
    }
    slot.opcode = entry.opcode;
    slot.flags = entry.flags;
    slot.ioprio = entry.ioprio;
    slot.fd = entry.fd;
    slot.off = entry.off;
    slot.addr = entry.addr;
    if (!__builtin_constant_p(entry.len) && is_known_zero(static_cast<std::uint32_t>(entry.rw_flags))) {
        write_before_zeros(slot, offsetof(abi::sqe, len), entry.len);
    } else {
        slot.len = entry.len;
        slot.rw_flags = entry.rw_flags;
    }
    slot.user_data = entry.user_data;
    if (!__builtin_constant_p(entry.buf_index) && is_known_zero(entry.personality) && is_known_zero(entry.file_index)) {
        write_before_zeros(slot, offsetof(abi::sqe, buf_index), entry.buf_index);
    } else {
        slot.buf_index = entry.buf_index;
        slot.personality = entry.personality;
        slot.file_index = entry.file_index;
    }
    slot.addr3 = entry.addr3;
    slot.pad2 = entry.pad2;
}
constexpr void write_slot(abi::sqe128& slot, const abi::sqe128& entry) noexcept { slot = entry; }
constexpr void write_slot(abi::sqe128& slot, const abi::sqe& entry) noexcept { slot = abi::sqe128{entry}; }
/// The same into this slot and the next, where sizes are mixed: a number of its own says that the entry goes on.
inline void write_slot(abi::sqe& slot, const abi::sqe128& entry) noexcept {
    abi::sqe128 known_as_long = entry;
    if (entry.opcode == static_cast<std::uint8_t>(abi::opcode::uring_cmd))
        known_as_long.opcode = static_cast<std::uint8_t>(abi::opcode::uring_cmd128);
    __builtin_memcpy(static_cast<void*>(&slot), &known_as_long, sizeof known_as_long);
}

} // namespace lio::inline v0::detail
