#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the options of `ucp --help`, the manual page and the completions of all
shells that are here against each other.

  options.py names|kinds|values|help|hidden|version|operands|abbreviations   [--ucp=PATH] [--root=DIR]
  options.py parse FILE...     commands of FILE are understood by ucp
  options.py commands FILE [SECTION]    print the commands in the examples of FILE, of a manual page those in SECTION
  options.py offers FILE       the completions offer what FILE says: on each of its lines, with tabs between, the shell
                               (or nothing: all), the line to complete, the words that are offered
  options.py typed KEYS LINE [SHELL=LINE]...    the line on a terminal becomes LINE when KEYS are typed, in all shells
                               or those for which no other is named

Prints each difference; the exit status is 1 if there is one.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile

import shells
from patience import patience

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
    return subprocess.run([ucp, *args], env=env, capture_output=True, text=True, timeout=patience(30))


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
        elif not re.match(" {20}", line):
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


def read_completion(shell, paper):
    """What a completion offers, with the values of those options that have some in PAPER."""
    options = Options(f"the completion for {shell.name}")
    # All offer short options and long ones together
    long = sorted(name for name in paper.kinds if name.startswith("--") and paper.kinds[name] != NO_ARG)
    with tempfile.TemporaryDirectory() as empty:
        names, *values = shell.offers(["ucp -", *(f"ucp {name}=" for name in long)], empty)
    options.kinds = dict.fromkeys(names)
    options.values = {name: set(words) for name, words in zip(long, values) if words and words != ["-"]}
    return options


def read_all(args):
    paper = read_help(args.ucp)
    return paper, read_man(args.man), [read_completion(shell, paper) for shell in shells.all_shells(args.root)]


def check_names(args):
    paper, man, completions = read_all(args)
    lines = []
    for here in (paper, man, *completions):
        for there in (paper, man, *completions):
            lines += [f"{name} is in {here.where} and not in {there.where}"
                      for name in sorted(here.kinds) if name not in there.kinds]
    for name in sorted(paper.groups.keys() & man.groups.keys()):
        if paper.groups[name] != man.groups[name]:
            lines.append(f"{name} is the same as {sorted(paper.groups[name])} in {paper.where} "
                         f"and as {sorted(man.groups[name])} in {man.where}")
    return lines


def check_kinds(args):
    paper, man = read_help(args.ucp), read_man(args.man)
    # The completion for bash tells, by a = behind the name; check_operands tries it with all of them
    offered = shells.Bash(args.root).raw(["ucp -"]).split()
    lines = []
    for name, kind in sorted(paper.kinds.items()):
        said = {paper.where: kind, man.where: man.kinds.get(name)}
        if name.startswith("--"):
            alone, with_value = name in offered, f"{name}=" in offered
            said["the completion"] = (MAY_HAVE_ARG if alone else NEEDS_ARG) if with_value else NO_ARG
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
    paper, man, completions = read_all(args)
    lines = []
    names = man.values.keys() | {name for completion in completions for name in completion.values}
    if not names:
        return ["no option with words for values was found"]
    for name in sorted(names):
        program = values_of_program(args.ucp, name)
        said = {"ucp's message": program,
                **{other.where: other.values.get(name, set()) for other in (man, *completions)}}
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


def check_help(args):
    """It fits 80 columns, and every option stands below the name of a topic."""
    lines, topic, topics = [], None, []
    for line in read_help(args.ucp).text.splitlines():
        if len(line) >= 80:
            lines.append(f"--help is {len(line)} columns wide: {line}")
        if found := re.fullmatch(r" ([A-Z][a-z ]+):", line):
            topic = found[1]
            topics.append(topic)
        elif not line:
            topic = None
        elif re.match(r" {2,6}-", line) and not topic:
            lines.append(f"--help has no topic for: {line.strip()}")
    if len(topics) < 6 or len(topics) != len(set(topics)):
        lines.append(f"topics of --help: {topics}")
    return lines


