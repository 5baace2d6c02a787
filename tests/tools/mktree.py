#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make a nasty tree of files from a seed.

    mktree.py --seed N [--files N] [--root-only-features] DIR

DIR must not exist or be empty. The same seed makes the same tree. What the
file system below DIR does not support (xattrs, ACLs) is left out silently.
--root-only-features adds what only root can make or read back: foreign owners,
devices, trusted xattrs, file capabilities, files of mode 000.
"""

import argparse
import errno
import os
import random
import socket
import stat
import struct
import sys

MIB = 1 << 20
SIZES = [0, 1, 2, 511, 512, 513, 4095, 4096, 4097, 8191, 12288, 65535, 65536, 65537,
         262143, 262144, 262145, MIB - 1, MIB, MIB + 1]
BIG_SIZES = [3 * MIB + 17, 4 * MIB, 5 * MIB - 1]
NAMES = [
    b"plain", b"with space", b" leading space", b"trailing space ", b"-dash", b"--version",
    b"-", b"new\nline", b"\ttab", b"it's", b'double"quote', b"back\\slash", b"dollar$HOME",
    b"back`tick`", b"star*", b"question?", b"[brackets]", b"{a,b}", b"semi;colon", b"#hash",
    b"~tilde", b"a&b|c", b"\xff\xfe\xfd", b"caf\xc3\xa9", b"half\xc3", b"\x01\x02\x1b[31m",
    b"\x7f", b"...", b".hidden", b"..two", b"%s%n%d", b"colon:equals=", b"n" * 255,
    b"\xe2\x98\x83" * 85, b"\r", b"comma,", b"!bang",
]
# Seconds: long before and just around 1970, around the end of 32 bits, far ahead.
STAMPS = [-2_000_000_000, -1, 0, 1, 1_000_000_000, 1_234_567_890, 2_147_483_647,
          2_147_483_648, 4_294_967_296, 10_000_000_000]
FILE_MODES = [0o644, 0o600, 0o755, 0o444, 0o400, 0o666, 0o777, 0o640, 0o604, 0o4755,
              0o2755, 0o6711, 0o1644, 0o7777, 0o464]
DIR_MODES = [0o755, 0o700, 0o555, 0o500, 0o777, 0o1777, 0o2755, 0o3775, 0o750, 0o711]
UNSUPPORTED = (errno.EOPNOTSUPP, errno.EPERM, errno.EINVAL, errno.ENOSPC, errno.E2BIG)


def acl(entries):
    """The raw form of a POSIX ACL: version, then (tag, permissions, id) each."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in entries)


