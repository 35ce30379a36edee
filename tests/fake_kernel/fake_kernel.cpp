// The fake kernel: script, books and the model of io_uring. Test code; see fake_kernel.hpp.

#include "fake_kernel.hpp"

#include <lio/abi/opcode.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lio::fake {

namespace {

using abi::register_opcode;

constexpr std::uint32_t flags_5_1 = abi::setup_iopoll | abi::setup_sqpoll | abi::setup_sq_aff;
constexpr std::uint32_t flags_5_5 = flags_5_1 | abi::setup_cqsize;
constexpr std::uint32_t flags_5_10 = flags_5_5 | abi::setup_clamp | abi::setup_attach_wq | abi::setup_r_disabled;
constexpr std::uint32_t flags_5_18 = flags_5_10 | abi::setup_submit_all;
constexpr std::uint32_t flags_5_19 =
    flags_5_18 | abi::setup_coop_taskrun | abi::setup_taskrun_flag | abi::setup_sqe128 | abi::setup_cqe32;
constexpr std::uint32_t flags_6_0 = flags_5_19 | abi::setup_single_issuer;
constexpr std::uint32_t flags_6_1 = flags_6_0 | abi::setup_defer_taskrun;
constexpr std::uint32_t flags_6_6 =
    flags_6_1 | abi::setup_no_mmap | abi::setup_registered_fd_only | abi::setup_no_sqarray;
constexpr std::uint32_t flags_6_18 = flags_6_6 | abi::setup_hybrid_iopoll | abi::setup_cqe_mixed;

constexpr std::uint32_t flags_7_3 = flags_6_18 | abi::setup_sqe_mixed | abi::setup_sq_rewind;

constexpr std::uint32_t features_5_4 = abi::feat_single_mmap;
constexpr std::uint32_t features_5_5 = features_5_4 | abi::feat_nodrop | abi::feat_submit_stable;
constexpr std::uint32_t features_5_10 =
    features_5_5 | abi::feat_rw_cur_pos | abi::feat_cur_personality | abi::feat_fast_poll | abi::feat_poll_32bits;
constexpr std::uint32_t features_5_11 = features_5_10 | abi::feat_sqpoll_nonfixed | abi::feat_ext_arg;
constexpr std::uint32_t features_5_18 =
    features_5_11 | abi::feat_native_workers | abi::feat_rsrc_tags | abi::feat_cqe_skip | abi::feat_linked_file;
constexpr std::uint32_t features_6_6 = features_5_18 | abi::feat_reg_reg_ring;
constexpr std::uint32_t features_6_18 =
    features_6_6 | abi::feat_recvsend_bundle | abi::feat_min_timeout | abi::feat_rw_attr | abi::feat_no_iowait;

// What the model plays; no real machine has to have it.
constexpr std::uint32_t unmodelled_flags =
    abi::setup_attach_wq | abi::setup_no_mmap | abi::setup_registered_fd_only;
constexpr std::uint32_t processors = 4;

kernel* current = nullptr;
thread_local char thread_marker;

#ifdef SYS_io_uring_setup
constexpr long setup_number = SYS_io_uring_setup;
constexpr long enter_number = SYS_io_uring_enter;
constexpr long register_number = SYS_io_uring_register;
#else
constexpr long setup_number = 425;
constexpr long enter_number = 426;
constexpr long register_number = 427;
#endif
#ifdef SYS_ppoll_time64
constexpr long ppoll_number = SYS_ppoll_time64;
#else
constexpr long ppoll_number = SYS_ppoll;
#endif

// What libc answers, in the kernel's own convention.
long raw(long answer) { return answer == -1 ? -errno : answer; }

template <class T>
T* pointer(long argument) {
    return reinterpret_cast<T*>(static_cast<std::uintptr_t>(argument));
}

long argument(const void* address) { return static_cast<long>(reinterpret_cast<std::uintptr_t>(address)); }

std::uint32_t power_of_two(std::uint32_t at_least) {
    std::uint32_t power = 1;
    while (power < at_least) power *= 2;
    return power;
}

std::size_t pages(std::size_t size) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    return (size + page - 1) / page * page;
}

bool can_fail(arch::number kind) {
    return kind == arch::io_uring_setup || kind == arch::io_uring_enter || kind == arch::io_uring_register ||
           kind == arch::mmap || kind == arch::madvise;
}

} // namespace

const release linux_5_1{"Linux 5.1", flags_5_1, 0, false, false};
const release linux_5_4{"Linux 5.4", flags_5_1, features_5_4, false, false};
const release linux_5_5{"Linux 5.5", flags_5_5, features_5_5, false, false};
const release linux_5_10{"Linux 5.10", flags_5_10, features_5_10, false, false};
const release linux_5_11{"Linux 5.11", flags_5_10, features_5_11, false, false};
const release linux_5_18{"Linux 5.18", flags_5_18, features_5_18, true, false};
const release linux_5_19{"Linux 5.19", flags_5_19, features_5_18, true, true};
const release linux_6_0{"Linux 6.0", flags_6_0, features_5_18, true, true};
const release linux_6_1{"Linux 6.1", flags_6_1, features_5_18, true, true};
const release linux_6_6{"Linux 6.6", flags_6_6, features_6_6, true, true};
const release linux_6_18{"Linux 6.18", flags_6_18, features_6_18, true, true};
const release linux_7_3{"Linux 7.3", flags_7_3, features_6_18, true, true};

