"""Dressers: chests of drawers, low double ones, plain modern ones, with a mirror, and with a bowed front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler
from maquette.worlds.assets.joinery import (
    MIRROR,
    Front,
    Handle,
    board,
    boards,
    fronts,
    handles,
    legs,
    plates,
    split,
    standing,
)
from maquette.worlds.assets.softs import tipped
from maquette.worlds.assets.solids import extruded, merged, posed
from maquette.worlds.materials import furniture, metal
from maquette.worlds.types import Asset, Floats, Material, Part, Surface

Style = Literal["chest", "double", "modern", "mirror", "bow"]


@dataclass(frozen=True)
class Dresser:
    """A dresser.

    Attributes:
        style: Its shape.
        width_m: Along x.
        depth_m: Along z, without handles.
        height_m: To its top.
        rows: Of drawers.
        columns: Of drawers.
        foot_m: Height of the legs or the plinth.
        on_legs: Whether it stands on legs.
        front: What the fronts look like.
        handle: What the handles look like.
        body: Material of body and fronts.
        frame: Material of the handles.
    """

    style: Style
    width_m: float
    depth_m: float
    height_m: float
    rows: int
    columns: int
    foot_m: float
    on_legs: bool
    front: Front
    handle: Handle
    body: Material
    frame: Material


_BOW_M = 0.09
"""How far the middle of a bowed front stands out."""


def build(dresser: Dresser) -> Asset:
    """Make a dresser."""
    x, z, y = dresser.width_m / 2, dresser.depth_m / 2, dresser.height_m
    free = Surface((0.0, y, 0.0), (2 * x - 0.04, 2 * z - 0.05))
    if dresser.style == "bow":
        straight = Surface((0.0, y, -_BOW_M / 2), (2 * x - 0.04, 2 * z - _BOW_M - 0.03))
        return standing("dresser", "bow", _bow(dresser), [straight])
    low, high = dresser.foot_m, y - 0.025
    parts = [
        boards([(0.0, (low + high) / 2, 0.0)], (2 * x, high - low, 2 * z), dresser.body),
        boards([(0.0, y - 0.0125, 0.012)], (2 * x + 0.024, 0.025, 2 * z + 0.026), dresser.body, bevel_m=0.006),
    ]
    if dresser.on_legs:
        parts.append(legs(x - 0.06, z - 0.05, low + 0.002, dresser.body, width_m=0.05, foot_m=0.028))
    else:
        parts.append(board((-x + 0.02, 0.0, -z + 0.01), (x - 0.02, low, z - 0.025), dresser.body))
    spans = split(low + 0.015, high - 0.012, dresser.rows)
    rects = [(a, b, c, d) for b, d in spans for a, c in split(-x + 0.018, x - 0.018, dresser.columns)]
    parts += fronts(rects, z, dresser.body, look=dresser.front)
    wide = rects[0][2] - rects[0][0]
    offsets = (-0.27 * wide, 0.27 * wide) if wide > 0.62 and dresser.handle != "bar" else (0.0,)
    places = [((a + c) / 2 + dx, (b + d) / 2, z + 0.021) for a, b, c, d in rects for dx in offsets]
    parts += handles(places, dresser.handle, dresser.frame, length_m=min(0.22, 0.4 * wide))
    if dresser.style != "mirror":
        return standing("dresser", dresser.style, parts, [free])
    glass, tall = min(0.85 * x, 0.45), 0.75
    back = -z + 0.03
    posts = [(s * (glass + 0.03), y + 0.3, back) for s in (-1, 1)]
    parts.append(boards(posts, (0.035, 0.6, 0.035), dresser.body))
    rim = [(-glass, y + 0.08, glass, y + 0.08 + tall)]
    parts += [plates(rim, back - 0.012, back + 0.012, dresser.body)]
    parts += [plates([(-glass + 0.04, y + 0.12, glass - 0.04, y + 0.04 + tall)], back + 0.005, back + 0.0135, MIRROR)]
    front = Surface((0.0, y, 0.03), (2 * x - 0.04, 2 * z - 0.12))
    return standing("dresser", "mirror", parts, [front])


def _bow(dresser: Dresser) -> list[Part]:
    x, z, y = dresser.width_m / 2, dresser.depth_m / 2, dresser.height_m
    across = np.linspace(1.0, -1.0, 13)

    def outline(grow: float, back: float) -> Floats:
        curve = np.column_stack([across * (x + grow), z - _BOW_M * across**2 + grow])
        return np.concatenate([[(-x - grow, back), (x + grow, back)], curve])

    def layer(grow: float, back: float, low: float, high: float) -> Part:
        return posed(
            extruded(outline(grow, back), high - low, dresser.body), tipped((0.0, (low + high) / 2, 0.0), np.pi / 2)
        )

    low, high = dresser.foot_m, y - 0.025
    parts = [layer(0.0, -z, low, high), layer(0.025, -z - 0.001, high, y)]
    rows = split(low + 0.02, high - 0.012, dresser.rows, 0.006)
    parts.append(merged([layer(0.014, z - 0.14, a, b) for a, b in rows]))
    parts.append(legs(x - 0.05, z - 0.13, low + 0.002, dresser.body, width_m=0.06, foot_m=0.03))
    at = 0.5
    places = [(s * at * x, (a + b) / 2, z - _BOW_M * at**2 + 0.012) for a, b in rows for s in (-1, 1)]
    return [*parts, *handles(places, "knob", dresser.frame, length_m=0.1)]


def _sampler(style: Style) -> Sampler:
    def sampler(rng: np.random.Generator) -> Dresser:
        handle: tuple[Handle, ...] = ("bar", "knob", "cup")
        front: tuple[Front, ...] = ("slab", "shaker", "beaded")
        wide = style in ("double", "mirror")
        return Dresser(
            style,
            rng.uniform(1.1, 1.5) if wide else rng.uniform(0.6, 0.95),
            rng.uniform(0.4, 0.5),
            rng.uniform(0.72, 0.85) if wide else rng.uniform(0.8, 1.25),
            int(rng.integers(3, 4)) if wide else int(rng.integers(3, 6)),
            int(rng.integers(2, 4)) if wide else 1,
            rng.uniform(0.05, 0.09) if style == "chest" else rng.uniform(0.08, 0.16),
            bool(style != "modern" and rng.random() < 0.6),
            "slab" if style == "modern" else front[rng.integers(3)],
            "none" if style == "modern" else handle[rng.integers(3)],
            furniture(rng),
            metal(rng),
        )

    return sampler


FAMILY = Family(
    name="dresser",
    label="cabinet",
    stands="floor",
    styles={style: _sampler(style) for style in ("chest", "double", "modern", "mirror", "bow")},
    unseen=("bow",),
    build=build,
)
