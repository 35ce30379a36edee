// What operations look like to the kernel: every row of the encoding table, whether the table is complete, and what
// modifiers do to an entry. The rows of a family stand in the family's test file. Single thread.

#include "catch.hpp"
#include "support/encoding.hpp"
#include "support/probe.hpp"
#include "support/rings.hpp"

#include <lio/abi/opcode.hpp>
#include <lio/cqe.hpp>
#include <lio/op/all.hpp>
#include <lio/ring.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include <sys/mman.h>

namespace encoding_test {

using lio::abi::opcode;
using lio::op::nop;
using lio::test::encoding_row;
using lio::test::encoding_rows;
using lio::test::expected_entry;
using lio::test::under_each_setup;

namespace {

using entry_bytes = std::vector<unsigned char>;

unsigned rows_of(unsigned number) {
    return static_cast<unsigned>(std::count_if(encoding_rows().begin(), encoding_rows().end(),
                                               [number](const encoding_row& row) { return row.opcode == number; }));
}

// Bytes in lines of eight, which is how the entry's layout is drawn.
std::string hex(const entry_bytes& bytes) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        text += i % 8 == 0 ? (i == 0 ? "" : "\n") : " ";
        text += digits[bytes[i] / 16];
        text += digits[bytes[i] % 16];
    }
    return text;
}

template <class Operation>
entry_bytes bytes_of(const Operation& operation) {
    entry_bytes bytes(sizeof operation.entry());
    std::memcpy(bytes.data(), &operation.entry(), bytes.size());
    return bytes;
}

template <class Operation>
std::uint8_t flags_of(const Operation& operation) {
    return bytes_of(operation)[1];
}

enum class step : std::uint8_t { first, last = 200 };
enum class signed_step : std::int32_t { before = -7 };

struct tag {
    std::uint16_t kind;
    std::uint16_t buffer;
    std::int32_t socket;
};

struct three_bytes {
    unsigned char values[3];
};

// An operation as a caller of the library may write one, to try what the families here do not have.
class many_times : public lio::op::operation<many_times> {
public:
    static constexpr opcode code = opcode::nop;
    static constexpr lio::completes completions = lio::completes::many;
    using result_type = void;

    constexpr many_times() noexcept { entry_.flags = lio::abi::sqe_buffer_select; }
};

class twice : public lio::op::operation<twice> {
public:
    static constexpr opcode code = opcode::nop;
    static constexpr lio::completes completions = lio::completes::once_and_notification;
    using result_type = void;
};

// Something in every byte that another operation could leave as it found it.
class all_ones : public lio::op::operation<all_ones> {
public:
    static constexpr opcode code = opcode::nop;
    using result_type = void;

    all_ones() noexcept {
        std::memset(static_cast<void*>(&entry_), 0xff, sizeof entry_);
        entry_.opcode = static_cast<std::uint8_t>(code);
        entry_.flags = lio::abi::sqe_io_drain | lio::abi::sqe_async;
    }
};

// The only slot of a ring of one entry, seen through a mapping of its own.
class mapped_slot {
public:
    explicit mapped_slot(const lio::ring& ring)
        : memory_{::mmap(nullptr, 64, PROT_READ, MAP_SHARED, ring.file(), 0x10000000)} {
        REQUIRE(memory_ != MAP_FAILED);
    }
    mapped_slot(const mapped_slot&) = delete;
    mapped_slot& operator=(const mapped_slot&) = delete;
    ~mapped_slot() { ::munmap(memory_, 64); }

    entry_bytes bytes() const {
        entry_bytes copy(64);
        std::memcpy(copy.data(), memory_, copy.size());
        return copy;
    }

private:
    void* memory_;
};

template <class Operation>
constexpr bool can_skip = requires(const Operation& operation) { operation.skip_success(); };

static_assert(can_skip<nop>);
static_assert(!can_skip<many_times>, "of a multishot operation only failures would be seen");
static_assert(!can_skip<twice>);
static_assert(!can_skip<lio::op::accept_multishot>);
static_assert(!can_skip<lio::op::recv_multishot>);
static_assert(!can_skip<lio::op::accept>, "nobody could close the descriptor");
static_assert(can_skip<lio::op::accept_direct>);

// The kernel would swallow the failures of these together with their successes.
static_assert(!can_skip<lio::op::fsync>);
static_assert(!can_skip<lio::op::statx>);
static_assert(!can_skip<lio::op::fallocate>);
static_assert(!can_skip<lio::op::ftruncate>);
static_assert(!can_skip<lio::op::unlinkat>);
static_assert(!can_skip<lio::op::renameat>);
static_assert(!can_skip<lio::op::mkdirat>);

