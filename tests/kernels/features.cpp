// Prints what the kernel at hand can do, as lio::abilities() found it: a line for each operation, feature and set-up
// flag that the kernel's interface names, "has" or "lacks", the kind and the name, with tabs between. tests/kernels
// makes docs/kernel_versions.md of it. One thread.

#include <lio/uring.hpp>

#include <uapi_list.hpp>

#include <cstdio>
#include <cstring>

namespace {

bool starts_with(const char* text, const char* start) { return std::strncmp(text, start, std::strlen(start)) == 0; }

void print(bool has, const char* kind, const char* name) {
    std::printf("%s\t%s\t%s\n", has ? "has" : "lacks", kind, name);
}

} // namespace

int main() {
    const lio::system_abilities& found = lio::abilities();
    const auto setups = static_cast<std::uint32_t>(found.setup_options());
    for (const uapi_line& line : uapi_list) {
        const auto bits = static_cast<std::uint32_t>(line.value);
        if (std::strcmp(line.owner, "io_uring_op") == 0 && std::strcmp(line.name, "IORING_OP_LAST") != 0) {
            print(found.supports(std::int64_t{line.value}), "operations", line.name);
        } else if (starts_with(line.name, "IORING_FEAT_")) {
            print((found.features() & bits) != 0, "features", line.name);
        } else if (starts_with(line.name, "IORING_SETUP_")) {
            print((setups & bits) != 0, "set-up flags", line.name);
        }
    }
    return found.available() ? 0 : 1;
}
