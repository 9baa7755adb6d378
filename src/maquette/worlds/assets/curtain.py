"""Curtains and blinds: drapes to both sides, drawn nets, roller and roman blinds, slats, and drapes tied back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler, batch
from maquette.worlds.assets.joinery import boards
from maquette.worlds.assets.softs import sheet
from maquette.worlds.assets.solids import ball
from maquette.worlds.materials import fabric, grey, linear, metal, wood
from maquette.worlds.types import Asset, Floats, Material, Part

Style = Literal["drapes", "net", "roller", "roman", "slats", "tied"]

_ROD_M = 0.075
"""From the wall to the middle of a rod."""


@dataclass(frozen=True)
class Curtain:
    """A curtain before a wall.

    Attributes:
        style: How it hangs.
        width_m: Along x, without the ends of the rod.
        height_m: From its hem to the rod.
        drawn: How far it is closed, from 0 to 1; how far a blind is let down.
        fold_m: Width of a fold.
        phase: Where the folds begin, radians.
        cloth: Its material.
        rod: Material of the rod.
    """

    style: Style
    width_m: float
    height_m: float
    drawn: float
    fold_m: float
    phase: float
    cloth: Material
    rod: Material


def build(curtain: Curtain) -> Asset:
    """Make a curtain; its origin is on the wall, in the middle of its height."""
    shapes: dict[Style, Callable[[Curtain], list[Part]]] = {
        "drapes": _drapes,
        "net": _net,
        "roller": _roller,
        "roman": _roman,
        "slats": _slats,
        "tied": _drapes,
    }
    return Asset("curtain", curtain.style, tuple(shapes[curtain.style](curtain)))


def _rod(curtain: Curtain) -> list[Part]:
    x, y = curtain.width_m / 2 + 0.07, curtain.height_m / 2
    ends = np.array([(-x, y, _ROD_M), (x, y, _ROD_M)])
    hold = [(s * (x - 0.04), y, 0.0) for s in (-1, 1)]
    hook = [(s * (x - 0.04), y, _ROD_M - 0.013) for s in (-1, 1)]
    rings = np.linspace(-curtain.width_m / 2, curtain.width_m / 2, 3)[1:-1]
    knobs = [ball((s * (x + 0.012), y, _ROD_M), (0.024, 0.024, 0.024), curtain.rod, sides=10) for s in (-1, 1)]
    rod = batch.sticks(ends[:1], ends[1:], (0.012, 0.012), curtain.rod, sides=10)
    middle = batch.sticks(
        [(r, y, 0.0) for r in rings], [(r, y, _ROD_M - 0.013) for r in rings], (0.007, 0.007), curtain.rod
    )
    return [rod, batch.sticks(hold, hook, (0.007, 0.007), curtain.rod), middle, *knobs]


def _panel(curtain: Curtain, left: float, right: float, folds: int, depth: float, tie: float = 0.0) -> Part:
    """A hanging panel; ``tie`` is -1 or 1 where it is tied to that side at a third of its height."""
    columns, rows = 6 * folds + 1, 9 if tie else 4
    s, t = np.meshgrid(np.linspace(0.0, 1.0, columns), np.linspace(0.0, 1.0, rows))
    swing = 2 * np.pi * folds * s + curtain.phase
    loose = 1.0 + 0.35 * (1 - t)
    x = left + (right - left) * (s + 0.06 / folds * (1 - t) * np.sin(1.7 * swing))
    z = _ROD_M + depth * loose * np.sin(swing) + 0.004 * np.sin(0.37 * swing + 4 * t)
    if tie:
        waist = 0.38
        pull = np.where(
            t < waist, 1 - 0.45 * (1 - t / waist), np.cos(np.clip((t - waist) / (1 - waist), 0, 1) * np.pi / 2) ** 1.2
        )
        anchor = left if tie < 0 else right
        x = anchor + (x - anchor) * (1 - 0.72 * pull)
    y = -curtain.height_m / 2 + (curtain.height_m - 0.012) * t
    front: Floats = np.stack([x, y, z], axis=-1)
    return sheet(front, front - np.array([0.0, 0.0, 0.004]), curtain.cloth)


def _drapes(curtain: Curtain) -> list[Part]:
    half = curtain.width_m / 2
    tied = curtain.style == "tied"
    wide = half * (0.97 if tied else 0.22 + 0.75 * curtain.drawn)
    folds = max(4, round(half * 0.55 / curtain.fold_m))
    depth = 0.022 if tied else 0.04 - 0.018 * curtain.drawn
    parts = []
    for side in (-1, 1):
        left, right = (-half, -half + wide) if side < 0 else (half - wide, half)
        parts.append(_panel(curtain, left, right, folds, depth, side if tied else 0))
        if tied:
            y = (0.38 - 0.5) * curtain.height_m
            size = (0.3 * wide, 0.06, 0.085)
            parts.append(boards([(side * (half - 0.15 * wide), y, _ROD_M)], size, curtain.cloth, bevel_m=0.025))
    return [*parts, *_rod(curtain)]


def _net(curtain: Curtain) -> list[Part]:
    half = curtain.width_m / 2
    folds = max(6, round(curtain.width_m / (1.1 * curtain.fold_m)))
    return [_panel(curtain, -half, half, folds, 0.016), *_rod(curtain)]


def _box(curtain: Curtain) -> Part:
    size = (curtain.width_m + 0.02, 0.06, 0.055)
    return boards([(0.0, curtain.height_m / 2 - 0.03, 0.0275)], size, curtain.rod, bevel_m=0.008)


def _roller(curtain: Curtain) -> list[Part]:
    x, top = curtain.width_m / 2, curtain.height_m / 2 - 0.058
    low = top - (curtain.height_m - 0.06) * (0.3 + 0.65 * curtain.drawn)
    cloth = boards([(0.0, (low + top) / 2, 0.03)], (2 * x, top - low, 0.002), curtain.cloth)
    hem = boards([(0.0, low - 0.0105, 0.03)], (2 * x, 0.02, 0.012), curtain.rod, bevel_m=0.004)
    chain = batch.sticks(
        [(x + 0.004, top, 0.045)], [(x + 0.004, top - 0.6 * curtain.height_m, 0.045)], (0.003, 0.003), curtain.rod
    )
    return [_box(curtain), cloth, hem, chain]


def _roman(curtain: Curtain) -> list[Part]:
    x, top = curtain.width_m / 2, curtain.height_m / 2 - 0.058
    low = top - (curtain.height_m - 0.06) * (0.25 + 0.6 * curtain.drawn)
    rolls = np.linspace(0.0, 1.0, 17)
    y = np.concatenate([low + 0.16 * rolls, [top]])
    z = np.concatenate([0.03 + 0.024 * np.abs(np.sin(4 * np.pi * rolls)), [0.03]])
    across = np.linspace(-x, x, 9)
    sag = 0.012 * np.sin(np.linspace(0.0, np.pi, 9)) * np.linspace(1.0, 0.0, len(y))[:, None]
    front = np.stack(
        [np.broadcast_to(across, (len(y), 9)), y[:, None] - sag, np.broadcast_to(z[:, None], (len(y), 9))], axis=-1
    )
    return [_box(curtain), sheet(front, front - np.array([0.0, 0.0, 0.003]), curtain.cloth)]


def _slats(curtain: Curtain) -> list[Part]:
    x, top = curtain.width_m / 2, curtain.height_m / 2 - 0.07
    count = max(6, int((curtain.height_m - 0.1) * (0.4 + 0.6 * curtain.drawn) / 0.048))
    y = top - 0.02 - 0.048 * np.arange(count)
    tilt = 0.9
    dy, dz = 0.024 * np.sin(tilt), 0.024 * np.cos(tilt)
    corners = np.array([(-x, -dy, dz), (x, -dy, dz), (x, dy, -dz), (-x, dy, -dz)])
    tops = corners + np.column_stack([np.zeros(count), y, np.full(count, 0.03)])[:, None]
    cords = np.array([(s * 0.7 * x, top + 0.02, z) for s in (-1, 1) for z in (0.007, 0.053)])
    feet = cords * (1, 0, 1) + (0.0, y[-1] - 0.03, 0.0)
    bar = boards([(0.0, y[-1] - 0.04, 0.03)], (2 * x, 0.018, 0.03), curtain.cloth, bevel_m=0.004)
    strings = batch.sticks(cords, feet, (0.0015, 0.0015), Material("plain", grey(0.85)), sides=4)
    return [_box(curtain), batch.prisms(tops, 0.0025, curtain.cloth), strings, bar]


def _sampler(style: Style) -> Sampler:
    def sampler(rng: np.random.Generator) -> Curtain:
        blind = style in ("roller", "roman", "slats")
        sheer = Material("weave", linear(0.96, 0.95, 0.92), 0.3, 0.95, emission=0.35, casts_shadow=False)
        slat = wood(rng) if rng.random() < 0.4 else Material("plain", grey(rng.uniform(0.75, 0.95)), roughness=0.5)
        cloths = {"net": sheer, "slats": slat}
        cloth = cloths.get(style) or replace(fabric(rng), bump_m=0.0005)
        return Curtain(
            style,
            rng.uniform(1.1, 1.5) if blind else rng.uniform(1.6, 2.4),
            rng.uniform(1.3, 1.7) if blind else rng.uniform(1.9, 2.3),
            rng.uniform(0.0, 1.0) if blind else rng.uniform(0.0, 0.45),
            rng.uniform(0.08, 0.13),
            rng.uniform(0.0, 2 * np.pi),
            cloth,
            cloth
            if style == "slats"
            else (Material("plain", grey(0.9)) if blind else (metal(rng) if rng.random() < 0.7 else wood(rng))),
        )

    return sampler


FAMILY = Family(
    name="curtain",
    label="curtain",
    stands="wall",
    styles={style: _sampler(style) for style in ("drapes", "net", "roller", "roman", "slats", "tied")},
    unseen=("tied",),
    build=build,
)
