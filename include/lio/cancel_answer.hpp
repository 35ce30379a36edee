// What an operation that ends another one found: a value. Any thread.
#pragma once

#include <lio/cqe.hpp>
#include <lio/detail/failure.hpp>
#include <lio/result.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// The answer to a cancel, a removal or an update. None of the three is a failure of the operation that asked; whatever
/// it says, the operation that was to be ended completes itself, before or after this.
class cancel_answer {
public:
    /// `count` operations were found.
    static constexpr cancel_answer cancelled(std::uint32_t count) noexcept { return {state::found, count}; }
    static constexpr cancel_answer not_found() noexcept { return {state::none, 0}; }
    static constexpr cancel_answer too_late() noexcept { return {state::late, 0}; }

    /// How a completion says it: `found` is what a result of 0 stands for.
    static constexpr result<cancel_answer> read(const cqe& done, std::uint32_t found) noexcept {
        return read(done.result(), found);
    }
    /// How the call of cancel_now() says it.
    static constexpr result<cancel_answer> read(const result<std::int32_t>& answer, std::uint32_t found) noexcept {
        if (answer) return cancelled(*answer == 0 ? found : static_cast<std::uint32_t>(*answer));
        switch (detail::failure_of(answer.error())) {
        case detail::failure::not_found: return not_found();
        case detail::failure::too_late: return too_late();
        default: return answer.error();
        }
    }

    /// How many operations were found and are being ended (or changed); 0 in the two other cases.
    constexpr std::uint32_t count() const noexcept { return count_; }
    /// There is no such operation, or no more.
    constexpr bool was_not_found() const noexcept { return state_ == state::none; }
    /// It has begun what cannot be stopped; it may be interrupted, or go on to its end.
    constexpr bool was_too_late() const noexcept { return state_ == state::late; }
    friend constexpr bool operator==(cancel_answer, cancel_answer) noexcept = default;

private:
    enum class state : std::uint8_t { found, none, late };
    constexpr cancel_answer(state is, std::uint32_t count) noexcept : state_{is}, count_{count} {}

    state state_;
    std::uint32_t count_;
};

} // namespace lio::inline v0
