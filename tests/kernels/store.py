"""The kernels that the guests boot, kept in the user's cache directory: kernel, busybox, and the modules in the order in
which they are loaded. Every file is checked at every use; one that is not what it was makes the kernel be fetched
again. One process at a time fills the store."""

import fcntl
import gzip
import hashlib
import json
import lzma
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from machines import MODULES, SUITES
from packages import Archive, PackageError, unpack

FORMAT = 1  # of the folders; another one is fetched again


def store_folder():
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lio-uring" / "kernels"


class Kernel:
    """A kernel in the store."""

    def __init__(self, folder, record):
        self.release = record["release"]
        self.image = folder / "kernel"
        self.busybox = folder / "busybox"
        # (name, file), each after those that it needs.
        self.modules = [(name, folder / f"{name}.ko") for name in record["modules"]]
        self.missing_modules = record["missing_modules"]


def sum_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def look_up(folder):
    """The kernel in this folder, or None if it is not there whole and unchanged."""
    try:
        record = json.loads((folder / "record.json").read_text())
        if record["format"] != FORMAT or record["wanted"] != sorted(MODULES):
            return None
        if any(sum_of(folder / name) != value for name, value in record["sums"].items()):
            print(f"{folder} is not what was stored there; it is fetched again")
            return None
        return Kernel(folder, record)
    except (OSError, ValueError, KeyError):
        return None


@contextmanager
def locked_store():
    store_folder().mkdir(parents=True, exist_ok=True)
    with open(store_folder() / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def provide(wanted, say):
    """A Kernel for each (kernel, cpu); those that are not in the store are fetched."""
    kernels, missing = {}, {}
    with locked_store():
        for kernel, cpu in wanted:
            kernels[kernel, cpu] = look_up(store_folder() / cpu.name / kernel)
            if kernels[kernel, cpu] is None:
                missing.setdefault(cpu, []).append(kernel)
        for cpu, names in missing.items():
            suites = list(dict.fromkeys(suite for kernel in names for suite in SUITES[kernel]))
            say(f"fetching Linux {', '.join(names)} for {cpu.name}")
            with tempfile.TemporaryDirectory(prefix="lio-packages-") as work:
                archive = Archive(work, cpu.debian, suites)
                for kernel in names:
                    kernels[kernel, cpu] = fetch(archive, kernel, cpu)
    return kernels


def releases_of(archive, kernel, cpu):
    """The packaged releases of a kernel, the newest first."""
    pattern = re.compile(rf"linux-image-({re.escape(kernel)}[.\d]*(?:-\d+|\+deb[\d.]+)-{cpu.flavour})")
    found = [match[1] for match in map(pattern.fullmatch, archive.names("linux-image-")) if match]
    if not found:
        raise PackageError(f"there is no Linux {kernel} for {cpu.name} in {', '.join(archive.suites)}")
    return sorted(found, key=lambda release: [int(part) for part in re.findall(r"\d+", release)], reverse=True)


def download_newest(archive, kernel, cpu):
    """A release and its packages. Mirrors can lack the newest, although their index names it."""
    names = set(archive.names("linux-"))
    releases = releases_of(archive, kernel, cpu)
    for release in releases:
        # From Linux 7.2 on there is more than one package.
        parts = [f"linux-{part}-{release}" for part in ("binary", "modules", "base")]
        try:
            return release, [archive.download(name) for name in parts if name in names] or [
                archive.download(f"linux-image-{release}")
            ]
        except PackageError:
            if release == releases[-1]:
                raise


def fetch(archive, kernel, cpu):
    release, packages = download_newest(archive, kernel, cpu)
    root = archive.folder / "unpacked" / kernel
    for package in packages:
        unpack(package, root)
    unpack(archive.download("busybox-static"), root)
    found = {"image": [], "busybox": [], "built_in": []}
    modules = {}
    for path in root.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        if re.match(r"vmlinu[xz]", path.name):
            found["image"].append(path)
        elif path.name == "busybox" and path.parent.name == "bin":
            found["busybox"].append(path)
        elif path.name == "modules.builtin":
            found["built_in"].append(path)
        elif re.search(r"\.ko(\.\w+)?$", path.name):
            modules[module_name(path.name)] = path
    if any(len(paths) != 1 for paths in found.values()):
        raise PackageError(f"the packages of Linux {release} for {cpu.name} are not made as they used to be")
    built_in = {module_name(line) for line in found["built_in"][0].read_text().split()}
    image = found["image"][0].read_bytes()
    if image.startswith(b"\x1f\x8b"):  # qemu unpacks some, not all
        image = gzip.decompress(image)

    chosen = {}
    for name in MODULES:
        add_module(chosen, modules, name)
    missing = [name for name in MODULES if name not in chosen and name not in built_in]
    files = {"kernel": image, "busybox": found["busybox"][0].read_bytes(), **{f"{name}.ko": content for name, content in chosen.items()}}

    folder = store_folder() / cpu.name / kernel
    new = folder.with_name(kernel + ".new")
    for old in (folder, new):
        shutil.rmtree(old, ignore_errors=True)
    new.mkdir(parents=True)
    for name, content in files.items():
        (new / name).write_bytes(content)
    record = {
        "format": FORMAT,
        "release": release,
        "wanted": sorted(MODULES),
        "modules": list(chosen),
        "missing_modules": missing,
        "sums": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    (new / "record.json").write_text(json.dumps(record, indent=1))
    new.rename(folder)
    return Kernel(folder, record)


def module_name(path):
    return re.sub(r"\.ko(\.\w+)?$", "", path.rsplit("/", 1)[-1]).replace("-", "_")


def add_module(chosen, modules, name):
    """Adds a module and before it all that it needs. No depmod was here: each module tells its needs itself."""
    if name in chosen or name not in modules:
        return
    content = unpacked(modules[name])
    for field in re.findall(rb"\0(?:depends|softdep)=([^\0]*)", content):
        needs, _, _ = field.decode().replace("pre:", " ").partition("post:")
        for need in re.split(r"[,\s]+", needs):
            add_module(chosen, modules, need.replace("-", "_"))
    chosen[name] = content


def unpacked(path):
    content = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(content)
    if path.suffix == ".gz":
        return gzip.decompress(content)
    if path.suffix == ".zst":
        return subprocess.run(["zstd", "-dcq"], input=content, check=True, stdout=subprocess.PIPE).stdout
    return content
