// Adding filters of operations to rings and tasks. On the ring's thread; a task filters itself.

#include "ring_core.hpp"

#include <lio/abi/bpf_filter.hpp>
#include <lio/operation_filter.hpp>

#include <cerrno>

namespace lio::inline v0 {

/// What the kernel is told.
struct filter_request {
    static abi::bpf of(const operation_filter& filter) noexcept {
        abi::bpf request;
        request.cmd_type = abi::bpf_cmd_filter;
        request.filter.opcode = static_cast<std::uint32_t>(filter.operation_);
        if (filter.denies_rest_) request.filter.flags |= abi::bpf_filter_deny_rest;
        if (filter.is_strict_) request.filter.flags |= abi::bpf_filter_sz_strict;
        // More than 32 bits can hold are for the kernel to refuse, as are those.
        request.filter.filter_len = filter.size_ > 0xffffffff ? 0xffffffff : static_cast<std::uint32_t>(filter.size_);
        request.filter.filter_ptr = reinterpret_cast<std::uintptr_t>(filter.program_);
        request.filter.pdu_size = filter.is_strict_ ? filter.strict_size_ : size_looked_at(filter);
        return request;
    }

private:
    // How much of what belongs to the operation alone the program needs: up to the end of the last load. So a kernel
    // that does not show it refuses the program, instead of showing it zeros.
    static std::uint8_t size_looked_at(const operation_filter& filter) noexcept {
        constexpr std::uint16_t load = filter::load(0).code;
        constexpr std::uint32_t begin = __builtin_offsetof(abi::bpf_ctx, open);
        constexpr std::uint32_t end = sizeof(abi::bpf_ctx);
        std::uint32_t needed = begin;
        for (std::size_t i = 0; i < filter.size_ && i < most_instructions; ++i) {
            const filter_instruction& one = filter.program_[i];
            // One that lies outside is for the kernel to refuse.
            if (one.code == load && one.value < end && one.value + 4 > needed) needed = one.value + 4;
        }
        return static_cast<std::uint8_t>(needed - begin);
    }

    static constexpr std::size_t most_instructions = 4096; // the kernel refuses more
};

namespace {

result<void> explained(const result<std::uint32_t>& done) noexcept {
    if (done) return {};
    const std::int32_t code = done.error().code();
    if (code == EINVAL || code == EMSGSIZE) return error{code, cause::filter_refused};
    return done.error();
}

} // namespace

result<void> operation_filter::apply(detail::ring_core* core) const noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    const abi::bpf request = filter_request::of(*this);
    return explained(detail::register_with(*core, abi::register_opcode::register_bpf_filter, &request, 1));
}

result<void> filter_task(const operation_filter& filter) noexcept {
    constexpr int no_ring = -1;
    const abi::bpf request = filter_request::of(filter);
    const auto done = system::register_call(no_ring, abi::register_opcode::register_bpf_filter, &request, 1);
    if (!done && done.error().code() == EACCES) return error{EACCES, cause::task_refused};
    // Kernels before 6.13 know no call without a ring.
    if (!done && done.error().code() == EBADF) return error{EINVAL, cause::filter_refused};
    return explained(done);
}

} // namespace lio::inline v0
