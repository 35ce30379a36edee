// result and error: a value or an errno with its cause, what can be done with either, and the sentences that errors
// come with. No ring; any thread.

#include "catch.hpp"

#include <lio/error.hpp>
#include <lio/error_code.hpp>
#include <lio/result.hpp>

#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace result_test {

using lio::cause;
using lio::error;
using lio::result;

namespace {

// How many of them there are, and how often one was moved.
struct counted {
    static inline int alive = 0;
    static inline int moves = 0;
    int number;

    explicit counted(int n) noexcept : number{n} { ++alive; }
    counted(counted&& other) noexcept : number{std::exchange(other.number, -1)} {
        ++alive;
        ++moves;
    }
    counted& operator=(counted&& other) = delete;
    ~counted() { --alive; }
};

result<counted> make_counted(bool fail) {
    if (fail) return error{EIO};
    return counted{7};
}

static_assert(std::is_trivially_copyable_v<result<int>>, "it is returned in registers");
static_assert(std::is_trivially_copyable_v<result<void>>);
static_assert(std::is_trivially_copyable_v<error> && sizeof(error) == 8);
static_assert(!std::is_copy_constructible_v<result<std::unique_ptr<int>>>);
static_assert(std::is_nothrow_move_constructible_v<result<std::unique_ptr<int>>>);
static_assert(!std::is_default_constructible_v<result<int>>);
static_assert(std::is_same_v<result<long>::value_type, long> && std::is_same_v<result<long>::error_type, error>);
static_assert(!std::is_convertible_v<result<int>, bool>, "0 and failure are not to be confused");

// In constant expressions too.
constexpr result<int> halved(int number) {
    if (number % 2 != 0) return error{EINVAL};
    return number / 2;
}
static_assert(halved(8).value() == 4);
static_assert(!halved(7));
static_assert(halved(7).error().code() == EINVAL);
static_assert(halved(7).value_or(-1) == -1);
static_assert(halved(8).and_then(halved).and_then(halved).value() == 1);
static_assert(halved(4).transform([](int number) { return number * 10L; }).value() == 20L);
static_assert(result<void>{}.has_value());

constexpr cause call_kinds[] = {cause::operation, cause::setup_call,  cause::enter_call,  cause::register_call,
                                cause::map_call,  cause::cancel_call, cause::message_call};

bool is_call_kind(cause why) {
    for (const cause kind : call_kinds)
        if (kind == why) return true;
    return false;
}

std::vector<cause> all_causes() {
    std::vector<cause> all;
    for (std::uint32_t number = 0; number < static_cast<std::uint32_t>(cause::count); ++number)
        all.push_back(static_cast<cause>(number));
    return all;
}

} // namespace

TEST_CASE("a result with a value has the value and no error") {
    result<int> made = 42;
    CHECK(made.has_value());
    CHECK(made);
    CHECK(made.value() == 42);
    CHECK(*made == 42);
    made.value() = 43;
    CHECK(std::as_const(made).value() == 43);
    CHECK(std::move(made).value() == 43);
    CHECK(made.value_or(-1) == 43);
    CHECK(result<int>{0}.has_value());

    struct pair {
        int a;
        int b;
    };
    const result<pair> structure = pair{1, 2};
    CHECK(structure->a == 1);
    CHECK((*structure).b == 2);
}

TEST_CASE("a result with an error has the error and no value") {
    const result<int> failed = error{EBUSY, cause::enter_call};
    CHECK_FALSE(failed.has_value());
    CHECK_FALSE(failed);
    CHECK(failed.error().code() == EBUSY);
    CHECK(failed.error().why() == cause::enter_call);
    CHECK(failed.value_or(-1) == -1);
}

TEST_CASE("a result without a value is success or an error") {
    const result<void> good;
    CHECK(good);
    good.value();
    const result<void> bad = error{ENOENT};
    CHECK_FALSE(bad);
    CHECK(bad.error() == error{ENOENT});

    int calls = 0;
    const auto step = [&calls]() -> result<int> {
        ++calls;
        return calls;
    };
    CHECK(good.and_then(step).value() == 1);
    CHECK(bad.and_then(step).error() == error{ENOENT});
    CHECK(calls == 1);
}

