// The reader of what a multishot recvmsg puts into a buffer, on buffers made by hand: true ones, and every kind of lie.
// The buffers are allocated at their exact size, so that a read outside shows under the address sanitizer. Needs no
// io_uring.

#include "catch.hpp"
#include "support/machine.hpp"

#include <lio/received_message.hpp>

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace received_message_test {

namespace {

using lio::received_message;

constexpr std::size_t header_size = 16;

/// A piece of memory that ends where it ends.
class exact {
public:
    explicit exact(std::size_t size) : memory_{new std::byte[size]}, size_{size} {
        std::memset(memory_.get(), 0, size);
    }
    exact(std::string_view text) : exact{text.size()} { std::memcpy(memory_.get(), text.data(), text.size()); }

    std::byte* data() const { return memory_.get(); }
    std::size_t size() const { return size_; }
    operator lio::bytes() const { return {memory_.get(), size_}; }
    template <class T>
    void put(std::size_t offset, T value) const {
        REQUIRE(offset + sizeof value <= size_);
        std::memcpy(memory_.get() + offset, &value, sizeof value);
    }

private:
    std::unique_ptr<std::byte[]> memory_;
    std::size_t size_;
};

struct lengths {
    std::uint32_t name = 0;
    std::uint32_t control = 0;
    std::uint32_t payload = 0;
    std::uint32_t flags = 0;
};

std::string header(const lengths& said) {
    const std::uint32_t fields[4] = {said.name, said.control, said.payload, said.flags};
    std::string text(sizeof fields, '\0');
    std::memcpy(text.data(), fields, sizeof fields);
    return text;
}

std::string_view text_of(lio::bytes memory) { return {reinterpret_cast<const char*>(memory.data()), memory.size()}; }

/// A piece of control data, as long as it says, without what follows it up to the next.
std::string control_piece(int level, int type, std::string_view data) {
    const std::size_t size = sizeof(std::size_t) + 2 * sizeof(int) + data.size();
    std::string text(sizeof size, '\0');
    std::memcpy(text.data(), &size, sizeof size);
    text.append(reinterpret_cast<const char*>(&level), sizeof level);
    text.append(reinterpret_cast<const char*>(&type), sizeof type);
    text += data;
    return text;
}

std::string padded(std::string text) {
    while (text.size() % sizeof(long) != 0) text += '\0';
    return text;
}

/// Every byte that the message shows lies in the buffer; and all of them are read. Their number.
std::size_t read_all(const received_message& message, lio::bytes buffer) {
    volatile unsigned sum = 0;
    std::size_t total = 0;
    const auto visit = [&](lio::bytes shown) {
        REQUIRE(shown.size() <= buffer.size());
        if (shown.size() == 0) return;
        REQUIRE(shown.data() >= buffer.data());
        REQUIRE(shown.data() + shown.size() <= buffer.data() + buffer.size());
        for (std::size_t i = 0; i < shown.size(); ++i) sum = sum + static_cast<unsigned>(shown.data()[i]);
        total += shown.size();
    };
    visit(message.name());
    visit(message.control());
    visit(message.payload());
    REQUIRE(total <= buffer.size());
    std::size_t pieces = 0;
    for (const lio::control_message& piece : message.controls()) {
        visit(piece.data());
        REQUIRE(++pieces <= buffer.size());
    }
    return total;
}

bool is_malformed(const lio::result<received_message>& read) {
    return !read && read.error().code() == EBADMSG && read.error().why() == lio::cause::malformed_message;
}

struct random_numbers {
    std::uint64_t state = 88172645463325252;
    std::uint64_t operator()() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
    }
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>((*this)() % bound); }
};

} // namespace

