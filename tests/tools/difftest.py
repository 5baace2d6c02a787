#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds ucp against cp: the same command line on the same tree, what differs?

  difftest.py scenarios [FILTER...]     the table of hand-written cases below
  difftest.py generate [--seed=N] [--count=N]   random command lines over random trees (--count=0: without end)

Each line is run by cp and by ucp, one after the other in the same place, on freshly made trees. Compared are the
exit status, stderr (program name masked, lines in any order), stdout (-v: lines in any order, but a directory before
what is in it), and the whole tree: types, contents, modes, owners, times, link targets, hard links, extended
attributes, ACLs, and which files are still the ones they were.

ucp follows cp 9.11; where an older cp is run, its results are turned into those of 9.11 (see NEWER), or the scenario
says what to expect. Differences that are meant are in ACCEPTED. The exit status is 1 if there is any other.
"""

import argparse
import ctypes
import os
import random
import re
import select
import shlex
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import time

from patience import patience

USER = 65534
ROOT = os.geteuid() == 0
LIBC = ctypes.CDLL(None, use_errno=True)
MAX_DEPTH = 50
LONG_AGO = 1_000_000_000
NO_ID = 0xffffffff


# --- trees

class Node:
    """One entry of a tree to be made: KIND is one of d f l h p c (h: a hard link, c: a device like /dev/null)."""

    __slots__ = ("path", "kind", "data", "mode", "mtime", "owner", "xattrs")

    def __init__(self, path, kind, data="", mode=None, mtime=None, owner=None, xattrs=()):
        self.path = path
        self.kind = kind
        self.data = data
        self.mode = mode
        self.mtime = mtime
        self.owner = owner
        self.xattrs = dict(xattrs)

    def full_mode(self):
        return self.mode if self.mode is not None else 0o755 if self.kind == "d" else 0o644


def acl(user=7, group=5, other=5, users=(), mask=None):
    """The value of system.posix_acl_access, or …_default."""
    entries = [(0x01, user, NO_ID)] + [(0x02, bits, uid) for uid, bits in users] + [(0x04, group, NO_ID)]
    if users:
        entries.append((0x10, 7 if mask is None else mask, NO_ID))
    entries.append((0x20, other, NO_ID))
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"


def content(node):
    """The bytes of a file: its text and a newline, N* for N KiB of it, N0 for N KiB that are a hole."""
    found = re.fullmatch(r"(\d+)([*0])", node.data)
    if not found:
        return (node.data + "\n").encode() if node.data else b""
    size = int(found[1]) * 1024
    return bytes(size) if found[2] == "0" else (b"0123456789abcde\n" * (size // 16))


def subst(text, root):
    """%R in a link's target or in an operand is the absolute name of the working directory."""
    return text.replace("%R", root)


def build(top, nodes, default_owner):
    """Make the tree below TOP/w. Returns inode numbers and the names they have."""
    cwd = top + "/w"
    os.mkdir(top)
    os.mkdir(cwd)
    made = [Node(".", "d")] + nodes
    for n in made[1:]:
        path = f"{cwd}/{n.path}"
        if n.kind == "d":
            os.mkdir(path)
        elif n.kind == "f":
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            data = content(n)
            if data.count(0) == len(data):
                os.ftruncate(fd, len(data))
            else:
                os.write(fd, data)
            os.close(fd)
        elif n.kind == "l":
            os.symlink(subst(n.data, cwd), path)
        elif n.kind == "h":
            os.link(f"{cwd}/{n.data}", path, follow_symlinks=False)
        elif n.kind == "p":
            os.mkfifo(path)
        elif n.kind == "c":
            os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, int(n.data or "3")))
    inodes = {os.lstat(f"{cwd}/{n.path}").st_ino: n.path for n in made if n.kind != "h"}
    for n in [n for n in made if n.kind != "d"] + [n for n in reversed(made) if n.kind == "d"]:
        if n.kind == "h":
            continue
        path = f"{cwd}/{n.path}"
        for name, value in n.xattrs.items():
            os.setxattr(path, name, value, follow_symlinks=False)
        owner = n.owner if n.owner is not None else default_owner
        if ROOT and owner:
            os.lchown(path, owner, owner)
        if n.kind != "l" and ACCESS not in n.xattrs:
            os.chmod(path, n.full_mode() if n.kind != "c" else 0o666)
        mtime = (n.mtime if n.mtime is not None else LONG_AGO) * 1_000_000_000
        os.utime(path, ns=(int(mtime) + 5_000_000_000, int(mtime)), follow_symlinks=False)
    os.chown(top, default_owner if ROOT else -1, -1)
    return inodes


def wipe(path):
    """Remove a tree whose directories may be closed to us, or nested deeper than names can be."""
    def remove(parent, name, depth):
        if depth > MAX_DEPTH:
            raise RecursionError
        try:
            fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
        except PermissionError:
            os.chmod(name, 0o700, dir_fd=parent)
            fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
        if not ROOT:
            os.fchmod(fd, 0o700)
        with os.scandir(fd) as entries:
            for entry in list(entries):
                if entry.is_dir(follow_symlinks=False):
                    remove(fd, entry.name, depth + 1)
                else:
                    os.unlink(entry.name, dir_fd=fd)
        os.close(fd)
        os.rmdir(name, dir_fd=parent)

    if os.path.lexists(path):
        try:
            remove(None, path, 0)
        except RecursionError:
            subprocess.run(["rm", "-rf", path], check=True)


def seconds(ns, start):
    return "now" if ns >= start else ns


def snapshot(top, inodes, start):
    """Everything there is below TOP: name -> what it is."""
    found, first = {}, {}

    def look(path, name):
        if name.count("/") >= MAX_DEPTH:
            found["too deep"] = {"type": "tree without end"}
            return
        st = os.lstat(path)
        kind = stat.S_IFMT(st.st_mode)
        if not ROOT and kind in (stat.S_IFREG, stat.S_IFDIR) and st.st_mode & 0o700 != 0o700:
            os.chmod(path, 0o700 | st.st_mode)
        is_dir = kind == stat.S_IFDIR
        entry = {
            "type": {stat.S_IFDIR: "directory", stat.S_IFREG: "file", stat.S_IFLNK: "link", stat.S_IFIFO: "fifo",
                     stat.S_IFCHR: "device", stat.S_IFSOCK: "socket"}.get(kind, "?"),
            "mode": oct(st.st_mode & 0o7777), "owner": (st.st_uid, st.st_gid), "mtime": seconds(st.st_mtime_ns, start),
            "was": inodes.get(st.st_ino, "new"),
        }
        if st.st_ino not in inodes and not is_dir:
            entry["atime"] = seconds(st.st_atime_ns, start)
        if not is_dir:
            entry["links"] = (st.st_nlink, first.setdefault(st.st_ino, name))
        xattrs = {x: os.getxattr(path, x, follow_symlinks=False) for x in os.listxattr(path, follow_symlinks=False)}
        if xattrs:
            entry["xattrs"] = xattrs
        if kind == stat.S_IFLNK:
            entry["target"] = os.readlink(path)
        elif kind == stat.S_IFREG:
            fd = os.open(path, os.O_RDONLY | os.O_NOATIME if ROOT else os.O_RDONLY)
            entry["content"] = os.read(fd, 1 << 22)
            os.close(fd)
        elif kind == stat.S_IFCHR:
            entry["device"] = st.st_rdev
        found[name] = entry
        if is_dir:
            for child in sorted(os.listdir(path)):
                look(f"{path}/{child}", f"{name}/{child}" if name != "." else child)

    look(top + "/w", ".")
    for child in sorted(os.listdir(top)):
        if child != "w":
            look(f"{top}/{child}", "../" + child)
    return found


# --- running

class Case:
    """A command line over a tree."""

    def __init__(self, nodes, options, operands, name="", user=False, env=(), umask=0o022, stdin="", before=None,
                 want=None, timeout=10, ordered=False):
        self.nodes = nodes
        self.options = options
        self.operands = operands
        self.name = name
        self.user = user and ROOT
        self.env = dict(env)
        self.umask = umask
        self.stdin = stdin
        self.before = before
        # What 9.11 does, where it is not what the cp that is here does: "status", "err", "out", "tree": False
        self.want = dict(want or {})
        # The command line for a cp that is older than 9.11
        self.older = None
        self.timeout = timeout
        self.ordered = ordered

    def args(self, cwd, older=False):
        args = self.older if older and self.older is not None else self.options + self.operands
        return [subst(arg, cwd) for arg in args]


class Result:
    """What came of it."""

    def __init__(self):
        self.status = None
        self.older = False
        self.out = self.err = ""
        self.tree = {}


def child(program, args, cwd, case, fds):
    try:
        for i, fd in enumerate(fds):
            os.dup2(fd, i)
        os.umask(case.umask)
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        os.chdir(cwd)
        if case.user:
            os.setgroups([])
            os.setresgid(USER, USER, USER)
            os.setresuid(USER, USER, USER)
        env = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC", **case.env}
        for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        os.execve(program, args, env)
    except OSError as e:
        os.write(2, f"difftest: cannot start {program}: {e}\n".encode())
    os._exit(127)


def execute(program, flags, case, cwd, timeout, older=False):
    """Run it, giving exit status, stdout and stderr; status None if it did not end in time."""
    # Not in memory: an output that is a file can be opened again, as /dev/stdout
    out, err = os.memfd_create("out"), os.memfd_create("err")
    stdin, feed = os.pipe()
    os.write(feed, case.stdin.encode())
    os.close(feed)
    args = [os.path.basename(program)] + flags + case.args(cwd, older)
    pid = os.fork()
    if pid == 0:
        child(program, args, cwd, case, (stdin, out, err))
    os.close(stdin)
    pidfd = os.pidfd_open(pid)
    ended, _, _ = select.select([pidfd], [], [], patience(timeout))
    os.close(pidfd)
    if not ended:
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    texts = []
    for fd in (out, err):
        os.lseek(fd, 0, os.SEEK_SET)
        texts.append(os.read(fd, 1 << 20).decode("utf-8", "backslashreplace"))
        os.close(fd)
    return status if ended else None, *texts


class Bench:
    """Where cases are run."""

    def __init__(self, args):
        base = os.environ.get("DIFFTEST_DIR") or os.environ.get("TMPDIR")
        if not base or not os.access(base, os.W_OK):
            base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"
        self.dir = tempfile.mkdtemp(prefix="difftest.", dir=base)
        os.chmod(self.dir, 0o755)
        os.umask(0)
        self.top = self.dir + "/t"
        self.cp = args.cp
        self.ucp = os.path.abspath(args.ucp)
        self.flags = shlex.split(args.flags)
        # How often each of ACCEPTED was met
        self.met = {}
        version = subprocess.run([self.cp, "--version"], capture_output=True, text=True, check=True).stdout
        self.version = tuple(int(n) for n in re.search(r"(\d+)\.(\d+)", version).groups())

    def close(self):
        wipe(self.top)
        os.rmdir(self.dir)

    def run_one(self, program, flags, case, timeout, older=False):
        result = Result()
        undo = None
        try:
            inodes = build(self.top, case.nodes, USER if case.user else 0)
            undo = case.before(self.top + "/w") if case.before else None
            start = time.time_ns() - 1_000_000_000
            status, out, err = execute(program, flags, case, self.top + "/w", timeout, older)
            result.status = status
            result.out = out
            result.err = re.sub(r"\bu?cp(?=: | --help)", "CP", err)
            result.tree = snapshot(self.top, inodes, start)
        finally:
            if undo:
                undo()
            wipe(self.top)
        return result

    def compare(self, case, cp_timeout=None):
        """The differences as text, or None if cp did not end."""
        older = self.version < (9, 11)
        cp = self.run_one(self.cp, [], case, cp_timeout or case.timeout, older)
        cp.older = older
        if cp.status is None and cp_timeout:
            return None
        ucp = self.run_one(self.ucp, self.flags, case, case.timeout)
        if "--debug" in case.operands:
            ucp.out = re.sub(r"(?m)^(workers|reading|engine|kernel|requests|registered|files): .*\n", "", ucp.out)
        if older:
            for name, _, change in NEWER:
                change(case, cp, ucp)
            expect(case, cp, ucp)
        else:
            # The scenario must be right about it
            wrong = [f"9.11 {key}: {getattr(cp, key)!r}, not {value!r}" for key, value in case.want.items()
                     if key != "tree" and sorted_lines(getattr(cp, key)) != sorted_lines(value)]
            if wrong:
                return wrong
        found = list(differences(case, cp, ucp))
        for name, _, test in ACCEPTED:
            if found and test(case, cp, ucp):
                self.met[name] = self.met.get(name, 0) + 1
                return []
        return list(differences(case, cp, ucp)) if found else []


