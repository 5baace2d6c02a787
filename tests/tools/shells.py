# SPDX-License-Identifier: MIT
"""Drives the completions of ucp in their shells: what they offer, and what a line on a terminal becomes.

Each shell has two verbs: offers(lines, cwd) returns for each line the words that could stand at its end, without the
option and the = before a value, without a = behind an option, and without a slash behind a directory;
typed(keys, cwd) returns what an interactive shell's line is when these keys were typed.
"""

import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import tempfile
import time

from patience import patience

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = "/usr/share/bash-completion/bash_completion"
PATIENCE = 30


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, command, cwd, **env):
        self.name = command[0]
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            if cwd:
                os.chdir(cwd)
            os.environ.update(TERM="dumb", LC_ALL="C.UTF-8", **env)
            os.execvp(command[0], command)

    def send(self, text):
        self.seen = b""
        os.write(self.fd, text.encode())

    def wait_for(self, pattern):
        end = time.monotonic() + patience(PATIENCE)
        while not (found := re.search(pattern, self.seen, re.S)):
            if time.monotonic() > end:
                raise SystemExit(f"{self.name} is not heard of, it said {self.seen!r}")
            if select.select([self.fd], [], [], 0.1)[0]:
                self.seen += os.read(self.fd, 65536)
        return found

    def line_after(self, keys):
        """The line when KEYS were typed, as Ctrl-X p shows it."""
        self.send(keys + "\x18p")
        return self.wait_for(rb"<<(.*)>>")[1].decode()

    def end(self):
        self.send("\x15exit\n")
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def bare(line, word):
    """WORD as offered at the end of LINE, without what all shells write differently."""
    last = re.split(r"\s", line)[-1]
    option = re.match(r"--[a-z-]+=", last)
    if option and word.startswith(option[0]):
        word = word[option.end():]
    elif word.startswith("-"):
        word = word.rstrip("=")
    return word.rstrip("/")


def answers(lines, text):
    """What is offered for each of LINES, from a shell's answers: a line for each word, "end" behind each of LINES."""
    parts = re.split(r"^end\n", text, flags=re.M)
    if len(parts) != len(lines) + 1 or parts[-1]:
        raise SystemExit(f"{len(lines)} lines to be completed, {len(parts) - 1} answers")
    return [sorted({bare(line, word) for word in part.splitlines() if word}) for line, part in zip(lines, parts)]


class Bash:
    def __init__(self, root, package=False):
        self.name = "bash with bash-completion" if package else "bash"
        self.package = PACKAGE if package else ""
        self.file = os.path.join(root, "completions/ucp.bash")
        self.here = not package or os.path.exists(PACKAGE)

    @staticmethod
    def words(line):
        """The words of LINE as bash hands them out, which breaks at = and : as well."""
        return [word for part in re.split(r"\s+", line) for word in re.findall(r"[=:]+|[^=:]+", part) or [""]]

    def raw(self, lines, cwd=None):
        """What the completion puts into COMPREPLY for each of LINES, and "end"."""
        script = r"""
            if [[ $1 ]]; then . "$1"; fi
            . "$2" || exit 3
            shift 2
            [[ $(complete -p ucp) =~ -F\ ([^ ]+)\ ucp ]] || exit 4
            while (($#)); do
                COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9 COMP_KEY=9
                COMP_WORDS=("${@:3:$2}") COMP_CWORD=$(($2 - 1)) COMPREPLY=()
                shift $(($2 + 2))
                "${BASH_REMATCH[1]}" ucp "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
                if ((${#COMPREPLY[@]})); then printf '%s\n' "${COMPREPLY[@]}"; fi
                echo end
                [[ $(complete -p ucp) =~ -F\ ([^ ]+)\ ucp ]]
            done
        """
        args = []
        for line in lines:
            words = self.words(line)
            args += [line, str(len(words)), *words]
        done = subprocess.run(["bash", "--norc", "--noprofile", "-c", script, "bash", self.package, self.file, *args],
                              cwd=cwd, capture_output=True, text=True, timeout=patience(PATIENCE))
        # The package's own helpers say so when nobody is completing.
        noise = [text for text in done.stderr.splitlines() if "compopt: not currently executing" not in text]
        if done.returncode != 0 or noise:
            raise SystemExit(f"{self.name}: exit status {done.returncode}, {noise}")
        return done.stdout

    def offers(self, lines, cwd=None):
        return answers(lines, self.raw(lines, cwd))

    def typed(self, keys, cwd=None):
        terminal = Terminal(["bash", "--norc", "--noprofile", "-i"], cwd, PS1="", INPUTRC="/dev/null",
                            HISTFILE="/dev/null")
        for file in (self.package, self.file):
            if file:
                terminal.send(f". {shlex.quote(file)}\n")
        terminal.send("bind 'set bell-style none' 'set completion-query-items 0' 'set page-completions off'\n"
                      "bind -x '\"\\C-xp\": printf \"<<%s>>\" \"$READLINE_LINE\"'; echo RE''ADY\n")
        terminal.wait_for(rb"READY\r?\n")
        line = terminal.line_after(keys)
        terminal.end()
        return line


