"""Closed pieces of surface to build assets from: boxes, turned, swept and extruded solids, in metres.

All are closed and turn their faces outward. ``uv`` runs in metres along the surface.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import ConvexHull

from maquette.worlds.types import Floats, Material, Part, yaw_pose

Point = tuple[float, float, float]

_SMOOTH = math.cos(math.radians(40.0))
"""Faces that meet at less than this angle are shaded as one surface."""


def shaded(
    points: ArrayLike, triangles: ArrayLike, material: Material, *, smooth: bool = False, closed: bool = True
) -> Part:
    """A part of indexed triangles: normals from the faces, uv by projecting each face along its main axis.

    Args:
        points: (n, 3) metres.
        triangles: (m, 3), counter-clockwise seen from outside.
        material: How it looks.
        smooth: Blend the normals of neighbouring faces that differ by less than 40 degrees.
        closed: Whether it bounds a volume.
    """
    xyz = np.asarray(points, dtype=np.float64)
    faces = np.asarray(triangles, dtype=np.int64)
    corners = xyz[faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(cross, axis=1)
    flat = cross / np.maximum(length, 1e-20)[:, None]
    normals = np.repeat(flat, 3, axis=0)
    if smooth:
        at = np.zeros_like(xyz)
        for corner in range(3):
            np.add.at(at, faces[:, corner], cross)
        blended = at[faces.ravel()]
        blended /= np.maximum(np.linalg.norm(blended, axis=1), 1e-20)[:, None]
        normals = np.where((blended * normals).sum(axis=1, keepdims=True) > _SMOOTH, blended, normals)
    axis = np.abs(flat).argmax(axis=1)
    across = np.array([[2, 1], [0, 2], [0, 1]])[axis]
    uv = np.take_along_axis(corners, across[:, None, :].repeat(3, axis=1), axis=2).reshape(-1, 2)
    soup = corners.reshape(-1, 3)
    table = np.column_stack([soup, normals, uv]).astype(np.float32)
    kept, inverse = np.unique(table.view([("", np.void, table.itemsize * 8)]).ravel(), return_inverse=True)
    rows = kept.view(np.float32).reshape(-1, 8)
    return Part(
        np.ascontiguousarray(rows[:, :3]),
        inverse.reshape(-1, 3).astype(np.int32),
        np.ascontiguousarray(rows[:, 3:6]),
        np.ascontiguousarray(rows[:, 6:]),
        material,
        closed,
    )


def box(center: Point, size: Point, material: Material, *, bevel_m: float = 0.0) -> Part:
    """An upright box around ``center``; ``bevel_m`` cuts its edges."""
    half = np.array(size) / 2
    cut = min(bevel_m, float(half.min()) * 0.9)
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64)
    if cut <= 0:
        faces = [(0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1)]
        faces += [(2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3)]
        return shaded(signs * half + center, faces, material)
    inner = half - cut
    points = np.concatenate([signs * np.where(np.arange(3) == axis, half, inner) for axis in range(3)])
    return hull(points + np.array(center), material)


def hull(points: ArrayLike, material: Material, *, smooth: bool = False) -> Part:
    """The convex hull of (n, 3) points."""
    xyz = np.asarray(points, dtype=np.float64)
    found = ConvexHull(xyz)
    faces = found.simplices.copy()
    corners = xyz[faces]
    outward = found.equations[:, :3]
    inward = (np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) * outward).sum(axis=1) < 0
    faces[inward] = faces[inward][:, ::-1]
    return shaded(xyz, faces, material, smooth=smooth)


def lathe(profile: Sequence[tuple[float, float]], material: Material, *, sides: int = 16, smooth: bool = True) -> Part:
    """A profile of (radius, height) from bottom to top, turned about +Y and capped at both ends; a radius of 0 closes.

    Args:
        profile: Radii are at least 0, and above 0 but at the ends.
        material: How it looks.
        sides: Number of sides.
        smooth: Shade it as round.
    """
    turn = np.arange(sides) * (2 * math.pi / sides)
    ring = np.column_stack([np.sin(turn), np.zeros(sides), np.cos(turn)])
    rows = [(0.0, profile[0][1]), *profile] if profile[0][0] > 0 else list(profile)
    rows = [*rows, (0.0, profile[-1][1])] if profile[-1][0] > 0 else rows
    middle = np.concatenate([ring * r + (0.0, y, 0.0) for r, y in rows[1:-1]])
    points = np.concatenate([[(0.0, rows[0][1], 0.0)], middle, [(0.0, rows[-1][1], 0.0)]])
    return shaded(points, _tube_faces(len(rows) - 2, sides), material, smooth=smooth)


def _tube_faces(rings: int, sides: int) -> NDArray[np.int64]:
    """Faces of rings of points (from 1 on) between a first and a last point, as ``lathe`` and ``tube`` lay them."""
    here = np.arange(sides)
    there = (here + 1) % sides
    last = 1 + rings * sides
    faces = [np.column_stack([np.zeros(sides, np.int64), 1 + there, 1 + here])]
    for ring in range(rings - 1):
        low, high = 1 + ring * sides, 1 + (ring + 1) * sides
        faces.append(np.column_stack([low + here, low + there, high + there]))
        faces.append(np.column_stack([low + here, high + there, high + here]))
    top = last - sides
    faces.append(np.column_stack([top + here, top + there, np.full(sides, last)]))
    return np.concatenate(faces)


def cylinder(
    base: Point,
    height_m: float,
    radius_m: float,
    material: Material,
    *,
    sides: int = 14,
    top_radius_m: float | None = None,
) -> Part:
    """An upright cylinder, or a truncated cone, on ``base``."""
    top = radius_m if top_radius_m is None else top_radius_m
    return moved(lathe([(radius_m, 0.0), (top, height_m)], material, sides=sides), base)


def ball(center: Point, radii: Point, material: Material, *, sides: int = 14) -> Part:
    """An ellipsoid with its half axes along x, y and z."""
    rise = np.linspace(-math.pi / 2, math.pi / 2, max(5, sides // 2 + 1))
    part = lathe(
        [(float(max(math.cos(a), 0.0)) if abs(a) < 1.57 else 0.0, math.sin(a)) for a in rise], material, sides=sides
    )
    return scaled(part, radii, center)


def tube(
    path: ArrayLike, radius_m: float | Sequence[float], material: Material, *, sides: int = 8, flatten: float = 1.0
) -> Part:
    """A round bar along (n, 3) points, capped at its ends.

    Args:
        path: Points, n at least 2.
        radius_m: Radius, or one for each point.
        material: How it looks.
        sides: Number of sides.
        flatten: Scale of the section across its second direction (nearest to +Y for level paths).
    """
    points = np.asarray(path, dtype=np.float64)
    radii = np.broadcast_to(np.asarray(radius_m, dtype=np.float64), len(points))
    steps = np.diff(points, axis=0)
    steps /= np.maximum(np.linalg.norm(steps, axis=1), 1e-12)[:, None]
    along = np.concatenate([steps[:1], steps[:-1] + steps[1:], steps[-1:]])
    along /= np.maximum(np.linalg.norm(along, axis=1), 1e-12)[:, None]
    up = np.array([0.0, 1.0, 0.0]) if abs(along[0, 1]) < 0.9 else np.array([0.0, 0.0, 1.0])
    rings = []
    turn = np.arange(sides) * (2 * math.pi / sides)
    for point, direction, radius in zip(points, along, radii, strict=True):
        side = np.cross(up, direction)
        side /= np.linalg.norm(side)
        up = np.cross(direction, side)
        rings.append(point + radius * (np.outer(np.cos(turn), side) + flatten * np.outer(np.sin(turn), up)))
    every = np.concatenate([points[:1], *rings, points[-1:]])
    return shaded(every, _tube_faces(len(points), sides), material, smooth=True)


def extruded(outline: ArrayLike, depth_m: float, material: Material) -> Part:
    """A flat shape in the xy plane, from z = -depth/2 to +depth/2.

    Args:
        outline: (n, 2) corners of a simple polygon, counter-clockwise seen from +Z.
        depth_m: Its thickness.
        material: How it looks.
    """
    corners = np.asarray(outline, dtype=np.float64)
    count = len(corners)
    front = np.column_stack([corners, np.full(count, depth_m / 2)])
    back = np.column_stack([corners, np.full(count, -depth_m / 2)])
    cap = triangulated(corners)
    here = np.arange(count)
    there = (here + 1) % count
    sides = [np.column_stack([here + count, there + count, there]), np.column_stack([here + count, there, here])]
    return shaded(np.concatenate([front, back]), np.concatenate([cap, cap[:, ::-1] + count, *sides]), material)


def triangulated(outline: ArrayLike) -> NDArray[np.int64]:
    """(m, 3) triangles of a simple counter-clockwise polygon, by cutting ears."""
    xy = np.asarray(outline, dtype=np.float64)
    left = list(range(len(xy)))
    faces: list[tuple[int, int, int]] = []
    while len(left) > 3:
        for at in range(len(left)):
            i, j, k = left[at - 1], left[at], left[(at + 1) % len(left)]
            a, b, c = xy[i], xy[j], xy[k]
            if _turn(a, b, c) <= 1e-14:
                continue
            others = xy[[n for n in left if n not in (i, j, k)]]
            inside = (_turn(a, b, others) >= 0) & (_turn(b, c, others) >= 0) & (_turn(c, a, others) >= 0)
            if not inside.any():
                faces.append((i, j, k))
                del left[at]
                break
        else:
            raise ValueError("the outline crosses itself, or runs clockwise")
    faces.append((left[0], left[1], left[2]))
    return np.array(faces, dtype=np.int64)


def _turn(a: Floats, b: Floats, c: Floats) -> Floats:
    turn: Floats = (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (c[..., 0] - a[..., 0])
    return turn


def cushion(center: Point, size: Point, material: Material, *, roundness: float = 0.35, steps: int = 6) -> Part:
    """A soft box: a superellipsoid, between a box (``roundness`` 0) and an ellipsoid (1)."""
    rise = np.linspace(-math.pi / 2, math.pi / 2, steps + 1)
    turn = np.linspace(0, 2 * math.pi, 4 * steps, endpoint=False) + math.pi / 4
    power = max(roundness, 0.05)

    def bent(value: Floats) -> Floats:
        return np.sign(value) * np.abs(value) ** power

    inner = rise[1:-1, None]
    x = bent(np.cos(inner)) * bent(np.sin(turn))
    z = bent(np.cos(inner)) * bent(np.cos(turn))
    y = bent(np.sin(inner)) * np.ones_like(x)
    middle = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    points = np.concatenate([[(0.0, -1.0, 0.0)], middle, [(0.0, 1.0, 0.0)]])
    faces = _tube_faces(len(rise) - 2, len(turn))
    return shaded(points * (np.array(size) / 2) + center, faces, material, smooth=True)


def moved(part: Part, offset: Point | Floats) -> Part:
    """The part moved by metres along x, y and z."""
    return replace(part, vertices=(part.vertices + np.asarray(offset)).astype(np.float32))


def turned(part: Part, yaw_rad: float) -> Part:
    """The part turned about +Y."""
    return posed(part, yaw_pose(yaw_rad, (0.0, 0.0, 0.0)))


def posed(part: Part, pose: Floats) -> Part:
    """The part brought by a (4, 4) rigid pose."""
    rotation = pose[:3, :3]
    return replace(
        part,
        vertices=(part.vertices @ rotation.T + pose[:3, 3]).astype(np.float32),
        normals=(part.normals @ rotation.T).astype(np.float32),
    )


def scaled(part: Part, factors: Point, offset: Point = (0.0, 0.0, 0.0)) -> Part:
    """The part scaled along x, y and z (all above 0) and then moved; uv grow with the two larger factors."""
    by = np.asarray(factors, dtype=np.float64)
    normals = part.normals / by
    normals /= np.maximum(np.linalg.norm(normals, axis=1), 1e-20)[:, None]
    return replace(
        part,
        vertices=(part.vertices * by + offset).astype(np.float32),
        normals=normals.astype(np.float32),
        uv=(part.uv * np.sort(by)[1:].mean()).astype(np.float32),
    )
