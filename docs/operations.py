#!/usr/bin/env python3
"""Writes docs/operations.md, the table of all operations, from the headers in include/lio/op.

usage: operations.py            writes the table
       operations.py --check    writes nothing, and fails if the table is stale or something is missing:
                                a doc line, an operation for a number, a typed name for a flag, a test, a failure
--check ends with "[operations-document] passed=N failed=N skipped=N".
"""

import functools
import re
import sys

sys.dont_write_bytecode = True  # a test leaves nothing in the sources
from headers import ROOT, closing, code_of, first_sentence, main, row, staleness, test_cases

TABLE = ROOT / "docs/operations.md"

# Constants of the kernel's interface that nobody needs a name for.
NEED_NO_NAME = {
    # Sets of flags that have names themselves.
    "timeout_clock_mask", "timeout_update_mask", "uring_cmd_mask",
    # Positions of bits, of which abi::cqe_f_tstamp_hw is made.
    "timestamp_hw_shift",
    # Means the same as the flag that all operations have for slots, which is older: op::cancel_file sets that.
    "async_cancel_fd_fixed",
}

CLASS = re.compile(
    r"(?P<template>\btemplate\s*<(?P<parameters>[^{};]*?)>\s*(?:requires\s*\([^{};]*\)\s*)?)?"
    r"\b(?:class|struct)\s+(?P<name>\w+)(?:\s+final)?\s*"
    r":\s*public\s+(?P<base>[\w:]+)\s*(?:<(?P<arguments>[^{};]*)>)?\s*\{"
)
FIELDS = ("Result:", "Lifetimes:", "Traps:", "Since Linux")
# A number that the list of numbers has no name for yet, spelled in the operation itself.
UNNAMED_CODE = re.compile(r"(?:abi::)?opcode\s*\{\s*(\d+)\s*\}")
SINCE = re.compile(r"Since Linux (\d+)\.(\d+)(?:; (.+))?\.")
MAN_PAGE = re.compile(r"\b\w+\(\d\w*\)")


def split_arguments(text):
    """"a, b<c, d>" is "a" and "b<c, d>"."""
    parts, depth = [""], 0
    for character in text:
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [" ".join(part.split()) for part in parts if part.strip()]


class Class:
    """A class with a base, as a header spells it."""

    def __init__(self, header, text, code, match):
        self.header, self.name = header, match["name"]
        self.base, self.arguments = match["base"].split("::")[-1], split_arguments(match["arguments"] or "")
        self.is_template = match["template"] is not None
        # Of each template parameter its name, and its default or None.
        self.parameters = []
        for parameter in split_arguments(match["parameters"] or ""):
            declared, _, default = parameter.partition("=")
            self.parameters.append((declared.split()[-1], default.strip() or None))
        self.body = code[match.end() : closing(code, match.end() - 1)]
        lines = text[: match.start()].rstrip(" ").splitlines()
        first = len(lines)
        while first > 0 and lines[first - 1].lstrip().startswith("///"):
            first -= 1
        self.doc = [line.strip()[3:].strip() for line in lines[first:]]

    def member(self, pattern):
        found = re.search(pattern, self.body)
        return " ".join(found[1].split()) if found else None


MEMBERS = {
    "code": r"\bconstexpr\s[^;{}()]*\bcode\s*=\s*([^;]+);",
    "since": r"\bconstexpr\s[^;{}()]*\bsince\s*=?\s*(?:\w+\s*)?\{\s*([\d\s,]+)\}\s*;",
    "completions": r"\bconstexpr\s[^;{}()]*\bcompletions\s*=\s*([^;]+);",
    "large_completion": r"\bconstexpr\s[^;{}()]*\blarge_completion\s*=\s*([^;]+);",
    "result_type": r"\busing\s+result_type\s*=\s*([^;]+);",
}


