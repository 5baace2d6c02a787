#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Race ucp against other copiers over many workloads. Started by bench.sh, which has the options' description."""

import argparse
import contextlib
import fnmatch
import os
import platform
import shutil
import signal
import subprocess
import sys
import time

import again
import against
import corpus
import race
import report
import stage

GIB, MIB = 1 << 30, 1 << 20
HOW = {"f": "a file", "r": "-r", "a": "-a", "u": "-a -u, nothing to do",
       **{name: kind.text for name, kind in again.KINDS.items()}}
# CORPUS.FILE SYSTEM.CACHE.HOW, where HOW is as above.
WORKLOADS = [
    "one.ext4.warm.f", "one.xfs.warm.f", "one.btrfs.warm.f", "one.tmpfs.warm.f", "one.ext4.cold.f",
    "many.ext4.warm.r", "many.ext4.cold.r", "many.tmpfs.warm.r",
    "small.ext4.warm.r", "small.ext4.warm.a", "small.ext4.cold.r", "small.ext4.cold.a",
    "small.xfs.warm.a", "small.btrfs.warm.a", "small.tmpfs.warm.a",
    "onedir.ext4.warm.r", "onedir.tmpfs.warm.r",
    "source.ext4.warm.a", "source.ext4.cold.a",
    "sparse.ext4.warm.f", "deep.ext4.warm.r", "chain.ext4.warm.r",
    "tree.ext4.warm.a", "tree.ext4.cold.a",
    "far.far.cold.r", "far.far.cold.a",
    "small.ext4.warm.u",
    "small.ext4.warm.differ", "small.ext4.cold.differ", "small.ext4.warm.sums", "small.ext4.warm.changed",
    "small.ext4.warm.gone", "small.ext4.warm.linked", "small.ext4.warm.moved", "small.ext4.warm.away",
    "tiny.tmpfs.warm.f",
]
QUICK = ["one.ext4.warm.f", "one.tmpfs.warm.f", "many.ext4.warm.r", "small.ext4.warm.r", "small.ext4.warm.a",
         "small.ext4.cold.r", "onedir.ext4.warm.r", "source.ext4.warm.a", "small.ext4.warm.u", "sparse.ext4.warm.f",
         "chain.ext4.warm.r", "small.btrfs.warm.a", "small.xfs.warm.a", "small.ext4.warm.differ",
         "small.ext4.warm.changed", "small.ext4.warm.gone", "small.ext4.warm.linked", "small.ext4.warm.away",
         "far.far.cold.r", "tiny.tmpfs.warm.f"]
QUICK_SCALE, QUICK_ROUNDS = 0.05, 3
# A quick bench is to end in ten minutes: rounds are left out if it would take longer.
QUICK_SECONDS = 540
# Where each request takes its time, more rounds tell no more.
FAR_ROUNDS = 5
TINY_REPEAT = 100


# --- the competitors


def gnu(program, how, src, dst, options):
    words = {"f": [], "r": ["-r"], "a": ["-a"], "u": ["-a", "-u", "-T"]}[how]
    return [program, *words, *options, src, dst]


def ucp(bench, how, fs, src, dst):
    # Shared blocks are not what is raced.
    options = ["--reflink=never"] if fs == "btrfs" else []
    return race.Command("ucp", gnu(bench.ucp, how, src, dst, options), load=[bench.ucp, "--version"])


def cp(bench, how, fs, src, dst):
    del bench
    options = ["--reflink=never"] if fs == "btrfs" else []
    return race.Command("cp", gnu("cp", how, src, dst, options), load=["cp", "--version"])


def rsync(bench, how, fs, src, dst):
    del fs
    words = {"f": ["-S"] if bench.sparse else [], "r": ["-r"], "a": ["-a"], "u": ["-a"]}[how]
    paths = [src, dst] if how == "f" else [src + "/", dst + "/"]
    return race.Command("rsync", ["rsync", *words, *paths], load=["rsync", "--version"])


