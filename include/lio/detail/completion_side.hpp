// The program's half of the completion queue, but for the entries themselves (completion_entries.hpp), whose size is the
// ring's type: what was read is given back with one release store. Base of all rings and of completion_queue; one thread
// at a time.
#pragma once

#include <lio/detail/ring_core.hpp>
#include <lio/detail/shared_word.hpp>
#include <lio/result.hpp>
#include <lio/timespec.hpp>
#include <lio/wait_options.hpp>

#include <cstdint>

namespace lio::detail {

class wait_limit;

class completion_side {
public:
    /// How many completions could be reaped without waiting or entering the kernel.
    std::uint32_t ready() const noexcept {
        // Pairs with the kernel's store-release of the tail: the entries before it are written.
        return kernel_tail_->load_acquire() - head_;
    }

    /// Waits until `count` completions can be reaped; returns how many can, `count` or more. Does not submit. A signal
    /// that comes when some of several completions are there may go unnoticed.
    /// Errors: EINTR, a signal came; EINVAL, `count` is more than the queue holds; EEXIST, the ring belongs
    /// to another thread; EBADF, it is closed.
    result<std::uint32_t> wait(std::uint32_t count) noexcept { return wait(count, nullptr); }
    /// The same for at most `timeout`; ETIME after that. Since Linux 5.11; EOPNOTSUPP at once before.
    result<std::uint32_t> wait(std::uint32_t count, const timespec& timeout) noexcept {
        return wait(count, wait_options{}.timeout(timeout));
    }
    /// The same in every other way. With wait_options::minimum_wait() it may return fewer than `count`, but not 0.
    /// EOPNOTSUPP at once where the kernel lacks one of the options.
    result<std::uint32_t> wait(std::uint32_t count, const wait_options& options) noexcept {
        return wait(count, &options);
    }

    /// How many completions the queue holds. More than that are kept by the kernel until there is room.
    std::uint32_t completion_capacity() const noexcept { return core_ == nullptr ? 0 : mask_ + 1; }

protected:
    completion_side() noexcept { forget(); }
    completion_side(const completion_side&) noexcept = default;
    completion_side& operator=(const completion_side&) noexcept = default;

    // Back to the state of a side without a ring: nothing is ready, and waiting says that it is closed.
    void forget() noexcept;

    result<std::uint32_t> wait(std::uint32_t count, const wait_options* options) noexcept;

    // Called when a wait has ended with fewer completions than it was for, and without an error: whether it may go on, or
    // how it ended. `seen` is where the queue ended before.
    result<void> may_wait_on(std::uint32_t count, std::uint32_t seen, const wait_limit& limit) noexcept;
    bool timer_went_off(std::uint32_t seen) const noexcept;

    // Called when nothing is ready: lets the kernel post what it holds back, if it says that it does. EAGAIN
    // if there is still nothing.
    result<void> flush() noexcept;

    void release(std::uint32_t head) noexcept {
        head_ = head;
        // Pairs with the kernel's load-acquire of the head: our reads of these entries come before it
        // writes new ones.
        shared_head_->store_release(head);
    }

    friend struct ring_maker;

    const void* entries_;
    std::uint32_t mask_;
    std::uint32_t head_; // ours; the kernel's copy is only written
    shared_u32* shared_head_;
    shared_u32* kernel_tail_;
    shared_u32* submission_flags_;
    shared_u32* submission_head_; // the address that stands for the ring towards ThreadSanitizer
    std::uint32_t holding_flags_; // any of these in the flags: the kernel holds completions back
    std::uint32_t plain_wait_limit_; // the capacity; 0 where waiting is more than one plain enter
    bool always_enters_;          // the kernel shows no such flags: looking means entering
    ring_core* core_;
};

} // namespace lio::detail