bool real_kernel_has_rings() {
    static const bool has_rings = [] {
        abi::params parameters{};
        const long file = raw(::syscall(setup_number, 1L, &parameters));
        if (file >= 0) ::close(static_cast<int>(file));
        return file >= 0;
    }();
    return has_rings;
}

// The ring of the model.

void model_ring::shared_memory::make(std::size_t at_least) {
    size = pages(at_least);
    file = ::memfd_create("a ring of the fake kernel", MFD_CLOEXEC);
    if (file < 0 || ::ftruncate(file, static_cast<off_t>(size)) != 0) std::abort();
    void* const mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) std::abort();
    address = static_cast<char*>(mapped);
}

model_ring::shared_memory::~shared_memory() {
    if (address != nullptr) ::munmap(address, size);
    if (file >= 0) ::close(file);
}

model_ring::model_ring(kernel& owner, const abi::params& asked, std::uint32_t first_counter, bool array_comes_first)
    : kernel_{owner}, parameters_{asked}, disabled_{has(abi::setup_r_disabled)} {
    // Offsets unlike those of any real kernel, so that nobody can know them beforehand.
    const bool is_single = (parameters_.features & abi::feat_single_mmap) != 0;
    const bool has_array = !has(abi::setup_no_sqarray);
    const auto array_size = static_cast<std::uint32_t>(has_array ? parameters_.sq_entries * sizeof(std::uint32_t) : 0);
    const auto cqes_size = static_cast<std::uint32_t>(parameters_.cq_entries * completion_stride());
    // The submission queue's words start at 0: a library that takes the missing array's offset for an array
    // writes right over them.
    sq_off.head = 0;
    sq_off.tail = 8;
    sq_off.ring_mask = 16;
    sq_off.ring_entries = 20;
    sq_off.dropped = 24;
    sq_off.flags = 32;
    const std::uint32_t cq_base = is_single ? 64 : 0;
    cq_off.head = cq_base + 4;
    cq_off.tail = cq_base + 12;
    cq_off.ring_mask = cq_base + 16;
    cq_off.ring_entries = cq_base + 20;
    cq_off.overflow = cq_base + 24;
    cq_off.flags = tells_overflow() ? cq_base + 28 : 0; // both of Linux 5.8
    cq_off.cqes = cq_base + 64;
    sq_off.array = 0;
    if (is_single) {
        if (has_array) sq_off.array = array_comes_first ? cq_off.cqes : cq_off.cqes + cqes_size;
        if (has_array && array_comes_first) cq_off.cqes += (array_size + 15) / 16 * 16;
        const std::size_t behind_array = sq_off.array + array_size;
        const std::size_t behind_cqes = cq_off.cqes + cqes_size;
        queues_.make(std::max(behind_array, behind_cqes));
    } else {
        if (has_array) sq_off.array = 64;
        queues_.make(std::size_t{64} + array_size);
        completions_.make(std::size_t{cq_off.cqes} + cqes_size);
    }
    entries_.make(entries_size());

    kernel_head_ = has(abi::setup_sq_rewind) ? 0 : first_counter;
    sq_word(sq_off.head).store_release(kernel_head_);
    sq_word(sq_off.tail).store_release(kernel_head_);
    sq_word(sq_off.ring_mask).store_release(parameters_.sq_entries - 1);
    sq_word(sq_off.ring_entries).store_release(parameters_.sq_entries);
    cq_word(cq_off.head).store_release(first_counter);
    cq_word(cq_off.tail).store_release(first_counter);
    cq_word(cq_off.ring_mask).store_release(parameters_.cq_entries - 1);
    cq_word(cq_off.ring_entries).store_release(parameters_.cq_entries);
    kernel_tail_ = first_counter;
}

model_ring::~model_ring() = default;

lio::detail::shared_u32& model_ring::sq_word(std::uint32_t offset) const noexcept {
    return *reinterpret_cast<lio::detail::shared_u32*>(queues_.address + offset);
}

lio::detail::shared_u32& model_ring::cq_word(std::uint32_t offset) const noexcept {
    char* const base = completions_.address != nullptr ? completions_.address : queues_.address;
    return *reinterpret_cast<lio::detail::shared_u32*>(base + offset);
}

bool model_ring::header_is_intact() const noexcept {
    return sq_word(sq_off.ring_mask).load_acquire() == parameters_.sq_entries - 1 &&
           sq_word(sq_off.ring_entries).load_acquire() == parameters_.sq_entries &&
           sq_word(sq_off.dropped).load_acquire() == 0 && submission_head() == kernel_head_ &&
           submission_flags() == kernel_flags_ && completion_tail() == kernel_tail_ &&
           cq_word(cq_off.ring_mask).load_acquire() == parameters_.cq_entries - 1 &&
           cq_word(cq_off.ring_entries).load_acquire() == parameters_.cq_entries &&
           cq_word(cq_off.overflow).load_acquire() == overflows_;
}

std::vector<std::uint32_t> model_ring::array() const {
    if (has(abi::setup_no_sqarray)) return {};
    std::vector<std::uint32_t> copy(parameters_.sq_entries);
    std::memcpy(copy.data(), queues_.address + sq_off.array, copy.size() * sizeof copy[0]);
    return copy;
}

std::size_t model_ring::submission_size() const noexcept {
    return sq_off.array + parameters_.sq_entries * sizeof(std::uint32_t);
}
std::size_t model_ring::completion_size() const noexcept {
    return cq_off.cqes + parameters_.cq_entries * completion_stride();
}
std::size_t model_ring::entries_size() const noexcept { return parameters_.sq_entries * entry_stride(); }