class Operation:
    """A class that derives from operation<>, with the members that it has or inherits."""

    def __init__(self, lineage):
        """`lineage` is the class, its base, the base's base and so on, with `operation` itself left out."""
        self.made_by, self.name, self.header = lineage[0], lineage[0].name, lineage[0].header
        self.members, arguments = {}, []
        for one in lineage:
            values = {}
            for number, (parameter, default) in enumerate(one.parameters):
                values[parameter] = arguments[number] if number < len(arguments) else default
            for name, pattern in MEMBERS.items():
                value = one.member(pattern)
                if value is not None and name not in self.members:
                    self.members[name] = values.get(value, value)
            arguments = [values.get(argument, argument) for argument in one.arguments]
        self.entry = arguments[1] if len(arguments) > 1 else "abi::sqe" # operation<Derived, Entry>
        self.is_unmarked = any(one.name == "unmarked_failure" for one in lineage)
        self.code = (self.members.get("code") or "").split("::")[-1]
        self.since = tuple(int(part) for part in (self.members.get("since") or "0, 0").split(","))
        self.parts, self.order = parts_of(one_line_each(self.made_by.doc))

    def number(self, numbers):
        """The kernel's number; None if there is none."""
        spelled = UNNAMED_CODE.fullmatch(self.code)
        return int(spelled[1]) if spelled else numbers.get(self.code)

    def where(self):
        return f"{self.header.relative_to(ROOT)}: {self.name}"

    def problems(self):
        """What is wrong with its documentation or its members."""
        for name in ("code", "since", "result_type"):
            if name not in self.members:
                yield f"{self.where()} has no {name}"
        if not self.made_by.doc:
            yield f"{self.where()} has no documentation"
            return
        missing = [field for field in FIELDS if field not in self.parts]
        if missing:
            yield f"{self.where()}: no line starts with {' or '.join(repr(field) for field in missing)}"
        if not missing and self.order != list(FIELDS):
            yield (f"{self.where()}: the lines are to be {', '.join(FIELDS)}, in this order; they are "
                   f"{', '.join(self.order)}")
        if not self.parts["effect"]:
            yield f"{self.where()}: the documentation does not begin with what it does"
        elif not MAN_PAGE.search(self.parts["effect"]):
            yield f"{self.where()}: no manual page is named, as in read(2)"
        for field in self.order:
            if self.parts[field] and not self.parts[field].endswith((".", ".)")):
                yield f"{self.where()}: what is said after {field!r} does not end with a full stop"
            if not self.parts[field]:
                yield f"{self.where()}: nothing is said after {field!r}"
        if "Since Linux" in self.parts:
            match = SINCE.fullmatch("Since Linux " + self.parts["Since Linux"])
            if not match:
                yield (f"{self.where()}: 'Since Linux {self.parts['Since Linux']}' is to be of the form "
                       "'Since Linux 5.6.' or 'Since Linux 5.6; groups since 5.7.'")
            elif (int(match[1]), int(match[2])) != self.since:
                yield (f"{self.where()}: its documentation says Linux {match[1]}.{match[2]}, its `since` "
                       f"{'.'.join(map(str, self.since))}")

    def cells(self, numbers):
        result = self.members.get("result_type", "").replace("std::", "")
        said = re.split(r"; |: |\. ", self.parts.get("Result:", ""))[0].rstrip(".")
        if result not in ("", "void"):
            named = re.sub(rf"\b{re.escape(result)}\b(::\w+)?", lambda match: f"`{match.group()}`", said)
            said = f"`{result}`: {said}" if named == said else named
        completes = {"once": "once", "once_and_notification": "once + notification", "many": "many times"}
        notes = []
        match = SINCE.fullmatch("Since Linux " + self.parts.get("Since Linux", ""))
        if match and match[3]:
            notes.append(match[3])
        if self.entry.endswith("sqe128"):
            notes.append("128-byte entry")
        if self.members.get("large_completion") == "true":
            notes.append("32-byte completions")
        if self.is_unmarked:
            notes.append("failure not marked")
        return [
            f"`{self.name}`",
            str(self.number(numbers)),
            ".".join(map(str, self.since)),
            first_sentence(self.parts["effect"]),
            said,
            completes.get((self.members.get("completions") or "once").split("::")[-1], "?"),
            "; ".join(notes),
        ]


