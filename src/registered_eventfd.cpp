// Registering an eventfd. On the ring's thread.

#include "ring_core.hpp"

#include <lio/registered_eventfd.hpp>

#include <cerrno>

namespace lio::inline v0 {

result<registered_eventfd> registered_eventfd::create(detail::ring_core* core, int eventfd,
                                                      eventfd_events events) noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    const auto opcode = events == eventfd_events::all ? abi::register_opcode::register_eventfd
                                                      : abi::register_opcode::register_eventfd_async;
    const auto done = detail::register_with(*core, opcode, &eventfd, 1);
    if (!done && done.error().code() == EINVAL) return error{EINVAL, cause::eventfd_refused};
    if (!done) return done.error();
    return registered_eventfd{detail::core_reference{*core}};
}

registered_eventfd& registered_eventfd::operator=(registered_eventfd&& other) noexcept {
    if (this != &other) {
        static_cast<void>(close());
        core_ = static_cast<detail::core_reference&&>(other.core_);
    }
    return *this;
}

registered_eventfd::~registered_eventfd() { static_cast<void>(close()); }

result<void> registered_eventfd::switch_signals(bool on) noexcept {
    detail::ring_core* const core = core_.get();
    if (core == nullptr || !core->is_open()) return detail::ring_is_closed();
    if (core->completion_flags == nullptr) return error{EOPNOTSUPP, cause::eventfd_switch_missing};
    // Read by the kernel with every completion that it posts. A hint: it orders nothing.
    core->completion_flags->store_relaxed(on ? 0 : abi::cq_eventfd_disabled);
    return {};
}

result<void> registered_eventfd::close() noexcept {
    return detail::unregister(core_, abi::register_opcode::unregister_eventfd, nullptr, 0);
}

} // namespace lio::inline v0
