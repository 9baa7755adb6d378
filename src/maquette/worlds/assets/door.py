"""Doors in their frames: panelled, flush, glazed, double, and of planks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler
from maquette.worlds.assets.joinery import Rect, boards, plates, split
from maquette.worlds.assets.softs import tipped
from maquette.worlds.assets.solids import ball, cylinder, posed
from maquette.worlds.materials import grey, linear, metal, painted, wood
from maquette.worlds.types import Asset, Material, Part

Style = Literal["panel", "flush", "glazed", "double", "planks"]

BACK_M = -0.1
"""How far a frame reaches into the wall."""


@dataclass(frozen=True)
class Door:
    """A closed door that fills an opening of a wall, whose face is the plane z = 0.

    Attributes:
        style: What the leaf looks like.
        width_m: Of the opening.
        height_m: Of the opening.
        frame_m: Width of the frame.
        rows: Of panels, panes or battens.
        columns: Of panels or panes.
        hinge: The side of the hinges: -1 or 1 along x.
        knob: A round knob instead of a lever.
        leaf: Material of the leaf.
        frame: Material of the frame.
        pane: Material of its glass.
        handle: Material of its handle.
    """

    style: Style
    width_m: float
    height_m: float
    frame_m: float
    rows: int
    columns: int
    hinge: int
    knob: bool
    leaf: Material
    frame: Material
    pane: Material
    handle: Material


def build(door: Door) -> Asset:
    """Make a door; its origin is in the middle of its foot, in the plane of the wall."""
    x, top, wide = door.width_m / 2, door.height_m, door.frame_m
    jambs: list[Rect] = [(-x, 0.0, -x + wide, top), (x - wide, 0.0, x, top)]
    head: Rect = (-x + wide + 0.0005, top - wide, x - wide - 0.0005, top)
    parts = [plates([*jambs, head], BACK_M, 0.016, door.frame)]
    stops: list[Rect] = [(-x + wide + 0.0005, 0.0, -x + wide + 0.014, top - wide - 0.0005)]
    stops += [(x - wide - 0.014, 0.0, x - wide - 0.0005, top - wide - 0.0005)]
    stops += [(-x + wide + 0.0145, top - wide - 0.014, x - wide - 0.0145, top - wide - 0.0005)]
    parts.append(plates(stops, BACK_M + 0.01, -0.052, door.frame))
    leaves = split(-x + wide + 0.004, x - wide - 0.004, 2 if door.style == "double" else 1, 0.004)
    shapes: dict[Style, Callable[[Door, Rect], list[Part]]] = {
        "panel": _panelled,
        "flush": _flush,
        "glazed": _glazed,
        "double": _glazed,
        "planks": _planks,
    }
    for at, (left, right) in enumerate(leaves):
        parts += shapes[door.style](door, (left, 0.006, right, top - wide - 0.004))
        opens = (1 if at == 0 else -1) if len(leaves) > 1 else -door.hinge
        edge = right if opens > 0 else left
        parts += _handle(door, edge - opens * 0.06, opens)
    return Asset("door", door.style, tuple(parts))


_LEAF = (-0.05, -0.01)
"""Between which z a leaf lies."""


def _handle(door: Door, x: float, opens: int) -> list[Part]:
    face, y = _LEAF[1], 1.03
    plate = boards([(x, y - 0.03, face + 0.0025)], (0.036, 0.2, 0.005), door.handle, bevel_m=0.002)
    neck = posed(
        cylinder((0.0, 0.0, 0.0), 0.045, 0.009, door.handle, sides=10), tipped((x, y, face + 0.004), np.pi / 2)
    )
    if door.knob:
        return [plate, neck, ball((x, y, face + 0.055), (0.028, 0.028, 0.02), door.handle, sides=14)]
    grip = boards([(x - opens * 0.055, y, face + 0.046)], (0.13, 0.018, 0.014), door.handle, bevel_m=0.005)
    return [plate, neck, grip]


def _grid(rect: Rect, stile: float, rail: float, low: float, rows: int, columns: int) -> tuple[list[Rect], list[Rect]]:
    """Stiles and rails of a leaf, and the fields between them; the lowest rail is ``low`` high."""
    left, bottom, right, top = rect
    gap = 0.0005
    across = split(left + stile, right - stile, columns, stile * 0.8)
    levels = split(bottom + low, top - rail, rows, rail)
    bars: list[Rect] = [(left, bottom, left + stile, top), (right - stile, bottom, right, top)]
    for low_y, high_y in [
        (bottom, bottom + low),
        (top - rail, top),
        *((a[1], b[0]) for a, b in pairwise(levels)),
    ]:
        bars.append((left + stile + gap, low_y, right - stile - gap, high_y))
    for (_, a), (b, _) in pairwise(across):
        bars += [(a, low_y + gap, b, high_y - gap) for low_y, high_y in levels]
    return bars, [(a, c, b, d) for c, d in levels for a, b in across]


def _panelled(door: Door, rect: Rect) -> list[Part]:
    bars, fields = _grid(rect, 0.1, 0.11, 0.2, door.rows, door.columns)
    sunk = [(a - 0.01, b - 0.01, c + 0.01, d + 0.01) for a, b, c, d in fields]
    raised = [(a + 0.035, b + 0.035, c - 0.035, d - 0.035) for a, b, c, d in fields]
    return [
        plates(bars, *_LEAF, door.leaf),
        plates(sunk, _LEAF[0] + 0.008, _LEAF[1] - 0.014, door.leaf),
        plates(raised, _LEAF[1] - 0.0135, _LEAF[1] - 0.004, door.leaf),
    ]


def _flush(door: Door, rect: Rect) -> list[Part]:
    return [plates([rect], *_LEAF, door.leaf)]


def _glazed(door: Door, rect: Rect) -> list[Part]:
    bars, fields = _grid(rect, 0.09, 0.1, 0.24, 1, 1)
    left, bottom, right, top = fields[0]
    muntins, _ = _grid((left, bottom, right, top), 0.012, 0.018, 0.012, door.rows, door.columns)
    return [
        plates(bars, *_LEAF, door.leaf),
        plates(muntins, _LEAF[0] + 0.005, _LEAF[1] - 0.006, door.leaf),
        plates([(left - 0.008, bottom - 0.008, right + 0.008, top + 0.008)], -0.033, -0.027, door.pane),
    ]


def _planks(door: Door, rect: Rect) -> list[Part]:
    left, bottom, right, top = rect
    uprights = [(a, bottom, b, top) for a, b in split(left, right, 6, 0.005)]
    ledges = [
        (left + 0.03, y - 0.055, right - 0.03, y + 0.055) for y in np.linspace(bottom + 0.25, top - 0.25, door.rows)
    ]
    behind = plates([(left + 0.002, bottom + 0.002, right - 0.002, top - 0.002)], _LEAF[0], _LEAF[0] + 0.006, door.leaf)
    return [
        plates(uprights, _LEAF[0] + 0.0065, _LEAF[1] - 0.012, door.leaf),
        behind,
        plates(ledges, _LEAF[1] - 0.0115, _LEAF[1], door.leaf),
    ]


def _sampler(style: Style) -> Sampler:
    def sampler(rng: np.random.Generator) -> Door:
        white = Material("paint", grey(rng.uniform(0.85, 0.95)), 1.0, 0.4)
        leaf = wood(rng) if style == "planks" or rng.random() < 0.4 else (white if rng.random() < 0.7 else painted(rng))
        frosted = Material("plain", linear(0.72, 0.78, 0.8), roughness=0.35, emission=0.25)
        return Door(
            style,
            rng.uniform(1.35, 1.65) if style == "double" else rng.uniform(0.9, 1.05),
            rng.uniform(2.03, 2.15),
            rng.uniform(0.06, 0.1),
            int(rng.integers(2, 4)) if style in ("panel", "planks") else int(rng.integers(1, 5)),
            int(rng.integers(1, 3)),
            int(rng.choice([-1, 1])),
            bool(rng.random() < 0.35),
            leaf,
            leaf if rng.random() < 0.6 else white,
            frosted,
            metal(rng),
        )

    return sampler


FAMILY = Family(
    name="door",
    label="door",
    stands="wall",
    styles={style: _sampler(style) for style in ("panel", "flush", "glazed", "double", "planks")},
    unseen=("planks",),
    build=build,
)
