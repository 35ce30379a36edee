// What all benchmark programs share: arguments of the form name=value, a clock, and one line of JSON with what an
// operation costs. With clock=instructions it is the time-stamp counter that is read, which in an emulator that counts
// is the number of instructions: see count_all_instructions.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace bench {

[[noreturn]] inline void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}
inline void need(bool good, const char* what) {
    if (!good) fail(what);
}

class arguments {
public:
    arguments(int count, char** list) : count_{count}, list_{list} {}

    const char* text(const char* name, const char* otherwise) const {
        const std::size_t length = std::strlen(name);
        for (int i = 1; i < count_; ++i)
            if (std::strncmp(list_[i], name, length) == 0 && list_[i][length] == '=') return list_[i] + length + 1;
        return otherwise;
    }
    bool is(const char* name, const char* value) const { return std::strcmp(text(name, ""), value) == 0; }
    unsigned number(const char* name, unsigned otherwise) const {
        const char* const given = text(name, nullptr);
        return given == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(given, nullptr, 10));
    }

private:
    int count_;
    char** list_;
};

class stopwatch {
public:
    explicit stopwatch(const arguments& given) : counts_{given.is("clock", "instructions")}, began_{now()} {}
    void restart() { began_ = now(); }
    double elapsed() const { return static_cast<double>(now() - began_); }

private:
    std::uint64_t now() const {
#if defined(__x86_64__)
        if (counts_) return __builtin_ia32_rdtsc();
#endif
        timespec time;
        ::clock_gettime(CLOCK_MONOTONIC, &time);
        return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
    }

    bool counts_;
    std::uint64_t began_;
};

inline void report(double each) { std::printf("{\"each\": %.3f}\n", each); }

/// Runs `work(rounds)` once to warm up, for a tenth, and once measured; each round is `batch` operations.
template <class Work>
int measure(const arguments& given, unsigned rounds, unsigned batch, Work work) {
    need(work(rounds / 10 + 1), "warming up");
    stopwatch watch{given};
    need(work(rounds), "measuring");
    report(watch.elapsed() / rounds / batch);
    return 0;
}

/// A small generator of random numbers, the same for all peers.
class random_numbers {
public:
    std::uint32_t next() {
        state_ = state_ * 6364136223846793005U + 1442695040888963407U;
        return static_cast<std::uint32_t>(state_ >> 33);
    }

private:
    std::uint64_t state_ = 1;
};

} // namespace bench
