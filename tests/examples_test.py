#!/usr/bin/env python3
"""Runs the example programs as a person would, also in the ways that go wrong. Argument: the folder they are built in.

Ends with "[examples] passed=N failed=N skipped=N". A case that this kernel cannot run is skipped with the reason.
"""

import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAMS = Path(sys.argv[1]).resolve() if len(sys.argv) == 2 else sys.exit(__doc__)
NAMES = ("basic_io", "linked_ops", "poll_loop", "tcp_echo", "registered_buffers", "locked_down")
CASES = []
LIMIT = 60  # seconds for whatever a program does


class Skip(Exception):
    pass


def case(function):
    CASES.append(function)
    return function


def check(condition, *seen):
    if not condition:
        raise AssertionError("\n".join(str(one) for one in seen))


def run(name, *arguments, **options):
    done = subprocess.run(
        [PROGRAMS / name, *map(str, arguments)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=LIMIT, **options,
    )
    skip_if_missing(done.stderr)
    return done


def skip_if_missing(text):
    """What the programs say themselves when it is the system that lacks something."""
    missing = re.search(r"this kernel lacks .*|io_uring may not be used here.*|this system has no io_uring.*", text)
    if missing:
        raise Skip(missing.group())


def check_one_line(done, *words):
    """It failed, with one line for a person that holds these words."""
    lines = done.stderr.splitlines()
    check(done.returncode == 1 and len(lines) == 1, done)
    check(all(word in lines[0] for word in words), done)


class Server:
    """tcp_echo on a port of its own."""

    def __init__(self, **options):
        self.process = subprocess.Popen(
            [PROGRAMS / "tcp_echo", "--port", "0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options,
        )

    def __enter__(self):
        line = self.process.stdout.readline()
        skip_if_missing(line)
        check("listening on 127.0.0.1:" in line, line)
        self.port = int(line.rsplit(":", 1)[1])
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def connect(self, receive_buffer=None):
        client = socket.socket()
        client.settimeout(LIMIT)
        if receive_buffer is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.connect(("127.0.0.1", self.port))
        return client

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def end(self, number=signal.SIGINT):
        """What it prints after the signal; it must end well."""
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=LIMIT)
        check(self.process.returncode == 0, self.process.returncode, output)
        check(len(output.splitlines()) == 1 and "connections" in output, output)
        return output


def receive_all(client):
    parts = []
    while part := client.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def pattern(size):
    return bytes((i * 7919 >> 3) & 255 for i in range(size))


@case
def help_is_printed_on_request():
    for name in NAMES:
        done = run(name, "--help")
        check(done.returncode == 0 and done.stdout.startswith(f"usage: {name}") and done.stderr == "", done)


@case
def unknown_arguments_are_refused_with_the_usage():
    wrong = [(name, "--bogus") for name in NAMES] + [(name, "one", "two") for name in NAMES] + [("tcp_echo", "one")]
    for name, *arguments in wrong:
        done = run(name, *arguments)
        check(done.returncode == 2 and done.stdout == "" and f"usage: {name}" in done.stderr, done)


@case
def numbers_out_of_range_are_refused():
    wrong = [("tcp_echo", "--port", value) for value in ("65536", "-1", "7x", "", "99999999999")]
    wrong += [("tcp_echo", "--self-test", "0"), ("tcp_echo", "--port"), ("registered_buffers", "--blocks", "0")]
    for name, *arguments in wrong:
        done = run(name, *arguments)
        check(done.returncode == 2 and done.stdout == "" and f"usage: {name}" in done.stderr, done)


@case
def the_file_programs_leave_nothing_behind():
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in (("basic_io", []), ("linked_ops", []), ("registered_buffers", ["--blocks", "70"]), ("locked_down", [])):
            done = run(name, *arguments, cwd=folder)
            check(done.returncode == 0 and done.stderr == "" and done.stdout != "", done)
            check(os.listdir(folder) == [], name, os.listdir(folder))


@case
def the_file_programs_leave_an_existing_file_alone():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mine")
        path.write_text("precious")
        for name in ("basic_io", "registered_buffers", "locked_down"):
            check_one_line(run(name, path), name, str(path), "EEXIST")
            check(path.read_text() == "precious")


@case
def a_missing_folder_is_named_in_one_line():
    with tempfile.TemporaryDirectory() as folder:
        for name in ("basic_io", "registered_buffers", "locked_down"):
            check_one_line(run(name, f"{folder}/no/file"), name, f"{folder}/no/file", "ENOENT")
        check_one_line(run("linked_ops", f"{folder}/no"), "linked_ops", f"{folder}/no", "ENOENT")


@case
def linked_ops_shows_what_follows_the_break():
    with tempfile.TemporaryDirectory() as folder:
        done = run("linked_ops", folder)
        broken = done.stdout.split("A chain that breaks", 1)[1]
        lines = [line.split() for line in broken.splitlines()[1:5]]
        check([line[1].rstrip(":") for line in lines] == ["4096", "ENOENT", "ECANCELED", "ECANCELED"], done.stdout)


@case
def locked_down_reads_and_writes_and_is_refused_the_rest():
    with tempfile.TemporaryDirectory() as folder:
        done = run("locked_down", cwd=folder)
        check(done.returncode == 0 and done.stderr == "", done)
        outcomes = [line.split()[-1] for line in done.stdout.splitlines()]
        check(outcomes == ["done"] * 2 + ["EACCES"] * 7, done.stdout)


def totals_of_poll_loop(output):
    """Lines, bytes, how often the timer went off, rounds of the loop."""
    last = re.fullmatch(r"(\d+) lines, (\d+) bytes; the timer went off (\d+) times in (\d+) rounds of the loop",
                        output.splitlines()[-1])
    check(last is not None, output)
    return map(int, last.groups())


@case
def poll_loop_counts_the_lines_of_a_file():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "text")
        for text in (b"", b"no end", pattern(3_000_000)):
            path.write_bytes(text)
            done = run("poll_loop", path)
            check(done.returncode == 0 and done.stderr == "", done)
            lines, size, ticks, rounds = totals_of_poll_loop(done.stdout)
            check((lines, size) == (text.count(b"\n"), len(text)), done)
        # It is what has been read that makes the loop go on, not the next tick.
        check(ticks * 2 <= rounds, done)
        check_one_line(run("poll_loop", folder), "poll_loop", folder, "EISDIR")
        check_one_line(run("poll_loop", f"{folder}/no"), "poll_loop", f"{folder}/no", "ENOENT")


