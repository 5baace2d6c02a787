# SPDX-License-Identifier: MIT
"""Compare the results of two benches: what is slower than noise explains?"""

import json
import statistics

# Less than this is not worth a word, whatever the rounds say.
LEAST = 1.10


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def ratios(workload):
    """What ucp took for each second of the program it is held against, round by round."""
    results = {r["name"]: r for r in workload.get("results", []) if "problem" not in r}
    base = results.get(workload.get("base", "cp"))
    if not base or "ucp" not in results:
        return []
    return [a / b for a, b in zip(results["ucp"]["wall"]["all"], base["wall"]["all"])]


def is_slower(old, new):
    """Whether the best round is worse than the worst one was, and the median by more than a trifle."""
    if not old or not new:
        return False
    return min(new) > max(old) and statistics.median(new) > LEAST * statistics.median(old)


def compare(before, workload):
    """(median before, median now) if a workload of the bench BEFORE takes longer now, else None."""
    for old in before["workloads"]:
        if old["name"] == workload["name"] and old.get("text") == workload.get("text"):
            was, now = ratios(old), ratios(workload)
            if is_slower(was, now):
                return statistics.median(was), statistics.median(now)
    return None


def failed(before, workload):
    """Whether ucp could do a workload and cannot any more."""
    could = any(old["name"] == workload["name"] and ratios(old) for old in before["workloads"])
    return could and "left_out" not in workload and not ratios(workload)
