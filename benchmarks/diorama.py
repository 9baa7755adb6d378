"""Measure the diorama method: fidelity over photos, speed and memory, and a real second view.

    python benchmarks/diorama.py photos DIR   every photo of a folder: success, PSNR from its own camera, layers, sky
    python benchmarks/diorama.py speed        the whole command at 1 to 24 megapixels: seconds and peak memory
    python benchmarks/diorama.py view         the Middlebury motorcycle pair: our left picture from the right camera

Each prints a Markdown table under a line with the machine, the date and the versions.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import maquette
from maquette.examples import example
from maquette.perception.types import Perception
from maquette.scene import Scene

FOCAL_PX, BASELINE_M, OFFSET_PX = 994.978, 0.193001, 31.086
"""Calibration of the motorcycle pair at 741 x 500, as Middlebury 2014 gives it and scikit-image documents it."""

MEGAPIXELS = (1, 2, 4, 8, 16, 24)


def header() -> str:
    """Say what was measured on."""
    import onnxruntime

    return (
        f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"numpy {np.__version__}, onnxruntime {onnxruntime.__version__}, maquette {maquette.__version__}"
    )


def psnr(one: NDArray[np.generic], two: NDArray[np.generic]) -> float:
    """Peak signal-to-noise ratio of two uint8 pictures, dB; infinite where they are equal."""
    error = float(np.mean((one.astype(float) - two.astype(float)) ** 2))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def photos(folder: Path) -> None:
    """Build and look back from the photo's own camera, for every photo of a folder."""
    rows, failed = [], []
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"}):
        try:
            photo = maquette.load_photo(path)
            perception = maquette.perceive(photo)
            scene = maquette.diorama(path, perception=perception)
        except Exception as error:
            failed.append((path.name, error))
            continue
        painted = scene.render()
        fidelity = psnr(painted[..., :3], photo.rgb) if painted[..., 3].min() == 255 else 0.0
        sky = [n for n in scene.nodes if n.label == "sky"]
        behind = not sky or (
            sky[0].order == 0 and all(n.depth_range_m[1] < sky[0].depth_range_m[0] for n in scene.nodes[1:])
        )
        span = np.quantile(perception.depth_m, [0.05, 0.95])
        rows.append((path.stem, fidelity, len(scene.nodes), bool(sky), behind, span[1] / span[0] > 1.15))
        print(f"{path.stem:28} {fidelity:6.2f} dB {len(scene.nodes):3} layers", file=sys.stderr)
    for name, error in failed:
        print(f"FAILED {name}: {error}")
    values = [r[1] for r in rows]
    worst = min(rows, key=lambda r: r[1])
    deep = [r for r in rows if r[5]]
    print(header())
    print("| photos | succeed | PSNR mean | worst | layers, median | at least 3 where depth shows | sky behind all |")
    print("|---|---|---|---|---|---|---|")
    print(
        f"| {len(rows) + len(failed)} | {len(rows)} | {statistics.mean(values):.1f} dB "
        f"| {worst[1]:.1f} dB ({worst[0]}) | "
        f"{statistics.median(r[2] for r in rows):.0f} | {sum(r[2] >= 3 for r in deep)} of {len(deep)} | "
        f"{sum(r[4] for r in rows if r[3])} of {sum(r[3] for r in rows)} |"
    )


