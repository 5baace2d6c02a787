# SPDX-License-Identifier: MIT
"""How long a test waits for what ought to end."""

import os


def patience(seconds):
    """As many seconds as that takes while other work keeps the processors busy."""
    return seconds * (1 + int(os.getloadavg()[0]) // (os.cpu_count() or 1))
