#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints what of Linux ucp uses if it is there, and whether this kernel has it, as lines "NAME: yes" or "NAME: no".

  kernel.py [--ucp=PATH]

Calls are tried, not looked up: one that a filter forbids counts as missing.
"""

import argparse
import ctypes
import errno
import os
import struct
import subprocess
import tempfile

LIBC = ctypes.CDLL(None, use_errno=True)
STATX, OPENAT2, CACHESTAT = 332, 437, 451  # the numbers of x86_64; the last two are those of all machines
AT_FDCWD, DONTCACHE, RESOLVE_BENEATH = -100, 0x80, 0x08
RING = ("single_mmap", "fast_poll", "ext_arg", "native_workers", "rsrc_tags", "cqe_skip", "linked_file", "reg_reg_ring")


def call(number, *args):
    """What a system call returns, or its negative errno."""
    args = [ctypes.c_void_p(arg) if isinstance(arg, int) else arg for arg in args]
    value = LIBC.syscall(ctypes.c_long(number), *args)
    return -ctypes.get_errno() if value == -1 else value


def has_openat2():
    how = struct.pack("QQQ", os.O_RDONLY | os.O_CLOEXEC, 0, RESOLVE_BENEATH)
    fd = call(OPENAT2, AT_FDCWD, b".", how, len(how))
    return fd >= 0 and os.close(fd) is None


def has_cachestat(fd):
    return call(CACHESTAT, fd, struct.pack("QQ", 0, 0), ctypes.create_string_buffer(64), 0) == 0


def has_statx(bit):
    stx = ctypes.create_string_buffer(256)
    return call(STATX, AT_FDCWD, b".", 0, bit, stx) == 0 and bool(struct.unpack_from("I", stx)[0] & bit)


def has_dontcache(fd):
    try:
        return os.pwritev(fd, [b"x"], 0, DONTCACHE) == 1
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
            raise
        return False


def ring_features(ucp):
    said = subprocess.run([ucp, "--debug", "--version"], capture_output=True, text=True, check=True).stdout
    return said.partition("io_uring with:")[2].split()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ucp", default="build/release/ucp")
    args = parser.parse_args()
    features = ring_features(args.ucp)
    print(f"kernel: {os.uname().release}")
    has = {f"io_uring: {name}": name in features for name in RING}
    with tempfile.TemporaryFile() as file:
        has["uncached reads and writes (RWF_DONTCACHE)"] = has_dontcache(file.fileno())
        has["cachestat(2)"] = has_cachestat(file.fileno())
    has["openat2(2)"] = has_openat2()
    has["statx(2): mount id"] = has_statx(0x1000)
    has["statx(2): unique mount id"] = has_statx(0x4000)
    for name, there in has.items():
        print(f"{name}: {'yes' if there else 'no'}")


if __name__ == "__main__":
    main()
