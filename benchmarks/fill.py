"""Compare the fillers on photos: error, texture and time in holes shaped like the things that stand in front.

    python benchmarks/fill.py [--photos FOLDER] [--picture FILE]

Each photo gets holes of three kinds: a standing figure, round blobs and thin branches. OpenCV's two inpainting methods
take part where cv2 is installed, scikit-image's biharmonic one on a reduced copy of the photo (it is slow).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from maquette.diorama.fill import Method, fill
from maquette.photo import load_photo

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]
LONGEST = 1024
SMALL = 256


def figure(shape: tuple[int, int], random: np.random.Generator) -> Mask:
    """Head, body and legs, as tall as half to most of the picture."""
    height, width = shape
    image = Image.new("1", (width, height))
    draw = ImageDraw.Draw(image)
    tall = height * random.uniform(0.5, 0.85)
    x, foot = width * random.uniform(0.2, 0.8), height * random.uniform(0.9, 1.05)
    draw.ellipse([x - 0.07 * tall, foot - tall, x + 0.07 * tall, foot - 0.84 * tall], fill=1)
    draw.rounded_rectangle(
        [x - 0.14 * tall, foot - 0.84 * tall, x + 0.14 * tall, foot - 0.42 * tall], 0.06 * tall, fill=1
    )
    for side in (-1, 1):
        center = x + side * 0.075 * tall
        draw.rounded_rectangle(
            [center - 0.06 * tall, foot - 0.5 * tall, center + 0.06 * tall, foot], 0.03 * tall, fill=1
        )
    return np.asarray(image)


def blobs(shape: tuple[int, int], random: np.random.Generator) -> Mask:
    """Bushes and boulders: a tenth to a quarter of the picture."""
    field = ndimage.gaussian_filter(random.standard_normal(shape), min(shape) / 14)
    return np.asarray(field > np.quantile(field, 1 - random.uniform(0.1, 0.25)))


def branches(shape: tuple[int, int], random: np.random.Generator) -> Mask:
    """Railings and branches: lines of 4 to 16 pixels."""
    height, width = shape
    image = Image.new("1", (width, height))
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        ends = random.uniform(0, 1, 4) * (width, height, width, height)
        draw.line(list(ends), fill=1, width=int(random.integers(4, 17)))
    return np.asarray(image)


HOLES: dict[str, Callable[[tuple[int, int], np.random.Generator], Mask]] = {
    "figure": figure,
    "blobs": blobs,
    "branches": branches,
}


def fillers() -> dict[str, Callable[[Picture, Mask], Picture]]:
    """Name to function from a photo and its hole to the filled photo."""
    methods: tuple[Method, ...] = ("spread", "pyramid", "patch")
    found: dict[str, Callable[[Picture, Mask], Picture]] = {
        method: (lambda rgb, hole, method=method: fill(rgb, ~hole, hole, method))  # type: ignore[misc]
        for method in methods
    }
    try:
        import cv2
    except ImportError:
        print("cv2 is not installed: without Telea and Navier-Stokes")
        return found
    for name, flag in (("telea", cv2.INPAINT_TELEA), ("navier-stokes", cv2.INPAINT_NS)):
        found[name] = lambda rgb, hole, flag=flag: cv2.inpaint(rgb, hole.astype(np.uint8), 5, flag)  # type: ignore[misc]
    return found


def biharmonic(rgb: Picture, hole: Mask) -> Picture:
    """scikit-image's, for small pictures."""
    from skimage.restoration import inpaint_biharmonic

    filled = inpaint_biharmonic(rgb, hole, split_into_regions=True, channel_axis=-1)
    return np.clip(np.rint(filled * 255), 0, 255).astype(np.uint8)


def texture_distance(filled: Picture, true: Picture, hole: Mask) -> float:
    """Earth mover's distance from the gradient magnitudes in the hole to those that belong there, in levels a pixel."""

    def quantiles(rgb: Picture) -> NDArray[Any]:
        size = np.hypot(*np.gradient(rgb.astype(np.float32).mean(axis=2)))
        return np.quantile(size[hole], np.linspace(0, 1, 201))

    return float(np.abs(quantiles(filled) - quantiles(true)).mean())


