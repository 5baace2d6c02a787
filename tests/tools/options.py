#!/usr/bin/env python3
"""Holds the options of `ucp --help`, the manual page and the bash completion
against each other, and drives the completion in a bash of its own.

  options.py names|kinds|values|hidden|version|operands|abbreviations   [--ucp=PATH] [--root=DIR]
  options.py parse FILE...     commands of FILE are understood by ucp
  options.py commands FILE     print the commands in the examples of FILE
  options.py complete [--package] LINE    what the completion offers at the end of LINE
  options.py type [--package] KEYS        what a terminal's line becomes when KEYS are typed

Prints each difference; the exit status is 1 if there is one.
"""

import argparse
import os
import pty
import re
import select
import shlex
import subprocess
import sys
import tempfile
import time

PACKAGE = "/usr/share/bash-completion/bash_completion"
# The long options of cp 9.11, and those that are one.
OF_CP = """archive attributes-only backup context copy-contents debug dereference force help interactive
    keep-directory-symlink link no-clobber no-dereference no-preserve no-target-directory one-file-system parents path
    preserve recursive reflink remove-destination sparse strip-trailing-slashes suffix symbolic-link target-directory
    update verbose version""".split()
SAME = {"path": "parents"}
# Their values are names of files.
NO_ARG, NEEDS_ARG, MAY_HAVE_ARG = "no argument", "an argument", "an optional argument"


class Options:
    """What one of the three papers says."""

    def __init__(self, where):
        self.where = where
        self.kinds = {}    # option -> NO_ARG, …
        self.groups = {}   # option -> all names of it, if the paper tells
        self.values = {}   # long option -> set of words, if it has such
        self.texts = {}    # option -> what is said of it, in --help
        self.files = set() # options that take the name of a file

    def add(self, line):
        """Add the entry that LINE starts with, like '-t, --target-directory=DIRECTORY'."""
        names, kind, rest = [], NO_ARG, line.strip() + ", "
        while found := re.match(r"(--[a-z][a-z-]*|-[A-Za-z0-9?])(\[=?[^]]+\]|=\S+?| [A-Z_]+)?(, | .*)", rest):
            names.append(found[1])
            if found[2]:
                kind = MAY_HAVE_ARG if found[2].startswith("[") else NEEDS_ARG
                if found[2] == "=FILE":
                    self.files.add(names[-1])
            rest = rest[found.end(2 if found[2] else 1):]
            if not rest.startswith(", "):
                break
            rest = rest[2:]
        if not names:
            raise SystemExit(f"{self.where}: cannot read the options in {line!r}")
        for name in names:
            if name in self.kinds:
                raise SystemExit(f"{self.where}: {name} is there twice")
            self.kinds[name] = kind
            self.groups[name] = frozenset(names)
        return names


def run(ucp, *args):
    env = dict(os.environ, LC_ALL="C")
    for name in ("ARGP_HELP_FMT", "POSIXLY_CORRECT"):
        env.pop(name, None)
    return subprocess.run([ucp, *args], env=env, capture_output=True, text=True, timeout=30)


def read_help(ucp):
    done = run(ucp, "--help")
    if done.returncode != 0 or done.stderr:
        raise SystemExit(f"--help: exit status {done.returncode}, {done.stderr!r}")
    options = Options("--help")
    names = []
    for line in done.stdout.splitlines():
        if re.match(r" {1,8}-", line):
            names = options.add(line)
            line = line[30:]
        elif not line.startswith(" "):
            names = []
        for name in names:
            options.texts[name] = options.texts.get(name, "") + line + "\n"
    options.text = done.stdout
    if not options.kinds:
        raise SystemExit("--help shows no options")
    return options


def plain(line):
    """The text of a line of roff."""
    found = re.match(r"\.(\S+)\s*(.*)", line)
    if found and found[1] in ("B", "I", "BR", "BI", "RB", "RI", "IB", "IR"):
        words = [quoted or bare for quoted, bare in re.findall(r'"([^"]*)"|(\S+)', found[2])]
        line = ("" if len(found[1]) == 2 else " ").join(words)
    line = re.sub(r"\\f(?:[BIRP]|\[[^]]*\])", "", line)
    return line.replace(r"\-", "-").replace(r"\(aq", "'").replace(r"\e", "\\")


