# SPDX-License-Identifier: MIT
"""What is copied: corpora made from a seed, and lists of what is in a tree for `floor`."""

import os
import random
import stat

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
SEED = 20


class Data:
    """Bytes that do not compress, as many as wanted, no two blocks alike."""

    SIZE = 16 * MIB

    def __init__(self):
        rnd = random.Random(SEED)
        self.block = b"".join(rnd.randbytes(MIB) for _ in range(self.SIZE // MIB))
        self.at = 0

    def take(self, size):
        """At most 8 MiB at a time."""
        self.at = (self.at + 4099) % (self.SIZE // 2)
        return memoryview(self.block)[self.at:self.at + size]

    def write(self, path, size):
        with open(path, "wb", buffering=0) as file:
            while size > 0:
                size -= file.write(self.take(min(size, 8 * MIB)))


def flat(top, data, files, size, directories):
    """FILES files of SIZE bytes, spread evenly; in TOP itself if there is one directory."""
    os.mkdir(top)
    for d in range(directories):
        where = top if directories == 1 else f"{top}/d{d:04}"
        if directories > 1:
            os.mkdir(where)
        for i in range(files * d // directories, files * (d + 1) // directories):
            data.write(f"{where}/f{i:06}", size)


def source(top, data, files):
    """The shape of a source tree: many small files, few larger ones, 13 in a directory, several levels."""
    rnd = random.Random(SEED)
    directories = [top]
    os.mkdir(top)
    for _ in range(max(files // 13, 1)):
        parent = rnd.choice(directories[-200:] if rnd.random() < 0.7 else directories)
        if parent.count("/") - top.count("/") < 8:
            directories.append(f"{parent}/dir{len(directories)}")
            os.mkdir(directories[-1])
    for i in range(files):
        where = f"{rnd.choice(directories)}/file{i}.c"
        if rnd.random() < 0.01:
            os.symlink(f"file{i - 1}.c", where)
            continue
        data.write(where, min(int(rnd.lognormvariate(8.4, 1.4)), 4 * MIB))
        os.chmod(where, 0o755 if rnd.random() < 0.05 else 0o644)


def sparse(top, data, apparent, count):
    """One file with COUNT pieces of data of 1 MiB."""
    rnd = random.Random(SEED)
    with open(top, "wb", buffering=0) as file:
        for i in sorted(rnd.sample(range(apparent // MIB), count)):
            file.seek(i * MIB)
            file.write(data.take(MIB))
        file.truncate(apparent)


def deep(top, data, chains, levels):
    """Chains of directories in directories, with two files at each level."""
    for chain in range(chains):
        where = f"{top}/c{chain}"
        os.makedirs(where)
        for _ in range(levels):
            where += "/d"
            os.mkdir(where)
            data.write(where + "/a", KIB)
            data.write(where + "/b", 4 * KIB)


def chain(top, levels):
    """Directories in directories, and nothing else."""
    os.makedirs(top + "/d" * levels)


class Corpus:
    """How to make it, and roughly how much room it takes, in bytes and inodes."""

    def __init__(self, text, bytes_, files, make):
        self.text = text
        self.bytes = bytes_
        self.files = files
        self.make = make


def number(n):
    return f"{n:,}"


def size(n):
    for unit, name in (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB"):
        if n >= unit:
            return f"{n / unit:.3g} {name}"
    return f"{n} bytes"


def corpora(scale):
    """All corpora by name, at a scale (1: full)."""
    def scaled(n, least=1):
        return max(int(n * scale), least)

    one, many = scaled(4 * GIB, MIB), scaled(256 * MIB, MIB)
    small, dirs = scaled(100_000, 100), scaled(500, 10)
    src, far, far_dirs = scaled(40_000, 100), scaled(5_000, 300), scaled(200, 12)
    apparent, pieces = scaled(64 * GIB, GIB), scaled(1024, 16)
    levels = max(int(400 * min(scale * 4, 1)), 20)
    chained = scaled(1600, 160)
    return {
        "one": Corpus(f"one file of {size(one)}", one, 1, lambda top, data: data.write(top, one)),
        "many": Corpus(f"16 files of {size(many)}", 16 * many, 16, lambda top, data: flat(top, data, 16, many, 1)),
        "small": Corpus(f"{number(small)} files of 4 KiB in {dirs} directories", small * 4 * KIB, small + dirs,
                        lambda top, data: flat(top, data, small, 4 * KIB, dirs)),
        "onedir": Corpus(f"{number(small)} files of 1 KiB in one directory", small * 4 * KIB, small,
                         lambda top, data: flat(top, data, small, KIB, 1)),
        "source": Corpus(f"{number(src)} files of a source tree's sizes and depth", src * 16 * KIB, src * 2,
                         lambda top, data: source(top, data, src)),
        "sparse": Corpus(f"one file of {size(apparent)} with {size(pieces * MIB)} of data", pieces * MIB, 1,
                         lambda top, data: sparse(top, data, apparent, pieces)),
        "deep": Corpus(f"10 chains of {levels} directories, two small files in each", levels * 160 * KIB, levels * 30,
                       lambda top, data: deep(top, data, 10, levels)),
        "chain": Corpus(f"a chain of {chained} directories", chained * 4 * KIB, chained,
                        lambda top, data: chain(top, chained)),
        "far": Corpus(f"{number(far)} files of 4 KiB in {far_dirs} directories", far * 4 * KIB, far + far_dirs,
                      lambda top, data: flat(top, data, far, 4 * KIB, far_dirs)),
        "tiny": Corpus("one file of 1 byte", 1, 1, lambda top, data: data.write(top, 1)),
    }


# --- existing trees


def walk(top):
    """(path below top, stat) of all there is, directories before what is in them, one directory's files in a row."""
    st = os.lstat(top)
    if not stat.S_ISDIR(st.st_mode):
        yield "", st
        return
    pending = [""]
    while pending:
        where = pending.pop()
        with os.scandir(os.path.join(top, where)) as entries:
            for entry in entries:
                path = os.path.join(where, entry.name)
                st = entry.stat(follow_symlinks=False)
                yield path, st
                if stat.S_ISDIR(st.st_mode):
                    pending.append(path)


def measure(top):
    """(bytes on disk, number of names) of a tree."""
    total = count = 0
    for _, st in walk(top):
        total += max(st.st_blocks * 512, st.st_size if st.st_blocks else 0)
        count += 1
    return total, count


def extents(path, st):
    """Where the data of a file with holes is, as floor wants it; "" for a file without."""
    if st.st_blocks * 512 >= st.st_size or st.st_size < 64 * KIB:
        return ""
    parts, at = [], 0
    with open(path, "rb") as file:
        while at < st.st_size:
            try:
                start = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                break
            at = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            parts.append(f"{start}+{at - start}")
    return " ".join(parts) or "0+0"


def write_list(top, out, name_of_file):
    """Describe a tree for floor, or a file that is to get another name."""
    seen = {}
    single = not os.path.isdir(top)
    with open(out, "wb") as file:
        for path, st in walk(top):
            full = os.path.join(top, path) if path else top
            name = name_of_file if single else path
            more, kind = "", None
            if stat.S_ISDIR(st.st_mode):
                kind = "d"
            elif stat.S_ISLNK(st.st_mode):
                kind, more = "l", os.readlink(full)
            elif (st.st_dev, st.st_ino) in seen:
                kind, more = "h", seen[st.st_dev, st.st_ino]
            elif stat.S_ISREG(st.st_mode):
                kind, more = "f", extents(full, st)
                if st.st_nlink > 1:
                    seen[st.st_dev, st.st_ino] = name
            if kind:
                file.write(b"\0".join(os.fsencode(x) for x in (kind, str(st.st_size), name, more)) + b"\0")


def read_all(top):
    """Have the kernel keep all of a tree in memory."""
    for path, st in walk(top):
        if stat.S_ISREG(st.st_mode):
            with open(os.path.join(top, path) if path else top, "rb", buffering=0) as file:
                while st.st_blocks and file.read(8 * MIB):
                    pass
