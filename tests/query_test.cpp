// Questions by number, without a ring.

#include "catch.hpp"
#include "support/skip.hpp"

#include <lio/abi/query.hpp>
#include <lio/abi/setup.hpp>
#include <lio/abilities.hpp>
#include <lio/query.hpp>

#include <cerrno>
#include <cstring>
#include <type_traits>

namespace query_test {

using lio::question;
namespace abi = lio::abi;

namespace {

constexpr const char* missing = "questions without a ring: since Linux 6.18";

bool is_there() {
    abi::query_opcode numbers;
    question about{abi::query_op_opcodes, numbers};
    const auto asked = lio::ask(about);
    if (!asked) REQUIRE(asked.error() == lio::error{EINVAL, lio::cause::query_missing});
    return asked.has_value();
}

static_assert(!std::is_constructible_v<question, std::uint32_t, const abi::query_scq&>);
static_assert(!std::is_constructible_v<question, std::uint32_t, abi::query_scq>,
              "a temporary is no place for an answer");

} // namespace

TEST_CASE("a question is answered by the kernel, as abilities() has it too [hazard 43]", "[hazard 43]") {
    if (!is_there()) LIO_SKIP(missing);
    abi::query_opcode numbers;
    question about{abi::query_op_opcodes, numbers};
    lio::ask(about).value();
    CHECK(about.answered().value() >= 40);
    CHECK(numbers.nr_request_opcodes > 60);
    CHECK((numbers.ring_setup_flags & abi::setup_no_sqarray) != 0);
    CHECK(std::memcmp(&numbers, &lio::abilities().numbers(), sizeof numbers) == 0);
    // It can be asked again.
    numbers = {};
    lio::ask(about).value();
    CHECK(numbers.nr_request_opcodes > 60);
}

TEST_CASE("several questions are asked at once, and one that the kernel does not know is no failure of the others") {
    if (!is_there()) LIO_SKIP(missing);
    abi::query_opcode first;
    abi::query_opcode last;
    struct {
        std::uint64_t words[4];
    } unknown{{1, 2, 3, 4}};
    question knows{abi::query_op_opcodes, first};
    question does_not{0x7fffffff, unknown};
    question knows_too{abi::query_op_opcodes, last};
    CHECK(knows.answered().error() == lio::error{EOPNOTSUPP, lio::cause::query_missing}); // nobody has asked
    lio::ask(knows, does_not, knows_too).value();
    CHECK(knows.answered());
    CHECK(does_not.answered().error() == lio::error{EOPNOTSUPP, lio::cause::query_missing});
    CHECK(knows_too.answered());
    CHECK(std::memcmp(&first, &last, sizeof first) == 0);
    CHECK(first.nr_request_opcodes > 60);
}

TEST_CASE("an answer fits the structure that there is for it, be it shorter or longer than the kernel's") {
    if (!is_there()) LIO_SKIP(missing);
    struct {
        std::uint32_t operations;
        std::uint32_t registrations;
    } shorter{};
    struct {
        abi::query_opcode known;
        std::uint64_t later[8];
    } longer;
    std::memset(static_cast<void*>(&longer), 0xff, sizeof longer);
    question few{abi::query_op_opcodes, shorter};
    question many{abi::query_op_opcodes, longer};
    lio::ask(few, many).value();
    CHECK(few.answered().value() == sizeof shorter);
    CHECK(shorter.operations > 60);
    CHECK(shorter.registrations > 35);
    CHECK(many.answered().value() < sizeof longer);
    CHECK(longer.known.nr_request_opcodes == shorter.operations);
    for (const auto word : longer.later) CHECK(word == 0);
}

} // namespace query_test
