// What the counted operations work on, the same for both libraries: all complete during the submission.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

struct counted_files {
    int zero = ::open("/dev/zero", O_RDWR | O_CLOEXEC);
    int socket = -1; // its peer is gone: receiving brings the end, sending fails

    counted_files() {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return;
        socket = ends[0];
        ::close(ends[1]);
    }
    counted_files(const counted_files&) = delete;
    counted_files& operator=(const counted_files&) = delete;
    ~counted_files() {
        ::close(zero);
        ::close(socket);
    }
};
