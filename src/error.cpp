// The sentences of lio::error. Any thread; cold.

#include "errno_table.hpp"
#include "error_words.hpp"

#include <lio/error.hpp>

#include <cerrno>

namespace lio::inline v0 {

namespace {

struct sentence {
    cause why;
    /// 0: whatever the errno.
    std::int32_t code;
    const char* text;
};

// What happened; then the likely cause; then the remedy.
constexpr sentence sentences[] = {
    {cause::setup_call, EPERM,
     "io_uring may not be used here: the sysctl kernel.io_uring_disabled is 1 or 2 (with 1, only CAP_SYS_ADMIN and the "
     "group in kernel.io_uring_group may), or a seccomp filter, as container runtimes set one, forbids it. Ask the "
     "administrator; trying again does not help"},
    {cause::setup_call, EACCES,
     "io_uring may not be used here: a security module (SELinux, Smack, AppArmor) forbids it. Trying again does not "
     "help"},
    {cause::setup_call, ENOSYS,
     "this system has no io_uring: the kernel is older than Linux 5.1 or built without it, or a seccomp filter or an "
     "emulator hides it. Use another kind of I/O here"},
    {cause::setup_call, EOPNOTSUPP,
     "this system has no io_uring: it is emulated or filtered away. Use another kind of I/O here"},
    {cause::setup_call, ENOMEM,
     "there is no memory for the ring: before Linux 5.12 its memory counts towards RLIMIT_MEMLOCK (ulimit -l), which "
     "is often only 64 KiB; raise it or ask for fewer entries. On newer kernels memory is short, which may pass"},
    {cause::setup_call, EMFILE,
     "the process has as many open files as it may (RLIMIT_NOFILE, ulimit -n): close some or raise it"},
    {cause::setup_call, ENFILE, "the system has as many open files as it may (sysctl fs.file-max); this may pass"},
    {cause::setup_call, EAGAIN,
     "the kernel could not start a thread for the ring: there are as many as the user or the control group may have "
     "(RLIMIT_NPROC, ulimit -u); this may pass"},
    {cause::setup_call, EOVERFLOW, "a lio::mixed_ring needs at least two entries: one of 128 bytes takes both"},
    {cause::setup_call, ENXIO, "ring_options::attach_to is not an open descriptor"},
    {cause::setup_call, EINVAL,
     "the kernel refuses this combination of options: ask for fewer of them, or leave the choice to the library"},
    {cause::setup_call, EFAULT, "the kernel could not read the parameters: this should not happen"},
    {cause::enter_call, EBUSY,
     "completions that did not fit wait in the kernel, and it takes no more work before there is room: reap, then "
     "submit again; everything queued is still queued"},
    {cause::enter_call, EAGAIN,
     "the kernel has no memory for more operations at this moment: reap what is done, then submit again; everything "
     "queued is still queued"},
    {cause::enter_call, EBADF, "the ring's descriptor is not open any more: something else closed it"},
    {cause::enter_call, EOPNOTSUPP, "the ring's descriptor is not a ring any more: something else closed it"},
    {cause::enter_call, EINVAL, "the kernel refuses this call: the ring's descriptor may be another file by now"},
    {cause::enter_call, EBADR,
     "completions were lost, because there was no memory to keep them: use a larger completion queue"},
    {cause::register_call, EBUSY, "something of this kind is registered already, or still in use: unregister it first"},
    {cause::register_call, EINVAL,
     "the kernel refuses this registration: it may not know it, or a number is out of range"},
    {cause::register_call, ENOMEM,
     "there is no memory for this registration: registered buffers, memory and waits count towards RLIMIT_MEMLOCK "
     "(ulimit -l); raise it or register less"},
    {cause::register_call, EFAULT,
     "what is to be registered is not memory of this program, or may not be written, or is more than 1 GiB in one "
     "piece"},
    {cause::register_call, EMFILE,
     "more is to be registered than RLIMIT_NOFILE (ulimit -n) allows: raise it or register less"},
    {cause::register_call, EEXIST, "this number is in use already: unregister what has it, or take another"},
    {cause::register_call, EBADF, "a descriptor that is to be registered is not open, or is a ring's own"},
    {cause::register_call, EACCES,
     "the ring's restrictions do not allow this registration, see restrictions::allow(); what is registered stays "
     "until the ring closes"},
    {cause::register_call, EBADFD, "the ring runs already: this can only be done before it is enabled"},
    {cause::register_call, ENXIO, "nothing of this kind is registered"},
    {cause::register_call, EOPNOTSUPP, "this file cannot be registered, or the kernel lacks this registration"},
    {cause::map_call, ENOMEM,
     "there is no address space or memory for a mapping: the process may have too many (sysctl vm.max_map_count) or be "
     "limited (RLIMIT_AS, ulimit -v)"},
    {cause::map_call, EAGAIN, "too much memory is locked already (RLIMIT_MEMLOCK, ulimit -l): raise it or map less"},
    {cause::map_call, EPERM, "a security policy forbids this mapping"},

    {cause::queue_full, 0,
     "the submission queue has no room for all of this: submit, then push again; nothing of it was queued"},
    {cause::push_too_large, 0,
     "this is more than the submission queue can ever hold: make the ring with more entries, or push it in parts; "
     "nothing of it was queued"},
    {cause::span_too_long, 0,
     "the memory is larger than one operation can transfer (0x7ffff000 bytes): split it; nothing was queued"},
    {cause::completions_could_overflow, 0,
     "the completion queue might not hold what this and everything in flight may complete with: submit, reap, give "
     "back to the completion_budget what was reaped, then push again; nothing of it was queued"},
    {cause::completions_never_fit, 0,
     "this may complete more often than the completion queue has places: push fewer operations at once, give at_most() "
     "a smaller bound, or make the ring with more completion_entries"},
    {cause::completion_may_be_skipped, 0,
     "an operation with skip_success() may complete in silence, so that a completion_budget would never get its place "
     "back: leave it out, or push to the ring itself"},
    {cause::nothing_ready, 0, "no completion is there at this moment"},
    {cause::wait_too_large, 0,
     "the completion queue holds fewer completions than are to be waited for: wait for at most completion_capacity() "
     "of them"},
    {cause::wait_interrupted, 0,
     "a signal interrupted the wait: reap what is there and wait again; what was queued to be submitted has been"},
    {cause::wait_timed_out, 0,
     "the time was over before enough completions were there; what was queued to be submitted has been"},
    {cause::ring_closed, 0, "there is no ring here: it was closed, or moved to another object"},
    {cause::wrong_thread, 0,
     "the ring belongs to the thread that used it first (ring::owner_thread() has its id): use it there, or make a "
     "split ring (with_capacity), or one with .exactly = true and without setup::single_issuer"},
    {cause::ring_disabled, 0, "the ring was made with setup::start_disabled and not enabled yet: call enable() first"},
    {cause::polling_thread_died, 0,
     "the kernel thread that submits for this ring has ended, because the process that made it exits: make a new ring"},
    {cause::minimum_wait_missing, 0,
     "this kernel knows neither a minimum wait nor a deadline (since Linux 6.12): leave them out, or give a time-out; "
     "nothing was submitted"},
    {cause::no_iowait_missing, 0,
     "this kernel cannot wait without counting as waiting for input or output (since Linux 6.15): leave no_iowait out; "
     "nothing was submitted"},
    {cause::waits_refused, 0,
     "waits can only be registered before the ring is used or enabled, at least one and at most 2^23 of them, in "
     "memory of whole pages with room for them, and since Linux 6.13"},
    {cause::polled_wait, 0,
     "a ring that polls for its completions (setup::iopoll without setup::sqpoll) waits neither with a signal mask nor "
     "with a minimum: leave them out; nothing was submitted"},
    {cause::eventfd_switch_missing, 0,
     "this kernel cannot switch an eventfd's signals off and on (since Linux 5.8): take the registration away instead"},
    {cause::one_mapping_missing, 0,
     "a lio::minimal_ring maps both queues in one piece, which this kernel cannot (since Linux 5.4): use lio::ring "
     "here"},
    {cause::no_entries, 0, "a ring needs at least one entry: ring_options::entries is 0"},
    {cause::too_many_entries, 0,
     "these are more entries than the kernel allows (32768, and 65536 completions): ask for fewer, or add setup::clamp "
     "to get as many as there can be"},
    {cause::completion_entries_below_entries, 0,
     "the completion queue may not be smaller than the submission queue: raise ring_options::completion_entries, or "
     "leave it 0"},
    {cause::contradicting_options, 0,
     "these options exclude each other: sqpoll goes without cooperative_taskrun, taskrun_flag and deferred_taskrun; "
     "deferred_taskrun needs single_issuer; taskrun_flag needs cooperative_taskrun or deferred_taskrun; hybrid_iopoll "
     "needs iopoll; rewind needs no_sq_array and goes without sqpoll"},
    {cause::not_an_option, 0,
     "ring_options::require has a bit that lio::setup does not name: sizes, CPU, attach_to and memory are asked for by "
     "members of their own"},
    {cause::sqpoll_is_not_asked_for, 0,
     "sqpoll_idle_milliseconds and sqpoll_cpu are of a kernel thread that was not asked for: add setup::sqpoll, or "
     "leave them out"},
    {cause::entry_size_is_the_type, 0,
     "the size of a ring's entries is its type: use lio::large_ring, lio::large_completion_ring, lio::mixed_ring or "
     "lio::mixed_completion_ring, and leave the options that name sizes out"},
    {cause::split_binds_thread, 0,
     "a split ring waits on another thread than the one that submits, which setup::deferred_taskrun and "
     "setup::registered_file_only forbid: leave them out, or use a lio::ring"},
    {cause::not_a_ring_to_attach_to, 0,
     "ring_options::attach_to is no ring's descriptor, or with setup::sqpoll that of a ring without it, or this kernel "
     "cannot share threads (since Linux 5.6)"},
    {cause::memory_too_small, 0,
     "ring_options::memory is smaller than such a ring needs: required_memory() says how much that is"},
    {cause::memory_refused, 0,
     "the kernel refuses the memory for the ring: it does not begin at a page, it is not one huge page (as it must be "
     "up to Linux 6.13), or the kernel cannot use the program's memory at all (since Linux 6.5)"},
    {cause::registered_file_needs_memory, 0,
     "a ring without a descriptor cannot be mapped: give ring_options::memory to setup::registered_file_only"},
    {cause::registered_file_needs_identity, 0,
     "a ring without a descriptor is known to its thread alone, and threads cannot be told apart on this CPU or before "
     "thread-local storage is set up: leave setup::registered_file_only out"},
    {cause::no_room_comes, 0,
     "room only comes by itself where a kernel thread submits (setup::sqpoll, since Linux 5.10): submit instead"},
    {cause::resize_needs_set_up, 0,
     "only a ring with setup::deferred_taskrun and setup::no_sq_array, as the default one has them since Linux 6.6, "
     "and in memory of the kernel's can be given another size"},
    {cause::resize_refused, 0,
     "the kernel refuses these sizes (1 to 32768 entries, and no fewer completions), or cannot change them (since "
     "Linux 6.13); the ring is as it was"},
    {cause::queue_does_not_fit, 0,
     "what waits in the queues does not fit into the new sizes: submit and reap first, or ask for more; the ring is as "
     "it was"},
    {cause::reap_first, 0, "completions of 32 bytes are not carried over: reap them first; the ring is as it was"},
    {cause::submit_first, 0,
     "entries of 64 and 128 bytes are not carried over: submit them first; the ring is as it was"},
    {cause::resize_lost_the_ring, 0,
     "the kernel had given the ring its new size when mapping it failed: the ring is closed, what was queued is lost, "
     "and what was in flight is cancelled"},
    {cause::too_many_to_register, 0, "these are more than can be registered at once: register fewer"},
    {cause::no_such_slots, 0, "these are more slots than the table has, or none: see its size()"},
    {cause::tags_do_not_match, 0, "there must be as many tags as there are things to register, 0 for those without"},
    {cause::tags_missing, 0,
     "the kernel refuses this registration: it may not know tags (since Linux 5.13): register without them"},
    {cause::empty_table_missing, 0,
     "the kernel refuses this registration: it may not know empty tables (since Linux 5.19): register a list of empty "
     "slots"},
    {cause::allocation_range_missing, 0,
     "this kernel cannot be told which slots to choose from (since Linux 6.0): name a slot in each operation"},
    {cause::clone_missing, 0,
     "the kernel refuses this: it may not be able to share a table of buffers (since Linux 6.12) or a part of one "
     "(6.13), or the two rings are not one user's in one process: register the buffers with this ring as well"},
    {cause::buffer_update_missing, 0,
     "the kernel refuses this: it may not be able to change a table of buffers (since Linux 5.13), or an empty buffer "
     "has a tag"},
    {cause::nothing_to_register, 0, "there is nothing to register: the list is empty"},
    {cause::eventfd_refused, 0,
     "the descriptor is no eventfd, or this kernel cannot signal one (since Linux 5.2; for "
     "eventfd_events::asynchronous, 5.6)"},
    {cause::region_refused, EBUSY,
     "the ring has registered memory already, and keeps it until it is closed: use that one, or another ring; "
     "registered_waits are such memory too"},
    {cause::region_refused, 0,
     "the kernel refuses this memory: it must begin at a page, be whole pages, and not none; or this kernel registers "
     "no memory (since Linux 6.13)"},
    {cause::region_needs_descriptor, 0,
     "the kernel's memory is mapped by the ring's descriptor, and this ring has none (setup::registered_file_only): "
     "give a memory_region memory of the program's, and leave kernel_memory out of a buffer_ring"},
    {cause::buffer_count_not_a_power_of_two, 0, "a buffer ring has 1 to 32768 buffers, a power of two"},
    {cause::buffer_size_out_of_range, 0, "the buffers' size is 0, or more than an address or one transfer can hold"},
    {cause::buffer_memory_too_small, 0, "the memory for the buffers is smaller than count * size"},
    {cause::buffer_group_not_forgotten, 0,
     "this ring has had a group of buffers of this number, and the kernel does not forget where that stood (before "
     "Linux 6.8): take another number, 64 or higher if groups come and go"},
    {cause::buffer_group_cannot_be_mapped, 0,
     "the kernel's memory for a list of buffers (kernel_memory) is mapped by the group's number, which has 11 bits "
     "there: take a group below 2048, or leave kernel_memory out, for memory that the library maps"},
    {cause::buffer_ring_option_missing, 0,
     "this kernel lacks an option of the buffer ring (kernel_memory: since Linux 6.4; incremental: 6.12; minimum_left, "
     "which needs incremental: 7.1), or has no buffer rings (5.19)"},
    {cause::restrictions_refused, EBADFD,
     "the ring runs already: restrict it before its first use, or make it with setup::start_disabled and call enable() "
     "after; it has no restrictions"},
    {cause::restrictions_refused, EBUSY,
     "the ring has restrictions already, its own or those of its task, and they are for good: make another ring"},
    {cause::restrictions_refused, 0,
     "the kernel refuses these restrictions: it knows none (since Linux 5.10), or not all operations and registrations "
     "that are to be allowed: leave out what abilities() does not support; the ring has no restrictions"},
    {cause::task_refused, EPERM,
     "this task has restrictions or filters already, its own or those of whoever started it, and they are for good: "
     "restrict it once, and before it is given filters"},
    {cause::task_refused, EACCES,
     "only with CAP_SYS_ADMIN, or with no_new_privs, may a task bind its rings: call prctl(PR_SET_NO_NEW_PRIVS, 1, 0, "
     "0, 0) first; or the task's restrictions do not allow this call"},
    {cause::task_refused, 0,
     "the kernel refuses these restrictions: it knows none of tasks (since Linux 7.0), or not all operations and "
     "registrations that are to be allowed: leave out what abilities() does not support"},
    {cause::filter_refused, 0,
     "the kernel refuses this filter: it knows none (since Linux 7.0, if built with them), the program has an "
     "instruction that filters may not have, does not end, or is empty or too long, or the kernel does not know the "
     "operation"},
    {cause::filter_refused, EMSGSIZE,
     "this kernel shows a filter less of this operation than the program looks at, or with strict_size() another size: "
     "what belongs to a connect since Linux 7.2, to most others nothing"},
    {cause::too_many_personalities, 0,
     "the ring has 65535 personalities, as many as there can be: close some, most likely those that were meant to go"},
    {cause::zero_copy_needs_deferred_taskrun, 0,
     "zero-copy receive needs a ring with setup::deferred_taskrun (since Linux 6.1), which the default one has: ask "
     "for it, or leave .exactly out"},
    {cause::zero_copy_needs_administrator, 0,
     "zero-copy receive needs the capability CAP_NET_ADMIN, because a queue can carry what is meant for other "
     "programs"},
    {cause::zero_copy_no_interface, 0,
     "there is no network interface with this number (if_nametoindex(3) tells it) in the program's network namespace; "
     "to receive without one, set .without_device"},
    {cause::zero_copy_out_of_range, 0,
     "the interface has no such receive queue (ethtool -l), or buffer_length is larger than the pieces that the memory "
     "comes in: use huge pages"},
    {cause::zero_copy_queue_in_use, 0,
     "the queue is in use for zero-copy receive or AF_XDP already, or the interface runs an XDP program: take another "
     "queue"},
    {cause::zero_copy_memory_is_not_ours, 0,
     "the memory to receive into is not, from its beginning to its end, memory of this program that can be written"},
    {cause::zero_copy_no_dma_buffer, 0, "the descriptor of a DMA buffer to receive into is not open"},
    {cause::zero_copy_not_supported, 0,
     "the interface's driver cannot do zero-copy receive, or not with this buffer_length, or the kernel was built "
     "without it; to receive without a card, set .without_device"},
    {cause::zero_copy_refused, 0,
     "the kernel refuses this: the interface must split headers from data (ethtool -G, tcp-data-split on), memory must "
     "be whole pages and all of one kind, buffer_length a power of two of a page or more; or there is no zero-copy "
     "receive (since Linux 6.15)"},
    {cause::zero_copy_needs_device, 0,
     "this kernel has no zero-copy receive without a network card (since Linux 7.1): name an interface, or use "
     "op::recv_multishot"},
    {cause::zero_copy_buffer_length_missing, 0,
     "this kernel cannot choose the size of a buffer (since Linux 7.0): leave buffer_length 0"},
    {cause::zero_copy_buffers_are_pages, 0, "without a network card buffers are pages: leave buffer_length 0"},
    {cause::zero_copy_events_missing, 0,
     "this kernel neither reports events of zero-copy receive nor counts copies (since Linux 7.2): leave events and "
     "statistics out"},
    {cause::zero_copy_sharing_missing, 0,
     "this kernel cannot share zero-copy receive among rings (since Linux 6.19): use another queue for each"},
    {cause::zero_copy_not_exported, 0, "this is not an open descriptor from zero_copy_receiver::export_file()"},
    {cause::zero_copy_control_missing, 0,
     "this kernel lacks this control of zero-copy receive (flush, export: since Linux 6.19; arm: 7.2)"},
    {cause::zero_copy_added_areas_missing, 0,
     "this kernel cannot add memory to receive into (since Linux 7.3): register all of it at once"},
    {cause::zero_copy_event_is_armed, 0,
     "this event has not been reported since it was armed last: it will be, when it happens"},
    {cause::zero_copy_event_not_asked_for, 0,
     "this event was not asked for when the memory was registered: name it in zero_copy_options::events"},
    {cause::zero_copy_statistics_not_kept, 0,
     "copies are not counted here: set zero_copy_options::statistics, and see that it was not moved away"},
    {cause::zero_copy_refill_entries_out_of_range, 0, "a refill ring has 1 to 32768 entries"},
    {cause::zero_copy_area_out_of_range, 0,
     "memory to receive into is missing, empty, or more than 1 GiB in one "
     "piece"},
    {cause::zero_copy_contradiction, 0, "without_device goes without interface and queue"},
    {cause::zero_copy_too_many_areas, 0, "there are as many areas of memory as there can be, 1024: make each larger"},
    {cause::zero_copy_refill_ring_full, 0,
     "all places of the refill ring are taken by memory that is lent or that the kernel has not taken back yet: "
     "flush(), or give some back, then try again; the completion is still good. More refill_entries help"},
    {cause::zero_copy_bytes_are_not_ours, 0,
     "these bytes do not lie in this memory: they are of another zero_copy_receiver, or of memory that another ring "
     "has added"},
    {cause::malformed_message, 0,
     "these bytes are no message of a multishot recvmsg, or one that was received with other sizes of msg_namelen and "
     "msg_controllen"},

    {cause::no_such_cpus, 0, "a set of CPUs for workers is not empty, and their numbers are 0 to 8191"},
    {cause::worker_affinity_refused, 0,
     "the kernel refuses this: the calling thread has no workers yet, because it has neither made a ring nor submitted "
     "to one, or this process may not use one of the CPUs, or the kernel cannot be told where workers run (since Linux "
     "5.14)"},
    {cause::worker_limits_refused, 0,
     "the kernel refuses this: a number is above 2^31 - 1, or it cannot be told how many workers there may be (since "
     "Linux 5.15)"},
    {cause::wait_clock_refused, 0,
     "a ring's clock is wait_clock::monotonic or boottime, and can be chosen since Linux 6.12; it is as it was"},
    {cause::busy_poll_missing, 0,
     "this kernel cannot poll network devices so (since Linux 6.9; queues that are listed: 6.13), or was built without "
     "it (CONFIG_NET_RX_BUSY_POLL); inactive is nothing to ask for"},
    {cause::busy_poll_on_polled_ring, 0,
     "a ring that polls for its completions (setup::iopoll) cannot poll network devices: use another ring for sockets"},
    {cause::no_such_queue, ENOENT,
     "this queue is not among those that are polled: it was not added, or taken out again"},
    {cause::no_such_queue, 0,
     "queues can be added and removed with busy_poll_tracking::listed only, and no queue has a number as low as this"},
    {cause::not_an_entry, 0,
     "this goes to the kernel at once, not as an entry of a queue: leave user_data(), link() and other modifiers out"},
    {cause::cancel_call, EINVAL,
     "the kernel refuses this: it may not be able to cancel by a call (since Linux 6.0), or to look for this (kinds "
     "and more than one property: since 6.6), or the time-out is below 0 or has a second or more in its nanoseconds: "
     "push the operation instead"},
    {cause::cancel_call, ETIME,
     "the time was over before the operation had ended: a worker runs it and cannot be interrupted; it completes when "
     "it ends"},
    {cause::cancel_call, EINTR, "a signal interrupted the wait for what was cancelled: it completes when it ends"},
    {cause::cancel_call, EBADF, "the descriptor is not open, or the slot is empty: cancel first, then close"},
    {cause::message_call, EINVAL,
     "the kernel refuses this message: it cannot take one without a ring (since Linux 6.13), or the target is a slot, "
     "which only a ring has: name its descriptor"},
    {cause::message_call, EBADF, "the target of the message is not open, or a ring without a descriptor"},
    {cause::message_call, EBADFD,
     "the target of the message is no ring, or nobody has used it yet: its thread must submit, wait or reap first"},
    {cause::message_call, EOVERFLOW,
     "the target of the message is full, and there is no memory to keep it: its thread must reap first"},
    {cause::message_call, ENOMEM, "there is no memory for the message; this may pass"},
    {cause::message_call, EAGAIN, "the target of the message polls for its completions and is in use: try again"},
    {cause::message_call, EOWNERDEAD, "the thread that the target of the message belongs to has ended"},
    {cause::query_missing, 0,
     "this kernel does not know this question (the first ones: since Linux 6.18), or was not asked"},

    {cause::completion_size_missing, 0,
     "this kernel cannot be asked for a size of the completion queue (since Linux 5.5): leave completion_entries 0"},
    {cause::iopoll_missing, 0, "this kernel lacks setup::iopoll (since Linux 5.1)"},
    {cause::sqpoll_missing, 0,
     "this kernel lacks setup::sqpoll (since Linux 5.1), or the CPU that was asked for is not there"},
    {cause::clamp_missing, 0, "this kernel lacks setup::clamp (since Linux 5.6)"},
    {cause::start_disabled_missing, 0, "this kernel lacks setup::start_disabled (since Linux 5.10)"},
    {cause::submit_all_missing, 0, "this kernel lacks setup::submit_all (since Linux 5.18)"},
    {cause::cooperative_taskrun_missing, 0, "this kernel lacks setup::cooperative_taskrun (since Linux 5.19)"},
    {cause::taskrun_flag_missing, 0, "this kernel lacks setup::taskrun_flag (since Linux 5.19)"},
    {cause::large_entries_missing, 0, "this kernel lacks entries of 128 bytes (since Linux 5.19): use lio::ring"},
    {cause::large_completions_missing, 0,
     "this kernel lacks completions of 32 bytes (since Linux 5.19): use lio::ring"},
    {cause::single_issuer_missing, 0, "this kernel lacks setup::single_issuer (since Linux 6.0)"},
    {cause::deferred_taskrun_missing, 0, "this kernel lacks setup::deferred_taskrun (since Linux 6.1)"},
    {cause::no_sq_array_missing, 0, "this kernel lacks setup::no_sq_array (since Linux 6.6)"},
    {cause::hybrid_iopoll_missing, 0, "this kernel lacks setup::hybrid_iopoll (since Linux 6.13)"},
    {cause::mixed_completions_missing, 0,
     "this kernel lacks completions of mixed sizes (since Linux 6.18): use lio::large_completion_ring"},
    {cause::mixed_entries_missing, 0,
     "this kernel lacks entries of mixed sizes (since Linux 6.19): use lio::large_ring"},
    {cause::rewind_missing, 0, "this kernel lacks setup::rewind (since Linux 7.0)"},

    {cause::rings_disabled, 0,
     "nobody may use io_uring here: the sysctl kernel.io_uring_disabled is 2. Ask the administrator; trying again does "
     "not help"},
    {cause::rings_limited_to_administrators, 0,
     "only administrators (CAP_SYS_ADMIN) may use io_uring here: the sysctl kernel.io_uring_disabled is 1, and "
     "kernel.io_uring_group names no group that may. Ask the administrator; trying again does not help"},
    {cause::rings_limited_to_group, 0,
     "this process may not use io_uring here: the sysctl kernel.io_uring_disabled is 1, and the process is not in the "
     "group that kernel.io_uring_group names. Ask the administrator; trying again does not help"},
    {cause::rings_filtered, 0,
     "a filter forbids io_uring here, most likely seccomp, as container runtimes set it: no sysctl does. Change the "
     "filter; trying again does not help"},

    {cause::close_on_exec_of_slot, 0,
     "a slot of the registered files has no close-on-exec flag, and no file in a slot survives exec: leave O_CLOEXEC "
     "or SOCK_CLOEXEC out; nothing was queued"},
    {cause::range_too_long, 0,
     "the range is longer than this operation can say (2^32 - 1 bytes): split it, or give 0 for all that follows; "
     "nothing was queued"},
    {cause::outside_of_buffer, 0,
     "there is no such registered buffer, or this part is not within it: see its size(); nothing was queued"},
    {cause::user_data_is_reserved, 0,
     "the library gives this user_data to entries of its own (lio::reserved_user_data): take any other; nothing was "
     "queued"},
};

} // namespace

const char* error_name(error problem) noexcept { return detail::errno_name(problem.code()); }

const char* error_message(error problem) noexcept {
    for (const sentence& one : sentences)
        if (one.why == problem.why() && (one.code == 0 || one.code == problem.code())) return one.text;
    return detail::errno_description(problem.code());
}

// A program that prints errors gets them in words from abort_with_error() too.
[[gnu::constructor]] static void lend_words() noexcept { detail::words = {error_name, error_message}; }

} // namespace lio::inline v0
