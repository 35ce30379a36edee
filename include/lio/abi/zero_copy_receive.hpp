// Zero-copy receive: a network card's queue writes packets straight into the program's memory, and a refill ring
// gives the memory back. The kernel's layout in our own words. Includes <cstdint> only. The program writes the refill
// ring's entries and tail, the kernel its head. Since Linux 6.15; what came later says so.
#pragma once

#include <lio/detail/language.hpp>

#include <cstdint>

namespace lio::inline v0::abi {

/// One entry of the refill ring: memory that the card may fill again.
struct alignas(8) zcrx_rqe {
    /// As it came in the completion, with the area's number in its upper bits.
    std::uint64_t off = 0;
    std::uint32_t len = 0;
    std::uint32_t pad = 0;
};

static_assert(sizeof(zcrx_rqe) == 16 && __builtin_offsetof(zcrx_rqe, len) == 8);

/// The second half of a receive's 32-byte completion: where the data is.
struct alignas(8) zcrx_cqe {
    std::uint64_t off = 0;
    std::uint64_t pad = 0;
};

static_assert(sizeof(zcrx_cqe) == 16);

/// The area's number in an offset starts at this bit.
inline constexpr std::uint32_t zcrx_area_shift = 48;
/// The bits of an offset that are the area's number.
inline constexpr std::uint64_t zcrx_area_mask = ~((std::uint64_t{1} << zcrx_area_shift) - 1);

/// Where the fields of the refill ring lie, in bytes from the start of its region. Filled by the kernel.
struct alignas(8) zcrx_offsets {
    std::uint32_t head = 0;
    std::uint32_t tail = 0;
    std::uint32_t rqes = 0;
    std::uint32_t resv2 = 0;
    std::uint64_t resv[2] = {};
};

static_assert(sizeof(zcrx_offsets) == 32 && __builtin_offsetof(zcrx_offsets, resv) == 16);

/// The memory that packets are written to.
struct alignas(8) zcrx_area_reg {
    std::uint64_t addr = 0;
    std::uint64_t len = 0;
    /// The area's number, in place for zcrx_rqe::off; from the kernel.
    std::uint64_t rq_area_token = 0;
    /// zcrx_area_... bits.
    std::uint32_t flags = 0;
    std::uint32_t dmabuf_fd = 0;
    std::uint64_t resv2[2] = {};
};

static_assert(sizeof(zcrx_area_reg) == 48 && __builtin_offsetof(zcrx_area_reg, flags) == 24);

/// zcrx_area_reg::flags: the memory is the DMA buffer `dmabuf_fd`.
inline constexpr std::uint32_t zcrx_area_dmabuf = 1;

/// register_zcrx_ifq.
struct alignas(8) zcrx_ifq_reg {
    /// The network interface's number.
    std::uint32_t if_idx = 0;
    /// The number of its receive queue.
    std::uint32_t if_rxq = 0;
    std::uint32_t rq_entries = 0;
    /// zcrx_reg_... bits.
    std::uint32_t flags = 0;
    /// Address of a zcrx_area_reg.
    std::uint64_t area_ptr = 0;
    /// Address of a region_desc: the refill ring's memory.
    std::uint64_t region_ptr = 0;
    zcrx_offsets offsets;
    /// The number of what was registered; from the kernel.
    std::uint32_t zcrx_id = 0;
    /// The size of one buffer, with zcrx_feature_rx_page_size; 0 for the kernel's choice.
    std::uint32_t rx_buf_len = 0;
    /// Address of a zcrx_event_desc; 0 for none.
    std::uint64_t event_desc = 0;
    std::uint64_t resv[2] = {};
};

static_assert(sizeof(zcrx_ifq_reg) == 96 && __builtin_offsetof(zcrx_ifq_reg, offsets) == 32);
static_assert(__builtin_offsetof(zcrx_ifq_reg, event_desc) == 72);

/// zcrx_ifq_reg::flags: another ring's, by the descriptor that zcrx_ctrl_op_export gave.
inline constexpr std::uint32_t zcrx_reg_import = 1;
/// zcrx_ifq_reg::flags: no network card; everything is copied.
inline constexpr std::uint32_t zcrx_reg_nodev = 2;

/// query_zcrx::features: the size of a buffer can be chosen.
inline constexpr std::uint32_t zcrx_feature_rx_page_size = 1U << 0;
/// query_zcrx::features: events can be reported.
inline constexpr std::uint32_t zcrx_feature_event = 1U << 1;

// Events: completions that say that something went less well than it should.

/// How much had to be copied. Kept up to date by the kernel.
struct alignas(8) zcrx_stats {
    std::uint64_t copy_count = 0;
    std::uint64_t copy_bytes = 0;
};

static_assert(sizeof(zcrx_stats) == 16);

/// Which events are wanted, and how they look.
struct alignas(8) zcrx_event_desc {
    /// What an event's completion carries.
    std::uint64_t user_data = 0;
    /// A mask of the events, each at the bit of its zcrx_event_... number.
    std::uint32_t type_mask = 0;
    /// zcrx_event_desc_flag_... bits.
    std::uint32_t flags = 0;
    /// Where in the refill ring's region the zcrx_stats are to be kept.
    std::uint64_t stats_offset = 0;
    std::uint64_t resv2[9] = {};
};

static_assert(sizeof(zcrx_event_desc) == 96 && __builtin_offsetof(zcrx_event_desc, stats_offset) == 16);

/// Event: no buffer was left to receive into.
inline constexpr std::uint32_t zcrx_event_alloc_fail = 0;
/// Event: data was copied.
inline constexpr std::uint32_t zcrx_event_copy = 1;
/// The first number that is not an event, in Linux 7.3.
inline constexpr std::uint32_t zcrx_event_type_last = 2;

/// zcrx_event_desc::flags: keep a zcrx_stats at `stats_offset`.
inline constexpr std::uint32_t zcrx_event_desc_flag_stats = 1;

// The structures of register_zcrx_ctrl share their place, so they have no initial values of their own.

/// zcrx_ctrl_op_flush_rq.
struct alignas(8) zcrx_ctrl_flush_rq {
    std::uint64_t resv[6];
};

static_assert(sizeof(zcrx_ctrl_flush_rq) == 48);

/// zcrx_ctrl_op_export.
struct zcrx_ctrl_export {
    /// From the kernel.
    std::uint32_t zcrx_fd;
    std::uint32_t resv1[11];
};

static_assert(sizeof(zcrx_ctrl_export) == 48);

/// zcrx_ctrl_op_arm_event.
struct zcrx_ctrl_arm_event {
    /// One of zcrx_event_...
    std::uint32_t event_type;
    std::uint32_t resv[11];
};

static_assert(sizeof(zcrx_ctrl_arm_event) == 48);

/// zcrx_ctrl_op_add_area.
struct alignas(8) zcrx_ctrl_add_area {
    /// Address of a zcrx_area_reg.
    std::uint64_t area_ptr;
    std::uint64_t resv[5];
};

static_assert(sizeof(zcrx_ctrl_add_area) == 48);

/// register_zcrx_ctrl. Since Linux 6.19.
struct alignas(8) zcrx_ctrl {
    std::uint32_t zcrx_id = 0;
    /// One of zcrx_ctrl_op_...
    std::uint32_t op = 0;
    std::uint64_t resv[2] = {};
    union {
        zcrx_ctrl_flush_rq zc_flush = {};
        zcrx_ctrl_export zc_export;
        zcrx_ctrl_arm_event zc_arm_event;
        zcrx_ctrl_add_area zc_area;
    };
};

static_assert(sizeof(zcrx_ctrl) == 72 && __builtin_offsetof(zcrx_ctrl, zc_flush) == 24);

// zcrx_ctrl::op. The kernel's names would be those of the structures above, hence the "op" in them.

/// Take what is in the refill ring now.
inline constexpr std::uint32_t zcrx_ctrl_op_flush_rq = 0;
/// Give a descriptor by which another ring can share it.
inline constexpr std::uint32_t zcrx_ctrl_op_export = 1;
/// Report this event when it happens next.
inline constexpr std::uint32_t zcrx_ctrl_op_arm_event = 2;
/// Add memory to receive into.
inline constexpr std::uint32_t zcrx_ctrl_op_add_area = 3;
/// The first number that is not a control, in Linux 7.3.
inline constexpr std::uint32_t zcrx_ctrl_last = 4;

} // namespace lio::inline v0::abi
