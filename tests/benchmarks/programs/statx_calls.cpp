// The attributes of many files with statx(2), one after the other. One thread.
#include "stats.hpp"

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    const bench::named_files files{given};
    struct statx answer;
    return bench::measure(given, 10, given.number("count", 1), [&](unsigned rounds) {
        for (; rounds != 0; --rounds)
            for (const std::string& name : files.names)
                if (::statx(files.directory, name.c_str(), 0, STATX_BASIC_STATS, &answer) != 0) return false;
        return true;
    });
}
