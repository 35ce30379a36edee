// Receiving without a copy: a network card writes packets into memory that is registered for that. The operation and
// what its completions say; that memory is a zero_copy_receiver. Values that own nothing; any thread.
#pragma once

#include <lio/abi/operation_flags.hpp>
#include <lio/abi/zero_copy_receive.hpp>
#include <lio/completion.hpp>
#include <lio/cqe.hpp>
#include <lio/op/operation.hpp>

#include <cstdint>

namespace lio::inline v0 {

class zero_copy_receive_completion;

namespace op {

/// Receives from a TCP socket again and again into memory that is registered for zero-copy receive, one completion
/// for each run of bytes, until it fails, is cancelled or the peer ends its stream. recv(2).
/// Result: how many bytes came; 0 when the peer has ended its stream, or `limit` is reached. Where the bytes lie is
/// in the second half of the completion: done.as<op::recv_zc>().item().
/// Lifetimes: the registration until the last completion. The bytes are the program's until it gives them back
/// through the refill ring.
/// Traps: only on a ring with 32-byte completions (or mixed ones), setup::single_issuer and setup::deferred_taskrun;
/// EINVAL without them, or for a number that is not registered. No flags(). The last completion never carries bytes,
/// and a 0 at the limit looks like one at the end of the stream: count. It ends with ENOMEM when no memory is left to
/// receive into, and with ENOSPC when the completion queue is full; nothing is lost, submit it again.
/// EPROTONOSUPPORT: the socket is not TCP. What did not come through the registered queue of the card is copied, as
/// is everything where there is no card.
/// Since Linux 6.15.
class recv_zc : public operation<recv_zc> {
public:
    static constexpr abi::opcode code = abi::opcode::recv_zc;
    static constexpr kernel_version since{6, 15};
    static constexpr completes completions = completes::many;
    static constexpr bool large_completion = true;
    static constexpr bool zero_ends = true;
    using result_type = std::uint32_t;
    using completion_type = zero_copy_receive_completion;

    /// `instance` is the number that zero_copy_receiver::id() or zero_copy_import::id() gives. At most `limit` bytes in
    /// all, or without end if it is 0.
    constexpr recv_zc(descriptor socket, std::uint32_t instance, std::uint32_t limit = 0) noexcept {
        set_file(socket);
        entry_.ioprio = abi::recv_multishot; // there is no other form
        entry_.len = limit;
        entry_.zcrx_ifq_idx = instance;
    }

    /// Waits until the socket is ready before it tries at all; saves a vain try where waiting is the rule.
    constexpr recv_zc poll_first() const noexcept {
        recv_zc changed = *this;
        changed.entry_.ioprio |= abi::recvsend_poll_first;
        return changed;
    }
};

} // namespace op

/// Where in the registered memory a run of received bytes lies.
class zero_copy_bytes {
public:
    constexpr zero_copy_bytes(std::uint64_t location, std::uint32_t size) noexcept : location_{location}, size_{size} {}

    /// The number of the area.
    constexpr std::uint32_t area() const noexcept {
        return static_cast<std::uint32_t>((location_ & abi::zcrx_area_mask) >> abi::zcrx_area_shift);
    }
    /// In bytes from the start of the area.
    constexpr std::uint64_t offset() const noexcept { return location_ & ~abi::zcrx_area_mask; }
    constexpr std::uint32_t size() const noexcept { return size_; }

    /// The entry of the refill ring that gives the bytes back, once for each completion.
    constexpr abi::zcrx_rqe refill() const noexcept {
        abi::zcrx_rqe entry;
        entry.off = location_;
        entry.len = size_;
        return entry;
    }

private:
    std::uint64_t location_;
    std::uint32_t size_;
};

/// One completion of op::recv_zc: a multishot_completion whose item is a place in the registered memory. Made from
/// completions of 32 bytes.
class zero_copy_receive_completion : public multishot_completion<op::recv_zc> {
public:
    explicit constexpr zero_copy_receive_completion(const large_cqe& done) noexcept
        : multishot_completion{done}, location_{done.extra(0)} {}

    /// The bytes of this completion. There must be some.
    constexpr zero_copy_bytes item() const noexcept { return {location_, multishot_completion::item()}; }

private:
    std::uint64_t location_;
};

} // namespace lio::inline v0
