// Registering buffers. On the ring's thread.

#include "ring_core.hpp"
#include "table_registration.hpp"

#include <lio/registered_buffers.hpp>

#include <cerrno>

namespace lio::inline v0 {

// A list of these is what the kernel calls an array of struct iovec.
static_assert(sizeof(mutable_bytes) == sizeof(void*) + sizeof(std::size_t) && std::is_standard_layout_v<mutable_bytes>);

// What EINVAL means of so many: from Linux 5.13 on, which has tags, there may be 16384.
static cause too_many_or(std::size_t count, cause missing) noexcept {
    return count > 16384 ? cause::too_many_to_register : missing;
}

error registered_buffers::tags_do_not_match() noexcept { return error{EINVAL, cause::tags_do_not_match}; }

// A table that is not registered yet, with the list that operator[] looks into; empty places if there are no `buffers`.
result<registered_buffers> registered_buffers::make_list(const mutable_bytes* buffers, std::size_t count) noexcept {
    // An operation has 16 bits for the index.
    if (count > 0x10000) return error{EINVAL, cause::too_many_to_register};
    const std::size_t size = count * sizeof *buffers;
    const auto list = system::map_memory(size);
    if (!list) return list.error();
    if (buffers != nullptr) __builtin_memcpy(*list, static_cast<const void*>(buffers), count * sizeof *buffers);
    return registered_buffers{{*list, size}, static_cast<std::uint32_t>(count)};
}

result<registered_buffers> registered_buffers::register_list(detail::ring_core* core, const mutable_bytes* buffers,
                                                             std::size_t count) noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    if (count == 0) return error{EINVAL, cause::nothing_to_register};
    auto made = make_list(buffers, count);
    if (!made) return made.error();
    const auto done = detail::register_with(*core, abi::register_opcode::register_buffers, made->list(), made->size_);
    // Before Linux 5.13 there may be 1024, then 16384.
    if (!done && done.error().code() == EINVAL && count > 1024) return error{EINVAL, cause::too_many_to_register};
    if (!done) return done.error();
    made->core_ = detail::core_reference{*core};
    return made;
}

result<registered_buffers> registered_buffers::register_tagged(detail::ring_core* core, const mutable_bytes* buffers,
                                                               std::size_t count, const std::uint64_t* tags,
                                                               std::size_t tag_count) noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    if (count != tag_count) return tags_do_not_match();
    if (count == 0) return register_list(core, buffers, count);
    auto made = make_list(buffers, count);
    if (!made) return made.error();
    abi::rsrc_register request{};
    request.nr = made->size_;
    request.data = reinterpret_cast<std::uintptr_t>(made->list());
    request.tags = reinterpret_cast<std::uintptr_t>(tags);
    const auto done = detail::register_table(*core, abi::register_opcode::register_buffers2, request,
                                             too_many_or(count, cause::tags_missing));
    if (!done) return done.error();
    made->core_ = detail::core_reference{*core};
    return made;
}

result<registered_buffers> registered_buffers::register_empty(detail::ring_core* core, std::uint32_t count) noexcept {
    if (core == nullptr) return detail::ring_is_closed();
    if (count == 0) return register_list(core, nullptr, count);
    auto made = make_list(nullptr, count);
    if (!made) return made.error();
    abi::rsrc_register request{};
    request.nr = count;
    request.flags = abi::rsrc_register_sparse;
    const auto done = detail::register_table(*core, abi::register_opcode::register_buffers2, request,
                                             too_many_or(count, cause::empty_table_missing));
    if (!done) return done.error();
    made->core_ = detail::core_reference{*core};
    return made;
}

// Also where the other ring's number, or the ring itself, is another thread's.
static result<void> share(detail::ring_core& core, const detail::ring_core& from,
                          abi::clone_buffers& request) noexcept {
    if (from.is_only_registered && from.belongs_to_another_thread()) return error{EEXIST, cause::wrong_thread};
    request.src_fd = static_cast<std::uint32_t>(from.is_only_registered ? from.enter_file : from.file);
    if (from.is_only_registered) request.flags |= abi::register_src_registered;
    const auto done = detail::register_with(core, abi::register_opcode::register_clone_buffers, &request, 1);
    if (done) return {};
    if (done.error().code() == EINVAL) return error{EINVAL, cause::clone_missing};
    // Linux 6.12 does not know that it may replace: there the table is in the way.
    if (done.error().code() == EBUSY && (request.flags & abi::register_dst_replace) != 0)
        return error{EINVAL, cause::clone_missing};
    if (done.error().code() == EEXIST) return error{EEXIST, cause::wrong_thread};
    return done.error();
}

