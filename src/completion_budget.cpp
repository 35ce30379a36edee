// What the budget of completions refuses. Cold.
#include <lio/completion_budget.hpp>

#include <cerrno>

namespace lio::inline v0 {

error completion_budget::refused(cause why) noexcept {
    switch (why) {
    case cause::completions_could_overflow: return error{EAGAIN, why};
    case cause::completions_never_fit: return error{E2BIG, why};
    default: return error{EINVAL, why};
    }
}

} // namespace lio::inline v0
