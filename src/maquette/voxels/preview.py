"""Labelled cells as a picture, in the paper's colours (Everted U-Net, figure 4)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from maquette.voxels.types import CLASSES, COLORS

Ints = NDArray[np.int64]

_PAPER = "white"
_LEFT, _RIGHT, _FLOOR = 250, 244, 232
"""Grey of what is behind the cells."""

_RISE = 2.45
"""Height of a cell where it is 2 across and 1 deep: seen from 30 degrees above (dimetric, 2 to 1)."""

_LIGHT = (0.66, 0.82, 1.0)
"""Of the faces to the left, to the right and above."""

_NEAR_CELLS, _NEAR_DARK = 1.5, 0.35
_SHADOW_CELLS, _SHADOW_DARK = 5.0, 0.5
"""How far what is near darkens a face, and the floor what stands above it; and how much."""


def preview(label: NDArray[np.uint8], size: int = 640) -> NDArray[np.uint8]:
    """Draw cells as solid cubes in a room, as seen from above the corner of the first cell.

    In the studio that is the corner of its first camera: the width goes to the back right, the depth to the back left.

    Args:
        label: (x, y, z) cells, z up: 0 where nothing is, else 1 + the position in ``CLASSES``.
        size: Width of the picture in pixels.

    Returns:
        (H, size, 3) uint8 sRGB; H follows from the shape of the grid.
    """
    wide, deep, high = label.shape
    step = math.ceil(size / (wide + deep))  # twice as large as asked for, or more
    along, across, up = np.array([(-step, 2 * step), (-step, -2 * step), (-round(_RISE * step), 0)])
    to_canvas = np.stack([along, across, up])
    first = np.array([step * (wide + deep) - int(up[0]) * high, 2 * step * deep])
    image = Image.new("RGB", (2 * step * (wide + deep), int(first[0])), _PAPER)
    corner, room = first + along * wide + across * deep, (along * wide, across * deep, up * high)
    for side, other, shown in ((-room[0], room[2], _LEFT), (-room[1], room[2], _RIGHT), (-room[0], -room[1], _FLOOR)):
        outline = [corner, corner + side, corner + side + other, corner + other]
        ImageDraw.Draw(image).polygon([(column, row) for row, column in outline], (shown,) * 3)
    canvas = np.array(image)

    taken = label > 0
    stands = taken.any(axis=2) * np.exp(-np.argmax(taken, axis=2) / _SHADOW_CELLS)
    shade = 1 - _SHADOW_DARK * ndimage.gaussian_filter(stands, 1.5)
    dark = np.argwhere(shade < 0.995)
    grey = (_FLOOR * shade[tuple(dark.T)]).astype(np.uint8)
    canvas[_pixels(first + dark @ to_canvas[:2], along, across)] = grey[:, None, None]

    around = np.pad(taken, 1)
    near = ndimage.gaussian_filter(around.astype(np.float32), _NEAR_CELLS)
    order = np.full(canvas.shape[:2], -1, np.int32)
    cells = np.argwhere(taken[::-1, ::-1]) * (-1, -1, 1) + (wide - 1, deep - 1, 0)  # from back to front
    color = np.array([COLORS[name] for name in CLASSES])[label[tuple(cells.T)] - 1]
    faces = (((-1, 0, 0), across, up, 0), ((0, -1, 0), along, up, 0), ((0, 0, 1), along, across, up))
    for (towards, side, other, lift), light in zip(faces, _LIGHT, strict=True):
        before = tuple((cells + 1 + towards).T)
        bare = np.flatnonzero(~around[before])
        pixels = _pixels(first + lift + cells[bare] @ to_canvas, side, other)
        mine = np.full_like(order, -1)
        mine[pixels] = bare[:, None]
        over = mine > order
        order[over] = mine[over]
        look = light * (1 - _NEAR_DARK * near[before])[:, None] * color
        canvas[over] = look.astype(np.uint8)[mine[over]]
    height = round(size * image.height / image.width)
    return np.asarray(Image.fromarray(canvas).resize((size, height), Image.Resampling.BOX))


def _pixels(origins: Ints, side: Ints, other: Ints) -> tuple[Ints, Ints]:
    """Rows and columns, (n, m) each, of the pixels whose middles lie in the parallelograms of two sides at n places."""
    ends = np.stack([0 * side, side, other, side + other])
    rows, columns = (np.arange(ends[:, axis].min(), ends[:, axis].max()) for axis in range(2))
    places = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
    share = (places + 0.5) @ np.linalg.inv(np.stack([side, other]))
    tile = places[((share >= 0) & (share < 1)).all(axis=1)]
    return origins[:, :1] + tile[:, 0], origins[:, 1:] + tile[:, 1]
