// The attributes of many files on this library, so many at a time. One thread.
#include "stats.hpp"

#include <lio/uring.hpp>

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    const bench::named_files files{given};
    const auto depth = given.number("depth", 64);
    lio::ring ring = lio::ring::create({.entries = 128}).value();
    std::vector<struct statx> answers(depth);
    return bench::measure(given, 10, given.number("count", 1), [&](unsigned rounds) {
        for (; rounds != 0; --rounds) {
            for (std::size_t first = 0; first < files.names.size(); first += depth) {
                unsigned pushed = 0;
                for (; pushed < depth && first + pushed < files.names.size(); ++pushed) {
                    const lio::op::statx asked{files.directory, files.names[first + pushed], 0, STATX_BASIC_STATS,
                                               answers[pushed]};
                    if (!ring.push(asked)) return false;
                }
                if (!ring.submit_and_wait(pushed)) return false;
                for (const lio::cqe& done : ring.reap())
                    if (!done.result()) return false;
            }
        }
        return true;
    });
}