template <class T>
constexpr bool fits_user_data = requires(const T& value) { nop().user_data(value); };

static_assert(fits_user_data<tag> && sizeof(tag) == 8);
struct with_padding {
    std::uint8_t kind;
    std::uint32_t value;
};
static_assert(!fits_user_data<with_padding>, "its padding is anything, and cancel compares all bits");
static_assert(!fits_user_data<char[6]>, "a literal's characters are not its address");
static_assert(!fits_user_data<std::array<char, 9>>, "nine bytes do not fit");
static_assert(!fits_user_data<std::string>, "what owns something does not travel as bytes");

// Entries are made at compile time where nothing is pointed to.
static_assert(nop().user_data(42).link().entry().user_data == 42);
static_assert(lio::op::fsync(3).datasync().entry().fd == 3);
static_assert(lio::op::close(lio::direct_descriptor{4}).entry().file_index == 5);

} // namespace

static const lio::test::encodings nop_rows{[](auto add) {
    add("nop", nop(), expected_entry{}.u8(0, 0).s32(4, -1));
    add("nop with every modifier but skip_success",
        nop().user_data(0x1122334455667788u).link().hard_link().drain().force_async().personality(0x99aa),
        expected_entry{}.u8(0, 0).u8(1, 0x1e).s32(4, -1).u64(32, 0x1122334455667788u).u16(42, 0x99aa));
    add("nop without a completion", nop().skip_success(), expected_entry{}.u8(0, 0).u8(1, 0x40).s32(4, -1));
}};

TEST_CASE("every operation is encoded as the kernel reads it, all its bytes", "[layout]") {
    REQUIRE_FALSE(encoding_rows().empty());
    for (const encoding_row& row : encoding_rows()) {
        INFO(row.what << "\nis\n" << hex(row.actual) << "\nand should be\n" << hex(row.expected));
        CHECK((row.actual == row.expected));
        CHECK(row.expected[0] == row.opcode);
    }
}

TEST_CASE("no two rows of the encoding table have the same name", "[layout]") {
    std::set<std::string> names;
    for (const encoding_row& row : encoding_rows()) {
        INFO(row.what);
        CHECK(names.insert(row.what).second);
    }
}

TEST_CASE("every operation has two rows or more in the encoding table", "[layout]") {
    for (unsigned number = 0; number < lio::abi::opcode_last; ++number) {
        INFO("operation " << number);
        CHECK(rows_of(number) >= 2);
    }
}

TEST_CASE("every operation of this kernel has a row in the encoding table") {
    unsigned supported = 0;
    for (unsigned number = 0; number < 255; ++number) {
        if (!lio::test::kernel_supports(static_cast<opcode>(number))) continue;
        ++supported;
        INFO("operation " << number);
        CHECK(rows_of(number) != 0);
    }
    if (supported == 0) LIO_SKIP("this kernel cannot be asked for its operations (since Linux 5.6)");
    CHECK(supported > 30);
}

TEST_CASE("user_data brings back numbers, negative ones too", "[layout]") {
    const auto there_and_back = [](auto value) {
        const lio::cqe done{lio::abi::cqe{nop().user_data(value).entry().user_data, 0, 0}};
        INFO("user_data " << done.user_data());
        CHECK(done.user_data_as<decltype(value)>() == value);
        return done.user_data();
    };
    CHECK(there_and_back(0) == 0);
    CHECK(there_and_back(42) == 42);
    CHECK(there_and_back(-1) == ~std::uint64_t{0});
    CHECK(there_and_back(static_cast<std::int8_t>(-128)) == ~std::uint64_t{0} - 127);
    CHECK(there_and_back(std::numeric_limits<std::int64_t>::min()) == std::uint64_t{1} << 63);
    CHECK(there_and_back(std::numeric_limits<std::uint64_t>::max()) == ~std::uint64_t{0});
    CHECK(there_and_back(std::numeric_limits<std::uint32_t>::max()) == 0xffffffff);
    CHECK(there_and_back('x') == 'x');
    CHECK(there_and_back(true) == 1);
}

TEST_CASE("user_data brings back enumerations and pointers", "[layout]") {
    const auto as_completion = [](auto value) {
        return lio::cqe{lio::abi::cqe{nop().user_data(value).entry().user_data, 0, 0}};
    };
    CHECK((as_completion(step::last).user_data_as<step>() == step::last));
    CHECK(as_completion(step::last).user_data() == 200);
    CHECK((as_completion(signed_step::before).user_data_as<signed_step>() == signed_step::before));
    int target = 0;
    CHECK(as_completion(&target).user_data_as<int*>() == &target);
    CHECK(as_completion(&target).user_data() == reinterpret_cast<std::uintptr_t>(&target));
    CHECK(as_completion(static_cast<const void*>(nullptr)).user_data_as<const void*>() == nullptr);
}

