// Registering credentials. On the ring's thread.

#include "ring_core.hpp"

#include <lio/personality.hpp>

#include <cerrno>

namespace lio::inline v0 {

result<personality> personality::create(detail::ring_core* core) noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    const auto id = detail::register_with(*core, abi::register_opcode::register_personality, nullptr, 0);
    if (!id) {
        const std::int32_t code = id.error().code();
        if (code == EBUSY || code == ENOSPC) return error{code, cause::too_many_personalities};
        return id.error();
    }
    return personality{detail::core_reference{*core}, static_cast<std::uint16_t>(*id)};
}

personality& personality::operator=(personality&& other) noexcept {
    if (this != &other) {
        static_cast<void>(close());
        core_ = static_cast<detail::core_reference&&>(other.core_);
        id_ = other.id_;
    }
    return *this;
}

personality::~personality() { static_cast<void>(close()); }

result<void> personality::close() noexcept {
    return detail::unregister(core_, abi::register_opcode::unregister_personality, nullptr, id_.number());
}

} // namespace lio::inline v0