def man_section(man, title):
    with open(man, encoding="utf-8") as file:
        text = file.read()
    found = re.search(rf'^\.SH "?{title}"?\n(.*?)(?=^\.SH|\Z)', text, re.M | re.S)
    if not found:
        raise SystemExit(f"{man}: no section {title}")
    return found[1].splitlines()


def read_man(man):
    options = Options("the manual page")
    names, depth, tag = [], 0, False
    for line in man_section(man, "OPTIONS"):
        if tag:
            text = plain(line)
            if depth == 0:
                names = options.add(text)
            else:
                for name in names:
                    # Synonyms stand beside each other
                    options.values.setdefault(name, set()).update(text.split(", "))
            tag = False
        elif line == ".RS":
            depth += 1
        elif line == ".RE":
            depth -= 1
        elif line in (".TP", ".TQ"):
            tag = True
    if depth != 0:
        raise SystemExit(f"{man}: .RS and .RE do not match")
    return options


def words_of(line):
    """The words of LINE as bash hands them out, which breaks at = and : as well."""
    return [word for part in re.split(r"\s+", line) for word in re.findall(r"[=:]+|[^=:]+", part) or [""]]


def complete(completion, line, package=False, cwd=None):
    script = r"""
        if [[ $1 ]]; then . "$1"; fi
        . "$2" || exit 3
        COMP_LINE=$3 COMP_POINT=${#3} COMP_TYPE=9 COMP_KEY=9
        COMP_WORDS=("${@:4}") COMP_CWORD=$(($# - 4))
        [[ $(complete -p ucp) =~ -F\ ([^ ]+)\ ucp ]] || exit 4
        "${BASH_REMATCH[1]}" ucp "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        if ((${#COMPREPLY[@]})); then printf '%s\n' "${COMPREPLY[@]}"; fi
    """
    done = subprocess.run(
        ["bash", "--norc", "--noprofile", "-c", script, "bash",
         PACKAGE if package else "", completion, line, *words_of(line)],
        cwd=cwd, capture_output=True, text=True, timeout=30)
    # The package's own helpers say so when nobody is completing.
    noise = [text for text in done.stderr.splitlines() if "compopt: not currently executing" not in text]
    if done.returncode != 0 or noise:
        raise SystemExit(f"completing {line!r}: exit status {done.returncode}, {noise}")
    return done.stdout.splitlines()


def read_completion(completion):
    options = Options("the completion")
    with tempfile.TemporaryDirectory() as empty:
        offered = complete(completion, "ucp -", cwd=empty)
        if len(offered) != len(set(offered)):
            raise SystemExit("the completion offers an option twice")
        for name in {word.rstrip("=") for word in offered}:
            alone, with_value = name in offered, f"{name}=" in offered
            if alone and with_value:
                options.kinds[name] = MAY_HAVE_ARG
            else:
                options.kinds[name] = NO_ARG if alone else NEEDS_ARG
            if with_value:
                words = complete(completion, f"ucp {name}=", cwd=empty)
                if words:
                    options.values[name] = set(words)
    return options


def read_all(args):
    return read_help(args.ucp), read_man(args.man), read_completion(args.completion)


def check_names(args):
    paper, man, completion = read_all(args)
    lines = []
    for here in (paper, man, completion):
        for there in (paper, man, completion):
            lines += [f"{name} is in {here.where} and not in {there.where}"
                      for name in sorted(here.kinds) if name not in there.kinds]
    for name in sorted(paper.groups.keys() & man.groups.keys()):
        if paper.groups[name] != man.groups[name]:
            lines.append(f"{name} is the same as {sorted(paper.groups[name])} in {paper.where} "
                         f"and as {sorted(man.groups[name])} in {man.where}")
    return lines


def check_kinds(args):
    papers = read_all(args)
    lines = []
    for name in sorted(papers[0].kinds):
        # The completion cannot tell for short ones: check_operands tries those.
        said = {paper.where: paper.kinds[name] for paper in papers
                if name in paper.kinds and not (paper is papers[2] and len(name) == 2)}
        if len(set(said.values())) > 1:
            lines.append(f"{name} takes " + ", ".join(f"{kind} in {where}" for where, kind in said.items()))
    return lines


