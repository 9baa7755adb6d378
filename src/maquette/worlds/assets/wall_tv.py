"""Televisions on a wall: flat against it, tilted on an arm, framed like a picture, and over a bar of loudspeakers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler
from maquette.worlds.assets.joinery import board, boards
from maquette.worlds.assets.picture import canvas, frame
from maquette.worlds.assets.softs import tipped
from maquette.worlds.assets.solids import moved, posed
from maquette.worlds.assets.tv import Tv, flat_screen, screen_of
from maquette.worlds.materials import grey, wood
from maquette.worlds.types import Asset, Material, Part

Style = Literal["flat", "tilted", "framed", "speakers"]


@dataclass(frozen=True)
class WallTv:
    """A television on a wall.

    Attributes:
        style: How it hangs.
        width_m: Of the screen with its rim.
        rim_m: Width of the rim.
        tilt_rad: How far a tilted one looks down.
        screen: Material of the picture, or of the dark glass.
        case: Material of rim and case.
        border: Material of a picture's frame.
    """

    style: Style
    width_m: float
    rim_m: float
    tilt_rad: float
    screen: Material
    case: Material
    border: Material


def build(tv: WallTv) -> Asset:
    """Make a television on a wall; its origin is on the wall, behind the middle of the screen."""
    shapes: dict[Style, Callable[[WallTv], list[Part]]] = {
        "flat": _flat,
        "tilted": _tilted,
        "framed": _framed,
        "speakers": _speakers,
    }
    return Asset("wall_tv", tv.style, tuple(shapes[tv.style](tv)))


def _screen(tv: WallTv) -> list[Part]:
    return flat_screen(Tv("foot", tv.width_m, 0.57 * tv.width_m, tv.rim_m, 0.0, tv.screen, tv.case, tv.case))


def _flat(tv: WallTv) -> list[Part]:
    mount = board((-0.2, -0.13, 0.0), (0.2, 0.13, 0.021), tv.case)
    return [*(moved(part, (0.0, 0.0, 0.071)) for part in _screen(tv)), mount]


def _tilted(tv: WallTv) -> list[Part]:
    arm = [
        board((-0.15, -0.1, 0.0), (0.15, 0.1, 0.012), tv.case),
        board((-0.03, -0.03, 0.011), (0.03, 0.03, 0.2), tv.case),
    ]
    lean = tipped((0.0, 0.0, 0.24), tv.tilt_rad)
    return [*arm, *(posed(part, lean) for part in _screen(tv))]


def _framed(tv: WallTv) -> list[Part]:
    x, y = tv.width_m / 2, 0.285 * tv.width_m
    profile = ((0.0, 0.034), (0.08, 0.036), (0.92, 0.036), (1.0, 0.033))
    wide = tv.rim_m + 0.02
    return [
        frame((-x, -y, x, y), wide, profile, tv.border),
        canvas(2 * (x - wide) + 0.004, 2 * (y - wide) + 0.004, 0.025, tv.screen),
    ]


def _speakers(tv: WallTv) -> list[Part]:
    low = -0.285 * tv.width_m - 0.1
    bar = boards([(0.0, low, 0.045)], (0.75 * tv.width_m, 0.06, 0.09), tv.case, bevel_m=0.015)
    cloth = Material("weave", grey(0.2), 0.1, 0.95)
    grille = boards([(0.0, low, 0.0905)], (0.75 * tv.width_m - 0.04, 0.042, 0.004), cloth, bevel_m=0.001)
    return [*_flat(tv), bar, grille]


def _sampler(style: Style) -> Sampler:
    def sampler(rng: np.random.Generator) -> WallTv:
        return WallTv(
            style,
            rng.uniform(0.95, 1.5),
            rng.uniform(0.008, 0.018),
            rng.uniform(0.06, 0.16),
            screen_of(rng),
            Material("plain", grey(rng.choice([0.06, 0.1])), roughness=0.4),
            wood(rng) if rng.random() < 0.7 else Material("plain", grey(0.9), roughness=0.5),
        )

    return sampler


FAMILY = Family(
    name="wall_tv",
    label="tv",
    stands="wall",
    styles={style: _sampler(style) for style in ("flat", "tilted", "framed", "speakers")},
    unseen=("framed",),
    build=build,
)
