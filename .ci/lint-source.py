#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rules of this house that no general tool knows. Prints one line a finding.

Folders: a file includes headers of folders of lower ranks, and of its own; *-impl.h are private to their folder.
Circles: no two files of a folder call each other, be it by way of others. Map: the one in src/main.c names every file.
Figures: functions and files stay short, branches few, lines narrow. Macros: each is used. Prints: only report/ does. Rings: only engine/ring knows liburing.
Texts of errors: none is compared. Macros' arguments: none is opened twice. Comments: what a header offers is documented. Flags: no two of an enum are the same bit.
"""

import bisect
import os
import re
import statistics
import sys

# The folders of src/, by rank: a file includes headers of lower ranks and of its own folder.
RANKS = [
    ["base"],
    ["filter", "report", "sys", "engine"],
    ["display", "journal", "tree"],
    ["dest"],
    ["copy"],
    ["run"],
    ["cli"],
]
RANK = {folder: i for i, folders in enumerate(RANKS, 1) for folder in folders}
RANK[""] = len(RANKS) + 1  # main.c

MAX_FUNCTION = 70
MAX_FILE = 600
MAX_MEDIAN = 11
MAX_BRANCHES = 20
MAX_COLUMNS = 120
TAB = 4

# What prints by itself, and what prints when it is given stdout or stderr (or their numbers).
PRINTS = r"printf|vprintf|puts|putchar|perror|psignal|err|errx|warn|warnx|(?<!struct )error|error_at_line"
PRINTS_TO = r"fprintf|vfprintf|fputs|fputc|putc|fwrite|dprintf|vdprintf|write|writev|setvbuf"
TERMINAL = r"\b(stdout|stderr|STDOUT_FILENO|STDERR_FILENO)\b"

findings = 0


def finding(path, line, text):
    global findings
    findings += 1
    print(f"{path}:{line}: {text}")


def blank(match):
    """The same number of lines, and nothing else."""
    return " " + "\n" * match.group().count("\n")


def strip_comments(text):
    """C without comments, and with empty strings; lines stay where they are."""
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''

    def replace(match):
        return match.group()[0] * 2 if match.group()[0] in "\"'" else blank(match)

    return re.sub(pattern, replace, text, flags=re.S)


def strip_directives(code):
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", blank, code, flags=re.M)


class Source:
    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)
        self.folder = os.path.dirname(path)[len("src/"):] if path.startswith("src/") else None
        with open(path, encoding="utf-8") as file:
            self.text = file.read()
        self.lines = self.text.splitlines()
        self.code = strip_comments(self.text)

    def finding(self, line, text):
        finding(self.path, line, text)

    def matches(self, pattern, text):
        """Each match with its line number."""
        starts = [m.end() for m in re.finditer("\n", text)]
        for match in re.finditer(pattern, text):
            yield bisect.bisect_right(starts, match.start()) + 1, match


def outer_parts(source):
    """What a file declares and defines: (first line, last line, head, has a body), by braces."""
    code = strip_directives(source.code)
    depth, line, head, first, body = 0, 1, "", 0, False
    for i, char in enumerate(code):
        if char == "\n":
            line += 1
        if depth == 0 and not head and not char.isspace():
            first = line
        # A brace in column 0 ends everything, so that an #if with two halves cannot confuse the rest of the file.
        if char == "}" and (i == 0 or code[i - 1] == "\n"):
            depth = 1
        if char == "}":
            depth -= 1
            if depth == 0 and is_function(head):
                yield first, line, head, True
                head, body = "", False
                continue
        if depth == 0 and char == ";":
            yield first, line, head, body
            head, body = "", False
        elif depth == 0 and (head or not char.isspace()) and char != "}":
            head += char if char != "{" else " "
        if char == "{":
            depth, body = depth + 1, True


def is_function(head):
    head = head.strip()
    if re.search(r"(?<![=!<>])=(?!=)", head) or "(" not in head:
        return False
    return not re.match(r"(typedef\s+|static\s+|const\s+)*(struct|union|enum)\b[^()]*(__attribute__.*)?\w*$", head, re.S)


def check_includes(source):
    for line, text in enumerate(source.lines, 1):
        match = re.match(r'\s*#\s*include\s*(["<])([^">]*)', text)
        if not match:
            continue
        if match.group(1) == '"':
            check_include(source, line, match.group(2))
        elif match.group(2) in ("liburing.h", "linux/io_uring.h") and not source.path.startswith("src/engine/ring"):
            source.finding(line, f"includes {match.group(2)}: only engine/ring does")
        elif match.group(2) == "jansson.h" and source.folder != "report":
            source.finding(line, "includes jansson.h: only report/ does")


def check_include(source, line, header):
    folder = os.path.dirname(header)
    if folder not in RANK or not folder:
        source.finding(line, f"includes {header}, which is in no folder")
    elif folder == source.folder:
        return
    elif header.endswith("-impl.h"):
        source.finding(line, f"includes {header}, which is private to {folder}/")
    elif RANK[folder] >= RANK[source.folder]:
        source.finding(line, f"rank {RANK[source.folder]} includes {header} of rank {RANK[folder]}")


def definitions(source):
    """The functions and objects that a file offers to others."""
    for _, _, head, body in outer_parts(source):
        head = head.strip()
        if re.match(r"(static|typedef|extern)\b", head):
            continue
        if body and is_function(head):
            yield re.search(r"(\w+)\s*\(", re.sub(r"\battr_\w+\([^)]*\)", "", head)).group(1)
        elif re.search(r"(?<![=!<>])=(?!=)", head):
            yield re.search(r"(\w+)\s*(\[[^\]]*\]\s*)*=", head).group(1)


def check_circles(sources):
    """Files of a folder that call each other, directly or by way of others. Prints the calls that are part of a circle."""
    homes = {name: source.path for source in sources if source.path.endswith(".c") for name in definitions(source)}
    calls = {}
    for source in sources:
        words = set(re.findall(r"\w+", source.code)) if source.path.endswith(".c") else ()
        for name in words:
            home = homes.get(name, source.path)
            if home != source.path and os.path.dirname(home) == os.path.dirname(source.path):
                calls.setdefault(source.path, {}).setdefault(home, name)

    def reaches(start, end, seen):
        seen.add(start)
        return start == end or any(reaches(path, end, seen) for path in calls.get(start, ()) if path not in seen)

    for path, homes_called in calls.items():
        for home, name in homes_called.items():
            if reaches(home, path, set()):
                finding(path, 1, f"calls {name}() of {home}, which calls it in turn")


def check_map(sources):
    """Every file has its place in the map, below its folder, and no other has."""
    main = next(source for source in sources if source.path == "src/main.c")
    folder, seen = "", set()
    for line in main.text.split("*/")[0].splitlines():
        match = re.match(r" \* (?:- (\w+)/|    - (\S+) )", line)
        if match and match.group(1):
            folder = match.group(1)
        elif match:
            name = match.group(2)
            names = [name[:-4] + "c", name[:-4] + "h"] if name.endswith("[ch]") else [name]
            seen.update(os.path.normpath(f"src/{folder}/{each}") for each in names)
    there = {source.path for source in sources}
    for path in sorted(there - seen):
        main.finding(1, f"the map does not name {path}")
    for path in sorted(seen - there):
        main.finding(1, f"the map names {path}, which is not there")


def check_sizes(source):
    for line, text in enumerate(source.lines, 1):
        if source.folder is not None and len(text.expandtabs(TAB)) > MAX_COLUMNS:
            source.finding(line, f"{len(text.expandtabs(TAB))} columns, more than {MAX_COLUMNS}")
    if len(source.lines) > MAX_FILE:
        source.finding(MAX_FILE, f"{len(source.lines)} lines, more than {MAX_FILE}")
    for first, last, head, body in outer_parts(source):
        if body and is_function(head) and last - first + 1 > MAX_FUNCTION:
            name = re.search(r"(\w+)\s*\(", head).group(1)
            source.finding(first, f"{name} has {last - first + 1} lines, more than {MAX_FUNCTION}")


def branches(code):
    """The cyclomatic complexity of a function: 1, and 1 for each place where it can go two ways."""
    return 1 + len(re.findall(r"\b(?:if|for|while|case)\b|&&|\|\||\?", code))


def is_nested(statement):
    """Whether a conditional expression is a part of another one; arguments of one call are apart."""
    conditionals = [0]
    for char in statement:
        if char in "([":
            conditionals.append(0)
        elif char in ")]":
            if len(conditionals) > 1:
                conditionals.pop()
        elif char == ",":
            conditionals[-1] = 0
        elif char == "?":
            if any(conditionals):
                return True
            conditionals[-1] += 1
    return False


def check_figures(sources):
    """How long and how branched functions are, and how many there are of each; printed, as they show where to begin."""
    lengths, complexities = [], []
    for source in sources:
        lines = source.code.split("\n")
        for first, last, head, body in outer_parts(source):
            if not body or not is_function(head):
                continue
            name = re.search(r"(\w+)\s*\(", head).group(1)
            complexity = branches("\n".join(lines[first - 1:last]))
            if complexity > MAX_BRANCHES:
                source.finding(first, f"{name}() has {complexity} branches, more than {MAX_BRANCHES}")
            lengths.append((last - first + 1, name))
            complexities.append((complexity, name))
        line = 1
        for statement in re.findall(r"[^;{}]*[;{}]?", source.code):
            if is_nested(statement):
                start = line + len(statement) - len(statement.lstrip("\n"))
                source.finding(start, "a conditional expression inside another one")
            line += statement.count("\n")
    median = statistics.median(length for length, _ in lengths)
    if median > MAX_MEDIAN:
        finding(sys.argv[0], 1, f"the median of functions is {median} lines, more than {MAX_MEDIAN}")
    print(f"{len(sources)} files, {sum(len(source.lines) for source in sources)} lines; "
          f"{len(lengths)} functions, median {median:g} lines, longest {max(lengths)[0]} ({max(lengths)[1]}); "
          f"branches: mean {statistics.mean(c for c, _ in complexities):.1f}, most {max(complexities)[0]} ({max(complexities)[1]})",
          file=sys.stderr)


def check_macros(sources):
    """A macro of a .c file that only its own #define names is left over from something."""
    for source in sources:
        for line, match in source.matches(r"(?m)^[ \t]*#[ \t]*define[ \t]+(\w+)", source.code):
            name = match.group(1)
            # What headers of the system read
            if name == "FUSE_USE_VERSION" or not source.path.endswith(".c"):
                continue
            if len(re.findall(rf"(?<!#define )(?<!# define )(?<!#\tdefine )\b{name}\b", source.code)) == 0:
                source.finding(line, f"{name} is used nowhere")