void model_ring::set_submission_flag(std::uint32_t flag) noexcept {
    kernel_flags_ |= flag;
    sq_word(sq_off.flags).store_release(kernel_flags_);
}

void model_ring::clear_submission_flag(std::uint32_t flag) noexcept {
    kernel_flags_ &= ~flag;
    sq_word(sq_off.flags).store_release(kernel_flags_);
}

bool model_ring::put(const abi::cqe32& entry) noexcept {
    const bool is_long = has(abi::setup_cqe_mixed) && (entry.flags & abi::cqe_f_32) != 0;
    const std::uint32_t slots = is_long ? 2 : 1;
    const std::uint32_t room = parameters_.cq_entries - (kernel_tail_ - completion_head());
    const std::uint32_t before_end = parameters_.cq_entries - (kernel_tail_ & (parameters_.cq_entries - 1));
    const bool would_cross = slots > before_end;
    if (room < slots + would_cross) return false;
    // The kernel's own padding, where a long completion would cross the end.
    if (would_cross) write(abi::cqe32{0, 0, abi::cqe_f_skip}, completion_stride());
    write(entry, slots * completion_stride());
    cq_word(cq_off.tail).store_release(kernel_tail_);
    return true;
}

void model_ring::write(const abi::cqe32& entry, std::size_t size) noexcept {
    char* const base = completions_.address != nullptr ? completions_.address : queues_.address;
    const std::size_t slot = kernel_tail_ & (parameters_.cq_entries - 1);
    std::memcpy(base + cq_off.cqes + slot * completion_stride(), &entry, size);
    kernel_tail_ += static_cast<std::uint32_t>(size / completion_stride());
}

void model_ring::post(std::uint64_t user_data, std::int32_t result, std::uint32_t flags, std::uint64_t first,
                      std::uint64_t second) {
    const abi::cqe32 entry{user_data, result, flags, {first, second}};
    // While completions wait in the list, nothing overtakes them.
    if (overflow_.empty() && put(entry)) return;
    overflow_.push_back(entry);
    cq_word(cq_off.overflow).store_release(++overflows_);
    if (tells_overflow()) set_submission_flag(abi::sq_cq_overflow);
}

void model_ring::hold_back(std::uint64_t user_data) {
    held_back_.push_back(user_data);
    if (has(abi::setup_taskrun_flag)) set_submission_flag(abi::sq_taskrun);
}

void model_ring::flush() {
    while (!overflow_.empty() && put(overflow_.front())) overflow_.erase(overflow_.begin());
    if (overflow_.empty()) clear_submission_flag(abi::sq_cq_overflow);
    for (const std::uint64_t user_data : std::exchange(held_back_, {})) post(user_data);
    clear_submission_flag(abi::sq_taskrun);
}

std::uint32_t model_ring::take(std::uint32_t most) {
    // A ring that rewinds has no head and no tail: it takes as many as it is told, from the first slot on.
    const bool rewinds = has(abi::setup_sq_rewind);
    const std::uint32_t begin = rewinds ? 0 : kernel_head_;
    const std::uint32_t there = rewinds ? parameters_.sq_entries : submission_tail() - begin;
    if (there > parameters_.sq_entries) kernel_.violation("the submission tail ran over the head");
    std::uint32_t count = 0;
    while (count < most && count != there) {
        std::uint32_t slot = (begin + count) & (parameters_.sq_entries - 1);
        if (!has(abi::setup_no_sqarray)) {
            std::memcpy(&slot, queues_.address + sq_off.array + slot * sizeof slot, sizeof slot);
            if (slot >= parameters_.sq_entries) {
                kernel_.violation("the submission array names a slot that is not there");
                return count;
            }
        }
        abi::sqe128 entry;
        char* const place = entries_.address + slot * entry_stride();
        std::size_t size = entry_stride();
        std::memcpy(static_cast<void*>(&entry), place, size);
        const auto code = static_cast<abi::opcode>(entry.opcode);
        if (has(abi::setup_sqe_mixed) && (code == abi::opcode::nop128 || code == abi::opcode::uring_cmd128)) {
            if (slot + 1 == parameters_.sq_entries || most - count < 2) {
                kernel_.violation("an entry of 128 bytes crosses the end of the queue");
                return count;
            }
            size = sizeof entry;
            std::memcpy(static_cast<void*>(&entry), place, size);
        }
        count += static_cast<std::uint32_t>(size / entry_stride());
        if (!rewinds) sq_word(sq_off.head).store_release(kernel_head_ = begin + count);
        // What was taken is the program's again: a slot that is not written anew shows. What the program itself may
        // want to know of it stays.
        std::memset(place, 0xa5, size);
        std::memcpy(place, &entry.opcode, sizeof entry.opcode);
        std::memcpy(place + offsetof(abi::sqe, user_data), &entry.user_data, sizeof entry.user_data);
        taken.push_back(entry);
        if (completes == completing::by_test || (entry.flags & abi::sqe_cqe_skip_success) != 0) continue;
        if (completes == completing::at_once)
            post(entry.user_data);
        else
            hold_back(entry.user_data);
    }
    return count;
}

