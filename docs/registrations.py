#!/usr/bin/env python3
"""Writes docs/registrations.md, the table of all that io_uring_register does, from the headers.

usage: registrations.py            writes the table
       registrations.py --check    writes nothing, and fails if the table is stale or something is missing: a number of the
                                   kernel, a type for it, its first release, a test of its effect or of its failure
--check ends with "[registrations-document] passed=N failed=N skipped=N".

Which registrations there are and since when is read in include/lio/abi/register.hpp. What no header says is in
REGISTRATIONS below: which type of the library stands for each, what it does, and which tests show it.
"""

import functools
import re
import sys

sys.dont_write_bytecode = True  # a test leaves nothing in the sources
from headers import (ROOT, SINCE, all_test_cases, asked_for, closing, code_of, dotted, find_case, main, row, since_of,
                     staleness)

TABLE = ROOT / "docs/registrations.md"
HEADER = ROOT / "include/lio/abi/register.hpp"
KERNEL_NAMES = ROOT / "tests/data/uapi-7.3.tsv"


class Registration:
    """What this script knows of a registration: `what` it does, the `names` in the library that stand for it, `tests` that
    show its effect, `failures` that show what it says when it cannot be had, and `notes`. A test is asked for as
    headers.find_case() takes it: by name, or (tag, word)."""

    def __init__(self, what, *names, tests=(), failures=(), notes=""):
        self.what, self.names, self.tests, self.failures, self.notes = what, names, tests, failures, notes


LIBRARYS_OWN = "the library does it by itself, for rings of one thread"

