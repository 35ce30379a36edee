// The names and meanings of errnos, held against what libc calls them. Reaches the private table through
// src/; the behaviour of lio::error itself is tested elsewhere. Single thread.

#include "catch.hpp"

#include "errno_table.hpp"

#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <set>
#include <string>
#include <vector>

namespace errno_table_test {

// strerrorname_np is an extension of glibc 2.32; musl has nothing like it.
#if defined(__GLIBC__) && (__GLIBC__ > 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ >= 32)) && defined(_GNU_SOURCE)
#define LIO_LIBC_NAMES_ERRNOS 1
#else
#define LIO_LIBC_NAMES_ERRNOS 0
#endif

namespace {

using lio::detail::errno_description;
using lio::detail::errno_name;

// 2000: mips has EDQUOT at 1133.
std::vector<std::int32_t> known_codes() {
    std::vector<std::int32_t> codes;
    for (std::int32_t code = 0; code < 2000; ++code)
        if (std::strcmp(errno_name(code), "E?") != 0) codes.push_back(code);
    return codes;
}

} // namespace

TEST_CASE("every errno has the name that libc gives it, and no number has another", "[error]") {
#if LIO_LIBC_NAMES_ERRNOS
    for (std::int32_t code = 1; code < 2000; ++code) {
        // A newer libc may know numbers that came later.
        if (code > EHWPOISON && std::strcmp(errno_name(code), "E?") == 0) continue;
        // glibc leaves out powerpc's second deadlock number; the case on errnos with two names has it.
        if (code == EDEADLOCK && code != EDEADLK) continue;
        const char* expected = strerrorname_np(code);
        INFO("errno " << code);
        CHECK(std::string{errno_name(code)} == (expected ? expected : "E?"));
    }
#else
    LIO_SKIP("this libc cannot name an errno: strerrorname_np is in glibc from 2.32 on");
#endif
}

TEST_CASE("the errnos that a ring meets are known by name on every libc", "[error]") {
    CHECK(std::string{errno_name(EPERM)} == "EPERM");
    CHECK(std::string{errno_name(EAGAIN)} == "EAGAIN");
    CHECK(std::string{errno_name(EBUSY)} == "EBUSY");
    CHECK(std::string{errno_name(EBADFD)} == "EBADFD");
    CHECK(std::string{errno_name(ETIME)} == "ETIME");
    CHECK(std::string{errno_name(ENOBUFS)} == "ENOBUFS");
    CHECK(std::string{errno_name(ECANCELED)} == "ECANCELED");
    CHECK(std::string{errno_name(EOWNERDEAD)} == "EOWNERDEAD");
    CHECK(std::string{errno_name(EDQUOT)} == "EDQUOT");
    CHECK(std::string{errno_name(ERFKILL)} == "ERFKILL");
    CHECK(std::string{errno_name(EHWPOISON)} == "EHWPOISON");
    CHECK(known_codes().size() >= 131);
}

TEST_CASE("an errno with two names answers with the usual one", "[error]") {
    CHECK(std::string{errno_name(EWOULDBLOCK)} == "EAGAIN");
    CHECK(std::string{errno_name(ENOTSUP)} == (ENOTSUP == EOPNOTSUPP ? "EOPNOTSUPP" : "ENOTSUP"));
    CHECK(std::string{errno_name(EDEADLK)} == "EDEADLK");
    CHECK(std::string{errno_name(EDEADLOCK)} == (EDEADLOCK == EDEADLK ? "EDEADLK" : "EDEADLOCK"));
}

TEST_CASE("an errno's description is the one of its name", "[error]") {
    CHECK(std::string{errno_description(EPERM)} == "this is not allowed without more privileges");
    CHECK(std::string{errno_description(ENOENT)} == "there is no such file or directory");
    CHECK(std::string{errno_description(ECANCELED)} == "the operation was cancelled before it was done");
    CHECK(std::string{errno_description(EHWPOISON)} == "the memory here has a hardware fault");
}

TEST_CASE("every known errno has a description of its own, in lower case and without a full stop", "[error]") {
    std::set<std::string> seen{errno_description(0)};
    for (const std::int32_t code : known_codes()) {
        const std::string text = errno_description(code);
        INFO(errno_name(code) << ": " << text);
        REQUIRE(text.size() > 10);
        CHECK(std::islower(static_cast<unsigned char>(text.front())) != 0);
        CHECK(std::islower(static_cast<unsigned char>(text.back())) != 0);
        CHECK(seen.insert(text).second);
    }
}

TEST_CASE("a number that is no errno has a name and a description all the same", "[error]") {
    // EHWPOISON is the last one on every CPU but mips. The numbers from 512 on are the kernel's own and never leave it.
    const std::int32_t codes[] = {0,
                                  -1,
                                  -EBUSY,
                                  EHWPOISON + 1,
                                  512,
                                  5000,
                                  65536 + EBUSY,
                                  std::numeric_limits<std::int32_t>::max(),
                                  std::numeric_limits<std::int32_t>::min()};
    for (const std::int32_t code : codes) {
        INFO("number " << code);
        CHECK(std::string{errno_name(code)} == "E?");
        CHECK(std::string{errno_description(code)} == "this error number is not a known one");
    }
}

} // namespace errno_table_test
