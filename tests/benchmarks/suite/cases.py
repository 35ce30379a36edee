"""The cases: what is run against what, with which arguments, and the files that they need. A case is a generator of rows;
one who adds a case adds a function and its name."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import builds
import echoes
import sizes
from measuring import MINE, OTHER, Row, program


@dataclass
class Place:
    """A folder for files, which goes when the run ends, and how much is to be done."""

    folder: Path
    quick: bool

    def much(self, number):
        return number // 20 if self.quick else number

    def file(self, size):
        path = self.folder / f"file-{size}"
        if not path.exists():
            with path.open("wb") as written:
                for _ in range(size >> 20):
                    written.write(os.urandom(1 << 20))
                os.fsync(written.fileno())
        return path

    def directory(self, name, count=0, content=b""):
        path = self.folder / name
        if not path.exists():
            path.mkdir()
            for i in range(count):
                (path / str(i)).write_bytes(content)
        return path


@contextmanager
def workplace(quick):
    # A disk, not memory: /tmp is often the latter, and has no O_DIRECT.
    folder = Path(tempfile.mkdtemp(prefix="lio-benchmarks.", dir=os.environ.get("TMPDIR", "/var/tmp")))
    try:
        yield Place(folder, quick)
    finally:
        shutil.rmtree(folder)


def peers(case, names, *arguments, **options):
    """For each program that was built: (its name in the tables, a function)."""
    return {name: program(f"{case}-{name}", *arguments, **options) for name in names if builds.has(f"{case}-{name}")}


def both_ways(case, *arguments, plain, other, name):
    """This library and liburing with the argument `plain`, and with `other` as peers of that name."""
    return {peer + suffix: function
            for way, suffix in ((plain, ""), (other, f", {name}"))
            for peer, function in peers(case, ("lio", "liburing"), *arguments, way).items()}


def nop(place):
    for setup in ("default", "equal"):
        for batch in (1, 8, 32, 128):
            arguments = (f"setup={setup}", f"batch={batch}", f"rounds={place.much(4000000) // (batch + 7)}")
            chosen = both_ways("nop", *arguments, plain="wait=together", other="wait=apart", name="apart")
            chosen |= peers("nop", ("bare", "call"), *arguments)
            yield Row("nop", f"batch {batch}, {setup} set-ups", "ns", chosen)


def read(place):
    size = 64 << 20 if place.quick else 256 << 20
    for direct in ("no", "yes"):
        for depth in (1, 32, 128):
            arguments = (f"file={place.file(size)}", f"blocks={size // 4096}", f"depth={depth}", f"direct={direct}",
                         f"rounds={place.much(400000 if direct == 'no' else 4000 * (1 if depth == 1 else 5))}")
            chosen = both_ways("read", *arguments, plain="fixed=no", other="fixed=yes", name="fixed")
            chosen |= {"pread": program("read-calls", *arguments)}
            where = "O_DIRECT" if direct == "yes" else "page cache"
            yield Row("read", f"4 KiB, {where}, depth {depth}", "ns", chosen)


def statx(place):
    count = place.much(100000)
    folder = place.directory("many", count)
    for depth in (1, 64):
        yield Row("statx", f"{count} cached files, depth {depth}", "ns",
                  peers("statx", ("lio", "liburing", "calls"), f"directory={folder}", f"count={count}", f"depth={depth}"))


def copy(place):
    size = 64 << 20 if place.quick else 256 << 20
    to = place.folder / "copy"
    yield Row("copy", f"a file of {size >> 20} MiB", "ns a file", peers("copy", ("lio", "liburing", "calls"), f"from={place.file(size)}", f"to={to}"))
    to.unlink(missing_ok=True)


def tree(place):
    count = place.much(2000)
    arguments = (f"from={place.directory('small', count, b'x' * 8000)}", f"to={place.directory('small-copies')}", f"files={count}")
    yield Row("tree", f"{count} files of 8000 bytes", "ns a file", peers("tree", ("lio", "liburing", "calls"), *arguments))


def echo(place):
    for connections in (1, 64, 1000):
        for size in (64, 4096):
            yield from echoes.rows(connections, size, place.much(60000))


def wake(place):
    cpus = {MINE, OTHER}
    yield Row("wake", "a thread on another CPU" if len(cpus) == 2 else "a thread", "ns",
              peers("wake", ("lio", "liburing", "eventfd", "futex"), f"rounds={place.much(40000)}", f"cpu={MINE}",
                    f"other_cpu={OTHER}", cpus=cpus))


def create(place):
    for use, what in (("no", "making and closing a ring"), ("yes", "the same with a nop on it")):
        arguments = (f"rounds={place.much(2000)}", f"use={use}")
        made = peers("create", ("lio", "liburing"), *arguments, "setup=default")
        if "liburing" in made:
            made["liburing, equal"] = program("create-liburing", *arguments, "setup=equal")
        yield Row("create", what, "ns", made)


def size(_):
    yield from sizes.rows()


def compile_time(_):
    yield from sizes.compile_rows()


CASES = {"nop": nop, "read": read, "statx": statx, "copy": copy, "tree": tree, "echo": echo, "wake": wake, "create": create,
         "size": size, "compile": compile_time}
NAMES = list(CASES)


def rows(place, names):
    for name in names:
        yield from CASES[name](place)
