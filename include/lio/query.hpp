// Questions to the kernel that need no ring, by number: for those that this library has no name for yet. What it has a
// name for is in abilities(). Any thread.
#pragma once

#include <lio/abi/query.hpp>
#include <lio/error.hpp>
#include <lio/result.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace lio::inline v0 {

/// One question, and where its answer goes:
///     abi::query_scq layout;
///     lio::question scq{abi::query_op_scq, layout};
///     lio::ask(scq).value();
///     if (scq.answered()) use(layout);
/// A value that can be asked again; it points to the answer, which must live as long as it is asked.
class question {
public:
    /// Question `number` (abi::query_op_...), with the structure that the kernel is to fill, whatever its length: what
    /// the kernel does not know at its end becomes 0, what the structure has no room for is left out.
    template <class Answer>
        requires(std::is_trivially_copyable_v<Answer> && !std::is_const_v<Answer>)
    question(std::uint32_t number, Answer& answer) noexcept
        : answer_{&answer}, size_{sizeof answer}, number_{number} {}
    template <class Answer>
    question(std::uint32_t number, const Answer&& temporary) = delete;

    /// How many bytes the kernel wrote. Errors: EOPNOTSUPP, it does not know this question, or has not been asked;
    /// EINVAL, it does not like what it was given with it.
    result<std::uint32_t> answered() const noexcept;

private:
    friend struct question_chain;

    void* answer_;
    std::uint32_t size_;
    std::uint32_t number_;
    std::uint32_t written_ = 0;
    std::int32_t code_ = 0;
    bool was_asked_ = false;
};

namespace detail {

result<void> ask(question* const* questions, std::uint32_t count, abi::query_hdr* headers) noexcept;

} // namespace detail

/// Asks all of them in one call. A question that the kernel does not know is no failure of the others.
/// Errors: EINVAL, a kernel before 6.18, and none was answered; EFAULT, an answer's memory is not the program's; EPERM,
/// a filter forbids asking. io_uring_register(2). Since Linux 6.18.
template <class... More>
    requires(std::is_same_v<More, question> && ...)
result<void> ask(question& first, More&... more) noexcept {
    question* const all[] = {&first, &more...};
    abi::query_hdr headers[1 + sizeof...(More)];
    return detail::ask(all, 1 + sizeof...(More), headers);
}

} // namespace lio::inline v0
