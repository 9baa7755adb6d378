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

EDGE = 0.05
"""Relative step of inverse depth from which the pixels around a vertex belong to two surfaces."""

EDGE_SHARE = 0.1
"""Least share of those pixels that makes a surface; fewer are taken for noise."""


def follow(plane: Plane, level: NDArray[np.int16], index: int, depth_m: NDArray[np.float32]) -> Relief:
    """Let a layer follow depth where it is seen.

    At each vertex, the surface departs from the plane by the mean, over the layer's inner pixels around, of their
    inverse depth less the plane's; at a depth edge, over those of the nearer surface, which keeps its outline while
    what is behind is stretched. Where no pixel is near, it takes the departure of the nearest vertex that has some, and
    stays behind what covers it and in front of what it covers.

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
    own = np.zeros((rows, step, columns, step), dtype=bool)
    departure = np.zeros(own.shape, dtype=np.float32)
    if x0 < x1 and y0 < y1:
        frame = np.s_[y0:y1, x0:x1]
        block_x, block_y = x0 - left + step // 2, y0 - top + step // 2
        block = np.s_[block_y : block_y + y1 - y0, block_x : block_x + x1 - x0]
        a, b, c = plane.inverse_depth
        on_plane = a * (np.arange(x0, x1) + 0.5) + (b * (np.arange(y0, y1) + 0.5) + c)[:, None]
        picture = (rows * step, columns * step)
        own.reshape(picture)[block] = _inner(level == index, step // 4)[frame]
        departure.reshape(picture)[block] = 1 / depth_m[frame] - on_plane
    count, total = _sum(departure, own)
    mean = total / np.maximum(count, 1)
    known = count > 0
    if not known.any():
        return Relief(float(left), float(top), float(step), np.zeros((rows, columns), np.float32))
    above = departure > mean.astype(np.float32)[:, None, :, None]
    near_count, near_total = _sum(departure, own & above)
    near = near_total / np.maximum(near_count, 1)
    far = (total - near_total) / np.maximum(count - near_count, 1)
    torn = near - far > EDGE * (flat + mean)
    mean = np.where(torn, np.where(near_count >= EDGE_SHARE * count, near, far), mean)

    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    surface = flat + mean[tuple(nearest)]
    column, row = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    in_frame = (abs(column - x) <= step) & (abs(row - y) <= step) & ~known
    there, seen_there = level[row, column], 1 / depth_m[row, column]
    surface = np.where(in_frame & (there > index), np.minimum(surface, seen_there), surface)
    surface = np.where(in_frame & (there < index), np.maximum(surface, seen_there), surface)
    surface = np.maximum(surface, 1 / FARTHEST_M)
    return Relief(float(left), float(top), float(step), (surface - flat).astype(np.float32))


def _inner(mask: NDArray[np.bool_], margin: int) -> NDArray[np.bool_]:
    """Pixels of a mask of which those ``margin`` pixels away on four sides are in it too, or all of it if there are
    none: along its border a segment often has the depth of its neighbour."""
    wide = np.pad(mask, margin, mode="edge")
    middle, before, after = slice(margin, -margin), slice(None, -2 * margin), slice(2 * margin, None)
    inner: NDArray[np.bool_] = mask & wide[middle, before] & wide[middle, after] & wide[before, middle]
    inner &= wide[after, middle]
    return inner if inner.any() else mask


def _sum(blocks: NDArray[np.float32], own: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """How many pixels of (rows, step, columns, step) blocks are meant, and the sum of those."""
    return own.sum(axis=(1, 3)), np.where(own, blocks, 0).sum(axis=1, dtype=np.float64).sum(axis=-1)
