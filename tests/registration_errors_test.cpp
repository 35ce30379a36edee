// What registrations that fail say: the cause, and a sentence with the remedy. Limits are met as a user without
// privileges, in a child process.

#include "catch.hpp"

#include "support/files.hpp"
#include "support/footprint.hpp"
#include "support/skip.hpp"
#include "support/waiting.hpp"

#include <lio/buffer_ring.hpp>
#include <lio/memory_region.hpp>
#include <lio/registered_buffers.hpp>
#include <lio/registered_eventfd.hpp>
#include <lio/registered_files.hpp>
#include <lio/registered_waits.hpp>
#include <lio/ring.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace registration_errors_test {

namespace {

using namespace lio::test;
using lio::cause;
using lio::mutable_bytes;
using lio::registered_buffers;
using lio::registered_files;
using lio::ring;

bool says(lio::error problem, const char* words) { return std::strstr(problem.message(), words) != nullptr; }

// The limit on memory that may not move; with what the ring takes of it, a little is left.
void limit_locked_memory(std::size_t bytes) {
    const rlimit limit{bytes, bytes};
    if (::setrlimit(RLIMIT_MEMLOCK, &limit) != 0) ::_exit(3);
}

// What `body()`, a lio::error, gives in a child process of a user without privileges who may lock so much memory;
// ECHILD if there can be none.
template <class Body>
lio::error as_nobody(std::size_t locked_memory, Body body) {
    const pipe_ends pipe;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        lio::error answer{ECHILD};
        // As long as it can be raised; with the user, all capabilities go.
        limit_locked_memory(locked_memory);
        if (::setgid(65534) == 0 && ::setuid(65534) == 0) answer = body();
        const bool sent = ::write(pipe.writing(), &answer, sizeof answer) == sizeof answer;
        ::_exit(sent ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
    lio::error answer{ECHILD};
    REQUIRE(::read(pipe.reading(), &answer, sizeof answer) == sizeof answer);
    return answer;
}

template <class Result>
lio::error error_of(const Result& result) {
    return result ? lio::error{0} : result.error();
}

} // namespace

TEST_CASE("a user's limit on locked memory refuses buffers, memory and waits, and the error names it and the remedy") {
    if (::geteuid() != 0) LIO_SKIP("a child of another user: needs root");
    constexpr std::size_t much = 4 << 20;
    void* const memory = ::mmap(nullptr, much, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    // Of a huge page all counts, however little of it is registered. A kernel without them says EINVAL.
    static_cast<void>(::madvise(memory, much, MADV_NOHUGEPAGE));
    const auto limited = [&](auto attempt) {
        return as_nobody(1 << 20, [&] {
            auto made = ring::create({.entries = 4});
            if (!made) return made.error();
            return attempt(*made);
        });
    };
    const auto is_limit = [](lio::error problem) {
        INFO(problem.name() << ": " << problem.message());
        CHECK(problem == lio::error{ENOMEM, cause::register_call});
        CHECK(says(problem, "RLIMIT_MEMLOCK"));
        CHECK(says(problem, "raise it"));
    };
    const mutable_bytes all{memory, much};
    const auto buffers =
        limited([&](ring& ring) { return error_of(registered_buffers::create(ring, std::array{all})); });
    is_limit(buffers);
    const auto update = limited([&](ring& ring) {
        auto table = registered_buffers::create(ring, std::array{mutable_bytes{memory, 4096}});
        return table ? error_of(table->update(0, all)) : table.error();
    });
    if (update.code() == EINVAL)
        record_partial_skip("changing a table of buffers: since Linux 5.13");
    else
        is_limit(update);
    // What fits is taken, and afterwards as before.
    CHECK(limited([&](ring& ring) {
              if (auto bad = registered_buffers::create(ring, std::array{all}); bad) return lio::error{EEXIST};
              return error_of(registered_buffers::create(ring, std::array{mutable_bytes{memory, 4096}}));
          }).code() == 0);
    const auto region = limited([&](ring& ring) { return error_of(lio::memory_region::create(ring, all)); });
    if (region == lio::error{EINVAL, cause::region_refused}) {
        record_partial_skip("memory registered with a ring: since Linux 6.13");
    } else {
        is_limit(region);
        is_limit(limited([&](ring& ring) { return error_of(lio::memory_region::create(ring, much)); }));
        is_limit(limited([&](ring& ring) { return error_of(lio::registered_waits::create(ring, 100'000)); }));
    }
    ::munmap(memory, much);
}

TEST_CASE("memory that was registered is the user's to lock again when the ring has gone [hazard 18]", "[hazard 18]") {
    if (::geteuid() != 0) LIO_SKIP("a child of another user: needs root");
    {
        const ring made = ring::create({.entries = 4}).value();
        if (!lio::memory_region::create(made, 65536)) LIO_SKIP("memory registered with a ring: since Linux 6.13");
    }
    // Each time three quarters of the limit: one that stays makes the next fail for ever.
    const lio::error answer = as_nobody(4 << 20, [] {
        for (int round = 0; round < 6; ++round) {
            lio::error last{0};
            for (int attempt = 0; attempt < 1000; ++attempt) {
                const auto made = ring::create({.entries = 4});
                last = error_of(made);
                if (made) {
                    const auto region = lio::memory_region::create(*made, std::size_t{3} << 20);
                    last = error_of(region);
                    if (region) break;
                }
                ::usleep(10'000); // the kernel takes its time
            }
            if (last.code() != 0) return last;
        }
        return lio::error{0};
    });
    INFO(answer.name() << ": " << answer.message());
    CHECK(answer.code() == 0);
}

TEST_CASE("a limit on open files refuses a table of files, and the error names it") {
    ring made = ring::create({.entries = 4}).value();
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit tight{8, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
    const auto refused = registered_files::create(made, std::vector<int>(9, -1));
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == lio::error{EMFILE, cause::register_call});
    CHECK(says(refused.error(), "RLIMIT_NOFILE"));
}

TEST_CASE("what is registered already, is nothing, or is too much, is told as that") {
    ring made = ring::create({.entries = 4}).value();
    char bytes[64] = {};
    const std::array one{mutable_bytes{bytes}};
    const auto buffers = registered_buffers::create(made, one).value();
    const auto files = registered_files::create(made, std::array{0}).value();
    const int signal = ::eventfd(0, EFD_CLOEXEC);
    REQUIRE(signal >= 0);
    const auto told = lio::registered_eventfd::create(made, signal).value();
    const lio::error errors[] = {
        registered_buffers::create(made, one).error(),
        registered_files::create(made, std::array{0}).error(),
        lio::registered_eventfd::create(made, signal).error(),
    };
    for (const lio::error& one_error : errors) {
        CHECK(one_error == lio::error{EBUSY, cause::register_call});
        CHECK(says(one_error, "unregister it first"));
    }
    const lio::error nothing{EINVAL, cause::nothing_to_register};
    CHECK(registered_buffers::create(made, std::vector<mutable_bytes>{}).error() == nothing);
    CHECK(registered_files::create(made, std::vector<int>{}).error() == nothing);
    CHECK(says(nothing, "empty"));

    ring other = ring::create({.entries = 4}).value();
    const lio::error too_many{EINVAL, cause::too_many_to_register};
    CHECK(registered_buffers::create(other, std::vector<mutable_bytes>(40'000, one[0])).error() == too_many);
    CHECK(says(too_many, "register fewer"));
    const std::vector<mutable_bytes> list(16385, one[0]);
    CHECK(registered_buffers::create(other, list, std::vector<std::uint64_t>(list.size())).error() == too_many);
    CHECK(registered_buffers::create_empty(other, 16385).error() == too_many);
    CHECK(registered_files::create(other, std::array{other.file()}).error() == lio::error{EBADF, cause::register_call});
    CHECK(says(lio::error{EBADF, cause::register_call}, "a ring's own"));
    const lio::error no_eventfd = lio::registered_eventfd::create(other, 0).error();
    CHECK(no_eventfd == lio::error{EINVAL, cause::eventfd_refused});
    CHECK(says(no_eventfd, "no eventfd"));
    const lio::error too_long =
        registered_buffers::create(other, std::array{mutable_bytes{bytes, (1 << 30) + 1}}).error();
    CHECK(too_long == lio::error{EFAULT, cause::register_call});
    CHECK(says(too_long, "1 GiB"));
    ::close(signal);
}

} // namespace registration_errors_test