def has_several(case):
    """Whether there may be several sources; then ucp may read one twice that cp does not, or in another order."""
    return len(case.operands) > (1 if re.search(r"(^| )-\w*t|--ta", shlex.join(case.options + case.operands)) else 2)


def sorted_lines(value):
    return sorted(value.splitlines()) if isinstance(value, str) else value


def lines_of(text):
    # A prompt ends without a newline
    return re.sub(r"\? (?=CP: )", "?\n", text).splitlines()


def is_misordered(out):
    """Whether a -v line of something stands before that of the directory it is in."""
    made = {}
    for at, line in enumerate(out.splitlines()):
        found = re.match(r"'.*' -> '(.*)'", line)
        if found:
            made.setdefault(found[1], at)
    return [name for name, at in made.items() if made.get(os.path.dirname(name), -1) > at]


def differences(case, cp, ucp):
    if cp.status != ucp.status:
        yield f"exit status: cp {cp.status}, ucp {ucp.status}"
    for what in ("err", "out"):
        one, two = lines_of(getattr(cp, what)), lines_of(getattr(ucp, what))
        if not case.ordered:
            one, two = sorted(one), sorted(two)
        if one != two:
            for line in [line for line in one if one.count(line) > two.count(line)]:
                yield f"std{what}: only cp: {line}"
            for line in [line for line in two if two.count(line) > one.count(line)]:
                yield f"std{what}: only ucp: {line}"
            if sorted(one) == sorted(two):
                yield f"std{what}: other order: cp {one}, ucp {two}"
    for name in is_misordered(ucp.out):
        yield f"stdout: {name} before its directory"
    for name in sorted(cp.tree.keys() | ucp.tree.keys()):
        one, two = cp.tree.get(name), ucp.tree.get(name)
        if one is None or two is None:
            where = "ucp" if one is None else "cp"
            yield f"{name}: only with {where}: {(one or two)['type']}"
            continue
        for key in sorted(one.keys() | two.keys()):
            if key == "atime" and ("now" in (one.get(key), has_several(case) and two.get(key))
                                   or one["type"] == "link"):
                # It was read before, under another name, or the link was followed to somewhere
                continue
            if one.get(key) != two.get(key):
                yield f"{name}: {key}: cp {one.get(key)}, ucp {two.get(key)}"


# --- what cp has learned since the one that is here, and what is meant to differ

def short_letters(case):
    return "".join(option[1:] for option in case.options if re.fullmatch(r"-\w[\w.]*", option))


def declined(case, cp, _):
    answers = case.stdin.splitlines()
    asked = len(re.findall(r"CP: (?:overwrite|replace|unwritable) .*?\? ", cp.err))
    if asked and any(not answer.lower().startswith("y") for answer in (answers + [""] * asked)[:asked]):
        cp.status = cp.status or 1


def exclusive(_, cp, __):
    cp.err = cp.err.replace("CP: options --backup and --no-clobber are mutually exclusive\n",
                            "CP: --backup is mutually exclusive with -n or --update=none-fail\n")


def with_what(_, cp, ucp):
    said = re.findall(r"CP: cannot overwrite directory '.*' with non-directory '.*'$", ucp.err, re.M)
    cp.err = re.sub(r"(?m)CP: cannot overwrite directory '.*' with non-directory$",
                    lambda m: next((line for line in said if line.startswith(m[0] + " ")), m[0]), cp.err)


def clone_failed(_, cp, ucp):
    if "failed to clone" in cp.err:
        for name, entry in list(cp.tree.items()):
            if name not in ucp.tree and entry.get("content") == b"" and entry.get("was") == "new":
                del cp.tree[name]


def empty_name(case, cp, ucp):
    if case.operands[-1:] == [""]:
        vars(cp).update(vars(ucp))


def backup_lost(_, cp, ucp):
    if "cannot un-backup" in cp.err:
        vars(cp).update(vars(ucp))


def directory_backed_up(case, cp, ucp):
    options = short_letters(case)
    backups = "b" in options or "S" in options or any(re.match("--(backup|suffix)", o) for o in case.options)
    if backups and ("cannot overwrite non-directory" in cp.err or "cannot overwrite directory" in cp.err):
        vars(cp).update(vars(ucp))


def absolute_parents(case, cp, ucp):
    if "--parents" in case.options + case.operands and re.search("CP: '[^/.][^']*': No such file or directory", cp.err):
        vars(cp).update(vars(ucp))


def default_acl_lost(case, cp, ucp):
    if any(DEFAULT in n.xattrs for n in case.nodes):
        said = re.findall(r"(?m)^CP: preserving permissions for .*: Operation not supported\n", ucp.err)
        cp.err += "".join(line for line in said if line not in cp.err)
        cp.status = 1 if said else cp.status


def special_bits(_, cp, ucp):
    for name, entry in cp.tree.items():
        other = ucp.tree.get(name, {}).get("mode")
        if other and (int(entry["mode"], 8) ^ int(other, 8)) & ~0o7000 == 0:
            entry["mode"] = other


# What 9.11 does otherwise than 9.1: (name, what, change to the older one's result)
NEWER = [
    ("declined", "exit status 1 when -i was answered with no", declined),
    ("exclusive", "another text", exclusive),
    ("with-what", "names the source too", with_what),
    ("clone-failed", "--reflink=always leaves no empty file behind", clone_failed),
    ("backup-lost", "a backup that has to be put back is looked for where it is", backup_lost),
    ("directory-backed-up", "with a backup files and directories may take each other's place",
     directory_backed_up),
    ("empty-name", "the destination '' is looked at as if it were '.'", empty_name),
    ("absolute-parents", "the mode of directories that --parents makes of absolute names is kept", absolute_parents),
    ("default-acl-lost", "a default ACL that cannot be kept is an error", default_acl_lost),
    ("special-bits", "set-id and sticky bits of an existing destination go when the mode is set", special_bits),
]


def expect(case, cp, ucp):
    """What a scenario says of 9.11 takes the place of what an older cp did."""
    for key, value in case.want.items():
        if key == "tree":
            cp.tree = ucp.tree
            for other in ("status", "err", "out"):
                if other not in case.want:
                    setattr(cp, other, getattr(ucp, other))
        else:
            setattr(cp, key, value)


def made_anew(_, cp, ucp):
    """Whether ucp has removed a destination with several names that cp wrote into."""
    return any(entry.get("was", "new") != "new" and entry.get("links", (1,))[0] > 1 and name in ucp.tree
               and ucp.tree[name].get("was") == "new" for name, entry in cp.tree.items())


def acl_left(case, cp, ucp):
    """Take away ACLs that only 9.11 has left, so that the rest is compared as ever."""
    about_mode = [option for option in case.options + case.operands
                  if re.match("--(no-)?p[^a].*(mode|all)|--preserve$|-[^-]*[pa]", option)]
    if cp.older or about_mode[-1:] and about_mode[-1].startswith("--no-p"):
        return False
    for name, entry in cp.tree.items():
        other = ucp.tree.get(name, {})
        xattrs, others = entry.get("xattrs", {}), other.get("xattrs", {})
        for acl_name in (ACCESS, DEFAULT):
            if acl_name in xattrs and acl_name not in others and entry.get("mode") == other.get("mode"):
                del xattrs[acl_name]
        if not xattrs:
            entry.pop("xattrs", None)
    return False


def backs_up(case):
    return any(re.match("-[a-zA-Z]*b|--backup|-S|--suffix", o) for o in case.options + case.operands)


def has_more(one, two, text):
    return one.err.count(text) > two.err.count(text)


def strangers_made_anew(case, cp, ucp):
    """Overlook that files of others were made anew, so that the rest is compared as ever."""
    strangers = {n.path for n in case.nodes if n.kind == "f" and n.owner not in (None, 0)} if not case.user else ()
    for name in strangers:
        entry, other = cp.tree.get(name, {}), ucp.tree.get(name, {})
        if other.get("was") == "new" and entry.get("was") == name:
            other["was"] = name
            parent = os.path.dirname(name) or "."
            if parent in ucp.tree and "mtime" in cp.tree.get(parent, {}):
                ucp.tree[parent]["mtime"] = cp.tree[parent]["mtime"]
    return False


def set_id_of_others(case, cp, ucp):
    """Overlook that existing files of others get no set-id bits, so that the rest is compared as ever."""
    strangers = {n.path for n in case.nodes if n.kind == "f" and n.owner not in (None, 0)} if not case.user else ()
    for name in strangers:
        entry, other = cp.tree.get(name, {}), ucp.tree.get(name, {})
        if "mode" in entry and other.get("mode") == oct(int(entry["mode"], 8) & 0o777):
            other["mode"] = entry["mode"]
    return False


