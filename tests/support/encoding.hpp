// The table of encodings: for each row an operation and the 64 bytes that the kernel's interface wants for it,
// put together here without the library's structures. Test code.
#pragma once

#include <lio/op/operation.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace lio::test {

/// 64 bytes, or 128 where a longer entry is expected, zero but for what is set, in the machine's byte order.
class expected_entry {
public:
    explicit expected_entry(std::size_t size = 64) : bytes_(size) {}
    expected_entry& u8(std::size_t offset, std::uint8_t value) { return put(offset, value); }
    expected_entry& u16(std::size_t offset, std::uint16_t value) { return put(offset, value); }
    expected_entry& s32(std::size_t offset, std::int32_t value) { return put(offset, value); }
    expected_entry& u32(std::size_t offset, std::uint32_t value) { return put(offset, value); }
    expected_entry& u64(std::size_t offset, std::uint64_t value) { return put(offset, value); }
    expected_entry& pointer(std::size_t offset, const void* value) {
        return put(offset, static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(value)));
    }
    const std::vector<unsigned char>& bytes() const { return bytes_; }

private:
    template <class T>
    expected_entry& put(std::size_t offset, T value) {
        std::memcpy(bytes_.data() + offset, &value, sizeof value);
        return *this;
    }
    std::vector<unsigned char> bytes_;
};

struct encoding_row {
    std::string what;
    std::uint8_t opcode;
    std::vector<unsigned char> actual;
    std::vector<unsigned char> expected;
};

/// All rows that were added.
std::vector<encoding_row>& encoding_rows();

/// Adds rows at start-up: a family's test file has `static const encodings rows{[](auto add) { add("a read",
/// op::read(...), expected_entry{}.u8(0, 22)...); ... }};`. Offset 0 holds the opcode, 1 the flags, 2 ioprio,
/// 4 fd, 8 off, 16 addr, 24 len, 28 the operation's flags, 32 user_data, 40 buf_index, 42 personality,
/// 44 file_index, 48 addr3.
class encodings {
public:
    template <class Fill>
    explicit encodings(Fill fill) {
        fill([](std::string what, const auto& operation, const expected_entry& expected) {
            using operation_type = std::remove_cvref_t<decltype(operation)>;
            encoding_row row{std::move(what), static_cast<std::uint8_t>(operation_type::code), {}, expected.bytes()};
            row.actual.resize(sizeof operation.entry());
            std::memcpy(row.actual.data(), &operation.entry(), row.actual.size());
            encoding_rows().push_back(std::move(row));
        });
    }
};

} // namespace lio::test