TEST_CASE("a message is taken apart into name, control data and payload", "[layout][received_message]") {
    const exact buffer{header({3, 5, 7, MSG_EOR}) + "ann.CONTR...payload"};
    msghdr layout{};
    layout.msg_namelen = 4;
    layout.msg_controllen = 8;
    const auto message = received_message::read(buffer, layout).value();
    CHECK(text_of(message.name()) == "ann");
    CHECK_FALSE(message.name_truncated());
    CHECK(text_of(message.control()) == "CONTR");
    CHECK_FALSE(message.control_truncated());
    CHECK(text_of(message.payload()) == "payload");
    CHECK_FALSE(message.payload_truncated());
    CHECK(message.sent_size() == 7);
    CHECK(message.flags() == MSG_EOR);

    const auto same = received_message::read(buffer, 4, 8).value();
    CHECK(text_of(same.payload()) == "payload");
}

TEST_CASE("a message without room for name and control data is all payload", "[layout][received_message]") {
    const exact buffer{header({0, 0, 5, 0}) + "bytes"};
    const auto message = received_message::read(buffer, msghdr{}).value();
    CHECK(message.name().size() == 0);
    CHECK(message.control().size() == 0);
    CHECK(text_of(message.payload()) == "bytes");

    const exact empty{header({})};
    const auto nothing = received_message::read(empty, 0, 0).value();
    CHECK(nothing.payload().size() == 0);
    CHECK_FALSE(nothing.payload_truncated());
    CHECK(nothing.controls().begin() == nothing.controls().end());
}

TEST_CASE("a message says what was cut short", "[layout][received_message][hazard 37]") {
    // The kernel gives the name's full length, whatever there was room for.
    const exact name{header({110, 0, 2, 0}) + "/run" + "ok"};
    const auto long_name = received_message::read(name, 4, 0).value();
    CHECK(text_of(long_name.name()) == "/run");
    CHECK(long_name.name_truncated());
    CHECK(text_of(long_name.payload()) == "ok");

    const exact control{header({0, 8, 2, MSG_CTRUNC}) + "CONTROLS" + "ok"};
    const auto lost_control = received_message::read(control, 0, 8).value();
    CHECK(lost_control.control_truncated());
    CHECK_FALSE(lost_control.payload_truncated());

    const exact flagged{header({0, 0, 4, MSG_TRUNC}) + "four"};
    const auto cut = received_message::read(flagged, 0, 0).value();
    CHECK(cut.payload_truncated());
    CHECK_FALSE(cut.control_truncated());
    CHECK(cut.sent_size() == 4);

    // With flags(MSG_TRUNC) the payload's length is the full one too.
    const exact sized{header({0, 0, 9000, MSG_TRUNC}) + "four"};
    const auto full = received_message::read(sized, 0, 0).value();
    CHECK(text_of(full.payload()) == "four");
    CHECK(full.sent_size() == 9000);
    CHECK(full.payload_truncated());
    const exact unflagged{header({0, 0, 5, 0}) + "four"};
    CHECK(received_message::read(unflagged, 0, 0).value().payload_truncated());
}

TEST_CASE("a buffer that was handed over whole shows no more than the message", "[layout][received_message]") {
    const exact buffer{header({0, 0, 4, 0}) + "four and what was in the buffer before"};
    CHECK(text_of(received_message::read(buffer, 0, 0).value().payload()) == "four");
}

TEST_CASE("a message may lie at any address", "[layout][received_message]") {
    const std::string text = header({4, 0, 4, 0}) + "name" + "data";
    for (std::size_t shift = 0; shift < 8; ++shift) {
        const exact buffer{std::string(shift, '-') + text};
        const auto message =
            received_message::read(lio::bytes{buffer.data() + shift, buffer.size() - shift}, 4, 0).value();
        CHECK(text_of(message.name()) == "name");
        CHECK(text_of(message.payload()) == "data");
    }
}