# What ucp does otherwise on purpose: (name, reason, test). The manual page names them too (DIFFERENCES FROM CP).
ACCEPTED = [
    ("acl-refused",
     "where the destination takes no ACL, ucp gives the group what the ACL gave it, and cp the ACL's mask",
     lambda case, cp, ucp: any(ACCESS in node.xattrs for node in case.nodes) and cp.status == ucp.status == 1
     and re.search(r"preserving permissions for .*: Operation not supported", ucp.err)),
    ("into-itself",
     "a directory copied into itself is an error; which parts of it are there then depends on the order, "
     "and cp stops there while ucp goes on",
     lambda case, cp, ucp: "into itself" in cp.err and "into itself" in ucp.err and cp.status == ucp.status),
    ("through-new-link",
     "ucp never writes through a symbolic link that the same run has made, wherever it is; cp looks at operands only",
     lambda case, cp, ucp: "through just-created symlink" in ucp.err and "just-created symlink" not in cp.err),
    ("into-a-source",
     "ucp never writes into a file that the same run is to copy: not through a symbolic link, and what has several "
     "names is made anew",
     lambda case, cp, ucp: "it leads to a file that is to be copied" in ucp.err or made_anew(case, cp, ucp)),
    ("dot-not-searchable",
     "where the directory may not be searched cp fails to look at DIR/., and ucp to make it",
     lambda case, cp, ucp: cp.status == ucp.status == 1
     and re.search(r"cannot stat '[^']*/\.': Permission denied", cp.err)
     and re.search(r"cannot create directory '[^']*/\.': Permission denied", ucp.err)),
    ("umask-and-default-acl",
     "with --preserve=ownership the umask takes bits of the owner in directories with a default ACL, too",
     lambda case, cp, ucp: "--preserve=ownership" in case.options + case.operands and case.umask & 0o700
     and cp.status == ucp.status),
    ("link-as-backup",
     "cp loses a symbolic link that bears the name of the backup it makes, and fails; ucp has read it before",
     lambda case, cp, ucp: "cannot read symbolic link" in cp.err and "cannot read symbolic link" not in ucp.err),
    ("parents-given-twice",
     "with --parents cp warns of a directory as given twice that it has only met as the parent of another operand",
     lambda case, cp, ucp: re.search(r"--pa", shlex.join(case.options + case.operands)) and cp.status == ucp.status
     and cp.err.count("specified more than once") > ucp.err.count("specified more than once")),
    ("parents-of-two",
     "with --parents cp fails to copy a directory that it has made before as the parent of another operand",
     lambda case, cp, ucp: "--parents" in case.options + case.operands
     and re.search("cannot create .*'.*': File exists", cp.err)
     and not re.search("cannot create .*: File exists", ucp.err)),
    ("own-options",
     "ucp has options and words of its own, which abbreviations may mean where cp has none, and which it names",
     lambda case, cp, ucp: cp.status == ucp.status == 1
     and ("is ambiguous;" in cp.err + ucp.err or "number of threads" in ucp.err
          or ("'--update'" in ucp.err and "'differ'" in ucp.err))),
    ("directory-met-again",
     "cp refuses a directory that it has copied to another place in the same run; ucp copies it again",
     lambda case, cp, ucp: re.search("will not create hard link .* to directory", cp.err)
     and "will not create hard link" not in ucp.err),
    ("xattr-message",
     "ucp does not name the attribute that cannot be set, and sets the mode after it; cp names it twice, and not the "
     "file",
     lambda case, cp, ucp: re.search("[gs]etting attribute", cp.err) and re.search("[gs]etting attribute", ucp.err)
     and cp.status == ucp.status),
    ("no-name-kept",
     "cp -p fails to set the mode of a directory copied to '' or, if it cannot be searched then, to one ending in '/.'",
     lambda case, cp, ucp: re.search("preserving permissions for '(.*/[.])?'", cp.err)),
    ("narrowed",
     "an existing destination that is to get a narrower mode has it before its data, also if that cannot be copied",
     lambda case, cp, ucp: "failed to clone" in cp.err and "failed to clone" in ucp.err and cp.status == ucp.status),
    ("made-anew",
     "what belongs neither to root nor to the source's owner is removed and made anew where owners are kept",
     strangers_made_anew),
    ("set-id-of-others",
     "if modes are kept but not owners, existing files of others get no set-id bits",
     set_id_of_others),
    ("into-itself-without-end",
     "cp goes on, or fails, where what it made was moved or is copied into itself by way of links",
     lambda case, cp, ucp: re.search("into itself", ucp.err) and ("/new/new/new" in cp.err or "File name too long" in cp.err)
     or re.search("preserving permissions for .*: No such file", cp.err) and ucp.status == 0
     or has_more(ucp, cp, "into itself") and any(n.kind == "l" for n in case.nodes)),
    ("acl-left",
     "cp 9.11 with --preserve=mode leaves an ACL where the source has none; ucp, as older ones, removes it",
     acl_left),
    ("same-entry",
     "an entry reached by way of a symbolic link to its directory is still the same entry for ucp, which leaves it alone",
     lambda case, cp, ucp: any(n.kind == "l" for n in case.nodes) and "are the same file" in ucp.err
     and (has_more(ucp, cp, "are the same file") or cp.status == ucp.status == 1)),
    ("backup-place",
     "cp 9.1 puts the backup of a file in some directories into the current one",
     lambda case, cp, ucp: cp.older and cp.status == ucp.status and cp.err == ucp.err and backs_up(case)),
    ("linked-just-now",
     "what has become a hard link to another copy is protected from later operands like the other copies",
     lambda case, cp, ucp: has_more(ucp, cp, "will not overwrite just-created")),
    ("dot-backed-up",
     "with a backup what stands where DIR/. or DIR/.. is copied is kept, too",
     lambda case, cp, ucp: backs_up(case) and any(re.search(r"(^|/)\.\.?/*$", o) for o in case.operands)
     and ("cannot backup" in ucp.err
          or any("~" in name or name.endswith(".old") for name in ucp.tree.keys() - cp.tree.keys()))),
    ("linked-anew",
     "cp with -u makes a hard link anew that is there already, which only its directory's time tells",
     lambda case, cp, ucp: cp.err == ucp.err and all(": mtime: cp now, " in line for line in differences(case, cp, ucp))
     and ("u" in short_letters(case) or "--update" in " ".join(case.options + case.operands))),
    ("parents-wording",
     "with --parents which of several things that are wrong is said differs, and several slashes are shown as one",
     lambda case, cp, ucp: "--parents" in case.options + case.operands and cp.status == ucp.status == 1
     and all(line.startswith("stderr: ") for line in differences(case, cp, ucp))),
    ("parents-not-new",
     "with --parents cp takes a destination for new once it has made directories for an operand before",
     lambda case, cp, ucp: "--parents" in case.options + case.operands and len(case.operands) > 1
     and has_more(cp, ucp, "not writing through dangling symlink")),
    ("own-copy",
     "with -n a directory that would be copied onto itself is left alone; cp sets its attributes anew",
     lambda case, cp, ucp: ("n" in short_letters(case) or "--update=none" in " ".join(case.options))
     and has_more(cp, ucp, "CP: preserving ")),
    ("parents-special-bits",
     "directories that --parents makes lose their special bits where their owner cannot be kept",
     lambda case, cp, ucp: "--parents" in case.options + case.operands and case.user
     and all(": mode: " in line for line in differences(case, cp, ucp))
     and all((int(entry["mode"], 8) ^ int(ucp.tree[name]["mode"], 8)) & ~0o7000 == 0
             for name, entry in cp.tree.items())),
    ("removed-unread",
     "a link by which the source is reached is moved away or removed by cp before it reads the source",
     lambda case, cp, ucp: (backs_up(case) or "--remove-destination" in case.options + case.operands)
     and any(n.kind == "l" for n in case.nodes)
     and (has_more(cp, ucp, "No such file or directory")
          or cp.err == ucp.err and ucp.tree.keys() > cp.tree.keys())),
    ("followed-attributes",
     "extended attributes of a directory that is reached by a symbolic link are copied; cp takes those of the link",
     lambda case, cp, ucp: any(n.kind == "l" for n in case.nodes) and any(n.xattrs for n in case.nodes)
     and all(": xattrs: " in line for line in differences(case, cp, ucp))),
]


# --- showing

def quote(text):
    return shlex.quote(text)


def script(case):
    """A shell script that makes the tree and runs the command."""
    lines = ["mkdir /tmp/t && cd /tmp/t && mkdir w && cd w"]
    place = lambda text: subst(text, "/tmp/t/w")
    late = []
    for n in case.nodes:
        p = quote(n.path)
        if n.kind == "d":
            lines.append(f"mkdir {p}")
        elif n.kind == "f":
            found = re.fullmatch(r"(\d+)([*0])", n.data)
            if found:
                full = found[2] == "*"
                lines.append(f"head -c {found[1]}K /dev/urandom >{p}" if full else f"truncate -s {found[1]}K {p}")
            else:
                lines.append(f"echo {quote(n.data)} >{p}" if n.data else f": >{p}")
        elif n.kind == "l":
            lines.append(f"ln -s {quote(place(n.data))} {p}")
        elif n.kind == "h":
            lines.append(f"ln -P {quote(n.data)} {p}")
        elif n.kind == "p":
            lines.append(f"mkfifo {p}")
        else:
            lines.append(f"mknod -m 666 {p} c 1 {n.data or 3}")
        more = []
        for name, value in n.xattrs.items():
            more.append(f"setfattr -h -n {name} -v 0x{value.hex()} {p}")
        if n.owner is not None:
            more.append(f"chown -h {n.owner}:{n.owner} {p}")
        if n.mode is not None:
            more.append(f"chmod {n.mode:o} {p}")
        if n.mtime is not None:
            more.append(f"touch -hmd @{n.mtime} {p}")
        if n.kind == "d":
            late[:0] = more
        else:
            lines += more
    lines += late
    command = " ".join(["cp"] + [quote(place(arg)) for arg in case.options + case.operands])
    if case.env:
        command = " ".join(f"{k}={quote(v)}" for k, v in case.env.items()) + " " + command
    if case.stdin:
        command = f"printf {quote(case.stdin[:20].encode('unicode_escape').decode())} | " + command
    if case.umask != 0o022:
        lines.append(f"umask {case.umask:03o}")
    if case.user:
        lines.append(f"chown -hR {USER}:{USER} /tmp/t  # those without an owner of their own; run it as that user:")
    return "\n".join("  " + line for line in lines + [command])


def show(case, found):
    print(f"--- {case.name}")
    print(script(case))
    for line in found:
        print("  #", line)
    sys.stdout.flush()


# --- random cases

NAMES = ["a", "b", "c", "d", "e"]
ODD_NAMES = ["a~", "b~", "a.~1~", "a.~9~", "b.old", "f f", "-x"]
FILE_MODES = [0o644] * 8 + [0o444, 0o600, 0, 0o755, 0o4755, 0o2755, 0o1644, 0o200, 0o666, 0o4711]
DIR_MODES = [0o755] * 8 + [0o700, 0o555, 0, 0o2755, 0o1777, 0o333, 0o777, 0o500]
TIMES = [1000, 2000, 2000.25, 3000, 4_200_000_000]
OPTIONS = [
    ("-f", 5), ("-i", 3), ("-n", 3), ("-u", 4), ("-l", 4), ("-s", 3), ("-p", 5), ("-d", 4), ("-P", 3), ("-L", 4),
    ("-H", 4), ("-v", 8), ("-x", 1), ("-b", 4), ("-T", 4), ("--remove-destination", 4), ("--attributes-only", 3),
    ("--parents", 5), ("--strip-trailing-slashes", 3), ("--copy-contents", 1), ("--backup", 1), ("--backup=simple", 1),
    ("--backup=numbered", 2), ("--backup=existing", 1), ("--backup=none", 1), ("-S.old", 1), ("--suffix=~", 1),
    ("--preserve=mode", 2), ("--preserve=timestamps", 2), ("--preserve=ownership", 2), ("--preserve=links", 3),
    ("--preserve=xattr", 2), ("--preserve=all", 2), ("--preserve", 1), ("--preserve=mode,links", 1),
    ("--no-preserve=mode", 3), ("--no-preserve=all", 1), ("--no-preserve=ownership", 1), ("--no-preserve=links", 1),
    ("--no-preserve=timestamps,xattr", 1), ("--sparse=always", 1), ("--sparse=never", 1), ("--reflink=never", 1),
    ("--reflink=always", 1), ("--reflink=auto", 1), ("-Z", 1), ("--context", 1), ("--preserve=context", 0.2),
    ("--backup=off", 0.3), ("-a", 3), ("-r", 4),
]


