// Making a split ring. Any thread.

#include "ring_maker.hpp"

#include <lio/split.hpp>

namespace lio {

result<split_ring> with_capacity(std::uint32_t entries) noexcept { return with_options({.entries = entries}); }

result<split_ring> with_options(const ring_options& options) noexcept {
    submission_queue submissions;
    completion_queue completions;
    if (const auto made = detail::ring_maker::make(options, setup::none, detail::ring_use::two_threads, submissions, completions);
        !made)
        return made.error();
    return split_ring{static_cast<completion_queue&&>(completions), static_cast<submission_queue&&>(submissions)};
}

} // namespace lio