TEST_CASE("control data is iterated over piece by piece", "[layout][received_message]") {
    const std::string control =
        padded(control_piece(SOL_SOCKET, 1, "abc")) + padded(control_piece(7, -8, "")) + control_piece(-1, 2, "last!");
    for (const std::size_t shift : {0u, 1u, 3u, 4u}) {
        const exact memory{std::string(shift, '-') + control};
        std::vector<std::string> seen;
        for (const lio::control_message& piece :
             lio::control_messages{lio::bytes{memory.data() + shift, memory.size() - shift}})
            seen.push_back(std::to_string(piece.level()) + "/" + std::to_string(piece.type()) + ":" +
                           std::string{text_of(piece.data())});
        CHECK(seen == std::vector<std::string>{std::to_string(SOL_SOCKET) + "/1:abc", "7/-8:", "-1/2:last!"});
    }
    // As the C library sees it.
    const exact memory{padded(control_piece(SOL_SOCKET, SCM_RIGHTS, "4444")) + padded(control_piece(1, 2, "55555"))};
    msghdr header{};
    header.msg_control = memory.data();
    header.msg_controllen = memory.size();
    auto ours = lio::control_messages{memory}.begin();
    for (cmsghdr* theirs = CMSG_FIRSTHDR(&header); theirs != nullptr; theirs = CMSG_NXTHDR(&header, theirs), ++ours) {
        CHECK((*ours).level() == theirs->cmsg_level);
        CHECK((*ours).type() == theirs->cmsg_type);
        CHECK(static_cast<const void*>((*ours).data().data()) == CMSG_DATA(theirs));
        CHECK((*ours).data().size() == theirs->cmsg_len - CMSG_LEN(0));
    }
    CHECK(ours == lio::control_messages{memory}.end());
}

TEST_CASE("control data whose lengths cannot be true ends where they begin to lie",
          "[layout][received_message][hazard 37]") {
    constexpr std::size_t piece_header = sizeof(std::size_t) + 2 * sizeof(int);
    const std::string good = padded(control_piece(1, 2, "good"));
    const std::size_t highest = std::numeric_limits<std::size_t>::max();
    for (std::size_t rest = 0; rest < 3 * piece_header; ++rest)
        for (const std::size_t said :
             {std::size_t{0}, std::size_t{1}, piece_header - 1, piece_header, piece_header + 1, rest - 1, rest,
              rest + 1, rest + piece_header, highest / 2, highest - 16, highest - 7, highest - 1, highest}) {
            const exact memory{good.size() + rest};
            std::memcpy(memory.data(), good.data(), good.size());
            for (std::size_t i = 0; i < rest && i < sizeof said; ++i)
                memory.data()[good.size() + i] = reinterpret_cast<const std::byte*>(&said)[i];
            std::size_t pieces = 0;
            for (const lio::control_message& piece : lio::control_messages{memory}) {
                REQUIRE(piece.data().data() >= memory.data());
                REQUIRE(piece.data().size() <=
                        static_cast<std::size_t>(memory.data() + memory.size() - piece.data().data()));
                ++pieces;
            }
            const bool second_is_true = rest >= piece_header && said >= piece_header && said <= rest;
            INFO(rest << " bytes, of which " << said << " are claimed");
            CHECK(pieces == (second_is_true ? 2u : 1u));
        }
}

TEST_CASE("a buffer too small for its header, name or control data is refused",
          "[layout][received_message][hazard 37]") {
    for (std::size_t size = 0; size < header_size + 12 + 20; ++size) {
        INFO(size);
        CHECK(is_malformed(received_message::read(exact{size}, 12, 20)));
        CHECK(is_malformed(received_message::read(exact{size}, 0, 0)) == (size < header_size));
    }
    CHECK(received_message::read(exact{header_size + 12 + 20}, 12, 20));
    CHECK(is_malformed(received_message::read(lio::bytes{}, 0, 0)));
}

TEST_CASE("rooms whose sum overflows are refused", "[layout][received_message][hazard 37]") {
    const exact buffer{64};
    const std::size_t highest = std::numeric_limits<std::size_t>::max();
    const std::size_t rooms[] = {0, 1, 47, 48, 49, highest / 2, highest / 2 + 1, highest - 64, highest - 48,
                                 highest - 17, highest - 16, highest - 15, highest - 1, highest};
    for (const std::size_t name : rooms)
        for (const std::size_t control : rooms) {
            INFO(name << " and " << control);
            const bool fits = name <= 48 && control <= 48 - name;
            CHECK(is_malformed(received_message::read(buffer, name, control)) == !fits);
        }
}