def one_line_each(doc):
    """The doc's lines with the wrapped ones joined: one for the effect, one for each field."""
    joined = [""]
    for line in doc:
        if line.startswith(FIELDS):
            joined.append(line)
        else:
            joined[-1] = f"{joined[-1]} {line}".strip()
    return joined


def parts_of(lines):
    """What is said under each field, and the order of the fields."""
    parts, order = {"effect": lines[0]}, []
    for line in lines[1:]:
        field = next(field for field in FIELDS if line.startswith(field))
        if field in parts:
            # A sentence that happens to start a line; the field that counts is the last "Since Linux".
            if field != "Since Linux":
                order.append(field)
                continue
            order.remove(field)
        parts[field] = line[len(field) :].strip()
        order.append(field)
    return parts, order


def read_operations():
    """All operations, in the order of the headers and of the classes in them."""
    classes = {}
    for header in sorted((ROOT / "include/lio/op").glob("*.hpp")):
        text = header.read_text()
        code = code_of(text)
        for match in CLASS.finditer(code):
            one = Class(header, text, code, match)
            if one.name in classes:
                raise SystemExit(f"{header.relative_to(ROOT)}: there is another class {one.name}")
            classes[one.name] = one
    operations = []
    for one in classes.values():
        lineage = [one]
        while lineage[-1].base in classes:
            lineage.append(classes[lineage[-1].base])
        if lineage[-1].base == "operation" and not one.is_template:
            operations.append(Operation(lineage))
    return operations


def read_numbers():
    code = code_of((ROOT / "include/lio/abi/opcode.hpp").read_text())
    start = code.index("enum class opcode")
    body = code[code.index("{", start) : closing(code, code.index("{", start))]
    return {name: int(number) for name, number in re.findall(r"(\w+)\s*=\s*(\d+)", body)}


def heading(header):
    """The first sentence of the comment that the header opens with."""
    lines = []
    for line in header.read_text().splitlines():
        if not line.startswith("//"):
            break
        lines.append(line[2:].strip())
    return first_sentence(" ".join(lines))


def table(operations, numbers):
    lines = [
        "# Operations",
        "",
        "Made by docs/operations.py from the comments in include/lio/op, where more is said; not edited by hand.",
        "",
        "- *Number* is the kernel's: operations that share one are variants to it.",
        "- *Linux* is the first release that has this variant; `probe::supports<>()` asks the running one.",
        "- *128-byte entry* and *32-byte completions* ask for a `large_ring` or a ring with such completions.",
        "- *Failure not marked*: a chain goes on behind it, see `unmarked_failure`.",
    ]
    for header in dict.fromkeys(operation.header for operation in operations):
        lines += ["", f"## {heading(header)}", "", f"`#include <{header.relative_to(ROOT / 'include')}>`", ""]
        lines += ["| `op::` | Number | Linux | What it does | Result | Completes | Notes |"]
        lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
        for operation in operations:
            if operation.header == header:
                lines.append(row(operation.cells(numbers)))
    return "\n".join(lines) + "\n"


# What --check checks: each yields a sentence for everything that is wrong.


def the_documentation_of_every_operation_is_whole_and_in_order(operations, numbers):
    if not operations:
        yield "no operation was found in include/lio/op"
    for operation in operations:
        yield from operation.problems()


def every_number_of_the_kernel_has_an_operation(operations, numbers):
    taken = {operation.number(numbers) for operation in operations}
    for name, number in numbers.items():
        if number not in taken:
            yield f"include/lio/abi/opcode.hpp: no operation has the number {number}, {name}"
    for operation in operations:
        if operation.number(numbers) is None:
            yield f"{operation.where()}: its code {operation.code!r} is not in include/lio/abi/opcode.hpp"


