"""The outline of a room: its sides, and places along them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from maquette.worlds.types import Floats, OrientedBox

Rng = np.random.Generator

_SIZES_M = {
    "bedroom": ((2.9, 4.6), (3.1, 4.8)),
    "living": ((3.8, 6.0), (4.0, 6.4)),
    "dining": ((3.3, 4.8), (3.5, 5.4)),
    "office": ((2.6, 4.4), (2.9, 4.8)),
    "kitchen": ((2.8, 4.4), (3.2, 5.2)),
}

KINDS = tuple(_SIZES_M)


@dataclass(frozen=True)
class Side:
    """The inner face of a wall.

    Attributes:
        middle: (x, z) of the middle of its foot, metres.
        yaw_rad: Turn of what stands with its back to it: its +Z looks into the room.
        width_m: Its length.
        extra_left_m: What the wall goes on beyond its least u, to close the corner there; below 0 at an inward corner.
    """

    middle: tuple[float, float]
    yaw_rad: float
    width_m: float
    extra_left_m: float

    def place(self, u: float, y: float, out: float) -> tuple[float, float, float]:
        """A point of the world: ``u`` metres along the side (its middle is 0), ``y`` high, ``out`` into the room."""
        c, s = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        return self.middle[0] + c * u + s * out, y, self.middle[1] - s * u + c * out

    def along(self, place: tuple[float, float, float]) -> float:
        """``u`` of a point of the world."""
        c, s = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        return c * (place[0] - self.middle[0]) - s * (place[2] - self.middle[1])


@dataclass(frozen=True, eq=False)
class Plan:
    """A room seen from above.

    Attributes:
        corners: (n, 2) float64 x and z, so that the inside is to the right of each side as x runs right and z up.
        height_m: From floor to ceiling.
    """

    corners: Floats
    height_m: float

    @property
    def size_m(self) -> tuple[float, float]:
        """Extent along x and z; the middle of the box is the origin."""
        width, depth = self.corners.max(axis=0) - self.corners.min(axis=0)
        return float(width), float(depth)

    @property
    def room(self) -> OrientedBox:
        """Box of the inside."""
        width, depth = self.size_m
        return OrientedBox((0.0, self.height_m / 2, 0.0), (width, self.height_m, depth), 0.0)

    def sides(self, wall_m: float) -> tuple[Side, ...]:
        """Its sides, one after another; walls ``wall_m`` thick behind them meet without overlap."""
        made = []
        steps = np.roll(self.corners, -1, axis=0) - self.corners
        for start, step, before in zip(self.corners, steps, np.roll(steps, 1, axis=0), strict=True):
            x, z = start + step / 2
            outward = before[0] * step[1] - before[1] * step[0] > 0
            yaw = math.atan2(-step[1], step[0])
            made.append(Side((float(x), float(z)), yaw, float(np.abs(step).sum()), wall_m if outward else -wall_m))
        return tuple(made)

    def contains(self, x: float, z: float, margin_m: float = 0.0) -> bool:
        """Whether a point is inside, and as far from all walls as the margin along x and z."""
        around = ((x + dx, z + dz) for dx in (-margin_m, margin_m) for dz in (-margin_m, margin_m))
        return all(self._has(*point) for point in around)

    def _has(self, x: float, z: float) -> bool:
        ends = np.roll(self.corners, -1, axis=0)
        crosses = (self.corners[:, 1] > z) != (ends[:, 1] > z)
        return bool((crosses & (self.corners[:, 0] > x)).sum() % 2)


def sample_plan(rng: Rng, kind: str) -> Plan:
    """A rectangle of a size that suits the kind of room; large ones now and then have the shape of an L."""
    (least_x, most_x), (least_z, most_z) = _SIZES_M[kind]
    x, z = rng.uniform(least_x, most_x) / 2, rng.uniform(least_z, most_z) / 2
    corners = np.array([(-x, -z), (x, -z), (x, z), (-x, z)])
    if min(x, z) > 1.8 and rng.random() < 0.4:
        cut = rng.uniform(0.5, 0.8, 2) * (x, z)
        corners = np.array([(-x, -z), (x, -z), (x, z - cut[1]), (x - cut[0], z - cut[1]), (x - cut[0], z), (-x, z)])
        if rng.random() < 0.5:
            corners = (corners * (-1, 1))[::-1]
    return Plan(corners, rng.uniform(2.4, 2.9))