def check_hidden(args):
    """What is for tests only is nowhere, and is there."""
    texts = {"--help": read_help(args.ucp).text}
    directory = os.path.join(args.root, "completions")
    for path in [args.man, *(os.path.join(directory, name) for name in os.listdir(directory))]:
        with open(path, encoding="utf-8") as file:
            texts[path] = file.read()
    lines = [f"{name} speaks of --x-inject" for name, text in texts.items() if "inject" in text.replace("\\-", "-")]
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
    """After an option that needs an argument the next word is its value, else an operand; or what follows is an error."""
    paper = read_help(args.ucp)
    lines, tried = [], []
    for name, kind in sorted(paper.kinds.items()):
        takes_file = name in paper.files and "behind '='" not in run(args.ucp, name, "a", "b").stderr
        tried += [(spelling, kind, takes_file or kind != NEEDS_ARG)
                  for spelling in ([name] if name.startswith("--") else [name, "-v" + name[1:]])
                  if name not in ("-h", "--help", "-V", "--version")]
    with tempfile.TemporaryDirectory() as scratch:
        with open(os.path.join(scratch, "plain-file"), "w", encoding="utf-8"):
            pass
        os.mkdir(os.path.join(scratch, "plain-directory"))
        for shell in shells.all_shells(args.root):
            offers = shell.offers([f"ucp {spelling} plain" for spelling, _, _ in tried], scratch)
            lines += [f"ucp {spelling} takes {kind}, but then the completion for {shell.name} offers {offered}"
                      for (spelling, kind, takes_file), offered in zip(tried, offers)
                      if ("plain-file" in offered) != takes_file]
    return lines


def check_offers(args):
    """In the directory where this is run."""
    with open(args.words[0], encoding="utf-8") as file:
        wanted = [line.rstrip("\n").split("\t") for line in file]
    lines = []
    for shell in shells.all_shells(args.root):
        here = [(line, sorted(words)) for name, line, *words in wanted if name in ("", shell.name.split()[0])]
        lines += [f"{shell.name}: completing {line!r} offers {offered}, not {words}"
                  for (line, words), offered in zip(here, shell.offers([line for line, _ in here])) if offered != words]
    return lines


def check_typed(args):
    keys, wanted, *others = args.words
    others = dict(word.split("=", 1) for word in others)
    keys = keys.encode().decode("unicode_escape")
    lines = []
    for shell in shells.all_shells(args.root):
        line, want = shell.typed(keys), others.get(shell.name, wanted)
        if line != want:
            lines.append(f"{shell.name}: typing {keys!r} gives {line!r}, not {want!r}")
    return lines


def examples(path, section="EXAMPLES"):
    """The commands in the examples of a section of a manual page, or of a text with ```sh blocks."""
    if path.endswith(".1"):
        inside, lines = False, []
        for line in man_section(path, section):
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
            if "ucp" not in words:
                continue
            # The examples end with their ucp command.
            done = run(args.ucp, *words[words.index("ucp") + 1:], "--version")
            if done.returncode != 0:
                lines.append(f"{path}: {command}: {done.stderr.strip()}")
    return lines


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("what")
    parser.add_argument("words", nargs="*")
    parser.add_argument("--ucp", default="ucp")
    parser.add_argument("--root", default=os.path.join(here, "..", ".."))
    parser.add_argument("--man")
    args = parser.parse_intermixed_args()
    args.man = os.path.abspath(args.man or os.path.join(args.root, "man/ucp.1"))
    args.root = os.path.abspath(args.root)

    if args.what == "commands":
        print("\n".join(examples(*args.words)))
    else:
        checks = {"names": check_names, "kinds": check_kinds, "values": check_values, "help": check_help,
                  "hidden": check_hidden, "version": check_version, "operands": check_operands, "parse": check_parse,
                  "abbreviations": check_abbreviations,
                  "offers": check_offers, "typed": check_typed}
        if args.what not in checks:
            parser.error(f"no such check: {args.what}")
        lines = checks[args.what](args)
        if lines:
            print("\n".join(lines))
            sys.exit(1)


main()
