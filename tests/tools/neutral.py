#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make what was logged of many runs comparable: neutral.py <LOG.

A line that begins with "$ " begins a run. The lines of one come sorted, without what depends on time, machine and version,
and without counts of nothing.
"""

import re
import sys

DROPPED = re.compile(r'(! )?(\{"type":"started",|(\{"type":"note","text":")?(kernel|engine|workers|reading|requests|registered|files|time and rate): )')
VARYING = re.compile(r'"(elapsed|rate|engine|engine_details|workers|cached_files)":("[^"]*"|[0-9.e+-]+|null)')


def neutral(line):
    if line.startswith('{"type":"summary"'):
        line = re.sub(r'"[a-z_]+":0,', "", VARYING.sub(r'"\1":_', line))
    return re.sub(r'(, read back) [^"]*', r"\1 _", line)


def main():
    runs = sys.stdin.buffer.read().decode("utf-8", "surrogateescape").split("\n$ ")
    for i, run in enumerate(runs):
        head, *lines = (run if i == 0 else "$ " + run).rstrip("\n").split("\n")
        print(head)
        print("\n".join(sorted(neutral(line) for line in lines if not DROPPED.match(line))))


main()
