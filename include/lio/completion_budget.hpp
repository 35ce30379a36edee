// A count of the completions that may still come, for programs that must never let the completion queue overflow.
// Beside a ring and not in it: a ring that does without pays nothing. One thread pushes, one (the same or another)
// gives back.
#pragma once

#include <lio/abi/entries.hpp>
#include <lio/completion.hpp>
#include <lio/detail/assert.hpp>
#include <lio/detail/completion_side.hpp>
#include <lio/detail/ring_layout.hpp>
#include <lio/detail/shared_word.hpp>
#include <lio/detail/submission_entries.hpp>
#include <lio/op/operation.hpp>
#include <lio/result.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// How many completions of a multishot operation may be unreaped at once: see at_most().
struct completion_bound {
    std::uint32_t count;
};

/// A multishot operation with the bound that it was given by at_most().
template <class Operation>
struct bounded_operation {
    Operation operation;
    completion_bound bound;
};

/// A multishot operation that unbounded() has taken out of the count.
template <class Operation>
struct unbounded_operation {
    Operation operation;
};

/// The bound itself, for completion_budget::release(): the same number as was given with the operation. Not 0.
constexpr completion_bound at_most(std::uint32_t count) noexcept {
    LIO_ASSERT(count != 0, "every operation completes at least once");
    return {count};
}

/// Declares that never more than `count` completions of this multishot operation are unreaped at once, the last one
/// included. That is the program's word, which nobody checks: where every completion takes a buffer, the buffers of the
/// group and one more; of a timer that goes off n times, n.
template <class Operation>
    requires(Operation::completions == completes::many)
constexpr bounded_operation<Operation> at_most(std::uint32_t count, const Operation& operation) noexcept {
    return {operation, at_most(count)};
}

/// Takes this multishot operation out of the count: nothing is known of how many completions it may have unreaped, and
/// the queue may overflow because of it. The kernel keeps such completions, and ends the operation.
template <class Operation>
    requires(Operation::completions == completes::many)
constexpr unbounded_operation<Operation> unbounded(const Operation& operation) noexcept {
    return {operation};
}

/// An operation of which the budget knows how often it completes: a multishot operation must be given to it as
/// at_most(n, operation) or unbounded(operation).
template <class Operation>
concept bounded_completions = !requires { requires Operation::completions == completes::many; };

namespace detail {

template <class Operation>
constexpr std::uint32_t completions_of(const Operation&) noexcept {
    return Operation::completions == completes::once ? 1 : 2;
}
template <class Operation>
constexpr std::uint32_t completions_of(const bounded_operation<Operation>& bounded) noexcept {
    return bounded.bound.count;
}
template <class Operation>
constexpr std::uint32_t completions_of(const unbounded_operation<Operation>&) noexcept {
    return 0;
}

template <class Operation>
constexpr const Operation& bare(const Operation& operation) noexcept {
    return operation;
}
template <class Operation>
constexpr const Operation& bare(const bounded_operation<Operation>& bounded) noexcept {
    return bounded.operation;
}
template <class Operation>
constexpr const Operation& bare(const unbounded_operation<Operation>& untold) noexcept {
    return untold.operation;
}

template <class Operation>
constexpr bool may_be_silent(const Operation& operation) noexcept {
    return (operation.entry().flags & abi::sqe_cqe_skip_success) != 0;
}

} // namespace detail

/// Refuses to push what could overflow the ring's completion queue. It counts what was pushed through it and not been
/// given back; what comes into the queue by other ways (push() of the ring itself, messages of other rings, the stop of
/// a split ring, unbounded()) is for the program to leave room for.
///
/// lio::completion_budget budget{ring};
/// budget.push(ring, lio::op::read(...), lio::at_most(9, lio::op::recv_multishot(...)));
///
/// With a split ring it is made of the waiting half, and shared: push() on the submitting thread, release() on the
/// other. It cannot be moved, and must outlive both uses. Not for rings with completions or entries of mixed sizes:
/// what these need of the queue depends on where in it they come to lie.
class completion_budget {
public:
    class returns;

    /// For a ring, or the waiting half of a split one. Nothing may be in flight that is to be counted.
    explicit completion_budget(const detail::completion_side& ring) noexcept : capacity_{ring.completion_capacity()} {
        charged_.store_relaxed(0);
        returned_.store_relaxed(0);
    }
    completion_budget(const completion_budget&) = delete;
    completion_budget& operator=(const completion_budget&) = delete;

