// Moving and copying data within the kernel, through pipes. Values that own nothing; any thread. Includes no system
// header.
#pragma once

#include <lio/abi/operation_flags.hpp>
#include <lio/cqe.hpp>
#include <lio/file_offset.hpp>
#include <lio/op/operation.hpp>
#include <lio/result.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0 {

/// How data is to be moved, as bits of a set: splice_flag::move | splice_flag::more. Those SPLICE_F_... flags of
/// splice(2) that have a meaning for an operation.
enum class splice_flag : std::uint32_t {
    /// Moves pages instead of copying them where that is possible; a hint, which Linux does not heed today.
    move = 1u << 0,
    /// Does not wait for a pipe: EAGAIN if it is empty, or full.
    no_wait = 1u << 1,
    /// More data will follow soon: a socket may wait with a packet until it is full.
    more = 1u << 2,
};

constexpr splice_flag operator|(splice_flag a, splice_flag b) noexcept {
    return static_cast<splice_flag>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}

} // namespace lio::inline v0

namespace lio::inline v0::op {

/// What splice and tee share.
template <class Derived>
class pipe_transfer : public operation<Derived> {
public:
    /// What done.result<Derived>() is: EINTR, as a read says it, for the kernel's own number 512 that it lets out when
    /// it was cancelled while it waited.
    static constexpr result<std::uint32_t> interpret(const cqe& done) noexcept {
        if (done.raw_result() == -restart) return error{interrupted};
        const auto answer = done.result();
        if (!answer) return answer.error();
        return static_cast<std::uint32_t>(*answer);
    }

    /// How it is to be done. Replaces earlier flags.
    constexpr Derived flags(splice_flag flags) const noexcept {
        Derived changed = this->self();
        // The one bit that is not the caller's says that the input is a slot.
        changed.entry_.splice_flags =
            (changed.entry_.splice_flags & abi::splice_f_fd_in_fixed) | static_cast<std::uint32_t>(flags);
        return changed;
    }

protected:
    constexpr pipe_transfer(descriptor in, descriptor out, std::size_t length) noexcept {
        this->set_file(out);
        this->entry_.splice_fd_in = in.value();
        if (in.is_direct()) this->entry_.splice_flags = abi::splice_f_fd_in_fixed;
        this->entry_.len = static_cast<std::uint32_t>(length);
        if (length > longest) this->refuse(cause::span_too_long);
    }

private:
    static constexpr std::size_t longest = 0x7ffff000;
    static constexpr std::int32_t restart = 512;
    static constexpr std::int32_t interrupted = 4; // EINTR, on every machine
};

/// Moves up to `length` bytes from `in` to `out`, of which at least one is a pipe, without a way through the program's
/// memory. splice(2).
/// Result: the number of bytes; 0 when the input has come to its end.
/// Lifetimes: no argument is pointed to.
/// Traps: fewer bytes than asked for are no error, but they break a chain; a pipe gives what it has. A pipe has no
/// offset: anything but current_position is ESPIPE. It always runs on a worker thread, which waits with it for a pipe
/// that is empty or full: many of them at once need as many threads. EINVAL: neither is a pipe, both are the same one,
/// or the output appends. More than 0x7ffff000 bytes are refused by push. Cancelled while it waits it says EINTR in
/// result<op::splice>(), but 512, which is no errno, in the plain result().
/// Since Linux 5.7.
class splice : public pipe_transfer<splice> {
public:
    static constexpr abi::opcode code = abi::opcode::splice;
    static constexpr kernel_version since{5, 7};
    using result_type = std::uint32_t;

    constexpr splice(descriptor in, file_offset in_offset, descriptor out, file_offset out_offset,
                     std::size_t length) noexcept
        : pipe_transfer{in, out, length} {
        entry_.splice_off_in = in_offset.value();
        entry_.off = out_offset.value();
    }
    /// Both where they stand, as of two pipes, or of a pipe and a socket.
    constexpr splice(descriptor in, descriptor out, std::size_t length) noexcept
        : splice{in, current_position, out, current_position, length} {}
};

/// Copies up to `length` bytes from the pipe `in` to the pipe `out`, where they stay to be read as well. tee(2).
/// Result: the number of bytes; 0 when the input is empty and nobody can write to it any more.
/// Lifetimes: no argument is pointed to.
/// Traps: those of splice, but both are pipes, else EINVAL. It copies what is there when it starts, and the next one
/// copies the same bytes again unless they are taken out in between.
/// Since Linux 5.8.
class tee : public pipe_transfer<tee> {
public:
    static constexpr abi::opcode code = abi::opcode::tee;
    static constexpr kernel_version since{5, 8};
    using result_type = std::uint32_t;

    constexpr tee(descriptor in, descriptor out, std::size_t length) noexcept : pipe_transfer{in, out, length} {}
};

} // namespace lio::inline v0::op
