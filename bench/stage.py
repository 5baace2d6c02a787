# SPDX-License-Identifier: MIT
"""Where it is copied: fresh file systems in one preallocated image, in memory, and far away; caches; memory."""

import contextlib
import os
import shutil
import subprocess
import time

GIB = 1 << 30
MKFS = {
    # None of them may discard: the image would lose the blocks that were written to it beforehand.
    "ext4": ["mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0"],
    # Without shared blocks, so that data has to be moved.
    "xfs": ["mkfs.xfs", "-q", "-f", "-K", "-m", "reflink=0"],
    "btrfs": ["mkfs.btrfs", "-q", "-f", "-K"],
}
MOUNT = {"ext4": "defaults", "xfs": "defaults", "btrfs": "nodiscard"}


class Unavailable(Exception):
    """This stage cannot be had here; the message says why."""


def run(*command):
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"{' '.join(command)}: {done.stderr.strip()[:300]}")


def memory_free():
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 0


def drop_caches():
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
        file.write("3")


def warm_memory(tools, gib):
    """Touch memory until that is fast: less than 0.35 s a GiB, or four times."""
    for _ in range(4):
        done = subprocess.run([f"{tools}/warm", str(gib)], capture_output=True, text=True, check=False)
        if done.returncode or float(done.stdout) < 0.35 * gib:
            return


class Image:
    """A file with all its blocks written, for file systems to be made in."""

    def __init__(self, path, size):
        self.path = path
        self.size = size
        self.direct = None

    def make(self):
        """Write it. What is written later then needs no new blocks from the file system below."""
        free = os.statvfs(os.path.dirname(self.path))
        if self.size + 4 * GIB > free.f_bavail * free.f_frsize:
            raise Unavailable(f"needs {self.size / GIB:.1f} GiB of disk and 4 more")
        run("fallocate", "-l", str(self.size), self.path)
        run("dd", "if=/dev/zero", f"of={self.path}", "bs=16M", f"count={self.size >> 24}", "conv=notrunc", "oflag=direct")

    def attach(self):
        """A loop device of it. It bypasses the page cache of the file system below where that can be had."""
        if not os.path.exists(self.path):
            self.make()
        for options in ["--direct-io=on"], []:
            done = subprocess.run(["losetup", "-f", "--show", *options, self.path], capture_output=True, text=True,
                                  check=False)
            if done.returncode == 0:
                self.direct = bool(options)
                return done.stdout.strip()
        raise Unavailable(f"losetup: {done.stderr.strip()}")

    def remove(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)


class Stage:
    """A fresh file system, mounted at .top while the with block lasts."""

    def __init__(self, bench, kind, size, files):
        self.bench = bench
        self.kind = kind
        self.size = size
        self.files = files
        self.top = f"{bench.dir}/mnt"
        self.mounted = []
        self.server = None
        self.note = ""

    def __enter__(self):
        os.makedirs(self.top, exist_ok=True)
        try:
            if self.kind == "tmpfs":
                self.mount_tmpfs(self.top)
            elif self.kind == "far":
                self.mount_far()
            else:
                self.mount_image()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for point in reversed(self.mounted):
            for _ in range(50):
                if subprocess.run(["umount", point], stderr=subprocess.DEVNULL, check=False).returncode == 0:
                    break
                time.sleep(0.1)
            else:
                subprocess.run(["umount", "-l", point], check=False)
        self.mounted = []
        if self.server:
            self.server.kill()
            self.server.wait()
            self.server = None

    def mount_tmpfs(self, point):
        if self.size + 2 * GIB > memory_free():
            raise Unavailable(f"needs {self.size / GIB:.1f} GiB of memory and 2 more")
        os.makedirs(point, exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", f"size={self.size},nr_inodes=0,mode=755", "ucp-bench", point)
        self.mounted.append(point)

    def mount_image(self):
        if not shutil.which(MKFS[self.kind][0]):
            raise Unavailable(f"needs {MKFS[self.kind][0]}")
        device = self.bench.image.attach()
        options = []
        if self.kind == "ext4":
            options = ["-N", str(max(self.files, 1000))]
        try:
            run(*MKFS[self.kind], *options, device)
            run("mount", "-t", self.kind, "-o", MOUNT[self.kind], device, self.top)
            self.mounted.append(self.top)
        finally:
            run("losetup", "-d", device)    # once it is unmounted

    def mount_far(self):
        faultfs = self.bench.faultfs
        if not (faultfs and os.access("/dev/fuse", os.W_OK)):
            raise Unavailable("needs faultfs (libfuse3-dev) and /dev/fuse")
        near = f"{self.bench.dir}/near"
        self.mount_tmpfs(near)
        self.server = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", faultfs, f"--latency={self.bench.latency}",
                                        near, self.top], start_new_session=True)
        for _ in range(200):
            if os.path.exists(f"{self.top}/.faultfs"):
                self.mounted.append(self.top)
                return
            if self.server.poll() is not None:
                break
            time.sleep(0.05)
        raise Unavailable("faultfs cannot be mounted")
