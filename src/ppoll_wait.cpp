// Waits with a time-out or a signal mask on Linux before 5.11, where io_uring_enter(2) takes neither: in ppoll(2),
// which takes both, with the ring as the file that it watches. On the reaping thread.

#include "enter.hpp"

#include <lio/detail/completion_side.hpp>

namespace lio::inline v0::detail {

// A ring can be read as soon as it holds one completion. Of a wait for more nothing tells when it is over, so it looks
// again and again. So does one for the first, but seldom: Linux 5.7 and older do not let a thread out of ppoll for work
// that has to be done on that thread before the completion is there.
result<std::uint32_t> completion_side::wait_in_ppoll(std::uint32_t count, const wait_options* options) noexcept {
    if (const auto possible = can_wait(*core_, options); !possible) return possible.error();
    constexpr std::int64_t millisecond = 1'000'000;
    const wait_terms terms{options};
    const wait_limit limit{*core_, options};
    for (;;) {
        if (is_holding_back()) static_cast<void>(flush());
        if (completions_ready() >= count || is_full()) return completions_ready();
        if (limit.has_passed()) return limit.early_end();
        const bool is_empty = slots_ready() == 0;
        const std::int64_t longest = is_empty ? 10 * millisecond : millisecond;
        const auto slept = system::wait_readable(is_empty ? core_->file : -1, limit.at_most(longest), terms.signals(),
                                                 terms.size_of_signals());
        if (!slept && completions_ready() < count) return explained(slept.error());
    }
}

} // namespace lio::inline v0::detail