TEST_CASE("and_then and transform go on with a value and pass an error on") {
    int calls = 0;
    const auto next = [&calls](int number) -> result<std::string> {
        ++calls;
        if (number < 0) return error{ERANGE};
        return std::to_string(number);
    };
    CHECK(result<int>{5}.and_then(next).value() == "5");
    CHECK(result<int>{-5}.and_then(next).error() == error{ERANGE});
    CHECK(calls == 2);
    CHECK(result<int>{error{EIO}}.and_then(next).error() == error{EIO});
    CHECK(calls == 2);

    const auto twice = [&calls](int number) {
        ++calls;
        return number * 2.0;
    };
    CHECK(result<int>{4}.transform(twice).value() == 8.0);
    CHECK(calls == 3);
    CHECK(result<int>{error{EIO, cause::map_call}}.transform(twice).error() == error{EIO, cause::map_call});
    CHECK(calls == 3);
}

TEST_CASE("values that can only be moved go in and out of a result") {
    result<std::unique_ptr<int>> made = std::make_unique<int>(5);
    REQUIRE(made);
    CHECK(**made == 5);
    result<std::unique_ptr<int>> moved = std::move(made);
    const std::unique_ptr<int> out = std::move(moved).value();
    CHECK(*out == 5);

    const auto widened =
        result<std::unique_ptr<int>>{std::make_unique<int>(6)}.transform([](std::unique_ptr<int> p) { return *p + 1; });
    CHECK(widened.value() == 7);
    result<std::unique_ptr<int>> failed = error{EIO};
    CHECK(std::move(failed).value_or(nullptr) == nullptr);
    CHECK(*result<std::unique_ptr<int>>{std::make_unique<int>(8)}.value_or(nullptr) == 8);
}

TEST_CASE("the value of a result is destroyed exactly once, and an error destroys nothing") {
    counted::alive = 0;
    {
        const result<counted> made = make_counted(false);
        CHECK(counted::alive == 1);
        CHECK(made->number == 7);
    }
    CHECK(counted::alive == 0);
    {
        const result<counted> failed = make_counted(true);
        CHECK(counted::alive == 0);
        CHECK(failed.error().code() == EIO);
    }
    CHECK(counted::alive == 0);
    {
        result<counted> first = make_counted(false);
        result<counted> second = std::move(first);
        CHECK(counted::alive == 2); // what was moved from is still an object
        CHECK(second->number == 7);
        CHECK(first->number == -1);
        const counted out = std::move(second).value();
        CHECK(out.number == 7);
        CHECK(counted::alive == 3);
    }
    CHECK(counted::alive == 0);
}

TEST_CASE("assigning to a result destroys what it had and takes over what the other has") {
    counted::alive = 0;
    {
        result<counted> target = counted{1};
        target = result<counted>{counted{2}};
        CHECK(target->number == 2);
        CHECK(counted::alive == 1);
        target = make_counted(true);
        CHECK(target.error().code() == EIO);
        CHECK(counted::alive == 0);
        target = result<counted>{counted{3}};
        CHECK(target->number == 3);
        CHECK(counted::alive == 1);
        result<counted>& itself = target;
        const int moves = counted::moves;
        target = std::move(itself);
        CHECK(counted::moves == moves);
        CHECK(target->number == 3);
        CHECK(counted::alive == 1);
    }
    CHECK(counted::alive == 0);

    result<int> number = error{EIO};
    number = 5;
    CHECK(number.value() == 5);
    number = error{EAGAIN};
    CHECK(number.error().code() == EAGAIN);
}

