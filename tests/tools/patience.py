# SPDX-License-Identifier: MIT
"""How long a test waits for what ought to end."""

import os


def patience(seconds):
    """As many seconds as that takes while other work keeps the processors busy, and on a machine as slow as this one."""
    return seconds * int(os.environ.get("UCP_TEST_SLOW", "1")) * (1 + int(os.getloadavg()[0]) // (os.cpu_count() or 1))
