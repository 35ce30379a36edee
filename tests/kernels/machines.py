"""The kernels and CPUs of the matrix: where Debian has each kernel, and what qemu needs to be told for each CPU. Tables
only; one who adds a kernel or a CPU touches nothing else."""

import platform
from dataclasses import dataclass


@dataclass(frozen=True)
class Cpu:
    """One CPU: Debian's names for it, qemu's, and how the tests are built for it."""

    name: str
    debian: str  # the architecture of its packages
    flavour: str  # the end of its kernel packages' names; the cloud ones are small and have NVMe built in
    qemu: str
    machine: tuple
    consoles: tuple  # as Linux names them; kernels do not agree on the number of one on the PCI bus
    build: str  # the folder of its build below build/
    cross_file: str = ""  # none: built by this machine's own compiler
    strip: str = "strip"
    has_nvme: bool = True  # whether qemu's machine can have such a disk
    has_all_setups: bool = False  # whether behaviour is tested under every set-up of a ring (tests/support/machine.hpp)


# thread=single: where the processors run in parallel, qemu now and then runs x86 code that the kernel has already
# patched over, and the guest dies of it. pauth-impdef: the standard cipher for pointers takes long to emulate.
# vx=off: qemu 7.2 adds checksums up wrongly with s390x's vectors, and the kernel drops every reset of a connection.
# The console is on the PCI bus, because interrupts of the old serial port get lost when this machine is busy.
X86 = ("-machine", "q35", "-cpu", "max", "-accel", "tcg,thread=single", "-serial", "none", "-device", "pci-serial,chardev=console")
VIRT = ("-accel", "tcg,thread=multi", "-serial", "chardev:console", "-machine")

CPUS = {
    cpu.name: cpu
    for cpu in (
        Cpu("x86_64", "amd64", "cloud-amd64", "qemu-system-x86_64", X86, ("ttyS0", "ttyS4"), "tests",
            has_all_setups=True),
        Cpu("i686", "i386", "686-pae", "qemu-system-i386", X86, ("ttyS0", "ttyS4"), "tests-i686", "i686.ini",
            "i686-linux-gnu-strip"),
        Cpu("aarch64", "arm64", "cloud-arm64", "qemu-system-aarch64", (*VIRT, "virt", "-cpu", "max,pauth-impdef=on"),
            ("ttyAMA0",), "tests-aarch64", "aarch64.ini", "aarch64-linux-gnu-strip"),
        Cpu("armhf", "armhf", "armmp", "qemu-system-arm", (*VIRT, "virt,highmem=off", "-cpu", "cortex-a15"),
            ("ttyAMA0",), "tests-armhf", "armhf.ini", "arm-linux-gnueabihf-strip"),
        Cpu("riscv64", "riscv64", "riscv64", "qemu-system-riscv64", (*VIRT, "virt", "-cpu", "rv64"),
            ("ttyS0",), "tests-riscv64", "riscv64.ini", "riscv64-linux-gnu-strip"),
        Cpu("s390x", "s390x", "s390x", "qemu-system-s390x", (*VIRT, "s390-ccw-virtio", "-cpu", "max,vx=off"),
            ("ttysclp0",), "tests-s390x", "s390x.ini", "s390x-linux-gnu-strip", has_nvme=False),
    )
}

# Debian's releases that have a kernel. A second one completes the first: backports hold few packages.
SUITES = {
    "5.10": ("bullseye",),
    "6.1": ("bookworm",),
    "6.12": ("trixie",),
    "7.3": ("trixie-backports", "trixie"),
}

HOST = "host"  # the kernel that runs here, as it is

# What runs where nothing else is asked for. Each kernel is there on x86_64, under all set-ups; those are first, because they
# take longest, and the tests for other CPUs are compiled meanwhile.
MATRIX = (
    ("7.3", "x86_64"),
    ("6.12", "x86_64"),
    ("6.1", "x86_64"),
    ("5.10", "x86_64"),
    (HOST, platform.machine()),
    ("7.3", "aarch64"),
    ("6.1", "aarch64"),
    ("6.12", "s390x"),
    ("6.12", "riscv64"),
    ("6.1", "armhf"),
    ("6.1", "i686"),
)

# What the tests want of the kernel's modules, with the parameters to load them with; those built in are not loaded.
# The zoned disk and the one of memory are found by the tests by themselves; nvme0n1 is named to them (guest/suite).
MODULES = {
    "nvme": "poll_queues=2",
    "loop": "",
    "null_blk": "nr_devices=1 zoned=1 memory_backed=1 gb=1 zone_size=64",
    "sd_mod": "",
    "scsi_debug": "",  # loaded by guest/suite, with parameters in turn
}


def kernel_order(kernel):
    """A key to sort by: the host's between the releases that it lies between."""
    release = platform.release() if kernel == HOST else kernel
    return tuple(int(part) for part in release.split("-")[0].split(".")[:2])
