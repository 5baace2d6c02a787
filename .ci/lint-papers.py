#!/usr/bin/env python3
"""What the papers name is there: lint-papers.py FILE.md...

Names in backticks: of test cases (FILE:FUNCTION, or FUNCTION after one of the same file, * for anything; FILE.sh for all
of a file), of unit tests (after the word unit), and of functions in src/ (NAME(), below
"## What must always hold"). Each promise in SECURITY.md, a list
item below "## Promised…", has to name what holds it, and its last sentence too: what follows the last name is held by nothing. Exit status 1 if something is found.
"""

import fnmatch
import glob
import os
import re
import sys

CASE = re.compile(r"^(?:([a-z-]+):)?((?:case|once|long)_[\w*]+|\*)$")


def functions(paths, pattern):
    found = set()
    for path in paths:
        with open(path, encoding="utf-8") as file:
            found.update(re.findall(pattern, file.read(), re.M))
    return found


CASES = {os.path.basename(path)[:-3]: functions([path], r"^((?:case|once|long)_\w+)") for path in glob.glob("tests/cases/*.sh")}
UNITS = {os.path.basename(path)[:-2] for path in glob.glob("tests/unit/*.c")}
SOURCE = functions(glob.glob("src/*.[ch]"), r"\b([a-z]\w+)\(")


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
    call = re.fullmatch(r"([a-z]+_\w+)\(\)", token)
    return (call[1] in SOURCE, room) if call else (None, room)


def items(text):
    """The paragraphs and list items of a text, each with the heading it is below."""
    heading = ""
    for block in re.split(r"\n(?=- |#|\n)", text):
        if block.lstrip().startswith("#"):
            heading = block.strip().splitlines()[0]
        elif block.strip():
            yield heading, block.strip()


def main():
    findings = 0
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for heading, item in items(text):
            room, held, held_to = None, False, 0
            for match in re.finditer(r"(\bunits? )?`([^`\n]+)`", item):
                there, room = is_there(match[2], room, match[1])
                if there and not match[2].endswith("()"):
                    held, held_to = True, match.end()
                if there is False and not (match[2].endswith("()") and "always hold" not in heading):
                    print(f"{path}: there is no {match[2]}")
                    findings += 1
            if heading.startswith("## Promised") and item.startswith("- ") and not held:
                print(f"{path}: no test is named for: {' '.join(item.split())[:70]}…")
                findings += 1
            if heading.startswith("## Promised") and held and re.search(r"[.;]\s", item[held_to:].strip()):
                print(f"{path}: no test is named for the end of: {' '.join(item.split())[:70]}…")
                findings += 1
    return findings > 0


sys.exit(main())