class Generator:
    """Makes a case of a number."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, *choices):
        """One of (choice, weight)…"""
        return self.random.choices([c for c, _ in choices], [w for _, w in choices])[0]

    def chance(self, p):
        return self.random.random() < p

    def name(self):
        return self.random.choice(NAMES) if self.chance(0.85) else self.random.choice(ODD_NAMES)

    def target(self, directory, nodes):
        """What a symbolic link in DIRECTORY may point to."""
        up = "../" * (directory.count("/") + 1 if directory else 0)
        known = [n.path for n in nodes]
        kind = self.pick(("node", 10), ("name", 3), ("absolute", 1), ("odd", 2))
        if kind == "node" and known:
            return up + self.random.choice(known) + self.pick(("", 12), ("/", 1), ("/.", 1))
        if kind == "absolute" and known:
            return "%R/" + self.random.choice(known)
        if kind == "odd":
            return self.random.choice([".", "..", "none", "none/x", "../none", up + "a"])
        return self.name()

    def nodes(self, user, fifos):
        nodes, dirs, taken = [], [""], set()
        for _ in range(self.random.randint(2, 11)):
            directory = self.random.choice(dirs)
            path = directory + self.name()
            if path in taken or path.count("/") > 2:
                continue
            taken.add(path)
            files = [n.path for n in nodes if n.kind == "f"]
            kind = self.pick(("f", 10), ("d", 8), ("l", 6), ("h", 2 if files else 0), ("p", fifos),
                             ("c", 0.3 if ROOT else 0))
            n = Node(path, kind, mtime=self.random.choice(TIMES))
            if kind == "f":
                n.data = self.pick((path.replace("/", "."), 12), ("", 2), ("9*", 1), ("16" + "0", 1))
                n.mode = self.random.choice(FILE_MODES)
            elif kind == "d":
                n.mode = self.random.choice(DIR_MODES)
                dirs += [path + "/"] * 2
            elif kind == "l":
                n.data = self.target(directory.rstrip("/"), nodes)
            elif kind == "h":
                n.data = self.random.choice(files)
                n.mtime = None
            if kind in "fd" and self.chance(0.06):
                n.xattrs["user.x"] = path.encode()
            if kind in "fd" and self.chance(0.04):
                n.xattrs[ACCESS] = acl(user=n.mode >> 6 & 7, users=[(1234, 7)], mask=5)
            if kind == "d" and self.chance(0.06):
                n.xattrs[DEFAULT] = acl(user=7, group=1, other=0, users=[(1234, 3)])
            if ROOT and self.chance(0.15):
                n.owner = self.random.choice([0, 1234, USER])
            nodes.append(n)
        return nodes

    def operand(self, nodes, operands):
        kind = self.pick(("node", 24), ("odd", 2), ("again", 2 if operands else 0), ("child", 1))
        if kind == "again":
            return self.pick(("", 3), ("./", 1)) + self.random.choice(operands)
        if kind == "odd" or not nodes:
            return self.random.choice([".", "..", "none", "none/", "", "./", "../w", "none/x"])
        path = self.random.choice(nodes).path
        if kind == "child":
            path += "/" + self.name()
        if path.startswith("-") or self.chance(0.08):
            path = self.pick(("./", 4), (".//", 1), ("%R/", 2), ("../w/", 1)) + path
        if self.chance(0.12):
            path += self.pick(("/", 4), ("//", 1), ("/.", 2), ("/..", 1))
        return path

    def destination(self, nodes, operands):
        kind = self.pick(("node", 10), ("dir", 8), ("new", 6), ("operand", 4), ("odd", 1))
        dirs = [n.path for n in nodes if n.kind == "d"]
        path = "new"
        if kind == "node" and nodes:
            path = self.random.choice(nodes).path
        elif kind == "dir" and dirs:
            path = self.random.choice(dirs)
        elif kind == "operand":
            path = self.random.choice(operands).rstrip("/") + self.pick(("", 3), ("/new", 1), ("~", 1))
        elif kind == "odd":
            return self.random.choice([".", "..", "", "./", "none/new", "new/", "new/new"])
        elif dirs and self.chance(0.4):
            path = self.random.choice(dirs) + "/new"
        if path.startswith("-") or self.chance(0.05):
            path = "./" + path
        return path + (self.pick(("/", 3), ("/.", 1)) if self.chance(0.08) else "")

    def case(self):
        while True:
            case = self.any_case()
            if not is_into_itself(case) or self.chance(0.2):
                return case

    def any_case(self):
        user = ROOT and self.chance(1 / 3)
        options = [self.pick(("-r", 3), ("-R", 1), ("-a", 3), ("-rp", 1), ("--recursive", 1))] if self.chance(0.6) \
            else []
        recursive = bool(options)
        for _ in range(self.pick((0, 2), (1, 4), (2, 4), (3, 3), (4, 1))):
            options.append(self.pick(*OPTIONS))
        if {"-l", "-s"} <= set(options):
            options.remove(self.random.choice(["-l", "-s"]))
        if any(option in ("-b", "-S.old", "--suffix=~") or option.startswith("--backup") for option in options):
            options = [option for option in options if option != "-n" or self.chance(0.05)]
        self.random.shuffle(options)
        fifos = 0.4 if (recursive and "--copy-contents" not in options) else 0
        nodes = self.nodes(user, fifos)
        operands = []
        for _ in range(self.pick((1, 10), (2, 5), (3, 3), (0, 0.1))):
            operands.append(self.operand(nodes, operands))
        if operands:
            dest = self.destination(nodes, operands)
            if self.chance(0.12):
                at = self.random.randint(0, len(options))
                options[at:at] = ["-t", dest]
            elif self.chance(0.98):
                operands.append(dest)
        env = {}
        if self.chance(0.05):
            env["POSIXLY_CORRECT"] = "1"
        if self.chance(0.06):
            env["VERSION_CONTROL"] = self.random.choice(["simple", "numbered", "existing", "none", "t", "bad", "n", ""])
        if self.chance(0.04):
            env["SIMPLE_BACKUP_SUFFIX"] = self.random.choice([".old", "", "x/y"])
        return Case(nodes, options, operands, user=user, env=env,
                    umask=self.pick((0o022, 8), (0o077, 1), (0, 1), (0o027, 1), (0o777, 0.2)),
                    stdin=self.pick(("y\n" * 50, 2), ("n\n" * 50, 1), ("", 1)), timeout=3)


def is_into_itself(case):
    """Whether a directory may be copied into itself, after which not much can be compared."""
    if not any(re.match("-(-rec|[^-]*[rRa])", option) for option in case.options):
        return False
    names = [os.path.normpath(name.replace("%R", "../w")) for name in case.operands]
    if "-t" in case.options:
        names.append(os.path.normpath(case.options[case.options.index("-t") + 1]))
    return any(name in (".", "..", "../w") or (names[-1] + "/").startswith(name + "/") for name in names[:-1])


def smaller(case):
    """Cases like this one with something left out."""
    def copy(**changes):
        values = dict(nodes=case.nodes, options=case.options, operands=case.operands, name=case.name, user=case.user,
                      env=case.env, umask=case.umask, stdin=case.stdin, timeout=case.timeout)
        values.update(changes)
        return Case(**values)

    if case.env:
        yield copy(env={})
    if case.umask != 0o022:
        yield copy(umask=0o022)
    if case.stdin:
        yield copy(stdin="")
    if case.user:
        yield copy(user=False)
    for i, option in enumerate(case.options):
        if option == "-t":
            yield copy(options=case.options[:i] + case.options[i + 2:],
                       operands=case.operands + [case.options[i + 1]])
        elif i == 0 or case.options[i - 1] != "-t":
            yield copy(options=case.options[:i] + case.options[i + 1:])
        if option == "-a":
            for less in ("-r", "-d", "-rd", "-rp", "-p", "-dp"):
                yield copy(options=case.options[:i] + [less] + case.options[i + 1:])
        elif option == "-rp":
            for less in ("-r", "-p"):
                yield copy(options=case.options[:i] + [less] + case.options[i + 1:])
        elif option == "-p":
            for less in ("mode", "ownership", "timestamps"):
                yield copy(options=case.options[:i] + ["--preserve=" + less] + case.options[i + 1:])
    for i in range(len(case.operands)):
        yield copy(operands=case.operands[:i] + case.operands[i + 1:])
    for i, operand in enumerate(case.operands):
        for prefix in ("./", ".//", "%R/", "../w/"):
            if operand.startswith(prefix) and len(operand) > len(prefix):
                yield copy(operands=case.operands[:i] + [operand[len(prefix):]] + case.operands[i + 1:])
        for suffix in ("//", "/", "/."):
            if operand.endswith(suffix) and len(operand) > len(suffix):
                yield copy(operands=case.operands[:i] + [operand[:-len(suffix)]] + case.operands[i + 1:])
    for i, n in enumerate(case.nodes):
        gone = lambda m, n=n: m is n or m.path.startswith(n.path + "/") or (m.kind == "h" and m.data == n.path)
        yield copy(nodes=[m for m in case.nodes if not gone(m)])
    for i, n in enumerate(case.nodes):
        for key, value in (("mode", None), ("owner", None), ("xattrs", {}), ("mtime", None), ("data", "x")):
            if getattr(n, key) == value or (key == "data" and (n.kind != "f" or len(n.data) > 3)):
                continue
            values = {k: getattr(n, k) for k in Node.__slots__}
            values[key] = value
            yield copy(nodes=case.nodes[:i] + [Node(**values)] + case.nodes[i + 1:])


def shapes(found):
    """What kinds of differences these are, for telling one cause from another."""
    return {re.sub(r"'[^']*'|\"[^\"]*\"|^[^:]*/[^:]*|\d+", "#", line).split(": cp ")[0] for line in found}


def minimize(bench, case, found):
    """The smallest case we find easily that still shows one of the same differences."""
    goal = shapes(found)
    tries, going = 0, True
    while going and tries < 1500:
        going = False
        for less in smaller(case):
            tries += 1
            try:
                now = bench.compare(less, 0.5)
            except OSError:
                continue
            if now and shapes(now) & goal:
                # Stay with what the first one showed, so as not to wander off
                case, found, going = less, now, True
                goal = shapes(now) & goal
                break
    return case, found


def generate(bench, args):
    failures = done = stuck = 0
    start = time.monotonic()
    seed = args.seed
    if seed is None:
        seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    seen = set()
    said = start
    while args.count == 0 or done < args.count:
        case = Generator(f"{seed}.{done}").case()
        case.name = f"--seed={seed} --skip={done} --count={done + 1}"
        done += 1
        if done <= args.skip:
            continue
        found = bench.compare(case, 0.5)
        if found is None:
            stuck += 1
            continue
        if found:
            failures += 1
            if args.minimize:
                case, found = minimize(bench, case, found)
            key = (tuple(sorted(shapes(found))), tuple(sorted(case.options)), len(case.operands))
            if key not in seen or not args.unique:
                seen.add(key)
                show(case, found)
            if not args.keep_going:
                break
        if args.count == 0 and time.monotonic() - said > 60:
            said = time.monotonic()
            print(f"seed {seed}: {done} command lines, {failures} differences", flush=True)
    for name, times in sorted(bench.met.items()):
        print(f"accepted: {name}: {times}")
    rate = (done - args.skip) / max(time.monotonic() - start, 0.001)
    print(f"{done - args.skip} command lines, {failures} with differences, {stuck} without end in cp, {rate:.0f}/s")
    return failures


# --- hand-written scenarios

# TREE $ COMMAND LINE, one after the other, under the heading of what they are about.
#   tree     name (a file that holds its name), name=text, name/ (directory), name->target, name==other (a hard link),
#            name| (fifo), name% (like /dev/null), name%7 (like /dev/full); behind any of these @mode ^mtime !owner
#   {user}   as an ordinary user; {umask=077} {stdin=yn} {env=NAME=VALUE} {ordered}: messages come in this order
# and below it, where a cp older than 9.11 does something else than 9.11:
#   =        the command line for such a cp, which has no such option
#   ?        the exit status of 9.11
#   >        a line of stderr (> alone: it is empty), each time all of them; >> the same for stdout
#   ~        the rest is not compared with older ones: everything but what stands above, and the tree
TABLE = r"""
[one file]
a $ a b
a b $ a b
a d/ $ a d
a d/ $ a d/
a d/ $ a d/.
a d/ $ a d/b
a= $ a b
a=64* $ a b
a=640 b $ --sparse=always a b
a=64* $ --sparse=never a b
a@4755 $ a b
a@4755 b $ a b
a@0 {user} $ a b
a@6755 {umask=077} $ a b
a@666 {umask=027} $ a b
a@200 {user} $ a b
a b $ -v a b
a "f f" $ -v "f f" "g g"
"it's" $ -v "it's" b
"new
line" $ -v "new
line" b
a d/ $ -v a d
a d/ $ -v a d/
a d/ $ -v a ./d//
a d/ $ -v ./a d/.
a d/ $ -v -- -a d
-a d/ $ -v -- -a d

[operands wrong]
 $
a $ a
a $ -t .
a d/ $ -t d
a b c $ a b c
a b c/ $ -T a b c
a b $ -T a
a d/ $ -T a d
a d/ $ -T -t d a
a d/ e/ $ -t d -t e a
a $ a none/b
a $ a none/b/
a $ a b/
a b $ a b/
a b $ a b/.
a b c $ a b none
a b c/ $ a b c/none
a b c $ a b c/
a $ -t none a
a b $ -t b a
 $ none b
 $ none none
d/ $ none d
d/ $ none none2 d
a d/ $ none a d
a $ "" b
a $ a ""
a d/ $ a "" d
a $ -t "" a
a/b c $ a/b c/d
a $ a/ b
a $ a/. b
a d/ $ a/b d
a/ $ a b
a/ b/ c $ a c b
a/x b $ a b
l->l a $ l b
l->l a $ a l
l->l a $ -f a l
l->l d/ $ -r l d

[usage]
a $ --no-such-option a b
a $ -y a b
a $ --re a b
a $ --no a b
a $ --archive=x a b
a $ --suffix
a $ -S
a $ -t
a $ --target-directory
a $ --preserve=x a b
a $ --preserve= a b
a $ --preserve=mode,x a b
a $ --preserve=mode, a b
a $ --preserve=,mode a b
a $ --no-preserve a b
a $ --no-preserve=x a b
a $ --sparse a b
a $ --sparse=x a b
a $ --sparse=a a b
a $ --reflink=x a b
a $ --reflink= a b
a $ --backup=x a b
a $ --backup=n a b
a b $ --backup=e a b
a $ --backup= a b
a $ {env=VERSION_CONTROL=x} -b a b
a $ {env=VERSION_CONTROL=x} a b
a $ {env=VERSION_CONTROL=n} -b a b
a $ -l -s a b
a $ --reflink=always --sparse=always a b
a $ --reflink --sparse=never a b
a $ --reflink=auto --sparse=never a b
a b $ -b -n a b
a b $ --backup=none -n a b
a b $ -S x -n a b
a b $ -n -i -b a b
a $ --preserve=context a b
a $ -Z a b
a $ --context a b
a $ --context=x a b
a $ -Z --preserve=all a b
a $ --parents a b
d/ a $ --parents -T a d
a $ -vT
a $ --verbose=x a b
a b $ --update=x a b
> CP: invalid argument 'x' for '--update'
> Valid arguments are:
>   - 'all'
>   - 'none'
>   - 'none-fail'
>   - 'older'
> Try 'CP --help' for more information.
a b $ --update=n a b
> CP: ambiguous argument 'n' for '--update'
> Valid arguments are:
>   - 'all'
>   - 'none'
>   - 'none-fail'
>   - 'older'
> Try 'CP --help' for more information.
a b $ --update=none --backup a b
= -n --backup a b
> CP: --backup is mutually exclusive with -n or --update=none-fail
> Try 'CP --help' for more information.
a b $ --update=none-fail -S x a b
= -n -S x a b
> CP: --backup is mutually exclusive with -n or --update=none-fail
> Try 'CP --help' for more information.

