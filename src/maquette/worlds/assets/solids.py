"""Closed pieces of surface to build assets from: boxes, turned, swept and extruded solids, in metres.

All are closed and turn their faces outward. ``uv`` runs in metres along the surface.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

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


def unit(vectors: Floats) -> Floats:
    """(..., 3) vectors at length 1; those of no length look up."""
    length: Floats = np.linalg.norm(vectors, axis=-1, keepdims=True)
    found: Floats = np.where(length > 0, vectors / np.maximum(length, 1e-300), (0.0, 1.0, 0.0))
    return found


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


def loft(rings: ArrayLike, material: Material) -> Part:
    """A skin over rings of points, shaded as round and capped at both ends; u runs along it and v around it.

    Args:
        rings: (r, s, 3) metres: r rings of s points each, which turn counter-clockwise about the way from the first
            ring to the last. Neither the first nor the last may shrink to a point.
        material: How it looks.
    """
    grid = np.asarray(rings, dtype=np.float64)
    count, sides = grid.shape[:2]
    here = np.arange(sides)
    after = grid[:, (here + 1) % sides]
    along = np.empty_like(grid)
    along[1:-1] = grid[2:] - grid[:-2]
    along[0], along[-1] = grid[1] - grid[0], grid[-1] - grid[-2]
    normals = _cross(after - grid[:, here - 1], along)
    normals /= np.maximum(np.sqrt((normals**2).sum(axis=-1, keepdims=True)), 1e-20)
    middles = grid.mean(axis=1)
    uv = np.zeros((count, sides + 1, 2))
    uv[1:, :, 0] = np.cumsum(np.sqrt((np.diff(middles, axis=0) ** 2).sum(axis=-1)))[:, None]
    uv[:, 1:, 1] = np.cumsum(np.sqrt(((after - grid) ** 2).sum(axis=-1)).mean(axis=0))
    closed = np.append(here, 0)
    vertices = [grid[:, closed].reshape(-1, 3)]
    every_normal = [normals[:, closed].reshape(-1, 3)]
    every_uv = [uv.reshape(-1, 2)]
    for end, outward in ((0, -1.0), (count - 1, 1.0)):
        rim = grid[end] - middles[end]
        facing = outward * _cross(rim, after[end] - middles[end]).sum(axis=0)
        facing /= max(math.sqrt(facing @ facing), 1e-20)
        side = rim[0] / max(math.sqrt(rim[0] @ rim[0]), 1e-20)
        vertices += [grid[end], middles[end : end + 1]]
        every_normal.append(np.broadcast_to(facing, (sides + 1, 3)))
        every_uv += [rim @ np.stack([side, _cross(facing, side)], axis=-1), np.zeros((1, 2))]
    return Part(
        np.concatenate(vertices).astype(np.float32),
        _loft_faces(count, sides).copy(),
        np.concatenate(every_normal).astype(np.float32),
        np.concatenate(every_uv).astype(np.float32),
        material,
    )


@cache
def _loft_faces(rings: int, sides: int) -> NDArray[np.int32]:
    """Faces of ``loft``: rings that repeat their first point, then each cap's ring and middle."""
    here, first = np.arange(sides), np.arange(rings - 1)[:, None] * (sides + 1)
    a, b, c, d = first + here, first + here + 1, first + here + sides + 2, first + here + sides + 1
    low = rings * (sides + 1)
    high = low + sides + 1
    there = (here + 1) % sides
    faces = [
        np.stack([a, b, c], axis=-1).reshape(-1, 3),
        np.stack([a, c, d], axis=-1).reshape(-1, 3),
        np.column_stack([low + there, low + here, np.full(sides, low + sides)]),
        np.column_stack([high + here, high + there, np.full(sides, high + sides)]),
    ]
    return np.concatenate(faces).astype(np.int32)


def ellipses(
    centers: ArrayLike,
    across: ArrayLike,
    ahead: ArrayLike,
    half: ArrayLike,
    depth: ArrayLike,
    sides: int,
    power: float = 1.0,
) -> Floats:
    """Rings for ``loft``.

    Args:
        centers: (r, 3) metres.
        across: (r, 3) or (3,) unit first axes; ``across`` x ``ahead`` points along the way.
        ahead: (r, 3) or (3,) unit second axes.
        half: (r,) half extents along the first axes, metres.
        depth: (r,) half extents along the second axes, metres.
        sides: Points of a ring.
        power: Below 1 squares the ellipses.

    Returns:
        (r, sides, 3) metres.
    """
    middle = np.asarray(centers, dtype=np.float64)
    turn = np.arange(sides) * (2 * math.pi / sides)
    c, s = np.cos(turn), np.sin(turn)
    c, s = np.sign(c) * np.abs(c) ** power, np.sign(s) * np.abs(s) ** power
    first = (np.asarray(half)[:, None] * c)[..., None] * np.broadcast_to(across, middle.shape)[:, None]
    second = (np.asarray(depth)[:, None] * s)[..., None] * np.broadcast_to(ahead, middle.shape)[:, None]
    rings: Floats = middle[:, None] + first + second
    return rings


def _cross(a: Floats, b: Floats) -> Floats:
    """Cross product along the last axis; several times as fast as numpy's on small arrays."""
    x, y, z = a[..., 0], a[..., 1], a[..., 2]
    u, v, w = b[..., 0], b[..., 1], b[..., 2]
    return np.stack([y * w - z * v, z * u - x * w, x * v - y * u], axis=-1)


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


def tipped(part: Part, back_rad: float) -> Part:
    """The part tipped about +X so that its front looks up and its top goes backward."""
    pose = np.eye(4)
    c, s = math.cos(back_rad), math.sin(back_rad)
    pose[1:3, 1:3] = [[c, s], [-s, c]]
    return posed(part, pose)


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


def merged(parts: Sequence[Part]) -> Part:
    """One part of several that share a material and do not overlap."""
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    return replace(
        parts[0],
        vertices=np.concatenate([part.vertices for part in parts]),
        faces=np.concatenate([part.faces + np.int32(at) for part, at in zip(parts, starts, strict=False)]),
        normals=np.concatenate([part.normals for part in parts]),
        uv=np.concatenate([part.uv for part in parts]),
    )


def mirrored(part: Part) -> Part:
    """The part reflected in x = 0."""
    flip = np.array([-1, 1, 1], np.float32)
    faces = np.ascontiguousarray(part.faces[:, ::-1])
    return replace(part, vertices=part.vertices * flip, normals=part.normals * flip, faces=faces)


def grounded(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts moved so that the middle of their common box is above the origin and their lowest point at y = 0."""
    low = np.min([part.vertices.min(axis=0) for part in parts], axis=0)
    high = np.max([part.vertices.max(axis=0) for part in parts], axis=0)
    middle = (low + high) / 2
    return tuple(moved(part, (-middle[0], -low[1], -middle[2])) for part in parts)
