"""Floor lamps, and what they share with lamps on tables and ceilings. Shades glow, and let light through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler, batch
from maquette.worlds.assets.joinery import UP, standing
from maquette.worlds.assets.solids import cylinder, lathe, moved, tube
from maquette.worlds.materials import Rng, grey, hue, linear, metal, wood
from maquette.worlds.types import Asset, Material, Part

Style = Literal["drum", "tripod", "arc", "column", "reading", "uplight"]


@dataclass(frozen=True)
class Lamp:
    """A floor lamp.

    Attributes:
        style: Its shape.
        height_m: Of the whole.
        base_m: Radius of the foot.
        shade_m: Radius of the shade.
        taper: Radius of the shade's top, as a share of its bottom's.
        shade_height_m: Of the shade.
        body: Material of foot and pole.
        shade: Material of the shade.
    """

    style: Style
    height_m: float
    base_m: float
    shade_m: float
    taper: float
    shade_height_m: float
    body: Material
    shade: Material


BULB = Material("plain", linear(1.0, 0.9, 0.72), emission=6.0, casts_shadow=False)
"""What is seen of a lamp that is lit."""


def shade_of(rng: Rng) -> Material:
    """Cloth or paper with a lit lamp behind it."""
    color = (
        linear(1.0, rng.uniform(0.86, 0.97), rng.uniform(0.68, 0.88))
        if rng.random() < 0.75
        else hue(rng, (0.1, 0.4), (0.75, 0.95))
    )
    return Material("weave", color, 0.3, 0.9, emission=rng.uniform(0.7, 1.3), casts_shadow=False)


def shade(low: float, height_m: float, radius_m: float, taper: float, material: Material) -> Part:
    """A shade around the y axis with a diffuser in each end, set back from its rim."""
    top, rim = radius_m * taper, min(0.02, 0.2 * height_m)
    profile = [(radius_m * 0.95, rim), (radius_m * 0.98, 0.0), (radius_m, 0.002)]
    profile += [(top, height_m - 0.002), (top * 0.98, height_m), (top * 0.95, height_m - rim)]
    return moved(lathe(profile, material, sides=24), (0.0, low, 0.0))


def foot(radius_m: float, material: Material) -> Part:
    """A round foot."""
    return lathe([(radius_m, 0.0), (radius_m, 0.012), (radius_m * 0.9, 0.022), (0.025, 0.028)], material, sides=24)


def build(lamp: Lamp) -> Asset:
    """Make a floor lamp."""
    shapes: dict[Style, Callable[[Lamp], list[Part]]] = {
        "drum": _drum,
        "tripod": _tripod,
        "arc": _arc,
        "column": _column,
        "reading": _reading,
        "uplight": _uplight,
    }
    return standing("lamp", lamp.style, shapes[lamp.style](lamp))


def _drum(lamp: Lamp) -> list[Part]:
    low = lamp.height_m - lamp.shade_height_m
    pole = cylinder((0.0, 0.01, 0.0), low + 0.04, 0.011, lamp.body, sides=10)
    return [foot(lamp.base_m, lamp.body), pole, shade(low, lamp.shade_height_m, lamp.shade_m, lamp.taper, lamp.shade)]


def _tripod(lamp: Lamp) -> list[Part]:
    low = lamp.height_m - lamp.shade_height_m
    turn = np.arange(3) * 2 * np.pi / 3 + np.pi / 2
    around = np.column_stack([np.cos(turn), np.zeros(3), np.sin(turn)])
    feet = around * lamp.base_m * 2.0
    hub = low - 0.1
    return [
        batch.sticks(feet, around * 0.03 + (0.0, hub, 0.0), (0.013, 0.017), lamp.body, sides=8),
        cylinder((0.0, hub - 0.03, 0.0), 0.05, 0.05, lamp.body),
        cylinder((0.0, hub, 0.0), 0.14, 0.012, lamp.body, sides=8),
        shade(low, lamp.shade_height_m, lamp.shade_m, lamp.taper, lamp.shade),
    ]


def _arc(lamp: Lamp) -> list[Part]:
    reach, rise = 0.95, lamp.height_m - 0.4
    turn = np.linspace(np.pi, 0.25, 12)
    bow = np.column_stack([reach / 2 * (1 + np.cos(turn)), 0.4 + rise * np.sin(turn) ** 0.8, np.zeros(12)])
    path = np.concatenate([[(0.0, 0.05, 0.0)], bow])
    end = path[-1]
    dome = [(1.0, 0.0), (0.97, 0.18), (0.8, 0.55), (0.45, 0.85), (0.12, 1.0)]
    cap = lathe([(r * lamp.shade_m, y * lamp.shade_m * 0.8) for r, y in dome], lamp.body, sides=24)
    return [
        cylinder((0.0, 0.0, 0.0), 0.07, lamp.base_m, Material("marble", grey(0.9), 0.6, 0.3), sides=24),
        tube(path, 0.012, lamp.body),
        moved(cap, (end[0], end[1] - lamp.shade_m * 0.8, 0.0)),
        cylinder((end[0], end[1] - lamp.shade_m * 0.8 - 0.006, 0.0), 0.006, lamp.shade_m * 0.9, BULB, sides=20),
    ]


def _column(lamp: Lamp) -> list[Part]:
    radius, tall = lamp.shade_m * 0.75, lamp.height_m - 0.06
    bulges = np.linspace(0.0, 1.0, 15)
    profile = [(radius * (1.0 if n % 2 else 0.9), tall * y) for n, y in enumerate(bulges.tolist())]
    body = lathe(profile, replace(lamp.shade, texture="plain"), sides=20, smooth=False)
    legs = np.array([(np.cos(a), 0.0, np.sin(a)) for a in np.arange(3) * 2 * np.pi / 3]) * radius * 0.7
    return [batch.sticks(legs, legs + 0.065 * UP, (0.01, 0.01), lamp.body), moved(body, (0.0, 0.06, 0.0))]


def _reading(lamp: Lamp) -> list[Part]:
    tall = lamp.height_m - 0.08
    bend = np.linspace(np.pi, 0.2, 7)
    neck = np.column_stack([np.zeros(7), tall - 0.11 + 0.11 * np.sin(bend), 0.11 + 0.11 * np.cos(bend)])
    path = np.concatenate([[(0.0, 0.015, 0.0)], neck])
    tip = path[-1] + (0.0, 0.0, 0.02)
    cone = lathe([(0.09, 0.0), (0.085, 0.03), (0.045, 0.12), (0.02, 0.15)], lamp.body, sides=20)
    bulb = cylinder((0.0, -0.004, 0.0), 0.004, 0.078, BULB, sides=16)
    return [
        foot(lamp.base_m, lamp.body),
        tube(path, 0.01, lamp.body),
        *(moved(p, tip - (0.0, 0.12, 0.0)) for p in (cone, bulb)),
    ]


def _uplight(lamp: Lamp) -> list[Part]:
    radius = lamp.shade_m * 0.8
    pole = cylinder((0.0, 0.01, 0.0), lamp.height_m - 0.14, 0.013, lamp.body, sides=10)
    bowl = lathe(
        [(0.03, -0.14), (radius * 0.5, -0.11), (radius * 0.85, -0.05), (radius, 0.0), (radius * 0.96, 0.0)],
        lamp.body,
        sides=24,
    )
    glow = cylinder((0.0, lamp.height_m - 0.001, 0.0), 0.004, radius * 0.93, BULB, sides=20)
    return [foot(lamp.base_m, lamp.body), pole, moved(bowl, (0.0, lamp.height_m, 0.0)), glow]


def _sampler(style: Style) -> Sampler:
    def sampler(rng: np.random.Generator) -> Lamp:
        column = style == "column"
        return Lamp(
            style,
            rng.uniform(0.9, 1.3) if column else rng.uniform(1.4, 1.75) + (0.25 if style == "arc" else 0.0),
            rng.uniform(0.13, 0.17),
            rng.uniform(0.16, 0.25),
            rng.uniform(0.6, 1.0),
            rng.uniform(0.22, 0.34),
            wood(rng) if style == "tripod" and rng.random() < 0.7 else metal(rng),
            shade_of(rng),
        )

    return sampler


FAMILY = Family(
    name="lamp",
    label="object",
    stands="floor",
    styles={style: _sampler(style) for style in ("drum", "tripod", "arc", "column", "reading", "uplight")},
    unseen=("uplight",),
    build=build,
)
