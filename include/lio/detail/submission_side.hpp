// The program's half of the submission queue, but for the entries themselves (submission_entries.hpp), whose size is
// the ring's type: what is queued is handed over with one release store. Base of all rings and of submission_queue; one
// thread at a time.
#pragma once

#include <lio/abi/entries.hpp>
#include <lio/detail/assert.hpp>
#include <lio/detail/enter_call.hpp>
#include <lio/detail/ring_core.hpp>
#include <lio/detail/shared_word.hpp>
#include <lio/result.hpp>
#include <lio/submission.hpp>
#include <lio/user_data.hpp>

#include <cstdint>

namespace lio::inline v0::detail {

class submission_side {
public:
    /// How many operations are queued and not yet taken by the kernel.
    std::uint32_t unsubmitted() const noexcept { return tail_ - submitted_; }

    /// How many operations there is room for now.
    std::uint32_t submission_room() noexcept;

    /// Waits until there is room for an operation, which a kernel thread makes (setup::sqpoll); returns for how many
    /// there is. Publishes what was queued, as submit() does. A signal does not end it. This is what to wait for where
    /// push() finds no room on such a ring: a slot can still be taken when its operation has completed, so nothing may
    /// be in flight that would end a wait().
    /// Errors: EINVAL, there is no room and no such thread, or a kernel before 5.10.
    result<std::uint32_t> wait_for_room() noexcept;

    /// How many operations the queue holds at most.
    std::uint32_t submission_capacity() const noexcept { return core_ == nullptr ? 0 : mask_ + 1; }

    /// After a submit that left something (submission::left): the user_data of the entry that stopped it, the last one
    /// that the kernel took. Its completion says what is wrong with it, unless the kernel had no memory for more.
    std::uint64_t stopped_by() const noexcept { return stopped_by_; }

    /// Hands everything queued to the kernel: io_uring_enter(2). No system call when there is nothing, nor with
    /// setup::sqpoll while its thread is awake: there the thread takes what is queued when it comes to it, and until
    /// then (until submission_room() is the capacity again, or the first completion came) what the operations point to
    /// must live.
    /// Errors: EBUSY, EAGAIN: completions wait or memory is short: reap, then submit again; nothing is lost.
    /// EEXIST: the ring belongs to another thread. EBADFD: it is not started yet; see setup::start_disabled. EBADF: it
    /// is closed.
    [[gnu::always_inline]] result<submission> submit() noexcept {
        const unsigned long queued = publish(); // as wide as the call takes it
        if (queued - 1 >= plain_submit_limit_) [[unlikely]]
            return submit_otherwise();
        const enter_answer answer = enter_call(enter_file_, queued, 0, enter_flags_);
        const std::uint32_t submitted = submitted_ + answer.taken();
        if (submitted != tail_) [[unlikely]]
            return submit_after(answer);
        submitted_ = submitted;
        return submission{answer.taken(), 0};
    }

protected:
    // What the entries are laid over.
    using submissions = submission_side;

    submission_side() noexcept { forget(); }
    submission_side(const submission_side&) noexcept = default;
    submission_side& operator=(const submission_side&) noexcept = default;

    // Back to the state of a side without a ring: nothing fits, and submitting says that it is closed.
    void forget() noexcept;

    // Publishes what was queued; returns how much of it the kernel has not taken.
    std::uint32_t publish() noexcept {
        thread_sanitizer_release(kernel_head_);
        const std::uint32_t tail = tail_;
        // Pairs with the kernel's load-acquire of the tail: it sees the entries that the tail covers.
        shared_tail_->store_release(tail);
        return tail - submitted_;
    }

    // Of a ring with entries of mixed sizes. Fills the last slot of the queue's memory with an operation that does
    // nothing.
    void pad() noexcept;
    static bool is_reserved(std::uint64_t user_data) noexcept {
        return user_data == static_cast<std::uint64_t>(reserved_user_data::padding) ||
               user_data == static_cast<std::uint64_t>(reserved_user_data::stop);
    }
    // Where the last entry before `end` begins; `end` itself if there is none from `begin` on.
    std::uint32_t last_entry(std::uint32_t begin, std::uint32_t end) const noexcept;

    const abi::sqe& entry_at(std::uint32_t position) const noexcept;

    // Called when the queue looks full: looks again, and says what is wrong if it still is.
    result<void> make_room(std::uint32_t count) noexcept;
    // How many of the wanted slots can be had side by side; at least one.
    result<std::uint32_t> find_neighbours(std::uint32_t wanted) noexcept;

    // Submits when there is nothing, when there is no ring, and where a kernel thread submits.
    result<submission> submit_otherwise() noexcept;
    // Goes on after a call that did not take all that was queued.
    result<submission> submit_after(enter_answer answer) noexcept;
    // Copies from the core what a plain enter is called with.
    void look_up_enter() noexcept;
    // Notes how many of the queued entries an enter has taken.
    result<submission> count_taken(result<std::uint32_t> taken) noexcept;
    // With setup::rewind: what the kernel has not taken moves to the front, where it looks next.
    void rewind() noexcept;

    friend struct ring_maker;

    void* entries_;
    std::uint32_t mask_;
    std::uint32_t tail_;      // the next slot to write; the kernel learns of it from publish()
    std::uint32_t limit_;     // tail_ may come up to here: the kernel's head when last seen, plus the capacity
    std::uint32_t submitted_; // taken by the kernel so far
    shared_u32* kernel_head_;
    shared_u32* shared_tail_;
    // What a plain enter is called with. The limit is the capacity, which all that can be queued is below, or 0
    // where a plain enter will not do.
    unsigned long plain_submit_limit_; // as wide as what is compared with it
    long enter_file_;
    std::uint32_t enter_flags_;
    std::uint32_t wait_flags_;
    std::uint64_t stopped_by_;
    ring_core* core_;
};

} // namespace lio::inline v0::detail
