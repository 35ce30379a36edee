// register_query: the kernel says what it can do, without a ring. The kernel's layout in our own words. Includes
// <cstdint> only. Whoever makes a structure owns it; the kernel fills it during the call. Since Linux 6.18.
#pragma once

#include <lio/detail/language.hpp>

#include <cstdint>

namespace lio::inline v0::abi {

/// One question; several form a list.
struct alignas(8) query_hdr {
    /// Address of the next question; 0 after the last.
    std::uint64_t next_entry = 0;
    /// Address of the structure to fill.
    std::uint64_t query_data = 0;
    /// One of query_op_...
    std::uint32_t query_op = 0;
    /// The structure's size: the caller's in, the kernel's out.
    std::uint32_t size = 0;
    /// 0 or a negative errno, from the kernel.
    std::int32_t result = 0;
    std::uint32_t resv[3] = {};
};

static_assert(sizeof(query_hdr) == 40 && __builtin_offsetof(query_hdr, query_op) == 16);

// query_hdr::query_op. The kernel's names would be those of the structures below, hence the "op" in them.

/// What rings can do: query_opcode.
inline constexpr std::uint32_t query_op_opcodes = 0;
/// What zero-copy receive can do: query_zcrx.
inline constexpr std::uint32_t query_op_zcrx = 1;
/// How the rings' memory is laid out: query_scq.
inline constexpr std::uint32_t query_op_scq = 2;
/// What zero-copy receive can report: query_zcrx_event.
inline constexpr std::uint32_t query_op_zcrx_event = 3;
/// The first number that is not a question, in Linux 7.3.
inline constexpr std::uint32_t query_max = 4;

/// The answer to query_op_opcodes: numbers of operations, and masks of the flags that this kernel knows.
struct alignas(8) query_opcode {
    std::uint32_t nr_request_opcodes = 0;
    std::uint32_t nr_register_opcodes = 0;
    std::uint64_t feature_flags = 0;
    std::uint64_t ring_setup_flags = 0;
    std::uint64_t enter_flags = 0;
    std::uint64_t sqe_flags = 0;
    std::uint32_t nr_query_opcodes = 0;
    std::uint32_t pad = 0;
};

static_assert(sizeof(query_opcode) == 48 && __builtin_offsetof(query_opcode, feature_flags) == 8);

/// The answer to query_op_zcrx.
struct alignas(8) query_zcrx {
    /// zcrx_reg_... bits.
    std::uint64_t register_flags = 0;
    /// zcrx_area_... bits.
    std::uint64_t area_flags = 0;
    std::uint32_t nr_ctrl_opcodes = 0;
    /// zcrx_feature_... bits.
    std::uint32_t features = 0;
    /// Size and alignment of what precedes the entries of the refill ring.
    std::uint32_t rq_hdr_size = 0;
    std::uint32_t rq_hdr_alignment = 0;
    std::uint64_t resv2 = 0;
};

static_assert(sizeof(query_zcrx) == 40 && __builtin_offsetof(query_zcrx, resv2) == 32);

/// The answer to query_op_zcrx_event.
struct alignas(8) query_zcrx_event {
    /// A mask of the events, each at the bit of its zcrx_event_... number.
    std::uint32_t event_flags = 0;
    /// Size and alignment of a zcrx_stats.
    std::uint32_t stats_size = 0;
    std::uint32_t stats_off_alignment = 0;
    std::uint32_t resv1 = 0;
    std::uint64_t resv2[4] = {};
};

static_assert(sizeof(query_zcrx_event) == 48 && __builtin_offsetof(query_zcrx_event, resv2) == 16);

/// The answer to query_op_scq: size and alignment of what precedes the entries of the rings.
struct alignas(8) query_scq {
    std::uint64_t hdr_size = 0;
    std::uint64_t hdr_alignment = 0;
};

static_assert(sizeof(query_scq) == 16 && __builtin_offsetof(query_scq, hdr_alignment) == 8);

} // namespace lio::inline v0::abi