def check_twice(source):
    """min() and max() evaluate what they return twice."""
    for line, match in source.matches(r"\b(min|max)\((\w*open\w*)\(", source.code):
        source.finding(line, f"{match.group(1)} calls {match.group(2)} twice")


def check_prints(source):
    if source.folder == "report":
        return
    for line, match in source.matches(rf"(?<![\w.>])({PRINTS})\s*\(", strip_directives(source.code)):
        source.finding(line, f"{match.group(1)}: only report prints")
    for line, match in source.matches(rf"(?<![\w.>])({PRINTS_TO})\s*\(([^;]*);", strip_directives(source.code)):
        if re.search(TERMINAL, match.group(2)) or re.match(r"\s*[12]\s*,", match.group(2)):
            source.finding(line, f"{match.group(1)}: only report prints")


def check_texts(source):
    """The text of an error is for people: code decides by its operation and its errno."""
    if source.folder == "filter":
        return  # what is matched there is a text
    text = r"[\w\]]+(?:\.|->)text\b(?![.\[])"
    for line, _ in source.matches(rf"{text}\s*[!=]=|[!=]=\s*{text}|\b(?:str|mem)\w*(?:cmp|str|chr|mem)\([^;]*{text}",
                                  strip_directives(source.code)):
        source.finding(line, "compares the text of an error, not its operation")


