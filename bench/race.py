# SPDX-License-Identifier: MIT
"""Races: several commands do the same in turn, so that a drifting machine hits all alike."""

import json
import os
import random
import statistics
import subprocess
import sys
import time

import stage

GIB = 1 << 30


class Command:
    """A way to copy: its arguments, what has to be there before, and what to run once so that its program is in memory."""

    def __init__(self, name, argv, mkdir=False, load=None):
        self.name = name
        self.argv = argv
        self.mkdir = mkdir
        self.load = load


class Race:
    """Commands that copy SRC to DST. NEAR tells where these can be looked at and removed, if that is another place."""

    def __init__(self, bench, src, dst, near=None, cold=False, keep=False, repeat=1, warm_gib=1.0, reset=None):
        self.bench = bench
        self.near_src, self.near = near or (src, dst)
        self.cold = cold
        self.keep = keep
        self.repeat = repeat
        self.warm_gib = warm_gib
        self.reset = reset

    def remove(self):
        if os.path.isdir(self.near) and not os.path.islink(self.near):
            # rm is faster than rmtree, and no depth is too much for it
            subprocess.run(["rm", "-rf", "--one-file-system", "--", self.near], check=False)
        elif os.path.lexists(self.near):
            os.unlink(self.near)

    def prepare(self, command):
        if not self.keep:
            self.remove()
        if self.reset:
            self.reset()
        if command.mkdir and not os.path.isdir(self.near):
            os.mkdir(self.near)
        os.sync()
        if self.cold:
            stage.drop_caches()
        stage.warm_memory(self.bench.tools, self.warm_gib)
        if self.cold and command.load:
            subprocess.run(command.load, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    def sample(self, command):
        """Run a command once (or --repeat times) and return what measure says."""
        self.prepare(command)
        result = f"{self.bench.dir}/result.json"
        errors = f"{self.bench.dir}/stderr"
        measure = [f"{self.bench.tools}/measure", f"--timeout={self.bench.timeout}", f"--repeat={self.repeat}"]
        if self.repeat > 1:
            measure.append(f"--unlink={self.near}")
        if os.path.exists(result):
            os.unlink(result)
        with open(errors, "wb") as stderr:
            subprocess.run([*measure, result, *command.argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=stderr, check=True)
        with open(result, encoding="ascii") as file:
            got = json.load(file)
        if got["status"]:
            with open(errors, errors="replace", encoding="utf-8") as file:
                got["stderr"] = file.read()[:500]
        return got

    def is_right(self):
        """Whether the copy has the names and the content of the source."""
        done = subprocess.run(["diff", "-rq", "--no-dereference", "--", self.near_src, self.near], capture_output=True,
                              text=True, check=False)
        return done.returncode == 0, (done.stdout + done.stderr)[:500]

    def run(self, commands, rounds, check=True, seconds=None):
        """
        Race them; the first is what the others are held against. Commands that fail are out of the race. After two
        rounds, none is begun that would probably not end within SECONDS.
        """
        samples = {command.name: [] for command in commands}
        problems = {}
        start = time.monotonic()
        for number in range(rounds):
            took = time.monotonic() - start
            if seconds and number >= 2 and took + took / number > seconds:
                break
            order = [c for c in commands if c.name not in problems]
            random.shuffle(order)
            for command in order:
                got = self.sample(command)
                if got["timeout"]:
                    problems[command.name] = f"stopped after {self.bench.timeout} s"
                elif got["status"]:
                    problems[command.name] = f"status {got['status']}: {got.get('stderr', '').strip()}"
                elif number == 0 and check and not command.name.startswith("floor"):
                    right, why = self.is_right()
                    if not right:
                        problems[command.name] = f"wrong copy: {why.strip()}"
                if command.name in problems:
                    print(f"    {command.name}: {problems[command.name][:200]}", file=sys.stderr, flush=True)
                    continue
                samples[command.name].append(got)
                self.bench.progress(f"round {number + 1}/{rounds} {command.name} {got['wall']:.3f} s")
        if not self.keep:
            self.remove()
        return summarize(samples, problems, commands[0].name)


def fastest_third(values):
    values = sorted(values)
    return statistics.mean(values[:max(1, len(values) // 3)])


def summarize(samples, problems, first):
    """What each command took, and how that compares with the first."""
    results = []
    base = [s["wall"] for s in samples[first]] if first not in problems else []
    for name, got in samples.items():
        if name in problems:
            results.append({"name": name, "problem": problems[name]})
            continue
        wall = [s["wall"] for s in got]
        cpu = [s["user"] + s["system"] for s in got]
        result = {
            "name": name,
            "wall": {"min": min(wall), "median": statistics.median(wall), "all": wall},
            "cpu": {"min": min(cpu), "median": statistics.median(cpu)},
            "rss_kib": max(s["rss"] for s in got),
        }
        if base:
            result["ratio_median"] = statistics.median(a / b for a, b in zip(wall, base))
            result["ratio_fastest"] = fastest_third(wall) / fastest_third(base)
        results.append(result)
    return results
