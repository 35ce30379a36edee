// Registering files. On the ring's thread.

#include "ring_core.hpp"
#include "table_registration.hpp"

#include <lio/registered_files.hpp>

#include <cerrno>

namespace lio::inline v0 {

result<registered_files> registered_files::register_list(detail::ring_core* core, const int* files,
                                                         std::size_t count) noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    if (count == 0) return error{EINVAL, cause::nothing_to_register};
    if (count > 0x7fffffff) return error{EINVAL, cause::too_many_to_register};
    const auto slots = static_cast<std::uint32_t>(count);
    const auto done = detail::register_with(*core, abi::register_opcode::register_files, files, slots);
    if (!done) return done.error();
    return registered_files{detail::core_reference{*core}, slots};
}

result<registered_files> registered_files::register_tagged(detail::ring_core* core, const int* files, std::size_t count,
                                                           const std::uint64_t* tags, std::size_t tag_count) noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    if (count != tag_count) return error{EINVAL, cause::tags_do_not_match};
    if (count == 0) return register_list(core, files, count);
    if (count > 0x7fffffff) return error{EINVAL, cause::too_many_to_register};
    abi::rsrc_register request{};
    request.nr = static_cast<std::uint32_t>(count);
    request.data = reinterpret_cast<std::uintptr_t>(files);
    request.tags = reinterpret_cast<std::uintptr_t>(tags);
    const auto done =
        detail::register_table(*core, abi::register_opcode::register_files2, request, cause::tags_missing);
    if (!done) return done.error();
    return registered_files{detail::core_reference{*core}, request.nr};
}

result<registered_files> registered_files::register_empty(detail::ring_core* core, std::uint32_t count) noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    if (count == 0) return register_list(core, nullptr, count);
    abi::rsrc_register request{};
    request.nr = count;
    request.flags = abi::rsrc_register_sparse;
    const auto done =
        detail::register_table(*core, abi::register_opcode::register_files2, request, cause::empty_table_missing);
    if (!done) return done.error();
    return registered_files{detail::core_reference{*core}, count};
}

result<std::uint32_t> registered_files::update_list(std::uint32_t first, const int* files,
                                                    std::size_t count) noexcept {
    if (const auto exist = detail::has_places(core_.get(), size_, first, count); !exist) return exist.error();
    abi::rsrc_update request{};
    request.offset = first;
    request.data = reinterpret_cast<std::uintptr_t>(files);
    return detail::register_with(*core_.get(), abi::register_opcode::register_files_update, &request,
                                 static_cast<std::uint32_t>(count));
}

result<std::uint32_t> registered_files::update_tagged(std::uint32_t first, const int* files, std::size_t count,
                                                      const std::uint64_t* tags, std::size_t tag_count) noexcept {
    if (count != tag_count) return error{EINVAL, cause::tags_do_not_match};
    if (const auto exist = detail::has_places(core_.get(), size_, first, count); !exist) return exist.error();
    abi::rsrc_update2 request{};
    request.offset = first;
    request.data = reinterpret_cast<std::uintptr_t>(files);
    request.tags = reinterpret_cast<std::uintptr_t>(tags);
    request.nr = static_cast<std::uint32_t>(count);
    return detail::register_with(*core_.get(), abi::register_opcode::register_files_update2, &request, sizeof request);
}

result<void> registered_files::allocate_from(std::uint32_t first, std::uint32_t count) noexcept {
    if (const auto exist = detail::has_places(core_.get(), size_, first, count); !exist) return exist;
    abi::file_index_range request{};
    request.off = first;
    request.len = count;
    const auto done = detail::register_with(*core_.get(), abi::register_opcode::register_file_alloc_range, &request, 0);
    if (!done && done.error().code() == EINVAL) return error{EINVAL, cause::allocation_range_missing};
    if (!done) return done.error();
    return {};
}

registered_files& registered_files::operator=(registered_files&& other) noexcept {
    if (this != &other) {
        static_cast<void>(close());
        core_ = static_cast<detail::core_reference&&>(other.core_);
        size_ = other.size_;
        other.size_ = 0;
    }
    return *this;
}

registered_files::~registered_files() { static_cast<void>(close()); }

result<void> registered_files::close() noexcept {
    const auto done = detail::unregister(core_, abi::register_opcode::unregister_files, nullptr, 0);
    if (done) size_ = 0;
    return done;
}

} // namespace lio::inline v0