def speed(repeats: int) -> None:
    """Time the command line program as a user starts it, files and all."""
    source = Image.open(example("coffee")).convert("RGB")
    print(header())
    print("| megapixels | seconds, median | seconds a megapixel | peak memory |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        sizes = [(1280, 853)] + [(round(math.sqrt(m * 1.5e6)), round(math.sqrt(m * 1e6 / 1.5))) for m in MEGAPIXELS]
        for size in sizes:
            path = Path(scratch) / "photo.jpg"
            source.resize(size, Image.Resampling.BICUBIC).save(path, quality=92)
            seconds, peak = zip(*(_run(path, Path(scratch) / "out") for _ in range(repeats)), strict=True)
            area = size[0] * size[1] / 1e6
            typical = statistics.median(seconds)
            print(f"| {area:.1f} ({size[0]}x{size[1]}) | {typical:.1f} | {typical / area:.2f} | {max(peak):.2f} GB |")


def _run(photo: Path, out: Path) -> tuple[float, float]:
    """Run ``maquette diorama`` in a child: wall seconds and peak memory in GB."""
    code = (
        "import json, resource, subprocess, sys, time; start = time.perf_counter();"
        "subprocess.run([sys.executable, '-m', 'maquette', 'diorama', *sys.argv[1:]], check=True);"
        "print(json.dumps([time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))"
    )
    command = [sys.executable, "-c", code, str(photo), "-o", str(out), "--overwrite", "--quiet"]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, peak = json.loads(result.stdout.splitlines()[-1])
    return seconds, peak * (1 if sys.platform == "darwin" else 1024) / 1e9


def view() -> None:
    """Left picture to diorama, seen by the right camera, against the real right picture."""
    folder = example("motorcycle").parent
    left = np.asarray(Image.open(folder / "motorcycle_left.png").convert("RGB"))
    right = np.asarray(Image.open(folder / "motorcycle_right.png").convert("RGB"))
    disparity = np.load(folder / "motorcycle_disp.npz")["arr_0"].astype(np.float64)
    known = np.isfinite(disparity) & (disparity > 0)
    truth = np.where(known, FOCAL_PX * BASELINE_M / (np.where(known, disparity, 1) + OFFSET_PX), 0)
    fov = math.degrees(2 * math.atan(max(left.shape[:2]) / 2 / FOCAL_PX))

    print(header())
    print("| picture | depth | PSNR | SSIM | holes |\n|---|---|---|---|---|")
    row("left picture, unmoved", "-", np.dstack([left, np.full(left.shape[:2], 255, np.uint8)]), right)
    shifts = [np.dstack(_shift(left, s)) for s in range(0, 80)]
    row("best single plane", "-", max(shifts, key=lambda s: psnr(s[..., :3], right)), right)

    with tempfile.TemporaryDirectory() as scratch:
        given = Path(scratch) / "truth.npy"
        np.save(given, truth.astype(np.float32))
        for name, options in (
            ("ours", maquette.PerceptionOptions(fov_deg=fov)),
            ("true", maquette.PerceptionOptions(fov_deg=fov, depth=given)),
        ):
            photo = maquette.load_photo(folder / "motorcycle_left.png")
            perception = maquette.perceive(photo, options)
            scale = float(np.median(truth[known]) / np.median(perception.depth_m[known]))
            perception = dataclasses.replace(perception, depth_m=perception.depth_m * np.float32(scale))
            for style, method in rivals():
                scene = maquette.diorama(folder / "motorcycle_left.png", options=method, perception=perception)
                row(f"diorama, {style} ({len(scene.nodes)} layers)", name, _from_right(scene), right)
            for torn in (True, False):
                kind = "torn at depth edges" if torn else "stretched over depth edges"
                row(f"depth mesh, {kind}", name, _mesh(left, perception, torn), right)


def rivals() -> Iterator[tuple[str, maquette.DioramaOptions]]:
    """The variants of the method that are compared. The move covers the pair's baseline over its nearest depth."""
    yield "default", maquette.DioramaOptions(move=0.12)
    yield "fitted planes", maquette.DioramaOptions(move=0.12, planes="fitted")
    yield "relief", maquette.DioramaOptions(move=0.12, planes="relief")
    yield "facing planes", maquette.DioramaOptions(move=0.12, planes="facing")
    yield "paper", maquette.DioramaOptions(move=0.12, style="paper")


def row(name: str, depth: str, picture: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
    """Print one row; holes are black in PSNR and SSIM."""
    from skimage.metrics import structural_similarity

    alpha = picture[..., 3:].astype(float) / 255
    seen = np.rint(picture[..., :3] * alpha).astype(np.uint8)
    ssim = structural_similarity(
        seen, truth, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    print(f"| {name} | {depth} | {psnr(seen, truth):.2f} dB | {ssim:.3f} | {100 * np.mean(alpha < 0.5):.1f}% |")


def _from_right(scene: Scene) -> NDArray[np.uint8]:
    camera = scene.camera.moved([BASELINE_M, 0, 0])
    cx, cy = camera.center_px
    return scene.render(dataclasses.replace(camera, center_px=(cx + OFFSET_PX, cy)))


def _shift(left: NDArray[np.uint8], pixels: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    picture, alpha = np.zeros_like(left), np.zeros(left.shape[:2], np.uint8)
    width = left.shape[1] - pixels
    picture[:, :width], alpha[:, :width] = left[:, pixels:], 255
    return picture, alpha


def _mesh(left: NDArray[np.uint8], perception: Perception, torn: bool) -> NDArray[np.uint8]:
    """The right camera's view of a mesh with a vertex a pixel, drawn exactly: rows stay rows between the cameras."""
    height, width = perception.depth_m.shape
    out = np.zeros((height, width, 4), np.uint8)
    depth = perception.depth_m.astype(np.float64)
    position = np.arange(width) + 0.5 - FOCAL_PX * BASELINE_M / depth + OFFSET_PX
    colours = left.astype(np.float64)
    for y in range(height):
        nearest = np.full(width, np.inf)
        for i in range(width - 1):
            a, b = position[y, i], position[y, i + 1]
            if b <= a or (torn and abs(depth[y, i + 1] / depth[y, i] - 1) > 0.03):
                continue
            first, last = max(math.ceil(a - 0.5), 0), min(math.floor(b - 0.5), width - 1)
            for x in range(first, last + 1):
                t = (x + 0.5 - a) / (b - a)
                z = depth[y, i] * (1 - t) + depth[y, i + 1] * t
                if z < nearest[x]:
                    nearest[x] = z
                    out[y, x, :3] = np.rint(colours[y, i] * (1 - t) + colours[y, i + 1] * t)
                    out[y, x, 3] = 255
    return out


def main() -> None:
    """Run one part of the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("photos").add_argument("folder", type=Path)
    parts.add_parser("speed").add_argument("--repeats", type=int, default=3)
    parts.add_parser("view")
    arguments = parser.parse_args()
    start = time.perf_counter()
    if arguments.part == "photos":
        photos(arguments.folder)
    elif arguments.part == "speed":
        speed(arguments.repeats)
    else:
        view()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"({time.perf_counter() - start:.0f} s, peak {peak:.1f} GB)", file=sys.stderr)


if __name__ == "__main__":
    main()
