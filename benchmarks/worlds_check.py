"""Check generated worlds by other means than those that made them, and every truth of some against another.

    python benchmarks/worlds_check.py [--worlds N] [--records N] [--kinds KIND ...] [--seed N] [--assets DIR]
        [--workers N]

Worlds take the kinds by turns. None may have intersecting or floating things; the first of them are rendered,
and all that would be stored of them is compared (see ``maquette.worlds.check``). Exits with 1 if anything fails.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context

from maquette.worlds.check import Report, check_record, check_world
from maquette.worlds.generate import make_world
from maquette.worlds.options import TruthOptions, WorldOptions
from maquette.worlds.render import Renderer, make_renderer
from maquette.worlds.truth import make_record
from maquette.worlds.types import Kind

KINDS: tuple[Kind, ...] = ("studio", "room", "street", "landscape")
SHOWN = 20


@cache
def renderer() -> Renderer:
    """The process's own."""
    return make_renderer("gl", 1).__enter__()


def check(index: int, *, kinds: tuple[Kind, ...], seed: int, records: int, assets: str | None) -> Report:
    """Make and check one world, and its record if it is among the first."""
    kind = kinds[index % len(kinds)]
    world = make_world(WorldOptions(kind=kind, styles="all", assets=assets), seed, index)
    report = check_world(world)
    if index < records:
        views = renderer().render(world, amodal=True)
        report += check_record(world, make_record(world, views, TruthOptions(grid="yes", volume="quarter")))
    return report


def main() -> None:
    """Print how often each check was made and how often it failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--records", type=int, default=100)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--assets", help="folder of meshes that join the families")
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    job = partial(check, kinds=tuple(chosen.kinds), seed=chosen.seed, records=chosen.records, assets=chosen.assets)
    started = time.perf_counter()
    total = Report()
    with ProcessPoolExecutor(chosen.workers, mp_context=get_context("spawn")) as pool:
        for report in pool.map(job, range(chosen.worlds), chunksize=4):
            total += report
    print(f"{chosen.worlds} worlds, {chosen.records} of them with records, in {time.perf_counter() - started:.0f} s\n")
    print(f"| {'check':<32} | {'tested':>8} | {'failed':>8} |\n|{'-' * 34}|{'-' * 9}:|{'-' * 9}:|")
    for name, count in total.tested.items():
        print(f"| {name:<32} | {count:>8} | {total.failed(name):>8} |")
    for line in total.failures[:SHOWN]:
        print(line)
    if len(total.failures) > SHOWN:
        print(f"and {len(total.failures) - SHOWN} more")
    sys.exit(bool(total.failures))


if __name__ == "__main__":
    main()
