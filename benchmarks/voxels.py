"""Measure the networks of ``maquette voxels``: the paper's (Everted U-Net), as trained here, and ours.

    python benchmarks/voxels.py table DATA [--meshes DIR [--classes FILE]] [--scenes N] [--json FILE]
    python benchmarks/voxels.py rigs [--scenes N] [--json FILE]
    python benchmarks/voxels.py speed
    python benchmarks/voxels.py pictures DATA -o FILE.png

``table`` compares both on the same scenes, of styles that were trained on (``DATA/seen``), of styles that were not
(``DATA/unseen``) and with the user's own meshes (``DATA/meshes``), with one, two and three views; what is not there is
made first. ``--paper`` and ``--ours`` take other networks of the same kinds: a name of the catalogue, or an ONNX file
with its contract beside it. Thresholds are those of the contract.

``rigs`` measures ours, which learned from the studio's rig alone, on others: the same scenes of unseen styles, seen by
all cameras of each.

``speed`` runs each network in ONNX Runtime, as maquette does, and in PyTorch, each in a process of its own.

``pictures`` draws scenes of unseen styles: what the cameras see, the truth, and what each network makes of it.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.spatial.transform import Rotation

import maquette
from maquette.camera import Camera
from maquette.metrics.significance import wilcoxon
from maquette.models.catalogue import resolve, sha256, verified_path
from maquette.models.session import DEFAULT_THREADS
from maquette.models.types import Model, VoxelContract
from maquette.train.voxels.card import class_table, view_table
from maquette.train.voxels.evaluate import (
    VIEWS,
    Predict,
    Seen,
    Thresholds,
    compare,
    measure,
    predictor,
    report,
)
from maquette.voxels.instances import separate
from maquette.voxels.network import View, predict
from maquette.voxels.preview import preview
from maquette.voxels.rig import CAMERAS, CELL_M, CELLS, FOV_DEG, SIDE_PX, TARGET, fit, studio_cameras, studio_grid
from maquette.voxels.types import CLASSES, COLORS
from maquette.worlds.generate import make_world
from maquette.worlds.options import TruthOptions, WorldOptions
from maquette.worlds.plan import INDEX, read_index
from maquette.worlds.record import SceneRecord
from maquette.worlds.render import Renderer, make_renderer
from maquette.worlds.rigs import look_at
from maquette.worlds.run import generate, read, record_of
from maquette.worlds.studio import DEPTH_M, HEIGHT_M, WIDTH_M
from maquette.worlds.truth import occupied

Labels = NDArray[np.uint8]
Picture = NDArray[np.uint8]

PAPERS, OURS = "paper's", "ours"
PAPERS_FILE = Path(__file__).parent / "networks" / "maquette-voxels-paper.onnx"
"""It is here to be compared with, and not in the package: it would cost every user 11 MB."""
RUNTIME, TORCH = "ONNX Runtime", ("PyTorch", "PyTorch, bf16")
TILE_PX, GAP_PX, TEXT_PX = 224, 4, 24
"""Side of a picture in a sheet, the gap beside it, and the height of a line of text."""

SEEDS = {"unseen": 7, "seen": 8, "meshes": 9, "rigs": 10}
"""Of each set of scenes; training takes 5."""


@dataclass(frozen=True, eq=False)
class Network:
    """One that is measured.

    Attributes:
        path: Its ONNX file.
        predict: It.
        thresholds: Its own.
    """

    path: Path
    predict: Predict
    thresholds: Thresholds


@dataclass(frozen=True)
class OtherRig:
    """How a rig differs from the studio's.

    Attributes:
        places: Of its cameras, metres in the world.
        fov_deg: Of its lenses, across.
        height_px: Of its pictures.
        moved_m: Most that each is off its place along each axis, by chance, anew in each scene.
        turned_deg: Most that each is turned about each of its axes, likewise.
        cell_m: Edge of its cells.
    """

    places: tuple[tuple[float, float, float], ...] = CAMERAS
    fov_deg: float = FOV_DEG
    height_px: int = SIDE_PX
    moved_m: float = 0.0
    turned_deg: float = 0.0
    cell_m: float = CELL_M


RIGS = {
    "the studio's": OtherRig(),
    "moved by 0.25 m, turned by 4 degrees": OtherRig(moved_m=0.25, turned_deg=4.0),
    "lenses of 55 degrees": OtherRig(fov_deg=55.0),
    "lenses of 90 degrees": OtherRig(fov_deg=90.0),
    "4 : 3, as high as the studio's": OtherRig(fov_deg=86.06, height_px=168),
    "in all four corners": OtherRig((*CAMERAS, (-1.85, 3.0, -2.25))),
    "1.5 m high": OtherRig(tuple((x, 1.5, z) for x, _, z in CAMERAS)),
    "mirrored": OtherRig(tuple((-x, y, z) for x, y, z in CAMERAS)),
    "cells of 10 cm": OtherRig(cell_m=0.1),
}


def header() -> str:
    """Say what was measured on, and how."""
    return (
        f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"numpy {np.__version__}, onnxruntime {onnxruntime.__version__}, maquette {maquette.__version__}; "
        f"`python {shlex.join(sys.argv)}`"
    )


def tell(what: str) -> Callable[..., None]:
    """Return a function that shows how many scenes are done."""
    return lambda done, *total: print(f"\r{what}: {done}", end="", file=sys.stderr, flush=True)


def scenes_of(folder: Path, count: int, options: WorldOptions) -> Iterator[SceneRecord]:
    """Yield the first scenes of a data set, which is made, or finished, where it is not there."""
    if not (folder / INDEX).exists() or not read_index(folder).get("complete"):
        generate(options, TruthOptions(), folder, scenes=count, seed=SEEDS[folder.name], progress=tell(f"{folder}"))
    return itertools.islice(read(folder), count)


def model_of(whose: str, arguments: argparse.Namespace) -> Model:
    """Find a network in the catalogue, or as a file."""
    return resolve(str(arguments.paper if whose == PAPERS else arguments.ours))


def contract(model: Model) -> VoxelContract:
    """Return what a network for voxels gives."""
    assert isinstance(model.output, VoxelContract)
    return model.output


def networks(arguments: argparse.Namespace) -> dict[str, Network]:
    """Return both networks, with the thresholds of their contracts."""
    found = {}
    for whose in (PAPERS, OURS):
        model = model_of(whose, arguments)
        thresholds = Thresholds(contract(model).occupied, contract(model).present)
        found[whose] = Network(verified_path(model), predictor(model), thresholds)
    return found


def measured(arguments: argparse.Namespace, found: Mapping[str, Network]) -> dict[str, dict[str, dict[int, Seen]]]:
    """Measure both networks on every set of scenes."""
    sets = {"unseen": WorldOptions(styles="unseen"), "seen": WorldOptions(styles="seen")}
    if arguments.meshes:
        sets["meshes"] = WorldOptions(
            styles="all", assets=arguments.meshes, classes=arguments.classes, only_assets=True
        )
    return {
        name: {
            whose: measure(
                network.predict,
                scenes_of(arguments.data / name, arguments.scenes, options),
                network.thresholds,
                progress=tell(f"{name}, {whose}"),
            )
            for whose, network in found.items()
        }
        for name, options in sets.items()
    }


def table(arguments: argparse.Namespace) -> None:
    """Print what both networks are worth, and write it as JSON where that is asked for."""
    found = networks(arguments)
    seen = measured(arguments, found)
    reports = {
        name: {whose: report(one, found[whose].thresholds) for whose, one in pair.items()}
        for name, pair in seen.items()
    }
    print(f"\n{header()}\n")
    for whose, network in found.items():
        print(
            f"- {whose}: `{network.path.name}`, sha256 `{sha256(network.path)}`, thresholds "
            f"{network.thresholds.occupancy:g} (occupancy) and {network.thresholds.classes:g} (classes)"
        )
    rows = {f"{name} ({one['scenes']}) | {whose}": one for name, pair in reports.items() for whose, one in pair.items()}
    columns = "scenes | network"
    for lines in (view_table(rows, columns), class_table(rows, columns), comparison(seen), losses(reports)):
        print("", *lines, sep="\n")
    if arguments.json:
        arguments.json.write_text(json.dumps({"measured_on": header(), "sets": reports}, indent=1) + "\n")


def comparison(seen: Mapping[str, Mapping[str, Mapping[int, Seen]]]) -> list[str]:
    """Return the table of Wilcoxon's test over the scenes' own IoU."""
    lines = [
        "Scene by scene, ours against the paper's (p: Wilcoxon's signed-rank test, two-sided).",
        "",
        "| scenes | views | measure | median of ours minus the paper's | lower / higher in | p |",
        "|---|---|---|---|---|---|",
    ]
    for name, pair in seen.items():
        for views in VIEWS:
            for what in ("occupancy", "classes"):
                first, second = (getattr(pair[whose][views], what).together().by_scene[:, 0, 0] for whose in pair)
                known = ~(np.isnan(first) | np.isnan(second))
                test = wilcoxon(first[known], second[known])
                title = "reconstruction" if what == "occupancy" else "segmentation, overall"
                lines.append(
                    f"| {name} | {views} | {title} | {test.median:+.3f} | {test.lower} / {test.higher} "
                    f"| {test.p_two_sided:.2g} |"
                )
    return lines


def losses(reports: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say where the paper's network is better than ours."""
    lines = []
    for name, pair in reports.items():
        for views, parts in pair[PAPERS]["views"].items():
            theirs, ours = flat(parts), flat(pair[OURS]["views"][views])
            worse = [
                f"{what} {value:.3f} against {ours[what]:.3f}"
                for what, value in theirs.items()
                if value is not None and ours[what] is not None and value > ours[what]
            ]
            if worse:
                lines.append(f"- {name}, {views} view{'s' * (views != '1')}: {', '.join(worse)}")
    if not lines:
        return ["The paper's network is better than ours in none of these."]
    return ["Where the paper's network is better than ours (its number first):", "", *lines]


