"""Windows: with one pane, two sashes, crossed bars, many small panes, and sashes that slide up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler
from maquette.worlds.assets.door import BACK_M
from maquette.worlds.assets.joinery import Rect, boards, plates, split
from maquette.worlds.assets.picture import canvas
from maquette.worlds.assets.solids import moved
from maquette.worlds.materials import grey, metal, painted, wood
from maquette.worlds.types import Asset, Material, Part

Style = Literal["single", "sashes", "cross", "panes", "sliding"]


@dataclass(frozen=True)
class Window:
    """A closed window that fills an opening of a wall, whose face is the plane z = 0, with what is seen through it.

    Attributes:
        style: How it is divided.
        width_m: Of the opening.
        height_m: Of the opening.
        frame_m: Width of the frame.
        columns: Of panes in each sash.
        rows: Of panes in each sash.
        sill_m: How far the sill stands out from the wall; 0 has none.
        frame: Material of frame and sashes.
        sill: Material of the sill.
        pane: Material of the glass: a view that shines.
        handle: Material of the handles.
    """

    style: Style
    width_m: float
    height_m: float
    frame_m: float
    columns: int
    rows: int
    sill_m: float
    frame: Material
    sill: Material
    pane: Material
    handle: Material


def build(window: Window) -> Asset:
    """Make a window; its origin is in the middle of the opening, in the plane of the wall."""
    x, y, wide = window.width_m / 2, window.height_m / 2, window.frame_m
    parts = [plates(_ring((-x, -y, x, y), wide), BACK_M, 0.012, window.frame)]
    inner = (-x + wide, -y + wide, x - wide, y - wide)
    for at, (sash, z) in enumerate(_sashes(window, inner)):
        parts += _sash(window, sash, z)
        left, bottom, right, top = sash
        if window.style == "sliding":
            if at == 0:
                parts.append(boards([((left + right) / 2, top - 0.02, z + 0.03)], (0.08, 0.02, 0.02), window.handle))
            continue
        side = right - 0.025 if at % 2 == 0 else left + 0.025
        knob = boards([(side, (bottom + top) / 2, z + 0.0285)], (0.022, 0.06, 0.012), window.handle)
        lever = boards(
            [(side, (bottom + top) / 2 - 0.035, z + 0.042)], (0.018, 0.11, 0.014), window.handle, bevel_m=0.004
        )
        parts += [knob, lever]
    glass = canvas(2 * (x - wide) + 0.004, 2 * (y - wide) + 0.004, 0.006, window.pane)
    parts.append(moved(glass, (0.0, 0.0, -0.058)))
    if window.sill_m:
        size = (2 * x + 0.08, 0.03, window.sill_m)
        parts.append(boards([(0.0, -y - 0.0155, window.sill_m / 2 + 0.0005)], size, window.sill, bevel_m=0.006))
    return Asset("window", window.style, tuple(parts))


def _ring(rect: Rect, wide: float) -> list[Rect]:
    """Four boards around a rectangle, inside it."""
    left, bottom, right, top = rect
    inner = (left + wide + 0.0005, right - wide - 0.0005)
    uprights: list[Rect] = [(left, bottom, left + wide, top), (right - wide, bottom, right, top)]
    return [*uprights, (inner[0], bottom, inner[1], bottom + wide), (inner[0], top - wide, inner[1], top)]


def _sashes(window: Window, inner: Rect) -> list[tuple[Rect, float]]:
    """The sashes, and the z of their middles."""
    left, bottom, right, top = inner
    if window.style == "sliding":
        half = (bottom + top) / 2
        return [((left, bottom, right, half + 0.02), -0.03), ((left, half - 0.02, right, top), -0.07)]
    count = {"single": 1, "panes": 1}.get(window.style, 2)
    columns = [(a, b) for a, b in split(left, right, count, 0.003)]
    if window.style == "cross":
        cut = bottom + 0.68 * (top - bottom)
        return [
            ((a, low, b, high), -0.04)
            for low, high in ((bottom, cut - 0.0015), (cut + 0.0015, top))
            for a, b in columns
        ]
    return [((a, bottom, b, top), -0.04) for a, b in columns]


def _sash(window: Window, rect: Rect, z: float) -> list[Part]:
    stile = 0.045
    parts = [plates(_ring(rect, stile), z - 0.022, z + 0.022, window.frame)]
    left, bottom, right, top = (rect[0] + stile, rect[1] + stile, rect[2] - stile, rect[3] - stile)
    bar, columns, rows = 0.02, split(left, right, window.columns, 0.02), split(bottom, top, window.rows, 0.02)
    bars: list[Rect] = [(b, bottom + 0.0005, b + bar, top - 0.0005) for _, b in columns[:-1]]
    bars += [(a + 0.0005, d, b - 0.0005, d + bar) for a, b in columns for _, d in rows[:-1]]
    return [*parts, plates(bars, z - 0.014, z + 0.014, window.frame, bevel_m=0.0)] if bars else parts


def _sampler(style: Style) -> Sampler:
    def sampler(rng: np.random.Generator) -> Window:
        pick = rng.random()
        white = Material("paint", grey(rng.uniform(0.86, 0.95)), 1.0, 0.4)
        frame = white if pick < 0.65 else (wood(rng) if pick < 0.85 else Material("plain", grey(0.16), roughness=0.45))
        view, bright = (("view_garden", 1.0), ("view_city", 0.7))[rng.integers(2)]
        height = rng.uniform(1.1, 1.6) if rng.random() < 0.85 else rng.uniform(1.9, 2.1)
        stone = replace(painted(rng), texture="marble", color=grey(rng.uniform(0.85, 0.95)))
        return Window(
            style,
            rng.uniform(0.8, 1.1) if style in ("sliding", "panes") else rng.uniform(1.0, 1.5),
            height,
            rng.uniform(0.04, 0.065),
            int(rng.integers(2, 4)) if style == "panes" else 1 + (style == "sliding"),
            int(rng.integers(3, 6)) if style == "panes" else 1,
            rng.uniform(0.03, 0.07) if height < 1.8 else 0.0,
            frame,
            frame if rng.random() < 0.5 else stone,
            Material(view, (bright, bright, bright), roughness=0.1, emission=rng.uniform(1.1, 1.6), casts_shadow=False),
            metal(rng),
        )

    return sampler


FAMILY = Family(
    name="window",
    label="window",
    stands="wall",
    styles={style: _sampler(style) for style in ("single", "sashes", "cross", "panes", "sliding")},
    unseen=("sliding",),
    build=build,
)
