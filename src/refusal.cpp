// Why the system gives out no rings: what the errno means is seen from the sysctls. Any thread; cold.

#include "refusal.hpp"

#include "system.hpp"

#include <cerrno>
#include <cstddef>

namespace lio::inline v0::detail {

namespace {

/// The first characters of a small file.
struct beginning {
    char text[16];
    std::size_t size;
    /// 0, or why it could not be read.
    std::int32_t code;
};

beginning read_beginning(const char* path) noexcept {
    beginning of{{}, 0, 0};
    const auto file = system::open_to_read(path);
    if (!file) {
        of.code = file.error().code();
        return of;
    }
    const auto size = system::read(*file, of.text, sizeof of.text);
    static_cast<void>(system::close(*file));
    if (size)
        of.size = *size;
    else
        of.code = size.error().code();
    return of;
}

constexpr char disabled_path[] = "/proc/sys/kernel/io_uring_disabled";
constexpr char group_path[] = "/proc/sys/kernel/io_uring_group";
// Is there with /proc, whatever the kernel.
constexpr char release_path[] = "/proc/sys/kernel/osrelease";

} // namespace

error likely_cause(error problem) noexcept {
    const std::int32_t code = problem.code();
    // The kernel lets everybody ask a ring that he could make.
    if (problem.why() == cause::register_call && (code == EPERM || code == EACCES || code == ENOSYS))
        return error{code, cause::rings_filtered};
    if (problem.why() != cause::setup_call || (code != EPERM && code != ENOSYS)) return problem;
    const beginning disabled = read_beginning(disabled_path);
    // A kernel that has the sysctl has io_uring: somebody else said that it has not.
    if (code == ENOSYS) return disabled.code == 0 ? error{code, cause::rings_filtered} : problem;
    if (disabled.code == ENOENT) {
        // Before Linux 6.6 there is no such sysctl, and no other reason of the kernel's own. But /proc may be missing.
        return read_beginning(release_path).code == 0 ? error{code, cause::rings_filtered} : problem;
    }
    if (disabled.code != 0 || disabled.size == 0) return problem;
    switch (disabled.text[0]) {
    case '0':
        return error{code, cause::rings_filtered};
    case '1': {
        // -1 where no group was named.
        const beginning group = read_beginning(group_path);
        const bool is_named = group.code == 0 && group.size != 0 && group.text[0] != '-';
        return error{code, is_named ? cause::rings_limited_to_group : cause::rings_limited_to_administrators};
    }
    default:
        return error{code, cause::rings_disabled};
    }
}

bool can_pass(error problem) noexcept {
    switch (problem.code()) {
    case ENOMEM:
    case EAGAIN:
    case EMFILE:
    case ENFILE:
        return true;
    default:
        return false;
    }
}

} // namespace lio::inline v0::detail
