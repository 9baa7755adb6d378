"""Nightstands: with drawers, a niche, a door, on tall legs, a drum, and a small round table."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family
from maquette.worlds.assets.batch import sticks
from maquette.worlds.assets.joinery import Front, Handle, board, fronts, handles, legs, split, standing
from maquette.worlds.assets.solids import lathe
from maquette.worlds.materials import furniture, metal, painted
from maquette.worlds.types import Asset, Material, Part, Surface

Rng = np.random.Generator
Style = Literal["drawers", "niche", "door", "tall", "drum", "round"]

_BOARD_M = 0.02


@dataclass(frozen=True)
class Nightstand:
    """A nightstand.

    Attributes:
        style: How it is made.
        width_m: Along x.
        depth_m: Along z.
        height_m: To the top.
        feet_m: Height of the feet; 0 for a plinth.
        count: Of drawers.
        look: Of the fronts.
        handle: Of the fronts.
        body: Material of the body.
        front: Material of drawers and doors.
        hardware: Material of handles and thin legs.
    """

    style: Style
    width_m: float
    depth_m: float
    height_m: float
    feet_m: float
    count: int
    look: Front
    handle: Handle
    body: Material
    front: Material
    hardware: Material


def build(stand: Nightstand) -> Asset:
    """Make a nightstand."""
    round_top = stand.style in ("drum", "round")
    wide, deep = (0.66 * stand.width_m,) * 2 if round_top else (stand.width_m - 0.02, stand.depth_m - 0.02)
    top = Surface((0.0, stand.height_m, 0.0), (wide, deep))
    return standing("nightstand", stand.style, _MAKERS[stand.style](stand), [top])


def _case(stand: Nightstand, bottom: float) -> list[Part]:
    """Top, sides, floor and back of a body that is open in front; the top juts out a little."""
    x, z, y = stand.width_m / 2 - 0.006, stand.depth_m / 2 - 0.006, stand.height_m - _BOARD_M
    front = z - 0.022
    return [
        board(
            (-stand.width_m / 2, y, -stand.depth_m / 2),
            (stand.width_m / 2, stand.height_m, stand.depth_m / 2),
            stand.body,
        ),
        board((-x, bottom, -z), (-x + _BOARD_M, y, front), stand.body),
        board((x - _BOARD_M, bottom, -z), (x, y, front), stand.body),
        board((-x + _BOARD_M, bottom, -z), (x - _BOARD_M, bottom + _BOARD_M, front), stand.body),
        board((-x + _BOARD_M, bottom + _BOARD_M, -z), (x - _BOARD_M, y, -z + 0.01), stand.body),
    ]


def _drawers(stand: Nightstand, low: float, high: float, count: int) -> list[Part]:
    """Drawers between two heights, with their handles."""
    x, z = stand.width_m / 2 - 0.008, stand.depth_m / 2 - 0.028
    spans = split(low, high, count)
    made = fronts([(-x, a, x, b) for a, b in spans], z, stand.front, look=stand.look)
    places = [(0.0, (a + b) / 2, z + 0.021) for a, b in spans]
    inside = board((-x + 0.02, low + 0.002, -z), (x - 0.02, high - 0.002, z), stand.body)
    return [inside, *made, *handles(places, stand.handle, stand.hardware, length_m=min(0.14, stand.width_m * 0.3))]


def _feet(stand: Nightstand) -> list[Part]:
    x, z = stand.width_m / 2 - 0.04, stand.depth_m / 2 - 0.04
    if stand.feet_m <= 0.03:
        return [board((-x, 0.0, -z), (x, stand.feet_m, z), stand.body)]
    tapered = stand.feet_m > 0.12
    foot, splay = (0.018, 0.02) if tapered else (None, 0.0)
    return [legs(x, z, stand.feet_m + 0.002, stand.body, width_m=0.034, foot_m=foot, splay_m=splay)]


def _with_drawers(stand: Nightstand) -> list[Part]:
    top = stand.height_m - _BOARD_M - 0.004
    return [*_case(stand, stand.feet_m), *_drawers(stand, stand.feet_m + 0.004, top, stand.count), *_feet(stand)]


def _with_niche(stand: Nightstand) -> list[Part]:
    """A drawer above an open shelf."""
    top = stand.height_m - _BOARD_M - 0.004
    low = top - 0.38 * (top - stand.feet_m)
    x, z = stand.width_m / 2 - 0.026, stand.depth_m / 2 - 0.03
    shelf = board((-x, low - 0.022, -z), (x, low - 0.004, z), stand.body)
    return [*_case(stand, stand.feet_m), shelf, *_drawers(stand, low, top, 1), *_feet(stand)]


def _with_door(stand: Nightstand) -> list[Part]:
    x, z, top = stand.width_m / 2 - 0.008, stand.depth_m / 2 - 0.028, stand.height_m - _BOARD_M - 0.004
    made = fronts([(-x, stand.feet_m + 0.004, x, top)], z, stand.front, look=stand.look)
    place = (-x + 0.045, top - 0.4 * (top - stand.feet_m), z + 0.021)
    handle = handles([place], stand.handle, stand.hardware, length_m=0.13, upright=True)
    return [*_case(stand, stand.feet_m), *made, *handle, *_feet(stand)]


def _tall(stand: Nightstand) -> list[Part]:
    """One drawer on long legs, with a shelf below."""
    x, z, top = stand.width_m / 2, stand.depth_m / 2, stand.height_m - _BOARD_M - 0.004
    low = stand.height_m - 0.19
    shelf = board((-x + 0.01, 0.15, -z + 0.01), (x - 0.01, 0.168, z - 0.01), stand.body)
    posts = legs(x - 0.028, z - 0.042, low + 0.002, stand.body, width_m=0.035)
    return [*_case(stand, low), *_drawers(stand, low + 0.004, top, 1), posts, shelf]


def _drum(stand: Nightstand) -> list[Part]:
    r, h = stand.width_m / 2, stand.height_m
    body = lathe([(r * 0.94, 0.0), (r * 0.96, 0.02), (r * 0.96, h - 0.03)], stand.front, sides=28)
    top = lathe([(r * 0.98, h - 0.03), (r, h - 0.024), (r, h - 0.004), (r * 0.985, h)], stand.body, sides=28)
    rings = [lathe([(r * 0.975, y), (r * 0.975, y + 0.014)], stand.hardware, sides=28) for y in (0.02, h - 0.05)]
    return [top, body, *rings]


def _round(stand: Nightstand) -> list[Part]:
    """A small round table on three legs, with a lower shelf."""
    r, h = stand.width_m / 2, stand.height_m
    top = lathe([(r * 0.97, h - 0.022), (r, h - 0.016), (r, h - 0.006), (r * 0.97, h)], stand.body, sides=28)
    shelf = lathe([(r * 0.7, h * 0.32), (r * 0.7, h * 0.32 + 0.016)], stand.body, sides=24)
    turn = 2 * math.pi * np.arange(3) / 3
    out = np.stack([np.sin(turn), np.zeros(3), np.cos(turn)], axis=-1) * r
    up = np.array([0.0, h - 0.02, 0.0])
    return [top, shelf, sticks(out * 0.95, out * 0.6 + up, (0.011, 0.015), stand.hardware, sides=10)]


_MAKERS: dict[Style, Callable[[Nightstand], list[Part]]] = {
    "drawers": _with_drawers,
    "niche": _with_niche,
    "door": _with_door,
    "tall": _tall,
    "drum": _drum,
    "round": _round,
}


def _sampler(style: Style, rng: Rng) -> Nightstand:
    body = furniture(rng)
    width = rng.uniform(0.38, 0.55)
    looks: tuple[Front, ...] = ("slab", "slab", "shaker", "beaded")
    kinds: tuple[Handle, ...] = ("bar", "knob", "cup", "none")
    feet = (rng.uniform(0.02, 0.03), rng.uniform(0.05, 0.1), rng.uniform(0.13, 0.2))[rng.integers(3)]
    return Nightstand(
        style,
        width,
        width if style in ("drum", "round") else rng.uniform(0.34, 0.42),
        rng.uniform(0.42, 0.52) if style == "drum" else rng.uniform(0.46, 0.66),
        feet,
        int(rng.integers(2, 4)),
        looks[rng.integers(4)],
        kinds[rng.integers(4)],
        body,
        body if rng.random() < 0.6 else painted(rng),
        metal(rng),
    )


FAMILY = Family(
    name="nightstand",
    label="cabinet",
    stands="floor",
    styles={style: partial(_sampler, style) for style in _MAKERS},
    unseen=("drum", "tall"),
    build=build,
)
