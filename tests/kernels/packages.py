"""Debian's packages, fetched without installing any: apt with a state of its own in a temporary folder, for any CPU and
any release. apt checks the archive's signature, the indexes and every package. Where the archive is and how it is
reached is taken from this machine's apt whenever it is needed, and written nowhere that stays, not even in messages."""

import os
import re
import subprocess
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class PackageError(Exception):
    """What went wrong, for a person."""


def hide_address(text, address):
    host = re.sub(r"^\w+://|[/:].*$", "", re.sub(r"^\w+://[^/@]*@", "", address))
    text = re.sub(r"\[IP: [^]]*\]|\w+://[^\s'\"]+", "(the archive)", text)
    return text.replace(host, "(the archive)") if host else text


def archive_address():
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian"]
    addresses = subprocess.run(asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.split()
    # Updates for security are in an archive of their own, which has no kernels for every release.
    main = [address for address in addresses if address.rstrip("/").endswith("/debian")]
    if not main:
        raise PackageError("apt knows no archive of Debian here: is there one in its sources, and was apt-get update run?")
    return main[0]


class Archive:
    """The packages of some releases for one CPU. `folder` is empty and goes when the caller is done."""

    def __init__(self, folder, architecture, suites):
        self.folder, self.suites = Path(folder), suites
        if not KEYRING.exists():
            raise PackageError(f"{KEYRING} is missing here: install debian-archive-keyring")
        for name in ("lists/partial", "cache/archives/partial", "empty"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "status").touch()
        self.address = archive_address()
        (self.folder / "sources.list").write_text(
            "".join(f"deb [signed-by={KEYRING}] {self.address} {suite} main\n" for suite in suites)
        )
        dump = subprocess.run(["apt-config", "dump"], check=True, stdout=subprocess.PIPE, text=True).stdout
        reaching = [line for line in dump.splitlines() if re.match(r"Acquire::(https?|ForceIPv|Check-Date)", line)]
        settings = {
            "Dir::Etc::main": "empty/none",
            "Dir::Etc::parts": "empty",
            "Dir::Etc::sourcelist": "sources.list",
            "Dir::Etc::sourceparts": "empty",
            "Dir::Etc::preferences": "empty/none",
            "Dir::Etc::preferencesparts": "empty",
            "Dir::State": "",
            "Dir::State::lists": "lists",
            "Dir::State::status": "status",
            "Dir::Cache": "cache",
        }
        own = [f'{key} "{self.folder / value}";' for key, value in settings.items()]
        own += [
            f'APT::Architecture "{architecture}";',
            f'APT::Architectures {{ "{architecture}"; }};',
            'APT::Sandbox::User "";',
            'Acquire::Retries "3";',
            'Acquire::Languages "none";',
            'Acquire::Check-Valid-Until "false";',  # a release that is no longer updated
            'Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";',
        ]
        (self.folder / "apt.conf").write_text("\n".join(reaching + own) + "\n")
        self.apt("apt-get", "-q", "update", "--error-on=any")

    def apt(self, *command, cwd=None):
        environment = {**os.environ, "APT_CONFIG": str(self.folder / "apt.conf"), "LC_ALL": "C.UTF-8"}
        done = subprocess.run(command, env=environment, cwd=cwd or self.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            said = [line for line in done.stderr.splitlines() if line.startswith(("E:", "W:"))][:4]
            raise PackageError("\n  ".join(["the archive of Debian that apt is set up with cannot be used now (no network?):",
                                            *(hide_address(line, self.address) for line in said)]))
        return done.stdout

    def names(self, start):
        return self.apt("apt-cache", "pkgnames", start).split()

    def download(self, name):
        """The package's file."""
        folder = self.folder / "packages" / name
        folder.mkdir(parents=True, exist_ok=True)  # two kernels of one CPU share a package
        self.apt("apt-get", "-q", "download", name, cwd=folder)
        return next(folder.glob("*.deb"))


def unpack(package, folder):
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], check=True)
