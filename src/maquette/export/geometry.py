"""Planes to triangle meshes that show their textures where the photo shows them.

From texture to tilted plane the map is projective, but a triangle interpolates its texture coordinates linearly in
space. Over a segment of the picture whose ends have inverse depths u and v, what is drawn lies off by up to
``(sqrt(v) - sqrt(u)) / (sqrt(v) + sqrt(u))`` of its length: a quarter of the relative change of depth. (Take the
perspective-correct value at t, ``t v / (u + t (v - u))``, less t, and find its maximum.) The cells of a tilted plane
are small enough to keep that below ``TEXTURE_ERROR_PX``. A surface with relief is cut along its lattice too; what
the relief adds to the change of depth over a cell adds to the error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from maquette.camera import Camera
from maquette.scene import Plane

FloatArray = NDArray[np.float64]

TEXTURE_ERROR_PX = 0.1
"""Most that a texel may be drawn away from its place, in pixels of the scene's camera."""


@dataclass(frozen=True)
class Mesh:
    """A textured triangle mesh.

    Attributes:
        points_world: (n, 3) float64, metres.
        uv: (n, 2) float64, 0 to 1 from the texture's left top corner, as glTF wants it.
        triangles: (m, 3) int64, counterclockwise as the scene's camera sees them; those of a relief from the farthest
            to the nearest, because viewers draw them in this order over one another.
    """

    points_world: FloatArray
    uv: FloatArray
    triangles: NDArray[np.int64]


def visible_part(plane: Plane) -> Plane:
    """The plane with its texture cropped to where alpha is above 0; one pixel where it is 0 everywhere."""
    alpha = plane.texture[..., 3]
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    if not rows.size:
        rows = columns = np.zeros(1, np.int64)
    top, left = int(rows[0]), int(columns[0])
    texture = plane.texture[top : rows[-1] + 1, left : columns[-1] + 1]
    return replace(plane, x=plane.x + left, y=plane.y + top, texture=texture)


def to_mesh(plane: Plane, camera: Camera) -> Mesh:
    """Lift the rectangle of a plane to the world: one quad where it faces the camera, a grid where it tilts, and where
    it has a relief those cells of the lattice in which the texture shows something."""
    left, top, right, bottom = plane.bounds
    x, y = grid_lines(plane)
    pixels = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    row, column = np.mgrid[: len(y) - 1, : len(x) - 1]
    left_top = (row * len(x) + column).ravel()
    if plane.relief is not None:
        left_top = left_top[_cells_that_show(plane, x, y).ravel()]
    left_bottom = left_top + len(x)
    upper = np.stack([left_top, left_bottom, left_top + 1], axis=1)
    lower = np.stack([left_top + 1, left_bottom, left_bottom + 1], axis=1)
    triangles = np.stack([upper, lower], axis=1).reshape(-1, 3)
    if plane.relief is not None:
        nearness = plane.inverse_depth_at(pixels)[triangles].sum(axis=1)
        used, triangles = np.unique(triangles[np.argsort(nearness, kind="stable")], return_inverse=True)
        pixels, triangles = pixels[used], triangles.reshape(-1, 3)
    points_world = camera.to_world(camera.unproject(pixels, plane.depth_m(pixels)))
    uv = (pixels - (left, top)) / (right - left, bottom - top)
    return Mesh(points_world, uv, triangles)


def _cells_that_show(plane: Plane, x: FloatArray, y: FloatArray) -> NDArray[np.bool_]:
    """(rows, columns) bool: cells in which a linear filter finds something to show; all, where none has that."""
    height, width = plane.texture.shape[:2]
    count = np.zeros((height + 1, width + 1), np.int32)
    count[1:, 1:] = (plane.texture[..., 3] > 0).cumsum(axis=0, dtype=np.int32).cumsum(axis=1, dtype=np.int32)
    (x0, x1), (y0, y1) = (
        (
            np.clip(np.floor(lines[:-1] - start - 0.5), 0, size).astype(int),
            np.clip(np.ceil(lines[1:] - start + 0.5), 0, size).astype(int),
        )
        for lines, start, size in ((x, plane.x, width), (y, plane.y, height))
    )
    shows: NDArray[np.bool_] = (
        count[np.ix_(y1, x1)] - count[np.ix_(y0, x1)] - count[np.ix_(y1, x0)] + count[np.ix_(y0, x0)] > 0
    )
    return shows if shows.any() else ~shows


