#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What of src/ the tests reach.

  coverage.py [--missing] [--add] BUILD COMMAND [ARGUMENT...]

Runs the command with programs that were built in BUILD with --coverage, whoever runs them and wherever, and prints lines
and branches of each source, and at the end the sum. The command's output goes on; its exit status is ours. With --missing
each line and branch that was never reached follows, with its source; with --add what was counted before stays, so that
`--add --missing BUILD true` lists what is known.

How it counts: a branch is a way out of a condition in the source, as gcc has them without optimizing; each operand of
&&, || and ?: has two, and each case of a switch one. Inline functions of headers of ours are counted once, those of the
library's not; there is no assert(), and nothing is left out by a mark in the source. A program that is killed leaves no
trace; one that ends itself by a signal does (cov-raise.c).
"""

import argparse
import glob
import gzip
import json
import os
import subprocess
import sys
import tempfile


def prepare(build, add):
    """Make what every user may write to."""
    for note in [] if add else glob.glob(f"{build}/obj/*.gcno"):
        data = note[:-4] + "gcda"
        if os.path.exists(data):
            os.remove(data)
    # Each program makes the files of its own objects
    for program in [f"{build}/ucp"] + glob.glob(f"{build}/tests/*"):
        subprocess.run([program, "--version" if program.endswith("/ucp") else "no such test"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    for data in glob.glob(f"{build}/obj/**/*.gcda", recursive=True):
        os.chmod(data, 0o666)


def collect(build):
    """source -> {line: times}, {(line, number of the branch): times}"""
    found = {}
    with tempfile.TemporaryDirectory() as place:
        notes = [os.path.abspath(note) for note in sorted(glob.glob(f"{build}/obj/*.gcno"))]
        subprocess.run(["gcov", "--json-format", "--branch-probabilities", *notes], cwd=place, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for name in glob.glob(f"{place}/*.gcov.json.gz"):
            with gzip.open(name) as file:
                report = json.load(file)
            for source in report["files"]:
                path = source["file"]
                if not path.startswith("src/"):
                    continue
                lines, branches = found.setdefault(path, ({}, {}))
                for line in source["lines"]:
                    number = line["line_number"]
                    lines[number] = lines.get(number, 0) + line["count"]
                    for i, branch in enumerate(b for b in line["branches"] if not b["throw"]):
                        branches[number, i] = branches.get((number, i), 0) + branch["count"]
    return found


def share(counts):
    return f"{sum(1 for n in counts if n)}/{len(counts)}", 100 * sum(1 for n in counts if n) / max(len(counts), 1)


def ranges(numbers):
    text, numbers = [], sorted(numbers)
    for i, n in enumerate(numbers):
        if i and n == numbers[i - 1] + 1:
            text[-1][1] = n
        else:
            text.append([n, n])
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in text)


def tell_missing(path, lines, branches):
    """Each line that was never reached, and each that was, but not all of its branches, with how often each was."""
    with open(path, encoding="utf-8") as file:
        text = file.read().splitlines()
    for number in sorted(lines):
        times = [branches[key] for key in sorted(branches) if key[0] == number]
        if not lines[number]:
            print(f"{path}:{number}: never: {text[number - 1].strip()}")
        elif 0 in times:
            print(f"{path}:{number}: {'/'.join(map(str, times))}: {text[number - 1].strip()}")


def main():
    parser = argparse.ArgumentParser(description="What of src/ the tests reach.")
    parser.add_argument("--missing", action="store_true", help="list what is not")
    parser.add_argument("--add", action="store_true", help="keep what was counted before")
    parser.add_argument("build")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    prepare(args.build, args.add)
    env = dict(os.environ, GCOV_ERROR_FILE="/dev/null", UCP_COUNTS=os.path.abspath(f"{args.build}/obj"))
    status = subprocess.run(args.command, env=env, check=False).returncode
    all_lines, all_branches = [], []
    found = sorted(collect(args.build).items())
    for path, (lines, branches) in found:
        all_lines += lines.values()
        all_branches += branches.values()
        (of_lines, line_share), (of_branches, branch_share) = share(lines.values()), share(branches.values())
        missed = ranges(n for n, times in lines.items() if not times)
        print(f"{path:24} {of_lines:>9} {line_share:5.1f} % lines {of_branches:>9} {branch_share:5.1f} % branches"
              f"{'  never: ' if missed else ''}{missed}")
    (of_lines, line_share), (of_branches, branch_share) = share(all_lines), share(all_branches)
    print(f"in all: {line_share:.1f} % of lines ({of_lines}), {branch_share:.1f} % of branches ({of_branches})")
    if args.missing:
        for path, (lines, branches) in found:
            tell_missing(path, lines, branches)
    sys.exit(status)


if __name__ == "__main__":
    main()