REGISTRATIONS = {
    # Buffers.
    "register_buffers": Registration(
        "pins memory for operations to read and write", "registered_buffers::create()",
        tests=["what is written from a registered buffer is read back into another",
               "memory is pinned as long as it is registered, by page, and no longer"],
        failures=["lists of buffers that make no table are refused, and leave none",
                  "a user's limit on locked memory refuses buffers, memory and waits, and the error names it and the remedy"]),
    "unregister_buffers": Registration(
        "lets go of them", "registered_buffers::close()",
        tests=["memory is pinned as long as it is registered, by page, and no longer"],
        failures=["a table of buffers is closed by its ring's own thread only"],
        notes="so does the end of the object, and of the ring"),
    "register_buffers2": Registration(
        "the same with tags, or without buffers at first", "registered_buffers::create()",
        "registered_buffers::create_empty()",
        tests=["a buffer's tag comes back when the kernel has let go of it, and not while an operation has it",
               "places of a table of buffers are filled, changed and emptied, and know their bounds"],
        failures=["places that do not exist, and tags that do not match, are refused before the kernel sees them"]),
    "register_buffers_update": Registration(
        "changes some of them, with tags", "registered_buffers::update()",
        tests=["places of a table of buffers are filled, changed and emptied, and know their bounds"],
        failures=["places that do not exist, and tags that do not match, are refused before the kernel sees them"]),
    "register_clone_buffers": Registration(
        "shares those of another ring, all or some", "registered_buffers::clone()", "registered_buffers::update()",
        tests=["a table of buffers is shared with another ring, and stays when the first is gone",
               "a part of a table is shared, as a table of its own and in the places of another"],
        failures=["a part of a table that is not there is not shared, and nothing changes",
                  "a table is shared with a ring that has no descriptor, on that ring's thread only [hazard 13]"],
        notes="a part of them, and in the places of others, since Linux 6.13"),
    # Files.
    "register_files": Registration(
        "holds files open for operations to name by slot", "registered_files::create()",
        tests=["an operation through a slot reaches the file, also when its descriptor is closed"],
        failures=["lists of files that make no table are refused, and leave none"]),
    "unregister_files": Registration(
        "lets go of them", "registered_files::close()",
        tests=["the kernel holds a registered file open as long as it is registered"],
        failures=["a table of files is closed by its ring's own thread only"],
        notes="so does the end of the object, and of the ring"),
    "register_files2": Registration(
        "the same with tags, or with empty slots", "registered_files::create()", "registered_files::create_empty()",
        tests=["a tag comes back when the kernel has let go of its file, and not while an operation has it",
               "a table of empty slots takes files that are registered, and files that are opened into them"],
        failures=["slots that do not exist are refused before the kernel sees them"]),
    "register_files_update": Registration(
        "changes some of them", "registered_files::update()",
        tests=["slots are filled, changed, left alone and emptied one by one and together"],
        failures=["an update says how many slots it has done, and does not touch those behind a bad descriptor"],
        notes="`op::files_update` is the same as an operation"),
    "register_files_update2": Registration(
        "the same with tags", "registered_files::update()",
        tests=["a tag comes back when the kernel has let go of its file, and not while an operation has it"],
        failures=["slots that do not exist are refused before the kernel sees them"]),
    "register_file_alloc_range": Registration(
        "says which slots the kernel may choose", "registered_files::allocate_from()",
        tests=["operations that choose a slot choose from those that they are given"],
        failures=["slots that do not exist are refused before the kernel sees them"]),
    # Signals of completions.
    "register_eventfd": Registration(
        "signals an eventfd at each completion", "registered_eventfd",
        tests=["an eventfd tells of completions that come while nobody looks"],
        failures=["a ring has one eventfd at most, and it must be one"]),
    "unregister_eventfd": Registration(
        "no longer", "registered_eventfd::close()",
        tests=["an eventfd tells of completions that come while nobody looks"],
        failures=["an eventfd's registration may outlive the ring, and is moved, not copied"],
        notes="so does the end of the object, and of the ring"),
    "register_eventfd_async": Registration(
        "signals it at completions that do not come during the submission", "registered_eventfd",
        "eventfd_events::asynchronous",
        tests=["an eventfd may be told only of what does not complete while it is submitted"],
        failures=["what is registered already, is nothing, or is too much, is told as that"]),
    # What the ring can do and may.
    "register_probe": Registration(
        "lists the operations of this kernel", "probe", "abilities()",
        tests=["the probe knows exactly the operations that the kernel lists"],
        failures=["whichever call of probe::ask fails, the error tells it and nothing is left open"]),
    "register_query": Registration(
        "asks what this kernel knows", "ask()", "abilities()",
        tests=["a question is answered by the kernel, as abilities() has it too [hazard 43]"],
        failures=["several questions are asked at once, and one that the kernel does not know is no failure of the others"]),
    "register_personality": Registration(
        "keeps the caller's credentials, for operations to run with", "personality::create()",
        tests=["an operation with a personality has the credentials of whoever registered it, at that time"],
        failures=["a ring keeps 65535 personalities, and one more is refused without harm to them"]),
    "unregister_personality": Registration(
        "forgets them", "personality::close()",
        tests=["a personality that was never registered, or has gone, is an error and not other credentials"],
        failures=["a personality that cannot be had leaves nothing, one that may not go stays until the ring closes"],
        notes="so does the end of the object, and of the ring"),
    "register_restrictions": Registration(
        "limits what the ring does, or, without a ring, what rings that are made later do", "restrictions",
        "restrict_task()",
        tests=["a restricted ring does what is allowed, and refuses everything else with EACCES",
               "every ring that a restricted task makes is restricted, in its threads and children too"],
        failures=["restrictions that the kernel does not know as a whole leave the ring unrestricted",
                  "a task restricts itself with privileges or without new ones, and what the kernel knows"],
        notes="of a task since Linux 7.0"),
    "register_bpf_filter": Registration(
        "lets a BPF program decide which operations may run", "operation_filter", "filter_task()",
        tests=["sockets of one family may be made, others are refused",
               "a filter of a task is one of every ring that it makes from then on"],
        failures=["programs that filters cannot be are refused, and change nothing",
                  "a task takes filters with privileges or without new ones, a ring takes them always"]),
    "register_enable_rings": Registration(
        "starts a ring that was made disabled", "enable()",
        tests=["a ring that is asked to start disabled takes nothing until it is enabled [hazard 14]"],
        failures=["a ring that cannot be enabled says why and keeps what was queued"],
        notes="a default ring does it itself at the first use"),
    # How it works and waits.
    "register_iowq_aff": Registration(
        "keeps the ring's workers to some processors", "set_worker_affinity()",
        tests=["workers run on the CPUs that they are given, and anywhere again after a reset"],
        failures=["settings of workers are refused with the reason, and nothing changes"]),
    "unregister_iowq_aff": Registration(
        "lets them run on any", "reset_worker_affinity()",
        tests=["workers run on the CPUs that they are given, and anywhere again after a reset"],
        failures=["a thread that has nothing to do with rings has no workers to set, and one that does not own the ring is "
                  "told so"]),
    "register_iowq_max_workers": Registration(
        "limits how many there are", "set_worker_limits()", "limits_of_workers()",
        tests=["there are no more bounded workers than the limit says",
               "there are no more unbounded workers than the limit says"],
        failures=["settings of workers are refused with the reason, and nothing changes"]),
    "register_ring_fds": Registration(
        "gives the ring a number that is found faster than its descriptor", "enable()",
        tests=["the first submit enables the ring and registers its descriptor, every later one is a single call"],
        failures=["where the ring's descriptor cannot be registered, the plain one does"],
        notes=LIBRARYS_OWN),
    "unregister_ring_fds": Registration(
        "takes it away", "ring::close()",
        tests=["closing takes the registered descriptor back before it closes the ring"],
        failures=["closing on another thread leaves that thread's own table of rings alone"],
        notes=LIBRARYS_OWN),
    "register_sync_cancel": Registration(
        "cancels operations and waits until they have ended", "cancel_now()",
        tests=["cancel_now ends the operation with this user_data, whose completion is there right after [hazard 33]",
               "cancel_now waits until what a worker runs has ended"],
        failures=["cancel_now gives up on what cannot be interrupted when its time is over",
                  "cancel_now refuses what means nothing to it, and cancels nothing then"]),
    "register_napi": Registration(
        "lets waits poll the network devices for a while", "busy_poll::create()", "busy_poll::change()",
        "busy_poll::add_queue()", "busy_poll::remove_queue()",
        tests=["busy polling is on as long as its owner lives, in the way that was asked for"],
        failures=["busy polling is refused where it cannot be, with the reason, and leaves nothing behind"]),
    "unregister_napi": Registration(
        "no longer", "busy_poll::close()",
        tests=["what was registered for busy polling comes back from the kernel"],
        failures=["busy polling is registered as it is asked for, taken away once, and stays when that fails"],
        notes="so does the end of the object, and of the ring"),
    "register_clock": Registration(
        "chooses the clock of waits with a time", "set_wait_clock()",
        tests=["deadlines and time-outs go by the clock that the ring was given"],
        failures=["a clock that is none is refused, and the ring keeps the one that it has"]),
    "register_resize_rings": Registration(
        "gives the queues another size", "ring::resize()",
        tests=["a ring in use can grow: what is queued, in flight and unreaped stays [hazard 21]"],
        failures=["what does not fit is refused, and the ring is as it was [hazard 21]",
                  "a resize whose mapping fails after the kernel has switched closes the ring, says so and leaves nothing "
                  "[hazard 21]"]),
    "register_send_msg_ring": Registration(
        "sends a message to a ring, without one", "send_message()",
        tests=["a message that is sent without a ring arrives in rings of each set-up"],
        failures=["a message without a ring is refused where none arrives, with the reason [hazard 43]"]),
    # Memory.
    "register_pbuf_ring": Registration(
        "makes a ring of buffers for the kernel to choose from", "buffer_ring",
        tests=["no buffer is ever lost or has two owners, in a storm over groups of every kind [hazard 34] [hazard 36]",
               "buffers may lie in memory of the program's own, which is left to it"],
        failures=["a count that is no power of two up to 32768 is refused",
                  "memory that is too small for the buffers is refused"],
        notes="the kernel's memory since Linux 6.4, incremental since 6.12"),
    "unregister_pbuf_ring": Registration(
        "takes it away", "buffer_ring::close()",
        tests=["close unregisters once, and says so from the wrong thread"],
        failures=["buffers that the kernel does not let go of stay mapped"],
        notes="so does the end of the object, and of the ring"),
    "register_pbuf_status": Registration(
        "says how many buffers the kernel has left", "buffer_ring::available()",
        tests=["a buffer that is not given back is not used again"],
        failures=["a buffer ring outlives its ring harmlessly"]),
    "register_mem_region": Registration(
        "shares memory with the kernel, also for waits", "memory_region", "registered_waits",
        tests=["a registered buffer may be in memory that is registered as a whole, the kernel's and the program's",
               "a registered wait ends by its time, its completions and its minimum, as the same one does unregistered"],
        failures=["memory that cannot be registered is refused with the reason, and the ring can have other memory then",
                  "registered waits are refused where they cannot be, with the reason"],
        notes="until the ring is closed"),
    # Zero-copy receive.
    "register_zcrx_ifq": Registration(
        "receives from a queue of a network device into the program's memory", "zero_copy_receiver::create()",
        "zero_copy_import::create()",
        tests=["some megabytes arrive byte for byte, and every buffer comes back",
               "two rings receive into the same memory, each for itself"],
        failures=["whichever call of zero_copy_receiver::create fails, nothing is left behind",
                  "options that cannot be are refused before or by the kernel, with the reason"],
        notes="import since Linux 6.19, without a device since 7.1"),
    "register_zcrx_ctrl": Registration(
        "controls such a queue", "zero_copy_receiver::flush()", "zero_copy_receiver::export_file()",
        "zero_copy_receiver::arm()", "zero_copy_receiver::add_area()", "zero_copy_import::flush()",
        tests=["what was given back is received into again once it is flushed",
               "memory that is added is received into when the first is used up"],
        failures=["memory that cannot be added leaves things as they were", "a control that this kernel lacks is named"],
        notes="arm since Linux 7.2, add_area since 7.3"),
}


