// What the programs that copy share. Arguments: from and to, a file (copy) or an existing directory each (tree); files,
// how many the directory holds, with the names 0, 1, 2 and so on.
#pragma once

#include "bench.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace bench {

inline constexpr unsigned chunk = 256 * 1024;
inline constexpr unsigned chunks_in_flight = 8;

/// A large file and its copy; the copy is a new file each round.
class large_copy {
public:
    explicit large_copy(const arguments& given) : to_{given.text("to", "")} {
        from = ::open(given.text("from", ""), O_RDONLY | O_CLOEXEC);
        struct stat info;
        need(from >= 0 && ::fstat(from, &info) == 0, "opening the file");
        size = static_cast<std::uint64_t>(info.st_size);
    }
    int begin() const {
        ::unlink(to_);
        const int made = ::open(to_, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        need(made >= 0, "making the copy");
        return made;
    }
    unsigned part_at(std::uint64_t offset) const {
        return size - offset < chunk ? static_cast<unsigned>(size - offset) : chunk;
    }

    int from;
    std::uint64_t size;

private:
    const char* to_;
};

/// A directory of small files; the copies are written over those of the round before.
class tree_copy {
public:
    explicit tree_copy(const arguments& given)
        : from{::open(given.text("from", ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC)},
          to{::open(given.text("to", ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC)} {
        need(from >= 0 && to >= 0, "opening the directories");
        for (unsigned i = 0; i < given.number("files", 1); ++i) names.push_back(std::to_string(i));
    }
    int from, to;
    std::vector<std::string> names;

    static constexpr unsigned most = 16384; // bytes of a file
    static constexpr unsigned at_once = 32;
    static constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC;
};

} // namespace bench
