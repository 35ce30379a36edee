#!/usr/bin/env python3
"""Writes lio_uring.hpp and lio_uring.cpp: all public headers in one file, and all sources in another, for those who copy
two files. Not committed: made when they are wanted. lio/error_code.hpp is in the first where LIO_WITH_ERROR_CODE is
defined.

usage: amalgamate.py DIRECTORY
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"].*\n', re.MULTILINE)
# The macros that compilers define where a directory of syscall/ is for. All others go through libc.
CPUS = {
    "x86_64": "defined(__x86_64__) && defined(__LP64__)",
    "aarch64": "defined(__aarch64__) && defined(__LP64__)",
    "riscv64": "defined(__riscv) && __riscv_xlen == 64",
    "s390x": "defined(__s390x__)",
}


class Joined:
    """One file of many: each goes where it is first included."""

    def __init__(self, given=()):
        self.seen, self.text = set(given), []

    def found(self, name):
        for folder in ("include", "src"):
            if (ROOT / folder / name).is_file():
                return ROOT / folder / name
        return None

    def add(self, path):
        if path in self.seen:
            return
        self.seen.add(path)
        text = path.read_text().replace("#pragma once\n", "")
        position = 0
        self.text.append(f"\n// {path.relative_to(ROOT)}\n")
        for match in INCLUDE.finditer(text):
            self.text.append(text[position : match.start()])
            position = match.end()
            included = self.found(match[1])
            if included:
                self.add(included)
            elif match[1] == "arch.hpp":
                self.add_cpus()
            else:
                self.text.append(match[0])
        self.text.append(text[position:])

    def add_cpus(self):
        if "arch.hpp" in self.seen:
            return
        self.seen.add("arch.hpp")
        chosen = sorted(path.name for path in (ROOT / "syscall").iterdir() if path.name != "generic")
        assert chosen == sorted(CPUS), "a directory of syscall/ is not known here"
        word = "#if"
        for cpu, condition in CPUS.items():
            self.text.append(f"{word} {condition}\n")
            self.add(ROOT / "syscall" / cpu / "arch.hpp")
            word = "#elif"
        self.text.append("#else\n")
        self.add(ROOT / "syscall/generic/arch.hpp")
        self.text.append("#endif\n")


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    licence = "".join(f"// {line}".rstrip() + "\n" for line in (ROOT / "LICENSE").read_text().splitlines())
    version = re.search(r' version\{"(.*)"\};', (ROOT / "include/lio/version.hpp").read_text())[1]
    made = f"// lio-uring {version}, {{}}, made by src/amalgamate.py.\n//\n{licence}"

    header = Joined()
    # What declares nothing but an answer comes first.
    header.add(ROOT / "include/lio/detail/language.hpp")
    header.add(ROOT / "include/lio/uring.hpp")
    # Not in uring.hpp, because of what it includes.
    header.text.append("\n#ifdef LIO_WITH_ERROR_CODE\n")
    header.add(ROOT / "include/lio/error_code.hpp")
    header.text.append("#endif\n")
    text = made.format("all public headers") + "#pragma once\n" + "".join(header.text)
    (target / "lio_uring.hpp").write_text(text)

    source = Joined(header.seen)
    for name in (ROOT / "src/sources.txt").read_text().split():
        source.add(ROOT / "src" / name)
    # The throwing half includes it.
    wanted = "#if defined(__cpp_exceptions) && !defined(LIO_WITH_ERROR_CODE)\n#define LIO_WITH_ERROR_CODE\n#endif\n"
    text = made.format("all sources") + wanted + '#include "lio_uring.hpp"\n' + "".join(source.text)
    (target / "lio_uring.cpp").write_text(text)


if __name__ == "__main__":
    main()
