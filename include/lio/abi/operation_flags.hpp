// What single operations put into their entries and find in their completions: flags, commands and the few
// structures that they point to. Grouped by operation. Includes <cstdint> only; nothing but constants and layouts.
#pragma once

#include <lio/detail/language.hpp>

#include <cstdint>

namespace lio::inline v0::abi {

// nop: sqe::nop_flags.

/// The result is the number in sqe::len. Since Linux 6.10.
inline constexpr std::uint32_t nop_inject_result = 1U << 0;
/// Looks up sqe::fd, as an operation on a file would. Since Linux 6.13.
inline constexpr std::uint32_t nop_file = 1U << 1;
/// With nop_file: sqe::fd is a slot of the registered files. Since Linux 6.13.
inline constexpr std::uint32_t nop_fixed_file = 1U << 2;
/// Looks up the registered buffer sqe::buf_index. Since Linux 6.13.
inline constexpr std::uint32_t nop_fixed_buffer = 1U << 3;
/// Completes from task work, not at once. Since Linux 6.16.
inline constexpr std::uint32_t nop_tw = 1U << 4;
/// Answers with a 32-byte completion. Since Linux 6.18.
inline constexpr std::uint32_t nop_cqe32 = 1U << 5;

// Reads and writes with attributes.

/// sqe::attr_type_mask: sqe::attr_ptr points to an attr_pi. Since Linux 6.14.
inline constexpr std::uint64_t rw_attr_flag_pi = 1U << 0;

/// The protection information that goes with a block of data.
struct alignas(8) attr_pi {
    /// Which of its parts the device checks.
    std::uint16_t flags = 0;
    std::uint16_t app_tag = 0;
    /// Size in bytes of what `addr` points to.
    std::uint32_t len = 0;
    std::uint64_t addr = 0;
    /// Where the reference tags start counting.
    std::uint64_t seed = 0;
    std::uint64_t rsvd = 0;
};

static_assert(sizeof(attr_pi) == 32 && __builtin_offsetof(attr_pi, addr) == 8);

/// fsync, sqe::fsync_flags: only what is needed to read the data again, as fdatasync(2). Since Linux 5.1.
inline constexpr std::uint32_t fsync_datasync = 1U << 0;

/// splice and tee, sqe::splice_flags: the input is a slot of the registered files. Since Linux 5.7.
inline constexpr std::uint32_t splice_f_fd_in_fixed = 1U << 31;

// timeout, timeout_remove, link_timeout: sqe::timeout_flags.

/// The time is a point on the clock, not a span. Since Linux 5.4.
inline constexpr std::uint32_t timeout_abs = 1U << 0;
/// timeout_remove gives a timeout a new time instead of removing it. Since Linux 5.11.
inline constexpr std::uint32_t timeout_update = 1U << 1;
/// The clock that counts sleep too. Since Linux 5.15.
inline constexpr std::uint32_t timeout_boottime = 1U << 2;
/// The wall clock. Since Linux 5.15.
inline constexpr std::uint32_t timeout_realtime = 1U << 3;
/// timeout_remove gives a link_timeout a new time. Since Linux 5.15.
inline constexpr std::uint32_t link_timeout_update = 1U << 4;
/// Running out counts as success: a chain goes on. Since Linux 5.16.
inline constexpr std::uint32_t timeout_etime_success = 1U << 5;
/// Runs out again and again. Since Linux 6.4.
inline constexpr std::uint32_t timeout_multishot = 1U << 6;
/// sqe::addr holds nanoseconds, not an address. Since Linux 7.1.
inline constexpr std::uint32_t timeout_immediate_arg = 1U << 7;
/// The bits that choose a clock; at most one of them.
inline constexpr std::uint32_t timeout_clock_mask = timeout_boottime | timeout_realtime;
/// The bits that make a removal an update.
inline constexpr std::uint32_t timeout_update_mask = timeout_update | link_timeout_update;

// poll_add, poll_remove: sqe::len, because the events take the flags' place.

/// Reports again and again. Since Linux 5.13.
inline constexpr std::uint32_t poll_add_multi = 1U << 0;
/// poll_remove changes the events instead. Since Linux 5.13.
inline constexpr std::uint32_t poll_update_events = 1U << 1;
/// poll_remove changes the number that the completions carry. Since Linux 5.13.
inline constexpr std::uint32_t poll_update_user_data = 1U << 2;
/// Reports as long as the state lasts, not only when it changes. Since Linux 6.0.
inline constexpr std::uint32_t poll_add_level = 1U << 3;

// async_cancel: sqe::cancel_flags, and sync_cancel_reg::flags.

/// All that match, not only the first. Since Linux 5.19.
inline constexpr std::uint32_t async_cancel_all = 1U << 0;
/// What works on the file sqe::fd. Since Linux 5.19.
inline constexpr std::uint32_t async_cancel_fd = 1U << 1;
/// Everything matches. Since Linux 5.19.
inline constexpr std::uint32_t async_cancel_any = 1U << 2;
/// sqe::fd is a slot of the registered files. Since Linux 6.0.
inline constexpr std::uint32_t async_cancel_fd_fixed = 1U << 3;
/// user_data must match too; the rule when nothing else is asked. Since Linux 6.6.
inline constexpr std::uint32_t async_cancel_userdata = 1U << 4;
/// The operation in sqe::len must match. Since Linux 6.6.
inline constexpr std::uint32_t async_cancel_op = 1U << 5;

// send, sendmsg, recv, recvmsg and their kin: sqe::ioprio.

/// Waits until the socket is ready without a first try. Since Linux 5.19.
inline constexpr std::uint16_t recvsend_poll_first = 1U << 0;
/// Receives again and again, each time into another buffer. Since Linux 6.0.
inline constexpr std::uint16_t recv_multishot = 1U << 1;
/// The data lies in the registered buffer sqe::buf_index. Of zero-copy sends since Linux 6.0, of others since 7.2.
inline constexpr std::uint16_t recvsend_fixed_buf = 1U << 2;
/// The notification of a zero-copy send says whether the data was copied after all. Since Linux 6.2.
inline constexpr std::uint16_t send_zc_report_usage = 1U << 3;
/// Takes as many buffers of the group as it can use; their numbers follow one another. Since Linux 6.10.
inline constexpr std::uint16_t recvsend_bundle = 1U << 4;
/// sqe::addr points to an array of iovec. Since Linux 6.17.
inline constexpr std::uint16_t send_vectorized = 1U << 5;

/// cqe::res of a notification asked for with send_zc_report_usage: the data was copied, at least in part.
/// Since Linux 6.2.
inline constexpr std::uint32_t notif_usage_zc_copied = 1U << 31;

/// What the kernel puts in front of each message that a multishot recvmsg receives: name, control data and
/// payload follow, the first two in the room that the msghdr gave them. Since Linux 6.0.
struct recvmsg_out {
    /// The sender's address; more than the room for it means that it was cut short.
    std::uint32_t namelen = 0;
    std::uint32_t controllen = 0;
    std::uint32_t payloadlen = 0;
    /// MSG_... bits.
    std::uint32_t flags = 0;
};

static_assert(sizeof(recvmsg_out) == 16);

// accept: sqe::ioprio.

/// Accepts again and again. Since Linux 5.19.
inline constexpr std::uint16_t accept_multishot = 1U << 0;
/// Does not wait for a connection. Since Linux 6.10.
inline constexpr std::uint16_t accept_dontwait = 1U << 1;
/// Waits for a connection without a first try. Since Linux 6.10.
inline constexpr std::uint16_t accept_poll_first = 1U << 2;

// msg_ring: what is sent, in sqe::addr.

/// A result and a user_data. Since Linux 5.18.
inline constexpr std::uint64_t msg_data = 0;
/// A registered file. Since Linux 6.0.
inline constexpr std::uint64_t msg_send_fd = 1;

// msg_ring: sqe::msg_ring_flags.

/// The other ring gets no completion; not with msg_data. Since Linux 6.0.
inline constexpr std::uint32_t msg_ring_cqe_skip = 1U << 0;
/// sqe::file_index becomes the completion's flags. Since Linux 6.3.
inline constexpr std::uint32_t msg_ring_flags_pass = 1U << 1;

/// fixed_fd_install, sqe::install_fd_flags: the descriptor survives exec. Since Linux 6.8.
inline constexpr std::uint32_t fixed_fd_no_cloexec = 1U << 0;

// uring_cmd: sqe::uring_cmd_flags.

/// The command's data lies in the registered buffer sqe::buf_index. Since Linux 6.1.
inline constexpr std::uint32_t uring_cmd_fixed = 1U << 0;
/// The command completes again and again. Since Linux 6.18.
inline constexpr std::uint32_t uring_cmd_multishot = 1U << 1;
/// The bits that a program may set.
inline constexpr std::uint32_t uring_cmd_mask = uring_cmd_fixed | uring_cmd_multishot;

// uring_cmd on a socket: sqe::command.cmd_op.

/// How many bytes wait to be read. Since Linux 6.6.
inline constexpr std::uint32_t socket_uring_op_siocinq = 0;
/// How many bytes wait to be sent. Since Linux 6.6.
inline constexpr std::uint32_t socket_uring_op_siocoutq = 1;
/// As getsockopt(2). Since Linux 6.7.
inline constexpr std::uint32_t socket_uring_op_getsockopt = 2;
/// As setsockopt(2). Since Linux 6.7.
inline constexpr std::uint32_t socket_uring_op_setsockopt = 3;
/// Reports when packets left, in 32-byte completions. Since Linux 6.17.
inline constexpr std::uint32_t socket_uring_op_tx_timestamp = 4;
/// As getsockname(2) and getpeername(2). Since Linux 6.19.
inline constexpr std::uint32_t socket_uring_op_getsockname = 5;

// The completions of socket_uring_op_tx_timestamp: cqe::flags. Since Linux 6.17.

/// The bit that says whether the network card took the time.
inline constexpr std::uint32_t timestamp_hw_shift = 16;
/// From this bit on: at which point of its way the packet was.
inline constexpr std::uint32_t timestamp_type_shift = timestamp_hw_shift + 1;
/// The network card took the time.
inline constexpr std::uint32_t cqe_f_tstamp_hw = 1U << timestamp_hw_shift;

/// The time itself, in the completion's second half (cqe32::big_cqe).
struct alignas(8) timespec_64 {
    std::uint64_t tv_sec = 0;
    std::uint64_t tv_nsec = 0;
};

static_assert(sizeof(timespec_64) == 16 && __builtin_offsetof(timespec_64, tv_nsec) == 8);

} // namespace lio::inline v0::abi
