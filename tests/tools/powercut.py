#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Copies onto a disk whose power fails at moments from a seed, and looks at what is there when it comes back.

  powercut.py [--ucp=PATH] [--faultfs=PATH] [--fs=NAME]... [--way=NAME]... [--count=N] [--seed=N] [--files=N] [--big=BYTES] [DIR]

As root, in DIR (default: the current one), which must be empty and on a file system with room. The disk is an image that
a faultfs shows (faults-power.h): blocks written since the last flush are lost at random, and all that is written later.
Held each time:

- if ucp has ended with exit status 0 before, and --fsync was given, everything is there;
- with --atomic and --fsync each file that has its name is whole: as in the source, or as it was before;
- with --move each file of the source is still there, or whole in the destination;
- the same command given again ends with exit status 0, and the copy is identical then.

Prints what was wrong; the exit status is 1 then. The last line is how many times the power failed.
"""

import argparse
import os
import random
import stat
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import crash  # noqa: E402

# name -> options, whether an older copy may be there
WAYS = {
    "fsync": (["-a", "--fsync", "-T"], True),
    "atomic": (["-a", "--atomic", "--fsync", "-T"], True),
    "resume": (["-a", "--resume", "-T"], True),
    "mirror": (["--mirror", "--atomic", "--fsync"], True),
    "move": (["--move", "-a", "-T"], False),
}
MKFS = {"ext4": ["mkfs.ext4", "-q"], "xfs": ["mkfs.xfs", "-q"], "btrfs": ["mkfs.btrfs", "-q"]}
SIZE = 400 << 20


def must(*command):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


class Disk:
    """A file system at m, in backing/image, which the faultfs at medium shows."""

    def __init__(self, fs, faultfs):
        self.fs, self.faultfs, self.server = fs, faultfs, None
        for each in ("backing", "medium", "m"):
            os.makedirs(each, exist_ok=True)
        self.empty = f"empty-{fs}"
        with open(self.empty, "wb") as file:
            file.truncate(SIZE)
        must(*MKFS[fs], self.empty)

    def plug_in(self):
        must("cp", "--sparse=always", self.empty, "backing/image")
        self.server = subprocess.Popen([self.faultfs, "--latency=0", "backing", "medium"], stderr=subprocess.DEVNULL)
        while not os.path.exists("medium/.faultfs"):
            if self.server.poll() is not None:
                raise SystemExit("faultfs does not start")
            time.sleep(0.01)
        device = subprocess.run(["losetup", "--show", "-f", "medium/image"], check=True, capture_output=True, text=True).stdout.strip()
        must("mount", "-t", self.fs, device, "m")
        must("losetup", "-d", device)  # as soon as it is unmounted

    def command(self, words):
        with open("medium/.faultfs", "w", encoding="ascii") as file:
            file.write(words + "\n")

    def pull_out(self):
        """What is mounted there believes that it is written back."""
        for mount in ("m", "medium"):  # a killed ucp, and the loop device, go a moment later
            while subprocess.run(["umount", mount], check=False, stderr=subprocess.DEVNULL).returncode:
                time.sleep(0.01)
        self.server.wait()
        self.server = None

    def come_back(self):
        must("mount", "-t", self.fs, "-o", "loop", "backing/image", "m")

    def close(self):
        for _ in range(50):
            if not [each for each in ("m", "medium") if os.path.ismount(each) and
                    subprocess.run(["umount", each], check=False, stderr=subprocess.DEVNULL).returncode]:
                break
            time.sleep(0.1)
        if self.server:
            self.server.kill()
            self.server.wait()


class Driver(crash.Driver):
    """The trees are those of crash.py: s, and an older copy of it."""

    def __init__(self, opts):
        super().__init__(opts)
        self.seconds = {}
        self.cuts = 0
        self.copy = "m/d"
        self.features = []  # XFS has no such device numbers

    def set_up_disk(self, way, over):
        must("rm", "-rf", "moved")
        if way == "move":
            must("cp", "-a", "s", "moved")
        self.set_up(over)
        os.sync()

    def start(self, way):
        command = [self.opts.ucp, *WAYS[way][0], "moved" if way == "move" else "s", self.copy]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def complete(self, way):
        _, err = (ucp := self.start(way)).communicate()
        if ucp.returncode or err:
            raise crash.Wrong(f"again: exit status {ucp.returncode}: {err.decode(errors='replace')[:2000]}")

    def measure(self, disk, way, over):
        disk.plug_in()
        self.set_up_disk(way, over)
        begin = time.perf_counter()
        self.complete(way)
        self.seconds[disk.fs, way, over] = time.perf_counter() - begin
        disk.pull_out()

    def regular(self, top):
        if not os.path.isdir(top):
            return {}
        return {name: seen for name, seen in crash.snapshot(top)[0].items() if seen["kind"] == stat.S_IFREG}

    def check_visible(self, way, over):
        """Each file that has its name is whole."""
        for name, seen in self.regular(self.copy).items():
            if crash.HIDDEN.fullmatch(os.path.basename(name)):
                continue
            if seen != self.source.get(name) and not (over and seen == self.old.get(name)):
                raise crash.Wrong(f"{name} is not whole: {seen}, not {self.source.get(name)}, nor {self.old.get(name)}")

    def check_moved(self):
        """Each file is still in the source, or whole in the destination."""
        left, come = self.regular("moved"), self.regular(self.copy)
        for name, seen in self.source.items():
            if seen["kind"] == stat.S_IFREG and left.get(name) != seen and come.get(name) != seen:
                raise crash.Wrong(f"{name} is lost: {left.get(name)} in the source, {come.get(name)} in the destination")

    def moment(self, disk, way, over):
        disk.plug_in()
        self.set_up_disk(way, over)
        disk.command("volatile")
        after = self.random.uniform(0, self.seconds[disk.fs, way, over] * 1.1)
        seed = self.random.randrange(1 << 30)
        with self.start(way) as ucp:
            time.sleep(after)  # any moment will do
            ended = ucp.poll() == 0
            disk.command(f"cut {seed}")
            ucp.kill()
            ucp.communicate()
        disk.pull_out()
        disk.come_back()
        self.cuts += not ended
        self.ended += ended
        if ended and "--fsync" in WAYS[way][0]:
            self.check_same()
        if "--atomic" in WAYS[way][0]:
            self.check_visible(way, over)
        if way == "move":
            self.check_moved()
            if not os.path.lexists("moved"):
                self.check_same()
                must("umount", "m")
                return
        self.complete(way)
        if "--resume" not in WAYS[way][0]:
            self.clear_hidden()
        self.check_same()
        self.check_source(self.kept)
        must("umount", "m")

    def run(self):
        self.make_trees()
        ways, systems = self.opts.way or list(WAYS), self.opts.fs or list(MKFS)
        disks = {fs: Disk(fs, self.opts.faultfs) for fs in systems}
        kinds = [(fs, way, over) for over in (False, True) for way in ways for fs in systems if WAYS[way][1] or not over]
        for number in range(self.opts.count):
            fs, way, over = kinds[(self.opts.seed + number) % len(kinds)]
            disk = disks[fs]
            try:
                if (fs, way, over) not in self.seconds:
                    self.measure(disk, way, over)
                self.moment(disk, way, over)
            except crash.Wrong as wrong:
                print(f"moment {number} of seed {self.opts.seed} ({fs}, {way}, {'over an old copy' if over else 'new'}): {wrong}")
                return 1
            finally:
                disk.close()
        print(f"the power failed {self.cuts} times during a copy, and {self.ended} times after it")
        return 0


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--ucp", default="ucp", type=os.path.abspath)
    parser.add_argument("--faultfs", required=True, type=os.path.abspath)
    parser.add_argument("--fs", action="append", choices=MKFS)
    parser.add_argument("--way", action="append", choices=WAYS)
    parser.add_argument("--count", type=int, default=27)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", type=int, default=40)
    parser.add_argument("--big", type=int, default=12_000_000)
    parser.add_argument("dir", nargs="?", default=".")
    opts = parser.parse_args()
    opts.flags = ""
    os.chdir(opts.dir)
    if os.listdir("."):
        parser.error("the directory is not empty")
    return Driver(opts).run()


if __name__ == "__main__":
    sys.exit(main())
