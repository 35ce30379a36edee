// Asks the kernel what it can do, and concludes how new it is. Any thread; nothing here is on the hot path.

#include "ring_core.hpp"

#include <lio/abi/query.hpp>
#include <lio/abi/zero_copy_receive.hpp>
#include <lio/probe.hpp>

#include <cerrno>

namespace lio::inline v0 {

namespace {

enum class trace : std::uint8_t {
    /// The number is known, if only to say that this kernel was built without it.
    operation,
    feature,
    /// A ring can be set up with it.
    setup_flag,
    /// There are more registrations than so many, or more queries.
    registration,
    query,
    /// Of zero-copy receive, whether or not there is a network card for it.
    zcrx_flag,
    zcrx_control,
};

/// The first release that left this trace.
struct milestone {
    kernel_version release;
    trace kind;
    std::uint32_t what;
};

constexpr milestone has(kernel_version release, abi::opcode operation) noexcept {
    return {release, trace::operation, static_cast<std::uint32_t>(operation)};
}

constexpr milestone has(kernel_version release, abi::register_opcode opcode) noexcept {
    return {release, trace::registration, static_cast<std::uint32_t>(opcode)};
}

// One for each release that has any, the newest last.
constexpr milestone milestones[] = {
    {{5, 4}, trace::feature, abi::feat_single_mmap},
    {{5, 5}, trace::feature, abi::feat_nodrop},
    {{5, 6}, trace::feature, abi::feat_rw_cur_pos},
    {{5, 7}, trace::feature, abi::feat_fast_poll},
    has({5, 8}, abi::opcode::tee),
    {{5, 9}, trace::feature, abi::feat_poll_32bits},
    {{5, 11}, trace::feature, abi::feat_ext_arg},
    {{5, 12}, trace::feature, abi::feat_native_workers},
    {{5, 13}, trace::feature, abi::feat_rsrc_tags},
    has({5, 15}, abi::opcode::linkat),
    {{5, 17}, trace::feature, abi::feat_cqe_skip},
    has({5, 18}, abi::opcode::msg_ring),
    has({5, 19}, abi::opcode::uring_cmd),
    has({6, 0}, abi::opcode::send_zc),
    has({6, 1}, abi::opcode::sendmsg_zc),
    {{6, 3}, trace::feature, abi::feat_reg_reg_ring},
    {{6, 6}, trace::setup_flag, abi::setup_no_sqarray},
    has({6, 7}, abi::opcode::futex_waitv),
    has({6, 8}, abi::opcode::fixed_fd_install),
    has({6, 9}, abi::opcode::ftruncate),
    {{6, 10}, trace::feature, abi::feat_recvsend_bundle},
    has({6, 11}, abi::opcode::listen),
    {{6, 12}, trace::feature, abi::feat_min_timeout},
    {{6, 14}, trace::feature, abi::feat_rw_attr},
    {{6, 15}, trace::feature, abi::feat_no_iowait},
    has({6, 16}, abi::opcode::pipe),
    has({6, 18}, abi::register_opcode::register_query),
    has({6, 19}, abi::opcode::uring_cmd128),
    has({7, 0}, abi::register_opcode::register_bpf_filter),
    {{7, 1}, trace::zcrx_flag, abi::zcrx_reg_nodev},
    {{7, 2}, trace::query, abi::query_op_zcrx_event},
    {{7, 3}, trace::zcrx_control, abi::zcrx_ctrl_op_add_area},
};

/// What the kernel said, but for the list of operations. All zero where it was not asked or had no answer.
struct answers {
    std::uint32_t last_opcode = 0;
    std::uint32_t features = 0;
    std::uint32_t setup_flags = 0;
    abi::query_opcode numbers;
    abi::query_zcrx zcrx;
};

bool shows(const answers& said, const milestone& one) noexcept {
    switch (one.kind) {
    case trace::operation:
        return said.last_opcode >= one.what;
    case trace::feature:
        return (said.features & one.what) != 0;
    case trace::setup_flag:
        return (said.setup_flags & one.what) != 0;
    case trace::registration:
        return said.numbers.nr_register_opcodes > one.what;
    case trace::query:
        return said.numbers.nr_query_opcodes > one.what;
    case trace::zcrx_flag:
        return (said.zcrx.register_flags & one.what) != 0;
    case trace::zcrx_control:
        return said.zcrx.nr_ctrl_opcodes > one.what;
    }
    return false;
}

kernel_version newest_shown(const answers& said) noexcept {
    kernel_version newest{5, 1};
    for (const milestone& one : milestones)
        if (shows(said, one)) newest = one.release;
    return newest;
}

/// The last operation of a kernel that is too old to list them.
abi::opcode last_unlisted(std::uint32_t features) noexcept {
    if ((features & abi::feat_nodrop) != 0) return abi::opcode::connect;
    if ((features & abi::feat_single_mmap) != 0) return abi::opcode::timeout;
    return abi::opcode::poll_remove;
}

// Two questions in one call. An older kernel does not understand any of it, which is an answer as well.
template <class Register>
void ask_queries(answers& said, Register register_call) noexcept {
    abi::query_hdr zcrx;
    zcrx.query_op = abi::query_op_zcrx;
    zcrx.query_data = reinterpret_cast<std::uintptr_t>(&said.zcrx);
    zcrx.size = sizeof said.zcrx;
    abi::query_hdr numbers;
    numbers.query_op = abi::query_op_opcodes;
    numbers.query_data = reinterpret_cast<std::uintptr_t>(&said.numbers);
    numbers.size = sizeof said.numbers;
    numbers.next_entry = reinterpret_cast<std::uintptr_t>(&zcrx);
    if (!register_call(abi::register_opcode::register_query, &numbers, 0)) {
        said.numbers = {};
        said.zcrx = {};
    }
}

} // namespace

struct probe_maker {
    template <class Register>
    static result<probe> make(std::uint32_t features, std::uint32_t setup_flags, Register register_call) noexcept {
        struct {
            abi::probe head;
            abi::probe_op operations[256]; // as many as there are numbers
        } list;
        probe made;
        answers said;
        said.features = features;
        said.setup_flags = setup_flags;
        const auto listed = register_call(abi::register_opcode::register_probe, &list, 256);
        if (listed) {
            said.last_opcode = list.head.last_op;
            for (std::uint32_t i = 0; i < list.head.ops_len; ++i)
                if ((list.operations[i].flags & abi::op_supported) != 0) add(made, list.operations[i].op);
        } else if (listed.error().code() == EINVAL) { // before Linux 5.6
            said.last_opcode = static_cast<std::uint32_t>(last_unlisted(features));
            for (std::uint32_t number = 0; number <= said.last_opcode; ++number) add(made, number);
        } else {
            return listed.error();
        }
        ask_queries(said, register_call);
        made.features_ = features;
        made.last_opcode_ = static_cast<std::uint8_t>(said.last_opcode);
        made.release_ = newest_shown(said);
        return made;
    }

private:
    static void add(probe& made, std::uint32_t number) noexcept {
        made.operations_[number / probe::bits_in_word] |= std::uint64_t{1} << (number % probe::bits_in_word);
    }
};

result<probe> probe::ask() noexcept {
    // What this option shows, no other answer does before Linux 6.18. Only EINVAL means that it is not known.
    abi::params parameters;
    parameters.flags = abi::setup_no_sqarray;
    auto file = system::setup(1, parameters);
    if (!file && file.error().code() == EINVAL) {
        parameters = {};
        file = system::setup(1, parameters);
    }
    if (!file) return file.error();
    const auto made = probe_maker::make(parameters.features, parameters.flags,
                                        [&](abi::register_opcode opcode, void* argument, std::uint32_t count) noexcept {
                                            return system::register_call(*file, opcode, argument, count);
                                        });
    static_cast<void>(system::close(*file));
    return made;
}

result<probe> probe::ask(detail::ring_core* core) noexcept {
    if (core == nullptr || !core->is_open()) return detail::ring_is_closed();
    return probe_maker::make(core->features, static_cast<std::uint32_t>(core->flags),
                             [&](abi::register_opcode opcode, void* argument, std::uint32_t count) noexcept {
                                 return detail::register_with(*core, opcode, argument, count);
                             });
}

} // namespace lio::inline v0
