// Filters: small classic BPF programs that decide which operations may run. The kernel's layout in our own words.
// Includes <cstdint> only. Whoever makes a structure owns it; the kernel reads it during the call. Since Linux 7.0.
#pragma once

#include <lio/detail/language.hpp>

#include <cstdint>

namespace lio::inline v0::abi {

// The parts of bpf_ctx that belong to single operations. They share their place, so they have no initial values.

/// bpf_ctx::socket, as in socket(2).
struct bpf_ctx_socket {
    std::uint32_t family;
    std::uint32_t type;
    std::uint32_t protocol;
};

/// bpf_ctx::open, as in openat2(2).
struct alignas(8) bpf_ctx_open {
    std::uint64_t flags;
    std::uint64_t mode;
    std::uint64_t resolve;
};

/// bpf_ctx::connect: where to. Port and addresses are in network byte order.
struct bpf_ctx_connect {
    std::uint32_t family;
    std::uint16_t port;
    std::uint8_t pad[2];
    union {
        std::uint32_t v4_addr;
        std::uint8_t v6_addr[16];
    };
};

static_assert(sizeof(bpf_ctx_socket) == 12 && sizeof(bpf_ctx_open) == 24 && sizeof(bpf_ctx_connect) == 24);

/// What a filter sees of an operation.
struct alignas(8) bpf_ctx {
    std::uint64_t user_data = 0;
    std::uint8_t opcode = 0;
    std::uint8_t sqe_flags = 0;
    /// How many bytes of the union the operation has.
    std::uint8_t pdu_size = 0;
    std::uint8_t pad[5] = {};
    union {
        bpf_ctx_open open = {};
        bpf_ctx_socket socket;
        bpf_ctx_connect connect;
    };
};

static_assert(sizeof(bpf_ctx) == 40 && __builtin_offsetof(bpf_ctx, open) == 16);

/// One filter for one operation.
struct alignas(8) bpf_filter {
    /// One of abi::opcode.
    std::uint32_t opcode = 0;
    /// bpf_filter_... bits.
    std::uint32_t flags = 0;
    /// How many instructions.
    std::uint32_t filter_len = 0;
    /// The bpf_ctx::pdu_size that the filter was written for.
    std::uint8_t pdu_size = 0;
    std::uint8_t resv[3] = {};
    /// Address of the instructions.
    std::uint64_t filter_ptr = 0;
    std::uint64_t resv2[5] = {};
};

static_assert(sizeof(bpf_filter) == 64 && __builtin_offsetof(bpf_filter, filter_ptr) == 16);

/// bpf_filter::flags: operations without a filter are refused.
inline constexpr std::uint32_t bpf_filter_deny_rest = 1;
/// bpf_filter::flags: registering fails when the kernel's pdu_size is another.
inline constexpr std::uint32_t bpf_filter_sz_strict = 2;

/// register_bpf_filter.
struct alignas(8) bpf {
    /// One of bpf_cmd_...
    std::uint16_t cmd_type = 0;
    std::uint16_t cmd_flags = 0;
    std::uint32_t resv = 0;
    bpf_filter filter;
};

static_assert(sizeof(bpf) == 72 && __builtin_offsetof(bpf, filter) == 8);

/// bpf::cmd_type: attach a filter.
inline constexpr std::uint16_t bpf_cmd_filter = 1;

} // namespace lio::inline v0::abi
