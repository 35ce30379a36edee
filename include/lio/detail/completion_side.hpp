// The program's half of the completion queue, but for the entries themselves (completion_entries.hpp), whose size is
// the ring's type: what was read is given back with one release store. Base of all rings and of completion_queue; one
// thread at a time.
#pragma once

#include <lio/abi/entries.hpp>
#include <lio/detail/assert.hpp>
#include <lio/detail/ring_core.hpp>
#include <lio/detail/shared_word.hpp>
#include <lio/result.hpp>
#include <lio/timespec.hpp>
#include <lio/user_data.hpp>
#include <lio/wait_options.hpp>

#include <cstdint>

namespace lio::inline v0::detail {

class wait_limit;

class completion_side {
public:
    /// Waits until `count` completions can be reaped; returns how many can, `count` or more. Does not submit. A signal
    /// that comes when some of several completions are there may go unnoticed. On a ring that polls for its completions
    /// (setup::iopoll without setup::sqpoll) any completion is enough, because the kernel asks no device while one
    /// waits to be reaped, and no signal ends the wait.
    /// Errors: EINTR, a signal came; EINVAL, `count` is more than the queue holds; EEXIST, the ring belongs
    /// to another thread; EBADFD, it is not started yet; EBADF, it is closed. io_uring_enter(2).
    result<std::uint32_t> wait(std::uint32_t count) noexcept {
        // What is there already costs no call, not even one of a function.
        if (const std::uint32_t ready = look() - head_; count - 1 < plain_wait_limit_ && ready >= count) return ready;
        return wait(count, nullptr);
    }
    /// The same for at most `timeout`; ETIME after that.
    result<std::uint32_t> wait(std::uint32_t count, const timespec& timeout) noexcept {
        return wait(count, wait_options{}.timeout(timeout));
    }
    /// The same in every other way. With wait_options::minimum_wait() it may return fewer than `count`, but not 0.
    /// EOPNOTSUPP at once where the kernel lacks one of the options, or does not heed it because it polls.
    result<std::uint32_t> wait(std::uint32_t count, const wait_options& options) noexcept {
        return wait(count, &options);
    }

    /// How many completions the queue holds; where their sizes are mixed, how many short ones. More than that are kept
    /// by the kernel until there is room.
    std::uint32_t completion_capacity() const noexcept { return core_ == nullptr ? 0 : mask_ + 1; }

protected:
    // What the entries are laid over.
    using completions = completion_side;

    // How many slots of the queue have something in them.
    std::uint32_t slots_ready() const noexcept {
        // Pairs with the kernel's store-release of the tail: the entries before it are written.
        return kernel_tail_->load_acquire() - head_;
    }
    // Where the queue ends. Remembered, so that what was seen once is reaped without another look.
    std::uint32_t look() noexcept {
        // Pairs as above, also where the entries are read much later: until they are released they are ours.
        known_tail_ = kernel_tail_->load_acquire();
        return known_tail_;
    }
    std::uint32_t known_tail() const noexcept { return known_tail_; }
    // How many completions that is: the same, unless sizes are mixed.
    std::uint32_t completions_ready() const noexcept;
    // Of a queue with completions of mixed sizes: what begins in this slot.
    const abi::cqe& slot_at(std::uint32_t position) const noexcept {
        return static_cast<const abi::cqe*>(entries_)[position & mask_];
    }
    static std::uint32_t slots_of(const abi::cqe& entry) noexcept { return (entry.flags & abi::cqe_f_32) != 0 ? 2 : 1; }
    // Whether nobody waits for it: the kernel's padding, or the completion of ours.
    static bool is_padding(const abi::cqe& entry) noexcept {
        return (entry.flags & abi::cqe_f_skip) != 0 ||
               entry.user_data == static_cast<std::uint64_t>(reserved_user_data::padding);
    }
    // The next slot from `position` on, up to `end`, where something begins that is no padding.
    std::uint32_t skip_padding(std::uint32_t position, std::uint32_t end) const noexcept {
        while (position != end && is_padding(slot_at(position))) position += slots_of(slot_at(position));
        return position;
    }
    // Gives padding in front of what was there up to `end` back to the kernel.
    void release_padding(std::uint32_t end) noexcept {
        const std::uint32_t first = skip_padding(head_, end);
        if (first != head_) release(first);
    }
    // Whether the next completion may find no room.
    bool is_full() noexcept;
    // What the kernel must be told to wait for: it counts slots.
    std::uint32_t slots_for(std::uint32_t count) const noexcept;

