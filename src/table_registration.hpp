// What tables of files and tables of buffers have in common. Private; on the ring's thread.
#pragma once

#include "ring_core.hpp"

#include <lio/abi/register.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace lio::inline v0::detail {

/// A registration in its second form, with tags or of an empty table; `missing` is what EINVAL most likely means.
inline result<std::uint32_t> register_table(ring_core& core, abi::register_opcode opcode,
                                            const abi::rsrc_register& request, cause missing) noexcept {
    const auto done = register_with(core, opcode, &request, sizeof request);
    if (!done && done.error().code() == EINVAL) return error{EINVAL, missing};
    return done;
}

/// Whether a table of `size` places, which is there if `core` is, has `count` of them from `first` on.
inline result<void> has_places(const ring_core* core, std::uint32_t size, std::uint32_t first,
                               std::size_t count) noexcept {
    if (core == nullptr) return ring_is_closed();
    if (count == 0 || first > size || count > size - first) return error{EINVAL, cause::no_such_slots};
    return {};
}

} // namespace lio::inline v0::detail