long model_ring::enter(std::uint32_t submit_count, std::uint32_t wait_for, std::uint32_t flags,
                       const abi::getevents_arg* events) {
    if (disabled_) return -EBADFD;
    if (has(abi::setup_single_issuer) && owner_ != ::syscall(SYS_gettid)) return -EEXIST;
    std::uint32_t submitted = 0;
    if (has(abi::setup_sqpoll)) {
        if ((flags & abi::enter_sq_wakeup) != 0) {
            clear_submission_flag(abi::sq_need_wakeup);
            static_cast<void>(take());
        }
        submitted = submit_count;
    } else {
        std::uint32_t most = submit_count;
        if (!take_limits.empty()) {
            most = std::min(most, take_limits.front());
            take_limits.pop_front();
        }
        submitted = take(most);
        // A kernel that could not take everything does not wait.
        if (submitted != submit_count) return static_cast<long>(submitted);
    }
    if ((flags & abi::enter_getevents) != 0) {
        flush();
        if (ready() < std::min(wait_for, parameters_.cq_entries)) {
            if (submitted != 0) return static_cast<long>(submitted);
            if (interrupts_waits) return -EINTR;
            if (events != nullptr && events->ts != 0) return -ETIME;
            kernel_.violation("a wait that nothing would ever end");
            return -EINTR;
        }
    }
    return static_cast<long>(submitted);
}

long model_ring::map(std::size_t size, long flags, std::uint64_t offset) {
    const shared_memory* part = &queues_;
    if (offset == abi::off_sqes)
        part = &entries_;
    else if (offset == abi::off_cq_ring && completions_.file >= 0)
        part = &completions_;
    else if (offset != abi::off_sq_ring && offset != abi::off_cq_ring)
        return -EINVAL;
    if (size > part->size) return -EFAULT;
    return raw(argument(::mmap(nullptr, size, PROT_READ | PROT_WRITE, static_cast<int>(flags), part->file, 0)));
}

// The kernel.

kernel::kernel(ground on, const release& plays) : ground_{on}, release_{plays} {
    REQUIRE(current == nullptr);
    current = this;
}

kernel::~kernel() {
    CHECK(violations() == "");
    CHECK(left() == "");
    clear_books();
    current = nullptr;
}

void kernel::fail(arch::number kind, int code, std::size_t first, std::size_t times) {
    answer(kind, -code, first, times);
}

void kernel::fail_any(std::size_t nth, int code) {
    const std::lock_guard lock(mutex_);
    rules_.push_back({arch::number{}, -1, nth - 1, 1, -code});
}

void kernel::answer(arch::number kind, long value, std::size_t first, std::size_t times) {
    const std::lock_guard lock(mutex_);
    rules_.push_back({kind, -1, first - 1, times, value});
}

void kernel::fail_register(register_opcode opcode, int code, std::size_t times) {
    const std::lock_guard lock(mutex_);
    rules_.push_back({arch::io_uring_register, static_cast<std::int64_t>(opcode), 0, times, -code});
}

std::size_t kernel::count(arch::number kind) const { return calls_of(kind).size(); }

std::size_t kernel::count_calls() const {
    return calls_.size() - count(arch::getpid) - count(arch::gettid) - count(arch::clock_gettime);
}

std::size_t kernel::calls_that_can_fail() const {
    std::size_t found = 0;
    for (const made_call& call : calls_) found += can_fail(call.number) ? 1u : 0u;
    return found;
}

std::vector<made_call> kernel::calls_of(arch::number kind) const {
    std::vector<made_call> found;
    for (const made_call& call : calls_)
        if (call.number == kind) found.push_back(call);
    return found;
}

int kernel::position(arch::number kind) const {
    for (std::size_t i = 0; i < calls_.size(); ++i)
        if (calls_[i].number == kind) return static_cast<int>(i);
    return -1;
}

int kernel::position(register_opcode opcode) const {
    for (std::size_t i = 0; i < calls_.size(); ++i)
        if (calls_[i].number == arch::io_uring_register && calls_[i].arguments[1] == static_cast<long>(opcode))
            return static_cast<int>(i);
    return -1;
}

std::string kernel::left() const {
    std::string text;
    for (const int file : open_) text += "ring " + std::to_string(file) + " is open\n";
    for (const auto& [address, part] : mappings_)
        text += std::to_string(part.size) + " bytes are mapped, of " +
                (part.file < 0 ? "plain memory" : "ring " + std::to_string(part.file)) + "\n";
    for (const auto& [file, content] : open_texts_) text += "file " + std::to_string(file) + " is open\n";
    for (const registration& one : registrations_)
        text += "registration " + std::to_string(static_cast<std::uint32_t>(one.opcode)) + " of ring " +
                std::to_string(one.ring) + " is there\n";
    return text;
}

void kernel::clear_books() {
    if (!is_model()) {
        for (const registration& one : registrations_) {
            if (one.opcode != register_opcode::register_ring_fds || one.thread != &thread_marker) continue;
            abi::rsrc_update slot{};
            slot.offset = one.number;
            static_cast<void>(::syscall(register_number, one.ring, register_opcode::unregister_ring_fds, &slot, 1));
        }
        for (const int file : open_) ::close(file);
    }
    for (const auto& [address, part] : mappings_) ::munmap(address, part.size);
    registrations_.clear();
    open_.clear();
    open_texts_.clear();
    mappings_.clear();
    violations_.clear();
}

void kernel::unmap_left(std::size_t size) {
    const auto found =
        std::find_if(mappings_.begin(), mappings_.end(), [&](const auto& one) { return one.second.size == size; });
    REQUIRE(found != mappings_.end());
    ::munmap(found->first, size);
    mappings_.erase(found);
}

kernel::registration* kernel::find(int ring, register_opcode opcode, std::uint32_t number) {
    for (registration& one : registrations_)
        if (one.ring == ring && one.opcode == opcode && one.number == number) return &one;
    return nullptr;
}