[short forms of long options]
a/x $ --arch a b
a $ --at a b
a b $ --ba a b
a b $ --backup=num a b
a b $ --backup=sim a b
a b $ --backup=never a b
a b $ --backup=t a b
a b $ --backup=nil a b
a b $ --backup=off a b
a b $ --backup=no a b
l->a a $ --der l b
= --dereference l b
> 
a b $ --fo a b
a b $ {stdin=y} --int a b
a b $ {stdin=y} --i a b
a $ --li a b
a b $ --no-c a b
l->a a $ --no-d l b
a $ --no-p=mode a b
a $ --no-t a b
a/x $ --o -r a b
a/x d/ $ --pare a/x d
a/x d/ $ --path a/x d
a $ --preser a b
a $ --pres=mode a b
a $ --preserve=t a b
a $ --preserve=m,o,t a b
a/x $ --rec a b
a b $ --rem a b
a $ --ref=n a b
a $ --sp=al a b
a l->a $ --st l/ b
a b $ --su=.o a b
a $ --sy a b
a d/ $ --ta=d a
a d/ $ --t d a
a d/ $ --t=d a
a b $ --up a b
a $ --verb a b
a $ --cop a b
a $ --con a b
a/x $ --dev a b
> CP: unrecognized option '--dev'
> Try 'CP --help' for more information.
a/x $ --a a b
a/x $ --p a b
a/x $ --s a b
a/x $ --th a b
> CP: unrecognized option '--th'
> Try 'CP --help' for more information.
a b $ {env=POSIXLY_CORRECT=1} a b -v
a b d/ $ {env=POSIXLY_CORRECT=1} a b d -v
a b $ a b -v
a b $ a -v b
a -b $ a -- -b
a b $ -fvT a b
a b $ -fvS.x a b
a d/ $ -vtd a

[directories]
a/x $ a b
a/x b $ a b
a/x b $ -r a b
a/x b/ $ a b
a/x b/a $ -r a b
a/x b/a/ $ -r a b
a b/a/ $ a b
a b/a/x $ -r a b
a b/a/x $ -f a b
a b/ $ -T a b
a b/ $ -T -r a b
a b/ $ -T --remove-destination a b
a b/x $ -rT b c
a/x b/x=y $ -rT a b
a/x b/y $ -r a b
a/x b/y $ -rT a b
a/x b/y $ -r a/. b
a/x b/y $ -r a/ b
a/x b/y $ -r a/.. c
a/b/ $ -r a/b/.. a
a/b/ $ -R a/b/.. a/b/..
a/x $ -r a/.. a/n
a/x $ -r a a
a/x $ -r a a/
a/x $ -r a a/b
a/x/y $ -r a a/x
a/x/y $ -r a a/x/z
a/x $ -r a/. a
a/x $ -rT a a
a/x l->a $ -r a l
a/x l->a $ -rT a l
a/x l->a $ -rT l a
a/x $ -r . d
a/x d/ $ -r . d
a/x d/ $ -r .. d
a/x d/ $ -a . d/
a/x d/ $ -r ./. d
a/x $ -r a b/
a/x $ -r a b/.
a/x $ -r a none/b
a/x $ -rv a b
a/x a/y/z b/ $ -rv a b
a/x a/y/z $ -rv a/ b/
a/x b/a/x $ -rv a b
a/x a/y $ -rv a a b
a/x a/y d/ $ -rv a a d
a/x d/ $ -r a a/x d
a/x d/ $ -r a/x a d
a/x d/ $ -r a ./a d
a/b/x d/ $ -r a/b a d
a/b/x d/ $ -r a a/b d
a/b/x d/ $ -rL a/b a d
a/b/x l->a/b d/ $ -rL l a d
a/x b->a d/ $ -rL a b d
a/x b->a d/ $ -rH a b d
a/x a/l->../a $ -rL a b
a/x a/l->. $ -rL a b
a/x a/l->none $ -rL a b
a/x a/l->none a/m->m $ -r a b
a/x@0 a/y {user} $ -r a b
a/x/y@0 a/x@0 a/z {user} $ -r a b
a/x/@0 a/z {user} $ -r a b
a/x/y a/x/@555 a/z {user} $ -r a b
a/x/y a/x/@555 {user} $ -a a b
a/x a/@333 {user} $ -r a b
a/x a/@1777 $ -r a b
a/x a/@2755 $ -r a b
a/x a/@7777 {umask=077} $ -r a b
a/x a/@700 {umask=0} $ -r a b
a/x a/@0 $ -r a b
a/x b/@2777!1234 $ -r a b
a/x b/@555 {user} $ -r a b
a/x b/@555 {user} $ a/x b
a/x b/x@444 {user} $ a/x b
a/x b/a/@555 {user} $ -r a b
a/x b/a/x b/a/@555 {user} $ -r a b
a/x b/@0 {user} $ a/x b
a/x b/@0 {user} $ -t b a/x
a/x b/@0 {user} $ a/x b/x
a/@0 {user} $ -r a a
a| b $ -r a c
a| b $ -r a b
a| b/ $ -r a b
a| b $ -rf a b
a| $ -a a b
a| b/a $ -a a b
a%3 $ a b
a%3 $ -r a b
a%3 $ -r --copy-contents a b
d/a%3 d/b $ -r --copy-contents d e
d/a%3 d/b| $ -a d e
a d/n%3 $ a d/n
a d/n%3 $ -f a d/n
a d/n%7 $ a d/n
a= d/n%7 $ a d/n
a=64* d/n%7 $ a d/n
a d/n%3 $ --remove-destination a d/n
a| d/ $ -T -r a d
a| d/ $ -T a d
a| b $ -n a b
a| b^3000000000 $ -u a b
a| $ a a
a| b| $ -r a b
d/a| e/a $ -r d/. e
d/a e/a| $ -r d/. e/none

[over a link]
a b l->b $ a l
a b l->b $ -f a l
a b l->b $ -d a l
a b l->b $ -P a l
a b l->b $ -a a l
a b l->b $ --remove-destination a l
a l->none $ a l
a l->none $ -f a l
a l->none $ -d a l
a l->none $ -a a l
a l->none $ -r a l
a l->none $ --remove-destination a l
a l->none $ -b a l
a l->none $ -n a l
a l->none $ -u a l
a l->none $ -T a l
a l->none d/ $ a d l
a l->none $ {env=POSIXLY_CORRECT=1} a l
a l->none/x $ {env=POSIXLY_CORRECT=1} a l
a l->none $ {env=POSIXLY_CORRECT=1} -p a l
a l->none/ $ {env=POSIXLY_CORRECT=1} a l
a d/a->none $ a d
a d/a->../none $ -r a d
a d/ l->d $ a l
a d/ l->d $ a l/
a d/ l->d $ -T a l
a d/ l->d $ -fT a l
a d/ l->d $ -T --remove-destination a l
a d/ l->d $ -bT a l
a/x d/ l->d $ -r a l
a/x d/ l->d $ -rT a l
a/x d/ l->d $ -rT a l/
a/x d/ d/a->../e e/ $ -r a d
a/x d/ d/a->none $ -r a d
a/x d/ d/a->none $ -r --remove-destination a d
a/x l->none $ -r a l
a/x l->none $ -rT a l/
a m->a l->none $ -d m l
a m->a l->b b $ -d m l
a m->a l->b b $ m l
a m->a l->a $ m l
a m->a l->a $ -d m l
a m->a l->a $ -f m l
a m->a l->a $ --remove-destination m l
a m->a d/ $ -d m d
a m->a d/m/ $ -d m d
a m->a d/m $ -d m d
a m->a d/m@444 {user} $ -d m d
a m->a d/m->x $ -dp m d
a m->a d/m->a $ -du m d
a m->none d/ $ m d
a m->none d/ $ -d m d
a m->none d/ $ -r m d
a m->none d/ $ -rL m d
a m->none d/ $ -rH m d
a m->none d/ $ -s m d
a m->none $ -s m n
a m->none $ -l m n
a m->none $ -lP m n
a m->a $ -l m n
a m->a $ -lP m n
a m->a $ -lL m n
a m->a $ -rl m n
a m->a $ -rlL m n
d/x l->d $ l e
d/x l->d $ -r l e
d/x l->d $ -r l/ e
d/x l->d $ -r l/. e
d/x l->d $ -rL l e
d/x l->d $ -rH l e
d/x l->d $ -rP l/ e
d/x l->d $ -a l/ e
d/x l->d $ -a --strip-trailing-slashes l/ e
d/x l->d $ -r --strip-trailing-slashes l/// e
d/x l->d $ -rH --strip-trailing-slashes l/ e
a $ --strip-trailing-slashes a/ b
a $ --strip-trailing-slashes a b/
a l->a $ -d l/ b
a l->a $ l/ b
d/x l->d d/l->x d/m->../a a $ -r d e
d/x l->d d/l->x d/m->../a a $ -rL d e
d/x l->d d/l->x d/m->../a a $ -rH d e
d/l->%R/a a $ -a d e
d/l->%R/a a $ -aL d e
d/l->x d/x e/l->x e/x $ -rT d e
d/l e/l->../a a $ -rT d e
d/l e/l->none $ -rT d e
d/l e/l->none $ -rfT d e
d/l e/l->none $ -aT d e
d/l e/l->none $ -rT --remove-destination d e

