// Waiting for a file to become ready. Includes the base only: events are the numbers of <poll.h>. Any thread.
#pragma once

#include <lio/op/operation.hpp>

#include <cstdint>

namespace lio::op {

/// Completes once one of the events is there, now or later. poll(2).
/// Result: the events that are, of those asked for and of POLLERR and POLLHUP, which always count.
/// Lifetimes: no argument is pointed to.
/// Traps: the result tells what was so when the completion was made; a read may still find nothing. Closing the
/// descriptor does not end it: cancel it. Events above the lowest 16 bits, EPOLLEXCLUSIVE for one, need Linux 5.9.
/// Since Linux 5.1.
class poll : public operation<poll> {
public:
    static constexpr abi::opcode code = abi::opcode::poll_add;
    static constexpr kernel_version since{5, 1};
    using result_type = std::uint32_t;

    constexpr poll(descriptor file, std::uint32_t events) noexcept {
        set_file(file);
        entry_.poll32_events = in_entry_order(events);
    }

private:
    // The field was 16 bits wide once and grew to 32 at the same address, so that the low half comes first in memory
    // whatever the byte order.
    static constexpr std::uint32_t in_entry_order(std::uint32_t events) noexcept {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        return events << 16 | events >> 16;
#else
        return events;
#endif
    }
};

} // namespace lio::op
