// received_message: takes a buffer apart that a multishot recvmsg has filled, and trusts no number in it. Views that
// own nothing; any thread. Includes no <sys/socket.h>: addresses, levels, types and flags are the numbers of that
// header.
#pragma once

#include <lio/abi/operation_flags.hpp>
#include <lio/bytes.hpp>
#include <lio/detail/assert.hpp>
#include <lio/result.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0 {

/// One piece of control data; cmsg(3).
class control_message {
public:
    constexpr control_message(int level, int type, bytes data) noexcept : data_{data}, level_{level}, type_{type} {}

    /// SOL_SOCKET, IPPROTO_IP and the like.
    constexpr int level() const noexcept { return level_; }
    /// SCM_RIGHTS, IP_PKTINFO and the like; what it means depends on the level.
    constexpr int type() const noexcept { return type_; }
    /// Copy it out (memcpy), it may lie at any address. Cut short where there was no room for all of it.
    constexpr bytes data() const noexcept { return data_; }

private:
    bytes data_;
    int level_;
    int type_;
};

/// The pieces of control data in a run of bytes, to be iterated over. It ends at the first piece whose length cannot be
/// true.
class control_messages {
public:
    class iterator {
    public:
        constexpr iterator() noexcept = default;
        explicit iterator(bytes rest) noexcept : rest_{rest} { look(); }

        control_message operator*() const noexcept;
        iterator& operator++() noexcept {
            const std::size_t step = size_ + (0 - size_) % alignment;
            rest_ = step < rest_.size() ? bytes{rest_.data() + step, rest_.size() - step} : bytes{};
            look();
            return *this;
        }
        /// For loops; meaningful between an iterator and the end of its own range.
        friend constexpr bool operator==(const iterator& a, const iterator& b) noexcept {
            return a.rest_.size() == b.rest_.size();
        }

    private:
        void look() noexcept;

        bytes rest_;
        std::size_t size_ = 0;
    };

    constexpr control_messages() noexcept = default;
    explicit constexpr control_messages(bytes control) noexcept : control_{control} {}

    iterator begin() const noexcept { return iterator{control_}; }
    iterator end() const noexcept { return {}; }

private:
    // The kernel's struct cmsghdr: the size of all of it, two ints, and then the data. The next one begins at a
    // multiple of a long's size.
    static constexpr std::size_t alignment = sizeof(long);
    static constexpr std::size_t header_size = sizeof(std::size_t) + 2 * sizeof(int);
    static_assert(header_size % alignment == 0);

    bytes control_;
};

/// What op::recvmsg_multishot has put into a buffer. Every length is checked against the buffer before it is used.
class received_message {
public:
    /// `filled` is what is in use of the buffer, as buffer_ring::filled() gives it; `layout` the msghdr that the
    /// operation was submitted with, or one whose msg_namelen and msg_controllen are the same. Errors: EBADMSG with
    /// cause::malformed_message, the bytes are no such message.
    template <class Msghdr>
        requires requires(const Msghdr& layout) {
            layout.msg_namelen;
            layout.msg_controllen;
        }
    static result<received_message> read(bytes filled, const Msghdr& layout) noexcept {
        return read(filled, static_cast<std::size_t>(layout.msg_namelen),
                    static_cast<std::size_t>(layout.msg_controllen));
    }
    /// The same with the two sizes.
    static result<received_message> read(bytes filled, std::size_t name_room, std::size_t control_room) noexcept;

    /// The sender's address, a sockaddr; empty if there is none. Copy it out (memcpy), it may lie at any address.
    constexpr bytes name() const noexcept { return {first_ + header_size, name_size_}; }
    /// The address is longer than its room.
    constexpr bool name_truncated() const noexcept { return name_truncated_; }

    /// The control data as it came.
    constexpr bytes control() const noexcept { return {first_ + header_size + name_room_, control_size_}; }
    /// The same piece by piece.
    constexpr control_messages controls() const noexcept { return control_messages{control()}; }
    /// Some control data was lost for want of room (MSG_CTRUNC). Descriptors among it were closed.
    constexpr bool control_truncated() const noexcept { return (flags_ & msg_ctrunc) != 0; }

    /// The bytes that the sender sent, as far as the buffer had room for them.
    constexpr bytes payload() const noexcept { return {first_ + payload_offset_, payload_size_}; }
    /// There were more (MSG_TRUNC); they are lost.
    constexpr bool payload_truncated() const noexcept {
        return (flags_ & msg_trunc) != 0 || sent_size_ > payload_size_;
    }
    /// How many bytes the sender sent, if the operation had flags(MSG_TRUNC); else the payload's size.
    constexpr std::uint32_t sent_size() const noexcept { return sent_size_; }

    /// The message's flags: MSG_TRUNC, MSG_CTRUNC, MSG_EOR, MSG_OOB and others, as msghdr::msg_flags has them.
    constexpr int flags() const noexcept { return static_cast<int>(flags_); }

private:
    constexpr received_message() noexcept = default;

    static constexpr std::size_t header_size = sizeof(abi::recvmsg_out);
    // The same on every CPU.
    static constexpr std::uint32_t msg_ctrunc = 0x08;
    static constexpr std::uint32_t msg_trunc = 0x20;

    const std::byte* first_ = nullptr;
    std::size_t name_room_ = 0;
    std::size_t payload_offset_ = 0;
    std::size_t payload_size_ = 0;
    std::size_t control_size_ = 0;
    std::size_t name_size_ = 0;
    std::uint32_t sent_size_ = 0;
    std::uint32_t flags_ = 0;
    bool name_truncated_ = false;
};

} // namespace lio::inline v0
