# SPDX-License-Identifier: MIT
"""Trees that are copied again: brought up to date, linked to an earlier copy, moved. Raced against rsync and mv."""

import os
import shutil
import stat
import subprocess

import corpus
import race

# One in so many files is changed, or gone.
SHARE = 20


def some_files(top):
    paths = [path for path, st in corpus.walk(top) if stat.S_ISREG(st.st_mode)]
    return [os.path.join(top, path) for path in paths[::SHARE]]


def spoil(top):
    """Make some files of a copy older, and shorter."""
    for path in some_files(top):
        os.truncate(path, os.stat(path).st_size // 2)
        os.utime(path, (1e9, 1e9))


def add(top):
    """Put files beside some of a copy, which its source does not have."""
    for path in some_files(top):
        shutil.copyfile(path, path + ".gone")


class Again:
    """A kind of copying again. What stands at the destination before is PREPARED (a copy of the source), then RESET."""

    def __init__(self, text, base, ucp, prepared=True, reset=None):
        self.text = text
        self.base = base
        self.ucp = ucp
        self.prepared = prepared
        self.reset = reset


KINDS = {
    "differ": Again("up to date", ["rsync", "-a"], ["-a", "-T", "--update=differ"]),
    "sums": Again("up to date, contents compared", ["rsync", "-ac"], ["-a", "-T", "--update=checksum"]),
    "changed": Again("5 % changed", ["rsync", "-a", "--delete"], ["--mirror"], reset=spoil),
    "gone": Again("5 % gone", ["rsync", "-a", "--delete"], ["--mirror"], reset=add),
    "linked": Again("links to an earlier copy", ["rsync", "-a", "--link-dest={old}"],
                    ["-a", "-T", "--link-dest={old}"], prepared=False),
    "moved": Again("moved on one file system", ["mv", "-T"], ["--move", "-a", "-T"], prepared=False),
    "away": Again("moved to a tmpfs", ["mv", "-T"], ["--move", "-a", "-T"], prepared=False),
}


def copy(src, dst):
    subprocess.run(["cp", "-a", "-T", src, dst], check=True)


def moves(how):
    return how in ("moved", "away")


def commands(bench, how, src, dst):
    """The other program first, then ucp."""
    kind = KINDS[how]
    old = os.path.join(os.path.dirname(src), "old")
    base, words = ([word.replace("{old}", old) for word in part] for part in (kind.base, kind.ucp))
    slash = "/" if base[0] == "rsync" else ""
    return [race.Command(base[0], [*base, src + slash, dst + slash], load=[base[0], "--version"]),
            race.Command("ucp", [bench.ucp, *words, src, dst], load=[bench.ucp, "--version"])]


def prepare(how, src, dst):
    """Make what has to be there before all rounds. Returns the tree that copies are compared with."""
    if KINDS[how].prepared:
        copy(src, dst)
    old = os.path.join(os.path.dirname(src), "old")
    if how == "linked" or moves(how):
        copy(src, old)
    return old if moves(how) else src


def reset(how, src, dst):
    """What is to be done before each round, once the last copy is gone unless it is kept."""
    if moves(how):
        if not os.path.isdir(src):
            copy(os.path.join(os.path.dirname(src), "old"), src)
    elif KINDS[how].reset:
        KINDS[how].reset(dst)
