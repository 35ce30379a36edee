// The command line of the examples: options with a number, at most one other argument, and --help. Includes the
// standard library only; ends the program itself when there is nothing more to do.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string_view>

namespace example {

/// An option that is followed by a number, "--port 7000".
struct number_option {
    std::string_view name;
    std::uint32_t& number;
    std::uint32_t lowest;
    std::uint32_t highest;
};

/// Reads the command line into the options' numbers and into `other`, the argument that belongs to no option
/// (nullptr: there may be none). Prints `usage` and exits when asked to, or when it does not understand.
inline void read_arguments(int argc, char** argv, const char* usage, std::initializer_list<number_option> options,
                           const char** other = nullptr) {
    const auto refuse = [&](const char* why, const char* argument) {
        std::fprintf(stderr, "%s: %s: %s\n%s", program_invocation_short_name, why, argument, usage);
        std::exit(2);
    };
    for (int position = 1; position < argc; ++position) {
        const std::string_view argument = argv[position];
        if (argument == "--help") {
            std::fputs(usage, stdout);
            std::exit(0);
        }
        const number_option* chosen = nullptr;
        for (const number_option& option : options)
            if (argument == option.name) chosen = &option;
        if (chosen == nullptr) {
            if (argument.empty() || argument.front() == '-' || other == nullptr)
                refuse("unknown argument", argv[position]);
            *other = argv[position];
            other = nullptr;
            continue;
        }
        if (++position == argc) refuse("a number must follow", argv[position - 1]);
        const std::string_view text = argv[position];
        std::uint32_t number = 0;
        const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
        if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || number < chosen->lowest ||
            number > chosen->highest)
            refuse("not a number in the option's range", argv[position]);
        chosen->number = number;
    }
}

} // namespace example
