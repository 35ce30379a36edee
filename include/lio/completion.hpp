// The completions of operations that complete more than once, as types that tell their cases apart;
// cqe::as<Operation>() makes them. Values; any thread.
#pragma once

#include <lio/abi/operation_flags.hpp>
#include <lio/cqe.hpp>
#include <lio/detail/failure.hpp>
#include <lio/op/operation.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// What a completion of a multishot operation says.
enum class multishot_event : std::uint8_t {
    /// A result; more completions follow.
    item,
    /// A result, and the operation has ended with it: submit it again if it shall go on.
    last_item,
    /// It has ended without a result: the peer has closed its stream, the file is at its end.
    end,
    /// It has ended for want of a buffer (ENOBUFS). Nothing is lost: give buffers back, then submit it again.
    starved,
    /// It has ended because it was cancelled.
    cancelled,
    /// It failed; problem() says how.
    failed,
};

/// One completion of `Operation`, which completes many times.
template <class Operation>
class multishot_completion {
    static_assert(Operation::completions == completes::many, "this operation completes once: use cqe::result()");

public:
    explicit constexpr multishot_completion(const cqe& done) noexcept : done_{done} {}

    constexpr multishot_event event() const noexcept {
        const auto result = done_.result<Operation>();
        if (!result) {
            switch (detail::failure_of(result.error())) {
            case detail::failure::no_buffer: return multishot_event::starved;
            case detail::failure::cancelled: return multishot_event::cancelled;
            default: return multishot_event::failed;
            }
        }
        if (done_.more()) return multishot_event::item;
        if (Operation::zero_ends && done_.raw_result() == 0) return multishot_event::end;
        return multishot_event::last_item;
    }

    /// Whether there is a result: also the last completion can have one.
    constexpr bool has_item() const noexcept {
        return event() == multishot_event::item || event() == multishot_event::last_item;
    }

    /// The result of this completion. There must be one.
    constexpr typename Operation::result_type item() const noexcept {
        LIO_ASSERT(has_item(), "this completion has no item: look at event() first");
        return *done_.result<Operation>();
    }

    /// Nothing follows this completion: the operation is over, however it went.
    constexpr bool ended() const noexcept { return !done_.more(); }

    /// Why it failed, was cancelled or starved.
    constexpr error problem() const noexcept {
        const auto result = done_.result<Operation>();
        LIO_ASSERT(!result, "this completion is no failure: look at event() first");
        return result.error();
    }

    /// The buffer that came with it, whatever the event: it must be given back.
    constexpr optional_buffer_id buffer_id() const noexcept { return done_.buffer_id(); }

private:
    cqe done_;
};

/// One completion of a zero-copy send. There are two: the result, and then the release of the memory; only the first
/// where nothing could be lent: after some failures. And only the second of a cancelled one, when the chain that it was
/// in was broken by an operation with skip_success().
template <class Operation>
class zero_copy_completion {
    static_assert(Operation::completions == completes::once_and_notification);

public:
    explicit constexpr zero_copy_completion(const cqe& done) noexcept : done_{done} {}

    /// This is the second completion: no result, but the memory's release.
    constexpr bool is_release() const noexcept { return done_.is_notification(); }

    /// From now on the memory is the program's again, and no other completion follows. (Except that one does when the
    /// entry itself was wrong, EINVAL or EFAULT, and stood in a chain behind another: the kernel does not say so.)
    constexpr bool releases_memory() const noexcept {
        return is_release() || (!done_.more() && !is_cancelled_with_its_chain());
    }

    /// How many bytes were sent, or the error; of the completion that is no release.
    constexpr lio::result<typename Operation::result_type> result() const noexcept {
        LIO_ASSERT(!is_release(), "the result came in the completion before: look at is_release() first");
        return done_.result<Operation>();
    }

    /// Of the release of a send with report_usage(): the kernel has copied the data after all, at least in part.
    constexpr bool was_copied() const noexcept {
        LIO_ASSERT(is_release(), "only the release tells: look at is_release() first");
        return (static_cast<std::uint32_t>(done_.raw_result()) & abi::notif_usage_zc_copied) != 0;
    }

private:
    // From Linux 6.0 to 7.3 at least, of a send that is cancelled because the chain before it broke, the kernel forgets
    // to say that more follows; the release comes all the same. No other cancellation lacks that word.
    constexpr bool is_cancelled_with_its_chain() const noexcept {
        return done_.raw_result() < 0 &&
               detail::failure_of(done_.result().error()) == detail::failure::cancelled;
    }

    cqe done_;
};

namespace detail {

template <class Operation>
concept has_completion_type = requires { typename Operation::completion_type; };

template <class Operation>
    requires has_completion_type<Operation>
struct completion_of<Operation> {
    using type = typename Operation::completion_type;
};

template <class Operation>
    requires(!has_completion_type<Operation> && Operation::completions == completes::many)
struct completion_of<Operation> {
    using type = multishot_completion<Operation>;
};

template <class Operation>
    requires(!has_completion_type<Operation> && Operation::completions == completes::once_and_notification)
struct completion_of<Operation> {
    using type = zero_copy_completion<Operation>;
};

} // namespace detail
} // namespace lio::inline v0
