#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Records commands on a terminal of its own as an SVG that moves: docs/record.py UCP OUTPUT.svg

Runs the commands below with bash, on a throwaway tree, shows what the terminal really got, when it got it, and stands
still at the end. Nothing is made up but the typing.
"""

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from xml.sax.saxutils import escape

COLUMNS, ROWS = 104, 16
CELL_WIDTH, CELL_HEIGHT = 8.4, 18
TYPING, PAUSE, LAST = 0.03, 0.8, 6.0  # seconds: a key, between commands, at the end
LEAST = 0.1                           # seconds a picture stands at least
# Each with the seconds after which ^C is typed, or None
COMMANDS = [
    ("time cp -a project copy-by-cp", None),
    ("time ucp -a project copy-by-ucp", None),
    ("ucp -a --resume --bwlimit=60M photos backup", 2.4),
    ("ucp -a --resume --stats photos backup | grep -e regular -e resumed", None),
    ("ucp photos/nope photos/2024/video.mp4 small-disk", None),
]
SETUP = """
    mkdir -p project photos/2023 photos/2024 small-disk
    for d in $(seq 200); do
        mkdir project/$d
        head -c 409600 /dev/urandom | split -b 4096 -a 3 - project/$d/file-
    done
    for i in $(seq 60); do head -c 1500000 /dev/urandom >photos/2023/$i.jpg; done
    for i in $(seq 90); do head -c 1200000 /dev/urandom >photos/2024/$i.jpg; done
    head -c 30000000 /dev/urandom >photos/2024/video.mp4
    mount -t tmpfs -o size=20M none small-disk
    sync -f .
"""


class Screen:
    """As much of a terminal as ucp needs."""

    def __init__(self):
        self.lines = [[]]
        self.column = 0
        self.color = ""

    def put(self, char):
        line = self.lines[-1]
        line.extend([(" ", "")] * (self.column + 1 - len(line)))
        line[self.column] = (char, self.color)
        self.column += 1

    def feed(self, text):
        for part in re.findall(r"\033\[[0-9;?]*[a-zA-Z]|.", text, re.S):
            if part == "\r":
                self.column = 0
            elif part == "\n":
                self.lines.append([])
                self.lines = self.lines[-ROWS:]
                self.column = 0
            elif part in ("\033[K", "\033[J"):
                del self.lines[-1][self.column:]
            elif part.startswith("\033"):
                self.color = "bar" if part == "\033[36m" else "" if part.endswith("m") else self.color
            else:
                self.put(part)

    def picture(self):
        return tuple(tuple(line) for line in self.lines)


def run(command, interrupt, cwd, path):
    """The pieces that COMMAND writes to its terminal, each with the seconds after the last one."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.environ.update(TERM="xterm", LC_ALL="C.UTF-8", PATH=path, TIMEFORMAT="%R seconds")
        os.environ.pop("NO_COLOR", None)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        os.execvp("bash", ["bash", "-c", command])
    first = last = time.monotonic()
    while True:
        left = None if interrupt is None else max(first + interrupt - time.monotonic(), 0)
        if not select.select([fd], [], [], left)[0]:
            os.write(fd, b"\x03")
            interrupt = None
            continue
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        now = time.monotonic()
        yield now - last, data.decode("utf-8", "replace").replace("\r\n", "\n")
        last = now
    os.waitpid(pid, 0)
    os.close(fd)


def record(cwd, path):
    """Pictures, each with the seconds for which it stands."""
    screen, pictures = Screen(), []

    def show(seconds):
        if pictures and (pictures[-1][0] == screen.picture() or pictures[-1][1] < LEAST):
            seconds += pictures.pop()[1]
        pictures.append((screen.picture(), seconds))

    for number, (command, interrupt) in enumerate(COMMANDS):
        screen.feed("$ ")
        show(PAUSE if number else 0.3)
        for char in command:
            screen.feed(char)
            show(TYPING)
        show(0.3)
        screen.feed("\n")
        for seconds, text in run(command, interrupt, cwd, path):
            show(seconds)
            screen.feed(text)
        show(PAUSE)
    screen.feed("$ ")
    show(LAST)
    return pictures


def line_svg(cells, row):
    parts, at = [], 0
    while at < len(cells):
        end = at
        while end < len(cells) and cells[end][1] == cells[at][1]:
            end += 1
        text = escape("".join(char for char, _ in cells[at:end]))
        style = f' class="{cells[at][1]}"' if cells[at][1] else ""
        parts.append(f'<tspan x="{at * CELL_WIDTH + 12:.1f}"{style}>{text}</tspan>')
        at = end
    return f'<text y="{row * CELL_HEIGHT + 26}" xml:space="preserve">{"".join(parts)}</text>' if cells else ""


def svg(pictures):
    """The pictures below each other, moved past a window by steps; the last one where nothing moves."""
    total = sum(seconds for _, seconds in pictures)
    height = ROWS * CELL_HEIGHT + 24
    width = COLUMNS * CELL_WIDTH + 24
    frames, body, at = [], [], 0.0
    for number, (picture, seconds) in enumerate(pictures):
        frames.append(f"{100 * at / total:.3f}%{{transform:translateY({-number * height}px)}}")
        body.append(f'<g transform="translate(0 {number * height})">'
                    + "".join(line_svg(line, row) for row, line in enumerate(picture)) + "</g>")
        at += seconds
    frames.append(f"100%{{transform:translateY({-(len(pictures) - 1) * height}px)}}")
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" '
        f'height="{height}" role="img" aria-label="ucp on a terminal">',
        "<style>text{font:14px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#d6d6d6;"
        "white-space:pre}.bar{fill:#39b5c4}"
        f"#film{{animation:film {total:.1f}s steps(1,end) infinite}}@keyframes film{{{''.join(frames)}}}"
        "@media(prefers-reduced-motion:reduce){#film{animation:none}}</style>",
        '<rect width="100%" height="100%" rx="6" fill="#1c1f24"/>',
        f'<svg width="{width:.0f}" height="{height}"><g id="film" transform="translate(0 {-(len(pictures) - 1) * height})">',
        *body,
        "</g></svg>",
        "</svg>",
        ""])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    ucp, output = os.path.abspath(sys.argv[1]), sys.argv[2]
    if "UCP_RECORDING" not in os.environ:
        # A mount namespace, for the file system that is to be full
        os.execvp("unshare", ["unshare", "-m", "env", "UCP_RECORDING=1", sys.executable, *sys.argv])
    scratch = tempfile.mkdtemp()
    try:
        subprocess.run(["bash", "-ec", SETUP], cwd=scratch, check=True)
        os.mkdir(os.path.join(scratch, "bin"))
        os.symlink(ucp, os.path.join(scratch, "bin/ucp"))
        pictures = record(scratch, os.path.join(scratch, "bin") + ":" + os.environ["PATH"])
    finally:
        subprocess.run(["umount", os.path.join(scratch, "small-disk")], check=False)
        shutil.rmtree(scratch)
    with open(output, "w", encoding="utf-8") as file:
        file.write(svg(pictures))


main()