def check_comments(source):
    for first, last, head, body in outer_parts(source):
        head = head.strip()
        if re.match(r"(_Static_assert|static_assert)\b", head) or re.match(r"static\s+inline\b", head):
            continue
        if not body and re.fullmatch(r"(struct|union|enum)\s+\w+", head):
            continue  # only announces it
        if first < 2 or not source.lines[first - 2].rstrip().endswith("*/"):
            source.finding(first, f"no comment above: {' '.join(head.split())[:60]}")


def check_flags(source):
    """Two switches that are one bit are easily made where lines are merged."""
    for enum in re.finditer(r"\benum\s+\w+\s*\{([^}]*)\}", source.code):
        seen = {}
        for match in re.finditer(r"(\w+)\s*=\s*1u?\s*<<\s*(\d+)", enum.group(1)):
            other = seen.setdefault(match.group(2), match.group(1))
            if other != match.group(1):
                line = source.code.count("\n", 0, enum.start(1) + match.start()) + 1
                source.finding(line, f"{match.group(1)} is the same bit as {other}")


def main():
    sources = [Source(path) for path in sys.argv[1:]]
    inside = [source for source in sources if source.folder is not None]
    check_macros(sources)
    check_circles(inside)
    check_map(inside)
    check_figures(inside)
    for source in sources:
        check_sizes(source)
        check_flags(source)
        check_twice(source)
    for source in inside:
        if source.folder not in RANK:
            source.finding(1, f"{source.folder}/ is no folder, see RANKS in {sys.argv[0]}")
            continue
        check_includes(source)
        check_prints(source)
        check_texts(source)
        if source.path.endswith(".h"):
            check_comments(source)
    return findings > 0


sys.exit(main())
