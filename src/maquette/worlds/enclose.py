"""The shell of a room: floor, ceiling and walls, with doors and windows in their openings, and curtains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from maquette.worlds.assets.curtain import Curtain
from maquette.worlds.assets.shell import WALL_M, Opening, Wall, build_ceiling, build_floor, build_wall
from maquette.worlds.assets.window import Window
from maquette.worlds.collision import CLEARANCE_M
from maquette.worlds.floorplan import Plan, Side
from maquette.worlds.library import Library
from maquette.worlds.materials import grey, linear, muted, wood
from maquette.worlds.placement import Placer
from maquette.worlds.types import Asset, Color, Material, Object, OrientedBox

Rng = np.random.Generator

_DOORWAY_M = 0.9
"""What stays free before a door."""

_FRENCH_M = 1.75
"""Windows higher than this reach down to the floor."""

_SILL_M = 0.03
"""Sills stand out less than curtains hang from the wall."""

_NIGHT = (0.012, 0.015, 0.022)
"""Colour of a pane with the dark behind it."""

_BLINDS = ("roller", "roman", "slats")
_OPEN = 0.78
"""Share of their width that open drapes leave free."""


@dataclass(frozen=True)
class Finish:
    """Materials of a room.

    Attributes:
        walls: One for each side.
        floor: Of the floor.
        ceiling: Of the ceiling.
        trim: Of skirting boards.
        wainscot: Of the lower part of the walls, and its height; None where they are of one piece.
    """

    walls: tuple[Material, ...]
    floor: Material
    ceiling: Material
    trim: Material
    wainscot: tuple[Material, float] | None


@dataclass(frozen=True, eq=False)
class Shell:
    """A room without furniture.

    Attributes:
        walls: The wall at each side.
        ceiling: The ceiling.
        windows: Each with its side.
    """

    walls: dict[Side, Object]
    ceiling: Object
    windows: tuple[tuple[Object, Side], ...]


@dataclass(frozen=True, eq=False)
class _Face:
    """One side while its openings are planned."""

    side: Side
    height_m: float
    holes: list[Opening] = field(default_factory=list)
    fittings: list[tuple[str, str, Asset, float, float]] = field(default_factory=list)

    def try_fit(self, family: str, label: str, asset: Asset, u: float, y: float) -> bool:
        """Plan a door or a window whose origin is at (u, y), unless it meets another or an end of the wall."""
        low, high = asset.bounds
        left, right = u + low[0] - 0.08, u + high[0] + 0.08
        free = -self.side.width_m / 2 <= left and right <= self.side.width_m / 2 and y + high[1] < self.height_m - 0.05
        if not free or any(left < hole.right_m and right > hole.left_m for hole in self.holes):
            return False
        points = np.concatenate([part.vertices for part in asset.parts])
        inside = points[points[:, 2] < -0.005]
        if len(inside):
            (x0, y0, _), (x1, y1, _) = inside.min(axis=0), inside.max(axis=0)
            self.holes.append(Opening(u + float(x0), u + float(x1), y + float(y0), y + float(y1)))
        self.fittings.append((family, label, asset, u, y))
        return True


def enclose(
    placer: Placer, plan: Plan, finish: Finish, rng: Rng, library: Library, counts: dict[str, int], *, evening: bool
) -> Shell:
    """Build the shell of a room, and keep free what is before its doors and windows.

    Args:
        placer: Empty; gets the shell.
        plan: Outline.
        finish: Materials.
        rng: Draws doors and windows and their places.
        library: Where they come from.
        counts: Most doors, windows and curtains.
        evening: It is dark outside.
    """
    sides = plan.sides(WALL_M)
    faces = [_Face(side, plan.height_m) for side in sides]
    _plan_doors(faces, rng, library, counts.get("door", 0))
    _plan_windows(faces, rng, library, counts.get("window", 0), evening)
    width, depth = plan.size_m
    placer.add("floor", build_floor(width, depth, finish.floor), 0.0, (0.0, 0.0, 0.0), solid=False)
    above = placer.add("ceiling", build_ceiling(width, depth, finish.ceiling), 0.0, (0.0, plan.height_m, 0.0))
    cornice = rng.uniform(0.05, 0.1) if rng.random() < 0.3 else 0.0
    skirting = rng.uniform(0.05, 0.12)
    walls = {}
    for face, surface in zip(faces, finish.walls, strict=True):
        side = face.side
        holes = tuple(sorted(face.holes, key=lambda hole: hole.left_m))
        lower, lower_m = finish.wainscot or (None, 0.0)
        wall = Wall(
            width_m=side.width_m,
            height_m=plan.height_m,
            extra_left_m=side.extra_left_m,
            surface=surface,
            trim=finish.trim,
            skirting_m=skirting,
            cornice_m=cornice,
            wainscot=lower,
            wainscot_m=lower_m,
            openings=holes,
        )
        walls[side] = placer.add("wall", build_wall(wall), side.yaw_rad, side.place(0.0, 0.0, 0.0))
    windows = []
    for face in faces:
        for family, label, asset, u, y in face.fittings:
            made = placer.add(label, asset, face.side.yaw_rad, face.side.place(u, y, 0.0), walls[face.side].id)
            if family == "window":
                windows.append((made, face.side))
    _hang_curtains(placer, plan, windows, rng, library, counts.get("curtain", 0))
    for face in faces:
        for family, _, asset, u, y in face.fittings:
            deep = _DOORWAY_M if family == "door" else 0.12
            placer.reserve(_before(face.side, asset, u, y, deep))
    return Shell(walls, above, tuple(windows))


def _before(side: Side, asset: Asset, u: float, y: float, deep_m: float) -> OrientedBox:
    """The space before a door or a window."""
    low, high = asset.bounds
    size = (float(high[0] - low[0]), float(high[1] - low[1]), deep_m)
    center = side.place(u + float(low[0] + high[0]) / 2, y + float(low[1] + high[1]) / 2, deep_m / 2)
    return OrientedBox(center, size, side.yaw_rad)


def _plan_doors(faces: Sequence[_Face], rng: Rng, library: Library, most: int) -> None:
    if most < 1:
        return
    label, asset = library.sample("door", rng)
    low, high = asset.bounds
    for _ in range(min(most, 1 + int(rng.random() < 0.25))):
        for at in rng.permutation(len(faces)):
            free = faces[at].side.width_m - (high[0] - low[0]) - 0.2
            share = 0.5 - 0.5 * rng.random() ** 2
            u = float(rng.choice([-1.0, 1.0]) * share * free - (low[0] + high[0]) / 2)
            if free > 0 and faces[at].try_fit("door", label, asset, u, 0.0):
                break


def _plan_windows(faces: Sequence[_Face], rng: Rng, library: Library, most: int, evening: bool) -> None:
    """Rows of the same window on one side, or on two that meet."""
    if most < 1:
        return
    ceiling = faces[0].height_m

    def fitting(drawn: Any) -> Any:
        if not isinstance(drawn, Window):
            return drawn
        pane = Material("plain", _NIGHT, roughness=0.05, casts_shadow=False) if evening else drawn.pane
        height = min(drawn.height_m, ceiling - 0.3 if drawn.height_m > _FRENCH_M else ceiling - 1.1)
        return replace(drawn, height_m=height, sill_m=min(drawn.sill_m, _SILL_M), pane=pane)

    label, asset = library.sample("window", rng, adapt=fitting)
    low, high = asset.bounds
    width, height = high[0] - low[0], high[1] - low[1]
    sill = 0.05 if height > _FRENCH_M else min(rng.uniform(0.8, 1.0), ceiling - 0.25 - height)
    first = int(np.argmax([face.side.width_m * rng.uniform(0.5, 1.0) for face in faces]))
    left = most
    for at in (first, first - 1)[: 1 + int(rng.random() < 0.4)]:
        side = faces[at].side
        count = min(int(rng.integers(1, 4)), int(side.width_m / (width + 0.5)), left)
        pitch = side.width_m / max(count, 1)
        spread = min(pitch, width + rng.uniform(0.3, 0.9)) if count > 1 else 0.0
        for number in range(count):
            u = (number - (count - 1) / 2) * spread - (low[0] + high[0]) / 2
            left -= faces[at].try_fit("window", label, asset, float(u), float(sill - low[1]))


def _hang_curtains(
    placer: Placer, plan: Plan, windows: Sequence[tuple[Object, Side]], rng: Rng, library: Library, most: int
) -> None:
    """The same curtains at every window where they fit, made to its measure."""
    if not windows or most < 1 or rng.random() < 0.2:
        return
    (x0, y0, _), (x1, y1, _) = windows[0][0].asset.bounds
    width, sill = float(x1 - x0), windows[0][0].place[1] + float(y0)
    head = min(windows[0][0].place[1] + float(y1) + 0.12, plan.height_m - 0.04)
    hem = 0.03 if rng.random() < 0.6 else max(sill - 0.25, 0.03)

    def to_measure(drawn: Any) -> Any:
        if not isinstance(drawn, Curtain):
            return drawn
        if drawn.style in _BLINDS:
            return replace(drawn, width_m=width + 0.06, height_m=head - sill - 0.06)
        if drawn.style == "drapes":
            return replace(drawn, width_m=(width + 0.1) / _OPEN, height_m=head - hem, drawn=0.0)
        return replace(drawn, width_m=width + 0.3, height_m=head - hem)

    label, asset = library.sample("curtain", rng, adapt=to_measure)
    for window, side in windows[:most]:
        u = 2 * CLEARANCE_M
        x, _, z = window.place
        place = (x + math.sin(side.yaw_rad) * u, head - float(asset.bounds[1, 1]), z + math.cos(side.yaw_rad) * u)
        if placer.fits(asset, side.yaw_rad, place):
            placer.add(label, asset, side.yaw_rad, place, window.parent)


def sample_finish(rng: Rng, kind: str, sides: int, photos: tuple[str, ...]) -> Finish:
    """Materials that suit a kind of room; photos of the user's join the walls and floors."""
    surface = _wall(rng, photos)
    walls = [surface] * sides
    if rng.random() < 0.25:
        walls[rng.integers(sides)] = _wall(rng, photos)
    wainscot = None
    if kind == "kitchen" and rng.random() < 0.6:
        wainscot = Material("tiles_white", _tint(rng, 0.85), 0.8, 0.2, bump_m=0.001), rng.uniform(1.2, 1.5)
    elif rng.random() < 0.1:
        wainscot = Material("paint", grey(rng.uniform(0.75, 0.95)), 1.0, 0.5), rng.uniform(0.8, 1.0)
    trim = Material("paint", grey(rng.uniform(0.85, 0.95)), 1.0, 0.4) if rng.random() < 0.75 else wood(rng)
    ceiling = Material("plaster", grey(rng.uniform(0.88, 0.97)), 1.5)
    return Finish(tuple(walls), _floor(rng, kind, photos), ceiling, trim, wainscot)