TEST_CASE("user_data brings back structures of up to eight bytes", "[layout]") {
    const tag sent{7, 0xfffe, -5};
    const lio::cqe done{lio::abi::cqe{nop().user_data(sent).entry().user_data, 0, 0}};
    const tag back = done.user_data_as<tag>();
    CHECK(back.kind == 7);
    CHECK(back.buffer == 0xfffe);
    CHECK(back.socket == -5);

    const lio::cqe small{lio::abi::cqe{nop().user_data(three_bytes{{1, 2, 255}}).entry().user_data, 0, 0}};
    CHECK(small.user_data_as<three_bytes>().values[0] == 1);
    CHECK(small.user_data_as<three_bytes>().values[2] == 255);
}

TEST_CASE("user_data of every kind comes back through a ring") {
    under_each_setup([](lio::ring& ring) {
        int target = 0;
        CHECK(lio::test::complete(ring, nop().user_data(-3)).user_data_as<int>() == -3);
        CHECK((lio::test::complete(ring, nop().user_data(step::last)).user_data_as<step>() == step::last));
        CHECK(lio::test::complete(ring, nop().user_data(&target)).user_data_as<int*>() == &target);
        CHECK(lio::test::complete(ring, nop().user_data(tag{1, 2, -3})).user_data_as<tag>().socket == -3);
    });
}

TEST_CASE("each modifier sets its own bit and keeps those of the others", "[layout]") {
    CHECK(flags_of(nop()) == 0);
    CHECK(flags_of(nop().drain()) == 0x02);
    CHECK(flags_of(nop().link()) == 0x04);
    CHECK(flags_of(nop().hard_link()) == 0x08);
    CHECK(flags_of(nop().force_async()) == 0x10);
    CHECK(flags_of(nop().skip_success()) == 0x40);
    CHECK(flags_of(nop().link().drain().link()) == 0x06);
    CHECK(nop().personality(0xffff).entry().personality == 0xffff);
    CHECK(nop().personality(1).personality(2).entry().personality == 2);
    CHECK(nop().user_data(1).user_data(2).entry().user_data == 2);
}

TEST_CASE("a modifier leaves the operation that it is called on as it was", "[layout]") {
    const nop plain;
    static_cast<void>(plain.link().user_data(5).personality(3));
    CHECK((bytes_of(plain) == bytes_of(nop())));
}

TEST_CASE("modifiers keep the flags that the operation set itself [hazard 29]", "[layout][hazard 29]") {
    CHECK(flags_of(many_times()) == 0x20);
    CHECK(flags_of(many_times().link()) == 0x24);
    CHECK(flags_of(many_times().hard_link().drain().force_async()) == 0x3a);
    CHECK(flags_of(twice().link()) == 0x04);

    char memory[8] = {};
    const lio::direct_descriptor slot{3};
    CHECK(flags_of(lio::op::read(slot, memory, 0)) == 0x01);
    CHECK(flags_of(lio::op::read(slot, memory, 0).link().force_async()) == 0x15);
    CHECK(flags_of(lio::op::read(slot, memory, 0).flags(lio::rw_flag::sync).io_priority(5).drain()) == 0x03);
}

TEST_CASE("an operation that modifiers changed says so in its type", "[layout]") {
    CHECK((std::is_same_v<decltype(nop().link().user_data(1)), nop>));
    CHECK((std::is_same_v<decltype(lio::op::fsync(1).datasync().drain()), lio::op::fsync>));
}

TEST_CASE("nothing remains in a slot of the operation that was in it before [hazard 29]", "[hazard 29]") {
    under_each_setup(
        [](lio::ring& ring) {
            const mapped_slot slot{ring};
            const auto plain = nop().user_data(6);
            for (int round = 0; round < 2; ++round) {
                // A completion can be there before a kernel thread has freed the only slot.
                ring.wait_for_room().value();
                // The kernel refuses it; what matters is what it leaves behind.
                CHECK_FALSE(lio::test::complete(ring, all_ones()).result());
                REQUIRE((slot.bytes() == bytes_of(all_ones())));

                ring.wait_for_room().value();
                if (round == 0)
                    ring.push(plain).value();
                else
                    CHECK(ring.reserve(1).value().push(plain));
                INFO("round " << round << ", the slot is\n" << hex(slot.bytes()));
                CHECK((slot.bytes() == bytes_of(plain)));

                ring.submit_and_wait(1).value();
                const lio::cqe done = ring.next().value();
                CHECK(done.user_data() == 6);
                CHECK(done.result().value() == 0);
            }
        },
        1);
}

} // namespace encoding_test
