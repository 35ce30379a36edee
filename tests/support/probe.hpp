// What this kernel can do, asked of the kernel itself. Test code; any thread.
#pragma once

#include <lio/abi/opcode.hpp>
#include <lio/ring.hpp>

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace lio::test {

/// Whether the kernel knows this operation.
inline bool kernel_supports(abi::opcode opcode) {
    // The probe: 16 bytes of header, then 8 bytes for each operation, of which the third and fourth are flags.
    static const std::array<unsigned char, 16 + 256 * 8> probe = [] {
        std::array<unsigned char, 16 + 256 * 8> answer{};
        constexpr int register_probe = 8;
        const ring asked = ring::create({.entries = 1, .exactly = true}).value();
        // A kernel without probes (before 5.6) leaves it zero: nothing is supported.
        static_cast<void>(::syscall(SYS_io_uring_register, asked.file(), register_probe, answer.data(), 256));
        return answer;
    }();
    std::uint16_t flags = 0;
    std::memcpy(&flags, probe.data() + 16 + static_cast<std::size_t>(opcode) * 8 + 2, sizeof flags);
    return (flags & 1) != 0;
}

} // namespace lio::test
