// Zero-copy receive, against a kernel that refuses, that has counted far, or that has a card: what the library asks of
// it, what it says of an answer, and that nothing is left behind. Test code.

#include "fake_kernel.hpp"

#include <lio/abi/query.hpp>
#include <lio/abi/zero_copy_receive.hpp>
#include <lio/large_ring.hpp>
#include <lio/zero_copy_import.hpp>
#include <lio/zero_copy_receiver.hpp>

#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fake_kernel_zero_copy_test {

namespace {

namespace abi = lio::abi;
using lio::cause;
using lio::large_completion_ring;
using lio::large_cqe;
using lio::zero_copy_area;
using lio::zero_copy_import;
using lio::zero_copy_options;
using lio::zero_copy_receiver;
using lio::fake::ground;

template <class T = void>
T* pointer(std::uint64_t address) {
    return reinterpret_cast<T*>(static_cast<std::uintptr_t>(address));
}

// The kernel's half of one zero-copy receive.
class player {
public:
    explicit player(lio::fake::kernel& kernel) : kernel_{kernel} {
        kernel.plays_zero_copy = [this](abi::register_opcode opcode, void* argument) {
            return opcode == abi::register_opcode::register_zcrx_ifq ? add(*static_cast<abi::zcrx_ifq_reg*>(argument))
                                                                     : control(*static_cast<abi::zcrx_ctrl*>(argument));
        };
        kernel.answers_questions = [this](abi::register_opcode opcode, void* argument, std::uint32_t) {
            if (opcode != abi::register_opcode::register_query || !knows_questions) return long{-EINVAL};
            auto& question = *static_cast<abi::query_hdr*>(argument);
            if (question.query_op != abi::query_op_zcrx || question.size != sizeof(abi::query_zcrx))
                return long{-EINVAL};
            if (knows_zero_copy)
                *pointer<abi::query_zcrx>(question.query_data) = can;
            else
                question.result = -EOPNOTSUPP;
            return long{0};
        };
    }

    /// What it says to the next registrations and controls; 0 if it does what is asked for.
    int refuses = 0;
    bool knows_questions = true;
    bool knows_zero_copy = true;
    abi::query_zcrx can;
    std::uint32_t first_counter = 0;

    /// What it was asked for last.
    abi::zcrx_ifq_reg asked;
    abi::zcrx_area_reg area;
    abi::region_desc region;
    abi::zcrx_event_desc events;
    abi::zcrx_ctrl controlled;
    /// What was given back, by its place.
    std::vector<std::uint64_t> taken;

    char* memory() const { return pointer<char>(region.user_addr); }

private:
    long add(abi::zcrx_ifq_reg& registration) {
        asked = registration;
        if (refuses != 0) return -refuses;
        if ((registration.flags & abi::zcrx_reg_import) != 0) {
            registration.zcrx_id = 41;
            return 0;
        }
        area = *pointer<abi::zcrx_area_reg>(registration.area_ptr);
        region = *pointer<abi::region_desc>(registration.region_ptr);
        if (registration.event_desc != 0) events = *pointer<abi::zcrx_event_desc>(registration.event_desc);
        registration.offsets.head = 8; // unlike the real one's
        registration.offsets.tail = 20;
        registration.offsets.rqes = 256;
        registration.zcrx_id = 40;
        registration.rx_buf_len = registration.rx_buf_len != 0 ? registration.rx_buf_len : 4096;
        word(8).store_release(first_counter);
        word(20).store_release(first_counter);
        return 0;
    }
    long control(abi::zcrx_ctrl& request) {
        controlled = request;
        if (refuses != 0) return -refuses;
        switch (request.op) {
        case abi::zcrx_ctrl_op_flush_rq: {
            auto* const entries = reinterpret_cast<abi::zcrx_rqe*>(memory() + 256);
            std::uint32_t head = word(8).load_relaxed();
            for (const std::uint32_t tail = word(20).load_acquire(); head != tail; ++head)
                taken.push_back(entries[head % asked.rq_entries].off);
            word(8).store_release(head);
            return 0;
        }
        case abi::zcrx_ctrl_op_export:
            request.zc_export.zcrx_fd = static_cast<std::uint32_t>(kernel_.open_descriptor());
            return 0;
        case abi::zcrx_ctrl_op_add_area:
            // Another ring has added two meanwhile.
            pointer<abi::zcrx_area_reg>(request.zc_area.area_ptr)->rq_area_token = std::uint64_t{3}
                                                                                   << abi::zcrx_area_shift;
            return 0;
        default:
            return 0;
        }
    }
    lio::detail::shared_u32& word(std::size_t offset) const {
        return *reinterpret_cast<lio::detail::shared_u32*>(memory() + offset);
    }

