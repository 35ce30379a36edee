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
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COUNTS = re.compile(r"^\[(?P<name>[\w.-]+)\] passed=(?P<passed>\d+) failed=(?P<failed>\d+) skipped=(?P<skipped>\d+)$")
NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|("(?:\\.|[^"\\\n])*")', re.DOTALL)
CASE = re.compile(r"^[ \t]*(TEMPLATE_\w*)?(?:TEST_CASE|SCENARIO)\w*\s*\(", re.MULTILINE)
SKIPPED_EXIT_STATUS = 77


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


def run_program(command, environment, workdir, timeout):
    """Runs it, shows what it prints as it prints it, and returns its exit status and its last counts line."""
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
    def stop(signal_number, frame):
        os.killpg(process.pid, signal.SIGKILL)
        print(f"stopped after {timeout} seconds", flush=True)

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(timeout)
    counts = None
    for line in process.stdout:
        sys.stdout.write(line)
        sys.stdout.flush()
        counts = COUNTS.match(line.rstrip()) or counts
    status = process.wait()
    signal.alarm(0)
    return status, counts


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

    for test in tests:
        command = list(test["cmd"])
        cases_of = programs.get(os.path.realpath(command[0]))
        if options.only:
            if not cases_of:
                continue
            command.append(options.only)
        if cases_of is not None:
            command = shlex.split(options.wrapper) + command
        print(f"--- {test['name']}: {' '.join(command)}", flush=True)
        started = time.monotonic()
        # Meson takes 0 for no limit; here a hang must end.
        status, counts = run_program(command, test["env"], test["workdir"] or options.build, test["timeout"] or 3600)
        print(f"--- {test['name']}: {time.monotonic() - started:.1f} s", flush=True)

        if counts is None:
            outcome = {0: "passed", SKIPPED_EXIT_STATUS: "skipped"}.get(status, "failed")
            if cases_of:
                problems.append(f"{test['name']} ended without telling its counts (exit status {status})")
            else:
                total[outcome] += 1
            continue
        if options.only and all(int(counts[key]) == 0 for key in total):
            continue
        for key in total:
            total[key] += int(counts[key])
        if status != 0 and int(counts["failed"]) == 0:
            problems.append(f"{test['name']} ended with exit status {status} although no case failed")
        if cases_of and not options.only:
            ran = sum(int(counts[key]) for key in total)
            held, templates = count_cases(cases_of)
            if ran < held or (ran > held and not templates):
                problems.append(f"{test['name']} ran {ran} cases, but its sources hold {held}")

    if sum(total.values()) == 0:
        problems.append("no test ran")
    for problem in problems:
        print(f"FAILED: {problem}")
    total["failed"] += len(problems)
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
