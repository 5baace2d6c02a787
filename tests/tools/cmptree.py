#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare two trees (or two files) and print every difference.

    cmptree.py [--no-times] [--no-owner] [--no-xattr] [--no-links] [--no-mode]
               [--holes] [--no-root] A B
    cmptree.py --selftest

Compared: the set of names, the type, the content, the size, the mode bits,
uid and gid, the modification time in nanoseconds, the target of a symbolic
link, the device number, all extended attributes (ACLs and capabilities raw),
and which names are hard links of each other. With --holes, a hole of A must
also be a hole of B. --no-root leaves out the attributes of A and B themselves.

Exit status: 0 equal, 1 different, 2 misuse or trouble.

Nothing is compared by path: each directory is opened relative to its parent,
and only one directory of each side is open at a time, so the depth of a tree
is limited by neither PATH_MAX nor the number of descriptors.
"""

import argparse
import os
import stat
import sys

BLOCK = 1 << 20
# Labels that a security module gives to each file by itself, and ACLs that XFS lists once more.
IGNORED_XATTRS = {b"security.selinux", b"security.SMACK64", b"trusted.SGI_ACL_FILE", b"trusted.SGI_ACL_DEFAULT"}
KINDS = {
    stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "character device", stat.S_IFBLK: "block device",
}


def kind(st):
    return KINDS.get(stat.S_IFMT(st.st_mode), "unknown")


def read_names(fd):
    return sorted(os.fsencode(name) for name in os.listdir(fd))


def by_fd(dir_fd, name):
    """A path for the calls that take no directory descriptor."""
    if dir_fd is None:
        return name
    return b"/proc/self/fd/%d/%s" % (dir_fd, name)


def read_xattrs(path):
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as e:
        if e.errno in (95, 22):     # EOPNOTSUPP, EINVAL: none here
            return {}
        raise
    found = {}
    for name in names:
        raw = os.fsencode(name)
        if raw not in IGNORED_XATTRS:
            found[raw] = os.getxattr(path, name, follow_symlinks=False)
    return found


def read_holes(fd, size, block):
    """The holes of a file as (start, end) pairs, cut to whole blocks."""
    holes = []
    pos = 0
    while pos < size:
        try:
            data = os.lseek(fd, pos, os.SEEK_DATA)
        except OSError as e:
            if e.errno != 6:        # ENXIO: no data up to the end
                raise
            data = size
        if data > pos:
            first = -(-pos // block) * block
            last = data if data == size else data // block * block
            if last > first and last - first >= block:
                holes.append((first, last))
        if data >= size:
            break
        pos = os.lseek(fd, data, os.SEEK_HOLE)
    return holes


def covered(span, holes):
    return any(h[0] <= span[0] and span[1] <= h[1] for h in holes)


class Compare:
    def __init__(self, opts, out):
        self.opts = opts
        self.out = out
        self.differences = 0
        self.entries = 0
        self.first_a = {}
        self.first_b = {}
        self.parts = []             # names from the root to the current directory

    # ---- what was found

    def shown(self, name):
        path = b"/".join(self.parts + ([name] if name else [])) or b"."
        if len(path) > 400:
            path = path[:200] + b"..." + path[-190:]
        return repr(path)[1:]

    def differ(self, what, name, left, right):
        self.differences += 1
        self.out.write("%s: %s: %s | %s\n"
                       % (what, self.shown(name), left, right))

    # ---- one entry

    def data(self, fd_a, fd_b, name):
        pos = 0
        while True:
            a = self.read_full(fd_a)
            b = self.read_full(fd_b)
            if a != b:
                n = min(len(a), len(b))
                at = next((i for i in range(n) if a[i] != b[i]), n)
                self.differ("content", name, "first at %d" % (pos + at),
                            "%d and %d bytes compared" % (pos + len(a), pos + len(b)))
                return
            if not a:
                return
            pos += len(a)

    @staticmethod
    def read_full(fd):
        got = []
        left = BLOCK
        while left:
            piece = os.read(fd, left)
            if not piece:
                break
            got.append(piece)
            left -= len(piece)
        return b"".join(got)

    def regular(self, dir_a, dir_b, name_a, name_b, name, sa, sb):
        if sa.st_size != sb.st_size:
            self.differ("size", name, sa.st_size, sb.st_size)
        if sa.st_size == 0 and sb.st_size == 0:
            return
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        fd_a = os.open(name_a, flags, dir_fd=dir_a)
        try:
            fd_b = os.open(name_b, flags, dir_fd=dir_b)
            try:
                if sa.st_size == sb.st_size:
                    self.data(fd_a, fd_b, name)
                if self.opts.holes:
                    self.holes(fd_a, fd_b, name, sa, sb)
            finally:
                os.close(fd_b)
        finally:
            os.close(fd_a)

    def holes(self, fd_a, fd_b, name, sa, sb):
        block = max(sa.st_blksize if sa.st_blksize <= 65536 else 4096,
                    sb.st_blksize if sb.st_blksize <= 65536 else 4096)
        ours = read_holes(fd_a, sa.st_size, block)
        # Neighbouring holes may come in pieces; look at single bytes' borders.
        theirs = read_holes(fd_b, sb.st_size, 1)
        merged = []
        for start, end in theirs:
            if merged and merged[-1][1] == start:
                merged[-1] = (merged[-1][0], end)
            else:
                merged.append((start, end))
        for span in ours:
            if not covered(span, merged):
                self.differ("holes", name, "hole %d-%d" % span, "data there")
                return

    def links(self, name, sa, sb):
        """Both sides are walked in one order: equal grouping means that the
        first name met of each inode has the same number on both sides."""
        number = self.entries
        fa = fb = number
        if sa.st_nlink > 1:
            fa = self.first_a.setdefault((sa.st_dev, sa.st_ino), number)
        if sb.st_nlink > 1:
            fb = self.first_b.setdefault((sb.st_dev, sb.st_ino), number)
        if fa != fb:
            self.differ("links", name,
                        "a link of an earlier name" if fa != number else "first of its inode",
                        "a link of an earlier name" if fb != number else "first of its inode")

    def attributes(self, dir_a, dir_b, name_a, name_b, name, sa, sb):
        o = self.opts
        if o.mode and not stat.S_ISLNK(sa.st_mode):
            ma, mb = stat.S_IMODE(sa.st_mode), stat.S_IMODE(sb.st_mode)
            if ma != mb:
                self.differ("mode", name, "%04o" % ma, "%04o" % mb)
        if o.owner and (sa.st_uid, sa.st_gid) != (sb.st_uid, sb.st_gid):
            self.differ("owner", name, "%d:%d" % (sa.st_uid, sa.st_gid),
                        "%d:%d" % (sb.st_uid, sb.st_gid))
        if o.times and sa.st_mtime_ns != sb.st_mtime_ns:
            self.differ("mtime", name, sa.st_mtime_ns, sb.st_mtime_ns)
        if o.xattr:
            xa = read_xattrs(by_fd(dir_a, name_a))
            xb = read_xattrs(by_fd(dir_b, name_b))
            for key in sorted(set(xa) | set(xb)):
                if xa.get(key) != xb.get(key):
                    self.differ("xattr " + key.decode("ascii", "backslashreplace"), name,
                                self.hexed(xa.get(key)), self.hexed(xb.get(key)))

    @staticmethod
    def hexed(value):
        if value is None:
            return "missing"
        return (value[:64].hex() or "empty") + ("..." if len(value) > 64 else "")

    def entry(self, dir_a, dir_b, name_a, name_b, name, sa, sb, attributes=True):
        """Compare one name present on both sides; true if both are directories."""
        self.entries += 1
        if stat.S_IFMT(sa.st_mode) != stat.S_IFMT(sb.st_mode):
            self.differ("type", name, kind(sa), kind(sb))
            return False
        try:
            if attributes:
                self.attributes(dir_a, dir_b, name_a, name_b, name, sa, sb)
            if stat.S_ISDIR(sa.st_mode):
                return True
            if (sa.st_dev, sa.st_ino) == (sb.st_dev, sb.st_ino):
                self.differ("same inode", name, sa.st_ino, sb.st_ino)
            elif self.opts.links:
                self.links(name, sa, sb)
            if stat.S_ISREG(sa.st_mode):
                self.regular(dir_a, dir_b, name_a, name_b, name, sa, sb)
            elif stat.S_ISLNK(sa.st_mode):
                ta = os.readlink(name_a, dir_fd=dir_a)
                tb = os.readlink(name_b, dir_fd=dir_b)
                if ta != tb:
                    self.differ("target", name, repr(ta)[1:], repr(tb)[1:])
            elif stat.S_ISCHR(sa.st_mode) or stat.S_ISBLK(sa.st_mode):
                if sa.st_rdev != sb.st_rdev:
                    self.differ("device", name,
                                "%d,%d" % (os.major(sa.st_rdev), os.minor(sa.st_rdev)),
                                "%d,%d" % (os.major(sb.st_rdev), os.minor(sb.st_rdev)))
        except OSError as e:
            self.differ("unreadable", name, e.strerror, "")
        return False

    # ---- directories

    def directory(self, fd_a, fd_b):
        """Compare all names of the two open directories; return the subdirectories."""
        try:
            names_a, names_b = read_names(fd_a), read_names(fd_b)
        except OSError as e:
            self.differ("unreadable", b"", e.strerror, "")
            return []
        only_a, only_b = set(names_a) - set(names_b), set(names_b) - set(names_a)
        for name in sorted(only_a):
            self.differ("only in A", name, "present", "missing")
        for name in sorted(only_b):
            self.differ("only in B", name, "missing", "present")
        below = []
        for name in names_a:
            if name in only_a:
                continue
            try:
                sa = os.stat(name, dir_fd=fd_a, follow_symlinks=False)
                sb = os.stat(name, dir_fd=fd_b, follow_symlinks=False)
            except OSError as e:
                self.differ("unreadable", name, e.strerror, "")
                continue
            if self.entry(fd_a, fd_b, name, name, name, sa, sb):
                below.append(name)
        return below

    @staticmethod
    def enter(fd, name):
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(name, flags, dir_fd=fd)

    @staticmethod
    def back(fd, known):
        up = os.open(b"..", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=fd)
        st = os.fstat(up)
        os.close(fd)
        if (st.st_dev, st.st_ino) != known:
            raise RuntimeError("a directory was moved while it was compared")
        return up

    def walk(self, fd_a, fd_b):
        def identity(fd):
            st = os.fstat(fd)
            return st.st_dev, st.st_ino

        # Each frame: the two directories, and the subdirectories still to visit.
        stack = [(identity(fd_a), identity(fd_b), self.directory(fd_a, fd_b)[::-1])]
        while stack:
            below = stack[-1][2]
            if below:
                name = below.pop()
                try:
                    next_a = self.enter(fd_a, name)
                except OSError as e:
                    self.differ("unreadable", name, e.strerror, "")
                    continue
                try:
                    next_b = self.enter(fd_b, name)
                except OSError as e:
                    os.close(next_a)
                    self.differ("unreadable", name, "", e.strerror)
                    continue
                os.close(fd_a)
                os.close(fd_b)
                fd_a, fd_b = next_a, next_b
                self.parts.append(name)
                stack.append((identity(fd_a), identity(fd_b),
                              self.directory(fd_a, fd_b)[::-1]))
            else:
                stack.pop()
                if stack:
                    fd_a = self.back(fd_a, stack[-1][0])
                    fd_b = self.back(fd_b, stack[-1][1])
                    self.parts.pop()
        os.close(fd_a)
        os.close(fd_b)

    def roots(self, a, b):
        sa, sb = os.lstat(a), os.lstat(b)
        if self.entry(None, None, a, b, b"", sa, sb, attributes=self.opts.root):
            self.walk(self.enter(None, a), self.enter(None, b))
        return self.differences


def parse(argv):
    p = argparse.ArgumentParser(prog="cmptree.py", add_help=True)
    for name in ("times", "owner", "xattr", "links", "mode", "root"):
        p.add_argument("--no-" + name, dest=name, action="store_false")
    p.add_argument("--holes", action="store_true")
    p.add_argument("--selftest", action="store_true")
    p.add_argument("a", nargs="?", type=os.fsencode)
    p.add_argument("b", nargs="?", type=os.fsencode)
    opts = p.parse_args(argv)
    if not opts.selftest and opts.b is None:
        p.error("two trees are needed")
    return opts


# ---- self-test: each kind of difference must be seen, by its name, and nothing else

def selftest():
    import io
    import shutil
    import socket
    import struct
    import tempfile

    root = os.geteuid() == 0
    failures = 0
    count = 0
    NOW = 1_500_000_000_123_456_789

    def put(path, data=b"", mode=0o644):
        with open(path, "wb") as f:
            f.write(data)
        os.chmod(path, mode)

    def build(top):
        os.mkdir(top)
        os.mkdir(top + b"/d")
        os.mkdir(top + b"/d/sub")
        put(top + b"/f", b"0123456789" * 300_000)
        put(top + b"/empty")
        put(top + b"/d/odd\n\xff'name", b"x")
        put(top + b"/l1", b"linked")
        put(top + b"/l4", b"linked")
        os.link(top + b"/l1", top + b"/l2")
        os.link(top + b"/l1", top + b"/d/l3")
        os.symlink(b"f", top + b"/s")
        os.mkfifo(top + b"/p")
        sock = socket.socket(socket.AF_UNIX)
        here = os.getcwd()
        os.chdir(top)
        sock.bind("sock")
        os.chdir(here)
        sock.close()
        with open(top + b"/sparse", "wb") as f:
            f.truncate(1 << 20)
            f.seek(512 << 10)
            f.write(b"y" * 4096)
        if root:
            os.mknod(top + b"/null", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        stamp(top)

    def stamp(top):
        for base, dirs, files in os.walk(top, topdown=False):
            for name in dirs + files:
                os.utime(os.path.join(base, name), ns=(NOW, NOW), follow_symlinks=False)
        os.utime(top, ns=(NOW, NOW))

    def run(a, b, *flags):
        out = io.StringIO()
        opts = parse(list(flags) + [os.fsdecode(a), os.fsdecode(b)])
        Compare(opts, out).roots(opts.a, opts.b)
        return out.getvalue()

    def expect(label, condition, detail=""):
        nonlocal failures, count
        count += 1
        if not condition:
            failures += 1
            print("not ok", label, detail)
        else:
            print("ok", label)

    def mutation(label, kinds, change, *masks, flags=(), restamp=True):
        """Change a fresh copy; exactly KINDS must be reported, and with the
        MASKS given nothing at all."""
        build(b"A")
        build(b"B")
        try:
            try:
                change(b"B")
            except OSError as e:
                if e.errno == 95:
                    print("ok", label, "# skipped: not supported here")
                    return
                raise
            if restamp:
                stamp(b"B")
            text = run(b"A", b"B", *flags)
            got = sorted({line.split(":")[0] for line in text.splitlines()})
            expect(label, got == sorted(kinds), repr(text))
            if masks:
                text = run(b"A", b"B", *masks)
                expect(label + " masked", text == "", repr(text))
        finally:
            shutil.rmtree(b"A")
            shutil.rmtree(b"B")

    def poke(name, offset, data):
        def change(top):
            with open(top + name, "r+b") as f:
                f.seek(offset)
                f.write(data)
        return change

    def redo(name, make):
        def change(top):
            os.unlink(top + name)
            make(top + name)
        return change

    acl = struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", *e) for e in
        ((1, 6, 0xffffffff), (2, 4, 1), (4, 4, 0xffffffff),
         (16, 4, 0xffffffff), (32, 4, 0xffffffff)))
    cap = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)

    def fill(top):
        with open(top + b"/sparse", "r+b") as f:
            f.write(b"\0" * (256 << 10))

    def unlink_group(top):
        os.unlink(top + b"/l2")
        put(top + b"/l2", b"linked")

    def join_group(top):
        os.unlink(top + b"/l4")
        os.link(top + b"/l1", top + b"/l4")

    def same(top):
        os.unlink(top + b"/empty")
        os.link(b"A/empty", top + b"/empty")

    here = os.getcwd()
    work = tempfile.mkdtemp(prefix="cmptree-")
    try:
        os.chdir(work)
        mutation("equal trees", [], lambda top: None)
        mutation("last byte", ["content"], poke(b"/f", 2_999_999, b"x"))
        mutation("first byte", ["content"], poke(b"/f", 0, b"x"))
        mutation("odd name's byte", ["content"], poke(b"/d/odd\n\xff'name", 0, b"z"))
        mutation("longer", ["size"], poke(b"/f", 3_000_000, b"x"))
        mutation("shorter", ["size"], lambda t: os.truncate(t + b"/f", 10))
        mutation("missing name", ["only in A"], lambda t: os.unlink(t + b"/empty"))
        mutation("extra name", ["only in B"], lambda t: put(t + b"/d/sub/new"))
        mutation("missing directory", ["only in A"], lambda t: os.rmdir(t + b"/d/sub"))
        mutation("mode", ["mode"], lambda t: os.chmod(t + b"/f", 0o600), "--no-mode")
        mutation("set-id", ["mode"], lambda t: os.chmod(t + b"/f", 0o4644), "--no-mode")
        mutation("directory mode", ["mode"], lambda t: os.chmod(t + b"/d", 0o1777), "--no-mode")
        mutation("fifo mode", ["mode"], lambda t: os.chmod(t + b"/p", 0o600), "--no-mode")
        mutation("root's mode", ["mode"], lambda t: os.chmod(t, 0o700), "--no-root")
        mutation("mtime of a file", ["mtime"],
                 lambda t: os.utime(t + b"/f", ns=(NOW, NOW + 1)), "--no-times", restamp=False)
        mutation("mtime of a directory", ["mtime"],
                 lambda t: os.utime(t + b"/d", ns=(NOW, NOW + 1)), "--no-times", restamp=False)
        mutation("mtime of a symlink", ["mtime"],
                 lambda t: os.utime(t + b"/s", ns=(NOW, NOW + 1), follow_symlinks=False),
                 "--no-times", restamp=False)
        mutation("target", ["target"], redo(b"/s", lambda p: os.symlink(b"./f", p)))
        mutation("symlink to fifo", ["type"], redo(b"/s", os.mkfifo))
        mutation("file to symlink", ["type"], redo(b"/f", lambda p: os.symlink(b"l1", p)))
        mutation("fifo to file", ["type"], redo(b"/p", put))
        mutation("socket to fifo", ["type"], redo(b"/sock", os.mkfifo))
        mutation("empty file to directory", ["type"], redo(b"/empty", os.mkdir))
        mutation("lost link", ["links"], unlink_group, "--no-links")
        mutation("extra link", ["links"], join_group, "--no-links")
        mutation("same inode", ["same inode"], same)
        mutation("filled hole", ["holes"], fill, flags=("--holes",))
        mutation("filled hole unasked", [], fill)
        mutation("user xattr", ["xattr user.k"],
                 lambda t: os.setxattr(t + b"/f", b"user.k", b"v"), "--no-xattr")
        mutation("empty user xattr", ["xattr user.k"],
                 lambda t: os.setxattr(t + b"/f", b"user.k", b""), "--no-xattr")
        mutation("directory xattr", ["xattr user.k"],
                 lambda t: os.setxattr(t + b"/d", b"user.k", b"v"), "--no-xattr")
        mutation("access ACL", ["xattr system.posix_acl_access"],
                 lambda t: os.setxattr(t + b"/f", b"system.posix_acl_access", acl), "--no-xattr")
        mutation("default ACL", ["xattr system.posix_acl_default"],
                 lambda t: os.setxattr(t + b"/d", b"system.posix_acl_default", acl), "--no-xattr")
        if root:
            mutation("owner", ["owner"], lambda t: os.chown(t + b"/f", 12, -1), "--no-owner")
            mutation("group", ["owner"], lambda t: os.chown(t + b"/d", -1, 12), "--no-owner")
            mutation("symlink's owner", ["owner"],
                     lambda t: os.lchown(t + b"/s", 12, 12), "--no-owner")
            mutation("device number", ["device"],
                     redo(b"/null", lambda p: os.mknod(p, 0o600 | stat.S_IFCHR,
                                                       os.makedev(1, 5))))
            mutation("device type", ["type"],
                     redo(b"/null", lambda p: os.mknod(p, 0o600 | stat.S_IFBLK,
                                                       os.makedev(1, 3))))
            mutation("capability", ["xattr security.capability"],
                     lambda t: os.setxattr(t + b"/f", b"security.capability", cap), "--no-xattr")
            mutation("trusted xattr", ["xattr trusted.k"],
                     lambda t: os.setxattr(t + b"/f", b"trusted.k", b"v"), "--no-xattr")
            mutation("symlink's xattr", ["xattr trusted.k"],
                     lambda t: os.setxattr(t + b"/s", b"trusted.k", b"v",
                                           follow_symlinks=False), "--no-xattr")
        selftest_deep(expect, run)
        selftest_files(expect, run, put)
    finally:
        os.chdir(here)
        shutil.rmtree(work, ignore_errors=True)
    print("%d checks, %d failed" % (count, failures))
    return 1 if failures else 0


def selftest_deep(expect, run):
    """A difference 1500 levels down, seen with few descriptors."""
    import resource

    def dig(top, data):
        os.mkdir(top)
        fd = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
        for _ in range(1500):
            os.mkdir(b"level", dir_fd=fd)
            nxt = os.open(b"level", os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)
            os.close(fd)
            fd = nxt
        f = os.open(b"leaf", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=fd)
        os.write(f, data)
        os.close(f)
        os.close(fd)

    dig(b"A", b"one")
    dig(b"B", b"two")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, hard))
    try:
        text = run(b"A", b"B", "--no-times")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    expect("deep tree", text.startswith("content: ") and text.count("\n") == 1, repr(text[:300]))
    remove_deep(b"A")
    remove_deep(b"B")


def remove_deep(top):
    """Remove a chain of directories without ever naming a long path."""
    fd = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    depth = 0
    while True:
        names = read_names(fd)
        sub = None
        for name in names:
            if stat.S_ISDIR(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode):
                sub = name
            else:
                os.unlink(name, dir_fd=fd)
        if sub is None:
            break
        nxt = os.open(sub, os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)
        os.close(fd)
        fd = nxt
        depth += 1
    while depth:
        up = os.open(b"..", os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)
        os.close(fd)
        fd = up
        for name in read_names(fd):
            os.rmdir(name, dir_fd=fd)
        depth -= 1
    os.close(fd)
    os.rmdir(top)


def selftest_files(expect, run, put):
    """Two plain files instead of two trees."""
    put(b"A", b"data")
    put(b"B", b"data")
    os.utime(b"A", ns=(1, 1))
    os.utime(b"B", ns=(1, 1))
    expect("equal files", run(b"A", b"B") == "")
    with open(b"B", "r+b") as f:
        f.write(b"x")
    os.utime(b"B", ns=(1, 1))
    expect("different files", run(b"A", b"B").startswith("content: "))
    os.unlink(b"B")
    os.mkdir(b"B")
    expect("file and directory", run(b"A", b"B").startswith("type: "))
    os.unlink(b"A")
    os.rmdir(b"B")


def main(argv):
    opts = parse(argv)
    if opts.selftest:
        return selftest()
    try:
        differences = Compare(opts, sys.stdout).roots(opts.a, opts.b)
    except (OSError, RuntimeError) as e:
        print("cmptree.py: %s" % e, file=sys.stderr)
        return 2
    if differences:
        print("%d differences" % differences)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
