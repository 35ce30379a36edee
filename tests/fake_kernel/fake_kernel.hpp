// The kernel that the library meets in lio-fake-kernel-tests. On `ground::real` it hands calls on to the machine's
// own; on `ground::model` it plays io_uring itself, in memory that it shares with the library, so that a test can
// be the kernel's side of every word. On both it fails calls on demand, plays older releases, and keeps books.
// Test code. One at a time, made by a test; the library may call it from any thread.
#pragma once

#include "../catch.hpp"

#include "mmap_style.hpp"

#include "arch.hpp"

#include <lio/abi/buffers.hpp>
#include <lio/abi/entries.hpp>
#include <lio/abi/register.hpp>
#include <lio/abi/setup.hpp>
#include <lio/detail/shared_word.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace lio::fake {

/// What a Linux release knows: the rest is EINVAL to it.
struct release {
    const char* name;
    std::uint32_t setup_flags;
    std::uint32_t features;
    bool registers_rings;
    bool has_buffer_rings;
};
extern const release linux_5_1, linux_5_4, linux_5_5, linux_5_10, linux_5_11, linux_5_18, linux_5_19, linux_6_0,
    linux_6_1, linux_6_6, linux_6_18, linux_7_3;

enum class ground { model, real };

/// One call that the library made.
struct made_call {
    arch::number number;
    long arguments[6];
    long answer;
    /// What setup was asked for, as it came in.
    abi::params asked;
    /// What enter was given with EXT_ARG, the time and the mask that it points to included; ppoll's time and mask as
    /// well.
    abi::getevents_arg events;
    abi::kernel_timespec time;
    std::uint64_t signals;
    /// The file that ppoll was given.
    int watched = -1;
};

class kernel;

/// A ring of the model: what the kernel knows of it, and the kernel's ends of its words.
class model_ring {
public:
    enum class completing {
        /// What is taken completes in the same call.
        at_once,
        /// It completes, but its completion is held back until the program asks for events.
        held_back,
        /// It stays in flight until the test says post().
        by_test,
    };

    /// How operations complete. skip_success() is honoured.
    completing completes = completing::at_once;
    /// How many entries the coming enters take at most, one number for each; without a limit when it has run out.
    std::deque<std::uint32_t> take_limits;
    /// A wait for more than there is ends with EINTR instead of being an endless one.
    bool interrupts_waits = false;
    /// Everything that was taken, in order; the second halves are zero where entries are plain.
    std::vector<abi::sqe128> taken;

    /// Completes an operation: into the queue, or into the overflow list when that is full. Where sizes are mixed,
    /// abi::cqe_f_32 makes a long completion.
    void post(std::uint64_t user_data, std::int32_t result = 0, std::uint32_t flags = 0, std::uint64_t first = 0,
              std::uint64_t second = 0);
    /// The same, held back until the program asks for events.
    void hold_back(std::uint64_t user_data);
    /// What a kernel thread (sqpoll) does while it is awake: takes what is there, up to `most`.
    std::uint32_t take(std::uint32_t most = 0xffffffff);
    void set_submission_flag(std::uint32_t flag) noexcept;
    void clear_submission_flag(std::uint32_t flag) noexcept;

    std::uint32_t submission_head() const noexcept { return sq_word(sq_off.head).load_acquire(); }
    std::uint32_t submission_tail() const noexcept { return sq_word(sq_off.tail).load_acquire(); }
    std::uint32_t completion_head() const noexcept { return cq_word(cq_off.head).load_acquire(); }
    std::uint32_t completion_tail() const noexcept { return cq_word(cq_off.tail).load_acquire(); }
    std::uint32_t submission_flags() const noexcept { return sq_word(sq_off.flags).load_acquire(); }

    /// Whether the words that belong to the kernel alone still say what it wrote there.
    bool header_is_intact() const noexcept;
    /// The submission array, empty if there is none.
    std::vector<std::uint32_t> array() const;

    /// What each part must be mapped with.
    std::size_t submission_size() const noexcept;
    std::size_t completion_size() const noexcept;
    std::size_t entries_size() const noexcept;
    /// How far apart two entries are.
    std::size_t entry_stride() const noexcept {
        return has(abi::setup_sqe128) ? sizeof(abi::sqe128) : sizeof(abi::sqe);
    }
    std::size_t completion_stride() const noexcept {
        return has(abi::setup_cqe32) ? sizeof(abi::cqe32) : sizeof(abi::cqe);
    }

    bool is_disabled() const noexcept { return disabled_; }
    const abi::params& parameters() const noexcept { return parameters_; }

