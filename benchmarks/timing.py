"""How long a network takes, measured in the process that runs it."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable

LEAST_RUNS, MOST_RUNS, ENOUGH_S = 3, 25, 10.0
"""Runs that are timed: no more begin when they have taken ``ENOUGH_S`` together."""


def timed(prepare: Callable[[], Callable[[], object]]) -> dict[str, float]:
    """Time what ``prepare`` returns: once with its preparation, then again and again.

    Returns:
        Seconds until the first result; median, lower and upper quartile of milliseconds; median of milliseconds of
        processor time; and the most memory that the process has held, in GB.
    """
    start = time.perf_counter()
    run = prepare()
    run()
    ready = time.perf_counter() - start
    walls: list[float] = []
    cpus: list[float] = []
    while len(walls) < LEAST_RUNS or (len(walls) < MOST_RUNS and sum(walls) < ENOUGH_S):
        start, cpu = time.perf_counter(), time.process_time()
        run()
        walls.append(time.perf_counter() - start)
        cpus.append(time.process_time() - cpu)
    low, _, high = statistics.quantiles(walls, n=4)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {
        "ready_s": ready,
        "ms": 1000 * statistics.median(walls),
        "low_ms": 1000 * low,
        "high_ms": 1000 * high,
        "cpu_ms": 1000 * statistics.median(cpus),
        "peak_gb": peak / 1e9,
    }
