// What a minimal_ring is made of, but for the entries themselves: the words of both queues, and three system calls.
// What it has is named as in submission_side and completion_side, in whose place it is under the same entries. What is
// out of line answers with bare numbers, so that a program which only asks whether a call went well has no more of it.
// One thread at a time.
#pragma once

#include <lio/abi/entries.hpp>
#include <lio/abi/setup.hpp>
#include <lio/detail/shared_word.hpp>
#include <lio/result.hpp>
#include <lio/ring_options.hpp>
#include <lio/submission.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0::detail {

/// The words of the submission queue.
class minimal_submissions {
protected:
    using submissions = minimal_submissions;

    void* entries_;
    std::uint32_t mask_;
    std::uint32_t tail_;      // the next slot to write; the kernel learns of it when it is entered
    std::uint32_t limit_;     // tail_ may come up to here: the kernel's head when last seen, plus the capacity
    std::uint32_t submitted_; // taken by the kernel so far
    shared_u32* kernel_head_;
    shared_u32* shared_tail_;
};

/// The words of the completion queue.
class minimal_completions {
protected:
    using completions = minimal_completions;

    // Pairs with the kernel's store-release of the tail: the entries before it are written.
    std::uint32_t look() const noexcept { return kernel_tail_->load_acquire(); }
    // It remembers no look.
    std::uint32_t known_tail() const noexcept { return head_; }
    std::uint32_t slots_ready() const noexcept { return look() - head_; }
    void release(std::uint32_t head) noexcept {
        head_ = head;
        // Pairs with the kernel's load-acquire of the head: our reads of these entries come before it writes new ones.
        shared_head_->store_release(head);
    }
    // Reaping never enters the kernel: it takes nothing for held back.
    static constexpr bool is_holding_back() noexcept { return false; }
    static result<void> flush() noexcept { return {}; }
    static error nothing_is_ready() noexcept;
    // What stands for the ring towards ThreadSanitizer.
    const void* sanitizer_address() const noexcept { return kernel_tail_; }

    const void* entries_;
    std::uint32_t mask_;
    std::uint32_t head_; // ours; the kernel's copy is only written
    shared_u32* shared_head_;
    shared_u32* kernel_tail_; // which is looked at when there is no ring, too
    const shared_u32* kernel_flags_;
};

class minimal_base : public minimal_submissions, public minimal_completions {
public:
    /// Hands everything queued to the kernel, in one call, also when nothing is. An entry that is refused stops those
    /// after it, unless the ring has setup::submit_all: they stay queued (submission::left). Errors are the kernel's,
    /// and nothing was taken then: EBUSY and EAGAIN, reap and submit again; EEXIST, the ring has setup::single_issuer
    /// and this is another thread; EBADF, it is closed. io_uring_enter(2).
    [[gnu::always_inline]] result<submission> submit() noexcept { return entered(enter(0, 0)); }

    /// The same, and waits until `count` completions are there, or as many as the queue holds; with 0 it waits for
    /// none. In the same call the kernel posts what it holds back (see needs_flush()), and with setup::iopoll it asks
    /// the devices. One call, whatever comes of it: one that took something hides a signal that ended the wait, so
    /// there may be fewer completions; when not everything was taken it has not waited at all. Errors, besides those of
    /// submit(): EINTR, a signal came and nothing was queued; EBADR, completions were lost because there was no memory
    /// to keep them.
    [[gnu::always_inline]] result<submission> submit_and_wait(std::uint32_t count) noexcept {
        return entered(enter(count, abi::enter_getevents));
    }

    /// How many operations are queued and not yet taken by the kernel.
    std::uint32_t unsubmitted() const noexcept { return tail_ - submitted_; }

    /// How many operations the queue holds at most, and how many completions, more than which are kept by the kernel; 0
    /// when there is no ring.
    std::uint32_t submission_capacity() const noexcept { return is_open() ? minimal_submissions::mask_ + 1 : 0; }
    std::uint32_t completion_capacity() const noexcept { return is_open() ? minimal_completions::mask_ + 1 : 0; }

    /// Closes the ring; calls fail with EBADF from then on. A second close does nothing. What is in flight is
    /// cancelled, but the kernel goes on using its buffers for a while.
    [[gnu::always_inline]] result<void> close() noexcept {
        if (!is_open()) return {};
        const std::int32_t code = let_go();
        forget();
        if (code != 0) return error{code};
        return {};
    }

    /// Whether there is a ring: false after close() and after being moved from.
    bool is_open() const noexcept { return file_ >= 0; }

    /// The ring's file descriptor, for poll(2) and the like; -1 when closed. It stays the ring's own.
    int file() const noexcept { return is_open() ? file_ : -1; }

protected:
    // To be made next, and not to be used before.
    minimal_base() noexcept : file_{-static_cast<int>(cause::setup_call)}, queues_{nullptr} {
        minimal_submissions::entries_ = nullptr;
    }
    minimal_base(minimal_base&& other) noexcept : minimal_base{static_cast<const minimal_base&>(other)} {
        other.forget();
    }
    minimal_base& operator=(minimal_base&& other) noexcept;
    ~minimal_base() {
        if (is_open()) static_cast<void>(let_go());
    }

    // Sets up a ring that is none yet. After an error, which is one whose code is not 0, it owns nothing.
    [[gnu::always_inline]] error make(std::uint32_t entries, std::uint32_t completion_entries, setup flags) noexcept {
        const std::int32_t code = set_up(entries, completion_entries, flags);
        return error{code, static_cast<cause>(-file_)};
    }

    // Whether the kernel says that it holds completions back.
    bool has_held_back() const noexcept {
        // A hint: what the kernel sets just after we looked is seen at the next look. It pairs with nothing.
        return is_open() && (kernel_flags_->load_relaxed() & (abi::sq_cq_overflow | abi::sq_taskrun)) != 0;
    }

    // Called when the queue looks full: looks again, and says what is wrong if it still is.
    [[gnu::always_inline]] result<void> make_room(std::uint32_t count) noexcept {
        const std::int32_t code = look_for_room(count);
        if (code == 0) return {};
        return error{code, !is_open()                      ? cause::ring_closed
                           : count > submission_capacity() ? cause::push_too_large
                                                           : cause::queue_full};
    }

private:
    minimal_base(const minimal_base&) noexcept = default;
    minimal_base& operator=(const minimal_base&) noexcept = default;

    // 0, or an errno; then there is no ring, and file_ is the cause, negative.
    std::int32_t set_up(std::uint32_t entries, std::uint32_t completion_entries, setup flags) noexcept;
    // Points to what is in the first mapping, and numbers the array.
    void look_up(const abi::params& parameters, char* first) noexcept;
    // Nothing fits, nothing is queued, nothing is ready.
    void forget() noexcept;
    // Unmaps and closes all that there is; the errno of closing.
    std::int32_t let_go() noexcept;
    // 0, or the errno that says why there is no room.
    std::int32_t look_for_room(std::uint32_t count) noexcept;
    // Publishes what was queued and enters the kernel; how many entries it took, or a negative errno.
    std::int32_t enter(std::uint32_t wait_for, std::uint32_t flags) noexcept;
    [[gnu::always_inline]] result<submission> entered(std::int32_t answer) const noexcept {
        if (answer < 0) return error{-answer, is_open() ? cause::enter_call : cause::ring_closed};
        return submission{static_cast<std::uint32_t>(answer), unsubmitted()};
    }

    int file_; // negative when there is no ring
    void* queues_;
    std::size_t queues_size_;
};

} // namespace lio::inline v0::detail
