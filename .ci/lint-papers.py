#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that what the docs name exists: lint-papers.py FILE.md...

Checked are names in backticks: of test cases (FILE:FUNCTION, or FUNCTION after one of the same file, * for anything;
FILE.sh for all of a file), of unit tests (after the word unit), of files with a folder in front, also without src/, and,
in ARCHITECTURE.md and COVERAGE.md, of functions in src/ (NAME()), and, in the former, of constants and members.
Each promise names the test that holds it: a list item below "## Promised..." in SECURITY.md, where what follows the last
name would be held by nothing, or below "## What must always hold" in ARCHITECTURE.md; both sections have to be there.
Files of the repository that a Markdown link names have to exist. Exit status 1 if something is found.
"""

import fnmatch
import glob
import os
import re
import sys

# Sections whose items have to name a test, by the file that has to have them
HELD = {"SECURITY.md": "## Promised", "ARCHITECTURE.md": "## What must always hold"}
CASE = re.compile(r"^(?:([a-z-]+):)?((?:case|once|long)_[\w*]+|\*)$")


def functions(paths, pattern):
    found = set()
    for path in paths:
        with open(path, encoding="utf-8") as file:
            found.update(re.findall(pattern, file.read(), re.M))
    return found


CASES = {os.path.basename(path)[:-3]: functions([path], r"^((?:case|once|long)_\w+)") for path in glob.glob("tests/cases/*.sh")}
UNITS = {os.path.basename(path)[:-2] for path in glob.glob("tests/unit/*.c")}
SOURCE = functions(glob.glob("src/**/*.[ch]", recursive=True), r"\b([a-z]\w+)\(")
WORDS = functions(glob.glob("src/**/*.[ch]", recursive=True), r"\w+")


def is_there(token, room, after_unit):
    """Whether what a token names is there, None if it names none of this; and the case file it is about."""
    case = CASE.match(token)
    if case and (case[1] or room):
        room = case[1] or room
        return any(fnmatch.fnmatchcase(name, case[2]) for name in CASES.get(room, ())), room
    if re.fullmatch(r"[a-z-]+\.sh", token) and token[:-3] in CASES:
        return True, token[:-3]
    if after_unit and re.fullmatch(r"[a-z-]+", token):
        return token in UNITS, room
    if re.fullmatch(r"[\w-]+/[\w./-]*\w\.(c|h|py|sh|md)", token) and "NAME" not in token:
        return os.path.exists(token) or os.path.exists("src/" + token), room
    if call := re.fullmatch(r"([a-z]+_\w+)\(\)", token):
        return call[1] in SOURCE, room
    return None, room


def is_in_source(token):
    """Whether constants and members that a token names are in src/: NAME_NAME, struct::member."""
    name = re.fullmatch(r"(?:[a-z_]+::)?([a-z_]+)|([A-Z]+_[A-Z_]+)", token)
    return not name or not ("::" in token or name[2]) or (name[1] or name[2]) in WORDS


def items(text):
    """The paragraphs and list items of a text, each with the heading of its section."""
    heading = ""
    for block in re.split(r"\n(?=- |#|\n)", text):
        if block.lstrip().startswith("#"):
            if re.match(r"##? ", block.lstrip()):
                heading = block.strip().splitlines()[0]
        elif block.strip():
            yield heading, block.strip()


def check_item(path, item, promise):
    """What is wrong with a paragraph or list item; a PROMISE has to name a test."""
    name = os.path.basename(path)
    room, held, held_to = None, False, 0
    for match in re.finditer(r"(\bunits?\s+)?`([^`\n]+)`", item):
        there, room = is_there(match[2], room, match[1])
        if there and not match[2].endswith("()") and not re.search(r"/.*\.\w+$", match[2]):
            held, held_to = True, match.end()
        if there is False and not (match[2].endswith("()") and name not in ("ARCHITECTURE.md", "COVERAGE.md")):
            yield f"there is no {match[2]}"
        if name == "ARCHITECTURE.md" and not is_in_source(match[2]):
            yield f"there is no {match[2]}"
    for target in re.findall(r"\]\(([^)#:]+)\)", item):
        if not os.path.exists(os.path.join(os.path.dirname(path), target)):
            yield f"there is no {target}"
    start = " ".join(item.split())[:70]
    if promise and not held:
        yield f"no test is named for: {start}…"
    elif promise and name == "SECURITY.md" and re.search(r"[.;]\s", item[held_to:].strip()):
        yield f"no test is named for the end of: {start}…"


def main():
    findings = 0
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        section = HELD.get(os.path.basename(path))
        found, promises = [], 0
        for heading, item in items(text):
            promise = section is not None and heading.startswith(section) and item.startswith("- ")
            promises += promise
            found += check_item(path, item, promise)
        if section and not promises:
            found.append(f"there are no items below {section}")
        for line in found:
            print(f"{path}: {line}")
        findings += len(found)
    return findings > 0


sys.exit(main())
