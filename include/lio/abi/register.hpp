// What io_uring_register does, and the structures that it takes and fills, but for those that have a header of
// their own: buffers, query, zero_copy_receive, bpf_filter. The kernel's layout in our own words. Includes
// setup.hpp for the time. Whoever makes a structure owns it; the kernel reads it during the call only.
#pragma once

#include <lio/abi/setup.hpp>

#include <cstdint>

namespace lio::inline v0::abi {

/// The second argument of io_uring_register.
enum class register_opcode : std::uint32_t {
    // Since Linux 5.1.
    register_buffers = 0,
    unregister_buffers = 1,
    register_files = 2,
    unregister_files = 3,
    // Since Linux 5.2.
    register_eventfd = 4,
    unregister_eventfd = 5,
    // Since Linux 5.5.
    register_files_update = 6,
    // Since Linux 5.6.
    register_eventfd_async = 7,
    register_probe = 8,
    register_personality = 9,
    unregister_personality = 10,
    // Since Linux 5.10.
    register_restrictions = 11,
    register_enable_rings = 12,
    // Since Linux 5.13: the same as above, with tags.
    register_files2 = 13,
    register_files_update2 = 14,
    register_buffers2 = 15,
    register_buffers_update = 16,
    // Since Linux 5.14.
    register_iowq_aff = 17,
    unregister_iowq_aff = 18,
    // Since Linux 5.15.
    register_iowq_max_workers = 19,
    // Since Linux 5.18.
    register_ring_fds = 20,
    unregister_ring_fds = 21,
    // Since Linux 5.19.
    register_pbuf_ring = 22,
    unregister_pbuf_ring = 23,
    // Since Linux 6.0.
    register_sync_cancel = 24,
    register_file_alloc_range = 25,
    // Since Linux 6.8.
    register_pbuf_status = 26,
    // Since Linux 6.9.
    register_napi = 27,
    unregister_napi = 28,
    // Since Linux 6.12.
    register_clock = 29,
    register_clone_buffers = 30,
    // Since Linux 6.13, without a ring.
    register_send_msg_ring = 31,
    // Since Linux 6.15.
    register_zcrx_ifq = 32,
    // Since Linux 6.13.
    register_resize_rings = 33,
    register_mem_region = 34,
    // Since Linux 6.18, also without a ring.
    register_query = 35,
    // Since Linux 6.19.
    register_zcrx_ctrl = 36,
    // Since Linux 7.0.
    register_bpf_filter = 37,
};

/// The first number that is not a registration, in Linux 7.3.
inline constexpr std::uint32_t register_last = 38;

/// Added to a register_opcode: the descriptor is the number of a registered ring. Since Linux 6.3.
inline constexpr std::uint32_t register_use_registered_ring = 1U << 31;

// Files and buffers.

/// register_files_update in its first form; rsrc_update has the same layout and a plainer name.
struct alignas(8) files_update {
    std::uint32_t offset = 0;
    std::uint32_t resv = 0;
    /// Address of the descriptors.
    std::uint64_t fds = 0;
};

static_assert(sizeof(files_update) == 16 && __builtin_offsetof(files_update, fds) == 8);

/// In a list of descriptors: leave this slot as it is. Since Linux 5.12.
inline constexpr std::int32_t register_files_skip = -2;

/// register_files2, register_buffers2.
struct alignas(8) rsrc_register {
    std::uint32_t nr = 0;
    /// rsrc_register_... bits.
    std::uint32_t flags = 0;
    std::uint64_t resv2 = 0;
    /// Address of the descriptors or iovecs.
    std::uint64_t data = 0;
    /// Address of the tags, 64 bits each; 0 for none.
    std::uint64_t tags = 0;
};

static_assert(sizeof(rsrc_register) == 32 && __builtin_offsetof(rsrc_register, data) == 16);

/// rsrc_register::flags: empty slots, to be filled later. Since Linux 5.19.
inline constexpr std::uint32_t rsrc_register_sparse = 1U << 0;

/// register_files_update, and a ring's place in register_ring_fds (`offset` the place, `data` the descriptor).
struct alignas(8) rsrc_update {
    std::uint32_t offset = 0;
    std::uint32_t resv = 0;
    std::uint64_t data = 0;
};

static_assert(sizeof(rsrc_update) == 16 && __builtin_offsetof(rsrc_update, data) == 8);

/// register_files_update2, register_buffers_update.
struct alignas(8) rsrc_update2 {
    std::uint32_t offset = 0;
    std::uint32_t resv = 0;
    std::uint64_t data = 0;
    std::uint64_t tags = 0;
    std::uint32_t nr = 0;
    std::uint32_t resv2 = 0;
};

static_assert(sizeof(rsrc_update2) == 32 && __builtin_offsetof(rsrc_update2, nr) == 24);

/// register_file_alloc_range: the slots that the kernel may choose from itself. Since Linux 6.0.
struct alignas(8) file_index_range {
    std::uint32_t off = 0;
    std::uint32_t len = 0;
    std::uint64_t resv = 0;
};

static_assert(sizeof(file_index_range) == 16 && __builtin_offsetof(file_index_range, resv) == 8);

/// register_clone_buffers: the registered buffers of another ring. Since Linux 6.12.
struct clone_buffers {
    std::uint32_t src_fd = 0;
    /// register_src_... and register_dst_... bits.
    std::uint32_t flags = 0;
    std::uint32_t src_off = 0;
    std::uint32_t dst_off = 0;
    /// How many; 0 for all.
    std::uint32_t nr = 0;
    std::uint32_t pad[3] = {};
};

static_assert(sizeof(clone_buffers) == 32);

/// clone_buffers::flags: `src_fd` is the number of a registered ring. Since Linux 6.12.
inline constexpr std::uint32_t register_src_registered = 1U << 0;
/// clone_buffers::flags: slots that are in use get the new buffers. Since Linux 6.13.
inline constexpr std::uint32_t register_dst_replace = 1U << 1;

// What the kernel can do, and what it may.

/// register_probe: one operation.
struct probe_op {
    std::uint8_t op = 0;
    std::uint8_t resv = 0;
    /// op_... bits.
    std::uint16_t flags = 0;
    std::uint32_t resv2 = 0;
};

static_assert(sizeof(probe_op) == 8);

/// probe_op::flags: the kernel has it. Since Linux 5.6.
inline constexpr std::uint16_t op_supported = 1U << 0;

/// register_probe: the head; its operations follow it in memory.
struct probe {
    /// The highest operation of this kernel.
    std::uint8_t last_op = 0;
    /// How many follow.
    std::uint8_t ops_len = 0;
    std::uint16_t resv = 0;
    std::uint32_t resv2[3] = {};

