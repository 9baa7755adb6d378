"""Layers that follow the depth inside them: how a surface departs from its plane, on a lattice."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from maquette.diorama.planes import FARTHEST_M, evaluate
from maquette.scene import Plane, Relief

MOST_VERTICES = 20_000
"""About how many vertices of the lattice cover a photo."""

LEAST_STEP = 4
"""Least distance between vertices, in pixels."""

FADE = 0.05
"""Distance from what is seen of a layer, as a fraction of the photo's longer side, over which its surface returns to
the plane."""


def follow(plane: Plane, level: NDArray[np.int16], index: int, depth_m: NDArray[np.float32]) -> Relief:
    """Let a layer follow depth where it is seen.

    At each vertex, the surface departs from the plane by the mean, over the layer's pixels around, of their inverse
    depth less the plane's. Where none are near, it takes the departure of the nearest vertex that has some, fading
    with distance; there it stays behind what covers it and in front of what it covers.

    Args:
        plane: The layer.
        level: (H, W) int16, the layer that is seen at each pixel of the photo, 0 at the back.
        index: Which of them this one is.
        depth_m: (H, W) float32, positive.

    Returns:
        A relief that covers the plane's rectangle; the surface stays nearer than ``FARTHEST_M``.
    """
    from scipy import ndimage

    step = max(LEAST_STEP, 2 * round(math.sqrt(level.size / MOST_VERTICES) / 2))
    left, top, right, bottom = plane.bounds
    columns, rows = math.ceil((right - left) / step) + 1, math.ceil((bottom - top) / step) + 1
    x, y = np.meshgrid(left + step * np.arange(columns), top + step * np.arange(rows))
    flat = evaluate(plane.inverse_depth, x.astype(float), y.astype(float))

    # Pixels in the frame, in blocks of step x step around the vertices.
    height, width = level.shape
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    own = np.zeros((rows * step, columns * step), np.float32)
    departure = np.zeros_like(own)
    if x0 < x1 and y0 < y1:
        frame = np.s_[y0:y1, x0:x1]
        corner_x, corner_y = x0 - left + step // 2, y0 - top + step // 2
        block = np.s_[corner_y : corner_y + y1 - y0, corner_x : corner_x + x1 - x0]
        seen = level[frame] == index
        a, b, c = plane.inverse_depth
        on_plane = a * (np.arange(x0, x1) + 0.5) + (b * (np.arange(y0, y1) + 0.5) + c)[:, None]
        own[block] = seen
        departure[block] = np.where(seen, 1 / depth_m[frame] - on_plane, 0)
    blocks = (rows, step, columns, step)
    count = own.reshape(blocks).sum(axis=(1, 3))
    mean = departure.reshape(blocks).sum(axis=(1, 3)) / np.maximum(count, 1)
    known = count > 0
    if not known.any():
        return Relief(left, top, step, np.zeros((rows, columns), np.float32))

    distance, nearest = ndimage.distance_transform_edt(~known, return_indices=True)
    fade = np.exp(-((distance * step / (FADE * max(level.shape))) ** 2))
    surface = flat + mean[tuple(nearest)] * fade
    column, row = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    in_frame = (column == x) & (row == y) & ~known
    there, seen_there = level[row, column], 1 / depth_m[row, column]
    surface = np.where(in_frame & (there > index), np.minimum(surface, seen_there), surface)
    surface = np.where(in_frame & (there < index), np.maximum(surface, seen_there), surface)
    surface = np.maximum(surface, 1 / FARTHEST_M)
    return Relief(left, top, step, (surface - flat).astype(np.float32))
