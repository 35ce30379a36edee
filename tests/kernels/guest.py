"""Boots a guest, runs the suite in it and reads what comes out of its console. One boot is one emulator process, which
ends with the guest, or is ended when the time is up."""

import os
import re
import secrets
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from initramfs import Initramfs
from machines import MODULES

HERE = Path(__file__).resolve().parent
BOOT_LIMIT = 240  # seconds until the suite begins
SUITE_LIMIT = 1800  # seconds for the suite; it is ended in the guest, so that what it found is not lost
ATTEMPTS = 3
SCRATCH_DISK = "/dev/nvme0n1"
NOT_TEXT = re.compile(r"\r|\x1b\[[\d;]*m")  # a terminal is written to


class Run:
    """What a suite gave: lines of results, each with the second at which it came, all that was printed, and its exit
    status (None if it came to no end)."""

    def __init__(self):
        self.started, self.status, self.results, self.output = False, None, [], []
        self.seconds = 0.0


def make_initramfs(kernel, files, mark, devices, only):
    """`files` are (path in the guest, file here)."""
    made = Initramfs()
    for folder in ("bin", "sbin", "usr/bin", "usr/sbin", "dev", "proc", "sys", "tmp", "root", "etc"):
        made.add_folder(folder)
    made.add("bin/busybox", kernel.busybox.read_bytes(), executable=True)
    made.add("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    made.add("etc/group", b"root:x:0:\n")
    made.add("etc/hosts", b"127.0.0.1 localhost\n")
    made.add("init", (HERE / "guest/init").read_bytes(), executable=True)
    made.add("suite", (HERE / "guest/suite").read_bytes())
    made.add("mark", mark.encode())
    made.add("limit", str(SUITE_LIMIT).encode())
    made.add("devices", devices.encode())
    made.add("only", only.encode())
    loaded = ""
    for name, file in kernel.modules:
        made.add(f"modules/{name}.ko", file.read_bytes())
        if name != "scsi_debug":
            loaded += f"{name} {MODULES.get(name, '')}\n"
    made.add("modules/list", loaded.encode())
    for path, file in files:
        made.add(path, file.read_bytes(), executable=True)
    return made.content()


def boot(cpu, kernel, files, log, only):
    """Boots and runs the suite; a guest that dies before that is booted again. All output is kept in the file `log`."""
    with tempfile.TemporaryDirectory(prefix="lio-guest-") as work:
        mark = "lio-" + secrets.token_hex(8)
        initramfs, disk = Path(work, "initramfs"), Path(work, "disk")
        has_disk = cpu.has_nvme and "nvme" not in kernel.missing_modules
        initramfs.write_bytes(make_initramfs(kernel, files, mark, SCRATCH_DISK if has_disk else "", only))
        # For a while the initramfs is there packed and unpacked. More than some 700 MiB are beyond what a 32-bit kernel
        # maps, and there Linux 6.1 crashes on a ring of buffers in the program's memory.
        memory = 600 + 3 * (initramfs.stat().st_size >> 20)
        words = "".join(f"console={console} " for console in cpu.consoles)
        words += "panic=-1 quiet loglevel=1 random.trust_cpu=on nvme.poll_queues=2 LIO_GUEST=yes"
        words += "" if cpu.has_all_setups else " LIO_FEW_SETUPS=yes"
        command = [
            cpu.qemu, "-no-user-config", "-nodefaults", "-no-reboot", "-display", "none", "-monitor", "none",
            "-chardev", "stdio,id=console,signal=off", *cpu.machine, "-smp", "2", "-m", str(memory),
            "-kernel", str(kernel.image), "-initrd", str(initramfs), "-append", words,
        ]
        if has_disk:
            command += ["-drive", f"file={disk},if=none,id=disk,format=raw,discard=unmap"]
            command += ["-device", "nvme,drive=disk,serial=lio"]
        for attempt in range(ATTEMPTS):
            disk.unlink(missing_ok=True)
            disk.touch()
            os.truncate(disk, 256 << 20)
            with log.open("w") as written:
                run = run_guest(command, mark, written)
            if run.started:
                break
        return run


def run_guest(command, mark, log):
    run = Run()
    began = time.monotonic()
    guest = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    limit = threading.Timer(BOOT_LIMIT, guest.kill)
    limit.start()
    try:
        for raw in guest.stdout:
            line = NOT_TEXT.sub("", raw.decode(errors="replace"))
            before, marked, said = line.partition(mark + " ")
            if not marked or before:
                run.output.append(before)
                log.write(before)
                log.flush()
            if not marked:
                continue
            word, _, rest = said.rstrip("\n").partition(" ")
            if word == "start":
                run.started = True
                limit.cancel()
                limit = threading.Timer(SUITE_LIMIT + 60, guest.kill)
                limit.start()
            elif word == "end":
                run.status = int(rest)
                limit.cancel()
                limit = threading.Timer(20, guest.kill)  # to switch itself off
                limit.start()
            else:
                run.results.append((time.monotonic() - began, said.rstrip("\n")))
                log.write(f"{time.monotonic() - began:7.2f} {said}")
    finally:
        limit.cancel()
        guest.kill()
        guest.wait()
    run.seconds = time.monotonic() - began
    return run
