// Copies a directory of small files on this library: many files at a time, each in two chains, open, read, close and
// open, write, close, in slots of the registered files. One thread.
#include "copies.hpp"

#include <lio/uring.hpp>

#include <memory>

namespace op = lio::op;

namespace {

constexpr unsigned at_once = bench::tree_copy::at_once;
// The number of every close. Its completion is waited for: the slot must be empty before it is used again.
constexpr std::uint64_t closed = at_once;

bool copy(lio::ring& ring, const bench::tree_copy& tree, char (*memory)[bench::tree_copy::most]) {
    std::uint32_t sizes[at_once];
    for (std::size_t first = 0; first < tree.names.size(); first += at_once) {
        const auto left = tree.names.size() - first;
        const unsigned count = left < at_once ? static_cast<unsigned>(left) : at_once;
        for (unsigned i = 0; i < count; ++i) {
            const lio::direct_descriptor slot{i};
            // The read is short, which would break a plain link.
            if (!ring.push(op::openat_direct(tree.from, tree.names[first + i], O_RDONLY, 0, slot).link().skip_success(),
                           op::read(slot, memory[i], 0).hard_link().user_data(i), op::close(slot).user_data(closed)))
                return false;
        }
        if (!ring.submit_and_wait(2 * count)) return false;
        for (const lio::cqe& done : ring.reap()) {
            if (done.user_data() == closed) continue;
            const auto read = done.result<op::read>();
            if (!read) return false;
            sizes[done.user_data()] = *read;
        }
        for (unsigned i = 0; i < count; ++i) {
            const lio::direct_descriptor slot{i};
            if (!ring.push(op::openat_direct(tree.to, tree.names[first + i], bench::tree_copy::flags, 0600, slot)
                               .link()
                               .skip_success(),
                           op::write(slot, lio::bytes{memory[i], sizes[i]}, 0).link().user_data(i),
                           op::close(slot).user_data(closed)))
                return false;
        }
        if (!ring.submit_and_wait(2 * count)) return false;
        for (const lio::cqe& done : ring.reap())
            if (done.user_data() != closed && done.raw_result() != static_cast<int>(sizes[done.user_data()]))
                return false;
    }
    return true;
}

} // namespace

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    const bench::tree_copy tree{given};
    lio::ring ring = lio::ring::create({.entries = 128}).value();
    const auto files = lio::registered_files::create_empty(ring, at_once).value();
    const std::unique_ptr<char[][bench::tree_copy::most]> memory{new char[at_once][bench::tree_copy::most]};
    return bench::measure(given, 3, given.number("files", 1), [&](unsigned rounds) {
        for (; rounds != 0; --rounds)
            if (!copy(ring, tree, memory.get())) return false;
        return true;
    });
}
