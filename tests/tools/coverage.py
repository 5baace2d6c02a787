#!/usr/bin/env python3
"""What of src/ the tests reach.

  coverage.py BUILD COMMAND [ARGUMENT...]

Runs the command with programs that were built in BUILD with --coverage, whoever runs them and wherever, and prints lines
and branches of each source, and at the end the sum. The command's output goes on; its exit status is ours. Branches are
those of the source: not the ones that the compiler makes for what cannot happen. A program that is killed, or that dies
of a signal as ucp does when it is interrupted, leaves no trace.
"""

import glob
import gzip
import json
import os
import subprocess
import sys
import tempfile


def prepare(build):
    """Make what every user may write to."""
    for note in glob.glob(f"{build}/obj/*.gcno"):
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


def main():
    build, command = sys.argv[1], sys.argv[2:]
    prepare(build)
    env = dict(os.environ, GCOV_ERROR_FILE="/dev/null")
    status = subprocess.run(command, env=env, check=False).returncode
    all_lines, all_branches = [], []
    for path, (lines, branches) in sorted(collect(build).items()):
        all_lines += lines.values()
        all_branches += branches.values()
        (of_lines, line_share), (of_branches, branch_share) = share(lines.values()), share(branches.values())
        missed = ranges(n for n, times in lines.items() if not times)
        print(f"{path:24} {of_lines:>9} {line_share:5.1f} % lines {of_branches:>9} {branch_share:5.1f} % branches"
              f"{'  never: ' if missed else ''}{missed}")
    print(f"in all: {share(all_lines)[1]:.1f} % of lines, {share(all_branches)[1]:.1f} % of branches")
    sys.exit(status)


if __name__ == "__main__":
    main()
