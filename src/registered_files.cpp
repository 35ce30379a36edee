// Registering files. On the ring's thread.

#include "ring_core.hpp"

#include <lio/registered_files.hpp>

#include <cerrno>

namespace lio {

result<registered_files> registered_files::create(detail::ring_core* core, const int* files, std::size_t count) noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    if (count > 0x7fffffff) return error{EINVAL, cause::too_many_to_register};
    const auto slots = static_cast<std::uint32_t>(count);
    // An empty list is for the kernel to refuse; it may have no address, which would be refused as a bad one.
    static constexpr int nothing = -1;
    const int* const list = count == 0 ? &nothing : files;
    const auto done = detail::register_with(*core, abi::register_opcode::register_files, list, slots);
    if (!done) return done.error();
    return registered_files{detail::core_reference{*core}, slots};
}

registered_files& registered_files::operator=(registered_files&& other) noexcept {
    if (this != &other) {
        static_cast<void>(close());
        core_ = static_cast<detail::core_reference&&>(other.core_);
        size_ = other.size_;
    }
    return *this;
}

registered_files::~registered_files() { static_cast<void>(close()); }

result<void> registered_files::close() noexcept {
    return detail::unregister(core_, abi::register_opcode::unregister_files, nullptr, 0);
}

} // namespace lio