    model_ring(kernel& owner, const abi::params& asked, std::uint32_t first_counter, bool array_comes_first);
    ~model_ring();
    model_ring(const model_ring&) = delete;
    model_ring& operator=(const model_ring&) = delete;

private:
    friend class kernel;

    // Memory that can be mapped a second time.
    struct shared_memory {
        int file = -1;
        char* address = nullptr;
        std::size_t size = 0;
        void make(std::size_t at_least);
        ~shared_memory();
    };

    long enter(std::uint32_t submit_count, std::uint32_t wait_for, std::uint32_t flags,
               const abi::getevents_arg* events);
    long map(std::size_t size, long flags, std::uint64_t offset);
    bool has(std::uint32_t flag) const noexcept { return (parameters_.flags & flag) != 0; }
    // Linux 5.8 and newer; the next of the models is 5.10.
    bool tells_overflow() const noexcept { return (parameters_.features & abi::feat_poll_32bits) != 0; }
    std::uint32_t ready() const noexcept { return completion_tail() - completion_head(); }
    void flush();
    bool put(const abi::cqe32& entry) noexcept;
    void write(const abi::cqe32& entry, std::size_t size) noexcept;
    lio::detail::shared_u32& sq_word(std::uint32_t offset) const noexcept;
    lio::detail::shared_u32& cq_word(std::uint32_t offset) const noexcept;

    kernel& kernel_;
    abi::params parameters_;
    abi::sqring_offsets& sq_off = parameters_.sq_off;
    abi::cqring_offsets& cq_off = parameters_.cq_off;
    shared_memory queues_;
    shared_memory completions_; // apart from queues_ only without FEAT_SINGLE_MMAP
    shared_memory entries_;
    std::vector<abi::cqe32> overflow_;
    std::vector<std::uint64_t> held_back_;
    bool disabled_;
    long owner_ = 0; // the thread that a ring of one issuer belongs to
    // What the kernel wrote last into the words that are its own.
    std::uint32_t kernel_head_ = 0;
    std::uint32_t kernel_tail_ = 0;
    std::uint32_t kernel_flags_ = 0;
    std::uint32_t overflows_ = 0;
};

class kernel {
public:
    explicit kernel(ground on, const release& plays = linux_6_18);
    /// The books must balance: nothing left open, mapped or registered, and nothing done that was wrong.
    ~kernel();
    kernel(const kernel&) = delete;
    kernel& operator=(const kernel&) = delete;

    // The script.

    /// From now on, the `first`-th call of this kind and those after it, `times` of them, fail with `code`.
    void fail(arch::number kind, int code, std::size_t first = 1, std::size_t times = 1);
    static constexpr std::size_t always = static_cast<std::size_t>(-1) / 2;
    /// The same for calls of any kind that can fail: the `nth` one, counted by calls_that_can_fail().
    void fail_any(std::size_t nth, int code);
    /// The same with any answer; the call does nothing else.
    void answer(arch::number kind, long value, std::size_t first = 1, std::size_t times = 1);
    /// Fails the registration of this kind.
    void fail_register(abi::register_opcode opcode, int code, std::size_t times = 1);
    /// Answers questions (register_probe, register_query) in the kernel's place, and takes rules
    /// (register_restrictions, register_bpf_filter); else the model knows none.
    std::function<long(abi::register_opcode opcode, void* argument, std::uint32_t count)> answers_questions;
    /// The model says how far the kernel is with these groups of buffers; with others it cannot (Linux 6.8 can).
    std::map<std::uint16_t, std::uint32_t> heads;
    /// The model takes a minimum for buffers that are consumed incrementally (Linux 7.1).
    bool takes_minimum_left = false;
    /// Answers register_zcrx_ifq and register_zcrx_ctrl in the model; else it knows neither.
    std::function<long(abi::register_opcode opcode, void* argument)> plays_zero_copy;
    /// Opens a descriptor as a call that answers with one does: it must be closed, once.
    int open_descriptor();
    /// Registrations that are played by a test: each answers in the kernel's place, and leaves nothing in the books.
    std::map<abi::register_opcode, std::function<long(void* argument, std::uint32_t count)>> played_registrations;
    /// The files that there are to read, with what is in them; on both grounds, so that no test depends on the
    /// machine's.
    std::map<std::string, std::string> texts;
    /// Happens once, at the next enter or ppoll, before it is answered in whatever way.
    std::function<void()> meanwhile;
    /// Gives another process id than before: as if this were a forked child.
    void pretend_to_be_forked(bool forked = true) noexcept { forked_ = forked; }
    /// As on a CPU or in a program that cannot tell threads apart.
    bool threads_have_identity = true;