    lio::fake::kernel& kernel_;
};

large_cqe received_at(std::uint64_t offset, std::uint32_t area = 0) {
    return large_cqe{abi::cqe32{1, 10, abi::cqe_f_more, {(std::uint64_t{area} << abi::zcrx_area_shift) | offset, 0}}};
}

zero_copy_options with_card(zero_copy_options more = {}) {
    more.interface = 3;
    more.queue = 1;
    more.area = zero_copy_area::fresh(1 << 20);
    return more;
}

} // namespace

TEST_CASE("whichever call of zero_copy_receiver::create fails, nothing is left behind", "[zero_copy][hazard 18]") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_7_3};
    const player play{kernel};
    const auto ring = large_completion_ring::create({.entries = 4}).value();
    const std::string before = kernel.left();
    kernel.forget_calls();
    std::optional made{zero_copy_receiver::create(ring, with_card()).value()};
    const std::size_t calls = kernel.calls_that_can_fail();
    // Two mappings, both kept from children, and the registration: last, because it cannot be taken back.
    CHECK(calls == 5);
    CHECK(kernel.position(abi::register_opcode::register_zcrx_ifq) == static_cast<int>(kernel.calls().size()) - 1);
    std::size_t marked = 0;
    for (const auto& [address, one] : kernel.mappings())
        marked += one.size >= (1 << 16) && one.file < 0 && one.do_not_fork ? 1 : 0;
    CHECK(marked >= 2);
    made.reset();
    CHECK(kernel.violations() == "");
    const std::string registered = kernel.left(); // the registration stays as long as the ring
    CHECK(registered != before);
    for (std::size_t nth = 1; nth <= calls; ++nth) {
        for (const int code : {ENOMEM, EPERM, EINVAL, EFAULT}) {
            kernel.forget_calls();
            kernel.fail_any(nth, code);
            const auto failed = zero_copy_receiver::create(ring, with_card());
            INFO("call " << nth << " fails with " << code);
            REQUIRE_FALSE(failed);
            CHECK(failed.error().code() == code);
            CHECK(kernel.left() == registered);
            CHECK(kernel.violations() == "");
        }
    }
}

TEST_CASE("memory that cannot be added is unmapped, and memory that was goes with the receiver",
          "[zero_copy][hazard 18]") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_7_3};
    player play{kernel};
    play.can.nr_ctrl_opcodes = 4;
    const auto ring = large_completion_ring::create({.entries = 4}).value();
    std::optional receiver{zero_copy_receiver::create(ring, with_card()).value()};
    const std::size_t before = kernel.mappings().size();
    for (std::size_t nth = 1; nth <= 3; ++nth) {
        kernel.forget_calls();
        kernel.fail_any(nth, ENOMEM);
        CHECK(receiver->add_area(zero_copy_area::fresh(1)).error().code() == ENOMEM);
        CHECK(kernel.mappings().size() == before);
    }
    // Its number is the kernel's to say; the numbers between are another ring's.
    CHECK(receiver->add_area(zero_copy_area::fresh(1)).value() == 3);
    CHECK(kernel.mappings().size() == before + 1);
    CHECK(receiver->filled(received_at(0, 3)).size() == 10);
    CHECK(receiver->filled(received_at(0, 1)).size() == 0);
    CHECK(receiver->give_back(received_at(0, 2)).error().why() == cause::zero_copy_bytes_are_not_ours);
    receiver.reset();
    CHECK(kernel.mappings().size() == before - 2);
    CHECK(kernel.violations() == "");
}