def tar(bench, how, fs, src, dst):
    del fs
    if how == "u":
        return None
    sparse = "S" if bench.sparse else ""
    if how == "f":
        script = f'tar -C "${{0%/*}}" -c{sparse}f - "${{0##*/}}" | tar -C "${{1%/*}}" --transform="s,.*,${{1##*/}}," -xf -'
    else:
        script = f'tar -C "$0" -cf - . | tar -C "$1" -x{"p" if how == "a" else ""}f -'
    return race.Command("tar", ["bash", "-c", "set -o pipefail; " + script, src, dst], mkdir=how != "f",
                        load=["tar", "--version"])


def other(name, recursive=(), before=(), slash=""):
    """A copier that has no -a, and shares blocks or fills holes where cp would not. It may want slashes behind its paths."""
    def command(bench, how, fs, src, dst):
        if how not in "fr" or fs == "btrfs" or bench.sparse:
            return None
        words = recursive if how == "r" else ()
        end = slash if how == "r" else ""
        return race.Command(name, [*before, name, *words, src + end, dst + end], load=[name, "--version"])
    return command


def each_processor():
    """How to start as many processes as there are processors, which is how dcp does several files at once."""
    run = shutil.which("mpiexec")
    return (run, "-n", str(os.cpu_count())) if run else ()


OTHERS = {"rsync": rsync, "tar": tar, "cpz": other("cpz"), "fcp": other("fcp"),
          "xcp": other("xcp", ["--no-progress", "-r"]), "wcp": other("wcp", slash="/"),
          "dcp": other("dcp", before=each_processor())}


# --- one workload


class Bench:
    """What was asked for, and where things are."""

    def __init__(self, opt):
        self.opt = opt
        self.dir = opt.dir
        self.ucp = opt.ucp
        self.tools = opt.tools
        self.faultfs = opt.faultfs if os.path.exists(opt.faultfs or "") else None
        self.latency = opt.latency
        self.timeout = opt.timeout
        self.corpora = corpus.corpora(opt.scale)
        self.corpora["tree"] = corpus.Corpus(f"the tree {opt.tree}", 0, 0, None)
        self.data = corpus.Data()
        self.image = None
        self.sparse = False
        if not os.path.isdir(opt.tree):
            raise SystemExit(f"bench: there is no {opt.tree}")

    def progress(self, text):
        if sys.stderr.isatty():
            print(f"\r\033[K    {text}", end="", file=sys.stderr, flush=True)

    def tidy(self):
        """Remove what is of no use afterwards. Directories that something is mounted on stay."""
        for name in "list", "result.json", "stderr":
            with contextlib.suppress(OSError):
                os.unlink(f"{self.dir}/{name}")
        for name in "mnt", "near", "tmp":
            with contextlib.suppress(OSError):
                os.rmdir(f"{self.dir}/{name}")

    def need(self, name):
        """(bytes, names) that a workload's file system must have room for."""
        what, fs = name.split(".")[:2]
        if what == "tree" and not self.corpora[what].bytes:
            self.corpora[what].bytes, self.corpora[what].files = corpus.measure(self.opt.tree)
        bytes_, files = self.corpora[what].bytes, self.corpora[what].files
        copies = 1 if what == "tree" else 3 if name.split(".")[3] in again.KINDS else 2
        slack = 64 * MIB if fs in ("tmpfs", "far") else 512 * MIB
        return int(bytes_ * copies * 1.1) + files * copies * 1024 + slack, files * copies + 1000

    def commands(self, how, fs, src, dst):
        made = [cp(self, how, fs, src, dst), ucp(self, how, fs, src, dst)]
        made += [make(self, how, fs, src, dst) for name, make in OTHERS.items()
                 if shutil.which(name) and (not self.opt.only or name in self.opt.only.split(","))]
        return [c for c in made if c]

    def floors(self, fs, how, src, dst):
        if how == "u":
            return []
        floor, path = f"{self.tools}/floor", f"{self.dir}/list"
        corpus.write_list(src, path, os.path.basename(dst))
        target = os.path.dirname(dst) if how == "f" else dst
        threads = "128" if fs == "far" else str(os.cpu_count())
        return [race.Command(f"floor -j{n}", [floor, "-j", n, path, target]) for n in dict.fromkeys((threads, "1"))
                if not (fs == "far" and n == "1")]


