// The numbers of the operations, named as the kernel names them. Includes <cstdint> only; nothing but constants.
#pragma once

#include <lio/detail/language.hpp>

#include <cstdint>

namespace lio::inline v0::abi {

/// What sqe::opcode can be. Whether the running kernel has an operation is asked of the kernel, not of this list.
enum class opcode : std::uint8_t {
    // Since Linux 5.1.
    nop = 0,
    readv = 1,
    writev = 2,
    fsync = 3,
    read_fixed = 4,
    write_fixed = 5,
    poll_add = 6,
    poll_remove = 7,
    // Since Linux 5.2.
    sync_file_range = 8,
    // Since Linux 5.3.
    sendmsg = 9,
    recvmsg = 10,
    // Since Linux 5.4.
    timeout = 11,
    // Since Linux 5.5.
    timeout_remove = 12,
    accept = 13,
    async_cancel = 14,
    link_timeout = 15,
    connect = 16,
    // Since Linux 5.6.
    fallocate = 17,
    openat = 18,
    close = 19,
    files_update = 20,
    statx = 21,
    read = 22,
    write = 23,
    fadvise = 24,
    madvise = 25,
    send = 26,
    recv = 27,
    openat2 = 28,
    epoll_ctl = 29,
    // Since Linux 5.7.
    splice = 30,
    provide_buffers = 31,
    remove_buffers = 32,
    // Since Linux 5.8.
    tee = 33,
    // Since Linux 5.11.
    shutdown = 34,
    renameat = 35,
    unlinkat = 36,
    // Since Linux 5.15.
    mkdirat = 37,
    symlinkat = 38,
    linkat = 39,
    // Since Linux 5.18.
    msg_ring = 40,
    // Since Linux 5.19.
    fsetxattr = 41,
    setxattr = 42,
    fgetxattr = 43,
    getxattr = 44,
    socket = 45,
    uring_cmd = 46,
    // Since Linux 6.0.
    send_zc = 47,
    // Since Linux 6.1.
    sendmsg_zc = 48,
    // Since Linux 6.7.
    read_multishot = 49,
    waitid = 50,
    futex_wait = 51,
    futex_wake = 52,
    futex_waitv = 53,
    // Since Linux 6.8.
    fixed_fd_install = 54,
    // Since Linux 6.9.
    ftruncate = 55,
    // Since Linux 6.11.
    bind = 56,
    listen = 57,
    // Since Linux 6.15.
    recv_zc = 58,
    epoll_wait = 59,
    readv_fixed = 60,
    writev_fixed = 61,
    // Since Linux 6.16.
    pipe = 62,
    // Since Linux 6.19: the same in an entry of 128 bytes.
    nop128 = 63,
    uring_cmd128 = 64,
};

/// The first number that is not an operation, in Linux 7.3.
inline constexpr std::uint8_t opcode_last = 65;

} // namespace lio::inline v0::abi
