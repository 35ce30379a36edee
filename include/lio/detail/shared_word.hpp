// A number in memory that the kernel reads or writes at the same time as we do. Member names say the
// memory order; every use says which access of the kernel it pairs with. Built on the compiler's
// __atomic functions, because std::atomic may not be laid over memory that somebody else made.
#pragma once

#include <lio/detail/language.hpp>

#include <cstdint>

#if defined(__SANITIZE_THREAD__)
#define LIO_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LIO_THREAD_SANITIZER 1
#endif
#endif

#ifdef LIO_THREAD_SANITIZER
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#endif

namespace lio::inline v0::detail {

template <class T>
class shared_word {
public:
    shared_word() noexcept = default;
    constexpr explicit shared_word(T value) noexcept : value_{value} {}

    T load_acquire() const noexcept { return __atomic_load_n(&value_, __ATOMIC_ACQUIRE); }
    T load_relaxed() const noexcept { return __atomic_load_n(&value_, __ATOMIC_RELAXED); }
    void store_release(T value) noexcept { __atomic_store_n(&value_, value, __ATOMIC_RELEASE); }
    void store_relaxed(T value) noexcept { __atomic_store_n(&value_, value, __ATOMIC_RELAXED); }

private:
    T value_;
};

using shared_u32 = shared_word<std::uint32_t>;
using shared_u16 = shared_word<std::uint16_t>;
static_assert(sizeof(shared_u32) == 4 && sizeof(shared_u16) == 2);

// ThreadSanitizer does not see the kernel carry user_data from the submitter to the reaper, and would
// call memory that travels with it a race. These two give it the edge that the kernel makes.
inline void thread_sanitizer_release([[maybe_unused]] const void* ring) noexcept {
#ifdef LIO_THREAD_SANITIZER
    __tsan_release(const_cast<void*>(ring));
#endif
}
inline void thread_sanitizer_acquire([[maybe_unused]] const void* ring) noexcept {
#ifdef LIO_THREAD_SANITIZER
    __tsan_acquire(const_cast<void*>(ring));
#endif
}

} // namespace lio::inline v0::detail
