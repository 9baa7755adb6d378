"""Many pieces of one material at once: what has hundreds of windows, pickets or leaves is laid as arrays.

Where ``closed`` is not said, every piece is closed and turns its faces outward. ``uv`` runs in metres along the
surface: u along the level, v up the slope.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maquette.worlds.assets.solids import merged, unit
from maquette.worlds.types import Floats, Material, Part

_BOX = np.array([(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)])
"""Sides of a box whose corner 4 x + 2 y + z is at the greater x, y, z where the bit is set."""

_PRISM = np.array([(0, 1, 2, 3), (7, 6, 5, 4), (1, 0, 4, 5), (2, 1, 5, 6), (3, 2, 6, 7), (0, 3, 7, 4)])
"""Sides of a prism with corners 0-3 on top and 4-7 below them."""


def quads(corners: ArrayLike, material: Material, *, normals: Floats | None = None, closed: bool = True) -> Part:
    """Flat four-cornered faces.

    Args:
        corners: (n, 4, 3) metres, counter-clockwise seen from outside; two corners in one place make a triangle.
        material: How they look.
        normals: (n, 3) unit normals for shading; by default the faces' own.
        closed: Whether together they bound a volume.
    """
    xyz = np.asarray(corners, dtype=np.float64)
    flat = unit(np.cross(xyz[:, 2] - xyz[:, 0], xyz[:, 3] - xyz[:, 1]))
    shading = flat if normals is None else normals
    first = np.arange(len(xyz))[:, None] * 4
    halves = np.stack([np.cross(xyz[:, a] - xyz[:, 0], xyz[:, a + 1] - xyz[:, 0]) for a in (1, 2)], axis=1)
    faces = np.stack([first + np.array([0, 1, 2]), first + np.array([0, 2, 3])], axis=1)[
        np.abs(halves).max(axis=2) > 1e-12
    ]
    return Part(
        xyz.reshape(-1, 3).astype(np.float32),
        faces.astype(np.int32),
        np.repeat(shading, 4, axis=0).astype(np.float32),
        _uv(xyz, flat).reshape(-1, 2).astype(np.float32),
        material,
        closed,
    )


def _uv(corners: Floats, normals: Floats) -> Floats:
    """(n, k, 2) metres along the level and up the slope of (n, k, 3) corners of faces with (n, 3) normals."""
    level = np.column_stack([normals[:, 2], np.zeros(len(normals)), -normals[:, 0]])
    level[np.abs(normals[:, 1]) > 0.98] = (1.0, 0.0, 0.0)
    level = unit(level)
    slope = np.cross(normals, level)
    return np.stack([np.einsum("nkc,nc->nk", corners, level), np.einsum("nkc,nc->nk", corners, slope)], axis=-1)


def boxes(centers: ArrayLike, sizes: ArrayLike, material: Material) -> Part:
    """Upright boxes.

    Args:
        centers: (n, 3) their middles, metres.
        sizes: (n, 3) or (3,) their extents, metres.
        material: How they look.
    """
    middle = np.asarray(centers, dtype=np.float64)
    half = np.broadcast_to(np.asarray(sizes, dtype=np.float64) / 2, middle.shape)
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    corners = middle[:, None] + signs * half[:, None]
    return quads(corners[:, _BOX].reshape(-1, 4, 3), material)


def prisms(tops: ArrayLike, depth_m: float, material: Material, *, down: bool = False) -> Part:
    """Slabs under four-cornered faces.

    Args:
        tops: (n, 4, 3) metres, counter-clockwise seen from outside.
        depth_m: Their thickness.
        material: How they look.
        down: They thicken towards -Y instead of against their own normals.
    """
    top = np.asarray(tops, dtype=np.float64)
    normals = unit(np.cross(top[:, 2] - top[:, 0], top[:, 3] - top[:, 1]))
    under = top - depth_m * (np.array([0.0, 1.0, 0.0]) if down else normals[:, None])
    return quads(np.concatenate([top, under], axis=1)[:, _PRISM].reshape(-1, 4, 3), material)


def slab(grid: ArrayLike, bottom_m: float, material: Material) -> Part:
    """What lies between a surface seen from above and a level.

    Args:
        grid: (rows, columns, 3) metres; going up the rows and then up the columns turns counter-clockwise seen from
            +Y, so that rows run along +Z where columns run along +X.
        bottom_m: Height of its flat underside; below every point of the grid.
        material: How it looks.
    """
    top = np.asarray(grid, dtype=np.float64)
    rows, columns = top.shape[:2]
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    points = top.reshape(-1, 3)
    surface = Part(
        points.astype(np.float32),
        faces.astype(np.int32),
        _smooth_normals(points, faces),
        points[:, [0, 2]].astype(np.float32),
        material,
    )
    rim = np.concatenate([index[:-1, 0], index[-1, :-1], index[:0:-1, -1], index[0, :0:-1]])
    edge = points[rim]
    ahead = np.roll(edge, -1, axis=0)
    floor, floor_ahead = edge.copy(), ahead.copy()
    floor[:, 1] = floor_ahead[:, 1] = bottom_m
    sides = quads(np.stack([ahead, edge, floor, floor_ahead], axis=1), material)
    ring = np.concatenate([floor, floor.mean(axis=0, keepdims=True)])
    here = np.arange(len(floor))
    below = Part(
        ring.astype(np.float32),
        np.column_stack([np.roll(here, -1), here, np.full(len(here), len(floor))]).astype(np.int32),
        np.tile(np.array([0, -1, 0], dtype=np.float32), (len(ring), 1)),
        ring[:, [0, 2]].astype(np.float32),
        material,
    )
    return merged([surface, sides, below])


def _smooth_normals(points: Floats, faces: NDArray[np.int64]) -> NDArray[np.float32]:
    corners = points[faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    at: Floats = np.stack(
        [np.bincount(faces.ravel(), np.repeat(cross[:, axis], 3), minlength=len(points)) for axis in range(3)], axis=-1
    )
    return unit(at).astype(np.float32)


def sticks(starts: ArrayLike, ends: ArrayLike, radii: ArrayLike, material: Material, *, sides: int = 6) -> Part:
    """Straight bars, round and capped, that may taper.

    Args:
        starts: (n, 3) metres.
        ends: (n, 3) metres.
        radii: (n, 2) at the start and at the end, metres; or one (2,) for all.
        material: How they look.
        sides: Number of sides.
    """
    a, b = np.asarray(starts, dtype=np.float64), np.asarray(ends, dtype=np.float64)
    count = len(a)
    radius = np.broadcast_to(np.asarray(radii, dtype=np.float64), (count, 2))
    along = unit(b - a)
    helper = np.where(np.abs(along[:, 1:2]) < 0.9, [[0.0, 1.0, 0.0]], [[0.0, 0.0, 1.0]])
    side = unit(np.cross(helper, along))
    up = np.cross(along, side)
    turn = np.arange(sides) * (2 * np.pi / sides)
    round_ = np.cos(turn)[None, :, None] * side[:, None] + np.sin(turn)[None, :, None] * up[:, None]
    low = a[:, None] + radius[:, :1, None] * round_
    high = b[:, None] + radius[:, 1:, None] * round_
    caps = np.broadcast_to(along[:, None], low.shape)
    vertices = np.stack([low, high, low, high], axis=1)
    normals = np.stack([round_, round_, -caps, caps], axis=1)
    here = np.arange(sides)
    there = (here + 1) % sides
    fan = np.arange(1, sides - 1)
    zero = np.zeros_like(fan)
    faces = np.concatenate(
        [
            np.column_stack([here, there, there + sides]),
            np.column_stack([here, there + sides, here + sides]),
            np.column_stack([zero, fan + 1, fan]) + 2 * sides,
            np.column_stack([zero, fan, fan + 1]) + 3 * sides,
        ]
    )
    around = turn[None, :] * radius.mean(axis=1)[:, None]
    length = np.linalg.norm(b - a, axis=1)[:, None] * np.ones(sides)
    flat = np.stack([np.cos(turn), np.sin(turn)], -1)[None] * radius.mean(axis=1)[:, None, None]
    lows, highs = np.stack([around, 0 * length], -1), np.stack([around, length], -1)
    uv = np.stack([lows, highs, flat, flat], axis=1)
    every = np.arange(count)[:, None, None] * (4 * sides) + faces
    return Part(
        vertices.reshape(-1, 3).astype(np.float32),
        every.reshape(-1, 3).astype(np.int32),
        normals.reshape(-1, 3).astype(np.float32),
        uv.reshape(-1, 2).astype(np.float32),
        material,
    )
