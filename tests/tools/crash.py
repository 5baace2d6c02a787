#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kills ucp with SIGKILL at moments from a seed, and looks at what is left.

  crash.py [--ucp=PATH] [--flags=FLAGS] [--count=N] [--seed=N] [--files=N] [--big=BYTES] [--way=NAME]... [DIR]

Works in DIR (default: the current one), which must be empty. A mixed tree is copied in several ways, to where nothing
is and over an older copy. Each run is killed once or several times in a row; then one runs to its end. Held each time:

- no byte, no attribute and no name of the source has changed;
- with --atomic or --resume whatever has its name is whole: as in the source, or as it was before;
- the run that is not killed ends with exit status 0 and an identical tree (tests/tools/cmptree.py), and leaves nothing
  hidden where it can know of it: with --resume nothing at all.

Prints what was wrong; the exit status is 1 then. The last line is how many runs were killed, and when.
"""

import argparse
import hashlib
import io
import os
import random
import re
import signal
import stat
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cmptree  # noqa: E402
import mktree  # noqa: E402

# name -> options of the runs that are killed, and of those that end it all, one after the other
WAYS = {
    "plain": ([], [[]]),
    "atomic": (["--atomic"], [["--atomic"], []]),
    "hidden": (["--atomic", "--x-inject=no-unnamed"], [["--atomic", "--x-inject=no-unnamed"], []]),
    "resume": (["--resume"], [["--resume"], ["--resume"], []]),
    "resume-hidden": (["--resume", "--x-inject=no-unnamed"], [["--resume", "--x-inject=no-unnamed"], []]),
}
HIDDEN = re.compile(rb"\.ucp-([0-9a-f]{16}|journal)")


class Wrong(Exception):
    """Something that must not be."""


def digest(dir_fd, name):
    """The content of a file, without touching its time of access."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | (os.O_NOATIME if os.geteuid() == 0 else 0)
    fd = os.open(name, flags, dir_fd=dir_fd)
    try:
        hashed = hashlib.blake2b(digest_size=16)
        while block := os.read(fd, 1 << 20):
            hashed.update(block)
        return hashed.hexdigest()
    finally:
        os.close(fd)


def look(dir_fd, name, known):
    """What something is and has, as far as a copy has it, too. What is not written to has the content that is known."""
    st = os.stat(name, dir_fd=dir_fd, follow_symlinks=False)
    seen = {"kind": stat.S_IFMT(st.st_mode), "mode": stat.S_IMODE(st.st_mode), "owner": (st.st_uid, st.st_gid),
            "mtime": st.st_mtime_ns, "xattrs": cmptree.read_xattrs(cmptree.by_fd(dir_fd, name))}
    if stat.S_ISREG(st.st_mode):
        seen["size"] = st.st_size
        same = known and known[1:] == (st.st_ino, st.st_nlink, st.st_ctime_ns)
        seen["content"] = known[0]["content"] if same else digest(dir_fd, name)
    elif stat.S_ISLNK(st.st_mode):
        seen["target"] = os.readlink(name, dir_fd=dir_fd)
    elif not stat.S_ISDIR(st.st_mode):
        seen["device"] = st.st_rdev
    return seen, st


def snapshot(top, known=None):
    """name -> what it is, of everything below a directory; and what only the source has to keep, in a second one."""
    seen, all_of_it = {}, {}
    for base, dirs, files, fd in os.fwalk(os.fsencode(top), follow_symlinks=False):
        for name in dirs + files + ([b"."] if base == os.fsencode(top) else []):
            path = os.path.join(os.path.relpath(base, os.fsencode(top)), name)
            seen[path], st = look(fd, name, known.get(path) if known else None)
            all_of_it[path] = (seen[path], st.st_ino, st.st_nlink, st.st_ctime_ns)
    return seen, all_of_it


