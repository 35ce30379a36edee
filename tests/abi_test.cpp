// The kernel's interface in include/lio/abi, held against the list of it that was taken from Linux 7.3: every line
// of the list has its counterpart, under the name that our rule gives it, with the same offset, size and value.
// Includes what embed_uapi.py made of the list. Single thread.

#include "catch.hpp"

#include "uapi_list.hpp"

#include <lio/abi.hpp>

#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <new>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace abi_test {

namespace {

namespace abi = lio::abi;

// One thing of ours. `name` is how our headers spell it.
struct row {
    const char* kind; // "struct", "field" or "constant"
    const char* owner;
    const char* name;
    long long value; // as in the list: an alignment, an offset, a value
    std::size_t size;
    char sign;                // 'u' or 's'; 'c' for a structure; ' ' where there is nothing to tell
    bool (*starts_as_zero)(); // structures only
};

template <class T>
constexpr char sign_of() {
    using element = std::remove_all_extents_t<T>;
    if constexpr (std::is_class_v<element>) {
        return 'c';
    } else {
        return std::is_signed_v<element> ? 's' : 'u';
    }
}

// Made in memory that was full of something else.
template <class T>
bool starts_as_zero() {
    alignas(T) unsigned char memory[sizeof(T)];
    std::memset(memory, 0xa5, sizeof memory);
    const T* made = new (static_cast<void*>(memory)) T{};
    unsigned char bytes[sizeof(T)];
    std::memcpy(bytes, made, sizeof bytes);
    for (const unsigned char byte : bytes)
        if (byte != 0) return false;
    return true;
}

template <class T>
long long distance(const T& structure, const void* place) {
    return static_cast<const char*>(place) - reinterpret_cast<const char*>(&structure);
}

template <class T>
row constant(const char* name, T value) {
    return {"constant", "", name, static_cast<long long>(value), 0, value < T{} ? 's' : 'u', nullptr};
}

template <class T>
requires std::is_enum_v<T> row constant(const char* name, T value) {
    return constant(name, static_cast<std::underlying_type_t<T>>(value));
}

// clang-format off
#define STRUCTURE(type) \
    row{"struct", "", #type, alignof(abi::type), sizeof(abi::type), 'c', starts_as_zero<abi::type>}
#define FIELD(type, member) \
    row{"field", #type, #member, offsetof(abi::type, member), sizeof(abi::type::member), \
        sign_of<decltype(abi::type::member)>(), nullptr}
// A field that in our headers lies in a small structure of its own, inside a union.
#define FIELD_OF_PART(type, part, member) \
    row{"field", #type, #member, offsetof(abi::type, part.member), sizeof(abi::type::part.member), \
        sign_of<std::remove_cvref_t<decltype(abi::type::part.member)>>(), nullptr}
// What is an array without end in the kernel's structure and a function of ours.
#define FLEXIBLE(type, member) \
    row{"field", #type, #member, [] { const abi::type made{}; return distance(made, made.member()); }(), 0, ' ', \
        nullptr}
#define FLEXIBLE_AT(type, member, place) \
    row{"field", #type, #member, place, 0, ' ', nullptr}
#define CONSTANT(name) \
    constant(#name, abi::name)

const row rows[] = {
    STRUCTURE(sqe),
    FIELD(sqe, opcode),
    FIELD(sqe, flags),
    FIELD(sqe, ioprio),
    FIELD(sqe, fd),
    FIELD(sqe, off),
    FIELD(sqe, addr2),
    FIELD_OF_PART(sqe, command, cmd_op),
    FIELD_OF_PART(sqe, command, pad1),
    FIELD(sqe, addr),
    FIELD(sqe, splice_off_in),
    FIELD_OF_PART(sqe, option, level),
    FIELD_OF_PART(sqe, option, optname),
    FIELD(sqe, len),
    FIELD(sqe, rw_flags),
    FIELD(sqe, fsync_flags),
    FIELD(sqe, poll_events),
    FIELD(sqe, poll32_events),
    FIELD(sqe, sync_range_flags),
    FIELD(sqe, msg_flags),
    FIELD(sqe, timeout_flags),
    FIELD(sqe, accept_flags),
    FIELD(sqe, cancel_flags),
    FIELD(sqe, open_flags),
    FIELD(sqe, statx_flags),
    FIELD(sqe, fadvise_advice),
    FIELD(sqe, splice_flags),
    FIELD(sqe, rename_flags),
    FIELD(sqe, unlink_flags),
    FIELD(sqe, hardlink_flags),
    FIELD(sqe, xattr_flags),
    FIELD(sqe, msg_ring_flags),
    FIELD(sqe, uring_cmd_flags),
    FIELD(sqe, waitid_flags),
    FIELD(sqe, futex_flags),
    FIELD(sqe, install_fd_flags),
    FIELD(sqe, nop_flags),
    FIELD(sqe, pipe_flags),
    FIELD(sqe, user_data),
    FIELD(sqe, buf_index),
    FIELD(sqe, buf_group),
    FIELD(sqe, personality),
    FIELD(sqe, splice_fd_in),
    FIELD(sqe, file_index),
    FIELD(sqe, zcrx_ifq_idx),
    FIELD(sqe, optlen),
    FIELD_OF_PART(sqe, address, addr_len),
    FIELD_OF_PART(sqe, address, pad3),
    FIELD_OF_PART(sqe, stream, write_stream),
    FIELD_OF_PART(sqe, stream, pad4),
    FIELD(sqe, addr3),
    FIELD(sqe, pad2),
    FIELD(sqe, attr_ptr),
    FIELD(sqe, attr_type_mask),
    FIELD(sqe, optval),
    FLEXIBLE(sqe, cmd),

    STRUCTURE(attr_pi),
    FIELD(attr_pi, flags),
    FIELD(attr_pi, app_tag),
    FIELD(attr_pi, len),
    FIELD(attr_pi, addr),
    FIELD(attr_pi, seed),
    FIELD(attr_pi, rsvd),

    STRUCTURE(cqe),
    FIELD(cqe, user_data),
    FIELD(cqe, res),
    FIELD(cqe, flags),
    FLEXIBLE_AT(cqe, big_cqe, offsetof(abi::cqe32, big_cqe)),

    STRUCTURE(sqring_offsets),
    FIELD(sqring_offsets, head),
    FIELD(sqring_offsets, tail),
    FIELD(sqring_offsets, ring_mask),
    FIELD(sqring_offsets, ring_entries),
    FIELD(sqring_offsets, flags),
    FIELD(sqring_offsets, dropped),
    FIELD(sqring_offsets, array),
    FIELD(sqring_offsets, resv1),
    FIELD(sqring_offsets, user_addr),

    STRUCTURE(cqring_offsets),
    FIELD(cqring_offsets, head),
    FIELD(cqring_offsets, tail),
    FIELD(cqring_offsets, ring_mask),
    FIELD(cqring_offsets, ring_entries),
    FIELD(cqring_offsets, overflow),
    FIELD(cqring_offsets, cqes),
    FIELD(cqring_offsets, flags),
    FIELD(cqring_offsets, resv1),
    FIELD(cqring_offsets, user_addr),

    STRUCTURE(params),
    FIELD(params, sq_entries),
    FIELD(params, cq_entries),
    FIELD(params, flags),
    FIELD(params, sq_thread_cpu),
    FIELD(params, sq_thread_idle),
    FIELD(params, features),
    FIELD(params, wq_fd),
    FIELD(params, resv),
    FIELD(params, sq_off),
    FIELD(params, cq_off),

    STRUCTURE(files_update),
    FIELD(files_update, offset),
    FIELD(files_update, resv),
    FIELD(files_update, fds),

    STRUCTURE(region_desc),
    FIELD(region_desc, user_addr),
    FIELD(region_desc, size),
    FIELD(region_desc, flags),
    FIELD(region_desc, id),
    FIELD(region_desc, mmap_offset),
    FIELD(region_desc, resv),

    STRUCTURE(mem_region_reg),
    FIELD(mem_region_reg, region_uptr),
    FIELD(mem_region_reg, flags),
    FIELD(mem_region_reg, resv),

    STRUCTURE(rsrc_register),
    FIELD(rsrc_register, nr),
    FIELD(rsrc_register, flags),
    FIELD(rsrc_register, resv2),
    FIELD(rsrc_register, data),
    FIELD(rsrc_register, tags),

    STRUCTURE(rsrc_update),
    FIELD(rsrc_update, offset),
    FIELD(rsrc_update, resv),
    FIELD(rsrc_update, data),

    STRUCTURE(rsrc_update2),
    FIELD(rsrc_update2, offset),
    FIELD(rsrc_update2, resv),
    FIELD(rsrc_update2, data),
    FIELD(rsrc_update2, tags),
    FIELD(rsrc_update2, nr),
    FIELD(rsrc_update2, resv2),

    STRUCTURE(probe_op),
    FIELD(probe_op, op),
    FIELD(probe_op, resv),
    FIELD(probe_op, flags),
    FIELD(probe_op, resv2),

    STRUCTURE(probe),
    FIELD(probe, last_op),
    FIELD(probe, ops_len),
    FIELD(probe, resv),
    FIELD(probe, resv2),
    FLEXIBLE(probe, ops),

    STRUCTURE(restriction),
    FIELD(restriction, opcode),
    FIELD(restriction, register_op),
    FIELD(restriction, sqe_op),
    FIELD(restriction, sqe_flags),
    FIELD(restriction, resv),
    FIELD(restriction, resv2),

    STRUCTURE(task_restriction),
    FIELD(task_restriction, flags),
    FIELD(task_restriction, nr_res),
    FIELD(task_restriction, resv),
    FLEXIBLE(task_restriction, restrictions),

    STRUCTURE(clock_register),
    FIELD(clock_register, clockid),
    FIELD(clock_register, resv),

    STRUCTURE(clone_buffers),
    FIELD(clone_buffers, src_fd),
    FIELD(clone_buffers, flags),
    FIELD(clone_buffers, src_off),
    FIELD(clone_buffers, dst_off),
    FIELD(clone_buffers, nr),
    FIELD(clone_buffers, pad),

    STRUCTURE(buf),
    FIELD(buf, addr),
    FIELD(buf, len),
    FIELD(buf, bid),
    FIELD(buf, resv),

    STRUCTURE(buf_ring),
    FIELD(buf_ring, resv1),
    FIELD(buf_ring, resv2),
    FIELD(buf_ring, resv3),
    FIELD(buf_ring, tail),
    FLEXIBLE(buf_ring, bufs),

    STRUCTURE(buf_reg),
    FIELD(buf_reg, ring_addr),
    FIELD(buf_reg, ring_entries),
    FIELD(buf_reg, bgid),
    FIELD(buf_reg, flags),
    FIELD(buf_reg, min_left),
    FIELD(buf_reg, resv),

    STRUCTURE(buf_status),
    FIELD(buf_status, buf_group),
    FIELD(buf_status, head),
    FIELD(buf_status, resv),

    STRUCTURE(napi),
    FIELD(napi, busy_poll_to),
    FIELD(napi, prefer_busy_poll),
    FIELD(napi, opcode),
    FIELD(napi, pad),
    FIELD(napi, op_param),
    FIELD(napi, resv),

    STRUCTURE(reg_wait),
    FIELD(reg_wait, ts),
    FIELD(reg_wait, min_wait_usec),
    FIELD(reg_wait, flags),
    FIELD(reg_wait, sigmask),
    FIELD(reg_wait, sigmask_sz),
    FIELD(reg_wait, pad),
    FIELD(reg_wait, pad2),

    STRUCTURE(getevents_arg),
    FIELD(getevents_arg, sigmask),
    FIELD(getevents_arg, sigmask_sz),
    FIELD(getevents_arg, min_wait_usec),
    FIELD(getevents_arg, ts),

    STRUCTURE(sync_cancel_reg),
    FIELD(sync_cancel_reg, addr),
    FIELD(sync_cancel_reg, fd),
    FIELD(sync_cancel_reg, flags),
    FIELD(sync_cancel_reg, timeout),
    FIELD(sync_cancel_reg, opcode),
    FIELD(sync_cancel_reg, pad),
    FIELD(sync_cancel_reg, pad2),

    STRUCTURE(file_index_range),
    FIELD(file_index_range, off),
    FIELD(file_index_range, len),
    FIELD(file_index_range, resv),

    STRUCTURE(recvmsg_out),
    FIELD(recvmsg_out, namelen),
    FIELD(recvmsg_out, controllen),
    FIELD(recvmsg_out, payloadlen),
    FIELD(recvmsg_out, flags),

    STRUCTURE(timespec_64),
    FIELD(timespec_64, tv_sec),
    FIELD(timespec_64, tv_nsec),

    STRUCTURE(bpf_ctx),
    FIELD(bpf_ctx, user_data),
    FIELD(bpf_ctx, opcode),
    FIELD(bpf_ctx, sqe_flags),
    FIELD(bpf_ctx, pdu_size),
    FIELD(bpf_ctx, pad),
    FIELD(bpf_ctx, socket),
    FIELD(bpf_ctx, socket.family),
    FIELD(bpf_ctx, socket.type),
    FIELD(bpf_ctx, socket.protocol),
    FIELD(bpf_ctx, open),
    FIELD(bpf_ctx, open.flags),
    FIELD(bpf_ctx, open.mode),
    FIELD(bpf_ctx, open.resolve),
    FIELD(bpf_ctx, connect),
    FIELD(bpf_ctx, connect.family),
    FIELD(bpf_ctx, connect.port),
    FIELD(bpf_ctx, connect.pad),
    FIELD(bpf_ctx, connect.v4_addr),
    FIELD(bpf_ctx, connect.v6_addr),

    STRUCTURE(bpf_filter),
    FIELD(bpf_filter, opcode),
    FIELD(bpf_filter, flags),
    FIELD(bpf_filter, filter_len),
    FIELD(bpf_filter, pdu_size),
    FIELD(bpf_filter, resv),
    FIELD(bpf_filter, filter_ptr),
    FIELD(bpf_filter, resv2),

    STRUCTURE(bpf),
    FIELD(bpf, cmd_type),
    FIELD(bpf, cmd_flags),
    FIELD(bpf, resv),
    FIELD(bpf, filter),

    STRUCTURE(mock_probe),
    FIELD(mock_probe, features),
    FIELD(mock_probe, resv),

    STRUCTURE(mock_create),
    FIELD(mock_create, out_fd),
    FIELD(mock_create, flags),
    FIELD(mock_create, file_size),
    FIELD(mock_create, rw_delay_ns),
    FIELD(mock_create, resv),

    STRUCTURE(query_hdr),
    FIELD(query_hdr, next_entry),
    FIELD(query_hdr, query_data),
    FIELD(query_hdr, query_op),
    FIELD(query_hdr, size),
    FIELD(query_hdr, result),
    FIELD(query_hdr, resv),

    STRUCTURE(query_opcode),
    FIELD(query_opcode, nr_request_opcodes),
    FIELD(query_opcode, nr_register_opcodes),
    FIELD(query_opcode, feature_flags),
    FIELD(query_opcode, ring_setup_flags),
    FIELD(query_opcode, enter_flags),
    FIELD(query_opcode, sqe_flags),
    FIELD(query_opcode, nr_query_opcodes),
    FIELD(query_opcode, pad),

    STRUCTURE(query_zcrx),
    FIELD(query_zcrx, register_flags),
    FIELD(query_zcrx, area_flags),
    FIELD(query_zcrx, nr_ctrl_opcodes),
    FIELD(query_zcrx, features),
    FIELD(query_zcrx, rq_hdr_size),
    FIELD(query_zcrx, rq_hdr_alignment),
    FIELD(query_zcrx, resv2),

    STRUCTURE(query_zcrx_event),
    FIELD(query_zcrx_event, event_flags),
    FIELD(query_zcrx_event, stats_size),
    FIELD(query_zcrx_event, stats_off_alignment),
    FIELD(query_zcrx_event, resv1),
    FIELD(query_zcrx_event, resv2),

    STRUCTURE(query_scq),
    FIELD(query_scq, hdr_size),
    FIELD(query_scq, hdr_alignment),

    STRUCTURE(zcrx_rqe),
    FIELD(zcrx_rqe, off),
    FIELD(zcrx_rqe, len),
    FIELD(zcrx_rqe, pad),

    STRUCTURE(zcrx_cqe),
    FIELD(zcrx_cqe, off),
    FIELD(zcrx_cqe, pad),

    STRUCTURE(zcrx_offsets),
    FIELD(zcrx_offsets, head),
    FIELD(zcrx_offsets, tail),
    FIELD(zcrx_offsets, rqes),
    FIELD(zcrx_offsets, resv2),
    FIELD(zcrx_offsets, resv),

    STRUCTURE(zcrx_area_reg),
    FIELD(zcrx_area_reg, addr),
    FIELD(zcrx_area_reg, len),
    FIELD(zcrx_area_reg, rq_area_token),
    FIELD(zcrx_area_reg, flags),
    FIELD(zcrx_area_reg, dmabuf_fd),
    FIELD(zcrx_area_reg, resv2),

    STRUCTURE(zcrx_stats),
    FIELD(zcrx_stats, copy_count),
    FIELD(zcrx_stats, copy_bytes),

    STRUCTURE(zcrx_event_desc),
    FIELD(zcrx_event_desc, user_data),
    FIELD(zcrx_event_desc, type_mask),
    FIELD(zcrx_event_desc, flags),
    FIELD(zcrx_event_desc, stats_offset),
    FIELD(zcrx_event_desc, resv2),

    STRUCTURE(zcrx_ifq_reg),
    FIELD(zcrx_ifq_reg, if_idx),
    FIELD(zcrx_ifq_reg, if_rxq),
    FIELD(zcrx_ifq_reg, rq_entries),
    FIELD(zcrx_ifq_reg, flags),
    FIELD(zcrx_ifq_reg, area_ptr),
    FIELD(zcrx_ifq_reg, region_ptr),
    FIELD(zcrx_ifq_reg, offsets),
    FIELD(zcrx_ifq_reg, zcrx_id),
    FIELD(zcrx_ifq_reg, rx_buf_len),
    FIELD(zcrx_ifq_reg, event_desc),
    FIELD(zcrx_ifq_reg, resv),

    STRUCTURE(zcrx_ctrl_flush_rq),
    FIELD(zcrx_ctrl_flush_rq, resv),

    STRUCTURE(zcrx_ctrl_export),
    FIELD(zcrx_ctrl_export, zcrx_fd),
    FIELD(zcrx_ctrl_export, resv1),

    STRUCTURE(zcrx_ctrl_arm_event),
    FIELD(zcrx_ctrl_arm_event, event_type),
    FIELD(zcrx_ctrl_arm_event, resv),

    STRUCTURE(zcrx_ctrl_add_area),
    FIELD(zcrx_ctrl_add_area, area_ptr),
    FIELD(zcrx_ctrl_add_area, resv),

    STRUCTURE(zcrx_ctrl),
    FIELD(zcrx_ctrl, zcrx_id),
    FIELD(zcrx_ctrl, op),
    FIELD(zcrx_ctrl, resv),
    FIELD(zcrx_ctrl, zc_export),
    FIELD(zcrx_ctrl, zc_flush),
    FIELD(zcrx_ctrl, zc_arm_event),
    FIELD(zcrx_ctrl, zc_area),

    STRUCTURE(kernel_timespec),
    FIELD(kernel_timespec, tv_sec),
    FIELD(kernel_timespec, tv_nsec),

    CONSTANT(sqe_fixed_file_bit),
    CONSTANT(sqe_io_drain_bit),
    CONSTANT(sqe_io_link_bit),
    CONSTANT(sqe_io_hardlink_bit),
    CONSTANT(sqe_async_bit),
    CONSTANT(sqe_buffer_select_bit),
    CONSTANT(sqe_cqe_skip_success_bit),
    CONSTANT(opcode::nop),
    CONSTANT(opcode::readv),
    CONSTANT(opcode::writev),
    CONSTANT(opcode::fsync),
    CONSTANT(opcode::read_fixed),
    CONSTANT(opcode::write_fixed),
    CONSTANT(opcode::poll_add),
    CONSTANT(opcode::poll_remove),
    CONSTANT(opcode::sync_file_range),
    CONSTANT(opcode::sendmsg),
    CONSTANT(opcode::recvmsg),
    CONSTANT(opcode::timeout),
    CONSTANT(opcode::timeout_remove),
    CONSTANT(opcode::accept),
    CONSTANT(opcode::async_cancel),
    CONSTANT(opcode::link_timeout),
    CONSTANT(opcode::connect),
    CONSTANT(opcode::fallocate),
    CONSTANT(opcode::openat),
    CONSTANT(opcode::close),
    CONSTANT(opcode::files_update),
    CONSTANT(opcode::statx),
    CONSTANT(opcode::read),
    CONSTANT(opcode::write),
    CONSTANT(opcode::fadvise),
    CONSTANT(opcode::madvise),
    CONSTANT(opcode::send),
    CONSTANT(opcode::recv),
    CONSTANT(opcode::openat2),
    CONSTANT(opcode::epoll_ctl),
    CONSTANT(opcode::splice),
    CONSTANT(opcode::provide_buffers),
    CONSTANT(opcode::remove_buffers),
    CONSTANT(opcode::tee),
    CONSTANT(opcode::shutdown),
    CONSTANT(opcode::renameat),
    CONSTANT(opcode::unlinkat),
    CONSTANT(opcode::mkdirat),
    CONSTANT(opcode::symlinkat),
    CONSTANT(opcode::linkat),
    CONSTANT(opcode::msg_ring),
    CONSTANT(opcode::fsetxattr),
    CONSTANT(opcode::setxattr),
    CONSTANT(opcode::fgetxattr),
    CONSTANT(opcode::getxattr),
    CONSTANT(opcode::socket),
    CONSTANT(opcode::uring_cmd),
    CONSTANT(opcode::send_zc),
    CONSTANT(opcode::sendmsg_zc),
    CONSTANT(opcode::read_multishot),
    CONSTANT(opcode::waitid),
    CONSTANT(opcode::futex_wait),
    CONSTANT(opcode::futex_wake),
    CONSTANT(opcode::futex_waitv),
    CONSTANT(opcode::fixed_fd_install),
    CONSTANT(opcode::ftruncate),
    CONSTANT(opcode::bind),
    CONSTANT(opcode::listen),
    CONSTANT(opcode::recv_zc),
    CONSTANT(opcode::epoll_wait),
    CONSTANT(opcode::readv_fixed),
    CONSTANT(opcode::writev_fixed),
    CONSTANT(opcode::pipe),
    CONSTANT(opcode::nop128),
    CONSTANT(opcode::uring_cmd128),
    CONSTANT(opcode_last),
    CONSTANT(msg_data),
    CONSTANT(msg_send_fd),
    CONSTANT(register_opcode::register_buffers),
    CONSTANT(register_opcode::unregister_buffers),
    CONSTANT(register_opcode::register_files),
    CONSTANT(register_opcode::unregister_files),
    CONSTANT(register_opcode::register_eventfd),
    CONSTANT(register_opcode::unregister_eventfd),
    CONSTANT(register_opcode::register_files_update),
    CONSTANT(register_opcode::register_eventfd_async),
    CONSTANT(register_opcode::register_probe),
    CONSTANT(register_opcode::register_personality),
    CONSTANT(register_opcode::unregister_personality),
    CONSTANT(register_opcode::register_restrictions),
    CONSTANT(register_opcode::register_enable_rings),
    CONSTANT(register_opcode::register_files2),
    CONSTANT(register_opcode::register_files_update2),
    CONSTANT(register_opcode::register_buffers2),
    CONSTANT(register_opcode::register_buffers_update),
    CONSTANT(register_opcode::register_iowq_aff),
    CONSTANT(register_opcode::unregister_iowq_aff),
    CONSTANT(register_opcode::register_iowq_max_workers),
    CONSTANT(register_opcode::register_ring_fds),
    CONSTANT(register_opcode::unregister_ring_fds),
    CONSTANT(register_opcode::register_pbuf_ring),
    CONSTANT(register_opcode::unregister_pbuf_ring),
    CONSTANT(register_opcode::register_sync_cancel),
    CONSTANT(register_opcode::register_file_alloc_range),
    CONSTANT(register_opcode::register_pbuf_status),
    CONSTANT(register_opcode::register_napi),
    CONSTANT(register_opcode::unregister_napi),
    CONSTANT(register_opcode::register_clock),
    CONSTANT(register_opcode::register_clone_buffers),
    CONSTANT(register_opcode::register_send_msg_ring),
    CONSTANT(register_opcode::register_zcrx_ifq),
    CONSTANT(register_opcode::register_resize_rings),
    CONSTANT(register_opcode::register_mem_region),
    CONSTANT(register_opcode::register_query),
    CONSTANT(register_opcode::register_zcrx_ctrl),
    CONSTANT(register_opcode::register_bpf_filter),
    CONSTANT(register_last),
    CONSTANT(register_use_registered_ring),
    CONSTANT(io_wq_bound),
    CONSTANT(io_wq_unbound),
    CONSTANT(mem_region_type_user),
    CONSTANT(mem_region_reg_wait_arg),
    CONSTANT(register_src_registered),
    CONSTANT(register_dst_replace),
    CONSTANT(pbuf_ring_mmap),
    CONSTANT(pbuf_ring_inc),
    CONSTANT(napi_register_op),
    CONSTANT(napi_static_add_id),
    CONSTANT(napi_static_del_id),
    CONSTANT(napi_tracking_dynamic),
    CONSTANT(napi_tracking_static),
    CONSTANT(napi_tracking_inactive),
    CONSTANT(restriction_register_op),
    CONSTANT(restriction_sqe_op),
    CONSTANT(restriction_sqe_flags_allowed),
    CONSTANT(restriction_sqe_flags_required),
    CONSTANT(restriction_last),
    CONSTANT(reg_wait_ts),
    CONSTANT(socket_uring_op_siocinq),
    CONSTANT(socket_uring_op_siocoutq),
    CONSTANT(socket_uring_op_getsockopt),
    CONSTANT(socket_uring_op_setsockopt),
    CONSTANT(socket_uring_op_tx_timestamp),
    CONSTANT(socket_uring_op_getsockname),
    CONSTANT(bpf_filter_deny_rest),
    CONSTANT(bpf_filter_sz_strict),
    CONSTANT(bpf_cmd_filter),
    CONSTANT(mock_feat_cmd_copy),
    CONSTANT(mock_feat_rw_zero),
    CONSTANT(mock_feat_rw_nowait),
    CONSTANT(mock_feat_rw_async),
    CONSTANT(mock_feat_poll),
    CONSTANT(mock_feat_end),
    CONSTANT(mock_create_f_support_nowait),
    CONSTANT(mock_create_f_poll),
    CONSTANT(mock_mgr_cmd_probe),
    CONSTANT(mock_mgr_cmd_create),
    CONSTANT(mock_cmd_copy_regbuf),
    CONSTANT(mock_copy_from),
    CONSTANT(query_op_opcodes),
    CONSTANT(query_op_zcrx),
    CONSTANT(query_op_scq),
    CONSTANT(query_op_zcrx_event),
    CONSTANT(query_max),
    CONSTANT(zcrx_area_dmabuf),
    CONSTANT(zcrx_reg_import),
    CONSTANT(zcrx_reg_nodev),
    CONSTANT(zcrx_feature_rx_page_size),
    CONSTANT(zcrx_feature_event),
    CONSTANT(zcrx_event_alloc_fail),
    CONSTANT(zcrx_event_copy),
    CONSTANT(zcrx_event_type_last),
    CONSTANT(zcrx_event_desc_flag_stats),
    CONSTANT(zcrx_ctrl_op_flush_rq),
    CONSTANT(zcrx_ctrl_op_export),
    CONSTANT(zcrx_ctrl_op_arm_event),
    CONSTANT(zcrx_ctrl_op_add_area),
    CONSTANT(zcrx_ctrl_last),
    CONSTANT(rw_attr_flag_pi),
    CONSTANT(file_index_alloc),
    CONSTANT(sqe_fixed_file),
    CONSTANT(sqe_io_drain),
    CONSTANT(sqe_io_link),
    CONSTANT(sqe_io_hardlink),
    CONSTANT(sqe_async),
    CONSTANT(sqe_buffer_select),
    CONSTANT(sqe_cqe_skip_success),
    CONSTANT(setup_iopoll),
    CONSTANT(setup_sqpoll),
    CONSTANT(setup_sq_aff),
    CONSTANT(setup_cqsize),
    CONSTANT(setup_clamp),
    CONSTANT(setup_attach_wq),
    CONSTANT(setup_r_disabled),
    CONSTANT(setup_submit_all),
    CONSTANT(setup_coop_taskrun),
    CONSTANT(setup_taskrun_flag),
    CONSTANT(setup_sqe128),
    CONSTANT(setup_cqe32),
    CONSTANT(setup_single_issuer),
    CONSTANT(setup_defer_taskrun),
    CONSTANT(setup_no_mmap),
    CONSTANT(setup_registered_fd_only),
    CONSTANT(setup_no_sqarray),
    CONSTANT(setup_hybrid_iopoll),
    CONSTANT(setup_cqe_mixed),
    CONSTANT(setup_sqe_mixed),
    CONSTANT(setup_sq_rewind),
    CONSTANT(uring_cmd_fixed),
    CONSTANT(uring_cmd_multishot),
    CONSTANT(uring_cmd_mask),
    CONSTANT(fsync_datasync),
    CONSTANT(timeout_abs),
    CONSTANT(timeout_update),
    CONSTANT(timeout_boottime),
    CONSTANT(timeout_realtime),
    CONSTANT(link_timeout_update),
    CONSTANT(timeout_etime_success),
    CONSTANT(timeout_multishot),
    CONSTANT(timeout_immediate_arg),
    CONSTANT(timeout_clock_mask),
    CONSTANT(timeout_update_mask),
    CONSTANT(splice_f_fd_in_fixed),
    CONSTANT(poll_add_multi),
    CONSTANT(poll_update_events),
    CONSTANT(poll_update_user_data),
    CONSTANT(poll_add_level),
    CONSTANT(async_cancel_all),
    CONSTANT(async_cancel_fd),
    CONSTANT(async_cancel_any),
    CONSTANT(async_cancel_fd_fixed),
    CONSTANT(async_cancel_userdata),
    CONSTANT(async_cancel_op),
    CONSTANT(recvsend_poll_first),
    CONSTANT(recv_multishot),
    CONSTANT(recvsend_fixed_buf),
    CONSTANT(send_zc_report_usage),
    CONSTANT(recvsend_bundle),
    CONSTANT(send_vectorized),
    CONSTANT(notif_usage_zc_copied),
    CONSTANT(accept_multishot),
    CONSTANT(accept_dontwait),
    CONSTANT(accept_poll_first),
    CONSTANT(msg_ring_cqe_skip),
    CONSTANT(msg_ring_flags_pass),
    CONSTANT(fixed_fd_no_cloexec),
    CONSTANT(nop_inject_result),
    CONSTANT(nop_file),
    CONSTANT(nop_fixed_file),
    CONSTANT(nop_fixed_buffer),
    CONSTANT(nop_tw),
    CONSTANT(nop_cqe32),
    CONSTANT(cqe_f_buffer),
    CONSTANT(cqe_f_more),
    CONSTANT(cqe_f_sock_nonempty),
    CONSTANT(cqe_f_notif),
    CONSTANT(cqe_f_buf_more),
    CONSTANT(cqe_f_skip),
    CONSTANT(cqe_f_32),
    CONSTANT(cqe_buffer_shift),
    CONSTANT(off_sq_ring),
    CONSTANT(off_cq_ring),
    CONSTANT(off_sqes),
    CONSTANT(off_pbuf_ring),
    CONSTANT(off_pbuf_shift),
    CONSTANT(off_mmap_mask),
    CONSTANT(sq_need_wakeup),
    CONSTANT(sq_cq_overflow),
    CONSTANT(sq_taskrun),
    CONSTANT(cq_eventfd_disabled),
    CONSTANT(enter_getevents),
    CONSTANT(enter_sq_wakeup),
    CONSTANT(enter_sq_wait),
    CONSTANT(enter_ext_arg),
    CONSTANT(enter_registered_ring),
    CONSTANT(enter_abs_timer),
    CONSTANT(enter_ext_arg_reg),
    CONSTANT(enter_no_iowait),
    CONSTANT(feat_single_mmap),
    CONSTANT(feat_nodrop),
    CONSTANT(feat_submit_stable),
    CONSTANT(feat_rw_cur_pos),
    CONSTANT(feat_cur_personality),
    CONSTANT(feat_fast_poll),
    CONSTANT(feat_poll_32bits),
    CONSTANT(feat_sqpoll_nonfixed),
    CONSTANT(feat_ext_arg),
    CONSTANT(feat_native_workers),
    CONSTANT(feat_rsrc_tags),
    CONSTANT(feat_cqe_skip),
    CONSTANT(feat_linked_file),
    CONSTANT(feat_reg_reg_ring),
    CONSTANT(feat_recvsend_bundle),
    CONSTANT(feat_min_timeout),
    CONSTANT(feat_rw_attr),
    CONSTANT(feat_no_iowait),
    CONSTANT(rsrc_register_sparse),
    CONSTANT(register_files_skip),
    CONSTANT(op_supported),
    CONSTANT(timestamp_hw_shift),
    CONSTANT(timestamp_type_shift),
    CONSTANT(cqe_f_tstamp_hw),
    CONSTANT(zcrx_area_shift),
    CONSTANT(zcrx_area_mask),
};
// clang-format on

std::string key(const std::string& kind, const std::string& owner, const std::string& name) {
    return kind + " " + (owner.empty() ? name : owner + "." + name);
}

bool remove_front(std::string& text, const std::string& front) {
    if (text.compare(0, front.size(), front) != 0) return false;
    text.erase(0, front.size());
    return true;
}

std::string without_underscores(std::string name) {
    while (remove_front(name, "_")) {
    }
    return name;
}

// The rule: the kernel's name without its prefix.
std::string our_structure(const std::string& kernel_name) {
    // Beside kernel_timespec a plain "timespec" would not say which is meant.
    if (kernel_name == "io_timespec") return "timespec_64";
    std::string name = without_underscores(kernel_name);
    static_cast<void>(remove_front(name, "io_uring_") || remove_front(name, "io_"));
    return name;
}

// The rule: the kernel's name in lower case without its prefix, and the operations in an enumeration.
std::string our_constant(const std::string& enumeration, const std::string& kernel_name) {
    // Enumerators that are none of the things enumerated.
    static const std::map<std::string, std::string> exceptions{
        {"IORING_OP_LAST", "opcode_last"},
        {"IORING_REGISTER_LAST", "register_last"},
        {"IORING_REGISTER_USE_REGISTERED_RING", "register_use_registered_ring"},
    };
    if (const auto found = exceptions.find(kernel_name); found != exceptions.end()) return found->second;

    std::string front;
    std::string name = without_underscores(kernel_name);
    if (enumeration == "io_uring_op" && remove_front(name, "IORING_OP_")) {
        front = "opcode::";
    } else if (enumeration == "io_uring_register_op" && remove_front(name, "IORING_")) {
        front = "register_opcode::";
    } else if (kernel_name == name && remove_front(name, "IO_URING_QUERY_")) {
        // Structures have these two families' names already.
        front = "query_op_";
    } else if (kernel_name == name && remove_front(name, "ZCRX_CTRL_")) {
        front = "zcrx_ctrl_op_";
    } else if (remove_front(name, "IOSQE_")) {
        front = "sqe_";
    } else {
        static_cast<void>(remove_front(name, "IORING_") || remove_front(name, "IO_URING_") ||
                          remove_front(name, "IOU_"));
    }
    for (char& letter : name) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    return front + name;
}

std::string our_key(const uapi_line& line) {
    const std::string kind = line.kind;
    if (kind == "struct") return key("struct", "", our_structure(line.name));
    if (kind == "field") return key("field", our_structure(line.owner), without_underscores(line.name));
    return key("constant", "", our_constant(line.owner, line.name));
}

std::map<std::string, const row*> rows_by_key() {
    std::map<std::string, const row*> by_key;
    for (const row& ours : rows) by_key.emplace(key(ours.kind, ours.owner, ours.name), &ours);
    return by_key;
}

// As row::sign; '?' for a type that no rule knows.
char sign_of(const uapi_line& line) {
    const std::string kind = line.kind;
    const std::string type = line.type;
    const auto starts_with = [&type](const char* front) { return type.rfind(front, 0) == 0; };
    if (kind == "struct") return 'c';
    // Constants have no sign but their value's.
    if (kind != "field") return line.value < 0 && !starts_with("u ") ? 's' : 'u';
    if (line.size == 0) return ' ';
    if (starts_with("struct ")) return 'c';
    if (starts_with("__u") || starts_with("__be")) return 'u';
    if (starts_with("__s") || starts_with("__kernel_time64_t") || starts_with("long long")) return 's';
    return '?';
}

// What is wrong, in words; empty if nothing is.
std::string difference(const uapi_line& line, const row& ours) {
    std::string wrong;
    const auto compare = [&wrong](const char* what, long long kernel_has, long long we_have) {
        if (kernel_has != we_have)
            wrong += std::string{" "} + what + " " + std::to_string(we_have) + ", not " + std::to_string(kernel_has);
    };
    const std::string kind = line.kind;
    const bool constant = kind != "struct" && kind != "field";
    compare(kind == "struct" ? "alignment" : constant ? "value" : "offset", line.value, ours.value);
    if (!constant) compare("size", line.size, static_cast<long long>(ours.size));
    if (sign_of(line) != ours.sign) wrong += std::string{" type "} + ours.sign + ", not " + line.type;
    return wrong.empty() ? wrong : our_key(line) + wrong;
}

} // namespace

TEST_CASE("every name of the kernel's interface has its counterpart", "[abi]") {
    const auto by_key = rows_by_key();
    std::vector<std::string> missing;
    for (const uapi_line& line : uapi_list)
        if (by_key.count(our_key(line)) == 0) missing.push_back(std::string{line.name} + ": " + our_key(line));
    CHECK(missing == std::vector<std::string>{});
}

TEST_CASE("nothing is held against the kernel's interface that is not in it", "[abi]") {
    std::set<std::string> known;
    for (const uapi_line& line : uapi_list) known.insert(our_key(line));
    std::vector<std::string> unknown;
    for (const auto& [name, ours] : rows_by_key())
        if (known.count(name) == 0) unknown.push_back(name);
    CHECK(unknown == std::vector<std::string>{});
}

TEST_CASE("every value, offset, size and alignment is the kernel's", "[abi][hazard 49]") {
    const auto by_key = rows_by_key();
    std::vector<std::string> differences;
    std::set<const row*> compared;
    for (const uapi_line& line : uapi_list) {
        const auto ours = by_key.find(our_key(line));
        if (ours == by_key.end()) continue;
        if (std::string wrong = difference(line, *ours->second); !wrong.empty())
            differences.push_back(std::move(wrong));
        compared.insert(ours->second);
    }
    CHECK(differences == std::vector<std::string>{});
    // Each line met a row of its own, and no row was left out.
    CHECK(compared.size() == std::size(uapi_list));
    CHECK(compared.size() == std::size(rows));
    CHECK(compared.size() > 600);
}

TEST_CASE("the comparison sees what is wrong in a line", "[abi]") {
    const row ours = FIELD(sqe, fd);
    const uapi_line right{"field", "io_uring_sqe", "fd", 4, 4, "__s32"};
    REQUIRE(difference(right, ours).empty());

    uapi_line wrong = right;
    wrong.value = 8;
    CHECK(difference(wrong, ours) == "field sqe.fd offset 4, not 8");
    wrong = right;
    wrong.size = 8;
    CHECK(difference(wrong, ours) == "field sqe.fd size 4, not 8");
    wrong = right;
    wrong.type = "__u32";
    CHECK(difference(wrong, ours) == "field sqe.fd type s, not __u32");
    const uapi_line unsigned_skip{"macro", "", "IORING_REGISTER_FILES_SKIP", 4294967294, 4, "u"};
    CHECK_FALSE(difference(unsigned_skip, CONSTANT(register_files_skip)).empty());
}

TEST_CASE("a structure of the interface starts as zero bytes", "[abi][hazard 29]") {
    for (const row& ours : rows) {
        if (ours.starts_as_zero == nullptr) continue;
        INFO(ours.name);
        CHECK(ours.starts_as_zero());
    }
}

TEST_CASE("the parts of an entry's unions can be set in a constant expression", "[abi]") {
    constexpr abi::sqe command = [] {
        abi::sqe entry;
        entry.command = {7, 0};
        entry.option = {1, 2};
        entry.address = {16, 0};
        return entry;
    }();
    static_assert(command.command.cmd_op == 7 && command.option.optname == 2 && command.address.addr_len == 16);

    std::uint32_t words[16];
    std::memcpy(words, &command, sizeof words);
    CHECK(words[2] == 7);
    CHECK(words[3] == 0);
    CHECK(words[4] == 1);
    CHECK(words[5] == 2);
}

} // namespace abi_test
