#!/usr/bin/env python3
"""Runs every test of a configured build directory and adds up the counts. tests/run calls it.

A test program tells its counts in its last line, "[name] passed=N failed=N skipped=N". A program without
such a line counts as one test: exit status 0 passed, 77 skipped, anything else failed.
What is not run cannot fail, so vanished tests are failures here: a *_test.cpp that no program is built from,
a program that ran fewer cases than its sources hold, and a run of no test at all.
"""

import argparse
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COUNTS = re.compile(r"^\[(?P<name>[\w.-]+)\] passed=(?P<passed>\d+) failed=(?P<failed>\d+) skipped=(?P<skipped>\d+)$")
NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|("(?:\\.|[^"\\\n])*")', re.DOTALL)
CASE = re.compile(r"^[ \t]*(TEMPLATE_\w*)?(?:TEST_CASE|SCENARIO)\w*\s*\(", re.MULTILINE)
UNITY = re.compile(r"-unity\d+\.cpp$")
INCLUDE = re.compile(r'^#include *[<"](.*)[>"]$', re.MULTILINE)
SKIPPED_EXIT_STATUS = 77


@dataclass(frozen=True)
class Run:
    """A test of meson's, and the files with test cases that its program is made of (None: it is no program of ours)."""

    test: dict
    command: list
    cases_of: list
    build: Path

    @property
    def name(self):
        return self.test["name"]


def introspect(build, what):
    output = subprocess.run(["meson", "introspect", what, str(build)], check=True, stdout=subprocess.PIPE).stdout
    return json.loads(output)


def sources_by_program(build):
    """The *_test.cpp files that each program of this build is made of."""
    programs = {}
    for target in introspect(build, "--targets"):
        if target["type"] != "executable":
            continue
        files = [Path(name) for group in target["target_sources"] for name in group.get("sources", [])]
        # Where several files are compiled at a time, meson writes ones that include them.
        for group in target["target_sources"]:
            for name in group.get("generated_sources", []):
                if UNITY.search(name):
                    files += [Path(name).parent / included for included in INCLUDE.findall(Path(name).read_text())]
        tests = [file for file in files if file.name.endswith("_test.cpp")]
        for program in target["filename"]:
            programs[os.path.realpath(program)] = tests
    return programs


def count_cases(files):
    """How many test cases these files hold, and whether some are templates, which run more than once."""
    cases, templates = 0, False
    for file in files:
        text = NOT_CODE.sub(lambda match: '""' if match.group(1) else " ", file.read_text())
        for match in CASE.finditer(text):
            cases += 1
            templates = templates or match.group(1) is not None
    return cases, templates


def unlisted_files(programs):
    listed = {os.path.realpath(file) for tests in programs.values() for file in tests}
    found = sorted((ROOT / "tests").rglob("*_test.cpp"))
    return [file.relative_to(ROOT) for file in found if os.path.realpath(file) not in listed]


def run_program(command, environment, workdir, timeout, say):
    """Runs it, says what it prints as it prints it, and returns its exit status and its last counts line."""
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        cwd=workdir,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
        errors="replace",
    )
    # A test that hangs may have children that hold the pipe open: the whole group goes.
    def stop():
        os.killpg(process.pid, signal.SIGKILL)
        say(f"stopped after {timeout} seconds")

    limit = threading.Timer(timeout, stop)
    limit.start()
    counts = None
    for line in process.stdout:
        say(line.rstrip("\n"))
        counts = COUNTS.match(line.rstrip()) or counts
    status = process.wait()
    limit.cancel()
    return status, counts


def say_now(line):
    print(line, flush=True)


def run_all(runs):
    """Yields (run, exit status, counts) for each. Those that mind no company share one of this machine's processors; what
    they print is held back until the others have ended."""
    def go(run, say):
        say(f"--- {run.name}: {' '.join(run.command)}")
        started = time.monotonic()
        # Meson takes 0 for no limit; here a hang must end.
        outcome = run_program(run.command, run.test["env"], run.test["workdir"] or run.build, run.test["timeout"] or 3600, say)
        say(f"--- {run.name}: {time.monotonic() - started:.1f} s")
        return (run, *outcome)

    with ThreadPoolExecutor(max_workers=1) as beside:
        waited = []
        for run in (run for run in runs if run.test["is_parallel"]):
            lines = []
            waited.append((lines, beside.submit(go, run, lines.append)))
        for run in (run for run in runs if not run.test["is_parallel"]):
            yield go(run, say_now)
        for lines, future in waited:
            result = future.result()
            for line in lines:
                say_now(line)
            yield result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--wrapper", default="", help="command in front of every program, for foreign binaries")
    parser.add_argument("--only", default="", help="run only the cases that this Catch2 filter names")
    options = parser.parse_args()
    options.build = options.build.resolve()

    programs = sources_by_program(options.build)
    tests = introspect(options.build, "--tests")
    total = {"passed": 0, "failed": 0, "skipped": 0}
    problems = []

    for file in unlisted_files(programs):
        problems.append(f"{file} is not listed in tests/meson.build")

    runs = []
    for test in tests:
        command = list(test["cmd"])
        cases_of = programs.get(os.path.realpath(command[0]))
        if options.only:
            if not cases_of:
                continue
            command.append(options.only)
        if cases_of is not None:
            command = shlex.split(options.wrapper) + command
        runs.append(Run(test, command, cases_of, options.build))

    for run, status, counts in run_all(runs):
        if counts is None:
            outcome = {0: "passed", SKIPPED_EXIT_STATUS: "skipped"}.get(status, "failed")
            if run.cases_of:
                problems.append(f"{run.name} ended without telling its counts (exit status {status})")
            else:
                total[outcome] += 1
            continue
        if options.only and all(int(counts[key]) == 0 for key in total):
            continue
        for key in total:
            total[key] += int(counts[key])
        if status != 0 and int(counts["failed"]) == 0:
            problems.append(f"{run.name} ended with exit status {status} although no case failed")
        if run.cases_of and not options.only:
            ran = sum(int(counts[key]) for key in total)
            held, templates = count_cases(run.cases_of)
            if ran < held or (ran > held and not templates):
                problems.append(f"{run.name} ran {ran} cases, but its sources hold {held}")

    if sum(total.values()) == 0:
        problems.append("no test ran")
    for problem in problems:
        print(f"FAILED: {problem}")
    total["failed"] += len(problems)
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