def measured(filled: Picture, true: Picture, hole: Mask, seconds: float) -> tuple[float, float, float, float]:
    """Mean absolute error, PSNR in the hole, texture distance, seconds a megapixel."""
    off = filled[hole].astype(np.float64) - true[hole]
    psnr = 10 * np.log10(255**2 / max((off**2).mean(), 1e-9))
    return np.abs(off).mean(), psnr, texture_distance(filled, true, hole), seconds / (hole.size / 1e6)


def photos(folder: Path | None) -> Iterator[tuple[str, Picture]]:
    """scikit-image's photos, and those of a folder, reduced to ``LONGEST`` pixels."""
    import skimage.data

    own = Path(skimage.data.__file__).parent
    paths = [own / name for name in ("coffee.png", "rocket.jpg", "chelsea.png", "astronaut.png", "motorcycle_left.png")]
    paths += sorted(path for path in folder.iterdir() if path.is_file()) if folder else []
    for path in paths:
        image = Image.fromarray(load_photo(path).rgb)
        image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        yield path.stem, np.asarray(image)


def table(title: str, rows: dict[str, list[tuple[float, float, float, float]]]) -> None:
    """Median and quartiles of each measure, one line a filler."""
    print(f"\n{title}")
    print(f"{'':14s}{'error':>22s}{'PSNR dB':>22s}{'texture distance':>22s}{'s a megapixel':>22s}")
    for name, values in rows.items():
        low, middle, high = np.quantile(np.array(values), (0.25, 0.5, 0.75), axis=0)
        print(
            f"{name:14s}"
            + "".join(f"{m:8.2f} ({a:.2f}-{b:.2f})".rjust(22) for a, m, b in zip(low, middle, high, strict=True))
        )


def main() -> None:
    """Print the tables; write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="a folder with more photos")
    parser.add_argument("--picture", type=Path, help="write a comparison of the fillers on scikit-image's photos here")
    options = parser.parse_args()
    found = fillers()
    everything: dict[str, dict[str, list[tuple[float, float, float, float]]]] = {kind: {} for kind in (*HOLES, "small")}
    strips: list[Picture] = []
    for number, (_, rgb) in enumerate(photos(options.photos)):
        for kind, hole_of in HOLES.items():
            hole = hole_of((rgb.shape[0], rgb.shape[1]), np.random.default_rng(number))
            shown = [np.where(hole[..., None], np.uint8(255), rgb)]
            for name, filler in found.items():
                start = time.perf_counter()
                filled = filler(rgb, hole)
                seconds = time.perf_counter() - start
                everything[kind].setdefault(name, []).append(measured(filled, rgb, hole, seconds))
                shown.append(filled)
            if number < 5 and kind != "branches":
                tiles = [np.asarray(Image.fromarray(tile).resize((384, 288))) for tile in (*shown, rgb)]
                strips.append(np.concatenate(tiles, axis=1))
        small = np.asarray(Image.fromarray(rgb).resize((SMALL, SMALL * rgb.shape[0] // rgb.shape[1])))
        hole = figure((small.shape[0], small.shape[1]), np.random.default_rng(number))
        for name, filler in (*found.items(), ("biharmonic", biharmonic)) if number < 5 else ():
            start = time.perf_counter()
            filled = filler(small, hole)
            seconds = time.perf_counter() - start
            everything["small"].setdefault(name, []).append(measured(filled, small, hole, seconds))
    for kind, rows in everything.items():
        title = f"figure at {SMALL} pixels, with biharmonic" if kind == "small" else f"{kind} at {LONGEST} pixels"
        table(f"{title}: median (quartiles) over {len(next(iter(rows.values())))} photos", rows)
    if options.picture:
        Image.fromarray(np.concatenate(strips)).save(options.picture)
        print(f"\n{options.picture}: hole, {', '.join(found)}, true")


if __name__ == "__main__":
    main()
