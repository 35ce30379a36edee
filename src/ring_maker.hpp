// Makes a ring: the set-up with its fall-backs, the mappings, the two sides. Private; any thread.
#pragma once

#include <lio/detail/completion_side.hpp>
#include <lio/detail/submission_side.hpp>
#include <lio/result.hpp>
#include <lio/ring_options.hpp>

#include <cstddef>

namespace lio::inline v0::detail {

enum class ring_use {
    one_thread,
    /// One submits, another waits.
    two_threads,
};

struct ring_maker {
    /// Fills both sides; `layout` is the options that say how long entries are. On an error the sides are as before and
    /// nothing is left behind.
    static result<void> make(const ring_options& options, setup layout, ring_use use, submission_side& submissions,
                             completion_side& completions) noexcept;

    /// Gives a ring queues of other sizes, with all that is in them. On an error the ring is as before, or closed: then
    /// it is the mapping that failed, after the kernel had switched already.
    static result<void> resize(std::uint32_t entries, std::uint32_t completion_entries, submission_side& submissions,
                               completion_side& completions) noexcept;

    /// How much memory a ring of one thread takes when it is the program's own.
    static result<std::size_t> required_memory(const ring_options& options, setup layout) noexcept;

private:
    // Points both sides to the mapped ring. What they have counted stays.
    static void connect(ring_core& core, const abi::params& parameters, submission_side& submissions,
                        completion_side& completions) noexcept;
};

} // namespace lio::inline v0::detail
