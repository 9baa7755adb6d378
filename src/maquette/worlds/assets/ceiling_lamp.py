"""Lamps that hang from a ceiling: pendants, globes, drums, flat discs, spots on a rail, and chandeliers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from maquette.worlds.assets import Family, Sampler, batch
from maquette.worlds.assets.joinery import UP, boards
from maquette.worlds.assets.lamp import BULB, shade, shade_of
from maquette.worlds.assets.softs import tipped
from maquette.worlds.assets.solids import ball, cylinder, lathe, moved, posed, tube
from maquette.worlds.materials import grey, linear, metal, muted
from maquette.worlds.types import Asset, Material, Part

Style = Literal["pendant", "globe", "drum", "disc", "spots", "chandelier"]


@dataclass(frozen=True)
class CeilingLamp:
    """A lamp under a ceiling.

    Attributes:
        style: Its shape.
        drop_m: From the ceiling to its lowest point.
        radius_m: Of the shade, or half the rail's length.
        body: Material of cords and metal.
        shade: Material of what glows.
        cover: Material of a pendant's dome.
    """

    style: Style
    drop_m: float
    radius_m: float
    body: Material
    shade: Material
    cover: Material


def build(lamp: CeilingLamp) -> Asset:
    """Make a ceiling lamp."""
    shapes: dict[Style, Callable[[CeilingLamp], list[Part]]] = {
        "pendant": _pendant,
        "globe": _globe,
        "drum": _drum,
        "disc": _disc,
        "spots": _spots,
        "chandelier": _chandelier,
    }
    return Asset("ceiling_lamp", lamp.style, tuple(shapes[lamp.style](lamp)))


def _cord(lamp: CeilingLamp, length: float) -> list[Part]:
    rose = lathe([(0.03, -0.035), (0.055, -0.02), (0.06, 0.0)], lamp.body, sides=16)
    return [rose, cylinder((0.0, -length, 0.0), length - 0.01, 0.004, lamp.body, sides=6)]


def _pendant(lamp: CeilingLamp) -> list[Part]:
    high, low = lamp.radius_m * 0.8, -lamp.drop_m
    dome = [(0.96, 0.03), (1.0, 0.0), (0.98, 0.2), (0.82, 0.55), (0.45, 0.85), (0.14, 0.95), (0.12, 1.15)]
    cover = lathe([(r * lamp.radius_m, y * high) for r, y in dome], lamp.cover, sides=24)
    glow = cylinder((0.0, low + 0.02 * high, 0.0), 0.012, lamp.radius_m * 0.94, BULB, sides=20)
    return [*_cord(lamp, lamp.drop_m - high), moved(cover, (0.0, low, 0.0)), glow]


def _globe(lamp: CeilingLamp) -> list[Part]:
    radius = lamp.radius_m * 0.8
    middle = (0.0, radius - lamp.drop_m, 0.0)
    return [*_cord(lamp, lamp.drop_m - 2 * radius + 0.01), ball(middle, (radius, radius, radius), lamp.shade, sides=22)]


def _drum(lamp: CeilingLamp) -> list[Part]:
    high = lamp.radius_m * 0.9
    return [*_cord(lamp, lamp.drop_m - high + 0.03), shade(-lamp.drop_m, high, lamp.radius_m, 1.0, lamp.shade)]


def _disc(lamp: CeilingLamp) -> list[Part]:
    radius = lamp.radius_m
    rim = lathe([(radius * 0.98, -0.055), (radius, -0.05), (radius, 0.0)], lamp.body, sides=28)
    bowl = lathe(
        [(0.0, -0.095), (radius * 0.5, -0.088), (radius * 0.85, -0.068), (radius * 0.95, -0.05)], lamp.shade, sides=28
    )
    return [rim, bowl]


def _spots(lamp: CeilingLamp) -> list[Part]:
    half = lamp.radius_m * 2
    parts = [boards([(0.0, -0.0125, 0.0)], (2 * half, 0.025, 0.035), lamp.body)]
    can = lathe([(0.032, 0.0), (0.036, 0.01), (0.036, 0.09), (0.02, 0.11)], lamp.body, sides=14)
    bulb = cylinder((0.0, -0.003, 0.0), 0.003, 0.028, BULB, sides=12)
    for at, x in enumerate(np.linspace(-half + 0.08, half - 0.08, 3)):
        pose = tipped((float(x), -0.16, 0.03), -0.35 - 0.15 * at)
        parts += [posed(can, pose), posed(bulb, pose)]
        parts.append(cylinder((float(x), -0.09, 0.0), 0.07, 0.007, lamp.body, sides=8))
    return parts


def _chandelier(lamp: CeilingLamp) -> list[Part]:
    low, radius, count = -lamp.drop_m, lamp.radius_m * 1.3, 6
    column = [(0.012, 0.0), (0.035, 0.03), (0.02, 0.08), (0.05, 0.14), (0.02, 0.2), (0.03, 0.25), (0.012, 0.3)]
    parts = [*_cord(lamp, lamp.drop_m - 0.28), moved(lathe(column, lamp.body, sides=14), (0.0, low, 0.0))]
    reach = np.linspace(0.0, 1.0, 8)
    arm = np.column_stack(
        [0.02 + (radius - 0.02) * reach, low + 0.13 - 0.09 * np.sin(np.pi * reach) + 0.05 * reach, 0 * reach]
    )
    tips = []
    for at in range(count):
        turn = at * 2 * np.pi / count
        spin = np.array([[np.cos(turn), 0, -np.sin(turn)], [0, 1, 0], [np.sin(turn), 0, np.cos(turn)]])
        path = arm @ spin.T
        parts.append(tube(path, 0.007, lamp.body, sides=6))
        tips.append(path[-1])
    tip = np.array(tips)
    parts.append(batch.sticks(tip, tip + 0.014 * UP, (0.012, 0.035), lamp.body, sides=12))
    parts.append(
        batch.sticks(tip + 0.0145 * UP, tip + 0.09 * UP, (0.011, 0.011), Material("plain", grey(0.92)), sides=8)
    )
    parts.append(batch.sticks(tip + 0.0905 * UP, tip + 0.135 * UP, (0.014, 0.003), BULB, sides=8))
    return parts


def _sampler(style: Style) -> Sampler:
    def sampler(rng: np.random.Generator) -> CeilingLamp:
        opal = Material("plain", linear(1.0, 0.95, 0.86), roughness=0.4, emission=1.3, casts_shadow=False)
        drop = {"disc": 0.095, "spots": 0.2}.get(style, rng.uniform(0.45, 0.8))
        return CeilingLamp(
            style,
            drop,
            rng.uniform(0.16, 0.26),
            metal(rng),
            shade_of(rng) if style == "drum" else opal,
            Material("plain", muted(rng), roughness=0.35),
        )

    return sampler


FAMILY = Family(
    name="ceiling_lamp",
    label="object",
    stands="ceiling",
    styles={style: _sampler(style) for style in ("pendant", "globe", "drum", "disc", "spots", "chandelier")},
    unseen=("chandelier",),
    build=build,
)
