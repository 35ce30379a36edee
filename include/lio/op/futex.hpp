// Futexes: words of memory on which threads and processes wait. Includes the base only; any thread.
#pragma once

#include <lio/bytes.hpp>
#include <lio/cqe.hpp>
#include <lio/detail/assert.hpp>
#include <lio/detail/failure.hpp>
#include <lio/op/operation.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace lio::inline v0 {

/// What kind of futex it is, as bits of a set: futex_flag::process_private | futex_flag::numa. All that use the same
/// word must say the same. The FUTEX2_... flags of futex(2); the size comes from the word's type.
enum class futex_flag : std::uint32_t {
    /// Any process that maps the memory may take part. To the plain system call: without FUTEX_PRIVATE_FLAG.
    shared = 0,
    /// The word is followed by another of its size, with the number of the memory node whose table the kernel uses; -1
    /// there, and the kernel chooses and writes it. The two are aligned as one. Since Linux 6.16.
    numa = 4,
    /// The kernel picks the table by the policy of the memory in which the word lies. Since Linux 6.16.
    memory_policy = 8,
    /// Only this process uses the word, which is cheaper. To the plain system call: with FUTEX_PRIVATE_FLAG.
    process_private = 128,
};

constexpr futex_flag operator|(futex_flag a, futex_flag b) noexcept {
    return static_cast<futex_flag>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}

namespace detail {

// An integer of the size of a futex, or what stands for one: std::atomic<std::uint32_t>, an enumeration.
template <class Word>
concept futex_word =
    std::is_standard_layout_v<Word> && !std::is_array_v<Word> &&
    (sizeof(Word) == 1 || sizeof(Word) == 2 || sizeof(Word) == 4 || sizeof(Word) == 8);

template <std::size_t size>
struct futex_value;
template <>
struct futex_value<1> {
    using type = std::uint8_t;
};
template <>
struct futex_value<2> {
    using type = std::uint16_t;
};
template <>
struct futex_value<4> {
    using type = std::uint32_t;
};
template <>
struct futex_value<8> {
    using type = std::uint64_t;
};

// Unsigned, because the kernel refuses what does not fit the size: the sign of a negative number must not spread.
template <class Word>
using futex_value_of = typename futex_value<sizeof(Word)>::type;

template <class Word>
constexpr std::uint32_t futex_bits(futex_flag flags) noexcept {
    constexpr std::uint32_t size = sizeof(Word) == 1 ? 0 : sizeof(Word) == 2 ? 1 : sizeof(Word) == 4 ? 2 : 3;
    return static_cast<std::uint32_t>(flags) | size;
}

template <class Word>
std::uint64_t futex_address(const Word& word) noexcept {
    return reinterpret_cast<std::uintptr_t>(__builtin_addressof(word));
}

// The kernel's struct futex_waitv. It alone reads them: as private members of a class they would be called unused.
struct futex_words {
    std::uint64_t value_;
    std::uint64_t address_;
    std::uint32_t flags_;
    std::uint32_t reserved_;
};

} // namespace detail

/// One futex of a futex_waitv, and the value that it is expected to have. Laid out as the kernel's struct futex_waitv.
class futex_waiter : detail::futex_words {
public:
    /// `word` is an integer of 32 bits, or an atomic one. (Kernels up to 7.3 refuse the other sizes.)
    template <detail::futex_word Word>
    futex_waiter(const Word& word, detail::futex_value_of<Word> expected,
                 futex_flag flags = futex_flag::shared) noexcept
        : detail::futex_words{expected, detail::futex_address(word), detail::futex_bits<Word>(flags), 0} {}
    template <detail::futex_word Word>
    futex_waiter(const Word&& word, detail::futex_value_of<Word> expected,
                 futex_flag flags = futex_flag::shared) = delete;
};

static_assert(sizeof(futex_waiter) == 24);

namespace detail {

template <class C>
concept holds_futex_waiters = requires(C& c) {
    static_cast<const futex_waiter*>(c.data());
    static_cast<std::size_t>(c.size());
};

} // namespace detail

/// How waiting for a futex ended.
enum class futex_wait_end : std::uint8_t {
    /// Somebody woke it.
    woken,
    /// It did not wait, because the word had another value already (EAGAIN).
    other_value,
};

/// How waiting for one of several futexes ended.
class futex_waitv_end {
public:
    static constexpr futex_waitv_end woken(std::uint32_t index) noexcept { return futex_waitv_end{index, true}; }
    static constexpr futex_waitv_end other_value() noexcept { return futex_waitv_end{0, false}; }

    /// Somebody woke one of them; else it did not wait, because a word had another value already (EAGAIN).
    constexpr bool was_woken() const noexcept { return woken_; }
    /// Which of them was woken; others may have been as well.
    constexpr std::uint32_t index() const noexcept {
        LIO_ASSERT(woken_, "none was woken: ask was_woken() first");
        return index_;
    }
    friend constexpr bool operator==(futex_waitv_end, futex_waitv_end) noexcept = default;

private:
    constexpr futex_waitv_end(std::uint32_t index, bool woken) noexcept : index_{index}, woken_{woken} {}

    std::uint32_t index_;
    bool woken_;
};

} // namespace lio::inline v0