long kernel::setup(std::uint32_t entries, abi::params& parameters) {
    const abi::params asked = parameters;
    const auto refuse = [&] {
        // A caller that goes on with what is in there now has not restored it.
        parameters.flags ^= abi::setup_iopoll;
        parameters.features = parameters.sq_entries = parameters.cq_entries = 0x5a5a5a5a;
        parameters.resv[0] = 0x5a5a5a5a;
        return -EINVAL;
    };
    if ((asked.flags & ~release_.setup_flags) != 0) return refuse();
    long file;
    if (is_model()) {
        const auto has = [&](std::uint32_t flags) { return (asked.flags & flags) != 0; };
        if (has(unmodelled_flags)) return refuse();
        if (asked.resv[0] != 0 || asked.resv[1] != 0 || asked.resv[2] != 0) return refuse();
        if (has(abi::setup_sqpoll) && has(abi::setup_coop_taskrun | abi::setup_taskrun_flag | abi::setup_defer_taskrun))
            return refuse();
        if (has(abi::setup_taskrun_flag) && !has(abi::setup_coop_taskrun | abi::setup_defer_taskrun)) return refuse();
        if (has(abi::setup_defer_taskrun) && !has(abi::setup_single_issuer)) return refuse();
        if (has(abi::setup_cqe_mixed) && has(abi::setup_cqe32)) return refuse();
        if (has(abi::setup_sqe_mixed) && has(abi::setup_sqe128)) return refuse();
        if (has(abi::setup_sq_rewind) && (!has(abi::setup_no_sqarray) || has(abi::setup_sqpoll))) return refuse();
        if (has(abi::setup_hybrid_iopoll) && !has(abi::setup_iopoll)) return refuse();
        if (has(abi::setup_sq_aff) && (!has(abi::setup_sqpoll) || asked.sq_thread_cpu >= processors)) return refuse();
        if (entries == 0 || (entries > 32768 && !has(abi::setup_clamp))) return refuse();
        parameters.sq_entries = power_of_two(std::min(entries, 32768u));
        parameters.cq_entries = 2 * parameters.sq_entries;
        if (has(abi::setup_cqsize)) {
            if (asked.cq_entries == 0 || (asked.cq_entries > 65536 && !has(abi::setup_clamp))) return refuse();
            parameters.cq_entries = power_of_two(std::min(asked.cq_entries, 65536u));
            if (parameters.cq_entries < parameters.sq_entries) return refuse();
        }
        parameters.features = release_.features;
        file = next_file++;
        auto made = std::make_unique<model_ring>(*this, parameters, first_counter, array_comes_first);
        parameters = made->parameters_;
        if (has(abi::setup_single_issuer) && !has(abi::setup_r_disabled)) made->owner_ = ::syscall(SYS_gettid);
        rings_[static_cast<int>(file)] = std::move(made);
    } else {
        file = raw(::syscall(setup_number, static_cast<long>(entries), &parameters));
        if (file < 0) return file;
        parameters.features &= release_.features;
    }
    last_ring_ = static_cast<int>(file);
    open_.insert(last_ring_);
    return file;
}

long kernel::enter(made_call& call) {
    int file = static_cast<int>(call.arguments[0]);
    auto flags = static_cast<std::uint32_t>(call.arguments[3]);
    if ((flags & abi::enter_registered_ring) != 0) {
        const auto slot = static_cast<std::uint32_t>(file);
        file = -1;
        for (const registration& one : registrations_)
            if (one.opcode == register_opcode::register_ring_fds && one.thread == &thread_marker && one.number == slot)
                file = one.ring;
        // On a wrong thread this is nothing, or another ring.
        if (file < 0) return slot < 16 ? -EBADF : -EINVAL;
    } else if (open_.count(file) == 0) {
        violation("an enter by a descriptor that is no open ring");
        return -EBADF;
    }
    const abi::getevents_arg* events = nullptr;
    if ((flags & abi::enter_ext_arg) != 0 && (flags & abi::enter_ext_arg_reg) == 0) {
        if ((release_.features & abi::feat_ext_arg) == 0) return -EINVAL;
        if (call.arguments[5] != static_cast<long>(sizeof(abi::getevents_arg))) {
            violation("the size of enter's argument is wrong");
            return -EINVAL;
        }
        events = &call.events;
    }
    return rings_.at(file)->enter(static_cast<std::uint32_t>(call.arguments[1]),
                                  static_cast<std::uint32_t>(call.arguments[2]), flags, events);
}

