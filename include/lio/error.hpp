// What went wrong: an errno value and, where the library knows it, the likely cause. A plain value of
// eight bytes without allocation. Conversion to std::error_code is in lio/error_code.hpp, so that this
// header stays light.
#pragma once

#include <lio/detail/language.hpp>

#include <cstdint>

namespace lio::inline v0 {

/// Where an error comes from. It selects the sentence that error::message() gives, which says what each of these means
/// and what to do: the same EPERM means one thing from setting a ring up and another from opening a file.
enum class cause : std::uint32_t {
    /// The kernel's answer to one operation; the errno says all there is.
    operation,

    // A system call of the ring itself; the sentence depends on the errno.
    setup_call,
    enter_call,
    register_call,
    map_call,
    cancel_call,
    message_call,

    // The library's own refusals, made before the kernel is asked.
    queue_full,
    push_too_large,
    span_too_long,
    nothing_ready,
    wait_too_large,
    wait_interrupted,
    wait_timed_out,
    ring_closed,
    wrong_thread,
    ring_disabled,
    polling_thread_died,
    minimum_wait_missing,
    no_iowait_missing,
    waits_refused,
    polled_wait,
    eventfd_switch_missing,
    one_mapping_missing,
    no_entries,
    too_many_entries,
    completion_entries_below_entries,
    contradicting_options,
    not_an_option,
    sqpoll_is_not_asked_for,
    entry_size_is_the_type,
    split_binds_thread,
    not_a_ring_to_attach_to,
    memory_too_small,
    memory_refused,
    registered_file_needs_memory,
    registered_file_needs_identity,
    no_room_comes,
    resize_needs_set_up,
    resize_refused,
    queue_does_not_fit,
    reap_first,
    submit_first,
    resize_lost_the_ring,
    too_many_to_register,
    no_such_slots,
    tags_do_not_match,
    tags_missing,
    empty_table_missing,
    allocation_range_missing,
    clone_missing,
    buffer_update_missing,
    nothing_to_register,
    eventfd_refused,
    region_refused,
    region_needs_descriptor,
    buffer_count_not_a_power_of_two,
    buffer_size_out_of_range,
    buffer_memory_too_small,
    buffer_group_not_forgotten,
    buffer_group_cannot_be_mapped,
    buffer_ring_option_missing,
    restrictions_refused,
    task_refused,
    filter_refused,
    too_many_personalities,
    zero_copy_needs_deferred_taskrun,
    zero_copy_needs_administrator,
    zero_copy_no_interface,
    zero_copy_out_of_range,
    zero_copy_queue_in_use,
    zero_copy_memory_is_not_ours,
    zero_copy_no_dma_buffer,
    zero_copy_not_supported,
    zero_copy_refused,
    zero_copy_needs_device,
    zero_copy_buffer_length_missing,
    zero_copy_buffers_are_pages,
    zero_copy_events_missing,
    zero_copy_sharing_missing,
    zero_copy_not_exported,
    zero_copy_control_missing,
    zero_copy_added_areas_missing,
    zero_copy_event_is_armed,
    zero_copy_event_not_asked_for,
    zero_copy_statistics_not_kept,
    zero_copy_refill_entries_out_of_range,
    zero_copy_area_out_of_range,
    zero_copy_contradiction,
    zero_copy_too_many_areas,
    zero_copy_refill_ring_full,
    zero_copy_bytes_are_not_ours,

    // How a ring works and waits.
    no_such_cpus,
    worker_affinity_refused,
    worker_limits_refused,
    wait_clock_refused,
    busy_poll_missing,
    busy_poll_on_polled_ring,
    no_such_queue,

    // Calls that do what an entry does otherwise, and questions.
    not_an_entry,
    query_missing,

    // A requested set-up option that this kernel lacks.
    iopoll_missing,
    sqpoll_missing,
    completion_size_missing,
    clamp_missing,
    start_disabled_missing,
    submit_all_missing,
    cooperative_taskrun_missing,
    taskrun_flag_missing,
    large_entries_missing,
    large_completions_missing,
    single_issuer_missing,
    deferred_taskrun_missing,
    no_sq_array_missing,
    hybrid_iopoll_missing,
    mixed_completions_missing,
    mixed_entries_missing,
    rewind_missing,

    // Why there are no rings at all; what abilities() finds out.
    rings_disabled,
    rings_limited_to_administrators,
    rings_limited_to_group,
    rings_filtered,

    // Arguments that an operation cannot carry; refused by push.
    close_on_exec_of_slot,
    range_too_long,
    outside_of_buffer,
    user_data_is_reserved,

    // Bytes that are not what they should be.
    malformed_message,

    // Refused by a completion_budget.
    completions_could_overflow,
    completions_never_fit,
    completion_may_be_skipped,

    /// How many causes there are; not itself a cause.
    count,
};

class error;

/// What error::name() and error::message() say.
const char* error_name(error problem) noexcept;
const char* error_message(error problem) noexcept;

/// An errno value with its likely cause.
class error {
public:
    /// The kernel's positive errno `code` (EBADF, not -EBADF), seen at `why`.
    explicit constexpr error(std::int32_t code, cause why = cause::operation) noexcept : code_{code}, cause_{why} {}

    /// The errno value, positive: compare it with the constants of <cerrno>.
    constexpr std::int32_t code() const noexcept { return code_; }

    /// Where it comes from.
    constexpr cause why() const noexcept { return cause_; }

    /// The errno's name, "EBUSY". Static storage; "E?" for a number that Linux does not define.
    const char* name() const noexcept { return error_name(*this); }

    /// What happened, the likely cause and the remedy, in words; for an error of one operation what the
    /// errno means. Static storage.
    const char* message() const noexcept { return error_message(*this); }

    friend constexpr bool operator==(error a, error b) noexcept { return a.code_ == b.code_ && a.cause_ == b.cause_; }

private:
    template <class>
    friend class result;

    std::int32_t code_;
    cause cause_;
};

namespace detail {

/// Throws `problem` as std::system_error. In a library built without exceptions it does what
/// abort_with_error does.
[[noreturn]] void throw_error(error problem);

/// Prints `problem` to standard error and aborts. In words if the program uses error::message() anywhere, else in
/// numbers: the words would make up most of a small static program.
[[noreturn]] void abort_with_error(error problem) noexcept;

} // namespace detail
} // namespace lio::inline v0
