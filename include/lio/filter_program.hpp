// filter_program: the instructions of an operation_filter, and a few programs ready to use. Values known to the
// compiler; any thread. Includes the layout of what a filter sees.
#pragma once

#include <lio/abi/bpf_filter.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0 {

/// One instruction of classic BPF, laid out as the kernel's struct sock_filter.
struct filter_instruction {
    /// What it does.
    std::uint16_t code;
    /// Of a jump: how many instructions are skipped if the condition holds, and if not.
    std::uint8_t if_true;
    std::uint8_t if_false;
    /// What it does it with.
    std::uint32_t value;

    friend constexpr bool operator==(filter_instruction, filter_instruction) noexcept = default;
};

static_assert(sizeof(filter_instruction) == 8);

/// A program of so many instructions.
template <std::size_t Count>
struct filter_program {
    filter_instruction instructions[Count];

    constexpr const filter_instruction* data() const noexcept { return instructions; }
    constexpr std::size_t size() const noexcept { return Count; }
};

template <class... More>
filter_program(filter_instruction, More...) -> filter_program<1 + sizeof...(More)>;

namespace filter {

// Instructions. The kernel takes these, arithmetic, jumps and the scratch memory of classic BPF; nothing else.

/// Loads 32 bits of abi::bpf_ctx into the accumulator; `offset` is a multiple of 4, __builtin_offsetof() for example.
/// In the byte order of the machine: of a field of 64 bits the lower half comes first or last.
constexpr filter_instruction load(std::uint32_t offset) noexcept { return {0x20, 0, 0, offset}; }
/// Skips `if_true` instructions if the accumulator is `value`, else `if_false`.
constexpr filter_instruction jump_if_equal(std::uint32_t value, std::uint8_t if_true, std::uint8_t if_false) noexcept {
    return {0x15, if_true, if_false, value};
}
/// Skips `if_true` instructions if the accumulator has any of the bits of `mask`, else `if_false`.
constexpr filter_instruction jump_if_any(std::uint32_t mask, std::uint8_t if_true, std::uint8_t if_false) noexcept {
    return {0x45, if_true, if_false, mask};
}
/// Ends the program: whether the operation may run.
constexpr filter_instruction verdict(bool may_run) noexcept { return {0x06, 0, 0, may_run ? 1u : 0u}; }

// Programs, each for the operations that it names.

/// Lets every operation run: what the others are refused for is operation_filter::deny_rest().
constexpr filter_program<1> allow() noexcept { return {{verdict(true)}}; }

/// Lets none run.
constexpr filter_program<1> deny() noexcept { return {{verdict(false)}}; }

/// For op::socket and its like: sockets of this family (AF_INET...) only.
constexpr filter_program<4> socket_family(int family) noexcept {
    return {{load(__builtin_offsetof(abi::bpf_ctx, socket) + __builtin_offsetof(abi::bpf_ctx_socket, family)),
             jump_if_equal(static_cast<std::uint32_t>(family), 0, 1), verdict(true), verdict(false)}};
}

/// For op::openat, op::openat2 and their like: none with any of these flags (O_CREAT...). O_RDONLY is no flag: give
/// O_WRONLY | O_RDWR to let files be read only.
constexpr filter_program<6> without_open_flags(std::uint64_t flags) noexcept {
    constexpr std::uint32_t first =
        __builtin_offsetof(abi::bpf_ctx, open) + __builtin_offsetof(abi::bpf_ctx_open, flags);
    constexpr bool low_comes_first = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    const auto low = static_cast<std::uint32_t>(flags);
    const auto high = static_cast<std::uint32_t>(flags >> 32);
    return {{load(first), jump_if_any(low_comes_first ? low : high, 3, 0), load(first + 4),
             jump_if_any(low_comes_first ? high : low, 1, 0), verdict(true), verdict(false)}};
}

/// For op::connect: this port only, of either version of IP. The port is in the machine's byte order. Since Linux 7.2.
constexpr filter_program<7> connect_port(std::uint16_t port) noexcept {
    constexpr std::uint32_t first = __builtin_offsetof(abi::bpf_ctx, connect);
    constexpr std::uint32_t inet = 2;   // AF_INET
    constexpr std::uint32_t inet6 = 10; // AF_INET6
    // Its 32 bits in memory: the port in network byte order, then zeros.
    const std::uint32_t in_memory = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
                                        ? (port & 0xffu) << 8 | std::uint32_t{port} >> 8
                                        : std::uint32_t{port} << 16;
    return {{load(first + __builtin_offsetof(abi::bpf_ctx_connect, family)), jump_if_equal(inet, 1, 0),
             jump_if_equal(inet6, 0, 3), load(first + __builtin_offsetof(abi::bpf_ctx_connect, port)),
             jump_if_equal(in_memory, 0, 1), verdict(true), verdict(false)}};
}

} // namespace filter
} // namespace lio::inline v0
