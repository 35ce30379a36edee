// Waiting for child processes. Includes the base only: siginfo_t and the numbers are those of <sys/wait.h>. Any thread.
#pragma once

#include <lio/op/operation.hpp>

#include <cstdint>
#include <type_traits>

namespace lio::inline v0::detail {

// siginfo_t, which cannot be declared without its header: 128 bytes, to be written by the kernel.
template <class Info>
concept signal_info =
    std::is_trivially_copyable_v<Info> && !std::is_const_v<Info> && sizeof(Info) == 128 && requires(Info& info) {
        info.si_signo;
        info.si_code;
    };

} // namespace lio::inline v0::detail

namespace lio::inline v0::op {

/// Waits for a child process to exit, to be killed, to stop or to go on, as the options say. waitid(2).
/// Result: nothing; `info` tells what happened to which child. ECHILD when there is none to wait for.
/// Lifetimes: `info` until the completion, also of an operation that is cancelled: it is written to in every case.
/// Traps: the children of the process that submitted. With WNOHANG, and no news of a child, it is a success with 0 in
/// info.si_signo. Without WNOWAIT the child is gone for any other wait. Of P_PIDFD the descriptor must be open when the
/// operation starts.
/// Since Linux 6.7.
class waitid : public operation<waitid> {
public:
    static constexpr abi::opcode code = abi::opcode::waitid;
    static constexpr kernel_version since{6, 7};
    using result_type = void;

    /// `id_type` is one of P_PID, P_PGID, P_ALL, P_PIDFD, `id` what it is about; `options` are WEXITED, WSTOPPED,
    /// WCONTINUED, WNOHANG, WNOWAIT.
    constexpr waitid(int id_type, std::int32_t id, int options) noexcept {
        entry_.fd = id;
        entry_.len = static_cast<std::uint32_t>(id_type);
        entry_.file_index = static_cast<std::uint32_t>(options);
    }

    template <lio::detail::signal_info Info>
    waitid(int id_type, std::int32_t id, Info& info, int options) noexcept : waitid{id_type, id, options} {
        entry_.addr2 = address(&info);
    }
    template <lio::detail::signal_info Info>
    waitid(int id_type, std::int32_t id, const Info&& info, int options) = delete;
};

} // namespace lio::inline v0::op
