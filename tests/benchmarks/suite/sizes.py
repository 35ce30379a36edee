"""How large the smallest program becomes, and how long the compiler takes over one file."""

import subprocess
import tempfile
import time
from pathlib import Path

import builds
from measuring import MINE, Row, pinned

INCLUDES = {"lio": "lio/uring.hpp", "liburing": "liburing.h"}


def stripped(program):
    def once():
        with tempfile.TemporaryDirectory(prefix="lio-size-") as work:
            subprocess.run(["strip", "-o", Path(work, "program"), builds.PROGRAMS / program], check=True)
            return float(Path(work, "program").stat().st_size)
    return once


def rows():
    for end, what in (("", "with a shared C library"), ("-static", "static")):
        programs = {name: stripped(f"size-{name}{end}") for name in INCLUDES if builds.has(f"size-{name}{end}")}
        if programs:
            yield Row("size", f"a program with one nop, stripped, {what}", "bytes", programs, rounds=1)


def compiling(header):
    def once():
        with tempfile.TemporaryDirectory(prefix="lio-compile-") as work:
            source = Path(work, "one.cpp")
            source.write_text(f"#include <{header}>\nint main() {{}}\n")
            began = time.monotonic()
            # No cache of compilers shall answer.
            subprocess.run(["c++", "-std=c++20", "-O2", "-I", builds.ROOT / "include", "-c", "-o", Path(work, "one.o"), source],
                           check=True, preexec_fn=pinned(MINE), env={"PATH": "/usr/bin:/bin", "CCACHE_DISABLE": "1"})
            return (time.monotonic() - began) * 1e3
    return once


def compile_rows():
    chosen = {name: compiling(header) for name, header in INCLUDES.items() if name == "lio" or builds.has("size-liburing")}
    yield Row("compile", "one file that includes all of it", "ms", chosen)
