"""Planes to triangle meshes that show their textures where the photo shows them.

From texture to tilted plane the map is projective, but a triangle interpolates its texture coordinates linearly in space. Over a
segment of the picture whose ends have inverse depths u and v, what is drawn lies off by up to ``(sqrt(v) - sqrt(u)) / (sqrt(v) + sqrt(u))``
of its length, about a quarter of the relative change of depth times the length. (Take the perspective-correct value at t,
``t v / (u + t (v - u))``, less t, and find its maximum.) The cells of a tilted plane are small enough to keep that below
``TEXTURE_ERROR_PX``; they are denser where it is far, because what counts is the ratio of depths.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

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
        triangles: (m, 3) int64, counterclockwise as the scene's camera sees them.
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
    return Plane(plane.x + left, plane.y + top, texture, plane.inverse_depth)


def to_mesh(plane: Plane, camera: Camera) -> Mesh:
    """Lift the rectangle of a plane to the world: one quad where it faces the camera, a grid where it tilts."""
    left, top, right, bottom = plane.bounds
    x, y = grid_lines(plane)
    pixels = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    points_world = camera.to_world(camera.unproject(pixels, plane.depth_m(pixels)))
    uv = (pixels - (left, top)) / (right - left, bottom - top)

    row, column = np.mgrid[: len(y) - 1, : len(x) - 1]
    left_top = (row * len(x) + column).ravel()
    left_bottom = left_top + len(x)
    upper = np.stack([left_top, left_bottom, left_top + 1], axis=1)
    lower = np.stack([left_top + 1, left_bottom, left_bottom + 1], axis=1)
    return Mesh(points_world, uv, np.stack([upper, lower], axis=1).reshape(-1, 3))


def grid_lines(plane: Plane) -> tuple[FloatArray, FloatArray]:
    """Columns x and rows y, in pixels, of the grid that a tilted plane is cut along.

    With a and b the slopes of inverse depth w, a cell (cx, cy) is off by at most ``max(cx, cy) (|a| cx + |b| cy) / (4 w)``. Both
    terms get a share of the tolerance, in proportion to how much w changes along each axis, and no cell is longer than ``longest``.
    What remains is a step that grows with w: lines at equal steps of log w.
    """
    left, top, right, bottom = plane.bounds
    a, b, c = plane.inverse_depth
    width, height = right - left, bottom - top
    change = abs(a) * width + abs(b) * height
    if change == 0:
        return np.array([left, right], dtype=float), np.array([top, bottom], dtype=float)
    # Inverse depth along the far edge of each axis: the other coordinate is where the plane is farthest.
    w_x = [c + a * x + min(b * top, b * bottom) for x in (left, right)]
    w_y = [c + b * y + min(a * left, a * right) for y in (top, bottom)]
    longest = math.sqrt(4 * TEXTURE_ERROR_PX * max(width * max(w_x), height * max(w_y)) / change)
    step_x = 4 * TEXTURE_ERROR_PX * width / (change * longest)
    step_y = 4 * TEXTURE_ERROR_PX * height / (change * longest)
    return _lines(left, right, w_x, step_x), _lines(top, bottom, w_y, step_y)


def _lines(start: int, stop: int, w: list[float], step: float) -> FloatArray:
    """Positions from start to stop so far apart that each step is at most ``step`` times w at its far end.

    Args:
        start: First position.
        stop: Last position.
        w: Inverse depth at both; linear between them.
        step: Length of a step for an inverse depth of 1.
    """
    slope = (w[1] - w[0]) / (stop - start)
    ratio = w[1] / w[0]
    if abs(ratio - 1) < 1e-9:
        return np.linspace(start, stop, 1 + math.ceil((stop - start) / (step * min(w))))
    count = max(1, math.ceil(abs(math.log(ratio)) / math.log1p(abs(slope) * step)))
    lines = start + w[0] * np.expm1(np.linspace(0, math.log(ratio), count + 1)) / slope
    lines[-1] = stop
    return lines
