#!/usr/bin/env python3
"""Writes docs/setup.md, the table of all flags of set-up and of entering and of all features, from the headers.

usage: setup.py            writes the table
       setup.py --check    writes nothing, and fails if the table is stale or something is missing: a flag of the
                           kernel, a name for it, its first release, a test
--check ends with "[setup-document] passed=N failed=N skipped=N".

Which flags there are, what they do and since when is read in include/lio/abi/setup.hpp, and what they are called in
include/lio. What no header says is in FLAGS below: which names beyond lio::setup's stand for a flag, and which test
shows what it does.
"""

import functools
import re
import sys

sys.dont_write_bytecode = True  # a test leaves nothing in the sources
from headers import (SINCE, ROOT, all_test_cases, asked_for, closing, code_of, dotted, find_case, first_sentence, main, plain, row,
                     since_of, staleness)

TABLE = ROOT / "docs/setup.md"
KERNEL_NAMES = ROOT / "tests/data/uapi-7.3.tsv"


class Flag:
    """What this script knows of a flag: `names` in the library (those in lio::setup are found by themselves), `uses` if
    the library uses it without being asked, `tests`, each the name of one that shows its effect, and `notes`.

    Instead of a name a test may be (tag, word): the first that has this tag and in whose code the word stands."""

    def __init__(self, *names, tests, uses="", notes=""):
        self.names, self.tests, self.uses, self.notes = names, tests, uses, notes


