"""Furniture in a room, as people arrange it: backs to walls, chairs at tables, small things on larger ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from maquette.worlds.collision import CLEARANCE_M
from maquette.worlds.floorplan import Plan, Side
from maquette.worlds.library import Library
from maquette.worlds.placement import Placer
from maquette.worlds.types import Asset, Object, yaw_pose

Rng = np.random.Generator
Styles = tuple[str, ...]
Spot = tuple[float, float, float]
"""A yaw, x and z."""
Spots = Callable[[Rng, Asset], Spot]

_TRIES = 20
_GAP_M = 0.02
"""Between a wall and the back of what stands there: room for the skirting board."""


LOW = ("sideboard", "lowboard")
"""Styles of cabinets that leave the wall above them free."""

DINING = ("legs", "pedestal", "trestle", "hairpin")
"""Styles of tables that are high enough to sit at."""


class Furnisher:
    """Takes things from a library and puts them into a room.

    Attributes:
        placer: What is in the room so far.
        plan: The room.
        sides: Its walls.
        rng: Draws everything.
    """

    def __init__(
        self,
        placer: Placer,
        plan: Plan,
        walls: Mapping[Side, Object],
        rng: Rng,
        library: Library,
        counts: dict[str, int],
    ) -> None:
        """Start with a room of walls.

        Args:
            placer: Has the walls, doors and windows.
            plan: The room.
            walls: The wall at each of its sides.
            rng: Draws everything.
            library: Where things come from.
            counts: Most objects of each family; it is used up.
        """
        self.placer = placer
        self.plan = plan
        self.sides = tuple(walls)
        self.rng = rng
        self._walls = walls
        self._library = library
        self._left = counts
        self._rugs: list[Object] = []

    def chance(self, share: float) -> bool:
        """Whether something that happens in a share of rooms happens in this one."""
        return bool(self.rng.random() < share)

    def take(self, name: str, styles: Styles = ()) -> tuple[str, Asset] | None:
        """A thing of a family, of one of some styles where they are to be had; None when there are enough of them."""
        return self._library.sample(name, self.rng, styles) if self._left.get(name, 0) > 0 else None

    def against(
        self,
        name: str,
        *,
        sides: Sequence[Side] = (),
        styles: Styles = (),
        middle: bool = False,
        corner: bool = False,
    ) -> tuple[Object, Side] | None:
        """Stand a thing with its back to a wall.

        Args:
            name: Its family.
            sides: Walls to choose from; none means all, the longer the likelier.
            styles: To prefer.
            middle: Prefer the middle of the wall.
            corner: Prefer the ends of the wall.
        """
        taken = self.take(name, styles)
        if taken is None:
            return None
        label, asset = taken
        (x0, _, z0), (x1, _, _) = asset.bounds
        choices = [side for side in sides or self.sides if side.width_m > x1 - x0 + 2 * _GAP_M]
        if not choices:
            return None
        widths = np.array([side.width_m for side in choices])
        used = choices[0]

        def propose(rng: Rng) -> tuple[float, tuple[float, float, float]]:
            nonlocal used
            used = choices[rng.choice(len(choices), p=widths / widths.sum())]
            free = used.width_m - (x1 - x0) - 2 * _GAP_M
            share = rng.uniform(-0.5, 0.5)
            if middle:
                share *= rng.random() ** 2
            elif corner and rng.random() < 0.7:
                share = 0.5 * np.sign(share)
            return used.yaw_rad, used.place(share * free - (x0 + x1) / 2, 0.0, _GAP_M - z0)

        made = self.placer.try_place(label, asset, propose)
        return None if made is None else (self._used(name, made), used)

    def stand(self, name: str, propose: Spots, styles: Styles = ()) -> Object | None:
        """Stand a thing on the floor, or on a rug that has room for all of its feet.

        Args:
            name: Its family.
            propose: Draws a yaw, x and z to try.
            styles: To prefer.
        """
        taken = self.take(name, styles)
        if taken is None:
            return None
        return self._stand(name, *taken, (propose(self.rng, taken[1]) for _ in range(_TRIES)))

    def _stand(self, name: str, label: str, asset: Asset, spots: Iterable[Spot]) -> Object | None:
        for yaw, x, z in spots:
            if not self.plan.contains(x, z):
                continue
            rug = next((rug for rug in self._rugs if _carries(rug, asset, yaw, x, z)), None)
            y = 0.0 if rug is None else rug.place[1] + float(rug.asset.bounds[1, 1])
            parent = 0 if rug is None else rug.id
            if self.placer.fits(asset, yaw, (x, y, z), parent=parent):
                made = self.placer.add(label, asset, yaw, (x, y, z), parent)
                if name == "rug":
                    self._rugs.append(made)
                return self._used(name, made)
        return None

    def anywhere(self, name: str) -> Object | None:
        """Stand a thing somewhere on the floor, turned any way."""
        width, depth = self.plan.size_m

        def propose(rng: Rng, asset: Asset) -> Spot:
            return rng.uniform(-math.pi, math.pi), width * rng.uniform(-0.45, 0.45), depth * rng.uniform(-0.45, 0.45)

        return self.stand(name, propose)

    def before(
        self,
        name: str,
        other: Object,
        distance_m: tuple[float, float],
        *,
        styles: Styles = (),
        aside_m: float = 0.0,
        turn_rad: float = math.pi,
    ) -> Object | None:
        """Stand a thing before another.

        Args:
            name: Its family.
            other: What it stands before.
            distance_m: Least and greatest distance between their boxes.
            styles: To prefer.
            aside_m: How far to either side of the other's middle.
            turn_rad: Its yaw relative to the other's: pi faces it, 0 looks the same way.
        """

        def propose(rng: Rng, asset: Asset) -> Spot:
            own = float(asset.bounds[1, 2] if turn_rad else -asset.bounds[0, 2])
            z = float(other.asset.bounds[1, 2]) + rng.uniform(*distance_m) + own
            x, _, z = beside(other, aside_m * rng.uniform(-1, 1), z)
            return other.yaw_rad + turn_rad + rng.normal(0.0, 0.03), x, z

        return self.stand(name, propose, styles)

    def next_to(self, name: str, other: Object, sign: int) -> Object | None:
        """Stand a thing to the left (-1) or right (1) of another, with their backs in line."""

        def propose(rng: Rng, asset: Asset) -> Spot:
            gap = rng.uniform(0.03, 0.12)
            edge = float(other.asset.bounds[1 if sign > 0 else 0, 0])
            own = float(asset.bounds[0 if sign > 0 else 1, 0])
            back = float(other.asset.bounds[0, 2] - asset.bounds[0, 2])
            x, _, z = beside(other, edge - own + sign * gap, back)
            return other.yaw_rad, x, z

        return self.stand(name, propose)

    def lay_rug(self, x: float, z: float, yaw_rad: float) -> Object | None:
        """Lay a rug with its middle near a point."""

        def propose(rng: Rng, asset: Asset) -> Spot:
            return yaw_rad + rng.normal(0.0, 0.03), x + rng.normal(0.0, 0.12), z + rng.normal(0.0, 0.12)

        return self.stand("rug", propose)

    def seats(self, name: str, table: Object, most: int) -> None:
        """Put chairs of one kind around a table, most of them tucked in."""
        taken = self.take(name)
        if taken is None:
            return
        label, asset = taken
        x, z = (table.asset.bounds[1] - table.asset.bounds[0])[[0, 2]] / 2
        wide = float(asset.bounds[1, 0] - asset.bounds[0, 0]) + 0.1
        slots: list[tuple[float, float, float]] = []
        for turn, along, out in ((0.0, x, z), (math.pi, x, z), (math.pi / 2, z, x), (-math.pi / 2, z, x)):
            count = int(2 * along / max(wide, 0.5))
            slots += [(turn, (2 * at + 1 - count) * along / count, out) for at in range(count)]
        for at in self.rng.permutation(len(slots))[: min(most, self._left[name])]:
            self._stand(name, label, asset, self._seat(table, asset, *slots[at]))

    def _seat(self, table: Object, asset: Asset, turn_rad: float, along: float, out: float) -> Iterator[Spot]:
        """Places of a chair at one edge of a table, from tucked in to drawn back."""
        c, s = math.cos(turn_rad), math.sin(turn_rad)
        for pull in np.linspace(self.rng.uniform(-0.35, 0.1), 0.3, 12):
            away = out + pull + float(asset.bounds[1, 2])
            x, _, z = beside(table, c * along + s * away, c * away - s * along)
            yield table.yaw_rad + turn_rad + math.pi + self.rng.normal(0.0, 0.08), x, z

    def on(self, name: str, parent: Object, yaw_rad: tuple[float, float] = (-0.4, 0.4)) -> Object | None:
        """Stand a thing on a surface of another, turned like it or a little off."""
        taken = self.take(name)
        made = None if taken is None else self.placer.try_on(*taken, parent, yaw_rad)
        return None if made is None else self._used(name, made)

    def hang(self, name: str, height_m: tuple[float, float], over: tuple[Object, Side] | None = None) -> Object | None:
        """Hang a thing on a wall with its middle at a height, anywhere or over something that stands there."""
        taken = self.take(name)
        if taken is None:
            return None
        label, asset = taken
        (x0, y0, _), (x1, y1, _) = asset.bounds
        side = over[1] if over else self.sides[self.rng.integers(len(self.sides))]
        free = max(side.width_m - (x1 - x0) - 0.2, 0.0)

        def propose(rng: Rng) -> tuple[float, tuple[float, float, float]]:
            u = side.along(over[0].place) + rng.normal(0.0, 0.1) if over else free * rng.uniform(-0.5, 0.5)
            y = min(rng.uniform(*height_m) - (y0 + y1) / 2, self.plan.height_m - 0.1 - y1)
            return side.yaw_rad, side.place(u - (x0 + x1) / 2, y, 2 * CLEARANCE_M)

        made = self.placer.try_place(label, asset, propose, self._walls[side].id)
        return None if made is None else self._used(name, made)

    def _used(self, name: str, made: Object) -> Object:
        self._left[name] -= 1
        return made


def beside(thing: Object, x: float, z: float) -> tuple[float, float, float]:
    """A point of a thing's frame, on its floor, in the world."""
    c, s = math.cos(thing.yaw_rad), math.sin(thing.yaw_rad)
    return thing.place[0] + c * x + s * z, thing.place[1], thing.place[2] - s * x + c * z


