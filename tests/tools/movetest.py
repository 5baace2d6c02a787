#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Moves small random trees with ucp --move: kills it on the way, or holds it against mv.

  movetest.py [--ucp=PATH] [--flags=FLAGS] [--seed=N] [--count=N] [--files=N] kill|mv HERE THERE

HERE and THERE are empty directories, for kill on two file systems.

kill: a tree is moved from HERE to THERE and killed with SIGKILL at a system call that the seed chooses (strace), perhaps
several times. No name may be missing in both trees, and what has its name in THERE is whole. The same command is given
again until it ends: then the tree is in THERE as it was, and nothing is left in HERE.

mv: names are moved in HERE, or to THERE, with mv and with ucp. Exit status, messages and what is left must be the same.
Between file systems messages are not compared.
"""

import argparse
import io
import os
import random
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cmptree  # noqa: E402
import mktree  # noqa: E402

CALLS = ("unlinkat", "unlinkat", "unlinkat", "linkat", "renameat2", "syncfs", "fsync", "mkdirat", "openat", "newfstatat")
NOTICE = re.compile(r"\.ucp-[0-9a-f]{16}")


class Wrong(Exception):
    """Something that must not be."""


def compare(a, b):
    out = io.StringIO()
    if cmptree.Compare(cmptree.parse([a, b]), out).roots(os.fsencode(a), os.fsencode(b)):
        raise Wrong(f"{a} and {b} differ: {out.getvalue()[:1500]}")


def remove(path):
    subprocess.run(["rm", "-rf", path], check=True)


def names(top):
    """relative path -> (kind, content)"""
    found = {}
    for base, dirs, files in os.walk(os.fsencode(top)):
        for name in dirs + files:
            path = os.path.join(base, name)
            st = os.lstat(path)
            kind = st.st_mode & 0o170000
            content = None
            if kind == 0o100000:
                with open(path, "rb") as f:
                    content = f.read()
            elif kind == 0o120000:
                content = os.readlink(path)
            found[os.path.relpath(path, os.fsencode(top))] = (kind, content)
    return found


def date(top):
    """Give all directories one time: that of the source has changed when something was moved out of it."""
    for base, dirs, _ in os.walk(os.fsencode(top)):
        for name in [*dirs, b"."]:
            path = os.path.join(base, name)
            if not os.path.islink(path):
                os.utime(path, (0, 0))


class Killer:
    def __init__(self, opts):
        self.opts = opts
        self.here, self.there = opts.here, opts.there
        self.killed = 0

    def check_names(self, top):
        here = names(f"{self.here}/s") if os.path.isdir(f"{self.here}/s") else {}
        there = names(top) if os.path.isdir(top) else {}
        for name, what in self.kept.items():
            if name not in here and name not in there:
                raise Wrong(f"{name} is lost")
            if name in here and here[name] != what:
                raise Wrong(f"{name} has changed in the source")
            if name in there and there[name] != what:
                raise Wrong(f"{name} is not whole")

    def moment(self, seed):
        rnd = random.Random(seed)
        remove(f"{self.here}/s")
        for name in os.listdir(self.there):
            remove(f"{self.there}/{name}")
        mktree.main([f"--seed={seed}", f"--files={self.opts.files}", f"{self.here}/s"])
        with open(f"{self.here}/s/big", "wb") as f:
            f.write(rnd.randbytes(rnd.choice((100, 5_000_000))))
        os.link(f"{self.here}/s/big", f"{self.here}/s/other")
        remove(f"{self.here}/kept")
        subprocess.run(["cp", "-a", f"{self.here}/s", f"{self.here}/kept"], check=True)
        self.kept = names(f"{self.here}/s")
        args, top = rnd.choice((
            ([f"{self.here}/s", f"{self.there}/new"], f"{self.there}/new"),
            ([f"{self.here}/s", self.there], f"{self.there}/s"),
            (["-T", f"{self.here}/s", f"{self.there}/t"], f"{self.there}/t"),
        ))
        move = [self.opts.ucp, *self.opts.flags.split(), "--move", *args]
        for _ in range(rnd.choice((1, 1, 2, 3))):
            call, nth = rnd.choice(CALLS), rnd.randrange(1, 2 * self.opts.files)
            trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                     f"inject={call}:signal=SIGKILL:when={nth}"]
            done = subprocess.run([*trace, *move], capture_output=True, check=False)
            self.check_names(top)
            if done.returncode == 0:
                break
            self.killed += 1
        if os.path.lexists(f"{self.here}/s"):
            done = subprocess.run(move, capture_output=True, check=False)
            if done.returncode != 0 or done.stderr:
                raise Wrong(f"{move}: exit status {done.returncode}: {done.stderr.decode(errors='replace')[:1500]}")
        elif done.returncode != 0:
            # The journal goes after the source
            subprocess.run(["rm", "-f", f"{top}/.ucp-journal", f"{self.there}/.ucp-journal"], check=True)
        for tree in (f"{self.here}/kept", top):
            date(tree)
        compare(f"{self.here}/kept", top)
        # A notice of --resume may stay if the run was killed when the journal had just begun
        left = [name for name in os.listdir(self.there) if not NOTICE.fullmatch(name)]
        if os.path.lexists(f"{self.here}/s") or left != [os.path.basename(top)]:
            raise Wrong(f"left: {os.path.lexists(f'{self.here}/s')}, {left}")


class Rival:
    def __init__(self, opts):
        self.opts = opts

    def make(self, top, rnd, depth=0):
        """Some names, a few of which are the same everywhere."""
        for i, name in enumerate(rnd.sample(("a", "b", "c", "d"), rnd.randrange(1, 4))):
            path = f"{top}/{name}"
            kind = rnd.randrange(7 if i > 0 else 6)
            if kind < 3 or (kind < 5 and depth == 2):
                with open(path, "w", encoding="ascii") as f:
                    f.write(f"{rnd.random()}")
                os.utime(path, (0, rnd.choice((10**9, 11 * 10**8))))
            elif kind < 5:
                os.mkdir(path)
                if rnd.randrange(3):
                    self.make(path, rnd, depth + 1)
                os.utime(path, (0, 10**9))
            elif kind == 5:
                os.symlink(rnd.choice(("a", "../b", "nowhere", ".")), path)
            else:
                files = [n for n in os.listdir(top) if os.path.isfile(f"{top}/{n}")]
                if files:
                    os.link(f"{top}/{files[0]}", path, follow_symlinks=False)

    def run(self, program, top, args):
        done = subprocess.run([*program, *args], cwd=top, capture_output=True, stdin=subprocess.DEVNULL, check=False)
        words = done.stderr.decode().replace("ucp: ", "mv: ").splitlines()
        return done.returncode, [w for w in words if not w.startswith("Try")], sorted(done.stdout.decode().splitlines())

    def moment(self, seed):
        rnd = random.Random(seed)
        crosses = bool(seed % 2)
        results = []
        for which in "mu":
            for place in (self.opts.here, self.opts.there):
                remove(f"{place}/{which}")
                os.mkdir(f"{place}/{which}")
        self.make(f"{self.opts.here}/m", rnd)
        os.mkdir(f"{self.opts.there}/m/to")
        self.make(f"{self.opts.there}/m/to", rnd)
        for place in (self.opts.here, self.opts.there):
            subprocess.run(["cp", "-aT", f"{place}/m", f"{place}/u"], check=True)
        sources = rnd.sample(sorted(os.listdir(f"{self.opts.here}/m")), 1)
        more = rnd.choice(([], [], [], ["-T"], ["-n"], ["-u"], ["-b"], ["-S.o", "-b"], ["-f"], ["-v"], ["-v"]))
        inner = rnd.choice(("a", "b", "c", "new", "a/b", "new/", "a/"))
        for which, program in (("m", ["mv"]), ("u", [self.opts.ucp, *self.opts.flags.split(), "--move"])):
            to = f"../{which}/{inner}"
            if crosses:
                to = os.path.join(os.path.abspath(self.opts.there), which, "to", rnd.choice(("",)), inner)
            results.append(self.run(program, f"{self.opts.here}/{which}", [*more, *sources, to]))
        what = f"{more} {sources} {inner} {'across' if crosses else 'within'}"
        mv, ucp = results
        # With -T ucp merges, and it moves a backup back when the move fails
        said = " ".join(mv[1])
        if ("-T" in more and "not empty" in said) or ("-b" in more and "subdirectory of itself" in said):
            return
        if (mv[0] != 0) != (ucp[0] != 0):
            raise Wrong(f"{what}: exit status {mv[0]} of mv, {ucp[0]} of ucp: {mv[1]} {ucp[1]}")
        said = mv[1] == [w.replace("../u/", "../m/") for w in ucp[1]]
        told = mv[2] == [w.replace("../u/", "../m/") for w in ucp[2]]
        if self.opts.words and not crosses and not (said and told):
            print(f"{what}:\n  {mv[1:]}\n  {ucp[1:]}")
        for place in (self.opts.here, self.opts.there):
            for which in "mu":
                date(f"{place}/{which}")
            try:
                compare(f"{place}/m", f"{place}/u")
            except Wrong as why:
                raise Wrong(f"{what}: {why} {mv[1]} {ucp[1]}") from why


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ucp", default="build/release/ucp")
    parser.add_argument("--flags", default="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--files", type=int, default=25)
    parser.add_argument("--words", action="store_true", help="print which messages differ from those of mv")
    parser.add_argument("what", choices=("kill", "mv"))
    parser.add_argument("here")
    parser.add_argument("there")
    opts = parser.parse_args()
    opts.ucp = os.path.abspath(opts.ucp)
    driver = Killer(opts) if opts.what == "kill" else Rival(opts)
    wrong = 0
    for seed in range(opts.seed, opts.seed + opts.count):
        try:
            driver.moment(seed)
        except Wrong as why:
            print(f"seed {seed}: {why}")
            wrong += 1
    print(f"{opts.count} moves, {getattr(driver, 'killed', 0)} killed, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
