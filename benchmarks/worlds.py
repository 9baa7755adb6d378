"""Measure the generator of worlds: speed against Blender, where the time goes, and how it grows.

    python benchmarks/worlds.py rivals    scenes a second with the paper's rig: ours, and each of Blender's engines
    python benchmarks/worlds.py stages    CPU time of a scene by stage, for each kind of world
    python benchmarks/worlds.py scaling   memory over the number of scenes; time over objects and over pixels

``rivals`` needs Blender: a Python with bpy, or MAQUETTE_BLENDER_PYTHON. Each part prints Markdown tables under a line
with the machine, the date, the versions and the command.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import resource
import shlex
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

import maquette
from maquette.worlds.encode import encode
from maquette.worlds.generate import make_world
from maquette.worlds.library import Library
from maquette.worlds.options import TruthOptions, WorldOptions
from maquette.worlds.placement import Placer
from maquette.worlds.plan import Plan
from maquette.worlds.render import Renderer
from maquette.worlds.render.blender import BlenderRenderer
from maquette.worlds.render.gl import GlRenderer
from maquette.worlds.rigs import look_at
from maquette.worlds.run import generate, produce
from maquette.worlds.shards import ShardWriter
from maquette.worlds.truth import make_record
from maquette.worlds.types import Kind, Lighting, Sun, World
from maquette.worlds.workers import ONE_THREAD

RIG = TruthOptions(amodal=False, grid="yes")
"""What the paper's rig needs of a scene: pictures, depth, ids, occupancy and class grids."""

OURS = "ours (gl)"

WARM = 5
"""Scenes at the start that are not counted: they load tiles, and compile what is compiled once."""

SIZES_PX = (112, 224, 448, 896)
OBJECTS = (10, 20, 40, 80, 160, 320)


