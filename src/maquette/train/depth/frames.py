"""Pictures with their depth at the size that is learned from, decoded once and kept in flat files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maquette.datasets import DepthFrame, DepthSet, Place
from maquette.export.atomic import whole
from maquette.train.depth.bars import tracked

Pair = tuple[NDArray[np.uint8], NDArray[np.float32]]
"""A picture (H, W, 3) and its depth (H, W) in metres, 0 where unknown."""


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames of one size; a sequence of pairs of a picture and its depth.

    Attributes:
        name: Of the data set.
        rgb: (n, H, W, 3) uint8 sRGB.
        depth_m: (n, H, W) float32, z in metres, 0 where unknown.
        places: Of each frame.
        sha256: Of ``rgb`` and ``depth_m``.
    """

    name: str
    rgb: NDArray[np.uint8]
    depth_m: NDArray[np.float32]
    places: tuple[Place | None, ...]
    sha256: str

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.places)

    def __getitem__(self, number: int) -> Pair:
        """One picture (H, W, 3) and its depth (H, W)."""
        return self.rgb[number], self.depth_m[number]


def cached(source: DepthSet, size: tuple[int, int], folder: Path) -> Frames:
    """Return all frames of a data set at one size, from the cache where they are there.

    Args:
        source: The data set.
        size: (H, W).
        folder: Holds a folder for each data set and size; what is there of other contents is replaced.

    Raises:
        MaquetteError: A frame cannot be read, or the cache cannot be written.
    """
    entry = folder / f"{source.name}-{size[0]}x{size[1]}"
    about = {"path": str(source.path.resolve()), "frames": len(source), "places": list(source.places)}
    listed = entry / "frames.json"
    if not listed.exists() or {**json.loads(listed.read_text(encoding="utf-8")), "sha256": ""} != {
        **about,
        "sha256": "",
    }:
        with whole(entry) as fresh:
            fresh.mkdir()
            _write(source, size, fresh)
            digest = hashlib.sha256()
            for name in ("rgb", "depth_m"):
                with (fresh / f"{name}.npy").open("rb") as file:
                    while block := file.read(1 << 22):
                        digest.update(block)
            (fresh / "frames.json").write_text(json.dumps({**about, "sha256": digest.hexdigest()}), encoding="utf-8")
    rgb, depth_m = (np.load(entry / f"{name}.npy", mmap_mode="r") for name in ("rgb", "depth_m"))
    return Frames(source.name, rgb, depth_m, source.places, json.loads(listed.read_text(encoding="utf-8"))["sha256"])


def _write(source: DepthSet, size: tuple[int, int], folder: Path) -> None:
    count = len(source)
    rgb = np.lib.format.open_memmap(folder / "rgb.npy", "w+", np.uint8, (count, *size, 3))
    depth_m = np.lib.format.open_memmap(folder / "depth_m.npy", "w+", np.float32, (count, *size))
    for number in tracked(range(count), f"reading {source.name}"):
        rgb[number], depth_m[number] = resized(source[number], size)
    rgb.flush()
    depth_m.flush()


def resized(frame: DepthFrame, size: tuple[int, int]) -> Pair:
    """Return a frame at a size: its picture antialiased, its depth that of the nearest pixels: no edge is mixed."""
    rgb = np.asarray(Image.fromarray(frame.rgb).resize((size[1], size[0]), Image.Resampling.BILINEAR))
    rows, columns = (((np.arange(n) + 0.5) * m / n).astype(int) for n, m in zip(size, frame.depth_m.shape, strict=True))
    return rgb, frame.depth_m[np.ix_(rows, columns)]


@dataclass(frozen=True, eq=False)
class Division:
    """What a network learns from and what it is validated with.

    Attributes:
        learn: The one; each frame is a view of its set's arrays.
        validate: The other.
        sha256: Of each set that they come from, by its name.
    """

    learn: list[Pair]
    validate: list[Pair]
    sha256: dict[str, str]


def divided(
    sets: Sequence[Frames], hold_out: float, places: Sequence[Place | None] = ("indoor", "outdoor", None)
) -> Division:
    """Divide frames into those to learn from and those to validate with.

    Args:
        sets: Where they come from.
        hold_out: Share to validate with: the last of each set and place.
        places: Which to take.
    """
    learn: list[Pair] = []
    validate: list[Pair] = []
    for frames in sets:
        for place in places:
            numbers = [number for number, here in enumerate(frames.places) if here == place]
            kept = len(numbers) - round(len(numbers) * hold_out)
            learn += [frames[number] for number in numbers[:kept]]
            validate += [frames[number] for number in numbers[kept:]]
    return Division(learn, validate, {frames.name: frames.sha256 for frames in sets})
