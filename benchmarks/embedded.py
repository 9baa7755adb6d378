"""Measure two networks of the kind that ships against each other, and look at what they make of photos.

    python benchmarks/embedded.py compare OLD.onnx NEW.onnx [--worlds DIR] [--rgbd DIR] [--photos DIR --teachers DIR]
    python benchmarks/embedded.py sheets NETWORK.onnx [NETWORK.onnx] --photos DIR -o DIR

``compare`` prints one table; what is measured depends on what is given. Choices are made on what it looks at by
itself: the last scenes of the worlds that were learned from, every fifth ``learn`` scene of OSD, every fifth photo.
``--test`` takes the worlds of unseen styles and OSD's ``test`` scenes instead, which are for a report alone. p is that
of Wilcoxon's signed-rank test, two-sided, over the pictures' own values. Both networks see each picture in turn.

``sheets`` writes contact sheets: photo, segments of each network, depth of each network (yellow is near).
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import maquette
from gallery import depth_picture, segments_picture
from maquette.metrics.segmentation import PanopticQuality
from maquette.metrics.significance import wilcoxon
from maquette.models.catalogue import sha256
from maquette.perception import Perception, perceive
from maquette.train import data, evaluate
from maquette.train.evaluate import Network
from maquette.train.evaluate_worlds import Seen, look, summary
from maquette.train.targets import worlds
from maquette.train.targets.semantic import Teachers
from maquette.worlds.record import SceneRecord
from maquette.worlds.run import read

Picture = NDArray[np.uint8]
Pair = tuple[float, float]

DEPTH = ("silog_1", "silog_half", "abs_rel", "delta1", "silog_half_median_scaled", "abs_rel_median_scaled")
SEGMENTS = ("sq", "rq", "pq_things", "pq_stuff")
THINGS = ("shipped", "plain", "regions", "given_objects")
AGREEMENT = ("student_ade", "student_voc", "student_ensemble")
RUNS = 25
"""Of each network, for its latency."""

SHEET_WIDTH = 1600
"""Of a contact sheet, in pixels."""
NAMED = 0.004
"""Share of the photo from which a segment gets its name."""


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Attributes:
        what: Which pictures.
        measure: Of what.
        values: Before and after.
        pictures: The same of each picture, before and after; empty where the measure is not one of single pictures.
    """

    what: str
    measure: str
    values: Pair
    pictures: tuple[Sequence[float], Sequence[float]] = ((), ())

    def __str__(self) -> str:
        """As a row of a Markdown table."""
        before, after = self.values
        said = f"| {self.what} | {self.measure} | {before:.4g} | {after:.4g} |"
        if not self.pictures[0]:
            return f"{said} | | |"
        test = wilcoxon(*self.pictures)
        return f"{said} {test.lower} / {test.higher} | {test.p_two_sided:.2g} |"


def header() -> str:
    """Say what was measured on."""
    return (
        f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"numpy {np.__version__}, onnxruntime {onnxruntime.__version__}, maquette {maquette.__version__}"
    )


def rows_of(what: str, names: Sequence[str], pair: Sequence[Sequence[Mapping[str, float]]], title: str) -> list[Line]:
    """Compare the means of what is measured picture by picture."""
    values = {name: [[row[name] for row in rows if name in row] for rows in pair] for name in names}
    return [
        Line(what, f"{title} {name}", (float(np.mean(before)), float(np.mean(after))), (before, after))
        for name, (before, after) in values.items()
    ]


def records(folder: Path, one: worlds.WorldSet, most: int) -> Iterator[SceneRecord]:
    """Yield the last scenes of a set that were not learned from."""
    reader = read(folder / one.name)
    held = min(most, len(reader) if one in worlds.TEST else one.held_out)
    return (reader[number] for number in range(len(reader) - held, len(reader)))


