"""Buildings: townhouse, apartments, office, timber house, brick house, shop, and a works."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler
from maquette.worlds.assets.batch import boxes, prisms, quads, sticks
from maquette.worlds.assets.facade import REVEAL_M, Opening, Wall, shell
from maquette.worlds.assets.solids import Point, merged, posed
from maquette.worlds.materials import grey, hue, linear
from maquette.worlds.types import Asset, Material, Part, yaw_pose

Style = Literal["townhouse", "apartments", "office", "timber", "brick", "shop", "works"]
Roof = Literal["flat", "gable", "hip", "mansard"]

_OVERHANG_M = 0.35


@dataclass(frozen=True)
class Building:
    """A building; its front looks along +Z.

    Attributes:
        style: Its kind.
        width_m: Along x.
        depth_m: Along z.
        storeys: Number of floors.
        storey_m: Height of a floor.
        bays: Windows side by side on the front.
        window_m: Width and height of a window.
        roof: Its shape.
        roof_m: Height of the roof (of the parapet, where it is flat).
        ridge_along_x: Whether a gable's ridge runs along the front.
        windows_all_round: On the sides too, and on the back of a low house.
        balconies: On the front.
        shop: Shop windows, a sign and an awning on the ground floor.
        chimney: On the roof.
        walls: Material of the walls.
        trim: Material of frames, sills and cornices.
        tiles: Material of the roof.
        door: Material of the door.
        glass: Material of panes.
        accent: Material of awning and sign.
    """

    style: Style
    width_m: float
    depth_m: float
    storeys: int
    storey_m: float
    bays: int
    window_m: tuple[float, float]
    roof: Roof
    roof_m: float
    ridge_along_x: bool
    windows_all_round: bool
    balconies: bool
    shop: bool
    chimney: bool
    walls: Material
    trim: Material
    tiles: Material
    door: Material
    glass: Material
    accent: Material


def build(building: Building) -> Asset:
    """Make a building."""
    across, along = round(building.width_m, 3), round(building.depth_m, 3)
    front = _openings(building, across, front=True)
    back = _openings(building, across, front=False) if building.windows_all_round and building.storeys < 3 else []
    side = _openings(building, along, front=False) if building.windows_all_round else []
    walls = (
        Wall(0, across, along / 2, front),
        Wall(1, along, across / 2, side),
        Wall(2, across, along / 2, back),
        Wall(3, along, across / 2, side),
    )
    eaves = _eaves(building)
    fittings = [posed(part, wall.pose) for wall in walls for part in _fill(building, wall.openings)]
    every = [shell(walls, eaves, building.walls), *fittings, *_roof(building, eaves), *_extras(building, front, eaves)]
    return Asset("building", building.style, tuple(_by_material(every)))


def _blocks(rows: list[tuple[Point, Point]], material: Material) -> Part:
    """Boxes given as middle and size."""
    return boxes([center for center, _ in rows], [size for _, size in rows], material)


def _by_material(parts: list[Part]) -> list[Part]:
    groups: dict[Material, list[Part]] = {}
    for part in parts:
        groups.setdefault(part.material, []).append(part)
    return [merged(group) for group in groups.values()]


def _plinth(building: Building) -> float:
    return 0.12 if building.shop or building.style in ("office", "works") else 0.42


def _eaves(building: Building) -> float:
    return round(_plinth(building) + building.storeys * building.storey_m, 4)


def _openings(building: Building, width: float, *, front: bool) -> list[Opening]:
    """Windows of a wall, and on the front a door in one bay."""
    wide, high = building.window_m
    bays = building.bays if front else max(1, round(0.6 * width / building.width_m * building.bays))
    centers = (np.arange(bays) + 0.5) / bays * (width - 0.6) - (width - 0.6) / 2
    wide = min(wide, (width - 0.6) / bays - 0.45)
    plinth = _plinth(building)
    found = []
    for storey in range(building.storeys):
        floor = plinth + storey * building.storey_m
        sill = floor + max(0.25, min(0.9, building.storey_m - high - 0.35))
        head = sill + min(high, building.storey_m - 0.55)
        for bay, x in enumerate(centers):
            if front and storey == 0 and bay == _door_bay(building):
                gate = building.style == "works"
                half = 1.6 if gate else (0.75 if building.style in ("office", "apartments") else 0.5)
                found.append(
                    Opening(x - half, x + half, floor, floor + (3.0 if gate else 2.15), "gate" if gate else "door")
                )
            elif front and storey == 0 and building.shop:
                half = (width - 0.6) / bays / 2 - 0.22
                found.append(Opening(x - half, x + half, floor + 0.35, floor + 2.5, "shop"))
            else:
                found.append(Opening(x - wide / 2, x + wide / 2, sill, head, "window"))
    return found


def _door_bay(building: Building) -> int:
    return building.bays // 2 if building.style in ("office", "apartments", "works") else building.bays - 1


def _fill(building: Building, openings: Sequence[Opening]) -> list[Part]:
    """Frames, panes, doors and sills."""
    frames: list[tuple[Point, Point]] = []
    panes: list[tuple[Point, Point]] = []
    leaves: list[tuple[Point, Point]] = []
    sills: list[tuple[Point, Point]] = []
    wide_panes = building.style in ("office", "works")
    for o in openings:
        x, y, width, height = (o.x0 + o.x1) / 2, (o.y0 + o.y1) / 2, o.x1 - o.x0, o.y1 - o.y0
        back = -REVEAL_M
        if o.kind in ("door", "gate"):
            leaves.append(((x, y, back + 0.03), (width, height, 0.06)))
            if o.kind == "door":
                panes.append(((x, o.y0 + 0.76 * height, back + 0.055), (width * 0.55, height * 0.3, 0.03)))
            continue
        frames.append(((x, y, back + 0.025), (width, height, 0.05)))
        edge = 0.06
        count = max(1 if building.storeys > 3 else 2, round(width / (1.9 if wide_panes else 1.1)))
        pane = (width - edge * (count + 1)) / count
        for column in range(count):
            center = (o.x0 + edge + pane / 2 + column * (pane + edge), y, back + 0.045)
            panes.append((center, (pane, height - 2 * edge, 0.03)))
        if o.kind == "window" and building.style not in ("office", "works", "apartments"):
            sills.append(((x, o.y0 - 0.05, -0.02), (width + 0.16, 0.1, 0.18)))
    made = ((frames + sills, building.trim), (panes, building.glass), (leaves, building.door))
    return [_blocks(rows, material) for rows, material in made if rows]


def _roof(building: Building, eaves: float) -> list[Part]:
    x, z, rise = building.width_m / 2, building.depth_m / 2, building.roof_m
    if building.roof == "flat":
        edge = 0.25
        long = [((0.0, eaves + rise / 2, s * (z - edge / 2)), (2 * x + 0.1, rise, edge + 0.1)) for s in (-1, 1)]
        short = [
            ((s * (x - edge / 2), eaves + rise / 2 - 0.01, 0.0), (edge + 0.08, rise - 0.02, 2 * z - 2 * edge))
            for s in (-1, 1)
        ]
        parapet = _blocks(long + short, building.trim)
        cover = boxes(
            [(0.0, eaves + 0.04, 0.0)], (2 * x - 2 * edge - 0.1, 0.08, 2 * z - 2 * edge - 0.1), building.tiles
        )
        house = boxes([(0.2 * x, eaves + 0.08 + 1.1, -0.3 * z)], (min(3.0, x), 2.2, min(3.0, z)), building.walls)
        return [parapet, cover, *([house] if building.storeys > 3 else [])]
    if building.roof == "gable":
        return _gable(building, eaves, x, z, rise)
    over = _OVERHANG_M if building.roof == "hip" else 0.12
    if building.roof == "mansard":
        waist, lower = 0.75, eaves + rise * 0.8
        return [
            _frustum((x + over, z + over), (x - waist, z - waist), eaves, lower, building.tiles),
            _frustum((x - waist, z - waist), (x * 0.3, z * 0.3), lower - 0.02, eaves + rise, building.tiles),
            *_dormers(building, eaves, z),
        ]
    run = min(x, z) + over
    return [
        _frustum(
            (x + over, z + over), (x + over - run * 0.98, z + over - run * 0.98), eaves, eaves + rise, building.tiles
        )
    ]


def _frustum(
    low: tuple[float, float], high: tuple[float, float], bottom: float, top: float, material: Material
) -> Part:
    """A block with an upright rectangle of half sizes ``low`` below and ``high`` above."""
    turn = np.array([(1, 1), (1, -1), (-1, -1), (-1, 1)])
    below = np.insert(turn * low, 1, bottom, axis=1)
    above = np.insert(turn * high, 1, top, axis=1)
    ahead = np.roll(np.arange(4), -1)
    sides = np.stack([below[ahead], above[ahead], above, below], axis=1)
    return quads(np.concatenate([sides, above[None], below[None, ::-1]]), material)


def _gable(building: Building, eaves: float, x: float, z: float, rise: float) -> list[Part]:
    if not building.ridge_along_x:
        x, z = z, x
    thick, over = 0.18, _OVERHANG_M
    slope = rise / z
    low = eaves - over * slope
    end = x + over
    shapes = []
    for s in (-1, 1):
        corners = np.array(
            [
                (-end, low, s * (z + over)),
                (end, low, s * (z + over)),
                (end, eaves + rise, -s * 0.01),
                (-end, eaves + rise, -s * 0.01),
            ]
        )
        corners[:, 1] += thick
        shapes.append(corners if s > 0 else corners[::-1])
    cover = prisms(np.stack(shapes), thick, building.tiles, down=True)
    x, z, y0, y1 = x - 0.005, z - 0.005, eaves - 0.05, eaves + rise - 0.01
    a, b, c = (-x, y0, -z), (-x, y0, z), (-x, y1, 0.0)
    d, e, f = (x, y0, -z), (x, y0, z), (x, y1, 0.0)
    attic = quads([(a, b, c, c), (e, d, f, f), (b, e, f, c), (d, a, c, f), (a, d, e, b)], building.walls)
    turn = yaw_pose(0.0 if building.ridge_along_x else math.pi / 2, (0.0, 0.0, 0.0))
    return [posed(attic, turn), posed(cover, turn)]


def _dormers(building: Building, eaves: float, z: float) -> list[Part]:
    step = (building.width_m - 0.6) / building.bays
    xs = (np.arange(building.bays) + 0.5) * step - (building.width_m - 0.6) / 2
    wide, high = min(1.1, step * 0.6), building.roof_m * 0.55
    y = eaves + 0.25 + high / 2
    body = boxes([(x, y, z - 0.55) for x in xs], (wide, high, 1.0), building.trim)
    panes = boxes([(x, y, z - 0.04) for x in xs], (wide - 0.2, high - 0.25, 0.04), building.glass)
    lids = boxes([(x, y + high / 2 + 0.05, z - 0.5) for x in xs], (wide + 0.2, 0.1, 1.2), building.tiles)
    return [body, panes, lids]


def _extras(building: Building, front: list[Opening], eaves: float) -> list[Part]:
    x, z = building.width_m / 2, building.depth_m / 2
    parts: list[Part] = []
    plinth = _plinth(building)
    entrance = next(o for o in front if o.kind in ("door", "gate"))
    middle, wide = (entrance.x0 + entrance.x1) / 2, entrance.x1 - entrance.x0
    steps = max(1, round(plinth / 0.16))
    treads = []
    for n in range(steps):
        high = plinth * (n + 1) / steps
        out = 0.3 * (steps - n)
        treads.append(((middle, high / 2, z + out / 2 - 0.01 * n), (wide + 0.5, high, out + 0.02 * n)))
    parts.append(_blocks(treads, building.trim))
    if building.style != "works":
        parts.append(boxes([(middle + wide * 0.36, plinth + 1.0, z - REVEAL_M + 0.09)], (0.05, 0.16, 0.06), _BRASS))
    if building.style in ("townhouse", "shop", "apartments") and building.roof != "gable":
        parts.append(boxes([(0.0, eaves - 0.12, z + 0.06)], (2 * x - 0.02, 0.24, 0.3), building.trim))
    if building.shop:
        level = plinth + 2.62
        parts.append(boxes([(0.0, level + 0.2, z + 0.05)], (2 * x - 0.5, 0.45, 0.14), building.accent))
        panes = [o for o in front if o.kind == "shop"]
        first, last = min(o.x0 for o in panes), max(o.x1 for o in panes)
        corners = [
            (first, level - 0.3, z + 1.1),
            (last, level - 0.3, z + 1.1),
            (last, level + 0.1, z + 0.02),
            (first, level + 0.1, z + 0.02),
        ]
        parts.append(prisms([corners], 0.05, replace(building.accent, texture="stripes", tile_m=0.6), down=True))
    if building.balconies:
        parts += _balconies(building, front, z)
    if building.chimney:
        at = (0.45 * x, 0.0, -0.25 * z)
        top = eaves + building.roof_m + (0.5 if building.roof != "flat" else 0.9)
        parts.append(boxes([(at[0], (eaves + top) / 2, at[2])], (0.6, top - eaves, 0.6), building.walls))
        pots = np.array([(at[0] + s * 0.14, top - 0.02, at[2]) for s in (-1, 1)])
        parts.append(sticks(pots, pots + np.array([0.0, 0.32, 0.0]), (0.1, 0.08), _TERRACOTTA, sides=8))
    return parts


def _balconies(building: Building, front: list[Opening], z: float) -> list[Part]:
    upper = [o for o in front if o.kind == "window" and o.y0 > building.storey_m][:: 1 if building.bays < 4 else 2]
    slabs, bars = [], []
    for o in upper:
        x, wide, floor = (o.x0 + o.x1) / 2, o.x1 - o.x0 + 0.7, o.y0 - 0.22
        slabs.append(((x, floor - 0.08, z + 0.5), (wide, 0.16, 1.04)))
        bars.append(((x, floor + 0.95, z + 0.99), (wide, 0.05, 0.05)))
        bars += [((x + s * (wide / 2 - 0.025), floor + 0.95, z + 0.48), (0.05, 0.05, 0.96)) for s in (-1, 1)]
        bars.append(((x, floor + 0.45, z + 0.99), (wide - 0.02, 0.72, 0.02)))
    if not slabs:
        return []
    return [
        _blocks(slabs, building.trim),
        _blocks(bars, _IRON),
    ]


_BRASS = Material("plain", linear(0.7, 0.58, 0.3), 1.0, 0.35, metallic=1.0)
_IRON = Material("plain", grey(0.2), 1.0, 0.6)
_TERRACOTTA = Material("plain", linear(0.6, 0.32, 0.22))
_CREAMS = (
    (0.93, 0.89, 0.8),
    (0.86, 0.77, 0.62),
    (0.92, 0.91, 0.88),
    (0.78, 0.82, 0.8),
    (0.88, 0.7, 0.58),
    (0.72, 0.76, 0.66),
)
_BOARDS = (
    (0.93, 0.93, 0.9),
    (0.6, 0.18, 0.14),
    (0.86, 0.8, 0.58),
    (0.5, 0.6, 0.66),
    (0.4, 0.48, 0.4),
    (0.75, 0.72, 0.68),
)
_DOORS = ((0.35, 0.2, 0.12), (0.15, 0.25, 0.2), (0.5, 0.12, 0.1), (0.14, 0.2, 0.32), (0.9, 0.9, 0.88), (0.2, 0.2, 0.21))


def _pick(rng: np.random.Generator, colors: tuple[tuple[float, float, float], ...]) -> tuple[float, float, float]:
    return linear(*colors[rng.integers(len(colors))])


def _walls(style: Style, rng: np.random.Generator) -> Material:
    if style in ("brick", "townhouse") and (style == "brick" or rng.random() < 0.6):
        shade = rng.uniform(0.85, 1.15)
        name = "brick_red" if rng.random() < 0.75 else "brick_white"
        return Material(
            name, (shade, shade * rng.uniform(0.92, 1.05), shade * rng.uniform(0.88, 1.05)), 1.6, 0.9, bump_m=0.006
        )
    if style == "timber":
        return Material("planks", _pick(rng, _BOARDS), 1.4, 0.7, bump_m=0.01)
    if style == "works":
        return Material(
            "brushed" if rng.random() < 0.5 else "brick_red", grey(rng.uniform(0.6, 0.9)), 1.6, 0.7, bump_m=0.004
        )
    if style == "office":
        return Material("concrete", (rng.uniform(1.0, 2.0),) * 3, 2.5, 0.8, bump_m=0.002)
    if style == "apartments" and rng.random() < 0.4:
        return Material("concrete", (rng.uniform(1.2, 2.1),) * 3, 2.5, 0.85, bump_m=0.002)
    return Material("plaster", _pick(rng, _CREAMS), 2.0, 0.9, bump_m=0.003)


def _tiles(style: Style, roof: Roof, rng: np.random.Generator) -> Material:
    if roof == "flat":
        return Material("gravel", grey(rng.uniform(0.6, 0.85)), 1.5, 0.95, bump_m=0.01)
    if style == "works":
        return Material("brushed", grey(rng.uniform(0.45, 0.7)), 1.0, 0.6)
    tones = ((1.0, 1.0, 1.0), (0.75, 0.68, 0.66), (0.42, 0.45, 0.5), (0.6, 0.5, 0.44))
    red, green, blue = tones[rng.integers(len(tones))]
    return Material("roof_tiles", (red, green, blue), 1.6, 0.85, bump_m=0.02)


def _style(
    style: Style,
    width: tuple[float, float],
    depth: tuple[float, float],
    storeys: tuple[int, int],
    bay_m: float,
    roofs: tuple[Roof, ...],
    window: tuple[float, float],
) -> Sampler:
    def sampler(rng: np.random.Generator) -> Building:
        wide = rng.uniform(*width)
        deep = rng.uniform(*depth)
        roof = roofs[rng.integers(len(roofs))]
        rise = {"flat": 0.7, "mansard": 2.6, "hip": min(wide, deep) * 0.33, "gable": deep * rng.uniform(0.3, 0.42)}[
            roof
        ]
        along_x = style != "timber" or bool(rng.random() < 0.6)
        if roof == "gable" and not along_x:
            rise = wide * rng.uniform(0.3, 0.42)
        if style == "works":
            rise *= 0.45
        trim = grey(rng.uniform(0.82, 0.95)) if rng.random() < 0.75 else grey(rng.uniform(0.2, 0.45))
        return Building(
            style,
            wide,
            deep,
            int(rng.integers(storeys[0], storeys[1] + 1)),
            rng.uniform(4.2, 5.0) if style == "works" else rng.uniform(2.85, 3.3),
            max(2, round(wide / bay_m)),
            (window[0] * rng.uniform(0.9, 1.1), window[1] * rng.uniform(0.92, 1.08)),
            roof,
            rise,
            along_x,
            style in ("timber", "brick", "office"),
            style == "apartments" or (style == "townhouse" and bool(rng.random() < 0.25)),
            style == "shop" or (style == "townhouse" and bool(rng.random() < 0.2)),
            style in ("brick", "timber", "townhouse") and bool(rng.random() < 0.7),
            _walls(style, rng),
            Material("paint", trim, 1.0, 0.6),
            _tiles(style, roof, rng),
            Material("paint", _pick(rng, _DOORS), 1.0, 0.5),
            Material("plain", linear(0.2, 0.26, rng.uniform(0.29, 0.34)), 1.0, 0.06),
            Material("plain", hue(rng, (0.35, 0.75), (0.3, 0.75)), 1.0, 0.6),
        )

    return sampler


FAMILY = Family(
    name="building",
    label="building",
    stands="ground",
    styles={
        "townhouse": _style(
            "townhouse", (7.0, 11.0), (9.0, 12.0), (2, 4), 2.6, ("gable", "flat", "mansard"), (1.1, 1.6)
        ),
        "apartments": _style("apartments", (13.0, 20.0), (10.0, 13.0), (4, 6), 3.2, ("flat", "hip"), (1.6, 1.6)),
        "office": _style("office", (15.0, 24.0), (12.0, 16.0), (4, 7), 4.6, ("flat",), (4.2, 2.2)),
        "timber": _style("timber", (8.0, 11.0), (7.0, 9.5), (1, 2), 3.0, ("gable",), (1.1, 1.3)),
        "brick": _style("brick", (8.5, 12.0), (7.5, 10.0), (2, 2), 3.2, ("gable", "hip"), (1.3, 1.4)),
        "shop": _style("shop", (8.0, 13.0), (9.0, 12.0), (2, 3), 3.0, ("flat", "hip", "mansard"), (1.2, 1.5)),
        "works": _style("works", (16.0, 24.0), (12.0, 16.0), (1, 1), 4.2, ("gable", "flat"), (2.4, 1.4)),
    },
    unseen=("shop", "works"),
    build=build,
)