FLAGS = {
    "setup": {
        "iopoll": Flag(
            tests=["what a polled ring writes is on the disk, and what is there it reads, in as many waits as it "
                   "takes"],
            notes="only files that can be polled, see also `rw_flag::high_priority`"),
        "sqpoll": Flag(
            tests=["a kernel thread takes the entries without a system call of ours, sleeps, and is woken [hazard 1]"],
            notes="`ring_options::sqpoll_idle_milliseconds` says when it sleeps"),
        "sq_aff": Flag(
            "ring_options::sqpoll_cpu",
            tests=["the kernel thread's idle time and CPU reach the kernel, and are refused where there is no such thread"]),
        "cqsize": Flag(
            "ring_options::completion_entries",
            tests=["sizes are rounded up to powers of two, and completions have twice the room"]),
        "clamp": Flag(tests=["with clamp too many entries become as many as there can be"]),
        "attach_wq": Flag(
            "ring_options::attach_to",
            tests=["rings that are attached share the kernel thread that submits, others have one each"]),
        "r_disabled": Flag(
            tests=["a ring that is asked to start disabled takes nothing until it is enabled [hazard 14]"],
            notes="`enable()` ends it; asked for by nobody, the first use does; by itself from Linux 5.18 on"),
        "submit_all": Flag(
            tests=["an entry that is refused stops those after it, unless the ring submits all [hazard 6]"]),
        "coop_taskrun": Flag(
            tests=["completions can be polled for without ever waiting [hazard 4]"],
            notes="by itself where there is no `deferred_taskrun`: on Linux 5.19 and 6.0"),
        "taskrun_flag": Flag(
            tests=["task work that waits is run when the empty queue is looked at"],
            notes="needs `cooperative_taskrun` or `deferred_taskrun`"),
        "sqe128": Flag(
            "large_ring",
            tests=["operations go through rings with longer entries as through any other, round after round"],
            notes="a type, not an option"),
        "cqe32": Flag(
            "large_ring", "large_completion_ring",
            tests=["the second half of a completion comes with it"],
            notes="a type, not an option"),
        "single_issuer": Flag(
            tests=["another thread than the owner is told so, and disturbs nothing [hazard 13]"],
            notes="the ring belongs to the thread that enables it; by itself with `deferred_taskrun`: from Linux 6.1 on"),
        "defer_taskrun": Flag(
            tests=["a default ring belongs to the thread that first uses it, not to the one that made it"],
            notes="needs `single_issuer`; `resize()` needs it"),
        "no_mmap": Flag(
            "ring_options::memory",
            tests=["a ring works in memory of the program's own, which is its again afterwards [hazard 17]"]),
        "registered_fd_only": Flag(
            tests=["a ring without a descriptor works on its thread, and on no other [hazard 13] [hazard 17]"],
            notes="needs `ring_options::memory`"),
        "no_sqarray": Flag(tests=["without a submission array nothing is written where one would be"]),
        "hybrid_iopoll": Flag(
            tests=["a ring polls in every way that there is, or says what this kernel lacks"],
            notes="needs `iopoll`"),
        "cqe_mixed": Flag("mixed_ring", "mixed_completion_ring", tests=[("[hazard 26]", "mixed_completion_ring")],
                          notes="a type, not an option"),
        "sqe_mixed": Flag("mixed_ring", tests=[("[hazard 26]", "mixed_ring")], notes="a type, not an option"),
        "sq_rewind": Flag(
            tests=["a ring that rewinds takes batch after batch, each once and in order [hazard 28]"],
            notes="needs `no_sq_array`, excludes `sqpoll`"),
    },
    "enter": {
        "getevents": Flag(
            "ring::wait()", "ring::submit_and_wait()",
            tests=["a plain submit leaves the completions to a later wait",
                   "completions that overflowed come when the empty queue is looked at"],
            notes="a look at the empty queue too, if the kernel holds something back"),
        "sq_wakeup": Flag(
            "ring::submit()",
            tests=["a kernel thread that is awake costs no call, one that sleeps is woken"],
            notes="with `sqpoll`, and only when its thread sleeps"),
        "sq_wait": Flag(
            "ring::wait_for_room()",
            tests=["a full queue can be waited for where a kernel thread empties it, and nowhere else"]),
        "ext_arg": Flag(
            uses="waits with a time-out or a signal mask",
            tests=["a wait with a time-out ends with ETIME, not before its time, and what was queued has gone",
                   "a signal that the wait's mask lets through ends it, and afterwards is blocked again [hazard 9]"]),
        "registered_ring": Flag(
            uses="rings for one thread",
            tests=["the first submit enables the ring and registers its descriptor, every later one is a single call"],
            notes="by the thread that uses the ring"),
        "abs_timer": Flag(
            "wait_options::deadline()",
            tests=["a deadline ends a wait when the clock is there, not before, and one in the past at once"]),
        "ext_arg_reg": Flag("registered_waits", tests=[("[hazard 9]", "registered_waits")]),
        "no_iowait": Flag(
            "wait_options::no_iowait()",
            tests=["a wait that does not count as one for input or output waits all the same"]),
    },
    "feat": {
        "single_mmap": Flag(
            uses="all rings",
            tests=["the two queues in one mapping get the larger of their sizes, whichever that is",
                   "a kernel without FEAT_SINGLE_MMAP gets three mappings, each of its exact size"]),
        "nodrop": Flag(
            uses="all rings",
            tests=["nothing is lost when the completion queue overflows: a queue of 2 and very many operations "
                   "[hazard 12]"],
            notes="before, what does not fit is lost"),
        "submit_stable": Flag(
            uses="all operations",
            tests=["the path and the structure of an open may change once it is submitted [hazard 40]"],
            notes="*Lifetimes* in the operations' docs"),
        "rw_cur_pos": Flag(
            "current_position",
            tests=["current_position reads and writes where the file stands and moves it on [hazard 39]"]),
        "cur_personality": Flag(
            uses="all operations",
            tests=["a release is reached with all releases before it, and the features agree"],
            notes="reported"),
        "fast_poll": Flag(
            uses="all operations",
            tests=["an eventfd tells of completions that come while nobody looks"],
            notes="reported; no file has to be polled first"),
        "poll_32bits": Flag("op::poll", tests=["the upper half of poll's events reaches the kernel [hazard 31]"]),
        "sqpoll_nonfixed": Flag(
            "setup::sqpoll",
            tests=["an eventfd tells of completions that come while nobody looks"],
            notes="before, only with registered files"),
        "ext_arg": Flag(
            "wait_options::timeout()", "wait_options::signals()",
            tests=["a kernel whose enter takes no time-out is waited for in ppoll [hazard 10]"],
            notes="before, such waits are in ppoll(2)"),
        "native_workers": Flag(
            uses="all operations",
            tests=["cancel interrupts an operation that a worker runs, and any answer is possible"],
            notes="reported"),
        "rsrc_tags": Flag(
            "registered_files", "registered_buffers",
            tests=["a tag comes back when the kernel has let go of its file, and not while an operation has it",
                   "a buffer's tag comes back when the kernel has let go of it, and not while an operation has it"]),
        "cqe_skip": Flag("skip_success", tests=["a failure is told by a completion, with skip_success too"]),
        "linked_file": Flag(
            uses="chains",
            tests=["a hard link goes on after a short read and after a failure [hazard 32]"],
            notes="an operation may use what the one before it has opened"),
        "reg_reg_ring": Flag(
            "setup::registered_file_only",
            tests=["a release is reached with all releases before it, and the features agree"]),
        "recvsend_bundle": Flag(
            "op::recv_bundle", "op::send_bundle",
            tests=["recv_bundle fills several buffers in one completion",
                   "send_bundle sends all buffers of a group, and names the first [hazard 36]"]),
        "min_timeout": Flag(
            "wait_options::minimum_wait()", "wait_options::deadline()",
            tests=["with a minimum wait fewer completions than asked for are enough, and none are not"],
            notes="deadlines came with the same release"),
        "rw_attr": Flag(
            "protection_information",
            tests=[(None, "protection_information")],
            notes="for disks that have it"),
        "no_iowait": Flag(
            "wait_options::no_iowait()",
            tests=["a wait that does not count as one for input or output waits all the same"]),
    },
}

