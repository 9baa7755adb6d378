"""Files that several data sets share, and how they are found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maquette.datasets.types import Place
from maquette.perception.files import open_image, read_metres

PLACES: dict[str, Place] = {"indoor": "indoor", "indoors": "indoor", "outdoor": "outdoor", "outdoors": "outdoor"}
"""Names of folders that say where the pictures in them were taken."""


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Read a picture file as (H, W, 3) uint8.

    Raises:
        MaquetteError: There is none, or it is damaged.
    """
    return np.array(open_image(path).convert("RGB"))


def read_pair(picture: Path, depth: Path) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Read a picture and its depth map; see ``perception.files.read_metres`` for the latter."""
    return read_rgb(picture), read_metres(depth)


def place_of(path: Path) -> Place | None:
    """What the folders above a file say of where it was taken, the nearest first; None where they say nothing."""
    return next((PLACES[part.lower()] for part in reversed(path.parts[:-1]) if part.lower() in PLACES), None)


def below(path: Path, pattern: str) -> list[Path]:
    """Files at any depth of a folder whose names match a pattern, in order, without hidden ones."""
    found = (file for file in path.rglob(pattern) if not file.name.startswith("."))
    return sorted(file for file in found if file.is_file())
