// A ring in words. Any thread.

#include "setup_flags.hpp"

#include <lio/abi/setup.hpp>
#include <lio/ring_description.hpp>
#include <lio/split.hpp>

namespace lio::inline v0 {

namespace {

struct word {
    std::uint32_t bit;
    const char* name;
};

// The sizes of entries are told apart.
constexpr word option_words[] = {
    {abi::setup_iopoll, "iopoll"},
    {abi::setup_sqpoll, "sqpoll"},
    {abi::setup_sq_aff, "on one CPU"},
    {abi::setup_clamp, "clamp"},
    {abi::setup_attach_wq, "attached"},
    {abi::setup_r_disabled, "start_disabled"},
    {abi::setup_submit_all, "submit_all"},
    {abi::setup_coop_taskrun, "cooperative_taskrun"},
    {abi::setup_taskrun_flag, "taskrun_flag"},
    {abi::setup_single_issuer, "single_issuer"},
    {abi::setup_defer_taskrun, "deferred_taskrun"},
    {abi::setup_no_mmap, "the program's memory"},
    {abi::setup_registered_fd_only, "registered_file_only"},
    {abi::setup_no_sqarray, "no_sq_array"},
    {abi::setup_hybrid_iopoll, "hybrid_iopoll"},
    {abi::setup_sq_rewind, "rewind"},
};

constexpr word features[] = {
    {abi::feat_single_mmap, "single_mmap"},
    {abi::feat_nodrop, "nodrop"},
    {abi::feat_submit_stable, "submit_stable"},
    {abi::feat_rw_cur_pos, "rw_cur_pos"},
    {abi::feat_cur_personality, "cur_personality"},
    {abi::feat_fast_poll, "fast_poll"},
    {abi::feat_poll_32bits, "poll_32bits"},
    {abi::feat_sqpoll_nonfixed, "sqpoll_nonfixed"},
    {abi::feat_ext_arg, "ext_arg"},
    {abi::feat_native_workers, "native_workers"},
    {abi::feat_rsrc_tags, "rsrc_tags"},
    {abi::feat_cqe_skip, "cqe_skip"},
    {abi::feat_linked_file, "linked_file"},
    {abi::feat_reg_reg_ring, "reg_reg_ring"},
    {abi::feat_recvsend_bundle, "recvsend_bundle"},
    {abi::feat_min_timeout, "min_timeout"},
    {abi::feat_rw_attr, "rw_attr"},
    {abi::feat_no_iowait, "no_iowait"},
};

} // namespace

void ring_description::add(const char* words) noexcept {
    while (*words != '\0' && size_ + 1 < sizeof text_) text_[size_++] = *words++;
    text_[size_] = '\0';
}

void ring_description::add(std::uint32_t number) noexcept {
    char digits[11];
    char* first = digits + sizeof digits - 1;
    *first = '\0';
    do {
        *--first = static_cast<char>('0' + number % 10);
        number /= 10;
    } while (number != 0);
    add(first);
}

ring_description::ring_description(const detail::ring_base& ring) noexcept {
    tell(ring.submission_capacity(), ring.completion_capacity(), ring.setup_flags(), ring.features(),
         ring.owner_thread());
}

ring_description::ring_description(const split_ring& ring) noexcept {
    const bool is_whole = ring.submissions.core() != nullptr && ring.completions.core() != nullptr;
    tell(is_whole ? ring.submissions.submission_capacity() : 0, ring.completions.completion_capacity(),
         ring.submissions.setup_flags(), ring.submissions.features(), 0);
}

void ring_description::tell(std::uint32_t entries, std::uint32_t completions, setup flags, std::uint32_t features_there,
                            std::int32_t owner) noexcept {
    text_[0] = '\0';
    if (entries == 0) {
        add("no ring: closed or moved from");
        return;
    }
    add("io_uring with ");
    add(entries);
    add(has(flags, setup::large_entries)   ? " entries of 128 bytes and "
        : has(flags, setup::mixed_entries) ? " entries of 64 and 128 bytes and "
                                           : " entries of 64 bytes and ");
    add(completions);
    add(has(flags, setup::large_completions)   ? " completions of 32; set up with"
        : has(flags, setup::mixed_completions) ? " completions of 16 and 32; set up with"
                                               : " completions of 16; set up with");
    // `known` of `bits` as a list, or that there is none.
    const auto list = [this](const auto& known, std::uint32_t bits) {
        const char* separator = " ";
        for (const word& one : known) {
            if ((bits & one.bit) == 0) continue;
            add(separator);
            add(one.name);
            separator = ", ";
        }
        if (*separator == ' ') add(" nothing");
    };
    list(option_words, static_cast<std::uint32_t>(flags));
    if (owner != 0) {
        add("; belongs to thread ");
        add(static_cast<std::uint32_t>(owner));
    }
    add("; features");
    list(features, features_there);
}

} // namespace lio::inline v0