long kernel::register_in_model(int file, register_opcode opcode, void* argument, std::uint32_t count) {
    model_ring& ring = *rings_.at(file);
    if (ring.owner_ != 0 && ring.owner_ != ::syscall(SYS_gettid)) return -EEXIST;
    switch (opcode) {
    case register_opcode::register_enable_rings:
        if (!ring.disabled_) return -EBADFD;
        ring.disabled_ = false;
        if (ring.has(abi::setup_single_issuer)) ring.owner_ = ::syscall(SYS_gettid);
        return 0;
    case register_opcode::register_ring_fds: {
        auto& slot = *static_cast<abi::rsrc_update*>(argument);
        if (count != 1 || slot.resv != 0 || slot.offset != 0xffffffff) return -EINVAL;
        if (slot.data != static_cast<std::uint64_t>(file)) return -EBADF;
        std::uint32_t number = 0;
        const auto is_taken = [&] {
            return std::any_of(registrations_.begin(), registrations_.end(), [&](const registration& one) {
                return one.opcode == opcode && one.thread == &thread_marker && one.number == number;
            });
        };
        while (is_taken()) ++number;
        if (number == 16) return -EBUSY;
        slot.offset = number;
        return 1;
    }
    case register_opcode::unregister_ring_fds: {
        const auto& slot = *static_cast<const abi::rsrc_update*>(argument);
        if (count != 1 || slot.resv != 0 || slot.data != 0 || slot.offset >= 16) return -EINVAL;
        return 1;
    }
    case register_opcode::register_resize_rings: {
        auto& asked = *static_cast<abi::params*>(argument);
        if (count != 1 || !ring.has(abi::setup_defer_taskrun) || (asked.flags & ~abi::setup_cqsize) != 0)
            return -EINVAL;
        if (ring.ready() != 0 || !ring.overflow_.empty()) std::abort(); // carrying completions over is not modelled
        abi::params parameters = ring.parameters_;
        parameters.sq_entries = power_of_two(asked.sq_entries);
        parameters.cq_entries = asked.flags != 0 ? power_of_two(asked.cq_entries) : 2 * parameters.sq_entries;
        auto resized = std::make_unique<model_ring>(*this, parameters, ring.kernel_head_, array_comes_first);
        resized->kernel_tail_ = ring.kernel_tail_;
        resized->cq_word(resized->cq_off.tail).store_release(ring.kernel_tail_);
        resized->cq_word(resized->cq_off.head).store_release(ring.completion_head());
        resized->disabled_ = ring.disabled_;
        resized->owner_ = ring.owner_;
        asked = resized->parameters_;
        asked.features = 0; // nor does the real one tell them again
        rings_[file] = std::move(resized);
        return 0;
    }
    case register_opcode::register_buffers:
    case register_opcode::register_files:
        if (count == 0) return -EINVAL;
        return find(file, opcode, 0) != nullptr ? -EBUSY : 0;
    case register_opcode::unregister_buffers:
        return find(file, register_opcode::register_buffers, 0) == nullptr ? -ENXIO : 0;
    case register_opcode::unregister_files:
        return find(file, register_opcode::register_files, 0) == nullptr ? -ENXIO : 0;
    case register_opcode::register_pbuf_ring: {
        const auto& group = *static_cast<const abi::buf_reg*>(argument);
        const bool is_incremental = group.flags == abi::pbuf_ring_inc;
        if (group.flags != 0 && !is_incremental) return -EINVAL;
        if (group.min_left != 0 && !(is_incremental && takes_minimum_left)) return -EINVAL;
        if (group.ring_addr % static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) != 0 || group.ring_entries == 0 ||
            (group.ring_entries & (group.ring_entries - 1)) != 0 || group.ring_entries > 32768)
            return -EINVAL;
        return find(file, opcode, group.bgid) != nullptr ? -EEXIST : 0;
    }
    case register_opcode::register_pbuf_status: {
        auto& status = *static_cast<abi::buf_status*>(argument);
        const auto known = heads.find(static_cast<std::uint16_t>(status.buf_group));
        if (known == heads.end()) return -EINVAL;
        status.head = known->second;
        return 0;
    }
    case register_opcode::register_mem_region: {
        const auto& request = *static_cast<const abi::mem_region_reg*>(argument);
        const auto& region = *reinterpret_cast<const abi::region_desc*>(request.region_uptr);
        if (find(file, opcode, 0) != nullptr) return -EBUSY;
        const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
        // Only memory of the program's here.
        const bool is_whole = region.user_addr % page == 0 && region.size % page == 0 && region.size != 0;
        return region.flags == abi::mem_region_type_user && is_whole ? 0 : -EINVAL;
    }
    case register_opcode::unregister_pbuf_ring: {
        const auto& group = *static_cast<const abi::buf_reg*>(argument);
        return find(file, register_opcode::register_pbuf_ring, group.bgid) == nullptr ? -ENOENT : 0;
    }
    case register_opcode::register_personality: {
        std::uint32_t number = 1;
        while (find(file, opcode, number) != nullptr) ++number;
        return argument != nullptr || count != 0 ? -EINVAL : static_cast<long>(number);
    }
    case register_opcode::unregister_personality:
        return find(file, register_opcode::register_personality, count) == nullptr ? -EINVAL : 0;
    case register_opcode::register_zcrx_ifq:
    case register_opcode::register_zcrx_ctrl:
        return plays_zero_copy ? plays_zero_copy(opcode, argument) : -EINVAL;
    default:
        return -EINVAL;
    }
}