CONSTANT = re.compile(
    r"((?:^/// [^\n]*\n)+)^inline constexpr std::uint32_t (setup|enter|feat)_(\w+) = 1U << (\d+);", re.MULTILINE
)
ENUMERATOR = re.compile(r"((?:^ *///[^\n]*\n)+)^ *(\w+) = 1u << (\d+),", re.MULTILINE)

class Option:
    """An enumerator of lio::setup."""

    def __init__(self, doc, name, bit):
        self.name, self.bit, self.doc, self.since = name, int(bit), plain(doc), since_of(plain(doc))


def read_options():
    text = (ROOT / "include/lio/ring_options.hpp").read_text()
    start = text.index("{", text.index("enum class setup"))
    return [Option(*match.groups()) for match in ENUMERATOR.finditer(text, start, closing(code_of(text), start))]


class KernelFlag:
    """A flag of the kernel as include/lio/abi/setup.hpp has it, together with all that belongs to it."""

    def __init__(self, doc, group, name, bit, options, cases):
        self.group, self.name, self.bit = group, name, int(bit)
        self.doc, self.since = plain(doc), since_of(plain(doc))
        self.kernel_name = f"IORING_{group}_{name}".upper()
        self.flag = FLAGS[group].get(name)
        self.option = next((one for one in options if group == "setup" and one.bit == self.bit), None)
        self.names = [f"setup::{self.option.name}"] if self.option else []
        self.names += self.flag.names if self.flag else ()
        self.cases = [(asked, find_case(asked, cases)) for asked in (self.flag.tests if self.flag else [])]

    def where(self):
        return f"include/lio/abi/setup.hpp: {self.group}_{self.name}"

    def cells(self, chosen):
        given = ", ".join(f"`{name}`" for name in self.names)
        tests = "; ".join(f"{case.name} ({case.path.relative_to(ROOT / 'tests')})" for _, case in self.cases if case)
        by_itself = [who for who, names in chosen.items() if self.option and self.option.name in names]
        if self.flag and self.flag.uses:
            by_itself.append(self.flag.uses)
        said = first_sentence(SINCE.split(self.doc)[0].strip())
        return [f"`{self.kernel_name}`", given, dotted(self.since), "; ".join(by_itself), said, tests,
                self.flag.notes if self.flag else ""]


def read_flags():
    options, cases = read_options(), all_test_cases()
    text = (ROOT / "include/lio/abi/setup.hpp").read_text()
    flags = [KernelFlag(*match.groups(), options, cases) for match in CONSTANT.finditer(text)]
    return flags, options


def read_choices():
    """What the library chooses by itself, for whom: names in lio::setup."""
    code = code_of((ROOT / "src/setup_flags.hpp").read_text())
    chosen = {}
    for who, array in (("one thread", "one_thread_choices"), ("two threads", "any_thread_choices")):
        found = re.search(rf"\b{array}\s*\[\]\s*=\s*\{{([^}}]*)\}}", code)
        chosen[who] = set(re.findall(r"\bsetup::(\w+)", found[1])) - {"none"} if found else set()
    return chosen


HEADINGS = {
    "setup": "Setting up",
    "enter": "Entering",
    "feat": "Features",
}


def table(flags, options, chosen):
    lines = [
        "# Flags of set-up and of entering, and features",
        "",
        "Made by docs/setup.py from include/lio and tests; not edited by hand. All that Linux 7.3 has.",
        "",
        "- *Library*: what gives a program the flag, in namespace `lio`. A set-up option that is asked for is given",
        "  exactly, or refused with its name and the kernel that it needs.",
        "- *Linux* is the first release that has it; `lio::since()` is the same as a constant, and",
        "  `lio::abilities().supports()` asks the running one.",
        "- *By itself*: for whom the library takes it without being asked, where the kernel has it and *Notes* do not say",
        "  otherwise.",
        "- *Test*: one that shows what it does, in tests/.",
    ]
    for group, heading in HEADINGS.items():
        lines += ["", f"## {heading}", ""]
        lines += ["| Kernel | Library | Linux | By itself | What it does | Test | Notes |"]
        lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
        lines += [row(flag.cells(chosen)) for flag in flags if flag.group == group]
    return "\n".join(lines) + "\n"


# What --check checks: each yields a sentence for everything that is wrong.


