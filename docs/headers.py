"""What the scripts that make the tables in docs/ have in common: reading C++ headers and tests, writing Markdown, and
checking a table against what it is made from. No parser: it knows no more of C++ than these sources need."""

import argparse
import difflib
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

STRING = r'"(?:\\.|[^"\\\n])*"'
COMMENT_OR_STRING = re.compile(r"//[^\n]*|/\*.*?\*/|" + STRING, re.DOTALL)


def code_of(text):
    """The same text with comments and strings blanked: every other character stays where it is."""
    return COMMENT_OR_STRING.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def closing(code, opening):
    """Where the bracket at `opening` is closed."""
    pairs = {"{": "}", "(": ")"}
    depth = 0
    for position in range(opening, len(code)):
        if code[position] == code[opening]:
            depth += 1
        elif code[position] == pairs[code[opening]]:
            depth -= 1
            if depth == 0:
                return position
    raise SystemExit("a bracket is not closed")


SINCE = re.compile(r"Since Linux (\d+)\.(\d+)")


def plain(doc):
    """The text of a doc comment's lines."""
    return " ".join(line.strip().removeprefix("///").strip() for line in doc.splitlines())


def since_of(doc):
    found = SINCE.search(doc)
    return (int(found[1]), int(found[2])) if found else None


def dotted(release):
    return ".".join(map(str, release)) if release else "?"


def first_sentence(text):
    """Up to the first full stop."""
    return re.split(r"(?<=[.])\s+(?=[A-Z`(]|\w+\(\d)", text)[0].rstrip(".")


class Case:
    """A test case: the file it is in, its name, its tags, and the code of its body."""

    def __init__(self, path, name, tags, body):
        self.path, self.name, self.tags, self.body = path, name, tags, body


def test_cases(pattern):
    """All test cases of the files in tests/ that match."""
    joined = rf"\s*((?:{STRING}\s*)+)"
    begin = re.compile(rf"^(?:TEMPLATE_)?TEST_CASE\w*\s*\({joined}(?:,{joined})?", re.MULTILINE)
    for path in sorted((ROOT / "tests").glob(pattern)):
        text = path.read_text()
        code = code_of(text)
        for match in begin.finditer(text):
            opening = text.index("(", match.start())
            body = code.index("{", closing(code, opening))
            name, tags = ("".join(part[1:-1] for part in re.findall(STRING, group or "")) for group in match.groups())
            yield Case(path, name, tags, code[body : closing(code, body)])


def all_test_cases():
    return [*test_cases("*_test.cpp"), *test_cases("fake_kernel/*_test.cpp")]


def find_case(asked, cases):
    """The test case of this name; or, if it is asked for as (tag, word), the first that has the tag, unless that is None,
    and in whose code the word stands."""
    if isinstance(asked, str):
        # Hazards' tags stand before or behind the name in some cases.
        bare = re.compile(r"\s*\[hazard \d+\]\s*")
        wanted = bare.sub("", asked)
        return next((case for case in cases if bare.sub("", case.name) == wanted), None)
    tag, word = asked
    for case in cases:
        if (tag is None or tag in case.tags or tag in case.name) and re.search(rf"\b{word}\b", case.body):
            return case
    return None


def asked_for(asked):
    """The same in words."""
    if isinstance(asked, str):
        return f"'{asked}'"
    return f"{'with ' + asked[0] + ' ' if asked[0] else ''}in whose code {asked[1]} stands"


def escaped(cell):
    """As Markdown: a bar would end the cell, an angle bracket begin a tag."""
    pieces = cell.replace("|", "\\|").split("`")
    return "`".join(piece if number % 2 else piece.replace("<", "\\<") for number, piece in enumerate(pieces))


def row(cells):
    return "| " + " | ".join(map(escaped, cells)) + " |"


def staleness(path, should_be):
    """Says how the file differs from what it should be, if it does."""
    is_now = path.read_text() if path.exists() else ""
    if is_now != should_be:
        yield f"{path.relative_to(ROOT)} is stale: run {path.relative_to(ROOT).with_suffix('.py')}\n" + "\n".join(
            difflib.unified_diff(is_now.splitlines(), should_be.splitlines(), "is", "should be", n=0, lineterm="")
        )


def main(description, name, path, write, checks):
    """Writes the table, `write()`, to `path`; or, with --check, calls the checks, each of which yields a sentence for
    everything that is wrong, and ends with "[name] passed=N failed=N skipped=N"."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if anything is amiss")
    if not parser.parse_args().check:
        path.write_text(write())
        print(f"{path.relative_to(ROOT)} is written")
        return 0
    failed = 0
    for check in checks:
        problems = list(check())
        failed += bool(problems)
        print(f"{'failed' if problems else 'passed'}: {check.__name__.replace('_', ' ')}")
        for problem in problems:
            print("    " + problem.replace("\n", "\n    "))
    print(f"[{name}] passed={len(checks) - failed} failed={failed} skipped=0")
    return 1 if failed else 0