def paths_of(bench, at, what, fs, how):
    """(source, destination), and where these can be looked at and removed."""
    src, dst = f"{at.top}/src", f"{at.top}/dst"
    near = (f"{bench.dir}/near/src", f"{bench.dir}/near/dst") if fs == "far" else (src, dst)
    if what == "tree":
        src = bench.opt.tree
        near = (src, dst)
    if how == "away":
        at.mount_tmpfs(f"{bench.dir}/near")
        dst = f"{bench.dir}/near/dst"
        near = (src, dst)
    return src, dst, near


def race_on(bench, at, name, seconds):
    """Make the corpus of a workload on its stage, and race. Returns what each command took."""
    what, fs, cache, how = name.split(".")
    src, dst, near = paths_of(bench, at, what, fs, how)
    if what != "tree":
        bench.progress("making " + bench.corpora[what].text)
        bench.corpora[what].make(near[0], bench.data)
    reset, check, floors = None, fs != "far" or how != "u", []
    if how in again.KINDS:
        near = (again.prepare(how, src, dst), dst)
        commands = again.commands(bench, how, src, dst)

        def reset():
            again.reset(how, src, dst)
    else:
        commands = bench.commands(how, fs, src, dst)
        if how == "u":
            subprocess.run(["cp", "-a", src, dst], check=True)
    if cache == "warm":
        # What is dirty, or was never read, is no fair start.
        os.sync()
        corpus.read_all(src)
    if how not in again.KINDS:
        floors = bench.floors(fs, how, near[0], dst)
    # Big files take memory in big pieces, of which little was free lately.
    big = what in ("one", "many") and not bench.opt.quick
    gib = max(bench.corpora[what].bytes * 1.3 / GIB, 4 if big else 0.25)
    gib = min(gib, 6, stage.memory_free() / GIB / 2)
    kept = how == "u" or how in again.KINDS and again.KINDS[how].prepared
    ran = race.Race(bench, src, dst, near=near, cold=cache == "cold", keep=kept, warm_gib=round(gib, 2),
                    repeat=TINY_REPEAT if what == "tiny" else 1, reset=reset)
    rounds = min(bench.opt.rounds, FAR_ROUNDS) if fs == "far" else bench.opt.rounds
    return ran.run(commands + floors, rounds, check=check, seconds=seconds)


def run_workload(bench, name, seconds=None):
    what, fs, cache, how = name.split(".")
    size, files = bench.need(name)
    bench.sparse = what == "sparse"
    # Source and copy must stay in memory beside each other.
    if cache == "warm" and 2 * bench.corpora[what].bytes + 2 * GIB > stage.memory_free():
        raise stage.Unavailable("source and copy do not fit into memory")
    base = again.KINDS[how].base[0] if how in again.KINDS else "cp"
    if not shutil.which(base):
        raise stage.Unavailable(f"needs {base}")
    with stage.Stage(bench, fs, size, files) as at:
        results = race_on(bench, at, name, seconds)
    found = {"name": name, "text": f"{bench.corpora[what].text}, {fs}, {cache}, {HOW[how]}",
             "rounds": max((len(r["wall"]["all"]) for r in results if "wall" in r), default=0), "results": results}
    return found if base == "cp" else {**found, "base": base}


# --- all of them


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return (done.stdout or done.stderr).splitlines()[0]
    except (OSError, IndexError):
        return None


def read_first(path, start):
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith(start):
                return line.split(":", 1)[1].strip()
    return "unknown"


def environment(bench):
    programs = {name: first_line(name, "--version") for name in ["cp", *OTHERS] if shutil.which(name)}
    programs["ucp"] = first_line(bench.ucp, "--version")
    return {
        "kernel": platform.release(),
        "machine": platform.machine(),
        "processor": read_first("/proc/cpuinfo", "model name"),
        "processors": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB, 1),
        "programs": programs,
        "scale": bench.opt.scale,
        "rounds": bench.opt.rounds,
        "latency_ms": bench.latency,
        "date": time.strftime("%Y-%m-%d"),
    }