    // For the rings of the model that are set up next.

    std::uint32_t first_counter = 0;
    int next_file = 1000;
    /// The submission array lies before the completions instead of behind them.
    bool array_comes_first = false;

    // What happened.

    const std::vector<made_call>& calls() const noexcept { return calls_; }
    std::size_t count(arch::number kind) const;
    /// How many calls there were but getpid, gettid and clock_gettime: 0 says that the library left the kernel alone.
    std::size_t count_calls() const;
    std::size_t calls_that_can_fail() const;
    std::vector<made_call> calls_of(arch::number kind) const;
    /// Where in calls() the first call of this kind is (of register: with this opcode); -1 if nowhere.
    int position(arch::number kind) const;
    int position(abi::register_opcode opcode) const;
    void forget_calls() { calls_.clear(); }

    // The books.

    struct mapped {
        std::size_t size;
        /// The ring's descriptor and the offset; -1 for plain memory.
        int file;
        std::uint64_t offset;
        bool do_not_fork;
    };
    const std::map<char*, mapped>& mappings() const noexcept { return mappings_; }
    const std::set<int>& open_rings() const noexcept { return open_; }
    std::size_t registrations() const noexcept { return registrations_.size(); }
    /// What is open, mapped or registered, in words; empty if nothing is.
    std::string left() const;
    /// What was done that is wrong on any kernel, in words; empty if nothing was.
    std::string violations() const { return violations_; }
    /// Frees what is left and forgets what was wrong: after a test has looked at it.
    void clear_books();
    /// The same for one piece of memory that was left on purpose, known by its size.
    void unmap_left(std::size_t size);

    // The model's rings.

    model_ring& ring(int file) { return *rings_.at(file); }
    /// The ring that was made last.
    model_ring& ring() { return *rings_.at(last_ring_); }

    bool is_model() const noexcept { return ground_ == ground::model; }
    const release& plays() const noexcept { return release_; }

    long invoke(arch::number number, const long (&arguments)[6]) noexcept;

private:
    friend class model_ring;

    struct rule {
        arch::number kind;   // 0: any that can fail
        std::int64_t opcode; // of register; -1: any
        std::size_t skip;
        std::size_t times;
        long answer;
    };
    struct registration {
        int ring;
        abi::register_opcode opcode;
        std::uint32_t number;
        const void* thread; // of a registered ring descriptor
        char* memory;       // of a buffer ring
        std::size_t size;
    };

    long carry_out(made_call& call);
    long setup(std::uint32_t entries, abi::params& parameters);
    long enter(made_call& call);
    long register_call(int file, abi::register_opcode opcode, void* argument, std::uint32_t count);
    long register_in_model(int file, abi::register_opcode opcode, void* argument, std::uint32_t count);
    long map(std::size_t size, long protection, long flags, int file, std::uint64_t offset);
    long unmap(char* address, std::size_t size);
    long advise(char* address, std::size_t size, long advice);
    long wait_readable(int file, const abi::kernel_timespec& time);
    long close(int file);
    long open_to_read(const char* path);
    long read(int file, char* buffer, std::size_t size);
    registration* find(int ring, abi::register_opcode opcode, std::uint32_t number);
    void violation(const std::string& sentence) { violations_ += sentence + "\n"; }

    ground ground_;
    release release_;
    bool forked_ = false;
    mutable std::mutex mutex_;
    std::vector<rule> rules_;
    std::vector<made_call> calls_;
    std::map<char*, mapped> mappings_;
    std::set<int> open_;
    std::map<int, std::string> open_texts_; // with what is still to be read
    int next_text_ = 1'000'000;
    std::vector<registration> registrations_;
    std::string violations_;
    std::map<int, std::unique_ptr<model_ring>> rings_; // closed ones too: a test may look at them afterwards
    int last_ring_ = -1;
};

/// Whether the machine's own kernel gives out rings.
bool real_kernel_has_rings();

/// Runs `body(kernel)` as a section on the model and on the machine's own kernel, both playing `plays`.
template <class Body>
void on_each_ground(Body body, const release& plays = linux_6_18) {
    DYNAMIC_SECTION("on the model, as " << plays.name) {
        kernel playing{ground::model, plays};
        body(playing);
    }
    if (!real_kernel_has_rings()) {
        lio::test::record_partial_skip("this machine's own kernel has no io_uring or forbids it (Linux 5.1)");
        return;
    }
    DYNAMIC_SECTION("on the machine's own kernel, as " << plays.name) {
        kernel playing{ground::real, plays};
        body(playing);
    }
}

} // namespace lio::fake