def _tint(rng: Rng, level: float) -> Color:
    """A light colour near white."""
    return linear(*np.clip(level + rng.uniform(-0.1, 0.08) + rng.normal(0.0, 0.025, 3), 0.3, 0.97))


def _wall(rng: Rng, photos: tuple[str, ...]) -> Material:
    pick = rng.random()
    if photos and pick < 0.3:
        return Material(photos[rng.integers(len(photos))], (0.95, 0.95, 0.95), rng.uniform(1.0, 2.0))
    if pick < 0.6:
        return Material("paint" if rng.random() < 0.6 else "plaster", _tint(rng, 0.86), 1.5, 0.85, bump_m=0.0005)
    if pick < 0.75:
        red, green, blue = (0.25 + 0.7 * value for value in muted(rng))
        return Material("paint", (red, green, blue), 1.5, 0.85, bump_m=0.0005)
    if pick < 0.9:
        name = ("wallpaper_stripes", "wallpaper_floral")[rng.integers(2)]
        return Material(name, _tint(rng, 0.88), rng.uniform(0.5, 0.9), 0.85)
    if pick < 0.96:
        return Material("brick_white", _tint(rng, 0.9), 1.2, 0.85, bump_m=0.004)
    return Material("brick_red", (0.9, 0.9, 0.9), 1.2, 0.9, bump_m=0.004)


