// Takes the snapshot of what this system can do, and keeps it. Any thread; cold but for one load.

#include "abilities_cache.hpp"
#include "enter.hpp"
#include "refusal.hpp"
#include "setup_flags.hpp"
#include "system.hpp"
#include "trial_setup.hpp"

#include <lio/abi/register.hpp>
#include <lio/abilities.hpp>
#include <lio/query.hpp>

#include <cerrno>
#include <new>

namespace lio::inline v0 {

namespace detail {

const system_abilities* known_abilities = nullptr;

} // namespace detail

namespace {

/// A flag, and what it is tried with.
struct candidate {
    std::uint32_t flag;
    std::uint32_t companions;
};

// What a small ring shows, the oldest first.
constexpr candidate candidates[] = {
    {abi::setup_iopoll, 0},
    {abi::setup_clamp, 0},
    {abi::setup_r_disabled, 0},
    {abi::setup_submit_all, 0},
    {abi::setup_coop_taskrun, 0},
    {abi::setup_taskrun_flag, abi::setup_coop_taskrun},
    {abi::setup_sqe128, 0},
    {abi::setup_cqe32, 0},
    {abi::setup_single_issuer, 0},
    {abi::setup_defer_taskrun, abi::setup_single_issuer},
    {abi::setup_no_sqarray, 0},
    {abi::setup_hybrid_iopoll, abi::setup_iopoll},
    {abi::setup_cqe_mixed, 0},
    {abi::setup_sqe_mixed, 0},
    {abi::setup_sq_rewind, abi::setup_no_sqarray},
};

std::int32_t trial_of(std::uint32_t flags) noexcept {
    abi::params parameters;
    parameters.flags = flags;
    return detail::trial_setup(parameters);
}

// Those of the candidates that the kernel takes. Many at once where it can be, because before Linux 5.12 every ring
// counts towards RLIMIT_MEMLOCK until some time after it was closed; one alone has the last word.
std::uint32_t taken(const candidate* first, const candidate* last) noexcept {
    std::uint32_t flags = 0;
    std::uint32_t companions = 0;
    for (const candidate* one = first; one != last; ++one) {
        flags |= one->flag;
        companions |= one->companions;
    }
    if (trial_of(flags | companions) != EINVAL) return flags;
    if (last - first == 1) return 0;
    const candidate* const middle = first + (last - first) / 2;
    return taken(first, middle) | taken(middle, last);
}

// Both are of the same release, and no ring comes of them, because the kernel's addresses are no program's memory: the
// kernel says so only where it knows the flags.
std::uint32_t taken_with_memory() noexcept {
    abi::params parameters;
    parameters.flags = abi::setup_no_mmap | abi::setup_registered_fd_only;
    parameters.cq_off.user_addr = parameters.sq_off.user_addr = ~std::uint64_t{0xffff};
    const std::uint32_t flags = parameters.flags;
    const auto file = system::setup(2, parameters);
    return !file && file.error().code() == EINVAL ? 0 : flags;
}

} // namespace

struct abilities_maker {
    static system_abilities ask() noexcept {
        const auto asked = probe::ask();
        if (!asked) {
            const error why = detail::likely_cause(asked.error());
            return {why, detail::can_pass(why)};
        }
        system_abilities found{error{0}, false};
        found.asked_ = *asked;
        ask_queries(found);
        found.setups_ = static_cast<setup>(setups(found));
        return found;
    }

    // What can pass is told by an object that is always there: it need not be kept, and whoever holds a reference to it
    // does not see it change.
    static const system_abilities& passing(error why) noexcept {
        static constexpr system_abilities all[] = {
            {error{ENOMEM, cause::setup_call}, true}, {error{EAGAIN, cause::setup_call}, true},
            {error{EMFILE, cause::setup_call}, true}, {error{ENFILE, cause::setup_call}, true},
            {error{ENOMEM, cause::map_call}, true}, // a ring could not be mapped either
        };
        for (const system_abilities& one : all)
            if (one.reason_ == why) return one;
        for (const system_abilities& one : all)
            if (one.reason_.code() == why.code()) return one;
        return all[0];
    }

private:
    // They need no ring. A kernel that does not know one question answers the others.
    static void ask_queries(system_abilities& found) noexcept {
        system_abilities answers{error{0}, false};
        question numbers{abi::query_op_opcodes, answers.numbers_};
        question zcrx{abi::query_op_zcrx, answers.zcrx_};
        question scq{abi::query_op_scq, answers.scq_};
        question zcrx_event{abi::query_op_zcrx_event, answers.zcrx_event_};
        if (!lio::ask(numbers, zcrx, scq, zcrx_event)) return;
        if (numbers.answered()) found.numbers_ = answers.numbers_;
        if (zcrx.answered()) found.zcrx_ = answers.zcrx_;
        if (scq.answered()) found.scq_ = answers.scq_;
        if (zcrx_event.answered()) found.zcrx_event_ = answers.zcrx_event_;
    }

    static std::uint32_t setups(const system_abilities& found) noexcept {
        auto flags = static_cast<std::uint32_t>(found.numbers_.ring_setup_flags);
        if (flags == 0) {
            flags = taken(candidates, candidates + sizeof candidates / sizeof candidates[0]) | taken_with_memory() |
                    abi::setup_sqpoll | abi::setup_sq_aff;
            // These two come with an argument that the trial would need; what came at the same time tells as much.
            if (found.linux_at_least({5, 5})) flags |= abi::setup_cqsize;
            if (found.linux_at_least({5, 6})) flags |= abi::setup_attach_wq;
        }
        // Every kernel knows it, but before Linux 5.11 it takes privileges, and a security module may forbid it.
        const std::int32_t code = trial_of(abi::setup_sqpoll);
        if (code == EINVAL || code == EPERM || code == EACCES) flags &= ~(abi::setup_sqpoll | abi::setup_sq_aff);
        return flags;
    }
};

bool system_abilities::supports(setup options) const noexcept {
    return available() && has(setups_, options) && !contradicts_itself(options);
}

bool system_abilities::supports(const wait_options& options) const noexcept {
    return available() && detail::can_wait(features(), &options).has_value();
}

const system_abilities& abilities() noexcept {
    // Pairs with the exchange below, of whichever thread asked.
    const system_abilities* known = __atomic_load_n(&detail::known_abilities, __ATOMIC_ACQUIRE);
    if (known != nullptr) return *known;

    const system_abilities found = abilities_maker::ask();
    if (found.can_pass()) return abilities_maker::passing(found.reason());
    const auto page = system::map_memory(sizeof found);
    if (!page) return abilities_maker::passing(error{ENOMEM, cause::map_call});
    const auto* const mine = new (*page) system_abilities{found};
    // Release: what this thread wrote there is seen by those who load it. Acquire: so it is when another was first.
    if (__atomic_compare_exchange_n(&detail::known_abilities, &known, mine, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return *mine;
    static_cast<void>(system::unmap(*page, sizeof found));
    return *known;
}

} // namespace lio::inline v0
