// What passes through the two queues: the submission entry (SQE) and the completion entry (CQE), with their
// flags. The kernel's layout, byte for byte, in our own words. Includes <cstdint> only. An entry belongs to
// whichever side the queue's head and tail say.
#pragma once

#include <lio/detail/language.hpp>

#include <cstdint>

namespace lio::inline v0::abi {

// The parts of an entry's unions that are more than one number. They have no initial values on purpose:
// only then may a union switch to them by plain assignment, also in a constant expression. Assign all of
// one at once ({value, 0}), so that no byte is left to chance.

/// sqe::command: which command a command operation gives to its file or socket.
struct command_operation {
    std::uint32_t cmd_op;
    std::uint32_t pad1;
};

/// sqe::option: which socket option is meant, as in getsockopt(2).
struct socket_option {
    std::uint32_t level;
    std::uint32_t optname;
};

/// sqe::address: how long the destination address of a send is.
struct address_length {
    std::uint16_t addr_len;
    std::uint16_t pad3;
};

/// sqe::stream: which write stream of the file the data belongs to.
struct write_stream_choice {
    std::uint8_t write_stream;
    std::uint8_t pad4[3];
};

/// One request to the kernel, 64 bytes. Which member of a union counts is the operation's choice; what an
/// operation does not use must be zero, so an entry starts as 64 zero bytes.
struct alignas(8) sqe {
    /// One of abi::opcode.
    std::uint8_t opcode = 0;
    /// sqe_... bits, the same for all operations.
    std::uint8_t flags = 0;
    /// The priority of the input or output, or bits of the operation (recvsend_..., accept_...).
    std::uint16_t ioprio = 0;
    /// The file, or a slot of the registered files with sqe_fixed_file.
    std::int32_t fd = 0;
    union {
        std::uint64_t off = 0;
        std::uint64_t addr2;
        command_operation command;
    };
    union {
        std::uint64_t addr = 0;
        std::uint64_t splice_off_in;
        socket_option option;
    };
    /// Bytes, or the number of elements where `addr` points to an array.
    std::uint32_t len = 0;
    union {
        std::uint32_t rw_flags = 0;
        std::uint32_t fsync_flags;
        /// The 16-bit form from before feat_poll_32bits.
        std::uint16_t poll_events;
        /// Half-word swapped on big-endian machines.
        std::uint32_t poll32_events;
        std::uint32_t sync_range_flags;
        std::uint32_t msg_flags;
        std::uint32_t timeout_flags;
        std::uint32_t accept_flags;
        std::uint32_t cancel_flags;
        std::uint32_t open_flags;
        std::uint32_t statx_flags;
        std::uint32_t fadvise_advice;
        std::uint32_t splice_flags;
        std::uint32_t rename_flags;
        std::uint32_t unlink_flags;
        std::uint32_t hardlink_flags;
        std::uint32_t xattr_flags;
        std::uint32_t msg_ring_flags;
        std::uint32_t uring_cmd_flags;
        std::uint32_t waitid_flags;
        std::uint32_t futex_flags;
        std::uint32_t install_fd_flags;
        std::uint32_t nop_flags;
        std::uint32_t pipe_flags;
    };
    /// Comes back unchanged in the completion; the kernel does not look at it.
    std::uint64_t user_data = 0;
    union {
        /// Which registered buffer.
        std::uint16_t buf_index = 0;
        /// The group to take a buffer from, with sqe_buffer_select.
        std::uint16_t buf_group;
    };
    /// The registered credentials to run under; 0 for the submitter's own.
    std::uint16_t personality = 0;
    union {
        std::uint32_t file_index = 0;
        std::int32_t splice_fd_in;
        std::uint32_t zcrx_ifq_idx;
        std::uint32_t optlen;
        address_length address;
        write_stream_choice stream;
    };
    union {
        std::uint64_t addr3 = 0;
        std::uint64_t attr_ptr;
        std::uint64_t optval;
    };
    union {
        std::uint64_t pad2 = 0;
        std::uint64_t attr_type_mask;
    };

