"""Writes docs/kernel_versions.md from a run of the whole matrix: what each kernel has, and what the tests say of it."""

import re
from pathlib import Path

from machines import HOST
from results import OUTCOMES

DOCUMENT = Path(__file__).resolve().parent.parent.parent / "docs/kernel_versions.md"
HEAD = """# Kernels

Made by `tests/kernels/run --document` from a run of all tests and examples on these kernels; not edited by hand. What is
said of a kernel is what it answered, not what its number promises. Behaviour is tested under every set-up of a ring on
x86_64, and under the two that differ most on other CPUs.
"""


def row(cells):
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def table(head, rows):
    return "\n".join([row(head), row(["---"] * len(head)), *map(row, rows)])


def release(column):
    """What a machine's owner adds to the release of its own kernel says nothing to others."""
    return f"{column.release.split('-')[0]}, not emulated" if column.kernel == HOST else column.release


def names(columns):
    return [f"{'.'.join(column.release.split('.')[:2])} {column.cpu}" for column in columns]


def features(columns):
    """Operations, features and set-up flags by kernel; those that no kernel has are not asked for by the library."""
    parts = []
    kinds = dict.fromkeys(kind for column in columns for kind, _ in column.features)
    for kind in kinds:
        known = dict.fromkeys(name for column in columns for of, name in column.features if of == kind)
        rows, everywhere = [], []
        for name in known:
            has = [column.features.get((kind, name), False) for column in columns]
            if all(has):
                everywhere.append(f"`{name}`")
            elif any(has):
                rows.append([f"`{name}`", *("yes" if one else "–" for one in has)])
        parts += [f"\n## By kernel: {kind}\n", table(["", *names(columns)], rows)]
        parts += [f"\nOn all of them: {', '.join(everywhere)}."]
    return parts


def groups(columns):
    """How many of a test file's cases ran, of how many, by kernel."""
    files = sorted({file for column in columns for file in column.file.values()})
    rows = []
    for file in files:
        cells = []
        for column in columns:
            outcomes = [column.outcome[name] for name, of in column.file.items() if of == file]
            ran = sum(outcome != "skipped" for outcome in outcomes)
            cells.append(f"{ran}" if ran == len(outcomes) else f"{ran} of {len(outcomes)}")
        rows.append([file.removesuffix("_test.cpp").replace("_", " "), *cells])
    return table(["Tests of", *names(columns)], rows)


def reasons(columns):
    """What tests said was missing, in the order of the releases that have it."""
    said = {}
    for column in columns:
        for name in column.outcome:
            for reason in column.reasons[name]:
                said.setdefault(reason, set()).add(column.name())

    def since(reason):
        found = re.search(r"\b(\d+)\.(\d+)\b", reason)
        return (int(found[1]), int(found[2])) if found else (99, 0)

    rows = []
    for reason in sorted(said, key=lambda one: (since(one), one)):
        rows.append([reason, *("missing" if column.name() in said[reason] else "" for column in columns)])
    return table(["What tests were skipped for, in part or as a whole", *names(columns)], rows)


def write(columns):
    counts = [[release(column), column.cpu, *(column.count(outcome) for outcome in OUTCOMES)] for column in columns]
    parts = [HEAD, table(["Kernel", "CPU", *OUTCOMES], counts), *features(columns)]
    parts += ["\n## By test\n", groups(columns), "\n## By reason\n", reasons(columns)]
    DOCUMENT.write_text("\n".join(parts) + "\n")
