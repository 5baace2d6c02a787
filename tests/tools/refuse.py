#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Copies a small tree again and again, each time with another of ucp's calls to the system refused.

  refuse.py --ucp=PATH --preload=PATH [--way=NAME]... [--error=NAME]... [--for-good] [--verbose] [DIR]

Works in DIR (default: the current one), which must be empty. For each way to copy and each error, the first calls from
each place of the program fail one after the other (preload-refuse.c). Held each time:

- ucp ends by itself, with exit status 0 or 1, and says why if it is 1;
- after 0 the copy is like the source in everything; a call that was only interrupted must end so;
- after 1 nothing in the destination passes for what it is not: each file is whole, or as it was before, or, but not with
  --atomic, shorter than its source; nothing lost its only copy;
  (with --for-good everything fails from that call on, and ucp has only to end well);
- no descriptor is left open; the source stays as it was; with --resume another run goes on, to the end.

Prints what was wrong; the exit status is 1 then. The last line is how many runs there were, and how they ended.
"""

import argparse
import errno
import os
import shutil
import stat
import subprocess
import sys

from patience import patience

LONG_AGO = 1_000_000_000 * 10**9
LOST_QUIETLY = ("ENOENT", "EOPNOTSUPP", "EPERM", "EACCES", "EINVAL", "EIO", "EEXIST", "EROFS")  # as cp -a does with attributes
BIG = 220_000

# name -> options, what is there before, errors
WAYS = {
    "new": (["-a"], "", ["EIO", "ENOENT", "EINTR", "EOPNOTSUPP"]),
    "over": (["-a"], "old", ["EIO", "ENOENT"]),
    "backup": (["-a", "--backup"], "old", ["EIO"]),
    "numbered": (["-a", "--backup=numbered"], "old", ["EIO"]),
    "remove": (["-a", "--remove-destination"], "old", ["EIO"]),
    "force": (["-rf", "--sparse=always"], "old", ["EACCES"]),
    "atomic": (["-a", "--atomic", "--fsync"], "old", ["EIO", "ENOENT", "EINTR"]),
    "hidden": (["-ab", "--atomic", "--x-inject=no-unnamed"], "old", ["EIO", "EEXIST", "EINVAL", "EOPNOTSUPP"]),
    "staged": (["-a", "--atomic", "--x-inject=no-unnamed"], "", ["EINVAL"]),
    "resume": (["-a", "--resume"], "", ["EIO", "EINTR"]),
    "verify": (["-r", "--verify", "--checksums=../sums", "--reflink=never"], "", ["EIO", "EINTR", "EINVAL"]),
    "fsync": (["-a", "--fsync", "--stats"], "", ["EIO"]),
    "links": (["-al"], "", ["EIO"]),
    "attributes": (["-a", "--attributes-only"], "old", ["EIO"]),
    "follow": (["-rL", "--preserve=all"], "old", ["EIO"]),
    "update": (["-au"], "old", ["EIO"]),
    "beneath": (["-a", "--beneath"], "old", ["EIO"]),
    "direct": (["-r", "--direct", "--chunk-size=64K"], "", ["EIO"]),
    "scan": (["-a", "--json", "--progress=always", "--exclude=nothing", "--gitignore"], "", ["EIO"]),
    "dry": (["-ab", "--dry-run"], "old", ["EIO"]),
    "ring": (["-a", "--engine=auto", "--chunk-size=64K"], "", ["EIO", "EPERM"]),
}


def write(path, data, mode=0o644):
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)


def age(top, when):
    for where, dirs, files in os.walk(top, topdown=False):
        for name in dirs + files:
            os.utime(os.path.join(where, name), ns=(when, when), follow_symlinks=False)
    os.utime(top, ns=(when, when))


def make_source(top, old):
    """What is copied; or what is there before, where everything is another one."""
    os.makedirs(f"{top}/a/sub")
    os.mkdir(f"{top}/b")
    text = b"old\n" if old else b"new text\n"
    write(f"{top}/a/1", text)
    write(f"{top}/a/sub/2", text * 9000, 0o600 if old else 0o4755)
    if old:
        write(f"{top}/b/1", text)
    else:
        os.link(f"{top}/a/1", f"{top}/b/1")
        try:
            os.setxattr(f"{top}/a/1", "user.x", b"value")
        except OSError:
            pass
    os.symlink("before" if old else "a/1", f"{top}/l")
    os.mkfifo(f"{top}/f")
    write(f"{top}/big", text * 9 if old else bytes(range(1, 251)) * (BIG // 250))
    if not old:
        with open(f"{top}/big", "r+b") as file:
            file.truncate(BIG + 400_000)
            file.seek(BIG + 390_000)
            file.write(b"end")
            file.truncate(BIG + 500_000)
    os.chmod(f"{top}/a", 0o755 if old else 0o750)


def look(path):
    """What something is and has."""
    st = os.lstat(path)
    seen = {"kind": stat.S_IFMT(st.st_mode), "mode": stat.S_IMODE(st.st_mode), "owner": (st.st_uid, st.st_gid),
            "mtime": st.st_mtime_ns, "names": st.st_nlink if not stat.S_ISDIR(st.st_mode) else 0}
    if stat.S_ISREG(st.st_mode):
        with open(path, "rb") as file:
            seen["content"] = file.read()
        seen["xattrs"] = {name: os.getxattr(path, name) for name in os.listxattr(path)}
    elif stat.S_ISLNK(st.st_mode):
        seen["target"] = os.readlink(path)
    return seen


def snapshot(top):
    """name -> what it is, of everything below a directory and of itself."""
    seen = {".": look(top)}
    for where, dirs, files in os.walk(top):
        for name in dirs + files:
            path = os.path.join(where, name)
            seen[os.path.relpath(path, top)] = look(path)
    return seen


class Runs:
    def __init__(self, args):
        self.args, self.count, self.ends, self.wrong = args, 0, {0: 0, 1: 0}, 0
        make_source("s", False)
        age("s", LONG_AGO)
        self.source = snapshot("s")
        make_source("old", True)
        age("old", LONG_AGO - 10**9)
        self.old = snapshot("old")

    def run(self, options, refuse):
        env = dict(os.environ, UCP_REFUSE=refuse, UCP_REFUSE_TOLD=os.path.abspath("told"), LC_ALL="C",
                   LD_PRELOAD=self.args.preload)
        if os.path.exists("told"):
            os.remove("told")
        # What asan says goes with the messages
        env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        if options == WAYS["ring"][0]:
            env["ASAN_OPTIONS"] += ":detect_leaks=0"  # a ring that broke keeps its memory
        command = [self.args.ucp, "-j1", "--engine=sync", "--chunk-size=16K", *options, "-T", "../s", "../d"]
        os.makedirs("cwd", exist_ok=True)
        done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=patience(60), cwd="cwd",
                              check=False)
        self.count += 1
        with open("told", encoding="ascii") as file:
            calls, name, left_open = file.read().split()
        return done, int(calls), name, int(left_open)

    def prepare(self, before):
        shutil.rmtree("d", ignore_errors=True)
        if before:
            make_source("d", True)
            age("d", LONG_AGO - 10**9)

    def whole(self, name, is_there, options):
        """What of a thing is not as in the source, for a run that succeeded."""
        was = self.source[name]
        keys = ["kind", "content", "target"]
        keys += ["mode", "owner", "mtime", "xattrs", "names"] if any(o[:2] == "-a" for o in options) else []
        if "--attributes-only" in options:
            keys.remove("content")
        if is_there["kind"] == stat.S_IFDIR and "-al" in options:
            keys = ["kind", "mode"]
        if "-al" in options and was["kind"] != stat.S_IFDIR:
            keys.remove("names")
        if "-rL" in options:
            keys = ["content"]
        return [key for key in keys if was.get(key) != is_there.get(key)]

    def check_success(self, options, excused=()):
        there = snapshot("d")
        for name in self.source:
            if name not in there:
                yield f"{name} is missing"
            elif differs := [key for key in self.whole(name, there[name], options) if key not in excused]:
                yield f"{name} is another one: {', '.join(differs)}"

    def check_failure(self, options, before):
        there = snapshot("d") if os.path.exists("d") else {}
        if "--dry-run" in options and there != self.old:
            yield "a dry run changed something"
        atomic = "--atomic" in options or "--resume" in options
        for name, what in there.items():
            if what["kind"] != stat.S_IFREG or "--attributes-only" in options:
                continue
            was = self.source.get(name, {}).get("content")
            old = self.old.get(name, {}).get("content") if before else None
            if name.endswith("~"):
                bare = name.split(".~")[0].rstrip("~")
                if what["content"] != self.old[bare].get("content"):
                    yield f"{name} is no backup"
            elif name not in self.source:
                if not os.path.basename(name).startswith(".ucp-"):
                    yield f"what is {name}?"
            elif what["content"] not in (was, old) and (atomic or len(what["content"]) >= len(was or b"")):
                yield f"{name} passes for whole"
        if atomic and before:
            for name in self.old:
                if name not in there and name not in ("l", "f"):
                    yield f"{name} is gone"

    def check(self, way, error, done, name, usual):
        options, before, _ = WAYS[way]
        excused = []
        if "xattr" in name and error in LOST_QUIETLY:
            excused = ["xattrs"]
        elif name == "fstat64":
            excused = ["names"]  # what cannot be known again is not linked to, but copied
        text = done.stderr.decode(errors="replace")
        if done.returncode not in (0, 1):
            yield f"exit status {done.returncode}"
            return
        self.ends[done.returncode] += 1
        if self.args.for_good:
            pass
        elif done.returncode == 0 and "--dry-run" not in options:
            yield from self.check_success(options, excused)
        else:
            yield from self.check_failure(options, before)
        if done.returncode == 1:
            if not text.startswith("ucp: "):
                yield "nothing is said"
            if error == "EINTR" and usual == 0:
                yield "interrupted, it gives up"

    def tell(self, text, done):
        self.wrong += 1
        print(text)
        print("    " + done.stderr.decode(errors="replace").replace("\n", "\n    "))

    def check_all(self, way, error):
        options, before, _ = WAYS[way]
        number = getattr(errno, error)
        self.prepare(before)
        usual, calls, *_ = self.run(options, f"0:{number}")
        for n in range(1, calls + 1):
            self.prepare(before)
            done, _, name, left_open = self.run(options, f"{n}{'+' * self.args.for_good}:{number}")
            found = list(self.check(way, error, done, name, usual.returncode))
            # A ring that broke is left as it is, with what it may still write to
            broken = way == "ring" and (self.args.for_good or name.startswith("io_uring"))
            if left_open and not broken:
                found.append(f"{left_open} descriptors stay open")
            if "--resume" in options and not found and not self.args.for_good:
                again, *_ = self.run(options, "0")
                found = list(self.check_success(options)) if again.returncode == 0 else ["it does not go on"]
            if self.args.verbose:
                print(f"{way}: {name} ({n} of {calls}) {error}: {done.returncode} {done.stderr.decode()[:200]!r}")
            if found:
                self.tell(f"{way}: {name} ({n} of {calls}) fails with {error}: {'; '.join(found)}", done)
        if snapshot("s").keys() != self.source.keys() or any(
                snapshot("s")[name][key] != self.source[name][key] for name in self.source for key in ("kind", "mode")):
            print(f"{way}: the source is not what it was")
            self.wrong += 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ucp", type=os.path.abspath, required=True)
    parser.add_argument("--preload", type=os.path.abspath, required=True)
    parser.add_argument("--way", action="append", choices=WAYS)
    parser.add_argument("--error", action="append")
    parser.add_argument("--for-good", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("dir", nargs="?", default=".")
    args = parser.parse_args()
    os.chdir(args.dir)
    os.umask(0o022)
    runs = Runs(args)
    for way in args.way or WAYS:
        for error in args.error or WAYS[way][2]:
            runs.check_all(way, error)
    print(f"{runs.count} runs, {runs.ends[0]} whole, {runs.ends[1]} told of, {runs.wrong} wrong")
    sys.exit(1 if runs.wrong else 0)


if __name__ == "__main__":
    main()
