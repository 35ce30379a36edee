// The one list of errnos behind lio::error: number, name and meaning. Includes <cerrno>, because the
// numbers differ per CPU. Any thread; cold.
// All words lie in one block with no pointer into it: a static program stays small, and there is nothing to relocate.

#include "errno_table.hpp"

#include <cerrno>

namespace lio::inline v0::detail {

namespace {

// Where two names have one number the first row wins. The last two have numbers of their own on a few CPUs only:
// EDEADLOCK on powerpc, mips and sparc, ENOTSUP on parisc. EWOULDBLOCK is EAGAIN everywhere and has no row.
#define LIO_ERRNOS(ROW)                                                                                                \
    ROW(EPERM, "this is not allowed without more privileges")                                                          \
    ROW(ENOENT, "there is no such file or directory")                                                                  \
    ROW(ESRCH, "there is no such process")                                                                             \
    ROW(EINTR, "a signal interrupted the call")                                                                        \
    ROW(EIO, "the device failed to read or write")                                                                     \
    ROW(ENXIO, "there is no device behind this name or address")                                                       \
    ROW(E2BIG, "the arguments take up too much room")                                                                  \
    ROW(ENOEXEC, "the file is not a program that can be run here")                                                     \
    ROW(EBADF, "the descriptor is not open, or not open for this")                                                     \
    ROW(ECHILD, "there is no child process to wait for")                                                               \
    ROW(EAGAIN, "this cannot be done right now, but trying again may help")                                            \
    ROW(ENOMEM, "there is not enough memory")                                                                          \
    ROW(EACCES, "the permissions do not allow this access")                                                            \
    ROW(EFAULT, "an address does not point to usable memory")                                                          \
    ROW(ENOTBLK, "this has to be a block device")                                                                      \
    ROW(EBUSY, "it is in use at the moment")                                                                           \
    ROW(EEXIST, "it exists already")                                                                                   \
    ROW(EXDEV, "this would lead from one file system to another")                                                      \
    ROW(ENODEV, "there is no such device, or it cannot do this")                                                       \
    ROW(ENOTDIR, "a part of the path that should be a directory is not one")                                           \
    ROW(EISDIR, "this is a directory, which cannot be used this way")                                                  \
    ROW(EINVAL, "an argument has a value that is not accepted")                                                        \
    ROW(ENFILE, "the whole system has as many files open as it may")                                                   \
    ROW(EMFILE, "the process has as many files open as it may")                                                        \
    ROW(ENOTTY, "this kind of file does not know this control request")                                                \
    ROW(ETXTBSY, "the file is a program that is running")                                                              \
    ROW(EFBIG, "the file would become larger than is allowed")                                                         \
    ROW(ENOSPC, "there is no free space left on the device")                                                           \
    ROW(ESPIPE, "this kind of file has no position to move to")                                                        \
    ROW(EROFS, "the file system can only be read")                                                                     \
    ROW(EMLINK, "the file has as many hard links as it may")                                                           \
    ROW(EPIPE, "nobody reads at the other end any more")                                                               \
    ROW(EDOM, "the number is outside what the function is defined for")                                                \
    ROW(ERANGE, "the result does not fit where it is to be put")                                                       \
    ROW(EDEADLK, "waiting for this lock would never end")                                                              \
    ROW(ENAMETOOLONG, "a name or path is too long")                                                                    \
    ROW(ENOLCK, "there are no more locks to be had")                                                                   \
    ROW(ENOSYS, "the kernel does not have this call")                                                                  \
    ROW(ENOTEMPTY, "the directory still has something in it")                                                          \
    ROW(ELOOP, "the path leads through too many symbolic links")                                                       \
    ROW(ENOMSG, "no message of the wanted kind is waiting")                                                            \
    ROW(EIDRM, "the message queue or semaphore was removed meanwhile")                                                 \
    ROW(ECHRNG, "the channel number is out of range")                                                                  \
    ROW(EL2NSYNC, "the second protocol level is out of step")                                                          \
    ROW(EL3HLT, "the third protocol level has halted")                                                                 \
    ROW(EL3RST, "the third protocol level was reset")                                                                  \
    ROW(ELNRNG, "the link number is out of range")                                                                     \
    ROW(EUNATCH, "no driver is attached for this protocol")                                                            \
    ROW(ENOCSI, "there is no structure for this channel")                                                              \
    ROW(EL2HLT, "the second protocol level has halted")                                                                \
    ROW(EBADE, "the exchange is not a valid one")                                                                      \
    ROW(EBADR, "the request descriptor is not valid")                                                                  \
    ROW(EXFULL, "the exchange is full")                                                                                \
    ROW(ENOANO, "there is no such inode of the hardware")                                                              \
    ROW(EBADRQC, "the request code is not valid")                                                                      \
    ROW(EBADSLT, "the slot is not valid")                                                                              \
    ROW(EBFONT, "the font file has the wrong format")                                                                  \
    ROW(ENOSTR, "this is not a stream device")                                                                         \
    ROW(ENODATA, "there is no data or attribute of this kind")                                                         \
    ROW(ETIME, "the timer ran out")                                                                                    \
    ROW(ENOSR, "the streams have used up their resources")                                                             \
    ROW(ENONET, "this machine is not on the network")                                                                  \
    ROW(ENOPKG, "the package is not installed")                                                                        \
    ROW(EREMOTE, "the object lies on another machine")                                                                 \
    ROW(ENOLINK, "the link to the other side was cut")                                                                 \
    ROW(EADV, "the resource could not be advertised")                                                                  \
    ROW(ESRMNT, "a remote file system is still mounted")                                                               \
    ROW(ECOMM, "sending failed on the line")                                                                           \
    ROW(EPROTO, "the two sides do not agree on the protocol")                                                          \
    ROW(EMULTIHOP, "the path would cross more than one machine")                                                       \
    ROW(EDOTDOT, "the remote file system reported a mistake")                                                          \
    ROW(EBADMSG, "the message or data is damaged")                                                                     \
    ROW(EOVERFLOW, "a value is too large for its type")                                                                \
    ROW(ENOTUNIQ, "the name is taken on the network")                                                                  \
    ROW(EBADFD, "the descriptor is in the wrong state for this")                                                       \
    ROW(EREMCHG, "the remote address has changed")                                                                     \
    ROW(ELIBACC, "a shared library that is needed cannot be opened")                                                   \
    ROW(ELIBBAD, "a shared library is damaged")                                                                        \
    ROW(ELIBSCN, "the library section of the program is damaged")                                                      \
    ROW(ELIBMAX, "the program asks for too many shared libraries")                                                     \
    ROW(ELIBEXEC, "a shared library cannot be run as a program")                                                       \
    ROW(EILSEQ, "these bytes are no valid character")                                                                  \
    ROW(ERESTART, "the call was interrupted and should be made again")                                                 \
    ROW(ESTRPIPE, "the stream is suspended, or its pipe failed")                                                       \
    ROW(EUSERS, "there are too many users")                                                                            \
    ROW(ENOTSOCK, "the descriptor is not a socket")                                                                    \
    ROW(EDESTADDRREQ, "the socket must be told where to send to")                                                      \
    ROW(EMSGSIZE, "the message is too long to be sent or received whole")                                              \
    ROW(EPROTOTYPE, "this protocol does not go with this type of socket")                                              \
    ROW(ENOPROTOOPT, "the protocol has no such option")                                                                \
    ROW(EPROTONOSUPPORT, "this protocol is not available here")                                                        \
    ROW(ESOCKTNOSUPPORT, "this type of socket is not available here")                                                  \
    ROW(EOPNOTSUPP, "this operation is not supported here")                                                            \
    ROW(EPFNOSUPPORT, "this family of protocols is not available here")                                                \
    ROW(EAFNOSUPPORT, "this family of addresses is not supported here")                                                \
    ROW(EADDRINUSE, "the address is taken by another socket")                                                          \
    ROW(EADDRNOTAVAIL, "this machine does not have that address")                                                      \
    ROW(ENETDOWN, "the network is down")                                                                               \
    ROW(ENETUNREACH, "no route leads to that network")                                                                 \
    ROW(ENETRESET, "the network dropped the connection")                                                               \
    ROW(ECONNABORTED, "the connection was given up on this side")                                                      \
    ROW(ECONNRESET, "the other side broke the connection off")                                                         \
    ROW(ENOBUFS, "no buffer is free for this")                                                                         \
    ROW(EISCONN, "the socket is connected already")                                                                    \
    ROW(ENOTCONN, "the socket is not connected")                                                                       \
    ROW(ESHUTDOWN, "the socket was shut down and sends no more")                                                       \
    ROW(ETOOMANYREFS, "too many descriptors are on their way, or too many references are held")                        \
    ROW(ETIMEDOUT, "no answer came in time")                                                                           \
    ROW(ECONNREFUSED, "nobody accepts connections at that address")                                                    \
    ROW(EHOSTDOWN, "the other machine is down")                                                                        \
    ROW(EHOSTUNREACH, "no route leads to that machine")                                                                \
    ROW(EALREADY, "an earlier request for this is still being worked on")                                              \
    ROW(EINPROGRESS, "this has been started and is not finished yet")                                                  \
    ROW(ESTALE, "the file handle refers to something that is gone")                                                    \
    ROW(EUCLEAN, "the file system is damaged and needs a repair")                                                      \
    ROW(ENOTNAM, "this is not a XENIX named file")                                                                     \
    ROW(ENAVAIL, "there are no XENIX semaphores")                                                                      \
    ROW(EISNAM, "this is a XENIX named file")                                                                          \
    ROW(EREMOTEIO, "the device at the far end failed")                                                                 \
    ROW(EDQUOT, "the quota for space or files is used up")                                                             \
    ROW(ENOMEDIUM, "there is no medium in the drive")                                                                  \
    ROW(EMEDIUMTYPE, "the medium in the drive is of the wrong type")                                                   \
    ROW(ECANCELED, "the operation was cancelled before it was done")                                                   \
    ROW(ENOKEY, "the key that is needed was not found")                                                                \
    ROW(EKEYEXPIRED, "the key is too old to be used")                                                                  \
    ROW(EKEYREVOKED, "the key was withdrawn")                                                                          \
    ROW(EKEYREJECTED, "the key was not accepted")                                                                      \
    ROW(EOWNERDEAD, "the owner ended without giving it back")                                                          \
    ROW(ENOTRECOVERABLE, "the state was lost and cannot be restored")                                                  \
    ROW(ERFKILL, "a switch has turned the radio off")                                                                  \
    ROW(EHWPOISON, "the memory here has a hardware fault")                                                             \
    ROW(EDEADLOCK, "taking this file lock would block everyone for ever")                                              \
    ROW(ENOTSUP, "this is something that is not supported")

// Numbers that a single CPU adds.
#if defined(EPROCLIM) && defined(ERREMOTE) // sparc
#define LIO_ERRNOS_OF_THIS_CPU(ROW)                                                                                    \
    ROW(EPROCLIM, "there are too many processes")                                                                      \
    ROW(ERREMOTE, "the object is on a remote machine")
#elif defined(EINIT) && defined(EREMDEV) // mips
#define LIO_ERRNOS_OF_THIS_CPU(ROW)                                                                                    \
    ROW(EINIT, "this is kept for a future use")                                                                        \
    ROW(EREMDEV, "the device belongs to another machine")
#else
#define LIO_ERRNOS_OF_THIS_CPU(ROW)
#endif

struct entry {
    std::uint16_t code;
    // Lengths with the closing zero. Stored, not searched for: compilers turn such a search into a call of strlen.
    std::uint8_t name_size;
    std::uint8_t description_size;
};

#define LIO_ENTRY(name, description) {name, sizeof #name, sizeof description},
constexpr entry known_errnos[] = {LIO_ERRNOS(LIO_ENTRY) LIO_ERRNOS_OF_THIS_CPU(LIO_ENTRY)};

#define LIO_WORDS(name, description) #name "\0" description "\0"
constexpr char words[] = LIO_ERRNOS(LIO_WORDS) LIO_ERRNOS_OF_THIS_CPU(LIO_WORDS);

#undef LIO_WORDS
#undef LIO_ENTRY
#undef LIO_ERRNOS_OF_THIS_CPU
#undef LIO_ERRNOS

struct texts {
    const char* name;
    const char* description;
};

texts find(std::int32_t code) noexcept {
    const char* at = words;
    for (const entry& one : known_errnos) {
        if (one.code == code) return {at, at + one.name_size};
        at += one.name_size + one.description_size;
    }
    return {"E?", "this error number is not a known one"};
}

} // namespace

const char* errno_name(std::int32_t code) noexcept { return find(code).name; }

const char* errno_description(std::int32_t code) noexcept { return find(code).description; }

} // namespace lio::inline v0::detail
