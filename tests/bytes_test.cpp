// Memory as operations take it: what converts to bytes and mutable_bytes and what does not, and the parts of
// registered buffers. No ring; any thread.

#include "catch.hpp"

#include <lio/bytes.hpp>
#include <lio/iovec_list.hpp>
#include <lio/registered_buffer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <sys/uio.h>

namespace bytes_test {

using lio::bytes;
using lio::mutable_bytes;

namespace {

struct point {
    int x;
    int y;
};

struct not_plain {
    std::string text;
};

// Elements of its own in the size of a view, as containers of a fixed capacity have them.
class two_words {
public:
    explicit two_words(char first) noexcept : elements_{first} {}
    char* data() noexcept { return elements_; }
    const char* data() const noexcept { return elements_; }
    std::size_t size() const noexcept { return sizeof elements_; }

private:
    char elements_[2 * sizeof(void*)];
};

template <class From>
constexpr bool to_bytes = std::is_convertible_v<From, bytes>;
template <class From>
constexpr bool to_mutable = std::is_convertible_v<From, mutable_bytes>;

// Arrays and containers that live.
static_assert(to_bytes<char (&)[4]> && to_mutable<char (&)[4]>);
static_assert(to_bytes<int (&)[4]> && to_mutable<int (&)[4]>);
static_assert(to_bytes<const point (&)[2]> && !to_mutable<const point (&)[2]>);
static_assert(to_bytes<std::string&> && to_mutable<std::string&>);
static_assert(to_bytes<const std::string&> && !to_mutable<const std::string&>);
static_assert(to_bytes<std::vector<point>&> && to_mutable<std::vector<point>&>);
static_assert(to_bytes<const std::vector<int>&> && !to_mutable<const std::vector<int>&>);
static_assert(to_bytes<std::array<char, 64>&> && to_mutable<std::array<char, 64>&>);
static_assert(to_bytes<std::array<const char, 64>&> && !to_mutable<std::array<const char, 64>&>);

// Views, which may be temporaries: what they show lives elsewhere.
static_assert(to_bytes<std::string_view> && !to_mutable<std::string_view>);
static_assert(to_bytes<std::span<char>> && to_mutable<std::span<char>>);
static_assert(to_bytes<std::span<const std::byte>> && !to_mutable<std::span<const std::byte>>);
static_assert(to_bytes<const std::span<int>&> && to_mutable<const std::span<int>&>);
static_assert(to_bytes<mutable_bytes> && !to_mutable<bytes>);

// Temporaries that own what they hold.
static_assert(!to_bytes<std::string> && !to_mutable<std::string>);
static_assert(!to_bytes<const std::string> && !to_mutable<const std::string>);
static_assert(!to_bytes<std::vector<char>> && !to_mutable<std::vector<char>>);
static_assert(!to_bytes<std::array<char, 3>> && !to_mutable<std::array<char, 3>>);
static_assert(!to_bytes<std::array<char, 64>> && !to_mutable<std::array<char, 64>>);
// The same where they are as large as a view.
using two_words_array = std::array<char, 2 * sizeof(void*)>;
using two_const_words_array = std::array<const char, 2 * sizeof(void*)>;
static_assert(!to_bytes<two_words_array> && !to_mutable<two_words_array> && !to_bytes<two_const_words_array>);
static_assert(to_bytes<two_words&> && !to_bytes<two_words> && !to_mutable<two_words>);
static_assert(sizeof(::iovec) == sizeof(std::span<::iovec>));
static_assert(std::is_convertible_v<std::array<::iovec, 1>&, lio::iovec_list>);
static_assert(!std::is_convertible_v<std::array<::iovec, 1>, lio::iovec_list>);

// A string literal, whose zero at the end would count.
static_assert(!to_bytes<const char (&)[4]> && !to_mutable<const char (&)[4]>);
static_assert(!to_bytes<const char8_t (&)[4]> && !to_mutable<const char8_t (&)[4]>);

// What is no run of plain memory.
static_assert(!to_bytes<std::vector<bool>&>);
static_assert(!to_bytes<std::vector<not_plain>&> && !to_mutable<std::vector<not_plain>&>);
static_assert(!to_bytes<not_plain (&)[2]> && !to_mutable<not_plain (&)[2]>);
static_assert(!to_bytes<const char*> && !to_mutable<char*>);
static_assert(!to_bytes<void*> && !to_bytes<std::nullptr_t> && !to_bytes<int>);
static_assert(!to_bytes<std::unique_ptr<char[]>&>);

// Two words that go by value.
static_assert(std::is_trivially_copyable_v<bytes> && sizeof(bytes) == 2 * sizeof(void*));
static_assert(std::is_trivially_copyable_v<mutable_bytes> && sizeof(mutable_bytes) == 2 * sizeof(void*));
static_assert(bytes{}.size() == 0 && mutable_bytes{}.size() == 0);

bool shows(bytes memory, const void* data, std::size_t size) {
    return memory.data() == data && memory.size() == size;
}
bool shows_writable(mutable_bytes memory, const void* data, std::size_t size) {
    return memory.data() == data && memory.size() == size;
}

} // namespace

TEST_CASE("bytes begin where the array does and are as many as it has, whatever its elements") {
    char characters[5];
    CHECK(shows(characters, characters, 5));
    CHECK(shows_writable(characters, characters, 5));
    std::uint32_t numbers[3];
    CHECK(shows(numbers, numbers, 12));
    CHECK(shows_writable(numbers, numbers, 12));
    const point points[2] = {};
    CHECK(shows(points, points, 2 * sizeof(point)));
}

TEST_CASE("bytes of a container are all of its elements") {
    std::string text = "some text";
    CHECK(shows(text, text.data(), 9));
    CHECK(shows_writable(text, text.data(), 9));
    std::vector<std::uint64_t> numbers(7);
    CHECK(shows(numbers, numbers.data(), 56));
    CHECK(shows_writable(numbers, numbers.data(), 56));
    std::array<std::uint16_t, 4> four{};
    CHECK(shows(four, four.data(), 8));
    CHECK(shows_writable(four, four.data(), 8));
    const std::vector<std::uint16_t> constant(3);
    CHECK(shows(constant, constant.data(), 6));
    std::vector<char> none;
    CHECK(shows(none, none.data(), 0));
}

TEST_CASE("bytes of a view are what it shows") {
    char memory[16];
    CHECK(shows(std::string_view{memory + 2, 3}, memory + 2, 3));
    CHECK(shows(std::span<char>{memory}.subspan(4), memory + 4, 12));
    CHECK(shows_writable(std::span<char>{memory}.subspan(4), memory + 4, 12));
    CHECK(shows(std::span<char, 16>{memory}.first(2), memory, 2));
    CHECK(shows(mutable_bytes{memory, 9}, memory, 9));
    using namespace std::string_view_literals;
    CHECK(bytes{"no zero"sv}.size() == 7);
}

TEST_CASE("bytes of a pointer are as many as it says") {
    int number = 0;
    CHECK(shows(bytes{&number, sizeof number}, &number, sizeof number));
    CHECK(shows_writable(mutable_bytes{&number, 2}, &number, 2));
    CHECK(shows(bytes{}, nullptr, 0));
}

TEST_CASE("a registered buffer is its number and its memory, and a part keeps the number") {
    char memory[64];
    const lio::registered_buffer whole{9, memory};
    CHECK(whole.index() == 9);
    CHECK(whole.size() == 64);
    CHECK(whole.memory().data() == static_cast<void*>(memory));
    const lio::registered_buffer part = whole.part(16, 8);
    CHECK(part.index() == 9);
    CHECK(part.size() == 8);
    CHECK(part.memory().data() == static_cast<void*>(memory + 16));
    CHECK(whole.part(0, 64).size() == 64);
    CHECK(whole.part(64, 0).size() == 0);
    CHECK(part.part(4, 4).memory().data() == static_cast<void*>(memory + 20));
}

TEST_CASE("a list of iovecs is where the array begins and how many there are") {
    ::iovec array[3];
    CHECK(lio::iovec_list{array}.data() == array);
    CHECK(lio::iovec_list{array}.count() == 3);
    const std::vector<::iovec> vector(5);
    CHECK(lio::iovec_list{vector}.data() == vector.data());
    CHECK(lio::iovec_list{vector}.count() == 5);
    CHECK(lio::iovec_list{std::span<::iovec>{array}.subspan(1)}.data() == array + 1);
    CHECK(lio::iovec_list{array, 2}.count() == 2);
    CHECK(lio::iovec_list{array, ~std::size_t{0}}.count() == 0xffffffff);
}

} // namespace bytes_test
