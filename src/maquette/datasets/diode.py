"""DIODE, as it is downloaded (Vasiljevic et al. 2019, https://diode-dataset.org).

``val/indoors/scene_00019/scan_00183/00019_00183_indoors_000_010.png`` has its depth beside it, in
``..._depth.npy`` (H, W, 1) float32 metres, and in ``..._depth_mask.npy`` (H, W) where that is valid: 1, else 0. What
it calls depth is taken as z.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maquette.datasets.files import PLACES, below, read_pair
from maquette.datasets.types import DepthSet, Place, Source
from maquette.errors import MaquetteError
from maquette.export.atomic import shown
from maquette.perception.files import read_npy


def open_diode(path: Path) -> DepthSet:
    """Open all of DIODE, one of its splits, or any folder in it.

    Raises:
        MaquetteError: It holds no picture, or one without its depth or mask.
    """
    pictures = below(path, "*.png")
    if not pictures:
        raise MaquetteError(f"{shown(path)}: holds no PNG; name the folder of DIODE, or one of its splits")
    for picture in pictures:
        for file in _maps(picture):
            if not file.is_file():
                raise MaquetteError(f"{shown(file)}: missing, beside {picture.name}; unpack DIODE again")
    return DepthSet(
        path,
        "diode",
        tuple(
            Source(picture.relative_to(path).with_suffix("").as_posix(), _place(picture), partial(_read, picture))
            for picture in pictures
        ),
    )


def _maps(picture: Path) -> tuple[Path, Path]:
    return picture.with_name(f"{picture.stem}_depth.npy"), picture.with_name(f"{picture.stem}_depth_mask.npy")


def _place(picture: Path) -> Place | None:
    return next((PLACES[part] for part in picture.stem.split("_") if part in PLACES), None)


def _read(picture: Path) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    depth, mask = _maps(picture)
    rgb, depth_m = read_pair(picture, depth)
    valid = read_npy(mask)
    if valid.shape != depth_m.shape or valid.dtype.kind not in "bfiu":
        raise MaquetteError(
            f"{shown(mask)}: holds {valid.dtype} of shape {valid.shape}, its depth map has the shape {depth_m.shape}; "
            "unpack DIODE again"
        )
    return rgb, np.where(valid > 0, depth_m, np.float32(0))