def on_worlds(networks: Sequence[Network], folder: Path, test: bool, most: int) -> Iterator[Line]:
    """Compare segments and depth on worlds: each kind, then all of them."""
    places: dict[str, list[list[Seen]]] = {}
    for one in worlds.TEST if test else worlds.LEARN:
        for record in records(folder, one, most):
            place = places.setdefault(one.kind, [[] for _ in networks])
            for seen, network in zip(place, networks, strict=True):
                seen.append(look(network, record))
    places["all"] = [[seen for place in places.values() for seen in place[i]] for i in range(len(networks))]
    for kind, pair in places.items():
        what = f"worlds, {kind} ({len(pair[0])})"
        old, new = (summary(seen) for seen in pair)
        before, after = ([picture.pq for picture in seen] for seen in pair)
        yield Line(what, "pq", (old["segments"]["pq"], new["segments"]["pq"]), (before, after))
        for name in SEGMENTS:
            yield Line(what, name, (old["segments"][name], new["segments"][name]))
        yield Line(what, "pq on the network's grid", (old["segments_grid"]["pq"], new["segments_grid"]["pq"]))
        yield Line(what, "mean IoU", (old["miou"], new["miou"]))
        yield from rows_of(what, DEPTH, [[picture.depth for picture in seen] for seen in pair], "network's")
        yield from rows_of(what, DEPTH, [[picture.depth_joined for picture in seen] for seen in pair], "joined")


def on_osd(networks: Sequence[Network], osd: Path, test: bool) -> Iterator[Line]:
    """Compare depth and things on OSD's scenes."""
    paths = data.osd_paths(osd)[2 if test else 1]
    what = f"OSD, {'test' if test else 'validation'} ({len(paths)})"
    yield from rows_of(what, DEPTH, [evaluate.osd_depth_rows(network, paths) for network in networks], "network's")
    things = [[evaluate.instance_row(network, path) for path in paths] for network in networks]
    for name in THINGS:
        counts = [[row[name] for row in rows] for rows in things]
        before, after = (sum(listed, PanopticQuality()).pq for listed in counts)
        own_before, own_after = ([count.pq for count in listed] for listed in counts)
        yield Line(what, f"pq of things, {name}", (before, after), (own_before, own_after))


def on_photos(networks: Sequence[Network], photos: Path, teachers: Path) -> Iterator[Line]:
    """Compare how the networks agree with their teachers."""
    learned, held = data.photo_paths(photos)
    with tempfile.TemporaryDirectory() as cache:
        ask = Teachers(teachers, Path(cache))
        for what, paths in (("held out", held), ("learned from", learned)):
            pair = [[evaluate.agreement_row(network, ask, path) for path in paths] for network in networks]
            yield from rows_of(f"photos, {what} ({len(paths)})", AGREEMENT, pair, "agreement")


def latency(networks: Sequence[Network]) -> Line:
    """Compare the time of a picture of 512 x 512, both networks in turn."""
    picture = np.random.default_rng(0).integers(0, 256, (512, 512, 3)).astype(np.uint8)
    spent: list[list[float]] = [[] for _ in networks]
    for _ in range(RUNS + 1):
        for times, network in zip(spent, networks, strict=True):
            start = time.perf_counter()
            network.exactly(picture)
            times.append(1000 * (time.perf_counter() - start))
    before, after = (statistics.median(times[1:]) for times in spent)
    return Line(f"512 x 512 ({RUNS})", "median latency, ms", (before, after))


def compare(arguments: argparse.Namespace) -> None:
    """Print the table."""
    networks = [Network(path) for path in (arguments.old, arguments.new)]
    start = time.perf_counter()
    print(f"{header()}; torch {torch.__version__}")
    print(f"before {sha256(arguments.old)[:12]}, after {sha256(arguments.new)[:12]} (sha256)\n")
    print("| pictures | measure | before | after | lower / higher in | p |")
    print("|---|---|---|---|---|---|")
    if arguments.worlds:
        print(*on_worlds(networks, arguments.worlds, arguments.test, arguments.scenes), sep="\n")
    if arguments.rgbd:
        print(*on_osd(networks, arguments.rgbd / "osd", arguments.test), sep="\n")
    if arguments.photos:
        print(*on_photos(networks, arguments.photos, arguments.teachers), sep="\n")
    print(latency(networks))
    print(f"({time.perf_counter() - start:.0f} s)", file=sys.stderr)


