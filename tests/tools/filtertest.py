#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the patterns of ucp against rsync's and git's: random patterns on random trees, what is copied?

  filtertest.py rsync|git [--ucp=PATH] [--seed=N] [--count=N]

rsync: --exclude, --include and --exclude-from, compared with what rsync would copy.
git: .gitignore files, compared with `git ls-files -co --exclude-standard`.
The exit status is 1 if anything differs; each difference is printed with what is needed to see it again.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile

from patience import patience

NAMES = ["a", "b", "c", "ab", "abc", "b.c", "a.c", "x y", "a*", "[b]", "a\\b", "\\", "!a", "#a", "-b", "a]", "B", "ü", "***"]
PIECES = ["*", "**", "***", "?", "[ab]", "[!a]", "[^b]", "[a-c]", "[[:alpha:]]", "[]a]", "[a", "[[:no:]]", "\\*", "\\a",
          "[\\]a]", "[a\\-c]", "[!]]", "[[:upper:]x]", "[[:punct:]]", "[a-]", "[/]", "\\"]


def make_tree(rng, top):
    """A tree of empty files whose names patterns often meet."""
    directories = [top]
    for _ in range(rng.randint(4, 9)):
        path = os.path.join(rng.choice(directories), rng.choice(NAMES))
        if not os.path.lexists(path):
            os.mkdir(path)
            directories.append(path)
    for _ in range(rng.randint(8, 30)):
        path = os.path.join(rng.choice(directories), rng.choice(NAMES))
        if not os.path.lexists(path):
            if rng.random() < 0.1:
                os.symlink("a", path)
            else:
                with open(path, "w", encoding="utf-8"):
                    pass
    return directories


def contents(top):
    """The paths of all that is below TOP; directories end in a slash."""
    found = set()
    for path, dirs, files in os.walk(top):
        inside = os.path.relpath(path, top) + "/"
        inside = "" if inside == "./" else inside
        for name in dirs:
            is_link = os.path.islink(os.path.join(path, name))
            found.add(inside + name + ("" if is_link else "/"))
        found.update(inside + name for name in files)
    return found


def component(rng):
    """A part of a pattern, without slashes."""
    if rng.random() < 0.45:
        return rng.choice(NAMES)
    return "".join(rng.choice(PIECES if rng.random() < 0.5 else NAMES) for _ in range(rng.choice((1, 1, 2, 2, 3))))


def pattern(rng, anchor=""):
    text = "/".join(component(rng) for _ in range(rng.choice((1, 1, 1, 2, 2, 3))))
    if rng.random() < 0.3:
        text = anchor + "/" + text
    if rng.random() < 0.25:
        text = rng.choice(("**/", "*/", "***/")) + text
    if rng.random() < 0.25:
        text += rng.choice(("/", "/*", "/**", "/***", "*", "**"))
    return text


def run(*args, **options):
    return subprocess.run(args, capture_output=True, text=True, timeout=patience(60), check=False, **options)


def copied(ucp, cwd, *args):
    """What ucp makes of s in the directory d."""
    shutil.rmtree(os.path.join(cwd, "d"), ignore_errors=True)
    os.mkdir(os.path.join(cwd, "d"))
    done = run(ucp, "-r", *args, cwd=cwd)
    said = [line for line in done.stderr.splitlines() if not line.startswith("ucp: hint: ")]
    if done.returncode != 0 or said:
        return f"ucp: exit status {done.returncode}, {done.stderr}"
    return contents(os.path.join(cwd, "d"))


def rsync_rules(rng, cwd):
    """Options that both understand."""
    rules = []
    anchor = rng.choice(("", "/s", "/s", "/s"))
    for _ in range(rng.choice((1, 1, 2, 3, 4))):
        kind = rng.choice(("--exclude", "--exclude", "--include", "--exclude-from"))
        if kind != "--exclude-from":
            sign = rng.choice(("",) * 10 + ("+ ", "- "))
            rules.append(f"{kind}={sign}{pattern(rng, anchor)}")
            continue
        lines = [rng.choice(("", "", "+ ", "- ", "# ", ";")) + pattern(rng, anchor) for _ in range(3)]
        if rng.random() < 0.1:
            lines.insert(2, "!")
        name = f"list{len(rules)}"
        with open(os.path.join(cwd, name), "w", encoding="utf-8") as file:
            file.write(rng.choice(("\n", "\n\n", "\r\n")).join(lines) + rng.choice(("", "\n")))
        rules.append(f"{kind}={name}")
    return rules


