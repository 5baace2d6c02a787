#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds `ucp --dry-run` against what `ucp -v` then does: random command lines over random trees, as in difftest.py.

  drytest.py [--ucp=PATH] [--flags=FLAGS] [--seed=N] [--count=N] [--skip=N] [--keep-going]

Compared are the lines of both, in any order, the messages and the exit status. And whatever is asked for, a dry run may
change nothing: of no file the inode, mode, owner, size, link count or any time, but times of access of directories and
of symbolic links, which are followed. What cannot be foreseen is in UNFORESEEN. The exit status is 1 if anything differs.
"""

import argparse
import os
import re
import shlex
import sys

import difftest


def state(top):
    """All there is to see of the tree below TOP, without reading files."""
    seen = {}
    for path, dirs, files in os.walk(top):
        for name in [".", *dirs, *files]:
            full = os.path.join(path, name)
            st = os.lstat(full)
            regular = difftest.stat.S_ISREG(st.st_mode)
            seen[full] = (st.st_mode, st.st_ino, st.st_nlink, st.st_uid, st.st_gid, st.st_size, st.st_mtime_ns,
                          st.st_ctime_ns, st.st_atime_ns if regular else 0)
    return seen


def one_file_twice(case, dry, wet):
    """What another operand will have done to a destination by then."""
    return len(case.operands) + case.options.count("-t") > 2


def clone_refused(case, dry, wet):
    return any("failed to clone" in line for line in wet[2])


def link_refused(case, dry, wet):
    """A user may not make links to any file (fs.protected_hardlinks)."""
    return any("cannot create hard link" in line and "not permitted" in line for line in wet[2])


def attribute_refused(case, dry, wet):
    """An existing file may be written to by who may not set its times."""
    return any(": preserving " in line for line in wet[2])


def into_itself(case, dry, wet):
    """How much is copied before that is noticed depends on the order in which directories are read."""
    return any("into itself" in line for line in wet[2] + dry[2])


def no_end(case, dry, wet):
    """Writing into a fifo waits for somebody to read."""
    return wet[0] is None


def odd_destination(case, dry, wet):
    """Which of several errors there will be where the destination has no name, or a slash behind a dangling link."""
    return "" in case.operands or (dry[0] == wet[0] == 1 and any(name.endswith("/") for name in case.operands))


UNFORESEEN = [("which error comes first", odd_destination), ("what operands do to each other", one_file_twice), ("that cloning is refused", clone_refused),
              ("that writing waits for ever", no_end),
              ("that links are refused", link_refused), ("that attributes are refused", attribute_refused),
              ("where a copy into itself ends", into_itself)]


def run(program, flags, case, bench):
    try:
        difftest.build(bench.top, case.nodes, difftest.USER if case.user else 0)
        before = state(bench.top)
        status, out, err = difftest.execute(program, flags, case, bench.top + "/w", case.timeout)
        changed = sorted(path for path, _ in before.items() ^ state(bench.top).items())
    finally:
        difftest.wipe(bench.top)
    return status, sorted(out.splitlines()), sorted(err.splitlines()), changed


def compare(bench, case):
    """The differences as text, and the name under which they are accepted."""
    dry = run(bench.ucp, [*bench.flags, "--dry-run"], case, bench)
    wet = run(bench.ucp, [*bench.flags, "-v"], case, bench)
    found = [f"changed: {path}" for path in dict.fromkeys(dry[3])]
    if found:
        return found, None
    totals = [line for line in dry[1] if re.match(r"would copy \d+ files?", line)]
    lines = [line for line in dry[1] if line not in totals]
    if dry[0] != wet[0]:
        found.append(f"exit status {dry[0]}, then {wet[0]}")
    for what, one, two in ("out", lines, wet[1]), ("err", dry[2], wet[2]):
        found += [f"std{what}: only said: {line}" for line in one if one.count(line) > two.count(line)]
        found += [f"std{what}: only done: {line}" for line in two if two.count(line) > one.count(line)]
    for name, test in UNFORESEEN:
        if found and test(case, dry, wet):
            return found, name
    return found, None


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--cp", default="/bin/cp")
    parser.add_argument("--ucp", default="./ucp")
    parser.add_argument("--flags", default="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--keep-going", action="store_true")
    args = parser.parse_args()
    bench = difftest.Bench(args)
    failures = tried = 0
    accepted = {}
    try:
        for i in range(args.skip, args.count):
            case = difftest.Generator(f"dry {args.seed}.{i}").case()
            if any(option == "-i" or option.startswith("--interactive") for option in case.options):
                continue
            tried += 1
            case.name = f"--seed={args.seed} --skip={i} --count={i + 1}"
            found, why = compare(bench, case)
            if why:
                accepted[why] = accepted.get(why, 0) + 1
            elif found:
                failures += 1
                difftest.show(case, found)
                if not args.keep_going:
                    break
    finally:
        bench.close()
    for why, times in accepted.items():
        print(f"not foreseen: {why}: {times}")
    print(f"{tried} command lines, {failures} with differences")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