[which option counts]
d/l->x d/x k->d $ -r -L -P k e
d/l->x d/x k->d $ -r -P -L k e
d/l->x d/x k->d $ -r -H -L k e
d/l->x d/x k->d $ -r -L -H k e
d/l->x d/x k->d $ -r -P -H k e
d/l->x d/x k->d $ -r -H -P k e
d/l->x d/x k->d $ -r -L -d k e
d/l->x d/x k->d $ -r -d -L k e
d/l->x d/x k->d $ -L -a k e
d/l->x d/x k->d $ -a -L k e
d/l->x d/x k->d $ -a -H k e
a k->a $ -P k e
a k->a $ -H k e
a k->a $ -P -L k e
a b {stdin=y} $ -i a b
a b {stdin=n} $ -i a b
a b {stdin=} $ -i a b
a b {stdin=Y} $ -i a b
a b {stdin=x} $ -i a b
a b {stdin=n} $ -i -f a b
a b {stdin=n} $ -f -i a b
a b {stdin=n} $ -i -n a b
a b {stdin=n} $ -n -i a b
a b {stdin=y} $ -n -i a b
a b {stdin=n} $ -n -f a b
a b {stdin=n} $ -f -n a b
a b^2000000000 {stdin=n} $ -i -u a b
a b^500000000 {stdin=n} $ -u -i a b
a b^500000000 {stdin=y} $ -u -i a b
a b^500000000 $ -u -n a b
a b^500000000 $ -n -u a b
a b^2000000000 $ -u -f a b
a b {stdin=n} $ -i --remove-destination a b
a b {stdin=y} $ -i --remove-destination a b
a b@444 {user} {stdin=n} $ -i a b
a b@444 {user} {stdin=y} $ -i a b
a b@444 {user} {stdin=y} $ -i -f a b
a b@444 {user} {stdin=n} $ -i -f a b
a b@4444 {user} {stdin=n} $ -i --remove-destination a b
a b@1644 {user} {stdin=n} $ -i --remove-destination a b
a b@444 {stdin=n} $ -i a b
a d/a e/a e/b b {stdin=yn} {ordered} $ -i a b e
a d/a e/a e/b b {stdin=ny} {ordered} $ -iv a b e
a l->b b {stdin=n} $ -i a l
a l->b b {stdin=y} $ -i a l
a l->b b@444 {user} {stdin=y} $ -i a l
d/x e/x {stdin=n} $ -ri d/. e
d/x e/x {stdin=y} $ -ri d/. e
d/x e/d/y {stdin=n} $ -ri d e
a a {stdin=y} $ -i a a
a b {stdin=n} $ -il a b
a b {stdin=y} $ -il a b
a {stdin=y} $ -is a b
a b {stdin=y} $ -is a b
a b {stdin=y} $ -ib a b
a b {stdin=n} $ -ib a b
a {stdin=n} $ -in a b
a b $ -n a b
a b $ -nv a b
a a $ -n a a
a b c/ c/a $ -n a b c
d/x e/d/x e/d/y d/z $ -rn d e
d/x e/d $ -rn d e
d e/d/x $ -rn d e
d/x $ -rn d d
a^1000 b^2000 $ -u a b
a^2000 b^1000 $ -u a b
a^2000 b^2000 $ -u a b
a^2000.5 b^2000 $ -u a b
a^2000.5 b^2000 $ -up a b
a^2000.5 b^2000.4 $ -up a b
a^1000 b^2000 $ -uv a b
a^1000 $ -u a b
a^2000 d/^1000 $ -uT a d
a^1000 d/^2000 $ -uT a d
d/x^1000 e/d/x^2000 d/y^2000 e/d/y^1000 $ -ru d e
d/x^2000 $ -u d/x d/x
d/x^2000 d/y==d/x e/d/x^3000 $ -au d e
d/x^2000 d/y==d/x e/d/y^3000 $ -au d e
d/l->x^1000 e/d/l->x^2000 $ -au d e
d/l->x^2000 e/d/l->x^1000 $ -au d e
d/l->x^2000 e/d/l->y^1000 $ -au d e
d/l->x^2000 e/d/l->x^1000 $ -ru d e
d/l->x^2000 e/d/l^1000 $ -ru d e
a^1000 b^2000 l->b^500 $ -u a l
a^1000 b^2000 l->b^500 $ -ud a l
a b $ --update a b
a b^500000000 $ --update a b
a b $ --update=none a b
= -n a b
a b $ --update=none-fail a b
= -n a b
? 1
> CP: not replacing 'b'
a $ --update=none-fail a b
= -n a b
a b^500000000 $ --update=older a b
= -u a b
a b^2000000000 $ --update=older a b
= -u a b
a b^2000000000 $ --update=all a b
= a b
a b^2000000000 $ -u --update=all a b
= a b
a b $ -n --update=all a b
= -n a b
a b $ --update=all -n a b
= -n a b
a b {stdin=n} $ --update=none -i a b
= -n a b
a b $ --update=none-fail -n a b
= -n a b
a b $ --update=none -f a b
= -n a b
d/x e/d/x d/y $ -r --update=none-fail d e
= -rn d e
? 1
> CP: not replacing 'e/d/x'
a b $ --debug --update=none a b
= -n a b
>> skipped 'b'
~
a $ --update=none a a
= -n a a
a $ --update=none-fail a a
= -n a a
? 1
> CP: not replacing 'a'
a b $ --update=none --remove-destination a b
= -n a b

[the same file]
a $ a a
a $ a ./a
a $ a .
a $ -f a a
a $ -r a a
a $ -b a a
a $ -d a a
a $ -p a a
a $ -l a a
a $ -s a a
a $ -sf a a
a $ -lf a a
a $ -f --backup a a
a $ -f --backup=numbered a a
a a~ $ -f --backup a a
a $ -f -S.x a a
a $ -f -b a ./a
a $ -f -b --remove-destination a a
a $ -rf -b a a
a $ -v -f -b a a
a $ -v -fb a none/a
a $ -f -b -T a a
l->a a $ -fb l l
l->none $ -fb l l
d/x $ -fb -r d d
a $ --remove-destination a a
a h==a $ a h
a h==a $ -f a h
a h==a $ -d a h
a h==a $ -a a h
a h==a $ -l a h
a h==a $ -s a h
a h==a $ -sf a h
a h==a $ -b a h
a h==a $ -bf a h
a h==a $ --remove-destination a h
a h==a $ -u a h
a h==a $ -n a h
a l->a $ a l
a l->a $ l a
a l->a $ l l
a l->a $ -f a l
a l->a $ -f l a
a l->a $ -d a l
a l->a $ -d l a
a l->a $ -b a l
a l->a $ -b l a
a l->a $ -bd a l
a l->a $ -bd l a
a l->a $ -bdf l a
a l->a $ -l a l
a l->a $ -l l a
a l->a $ -lf a l
a l->a $ -s a l
a l->a $ -sf a l
a l->a $ -s l a
a l->a $ --remove-destination a l
a l->a $ --remove-destination l a
a l->a $ --remove-destination -d l a
a l->a $ -r l a
a l->a $ -p l a
a l->a m->l $ m l
a l->a m->a $ l m
a l->a m->a $ -l l m
a l->a m->a $ -lP l m
a l->a m==l $ l m
a l->a m==l $ -d l m
a l->a m==l $ -df l m
a l->a m==l $ -db l m
a l->a m==l $ -l l m
a l->a m==l $ -lP l m
a l->a h==a $ l h
a l->a h==a $ -d l h
a l->a h==a $ h l
a l->a h==a $ -b h l
a b->a c->b $ -b c b
d/x $ -r d/x d
d/x $ -rl d .
d/x $ -rs d .
d/x h==d/x $ -r d/x h

[given twice, just created]
a d/ $ a a d
a d/ $ a ./a d
a d/ $ -v a a d
a d/ $ -b a a d
a d/ $ --backup=numbered a a d
a h==a d/ $ a h d
a l->a d/ $ a l d
a l->a d/ $ -d a l d
a b/a d/ $ a b/a d
a b/a d/ $ -f a b/a d
a b/a d/ $ -b a b/a d
a b/a d/a $ -b a b/a d
a b/a d/ $ --backup=numbered a b/a d
a b/a d/a $ --backup=numbered a b/a d
a b/a d/ $ --remove-destination a b/a d
a b/a d/ $ -n a b/a d
a b/a d/ $ -u a b/a d
a b/a d/ {stdin=yy} $ -i a b/a d
a b/a d/ $ -l a b/a d
a b/a d/ $ -lf a b/a d
a b/a d/ $ -r a b/a d
a b/a d/ $ -a a b/a d
a/x b/a/x d/ $ -r a b/a d
a/x b/a d/ $ -r a b/a d
a b/a/x d/ $ -r a b/a d
a b/a->../a d/ $ -d b/a a d
a b/a->../a d/ $ -d a b/a d
b/a->../x x a d/ $ -d b/a a d
b/a->../none a d/ $ -d b/a a d
b/a->../none a d/ $ -db b/a a d
b/a->../x x a d/ $ -d --remove-destination b/a a d
b/a->../x x a d/ $ -df b/a a d
b/a->../x x a d/ $ -a b/a a d
b/a->../x x a/y d/ $ -a b/a a d
a b/a d/ $ -s %R/a %R/b/a d
a b/a d/ $ -s %R/a %R/a d
a/x b/x d/ $ -r a/. b/. d
a/l->../y b/l d/ y $ -r a/. b/. d
a b c/a c/b d/ $ a b c/a c/b d
a d/a->x d/ d/x $ a d/a d
d/a d/b d/c->a $ d/a d/b d/c d
d/a d/b e/ $ d/a d/b d/a d/b e
d/x e/ $ -r d d/ e
d/x e/ $ -r d ./d d/. e
d/x e/ $ -r d/ d/. e
d/x l->d e/ $ -r d l/ e
d/x l->d e/ $ -rH d l e
d/x l->d e/ $ -aH l d e

[backups]
a b $ -b a b
a b $ -bv a b
a b b~ $ -b a b
a b b~/ $ -b a b
a b b~/x $ -b a b
a b $ --backup a b
a b $ --backup=simple a b
a b $ --backup=numbered a b
a b b.~1~ $ --backup=numbered a b
a b b.~1~ $ -b a b
a b b.~1~ $ --backup=simple a b
a b b.~1~ $ --backup=existing a b
a b b.~8~ b.~3~ $ --backup=numbered a b
a b b.~9~ $ --backup=numbered a b
a b b.~99~ $ --backup=numbered a b
a b b.~099~ $ --backup=numbered a b
a b b.~9~x b.~~ b.~x~ $ -b a b
a b b.~9~/ $ -b a b
a b b.~18446744073709551615~ $ --backup=numbered a b
a b b.~99999999999999999999~ $ --backup=numbered a b
a b $ -S .old a b
a b $ --suffix=.old a b
a b $ -S "" a b
a b $ -S x/y a b
a b $ -S / a b
a b {env=SIMPLE_BACKUP_SUFFIX=.o} $ -b a b
a b {env=SIMPLE_BACKUP_SUFFIX=} $ -b a b
a b {env=SIMPLE_BACKUP_SUFFIX=x/y} $ -b a b
a b {env=SIMPLE_BACKUP_SUFFIX=.o} $ a b
a b {env=SIMPLE_BACKUP_SUFFIX=.o} $ -b -S .p a b
a b {env=VERSION_CONTROL=numbered} $ -b a b
a b {env=VERSION_CONTROL=t} $ --backup a b
a b {env=VERSION_CONTROL=none} $ -b a b
a b {env=VERSION_CONTROL=off} $ -b a b
a b {env=VERSION_CONTROL=simple} $ --backup=numbered a b
a b {env=VERSION_CONTROL=numbered} $ -S x a b
a b {env=VERSION_CONTROL=} $ -b a b
a b $ --backup=numbered -b a b
a b $ --backup=none a b
a b $ --backup=numbered --backup=none a b
a b l->b $ -b a l
a b l->b $ -bf a l
a a~ $ -b a~ a
a a~ $ --backup=simple a~ a
a a~ $ --backup=numbered a~ a
a a.~1~ $ --backup=numbered a.~1~ a
a a.~1~ $ -b a.~1~ a
a a.o $ -S .o a.o a
a a~ l->a~ $ -b l a
d/a a~ $ -b a~ d/a
d/a d/a~ $ -b d/a~ d/a
d/a d/a~ e/a~ $ -b e/a~ d/a
d/a d/a~ $ -b d/a~ d
d/x e/d/x $ -rb d e
d/x e/d/x $ -rbv d e
d/x e/d/x e/d/x~ $ -rb d e
d/x d/x~ e/d/x $ -rb d e
d/x e/d/x $ -ab d e
d/x e/d/x e/d/y $ -rT --backup=numbered d e
d/l->x e/d/l $ -ab d e
d/l->x e/d/l->y $ -ab d e
d/a| e/d/a $ -ab d e
a b/@555 b/a {user} $ -b a b
a@0 b {user} $ -b a b
a@0 b {user} $ -bv a b
a b@444 {user} $ -b a b
a d/ $ -bT a d
? 1
> CP: cannot create regular file 'd': Is a directory
d/x e $ -rbT d e
? 0
>
~
d/x e $ -rvb d e
? 0
>
>> 'd' -> 'e'
>> 'd/x' -> 'e/x'
~
a b $ -b --remove-destination a b
a b $ -bl a b
a b $ -bs a b
a b $ -b --attributes-only a b
a b^2000000000 $ -bu a b
a b c/a c/b $ -b a b c
a b c/a c/b $ --backup=numbered -v a b c
a d/a $ -b --parents a d

[force]
a b@444 {user} $ a b
a b@444 {user} $ -f a b
a b@444 {user} $ -fv a b
a b@444 {user} $ --remove-destination a b
a b@444 {user} $ --remove-destination -v a b
a b@444 {user} $ -p a b
a b@444 {user} $ -fn a b
a b@444 $ a b
a b@0 {user} $ -f a b
a@0 b@0 {user} $ -f a b
a b@444!0 {user} $ a b
a b@444!0 {user} $ -f a b
a b@666!0 {user} $ -p a b
a d/b@444 d/@555 {user} $ a d/b
a d/b@444 d/@555 {user} $ -f a d/b
a d/b@444 d/@555 {user} $ --remove-destination a d/b
a d/b d/@1777!0 {user} $ -f a d/b
a d/b@444!0 d/@1777!0 {user} $ -f a d/b
a b@444 l->b {user} $ a l
a b@444 l->b {user} $ -f a l
a b@444 l->b {user} $ --remove-destination a l
d/a e/a@444 e/b {user} $ -rfT d e
d/a e/a@444 e/b {user} $ -aT d e
d/a e/a@444 e/b {user} $ -afT d e
a b $ -v --remove-destination a b
a d/ $ --remove-destination -T a d
d/x e/x $ -r --remove-destination d/. e
d/x e/x->y e/y $ -r --remove-destination d/. e