@case
def poll_loop_does_its_other_work_while_a_read_waits_and_does_not_spin():
    with subprocess.Popen([PROGRAMS / "poll_loop"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, bufsize=0) as process:
        output = ""

        def read_until(words, times):
            nonlocal output
            for _ in range(LIMIT * 10):  # a line every tenth of a second
                line = process.stdout.readline().decode()
                output += line
                skip_if_missing(output)
                times -= words in line
                if line == "" or times == 0:
                    break
            check(times == 0, output)

        try:
            read_until(" 0 lines", 2)
            process.stdin.write(b"one\ntwo\n")
            read_until(" 2 lines", 2)
            process.stdin.write(b"three\nfour")
            read_until(" 3 lines, 18 bytes", 2)
            process.stdin.close()
            read_until("rounds of the loop", 1)
            check(process.wait(LIMIT) == 0, output)
        finally:
            process.kill()
        lines, size, ticks, rounds = totals_of_poll_loop(output)
        check((lines, size) == (3, 18), output)
        # A round for each reason that the loop has to wake up; a few more do no harm.
        check(ticks >= 6 and rounds <= ticks + 20, output)


@case
def the_self_test_passes_with_one_client_and_with_many():
    for clients in (1, 64, 500):
        done = run("tcp_echo", "--self-test", clients, "--messages", 6)
        check(done.returncode == 0 and done.stderr == "", done)
        check(f"at most {clients} at once" in done.stdout, done)


@case
def the_self_test_raises_a_soft_limit_of_descriptors():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < 400:
        raise Skip("RLIMIT_NOFILE allows too few descriptors")
    limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (80, hard))
    done = run("tcp_echo", "--self-test", 100, "--messages", 2, preexec_fn=limit)
    check(done.returncode == 0, done)