TEST_CASE("what is asked of a card is what the options say", "[zero_copy]") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_7_3};
    player play{kernel};
    const auto ring = large_completion_ring::create({.entries = 4}).value();
    {
        const auto receiver =
            zero_copy_receiver::create(ring, with_card({.refill_entries = 100, .buffer_length = 16384})).value();
        CHECK(play.asked.if_idx == 3);
        CHECK(play.asked.if_rxq == 1);
        CHECK(play.asked.flags == 0);
        CHECK(play.asked.rq_entries == 128);
        CHECK(play.asked.rx_buf_len == 16384);
        CHECK(play.asked.event_desc == 0);
        CHECK(play.area.len == 1 << 20);
        CHECK(play.area.flags == 0);
        CHECK(play.region.flags == abi::mem_region_type_user);
        CHECK(play.region.size % 65536 == 0);
        CHECK(receiver.id() == 40);
        CHECK(receiver.buffer_length() == 16384);
    }
    char mapped[4096];
    auto options = with_card({.events = lio::zero_copy_event::shortage, .event_user_data = 7, .statistics = true});
    options.area = zero_copy_area::dma_buffer(5, 4096, mapped);
    auto receiver = zero_copy_receiver::create(ring, options).value();
    CHECK(play.area.flags == abi::zcrx_area_dmabuf);
    CHECK(play.area.dmabuf_fd == 5);
    CHECK(play.area.addr == 0);
    CHECK(play.area.len == 4096);
    CHECK(play.events.user_data == 7);
    CHECK(play.events.type_mask == 1);
    CHECK(play.events.flags == abi::zcrx_event_desc_flag_stats);
    // Behind the entries, within the memory, and at a whole number of words.
    CHECK(play.events.stats_offset >= 256 + 4096 * sizeof(abi::zcrx_rqe));
    CHECK(play.events.stats_offset + sizeof(abi::zcrx_stats) <= play.region.size);
    CHECK(play.events.stats_offset % 8 == 0);
    *reinterpret_cast<abi::zcrx_stats*>(play.memory() + play.events.stats_offset) = {0x1'0000'0002, 0x3'0000'0004};
    CHECK(receiver.statistics().value().copies == 0x1'0000'0002);
    CHECK(receiver.statistics().value().bytes == 0x3'0000'0004);
    CHECK(receiver.filled(received_at(100)).data() == reinterpret_cast<std::byte*>(mapped) + 100);
    receiver.arm(lio::zero_copy_event::shortage).value();
    CHECK(play.controlled.zcrx_id == 40);
    CHECK(play.controlled.op == abi::zcrx_ctrl_op_arm_event);
    CHECK(play.controlled.zc_arm_event.event_type == abi::zcrx_event_alloc_fail);

    // One that is not mapped has a place and a size, and nothing to look at.
    options.area = zero_copy_area::dma_buffer(5, 4096);
    auto blind = zero_copy_receiver::create(ring, options).value();
    CHECK(blind.filled(received_at(100)).size() == 0);
    const auto lease = blind.lease(received_at(100)).value();
    CHECK(lease);
    CHECK(lease.memory().data() == nullptr);
    CHECK(lease.memory().size() == 10);
    CHECK(lease.where().offset() == 100);
    CHECK(blind.lease(received_at(4090)).error().why() == cause::zero_copy_bytes_are_not_ours);
}

TEST_CASE("memory goes back in order, also when the refill ring's counters begin again", "[zero_copy][hazard 2]") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_7_3};
    player play{kernel};
    play.first_counter = 0xfffffffe;
    const auto ring = large_completion_ring::create({.entries = 4}).value();
    auto receiver = zero_copy_receiver::create(ring, with_card({.refill_entries = 4})).value();
    std::vector<std::uint64_t> given;
    for (std::uint64_t at = 0; at < 12; ++at) {
        receiver.give_back(received_at(at * 100)).value();
        given.push_back(at * 100);
        if (at % 4 != 3) continue;
        CHECK(receiver.give_back(received_at(1)).error().why() == cause::zero_copy_refill_ring_full);
        receiver.flush().value();
    }
    CHECK(play.taken == given);
}

TEST_CASE("a forked child leaves the memory of zero-copy receive alone", "[zero_copy][hazard 22]") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_7_3};
    const player play{kernel};
    const auto ring = large_completion_ring::create({.entries = 4}).value();
    std::optional receiver{zero_copy_receiver::create(ring, with_card()).value()};
    const auto memory = kernel.mappings();
    kernel.pretend_to_be_forked();
    receiver.reset();
    CHECK(kernel.mappings().size() == memory.size());
    kernel.pretend_to_be_forked(false);
    for (const auto& [address, one] : memory)
        if (one.size >= 1 << 16) kernel.unmap_left(one.size);
}

