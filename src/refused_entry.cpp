// What push says of an operation whose arguments its entry cannot carry. Any thread.

#include <lio/detail/submission_entries.hpp>

#include <cerrno>

namespace lio::inline v0::detail {

error refused_entry(cause why) noexcept {
    // The others are all too large for where they would have to go.
    const bool is_nonsense = why == cause::close_on_exec_of_slot || why == cause::user_data_is_reserved;
    return error{is_nonsense ? EINVAL : EOVERFLOW, why};
}

} // namespace lio::inline v0::detail
