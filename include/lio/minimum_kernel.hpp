// The first kernel of every set-up option and way to wait, and the one that a program needs for all that it uses, as
// constants: what is known while the program is compiled. What the kernel underneath can do says <lio/abilities.hpp>.
// Values only.
#pragma once

#include <lio/abi/setup.hpp>
#include <lio/op/operation.hpp>
#include <lio/ring_options.hpp>
#include <lio/wait_options.hpp>

#include <cstdint>

namespace lio::inline v0 {

namespace detail {

struct setup_release {
    std::uint32_t flag;
    kernel_version release;
};

// Also those that have no name in lio::setup because the library sets them by itself: ring::setup_flags() shows them.
inline constexpr setup_release setup_releases[] = {
    {abi::setup_iopoll, {5, 1}},        {abi::setup_sqpoll, {5, 1}},
    {abi::setup_sq_aff, {5, 1}},        {abi::setup_cqsize, {5, 5}},
    {abi::setup_clamp, {5, 6}},         {abi::setup_attach_wq, {5, 6}},
    {abi::setup_r_disabled, {5, 10}},   {abi::setup_submit_all, {5, 18}},
    {abi::setup_coop_taskrun, {5, 19}}, {abi::setup_taskrun_flag, {5, 19}},
    {abi::setup_sqe128, {5, 19}},       {abi::setup_cqe32, {5, 19}},
    {abi::setup_single_issuer, {6, 0}}, {abi::setup_defer_taskrun, {6, 1}},
    {abi::setup_no_mmap, {6, 5}},       {abi::setup_registered_fd_only, {6, 5}},
    {abi::setup_no_sqarray, {6, 6}},    {abi::setup_hybrid_iopoll, {6, 13}},
    {abi::setup_cqe_mixed, {6, 18}},    {abi::setup_sqe_mixed, {6, 19}},
    {abi::setup_sq_rewind, {7, 0}},
};

constexpr kernel_version newer_of(kernel_version a, kernel_version b) noexcept { return a < b ? b : a; }

} // namespace detail

/// The first kernel that takes all of these options: since(setup::deferred_taskrun) is Linux 6.1. Of no options it is
/// Linux 5.1, the first with rings; of a bit that this library does not know it is {255, 255}, which no kernel reaches.
constexpr kernel_version since(setup options) noexcept {
    kernel_version newest{5, 1};
    auto left = static_cast<std::uint32_t>(options);
    for (const detail::setup_release& one : detail::setup_releases) {
        if ((left & one.flag) == 0) continue;
        left &= ~one.flag;
        newest = detail::newer_of(newest, one.release);
    }
    return left == 0 ? newest : kernel_version{255, 255};
}

/// The first kernel that can make such a ring: what options.require needs, and the other members too. Without `exactly`
/// the library adds what the kernel has beyond that, which takes no newer one.
constexpr kernel_version since(const ring_options& options) noexcept {
    setup all = options.require;
    if (options.completion_entries != 0) all = all | static_cast<setup>(abi::setup_cqsize);
    if (options.attach_to >= 0) all = all | static_cast<setup>(abi::setup_attach_wq);
    if (options.memory.size() != 0) all = all | static_cast<setup>(abi::setup_no_mmap);
    return since(all);
}

/// The first kernel that can wait so: since(wait_options{}.deadline({1, 0})) is Linux 6.12. Not of the registration of
/// waits (registered_waits, Linux 6.13): of one that is registered it is the same as of the same one unregistered.
constexpr kernel_version since(const wait_options& options) noexcept {
    if (options.no_iowait_) return {6, 15};
    if (options.minimum_wait_ != 0 || options.is_absolute_) return {6, 12};
    return {5, 1};
}

/// The first kernel that has all of these operations, on a ring with these options:
///     static_assert(minimum_kernel<op::read, op::accept_multishot>(setup::submit_all) == kernel_version{5, 19});
/// It counts each operation in its basic form; what a flag or a modifier of it needs beyond that is in its doc.
template <class... Operations>
constexpr kernel_version minimum_kernel(setup options = setup::none) noexcept {
    kernel_version newest = since(options);
    ((newest = detail::newer_of(newest, Operations::since)), ...);
    return newest;
}

/// The same for the whole of a ring's options.
template <class... Operations>
constexpr kernel_version minimum_kernel(const ring_options& options) noexcept {
    return detail::newer_of(since(options), minimum_kernel<Operations...>());
}

/// The same with a way to wait. Of several ways the one that needs the newest kernel counts.
template <class... Operations>
constexpr kernel_version minimum_kernel(const ring_options& options, const wait_options& wait) noexcept {
    return detail::newer_of(since(wait), minimum_kernel<Operations...>(options));
}

} // namespace lio::inline v0