def values_of_program(ucp, name):
    """The words that ucp itself names when it is given one that is wrong."""
    done = run(ucp, f"{name}=no-such-word", "a", "b")
    if done.returncode != 1:
        raise SystemExit(f"ucp {name}=no-such-word: exit status {done.returncode}")
    found = re.search(r"Valid arguments are:\n((?:  - .*\n)+)", done.stderr)
    return set(re.findall(r"[a-z][a-z-]*", found[1])) if found else set()


def check_values(args):
    paper, man, completion = read_all(args)
    lines = []
    names = man.values.keys() | completion.values.keys()
    if not names:
        return ["no option with words for values was found"]
    for name in sorted(names):
        program = values_of_program(args.ucp, name)
        said = {"ucp's message": program,
                man.where: man.values.get(name, set()),
                completion.where: completion.values.get(name, set())}
        for here, words in said.items():
            for there, others in said.items():
                lines += [f"{name}={word} is in {here} and not in {there}" for word in sorted(words - others)]
        for word in sorted(set().union(*said.values())):
            # --help has them in prose, those of --no-preserve with --preserve.
            text = paper.texts[name.replace("--no-", "--")]
            if not re.search(rf"(?<![\w-]){word}(?![\w-])", text):
                lines.append(f"{name}={word} is not with {name} in {paper.where}")
            # Without operands that is what must be wrong, if anything.
            if "Valid arguments" in run(args.ucp, f"{name}={word}").stderr:
                lines.append(f"ucp does not take {name}={word}")
    # An option that takes words must have them in the papers.
    for name in sorted(paper.kinds):
        if name.startswith("--") and paper.kinds[name] != NO_ARG and name not in names:
            if re.search("Valid arguments", run(args.ucp, f"{name}=no-such-word", "a", "b").stderr):
                lines.append(f"{name} takes words, which no paper names")
    return lines


def check_hidden(args):
    """What is for tests only is nowhere, and is there."""
    lines = [f"{name} is in {paper.where}" for paper in read_all(args)
             for name in ("--x-inject",) if name in paper.kinds]
    with open(args.man, encoding="utf-8") as man, open(args.completion, encoding="utf-8") as completion:
        for name, text in (("--help", read_help(args.ucp).text), (args.man, man.read()),
                           (args.completion, completion.read())):
            if "inject" in text.replace("\\-", "-"):
                lines.append(f"{name} speaks of --x-inject")
    if run(args.ucp, "--x-inject=short-read", "--version").returncode != 0:
        lines.append("ucp has no --x-inject")
    return lines


def check_version(args):
    done = run(args.ucp, "--version")
    with open(args.man, encoding="utf-8") as file:
        found = re.search(r'^\.TH UCP 1 \S+ "ucp ([^"]+)"', file.read(), re.M)
    if not found:
        return ["the manual page names no version"]
    if found[1] not in done.stdout.split("\n")[0].split():
        return [f"version {found[1]} in the manual page, {done.stdout.splitlines()[:1]} from ucp"]
    return []


def check_abbreviations(args):
    """What is clear when shortened for cp is clear for ucp, whatever ucp has besides."""
    shortened = {}
    for name in OF_CP:
        for length in range(1, len(name) + 1):
            shortened.setdefault(name[:length], set()).add(SAME.get(name, name))
    lines = []
    for short, names in sorted(shortened.items()):
        # An argument that is wrong for every option, so that each says which one it is.
        done = run(args.ucp, f"--{short}=/no such word", "a", "b")
        if len(names) == 1 and "ambiguous;" in done.stderr:
            lines.append(f"--{short} can only be --{min(names)} for cp: {done.stderr.splitlines()[0]}")
    return lines


