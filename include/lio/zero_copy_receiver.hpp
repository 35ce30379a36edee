// zero_copy_receiver: memory that a network card writes packets into, and the refill ring that gives it back. On the
// ring's thread.
#pragma once

#include <lio/abi/zero_copy_receive.hpp>
#include <lio/bytes.hpp>
#include <lio/cqe.hpp>
#include <lio/detail/assert.hpp>
#include <lio/detail/refill_ring.hpp>
#include <lio/detail/ring_core.hpp>
#include <lio/op/recv_zc.hpp>
#include <lio/owned_descriptor.hpp>
#include <lio/result.hpp>
#include <lio/zero_copy_area.hpp>
#include <lio/zero_copy_event.hpp>
#include <lio/zero_copy_lease.hpp>

#include <cstddef>
#include <cstdint>

namespace lio::inline v0 {

/// The arguments of zero_copy_receiver::create.
struct zero_copy_options {
    /// The network interface, as if_nametoindex(3) numbers it, in the program's network namespace.
    std::uint32_t interface = 0;
    /// Its receive queue, from 0 on, which receives nothing else from then on: the program steers its connections there
    /// (ethtool -N, with a smaller -X). The card must split headers from data (ethtool -G, tcp-data-split on).
    std::uint32_t queue = 0;
    /// No card: everything is copied into the area. For programs that shall run anywhere, and for tests. Since
    /// Linux 7.1.
    bool without_device = false;
    /// The memory.
    zero_copy_area area = {};
    /// How many completions' memory can be on its way back or lent: 1 to 32768, rounded up to a power of two.
    std::uint32_t refill_entries = 4096;
    /// The size of one buffer: a power of two, a page at least, if the card can do that. 0: a page. Since Linux 7.0.
    std::uint32_t buffer_length = 0;
    /// What shall be reported, once each until it is armed again, by a completion on this ring. Since Linux 7.2.
    zero_copy_event events = zero_copy_event::none;
    /// What such a completion carries.
    std::uint64_t event_user_data = 0;
    /// Whether the kernel counts what it copies. Since Linux 7.2.
    bool statistics = false;
};

namespace detail {

/// Where a run of bytes lies takes completions of 32 bytes: one of the rings in <lio/large_ring.hpp>.
template <class Ring>
concept takes_zero_copy = requires(Ring& ring, const op::recv_zc& operation) {
    ring.push(operation);
};

} // namespace detail

/// What op::recv_zc receives into: a queue of a network card, memory, and the refill ring by which the program gives
/// memory back.
///     auto receiver = lio::zero_copy_receiver::create(ring, {.interface = 3, .queue = 1,
///                                                            .area = lio::zero_copy_area::fresh(64 << 20)}).value();
///     ring.push(lio::op::recv_zc(socket, receiver.id())).value();
///     ...
///     if (const auto bytes = receiver.lease(done).value()) use(bytes.memory()); // goes back at the end of its scope
///
/// Owns the memory, not the registration: the kernel has no call that takes it back. It, and with it the card's queue,
/// is free again when the ring is closed, and every ring and descriptor that shares it. Either may go first; what was
/// received can be looked at for as long as this is there, and without it what comes is lost.
class zero_copy_receiver {
public:
    /// Maps what memory is needed, then registers it. `ring` has completions of 32 bytes (another type does not
    /// compile) and setup::deferred_taskrun, as it has unless it was asked for other options. Errors: EPERM, the
    /// program lacks CAP_NET_ADMIN; ENODEV, there is no such interface; ERANGE, it has no such queue, or the buffers
    /// are too large for the memory; EEXIST, EBUSY, the queue is in use; EOPNOTSUPP, the driver or kernel cannot do it;
    /// EINVAL, the ring or the memory does not suit, or the kernel is older than an option; EFAULT, the memory is not
    /// the program's; ENOMEM. Nothing is left behind then. io_uring_register(2). Since Linux 6.15.
    template <detail::takes_zero_copy Ring>
    static result<zero_copy_receiver> create(const Ring& ring, const zero_copy_options& options) noexcept {
        return create(ring.core(), options);
    }

    zero_copy_receiver(zero_copy_receiver&& other) noexcept { take(other); }
    zero_copy_receiver& operator=(zero_copy_receiver&& other) noexcept;
    ~zero_copy_receiver() { end(); }

    /// What op::recv_zc names it by, on the ring that it was made for.
    std::uint32_t id() const noexcept { return id_; }
    /// The size of one buffer, in bytes: where one of them ends, so does a completion's run. 0 where the kernel does
    /// not say (before Linux 7.0): it is a page.
    std::uint32_t buffer_length() const noexcept { return buffer_length_; }
    /// As options.refill_entries, rounded up.
    std::uint32_t refill_entries() const noexcept { return refill_.size(); }

    /// The bytes of a completion of op::recv_zc, on this ring or one that shares this. None if it brought none, or if
    /// they would not lie within the memory: then it is another receiver's, or the area is one that another ring has
    /// added. They are the program's until they are given back.
    mutable_bytes filled(const large_cqe& done) const noexcept {
        if (!carries_bytes(done)) return {};
        const zero_copy_bytes where = done.as<op::recv_zc>().item();
        const area* const of = find(where);
        if (of == nullptr || of->data == nullptr) return {};
        return {of->data + where.offset(), where.size()};
    }

    /// The same as a handle that gives them back: instead of filled() and give_back(). Once for each completion; an
    /// empty one for those that brought nothing. Errors: ENOBUFS, so many are lent, or on their way back, as the refill
    /// ring has places: flush() or destroy some, then try again, the completion is still good; EINVAL, the bytes do not
    /// lie within the memory.
    result<zero_copy_lease> lease(const large_cqe& done) noexcept;