def _carries(rug: Object, asset: Asset, yaw_rad: float, x: float, z: float) -> bool:
    """Whether all that a thing at (x, z) would stand on is the upper side of a rug."""
    points = np.concatenate([part.vertices for part in asset.parts]).astype(np.float64)
    feet = points[points[:, 1] < points[:, 1].min() + 0.005] * (1.0, 0.0, 1.0)
    to_rug = np.linalg.inv(rug.T_world_object) @ yaw_pose(yaw_rad, (x, 0.0, z))
    feet = (feet @ to_rug[:3, :3].T + to_rug[:3, 3])[:, [0, 2]]
    low, high = rug.asset.bounds[:, [0, 2]]
    if ((feet < low) | (feet > high)).any():
        return False
    corners = np.concatenate([part.vertices[part.faces] for part in rug.asset.parts]).astype(np.float64)
    upper = corners[corners[:, :, 1].min(axis=1) > rug.asset.bounds[1, 1] - 0.001][:, :, [0, 2]]
    sides = np.roll(upper, -1, axis=1) - upper
    ways = feet[:, None, None] - upper
    turns = sides[..., 0] * ways[..., 1] - sides[..., 1] * ways[..., 0]
    return bool(((turns >= 0).all(axis=2) | (turns <= 0).all(axis=2)).any(axis=1).all())
