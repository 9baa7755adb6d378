"""Pictures and their truth: one record for every source.

A source is any iterable of ``Sample``; another data set (rendered worlds, say) joins by yielding the same record.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

OSD_FOCAL_PX, AIMS_FOCAL_PX = 525.0, 320.0
"""Focal lengths of the two depth cameras at 640x480."""
AIMS_RANGE_M = 5.0
"""Depth beyond this is not trusted in ``aims``."""
WORKING_AREA = 640 * 480
"""Photos are brought to about this many pixels."""
HOLD_OUT = 5
"""Every fifth picture in sorted order is held out."""


@dataclass(frozen=True)
class Sample:
    """One picture and what is known of it.

    Attributes:
        name: Unique.
        group: Its source, for sampling and reports.
        image: (H, W, 3) uint8 sRGB.
        semantic: (45, h, w) uint8 soft target, channel i for label id i + 1, 255 in all over the channels; h and w are
            half of H and W. All zero where it is unknown. Or (h, w) uint8 label ids, known everywhere.
        instances: (h, w) int16: 0 belongs to no thing, above 0 is the thing's id, -1 is unknown.
        depth_m: (H, W) float32 or float16 z-depth in metres, 0 where unknown.
        depth_noise: Standard deviation of what is unknown of the scale of ``depth_m``, in log; 0 for a measurement.
        focal_px: Focal length in pixels of ``image``.
    """

    name: str
    group: str
    image: NDArray[np.uint8]
    semantic: NDArray[np.uint8]
    instances: NDArray[np.int16]
    depth_m: NDArray[np.floating]
    depth_noise: float
    focal_px: float


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Return a picture file as (H, W, 3) uint8 RGB."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def read_depth(path: Path) -> NDArray[np.float32]:
    """Return a 16-bit PNG in millimetres as (H, W) float32 metres, 0 where unknown."""
    with Image.open(path) as image:
        return (np.asarray(image).astype(np.float32) / np.float32(1000.0)).astype(np.float32)


def working_size(width: int, height: int, area: float = WORKING_AREA, multiple: int = 32) -> tuple[int, int]:
    """Return the (width, height) of about ``area`` that keep the aspect, each a ``multiple``."""
    scale = (area / (width * height)) ** 0.5
    return (
        max(multiple, round(width * scale / multiple) * multiple),
        max(multiple, round(height * scale / multiple) * multiple),
    )


def photo_paths(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the photos to train on and those held out; a training photo that shows a held-out one again is dropped."""
    paths = sorted(folder.glob("*.jpg"))
    held = paths[HOLD_OUT - 1 :: HOLD_OUT]
    thumbs = {path: _thumbnail(path) for path in paths}
    train = [
        path
        for path in paths
        if path not in held and all(np.abs(thumbs[path] - thumbs[other]).mean() > 6.0 for other in held)
    ]
    return train, held


def _thumbnail(path: Path) -> NDArray[np.float32]:
    return np.asarray(Image.fromarray(read_rgb(path)).resize((16, 16), Image.Resampling.BOX), np.float32)


def numbered(folder: Path, pattern: str) -> list[Path]:
    """Return the pictures of ``folder`` that match ``pattern``, in the order of the number in their names."""

    def number(path: Path) -> int:
        digits = re.search(r"\d+", path.stem)
        return int(digits.group()) if digits else -1

    return sorted(folder.glob(pattern), key=number)


def osd_paths(folder: Path) -> tuple[list[Path], list[Path], list[Path]]:
    """Return OSD's pictures to train on, to validate on (every fifth of ``learn``) and to test on."""
    learn = numbered(folder, "learn*.jpg")
    held = learn[HOLD_OUT - 1 :: HOLD_OUT]
    return [path for path in learn if path not in held], held, numbered(folder, "test*.jpg")


def osd_instances(path: Path) -> NDArray[np.int16]:
    """Return (H, W) int16 of an OSD picture: -1 nothing known, 1 the table, from 2 on an object each.

    The files count in tens: 0 is not annotated, 1 to 9 are the surface, and 41 or 42 are parts of object 40.
    """
    with Image.open(path.with_name(path.stem + ".instances.png")) as image:
        raw = np.asarray(image).astype(np.int16)
    return np.where(raw == 0, -1, 1 + raw // 10).astype(np.int16)


def depth_of(path: Path, farthest_m: float = np.inf) -> NDArray[np.float32]:
    """Return the depth (H, W) float32 in metres beside a picture of ``rgbd``, 0 where not within ``farthest_m``."""
    depth = read_depth(path.with_name(path.stem + ".depth.png"))
    return np.where(depth > farthest_m, np.float32(0), depth)


def digest(paths: list[Path]) -> str:
    """Return the sha256 of the files' contents, in order."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.read_bytes())
    return total.hexdigest()