TEST_CASE("why zero-copy receive was refused is found out by asking the kernel what it can do", "[zero_copy]") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_7_3};
    player play{kernel};
    const auto ring = large_completion_ring::create({.entries = 4}).value();
    const auto why = [&](const zero_copy_options& options) {
        return zero_copy_receiver::create(ring, options).error().why();
    };
    zero_copy_options without_card;
    without_card.without_device = true;
    without_card.area = zero_copy_area::fresh(1);
    const lio::owned_descriptor exported{kernel.open_descriptor()};
    play.refuses = EINVAL;
    for (const int knowing : {0, 1, 2}) {
        play.knows_questions = knowing > 0;
        play.knows_zero_copy = knowing > 1;
        play.can = {};
        CHECK(why(without_card) == cause::zero_copy_needs_device);
        CHECK(why(with_card({.buffer_length = 8192})) == cause::zero_copy_buffer_length_missing);
        CHECK(why(with_card({.events = lio::zero_copy_event::copy})) == cause::zero_copy_events_missing);
        CHECK(why(with_card({.statistics = true})) == cause::zero_copy_events_missing);
        CHECK(zero_copy_import::create(ring, exported).error().why() == cause::zero_copy_sharing_missing);
        CHECK(why(with_card()) == cause::zero_copy_refused);
    }
    play.can.register_flags = abi::zcrx_reg_import | abi::zcrx_reg_nodev;
    play.can.features = abi::zcrx_feature_rx_page_size | abi::zcrx_feature_event;
    CHECK(why(without_card) == cause::zero_copy_refused);
    CHECK(why(with_card({.buffer_length = 8192, .statistics = true})) == cause::zero_copy_refused);
    CHECK(zero_copy_import::create(ring, exported).error().why() == cause::zero_copy_refused);

    // One that knows no imports looks for the memory first.
    play.refuses = EFAULT;
    CHECK(zero_copy_import::create(ring, exported).error() == lio::error{EINVAL, cause::zero_copy_sharing_missing});

    for (const auto& [code, cause] : {std::pair{EPERM, cause::zero_copy_needs_administrator},
                                      {ENODEV, cause::zero_copy_no_interface},
                                      {ERANGE, cause::zero_copy_out_of_range},
                                      {EEXIST, cause::zero_copy_queue_in_use},
                                      {EBUSY, cause::zero_copy_queue_in_use},
                                      {EFAULT, cause::zero_copy_memory_is_not_ours},
                                      {EBADF, cause::zero_copy_no_dma_buffer},
                                      {EOPNOTSUPP, cause::zero_copy_not_supported},
                                      {ENOMEM, cause::register_call}}) {
        play.refuses = code;
        CHECK(zero_copy_receiver::create(ring, with_card()).error() == lio::error{code, cause});
    }
}

TEST_CASE("a control that this kernel lacks is named", "[zero_copy]") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_7_3};
    player play{kernel};
    const auto ring = large_completion_ring::create({.entries = 4}).value();
    auto receiver = zero_copy_receiver::create(ring, with_card({.events = lio::zero_copy_event::copy})).value();
    // Before 6.19 there are none, and later ones do not know the newest.
    for (const auto& [code, controls] : {std::pair{EINVAL, 0u}, {EOPNOTSUPP, 2u}}) {
        play.refuses = code;
        play.can.nr_ctrl_opcodes = controls;
        CHECK(receiver.arm(lio::zero_copy_event::copy).error() == lio::error{code, cause::zero_copy_control_missing});
        CHECK(receiver.add_area(zero_copy_area::fresh(1)).error() ==
              lio::error{code, cause::zero_copy_added_areas_missing});
        if (controls != 0) continue;
        CHECK(receiver.flush().error() == lio::error{code, cause::zero_copy_control_missing});
        CHECK(receiver.export_file().error() == lio::error{code, cause::zero_copy_control_missing});
    }
}

TEST_CASE("an exported zero-copy receive is closed once, and its import has a number of its own", "[zero_copy]") {
    lio::fake::kernel kernel{ground::model, lio::fake::linux_7_3};
    player play{kernel};
    const auto ring = large_completion_ring::create({.entries = 4}).value();
    auto receiver = zero_copy_receiver::create(ring, with_card()).value();
    const auto exported = receiver.export_file().value();
    auto imported = zero_copy_import::create(ring, exported).value();
    CHECK(play.asked.if_idx == static_cast<std::uint32_t>(exported.get()));
    CHECK(play.asked.flags == abi::zcrx_reg_import);
    CHECK(imported.id() == 41);
    play.asked.rq_entries = 4096;
    imported.flush().value();
    CHECK(play.controlled.zcrx_id == 41);
}

} // namespace fake_kernel_zero_copy_test
