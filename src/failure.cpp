// Failures by their errno. Any thread.

#include <lio/detail/failure.hpp>

#include <cerrno>

namespace lio::inline v0::detail {

failure failure_of(error problem) noexcept {
    switch (problem.code()) {
    case ENOENT: return failure::not_found;
    case EAGAIN: return failure::try_again;
    case ETIME: return failure::time_passed;
    case ENOBUFS: return failure::no_buffer;
    case EALREADY: return failure::too_late;
    case ECANCELED: return failure::cancelled;
    default: return failure::other;
    }
}

} // namespace lio::inline v0::detail
