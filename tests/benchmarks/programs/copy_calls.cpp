// Copies a large file with read(2) and write(2), part by part. One thread.
#include "copies.hpp"

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    const bench::large_copy files{given};
    static char memory[bench::chunk];
    return bench::measure(given, 2, 1, [&](unsigned rounds) {
        for (; rounds != 0; --rounds) {
            const int to = files.begin();
            for (std::uint64_t offset = 0; offset != files.size;) {
                const auto size = static_cast<ssize_t>(files.part_at(offset));
                if (::pread(files.from, memory, static_cast<std::size_t>(size), static_cast<off_t>(offset)) != size)
                    return false;
                if (::write(to, memory, static_cast<std::size_t>(size)) != size) return false;
                offset += static_cast<std::uint64_t>(size);
            }
            ::close(to);
        }
        return true;
    });
}
