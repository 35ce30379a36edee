"""Makes the file system that a guest starts from: a cpio archive of the "newc" kind, which the kernel unpacks into
memory. Everything in it belongs to root."""

import stat

MAGIC = b"070701"


class Initramfs:
    def __init__(self):
        self.parts, self.folders, self.number = [], set(), 0

    def add(self, path, content, executable=False):
        """A file at an absolute path; the folders above it are made as well."""
        path = path.strip("/")
        self.add_folder(path.rpartition("/")[0])
        self.entry(path, stat.S_IFREG | (0o755 if executable else 0o644), content)

    def add_folder(self, path):
        path = path.strip("/")
        if path and path not in self.folders:
            self.add_folder(path.rpartition("/")[0])
            self.folders.add(path)
            self.entry(path, stat.S_IFDIR | 0o755, b"")

    def entry(self, path, mode, content):
        self.number += 1
        name = path.encode() + b"\0"
        # inode, mode, owner, group, links, time, size, device and its own device (major, minor), length of the name, sum
        fields = (self.number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
        head = MAGIC + b"".join(b"%08X" % field for field in fields) + name
        self.parts += [padded(head), padded(content)]

    def content(self):
        self.number = -1
        self.entry("TRAILER!!!", 0, b"")
        return b"".join(self.parts)


def padded(part):
    return part + bytes(-len(part) % 4)