class Maker:
    def __init__(self, top, seed, files, root):
        self.top = top
        self.rnd = random.Random(seed)
        self.files = files
        self.root = root
        self.dirs = [top]
        self.empty = []
        self.regular = []
        self.specials = []
        self.symlinks = []
        self.taken = set()

    # ---- names and places

    def place(self, base=None):
        """A new path in some directory, now and then with an odd name."""
        where = self.rnd.choice(self.dirs)
        if base is None:
            base = self.rnd.choice(NAMES) if self.rnd.random() < 0.4 \
                else b"f%d" % self.rnd.randrange(100_000)
        path = where + b"/" + base
        number = 0
        while path in self.taken:
            number += 1
            path = where + b"/" + base[:240] + b".%d" % number
        self.taken.add(path)
        return path

    def make_dirs(self, count):
        for i in range(count):
            path = self.place(b"d%d" % i if self.rnd.random() < 0.6 else None)
            os.mkdir(path)
            self.dirs.append(path)
        # One long chain, and two directories that stay empty.
        path = self.top + b"/chain"
        self.taken.add(path)
        for _ in range(12):
            os.mkdir(path)
            self.dirs.append(path)
            path += b"/" + b"deep" * 20
        for name in (b"/empty", b"/empty too"):
            os.mkdir(self.top + name)
            self.taken.add(self.top + name)
            self.empty.append(self.top + name)

    # ---- content

    def content(self, size):
        kind = self.rnd.randrange(4)
        if kind == 0:
            return bytes(size)              # zeros that are data, not a hole
        if kind == 1:
            unit = b"%d: the quick brown fox\n" % self.rnd.randrange(1 << 30)
            return (unit * (size // len(unit) + 1))[:size]
        return self.rnd.randbytes(size)

    def make_regular(self, size):
        path = self.place()
        with open(path, "xb") as f:
            f.write(self.content(size))
        self.regular.append(path)

    def make_sparse(self, size, pieces):
        path = self.place()
        with open(path, "xb") as f:
            for offset, length in pieces:
                f.seek(offset)
                f.write(self.rnd.randbytes(length))
            f.truncate(size)
        self.regular.append(path)

    def make_files(self):
        sizes = SIZES + BIG_SIZES[:2]
        for size in sizes:
            self.make_regular(size)
        for name in NAMES:                  # each odd name at least once, at the top
            path = self.top + b"/" + name
            if path in self.taken:
                continue
            self.taken.add(path)
            with open(path, "xb") as f:
                f.write(self.content(self.rnd.randrange(3000)))
            self.regular.append(path)
        k = 1024
        for size, pieces in (
                (MIB, []),                                          # one hole
                (1, []), (MIB + 5, []),
                (MIB, [(0, 4 * k)]),                                # hole at the end
                (MIB, [(MIB - 4 * k, 4 * k)]),                      # data at the end
                (MIB + 3, [(MIB, 3)]),
                (2 * MIB, [(64 * k, 4 * k), (512 * k, 100 * k), (MIB + 7, 9)]),
                (3 * MIB, [(i * 128 * k, 4 * k) for i in range(24)]),
                (256 * k + 1, [(256 * k, 1)]),
                (40 * MIB, [(20 * MIB - 1, 2)])):
            self.make_sparse(size, pieces)
        while len(self.regular) < self.files:
            if self.rnd.random() < 0.1:
                size = self.rnd.randrange(1, 2 * MIB)
                offset = self.rnd.randrange(size)
                self.make_sparse(size, [(offset, min(size - offset, 5000))])
            else:
                self.make_regular(self.rnd.choice(SIZES[:-3]) if self.rnd.random() < 0.3
                                  else self.rnd.randrange(20_000))

    def make_symlinks(self):
        top = os.path.abspath(self.top)
        targets = [b"nowhere", b"/nowhere/at/all", b".", b"..", b"/", b"self", b"two", b"one",
                   b"a/" * 100 + b"b", b"x" * 1000, b"with\nnewline", b"\xff\xfe", b"-v", b" "]
        for target in targets:
            path = self.place(target if target in (b"self", b"two", b"one") else None)
            os.symlink(target, path)
            self.symlinks.append(path)
        os.symlink(b"loop2", self.top + b"/loop1")
        os.symlink(b"loop1", self.top + b"/loop2")
        self.symlinks += [self.top + b"/loop1", self.top + b"/loop2"]
        self.taken.update(self.symlinks[-2:])
        for i in range(12):
            goal = self.rnd.choice(self.regular + self.dirs[1:])
            path = self.place()
            if i % 3 == 0:
                target = top + goal[len(self.top):]
            else:
                target = os.path.relpath(goal, os.path.dirname(path))
            os.symlink(target, path)
            self.symlinks.append(path)

    def make_special(self):
        for mode in (0o644, 0o600, 0o777, 0o000):
            path = self.place()
            os.mkfifo(path)
            os.chmod(path, mode)
            self.specials.append(path)
        for _ in range(2):
            path = self.place(b"sock")
            # The name of a socket is limited to about 100 bytes: bind by descriptor.
            fd = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
            s = socket.socket(socket.AF_UNIX)
            s.bind(b"/proc/self/fd/%d/%s" % (fd, os.path.basename(path)))
            s.close()
            os.close(fd)
            self.specials.append(path)
        if self.root:
            for kind, major, minor in ((stat.S_IFCHR, 1, 3), (stat.S_IFCHR, 4095, 1_048_575),
                                       (stat.S_IFBLK, 7, 200), (stat.S_IFCHR, 0, 0)):
                path = self.place()
                os.mknod(path, kind | 0o600, os.makedev(major, minor))
                self.specials.append(path)

    def make_links(self):
        groups = [2, 2, 3, 3, 5, 9]
        for count in groups:
            first = self.rnd.choice(self.regular)
            for _ in range(count - 1):
                os.link(first, self.place())
        for group in (self.symlinks, self.specials):
            for _ in range(2):
                os.link(self.rnd.choice(group), self.place(), follow_symlinks=False)

    # ---- attributes

    @staticmethod
    def attempt(call, *args, **kwargs):
        try:
            call(*args, **kwargs)
        except OSError as e:
            if e.errno not in UNSUPPORTED:
                raise

    def owner(self, path):
        if self.root and self.rnd.random() < 0.4:
            os.lchown(path, self.rnd.choice((0, 1, 1000, 65534, 123_456, 4_000_000_000)),
                      self.rnd.choice((0, 2, 1000, 65534, 654_321)))

    def xattrs(self, path, plain):
        def put(key, value):
            self.attempt(os.setxattr, path, key, value, follow_symlinks=False)

        if plain and self.rnd.random() < 0.3:
            put(b"user.note", self.rnd.randbytes(self.rnd.choice((0, 1, 40, 900))))
            if self.rnd.random() < 0.5:
                put(b"user.\xc3\xa9 odd=key", b"\0binary\xff")
        if self.root and self.rnd.random() < 0.15:
            put(b"trusted.note", b"only for root")

    def access_list(self, path, is_dir):
        none = 0xffffffff
        some = (0x01, 7 if is_dir else self.rnd.choice((6, 7)), none), (0x02, 4, 1), (0x02, 6, 65534), \
            (0x04, self.rnd.choice((0, 4)), none), (0x08, 5, 2), (0x10, 6, none), (0x20, 0, none)
        if self.rnd.random() < 0.2:
            self.attempt(os.setxattr, path, b"system.posix_acl_access", acl(some))
        if is_dir and self.rnd.random() < 0.3:
            self.attempt(os.setxattr, path, b"system.posix_acl_default", acl(some))

    def stamp(self, path):
        def one():
            seconds = self.rnd.choice(STAMPS) if self.rnd.random() < 0.5 \
                else self.rnd.randrange(1_600_000_000, 1_700_000_000)
            return seconds * 1_000_000_000 + self.rnd.choice(
                (0, 1, 999_999_999, self.rnd.randrange(1_000_000_000)))

        self.attempt(os.utime, path, ns=(one(), one()), follow_symlinks=False)

    def finish(self):
        """Attributes in the order in which one does not undo another."""
        for path in self.regular:
            self.owner(path)
            self.xattrs(path, True)
            if self.rnd.random() < 0.5:
                os.chmod(path, self.rnd.choice(FILE_MODES))
            self.access_list(path, False)
            if self.root and self.rnd.random() < 0.1:
                self.attempt(os.setxattr, path, b"security.capability",
                             struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0))
        if self.root:
            os.chmod(self.regular[0], 0)
        for path in self.symlinks + self.specials:
            self.owner(path)
            self.xattrs(path, False)
        for path in self.regular + self.symlinks + self.specials:
            self.stamp(path)
        for path in self.empty + self.dirs[::-1]:
            self.owner(path)
            self.xattrs(path, True)
            if path != self.top:
                os.chmod(path, self.rnd.choice(DIR_MODES))
                self.access_list(path, True)
            if self.root and path != self.top and self.rnd.random() < 0.05:
                os.chmod(path, 0)
        for path in self.empty + self.dirs[::-1]:
            self.stamp(path)

    def run(self):
        os.makedirs(self.top, exist_ok=True)
        if os.listdir(self.top):
            raise SystemExit("mktree.py: the directory is not empty")
        self.make_dirs(max(6, self.files // 12))
        self.make_files()
        self.make_symlinks()
        self.make_special()
        self.make_links()
        self.finish()


def main(argv):
    p = argparse.ArgumentParser(prog="mktree.py")
    p.add_argument("--seed", type=int, required=True)
    p.add_argument("--files", type=int, default=120)
    p.add_argument("--root-only-features", dest="root", action="store_true")
    p.add_argument("dir", type=os.fsencode)
    opts = p.parse_args(argv)
    if opts.root and os.geteuid() != 0:
        p.error("--root-only-features needs root")
    os.umask(0o022)
    Maker(opts.dir.rstrip(b"/") or b"/", opts.seed, opts.files, opts.root).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