    completion_side() noexcept { forget(); }
    completion_side(const completion_side&) noexcept = default;
    completion_side& operator=(const completion_side&) noexcept = default;

    // Back to the state of a side without a ring: nothing is ready, and waiting says that it is closed.
    void forget() noexcept;
    // From now on is_holding_back() is true.
    void enter_always() noexcept;

    result<std::uint32_t> wait(std::uint32_t count, const wait_options* options) noexcept;

    result<std::uint32_t> wait_on_split(std::uint32_t count, const wait_options* options) noexcept;
    result<std::uint32_t> wait_whole(std::uint32_t count, const wait_options* options) noexcept;
    // The wait with an end or a signal mask where io_uring_enter(2) takes neither.
    result<std::uint32_t> wait_in_ppoll(std::uint32_t count, const wait_options* options) noexcept;
    // The wait on a ring whose completions nobody but the waiter asks the devices for.
    result<std::uint32_t> poll(std::uint32_t count, const wait_options* options) noexcept;

    // Called when a wait has ended with fewer completions than it was for, and without an error: whether it may go on,
    // or how it ended. `seen` is where the queue ended before.
    result<void> may_wait_on(std::uint32_t count, std::uint32_t seen, const wait_limit& limit) noexcept;
    bool timer_went_off(std::uint32_t seen) const noexcept;
    // Whether `count` can be reaped within a moment, on a kernel that may say so before they can be seen.
    bool appear_soon(std::uint32_t count) const noexcept;

    // Whether the kernel says that it holds completions back, so that a look at an empty queue must enter it. Always
    // true where it does not say, and of a closed ring, whose error comes from there.
    bool is_holding_back() const noexcept {
        // A hint: what the kernel sets just after we looked is seen at the next look. It pairs with nothing.
        return (holding_word_->load_relaxed() & holding_flags_) != 0;
    }
    // Lets the kernel post what it holds back. EAGAIN if there is still nothing.
    result<void> flush() noexcept;
    static error nothing_is_ready() noexcept;

    // What stands for the ring towards ThreadSanitizer.
    const void* sanitizer_address() const noexcept { return submission_head_; }

    void release(std::uint32_t head) noexcept {
        // What is released was looked at before, in this ring.
        LIO_ASSERT(static_cast<std::int32_t>(known_tail_ - head) >= 0,
                   "the ring was closed, moved or assigned to while a range of reap() was alive");
        head_ = head;
        // Pairs with the kernel's load-acquire of the head: our reads of these entries come before it
        // writes new ones.
        shared_head_->store_release(head);
    }

    friend struct ring_maker;

    const void* entries_;
    std::uint32_t mask_;
    std::uint32_t head_;       // ours; the kernel's copy is only written
    std::uint32_t known_tail_; // the kernel's tail when last looked at; head_ does not pass it
    shared_u32* shared_head_;
    shared_u32* kernel_tail_;
    const shared_u32* holding_word_;
    shared_u32* submission_head_; // the address that stands for the ring towards ThreadSanitizer
    std::uint32_t holding_flags_; // any of these in that word: the kernel holds completions back
    std::uint32_t plain_wait_limit_; // the capacity; 0 where waiting is more than one plain enter
    bool is_mixed_;               // some slots hold half a completion, or padding
    ring_core* core_;
};

} // namespace lio::inline v0::detail
