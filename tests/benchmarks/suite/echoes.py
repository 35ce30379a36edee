"""The echo servers: each on one CPU, its load on another. Two rows for each size: the time from request to request, and the
server's own time on its CPU. A server ends with its last connection."""

import json
import os
import resource
import socket
import subprocess

import builds
from measuring import LIMIT, MINE, OTHER, Row, pinned

# name in the tables: program and its arguments
SERVERS = {
    "lio": ("echo-lio", "mode=linked"),
    "lio, multishot": ("echo-lio", "mode=multishot"),
    "liburing": ("echo-liburing", "mode=linked"),
    "liburing, multishot": ("echo-liburing", "mode=multishot"),
    "epoll": ("echo-epoll",),
    "asio": ("echo-asio",),
    "asio_uring": ("echo-asio_uring",),
}


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def more_files():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def run_once(server, connections, size, requests):
    """Nanoseconds a request, and nanoseconds of the server's CPU a request."""
    port = f"port={free_port()}"
    count = f"connections={connections}"

    def start(cpu):
        pinned(cpu)()
        more_files()

    serving = subprocess.Popen([builds.PROGRAMS / server[0], *server[1:], port, count], stdin=subprocess.DEVNULL,
                               preexec_fn=lambda: start(MINE))
    try:
        load = subprocess.run([builds.PROGRAMS / "echo-load", port, count, f"bytes={size}",
                               f"requests={requests}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              preexec_fn=lambda: start(OTHER), timeout=LIMIT)
        if load.returncode != 0:
            raise SystemExit(f"the load of {' '.join(server)} ended with {load.returncode}")
        # Its own time, not that of all children so far.
        _, status, used = os.wait4(serving.pid, 0)
        serving.returncode = os.waitstatus_to_exitcode(status)
    finally:
        if serving.returncode is None:
            serving.kill()
            serving.wait()
    if serving.returncode != 0:
        raise SystemExit(f"{' '.join(server)} ended with {serving.returncode}")
    return json.loads(load.stdout)["each"], (used.ru_utime + used.ru_stime) * 1e9 / (requests * 1.1)


class Served:
    """One server under one load. Measured once for both rows: the second takes what the first has kept."""

    def __init__(self, server, *load):
        self.server, self.load, self.kept = server, load, []

    def time(self):
        time, used = run_once(self.server, *self.load)
        self.kept.append(used)
        return time

    def used(self):
        return self.kept.pop(0)


def rows(connections, size, requests):
    served = {name: Served(server, connections, size, requests) for name, server in SERVERS.items() if builds.has(server[0])}
    what = f"{connections} connection{'s' if connections > 1 else ''}, {size} B"
    yield Row("echo", what, "ns a request", {name: one.time for name, one in served.items()})
    yield Row("echo", f"{what}, the server's CPU", "ns a request", {name: one.used for name, one in served.items()})