static bool can_share(const detail::ring_core* core, const detail::ring_core* from) noexcept {
    return core != nullptr && from != nullptr && from->is_open();
}

result<registered_buffers> registered_buffers::clone_table(detail::ring_core* core, const registered_buffers& source,
                                                           std::uint32_t first, std::uint32_t count) noexcept {
    detail::ring_core* const from = source.core_.get();
    if (!can_share(core, from)) return detail::ring_is_closed();
    if (const auto exist = detail::has_places(from, source.size_, first, count); !exist) return exist.error();
    // Before anything is registered: what fails then leaves nothing to undo.
    auto made = make_list(source.list() + first, count);
    if (!made) return made.error();
    abi::clone_buffers request{};
    // All of them as Linux 6.12 knows it too.
    if (first != 0 || count != source.size_) {
        request.src_off = first;
        request.nr = count;
    }
    if (const auto done = share(*core, *from, request); !done) return done.error();
    made->core_ = detail::core_reference{*core};
    return made;
}

result<void> registered_buffers::update_from(std::uint32_t first, const registered_buffers& source,
                                             std::uint32_t source_first, std::uint32_t count) noexcept {
    detail::ring_core* const from = source.core_.get();
    if (!can_share(core_.get(), from)) return detail::ring_is_closed();
    if (const auto exist = detail::has_places(from, source.size_, source_first, count); !exist) return exist;
    const std::uint64_t end = std::uint64_t{first} + count;
    if (end > 0x10000) return error{EINVAL, cause::too_many_to_register};
    // The table may become longer. A list of its own, so that what fails leaves the old one.
    auto made = make_list(nullptr, end > size_ ? static_cast<std::size_t>(end) : size_);
    if (!made) return made.error();
    if (size_ != 0)
        __builtin_memcpy(static_cast<void*>(made->list()), static_cast<const void*>(list()), size_ * sizeof *list());
    __builtin_memcpy(static_cast<void*>(made->list() + first), static_cast<const void*>(source.list() + source_first),
                     count * sizeof *list());
    abi::clone_buffers request{};
    request.flags = abi::register_dst_replace;
    request.src_off = source_first;
    request.dst_off = first;
    request.nr = count;
    if (const auto done = share(*core_.get(), *from, request); !done) return done;
    list_ = static_cast<detail::mapped_memory&&>(made->list_);
    size_ = made->size_;
    return {};
}

result<std::uint32_t> registered_buffers::update_list(std::uint32_t first, const mutable_bytes* buffers,
                                                      std::size_t count, const std::uint64_t* tags) noexcept {
    if (const auto exist = detail::has_places(core_.get(), size_, first, count); !exist) return exist.error();
    for (std::size_t i = 0; i < count; ++i) {
        if (buffers[i].size() != 0 || buffers[i].data() == nullptr) continue;
        // For the kernel a place is empty if there is no address either: with one it says EFAULT.
        const auto copied = make_list(buffers, count);
        if (!copied) return copied.error();
        for (std::size_t k = i; k < count; ++k)
            if (buffers[k].size() == 0) copied->list()[k] = {};
        return update_list(first, copied->list(), count, tags);
    }
    abi::rsrc_update2 request{};
    request.offset = first;
    request.data = reinterpret_cast<std::uintptr_t>(buffers);
    request.tags = reinterpret_cast<std::uintptr_t>(tags);
    request.nr = static_cast<std::uint32_t>(count);
    const auto done =
        detail::register_with(*core_.get(), abi::register_opcode::register_buffers_update, &request, sizeof request);
    if (!done && done.error().code() == EINVAL) return error{EINVAL, cause::buffer_update_missing};
    if (done)
        __builtin_memcpy(static_cast<void*>(list() + first), static_cast<const void*>(buffers),
                         *done * sizeof *buffers);
    return done;
}

registered_buffers::registered_buffers(registered_buffers&& other) noexcept
    : core_{static_cast<detail::core_reference&&>(other.core_)},
      list_{static_cast<detail::mapped_memory&&>(other.list_)},
      size_{other.size_} {
    other.size_ = 0;
}

registered_buffers& registered_buffers::operator=(registered_buffers&& other) noexcept {
    if (this != &other) {
        static_cast<void>(close());
        core_ = static_cast<detail::core_reference&&>(other.core_);
        list_ = static_cast<detail::mapped_memory&&>(other.list_);
        size_ = other.size_;
        other.size_ = 0;
    }
    return *this;
}

registered_buffers::~registered_buffers() { static_cast<void>(close()); }

result<void> registered_buffers::close() noexcept {
    return detail::unregister(core_, abi::register_opcode::unregister_buffers, nullptr, 0);
}

} // namespace lio::inline v0
