"""What is soft: upholstery, pillows, and sheets of cloth with two sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maquette.worlds.assets.solids import Point, shaded, unit
from maquette.worlds.types import Floats, Material, Part


def sheet(front: ArrayLike, back: ArrayLike, material: Material) -> Part:
    """A closed sheet between two sides that are shaded as round; u runs along the rows and v along the columns.

    Args:
        front: (r, c, 3) metres: the side that is seen; going along a row (to higher columns) and then on to higher
            rows turns counter-clockwise as seen from outside.
        back: (r, c, 3) metres: the points behind them, nowhere the same.
        material: How it looks.
    """
    outer, inner = np.asarray(front, dtype=np.float64), np.asarray(back, dtype=np.float64)
    rows, columns = outer.shape[:2]
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    along = _lengths(outer, 1)
    down = _lengths(outer, 0)
    uv = np.stack([along, down], axis=-1).reshape(-1, 2)
    rim = np.concatenate([index[0, :-1], index[:-1, -1], index[-1, :0:-1], index[:0:-1, 0]])
    there = np.roll(rim, -1)
    points, hidden = outer.reshape(-1, 3), inner.reshape(-1, 3)
    edge = np.stack([points[there], points[rim], hidden[rim], hidden[there]], axis=1)
    side = unit(np.cross(edge[:, 2] - edge[:, 0], edge[:, 3] - edge[:, 1]))
    length = np.linalg.norm(edge[:, 1] - edge[:, 0], axis=1)
    depth = np.linalg.norm(edge[:, 2] - edge[:, 1], axis=1)
    zero = np.zeros_like(length)
    edge_uv = np.stack([zero, zero, length, zero, length, depth, zero, depth], axis=1).reshape(-1, 2)
    start = 2 * rows * columns
    quad = start + 4 * np.arange(len(rim))[:, None]
    return Part(
        np.concatenate([points, hidden, edge.reshape(-1, 3)]).astype(np.float32),
        np.concatenate(
            [faces, faces[:, ::-1] + rows * columns, quad + np.array([0, 1, 2]), quad + np.array([0, 2, 3])]
        ).astype(np.int32),
        np.concatenate([_bent(outer), -_bent(inner), np.repeat(side, 4, axis=0)]).astype(np.float32),
        np.concatenate([uv, uv, edge_uv]).astype(np.float32),
        material,
    )


def _lengths(grid: Floats, axis: int) -> Floats:
    steps = np.linalg.norm(np.diff(grid, axis=axis), axis=-1)
    total: Floats = np.insert(np.cumsum(steps, axis=axis), 0, 0.0, axis=axis)
    return total


def _bent(grid: Floats) -> Floats:
    """(r * c, 3) unit normals of a grid of points."""
    return unit(np.cross(np.gradient(grid, axis=1), np.gradient(grid, axis=0))).reshape(-1, 3)


def padded(
    center: Point, size: Point, material: Material, *, radius_m: float = 0.04, crown_m: float = 0.0, corner: int = 2
) -> Part:
    """A stuffed box: round edges, and a top that swells.

    Args:
        center: Its middle, metres, without the crown.
        size: Its extents, metres, without the crown.
        material: How it looks.
        radius_m: Of the edges.
        crown_m: How much the middle of the top rises above its edge.
        corner: Number of steps around an edge.
    """
    x, y, z = (length / 2 for length in size)
    radius = min(radius_m, 0.9 * min(x, y, z))
    arc = np.linspace(0.0, np.pi / 2, corner + 1)
    outline = np.repeat([(1, 1), (-1, 1), (-1, -1), (1, -1)], corner + 1, axis=0)
    turn = (np.arange(4)[:, None] * np.pi / 2 + arc).ravel()
    sway = np.column_stack([np.cos(turn), np.sin(turn)])
    core = np.array([x - radius, z - radius])

    def ring(scale: float, height: float) -> Floats:
        flat = outline * core + sway * radius * max(scale, 0.15)
        return np.column_stack([flat[:, 0], np.full(len(flat), height), flat[:, 1]])

    rings = [ring(np.sin(a), -y + radius * (1 - np.cos(a))) for a in arc]
    rings += [ring(np.cos(a), y - radius * (1 - np.sin(a))) for a in arc]
    if crown_m > 0:
        inner = ring(0.0, 0.0)
        rings += [inner * (s, 0.0, s) + (0.0, y + crown_m * (1 - s**2), 0.0) for s in (0.75, 0.4)]
    points = np.concatenate([[(0.0, -y, 0.0)], *rings, [(0.0, y + crown_m, 0.0)]])
    return shaded(points + center, _stacked(len(rings), len(outline)), material, smooth=True)


def _stacked(rings: int, sides: int) -> NDArray[np.int64]:
    here = np.arange(sides)
    there = (here + 1) % sides
    last = 1 + rings * sides
    faces = [np.column_stack([np.zeros(sides, int), 1 + here, 1 + there])]
    for ring in range(rings - 1):
        low, high = 1 + ring * sides, 1 + (ring + 1) * sides
        faces += [np.column_stack([low + here, high + there, low + there])]
        faces += [np.column_stack([low + here, high + here, high + there])]
    top = last - sides
    faces.append(np.column_stack([top + there, top + here, np.full(sides, last)]))
    return np.concatenate(faces)


def pillow(size: Point, material: Material, *, steps: int = 7) -> Part:
    """A pillow that lies on the floor: thick in the middle, pinched at its corners.

    Args:
        size: Width, thickness and depth, metres.
        material: How it looks.
        steps: Number of squares along each side.
    """
    across = np.sin(np.linspace(-np.pi / 2, np.pi / 2, steps + 1))
    u, v = np.meshgrid(across, across)
    puff = ((1 - u**4) * (1 - v**4)) ** 0.45 * 0.94 + 0.06
    hollow = 1 - 0.05 * (1 - np.stack([v, u]) ** 2) * np.abs(np.stack([u, v])) ** 3
    x, z = u * hollow[0] * size[0] / 2, v * hollow[1] * size[2] / 2
    top = np.stack([x, size[1] / 2 * (1 + puff), -z], axis=-1)
    under = np.stack([x, size[1] / 2 * (1 - puff), -z], axis=-1)
    return sheet(top, under, material)


def tipped(place: Point, pitch_rad: float) -> Floats:
    """(4, 4) pose at a place of what lay on the floor and now leans back: what looked up turns towards +Z."""
    c, s = np.cos(pitch_rad), np.sin(pitch_rad)
    return np.array([[1, 0, 0, place[0]], [0, c, -s, place[1]], [0, s, c, place[2]], [0, 0, 0, 1.0]])
