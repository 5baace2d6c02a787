#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a command on a terminal of its own and looks at what it shows there.

  terminal.py [--columns=N] [--lines=N] [--unset=NAME]... [--set=NAME=VALUE]... [STEP]... -- COMMAND...

STEPs, in their order:
  --wait=REGEX     until a line of the screen is all that
  --resize=N       make the terminal so many columns wide; what does not fit is cut, as by xterm
  --reflow=N       the same, and what does not fit goes on in the next line, as with most others
  --do=SHELL       run this; $pid is the command's process
  --type=TEXT      type this
  --plain          there must be no escape sequence in all of it; --colors: there must be a colour; --no-colors

When the command has ended the screen is printed, without the blanks at the ends of its lines and the empty lines below.
The exit status is the command's, 128 + N for a signal; 125 if something was wrong: a step waited in vain, a line that
was to be taken back was wider than the terminal, or there was a control sequence that not every terminal has.
"""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

from patience import patience

PATIENCE = 30


class Wrong(Exception):
    pass


class Screen:
    """As much of a terminal as a program may need that only writes lines."""

    def __init__(self, columns):
        self.columns = columns
        self.lines = [""]
        self.row = 0
        self.column = 0
        self.wrapped = False
        self.controls = set()
        self.rest = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    def feed(self, data):
        text = self.rest + self.decoder.decode(data)
        at = 0
        while at < len(text):
            if text[at] == "\033":
                found = re.compile(r"\033\[([0-9;]*)([a-zA-Z])").match(text, at)
                if not found:
                    break  # the rest comes later
                self.control(found[1], found[2])
                at = found.end()
                continue
            # The terminal makes two of a new line
            end = text[at:at + 2] == "\r\n"
            if text[at] == "\r" and at + 1 == len(text):
                break
            self.put("\n" if end else text[at])
            at += 2 if end else 1
        self.rest = text[at:]
        if len(self.rest) > 20:
            raise Wrong(f"what is {self.rest!r}?")

    def control(self, numbers, letter):
        self.controls.add(letter)
        if letter == "K" and numbers == "":
            self.lines[self.row] = self.lines[self.row][:self.column]
        elif letter == "J" and numbers == "":
            self.lines[self.row:] = [self.lines[self.row][:self.column]]
        elif letter != "m":
            raise Wrong(f"there was an escape sequence {numbers}{letter}")

    def put(self, char):
        if char == "\r":
            if self.wrapped:
                raise Wrong(f"a line that goes on in the next one cannot be taken back: {self.lines[self.row]!r}")
            self.column = 0
        elif char == "\n":
            self.next_line()
            self.wrapped = False
        elif char < " " or "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff":
            raise Wrong(f"there was a control character {char!r}")
        else:
            if self.column >= self.columns:
                self.next_line()
                self.wrapped = True
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[:self.column] + char + line[self.column + 1:]
            self.column += 1

    def next_line(self):
        self.row += 1
        self.column = 0
        if self.row == len(self.lines):
            self.lines.append("")

    def reflow(self, columns):
        """Break what is wider than COLUMNS; the cursor stays on its character."""
        if self.rest == "\r":
            # Nothing comes behind it any more
            self.put("\r")
            self.rest = ""
        lines, cursor = [], (0, 0)
        for row, line in enumerate(self.lines):
            if row == self.row:
                cursor = (len(lines) + self.column // columns, self.column % columns)
            lines += [line[at:at + columns] for at in range(0, max(len(line), 1), columns)]
        self.row, self.column = cursor
        self.lines = lines + [""] * (self.row + 1 - len(lines))

    def check(self, demands):
        wanted = {"plain": not self.controls, "colors": "m" in self.controls, "no-colors": "m" not in self.controls}
        for demand in demands:
            if not wanted[demand]:
                raise Wrong(f"not {demand}: there were {self.controls}")

    def has(self, regex):
        return any(re.fullmatch(regex, line) for line in self.lines)

    def text(self):
        return "\n".join(line.rstrip() for line in self.lines).rstrip("\n")


class Terminal:
    def __init__(self, columns, lines, changes, command):
        self.screen = Screen(columns)
        self.rows = lines
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            for name, value in changes:
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
            # The width is there when the program begins
            self.fd = 1
            self.set_size()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            os.execvp(command[0], command)

    def set_size(self):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", self.rows, self.screen.columns, 0, 0))

    def read(self, seconds):
        """Read what there is. Returns whether there may be more."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.screen.feed(data)
        return bool(data)

    def wait(self, regex):
        end = time.monotonic() + patience(PATIENCE)
        while not self.screen.has(regex):
            if time.monotonic() > end or not self.read(0.1):
                raise Wrong(f"waited in vain for {regex!r}, the screen is {self.screen.lines!r}")

    def resize(self, columns, reflow):
        # What stood there is as it was: only what comes now must fit
        if reflow:
            self.screen.reflow(columns)
        self.screen.columns = columns
        self.set_size()

    def run(self, command):
        subprocess.run(["bash", "-c", command], env=dict(os.environ, pid=str(self.pid)), check=True)

    def end(self):
        while self.read(1):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def main():
    columns, lines, changes, steps = 80, 24, [], []
    words = sys.argv[1:]
    if "--" not in words:
        sys.exit(__doc__)
    for word in words[:words.index("--")]:
        name, _, value = word[2:].partition("=")
        if name == "columns":
            columns = int(value)
        elif name == "lines":
            lines = int(value)
        elif name == "unset":
            changes.append((value, None))
        elif name == "set":
            changes.append(tuple(value.split("=", 1)))
        elif name in ("wait", "resize", "reflow", "do", "type", "plain", "colors", "no-colors"):
            steps.append((name, value))
        else:
            sys.exit(f"what is {word}?")
    terminal = Terminal(columns, lines, changes, words[words.index("--") + 1:])
    demands = []
    try:
        for name, value in steps:
            if name == "wait":
                terminal.wait(value)
            elif name in ("resize", "reflow"):
                terminal.resize(int(value), name == "reflow")
            elif name == "do":
                terminal.run(value)
            elif name != "type":
                demands.append(name)
            else:
                os.write(terminal.fd, value.encode())
        status = terminal.end()
        terminal.screen.check(demands)
    except Wrong as wrong:
        print(f"terminal.py: {wrong}", file=sys.stderr)
        os.kill(terminal.pid, signal.SIGKILL)
        sys.exit(125)
    print(terminal.screen.text())
    sys.exit(status if status >= 0 else 128 - status)


main()
