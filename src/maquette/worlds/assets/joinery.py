"""What furniture is joined from: boards, fronts of drawers and doors, handles, legs and books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maquette.worlds.assets import batch
from maquette.worlds.assets.solids import grounded, merged
from maquette.worlds.materials import grey
from maquette.worlds.types import Asset, Floats, Material, Part, Surface

Front = Literal["slab", "shaker", "beaded"]
Handle = Literal["bar", "knob", "cup", "none"]
Rect = tuple[float, float, float, float]
"""Left, bottom, right and top in the xy plane, metres."""

GAP_M = 0.006
"""Between neighbouring drawers and doors."""

UP, AHEAD = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])

DARK = Material("plain", grey(0.09), roughness=0.9)
"""What is seen through gaps."""

MIRROR = Material("plain", grey(0.93), roughness=0.03, metallic=1.0)
"""Silvered glass."""


def _template() -> tuple[Floats, Floats, Floats, NDArray[np.int32]]:
    """A box with cut edges, flat shaded: (96, 3) signs, insets and normals of its vertices, and (44, 3) faces.

    The first 24 vertices and 12 faces are its sides.
    """
    signs: list[tuple[int, int, int]] = []
    insets, normals = [], []
    faces: list[tuple[int, int, int]] = []

    def face(corners: list[tuple[int, tuple[int, int, int]]], normal: Floats) -> None:
        places = np.array([np.where(np.arange(3) == axis, 2.0, 1.0) * corner for axis, corner in corners])
        if np.cross(places[1] - places[0], places[2] - places[0]) @ normal < 0:
            corners = corners[::-1]
        first = len(signs)
        for axis, corner in corners:
            signs.append(corner)
            insets.append(np.arange(3) != axis)
            normals.append(normal / np.linalg.norm(normal))
        faces.extend((first, first + n - 1, first + n) for n in range(2, len(corners)))

    def corner(fixed: dict[int, int]) -> tuple[int, int, int]:
        return fixed[0], fixed[1], fixed[2]

    turns = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    for axis in range(3):
        b, c = (axis + 1) % 3, (axis + 2) % 3
        for side in (-1, 1):
            normal = np.zeros(3)
            normal[axis] = side
            face([(axis, corner({axis: side, b: y, c: z})) for y, z in turns], normal)
    for axis in range(3):
        b, c = (axis + 1) % 3, (axis + 2) % 3
        for y, z in turns:
            normal = np.zeros(3)
            normal[[b, c]] = y, z
            ends = [corner({axis: x, b: y, c: z}) for x in (-1, 1)]
            face([(b, ends[0]), (b, ends[1]), (c, ends[1]), (c, ends[0])], normal)
    for x, y, z in product((-1, 1), repeat=3):
        face([(axis, (x, y, z)) for axis in range(3)], np.array([x, y, z], dtype=np.float64))
    return np.array(signs, float), np.array(insets, float), np.array(normals), np.array(faces, np.int32)


_SIGNS, _INSETS, _NORMALS, _FACES = _template()
_AXES = np.abs(_NORMALS).argmax(axis=1)


def boards(centers: ArrayLike, sizes: ArrayLike, material: Material, *, bevel_m: float = 0.003) -> Part:
    """Upright boxes with cut edges; u, the grain of wood, runs along the longer side of each face.

    Args:
        centers: (n, 3) their middles, metres.
        sizes: (n, 3) or (3,) their extents, metres.
        material: How they look.
        bevel_m: How much is cut off the edges, less on boards that are thin; 0 leaves them sharp.
    """
    middle = np.asarray(centers, dtype=np.float64).reshape(-1, 3)
    size = np.broadcast_to(np.asarray(sizes, dtype=np.float64), middle.shape)
    cut = np.minimum(bevel_m, size.min(axis=1) * 0.4)[:, None, None]
    corners, triangles = (len(_SIGNS), len(_FACES)) if bevel_m > 0 else (24, 12)
    vertices = middle[:, None] + _SIGNS[:corners] * (size[:, None] / 2 - cut * _INSETS[:corners])
    axes = _AXES[:corners]
    b, c = (axes + 1) % 3, (axes + 2) % 3
    along = np.where(size[:, b] > size[:, c], b, c)
    across = b + c - along
    uv = np.take_along_axis(vertices, np.stack([along, across], axis=-1), axis=2)
    faces = np.arange(len(middle), dtype=np.int32)[:, None, None] * corners + _FACES[:triangles]
    return Part(
        vertices.reshape(-1, 3).astype(np.float32),
        faces.reshape(-1, 3).astype(np.int32),
        np.tile(_NORMALS[:corners], (len(middle), 1)).astype(np.float32),
        uv.reshape(-1, 2).astype(np.float32),
        material,
    )


def board(low: tuple[float, float, float], high: tuple[float, float, float], material: Material) -> Part:
    """One board between its least and greatest corner."""
    a, b = np.array(low), np.array(high)
    return boards((a + b) / 2, b - a, material)


def split(start: float, end: float, count: int, gap_m: float = GAP_M) -> list[tuple[float, float]]:
    """The spans of ``count`` equal pieces with gaps between them."""
    step = (end - start + gap_m) / count
    return [(start + step * at, start + step * (at + 1) - gap_m) for at in range(count)]


def fronts(
    rects: Sequence[Rect], z: float, material: Material, *, look: Front = "slab", thickness_m: float = 0.018
) -> list[Part]:
    """Fronts of drawers and doors before a body whose face lies in ``z``, with dark gaps between them.

    Args:
        rects: Where they are.
        z: Of the body's face, metres.
        material: Of the fronts.
        look: Flat, framed by rails and stiles, or framed by a thin bead.
        thickness_m: Of the fronts.
    """
    face = z + 0.003 + thickness_m
    outline = np.array(rects, dtype=np.float64)
    hole = (*(outline[:, :2].min(axis=0) + 0.002), *(outline[:, 2:].max(axis=0) - 0.002))
    behind = plates([hole], z, face - (0.004 if look == "slab" else 0.01), DARK, bevel_m=0.0)
    if look == "slab":
        return [plates(rects, z + 0.003, face, material), behind]
    frame: list[Rect] = []
    for left, bottom, right, top in rects:
        wide = min(0.07 if look == "shaker" else 0.018, 0.28 * min(right - left, top - bottom))
        inner = (left + wide + 0.0005, right - wide - 0.0005)
        frame += [(left, bottom, left + wide, top), (right - wide, bottom, right, top)]
        frame += [(inner[0], bottom, inner[1], bottom + wide), (inner[0], top - wide, inner[1], top)]
    return [
        merged(
            [
                plates(rects, z + 0.003, face - 0.0062, material),
                plates(frame, face - 0.006, face, material, bevel_m=0.0),
            ]
        ),
        behind,
    ]


def plates(rects: Sequence[Rect], back: float, front: float, material: Material, *, bevel_m: float = 0.0015) -> Part:
    """Upright boards that face +Z, between two values of z."""
    rect = np.array(rects, dtype=np.float64)
    low = np.insert(rect[:, :2], 2, back, axis=1)
    high = np.insert(rect[:, 2:], 2, front, axis=1)
    return boards((low + high) / 2, high - low, material, bevel_m=bevel_m)


def handles(
    places: ArrayLike, kind: Handle, material: Material, *, length_m: float, upright: bool = False
) -> list[Part]:
    """Handles on fronts that look along +Z: bars on two feet, knobs, or cups; nothing for ``none``.

    Args:
        places: (n, 3) points on the fronts' faces, metres.
        kind: What they look like.
        material: What they are made of.
        length_m: Of bars and cups.
        upright: Bars stand instead of lying.
    """
    at = np.asarray(places, dtype=np.float64).reshape(-1, 3)
    if kind == "none" or not len(at):
        return []
    if kind == "knob":
        stems = batch.sticks(at, at + 0.016 * AHEAD, (0.007, 0.006), material, sides=6)
        heads = batch.sticks(at + 0.0165 * AHEAD, at + 0.03 * AHEAD, (0.016, 0.012), material, sides=10)
        return [merged([stems, heads])]
    along = UP if upright else np.array([1.0, 0.0, 0.0])
    if kind == "cup":
        thick = np.where(along > 0, length_m * 0.7, 0.032)
        thick[2] = 0.026
        return [boards(at + 0.013 * AHEAD, thick, material, bevel_m=0.012)]
    grip = np.where(along > 0, length_m, 0.01)
    feet = np.concatenate([at + along * length_m * 0.4, at - along * length_m * 0.4])
    foot = np.array([0.008, 0.008, 0.0215])
    return [
        merged(
            [
                boards(at + 0.027 * AHEAD, grip, material, bevel_m=0.003),
                boards(feet + 0.0107 * AHEAD, foot, material, bevel_m=0.0),
            ]
        )
    ]


def legs(
    x: float,
    z: float,
    height_m: float,
    material: Material,
    *,
    width_m: float = 0.04,
    foot_m: float | None = None,
    splay_m: float = 0.0,
) -> Part:
    """Four legs under something, with their heads at +-x and +-z.

    Args:
        x: Of the heads, metres.
        z: Of the heads, metres.
        height_m: Of the heads.
        material: What they are made of.
        width_m: At the head.
        foot_m: Width at the foot of round, tapered legs; None makes square ones.
        splay_m: How far the feet of round legs stand apart from the heads, along x and z.
    """
    corners = np.array([(sx, 0.0, sz) for sx in (-1, 1) for sz in (-1, 1)])
    heads = corners * (x, 0.0, z) + (0.0, height_m, 0.0)
    if foot_m is None:
        return boards(heads - (0.0, height_m / 2, 0.0), (width_m, height_m, width_m), material)
    feet = corners * (x + splay_m, 0.0, z + splay_m)
    return batch.sticks(feet, heads, (foot_m / 2, width_m / 2), material, sides=10)


def standing(family: str, style: str, parts: Sequence[Part], surfaces: Sequence[Surface] = ()) -> Asset:
    """An asset of parts that were built around another origin, moved to where an asset that stands has its own."""
    settled = grounded(parts)
    x, y, z = (settled[0].vertices[0] - parts[0].vertices[0]).tolist()
    free = [replace(s, center=(s.center[0] + x, s.center[1] + y, s.center[2] + z)) for s in surfaces]
    return Asset(family, style, settled, tuple(free))


def upright(part: Part) -> Part:
    """The part with its texture turned by a quarter."""
    return replace(part, uv=np.ascontiguousarray(part.uv[:, ::-1]))