class Row:
    """A register_opcode as the header has it, together with all that belongs to it."""

    def __init__(self, name, number, since, cases):
        self.name, self.number, self.since = name, int(number), since
        self.kernel_name = f"IORING_{name}".upper()
        self.known = REGISTRATIONS.get(name)
        self.tests = [(asked, find_case(asked, cases)) for asked in (self.known.tests if self.known else [])]
        self.failures = [(asked, find_case(asked, cases)) for asked in (self.known.failures if self.known else [])]

    def where(self):
        return f"{HEADER.relative_to(ROOT)}: {self.name}"

    def cells(self):
        def named(tests):
            return "; ".join(f"{case.name} ({case.path.relative_to(ROOT / 'tests')})" for _, case in tests if case)

        types = ", ".join(f"`{name}`" for name in self.known.names) if self.known else ""
        return [str(self.number), f"`{self.kernel_name}`", types, dotted(self.since), self.known.what if self.known else "",
                named(self.tests), named(self.failures), self.known.notes if self.known else ""]


def read_rows():
    """A comment within the enumeration says since when those behind it are there, up to the next one."""
    text = HEADER.read_text()
    start = text.index("{", text.index("enum class register_opcode"))
    cases, rows, since = all_test_cases(), [], None
    for line in text[start : closing(code_of(text), start)].splitlines():
        if SINCE.search(line):
            since = since_of(line)
        if found := re.match(r"\s*(\w+) = (\d+),", line):
            rows.append(Row(*found.groups(), since, cases))
    return rows


