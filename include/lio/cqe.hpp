// A completion: what the kernel says of one operation. It lies in the completion ring and is 16 bytes (32 on rings
// that were made so); whoever reaps it reads it in place.
#pragma once

#include <lio/abi/entries.hpp>
#include <lio/owned_descriptor.hpp>
#include <lio/result.hpp>
#include <lio/user_data.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// The number of a buffer in its group, when there is one: the completion of an operation that picked
/// its buffer itself.
class optional_buffer_id {
public:
    constexpr optional_buffer_id() noexcept = default;
    explicit constexpr optional_buffer_id(std::uint16_t id) noexcept : id_{id}, present_{true} {}
    constexpr bool has_value() const noexcept { return present_; }
    constexpr explicit operator bool() const noexcept { return present_; }
    constexpr std::uint16_t operator*() const noexcept {
        LIO_ASSERT(present_, "this completion carries no buffer");
        return id_;
    }

private:
    std::uint16_t id_ = 0;
    bool present_ = false;
};

namespace detail {

// What cqe::as<Operation>() gives for the operations that complete more than once; see completion.hpp.
template <class Operation>
struct completion_of;

} // namespace detail

/// One completion queue entry.
class cqe {
public:
    constexpr cqe() noexcept = default;
    /// For tests and for programs that keep completions in a form of their own.
    explicit constexpr cqe(const abi::cqe& entry) noexcept : entry_{entry} {}

    /// The number that was given to the operation with .user_data().
    constexpr std::uint64_t user_data() const noexcept { return entry_.user_data; }

    /// The same as the type that was given: a number, an enumeration, a pointer, a structure of at most
    /// eight bytes.
    template <detail::user_data_value T>
    constexpr T user_data_as() const noexcept {
        return detail::from_user_data<T>(entry_.user_data);
    }

    /// What the operation returned: 0 or more (its meaning is the operation's), or the error.
    constexpr lio::result<int> result() const noexcept {
        if (entry_.res < 0) [[unlikely]]
            return failure();
        return entry_.res;
    }

    /// The same in the type of `Operation`: done.result<op::accept>() is a descriptor, done.result<op::nop>()
    /// has no value, and of done.result<op::cancel>() the failures that are answers are values.
    template <class Operation>
    constexpr lio::result<typename Operation::result_type> result() const noexcept {
        if constexpr (requires { Operation::interpret(*this); }) {
            return Operation::interpret(*this);
        } else {
            if (entry_.res < 0) [[unlikely]]
                return failure();
            using value = typename Operation::result_type;
            if constexpr (std::is_void_v<value>)
                return {};
            else if constexpr (std::is_class_v<value>)
                return value{static_cast<std::uint32_t>(entry_.res)};
            else
                return static_cast<value>(entry_.res);
        }
    }

    /// The descriptor that an open, accept or socket has made, as a handle that closes it. To be called once for a
    /// completion: nothing else may close that descriptor then.
    template <class Operation>
        requires(Operation::opens_descriptor)
    lio::result<owned_descriptor> take() const noexcept {
        if (entry_.res < 0) [[unlikely]]
            return failure();
        return owned_descriptor{entry_.res};
    }

    /// The completion of an operation that completes more than once, as a type that tells its cases apart: a
    /// multishot's item, its end, its starvation (multishot_completion), a zero-copy send's result and the release of
    /// its buffer (zero_copy_completion).
    template <class Operation>
    constexpr auto as() const noexcept {
        return typename detail::completion_of<Operation>::type{*this};
    }

    /// More completions of the same operation will follow. Without it this was the last, whatever the result.
    constexpr bool more() const noexcept { return (entry_.flags & abi::cqe_f_more) != 0; }

    /// Not an operation's completion: the other handle of a split ring has called submission_queue::stop().
    constexpr bool is_stop() const noexcept {
        return entry_.user_data == static_cast<std::uint64_t>(reserved_user_data::stop);
    }

    /// The second completion of a zero-copy send: the kernel has let go of the buffer.
    constexpr bool is_notification() const noexcept { return (entry_.flags & abi::cqe_f_notif) != 0; }

    /// After a receive: the socket had more data than was taken.
    constexpr bool socket_has_more() const noexcept { return (entry_.flags & abi::cqe_f_sock_nonempty) != 0; }

    /// The buffer that the operation took from its group. Failed operations can carry one too; it must be
    /// given back all the same.
    constexpr optional_buffer_id buffer_id() const noexcept {
        if ((entry_.flags & abi::cqe_f_buffer) == 0) return {};
        return optional_buffer_id{static_cast<std::uint16_t>(entry_.flags >> abi::cqe_buffer_shift)};
    }

    /// The kernel goes on filling the same buffer (incremental consumption): do not give it back yet.
    constexpr bool buffer_has_more() const noexcept { return (entry_.flags & abi::cqe_f_buf_more) != 0; }

    /// The result as the kernel wrote it: a negative number is an errno.
    constexpr std::int32_t raw_result() const noexcept { return entry_.res; }

    /// The flags as the kernel wrote them.
    constexpr std::uint32_t flags() const noexcept { return entry_.flags; }

private:
    // The release of a zero-copy send can carry the lowest number, of which there is no negative.
    constexpr error failure() const noexcept {
        return error{static_cast<std::int32_t>(0U - static_cast<std::uint32_t>(entry_.res))};
    }

    abi::cqe entry_{};
};

static_assert(sizeof(cqe) == sizeof(abi::cqe), "completions are read in place");

/// One completion queue entry of 32 bytes: with room for what a few operations answer beyond their result.
class large_cqe : public cqe {
public:
    constexpr large_cqe() noexcept = default;
    /// For tests and for programs that keep completions in a form of their own.
    explicit constexpr large_cqe(const abi::cqe32& entry) noexcept
        : cqe{abi::cqe{entry.user_data, entry.res, entry.flags}}, extra_{entry.big_cqe[0], entry.big_cqe[1]} {}

    /// The two words beyond the result, `index` 0 or 1; what they mean is the operation's.
    constexpr std::uint64_t extra(unsigned index) const noexcept {
        LIO_ASSERT(index < 2, "a completion has two extra words");
        return extra_[index];
    }

    /// As cqe::as(), for operations that answer in all 32 bytes as well.
    template <class Operation>
    constexpr auto as() const noexcept {
        return typename detail::completion_of<Operation>::type{*this};
    }

private:
    std::uint64_t extra_[2] = {};
};

static_assert(sizeof(large_cqe) == sizeof(abi::cqe32), "completions are read in place");

} // namespace lio::inline v0
