// Asking the kernel without a ring. Any thread.

#include "system.hpp"

#include <lio/query.hpp>

#include <cerrno>

namespace lio::inline v0 {

struct question_chain {
    static result<void> ask(question* const* questions, std::uint32_t count, abi::query_hdr* headers) noexcept {
        for (std::uint32_t i = 0; i < count; ++i) {
            questions[i]->was_asked_ = false;
            headers[i] = {};
            if (i + 1 < count) headers[i].next_entry = reinterpret_cast<std::uintptr_t>(&headers[i + 1]);
            headers[i].query_op = questions[i]->number_;
            headers[i].query_data = reinterpret_cast<std::uintptr_t>(questions[i]->answer_);
            headers[i].size = questions[i]->size_;
        }
        constexpr int no_ring = -1;
        const auto done = system::register_call(no_ring, abi::register_opcode::register_query, headers, 0);
        if (!done) {
            // What an older kernel says to any call without a ring differs.
            const std::int32_t code = done.error().code();
            if (code == EINVAL || code == EBADF) return error{EINVAL, cause::query_missing};
            return done.error();
        }
        for (std::uint32_t i = 0; i < count; ++i) {
            questions[i]->was_asked_ = true;
            questions[i]->code_ = -headers[i].result;
            questions[i]->written_ = headers[i].size;
        }
        return {};
    }
};

result<std::uint32_t> question::answered() const noexcept {
    if (!was_asked_) return error{EOPNOTSUPP, cause::query_missing};
    if (code_ != 0) return error{code_, code_ == EOPNOTSUPP ? cause::query_missing : cause::operation};
    return written_;
}

result<void> detail::ask(question* const* questions, std::uint32_t count, abi::query_hdr* headers) noexcept {
    return question_chain::ask(questions, count, headers);
}

} // namespace lio::inline v0