long kernel::register_call(int file, register_opcode opcode, void* argument, std::uint32_t count) {
    const bool is_rule =
        opcode == register_opcode::register_restrictions || opcode == register_opcode::register_bpf_filter;
    // These need no ring.
    if ((opcode == register_opcode::register_query || is_rule) && file == -1) {
        if (answers_questions) return answers_questions(opcode, argument, count);
        return is_model() || is_rule ? -EINVAL : raw(::syscall(register_number, file, opcode, argument, count));
    }
    const auto played = played_registrations.find(opcode);
    // Nor does this.
    if (opcode == register_opcode::register_send_msg_ring && file == -1)
        return played != played_registrations.end() ? played->second(argument, count) : -EINVAL;
    if (open_.count(file) == 0) {
        violation("a registration with a descriptor that is no open ring");
        return -EBADF;
    }
    if (played != played_registrations.end()) return played->second(argument, count);
    if (!release_.registers_rings &&
        (opcode == register_opcode::register_ring_fds || opcode == register_opcode::unregister_ring_fds))
        return -EINVAL;
    if (!release_.has_buffer_rings &&
        (opcode == register_opcode::register_pbuf_ring || opcode == register_opcode::unregister_pbuf_ring))
        return -EINVAL;
    const bool is_question = opcode == register_opcode::register_probe || opcode == register_opcode::register_query;
    if ((is_question || is_rule) && answers_questions) return answers_questions(opcode, argument, count);
    const long answer = is_model() ? register_in_model(file, opcode, argument, count)
                                   : raw(::syscall(register_number, file, opcode, argument, count));
    if (answer < 0 || is_question || is_rule || opcode == register_opcode::register_pbuf_status) return answer;

    registration made{file, opcode, 0, nullptr, nullptr, 0};
    const auto drop = [&](register_opcode registered, std::uint32_t number, const void* thread) {
        const auto end = std::remove_if(registrations_.begin(), registrations_.end(), [&](const registration& one) {
            return one.ring == file && one.opcode == registered && one.number == number && one.thread == thread;
        });
        if (end == registrations_.end()) violation("something is unregistered that was not registered");
        registrations_.erase(end, registrations_.end());
    };
    switch (opcode) {
    case register_opcode::register_ring_fds:
        made.number = static_cast<const abi::rsrc_update*>(argument)->offset;
        made.thread = &thread_marker;
        break;
    case register_opcode::unregister_ring_fds:
        drop(register_opcode::register_ring_fds, static_cast<const abi::rsrc_update*>(argument)->offset,
             &thread_marker);
        return answer;
    case register_opcode::register_pbuf_ring: {
        const auto& group = *static_cast<const abi::buf_reg*>(argument);
        made.number = group.bgid;
        made.memory = reinterpret_cast<char*>(static_cast<std::uintptr_t>(group.ring_addr));
        made.size = group.ring_entries * sizeof(abi::buf);
        break;
    }
    case register_opcode::unregister_pbuf_ring:
        drop(register_opcode::register_pbuf_ring, static_cast<const abi::buf_reg*>(argument)->bgid, nullptr);
        return answer;
    case register_opcode::unregister_buffers:
        drop(register_opcode::register_buffers, 0, nullptr);
        return answer;
    case register_opcode::unregister_files:
        drop(register_opcode::register_files, 0, nullptr);
        return answer;
    case register_opcode::register_personality:
        made.number = static_cast<std::uint32_t>(answer);
        break;
    case register_opcode::unregister_personality:
        drop(register_opcode::register_personality, count, nullptr);
        return answer;
    case register_opcode::register_enable_rings:
    case register_opcode::register_zcrx_ctrl:
        return answer;
    default:
        break;
    }
    registrations_.push_back(made);
    return answer;
}

long kernel::map(std::size_t size, long protection, long flags, int file, std::uint64_t offset) {
    if (file >= 0 && open_.count(file) == 0) {
        violation("a mapping of a descriptor that is no open ring");
        return -EBADF;
    }
    const long answer = file >= 0 && is_model()
                            ? rings_.at(file)->map(size, flags, offset)
                            : raw(argument(::mmap(nullptr, size, static_cast<int>(protection), static_cast<int>(flags),
                                                  file, static_cast<off_t>(offset))));
    if (static_cast<unsigned long>(answer) > static_cast<unsigned long>(-4096L)) return answer;
    mappings_[pointer<char>(answer)] = {size, file, offset, false};
    return answer;
}

long kernel::unmap(char* address, std::size_t size) {
    const auto found = mappings_.find(address);
    if (found == mappings_.end()) {
        violation("memory is unmapped that was not mapped");
        return 0;
    }
    if (found->second.size != size)
        violation(std::to_string(size) + " bytes are unmapped where " + std::to_string(found->second.size) +
                  " were mapped");
    for (const registration& one : registrations_)
        if (one.memory >= address && one.memory < address + found->second.size && open_.count(one.ring) != 0)
            violation("memory is unmapped that is still registered");
    ::munmap(address, found->second.size);
    mappings_.erase(found);
    return 0;
}

long kernel::advise(char* address, std::size_t size, long advice) {
    const auto found = mappings_.find(address);
    if (found == mappings_.end() || found->second.size != size) {
        violation("advice for memory that was not mapped like that");
        return -ENOMEM;
    }
    const long answer = raw(::madvise(address, size, static_cast<int>(advice)));
    if (answer == 0 && advice == MADV_DONTFORK) found->second.do_not_fork = true;
    return answer;
}

int kernel::open_descriptor() {
    while (open_texts_.count(next_text_) != 0) ++next_text_;
    open_texts_[next_text_] = "";
    return next_text_;
}

long kernel::open_to_read(const char* path) {
    const auto found = texts.find(path);
    if (found == texts.end()) return -ENOENT;
    while (open_texts_.count(next_text_) != 0) ++next_text_;
    open_texts_[next_text_] = found->second;
    return next_text_;
}

long kernel::read(int file, char* buffer, std::size_t size) {
    const auto found = open_texts_.find(file);
    if (found == open_texts_.end()) {
        violation("descriptor " + std::to_string(file) + " is read, which is no open file");
        return -EBADF;
    }
    const std::size_t moved = found->second.copy(buffer, size);
    found->second.erase(0, moved);
    return static_cast<long>(moved);
}

// In the model: a ring that holds a completion can be read. Else the time passes, whatever else happens.
long kernel::wait_readable(int file, const abi::kernel_timespec& time) {
    if (file >= 0) {
        if (open_.count(file) == 0)
            violation("a ppoll of descriptor " + std::to_string(file) + ", which is no open ring");
        else if (rings_.at(file)->ready() != 0) return 1;
    }
    const ::timespec left{static_cast<time_t>(time.tv_sec), static_cast<long>(time.tv_nsec)};
    return raw(::ppoll(nullptr, 0, &left, nullptr));
}