class Zsh:
    name = "zsh"

    def __init__(self, root):
        self.directory = os.path.join(root, "completions")
        self.here = bool(shutil.which("zsh"))

    def start(self, cwd, queries="", answers_file=""):
        # -f: no start-up files
        terminal = Terminal(["zsh", "-f", "-i"], cwd, HISTFILE="/dev/null")
        words = [os.path.join(HERE, "completion.zsh"), self.directory, queries, answers_file]
        terminal.send(". " + " ".join(shlex.quote(word) for word in words) + "\n")
        terminal.wait_for(rb"READY\r?\n")
        return terminal

    def offers(self, lines, cwd=None):
        with tempfile.TemporaryDirectory() as scratch:
            queries, found = os.path.join(scratch, "queries"), os.path.join(scratch, "found")
            with open(queries, "w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
            terminal = self.start(cwd, queries, found)
            terminal.send("\x18a")
            terminal.wait_for(rb"<<done>>")
            terminal.end()
            with open(found, encoding="utf-8") as file:
                return answers(lines, file.read())

    def typed(self, keys, cwd=None):
        terminal = self.start(cwd)
        line = terminal.line_after(keys)
        terminal.end()
        return line


class Fish:
    name = "fish"

    def __init__(self, root):
        self.file = os.path.join(root, "completions/ucp.fish")
        self.here = bool(shutil.which("fish"))
        # It keeps files of its own at home
        self.home = tempfile.TemporaryDirectory() if self.here else None

    def env(self):
        return {"HOME": self.home.name, "XDG_CONFIG_HOME": self.home.name, "XDG_DATA_HOME": self.home.name}

    def offers(self, lines, cwd=None):
        done = subprocess.run(["fish", "--no-config", os.path.join(HERE, "completion.fish"), self.file, *lines], cwd=cwd,
                              env={**os.environ, "LC_ALL": "C.UTF-8", **self.env()}, capture_output=True, text=True,
                              timeout=patience(PATIENCE))
        if done.returncode != 0 or done.stderr:
            raise SystemExit(f"fish: exit status {done.returncode}, {done.stderr!r}")
        return answers(lines, done.stdout)

    def typed(self, keys, cwd=None):
        terminal = Terminal(["fish", "--no-config", "-i"], cwd, **self.env())
        terminal.send(f"source {shlex.quote(self.file)}; function fish_prompt; end; "
                      "bind \\cxp 'printf \"<<%s>>\" (commandline)'; echo RE''ADY\n")
        terminal.wait_for(rb"READY\r?\n")
        line = terminal.line_after(keys)
        terminal.end()
        return line


def all_shells(root):
    """Those that are installed."""
    return [shell for shell in (Bash(root), Bash(root, package=True), Zsh(root), Fish(root)) if shell.here]