    /// Gives the memory of a completion back; once. Does nothing for one that brought none. The kernel takes it when
    /// the card needs memory, or with flush(). Errors: those of lease(); then it is still the program's.
    result<void> give_back(const large_cqe& done) noexcept {
        const auto added = add(done);
        if (added) refill_.publish();
        return added;
    }

    /// Has the kernel take back what was given back, now; where there is no card, nothing else does.
    /// Errors: EINVAL, a kernel before 6.19; EEXIST, not on the ring's thread; EBADF, the ring is closed.
    /// io_uring_register(2). Since Linux 6.19.
    result<void> flush() noexcept;

    /// More memory, of the same kind; its number in zero_copy_bytes::area(). Errors: as with create(), and E2BIG, there
    /// are 1024 areas. Since Linux 7.3.
    result<std::uint32_t> add_area(const zero_copy_area& memory) noexcept;

    /// A descriptor that makes zero_copy_import on another ring, also of another process: close-on-exec, and as long as
    /// it is open the registration stays. Errors: EINVAL, a kernel before 6.19; EMFILE; ENFILE. Since Linux 6.19.
    result<owned_descriptor> export_file() noexcept;

    /// The event that this completion reports; zero_copy_event::none if it is none of those that were asked for. It is
    /// told by its user_data alone: give nothing else the same.
    zero_copy_event event(const cqe& done) const noexcept {
        if (events_ == zero_copy_event::none || done.user_data() != event_user_data_ || done.raw_result() < 0 ||
            done.raw_result() > 31)
            return zero_copy_event::none;
        return static_cast<zero_copy_event>(std::uint32_t{1} << done.raw_result()) & events_;
    }

    /// Has this event, one that was reported, reported again when it happens next. Errors: EINVAL, it was not asked
    /// for, or not reported yet. Since Linux 7.2.
    result<void> arm(zero_copy_event event) noexcept;

    /// What was copied until now; no system call. The two numbers need not be of the same moment. Errors: EINVAL,
    /// options.statistics was not set.
    result<zero_copy_statistics> statistics() const noexcept;

private:
    friend class zero_copy_lease;
    friend class zero_copy_returns;

    // `data` is null where the program cannot look; `mapped` is what the library has mapped itself.
    struct area {
        std::byte* data;
        std::size_t size;
        std::size_t mapped;
    };

    zero_copy_receiver() noexcept = default;
    static result<zero_copy_receiver> create(detail::ring_core* core, const zero_copy_options& options) noexcept;
    static result<area> prepare(const zero_copy_area& memory, abi::zcrx_area_reg& registration) noexcept;
    static void drop(const area& memory) noexcept;
    result<void> control(abi::zcrx_ctrl& request) noexcept;
    void take(zero_copy_receiver& other) noexcept;
    void end() noexcept;

    // The last completion of a receive carries none, and an event's number is no size.
    static bool carries_bytes(const large_cqe& done) noexcept {
        return done.as<op::recv_zc>().event() == multishot_event::item;
    }
    const area* find(zero_copy_bytes where) const noexcept {
        if (where.area() >= area_count_) return nullptr;
        const area& of = areas_[where.area()];
        return where.offset() <= of.size && where.size() <= of.size - where.offset() ? &of : nullptr;
    }
    result<const area*> reserve(zero_copy_bytes where) noexcept;
    result<void> add(const large_cqe& done) noexcept;

    detail::core_reference core_;
    detail::refill_ring refill_;
    /// One mapping: what the refill ring lies in, then the table of the areas.
    void* mapped_ = nullptr;
    std::size_t mapped_size_ = 0;
    area* areas_ = nullptr;
    std::uint32_t area_count_ = 0;
    std::uint32_t id_ = 0;
    std::uint32_t buffer_length_ = 0;
    zero_copy_event events_ = zero_copy_event::none;
    std::uint64_t event_user_data_ = 0;
    /// Null where nothing is counted.
    const abi::zcrx_stats* statistics_ = nullptr;
    std::int32_t process_ = 0;
};

/// Memory to be given back together: the kernel sees it when this is destroyed, by one store. Nothing else may be given
/// back to the same zero_copy_receiver meanwhile but by leases.
class zero_copy_returns {
public:
    explicit zero_copy_returns(zero_copy_receiver& receiver) noexcept : receiver_{receiver} {}
    zero_copy_returns(const zero_copy_returns&) = delete;
    zero_copy_returns& operator=(const zero_copy_returns&) = delete;
    ~zero_copy_returns() {
        if (receiver_.refill_.size() != 0) receiver_.refill_.publish();
    }

    /// As zero_copy_receiver::give_back().
    result<void> add(const large_cqe& done) noexcept { return receiver_.add(done); }

private:
    friend class zero_copy_lease;
    zero_copy_receiver& receiver_;
};

inline void zero_copy_lease::give_back() noexcept {
    if (receiver_ == nullptr) return;
    receiver_->refill_.put(where_.refill());
    receiver_->refill_.publish();
    forget();
}

inline void zero_copy_lease::give_back([[maybe_unused]] zero_copy_returns& returns) noexcept {
    LIO_ASSERT(receiver_ == nullptr || receiver_ == &returns.receiver_, "this memory is another zero_copy_receiver's");
    if (receiver_ == nullptr) return;
    receiver_->refill_.put(where_.refill());
    forget();
}

} // namespace lio::inline v0
