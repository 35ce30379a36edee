// Commands of NVMe, tried on the scratch disk and held against what the block device and sysfs say of the same disk. On
// a machine with a real NVMe disk only questions are asked. One thread.

#include "catch.hpp"

#include "support/block_devices.hpp"
#include "support/encoding.hpp"
#include "support/files.hpp"
#include "support/large_rings.hpp"
#include "support/probe.hpp"
#include "support/skip.hpp"
#include "support/waiting.hpp"

#include <lio/completion.hpp>
#include <lio/op/nop.hpp>
#include <lio/op/nvme_commands.hpp>
#include <lio/registered_buffers.hpp>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

namespace nvme_commands_test {

namespace {

namespace op = lio::op;
using namespace lio::test;
using lio::large_ring;
using lio::nvme_command;

alignas(4096) char page[4096];
alignas(4096) char other_page[4096];
const iovec pieces[] = {{page, 512}, {other_page, 1024}};

constexpr nvme_command every_word = [] {
    nvme_command request;
    request.opcode = 0x12;
    request.flags = 0x34;
    request.rsvd1 = 0x5678;
    request.nsid = 1;
    request.cdw2 = 2;
    request.cdw3 = 3;
    request.metadata = 0xfedcba9876543210;
    request.metadata_len = 6;
    request.cdw10 = 10;
    request.cdw11 = 11;
    request.cdw12 = 12;
    request.cdw13 = 13;
    request.cdw14 = 14;
    request.cdw15 = 15;
    request.timeout_ms = 16;
    request.rsvd2 = 17;
    return request;
}();

expected_entry with_every_word(std::uint8_t opcode, std::uint32_t number, const void* data, std::uint32_t length) {
    return expected_entry{128}
        .u8(0, opcode)
        .s32(4, 7)
        .u32(8, number)
        .u8(48, 0x12)
        .u8(49, 0x34)
        .u16(50, 0x5678)
        .u32(52, 1)
        .u32(56, 2)
        .u32(60, 3)
        .u64(64, 0xfedcba9876543210)
        .pointer(72, data)
        .u32(80, 6)
        .u32(84, length)
        .u32(88, 10)
        .u32(92, 11)
        .u32(96, 12)
        .u32(100, 13)
        .u32(104, 14)
        .u32(108, 15)
        .u32(112, 16)
        .u32(116, 17);
}

struct bytes_of_72 {
    char bytes[72];
};
constexpr std::uint32_t io = _IOWR('N', 0x80, bytes_of_72);
constexpr std::uint32_t io_vec = _IOWR('N', 0x81, bytes_of_72);
constexpr std::uint32_t admin = _IOWR('N', 0x82, bytes_of_72);
constexpr std::uint32_t admin_vec = _IOWR('N', 0x83, bytes_of_72);

constexpr lio::registered_buffer third{3, lio::mutable_bytes{page}};

const encodings rows{[](auto add) {
    add("nvme_io", op::nvme_io(7, every_word, page), with_every_word(46, io, page, 4096));
    add("nvme_io without data, of a slot, with modifiers",
        op::nvme_io(lio::direct_descriptor{7}, nvme_command{}).link().user_data(5),
        expected_entry{128}.u8(0, 46).u8(1, 1 | 4).s32(4, 7).u32(8, io).u64(32, 5));
    add("nvme_io with a registered buffer, said afterwards", op::nvme_io(7, every_word, page).fixed(third),
        with_every_word(46, io, page, 4096).u32(28, 1).u16(40, 3));
    add("nvme_io with a registered buffer", op::nvme_io(7, every_word, third.part(512, 1024)),
        with_every_word(46, io, page + 512, 1024).u32(28, 1).u16(40, 3));
    add("nvme_io_vec", op::nvme_io_vec(7, every_word, pieces), with_every_word(46, io_vec, pieces, 2));
    add("nvme_io_vec in a registered buffer", op::nvme_io_vec(7, every_word, pieces, third).force_async(),
        with_every_word(46, io_vec, pieces, 2).u8(1, 16).u32(28, 1).u16(40, 3));
    add("nvme_admin", op::nvme_admin(7, every_word, page), with_every_word(46, admin, page, 4096));
    add("nvme_admin with a registered buffer", op::nvme_admin(7, every_word, third).user_data(5),
        with_every_word(46, admin, page, 4096).u32(28, 1).u64(32, 5).u16(40, 3));
    add("nvme_admin_vec", op::nvme_admin_vec(7, every_word, pieces), with_every_word(46, admin_vec, pieces, 2));
    add("nvme_admin_vec in a registered buffer", op::nvme_admin_vec(7, every_word, pieces, third),
        with_every_word(46, admin_vec, pieces, 2).u32(28, 1).u16(40, 3));
    add("nvme_admin_vec with modifiers", op::nvme_admin_vec(7, every_word, pieces).drain().personality(5),
        with_every_word(46, admin_vec, pieces, 2).u8(1, 2).u16(42, 5));
    add("nvme_io128", op::nvme_io128(7, every_word, page), with_every_word(64, io, page, 4096));
    add("nvme_io128 with a registered buffer", op::nvme_io128(7, every_word, third).link().user_data(5),
        with_every_word(64, io, page, 4096).u8(1, 4).u32(28, 1).u64(32, 5).u16(40, 3));
    add("nvme_io128_vec", op::nvme_io128_vec(7, every_word, pieces), with_every_word(64, io_vec, pieces, 2));
    add("nvme_io128_vec in a registered buffer", op::nvme_io128_vec(7, every_word, pieces, third),
        with_every_word(64, io_vec, pieces, 2).u32(28, 1).u16(40, 3));
    add("nvme_io128_vec with modifiers", op::nvme_io128_vec(7, every_word, pieces).hard_link().user_data(5),
        with_every_word(64, io_vec, pieces, 2).u8(1, 8).u64(32, 5));
    add("nvme_admin128", op::nvme_admin128(7, every_word, page), with_every_word(64, admin, page, 4096));
    add("nvme_admin128 with a registered buffer", op::nvme_admin128(7, every_word, third),
        with_every_word(64, admin, page, 4096).u32(28, 1).u16(40, 3));
    add("nvme_admin128_vec", op::nvme_admin128_vec(7, every_word, pieces), with_every_word(64, admin_vec, pieces, 2));
    add("nvme_admin128_vec in a registered buffer", op::nvme_admin128_vec(7, every_word, pieces, third),
        with_every_word(64, admin_vec, pieces, 2).u32(28, 1).u16(40, 3));
    add("nvme_admin128_vec with modifiers", op::nvme_admin128_vec(7, every_word, pieces).drain().user_data(5),
        with_every_word(64, admin_vec, pieces, 2).u8(1, 2).u64(32, 5));
}};

template <class Operation>
constexpr bool can_skip_success = requires(const Operation& operation) {
    operation.skip_success();
};
static_assert(!can_skip_success<op::nvme_io>, "what the device refuses would vanish");

// Words and numbers of the specification.
constexpr std::uint8_t write_opcode = 1;
constexpr std::uint8_t read_opcode = 2;
constexpr std::uint8_t identify_opcode = 6;
constexpr std::uint8_t get_features_opcode = 0x0a;
constexpr std::uint8_t lba_out_of_range = 0x80;
constexpr std::size_t sector = 512;

nvme_command transfer(std::uint8_t opcode, std::uint32_t name_space, std::uint64_t first, std::size_t size) {
    nvme_command request;
    request.opcode = opcode;
    request.nsid = name_space;
    request.cdw10 = static_cast<std::uint32_t>(first);
    request.cdw11 = static_cast<std::uint32_t>(first >> 32);
    request.cdw12 = static_cast<std::uint32_t>(size / sector - 1);
    return request;
}

nvme_command identify_controller() {
    nvme_command request;
    request.opcode = identify_opcode;
    request.cdw10 = 1;
    return request;
}

// The scratch disk, if it is the first NVMe one.
bool has_disk() {
    return scratch_disk() == "/dev/nvme0n1" && first_line_of("/sys/block/nvme0n1/queue/logical_block_size") == "512" &&
           ::access("/dev/ng0n1", R_OK | W_OK) == 0;
}
bool has_controller() { return ::access("/dev/nvme0", R_OK | W_OK) == 0; }

constexpr const char* no_disk = "an NVMe disk that may be overwritten (LIO_SCRATCH_DISK=/dev/nvme0n1), and root";
constexpr const char* no_controller = "an NVMe disk, and root";
constexpr const char* no_128 = "operations of 128 bytes: since Linux 6.19";

// The namespace that a file is of.
std::uint32_t namespace_of(int file) {
    const int number = ::ioctl(file, _IO('N', 0x40));
    REQUIRE(number > 0);
    return static_cast<std::uint32_t>(number);
}

// What the block device has, past its page cache.
std::string on_disk(off_t offset) {
    alignas(4096) static char content[4096];
    const open_file disk{"/dev/nvme0n1", O_RDONLY | O_DIRECT};
    REQUIRE(::pread(disk, content, sizeof content, offset) == sizeof content);
    return {content, sizeof content};
}

void succeeds(const lio::large_cqe& done) {
    INFO(done.raw_result());
    CHECK(done.as<op::nvme_io>().status().value().is_success());
}

// Writes and reads back, by operations of a type that needs them as `code` says.
template <class Plain, class Vectored>
void writes_and_reads(large_ring& ring) {
    const open_file file{"/dev/ng0n1", O_RDWR};
    const std::uint32_t space = namespace_of(file);
    std::memset(page, 'a', sizeof page);
    succeeds(run_on(ring, Plain(file, transfer(write_opcode, space, 8, sizeof page), page)));
    CHECK(on_disk(4096) == std::string(4096, 'a'));
    std::memset(page, 0, sizeof page);
    succeeds(run_on(ring, Plain(file, transfer(read_opcode, space, 8, sizeof page), page)));
    CHECK(std::string(page, sizeof page) == std::string(4096, 'a'));
    // The same in pieces.
    std::memset(page, 'b', sizeof page);
    std::memset(other_page, 'c', sizeof other_page);
    succeeds(run_on(ring, Vectored(file, transfer(write_opcode, space, 8, 1536), pieces)));
    CHECK(on_disk(4096) == std::string(512, 'b') + std::string(1024, 'c') + std::string(4096 - 1536, 'a'));
    std::memset(page, 0, sizeof page);
    std::memset(other_page, 0, sizeof other_page);
    succeeds(run_on(ring, Vectored(file, transfer(read_opcode, space, 8, 1536), pieces)));
    CHECK(std::string(page, 513) == std::string(512, 'b') + '\0');
    CHECK(std::string(other_page, 1025) == std::string(1024, 'c') + '\0');
}

// The errno with which a command of no meaning ends.
template <class Operation, class Data>
int failure_of(large_ring& ring, int file, Data& data) {
    const auto answer = run_on(ring, Operation(file, nvme_command{}, data)).template result<Operation>();
    return answer ? 0 : answer.error().code();
}

template <class Plain, class Vectored>
void identifies(large_ring& ring) {
    const open_file file{"/dev/nvme0", O_RDWR};
    const std::string model = first_line_of("/sys/class/nvme/nvme0/model");
    REQUIRE_FALSE(model.empty());
    std::memset(page, 0, sizeof page);
    succeeds(run_on(ring, Plain(file, identify_controller(), page)));
    CHECK(std::string(page + 24, 40).rfind(model, 0) == 0);
    const iovec halves[] = {{page, 2048}, {other_page, 2048}};
    std::memset(page, 0, sizeof page);
    succeeds(run_on(ring, Vectored(file, identify_controller(), halves)));
    CHECK(std::string(page + 24, 40).rfind(model, 0) == 0);
    // How many queues there are: the answer's two halves, counted from 0.
    nvme_command queues;
    queues.opcode = get_features_opcode;
    queues.cdw10 = 7;
    const auto answer = run_on(ring, Plain(file, queues)).template as<Plain>();
    CHECK(answer.status().value().is_success());
    CHECK((answer.answer() & 0xffff) == (answer.answer() >> 16));
    CHECK(answer.answer() != 0);
}

} // namespace

TEST_CASE("nvme_io and nvme_io_vec write and read what the block device has", "[nvme_commands]") {
    if (!has_disk()) LIO_SKIP(no_disk);
    if (!has_large_rings<large_ring>()) LIO_SKIP(no_large_rings);
    large_ring ring = large_ring::create({.entries = 4}).value();
    writes_and_reads<op::nvme_io, op::nvme_io_vec>(ring);
}

TEST_CASE("nvme_io128 and nvme_io128_vec write and read what the block device has", "[nvme_commands]") {
    if (!has_disk()) LIO_SKIP(no_disk);
    if (!kernel_supports(lio::abi::opcode::uring_cmd128)) LIO_SKIP(no_128);
    large_ring ring = large_ring::create({.entries = 4}).value();
    writes_and_reads<op::nvme_io128, op::nvme_io128_vec>(ring);
}

TEST_CASE("nvme_io reads into a registered buffer", "[nvme_commands]") {
    if (!has_disk()) LIO_SKIP(no_disk);
    if (!has_large_rings<large_ring>()) LIO_SKIP(no_large_rings);
    large_ring ring = large_ring::create({.entries = 4}).value();
    const open_file file{"/dev/ng0n1", O_RDWR};
    const std::uint32_t space = namespace_of(file);
    const lio::mutable_bytes memory[] = {lio::mutable_bytes{page}};
    auto buffers = lio::registered_buffers::create(ring, memory).value();
    std::memset(page, 'd', sizeof page);
    succeeds(run_on(ring, op::nvme_io(file, transfer(write_opcode, space, 16, sizeof page), buffers[0])));
    CHECK(on_disk(8192) == std::string(4096, 'd'));
    std::memset(page, 0, sizeof page);
    succeeds(run_on(ring, op::nvme_io(file, transfer(read_opcode, space, 16, 1024), buffers[0].part(512, 1024))));
    CHECK(std::string(page, sizeof page) == std::string(512, '\0') + std::string(1024, 'd') + std::string(2560, '\0'));
    // The memory must be the buffer's.
    CHECK(code(run_on(ring, op::nvme_io(file, transfer(read_opcode, space, 16, 1024), other_page).fixed(buffers[0]))) ==
          EFAULT);
}

TEST_CASE("nvme_io_vec reads into pieces of a registered buffer", "[nvme_commands]") {
    if (!has_disk()) LIO_SKIP(no_disk);
    // It came with the same kernel; and asking an older one makes that complain.
    if (!kernel_supports(lio::abi::opcode::readv_fixed)) LIO_SKIP("pieces of registered buffers: since Linux 6.15");
    large_ring ring = large_ring::create({.entries = 4}).value();
    const open_file file{"/dev/ng0n1", O_RDWR};
    const std::uint32_t space = namespace_of(file);
    const lio::mutable_bytes memory[] = {lio::mutable_bytes{page}};
    auto buffers = lio::registered_buffers::create(ring, memory).value();
    std::memset(page, 'e', sizeof page);
    succeeds(run_on(ring, op::nvme_io(file, transfer(write_opcode, space, 24, sizeof page), page)));
    std::memset(page, 0, sizeof page);
    const iovec parts[] = {{page + 512, 512}, {page + 2048, 1024}};
    succeeds(run_on(ring, op::nvme_io_vec(file, transfer(read_opcode, space, 24, 1536), parts, buffers[0])));
    CHECK(std::string(page, sizeof page) == std::string(512, '\0') + std::string(512, 'e') + std::string(1024, '\0') +
                                                std::string(1024, 'e') + std::string(1024, '\0'));
    const iovec elsewhere[] = {{other_page, 512}};
    CHECK(code(run_on(ring, op::nvme_io_vec(file, transfer(read_opcode, space, 24, 512), elsewhere, buffers[0]))) ==
          EFAULT);
}

TEST_CASE("nvme_admin and nvme_admin_vec ask the controller", "[nvme_commands]") {
    if (!has_controller()) LIO_SKIP(no_controller);
    if (!has_large_rings<large_ring>()) LIO_SKIP(no_large_rings);
    large_ring ring = large_ring::create({.entries = 4}).value();
    identifies<op::nvme_admin, op::nvme_admin_vec>(ring);
}

TEST_CASE("nvme_admin128 and nvme_admin128_vec ask the controller", "[nvme_commands]") {
    if (!has_controller()) LIO_SKIP(no_controller);
    if (!kernel_supports(lio::abi::opcode::uring_cmd128)) LIO_SKIP(no_128);
    large_ring ring = large_ring::create({.entries = 4}).value();
    identifies<op::nvme_admin128, op::nvme_admin128_vec>(ring);
}

TEST_CASE("what an NVMe device refuses comes as its status, and does not break a chain", "[nvme_commands]") {
    if (!has_disk()) LIO_SKIP(no_disk);
    if (!has_large_rings<large_ring>()) LIO_SKIP(no_large_rings);
    large_ring ring = large_ring::create({.entries = 4}).value();
    const open_file file{"/dev/ng0n1", O_RDWR};
    const std::uint32_t space = namespace_of(file);
    const nvme_command beyond = transfer(read_opcode, space, std::uint64_t{1} << 60, sizeof page);
    ring.push(op::nvme_io(file, beyond, page).link().user_data(1), op::nop().user_data(2)).value();
    const lio::large_cqe refused = next_on(ring);
    REQUIRE(refused.user_data() == 1);
    const lio::nvme_status status = refused.as<op::nvme_io>().status().value();
    CHECK_FALSE(status.is_success());
    CHECK(status.code() == lba_out_of_range);
    CHECK(status.code_type() == 0);
    CHECK(refused.result<op::nvme_io>().value() == status);
    CHECK(code(next_on(ring)) == 0);
}

TEST_CASE("an NVMe command that cannot reach its device fails, and breaks a chain", "[nvme_commands]") {
    if (!has_disk()) LIO_SKIP(no_disk);
    if (!has_large_rings<large_ring>()) LIO_SKIP(no_large_rings);
    large_ring ring = large_ring::create({.entries = 4}).value();
    const open_file file{"/dev/ng0n1", O_RDWR};
    const std::uint32_t space = namespace_of(file);
    const nvme_command elsewhere = transfer(read_opcode, space + 1, 0, sizeof page);
    ring.push(op::nvme_io(file, elsewhere, page).link().user_data(1), op::nop().user_data(2)).value();
    CHECK(next_on(ring).as<op::nvme_io>().status().error().code() == EINVAL);
    CHECK(code(next_on(ring)) == ECANCELED);
    CHECK(code(run_on(ring, op::nvme_admin(file, identify_controller(), page))) == ENOTTY);
    const open_file controller{"/dev/nvme0", O_RDWR};
    CHECK(code(run_on(ring, op::nvme_io(controller, transfer(read_opcode, space, 0, 512), page))) == ENOTTY);
    const lio::mutable_bytes nowhere{reinterpret_cast<void*>(std::uintptr_t{4096}), 512};
    CHECK(code(run_on(ring, op::nvme_io(file, transfer(read_opcode, space, 0, 512), nowhere))) == EFAULT);
}

TEST_CASE("a file without NVMe commands says so", "[nvme_commands]") {
    if (!has_large_rings<large_ring>()) LIO_SKIP(no_large_rings);
    large_ring ring = large_ring::create({.entries = 4}).value();
    const pipe_ends pipe;
    CHECK(failure_of<op::nvme_io>(ring, pipe.reading(), page) == EOPNOTSUPP);
    CHECK(failure_of<op::nvme_io_vec>(ring, pipe.reading(), pieces) == EOPNOTSUPP);
    CHECK(failure_of<op::nvme_admin>(ring, pipe.reading(), page) == EOPNOTSUPP);
    CHECK(failure_of<op::nvme_admin_vec>(ring, pipe.reading(), pieces) == EOPNOTSUPP);
    CHECK(failure_of<op::nvme_io>(ring, -1, page) == EBADF);
}

TEST_CASE("a file without NVMe commands says so to operations of 128 bytes, too", "[nvme_commands]") {
    if (!has_large_rings<large_ring>()) LIO_SKIP(no_large_rings);
    // A kernel that does not know them says EINVAL, whatever the file.
    const bool is_known = kernel_supports(lio::abi::opcode::uring_cmd128);
    const int expected = is_known ? EOPNOTSUPP : EINVAL;
    large_ring ring = large_ring::create({.entries = 4}).value();
    const pipe_ends pipe;
    CHECK(failure_of<op::nvme_io128>(ring, pipe.reading(), page) == expected);
    CHECK(failure_of<op::nvme_io128_vec>(ring, pipe.reading(), pieces) == expected);
    CHECK(failure_of<op::nvme_admin128>(ring, pipe.reading(), page) == expected);
    CHECK(failure_of<op::nvme_admin128_vec>(ring, pipe.reading(), pieces) == expected);
    CHECK(failure_of<op::nvme_io128>(ring, -1, page) == (is_known ? EBADF : EINVAL));
}

TEST_CASE("a namespace and a controller each refuse the other's commands", "[nvme_commands]") {
    if (!has_disk()) LIO_SKIP(no_disk);
    if (!kernel_supports(lio::abi::opcode::uring_cmd128)) LIO_SKIP(no_128);
    large_ring ring = large_ring::create({.entries = 4}).value();
    const open_file disk{"/dev/ng0n1", O_RDWR};
    const open_file controller{"/dev/nvme0", O_RDWR};
    CHECK(failure_of<op::nvme_admin_vec>(ring, disk, pieces) == ENOTTY);
    CHECK(failure_of<op::nvme_admin128>(ring, disk, page) == ENOTTY);
    CHECK(failure_of<op::nvme_admin128_vec>(ring, disk, pieces) == ENOTTY);
    CHECK(failure_of<op::nvme_io_vec>(ring, controller, pieces) == ENOTTY);
    CHECK(failure_of<op::nvme_io128>(ring, controller, page) == ENOTTY);
    CHECK(failure_of<op::nvme_io128_vec>(ring, controller, pieces) == ENOTTY);
}

TEST_CASE("the completion of an NVMe command is read as it is laid out", "[nvme_commands][layout]") {
    const lio::large_cqe done{lio::abi::cqe32{1, 0x4281, 0, {0xfedcba9876543210, 6}}};
    const auto refused = done.as<op::nvme_admin>();
    CHECK(refused.status().value().value() == 0x4281);
    CHECK(refused.status().value().code() == 0x81);
    CHECK(refused.status().value().code_type() == 2);
    CHECK(refused.answer() == 0xfedcba9876543210);
    const lio::large_cqe aborted{lio::abi::cqe32{1, -EINTR, 0, {}}};
    CHECK(aborted.as<op::nvme_io>().status().error().code() == EINTR);
}

} // namespace nvme_commands_test
