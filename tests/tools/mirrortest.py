#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds `ucp --mirror` against `rsync -aHAX --delete`: random pairs of trees, compared by cmptree.py.

  mirrortest.py [--ucp=PATH] [--flags=FLAGS] [--seed=N] [--count=N] [--files=N] [--without-rsync]

For each seed mktree.py makes a source. The destination is a copy of it in which names were removed, added, exchanged for
things of another type, and given other contents and attributes. Each program gets a copy of that destination and makes it
the same as the source. What rsync makes the same as the source ucp has to, too; and ucp has to leave it so, untouched, when
it runs again. A destination that neither makes the same (hard links between files that do not differ) is counted. --count=0:
without end. The exit status is 1 if anything is wrong.
"""

import argparse
import io
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile

import cmptree
import mktree


def walk(top):
    """All paths below TOP, directories before what is in them."""
    found = []
    for path, dirs, files in os.walk(top):
        found += [os.path.join(path, name) for name in dirs + files]
    return found


def remove(path):
    if stat.S_ISDIR(os.lstat(path).st_mode):
        shutil.rmtree(path)
    else:
        os.unlink(path)


class Spoiler:
    """Makes a destination another one than its source."""

    def __init__(self, top, seed):
        self.top = top
        self.random = random.Random(seed)

    def make(self, path, depth=0):
        """Something that the source does not have."""
        kind = self.random.randrange(6 if depth < 3 else 5)
        if kind <= 1:
            with open(path, "wb") as f:
                f.write(self.random.randbytes(self.random.choice((0, 1, 4096, 70000))))
        elif kind == 2:
            os.symlink(self.random.choice((b"..", b"/etc/passwd", b"nowhere", b"../s")), path)
        elif kind == 3:
            os.mkfifo(path)
        elif kind == 4:
            os.mkdir(path, self.random.choice((0o755, 0o500, 0o000)))
        else:
            os.mkdir(path)
            for i in range(self.random.randrange(4)):
                self.make(os.path.join(path, b"%d \xff\n" % i), depth + 1)

    def attributes(self, path, st):
        kind = self.random.randrange(4)
        if kind == 0:
            os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns - self.random.choice((1, 10**9, 10**12))), follow_symlinks=False)
        elif kind == 1 and not stat.S_ISLNK(st.st_mode):
            os.chmod(path, self.random.choice((0o600, 0o000, 0o777, 0o4711)))
        elif kind == 2:
            os.lchown(path, self.random.choice((0, 1, 12345)), self.random.choice((0, 1, 54321)))
        elif stat.S_ISREG(st.st_mode) or stat.S_ISDIR(st.st_mode):
            try:
                os.setxattr(path, b"user.mirror", self.random.randbytes(5))
            except OSError:
                pass

    def contents(self, path, st):
        """Other contents, and as with everything that is written another time."""
        if stat.S_ISREG(st.st_mode):
            with open(path, "r+b") as f:
                if self.random.randrange(2):
                    f.truncate(self.random.randrange(st.st_size + 2))
                else:
                    f.write(b"spoilt")
            if os.lstat(path).st_mtime_ns == st.st_mtime_ns:
                os.utime(path, ns=(0, 0))

    def spoil(self, path):
        st = os.lstat(path)
        what = self.random.randrange(6)
        if what == 0:
            remove(path)
        elif what == 1:
            remove(path)
            self.make(path)
        elif what == 2:
            self.make(path + b".new") if len(os.path.basename(path)) < 250 else None
        elif what == 3:
            self.contents(path, st)
        else:
            self.attributes(path, st)

    def run(self):
        for path in walk(self.top):
            if self.random.randrange(3) == 0 and os.path.lexists(path):
                self.spoil(path)


def differences(a, b):
    text = io.StringIO()
    opts = cmptree.parse([os.fsdecode(a), os.fsdecode(b)])
    return cmptree.Compare(opts, text).roots(a, b), text.getvalue()


def state(top):
    """What changes when something is done to any of it. Directories that have an ACL are closed meanwhile."""
    return {path: (st.st_ino, 0 if stat.S_ISDIR(st.st_mode) else st.st_ctime_ns)
            for path in walk(top) + [top] for st in [os.lstat(path)]}


def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode(errors="replace")


def one(opts, seed, top):
    """Try a seed. Returns what is wrong, or an empty text, and whether neither program makes it the same."""
    source, ours, theirs = (os.path.join(top, name) for name in (b"s", b"ucp", b"rsync"))
    mktree.Maker(source, seed, opts.files, os.geteuid() == 0).run()
    run("cp", "-a", source, ours)
    Spoiler(ours, seed).run()
    run("cp", "-a", ours, theirs)
    same = True
    if not opts.without_rsync:
        run("rsync", "-aHAX", "--delete", source + b"/", theirs)
        same = differences(source, theirs)[0] == 0
    status, out = run(opts.ucp, *opts.flags.split(), "--mirror", source, ours)
    if status != 0:
        return "exit status %d: %s" % (status, out), False
    count, text = differences(source, ours)
    if count > 0:
        return text if same else "", not same
    before = state(ours)
    status, out = run(opts.ucp, *opts.flags.split(), "--mirror", "-v", source, ours)
    changed = sorted(path for path, _ in before.items() ^ state(ours).items())
    if status != 0 or out or changed:
        return "again: exit status %d, changed %s: %s" % (status, changed[:5], out), False
    return "", False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ucp", default="build/release/ucp")
    parser.add_argument("--flags", default="")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--files", type=int, default=40)
    parser.add_argument("--without-rsync", action="store_true")
    opts = parser.parse_args()
    os.umask(0o022)
    wrong = others = tried = 0
    seed = opts.seed
    while opts.count == 0 or seed < opts.seed + opts.count:
        top = os.fsencode(tempfile.mkdtemp(prefix="mirror."))
        try:
            text, neither = one(opts, seed, top)
        finally:
            shutil.rmtree(top)
        tried += 1
        others += neither
        if text:
            wrong += 1
            print("seed %d:\n%s" % (seed, text), flush=True)
        seed += 1
    print("%d pairs, %d that neither makes the same, %d wrong" % (tried, others, wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