class Driver:
    def __init__(self, opts):
        self.opts = opts
        self.random = random.Random(opts.seed)
        self.killed = self.ended = 0
        self.left = 0
        self.copy = "d"
        self.features = ["--root-only-features"] if os.geteuid() == 0 else []

    def make_trees(self):
        """The source, and an older copy of it."""
        mktree.main([f"--seed={self.opts.seed}", f"--files={self.opts.files}", *self.features, "s"])
        content = random.Random(self.opts.seed)
        for name, size in ("big", self.opts.big), ("middle", self.opts.big // 9 + 77):
            with open(f"s/{name}", "wb") as file:
                while size > 0:
                    size -= file.write(content.randbytes(min(size, 1 << 20)))
        with open("s/sparse-big", "wb") as file:
            for at in range(0, self.opts.big, self.opts.big // 7 + 4096):
                file.seek(at)
                file.write(content.randbytes(300_000))
        subprocess.run(["cp", "-a", "s", "old"], check=True)
        for base, dirs, files, fd in os.fwalk(b"old"):
            for name in files:
                st = os.stat(name, dir_fd=fd, follow_symlinks=False)
                # Some are other ones, some are as they will be, some are missing
                change = self.random.randrange(4)
                if stat.S_ISREG(st.st_mode) and change < 2:
                    os.chmod(name, 0o600, dir_fd=fd)
                    out = os.open(name, os.O_WRONLY | os.O_TRUNC, dir_fd=fd)
                    os.write(out, b"old " * self.random.randrange(1, 3000))
                    os.close(out)
                elif change == 2:
                    os.unlink(name, dir_fd=fd)
        self.source, self.kept = snapshot("s")
        self.old, _ = snapshot("old")

    def command(self, options):
        return [self.opts.ucp, *self.opts.flags.split(), "-a", "-T", *options, "s", self.copy]

    def set_up(self, over):
        subprocess.run(["rm", "-rf", self.copy], check=True)
        if over:
            subprocess.run(["cp", "-a", "old", self.copy], check=True)

    def measure(self, options, over):
        """Seconds a run takes that nobody kills."""
        self.set_up(over)
        start = time.perf_counter()
        self.finish(options)
        return time.perf_counter() - start

    def finish(self, options):
        done = subprocess.run(self.command(options), capture_output=True, check=False)
        if done.returncode != 0 or done.stderr:
            raise Wrong(f"exit status {done.returncode}: {done.stderr.decode(errors='replace')[:2000]}")

    def kill(self, options, after):
        """Start a run and kill it after some seconds. Returns whether it was still there."""
        with subprocess.Popen(self.command(options), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as ucp:
            end = time.perf_counter() + after
            while time.perf_counter() < end:
                if end - time.perf_counter() > 0.002:
                    time.sleep(0.001)
            ucp.send_signal(signal.SIGKILL)
            _, err = ucp.communicate()
        if ucp.returncode not in (0, -signal.SIGKILL) or err:
            raise Wrong(f"exit status {ucp.returncode} before the end: {err.decode(errors='replace')[:2000]}")
        return ucp.returncode != 0

    def check_source(self, known=None):
        _, now = snapshot("s", known)
        if now != self.kept:
            names = [n for n in sorted(now.keys() | self.kept.keys()) if now.get(n) != self.kept.get(n)]
            raise Wrong(f"the source has changed: {names[:5]}: {[(self.kept.get(n), now.get(n)) for n in names[:2]]}")

    def check_whole(self, over):
        """Everything that has its name is as in the source, or as it was before."""
        if not os.path.isdir(self.copy):
            return
        now, _ = snapshot(self.copy)
        for name, seen in now.items():
            if seen["kind"] == stat.S_IFDIR or HIDDEN.fullmatch(os.path.basename(name)):
                continue
            if seen != self.source.get(name) and not (over and seen == self.old.get(name)):
                raise Wrong(f"{name} is not whole: {seen}, not {self.source.get(name)}, nor {self.old.get(name)}")

    def clear_hidden(self):
        """Take away what a run may leave that cannot know of it."""
        for base, dirs, files, fd in os.fwalk(os.fsencode(self.copy)):
            # (a link to a directory is among the directories)
            hidden = [name for name in dirs + files if HIDDEN.fullmatch(name)]
            st = os.fstat(fd)
            for name in hidden:
                os.unlink(name, dir_fd=fd)
            if hidden:
                self.left += len(hidden)
                os.utime(fd, ns=(st.st_atime_ns, st.st_mtime_ns))

    def check_same(self):
        out = io.StringIO()
        if cmptree.Compare(cmptree.parse(["s", self.copy]), out).roots(b"s", os.fsencode(self.copy)):
            raise Wrong(f"the trees differ: {out.getvalue()[:2000]}")

    def moment(self, way, over, seconds):
        """Kill one copy, perhaps several times, and have it done to its end."""
        killed, ends = WAYS[way]
        end = self.random.choice(ends)
        self.set_up(over)
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            if self.kill(killed, self.random.uniform(0, seconds * 1.1)):
                self.killed += 1
            else:
                self.ended += 1
            self.check_source(self.kept)
            if killed:
                self.check_whole(over)
        self.finish(end)
        self.check_source(self.kept)
        if killed and "--resume" not in end:
            self.clear_hidden()
        self.check_same()

    def run(self):
        self.make_trees()
        ways = self.opts.way or [w for w in WAYS if "--resume" not in WAYS[w][0] or self.has_resume()]
        seconds = {(way, over): min(self.measure(WAYS[way][0], over) for _ in range(3))
                   for way in ways for over in (False, True)}
        for number in range(self.opts.count):
            way, over = ways[number % len(ways)], number // len(ways) % 2 == 1
            try:
                self.moment(way, over, seconds[way, over])
            except Wrong as wrong:
                print(f"moment {number} of seed {self.opts.seed} ({way}, {'over an old copy' if over else 'new'}): {wrong}")
                return 1
        self.check_source()
        print(f"{self.opts.count} copies, killed {self.killed} times; {self.ended} runs had ended before; "
              f"{self.left} temporary names left by killed runs")
        return 0

    def has_resume(self):
        return "--resume" in subprocess.run([self.opts.ucp, "--help"], capture_output=True, text=True, check=True).stdout


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--ucp", default="ucp", type=os.path.abspath)
    parser.add_argument("--flags", default="")
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--big", type=int, default=40_000_000)
    parser.add_argument("--way", action="append", choices=WAYS)
    parser.add_argument("dir", nargs="?", default=".")
    opts = parser.parse_args()
    os.chdir(opts.dir)
    if os.listdir("."):
        parser.error("the directory is not empty")
    return Driver(opts).run()


if __name__ == "__main__":
    sys.exit(main())