def grid_lines(plane: Plane) -> tuple[FloatArray, FloatArray]:
    """Columns x and rows y, in pixels, of the grid that a plane is cut along: two and two where it faces the camera.
    Where it has a relief, the lines of its lattice are among them.

    With a and b the slopes of inverse depth w, a cell (cx, cy) is off by at most ``max(cx, cy) (|a| cx + |b| cy) / (4
    w)``. Given the longest side of a cell, and how the tolerance is shared between the two terms, what remains is a
    step that grows with w: equal steps of log w. Longest side and shares are searched for the fewest vertices.
    """
    left, top, right, bottom = plane.bounds
    if plane.facing:
        return np.array([left, right], dtype=float), np.array([top, bottom], dtype=float)
    if plane.relief is not None:
        x, y = grid_lines(replace(plane, relief=None))
        step, (rows, columns) = plane.relief.step, plane.relief.inverse_depth.shape
        return (
            _merged(x, plane.relief.x + step * np.arange(columns, dtype=np.float64), step),
            _merged(y, plane.relief.y + step * np.arange(rows, dtype=np.float64), step),
        )
    a, b, c = plane.inverse_depth
    # Inverse depth at the ends of each axis, where the other coordinate makes it least.
    w_x = (c + a * left + min(b * top, b * bottom), c + a * right + min(b * top, b * bottom))
    w_y = (c + b * top + min(a * left, a * right), c + b * bottom + min(a * left, a * right))
    longest = np.geomspace(1, max(right - left, bottom - top), 40)[:, None]
    share = np.linspace(0, 1, 21)
    columns = _count(right - left, w_x, longest, share)
    rows = _count(bottom - top, w_y, longest, 1 - share)
    best = np.argmin((columns + 1) * (rows + 1))
    return _lines(left, right, w_x, int(columns.flat[best])), _lines(top, bottom, w_y, int(rows.flat[best]))


def _merged(lines: FloatArray, lattice: FloatArray, step: float) -> FloatArray:
    """The first and the last line, what lies between them of a lattice, and those lines that are closer than its
    step."""
    close = np.concatenate([[False], np.diff(lines) < step, [False]])
    kept = lines[close[1:] | close[:-1]]
    inner = lattice[(lattice > lines[0]) & (lattice < lines[-1])]
    merged: FloatArray = np.unique(np.concatenate([lines[:1], kept, inner, lines[-1:]]))
    return merged


def _count(length: int, w: tuple[float, float], longest: FloatArray, share: FloatArray) -> FloatArray:
    """Steps that an axis needs, for each longest side and share of the tolerance.

    Args:
        length: Of the axis, in pixels.
        w: Inverse depth at its ends; linear between them.
        longest: (n, 1) pixels.
        share: (m,) 0 to 1.

    Returns:
        (n, m) whole numbers, or infinity where no number is enough.
    """
    slope = abs(w[1] - w[0]) / length
    if slope * length < 1e-9 * min(w):
        return np.ceil(length / longest) * np.ones_like(share)
    with np.errstate(divide="ignore"):
        by_error = np.log1p(4 * TEXTURE_ERROR_PX * share / longest)
        by_length = -np.log1p(-np.minimum(slope * longest / max(w), 1))
        count: FloatArray = np.ceil(abs(math.log(w[1] / w[0])) / np.minimum(by_error, by_length))
    return count


def _lines(start: int, stop: int, w: tuple[float, float], count: int) -> FloatArray:
    """``count`` steps from start to stop, over each of which log w, for w linear, changes by the same."""
    even = np.linspace(0, 1, count + 1)
    relative = (w[1] - w[0]) / w[0]
    if abs(relative) > 1e-9:
        even = np.expm1(even * math.log1p(relative)) / relative
    even[-1] = 1
    return start + even * (stop - start)