@case
def the_self_test_says_when_the_hard_limit_is_too_low():
    limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
    check_one_line(run("tcp_echo", "--self-test", 200, preexec_fn=limit), "RLIMIT_NOFILE", "100")


@case
def a_port_that_is_taken_is_named_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        check_one_line(run("tcp_echo", "--port", port), f"127.0.0.1:{port}", "EADDRINUSE")


@case
def the_server_sends_everything_back_after_a_half_close():
    sent = pattern(300_000)
    with Server() as server, server.connect() as client:
        client.sendall(sent[:1000])
        check(client.recv(1000, socket.MSG_WAITALL) == sent[:1000])
        # More than its buffers hold may not fit on the way: read while sending.
        client.setblocking(False)
        back, position = b"", 1000
        while position < len(sent):
            try:
                position += client.send(sent[position:])
            except BlockingIOError:
                pass
            try:
                back += client.recv(1 << 16)
            except BlockingIOError:
                pass
        client.settimeout(LIMIT)
        client.shutdown(socket.SHUT_WR)
        check(back + receive_all(client) == sent[1000:])
        check(" 300000 bytes" in server.end(signal.SIGTERM))


@case
def the_server_gives_descriptors_of_broken_connections_back():
    with Server() as server:
        before = server.descriptors()
        for i in range(100):
            with server.connect() as client:
                client.sendall(b"x" * (i * 97 + 1))
                # A reset instead of an orderly end.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Connections are taken in order: when this one is served, all others have been, and none is still to come.
        with server.connect() as last:
            last.sendall(b"q")
            check(last.recv(1) == b"q")
            deadline = time.monotonic() + LIMIT
            while server.descriptors() != before + 1 and time.monotonic() < deadline:
                time.sleep(0.01)
            check(server.descriptors() == before + 1, server.descriptors(), before)
        server.end()


@case
def a_client_that_never_reads_does_not_stop_the_others_nor_the_end():
    with Server() as server:
        # With little room in the sockets the bytes stay with the server.
        greedy = [server.connect(receive_buffer=4096) for _ in range(5)]
        for client in greedy:
            client.settimeout(0.3)
            try:
                while True:
                    client.send(b"z" * 65536)
            except TimeoutError:
                pass
        with server.connect() as polite:
            polite.settimeout(10)
            polite.sendall(b"ping")
            check(polite.recv(4, socket.MSG_WAITALL) == b"ping")
            server.end()
        for client in greedy:
            client.close()


@case
def the_server_goes_on_when_descriptors_run_out_and_come_back():
    limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (70, 70))
    with Server(preexec_fn=limit) as server:
        clients = [server.connect() for _ in range(100)]
        for client in clients:
            client.sendall(b"abc")
        for client in clients:
            check(client.recv(3, socket.MSG_WAITALL) == b"abc")
            client.close()
        server.end()


@case
def the_server_goes_on_after_a_stop_and_a_continue():
    with Server() as server, server.connect() as client:
        for number in (signal.SIGSTOP, signal.SIGCONT):
            time.sleep(0.2)  # so that it waits, or stands still
            server.process.send_signal(number)
        client.sendall(b"q")
        check(client.recv(1) == b"q")
        server.end()


def main():
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for function in CASES:
        name = function.__name__.replace("_", " ")
        try:
            function()
            outcome = "passed"
        except Skip as reason:
            outcome = "skipped"
            print(f"SKIPPED: {name}: {reason}")
        except Exception as problem:
            outcome = "failed"
            print(f"FAILED: {name}: {type(problem).__name__}: {problem}")
        counts[outcome] += 1
    print("[examples] " + " ".join(f"{key}={value}" for key, value in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
