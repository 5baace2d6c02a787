#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Measure how long the locks are held that all workers share: locks.py [--ucp=PATH] [--preload=PATH] SRC DST [OPTION...]

Copies SRC to the new DST with -j1 and OPTION... (-r), and prints a table of the locks: which a file
takes, which a directory, which a run, how long they are held, and that as a share of the whole time.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def name_of(program, offsets):
    """The lock that is taken at each of these places: the last two names in the C source."""
    done = subprocess.run(["addr2line", "-i", "-e", program, *(hex(int(o, 16) - 1) for o in offsets)],
                          capture_output=True, text=True, check=True)
    # -i prints a line for each function that was inlined; the place itself is the first one outside thread.h.
    found, lines = [], [line for line in done.stdout.splitlines() if "/thread.h:" not in line]
    for line in lines:
        match = re.match(r"(.*):(\d+)", line)
        if not match or not os.path.exists(match.group(1)):
            continue
        with open(match.group(1), encoding="utf-8") as file:
            text = file.readlines()[int(match.group(2)) - 1]
        taken = re.search(r"(?:mutex_lock|rwlock_read|rwlock_write|lock)\(&?([\w>.\-]+)\)", text)
        if taken:
            found.append((os.path.relpath(match.group(1), ROOT), ".".join(re.split(r"->|\.", taken.group(1))[-2:])))
    return found


def count(top):
    files = directories = 0
    for _, dirs, names in os.walk(top):
        directories += len(dirs)
        files += len(names)
    return files, directories + 1


def copy(opt, result):
    os.sync()
    start = time.monotonic()
    subprocess.run([opt.ucp, "-j1", *(opt.options or ["-r"]), opt.src, opt.dst], check=True,
                   env={**os.environ, "LD_PRELOAD": opt.preload, "LOCKS_RESULT": result})
    return time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--ucp", default=f"{ROOT}/build/release/ucp")
    parser.add_argument("--preload", default=f"{ROOT}/build/release/bench/preload-locks.so")
    parser.add_argument("src")
    parser.add_argument("dst")
    opt, opt.options = parser.parse_known_args()
    files, directories = count(opt.src)
    with tempfile.NamedTemporaryFile("r") as result:
        wall = copy(opt, result.name)
        rows = [line.split() for line in result.read().splitlines()]
    locks = {}
    for row in rows:
        for path, lock in name_of(opt.ucp, row[:1])[:1] or [("", "unknown")]:
            times, held, longest = map(int, row[1:])
            kind = "file" if times > files / 2 else "directory" if times > directories / 2 else "run"
            old = locks.setdefault((kind, lock), [0, 0, 0, set()])
            old[0] += times
            old[1] += held
            old[2] = max(old[2], longest)
            old[3].add(path)
    print(f"{files} files in {directories} directories, {wall:.3f} s, {wall / files * 1e6:.1f} us a file")
    print("| taken for each | lock | times | held, ns a file | longest, us | share of the time | in |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for (kind, lock), (times, held, longest, paths) in sorted(locks.items(), key=lambda x: -x[1][1]):
        print(f"| {kind} | {lock} | {times} | {held / files:.1f} | {longest / 1000:.0f} | {held / wall / 1e7:.3f} % "
              f"| {' '.join(sorted(paths))} |")
    for kind in "file", "directory", "run":
        held = sum(h for (k, _), (_, h, _, _) in locks.items() if k == kind)
        print(f"| {kind} | all | | {held / files:.1f} | | {held / wall / 1e7:.3f} % | |")


sys.exit(main())
