"""Measure the whole command on a folder of photos, one by one and several at a time.

    python benchmarks/batch.py PHOTOS [--count 12] [--jobs 1 2] [--rounds 3]

The ways take turns. Each is a process of its own, from its start to its last file: seconds, the processor's seconds,
and peak memory. Photos are taken from the folder at even distances.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import maquette
from maquette.cli.inputs import expand


def measure(photos: list[Path], jobs: int) -> tuple[float, float, float]:
    """Run ``maquette diorama``: wall seconds, processor seconds and peak memory in GB."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "maquette", "diorama", *map(str, photos), "-o", out, "--jobs", str(jobs)]
        start = time.perf_counter()
        process = subprocess.Popen([*command, "--quiet"])
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return wall, usage.ru_utime + usage.ru_stime, peak / 1e9


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", metavar="PHOTOS")
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    found = expand(arguments.photos)
    photos = [found[i * len(found) // arguments.count] for i in range(arguments.count)]
    rounds = [[measure(photos, jobs) for jobs in arguments.jobs] for _ in range(arguments.rounds)]
    print(
        f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[1]:.1f}, "
        f"Python {platform.python_version()}, maquette {maquette.__version__}; {len(photos)} photos\n"
    )
    print("| photos at a time | seconds, median | least | CPU seconds | peak GB |\n|---|---|---|---|---|")
    for jobs, runs in zip(arguments.jobs, zip(*rounds, strict=True), strict=True):
        walls, cpus, peaks = zip(*runs, strict=True)
        print(
            f"| {jobs} | {statistics.median(walls):.1f} | {min(walls):.1f} | {statistics.median(cpus):.1f} "
            f"| {max(peaks):.2f} |"
        )


if __name__ == "__main__":
    main()
