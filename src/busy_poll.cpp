// Registering busy polling of network devices. On the ring's thread.

#include "ring_core.hpp"

#include <lio/busy_poll.hpp>

#include <cerrno>

namespace lio::inline v0 {

namespace {

// Registers, and returns what was registered before.
result<busy_poll_options> set(detail::ring_core& core, const busy_poll_options& options) noexcept {
    abi::napi request;
    request.busy_poll_to = options.microseconds;
    request.prefer_busy_poll = options.prefer ? 1 : 0;
    request.opcode = abi::napi_register_op;
    request.op_param = static_cast<std::uint32_t>(options.tracking);
    const auto done = detail::register_with(core, abi::register_opcode::register_napi, &request, 1);
    if (done)
        return busy_poll_options{request.busy_poll_to, request.prefer_busy_poll != 0,
                                 static_cast<busy_poll_tracking>(request.op_param)};
    switch (done.error().code()) {
    case EINVAL:
        return error{EINVAL, core.is_iopoll ? cause::busy_poll_on_polled_ring : cause::busy_poll_missing};
    case EOPNOTSUPP:
        return error{EOPNOTSUPP, cause::busy_poll_missing};
    default:
        return done.error();
    }
}

} // namespace

result<busy_poll> busy_poll::create(detail::ring_core* core, const busy_poll_options& options) noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    // The kernel would let a second one replace the first, and either end both. Two handles may be here at once.
    if (__atomic_exchange_n(&core->has_busy_poll, 1u, __ATOMIC_RELAXED) != 0) return error{EBUSY, cause::register_call};
    const auto done = set(*core, options);
    if (!done) {
        __atomic_store_n(&core->has_busy_poll, 0u, __ATOMIC_RELAXED);
        return done.error();
    }
    return busy_poll{detail::core_reference{*core}};
}

busy_poll& busy_poll::operator=(busy_poll&& other) noexcept {
    if (this != &other) {
        static_cast<void>(close());
        core_ = static_cast<detail::core_reference&&>(other.core_);
    }
    return *this;
}

busy_poll::~busy_poll() { static_cast<void>(close()); }

result<busy_poll_options> busy_poll::change(const busy_poll_options& options) noexcept {
    if (core_.get() == nullptr) return detail::ring_is_closed();
    return set(*core_.get(), options);
}

result<void> busy_poll::change_queues(std::uint8_t how, std::uint32_t napi_id) noexcept {
    if (core_.get() == nullptr) return detail::ring_is_closed();
    abi::napi request;
    request.opcode = how;
    request.op_param = napi_id;
    const auto done = detail::register_with(*core_.get(), abi::register_opcode::register_napi, &request, 1);
    if (done) return {};
    const std::int32_t code = done.error().code();
    if (code == EINVAL || code == ENOENT) return error{code, cause::no_such_queue};
    return done.error();
}

result<void> busy_poll::add_queue(std::uint32_t napi_id) noexcept {
    return change_queues(abi::napi_static_add_id, napi_id);
}

result<void> busy_poll::remove_queue(std::uint32_t napi_id) noexcept {
    return change_queues(abi::napi_static_del_id, napi_id);
}

result<void> busy_poll::close() noexcept {
    detail::ring_core* const core = core_.get();
    if (core == nullptr) return {};
    const detail::core_reference kept{*core}; // past the one that is dropped
    abi::napi was;
    const auto done = detail::unregister(core_, abi::register_opcode::unregister_napi, &was, 1);
    if (done) __atomic_store_n(&core->has_busy_poll, 0u, __ATOMIC_RELAXED);
    return done;
}

} // namespace lio::inline v0