def named_segments(photo: Picture, perception: Perception, size: tuple[int, int]) -> Image.Image:
    """Segments in the colours of their labels with white borders, brought to a size, and the names of the large."""
    picture = Image.fromarray(segments_picture(photo, perception)).resize(size, Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(picture)
    height, width = perception.segment_ids.shape
    for segment in perception.segments:
        rows, columns = np.nonzero(perception.segment_ids == segment.id)
        if rows.size >= NAMED * perception.segment_ids.size:
            middle = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
            place = ((columns[middle] + 0.5) / width * size[0], (rows[middle] + 0.5) / height * size[1])
            draw.text(place, segment.label.name, fill="white", anchor="mm", stroke_width=2, stroke_fill="black")
    return picture


def sheet(networks: Sequence[Network], photos: Sequence[Path]) -> Image.Image:
    """Draw a row for each photo."""
    columns = 1 + 2 * len(networks)
    width = SHEET_WIDTH // columns
    height = width * 3 // 4
    canvas = Image.new("RGB", (width * columns, height * len(photos)), "#404040")
    for row, path in enumerate(photos):
        photo = maquette.load_photo(path)
        scale = min(width / photo.width, height / photo.height)
        size = (round(photo.width * scale), round(photo.height * scale))
        seen = [perceive(photo, network=network.model) for network in networks]
        pictures = [
            Image.fromarray(photo.rgb).resize(size, Image.Resampling.LANCZOS),
            *(named_segments(photo.rgb, perception, size) for perception in seen),
            *(Image.fromarray(depth_picture(p)).resize(size, Image.Resampling.LANCZOS) for p in seen),
        ]
        for column, picture in enumerate(pictures):
            canvas.paste(picture, (column * width, row * height))
        place = (4, row * height + 4)
        ImageDraw.Draw(canvas).text(place, path.stem, fill="white", stroke_width=2, stroke_fill="black")
    return canvas


def sheets(arguments: argparse.Namespace) -> None:
    """Write contact sheets of all photos of a folder."""
    networks = [Network(path) for path in arguments.networks]
    photos = sorted(path for path in arguments.photos.iterdir() if path.is_file())
    arguments.out.mkdir(parents=True, exist_ok=True)
    for first in range(0, len(photos), arguments.rows):
        path = arguments.out / f"sheet{first // arguments.rows:02d}.png"
        sheet(networks, photos[first : first + arguments.rows]).save(path)
        print(path, file=sys.stderr)


def main() -> None:
    """Run one part of the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts: Any = parser.add_subparsers(required=True)
    both = parts.add_parser("compare")
    both.add_argument("old", type=Path)
    both.add_argument("new", type=Path)
    both.add_argument("--worlds", type=Path, help="folder of the data sets that `perception worlds` makes")
    both.add_argument("--scenes", type=int, default=200, help="worlds of each set at most [200]")
    both.add_argument("--rgbd", type=Path, help="folder that holds `osd`")
    both.add_argument("--photos", type=Path)
    both.add_argument("--teachers", type=Path, help="needed with --photos")
    both.add_argument("--test", action="store_true", help="look at what is kept for the report")
    both.set_defaults(run=compare)
    drawn = parts.add_parser("sheets")
    drawn.add_argument("networks", type=Path, nargs="+")
    drawn.add_argument("--photos", type=Path, required=True)
    drawn.add_argument("-o", "--out", type=Path, required=True)
    drawn.add_argument("--rows", type=int, default=8, help="photos a sheet [8]")
    drawn.set_defaults(run=sheets)
    arguments = parser.parse_args()
    if arguments.run is compare and arguments.photos and not arguments.teachers:
        parser.error("--photos needs --teachers")
    arguments.run(arguments)


if __name__ == "__main__":
    main()
