// What the programs that read share: the file, the offsets (random, whole blocks), and memory for what is in flight.
// Arguments: file, blocks, depth, direct=yes for O_DIRECT, fixed=yes for registered files and buffers.
#pragma once

#include "bench.hpp"

#include <fcntl.h>

namespace bench {

inline constexpr unsigned block = 4096;
inline constexpr unsigned most_in_flight = 128;

class random_reads {
public:
    explicit random_reads(const arguments& given)
        : file{::open(given.text("file", ""), O_RDONLY | O_CLOEXEC | (given.is("direct", "yes") ? O_DIRECT : 0))},
          depth{given.number("depth", 1)},
          fixed{given.is("fixed", "yes")},
          blocks_{given.number("blocks", 1)} {
        need(file >= 0, "opening the file");
        need(depth <= most_in_flight, "this depth");
    }
    std::uint64_t next_offset() { return std::uint64_t{numbers_.next() % blocks_} * block; }

    const int file;
    const unsigned depth;
    const bool fixed;
    alignas(block) static inline char memory[most_in_flight][block];

private:
    unsigned blocks_;
    random_numbers numbers_;
};

} // namespace bench