def table(rows):
    lines = [
        "# Registrations",
        "",
        "Made by docs/registrations.py from include/lio and tests; not edited by hand. All that `io_uring_register` of Linux",
        "7.3 does.",
        "",
        "- *Library*: what stands for it, in namespace `lio`. What is registered is owned by an object: it goes with the",
        "  object, or with the ring, whichever ends first, and neither minds the other. Memory regions, registered waits and",
        "  queues for zero-copy receive the kernel takes back with the ring only.",
        "- *Linux* is the first release that has it.",
        "- *Test* shows what it does, *Failure* what it says if it cannot be had; both are in tests/.",
        "",
        "| # | Kernel | Library | Linux | What it does | Test | Failure | Notes |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [row(one.cells()) for one in rows]
    return "\n".join(lines) + "\n"


# What --check checks: each yields a sentence for everything that is wrong.


def every_registration_of_the_kernel_is_there(rows):
    pattern = re.compile(r"^enum\tio_uring_register_op\tIORING_((?:UN)?REGISTER_\w+)\t(\d+)\t", re.MULTILINE)
    kernels = {name.lower(): int(number) for name, number in pattern.findall(KERNEL_NAMES.read_text())}
    last = kernels.pop("register_last", 0)
    kernels.pop("register_use_registered_ring", None)
    found = {one.name: one.number for one in rows}
    if len(kernels) != last or not kernels:
        yield f"{KERNEL_NAMES.relative_to(ROOT)} has {len(kernels)} registrations, not the {last} that it says"
    for name in sorted(kernels.keys() | found.keys()):
        if kernels.get(name) != found.get(name):
            yield f"{HEADER.relative_to(ROOT)}: {name} is {found.get(name)}, in the kernel {kernels.get(name)}"
    for name in sorted(REGISTRATIONS.keys() - found.keys()):
        yield f"docs/registrations.py: REGISTRATIONS has {name}, which {HEADER.relative_to(ROOT)} does not"


def every_registration_has_a_type_that_is_there(rows):
    public = "\n".join(code_of(path.read_text()) for path in sorted((ROOT / "include/lio").rglob("*.hpp"))
                       if "abi" not in path.relative_to(ROOT).parts)
    for one in rows:
        if one.known is None:
            yield f"{one.where()}: docs/registrations.py does not know it"
        elif not one.known.names:
            yield f"{one.where()}: no type in the library"
        for name in one.known.names if one.known else ():
            for part in re.findall(r"\w+", name):
                if part != "op" and not re.search(rf"\b{part}\b", public):
                    yield f"{one.where()}: there is no {name} in include/lio"


def every_registration_has_its_first_release(rows):
    for one in rows:
        if one.since is None:
            yield f"{one.where()}: no 'Since Linux'"


def every_registration_has_tests_that_are_there(rows):
    for one in rows:
        for tests, kind in ((one.tests, "test"), (one.failures, "test of its failure")):
            if not tests:
                yield f"{one.where()}: docs/registrations.py names no {kind}"
            for asked, case in tests:
                if case is None:
                    yield f"{one.where()}: there is no {kind} {asked_for(asked)}"


def the_table_is_what_the_headers_say(rows):
    yield from staleness(TABLE, table(rows))


CHECKS = (
    every_registration_of_the_kernel_is_there,
    every_registration_has_a_type_that_is_there,
    every_registration_has_its_first_release,
    every_registration_has_tests_that_are_there,
    the_table_is_what_the_headers_say,
)


if __name__ == "__main__":
    read = read_rows()
    checks = [functools.update_wrapper(functools.partial(check, read), check) for check in CHECKS]
    sys.exit(main(__doc__.splitlines()[0], "registrations-document", TABLE, lambda: table(read), checks))