    /// Pushes the operations as push() of the ring does, all or none, if the completion queue has room for whatever
    /// they and all others in flight may complete with.
    /// Errors: EAGAIN with cause::completions_could_overflow, there is no room now: submit, reap, give back, then push
    /// again; E2BIG with cause::completions_never_fit, there could never be; EINVAL with
    /// cause::completion_may_be_skipped, an operation has skip_success(): of that, and of what it may cancel behind it,
    /// nobody learns that it is over. Else those of push() of the ring.
    template <class Layout, class Base, class... Operations>
        requires(sizeof...(Operations) > 0 && !Layout::has_mixed_entries && !Layout::has_mixed_completions &&
                 (bounded_completions<Operations> && ...))
    result<void> push(detail::submission_entries<Layout, Base>& ring, const Operations&... operations) noexcept {
        if ((detail::may_be_silent(detail::bare(operations)) || ...)) [[unlikely]]
            return refused(cause::completion_may_be_skipped);
        const std::uint64_t wanted = (std::uint64_t{detail::completions_of(operations)} + ...);
        if (wanted > capacity_) [[unlikely]]
            return refused(cause::completions_never_fit);
        // Only this thread adds to what is in flight: it can but shrink before the operations are pushed.
        if (in_flight() + wanted > capacity_) [[unlikely]]
            return refused(cause::completions_could_overflow);
        if (const auto pushed = ring.push(detail::bare(operations)...); !pushed) [[unlikely]]
            return pushed;
        // Before they are submitted, so that who reaps their completions finds them counted.
        charged_.store_relaxed(charged_.load_relaxed() + static_cast<std::uint32_t>(wanted));
        return {};
    }

    /// Gives back what this completion of an `Operation` has used up; to be called once for every completion of what
    /// was pushed through the budget, when its place in the queue is free: at once for one of next() or try_next(), but
    /// for those of reap() only when its range is gone. For these see completion_budget::returns.
    /// Traps: of a zero-copy send whose entry was wrong (EINVAL, EFAULT) and which stood in a chain behind another, see
    /// zero_copy_completion::releases_memory(): do not give its second completion back.
    template <class Operation>
        requires(Operation::completions != completes::many)
    void release(const cqe& done) noexcept {
        give_back(credit_of<Operation>(done));
    }
    /// The same of a multishot operation, with the bound that it was pushed with: all of it comes back with the last
    /// completion. One pushed as unbounded() has nothing to give back.
    template <class Operation>
        requires(Operation::completions == completes::many)
    void release(const cqe& done, completion_bound bound) noexcept {
        give_back(credit_of(done, bound));
    }

    /// How many completions may still come into the queue, or lie there. Either thread.
    std::uint32_t in_flight() const noexcept {
        // Acquire pairs with the release of give_back(): the places given back were free before. The kernel learns it
        // through what is submitted afterwards (its acquire of the queue's tail), so that it cannot find them taken.
        const std::uint32_t returned = returned_.load_acquire();
        return charged_.load_relaxed() - returned;
    }

    /// How many the queue holds.
    std::uint32_t capacity() const noexcept { return capacity_; }

    /// To be called after resize() of the ring. What is in flight stays counted.
    void resized(const detail::completion_side& ring) noexcept { capacity_ = ring.completion_capacity(); }

private:
    static error refused(cause why) noexcept;

    template <class Operation>
    static constexpr std::uint32_t credit_of(const cqe& done) noexcept {
        if constexpr (Operation::completions == completes::once) {
            return 1;
        } else {
            // Both places at once where only the result comes.
            const zero_copy_completion<Operation> sent{done};
            return !sent.is_release() && sent.releases_memory() ? 2 : 1;
        }
    }

    static constexpr std::uint32_t credit_of(const cqe& done, completion_bound bound) noexcept {
        return done.more() ? 0 : bound.count;
    }

    void give_back(std::uint32_t count) noexcept {
        // Only one thread gives back: no other changes the number in between.
        const std::uint32_t returned = returned_.load_relaxed();
        LIO_ASSERT(charged_.load_relaxed() - returned >= count,
                   "more completions are given back than were pushed through this budget");
        returned_.store_release(returned + count); // pairs with in_flight()
    }

    std::uint32_t capacity_;
    detail::shared_u32 charged_;  // written by who pushes
    detail::shared_u32 returned_; // written by who reaps
};

/// Collects what a range of completions gives back, and gives it when destroyed: after the range, if it was made
/// before.
///
/// lio::completion_budget::returns returned{budget};
/// for (const lio::cqe& done : ring.reap()) returned.release<lio::op::read>(done);
class completion_budget::returns {
public:
    explicit returns(completion_budget& budget) noexcept : budget_{budget} {}
    returns(const returns&) = delete;
    returns& operator=(const returns&) = delete;
    ~returns() { budget_.give_back(count_); }

    /// As those of the budget, but given back later.
    template <class Operation>
        requires(Operation::completions != completes::many)
    void release(const cqe& done) noexcept {
        count_ += credit_of<Operation>(done);
    }
    template <class Operation>
        requires(Operation::completions == completes::many)
    void release(const cqe& done, completion_bound bound) noexcept {
        count_ += credit_of(done, bound);
    }

private:
    completion_budget& budget_;
    std::uint32_t count_ = 0;
};

} // namespace lio::inline v0