[attributes]
a@4755!1234 $ -p a b
a@2755!1234 $ --preserve=ownership a b
a@4755!1234 $ --preserve=mode a b
a@4755!1234^1000.25 $ --preserve=timestamps a b
a@4755!0 {user} $ -p a b
a@6755!1234 {user} $ -p a b
a@6755!1234 {user} $ -a a b
a@6755!1234 {user} $ --preserve=ownership a b
a@6755!1234 {user} $ --preserve=mode a b
d/x@6755!1234 d/@7777!1234 {user} $ -a d e
d/x@6755!1234 d/@7777!1234 $ -a d e
d/x@6755!1234 d/@7777!1234 $ -rp d e
d/x@6755!1234 d/@7777!1234 $ -r d e
d/x@6755!1234 d/@7777!1234 {umask=077} $ -r d e
d/x@666 d/@777 {umask=077} $ -r --preserve=mode d e
d/x@666 d/@777 {umask=027} $ -r --no-preserve=mode d e
d/x@600 d/@700 {umask=022} $ -r --no-preserve=mode d e
a@600 {umask=0} $ --no-preserve=mode a b
a@755 $ --no-preserve=mode a b
a@755 b@600 $ --no-preserve=mode a b
a@755 $ -p --no-preserve=mode a b
a@755 $ --no-preserve=mode -p a b
a@755 $ --no-preserve=mode --preserve=mode a b
a/@1777 $ -r --no-preserve=mode a b
a/@1777 {user} $ -r --no-preserve=mode a b
a/c/@1777 b/@2755 $ -r --no-preserve=mode a/c b
a|@4644 $ -r --no-preserve=mode a b
a@755^1000 $ -a --no-preserve=timestamps a b
a@4755!1234^1000 $ -a --no-preserve=ownership a b
a@4755!1234^1000 $ -a --no-preserve=mode a b
a@4755!1234^1000 $ -a --no-preserve=all a b
a@4755!1234^1000 $ --preserve=all --no-preserve=mode,ownership a b
a@4755!1234^1000 b@600 $ --attributes-only a b
a@4755!1234^1000 b@600 $ --attributes-only -p a b
a@4755!1234^1000 $ --attributes-only a b
a@4755!1234^1000 $ --attributes-only --preserve=mode a b
d/x^1000 d/y/z d/l->x e/d/x=old $ -a --attributes-only d e
d/x^1000 d/l->x e/d/x=old e/d/l->y $ -a --attributes-only d e
d/x^1000 d/l->x e/d/x=old e/d/l $ -a --attributes-only d e
d/x d/y==d/x $ -r d e
d/x d/y==d/x $ -a d e
d/x d/y==d/x $ -r --preserve=links d e
d/x d/y==d/x $ -a --no-preserve=links d e
d/x d/y==d/x e/d/y $ -a d e
d/x d/y==d/x e/d/x e/d/y==e/d/x $ -a d e
d/x d/y==d/x e/d/x e/d/z==e/d/x $ -a d e
d/x d/y==d/x e/d/x e/d/z==e/d/x $ -r d e
d/x d/y==d/x e/d/y/ $ -a d e
d/x d/y->x d/z->x $ -rL --preserve=links d e
d/x d/y->x d/z->x $ -rd d e
d/x d/y->x d/z->x e/ $ -H --preserve=links d/x d/y d/z e
d/x d/y==d/x e/ $ -p d/x d/y e
d/x d/y==d/x e/ $ -d d/x d/y e
d/x d/y==d/x e/ $ -dv d/x d/y e
d/x d/y==d/x e/y $ -dv d/x d/y e
d/x d/y==d/x e/x@444 {user} $ -d d/x d/y e
d/x@0 d/y==d/x {user} $ -a d e
d/l->x d/m==d/l $ -a d e
d/p| d/q==d/p $ -a d e
a^0 $ -p a b
a^-1 $ -p a b
a^-1000000000.5 $ -p a b
a^4200000000 $ -p a b
a^9000000000 $ -p a b
a^20000000000.75 $ -p a b
d/a^20000000000 d/l->a^-5 d/^99999999999 $ -a d e
l->x^1234!1234 $ -d l m
l->x^1234!1234 $ -dp l m
l->x^1234!1234 $ -a l m
l->x^1234!1234 {user} $ -a l m
d/x d/@555 $ -r d e
d/x d/@555 {user} $ -r d e
d/x d/@555 {user} $ -rp d e
d/x d/@555 e/d/@700 $ -r d e
d/x d/@555^1000 e/d/@700 $ -rp d e
d/x d/@555^1000 e/d/@700 {user} $ -rp d e
d/x d/@1555!1234 e/d/@2700 $ -a d e

[parents]
d/e/x t/ $ --parents d/e/x t
d/e/x t/ $ --parents -v d/e/x t
d/e/x d/@700 d/e/@711 t/ $ --parents d/e/x t
d/e/x d/@700^1000!1234 d/e/@711^2000 t/ $ --parents -p d/e/x t
d/e/x d/@4777^1000!1234 d/e/@2777^2000 t/ $ --parents -a d/e/x t
d/e/x d/@777^1000!1234 d/e/@2777^2000 t/ {user} $ --parents -a d/e/x t
d/e/x d/@777 d/e/@2777 t/ {umask=077} $ --parents d/e/x t
d/e/x d/@777 d/e/@2777 t/ {umask=027} $ --parents --no-preserve=mode d/e/x t
d/e/x d/@555 d/e/@500 t/ {user} $ --parents d/e/x t
d/e/x d/@555 d/e/@500 t/ {user} $ --parents -p d/e/x t
d/e/x d/@755^1000 t/d/@700 $ --parents d/e/x t
d/e/x d/@755^1000 t/d/@700 $ --parents -p d/e/x t
d/e/x d/f/y t/ $ --parents -v d/e/x d/f/y t
d/e/x d/f/y t/ $ --parents -rv d/e d/f t
d/e/x d/f/y t/ $ --parents -rv d/e/ d/f// t/
d/e/x t/ $ --parents -r d/./e t
d/e/x t/ $ --parents -r d//e t
d/e/x t/ $ --parents -r ./d/e t
d/e/x t/ $ --parents -r d/e/../e t
d/e/x t/ $ --parents %R/d/e/x t
d/e/x d/@700 t/ $ --parents -p %R/d/e/x t
d/ c $ --parents d/. c
c/d $ --parents d/. c
a d->a $ --parents d/d .
x t/none/ $ --parents none/x t
x t/none/a/ $ -p --parents none/a/x t
d/b/@500 $ --parents d/b/a/d d/b
d/b/@500 $ --parents -p d/b/a/d d/b
b/b b/@755^2000 $ --parents --preserve=timestamps ./b/e b
a/c/ a/@700 $ --parents --preserve=ownership a/c/b a
a/@0 {user} $ --parents a/-x a
d/e/x t/ $ --parents -v %R/d/e/x t
d/e/x t/ $ --parents d/e t
d/e/x t/ $ --parents d/e/none t
d/e/x t/ $ --parents d/none/x t
d/e/x t/ $ --parents -v d/none/x d/e/x t
d/e/x t/d $ --parents d/e/x t
d/e/x t/d/e $ --parents d/e/x t
d/e/x t/d/e/x/ $ --parents d/e/x t
d/e/x t/d/e/x $ --parents -b d/e/x t
d/e/x t/d->../u u/ $ --parents d/e/x t
d/e/x t/d->none $ --parents d/e/x t
d/e/x l->d t/ $ --parents l/e/x t
d/e/x l->d t/ $ --parents -a l/e/x t
d/e/x t/ $ --parents -t t d/e/x
d/e/x $ --parents d/e/x t
d/e/x $ --parents d/e/x t/
d/e/x t/ $ --parents -l d/e/x t
d/e/x t/ $ --parents -s d/e/x t
d/e/x t/ $ --parents -s %R/d/e/x t
d/e/x t/ $ --parents -n d/e/x t
d/e/x t/ $ --parents d/e/x d/e/x t
x t/ $ --parents x t
x t/ $ --parents ./x t
x t/ $ --parents ../w/x t
d/ $ --parents d/x d
d/x $ --parents d/x d
d/x $ --parents d/x .
d/x t/@555 {user} $ --parents d/x t
d/e/x d/@0 t/ {user} $ --parents d/e/x t

[given twice]
c/x d/ $ --parents -r ./c c d
c/x d/ $ --parents --backup -r ./c c d
c| d/ $ --parents --backup -r ./c c d
a/x l->a d/ $ -r --parents a ./a a// a/../a d
a/x l->a d/ $ --parents a/x ./a/x a//x a/../a/x d
a/x l->a d/ $ --parents a/x l/x d
a/x l->a d/ $ a/x l/x d
a/x b/x==a/x d/ $ a/x b/x d
a/x b/x==a/x d/ $ -a a/x b/x d
a/x b/x==a/x d/ $ -l a/x b/x d
a/x b/x==a/x d/ $ -b a/x b/x d
a/x b/x==a/x d/ $ a/x b/x b/x d
b e/b d/ l->. $ -d b l/b d
a b==a e/b d/ $ -l a b e/b d
a b==a e/b d/ $ -lf a b e/b d
a/e/ $ -r a/e a/e a
a/c/ $ -n -r a/c a/c a
d/ a/ $ -r d a/d a
d/x a/ $ -u -r d a/d a
d/x a/ $ -l -r d a/d a
d/c/d/ d/@555 {user} $ -r d/c/d d/c/d d
d/b $ --parents --backup d/b d/b d
d/b e/ $ --parents -d d/b ./d/b d//b e
d/e e==d/e a/ $ -d -v -u d/e e a
a/a| a/-x/ $ --backup=simple -R a/a a a/-x
> CP: will not overwrite just-created 'a/-x/a' with 'a'
? 1
~

[suffixes]
a b {env=SIMPLE_BACKUP_SUFFIX=.b} $ -bv a b
a b {env=SIMPLE_BACKUP_SUFFIX=.b} $ -bv -S.c a b
a b {env=SIMPLE_BACKUP_SUFFIX=/b} $ -bv a b
a b $ -v -S "" a b
a b $ -v -S / a b
a b $ -v -S /a a b
a b $ -v -S a/ a b
a b b.~9~ $ --backup=numbered -v a b
a b b.~99~ b.~7~ b.~100~ $ --backup=numbered -v a b
a b b.~09~ $ --backup=numbered -v a b
a b b.~1~ $ -bv a b
a b b.~x~ b.~1~x $ -bv a b
a b b.~1~/ $ -bv a b
a b b~/ $ -bv a b

[a source that is a backup]
a a~ $ --backup=simple a~ a
a a~ $ --backup=numbered a~ a
a~/x a $ -r --backup=simple a~ a
? 1
> CP: backing up 'a' might destroy source;  'a~' not copied
a~/x a $ -r --backup=numbered a~ a
~
? 0
> 

[no name]
a/ $ -r . ""
d/x/y $ -rv d ""
d/x/y $ -rvT d ""
a/d/ d->b $ -r a ""
a| $ -r a ""
? 1
> CP: cannot overwrite directory '' with non-directory 'a'
a $ -l a ""
? 1
> CP: cannot overwrite directory '' with non-directory 'a'
a $ -s a ""
? 1
> CP: cannot overwrite directory '' with non-directory 'a'
a $ --remove-destination a ""
? 1
> CP: cannot overwrite directory '' with non-directory 'a'
a $ -T a ""
? 1
> CP: cannot overwrite directory '' with non-directory 'a'
a $ -b a ""
a $ -f a ""
a b->a $ -nd b ""
? 0
> 
b->../x $ -r -f --backup=numbered b ""
a b->a $ -ud b ""
? 0
> 
a b->a $ {stdin=n} -id b ""
? 1
> CP: overwrite ''? 