long kernel::close(int file) {
    if (open_texts_.erase(file) != 0) return 0;
    if (open_.erase(file) == 0) {
        violation("descriptor " + std::to_string(file) + " is closed, which is no open ring");
        return -EBADF;
    }
    // The ring's own registrations go with it; a thread's table of rings does not.
    const auto end = std::remove_if(registrations_.begin(), registrations_.end(), [&](const registration& one) {
        return one.ring == file && one.opcode != register_opcode::register_ring_fds;
    });
    registrations_.erase(end, registrations_.end());
    return is_model() ? 0 : raw(::close(file));
}

long kernel::carry_out(made_call& call) {
    const long* const a = call.arguments;
    switch (call.number) {
    case arch::io_uring_setup:
        return setup(static_cast<std::uint32_t>(a[0]), *pointer<abi::params>(a[1]));
    case arch::io_uring_enter:
        return enter(call);
    case arch::io_uring_register:
        return register_call(static_cast<int>(a[0]), static_cast<register_opcode>(a[1]), pointer<void>(a[2]),
                             static_cast<std::uint32_t>(a[3]));
    case arch::mmap:
        return map(static_cast<std::size_t>(a[1]), a[2], a[3], static_cast<int>(a[4]),
                   static_cast<unsigned long>(a[5]));
    case arch::munmap:
        return unmap(pointer<char>(a[0]), static_cast<std::size_t>(a[1]));
    case arch::madvise:
        return advise(pointer<char>(a[0]), static_cast<std::size_t>(a[1]), a[2]);
    case arch::close:
        return close(static_cast<int>(a[0]));
    case arch::getpid:
        return ::getpid() + (forked_ ? 1 : 0);
    case arch::gettid:
        return ::syscall(SYS_gettid);
    case arch::write:
        return raw(::write(static_cast<int>(a[0]), pointer<void>(a[1]), static_cast<std::size_t>(a[2])));
    case arch::clock_gettime: {
        ::timespec time{};
        if (::clock_gettime(static_cast<clockid_t>(a[0]), &time) != 0) return -errno;
        *pointer<abi::kernel_timespec>(a[1]) = {time.tv_sec, time.tv_nsec};
        return 0;
    }
    case arch::ppoll:
        return wait_readable(call.watched, call.time);
    case arch::openat:
        return open_to_read(pointer<const char>(a[1]));
    case arch::read:
        return read(static_cast<int>(a[0]), pointer<char>(a[1]), static_cast<std::size_t>(a[2]));
    case arch::tgkill:
        std::abort();
    }
    return -ENOSYS;
}

long kernel::invoke(arch::number number, const long (&arguments)[6]) noexcept {
    std::unique_lock lock(mutex_);
    made_call call{number, {}, 0, {}, {}, {}, 0, -1};
    std::copy(std::begin(arguments), std::end(arguments), std::begin(call.arguments));
    if (number == arch::io_uring_setup) call.asked = *pointer<abi::params>(arguments[1]);
    if (number == arch::io_uring_enter && arguments[5] == static_cast<long>(sizeof call.events))
        call.events = *pointer<abi::getevents_arg>(arguments[4]);
    if (call.events.ts != 0) call.time = *pointer<abi::kernel_timespec>(static_cast<long>(call.events.ts));
    if (call.events.sigmask != 0)
        std::memcpy(&call.signals, pointer<void>(static_cast<long>(call.events.sigmask)), sizeof call.signals);
    if (number == arch::ppoll) {
        call.time = *pointer<abi::kernel_timespec>(arguments[2]);
        call.watched = pointer<const ::pollfd>(arguments[0])->fd;
        if (arguments[3] != 0) std::memcpy(&call.signals, pointer<void>(arguments[3]), sizeof call.signals);
    }

    const bool may_wait = number == arch::io_uring_enter || number == arch::ppoll;
    if (may_wait && meanwhile) std::exchange(meanwhile, nullptr)();
    std::optional<long> scripted;
    for (rule& one : rules_) {
        const bool fits = one.kind == arch::number{} ? can_fail(number) : one.kind == number;
        if (!fits || scripted || (one.opcode >= 0 && one.opcode != arguments[1])) continue;
        if (one.skip != 0) {
            --one.skip;
        } else if (one.times != 0) {
            --one.times;
            scripted = one.answer;
        }
    }
    if (scripted) {
        call.answer = *scripted;
    } else if (may_wait && !is_model()) {
        // It may wait for what another thread does.
        lock.unlock();
        call.answer = raw(::syscall(number == arch::ppoll ? ppoll_number : enter_number, arguments[0], arguments[1],
                                    arguments[2], arguments[3], arguments[4], arguments[5]));
        lock.lock();
    } else {
        call.answer = carry_out(call);
    }
    calls_.push_back(call);
    return call.answer;
}

} // namespace lio::fake

namespace lio::inline v0::arch {

long invoke(long number, long a, long b, long c, long d, long e, long f) noexcept {
    if (fake::current == nullptr) std::abort();
    const int before = errno;
    const long answer = fake::current->invoke(static_cast<arch::number>(number), {a, b, c, d, e, f});
    errno = before;
    return answer;
}

bool has_thread_identity() noexcept { return fake::current->threads_have_identity; }
const void* thread_identity() noexcept { return &fake::thread_marker; }

} // namespace lio::inline v0::arch
