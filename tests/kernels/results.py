"""What the runs found: the lines of tests/support/main.cpp and guest/suite, added up, set beside each other, and held
against the rule that every test runs somewhere."""

import re
from collections import Counter

OUTCOMES = ("passed", "failed", "skipped")
TELLING = re.compile(r"FAILED:|terminate called|Assertion|^kernel: ")


class Column:
    """What one kernel on one CPU gave."""

    def __init__(self, kernel, cpu, release="", problem=""):
        self.kernel, self.cpu, self.release = kernel, cpu, release
        self.problem = problem  # why there is no whole result
        self.outcome, self.reasons, self.file = {}, {}, {}  # by the test's name
        self.took = {}  # seconds
        self.features = {}  # whether it has one, by kind and name
        self.unfinished = ""
        self.seconds = 0.0
        self.output = []

    def name(self):
        return f"{self.kernel} {self.cpu}"

    def add(self, lines):
        """`lines` are as guest.Run has them."""
        began = 0.0
        for second, line in lines:
            outcome, _, rest = line.partition("\t")
            file, _, rest = rest.partition("\t")
            name, *reasons = rest.split("\t")
            if outcome == "begun":
                self.unfinished, began = name, second
            elif outcome in ("has", "lacks"):
                self.features[file, name] = outcome == "has"
            elif outcome in OUTCOMES:
                self.took[name] = second - began if self.unfinished == name else 0.0
                self.unfinished = ""
                # Some run twice, on different disks: one failure is a failure, and one run is a run.
                before = self.outcome.get(name, "skipped")
                self.outcome[name] = "failed" if "failed" in (before, outcome) else min(before, outcome)
                self.reasons[name] = reasons
                self.file[name] = file

    def count(self, outcome):
        return Counter(self.outcome.values())[outcome]

    def slowest(self):
        return sorted(self.took.items(), key=lambda one: -one[1])[:10]

    def failed(self):
        return bool(self.problem) or self.count("failed") > 0

    def excerpt(self):
        """The lines that tell of its failures, with those around them, and the last ones of a run that came to no end."""
        lines = "".join(self.output).splitlines()
        telling = set()
        for number, line in enumerate(lines):
            if TELLING.search(line):
                telling.update(range(max(0, number - 10), min(len(lines), number + 8)))
        if self.problem or not telling:
            telling.update(range(max(0, len(lines) - 60), len(lines)))
        return [lines[number] for number in sorted(telling)]

    def line(self):
        counts = "  ".join(f"{self.count(outcome):4} {outcome}" for outcome in OUTCOMES)
        return f"{self.kernel:>5} {self.cpu:8} {counts}  {self.seconds:6.1f} s  {self.problem or self.release}"


def table(columns):
    return "\n".join(column.line() for column in columns)


def ran_nowhere(columns):
    """The tests that some kernel skipped and none ran, with the reasons."""
    skipped = {}
    for column in columns:
        for name, outcome in column.outcome.items():
            if outcome == "skipped":
                skipped.setdefault(name, set()).update(column.reasons[name])
    ran = {name for column in columns for name, outcome in column.outcome.items() if outcome != "skipped"}
    return {name: sorted(reasons) for name, reasons in sorted(skipped.items()) if name not in ran}


def failures(columns):
    """For each failed test the columns that it failed in."""
    found = {}
    for column in columns:
        for name, outcome in column.outcome.items():
            if outcome == "failed":
                found.setdefault(name, []).append(column.name())
    return dict(sorted(found.items()))