[links in place of copies]
a $ -l a b
a b $ -l a b
a b $ -lf a b
a b $ -l --remove-destination a b
a b $ -lv a b
a b $ -lfv a b
a d/ $ -l a d
d/ $ -l d e
d/x d/y/z d/l->x $ -rl d e
d/x d/y/z d/l->x $ -rlv d e
d/x d/y/z d/l->x $ -rlL d e
d/x d/y/z d/l->x $ -al d e
d/x@4755 d/@700^1000!1234 $ -al d e
d/x d/y==d/x e/d/x==d/x $ -al d e
d/x e/d/x $ -rl d e
d/x e/d/x==d/x $ -rl d e
d/p| $ -al d e
a@0 {user} $ -l a b
a!0 {user} $ -l a b
a $ -lp a b
a $ -s a b
a b $ -s a b
a b $ -sf a b
a b $ -sv a b
a b $ -s --remove-destination a b
a d/ $ -s a d
a d/ $ -s %R/a d
a d/ $ -s a d/../b
a d/ $ -s d/../a b
d/x $ -s d/x y
d/x $ -s d/x .
d/x $ -s d y
d/x $ -rs d y
d/x d/y/z d/l->x $ -rs %R/d e
d/x d/y/z d/l->x $ -rsv %R/d e
d/x d/y/z d/l->x $ -as %R/d e
d/x d/y/z d/l->x $ -rsL %R/d e
d/x e/d/x $ -rs %R/d e
d/x e/d/x $ -rsf %R/d e
a@755^1000 $ -sp a b
a l->none $ -s a l
a l->none $ -sf a l
a| $ -s a b
a| $ -l a b
 $ -s none b
a $ -s -b a a
a b $ -sb a b
a $ -st . a
a $ -s --attributes-only a b
a b $ -l --attributes-only a b
c/c $ -i -l c/c c
? 1
c/c {stdin=y} $ -i -l c/c c
c d==c {stdin=n} $ -i -l c d
? 1
c/c $ -u -l c/c c
c d==c $ -l --update=none-fail c d
= -l c d
? 1
> CP: not replacing 'd'
a b/a b/x $ -l -f a b/a
a b/a $ -s -f %R/a b/a
x->y b/a b/x $ -f -d x b/a
c d/@600 {user} $ -s c d/x
c d/@600 {user} $ -s c d
e/e a/ $ -s -r e/e e/e~/
b a->c $ -l -f b a/
b a->c $ -l b a/
b a->c $ -s -f b a/
b->x a->c $ -d -f b a/

[special operands]
a d/ {stdin=hello} $ /dev/stdin b
a d/ {stdin=hello} $ /dev/stdin d
a d/ {stdin=hello} $ -p /dev/stdin b
a b {stdin=hello} $ /dev/fd/0 b
a {user} $ a /dev/null
a {user} $ /dev/null b
a {user} $ -p /dev/null b
a b {user} $ /dev/null b
a {user} $ a /dev/full
a= {user} $ a /dev/full
a=64* {user} $ a /dev/full
a {user} $ -v a /dev/null
a {user} $ a /dev/stdout
a $ /proc/sys/kernel/ostype b
a $ -r /proc/sys/kernel/ostype b
a $ -p /proc/sys/kernel/ostype b
d/ $ -a /proc/sys/kernel/ostype /proc/sys/kernel/pid_max d
a {user} $ a /proc/sys/kernel/ostype
a {user} $ -f a /proc/none
a {user} $ /proc/1/environ b
"""


NODE = re.compile(r"(?s)(?P<path>.*?)(?:(?P<file>=(?!=))(?P<text>.*?)|->(?P<target>.*?)|==(?P<other>.*?)|(?P<dir>/)"
                  r"|(?P<fifo>\|)|(?P<device>%)(?P<minor>\d*))?(?P<more>(?:[@!^]-?[0-9.]+)*)$")


def parse_tree(words):
    nodes, known = [], {}
    for word in words:
        m = NODE.match(word)
        path = m["path"]
        parents = path.split("/")[:-1]
        for i in range(1, len(parents) + 1):
            parent = "/".join(parents[:i])
            if parent not in known:
                known[parent] = Node(parent, "d")
                nodes.append(known[parent])
        more = dict(re.findall(r"([@!^])(-?[0-9.]+)", m["more"]))
        mode = int(more["@"], 8) if "@" in more else None
        mtime = float(more["^"]) if "^" in more else None
        owner = int(more["!"]) if "!" in more else None
        if path in known:
            n = known[path]
            n.mode, n.mtime, n.owner = mode, mtime, owner
            continue
        kind, data = "f", path.replace("/", ".")
        for group, letter, value in (("file", "f", m["text"]), ("target", "l", m["target"]), ("other", "h", m["other"]),
                                     ("dir", "d", ""), ("fifo", "p", ""), ("device", "c", m["minor"])):
            if m[group] is not None:
                kind, data = letter, value
        known[path] = Node(path, kind, data, mode, mtime, owner)
        nodes.append(known[path])
    return nodes


def parse_scenario(heading, text):
    first, *rest = re.split(r"\n(?=[=?>~])", text)
    # The last lone $ divides: the tree may hold anything else
    tree, command = re.fullmatch(r"(?s)(.*?)(?:^|(?<=\s))\$(.*)", first).groups()
    values = {}
    for found in re.findall(r"\{(.*?)\}", first):
        key, _, value = found.partition("=")
        if key == "env":
            values.setdefault("env", {}).update([value.split("=", 1)])
        elif key == "stdin":
            values["stdin"] = "".join(c + "\n" for c in value) if len(value) < 3 else value + "\n"
        elif key == "umask":
            values["umask"] = int(value, 8)
        else:
            values[key] = True
    tree, command = re.sub(r"\{.*?\}", "", tree), re.sub(r"\{.*?\}", "", command)
    case = Case(parse_tree(shlex.split(tree)), [], shlex.split(command), name=f"[{heading}] {first}", **values)
    for line in rest:
        sign, _, more = line.partition(" ")
        if sign == "=":
            case.older = shlex.split(more)
        elif sign == "?":
            case.want["status"] = int(more)
        elif sign == "~":
            case.want["tree"] = False
        else:
            key = {">": "err", ">>": "out"}[sign]
            case.want[key] = case.want.get(key, "") + (more + "\n" if more else "")
    return case


def parse_table():
    heading = ""
    for block in re.split(r"\n(?=\[)", TABLE.strip()):
        heading, _, lines = block.partition("\n")
        texts = []
        for line in lines.split("\n"):
            if not line:
                continue
            if line[0] in "=?>~" or (texts and texts[-1].count('"') % 2):
                texts[-1] += "\n" + line
            else:
                texts.append(line)
        for text in texts:
            yield parse_scenario(heading.strip("[]"), text)


def with_xattrs(case, **xattrs):
    for n in case.nodes:
        n.xattrs.update(xattrs.get(n.path, {}))
    return case


def special_scenarios():
    """Those a line cannot say."""
    for length in (250, 251, 252, 253, 254, 255):
        for options in ("-b", "--backup=numbered", "-S.orig"):
            yield parse_scenario("long names", f"a d/{'n' * length} $ {options} a d/{'n' * length}")

    def one(tree, command, xattrs=(), **values):
        case = parse_scenario("special", f"{tree} $ {command}")
        case.name += " with " + ", ".join(f"{k}: {sorted(v)}" for k, v in dict(xattrs).items())
        for key, value in values.items():
            setattr(case, key, value)
        return with_xattrs(case, **dict(xattrs))

    some = {"user.x": b"1"}
    users = {ACCESS: acl(user=6, group=4, other=0, users=[(1234, 6)], mask=6)}
    default = {DEFAULT: acl(user=7, group=5, other=0, users=[(1234, 7)], mask=7)}
    plain_default = {DEFAULT: acl(user=7, group=0, other=0)}
    for command in ("a b", "-p a b", "-a a b", "--preserve=xattr a b", "--preserve=all a b", "--preserve=mode a b",
                    "-a --no-preserve=xattr a b", "--attributes-only --preserve=xattr a b", "-b --preserve=xattr a b",
                    "--preserve=mode --no-preserve=mode a b", "--no-preserve=mode a b", "-s --preserve=all a b",
                    "-s --preserve=xattr a b", "-as a b", "-l --preserve=all a b", "-a --attributes-only a b",
                    "--preserve=all --attributes-only a b"):
        for tree in ("a", "a b", "a@444", "a@4755", "a b@444"):
            for user in (False, True):
                yield one(tree, command, {"a": {**some, **users}}, user=user and ROOT)
                yield one(tree, command, {"b": {"user.y": b"2", **users}}, user=user and ROOT)
    for command in ("-rp e d", "-a e d", "-p a b", "-p a f"):
        yield one("a b@4755 f@6700 e/ d/@2755", command, {"a": users, "e": users})
    for umask in (0o022, 0o077):
        for command in ("a d", "-p a d", "-r e d", "-a e d", "-rp e d", "-r --no-preserve=mode e d", "--parents e/x d",
                        "--parents -p e/x d", "-r --preserve=xattr e d", "-r --preserve=mode e d", "-al e d",
                        "--no-preserve=mode a d", "-a e f", "-r e f"):
            for tree in ("a e/x@755 e/@777 d/", "a@666 e/x@644 e/@700 d/", "a@4711 e/x@0 e/s/y e/@2775 d/e/x"):
                for name in ("d", "e"):
                    yield one(tree, command, {name: default}, umask=umask)
                yield one(tree, command, {"d": plain_default, "e": {**default, **some}}, umask=umask)
                yield one(tree, command, {"d": plain_default, "e": {**default, **some}}, umask=umask, user=ROOT)
    if ROOT:
        for command in ("-r d e", "-rx d e", "-ax d e", "-rx d/m e", "-rx d/. e", "-lr d e", "-alx d e",
                        "-a --attributes-only d e", "-rvx d e", "-rx m2 e", "-rxL d e"):
            yield one("d/a d/m/ d/l->m/x m2->d/m", command, before=mounted("d/m"))
        for command in ("a m", "-p a m", "-a a m", "--preserve=xattr a m", "--preserve=all a m", "--preserve=mode a m",
                        "-a d m", "-r --preserve=xattr d m", "--preserve=xattr c m", "-a --attributes-only a m"):
            # ramfs knows no extended attributes
            yield one("a d/x c m/", command, {"a": some, "d": {**some, **default}, "d/x": users},
                      before=mounted("m", "ramfs"))


def mounted(name, kind="tmpfs"):
    def before(cwd):
        path = f"{cwd}/{name}".encode()
        if LIBC.mount(b"difftest", path, kind.encode(), 0, b"mode=755") != 0:
            return lambda: None
        if kind == "tmpfs":
            with open(path + b"/x", "w", encoding="ascii") as f:
                f.write("mounted\n")
            os.utime(path + b"/x", (LONG_AGO, LONG_AGO))
            os.utime(path, (LONG_AGO, LONG_AGO))
        return lambda: LIBC.umount2(path, 2)
    return before


def scenarios(bench, args):
    failures = count = 0
    first, step = args.part
    for case in [*parse_table(), *special_scenarios()][first::step]:
        if args.filters and not any(f in case.name for f in args.filters):
            continue
        if not ROOT and any(n.kind == "c" for n in case.nodes):
            continue
        count += 1
        found = bench.compare(case)
        if found:
            failures += 1
            show(case, found)
    for name, times in sorted(bench.met.items()):
        print(f"accepted: {name}: {times}")
    print(f"{count} scenarios, {failures} with differences")
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["scenarios", "generate"])
    parser.add_argument("filters", nargs="*", metavar="FILTER")
    parser.add_argument("--cp", default="/bin/cp", help="the cp to compare with")
    parser.add_argument("--ucp", default="./ucp", help="the program under test")
    parser.add_argument("--flags", default="", help="more options for ucp")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--count", type=int, default=1000, help="command lines; 0: without end")
    parser.add_argument("--part", default=(0, 1), type=lambda text: tuple(map(int, text.split("/"))), metavar="I/N",
                        help="only each Nth scenario, beginning with the Ith, counted from 0")
    parser.add_argument("--skip", type=int, default=0, help="leave out the first ones")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first difference")
    parser.add_argument("--minimize", action="store_true", help="look for a smaller case before showing it")
    parser.add_argument("--unique", action="store_true", help="show only one of those that look alike")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    bench = Bench(args)
    try:
        failures = scenarios(bench, args) if args.what == "scenarios" else generate(bench, args)
    finally:
        bench.close()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