def choose(patterns, quick):
    if not patterns:
        return QUICK if quick else WORKLOADS
    chosen = [name for name in WORKLOADS if any(fnmatch.fnmatch(name, p) or name.startswith(p + ".") for p in patterns)]
    for pattern in patterns:
        if not any(fnmatch.fnmatch(name, pattern) or name.startswith(pattern + ".") for name in WORKLOADS):
            raise SystemExit(f"bench: no workload is called {pattern}; see --list")
    return chosen


def parse():
    parser = argparse.ArgumentParser(prog="bench.sh", allow_abbrev=False, usage=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--scale", type=float)
    parser.add_argument("--latency", type=float, default=1.0)
    parser.add_argument("--timeout", type=int, default=900)
    parser.add_argument("--tree", default="/usr")
    parser.add_argument("--only")
    parser.add_argument("--against")
    parser.add_argument("--list", action="store_true")
    for name in "--dir", "--out", "--ucp", "--tools", "--faultfs":
        parser.add_argument(name)
    parser.add_argument("workloads", nargs="*")
    opt = parser.parse_args()
    opt.rounds = opt.rounds or (QUICK_ROUNDS if opt.quick else 9)
    opt.scale = opt.scale or (QUICK_SCALE if opt.quick else 1.0)
    return opt


def list_workloads(opt):
    corpora = corpus.corpora(opt.scale)
    for name in choose(opt.workloads, opt.quick):
        what, fs, cache, how = name.split(".")
        text = corpora[what].text if what in corpora else opt.tree
        print(f"{name:20} {text}, {fs}, {cache}, {HOW[how]}")


def run_all(bench, names, found):
    """Run the workloads one after the other. FOUND is written each time, so that nothing is lost."""
    start = time.monotonic()
    for i, name in enumerate(names):
        print(f"[{i + 1}/{len(names)}] {name}", file=sys.stderr, flush=True)
        seconds = None
        if bench.opt.quick:
            seconds = (QUICK_SECONDS - (time.monotonic() - start)) / (len(names) - i)
        try:
            found["workloads"].append(run_workload(bench, name, seconds))
        except stage.Unavailable as why:
            print(f"    left out: {why}", file=sys.stderr)
            found["workloads"].append({"name": name, "text": name, "left_out": str(why)})
        bench.progress("")
        found["environment"]["loop_direct_io"] = bench.image.direct
        report.write(found, bench.opt.out)


def compare(bench, before, found):
    """Print what is slower than BEFORE, and was again when it was run once more. Returns how many these are."""
    count = 0
    for workload in found["workloads"]:
        name = workload["name"]
        if against.failed(before, workload):
            print(f"FAILED: {name}")
            count += 1
        elif against.compare(before, workload):
            print(f"    again, as it was slower: {name}", file=sys.stderr, flush=True)
            slower = against.compare(before, run_workload(bench, name))
            if slower:
                print(f"SLOWER: {name}: {slower[0]:.2f} -> {slower[1]:.2f} of {workload.get('base', 'cp')}")
                count += 1
    return count


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    opt = parse()
    if opt.list:
        list_workloads(opt)
        return 0
    before = against.load(opt.against) if opt.against else None
    names = choose(opt.workloads, opt.quick)
    bench = Bench(opt)
    # One image for all, as large as the largest needs.
    sizes = [bench.need(name)[0] for name in names if name.split(".")[1] in stage.MKFS]
    bench.image = stage.Image(f"{bench.dir}/image", (max([GIB, *sizes]) + 16 * MIB) // (16 * MIB) * (16 * MIB))
    bench.image.remove()    # that of a run that was killed
    found = {"environment": environment(bench), "workloads": []}
    try:
        run_all(bench, names, found)
        with open(f"{opt.out}/bench.md", encoding="utf-8") as file:
            print(file.read(), end="")
        return 1 if before and compare(bench, before, found) else 0
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 130
    finally:
        bench.image.remove()
        bench.tidy()


sys.exit(main())
