// The floor: the least that a ring can be, for nops only, without a check or the handling of any error. One thread.
#pragma once

#include "mmap_style.hpp"

#include "arch.hpp"
#include "bench.hpp"

#include <lio/abi.hpp>

#include <sys/mman.h>

#include <cstddef>

namespace bench {

class bare_ring {
public:
    explicit bare_ring(std::uint32_t entries) {
        namespace abi = lio::abi;
        abi::params asked;
        asked.flags = abi::setup_single_issuer | abi::setup_defer_taskrun | abi::setup_no_sqarray;
        const long file = lio::arch::invoke(lio::arch::io_uring_setup, entries, address(&asked));
        need(file >= 0, "io_uring_setup");
        auto* const rings = static_cast<std::byte*>(
            map(file, asked.cq_off.cqes + asked.cq_entries * sizeof(abi::cqe), abi::off_sq_ring));
        entries_ = static_cast<abi::sqe*>(map(file, asked.sq_entries * sizeof(abi::sqe), abi::off_sqes));
        mask_ = asked.sq_entries - 1;
        completion_mask_ = asked.cq_entries - 1;
        tail_word_ = reinterpret_cast<std::uint32_t*>(rings + asked.sq_off.tail);
        head_word_ = reinterpret_cast<std::uint32_t*>(rings + asked.cq_off.head);
        completion_tail_word_ = reinterpret_cast<std::uint32_t*>(rings + asked.cq_off.tail);
        completions_ = reinterpret_cast<const abi::cqe*>(rings + asked.cq_off.cqes);
        abi::rsrc_update update;
        update.offset = 0xffffffff;
        update.data = static_cast<std::uint64_t>(file);
        need(lio::arch::invoke(lio::arch::io_uring_register, file,
                               static_cast<long>(abi::register_opcode::register_ring_fds), address(&update), 1) == 1,
             "registering the ring");
        file_ = update.offset;
    }

    void push_nop(std::uint64_t user_data) {
        lio::abi::sqe& entry = entries_[tail_++ & mask_];
        entry = {};
        entry.user_data = user_data;
    }
    void submit_and_wait(unsigned count) {
        __atomic_store_n(tail_word_, tail_, __ATOMIC_RELEASE);
        lio::arch::invoke(lio::arch::io_uring_enter, file_, count, count,
                          lio::abi::enter_getevents | lio::abi::enter_registered_ring);
    }
    std::uint64_t reap() {
        std::uint64_t sum = 0;
        const std::uint32_t tail = __atomic_load_n(completion_tail_word_, __ATOMIC_ACQUIRE);
        while (head_ != tail) sum += completions_[head_++ & completion_mask_].user_data;
        __atomic_store_n(head_word_, head_, __ATOMIC_RELEASE);
        return sum;
    }

private:
    static long address(const void* pointer) { return static_cast<long>(reinterpret_cast<std::uintptr_t>(pointer)); }
    static void* map(long file, std::size_t size, std::uint64_t offset) {
        void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                                    static_cast<int>(file), static_cast<off_t>(offset));
        need(memory != MAP_FAILED, "mapping the ring");
        return memory;
    }

    lio::abi::sqe* entries_;
    const lio::abi::cqe* completions_;
    std::uint32_t* tail_word_;
    std::uint32_t* head_word_;
    const std::uint32_t* completion_tail_word_;
    std::uint32_t mask_, completion_mask_;
    std::uint32_t tail_ = 0, head_ = 0;
    long file_;
};

} // namespace bench
