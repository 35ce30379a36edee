"""Builds the benchmarks as released programs are built: the build directory is that of .ci/run's fashion, and what is
missing of the tools is brought the same way. liburing and Boost are used where they are installed, and not brought."""

import json
import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent.parent
BUILDS = Path(os.environ.get("LIO_BUILD_DIR") or ROOT / "build").resolve()
PROGRAMS = BUILDS / "benchmarks" / "tests/benchmarks/programs"

SCRIPT = """
root=$1 build=$2
shift 2
source "$root/.ci/install.sh"
cd "$root"
need_commands g++ meson ninja pkg-config "$@"
install_missing
configure "$build" --buildtype=release -Db_ndebug=true -Dtests=disabled -Dexamples=disabled -Dbenchmarks=enabled
meson compile -C "$build"
"""


def build(*commands):
    """`commands` are what else must be there."""
    done = subprocess.run(["bash", "-euc", SCRIPT, "build", ROOT, BUILDS / "benchmarks", *commands],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise SystemExit(f"the benchmarks could not be built:\n{done.stdout}")


def has(program):
    return (PROGRAMS / program).exists()


def version_of(command, pattern=r"\d+\.\d+[.\d]*"):
    try:
        said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    except OSError:
        return None
    found = re.search(pattern, said)
    return found[0] if found else None


def versions():
    """Of what is compared, as a table of names: those that were built with."""
    said = subprocess.run(["meson", "introspect", "--dependencies", BUILDS / "benchmarks"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    found = {one["name"]: one["version"] for one in json.loads(said)}
    return {
        "compiler": version_of(["c++", "--version"], r"[^\n]+"),
        "liburing": found.get("liburing"),
        "Boost": found["boost"].removesuffix(".0") if "boost" in found else None,
    }
