// Copies a directory of small files with open(2), read(2), write(2) and close(2), one after the other. One thread.
#include "copies.hpp"

int main(int argc, char** argv) {
    const bench::arguments given{argc, argv};
    const bench::tree_copy tree{given};
    static char memory[bench::tree_copy::most];
    return bench::measure(given, 3, given.number("files", 1), [&](unsigned rounds) {
        for (; rounds != 0; --rounds)
            for (const std::string& name : tree.names) {
                const int from = ::openat(tree.from, name.c_str(), O_RDONLY | O_CLOEXEC);
                const ssize_t size = ::read(from, memory, sizeof memory);
                ::close(from);
                const int to = ::openat(tree.to, name.c_str(), bench::tree_copy::flags | O_CLOEXEC, 0600);
                if (size < 0 || ::write(to, memory, static_cast<std::size_t>(size)) != size) return false;
                ::close(to);
            }
        return true;
    });
}
