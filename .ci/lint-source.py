#!/usr/bin/env python3
"""The rules of this house that no general tool knows. Prints one line a finding.

Layers: a file includes headers of lower layers only, plus its own room's; ROOM-*.h are private to their room.
Sizes: functions and files stay short. Macros: each is used. Prints: only the report room does. Rings: only the ring room knows liburing.
Macros' arguments: none is opened twice. Comments: what a header offers is documented. Flags: no two of an enum are the same bit.
"""

import bisect
import os
import re
import sys

# Each room's layer. A room is NAME.h, NAME.c and NAME-*.[ch].
LAYERS = [
    ["prelude"],
    ["list", "thread", "std", "opts", "fail", "inode", "pair", "filter", "names", "growth", "event", "listing"],
    ["open", "twin"],
    ["report", "machine", "meta", "extent", "offload", "reach", "ring", "progress", "flush", "hash", "throttle", "select",
     "hidden"],
    ["tree", "scan", "sums", "medium", "journal"],
    ["links", "dest", "show"],
    ["file"],
    ["work"],
    ["worker"],
    ["coordinator", "cli"],
    ["main"],
]
LAYER = {room: i for i, rooms in enumerate(LAYERS) for room in rooms}

MAX_FUNCTION = 70
MAX_FILE = 600

# What prints by itself, and what prints when it is given stdout or stderr (or their numbers).
PRINTS = r"printf|vprintf|puts|putchar|perror|psignal|err|errx|warn|warnx|error|error_at_line"
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
        self.room = re.split(r"[-.]", self.name)[0]
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


def check_layers(source):
    for line, text in enumerate(source.lines, 1):
        match = re.match(r'\s*#\s*include\s*(["<])([^">]*)', text)
        if not match:
            continue
        if match.group(1) == '"':
            check_include(source, line, match.group(2))
        elif match.group(2) in ("liburing.h", "linux/io_uring.h") and source.room != "ring":
            source.finding(line, f"includes {match.group(2)}: only the ring room does")
        elif match.group(2) == "jansson.h" and source.room != "report":
            source.finding(line, "includes jansson.h: only the report room does")


def check_include(source, line, header):
    room = re.split(r"[-.]", header)[0]
    if "/" in header or room not in LAYER:
        source.finding(line, f"includes {header}, which is in no room")
    elif room == source.room:
        return
    elif "-" in header:
        source.finding(line, f"includes {header}, which is private to {room}")
    elif LAYER[room] >= LAYER[source.room]:
        source.finding(line, f"layer {LAYER[source.room]} includes {header} of layer {LAYER[room]}")


def check_sizes(source):
    if len(source.lines) > MAX_FILE:
        source.finding(MAX_FILE, f"{len(source.lines)} lines, more than {MAX_FILE}")
    for first, last, head, body in outer_parts(source):
        if body and is_function(head) and last - first + 1 > MAX_FUNCTION:
            name = re.search(r"(\w+)\s*\(", head).group(1)
            source.finding(first, f"{name} has {last - first + 1} lines, more than {MAX_FUNCTION}")


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
    if source.room == "report":
        return
    for line, match in source.matches(rf"(?<![\w.>])({PRINTS})\s*\(", strip_directives(source.code)):
        source.finding(line, f"{match.group(1)}: only report prints")
    for line, match in source.matches(rf"(?<![\w.>])({PRINTS_TO})\s*\(([^;]*);", strip_directives(source.code)):
        if re.search(TERMINAL, match.group(2)) or re.match(r"\s*[12]\s*,", match.group(2)):
            source.finding(line, f"{match.group(1)}: only report prints")


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
    check_macros(sources)
    for source in sources:
        check_sizes(source)
        check_flags(source)
        check_twice(source)
        if not source.path.startswith("src/"):
            continue
        if source.room not in LAYER:
            source.finding(1, f"{source.room} is no room, see LAYERS in {sys.argv[0]}")
            continue
        check_layers(source)
        check_prints(source)
        if source.path.endswith(".h"):
            check_comments(source)
    return findings > 0


sys.exit(main())