TEST_CASE("no length in a header makes the reader look outside the buffer", "[layout][received_message][hazard 37]") {
    const std::uint32_t said[] = {0,          1,          7,          8,          9,          15,         16,
                                  17,         0x7fffffff, 0x80000000, 0x80000001, 0xfffffff0, 0xfffffff8, 0xffffffff};
    // Each eleventh where it takes half a minute: eleven divides none of the numbers of values, so all of them occur.
    const std::size_t step = lio::test::is_emulated() ? 11 : 1;
    std::size_t combination = 0, read_whole = 0;
    for (const std::size_t size : {16u, 17u, 24u, 31u, 32u, 33u, 40u, 48u, 64u})
        for (const std::size_t name_room : {0u, 1u, 8u, 16u})
            for (const std::size_t control_room : {0u, 1u, 8u, 16u})
                for (const std::uint32_t name : said)
                    for (const std::uint32_t control : said)
                        for (const std::uint32_t payload : said) {
                            if (++combination % step != 0) continue;
                            const exact buffer{size};
                            buffer.put(0, name);
                            buffer.put(4, control);
                            buffer.put(8, payload);
                            const auto read = received_message::read(buffer, name_room, control_room);
                            const bool fits =
                                size >= header_size + name_room + control_room && control <= control_room;
                            const std::size_t payload_room = size - header_size - name_room - control_room;
                            // One assertion for each of so many would take longer than all that they look at.
                            const bool is_right =
                                !fits
                                    ? is_malformed(read)
                                    : read && read->name().size() == (name < name_room ? name : name_room) &&
                                          read->name_truncated() == (name > name_room) &&
                                          read->control().size() == control &&
                                          read->payload().size() == (payload < payload_room ? payload : payload_room) &&
                                          read->payload_truncated() == (payload > payload_room);
                            if (!is_right)
                                FAIL(size << " bytes with room for " << name_room << " and " << control_room
                                          << " that say " << name << ", " << control << ", " << payload);
                            if (!fits) continue;
                            read_all(*read, buffer);
                            ++read_whole;
                        }
    CHECK(read_whole > 10'000 / step);
}

TEST_CASE("random bytes are read without looking outside of them", "[layout][received_message][hazard 37]") {
    random_numbers random;
    std::size_t accepted = 0;
    for (int i = 0; i < 20'000; ++i) {
        const exact buffer{random.below(160)};
        for (std::size_t at = 0; at < buffer.size(); ++at)
            buffer.data()[at] = static_cast<std::byte>(random.below(4) == 0 ? random() : random.below(24));
        // Most random lengths are far too large: some are made plausible, so that the reader gets further.
        if (buffer.size() >= header_size && random.below(4) != 0)
            for (std::size_t field = 0; field < 3; ++field)
                buffer.put(field * 4, static_cast<std::uint32_t>(random.below(buffer.size() + 8)));
        const auto read = received_message::read(buffer, random.below(40), random.below(80));
        if (!read) {
            REQUIRE(is_malformed(read));
            continue;
        }
        ++accepted;
        read_all(*read, buffer);
        // And as control data alone.
        for (const lio::control_message& piece : lio::control_messages{buffer})
            REQUIRE(piece.data().size() <= buffer.size());
    }
    CHECK(accepted > 1000); // else it has tested nothing
}

TEST_CASE("what is wrong with a malformed message is said", "[layout][received_message]") {
    const auto read = received_message::read(exact{3}, 0, 0);
    REQUIRE_FALSE(read);
    CHECK(std::string_view{read.error().name()} == "EBADMSG");
    CHECK(std::string_view{read.error().message()}.find("msg_namelen") != std::string_view::npos);
}

} // namespace received_message_test
