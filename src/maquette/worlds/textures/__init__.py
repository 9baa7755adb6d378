"""Tiles: small pictures of surfaces that repeat without a seam, drawn by formulas.

Those for paint, cloth, leather and the like are near white, to be coloured by a material; wood, stone, plants and
pictures have their own colours. Wood and brushed metal have their grain along the rows. A tile shows about 1 m of wood
or plaster, 0.5 m of cloth, 1 m of bricks (12 rows), tiles or cobbles (12 in a row), 2 m of other ground; ``screen``,
``keyboard``, ``persian``, the views and the pictures show one whole thing. On a surface, u runs along the rows, and v
from the last row to the first.
"""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from maquette.errors import MaquetteError
from maquette.worlds.textures import ground, indoor, pictures, walls, woods
from maquette.worlds.textures.patterns import SIZE
from maquette.worlds.types import Floats

_DRAWERS = {**woods.TILES, **indoor.TILES, **walls.TILES, **ground.TILES, **pictures.TILES}

TILES: tuple[str, ...] = tuple(_DRAWERS)
"""Names of all tiles; ``photo:PATH`` is the picture in that file."""

_PHOTO = "photo:"
_SEAM = 32


@cache
def tile(name: str) -> NDArray[np.uint8]:
    """Draw a tile.

    Args:
        name: One of ``TILES``, or ``photo:`` and the path of a picture, whose middle square is taken and whose borders
            are blended until it repeats; its relief is its lightness.

    Returns:
        (256, 256, 4) uint8, read-only: sRGB reflectance, and relief (0 is deep). The first row is the upper one.

    Raises:
        MaquetteError: There is no such tile, or the picture cannot be read.
    """
    if name.startswith(_PHOTO):
        rgb = _repeating(_photo(Path(name.removeprefix(_PHOTO))))
        relief = rgb.mean(axis=-1) / 255
    elif name in _DRAWERS:
        drawn = _DRAWERS[name](np.random.default_rng(zlib.crc32(name.encode())))
        rgb, relief = drawn.rgb, drawn.relief
    else:
        raise MaquetteError(f"there is no texture {name!r}; use {_PHOTO}PATH, or one of: {', '.join(TILES)}")
    rgba: NDArray[np.uint8] = np.rint(np.clip(np.dstack([rgb, relief * 255]), 0, 255)).astype(np.uint8)
    rgba.setflags(write=False)
    return rgba


def _photo(path: Path) -> Floats:
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise MaquetteError(f"{path}: cannot be read as a texture; use a JPEG or PNG file") from error
    return np.asarray(ImageOps.fit(upright, (SIZE + _SEAM, SIZE + _SEAM)), dtype=np.float64)


def _repeating(rgb: Floats) -> Floats:
    """(256, 256, 3) of a picture larger by a seam: what lies beyond the far ends is blended into the near ones."""
    share = np.linspace(0, 1, _SEAM + 2)[1:-1]
    for axis in (0, 1):
        moved = np.moveaxis(rgb, axis, 0)
        near = moved[:SIZE].copy()
        part = share[:, None, None]
        near[:_SEAM] = part * moved[:_SEAM] + (1 - part) * moved[SIZE:]
        rgb = np.moveaxis(near, 0, axis)
    return rgb
