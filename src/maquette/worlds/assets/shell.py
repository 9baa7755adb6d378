"""What encloses a room: floor, ceiling, and walls with openings for doors and windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from maquette.worlds.assets.solids import box
from maquette.worlds.types import Asset, Material, Part

WALL_M = 0.14
"""Thickness of a wall."""

SLAB_M = 0.1
"""Thickness of a floor and of a ceiling."""


@dataclass(frozen=True)
class Opening:
    """A rectangular hole in a wall.

    Attributes:
        left_m: Least x in the wall's frame.
        right_m: Greatest x.
        bottom_m: Least height; 0 for a door.
        top_m: Greatest height.
    """

    left_m: float
    right_m: float
    bottom_m: float
    top_m: float


@dataclass(frozen=True)
class Wall:
    """A wall whose inner face is the plane z = 0 and looks along +Z; the origin is in the middle of its foot.

    Attributes:
        width_m: Of the inner face, along x.
        height_m: Of the inner face.
        extra_left_m: What it goes on beyond the least x, to close a corner; below 0 where it ends before.
        surface: Material of the wall.
        trim: Material of the skirting board and of the strip under the ceiling.
        skirting_m: Height of the skirting board; 0 leaves it out.
        cornice_m: Height of the strip under the ceiling; 0 leaves it out.
        wainscot: Material of the lower part; None where the wall is of one piece.
        wainscot_m: Height of the lower part.
        openings: Holes, from left to right, none above another.
    """

    width_m: float
    height_m: float
    extra_left_m: float
    surface: Material
    trim: Material
    skirting_m: float = 0.08
    cornice_m: float = 0.0
    wainscot: Material | None = None
    wainscot_m: float = 0.0
    openings: tuple[Opening, ...] = ()


TRIM_M = 0.012
"""How far skirting boards stand out from the wall."""


def build_wall(wall: Wall) -> Asset:
    """Make a wall of closed boxes around its openings."""
    left, right = -wall.width_m / 2 - wall.extra_left_m, wall.width_m / 2
    bands = [(0.0, wall.height_m, wall.surface)]
    if wall.wainscot is not None:
        bands = [(0.0, wall.wainscot_m, wall.wainscot), (wall.wainscot_m, wall.height_m, wall.surface)]
    parts: list[Part] = []
    for bottom, top, material in bands:
        parts += _around(left, right, bottom, top, (-WALL_M, 0.0), material, wall.openings)
    inner = -wall.width_m / 2 + TRIM_M, wall.width_m / 2 - TRIM_M
    if wall.skirting_m:
        parts += _around(*inner, 0.0, wall.skirting_m, (0.0, TRIM_M), wall.trim, wall.openings)
    if wall.cornice_m:
        top = wall.height_m
        parts += _around(*inner, top - wall.cornice_m, top, (0.0, wall.cornice_m * 0.6), wall.trim, wall.openings)
    return Asset("wall", "panelled" if wall.wainscot else "plain", tuple(parts))


def _around(
    left: float,
    right: float,
    bottom: float,
    top: float,
    span_z: tuple[float, float],
    material: Material,
    openings: Sequence[Opening],
) -> list[Part]:
    """Boxes that fill a rectangle of the wall but for its openings."""
    holes = [hole for hole in openings if hole.top_m > bottom and hole.bottom_m < top]
    edges = [left, *(x for hole in holes for x in (hole.left_m, hole.right_m)), right]
    rectangles = [(edges[at], edges[at + 1], bottom, top) for at in range(0, len(edges), 2)]
    rectangles += [(hole.left_m, hole.right_m, bottom, hole.bottom_m) for hole in holes]
    rectangles += [(hole.left_m, hole.right_m, hole.top_m, top) for hole in holes]
    z = sum(span_z) / 2, span_z[1] - span_z[0]
    return [
        box(((x0 + x1) / 2, (y0 + y1) / 2, z[0]), (x1 - x0, y1 - y0, z[1]), material)
        for x0, x1, y0, y1 in rectangles
        if x1 - x0 > 1e-6 and y1 - y0 > 1e-6
    ]


def build_floor(width_m: float, depth_m: float, material: Material) -> Asset:
    """A slab whose upper side is the plane y = 0, out to the outer faces of the walls around width x depth."""
    return Asset("floor", "slab", (_slab(width_m, depth_m, -SLAB_M / 2, material),))


def build_ceiling(width_m: float, depth_m: float, material: Material, panels: Sequence[Part] = ()) -> Asset:
    """A slab whose lower side is the plane y = 0, with light panels below it."""
    return Asset("ceiling", "panels" if panels else "slab", (_slab(width_m, depth_m, SLAB_M / 2, material), *panels))


def _slab(width_m: float, depth_m: float, y: float, material: Material) -> Part:
    return box((0.0, y, 0.0), (width_m + 2 * WALL_M, SLAB_M, depth_m + 2 * WALL_M), material)
