"""Runs what is to be compared in turn, and makes medians of it. A row has a case, a name, a unit, and for each peer a
function that measures once and returns a number."""

import json
import os
import re
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

import builds

LIMIT = 300  # seconds for one program


@dataclass
class Row:
    case: str
    name: str
    unit: str
    peers: dict  # name: function
    rounds: int = 0  # 0: as many as asked for


def processor():
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else "unknown processor"


# The last CPUs: interrupts tend to come to the first.
CPUS = sorted(os.sched_getaffinity(0))
MINE, OTHER = CPUS[-1], CPUS[0]


def pinned(*cpus):
    return lambda: os.sched_setaffinity(0, cpus)


def program(name, *arguments, cpus=(MINE,)):
    """Measures by a program of ours, which prints what an operation takes."""
    def once():
        done = subprocess.run([builds.PROGRAMS / name, *arguments], preexec_fn=pinned(*cpus), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True, timeout=LIMIT)
        if done.returncode != 0:
            raise SystemExit(f"{name} {' '.join(arguments)} ended with {done.returncode}")
        return json.loads(done.stdout)["each"]
    return once


def rounds_of(row, rounds):
    """For each peer what each round gave. The first begins in turn, so that none has the same place always."""
    names = list(row.peers)
    for name in names:
        row.peers[name]()  # files become cached, pages present
    given = {name: [] for name in names}
    for turn in range(rounds):
        at = turn % len(names)
        for name in names[at:] + names[:at]:
            given[name].append(row.peers[name]())
    return given


def quarters(values):
    if len(values) < 2:
        return [values[0]] * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def measure(row, rounds):
    given = rounds_of(row, row.rounds or rounds)
    ours = given["lio"]
    return {
        "case": row.case, "name": row.name, "unit": row.unit, "rounds": len(ours),
        "values": {name: dict(zip(("low", "median", "high"), quarters(values)), least=min(values), most=max(values))
                   for name, values in given.items()},
        "ratios": {name: dict(zip(("low", "median", "high"), quarters([a / b for a, b in zip(ours, values)])))
                   for name, values in given.items() if name != "lio"},
        "raw": given,
    }


def printed(measured):
    values = measured["values"]
    lines = [f"{measured['case']}: {measured['name']} ({measured['unit']}, {measured['rounds']} rounds)"]
    for name, value in values.items():
        line = f"    {name:20} {value['median']:12.1f} [{value['low']:.1f} to {value['high']:.1f}; {value['least']:.1f} to {value['most']:.1f} in all]"
        if name != "lio":
            ratio = measured["ratios"][name]
            line += f"   lio : this = {ratio['median']:.3f} [{ratio['low']:.3f} to {ratio['high']:.3f}]"
        lines.append(line)
    return "\n".join(lines)