def _floor(rng: Rng, kind: str, photos: tuple[str, ...]) -> Material:
    if photos and rng.random() < 0.3:
        return Material(photos[rng.integers(len(photos))], (0.9, 0.9, 0.9), rng.uniform(1.0, 2.0), 0.6)
    shade = rng.uniform(0.75, 1.1)
    color = (shade, shade * rng.uniform(0.94, 1.0), shade * rng.uniform(0.88, 1.0))
    pick = rng.random()
    if kind == "kitchen" and pick < 0.65:
        name = ("tiles_checker", "tiles_stone", "tiles_white", "marble")[rng.integers(4)]
        return Material(name, color, rng.uniform(1.0, 1.6), rng.uniform(0.2, 0.4), bump_m=0.0008)
    if pick < 0.4:
        return Material("parquet", color, rng.uniform(1.0, 1.6), rng.uniform(0.3, 0.55), bump_m=0.0003)
    if pick < 0.72:
        return Material("planks", color, rng.uniform(1.4, 2.0), rng.uniform(0.35, 0.6), bump_m=0.0005)
    if pick < 0.86:
        return Material("carpet", muted(rng), 0.6, 0.95, bump_m=0.002)
    return Material(("tiles_stone", "concrete", "marble")[rng.integers(3)], color, 1.4, 0.4, bump_m=0.0005)
