// What the programs that ask for files' attributes share: the names 0, 1, 2 and so on in one directory.
// Arguments: directory, count, depth.
#pragma once

#include "bench.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <string>
#include <vector>

namespace bench {

class named_files {
public:
    explicit named_files(const arguments& given)
        : directory{::open(given.text("directory", ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC)} {
        need(directory >= 0, "opening the directory");
        for (unsigned i = 0; i < given.number("count", 1); ++i) names.push_back(std::to_string(i));
    }
    const int directory;
    std::vector<std::string> names;
};

} // namespace bench