    /// The first of the operations. There are as many as the caller made room for behind the head.
    probe_op* ops() noexcept { return reinterpret_cast<probe_op*>(this + 1); }
    const probe_op* ops() const noexcept { return reinterpret_cast<const probe_op*>(this + 1); }
};

static_assert(sizeof(probe) == 16 && alignof(probe) == 4);

/// register_restrictions: one thing that the ring may do, or must. Since Linux 5.10.
struct restriction {
    /// One of restriction_...
    std::uint16_t opcode = 0;
    union {
        std::uint8_t register_op = 0;
        std::uint8_t sqe_op;
        std::uint8_t sqe_flags;
    };
    std::uint8_t resv = 0;
    std::uint32_t resv2[3] = {};
};

static_assert(sizeof(restriction) == 16 && __builtin_offsetof(restriction, sqe_op) == 2);

/// restriction::opcode: this register_opcode is allowed.
inline constexpr std::uint16_t restriction_register_op = 0;
/// restriction::opcode: this operation is allowed.
inline constexpr std::uint16_t restriction_sqe_op = 1;
/// restriction::opcode: these sqe_... flags are allowed.
inline constexpr std::uint16_t restriction_sqe_flags_allowed = 2;
/// restriction::opcode: these sqe_... flags must be set on every entry.
inline constexpr std::uint16_t restriction_sqe_flags_required = 3;
/// The first number that is not a restriction, in Linux 7.3.
inline constexpr std::uint16_t restriction_last = 4;

/// register_restrictions without a ring: for every ring that the task makes from now on. The restrictions follow
/// it in memory. Since Linux 7.0.
struct task_restriction {
    std::uint16_t flags = 0;
    /// How many follow.
    std::uint16_t nr_res = 0;
    std::uint32_t resv[3] = {};