def lists(cwd, rules):
    """The contents of the files that rules name."""
    for rule in rules:
        if rule.startswith("--exclude-from="):
            with open(os.path.join(cwd, rule.split("=")[1]), encoding="utf-8", newline="") as file:
                yield f"{rule}: {file.read()!r}"


def try_rsync(args, rng, cwd):
    make_tree(rng, os.path.join(cwd, "s"))
    for _ in range(12):
        rules = rsync_rules(rng, cwd)
        source = rng.choice(("s", "s", "s", "s/."))
        os.makedirs(os.path.join(cwd, "e"), exist_ok=True)
        done = run("rsync", "-rln8", "--out-format=%n", *rules, source, "e/", cwd=cwd)
        if done.returncode != 0:
            return f"rsync {rules}: {done.stderr}"
        wanted = set(done.stdout.splitlines()) - {"./"}
        found = copied(args.ucp, cwd, *rules, source, "d/")
        if found != wanted:
            return describe(cwd, rules, found, wanted)
    return None


def try_git(args, rng, cwd):
    top = os.path.join(cwd, "s")
    directories = make_tree(rng, top)
    run("git", "init", "-q", top)
    for _ in range(6):
        files = []
        for directory in rng.sample(directories, min(len(directories), rng.choice((1, 1, 2, 3)))):
            lines = []
            for _ in range(rng.choice((1, 2, 4))):
                lines.append(rng.choice(("", "", "", "!", "#", "\\", " ")) + pattern(rng)
                             + rng.choice(("", "", "", " ", "\\ ", "\r", "\t")))
            path = os.path.join(directory, ".gitignore")
            if rng.random() < 0.15:
                path = os.path.join(top, ".git/info/exclude")
            files.append(path)
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(rng.choice(("", "", "", "\ufeff")) + "\n".join(lines) + rng.choice(("", "\n")))
        done = run("git", "-c", "core.excludesFile=", "ls-files", "-z", "-co", "--exclude-standard", cwd=top)
        if done.returncode != 0:
            return f"git: {done.stderr}"
        wanted = set(done.stdout.split("\0")) - {""}
        found = copied(args.ucp, cwd, "--gitignore", "-T", "s", "d")
        if isinstance(found, set):
            found = {path for path in found if not path.startswith(".git/") and not path.endswith("/")}
        if found != wanted:
            texts = []
            for path in files:
                with open(path, encoding="utf-8", newline="") as file:
                    texts.append(f"{os.path.relpath(path, top)}: {file.read()!r}")
            return describe(cwd, texts, found, wanted)
        for path in set(files):
            os.unlink(path)
    return None


def describe(cwd, rules, found, wanted):
    if isinstance(found, str):
        return f"{rules}: {found}"
    lines = [f"rules: {rules}", *lists(cwd, rules), f"tree: {sorted(contents(os.path.join(cwd, 's')))}"]
    lines += [f"copied: {path}" for path in sorted(found - wanted)]
    lines += [f"left out: {path}" for path in sorted(wanted - found)]
    return "\n  ".join(lines)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("what", choices=("rsync", "git"))
    parser.add_argument("--ucp", default="ucp")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100)
    args = parser.parse_args()
    args.ucp = shutil.which(args.ucp) or args.ucp
    args.ucp = os.path.abspath(args.ucp)
    trial = {"rsync": try_rsync, "git": try_git}[args.what]
    os.environ["LC_ALL"] = "C.UTF-8"
    failures = 0
    for seed in range(args.seed, args.seed + args.count):
        with tempfile.TemporaryDirectory() as cwd:
            os.mkdir(os.path.join(cwd, "s"))
            difference = trial(args, random.Random(seed), cwd)
        if difference:
            failures += 1
            print(f"seed {seed}: {difference}")
            if failures == 10:
                break
    print(f"{args.what}: {args.count} trees, {failures} differ")
    return failures > 0


sys.exit(main())
