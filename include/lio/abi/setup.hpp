// What io_uring_setup and io_uring_enter take and give, the places to map, and the flag words of the mapped
// rings. The kernel's layout in our own words. Includes <cstdint> only. The flag words are shared with the
// kernel: whoever reads them does so atomically.
#pragma once

#include <lio/detail/language.hpp>

#include <cstdint>

namespace lio::inline v0::abi {

/// Where the fields of the submission ring lie, in bytes from the start of its mapping. Filled by the kernel.
struct alignas(8) sqring_offsets {
    std::uint32_t head = 0;
    std::uint32_t tail = 0;
    std::uint32_t ring_mask = 0;
    std::uint32_t ring_entries = 0;
    /// The word with the sq_... bits.
    std::uint32_t flags = 0;
    /// How many entries the kernel threw away because their index was out of range.
    std::uint32_t dropped = 0;
    /// The indices of the entries; not there with setup_no_sqarray.
    std::uint32_t array = 0;
    std::uint32_t resv1 = 0;
    /// With setup_no_mmap: the program's memory for the entries.
    std::uint64_t user_addr = 0;
};

static_assert(sizeof(sqring_offsets) == 40 && __builtin_offsetof(sqring_offsets, user_addr) == 32);

/// Where the fields of the completion ring lie, in bytes from the start of its mapping. Filled by the kernel.
struct alignas(8) cqring_offsets {
    std::uint32_t head = 0;
    std::uint32_t tail = 0;
    std::uint32_t ring_mask = 0;
    std::uint32_t ring_entries = 0;
    /// How many completions were lost because the ring was full; none with feat_nodrop.
    std::uint32_t overflow = 0;
    std::uint32_t cqes = 0;
    /// The word with the cq_... bits; 0 when the kernel has none.
    std::uint32_t flags = 0;
    std::uint32_t resv1 = 0;
    /// With setup_no_mmap: the program's memory for both rings.
    std::uint64_t user_addr = 0;
};

static_assert(sizeof(cqring_offsets) == 40 && __builtin_offsetof(cqring_offsets, user_addr) == 32);

/// The argument of io_uring_setup: wishes in, facts out.
struct alignas(8) params {
    std::uint32_t sq_entries = 0;
    std::uint32_t cq_entries = 0;
    /// setup_... bits.
    std::uint32_t flags = 0;
    std::uint32_t sq_thread_cpu = 0;
    /// Milliseconds after which an idle submission thread goes to sleep.
    std::uint32_t sq_thread_idle = 0;
    /// feat_... bits, from the kernel.
    std::uint32_t features = 0;
    /// The ring whose workers are shared, with setup_attach_wq.
    std::uint32_t wq_fd = 0;
    std::uint32_t resv[3] = {};
    sqring_offsets sq_off;
    cqring_offsets cq_off;
};

static_assert(sizeof(params) == 120);
static_assert(__builtin_offsetof(params, sq_off) == 40 && __builtin_offsetof(params, cq_off) == 80);

// params::flags.

/// Completions are polled for at the device, not announced by interrupts. Since Linux 5.1.
inline constexpr std::uint32_t setup_iopoll = 1U << 0;
/// A kernel thread takes the submissions. Since Linux 5.1.
inline constexpr std::uint32_t setup_sqpoll = 1U << 1;
/// That thread stays on the CPU params::sq_thread_cpu. Since Linux 5.1.
inline constexpr std::uint32_t setup_sq_aff = 1U << 2;
/// params::cq_entries is the size of the completion ring. Since Linux 5.5.
inline constexpr std::uint32_t setup_cqsize = 1U << 3;
/// Sizes above the limit become the limit. Since Linux 5.6.
inline constexpr std::uint32_t setup_clamp = 1U << 4;
/// Worker threads are those of the ring params::wq_fd. Since Linux 5.6.
inline constexpr std::uint32_t setup_attach_wq = 1U << 5;
/// Starts disabled, until register_enable_rings. Since Linux 5.10.
inline constexpr std::uint32_t setup_r_disabled = 1U << 6;
/// An entry with an error does not stop the submission of those after it. Since Linux 5.18.
inline constexpr std::uint32_t setup_submit_all = 1U << 7;
/// Finished work waits until the task enters the kernel, instead of interrupting it. Since Linux 5.19.
inline constexpr std::uint32_t setup_coop_taskrun = 1U << 8;
/// sq_taskrun tells that finished work waits. Since Linux 5.19.
inline constexpr std::uint32_t setup_taskrun_flag = 1U << 9;
/// Submission entries of 128 bytes. Since Linux 5.19.
inline constexpr std::uint32_t setup_sqe128 = 1U << 10;
/// Completion entries of 32 bytes. Since Linux 5.19.
inline constexpr std::uint32_t setup_cqe32 = 1U << 11;
/// One thread submits, no other. Since Linux 6.0.
inline constexpr std::uint32_t setup_single_issuer = 1U << 12;
/// Finished work waits until that thread asks for completions. Since Linux 6.1.
inline constexpr std::uint32_t setup_defer_taskrun = 1U << 13;
/// The rings lie in memory of the program. Since Linux 6.5.
inline constexpr std::uint32_t setup_no_mmap = 1U << 14;
/// The ring has no descriptor, only a place among the registered rings. Since Linux 6.5.
inline constexpr std::uint32_t setup_registered_fd_only = 1U << 15;
/// No array of indices: entries are taken in order. Since Linux 6.6.
inline constexpr std::uint32_t setup_no_sqarray = 1U << 16;
/// Sleeps first, then polls; with setup_iopoll. Since Linux 6.13.
inline constexpr std::uint32_t setup_hybrid_iopoll = 1U << 17;
/// Completions of 16 and of 32 bytes in one ring. Since Linux 6.18.
inline constexpr std::uint32_t setup_cqe_mixed = 1U << 18;
/// Submission entries of 64 and of 128 bytes in one ring. Since Linux 6.19.
inline constexpr std::uint32_t setup_sqe_mixed = 1U << 19;
/// Each submission starts at the first slot again; head and tail stay 0. Since Linux 7.0.
inline constexpr std::uint32_t setup_sq_rewind = 1U << 20;

// params::features.

/// One mapping holds both rings. Since Linux 5.4.
inline constexpr std::uint32_t feat_single_mmap = 1U << 0;
/// Completions that do not fit are kept. Since Linux 5.5.
inline constexpr std::uint32_t feat_nodrop = 1U << 1;
/// What an entry points to need not outlive its submission (buffers must). Since Linux 5.5.
inline constexpr std::uint32_t feat_submit_stable = 1U << 2;
/// Offset -1 reads and writes at the file's position. Since Linux 5.6.
inline constexpr std::uint32_t feat_rw_cur_pos = 1U << 3;
/// Requests run with the credentials of whoever submits them. Since Linux 5.6.
inline constexpr std::uint32_t feat_cur_personality = 1U << 4;
/// A file that is not ready is polled, and costs no worker. Since Linux 5.7.
inline constexpr std::uint32_t feat_fast_poll = 1U << 5;
/// Poll masks have 32 bits. Since Linux 5.9.
inline constexpr std::uint32_t feat_poll_32bits = 1U << 6;
/// setup_sqpoll needs no registered files. Since Linux 5.11.
inline constexpr std::uint32_t feat_sqpoll_nonfixed = 1U << 7;
/// enter_ext_arg works. Since Linux 5.11.
inline constexpr std::uint32_t feat_ext_arg = 1U << 8;
/// Workers are threads of the program itself. Since Linux 5.12.
inline constexpr std::uint32_t feat_native_workers = 1U << 9;
/// Registered files and buffers can carry tags. Since Linux 5.13.
inline constexpr std::uint32_t feat_rsrc_tags = 1U << 10;
/// sqe_cqe_skip_success works. Since Linux 5.17.
inline constexpr std::uint32_t feat_cqe_skip = 1U << 11;
/// An entry's file is looked up when its turn comes, not before the chain starts. Since Linux 5.17.
inline constexpr std::uint32_t feat_linked_file = 1U << 12;
/// io_uring_register takes a registered ring. Since Linux 6.3.
inline constexpr std::uint32_t feat_reg_reg_ring = 1U << 13;
/// Sends and receives work with several buffers at once. Since Linux 6.10.
inline constexpr std::uint32_t feat_recvsend_bundle = 1U << 14;
/// A wait can have a shortest time. Since Linux 6.12.
inline constexpr std::uint32_t feat_min_timeout = 1U << 15;
/// Reads and writes can carry attributes. Since Linux 6.14.
inline constexpr std::uint32_t feat_rw_attr = 1U << 16;
/// enter_no_iowait works. Since Linux 6.15.
inline constexpr std::uint32_t feat_no_iowait = 1U << 17;

// Offsets for mmap(2) on the ring's descriptor.

/// The submission ring, and with feat_single_mmap the completion ring too.
inline constexpr std::uint64_t off_sq_ring = 0;
/// The completion ring.
inline constexpr std::uint64_t off_cq_ring = 0x8000000;
/// The submission entries.
inline constexpr std::uint64_t off_sqes = 0x10000000;
/// A buffer ring in the kernel's memory; the group's number goes above off_pbuf_shift. Since Linux 6.4.
inline constexpr std::uint64_t off_pbuf_ring = 0x80000000;
/// How far left the group's number is shifted.
inline constexpr std::uint32_t off_pbuf_shift = 16;
/// The bits of an offset that say which kind of memory is meant.
inline constexpr std::uint64_t off_mmap_mask = 0xf8000000;

// The submission ring's flag word, written by the kernel.

/// The submission thread sleeps and must be woken by enter_sq_wakeup. Since Linux 5.1.
inline constexpr std::uint32_t sq_need_wakeup = 1U << 0;
/// Completions are held back because their ring is full. Since Linux 5.8.
inline constexpr std::uint32_t sq_cq_overflow = 1U << 1;
/// Finished work waits for the task to enter; shown with setup_taskrun_flag. Since Linux 5.19.
inline constexpr std::uint32_t sq_taskrun = 1U << 2;

/// The completion ring's flag word, written by the program: completions do not signal the registered
/// eventfd. Since Linux 5.8.
inline constexpr std::uint32_t cq_eventfd_disabled = 1U << 0;

// The flags of io_uring_enter.

/// Wait for completions, and run the work that waits. Since Linux 5.1.
inline constexpr std::uint32_t enter_getevents = 1U << 0;
/// Wake the submission thread. Since Linux 5.1.
inline constexpr std::uint32_t enter_sq_wakeup = 1U << 1;
/// Wait until the submission thread has made room. Since Linux 5.10.
inline constexpr std::uint32_t enter_sq_wait = 1U << 2;
/// The fifth argument is a getevents_arg. Since Linux 5.11.
inline constexpr std::uint32_t enter_ext_arg = 1U << 3;
/// The descriptor is the number of a registered ring. Since Linux 5.18.
inline constexpr std::uint32_t enter_registered_ring = 1U << 4;
/// The time is a point on the ring's clock, not a span. Since Linux 6.12.
inline constexpr std::uint32_t enter_abs_timer = 1U << 5;
/// The fifth argument is the offset of a reg_wait in registered memory; enter_ext_arg must be set too.
/// Since Linux 6.13.
inline constexpr std::uint32_t enter_ext_arg_reg = 1U << 6;
/// The wait does not count as waiting for input or output. Since Linux 6.15.
inline constexpr std::uint32_t enter_no_iowait = 1U << 7;

/// Seconds and nanoseconds as every operation with a time reads them, 64-bit on 32-bit machines too.
struct alignas(8) kernel_timespec {
    std::int64_t tv_sec = 0;
    std::int64_t tv_nsec = 0;
};

static_assert(sizeof(kernel_timespec) == 16 && __builtin_offsetof(kernel_timespec, tv_nsec) == 8);

/// A wait with a time-out, a signal mask or both, with enter_ext_arg. Since Linux 5.11.
struct alignas(8) getevents_arg {
    /// Address of the mask; 0 for none.
    std::uint64_t sigmask = 0;
    /// The kernel's size of a mask (8), not the C library's.
    std::uint32_t sigmask_sz = 0;
    /// Microseconds in which only the full number of completions ends the wait. Since Linux 6.12.
    std::uint32_t min_wait_usec = 0;
    /// Address of a kernel_timespec; 0 for no limit.
    std::uint64_t ts = 0;
};

static_assert(sizeof(getevents_arg) == 24 && __builtin_offsetof(getevents_arg, ts) == 16);

/// The same in memory that was registered once, with enter_ext_arg_reg. Since Linux 6.13.
struct alignas(8) reg_wait {
    kernel_timespec ts;
    std::uint32_t min_wait_usec = 0;
    /// reg_wait_... bits.
    std::uint32_t flags = 0;
    std::uint64_t sigmask = 0;
    std::uint32_t sigmask_sz = 0;
    std::uint32_t pad[3] = {};
    std::uint64_t pad2[2] = {};
};

static_assert(sizeof(reg_wait) == 64 && __builtin_offsetof(reg_wait, sigmask) == 24);
static_assert(__builtin_offsetof(reg_wait, pad2) == 48);

/// reg_wait::flags: reg_wait::ts counts. Since Linux 6.13.
inline constexpr std::uint32_t reg_wait_ts = 1U << 0;

} // namespace lio::inline v0::abi