def check_operands(args):
    """After an option that needs an argument the next word is its value, else an operand."""
    paper = read_help(args.ucp)
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        with open(os.path.join(scratch, "plain-file"), "w", encoding="utf-8"):
            pass
        os.mkdir(os.path.join(scratch, "plain-directory"))
        for package in (False, True) if os.path.exists(PACKAGE) else (False,):
            for name, kind in sorted(paper.kinds.items()):
                spellings = [name] if name.startswith("--") else [name, "-v" + name[1:]]
                for spelling in spellings:
                    offered = complete(args.completion, f"ucp {spelling} plain", package, scratch)
                    takes_value = kind == NEEDS_ARG and name not in paper.files
                    if ("plain-file" in offered) == takes_value:
                        lines.append(f"ucp {spelling} takes {kind}, but then the completion offers {offered}")
    return lines


def examples(path):
    """The commands in the examples of a manual page or of a text with ```sh blocks."""
    if path.endswith(".1"):
        inside, lines = False, []
        for line in man_section(path, "EXAMPLES"):
            if line in (".EX", ".EE"):
                inside = line == ".EX"
            elif inside:
                lines.append(plain(line))
        return lines
    with open(path, encoding="utf-8") as file:
        text = file.read()
    lines = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)).splitlines()
    lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in lines]
    return [line for line in lines if re.search(r"(^|\s)ucp\s", line)]


def check_parse(args):
    lines = []
    for path in args.words:
        commands = examples(path)
        if len(commands) < 6:
            lines.append(f"{path}: only {len(commands)} examples were found")
        for command in commands:
            words = shlex.split(command)
            # The examples end with their ucp command.
            done = run(args.ucp, *words[words.index("ucp") + 1:], "--version")
            if done.returncode != 0:
                lines.append(f"{path}: {command}: {done.stderr.strip()}")
    return lines


def type_keys(completion, keys, package):
    """The command line of an interactive bash on a terminal after KEYS."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="dumb", PS1="", LC_ALL="C.UTF-8", INPUTRC="/dev/null", HISTFILE="/dev/null")
        os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
    seen = b""

    def wait_for(pattern):
        nonlocal seen
        end = time.monotonic() + 20
        while not re.search(pattern, seen, re.S):
            if time.monotonic() > end:
                raise SystemExit(f"bash is not heard of, it said {seen!r}")
            if select.select([terminal], [], [], 0.1)[0]:
                seen += os.read(terminal, 65536)

    def send(text):
        os.write(terminal, text.encode())

    if package:
        send(f". {PACKAGE}\n")
    send(f". {shlex.quote(completion)}\n")
    # Ctrl-X p shows the line as it is.
    send("bind 'set bell-style none' 'set completion-query-items 0' 'set page-completions off'\n"
         "bind -x '\"\\C-xp\": printf \"<<%s>>\" \"$READLINE_LINE\"'; echo RE''ADY\n")
    wait_for(rb"READY\r?\n")
    seen = b""
    send(keys + "\x18p")
    wait_for(rb"<<.*>>")
    line = re.search(rb"<<(.*)>>", seen, re.S)[1].decode()
    send("\x15exit\n")
    os.close(terminal)
    os.waitpid(pid, 0)
    return line


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("what")
    parser.add_argument("words", nargs="*")
    parser.add_argument("--ucp", default="ucp")
    parser.add_argument("--root", default=os.path.join(here, "..", ".."))
    parser.add_argument("--man")
    parser.add_argument("--completion")
    parser.add_argument("--package", action="store_true")
    args = parser.parse_intermixed_args()
    args.man = os.path.abspath(args.man or os.path.join(args.root, "man/ucp.1"))
    args.completion = os.path.abspath(args.completion or os.path.join(args.root, "completions/ucp.bash"))

    if args.what == "complete":
        print("\n".join(complete(args.completion, args.words[0], args.package)))
    elif args.what == "type":
        keys = args.words[0].encode().decode("unicode_escape")
        print(type_keys(args.completion, keys, args.package))
    elif args.what == "commands":
        print("\n".join(examples(args.words[0])))
    else:
        checks = {"names": check_names, "kinds": check_kinds, "values": check_values, "hidden": check_hidden,
                  "version": check_version, "operands": check_operands, "parse": check_parse,
                  "abbreviations": check_abbreviations}
        if args.what not in checks:
            parser.error(f"no such check: {args.what}")
        lines = checks[args.what](args)
        if lines:
            print("\n".join(lines))
            sys.exit(1)


main()