def every_flag_of_the_kernel_is_there(flags, options, chosen):
    names = set(re.findall(r"\bIORING_(?:SETUP|ENTER|FEAT)_\w+", KERNEL_NAMES.read_text()))
    if not names:
        yield f"{KERNEL_NAMES.relative_to(ROOT)} has no flags"
    found = {flag.kernel_name for flag in flags}
    for name in sorted(names - found):
        yield f"include/lio/abi/setup.hpp: {name} is missing"
    for name in sorted(found - names):
        yield f"include/lio/abi/setup.hpp: the kernel has no {name}"
    for group, known in FLAGS.items():
        for name in sorted(set(known) - {flag.name for flag in flags if flag.group == group}):
            yield f"docs/setup.py: FLAGS has {group}_{name}, which include/lio/abi/setup.hpp does not"


def every_flag_has_a_name_that_is_there(flags, options, chosen):
    public = "\n".join(code_of(path.read_text()) for path in sorted((ROOT / "include/lio").rglob("*.hpp"))
                       if "abi" not in path.relative_to(ROOT).parts)
    for flag in flags:
        if flag.flag is None:
            yield f"{flag.where()}: docs/setup.py does not know it"
        elif not flag.names and not flag.flag.uses:
            yield f"{flag.where()}: no name in the library, and not used by itself"
        for name in flag.names:
            for part in re.findall(r"\w+", name):
                if part != "op" and not re.search(rf"\b{part}\b", public):
                    yield f"{flag.where()}: there is no {name} in include/lio"
    for option in options:
        if not any(flag.option is option for flag in flags):
            yield f"include/lio/ring_options.hpp: setup::{option.name} is no flag of the kernel"


def every_flag_has_its_first_release(flags, options, chosen):
    constants = ROOT / "include/lio/minimum_kernel.hpp"
    releases = dict(re.findall(r"\{abi::setup_(\w+), \{(\d+, \d+)\}\}", code_of(constants.read_text())))
    for flag in flags:
        if flag.since is None:
            yield f"{flag.where()}: no 'Since Linux'"
        if flag.option and flag.option.since != flag.since:
            yield (f"{flag.where()} says Linux {dotted(flag.since)}, include/lio/ring_options.hpp of "
                   f"setup::{flag.option.name} {dotted(flag.option.since)}")
        constant = releases.get(flag.name)
        if flag.group == "setup" and constant != ", ".join(map(str, flag.since or ())):
            yield f"{flag.where()} says Linux {dotted(flag.since)}, include/lio/minimum_kernel.hpp {constant}"


def the_ways_to_wait_say_the_same_release(flags, options, chosen):
    text = (ROOT / "include/lio/wait_options.hpp").read_text()
    for flag in flags:
        for name in flag.names:
            member = re.fullmatch(r"wait_options::(\w+)\(\)", name)
            # The flag that a member is named after is its own; others it shares.
            if not member or flag.group != "enter":
                continue
            declared = re.search(
                rf"((?:^ *///[^\n]*\n)+)(?:^ *(?:template|requires)[^\n]*\n)*^(?! *//)[^\n]*\b{member[1]}\(",
                text, re.MULTILINE,
            )
            if not declared:
                yield f"include/lio/wait_options.hpp: {name} has no documentation"
            elif since_of(plain(declared[1])) != flag.since:
                yield f"{flag.where()} says Linux {dotted(flag.since)}, {name} {dotted(since_of(plain(declared[1])))}"


def every_flag_has_a_test_that_is_there(flags, options, chosen):
    for flag in flags:
        if not flag.cases:
            yield f"{flag.where()}: docs/setup.py names no test"
        for asked, case in flag.cases:
            if case is None:
                yield f"{flag.where()}: there is no test {asked_for(asked)}"


def what_the_library_chooses_is_known(flags, options, chosen):
    for who, names in chosen.items():
        if not names:
            yield f"src/setup_flags.hpp: the choices for {who} were not found"
        for name in sorted(names - {option.name for option in options}):
            yield f"src/setup_flags.hpp: setup::{name} is not in include/lio/ring_options.hpp"


def the_table_is_what_the_headers_say(flags, options, chosen):
    yield from staleness(TABLE, table(flags, options, chosen))


CHECKS = (
    every_flag_of_the_kernel_is_there,
    every_flag_has_a_name_that_is_there,
    every_flag_has_its_first_release,
    the_ways_to_wait_say_the_same_release,
    every_flag_has_a_test_that_is_there,
    what_the_library_chooses_is_known,
    the_table_is_what_the_headers_say,
)


if __name__ == "__main__":
    sources = *read_flags(), read_choices()
    checks = [functools.update_wrapper(functools.partial(check, *sources), check) for check in CHECKS]
    sys.exit(main(__doc__.splitlines()[0], "setup-document", TABLE, lambda: table(*sources), checks))
