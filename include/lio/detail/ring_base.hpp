// What all rings for one thread have in common, whatever the size of their entries: both sides, and what concerns both
// at once. On the ring's thread.
#pragma once

#include <lio/detail/completion_side.hpp>
#include <lio/detail/submission_side.hpp>
#include <lio/result.hpp>
#include <lio/ring_options.hpp>
#include <lio/timespec.hpp>
#include <lio/wait_options.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0::detail {

class ring_base : public submission_side, public completion_side {
public:
    /// Hands everything queued to the kernel and waits until `count` completions can be reaped, in one system
    /// call, io_uring_enter(2). When not everything was taken (submission::left), it has not waited. Where operations
    /// complete at once, as reads of cached files do, submit() and then wait() costs less: the wait finds them and
    /// makes no call.
    /// Errors: those of submit() and wait(). After EINTR and ETIME everything was submitted, if anything
    /// was queued: only the wait ended.
    [[gnu::always_inline]] result<submission> submit_and_wait(std::uint32_t count) noexcept {
        // Not below the limit when `count` is 0 either. Looked at first, because what a kernel thread submits is taken
        // as soon as it is published, and the call may still be refused.
        // As wide as the call takes it, or it would be widened once more.
        const unsigned long queued = count - 1 < plain_wait_limit_ ? publish() : 0;
        if (queued == 0) [[unlikely]]
            return submit_and_wait(count, nullptr);
        const enter_answer answer = enter_call(enter_file_, queued, count, wait_flags_);
        const std::uint32_t submitted = submitted_ + answer.taken();
        // A signal can end the wait early, which the answer hides.
        if (submitted != tail_ || look() - head_ < count) [[unlikely]]
            return submit_and_wait_after(answer, count);
        submitted_ = submitted;
        return submission{answer.taken(), 0};
    }
    /// The same, waiting for at most `timeout`; ETIME after that, and what was queued has gone all the same.
    result<submission> submit_and_wait(std::uint32_t count, const timespec& timeout) noexcept {
        return submit_and_wait(count, wait_options{}.timeout(timeout));
    }
    /// The same with other ways to end the wait; see wait(). EOPNOTSUPP at once, with nothing submitted, where the
    /// kernel lacks one of the options.
    result<submission> submit_and_wait(std::uint32_t count, const wait_options& options) noexcept {
        return submit_and_wait(count, &options);
    }

    /// Starts a ring that was made with setup::start_disabled, or a default ring before its first use, as one needs
    /// that is only to receive messages. With setup::single_issuer it belongs to the calling thread. Errors: EBADFD, it
    /// runs already. io_uring_register(2). Since Linux 5.10.
    result<void> enable() noexcept;

    /// Gives the ring queues for `entries` operations and `completion_entries` completions (0: twice the entries) while
    /// it is in use: what is queued, in flight or waiting to be reaped stays. No range of reap() and no batch may be
    /// alive.
    /// Errors: EINVAL, the ring lacks setup::deferred_taskrun or setup::no_sq_array or lies in the program's memory, a
    /// size is out of range, or the kernel is older; EOVERFLOW, what the queues hold does not fit into the new ones;
    /// EBUSY, completions that may be of 32 bytes must be reaped first, or entries of mixed sizes submitted; all these
    /// leave the ring as it was. With cause::resize_lost_the_ring the ring is closed. Since Linux 6.13.
    result<void> resize(std::uint32_t entries, std::uint32_t completion_entries = 0) noexcept;

    /// Closes the ring; every call on it fails with EBADF from then on. A second close does nothing. On
    /// another thread than the ring's own the kernel keeps the ring until that thread ends. No range of reap() and no
    /// batch may be alive, neither here nor where the ring is moved from or assigned to. Errors: those of close(2), as
    /// EBADF where somebody else has closed the descriptor; the ring is closed all the same.
    result<void> close() noexcept;

    /// Whether there is a ring: false after close() and after being moved from.
    bool is_open() const noexcept { return submission_side::core_ != nullptr; }

    /// The ring's file descriptor, for poll(2) and the like; -1 when closed. It stays the ring's own.
    int file() const noexcept;
    /// What the ring was set up with, the library's choices included.
    setup setup_flags() const noexcept;
    /// The kernel's feature bits for it (abi::feat_...).
    std::uint32_t features() const noexcept;
    /// The id of the thread that the ring belongs to; 0 as long as it belongs to none.
    std::int32_t owner_thread() const noexcept;

    /// For what is registered with the ring.
    ring_core* core() const noexcept { return submission_side::core_; }

protected:
    ring_base() noexcept = default;
    ring_base(ring_base&& other) noexcept;
    ring_base& operator=(ring_base&& other) noexcept;
    ~ring_base();

    static result<std::size_t> required_memory(const ring_options& options, setup layout) noexcept;

    // Sets up a ring that is none yet, with entries as long as `layout` says.
    result<void> make(const ring_options& options, setup layout) noexcept;

private:
    result<submission> submit_and_wait(std::uint32_t count, const wait_options* options) noexcept;
    result<submission> submit_and_wait_after(enter_answer answer, std::uint32_t count) noexcept;
    result<submission> finish_wait(result<std::uint32_t> taken, std::uint32_t count, std::uint32_t seen,
                                   wait_limit& limit, const wait_options* options) noexcept;
    void take(ring_base& other) noexcept;
};

} // namespace lio::inline v0::detail
