// The checks of received_message: no length is used before it was held against what is left of the buffer, and sums are
// made by subtraction from it, so that none can overflow. Any thread.

#include <lio/received_message.hpp>

#include <cerrno>

namespace lio::inline v0 {

result<received_message> received_message::read(bytes filled, std::size_t name_room,
                                                std::size_t control_room) noexcept {
    constexpr error malformed{EBADMSG, cause::malformed_message};
    std::size_t left = filled.size();
    if (left < header_size) return malformed;
    left -= header_size;
    if (left < name_room) return malformed;
    left -= name_room;
    if (left < control_room) return malformed;
    left -= control_room;

    // A buffer may lie at any address.
    abi::recvmsg_out header;
    __builtin_memcpy(&header, filled.data(), sizeof header);
    // The kernel says how long the name and the payload were before they were cut, but of control data what is there.
    if (header.controllen > control_room) return malformed;

    received_message message;
    message.first_ = filled.data();
    message.name_room_ = name_room;
    message.name_size_ = header.namelen < name_room ? header.namelen : name_room;
    message.name_truncated_ = header.namelen > name_room;
    message.control_size_ = header.controllen;
    message.payload_offset_ = filled.size() - left;
    message.payload_size_ = header.payloadlen < left ? header.payloadlen : left;
    message.sent_size_ = header.payloadlen;
    message.flags_ = header.flags;
    return message;
}

void control_messages::iterator::look() noexcept {
    size_ = 0;
    if (rest_.size() >= header_size) __builtin_memcpy(&size_, rest_.data(), sizeof size_);
    if (size_ < header_size || size_ > rest_.size()) {
        rest_ = {};
        size_ = 0;
    }
}

control_message control_messages::iterator::operator*() const noexcept {
    LIO_ASSERT(size_ >= header_size, "this is the end: there is no control message");
    int fields[2];
    __builtin_memcpy(fields, rest_.data() + sizeof(std::size_t), sizeof fields);
    return {fields[0], fields[1], bytes{rest_.data() + header_size, size_ - header_size}};
}

} // namespace lio::inline v0