namespace lio::inline v0::op {

/// What futex_wait and futex_wake share.
template <class Derived>
class futex_operation : public operation<Derived> {
public:
    /// Waiter and waker meet only if their masks have a bit in common. Without it all bits are set; 0 is EINVAL. As
    /// FUTEX_WAIT_BITSET and FUTEX_WAKE_BITSET of futex(2), but it must fit the word.
    constexpr Derived mask(std::uint64_t bits) const noexcept {
        Derived changed = this->self();
        changed.entry_.addr3 = bits;
        return changed;
    }

protected:
    template <class Word>
    futex_operation(const Word& word, std::uint64_t value, futex_flag flags) noexcept {
        this->entry_.fd = static_cast<std::int32_t>(lio::detail::futex_bits<Word>(flags)); // where the kernel has them
        this->entry_.addr = lio::detail::futex_address(word);
        this->entry_.addr2 = value;
        this->entry_.addr3 = static_cast<lio::detail::futex_value_of<Word>>(~std::uint64_t{0});
    }
};

/// Waits until somebody wakes the futex, provided that it has the expected value. futex(2), FUTEX_WAIT.
/// Result: futex_wait_end::woken, or futex_wait_end::other_value, for which the kernel says EAGAIN; ECANCELED when it
/// was cancelled.
/// Lifetimes: `word` until the completion.
/// Traps: the value is compared when the operation starts, which is after the push, not with it. A word that changes
/// without a wake is not noticed. A word of other than 32 bits is EINVAL up to Linux 7.3. Another value breaks a chain.
/// Since Linux 6.7.
class futex_wait : public futex_operation<futex_wait> {
public:
    static constexpr abi::opcode code = abi::opcode::futex_wait;
    static constexpr kernel_version since{6, 7};
    using result_type = futex_wait_end;

    static result<futex_wait_end> interpret(const cqe& done) noexcept {
        const auto plain = done.result();
        if (plain) return futex_wait_end::woken;
        const bool differs = lio::detail::failure_of(plain.error()) == lio::detail::failure::try_again;
        return differs ? result<futex_wait_end>{futex_wait_end::other_value} : plain.error();
    }

    /// `word` is an integer of 32 bits, or an atomic one.
    template <lio::detail::futex_word Word>
    futex_wait(const Word& word, lio::detail::futex_value_of<Word> expected,
               futex_flag flags = futex_flag::shared) noexcept
        : futex_operation{word, expected, flags} {}
    template <lio::detail::futex_word Word>
    futex_wait(const Word&& word, lio::detail::futex_value_of<Word> expected,
               futex_flag flags = futex_flag::shared) = delete;
};

/// Wakes those who wait for the futex, `count` of them at most, be they operations or threads. futex(2), FUTEX_WAKE.
/// Result: how many were woken.
/// Lifetimes: `word` until the operation has been submitted; its value does not matter, only where it lies.
/// Traps: nobody who comes later is woken: change the word first, in the way that the waiters expect. A word of other
/// than 32 bits is EINVAL up to Linux 7.3.
/// Since Linux 6.7.
class futex_wake : public futex_operation<futex_wake> {
public:
    static constexpr abi::opcode code = abi::opcode::futex_wake;
    static constexpr kernel_version since{6, 7};
    using result_type = std::uint32_t;

    /// As a count: all of them.
    static constexpr std::uint32_t all = 0x7fffffff;

    /// `word` is an integer of 32 bits, or an atomic one.
    template <lio::detail::futex_word Word>
    futex_wake(const Word& word, std::uint32_t count, futex_flag flags = futex_flag::shared) noexcept
        // To the kernel the number is signed, and with a negative one it would wake one waiter only.
        : futex_operation{word, count < all ? count : all, flags} {}
    template <lio::detail::futex_word Word>
    futex_wake(const Word&& word, std::uint32_t count, futex_flag flags = futex_flag::shared) = delete;
};

/// Waits until somebody wakes one of several futexes, provided that each has its expected value. futex_waitv(2).
/// Result: a futex_waitv_end: which of them was woken, or that one had another value, for which the kernel says EAGAIN;
/// ECANCELED when it was cancelled.
/// Lifetimes: the waiters until the operation has been submitted, the words that they name until the completion.
/// Traps: at least one and at most 128 of them, else EINVAL. The values are compared when the operation starts. When
/// several are woken at once it tells of one. Another value breaks a chain. A word of other than 32 bits is EINVAL up
/// to Linux 7.3.
/// Since Linux 6.7.
class futex_waitv : public operation<futex_waitv> {
public:
    static constexpr abi::opcode code = abi::opcode::futex_waitv;
    static constexpr kernel_version since{6, 7};
    using result_type = futex_waitv_end;

    static result<futex_waitv_end> interpret(const cqe& done) noexcept {
        const auto plain = done.result();
        if (plain) return futex_waitv_end::woken(static_cast<std::uint32_t>(*plain));
        const bool differs = lio::detail::failure_of(plain.error()) == lio::detail::failure::try_again;
        return differs ? result<futex_waitv_end>{futex_waitv_end::other_value()} : plain.error();
    }

    futex_waitv(const futex_waiter* first, std::size_t count) noexcept {
        entry_.addr = address(first);
        // What does not fit becomes a number that does, and that the kernel refuses just the same.
        entry_.len = count < too_many ? static_cast<std::uint32_t>(count) : too_many;
    }

    template <std::size_t n>
    explicit futex_waitv(const futex_waiter (&waiters)[n]) noexcept : futex_waitv{waiters, n} {}
    template <std::size_t n>
    explicit futex_waitv(const futex_waiter (&&waiters)[n]) = delete;

    /// A std::vector, std::array or std::span of them.
    template <class C>
        requires(lio::detail::holds_futex_waiters<std::remove_reference_t<C>> && lio::detail::borrows<C>)
    explicit futex_waitv(C&& waiters) noexcept : futex_waitv{waiters.data(), waiters.size()} {}
    template <class C>
        requires(lio::detail::holds_futex_waiters<std::remove_reference_t<C>> && !lio::detail::borrows<C>)
    explicit futex_waitv(C&& waiters) = delete;

private:
    static constexpr std::uint32_t too_many = 0xffffffff;
};

} // namespace lio::inline v0::op