    /// The first of them.
    restriction* restrictions() noexcept { return reinterpret_cast<restriction*>(this + 1); }
    const restriction* restrictions() const noexcept { return reinterpret_cast<const restriction*>(this + 1); }
};

static_assert(sizeof(task_restriction) == 16 && alignof(task_restriction) == 4);

// How the ring waits and works.

/// register_clock: the clock of timed waits. Since Linux 6.12.
struct clock_register {
    /// CLOCK_MONOTONIC or CLOCK_BOOTTIME.
    std::uint32_t clockid = 0;
    std::uint32_t resv[3] = {};
};

static_assert(sizeof(clock_register) == 16);

/// register_napi, unregister_napi: waits poll the network devices for a while. Since Linux 6.9.
struct napi {
    /// Microseconds.
    std::uint32_t busy_poll_to = 0;
    std::uint8_t prefer_busy_poll = 0;
    /// One of napi_register_op, napi_static_...
    std::uint8_t opcode = 0;
    std::uint8_t pad[2] = {};
    /// A napi_tracking_... with napi_register_op, else the number of a device's queue.
    std::uint32_t op_param = 0;
    std::uint32_t resv = 0;
};

static_assert(sizeof(napi) == 16 && __builtin_offsetof(napi, op_param) == 8);

/// napi::opcode: set up, in the way that op_param says.
inline constexpr std::uint8_t napi_register_op = 0;
/// napi::opcode: add a queue to those that are polled.
inline constexpr std::uint8_t napi_static_add_id = 1;
/// napi::opcode: take a queue out again.
inline constexpr std::uint8_t napi_static_del_id = 2;

/// napi::op_param: the kernel polls the queues that the ring's sockets use.
inline constexpr std::uint32_t napi_tracking_dynamic = 0;
/// napi::op_param: the kernel polls the queues that were added.
inline constexpr std::uint32_t napi_tracking_static = 1;
/// napi::op_param: no polling.
inline constexpr std::uint32_t napi_tracking_inactive = 255;

/// register_sync_cancel: cancels and waits until what was cancelled has ended. Since Linux 6.0.
struct alignas(8) sync_cancel_reg {
    /// The user_data to look for.
    std::uint64_t addr = 0;
    std::int32_t fd = 0;
    /// async_cancel_... bits.
    std::uint32_t flags = 0;
    /// -1 and -1 to wait without limit.
    kernel_timespec timeout;
    /// The operation to look for, with async_cancel_op. Since Linux 6.6.
    std::uint8_t opcode = 0;
    std::uint8_t pad[7] = {};
    std::uint64_t pad2[3] = {};
};

static_assert(sizeof(sync_cancel_reg) == 64 && __builtin_offsetof(sync_cancel_reg, timeout) == 16);
static_assert(__builtin_offsetof(sync_cancel_reg, pad2) == 40);

/// register_iowq_max_workers takes two numbers. The first: workers for what ends in bounded time, such as
/// reading a regular file.
inline constexpr std::uint32_t io_wq_bound = 0;
/// The second: workers for what can take for ever, such as reading a socket.
inline constexpr std::uint32_t io_wq_unbound = 1;

// Memory that program and kernel share.

/// A piece of memory, given by the program or made by the kernel and then mapped. Since Linux 6.13.
struct alignas(8) region_desc {
    /// Where it is, with mem_region_type_user.
    std::uint64_t user_addr = 0;
    std::uint64_t size = 0;
    /// mem_region_type_... bits.
    std::uint32_t flags = 0;
    std::uint32_t id = 0;
    /// Where to map it on the ring's descriptor; from the kernel.
    std::uint64_t mmap_offset = 0;
    std::uint64_t resv[4] = {};
};

static_assert(sizeof(region_desc) == 64 && __builtin_offsetof(region_desc, mmap_offset) == 24);

/// region_desc::flags: the program's own memory at `user_addr`. Since Linux 6.13.
inline constexpr std::uint32_t mem_region_type_user = 1;

/// register_mem_region. Since Linux 6.13.
struct alignas(8) mem_region_reg {
    /// Address of a region_desc.
    std::uint64_t region_uptr = 0;
    /// mem_region_reg_... bits.
    std::uint64_t flags = 0;
    std::uint64_t resv[2] = {};
};

static_assert(sizeof(mem_region_reg) == 32 && __builtin_offsetof(mem_region_reg, flags) == 8);

/// mem_region_reg::flags: it holds reg_wait structures, for enter_ext_arg_reg. Since Linux 6.13.
inline constexpr std::uint64_t mem_region_reg_wait_arg = 1;

} // namespace lio::inline v0::abi
