"""Cabinets: wardrobes, sideboards, low units for a television, kitchen units, display cabinets, and lockers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler, batch
from maquette.worlds.assets.joinery import (
    GAP_M,
    MIRROR,
    UP,
    Front,
    Handle,
    Rect,
    board,
    boards,
    fronts,
    handles,
    legs,
    plates,
    split,
    standing,
)
from maquette.worlds.assets.solids import cylinder, moved, tube
from maquette.worlds.materials import furniture, grey, hue, metal, painted
from maquette.worlds.types import Asset, Material, Part, Surface

Style = Literal["wardrobe", "sideboard", "lowboard", "kitchen", "display", "locker"]


@dataclass(frozen=True)
class Cabinet:
    """A cabinet.

    Attributes:
        style: What it is for.
        width_m: Along x.
        depth_m: Along z, without handles.
        height_m: To its top; of a kitchen to the worktop.
        columns: Of doors and drawers.
        foot_m: Height of legs or plinth.
        on_legs: Whether it stands on legs.
        front: What the fronts look like.
        handle: What the handles look like.
        drawers: Which columns have drawers instead of doors, by turns.
        body: Material of the body.
        doors: Material of the fronts.
        frame: Material of legs and handles.
        top: Material of a kitchen's worktop.
        mirror: Column of a wardrobe whose door is a mirror; -1 for none.
        wall_units: Whether cupboards hang above a kitchen's worktop.
    """

    style: Style
    width_m: float
    depth_m: float
    height_m: float
    columns: int
    foot_m: float
    on_legs: bool
    front: Front
    handle: Handle
    drawers: tuple[bool, ...]
    body: Material
    doors: Material
    frame: Material
    top: Material
    mirror: int
    wall_units: bool


def build(cabinet: Cabinet) -> Asset:
    """Make a cabinet."""
    shapes: dict[Style, Callable[[Cabinet], tuple[list[Part], list[Surface]]]] = {
        "wardrobe": _wardrobe,
        "kitchen": _kitchen,
        "display": _display,
        "locker": _locker,
    }
    parts, free = shapes.get(cabinet.style, _sideboard)(cabinet)
    return standing("cabinet", cabinet.style, parts, free)


def _top(cabinet: Cabinet) -> Surface:
    return Surface((0.0, cabinet.height_m, 0.0), (cabinet.width_m - 0.04, cabinet.depth_m - 0.04))


def _base(cabinet: Cabinet, high: float) -> list[Part]:
    """The body, up to ``high``, on its legs or plinth; its face is in z = depth / 2."""
    x, z, low = cabinet.width_m / 2, cabinet.depth_m / 2, cabinet.foot_m
    parts = [boards([(0.0, (low + high) / 2, 0.0)], (2 * x, high - low, 2 * z), cabinet.body, bevel_m=0.004)]
    if cabinet.on_legs:
        parts.append(legs(x - 0.08, z - 0.06, low + 0.002, cabinet.frame, width_m=0.045, foot_m=0.024, splay_m=0.02))
    else:
        parts.append(board((-x + 0.02, 0.0, -z + 0.01), (x - 0.02, low, z - 0.03), cabinet.body))
    return parts


def _fitted(
    cabinet: Cabinet, spans: list[tuple[float, float]], low: float, high: float, z: float, *, hung: bool = False
) -> list[Part]:
    """Fronts and handles of columns from ``low`` to ``high``; hung units have their handles at the bottom."""
    doors: list[Rect] = []
    drawers: list[Rect] = []
    for at, (left, right) in enumerate(spans):
        if cabinet.drawers[at % len(cabinet.drawers)] and not hung:
            drawers += [(left, a, right, b) for a, b in split(low, high, max(1, round((high - low) / 0.2)))]
        else:
            doors.append((left, low, right, high))
    parts = fronts([*doors, *drawers], z, cabinet.doors, look=cabinet.front)
    face = z + 0.021
    grips = []
    for at, (left, bottom, right, top) in enumerate(doors):
        x = right - 0.04 if at % 2 == 0 and len(doors) > 1 else left + 0.04
        tall = top - bottom
        y = bottom + 0.12 if hung else (bottom + 0.5 * tall if tall > 1.2 else top - 0.12)
        grips.append((x, y, face))
    kind: Handle = "knob" if cabinet.handle == "cup" else cabinet.handle
    parts += handles(grips, kind, cabinet.frame, length_m=0.3 if high - low > 1.2 else 0.14, upright=True)
    pulls = [((a + c) / 2, (b + d) / 2, face) for a, b, c, d in drawers]
    wide = min((c - a for a, _, c, _ in drawers), default=0.2)
    return [*parts, *handles(pulls, cabinet.handle, cabinet.frame, length_m=min(0.3, 0.45 * wide))]


def _sideboard(cabinet: Cabinet) -> tuple[list[Part], list[Surface]]:
    x, z = cabinet.width_m / 2, cabinet.depth_m / 2
    top = boards([(0.0, cabinet.height_m - 0.0125, 0.012)], (2 * x + 0.02, 0.025, 2 * z + 0.024), cabinet.body)
    high = cabinet.height_m - 0.025
    spans = split(-x + 0.015, x - 0.015, cabinet.columns)
    parts = [*_base(cabinet, high), top, *_fitted(cabinet, spans, cabinet.foot_m + 0.015, high - 0.012, z)]
    return parts, [_top(cabinet)]


def _wardrobe(cabinet: Cabinet) -> tuple[list[Part], list[Surface]]:
    x, z, high = cabinet.width_m / 2, cabinet.depth_m / 2, cabinet.height_m - 0.05
    cornice = boards([(0.0, high + 0.025, 0.015)], (2 * x + 0.05, 0.05, 2 * z + 0.055), cabinet.body, bevel_m=0.016)
    spans = split(-x + 0.01, x - 0.01, cabinet.columns)
    low = cabinet.foot_m + 0.012
    parts = [*_base(cabinet, high), cornice]
    lower = low
    if cabinet.drawers[0]:
        lower = low + 0.26
        row = [(a, low, b, lower - GAP_M) for a, b in split(-x + 0.01, x - 0.01, max(1, cabinet.columns // 2))]
        parts += fronts(row, z, cabinet.doors, look=cabinet.front)
        places = [((a + c) / 2, (b + d) / 2, z + 0.021) for a, b, c, d in row]
        parts += handles(places, cabinet.handle, cabinet.frame, length_m=0.2)
    closed = replace(cabinet, drawers=(False,))
    parts += _fitted(closed, spans, lower, high - 0.012, z)
    if 0 <= cabinet.mirror < cabinet.columns:
        left, right = spans[cabinet.mirror]
        parts.append(plates([(left + 0.085, lower + 0.09, right - 0.085, high - 0.1)], z + 0.01, z + 0.0225, MIRROR))
    return parts, []


_BLACK = Material("plain", grey(0.07), roughness=0.15)
_STEEL = Material("brushed", grey(0.75), 0.3, 0.3, metallic=1.0)


def _kitchen(cabinet: Cabinet) -> tuple[list[Part], list[Surface]]:
    x, z, y = cabinet.width_m / 2, cabinet.depth_m / 2, cabinet.height_m
    top_m = 0.035
    spans = split(-x + 0.003, x - 0.003, cabinet.columns)
    base = _base(cabinet, y - top_m)
    top = boards([(0.0, y - top_m / 2, 0.015)], (2 * x, top_m, 2 * z + 0.05), cabinet.top, bevel_m=0.006)
    splash = board((-x, y, -z), (x, y + 0.5 if cabinet.wall_units else y + 0.06, -z + 0.012), cabinet.top)
    oven = cabinet.columns - 1
    low, high = cabinet.foot_m + 0.004, y - top_m - 0.006
    parts = [*base, top, splash, *_fitted(cabinet, spans[:oven], low, high, z)]
    parts += _oven(cabinet, spans[oven], low, high)
    hob_x = sum(spans[oven]) / 2
    parts.append(boards([(hob_x, y + 0.003, 0.02)], (0.56, 0.006, 0.48), _BLACK, bevel_m=0.002))
    rings = [
        (dx, dz, r) for dx, dz, r in ((-0.14, -0.1, 0.07), (0.14, -0.1, 0.09), (-0.14, 0.12, 0.09), (0.14, 0.12, 0.07))
    ]
    parts += [
        cylinder((hob_x + a, y + 0.0062, 0.02 + b), 0.0012, r, Material("plain", grey(0.25)), sides=16)
        for a, b, r in rings
    ]
    sink_x = sum(spans[0]) / 2
    parts.append(boards([(sink_x, y + 0.002, 0.03)], (0.48, 0.006, 0.4), _STEEL, bevel_m=0.002))
    parts.append(boards([(sink_x, y + 0.0045, 0.04)], (0.42, 0.003, 0.32), Material("brushed", grey(0.35), 0.3, 0.4)))
    bend = np.linspace(0.0, np.pi, 7)
    neck = np.column_stack([np.zeros(7), y + 0.22 + 0.08 * np.sin(bend), -0.02 - 0.08 * np.cos(bend)])
    spout = np.concatenate([[(0.0, y, -0.1)], neck, [(0.0, y + 0.18, 0.06)]])
    parts.append(moved(tube(spout, 0.012, _STEEL), (sink_x, 0.0, -0.06)))
    middle = spans[1:oven] or spans[:1]
    free = Surface(
        ((middle[0][0] + middle[-1][1]) / 2, y, 0.02), (middle[-1][1] - middle[0][0] - 0.06, 2 * z - 0.08), 0.45
    )
    if cabinet.wall_units:
        bottom, upper = y + 0.5, y + 1.15
        parts.append(board((-x, bottom, -z), (x, upper, -z + 0.33), cabinet.body))
        parts += _fitted(cabinet, spans, bottom + 0.004, upper - 0.004, -z + 0.33, hung=True)
    return parts, [free] if len(spans) > 2 else []


def _oven(cabinet: Cabinet, span: tuple[float, float], low: float, high: float) -> list[Part]:
    left, right = span
    z = cabinet.depth_m / 2
    door = (left, low + 0.13, right, high - 0.115)
    parts = plates([(left, low, right, low + 0.126), (left, high - 0.111, right, high)], z + 0.003, z + 0.021, _STEEL)
    glass = plates([door], z + 0.003, z + 0.023, _BLACK)
    knobs = [(x, high - 0.055, z + 0.021) for x in np.linspace(left + 0.09, right - 0.09, 5)]
    bar = handles([((left + right) / 2, door[3] - 0.05, z + 0.023)], "bar", _STEEL, length_m=right - left - 0.1)
    return [parts, glass, *bar, *handles(knobs, "knob", _BLACK, length_m=0.05)]


def _display(cabinet: Cabinet) -> tuple[list[Part], list[Surface]]:
    x, z, t = cabinet.width_m / 2, cabinet.depth_m / 2, 0.022
    low, high, sill = cabinet.foot_m, cabinet.height_m - 0.04, cabinet.height_m * 0.4
    lower = replace(cabinet, height_m=sill)
    spans = split(-x + 0.012, x - 0.012, cabinet.columns)
    parts = [*_base(lower, sill), *_fitted(cabinet, spans, low + 0.012, sill - 0.01, z)]
    parts.append(
        boards(
            [(s * (x - t / 2), (sill + high) / 2, -0.01) for s in (-1, 1)], (t, high - sill, 2 * z - 0.02), cabinet.body
        )
    )
    parts.append(board((-x + t, sill, -z), (x - t, high, -z + 0.01), cabinet.body))
    parts.append(boards([(0.0, high + 0.02, 0.01)], (2 * x + 0.04, 0.04, 2 * z + 0.05), cabinet.body, bevel_m=0.012))
    levels = split(sill, high, 3, 0.014)
    shelves = [(0.0, b + 0.007, -0.01) for _, b in levels[:-1]]
    parts.append(boards(shelves, (2 * (x - t) - 0.001, 0.014, 2 * z - 0.05), cabinet.body))
    frame = []
    for left, right in spans:
        frame += [(left, sill + 0.012, left + 0.045, high - 0.01), (right - 0.045, sill + 0.012, right, high - 0.01)]
        inner = (left + 0.0455, right - 0.0455)
        frame += [(inner[0], sill + 0.012, inner[1], sill + 0.07), (inner[0], high - 0.068, inner[1], high - 0.01)]
    parts.append(plates(frame, z - 0.018, z, cabinet.doors))
    knobs = [
        (right - 0.022 if at % 2 == 0 else left + 0.022, (sill + high) / 2, z) for at, (left, right) in enumerate(spans)
    ]
    parts += handles(knobs, "knob", cabinet.frame, length_m=0.1)
    places: list[tuple[float, float, float]] = []
    for bottom, _ in levels:
        places += [(a, bottom, -z + 0.07) for a in np.arange(-x + 0.16, x - 0.12, 0.24)]
    at = np.array(places)
    china = Material("plain", grey(0.9), roughness=0.2)
    parts.append(batch.sticks(at + 0.095 * UP, at + np.array([0.0, 0.1, 0.014]), (0.094, 0.09), china, sides=14))
    cups = at + np.array([0.08, 0.0005, 0.13])
    parts.append(batch.sticks(cups, cups + 0.075 * UP, (0.026, 0.036), china, sides=10))
    return parts, []


def _locker(cabinet: Cabinet) -> tuple[list[Part], list[Surface]]:
    x, z, high = cabinet.width_m / 2, cabinet.depth_m / 2, cabinet.height_m
    spans = split(-x + 0.006, x - 0.006, cabinet.columns, 0.006)
    rows = split(cabinet.foot_m + 0.008, high - 0.008, 2, 0.006)
    rects = [(a, low, b, top) for a, b in spans for low, top in rows]
    parts = [*_base(cabinet, high), *fronts(rects, z, cabinet.doors, thickness_m=0.012)]
    face = z + 0.015
    vents = [((a + b) / 2, top - 0.06 - 0.022 * n, face + 0.001) for a, b in spans for _, top in rows for n in range(4)]
    parts.append(batch.boxes(vents, (0.12, 0.006, 0.002), _BLACK))
    grips = [(b - 0.035, (low + top) / 2, face) for _, b in spans for low, top in rows]
    return [*parts, *handles(grips, "bar", cabinet.frame, length_m=0.1, upright=True)], [_top(cabinet)]


def _sampler(style: Style) -> Sampler:
    def sampler(rng: np.random.Generator) -> Cabinet:
        body = furniture(rng)
        low = style in ("sideboard", "lowboard")
        columns = int(rng.integers(*{"wardrobe": (2, 5), "kitchen": (3, 6), "display": (2, 4)}.get(style, (2, 5))))
        column = {"wardrobe": (0.42, 0.55), "kitchen": (0.58, 0.6), "display": (0.38, 0.5), "locker": (0.3, 0.38)}
        height = {"wardrobe": (1.9, 2.25), "sideboard": (0.7, 0.9), "lowboard": (0.4, 0.56), "kitchen": (0.88, 0.92)}
        depth = {"wardrobe": (0.55, 0.62), "kitchen": (0.56, 0.6), "locker": (0.45, 0.52)}
        handle: tuple[Handle, ...] = ("bar", "bar", "knob", "cup", "none")
        front: tuple[Front, ...] = ("slab", "slab", "shaker", "beaded")
        steel = Material("paint", hue(rng, (0.1, 0.5), (0.3, 0.6)), 1.0, 0.4)
        doors = painted(rng) if style == "kitchen" and rng.random() < 0.7 else body
        worktops = ("marble", "oak", "concrete", "walnut", "tiles_stone")
        top = Material(worktops[rng.integers(len(worktops))], grey(rng.uniform(0.8, 1.0)), 1.0, 0.35)
        return Cabinet(
            style,
            columns * rng.uniform(*column.get(style, (0.42, 0.56))),
            rng.uniform(*depth.get(style, (0.38, 0.48))),
            rng.uniform(*height.get(style, (1.75, 2.0))),
            columns,
            rng.uniform(0.12, 0.2) if low else rng.uniform(0.06, 0.1),
            bool(low and rng.random() < 0.7),
            "slab" if style == "locker" else front[rng.integers(4)],
            handle[rng.integers(5)],
            tuple(bool(pick < (0.4 if style != "wardrobe" else 0.35)) for pick in rng.random(4)),
            steel if style == "locker" else body,
            steel if style == "locker" else doors,
            metal(rng),
            top,
            int(rng.integers(-2, columns)),
            bool(rng.random() < 0.6),
        )

    return sampler


FAMILY = Family(
    name="cabinet",
    label="cabinet",
    stands="floor",
    styles={style: _sampler(style) for style in ("wardrobe", "sideboard", "lowboard", "kitchen", "display", "locker")},
    unseen=("locker",),
    build=build,
)
