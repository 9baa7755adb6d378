"""Lamps that stand on tables: with a turned foot, globes, jointed desk lamps, lanterns, and mushrooms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler, batch
from maquette.worlds.assets.joinery import boards, standing
from maquette.worlds.assets.lamp import BULB, foot, shade, shade_of
from maquette.worlds.assets.softs import tipped
from maquette.worlds.assets.solids import ball, cylinder, lathe, moved, posed, scaled
from maquette.worlds.materials import linear, metal, muted, wood
from maquette.worlds.types import Asset, Material, Part

Style = Literal["turned", "globe", "desk", "lantern", "mushroom"]

_FEET: tuple[tuple[tuple[float, float], ...], ...] = (
    ((0.6, 0.0), (0.66, 0.05), (0.9, 0.25), (1.0, 0.45), (0.85, 0.68), (0.4, 0.88), (0.22, 0.95), (0.22, 1.0)),
    ((1.0, 0.0), (1.0, 0.05), (0.4, 0.12), (0.25, 0.3), (0.42, 0.5), (0.25, 0.68), (0.16, 0.85), (0.16, 1.0)),
    ((0.8, 0.0), (0.85, 0.03), (0.85, 0.85), (0.78, 0.9), (0.15, 0.93), (0.15, 1.0)),
    ((0.95, 0.0), (1.0, 0.12), (0.7, 0.4), (0.4, 0.7), (0.2, 0.9), (0.15, 1.0)),
)


@dataclass(frozen=True)
class TableLamp:
    """A lamp for a table.

    Attributes:
        style: Its shape.
        height_m: Of the whole.
        radius_m: Of the shade.
        taper: Radius of the shade's top, as a share of its bottom's.
        foot: Which of the turned feet, from 0.
        body: Material of the foot.
        shade: Material of the shade.
    """

    style: Style
    height_m: float
    radius_m: float
    taper: float
    foot: int
    body: Material
    shade: Material


def build(lamp: TableLamp) -> Asset:
    """Make a table lamp."""
    shapes: dict[Style, Callable[[TableLamp], list[Part]]] = {
        "turned": _turned,
        "globe": _globe,
        "desk": _desk,
        "lantern": _lantern,
        "mushroom": _mushroom,
    }
    return standing("table_lamp", lamp.style, shapes[lamp.style](lamp))


def _turned(lamp: TableLamp) -> list[Part]:
    high = lamp.height_m * 0.58
    profile = [(r * lamp.radius_m * 0.55, y * high) for r, y in _FEET[lamp.foot % len(_FEET)]]
    low = lamp.height_m * 0.54
    return [
        lathe(profile, lamp.body, sides=20),
        shade(low, lamp.height_m - low, lamp.radius_m, lamp.taper, lamp.shade),
    ]


def _globe(lamp: TableLamp) -> list[Part]:
    radius = lamp.radius_m * 0.75
    stem = lamp.height_m - 2 * radius
    return [
        foot(radius * 0.7, lamp.body),
        cylinder((0.0, 0.02, 0.0), stem, 0.012, lamp.body, sides=10),
        ball((0.0, lamp.height_m - radius, 0.0), (radius, radius, radius), lamp.shade, sides=20),
    ]


def _desk(lamp: TableLamp) -> list[Part]:
    tall = lamp.height_m
    joints = np.array([(0.0, 0.03, -0.06), (0.0, 0.55 * tall, -0.17), (0.0, 0.93 * tall, 0.1)])
    cone = lathe([(0.075, 0.0), (0.072, 0.03), (0.04, 0.1), (0.022, 0.13)], lamp.body, sides=20)
    bulb = cylinder((0.0, -0.004, 0.0), 0.004, 0.066, BULB, sides=14)
    head = tipped((0.0, joints[2, 1] - 0.1, joints[2, 2] + 0.075), -0.5)
    shift = np.array([(-0.004, 0.0, 0.0), (0.004, 0.0, 0.0)])
    pins = joints + np.array([0.016, 0.0, 0.0])
    return [
        moved(foot(0.09, lamp.body), (0.0, 0.0, -0.06)),
        batch.sticks(joints[:-1] + shift, joints[1:] + shift, (0.007, 0.007), lamp.body, sides=8),
        batch.sticks(pins - (0.032, 0.0, 0.0), pins, (0.013, 0.013), lamp.body, sides=10),
        posed(cone, head),
        posed(bulb, head),
    ]


def _lantern(lamp: TableLamp) -> list[Part]:
    wide, tall = lamp.radius_m * 1.2, lamp.height_m * 0.75
    edge = wide / 2 - 0.006
    posts = [(sx * edge, tall / 2, sz * edge) for sx in (-1, 1) for sz in (-1, 1)]
    return [
        boards(posts, (0.012, tall, 0.012), lamp.body),
        boards([(0.0, 0.008, 0.0), (0.0, tall + 0.0085, 0.0)], (wide + 0.01, 0.016, wide + 0.01), lamp.body),
        boards([(0.0, tall / 2, 0.0)], (wide - 0.02, tall - 0.034, wide - 0.02), lamp.shade, bevel_m=0.004),
    ]


def _mushroom(lamp: TableLamp) -> list[Part]:
    cap = [(0.16, 0.52), (0.9, 0.56), (1.0, 0.62), (0.9, 0.78), (0.6, 0.93), (0.25, 1.0)]
    stem = [(0.5, 0.0), (0.5, 0.03), (0.3, 0.12), (0.24, 0.4), (0.3, 0.55)]
    by = (lamp.radius_m, lamp.height_m, lamp.radius_m)
    return [scaled(lathe(cap, lamp.shade, sides=24), by), scaled(lathe(stem, lamp.body, sides=20), by)]


def _sampler(style: Style) -> Sampler:
    def sampler(rng: np.random.Generator) -> TableLamp:
        glazed = Material("plain", muted(rng), roughness=0.25)
        pick = rng.random()
        opal = Material("plain", linear(1.0, 0.93, 0.82), roughness=0.3, emission=1.1, casts_shadow=False)
        body = metal(rng) if style == "desk" or pick < 0.35 else (wood(rng) if pick < 0.65 else glazed)
        return TableLamp(
            style,
            rng.uniform(0.4, 0.55) if style == "desk" else rng.uniform(0.3, 0.55),
            rng.uniform(0.11, 0.18),
            rng.uniform(0.6, 0.95),
            int(rng.integers(len(_FEET))),
            body,
            opal if style in ("globe", "mushroom") else shade_of(rng),
        )

    return sampler


FAMILY = Family(
    name="table_lamp",
    label="object",
    stands="surface",
    styles={style: _sampler(style) for style in ("turned", "globe", "desk", "lantern", "mushroom")},
    unseen=("mushroom",),
    build=build,
)