def header() -> None:
    """Say what was measured on, and how."""
    with GlRenderer() as renderer:
        driver = renderer._gl.info["GL_RENDERER"]
    print(
        f"{datetime.date.today()}, {_processor()}, {os.cpu_count()} cores, {driver}, Python "
        f"{platform.python_version()}, numpy {np.__version__}, moderngl {version('moderngl')}, "
        f"maquette {maquette.__version__}; `python {shlex.join(sys.argv)}`\n"
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    return names[0].partition(":")[2].strip() if names else platform.machine()


def rivals(scenes: int, blender_scenes: int, repeats: int, workers: int) -> None:
    """Complete scenes a second, written to disk, of the same worlds; the renderers take turns in every repeat."""
    engines: dict[str, Callable[[], BlenderRenderer]] = {
        "Cycles, 16 samples": lambda: BlenderRenderer(16, denoise=False),
        "Cycles, 16 samples, denoised": lambda: BlenderRenderer(16),
        "EEVEE, 16 samples": lambda: BlenderRenderer(16, "eevee"),
        "Workbench": lambda: BlenderRenderer(5, "workbench"),
    }
    rates: dict[str, list[float]] = {name: [] for name in (OURS, *engines)}
    for repeat in range(repeats):
        rates[OURS].append(_our_rate(scenes, seed=repeat, workers=workers))
        for name, engine in engines.items():
            try:
                with engine() as renderer:
                    rates[name].append(_rate(renderer, blender_scenes, seed=repeat))
            except maquette.MaquetteError as error:
                print(f"{name} does not run: {error}", file=sys.stderr)
    print("| renderer | processes | scenes a second: median | least | most | ours is faster by |")
    print("|---|---|---|---|---|---|")
    for name, found in rates.items():
        if found:
            median = statistics.median(found)
            hands = workers if name == OURS else "1, on all cores"
            spread = f"{min(found):.3g} | {max(found):.3g}"
            print(f"| {name} | {hands} | {median:.3g} | {spread} | {statistics.median(rates[OURS]) / median:.3g} |")


def _our_rate(scenes: int, *, seed: int, workers: int) -> float:
    """Scenes a second; starting the workers and what they warm up with are not counted."""
    times: list[float] = []
    first = WARM * workers
    with tempfile.TemporaryDirectory() as scratch:
        generate(
            WorldOptions(),
            RIG,
            Path(scratch) / "out",
            scenes=scenes + first,
            seed=seed,
            workers=workers,
            progress=lambda done, total: times.append(time.perf_counter()),
        )
    return scenes / (times[-1] - times[first])


def _rate(renderer: Renderer, scenes: int, *, seed: int) -> float:
    """Scenes a second of one process; a first scene is not counted."""
    with _writer(scenes + 1, seed) as writer:
        for number in range(scenes + 1):
            if number == 1:
                start = time.perf_counter()
            writer.add(number, encode(produce(WorldOptions(), RIG, seed, number, renderer)))
    return scenes / (time.perf_counter() - start)


@contextmanager
def _writer(scenes: int, seed: int, options: WorldOptions | None = None) -> Iterator[ShardWriter]:
    with tempfile.TemporaryDirectory() as scratch:
        writer = ShardWriter(Path(scratch), Plan(options or WorldOptions(), RIG, seed, scenes, "shards", 250, False))
        try:
            yield writer
        finally:
            writer.close()


def stages(scenes: int) -> None:
    """CPU time of the stages of a scene, on one core, over the same number of scenes of each kind."""
    names = ("make", "render", "truth and grids", "encode", "write")
    print(f"| kind | CPU ms a scene | {' | '.join(f'{name}, %' for name in names)} |")
    print("|---" * (2 + len(names)) + "|")
    every = TruthOptions()
    for kind, truth in (("studio", RIG), *((kind, every) for kind in get_args(Kind))):
        spent = _stages(WorldOptions(kind=kind), truth, scenes)
        total = sum(spent)
        shares = " | ".join(f"{100 * part / total:.0f}" for part in spent)
        print(f"| {kind}{', amodal masks too' if truth.amodal else ''} | {1e3 * total:.0f} | {shares} |", flush=True)


def _stages(options: WorldOptions, truth: TruthOptions, scenes: int) -> list[float]:
    """CPU seconds a scene of each stage."""
    spent = np.zeros(5)
    with GlRenderer() as renderer, _writer(scenes + WARM, 0, options) as writer:
        for number in range(scenes + WARM):
            marks = [time.process_time()]
            world = make_world(options, 0, number)
            marks.append(time.process_time())
            views = renderer.render(world, amodal=truth.amodal)
            marks.append(time.process_time())
            record = make_record(world, views, truth)
            marks.append(time.process_time())
            files = encode(record)
            marks.append(time.process_time())
            writer.add(number, files)
            marks.append(time.process_time())
            if number >= WARM:
                spent += np.diff(marks)
    return list(spent / scenes)


def scaling(counts: list[int], repeats: int) -> None:
    """Memory over the number of scenes; time over the number of objects and over pixels."""
    print("| scenes | memory of the process, MB |\n|---|---|")
    with GlRenderer() as renderer, _writer(max(counts), 0) as writer:
        for number in range(max(counts)):
            writer.add(number, encode(produce(WorldOptions(), RIG, 0, number, renderer)))
            if number + 1 in counts:
                print(f"| {number + 1} | {_resident_mb():.0f} |", flush=True)
        print(
            "\n| objects | triangles | CPU ms: place | render | truth and grids | encode | a scene, for each object |"
        )
        print("|---|---|---|---|---|---|---|")
        for objects in OBJECTS:
            found, triangles = _measured(partial(_crowd, objects), renderer, repeats)
            cells = " | ".join(f"{1e3 * seconds:.1f}" for seconds in found)
            print(f"| {objects} | {triangles:.0f} | {cells} | {1e3 * found.sum() / objects:.2f} |", flush=True)
        print("\n| pixels of a picture | CPU ms: make | render | truth and grids | encode | render, ns a pixel |")
        print("|---|---|---|---|---|---|")
        for size in SIZES_PX:
            found, _ = _measured(partial(make_world, WorldOptions(width=size, height=size), 0), renderer, repeats)
            cells = " | ".join(f"{1e3 * seconds:.1f}" for seconds in found)
            print(f"| {size} x {size} | {cells} | {1e9 * found[1] / (3 * size**2):.0f} |", flush=True)


def _measured(make: Callable[[int], World], renderer: Renderer, repeats: int) -> tuple[NDArray[np.float64], float]:
    """Medians over worlds by their number: CPU seconds to make, render, work out and encode one; its triangles."""
    seconds, triangles = [], []
    for number in range(repeats):
        marks = [time.process_time()]
        world = make(number)
        marks.append(time.process_time())
        views = renderer.render(world)
        marks.append(time.process_time())
        record = make_record(world, views, RIG)
        marks.append(time.process_time())
        encode(record)
        marks.append(time.process_time())
        seconds.append(np.diff(marks))
        triangles.append(sum(len(part.faces) for thing in world.objects for part in thing.asset.parts))
    return np.median(seconds, axis=0), statistics.median(triangles)


def _crowd(objects: int, seed: int) -> World:
    """Chairs and tables at random places of a square that grows with their number, seen by three cameras beside it."""
    rng = np.random.default_rng(seed)
    placer = Placer(rng, attempts=40, collisions="mesh")
    library = Library(WorldOptions())
    half = 1.5 * objects**0.5

    def propose(draw: np.random.Generator) -> tuple[float, tuple[float, float, float]]:
        yaw, x, z = draw.uniform(-1, 1, 3) * (np.pi, half, half)
        return yaw, (x, 0.0, z)

    while len(placer.objects) < objects:
        label, asset = library.sample(("chair", "table")[rng.integers(2)], rng)
        placer.try_place(label, asset, propose)
    light = Lighting(np.full((16, 32, 3), 0.8, np.float32), (0.1, 0.1, 0.1), Sun((0.6, 0.7, 0.39), (2.0, 2.0, 2.0)))
    eyes = [(x * half * 1.5, half, z * half * 1.5) for x, z in ((-1, 1), (1, 1), (1, -1))]
    cameras = tuple(look_at(eye, (0.0, 0.0, 0.0), 224, 224, 60.0) for eye in eyes)
    return World(f"crowd-{seed}", "landscape", tuple(placer.objects), light, cameras)


def _resident_mb() -> float:
    """Memory that this process holds now (Linux), or held at most (elsewhere)."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def main() -> None:
    """Run one part of the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    against = parts.add_parser("rivals")
    against.add_argument("--scenes", type=int, default=200, help="scenes of ours in a repeat")
    against.add_argument(
        "--blender-scenes", type=int, default=5, help="scenes of each of Blender's engines in a repeat"
    )
    against.add_argument("--repeats", type=int, default=5)
    against.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parts.add_parser("stages").add_argument("--scenes", type=int, default=50)
    growth = parts.add_parser("scaling")
    growth.add_argument("--scenes", type=int, nargs="+", default=[50, 200, 500])
    growth.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.part != "rivals":
        os.environ.update(ONE_THREAD)
    start = time.perf_counter()
    header()
    if arguments.part == "rivals":
        rivals(arguments.scenes, arguments.blender_scenes, arguments.repeats, arguments.workers)
    elif arguments.part == "stages":
        stages(arguments.scenes)
    else:
        scaling(arguments.scenes, arguments.repeats)
    print(f"({time.perf_counter() - start:.0f} s)", file=sys.stderr)


if __name__ == "__main__":
    main()
