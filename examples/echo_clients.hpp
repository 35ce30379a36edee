// The clients that tcp_echo --self-test drives against its own server. Includes the standard library only; call it on
// a thread of its own.
#pragma once

#include <cstdint>

namespace example {

/// Connects `count` clients to 127.0.0.1:`port`, all before the first sends, lets each send `messages` messages of
/// different sizes and compares every byte that comes back. Prints one line; false if anything was wrong or missing.
bool run_echo_clients(std::uint16_t port, std::uint32_t count, std::uint32_t messages);

} // namespace example
