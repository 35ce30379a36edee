// Makes a ring: the set-up with its fall-backs, the mappings, the two sides. Private; any thread.
#pragma once

#include <lio/detail/completion_side.hpp>
#include <lio/detail/submission_side.hpp>
#include <lio/result.hpp>
#include <lio/ring_options.hpp>

namespace lio::detail {

enum class ring_use {
    one_thread,
    /// One submits, another waits.
    two_threads,
};

struct ring_maker {
    /// Fills both sides; `layout` is large_entries, large_completions, both or none. On an error they are as before and nothing is left behind.
    static result<void> make(const ring_options& options, setup layout, ring_use use, submission_side& submissions,
                             completion_side& completions) noexcept;
};

} // namespace lio::detail
