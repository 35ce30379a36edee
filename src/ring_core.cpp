// Enabling, registering with, counting and closing a ring. Nothing here is on the hot path.

#include "core_memory.hpp"
#include "ring_core.hpp"
#include "ring_mapping.hpp"

#include <lio/detail/buffer_list.hpp>

#include <cerrno>

namespace lio::inline v0::detail {

error ring_is_closed() noexcept { return error{EBADF, cause::ring_closed}; }

int file_of(const ring_core* core) noexcept { return core != nullptr ? core->file : -1; }
setup flags_of(const ring_core* core) noexcept { return core != nullptr ? core->flags : setup::none; }
std::uint32_t features_of(const ring_core* core) noexcept { return core != nullptr ? core->features : 0; }

[[gnu::noinline]] bool ring_core::belongs_to_another_thread() const noexcept {
    return owner_thread != 0 && owner_thread != system::thread_id();
}

// The same for a ring that is named by its registered number.
static abi::register_opcode by_registered_ring(abi::register_opcode opcode) noexcept {
    return static_cast<abi::register_opcode>(static_cast<std::uint32_t>(opcode) | abi::register_use_registered_ring);
}

result<std::uint32_t> register_with(ring_core& core, abi::register_opcode opcode, const void* argument,
                                    std::uint32_t count) noexcept {
    if (!core.is_open()) return ring_is_closed();
    if (core.is_only_registered && core.belongs_to_another_thread()) return error{EEXIST, cause::wrong_thread};
    const int file = core.is_only_registered ? core.enter_file : core.file;
    const auto answer =
        system::register_call(file, core.is_only_registered ? by_registered_ring(opcode) : opcode, argument, count);
    // A ring of one thread takes registrations from that thread only; one that is no thread's yet, from any.
    if (!answer && answer.error().code() == EEXIST && core.belongs_to_another_thread())
        return error{EEXIST, cause::wrong_thread};
    return answer;
}

result<void> unregister(core_reference& core, abi::register_opcode opcode, const void* argument,
                        std::uint32_t count) noexcept {
    if (core.get() == nullptr) return {};
    if (core.get()->is_open() && core.get()->process == system::process_id()) {
        const auto done = register_with(*core.get(), opcode, argument, count);
        if (!done) return done.error();
    }
    core = core_reference{};
    return {};
}

result<void> enable(ring_core& core) noexcept {
    const auto enabled = register_with(core, abi::register_opcode::register_enable_rings, nullptr, 0);
    if (!enabled) return enabled.error();
    core.enables_itself = false;
    if (has(core.flags, setup::single_issuer)) core.owner_thread = system::thread_id();
    // On another thread the number is no ring, or another one. So only a ring has one that the kernel refuses there
    // anyway, and none that rewinds: such a ring takes what lies in its first slots, old or not, also for one that was
    // meant.
    if (core.is_only_registered || !has(core.flags, setup::deferred_taskrun) || has(core.flags, setup::rewind) ||
        !arch::has_thread_identity())
        return {};

    // A registered descriptor saves the kernel the look-up on every enter. Kernels before 5.18 have none, and
    // a thread may have 16: then the plain descriptor does.
    abi::rsrc_update slot{};
    slot.offset = 0xffffffff; // the kernel chooses
    slot.data = static_cast<std::uint32_t>(core.file);
    const auto registered = register_with(core, abi::register_opcode::register_ring_fds, &slot, 1);
    if (registered && *registered == 1) {
        core.owner = arch::thread_identity();
        core.enter_file = static_cast<int>(slot.offset);
        core.enter_flags = abi::enter_registered_ring;
        core.is_registered = true;
    }
    return {};
}

void keep_until_closed(ring_core& core, buffer_list& list) noexcept {
    list.next_kept = __atomic_load_n(&core.kept, __ATOMIC_RELAXED);
    // Release: whoever closes the ring sees what is in it.
    while (
        !__atomic_compare_exchange_n(&core.kept, &list.next_kept, &list, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
    }
}

static void let_kept_go(ring_core& core) noexcept {
    // Pairs with the release above.
    buffer_list* next = __atomic_exchange_n(&core.kept, nullptr, __ATOMIC_ACQUIRE);
    while (next != nullptr) {
        buffer_list& one = *next;
        next = one.next_kept;
        one.detach();
        one.leave_it();
    }
}

result<void> drop_registered_ring(int number) noexcept {
    abi::rsrc_update slot{};
    slot.offset = static_cast<std::uint32_t>(number);
    const auto dropped =
        system::register_call(number, by_registered_ring(abi::register_opcode::unregister_ring_fds), &slot, 1);
    if (!dropped) return dropped.error();
    return {};
}

static result<void> close_ring(ring_core& core) noexcept {
    const bool is_forked_copy = system::process_id() != core.process;
    if (core.is_registered && !is_forked_copy && !core.belongs_to_another_thread()) {
        // Else the thread would hold the ring open until it ends. On another thread that cannot be helped.
        abi::rsrc_update slot{};
        slot.offset = static_cast<std::uint32_t>(core.enter_file);
        static_cast<void>(register_with(core, abi::register_opcode::unregister_ring_fds, &slot, 1));
    }
    // In a forked child the mappings were not inherited: something else may be at their addresses.
    if (!is_forked_copy && !core.is_in_borrowed_memory) unmap_ring(core.rings);
    const int file = core.file;
    core.file = -1;
    core.enter_file = -1;
    core.enter_flags = 0;
    core.is_registered = false;
    const auto closed = file < 0 ? result<void>{} : system::close(file);
    // A forked child has not inherited it.
    if (!is_forked_copy) let_kept_go(core);
    return closed;
}

static void drop_reference(ring_core& core) noexcept {
    // Whoever drops the last one must see what the others did before.
    if (__atomic_sub_fetch(&core.references, 1, __ATOMIC_ACQ_REL) == 0) give_back_core_memory(&core);
}

result<void> close_handle(ring_core& core) noexcept {
    result<void> closed;
    // The last handle closes; it must see what the other's thread did before it let go.
    if (__atomic_sub_fetch(&core.handles, 1, __ATOMIC_ACQ_REL) == 0) closed = close_ring(core);
    drop_reference(core);
    return closed;
}

core_reference::core_reference(ring_core& core) noexcept : core_{&core} {
    __atomic_add_fetch(&core.references, 1, __ATOMIC_RELAXED);
}

core_reference& core_reference::operator=(core_reference&& other) noexcept {
    if (this != &other) {
        if (core_ != nullptr) drop_reference(*core_);
        core_ = other.core_;
        other.core_ = nullptr;
    }
    return *this;
}

core_reference::~core_reference() {
    if (core_ != nullptr) drop_reference(*core_);
}

} // namespace lio::inline v0::detail