    /// Where a command operation's own data begins: 16 bytes to the end of this entry, 80 when the entry is
    /// a 128-byte one.
    void* cmd() noexcept { return &addr3; }
    const void* cmd() const noexcept { return &addr3; }
};

static_assert(sizeof(sqe) == 64 && alignof(sqe) == 8);
static_assert(__builtin_offsetof(sqe, fd) == 4);
static_assert(__builtin_offsetof(sqe, off) == 8);
static_assert(__builtin_offsetof(sqe, addr) == 16);
static_assert(__builtin_offsetof(sqe, len) == 24);
static_assert(__builtin_offsetof(sqe, rw_flags) == 28);
static_assert(__builtin_offsetof(sqe, user_data) == 32);
static_assert(__builtin_offsetof(sqe, buf_index) == 40);
static_assert(__builtin_offsetof(sqe, personality) == 42);
static_assert(__builtin_offsetof(sqe, file_index) == 44);
static_assert(__builtin_offsetof(sqe, addr3) == 48);
static_assert(__builtin_offsetof(sqe, attr_type_mask) == 56);

/// The 128-byte request, for a ring with setup_sqe128 or, of the operations that need it, one with setup_sqe_mixed.
/// Since Linux 5.19.
struct alignas(8) sqe128 : sqe {
    /// What follows the first 64 bytes; a command's own data goes on here.
    std::uint64_t rest[8] = {};
};

static_assert(sizeof(sqe128) == 128);

/// One answer of the kernel, 16 bytes.
struct alignas(8) cqe {
    /// The number that the request carried.
    std::uint64_t user_data = 0;
    /// The operation's result, or a negative errno.
    std::int32_t res = 0;
    /// cqe_f_... bits, and the buffer's number above cqe_buffer_shift.
    std::uint32_t flags = 0;
};

static_assert(sizeof(cqe) == 16 && alignof(cqe) == 8);
static_assert(__builtin_offsetof(cqe, res) == 8);

/// The 32-byte completion, of a ring with setup_cqe32 or of one with setup_cqe_mixed where cqe_f_32 is set.
struct alignas(8) cqe32 {
    std::uint64_t user_data = 0;
    std::int32_t res = 0;
    std::uint32_t flags = 0;
    /// What only some operations answer with.
    std::uint64_t big_cqe[2] = {};
};

static_assert(sizeof(cqe32) == 32 && __builtin_offsetof(cqe32, big_cqe) == sizeof(cqe));

// sqe::flags, first as bit numbers.
inline constexpr std::uint8_t sqe_fixed_file_bit = 0;
inline constexpr std::uint8_t sqe_io_drain_bit = 1;
inline constexpr std::uint8_t sqe_io_link_bit = 2;
inline constexpr std::uint8_t sqe_io_hardlink_bit = 3;
inline constexpr std::uint8_t sqe_async_bit = 4;
inline constexpr std::uint8_t sqe_buffer_select_bit = 5;
inline constexpr std::uint8_t sqe_cqe_skip_success_bit = 6;

/// sqe::flags: `fd` is a slot of the registered files. Since Linux 5.1.
inline constexpr std::uint8_t sqe_fixed_file = 1U << sqe_fixed_file_bit;
/// sqe::flags: starts after all that came before, and holds back all that comes after. Since Linux 5.2.
inline constexpr std::uint8_t sqe_io_drain = 1U << sqe_io_drain_bit;
/// sqe::flags: the next entry waits for this one, and is cancelled if it fails. Since Linux 5.3.
inline constexpr std::uint8_t sqe_io_link = 1U << sqe_io_link_bit;
/// sqe::flags: the next entry waits for this one, however it ends. Since Linux 5.5.
inline constexpr std::uint8_t sqe_io_hardlink = 1U << sqe_io_hardlink_bit;
/// sqe::flags: goes to a worker thread without a first try. Since Linux 5.6.
inline constexpr std::uint8_t sqe_async = 1U << sqe_async_bit;
/// sqe::flags: the kernel picks a buffer from the group `buf_group`. Since Linux 5.7.
inline constexpr std::uint8_t sqe_buffer_select = 1U << sqe_buffer_select_bit;
/// sqe::flags: no completion unless it fails. Since Linux 5.17.
inline constexpr std::uint8_t sqe_cqe_skip_success = 1U << sqe_cqe_skip_success_bit;

/// sqe::file_index: the kernel looks for a free slot itself and answers with it. Since Linux 5.19.
inline constexpr std::uint32_t file_index_alloc = ~std::uint32_t{0};

/// cqe::flags: the number of the buffer used stands in the upper half. Since Linux 5.7.
inline constexpr std::uint32_t cqe_f_buffer = 1U << 0;
/// cqe::flags: the same request will complete again. Since Linux 5.13.
inline constexpr std::uint32_t cqe_f_more = 1U << 1;
/// cqe::flags: the socket held more than was received. Since Linux 5.19.
inline constexpr std::uint32_t cqe_f_sock_nonempty = 1U << 2;
/// cqe::flags: not a result: the buffer of a zero-copy send is free again. Since Linux 6.0.
inline constexpr std::uint32_t cqe_f_notif = 1U << 3;
/// cqe::flags: the buffer is only partly used, and the kernel keeps it. Since Linux 6.12.
inline constexpr std::uint32_t cqe_f_buf_more = 1U << 4;
/// cqe::flags: a filler that answers nothing, on a ring with setup_cqe_mixed. Since Linux 6.18.
inline constexpr std::uint32_t cqe_f_skip = 1U << 5;
/// cqe::flags: this one is 32 bytes long, on a ring with setup_cqe_mixed. Since Linux 6.18.
inline constexpr std::uint32_t cqe_f_32 = 1U << 15;
/// cqe::flags: the buffer's number is the flags shifted right by so much.
inline constexpr std::uint32_t cqe_buffer_shift = 16;

} // namespace lio::inline v0::abi