def every_flag_of_the_kernel_has_a_typed_name(operations, numbers):
    flags = {}
    constant = re.compile(r"^inline constexpr [\w:]+ (\w+)\s*=", re.MULTILINE)
    for name in constant.findall(code_of((ROOT / "include/lio/abi/operation_flags.hpp").read_text())):
        flags[name] = "operation_flags.hpp"
    for name in constant.findall(code_of((ROOT / "include/lio/abi/entries.hpp").read_text())):
        if (name.startswith("sqe_") and not name.endswith("_bit")) or name == "file_index_alloc":
            flags[name] = "entries.hpp"
    used = set()
    for folder in ("include/lio", "src"):
        for path in (ROOT / folder).rglob("*.?pp"):
            if "abi" not in path.relative_to(ROOT).parts:
                used.update(re.findall(r"\babi::(\w+)", code_of(path.read_text())))
    for name, header in flags.items():
        if name not in used and name not in NEED_NO_NAME:
            yield f"include/lio/abi/{header}: nothing outside of abi/ uses {name}, so it has no typed name"
    for name in sorted(NEED_NO_NAME - set(flags)):
        yield f"docs/operations.py: NEED_NO_NAME has {name}, which include/lio/abi does not"


MADE = re.compile(r"\bop::(\w+)(?:\s+\w+)?\s*[({]")
# Given to a helper that makes it; a member function, as cqe::as<>() is one, makes none.
GIVEN = re.compile(r"(?<![.>\w])\w+<([^<>;]*)>\s*\(")
ERRNO = re.compile(r"\bE(?!POLL)[A-Z][A-Z0-9]{2,}\b")


def behaviour_cases():
    """The test cases that ask the kernel, and the operations that each of them makes. Those with [layout] only look at
    what an operation is."""
    for case in test_cases("*_test.cpp"):
        if "[layout]" not in case.tags:
            made = set(MADE.findall(case.body))
            yield case, made | set(re.findall(r"\bop::(\w+)", " ".join(GIVEN.findall(case.body))))


def every_operation_has_an_encoding_row_and_a_test(operations, numbers):
    rows = set()
    for path in sorted((ROOT / "tests").glob("*_test.cpp")):
        code = code_of(path.read_text())
        for match in re.finditer(r"\bencodings\s+\w+\s*\{", code):
            rows.update(MADE.findall(code[match.end() : closing(code, match.end() - 1)]))
    tried = set().union(*(made for _, made in behaviour_cases()))
    for operation in operations:
        if operation.name not in rows:
            yield f"{operation.where()}: no encoding row in tests/*_test.cpp has op::{operation.name}"
        if operation.name not in tried:
            yield f"{operation.where()}: no test case in tests/*_test.cpp gives op::{operation.name} to the kernel"


def every_operation_has_a_test_in_which_something_fails(operations, numbers):
    failing = set().union(*(made for case, made in behaviour_cases() if ERRNO.search(case.body)))
    for operation in operations:
        if operation.name not in failing:
            yield f"{operation.where()}: no test case in tests/*_test.cpp has both op::{operation.name} and an errno"


def the_table_is_what_the_headers_say(operations, numbers):
    yield from staleness(TABLE, table(operations, numbers))


CHECKS = (
    the_documentation_of_every_operation_is_whole_and_in_order,
    every_number_of_the_kernel_has_an_operation,
    every_flag_of_the_kernel_has_a_typed_name,
    every_operation_has_an_encoding_row_and_a_test,
    every_operation_has_a_test_in_which_something_fails,
    the_table_is_what_the_headers_say,
)


if __name__ == "__main__":
    sources = read_operations(), read_numbers()
    checks = [functools.update_wrapper(functools.partial(check, *sources), check) for check in CHECKS]
    sys.exit(main(__doc__.splitlines()[0], "operations-document", TABLE, lambda: table(*sources), checks))
