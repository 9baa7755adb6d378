"""Walls with openings in them, joined to a closed block."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from maquette.worlds.assets.batch import quads
from maquette.worlds.types import Floats, Material, Part, yaw_pose

REVEAL_M = 0.14
"""How deep openings are."""


@dataclass(frozen=True)
class Opening:
    """A niche in a wall, metres to the right of its middle and above the ground; it keeps clear of the wall's edges."""

    x0: float
    x1: float
    y0: float
    y1: float
    kind: Literal["window", "door", "shop", "gate"]


@dataclass(frozen=True)
class Wall:
    """One of the four walls of a block.

    Attributes:
        turn: Quarter turns about +Y from the front, which looks along +Z.
        width_m: From side to side.
        away_m: Distance from the middle of the block.
        openings: No two of them touch.
    """

    turn: int
    width_m: float
    away_m: float
    openings: Sequence[Opening]

    @property
    def pose(self) -> Floats:
        """(4, 4) float64 pose of the wall's frame: x to the right, z outward, on the ground below its middle."""
        pose = yaw_pose(self.turn * math.pi / 2, (0.0, 0.0, 0.0))
        pose[:3, 3] = pose[:3, 2] * self.away_m
        return pose


def shell(walls: Sequence[Wall], height_m: float, material: Material) -> Part:
    """A closed block with niches.

    Args:
        walls: Four, by their turns.
        height_m: Of the block.
        material: How it looks.
    """
    heights = [y for wall in walls for o in wall.openings for y in (o.y0, o.y1)]
    levels = np.unique(np.round([0.0, height_m, *heights], 4))
    faces, rims = [], []
    for wall in walls:
        pose = wall.pose
        sides, columns = _wall(wall.openings, wall.width_m, levels)
        rim = np.column_stack([columns, np.full_like(columns, levels[-1]), np.zeros_like(columns)])[:-1]
        faces.append(sides @ pose[:3, :3].T + pose[:3, 3])
        rims.append(rim @ pose[:3, :3].T + pose[:3, 3])
    top = np.concatenate(rims)
    ahead = np.roll(top, -1, axis=0)
    middle = np.broadcast_to([0.0, levels[-1], 0.0], top.shape)
    lid = np.stack([top, ahead, middle, middle], axis=1)
    return quads(np.concatenate([*faces, lid, lid[:, [1, 0, 2, 3]] * (1.0, 0.0, 1.0)]), material)


def _wall(openings: Sequence[Opening], width: float, levels: Floats) -> tuple[Floats, Floats]:
    """Quads (n, 4, 3) of a wall in z = 0 that looks along +Z, with holes of the reveal's depth, and its columns."""
    columns = np.unique(np.round([-width / 2, width / 2, *(x for o in openings for x in (o.x0, o.x1))], 4))
    x, y = (columns[1:] + columns[:-1]) / 2, (levels[1:] + levels[:-1]) / 2
    hole = np.zeros((len(y), len(x)), dtype=bool)
    for o in openings:
        hole |= np.outer((y > o.y0) & (y < o.y1), (x > o.x0) & (x < o.x1))
    deep = np.where(hole, -REVEAL_M, 0.0)
    low, left = np.meshgrid(levels[:-1], columns[:-1], indexing="ij")
    high, right = np.meshgrid(levels[1:], columns[1:], indexing="ij")
    face = np.stack(
        [
            np.stack(corner, -1)
            for corner in ((left, low, deep), (right, low, deep), (right, high, deep), (left, high, deep))
        ],
        axis=2,
    ).reshape(-1, 4, 3)
    steps = [face]
    beside = deep[:, 1:] != deep[:, :-1]
    if beside.any():
        at, bottom, top = right[:, :-1][beside], low[:, :-1][beside], high[:, :-1][beside]
        before, after = deep[:, :-1][beside], deep[:, 1:][beside]
        steps.append(_strip((at, bottom), (at, top), before, after))
    above = deep[1:] != deep[:-1]
    if above.any():
        at, first, last = high[:-1][above], left[:-1][above], right[:-1][above]
        steps.append(_strip((last, at), (first, at), deep[:-1][above], deep[1:][above]))
    return np.concatenate(steps), columns


def _strip(start: tuple[Floats, Floats], stop: tuple[Floats, Floats], before: Floats, after: Floats) -> Floats:
    """Quads (n, 4, 3) that join two depths along edges."""
    corners = ((start, before), (start, after), (stop, after), (stop, before))
    return np.stack([np.stack([*xy, z], axis=-1) for xy, z in corners], axis=1)
