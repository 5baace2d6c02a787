#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds write leases (fcntl(2), F_SETLEASE) on files until it is asked for them and allowed to let go.

    lease.py DIR FILE...

Makes DIR/held once it has them all, DIR/asked when somebody wants to open one of them, and lets go of them once there is
DIR/go. Exit status 77: there are no leases here.
"""

import fcntl
import os
import signal
import sys
import time


def say(name):
    with open(os.path.join(sys.argv[1], name), "w", encoding="ascii"):
        pass


def main():
    signal.signal(signal.SIGIO, lambda *_: say("asked"))
    held = [os.open(path, os.O_RDWR) for path in sys.argv[2:]]
    try:
        for fd in held:
            fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except OSError:
        sys.exit(77)
    say("held")
    while not os.path.exists(os.path.join(sys.argv[1], "go")):
        time.sleep(0.01)


main()
