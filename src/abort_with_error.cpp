// The last words of a program that cannot go on: to standard error, then SIGABRT. Uses no C library.

#include "error_words.hpp"
#include "system.hpp"

#include <lio/detail/assert.hpp>
#include <lio/error.hpp>

namespace lio::inline v0::detail {

constinit error_words words{};

namespace {

// Collects one line, so that it reaches standard error in one piece.
class line {
public:
    [[gnu::noinline]] line& operator<<(const char* text) noexcept {
        for (; *text != '\0' && size_ < sizeof text_; ++text) text_[size_++] = *text;
        return *this;
    }
    [[gnu::noinline]] line& operator<<(int number) noexcept {
        char digits[12];
        char* first = digits + sizeof digits;
        *--first = '\0';
        auto left = static_cast<unsigned>(number);
        do {
            *--first = static_cast<char>('0' + left % 10);
            left /= 10;
        } while (left != 0);
        return *this << first;
    }
    [[noreturn, gnu::noinline]] void print_and_abort() noexcept {
        system::print(text_, size_);
        system::abort();
    }

private:
    char text_[1024];
    std::size_t size_ = 0;
};

} // namespace

void abort_with_error(error problem) noexcept {
    line last_words;
    last_words << "lio: value() of a result that is an error: ";
    if (words.name != nullptr)
        last_words << words.name(problem) << ": " << words.message(problem) << "\n";
    else
        last_words << "errno " << problem.code() << ", lio::cause " << static_cast<int>(problem.why()) << "\n";
    last_words.print_and_abort();
}

void assertion_failed(const char* sentence, const char* file, int line_number) noexcept {
    line last_words;
    last_words << "lio: " << file << ":" << line_number << ": " << sentence << "\n";
    last_words.print_and_abort();
}

} // namespace lio::inline v0::detail