TEST_CASE("value() of an error throws system_error with the errno and the sentence") {
#if defined(__cpp_exceptions)
    const error problem{EPERM, cause::setup_call};
    const auto thrown_by = [](auto take) -> std::system_error {
        try {
            take();
        } catch (const std::system_error& caught) {
            return caught;
        }
        FAIL("nothing was thrown");
        throw 0;
    };
    const auto check = [&problem](const std::system_error& caught) {
        CHECK(caught.code().value() == EPERM);
        CHECK(caught.code() == std::errc::operation_not_permitted);
        CHECK(caught.code().category() == std::system_category());
        CHECK(std::string{caught.what()}.find(problem.message()) != std::string::npos);
    };
    result<int> failed = problem;
    check(thrown_by([&] { static_cast<void>(failed.value()); }));
    check(thrown_by([&] { static_cast<void>(std::as_const(failed).value()); }));
    check(thrown_by([&] { static_cast<void>(std::move(failed).value()); }));
    const result<void> nothing = problem;
    check(thrown_by([&] { nothing.value(); }));
    result<std::unique_ptr<int>> owner = problem;
    check(thrown_by([&] { static_cast<void>(owner.value()); }));
#else
    LIO_SKIP("this program has no exceptions: value() of an error aborts");
#endif
}

TEST_CASE("an error becomes an error_code of the system's category", "[error]") {
    const std::error_code code = lio::to_error_code(error{ENOENT, cause::setup_call});
    CHECK(code.value() == ENOENT);
    CHECK(code.category() == std::system_category());
    CHECK(code == std::errc::no_such_file_or_directory);
}

TEST_CASE("errors are equal when the errno and the cause are", "[error]") {
    CHECK(error{EIO} == error{EIO, cause::operation});
    CHECK(error{EIO} != error{EPERM});
    CHECK(error{EIO} != error{EIO, cause::map_call});
}

TEST_CASE("an error has the name of its errno, whatever the cause", "[error]") {
    for (const cause why : all_causes()) CHECK(std::string{error{EBUSY, why}.name()} == "EBUSY");
    CHECK(std::string{error{12345}.name()} == "E?");
    CHECK(std::string{error{-EBUSY}.name()} == "E?");
}

TEST_CASE("the same errno has another sentence for another cause", "[error]") {
    for (const std::int32_t code : {EPERM, EINVAL, ENOMEM, EFAULT, EBADF, EBUSY, EAGAIN}) {
        std::set<std::string> sentences;
        // Calls that have no sentence of their own for this errno say what the errno means.
        const std::string plain = error{code}.message();
        sentences.insert(plain);
        for (const cause why : call_kinds) {
            const std::string sentence = error{code, why}.message();
            INFO(error{code}.name() << ": " << sentence);
            if (sentence != plain) CHECK(sentences.insert(sentence).second);
        }
        CHECK(sentences.size() >= 2);
    }
    CHECK(std::string{error{EPERM, cause::setup_call}.message()}.find("io_uring_disabled") != std::string::npos);
    CHECK(std::string{error{EPERM}.message()}.find("io_uring_disabled") == std::string::npos);
}

TEST_CASE("every cause that is not a kind of call has a sentence of its own", "[error]") {
    std::set<std::string> sentences;
    for (const cause why : all_causes()) {
        if (is_call_kind(why)) continue;
        const std::string sentence = error{EINVAL, why}.message();
        INFO("cause " << static_cast<unsigned>(why) << ": " << sentence);
        CHECK(sentence != error{EINVAL}.message());
        CHECK(sentence == error{EOVERFLOW, why}.message());
        CHECK(sentence.size() > 20);
        CHECK(std::islower(static_cast<unsigned char>(sentence.front())) != 0);
        CHECK(sentence.back() != '.');
        CHECK(sentences.insert(sentence).second);
    }
    CHECK(sentences.size() == static_cast<std::size_t>(cause::count) - std::size(call_kinds));
}

TEST_CASE("the errnos that setting a ring up is known for say what to do", "[error]") {
    for (const std::int32_t code : {EPERM, EACCES, ENOSYS, EOPNOTSUPP, ENOMEM, EMFILE, ENFILE, EINVAL}) {
        const std::string sentence = error{code, cause::setup_call}.message();
        INFO(error{code}.name() << ": " << sentence);
        CHECK(sentence != error{code}.message());
        CHECK(sentence.size() > 60);
    }
}

} // namespace result_test