def flat(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return every number of one number of views by a name that a person can read."""
    numbers = {"PQ": parts["objects"]["pq"]}
    for way, words in (("pooled", "all cells"), ("per_sample", "scenes' mean")):
        one = parts[way]
        named = {"reconstruction": one["occupancy"], "classes' mean": one["miou"], "classes overall": one["overall"]}
        numbers |= {f"{name} ({words})": value for name, value in {**named, **one["classes"]}.items()}
    return numbers


def cameras_of(rig: OtherRig, rng: np.random.Generator) -> tuple[Camera, ...]:
    """Return the cameras of a rig in one scene; none is nearer than 10 cm to a wall."""
    most = np.array([WIDTH_M / 2, HEIGHT_M, DEPTH_M / 2]) - 0.1
    made = []
    for place in rig.places:
        eye = np.clip(place + rng.uniform(-rig.moved_m, rig.moved_m, 3), -most, most)
        camera = look_at(eye, TARGET, SIDE_PX, rig.height_px, rig.fov_deg)
        turn = np.eye(4)
        angles = rng.uniform(-rig.turned_deg, rig.turned_deg, 3)
        turn[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
        made.append(replace(camera, T_world_camera=camera.T_world_camera @ turn))
    return tuple(made)


def scenes_with(rig: OtherRig, count: int, renderer: Renderer) -> Iterator[SceneRecord]:
    """Yield scenes as another rig sees them; they are the same for every rig."""
    i, j, k = (round(cells * CELL_M / rig.cell_m) for cells in CELLS)
    grid = replace(studio_grid(), shape=(i, j, k), cell_m=rig.cell_m)
    for number in range(count):
        world = make_world(WorldOptions(styles="unseen"), SEEDS["rigs"], number)
        cameras = cameras_of(rig, np.random.default_rng([SEEDS["rigs"], number]))
        record = record_of(replace(world, cameras=cameras), TruthOptions(amodal=False, grid="no"), renderer)
        occupancy, classes = occupied(world, grid)
        yield replace(record, grid=grid, occupancy=occupancy, classes=classes)


def rigs(arguments: argparse.Namespace) -> None:
    """Print what our network is worth on rigs that it never saw, and write it as JSON where that is asked for."""
    model = resolve(arguments.ours)
    thresholds = Thresholds(contract(model).occupied, contract(model).present)
    run, reports = predictor(model), {}
    with make_renderer("gl", samples=0) as renderer:
        for name, rig in RIGS.items():
            scenes = scenes_with(rig, arguments.scenes, renderer)
            seen = measure(run, scenes, thresholds, (len(rig.places),), tell(name))
            reports[name] = report(seen, thresholds)
    print(f"\n{header()}\n")
    print(f"{arguments.scenes} scenes; `{arguments.ours}`, sha256 `{sha256(verified_path(model))}`, {thresholds}\n")
    print("\n".join([*view_table(reports, "rig"), "", *class_table(reports, "rig")]))
    if arguments.json:
        arguments.json.write_text(json.dumps({"measured_on": header(), "rigs": reports}, indent=1) + "\n")


def studio_views(count: int) -> list[View]:
    """Return views of the studio with noise in them."""
    noise = np.random.default_rng(0).integers(0, 256, (count, SIDE_PX, SIDE_PX, 3)).astype(np.uint8)
    cameras = studio_cameras(SIDE_PX, SIDE_PX)[:count]
    return [
        View(*fit(rgb, camera, studio_grid()), at) for at, (rgb, camera) in enumerate(zip(noise, cameras, strict=True))
    ]


def run_torch(path: Path, views: Sequence[View], bf16: bool) -> Callable[[], object]:
    """Return a function that runs in PyTorch what an ONNX file holds."""
    import torch

    from maquette.train.voxels.files import LiftingFile, load

    torch.set_num_threads(DEFAULT_THREADS)
    network = load(path)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv3d | torch.nn.ConvTranspose3d):  # as training does: faster in bfloat16
            module.to(memory_format=torch.channels_last_3d)
    inputs = [torch.from_numpy(np.stack([view.image for view in views]))]
    if isinstance(network, LiftingFile):
        inputs.append(torch.from_numpy(np.stack([view.projection for view in views])))
        inputs += [(torch.arange(count) + 0.5) * CELL_M for count in CELLS]
    else:
        inputs.append(torch.tensor([view.camera for view in views]))

    def run() -> object:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            return network(*inputs)

    return run


def ready(model: Model, way: str, count: int) -> Callable[[], object]:
    """Return what runs a network in one way on a number of views."""
    views = studio_views(count)
    if way == RUNTIME:
        return partial(predict, views, studio_grid(), model)
    return run_torch(verified_path(model), views, bf16=way == TORCH[1])


def speed(arguments: argparse.Namespace) -> None:
    """Print what a room costs, each row from a process of its own."""
    if arguments.child:
        from timing import timed

        whose, way, count = arguments.child
        print(json.dumps(timed(partial(ready, model_of(whose, arguments), way, int(count)))))
        return
    import torch

    print(f"{header()}; torch {torch.__version__}, {DEFAULT_THREADS} threads\n")
    print("| network | views | run by | ready after s | ms, median (quartiles) | CPU ms | peak GB |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for whose, views, way in itertools.product((PAPERS, OURS), VIEWS, (RUNTIME, *TORCH)):
        done = subprocess.run(
            [sys.executable, *sys.argv, "--child", whose, way, str(views)], stdout=subprocess.PIPE, check=True
        )
        row = json.loads(done.stdout)
        print(
            f"| {whose} | {views} | {way} | {row['ready_s']:.1f} | {row['ms']:.0f} ({row['low_ms']:.0f} - "
            f"{row['high_ms']:.0f}) | {row['cpu_ms']:.0f} | {row['peak_gb']:.2f} |",
            flush=True,
        )


def labels_of(scene: SceneRecord) -> Labels:
    """Return the true class of each cell, 1 to 6; of two classes the later, which is the smaller thing."""
    assert scene.classes is not None
    last = len(CLASSES) - scene.classes[..., ::-1].argmax(axis=-1)
    return np.where(scene.classes.any(axis=-1), last, 0).astype(np.uint8)


def row_of(scene: SceneRecord, found: Mapping[str, Network]) -> list[tuple[Picture, str]]:
    """Return the pictures of one scene, and what stands below each."""
    tiles = [(view.rgb, "") for view in scene.views] + [(preview(labels_of(scene), TILE_PX), "")]
    for network in found.values():
        prediction = network.predict(scene, range(len(scene.views)))
        cells = separate(prediction, network.thresholds.occupancy)
        seen = compare(scene, prediction, network.thresholds)
        reconstruction, segmentation = (part.together().pooled[0, 0] for part in (seen.occupancy, seen.classes))
        tiles.append((preview(cells.label, TILE_PX), f"IoU {reconstruction:.2f}, of classes {segmentation:.2f}"))
    return tiles


def pictures(arguments: argparse.Namespace) -> None:
    """Draw what the cameras see, the truth, and what both networks make of it."""
    found = networks(arguments)
    options = WorldOptions(styles="unseen")
    rows = [row_of(scene, found) for scene in scenes_of(arguments.data / "unseen", arguments.scenes, options)]
    titles = (*(f"camera {number + 1}" for number in range(len(rows[0]) - 3)), "truth", *found)
    wide, high = TILE_PX + GAP_PX, TILE_PX + TEXT_PX
    canvas = Image.new("RGB", (wide * len(titles) - GAP_PX, 2 * TEXT_PX + high * len(rows)), "white")
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(TEXT_PX * 0.6)
    for column, label in enumerate(CLASSES):
        middle = canvas.width * (0.5 + 0.5 * (column + 0.3) / len(CLASSES))
        box = (middle - 0.8 * TEXT_PX, 0.2 * TEXT_PX, middle - 0.2 * TEXT_PX, 0.8 * TEXT_PX)
        draw.rectangle(box, COLORS[label], "black")
        draw.text((middle, TEXT_PX / 2), label, "black", font, "lm")
    for column, title in enumerate(titles):
        draw.text((wide * column + TILE_PX / 2, 1.5 * TEXT_PX), title, "black", font, "mm")
    for number, row in enumerate(rows):
        top = 2 * TEXT_PX + high * number
        for column, (tile, words) in enumerate(row):
            small = Image.fromarray(tile)
            small.thumbnail((TILE_PX, TILE_PX), Image.Resampling.LANCZOS)
            canvas.paste(small, (wide * column, top + (TILE_PX - small.height) // 2))
            draw.text((wide * column + TILE_PX / 2, top + TILE_PX + TEXT_PX / 2), words, "black", font, "mm")
    canvas.save(arguments.out)
    print(arguments.out)


def main() -> None:
    """Run one part of the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paper", default=PAPERS_FILE, help="the paper's network: a name or a file")
    parser.add_argument("--ours", default="maquette-voxels", help="ours: a name or a file")
    parts: Any = parser.add_subparsers(required=True)
    compared = parts.add_parser("table")
    compared.add_argument("data", type=Path, help="folder of the data sets")
    compared.add_argument("--scenes", type=int, default=250, help="of each set [250]")
    compared.add_argument("--meshes", help="folder of meshes for the set `meshes`, see docs/worlds_assets.md")
    compared.add_argument("--classes", help="JSON file that says which mesh is what [classes.json among them]")
    compared.add_argument("--json", type=Path, help="file for all numbers")
    compared.set_defaults(run=table)
    other = parts.add_parser("rigs")
    other.add_argument("--scenes", type=int, default=40, help="of each rig [40]")
    other.add_argument("--json", type=Path, help="file for all numbers")
    other.set_defaults(run=rigs)
    drawn = parts.add_parser("pictures")
    drawn.add_argument("data", type=Path, help="folder of the data sets")
    drawn.add_argument("--scenes", type=int, default=12, help="[12]")
    drawn.add_argument("-o", "--out", type=Path, required=True)
    drawn.set_defaults(run=pictures)
    timing = parts.add_parser("speed")
    timing.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    timing.set_defaults(run=speed)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
