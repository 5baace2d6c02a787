# SPDX-License-Identifier: MIT
"""What came out of the races: bench.json, bench.md, and bench.svg where there is gnuplot."""

import json
import os
import shutil
import subprocess


def by_name(workload):
    return {r["name"]: r for r in workload.get("results", [])}


def ratio(result, key="ratio_fastest"):
    return f"{result[key]:.2f}" if result and key in result else "–"


def best(results, names):
    """The fastest of these, or None."""
    ran = [results[name] for name in names if name in results and "ratio_fastest" in results[name]]
    return min(ran, key=lambda r: r["ratio_fastest"], default=None)


def others(results):
    return [name for name in list(results)[1:] if name != "ucp" and not name.startswith("floor")]


def floors(results):
    return [name for name in results if name.startswith("floor")]


def summary(found):
    """One line a workload."""
    lines = ["| workload | base | base, s | ucp / base | best other | floor | CPU ucp / base | peak ucp, MiB |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for workload in found["workloads"]:
        results = by_name(workload)
        if "left_out" in workload:
            lines.append(f"| {workload['name']} | left out: {workload['left_out']} | | | | | | |")
            continue
        name = workload.get("base", "cp")
        base, ucp = results[name], results["ucp"]
        other, floor = best(results, others(results)), best(results, floors(results))
        cpu = peak = "–"
        if "problem" not in ucp:
            peak = f"{ucp['rss_kib'] / 1024:.0f}"
            if "problem" not in base and base["cpu"]["median"] > 0:
                cpu = f"{ucp['cpu']['median'] / base['cpu']['median']:.2f}"
        lines.append(f"| {workload['text']} | {name} | {base['wall']['median']:.3f} | **{ratio(ucp)}** "
                     f"| {ratio(other)}{' (' + other['name'] + ')' if other else ''} | {ratio(floor)} | {cpu} | {peak} |"
                     if "problem" not in base else f"| {workload['text']} | {name}: {base['problem']} | | | | | | |")
    return lines


def details(workload):
    base = workload.get("base", "cp")
    lines = ["", f"### {workload['name']}", "", workload["text"] + f"; {workload['rounds']} rounds", "",
             f"| | wall min, s | median | CPU min, s | median | peak, MiB | / {base}, median | / {base}, fastest third |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for r in workload["results"]:
        if "problem" in r:
            problem = " ".join(r["problem"].split()).replace("|", "\\|")
            lines.append(f"| {r['name']} | {problem[:150]} | | | | | | |")
            continue
        lines.append(f"| {r['name']} | {r['wall']['min']:.4f} | {r['wall']['median']:.4f} | {r['cpu']['min']:.3f} "
                     f"| {r['cpu']['median']:.3f} | {r['rss_kib'] / 1024:.1f} | {ratio(r, 'ratio_median')} "
                     f"| {ratio(r)} |")
    return lines


def markdown(found):
    env = found["environment"]
    programs = "; ".join(v for v in env["programs"].values() if v)
    lines = ["# How fast ucp is", "",
             f"{env['processor']}, {env['processors']} processors, {env['memory_gib']} GiB, Linux {env['kernel']}, "
             f"{env['date']}. {programs}. Scale {env['scale']:g}, up to {env['rounds']} rounds in turn. Ratios are those "
             "of the means of the fastest third of the rounds; smaller is faster. The floor is the same files written "
             f"with nothing read. Far: each request takes {env['latency_ms']:g} ms.", "", *summary(found)]
    for workload in found["workloads"]:
        if "results" in workload:
            lines += details(workload)
    return "\n".join(lines) + "\n"


def names_of(workloads):
    """The names of all that had results, for each workload."""
    return [[r["name"] for r in w["results"] if "ratio_fastest" in r] for w in workloads]


def plot(found, out):
    """Bars of the ratios to cp. Returns whether it could be drawn."""
    ran = [w for w in found["workloads"] if "results" in w and "base" not in w]
    # gnuplot wants at least one bar of each.
    names = dict.fromkeys(r["name"] for w in ran for r in w["results"] if "ratio_fastest" in r)
    names = [n for n in names if n != "cp" and not n.startswith("floor")] + ["floor"] * any(map(floors, names_of(ran)))
    if not names or not shutil.which("gnuplot"):
        return False
    rows = []
    for workload in ran:
        results = by_name(workload)
        floor = best(results, floors(results))
        cells = [floor if name == "floor" else results.get(name) for name in names]
        rows.append(f'"{workload["name"]}" ' + " ".join(ratio(cell).replace("–", "NaN") for cell in cells))
    script = [f'set terminal svg size {max(900, 70 * len(ran) + 200)},520 background "white"',
              f'set output "{out}/bench.svg"', "set style data histogram", "set style histogram clustered gap 1",
              "set style fill solid 0.8", "set xtics rotate by 40 right noenhanced", "set grid ytics",
              'set ylabel "time / time of cp (smaller is faster)"', "set logscale y 2", "set yrange [0.015:8]",
              "set boxwidth 0.9", "set key outside top center horizontal noenhanced",
              "$data << EOD", *rows, "EOD",
              "plot " + ", ".join(f'$data using {i + 2}:xtic(1) title "{name}"' for i, name in enumerate(names))
              + ', 1 with lines lc "black" title "cp"']
    done = subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, capture_output=True, check=False)
    if done.returncode:
        print("gnuplot: " + done.stderr.strip()[:300])
    return done.returncode == 0


def write(found, out):
    os.makedirs(out, exist_ok=True)
    with open(f"{out}/bench.json", "w", encoding="utf-8") as file:
        json.dump(found, file, indent=1)
    with open(f"{out}/bench.md", "w", encoding="utf-8") as file:
        file.write(markdown(found))
    plot(found, out)
